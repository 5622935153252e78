"""The command `apply`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

import kanister_kafka.install as install
from kanister_kafka.cli.outcome import Failure, echo
from kanister_kafka.cli.rendered import (
    Chosen,
    chosen,
    chosen_options,
    result,
    tell_failed,
    tell_failures,
    tell_names,
    tell_unseen,
)
from kanister_kafka.cli.sections import Sectioned
from kanister_kafka.errors import KanisterKafkaError
from kanister_kafka.install import DryRun, Outcome, Removal

COLORS = {"+": "green", "-": "red", "@": "cyan"}
WHOLE = {"ServiceAccount", "Blueprint"}
"""What every rendering has: without them the input is a part, and the rest is no leftover."""


@click.command(
    cls=Sectioned, epilog="Example: kanister-kafka apply --from-cluster my-cluster -n kafka --diff"
)
@chosen_options
@click.option(
    "--diff",
    is_flag=True,
    help="Show what would change, and change nothing; exit code 0: nothing, 1: something, 2: "
    "it cannot be told.",
)
@click.option(
    "--prune",
    is_flag=True,
    help="Delete what a former version has put there for the same Blueprint and that is not in "
    "the input.",
)
@click.option(
    "--force-conflicts", is_flag=True, help="Take over fields that other field managers have."
)
@click.pass_context
def apply(
    ctx: click.Context,
    /,
    *,
    dry_run: str,
    diff: bool,
    prune: bool,
    force_conflicts: bool,
    **choices: Any,
) -> None:
    """Put the Blueprint and all that it needs on the cluster.

    PATH holds Strimzi's custom resources, or what `render` made of them. Everything goes by
    server-side apply, and all of it is tried on the server before the first change.
    """
    dry = DryRun(dry_run)
    if diff and dry is not DryRun.NONE:
        raise click.UsageError("--diff changes nothing anyway; leave --dry-run out")
    if diff:
        with _two_for_errors():
            ctx.exit(_diff(chosen(**choices), prune=prune, force=force_conflicts))
    ctx.exit(_apply(chosen(**choices), dry, prune=prune, force=force_conflicts))


def _apply(input_: Chosen, dry: DryRun, *, prune: bool, force: bool) -> int:
    extra = _prunable(input_) if prune else Removal()
    tell, connection = result(dry), input_.connection
    report = install.apply(input_.objects, connection, dry_run=dry, force=force, told=tell)
    tell_failures(report, "applied")
    if report.failures:
        tell_names("not pruned", extra.targets)
        return report.exit_code
    pruned = install.remove(
        extra.objects, connection, outcome=Outcome.PRUNED, dry_run=dry, told=tell
    )
    tell_failures(pruned, "pruned")
    return pruned.exit_code


def _prunable(input_: Chosen) -> Removal:
    """Find what is to be pruned, and say it before anything is done."""
    if missing := WHOLE - {item["kind"] for item in input_.objects}:
        raise click.UsageError(
            f"--prune needs all that was rendered, and no {' and no '.join(sorted(missing))} is "
            "in the input"
        )
    found = install.prunable(input_.objects, input_.connection)
    tell_unseen(found)
    for left in found.passed:
        tell_names(f"not pruned, as {left.why}", [left.target])
    if found.held:
        tell_names(f"not pruned, as {'; '.join(found.held)}", found.targets)
        return Removal()
    tell_names("to be pruned", found.targets)
    return found


def _diff(input_: Chosen, *, prune: bool, force: bool) -> int:
    extra = _prunable(input_) if prune else Removal()
    trials = install.attempt(input_.objects, input_.connection, force=force)
    if failed := install.failures(trials):
        tell_failed(failed)
        return 2
    text = install.diff(trials, extra.objects)
    for line in text.splitlines(keepends=True):
        echo(click.style(line, fg=COLORS.get(line[0])) if line[0] in COLORS else line)
    return 1 if text else 0


@contextmanager
def _two_for_errors() -> Iterator[None]:
    """Keep the exit code 1 for a difference, as diff and kubectl do."""
    try:
        yield
    except KanisterKafkaError as cause:
        failure = Failure(cause)
        vars(failure)["exit_code"] = 2
        raise failure from cause
