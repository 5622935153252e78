"""Which resources bindings, Policies and restores name, and whether these fit together."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator

from kanister_kafka.diagnostics import Diagnostics, Severity
from kanister_kafka.linter.kasten.cursor import Cursor
from kanister_kafka.linter.kasten.objects import Filters, KastenObjects, ResourceFilter, parameters
from kanister_kafka.linter.kasten.selection import (
    NAME_KEY,
    NAME_KEYS,
    BlueprintLink,
    blueprint_links,
    covers,
    namespace_selection,
)
from kanister_kafka.linter.registry import KASTEN, LintSettings, Rule, lint_rule
from kanister_kafka.similarity import nearest_name
from kanister_kafka.yamldoc import Sequence

NO_OWNER = {
    "pods": "a pod is never the topmost owner of a volume",
    "persistentvolumeclaims": "no Blueprint is looked for on a claim",
    "replicasets": "its Deployment is the topmost owner",
    "strimzipodsets": "its owner is the KafkaNodePool or the Kafka",
}
"""Kasten looks for the Blueprint on the topmost owner of the pod that mounts the volume (field
reports); Strimzi's owners are set in NodePoolUtils.java and ModelUtils.java."""


@lint_rule(KASTEN, "kasten-binding-target", Severity.WARNING)
def binding_target(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find bindings to what owns no volume that Kasten would look at."""
    for binding in objects.bindings:
        strimzi = any(_of_strimzi(requirement) for requirement in binding.requirements())
        for resource in binding.resources():
            field = resource.here.at("resource")
            why = NO_OWNER.get(resource.resource, "")
            if resource.resource == "statefulsets" and strimzi:
                why = "Strimzi has had no StatefulSets since 0.35"
            if why:
                message = (
                    f'Invalid value: "{resource.resource}": {why}, so its hooks may never run; '
                    "bind to the custom resource or the workload at the top"
                )
                yield rule.report(field.location, field.path, message)


@lint_rule(KASTEN, "kasten-filter-excludes")
def filter_excludes(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find Policies that exclude the very resource that a Blueprint is tied to."""
    for tie, filters in _meeting(objects):
        for entry in filters.excluded:
            takes_object = not entry.by_label and (not entry.name or entry.name == tie.name)
            if takes_object and (entry.group, entry.resource) == (tie.group, tie.resource):
                message = (
                    f"excludes {tie}, to which {tie.by} binds: its hooks silently never run; "
                    "remove the entry"
                )
                yield rule.report(entry.here.location, entry.here.path, message)


@lint_rule(KASTEN, "kasten-filter-leaves-out", Severity.WARNING)
def filter_leaves_out(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find Policies that include other resources only."""
    for tie, filters in _meeting(objects):
        included = filters.here.at("includeResources")
        if excludes(filters, tie):
            message = (
                f"does not include {tie}, to which {tie.by} binds: its hooks may silently never "
                "run; include it"
            )
            yield rule.report(included.location, included.path, message)


class FilterMatch(enum.Enum):
    """Whether a filter takes a resource."""

    YES = "yes"
    """All objects of it, or all of a Kafka cluster."""
    PART = "part"
    """Those of a name or with a label, or it cannot be read."""
    NO = "no"


def match_filter(
    filters: Filters, group: str, resource: str, kafkas: Collection[str] = frozenset()
) -> FilterMatch:
    """Return whether a filter takes a resource: fields of one entry have to fit, entries add up.

    `kafkas` are the names of the Kafkas that it is about, if they are known.
    """
    included = {_fit(entry, group, resource, kafkas) for entry in filters.included} or {
        FilterMatch.YES
    }
    out = {_fit(entry, group, resource, kafkas) for entry in filters.excluded}
    if FilterMatch.YES in out or included == {FilterMatch.NO}:
        return FilterMatch.NO
    return (
        FilterMatch.YES
        if FilterMatch.YES in included and FilterMatch.PART not in out
        else FilterMatch.PART
    )


def by_group_alone(filters: Filters, group: str, resource: str) -> Cursor | None:
    """Return an entry without a resource that alone takes this one, although others name theirs.

    All of the group is taken by it, so the others would be for nothing: one has lost its resource.
    """
    entries = filters.included
    named = [entry for entry in entries if entry.group == group and entry.resource]
    matching = [entry for entry in entries if _fit(entry, group, resource) is not FilterMatch.NO]
    alone = [entry for entry in matching if entry.group == group and not entry.resource]
    if named and alone and len(alone) == len(matching):
        return alone[0].here if not alone[0].by_label and not alone[0].name else None
    return None


def _fit(
    entry: ResourceFilter, group: str, resource: str, kafkas: Collection[str] = frozenset()
) -> FilterMatch:
    if entry.is_open:
        return FilterMatch.PART
    if entry.says_nothing:
        return FilterMatch.NO
    if entry.resource and entry.resource != resource:
        return FilterMatch.NO
    if entry.has_group and entry.group != group:
        return FilterMatch.NO
    name = entry.name if resource == "kafkas" else ""
    if kafkas and any(kafka and kafka not in kafkas for kafka in (entry.cluster, name)):
        return FilterMatch.NO
    return FilterMatch.PART if entry.is_narrowed else FilterMatch.YES


def excludes(filters: Filters, tie: BlueprintLink) -> bool:
    """Return whether a filter includes certain resources, and not these."""
    entries = filters.included
    return bool(entries and tie.resource) and not any(covers(entry, tie) for entry in entries)


def may_select(policy: Cursor, tie: BlueprintLink) -> bool:
    """Return whether a Policy may be about the namespace of the tied object."""
    selected = namespace_selection(policy)
    return not tie.namespaces or any(map(selected.may_hold, tie.namespaces))


def _meeting(objects: KastenObjects) -> Iterator[tuple[BlueprintLink, Filters]]:
    """Yield what is tied to a Blueprint, with the filters of each backup that may meet it."""
    tied = [tie for tie in blueprint_links(objects) if tie.resource]
    for policy in objects.policies:
        for operation, fields in parameters(policy):
            filters = Filters(fields.at("filters"))
            if operation == "backup" and filters.here.there:
                yield from ((tie, filters) for tie in tied if may_select(policy, tie))


def _of_strimzi(requirement: Cursor) -> bool:
    return requirement.at("labels", "key").text.startswith("strimzi.io/")


# Selectors of Policies: those that select nothing, or not what their author means.

KNOWN = (*NAME_KEYS, "k10.kasten.io/virtualMachineRef")
"""Keys by which Kasten selects what has no such label."""
WITH_VALUES = ("In", "NotIn")
WITHOUT_VALUES = ("Exists", "DoesNotExist")
ALIKE = 0.9
PREFIX = NAME_KEY.partition("/")[0]
ABOUT_NAME = ("namespace", "namespaces", "appname", "appnames")
"""Other names of the name of a namespace below Kasten's own prefix."""


@lint_rule(KASTEN, "kasten-selector")
def selector(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find keys that miss Kasten's own by their spelling, and requirements that nothing meets."""
    for policy in objects.policies:
        criteria = policy.at("spec", "selector")
        for field, key in _keys(criteria):
            if suggestion := _misspelt(key):
                message = (
                    f'Unsupported value: "{key}": no namespace has that label, so it selects '
                    f'nothing; did you mean "{suggestion}"?'
                )
                yield rule.report(field.location, field.path, message)
        for expression in criteria.at("matchExpressions").each():
            yield from _values(rule, expression)
        for key in NAME_KEYS:
            label = criteria.at("matchLabels", key)
            if label.is_empty:
                yield rule.report(
                    label.location, label.path, "Required value: the name of a namespace"
                )
        selected = namespace_selection(policy)
        if selected.by_name and not selected.open and not selected.names and _is_filled(criteria):
            why = (
                "each name is excluded as well"
                if selected.excluded
                else "no namespace has both names"
            )
            message = f"Invalid value: {why}, so it selects nothing"
            yield rule.report(criteria.location, criteria.path, message)


def _keys(criteria: Cursor) -> Iterator[tuple[Cursor, str]]:
    labels = criteria.at("matchLabels")
    for key, location in labels.named():
        yield Cursor(None, f'{labels.path}["{key}"]', location), key
    for expression in criteria.at("matchExpressions").each():
        yield expression.at("key"), expression.at("key").text


def _misspelt(key: str) -> str:
    """Return the key that is meant; empty for a key of Kasten, and for a label of the site."""
    if key in KNOWN:
        return ""
    prefix, _slash, name = key.rpartition("/")
    plain = "".join(letter for letter in name.lower() if letter.isalnum())
    like = not prefix or "kasten" in prefix.lower() or "k10" in prefix.lower()
    is_app_namespace = plain in ("appnamespace", "appnamespaces")
    if (like and is_app_namespace) or (prefix == PREFIX and plain in ABOUT_NAME):
        return NAME_KEY
    return nearest_name(key, KNOWN, similarity=ALIKE)


def _values(rule: Rule, expression: Cursor) -> Diagnostics:
    operator, values = expression.at("operator").text, expression.at("values")
    items = values.node.items if isinstance(values.node, Sequence) else ()
    if operator in WITH_VALUES and not items and not values.is_template:
        message = f"Required value: operator {operator} compares with values"
        yield rule.report(values.location, values.path, message)
    elif operator in WITHOUT_VALUES and items:
        message = f"Invalid value: operator {operator} takes no values"
        yield rule.report(values.location, values.path, message)
    if expression.at("key").text in NAME_KEYS:
        for item in values.each():
            if item.is_empty:
                yield rule.report(
                    item.location, item.path, "Required value: the name of a namespace"
                )


def _is_filled(criteria: Cursor) -> bool:
    """Return whether each requirement by name has a name, so that they rule each other out."""
    labels = [criteria.at("matchLabels", key) for key in NAME_KEYS]
    present = [label for label in labels if label.there]
    expressions = [
        expression.at("values")
        for expression in criteria.at("matchExpressions").each()
        if expression.at("key").text in NAME_KEYS and expression.at("operator").text == "In"
    ]
    return all(label.text for label in present) and all(values.texts for values in expressions)
