"""The fleet file as a JSON Schema, for editors and kubeconform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kanister_kafka.config import API_VERSION, READING, properties

KIND = "KafkaFleet"
TEXT: dict[str, Any] = {"type": "string"}
PATHS: dict[str, Any] = {
    "type": "array",
    "items": {**TEXT, "minLength": 1},
    "description": "Files and directories with custom resources, relative to this file.",
}
SELECTOR: dict[str, Any] = {
    **TEXT,
    "description": "Label selector of the Kafka, such as app=kafka,tier!=test.",
}
WHICH: dict[str, dict[str, Any]] = {
    "paths": {**PATHS, "description": f"{PATHS['description']} Those of the file without it."},
    "cluster": {**TEXT, "description": "Which Kafka, as NAME or NAMESPACE/NAME."},
    "selector": SELECTOR,
}
"""What an entry has besides."""


def schema(told: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the schema of a KafkaFleet, draft 7; `told` has what options are for, by name."""
    options = properties(told)

    def chosen(others: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {**others, **options},
            "additionalProperties": False,
        }

    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": KIND,
        "description": "Many Kafka clusters that kanister-kafka renders in one run.",
        "type": "object",
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": KIND},
            "metadata": {"type": "object"},
            "paths": PATHS,
            "selector": SELECTOR,
            "defaults": chosen(READING),
            "clusters": {"type": "array", "items": chosen({**READING, **WHICH})},
        },
        "required": ["apiVersion", "kind"],
        "additionalProperties": False,
    }
