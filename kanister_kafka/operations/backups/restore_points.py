"""Kasten's restore points of a namespace, and the hook of the Policy that made each.

RestorePoints come from Kasten's aggregated API (docs.kasten.io, api/restorepoints). Their labels
with the Policy and the location profile of an export, and the fields of their status, are those
that Kasten 8 and 9 were seen to write; the documentation does not list them.
"""

from __future__ import annotations

from dataclasses import dataclass

from kanister_kafka.backup.options import DEFAULT_KASTEN_NAMESPACE
from kanister_kafka.errors import ForbiddenError, NotFoundError
from kanister_kafka.kube.client import KubeClient, Object
from kanister_kafka.kube.objects import get_path, label, name_of

RESTORE_POINTS = "apps.kio.kasten.io/v1alpha1"
POLICIES = "config.kio.kasten.io/v1alpha1"
POLICY_NAME, POLICY_NAMESPACE = "k10.kasten.io/policyName", "k10.kasten.io/policyNamespace"
EXPORT_PROFILE = "k10.kasten.io/exportProfile"


@dataclass(frozen=True, slots=True)
class RestorePoint:
    """A restore point of Kasten."""

    name: str
    namespace: str
    time: str
    """Time of its action as RFC 3339; else of its creation."""
    policy: str
    """`NAMESPACE/NAME`; empty if a person has made it."""
    hook: str | None
    """Blueprint and action of the pre-hook that its Policy has now, as `BLUEPRINT ACTION`; empty
    if it has none, None if the Policy is not there or cannot be read."""
    exported_to: str
    """Name of the location profile; empty if it is not exported."""
    size: int | None
    """Logical bytes."""


@dataclass(frozen=True, slots=True)
class RestorePoints:
    """The restore points of a namespace or of all, the newest first."""

    points: tuple[RestorePoint, ...]
    unreadable: tuple[str, ...] = ()
    """Failures of reading, a sentence each."""


def read_restore_points(connection: KubeClient, namespace: str) -> RestorePoints:
    """Read the restore points of a namespace, or of all if it is empty.

    Raises NotFoundError if Kasten's API is not served, ForbiddenError if they may not be listed.
    """
    kind = connection.kind(RESTORE_POINTS, "RestorePoint")
    items = connection.items(kind, namespace)
    hooks: dict[str, str | None] = {}
    unreadable = {}
    for policy in sorted({_policy(item) for item in items} - {""}):
        try:
            hooks[policy] = _pre_hook(connection, policy)
        except ForbiddenError as refusal:
            unreadable[policy] = f"Policy {policy}: {refusal}"
    points = [
        RestorePoint(
            name=name_of(item),
            namespace=str(get_path(item, "metadata", "namespace") or ""),
            time=str(
                get_path(item, "status", "actionTime")
                or get_path(item, "metadata", "creationTimestamp")
                or ""
            ),
            policy=_policy(item),
            hook=hooks.get(_policy(item)),
            exported_to=label(item, EXPORT_PROFILE),
            size=_bytes(get_path(item, "status", "logicalSizeBytes")),
        )
        for item in items
    ]
    points.sort(key=lambda point: (point.time, point.namespace, point.name), reverse=True)
    return RestorePoints(tuple(points), tuple(unreadable.values()))


def _policy(item: Object) -> str:
    name = label(item, POLICY_NAME)
    return f"{label(item, POLICY_NAMESPACE) or DEFAULT_KASTEN_NAMESPACE}/{name}" if name else ""


def _pre_hook(connection: KubeClient, policy: str) -> str | None:
    """Return the pre-hook of the first action `backup` of a Policy."""
    namespace, _, name = policy.partition("/")
    try:
        found = connection.get(connection.kind(POLICIES, "Policy"), name, namespace)
    except NotFoundError:
        return None
    for action in get_path(found, "spec", "actions") or ():
        hook = get_path(action, "backupParameters", "hooks", "preHook")
        if hook:
            return f"{hook.get('blueprint', '')} {hook.get('actionName', '')}"
    return ""


def _bytes(value: object) -> int | None:
    return value if isinstance(value, int) else None
