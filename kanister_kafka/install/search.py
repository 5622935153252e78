"""What else on a cluster was put there for the same Blueprint."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from kanister_kafka.errors import ForbiddenError, NotFoundError
from kanister_kafka.install.target import ORDER, served
from kanister_kafka.kube.connection import Connection, Object, Objects, Resource
from kanister_kafka.marks import COMPONENT, MANAGED_BY
from kanister_kafka.pins import holds_scripts

LABEL = f"{MANAGED_BY}={COMPONENT}"
CONFIG_MAP = ("v1", "ConfigMap")


@dataclass(frozen=True, slots=True)
class Found:
    """Objects that serve a Blueprint, and where nobody could look for more."""

    objects: Objects
    scripts: Objects
    """ConfigMaps of scripts: in the namespaces given those that say to serve no Blueprint, as all
    clusters there share them, and those that serve one of the Blueprints."""
    unseen: tuple[str, ...]
    """Such as `in other namespaces than kafka: roles.rbac.authorization.k8s.io`."""


def search(
    blueprints: Collection[str],
    namespaces: Collection[str],
    connection: Connection,
    *,
    kinds: Iterable[tuple[str, str]] = ORDER,
) -> Found:
    """Find the objects of ours that say to serve one of these Blueprints (`NAMESPACE/NAME`).

    All namespaces are looked at where the user may list them, else those given. A kind that is not
    served has no objects. Raises UnreachableError.
    """
    found: list[Object] = []
    unseen: dict[str, list[str]] = {}
    for api_version, kind in kinds:
        try:
            resource = connection.kind(api_version, kind)
        except NotFoundError:
            continue
        try:
            found += connection.items(resource, label=LABEL)
        except ForbiddenError:
            if not resource.namespaced:
                unseen.setdefault("of the whole cluster", []).append(str(resource))
                continue
            elsewhere = f"in other namespaces than {', '.join(sorted(namespaces))}"
            unseen.setdefault(elsewhere, []).append(str(resource))
            found += _in_each(resource, namespaces, connection, unseen)

    def is_near(scripts: Object) -> bool:
        owner = served(scripts)
        return owner in blueprints if owner else scripts["metadata"]["namespace"] in namespaces

    return Found(
        tuple(item for item in found if served(item) in blueprints and not holds_scripts(item)),
        tuple(item for item in found if holds_scripts(item) and is_near(item)),
        tuple(f"{where}: {', '.join(resources)}" for where, resources in unseen.items()),
    )


def is_ours(item: Object) -> bool:
    """Tell whether an object carries our label."""
    return (item["metadata"].get("labels") or {}).get(MANAGED_BY) == COMPONENT


def _in_each(
    resource: Resource,
    namespaces: Collection[str],
    connection: Connection,
    unseen: dict[str, list[str]],
) -> Iterator[Object]:
    for namespace in sorted(namespaces):
        try:
            yield from connection.items(resource, namespace, LABEL)
        except ForbiddenError:
            unseen.setdefault(f"in namespace {namespace}", []).append(str(resource))
