"""The command `backups export`."""

from __future__ import annotations

import click

from kanister_kafka.backup.options import DEFAULT_KASTEN_NAMESPACE
from kanister_kafka.cli.backup_catalogue import catalogue_options, open_backup
from kanister_kafka.cli.options import applied_blueprint_option, follow_options


@click.command(epilog="Example: kanister-kafka backups export latest -n kafka")
@click.argument("backup")
@catalogue_options
@applied_blueprint_option
@follow_options
@click.pass_context
def export(
    ctx: click.Context,
    /,
    *,
    backup: str,
    namespace: str,
    kafka: str,
    kasten_namespace: str,
    context: str,
    blueprint: str,
    timeout: int | None,
    no_logs: bool,
) -> None:
    """Copy a backup off the cluster: BACKUP, or `latest` for the newest complete one.

    Runs the action `export` of a Blueprint that was rendered with --export-profile. Kafka is not
    stopped. A copy that has failed is repeated by the same command, and sends only what is missing.
    Exits with 1 if the copy has failed; the backup in the namespace stays as it is.
    """
    from kanister_kafka.cli.commands.run import run_request
    from kanister_kafka.operations import start_action
    from kanister_kafka.operations.actionset import EXPORT
    from kanister_kafka.operations.backups.action_sets import backup_request

    connection, found = open_backup(context, namespace, kafka, kasten_namespace, backup)
    home = kasten_namespace or DEFAULT_KASTEN_NAMESPACE
    applied = start_action.find_applied(connection, found.kafka, home, blueprint)
    start_action.check_action(applied, EXPORT)
    request = backup_request(EXPORT, found, applied)
    ctx.exit(run_request(connection, request, logs=not no_logs, timeout=timeout))
