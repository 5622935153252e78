"""The command `schema`."""

from __future__ import annotations

import json

import click

from kanister_kafka.blueprint.json_schema import json_schema
from kanister_kafka.blueprint.releases import NEWEST
from kanister_kafka.cli.ids import Release
from kanister_kafka.cli.outcome import echo


@click.command(epilog="Example: kanister-kafka schema > blueprint.schema.json")
@click.option(
    "--kanister-version",
    "release",
    type=Release(),
    default=NEWEST,
    show_default=True,
    metavar="VERSION",
    help="The release whose functions it describes: 0.100 to 0.119, or head.",
)
def schema(release: str) -> None:
    """Print a JSON Schema of the Blueprint, for editors.

    They complete and underline by it; docs/editors.md shows how.
    """
    echo(json.dumps(json_schema(release), indent=2, ensure_ascii=False) + "\n")
