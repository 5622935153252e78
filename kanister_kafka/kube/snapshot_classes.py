"""Which VolumeSnapshotClass a snapshot gets. `check` and `rehearse` must not differ in this."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

IS_DEFAULT = "snapshot.storage.kubernetes.io/is-default-class"
"""The snapshot controller takes this class of a driver for a snapshot that names none, and refuses
the snapshot if the driver has no such class (external-snapshotter, SetDefaultSnapshotClass)."""
KASTEN_CLASS = "k10.kasten.io/is-snapshot-class"
"""Kasten takes this class for its driver."""


def choose_snapshot_class(classes: Iterable[Mapping[str, Any]], *, kasten: bool) -> str:
    """Choose among the classes of one driver: the annotated one, or the only one.

    With `kasten` Kasten takes the snapshots, and its annotation goes first. Returns the name, or an
    empty string if there are none or several that are equal.
    """
    found = list(classes)
    for annotation in (KASTEN_CLASS, IS_DEFAULT) if kasten else (IS_DEFAULT,):
        marked = [item for item in found if has_annotation(item, annotation)]
        if len(marked) == 1:
            return str(marked[0]["metadata"]["name"])
    return str(found[0]["metadata"]["name"]) if len(found) == 1 else ""


def has_annotation(item: Mapping[str, Any], annotation: str) -> bool:
    """Return whether a class has an annotation with the value true."""
    return (item["metadata"].get("annotations") or {}).get(annotation) == "true"
