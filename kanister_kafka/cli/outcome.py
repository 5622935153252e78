"""What the commands have in common on their way out: problems, errors, exit codes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import click

from kanister_kafka.errors import InputError, KanisterKafkaError
from kanister_kafka.plan import Plan
from kanister_kafka.problem import Problem, Severity
from kanister_kafka.report import problems_text


class Failure(click.ClickException):
    """An error of ours on its way out."""

    def __init__(self, cause: KanisterKafkaError) -> None:
        super().__init__(str(cause))
        self.cause = cause
        # click has it on the class, where an instance may differ
        vars(self)["exit_code"] = cause.exit_code

    def show(self, file: Any = None) -> None:  # noqa: ARG002 - click's own signature
        """Print all problems of the run, or the one line of any other error."""
        if isinstance(self.cause, InputError):
            tell(self.cause.problems)
        else:
            click.echo(f"{click.style('error', fg='red')}: {self.cause}", err=True)


class Group(click.Group):
    """Turns our errors into exit codes, in this one place."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; without colour where NO_COLOR asks for it."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            return super().invoke(ctx)
        except KanisterKafkaError as failure:
            raise Failure(failure) from failure


def tell(problems: Iterable[Problem], *, err: bool = True) -> None:
    """Print a line for each problem, coloured on a terminal."""
    colors = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
    for problem in problems:
        line = problems_text([problem])
        word = problem.severity.value
        click.echo(
            line.replace(f" {word}: ", f" {click.style(word, fg=colors[problem.severity])}: ", 1),
            err=err,
            nl=False,
        )


def tell_plan(plan: Plan) -> None:
    """Print the warnings of a plan, and what it leaves for a person to do."""
    tell(plan.problems)
    for note in plan.notes:
        click.echo(note, err=True)
