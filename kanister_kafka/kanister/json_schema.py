"""The Blueprint resource as a JSON Schema, for editors: the same statement in another spelling.

Draft 7, which yaml-language-server reads best. It is looser than the checks where JSON Schema has
no words for a rule; a string may always be a template.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kanister_kafka.kanister.function_catalog import KanisterFunction, functions
from kanister_kafka.kanister.function_types import ArgumentType, FunctionArgument
from kanister_kafka.kanister.schema_validator import (
    ACTION,
    ARTIFACT,
    BLUEPRINT,
    OBJECT_REFERENCE,
    PHASE,
    AnySchema,
    BooleanSchema,
    DocumentedSchema,
    EnumSchema,
    IntegerSchema,
    ListSchema,
    MapSchema,
    ObjectSchema,
    StringSchema,
    Type,
)

# A statement of a resource in the words of JSON Schema, draft 7.

JsonSchema = dict[str, object]


@dataclass(frozen=True, slots=True)
class SchemaWriter:
    """The JSON Schema form of the types of a statement."""

    named: Mapping[str, ObjectSchema] = field(default_factory=dict)
    """Types with a definition of their own."""
    about: Mapping[str, str] = field(default_factory=dict)
    """The meaning of a field of this name, at any place."""

    def type(self, schema: Type) -> JsonSchema:
        """Spell a type."""
        match schema:
            case AnySchema():
                return {}
            case StringSchema():
                rule = schema.rule
                pattern: JsonSchema = {"pattern": f"^(?:{rule.pattern.pattern})$"} if rule else {}
                return {"type": "string", **pattern}
            case EnumSchema():
                word = "examples" if schema.open else "enum"
                return {"type": "string", word: list(schema.choices)}
            case IntegerSchema():
                most: JsonSchema = {} if schema.most is None else {"maximum": schema.most}
                return {"type": "integer", "minimum": schema.least, **most}
            case BooleanSchema():
                return {"type": "boolean"}
            case ListSchema():
                least: JsonSchema = {"minItems": schema.least} if schema.least else {}
                return {"type": "array", "items": self.type(schema.item), **least}
            case MapSchema():
                least = {"minProperties": schema.least} if schema.least else {}
                values = self.type(schema.value)
                return {"type": "object", "additionalProperties": values, **least}
            case DocumentedSchema():
                source = schema.source
                return _beside(self.type(schema.type), description=schema.says, comment=source)
            case ObjectSchema():
                named = (name for name, fields in self.named.items() if fields is schema)
                name = next(named, None)
                return {"$ref": f"#/definitions/{name}"} if name else self.fields(schema)

    def fields(self, schema: ObjectSchema) -> JsonSchema:
        """Return the schema of an object."""
        least: JsonSchema = {"minProperties": schema.least} if schema.least else {}
        return {
            "type": "object",
            "properties": self.properties(schema),
            "required": sorted(schema.required),
            "additionalProperties": schema.open,
            **least,
        }

    def properties(self, schema: ObjectSchema) -> JsonSchema:
        """Return the schemas of the fields of an object, each with its description."""
        properties: JsonSchema = {}
        for name, value in schema.known.items():
            shape = self.type(value)
            known = name in self.about
            properties[name] = _beside(shape, description=self.about[name]) if known else shape
        return properties


def _beside(shape: JsonSchema, *, description: str, comment: str = "") -> JsonSchema:
    """Add words to a shape; draft 7 ignores other keys next to a $ref."""
    words: JsonSchema = {"description": description, **({"$comment": comment} if comment else {})}
    return {"allOf": [shape], **words} if "$ref" in shape else {**shape, **words}


TEMPLATE: JsonSchema = {"type": "string", "pattern": r"\{\{"}
_TEXT: JsonSchema = {"type": "string"}
_TEXTS: JsonSchema = {"type": "array", "items": {"type": ["string", "number"]}}
_ONE_OR_MORE: JsonSchema = {"anyOf": [_TEXTS, _TEXT]}
_SCALAR: JsonSchema = {"type": ["string", "number", "boolean"]}
_OBJECT: JsonSchema = {"type": "object", "additionalProperties": _SCALAR}
_TEXT_MAP: JsonSchema = {"anyOf": [_OBJECT, {"type": "array", "items": _OBJECT}]}
_REFERENCE: JsonSchema = {"$ref": "#/definitions/objectReference"}
_CONDITION_LIST: JsonSchema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"condition": _TEXT, "objectReference": _REFERENCE},
        "required": ["condition", "objectReference"],
    },
}
_DURATION = r"^[+]?([0-9]*\.?[0-9]+(ns|us|µs|μs|ms|s|m|h))+$"
SHAPES: dict[ArgumentType, JsonSchema] = {
    ArgumentType.TEXT: _SCALAR,
    ArgumentType.NAMES: _TEXT,
    ArgumentType.TEXTS: _ONE_OR_MORE,
    ArgumentType.YAML_TEXTS: _ONE_OR_MORE,
    ArgumentType.BOOLEAN: _SCALAR,
    ArgumentType.REPLICAS: {"anyOf": [{"type": "integer", "minimum": 0}, _TEXT]},
    ArgumentType.WORKLOAD: _TEXT,
    ArgumentType.DURATION: {"anyOf": [{"type": "string", "pattern": _DURATION}, TEMPLATE]},
    ArgumentType.QUANTITY: {"type": ["string", "number"]},
    ArgumentType.IMAGE: _TEXT,
    ArgumentType.MOUNTS: _TEXT_MAP,
    ArgumentType.LABELS: _TEXT_MAP,
    ArgumentType.POD_LABELS: _TEXT_MAP,
    ArgumentType.POD_ANNOTATIONS: _TEXT_MAP,
    ArgumentType.POD_OVERRIDE: {"type": "object"},
    ArgumentType.REFERENCE: _REFERENCE,
    ArgumentType.CONDITIONS: {
        "type": "object",
        "properties": {"anyOf": _CONDITION_LIST, "allOf": _CONDITION_LIST},
        "minProperties": 1,
    },
    ArgumentType.MANIFEST: _TEXT,
}
"""The shape of a value of each kind."""
NAMED: dict[str, ObjectSchema] = {
    "action": ACTION,
    "artifact": ARTIFACT,
    "objectReference": OBJECT_REFERENCE,
    "phase": PHASE,
}
"""Types that get a definition of their own."""
DESCRIPTIONS = {
    "actions": "Actions by name. Kasten calls backupPrehook, backup, backupPosthook, "
    "restorePrehook, restore, restorePosthook and delete.",
    "apiVersion": "cr.kanister.io/v1alpha1. In a reference to an object the version alone.",
    "args": "Arguments of the function. Strings are Go templates.",
    "configMapNames": "ConfigMaps that the ActionSet must bring, as .ConfigMaps.NAME.",
    "deferPhase": "Runs after the last phase in any case, also when one has failed.",
    "func": "Function of Kanister that the phase runs.",
    "group": "API group; empty for the core.",
    "inputArtifactNames": "Artifacts of an earlier action, as .ArtifactsIn.NAME.",
    "keyValue": "Values of the artifact, by key. They are Go templates.",
    "kind": "Kind of the object. For an action it is a note to people.",
    "kopiaSnapshot": "Output of `kando location push`, for Kasten.",
    "metadata": "Name, namespace, labels and annotations.",
    "name": "Name. Those of phases are unique in the whole Blueprint.",
    "namespace": "Namespace. A Blueprint belongs into that of its controller.",
    "objects": "Secrets and ConfigMaps that the phase reads, as .Phases.PHASE.Secrets.NAME.",
    "outputArtifacts": "Artifacts for other actions, made when all phases of the action are done.",
    "phases": "Steps of the action, run in this order until one fails.",
    "resource": "Resource in the plural, such as kafkas.",
    "secretNames": "Secrets that the ActionSet must bring, as .Secrets.NAME.",
}
SPELLING = SchemaWriter(NAMED, DESCRIPTIONS)


def json_schema(release: str) -> JsonSchema:
    """Return the JSON Schema of a Blueprint for a release of Kanister.

    Raises KeyError if there is no such release; `releases.parse_release` gives known ones.
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


def _branch(function: KanisterFunction) -> JsonSchema:
    arguments = {"args": {"$ref": f"#/definitions/{function.name}.args"}}
    then: JsonSchema = {"properties": arguments}
    if function.required:
        then["required"] = ["args"]
    return {
        "if": {"properties": {"func": {"const": function.name}}, "required": ["func"]},
        "then": then,
    }


def _arguments(function: KanisterFunction) -> JsonSchema:
    return {
        "type": "object",
        "description": function.description,
        "properties": {name: _argument(one) for name, one in function.arguments.items()},
        "required": list(function.required),
        "additionalProperties": False,
    }


def _argument(argument: FunctionArgument) -> JsonSchema:
    shape = SHAPES[argument.kind]
    if argument.choices and argument.kind is ArgumentType.TEXT:
        shape = {"anyOf": [{"enum": list(argument.choices)}, TEMPLATE]}
    schema: JsonSchema = {"description": argument.description, **shape}
    if argument.default:
        schema["description"] = f"{argument.description} Default: {argument.default}."
    # draft 7 ignores other keys next to a $ref
    return {"allOf": [shape], "description": schema["description"]} if "$ref" in shape else schema
