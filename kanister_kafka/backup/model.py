"""A plan: actions on objects in their order, each with its waits and their limits."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from itertools import chain

from kanister_kafka.backup.options import Options
from kanister_kafka.constants import COMPONENT
from kanister_kafka.diagnostics import Diagnostic
from kanister_kafka.strimzi import IgnoredClient, KafkaCluster

# What is decided about Kasten's objects.


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingTarget:
    """The object by which Kasten finds the Blueprint."""

    group: str
    resource: str
    kind: str
    name: str
    namespace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRetention:
    """How many restore points a Policy keeps."""

    period: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncludedResource:
    """A resource that a restore needs, and that a filter therefore includes."""

    group: str
    resource: str
    labels: tuple[tuple[str, str], ...] = ()
    """Labels that an object has to have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookCall:
    """An action of the Blueprint that Kasten calls around one of its own."""

    moment: str
    """preHook, onSuccess or onFailure."""
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """Target to which restore points are copied."""

    profile: str
    frequency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOfDay:
    """A time of the day."""

    hour: int
    minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySpec:
    """One of Kasten's Policies."""

    header: tuple[str, ...] = ()
    """Comment at its top, a line each."""
    name: str
    frequency: str
    time: TimeOfDay | None
    """When on a day; None leaves it to Kasten."""
    retention: tuple[PolicyRetention, ...]
    namespaces: tuple[str, ...]
    kept: tuple[IncludedResource, ...]
    """Resources that it includes, and no others."""
    calls: tuple[HookCall, ...]
    export: ExportSettings | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonPatchOperation:
    """A command of a transform, as in JSON Patch."""

    op: str
    path: str
    value: str = ""
    has_value: bool = True
    """False if a test asks only whether the path is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformSpec:
    """Commands on the objects that fit; a failed test skips those that follow it."""

    name: str
    group: str = ""
    resource: str
    object: str = ""
    """Name of the object; all of the resource if empty."""
    commands: tuple[JsonPatchOperation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreActionSpec:
    """A RestoreAction."""

    namespace: str
    """Where to."""
    transform_set: str
    """Name of the TransformSet."""
    kept: tuple[IncludedResource, ...]
    """Resources that it includes, and no others."""
    has_hooks: bool
    """Whether the Blueprint stops the Kafka before, and starts it after."""


# A ValidatingAdmissionPolicy, decided: a template only formats it.


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionExpression:
    """A named expression of CEL."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionValidation:
    """An expression of CEL that must hold, and the message if it does not."""

    expression: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionMatch:
    """Resources of one API group."""

    group: str
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionPolicy:
    """A ValidatingAdmissionPolicy and its binding, both of this name and of no namespace."""

    name: str
    matched: tuple[AdmissionMatch, ...]
    condition: str
    """Expression that selects the accounts whose requests are checked."""
    variables: tuple[AdmissionExpression, ...]
    validations: tuple[AdmissionValidation, ...]


class BackupStage(enum.Enum):
    """The stages of a backup and of a restore."""

    QUIESCE = "quiesce"
    FLUSH = "flush"
    STOP = "stop"
    SNAPSHOT = "snapshot"
    RESTART = "restart"
    RESTORE = "restore"
    EXPORT = "export"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One thing that a phase does, for people to read."""

    does: str
    objects: tuple[str, ...]
    """Objects that it reads or changes, as `Kind name` or `Kind namespace/name`."""
    until: str = ""
    """Condition that it waits for; empty if it waits for nothing."""
    seconds: int = 0
    """For how long it waits at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """A permission that the steps need, in one namespace."""

    namespace: str
    """Empty for objects that have no namespace, and for those of all namespaces."""
    group: str
    """API group; empty for the core group."""
    resource: str
    subresource: str = ""
    names: tuple[str, ...] = ()
    """Objects that it is limited to; none if the API cannot limit it."""
    verbs: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPhase:
    """One KubeTask: a script, with the values that differ from phase to phase as arguments."""

    name: str
    stage: BackupStage
    script: str
    """Name of a file in templates/scripts/phases, without its ending."""
    values: tuple[str, ...]
    """Words `NAME=VALUE` for the script, in addition to the `shared` ones of the plan."""
    steps: tuple[PlannedStep, ...]
    account: str
    """Service account that it runs as."""
    outputs: tuple[str, ...] = ()
    """Keys of its output to Kanister, for artifacts."""
    parts: tuple[PlannedPhase, ...] = ()
    """Run in its pod one after the other, each under its own name; none if it is one script."""

    @property
    def seconds(self) -> int:
        """For how long all its steps wait at most."""
        return sum(step.seconds for step in self.steps)

    @property
    def scripts(self) -> tuple[PlannedPhase, ...]:
        """Its parts, or the phase itself: what has a script of its own."""
        return self.parts or (self,)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedAction:
    """An action of the Blueprint."""

    name: str
    phases: tuple[PlannedPhase, ...]
    defer_phase: PlannedPhase | None = None
    """Runs last whether the phases succeeded or not."""
    artifact_in: str = ""
    """Name of the artifact that it takes."""
    artifact_out: str = ""
    """Name of the artifact that it leaves for a restore."""
    artifact: tuple[tuple[str, str], ...] = ()
    """What is in it: keys, and templates of values."""

    @property
    def all_phases(self) -> tuple[PlannedPhase, ...]:
        """The phases, with the one that runs last."""
        return (*self.phases, self.defer_phase) if self.defer_phase else self.phases

    @property
    def seconds(self) -> int:
        """For how long the action waits at most."""
        return sum(phase.seconds for phase in self.all_phases)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRule:
    """A rule of a Role."""

    groups: tuple[str, ...]
    resources: tuple[str, ...]
    names: tuple[str, ...]
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSpec:
    """A Role and its RoleBinding, both of this name; of the cluster if there is no namespace."""

    name: str
    namespace: str
    """Empty for a ClusterRole and its ClusterRoleBinding."""
    account: str
    """Service account that it is bound to."""
    rules: tuple[PolicyRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccountSpec:
    """A service account in the namespace of the cluster, with all that it may do."""

    name: str
    anchor: str
    """Name in the YAML of the Blueprint for the pods that run as it."""
    purpose: str
    rights: tuple[Permission, ...]
    roles: tuple[RoleSpec, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceNames:
    """Names that the steps share."""

    account: str
    """Service account of the steps, except those that need another right."""
    flush: str
    """Of the flush, which runs a command in each node."""
    keep: str
    """Of the phases that keep objects and claims, if Kanister alone backs up."""
    record: str
    switch: str
    """Deployment of the watchdog, and its account; empty if there is none."""
    restore: str
    """Service account of the phases that restore and delete; empty if there are none."""
    schedule: str
    """CronJob, and its account; empty if there is none."""
    verification: str
    """CronJob that verifies, and its account; empty if there is none."""
    export: str = ""
    """Service account of the phases that run restic; empty if there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchdog:
    """The watchdog: a Deployment that runs only while Kafka is stopped."""

    name: str
    """Of the Deployment, and of its service account."""
    phase: PlannedPhase
    """The work of its pod."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledJob:
    """A CronJob that makes backups and prunes them, or verifies the newest one."""

    name: str
    """Of the CronJob, and of its service account."""
    container: str
    """Its container: `backup` or `verify`."""
    cron: str
    time_zone: str
    image: str
    arguments: tuple[str, ...]
    """Of this command, which is the entry point of the image."""
    start_within: int
    """Seconds after the time of the schedule in which a Job may still be created."""
    deadline: int
    """Seconds after which Kubernetes ends the Job; the action of Kanister runs on."""
    grace: int = 0
    """Seconds that its pod has to end, in which a verification removes its copy; 0: the default."""


def export_secret_name(cluster: str) -> str:
    """Return the default name of the Secret for copies off the cluster."""
    return f"{cluster}-{COMPONENT}-export"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPlan:
    """Everything that is rendered, decided: a template only formats it."""

    cluster: KafkaCluster
    options: Options
    header: tuple[str, ...]
    """Comment at the top of the Blueprint, a line each."""
    name: str
    """Of the Blueprint."""
    accounts: tuple[ServiceAccountSpec, ...]
    """The one of the steps first."""
    admission: AdmissionPolicy | None
    """None unless it is asked for."""
    switch: Watchdog | None
    schedule: ScheduledJob | None
    """None unless it is asked for."""
    verification: ScheduledJob | None
    """None unless it is asked for."""
    record: str
    """Name of the ConfigMap that keeps what restart and restore need; empty for a hot backup."""
    labels: tuple[tuple[str, str], ...]
    annotations: tuple[tuple[str, str], ...]
    shared: tuple[tuple[str, str], ...]
    """Names and values that every script gets, in the environment of its container."""
    actions: tuple[PlannedAction, ...]
    ignored_clients: tuple[IgnoredClient, ...]
    bound: BindingTarget
    policies: tuple[PolicySpec, ...]
    """In the order in which they must run."""
    transforms: tuple[TransformSpec, ...]
    """Changes that a restore makes on the way."""
    restoring: RestoreActionSpec
    notes: tuple[str, ...]
    """What is left for a person to do, such as annotations to set."""
    problems: tuple[Diagnostic, ...]
    """Warnings of the whole run."""

    @property
    def export_secret(self) -> str:
        """Name of the Secret for copies off the cluster; empty if there are none."""
        if not any(action.name == "export" for action in self.actions):
            return ""
        return self.options.export_secret or export_secret_name(self.cluster.name)

    @property
    def service_account(self) -> str:
        """Name of the service account of the steps."""
        return self.accounts[0].name

    @property
    def rights(self) -> tuple[Permission, ...]:
        """Rights of the steps, by namespace."""
        return self.accounts[0].rights

    @property
    def scripts_owner(self) -> str:
        """Prefix of the name of the ConfigMap with the scripts; empty if it is shared."""
        if not self.options.owns_scripts:
            return ""
        hot = "-hot" if self.options.is_flush_only else ""
        return f"{self.cluster.name}-{COMPONENT}{hot}"

    @property
    def phases(self) -> tuple[PlannedPhase, ...]:
        """The phases of all actions, in the order of the Blueprint."""
        return tuple(chain.from_iterable(action.all_phases for action in self.actions))

    def is_first(self, phase: PlannedPhase) -> bool:
        """Return whether a phase is the first of the Blueprint, at which what all share stands."""
        return phase == self.phases[0]

    def introduces_account(self, phase: PlannedPhase) -> bool:
        """Return whether a phase is the first of its service account: its pod stands there."""
        return phase == next(first for first in self.phases if first.account == phase.account)

    def anchor(self, account: str) -> str:
        """Return the name in YAML for pods of a service account of the steps."""
        return next(spec.anchor for spec in self.accounts if spec.name == account)

    @property
    def roles(self) -> tuple[RoleSpec, ...]:
        """Roles of all accounts."""
        return tuple(chain.from_iterable(account.roles for account in self.accounts))
