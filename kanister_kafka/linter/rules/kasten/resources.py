"""Names of resources in filters, bindings and transforms that match nothing."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.diagnostics import Diagnostics, Severity
from kanister_kafka.linter.kasten.cursor import Cursor
from kanister_kafka.linter.kasten.objects import KastenObjects, ResourceFilter, parameters
from kanister_kafka.linter.kasten.resource_names import OF_CLUSTER, resource_mistake
from kanister_kafka.linter.registry import KASTEN, LintSettings, Rule, lint_rule


@lint_rule(KASTEN, "kasten-misspelt-resource")
def misspelt_resource(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find names that no API server has for a resource: an entry with one matches nothing."""
    yield from _mistakes(rule, objects, certain=True)


@lint_rule(KASTEN, "kasten-unknown-resource", Severity.WARNING)
def unknown_resource(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find resources that a known group does not have, as far as is known here."""
    yield from _mistakes(rule, objects, certain=False)


def _mistakes(rule: Rule, objects: KastenObjects, *, certain: bool) -> Diagnostics:
    for resource in all_resources(objects):
        found = resource_mistake(resource.group, resource.resource)
        if found and found.certain is certain:
            spot = resource.here.at(found.field)
            what = "it matches nothing" if certain else "it may match nothing"
            message = f'Unsupported value: "{spot.text}": {what}; {found.why}'
            yield rule.report(spot.location, spot.path, message)


def all_resources(objects: KastenObjects) -> Iterator[ResourceFilter]:
    """Yield every place that names a resource to Kasten: bindings, filters, transforms."""
    for binding in objects.bindings:
        yield from binding.resources()
    for operation in objects.operations:
        if operation.in_policy or operation.name == "restore":
            filters = operation.filters
            yield from filters.included
            yield from filters.excluded
            for field in OF_CLUSTER:
                yield from map(ResourceFilter.of, filters.here.at(field).each())
    for transform in transforms(objects):
        yield ResourceFilter.of(transform.at("subject"))


def transforms(objects: KastenObjects) -> Iterator[Cursor]:
    """Yield every transform, in sets, in RestoreActions and in Policies that restore."""
    for transform_set in objects.transform_sets:
        yield from transform_set.at("spec", "transforms").each()
    for restore in objects.restores:
        yield from restore.at("spec", "transforms").each()
    for policy in objects.policies:
        for operation, spot in parameters(policy):
            if operation == "restore":
                yield from spot.at("transforms").each()
