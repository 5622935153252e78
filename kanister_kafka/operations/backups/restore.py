"""The actions for a backup of the catalogue, whether its ActionSet exists or not."""

from __future__ import annotations

from kanister_kafka.operations.actionset import ARTIFACT, ActionSet, ActionState, AppliedBlueprint
from kanister_kafka.operations.backups.model import Backup
from kanister_kafka.operations.start_action import ActionRequest


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
        target=backup.kafka,
        action=action,
        blueprint=blueprint,
        options=options,
        origin=origin,
    )
