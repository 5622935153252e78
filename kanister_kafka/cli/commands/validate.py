"""The command `validate`."""

from __future__ import annotations

import atexit
import gc
from itertools import chain, zip_longest
from pathlib import Path

import click

from kanister_kafka import reports
from kanister_kafka.cli.app import echo, print_diagnostics, write_text
from kanister_kafka.cli.param_types import RuleIds, release_option
from kanister_kafka.diagnostics import Severity
from kanister_kafka.linter import LintSettings
from kanister_kafka.linter.pipeline import Validation
from kanister_kafka.linter.pipeline import validate as validate_paths

FORMATS = ("text", "json", "sarif", "junit", "github")
STDOUT = "-"


@click.command(
    epilog="Example: kanister-kafka validate --format text --format sarif --output - "
    "--output findings.sarif blueprints/"
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--format",
    "formats",
    type=click.Choice(FORMATS),
    multiple=True,
    help="How findings are written; repeatable.  [default: text]",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="FILE",
    help="Where the --format of the same position goes; - is standard output.  [default: -]",
)
@click.option(
    "--fail-on",
    type=click.Choice([Severity.ERROR.value, Severity.WARNING.value]),
    default=Severity.ERROR.value,
    show_default=True,
    help="The least severity that makes the exit code 1.",
)
@click.option(
    "--ignore",
    type=RuleIds(),
    multiple=True,
    metavar="ID[,ID]",
    help="A rule whose findings are not reported; repeatable.",
)
@release_option("The release that will run the Blueprints")
@click.option(
    "--kasten/--no-kasten",
    default=None,
    help="Whether Kasten runs them.  [default: if a Policy or a BlueprintBinding is among "
    "the objects]",
)
@click.option(
    "--kasten-namespace",
    default=LintSettings().kasten_namespace,
    show_default=True,
    help="The namespace of Kasten.",
)
@click.option(
    "--gitops",
    type=click.Choice(["flux"]),
    help="The tool that applies them from Git, whose rules hold as well.",
)
@click.pass_context
def validate(
    ctx: click.Context,
    paths: tuple[str, ...],
    formats: tuple[str, ...],
    outputs: tuple[str, ...],
    fail_on: str,
    ignore: tuple[tuple[str, ...], ...],
    release: str,
    kasten: bool | None,  # noqa: FBT001 - click passes by name
    kasten_namespace: str,
    gitops: str | None,
) -> None:
    """Validate Kanister Blueprints and Kasten Policies.

    Its text and structure, functions and their arguments, templates, and what would fail or do harm
    when it runs. PATH is a file, a directory, or - for standard input; objects of other kinds are
    counted and left alone. A comment `# kanister-kafka: ignore=ID` in a file silences a rule
    at that place.
    """
    atexit.register(gc.freeze)  # what a large run leaves would be gone through thrice at the end
    chosen = find_targets(formats, outputs)
    settings = LintSettings(
        kasten=kasten, kasten_namespace=kasten_namespace, gitops=gitops or "", release=release
    )
    result = validate_paths(paths, settings, ignore=set(chain.from_iterable(ignore)))
    least = Severity(fail_on)
    for form, output in chosen:
        if form == "text" and output == STDOUT:
            print_diagnostics(result.problems, err=False)
        else:
            write_report(format_report(form, result, least), output)
    echo(f"{reports.summary(result)}\n", err=True)
    ctx.exit(any(problem.severity.reaches(least) for problem in result.problems))


def find_targets(formats: tuple[str, ...], outputs: tuple[str, ...]) -> list[tuple[str, str]]:
    """Pair each format with its output."""
    formats = formats or FORMATS[:1]
    if len(outputs) > len(formats):
        raise click.UsageError("There are more --output than --format.")
    paired = list(zip_longest(formats, outputs, fillvalue=STDOUT))
    taken = [output for _form, output in paired]
    for output in set(taken):
        if taken.count(output) > 1:
            where = "standard output" if output == STDOUT else output
            raise click.UsageError(f"Only one --format can go to {where}; see --output.")
    return paired


def format_report(form: str, result: Validation, fail_on: Severity) -> str:
    """Format a report; import only the module of its format."""
    match form:
        case "json":
            return reports.diagnostics_json(result.problems)
        case "sarif":
            return reports.diagnostics_sarif(result.problems)
        case "junit":
            return reports.diagnostics_junit(result.problems, result.files, fail_on)
        case "github":
            return reports.diagnostics_github(result.problems)
        case _:
            return reports.diagnostics_text(result.problems)


def write_report(text: str, output: str) -> None:
    """Print a report, or write it to a file."""
    write_text(None if output == STDOUT else Path(output), text, note=False)
