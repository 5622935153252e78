"""The group `topics`: one file a command."""

from __future__ import annotations

import click

from kanister_kafka.cli.topics.compare import compare
from kanister_kafka.cli.topics.last import last
from kanister_kafka.cli.topics.merge import merge
from kanister_kafka.cli.topics.rate import rate
from kanister_kafka.cli.topics.total import total


@click.group(epilog="Example: kanister-kafka topics total --kafka my-cluster -n kafka blogs items")
def topics() -> None:
    """Say how much is in topics, how fast they grow, and whether two hold the same.

    A topic is TOPIC in the cluster that the options name, NAMESPACE/KAFKA/TOPIC for a Kafka of
    Strimzi, or HOST:PORT/TOPIC. For a Kafka of Strimzi the listener, the certificates and the
    user's Secret are looked up. Nothing is written to any topic, and no group is joined.

    Needs the extra: pip install 'kanister-kafka[topics]'
    """


for command in (compare, last, merge, rate, total):
    topics.add_command(command)
