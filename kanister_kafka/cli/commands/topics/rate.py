"""The command `topics rate`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
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

if TYPE_CHECKING:
    from kanister_kafka.topics.model import TopicRates


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
    from kanister_kafka.topics.client import KafkaConsumer
    from kanister_kafka.topics.job import ResultMessage
    from kanister_kafka.topics.reference import TopicRef
    from kanister_kafka.topics.statistics import topic_rates

    access = reach.access(TopicRef())
    if reach.in_cluster:
        work = reach.work("rate", ("--for", f"{length}s", "--") + topics, access)
        for event in reach.remote(work):
            if isinstance(event, ResultMessage):
                yield replace(event.result, cluster=access.label)
        return
    yield from topic_rates(KafkaConsumer(access), topics, length)
