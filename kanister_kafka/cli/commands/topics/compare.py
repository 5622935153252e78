"""The commands `topics compare` and `topics collect`."""

from __future__ import annotations

import re
import sys
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kanister_kafka.cli.app import echo, terminal_width, write_text
from kanister_kafka.cli.options import refuse
from kanister_kafka.cli.output import (
    check_writable,
    page_option,
    renamed_option,
    report_format_option,
    report_text,
)
from kanister_kafka.cli.progress import ProgressReporter
from kanister_kafka.cli.topic_connection import (
    CONFIG_FILE,
    ConnectionOptions,
    print_message,
    with_connection_options,
)
from kanister_kafka.errors import InputError

if TYPE_CHECKING:
    from kanister_kafka.topics.access import TopicRef
    from kanister_kafka.topics.client import ClientAccess
    from kanister_kafka.topics.compare import CompareRequest
    from kanister_kafka.topics.compare.workers import TopicAccess
    from kanister_kafka.topics.job import TopicJob
    from kanister_kafka.topics.model import Comparison


SENT = 1.0
"""Seconds between two lines of progress from a Job."""


def milliseconds(text: str) -> int:
    """Read a short duration such as 500ms or 2s."""
    match = re.fullmatch(r"(\d{1,9})(ms|s)", text)
    if match is None:
        raise click.BadParameter(f"{text!r} is not a duration such as 500ms or 2s")
    return int(match[1]) * (1000 if match[2] == "s" else 1)


def parse_percentage(text: str) -> float:
    """Read a percentage, 5% or 0.5%, as a share."""
    match = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)%", text)
    if match is None or not 0 < float(match[1]) < 100:
        raise click.BadParameter(f"{text!r} is not a share such as 5%")
    return float(match[1]) / 100


def parse_since(text: str) -> int:
    """Read a time in ISO 8601; without an offset it is UTC."""
    from kanister_kafka.timestamps import parse_timestamp, to_milliseconds

    since = parse_timestamp(text)
    if since is None:
        raise click.BadParameter(f"{text!r} is not a time such as 2026-01-02T03:04:05Z")
    return to_milliseconds(since)


def parse_part(text: str) -> tuple[int, int]:
    """Read which part of how many, such as 0/4."""
    match = re.fullmatch(r"(\d{1,5})/(\d{1,5})", text)
    if match is None or int(match[1]) >= int(match[2]):
        raise click.BadParameter(f"{text!r} is not a part such as 0/4")
    return int(match[1]), int(match[2])


max_skew_option = renamed_option(
    "--even-within",
    "--max-skew",
    type=milliseconds,
    default="1s",
    show_default=True,
    metavar="DURATION",
    help="Largest time difference between the ends of partitions that counts as consistent.",
)


@click.command(
    epilog="Example: kanister-kafka topics compare kafka/my-cluster/blogs "
    "kafka-mirror/my-cluster/my-source-cluster.blogs --html blogs.html"
)
@click.argument("a")
@click.argument("b")
@click.option(
    "--command-config-b", type=CONFIG_FILE, help="Properties for B if they differ from A's."
)
@click.option("--listener-b", default="", help="Listener of B.  [default: chosen as for A]")
@click.option("--user-b", default="", help="KafkaUser of B.  [default: chosen as for A]")
@click.option(
    "-p",
    "--partition",
    "partitions",
    type=click.IntRange(0),
    multiple=True,
    help="Only this partition; repeatable.",
)
@click.option(
    "--last", type=click.IntRange(1), help="Compare only this many of the newest of each partition."
)
@click.option(
    "--since",
    type=parse_since,
    metavar="TIME",
    help="Compare only what is newer, such as 2026-01-02T03:04:05Z.",
)
@click.option(
    "--sample",
    type=parse_percentage,
    metavar="PERCENT",
    help="Compare only this share, in blocks from all over each partition.",
)
@click.option(
    "--compacted/--not-compacted",
    default=None,
    help="Whether to compare what each key holds.  [default: as the topics are configured]",
)
@max_skew_option
@click.option(
    "--isolation",
    type=click.Choice(["read_committed", "read_uncommitted"]),
    default="read_committed",
    show_default=True,
    help="Which records of transactions are read: read_uncommitted has aborted ones as well, as a "
    "mirror has that copied them.",
)
@report_format_option("text", "json", "yaml")
@page_option
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Processes at a time, each with some of the partitions and with a core of its own.",
)
@renamed_option(
    "--as-job",
    "--print-job",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Print a Job that splits the partitions among N pods; topics collect reads its result.",
)
@click.option(
    "--config-secret",
    default="",
    metavar="SECRET",
    help="Secret with a.properties and b.properties for --print-job.",
)
@click.option(
    "--split", type=parse_part, default="0/1", hidden=True, help="Which part of how many."
)
@with_connection_options
def compare(
    *,
    reach: ConnectionOptions,
    a: str,
    b: str,
    command_config_b: Path | None,
    listener_b: str,
    user_b: str,
    partitions: tuple[int, ...],
    last: int | None,
    since: int | None,
    sample: float | None,
    compacted: bool | None,
    max_skew: int,
    isolation: str,
    form: str,
    html: Path | None,
    jobs: int,
    print_job: int | None,
    config_secret: str,
    split: tuple[int, int],
) -> None:
    """Compare two topics record by record, such as a source and its mirror.

    Or what was before and after a restore. A is the source. Both are aligned by content, so that
    offsets may differ. B may leave out its topic, NAMESPACE/KAFKA/, and is then searched for that
    of A, also behind a mirror's prefix.

    The verdict is one of: identical, consistent prefix (one side holds all up to one moment and
    nothing after), uneven head (its partitions end at different moments), differing. Exit code 0
    for the first two, 1 for the others.
    """
    from kanister_kafka.topics.access import parse_topic_ref
    from kanister_kafka.topics.compare import CompareRequest
    from kanister_kafka.topics.model import Isolation

    check_writable(html)
    if sum(map(bool, (last, since, sample))) > 1:
        raise click.UsageError("--last, --since and --sample exclude each other")
    if print_job:
        refuse("a comparison, and --print-job prints a Job", "html", "form")
    else:
        refuse("--print-job", "config_secret")
    if jobs > 1 and (print_job or reach.in_cluster):
        raise click.UsageError("--jobs is for processes here: in the cluster --print-job splits it")
    request = CompareRequest(
        partitions=partitions,
        split=split,
        last=last or 0,
        since=since or 0,
        sample=sample or 0.0,
        compacted=compacted,
        even_within=max_skew,
        isolation=Isolation(isolation),
    )
    reach_b = replace(
        reach,
        command_config=command_config_b or reach.command_config,
        listener=listener_b or reach.listener,
        user=user_b or reach.user,
    )
    sides = _ComparedTopics(
        reach, reach_b, parse_topic_ref(a), parse_topic_ref(b), inside=bool(print_job)
    )
    if print_job:
        echo(_rendered(sides, request, print_job, config_secret))
        return
    try:
        comparison = _remote(sides, request) if reach.in_cluster else _here(sides, request, jobs)
    except InputError as failure:  # not by its own exit code: 1 is for topics that differ
        raise click.UsageError(str(failure)) from failure
    if reach.wire:
        print_message(comparison)
        return
    if print_comparison(comparison, form, html):
        return
    sys.exit(1)


def print_comparison(comparison: Comparison, form: str, html: Path | None) -> bool:
    """Write the reports; return whether the comparison passed."""
    from kanister_kafka.reports.comparison import comparison_json, comparison_text
    from kanister_kafka.topics.compare.verdict import evaluate_consistency

    if not comparison.partitions and not comparison.missing:
        raise click.UsageError("no partition was compared: the chosen part has none")
    text = partial(comparison_text, comparison, terminal_width())
    echo(report_text(form, text, partial(comparison_json, comparison)))
    if html is not None:
        from kanister_kafka.reports.html.comparison_page import comparison_html

        write_text(html, comparison_html(comparison))
    return evaluate_consistency(comparison).passed


class _ComparedTopics:
    """Both topics and the ways to them."""

    def __init__(
        self,
        a: ConnectionOptions,
        b: ConnectionOptions,
        place_a: TopicRef,
        place_b: TopicRef,
        *,
        inside: bool,
    ) -> None:
        if inside:
            a, b = replace(a, in_cluster=True), replace(b, in_cluster=True)
        self.reach, self.places = a, (place_a, place_b)
        self.accesses: tuple[ClientAccess, ClientAccess] = (a.access(place_a), b.access(place_b))

    @property
    def namespace(self) -> str:
        """Namespace of a Kafka that is named."""
        return next((ref.namespace for ref in self.places if ref.namespace), "")

    @property
    def arguments(self) -> tuple[str, str]:
        """Both topics as a pod names them."""
        from kanister_kafka.topics.job import topic_arg

        a, b = (
            topic_arg(access, ref.topic)
            for access, ref in zip(self.accesses, self.places, strict=True)
        )
        return a, b

    @property
    def names(self) -> tuple[str, str]:
        """Both topics as they are called here."""
        a, b = (
            f"{access.label}/{ref.topic}"
            for access, ref in zip(self.accesses, self.places, strict=True)
        )
        return a, b

    def named(self, comparison: Comparison) -> Comparison:
        """Call both topics what they are called here."""
        a, b = (
            f"{access.label}/{name.rpartition('/')[2]}"
            for access, name in zip(self.accesses, (comparison.a, comparison.b), strict=True)
        )
        return replace(comparison, a=a, b=b)


def _ways(sides: _ComparedTopics) -> tuple[TopicAccess, TopicAccess]:
    """Return both topics; one that is left out is searched for."""
    from kanister_kafka.topics.client import KafkaConsumer
    from kanister_kafka.topics.compare import find_topic
    from kanister_kafka.topics.compare.workers import TopicAccess

    topics = tuple(ref.topic for ref in sides.places)
    accesses = []
    for access, topic, other in zip(sides.accesses, topics, reversed(topics), strict=True):
        if not topic:
            with closing(KafkaConsumer(access)) as cluster:
                topic = find_topic(cluster, other)
        accesses.append(TopicAccess(access, topic))
    a, b = accesses
    return a, b


def _here(sides: _ComparedTopics, request: CompareRequest, processes: int) -> Comparison:
    from kanister_kafka.topics.compare.workers import compare_parallel
    from kanister_kafka.topics.job import ProgressMessage

    a, b = _ways(sides)
    sent = time.monotonic()

    def pass_on(passed: int, total: int) -> None:
        nonlocal sent
        if sides.reach.wire and time.monotonic() - sent > SENT:
            sent = time.monotonic()
            print_message(ProgressMessage(passed, total))
        bar.report(passed, total)

    with ProgressReporter("comparing", quiet=sides.reach.wire) as bar:
        return compare_parallel(a, b, request, processes, pass_on)


def _remote(sides: _ComparedTopics, request: CompareRequest) -> Comparison:
    from kanister_kafka.topics.job import ProgressMessage, ResultMessage, request_args

    work = sides.reach.work(
        "compare",
        request_args(request) + ("--",) + sides.arguments,
        *sides.accesses,
        namespace=sides.namespace,
    )
    results: list[Comparison] = []
    with ProgressReporter("comparing") as bar:
        for event in sides.reach.remote(work):
            match event:
                case ProgressMessage(passed, total):
                    bar.report(passed, total)
                case ResultMessage(result):
                    results.append(result)
    return sides.named(results[-1])


def _rendered(
    sides: _ComparedTopics, request: CompareRequest, parts: int, config_secret: str
) -> str:
    """Return an Indexed Job and the properties that it needs, as YAML."""
    from kanister_kafka.topics.job import is_secret, job_config, job_manifest, request_args
    from kanister_kafka.yamldoc import dump

    split = ("--split", f"$(JOB_COMPLETION_INDEX)/{parts}", "--")
    work: TopicJob = replace(
        sides.reach.work(
            "compare",
            request_args(request) + split + sides.arguments,
            *sides.accesses,
            namespace=sides.namespace,
        ),
        parts=parts,
        config_secret=config_secret,
        subject=" ".join(sides.names),
    )
    if config_secret:
        return dump(job_manifest(work, secret=True, suspended=False))
    if any(is_secret(access.settings) for access in sides.accesses):
        raise click.UsageError(
            "credentials are not printed: put the properties of both sides into a Secret "
            f"(kubectl create secret generic NAME -n {work.namespace} --from-file=a.properties "
            "--from-file=b.properties) and give --config-secret NAME"
        )
    objects = (job_config(work, secret=False), job_manifest(work, secret=False, suspended=False))
    return "---\n".join(map(dump, objects))


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
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.topics.compare.workers import collect_job_results

    check_writable(html)
    connection = KubeClient(context)
    with ProgressReporter("parts", unit="parts") as bar:
        comparison = collect_job_results(
            connection, job, namespace or connection.namespace, bar.report
        )
    if not print_comparison(comparison, form, html):
        sys.exit(1)
