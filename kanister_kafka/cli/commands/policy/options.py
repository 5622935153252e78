"""The common parts of the commands that render for Kasten."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from kanister_kafka.backup.model import BackupPlan
from kanister_kafka.backup.options import (
    DEFAULT_RUN_AS_USER,
    QuiesceMethod,
    SnapshotProvider,
    Strategy,
)
from kanister_kafka.backup.output_dir import write_files
from kanister_kafka.backup.render import Manifest, manifest_files, render
from kanister_kafka.cli.app import print_diagnostics, print_note
from kanister_kafka.cli.options import option_group, options_named, plan_from_cli, templates_option
from kanister_kafka.cli.output import Destination, destination_options, format_manifests
from kanister_kafka.errors import ForbiddenError
from kanister_kafka.kube.client import ApiResource, KubeClient

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


def tell_absent(
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
        near = get_close_matches(name, known, n=1)
        there = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(known) or 'none'}"
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
    plan: BackupPlan, kinds: Collection[str], place: Destination, templates: Path | None
) -> None:
    """Print the objects of these kinds, or write them to files."""
    manifests = [found for found in render(plan, templates) if found.kind in kinds]
    if place.folder is None:
        click.echo(format_manifests(manifests, place.form), nl=False)
        return
    write_objects(manifests, place.folder)


def write_objects(manifests: Collection[Manifest], output: Path) -> None:
    """Write one file an object."""
    files = {name: one.text for name, one in manifest_files(manifests).items()}
    for path in write_files(output, files):
        print_note(f"wrote {path}")
