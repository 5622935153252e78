"""How a report is written: options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

from kanister_kafka.cli.outcome import echo
from kanister_kafka.errors import UnreachableError
from kanister_kafka.folder import write_file

FILE = click.Path(path_type=Path, dir_okay=False)

format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How it is written.",
)
output_option = click.option(
    "-o",
    "--output",
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


def check_place(path: Path | None) -> None:
    """Fail before long work rather than after it, where a file cannot be written."""
    if path is not None and not path.absolute().parent.is_dir():
        raise UnreachableError(f"{path}: there is no such directory")


def put(path: Path | None, text: str) -> None:
    """Write a report into a file, or to standard output; UnreachableError where that fails."""
    if path is None:
        echo(text)
        return
    write_file(path, text)
    click.echo(f"wrote {path}", err=True)


def tell_elapsed(elapsed: float, text: str) -> None:
    """Print what a long command does, behind the seconds since its start."""
    line = "".join(c if c.isprintable() else " " for c in text)
    loud = text.startswith(("FAILED", "KAFKA"))
    echo(f"[{elapsed:6.1f}s] {click.style(line, fg='red') if loud else line}\n", err=True)
