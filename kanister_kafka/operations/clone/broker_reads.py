"""Partitions, topics and records, read by Kafka's own programs in the pods of brokers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources

from kanister_kafka.errors import ActionError
from kanister_kafka.kube.client import KubeClient, Object
from kanister_kafka.kube.exec import exec_in_pod
from kanister_kafka.kube.objects import name_of
from kanister_kafka.operations.live_kafka import (
    LiveKafka,
    broker_script,
    ready_brokers,
    replication_address,
)
from kanister_kafka.strimzi.discovery import KafkaRef

LOOK_S = 120
RECORDS_S = 3600


@dataclass(frozen=True, slots=True)
class ReplicaRecords:
    """The batches of one replica, or of a range of it."""

    partition: str
    """`TOPIC-PARTITION`."""
    broker: str
    """Name of the pod."""
    batches: int
    records: int
    broken: int
    """Batches whose checksum is wrong."""
    trailing: int
    """Bytes that are not a batch."""
    digest: int = 0
    """Of first offset, bytes and checksum of each batch, in any order."""


@dataclass(frozen=True, slots=True)
class TopicIdentity:
    """Whether two topics of one name can have the same batches."""

    topic_id: str
    """A topic that is deleted and created again has another."""
    compacted: bool
    """Whether Kafka may rewrite its batches at any time."""


class BrokerReader:
    """Runs verify.sh in the brokers of one Kafka, and returns what it prints.

    Every method raises ActionError if a program in a pod fails or does not end in its time.
    """

    def __init__(self, connection: KubeClient, kafka: KafkaRef, context: str = "") -> None:
        self._connection = connection
        self._kafka = kafka
        self._context = context

    def brokers(self) -> list[Object]:
        """Return the pods of the brokers that are Ready, by name."""
        pods = LiveKafka(self._connection, self._kafka).nodes()
        return sorted(ready_brokers(pods, self._kafka.name), key=name_of)

    def offsets(self, broker: Object) -> dict[tuple[str, int], tuple[int | None, int]]:
        """Return earliest and latest offset of each partition, internal topics too.

        The earliest is None if the broker did not return it: the tool leaves it out without an
        error.
        """
        earliest: dict[tuple[str, int], int] = {}
        latest: dict[tuple[str, int], int] = {}
        for line in self._run(broker, "offsets", 2 * LOOK_S):
            which, _, row = line.partition(" ")
            topic, partition, offset = row.rsplit(":", 2)
            into = earliest if which == "earliest" else latest
            into[topic, int(partition)] = int(offset)
        return {key: (earliest.get(key), end) for key, end in latest.items()}

    def without_leader(self, broker: Object) -> list[str]:
        """Return the partitions without a leader, as `TOPIC-PARTITION`."""
        lines = self._run(broker, "unavailable", LOOK_S)
        return [line.replace(" ", "-") for line in lines]

    def topics(self, broker: Object) -> dict[str, TopicIdentity]:
        """Return every topic, internal ones too."""
        topics = {}
        for line in self._run(broker, "topics", LOOK_S):
            name, topic_id, policy = line.split(" ")
            topics[name] = TopicIdentity(topic_id, compacted=policy == "compact")
        return topics

    def records(self, brokers: Iterable[Object], segments: int = 0) -> Iterator[ReplicaRecords]:
        """Yield every replica of some brokers, of which the newest segments are read, or all."""
        for broker in brokers:
            lines = self._run(broker, "records", RECORDS_S, str(segments))
            yield from _replicas(broker, lines)

    def ranges(
        self, brokers: Iterable[Object], ranges: Mapping[str, tuple[int, int]]
    ) -> Iterator[ReplicaRecords]:
        """Yield every replica of some partitions: the batches with an offset in [first, end)."""
        rows = [f"{name} {first} {end}" for name, (first, end) in sorted(ranges.items())]
        for broker in brokers:
            lines = self._run(broker, "ranges", RECORDS_S, lines=rows)
            yield from _replicas(broker, lines)

    def _run(
        self, broker: Object, what: str, seconds: int, *more: str, lines: Iterable[str] = ()
    ) -> list[str]:
        pod, namespace = name_of(broker), self._kafka.namespace
        address = replication_address(self._kafka.name, namespace)
        script = broker_script(resources.files(__package__).joinpath("verify.sh").read_text())
        result = exec_in_pod(
            pod,
            namespace,
            ("bash", "-c", script, "verify", what, address, str(seconds), *more),
            context=self._context,
            container="kafka",
            seconds=seconds + 60,
            lines=tuple(lines),
        )
        output = result.output.splitlines()
        if result.code != 0 or not output or output[-1] != "end":
            reason = " ".join(result.errors.split())[-300:] or "no output"
            raise ActionError(f"pod {namespace}/{pod}: cannot read {what}: {reason}")
        return output[:-1]


def _replicas(broker: Object, lines: Iterable[str]) -> Iterator[ReplicaRecords]:
    for line in lines:
        name, *numbers = line.split(" ")
        yield ReplicaRecords(name, name_of(broker), *map(int, numbers))
