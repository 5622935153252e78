"""KubeOps: which objects its operations reach, and what it creates or patches them with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kanister_kafka.blueprint import Blueprint, Phase, below
from kanister_kafka.blueprint.faults import field_of, is_template, text_of
from kanister_kafka.blueprint.kubernetes_api import NAMESPACED, OF_THE_CLUSTER, STRATEGIC
from kanister_kafka.checks.functions import called
from kanister_kafka.checks.registry import Finding, Settings, check
from kanister_kafka.document import Document, MappingNode, Node, Scalar, loads
from kanister_kafka.problem import Location


class Operation(NamedTuple):
    """A phase with KubeOps."""

    phase: Phase
    name: str
    """Of the operation; it may be a template, or nothing that there is."""
    reference: MappingNode | None

    @property
    def path(self) -> str:
        """Field path of the reference."""
        return f"{self.phase.path}.args.objectReference"

    def target(self, field: str) -> Scalar | None:
        """Return a field of the reference that says something other than a template."""
        node = field_of(self.reference, field)
        said = isinstance(node, Scalar) and node.value not in (None, "")
        return node if isinstance(node, Scalar) and said and not is_template(node.text) else None

    @property
    def resource(self) -> tuple[str, str] | None:
        """Group and resource, where both are known."""
        group = field_of(self.reference, "group")
        resource = self.target("resource")
        if resource is None or is_template(text_of(group)):
            return None
        return text_of(group), text_of(resource)


def operations(blueprint: Blueprint, settings: Settings) -> Iterator[Operation]:
    """Yield the phases with KubeOps."""
    for phase, function in called(blueprint, settings):
        if function.name == "KubeOps":
            node = phase.argument("objectReference")
            reference = node if isinstance(node, MappingNode) else None
            yield Operation(phase, text_of(phase.argument("operation")), reference)


@check("custom-resource-patch")
def custom_resource_patch(blueprint: Blueprint, settings: Settings) -> Iterator[Finding]:
    """Find patches of custom resources: the API server answers 415 to a strategic merge patch.

    KubeOps sends no other kind (Patch in pkg/kube/kubectl.go), and only resources that are compiled
    into an API server take that one.
    """
    for operation in operations(blueprint, settings):
        group = operation.target("group")
        if operation.name == "patch" and group and text_of(group) not in STRATEGIC:
            message = (
                f'Invalid value: "{group.text}": a custom resource takes no strategic merge patch, '
                "the only one that KubeOps sends; run `kubectl patch --type merge` in a KubeTask"
            )
            yield Finding(group.location, below(operation.path, "group"), message)


@check("object-namespace")
def object_namespace(blueprint: Blueprint, settings: Settings) -> Iterator[Finding]:
    """Find objects that are looked for in a namespace and have none, or the other way round.

    delete always asks within a namespace, `default` where none is named; patch asks within that of
    the reference alone, and not at all without it (pkg/kube/kubectl.go).
    """
    for operation in operations(blueprint, settings):
        resource = operation.target("resource")
        if resource is None or operation.reference is None:
            continue
        if operation.name == "delete" and operation.resource in OF_THE_CLUSTER:
            message = (
                f'Invalid value: "{resource.text}": KubeOps deletes within a namespace only, and '
                "these have none; run `kubectl delete` in a KubeTask"
            )
            yield Finding(resource.location, below(operation.path, "resource"), message)
        namespace = field_of(operation.reference, "namespace")
        unnamed = namespace is None or (isinstance(namespace, Scalar) and not namespace.text)
        if operation.name == "patch" and operation.resource in NAMESPACED and unnamed:
            message = "Required value: patch looks here only, not at the argument namespace"
            place = operation.reference.location
            yield Finding(place, below(operation.path, "namespace"), message)


@check("manifest")
def manifest(blueprint: Blueprint, settings: Settings) -> Iterator[Finding]:
    """Find specs of KubeOps that are no objects to create, or no patch; templates are not read."""
    for operation in operations(blueprint, settings):
        node = operation.phase.argument("spec")
        if not isinstance(node, Scalar) or is_template(node.text) or not node.text.strip():
            continue
        path = f"{operation.phase.path}.args.spec"
        if not isinstance(node.value, str) or operation.name not in ("create", "patch"):
            continue
        loaded = loads(node.text)
        for problem in loaded.problems:
            place = node.place(problem.location.line, problem.location.column)
            told = "must be an object" if problem.check == "wrong-type" else problem.message
            yield Finding(place, path, f"Invalid value: {told}")
        if not loaded.documents and not loaded.problems:
            yield Finding(node.location, path, "Required value: it holds no object")
        for document in loaded.documents if operation.name == "create" else ():
            yield from _object(document, node, path)


def _object(document: Document, spec: Scalar, path: str) -> Iterator[Finding]:
    root = document.root
    metadata = root.get("metadata")
    named = [field_of(metadata, name) for name in ("name", "generateName")]
    wanted: list[tuple[str, Node | None, Location]] = [
        ("apiVersion", root.get("apiVersion"), root.location),
        ("kind", root.get("kind"), root.location),
        ("metadata.name", next((x for x in named if x), None), (metadata or root).location),
    ]
    for name, found, location in wanted:
        if found is None or not text_of(found):
            place = spec.place(location.line, location.column)
            yield Finding(place, path, f"Required value: {name} of the object to create")
