"""A Kafka cluster as Strimzi runs it, free of versions and of YAML.

Names of workloads, pods and containers follow Strimzi's KafkaResources.java and *Resources.java.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, NewType

from kanister_kafka.diagnostics import Location
from kanister_kafka.strimzi.versions import VersionRange

WorkloadName = NewType("WorkloadName", str)
PoolName = NewType("PoolName", str)

DEFAULT_GRACE_SECONDS = 30
"""`terminationGracePeriodSeconds` if none is set (Strimzi's PodTemplate.java)."""


NODE_ID = "{nodeId}"
NODE_POD_NAME = "{nodePodName}"
"""Placeholders that Strimzi replaces for each node, in hosts of listeners and, from 1.2 on, in the
names of `templatedVolumes` (ModelUtils.java, renderTemplate)."""


class Role(enum.Enum):
    """Role of a node; a combined node has both."""

    BROKER = "broker"
    CONTROLLER = "controller"


class WorkloadKind(enum.Enum):
    """Kind of the object that keeps pods running."""

    STATEFUL_SET = "StatefulSet"
    POD_SET = "StrimziPodSet"
    DEPLOYMENT = "Deployment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The object that runs the pods of a node pool, of all brokers, or of ZooKeeper."""

    name: WorkloadName
    kinds: tuple[WorkloadKind, ...]
    """Possible kinds; with two, the steps find out at run time."""
    pool: PoolName | None
    """The node pool, or None if the cluster has none, and for ZooKeeper."""
    roles: tuple[Role, ...]
    replicas: int
    """In the input, for reports; the steps read the cluster."""
    grace_seconds: int
    """Time that its pods get to shut down."""

    @property
    def combined(self) -> bool:
        """Whether its nodes are broker and controller in one."""
        return len(self.roles) == 2


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaClient:
    """A custom resource whose pods write into the cluster."""

    kind: str
    resource: str
    """Plural name with group, as kubectl takes it."""
    namespace: str
    name: str
    replicas: int
    """In the input, or the default of Strimzi."""
    workload: WorkloadName
    kinds: tuple[WorkloadKind, ...]
    reason: str
    """Why it counts as a writer."""
    sources: tuple[str, ...] = ()
    """Namespaces of the clusters that it reads from, as far as their addresses show them."""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoredClient:
    """A custom resource that is left alone, and why."""

    kind: str
    namespace: str
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class AutoscalerTarget(enum.Enum):
    """Effect of an autoscaler on a backup."""

    NOTHING = "nothing"
    WRITER = "writer"
    """It scales up a client with 0 replicas."""
    NODES = "nodes"
    """It changes the number of nodes, also while Kafka is stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaler:
    """An object that changes the replicas of a writer or of a node pool."""

    kind: str
    namespace: str
    name: str
    target: str
    """As `Kind namespace/name`."""
    scales: AutoscalerTarget
    location: Location

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageClass:
    """A field of a custom resource with the storage class of claims."""

    resource: str
    """Plural name, such as kafkanodepools."""
    name: str
    path: str
    """JSON Pointer."""
    storage_class: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaCluster:
    """One Kafka custom resource with its pools, clients and autoscalers."""

    name: str
    namespace: str
    source: str
    """File or object that it was read from."""
    operator: VersionRange
    """Operator versions that it can belong to."""
    zookeeper: Workload | None
    """ZooKeeper, or None in KRaft mode."""
    nodes: tuple[Workload, ...]
    """Workloads of Kafka nodes, sorted by name."""
    components: tuple[WorkloadName, ...]
    """Other Deployments: Cruise Control, entity operator, exporter."""
    writers: tuple[KafkaClient, ...]
    ignored_clients: tuple[IgnoredClient, ...]
    storage_classes: tuple[StorageClass, ...] = ()
    """Storage classes in the custom resources; the default of Kubernetes is not among them."""
    autoscalers: tuple[Autoscaler, ...] = ()
    """Of its writers and node pools, as far as they are in the input."""
    not_in_backup: tuple[ObjectReference, ...] = ()
    """Objects that it or its node pools refer to and that no backup of the engine contains."""

    @property
    def bystanders(self) -> tuple[IgnoredClient, ...]:
        """Deprecated name of `ignored_clients`."""
        import warnings  # seldom needed

        message = "KafkaCluster.bystanders is deprecated: use KafkaCluster.ignored_clients"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return self.ignored_clients

    @property
    def pools(self) -> tuple[PoolName, ...]:
        """Names of its node pools; none if it has no KafkaNodePool."""
        return tuple(node.pool for node in self.nodes if node.pool is not None)

    @property
    def broker_only(self) -> tuple[Workload, ...]:
        """Workloads that can stop while the metadata quorum still answers."""
        return tuple(node for node in self.nodes if Role.CONTROLLER not in node.roles)

    @property
    def quorum(self) -> tuple[Workload, ...]:
        """Workloads that hold the metadata: ZooKeeper, or the nodes with the controller role."""
        if self.zookeeper:
            return (self.zookeeper,)
        return tuple(node for node in self.nodes if Role.CONTROLLER in node.roles)

    def __str__(self) -> str:
        return f"Kafka {self.namespace}/{self.name}"


# Objects that a custom resource refers to by their names.

AUTHORITIES = ("cluster-ca", "cluster-ca-cert", "clients-ca", "clients-ca-cert")
"""Ends of the names of Secrets with certificate authorities, which a backup has."""


class ObjectReference(NamedTuple):
    """One object, and the field that names it."""

    kind: str
    """Secret, ConfigMap or PersistentVolumeClaim."""
    name: str
    path: str
    """Field that names it, such as `spec.kafka.metricsConfig.valueFrom.configMapKeyRef`."""


def references(item: object, path: str = "") -> Iterator[ObjectReference]:
    """Yield each Secret, ConfigMap and claim that a resource refers to.

    The keys are those of Kubernetes and Strimzi (`secretKeyRef`, `configMapKeyRef`, `secretName`
    and the volumes of pods). A value of another type is left out.
    """
    if isinstance(item, list):
        for at, each in enumerate(item):
            yield from references(each, f"{path}[{at}]")
        return
    if not isinstance(item, dict):
        return
    for key, value in item.items():
        here = f"{path}.{key}".lstrip(".")
        if key == "imagePullSecrets":
            for one in value if isinstance(value, list) else ():
                yield from _named("Secret", one, here)
        elif key in ("secretKeyRef", "secretRef"):
            yield from _named("Secret", value, here)
        elif key in ("configMapKeyRef", "configMapRef", "configMap"):
            yield from _named("ConfigMap", value, here)
        elif key == "secretName" and isinstance(value, str):
            yield ObjectReference("Secret", value, here)
        elif key == "claimName" and isinstance(value, str):
            yield ObjectReference("PersistentVolumeClaim", value, here)
        else:
            yield from references(value, here)


def of_each_node(
    reference: ObjectReference, pods: Mapping[int, str]
) -> tuple[ObjectReference, ...]:
    """Return a reference to each object that the placeholders in a name stand for.

    `pods` has the names of the pods by node id. A name without placeholders is one object.
    """
    names = (
        reference.name.replace(NODE_ID, str(node_id)).replace(NODE_POD_NAME, pod)
        for node_id, pod in pods.items()
    )
    return tuple(reference._replace(name=name) for name in dict.fromkeys(names)) or (reference,)


def _named(kind: str, value: object, path: str) -> Iterator[ObjectReference]:
    name = value.get("name") if isinstance(value, dict) else None
    if isinstance(name, str) and name:
        yield ObjectReference(kind, name, path)


def not_in_backup(
    cluster: str, named: Iterable[ObjectReference], users: Iterable[str]
) -> tuple[ObjectReference, ...]:
    """Return the objects that a backup of the engine does not contain, once each.

    It contains the certificate authorities and the Secrets of the KafkaUsers of a Kafka
    (templates/scripts/phases/save-objects.sh).
    """
    saved = {f"{cluster}-{end}" for end in AUTHORITIES} | set(users)
    first: dict[tuple[str, str], ObjectReference] = {}
    for one in named:
        if one.kind != "Secret" or one.name not in saved:
            first.setdefault((one.kind, one.name), one)
    return tuple(first.values())
