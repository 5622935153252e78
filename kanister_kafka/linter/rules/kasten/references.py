"""Places of Blueprints, and the objects of Kasten that name them.

Kasten finds Blueprints in its own namespace only (docs.kasten.io/latest/kanister/reference/
blueprint-schema); hooks and annotations give no more than the name.
"""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.diagnostics import Diagnostics, Severity
from kanister_kafka.linter.kasten.cursor import Cursor
from kanister_kafka.linter.kasten.objects import (
    ANNOTATION,
    KastenObjects,
    ResourceFilter,
    parameters,
)
from kanister_kafka.linter.kasten.resource_names import OF_CLUSTER, resource_mistake
from kanister_kafka.linter.kasten.selection import namespace_selection
from kanister_kafka.linter.registry import KASTEN, LintSettings, Rule, lint_rule
from kanister_kafka.similarity import nearest_name

NAME_SIMILARITY = 0.8
UNOWNED = {"Pod": "a pod", "PersistentVolumeClaim": "a claim"}


@lint_rule(KASTEN, "kasten-namespace")
def namespace(rule: Rule, objects: KastenObjects, settings: LintSettings) -> Diagnostics:
    """Find Blueprints where Kasten does not look for them."""
    referred = {reference.text for reference in objects.references()}
    for blueprint in objects.blueprints:
        field = Cursor.of(blueprint.document).at("metadata", "namespace")
        if settings.kasten or blueprint.name in referred:
            yield from _elsewhere(rule, field, settings, "Kasten finds Blueprints")
    for binding in objects.bindings if settings.kasten or objects.blueprints else ():
        field = binding.root.at("spec", "blueprintRef", "namespace")
        yield from _elsewhere(rule, field, settings, "Kasten finds Blueprints")


@lint_rule(KASTEN, "kasten-binding-namespace")
def binding_namespace(rule: Rule, objects: KastenObjects, settings: LintSettings) -> Diagnostics:
    """Find bindings outside of Kasten's namespace, where the documentation shows none."""
    for binding in objects.bindings if settings.kasten or objects.blueprints else ():
        field = binding.root.at("metadata", "namespace")
        yield from _elsewhere(rule, field, settings, "Kasten reads BlueprintBindings")


@lint_rule(KASTEN, "kasten-policy-namespace")
def policy_namespace(rule: Rule, objects: KastenObjects, settings: LintSettings) -> Diagnostics:
    """Find Policies outside of Kasten's namespace that are not of the kind that may be there.

    A Policy in the namespace of an application is for that application alone
    (docs.kasten.io, usage/app_scoped_policies), and no page shows one with hooks.
    """
    for policy in objects.policies if settings.kasten or objects.blueprints else ():
        field = policy.at("metadata", "namespace")
        selected = namespace_selection(policy)
        selects_itself = selected.by_name and selected.names == {field.text}
        hooked = any(operation.calls for operation in objects.of(policy))
        if not field.text or field.text == settings.kasten_namespace:
            continue
        if hooked or not (selects_itself or selected.open):
            why = (
                "its hooks call Blueprints of Kasten's own namespace"
                if hooked
                else f"outside of Kasten's namespace a Policy backs up {field.text} alone, by name"
            )
            message = (
                f'Invalid value: "{field.text}": {why}; must be "{settings.kasten_namespace}", or '
                "set --kasten-namespace"
            )
            yield rule.report(field.location, field.path, message)


@lint_rule(KASTEN, "kasten-blueprint-misspelt", Severity.WARNING)
def blueprint_misspelt(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find names of no Blueprint in the input that are nearly the name of one."""
    for reference, near in _unknown(objects):
        if near:
            message = (
                f'Invalid value: "{reference.text}": no such Blueprint here; did you mean "{near}"?'
            )
            yield rule.report(reference.location, reference.path, message)


@lint_rule(KASTEN, "kasten-blueprint-not-found", Severity.INFO)
def blueprint_not_found(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find names of Blueprints that are not in the input, so that nothing is held against them."""
    for reference, near in _unknown(objects):
        if not near:
            message = (
                f'Blueprint "{reference.text}" is not in the input: what it runs is not checked'
            )
            yield rule.report(reference.location, reference.path, message)


@lint_rule(KASTEN, "kasten-annotation-ignored", Severity.WARNING)
def annotation_ignored(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find annotations on what Kasten binds no Blueprint to: the backup is green without it."""
    for document in objects.documents:
        root = Cursor.of(document)
        candidates = [(root.at("metadata", "annotations", ANNOTATION), UNOWNED.get(document.kind))]
        template = root.at("spec", "template", "metadata", "annotations", ANNOTATION)
        candidates.append((template, "the pods of a workload"))
        for annotation, owner in candidates:
            if owner and annotation.text:
                message = (
                    f"Kasten ignores it on {owner}, and the backup succeeds without the Blueprint; "
                    "annotate the workload or the custom resource that owns it"
                )
                yield rule.report(annotation.location, annotation.path, message)


def _elsewhere(rule: Rule, field: Cursor, settings: LintSettings, what: str) -> Diagnostics:
    if field.text and field.text != settings.kasten_namespace:
        message = (
            f'Invalid value: "{field.text}": {what} in its own namespace only; '
            f'must be "{settings.kasten_namespace}", or set --kasten-namespace'
        )
        yield rule.report(field.location, field.path, message)


def _unknown(objects: KastenObjects) -> Iterator[tuple[Cursor, str]]:
    """Yield references to Blueprints that are not there, with the name that was meant."""
    names = {blueprint.name for blueprint in objects.blueprints if blueprint.name}
    for reference in objects.references() if names else ():
        if reference.text not in names:
            near = nearest_name(reference.text, names, similarity=NAME_SIMILARITY)
            # a version is not a misspelling
            same = near and _digits(near) == _digits(reference.text)
            yield reference, near if same else ""


def _digits(name: str) -> str:
    return "".join(letter for letter in name if letter.isdigit())


# Names of resources in filters, bindings and transforms that match nothing.


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
        mistake = resource_mistake(resource.group, resource.resource)
        if mistake and mistake.certain is certain:
            field = resource.here.at(mistake.field)
            what = "it matches nothing" if certain else "it may match nothing"
            message = f'Unsupported value: "{field.text}": {what}; {mistake.why}'
            yield rule.report(field.location, field.path, message)


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
        for operation, fields in parameters(policy):
            if operation == "restore":
                yield from fields.at("transforms").each()
