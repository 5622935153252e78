"""The commands `backups list` and `backups describe`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import click

from kanister_kafka.cli.app import echo, print_warning, terminal_width
from kanister_kafka.cli.backup_catalogue import catalogue_options, open_catalogue, utc_now
from kanister_kafka.cli.location import (
    Store,
    is_from_store,
    location_options,
    open_store,
    print_passed_over,
)
from kanister_kafka.cli.output import report_format_option, report_text
from kanister_kafka.cli.param_types import flag_option
from kanister_kafka.errors import ActionError, NotFoundError
from kanister_kafka.reports.text import escape_control_chars


@click.command(epilog="Example: kanister-kafka backups list -n kafka -o wide")
@catalogue_options
@location_options
@flag_option("-A --all-namespaces everywhere", "Of all namespaces.")
@flag_option("--restore-points", "List the restore points of Kasten instead.")
@report_format_option("text", "wide", "json", "yaml", "name")
def list(  # noqa: A001 - click's name of the command
    *,
    namespace: str,
    kafka: str,
    kasten_namespace: str,
    context: str,
    everywhere: bool,
    restore_points: bool,
    form: str,
    **store: Any,
) -> None:
    """List the backups of a namespace, newest first.

    STATUS is `complete` if a restore accepts the backup. A `damaged` backup was complete and lacks
    a Secret or a snapshot now. STOP is `clean` if every broker ended by itself; it is unknown if
    the ActionSet of the backup is no longer there.

    With --restore-points: PRE-HOOK is the Blueprint and the action that the Policy calls before its
    snapshots. Without one, brokers ran while Kasten took their snapshots.

    With --location, those of all namespaces that were exported there. No cluster is needed, except
    for --location-secret.
    """
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.reports.backups import backups_json, backups_text

    if is_from_store(**store):
        if restore_points:
            raise click.UsageError("--restore-points are of the cluster: omit --location")
        opened = open_store(partial(KubeClient, context), namespace=namespace, kafka=kafka, **store)
        _list_copies(opened, form)
        return
    if restore_points:
        if kafka:
            raise click.UsageError("--restore-points are of namespaces: omit --kafka")
        _list_restore_points(context, namespace, everywhere=everywhere, form=form)
        return

    _, catalogue = open_catalogue(
        context, namespace, kafka, kasten_namespace, everywhere=everywhere
    )
    names = [one.name for one in catalogue.backups]
    text = partial(backups_text, catalogue.backups, utc_now())
    _print(form, names, text, partial(backups_json, catalogue.backups, utc_now()))


def _print(
    form: str, names: Iterable[str], text: Callable[..., str], tree: Callable[[], str]
) -> None:
    """Print names, a table, or JSON or YAML; `text` takes `wide` and `width`."""
    if form == "name":
        echo("".join(f"{name}\n" for name in names))
    elif form == "wide":
        echo(text(wide=True))
    else:
        echo(report_text(form, partial(text, width=terminal_width()), tree))


def _list_copies(opened: Store, form: str) -> None:
    from kanister_kafka.reports.backups import exports_json, exports_text

    copies = opened.catalogue.read_all()
    for one in copies:
        if one.faults:
            print_warning(escape_control_chars(f"{one.backup}: {'; '.join(one.faults)}"))
    names = [one.backup.name for one in copies]
    text = partial(exports_text, copies, utc_now())
    _print(form, names, text, partial(exports_json, copies, utc_now()))


def _list_restore_points(context: str, namespace: str, *, everywhere: bool, form: str) -> None:
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.backups.reader import read_restore_points
    from kanister_kafka.reports.backups import restore_points_json, restore_points_text

    connection = KubeClient(context)
    searched_namespace = "" if everywhere else namespace or connection.namespace
    try:
        restore_points = read_restore_points(connection, searched_namespace)
    except NotFoundError as failure:
        raise ActionError(f"Kasten's API is not served: {failure}") from failure
    for line in restore_points.unreadable:
        print_warning(f"cannot read {escape_control_chars(line)}")
    names = [point.name for point in restore_points.points]
    text = partial(restore_points_text, restore_points.points, utc_now())
    _print(form, names, text, partial(restore_points_json, restore_points.points))


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
    selected, now = find_backup(catalogue, backup), utc_now()
    text = partial(backup_text, selected, now, terminal_width())
    echo(report_text(form, text, partial(backup_json, selected, now)))
    if not selected.restorable:
        sys.exit(1)
