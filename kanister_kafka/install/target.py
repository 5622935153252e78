"""Which objects may be put on a cluster, in which order, and how they are named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kanister_kafka.kube.connection import Object, Objects
from kanister_kafka.marks import BLUEPRINT

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
    ("apps/v1", "Deployment"),
    (KANISTER, "Blueprint"),
    (KASTEN, "TransformSet"),
    (KASTEN, "BlueprintBinding"),
    (KASTEN, "Policy"),
)
"""API version and kind of all that is rendered, what is needed before what needs it.

The API server wants a Role before its RoleBinding where the user may not `bind`; Kasten refuses a
Policy whose hooks name no Blueprint.
"""


OF_NO_NAMESPACE = tuple(kind for version, kind in ORDER if version == ADMISSION)
"""Kinds of the whole cluster."""


@dataclass(frozen=True, slots=True)
class Target:
    """One object, by its place on the cluster."""

    api_version: str
    kind: str
    namespace: str
    """Empty for what is of the whole cluster."""
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
    def rank(self) -> tuple[int, str, str]:
        """Where it stands in the order."""
        return ORDER.index((self.api_version, self.kind)), self.namespace, self.name


def target(item: Object) -> Target:
    """Return the place of an object that has one."""
    metadata = item["metadata"]
    namespace = "" if item["kind"] in OF_NO_NAMESPACE else metadata["namespace"]
    return Target(item["apiVersion"], item["kind"], namespace, metadata["name"])


def namespaces_of(objects: Iterable[Object]) -> frozenset[str]:
    """Return the namespaces that objects are in."""
    return frozenset({target(item).namespace for item in objects} - {""})


def in_order(objects: Iterable[Object]) -> Objects:
    """Return objects in the order in which they need each other."""
    return tuple(sorted(objects, key=lambda item: target(item).rank))


def blueprints_of(objects: Iterable[Object]) -> frozenset[str]:
    """Return `NAMESPACE/NAME` of each Blueprint that objects are, or say that they serve."""
    found = {served(item) for item in objects}
    for item in objects:
        if item["kind"] == "Blueprint":
            place = target(item)
            found.add(f"{place.namespace}/{place.name}")
    return frozenset(found - {""})


def served(item: Object) -> str:
    """Return `NAMESPACE/NAME` of the Blueprint that an object says to serve, or nothing."""
    return str((item["metadata"].get("annotations") or {}).get(BLUEPRINT, ""))
