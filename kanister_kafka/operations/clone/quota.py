"""Whether the ResourceQuotas of a namespace have room for a copy.

The API server reports this only when the operator makes the pods, long after the claims.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from kanister_kafka.kube.client import Object, Objects
from kanister_kafka.kube.objects import get_path, name_of
from kanister_kafka.kube.pod_options import quantity
from kanister_kafka.operations.clone.plan import ClonePlan

CLAIM_COUNT, STORAGE = "persistentvolumeclaims", "requests.storage"
OF_CLASS = ".storageclass.storage.k8s.io/"
COMPUTE = {
    "cpu": ("requests", "cpu"),
    "memory": ("requests", "memory"),
    "requests.cpu": ("requests", "cpu"),
    "requests.memory": ("requests", "memory"),
    "limits.cpu": ("limits", "cpu"),
    "limits.memory": ("limits", "memory"),
}
"""Keys of a quota, and the resources of a container that count (kubernetes, quota/v1)."""


def quota_faults(plan: ClonePlan, quotas: Objects, default_class: str = "") -> list[str]:
    """Return a sentence for each resource of which a quota has too little left.

    `default_class` is the StorageClass of claims that name none; empty if it is not known.
    """
    found = []
    for quota in quotas:
        if get_path(quota, "spec", "scopes") or get_path(quota, "spec", "scopeSelector"):
            continue  # which pods it counts is not known before they are there
        hard = get_path(quota, "status", "hard") or get_path(quota, "spec", "hard") or {}
        used = get_path(quota, "status", "used") or {}
        for key, limit in sorted(hard.items()):
            needed = _needed(plan, key, default_class)
            if needed is None:
                continue
            left = (quantity(str(limit)) or Fraction(0)) - (
                quantity(str(used.get(key, "0"))) or Fraction(0)
            )
            if needed > left:
                found.append(
                    f"ResourceQuota {name_of(quota)} has {_text(left)} of {key} left, and the copy "
                    f"needs {_text(needed)}"
                )
    return found


def _class_of(claim: Object, default_class: str) -> str:
    name = get_path(claim, "spec", "storageClassName")
    return default_class if name is None else str(name)


def _needed(plan: ClonePlan, key: str, default_class: str) -> Fraction | None:
    """Return how much of a key of a quota the copy needs; None if that is not known.

    It is not if a group of nodes does not set a resource, which a LimitRange may set.
    """
    storage_class, _, rest = key.partition(OF_CLASS)
    claims = plan.claims
    if rest:
        claims = tuple(one for one in claims if _class_of(one, default_class) == storage_class)
        key = rest
    if key == CLAIM_COUNT:
        return Fraction(len(claims))
    if key == STORAGE:
        sizes = (get_path(one, "spec", "resources", "requests", "storage") for one in claims)
        return sum((quantity(str(size)) or Fraction(0) for size in sizes), Fraction(0))
    if key in ("pods", "count/pods"):
        return Fraction(sum(replicas for replicas, _resources in _nodes(plan)))
    if key not in COMPUTE:
        return None
    kind, name = COMPUTE[key]
    total = Fraction(0)
    for replicas, resources in _nodes(plan):
        # a container without a request asks for its limit
        value = get_path(dict(resources), kind, name)
        if value is None and kind == "requests":
            value = get_path(dict(resources), "limits", name)
        amount = quantity(str(value)) if value is not None else None
        if amount is None:
            return None
        total += replicas * amount
    return total


def _nodes(plan: ClonePlan) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield replicas and resources of each group of nodes."""
    for pool in plan.pools:
        spec = pool["spec"]
        yield int(spec.get("replicas") or 0), _resources(spec)
    parts = ["zookeeper"] if plan.pools else ["kafka", "zookeeper"]
    for part in parts:
        if spec := plan.kafka["spec"].get(part):
            yield int(spec.get("replicas") or 0), _resources(spec)


def _resources(spec: Object) -> Mapping[str, object]:
    return dict(spec.get("resources") or {})


def _text(amount: Fraction) -> str:
    for unit, size in (("Gi", 2**30), ("Mi", 2**20)):
        if amount >= size and (amount * 10 / size).denominator == 1:
            number = amount / size
            return f"{float(number):g}{unit}"
    return f"{float(amount):g}"
