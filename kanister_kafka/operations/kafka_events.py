"""Events of Kubernetes on a Kafka, as the steps of a Blueprint write them."""

from __future__ import annotations

from datetime import datetime

from kanister_kafka.constants import COMPONENT
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.strimzi.discovery import KafkaRef, find_resource
from kanister_kafka.timestamps import format_second

MAX_MESSAGE = 1000
"""Characters of a message; events.k8s.io allows 1024 in a note."""


def write_warning_event(
    connection: KubeClient, kafka: KafkaRef, reason: str, message: str, now: datetime
) -> None:
    """Write a Warning on a Kafka, if it exists. Raises the errors of KubeClient."""
    resource = find_resource(connection, "Kafka")
    found = connection.find(resource, kafka.name, kafka.namespace) if resource else None
    if found is None or resource is None:
        return
    time = format_second(now)
    connection.create(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{kafka.name}.", "namespace": kafka.namespace},
            "involvedObject": {
                "apiVersion": resource.api_version,
                "kind": resource.kind,
                "name": kafka.name,
                "namespace": kafka.namespace,
                "uid": found["metadata"].get("uid", ""),
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
