"""Programs of Kafka in a broker's pod, with the certificate of the broker."""

from __future__ import annotations

from kanister_kafka.package_files import package_directory

REPLICATION_PORT = 9091
"""Port of the listener for replication (Strimzi, KafkaCluster.java)."""


def broker_script(script: str) -> str:
    """Return a script of bash that can use the functions of templates/scripts/lib/broker.sh."""
    path = package_directory("templates").joinpath("scripts", "lib", "broker.sh")
    return f"{path.read_text()}\n{script}"
