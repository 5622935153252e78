"""References to objects, and the conditions of Wait and WaitV2, as Kanister decodes them."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.blueprint.arguments import Kind
from kanister_kafka.blueprint.compare import below
from kanister_kafka.blueprint.faults import (
    Faults,
    dropped,
    field_of,
    is_template,
    items_of,
    refused,
    string,
    text_of,
    wrong_type,
)
from kanister_kafka.blueprint.kubernetes_api import unserved
from kanister_kafka.document import MappingNode, Node, Scalar, Sequence

REFERENCE_FIELDS = ("apiVersion", "group", "resource", "kind", "name", "namespace")
"""Of ObjectReference in pkg/apis/cr/v1alpha1/types.go."""
CONDITION_FIELDS = ("condition", "objectReference")
CONDITION_LISTS = ("anyOf", "allOf")


def reference(path: str, node: Node) -> Faults:
    """Yield what is wrong with a reference to an object."""
    if not isinstance(node, MappingNode):
        yield wrong_type(node, path, Kind.REFERENCE.value)
        return
    yield from dropped(path, node, REFERENCE_FIELDS, "a reference to an object")
    for entry in node.entries:
        if entry.key.lower() in [name.lower() for name in REFERENCE_FIELDS]:
            yield from string(below(path, entry.key), entry.value)
    group, version, resource = (field_of(node, x) for x in ("group", "apiVersion", "resource"))
    if isinstance(version, Scalar) and "/" in text_of(version) and not is_template(version.text):
        head, _slash, tail = text_of(version).rpartition("/")
        advice = f"must be the version alone: group: {head} and apiVersion: {tail}"
        yield refused(version, below(path, "apiVersion"), advice)
        return
    names = text_of(group), text_of(resource)
    fault = "" if any(map(is_template, names)) else unserved(*names)
    if fault and isinstance(resource, Scalar) and names[1]:
        yield refused(resource, below(path, "resource"), fault)


def conditions(path: str, node: Node | None) -> Iterator[tuple[str, Node]]:
    """Yield the conditions of Wait and WaitV2 with their field paths."""
    for name in CONDITION_LISTS:
        listed = field_of(node, name)
        for i, item in enumerate(items_of(listed)):
            place = below(path, name)
            yield (f"{place}[{i}]" if isinstance(listed, Sequence) else place), item


def condition_lists(path: str, node: Node) -> Faults:
    """Yield what is wrong with the lists of conditions."""
    if not isinstance(node, MappingNode):
        yield wrong_type(node, path, Kind.CONDITIONS.value)
        return
    yield from dropped(path, node, CONDITION_LISTS, "this mapping")
    for place, item in conditions(path, node):
        if not isinstance(item, MappingNode):
            if not isinstance(item, Scalar) or item.value is not None:
                yield wrong_type(item, place, "a mapping with condition and objectReference")
            continue
        yield from dropped(place, item, CONDITION_FIELDS, "a condition")
        condition, target = field_of(item, "condition"), field_of(item, "objectReference")
        if condition is not None:
            yield from string(below(place, "condition"), condition)
        if target is not None and (not isinstance(target, Scalar) or target.value is not None):
            yield from reference(below(place, "objectReference"), target)
