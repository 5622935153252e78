"""A plan: what will be done to which objects, in which order, waiting for what and how long."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from kanister_kafka.marks import COMPONENT
from kanister_kafka.options import Options, Strategy
from kanister_kafka.plan.admission_model import Admission
from kanister_kafka.plan.kasten_model import Bound, Policy, Restoring, Transform
from kanister_kafka.problem import Problem
from kanister_kafka.strimzi import Bystander, KafkaCluster


class Stage(enum.Enum):
    """The stages of a backup and of a restore."""

    QUIESCE = "quiesce"
    FLUSH = "flush"
    STOP = "stop"
    SNAPSHOT = "snapshot"
    RESTART = "restart"
    RESTORE = "restore"


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
    """One KubeTask: a script, with the values that differ from phase to phase as arguments."""

    name: str
    stage: Stage
    script: str
    """Name of a file in templates/scripts/phases, without its ending."""
    values: tuple[str, ...]
    """Words `NAME=VALUE` for the script, besides the `shared` ones of the plan."""
    steps: tuple[Step, ...]
    account: str
    """Service account that it runs as."""
    outputs: tuple[str, ...] = ()
    """Keys that it tells Kanister, for artifacts."""

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
    artifact_in: str = ""
    """Name of the artifact that it takes."""
    artifact_out: str = ""
    """Name of the artifact that it leaves for a restore."""
    artifact: tuple[tuple[str, str], ...] = ()
    """What is in it: keys, and templates of values."""

    @property
    def all_phases(self) -> tuple[Phase, ...]:
        """The phases, with the one that runs last."""
        return (*self.phases, self.defer_phase) if self.defer_phase else self.phases

    @property
    def seconds(self) -> int:
        """For how long the action waits at most."""
        return sum(phase.seconds for phase in self.all_phases)


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
    account: str
    """Service account that it is bound to."""
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A service account in the namespace of the cluster, with all that it may do."""

    name: str
    anchor: str
    """Name in the YAML of the Blueprint for the pods that run as it."""
    purpose: str
    rights: tuple[Right, ...]
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names that the steps share."""

    account: str
    """Service account of the steps, save those that need another right."""
    flush: str
    """Of the flush, which runs a command in each node."""
    keep: str
    """Of what keeps objects and claims, where Kanister alone backs up."""
    record: str
    switch: str
    """Deployment of the dead man's switch, and its account; empty where there is none."""
    restore: str
    """Service account of what restores and deletes; empty where nothing does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """The dead man's switch: a Deployment that runs only while Kafka is stopped."""

    name: str
    """Of the Deployment, and of its service account."""
    phase: Phase
    """What its pod does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that is rendered, decided: a template only spells it."""

    cluster: KafkaCluster
    options: Options
    header: tuple[str, ...]
    """Comment at the top of the Blueprint, a line each."""
    name: str
    """Of the Blueprint."""
    accounts: tuple[Account, ...]
    """The one of the steps first."""
    admission: Admission | None
    """None unless it is asked for."""
    switch: Switch | None
    record: str
    """Name of the ConfigMap that keeps what restart and restore need; empty for a hot backup."""
    labels: tuple[tuple[str, str], ...]
    annotations: tuple[tuple[str, str], ...]
    shared: tuple[tuple[str, str], ...]
    """Names and values that every script gets, in the environment of its container."""
    actions: tuple[Action, ...]
    left_alone: tuple[Bystander, ...]
    bound: Bound
    policies: tuple[Policy, ...]
    """In the order in which they are to run."""
    transforms: tuple[Transform, ...]
    """What a restore changes on the way."""
    restoring: Restoring
    notes: tuple[str, ...]
    """What is left for a person to do, such as annotations to set."""
    problems: tuple[Problem, ...]
    """Warnings of the whole run."""

    @property
    def service_account(self) -> str:
        """Name of the service account of the steps."""
        return self.accounts[0].name

    @property
    def rights(self) -> tuple[Right, ...]:
        """What the steps may do, by namespace."""
        return self.accounts[0].rights

    @property
    def scripts_owner(self) -> str:
        """What the name of the ConfigMap with the scripts begins with; empty where it is shared."""
        if not self.options.owns_scripts:
            return ""
        hot = "" if self.options.strategy is Strategy.COLD else "-hot"
        return f"{self.cluster.name}-{COMPONENT}{hot}"

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases of all actions, in the order of the Blueprint."""
        return tuple(phase for action in self.actions for phase in action.all_phases)

    def is_first(self, phase: Phase) -> bool:
        """Tell whether a phase is the first of the Blueprint, at which what all share stands."""
        return phase == self.phases[0]

    def introduces_account(self, phase: Phase) -> bool:
        """Tell whether a phase is the first of its service account: its pod stands there."""
        return phase == next(one for one in self.phases if one.account == phase.account)

    def anchor(self, account: str) -> str:
        """Return the name in YAML for pods of a service account of the steps."""
        return next(one.anchor for one in self.accounts if one.name == account)

    @property
    def roles(self) -> tuple[Role, ...]:
        """Roles of all accounts."""
        return tuple(role for account in self.accounts for role in account.roles)
