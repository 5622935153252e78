"""The command `version`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from kanister_kafka._version import __version__
from kanister_kafka.cli.app import echo, terminal_width
from kanister_kafka.cli.options import live_kafka_options
from kanister_kafka.cli.output import as_yaml, report_format_option
from kanister_kafka.cli.param_types import flag_option
from kanister_kafka.errors import ForbiddenError, KanisterKafkaError, NotFoundError

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient

UNKNOWN = "unknown"
CLUSTER = (
    "kafka", "namespace", "context", "kasten_namespace", "kubeconfig", "as",
    "request_timeout", "verbose",
)  # fmt: skip
"""Options of the connection to the cluster."""


@click.command(epilog="Example: kanister-kafka version my-cluster -n kafka")
@live_kafka_options("kafka")
@click.option(
    "--kasten-namespace",
    default="kasten-io",
    show_default=True,
    help="Namespace of the Blueprint and of the Kanister controller.",
)
@flag_option("--client alone", "Only of this command: ask no cluster.")
@report_format_option("text", "json", "yaml")
def version(
    *, kafka: str, namespace: str, context: str, kasten_namespace: str, alone: bool, form: str
) -> None:
    """Show the versions of this command and of the software on the cluster.

    That is the API server, the Blueprint of the Kafka, Strimzi and Kanister. A version that cannot
    be read is unknown, with the reason on standard error; exit code 2 if the API server does not
    answer.
    """
    versions = {"client": __version__}
    if alone:
        _refuse_cluster()
    else:
        from kanister_kafka.kube.client import KubeClient

        connection = KubeClient(context)
        versions["server"] = str(connection.ask("GET", ("version",)).get("gitVersion", UNKNOWN))
        versions |= _installed(connection, kafka, namespace, kasten_namespace)
    if form != "text":
        text = json.dumps(versions, indent=2) + "\n"
        echo(as_yaml(text) if form == "yaml" else text)
        return
    from kanister_kafka.reports.text import hung  # not for those who read JSON

    names, width = max(map(len, versions)), terminal_width()
    lines: list[str] = []
    for name, text in versions.items():
        lines += hung(f"{name + ':':{names + 1}} ", text, width)
    echo("".join(f"{line}\n" for line in lines))


def _refuse_cluster() -> None:
    """End with wrong use if --client is given with an option of the connection."""
    context = click.get_current_context()
    for option in context.command.params:
        given = context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE
        if given and option.name in CLUSTER:
            named = "KAFKA" if isinstance(option, click.Argument) else option.opts[-1]
            raise click.UsageError(f"--client asks no cluster: leave {named} out")


def _installed(
    connection: KubeClient, kafka: str, namespace: str, kasten_namespace: str
) -> dict[str, str]:
    """Return the versions of the software on the cluster, as far as they can be read."""
    from kanister_kafka.operations.live_kafka import OPERATOR_SELECTOR
    from kanister_kafka.operations.start_action import find_applied
    from kanister_kafka.strimzi.discovery import find_target

    def blueprint() -> str:
        target = find_target(connection, namespace, kafka)
        return find_applied(connection, target, kasten_namespace).origin.version

    def strimzi() -> str:
        return _image(connection, "", OPERATOR_SELECTOR)

    def kanister() -> str:
        image = _image(connection, kasten_namespace, "app=kanister-operator")
        return image or _image(connection, kasten_namespace, "component=kanister")

    questions = {"blueprint": blueprint, "strimzi": strimzi, "kanister": kanister}
    versions: dict[str, str] = {}
    for name, ask in questions.items():
        try:
            versions[name] = ask() or UNKNOWN
        except (ForbiddenError, NotFoundError) as failure:
            versions[name] = UNKNOWN
            _why(name, failure)
    return versions


def _image(connection: KubeClient, namespace: str, label: str) -> str:
    """Return the tag of the image of the pods with a label."""
    from kanister_kafka.kube.client import PODS
    from kanister_kafka.kube.pods import image_tag

    tags = set()
    for pod in connection.items(PODS, namespace, label):
        for container in (pod.get("spec") or {}).get("containers") or ():
            tags.add(image_tag(str(container.get("image", ""))))
    return ", ".join(sorted(tags - {""}))


def _why(name: str, failure: KanisterKafkaError) -> None:
    echo(f"{name}: {failure}\n", err=True)
