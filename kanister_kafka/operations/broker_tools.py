"""Programs of Kafka in a broker's pod, with the certificate of the broker."""

from __future__ import annotations

from kanister_kafka.kube.client import Objects
from kanister_kafka.kube.objects import is_ready
from kanister_kafka.package_files import package_directory
from kanister_kafka.strimzi.discovery import is_broker_pod

REPLICATION_PORT = 9091
"""Port of the listener for replication (Strimzi, KafkaCluster.java)."""


def ready_brokers(pods: Objects, cluster: str) -> Objects:
    """Return those of the pods that are brokers and Ready: a program can run in each."""
    return tuple(pod for pod in pods if is_broker_pod(pod, cluster) and is_ready(pod))


def replication_address(cluster: str, namespace: str) -> str:
    """Return the address of the listener for replication, which every Strimzi cluster has."""
    return f"{cluster}-kafka-brokers.{namespace}.svc:{REPLICATION_PORT}"


def broker_script(script: str) -> str:
    """Return a script of bash that can use the functions of templates/scripts/lib/broker.sh."""
    path = package_directory("templates").joinpath("scripts", "lib", "broker.sh")
    return f"{path.read_text()}\n{script}"
