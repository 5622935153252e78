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

from kanister_kafka.cli.choices import POD_WORDS, pod_options, pods_of, refuse, several

if TYPE_CHECKING:
    from kanister_kafka.kube import Connection
    from kanister_kafka.topics.client import Access
    from kanister_kafka.topics.job import Work
    from kanister_kafka.topics.place import Place
    from kanister_kafka.topics.remote import Came, Passed

IMAGE = "KANISTER_KAFKA_IMAGE"
CONFIG_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)

reach_options = several(
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
class Reach:
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

    def access(self, place: Place) -> Access:
        """Find the way to the cluster of a topic; what properties say goes before all else."""
        from kanister_kafka.topics.client import Access
        from kanister_kafka.topics.find import Wish, find_access
        from kanister_kafka.topics.properties import read_properties

        given = read_properties(self.command_config) if self.command_config else {}
        servers = place.servers or ("" if place.kafka else self.bootstrap)
        named = place.kafka or self.kafka or self.namespace
        if not servers and not named:
            servers = given.get("bootstrap.servers", "")
            if not servers:
                raise click.UsageError(
                    "name the cluster: --bootstrap-server HOST:PORT, --kafka NAME, or "
                    "NAMESPACE/KAFKA/TOPIC"
                )
        if servers:
            return Access(servers, {**given, "bootstrap.servers": servers})
        found = find_access(
            connection(self.context),
            Wish(
                namespace=place.namespace or self.namespace,
                kafka=place.kafka or self.kafka,
                listener=self.listener,
                user=self.user,
                inside=self.in_cluster or "KUBERNETES_SERVICE_HOST" in os.environ,
            ),
        )
        return replace(found, settings={**found.settings, **given})

    def work(
        self, command: str, rest: tuple[str, ...], *accesses: Access, namespace: str = ""
    ) -> Work:
        """Return what a Job has to do, in the namespace of the Kafka unless another is named."""
        from kanister_kafka.topics.job import NAME, OF_A_JOB, Work
        from kanister_kafka.topics.words import of_command

        if not self.image:
            raise click.UsageError(
                f"--in-cluster needs --image, or {IMAGE}: an image with this command "
                "(`kanister-kafka docs topics` says how to build one)"
            )
        return Work(
            name=f"{NAME}{secrets.token_hex(4)}",
            namespace=self.namespace or namespace or connection(self.context).namespace,
            image=self.image,
            arguments=(*of_command(command, len(accesses)), *rest),
            accesses=accesses,
            pods=pods_of(OF_A_JOB, **self.pods),
        )

    def remote(self, work: Work) -> Iterator[Passed | Came]:
        """Run it as a Job and yield what it says."""
        from kanister_kafka.topics.remote import run

        click.echo(f"Job {work.namespace}/{work.name} created", err=True)
        return run(connection(self.context), work)


def connection(context: str) -> Connection:
    """Return a connection to the cluster of a context."""
    from kanister_kafka.kube import Connection

    return Connection(context)


def reaches(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command its options as one `reach`."""

    @reach_options
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
        if not (choices["in_cluster"] or choices.get("as_job")):
            refuse("--in-cluster", "image", *POD_WORDS)
        if choices["kafka"] and choices["bootstrap"]:
            raise click.UsageError("--kafka and --bootstrap-server exclude each other")
        pods = {name: choices.pop(name) for name in POD_WORDS}
        names = [n for n in Reach.__dataclass_fields__ if n not in ("namespace", "pods")]
        words = {name: choices.pop(name) for name in names}
        reach = Reach(namespace="".join(namespaces), pods=pods, **words)
        command(reach=reach, **choices)

    return wrapped


def send(value: Any) -> None:
    """Print a result for the command that made this Job."""
    from kanister_kafka.topics.remote import line_of

    click.echo(line_of(value))
