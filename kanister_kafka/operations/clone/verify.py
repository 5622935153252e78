"""Whether a backup that was restored next to its source holds what it recorded."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib import resources

from kanister_kafka import constants
from kanister_kafka.errors import ActionError
from kanister_kafka.kube.client import PODS, KubeClient, Object
from kanister_kafka.kube.exec import exec_in_pod
from kanister_kafka.kube.objects import get_path, is_ready, join_limited, name_of
from kanister_kafka.operations.backups.model import Backup, PartitionOffsets
from kanister_kafka.operations.broker_tools import broker_script
from kanister_kafka.operations.clone.plan import ClonePlan
from kanister_kafka.operations.start_action import SECRETS
from kanister_kafka.strimzi.discovery import KafkaRef, find_resource, is_broker_pod
from kanister_kafka.timestamps import format_second

SAMPLED_SEGMENTS = 2
"""The newest segments of each partition that a sample reads."""
REPLICATION_PORT = 9091
LOOK_S = 120
RECORDS_S = 3600


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

    started: bool = True
    """Whether every node of the copy became Ready."""

    @property
    def outcome(self) -> VerificationOutcome:
        """How it ended."""
        if self.faults:
            return VerificationOutcome.FAILED
        return VerificationOutcome.PASSED if self.compared else VerificationOutcome.STARTED


class Verifier:
    """Looks at a restored copy that is Ready."""

    def __init__(self, connection: KubeClient, plan: ClonePlan, context: str = "") -> None:
        self._connection = connection
        self._plan = plan
        self._context = context
        self._target = plan.target

    def verify(self, read: RecordsRead, now: datetime) -> Verification:
        """Compare identity, partitions and offsets, and read records."""
        faults = list(self._identity())
        brokers = self._brokers()
        found = self._offsets(brokers[0])
        unavailable = self._run(brokers[0], "unavailable", LOOK_S)
        faults += [f"partition {line.replace(' ', '-')} has no leader" for line in unavailable]
        recorded = self._plan.backup.offsets
        differences, notes, compared = compare_offsets(recorded, found)
        faults += differences
        records = None
        if read is not RecordsRead.NONE:
            records = self._records(brokers, read)
            faults += [f"damaged: {replica}" for replica in records.damaged]
        return Verification(
            backup=self._plan.backup,
            target=self._target,
            time=now,
            faults=tuple(faults),
            notes=tuple(notes),
            partitions=len(found),
            compared=compared,
            records=records,
        )

    def _identity(self) -> Iterable[str]:
        kafkas = find_resource(self._connection, "Kafka")
        assert kafkas is not None  # noqa: S101 - the copy is one
        kafka = self._connection.get(kafkas, self._target.name, self._target.namespace)
        expected, found = self._plan.cluster_id, get_path(kafka, "status", "clusterId")
        if expected and found != expected:
            yield f"the cluster id is {found}, and that of the backup is {expected}"

    def _brokers(self) -> list[Object]:
        selector = f"{constants.CLUSTER_LABEL}={self._target.name}"
        pods = self._connection.items(PODS, self._target.namespace, selector)
        found = [pod for pod in pods if is_broker_pod(pod, self._target.name) and is_ready(pod)]
        expected = self._expected_brokers()
        if not found or len(found) != expected:
            raise ActionError(
                f"{len(found)} of {expected} brokers of Kafka {self._target} are Ready: their "
                "volumes cannot be read"
            )
        return sorted(found, key=name_of)

    def _expected_brokers(self) -> int:
        count = 0
        for pool in self._plan.pools:
            if "broker" in (pool["spec"].get("roles") or ()):
                count += int(pool["spec"].get("replicas") or 0)
        return count or int(self._plan.kafka["spec"]["kafka"].get("replicas") or 0)

    def _offsets(self, broker: Object) -> dict[tuple[str, int], tuple[int, int]]:
        earliest: dict[tuple[str, int], int] = {}
        latest: dict[tuple[str, int], int] = {}
        for line in self._run(broker, "offsets", 2 * LOOK_S):
            which, _, rest = line.partition(" ")
            topic, partition, offset = rest.rsplit(":", 2)
            into = earliest if which == "earliest" else latest
            into[topic, int(partition)] = int(offset)
        return {key: (earliest.get(key, 0), end) for key, end in latest.items()}

    def _records(self, brokers: Iterable[Object], read: RecordsRead) -> RecordsResult:
        batches = records = 0
        damaged = []
        count = SAMPLED_SEGMENTS if read is RecordsRead.SAMPLE else 0
        for broker in brokers:
            for line in self._run(broker, "records", RECORDS_S, str(count)):
                name, *numbers = line.split(" ")
                checked, counted, broken, trailing = map(int, numbers)
                batches += checked
                records += counted
                if broken or trailing:
                    damaged.append(
                        f"{name} on {name_of(broker)}: {broken} batches with a wrong checksum, "
                        f"{trailing} bytes that are not a batch"
                    )
        return RecordsResult(batches, records, tuple(damaged))

    def _run(self, broker: Object, what: str, seconds: int, *more: str) -> list[str]:
        """Return the lines of verify.sh; ActionError if it did not come to its end."""
        pod, home = name_of(broker), self._target.namespace
        address = f"{self._target.name}-kafka-brokers.{home}.svc:{REPLICATION_PORT}"
        script = broker_script(resources.files(__package__).joinpath("verify.sh").read_text())
        done = exec_in_pod(
            pod,
            home,
            ("bash", "-c", script, "verify", what, address, str(seconds), *more),
            context=self._context,
            container="kafka",
            seconds=seconds + 60,
        )
        lines = done.output.splitlines()
        if done.code != 0 or not lines or lines[-1] != "end":
            reason = " ".join(done.errors.split())[-300:] or "no output"
            raise ActionError(f"pod {pod}: cannot read {what}: {reason}")
        return lines[:-1]


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
    backup = result.backup
    change = {
        "metadata": {
            "annotations": {
                constants.VERIFIED: result.outcome.value,
                constants.VERIFIED_AT: format_second(result.time),
            }
        }
    }
    name = f"{backup.kafka.name}-backup-{backup.name}-facts"
    connection.patch(SECRETS, name, backup.kafka.namespace, change)
