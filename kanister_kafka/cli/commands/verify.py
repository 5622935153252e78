"""The command `verify`."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kanister_kafka import constants
from kanister_kafka.cli.app import echo, print_warning, write_text
from kanister_kafka.cli.backup_catalogue import catalogue_options, utc_now
from kanister_kafka.cli.clone import clone_options, into_option, progress_report
from kanister_kafka.cli.location import find_clone_source, import_options, location_options
from kanister_kafka.cli.options import (
    parse_duration_option,
    report_file_options,
    report_form_option,
)
from kanister_kafka.cli.output import check_writable, write_result
from kanister_kafka.cli.param_types import SectionedCommand, flag_option, text_option
from kanister_kafka.errors import ActionError, KanisterKafkaError
from kanister_kafka.reports.text import escape_control_chars

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.backups.model import Backup
    from kanister_kafka.operations.clone.verification import Verification

REMOVAL_S = 900
"""Seconds in which what a verification has made is removed at the end."""
SETUP_S = 1200
"""Seconds for all waits before the start of the copy, and for the looks at its offsets."""
RECORDS = ("none", "sample", "all")
FAIL_ON = ("failed", "started")


@click.command(
    cls=SectionedCommand,
    epilog="Example: kanister-kafka verify 20260102030405 -n kafka --memory 1Gi",
)
@click.argument("backup")
@catalogue_options
@text_option("--blueprint", "Blueprint of the Kafka.  [default: the applied one]", metavar="NAME")
@into_option("Namespace of the copy, which is created if it does not exist.  [default: a new one]")
@clone_options
@location_options
@import_options
@click.option(
    "--records",
    type=click.Choice(RECORDS),
    default="sample",
    show_default=True,
    help="Which records are read and their checksums compared: those of the newest two segments "
    "of each partition, or all.",
)
@flag_option(
    "--with-source",
    "Compare record batches with those of the running Kafka too. Its brokers read their logs "
    "for this.",
)
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default="failed",
    show_default=True,
    help="The result that makes the exit code 1: `failed`, or also `started`, with which no fault "
    "was found, but not all could be verified.",
)
@report_form_option
@report_file_options("Write the report as one page as well.")
@click.option(
    "--timeout",
    type=parse_duration_option,
    default="20m",
    show_default=True,
    metavar="DURATION",
    help="How long the copy may take to become Ready.",
)
@flag_option("--dry-run", "Show what would be made, and make nothing.")
@click.pass_context
def verify(
    ctx: click.Context,
    /,
    *,
    backup: str,
    context: str,
    into: str,
    storage_class: str,
    cpu: str,
    memory: str,
    heap: str,
    records: str,
    with_source: bool,
    fail_on: str,
    form: str,
    html: Path | None,
    output: Path | None,
    timeout: int,
    dry_run: bool,
    import_timeout: int,
    **origin_options: Any,
) -> None:
    """Verify that a backup can be restored, without an outage.

    BACKUP is the name of a backup of the action `backup`, as `backups list` prints it, or
    `latest`. Restores it into a namespace of its own, next to the Kafka that it came from, and
    waits until every node is Ready. Compares cluster id, partitions and offsets with those of the
    backup. Reads records and compares their checksums. With --with-source, compares them with
    those of the running Kafka. Then removes all objects of the copy, also
    after a failure or Ctrl-C, and writes the result to the backup.

    The result is `passed`, `failed` if there is a fault, or `started` if there is none, but not
    every partition could be compared. Exits with 1 if the backup is not good, or if something of
    the copy is left. If the copy could not be made for another reason, the backup keeps its last
    result.

    With --location, the volumes come from an object store, and nothing of the backup must be in the
    cluster. The store is not written. If the cluster has the backup, the result is written to that
    as the one of its copy, else it is only printed.
    """
    from kanister_kafka.kube.exec import check_exec
    from kanister_kafka.operations.clone.broker_reads import RECORDS_S, BrokerReader
    from kanister_kafka.operations.clone.plan import CloneRequest
    from kanister_kafka.operations.clone.rehome import NodeResources
    from kanister_kafka.operations.clone.verification import (
        RecordsRead,
        record_copy_result,
        record_result,
    )
    from kanister_kafka.operations.clone.verify import Verifier, run_verification
    from kanister_kafka.reports.clone import VERIFICATION_FORMATS, verification_html
    from kanister_kafka.timestamps import format_second

    for path in (html, output):
        check_writable(path)
    check_exec()
    origin = find_clone_source(
        backup, context=context, import_timeout=import_timeout, **origin_options
    )
    connection, selected = origin.connection, origin.backup
    brokers = len(selected.claims)  # at least as many claims as brokers
    longest = timeout + SETUP_S + REMOVAL_S
    passes = int(records != RECORDS[0]) + 2 * with_source
    longest += passes * brokers * RECORDS_S
    if origin.is_from_store:
        longest += import_timeout
    source = BrokerReader(connection, selected.kafka, context) if with_source else None
    if source is not None and not source.brokers():
        raise ActionError(f"--with-source: no broker of Kafka {selected.kafka} is Ready")
    request = CloneRequest(
        namespace=into or default_namespace(selected),
        identity=uuid.uuid4().hex[:10],
        storage_class=storage_class,
        resources=NodeResources(cpu=cpu, memory=memory, heap=heap),
        expires=format_second(utc_now() + timedelta(seconds=longest)),
    )
    if not dry_run:
        _remove_leftovers(connection, selected, request.namespace)
    plan, runner = origin.prepare(request, temporary=True)
    if dry_run:
        return

    code = 0

    def show(result: Verification) -> None:
        nonlocal code
        results = FAIL_ON[: FAIL_ON.index(fail_on) + 1]
        code = 1 if result.outcome.value in results else 0
        # First: a report that cannot be written must not leave an earlier result on the backup.
        try:
            if not origin.is_from_store:
                record_result(connection, result)
            elif why_not := record_copy_result(connection, result):
                echo(f"the result is only printed: {escape_control_chars(why_not)}\n", err=True)
        except KanisterKafkaError as failure:
            words = escape_control_chars(str(failure))
            print_warning(f"the result is not written to the backup: {words}")
        write_result(output, VERIFICATION_FORMATS[form](result))
        if html is not None:
            write_text(html, verification_html(result))

    leftovers = run_verification(
        runner,
        Verifier(connection, plan, context, source=source),
        RecordsRead(records),
        timeout=timeout,
        context=context,
        now=utc_now,
        on_result=show,
        on_pending=print_warning,
    )
    ctx.exit(1 if leftovers else code)


def default_namespace(backup: Backup) -> str:
    """Return a name of at most 63 characters: the name of the Kafka is cut if it is long.

    Each is new, because the operator may still be busy with an earlier Kafka of the same name.
    """
    tail = f"-verify-{backup.name}-{uuid.uuid4().hex[:5]}"
    return backup.kafka.name[: 63 - len(tail)].rstrip("-.").replace(".", "-") + tail


def _remove_leftovers(connection: KubeClient, backup: Backup, namespace: str) -> None:
    """Remove what killed verifications of this Kafka have left; refuse if one may still run."""
    from kanister_kafka.operations.clone.remover import (
        CloneRemover,
        end_command,
        find_leftovers,
    )

    for leftover in find_leftovers(connection, backup.kafka, namespace):
        where = f"the copy of backup {leftover.backup} in namespace {leftover.target.namespace}"
        if not leftover.is_over(utc_now()):
            command = end_command(
                leftover.target,
                leftover.identity,
                utc_now(),
                has_namespace=leftover.has_namespace,
                context=connection.context,
            )
            raise ActionError(
                f"{where} is of a verification that may still run: wait until that has ended. If "
                "its command was killed, wait until the time in its annotation "
                f"{constants.CLONE_EXPIRES}, or run this, and then verify again:\n  {command}"
            )
        echo(f"{where} was left behind: removing it\n", err=True)
        report, clock = progress_report()
        target, identity = leftover.target, leftover.identity
        remover = CloneRemover(connection, target, identity, report, clock, has_jobs=True)
        if left := remover.remove():
            raise ActionError(f"{where} cannot be removed: {', '.join(left)}")
