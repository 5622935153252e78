"""The command `rehearse`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kanister_kafka.cli.app import confirm, echo, write_text
from kanister_kafka.cli.options import (
    claims_class_option,
    kasten_namespace_option,
    live_options,
    report_file_options,
    report_form_option,
    stage_timeout_option,
)
from kanister_kafka.cli.output import check_writable, print_elapsed, write_result
from kanister_kafka.cli.param_types import flag_option, text_option

if TYPE_CHECKING:
    from kanister_kafka.operations.rehearsal.context import RehearsalContext


@click.command(
    epilog="Example: kanister-kafka rehearse my-cluster -n kafka --yes --html rehearsal.html"
)
@live_options
@kasten_namespace_option
@text_option("--blueprint", "Name of the Blueprint.  [default: NAMESPACE.CLUSTER]")
@claims_class_option
@click.option(
    "--probe/--no-probe",
    default=True,
    help="Whether a client writes all the time and measures the outage.  [default: probe]",
)
@text_option(
    "--probe-config",
    "Secret in the Kafka's namespace with client.properties for the probe.",
    metavar="SECRET",
)
@report_form_option
@report_file_options("Write the report with its timeline as one page as well.")
@stage_timeout_option
@flag_option("--yes", "Do not ask; needed without a terminal.")
@flag_option("--dry-run", "Show what would be done, and do nothing.")
def rehearse(
    *,
    name: str,
    namespace: str,
    context: str,
    kasten_namespace: str,
    blueprint: str,
    snapshot_class: str,
    probe: bool,
    probe_config: str,
    form: str,
    html: Path | None,
    output: Path | None,
    timeout: int,
    yes: bool,
    dry_run: bool,
) -> None:
    """Run a whole backup cycle, measure it, and remove what it has made.

    Kafka is stopped, every claim is snapshotted as Kasten would do it, and Kafka is brought back:
    an outage of some minutes. A client that writes all the time measures how long it was, and
    whether every record that was acknowledged is still there. If a step fails, Kafka is still
    brought back and all that was made is removed. Exit code 1 if that did not succeed or a
    record was lost, 130 after Ctrl-C if all is as before.

    With a Blueprint of --strategy online, Kafka keeps running and only its clients are stopped.
    """
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.rehearsal.context import RehearsalRequest, build_context
    from kanister_kafka.operations.rehearsal.runner import run_rehearsal
    from kanister_kafka.reports.rehearsal import REHEARSAL_FORMATS

    for path in (html, output):
        check_writable(path)
    if probe_config and not probe:
        raise click.UsageError("--probe-config is for a probe, and --no-probe wants none")
    connection = KubeClient(context)
    request = RehearsalRequest(
        name=name,
        namespace=namespace,
        context=context,
        kasten_namespace=kasten_namespace,
        blueprint=blueprint,
        snapshot_class=snapshot_class,
        probe=probe,
        probe_config=probe_config,
        timeout=timeout,
    )
    rehearsal_context = build_context(connection, request)
    _announce(rehearsal_context)
    if dry_run:
        return
    stopped = "its clients" if rehearsal_context.blueprint.origin.is_online else "Kafka"
    confirm(f"Stop {stopped} now?", f"a rehearsal stops {stopped}", yes=yes)
    result = run_rehearsal(connection, rehearsal_context, print_elapsed)
    write_result(output, REHEARSAL_FORMATS[form](result))
    if html is not None:
        from kanister_kafka.reports.html.rehearsal_page import rehearsal_html

        write_text(html, rehearsal_html(result))
    if result.exit_code:
        sys.exit(result.exit_code)


def _announce(context: RehearsalContext) -> None:
    """Print what will be stopped and made."""
    listener = context.listener
    lines = [describe_outage(context)]
    lines += [f"  stops for a while: {writer}" for writer in context.writers]
    lines += [f"  snapshot: {one.name} (class {one.snapshot_class})" for one in context.claims]
    if listener:
        name = listener.name or "that --probe-config names"
        lines.append(f"  probe: pod and topic {context.name}, through its listener {name}")
    else:
        why = context.why_no_probe
        lines.append(f"  no probe: {why}; the outage is measured by the pods alone")
    lines.append("All that is made is removed at the end, also after a failure or Ctrl-C.")
    echo("".join(f"{line}\n" for line in lines), err=True)


def describe_outage(context: RehearsalContext) -> str:
    """Return what the rehearsal stops: an online backup stops clients only."""
    blueprint, clients = context.blueprint, len(context.writers)
    name = f"Blueprint {blueprint.namespace}/{blueprint.name}"
    if blueprint.origin.is_online:
        return f"Kafka {context.target} keeps running: {name} stops and starts {clients} writers"
    nodes = len(context.before.nodes)
    outage = f"OUTAGE: Kafka {context.target} will be stopped and started by {name}"
    return f"{outage}: {nodes} nodes, {clients} writers"
