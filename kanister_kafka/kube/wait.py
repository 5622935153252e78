"""Waiting for a live cluster and trying again, by a clock that tests replace."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from kanister_kafka.errors import TransientError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Clock:
    """The time that passes, in seconds. It does not jump when the time of day is set."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


SYSTEM_CLOCK = Clock()


def poll(
    look: Callable[[], T], *, timeout: float, interval: float, clock: Clock = SYSTEM_CLOCK
) -> T | None:
    """Call `look` until its result is true, and return that; None if the timeout is over.

    A TransientError of `look` is one look without a result. Every other error is passed on.
    """
    end = clock.now() + timeout
    while True:
        try:
            if result := look():
                return result
        except TransientError:
            pass
        if clock.now() >= end:
            return None
        clock.sleep(interval)


def retry(
    ask: Callable[[], T],
    pauses: Iterable[float],
    *,
    clock: Clock = SYSTEM_CLOCK,
    errors: tuple[type[Exception], ...] = (TransientError,),
) -> T:
    """Call `ask` again after each pause while it raises one of these errors; return its result.

    The error of the last call is passed on, and so is every other error at once.
    """
    for pause in pauses:
        try:
            return ask()
        except errors:
            clock.sleep(pause)
    return ask()


class Grace:
    """How long a complaint may stand before it is an error: what causes it may be repaired."""

    def __init__(self, seconds: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._seconds = seconds
        self._clock = clock
        self._since: float | None = None

    def is_over(self, *, complains: bool) -> bool:
        """Return whether there has been a complaint at every look for longer than that."""
        if not complains:
            self._since = None
            return False
        if self._since is None:
            self._since = self._clock.now()
        return self._clock.now() - self._since > self._seconds
