"""The state of a Kafka on a live cluster, as plain facts; nothing is judged and nothing changed."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from kanister_kafka.constants import BackupState
from kanister_kafka.operations.actionset import ActionSet
from kanister_kafka.operations.object_names import ObjectNames
from kanister_kafka.operations.provenance import Provenance
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.strimzi.retention import HeldRetention

START_PHASES = ("recover", "restart", "resume", "switch")
"""Phases that bring a cluster back end with one of these words, in any case."""
STOP_PHASES = ("quiesce", "pause", "flush", "stop")


class TaskActivity(enum.Enum):
    """The work of a task pod on the cluster."""

    STOPPING = "stopping it"
    STARTING = "bringing it back"
    OTHER = "something else"


ACTIVITY_OF_STATE = {
    BackupState.QUIESCING.value: TaskActivity.STOPPING,
    BackupState.STOPPING.value: TaskActivity.STOPPING,
    BackupState.RESTARTING.value: TaskActivity.STARTING,
}
"""Work by the state in the ConfigMap, of a pod whose phase does not name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaState:
    """The custom resource."""

    resource: str
    """Plural name with API version and group, as kubectl takes it."""
    ready: bool
    why_not: str
    """Reason and message of the condition NotReady."""
    since: str
    """When its condition was set."""
    paused: bool
    """Whether the annotation asks for a pause."""
    acknowledged: bool
    """Whether the operator has acknowledged the pause."""
    pause_before: str
    """Our annotation; not empty if a backup has set the pause."""
    restart_by: str
    held_retention: HeldRetention | None = None
    """Its retention, if a restore holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadState:
    """Nodes of one pool, or ZooKeeper."""

    name: str
    expected: int
    pods: int
    ready: int
    replicas_before: str = ""
    """Our annotation on a StatefulSet."""

    def __str__(self) -> str:
        text = f"{self.name} {self.ready} of {self.expected} ready"
        return text if self.pods == self.expected else f"{text} ({self.pods} there)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedClient:
    """A client that writes into the cluster, or has one of our annotations."""

    kind: str
    resource: str
    """Plural name with API version and group, as kubectl takes it."""
    namespace: str
    name: str
    replicas: int | None
    paused: bool
    replicas_before: str
    pause_before: str

    @property
    def quiesced(self) -> bool:
        """Whether a backup has stopped it and it was not put back."""
        return bool(self.replicas_before or self.pause_before)

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class WatchdogState:
    """The watchdog: its Deployment."""

    replicas: int
    ready: int


@dataclass(frozen=True, slots=True)
class TaskPod:
    """A pod of Kanister that runs now."""

    pod: str
    phase: str
    """Empty if it is not one of our phases."""
    job: str

    @property
    def work(self) -> TaskActivity:
        """The work of its phase."""
        name = self.phase.lower()
        if name.endswith(START_PHASES):
            return TaskActivity.STARTING
        return TaskActivity.STOPPING if name.endswith(STOP_PHASES) else TaskActivity.OTHER


@dataclass(frozen=True, slots=True)
class KafkaEvent:
    """An event on the Kafka resource."""

    at: str
    kind: str
    """Normal or Warning."""
    reason: str
    message: str
    count: int


@dataclass(frozen=True, slots=True)
class UnusableScripts:
    """A ConfigMap of scripts that is missing or altered."""

    kind: str
    """Of the object that asks for them: Blueprint or Deployment."""
    text: str
    """What is wrong, and what to do, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedCluster:
    """All facts of one moment."""

    target: KafkaRef
    names: ObjectNames
    """Of its objects."""
    kafka: KafkaState | None
    """None if there is no such resource."""
    workloads: tuple[WorkloadState, ...]
    """As many as the resources ask for; none if these are gone."""
    writers: tuple[ObservedClient, ...]
    record: Mapping[str, str] | None
    """Data of the ConfigMap; None if it is gone."""
    watchdog: WatchdogState | None
    """None if there is no such Deployment."""
    blueprint: str
    """`NAMESPACE/NAME` of the Blueprint; empty if it is not there."""
    origin: Provenance = field(default_factory=Provenance)
    """Its own annotations about its rendering."""
    action_sets: tuple[ActionSet, ...]
    """Of this Kafka's Blueprint, the latest first."""
    tasks: tuple[TaskPod, ...]
    events: tuple[KafkaEvent, ...]
    """The latest last."""
    other_kafkas: tuple[str, ...] = ()
    """Names of the Kafkas of the namespace, if this one does not exist."""
    unusable_scripts: tuple[UnusableScripts, ...] = ()
    """Scripts of its Blueprint and of its watchdog."""
    unreadable: tuple[str, ...]
    """Objects that could not be read, a line each."""
    pods_known: bool = True
    """Whether pods could be listed; else nodes count as absent, and tasks are not known."""
    newest_pod: str = ""
    """When the newest pod of a node was created; empty if there is none."""
    action_sets_known: bool = True
    context: str = ""
    """Of the kubeconfig; empty for the current one."""

    @property
    def recorded_state(self) -> str:
        """State in the ConfigMap; empty if it has none."""
        return (self.record or {}).get("state", "")

    @property
    def is_read_by_backup(self) -> bool:
        """Whether the last run is a hot backup that has not ended: it has stopped nothing."""
        record = self.record or {}
        is_hot = bool(record.get("run")) and record.get("hot") == record.get("run")
        return is_hot and self.recorded_state == BackupState.QUIESCING.value

    @property
    def pods(self) -> int:
        """Pods of nodes that are there."""
        return sum(workload.pods for workload in self.workloads)

    @property
    def expected(self) -> int:
        """Nodes that the resources ask for."""
        return sum(workload.expected for workload in self.workloads)

    @property
    def serving(self) -> bool:
        """Whether every node is Ready."""
        return bool(self.workloads) and all(w.ready >= w.expected for w in self.workloads)

    @property
    def work(self) -> TaskActivity | None:
        """What is being done to the cluster by a task pod."""
        work = next((task.work for task in self.tasks if task.phase), None)
        if work is TaskActivity.OTHER:  # one pod may stop, snapshot and restart
            return ACTIVITY_OF_STATE.get(self.recorded_state, work)
        return work
