"""Namespaces that a Policy selects, as its selector shows, and links from Blueprints to objects.

Kasten selects namespaces by their labels, and by name with a key of its own (docs.kasten.io,
api/policies). Every namespace has its name in a label of Kubernetes as well. All requirements of a
selector have to be met.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import chain
from typing import NamedTuple

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
from kanister_kafka.yamldoc import MappingNode, Scalar, Sequence

NAME_KEY = "k10.kasten.io/appNamespace"
NAME_KEYS = (NAME_KEY, "kubernetes.io/metadata.name")
"""Keys whose value is the name of a namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceSelection:
    """The namespaces that a Policy selects."""

    names: frozenset[str]
    """Names that may be selected, `*` for any letters; empty if it is not by name."""
    by_name: bool
    open: bool
    """Whether Helm or Flux is yet to fill something in."""
    words: str
    """How it selects by other means, as `team=data`; empty if it does not."""
    excluded: frozenset[str] = frozenset()
    """Names that are not selected, `*` for any letters."""
    every: bool = False
    """Whether it selects every namespace but the excluded ones: nothing else is required."""

    @property
    def is_decided(self) -> bool:
        """Whether names alone decide what it selects, as far as no label is required as well."""
        return (self.by_name or self.every) and not self.open

    def may_hold(self, namespace: str) -> bool:
        """Return whether it may select a namespace."""
        if self.open:
            return True
        return not _fits(namespace, self.excluded) and (
            not self.by_name or _fits(namespace, self.names)
        )

    def holds(self, namespace: str) -> bool:
        """Return whether it selects a namespace, as far as its name decides."""
        return self.is_decided and self.may_hold(namespace)

    @property
    def several(self) -> bool:
        """Whether it selects more than one namespace, or may."""
        if not self.by_name:
            return not self.open
        return len(self.names) > 1 or any("*" in name for name in self.names)

    def rows(self) -> tuple[str, ...]:
        """Return what stands for its namespaces in a table."""
        if self.by_name and self.names:
            return tuple(
                f"each namespace {name}" if "*" in name else name for name in sorted(self.names)
            )
        return (f"each namespace that matches {self.words}" if self.words else "each namespace",)


def namespace_selection(policy: Cursor) -> NamespaceSelection:
    """Read the selector of a Policy."""
    selector = policy.at("spec", "selector")
    labels = selector.at("matchLabels")
    named = [NamedNamespaces(labels.at(key)) for key in NAME_KEYS if labels.at(key).there]
    keys = [key for key, _location in labels.named() if key not in NAME_KEYS]
    words = [f"{key}={labels.at(key).text}" for key in keys]
    exclusions: list[NamedNamespaces] = []
    every = _is_plain(selector) and not keys
    for expression in selector.at("matchExpressions").each():
        key = expression.at("key").text
        operator = expression.at("operator").text.lower()  # its spelling is checked with its shape
        values = expression.at("values")
        if key in NAME_KEYS and operator == "in":
            named.append(NamedNamespaces(values))
            continue
        if key in NAME_KEYS and operator == "notin":
            exclusions.append(NamedNamespaces(values))
        elif key not in NAME_KEYS or operator != "exists":
            every = False
        words.append(_requirement(expression))
    sets = [requirement.names for requirement in named]
    excluded = frozenset(chain.from_iterable(requirement.names for requirement in exclusions))
    return NamespaceSelection(
        names=frozenset(name for name in _met_by_all(sets) if not _fits(name, excluded)),
        by_name=bool(named),
        open=any(requirement.open for requirement in named) or selector.is_template,
        words=", ".join(words),
        excluded=excluded,
        every=every and not named and not any(requirement.open for requirement in exclusions),
    )


def _is_plain(selector: Cursor) -> bool:
    """Return whether a selector is there with nothing but requirements of the right shape."""
    labels, expressions = selector.at("matchLabels"), selector.at("matchExpressions")
    keys = {key for key, _location in selector.named()}
    return (
        keys <= {"matchLabels", "matchExpressions"}
        and isinstance(selector.node, MappingNode)
        and (isinstance(labels.node, MappingNode) or not labels.there)
        and (isinstance(expressions.node, Sequence) or not expressions.there)
    )


def _requirement(expression: Cursor) -> str:
    values = expression.at("values")
    shown = f" ({', '.join(sorted(values.texts))})" if values.texts else ""
    return f"{expression.at('key').text} {expression.at('operator').text}{shown}"


class NamedNamespaces(NamedTuple):
    """One requirement on the name of a namespace."""

    field: Cursor

    @property
    def names(self) -> frozenset[str]:
        """The names that meet it."""
        return self.field.texts | ({self.field.text} - {""})

    @property
    def open(self) -> bool:
        """Whether something is yet to be filled in."""
        items = list(self.field.each()) or [self.field]
        return any(item.is_template for item in items)


def _met_by_all(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    common: frozenset[str] | None = None
    for names in sets:
        common = names if common is None else frozenset(_both(common, names))
    return common or frozenset()


def _both(first: frozenset[str], second: frozenset[str]) -> Iterator[str]:
    yield from (name for name in first if _fits(name, second))
    yield from (name for name in second if _fits(name, first))


def _fits(name: str, patterns: Collection[str]) -> bool:
    return name in patterns or any("*" in glob and fnmatchcase(name, glob) for glob in patterns)


# Links from a Blueprint to objects: bindings and annotations.


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
        name, by = binding.blueprint, f"BlueprintBinding {binding.name}"
        tie = BlueprintLink(
            here=name, by=by, blueprint=name.text, namespaces=binding.namespaces(), binding=binding
        )
        resources = [
            replace(tie, group=r.group, resource=r.resource, name=r.name)
            for r in binding.resources()
        ]
        yield from resources or [tie]
    for document in objects.documents:
        name = Cursor.of(document).at("metadata", "annotations", ANNOTATION)
        if name.text and document.kind:
            namespace = document.text("metadata", "namespace")
            yield BlueprintLink(
                here=name,
                by="its annotation",
                blueprint=name.text,
                namespaces=frozenset({namespace} if namespace else ()),
                group=document.group,
                resource=f"{document.kind.lower()}s",  # so it is with workloads and Strimzi's
                name=document.text("metadata", "name"),
            )


def no_use(tie: BlueprintLink, settings: LintSettings) -> str:
    """Return why a tie has no effect, or an empty string."""
    root = tie.binding.root if tie.binding else None
    namespace = root.at("metadata", "namespace").text if root else ""
    if namespace and namespace != settings.kasten_namespace:
        return f"the binding is in {namespace}"
    disabled = root.at("spec", "disabled").node if root else None
    if isinstance(disabled, Scalar) and disabled.value is True:
        return "the binding is disabled"
    if tie.binding and not any(requirement.there for requirement in tie.binding.requirements()):
        return "the binding has no requirement"
    mistake = resource_mistake(tie.group, tie.resource) if tie.binding else None
    return f"there are no {tie}" if mistake and mistake.certain else ""


def covers(entry: ResourceFilter, tie: BlueprintLink) -> bool:
    """Return whether an entry of a filter may be about what is tied, labels and names apart."""
    if entry.resource and entry.resource != tie.resource:
        return False
    return not entry.group or not tie.group or entry.group == tie.group
