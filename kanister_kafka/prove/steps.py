"""The steps of a plan as they go, each with what was measured."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from kanister_kafka.errors import KanisterKafkaError
from kanister_kafka.prove.model import Figure, Shown, Step
from kanister_kafka.rehearse.clock import Clock
from kanister_kafka.topics.model import Comparison

Tell = Callable[[str], None]


class Steps:
    """Keeps what becomes of each step; after one that failed no other is begun."""

    def __init__(self, clock: Clock, tell: Tell) -> None:
        self._clock, self._tell = clock, tell
        self.steps: list[Step] = []
        self.shown: list[Shown] = []
        self._figures: list[Figure] = []

    def measured(self, name: str, value: str) -> None:
        """Keep a figure of the step under way."""
        self._figures.append(Figure(name, value))
        self._tell(f"  {name}: {value}")

    def show(self, title: str, comparison: Comparison) -> None:
        """Keep a comparison to be drawn."""
        self.shown.append(Shown(title=title, comparison=comparison))

    @contextlib.contextmanager
    def step(self, name: str, does: str) -> Iterator[None]:
        """Measure a step; what it raises is kept as its failure, and passed on."""
        start, failed = self._clock(), "interrupted"
        self._figures = []
        self._tell(f"{name}: {does}")
        try:
            yield
            failed = ""
        except KanisterKafkaError as failure:
            failed = str(failure)
            raise
        finally:
            self._ended(name, does, start, failed)

    def _ended(self, name: str, does: str, start: float, failure: str) -> None:
        self.steps.append(
            Step(
                name=name,
                does=does,
                passed=not failure,
                seconds=round(self._clock() - start, 1),
                figures=tuple(self._figures),
                failure=failure,
            )
        )
        self._tell(f"{name}: {f'FAILED: {failure}' if failure else 'passed'}")
