"""The command: values in, exit code out; the only room that imports click."""

from __future__ import annotations

import click

from kanister_kafka._version import __version__
from kanister_kafka.cli.completion import completion
from kanister_kafka.cli.outcome import Group
from kanister_kafka.cli.plan import plan
from kanister_kafka.cli.render import render
from kanister_kafka.cli.validate import validate


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kanister-kafka")
def main() -> None:
    """Consistent backups of Kafka on Kubernetes.

    From a cluster's Strimzi resources to a Kanister Blueprint that stops it cleanly, lets its
    volumes be snapshotted and brings it back.

    Exit codes: 0 done, 1 the input is wrong, 2 wrong use, or a file or cluster out of reach.
    """


for _command in (completion, plan, render, validate):
    main.add_command(_command)
