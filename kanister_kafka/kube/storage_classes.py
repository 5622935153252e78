"""Which StorageClass a claim gets that names none, and which VolumeSnapshotClass a snapshot."""

from __future__ import annotations

from collections.abc import Iterable

from kanister_kafka.kube.client import SNAPSHOT_CLASSES, KubeClient, Object, Objects
from kanister_kafka.kube.objects import annotation, get_path, name_of

DEFAULT_STORAGE_CLASS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
"""Kubernetes reads both (pkg/volume/util/storageclass.go, IsDefaultAnnotation)."""


def find_default_class(classes: Iterable[Object]) -> Object | None:
    """Return the default StorageClass of the cluster, or None if it has none.

    The newest one, if there are several, as Kubernetes takes it (GetDefaultClass).
    """
    marked = filter(_is_default, classes)
    by_name = sorted(marked, key=name_of)
    newest = sorted(by_name, key=_creation, reverse=True)
    return newest[0] if newest else None


def _is_default(item: Object) -> bool:
    return any(annotation(item, key) == "true" for key in DEFAULT_STORAGE_CLASS)


def _creation(item: Object) -> str:
    return str(get_path(item, "metadata", "creationTimestamp") or "")


# Which volume can be snapshotted, and which VolumeSnapshotClass its snapshot gets. `check` and
# `rehearse` must not differ in this.

MIGRATED_TO = "pv.kubernetes.io/migrated-to"
"""On a volume of an in-tree plugin: the CSI driver that serves it now."""
IN_TREE = "kubernetes.io/"
"""Start of the provisioner of a StorageClass of an in-tree plugin."""


def driver_of_volume(volume: Object) -> str:
    """Return the CSI driver that can snapshot a PersistentVolume; empty if none can.

    None can if the volume is of an in-tree plugin and was migrated to CSI: migration adds no
    features, and the snapshot controller refuses a volume without `spec.csi` (external-snapshotter,
    pvDriverFromSnapshot, and its issue 489; Kubernetes, "Volume Snapshots").
    """
    return str(get_path(volume, "spec", "csi", "driver") or "")


def driver_of_class(storage_class: Object) -> str:
    """Return the CSI driver of the volumes that a StorageClass makes; empty if it is in-tree."""
    provisioner = str(storage_class.get("provisioner") or "")
    return "" if provisioner.startswith(IN_TREE) else provisioner


def migrated_driver(volume: Object) -> str:
    """Return the CSI driver to which a volume was migrated that no driver can snapshot."""
    return "" if driver_of_volume(volume) else annotation(volume, MIGRATED_TO)


DEFAULT_SNAPSHOT_CLASS = "snapshot.storage.kubernetes.io/is-default-class"
"""The snapshot controller takes this class of a driver for a snapshot that names none, and refuses
the snapshot if the driver has no such class (external-snapshotter, SetDefaultSnapshotClass)."""
KASTEN_CLASS = "k10.kasten.io/is-snapshot-class"
"""Kasten takes this class for its driver."""

GROUP_API = ("groupsnapshot.storage.k8s.io/v1", "groupsnapshot.storage.k8s.io/v1beta2")
"""Versions of VolumeGroupSnapshots that the steps use, the preferred one first."""


def list_snapshot_classes(connection: KubeClient) -> Objects | None:
    """Return every VolumeSnapshotClass; None if the cluster does not know VolumeSnapshots."""
    return connection.items(SNAPSHOT_CLASSES) if connection.is_served(SNAPSHOT_CLASSES) else None


def choose_snapshot_class(classes: Iterable[Object], *, kasten: bool) -> str:
    """Choose among the classes of one driver, as Kasten or the controller does.

    With `kasten` Kasten takes them: its annotation goes first, then the default, then the only
    class. Otherwise the snapshot controller chooses, which takes nothing but the default. Returns
    the name, or an empty string if there is none or if several are equal.
    """
    of_driver = list(classes)
    for key in (KASTEN_CLASS, DEFAULT_SNAPSHOT_CLASS) if kasten else (DEFAULT_SNAPSHOT_CLASS,):
        marked = [item for item in of_driver if annotation(item, key) == "true"]
        if len(marked) == 1:
            return name_of(marked[0])
    return name_of(of_driver[0]) if kasten and len(of_driver) == 1 else ""
