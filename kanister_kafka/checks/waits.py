"""Conditions of Wait and WaitV2: those that are never met, and those that do not ask anything."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kanister_kafka.blueprint import Blueprint, below
from kanister_kafka.blueprint.faults import field_of, is_template, shown
from kanister_kafka.blueprint.jsonpath import IN_A_CONDITION
from kanister_kafka.blueprint.kubernetes_api import NAMESPACED, OF_THE_CLUSTER
from kanister_kafka.blueprint.object_references import conditions
from kanister_kafka.checks.conditions import faults
from kanister_kafka.checks.functions import called
from kanister_kafka.checks.registry import Finding, Settings, check
from kanister_kafka.document import MappingNode, Node, Scalar
from kanister_kafka.problem import Severity

WAITS = ("Wait", "WaitV2")
CONSTANT = re.compile(r"[\"`](?:\$[.\[]|\{\s*\.)")
"""A string of a template that means a path, and that Wait does not take for one."""
CUSTOM = frozenset([("snapshot.storage.k8s.io", "volumesnapshots")])
"""Custom resources that live in a namespace, besides those of Strimzi."""
NEEDED = ("apiVersion", "resource", "name")


@check("wait-condition")
def wait_condition(blueprint: Blueprint, settings: Settings) -> Iterator[Finding]:
    """Find conditions that cannot be met: the phase waits for the whole time-out, then fails."""
    for phase, function in called(blueprint, settings):
        node = phase.argument("conditions")
        if function.name not in WAITS or not isinstance(node, MappingNode):
            continue
        path = f"{phase.path}.args.conditions"
        found = [(place, item) for place, item in conditions(path, node) if not _is_null(item)]
        if not found:
            message = "Required value: without a condition in anyOf or allOf it waits to its end"
            yield Finding(node.location, path, message)
        for place, item in found:
            if isinstance(item, MappingNode):
                yield from _never(place, item, function.name)


def _never(path: str, item: MappingNode, function: str) -> Iterator[Finding]:
    condition, target = field_of(item, "condition"), field_of(item, "objectReference")
    if condition is None:
        yield Finding(item.location, below(path, "condition"), "Required value: it is never true")
    elif isinstance(condition, Scalar) and isinstance(condition.value, str):
        text = condition.value
        asks = is_template(text) or (function == "Wait" and IN_A_CONDITION.search(text))
        if not asks and text.strip() != "true":
            message = f"Invalid value: {shown(condition)}: without a template it is never true"
            yield Finding(condition.location, below(path, "condition"), message)
        for line, column, message in faults(text, function, *_resource(target)):
            place = condition.place(line, column)
            yield Finding(place, below(path, "condition"), f"Invalid value: {message}")
    if target is None:
        message = "Required value: nothing is looked at"
        yield Finding(item.location, below(path, "objectReference"), message)
    elif isinstance(target, MappingNode):
        for name in NEEDED:
            if _is_empty(field_of(target, name)):
                message = f"Required value: {function} finds no object without it"
                where = below(below(path, "objectReference"), name)
                yield Finding(target.location, where, message)
        yield from _place(below(path, "objectReference"), target, function)


def _resource(target: Node | None) -> tuple[str, str]:
    """Return group and resource of a reference; empty where only the run can tell."""
    found = (field_of(target, name) for name in ("group", "resource"))
    group, resource = (node.text if isinstance(node, Scalar) else "" for node in found)
    return ("", "") if is_template(group) or is_template(resource) else (group, resource)


def _place(path: str, target: MappingNode, function: str) -> Iterator[Finding]:
    """Find an object that is looked for in a namespace that it has not, or in none."""
    group, resource = _resource(target)
    namespace, where = field_of(target, "namespace"), below(path, "namespace")
    is_namespaced = (group, resource) in (NAMESPACED | CUSTOM) or group.endswith("strimzi.io")
    if resource and is_namespaced and _is_empty(namespace):
        message = f"Required value: {function} finds no {resource} outside of a namespace"
        yield Finding(target.location, where, message)
    if (group, resource) not in OF_THE_CLUSTER or _is_empty(namespace):
        return
    if isinstance(namespace, Scalar) and not is_template(namespace.text):
        message = f"Invalid value: {function} finds no {resource} in a namespace; leave it out"
        yield Finding(namespace.location, where, message)


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _is_empty(node: Node | None) -> bool:
    return node is None or (isinstance(node, Scalar) and node.value == "")


@check("wait-constant", Severity.WARNING)
def wait_constant(blueprint: Blueprint, settings: Settings) -> Iterator[Finding]:
    """Find paths that Wait does not replace: only `{ $.path }` is read from the object.

    Anything else between quotes is a string like any other, and not an empty one, so `if` takes it
    for true.
    """
    for phase, function in called(blueprint, settings):
        if function.name != "Wait":
            continue
        for path, item in conditions(f"{phase.path}.args.conditions", phase.argument("conditions")):
            node = field_of(item, "condition")
            if not isinstance(node, Scalar) or not is_template(node.text):
                continue
            for match in CONSTANT.finditer(node.text):
                message = 'is a constant string: Wait reads "{ $.path }", with braces and dollar'
                yield Finding(node.place_at(match.start() + 1), below(path, "condition"), message)
