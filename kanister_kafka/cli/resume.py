"""The command `resume`."""

from __future__ import annotations

import time

import click

from kanister_kafka.cli.choices import live_options, seconds
from kanister_kafka.cli.live import Live, spent
from kanister_kafka.errors import ActionError, KanisterKafkaError
from kanister_kafka.kube.connection import Connection
from kanister_kafka.report.words import printable
from kanister_kafka.run.advice import by_hand
from kanister_kafka.run.events import End, Over
from kanister_kafka.run.resume import Resumption, check, nothing_to_do
from kanister_kafka.run.sight import Sight
from kanister_kafka.run.sighting import Sighting
from kanister_kafka.run.status import judge
from kanister_kafka.run.target import find_target
from kanister_kafka.run.words import look_at


@click.command(epilog="Example: kanister-kafka resume my-cluster -n kafka")
@live_options
@click.option(
    "--kasten-namespace",
    default="",
    help="Namespace of the Blueprint.  [default: the one on the record, or kasten-io]",
)
@click.option(
    "--timeout",
    type=seconds,
    metavar="DURATION",
    default="15m",
    show_default=True,
    help="How long to wait until every node serves.",
)
@click.option("--no-logs", is_flag=True, help="Do not show what the pods print.")
@click.option(
    "--dry-run", is_flag=True, help="Say whether there is something to do and how; change nothing."
)
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
    """Bring a stopped Kafka back, with or without Kanister.

    Sets the dead man's switch off now: its pod starts what was stopped, in the right order, and
    puts everything back as it was found. What is done already is not done again.
    """
    connection = Connection(context)
    sight = Sight(connection, find_target(connection, namespace, name), kasten_namespace)
    seen = sight.look()
    status = judge(seen)
    if nothing_to_do(status):
        click.echo(f"{status.headline}: nothing to do")
        return
    try:
        check(status)
    except ActionError:
        _by_hand(seen)
        raise
    if dry_run:
        click.echo(
            f"{status.headline}: Deployment {sight.target.switch} of namespace "
            f"{sight.target.namespace} would be set off (dry run)"
        )
        _by_hand(seen)
        return
    click.echo(f"{status.headline}.", err=True)
    resumption = Resumption(connection, sight, logs=not no_logs, timeout=timeout)
    ctx.exit(_follow(resumption, seen, logs=not no_logs))


def _follow(resumption: Resumption, seen: Sighting, *, logs: bool) -> int:
    """Show what happens until the end; return the exit code."""
    target = resumption.target
    live = Live(f"resume of Kafka {target}", logs=logs)
    try:
        with live:
            for event in resumption.events():
                live.show(event)
    except KeyboardInterrupt:
        _left(resumption)
        return 130  # as shells have it: 128 and the number of the signal
    except KanisterKafkaError:
        _left(resumption)
        _by_hand(seen)
        raise
    over = live.progress.over or Over(End.GONE, "")
    total = spent(time.monotonic() - live.progress.began)
    if over.end is End.DONE:
        click.echo(f"Kafka {target} runs: every node is Ready, {total} after the start")
        return 0
    click.echo(f"Kafka {target}: {over.end.value} after {total}")
    click.echo(f"{click.style('error', fg='red')}: {printable(over.reason)}", err=True)
    _left(resumption)
    _by_hand(seen)
    return 1


def _left(resumption: Resumption) -> None:
    """Say what goes on without us."""
    target = resumption.target
    if resumption.armed:
        click.echo(f"Deployment {target.switch} goes on in namespace {target.namespace}.", err=True)
    else:
        click.echo("Nothing was changed: the switch was not set off yet.", err=True)
    click.echo(f"  look:  {look_at(target)}", err=True)


def _by_hand(seen: Sighting) -> None:
    """Print the way without anything of ours."""
    if commands := by_hand(seen):
        click.echo("By hand, in this order:", err=True)
        for command in commands:
            click.echo(f"  {printable(command)}", err=True)
