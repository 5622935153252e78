"""The command `backups prune`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from kanister_kafka.backup.options import DEFAULT_KASTEN_NAMESPACE
from kanister_kafka.cli.app import confirm, echo, print_warning, terminal_width
from kanister_kafka.cli.backup_catalogue import (
    catalogue_options,
    delete_backups,
    keep_rule_options,
    keep_rules,
    open_catalogue,
    utc_now,
)
from kanister_kafka.cli.manifest_input import dry_run_option
from kanister_kafka.errors import ActionError, NotFoundError
from kanister_kafka.reports.text import escape_control_chars

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.actionset import AppliedBlueprint
    from kanister_kafka.operations.apply import DryRun
    from kanister_kafka.operations.backups.keep_rules import KeepRules, PrunePlan
    from kanister_kafka.operations.backups.model import Backup, Catalogue
    from kanister_kafka.strimzi.discovery import KafkaRef


@click.command(
    epilog="Example: kanister-kafka backups prune -n kafka --keep-daily 7 --keep-weekly 4 --dry-run"
)
@catalogue_options
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Of all namespaces.")
@click.option(
    "--copies",
    is_flag=True,
    help="Prune the copies off the cluster instead: those of each Kafka whose Blueprint copies.",
)
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
    copies: bool,
    dry_run: str,
    form: str,
    yes: bool,
    **keep: Any,
) -> None:
    """Delete complete backups that no keep rule holds.

    The rules are those of `restic forget`, and apply to each Kafka by itself. Days, weeks, months
    and years are those of UTC. Incomplete and damaged backups do not count and are not removed.
    The newest complete backup of a Kafka always stays.

    With --copies, as in `backups prune -n kafka --copies --keep-daily 30`, only whole copies of
    this Kafka count and are removed. Copies of another cluster with a Kafka of this name stay. The
    action listCopies of the Blueprint lists the copies, also with --dry-run, and deleteCopy deletes
    them. Backups in the namespace stay.
    """
    from kanister_kafka.operations.apply import DryRun
    from kanister_kafka.operations.backups.keep_rules import plan_prune

    rules = keep_rules(**keep)
    if not rules:
        raise click.UsageError("give at least one keep rule, such as --keep-daily 7")
    dry = DryRun(dry_run)
    now = utc_now()
    connection, catalogue = open_catalogue(
        context, namespace, kafka, kasten_namespace, everywhere=everywhere
    )
    if copies:
        home = "" if everywhere else namespace or connection.namespace
        exporting = _find_exporting(connection, home, kafka, kasten_namespace)
        sys.exit(_prune_copies(connection, catalogue, exporting, rules, form, dry=dry, yes=yes))
    plans = []
    for target in dict.fromkeys(backup.kafka for backup in catalogue.backups):
        own = [backup for backup in catalogue.backups if backup.kafka == target]
        plans.append(plan_prune(own, rules, now))
    _print_plans(plans, form, now, "No backups.\n")
    removed: list[Backup] = []
    for plan in plans:
        removed += plan.removed
    if dry is DryRun.CLIENT or not removed:
        return
    if dry is DryRun.NONE:
        confirm(f"Delete {len(removed)} backups?", "a deleted backup cannot be restored", yes=yes)
    sys.exit(delete_backups(connection, removed, kasten_namespace, dry, err=form == "json"))


def _print_plans(plans: Sequence[PrunePlan], form: str, now: datetime, nothing: str) -> None:
    from kanister_kafka.reports.backups import prune_json, prune_text

    if form == "json":
        echo(prune_json(plans))
    else:
        echo("".join(prune_text(plan, now, terminal_width()) for plan in plans) or nothing)


def _find_exporting(
    connection: KubeClient, namespace: str, kafka: str, kasten_namespace: str
) -> dict[KafkaRef, AppliedBlueprint]:
    """Return the Kafkas whose Blueprint copies backups; ActionError if there is none."""
    from kanister_kafka.operations import start_action
    from kanister_kafka.strimzi.discovery import KafkaRef, all_targets

    if namespace and kafka:
        targets: Iterable[KafkaRef] = (KafkaRef(namespace, kafka),)
    else:
        targets = all_targets(connection, namespace)
    blueprints = {}
    for target in targets:
        if kafka not in ("", target.name):
            continue
        home = kasten_namespace or DEFAULT_KASTEN_NAMESPACE
        try:
            applied = start_action.find_applied(connection, target, home)
        except NotFoundError as failure:
            print_warning(f"Kafka {target} is left out: {escape_control_chars(str(failure))}")
            continue
        if applied.export_profile:
            blueprints[target] = applied
        else:
            print_warning(
                f"Kafka {target} is left out: Blueprint {applied.name} copies no backups, because "
                "it was rendered without --export-profile"
            )
    if not blueprints:
        raise ActionError("no Kafka of the selection has a Blueprint that copies backups")
    return blueprints


def _prune_copies(
    connection: KubeClient,
    catalogue: Catalogue,
    exporting: Mapping[KafkaRef, AppliedBlueprint],
    rules: KeepRules,
    form: str,
    *,
    dry: DryRun,
    yes: bool,
) -> int:
    """Read all lists, print the plan, ask, and delete; return the exit code."""
    from kanister_kafka.cli.backup_copies import delete_copies, list_copies
    from kanister_kafka.operations.apply import DryRun
    from kanister_kafka.operations.backups.copies import find_cluster_id, plan_copies

    now = utc_now()
    plans = []
    removed: list[Backup] = []
    for target, applied in exporting.items():
        cluster_id = find_cluster_id(connection, target)
        copies = list_copies(connection, target, applied)
        local = [backup for backup in catalogue.backups if backup.kafka == target]
        plan = plan_copies(copies, local, cluster_id, rules, now)
        plans.append(plan)
        removed += plan.removed
    _print_plans(plans, form, now, "No copies.\n")
    if dry is not DryRun.NONE or not removed:
        return 0
    confirm(f"Delete {len(removed)} copies?", "a deleted copy cannot be restored", yes=yes)
    return delete_copies(connection, removed, exporting, logs=True, err=form == "json")
