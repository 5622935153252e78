"""The command `validate`."""

from __future__ import annotations

import click

from kanister_kafka.cli.outcome import tell
from kanister_kafka.problem import has_error
from kanister_kafka.report import PROBLEM_FORMATS
from kanister_kafka.validate import validate as validate_paths


@click.command(epilog="Example: kanister-kafka validate blueprints/")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--format", "form", type=click.Choice(list(PROBLEM_FORMATS)), default="text", show_default=True
)
@click.pass_context
def validate(ctx: click.Context, paths: tuple[str, ...], form: str) -> None:
    """Say what is wrong with any Blueprint.

    Structure, functions and their arguments, names of phases, templates. PATH is a file, a
    directory, or - for standard input.
    """
    result = validate_paths(paths)
    if form == "text":
        tell(result.problems, err=False)
    else:
        click.echo(PROBLEM_FORMATS[form](result.problems), nl=False)
    counts = (
        (result.blueprints, "Blueprint"),
        (result.skipped, "other object"),
        (len(result.problems), "problem"),
    )
    told = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
    click.echo(told, err=True)
    ctx.exit(1 if has_error(result.problems) else 0)
