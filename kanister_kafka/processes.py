"""The process of this command and its children: what ends them, and what a signal does.

Children end with the command, and Ctrl-C is for the command alone.
"""

from __future__ import annotations

import itertools
import os
import pickle
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.context import SpawnContext
from pathlib import Path
from types import FrameType
from typing import Any, Generic, TypeVar

from kanister_kafka.errors import ActionError, UnreachableError

T = TypeVar("T")

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
"""Ctrl-C, a job that is cancelled, a terminal that is closed."""
FORCE_COUNT = 3
"""Signals from the keyboard after the first that end it at once."""


class SignalGuard:
    """The first signal raises KeyboardInterrupt; later ones, or all once shielded, are reported.

    `pending` is what is done first. Pressing Ctrl-C three times more ends it at once, and then the
    end of the block raises ActionError: something may be left, or Kafka stopped.
    """

    def __init__(self, on_pending: Callable[[str], None], pending: str) -> None:
        self._on_pending = on_pending
        self._pending = pending
        self._shielded = False
        self.interrupted = False
        """Whether a signal came, also while it was shielded."""
        self._repeated = 0
        self._former: dict[int, Any] = {}

    def __enter__(self) -> SignalGuard:
        if threading.current_thread() is threading.main_thread():  # else Python allows none
            for name in SIGNALS:
                number = getattr(signal, name, None)  # Windows has no SIGHUP
                if number is not None:
                    self._former[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, _kind: object, failure: BaseException | None, _trace: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        if isinstance(failure, KeyboardInterrupt) and self._repeated >= FORCE_COUNT:
            raise ActionError(f"ended by Ctrl-C before this was done: {self._pending}") from failure

    def shield(self) -> None:
        """Let nothing interrupt what follows."""
        self._shielded = True

    def unshield(self) -> None:
        """Let the next signal interrupt what follows; one that has come does not."""
        self._shielded = self.interrupted

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        is_shielded, self._shielded, self.interrupted = self._shielded, True, True
        if not is_shielded:
            raise KeyboardInterrupt
        self._repeated += number == signal.SIGINT
        if self._repeated >= FORCE_COUNT:
            raise KeyboardInterrupt
        self._on_pending(
            f"{self._pending}; to leave it as it is, press Ctrl-C "
            f"{FORCE_COUNT - self._repeated} more times"
        )


def spawn_context() -> SpawnContext:
    """Return the start method of processes: spawn.

    A fork would copy all threads and locks of the caller, and Windows does not have it.
    """
    return get_context("spawn")


@contextmanager
def _ignore_sigint() -> Iterator[None]:
    """Start processes that ignore Ctrl-C, also while they start: it is for this one."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def exit_with_parent() -> None:
    """End this process with the one that has started it.

    That one may be killed, and nothing else would report it.
    """
    threading.Thread(target=_wait, daemon=True).start()


def _wait() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


# Results come by files. The pool of Python sends them through a pipe. If a process is killed while
# it sends one that the pipe cannot take at once, the reader would wait for the rest without end
# (CPython 3.11, concurrent/futures/process.py: `result_reader.recv` has no timeout).


@dataclass(frozen=True, slots=True)
class WorkerTask(Generic[T]):
    """A call in a worker process."""

    future: Future[None]
    """Done when the call is. Its result is not in it."""
    path: Path
    """The file of the result."""

    def wait(self) -> None:
        """Wait for the call.

        Raises what the call raises, and UnreachableError if a process is killed.
        """
        with _pool_errors():
            self.future.result()

    def result(self) -> T:
        """Wait for the call, and return its result, once; raises what `wait` raises."""
        self.wait()
        value: T = pickle.loads(self.path.read_bytes())  # noqa: S301 - of a process of this command
        self.path.unlink()
        return value


class WorkerPool:
    """Worker processes that end with this one, and not by Ctrl-C."""

    def __init__(
        self, processes: int, start: Callable[..., object], arguments: tuple[Any, ...] = ()
    ) -> None:
        """Call `start` in each process first."""
        self._numbers = itertools.count()
        self._folder = tempfile.TemporaryDirectory(prefix="kanister-kafka-")
        self._pool = ProcessPoolExecutor(processes, spawn_context(), start, arguments)

    def submit(self, function: Callable[..., T], *arguments: Any) -> WorkerTask[T]:
        """Call a function in the next process that is free.

        Raises UnreachableError if a process is killed.
        """
        path = Path(self._folder.name, str(next(self._numbers)))
        with _ignore_sigint(), _pool_errors():
            return WorkerTask(self._pool.submit(_write_result, path, function, arguments), path)

    def close(self) -> None:
        """Wait for the calls that run, cancel all others, and end the processes."""
        self._pool.shutdown(cancel_futures=True)
        self._folder.cleanup()


def _write_result(path: Path, function: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    value = function(*arguments)
    raw = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    try:
        path.write_bytes(raw)
    except OSError as failure:
        raise UnreachableError(f"{path}: {failure.strerror or failure}") from failure


@contextmanager
def _pool_errors() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as failure:
        text = "a worker process exited without a result (out of memory?)"
        raise UnreachableError(text) from failure
