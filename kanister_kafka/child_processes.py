"""Other processes of this command: they end with it, and Ctrl-C is for it alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.context import SpawnContext
from threading import Thread


def spawn_context() -> SpawnContext:
    """Return the start method of processes: spawn.

    A fork would copy all threads and locks of the caller, and Windows does not have it.
    """
    return get_context("spawn")


@contextmanager
def ignore_sigint() -> Iterator[None]:
    """Start processes that do not hear Ctrl-C, not even while they start: it is for this one."""
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
    Thread(target=_wait, daemon=True).start()


def _wait() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
