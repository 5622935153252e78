"""The command `backups delete`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from kanister_kafka.backup.options import DEFAULT_KASTEN_NAMESPACE
from kanister_kafka.cli.app import confirm, echo, terminal_width
from kanister_kafka.cli.backup_catalogue import (
    catalogue_options,
    delete_backups,
    open_catalogue,
    utc_now,
)
from kanister_kafka.cli.manifest_input import dry_run_option
from kanister_kafka.cli.options import applied_blueprint_option
from kanister_kafka.cli.param_types import flag_option
from kanister_kafka.errors import ActionError

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.backups.model import Backup


@click.command(epilog="Example: kanister-kafka backups delete 20260102030405 -n kafka")
@click.argument("backups", metavar="BACKUP...", nargs=-1, required=True)
@catalogue_options
@flag_option(
    "--copy",
    "First delete the copy off the cluster, by the Blueprint. With --kafka also if nothing "
    "of the backup is on the cluster any more.",
)
@applied_blueprint_option
@dry_run_option
@flag_option("-y --yes", "Do not ask; required if there is no terminal.")
def delete(
    *,
    backups: tuple[str, ...],
    namespace: str,
    kafka: str,
    kasten_namespace: str,
    context: str,
    copy: bool,
    blueprint: str,
    dry_run: str,
    yes: bool,
) -> None:
    """Delete backups: their VolumeSnapshots and Secrets.

    Deletes only objects that have the labels of the backup. Refuses a backup that is being made,
    restored or deleted, or if that cannot be read. A copy off the cluster stays, unless --copy is
    given.
    """
    from kanister_kafka.operations.apply import DryRun
    from kanister_kafka.operations.backups.model import Backup
    from kanister_kafka.operations.backups.reader import find_backup
    from kanister_kafka.reports.backups import backups_text
    from kanister_kafka.strimzi.discovery import KafkaRef

    connection, catalogue = open_catalogue(context, namespace, kafka, kasten_namespace)
    known = {one.name for one in catalogue.backups}
    names = list(dict.fromkeys(backups))
    copies: list[Backup] = []
    if copy and kafka:
        home = namespace or connection.namespace
        copies += [
            Backup(name=name, kafka=KafkaRef(home, kafka)) for name in names if name not in known
        ]
        names = [name for name in names if name in known]
    selected = [find_backup(catalogue, name) for name in names]
    echo(backups_text(selected, utc_now(), width=terminal_width()), err=True)
    dry = DryRun(dry_run)
    if dry is DryRun.NONE:
        confirm("Delete them?", "a deleted backup cannot be restored", yes=yes)
        if copy:
            _delete_copies(connection, selected + copies, kasten_namespace, blueprint)
    sys.exit(delete_backups(connection, selected, kasten_namespace, dry))


def _delete_copies(
    connection: KubeClient, backups: list[Backup], kasten_namespace: str, blueprint: str
) -> None:
    """Delete the copies of backups; exit if one fails, and then nothing else is deleted."""
    from kanister_kafka.cli.commands.run import run_request
    from kanister_kafka.operations import start_action
    from kanister_kafka.operations.actionset import DELETE_COPY
    from kanister_kafka.operations.backups.action_sets import backup_request
    from kanister_kafka.operations.backups.activity import Activity

    for backup in backups:
        if reason := Activity(connection, kasten_namespace).why_not_deleted(backup):
            raise ActionError(f"{backup} is in use: {reason}")
        home = kasten_namespace or DEFAULT_KASTEN_NAMESPACE
        applied = start_action.find_applied(connection, backup.kafka, home, blueprint)
        start_action.check_action(applied, DELETE_COPY)
        request = backup_request(DELETE_COPY, backup, applied)
        if code := run_request(connection, request, logs=True, timeout=None):
            sys.exit(code)
