"""How a report is written: options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

FILE = click.Path(path_type=Path, dir_okay=False)

format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How it is written.",
)
page_option = click.option(
    "--html",
    type=FILE,
    metavar="FILE",
    help="Write a page with each partition drawn on a time axis as well.",
)
