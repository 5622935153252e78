"""Options and steps that `restore --into` and `verify` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from kanister_kafka.cli.app import current_clock, echo
from kanister_kafka.cli.options import option_group
from kanister_kafka.cli.output import print_elapsed
from kanister_kafka.cli.param_types import text_option
from kanister_kafka.errors import ActionError
from kanister_kafka.kube.names import LABEL
from kanister_kafka.kube.pod_options import quantity

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.kube.wait import Clock
    from kanister_kafka.operations.backups.model import Backup
    from kanister_kafka.operations.clone.plan import ClonePlan, CloneRequest, Report
    from kanister_kafka.operations.clone.runner import CloneRunner

HEAP_SUFFIXES = "kKmMgG"


def _quantity(_ctx: click.Context, _param: click.Parameter, text: str) -> str:
    if text and not quantity(text):
        raise click.BadParameter(f"{text!r} is not a quantity such as 500m or 1Gi")
    return text


def _namespace(_ctx: click.Context, _param: click.Parameter, text: str) -> str:
    if text and not LABEL.allows(text):
        raise click.BadParameter(f"{text!r} must be {LABEL.says}")
    return text


def into_option(help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option for the namespace of a copy."""
    return click.option(
        "--into", default="", metavar="NAMESPACE", callback=_namespace, help=help_text
    )


def _heap(_ctx: click.Context, _param: click.Parameter, text: str) -> str:
    number = text[:-1] if text[-1:] in HEAP_SUFFIXES else text
    if text and not (number.isascii() and number.isdecimal()):
        raise click.BadParameter(f"{text!r} is not a size of a heap such as 512m or 2g")
    return text


clone_options: Callable[[Callable[..., Any]], Callable[..., Any]] = option_group(
    text_option(
        "--storage-class",
        "StorageClass of the volumes of the copy, of the same driver if they come from "
        "snapshots.  [default: that of the backup]",
        metavar="NAME",
    ),
    click.option(
        "--cpu",
        default="",
        metavar="QUANTITY",
        callback=_quantity,
        help="CPU request of each node of the copy, without a limit.",
    ),
    click.option(
        "--memory",
        default="",
        metavar="QUANTITY",
        callback=_quantity,
        help="Memory request and limit of each node of the copy.",
    ),
    click.option(
        "--heap",
        default="",
        metavar="SIZE",
        callback=_heap,
        help="Heap of the JVM of each node of the copy, such as 512m.",
    ),
)


def prepare_clone(
    connection: KubeClient, backup: Backup, request: CloneRequest, *, temporary: bool = False
) -> tuple[ClonePlan, CloneRunner]:
    """Plan a copy from the snapshots of a backup, and check it as `checked_clone` does."""
    from kanister_kafka.cli.backup_catalogue import utc_now
    from kanister_kafka.operations.clone.contents import read_contents, read_sources
    from kanister_kafka.operations.clone.plan import plan_clone
    from kanister_kafka.timestamps import format_second

    contents = read_contents(connection, backup)
    sources = read_sources(connection, backup)
    plan = plan_clone(contents, sources, request, now=format_second(utc_now()))
    return checked_clone(connection, plan, temporary=temporary)


def checked_clone(
    connection: KubeClient, plan: ClonePlan, *, temporary: bool
) -> tuple[ClonePlan, CloneRunner]:
    """Print the plan of a copy, and check it; ActionError with every fault if it cannot be made.

    The volumes of a temporary one must go with their claims.
    """
    from kanister_kafka.operations.clone.checks import CloneCheck
    from kanister_kafka.operations.clone.runner import CloneRunner
    from kanister_kafka.reports.clone import clone_plan_text

    echo(clone_plan_text(plan), err=True)
    if faults := CloneCheck(connection, plan).faults(temporary=temporary):
        lines = "".join(f"\n  {fault}" for fault in faults)
        raise ActionError(f"{plan.backup} cannot be restored into {plan.target.namespace}:{lines}")
    return plan, CloneRunner(connection, plan, *progress_report())


def progress_report() -> tuple[Report, Clock]:
    """Return what prints each line behind the seconds since now, and the clock of the command."""
    clock = current_clock()
    start = clock.now()

    def report(text: str) -> None:
        print_elapsed(clock.now() - start, text)

    return report, clock
