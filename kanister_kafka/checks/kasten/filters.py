"""Which resources bindings, Policies and restores name, and whether these fit together."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator

from kanister_kafka.checks.kasten.objects import Filters, KastenObjects, Resource, parameters
from kanister_kafka.checks.kasten.rule import rule
from kanister_kafka.checks.kasten.selection import selection
from kanister_kafka.checks.kasten.spot import Spot
from kanister_kafka.checks.kasten.ties import Tie, covers, ties
from kanister_kafka.checks.registry import Finding, Settings
from kanister_kafka.problem import Severity

NO_OWNER = {
    "pods": "a pod is never the topmost owner of a volume",
    "persistentvolumeclaims": "no Blueprint is looked for on a claim",
    "replicasets": "its Deployment is the topmost owner",
    "strimzipodsets": "its owner is the KafkaNodePool or the Kafka",
}
"""Kasten looks for the Blueprint on the topmost owner of the pod that mounts the volume (field
reports); Strimzi's owners are set in NodePoolUtils.java and ModelUtils.java."""


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


@rule("kasten-filter-excludes")
def filter_excludes(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find Policies that exclude the very resource that a Blueprint is tied to."""
    for tie, filters in _meeting(objects):
        for entry in filters.excluded:
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
        included = filters.here.at("includeResources")
        if leaves_out(filters, tie):
            message = (
                f"does not include {tie}, to which {tie.by} binds: its hooks may silently never "
                "run; include it"
            )
            yield Finding(included.location, included.path, message)


class Taken(enum.Enum):
    """Whether a filter takes a resource."""

    YES = "yes"
    """All objects of it, or all of a Kafka cluster."""
    PART = "part"
    """Those of a name or with a label, or it cannot be read."""
    NO = "no"


def taken(
    filters: Filters, group: str, resource: str, kafkas: Collection[str] = frozenset()
) -> Taken:
    """Tell whether a filter takes a resource: fields of one entry have to fit, entries add up.

    `kafkas` are the names of the Kafkas that it is about, where they are known.
    """
    found = {_fit(entry, group, resource, kafkas) for entry in filters.included} or {Taken.YES}
    out = {_fit(entry, group, resource, kafkas) for entry in filters.excluded}
    if Taken.YES in out or found == {Taken.NO}:
        return Taken.NO
    return Taken.YES if Taken.YES in found and Taken.PART not in out else Taken.PART


def by_group_alone(filters: Filters, group: str, resource: str) -> Spot | None:
    """Return an entry without a resource that alone takes this one, beside others that name theirs.

    All of the group is taken by it, so the others would be for nothing: one has lost its resource.
    """
    entries = filters.included
    named = [entry for entry in entries if entry.group == group and entry.resource]
    whole = [entry for entry in entries if _fit(entry, group, resource) is not Taken.NO]
    alone = [entry for entry in whole if entry.group == group and not entry.resource]
    if named and alone and len(alone) == len(whole):
        return alone[0].here if not alone[0].by_label and not alone[0].name else None
    return None


def _fit(
    entry: Resource, group: str, resource: str, kafkas: Collection[str] = frozenset()
) -> Taken:
    if entry.is_open:
        return Taken.PART
    if entry.says_nothing:
        return Taken.NO
    if entry.resource and entry.resource != resource:
        return Taken.NO
    if entry.has_group and entry.group != group:
        return Taken.NO
    name = entry.name if resource == "kafkas" else ""
    if kafkas and any(one and one not in kafkas for one in (entry.cluster, name)):
        return Taken.NO
    return Taken.PART if entry.is_narrowed else Taken.YES


def leaves_out(filters: Filters, tie: Tie) -> bool:
    """Tell whether a filter includes certain resources, and not these."""
    entries = filters.included
    return bool(entries and tie.resource) and not any(covers(entry, tie) for entry in entries)


def meets(policy: Spot, tie: Tie) -> bool:
    """Tell whether a Policy may be about the namespace of what is tied."""
    selected = selection(policy)
    return not tie.namespaces or any(map(selected.may_hold, tie.namespaces))


def _meeting(objects: KastenObjects) -> Iterator[tuple[Tie, Filters]]:
    """Yield what is tied to a Blueprint, with the filters of each backup that may meet it."""
    tied = [tie for tie in ties(objects) if tie.resource]
    for policy in objects.policies:
        for operation, spot in parameters(policy):
            filters = Filters(spot.at("filters"))
            if operation == "backup" and filters.here.there:
                yield from ((tie, filters) for tie in tied if meets(policy, tie))


def _of_strimzi(requirement: Spot) -> bool:
    return requirement.at("labels", "key").text.startswith("strimzi.io/")
