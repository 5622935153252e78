"""The command `backups describe`."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import click

from kanister_kafka.cli.app import echo, terminal_width
from kanister_kafka.cli.backup_catalogue import catalogue_options, open_catalogue, utc_now
from kanister_kafka.cli.location import (
    is_from_store,
    location_options,
    open_store,
    print_passed_over,
)
from kanister_kafka.cli.output import report_format_option, report_text


@click.command(epilog="Example: kanister-kafka backups describe 20260102030405 -n kafka")
@click.argument("backup")
@catalogue_options
@location_options
@report_format_option("text", "json", "yaml")
def describe(
    *,
    backup: str,
    namespace: str,
    kafka: str,
    kasten_namespace: str,
    context: str,
    form: str,
    **store: Any,
) -> None:
    """Show a backup: whether it can be restored, and what it contains.

    Exits with 1 if a restore would refuse the backup.
    """
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.backups.reader import find_backup
    from kanister_kafka.reports.backups import backup_json, backup_text, export_json, export_text

    if is_from_store(**store):
        opened = open_store(partial(KubeClient, context), namespace=namespace, kafka=kafka, **store)
        copy = opened.catalogue.find(backup, print_passed_over)
        shown = partial(export_text, copy, utc_now(), terminal_width())
        echo(report_text(form, shown, partial(export_json, copy, utc_now())))
        sys.exit(1 if copy.faults else 0)

    _, catalogue = open_catalogue(context, namespace, kafka, kasten_namespace)
    found, now = find_backup(catalogue, backup), utc_now()
    text = partial(backup_text, found, now, terminal_width())
    echo(report_text(form, text, partial(backup_json, found, now)))
    if not found.restorable:
        sys.exit(1)
