"""The command `krm`."""

from __future__ import annotations

import click

from kanister_kafka.cli.app import echo_bytes, print_diagnostics, print_note
from kanister_kafka.diagnostics import has_error
from kanister_kafka.integrations.krm.function import run_function
from kanister_kafka.yamldoc.source import read_stdin


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
    outcome = run_function(ctx.obj if isinstance(ctx.obj, bytes) else read_stdin())
    print_diagnostics(outcome.problems)
    for note in outcome.notes:
        print_note(note)
    echo_bytes(outcome.text)
    ctx.exit(has_error(outcome.problems))
