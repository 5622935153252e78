"""Options and reading that the commands of `backups` share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from kanister_kafka.backup.options import DEFAULT_KASTEN_NAMESPACE
from kanister_kafka.cli.options import option_group
from kanister_kafka.reports.text import escape_control_chars

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.backups.model import Backup, Catalogue

catalogue_options: Callable[[Callable[..., Any]], Callable[..., Any]] = option_group(
    click.option(
        "-n", "--namespace", default="", help="Namespace of the Kafka.  [default: the context's]"
    ),
    click.option("--kafka", default="", metavar="KAFKA", help="Only backups of this Kafka."),
    click.option(
        "--kasten-namespace",
        default=DEFAULT_KASTEN_NAMESPACE,
        show_default=True,
        help="Namespace of the ActionSets.",
    ),
    click.option("--context", default="", help="Kubeconfig context."),
)


def open_catalogue(
    context: str, namespace: str, kafka: str, kasten_namespace: str, *, everywhere: bool = False
) -> tuple[KubeClient, Catalogue]:
    """Read the backups; print on standard error what could not be read."""
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.backups.reader import read_catalogue

    connection = KubeClient(context)
    home = "" if everywhere else namespace or connection.namespace
    with connection.one_moment():
        found = read_catalogue(connection, home, kasten_namespace=kasten_namespace, kafka=kafka)
    for line in found.unreadable:
        warning = click.style("warning", fg="yellow")
        click.echo(f"{warning}: cannot read {escape_control_chars(line)}", err=True)
    return connection, found


def delete_backups(
    connection: KubeClient, backups: tuple[Backup, ...], kasten_namespace: str
) -> bool:
    """Delete backups that nothing uses; return whether every object of them is gone."""
    from kanister_kafka.operations.backups.delete import delete_object, list_objects
    from kanister_kafka.operations.backups.reader import in_use

    clean = True
    for backup in backups:
        # right before its objects go, as a restore may have begun since the question
        if reasons := in_use(connection, kasten_namespace, [backup]):
            click.echo(f"{click.style('error', fg='red')}: {reasons[0]}", err=True)
            clean = False
            continue
        objects = list_objects(connection, backup)
        failures = [text for text in (delete_object(connection, one) for one in objects) if text]
        for failure in failures:
            text = escape_control_chars(failure)
            click.echo(f"{click.style('error', fg='red')}: {text}", err=True)
        clean = clean and not failures
        if not failures:
            click.echo(f"{backup} deleted: {len(objects)} objects")
    return clean


def utc_now() -> datetime:
    """Return the time of day, which ages are counted to."""
    return datetime.now(timezone.utc)
