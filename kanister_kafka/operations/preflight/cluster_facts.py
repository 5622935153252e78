"""Everything that the checks are shown, as it was at one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kanister_kafka.backup.model import BackupPlan
from kanister_kafka.diagnostics import Diagnostic, Severity
from kanister_kafka.kube.client import Object, Objects
from kanister_kafka.operations.object_names import ObjectNames
from kanister_kafka.operations.preflight.model import (
    AccessReview,
    CheckLine,
    CheckStatus,
    ManifestPair,
    OptionalRead,
    PartitionState,
    PinnedScripts,
    PullTestResult,
)
from kanister_kafka.operations.provenance import RENAMED, apply_command, context_flag
from kanister_kafka.strimzi.discovery import KafkaRef


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """Facts that can be read only with a plan."""

    plan: BackupPlan
    rights: OptionalRead[tuple[AccessReview, ...]]
    rendered: tuple[OptionalRead[ManifestPair], ...]
    scripts: tuple[PinnedScripts, ...]
    """Of the Blueprint as it would be rendered, of the one on the cluster and of the watchdog."""
    nodes: OptionalRead[Objects]
    action_sets: OptionalRead[Objects]
    """All of the Kanister namespace; none if Kanister is not installed."""
    pulled: OptionalRead[PullTestResult] | None
    """None if it was not asked for."""
    export_profile: OptionalRead[Object | None] | None = None
    """Profile with the location of copies; None if backups are not copied."""
    export_secret: OptionalRead[Object | None] | None = None
    group_classes: OptionalRead[Objects | None] | None = None
    """VolumeGroupSnapshotClasses; None if each claim is snapshotted by itself. None was read if the
    cluster serves no version of them that the steps use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightTarget:
    """Which Kafka is looked at, and what was made of it so far."""

    name: str
    namespace: str
    kasten_namespace: str
    plan: BackupPlan | None = None
    """None if reading it found an error; checks that need no plan still run."""
    problems: tuple[Diagnostic, ...]
    """Of the reading and of the plan."""
    context: str = ""
    """Of the kubeconfig; empty for the current one."""
    options: str = ""
    """Words of the command line that a command which renders the same has to repeat."""
    names: ObjectNames
    """Of the objects on the cluster."""
    affixes: tuple[str, str] = ("", "")
    """Prefix and suffix that Kustomize has added to the names that `render` gives."""
    is_base: bool = False
    """Whether the Blueprint on the cluster was rendered as a base of Kustomize."""

    def renamed(self, name: str) -> str:
        """Return the name of a rendered object as it is on the cluster."""
        return f"{self.affixes[0]}{name}{self.affixes[1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFacts(PreflightTarget):
    """One Kafka cluster and what a backup of it rests upon, at one moment."""

    planned: PlanFacts | None
    """None if the reading has errors, so that nothing can be planned."""
    kafka: Object
    pools: OptionalRead[Objects]
    pod_sets: OptionalRead[Objects]
    """StrimziPodSets and StatefulSets of the nodes."""
    pods: OptionalRead[Objects]
    """Of the Kafka resource: nodes, entity operator, exporter, Cruise Control."""
    writers: tuple[OptionalRead[Object], ...]
    """The clients that the plan quiesces."""
    writer_pods: OptionalRead[Objects]
    """Of those writers alone that another client has paused."""
    autoscalers: OptionalRead[Objects]
    """ScaledObjects and HorizontalPodAutoscalers in the namespaces of the cluster and its
    writers."""
    rebalances: OptionalRead[Objects]
    partitions: OptionalRead[tuple[PartitionState, ...]]
    claims: OptionalRead[Objects]
    volumes: OptionalRead[Objects]
    """PersistentVolumes of the claims."""
    storage_classes: OptionalRead[Objects]
    snapshot_classes: OptionalRead[Objects | None]
    """None if the cluster does not know VolumeSnapshots."""
    operators: OptionalRead[Objects]
    """Pods of every Strimzi cluster operator; if there is none, its Deployments."""
    kanister_api: bool
    """Whether the cluster knows Blueprints."""
    deployments: OptionalRead[Objects]
    """Of the Kanister namespace."""
    kasten: OptionalRead[Object | None]
    """The ConfigMap `k10-config`; None without Kasten."""
    record: OptionalRead[Object | None]
    space: OptionalRead[Object]
    """The namespace of the cluster."""
    quotas: OptionalRead[Objects]
    limit_ranges: OptionalRead[Objects]
    server: OptionalRead[int | None] = OptionalRead(None)  # noqa: RUF009 - it is frozen
    """Minor version of Kubernetes; None if the API server does not report it."""

    def kubectl(self, words: str) -> str:
        """Return a command for kubectl, on the cluster that was looked at."""
        return f"kubectl {words}{context_flag(self.context)}"

    def command(self, command: str, words: str = "") -> str:
        """Return a command of kanister-kafka for this Kafka."""
        suffix = f" {words}" if words else ""
        arguments = f"{self.name} -n {self.namespace}{context_flag(self.context)}"
        return f"kanister-kafka {command} {arguments}{suffix}"

    @property
    def apply(self) -> str:
        """The command that puts on the cluster what would be rendered now."""
        if self.names.is_renamed:
            return RENAMED
        return apply_command(KafkaRef(self.namespace, self.name), self.options, self.context)


# How a check is reported to the preflight: an id, and one function of the gathered facts.

PreflightFunction = Callable[[ClusterFacts], Iterator[CheckLine]]


@dataclass(frozen=True, slots=True)
class PreflightCheck:
    """A check of one Kafka cluster."""

    id: str
    find: PreflightFunction


def preflight_check(name: str) -> Callable[[PreflightFunction], PreflightCheck]:
    """Make a function the check of this id; `preflight.CHECKS` has the order of the reports."""
    return lambda find: PreflightCheck(name, find)


# Problems of reading and planning, as lines.

LEVELS = {
    Severity.ERROR: CheckStatus.PROBLEM,
    Severity.WARNING: CheckStatus.WARNING,
    Severity.INFO: CheckStatus.OK,
}
REPORTED_ELSEWHERE = (
    "autoscaled",
    "delete-claim",
    "ephemeral-storage",
    "hook-timeout",
    "kubernetes-version",
    "metadata-migration",
    "paused",
    "tiered-storage",
    "unpinned-version",
)
"""Ids of `docs/rules.md` that a check of this package reports itself."""


def diagnostic_lines(view: ClusterFacts, *ids: str) -> Iterator[CheckLine]:
    """Yield the problems of reading and planning with these ids."""
    for problem in view.problems:
        if problem.rule in ids:
            yield _line(problem)


@preflight_check("reading")
def reading(view: ClusterFacts) -> Iterator[CheckLine]:
    """Report all other problems of reading and planning."""
    for problem in view.problems:
        if problem.rule not in REPORTED_ELSEWHERE:
            yield _line(problem)


@preflight_check("plan")
def plan(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that a backup can be planned at all."""
    if view.planned is None:
        yield CheckLine(
            level=CheckStatus.PROBLEM,
            what="no backup can be planned, so rights, drift and time-outs were not looked at",
            remedy="fix the problems of the custom resources first",
        )


def _line(problem: Diagnostic) -> CheckLine:
    path = f", {problem.path}" if problem.path else ""
    return CheckLine(
        level=LEVELS[problem.severity],
        what=f"{problem.location}{path}: {problem.message}",
        remedy=f"kanister-kafka explain {problem.rule}",
        objects=(problem.location.source.replace("/", " ", 1),),
    )
