"""The command `prove`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kanister_kafka.backup.options import DEFAULT_KASTEN_NAMESPACE
from kanister_kafka.cli.app import confirm
from kanister_kafka.cli.commands.topics.compare import milliseconds
from kanister_kafka.cli.options import parse_duration_option
from kanister_kafka.cli.output import FILE, check_writable, print_elapsed, write_text
from kanister_kafka.cli.topic_connection import IMAGE

if TYPE_CHECKING:
    from kanister_kafka.operations.consistency_test.environment import ScenarioEnvironment
    from kanister_kafka.operations.consistency_test.model import ConsistencyReport, Scenario
    from kanister_kafka.strimzi.discovery import KafkaRef

ALL = "all"
PLANS = ("setup", "hot", "cold")


def _target(text: str) -> KafkaRef:
    """Read NAMESPACE/NAME."""
    from kanister_kafka.strimzi.discovery import KafkaRef

    namespace, slash, name = text.partition("/")
    if not slash or not namespace or not name or "/" in name:
        raise click.BadParameter(f"{text!r} is not NAMESPACE/NAME")
    return KafkaRef(namespace, name)


@click.command(epilog="Example: kanister-kafka prove --plan all --yes --html proof.html")
@click.option(
    "--plan",
    "plans",
    type=click.Choice([*PLANS, ALL]),
    multiple=True,
    default=(ALL,),
    show_default=True,
    help="setup: all is in step; hot and cold: the two ways of a backup; repeatable.",
)
@click.option(
    "--source",
    type=_target,
    default="kafka/my-cluster",
    show_default=True,
    metavar="NAMESPACE/NAME",
    help="The Kafka that is written to.",
)
@click.option(
    "--mirror",
    type=_target,
    default="kafka-mirror/my-cluster",
    show_default=True,
    metavar="NAMESPACE/NAME",
    help="The Kafka that is backed up and restored.",
)
@click.option(
    "--topic",
    "topics",
    multiple=True,
    default=("blogs", "items"),
    show_default=True,
    help="Topic of the source; repeatable.",
)
@click.option("--context", default="", help="Kubeconfig context.")
@click.option(
    "--kasten-namespace",
    default=DEFAULT_KASTEN_NAMESPACE,
    show_default=True,
    help="Namespace of Kasten or of the Kanister controller.",
)
@click.option(
    "--snapshot-class",
    default="",
    metavar="CLASS",
    help="VolumeSnapshotClass of all claims.  [default: each driver's only or default one]",
)
@click.option(
    "--image",
    required=True,
    envvar=IMAGE,
    show_envvar=True,
    help="Image with this command, for the Jobs that look into the topics.",
)
@click.option(
    "--even-within",
    type=milliseconds,
    default="1s",
    show_default=True,
    metavar="DURATION",
    help="Up to which difference in time a head counts as even.",
)
@click.option(
    "--timeout",
    type=parse_duration_option,
    metavar="DURATION",
    default="20m",
    show_default=True,
    help="How long each action, the snapshots and the return may take.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How the report is written.",
)
@click.option("--html", type=FILE, metavar="FILE", help="Write it with its pictures as one page.")
@click.option(
    "-o", "--output", type=FILE, metavar="FILE", help="File for the report, not standard output."
)
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
def prove(
    *,
    plans: tuple[str, ...],
    source: KafkaRef,
    mirror: KafkaRef,
    topics: tuple[str, ...],
    context: str,
    kasten_namespace: str,
    snapshot_class: str,
    image: str,
    even_within: int,
    timeout: int,
    form: str,
    html: Path | None,
    output: Path | None,
    yes: bool,
) -> None:
    """Show on a test cluster that cold backups are consistent and hot ones are not.

    Plays the plans on an environment such as examples/lab: the mirror is snapshotted while it is
    written to (hot), or while its Blueprint has stopped it (cold); its volumes are then replaced
    by the snapshots, and what it holds is compared with the source, record by record. For test
    clusters only: both namespaces need the label kanister-kafka.io/lab=true.

    Exit code 1 where a step did not show what it has to.
    """
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.consistency_test.environment import (
        JobTopicMetrics,
        ScenarioRequest,
        find_environment,
    )
    from kanister_kafka.operations.consistency_test.model import Scenario
    from kanister_kafka.operations.consistency_test.scenarios import run_consistency_test

    for path in (html, output):
        check_writable(path)
    connection = KubeClient(context)
    request = ScenarioRequest(
        source=source,
        mirror=mirror,
        topics=topics,
        context=context,
        kasten_namespace=kasten_namespace,
        snapshot_class=snapshot_class,
        timeout=timeout,
        even_within=even_within,
    )
    environment = find_environment(connection, request)
    chosen = tuple(plan for plan in Scenario if plan.value in plans or ALL in plans)
    _announce(environment, chosen)
    confirm("Go on?", "a proof replaces the volumes of the mirror", yes=yes)
    metrics = JobTopicMetrics(connection, source, mirror, image)
    proof = run_consistency_test(connection, environment, metrics, chosen, print_elapsed)
    _write(proof, form, output, html)
    if not proof.passed:
        sys.exit(1)


def _announce(environment: ScenarioEnvironment, plans: tuple[Scenario, ...]) -> None:
    """Print what will be stopped and replaced."""
    lines = [f"plans: {', '.join(plan.value for plan in plans)}"]
    if any(plan.value != "setup" for plan in plans):
        lines.append(
            f"OUTAGE: Kafka {environment.request.mirror} will be stopped and started by its "
            "Blueprint, several times"
        )
        lines.append(f"  stops meanwhile: {environment.writer}")
        for claim in environment.setting.claims:
            lines.append(f"  replaced by a snapshot of it: claim {claim.name}")
    click.echo("\n".join(lines), err=True)


def _write(proof: ConsistencyReport, form: str, output: Path | None, html: Path | None) -> None:
    from kanister_kafka.reports.consistency_test import PROOF_FORMATS

    write_text(output, PROOF_FORMATS[form](proof))
    if html is not None:
        from kanister_kafka.reports.html.consistency_test_page import proof_html

        write_text(html, proof_html(proof))
