"""The command `plan`."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from kanister_kafka.cli.choices import input_options, plan_of, plan_options
from kanister_kafka.cli.outcome import echo, echo_bytes, tell_plan, terminal_width
from kanister_kafka.cli.sections import Sectioned
from kanister_kafka.cli.written import form_option, spelled_report
from kanister_kafka.report import plan_json, plan_text


@click.command(
    cls=Sectioned, epilog="Example: kanister-kafka plan -f examples/kraft-separate-pools"
)
@input_options
@plan_options
@form_option("text", "json", "yaml", "name", "markdown", "html")
def plan(form: str, **choices: Any) -> None:
    """Show what a backup will do.

    Steps and their waits, what is quiesced and what is left alone, and the rights needed.
    """
    planned = plan_of(**choices)
    tell_plan(planned)
    if form == "name":
        echo(f"blueprint.cr.kanister.io/{planned.name}\n")
        return
    if form in ("markdown", "html"):
        from kanister_kafka.report.plan_sheet import plan_html, plan_markdown

        echo_bytes(plan_markdown(planned) if form == "markdown" else plan_html(planned))
        return
    text = partial(plan_text, planned, terminal_width())
    echo(spelled_report(form, text, lambda: plan_json(planned)))
