"""A statement of a resource in the words of JSON Schema, draft 7."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kanister_kafka.blueprint.schema import (
    Anything,
    Fields,
    ListOf,
    MapOf,
    OneOf,
    Text,
    Told,
    Truth,
    Type,
    Whole,
)

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Spelling:
    """How the types of a statement are spelled."""

    named: Mapping[str, Fields] = field(default_factory=dict)
    """What has a definition of its own."""
    about: Mapping[str, str] = field(default_factory=dict)
    """What a field of this name means, wherever it stands."""

    def type(self, wanted: Type) -> Json:
        """Spell a type."""
        match wanted:
            case Anything():
                return {}
            case Text():
                rule = wanted.rule
                pattern: Json = {"pattern": f"^(?:{rule.pattern.pattern})$"} if rule else {}
                return {"type": "string", **pattern}
            case OneOf():
                word = "examples" if wanted.open else "enum"
                return {"type": "string", word: list(wanted.choices)}
            case Whole():
                most: Json = {} if wanted.most is None else {"maximum": wanted.most}
                return {"type": "integer", "minimum": wanted.least, **most}
            case Truth():
                return {"type": "boolean"}
            case ListOf():
                least: Json = {"minItems": wanted.least} if wanted.least else {}
                return {"type": "array", "items": self.type(wanted.item), **least}
            case MapOf():
                least = {"minProperties": wanted.least} if wanted.least else {}
                values = self.type(wanted.value)
                return {"type": "object", "additionalProperties": values, **least}
            case Told():
                source = wanted.source
                return _beside(self.type(wanted.type), description=wanted.says, comment=source)
            case Fields():
                named = (name for name, fields in self.named.items() if fields is wanted)
                name = next(named, None)
                return {"$ref": f"#/definitions/{name}"} if name else self.fields(wanted)

    def fields(self, wanted: Fields) -> Json:
        """Spell an object."""
        least: Json = {"minProperties": wanted.least} if wanted.least else {}
        return {
            "type": "object",
            "properties": self.properties(wanted),
            "required": sorted(wanted.required),
            "additionalProperties": wanted.open,
            **least,
        }

    def properties(self, wanted: Fields) -> Json:
        """Spell the fields of an object, each with what it means."""
        made: Json = {}
        for name, value in wanted.known.items():
            shape = self.type(value)
            known = name in self.about
            made[name] = _beside(shape, description=self.about[name]) if known else shape
        return made


def _beside(shape: Json, *, description: str, comment: str = "") -> Json:
    """Add words to a shape; draft 7 takes nothing beside a $ref into account."""
    words: Json = {"description": description, **({"$comment": comment} if comment else {})}
    return {"allOf": [shape], **words} if "$ref" in shape else {**shape, **words}
