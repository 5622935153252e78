"""The command `topics count`."""

from __future__ import annotations

import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kanister_kafka.cli.app import echo, terminal_width
from kanister_kafka.cli.output import report_format_option, report_text
from kanister_kafka.cli.topic_connection import (
    ConnectionOptions,
    print_message,
    with_connection_options,
)
from kanister_kafka.errors import InputError

if TYPE_CHECKING:
    from kanister_kafka.topics.client import ClientAccess
    from kanister_kafka.topics.model import TopicSizes


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
    from kanister_kafka.topics.reference import TopicRef

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
        names = [name for name in dict.fromkeys(name for name, _ in expected) if name in known]
        sizes = topic_sizes(cluster, names)
    return with_expected(access, sizes, expected)
