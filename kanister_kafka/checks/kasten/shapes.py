"""Shapes of Kasten's objects, held against what `kasten.kinds` states of them.

All of it warns: the schemas of these resources are not public.
"""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.blueprint import check_schema
from kanister_kafka.blueprint.schema import Type
from kanister_kafka.checks.kasten.objects import KastenObjects
from kanister_kafka.checks.kasten.rule import rule
from kanister_kafka.checks.kasten.spot import Spot
from kanister_kafka.checks.registry import Finding, Settings
from kanister_kafka.kasten import kinds
from kanister_kafka.problem import Severity

REQUIREMENTS = ("type", "namespace", "labels", "annotations")
ELSEWHERE = ("blueprint", "actionName", "blueprintRef.name", "spec.resources")
"""Fields whose absence has a check of its own."""


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
        flat = [found for spot in binding.requirements() for found in _flat(spot)]
        yield from flat
        within = tuple(found.path for found in flat)
        for found in _held_against(binding.root, kinds.KINDS["BlueprintBinding"]):
            if not found.path.startswith(within):
                yield found
        for requirement in binding.requirements():
            yield from _uncompared(requirement)


@rule("kasten-policy-shape", Severity.WARNING)
def policy_shape(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find what a Policy is not documented to hold, where the documentation is complete."""
    for policy in objects.policies:
        yield from _held_against(policy.at("spec"), kinds.POLICY)
        for action in policy.at("spec", "actions").each():
            yield from _misplaced(action)


@rule("kasten-restore-shape", Severity.WARNING)
def restore_shape(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find what a RestoreAction or a TransformSet is not documented to hold."""
    for restore in objects.restores:
        yield from _held_against(restore.at("spec"), kinds.RESTORE)
    for transforms in objects.transform_sets:
        yield from _held_against(transforms.at("spec"), kinds.TRANSFORM_SET)


def _held_against(spot: Spot, wanted: Type) -> Iterator[Finding]:
    if spot.node is not None:
        for problem in check_schema(spot.node, wanted, spot.path):
            if problem.check != "missing-field" or not problem.path.endswith(ELSEWHERE):
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


def _uncompared(requirement: Spot) -> Iterator[Finding]:
    for field in REQUIREMENTS:
        spot = requirement.at(field)
        operator, values = spot.at("operator"), spot.at("values")
        told = field == "type" and not values.there  # by its shape
        if operator.text in ("In", "NotIn") and not list(values.each()) and not told:
            message = f"Required value: operator {operator.text} compares with values"
            yield Finding(values.location, values.path, message)


def _misplaced(action: Spot) -> Iterator[Finding]:
    for field in ("hooks", "filters"):
        if action.at(field).there:
            spot = action.at(field)
            message = "ignored here: it belongs below the parameters of the action"
            yield Finding(spot.location, spot.path, message)
