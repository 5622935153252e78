"""Finds backups in a repository by the hosts and tags of its snapshots.

Snapshots of one backup have the host `NAMESPACE/KAFKA` and the tags `backup=NAME` and `uid=UID`, of
the Secret with its facts: clusters that share a repository can use the same names at the same time.
That with the tag `kind=objects` is made last and names the snapshots of the volumes. All others are
left over by exports that were interrupted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from kanister_kafka.errors import ActionError, NotFoundError
from kanister_kafka.kube.client import Objects
from kanister_kafka.kube.names import SUBDOMAIN
from kanister_kafka.kube.pod_options import quantity
from kanister_kafka.operations.backups.model import NAME, Backup
from kanister_kafka.operations.backups.reader import LATEST, read_copied_backup
from kanister_kafka.operations.exports.location import ExportedBackup, ExportedVolume
from kanister_kafka.operations.exports.restic import ResticClient, ResticSnapshot
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.timestamps import format_second

OBJECTS = "/objects/backup.json"
FORMAT = 1
FILESYSTEM = "Filesystem"
MAX_CONCURRENT = 4
"""Files that are read at the same time, each by a process of restic."""


@dataclass(slots=True)
class _Copy:
    """The snapshots of one backup."""

    kafka: KafkaRef
    name: str
    uid: str
    cluster_id: str
    objects: ResticSnapshot | None = None
    volumes: dict[str, ResticSnapshot] = field(default_factory=dict)
    """By id."""

    def __str__(self) -> str:
        copied = f"copied at {format_second(self.objects.time)}" if self.objects else "not complete"
        return f"cluster id {self.cluster_id or 'unknown'}, {copied}, tag uid={self.uid}"


def ignore_copy(_copy: ExportedBackup) -> None:
    """Report to no one."""


class ExportCatalogue:
    """The backups of a repository."""

    def __init__(self, restic: ResticClient, *, namespace: str = "", kafka: str = "") -> None:
        """Select those of a Kafka, and of Kafkas of a namespace."""
        self._restic = restic
        self._namespace = namespace
        self._kafka = kafka

    def read_all(self) -> tuple[ExportedBackup, ...]:
        """Return all, the newest first; one that is damaged has this as its fault.

        Raises UnreachableError if the store does not answer: it shows nothing about a copy.
        """
        with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
            return tuple(pool.map(self._read, self._copies()))

    def find(
        self, name: str, on_passed_over: Callable[[ExportedBackup], None] = ignore_copy
    ) -> ExportedBackup:
        """Return the backup of a name, or the newest complete one for `latest`.

        `on_passed_over` is called with each newer one that is not complete. Raises NotFoundError if
        there is none, or if several Kafkas or clusters have one, and UnreachableError as
        `read_all`.
        """
        copies = self._copies()
        if name == LATEST:
            return self._latest(copies, on_passed_over)
        named = [copy for copy in copies if copy.name == name]
        if len(named) == 1:
            return self._read(named[0])
        url = self._restic.repository.url
        if kafkas := sorted({str(copy.kafka) for copy in named}):
            if len(kafkas) == 1:
                raise _ambiguous(named)
            raise NotFoundError(
                f"several Kafkas have a backup {name}: {', '.join(kafkas)}; name one by -n and "
                "--kafka"
            )
        newest = ", ".join(copy.name for copy in copies[:5])
        hint = f"; the newest are: {newest}" if newest else ", and no other"
        raise NotFoundError(f"{url} does not contain a backup {name}{hint}")

    def _latest(
        self, copies: Iterable[_Copy], on_passed_over: Callable[[ExportedBackup], None]
    ) -> ExportedBackup:
        kafkas = sorted({str(copy.kafka) for copy in copies if copy.objects})
        if len(kafkas) > 1:
            raise NotFoundError(
                f"{', '.join(kafkas)} have backups; name one of these by -n and --kafka"
            )
        for copy in copies:
            backup = self._read(copy)
            if not backup.faults:
                same = [
                    candidate
                    for candidate in copies
                    if (candidate.kafka, candidate.name) == (copy.kafka, copy.name)
                ]
                if len(same) > 1:
                    raise _ambiguous(same)
                return backup
            if str(copy.kafka) in kafkas:
                on_passed_over(backup)
        raise NotFoundError(f"{self._restic.repository.url} does not contain a complete backup")

    def _copies(self) -> list[_Copy]:
        self._restic.check()
        copies: dict[tuple[str, str, str], _Copy] = {}
        for snapshot in self._restic.snapshots():
            namespace, _, kafka = snapshot.host.partition("/")
            name = snapshot.tags.get("backup", "")
            if not (SUBDOMAIN.allows(kafka) and SUBDOMAIN.allows(namespace)):
                continue
            if not NAME.fullmatch(name) or self._namespace not in ("", namespace):
                continue
            if self._kafka not in ("", kafka):
                continue
            uid = snapshot.tags.get("uid", "")
            cluster_id = snapshot.tags.get("cluster-id", "")
            copy = copies.setdefault(
                (snapshot.host, name, uid), _Copy(KafkaRef(namespace, kafka), name, uid, cluster_id)
            )
            kind = snapshot.tags.get("kind")
            if kind == "volume":
                copy.volumes[snapshot.id] = snapshot
            elif kind == "objects" and (copy.objects is None or copy.objects.time < snapshot.time):
                copy.objects = snapshot
        return sorted(copies.values(), key=lambda copy: (copy.name, str(copy.kafka)), reverse=True)

    def _read(self, copy: _Copy) -> ExportedBackup:
        copied = len({snapshot.tags.get("claim") for snapshot in copy.volumes.values()})
        unread = Backup(name=copy.name, kafka=copy.kafka)
        url = self._restic.repository.url
        if copy.objects is None:
            fault = (
                f"it is not complete: {copied} volumes are copied, and its objects are not. Its "
                "export still runs, or was interrupted"
            )
            return ExportedBackup(
                backup=unread, repository=url, copied_volumes=copied, faults=(fault,)
            )
        exported_at = format_second(copy.objects.time)
        try:
            tree = parse_objects(self._restic.read(copy.objects, OBJECTS), copy.kafka, copy.name)
        except (ActionError, ValueError) as failure:
            return ExportedBackup(
                backup=unread,
                repository=url,
                exported_at=exported_at,
                copied_volumes=copied,
                faults=(f"its objects cannot be read: {failure}",),
            )
        copied_backup = read_copied_backup(tree.secrets, copy.kafka, copy.name)
        backup = replace(copied_backup, uid=copy.uid)
        faults = list(backup.secret_faults)
        if not backup.complete_since and backup.has_mark:
            faults.append("its Secret with the facts is not marked as complete")
        return ExportedBackup(
            backup=backup,
            repository=url,
            exported_at=exported_at,
            volumes=tree.volumes,
            secrets=tree.secrets,
            copied_volumes=copied,
            faults=tuple(faults + _volume_faults(backup, tree.volumes, copy.volumes)),
        )


def _ambiguous(copies: Sequence[_Copy]) -> NotFoundError:
    copy = copies[0]
    listed = "; ".join(sorted(map(str, copies)))
    return NotFoundError(
        f"there are {len(copies)} backups {copy.name} of Kafka {copy.kafka}, as of several "
        f"clusters: {listed}. To use one, copy the bucket, and remove the others from the copy: "
        "restic snapshots --tag uid=UID lists their ids for restic forget"
    )


def _volume_faults(
    backup: Backup, volumes: Iterable[ExportedVolume], snapshots: Mapping[str, ResticSnapshot]
) -> list[str]:
    by_claim = {volume.claim: volume for volume in volumes}
    faults = []
    for claim in backup.claims:
        volume = by_claim.get(claim)
        snapshot = snapshots.get(volume.snapshot) if volume else None
        if volume is None:
            faults.append(f"it does not contain the volume of claim {claim}")
        elif snapshot is None or snapshot.tags.get("claim") != claim:
            faults.append(
                f"the snapshot {volume.snapshot[:8]} of claim {claim} is not in the repository"
            )
        elif volume.volume_mode != FILESYSTEM:
            faults.append(f"claim {claim} is a volume of mode {volume.volume_mode}")
    return faults


@dataclass(frozen=True, slots=True)
class ExportedObjects:
    """The file `/objects/backup.json`."""

    volumes: tuple[ExportedVolume, ...]
    secrets: Objects = field(repr=False)


def parse_objects(raw: bytes, kafka: KafkaRef, name: str) -> ExportedObjects:
    """Read the file; ValueError if it is of another backup or format, or damaged.

    The message never quotes the file, which has credentials.
    """
    try:
        tree = json.loads(raw)
        version = tree["format"]
        if version != FORMAT:
            raise ValueError(
                f"their format is {version!r}, and this version reads {FORMAT}: use a newer "
                "kanister-kafka"
            )
        identity = tree["namespace"], tree["cluster"], tree["backup"]
        if identity != (kafka.namespace, kafka.name, name):
            raise ValueError("they are of another backup")
        volumes = tuple(map(_volume, tree["volumes"]))
        secrets = tuple({**item} for item in tree["secrets"])
    except (AttributeError, KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError("they are damaged") from None
    return ExportedObjects(volumes, secrets)


def _volume(item: Mapping[str, Any]) -> ExportedVolume:
    volume = ExportedVolume(
        claim=str(item["claim"]),
        snapshot=str(item["snapshot"]),
        capacity=str(item["capacity"]),
        storage_class=str(item.get("storageClass") or ""),
        volume_mode=str(item.get("volumeMode") or FILESYSTEM),
        size=int(item.get("size") or 0),
    )
    if not SUBDOMAIN.allows(volume.claim) or not quantity(volume.capacity):
        raise ValueError("a volume has no name or no capacity")
    return volume
