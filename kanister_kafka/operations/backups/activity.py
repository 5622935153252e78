"""The actions that run for Kafkas: their ActionSets and their state ConfigMaps, each read once."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from kanister_kafka.backup.options import DEFAULT_KASTEN_NAMESPACE
from kanister_kafka.constants import CLONE_OF, CLONE_SOURCE, CLUSTER, BackupState
from kanister_kafka.errors import ActionError, ForbiddenError, NotFoundError
from kanister_kafka.kube.client import PODS, SNAPSHOT_CONTENTS, KubeClient, Object
from kanister_kafka.kube.objects import annotation, get_path
from kanister_kafka.operations.actionset import (
    JOB_LABEL,
    ActionSet,
    ActionState,
    backup_values,
    is_backup_of,
    list_action_sets,
)
from kanister_kafka.operations.backups.model import Backup
from kanister_kafka.operations.live_kafka import IDLE, LiveKafka
from kanister_kafka.operations.object_names import NameFinder, ObjectNames
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.timestamps import parse_timestamp

NOT_READ = "ActionSets cannot be read"


LAUNCH_S = 300
"""Seconds after which a deferPhase that has not begun never does."""


def has_ended(connection: KubeClient, action_set: ActionSet) -> bool:
    """Return whether nothing more comes of an ActionSet, also if Kanister could not launch it.

    Its deferPhase stays pending forever then (pkg/controller/controller.go); otherwise Kanister
    starts it at once. If its pods cannot be listed, it has not ended.
    """
    if action_set.ended:
        return True
    if action_set.state is not ActionState.FAILED or action_set.running is not None:
        return False
    changed = parse_timestamp(action_set.changed)
    now = datetime.now(timezone.utc)
    if changed is None or (now - changed).total_seconds() < LAUNCH_S:
        return False
    if not action_set.job:
        return True
    try:
        return not connection.items(PODS, action_set.target, f"{JOB_LABEL}={action_set.job}")
    except ForbiddenError:
        return False


class BackupActivity:
    """Finds the action that makes, restores or deletes a backup.

    ActionSets are in the namespace of the Blueprint, which the state ConfigMap of a Kafka names.
    """

    def __init__(
        self, connection: KubeClient, kasten_namespace: str = "", blueprint: str = ""
    ) -> None:
        self.connection = connection
        self.kasten_namespace = kasten_namespace
        self.blueprint = blueprint
        """Of every Kafka that is asked for; empty for the one that is applied."""
        self.unreadable: dict[str, str] = {}
        """Namespaces whose ActionSets may not be listed, each with the reason."""
        self._finder = NameFinder(connection, kasten_namespace)
        self._state_config_maps: dict[KafkaRef, Object] = {}
        self._action_sets: dict[str, tuple[ActionSet, ...]] = {}

    def maker(self, kafka: KafkaRef, backup: str) -> ActionSet | None:
        """Return the ActionSet that has put out this backup, if it is still there."""
        for action_set in self._of(kafka):
            if action_set.action == "backup" and _is_named(action_set.artifacts, kafka, backup):
                return action_set
        return None

    def making(self, kafka: KafkaRef, run: str) -> str:
        """Return why the action that began a backup may not have ended; empty if it has.

        `run` has the digits of its start. An ActionSet does not name the backup before its end, so
        every action `backup` in the namespace of the Kafka counts.
        """
        try:
            names, state = self._names(kafka), self._state(kafka)
        except ActionError as several:
            return str(several)
        digits = "".join(filter(str.isdecimal, state.get("run", "")))
        if run and digits == run and state.get("state", "") not in IDLE:
            return f"ConfigMap {names.state_config_map} has the state {state['state']} of its run"
        for action_set in self._of(kafka):
            is_of_kafka = action_set.action == "backup" and action_set.target == kafka.namespace
            if is_of_kafka and not has_ended(self.connection, action_set):
                return f"{action_set} has not ended"
        return NOT_READ if self._namespace_of(kafka) in self.unreadable else self._unseen(kafka)

    def using(self, backup: Backup) -> str:
        """Return the action that restores or deletes a backup now; empty if none is seen."""
        for action_set in self._of(backup.kafka):
            is_named = _is_named(action_set.inputs, backup.kafka, backup.name)
            if is_named and not has_ended(self.connection, action_set):
                return f"{action_set}, action {action_set.action}, has not ended"
        return ""

    def why_not_deleted(self, backup: Backup) -> str:
        """Return why a backup must not be deleted now; empty if nothing uses it.

        ActionSets that cannot be read count as a use, and so does a restore of the Kafka that has
        not succeeded: it may be repeated.
        """
        try:
            self._names(backup.kafka)
        except ActionError as several:
            return str(several)
        if used := self.using(backup):
            return used
        if copy := self._copying(backup):
            return copy
        if self._namespace_of(backup.kafka) in self.unreadable:
            return NOT_READ
        if backup.running and not backup.complete_since:
            return backup.running
        if self._state(backup.kafka).get("state") == BackupState.RESTORING.value:
            return f"Kafka {backup.kafka} is being restored, perhaps from this backup"
        return self._unseen(backup.kafka)

    def _unseen(self, kafka: KafkaRef) -> str:
        """Return why the state of a Kafka cannot be known; empty if it is, or if it has none."""
        return "" if self._config_map(kafka) else next(iter(self._names(kafka).unsearched), "")

    def _copying(self, backup: Backup) -> str:
        """Return the namespace whose volumes are filled from the snapshots of a backup now.

        Without the right to list VolumeSnapshotContents none is seen. A deletion then makes a
        verification fail, and harms no data.
        """
        selector = f"{CLONE_OF}={backup.name},{CLUSTER}={backup.kafka.name}"
        with suppress(ForbiddenError, NotFoundError):
            for item in self.connection.items(SNAPSHOT_CONTENTS, label=selector):
                if annotation(item, CLONE_SOURCE) != str(backup.kafka):
                    continue
                namespace = get_path(item, "spec", "volumeSnapshotRef", "namespace")
                return f"a copy in namespace {namespace} is filled from its snapshots"
        return ""

    def _config_map(self, kafka: KafkaRef) -> Object:
        if kafka not in self._state_config_maps:
            name = self._names(kafka).state_config_map
            config_map = LiveKafka(self.connection, kafka).state_config_map(name)
            self._state_config_maps[kafka] = config_map or {}
        return self._state_config_maps[kafka]

    def _state(self, kafka: KafkaRef) -> Mapping[str, str]:
        return self._config_map(kafka).get("data") or {}

    def _namespace_of(self, kafka: KafkaRef) -> str:
        try:
            return self._names(kafka).blueprint_namespace
        except ActionError:  # which `making` and `why_not_deleted` report
            return self.kasten_namespace or DEFAULT_KASTEN_NAMESPACE

    def _names(self, kafka: KafkaRef) -> ObjectNames:
        return self._finder.find(kafka, self.blueprint)

    def _of(self, kafka: KafkaRef) -> tuple[ActionSet, ...]:
        namespace = self._namespace_of(kafka)
        if namespace not in self._action_sets:
            self._action_sets[namespace] = self._list(namespace)
        return self._action_sets[namespace]

    def _list(self, namespace: str) -> tuple[ActionSet, ...]:
        try:
            return list_action_sets(self.connection, namespace)
        except NotFoundError:  # Kanister is not installed: nothing runs
            return ()
        except ForbiddenError as failure:
            self.unreadable[namespace] = str(failure)
            return ()


def _is_named(artifacts: Mapping[str, Any], kafka: KafkaRef, backup: str) -> bool:
    """Return whether artifacts name this backup."""
    is_of_kafka = is_backup_of(artifacts, kafka.namespace, kafka.name)
    return is_of_kafka and backup_values(artifacts).get("backup") == backup
