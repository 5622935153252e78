"""Ctrl-C and its like end a rehearsal, but never the bringing back of Kafka."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
"""Ctrl-C, a job that is cancelled, a terminal that is closed."""
FORCE_COUNT = 3
KAFKA_FIRST = "Kafka is brought back and all is removed first"


class SignalGuard:
    """The first signal raises KeyboardInterrupt; later ones, or all once shielded, are reported.

    Pressing Ctrl-C three times more ends it at once.
    """

    def __init__(self, on_pending: Callable[[str], None], pending: str = KAFKA_FIRST) -> None:
        self._on_pending = on_pending
        self._pending = pending
        self._shielded = False
        self._repeated = 0
        self._former: dict[int, Any] = {}

    def __enter__(self) -> SignalGuard:
        if threading.current_thread() is threading.main_thread():  # else Python allows none
            for name in SIGNALS:
                number = getattr(signal, name, None)  # Windows has no SIGHUP
                if number is not None:
                    self._former[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_failure: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def shield(self) -> None:
        """Let nothing interrupt what follows."""
        self._shielded = True

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if not self._shielded:
            self._shielded = True
            raise KeyboardInterrupt
        self._repeated += number == signal.SIGINT
        if self._repeated >= FORCE_COUNT:
            raise KeyboardInterrupt
        self._on_pending(
            f"{self._pending}; to leave it as it is, press Ctrl-C "
            f"{FORCE_COUNT - self._repeated} more times"
        )
