"""A comparison split over processes, because a Python process uses one core, or over pods."""

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
from kanister_kafka.topics.model import Comparison, PartitionResult

# --- A comparison split over the pods of an Indexed Job

INDEX = "batch.kubernetes.io/job-completion-index"
"""Label and annotation of a pod with its part (before Kubernetes 1.28 only an annotation)."""
POLL = 1.0

OnMergeProgress = Callable[[int, int], None]
"""Called with the number of parts that have ended, and their total."""


def collect_job_results(
    connection: KubeClient, name: str, namespace: str, progress: OnMergeProgress
) -> Comparison:
    """Wait for a Job and merge the results of its pods.

    Raises NotFoundError if the Job does not exist, UnreachableError if it failed, if a part
    is gone, or if it is not a comparison.
    """
    job = _wait_for_end(connection, name, namespace, progress)
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
    connection: KubeClient, name: str, namespace: str, progress: OnMergeProgress
) -> Object:
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
                reason = f"{condition.get('reason')}: {condition.get('message')}"
                raise UnreachableError(f"Job {namespace}/{name} failed: {reason}; see kubectl logs")
            if condition.get("status") == "True" and condition.get("type") == "Complete":
                return job
        time.sleep(POLL)


def _pods(connection: KubeClient, name: str, namespace: str) -> dict[int, str]:
    """Return the pod of each part that succeeded."""
    pods = {}
    for pod in connection.items(PODS, namespace, f"job-name={name}"):
        index = (pod["metadata"].get("annotations") or {}).get(INDEX)
        if index is not None and (pod.get("status") or {}).get("phase") == "Succeeded":
            pods[int(index)] = str(pod["metadata"]["name"])
    return pods


# --- A comparison split over processes

WorkerMessage = Comparison | KanisterKafkaError | tuple[int, int]
"""The progress of a process, and at the end its result or its error."""


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
    with _workers(a, b, _split(request, processes)) as receivers:
        parts = _receive(receivers, progress)
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


@contextmanager
def _workers(
    a: TopicAccess, b: TopicAccess, requests: Sequence[CompareRequest]
) -> Iterator[list[Connection]]:
    context = spawn_context()
    processes: list[BaseProcess] = []
    receivers: list[Connection] = []
    try:
        for request in requests:
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(sender, a, b, request), daemon=True)
            with ignore_sigint():
                process.start()
            sender.close()  # otherwise `recv` does not notice the end of the process
            processes.append(process)
            receivers.append(receiver)
        yield receivers
    finally:
        for one in processes:
            one.kill()
            one.join()


def _receive(receivers: Sequence[Connection], progress: OnProgress) -> list[Comparison]:
    """Return the results of all processes, in the order of the parts."""
    results: dict[int, Comparison] = {}
    positions = [(0, 0)] * len(receivers)
    pending = {receiver: number for number, receiver in enumerate(receivers)}
    while pending:
        ready = wait(list(pending))
        for receiver in [one for one in pending if one in ready]:
            number = pending[receiver]
            match _read_message(receiver):
                case Comparison() as part:
                    results[number] = part
                    del pending[receiver]
                case (int(passed), int(total)):
                    positions[number] = (passed, total)
                    progress(*map(sum, zip(*positions, strict=True)))
                case KanisterKafkaError() as failure:
                    raise failure
    return [results[number] for number in range(len(receivers))]


def _read_message(receiver: Connection) -> WorkerMessage:
    try:
        message: WorkerMessage = receiver.recv()
    except EOFError as failure:
        text = "a worker process exited without a result (out of memory?)"
        raise UnreachableError(text) from failure
    return message


def _work(sender: Connection, a: TopicAccess, b: TopicAccess, request: CompareRequest) -> None:
    exit_with_parent()
    try:
        sender.send(_compare(a, b, request, lambda *position: sender.send(position)))
    except KanisterKafkaError as failure:
        sender.send(failure)
