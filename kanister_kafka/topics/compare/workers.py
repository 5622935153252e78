"""A comparison split over processes, because a Python process uses one core, or over pods."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, wait
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from threading import Thread
from typing import TYPE_CHECKING

from kanister_kafka.errors import UnreachableError
from kanister_kafka.kube.client import JOBS, PODS, KubeClient, Object
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock, poll
from kanister_kafka.processes import WorkerPool, WorkerTask, exit_with_parent, spawn_context
from kanister_kafka.topics.client import ClientAccess, KafkaConsumer
from kanister_kafka.topics.compare import CompareRequest, compare
from kanister_kafka.topics.compare.reader import OnProgress, OpenTopic
from kanister_kafka.topics.job import COMPARED, ResultMessage, follow_job
from kanister_kafka.topics.model import Comparison, PartitionResult

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.queues import SimpleQueue

# --- A comparison split over the pods of an Indexed Job

INDEX = "batch.kubernetes.io/job-completion-index"
"""Label and annotation of a pod with its part (before Kubernetes 1.28 only an annotation)."""
POLL = 1.0
"""Seconds between two looks at a Job."""

OnMergeProgress = Callable[[int, int], None]
"""Called with the number of parts that have ended, and their total."""


def collect_job_results(
    connection: KubeClient,
    name: str,
    namespace: str,
    progress: OnMergeProgress,
    *,
    clock: Clock = SYSTEM_CLOCK,
) -> Comparison:
    """Wait for a Job and merge the results of its pods.

    Raises NotFoundError if the Job does not exist, UnreachableError if it failed, if a part
    is gone, or if it is not a comparison.
    """
    job = _wait_for_end(connection, name, namespace, progress, clock)
    subject = (job["metadata"].get("annotations") or {}).get(COMPARED, "").split()
    if len(subject) != 2:
        raise UnreachableError(f"Job {namespace}/{name} is not a comparison of topics")
    parts = []
    for index, pod in sorted(_pods(connection, name, namespace).items()):
        results = [
            event.result
            for event in follow_job(connection, namespace, pod)
            if isinstance(event, ResultMessage)
        ]
        if not results or not isinstance(results[-1], Comparison):
            raise UnreachableError(f"pod {namespace}/{pod}, part {index}, has no comparison")
        parts.append(results[-1])
    completions = int(job["spec"].get("completions") or 0)
    if len(parts) != completions:
        raise UnreachableError(
            f"Job {namespace}/{name}: {len(parts)} of {completions} parts exist; were pods deleted?"
        )
    a, b = subject
    return merge_comparisons(parts, _topic_in(a, parts[0].a), _topic_in(b, parts[0].b))


def _topic_in(side: str, topic: str) -> str:
    """Return the topic of a pod's result with the cluster as the Job names it."""
    return f"{side.rpartition('/')[0]}/{topic.rpartition('/')[2]}"


def merge_comparisons(parts: Sequence[Comparison], a: str, b: str) -> Comparison:
    """Merge the parts of one comparison."""
    partitions: list[PartitionResult] = []
    missing_in_a: list[int] = []
    missing_in_b: list[int] = []
    for part in parts:
        partitions += part.partitions
        missing_in_a += part.missing_in_a
        missing_in_b += part.missing_in_b
    return replace(
        parts[0],
        a=a,
        b=b,
        partitions=tuple(sorted(partitions, key=lambda result: result.partition)),
        timed=all(part.timed for part in parts),
        compacted=any(part.compacted for part in parts),
        missing_in_a=tuple(sorted(missing_in_a)),
        missing_in_b=tuple(sorted(missing_in_b)),
        seconds=max(part.seconds for part in parts),
        messages=sum(part.messages for part in parts),
    )


def _wait_for_end(
    connection: KubeClient, name: str, namespace: str, progress: OnMergeProgress, clock: Clock
) -> Object:
    def look() -> Object | None:
        job = connection.get(JOBS, name, namespace)
        status = job.get("status") or {}
        progress(int(status.get("succeeded") or 0), int(job["spec"].get("completions") or 1))
        for condition in status.get("conditions") or ():
            if condition.get("status") == "True" and condition.get("type") == "Failed":
                reason = f"{condition.get('reason')}: {condition.get('message')}"
                raise UnreachableError(f"Job {namespace}/{name} failed: {reason}; see kubectl logs")
            if condition.get("status") == "True" and condition.get("type") == "Complete":
                return job
        return None

    # Without a limit: a comparison takes as long as its topics are large, and its Job ends itself.
    job = poll(look, timeout=math.inf, interval=POLL, clock=clock)
    assert job is not None  # noqa: S101 - without a limit, only a result ends it
    return job


def _pods(connection: KubeClient, name: str, namespace: str) -> dict[int, str]:
    """Return the pod of each part that succeeded."""
    pods = {}
    for pod in connection.items(PODS, namespace, f"job-name={name}"):
        index = (pod["metadata"].get("annotations") or {}).get(INDEX)
        if index is not None and (pod.get("status") or {}).get("phase") == "Succeeded":
            pods[int(index)] = str(pod["metadata"]["name"])
    return pods


# --- A comparison split over processes

PROGRESS_S = 0.2
"""Seconds between two looks at the progress of the processes."""


@dataclass(frozen=True, slots=True)
class TopicAccess:
    """A topic and the access to its cluster."""

    access: ClientAccess
    topic: str


def compare_parallel(
    a: TopicAccess, b: TopicAccess, request: CompareRequest, processes: int, progress: OnProgress
) -> Comparison:
    """Compare as `compare` does, in several processes, each with some of the partitions.

    Raises the errors of `compare`, and UnreachableError if a process is killed. Each process can
    need the memory of a whole comparison. There are at most as many processes as partitions; a
    single one is this process.
    """
    if processes > 1:
        with closing(KafkaConsumer(a.access)) as cluster:
            processes = min(processes, len(cluster.partitions(a.topic)))
    if processes == 1:
        return _compare(a, b, request, progress)
    began = time.monotonic()
    parts = _compare_parts(a, b, _split(request, processes), progress)
    seconds = round(time.monotonic() - began, 3)
    return replace(merge_comparisons(parts, parts[0].a, parts[0].b), seconds=seconds)


def _compare(
    a: TopicAccess, b: TopicAccess, request: CompareRequest, progress: OnProgress
) -> Comparison:
    with (
        closing(KafkaConsumer(a.access, isolation=request.isolation)) as first,
        closing(KafkaConsumer(b.access, isolation=request.isolation)) as second,
    ):
        return compare(OpenTopic(first, a.topic), OpenTopic(second, b.topic), request, progress)


def _split(request: CompareRequest, processes: int) -> list[CompareRequest]:
    """Split a request, which can be a part itself."""
    part, parts = request.split
    return [
        replace(request, split=(part + parts * number, parts * processes))
        for number in range(processes)
    ]


def _compare_parts(
    a: TopicAccess, b: TopicAccess, requests: Sequence[CompareRequest], progress: OnProgress
) -> list[Comparison]:
    """Compare each part in a process of its own; an error of one ends the others.

    The end of a pipe cancels them. An Event of multiprocessing would not do: `set` never returns
    if a process was killed while it waited for the Event.
    """
    context = spawn_context()
    positions: SimpleQueue[tuple[int, int, int]] = context.SimpleQueue()
    end_of_pipe, pipe = context.Pipe(duplex=False)
    pool = WorkerPool(len(requests), _start, (positions, end_of_pipe))
    try:
        tasks = [
            pool.submit(_compare_part, part, a, b, request) for part, request in enumerate(requests)
        ]
        # Only the next task makes the pool watch the process that the last one has started.
        pool.submit(_do_nothing)
        _report_progress(tasks, positions, progress)
        return [task.result() for task in tasks]
    finally:
        pipe.close()
        pool.close()
        positions.close()
        end_of_pipe.close()


def _report_progress(
    tasks: Sequence[WorkerTask[Comparison]],
    positions: SimpleQueue[tuple[int, int, int]],
    progress: OnProgress,
) -> None:
    """Report the sum of the progress of all parts until all have ended; raises the first error.

    This waits for the processes and not by `kube.wait.poll`, which would sleep after the last of
    them has ended.
    """
    latest = [(0, 0)] * len(tasks)
    of_future = {task.future: task for task in tasks}
    pending = set(of_future)
    while pending:
        done, pending = wait(pending, PROGRESS_S, FIRST_EXCEPTION)
        while not positions.empty():
            part, passed, total = positions.get()
            latest[part] = (passed, total)
            progress(*map(sum, zip(*latest, strict=True)))
        for future in done:
            of_future[future].wait()


def _start(positions: SimpleQueue[tuple[int, int, int]], end_of_pipe: Connection) -> None:
    """Prepare a process, which ends at once with its parent, or if the comparison is cancelled.

    A pool waits for the tasks that run, and a read from a broker can wait for a minute.
    """
    global _positions
    _positions = positions
    exit_with_parent()
    Thread(target=_exit_at, args=(end_of_pipe,), daemon=True).start()


def _exit_at(end_of_pipe: Connection) -> None:
    with suppress(EOFError):
        end_of_pipe.recv()
    os._exit(1)


_positions: SimpleQueue[tuple[int, int, int]]
"""The progress of the process of a part; a task of a pool cannot have a queue as an argument."""


def _do_nothing() -> None:
    pass


def _compare_part(part: int, a: TopicAccess, b: TopicAccess, request: CompareRequest) -> Comparison:
    sent = 0.0

    def send(passed: int, total: int) -> None:
        nonlocal sent
        if passed == total or time.monotonic() - sent > PROGRESS_S:
            sent = time.monotonic()
            _positions.put((part, passed, total))

    return _compare(a, b, request, send)
