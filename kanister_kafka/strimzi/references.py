"""Objects that a custom resource refers to by their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

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


def _named(kind: str, value: object, path: str) -> Iterator[ObjectReference]:
    name = value.get("name") if isinstance(value, dict) else None
    if isinstance(name, str) and name:
        yield ObjectReference(kind, name, path)


def not_in_backup(
    cluster: str, found: Iterable[ObjectReference], users: Iterable[str]
) -> tuple[ObjectReference, ...]:
    """Return the objects that a backup of the engine does not contain, once each.

    It contains the certificate authorities and the Secrets of the KafkaUsers of a Kafka
    (templates/scripts/phases/save-objects.sh).
    """
    saved = {f"{cluster}-{end}" for end in AUTHORITIES} | set(users)
    first: dict[tuple[str, str], ObjectReference] = {}
    for one in found:
        if one.kind != "Secret" or one.name not in saved:
            first.setdefault((one.kind, one.name), one)
    return tuple(first.values())
