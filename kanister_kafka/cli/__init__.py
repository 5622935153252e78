"""The command: values in, exit code out; the only package that imports click."""

from __future__ import annotations

import click

from kanister_kafka._version import __version__
from kanister_kafka.cli.app import CommandGroup


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kanister-kafka")
def main() -> None:
    """Consistent backups of Kafka on Kubernetes.

    Reads the Strimzi resources of a cluster and renders a Kanister Blueprint. The Blueprint stops
    Kafka cleanly, so that its volumes can be snapshotted, and starts it again. Applies, checks,
    rehearses and runs it, restores backups, and validates any other Blueprint.

    Exit codes: 0 done, 1 the input is wrong or an action failed, 2 wrong use, or a file or cluster
    out of reach.
    """
