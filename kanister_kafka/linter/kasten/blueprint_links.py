"""Links from a Blueprint to objects: bindings and annotations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kanister_kafka.kanister.blueprint import cached_on_model
from kanister_kafka.linter.kasten.cursor import Cursor
from kanister_kafka.linter.kasten.objects import (
    ANNOTATION,
    BindingObject,
    KastenObjects,
    ResourceFilter,
)
from kanister_kafka.linter.kasten.resource_names import resource_mistake
from kanister_kafka.linter.registry import LintSettings
from kanister_kafka.yamldoc import Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class BlueprintLink:
    """Objects that a Blueprint is tied to."""

    here: Cursor
    """The name of the Blueprint, where it stands."""
    by: str
    """The binding or annotation."""
    blueprint: str
    namespaces: frozenset[str]
    """Empty for all, or if it is not plain."""
    group: str = ""
    resource: str = ""
    """Plural name; empty if they are chosen by other means."""
    name: str = ""
    binding: BindingObject | None = None
    """The binding, unless an annotation ties them."""

    def __str__(self) -> str:
        if not self.resource:
            return "other objects"
        full = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{full}/{self.name}" if self.name else full


@cached_on_model
def blueprint_links(objects: KastenObjects) -> tuple[BlueprintLink, ...]:
    """Return what bindings and annotations in the input tie to a Blueprint."""
    return tuple(_ties(objects))


def _ties(objects: KastenObjects) -> Iterator[BlueprintLink]:
    for binding in objects.bindings:
        here, by = binding.blueprint, f"BlueprintBinding {binding.name}"
        tie = BlueprintLink(
            here=here,
            by=by,
            blueprint=here.text,
            namespaces=binding.namespaces(),
            binding=binding,
        )
        resources = [
            replace(tie, group=r.group, resource=r.resource, name=r.name)
            for r in binding.resources()
        ]
        yield from resources or [tie]
    for document in objects.documents:
        here = Cursor.of(document).at("metadata", "annotations", ANNOTATION)
        if here.text and document.kind:
            namespace = document.text("metadata", "namespace")
            yield BlueprintLink(
                here=here,
                by="its annotation",
                blueprint=here.text,
                namespaces=frozenset({namespace} if namespace else ()),
                group=document.group,
                resource=f"{document.kind.lower()}s",  # so it is with workloads and Strimzi's
                name=document.text("metadata", "name"),
            )


def no_use(tie: BlueprintLink, settings: LintSettings) -> str:
    """Return why a tie has no effect, or an empty string."""
    root = tie.binding.root if tie.binding else None
    place = root.at("metadata", "namespace").text if root else ""
    if place and place != settings.kasten_namespace:
        return f"the binding is in {place}"
    disabled = root.at("spec", "disabled").node if root else None
    if isinstance(disabled, Scalar) and disabled.value is True:
        return "the binding is disabled"
    if tie.binding and not any(one.there for one in tie.binding.requirements()):
        return "the binding has no requirement"
    found = resource_mistake(tie.group, tie.resource) if tie.binding else None
    return f"there are no {tie}" if found and found.certain else ""


def covers(entry: ResourceFilter, tie: BlueprintLink) -> bool:
    """Return whether an entry of a filter may be about what is tied, labels and names apart."""
    if entry.resource and entry.resource != tie.resource:
        return False
    return not entry.group or not tie.group or entry.group == tie.group
