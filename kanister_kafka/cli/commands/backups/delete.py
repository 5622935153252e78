"""The command `backups delete`."""

from __future__ import annotations

import sys

import click

from kanister_kafka.cli.app import confirm, echo, terminal_width
from kanister_kafka.cli.backup_catalogue import (
    catalogue_options,
    delete_backups,
    open_catalogue,
    utc_now,
)
from kanister_kafka.cli.manifest_input import dry_run_option


@click.command(epilog="Example: kanister-kafka backups delete 20260102030405 -n kafka")
@click.argument("backups", metavar="BACKUP...", nargs=-1, required=True)
@catalogue_options
@dry_run_option
@click.option("-y", "--yes", is_flag=True, help="Do not ask; required if there is no terminal.")
def delete(
    *,
    backups: tuple[str, ...],
    namespace: str,
    kafka: str,
    kasten_namespace: str,
    context: str,
    dry_run: str,
    yes: bool,
) -> None:
    """Delete backups: their VolumeSnapshots and Secrets.

    Deletes only objects that have the labels of the backup. Refuses a backup that is being made,
    restored or deleted, or if that cannot be read.
    """
    from kanister_kafka.operations.apply import DryRun
    from kanister_kafka.operations.backups.reader import find_backup
    from kanister_kafka.reports.backups import backups_text

    connection, catalogue = open_catalogue(context, namespace, kafka, kasten_namespace)
    found = [find_backup(catalogue, name) for name in dict.fromkeys(backups)]
    echo(backups_text(found, utc_now(), width=terminal_width()), err=True)
    dry = DryRun(dry_run)
    if dry is DryRun.NONE:
        confirm("Delete them?", "a deleted backup cannot be restored", yes=yes)
    sys.exit(delete_backups(connection, found, kasten_namespace, dry))
