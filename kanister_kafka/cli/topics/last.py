"""The command `topics last`."""

from __future__ import annotations

from dataclasses import replace

import click

from kanister_kafka.cli.outcome import echo, terminal_width
from kanister_kafka.cli.topics.reach import Reach, reaches, send
from kanister_kafka.cli.written import form_option, spelled_report

WIDE = 200
"""Columns where there is no terminal to ask."""


@click.command(epilog="Example: kanister-kafka topics last --kafka my-cluster -n kafka blogs -c 5")
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
@form_option("text", "json", "yaml")
@reaches
def last(
    *,
    reach: Reach,
    topic: str,
    partitions: tuple[int, ...],
    count: int,
    page: int,
    form: str,
) -> None:
    """Show the last messages of every partition side by side, in the order of their times."""
    from kanister_kafka.report.topics import last_json, last_text
    from kanister_kafka.topics.amount import last as newest
    from kanister_kafka.topics.client import Cluster
    from kanister_kafka.topics.place import parse_place
    from kanister_kafka.topics.remote import Came

    place = parse_place(topic)
    access = reach.access(place)
    if reach.in_cluster:
        chosen = [word for number in partitions for word in ("-p", str(number))]
        sizes = ("--count", str(count), "--page", str(page))
        work = reach.work(
            "last",
            (*chosen, *sizes, "--", place.topic),
            access,
            namespace=place.namespace,
        )
        results = [event.result for event in reach.remote(work) if isinstance(event, Came)]
        found = replace(results[-1], cluster=access.label)
    else:
        found = newest(Cluster(access), place.topic, partitions, count, page)
    if reach.wire:
        send(found)
        return
    width = terminal_width() or WIDE
    echo(spelled_report(form, lambda: last_text(found, width), lambda: last_json(found)))
