"""The command `consistency-test`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kanister_kafka.cli.app import confirm, write_text
from kanister_kafka.cli.commands.topics.compare import max_skew_option
from kanister_kafka.cli.options import (
    claims_class_option,
    kasten_namespace_option,
    report_file_options,
    report_form_option,
    stage_timeout_option,
)
from kanister_kafka.cli.output import (
    check_writable,
    print_elapsed,
    renamed_option,
    write_result,
)
from kanister_kafka.cli.param_types import flag_option, text_option
from kanister_kafka.cli.topic_connection import IMAGE

if TYPE_CHECKING:
    from kanister_kafka.operations.consistency_test.environment import (
        ConsistencyReport,
        Scenario,
        ScenarioEnvironment,
    )
    from kanister_kafka.strimzi.discovery import KafkaRef

ALL = "all"
SCENARIOS = ("setup", "hot", "cold", "online")


def _target(text: str) -> KafkaRef:
    """Read NAMESPACE/NAME."""
    from kanister_kafka.strimzi.discovery import KafkaRef

    namespace, slash, name = text.partition("/")
    if not slash or not namespace or not name or "/" in name:
        raise click.BadParameter(f"{text!r} is not NAMESPACE/NAME")
    return KafkaRef(namespace, name)


@click.command(
    epilog="Example: kanister-kafka consistency-test --scenario all --yes --html report.html"
)
@renamed_option(
    "--plan",
    "--scenario",
    "scenarios",
    type=click.Choice([*SCENARIOS, ALL]),
    multiple=True,
    default=(ALL,),
    show_default=True,
    help="setup: mirror and source are in step; hot, cold, online: backup of a running Kafka, of "
    "a stopped one, of one whose clients are stopped; all: without cold or online, as the "
    "Blueprint of the mirror has it; repeatable.",
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
@text_option("--context", "Kubeconfig context.")
@kasten_namespace_option
@claims_class_option
@click.option(
    "--image",
    required=True,
    envvar=IMAGE,
    show_envvar=True,
    help="Image with this command, for the Jobs that look into the topics.",
)
@max_skew_option
@stage_timeout_option
@report_form_option
@report_file_options("Write the report with its pictures as one page as well.")
@flag_option("--yes", "Do not ask; needed without a terminal.")
def consistency_test(
    *,
    scenarios: tuple[str, ...],
    source: KafkaRef,
    mirror: KafkaRef,
    topics: tuple[str, ...],
    context: str,
    kasten_namespace: str,
    snapshot_class: str,
    image: str,
    max_skew: int,
    timeout: int,
    form: str,
    html: Path | None,
    output: Path | None,
    yes: bool,
) -> None:
    """Test on a test cluster which backups are consistent.

    Runs scenarios on an environment such as examples/lab. The mirror is snapshotted while clients
    write to it (hot), while its Blueprint has stopped it (cold), or while its Blueprint has stopped
    its clients (online). Its volumes are then replaced by the snapshots, and its topics are
    compared with the source, record by record. For test clusters only: both namespaces need the
    label kanister-kafka.io/lab=true.

    Exits with 1 if a step fails, and with 130 after Ctrl-C if nothing is left.
    """
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.consistency_test.environment import (
        JobTopicMetrics,
        ScenarioRequest,
        find_environment,
    )
    from kanister_kafka.operations.consistency_test.scenarios import (
        choose_scenarios,
        run_consistency_test,
    )

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
        even_within=max_skew,
    )
    environment = find_environment(connection, request)
    selected = choose_scenarios(environment, () if ALL in scenarios else scenarios)
    _announce(environment, selected)
    confirm("Continue?", "the test replaces the volumes of the mirror", yes=yes)
    metrics = JobTopicMetrics(connection, source, mirror, image)
    report = run_consistency_test(connection, environment, metrics, selected, print_elapsed)
    _write(report, form, output, html)
    if report.exit_code:
        sys.exit(report.exit_code)


def _announce(environment: ScenarioEnvironment, scenarios: tuple[Scenario, ...]) -> None:
    """Print what will be stopped and replaced."""
    lines = [f"scenarios: {', '.join(scenario.value for scenario in scenarios)}"]
    if any(scenario.value != "setup" for scenario in scenarios):
        lines.append(
            f"OUTAGE: Kafka {environment.request.mirror} will be stopped and started by its "
            "Blueprint, several times"
        )
        lines.append(f"  stops meanwhile: {environment.writer}")
        for claim in environment.mirror_context.claims:
            lines.append(f"  replaced by a snapshot of it: claim {claim.name}")
    click.echo("\n".join(lines), err=True)


def _write(report: ConsistencyReport, form: str, output: Path | None, html: Path | None) -> None:
    from kanister_kafka.reports.consistency_test import REPORT_FORMATS

    write_result(output, REPORT_FORMATS[form](report))
    if html is not None:
        from kanister_kafka.reports.html.comparison_page import consistency_test_html

        write_text(html, consistency_test_html(report))
