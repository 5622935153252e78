"""Strimzi's custom resources as one typed cluster."""

from kanister_kafka.strimzi.model import (
    IgnoredClient,
    KafkaClient,
    KafkaCluster,
    Role,
    Workload,
    WorkloadKind,
)
from kanister_kafka.strimzi.reader import ReadResult, read_cluster
from kanister_kafka.strimzi.versions import Version, VersionRange, parse_version

__all__ = [
    "IgnoredClient",
    "KafkaClient",
    "KafkaCluster",
    "ReadResult",
    "Role",
    "Version",
    "VersionRange",
    "Workload",
    "WorkloadKind",
    "parse_version",
    "read_cluster",
]
