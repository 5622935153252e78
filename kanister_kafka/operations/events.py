"""Events of an action that is followed, one small object each."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from kanister_kafka.errors import TransientError
from kanister_kafka.kube.objects import PodReadiness
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock


class ActionResult(enum.Enum):
    """How the following ended."""

    DONE = "done"
    FAILED = "failed"
    UNTAKEN = "untaken"
    """No controller took the ActionSet up; it was deleted again."""
    LOST = "lost"
    """The controller has forgotten it, as it does when it is restarted."""
    GONE = "gone"
    """The ActionSet was deleted."""
    TIMEOUT = "timeout"
    """It goes on; we no longer look."""


@dataclass(frozen=True, slots=True)
class PhasesDiscovered:
    """All phases that will run, in their order."""

    phases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """A phase began."""

    phase: str


@dataclass(frozen=True, slots=True)
class PhaseFinished:
    """A phase ended."""

    phase: str
    ok: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class LogLine:
    """A task pod printed a line."""

    phase: str
    pod: str
    text: str


@dataclass(frozen=True, slots=True)
class PodProblem:
    """A pod cannot start, or its state is unknown."""

    phase: str
    reason: str


@dataclass(frozen=True, slots=True)
class ApiUnavailable:
    """The API server does not answer; it is asked again and again."""

    reason: str


@dataclass(frozen=True, slots=True)
class ApiRecovered:
    """The API server answers again."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing new but the time, and how many nodes of Kafka are there."""

    nodes: PodReadiness | None


@dataclass(frozen=True, slots=True)
class ActionFinished:
    """The last one."""

    end: ActionResult
    reason: str
    """One line; empty if all went well."""


Event = (
    PhasesDiscovered
    | PhaseStarted
    | PhaseFinished
    | LogLine
    | PodProblem
    | ApiUnavailable
    | ApiRecovered
    | Heartbeat
    | ActionFinished
)


# An API server that is away for a while: reported once, asked again and again.


class ApiOutage:
    """Knows whether the API server is away, and since when."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._since: float | None = None

    @property
    def lost(self) -> bool:
        """Whether the last request failed."""
        return self._since is not None

    def away(self, failure: TransientError) -> Iterator[Event]:
        """Note that a request has failed."""
        if self._since is None:
            self._since = self._clock.now()
            yield ApiUnavailable(str(failure))

    def back(self) -> Iterator[Event]:
        """Note that a request was answered."""
        if self._since is not None:
            yield ApiRecovered(self._clock.now() - self._since)
            self._since = None


# The state of a display: changed by each event, drawn elsewhere.

CLOCK = re.compile(r"^\d\d:\d\d:\d\d ")


class PhaseMark(enum.Enum):
    """How far a phase is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PhaseProgress:
    """One phase."""

    name: str
    mark: PhaseMark = PhaseMark.WAITING
    began: float | None = None
    """On the clock of the caller."""
    seconds: float | None = None
    """How long it took, once it has ended."""
    last_line: str = ""
    """The last line of its task pod, or why that cannot start."""


@dataclass(frozen=True, slots=True)
class Progress:
    """All that is known of the action that is followed."""

    began: float
    rows: tuple[PhaseProgress, ...] = ()
    nodes: PodReadiness | None = None
    away: str = ""
    """Why the API server cannot be asked now."""
    over: ActionFinished | None = None
    troubles: tuple[str, ...] = ()

    def after(self, event: Event, now: float) -> Progress:
        """Return the state after an event."""
        match event:
            case PhasesDiscovered(phases):
                by_name = {row.name: row for row in self.rows}
                return replace(self, rows=tuple(by_name.get(n, PhaseProgress(n)) for n in phases))
            case PhaseStarted(phase):
                return self._put(PhaseProgress(phase, PhaseMark.RUNNING, now))
            case PhaseFinished(phase, ok, seconds):
                mark = PhaseMark.DONE if ok else PhaseMark.FAILED
                return self._put(replace(self._row(phase), mark=mark, seconds=seconds))
            case LogLine(phase, _pod, text) if text.strip():
                return self._put(replace(self._row(phase), last_line=_shortened(text, phase)))
            case PodProblem(phase, reason):
                after = self._put(replace(self._row(phase), last_line=reason)) if phase else self
                return replace(after, troubles=self.troubles + (reason,))
            case ApiUnavailable(reason):
                return replace(self, away=reason)
            case ApiRecovered():
                return replace(self, away="")
            case Heartbeat(nodes):
                return replace(self, nodes=nodes)
            case ActionFinished():
                return replace(self, over=event)
        return self

    def _row(self, phase: str) -> PhaseProgress:
        return next((row for row in self.rows if row.name == phase), PhaseProgress(phase))

    def _put(self, row: PhaseProgress) -> Progress:
        if all(existing.name != row.name for existing in self.rows):
            return replace(self, rows=self.rows + (row,))
        rows = tuple(row if existing.name == row.name else existing for existing in self.rows)
        return replace(self, rows=rows)


def _shortened(text: str, phase: str) -> str:
    """Return a line of a script without what the display has anyway: its time and its phase."""
    return CLOCK.sub("", text.strip()).removeprefix(f"{phase}: ")
