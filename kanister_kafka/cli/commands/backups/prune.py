"""The command `backups prune`."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from kanister_kafka.cli.app import confirm, echo, terminal_width
from kanister_kafka.cli.backup_catalogue import (
    catalogue_options,
    delete_backups,
    open_catalogue,
    utc_now,
)
from kanister_kafka.cli.manifest_input import dry_run_option
from kanister_kafka.cli.options import option_group
from kanister_kafka.durations import parse_duration

if TYPE_CHECKING:
    from kanister_kafka.operations.backups.model import Backup

keep_options = option_group(
    click.option("--keep-last", type=click.IntRange(0), default=0, help="Keep the N newest."),
    *(
        click.option(
            f"--keep-{rule}",
            type=click.IntRange(0),
            default=0,
            metavar="N",
            help=f"Keep the newest backup of each of the last N {period} that have one.",
        )
        for rule, period in (
            ("hourly", "hours"),
            ("daily", "days"),
            ("weekly", "weeks"),
            ("monthly", "months"),
            ("yearly", "years"),
        )
    ),
)


def parse_age(text: str) -> timedelta:
    """Read a duration such as 30d, 72h or 90m."""
    if match := re.fullmatch(r"(\d{1,5})d", text):
        return timedelta(days=int(match[1]))
    seconds = parse_duration(text)
    if not seconds:
        raise click.BadParameter(f"{text!r} is not a duration such as 30d or 72h")
    return timedelta(seconds=seconds)


@click.command(
    epilog="Example: kanister-kafka backups prune -n kafka --keep-daily 7 --keep-weekly 4 --dry-run"
)
@catalogue_options
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Of all namespaces.")
@keep_options
@click.option("--keep-within", type=parse_age, metavar="DURATION", help="Keep younger backups.")
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
    keep_last: int,
    keep_hourly: int,
    keep_daily: int,
    keep_weekly: int,
    keep_monthly: int,
    keep_yearly: int,
    keep_within: timedelta | None,
    dry_run: str,
    form: str,
    yes: bool,
) -> None:
    """Delete complete backups that no keep rule holds.

    The rules are those of `restic forget`, and apply to each Kafka by itself. Days, weeks, months
    and years are those of UTC. Incomplete and damaged backups do not count and are not removed.
    The newest complete backup of a Kafka always stays.
    """
    from kanister_kafka.operations.apply import DryRun
    from kanister_kafka.operations.backups.keep_rules import KeepRules, plan_prune
    from kanister_kafka.reports.backups import prune_json, prune_text

    rules = KeepRules(
        last=keep_last,
        hourly=keep_hourly,
        daily=keep_daily,
        weekly=keep_weekly,
        monthly=keep_monthly,
        yearly=keep_yearly,
        within=keep_within or timedelta(),
    )
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
    sys.exit(delete_backups(connection, removed, kasten_namespace, dry))
