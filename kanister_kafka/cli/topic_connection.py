"""How the commands reach a cluster: from here, or by the same command as a Job in it."""

from __future__ import annotations

import functools
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kanister_kafka.cli.options import (
    POD_WORDS,
    option_group,
    pod_options,
    pod_options_from,
    refuse,
)

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.topics.access import TopicRef
    from kanister_kafka.topics.client import ClientAccess
    from kanister_kafka.topics.job import ProgressMessage, ResultMessage, TopicJob

IMAGE = "KANISTER_KAFKA_IMAGE"
CONFIG_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)

connection_options = option_group(
    click.option(
        "--bootstrap-server",
        "bootstrap",
        default="",
        metavar="HOST:PORT",
        help="Address of the cluster; a comma separates several.",
    ),
    click.option(
        "--command-config",
        type=CONFIG_FILE,
        help="Properties of the client, as Kafka's own tools take them: TLS, SASL.",
    ),
    click.option("--kafka", default="", metavar="NAME", help="A Kafka of Strimzi instead."),
    click.option(
        "-n",
        "--namespace",
        "namespaces",
        multiple=True,
        metavar="NAMESPACE",
        help="Namespace of the Kafka, and of the Job.  [default: the context's]",
    ),
    click.option("--context", default="", help="Kubeconfig context."),
    click.option(
        "--listener", default="", help="Listener of the Kafka.  [default: the one that needs least]"
    ),
    click.option(
        "--user", default="", help="KafkaUser.  [default: the only one that fits the listener]"
    ),
    click.option(
        "--in-cluster",
        is_flag=True,
        help="Run this as a Job in the cluster: for brokers that are reached only from there.",
    ),
    click.option(
        "--image",
        default="",
        envvar=IMAGE,
        show_envvar=True,
        help="Image with this command, for --in-cluster.",
    ),
    pod_options,
    click.option("--wire", is_flag=True, hidden=True, help="Print for the command that made it."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """The words of the command line about where and as whom."""

    bootstrap: str
    command_config: Path | None
    kafka: str
    namespace: str
    context: str
    listener: str
    user: str
    in_cluster: bool
    image: str
    wire: bool
    pods: dict[str, Any]
    """Words about the pods of a Job."""

    def access(self, ref: TopicRef) -> ClientAccess:
        """Find the connection to the cluster of a topic; properties go before all else."""
        from kanister_kafka.topics.access import AccessRequest, find_access
        from kanister_kafka.topics.client import ClientAccess
        from kanister_kafka.topics.client_properties import read_properties

        given = read_properties(self.command_config) if self.command_config else {}
        servers = ref.servers or ("" if ref.kafka else self.bootstrap)
        named = ref.kafka or self.kafka or self.namespace
        if not servers and not named:
            servers = given.get("bootstrap.servers", "")
            if not servers:
                raise click.UsageError(
                    "name the cluster: --bootstrap-server HOST:PORT, --kafka NAME, or "
                    "NAMESPACE/KAFKA/TOPIC"
                )
        if servers:
            return ClientAccess(servers, {**given, "bootstrap.servers": servers})
        client_access = find_access(
            connection(self.context),
            AccessRequest(
                namespace=ref.namespace or self.namespace,
                kafka=ref.kafka or self.kafka,
                listener=self.listener,
                user=self.user,
                inside=self.in_cluster or "KUBERNETES_SERVICE_HOST" in os.environ,
            ),
        )
        return replace(client_access, settings={**client_access.settings, **given})

    def work(
        self, command: str, rest: tuple[str, ...], *accesses: ClientAccess, namespace: str = ""
    ) -> TopicJob:
        """Return what a Job has to do, in the namespace of the Kafka unless another is named."""
        from kanister_kafka.topics.job import NAME, OF_A_JOB, TopicJob, command_args

        if not self.image:
            raise click.UsageError(
                f"--in-cluster needs --image, or {IMAGE}: an image with this command "
                "(`kanister-kafka docs topics` explains how to build one)"
            )
        return TopicJob(
            name=f"{NAME}{secrets.token_hex(4)}",
            namespace=self.namespace or namespace or connection(self.context).namespace,
            image=self.image,
            arguments=command_args(command, len(accesses)) + rest,
            accesses=accesses,
            pods=pod_options_from(OF_A_JOB, **self.pods),
        )

    def last_result(self, work: TopicJob, access: ClientAccess) -> Any:
        """Run it as a Job and return its last result, under the name that the cluster has here."""
        from kanister_kafka.topics.job import ResultMessage

        results = [event.result for event in self.remote(work) if isinstance(event, ResultMessage)]
        return replace(results[-1], cluster=access.label)

    def remote(self, work: TopicJob) -> Iterator[ProgressMessage | ResultMessage]:
        """Run it as a Job and yield its output."""
        from kanister_kafka.topics.job import run_job

        click.echo(f"Job {work.namespace}/{work.name} created", err=True)
        return run_job(connection(self.context), work)


def connection(context: str) -> KubeClient:
    """Return a connection to the cluster of a context."""
    from kanister_kafka.kube.client import KubeClient

    return KubeClient(context)


def with_connection_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command its options as one `reach`."""

    @connection_options
    @functools.wraps(command)
    def wrapped(*, namespaces: tuple[str, ...], **choices: Any) -> None:
        if (
            "count" in choices
        ):  # of messages: -n is a number for Kafka's users, a name for kubectl's
            numbers = [text for text in namespaces if text.isdecimal()]
            namespaces = tuple(text for text in namespaces if not text.isdecimal())
            if numbers:
                choices["count"] = max(1, int(numbers[-1]))
        if len(namespaces) > 1:
            raise click.UsageError(f"one namespace, not {' and '.join(namespaces)}")
        if not (choices["in_cluster"] or choices.get("print_job")):
            refuse("--in-cluster", "image", *POD_WORDS)
        if choices["kafka"] and choices["bootstrap"]:
            raise click.UsageError("--kafka and --bootstrap-server exclude each other")
        pods = {name: choices.pop(name) for name in POD_WORDS}
        names = [
            n for n in ConnectionOptions.__dataclass_fields__ if n not in ("namespace", "pods")
        ]
        words = {name: choices.pop(name) for name in names}
        reach = ConnectionOptions(namespace="".join(namespaces), pods=pods, **words)
        command(reach=reach, **choices)

    return wrapped


def print_message(value: Any) -> None:
    """Print a result for the command that made this Job."""
    from kanister_kafka.topics.job import message_line

    click.echo(message_line(value))
