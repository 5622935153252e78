"""The group `topics`."""

from __future__ import annotations

from collections.abc import Mapping

import click

from kanister_kafka.cli.app import CommandGroup

COMMANDS = {
    "compare": "Compare two topics record by record, such as a source and its mirror.",
    "collect": "Collect the result of a Job that topics compare --print-job has printed.",
    "count": "Count the messages of topics, by partition and in total.",
    "rate": "Measure messages per second by topic and partition, from their end offsets.",
    "tail": "Show the last messages of every partition side by side, ordered by timestamp.",
}
"""The summary of each; it is a function of that name, in a module of that name or of MODULES."""
MODULES = {"collect": "compare", "rate": "count", "tail": "count"}
"""Commands in the module of another command."""
FORMER = {"last": "tail", "merge": "collect", "total": "count"}
"""Former names, each with today's."""


class Topics(CommandGroup):
    """Imports a command when it is asked for."""

    about: Mapping[str, str] = COMMANDS
    former = FORMER
    modules = MODULES
    package = __name__


@click.group(
    cls=Topics,
    epilog="Example: kanister-kafka topics count --kafka my-cluster -n kafka blogs items",
)
def topics() -> None:
    """Measure topics, and compare two of them record by record.

    A topic is TOPIC in the cluster that the options name, NAMESPACE/KAFKA/TOPIC for a Kafka of
    Strimzi, or HOST:PORT/TOPIC. For a Kafka of Strimzi the listener, the certificates and the
    user's Secret are looked up. Nothing is written to any topic, and no group is joined.

    Needs the extra: pip install 'kanister-kafka[topics]'
    """
