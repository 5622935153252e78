"""The command `topics count`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import click

from kanister_kafka.cli.app import echo, terminal_width
from kanister_kafka.cli.output import report_format_option, report_text
from kanister_kafka.cli.topic_connection import (
    ConnectionOptions,
    print_message,
    with_connection_options,
)


@click.command(
    epilog="Example: kanister-kafka topics count --kafka my-cluster -n kafka blogs items"
)
@click.argument("topic", nargs=-1, required=True)
@report_format_option("text", "json", "yaml")
@with_connection_options
def count(*, reach: ConnectionOptions, topic: tuple[str, ...], form: str) -> None:
    """Count the messages of topics, by partition and in total.

    Also shows the timestamp of the newest message. The count comes from offsets. It is exact,
    unless a topic is compacted or written in transactions: then it is an upper limit.
    """
    from kanister_kafka.reports.topics import totals_json, totals_text
    from kanister_kafka.topics.client import KafkaConsumer
    from kanister_kafka.topics.job import ResultMessage
    from kanister_kafka.topics.reference import TopicRef
    from kanister_kafka.topics.statistics import topic_sizes

    access = reach.access(TopicRef())
    if reach.in_cluster:
        work = reach.work("count", ("--",) + topic, access)
        results = [event.result for event in reach.remote(work) if isinstance(event, ResultMessage)]
        found = replace(results[-1], cluster=access.label)
    else:
        found = topic_sizes(KafkaConsumer(access), topic)
    if reach.wire:
        print_message(found)
    else:
        text = partial(totals_text, found, terminal_width())
        echo(report_text(form, text, partial(totals_json, found)))
