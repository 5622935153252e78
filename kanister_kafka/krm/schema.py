"""The configuration of the function as a JSON Schema, for editors and kubeconform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kanister_kafka.config import API_VERSION, READING, properties

KIND = "KafkaBlueprint"
NOT_IN_A_BUILD = "restorePoint"
"""An option of the command alone: what a build prints is applied, and would start a restore."""
TEXT: dict[str, Any] = {"type": "string"}
INPUT: dict[str, dict[str, Any]] = {
    "cluster": {
        **TEXT,
        "description": "Which Kafka, as NAME or NAMESPACE/NAME; without it every one of the build.",
    },
    **READING,
    "templates": {
        **TEXT,
        "description": "Directory with templates that go before ours of the same name.",
    },
    "paths": {
        "type": "array",
        "items": TEXT,
        "description": "Files and directories with custom resources besides the items, relative "
        "to the kustomization.",
    },
    "resources": {
        "type": "array",
        "items": {"type": "object", "required": ["apiVersion", "kind"]},
        "description": "Custom resources besides the items.",
    },
}
"""Fields of the spec besides the options: where a Kafka is found, and how it is read."""


def schema(told: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the schema of a KafkaBlueprint, draft 7; `told` has what options are for, by name."""
    options = {name: one for name, one in properties(told).items() if name != NOT_IN_A_BUILD}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": KIND,
        "description": "Configuration of kanister-kafka as a KRM function.",
        "type": "object",
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": KIND},
            "metadata": {"type": "object"},
            "spec": {
                "type": "object",
                "properties": {**INPUT, **options},
                "additionalProperties": False,
            },
        },
        "required": ["apiVersion", "kind"],
        "additionalProperties": False,
    }
