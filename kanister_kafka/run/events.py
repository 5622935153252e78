"""What happens while something is followed, one small object each."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from kanister_kafka.run.nodes import Nodes


class End(enum.Enum):
    """How the following ended."""

    DONE = "done"
    FAILED = "failed"
    UNTAKEN = "untaken"
    """No controller took the ActionSet up; it was deleted again."""
    LOST = "lost"
    """The controller has forgotten it, as it does when it is restarted."""
    GONE = "gone"
    """Somebody deleted the ActionSet."""
    TIMEOUT = "timeout"
    """It goes on; we no longer look."""


@dataclass(frozen=True, slots=True)
class Known:
    """All phases that are to come, in their order."""

    phases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Began:
    """A phase began."""

    phase: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A phase ended."""

    phase: str
    ok: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Printed:
    """A task pod printed a line."""

    phase: str
    pod: str
    text: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A pod cannot start, or nothing can be said about it."""

    phase: str
    reason: str


@dataclass(frozen=True, slots=True)
class Away:
    """The API server does not answer; it is asked again and again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Back:
    """The API server answers again."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing new but the time, and how many nodes of Kafka are there."""

    nodes: Nodes | None


@dataclass(frozen=True, slots=True)
class Over:
    """The last one."""

    end: End
    reason: str
    """One line; empty where all went well."""


Event = Known | Began | Ended | Printed | Trouble | Away | Back | Tick | Over
