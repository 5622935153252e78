"""The command `status`."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial

import click

from kanister_kafka.cli.choices import live_options, options_from
from kanister_kafka.cli.outcome import echo, terminal_width
from kanister_kafka.cli.written import form_option, kafka_name, spelled_report
from kanister_kafka.errors import KanisterKafkaError
from kanister_kafka.kube import fetch
from kanister_kafka.kube.connection import Connection
from kanister_kafka.report.status import (
    status_json,
    status_text,
    statuses_json,
    statuses_text,
)
from kanister_kafka.run.freshness import of_another_input, of_another_version
from kanister_kafka.run.sight import Sight
from kanister_kafka.run.status import Status, judge
from kanister_kafka.run.target import all_targets, find_target


@click.command(epilog="Example: kanister-kafka status my-cluster -n kafka")
@live_options
@click.option(
    "--kasten-namespace",
    default="",
    help="Namespace of the Blueprint.  [default: the one on the record, or kasten-io]",
)
@form_option("text", "json", "yaml", "name")
@click.option(
    "-A",
    "--all-namespaces",
    "everywhere",
    is_flag=True,
    help="A line for each Kafka of all namespaces; exit code 1 if one of them does not run.",
)
@click.pass_context
def status(
    ctx: click.Context,
    /,
    name: str,
    namespace: str,
    context: str,
    kasten_namespace: str,
    form: str,
    *,
    everywhere: bool,
) -> None:
    """Say whether a Kafka runs or was stopped, by what, and what to do next.

    What the cluster itself shows decides, the record of the backups comes second. Exit code 0
    where Kafka runs, 1 where it does not or something is left to undo.
    """
    connection = Connection(context)
    if everywhere:
        if name or namespace:
            raise click.UsageError("-A is for all Kafkas: name neither one nor a namespace")
        ctx.exit(_everywhere(connection, kasten_namespace, form))
    target = find_target(connection, namespace, name)
    judged = _with_freshness(judge(Sight(connection, target, kasten_namespace).look()), context)
    now = datetime.now(timezone.utc)
    if form == "name":
        echo(kafka_name(target.name))
    else:
        width = terminal_width()
        text = partial(status_text, judged, now, width)
        echo(spelled_report(form, text, lambda: status_json(judged, now)))
    ctx.exit(0 if judged.runs else 1)


def _everywhere(connection: Connection, kasten_namespace: str, form: str) -> int:
    """Say how each Kafka of the cluster is; return the exit code."""
    targets = all_targets(connection)
    judged = [judge(Sight(connection, target, kasten_namespace).look()) for target in targets]
    now = datetime.now(timezone.utc)
    if form == "name":
        echo("".join(kafka_name(target.name) for target in targets))
    else:
        text = partial(statuses_text, judged, terminal_width())
        echo(spelled_report(form, text, lambda: statuses_json(judged, now)))
    return 0 if all(one.runs for one in judged) else 1


def _with_freshness(status: Status, context: str) -> Status:
    """Add whether the Blueprint is up to date, where the cluster is as no backup has left it."""
    seen = status.sighting
    origin = seen.origin
    if not status.runs or not origin.input_hash:
        return status
    if older := of_another_version(origin):
        return replace(status, remarks=(*status.remarks, older))
    try:
        options, version = options_from(shlex.split(origin.options))
        fetched = fetch(seen.target.name, seen.target.namespace, context=context)
    except (click.UsageError, ValueError, KanisterKafkaError) as failure:
        why = failure.message if isinstance(failure, click.UsageError) else str(failure)
        return _unsure(status, why)
    if fetched.problems:
        return _unsure(status, "; ".join(problem.message for problem in fetched.problems))
    changed = of_another_input(origin, seen.target, fetched.documents, options, version)
    return replace(status, remarks=(*status.remarks, changed)) if changed else status


def _unsure(status: Status, why: str) -> Status:
    line = f"whether the Blueprint is up to date: {why}"
    unseen = (*status.sighting.unseen, line)
    return replace(status, sighting=replace(status.sighting, unseen=unseen))
