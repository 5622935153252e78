"""The command `schema`."""

from __future__ import annotations

import json
from collections.abc import Callable

import click

from kanister_kafka.backup.option_schema import option_fields
from kanister_kafka.cli.app import echo
from kanister_kafka.cli.options import plan_options, refuse
from kanister_kafka.cli.param_types import release_option
from kanister_kafka.integrations.fleet.file import fleet_schema
from kanister_kafka.integrations.krm.function_config import function_config_schema
from kanister_kafka.kanister.json_schema import JsonSchema, json_schema
from kanister_kafka.kasten.schemas import KINDS as KASTEN
from kanister_kafka.kasten.schemas import kasten_schema

BLUEPRINT = "Blueprint"


def _of(kind: str) -> Callable[[str], JsonSchema]:
    return lambda _release: kasten_schema(kind)


def _option_help() -> dict[str, str]:
    """Return what options are for, by their names in files, in the words of the command's help."""
    names = {setting.attribute: setting.name for setting in option_fields()}
    command = click.command(plan_options(lambda: None))
    return {
        names.get(option.name or "", option.name or ""): option.help or ""
        for option in command.params
        if isinstance(option, click.Option)
    }


SCHEMAS: dict[str, Callable[[str], JsonSchema]] = {
    BLUEPRINT: json_schema,
    "KafkaBlueprint": lambda _release: function_config_schema(_option_help()),
    "KafkaFleet": lambda _release: fleet_schema(_option_help()),
    **{kind: _of(kind) for kind in KASTEN},
}
"""By kind, what makes the schema for a release of Kanister."""


@click.command(epilog="Example: kanister-kafka schema > blueprint.schema.json")
@click.option(
    "--kind",
    type=click.Choice(list(SCHEMAS)),
    default=BLUEPRINT,
    show_default=True,
    help="The documents that it describes.",
)
@release_option("The release whose functions it describes")
def schema(kind: str, release: str) -> None:
    """Print a JSON Schema of the Blueprint, or of another kind.

    Editors complete and underline by it, kubeconform validates; `kanister-kafka docs editors`
    shows how.
    """
    if kind != BLUEPRINT:
        refuse(f"--kind {BLUEPRINT}", "release")
    echo(json.dumps(SCHEMAS[kind](release), indent=2, ensure_ascii=False) + "\n")
