"""The commands `apply` and `delete`: the objects of a Blueprint on the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import click

from kanister_kafka.cli.app import CliError, echo, print_warning
from kanister_kafka.cli.manifest_input import (
    ManifestInput,
    manifest_input_options,
    partial_code,
    print_failed,
    print_failures,
    print_object_list,
    print_unlisted,
    read_manifest_input,
    result,
)
from kanister_kafka.cli.options import POD_WORDS, SCHEDULE_WORDS, refuse
from kanister_kafka.cli.param_types import SectionedCommand, flag_option
from kanister_kafka.errors import KanisterKafkaError, RejectedError
from kanister_kafka.operations import apply as applying
from kanister_kafka.operations.apply import (
    ApplyOutcome,
    DeletionPlan,
    DryRun,
    DryRunResult,
    ObjectRef,
    ObjectResult,
    OptionChange,
)
from kanister_kafka.operations.provenance import context_flag
from kanister_kafka.operations.unrendered_fields import (
    NOT_REMOVED,
    format_fields,
    source_advice,
)

COLORS = {"+": "green", "-": "red", "@": "cyan"}
WHOLE = {"ServiceAccount", "Blueprint"}
"""Kinds of every rendering: an input without them is a part, and the rest is not a leftover."""


@click.command(
    cls=SectionedCommand,
    epilog="Example: kanister-kafka apply --from-cluster my-cluster -n kafka --diff",
)
@manifest_input_options
@flag_option(
    "--diff",
    "Show what would change, and change nothing; exit code 0: nothing, 1: something, 2: "
    "it is unknown.",
)
@flag_option(
    "--prune",
    "Delete what a former version has created for the same Blueprint and that is not in "
    "the input; exit code 2 if the namespaces of the input cannot be searched for it.",
)
@flag_option("--force-conflicts", "Take over fields that other field managers have.")
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
    """Apply the Blueprint and the objects that it needs to the cluster.

    PATH holds Strimzi's custom resources, or what `render` made of them. Everything goes by
    server-side apply, and all of it is tried on the server before the first change.
    """
    dry = DryRun(dry_run)
    if diff and dry is not DryRun.NONE:
        raise click.UsageError("--diff changes nothing anyway; leave --dry-run out")
    if diff:
        with _two_for_errors():
            ctx.exit(_diff(read_manifest_input(**choices), prune=prune, force=force_conflicts))
    ctx.exit(_apply(read_manifest_input(**choices), dry, prune=prune, force=force_conflicts))


def _apply(input_: ManifestInput, dry: DryRun, *, prune: bool, force: bool) -> int:
    _print_option_changes(input_, prune=prune)
    extra = _prunable(input_) if prune else DeletionPlan()
    on_result, connection = result(dry), input_.connection
    report = applying.apply_objects(
        input_.objects, connection, dry_run=dry, force=force, on_result=on_result
    )
    _print_unrendered(report.results, connection.context)
    print_failures(report, "applied")
    if report.failures:
        print_object_list("not pruned", extra.targets)
        return report.exit_code
    pruned = applying.delete_objects(
        extra.objects,
        connection,
        outcome=ApplyOutcome.PRUNED,
        dry_run=dry,
        needed_by=input_.objects + extra.objects,
        on_result=on_result,
    )
    if pruned.blockers:
        _print_kept(pruned.blockers, extra.targets)
    print_failures(pruned, "pruned")
    return max(pruned.exit_code, partial_code(extra, "pruned"))


def _prunable(input_: ManifestInput) -> DeletionPlan:
    """Find the objects to prune, and print them before anything is done."""
    if missing := WHOLE - {item["kind"] for item in input_.objects}:
        raise click.UsageError(
            f"--prune needs all that was rendered, and no {' and no '.join(sorted(missing))} is "
            "in the input"
        )
    plan = applying.plan_prune(input_.objects, input_.connection)
    print_unlisted(plan)
    for kept in plan.passed:
        print_object_list(f"not pruned, as {kept.why}", [kept.target])
    if plan.blockers:
        _print_kept(plan.blockers, plan.targets)
        return replace(plan, objects=())
    print_object_list("to be pruned", plan.targets)
    return plan


def _print_kept(reasons: tuple[str, ...], targets: tuple[ObjectRef, ...]) -> None:
    print_object_list(f"not pruned, as {'; '.join(reasons)}", targets)


def _print_option_changes(input_: ManifestInput, *, prune: bool) -> None:
    """Print what the Blueprints on the cluster lose, before anything is done.

    It stays a warning: if Git has the options, to leave one out is a choice.
    """
    for change in applying.find_option_changes(input_.objects, input_.connection):
        print_warning(
            f"{change.target.placed} was applied with options that this one lacks, or with other "
            "values. To keep them, give them again:"
        )
        click.echo(f"  applied: {change.applied}", err=True)
        click.echo(f"  now:     {change.desired or '(none)'}", err=True)
        for line in _losses(change, prune=prune):
            print_warning(line)


def _print_unrendered(results: Iterable[ObjectResult | DryRunResult], context: str) -> None:
    """Print the fields of other managers that stay, and how they are removed."""
    for applied in results:
        target, fields = applied.target, applied.unrendered
        if not fields:
            continue
        print_warning(
            f"{target.placed} keeps fields that are not in the input: {format_fields(fields)}"
        )
        command = f"kubectl {target.deletion}{context_flag(context)}"
        for line in NOT_REMOVED + source_advice(fields):
            click.echo(f"  {line}", err=True)
        click.echo(f"  to remove them, run this and apply again: {command}", err=True)


def _losses(change: OptionChange, *, prune: bool) -> Iterator[str]:
    actions = change.lost_actions
    if actions:
        word = "action" if len(actions) == 1 else "actions"
        yield f"the Blueprint loses the {word} {', '.join(actions)}"
    if "backup" in actions:
        yield "without --engine kanister, Kanister makes and restores no backup of this Kafka"
    for runner in change.left_runners:
        if prune:
            yield f"{runner.placed} is not rendered any more, and --prune deletes it"
        elif actions:
            yield f"{runner.placed} is not rendered any more: it stays, and its runs can fail"
        else:
            yield f"{runner.placed} is not rendered any more: it stays until --prune deletes it"
    for kinds in change.unreadable:
        yield f"not known whether something runs the Blueprint, as listing is forbidden: {kinds}"


def _diff(input_: ManifestInput, *, prune: bool, force: bool) -> int:
    _print_option_changes(input_, prune=prune)
    extra = _prunable(input_) if prune else DeletionPlan()
    trials = applying.run_dry_run(input_.objects, input_.connection, force=force)
    if failed := applying.failures(trials):
        print_failed(failed)
        return 2
    _print_unrendered(trials, input_.connection.context)
    text = applying.object_diff(trials, extra.objects)
    for line in text.splitlines(keepends=True):
        echo(click.style(line, fg=COLORS.get(line[0])) if line[0] in COLORS else line)
    if text:
        return 1
    return 2 if extra.unreadable else 0


@contextmanager
def _two_for_errors() -> Iterator[None]:
    """Keep the exit code 1 for a difference, as diff and kubectl do."""
    try:
        yield
    except KanisterKafkaError as cause:
        failure = CliError(cause)
        vars(failure)["exit_code"] = 2
        raise failure from cause


WITHOUT_EFFECT = (
    "snapshot_class", "group_snapshot_class", "restart_after", "quiesce_by", "unclean_stop",
    "require_quiet",
    "restore_point", "restored_retention", "frequency", "profile", "image", "run_as_user",
    *POD_WORDS, *SCHEDULE_WORDS,
    "labels", "annotations", "timeouts", "hook_timeout",
)  # fmt: skip
"""Options of `apply` that change what is in an object, and neither its name nor its namespace."""


@click.command(
    cls=SectionedCommand, epilog="Example: kanister-kafka delete --from-cluster my-cluster -n kafka"
)
@manifest_input_options
@flag_option(
    "--force", "Delete although the Kafka is stopped: nothing on the cluster restarts it then."
)
@click.pass_context
def delete(ctx: click.Context, /, *, dry_run: str, force: bool, **choices: Any) -> None:
    """Delete the objects that `apply` has created.

    PATH has Strimzi's custom resources, or the files that `render` has written. Only objects with
    the label of kanister-kafka are deleted: for rendered files exactly the objects in them,
    otherwise all that serve the Blueprint.
    """
    refuse("rendering: delete finds objects by their names and labels", *WITHOUT_EFFECT)
    dry = DryRun(dry_run)
    on_result = result(dry)
    input_ = read_manifest_input(**choices)
    plan = applying.plan_deletion(
        input_.objects, input_.connection, sweep=not input_.is_rendered, force=force
    )
    print_unlisted(plan)
    print_object_list("to be deleted", plan.targets)
    for done in plan.passed:
        on_result(done)
    report = applying.delete_objects(
        plan.objects,
        input_.connection,
        outcome=ApplyOutcome.DELETED,
        dry_run=dry,
        needed_by=() if force else input_.objects,
        on_result=on_result,
    )
    if report.blockers:
        raise RejectedError(f"nothing is deleted: {'; '.join(report.blockers)}")
    print_failures(report, "deleted")
    ctx.exit(max(report.exit_code, partial_code(plan, "deleted")))


for _option in delete.params:
    if isinstance(_option, click.Option) and _option.name in WITHOUT_EFFECT:
        _option.hidden = True
