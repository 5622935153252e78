"""Whether a copy can be made, as far as that shows before the first write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from kanister_kafka.errors import ForbiddenError, NotFoundError
from kanister_kafka.kube.client import (
    NAMESPACES,
    PODS,
    STORAGE_CLASSES,
    ApiResource,
    KubeClient,
    Object,
)
from kanister_kafka.kube.objects import get_path, name_of, pod_selector, title
from kanister_kafka.kube.storage_classes import find_default_class
from kanister_kafka.operations.clone.plan import ClonePlan, missing_references
from kanister_kafka.operations.clone.quota import quota_faults
from kanister_kafka.operations.start_action import SECRETS, operators_versions
from kanister_kafka.operations.volume_snapshots import CLAIMS
from kanister_kafka.strimzi.discovery import CONFIG_MAPS

QUOTAS = ApiResource(("api", "v1"), "resourcequotas", "ResourceQuota", namespaced=True)
KINDS_OF_REFERENCES = {"Secret": SECRETS, "ConfigMap": CONFIG_MAPS, "PersistentVolumeClaim": CLAIMS}


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
        found = list(plan.refusals)
        namespace = connection.find(NAMESPACES, self._namespace)
        if namespace and namespace["metadata"].get("deletionTimestamp"):
            found.append(f"namespace {self._namespace} is being deleted: wait until it is gone")
        elif namespace:
            found += self._conflicts()
            with suppress(ForbiddenError):  # then the API server decides
                quotas = connection.items(QUOTAS, self._namespace)
                found += quota_faults(plan, quotas, name_of(self._default_class() or {}))
            found += [
                f"{path} refers to {kind} {name}, which is not in namespace {self._namespace}: "
                "create it there first"
                for kind, name, path in missing_references(plan, self._existing())
            ]
        else:
            found += [
                f"{path} refers to {kind} {name}, which is not in the backup: create namespace "
                f"{self._namespace} and that object in it first"
                for kind, name, path in missing_references(plan, ())
            ]
        found += self._unserved()
        if temporary:
            found += self._kept_volumes()
        with suppress(ForbiddenError):  # then the operator reports it
            versions = operators_versions(connection)
            if versions and plan.kafka_version and plan.kafka_version not in versions:
                known = ", ".join(sorted(versions))
                found.append(f"the operator has Kafka {known}, not {plan.kafka_version}")
        return found

    def _kept_volumes(self) -> Iterator[str]:
        """Yield the StorageClasses whose volumes outlive their claims."""
        names = {get_path(claim, "spec", "storageClassName") for claim in self._plan.claims}
        found = [self._default_class()]
        for name in sorted(map(str, names - {None, ""})):
            with suppress(ForbiddenError):  # then it is not known
                found.append(self._connection.find(STORAGE_CLASSES, name))
        for item in found:
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
        kafka = self._plan.target.name
        for pod in self._connection.items(PODS, self._namespace, pod_selector(kafka)):
            yield f"pod {name_of(pod)} of a Kafka {kafka} runs in {self._namespace}"

    def _existing(self) -> Iterator[tuple[str, str]]:
        for kind, resource in KINDS_OF_REFERENCES.items():
            for item in self._connection.items(resource, self._namespace, metadata_only=True):
                yield kind, name_of(item)

    def _unserved(self) -> Iterator[str]:
        seen = set()
        for item in self._plan.objects:
            kind = (item["apiVersion"], item["kind"])
            if kind in seen:
                continue
            seen.add(kind)
            try:
                self._connection.kind(*kind)
            except NotFoundError:
                yield (
                    f"the cluster does not serve {kind[1]} of {kind[0]}, in which the backup has it"
                )
