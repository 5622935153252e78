"""A comparison split over processes of this machine: Python has one of them use one core."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from kanister_kafka.errors import KanisterKafkaError, UnreachableError
from kanister_kafka.processes import deaf, end_with_parent, fresh
from kanister_kafka.topics.client import Access, Cluster
from kanister_kafka.topics.compare import Request, compare
from kanister_kafka.topics.drive import Progress, Subject
from kanister_kafka.topics.merge import join
from kanister_kafka.topics.model import Comparison

Said = Comparison | KanisterKafkaError | tuple[int, int]
"""What a process says: how far it is, and at the end what it found or why it found nothing."""


@dataclass(frozen=True, slots=True)
class Way:
    """A topic and how its cluster is reached."""

    access: Access
    topic: str


def compare_in_parts(
    a: Way, b: Way, request: Request, processes: int, progress: Progress
) -> Comparison:
    """Compare as `compare` does, in so many processes, each with some of the partitions.

    Raises what `compare` raises, and UnreachableError where a process is killed. Each may need the
    memory of a whole comparison. For 1 it is this process; there are no more than partitions.
    """
    if processes > 1:
        with closing(Cluster(a.access)) as cluster:
            processes = min(processes, len(cluster.partitions(a.topic)))
    if processes == 1:
        return _compared(a, b, request, progress)
    began = time.monotonic()
    with _started(a, b, _split(request, processes)) as running:
        parts = _heard(running, progress)
    seconds = round(time.monotonic() - began, 3)
    return replace(join(parts, parts[0].a, parts[0].b), seconds=seconds)


def _compared(a: Way, b: Way, request: Request, progress: Progress) -> Comparison:
    with (
        closing(Cluster(a.access, isolation=request.isolation)) as first,
        closing(Cluster(b.access, isolation=request.isolation)) as second,
    ):
        return compare(Subject(first, a.topic), Subject(second, b.topic), request, progress)


def _split(request: Request, processes: int) -> list[Request]:
    """Split a request, which may be a part itself: of n, every so-many-th of its partitions."""
    part, parts = request.split
    return [
        replace(request, split=(part + parts * number, parts * processes))
        for number in range(processes)
    ]


@contextmanager
def _started(a: Way, b: Way, requests: Sequence[Request]) -> Iterator[list[Connection]]:
    context = fresh()
    started: list[BaseProcess] = []
    ears: list[Connection] = []
    try:
        for request in requests:
            ear, mouth = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(mouth, a, b, request), daemon=True)
            with deaf():
                process.start()
            mouth.close()  # so that the end of the process is heard
            started.append(process)
            ears.append(ear)
        yield ears
    finally:
        for one in started:
            one.kill()
            one.join()


def _heard(running: Sequence[Connection], progress: Progress) -> list[Comparison]:
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


def _work(mouth: Connection, a: Way, b: Way, request: Request) -> None:
    end_with_parent()
    try:
        mouth.send(_compared(a, b, request, lambda *far: mouth.send(far)))
    except KanisterKafkaError as failure:
        mouth.send(failure)
