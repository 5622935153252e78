"""Options and reading that the commands of `backups` share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import click

from kanister_kafka.cli.app import current_clock, print_error, print_warning
from kanister_kafka.cli.manifest_input import print_failures, result
from kanister_kafka.cli.options import keep_copies_options, keep_options, option_group
from kanister_kafka.cli.param_types import text_option
from kanister_kafka.durations import parse_age
from kanister_kafka.errors import ActionError, InterruptedWriteError, KanisterKafkaError
from kanister_kafka.reports.text import escape_control_chars

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.actionset import AppliedBlueprint
    from kanister_kafka.operations.apply import DryRun
    from kanister_kafka.operations.backups.copies import BackupCopy, KeepRules, PrunePlan
    from kanister_kafka.operations.backups.model import Backup, Catalogue
    from kanister_kafka.strimzi.discovery import KafkaRef


def parse_age_option(text: str) -> timedelta:
    """Read a duration such as 30d, 72h or 90m."""
    seconds = parse_age(text)
    if not seconds:
        raise click.BadParameter(f"{text!r} is not a duration such as 30d or 72h")
    return timedelta(seconds=seconds)


keep_rule_options = option_group(
    keep_options,
    click.option(
        "--keep-within", type=parse_age_option, metavar="DURATION", help="Keep younger backups."
    ),
)
keep_copies_rule_options = option_group(
    keep_copies_options,
    click.option(
        "--keep-copies-within",
        type=parse_age_option,
        metavar="DURATION",
        help="Keep copies of younger backups.",
    ),
)

catalogue_options: Callable[[Callable[..., Any]], Callable[..., Any]] = option_group(
    text_option("-n --namespace", "Namespace of the Kafka.  [default: the context's]"),
    text_option("--kafka", "Only backups of this Kafka.", metavar="KAFKA"),
    text_option(
        "--kasten-namespace",
        "Namespace of the Blueprint and of its ActionSets.  [default: the one that the state "
        "ConfigMap of the Kafka names, or kasten-io]",
    ),
    text_option("--context", "Kubeconfig context."),
)


def open_catalogue(
    context: str,
    namespace: str,
    kafka: str,
    kasten_namespace: str,
    *,
    blueprint: str = "",
    everywhere: bool = False,
) -> tuple[KubeClient, Catalogue]:
    """Read the backups; print on standard error what could not be read."""
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.backups.reader import read_catalogue

    connection = KubeClient(context)
    searched_namespace = "" if everywhere else namespace or connection.namespace
    with connection.one_moment():
        catalogue = read_catalogue(
            connection,
            searched_namespace,
            kasten_namespace=kasten_namespace,
            kafka=kafka,
            blueprint=blueprint,
        )
    for line in catalogue.unreadable:
        print_warning(f"cannot read {escape_control_chars(line)}")
    return connection, catalogue


def open_backup(
    context: str,
    namespace: str,
    kafka: str,
    kasten_namespace: str,
    name: str,
    *,
    blueprint: str = "",
) -> tuple[KubeClient, Backup]:
    """Find a backup that can be restored, by its name or `latest`; ActionError if it cannot."""
    from kanister_kafka.operations.backups.reader import LATEST, find_backup, find_latest

    connection, catalogue = open_catalogue(
        context, namespace, kafka, kasten_namespace, blueprint=blueprint
    )
    if name == LATEST:
        backup = find_latest(catalogue)
        for newer in catalogue.backups[: catalogue.backups.index(backup)]:
            if newer.kafka == backup.kafka:
                words = f"{newer} is passed over, as it is {_status_reasons(newer)}"
                print_warning(escape_control_chars(words))
        return connection, backup
    backup = find_backup(catalogue, name)
    if not backup.restorable:
        raise ActionError(f"{backup} is {_status_reasons(backup)}")
    return connection, backup


def _status_reasons(backup: Backup) -> str:
    faults = "; ".join(backup.faults) or backup.running or "its action has failed"
    return f"{backup.status.value}: {faults}"


def delete_backups(
    connection: KubeClient,
    backups: Iterable[Backup],
    kasten_namespace: str,
    dry_run: DryRun,
    *,
    blueprint: str = "",
    plans: Iterable[PrunePlan] = (),
    err: bool = False,
) -> int:
    """Delete backups that no action uses; return the exit code of the command.

    With `plans`, a backup stays if the newest one that its plan keeps is not complete any more.
    Prints each object that is deleted, on standard error if the output is JSON. Ctrl-C
    ends it, and then the backups that are left are printed.
    """
    from kanister_kafka.operations.backups.activity import BackupActivity

    code = 0
    pending = list(backups)
    kept = [plan.newest for plan in plans]
    newest = {backup.kafka: backup for backup in kept if backup is not None}
    for backup in tuple(pending):
        try:
            # read anew: a restore may have begun since the question
            activity = BackupActivity(connection, kasten_namespace, blueprint)
            if reason := activity.why_not_deleted(backup):
                print_error(f"{backup} is in use: {reason}")
                exit_code = 1
            elif lost := _lost(connection, newest.get(backup.kafka), kasten_namespace, blueprint):
                print_error(f"{backup} stays: {lost}, which the rules keep. Prune again")
                exit_code = 1
            else:
                exit_code = _delete_backup(connection, backup, dry_run, err=err)
        except KeyboardInterrupt:
            exit_code = INTERRUPTED
        if exit_code == INTERRUPTED:
            print_not_deleted("backups", pending)
            return exit_code
        pending.remove(backup)
        code = max(code, exit_code)
    return code


def _lost(
    connection: KubeClient, newest: Backup | None, kasten_namespace: str, blueprint: str
) -> str:
    """Return that this backup is not complete any more; empty if it is, or if there is none."""
    from kanister_kafka.operations.backups.reader import read_catalogue

    if newest is None:
        return ""
    catalogue = read_catalogue(
        connection,
        newest.kafka.namespace,
        kasten_namespace=kasten_namespace,
        kafka=newest.kafka.name,
        blueprint=blueprint,
        backup=newest.name,
    )
    if any(one.restorable and one.uid == newest.uid for one in catalogue.backups):
        return ""
    return f"there is no complete {newest} any more"


def _delete_backup(connection: KubeClient, backup: Backup, dry_run: DryRun, *, err: bool) -> int:
    from kanister_kafka.operations.apply import delete_objects
    from kanister_kafka.operations.backups.reader import list_objects

    report = delete_objects(
        list_objects(connection, backup),
        connection,
        dry_run=dry_run,
        on_result=result(dry_run, err=err),
        clock=current_clock(),
    )
    print_failures(report, "deleted")
    return report.exit_code


def keep_rules(prefix: str = "keep_", **options: Any) -> KeepRules:
    """Return the rules that the options of the command line give whose names have this prefix."""
    from kanister_kafka.operations.backups.copies import KeepRules

    given = {name.removeprefix(prefix): value for name, value in options.items()}
    within = given.pop("within")
    return KeepRules(within=within or timedelta(), **given)


def utc_now() -> datetime:
    """Return the time of day, which ages are counted to."""
    return datetime.now(timezone.utc)


# Copies of backups off the cluster, for the commands that prune them.

INTERRUPTED = InterruptedWriteError.exit_code
"""Exit code after Ctrl-C."""


def list_copies(
    connection: KubeClient, target: KafkaRef, applied: AppliedBlueprint, timeout: int | None = None
) -> tuple[BackupCopy, ...]:
    """Run the action `listCopies` and return the copies of a Kafka.

    Raises ActionError if the action is not complete, InterruptedWriteError after Ctrl-C. It prints
    on standard error alone.
    """
    from kanister_kafka.cli.commands.run import follow_request
    from kanister_kafka.operations import start_action
    from kanister_kafka.operations.actionset import LIST_COPIES, kanister_resource
    from kanister_kafka.operations.backups.copies import read_copies

    if LIST_COPIES not in applied.actions:
        raise ActionError(
            f"Blueprint {applied.name} was rendered by an earlier version and has no action "
            f"{LIST_COPIES}. Apply it again:\n"
            f"  {applied.origin.apply_command(target, connection.context)}"
        )
    request = start_action.ActionRequest(target=target, action=LIST_COPIES, blueprint=applied)
    followed = follow_request(connection, request, logs=False, timeout=timeout, err=True)
    if followed.code:
        error = InterruptedWriteError if followed.code == INTERRUPTED else ActionError
        raise error(f"the copies of Kafka {target} cannot be listed: {followed.reason}")
    done = followed.action_set
    copies = read_copies(done, target)
    try:  # Kanister keeps every ActionSet, and a list is of no further use
        connection.delete(kanister_resource(connection, "ActionSet"), done.name, done.namespace)
    except KanisterKafkaError as failure:
        print_warning(f"ActionSet {done.name} stays: {escape_control_chars(str(failure))}")
    return copies


class Replanner:
    """Applies the keep rules again, right before a copy is deleted.

    A deletion takes minutes, in which other clients can delete, export and verify copies.
    """

    def __init__(
        self, plan: Callable[[KafkaRef], PrunePlan], listed_last: KafkaRef | None = None
    ) -> None:
        self._plan = plan
        """Lists the copies of a Kafka and applies the rules; raises KanisterKafkaError."""
        self._current = listed_last
        """The Kafka whose list nothing has followed yet; None after a deletion."""

    def why_kept(self, copy: Backup) -> str:
        """Return why a copy is not deleted any more; empty if it is."""
        if self._current == copy.kafka:
            self._current = None
            return ""
        self._current = None
        plan = self._plan(copy.kafka)
        if identity(copy) in map(identity, plan.removed):
            return ""
        if identity(copy) in [identity(kept.backup) for kept in plan.kept]:
            return "stays: a rule keeps it, as the copies have changed since the list"
        return "is gone: another client has deleted it"


def identity(backup: Backup) -> tuple[KafkaRef, str, str]:
    """Return what distinguishes a backup from all others, those of the same name too."""
    return backup.kafka, backup.name, backup.uid


def delete_copies(
    connection: KubeClient,
    copies: Iterable[Backup],
    blueprints: Mapping[KafkaRef, AppliedBlueprint],
    *,
    replanner: Replanner | None = None,
    logs: bool,
    timeout: int | None = None,
    err: bool = False,
) -> int:
    """Delete copies whose backups no action uses, by the action `deleteCopy`; return the exit code.

    With a replanner, a copy that the rules keep by now stays. If the copies of a Kafka cannot be
    listed again, all its other copies stay. Any other failure does not keep other copies from
    being deleted, but Ctrl-C does.
    """
    from kanister_kafka.cli.commands.run import follow_request
    from kanister_kafka.operations.backups.activity import BackupActivity
    from kanister_kafka.operations.backups.copies import delete_request

    code = 0
    pending = list(copies)
    for copy in tuple(pending):
        if copy not in pending:
            continue
        try:
            kept = replanner.why_kept(copy) if replanner else ""
        except KanisterKafkaError as failure:
            code = max(code, failure.exit_code)
            print_error(escape_control_chars(str(failure)))
            if code == INTERRUPTED:
                print_not_deleted("copies", pending)
                break
            unlisted = [one for one in pending if one.kafka == copy.kafka]
            print_error("copies that are not deleted, as they cannot be listed again:")
            print_backups(unlisted)
            pending = [one for one in pending if one not in unlisted]
            continue
        if kept:
            print_warning(f"the copy of {copy} {kept}")
            pending.remove(copy)
            continue
        applied = blueprints[copy.kafka]
        # read anew: a restore may have begun since the list
        activity = BackupActivity(connection, applied.namespace, applied.name)
        if reason := activity.why_not_deleted(copy):
            print_error(f"the copy of {copy} is in use: {escape_control_chars(reason)}")
            code = max(code, 1)
            pending.remove(copy)
            continue
        request = delete_request(copy, applied)
        followed = follow_request(connection, request, logs=logs, timeout=timeout, err=err)
        code = max(code, followed.code)
        if followed.code == INTERRUPTED:
            print_not_deleted("copies", pending)
            break
        pending.remove(copy)
    return code


def print_not_deleted(what: str, backups: Iterable[Backup]) -> None:
    """Print the backups of a deletion that the user has ended by Ctrl-C."""
    print_error(f"interrupted; {what} that are not, or not wholly, deleted:")
    print_backups(backups)


def print_backups(backups: Iterable[Backup]) -> None:
    """Print a line for each backup on standard error."""
    for backup in backups:
        click.echo(f"  {backup}", err=True)
