"""A comparison split over processes of this machine: Python has one of them use one core."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from kanister_kafka.child_processes import exit_with_parent, ignore_sigint, spawn_context
from kanister_kafka.errors import KanisterKafkaError, TransientError, UnreachableError
from kanister_kafka.kube.client import PODS, KubeClient, Object
from kanister_kafka.topics.client import ClientAccess, KafkaConsumer
from kanister_kafka.topics.compare import CompareRequest, compare
from kanister_kafka.topics.compare.reader import OnProgress, OpenTopic
from kanister_kafka.topics.job import COMPARED, JOBS, ResultMessage, follow_job
from kanister_kafka.topics.model import Comparison

# A comparison that was split over the pods of an Indexed Job, put together again.

INDEX = "batch.kubernetes.io/job-completion-index"
"""Label and annotation of a pod: which part is its (Kubernetes 1.28; before, an annotation)."""
POLL = 1.0

OnMergeProgress = Callable[[int, int], None]
"""Told how many parts have ended, of how many."""


def collect_job_results(
    connection: KubeClient, name: str, namespace: str, progress: OnMergeProgress
) -> Comparison:
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
            event.result
            for event in follow_job(connection, namespace, pod)
            if isinstance(event, ResultMessage)
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
    return merge_comparisons(
        parts,
        *(f"{of.rpartition('/')[0]}/{topic}" for of, topic in zip((a, b), topics, strict=True)),
    )


def merge_comparisons(parts: Sequence[Comparison], a: str, b: str) -> Comparison:
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


def _ended(connection: KubeClient, name: str, namespace: str, progress: OnMergeProgress) -> Object:
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


def _pods(connection: KubeClient, name: str, namespace: str) -> dict[int, str]:
    """Return the pod of each part that succeeded."""
    found = {}
    for pod in connection.items(PODS, namespace, f"job-name={name}"):
        index = (pod["metadata"].get("annotations") or {}).get(INDEX)
        if index is not None and (pod.get("status") or {}).get("phase") == "Succeeded":
            found[int(index)] = str(pod["metadata"]["name"])
    return found


Said = Comparison | KanisterKafkaError | tuple[int, int]
"""What a process says: how far it is, and at the end what it found or why it found nothing."""


@dataclass(frozen=True, slots=True)
class TopicAccess:
    """A topic and how its cluster is reached."""

    access: ClientAccess
    topic: str


def compare_parallel(
    a: TopicAccess, b: TopicAccess, request: CompareRequest, processes: int, progress: OnProgress
) -> Comparison:
    """Compare as `compare` does, in so many processes, each with some of the partitions.

    Raises what `compare` raises, and UnreachableError where a process is killed. Each may need the
    memory of a whole comparison. For 1 it is this process; there are no more than partitions.
    """
    if processes > 1:
        with closing(KafkaConsumer(a.access)) as cluster:
            processes = min(processes, len(cluster.partitions(a.topic)))
    if processes == 1:
        return _compared(a, b, request, progress)
    began = time.monotonic()
    with _started(a, b, _split(request, processes)) as running:
        parts = _heard(running, progress)
    seconds = round(time.monotonic() - began, 3)
    return replace(merge_comparisons(parts, parts[0].a, parts[0].b), seconds=seconds)


def _compared(
    a: TopicAccess, b: TopicAccess, request: CompareRequest, progress: OnProgress
) -> Comparison:
    with (
        closing(KafkaConsumer(a.access, isolation=request.isolation)) as first,
        closing(KafkaConsumer(b.access, isolation=request.isolation)) as second,
    ):
        return compare(OpenTopic(first, a.topic), OpenTopic(second, b.topic), request, progress)


def _split(request: CompareRequest, processes: int) -> list[CompareRequest]:
    """Split a request, which may be a part itself: of n, every so-many-th of its partitions."""
    part, parts = request.split
    return [
        replace(request, split=(part + parts * number, parts * processes))
        for number in range(processes)
    ]


@contextmanager
def _started(
    a: TopicAccess, b: TopicAccess, requests: Sequence[CompareRequest]
) -> Iterator[list[Connection]]:
    context = spawn_context()
    started: list[BaseProcess] = []
    ears: list[Connection] = []
    try:
        for request in requests:
            ear, mouth = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(mouth, a, b, request), daemon=True)
            with ignore_sigint():
                process.start()
            mouth.close()  # so that the end of the process is heard
            started.append(process)
            ears.append(ear)
        yield ears
    finally:
        for one in started:
            one.kill()
            one.join()


def _heard(running: Sequence[Connection], progress: OnProgress) -> list[Comparison]:
    """Return what all found, in the order of the parts."""
    found: dict[int, Comparison] = {}
    far = [(0, 0)] * len(running)
    left = {ear: number for number, ear in enumerate(running)}
    while left:
        ready = wait(list(left))
        for ear, number in [one for one in left.items() if one[0] in ready]:
            match _said(ear):
                case Comparison() as part:
                    found[number] = part
                    del left[ear]
                case (int(passed), int(total)):
                    far[number] = (passed, total)
                    progress(*map(sum, zip(*far, strict=True)))
                case KanisterKafkaError() as failure:
                    raise failure
    return [found[number] for number in range(len(running))]


def _said(ear: Connection) -> Said:
    try:
        said: Said = ear.recv()
    except EOFError as failure:
        told = "a process of the comparison ended without a result: was it killed for its memory?"
        raise UnreachableError(told) from failure
    return said


def _work(mouth: Connection, a: TopicAccess, b: TopicAccess, request: CompareRequest) -> None:
    exit_with_parent()
    try:
        mouth.send(_compared(a, b, request, lambda *far: mouth.send(far)))
    except KanisterKafkaError as failure:
        mouth.send(failure)
