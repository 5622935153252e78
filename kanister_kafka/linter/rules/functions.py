"""Functions and the names of their arguments, at the release that is validated for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kanister_kafka.diagnostics import Diagnostics, Location
from kanister_kafka.kanister import Blueprint, BlueprintPhase, child_path
from kanister_kafka.kanister.decoding import FIELDS, field_of, is_template, quote_value, text_of
from kanister_kafka.kanister.function_catalog import KanisterFunction, functions, releases_with
from kanister_kafka.kanister.kube_api import CLUSTER_SCOPED, NAMESPACED, STRATEGIC
from kanister_kafka.linter.registry import BLUEPRINT, LintSettings, Rule, lint_rule
from kanister_kafka.similarity import nearest_name
from kanister_kafka.yamldoc import Document, MappingNode, Node, Scalar, loads

READ_AND_REFUSED = {("ExportRDSSnapshotToLocation", "image"), ("RestoreRDSSnapshot", "image")}
"""Read by Exec() and in the documentation since 0.111, but in no list of arguments."""


def phases_with_function(
    blueprint: Blueprint, settings: LintSettings
) -> Iterator[tuple[BlueprintPhase, KanisterFunction]]:
    """Yield the phases whose function the release has."""
    by_name = functions(settings.release)
    for phase in blueprint.phases:
        if phase.func in by_name:
            yield phase, by_name[phase.func]


@lint_rule(BLUEPRINT, "unknown-function")
def unknown_function(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find functions that no controller has registered: the action fails."""
    by_name = functions(settings.release)
    for phase in blueprint.phases:
        entry = phase.entry("func")
        name = phase.func
        if entry and name and name not in by_name:
            near = _nearest(name, by_name)
            hint = f': did you mean "{near}"?' if near else ""
            if elsewhere := releases_with(name):
                hint = f" at {settings.release}: it is in Kanister {elsewhere}"
            message = (
                f"Unsupported value: {quote_value(entry.value)}: "
                f"Kanister has no such function{hint}"
            )
            yield rule.report(entry.value.location, f"{phase.path}.func", message)


@lint_rule(BLUEPRINT, "unknown-argument")
def unknown_argument(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find arguments that the function refuses: it takes none that it does not list."""
    for phase, function in phases_with_function(blueprint, settings):
        for entry in phase.arguments.entries:
            if entry.key not in function.arguments:
                hint = _instead(function, entry.key, settings.release)
                path = f"{phase.path}.args.{entry.key}"
                yield rule.report(
                    entry.location, path, f"{phase.func} takes no such argument{hint}"
                )


def _instead(function: KanisterFunction, name: str, release: str) -> str:
    if elsewhere := releases_with(function.name, name):
        return f" at {release}: it takes it in Kanister {elsewhere}"
    if (function.name, name) in READ_AND_REFUSED:
        return ", though it is documented: it reads it and refuses it; leave it out"
    if near := _nearest(name, function.arguments):
        return f'; did you mean "{near}"?'
    if "podOverride" in function.arguments and name in FIELDS:
        return "; write it below podOverride"
    return f"; it takes {', '.join(sorted(function.arguments))}"


def _nearest(name: str, names: Iterable[str]) -> str:
    """Return the known name that is meant most likely; case and what stands before count less."""
    lower = {candidate.lower(): candidate for candidate in names}
    ends = (key for key in sorted(lower) if key.endswith(name.lower()) and len(name) > 3)
    match = nearest_name(name.lower(), lower) or next(ends, "")
    return lower[match] if match else ""


@lint_rule(BLUEPRINT, "missing-argument")
def missing_argument(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find required arguments that are not there."""
    for phase, function in phases_with_function(blueprint, settings):
        argument_names = {entry.key for entry in phase.arguments.entries}
        for name in function.required:
            if name not in argument_names:
                message = f"Required value: {phase.func} needs it"
                yield rule.report(phase.arguments.location, f"{phase.path}.args.{name}", message)


@lint_rule(BLUEPRINT, "null-argument")
def null_argument(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find null: the controller crashes on it (pkg/param/render.go), and the action hangs."""
    for phase in blueprint.phases:
        for path, node in phase.values:
            if node.value is None:
                message = (
                    "Invalid value: null: crashes the Kanister controller; remove the argument"
                )
                yield rule.report(node.location, path, message)


# KubeOps: which objects its operations reach, and what it creates or patches them with.


class KubeOpsPhase(NamedTuple):
    """A phase with KubeOps."""

    phase: BlueprintPhase
    name: str
    """Of the operation; it may be a template, or nothing that there is."""
    reference: MappingNode | None

    @property
    def path(self) -> str:
        """Field path of the reference."""
        return f"{self.phase.path}.args.objectReference"

    def target(self, field: str) -> Scalar | None:
        """Return a field of the reference that is set, and not to a template."""
        node = field_of(self.reference, field)
        if not isinstance(node, Scalar) or node.value in (None, "") or is_template(node.text):
            return None
        return node

    @property
    def resource(self) -> tuple[str, str] | None:
        """Group and resource, if both are known."""
        group = field_of(self.reference, "group")
        resource = self.target("resource")
        if resource is None or is_template(text_of(group)):
            return None
        return text_of(group), text_of(resource)


def kube_ops_phases(blueprint: Blueprint, settings: LintSettings) -> Iterator[KubeOpsPhase]:
    """Yield the phases with KubeOps."""
    for phase, function in phases_with_function(blueprint, settings):
        if function.name == "KubeOps":
            node = phase.argument("objectReference")
            reference = node if isinstance(node, MappingNode) else None
            yield KubeOpsPhase(phase, text_of(phase.argument("operation")), reference)


@lint_rule(BLUEPRINT, "custom-resource-patch")
def custom_resource_patch(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find patches of custom resources: the API server answers 415 to a strategic merge patch.

    KubeOps sends no other kind (Patch in pkg/kube/kubectl.go), and only resources that are compiled
    into an API server take that one.
    """
    for operation in kube_ops_phases(blueprint, settings):
        group = operation.target("group")
        if operation.name == "patch" and group and text_of(group) not in STRATEGIC:
            message = (
                f'Invalid value: "{group.text}": a custom resource takes no strategic merge patch, '
                "the only one that KubeOps sends; run `kubectl patch --type merge` in a KubeTask"
            )
            yield rule.report(group.location, child_path(operation.path, "group"), message)


@lint_rule(BLUEPRINT, "object-namespace")
def object_namespace(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find objects that are looked for in a namespace and have none, or the other way round.

    delete always asks within a namespace, `default` if none is named; patch asks within that of the
    reference alone, and not at all without it (pkg/kube/kubectl.go).
    """
    for operation in kube_ops_phases(blueprint, settings):
        resource = operation.target("resource")
        if resource is None or operation.reference is None:
            continue
        if operation.name == "delete" and operation.resource in CLUSTER_SCOPED:
            message = (
                f'Invalid value: "{resource.text}": KubeOps deletes within a namespace only, and '
                "these have none; run `kubectl delete` in a KubeTask"
            )
            yield rule.report(resource.location, child_path(operation.path, "resource"), message)
        namespace = field_of(operation.reference, "namespace")
        unnamed = namespace is None or (isinstance(namespace, Scalar) and not namespace.text)
        if operation.name == "patch" and operation.resource in NAMESPACED and unnamed:
            message = "Required value: patch looks here only, not at the argument namespace"
            location = operation.reference.location
            yield rule.report(location, child_path(operation.path, "namespace"), message)


@lint_rule(BLUEPRINT, "manifest")
def manifest(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find specs of KubeOps that are not objects, or not a patch; templates are not read."""
    for operation in kube_ops_phases(blueprint, settings):
        node = operation.phase.argument("spec")
        if not isinstance(node, Scalar) or is_template(node.text) or not node.text.strip():
            continue
        path = f"{operation.phase.path}.args.spec"
        if not isinstance(node.value, str) or operation.name not in ("create", "patch"):
            continue
        loaded = loads(node.text)
        for problem in loaded.problems:
            location = node.place(problem.location.line, problem.location.column)
            message = "must be an object" if problem.rule == "wrong-type" else problem.message
            yield rule.report(location, path, f"Invalid value: {message}")
        if not loaded.documents and not loaded.problems:
            yield rule.report(node.location, path, "Required value: it holds no object")
        for document in loaded.documents if operation.name == "create" else ():
            yield from _object(rule, document, node, path)


def _object(rule: Rule, document: Document, spec: Scalar, path: str) -> Diagnostics:
    root = document.root
    metadata = root.get("metadata")
    named = [field_of(metadata, name) for name in ("name", "generateName")]
    required: list[tuple[str, Node | None, Location]] = [
        ("apiVersion", root.get("apiVersion"), root.location),
        ("kind", root.get("kind"), root.location),
        ("metadata.name", next((x for x in named if x), None), (metadata or root).location),
    ]
    for name, node, location in required:
        if node is None or not text_of(node):
            in_blueprint = spec.place(location.line, location.column)
            yield rule.report(in_blueprint, path, f"Required value: {name} of the object to create")
