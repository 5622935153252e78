"""The command `post-render`."""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path
from typing import Any

import click

from kanister_kafka.backup.options import ScriptSharing
from kanister_kafka.backup.render import render, without_repeated_scripts
from kanister_kafka.cli.app import print_note, print_plan_warnings
from kanister_kafka.cli.options import (
    plan_options,
    plans_from_cli,
    strimzi_version_option,
    templates_option,
)
from kanister_kafka.cli.param_types import text_option
from kanister_kafka.integrations.helm_post_renderer import append_manifests, kafka_names
from kanister_kafka.yamldoc import MAX_BYTES, loads


@click.command(
    epilog="Example: helm upgrade --install my-release my-chart --post-renderer kanister-kafka "
    "--post-renderer-args post-render"
)
@text_option("-n --namespace", "Namespace of the release, for objects that name none.")
@strimzi_version_option
@plan_options
@templates_option
def post_render(namespace: str, templates: Path | None, **choices: Any) -> None:
    """Add the Blueprint of every Kafka to the manifests of a Helm release.

    Reads the manifests on standard input and writes them on standard output, followed by all that a
    backup of each Kafka among them needs. The manifests stay as they are, byte for byte.
    """
    # Two releases in a namespace must not both have one object: Helm refuses the second.
    choices["scripts"] = choices["scripts"] or ScriptSharing.OWN.value
    raw = sys.stdin.buffer.read(MAX_BYTES + 1)
    loaded = loads(raw, "<stdin>")
    names = kafka_names(loaded.documents, namespace)
    plans = plans_from_cli(loaded, names, namespace=namespace, **choices)
    for plan in plans:
        print_plan_warnings(plan)
    if not plans:
        print_note("no Kafka is among the manifests: nothing was added")
    blueprints = {f"{plan.options.kasten_namespace}/{plan.name}" for plan in plans}
    every = chain.from_iterable(render(plan, templates) for plan in plans)
    manifests = without_repeated_scripts()(every)
    sys.stdout.buffer.write(append_manifests(raw, blueprints, manifests))
