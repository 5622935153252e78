"""The running pods of a workload, as fetchStatefulSetParams and fetchDeploymentParams find them.

pkg/param/param.go and pkg/kube/workload.go at 0.119.0. The order is that of the API server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kanister_kafka.preview.parameters import Pods

Object = Mapping[str, Any]
_REVISION = "deployment.kubernetes.io/revision"
_ORDINAL = re.compile(r"-([0-9]+)$")


def pods_of(
    workload: Object, pods: Iterable[Object], replica_sets: Iterable[Object]
) -> Pods | None:
    """Return the running pods of a workload; None where a Deployment has no ReplicaSet."""
    owner: Object | None = workload
    if workload.get("kind") == "Deployment":
        revision = _annotation(workload)
        owned = (one for one in replica_sets if _owns(workload, one))
        owner = next((one for one in owned if _annotation(one) == revision), None)
    if owner is None:
        return None
    running = [
        pod for pod in pods if _owns(owner, pod) and pod.get("status", {}).get("phase") == "Running"
    ]
    mounts = {pod["metadata"]["name"]: _mounts(pod, _claims(workload, pod)) for pod in running}
    return Pods(
        tuple(mounts),
        tuple(
            tuple(s["name"] for s in _list(pod, "status", "containerStatuses")) for pod in running
        ),
        {name: held for name, held in mounts.items() if held},
    )


def _claims(workload: Object, pod: Object) -> dict[str, str]:
    """Return the claim by volume."""
    volumes = _list(workload, "spec", "template", "spec", "volumes")
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in volumes
        if "persistentVolumeClaim" in volume
    }
    if workload.get("kind") != "StatefulSet":
        return claims
    ordinal = _ORDINAL.search(pod["metadata"]["name"])
    if ordinal is None:
        return {}
    by_template = {claim: volume for volume, claim in claims.items()}
    for template in _list(workload, "spec", "volumeClaimTemplates"):
        by_template.setdefault(template["metadata"]["name"], template["metadata"]["name"])
    name = workload["metadata"]["name"]
    return {volume: f"{claim}-{name}-{int(ordinal[1])}" for claim, volume in by_template.items()}


def _mounts(pod: Object, claims: Mapping[str, str]) -> dict[str, str]:
    """Return the mount path by claim."""
    return {
        claims[mount["name"]]: mount["mountPath"]
        for container in _list(pod, "spec", "containers")
        for mount in container.get("volumeMounts") or ()
        if mount["name"] in claims
    }


def _owns(owner: Object, owned: Object) -> bool:
    uid = owner["metadata"].get("uid")
    return any(one.get("uid") == uid for one in _list(owned, "metadata", "ownerReferences"))


def _annotation(item: Object) -> str:
    return str((item["metadata"].get("annotations") or {}).get(_REVISION, ""))


def _list(item: Object, *path: str) -> Sequence[Any]:
    value: Any = item
    for key in path:
        value = value.get(key) or {}
    return value or ()
