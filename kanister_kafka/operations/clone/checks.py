"""Whether a copy can be made, as far as that shows before the first write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction

from kanister_kafka.errors import ForbiddenError, NotFoundError
from kanister_kafka.kube.client import (
    CLAIMS,
    CONFIG_MAPS,
    NAMESPACES,
    QUOTAS,
    SECRETS,
    STORAGE_CLASSES,
    KubeClient,
    Object,
    Objects,
)
from kanister_kafka.kube.objects import get_path, name_of, title
from kanister_kafka.kube.pod_options import quantity
from kanister_kafka.kube.storage_classes import find_default_class
from kanister_kafka.operations.clone.plan import ClonePlan, missing_references
from kanister_kafka.operations.live_kafka import LiveKafka
from kanister_kafka.operations.start_action import operators_versions
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.strimzi.name_lengths import NodeName, long_host

KINDS_OF_REFERENCES = {"Secret": SECRETS, "ConfigMap": CONFIG_MAPS, "PersistentVolumeClaim": CLAIMS}


def long_host_fault(source: KafkaRef, node_ids: Mapping[str, Sequence[int]], into: str) -> str:
    """Return why nodes could not find each other in a namespace, if that is what differs.

    `node_ids` is by node pool.
    """
    kafka = source.name
    pods = (f"{kafka}-{pool}-{max(ids)}" for pool, ids in node_ids.items() if ids)
    nodes = [NodeName.of_kafka(kafka, pod) for pod in pods] or [NodeName.of_kafka(kafka, kafka)]
    fault = long_host(nodes, into)
    if not fault or long_host(nodes, source.namespace):
        return ""
    return f"{fault}: choose a namespace with a shorter name"


class CloneCheck:
    """Finds the obstacles to a copy; nothing is written, not even tried."""

    def __init__(self, connection: KubeClient, plan: ClonePlan) -> None:
        self._connection = connection
        self._plan = plan
        self._namespace = plan.target.namespace

    def faults(self, *, temporary: bool = False) -> list[str]:
        """Return why the copy cannot be made.

        A temporary one must not leave its volumes behind.
        """
        plan, connection = self._plan, self._connection
        faults = list(plan.refusals)
        namespace = connection.find(NAMESPACES, self._namespace)
        if namespace and namespace["metadata"].get("deletionTimestamp"):
            faults.append(f"namespace {self._namespace} is being deleted: wait until it is gone")
        elif namespace:
            faults += self._conflicts()
            with suppress(ForbiddenError):  # then the API server decides
                quotas = connection.items(QUOTAS, self._namespace)
                faults += quota_faults(plan, quotas, name_of(self._default_class() or {}))
            faults += [
                f"{path} refers to {kind} {name}, which is not in namespace {self._namespace}: "
                "create it there first"
                for kind, name, path in missing_references(plan, self._existing())
            ]
        else:
            faults += [
                f"{path} refers to {kind} {name}, which is not in the backup: create namespace "
                f"{self._namespace} and that object in it first"
                for kind, name, path in missing_references(plan, ())
            ]
        if fault := long_host_fault(plan.backup.kafka, plan.node_ids, self._namespace):
            faults.append(fault)
        faults += self._unserved()
        if temporary:
            faults += self._retaining_classes()
        with suppress(ForbiddenError):  # then the operator reports it
            versions = operators_versions(connection)
            if versions and plan.kafka_version and plan.kafka_version not in versions:
                supported = ", ".join(sorted(versions))
                faults.append(f"the operator has Kafka {supported}, not {plan.kafka_version}")
        return faults

    def _retaining_classes(self) -> Iterator[str]:
        """Yield the StorageClasses whose volumes outlive their claims."""
        names = {get_path(claim, "spec", "storageClassName") for claim in self._plan.claims}
        classes = [self._default_class()]
        for name in sorted(map(str, names - {None, ""})):
            with suppress(ForbiddenError):  # then it is not known
                classes.append(self._connection.find(STORAGE_CLASSES, name))
        for item in classes:
            if item is not None and item.get("reclaimPolicy") == "Retain":
                yield (
                    f"StorageClass {name_of(item)} retains volumes, and each verification would "
                    "leave its own: name a class that deletes them by --storage-class"
                )

    def _default_class(self) -> Object | None:
        """Return the class of the claims that name none; None if it is not known, or not used."""
        claims = self._plan.claims
        if all(get_path(claim, "spec", "storageClassName") is not None for claim in claims):
            return None
        with suppress(ForbiddenError):
            return find_default_class(self._connection.items(STORAGE_CLASSES))
        return None

    def _conflicts(self) -> Iterator[str]:
        """Yield what is in the namespace already. Nothing there is overwritten."""
        for item in self._plan.objects:
            if item["kind"] == "VolumeSnapshotContent":
                continue
            with suppress(NotFoundError):  # a kind that is not served is reported elsewhere
                resource = self._connection.kind(item["apiVersion"], item["kind"])
                if self._connection.find(resource, name_of(item), self._namespace):
                    yield f"{title(item)} is there already: restore into another namespace"
        kafka = self._plan.target
        for pod in LiveKafka(self._connection, kafka).nodes():
            yield f"pod {name_of(pod)} of a Kafka {kafka.name} runs in {self._namespace}"

    def _existing(self) -> Iterator[tuple[str, str]]:
        for kind, resource in KINDS_OF_REFERENCES.items():
            for item in self._connection.items(resource, self._namespace, metadata_only=True):
                yield kind, name_of(item)

    def _unserved(self) -> Iterator[str]:
        kinds = set()
        for item in self._plan.objects:
            kind = (item["apiVersion"], item["kind"])
            if kind in kinds:
                continue
            kinds.add(kind)
            try:
                self._connection.kind(*kind)
            except NotFoundError:
                yield (
                    f"the cluster does not serve {kind[1]} of {kind[0]}, in which the backup has it"
                )


# Whether the ResourceQuotas of the namespace have room: the API server reports this only when the
# operator makes the pods, long after the claims.

CLAIM_COUNT, STORAGE = "persistentvolumeclaims", "requests.storage"
OF_CLASS = ".storageclass.storage.k8s.io/"
COMPUTE = {
    "cpu": ("requests", "cpu"),
    "memory": ("requests", "memory"),
    "requests.cpu": ("requests", "cpu"),
    "requests.memory": ("requests", "memory"),
    "limits.cpu": ("limits", "cpu"),
    "limits.memory": ("limits", "memory"),
}
"""Keys of a quota, and the resources of a container that count (kubernetes, quota/v1)."""


def quota_faults(plan: ClonePlan, quotas: Objects, default_class: str = "") -> list[str]:
    """Return a sentence for each resource of which a quota has too little left.

    `default_class` is the StorageClass of claims that name none; empty if it is not known.
    """
    faults = []
    for quota in quotas:
        if get_path(quota, "spec", "scopes") or get_path(quota, "spec", "scopeSelector"):
            continue  # which pods it counts is not known before they are there
        hard = get_path(quota, "status", "hard") or get_path(quota, "spec", "hard") or {}
        used = get_path(quota, "status", "used") or {}
        for key, limit in sorted(hard.items()):
            needed = _needed(plan, key, default_class)
            if needed is None:
                continue
            available = (quantity(str(limit)) or Fraction(0)) - (
                quantity(str(used.get(key, "0"))) or Fraction(0)
            )
            if needed > available:
                faults.append(
                    f"ResourceQuota {name_of(quota)} has {_text(available)} of {key} left, and the "
                    f"copy needs {_text(needed)}"
                )
    return faults


def _class_of(claim: Object, default_class: str) -> str:
    name = get_path(claim, "spec", "storageClassName")
    return default_class if name is None else str(name)


def _needed(plan: ClonePlan, key: str, default_class: str) -> Fraction | None:
    """Return how much of a key of a quota the copy needs; None if that is not known.

    It is not if a group of nodes does not set a resource, which a LimitRange may set.
    """
    storage_class, _, class_key = key.partition(OF_CLASS)
    claims = plan.claims
    if class_key:
        claims = tuple(pvc for pvc in claims if _class_of(pvc, default_class) == storage_class)
        key = class_key
    if key == CLAIM_COUNT:
        return Fraction(len(claims))
    if key == STORAGE:
        sizes = (get_path(pvc, "spec", "resources", "requests", "storage") for pvc in claims)
        return sum((quantity(str(size)) or Fraction(0) for size in sizes), Fraction(0))
    if key in ("pods", "count/pods"):
        return Fraction(sum(replicas for replicas, _resources in _nodes(plan)))
    if key not in COMPUTE:
        return None
    kind, name = COMPUTE[key]
    total = Fraction(0)
    for replicas, resources in _nodes(plan):
        # a container without a request asks for its limit
        value = get_path(dict(resources), kind, name)
        if value is None and kind == "requests":
            value = get_path(dict(resources), "limits", name)
        amount = quantity(str(value)) if value is not None else None
        if amount is None:
            return None
        total += replicas * amount
    return total


def _nodes(plan: ClonePlan) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield replicas and resources of each group of nodes."""
    for pool in plan.pools:
        spec = pool["spec"]
        yield int(spec.get("replicas") or 0), _resources(spec)
    parts = ["zookeeper"] if plan.pools else ["kafka", "zookeeper"]
    for part in parts:
        if spec := plan.kafka["spec"].get(part):
            yield int(spec.get("replicas") or 0), _resources(spec)


def _resources(spec: Object) -> Mapping[str, object]:
    return dict(spec.get("resources") or {})


def _text(amount: Fraction) -> str:
    for unit, size in (("Gi", 2**30), ("Mi", 2**20)):
        if amount >= size and (amount * 10 / size).denominator == 1:
            number = amount / size
            return f"{float(number):g}{unit}"
    return f"{float(amount):g}"
