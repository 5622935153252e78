"""The command `status`."""

from __future__ import annotations

from datetime import datetime, timezone

import click

from kanister_kafka.cli.choices import live_options
from kanister_kafka.cli.outcome import echo
from kanister_kafka.kube.connection import Connection
from kanister_kafka.report.status import STATUS_FORMATS
from kanister_kafka.run.sight import Sight
from kanister_kafka.run.status import judge
from kanister_kafka.run.target import find_target


@click.command(epilog="Example: kanister-kafka status my-cluster -n kafka")
@live_options
@click.option(
    "--kasten-namespace",
    default="",
    help="Namespace of the Blueprint.  [default: the one on the record, or kasten-io]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(STATUS_FORMATS)),
    default="text",
    show_default=True,
    help="How the state is written.",
)
@click.pass_context
def status(
    ctx: click.Context, /, name: str, namespace: str, context: str, kasten_namespace: str, form: str
) -> None:
    """Say whether a Kafka runs or was stopped, by what, and what to do next.

    What the cluster itself shows decides, the record of the backups comes second. Exit code 0
    where Kafka runs, 1 where it does not or something is left to undo.
    """
    connection = Connection(context)
    target = find_target(connection, namespace, name)
    judged = judge(Sight(connection, target, kasten_namespace).look())
    echo(STATUS_FORMATS[form](judged, datetime.now(timezone.utc)))
    ctx.exit(0 if judged.runs else 1)
