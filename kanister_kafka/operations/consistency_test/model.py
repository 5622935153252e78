"""The results of a proof, as data."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from kanister_kafka.topics.model import Comparison


class Scenario(enum.Enum):
    """What is shown."""

    SETUP = "setup"
    HOT = "hot"
    COLD = "cold"
    ONLINE = "online"


PURPOSES = {
    Scenario.SETUP: "the producers write, and the mirror is in step",
    Scenario.HOT: "volumes snapshotted while the mirror is written to, and restored",
    Scenario.COLD: "volumes snapshotted while the mirror is stopped by its Blueprint, and restored",
    Scenario.ONLINE: "volumes snapshotted while only the mirror's clients are stopped; restored",
}


@dataclass(frozen=True, slots=True)
class Metric:
    """Something that was measured."""

    name: str
    value: str
    """With its unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioStep:
    """One step of a plan."""

    name: str
    does: str
    passed: bool
    seconds: float
    figures: tuple[Metric, ...] = ()
    failure: str = ""
    """Why it did not pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonSnapshot:
    """Source and mirror compared at one point of a plan."""

    title: str
    comparison: Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioResult:
    """One plan as it went."""

    plan: Scenario
    steps: tuple[ScenarioStep, ...]
    comparisons: tuple[ComparisonSnapshot, ...]

    @property
    def passed(self) -> bool:
        """Whether every step did."""
        return bool(self.steps) and all(step.passed for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyReport:
    """One run of some plans."""

    id: str
    began: datetime
    """UTC."""
    seconds: float
    source: str
    mirror: str
    topics: tuple[str, ...]
    versions: str
    plans: tuple[ScenarioResult, ...]
    leftovers: tuple[str, ...] = ()
    """Objects that could not be removed or put back."""

    @property
    def passed(self) -> bool:
        """Whether there is a plan, every one did, and nothing is left."""
        return bool(self.plans) and not self.leftovers and all(plan.passed for plan in self.plans)
