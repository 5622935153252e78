"""Events of Kubernetes on a Kafka, as the steps of a Blueprint write them."""

from __future__ import annotations

from datetime import datetime

from kanister_kafka.constants import COMPONENT
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.operations.live_kafka import LiveKafka
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.timestamps import format_second

MAX_MESSAGE = 1000
"""Characters of a message; events.k8s.io allows 1024 in a note."""


def write_warning_event(
    connection: KubeClient, kafka: KafkaRef, reason: str, message: str, now: datetime
) -> None:
    """Write a Warning on a Kafka, if it exists. Raises the errors of KubeClient."""
    item = LiveKafka(connection, kafka).find()
    if item is None:
        return
    time = format_second(now)
    connection.create(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{kafka.name}.", "namespace": kafka.namespace},
            "involvedObject": {
                "apiVersion": item["apiVersion"],
                "kind": item["kind"],
                "name": kafka.name,
                "namespace": kafka.namespace,
                "uid": item["metadata"].get("uid", ""),
            },
            "type": "Warning",
            "reason": reason,
            "message": message[:MAX_MESSAGE],
            "source": {"component": COMPONENT},
            "count": 1,
            "firstTimestamp": time,
            "lastTimestamp": time,
        }
    )
