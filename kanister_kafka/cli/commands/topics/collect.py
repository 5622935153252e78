"""The command `topics collect`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kanister_kafka.cli.output import check_writable, page_option, report_format_option
from kanister_kafka.cli.progress import ProgressReporter


@click.command(
    epilog="Example: kanister-kafka topics collect kanister-kafka-topics-1f2e3d4c -n kafka "
    "--html blogs.html"
)
@click.argument("job")
@click.option("-n", "--namespace", default="", help="Of the Job.  [default: the context's]")
@click.option("--context", default="", help="Kubeconfig context.")
@report_format_option("text", "json", "yaml")
@page_option
def collect(*, job: str, namespace: str, context: str, form: str, html: Path | None) -> None:
    """Collect the result of a Job that topics compare --print-job has printed.

    Waits for the end of the Job. Exit codes are those of topics compare. The Job is not deleted;
    Kubernetes removes it after its time to live.
    """
    from kanister_kafka.cli.commands.topics.compare import tell
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.topics.compare.workers import collect_job_results

    check_writable(html)
    connection = KubeClient(context)
    with ProgressReporter("parts", unit="parts") as bar:
        found = collect_job_results(connection, job, namespace or connection.namespace, bar.report)
    if not tell(found, form, html):
        sys.exit(1)
