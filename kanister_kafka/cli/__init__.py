"""The command: values in, exit code out; the only package that imports click."""

from __future__ import annotations

import click

from kanister_kafka._version import __version__
from kanister_kafka.cli.app import CommandGroup


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kanister-kafka")
def main() -> None:
    """Consistent backups of Kafka on Kubernetes.

    From a cluster's Strimzi resources to a Kanister Blueprint that stops it cleanly, lets its
    volumes be snapshotted and brings it back; put on the cluster, checked, rehearsed, run and
    followed there; and a validator for any Blueprint.

    Exit codes: 0 done, 1 the input is wrong or an action failed, 2 wrong use, or a file or cluster
    out of reach.
    """
