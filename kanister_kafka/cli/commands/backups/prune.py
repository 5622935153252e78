"""The command `backups prune`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from kanister_kafka.cli.app import confirm, echo, terminal_width
from kanister_kafka.cli.backup_catalogue import (
    catalogue_options,
    delete_backups,
    keep_rule_options,
    keep_rules,
    open_catalogue,
    utc_now,
)
from kanister_kafka.cli.manifest_input import dry_run_option

if TYPE_CHECKING:
    from kanister_kafka.operations.backups.model import Backup


@click.command(
    epilog="Example: kanister-kafka backups prune -n kafka --keep-daily 7 --keep-weekly 4 --dry-run"
)
@catalogue_options
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Of all namespaces.")
@keep_rule_options
@dry_run_option
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Output format of the plan.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask; required if there is no terminal.")
def prune(
    *,
    namespace: str,
    kafka: str,
    kasten_namespace: str,
    context: str,
    everywhere: bool,
    dry_run: str,
    form: str,
    yes: bool,
    **keep: Any,
) -> None:
    """Delete complete backups that no keep rule holds.

    The rules are those of `restic forget`, and apply to each Kafka by itself. Days, weeks, months
    and years are those of UTC. Incomplete and damaged backups do not count and are not removed.
    The newest complete backup of a Kafka always stays.
    """
    from kanister_kafka.operations.apply import DryRun
    from kanister_kafka.operations.backups.keep_rules import plan_prune
    from kanister_kafka.reports.backups import prune_json, prune_text

    rules = keep_rules(**keep)
    if not rules:
        raise click.UsageError("give at least one keep rule, such as --keep-daily 7")
    connection, catalogue = open_catalogue(
        context, namespace, kafka, kasten_namespace, everywhere=everywhere
    )
    now = utc_now()
    plans = []
    for target in dict.fromkeys(backup.kafka for backup in catalogue.backups):
        own = [backup for backup in catalogue.backups if backup.kafka == target]
        plans.append(plan_prune(own, rules, now))
    if form == "json":
        echo(prune_json(plans))
    else:
        echo("".join(prune_text(plan, now, terminal_width()) for plan in plans) or "No backups.\n")
    removed: list[Backup] = []
    for plan in plans:
        removed += plan.removed
    dry = DryRun(dry_run)
    if dry is DryRun.CLIENT or not removed:
        return
    if dry is DryRun.NONE:
        confirm(f"Delete {len(removed)} backups?", "a deleted backup cannot be restored", yes=yes)
    sys.exit(delete_backups(connection, removed, kasten_namespace, dry, err=form == "json"))
