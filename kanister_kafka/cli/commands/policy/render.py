"""The command `policy render`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kanister_kafka.backup.kasten import policy_next_steps
from kanister_kafka.backup.options import KastenOutput
from kanister_kafka.cli.app import print_note
from kanister_kafka.cli.commands.policy.options import (
    output_options,
    parameters,
    plan_policies,
    print_objects,
    tell_absent,
)
from kanister_kafka.cli.options import parse_key_value, with_names
from kanister_kafka.cli.output import destination
from kanister_kafka.cli.param_types import text_option
from kanister_kafka.kasten.schemas import FREQUENCIES, PERIODS, RETENTION
from kanister_kafka.kube.client import NAMESPACES

CHOICES = (
    "strategy", "kasten_namespace", "frequency", "profile", "hook_timeout",
    "name", "labels", "annotations",
)  # fmt: skip


def parse_retention(text: str) -> tuple[str, int]:
    """Read PERIOD=COUNT."""
    period, number = parse_key_value(text)
    if not number.isdecimal() or period not in PERIODS:
        raise click.BadParameter(f"{text!r} is not PERIOD=COUNT with one of {', '.join(PERIODS)}")
    return period, int(number)


@click.command(
    params=parameters(*CHOICES),
    epilog="Example: kanister-kafka policy render -f examples/mirror-maker-2 --frequency @daily "
    "--at 02:30 --retention daily=14 --export-profile s3 --definitions kafka-tools",
)
@text_option(
    "--at time",
    "When on the day, with --frequency @daily; in the time zone that Kasten goes by.",
    metavar="HH:MM",
)
@click.option(
    "--retention",
    type=parse_retention,
    multiple=True,
    metavar="PERIOD=COUNT",
    help="How many restore points are kept of a period; repeatable.  [default: Kasten's own, "
    + ", ".join(f"{period} {number}" for period, number, _every in RETENTION)
    + "]",
)
@text_option("--export-profile", "Location profile to export to.")
@click.option(
    "--export-frequency",
    type=click.Choice(FREQUENCIES),
    help="How often it exports.  [default: as often as the Policy runs]",
)
@click.option(
    "--definitions",
    multiple=True,
    metavar="NAMESPACE",
    help="Namespace, such as that of a mirror or of its source, whose custom resources a second "
    "Policy keeps, without hooks and volumes; repeatable.",
)
@output_options
def render(
    output: str,
    output_dir: Path | None,
    templates: Path | None,
    export_frequency: str | None,
    **choices: Any,
) -> None:
    """Print the Policies of a cluster and of its mirrors.

    They come in the order in which they must run. The one with hooks is of the namespace whose
    Kafka is stopped, and of no other. It calls the Blueprint that `render` makes of the same
    resources: give both the same --strategy and --name.
    """
    place = destination(output, output_dir)
    choices = with_names(choices.pop("kafkas"), choices)
    plan = plan_policies(
        kasten=(KastenOutput.POLICY.value,), export_frequency=export_frequency or "", **choices
    )
    if plan.cluster.namespace in plan.options.definitions:
        raise click.UsageError(f"--definitions: {plan.cluster.namespace} has a Policy already")
    print_objects(plan, ("Policy",), place, templates)
    for note in policy_next_steps(plan.cluster, plan.options, plan.name):
        print_note(note)
    tell_absent(NAMESPACES, "--definitions", plan.options.definitions, choices)
