"""Many Kafka clusters in one run: which, how each is rendered, and in which process."""

from kanister_kafka.integrations.fleet.executor import (
    GroupedFleet,
    ScheduleCounter,
    group_clusters,
    render_fleet,
)
from kanister_kafka.integrations.fleet.file import (
    Fleet,
    FleetEntry,
    RenderResult,
    is_fleet,
    read_fleet,
)
from kanister_kafka.integrations.fleet.grouping import ObjectSpool
from kanister_kafka.kube.objects import LabelSelector, parse_selector

__all__ = [
    "Fleet",
    "FleetEntry",
    "GroupedFleet",
    "LabelSelector",
    "ObjectSpool",
    "RenderResult",
    "ScheduleCounter",
    "group_clusters",
    "is_fleet",
    "parse_selector",
    "read_fleet",
    "render_fleet",
]
