"""The mock cluster inside librdkafka; without the extra `topics` its tests are skipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from kanister_kafka.topics.client import ClientAccess, KafkaConsumer
from tests.topics.record_factory import Record, log

confluent_kafka = pytest.importorskip("confluent_kafka")
PARTITIONS = (0, 1, 2, 3)
MANY = log(300)


@dataclass
class Brokers:
    """The mock cluster, and a producer of it."""

    producer: object
    address: str
    opened: list[KafkaConsumer] = field(default_factory=list)

    def write(self, topic: str, held: Mapping[int, list[Record]]) -> str:
        for number, records in held.items():
            for record in records:
                self.producer.produce(
                    topic,
                    partition=number,
                    key=record.key(),
                    value=record.value(),
                    timestamp=record.time,
                    headers=record.headers(),
                )
                self.producer.poll(0)
        assert self.producer.flush(30) == 0
        return topic

    def cluster(
        self, label: str = "mock", kind: type[KafkaConsumer] = KafkaConsumer
    ) -> KafkaConsumer:
        known = {"bootstrap.servers": self.address, "fetch.wait.max.ms": "10"}
        self.opened.append(kind(ClientAccess(label, known), 5.0))
        return self.opened[-1]


def start_mock_cluster() -> Brokers:
    producer = confluent_kafka.Producer(
        {
            "test.mock.num.brokers": 1,
            "bootstrap.servers": "replaced",
            "message.max.bytes": 4 << 20,
            "linger.ms": 1,
            "log_level": 0,
        }
    )
    (broker,) = producer.list_topics(timeout=10).brokers.values()
    return Brokers(producer, f"{broker.host}:{broker.port}")


def everywhere(records: list[Record]) -> dict[int, list[Record]]:
    return dict.fromkeys(PARTITIONS, records)
