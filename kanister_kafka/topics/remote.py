"""A Job followed to its end: what it prints is its progress and its result."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kanister_kafka.errors import NotFoundError, TransientError, UnreachableError
from kanister_kafka.kube.connection import PODS, Connection, Object
from kanister_kafka.topics.job import JOBS, Work, config, job
from kanister_kafka.topics.wire import KINDS, decode, encode

POLL = 0.5
STARTED = 180.0
"""Seconds for a pod to be scheduled, its image pulled, and to run."""
PATIENCE = 15.0
"""Seconds for which a pod may complain of its image before that is the end."""
HOPELESS = ("ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError")
COMPLAINTS = ("ErrImagePull", "ImagePullBackOff", "CreateContainerError", *HOPELESS)
KEPT = 20
"""Lines of its output that are shown where it fails."""


@dataclass(frozen=True, slots=True)
class Passed:
    """How far a Job has come."""

    passed: int
    total: int


@dataclass(frozen=True, slots=True)
class Came:
    """A result; of a rate there are several, each newer than the one before."""

    result: Any


def line_of(value: Any) -> str:
    """Return the line by which a Job sends a result or its progress."""
    if isinstance(value, Passed):
        return json.dumps({"progress": [value.passed, value.total]})
    return json.dumps({type(value).__name__.lower(): encode(value)}, separators=(",", ":"))


def read_line(text: str) -> Passed | Came | str:
    """Return what a line of a Job's output is; a text where it is for people."""
    if not text.startswith("{"):
        return text
    try:
        ((name, value),) = json.loads(text).items()
    except ValueError:
        return text
    if name == "progress":
        return Passed(*value)
    return Came(decode(KINDS[name], value)) if name in KINDS else text


def run(connection: Connection, work: Work) -> Iterator[Passed | Came]:
    """Run a command as a Job and yield what it says; it is removed at the end, whatever comes.

    Raises UnreachableError where it fails, with what it said.
    """
    made = connection.create(job(work, secret=True, suspended=True))
    try:
        connection.create(config(work, secret=True, owner=made))
        connection.patch(JOBS, work.name, work.namespace, {"spec": {"suspend": False}})
        pod = _pod(connection, work.namespace, work.name)
        yield from follow(connection, work.namespace, pod)
    finally:
        with contextlib.suppress(NotFoundError):
            connection.delete(JOBS, work.name, work.namespace)


def follow(connection: Connection, namespace: str, pod: str) -> Iterator[Passed | Came]:
    """Yield what one pod says until it has ended; UnreachableError where it failed."""
    said: list[str] = []
    came = False
    for text in connection.log(pod, namespace):
        found = read_line(text)
        if isinstance(found, str):
            said = [*said[1 - KEPT :], found]
        else:
            came = came or isinstance(found, Came)
            yield found
    if not came:
        words = "\n".join(said).strip() or "it printed nothing"
        raise UnreachableError(f"pod {namespace}/{pod} came to no result: {words}")


def _pod(connection: Connection, namespace: str, name: str) -> str:
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
            if wrong and (kind in HOPELESS or time.monotonic() - wrong > PATIENCE):
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
