"""The command `release-retention`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial
from typing import Any

import click

from kanister_kafka import marks
from kanister_kafka.cli.choices import live_options, seconds
from kanister_kafka.errors import KanisterKafkaError
from kanister_kafka.kube.connection import PODS, Connection
from kanister_kafka.preflight.topic_settings import TopicSettings, ask
from kanister_kafka.report.words import printable
from kanister_kafka.run.release import Release
from kanister_kafka.run.status import moment
from kanister_kafka.run.target import Target, find_target
from kanister_kafka.strimzi.retention import Held, released

MOST = 50
"""Names of topics that are printed."""


@click.command(epilog="Example: kanister-kafka release-retention my-cluster -n kafka")
@live_options
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.option(
    "--timeout",
    type=seconds,
    metavar="DURATION",
    default="30m",
    show_default=True,
    help="How long to wait until the operator has rolled every broker.",
)
@click.option("--no-wait", is_flag=True, help="Do not wait for that.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def release_retention(
    ctx: click.Context,
    /,
    *,
    name: str,
    namespace: str,
    context: str,
    dry_run: bool,
    timeout: int,
    no_wait: bool,
    yes: bool,
) -> None:
    """Let a restored Kafka delete again what has passed its retention.

    Puts back the options of spec.kafka.config that a restore has changed, exactly as they were;
    the operator then rolls the brokers one by one. Says before what will be lost. One broker is
    asked for its topics by a command in its pod.
    """
    connection = Connection(context)
    target = find_target(connection, namespace, name)
    release = Release(connection, target)
    kafka, held = release.look()
    if held is None:
        click.echo(f"retention of Kafka {target} is not held: nothing to do")
        return
    release.check(kafka, held)
    for line in (*_described(target, kafka, held), *_losses(connection, target, held, context)):
        click.echo(printable(line), err=True)
    if dry_run:
        click.echo(json.dumps(released(kafka, held), indent=2))
        return
    _confirm(yes=yes)
    generation = release.end()
    click.echo(f"retention of Kafka {target} is released: the operator rolls the brokers")
    if no_wait:
        return

    def say(text: str) -> None:
        click.echo(printable(text), err=True)

    if not release.wait(generation, seconds=timeout, say=say):
        click.echo(f"error: Kafka {target} is not Ready after {timeout} s; it goes on", err=True)
        ctx.exit(1)
    click.echo(f"Kafka {target} is Ready, and deletes what has passed its retention")


def _described(target: Target, kafka: dict[str, Any], held: Held) -> Iterator[str]:
    """Say what is held, and what the write will change."""
    of = f", of a backup made at {held.backup}" if held.backup else ""
    yield f"retention of Kafka {target} is held since {held.since} ({held.retention}){of}"
    config = kafka["spec"]["kafka"].get("config") or {}
    for key in sorted(held.held):
        now, was = config.get(key), (held.before or {}).get(key)
        if key in held.changed:
            yield f"  {key} stays {now}: somebody has changed it since"
        else:
            yield f"  {key}: {now} becomes {'Kafka default' if was is None else was}"
    yield "the operator will roll every broker, one by one"
    if str((kafka["metadata"].get("annotations") or {}).get(marks.PAUSE, "")).lower() == "true":
        yield "its reconciliation is paused: nothing happens before that ends"


def _losses(connection: Connection, target: Target, held: Held, context: str) -> Iterator[str]:
    """Say what will go once the brokers have been rolled."""
    from kanister_kafka.kube.execute import execute  # not for those who are to be told nothing

    label = f"{marks.CLUSTER_LABEL}={target.name}"
    made = moment(held.backup)
    try:
        pods = connection.items(PODS, target.namespace, label)
        run = partial(execute, context=context)
        seen = ask(run, target.name, target.namespace, pods)
        why = str(seen.unseen) if seen.unseen else ""
    except KanisterKafkaError as failure:
        why = str(failure)
    if why:
        yield f"WARNING: what will be lost cannot be told: {why}"
    elif made is None:
        yield "WARNING: what will be lost cannot be told: nothing tells when the backup was made"
    else:
        age = (datetime.now(timezone.utc) - made).total_seconds() * 1000
        yield from _lost([topic for topic in seen.get() if topic.empties(age)])
    yield "in every other topic, records, offsets and ids go that have passed their retention"


def _lost(topics: list[TopicSettings]) -> Iterator[str]:
    if not topics:
        yield "no topic loses every record that the restore has brought back"
        return
    yield f"WILL BE LOST: every record that the restore has brought back in {len(topics)} topics:"
    yield from (f"  {topic.name} (retention.ms {topic.retention_ms})" for topic in topics[:MOST])
    if len(topics) > MOST:
        yield f"  and {len(topics) - MOST} more"


def _confirm(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("what has passed its retention is deleted: confirm by --yes")
    click.confirm("Go on?", abort=True, err=True)
