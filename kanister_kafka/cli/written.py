"""How a report is written: options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click
from click.core import ParameterSource

from kanister_kafka.cli.outcome import echo, warn_deprecated
from kanister_kafka.errors import UnreachableError
from kanister_kafka.folder import write_file

Command = Callable[..., None]
FILE = click.Path(path_type=Path, dir_okay=False)

OLD_FORM = f"{__name__}.format"
"""In the meta of a context: what the deprecated --format was given."""


def form_option(*forms: str) -> Callable[[Command], Command]:
    """Return `-o` as kubectl has it, with the deprecated `--format` beside it; text is usual."""

    def choose(ctx: click.Context, _param: click.Parameter, value: str) -> str:
        old = ctx.meta.get(OLD_FORM)
        if old is None:
            return value
        if ctx.get_parameter_source("form") is ParameterSource.COMMANDLINE:
            raise click.UsageError("--format is the deprecated name of -o: give -o alone")
        warn_deprecated(f"--format is deprecated; write -o {old}")
        ctx.set_parameter_source("form", ParameterSource.COMMANDLINE)
        return str(old)

    def keep(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
        if value is not None:
            ctx.meta[OLD_FORM] = value

    new = click.option(
        "-o",
        "--output",
        "form",
        type=click.Choice(forms),
        default=forms[0],
        show_default=True,
        callback=choose,
        help="How it is written.",
    )
    old = click.option(
        "--format",
        type=click.Choice(forms),
        hidden=True,
        is_eager=True,
        expose_value=False,
        callback=keep,
    )
    return lambda command: new(old(command))


def spelled_report(form: str, text: Callable[[], str], tree: Callable[[], str]) -> str:
    """Return a report as text, JSON or YAML; `tree` returns the JSON, of which YAML is made."""
    if form == "text":
        return text()
    return tree() if form == "json" else as_yaml(tree())


def as_yaml(text: str) -> str:
    """Return our JSON as YAML."""
    from kanister_kafka.document.dump import dump

    return dump(json.loads(text))


def kafka_name(name: str) -> str:
    """Return a line that names a Kafka as `kubectl -o name` does."""
    return f"kafka.kafka.strimzi.io/{name}\n"


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
