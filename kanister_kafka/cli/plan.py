"""The command `plan`."""

from __future__ import annotations

from typing import Any

import click

from kanister_kafka.cli.choices import input_options, plan_of, plan_options
from kanister_kafka.cli.outcome import tell_plan, terminal_width
from kanister_kafka.cli.sections import Sectioned
from kanister_kafka.report import PLAN_FORMATS, plan_text


@click.command(
    cls=Sectioned, epilog="Example: kanister-kafka plan -f examples/kraft-separate-pools"
)
@input_options
@plan_options
@click.option(
    "--format",
    "form",
    type=click.Choice(list(PLAN_FORMATS)),
    default="text",
    show_default=True,
    help="How the plan is written.",
)
def plan(form: str, **choices: Any) -> None:
    """Show what a backup will do.

    Steps and their waits, what is quiesced and what is left alone, and the rights needed.
    """
    planned = plan_of(**choices)
    tell_plan(planned)
    if form == "text":
        click.echo(plan_text(planned, terminal_width()), nl=False)
    else:
        click.echo(PLAN_FORMATS[form](planned), nl=False)
