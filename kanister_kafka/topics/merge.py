"""A comparison that was split over the pods of an Indexed Job, put together again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from kanister_kafka.errors import TransientError, UnreachableError
from kanister_kafka.kube.connection import PODS, Connection, Object
from kanister_kafka.topics.job import COMPARED, JOBS
from kanister_kafka.topics.model import Comparison
from kanister_kafka.topics.remote import Came, follow

INDEX = "batch.kubernetes.io/job-completion-index"
"""Label and annotation of a pod: which part is its (Kubernetes 1.28; before, an annotation)."""
POLL = 1.0

Progress = Callable[[int, int], None]
"""Told how many parts have ended, of how many."""


def merged(connection: Connection, name: str, namespace: str, progress: Progress) -> Comparison:
    """Wait for a Job and merge what its pods found.

    Raises NotFoundError where there is no such Job, UnreachableError where it failed, where a part
    is gone, or where it is no comparison.
    """
    job = _ended(connection, name, namespace, progress)
    subject = (job["metadata"].get("annotations") or {}).get(COMPARED, "").split()
    if len(subject) != 2:
        raise UnreachableError(f"Job {namespace}/{name} is no comparison of topics")
    parts = []
    for index, pod in sorted(_pods(connection, name, namespace).items()):
        results = [
            event.result for event in follow(connection, namespace, pod) if isinstance(event, Came)
        ]
        if not results or not isinstance(results[-1], Comparison):
            raise UnreachableError(f"pod {namespace}/{pod}, part {index}, has no comparison")
        parts.append(results[-1])
    wanted = int(job["spec"].get("completions") or 0)
    if len(parts) != wanted:
        raise UnreachableError(
            f"Job {namespace}/{name}: {len(parts)} of {wanted} parts are there; were pods deleted?"
        )
    a, b = subject
    topics = [name.rpartition("/")[2] for name in (parts[0].a, parts[0].b)]
    return join(
        parts,
        *(f"{of.rpartition('/')[0]}/{topic}" for of, topic in zip((a, b), topics, strict=True)),
    )


def join(parts: Sequence[Comparison], a: str, b: str) -> Comparison:
    """Return the parts of one comparison as a whole."""
    every = sorted((one for part in parts for one in part.partitions), key=lambda p: p.partition)
    return replace(
        parts[0],
        a=a,
        b=b,
        partitions=tuple(every),
        timed=all(part.timed for part in parts),
        compacted=any(part.compacted for part in parts),
        missing_in_a=tuple(sorted(number for part in parts for number in part.missing_in_a)),
        missing_in_b=tuple(sorted(number for part in parts for number in part.missing_in_b)),
        seconds=max(part.seconds for part in parts),
        messages=sum(part.messages for part in parts),
    )


def _ended(connection: Connection, name: str, namespace: str, progress: Progress) -> Object:
    while True:
        try:
            job = connection.get(JOBS, name, namespace)
        except TransientError:
            time.sleep(POLL)
            continue
        status = job.get("status") or {}
        progress(int(status.get("succeeded") or 0), int(job["spec"].get("completions") or 1))
        for condition in status.get("conditions") or ():
            if condition.get("status") == "True" and condition.get("type") == "Failed":
                said = f"{condition.get('reason')}: {condition.get('message')}"
                raise UnreachableError(f"Job {namespace}/{name} failed: {said}; see kubectl logs")
            if condition.get("status") == "True" and condition.get("type") == "Complete":
                return job
        time.sleep(POLL)


def _pods(connection: Connection, name: str, namespace: str) -> dict[int, str]:
    """Return the pod of each part that succeeded."""
    found = {}
    for pod in connection.items(PODS, namespace, f"job-name={name}"):
        index = (pod["metadata"].get("annotations") or {}).get(INDEX)
        if index is not None and (pod.get("status") or {}).get("phase") == "Succeeded":
            found[int(index)] = str(pod["metadata"]["name"])
    return found
