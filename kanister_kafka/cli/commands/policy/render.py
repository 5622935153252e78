"""The commands `policy render` and `policy restore`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import click

from kanister_kafka.backup.kasten import policy_next_steps, restore_next_steps
from kanister_kafka.backup.model import BackupPlan
from kanister_kafka.backup.options import (
    DEFAULT_RUN_AS_USER,
    KastenOutput,
    QuiesceMethod,
    SnapshotProvider,
    Strategy,
)
from kanister_kafka.backup.output_dir import write_files
from kanister_kafka.backup.render import Manifest, manifest_files
from kanister_kafka.backup.render import render as render_manifests
from kanister_kafka.cli.app import print_diagnostics, print_note
from kanister_kafka.cli.options import (
    option_group,
    options_named,
    parse_key_value,
    plan_from_cli,
    templates_option,
    with_names,
)
from kanister_kafka.cli.output import (
    Destination,
    destination,
    destination_options,
    format_manifests,
)
from kanister_kafka.cli.param_types import text_option
from kanister_kafka.errors import ForbiddenError
from kanister_kafka.kasten.schemas import FREQUENCIES, PERIODS, RETENTION
from kanister_kafka.kube.client import NAMESPACES, STORAGE_CLASSES, ApiResource, KubeClient
from kanister_kafka.similarity import nearest_name

INPUT = ("kafkas", "paths", "from_cluster", "context", "namespace", "cluster", "strimzi_version")
DEFAULTS: dict[str, Any] = {
    "strategy": Strategy.COLD.value,
    "engine": SnapshotProvider.KASTEN.value,
    "quiesce_by": QuiesceMethod.REPLICAS.value,
    "run_as_user": str(DEFAULT_RUN_AS_USER),
    "timeouts": (),
}
"""Choices of the Blueprint, which is rendered elsewhere."""


def parameters(*names: str) -> list[click.Parameter]:
    """Return the options of the input, and those of the plan that have these names."""
    return options_named(*INPUT, *names)


def print_absent(
    resource: ApiResource, option: str, names: Collection[str], choices: Mapping[str, Any]
) -> None:
    """Warn of those names that the cluster does not have, if the input is a live one."""
    if choices["from_cluster"] is None or not names:
        return
    try:
        items = KubeClient(choices["context"]).items(resource)
    except ForbiddenError:
        print_note(
            f"not checked: whether the cluster has what {option} names; that needs the right to "
            f"list {resource.plural}"
        )
        return
    known = sorted(str(item["metadata"]["name"]) for item in items)
    for name in sorted(set(names) - set(known)):
        near = nearest_name(name, known)
        there = f"; did you mean {near}?" if near else f"; it has {', '.join(known) or 'none'}"
        print_note(
            f"to do: check {option} {name}: the cluster has no {resource.kind} {name}{there}"
        )


output_options = option_group(destination_options, templates_option)


def plan_policies(**choices: Any) -> BackupPlan:
    """Make a plan from the command line, and print its warnings."""
    plan = plan_from_cli(**{**DEFAULTS, **choices})
    print_diagnostics(plan.problems)
    return plan


def print_objects(
    plan: BackupPlan, kinds: Collection[str], target: Destination, templates: Path | None
) -> None:
    """Print the objects of these kinds, or write them to files."""
    manifests = [
        manifest for manifest in render_manifests(plan, templates) if manifest.kind in kinds
    ]
    if target.folder is None:
        click.echo(format_manifests(manifests, target.form), nl=False)
        return
    write_objects(manifests, target.folder)


def write_objects(manifests: Collection[Manifest], output: Path) -> None:
    """Write one file an object."""
    files = {name: one.text for name, one in manifest_files(manifests).items()}
    for path in write_files(output, files):
        print_note(f"wrote {path}")


POLICY_CHOICES = (
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
    params=parameters(*POLICY_CHOICES),
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
    target = destination(output, output_dir)
    choices = with_names(choices.pop("kafkas"), choices)
    plan = plan_policies(
        kasten=(KastenOutput.POLICY.value,), export_frequency=export_frequency or "", **choices
    )
    if plan.cluster.namespace in plan.options.definitions:
        raise click.UsageError(f"--definitions: {plan.cluster.namespace} has a Policy already")
    print_objects(plan, ("Policy",), target, templates)
    for note in policy_next_steps(plan.cluster, plan.options, plan.name):
        print_note(note)
    print_absent(NAMESPACES, "--definitions", plan.options.definitions, choices)


RESTORE_CHOICES = ("kasten_namespace", "hook_timeout", "name", "labels", "annotations")


def replacement(text: str) -> tuple[str, str]:
    """Read OLD=NEW, or NEW alone for any old value."""
    old, equals, new = text.rpartition("=")
    if not new or (equals and not old):
        raise click.BadParameter(f"{text!r} is not OLD=NEW or NEW")
    return old, new


@click.command(
    params=parameters(*RESTORE_CHOICES),
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
    target = destination(output, output_dir)
    choices = with_names(choices.pop("kafkas"), choices)
    plan = plan_policies(kasten=(KastenOutput.RESTORE.value,), **choices)
    if choices["volumes_into"] == plan.cluster.namespace:
        raise click.UsageError("--volumes-into is for a namespace other than that of the Kafka")
    print_objects(plan, ("TransformSet", "RestoreAction"), target, templates)
    for note in restore_next_steps(plan.cluster, plan.options, plan.name):
        print_note(note)
    new = [new for _old, new in plan.options.storage_classes]
    print_absent(STORAGE_CLASSES, "--storage-class", new, choices)
