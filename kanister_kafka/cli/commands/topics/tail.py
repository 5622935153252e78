"""The command `topics tail`."""

from __future__ import annotations

import click

from kanister_kafka.cli.app import echo, terminal_width
from kanister_kafka.cli.output import report_format_option, report_text
from kanister_kafka.cli.topic_connection import (
    ConnectionOptions,
    print_message,
    with_connection_options,
)

WIDE = 200
"""Columns without a terminal to ask."""


@click.command(epilog="Example: kanister-kafka topics tail --kafka my-cluster -n kafka blogs -c 5")
@click.argument("topic")
@click.option(
    "-p", "--partition", "partitions", type=click.IntRange(0), multiple=True, help="Repeatable."
)
@click.option(
    "-c",
    "--count",
    type=click.IntRange(1, 10_000),
    default=10,
    show_default=True,
    help="Messages of each partition; -n with a number is the same.",
)
@click.option(
    "--page",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="2 for those before, and so on.",
)
@report_format_option("text", "json", "yaml")
@with_connection_options
def tail(
    *,
    reach: ConnectionOptions,
    topic: str,
    partitions: tuple[int, ...],
    count: int,
    page: int,
    form: str,
) -> None:
    """Show the last messages of every partition side by side, ordered by timestamp."""
    from kanister_kafka.reports.topics import last_json, last_text
    from kanister_kafka.topics.client import KafkaConsumer
    from kanister_kafka.topics.reference import parse_topic_ref
    from kanister_kafka.topics.statistics import tail_records

    place = parse_topic_ref(topic)
    access = reach.access(place)
    if reach.in_cluster:
        words: list[str] = []
        for number in partitions:
            words += ["-p", str(number)]
        words += ["--count", str(count), "--page", str(page), "--", place.topic]
        work = reach.work("tail", tuple(words), access, namespace=place.namespace)
        records = reach.last_result(work, access)
    else:
        records = tail_records(KafkaConsumer(access), place.topic, partitions, count, page)
    if reach.wire:
        print_message(records)
        return
    width = terminal_width() or WIDE
    echo(report_text(form, lambda: last_text(records, width), lambda: last_json(records)))
