"""The commands `topics count`, `topics rate` and `topics tail`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kanister_kafka.cli.app import echo, terminal_width
from kanister_kafka.cli.options import parse_duration_option
from kanister_kafka.cli.output import report_format_option, report_text
from kanister_kafka.cli.progress import encodable, is_drawable, terminal
from kanister_kafka.cli.topic_connection import (
    ConnectionOptions,
    print_message,
    with_connection_options,
)
from kanister_kafka.errors import InputError

if TYPE_CHECKING:
    from kanister_kafka.topics.client import ClientAccess
    from kanister_kafka.topics.model import TopicRates, TopicSizes


@click.command(
    epilog="Example: kanister-kafka topics count --kafka my-cluster -n kafka blogs items"
)
@click.argument("topic", nargs=-1)
@click.option(
    "--all-topics", is_flag=True, help="Count all topics, except those of Kafka itself (__…)."
)
@click.option(
    "--digest",
    is_flag=True,
    help="Read the log of each partition and print its digest: every copy of the log has the same.",
)
@click.option(
    "--last",
    type=click.IntRange(1),
    help="With --digest: read only this many of the newest offsets of each partition.",
)
@click.option(
    "--expect",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Compare with the JSON of an earlier --digest, such as that of a backup. Exits with 1 if "
    "a partition differs.",
)
@report_format_option("text", "json", "yaml")
@with_connection_options
def count(
    *,
    reach: ConnectionOptions,
    topic: tuple[str, ...],
    all_topics: bool,
    digest: bool,
    last: int | None,
    expect: Path | None,
    form: str,
) -> None:
    """Count the messages of topics, by partition and in total.

    Also shows the timestamp of the newest message. The count comes from offsets. It is exact,
    unless a topic is compacted or written in transactions: then it is an upper limit.

    With --digest, all records are read. Digests of a topic and of its restored copy are equal. A
    mirror has other batches and other digests: use topics compare.
    """
    from kanister_kafka.reports.topics import totals_json, totals_text
    from kanister_kafka.topics.access import TopicRef

    if bool(topic) + all_topics + bool(expect) != 1:
        raise click.UsageError("name topics, or --all-topics, or --expect with those of a file")
    if last and not digest:
        raise click.UsageError("--last is for --digest")
    if expect and (digest or reach.in_cluster):
        raise click.UsageError("--expect excludes --digest and --in-cluster")
    access = reach.access(TopicRef())
    if reach.in_cluster:
        words = ["--all-topics"] if all_topics else []
        words += ["--digest"] if digest else []
        words += ["--last", str(last)] if last else []
        work = reach.work("count", (*words, "--", *topic), access)
        sizes = reach.last_result(work, access)
    elif expect is not None:
        sizes = _compared(access, expect)
    else:
        sizes = _counted(access, None if all_topics else topic, digest=digest, last=last or 0)
    if reach.wire:
        print_message(sizes)
    else:
        text = partial(totals_text, sizes, terminal_width())
        echo(report_text(form, text, partial(totals_json, sizes)))
    if any(one.matches is False for one in sizes.held):
        sys.exit(1)


def _counted(
    access: ClientAccess, topics: tuple[str, ...] | None, *, digest: bool, last: int
) -> TopicSizes:
    from kanister_kafka.topics import statistics
    from kanister_kafka.topics.client import KafkaConsumer

    with closing(KafkaConsumer(access)) as cluster:
        names = statistics.all_topics(cluster) if topics is None else topics
        sizes = statistics.topic_sizes(cluster, names)
    return statistics.with_digests(access, sizes, last) if digest else sizes


def _compared(access: ClientAccess, expect: Path) -> TopicSizes:
    """Compare with the digests of a file; topics that do not exist differ."""
    from kanister_kafka.reports.topics import parse_digests
    from kanister_kafka.topics.client import KafkaConsumer
    from kanister_kafka.topics.statistics import topic_sizes, with_expected

    try:
        expected = parse_digests(expect.read_text(encoding="utf-8"), str(expect))
    except InputError as failure:  # not by its own exit code: 1 is for digests that differ
        raise click.UsageError(str(failure)) from failure
    with closing(KafkaConsumer(access)) as cluster:
        known = cluster.topics()
        wanted = dict.fromkeys(name for name, _ in expected)
        names = [name for name in wanted if name in known]
        sizes = topic_sizes(cluster, names)
    return with_expected(access, sizes, expected)


@click.command(epilog="Example: kanister-kafka topics rate --kafka my-cluster -n kafka blogs items")
@click.argument("topic", nargs=-1, required=True)
@click.option(
    "--for",
    "length",
    type=parse_duration_option,
    default="5s",
    show_default=True,
    metavar="DURATION",
    help="How long to measure.",
)
@report_format_option("text", "json", "yaml")
@with_connection_options
def rate(*, reach: ConnectionOptions, topic: tuple[str, ...], length: int, form: str) -> None:
    """Measure messages per second by topic and partition, from their end offsets.

    On a terminal it is drawn anew each second while it is measured.
    """
    from kanister_kafka.reports.topics import rates_json, rates_text

    measured = _measured(reach, topic, length)
    if reach.wire:
        for rates in measured:
            print_message(rates)
    elif form == "text" and is_drawable(sys.stdout):
        draw_rates(measured)
    else:
        every = list(measured)
        if every:  # the last one is over all the time
            shown = partial(rates_text, every[-1], terminal_width())
            echo(report_text(form, shown, partial(rates_json, every[-1])))


def draw_rates(measured: Iterator[TopicRates]) -> None:
    """Draw the same table anew each second."""
    from rich.live import Live
    from rich.text import Text

    from kanister_kafka.reports.topics import rates_text

    console = terminal(sys.stdout)
    live = Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
    with live:
        for rates in measured:
            text = encodable(rates_text(rates, console.width).rstrip("\n"), sys.stdout)
            live.update(Text(text, no_wrap=True, overflow="ignore"), refresh=True)


def _measured(
    reach: ConnectionOptions, topics: tuple[str, ...], length: int
) -> Iterator[TopicRates]:
    from kanister_kafka.topics.access import TopicRef
    from kanister_kafka.topics.client import KafkaConsumer
    from kanister_kafka.topics.job import ResultMessage
    from kanister_kafka.topics.statistics import topic_rates

    access = reach.access(TopicRef())
    if reach.in_cluster:
        work = reach.work("rate", ("--for", f"{length}s", "--") + topics, access)
        for event in reach.remote(work):
            if isinstance(event, ResultMessage):
                yield replace(event.result, cluster=access.label)
        return
    yield from topic_rates(KafkaConsumer(access), topics, length)


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
    from kanister_kafka.topics.access import parse_topic_ref
    from kanister_kafka.topics.client import KafkaConsumer
    from kanister_kafka.topics.statistics import tail_records

    ref = parse_topic_ref(topic)
    access = reach.access(ref)
    if reach.in_cluster:
        words: list[str] = []
        for number in partitions:
            words += ["-p", str(number)]
        words += ["--count", str(count), "--page", str(page), "--", ref.topic]
        work = reach.work("tail", tuple(words), access, namespace=ref.namespace)
        records = reach.last_result(work, access)
    else:
        records = tail_records(KafkaConsumer(access), ref.topic, partitions, count, page)
    if reach.wire:
        print_message(records)
        return
    width = terminal_width() or WIDE
    echo(report_text(form, lambda: last_text(records, width), lambda: last_json(records)))
