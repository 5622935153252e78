"""The command `topics rate`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from kanister_kafka.cli.choices import seconds
from kanister_kafka.cli.outcome import echo, terminal_width
from kanister_kafka.cli.topics.reach import Reach, reaches, send
from kanister_kafka.cli.written import form_option, spelled_report

if TYPE_CHECKING:
    from kanister_kafka.topics.model import Rates


@click.command(epilog="Example: kanister-kafka topics rate --kafka my-cluster -n kafka blogs items")
@click.argument("topic", nargs=-1, required=True)
@click.option(
    "--for",
    "length",
    type=seconds,
    default="5s",
    show_default=True,
    metavar="DURATION",
    help="How long to measure.",
)
@form_option("text", "json", "yaml")
@reaches
def rate(*, reach: Reach, topic: tuple[str, ...], length: int, form: str) -> None:
    """Measure messages per second by topic and partition, from their end offsets.

    On a terminal it is drawn anew each second while it is measured.
    """
    from kanister_kafka.report.topics import rates_json, rates_text

    live = form == "text" and not reach.wire and sys.stdout.isatty()
    lines, found = 0, None
    for found in _measured(reach, topic, length):
        if reach.wire:
            send(found)
        elif live:
            text = rates_text(found, terminal_width())
            echo("\x1b[A" * lines + "\x1b[J" * bool(lines) + text)
            lines = text.count("\n")
    if found is not None and not live and not reach.wire:
        shown = partial(rates_text, found, terminal_width())
        echo(spelled_report(form, shown, partial(rates_json, found)))


def _measured(reach: Reach, topics: tuple[str, ...], length: int) -> Iterator[Rates]:
    from kanister_kafka.topics.amount import rates
    from kanister_kafka.topics.client import Cluster
    from kanister_kafka.topics.place import Place
    from kanister_kafka.topics.remote import Came

    access = reach.access(Place())
    if reach.in_cluster:
        work = reach.work("rate", ("--for", f"{length}s", "--", *topics), access)
        for event in reach.remote(work):
            if isinstance(event, Came):
                yield replace(event.result, cluster=access.label)
        return
    yield from rates(Cluster(access), topics, length)
