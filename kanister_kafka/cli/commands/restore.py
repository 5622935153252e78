"""The command `restore`."""

from __future__ import annotations

import click

from kanister_kafka.backup.options import DEFAULT_KASTEN_NAMESPACE
from kanister_kafka.cli.app import echo, terminal_width
from kanister_kafka.cli.backup_catalogue import catalogue_options, open_catalogue, utc_now
from kanister_kafka.cli.options import action_options
from kanister_kafka.errors import ActionError


@click.command(epilog="Example: kanister-kafka restore 20260102030405 -n kafka")
@click.argument("backup")
@catalogue_options
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace the volumes and objects of the Kafka that are there.",
)
@click.option(
    "--discard-replaced",
    is_flag=True,
    help="Take no snapshots of the volumes that are replaced: their content is lost.",
)
@action_options
@click.pass_context
def restore(
    ctx: click.Context,
    /,
    *,
    backup: str,
    namespace: str,
    kafka: str,
    kasten_namespace: str,
    context: str,
    blueprint: str,
    options: tuple[tuple[str, str], ...],
    overwrite: bool,
    discard_replaced: bool,
    retention: str,
    timeout: int | None,
    no_logs: bool,
    yes: bool,
    dry_run: bool,
) -> None:
    """Restore a backup into the namespace that it came from.

    BACKUP is the name of a backup of the action `backup`, as `backups list` prints it. The
    ActionSet of the backup may be gone. Runs the action `restore` of the Blueprint, which checks
    everything before it changes anything, and follows it. Exits with 1 if the restore failed.
    """
    from kanister_kafka.cli.commands.run import confirm_restore, run_request, with_retention
    from kanister_kafka.operations import start_action
    from kanister_kafka.operations.backups.activity import Activity
    from kanister_kafka.operations.backups.reader import find_backup
    from kanister_kafka.operations.backups.restore import restore_request
    from kanister_kafka.reports.backups import backup_text
    from kanister_kafka.yamldoc.dumper import dump

    connection, catalogue = open_catalogue(context, namespace, kafka, kasten_namespace)
    found = find_backup(catalogue, backup)
    if not found.restorable:
        faults = "; ".join(found.faults) or found.running or "its action has failed"
        raise ActionError(f"{found} is {found.status.value}: {faults}")
    if reason := Activity(connection, kasten_namespace).using(found):
        raise ActionError(f"{found} is in use: {reason}")
    home = kasten_namespace or DEFAULT_KASTEN_NAMESPACE
    applied = start_action.find_applied(connection, found.kafka, home, blueprint)
    start_action.check_action(applied, "restore")
    chosen = list(options)
    if overwrite:
        chosen.append(("overwrite", "true"))
    if discard_replaced:
        chosen.append(("discard-replaced", "true"))
    request = restore_request(found, applied, tuple(chosen))
    if retention:
        request = with_retention(request, retention)
    if dry_run:
        echo(dump(start_action.build_action_set(request)))
        return
    described = backup_text(found, utc_now(), terminal_width(), how_to_restore=False)
    confirm_restore(connection, request, described.splitlines(), yes=yes)
    ctx.exit(run_request(connection, request, logs=not no_logs, timeout=timeout))
