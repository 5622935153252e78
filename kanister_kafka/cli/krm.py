"""The command `krm`."""

from __future__ import annotations

import click

from kanister_kafka.cli.outcome import echo_bytes, tell
from kanister_kafka.document.load import stdin
from kanister_kafka.krm.function import run
from kanister_kafka.problem import has_error


@click.command(epilog="Example: kanister-kafka krm < resource-list.yaml")
@click.pass_context
def krm(ctx: click.Context) -> None:
    """Add Blueprints to a ResourceList: a function for Kustomize and kpt.

    It reads a ResourceList from standard input and prints it again with a Blueprint, and all that
    it needs, for every Kafka among the items; findings are in its results and on standard error.
    Options are in the functionConfig, a KafkaBlueprint, under the names that they have here:
    --quiesce-by is quiesceBy. Without a command, a ResourceList on standard input is answered so.
    `kanister-kafka docs kustomize` has the rest.
    """
    outcome = run(ctx.obj if isinstance(ctx.obj, bytes) else stdin())
    tell(outcome.problems)
    for note in outcome.notes:
        click.echo(note, err=True)
    echo_bytes(outcome.text)
    ctx.exit(has_error(outcome.problems))
