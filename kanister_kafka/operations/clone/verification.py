"""The result of a verification, and its annotation on the backup."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from kanister_kafka import constants
from kanister_kafka.kube.client import SECRETS, KubeClient, Object
from kanister_kafka.kube.objects import get_path, label
from kanister_kafka.operations.backups.model import Backup
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.timestamps import format_second


class VerificationOutcome(enum.Enum):
    """How a verification ended."""

    PASSED = "passed"
    """Every partition was compared with the backup, and there is no fault."""
    FAILED = "failed"
    STARTED = "started"
    """The copy became Ready, and no fault was found, but not all of it could be verified."""


class RecordsRead(enum.Enum):
    """How much of the restored volumes is read."""

    NONE = "none"
    SAMPLE = "sample"
    """The newest two segments of each partition."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class RecordsResult:
    """The result of reading the log segments of all brokers."""

    batches: int = 0
    records: int = 0
    """Of all replicas."""
    damaged: tuple[str, ...] = ()
    """Replicas with a batch whose checksum is wrong, or with bytes that are not a batch."""
    unread: tuple[str, ...] = ()
    """Partitions that have records, and of which no batch of any replica was read."""


@dataclass(frozen=True, slots=True)
class SourceResult:
    """The records of a copy compared with those of the running Kafka that it came from."""

    partitions: int
    """Partitions of which batches were compared."""
    batches: int
    records: int
    """Of one replica of each partition."""
    differences: tuple[str, ...]
    notes: tuple[str, ...]
    """Partitions that were not compared, and why."""
    earlier: tuple[str, ...] = ()
    """Partitions of which the source still has records before the first one of the copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """How a verification ended."""

    backup: Backup
    target: KafkaRef
    time: datetime
    faults: tuple[str, ...]
    """Why the backup is not good; empty if it is."""
    notes: tuple[str, ...] = ()
    """Differences that are not faults, and partitions that were not compared with the source."""
    unverified: tuple[str, ...] = ()
    """Parts that were not compared with the backup, and differences of unknown cause."""
    partitions: int = 0
    """Partitions of the restored Kafka, internal ones too."""
    compared: int = 0
    """Partitions whose end was compared with the backup."""
    records: RecordsResult | None = None
    """None if no records were read."""
    source: SourceResult | None = None
    """None if the copy was not compared with its source."""
    started: bool = True
    """Whether every node of the copy became Ready."""
    repository: str = ""
    """Repository of restic from which it was restored; empty if from snapshots."""

    @property
    def outcome(self) -> VerificationOutcome:
        """How it ended."""
        if self.faults:
            return VerificationOutcome.FAILED
        if self.unverified or not self.compared:
            return VerificationOutcome.STARTED
        return VerificationOutcome.PASSED


def record_result(connection: KubeClient, result: Verification) -> None:
    """Write the result into the Secret with the facts of the backup."""
    _annotate(
        connection,
        result.backup,
        {
            constants.VERIFIED: result.outcome.value,
            constants.VERIFIED_AT: format_second(result.time),
        },
    )


def record_copy_result(connection: KubeClient, result: Verification) -> str:
    """Write the result of a copy in a store into the Secret of the backup that it is a copy of.

    Returns why it is not written if this cluster does not have that backup, and an empty text if it
    is. The store is not written: it may refuse that, and a copy must not change after it was made.
    """
    backup = result.backup
    live = connection.find(SECRETS, _facts_name(backup), backup.kafka.namespace)
    if live is None:
        return f"{backup} is not in this cluster"
    if not _is_same(backup, live):
        return f"{backup} of this cluster is another one with the same name"
    _annotate(
        connection,
        backup,
        {
            constants.COPY_VERIFIED: result.outcome.value,
            constants.COPY_VERIFIED_AT: f"{format_second(result.time)} {result.repository}",
        },
    )
    return ""


def _is_same(copied: Backup, secret: Object) -> bool:
    """Return whether a Secret is of the backup that was copied; copies of old have no uid."""
    if copied.uid:
        return copied.uid == str(get_path(secret, "metadata", "uid") or "")
    return bool(copied.run) and copied.run == label(secret, constants.RUN)


def _annotate(connection: KubeClient, backup: Backup, annotations: Mapping[str, str]) -> None:
    change = {"metadata": {"annotations": {**annotations}}}
    connection.patch(SECRETS, _facts_name(backup), backup.kafka.namespace, change)


def _facts_name(backup: Backup) -> str:
    return f"{backup.kafka.name}-backup-{backup.name}-facts"
