"""The command `resume`."""

from __future__ import annotations

import click

from kanister_kafka.cli.app import current_clock, print_error, print_warning
from kanister_kafka.cli.options import (
    blueprint_namespace_option,
    live_options,
    parse_duration_option,
)
from kanister_kafka.cli.param_types import flag_option
from kanister_kafka.cli.progress import LiveDisplay
from kanister_kafka.durations import format_elapsed
from kanister_kafka.errors import ActionError, InterruptedWriteError, KanisterKafkaError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.operations.action_follower import status_command
from kanister_kafka.operations.events import ActionFinished, ActionResult
from kanister_kafka.operations.inspector import ClusterInspector
from kanister_kafka.operations.observed_state import ObservedCluster
from kanister_kafka.operations.resume import Resume, check_resumable, is_idle
from kanister_kafka.operations.status import assess, manual_commands
from kanister_kafka.reports.text import escape_control_chars
from kanister_kafka.strimzi.discovery import find_target


@click.command(epilog="Example: kanister-kafka resume my-cluster -n kafka")
@live_options
@blueprint_namespace_option
@click.option(
    "--timeout",
    type=parse_duration_option,
    metavar="DURATION",
    default="15m",
    show_default=True,
    help="How long to wait until every node serves.",
)
@flag_option("--no-logs", "Do not show what the pods print.")
@flag_option("--dry-run", "Show whether there is something to do and how; change nothing.")
@click.pass_context
def resume(
    ctx: click.Context,
    /,
    *,
    name: str,
    namespace: str,
    context: str,
    kasten_namespace: str,
    timeout: int,
    no_logs: bool,
    dry_run: bool,
) -> None:
    """Start a stopped Kafka, with or without Kanister.

    Triggers the watchdog now: its pod starts what was stopped, in the right order, and restores
    all former values. What is done already is not done again.
    """
    connection = KubeClient(context)
    inspector = ClusterInspector(
        connection, find_target(connection, namespace, name), kasten_namespace
    )
    cluster = inspector.look()
    status = assess(cluster)
    if is_idle(status):
        click.echo(f"{status.headline}: nothing to do")
        _not_seen(cluster)
        return
    try:
        check_resumable(status)
    except ActionError:
        _by_hand(cluster)
        raise
    if dry_run:
        click.echo(
            f"{status.headline}: Deployment {inspector.names.watchdog} of namespace "
            f"{inspector.target.namespace} would be triggered (dry run)"
        )
        _by_hand(cluster)
        return
    click.echo(f"{status.headline}.", err=True)
    resuming = Resume(
        connection, inspector, logs=not no_logs, timeout=timeout, clock=current_clock()
    )
    ctx.exit(_follow(resuming, cluster, logs=not no_logs))


def _follow(resuming: Resume, cluster: ObservedCluster, *, logs: bool) -> int:
    """Show what happens until the end; return the exit code."""
    target = resuming.target
    live = LiveDisplay(f"resume of Kafka {target}", logs=logs, now=resuming.clock.now)
    try:
        with live:
            for event in resuming.events():
                live.show(event)
    except KeyboardInterrupt:
        _print_interrupted(resuming)
        return InterruptedWriteError.exit_code
    except KanisterKafkaError:
        _print_interrupted(resuming)
        _by_hand(resuming.observed or cluster)
        raise
    over = live.progress.over or ActionFinished(ActionResult.GONE, "")
    total = format_elapsed(live.elapsed())
    if over.end is ActionResult.DONE:
        click.echo(f"Kafka {target} runs: every node is Ready, {total} after the start")
        return 0
    click.echo(f"Kafka {target}: {over.end.value} after {total}")
    print_error(escape_control_chars(over.reason))
    _print_interrupted(resuming)
    _by_hand(resuming.observed or cluster)
    return 1


def _print_interrupted(resuming: Resume) -> None:
    """Print what continues without this command."""
    target = resuming.target
    if resuming.armed:
        click.echo(
            f"Deployment {resuming.watchdog} goes on in namespace {target.namespace}.", err=True
        )
    else:
        click.echo("Nothing was changed: the watchdog was not triggered yet.", err=True)
    click.echo(f"  look:  {status_command(target, resuming.connection.context)}", err=True)


def _by_hand(cluster: ObservedCluster) -> None:
    """Print the commands of kubectl that need nothing of kanister-kafka."""
    if commands := manual_commands(cluster):
        click.echo("By hand, in this order:", err=True)
        for command in commands:
            click.echo(f"  {escape_control_chars(command)}", err=True)
        _not_seen(cluster)


def _not_seen(cluster: ObservedCluster) -> None:
    """Print what could not be read, as more of it may have to be started."""
    for line in cluster.unreadable:
        print_warning(f"not seen: {escape_control_chars(line)}")
