"""Everything that the checks are shown, as it was at one moment."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from kanister_kafka.plan import Plan
from kanister_kafka.preflight.model import (
    Object,
    Objects,
    Partition,
    Pinned,
    Pulled,
    Question,
    Rendered,
    Seen,
)
from kanister_kafka.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What only a plan tells to ask for."""

    plan: Plan
    rights: Seen[tuple[Question, ...]]
    rendered: tuple[Seen[Rendered], ...]
    scripts: tuple[Pinned, ...]
    """Of the Blueprint as it would be rendered, of the one on the cluster and of the switch."""
    nodes: Seen[Objects]
    action_sets: Seen[Objects]
    """All of the Kanister namespace; none where Kanister is not installed."""
    pulled: Seen[Pulled] | None
    """None where it was not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Which Kafka is looked at, and what was made of it so far."""

    name: str
    namespace: str
    kasten_namespace: str
    plan: Plan | None
    """None where reading it found an error; what needs no plan is looked at all the same."""
    problems: tuple[Problem, ...]
    """Of the reading and of the plan."""
    context: str = ""
    """Of the kubeconfig; empty for the current one."""
    options: str = ""
    """Words of the command line that a command which renders the same has to repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One Kafka cluster and what a backup of it rests upon, at one moment."""

    name: str
    namespace: str
    context: str
    """Of the kubeconfig; empty for the current one."""
    kasten_namespace: str
    problems: tuple[Problem, ...]
    """Of the reading and of the plan."""
    planned: Planned | None
    """None where the reading has errors, so that nothing can be planned."""
    kafka: Object
    pools: Seen[Objects]
    pod_sets: Seen[Objects]
    """StrimziPodSets and StatefulSets of the nodes."""
    pods: Seen[Objects]
    """Of the Kafka resource: nodes, entity operator, exporter, Cruise Control."""
    writers: tuple[Seen[Object], ...]
    """What the plan quiesces."""
    writer_pods: Seen[Objects]
    """Of those writers alone that somebody has paused."""
    autoscalers: Seen[Objects]
    """ScaledObjects and HorizontalPodAutoscalers beside the cluster and beside its writers."""
    rebalances: Seen[Objects]
    partitions: Seen[tuple[Partition, ...]]
    claims: Seen[Objects]
    volumes: Seen[Objects]
    """PersistentVolumes of the claims."""
    storage_classes: Seen[Objects]
    snapshot_classes: Seen[Objects | None]
    """None where the cluster does not know VolumeSnapshots."""
    operators: Seen[Objects]
    """Pods of every Strimzi cluster operator; where there is none, its Deployments."""
    kanister_api: bool
    """Whether the cluster knows Blueprints."""
    deployments: Seen[Objects]
    """Of the Kanister namespace."""
    kasten: Seen[Object | None]
    """The ConfigMap `k10-config`; None without Kasten."""
    record: Seen[Object | None]
    space: Seen[Object]
    """The namespace of the cluster."""
    quotas: Seen[Objects]
    limit_ranges: Seen[Objects]
    server: Seen[int | None] = Seen(None)  # noqa: RUF009 - it is frozen
    """Minor version of Kubernetes; None where the API server does not tell it."""
    options: str = ""
    """Words of the command line that a command which renders the same has to repeat."""

    def kubectl(self, words: str) -> str:
        """Return a command for kubectl, on the cluster that was looked at."""
        return f"kubectl {words}{_context(self.context)}"

    def ours(self, command: str, words: str = "") -> str:
        """Return a command of ours for this Kafka."""
        rest = f" {words}" if words else ""
        place = f"{self.name} -n {self.namespace}{_context(self.context)}"
        return f"kanister-kafka {command} {place}{rest}"

    @property
    def apply(self) -> str:
        """The command that puts on the cluster what would be rendered now."""
        return self.ours("apply --from-cluster", self.options)


def _context(context: str) -> str:
    return f" --context {shlex.quote(context)}" if context else ""
