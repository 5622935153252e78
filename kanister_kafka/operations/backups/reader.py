"""Finds backups by the labels of their own objects, so that no ActionSet has to be there.

Secrets are listed without their data. Only those that hold no credentials are read: the facts, the
claims and the retention of the topics.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kanister_kafka import constants
from kanister_kafka.errors import ForbiddenError, KanisterKafkaError, NotFoundError
from kanister_kafka.kube.client import KubeClient, Object, Objects
from kanister_kafka.kube.objects import annotation, get_path, label, name_of
from kanister_kafka.operations.actionset import API_VERSION, ActionSet, read_action_set
from kanister_kafka.operations.backups.model import (
    NAME,
    Backup,
    BackupSnapshot,
    Catalogue,
    TopicRetention,
)
from kanister_kafka.operations.start_action import ARTIFACT, SECRETS
from kanister_kafka.operations.volume_snapshots import API_VERSION as SNAPSHOT_API
from kanister_kafka.strimzi.discovery import CONFIG_MAPS, KafkaRef

FIRST_FORMAT = ""
"""Backups of the first format do not name it, and have no mark of completeness."""
MAX_UNPACKED = 16 * 2**20
"""Bytes of objects in one Secret: the steps put at most 700,000 into each before they compress."""
Key = tuple[str, str, str]


def read_catalogue(
    connection: KubeClient, namespace: str, *, kasten_namespace: str, kafka: str = ""
) -> Catalogue:
    """Read the backups of a namespace, or of all if it is empty.

    Raises ForbiddenError if Secrets, VolumeSnapshots or ConfigMaps may not be listed: a backup that
    cannot be seen must not look as if there were none.
    """
    selector = constants.BACKUP + (f",{constants.CLUSTER}={kafka}" if kafka else "")
    secrets = _by_backup(connection.items(SECRETS, namespace, selector, metadata_only=True))
    try:
        resource = connection.kind(SNAPSHOT_API, "VolumeSnapshot")
    except NotFoundError:
        snapshots: Mapping[Key, list[Object]] = {}
    else:
        snapshots = _by_backup(connection.items(resource, namespace, selector))
    unreadable: list[str] = []
    actions = _Actions(connection, kasten_namespace, unreadable)
    records = _Records(connection)
    found = []
    for key in sorted({*secrets, *snapshots}, key=lambda key: (key[2], key), reverse=True):
        reader = _BackupReader(connection, key, secrets.get(key, []), snapshots.get(key, []))
        found.append(reader.read(actions, records))
    return Catalogue(tuple(found), tuple(unreadable))


def _by_backup(items: Objects) -> dict[Key, list[Object]]:
    """Return objects by namespace, Kafka and backup; others that have the label are left out."""
    found: dict[Key, list[Object]] = defaultdict(list)
    for item in items:
        name, kafka = label(item, constants.BACKUP), label(item, constants.CLUSTER)
        ours = label(item, constants.MANAGED_BY) == constants.COMPONENT
        if ours and kafka and NAME.fullmatch(name):
            found[str(get_path(item, "metadata", "namespace") or ""), kafka, name].append(item)
    return found


class _Actions:
    """The ActionSets of a namespace, read once."""

    def __init__(self, connection: KubeClient, namespace: str, unreadable: list[str]) -> None:
        self.found: tuple[tuple[Object, ActionSet], ...] = ()
        self.readable = True
        try:
            resource = connection.kind(API_VERSION, "ActionSet")
            items = connection.items(resource, namespace)
        except NotFoundError:  # Kanister is not installed: nothing runs
            return
        except ForbiddenError as failure:
            self.readable = False
            unreadable.append(f"ActionSets of namespace {namespace}: {failure}")
            return
        self.found = tuple((item, read_action_set(item)) for item in items)

    def maker(self, key: Key) -> ActionSet | None:
        """Return the ActionSet whose artifact is this backup."""
        for _, action_set in self.found:
            if action_set.action == "backup" and _artifact(action_set.artifacts) == key:
                return action_set
        return None

    def running_backup(self, namespace: str) -> str:
        """Return the ActionSet of a backup for this namespace that has not ended."""
        for _, one in self.found:
            if one.action == "backup" and one.target == namespace and not one.ended:
                return f"ActionSet {one.namespace}/{one.name} has not ended"
        return "" if self.readable else "ActionSets cannot be read"

    def user(self, key: Key) -> str:
        """Return the ActionSet that restores or deletes this backup now."""
        for item, one in self.found:
            asked: Object = next(iter(get_path(item, "spec", "actions") or ()), {})
            if not one.ended and _artifact(asked.get("artifacts") or {}) == key:
                return f"ActionSet {one.namespace}/{one.name}, action {one.action}, has not ended"
        return "" if self.readable else "ActionSets cannot be read"


def _artifact(artifacts: Mapping[str, Any]) -> Key:
    values = (artifacts.get(ARTIFACT) or {}).get("keyValue") or {}
    return (
        str(values.get("namespace") or ""),
        str(values.get("cluster") or ""),
        str(values.get("backup") or ""),
    )


class _Records:
    """The state ConfigMap of each Kafka, read once."""

    def __init__(self, connection: KubeClient) -> None:
        self.connection = connection
        self.known: dict[KafkaRef, Mapping[str, str]] = {}

    def of(self, kafka: KafkaRef) -> Mapping[str, str]:
        """Return its data; empty if it is not there."""
        if kafka not in self.known:
            item = self.connection.find(CONFIG_MAPS, kafka.record, kafka.namespace)
            self.known[kafka] = (item or {}).get("data") or {}
        return self.known[kafka]


class _BackupReader:
    """Reads one backup."""

    def __init__(
        self, connection: KubeClient, key: Key, secrets: list[Object], snapshots: list[Object]
    ) -> None:
        self.connection = connection
        self.key = key
        self.namespace, kafka, self.name = key
        self.kafka = KafkaRef(self.namespace, kafka)
        self.prefix = f"{kafka}-backup-{self.name}-"
        self.secrets = {name_of(item): item for item in secrets}
        self.snapshots = snapshots

    def read(self, actions: _Actions, records: _Records) -> Backup:
        facts_secret = self.secrets.get(f"{self.prefix}facts")
        facts = self._facts() if facts_secret else {}
        maker = actions.maker(self.key)
        values = (maker.artifacts.get(ARTIFACT) or {}).get("keyValue") or {} if maker else {}
        objects = [*self.secrets.values(), *self.snapshots]
        run = next((label(one, constants.RUN) for one in objects if label(one, constants.RUN)), "")
        parts = facts.get("parts", "")
        other = ("facts", "topics")
        return Backup(
            name=self.name,
            kafka=self.kafka,
            run=run,
            complete_since=annotation(facts_secret or {}, constants.COMPLETE),
            has_mark=not facts or facts.get("format", FIRST_FORMAT) != FIRST_FORMAT,
            kafka_version=facts.get("specVersion") or facts.get("kafkaVersion", ""),
            cluster_id=facts.get("clusterId", ""),
            stop=str(values.get("stop") or ""),
            action_set=f"{maker.namespace}/{maker.name}" if maker else "",
            not_kept=facts.get("notKept", ""),
            snapshots=tuple(sorted(map(self._snapshot, self.snapshots), key=lambda one: one.name)),
            claims=tuple(sorted(self._claims())),
            secrets=sum(name.removeprefix(self.prefix) not in other for name in self.secrets),
            expected_secrets=int(parts) if parts.isdecimal() else None,
            topics=tuple(self._topics()),
            running=self._running(run, actions, records),
        )

    def _running(self, run: str, actions: _Actions, records: _Records) -> str:
        record = records.of(self.kafka)
        state = record.get("state", "")
        idle = ("", constants.BackupState.RUNNING.value)
        digits = "".join(filter(str.isdecimal, record.get("run", "")))
        if state not in idle and run and digits == run:
            return f"ConfigMap {self.kafka.record} has the state {state} of its run"
        return actions.running_backup(self.namespace)

    def _snapshot(self, item: Object) -> BackupSnapshot:
        return BackupSnapshot(
            name=name_of(item),
            claim=name_of(item).removesuffix(f"-{self.name}"),
            ready=get_path(item, "status", "readyToUse") is True
            and not item["metadata"].get("deletionTimestamp"),
            restore_size=str(get_path(item, "status", "restoreSize") or ""),
        )

    def _facts(self) -> dict[str, str]:
        text = self._content(f"{self.prefix}facts")
        return dict(line.partition("=")[::2] for line in text.splitlines())

    def _claims(self) -> Iterator[str]:
        for name in sorted(self.secrets):
            if name.startswith(f"{self.prefix}0-"):
                for line in self._content(name).splitlines():
                    yield name_of(_json(line, name))

    def _topics(self) -> Iterator[TopicRetention]:
        name = f"{self.prefix}topics"
        if name not in self.secrets:
            return
        for line in self._content(name).splitlines():
            words = line.split(" ")
            if line.startswith("#") or len(words) < 4:
                continue
            retention = int(words[1]) if words[1].lstrip("-").isdecimal() else -1
            yield TopicRetention(words[0], retention, "delete" in words[3].split(","))

    def _content(self, secret: str) -> str:
        """Return the text that a Secret holds, unpacked; empty if the Secret is just deleted."""
        found = self.connection.find(SECRETS, secret, self.namespace)
        data = (found or {}).get("data") or {}
        raw = _decoded(data.get("objects.json.gz") or data.get("objects") or "", secret)
        if raw[:2] == b"\x1f\x8b":
            raw = _unpacked(raw, secret)
        return raw.decode("utf-8", "replace")


def _decoded(text: str, secret: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error as failure:
        raise KanisterKafkaError(f"Secret {secret} is damaged: {failure}") from failure


def _unpacked(raw: bytes, secret: str) -> bytes:
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        text = unpack.decompress(raw, MAX_UNPACKED)
    except (zlib.error, gzip.BadGzipFile) as failure:
        raise KanisterKafkaError(f"Secret {secret} is damaged: {failure}") from failure
    if unpack.unconsumed_tail:
        raise KanisterKafkaError(f"Secret {secret} holds more than {MAX_UNPACKED} bytes")
    return text


def _json(line: str, secret: str) -> Object:
    try:
        return dict(json.loads(line))
    except (TypeError, ValueError) as failure:
        raise KanisterKafkaError(f"Secret {secret} is damaged: {failure}") from failure


def find_backup(catalogue: Catalogue, name: str) -> Backup:
    """Return the backup with that name; NotFoundError if no or several Kafkas have one."""
    found = [one for one in catalogue.backups if one.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        kafkas = ", ".join(str(one.kafka) for one in found)
        raise NotFoundError(f"several Kafkas have a backup {name}: {kafkas}; name one by --kafka")
    known = ", ".join(one.name for one in catalogue.backups[:5])
    others = f"; the newest are: {known}" if known else ", and no other: is it another namespace?"
    raise NotFoundError(f"there is no backup {name}{others}")


def in_use(connection: KubeClient, kasten_namespace: str, backups: Iterable[Backup]) -> list[str]:
    """Return for each backup that is being made, restored or deleted a sentence about it.

    An ActionSet or a state that cannot be read counts as a use.
    """
    actions = _Actions(connection, kasten_namespace, [])
    records = _Records(connection)
    found = []
    for backup in backups:
        key = (backup.kafka.namespace, backup.kafka.name, backup.name)
        reason = actions.user(key)
        if not reason and backup.running and not backup.complete_since:
            reason = backup.running
        if not reason and records.of(backup.kafka).get("state") == (
            constants.BackupState.RESTORING.value
        ):
            reason = f"Kafka {backup.kafka} is being restored, perhaps from it"
        if reason:
            found.append(f"{backup} is in use: {reason}")
    return found
