"""The command `policy lint`."""

from __future__ import annotations

from itertools import chain

import click

from kanister_kafka import reports
from kanister_kafka.cli.app import echo, print_diagnostics, terminal_width
from kanister_kafka.cli.commands.validate import STDOUT, find_targets, format_report, write_report
from kanister_kafka.cli.commands.validate import validate as validate_command
from kanister_kafka.diagnostics import Severity
from kanister_kafka.linter import LintSettings
from kanister_kafka.linter.pipeline import lint as lint_paths


@click.command(
    params=[option for option in validate_command.params if option.name != "kasten"],
    epilog="Example: kanister-kafka policy lint policies/ blueprints/ kafka.yaml",
)
@click.pass_context
def lint(
    ctx: click.Context,
    paths: tuple[str, ...],
    formats: tuple[str, ...],
    outputs: tuple[str, ...],
    fail_on: str,
    ignore: tuple[tuple[str, ...], ...],
    release: str,
    kasten_namespace: str,
    gitops: str | None,
) -> None:
    """Show what would silently not run, and what each Policy covers.

    Policies, BlueprintBindings, Blueprints and annotated workloads are held against each other, by
    the rules of `validate --kasten`: give all of them. text and json also show what each Policy
    covers; the other formats are those of `validate`.
    """
    chosen = find_targets(formats, outputs)
    settings = LintSettings(
        kasten=True, kasten_namespace=kasten_namespace, gitops=gitops or "", release=release
    )
    silent = set(chain.from_iterable(ignore))
    result, policies = lint_paths(paths, settings, ignore=silent)
    least = Severity(fail_on)
    for form, output in chosen:
        if form == "json":
            write_report(reports.lint_json(policies, result.problems), output)
        elif form == "text" and output == STDOUT:
            echo(reports.coverage_text(policies, terminal_width()))
            print_diagnostics(result.problems, err=False)
        else:
            before = reports.coverage_text(policies) if form == "text" else ""
            write_report(before + format_report(form, result, least), output)
    echo(f"{reports.summary(result)}\n", err=True)
    ctx.exit(any(problem.severity.reaches(least) for problem in result.problems))
