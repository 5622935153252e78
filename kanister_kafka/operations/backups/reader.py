"""Finds backups by the labels of their own objects, so that no ActionSet has to be there.

Secrets are listed without their data. Only those that hold no credentials are read: the facts, the
claims and the retention of the topics.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from kanister_kafka import constants
from kanister_kafka.backup.options import DEFAULT_KASTEN_NAMESPACE
from kanister_kafka.errors import ForbiddenError, NotFoundError
from kanister_kafka.kube.client import SECRETS, SNAPSHOTS, KubeClient, Object, Objects
from kanister_kafka.kube.objects import annotation, get_path, label, name_of
from kanister_kafka.operations.actionset import backup_values
from kanister_kafka.operations.backups.activity import BackupActivity
from kanister_kafka.operations.backups.model import (
    NAME,
    Backup,
    BackupSnapshot,
    Catalogue,
    PartitionOffsets,
    TopicRetention,
    unpack_secret,
)
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.timestamps import parse_timestamp

FIRST_FORMAT = ""
"""Backups of the first format do not name it, and have no mark of completeness."""
Key = tuple[str, str, str]


def read_catalogue(
    connection: KubeClient,
    namespace: str,
    *,
    kasten_namespace: str = "",
    kafka: str = "",
    blueprint: str = "",
    backup: str = "",
) -> Catalogue:
    """Read the backups of a namespace, or of all if it is empty.

    `backup` selects those of this name. `blueprint` is that of the Kafka, if only one is asked for;
    else the applied ones are searched.

    Raises ForbiddenError if Secrets, VolumeSnapshots or ConfigMaps may not be listed: a backup that
    cannot be seen must not look as if there were none.
    """
    selector = f"{constants.BACKUP}={backup}" if backup else constants.BACKUP
    selector += f",{constants.CLUSTER}={kafka}" if kafka else ""
    secrets = _by_backup(connection.items(SECRETS, namespace, selector, metadata_only=True))
    snapshots: Mapping[Key, list[Object]] = {}
    if connection.is_served(SNAPSHOTS):
        snapshots = _by_backup(connection.items(SNAPSHOTS, namespace, selector))
    activity = BackupActivity(connection, kasten_namespace, blueprint)
    backups = []
    for key in sorted({*secrets, *snapshots}, key=lambda key: (key[2], key), reverse=True):
        find = partial(connection.find, SECRETS, namespace=key[0])
        reader = _BackupReader(find, key, secrets.get(key, []), snapshots.get(key, []))
        backups.append(reader.read(activity))
    unreadable = [
        f"ActionSets of namespace {namespace}: {reason}"
        for namespace, reason in activity.unreadable.items()
    ]
    return Catalogue(tuple(backups), tuple(unreadable))


def read_copied_backup(secrets: Objects, kafka: KafkaRef, name: str) -> Backup:
    """Read a backup of which only the Secrets are there, complete; it has no snapshots."""
    backup_secrets = _by_backup(secrets).get((kafka.namespace, kafka.name, name), [])
    by_name = {name_of(item): item for item in backup_secrets}
    reader = _BackupReader(by_name.get, (kafka.namespace, kafka.name, name), backup_secrets, [])
    return reader.read(None)


def _by_backup(items: Objects) -> dict[Key, list[Object]]:
    """Return objects by namespace, Kafka and backup, without those of other tools."""
    by_backup: dict[Key, list[Object]] = defaultdict(list)
    for item in items:
        name, kafka = label(item, constants.BACKUP), label(item, constants.CLUSTER)
        is_managed = label(item, constants.MANAGED_BY) == constants.COMPONENT
        if is_managed and kafka and NAME.fullmatch(name):
            by_backup[str(get_path(item, "metadata", "namespace") or ""), kafka, name].append(item)
    return by_backup


class _BackupReader:
    """Reads one backup."""

    def __init__(
        self,
        find: Callable[[str], Object | None],
        key: Key,
        secrets: list[Object],
        snapshots: list[Object],
    ) -> None:
        self._find = find
        namespace, kafka, self.name = key
        self.kafka = KafkaRef(namespace, kafka)
        self.prefix = f"{kafka}-backup-{self.name}-"
        self.secrets = {name_of(item): item for item in secrets}
        self.snapshots = snapshots
        self.damages: list[str] = []

    def read(self, activity: BackupActivity | None) -> Backup:
        facts_secret = self.secrets.get(f"{self.prefix}facts")
        facts = self._facts() if facts_secret else {}
        claims = sorted(self._claims())
        topics = list(self._topics())
        maker = activity.maker(self.kafka, self.name) if activity else None
        values = backup_values(maker.artifacts) if maker else {}
        objects = [*self.secrets.values(), *self.snapshots]
        run = next(
            (label(item, constants.RUN) for item in objects if label(item, constants.RUN)), ""
        )
        parts = facts.get("parts", "")
        exported = annotation(facts_secret or {}, constants.EXPORTED).partition(" ")
        copy_verified, copy_verified_at, copy_verified_in = _copy_result(
            facts_secret or {}, exported[0]
        )
        optional = ("facts", "topics", "offsets")
        return Backup(
            name=self.name,
            kafka=self.kafka,
            run=run,
            uid=str(get_path(facts_secret or {}, "metadata", "uid") or ""),
            complete_since=annotation(facts_secret or {}, constants.COMPLETE),
            has_mark=not facts or facts.get("format", FIRST_FORMAT) != FIRST_FORMAT,
            kafka_version=facts.get("specVersion") or facts.get("kafkaVersion", ""),
            cluster_id=facts.get("clusterId", ""),
            stop=annotation(facts_secret or {}, constants.STOP) or str(values.get("stop") or ""),
            strategy=annotation(facts_secret or {}, constants.STRATEGY)
            or str(values.get("strategy") or ""),
            action_set=f"{maker.namespace}/{maker.name}" if maker else "",
            not_kept=facts.get("notKept", ""),
            snapshots=tuple(
                sorted(map(self._snapshot, self.snapshots), key=lambda snapshot: snapshot.name)
            ),
            claims=tuple(claims),
            secrets=sum(name.removeprefix(self.prefix) not in optional for name in self.secrets),
            expected_secrets=int(parts) if parts.isdecimal() else None,
            topics=tuple(topics),
            offsets=tuple(self._offsets()),
            verified=annotation(facts_secret or {}, constants.VERIFIED),
            verified_at=annotation(facts_secret or {}, constants.VERIFIED_AT),
            exported=exported[2],
            exported_at=exported[0] if parse_timestamp(exported[0]) else "",
            copy_verified=copy_verified,
            copy_verified_at=copy_verified_at,
            copy_verified_in=copy_verified_in,
            running=activity.making(self.kafka, run) if activity else "",
            damages=tuple(self.damages),
        )

    def _snapshot(self, item: Object) -> BackupSnapshot:
        return BackupSnapshot(
            name=name_of(item),
            claim=self._claim_of(item),
            ready=get_path(item, "status", "readyToUse") is True
            and not item["metadata"].get("deletionTimestamp"),
            restore_size=str(get_path(item, "status", "restoreSize") or ""),
        )

    def _claim_of(self, snapshot: Object) -> str:
        """Return the claim that a snapshot is of; a member of a group has a generated name."""
        name = name_of(snapshot)
        claim = name.removesuffix(f"-{self.name}")
        if claim != name:
            return claim
        return str(get_path(snapshot, "spec", "source", "persistentVolumeClaimName") or name)

    def _facts(self) -> dict[str, str]:
        text = self._content(f"{self.prefix}facts")
        return dict(line.partition("=")[::2] for line in text.splitlines())

    def _claims(self) -> Iterator[str]:
        for name in sorted(self.secrets):
            if name.startswith(f"{self.prefix}0-"):
                for line in self._content(name).splitlines():
                    try:
                        yield name_of(dict(json.loads(line)))
                    except (TypeError, ValueError) as failure:
                        self.damages.append(f"Secret {name} is damaged: {failure}")
                        return

    def _topics(self) -> Iterator[TopicRetention]:
        """Yield the topics whose retention is known."""
        name = f"{self.prefix}topics"
        if name not in self.secrets:
            return
        for line in self._content(name, needed=False).splitlines():
            words = line.split(" ")
            if line.startswith("#") or len(words) < 4:
                continue
            age, size = _retention_limit(words[1]), _retention_limit(words[2])
            if age is not None and size is not None:
                yield TopicRetention(words[0], age, size, "delete" in words[3].split(","))

    def _offsets(self) -> Iterator[PartitionOffsets]:
        """Yield the rows `TOPIC PARTITION EARLIEST LATEST BYTES`; `-` is unknown."""
        name = f"{self.prefix}offsets"
        if name not in self.secrets:
            return
        for line in self._content(name, needed=False).splitlines():
            words = line.split(" ")
            if line.startswith("#") or len(words) < 5:
                continue
            numbers = [int(word) if word.isdecimal() else None for word in words[1:5]]
            yield PartitionOffsets(words[0], *numbers)

    def _content(self, secret: str, *, needed: bool = True) -> str:
        """Return the text that a Secret holds, unpacked; empty if it is deleted or damaged.

        A damage of a Secret that a restore needs is kept.
        """
        stored = self._find(secret)
        try:
            return unpack_secret(stored or {})
        except ValueError as failure:
            if needed:
                self.damages.append(f"Secret {secret} is damaged: {failure}")
            return ""


def _copy_result(facts_secret: Object, exported_at: str) -> tuple[str, str, str]:
    """Return result, time and repository of the verification of a copy.

    Empty if there was none, or if the copy was made again or deleted after it.
    """
    at, _, repository = annotation(facts_secret, constants.COPY_VERIFIED_AT).partition(" ")
    verified, copied = parse_timestamp(at), parse_timestamp(exported_at)
    if verified is None or copied is None or verified < copied:
        return "", "", ""
    return annotation(facts_secret, constants.COPY_VERIFIED), at, repository


def _retention_limit(word: str) -> int | None:
    """Return milliseconds or bytes, -1 if there is no limit; None if it is not a number."""
    return int(word) if re.fullmatch(r"-?[0-9]+", word) else None


LATEST = "latest"
"""Stands for the newest complete backup."""


def find_latest(catalogue: Catalogue) -> Backup:
    """Return the newest complete backup; NotFoundError if there is none, or of several Kafkas."""
    complete = [backup for backup in catalogue.backups if backup.restorable]
    kafkas = sorted({str(backup.kafka) for backup in complete})
    if len(kafkas) > 1:
        raise NotFoundError(f"{', '.join(kafkas)} have backups; name one of these by --kafka")
    if not complete:
        raise NotFoundError("there is no complete backup: is it another namespace?")
    return complete[0]


def find_backup(catalogue: Catalogue, name: str) -> Backup:
    """Return the backup with that name; NotFoundError if no or several Kafkas have one."""
    matches = [backup for backup in catalogue.backups if backup.name == name]
    if len(matches) == 1:
        return matches[0]
    if matches:
        kafkas = ", ".join(str(backup.kafka) for backup in matches)
        raise NotFoundError(f"several Kafkas have a backup {name}: {kafkas}; name one by --kafka")
    newest = ", ".join(backup.name for backup in catalogue.backups[:5])
    hint = f"; the newest are: {newest}" if newest else ", and no other: is it another namespace?"
    raise NotFoundError(f"there is no backup {name}{hint}")


# The objects of a backup, as `operations.apply.delete_objects` takes them.


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
    if connection.is_served(SNAPSHOTS):
        ordered += connection.items(SNAPSHOTS, namespace, selector, metadata_only=True)
    return tuple(ordered)


# Kasten's restore points of a namespace, and the hook of the Policy that made each.
#
# RestorePoints come from Kasten's aggregated API (docs.kasten.io, api/restorepoints). Their labels
# with the Policy and the location profile of an export, and the fields of their status, are those
# that Kasten 8 and 9 were seen to write; the documentation does not list them.

RESTORE_POINTS = "apps.kio.kasten.io/v1alpha1"
POLICIES = "config.kio.kasten.io/v1alpha1"
POLICY_NAME, POLICY_NAMESPACE = "k10.kasten.io/policyName", "k10.kasten.io/policyNamespace"
EXPORT_PROFILE = "k10.kasten.io/exportProfile"


@dataclass(frozen=True, slots=True)
class RestorePoint:
    """A restore point of Kasten."""

    name: str
    namespace: str
    time: str
    """Time of its action as RFC 3339; else of its creation."""
    policy: str
    """`NAMESPACE/NAME`; empty if a person has made it."""
    hook: str | None
    """Blueprint and action of the pre-hook that its Policy has now, as `BLUEPRINT ACTION`; empty
    if it has none, None if the Policy is not there or cannot be read."""
    exported_to: str
    """Name of the location profile; empty if it is not exported."""
    size: int | None
    """Logical bytes."""


@dataclass(frozen=True, slots=True)
class RestorePoints:
    """The restore points of a namespace or of all, the newest first."""

    points: tuple[RestorePoint, ...]
    unreadable: tuple[str, ...] = ()
    """Failures of reading, a sentence each."""


def read_restore_points(connection: KubeClient, namespace: str) -> RestorePoints:
    """Read the restore points of a namespace, or of all if it is empty.

    Raises NotFoundError if Kasten's API is not served, ForbiddenError if they may not be listed.
    """
    kind = connection.kind(RESTORE_POINTS, "RestorePoint")
    items = connection.items(kind, namespace)
    hooks: dict[str, str | None] = {}
    unreadable = {}
    for policy in sorted({_policy(item) for item in items} - {""}):
        try:
            hooks[policy] = _pre_hook(connection, policy)
        except ForbiddenError as refusal:
            unreadable[policy] = f"Policy {policy}: {refusal}"
    points = [
        RestorePoint(
            name=name_of(item),
            namespace=str(get_path(item, "metadata", "namespace") or ""),
            time=str(
                get_path(item, "status", "actionTime")
                or get_path(item, "metadata", "creationTimestamp")
                or ""
            ),
            policy=_policy(item),
            hook=hooks.get(_policy(item)),
            exported_to=label(item, EXPORT_PROFILE),
            size=_bytes(get_path(item, "status", "logicalSizeBytes")),
        )
        for item in items
    ]
    points.sort(key=lambda point: (point.time, point.namespace, point.name), reverse=True)
    return RestorePoints(tuple(points), tuple(unreadable.values()))


def _policy(item: Object) -> str:
    name = label(item, POLICY_NAME)
    return f"{label(item, POLICY_NAMESPACE) or DEFAULT_KASTEN_NAMESPACE}/{name}" if name else ""


def _pre_hook(connection: KubeClient, policy: str) -> str | None:
    """Return the pre-hook of the first action `backup` of a Policy."""
    namespace, _, name = policy.partition("/")
    try:
        policy_object = connection.get(connection.kind(POLICIES, "Policy"), name, namespace)
    except NotFoundError:
        return None
    for action in get_path(policy_object, "spec", "actions") or ():
        hook = get_path(action, "backupParameters", "hooks", "preHook")
        if hook:
            return f"{hook.get('blueprint', '')} {hook.get('actionName', '')}"
    return ""


def _bytes(value: object) -> int | None:
    return value if isinstance(value, int) else None
