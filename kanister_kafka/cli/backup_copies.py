"""Copies of backups off the cluster, for the commands that prune them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import click

from kanister_kafka.cli.app import print_error, print_warning
from kanister_kafka.errors import ActionError, InterruptedWriteError, KanisterKafkaError
from kanister_kafka.reports.text import escape_control_chars

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.actionset import AppliedBlueprint
    from kanister_kafka.operations.backups.copies import BackupCopy, PrunePlan
    from kanister_kafka.operations.backups.model import Backup
    from kanister_kafka.strimzi.discovery import KafkaRef

INTERRUPTED = InterruptedWriteError.exit_code
"""Exit code after Ctrl-C."""


def list_copies(
    connection: KubeClient, target: KafkaRef, applied: AppliedBlueprint, timeout: int | None = None
) -> tuple[BackupCopy, ...]:
    """Run the action `listCopies` and return the copies of a Kafka.

    Raises ActionError if the action is not complete, InterruptedWriteError after Ctrl-C. It prints
    on standard error alone.
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
        error = InterruptedWriteError if followed.code == INTERRUPTED else ActionError
        raise error(f"the copies of Kafka {target} cannot be listed: {followed.reason}")
    done = followed.action_set
    copies = read_copies(done, target)
    try:  # Kanister keeps every ActionSet, and a list is of no further use
        connection.delete(kanister_resource(connection, "ActionSet"), done.name, done.namespace)
    except KanisterKafkaError as failure:
        print_warning(f"ActionSet {done.name} stays: {escape_control_chars(str(failure))}")
    return copies


class Replanner:
    """Applies the keep rules again, right before a copy is deleted.

    A deletion takes minutes, in which other clients can delete, export and verify copies.
    """

    def __init__(
        self, plan: Callable[[KafkaRef], PrunePlan], listed_last: KafkaRef | None = None
    ) -> None:
        self._plan = plan
        """Lists the copies of a Kafka and applies the rules; raises KanisterKafkaError."""
        self._current = listed_last
        """The Kafka whose list nothing has followed yet; None after a deletion."""

    def why_kept(self, copy: Backup) -> str:
        """Return why a copy is not deleted any more; empty if it is."""
        if self._current == copy.kafka:
            self._current = None
            return ""
        self._current = None
        plan = self._plan(copy.kafka)
        if identity(copy) in map(identity, plan.removed):
            return ""
        if identity(copy) in [identity(kept.backup) for kept in plan.kept]:
            return "stays: a rule keeps it, as the copies have changed since the list"
        return "is gone: another client has deleted it"


def identity(backup: Backup) -> tuple[KafkaRef, str, str]:
    """Return what distinguishes a backup from all others, those of the same name too."""
    return backup.kafka, backup.name, backup.uid


def delete_copies(
    connection: KubeClient,
    copies: Iterable[Backup],
    blueprints: Mapping[KafkaRef, AppliedBlueprint],
    *,
    replanner: Replanner | None = None,
    logs: bool,
    timeout: int | None = None,
    err: bool = False,
) -> int:
    """Delete copies whose backups no action uses, by the action `deleteCopy`; return the exit code.

    With a replanner, a copy that the rules keep by now stays. If the copies of a Kafka cannot be
    listed again, all its other copies stay. Any other failure does not keep other copies from
    being deleted, but Ctrl-C does.
    """
    from kanister_kafka.cli.commands.run import follow_request
    from kanister_kafka.operations.backups.activity import Activity
    from kanister_kafka.operations.backups.copies import delete_request

    code = 0
    pending = list(copies)
    for copy in tuple(pending):
        if copy not in pending:
            continue
        try:
            kept = replanner.why_kept(copy) if replanner else ""
        except KanisterKafkaError as failure:
            code = max(code, failure.exit_code)
            print_error(escape_control_chars(str(failure)))
            if code == INTERRUPTED:
                print_not_deleted("copies", pending)
                break
            unlisted = [one for one in pending if one.kafka == copy.kafka]
            print_error("copies that are not deleted, as they cannot be listed again:")
            print_backups(unlisted)
            pending = [one for one in pending if one not in unlisted]
            continue
        if kept:
            print_warning(f"the copy of {copy} {kept}")
            pending.remove(copy)
            continue
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
    print_backups(backups)


def print_backups(backups: Iterable[Backup]) -> None:
    """Print a line for each backup on standard error."""
    for backup in backups:
        click.echo(f"  {backup}", err=True)
