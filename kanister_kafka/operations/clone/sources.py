"""The snapshots of a backup, as the storage knows them."""

from __future__ import annotations

from kanister_kafka import constants
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.kube.objects import get_path, name_of
from kanister_kafka.operations.backups.model import Backup
from kanister_kafka.operations.clone.plan import SnapshotSource
from kanister_kafka.operations.volume_snapshots import CONTENTS, SNAPSHOTS


def read_sources(connection: KubeClient, backup: Backup) -> tuple[SnapshotSource, ...]:
    """Return the snapshots that can be used; the plan refuses those that are missing.

    Needs the right to read VolumeSnapshotContents, which have no namespace.
    """
    selector = f"{constants.BACKUP}={backup.name},{constants.CLUSTER}={backup.kafka.name}"
    found = []
    for snapshot in connection.items(SNAPSHOTS, backup.kafka.namespace, selector):
        bound = str(get_path(snapshot, "status", "boundVolumeSnapshotContentName") or "")
        content = connection.find(CONTENTS, bound) if bound else None
        if content is None or get_path(content, "status", "readyToUse") is not True:
            continue
        reference = get_path(content, "spec", "volumeSnapshotRef") or {}
        handle = str(get_path(content, "status", "snapshotHandle") or "")
        # a content names its snapshot, or anybody could point a snapshot at a foreign volume
        if not handle or reference.get("uid") != snapshot["metadata"].get("uid"):
            continue
        found.append(
            SnapshotSource(
                name=name_of(snapshot),
                driver=str(get_path(content, "spec", "driver") or ""),
                handle=handle,
                snapshot_class=str(get_path(content, "spec", "volumeSnapshotClassName") or ""),
                volume_mode=str(get_path(content, "spec", "sourceVolumeMode") or ""),
            )
        )
    return tuple(found)
