"""The command `topics total`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import click

from kanister_kafka.cli.outcome import echo, terminal_width
from kanister_kafka.cli.topics.reach import Reach, reaches, send
from kanister_kafka.cli.written import form_option, spelled_report


@click.command(
    epilog="Example: kanister-kafka topics total --kafka my-cluster -n kafka blogs items"
)
@click.argument("topic", nargs=-1, required=True)
@form_option("text", "json", "yaml")
@reaches
def total(*, reach: Reach, topic: tuple[str, ...], form: str) -> None:
    """Count the messages that topics hold, by partition and in all.

    With the time of the newest. Counted by offsets: exact, unless a topic is compacted or written
    to in transactions; then it holds at most so many.
    """
    from kanister_kafka.report.topics import totals_json, totals_text
    from kanister_kafka.topics.amount import total as count
    from kanister_kafka.topics.client import Cluster
    from kanister_kafka.topics.place import Place
    from kanister_kafka.topics.remote import Came

    access = reach.access(Place())
    if reach.in_cluster:
        work = reach.work("total", ("--", *topic), access)
        results = [event.result for event in reach.remote(work) if isinstance(event, Came)]
        found = replace(results[-1], cluster=access.label)
    else:
        found = count(Cluster(access), topic)
    if reach.wire:
        send(found)
    else:
        text = partial(totals_text, found, terminal_width())
        echo(spelled_report(form, text, partial(totals_json, found)))
