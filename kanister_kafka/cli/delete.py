"""The command `delete`."""

from __future__ import annotations

from typing import Any

import click

import kanister_kafka.install as install
from kanister_kafka.cli.choices import POD_WORDS, refuse
from kanister_kafka.cli.rendered import (
    chosen,
    chosen_options,
    result,
    tell_failures,
    tell_names,
    tell_unseen,
)
from kanister_kafka.cli.sections import Sectioned
from kanister_kafka.install import DryRun, Outcome

IDLE = (
    *("snapshot_class", "restart_after", "quiesce_by", "unclean_stop", "require_quiet"),
    *("restore_point", "restored_retention", "frequency", "profile", "image", "run_as_user"),
    *POD_WORDS,
    *("labels", "annotations", "timeouts", "hook_timeout"),
)
"""Options of `apply` that change what is in an object, and neither its name nor its namespace."""


@click.command(
    cls=Sectioned, epilog="Example: kanister-kafka delete --from-cluster my-cluster -n kafka"
)
@chosen_options
@click.option(
    "--force",
    is_flag=True,
    help="Delete although the Kafka is stopped: nothing on the cluster brings it back then.",
)
@click.pass_context
def delete(ctx: click.Context, /, *, dry_run: str, force: bool, **choices: Any) -> None:
    """Take from the cluster what `apply` has put there.

    PATH holds Strimzi's custom resources, or what `render` made of them. Only what carries our
    label is deleted; of rendered files exactly what is in them, else all that serves the Blueprint.
    """
    refuse("rendering: delete finds objects by their names and labels", *IDLE)
    dry = DryRun(dry_run)
    tell = result(dry)
    input_ = chosen(**choices)
    found = install.removal(
        input_.objects, input_.connection, sweep=not input_.is_rendered, force=force
    )
    tell_unseen(found)
    tell_names("to be deleted", found.targets)
    for done in found.passed:
        tell(done)
    report = install.remove(
        found.objects, input_.connection, outcome=Outcome.DELETED, dry_run=dry, told=tell
    )
    tell_failures(report, "deleted")
    ctx.exit(report.exit_code)


for _option in delete.params:
    if isinstance(_option, click.Option) and _option.name in IDLE:
        _option.hidden = True
