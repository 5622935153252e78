"""A plan: what will be done to which objects, in which order, waiting for what and how long."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from kanister_kafka.options import Options
from kanister_kafka.problem import Problem
from kanister_kafka.strimzi import Bystander, KafkaCluster


class Stage(enum.Enum):
    """The five stages of a backup; Kasten or Kanister takes the snapshot itself."""

    QUIESCE = "quiesce"
    FLUSH = "flush"
    STOP = "stop"
    SNAPSHOT = "snapshot"
    RESTART = "restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that a phase does, for people to read."""

    does: str
    objects: tuple[str, ...]
    """Objects that it reads or changes, as `Kind name` or `Kind namespace/name`."""
    until: str = ""
    """What it waits for; empty where it waits for nothing."""
    seconds: int = 0
    """For how long it waits at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """A permission that the steps need, in one namespace."""

    namespace: str
    group: str
    """API group; empty for the core group."""
    resource: str
    subresource: str = ""
    names: tuple[str, ...] = ()
    """Objects that it is limited to; none where the API cannot limit it."""
    verbs: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One KubeTask: a script, put together from files, with its values as arguments."""

    name: str
    stage: Stage
    parts: tuple[str, ...]
    """Files below templates/scripts, in order."""
    values: tuple[str, ...]
    """Words `NAME=VALUE` for the script's environment."""
    arguments: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def seconds(self) -> int:
        """For how long all its steps wait at most."""
        return sum(step.seconds for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An action of the Blueprint."""

    name: str
    phases: tuple[Phase, ...]
    defer_phase: Phase | None = None
    """Runs last whether the phases succeeded or not."""

    @property
    def seconds(self) -> int:
        """For how long the action waits at most."""
        deferred = self.defer_phase.seconds if self.defer_phase else 0
        return deferred + sum(phase.seconds for phase in self.phases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of a Role."""

    groups: tuple[str, ...]
    resources: tuple[str, ...]
    names: tuple[str, ...]
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A Role and its RoleBinding, both of this name."""

    name: str
    namespace: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The object that Kasten is to find the Blueprint by."""

    group: str
    resource: str
    kind: str
    name: str
    namespace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How many restore points a Policy keeps."""

    period: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A resource that a restore needs and the Policy therefore includes."""

    group: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that is rendered, decided: a template only spells it."""

    cluster: KafkaCluster
    options: Options
    header: tuple[str, ...]
    """Comment at the top of the Blueprint, a line each."""
    name: str
    """Of the Blueprint."""
    service_account: str
    record: str
    """Name of the ConfigMap that keeps what restart and restore need; empty for a hot backup."""
    labels: tuple[tuple[str, str], ...]
    annotations: tuple[tuple[str, str], ...]
    actions: tuple[Action, ...]
    rights: tuple[Right, ...]
    roles: tuple[Role, ...]
    left_alone: tuple[Bystander, ...]
    bound: Bound
    retention: tuple[Retention, ...]
    kept: tuple[Kept, ...]
    has_failure_hook: bool
    """Whether there is anything to bring back when a backup fails."""
    notes: tuple[str, ...]
    """What is left for a person to do, such as annotations to set."""
    problems: tuple[Problem, ...]
    """Warnings of the whole run."""
