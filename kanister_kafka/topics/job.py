"""The same command as a Job in the cluster, where brokers are reached only from there.

Its pod has no account and no right: it talks to Kafka alone, with the properties it is given.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kanister_kafka import constants
from kanister_kafka.errors import NotFoundError, TransientError, UnreachableError
from kanister_kafka.kube.client import PODS, ApiResource, KubeClient, Object
from kanister_kafka.kube.pod_options import PodOptions
from kanister_kafka.topics.client import ClientAccess
from kanister_kafka.topics.client_properties import ClientProperties, write_properties
from kanister_kafka.topics.compare import CompareRequest
from kanister_kafka.topics.json_codec import KINDS, from_json, to_json
from kanister_kafka.topics.model import Isolation
from kanister_kafka.topics.statistics import format_moment

JOBS = ApiResource(("apis", "batch", "v1"), "jobs", "Job", namespaced=True)
CONFIG = "/config"
"""Where a pod finds its properties: one file a side, `a.properties` and `b.properties`."""
SECRET_WORDS = ("password", "key.pem", "jaas")
"""In the names of settings whose values are nobody's business."""
FORGOTTEN = 3600
"""Seconds after its end until Kubernetes forgets a Job that nobody has removed."""
COMPARED = f"{constants.PREFIX}compared"
"""On a Job: what it compares, A and B behind each other, as they are called in reports."""
USER = 1001
NAME = "kanister-kafka-topics-"


OF_A_JOB = PodOptions(requests=(("cpu", "100m"), ("memory", "128Mi")), limits=(("memory", "1Gi"),))
"""What a pod asks for where nobody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicJob:
    """What a Job does."""

    name: str
    namespace: str
    image: str
    """With this command, its extra `topics`, as entry point."""
    arguments: tuple[str, ...]
    accesses: tuple[ClientAccess, ...]
    """Of A, and of B where there is one."""
    parts: int = 0
    """Pods among which the partitions are split; 0 for one that has them all."""
    config_secret: str = ""
    """A Secret with the properties that is there already."""
    subject: str = ""
    pods: PodOptions = OF_A_JOB


def job_files(accesses: Sequence[ClientAccess]) -> dict[str, str]:
    """Return the files of properties of the sides."""
    return {
        f"{side}.properties": write_properties(access.settings)
        for side, access in zip("ab", accesses, strict=False)
    }


def is_secret(settings: ClientProperties) -> bool:
    """Tell whether settings hold what must not be printed."""
    return any(word in name for name in settings for word in SECRET_WORDS)


def job_config(work: TopicJob, *, secret: bool, owner: Object | None = None) -> Object:
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
    data = job_files(work.accesses)
    if secret:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def job_manifest(work: TopicJob, *, secret: bool, suspended: bool) -> Object:
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


def _pod(work: TopicJob) -> Object:
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
        constants.MANAGED_BY: constants.COMPONENT,
        "app.kubernetes.io/component": "topics",
    }


# A Job followed to its end: what it prints is its progress and its result.

POLL = 0.5
STARTED = 180.0
"""Seconds for a pod to be scheduled, its image pulled, and to run."""
GRACE_S = 15.0
"""Seconds for which a pod may complain of its image before that is the end."""
HOPELESS = ("ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError")
COMPLAINTS = ("ErrImagePull", "ImagePullBackOff", "CreateContainerError", *HOPELESS)
KEPT = 20
"""Lines of its output that are shown where it fails."""


@dataclass(frozen=True, slots=True)
class ProgressMessage:
    """How far a Job has come."""

    passed: int
    total: int


@dataclass(frozen=True, slots=True)
class ResultMessage:
    """A result; of a rate there are several, each newer than the one before."""

    result: Any


def message_line(value: Any) -> str:
    """Return the line by which a Job sends a result or its progress."""
    if isinstance(value, ProgressMessage):
        return json.dumps({"progress": [value.passed, value.total]})
    name = next(name for name, kind in KINDS.items() if isinstance(value, kind))
    return json.dumps({name: to_json(value)}, separators=(",", ":"))


def read_message(text: str) -> ProgressMessage | ResultMessage | str:
    """Return what a line of a Job's output is; a text where it is for people."""
    if not text.startswith("{"):
        return text
    try:
        ((name, value),) = json.loads(text).items()
    except ValueError:
        return text
    if name == "progress":
        return ProgressMessage(*value)
    return ResultMessage(from_json(KINDS[name], value)) if name in KINDS else text


def run_job(connection: KubeClient, work: TopicJob) -> Iterator[ProgressMessage | ResultMessage]:
    """Run a command as a Job and yield what it says; it is removed at the end, whatever comes.

    Raises UnreachableError where it fails, with what it said.
    """
    made = connection.create(job_manifest(work, secret=True, suspended=True))
    try:
        connection.create(job_config(work, secret=True, owner=made))
        connection.patch(JOBS, work.name, work.namespace, {"spec": {"suspend": False}})
        pod = _pod_of_job(connection, work.namespace, work.name)
        yield from follow_job(connection, work.namespace, pod)
    finally:
        with contextlib.suppress(NotFoundError):
            connection.delete(JOBS, work.name, work.namespace)


def follow_job(
    connection: KubeClient, namespace: str, pod: str
) -> Iterator[ProgressMessage | ResultMessage]:
    """Yield what one pod says until it has ended; UnreachableError where it failed."""
    said: list[str] = []
    came = False
    for text in connection.log(pod, namespace):
        found = read_message(text)
        if isinstance(found, str):
            said = [*said[1 - KEPT :], found]
        else:
            came = came or isinstance(found, ResultMessage)
            yield found
    if not came:
        words = "\n".join(said).strip() or "it printed nothing"
        raise UnreachableError(f"pod {namespace}/{pod} came to no result: {words}")


def _pod_of_job(connection: KubeClient, namespace: str, name: str) -> str:
    """Wait for the pod of a Job to run, or to have run; return its name."""
    end, wrong = time.monotonic() + STARTED, 0.0
    reason = "its pod was not made"
    while time.monotonic() < end:
        try:
            pods = connection.items(PODS, namespace, f"job-name={name}")
        except TransientError:
            pods = ()
        for pod in pods:
            phase = (pod.get("status") or {}).get("phase")
            if phase in ("Running", "Succeeded", "Failed"):
                return str(pod["metadata"]["name"])
            reason, kind = _waits(pod)
            wrong = (wrong or time.monotonic()) if kind in COMPLAINTS else 0.0
            if wrong and (kind in HOPELESS or time.monotonic() - wrong > GRACE_S):
                raise UnreachableError(f"Job {namespace}/{name}: {reason}")
        time.sleep(POLL)
    raise UnreachableError(f"Job {namespace}/{name} does not run after {STARTED:g} s: {reason}")


def _waits(pod: Object) -> tuple[str, str]:
    """Return why a pod does not run yet, in words and as Kubernetes calls it."""
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason"):
            kind = str(waiting["reason"])
            message = " ".join(str(waiting.get("message") or "").split())[:300]
            return f"{kind}: {message}" if message else kind, kind
    for condition in status.get("conditions") or ():
        if condition.get("status") == "False" and condition.get("message"):
            return str(condition["message"])[:300], str(condition.get("reason"))
    return "its pod is Pending", ""


# A comparison as the words of the command line, for a Job that makes the same one.

SIDES = (("--command-config", "a"), ("--command-config-b", "b"))
"""Options with the properties of each side, and the start of the names of their files."""


def command_args(command: str, sides: int) -> tuple[str, ...]:
    """Return the words that begin a command of `topics` in a pod."""
    configs = (
        word for option, side in SIDES[:sides] for word in (option, f"{CONFIG}/{side}.properties")
    )
    return "topics", command, "--wire", *configs


def request_args(request: CompareRequest) -> tuple[str, ...]:
    """Return the options that say the same as a request; which part it is does not belong to it."""
    words = ["--max-skew", f"{request.even_within}ms"]
    for number in request.partitions:
        words += ["-p", str(number)]
    if request.since:
        words += ["--since", format_moment(request.since)]
    if request.last:
        words += ["--last", str(request.last)]
    if request.sample:
        words += ["--sample", f"{request.sample * 100:.6f}%"]
    if request.isolation is not Isolation.COMMITTED:
        words += ["--isolation", request.isolation.value]
    if request.compacted is not None:
        words.append("--compacted" if request.compacted else "--not-compacted")
    return tuple(words)


def topic_arg(access: ClientAccess, topic: str) -> str:
    """Return a topic as a pod names it, whose properties say the rest."""
    return f"{access.settings['bootstrap.servers']}/{topic}"
