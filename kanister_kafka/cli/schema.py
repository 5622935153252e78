"""The command `schema`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from kanister_kafka.blueprint.json_schema import json_schema
from kanister_kafka.cli.choices import plan_options
from kanister_kafka.cli.ids import release_option
from kanister_kafka.cli.outcome import echo
from kanister_kafka.config import table
from kanister_kafka.krm.schema import schema as function_config_schema

BLUEPRINT = "Blueprint"


def _function_config(_release: str) -> dict[str, Any]:
    """Return the schema of the function's configuration, in the words of the command's help."""
    names = {setting.attribute: setting.name for setting in table()}
    command = click.command(plan_options(lambda: None))
    told = {
        names.get(option.name or "", option.name or ""): option.help or ""
        for option in command.params
        if isinstance(option, click.Option)
    }
    return function_config_schema(told)


SCHEMAS: dict[str, Callable[[str], dict[str, Any]]] = {
    BLUEPRINT: json_schema,
    "KafkaBlueprint": _function_config,
}
"""By kind, what makes the schema for a release of Kanister."""


@click.command(epilog="Example: kanister-kafka schema > blueprint.schema.json")
@click.option(
    "--kind",
    type=click.Choice(list(SCHEMAS)),
    default=BLUEPRINT,
    show_default=True,
    help="What it describes.",
)
@release_option("The release whose functions it describes")
def schema(kind: str, release: str) -> None:
    """Print a JSON Schema of the Blueprint or another kind.

    Editors complete and underline by it, validators check files; docs/editors.md shows how.
    """
    echo(json.dumps(SCHEMAS[kind](release), indent=2, ensure_ascii=False) + "\n")
