"""Objects that may be put on a cluster, their order and names, and the outcome for each."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kanister_kafka.constants import BLUEPRINT
from kanister_kafka.diagnostics import Diagnostic, error, sort_diagnostics
from kanister_kafka.errors import ActionError, InputError, KanisterKafkaError, TransientError
from kanister_kafka.kube.client import Object, Objects
from kanister_kafka.operations.unrendered_fields import UnrenderedField
from kanister_kafka.yamldoc import Document, to_python

RBAC = "rbac.authorization.k8s.io/v1"
ADMISSION = "admissionregistration.k8s.io/v1"
KANISTER = "cr.kanister.io/v1alpha1"
KASTEN = "config.kio.kasten.io/v1alpha1"
ORDER = (
    ("v1", "ServiceAccount"),
    ("v1", "ConfigMap"),
    (ADMISSION, "ValidatingAdmissionPolicy"),
    (ADMISSION, "ValidatingAdmissionPolicyBinding"),
    (RBAC, "Role"),
    (RBAC, "RoleBinding"),
    (RBAC, "ClusterRole"),
    (RBAC, "ClusterRoleBinding"),
    ("apps/v1", "Deployment"),
    (KANISTER, "Blueprint"),
    ("batch/v1", "CronJob"),
    (KASTEN, "TransformSet"),
    (KASTEN, "BlueprintBinding"),
    (KASTEN, "Policy"),
)
"""API version and kind of all that is rendered, what is needed before what needs it.

The API server wants a Role before its RoleBinding if the user may not `bind`; Kasten refuses a
Policy whose hooks name no Blueprint.
"""


OF_NO_NAMESPACE = tuple(
    kind for version, kind in ORDER if version == ADMISSION or kind.startswith("Cluster")
)
"""Kinds of the whole cluster."""


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One object, by its place on the cluster."""

    api_version: str
    kind: str
    namespace: str
    """Empty for an object of the whole cluster."""
    name: str

    def __str__(self) -> str:
        """As kubectl prints it: `role.rbac.authorization.k8s.io/NAME`."""
        group, slash, _version = self.api_version.rpartition("/")
        return f"{self.kind.lower()}{'.' if slash else ''}{group}/{self.name}"

    @property
    def placed(self) -> str:
        """The same with its namespace."""
        return f"{self} in namespace {self.namespace}" if self.namespace else f"{self}"

    @property
    def deletion(self) -> str:
        """The words after `kubectl` that delete it."""
        namespace = f" -n {self.namespace}" if self.namespace else ""
        return f"delete {self}{namespace}"

    @property
    def rank(self) -> tuple[int, str, str]:
        """Where it stands in the order."""
        return ORDER.index((self.api_version, self.kind)), self.namespace, self.name


def object_ref(item: Object) -> ObjectRef:
    """Return the place of an object that has one."""
    metadata = item["metadata"]
    namespace = "" if item["kind"] in OF_NO_NAMESPACE else metadata["namespace"]
    return ObjectRef(item["apiVersion"], item["kind"], namespace, metadata["name"])


def namespaces_of(objects: Iterable[Object]) -> frozenset[str]:
    """Return the namespaces that objects are in."""
    return frozenset({object_ref(item).namespace for item in objects} - {""})


def sort_for_apply(objects: Iterable[Object]) -> Objects:
    """Return objects in the order in which they need each other."""
    return tuple(sorted(objects, key=lambda item: object_ref(item).rank))


def blueprints_of(objects: Iterable[Object]) -> frozenset[str]:
    """Return `NAMESPACE/NAME` of each Blueprint that is, or is named by, one of these objects."""
    blueprints = {blueprint_of(item) for item in objects}
    for item in objects:
        if item["kind"] == "Blueprint":
            ref = object_ref(item)
            blueprints.add(f"{ref.namespace}/{ref.name}")
    return frozenset(blueprints - {""})


def blueprint_of(item: Object) -> str:
    """Return `NAMESPACE/NAME` of the Blueprint that an object is labelled for, or nothing."""
    return str((item["metadata"].get("annotations") or {}).get(BLUEPRINT, ""))


# Documents to objects that may be applied: only what this package renders.

CREATED = "RestoreAction"
"""Kasten starts a restore as soon as it exists."""
KINDS = ", ".join(kind for _version, kind in ORDER)


def admit_objects(documents: Iterable[Document], namespace: str) -> Objects:
    """Return the objects of documents; those without a namespace get this one.

    Raises InputError, with all that is wrong, if one is of a kind that is not rendered here, has
    no name, or stands twice in the input.
    """
    objects: list[Object] = []
    problems: list[Diagnostic] = []
    places: set[ObjectRef] = set()
    for document in documents:
        item = _placed(to_python(document.root), namespace)
        faults = list(_wrong(document, item))
        if not faults:
            objects.append(item)
            ref = object_ref(item)
            if ref in places:
                faults = [_problem(document, "", f"{ref.placed} stands twice in the input")]
            places.add(ref)
        problems += faults
    if problems:
        raise InputError(sort_diagnostics(problems))
    return tuple(objects)


def _placed(item: dict[str, Any], namespace: str) -> Object:
    metadata = item.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    if item.get("kind") in OF_NO_NAMESPACE:
        metadata = {key: value for key, value in metadata.items() if key != "namespace"}
        return {**item, "metadata": metadata}
    return {**item, "metadata": {**metadata, "namespace": metadata.get("namespace") or namespace}}


def _wrong(document: Document, item: Object) -> Iterator[Diagnostic]:
    version, kind = item.get("apiVersion"), item.get("kind")
    if kind == CREATED:
        yield _problem(
            document,
            "kind",
            f"to apply a {CREATED} would start a restore; when that is wanted: kubectl create -f",
        )
    elif (version, kind) not in ORDER:
        yield _problem(
            document, "kind", f'Unsupported value: "{kind}" of {version}: supported are {KINDS}'
        )
    for key in ("name",) if kind in OF_NO_NAMESPACE else ("name", "namespace"):
        value = item["metadata"].get(key)
        if not isinstance(value, str) or not value:
            yield _problem(document, f"metadata.{key}", "Required value: must be a name")


def _problem(document: Document, path: str, message: str) -> Diagnostic:
    return error("not-for-apply", document.root.location, path, message)


# The outcome for each object, as data.


class ApplyOutcome(enum.Enum):
    """The outcome for an object in kubectl's words; in a dry run, the expected one."""

    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    PRUNED = "pruned"
    ABSENT = "not found"
    LEFT = "left"
    """It was named for deletion, but others created it."""


class DryRun(enum.Enum):
    """Who is asked what would happen."""

    NONE = "none"
    CLIENT = "client"
    """No server: the cluster is only read."""
    SERVER = "server"
    """The API server, with its defaults, validation and admission; it keeps nothing."""


@dataclass(frozen=True, slots=True)
class ObjectResult:
    """The outcome for one object."""

    target: ObjectRef
    outcome: ApplyOutcome
    why: str = ""
    unrendered: tuple[UnrenderedField, ...] = ()
    """Fields of other managers, which the apply has left."""


@dataclass(frozen=True, slots=True)
class ObjectFailure:
    """One object that could not be written, and why."""

    target: ObjectRef
    error: KanisterKafkaError


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyReport:
    """The outcomes of all objects; none is left out."""

    results: tuple[ObjectResult, ...]
    """In the order in which it happened; in a dry run, in which it would have."""
    failures: tuple[ObjectFailure, ...] = ()
    """More than one only if nothing has been changed yet."""
    pending: tuple[ObjectRef, ...] = ()
    """Objects that were not written, those that failed among them."""
    blockers: tuple[str, ...] = ()
    """Why nothing was deleted, each with its remedy: a Kafka is stopped, and needs the objects."""

    @property
    def exit_code(self) -> int:
        """0, or the worst of the failures.

        1 is refused, 2 is out of reach, missing or forbidden, 130 is interrupted.
        """
        return max((failed.error.exit_code for failed in self.failures), default=0)

    @property
    def unknown(self) -> tuple[ObjectRef, ...]:
        """Objects that may have been written although no answer came."""
        silent = (ActionError, TransientError)
        return tuple(f.target for f in self.failures if isinstance(f.error, silent))


OnResult = Callable[[ObjectResult], None]
"""Is called with each object as soon as it is done."""


def ignore_result(_result: ObjectResult) -> None:
    """Report to no one."""
