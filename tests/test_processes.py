"""Worker processes: their results, and what is raised if one of them is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kanister_kafka.errors import NotFoundError, UnreachableError
from kanister_kafka.processes import WorkerPool

LARGE = 4 << 20
"""Bytes of a result that no pipe takes at once."""


def repeat(byte: bytes, count: int) -> bytes:
    return byte * count


def fail() -> None:
    raise NotFoundError("kafka/my-cluster")


def kill_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def end_in_its_result() -> EndsWhenPickled:
    return EndsWhenPickled()


class EndsWhenPickled:
    """A result of a process that ends before the result is complete."""

    def __reduce__(self) -> tuple[object, ...]:
        os._exit(1)


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerPool]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with closing(WorkerPool(2, os.getpid)) as made:
        yield made
    assert not multiprocessing.active_children()
    assert not list(tmp_path.iterdir()), "no file is left"


def test_results_of_any_size_come_in_their_order(pool: WorkerPool) -> None:
    tasks = [pool.submit(repeat, byte, LARGE) for byte in (b"a", b"b", b"c")]
    assert [set(task.result()) for task in tasks] == [{ord("a")}, {ord("b")}, {ord("c")}]


def test_nothing_large_goes_through_the_pipe_of_the_pool(pool: WorkerPool) -> None:
    task = pool.submit(repeat, b"a", LARGE)
    assert task.future.result() is None
    assert task.path.stat().st_size > LARGE
    task.result()
    assert not task.path.exists(), "a result is read once, and does not fill the disk"


def test_an_error_of_a_call_is_raised(pool: WorkerPool) -> None:
    with pytest.raises(NotFoundError, match="kafka/my-cluster"):
        pool.submit(fail).result()


@pytest.mark.parametrize("function", [kill_process, end_in_its_result])
def test_a_killed_process_is_an_error_for_all_later_calls(
    pool: WorkerPool, function: Callable[[], object]
) -> None:
    with pytest.raises(UnreachableError, match="exited without a result"):
        pool.submit(function).result()
    with pytest.raises(UnreachableError, match="exited without a result"):
        pool.submit(repeat, b"a", 1)


def test_a_result_that_cannot_be_written_is_an_error(pool: WorkerPool) -> None:
    first = pool.submit(repeat, b"a", 1)
    first.wait()
    first.path.unlink()
    first.path.parent.rmdir()
    with pytest.raises(UnreachableError, match="No such file or directory"):
        pool.submit(repeat, b"a", 1).result()
