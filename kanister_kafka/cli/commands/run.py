"""The command `run`."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace

import click

from kanister_kafka.backup.options import is_retention_choice
from kanister_kafka.cli.app import confirm, current_clock, echo, print_error, print_warning
from kanister_kafka.cli.options import action_options, kasten_namespace_option, live_options
from kanister_kafka.cli.param_types import text_option
from kanister_kafka.cli.progress import LiveDisplay
from kanister_kafka.durations import format_elapsed
from kanister_kafka.errors import ActionError, InterruptedWriteError, KanisterKafkaError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.operations import start_action
from kanister_kafka.operations.action_follower import (
    Follower,
    held_message,
    release_command,
    remedy_message,
    still_running_message,
)
from kanister_kafka.operations.actionset import ActionSet
from kanister_kafka.operations.backups.action_sets import check_no_action
from kanister_kafka.operations.events import ActionResult, Progress
from kanister_kafka.operations.live_kafka import LiveKafka
from kanister_kafka.operations.start_action import find_applied
from kanister_kafka.reports.text import escape_control_chars
from kanister_kafka.strimzi.discovery import KafkaRef, find_target
from kanister_kafka.strimzi.retention import read_held
from kanister_kafka.yamldoc import dump

REPLACED = (
    "The present data of its volumes is replaced. Snapshots of them are kept until the restored "
    "Kafka is Ready; the option discard-replaced takes none."
)
DISCARDED = "The present data of its volumes is LOST: discard-replaced takes no snapshots of them."


@click.command(epilog="Example: kanister-kafka run backupPrehook my-cluster -n kafka")
@click.argument("action")
@live_options
@kasten_namespace_option
@text_option(
    "--from origin",
    "Give the action the artifacts of this earlier ActionSet: for restore and delete.",
    metavar="ACTIONSET",
)
@action_options
@click.pass_context
def run(
    ctx: click.Context,
    /,
    *,
    action: str,
    name: str,
    namespace: str,
    context: str,
    kasten_namespace: str,
    blueprint: str,
    options: tuple[tuple[str, str], ...],
    origin: str,
    retention: str,
    timeout: int | None,
    no_logs: bool,
    yes: bool,
    dry_run: bool,
) -> None:
    """Run an action of the Blueprint and follow it.

    Makes an ActionSet and shows each phase with the output of its task pod, until the last one has
    ended, the deferPhase too. Exit code 0 if the action is complete, 1 if it failed.
    """
    connection = KubeClient(context)
    target = find_target(connection, namespace, name)
    applied = find_applied(connection, target, kasten_namespace, blueprint)
    start_action.check_action(applied, action)
    request = start_action.ActionRequest(
        target=target,
        action=action,
        blueprint=applied,
        options=options,
        origin=start_action.find_action_set(connection, origin, applied.namespace)
        if origin
        else None,
    )
    if retention:
        request = with_retention(request, retention, context)
    if request.action == "restore" and not (dry_run and request.origin):
        confirm_restore(connection, request, _origin_lines(request.origin), yes=yes)
    if dry_run:
        echo(dump(start_action.build_action_set(request)))
        return
    ctx.exit(run_request(connection, request, logs=not no_logs, timeout=timeout))


@dataclass(frozen=True, slots=True)
class FollowedRequest:
    """How an action ended."""

    code: int
    """Exit code of the command; 0 if the action is complete."""
    action_set: ActionSet
    """As it was last seen."""
    reason: str
    """Why the action is not complete; empty if it is."""


def run_request(
    connection: KubeClient, request: start_action.ActionRequest, *, logs: bool, timeout: int | None
) -> int:
    """Make the ActionSet and follow it; return the exit code of the command."""
    if request.action == "restore":  # another one may have begun since the question
        check_no_action(connection, request)
    code = follow_request(connection, request, logs=logs, timeout=timeout).code
    if request.action == "restore" and code == 0:
        _print_hold(connection, request.target)
    return code


def follow_request(
    connection: KubeClient,
    request: start_action.ActionRequest,
    *,
    logs: bool,
    timeout: int | None,
    err: bool = False,
) -> FollowedRequest:
    """Make the ActionSet and follow it to its end; with `err`, standard output stays empty."""
    watched = start_action.start_action(connection, request, job=uuid.uuid4().hex)
    action_set = watched.action_set
    click.echo(f"ActionSet {action_set.namespace}/{action_set.name} created", err=True)
    follower = Follower(connection, watched, logs=logs, timeout=timeout, clock=current_clock())
    code, reason = _follow(follower, request, logs=logs, err=err)
    return FollowedRequest(code, follower.observed, reason)


def with_retention(
    request: start_action.ActionRequest, retention: str, context: str
) -> start_action.ActionRequest:
    """Add the option `retention` to a restore."""
    if not is_retention_choice(retention):
        raise click.BadParameter(
            f"{retention!r} must be hold, now, or a duration such as 72h", param_hint="--retention"
        )
    start_action.check_retention(request, retention, context)
    return replace(request, options=request.options + (("retention", retention),))


def _print_hold(connection: KubeClient, target: KafkaRef) -> None:
    """Print as a warning that a person has to end the hold; the restore itself is done."""
    try:
        held = read_held(LiveKafka(connection, target).get())
    except KanisterKafkaError as failure:
        click.echo(
            f"whether retention is held cannot be read: {escape_control_chars(str(failure))}",
            err=True,
        )
        return
    if held is None:
        return
    for line in held_message(held):
        click.echo(f"{click.style('!', fg='yellow')} {escape_control_chars(line)}")
    click.echo(f"  {release_command(target, connection.context)}")


def _origin_lines(origin: ActionSet | None) -> list[str]:
    if origin is None:
        raise click.UsageError("a restore needs --from ACTIONSET: the backup to restore")
    artifacts = [f"  {line}" for line in start_action.artifact_lines(origin)]
    return [f"ActionSet {origin.name}, {origin.action} of {origin.created}:", *artifacts]


def confirm_restore(
    connection: KubeClient, request: start_action.ActionRequest, source: Iterable[str], *, yes: bool
) -> None:
    """Print what is restored from where, and ask; without a terminal --yes is required."""
    assert request.origin is not None  # noqa: S101 - `source` describes it
    origin = request.origin
    check_no_action(connection, request)
    click.echo(f"Kafka {request.target} will be restored from", err=True)
    for line in source:
        click.echo(escape_control_chars(line), err=True)
    message, certain = start_action.missing_version(connection, request.target, origin)
    if certain and (start_action.ANY, "true") not in request.options:
        raise ActionError(message)
    if message:
        print_warning(escape_control_chars(message))
    discarded = ("discard-replaced", "true") in request.options
    click.echo(DISCARDED if discarded else REPLACED, err=True)
    if not request.blueprint.holds_retention:
        click.echo(
            "! Its Blueprint is of an earlier version, which holds no retention: Kafka will delete "
            "at once what has passed it",
            err=True,
        )
    confirm("Go on?", "a restore overwrites the volumes of the cluster", yes=yes)


def _follow(
    follower: Follower, request: start_action.ActionRequest, *, logs: bool, err: bool
) -> tuple[int, str]:
    """Show what happens until the end; return the exit code, and why the action is not complete."""
    live = LiveDisplay(
        f"{request.action} of Kafka {request.target}", logs=logs, now=follower.clock.now
    )
    try:
        with live:
            for event in follower.events():
                live.show(event)
    except KeyboardInterrupt:
        _print_interrupted(follower, request)
        return InterruptedWriteError.exit_code, "interrupted"
    except KanisterKafkaError:
        _print_interrupted(follower, request)
        raise
    if not (live.draws and sys.stdout.isatty()):  # else they stand there already
        _phases(live.progress, err=err)
    return _summary(request, follower, live, err=err)


def _print_interrupted(follower: Follower, request: start_action.ActionRequest) -> None:
    context = follower.connection.context
    for line in still_running_message(request.target, follower.observed, context):
        click.echo(line, err=True)


def _phases(progress: Progress, *, err: bool) -> None:
    width = max((len(row.name) for row in progress.rows), default=0)
    for row in progress.rows:
        took = "" if row.seconds is None else format_elapsed(row.seconds)
        click.echo(f"{row.name:{width}}  {row.mark.value:7}  {took}".rstrip(), err=err)


def _summary(
    request: start_action.ActionRequest, follower: Follower, live: LiveDisplay, *, err: bool
) -> tuple[int, str]:
    """Print how it ended and what to do; return the exit code, and why it is not complete."""
    action_set, context = follower.observed, follower.connection.context
    over, title = live.progress.over, f"{request.action} of Kafka {request.target}"
    total = format_elapsed(live.elapsed())
    if over is not None and over.end is ActionResult.DONE:
        click.echo(f"{title}: complete in {total}", err=err)
        for line in start_action.artifact_lines(action_set):
            click.echo(f"  {escape_control_chars(line)}", err=err)
        return 0, ""
    end, reason = (over.end, over.reason) if over else (ActionResult.GONE, "")
    click.echo(f"{title}: {end.value} after {total}", err=err)
    print_error(escape_control_chars(reason))
    if end is ActionResult.TIMEOUT:
        _print_interrupted(follower, request)
    else:
        for line in remedy_message(end, request.target, action_set, context):
            click.echo(f"  {line}", err=True)
    return 1, f"{end.value}: {reason}" if reason else end.value
