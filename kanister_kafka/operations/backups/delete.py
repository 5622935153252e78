"""The objects of a backup, as `operations.apply.delete_objects` takes them."""

from __future__ import annotations

from kanister_kafka import constants
from kanister_kafka.errors import NotFoundError
from kanister_kafka.kube.client import KubeClient, Objects
from kanister_kafka.kube.objects import name_of
from kanister_kafka.operations.backups.model import Backup
from kanister_kafka.operations.start_action import SECRETS
from kanister_kafka.operations.volume_snapshots import API_VERSION as SNAPSHOT_API


def list_objects(connection: KubeClient, backup: Backup) -> Objects:
    """List the metadata of every object of a backup; the Secret with its facts is the first.

    Without that Secret a backup is not complete, so a deletion that is interrupted leaves none that
    a restore would accept.
    """
    labels = {
        constants.BACKUP: backup.name,
        constants.CLUSTER: backup.kafka.name,
        constants.MANAGED_BY: constants.COMPONENT,
    }
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    namespace = backup.kafka.namespace
    secrets = connection.items(SECRETS, namespace, selector, metadata_only=True)
    ordered = sorted(
        secrets, key=lambda item: (not name_of(item).endswith("-facts"), name_of(item))
    )
    try:
        snapshots = connection.kind(SNAPSHOT_API, "VolumeSnapshot")
    except NotFoundError:
        return tuple(ordered)
    ordered += connection.items(snapshots, namespace, selector, metadata_only=True)
    return tuple(ordered)
