"""Shapes of Kasten's objects, as far as its documentation and the guides that use it settle them.

All of it warns: the schemas of these resources are not public. What is known of a binding is on
docs.kasten.io/api/blueprintbindings; of hooks, on kanister/hooks.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

from kanister_kafka.blueprint import check_schema
from kanister_kafka.blueprint.schema import METADATA, Anything, Fields, ListOf, MapOf, Text, Type
from kanister_kafka.checks.kasten.objects import (
    MOMENTS,
    OPERATIONS,
    KastenObjects,
    parameters,
)
from kanister_kafka.checks.kasten.rule import rule
from kanister_kafka.checks.kasten.spot import Spot
from kanister_kafka.checks.registry import Finding, Settings
from kanister_kafka.problem import Severity

FREQUENCIES = ("@onDemand", "@hourly", "@daily", "@weekly", "@monthly", "@yearly")
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
REQUIREMENTS = ("type", "namespace", "labels", "annotations")
GVRN: dict[str, Type] = dict.fromkeys(("group", "version", "resource", "name"), Text())
_SET: dict[str, Type] = {"operator": Text(), "values": ListOf(Text())}
_KEYED = Fields({"key": Text(), **_SET}, frozenset({"key", "operator"}))
REQUIREMENT = Fields(
    {
        "type": Fields(
            {"operator": Text(), "values": ListOf(Fields(GVRN))}, frozenset({"operator", "values"})
        ),
        "namespace": Fields(_SET, frozenset({"operator"})),
        "labels": _KEYED,
        "annotations": _KEYED,
    }
)
BINDING = Fields(
    {
        "apiVersion": Text(),
        "kind": Text(),
        "metadata": METADATA,
        "spec": Fields(
            {
                "disabled": Anything(),
                "blueprintRef": Fields({"name": Text(), "namespace": Text()}),
                "resources": Fields(
                    {"matchAll": ListOf(Anything()), "matchAny": ListOf(Anything())}
                ),
            }
        ),
        "status": Anything(),
    }
)
HOOKS = Fields(dict.fromkeys(MOMENTS, Fields({"blueprint": Text(), "actionName": Text()})))
FILTER = Fields(
    {**GVRN, "matchLabels": MapOf(Text()), "matchExpressions": ListOf(Anything())},
)
FILTERS = Fields({"includeResources": ListOf(FILTER), "excludeResources": ListOf(FILTER)})
ACTIONS = (*OPERATIONS, "import")
PARAMETERS = tuple(f"{action}Parameters" for action in ACTIONS)


@rule("kasten-binding-incomplete")
def binding_incomplete(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find bindings without a Blueprint or without a requirement, which Kasten calls invalid."""
    for binding in objects.bindings:
        if not binding.blueprint.there:
            name = binding.blueprint
            yield Finding(name.location, name.path, "Required value: the Blueprint to run")
        if not any(requirement.there for requirement in binding.requirements()):
            spot = binding.root.at("spec", "resources")
            message = "Required value: a binding without matchAll and matchAny is invalid"
            yield Finding(spot.location, spot.path, message)


@rule("kasten-binding-shape", Severity.WARNING)
def binding_shape(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find what a BlueprintBinding is not documented to hold."""
    for binding in objects.bindings:
        yield from _held_against(binding.root, BINDING)
        for requirement in binding.requirements():
            flat = list(_flat(requirement))
            yield from flat or _held_against(requirement, REQUIREMENT)
            yield from _operators(requirement)


@rule("kasten-policy-shape", Severity.WARNING)
def policy_shape(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find what a Policy is not documented to hold, where the documentation is complete."""
    for policy in objects.policies:
        frequency = policy.at("spec", "frequency")
        if frequency.text and frequency.text not in FREQUENCIES:
            yield _unsupported(frequency, FREQUENCIES)
        for action in policy.at("spec", "actions").each():
            name = action.at("action")
            if near := _near(name.text, ACTIONS):
                message = f'Unsupported value: "{name.text}": did you mean "{near}"?'
                yield Finding(name.location, name.path, message)
            yield from _misspelt(action, PARAMETERS)
            yield from _misplaced_hooks(action)
        for _operation, spot in parameters(policy):
            yield from _misspelt(spot, ("hooks", "filters", "profile"))
            for field, wanted in (("hooks", HOOKS), ("filters", FILTERS)):
                if spot.at(field).there:
                    yield from _held_against(spot.at(field), wanted)


def _held_against(spot: Spot, wanted: Type) -> Iterator[Finding]:
    if spot.node is not None:
        for problem in check_schema(spot.node, wanted, spot.path):
            yield Finding(problem.location, problem.path, problem.message)


def _flat(requirement: Spot) -> Iterator[Finding]:
    """Yield the two forms that guides show and the documentation does not."""
    kind, place = requirement.at("type"), requirement.at("namespace")
    if kind.at("resource").there and not kind.at("values").there:
        message = "not documented in this form: use operator: In and values: [{group, resource}]"
        yield Finding(kind.location, kind.path, message)
    if place.at("nameSelector").there:
        message = "not documented in this form: use operator: In and values with the names"
        yield Finding(place.location, place.path, message)


def _operators(requirement: Spot) -> Iterator[Finding]:
    for field in REQUIREMENTS:
        spot = requirement.at(field)
        operator = spot.at("operator")
        if operator.text and operator.text not in OPERATORS:
            yield _unsupported(operator, OPERATORS)
        elif operator.text in ("In", "NotIn") and not list(spot.at("values").each()):
            values = spot.at("values")
            if field != "type" or values.there:  # a type without values is told by its shape
                message = f"Required value: operator {operator.text} compares with values"
                yield Finding(values.location, values.path, message)


def _misplaced_hooks(action: Spot) -> Iterator[Finding]:
    for field in ("hooks", "filters"):
        if action.at(field).there:
            spot = action.at(field)
            message = "ignored here: it belongs below the parameters of the action"
            yield Finding(spot.location, spot.path, message)


def _misspelt(spot: Spot, known: Collection[str]) -> Iterator[Finding]:
    for key, place in spot.named():
        if near := _near(key, known):
            message = f'unknown field; did you mean "{near}"?'
            yield Finding(place, spot.at(key).path, message)


def _near(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.75) if name not in known else []
    return near[0] if near else ""


def _unsupported(spot: Spot, known: Collection[str]) -> Finding:
    near = _near(spot.text, known)
    hint = f'did you mean "{near}"?' if near else f"supported values: {', '.join(known)}"
    return Finding(spot.location, spot.path, f'Unsupported value: "{spot.text}": {hint}')
