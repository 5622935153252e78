"""Time that passes only while the code under test sleeps, and a world that acts by it."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Iterator

from kanister_kafka.kube.wait import Clock
from kanister_kafka.operations.task_pods import THREAD


class FakeTime:
    """What is scheduled runs in its order while `clock.sleep` passes over its time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self.clock = Clock(now=lambda: self.now, sleep=self.sleep)

    def after(self, seconds: float, do: Callable[[], object]) -> None:
        heapq.heappush(self._due, (self.now + seconds, next(self._order), do))

    def play(self, steps: Iterator[float]) -> None:
        """Run a generator of the seconds that it waits between its steps."""
        for seconds in steps:
            self.after(seconds, lambda: self.play(steps))
            return

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, do = heapq.heappop(self._due)
            do()
        self.now = end
        # Threads that read logs take no time of this clock: let each come to its end.
        for thread in threading.enumerate():
            if thread.name.startswith(THREAD):
                thread.join(5)
