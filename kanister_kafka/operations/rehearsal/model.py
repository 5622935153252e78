"""A rehearsal as data: what happened when, in seconds since it began."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from kanister_kafka.errors import InterruptedWriteError

INTERRUPTED = "interrupted"
"""The failure of a rehearsal that a signal has ended."""


class OutageSource(enum.Enum):
    """The source of the times of the outage."""

    CLIENTS = "clients"
    """A client that wrote all the time: from its last acknowledged record to the first one after.
    """
    PODS = "pods"
    """When the brokers' pods were not Ready: not measured by a client."""


class PodState(enum.Enum):
    """The state of a pod."""

    GONE = "gone"
    STOPPING = "stopping"
    STARTING = "starting"
    READY = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalStage:
    """One part of the cycle."""

    name: str
    does: str
    """Its title, for people."""
    start: float
    end: float | None
    """None if its end was not seen."""
    failed: bool = False
    """Whether it was given up then."""

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.end is None else self.end - self.start


@dataclass(frozen=True, slots=True)
class Interval:
    """A pod in one state."""

    start: float
    end: float
    state: PodState


@dataclass(frozen=True, slots=True)
class PodTimeline:
    """A pod through the whole rehearsal; one that comes back has the name of the one before."""

    name: str
    broker: bool
    spans: tuple[Interval, ...]
    """Without gaps between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSnapshot:
    """A VolumeSnapshot that was taken."""

    name: str
    claim: str
    snapshot_class: str
    driver: str
    made: float
    """When its creation was asked for."""
    cut: float | None
    """When `status.creationTime` was first seen."""
    ready: float | None
    """When `status.readyToUse` was first seen."""
    creation_time: str
    """As the driver reports it, by its own clock; whole seconds."""


@dataclass(frozen=True, slots=True)
class OutageResult:
    """When nothing could be written."""

    start: float
    end: float | None
    """None if it did not end."""
    source: OutageSource

    @property
    def seconds(self) -> float | None:
        """How long it was."""
        return None if self.end is None else self.end - self.start


@dataclass(frozen=True, slots=True)
class Gap:
    """The longest time in which one partition acknowledged nothing."""

    partition: int
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryResult:
    """The observations of a client of the cluster."""

    topic: str
    partitions: int
    replication: int
    servers: str
    """Bootstrap address; empty if it stands in the Secret of the client's own properties."""
    rate: int
    """Records that it tried to write in a second."""
    acked: int
    failed: int
    """Attempts that were not acknowledged; most of them during the outage."""
    read: int
    """Records that were read back at the end."""
    lost: int | None
    """Records that were acknowledged and are not there; None if that could not be found out."""
    first: float
    last: float
    """When the first and the last record was acknowledged."""
    counts: tuple[tuple[int, int], ...]
    """Second, and the number of records acknowledged in it; seconds without any are left out."""
    gaps: tuple[Gap, ...]
    """One for each partition."""
    clock: float
    """Seconds to add to the clock of the probe for that of this command."""


@dataclass(frozen=True, slots=True)
class RehearsalVersions:
    """Each version is empty if it is unknown."""

    kafka: str
    strimzi: str
    kubernetes: str
    tool: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Everything that is reported."""

    id: str
    """Eight hexadecimal digits, in the name of all that was made."""
    namespace: str
    cluster: str
    blueprint: str
    kasten_namespace: str
    began: datetime
    """In UTC; all other times are seconds since then."""
    seconds: float
    versions: RehearsalVersions
    stages: tuple[RehearsalStage, ...]
    pods: tuple[PodTimeline, ...]
    snapshots: tuple[VolumeSnapshot, ...]
    action_sets: tuple[str, ...]
    writers: tuple[str, ...]
    """`Kind namespace/name` of each quiesced client."""
    probe: CanaryResult | None
    outage: OutageResult | None
    failure: str
    """Why it ended early; empty if it did not."""
    changed: tuple[str, ...]
    """Differences from the state before, and objects that were left behind."""

    @property
    def passed(self) -> bool:
        """Whether all is as it was found and no acknowledged record was lost."""
        proven = self.probe is None or self.probe.lost == 0
        return not self.failure and not self.changed and proven

    @property
    def exit_code(self) -> int:
        """0 if it passed, 130 if it was interrupted and all is as it was found, else 1."""
        if self.passed:
            return 0
        is_clean = self.failure == INTERRUPTED and not self.changed
        return InterruptedWriteError.exit_code if is_clean else 1

    def at(self, seconds: float) -> datetime:
        """Return the time of something."""
        return self.began + timedelta(seconds=seconds)

    def stage(self, name: str) -> RehearsalStage | None:
        """Find a stage."""
        return next((stage for stage in self.stages if stage.name == name), None)
