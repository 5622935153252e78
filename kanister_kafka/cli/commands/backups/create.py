"""The commands `backups create` and `backups export`."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import click

from kanister_kafka.backup.options import DEFAULT_KASTEN_NAMESPACE, KEEP_COPIES_RULES
from kanister_kafka.cli.app import current_clock, echo, print_error, print_warning, terminal_width
from kanister_kafka.cli.backup_catalogue import (
    INTERRUPTED,
    catalogue_options,
    delete_backups,
    keep_copies_rule_options,
    keep_rule_options,
    keep_rules,
    open_backup,
    utc_now,
)
from kanister_kafka.cli.options import (
    applied_blueprint_option,
    follow_options,
    kasten_namespace_option,
    live_options,
    parse_duration_option,
)
from kanister_kafka.cli.param_types import flag_option
from kanister_kafka.errors import ActionError, ConflictError, KanisterKafkaError, NotFoundError
from kanister_kafka.reports.text import escape_control_chars

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.actionset import AppliedBlueprint
    from kanister_kafka.operations.backups.action_sets import BusyReason
    from kanister_kafka.operations.backups.copies import KeepRules, PrunePlan
    from kanister_kafka.operations.backups.model import Backup, Catalogue
    from kanister_kafka.strimzi.discovery import KafkaRef


ACTION = "backup"
PAUSES = (2.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds before each further try, if the API server is away at the start or after the action."""
SKIPPED, FAILED, NOT_EXPORTED = "BackupSkipped", "BackupFailed", "ExportFailed"
NOT_PRUNED = "CopiesNotPruned"
"""Reasons of events."""


@click.command(epilog="Example: kanister-kafka backups create my-cluster -n kafka --keep-daily 7")
@live_options
@kasten_namespace_option
@applied_blueprint_option
@keep_rule_options
@keep_copies_rule_options
@flag_option(
    "--skip-if-busy",
    "Exit with 0 and write an Event if another action of the Kafka runs, such as a restore.",
)
@click.option(
    "--timeout",
    type=parse_duration_option,
    metavar="DURATION",
    help="Stop following after this time; another action that has run for longer counts as stuck.",
)
@click.option(
    "--export-timeout",
    type=parse_duration_option,
    metavar="DURATION",
    help="The same for the copy off the cluster.",
)
@flag_option("--no-logs", "Do not print the output of the task pods.")
@click.pass_context
def create(
    ctx: click.Context,
    /,
    *,
    name: str,
    namespace: str,
    context: str,
    kasten_namespace: str,
    blueprint: str,
    skip_if_busy: bool,
    timeout: int | None,
    export_timeout: int | None,
    no_logs: bool,
    **keep: Any,
) -> None:
    """Make a backup, wait for its end, prune by keep rules, and copy it off the cluster.

    Runs the action `backup` of the Blueprint. Prunes only if the new backup is complete, and only
    if a keep rule is given. Then runs the action `export`, if the Blueprint was rendered with
    --export-profile. Prunes copies only if the new one is complete, and only if a rule for copies
    is given. Writes a Warning on the Kafka if the backup is skipped, or if it or its copy fails.
    Exits with 1 if the backup, a deletion or the copy failed.
    """
    from kanister_kafka.cli.commands.run import follow_request
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.kube.wait import retry
    from kanister_kafka.operations import start_action
    from kanister_kafka.operations.actionset import backup_values
    from kanister_kafka.operations.backups.action_sets import find_busy_reason
    from kanister_kafka.operations.backups.reader import find_backup
    from kanister_kafka.strimzi.discovery import find_target

    copies = {name: keep.pop(name) for name in KEEP_COPIES_RULES}
    rules, copy_rules = keep_rules(**keep), keep_rules("keep_copies_", **copies)
    connection = KubeClient(context)
    target = find_target(connection, namespace, name)

    def look() -> tuple[AppliedBlueprint, BusyReason | None]:
        applied = start_action.find_applied(connection, target, kasten_namespace, blueprint)
        start_action.check_action(applied, ACTION)
        return applied, find_busy_reason(connection, target, applied, timeout, utc_now())

    try:
        applied, busy = retry(look, PAUSES, clock=current_clock())
        if busy is not None and busy.will_end and skip_if_busy:
            text = f"no backup is made now: {busy.text}"
            print_warning(escape_control_chars(text))
            _write_event(connection, target, SKIPPED, text)
            return
        if busy is not None:
            raise ActionError(busy.text)
        request = start_action.ActionRequest(target=target, action=ACTION, blueprint=applied)
        followed = follow_request(connection, request, logs=not no_logs, timeout=timeout)
        if followed.code:
            _write_event(connection, target, FAILED, followed.reason)
            ctx.exit(followed.code)
        new = str(backup_values(followed.action_set.artifacts).get("backup") or "")
        catalogue = _read(connection, target, new, applied)
        code = _prune(connection, target, catalogue, rules, applied)
    except KanisterKafkaError as failure:
        _write_event(connection, target, FAILED, str(failure))
        raise
    if code:
        _write_event(connection, target, FAILED, f"backup {new} is complete; prune has failed")
    if code == INTERRUPTED:
        ctx.exit(code)
    if applied.export_profile:
        backup = find_backup(catalogue, new)
        logs = not no_logs
        copied = _export(connection, backup, applied, logs=logs, timeout=export_timeout)
        code = max(code, copied)
        if copied == 0 and copy_rules:
            pruned = _prune_copies(
                connection,
                catalogue,
                backup,
                applied,
                copy_rules,
                logs=logs,
                timeout=export_timeout,
            )
            code = max(code, pruned)
    elif copy_rules:
        reason = f"Blueprint {applied.name} was rendered without --export-profile"
        _report_unpruned(connection, target, new, reason)
        code = max(code, 1)
    ctx.exit(code)


def _export(
    connection: KubeClient,
    backup: Backup,
    applied: AppliedBlueprint,
    *,
    logs: bool,
    timeout: int | None,
) -> int:
    """Copy a backup off the cluster; return the exit code. A failure changes nothing of it."""
    from kanister_kafka.cli.commands.run import follow_request
    from kanister_kafka.operations.actionset import EXPORT
    from kanister_kafka.operations.backups.action_sets import backup_request
    from kanister_kafka.operations.provenance import context_flag

    request = backup_request(EXPORT, backup, applied)
    try:
        followed = follow_request(connection, request, logs=logs, timeout=timeout)
        code, reason = followed.code, followed.reason
    except KanisterKafkaError as failure:
        code, reason = failure.exit_code, str(failure)
    if code:
        target, name = request.target, backup.name
        text = (
            f"backup {name} is complete in namespace {target.namespace}, and its copy off the "
            f"cluster has failed: {reason}"
        )
        print_error(escape_control_chars(text))
        flags = f"-n {target.namespace}{context_flag(connection.context)}"
        again = f"kanister-kafka backups export {name} --kafka {target.name} {flags}"
        click.echo(f"  to repeat the copy: {again}", err=True)
        _write_event(connection, target, NOT_EXPORTED, text)
    return code


def _prune_copies(
    connection: KubeClient,
    catalogue: Catalogue,
    backup: Backup,
    applied: AppliedBlueprint,
    rules: KeepRules,
    *,
    logs: bool,
    timeout: int | None,
) -> int:
    """Delete the copies that no rule keeps; return the exit code."""
    from kanister_kafka.cli.backup_catalogue import Replanner, delete_copies, list_copies
    from kanister_kafka.operations.backups.copies import check_cluster_id, plan_copies
    from kanister_kafka.reports.backups import prune_text

    target, now = backup.kafka, utc_now()
    reason = "a copy could not be deleted"

    def plan_now(catalogue: Catalogue) -> PrunePlan:
        copies = list_copies(connection, target, applied, timeout)
        if not any(copy.whole and copy.name == backup.name for copy in copies):
            raise ActionError(f"the list of copies does not have the new one of {backup}")
        return plan_copies(copies, catalogue.backups, cluster_id, rules, now)

    def plan_again(_target: KafkaRef) -> PrunePlan:
        return plan_now(_read(connection, target, backup.name, applied))

    try:
        # that of the new backup: the status of the Kafka may not have its id yet after the stop
        cluster_id = check_cluster_id(target, backup.cluster_id)
        plan = plan_now(catalogue)
        echo(prune_text(plan, now, terminal_width()))
        code = delete_copies(
            connection,
            plan.removed,
            {target: applied},
            replanner=Replanner(plan_again, target),
            logs=logs,
            timeout=timeout,
        )
    except KanisterKafkaError as failure:
        code, reason = failure.exit_code, str(failure)
    if code:
        _report_unpruned(connection, target, backup.name, reason)
    return code


def _report_unpruned(connection: KubeClient, target: KafkaRef, backup: str, reason: str) -> None:
    text = f"backup {backup} is complete, and copies off the cluster were not pruned: {reason}"
    print_error(escape_control_chars(text))
    _write_event(connection, target, NOT_PRUNED, text)


def _read(
    connection: KubeClient, target: KafkaRef, new: str, applied: AppliedBlueprint
) -> Catalogue:
    """Read the backups; ActionError if the new one is not complete."""
    from kanister_kafka.kube.wait import retry
    from kanister_kafka.operations.backups.reader import find_backup, read_catalogue

    def read() -> Catalogue:
        with connection.one_moment():
            return read_catalogue(
                connection,
                target.namespace,
                kasten_namespace=applied.namespace,
                kafka=target.name,
                blueprint=applied.name,
            )

    catalogue = retry(read, PAUSES, clock=current_clock())
    backup = find_backup(catalogue, new)
    if not backup.restorable:
        faults = "; ".join(backup.faults) or backup.running
        raise ActionError(f"{backup} is {backup.status.value}, and nothing is pruned: {faults}")
    return catalogue


def _prune(
    connection: KubeClient,
    target: KafkaRef,
    catalogue: Catalogue,
    rules: KeepRules,
    applied: AppliedBlueprint,
) -> int:
    """Delete the backups that no rule keeps; return the exit code."""
    from kanister_kafka.operations.apply import DryRun
    from kanister_kafka.operations.backups.copies import plan_backup_prune
    from kanister_kafka.reports.backups import prune_text

    if not rules:
        return 0
    now = utc_now()
    plan = plan_backup_prune(catalogue.backups, rules, now)
    echo(prune_text(plan, now, terminal_width()))
    code = delete_backups(
        connection,
        plan.removed,
        applied.namespace,
        DryRun.NONE,
        blueprint=applied.name,
        plans=(plan,),
    )
    if code == 0:
        names = {one.backup.name for one in plan.kept}
        _delete_action_sets(connection, target, applied.namespace, names)
    return code


def _delete_action_sets(
    connection: KubeClient, target: KafkaRef, namespace: str, backups: Collection[str]
) -> None:
    """Delete the ActionSets of backups that were pruned: Kanister keeps all of them."""
    from kanister_kafka.operations.actionset import kanister_resource
    from kanister_kafka.operations.backups.action_sets import find_outdated_action_sets

    resource = kanister_resource(connection, "ActionSet")
    for outdated in find_outdated_action_sets(connection, target, namespace, backups):
        try:
            connection.delete(resource, outdated.name, outdated.namespace, version=outdated.version)
        except (ConflictError, NotFoundError):  # another client was faster
            continue
        click.echo(f"actionset.cr.kanister.io/{outdated.name} deleted")


def _write_event(connection: KubeClient, target: KafkaRef, reason: str, message: str) -> None:
    """Write an Event on the Kafka; a failure to do so is only printed."""
    from kanister_kafka.operations.live_kafka import write_warning_event

    try:
        write_warning_event(connection, target, reason, message, utc_now())
    except KanisterKafkaError as failure:
        print_error(f"no event could be written: {escape_control_chars(str(failure))}")


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
    """Copy a backup off the cluster.

    BACKUP is its name, or `latest` for the newest complete one. Runs the action `export` of a
    Blueprint that was rendered with --export-profile. Kafka is not stopped. A copy that has failed
    is repeated by the same command, and sends only what is missing. Exits with 1 if the copy has
    failed; the backup in the namespace stays as it is.
    """
    from kanister_kafka.cli.commands.run import run_request
    from kanister_kafka.operations import start_action
    from kanister_kafka.operations.actionset import EXPORT
    from kanister_kafka.operations.backups.action_sets import backup_request

    connection, selected = open_backup(context, namespace, kafka, kasten_namespace, backup)
    blueprint_namespace = kasten_namespace or DEFAULT_KASTEN_NAMESPACE
    applied = start_action.find_applied(connection, selected.kafka, blueprint_namespace, blueprint)
    start_action.check_action(applied, EXPORT)
    request = backup_request(EXPORT, selected, applied)
    ctx.exit(run_request(connection, request, logs=not no_logs, timeout=timeout))
