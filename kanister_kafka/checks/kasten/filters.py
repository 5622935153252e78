"""Which resources bindings, Policies and restores name, and whether these fit together."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from kanister_kafka.checks.kasten.objects import (
    STRIMZI,
    KastenObjects,
    Resource,
    parameters,
)
from kanister_kafka.checks.kasten.rule import rule
from kanister_kafka.checks.kasten.spot import Spot
from kanister_kafka.checks.kasten.ties import Tie, covers, ties
from kanister_kafka.checks.registry import Finding, Settings
from kanister_kafka.problem import Severity

KNOWN = (
    "kafkabridges",
    "kafkaconnectors",
    "kafkaconnects",
    "kafkamirrormaker2s",
    "kafkamirrormakers",
    "kafkanodepools",
    "kafkarebalances",
    "kafkas",
    "kafkatopics",
    "kafkausers",
)
"""Plural names of Strimzi's resources in group kafka.strimzi.io (its CRDs, 0.23 to 0.51)."""
NO_OWNER = {
    "pods": "a pod is never the topmost owner of a volume",
    "persistentvolumeclaims": "no Blueprint is looked for on a claim",
    "replicasets": "its Deployment is the topmost owner",
    "strimzipodsets": "its owner is the KafkaNodePool or the Kafka",
}
"""Kasten looks for the Blueprint on the topmost owner of the pod that mounts the volume (field
reports); Strimzi's owners are set in NodePoolUtils.java and ModelUtils.java."""
NAMESPACE_LABEL = "k10.kasten.io/appNamespace"


@rule("kasten-binding-target", Severity.WARNING)
def binding_target(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find bindings to what owns no volume that Kasten would look at."""
    for binding in objects.bindings:
        strimzi = any(_of_strimzi(requirement) for requirement in binding.requirements())
        for resource in binding.resources():
            spot = resource.here.at("resource")
            why = NO_OWNER.get(resource.resource, "")
            if resource.resource == "statefulsets" and strimzi:
                why = "Strimzi has had no StatefulSets since 0.35"
            if why:
                message = (
                    f'Invalid value: "{resource.resource}": {why}, so its hooks may never run; '
                    "bind to the custom resource or the workload at the top"
                )
                yield Finding(spot.location, spot.path, message)


@rule("kasten-unknown-resource", Severity.WARNING)
def unknown_resource(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find resources that Strimzi does not have: such an entry never matches anything."""
    for resource in _all_resources(objects):
        if resource.group == STRIMZI and resource.resource and resource.resource not in KNOWN:
            spot = resource.here.at("resource")
            near = difflib.get_close_matches(resource.resource.lower(), KNOWN, n=1)
            hint = f'did you mean "{near[0]}"?' if near else f"it has {', '.join(KNOWN)}"
            message = (
                f'Unsupported value: "{resource.resource}": {STRIMZI} has no such resource; {hint}'
            )
            yield Finding(spot.location, spot.path, message)


@rule("kasten-filter-excludes")
def filter_excludes(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find Policies that exclude the very resource that a Blueprint is tied to."""
    for tie, filters in _meeting(objects):
        for entry in map(Resource, filters.at("excludeResources").each()):
            whole = not entry.by_label and (not entry.name or entry.name == tie.name)
            if whole and (entry.group, entry.resource) == (tie.group, tie.resource):
                message = (
                    f"excludes {tie}, to which {tie.by} binds: its hooks silently never run; "
                    "remove the entry"
                )
                yield Finding(entry.here.location, entry.here.path, message)


@rule("kasten-filter-leaves-out", Severity.WARNING)
def filter_leaves_out(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find Policies that include other resources only."""
    for tie, filters in _meeting(objects):
        included = filters.at("includeResources")
        if leaves_out(filters, tie):
            message = (
                f"does not include {tie}, to which {tie.by} binds: its hooks may silently never "
                "run; include it"
            )
            yield Finding(included.location, included.path, message)


def leaves_out(filters: Spot, tie: Tie) -> bool:
    """Tell whether a filter includes certain resources, and not these."""
    entries = [Resource(spot) for spot in filters.at("includeResources").each()]
    return bool(entries and tie.resource) and not any(covers(entry, tie) for entry in entries)


def namespaces(policy: Spot) -> frozenset[str]:
    """Return the namespaces that a Policy selects; empty where it does so by other means."""
    selector = policy.at("spec", "selector")
    found = {selector.at("matchLabels", NAMESPACE_LABEL).text} - {""}
    for expression in selector.at("matchExpressions").each():
        if expression.at("key").text == NAMESPACE_LABEL and expression.at("operator").text == "In":
            found |= expression.at("values").texts
    return frozenset(found)


def meets(policy: Spot, tie: Tie) -> bool:
    """Tell whether a Policy may be about the namespace of what is tied."""
    selected = namespaces(policy)
    return not (selected and tie.namespaces) or bool(selected & tie.namespaces)


def _meeting(objects: KastenObjects) -> Iterator[tuple[Tie, Spot]]:
    """Yield what is tied to a Blueprint, with the filters of each backup that may meet it."""
    tied = [tie for tie in ties(objects) if tie.resource]
    for policy in objects.policies:
        for operation, spot in parameters(policy):
            filters = spot.at("filters")
            if operation == "backup" and filters.there:
                yield from ((tie, filters) for tie in tied if meets(policy, tie))


def _of_strimzi(requirement: Spot) -> bool:
    return requirement.at("labels", "key").text.startswith("strimzi.io/")


def _all_resources(objects: KastenObjects) -> Iterator[Resource]:
    for binding in objects.bindings:
        yield from binding.resources()
    filtered = [spot for policy in objects.policies for _name, spot in parameters(policy)]
    for spot in (*filtered, *(restore.at("spec") for restore in objects.restores)):
        for field in ("includeResources", "excludeResources"):
            yield from map(Resource, spot.at("filters", field).each())
