"""A comparison in several processes finds what one finds, and tells where one of them ends."""

from __future__ import annotations

import multiprocessing
import pickle
import socket
import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanister_kafka.diagnostics import Location, error
from kanister_kafka.errors import InputError, NotFoundError, UnreachableError
from kanister_kafka.processes import WorkerTask
from kanister_kafka.topics.client import ClientAccess
from kanister_kafka.topics.compare import CompareRequest, workers
from kanister_kafka.topics.compare.verdict import ComparisonVerdict, evaluate_consistency
from kanister_kafka.topics.compare.workers import TopicAccess, compare_parallel
from tests.fakes.mock_cluster import MANY, PARTITIONS, Brokers, everywhere

WHOLE = CompareRequest(compacted=False)


def topic_pair(at: Brokers, *topics: str) -> tuple[TopicAccess, TopicAccess]:
    settings = {"bootstrap.servers": at.address, "fetch.wait.max.ms": "10"}
    a, b = (
        TopicAccess(ClientAccess(of, settings), topic)
        for of, topic in zip("ab", topics, strict=True)
    )
    return a, b


@given(
    st.integers(1, 7).flatmap(lambda parts: st.tuples(st.integers(0, parts - 1), st.just(parts))),
    st.integers(1, 9),
)
def test_each_partition_of_a_part_is_of_one_process(split: tuple[int, int], processes: int) -> None:
    for number in range(100):
        of = [
            one
            for one in workers._split(replace(WHOLE, split=split), processes)
            if has(one, number)
        ]
        assert len(of) == has(replace(WHOLE, split=split), number)


def has(request: CompareRequest, number: int) -> bool:
    part, parts = request.split
    return number % parts == part


@pytest.mark.parametrize("processes", [2, 3, 6])
def test_several_processes_find_what_one_finds(
    brokers: Brokers,
    name: str,
    processes: int,
) -> None:
    brokers.write(f"{name}-a", everywhere(MANY))
    brokers.write(f"{name}-b", {**everywhere(MANY), 2: [*MANY[:90], *MANY[91:]]})
    both = topic_pair(brokers, f"{name}-a", f"{name}-b")
    heard: list[tuple[int, int]] = []
    one = compare_parallel(*both, WHOLE, 1, lambda *_: None)
    more = compare_parallel(*both, WHOLE, processes, lambda *far: heard.append(far))
    assert [result.partition for result in more.partitions] == list(PARTITIONS)
    assert replace(more, seconds=0) == replace(one, seconds=0)
    assert evaluate_consistency(more).verdict is ComparisonVerdict.DIFFERING
    assert heard[-1] == (heard[-1][1], heard[-1][1])
    assert heard == sorted(heard)


def test_errors_of_several_processes_are_those_of_one(
    brokers: Brokers,
    name: str,
) -> None:
    brokers.write(f"{name}-a", everywhere(MANY[:5]))
    with pytest.raises(NotFoundError, match="no topic nope"):
        compare_parallel(*topic_pair(brokers, f"{name}-a", "nope"), WHOLE, 2, lambda *_: None)
    unfit = CompareRequest(compacted=True, last=5)
    with pytest.raises(InputError, match="known only after all records are read") as failure:
        compare_parallel(*topic_pair(brokers, f"{name}-a", f"{name}-a"), unfit, 2, lambda *_: None)
    assert [problem.rule for problem in failure.value.problems] == ["compacted-in-part"]
    assert not multiprocessing.active_children()


def test_the_error_of_a_part_does_not_wait_for_an_earlier_part(tmp_path: Path) -> None:
    running, failed = Future(), Future()
    failed.set_exception(NotFoundError("a: gone"))
    with pytest.raises(NotFoundError, match="a: gone"):
        tasks = [WorkerTask(future, tmp_path) for future in (running, failed)]
        workers._report_progress(tasks, multiprocessing.SimpleQueue(), lambda *_: None)


@pytest.mark.parametrize("is_at_work", [False, True])
def test_a_process_that_is_killed_is_reported_and_the_others_end(
    brokers: Brokers,
    name: str,
    is_at_work: bool,  # noqa: FBT001
) -> None:
    brokers.write(name, everywhere(MANY[:5]))
    a, _ = topic_pair(brokers, name, name)

    def kill() -> None:
        while not (running := multiprocessing.active_children()):
            time.sleep(0.05)
        if not is_at_work:
            running[0].kill()
            return
        asking, _ = silent.accept()  # at work, a process waits to be cancelled too
        with asking:
            running[0].kill()

    with socket.create_server(("127.0.0.1", 0)) as silent:
        nowhere = {"bootstrap.servers": f"127.0.0.1:{silent.getsockname()[1]}"}
        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        with pytest.raises(UnreachableError, match="exited without a result"):
            compare_parallel(
                a, TopicAccess(ClientAccess("b", nowhere), name), WHOLE, 2, lambda *_: None
            )
    assert not multiprocessing.active_children()


def test_problems_go_from_one_process_to_another() -> None:
    found = (error("a-code", Location("a.yaml"), "spec", "is wrong"),)
    again = pickle.loads(pickle.dumps(InputError(found)))  # noqa: S301 - our own
    assert again.problems == found
    assert str(again) == str(InputError(found))
