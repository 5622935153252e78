"""The fleet file as a JSON Schema, for editors and kubeconform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kanister_kafka.config import properties
from kanister_kafka.fleet.file import API_VERSION, KIND
from kanister_kafka.strimzi.versions import VERSION

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
READING: dict[str, dict[str, Any]] = {
    "namespace": {**TEXT, "description": "Namespace of objects that name none."},
    "strimziVersion": {
        **TEXT,
        "pattern": f"^{VERSION}$",
        "description": "Version of the operator; without it the steps find out when they run.",
    },
}
"""What defaults and entries have besides the options."""
WHICH: dict[str, dict[str, Any]] = {
    "paths": {**PATHS, "description": f"{PATHS['description']} Those of the file without it."},
    "cluster": {**TEXT, "description": "Which Kafka, as NAME or NAMESPACE/NAME."},
    "selector": SELECTOR,
}
"""What an entry has besides."""


def schema(told: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the schema of a KafkaFleet, draft 7; `told` has what options are for, by name."""
    words = {name: {"description": text} for name, text in (told or {}).items()}
    options = {name: {**words.get(name, {}), **one} for name, one in properties().items()}

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
