"""Everything that a backup has saved, credentials too: read only to restore it elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from kanister_kafka import constants
from kanister_kafka.errors import ActionError
from kanister_kafka.kube.client import (
    SECRETS,
    SNAPSHOT_CONTENTS,
    SNAPSHOTS,
    KubeClient,
    Object,
    Objects,
)
from kanister_kafka.kube.objects import get_path, name_of
from kanister_kafka.operations.backups.model import Backup, unpack_facts, unpack_secret

NODE_IDS = "nodeIds."
IDS = re.compile(r"\[([0-9]+(, ?[0-9]+)*)?\]")
"""A pool without nodes has none."""
PART = re.compile(r"([0-9]+)-[0-9]+")
"""Order in which the objects of a Secret are restored, and its number within that."""
CLAIMS, AUTHORITIES, USER_SECRETS, USERS, TOPICS, POOLS, KAFKA = range(7)
"""These orders, as `templates/scripts/phases` writes them; higher ones are Kafka clients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupContents:
    """The objects of a backup, as they were restored into their own namespace."""

    backup: Backup
    facts: Mapping[str, str]
    objects: Mapping[int, Objects]
    """By the order in which they are restored."""
    node_ids: Mapping[str, tuple[int, ...]]
    """Ids of the nodes by KafkaNodePool."""

    @property
    def cluster_id(self) -> str:
        """Cluster id; empty with ZooKeeper, which has it in its volumes alone."""
        return self.facts.get("clusterId", "")

    @property
    def kafka_version(self) -> str:
        """Version of Kafka that ran."""
        return self.facts.get("kafkaVersion", "")

    @property
    def kafka(self) -> Object:
        """The Kafka resource."""
        return self.objects[KAFKA][0]

    def of(self, order: int) -> Objects:
        """Return the objects of one order; empty if the backup has none."""
        return self.objects.get(order, ())

    @property
    def clients(self) -> Objects:
        """MirrorMaker 2, Connect with its connectors, Bridge."""
        return tuple(
            chain.from_iterable(
                items for order, items in sorted(self.objects.items()) if order > KAFKA
            )
        )


def read_contents(connection: KubeClient, backup: Backup) -> BackupContents:
    """Read the Secrets of a backup.

    Raises ActionError if one is damaged, or if the Kafka itself is not among the objects.
    """
    selector = f"{constants.BACKUP}={backup.name},{constants.CLUSTER}={backup.kafka.name}"
    return parse_contents(connection.items(SECRETS, backup.kafka.namespace, selector), backup)


def parse_contents(secrets: Objects, backup: Backup) -> BackupContents:
    """Unpack the Secrets of a backup; errors as `read_contents` raises them."""
    prefix = f"{backup.kafka.name}-backup-{backup.name}-"
    facts: dict[str, str] = {}
    objects: dict[int, list[Object]] = {}
    for secret in sorted(secrets, key=name_of):
        part = name_of(secret).removeprefix(prefix)
        order = PART.fullmatch(part)
        if part != "facts" and order is None:
            continue
        try:
            if order is None:
                facts = unpack_facts(secret)
            else:
                lines = unpack_secret(secret).splitlines()
                parsed = [dict(json.loads(line)) for line in lines if line]
                objects.setdefault(int(order[1]), []).extend(parsed)
        except (TypeError, ValueError):
            # the reason may quote a credential
            raise ActionError(f"Secret {name_of(secret)} of {backup} is damaged") from None
    if len(objects.get(KAFKA, ())) != 1:
        raise ActionError(f"{backup} does not contain its Kafka resource")
    return BackupContents(
        backup=backup,
        facts=facts,
        node_ids=read_node_ids(facts, backup),
        objects={order: tuple(items) for order, items in objects.items()},
    )


def read_node_ids(facts: Mapping[str, str], backup: Backup) -> dict[str, tuple[int, ...]]:
    """Return the ids of the nodes by KafkaNodePool; ActionError if one is damaged."""
    node_ids = {}
    for key, value in facts.items():
        if not key.startswith(NODE_IDS):
            continue
        pool = key.removeprefix(NODE_IDS)
        if not IDS.fullmatch(value):
            raise ActionError(f"{backup} has no node ids of {pool}: {value!r}")
        node_ids[pool] = tuple(json.loads(value))
    return node_ids


# The snapshots of a backup, as the storage knows them.


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotSource:
    """A snapshot of the backup, as the storage knows it."""

    name: str
    """Of the VolumeSnapshot."""
    driver: str
    handle: str
    snapshot_class: str = ""
    volume_mode: str = ""


def read_sources(connection: KubeClient, backup: Backup) -> tuple[SnapshotSource, ...]:
    """Return the snapshots that can be used; the plan refuses those that are missing.

    Needs the right to read VolumeSnapshotContents, which have no namespace.
    """
    selector = f"{constants.BACKUP}={backup.name},{constants.CLUSTER}={backup.kafka.name}"
    sources = []
    for snapshot in connection.items(SNAPSHOTS, backup.kafka.namespace, selector):
        bound = str(get_path(snapshot, "status", "boundVolumeSnapshotContentName") or "")
        content = connection.find(SNAPSHOT_CONTENTS, bound) if bound else None
        if content is None or get_path(content, "status", "readyToUse") is not True:
            continue
        reference = get_path(content, "spec", "volumeSnapshotRef") or {}
        handle = str(get_path(content, "status", "snapshotHandle") or "")
        # a content names its snapshot, or anybody could point a snapshot at a foreign volume
        if not handle or reference.get("uid") != snapshot["metadata"].get("uid"):
            continue
        sources.append(
            SnapshotSource(
                name=name_of(snapshot),
                driver=str(get_path(content, "spec", "driver") or ""),
                handle=handle,
                snapshot_class=str(get_path(content, "spec", "volumeSnapshotClassName") or ""),
                volume_mode=str(get_path(content, "spec", "sourceVolumeMode") or ""),
            )
        )
    return tuple(sources)
