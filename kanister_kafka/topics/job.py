"""The same command as a Job in the cluster, where brokers are reached only from there.

Its pod has no account and no right: it talks to Kafka alone, with the properties it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kanister_kafka import marks
from kanister_kafka.kube.connection import Object, Resource
from kanister_kafka.pods import Pods
from kanister_kafka.topics.client import Access
from kanister_kafka.topics.properties import Settings, write_properties

JOBS = Resource(("apis", "batch", "v1"), "jobs", "Job", namespaced=True)
CONFIG = "/config"
"""Where a pod finds its properties: one file a side, `a.properties` and `b.properties`."""
SECRET_WORDS = ("password", "key.pem", "jaas")
"""In the names of settings whose values are nobody's business."""
FORGOTTEN = 3600
"""Seconds after its end until Kubernetes forgets a Job that nobody has removed."""
COMPARED = f"{marks.PREFIX}compared"
"""On a Job: what it compares, A and B behind each other, as they are called in reports."""
USER = 1001
NAME = "kanister-kafka-topics-"


OF_A_JOB = Pods(requests=(("cpu", "100m"), ("memory", "128Mi")), limits=(("memory", "1Gi"),))
"""What a pod asks for where nobody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a Job does."""

    name: str
    namespace: str
    image: str
    """With this command, its extra `topics`, as entry point."""
    arguments: tuple[str, ...]
    accesses: tuple[Access, ...]
    """Of A, and of B where there is one."""
    parts: int = 0
    """Pods among which the partitions are split; 0 for one that has them all."""
    config_secret: str = ""
    """A Secret with the properties that is there already."""
    subject: str = ""
    pods: Pods = OF_A_JOB


def files(accesses: Sequence[Access]) -> dict[str, str]:
    """Return the files of properties of the sides."""
    return {
        f"{side}.properties": write_properties(access.settings)
        for side, access in zip("ab", accesses, strict=False)
    }


def is_secret(settings: Settings) -> bool:
    """Tell whether settings hold what must not be printed."""
    return any(word in name for name in settings for word in SECRET_WORDS)


def config(work: Work, *, secret: bool, owner: Object | None = None) -> Object:
    """Return the object that holds the properties, owned by the Job where that is there."""
    metadata: Object = {"name": work.name, "namespace": work.namespace, "labels": _labels()}
    if owner is not None:
        metadata["ownerReferences"] = [
            {
                "apiVersion": JOBS.api_version,
                "kind": JOBS.kind,
                "name": work.name,
                "uid": owner["metadata"]["uid"],
            }
        ]
    data = files(work.accesses)
    if secret:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def job(work: Work, *, secret: bool, suspended: bool) -> Object:
    """Return the Job; Indexed where the work is split.

    `suspended` lets it wait for the properties, which belong to it and come after it. Its pods pass
    the Pod Security Standard `restricted`.
    """
    name = work.config_secret or work.name
    volume: Object = {"secret": {"secretName": name}} if secret else {"configMap": {"name": name}}
    spec: Object = {
        "suspend": suspended,
        "backoffLimit": 2 * work.parts,
        "ttlSecondsAfterFinished": FORGOTTEN,
        "template": {
            "metadata": {
                "labels": {**dict(work.pods.labels), **_labels()},
                "annotations": dict(work.pods.annotations),
            },
            "spec": {**_pod(work), "volumes": [{"name": "config", **volume}]},
        },
    }
    if work.parts:
        spec.update(completionMode="Indexed", completions=work.parts, parallelism=work.parts)
    if not suspended:
        del spec["suspend"]
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {
            "name": work.name,
            "namespace": work.namespace,
            "labels": _labels(),
            "annotations": {COMPARED: work.subject},
        },
        "spec": spec,
    }


def _pod(work: Work) -> Object:
    return {
        **work.pods.spec(),
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "topics",
                "image": work.image,
                "imagePullPolicy": "IfNotPresent",
                "args": list(work.arguments),
                "resources": {
                    "requests": dict(work.pods.requests),
                    "limits": dict(work.pods.limits),
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [{"name": "config", "mountPath": CONFIG, "readOnly": True}],
            }
        ],
    }


def _labels() -> Mapping[str, str]:
    return {
        marks.MANAGED_BY: marks.COMPONENT,
        "app.kubernetes.io/component": "topics",
    }
