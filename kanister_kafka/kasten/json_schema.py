"""The Kasten kinds as JSON Schemas, for editors and for validators such as kubeconform."""

from __future__ import annotations

from kanister_kafka.blueprint.spelling import Json, Spelling
from kanister_kafka.kasten.kinds import KINDS


def kasten_schema(kind: str) -> Json:
    """Return the JSON Schema of a kind; draft 7, as that of the Blueprint."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"{kind} of Kasten, as far as its public documentation tells",
        **Spelling().fields(KINDS[kind]),
    }
