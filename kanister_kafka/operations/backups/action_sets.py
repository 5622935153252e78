"""The ActionSets of a Kafka: those that prevent a backup, and those of no further use."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from kanister_kafka.constants import CLUSTER, COMPONENT, MANAGED_BY
from kanister_kafka.durations import format_duration
from kanister_kafka.errors import ActionError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.operations.action_follower import delete_command, status_command
from kanister_kafka.operations.actionset import (
    ARTIFACT,
    DELETE_COPY,
    EXPORT,
    LIST_COPIES,
    ActionSet,
    ActionState,
    AppliedBlueprint,
    backup_values,
    is_backup_of,
    list_action_sets,
)
from kanister_kafka.operations.backups.activity import has_ended
from kanister_kafka.operations.backups.model import Backup
from kanister_kafka.operations.live_kafka import IDLE, LiveKafka, state_of
from kanister_kafka.operations.object_names import default_blueprint, find_names
from kanister_kafka.operations.start_action import ActionRequest
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.timestamps import parse_timestamp

DELETE = "delete"
COPYING = (DELETE_COPY, EXPORT, LIST_COPIES)
"""Actions that stop nothing, so that a backup may begin meanwhile."""


@dataclass(frozen=True, slots=True)
class BusyReason:
    """Why no backup may begin."""

    text: str
    will_end: bool
    """Whether an action runs that ends by itself. Otherwise a person has to act."""


def find_busy_reason(
    connection: KubeClient,
    kafka: KafkaRef,
    blueprint: AppliedBlueprint,
    longest: int | None,
    now: datetime,
) -> BusyReason | None:
    """Return why no backup of a Kafka may begin; None if nothing prevents it.

    An ActionSet that has not ended after `longest` seconds is stuck: Kanister forgets what it runs
    when it is restarted. Raises the errors of KubeClient, as what cannot be read may be a restore.
    """
    state = _state(connection, kafka, blueprint)
    if action_set := _unended(connection, kafka, blueprint):
        name = _title(action_set)
        created = parse_timestamp(action_set.created)
        age = int((now - created).total_seconds()) if created else 0
        if longest is None or age <= longest:
            return BusyReason(f"{name} has not ended", will_end=True)
        return BusyReason(
            f"{name} has not ended after {format_duration(age)}; if nothing is at work, "
            f"{delete_command(action_set, connection.context)}",
            will_end=False,
        )
    # Read again: the action that has changed it may have ended before ActionSets were listed.
    if state in IDLE or (state := _state(connection, kafka, blueprint)) in IDLE:
        return None
    return BusyReason(
        f"Kafka {kafka} is {state}, and no action runs: "
        f"{status_command(kafka, connection.context)}",
        will_end=False,
    )


def check_no_action(connection: KubeClient, request: ActionRequest) -> None:
    """Raise ActionError if another action of a Kafka has not ended, so that no restore may begin.

    The state in the ConfigMap does not count: a restore that has failed is repeated. Raises the
    errors of KubeClient, as what cannot be read may be a restore.
    """
    kafka = request.target
    artifacts = request.origin.artifacts if request.origin else {}
    restored = str(backup_values(artifacts).get("backup") or "")
    if action_set := _unended(connection, kafka, request.blueprint, restored=restored):
        raise ActionError(
            f"Kafka {kafka} is in use: {_title(action_set)} has not ended.\n"
            "Wait for its end, and look:\n"
            f"  {status_command(kafka, connection.context)}\n"
            "If nothing is at work, such as after a restart of Kanister, delete it first:\n"
            f"  {delete_command(action_set, connection.context)}"
        )


def _unended(
    connection: KubeClient, kafka: KafkaRef, blueprint: AppliedBlueprint, *, restored: str = ""
) -> ActionSet | None:
    """Return the oldest ActionSet that may still stop, start or change a Kafka or its backups.

    The deletion of another backup than the one that is `restored` may run meanwhile.
    """
    for action_set in find_action_sets(connection, kafka, blueprint):
        if action_set.action in COPYING:
            continue
        if action_set.action == DELETE and action_set.backup not in ("", restored) and restored:
            continue
        if not has_ended(connection, action_set):
            return action_set
    return None


def _title(action_set: ActionSet) -> str:
    return f"{action_set}, action {action_set.action},"


def _state(connection: KubeClient, kafka: KafkaRef, blueprint: AppliedBlueprint) -> str:
    names = find_names(connection, kafka, blueprint.namespace, blueprint.name)
    return state_of(LiveKafka(connection, kafka).state_config_map(names.state_config_map))


def find_action_sets(
    connection: KubeClient, kafka: KafkaRef, blueprint: AppliedBlueprint
) -> list[ActionSet]:
    """Return the ActionSets of a Kafka by any of its Blueprints, the oldest first."""
    default = default_blueprint(kafka)
    names = (blueprint.name, default, f"{default}.hot")
    action_sets = []
    for action_set in list_action_sets(connection, blueprint.namespace):
        is_named = action_set.blueprint in names or action_set.cluster == kafka.name
        belongs = is_named and action_set.target == kafka.namespace
        artifacts = (action_set.inputs, action_set.artifacts)
        if belongs or any(is_backup_of(item, kafka.namespace, kafka.name) for item in artifacts):
            action_sets.append(action_set)
    return sorted(action_sets, key=lambda action_set: action_set.created)


KEPT_FAILURES = 3
"""Failed ActionSets of backups that stay, as many as failed Jobs of the CronJob."""


def find_outdated_action_sets(
    connection: KubeClient, kafka: KafkaRef, namespace: str, backups: Collection[str]
) -> list[ActionSet]:
    """Return the ActionSets of backups that no longer exist, and of all but the last failures.

    `backups` are the names of those that exist, `namespace` is that of Kanister. Only ActionSets
    with the labels of this tool count.
    """
    selector = f"{MANAGED_BY}={COMPONENT},{CLUSTER}={kafka.name}"
    outdated = []
    failures = []
    for action_set in list_action_sets(connection, namespace, selector):
        is_backup = action_set.action == "backup" and action_set.target == kafka.namespace
        if not is_backup or not has_ended(connection, action_set):
            continue
        if action_set.state is ActionState.FAILED:
            failures.append(action_set)
            continue
        if backup_values(action_set.artifacts).get("backup") not in backups:
            outdated.append(action_set)
    failures.sort(key=lambda action_set: action_set.created)
    return outdated + failures[:-KEPT_FAILURES]


# The actions for a backup of the catalogue, whether its ActionSet exists or not.


def restore_request(
    backup: Backup, blueprint: AppliedBlueprint, options: tuple[tuple[str, str], ...]
) -> ActionRequest:
    """Return the action `restore` of a backup."""
    return backup_request("restore", backup, blueprint, options)


def backup_request(
    action: str,
    backup: Backup,
    blueprint: AppliedBlueprint,
    options: tuple[tuple[str, str], ...] = (),
) -> ActionRequest:
    """Return an action with the artifact that the action `backup` puts out."""
    values = {
        "cluster": backup.kafka.name,
        "namespace": backup.kafka.namespace,
        "backup": backup.name,
        "snapshots": str(len(backup.claims)),
        "stop": backup.stop,
        "strategy": backup.strategy,
    }
    origin = ActionSet(
        name=backup.action_set,
        namespace=blueprint.namespace,
        created=backup.complete_since,
        version="",
        action="backup",
        blueprint=blueprint.name,
        target=backup.kafka.namespace,
        state=ActionState.COMPLETE,
        phases=(),
        error="",
        artifacts={ARTIFACT: {"keyValue": {key: text for key, text in values.items() if text}}},
    )
    return ActionRequest(
        target=backup.kafka, action=action, blueprint=blueprint, options=options, origin=origin
    )
