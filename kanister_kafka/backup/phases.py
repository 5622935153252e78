"""The phases that stop a cluster and bring it back: scripts, values and steps of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain

from kanister_kafka.backup.model import (
    BackupStage,
    Permission,
    PlannedPhase,
    PlannedStep,
    ResourceNames,
)
from kanister_kafka.backup.options import Options, QuiesceMethod, SnapshotProvider, Strategy
from kanister_kafka.backup.rbac import access_review_specs, has_cruise_control
from kanister_kafka.strimzi import KafkaCluster, Workload, WorkloadKind

RUN = "{{ .Time }}"
"""Start of the action, the same in all its phases (Kanister's pkg/param/param.go): names the
run."""

CLIENT_KINDS = ("KafkaBridge", "KafkaConnect", "KafkaMirrorMaker", "KafkaMirrorMaker2")
"""Kinds of clients that running-clients.sh looks for."""
QUERY_SECONDS = 120
"""For a broker to report the offsets of all partitions (templates/scripts/lib/positions.sh)."""
SAMPLE_SECONDS = 3
"""Between the two looks at how large each partition is."""
QUIET_SECONDS = 12
"""For which no log must have been written before an online backup notes its end. After a client of
Strimzi has stopped, Kafka itself may write for up to 10 s: the session of a worker of Connect ends
(`session.timeout.ms` of its DistributedConfig), and overdue transactions are looked for
(`transaction.abort.timed.out.transaction.cleanup.interval.ms`)."""


class PhaseFactory:
    """Makes the phases of one cluster."""

    def __init__(
        self,
        cluster: KafkaCluster,
        options: Options,
        names: ResourceNames,
        rights: Mapping[str, tuple[Permission, ...]],
    ) -> None:
        self.cluster = cluster
        self.options = options
        self.limits = options.limits
        self.names = names
        self.rights = rights
        """By service account."""

    def quiesce(self, action: str, name: str = "quiesce") -> PlannedPhase:
        """Check that the cluster may be stopped, keep what a restore needs, stop what writes."""
        cluster, limits = self.cluster, self.limits
        check = self._check_step("nothing is left to do for the operator")
        record = f"ConfigMap {self.names.record}"
        steps = [check, PlannedStep(does="keep cluster id and node ids", objects=(record,))]
        if self.names.switch:
            steps.append(
                PlannedStep(
                    does="arm the watchdog",
                    objects=(f"Deployment {self.names.switch}",),
                    until="its pod runs",
                    seconds=limits.switch,
                )
            )
        if self.options.strategy is not Strategy.ONLINE:
            steps += self._client_steps()
        return PlannedPhase(
            name=name,
            stage=BackupStage.QUIESCE,
            script="quiesce",
            values=self.values(
                RUN_ID=RUN,
                ACTION=action,
                WORKLOADS=self._names(self._workloads()),
                READINESS_TIMEOUT=limits.check,
                WATCHDOG_TIMEOUT=limits.switch,
                CRUISE_CONTROL="yes" if has_cruise_control(cluster) else "",
                SNAPSHOT_BY_LABEL="yes" if self.options.engine is SnapshotProvider.KANISTER else "",
                PERMISSIONS=self.access_reviews(self.names.account),
            ),
            steps=tuple(steps),
            account=self.names.account,
        )

    def _check_step(self, of_operator: str) -> PlannedStep:
        return PlannedStep(
            does="check rights and state",
            objects=(str(self.cluster),),
            until=f"Kafka and its pods are Ready, and {of_operator}",
            seconds=self.limits.check,
        )

    def _client_steps(self) -> list[PlannedStep]:
        """Return how clients are stopped: together, and waited for together."""
        by_pause = self.options.quiesce_by is QuiesceMethod.PAUSE
        if not self.cluster.writers:
            return []
        return [
            PlannedStep(
                does="pause, delete its workload" if by_pause else "scale to 0",
                objects=tuple(str(writer) for writer in self.cluster.writers),
                until="their pods are gone",
                seconds=self.limits.quiesce + (self.limits.pause if by_pause else 0),
            )
        ]

    def check_hot(self, name: str) -> PlannedPhase:
        """Check that the cluster can be backed up while it runs, and keep what a restore needs."""
        record = f"ConfigMap {self.names.record}"
        return PlannedPhase(
            name=name,
            stage=BackupStage.QUIESCE,
            script="check-hot",
            values=self.values(
                RUN_ID=RUN,
                WORKLOADS=self._names(self._workloads()),
                READINESS_TIMEOUT=self.limits.check,
                SNAPSHOT_BY_LABEL="yes",
                PERMISSIONS=self.access_reviews(self.names.account),
            ),
            steps=(
                self._check_step("the operator has reconciled the last change"),
                PlannedStep(
                    does="let no other backup begin, keep cluster id and node ids",
                    objects=(record,),
                ),
            ),
            account=self.names.account,
        )

    def flush(self, name: str = "flush") -> PlannedPhase:
        """Write what every node has in its page cache to its volumes."""
        note = PlannedStep(
            does="meanwhile note the retention of every topic",
            objects=(f"ConfigMap {self.names.record}",),
        )
        noted = (note,) if self.names.record else ()
        cold = self.options.strategy is Strategy.COLD
        return PlannedPhase(
            name=name,
            stage=BackupStage.FLUSH,
            script="flush",
            values=self.values(
                RUN_ID=RUN,
                FLUSH_TIMEOUT=self.limits.flush,
                SAMPLE_SECONDS=SAMPLE_SECONDS if cold else None,
                REQUIRE_QUIET=("yes" if self.options.require_quiet else "") if cold else None,
                PERMISSIONS=self.access_reviews(self.names.flush),
            ),
            steps=(
                PlannedStep(
                    does="sync, in all nodes at once"
                    + (", and see which topics still grow" if cold else ""),
                    objects=tuple(_workload(workload) for workload in self._workloads()),
                    until="every node has flushed",
                    seconds=self.limits.flush,
                ),
                *noted,
            ),
            account=self.names.flush,
        )

    def pause(self, name: str = "pause") -> PlannedPhase:
        """Pause, then stop the other components, which write metadata, and all clients."""
        pause, *deletions = self._pause_steps()
        same = PlannedStep(does="compare with the stored specs", objects=(str(self.cluster),))
        return PlannedPhase(
            name=name,
            stage=BackupStage.QUIESCE,
            script="pause",
            values=self.values(
                RUN_ID=RUN,
                WATCHDOG_TIMEOUT=0,
                SNAPSHOT_BY_LABEL="yes" if self.options.engine is SnapshotProvider.KANISTER else "",
            ),
            steps=tuple(self._watchdog_steps() + [pause, same] + deletions + self._client_steps()),
            account=self.names.account,
        )

    def flush_online(self, name: str = "flush") -> PlannedPhase:
        """Wait until nothing is written, note where every log ends, and flush."""
        quiet_limit = max(self.limits.flush, QUIET_SECONDS)
        return PlannedPhase(
            name=name,
            stage=BackupStage.FLUSH,
            script="flush-online",
            values=self.values(
                RUN_ID=RUN,
                QUIET_SECONDS=QUIET_SECONDS,
                QUIET_TIMEOUT=quiet_limit,
                FLUSH_TIMEOUT=self.limits.flush,
                PERMISSIONS=self.access_reviews(self.names.flush),
            ),
            steps=(
                PlannedStep(
                    does="wait until Kafka itself writes nothing either",
                    objects=(str(self.cluster),),
                    until=f"no log was written for {QUIET_SECONDS}s",
                    seconds=quiet_limit,
                ),
                PlannedStep(
                    does="note the end of every log and of the metadata, then sync, in all nodes "
                    "at once",
                    objects=tuple(_workload(workload) for workload in self._workloads()),
                    until="every node has flushed",
                    seconds=self.limits.flush,
                ),
                PlannedStep(
                    does="meanwhile note the end offset of every partition",
                    objects=(f"ConfigMap {self.names.record}",),
                    seconds=QUERY_SECONDS,
                ),
            ),
            account=self.names.flush,
        )

    def compare(self, name: str = "compare", *, own_run: bool = False) -> PlannedPhase:
        """Read all ends again, and fail if anything has moved.

        With `own_run` the flush was in the same action; Kasten's hooks are two.
        """
        return PlannedPhase(
            name=name,
            stage=BackupStage.SNAPSHOT,
            script="compare-positions",
            values=self.values(
                RUN_ID=RUN if own_run else "",
                FLUSH_TIMEOUT=self.limits.flush,
            ),
            steps=(
                PlannedStep(
                    does="fail if an end offset, a log, a leader, the metadata or a pod has "
                    "changed since the flush",
                    objects=(str(self.cluster),),
                    seconds=self.limits.flush + QUERY_SECONDS,
                ),
            ),
            account=self.names.flush,
        )

    def _watchdog_steps(self) -> list[PlannedStep]:
        """Return the one look at the watchdog, for which `quiesce` has waited."""
        if not self.names.switch:
            return []
        return [
            PlannedStep(
                does="verify that the watchdog runs",
                objects=(f"Deployment {self.names.switch}",),
            )
        ]

    def stop(self, name: str = "stop") -> PlannedPhase:
        """Pause, then stop the other components, brokers, and the metadata quorum last."""
        steps = self._watchdog_steps()
        pause, *stops = self.stop_steps()
        same = PlannedStep(
            does="compare with the saved objects, and verify that no client runs, before and after",
            objects=(str(self.cluster),),
        )
        steps += [pause, same, *stops]
        return PlannedPhase(
            name=name,
            stage=BackupStage.STOP,
            script="stop",
            values=self.values(
                RUN_ID=RUN,
                WATCHDOG_TIMEOUT=0,
                UNCLEAN_STOP=self.options.unclean_stop.value,
                SNAPSHOT_BY_LABEL="yes" if self.options.engine is SnapshotProvider.KANISTER else "",
            ),
            steps=tuple(steps),
            account=self.names.account,
        )

    def restart(
        self, name: str, seconds: int, *, recovery: bool = False, leave_stopped: bool = False
    ) -> PlannedPhase:
        """Bring everything back.

        A recovery touches only what its own run has stopped, and leaves alone what that stopped as
        planned where the snapshot is still to come.
        """
        cluster = self.cluster
        steps = [
            PlannedStep(
                does="see that it is stopped and not changed, resume reconciliation"
                + (", unless stopped as planned" if leave_stopped else ""),
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
                PlannedStep(
                    does="put back as it was", objects=tuple(str(w) for w in cluster.writers)
                )
            )
        return PlannedPhase(
            name=name,
            stage=BackupStage.RESTART,
            script="restart",
            values=self.values(
                RECOVER_RUN_ID=RUN if recovery else None,
                LEAVE_STOPPED="yes" if leave_stopped else None,
                READY_TIMEOUT=seconds,
            ),
            steps=tuple(steps),
            account=self.names.account,
        )

    def switch(self) -> PlannedPhase:
        """Wait until the time is over, and then bring everything back."""
        phase = self.restart("switch", self.limits.restart)
        return replace(phase, script="run-watchdog", account=self.names.switch)

    def stop_steps(self) -> list[PlannedStep]:
        """Return the steps of templates/scripts/lib/stop-kafka.sh, for people to read."""
        cluster = self.cluster
        steps = self._pause_steps()
        for workloads in (self.stopped_before_quorum(), cluster.quorum):
            if workloads:
                steps.append(
                    PlannedStep(
                        does=_stopping(workloads),
                        objects=tuple(_workload(workload) for workload in workloads),
                        until="their pods are gone",
                        seconds=self._stop_limit(workloads),
                    )
                )
        return steps

    def _pause_steps(self) -> list[PlannedStep]:
        cluster, limits = self.cluster, self.limits
        steps = [
            PlannedStep(
                does="pause reconciliation",
                objects=(str(cluster),),
                until="the operator acknowledges it",
                seconds=limits.pause,
            )
        ]
        if cluster.components:
            steps.append(
                PlannedStep(
                    does="delete",
                    objects=tuple(f"Deployment {name}" for name in cluster.components),
                    until="their pods are gone",
                    seconds=limits.components,
                )
            )
        return steps

    def _stop_kafka_values(self) -> dict[str, str | int | tuple[str, ...]]:
        """Return the values of templates/scripts/lib/stop-kafka.sh."""
        cluster, limits = self.cluster, self.limits
        return {
            "COMPONENTS": cluster.components,
            "BROKERS": self._names(self.stopped_before_quorum()),
            "QUORUM": self._names(cluster.quorum),
            "PAUSE_TIMEOUT": limits.pause,
            "COMPONENTS_TIMEOUT": limits.components,
            "BROKERS_TIMEOUT": self._stop_limit(self.stopped_before_quorum()),
            "QUORUM_TIMEOUT": self._stop_limit(cluster.quorum),
        }

    def stopped_before_quorum(self) -> tuple[Workload, ...]:
        """Workloads that stop before the metadata quorum does."""
        return self.cluster.nodes if self.cluster.zookeeper else self.cluster.broker_only

    def _workloads(self) -> tuple[Workload, ...]:
        """All workloads in the order in which they stop."""
        return self.stopped_before_quorum() + self.cluster.quorum

    def _stop_limit(self, workloads: tuple[Workload, ...]) -> int:
        return max((workload.grace_seconds for workload in workloads), default=0) + self.limits.stop

    def _node_kinds(self) -> str:
        kinds: set[str] = set()
        for workload in self._workloads():
            kinds.update(kind.value for kind in workload.kinds)
        return ",".join(sorted(kinds))

    def _ignored_clients(self) -> tuple[str, ...]:
        """Return `KIND/NAMESPACE/NAME` of the clients that running-clients.sh must leave alone."""
        cluster = self.cluster
        # The steps see pods of these namespaces only; in a fleet the others' clients are not known.
        namespaces = {cluster.namespace, *(writer.namespace for writer in cluster.writers)}
        return tuple(
            f"{client.kind}/{client.namespace}/{client.name}"
            for client in cluster.ignored_clients
            if client.kind in CLIENT_KINDS and client.namespace in namespaces
        )

    def _writer_values(self) -> dict[str, str | int | tuple[str, ...]]:
        """Return the values of the files that quiesce writers."""
        values: dict[str, str | int | tuple[str, ...]] = {
            "QUIESCE_BY": self.options.quiesce_by.value,
            "CLIENTS_TIMEOUT": self.limits.quiesce,
        }
        if self.options.quiesce_by is QuiesceMethod.PAUSE:
            values |= {"PAUSE_TIMEOUT": self.limits.pause, "CLIENT_WORKLOADS": self._writer_kinds()}
        return values

    def _writers(self) -> str:
        """`PLURAL/NAMESPACE/NAME/KIND/WORKLOAD` of each writer; a script adds the API version."""
        return " ".join(
            f"{w.resource.partition('.')[0]}/{w.namespace}/{w.name}/{w.kind}/{w.workload}"
            for w in self.cluster.writers
        )

    def _writer_kinds(self) -> str:
        """Return `KIND:RESOURCE,…` of the workloads of each kind of writer."""
        resources = {
            WorkloadKind.POD_SET: "strimzipodsets.core.strimzi.io",
            WorkloadKind.DEPLOYMENT: "deployments.apps",
        }
        clients: dict[str, set[WorkloadKind]] = {}
        for writer in self.cluster.writers:
            clients.setdefault(writer.kind, set()).update(writer.kinds)

        def list_resources(kinds: set[WorkloadKind]) -> str:
            return ",".join(resources[kind] for kind in resources if kind in kinds)

        return " ".join(
            f"{client}:{list_resources(kinds)}" for client, kinds in sorted(clients.items())
        )

    def _names(self, workloads: Iterable[Workload]) -> tuple[str, ...]:
        return tuple(workload.name for workload in workloads)

    def access_reviews(self, account: str) -> str:
        """Format the rights of an account for templates/scripts/lib/check-permissions.sh."""
        return " ".join(access_review_specs(self.rights[account]))

    def shared(self) -> dict[str, str]:
        """Return what every script gets, by name."""
        values: dict[str, str | int | tuple[str, ...]] = {
            "CLUSTER": self.cluster.name,
            "STATE_CONFIGMAP": self.names.record,
            "WATCHDOG": self.names.switch,
        }
        if not self.options.is_flush_only:
            values |= self._stop_values()
        if self.options.strategy is Strategy.ONLINE:
            values["ONLINE"] = "yes"
        return {key: _format_value(value) for key, value in values.items()}

    def _stop_values(self) -> dict[str, str | int | tuple[str, ...]]:
        cluster = self.cluster
        hot = self.options.strategy is Strategy.HOT
        return {
            **({} if hot else {"RESTART_AFTER": self.options.restart_after}),
            "CLIENTS": self._writers(),
            "IGNORED_CLIENTS": self._ignored_clients(),
            "POOLS": cluster.pools,
            "NODE_KINDS": self._node_kinds(),
            "ZOOKEEPER": self._names((cluster.zookeeper,) if cluster.zookeeper else ()),
            "KAFKA_NODES": self._names(cluster.nodes),
            **self._writer_values(),
            **self._stop_kafka_values(),
        }

    def values(self, **values: str | int | tuple[str, ...] | None) -> tuple[str, ...]:
        """Format the values of a phase other than the shared ones; None leaves one out."""
        return tuple(
            f"{key}={_format_value(value)}" for key, value in values.items() if value is not None
        )


def run_in_one_pod(name: str, *parts: PlannedPhase) -> PlannedPhase:
    """Return a phase whose pod runs others one after the other, as the account of the first."""
    values = dict.fromkeys(chain.from_iterable(part.values for part in parts))
    return PlannedPhase(
        name=name,
        stage=parts[0].stage,
        script="run-in-one-pod",
        values=("PARTS=" + " ".join(f"{part.name}:{part.script}" for part in parts), *values),
        steps=tuple(chain.from_iterable(part.steps for part in parts)),
        account=parts[0].account,
        outputs=tuple(chain.from_iterable(part.outputs for part in parts)),
        parts=parts,
    )


def _format_value(value: str | int | tuple[str, ...]) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _workload(workload: Workload) -> str:
    kinds = " or ".join(kind.value for kind in workload.kinds)
    return f"{kinds} {workload.name}"


def _stopping(workloads: tuple[Workload, ...]) -> str:
    kinds = set(chain.from_iterable(workload.kinds for workload in workloads))
    if kinds == {WorkloadKind.STATEFUL_SET}:
        return "scale to 0"
    return "delete" if kinds == {WorkloadKind.POD_SET} else "delete or scale to 0"
