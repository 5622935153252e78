"""The result of a verification: the restored partitions compared with those of the backup."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from kanister_kafka import constants
from kanister_kafka.kube.client import KubeClient, Object
from kanister_kafka.kube.objects import get_path, join_limited, label
from kanister_kafka.operations.backups.model import Backup, PartitionOffsets
from kanister_kafka.operations.start_action import SECRETS
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.timestamps import format_second


class VerificationOutcome(enum.Enum):
    """How a verification ended."""

    PASSED = "passed"
    FAILED = "failed"
    STARTED = "started"
    """The copy became Ready without a fault, but the backup has no offsets to compare with."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """How a verification ended."""

    backup: Backup
    target: KafkaRef
    time: datetime
    faults: tuple[str, ...]
    """Why the backup is not good; empty if it is."""
    notes: tuple[str, ...] = ()
    """Differences that are not faults, and partitions that were not compared."""
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
        return VerificationOutcome.PASSED if self.compared else VerificationOutcome.STARTED


def compare_offsets(
    recorded: Iterable[PartitionOffsets], found: dict[tuple[str, int], tuple[int, int]]
) -> tuple[list[str], list[str], int]:
    """Compare the ends of partitions with the backup; return faults, notes and how many were.

    `found` has earliest and latest offset by topic and partition. The offsets were read before the
    brokers stopped: until then a partition can grow, and retention can move its beginning. Both
    are notes. It is a fault if nothing is left of a partition that had records.
    """
    faults, longer, later, unknown = [], [], [], 0
    compared = 0
    by_topic: dict[str, int] = {}
    for (topic, _partition), (_earliest, end) in found.items():
        by_topic[topic] = by_topic.get(topic, 0) + end
    for row in recorded:
        if row.latest is None:
            unknown += 1
            continue
        earliest: int | None = None
        latest: int | None = None
        if row.partition is None:
            latest = by_topic.get(row.topic)
        elif offsets := found.get((row.topic, row.partition)):
            earliest, latest = offsets
        if latest is None:
            faults.append(f"partition {row} is not there")
            continue
        compared += 1
        if latest < row.latest:
            faults.append(f"partition {row} ends at {latest}, and ended at {row.latest}")
        elif earliest == latest and row.records:
            faults.append(f"partition {row} is empty, and had {row.records} records")
        elif latest > row.latest:
            longer.append(f"{row} by {latest - row.latest}")
        if earliest is not None and row.earliest is not None and earliest > row.earliest:
            later.append(f"{row} at {earliest}, not {row.earliest}")
    notes = []
    if longer:
        notes.append(f"longer than when its offsets were read: {join_limited(sorted(longer))}")
    if later:
        notes.append(f"begins later, as retention has deleted records: {join_limited(later)}")
    if unknown:
        notes.append(f"{unknown} partitions were not compared: their end could not be read")
    if not compared:
        notes.append("no offset was compared: the backup has none")
    return faults, notes, compared


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
