"""The claims of a cluster, and by which class each is snapshotted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kanister_kafka.errors import ActionError, ForbiddenError, NotFoundError
from kanister_kafka.kube.connection import Connection, Object, Objects, Resource
from kanister_kafka.marks import CLUSTER_LABEL
from kanister_kafka.run.target import Target

API_VERSION = "snapshot.storage.k8s.io/v1"
BASE = ("apis", *API_VERSION.split("/"))
CLASSES = Resource(BASE, "volumesnapshotclasses", "VolumeSnapshotClass", namespaced=False)
CLAIMS = Resource(("api", "v1"), "persistentvolumeclaims", "PersistentVolumeClaim", namespaced=True)
VOLUMES = Resource(("api", "v1"), "persistentvolumes", "PersistentVolume", namespaced=False)
PREFERRED = (
    "k10.kasten.io/is-snapshot-class",
    "snapshot.storage.kubernetes.io/is-default-class",
)
"""Annotations that choose a class where a driver has several: Kasten's goes first for Kasten."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of the cluster and how it is snapshotted."""

    name: str
    driver: str
    snapshot_class: str


def find_claims(connection: Connection, target: Target, snapshot_class: str) -> tuple[Claim, ...]:
    """Find every claim of a cluster, and for its driver the class of its snapshots.

    Who names the class needs no right to look at classes and volumes; the driver is then unknown.
    Raises ActionError where one cannot be snapshotted, NotFoundError where the class is not there.
    """
    label = f"{CLUSTER_LABEL}={target.name}"
    items = connection.items(CLAIMS, target.namespace, label)
    if not items:
        raise ActionError(f"Kafka {target} has no claims: there is nothing to snapshot")
    try:
        classes = connection.items(CLASSES)
    except ForbiddenError:
        if not snapshot_class:
            raise
        return tuple(Claim(item["metadata"]["name"], "", snapshot_class) for item in items)
    except NotFoundError as failure:
        message = f"the cluster has no {API_VERSION}: nothing can take snapshots of volumes"
        raise ActionError(message) from failure
    return tuple(_claim(connection, item, classes, snapshot_class) for item in items)


def _claim(connection: Connection, item: Object, classes: Objects, wanted: str) -> Claim:
    name, volume = item["metadata"]["name"], (item.get("spec") or {}).get("volumeName")
    if not volume:
        raise ActionError(f"claim {name} is not bound to a volume")
    source = connection.get(VOLUMES, volume).get("spec") or {}
    driver = (source.get("csi") or {}).get("driver", "")
    if not driver:
        raise ActionError(f"claim {name}: volume {volume} is not of a CSI driver")
    return Claim(name, driver, choose_class(name, driver, classes, wanted))


def choose_class(claim: str, driver: str, classes: Iterable[Mapping[str, Any]], wanted: str) -> str:
    """Choose the class of a claim's snapshot: the one wanted, the driver's only or default one."""
    named = {str(item["metadata"]["name"]): item for item in classes}
    if wanted:
        found = named.get(wanted)
        if found is None:
            known = ", ".join(sorted(named)) or "none"
            raise ActionError(f"no VolumeSnapshotClass {wanted}; the cluster has {known}")
        if found.get("driver") != driver:
            raise ActionError(
                f"VolumeSnapshotClass {wanted} is of driver {found.get('driver')}, and claim "
                f"{claim} of {driver}"
            )
        return wanted
    fitting = {name: item for name, item in named.items() if item.get("driver") == driver}
    if len(fitting) == 1:
        return next(iter(fitting))
    for annotation in PREFERRED:
        marked = [
            name
            for name, item in sorted(fitting.items())
            if (item["metadata"].get("annotations") or {}).get(annotation) == "true"
        ]
        if len(marked) == 1:
            return marked[0]
    several = f"several ({', '.join(sorted(fitting))}) and no default" if fitting else "none"
    raise ActionError(f"claim {claim}: of VolumeSnapshotClasses driver {driver} has {several}")
