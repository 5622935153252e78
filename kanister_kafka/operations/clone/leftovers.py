"""Copies that a verification has left behind because its command was killed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kanister_kafka import constants
from kanister_kafka.errors import ForbiddenError
from kanister_kafka.kube.client import NAMESPACES, KubeClient
from kanister_kafka.kube.objects import annotation, label, name_of
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.timestamps import parse_timestamp


@dataclass(frozen=True, slots=True)
class Leftover:
    """A namespace that a verification of this Kafka has created."""

    target: KafkaRef
    backup: str
    expires: datetime | None
    """When its command has certainly ended; None if that cannot be read."""

    def is_over(self, now: datetime) -> bool:
        """Return whether the command that created it has certainly ended."""
        return self.expires is not None and self.expires < now


def find_leftovers(connection: KubeClient, kafka: KafkaRef) -> tuple[Leftover, ...]:
    """Find the namespaces of verifications of a Kafka; none if they may not be listed."""
    selector = f"{constants.MANAGED_BY}={constants.COMPONENT},{constants.CLUSTER}={kafka.name}"
    try:
        namespaces = connection.items(NAMESPACES, label=f"{selector},{constants.CLONE_OF}")
    except ForbiddenError:
        return ()
    found = []
    for item in namespaces:
        expires = annotation(item, constants.CLONE_EXPIRES)
        if expires and annotation(item, constants.CLONE_SOURCE) == str(kafka):
            target = KafkaRef(name_of(item), kafka.name)
            leftover = Leftover(target, label(item, constants.CLONE_OF), parse_timestamp(expires))
            found.append(leftover)
    return tuple(found)
