"""An ActionSet and the Blueprint that it runs: whether it brings what the action asks for.

pkg/param/param.go, New: what it does not bring is nil, or missing from its map. A Blueprint that is
not in the input is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kanister_kafka.diagnostics import Diagnostics, Location
from kanister_kafka.kanister import Blueprint, BlueprintAction, child_path
from kanister_kafka.kanister.blueprint import OBJECT_KINDS
from kanister_kafka.linter.registry import MANIFEST_SET, LintSettings, ManifestSet, Rule, lint_rule
from kanister_kafka.linter.rules.phases import nearest
from kanister_kafka.yamldoc import Document, MappingNode, Scalar, Sequence

if TYPE_CHECKING:
    from kanister_kafka.gotemplate.types import Reference

GROUP = "cr.kanister.io"
BROUGHT = {
    "ArtifactsIn": "artifacts",
    "ConfigMaps": "configMaps",
    "Options": "options",
    "Secrets": "secrets",
}
"""Maps of the parameters, and the fields of an action of an ActionSet that they are from."""
KINDS = {kind.lower(): kind for kind in OBJECT_KINDS}


@dataclass(frozen=True, slots=True)
class _ActionRequest:
    """An action of an ActionSet, with the Blueprint that it names."""

    path: str
    node: MappingNode
    blueprint: Blueprint

    def text(self, *path: str) -> str:
        """Return the string at a path, or an empty one."""
        return Document(self.node).text(*path)

    @property
    def action(self) -> BlueprintAction | None:
        """The action that it names."""
        return self.blueprint.action(self.text("name"))


def _requests(manifests: ManifestSet) -> Iterator[_ActionRequest]:
    by_name: dict[str, list[Blueprint]] = {}
    for blueprint in manifests.blueprints:
        by_name.setdefault(blueprint.name, []).append(blueprint)
    for document in manifests.documents:
        if document.group != GROUP or document.kind != "ActionSet":
            continue
        spec = document.root.get("spec")
        listed = spec.get("actions") if isinstance(spec, MappingNode) else None
        namespace = document.text("metadata", "namespace")
        for i, item in enumerate(listed.items if isinstance(listed, Sequence) else ()):
            name = Document(item).text("blueprint") if isinstance(item, MappingNode) else ""
            fit = [
                b for b in by_name.get(name, []) if not namespace or b.namespace in ("", namespace)
            ]
            if isinstance(item, MappingNode) and len(fit) == 1:
                yield _ActionRequest(f"spec.actions[{i}]", item, fit[0])


@lint_rule(MANIFEST_SET, "actionset-action")
def actionset_action(rule: Rule, manifests: ManifestSet, _settings: LintSettings) -> Diagnostics:
    """Find an action that the Blueprint does not have: the ActionSet fails at once."""
    for request in _requests(manifests):
        name = request.text("name")
        if request.action is None and name:
            names = [action.name for action in request.blueprint.actions]
            location = _location(request.node, "name")
            message = f'Blueprint {request.blueprint.name} has no action "{name}"'
            yield rule.report(
                location, child_path(request.path, "name"), message + nearest(name, names)
            )


@lint_rule(MANIFEST_SET, "actionset-input")
def actionset_input(rule: Rule, manifests: ManifestSet, _settings: LintSettings) -> Diagnostics:
    """Find what the action asks for and the ActionSet does not bring: a template fails."""
    for request in _requests(manifests):
        reported: set[tuple[str, ...]] = set()
        for reference in _references(request.action):
            missing = _missing(request.node, reference)
            if missing and missing not in reported:
                reported.add(missing)
                field, *names = missing
                path = ".".join((request.path, field, *names))
                used = ".".join(("", *reference.names))
                message = f"Required value: action {request.text('name')} asks for {used}"
                yield rule.report(_location(request.node, field), path, message)


def _location(node: MappingNode, field: str) -> Location:
    child = node.get(field)
    return child.location if child else node.location


def _references(action: BlueprintAction | None) -> Iterator[Reference]:
    """Yield what an action asks for in any case, and fails without."""
    for template in action.templates if action else ():
        for reference in template.analysis.references:
            if not reference.conditional and not template.is_condition:
                yield reference


def _missing(node: MappingNode, reference: Reference) -> tuple[str, ...]:
    """Return the field, and the names below it, that a path does not find."""
    root, names, steps = reference.names[0], reference.names, reference.steps
    if root == "Profile" and len(names) > 1:
        return () if _mapping(node, "profile").entries else ("profile",)
    field = BROUGHT.get(root)
    if field is None or len(names) < 2:
        return ()
    inputs = _mapping(node, field)
    artifact = inputs.get(names[1])
    if artifact is None:
        sure = not steps[1].by_index or (len(steps) > 3 and not steps[3].by_index)
        return (field, names[1]) if sure else ()
    if root == "ArtifactsIn" and names[2:3] == ("KeyValue",) and len(names) > 3:
        values = _mapping(artifact, "keyValue") if isinstance(artifact, MappingNode) else inputs
        if values.get(names[3]) is None and not steps[3].by_index:
            return field, names[1], "keyValue", names[3]
    return ()


def _mapping(node: MappingNode, field: str) -> MappingNode:
    child = node.get(field)
    return child if isinstance(child, MappingNode) else MappingNode((), node.location)


@lint_rule(MANIFEST_SET, "actionset-object")
def actionset_object(rule: Rule, manifests: ManifestSet, _settings: LintSettings) -> Diagnostics:
    """Find an object that Kanister cannot find, or that lacks what the action asks for."""
    for request in _requests(manifests):
        target, path = request.node.get("object"), child_path(request.path, "object")
        if not isinstance(target, MappingNode):
            yield rule.report(
                request.node.location, path, "Required value: an action runs for an object"
            )
            continue
        kind = request.text("object", "kind")
        object_kind = KINDS.get(kind.lower(), "")
        lacks = [f for f in ("apiVersion", "resource") if not _has(target, f)]
        if not object_kind and lacks and kind.lower() != "unstructured":
            message = f"Required value: Kanister does not know kind {kind or '(none)'} by itself"
            yield rule.report(target.location, child_path(path, lacks[0]), message)
        roots = {r.names[0]: r for r in _references(request.action) if len(r.names) > 1}
        for root in sorted(roots.keys() & {*OBJECT_KINDS} - {object_kind}):
            message = (
                f"action {request.text('name')} asks for .{root}, which is nil for kind {kind}"
            )
            yield rule.report(target.location, child_path(path, "kind"), message)


def _has(node: MappingNode, field: str) -> bool:
    child = node.get(field)
    return isinstance(child, Scalar) and bool(child.text)
