"""Which StorageClass a claim gets that names none."""

from __future__ import annotations

from collections.abc import Iterable

from kanister_kafka.kube.client import Object
from kanister_kafka.kube.objects import annotation, get_path, name_of

IS_DEFAULT = (
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
    return any(annotation(item, key) == "true" for key in IS_DEFAULT)


def _creation(item: Object) -> str:
    return str(get_path(item, "metadata", "creationTimestamp") or "")
