"""The command `verify`."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kanister_kafka import constants
from kanister_kafka.cli.app import current_clock, echo, print_error, print_warning
from kanister_kafka.cli.backup_catalogue import catalogue_options, open_backup, utc_now
from kanister_kafka.cli.clone import clone_options, prepare_clone
from kanister_kafka.cli.options import parse_duration_option, report_form_option
from kanister_kafka.cli.output import check_writable, print_elapsed, write_text
from kanister_kafka.errors import ActionError, KanisterKafkaError
from kanister_kafka.reports.text import escape_control_chars

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.backups.model import Backup
    from kanister_kafka.operations.clone.plan import ClonePlan
    from kanister_kafka.operations.clone.runner import CloneRunner
    from kanister_kafka.operations.clone.verify import Verification

REMOVAL_S = 900
"""Seconds in which what a verification has made is removed at the end."""
SETUP_S = 1200
"""Seconds for all waits before the start of the copy, and for the looks at its offsets."""
RECORDS = ("none", "sample", "all")


@click.command(epilog="Example: kanister-kafka verify 20260102030405 -n kafka --memory 1Gi")
@click.argument("backup")
@catalogue_options
@click.option(
    "--into",
    default="",
    metavar="NAMESPACE",
    help="Namespace of the copy, which is created if it does not exist.  [default: a new one]",
)
@clone_options
@click.option(
    "--records",
    type=click.Choice(RECORDS),
    default="sample",
    show_default=True,
    help="Which records are read and their checksums compared: those of the newest two segments "
    "of each partition, or all.",
)
@report_form_option
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the report as one page as well.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File for the report, instead of standard output.",
)
@click.option(
    "--timeout",
    type=parse_duration_option,
    default="20m",
    show_default=True,
    metavar="DURATION",
    help="How long the copy may take to become Ready.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be made, and make nothing.")
@click.pass_context
def verify(
    ctx: click.Context,
    /,
    *,
    backup: str,
    namespace: str,
    kafka: str,
    kasten_namespace: str,
    context: str,
    into: str,
    storage_class: str,
    cpu: str,
    memory: str,
    heap: str,
    records: str,
    form: str,
    html: Path | None,
    output: Path | None,
    timeout: int,
    dry_run: bool,
) -> None:
    """Verify that a backup can be restored, without an outage.

    BACKUP is the name of a backup of the action `backup`, as `backups list` prints it, or
    `latest`. Restores it into a namespace of its own beside the Kafka that it came from, waits
    until every node is Ready, and compares cluster id, partitions and their offsets with what the
    backup recorded.
    Reads records and compares their checksums. Then removes everything that it has made, also
    after a failure or Ctrl-C, and writes the result to the backup. Exits with 1 if the backup is
    not good, or if something of the copy is left. If the copy could not be made for another reason,
    the backup keeps its last result.
    """
    from kanister_kafka.operations.clone.plan import CloneRequest
    from kanister_kafka.operations.clone.rehome import NodeResources
    from kanister_kafka.operations.clone.verify import RECORDS_S
    from kanister_kafka.reports.clone import VERIFICATION_FORMATS, verification_html
    from kanister_kafka.timestamps import format_second

    for path in (html, output):
        check_writable(path)
    connection, found = open_backup(context, namespace, kafka, kasten_namespace, backup)
    brokers = len(found.claims)  # at least as many claims as brokers
    longest = timeout + SETUP_S + REMOVAL_S
    if records != RECORDS[0]:
        longest += brokers * RECORDS_S
    request = CloneRequest(
        namespace=into or default_namespace(found),
        identity=uuid.uuid4().hex[:10],
        storage_class=storage_class,
        resources=NodeResources(cpu=cpu, memory=memory, heap=heap),
        expires=format_second(utc_now() + timedelta(seconds=longest)),
    )
    if not dry_run:
        _remove_leftovers(connection, found, request.namespace)
    plan, runner = prepare_clone(connection, found, request, temporary=True)
    if dry_run:
        return

    def show(result: Verification) -> None:
        write_text(output, VERIFICATION_FORMATS[form](result))
        if html is not None:
            write_text(html, verification_html(result))

    code = _verify(connection, plan, runner, context, show, records=records, timeout=timeout)
    ctx.exit(code)


def default_namespace(backup: Backup) -> str:
    """Return a name of at most 63 characters: the name of the Kafka is cut if it is long.

    Each is new, because the operator may still be busy with an earlier Kafka of the same name.
    """
    tail = f"-verify-{backup.name}-{uuid.uuid4().hex[:5]}"
    return backup.kafka.name[: 63 - len(tail)].rstrip("-.").replace(".", "-") + tail


def _verify(
    connection: KubeClient,
    plan: ClonePlan,
    runner: CloneRunner,
    context: str,
    show: Callable[[Verification], None],
    *,
    records: str,
    timeout: int,
) -> int:
    """Make the copy, look at it and remove it, whatever happens in between; return the exit code.

    The result is shown and written before the removal, which can fail.
    """
    from kanister_kafka.operations.clone.runner import ClonedNamespace, NotRestorableError
    from kanister_kafka.operations.clone.verify import (
        RecordsRead,
        Verification,
        Verifier,
        record_result,
    )
    from kanister_kafka.operations.rehearsal.signals import SignalGuard

    def pending(text: str) -> None:
        print_warning(text)

    code = 0
    with SignalGuard(pending, "the copy is removed first") as guard:
        try:
            try:
                runner.create()
                runner.start(timeout)
                runner.report("comparing partitions, offsets and records with the backup")
                verifier = Verifier(connection, plan, context)
                result = verifier.verify(RecordsRead(records), utc_now())
            except NotRestorableError as failure:
                result = Verification(
                    backup=plan.backup,
                    target=plan.target,
                    time=utc_now(),
                    faults=(str(failure),),
                    started=False,
                )
            code = 1 if result.faults else 0
            show(result)
            try:
                record_result(connection, result)
            except KanisterKafkaError as failure:
                words = escape_control_chars(str(failure))
                print_warning(f"the result is not written to the backup: {words}")
        finally:
            guard.shield()
            copy = ClonedNamespace(
                connection, plan.target, plan.identity, runner.report, current_clock()
            )
            for text in copy.remove():
                print_error(f"not removed: {escape_control_chars(text)}")
                code = 1
    return code


def _remove_leftovers(connection: KubeClient, backup: Backup, namespace: str) -> None:
    """Remove what killed verifications of this Kafka have left; refuse if one may still run."""
    from kanister_kafka.operations.clone.leftovers import find_leftovers
    from kanister_kafka.operations.clone.runner import ClonedNamespace

    clock = current_clock()
    start = clock.now()

    def report(text: str) -> None:
        print_elapsed(clock.now() - start, text)

    for leftover in find_leftovers(connection, backup.kafka, namespace):
        where = f"the copy of backup {leftover.backup} in namespace {leftover.target.namespace}"
        if not leftover.is_over(utc_now()):
            raise ActionError(
                f"{where} is of a verification that may still run: wait until that has ended. If "
                "its command was killed, wait until the time in its annotation "
                f"{constants.CLONE_EXPIRES}, or set that to now"
            )
        echo(f"{where} was left behind: removing it\n", err=True)
        copy = ClonedNamespace(connection, leftover.target, leftover.identity, report, clock)
        for text in copy.remove():
            raise ActionError(f"{where} cannot be removed: {text}")
