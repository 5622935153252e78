"""The schema of the Blueprint resource, and the walk that compares a node with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, Union

from kanister_kafka.diagnostics import Diagnostic, Location, error
from kanister_kafka.kube import names
from kanister_kafka.kube.names import NameRule
from kanister_kafka.similarity import nearest_name
from kanister_kafka.yamldoc import MappingEntry, MappingNode, Node, Scalar, Sequence
from kanister_kafka.yamldoc.nodes import is_set

# Statement of the Blueprint resource, and the types that a statement is made of.
#
# The schema of Kanister's CRD knows types only: no field is required, and an unknown one is dropped
# in silence by the API server. What is required here is what the controller needs at run time
# (pkg/apis/cr/v1alpha1/types.go, pkg/controller/controller.go at 0.119.0).


class StringSchema(NamedTuple):
    """A string."""

    rule: NameRule | None = None
    """Further condition of Kubernetes, if any."""


class EnumSchema(NamedTuple):
    """One of some strings."""

    choices: tuple[str, ...]
    open: bool = False
    """Whether there may be more that is unknown here; a name near a known one is still wrong."""


class IntegerSchema(NamedTuple):
    """A whole number."""

    least: int = 0
    most: int | None = None
    """None for no bound."""


@dataclass(frozen=True, slots=True)
class BooleanSchema:
    """True or false."""


@dataclass(frozen=True, slots=True)
class AnySchema:
    """Any value: checked elsewhere, or not at all."""


class ListSchema(NamedTuple):
    """A list of one type."""

    item: Type
    least: int = 0


class MapSchema(NamedTuple):
    """A mapping with keys of the author's choice."""

    value: Type
    least: int = 0
    key: NameRule | None = None


class ObjectSchema(NamedTuple):
    """An object with known fields."""

    known: Mapping[str, Type]
    required: frozenset[str] = frozenset()
    open: bool = False
    """Whether there may be more that is unknown here; a name near a known one is still wrong."""
    least: int = 0
    """How many of them there must be."""
    synonyms: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    """Known fields by words that authors use for them, in lower case and without separators."""


class DocumentedSchema(NamedTuple):
    """A type, with its meaning and the source of that."""

    type: Type
    says: str
    source: str
    """A public page, or in words what it is known from."""


Type = Union[
    StringSchema,
    EnumSchema,
    IntegerSchema,
    BooleanSchema,
    AnySchema,
    ListSchema,
    MapSchema,
    ObjectSchema,
    DocumentedSchema,
]

OBJECT_REFERENCE = ObjectSchema(
    dict.fromkeys(("apiVersion", "group", "kind", "name", "namespace", "resource"), StringSchema())
)
PHASE = ObjectSchema(
    {
        "func": StringSchema(),
        "name": StringSchema(),
        "objects": MapSchema(OBJECT_REFERENCE),
        "args": MapSchema(AnySchema()),
    },
    frozenset({"func"}),
)
ARTIFACT = ObjectSchema({"keyValue": MapSchema(StringSchema()), "kopiaSnapshot": StringSchema()})
ACTION = ObjectSchema(
    {
        "name": StringSchema(),
        "kind": StringSchema(),
        "configMapNames": ListSchema(StringSchema()),
        "secretNames": ListSchema(StringSchema()),
        "inputArtifactNames": ListSchema(StringSchema()),
        "outputArtifacts": MapSchema(ARTIFACT),
        "phases": ListSchema(PHASE, least=1),
        "deferPhase": PHASE,
    },
    frozenset({"phases"}),
)
METADATA = ObjectSchema(
    {
        "name": StringSchema(names.SUBDOMAIN),
        "generateName": StringSchema(names.PREFIX),
        "namespace": StringSchema(names.LABEL),
        "labels": MapSchema(StringSchema(names.LABEL_VALUE), key=names.QUALIFIED),
        "annotations": MapSchema(StringSchema(), key=names.QUALIFIED),
        **dict.fromkeys(
            (
                "creationTimestamp",
                "deletionGracePeriodSeconds",
                "deletionTimestamp",
                "finalizers",
                "generation",
                "managedFields",
                "ownerReferences",
                "resourceVersion",
                "selfLink",
                "uid",
            ),
            AnySchema(),
        ),
    }
)
BLUEPRINT = ObjectSchema(
    {
        "apiVersion": StringSchema(),
        "kind": StringSchema(),
        "metadata": METADATA,
        "actions": MapSchema(ACTION, least=1),
    },
    frozenset({"apiVersion", "kind", "metadata", "actions"}),
)


STRING = "a string"
NEAR = 0.75
"""Ratio of difflib from which on a word is taken for a misspelling of another."""


def validate_schema(node: Node, schema: Type = BLUEPRINT, path: str = "") -> Iterator[Diagnostic]:
    """Yield every unknown or missing field and every wrong type below a node."""
    match schema:
        case AnySchema():
            return
        case StringSchema():
            if not isinstance(node, Scalar) or not isinstance(node.value, str):
                yield _wrong(node, path, STRING)
            elif schema.rule and not schema.rule.allows(node.value):
                yield _invalid_name(node.location, path, node.value, schema.rule)
        case ListSchema():
            yield from _check_list(node, schema, path)
        case EnumSchema():
            yield from _check_choice(node, schema, path)
        case IntegerSchema():
            yield from _check_whole(node, schema, path)
        case BooleanSchema():
            is_truth = isinstance(node, Scalar) and isinstance(node.value, bool)
            if not is_truth and not _is_placeholder(node):
                yield _wrong(node, path, "a boolean")
        case DocumentedSchema():
            yield from validate_schema(node, schema.type, path)
        case MapSchema():
            yield from _check_map(node, schema, path)
        case ObjectSchema():
            yield from _check_fields(node, schema, path)


def _check_choice(node: Node, schema: EnumSchema, path: str) -> Iterator[Diagnostic]:
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        yield _wrong(node, path, STRING)
        return
    if node.value in schema.choices or _is_placeholder(node):
        return
    near = did_you_mean(node.value, schema.choices)
    if near or not schema.open:
        hint = f'did you mean "{near}"?' if near else f"supported values: {_listed(schema.choices)}"
        message = f'Unsupported value: "{node.value[:60]}": {hint}'
        yield error("wrong-type", node.location, path, message)


def _check_whole(node: Node, schema: IntegerSchema, path: str) -> Iterator[Diagnostic]:
    value = node.value if isinstance(node, Scalar) else None
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= schema.least
    if whole and schema.most is not None and isinstance(value, int):
        whole = value <= schema.most
    if not whole and not _is_placeholder(node):
        least = "zero" if schema.least == 0 else schema.least
        bounds = f"{schema.least} to {schema.most}"
        far = f"not below {least}" if schema.most is None else bounds
        yield _wrong(node, path, f"a whole number, {far}")


def _check_list(node: Node, schema: ListSchema, path: str) -> Iterator[Diagnostic]:
    if not isinstance(node, Sequence):
        yield _wrong(node, path, "a list")
        return
    if len(node.items) < schema.least:
        yield error("missing-field", node.location, path, "Required value: the list is empty")
    for i, item in enumerate(node.items):
        yield from validate_schema(item, schema.item, f"{path}[{i}]")


def _check_map(node: Node, schema: MapSchema, path: str) -> Iterator[Diagnostic]:
    if not isinstance(node, MappingNode):
        yield _wrong(node, path, "an object")
        return
    if len(node.entries) < schema.least:
        yield error("missing-field", node.location, path, "Required value: the object is empty")
    for entry in node.entries:
        if schema.key and not schema.key.allows(entry.key):
            yield _invalid_name(entry.location, path, entry.key, schema.key)
        yield from validate_schema(entry.value, schema.value, child_path(path, entry.key))


def _check_fields(node: Node, schema: ObjectSchema, path: str) -> Iterator[Diagnostic]:
    if not isinstance(node, MappingNode):
        yield _wrong(node, path, "an object")
        return
    given = {entry.key for entry in node.entries if is_set(entry.value)}
    for entry in node.entries:
        if not is_set(entry.value) and entry.key in schema.known:
            continue  # the API server drops null if it knows the field
        if entry.key in schema.known:
            yield from validate_schema(
                entry.value, schema.known[entry.key], child_path(path, entry.key)
            )
        elif not schema.open or did_you_mean(entry.key, schema.known):
            yield _unknown(entry, schema, path, given)
    for name in sorted(schema.required - given):
        yield error("missing-field", node.location, child_path(path, name), "Required value")
    if len(given) < schema.least:
        message = f"Required value: at least {schema.least} of {_listed(schema.known)}"
        yield error("missing-field", node.location, path, message)


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return what a name that is not known was probably meant to be, or an empty string."""
    return "" if name in known else nearest_name(name, known, similarity=NEAR)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _is_placeholder(node: Node) -> bool:
    value = node.value if isinstance(node, Scalar) else None
    return isinstance(value, str) and has_placeholder(value)


def has_placeholder(text: str) -> bool:
    """Return whether Helm or envsubst is yet to fill something in, of a type that is not known."""
    return "{{" in text or "${" in text


def _invalid_name(location: Location, path: str, text: str, rule: NameRule) -> Diagnostic:
    message = f'Invalid value: "{text[:60]}": must be {rule.says}'
    return error("invalid-name", location, path, message)


def _unknown(
    entry: MappingEntry, schema: ObjectSchema, path: str, given: Collection[str]
) -> Diagnostic:
    meant = _meant(entry.key, schema, given)
    known = f"did you mean {meant}?" if meant else f"known fields: {', '.join(schema.known)}"
    message = f"unknown field: kubectl refuses it, other clients drop it in silence; {known}"
    return error("unknown-field", entry.location, child_path(path, entry.key), message)


def _meant(name: str, schema: ObjectSchema, given: Collection[str]) -> str:
    """Return the quoted fields that a name is for, as its meaning or its letters show."""
    plain = "".join(filter(str.isalnum, name.lower()))
    others = [one for one in schema.synonyms.get(plain, ()) if one not in given]
    near = nearest_name(name, schema.known)
    return " and ".join(f'"{one}"' for one in others or ([near] if near else []))


def _wrong(node: Node, path: str, expected: str) -> Diagnostic:
    note = ""
    if isinstance(node, Scalar):
        note = node.boolean_note if expected == STRING else ""
        shown = node.text[:60] or "null"
        if isinstance(node.value, str):
            import json  # slow to import, and needed if something is wrong

            shown = json.dumps(node.text[:60], ensure_ascii=False)
    else:
        shown = "an object" if isinstance(node, MappingNode) else "a list"
    message = f"Invalid value: {shown}: must be {expected}{note}"
    return error("wrong-type", node.location, path, message)


def child_path(path: str, key: str) -> str:
    """Return the path of a key below a path."""
    return f"{path}.{key}" if path else key
