"""KafkaCluster and Options in, Plan out: a pure function that holds the order of everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import kanister_kafka.plan.kasten as kasten
from kanister_kafka._version import __version__
from kanister_kafka.options import Options, QuiesceBy, Strategy
from kanister_kafka.plan.model import Action, Phase, Plan, Stage, Step
from kanister_kafka.plan.rights import questions, rights, roles
from kanister_kafka.problem import Location, Problem, in_order, warning
from kanister_kafka.strimzi import KafkaCluster, Workload, WorkloadKind, Writer

COMPONENT = "kanister-kafka"
RUN = "{{ .Time }}"
"""Start of the action, the same in all its phases (Kanister's pkg/param/param.go): names the
run."""
POD_SECONDS = 15
"""Allowed for the pod of each phase to start and end."""
LEAST_RECOVERY = 120


def build(cluster: KafkaCluster, options: Options, problems: Iterable[Problem] = ()) -> Plan:
    """Plan the backup of a cluster; `problems` are warnings of the reading, to be told with it."""
    return _Builder(cluster, options).plan(problems)


class _Builder:
    def __init__(self, cluster: KafkaCluster, options: Options) -> None:
        self.cluster = cluster
        self.options = options
        self.limits = options.limits
        self.cold = options.strategy is Strategy.COLD
        self.account = options.service_account or f"{cluster.name}-{COMPONENT}"
        self.record = f"{cluster.name}-{COMPONENT}" if self.cold else ""
        self.rights = rights(cluster, options, self.record)

    def plan(self, problems: Iterable[Problem]) -> Plan:
        cluster, options = self.cluster, self.options
        suffix = "" if self.cold else ".hot"
        name = options.name or f"{cluster.namespace}.{cluster.name}{suffix}"
        actions = self._cold_actions() if self.cold else self._hot_actions()
        labels = {
            "app.kubernetes.io/name": COMPONENT,
            "app.kubernetes.io/managed-by": COMPONENT,
            **dict(options.labels),
        }
        found = [*problems, *kasten.problems(cluster, options), *self._check_time(actions)]
        return Plan(
            cluster=cluster,
            options=options,
            header=tuple(self._header()),
            name=name,
            service_account=self.account,
            record=self.record,
            labels=tuple(sorted(labels.items())),
            annotations=tuple(sorted(options.annotations)),
            actions=actions,
            rights=self.rights,
            roles=roles(self.rights, cluster, self.account),
            left_alone=cluster.bystanders,
            bound=kasten.bound(cluster),
            retention=kasten.retention(options),
            kept=kasten.kept(),
            has_failure_hook=self.cold,
            notes=tuple(kasten.notes(cluster, options, name)),
            problems=in_order(found),
        )

    def _hot_actions(self) -> tuple[Action, ...]:
        return (Action(name="backupPrehook", phases=(self._flush(),)),)

    def _cold_actions(self) -> tuple[Action, ...]:
        phases = (self._quiesce(), self._flush(), self._stop())
        # Whatever time Kasten leaves: past its limit it would cut the recovery off.
        spent = sum(phase.seconds + POD_SECONDS for phase in phases) + POD_SECONDS
        left = max(LEAST_RECOVERY, min(self.limits.restart, self.options.hook_timeout - spent))
        recover = self._restart("recover", left, unless_stopped_by=RUN)
        return (
            Action(name="backupPrehook", phases=phases, defer_phase=recover),
            Action(name="backupPosthook", phases=(self._restart("restart", self.limits.restart),)),
            Action(name="resume", phases=(self._restart("resume", self.limits.restart),)),
        )

    def _quiesce(self) -> Phase:
        cluster, limits = self.cluster, self.limits
        by_pause = self.options.quiesce_by is QuiesceBy.PAUSE
        does = "pause, delete its workload" if by_pause else "scale to 0"
        check = Step(
            does="check rights and state",
            objects=(str(cluster),),
            until="Kafka and its pods are Ready",
            seconds=limits.check,
        )
        keep = Step(does="keep cluster id and node ids", objects=(f"ConfigMap {self.record}",))
        steps = [check, keep]
        if cluster.writers:  # stopped together, waited for together
            steps.append(
                Step(
                    does=does,
                    objects=tuple(str(writer) for writer in cluster.writers),
                    until="their pods are gone",
                    seconds=limits.quiesce + (limits.pause if by_pause else 0),
                )
            )
        return Phase(
            name="quiesce",
            stage=Stage.QUIESCE,
            parts=("prelude.sh", "pause.sh", *self._writer_parts(), "quiesce.sh"),
            values=self._values(
                RUN=RUN,
                POOLS=cluster.pools,
                WORKLOADS=self._names(self._workloads()),
                FIT_LIMIT=limits.check,
                WRITER_LIMIT=limits.quiesce,
                PAUSE_LIMIT=limits.pause if by_pause else None,
                WRITER_KINDS=self._writer_kinds() if by_pause else None,
                RIGHTS=" ".join(questions(self.rights)),
            ),
            arguments=self._writer_arguments(),
            steps=tuple(steps),
        )

    def _flush(self) -> Phase:
        return Phase(
            name="flush",
            stage=Stage.FLUSH,
            parts=("prelude.sh", "flush.sh"),
            values=self._values(FLUSH_LIMIT=self.limits.flush),
            arguments=(),
            steps=(
                Step(
                    does="sync, in all nodes at once",
                    objects=tuple(_workload(workload) for workload in self._workloads()),
                    until="every node has flushed",
                    seconds=self.limits.flush,
                ),
            ),
        )

    def _stop(self) -> Phase:
        cluster, limits = self.cluster, self.limits
        first = self._first()
        steps = [
            Step(
                does="pause reconciliation",
                objects=(str(cluster),),
                until="the operator acknowledges it",
                seconds=limits.pause,
            )
        ]
        if cluster.components:
            steps.append(
                Step(
                    does="delete",
                    objects=tuple(f"Deployment {name}" for name in cluster.components),
                    until="their pods are gone",
                    seconds=limits.components,
                )
            )
        for workloads in (first, cluster.quorum):
            if workloads:
                steps.append(
                    Step(
                        does=_stopping(workloads),
                        objects=tuple(_workload(workload) for workload in workloads),
                        until="their pods are gone",
                        seconds=self._stop_limit(workloads),
                    )
                )
        return Phase(
            name="stop",
            stage=Stage.STOP,
            parts=("prelude.sh", "pause.sh", *self._node_parts(), "nodes.sh", "stop.sh"),
            values=self._values(
                RUN=RUN,
                NODES=self._node_kinds(),
                COMPONENTS=cluster.components,
                BROKERS=self._names(first),
                QUORUM=self._names(cluster.quorum),
                PAUSE_LIMIT=limits.pause,
                COMPONENTS_LIMIT=limits.components,
                BROKERS_LIMIT=self._stop_limit(first),
                QUORUM_LIMIT=self._stop_limit(cluster.quorum),
            ),
            arguments=(),
            steps=tuple(steps),
        )

    def _restart(self, name: str, seconds: int, unless_stopped_by: str = "") -> Phase:
        cluster = self.cluster
        steps = [
            Step(
                does="resume reconciliation"
                + (", unless stopped as planned" if unless_stopped_by else ""),
                objects=(
                    str(cluster),
                    *(_workload(workload) for workload in self._workloads()[::-1]),
                ),
                until="every node is Ready",
                seconds=seconds,
            )
        ]
        if cluster.writers:
            steps.append(
                Step(does="put back as it was", objects=tuple(str(w) for w in cluster.writers))
            )
        parts = dict.fromkeys((*self._node_parts(), *self._writer_parts()))
        return Phase(
            name=name,
            stage=Stage.RESTART,
            parts=("prelude.sh", "pause.sh", *parts, "nodes.sh", "restart.sh"),
            values=self._values(
                UNLESS_STOPPED_BY=unless_stopped_by,
                NODES=self._node_kinds(),
                ZOOKEEPER=self._names((cluster.zookeeper,) if cluster.zookeeper else ()),
                KAFKA_NODES=self._names(cluster.nodes),
                READY_LIMIT=seconds,
            ),
            arguments=self._writer_arguments(),
            steps=tuple(steps),
        )

    def _first(self) -> tuple[Workload, ...]:
        """Workloads that stop before the metadata quorum does."""
        return self.cluster.nodes if self.cluster.zookeeper else self.cluster.broker_only

    def _workloads(self) -> tuple[Workload, ...]:
        """All workloads in the order in which they stop."""
        return (*self._first(), *self.cluster.quorum)

    def _stop_limit(self, workloads: tuple[Workload, ...]) -> int:
        return max((workload.grace_seconds for workload in workloads), default=0) + self.limits.stop

    def _node_kinds(self) -> str:
        kinds = {kind.value for workload in self._workloads() for kind in workload.kinds}
        return ",".join(sorted(kinds))

    def _node_parts(self) -> tuple[str, ...]:
        stateful = WorkloadKind.STATEFUL_SET.value in self._node_kinds()
        return ("replicas.sh",) if stateful else ()

    def _writer_parts(self) -> tuple[str, ...]:
        if not self.cluster.writers:
            return ()
        if self.options.quiesce_by is QuiesceBy.PAUSE:
            return ("writer-pause.sh",)
        return ("replicas.sh", "writer-replicas.sh")

    def _writer_arguments(self) -> tuple[str, ...]:
        return tuple(
            f"{w.resource}/{w.namespace}/{w.name}/{w.kind}/{w.workload}"
            for w in self.cluster.writers
        )

    def _writer_kinds(self) -> tuple[str, ...]:
        resources = {
            WorkloadKind.POD_SET: "strimzipodsets.core.strimzi.io",
            WorkloadKind.DEPLOYMENT: "deployments.apps",
        }
        kinds = {kind for writer in self.cluster.writers for kind in writer.kinds}
        return tuple(resources[kind] for kind in resources if kind in kinds)

    def _names(self, workloads: Iterable[Workload]) -> tuple[str, ...]:
        return tuple(workload.name for workload in workloads)

    def _values(self, **values: str | int | tuple[str, ...] | None) -> tuple[str, ...]:
        common = {
            "NAMESPACE": self.cluster.namespace,
            "CLUSTER": self.cluster.name,
            "RECORD": self.record,
        }
        words = {**common, **values}
        return tuple(
            f"{key}={','.join(value) if isinstance(value, tuple) else value}"
            for key, value in words.items()
            if value is not None
        )

    def _header(self) -> Iterator[str]:
        cluster = self.cluster
        if not self.cold:
            yield f"Hot backup of {cluster}: flushes every node, stops nothing."
            yield "Not guaranteed: volumes are snapshotted one by one, so partitions end at"
            yield "different moments, and what brokers write after the flush may be torn."
            yield "backupPrehook: flush. There is nothing to bring back."
        else:
            yield f"Cold backup of {cluster}: stops it cleanly for the snapshot, brings it back."
            yield f"backupPrehook: quiesce {_few(cluster.writers)}, flush every node, stop"
            first = _few([w.name for w in self._first()])
            last = _few([w.name for w in cluster.quorum])
            order = f"{first}, then {last}" if self._first() else last
            yield f"  {order}; if any of it fails, everything is brought back."
            yield "backupPosthook: restart. resume: the same for a person, at any time."
        versions = f"{COMPONENT} {__version__}, for Strimzi {cluster.operator}"
        yield f"Rendered from {cluster.source} by {versions}."

    def _check_time(self, actions: tuple[Action, ...]) -> Iterator[Problem]:
        for action in actions:
            pods = len(action.phases) + bool(action.defer_phase)
            needed = action.seconds + pods * POD_SECONDS
            if action.name != "resume" and needed > self.options.hook_timeout:
                yield warning(
                    "hook-timeout",
                    Location(self.cluster.source),
                    "",
                    f"{action.name} may take {needed}s and Kasten ends it after "
                    f"{self.options.hook_timeout}s: raise its timeout.blueprintHooks and tell "
                    "--hook-timeout, or lower --timeout",
                )


def _workload(workload: Workload) -> str:
    kinds = " or ".join(kind.value for kind in workload.kinds)
    return f"{kinds} {workload.name}"


def _stopping(workloads: tuple[Workload, ...]) -> str:
    kinds = {kind for workload in workloads for kind in workload.kinds}
    if kinds == {WorkloadKind.STATEFUL_SET}:
        return "scale to 0"
    return "delete" if kinds == {WorkloadKind.POD_SET} else "delete or scale to 0"


def _few(items: Iterable[str | Writer]) -> str:
    texts = [str(item) for item in items]
    if not texts:
        return "nothing"
    return ", ".join(texts) if len(texts) <= 3 else f"{len(texts)} of them ({texts[0]}, …)"
