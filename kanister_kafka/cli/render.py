"""The command `render`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kanister_kafka.cli.choices import input_options, plan_of, plan_options
from kanister_kafka.cli.outcome import tell_plan
from kanister_kafka.krm.kustomization import kustomization_file
from kanister_kafka.render import render as render_plan
from kanister_kafka.render import stream


@click.command(
    epilog="Example: kanister-kafka render -f examples/kraft-separate-pools | kubectl apply -f -"
)
@input_options
@plan_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory for one file an object, instead of standard output.",
)
@click.option(
    "--kustomization",
    is_flag=True,
    help="Make the directory of --output a base of Kustomize.",
)
@click.option(
    "--templates",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Directory with templates that go before ours of the same name.",
)
def render(
    output: Path | None,
    templates: Path | None,
    kustomization: bool,  # noqa: FBT001 - click passes by name
    **choices: Any,
) -> None:
    """Print the Blueprint and all that it needs to run, as YAML."""
    if kustomization and output is None:
        raise click.UsageError("--kustomization needs --output")
    plan = plan_of(**choices)
    manifests = render_plan(plan, templates)
    tell_plan(plan)
    if output is None:
        click.echo(stream(manifests), nl=False)
        return
    output.mkdir(parents=True, exist_ok=True)
    files = {manifest.file_name: manifest.text for manifest in manifests}
    if kustomization:
        files |= kustomization_file(output, manifests)
    for name, text in files.items():
        path = output / name
        path.write_text(text, encoding="utf-8", newline="\n")
        click.echo(f"wrote {path}", err=True)
