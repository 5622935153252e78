"""Template parameters that an action does not have under Kasten, by what it is called on.

An action hook has the namespace for its object (docs.kasten.io, kanister/hooks), so that Kanister
leaves the parameters of every other kind nil (pkg/param/param.go, New).
"""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.blueprint import Action, Blueprint, Template
from kanister_kafka.checks.kasten.objects import KastenObjects
from kanister_kafka.checks.kasten.rule import rule
from kanister_kafka.checks.registry import Finding, Settings
from kanister_kafka.checks.reserved import TIMEOUTS
from kanister_kafka.gotemplate import Field, If, With
from kanister_kafka.gotemplate.analysis import Reference
from kanister_kafka.problem import Severity

WORKLOADS = ("StatefulSet", "Deployment", "DeploymentConfig", "PVC")
OF_NAMESPACE = {
    "spec": ("finalizers",),
    "status": ("conditions", "phase"),
}
"""What a Namespace has below these fields; it has no other field of its own."""


@rule("kasten-hook-context")
def hook_context(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find parameters that an action hook does not have: the phase fails when it is rendered."""
    for _blueprint, action in objects.on_namespace():
        for template, used in _used(action):
            name = used.names[0]
            deeper = len(used.steps) > 1
            if name in WORKLOADS and deeper:
                why = "is nil in an action hook, whose object is the namespace"
                remedy = "name the object, or find it by .Namespace.Name"
            elif name == "Profile" and (deeper or not _asked_for(template, used)):
                why = "is nil in an action hook, which gets no location profile"
                remedy = "leave the data in the volumes, which Kasten moves"
            elif name == "ArtifactsIn" and deeper and not used.steps[1].by_index:
                why = "is empty in an action hook"
                remedy = "read what the backup left in a ConfigMap"
            else:
                continue
            yield _found(template, used, f"{why}; {remedy}")


@rule("kasten-hook-object", Severity.WARNING)
def hook_object(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find fields of `.Object` that a namespace does not have."""
    for _blueprint, action in objects.on_namespace():
        for template, used in _used(action):
            if used.names[0] == "Object" and not _in_namespace(used.names[1:]):
                message = "the object of an action hook is the namespace, which has no such field"
                yield _found(template, used, message)


@rule("kasten-empty-namespace", Severity.WARNING)
def empty_namespace(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find `.Namespace` in an action on a bound object, which has none (field reports)."""
    for blueprint in objects.blueprints:
        for action in blueprint.actions:
            if _on_bound_object(objects, blueprint, action):
                for template, used in _used(action):
                    if used.names[0] == "Namespace" and len(used.names) > 1:
                        message = (
                            "is there for action hooks only and empty for a bound object; "
                            "use .Object.metadata.namespace"
                        )
                        yield _found(template, used, message)


@rule("kasten-delete-context", Severity.WARNING)
def delete_context(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find the object in `delete`, which runs when the restore point goes, long after it."""
    for blueprint in objects.blueprints:
        action = blueprint.action("delete")
        for template, used in _used(action) if action else ():
            if used.names[0] in ("Object", *WORKLOADS) and len(used.names) > 1:
                message = (
                    "the object may be gone when Kasten deletes a restore point; hand over what is "
                    "needed as an output artifact of the backup"
                )
                yield _found(template, used, message)


def _used(action: Action) -> Iterator[tuple[Template, Reference]]:
    """Yield the parameters that an action uses in any case; a condition may rule others out."""
    for template in action.templates:
        if template.is_condition:  # rendered over the object that it waits for
            continue
        longest: dict[tuple[int, int], Reference] = {}
        for reference in template.analysis.references:
            place = (reference.steps[0].line, reference.steps[0].column)
            known = longest.get(place)
            if not reference.conditional and (not known or len(known.steps) < len(reference.steps)):
                longest[place] = reference
        for reference in longest.values():
            yield template, reference


def _asked_for(template: Template, used: Reference) -> bool:
    """Tell whether `if` or `with` asks for a parameter, which nil only makes false."""
    place = (used.steps[0].line, used.steps[0].column - 1)  # of the dot before it
    return any(
        isinstance(operand, Field) and (operand.line, operand.column) == place
        for node in template.parsed.nodes
        if isinstance(node, (If, With))
        for command in node.pipe.commands
        for operand in command.arguments
    )


def _found(template: Template, used: Reference, message: str) -> Finding:
    first = used.steps[0]
    place = template.place(first.line, first.column)
    return Finding(place, template.path, f".{'.'.join(used.names)}: {message}")


def _in_namespace(names: tuple[str, ...]) -> bool:
    if not names:
        return True
    if names[0] in OF_NAMESPACE:
        return len(names) == 1 or names[1] in OF_NAMESPACE[names[0]]
    if names[0] == "metadata":
        return names[1:2] != ("namespace",)
    return names[0] in ("apiVersion", "kind")


def _on_bound_object(objects: KastenObjects, blueprint: Blueprint, action: Action) -> bool:
    """Tell whether an action runs on a bound object only; `delete` runs in Kasten's namespace."""
    reserved = action.name in TIMEOUTS and action.name != "delete"
    called = objects.calls(blueprint, action.name)
    return reserved and not called and objects.is_bound(blueprint)
