"""The JSON Schema for editors against the checks: it refuses nothing that is written so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from kanister_kafka.kanister.function_catalog import functions
from kanister_kafka.kanister.function_types import NEWEST, RELEASES
from kanister_kafka.kanister.json_schema import json_schema
from tests.conftest import ROOT
from tests.linter.test_rules import settings_of

SCHEMA = Draft7Validator(json_schema(NEWEST))
VALID = [
    *(file for file in sorted(ROOT.glob("tests/valid/*.yaml")) if file.stem != "arguments"),
    *sorted(ROOT.glob("blueprints/**/*.yaml")),
]
"""All but what Kanister decodes though nobody writes it so, such as `{}` for an empty list."""
REFUSED = ("missing-argument", "missing-field", "unknown-argument", "unknown-field")
"""Checks that a JSON Schema can express."""


def blueprints(file: Path) -> list[Any]:
    documents = yaml.safe_load_all(file.read_text())
    return [d for d in documents if isinstance(d, dict) and d.get("kind") == "Blueprint"]


@pytest.mark.parametrize("release", RELEASES)
def test_it_is_a_schema_for_each_release(release: str) -> None:
    made = json_schema(release)
    Draft7Validator.check_schema(made)
    definitions: Any = made["definitions"]
    assert {f"{name}.args" for name in functions(release)} <= set(definitions)


@pytest.mark.parametrize("file", VALID, ids=lambda f: f"{f.parent.name}/{f.stem}")
def test_what_is_right_it_accepts(file: Path) -> None:
    for blueprint in blueprints(file):
        SCHEMA.validate(blueprint)


def wrong() -> list[Path]:
    return [
        file for check in REFUSED for file in sorted(ROOT.glob(f"tests/invalid/{check}/*.yaml"))
    ]


@pytest.mark.parametrize("file", wrong(), ids=lambda f: f"{f.parent.name}/{f.stem}")
def test_what_a_schema_can_express_it_refuses(file: Path) -> None:
    release = settings_of(file.read_text()).release
    schema = Draft7Validator(json_schema(release))
    assert any(not schema.is_valid(blueprint) for blueprint in blueprints(file))


def test_each_argument_has_a_description() -> None:
    definitions: Any = json_schema(NEWEST)["definitions"]
    for function in functions(NEWEST).values():
        properties = definitions[f"{function.name}.args"]["properties"]
        assert all(shape["description"].strip() for shape in properties.values()), function.name
