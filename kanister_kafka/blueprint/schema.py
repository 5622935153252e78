"""Our own statement of the Blueprint resource, and the walk that holds a document against it.

The schema of Kanister's CRD knows types only: no field is required, and an unknown one is dropped
in silence by the API server. What is required here is what the controller needs at run time
(pkg/apis/cr/v1alpha1/types.go, pkg/controller/controller.go at 0.119.0).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Union

from kanister_kafka.blueprint import names
from kanister_kafka.blueprint.names import Rule
from kanister_kafka.document import Entry, MappingNode, Node, Scalar, Sequence
from kanister_kafka.problem import Location, Problem, error


@dataclass(frozen=True, slots=True)
class Text:
    """A string."""

    rule: Rule | None = None
    """What Kubernetes wants of it besides, if anything."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value: checked elsewhere, or not ours to check."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of one type."""

    item: Type
    least: int = 0


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping with keys of the author's choice."""

    value: Type
    least: int = 0
    key: Rule | None = None


@dataclass(frozen=True, slots=True)
class Fields:
    """An object with known fields only."""

    known: Mapping[str, Type]
    required: frozenset[str] = field(default_factory=frozenset)


Type = Union[Text, Anything, ListOf, MapOf, Fields]

OBJECT_REFERENCE = Fields(
    dict.fromkeys(("apiVersion", "group", "kind", "name", "namespace", "resource"), Text())
)
PHASE = Fields(
    {
        "func": Text(),
        "name": Text(),
        "objects": MapOf(OBJECT_REFERENCE),
        "args": MapOf(Anything()),
    },
    frozenset({"func"}),
)
ARTIFACT = Fields({"keyValue": MapOf(Text()), "kopiaSnapshot": Text()})
ACTION = Fields(
    {
        "name": Text(),
        "kind": Text(),
        "configMapNames": ListOf(Text()),
        "secretNames": ListOf(Text()),
        "inputArtifactNames": ListOf(Text()),
        "outputArtifacts": MapOf(ARTIFACT),
        "phases": ListOf(PHASE, least=1),
        "deferPhase": PHASE,
    },
    frozenset({"phases"}),
)
METADATA = Fields(
    {
        "name": Text(names.SUBDOMAIN),
        "generateName": Text(names.PREFIX),
        "namespace": Text(names.LABEL),
        "labels": MapOf(Text(names.LABEL_VALUE), key=names.QUALIFIED),
        "annotations": MapOf(Text(), key=names.QUALIFIED),
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
            Anything(),
        ),
    }
)
BLUEPRINT = Fields(
    {
        "apiVersion": Text(),
        "kind": Text(),
        "metadata": METADATA,
        "actions": MapOf(ACTION, least=1),
    },
    frozenset({"apiVersion", "kind", "metadata", "actions"}),
)


def check_schema(node: Node, wanted: Type = BLUEPRINT, path: str = "") -> Iterator[Problem]:
    """Yield every unknown or missing field and every wrong type below a node."""
    match wanted:
        case Anything():
            return
        case Text():
            if not isinstance(node, Scalar) or not isinstance(node.value, str):
                yield _wrong(node, path, "a string")
            elif wanted.rule and not wanted.rule.allows(node.value):
                yield _invalid_name(node.location, path, node.value, wanted.rule)
        case ListOf():
            yield from _check_list(node, wanted, path)
        case MapOf():
            yield from _check_map(node, wanted, path)
        case Fields():
            yield from _check_fields(node, wanted, path)


def _check_list(node: Node, wanted: ListOf, path: str) -> Iterator[Problem]:
    if not isinstance(node, Sequence):
        yield _wrong(node, path, "a list")
        return
    if len(node.items) < wanted.least:
        yield error("missing-field", node.location, path, "Required value: the list is empty")
    for i, item in enumerate(node.items):
        yield from check_schema(item, wanted.item, f"{path}[{i}]")


def _check_map(node: Node, wanted: MapOf, path: str) -> Iterator[Problem]:
    if not isinstance(node, MappingNode):
        yield _wrong(node, path, "an object")
        return
    if len(node.entries) < wanted.least:
        yield error("missing-field", node.location, path, "Required value: the object is empty")
    for entry in node.entries:
        if wanted.key and not wanted.key.allows(entry.key):
            yield _invalid_name(entry.location, path, entry.key, wanted.key)
        yield from check_schema(entry.value, wanted.value, below(path, entry.key))


def _check_fields(node: Node, wanted: Fields, path: str) -> Iterator[Problem]:
    if not isinstance(node, MappingNode):
        yield _wrong(node, path, "an object")
        return
    for entry in node.entries:
        if _is_null(entry.value) and entry.key in wanted.known:
            continue  # the API server drops null where it knows the field
        if entry.key in wanted.known:
            yield from check_schema(entry.value, wanted.known[entry.key], below(path, entry.key))
        else:
            yield _unknown(entry, wanted, path)
    given = {entry.key for entry in node.entries if not _is_null(entry.value)}
    for name in sorted(wanted.required - given):
        yield error("missing-field", node.location, below(path, name), "Required value")


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _invalid_name(location: Location, path: str, text: str, rule: Rule) -> Problem:
    message = f'Invalid value: "{text[:60]}": must be {rule.says}'
    return error("invalid-name", location, path, message)


def _unknown(entry: Entry, wanted: Fields, path: str) -> Problem:
    near = difflib.get_close_matches(entry.key, wanted.known, n=1)
    known = f'did you mean "{near[0]}"?' if near else f"known fields: {', '.join(wanted.known)}"
    message = f"unknown field: kubectl refuses it, other clients drop it in silence; {known}"
    return error("unknown-field", entry.location, below(path, entry.key), message)


def _wrong(node: Node, path: str, wanted: str) -> Problem:
    if isinstance(node, Scalar):
        shown = node.text[:60] or "null"
        if isinstance(node.value, str):
            shown = json.dumps(node.text[:60], ensure_ascii=False)
    else:
        shown = "an object" if isinstance(node, MappingNode) else "a list"
    message = f"Invalid value: {shown}: must be {wanted}"
    return error("wrong-type", node.location, path, message)


def below(path: str, key: str) -> str:
    """Return the path of a key below a path."""
    return f"{path}.{key}" if path else key
