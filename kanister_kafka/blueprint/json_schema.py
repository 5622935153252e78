"""The Blueprint resource as a JSON Schema, for editors: the same statement in another spelling.

Draft 7, which yaml-language-server reads best. It is looser than the checks where JSON Schema has
no words for a rule; a string may always be a template.
"""

from __future__ import annotations

from kanister_kafka.blueprint.arguments import Argument, Kind
from kanister_kafka.blueprint.functions import Function, functions
from kanister_kafka.blueprint.schema import (
    ACTION,
    ARTIFACT,
    BLUEPRINT,
    OBJECT_REFERENCE,
    PHASE,
    Fields,
)
from kanister_kafka.blueprint.spelling import Json, Spelling

TEMPLATE: Json = {"type": "string", "pattern": r"\{\{"}
_TEXT: Json = {"type": "string"}
_TEXTS: Json = {"type": "array", "items": {"type": ["string", "number"]}}
_ONE_OR_MORE: Json = {"anyOf": [_TEXTS, _TEXT]}
_SCALAR: Json = {"type": ["string", "number", "boolean"]}
_OBJECT: Json = {"type": "object", "additionalProperties": _SCALAR}
_TEXT_MAP: Json = {"anyOf": [_OBJECT, {"type": "array", "items": _OBJECT}]}
_REFERENCE: Json = {"$ref": "#/definitions/objectReference"}
_CONDITION_LIST: Json = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"condition": _TEXT, "objectReference": _REFERENCE},
        "required": ["condition", "objectReference"],
    },
}
_DURATION = r"^[+]?([0-9]*\.?[0-9]+(ns|us|µs|μs|ms|s|m|h))+$"
SHAPES: dict[Kind, Json] = {
    Kind.TEXT: _SCALAR,
    Kind.NAMES: _TEXT,
    Kind.TEXTS: _ONE_OR_MORE,
    Kind.YAML_TEXTS: _ONE_OR_MORE,
    Kind.BOOLEAN: _SCALAR,
    Kind.REPLICAS: {"anyOf": [{"type": "integer", "minimum": 0}, _TEXT]},
    Kind.WORKLOAD: _TEXT,
    Kind.DURATION: {"anyOf": [{"type": "string", "pattern": _DURATION}, TEMPLATE]},
    Kind.QUANTITY: {"type": ["string", "number"]},
    Kind.IMAGE: _TEXT,
    Kind.MOUNTS: _TEXT_MAP,
    Kind.LABELS: _TEXT_MAP,
    Kind.POD_LABELS: _TEXT_MAP,
    Kind.POD_ANNOTATIONS: _TEXT_MAP,
    Kind.POD_OVERRIDE: {"type": "object"},
    Kind.REFERENCE: _REFERENCE,
    Kind.CONDITIONS: {
        "type": "object",
        "properties": {"anyOf": _CONDITION_LIST, "allOf": _CONDITION_LIST},
        "minProperties": 1,
    },
    Kind.MANIFEST: _TEXT,
}
"""What a value of each kind looks like."""
NAMED: dict[str, Fields] = {
    "action": ACTION,
    "artifact": ARTIFACT,
    "objectReference": OBJECT_REFERENCE,
    "phase": PHASE,
}
"""What gets a definition of its own."""
DESCRIPTIONS = {
    "actions": "What can be run, by name. Kasten calls backupPrehook, backup, backupPosthook, "
    "restorePrehook, restore, restorePosthook and delete.",
    "apiVersion": "cr.kanister.io/v1alpha1. In a reference to an object the version alone.",
    "args": "Arguments of the function. Strings are Go templates.",
    "configMapNames": "ConfigMaps that the ActionSet must bring, as .ConfigMaps.NAME.",
    "deferPhase": "Runs after the last phase in any case, also when one has failed.",
    "func": "Function of Kanister that the phase runs.",
    "group": "API group; empty for the core.",
    "inputArtifactNames": "Artifacts of an earlier action, as .ArtifactsIn.NAME.",
    "keyValue": "What the artifact holds, by key. Values are Go templates.",
    "kind": "Kind of the object. For an action it is a note to people.",
    "kopiaSnapshot": "Output of `kando location push`, for Kasten.",
    "metadata": "Name, namespace, labels and annotations.",
    "name": "Name. Those of phases are unique in the whole Blueprint.",
    "namespace": "Namespace. A Blueprint belongs into that of its controller.",
    "objects": "Secrets and ConfigMaps that the phase reads, as .Phases.PHASE.Secrets.NAME.",
    "outputArtifacts": "What the action hands on to others, made when all its phases are done.",
    "phases": "Steps of the action, run in this order until one fails.",
    "resource": "Resource in the plural, such as kafkas.",
    "secretNames": "Secrets that the ActionSet must bring, as .Secrets.NAME.",
}
SPELLING = Spelling(NAMED, DESCRIPTIONS)


def json_schema(release: str) -> Json:
    """Return the JSON Schema of a Blueprint for a release of Kanister.

    Raises KeyError where there is no such release; `releases.parse_release` gives known ones.
    """
    known = functions(release)
    phase = SPELLING.fields(PHASE)
    phase["properties"] = {
        **SPELLING.properties(PHASE),
        "func": {
            "description": DESCRIPTIONS["func"],
            "oneOf": [{"const": f.name, "description": f.description} for f in known.values()],
        },
    }
    phase["allOf"] = [_branch(function) for function in known.values()]
    top = SPELLING.fields(BLUEPRINT)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"Blueprint of Kanister {release}",
        **top,
        "properties": {
            **SPELLING.properties(BLUEPRINT),
            "apiVersion": {"const": "cr.kanister.io/v1alpha1"},
            "kind": {"const": "Blueprint"},
        },
        "definitions": {
            **{name: SPELLING.fields(fields) for name, fields in NAMED.items()},
            "phase": phase,
            **{f"{name}.args": _arguments(function) for name, function in known.items()},
        },
    }


def _branch(function: Function) -> Json:
    arguments = {"args": {"$ref": f"#/definitions/{function.name}.args"}}
    then: Json = {"properties": arguments}
    if function.required:
        then["required"] = ["args"]
    return {
        "if": {"properties": {"func": {"const": function.name}}, "required": ["func"]},
        "then": then,
    }


def _arguments(function: Function) -> Json:
    return {
        "type": "object",
        "description": function.description,
        "properties": {name: _argument(one) for name, one in function.arguments.items()},
        "required": list(function.required),
        "additionalProperties": False,
    }


def _argument(argument: Argument) -> Json:
    shape = SHAPES[argument.kind]
    if argument.choices and argument.kind is Kind.TEXT:
        shape = {"anyOf": [{"enum": list(argument.choices)}, TEMPLATE]}
    made: Json = {"description": argument.description, **shape}
    if argument.default:
        made["description"] = f"{argument.description} Default: {argument.default}."
    # draft 7 takes nothing beside a $ref into account
    return {"allOf": [shape], "description": made["description"]} if "$ref" in shape else made
