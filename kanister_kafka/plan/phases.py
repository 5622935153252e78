"""The phases of a cold and a hot backup: scripts, values and steps of each."""

from __future__ import annotations

from collections.abc import Iterable

from kanister_kafka.options import Options, QuiesceBy
from kanister_kafka.plan.model import Phase, Right, Stage, Step
from kanister_kafka.plan.rights import questions
from kanister_kafka.strimzi import KafkaCluster, Workload, WorkloadKind

RUN = "{{ .Time }}"
"""Start of the action, the same in all its phases (Kanister's pkg/param/param.go): names the
run."""


class Phases:
    """Makes the phases of one cluster."""

    def __init__(
        self, cluster: KafkaCluster, options: Options, record: str, rights: tuple[Right, ...]
    ) -> None:
        self.cluster = cluster
        self.options = options
        self.limits = options.limits
        self.record = record
        self.rights = rights

    def quiesce(self) -> Phase:
        """Check that the cluster may be stopped, keep what a restore needs, stop what writes."""
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

    def flush(self) -> Phase:
        """Write what every node has in its page cache to its volumes."""
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

    def stop(self) -> Phase:
        """Pause, then stop what is beside the nodes, brokers, and the metadata quorum last."""
        cluster, limits = self.cluster, self.limits
        first = self.first()
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

    def restart(self, name: str, seconds: int, unless_stopped_by: str = "") -> Phase:
        """Bring everything back; not what the run named has stopped as planned."""
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
        return Phase(
            name=name,
            stage=Stage.RESTART,
            parts=("prelude.sh", "pause.sh", "replicas.sh", "nodes.sh", "restart.sh"),
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

    def first(self) -> tuple[Workload, ...]:
        """Workloads that stop before the metadata quorum does."""
        return self.cluster.nodes if self.cluster.zookeeper else self.cluster.broker_only

    def _workloads(self) -> tuple[Workload, ...]:
        """All workloads in the order in which they stop."""
        return (*self.first(), *self.cluster.quorum)

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


def _workload(workload: Workload) -> str:
    kinds = " or ".join(kind.value for kind in workload.kinds)
    return f"{kinds} {workload.name}"


def _stopping(workloads: tuple[Workload, ...]) -> str:
    kinds = {kind for workload in workloads for kind in workload.kinds}
    if kinds == {WorkloadKind.STATEFUL_SET}:
        return "scale to 0"
    return "delete" if kinds == {WorkloadKind.POD_SET} else "delete or scale to 0"
