"""The command `status`."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial

import click

from kanister_kafka.cli.app import echo, print_error, terminal_width
from kanister_kafka.cli.options import blueprint_namespace_option, live_options, options_from
from kanister_kafka.cli.output import kafka_name, report_format_option, report_text
from kanister_kafka.cli.param_types import flag_option
from kanister_kafka.errors import ActionError, ForbiddenError, KanisterKafkaError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.operations.inspector import ClusterInspector
from kanister_kafka.operations.object_names import NameFinder
from kanister_kafka.operations.status import ClusterStatus, KafkaCondition, assess
from kanister_kafka.reports.status import status_json, status_text, statuses_json, statuses_text
from kanister_kafka.reports.text import escape_control_chars
from kanister_kafka.strimzi.discovery import all_targets, find_target
from kanister_kafka.strimzi.from_cluster import read_cluster_resources


@click.command(epilog="Example: kanister-kafka status my-cluster -n kafka")
@live_options
@blueprint_namespace_option
@report_format_option("text", "json", "yaml", "name")
@flag_option(
    "-A --all-namespaces everywhere",
    "A line for each Kafka of all namespaces; the exit code is that of the worst.",
)
@click.pass_context
def status(
    ctx: click.Context,
    /,
    name: str,
    namespace: str,
    context: str,
    kasten_namespace: str,
    form: str,
    *,
    everywhere: bool,
) -> None:
    """Show whether a Kafka runs or is stopped, and what to do next.

    The cluster itself decides, and the state ConfigMap comes second. Exit code 0 if Kafka runs, 1
    if it does not or something is left to undo, 2 if its pods cannot be listed.
    """
    connection = KubeClient(context)
    if everywhere:
        if name or namespace:
            raise click.UsageError("-A is for all Kafkas: name neither one nor a namespace")
        ctx.exit(_everywhere(connection, kasten_namespace, form))
    target = find_target(connection, namespace, name)
    with connection.one_moment():
        cluster = ClusterInspector(connection, target, kasten_namespace).look()
        judged = _with_freshness(connection, assess(cluster))
    now = datetime.now(timezone.utc)
    if form == "name":
        echo(kafka_name(target.name))
    else:
        width = terminal_width()
        text = partial(status_text, judged, now, width)
        echo(report_text(form, text, lambda: status_json(judged, now)))
    ctx.exit(_exit_code(judged))


def _exit_code(judged: ClusterStatus) -> int:
    if judged.condition is KafkaCondition.UNKNOWN:
        return ForbiddenError.exit_code
    return 0 if judged.runs else 1


def _everywhere(connection: KubeClient, kasten_namespace: str, form: str) -> int:
    """Print the state of each Kafka of the cluster; return the exit code."""
    with connection.one_moment():
        targets = all_targets(connection)
        judged: list[ClusterStatus] = []
        unclear: list[int] = []
        finder = NameFinder(connection, kasten_namespace)
        for target in targets:
            try:
                cluster = ClusterInspector(connection, target, kasten_namespace, finder).look()
            # several objects may be its own, or may not be read: it hides no other
            except (ActionError, ForbiddenError) as failure:
                print_error(f"Kafka {target}: {escape_control_chars(str(failure))}")
                unclear.append(failure.exit_code)
            else:
                judged.append(assess(cluster))
    now = datetime.now(timezone.utc)
    if form == "name":
        echo("".join(kafka_name(target.name) for target in targets))
    else:
        text = partial(statuses_text, judged, terminal_width(), unclear=len(unclear))
        echo(report_text(form, text, lambda: statuses_json(judged, now)))
    return max([*unclear, *map(_exit_code, judged)])


def _with_freshness(connection: KubeClient, status: ClusterStatus) -> ClusterStatus:
    """Add whether the Blueprint is up to date, if the cluster is as no backup has left it."""
    cluster = status.observed
    origin = cluster.origin
    if not status.runs or not origin.input_hash:
        return status
    from kanister_kafka.operations.blueprint_drift import input_drift, version_drift  # slow

    if older := version_drift(origin):
        return replace(status, remarks=status.remarks + (older,))
    try:
        options, version = options_from(shlex.split(origin.options))
        fetched = read_cluster_resources(
            cluster.target.name, cluster.target.namespace, client=connection
        )
    except (click.UsageError, ValueError, KanisterKafkaError) as failure:
        why = failure.message if isinstance(failure, click.UsageError) else str(failure)
        return _unsure(status, why)
    if fetched.problems:
        return _unsure(status, "; ".join(problem.message for problem in fetched.problems))
    changed = input_drift(origin, cluster.target, fetched.documents, options, version)
    return replace(status, remarks=status.remarks + (changed,)) if changed else status


def _unsure(status: ClusterStatus, why: str) -> ClusterStatus:
    line = f"whether the Blueprint is up to date: {why}"
    unreadable = status.observed.unreadable + (line,)
    return replace(status, observed=replace(status.observed, unreadable=unreadable))
