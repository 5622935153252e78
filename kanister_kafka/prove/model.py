"""What a proof found, as data."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from kanister_kafka.topics.model import Comparison


class Plan(enum.Enum):
    """What is shown."""

    SETUP = "setup"
    HOT = "hot"
    COLD = "cold"


PURPOSES = {
    Plan.SETUP: "the producers write, and the mirror is in step",
    Plan.HOT: "volumes snapshotted while the mirror is written to, and restored",
    Plan.COLD: "volumes snapshotted while the mirror is stopped by its Blueprint, and restored",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """Something that was measured."""

    name: str
    value: str
    """With its unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a plan."""

    name: str
    does: str
    passed: bool
    seconds: float
    figures: tuple[Figure, ...] = ()
    failure: str = ""
    """Why it did not pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Source and mirror compared at one point of a plan."""

    title: str
    comparison: Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """One plan as it went."""

    plan: Plan
    steps: tuple[Step, ...]
    shown: tuple[Shown, ...]

    @property
    def passed(self) -> bool:
        """Whether every step did."""
        return bool(self.steps) and all(step.passed for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One run of some plans."""

    id: str
    began: datetime
    """UTC."""
    seconds: float
    source: str
    mirror: str
    topics: tuple[str, ...]
    versions: str
    plans: tuple[PlanResult, ...]
    left: tuple[str, ...] = ()
    """What could not be removed or put back."""

    @property
    def passed(self) -> bool:
        """Whether every plan did, and nothing is left."""
        return not self.left and all(plan.passed for plan in self.plans)
