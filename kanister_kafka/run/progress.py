"""What a display shows: one state, changed by each event, drawn by somebody else."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace

from kanister_kafka.run.events import (
    Away,
    Back,
    Began,
    Ended,
    Event,
    Known,
    Over,
    Printed,
    Tick,
    Trouble,
)
from kanister_kafka.run.nodes import Nodes

CLOCK = re.compile(r"^\d\d:\d\d:\d\d ")


class Mark(enum.Enum):
    """How far a phase is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Row:
    """One phase."""

    name: str
    mark: Mark = Mark.WAITING
    began: float | None = None
    """On the clock of whoever calls."""
    seconds: float | None = None
    """How long it took, once it has ended."""
    said: str = ""
    """The last line of its task pod, or why that cannot start."""


@dataclass(frozen=True, slots=True)
class Progress:
    """All that is known of what is followed."""

    began: float
    rows: tuple[Row, ...] = ()
    nodes: Nodes | None = None
    away: str = ""
    """Why the API server cannot be asked now."""
    over: Over | None = None
    troubles: tuple[str, ...] = ()

    def after(self, event: Event, now: float) -> Progress:
        """Return the state after an event."""
        match event:
            case Known(phases):
                known = {row.name: row for row in self.rows}
                return replace(self, rows=tuple(known.get(n, Row(n)) for n in phases))
            case Began(phase):
                return self._put(Row(phase, Mark.RUNNING, now))
            case Ended(phase, ok, seconds):
                mark = Mark.DONE if ok else Mark.FAILED
                return self._put(replace(self._row(phase), mark=mark, seconds=seconds))
            case Printed(phase, _pod, text) if text.strip():
                return self._put(replace(self._row(phase), said=_told(text, phase)))
            case Trouble(phase, reason):
                told = self._put(replace(self._row(phase), said=reason)) if phase else self
                return replace(told, troubles=(*self.troubles, reason))
            case Away(reason):
                return replace(self, away=reason)
            case Back():
                return replace(self, away="")
            case Tick(nodes):
                return replace(self, nodes=nodes)
            case Over():
                return replace(self, over=event)
        return self

    def _row(self, phase: str) -> Row:
        return next((row for row in self.rows if row.name == phase), Row(phase))

    def _put(self, row: Row) -> Progress:
        if all(known.name != row.name for known in self.rows):
            return replace(self, rows=(*self.rows, row))
        rows = tuple(row if known.name == row.name else known for known in self.rows)
        return replace(self, rows=rows)


def _told(text: str, phase: str) -> str:
    """Return a line of a script without what the display has anyway: its time and its phase."""
    return CLOCK.sub("", text.strip()).removeprefix(f"{phase}: ")
