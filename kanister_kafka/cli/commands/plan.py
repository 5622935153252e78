"""The command `plan`."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from kanister_kafka.cli.app import echo, echo_bytes, print_plan_warnings, terminal_width
from kanister_kafka.cli.options import input_options, plan_from_cli, plan_options
from kanister_kafka.cli.output import report_format_option, report_text
from kanister_kafka.cli.param_types import SectionedCommand
from kanister_kafka.reports import plan_json, plan_text


@click.command(
    cls=SectionedCommand, epilog="Example: kanister-kafka plan -f examples/kraft-separate-pools"
)
@input_options
@plan_options
@report_format_option("text", "json", "yaml", "name", "markdown", "html")
def plan(form: str, **choices: Any) -> None:
    """Show what a backup will do.

    Steps and their waits, what is quiesced and what is left alone, and the rights needed.
    """
    planned = plan_from_cli(**choices)
    print_plan_warnings(planned)
    if form == "name":
        echo(f"blueprint.cr.kanister.io/{planned.name}\n")
        return
    if form in ("markdown", "html"):
        from kanister_kafka.reports.plan_page import plan_html, plan_markdown

        echo_bytes(plan_markdown(planned) if form == "markdown" else plan_html(planned))
        return
    text = partial(plan_text, planned, terminal_width())
    echo(report_text(form, text, lambda: plan_json(planned)))
