"""The process of this command and its children: what ends them, and what a signal does.

Children end with the command, and Ctrl-C is for the command alone.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.context import SpawnContext
from types import FrameType
from typing import Any

from kanister_kafka.errors import ActionError

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
def ignore_sigint() -> Iterator[None]:
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
