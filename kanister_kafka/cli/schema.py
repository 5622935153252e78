"""The command `schema`."""

from __future__ import annotations

import json

import click

from kanister_kafka.blueprint.json_schema import json_schema
from kanister_kafka.cli.ids import release_option
from kanister_kafka.cli.outcome import echo


@click.command(epilog="Example: kanister-kafka schema > blueprint.schema.json")
@release_option("The release whose functions it describes")
def schema(release: str) -> None:
    """Print a JSON Schema of the Blueprint, for editors.

    They complete and underline by it; docs/editors.md shows how.
    """
    echo(json.dumps(json_schema(release), indent=2, ensure_ascii=False) + "\n")
