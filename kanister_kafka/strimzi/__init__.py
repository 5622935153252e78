"""Strimzi's custom resources as one typed cluster."""

from kanister_kafka.strimzi.model import (
    Bystander,
    KafkaCluster,
    PoolName,
    Role,
    Workload,
    WorkloadKind,
    WorkloadName,
    Writer,
)
from kanister_kafka.strimzi.read import Reading, read
from kanister_kafka.strimzi.versions import Bounds, Version, parse_version

__all__ = [
    "Bounds",
    "Bystander",
    "KafkaCluster",
    "PoolName",
    "Reading",
    "Role",
    "Version",
    "Workload",
    "WorkloadKind",
    "WorkloadName",
    "Writer",
    "parse_version",
    "read",
]
