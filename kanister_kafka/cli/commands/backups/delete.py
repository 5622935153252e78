"""The commands `backups delete` and `backups prune`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from kanister_kafka.backup.options import DEFAULT_KASTEN_NAMESPACE
from kanister_kafka.cli.app import confirm, echo, print_warning, terminal_width
from kanister_kafka.cli.backup_catalogue import (
    catalogue_options,
    delete_backups,
    identity,
    keep_rule_options,
    keep_rules,
    open_catalogue,
    utc_now,
)
from kanister_kafka.cli.manifest_input import dry_run_option
from kanister_kafka.cli.options import applied_blueprint_option
from kanister_kafka.cli.param_types import flag_option
from kanister_kafka.errors import ActionError, NotFoundError
from kanister_kafka.reports.text import escape_control_chars

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.actionset import AppliedBlueprint
    from kanister_kafka.operations.backups.copies import KeepRules, PrunePlan
    from kanister_kafka.operations.backups.model import Backup, Catalogue
    from kanister_kafka.strimzi.discovery import KafkaRef


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
        kafka_namespace = namespace or connection.namespace
        copies += [
            Backup(name=name, kafka=KafkaRef(kafka_namespace, kafka))
            for name in names
            if name not in known
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
    from kanister_kafka.operations.backups.activity import BackupActivity

    for backup in backups:
        if reason := BackupActivity(connection, kasten_namespace).why_not_deleted(backup):
            raise ActionError(f"{backup} is in use: {reason}")
        blueprint_namespace = kasten_namespace or DEFAULT_KASTEN_NAMESPACE
        applied = start_action.find_applied(
            connection, backup.kafka, blueprint_namespace, blueprint
        )
        start_action.check_action(applied, DELETE_COPY)
        request = backup_request(DELETE_COPY, backup, applied)
        if code := run_request(connection, request, logs=True, timeout=None):
            sys.exit(code)


@click.command(
    epilog="Example: kanister-kafka backups prune -n kafka --keep-daily 7 --keep-weekly 4 --dry-run"
)
@catalogue_options
@flag_option("-A --all-namespaces everywhere", "Of all namespaces.")
@flag_option(
    "--copies",
    "Prune the copies off the cluster instead: those of each Kafka whose Blueprint copies.",
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
@flag_option("-y --yes", "Do not ask; required if there is no terminal.")
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
    and years are those of UTC. Incomplete and damaged backups, and those whose last verification
    has failed, do not count and are not removed. The newest backup of a Kafka that counts always
    stays.

    With --copies, as in `backups prune -n kafka --copies --keep-daily 30`, only whole copies of
    this Kafka count and are removed. Copies of another cluster with a Kafka of this name stay. The
    action listCopies of the Blueprint lists the copies, also with --dry-run, and deleteCopy deletes
    them. Backups in the namespace stay.
    """
    from kanister_kafka.cli.backup_catalogue import Replanner, delete_copies
    from kanister_kafka.operations.apply import DryRun

    rules = keep_rules(**keep)
    if not rules:
        raise click.UsageError("give at least one keep rule, such as --keep-daily 7")
    dry = DryRun(dry_run)
    now = utc_now()
    read = partial(
        open_catalogue, context, namespace, kafka, kasten_namespace, everywhere=everywhere
    )
    connection, catalogue = read()
    plan_all = partial(_plan_backups, rules, now)
    exporting: dict[KafkaRef, AppliedBlueprint] = {}
    if copies:
        searched_namespace = "" if everywhere else namespace or connection.namespace
        exporting = _find_exporting(connection, searched_namespace, kafka, kasten_namespace)
        plan_all = partial(_plan_copies, connection, exporting, rules, now)
    one, several = ("copy", "copies") if copies else ("backup", "backups")
    plans = plan_all(catalogue)
    _print_plans(plans, form, now, f"No {several}.\n")
    removed = _removed(plans)
    if not removed or dry is DryRun.CLIENT or (copies and dry is DryRun.SERVER):
        return
    if dry is DryRun.NONE and not yes:
        question = f"Delete {len(removed)} {several}?"
        confirm(question, f"a deleted {one} cannot be restored", yes=yes)
        plans = plan_all(read()[1])
        removed = _still_removed(removed, plans)
    err = form == "json"
    if copies:

        def plan_again(target: KafkaRef) -> PrunePlan:
            one = {target: exporting[target]}
            (plan,) = _plan_copies(connection, one, rules, now, read()[1])
            return plan

        replanner = Replanner(plan_again, list(exporting)[-1])
        code = delete_copies(
            connection, removed, exporting, replanner=replanner, logs=True, err=err
        )
        sys.exit(code)
    sys.exit(delete_backups(connection, removed, kasten_namespace, dry, plans=plans, err=err))


def _plan_backups(rules: KeepRules, now: datetime, catalogue: Catalogue) -> list[PrunePlan]:
    from kanister_kafka.operations.backups.copies import plan_backup_prune

    plans = []
    for target in dict.fromkeys(backup.kafka for backup in catalogue.backups):
        own = [backup for backup in catalogue.backups if backup.kafka == target]
        plans.append(plan_backup_prune(own, rules, now))
    return plans


def _removed(plans: Iterable[PrunePlan]) -> list[Backup]:
    removed: list[Backup] = []
    for plan in plans:
        removed += plan.removed
    return removed


def _still_removed(removed: Iterable[Backup], plans: Iterable[PrunePlan]) -> list[Backup]:
    """Return the backups that later plans remove too; print those that now stay.

    Another user may have deleted the newest one during the question.
    """
    later = {identity(backup) for backup in _removed(plans)}
    confirmed = []
    for backup in removed:
        if identity(backup) in later:
            confirmed.append(backup)
        else:
            print_warning(f"{backup} stays: after the question, a rule keeps it")
    return confirmed


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
        blueprint_namespace = kasten_namespace or DEFAULT_KASTEN_NAMESPACE
        try:
            applied = start_action.find_applied(connection, target, blueprint_namespace)
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


def _plan_copies(
    connection: KubeClient,
    exporting: Mapping[KafkaRef, AppliedBlueprint],
    rules: KeepRules,
    now: datetime,
    catalogue: Catalogue,
) -> list[PrunePlan]:
    from kanister_kafka.cli.backup_catalogue import list_copies
    from kanister_kafka.operations.backups.copies import find_cluster_id, plan_copies

    plans = []
    for target, applied in exporting.items():
        cluster_id = find_cluster_id(connection, target)
        copies = list_copies(connection, target, applied)
        local = [backup for backup in catalogue.backups if backup.kafka == target]
        plans.append(plan_copies(copies, local, cluster_id, rules, now))
    return plans
