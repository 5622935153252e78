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


@click.command(epilog="Example: kanister-kafka backups delete 20260102030405 -n kafka")
@click.argument("backups", metavar="BACKUP...", nargs=-1, required=True)
@catalogue_options
@click.option("--dry-run", is_flag=True, help="Print the objects that would be deleted.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask; required if there is no terminal.")
def delete(
    *,
    backups: tuple[str, ...],
    namespace: str,
    kafka: str,
    kasten_namespace: str,
    context: str,
    dry_run: bool,
    yes: bool,
) -> None:
    """Delete backups: their VolumeSnapshots and Secrets.

    Deletes only objects that have the labels of the backup. Refuses a backup that is being made,
    restored or deleted, or if that cannot be read.
    """
    from kanister_kafka.errors import ActionError
    from kanister_kafka.operations.backups.delete import list_objects
    from kanister_kafka.operations.backups.reader import find_backup, in_use
    from kanister_kafka.reports.backups import backups_text

    connection, catalogue = open_catalogue(context, namespace, kafka, kasten_namespace)
    found = tuple(find_backup(catalogue, name) for name in dict.fromkeys(backups))
    if reasons := in_use(connection, kasten_namespace, found):
        raise ActionError("\n".join(reasons))
    echo(backups_text(found, utc_now(), width=terminal_width()), err=True)
    if dry_run:
        for backup in found:
            echo("".join(f"{one}\n" for one in list_objects(connection, backup)))
        return
    confirm("Delete them?", "a deleted backup cannot be restored", yes=yes)
    if not delete_backups(connection, found, kasten_namespace):
        sys.exit(1)
