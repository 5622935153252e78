"""The command `release-retention`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial
from itertools import chain
from typing import Any

import click

from kanister_kafka.cli.app import confirm, current_clock
from kanister_kafka.cli.options import live_options, parse_duration_option
from kanister_kafka.cli.param_types import flag_option
from kanister_kafka.errors import KanisterKafkaError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.operations.live_kafka import LiveKafka, is_pause_requested
from kanister_kafka.operations.preflight.partitions import TopicSettings, ask_topic_settings
from kanister_kafka.operations.retention import RetentionRelease
from kanister_kafka.reports.text import escape_control_chars
from kanister_kafka.strimzi.discovery import KafkaRef, find_target
from kanister_kafka.strimzi.retention import HeldRetention, released_spec
from kanister_kafka.timestamps import parse_timestamp

MAX_TOPICS = 50
"""Names of topics that are printed."""


@click.command(epilog="Example: kanister-kafka release-retention my-cluster -n kafka")
@live_options
@flag_option("--dry-run", "Show what would be done, and change nothing.")
@click.option(
    "--timeout",
    type=parse_duration_option,
    metavar="DURATION",
    default="30m",
    show_default=True,
    help="How long to wait until the operator has rolled every broker.",
)
@flag_option("--no-wait", "Do not wait for that.")
@flag_option("-y --yes", "Do not ask.")
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
    """Let a restored Kafka delete expired records again.

    Puts back the options of spec.kafka.config that a restore has changed, exactly as they were;
    the operator then rolls the brokers one by one. Prints before what will be lost. One broker is
    asked for its topics by a command in its pod.
    """
    connection = KubeClient(context)
    target = find_target(connection, namespace, name)
    release = RetentionRelease(connection, target, current_clock())
    kafka, held = release.look()
    if held is None:
        click.echo(f"retention of Kafka {target} is not held: nothing to do")
        return
    release.check(kafka, held)
    losses = _losses(connection, target, held, context)
    for line in chain(_described(target, kafka, held), losses):
        click.echo(escape_control_chars(line), err=True)
    if dry_run:
        click.echo(json.dumps(released_spec(kafka, held), indent=2))
        return
    confirm("Go on?", "expired records will be deleted", yes=yes)
    generation = release.end(held)
    click.echo(f"retention of Kafka {target} is released: the operator rolls the brokers")
    if no_wait:
        return

    def report(text: str) -> None:
        click.echo(escape_control_chars(text), err=True)

    if not release.wait(generation, seconds=timeout, report=report):
        click.echo(f"error: Kafka {target} is not Ready after {timeout} s; it goes on", err=True)
        ctx.exit(1)
    click.echo(f"Kafka {target} is Ready, and deletes what has passed its retention")


def _described(target: KafkaRef, kafka: dict[str, Any], hold: HeldRetention) -> Iterator[str]:
    """Yield what is held, and what the write will change."""
    of = f", of a backup made at {hold.backup}" if hold.backup else ""
    yield f"retention of Kafka {target} is held since {hold.since} ({hold.retention}){of}"
    config = kafka["spec"]["kafka"].get("config") or {}
    for key in sorted(hold.held):
        now, was = config.get(key), (hold.before or {}).get(key)
        if key in hold.changed:
            yield f"  {key} stays {now}: it was changed since"
        else:
            yield f"  {key}: {now} becomes {'Kafka default' if was is None else was}"
    yield "the operator will roll every broker, one by one"
    if is_pause_requested(kafka):
        yield "its reconciliation is paused: nothing happens before that ends"


def _losses(
    connection: KubeClient, target: KafkaRef, hold: HeldRetention, context: str
) -> Iterator[str]:
    """Yield what will go once the brokers have been rolled."""
    from kanister_kafka.kube.exec import exec_in_pod  # not with --quiet

    backup_time = parse_timestamp(hold.backup)
    try:
        pods = LiveKafka(connection, target).nodes()
        run = partial(exec_in_pod, context=context)
        settings = ask_topic_settings(run, target.name, target.namespace, pods)
        why = str(settings.unreadable) if settings.unreadable else ""
    except KanisterKafkaError as failure:
        why = str(failure)
    if why:
        yield f"WARNING: the losses are unknown: {why}"
    elif backup_time is None:
        yield "WARNING: the losses are unknown: there is no time of the backup"
    else:
        age = (datetime.now(timezone.utc) - backup_time).total_seconds() * 1000
        yield from _lost([topic for topic in settings.get() if topic.empties(age)])
    yield "in every other topic, records, offsets and ids go that have passed their retention"


def _lost(topics: list[TopicSettings]) -> Iterator[str]:
    if not topics:
        yield "no topic loses every record that the restore has brought back"
        return
    yield f"WILL BE LOST: every record that the restore has brought back in {len(topics)} topics:"
    yield from (
        f"  {topic.name} (retention.ms {topic.retention_ms})" for topic in topics[:MAX_TOPICS]
    )
    if len(topics) > MAX_TOPICS:
        yield f"  and {len(topics) - MAX_TOPICS} more"
