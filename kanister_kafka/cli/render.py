"""The command `render`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kanister_kafka.cli.choices import input_options, plan_of, plan_options
from kanister_kafka.cli.outcome import tell_plan
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
    "--templates",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Directory with templates that go before ours of the same name.",
)
def render(output: Path | None, templates: Path | None, **choices: Any) -> None:
    """Print the Blueprint and all that it needs to run, as YAML."""
    plan = plan_of(**choices)
    manifests = render_plan(plan, templates)
    tell_plan(plan)
    if output is None:
        click.echo(stream(manifests), nl=False)
        return
    output.mkdir(parents=True, exist_ok=True)
    for manifest in manifests:
        path = output / manifest.file_name
        path.write_text(manifest.text, encoding="utf-8", newline="\n")
        click.echo(f"wrote {path}", err=True)
