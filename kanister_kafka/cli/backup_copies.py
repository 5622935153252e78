"""Copies of backups off the cluster, for the commands that prune them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click

from kanister_kafka.cli.app import print_error, print_warning
from kanister_kafka.errors import ActionError, InterruptedWriteError, KanisterKafkaError
from kanister_kafka.reports.text import escape_control_chars

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.actionset import AppliedBlueprint
    from kanister_kafka.operations.backups.copies import BackupCopy
    from kanister_kafka.operations.backups.model import Backup
    from kanister_kafka.strimzi.discovery import KafkaRef

INTERRUPTED = InterruptedWriteError.exit_code
"""Exit code after Ctrl-C."""


def list_copies(
    connection: KubeClient, target: KafkaRef, applied: AppliedBlueprint, timeout: int | None = None
) -> tuple[BackupCopy, ...]:
    """Run the action `listCopies` and return the copies of a Kafka.

    Raises ActionError if the action is not complete. It prints on standard error alone.
    """
    from kanister_kafka.cli.commands.run import follow_request
    from kanister_kafka.operations import start_action
    from kanister_kafka.operations.actionset import LIST_COPIES, kanister_resource
    from kanister_kafka.operations.backups.copies import read_copies

    if LIST_COPIES not in applied.actions:
        raise ActionError(
            f"Blueprint {applied.name} was rendered by an earlier version and has no action "
            f"{LIST_COPIES}. Apply it again:\n"
            f"  {applied.origin.apply_command(target, connection.context)}"
        )
    request = start_action.ActionRequest(target=target, action=LIST_COPIES, blueprint=applied)
    followed = follow_request(connection, request, logs=False, timeout=timeout, err=True)
    if followed.code:
        raise ActionError(f"the copies of Kafka {target} cannot be listed: {followed.reason}")
    done = followed.action_set
    copies = read_copies(done, target)
    try:  # Kanister keeps every ActionSet, and a list is of no further use
        connection.delete(kanister_resource(connection, "ActionSet"), done.name, done.namespace)
    except KanisterKafkaError as failure:
        print_warning(f"ActionSet {done.name} stays: {escape_control_chars(str(failure))}")
    return copies


def delete_copies(
    connection: KubeClient,
    copies: Iterable[Backup],
    blueprints: Mapping[KafkaRef, AppliedBlueprint],
    *,
    logs: bool,
    timeout: int | None = None,
    err: bool = False,
) -> int:
    """Delete copies whose backups no action uses, by the action `deleteCopy`; return the exit code.

    A failure does not keep other copies from being deleted, but Ctrl-C does.
    """
    from kanister_kafka.cli.commands.run import follow_request
    from kanister_kafka.operations.backups.activity import Activity
    from kanister_kafka.operations.backups.copies import delete_request

    code = 0
    pending = list(copies)
    for copy in tuple(pending):
        applied = blueprints[copy.kafka]
        # read anew: a restore may have begun since the list
        activity = Activity(connection, applied.namespace, applied.name)
        if reason := activity.why_not_deleted(copy):
            print_error(f"the copy of {copy} is in use: {escape_control_chars(reason)}")
            code = max(code, 1)
            pending.remove(copy)
            continue
        request = delete_request(copy, applied)
        followed = follow_request(connection, request, logs=logs, timeout=timeout, err=err)
        code = max(code, followed.code)
        if followed.code == INTERRUPTED:
            print_not_deleted("copies", pending)
            break
        pending.remove(copy)
    return code


def print_not_deleted(what: str, backups: Iterable[Backup]) -> None:
    """Print the backups of a deletion that the user has ended by Ctrl-C."""
    print_error(f"interrupted; {what} that are not, or not wholly, deleted:")
    for backup in backups:
        click.echo(f"  {backup}", err=True)
