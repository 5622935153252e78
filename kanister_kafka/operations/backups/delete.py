"""Deletes backups: their VolumeSnapshots and Secrets, found by label and named before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kanister_kafka import constants
from kanister_kafka.errors import KanisterKafkaError, NotFoundError
from kanister_kafka.kube.client import ApiResource, KubeClient
from kanister_kafka.kube.objects import name_of
from kanister_kafka.operations.backups.model import Backup
from kanister_kafka.operations.start_action import SECRETS
from kanister_kafka.operations.volume_snapshots import API_VERSION as SNAPSHOT_API


@dataclass(frozen=True, slots=True)
class BackupObject:
    """An object of a backup, as it was listed."""

    resource: ApiResource
    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.resource.kind} {self.namespace}/{self.name}"


def list_objects(connection: KubeClient, backup: Backup) -> tuple[BackupObject, ...]:
    """List every object of a backup; the Secret with its facts is the first.

    When that one is gone, the backup is no longer complete for anybody who looks meanwhile.
    """
    selector = ",".join(
        f"{key}={value}"
        for key, value in (
            (constants.BACKUP, backup.name),
            (constants.CLUSTER, backup.kafka.name),
            (constants.MANAGED_BY, constants.COMPONENT),
        )
    )
    found = list(_listed(connection, SECRETS, backup, selector))
    found.sort(key=lambda one: (not one.name.endswith("-facts"), one.name))
    try:
        snapshots = connection.kind(SNAPSHOT_API, "VolumeSnapshot")
    except NotFoundError:
        return tuple(found)
    return (*found, *_listed(connection, snapshots, backup, selector))


def _listed(
    connection: KubeClient, resource: ApiResource, backup: Backup, selector: str
) -> Iterator[BackupObject]:
    namespace = backup.kafka.namespace
    for item in connection.items(resource, namespace, selector, metadata_only=True):
        yield BackupObject(resource, namespace, name_of(item), item["metadata"]["uid"])


def delete_object(connection: KubeClient, found: BackupObject) -> str:
    """Delete an object if it is still the one that was listed; return an error or nothing."""
    try:
        connection.delete(found.resource, found.name, found.namespace, uid=found.uid)
    except NotFoundError:  # it is gone
        return ""
    except KanisterKafkaError as failure:
        return str(failure)
    return ""
