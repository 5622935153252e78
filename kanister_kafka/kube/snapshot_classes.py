"""Which VolumeSnapshotClass a snapshot gets. `check` and `rehearse` must not differ in this."""

from __future__ import annotations

from collections.abc import Iterable

from kanister_kafka.errors import NotFoundError
from kanister_kafka.kube.client import SNAPSHOT_CLASSES, KubeClient, Object, Objects
from kanister_kafka.kube.objects import annotation, name_of

IS_DEFAULT = "snapshot.storage.kubernetes.io/is-default-class"
"""The snapshot controller takes this class of a driver for a snapshot that names none, and refuses
the snapshot if the driver has no such class (external-snapshotter, SetDefaultSnapshotClass)."""
KASTEN_CLASS = "k10.kasten.io/is-snapshot-class"
"""Kasten takes this class for its driver."""

GROUP_API = ("groupsnapshot.storage.k8s.io/v1", "groupsnapshot.storage.k8s.io/v1beta2")
"""Versions of VolumeGroupSnapshots that the steps use, the preferred one first."""


def list_snapshot_classes(connection: KubeClient) -> Objects | None:
    """Return every VolumeSnapshotClass; None if the cluster does not know VolumeSnapshots."""
    try:
        return connection.items(SNAPSHOT_CLASSES)
    except NotFoundError:
        return None


def choose_snapshot_class(classes: Iterable[Object], *, kasten: bool) -> str:
    """Choose among the classes of one driver, as Kasten or the controller does.

    With `kasten` Kasten takes them: its annotation goes first, then the default, then the only
    class. Otherwise the snapshot controller chooses, which takes nothing but the default. Returns
    the name, or an empty string if there is none or if several are equal.
    """
    of_driver = list(classes)
    for key in (KASTEN_CLASS, IS_DEFAULT) if kasten else (IS_DEFAULT,):
        marked = [item for item in of_driver if annotation(item, key) == "true"]
        if len(marked) == 1:
            return name_of(marked[0])
    return name_of(of_driver[0]) if kasten and len(of_driver) == 1 else ""
