"""The command `policy restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kanister_kafka.backup.kasten import restore_next_steps
from kanister_kafka.backup.options import KastenOutput
from kanister_kafka.cli.app import print_note
from kanister_kafka.cli.commands.policy.options import (
    output_options,
    parameters,
    plan_policies,
    print_objects,
    tell_absent,
)
from kanister_kafka.cli.options import with_names
from kanister_kafka.cli.output import destination
from kanister_kafka.cli.param_types import text_option
from kanister_kafka.kube.client import STORAGE_CLASSES

CHOICES = ("kasten_namespace", "hook_timeout", "name", "labels", "annotations")


def replacement(text: str) -> tuple[str, str]:
    """Read OLD=NEW, or NEW alone for any old value."""
    old, equals, new = text.rpartition("=")
    if not new or (equals and not old):
        raise click.BadParameter(f"{text!r} is not OLD=NEW or NEW")
    return old, new


@click.command(
    params=parameters(*CHOICES),
    epilog="Example: kanister-kafka policy restore -f examples/kraft-separate-pools "
    "--restore-point scheduled-x7k2p --storage-class standard=fast",
)
@click.option(
    "--restore-point", required=True, help="RestorePoint of Kasten, in the Kafka's namespace."
)
@click.option(
    "--storage-class",
    "storage_classes",
    type=replacement,
    multiple=True,
    metavar="[OLD=]NEW",
    help="Storage class of the restored claims, of those with OLD or of all; repeatable.",
)
@text_option(
    "--volumes-into",
    "Restore the volumes alone, into another namespace, to look into them: no Kafka starts.",
    metavar="NAMESPACE",
)
@output_options
def restore(output: str, output_dir: Path | None, templates: Path | None, **choices: Any) -> None:
    """Print a RestoreAction and the TransformSet that it needs.

    The restore starts when the RestoreAction is created, with `kubectl create --validate=false`.
    A Kafka comes back under its own name and in its own namespace;
    `kanister-kafka docs policies` explains why.
    """
    place = destination(output, output_dir)
    choices = with_names(choices.pop("kafkas"), choices)
    plan = plan_policies(kasten=(KastenOutput.RESTORE.value,), **choices)
    if choices["volumes_into"] == plan.cluster.namespace:
        raise click.UsageError("--volumes-into is for a namespace other than that of the Kafka")
    print_objects(plan, ("TransformSet", "RestoreAction"), place, templates)
    for note in restore_next_steps(plan.cluster, plan.options, plan.name):
        print_note(note)
    new = [new for _old, new in plan.options.storage_classes]
    tell_absent(STORAGE_CLASSES, "--storage-class", new, choices)
