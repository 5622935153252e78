"""A backup, as its Secrets and snapshots show it, and the text in these Secrets."""

from __future__ import annotations

import base64
import binascii
import enum
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone

from kanister_kafka.backup.options import Strategy
from kanister_kafka.kube.client import Object
from kanister_kafka.strimzi.discovery import KafkaRef

NAME = re.compile(r"[0-9]{14}")
PROVEN = ("", Strategy.ONLINE.value)
"""Strategies by which a complete backup shows one moment; an empty one is that of a stop."""
"""Name of a backup: the time at which its action started, in UTC."""


class BackupStatus(enum.Enum):
    """Whether a backup can be restored."""

    COMPLETE = "complete"
    RUNNING = "running"
    """Not complete, and its action may not have ended."""
    INCOMPLETE = "incomplete"
    """Its action has failed or was interrupted; a restore refuses it."""
    DAMAGED = "damaged"
    """It was complete, and a Secret or a snapshot is no longer there or cannot be used."""


@dataclass(frozen=True, slots=True)
class BackupSnapshot:
    """A VolumeSnapshot of a backup."""

    name: str
    """CLAIM-BACKUP, or the generated name of a member of a VolumeGroupSnapshot."""
    claim: str
    ready: bool
    restore_size: str = ""
    """Quantity, such as `10Gi`; empty if the driver does not report it."""


@dataclass(frozen=True, slots=True)
class TopicRetention:
    """How long a topic kept its records when the backup was made."""

    name: str
    retention_ms: int
    """-1 if records do not expire by time."""
    retention_bytes: int
    """-1 if the size of a partition is not limited."""
    deletes: bool
    """Whether its cleanup policy deletes."""

    def expired(self, age_ms: float) -> bool:
        """Return whether every record of a backup of that age has expired."""
        return self.deletes and 0 <= self.retention_ms < age_ms


@dataclass(frozen=True, slots=True)
class PartitionOffsets:
    """Offsets of a partition when its backup was made, after the clients had stopped."""

    topic: str
    partition: int | None
    """None for the sums of a topic, if there were too many partitions to keep."""
    earliest: int | None
    latest: int | None
    """Offset of the next record; None if it could not be read."""
    size: int | None = None
    """Bytes of its largest replica."""

    @property
    def records(self) -> int | None:
        """Records, at most: a compacted partition has gaps."""
        if self.earliest is None or self.latest is None:
            return None
        return self.latest - self.earliest

    def __str__(self) -> str:
        return self.topic if self.partition is None else f"{self.topic}-{self.partition}"


@dataclass(frozen=True, slots=True)
class TopicSize:
    """Records and bytes of a topic when its backup was made."""

    name: str
    partitions: int | None
    """None if only the sums of the topic were kept."""
    records: int | None
    """At most: a compacted topic has gaps. None if a partition could not be read."""
    size: int | None
    """Bytes of one replica of each partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup of a Kafka by the action `backup`."""

    name: str
    kafka: KafkaRef
    run: str = ""
    """Digits of the start of its action, which the objects of the backup have as a label."""
    uid: str = ""
    """Of the Secret with its facts, which its copy has as a tag; empty if the Secret is missing."""
    complete_since: str = ""
    """Time at which the last snapshot was ready; empty if the backup is not marked as complete."""
    has_mark: bool = True
    """Whether its format has that mark; the first format had none."""
    kafka_version: str = ""
    cluster_id: str = ""
    stop: str = ""
    """`clean` or `unclean`; empty if neither its Secret with the facts nor its ActionSet has it."""
    strategy: str = ""
    """`online` or `hot` if its brokers ran during the snapshots; empty otherwise, or if it is not
    complete. Another value is of a later version."""
    action_set: str = ""
    """`NAMESPACE/NAME` of the ActionSet that made it, if it is still there."""
    not_kept: str = ""
    """Objects of other namespaces that the backup does not contain."""
    snapshots: tuple[BackupSnapshot, ...] = ()
    claims: tuple[str, ...] = ()
    """Claims that a restore makes, each from its snapshot."""
    secrets: int = 0
    """Secrets with objects that are there."""
    expected_secrets: int | None = None
    """Secrets with objects that there must be; None if the Secret with the facts is missing."""
    topics: tuple[TopicRetention, ...] = ()
    offsets: tuple[PartitionOffsets, ...] = ()
    """Of every partition, internal topics too; empty in backups of earlier versions."""
    verified: str = ""
    """How its last verification ended: `passed`, `failed`, or `started` if not all of it could be
    verified; empty if there was none."""
    verified_at: str = ""
    """When that was, as RFC 3339."""
    exported: str = ""
    """Repository with its copy, as restic names it; empty if there is none."""
    exported_at: str = ""
    """When it was copied, as RFC 3339; empty if there is no copy, or if it is being deleted."""
    copy_verified: str = ""
    """How the last verification of its copy ended; empty if there was none since it was copied."""
    copy_verified_at: str = ""
    """When that was, as RFC 3339."""
    copy_verified_in: str = ""
    """Repository from which the copy was restored for it."""
    running: str = ""
    """Why its action may not have ended; empty if it has."""
    damages: tuple[str, ...] = ()
    """Secrets that cannot be read as a step has written them, a sentence each."""

    @property
    def is_consistent(self) -> bool:
        """Whether its steps have shown that its volumes have one moment: by a stop, or online."""
        return self.strategy in PROVEN

    @property
    def started(self) -> datetime | None:
        """Time at which the action started."""
        try:
            return datetime.strptime(self.name, "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
        except ValueError:
            return None

    @property
    def secret_faults(self) -> tuple[str, ...]:
        """Secrets that a restore needs and that are missing or damaged."""
        faults = list(self.damages)
        if self.expected_secrets is None:
            faults.append(f"Secret {self.kafka.name}-backup-{self.name}-facts is not there")
        elif self.secrets < self.expected_secrets:
            faults.append(f"{self.secrets} of {self.expected_secrets} Secrets are there")
        if not self.claims:
            faults.append("the list of its claims is not there")
        return tuple(faults)

    @property
    def faults(self) -> tuple[str, ...]:
        """Objects that a restore needs and that are missing or cannot be used."""
        faults = list(self.secret_faults)
        present = {snapshot.claim: snapshot for snapshot in self.snapshots}
        for claim in self.claims:
            if claim not in present:
                faults.append(f"VolumeSnapshot {claim}-{self.name} is not there")
            elif not present[claim].ready:
                faults.append(f"VolumeSnapshot {present[claim].name} is not ready to use")
        return tuple(faults)

    @property
    def status(self) -> BackupStatus:
        """Whether it can be restored."""
        if self.complete_since or not (self.has_mark or self.faults):
            return BackupStatus.DAMAGED if self.faults else BackupStatus.COMPLETE
        return BackupStatus.RUNNING if self.running else BackupStatus.INCOMPLETE

    @property
    def restorable(self) -> bool:
        """Whether a restore would accept it."""
        return self.status is BackupStatus.COMPLETE

    @property
    def topic_sizes(self) -> tuple[TopicSize, ...]:
        """Sizes of the topics, internal ones too, by name."""
        by_topic: dict[str, list[PartitionOffsets]] = {}
        for row in self.offsets:
            by_topic.setdefault(row.topic, []).append(row)
        sizes = []
        for name, rows in sorted(by_topic.items()):
            summed = any(row.partition is None for row in rows)
            records = _sum(row.records for row in rows)
            size = _sum(row.size for row in rows)
            sizes.append(TopicSize(name, None if summed else len(rows), records, size))
        return tuple(sizes)

    @property
    def records(self) -> int | None:
        """Records of all topics; None if they are not known."""
        return _sum(topic.records for topic in self.topic_sizes) if self.offsets else None

    @property
    def size(self) -> int | None:
        """Bytes of all topics, one replica of each partition; None if they are not known."""
        return _sum(topic.size for topic in self.topic_sizes) if self.offsets else None

    @property
    def has_failed_verification(self) -> bool:
        """Whether its last verification has found a fault, although it is complete."""
        return self.verified == "failed"

    @property
    def is_copy_being_deleted(self) -> bool:
        """Whether the deletion of its copy has begun, and has not ended."""
        return bool(self.exported) and not self.exported_at

    def expired_topics(self, now: datetime) -> tuple[str, ...]:
        """Return the topics whose records have all expired since the backup was made."""
        if self.started is None:
            return ()
        age = (now - self.started).total_seconds() * 1000
        return tuple(topic.name for topic in self.topics if topic.expired(age))

    def __str__(self) -> str:
        return f"backup {self.name} of Kafka {self.kafka}"


def _sum(numbers: Iterable[int | None]) -> int | None:
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The backups of a namespace or of all, the newest first."""

    backups: tuple[Backup, ...]
    unreadable: tuple[str, ...] = ()
    """Failures of reading, a sentence each."""


# The text that a Secret of a backup holds, as `templates/scripts` has written it.

GZIP = b"\x1f\x8b"
"""How gzip begins."""
MAX_UNPACKED = 16 * 2**20
"""Bytes of objects in one Secret: the steps put at most 700,000 into each before they compress."""


def unpack_secret(secret: Object) -> str:
    """Return the text of a Secret; ValueError if it is not as a step has written it.

    Its key is `objects.json.gz`, or `objects` in facts, topics and backups of the first format.
    """
    data = secret.get("data") or {}
    try:
        raw = base64.b64decode(data.get("objects.json.gz") or data.get("objects") or "")
        return (_unpacked(raw) if raw[:2] == GZIP else raw).decode()
    except (binascii.Error, zlib.error, UnicodeDecodeError) as failure:
        raise ValueError(str(failure)) from failure


def unpack_facts(secret: Object) -> dict[str, str]:
    """Return the facts of a backup by key; ValueError if a step has not written them so."""
    return dict(line.partition("=")[::2] for line in unpack_secret(secret).splitlines())


def _unpacked(raw: bytes) -> bytes:
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    text = unpack.decompress(raw, MAX_UNPACKED)
    if unpack.unconsumed_tail:
        raise ValueError(f"it holds more than {MAX_UNPACKED} bytes")
    if not unpack.eof:
        raise ValueError("it is truncated")
    return text
