"""The command `delete`."""

from __future__ import annotations

from typing import Any

import click

from kanister_kafka.cli.manifest_input import (
    manifest_input_options,
    partial_code,
    print_failures,
    print_object_list,
    print_unlisted,
    read_manifest_input,
    result,
)
from kanister_kafka.cli.options import POD_WORDS, SCHEDULE_WORDS, refuse
from kanister_kafka.cli.param_types import SectionedCommand, flag_option
from kanister_kafka.errors import RejectedError
from kanister_kafka.operations import apply
from kanister_kafka.operations.apply import ApplyOutcome, DryRun

IDLE = (
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
    "--force", "Delete although the Kafka is stopped: nothing on the cluster brings it back then."
)
@click.pass_context
def delete(ctx: click.Context, /, *, dry_run: str, force: bool, **choices: Any) -> None:
    """Delete from the cluster what `apply` has put there.

    PATH holds Strimzi's custom resources, or what `render` made of them. Only what carries our
    label is deleted; of rendered files exactly what is in them, else all that serves the Blueprint.
    """
    refuse("rendering: delete finds objects by their names and labels", *IDLE)
    dry = DryRun(dry_run)
    tell = result(dry)
    input_ = read_manifest_input(**choices)
    plan = apply.plan_deletion(
        input_.objects, input_.connection, sweep=not input_.is_rendered, force=force
    )
    print_unlisted(plan)
    print_object_list("to be deleted", plan.targets)
    for done in plan.passed:
        tell(done)
    report = apply.delete_objects(
        plan.objects,
        input_.connection,
        outcome=ApplyOutcome.DELETED,
        dry_run=dry,
        needed_by=() if force else input_.objects,
        on_result=tell,
    )
    if report.blockers:
        raise RejectedError(f"nothing is deleted: {'; '.join(report.blockers)}")
    print_failures(report, "deleted")
    ctx.exit(max(report.exit_code, partial_code(plan, "deleted")))


for _option in delete.params:
    if isinstance(_option, click.Option) and _option.name in IDLE:
        _option.hidden = True
