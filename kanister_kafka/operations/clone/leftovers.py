"""Copies that a verification has left behind because its command was killed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from kanister_kafka import constants
from kanister_kafka.errors import ForbiddenError
from kanister_kafka.kube.client import NAMESPACES, KubeClient, Object
from kanister_kafka.kube.objects import annotation, label, name_of
from kanister_kafka.operations.clone.remover import POLICIES
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.timestamps import parse_timestamp


@dataclass(frozen=True, slots=True)
class Leftover:
    """A namespace that a verification of this Kafka has created."""

    target: KafkaRef
    backup: str
    identity: str
    """Label of its objects."""
    expires: datetime | None
    """When its command has certainly ended; None if that cannot be read."""

    def is_over(self, now: datetime) -> bool:
        """Return whether the command that created it has certainly ended."""
        return self.expires is not None and self.expires < now


def find_leftovers(connection: KubeClient, kafka: KafkaRef, namespace: str) -> tuple[Leftover, ...]:
    """Find what verifications of a Kafka have left: their namespaces, and copies in this one.

    Namespaces that may not be listed are not found.
    """
    selector = f"{constants.MANAGED_BY}={constants.COMPONENT},{constants.CLUSTER}={kafka.name}"
    selector += f",{constants.CLONE_OF},{constants.CLONE}"
    found: dict[str, Leftover] = {}
    with suppress(ForbiddenError):
        for item in connection.items(NAMESPACES, label=selector):
            _add(found, kafka, item, name_of(item))
    # The NetworkPolicy is made first and deleted last.
    for item in connection.items(POLICIES, namespace, selector):
        _add(found, kafka, item, namespace)
    return tuple(found.values())


def _add(found: dict[str, Leftover], kafka: KafkaRef, item: Object, namespace: str) -> None:
    expires = annotation(item, constants.CLONE_EXPIRES)
    if expires and annotation(item, constants.CLONE_SOURCE) == str(kafka):
        target = KafkaRef(namespace, kafka.name)
        found[namespace] = Leftover(
            target,
            label(item, constants.CLONE_OF),
            label(item, constants.CLONE),
            parse_timestamp(expires),
        )
