"""The command `schema`."""

from __future__ import annotations

import json
from collections.abc import Callable

import click

from kanister_kafka.blueprint.json_schema import json_schema
from kanister_kafka.blueprint.spelling import Json
from kanister_kafka.cli.choices import plan_options, refuse
from kanister_kafka.cli.ids import release_option
from kanister_kafka.cli.outcome import echo
from kanister_kafka.config import table
from kanister_kafka.fleet.schema import schema as fleet_schema
from kanister_kafka.kasten.json_schema import kasten_schema
from kanister_kafka.kasten.kinds import KINDS as KASTEN
from kanister_kafka.krm.schema import schema as function_config_schema

BLUEPRINT = "Blueprint"


def _of(kind: str) -> Callable[[str], Json]:
    return lambda _release: kasten_schema(kind)


def _told() -> dict[str, str]:
    """Return what options are for, by their names in files, in the words of the command's help."""
    names = {setting.attribute: setting.name for setting in table()}
    command = click.command(plan_options(lambda: None))
    return {
        names.get(option.name or "", option.name or ""): option.help or ""
        for option in command.params
        if isinstance(option, click.Option)
    }


SCHEMAS: dict[str, Callable[[str], Json]] = {
    BLUEPRINT: json_schema,
    "KafkaBlueprint": lambda _release: function_config_schema(_told()),
    "KafkaFleet": lambda _release: fleet_schema(_told()),
    **{kind: _of(kind) for kind in KASTEN},
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
    """Print a JSON Schema of the Blueprint, or of another kind.

    Editors complete and underline by it, kubeconform validates; `kanister-kafka docs editors`
    shows how.
    """
    if kind != BLUEPRINT:
        refuse(f"--kind {BLUEPRINT}", "release")
    echo(json.dumps(SCHEMAS[kind](release), indent=2, ensure_ascii=False) + "\n")
