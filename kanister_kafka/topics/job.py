"""Commands as a Job in the cluster, if brokers are reached only from there.

The pod has no service account and no rights. It connects only to Kafka.
"""

from __future__ import annotations

import base64
import contextlib
import enum
import json
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import product
from typing import Any

from kanister_kafka import constants
from kanister_kafka.errors import NotFoundError, UnreachableError
from kanister_kafka.kube.client import JOBS, PODS, KubeClient, Object
from kanister_kafka.kube.objects import name_of
from kanister_kafka.kube.pod_options import PodOptions
from kanister_kafka.kube.pods import PULL, follow_log, wait_for_phase
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock
from kanister_kafka.timestamps import format_epoch_ms
from kanister_kafka.topics import model
from kanister_kafka.topics.client import ClientAccess
from kanister_kafka.topics.client_properties import ClientProperties, write_properties
from kanister_kafka.topics.compare import CompareRequest
from kanister_kafka.topics.model import Isolation

CONFIG = "/config"
"""Directory of the properties in the pod: `a.properties` and `b.properties`."""
SECRET_WORDS = ("password", "key.pem", "jaas")
"""Parts of the names of settings whose values are secret."""
FORGOTTEN = 3600
"""Seconds after its end until Kubernetes deletes the Job."""
COMPARED = f"{constants.PREFIX}compared"
"""Annotation of a Job with A and B as in reports, separated by a space."""
USER = 1001
NAME = "kanister-kafka-topics-"


OF_A_JOB = PodOptions(requests=(("cpu", "100m"), ("memory", "128Mi")), limits=(("memory", "1Gi"),))
"""Default resources of a pod."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicJob:
    """A command that runs as a Job."""

    name: str
    namespace: str
    image: str
    """Its entry point is this command, with the extra `topics`."""
    arguments: tuple[str, ...]
    accesses: tuple[ClientAccess, ...]
    """Of A, and of B if there is one."""
    parts: int = 0
    """Number of pods that share the partitions; 0 for one pod without a split."""
    config_secret: str = ""
    """An existing Secret with the properties."""
    subject: str = ""
    pods: PodOptions = OF_A_JOB


def job_files(accesses: Sequence[ClientAccess]) -> dict[str, str]:
    """Return the properties files of the sides."""
    return {
        f"{side}.properties": write_properties(access.settings)
        for side, access in zip("ab", accesses, strict=False)
    }


def is_secret(settings: ClientProperties) -> bool:
    """Return whether settings contain secrets."""
    return any(word in name for name, word in product(settings, SECRET_WORDS))


def job_config(work: TopicJob, *, secret: bool, owner: Object | None = None) -> Object:
    """Return the Secret or ConfigMap with the properties, owned by the Job if it exists."""
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
    """Return the Job, which is Indexed if it has several parts.

    A `suspended` Job waits for its properties, which are created after it because it owns them. Its
    pods conform to the Pod Security Standard `restricted`.
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


# --- The output of a Job

POLL = 0.5
STARTED = 180.0
"""Seconds until a pod must be scheduled, its image pulled, and running."""
GRACE_S = 15.0
"""Seconds for which an image error may last."""
COMPLAINTS = (*PULL, "CreateContainerError")
LINES = 20
"""Last lines of the output that an error shows."""


@dataclass(frozen=True, slots=True)
class ProgressMessage:
    """The progress of a Job."""

    passed: int
    total: int


@dataclass(frozen=True, slots=True)
class ResultMessage:
    """A result; a rate has several, of which the last counts."""

    result: Any


def message_line(value: Any) -> str:
    """Return a result or progress as a line of output."""
    if isinstance(value, ProgressMessage):
        return json.dumps({"progress": [value.passed, value.total]})
    name = next(name for name, kind in KINDS.items() if isinstance(value, kind))
    return json.dumps({name: to_json(value)}, separators=(",", ":"))


def read_message(text: str) -> ProgressMessage | ResultMessage | str:
    """Parse a line of output; a line that is not a message is returned as text."""
    if not text.startswith("{"):
        return text
    try:
        ((name, value),) = json.loads(text).items()
    except ValueError:
        return text
    if name == "progress":
        return ProgressMessage(*value)
    return ResultMessage(from_json(KINDS[name], value)) if name in KINDS else text


def run_job(
    connection: KubeClient, work: TopicJob, *, clock: Clock = SYSTEM_CLOCK
) -> Iterator[ProgressMessage | ResultMessage]:
    """Run a command as a Job, yield its messages, and always delete the Job.

    Raises UnreachableError with the output if it fails.
    """
    job = connection.create(job_manifest(work, secret=True, suspended=True))
    try:
        connection.create(job_config(work, secret=True, owner=job))
        connection.patch(JOBS, work.name, work.namespace, {"spec": {"suspend": False}})
        pod = _pod_of_job(connection, work.namespace, work.name, clock)
        yield from follow_job(connection, work.namespace, pod, clock)
    finally:
        with contextlib.suppress(NotFoundError):
            connection.delete(JOBS, work.name, work.namespace)


def follow_job(
    connection: KubeClient, namespace: str, pod: str, clock: Clock = SYSTEM_CLOCK
) -> Iterator[ProgressMessage | ResultMessage]:
    """Yield the messages of a pod until it ends; raises UnreachableError if it has no result."""
    lines: list[str] = []
    has_result = False
    for text in follow_log(connection, pod, namespace, clock=clock):
        message = read_message(text)
        if isinstance(message, str):
            lines.append(message)
            del lines[:-LINES]
        else:
            has_result = has_result or isinstance(message, ResultMessage)
            yield message
    if not has_result:
        output = "\n".join(lines).strip() or "it printed nothing"
        raise UnreachableError(f"pod {namespace}/{pod} came to no result: {output}")


def _pod_of_job(connection: KubeClient, namespace: str, name: str, clock: Clock) -> str:
    """Wait until the pod of a Job runs or has ended; return its name."""

    def find() -> Object | None:
        pods = connection.items(PODS, namespace, f"job-name={name}")
        return pods[0] if pods else None

    done = wait_for_phase(
        find,
        ("Running", "Succeeded", "Failed"),
        timeout=STARTED,
        interval=POLL,
        complaints=COMPLAINTS,
        grace=GRACE_S,
        clock=clock,
    )
    if done.reached:
        return name_of(done.pod)
    late = "" if done.hopeless else f" does not run after {STARTED:g} s"
    raise UnreachableError(f"Job {namespace}/{name}{late}: {done.reason}")


# --- The arguments of a Job

SIDES = (("--command-config", "a"), ("--command-config-b", "b"))
"""Options with the properties of each side, and the side."""


def command_args(command: str, sides: int) -> tuple[str, ...]:
    """Return the first arguments of a command of `topics` in a pod."""
    arguments = ["topics", command, "--wire"]
    for option, side in SIDES[:sides]:
        arguments += [option, f"{CONFIG}/{side}.properties"]
    return tuple(arguments)


def request_args(request: CompareRequest) -> tuple[str, ...]:
    """Return the options of a request, without its part."""
    words = ["--max-skew", f"{request.even_within}ms"]
    for number in request.partitions:
        words += ["-p", str(number)]
    if request.since:
        words += ["--since", format_epoch_ms(request.since)]
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
    """Return the argument for a topic; the properties have the other settings."""
    return f"{access.settings['bootstrap.servers']}/{topic}"


# --- Results as JSON and back; bytes are base64, enums are their values

KINDS = {
    "comparison": model.Comparison,
    "last": model.TailRecords,
    "rates": model.TopicRates,
    "totals": model.TopicSizes,
}
"""Results by their names in a message; a Job of another version has the same names."""


def to_json(value: Any) -> Any:
    """Return a value of the model as JSON values."""
    if is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, enum.Enum):
        return value.value
    return value


def from_json(kind: Any, value: Any) -> Any:
    """Return a value of the model from JSON values; raises UnreachableError."""
    try:
        return _decode(kind, value)
    except (KeyError, TypeError, ValueError) as failure:
        raise UnreachableError(
            f"unexpected result from the cluster (not a {kind.__name__}); does the image of the "
            "Job have the same version?"
        ) from failure


def _decode(kind: Any, value: Any) -> Any:
    origin = typing.get_origin(kind)
    arguments = typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        kinds = [hint for hint in arguments if hint is not type(None)]
        return None if value is None else _decode(kinds[0], value)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return tuple(_decode(arguments[0], item) for item in value)
        return tuple(_decode(hint, part) for hint, part in zip(arguments, value, strict=True))
    if is_dataclass(kind):
        dataclass: Any = kind
        members: Mapping[str, Any] = {**value}
        hints = typing.get_type_hints(kind)
        return dataclass(**{name: _decode(hint, members[name]) for name, hint in hints.items()})
    if kind is bytes:
        return base64.b64decode(value, validate=True)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    if not isinstance(value, (int, float) if kind is float else kind):
        raise TypeError(value)
    return value
