"""Makes a copy of a Kafka in another namespace, and waits until it is Ready.

Nothing in the namespace of the backup is written.
"""

from __future__ import annotations

from collections.abc import Callable

from kanister_kafka import constants
from kanister_kafka.errors import ActionError, KanisterKafkaError
from kanister_kafka.kube.client import NAMESPACES, SNAPSHOT_CONTENTS, SNAPSHOTS, KubeClient, Object
from kanister_kafka.kube.objects import (
    annotation,
    condition,
    delete_if_present,
    get_path,
    is_ready,
    is_reconciled,
    is_true,
    join_limited,
    name_of,
    title,
)
from kanister_kafka.kube.pods import container_statuses, wait_reason
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock, poll
from kanister_kafka.operations.clone.imports import JobRunner, NotRestorableError, VolumeImports
from kanister_kafka.operations.clone.plan import ClonePlan, Report
from kanister_kafka.operations.clone.remover import INTERVAL, CloneRemover
from kanister_kafka.operations.live_kafka import LiveKafka, strimzi_resource
from kanister_kafka.strimzi.discovery import desired_replicas

PAUSED_S = 420
"""Seconds until the operator has acknowledged the pause. It looks at a Kafka of a name that was
deleted a short time ago only when its reconciliation of that one times out, by default after 300 s.
"""
SNAPSHOTS_S = 300
STATUS_S = 60
IMPORT_INTERVAL = 10
STAYS = 3
"""Looks at which the ids must be in the statuses: the operator may write an older one back."""
HOPELESS = ("InvalidResourceException", "UnsupportedKafkaVersionException")
"""Reasons of the operator that do not go away by themselves."""
PAUSED = "ReconciliationPaused"
OUT_OF_MEMORY = "OOMKilled"
"""Reason of the kubelet."""


class CloneRunner:
    """One copy."""

    def __init__(
        self, connection: KubeClient, plan: ClonePlan, report: Report, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._connection = connection
        self.plan = plan
        self.report = report
        self.remover = CloneRemover(
            connection, plan.target, plan.identity, report, clock, has_jobs=bool(plan.jobs)
        )
        self._clock = clock
        self._namespace = plan.target.namespace
        self._kafka = LiveKafka(connection, plan.target)
        self._kafka.resource()  # without Strimzi nothing is begun
        self.created_namespace = False
        self._jobs: JobRunner | None = None
        self._evidence = False
        """Whether the last look has shown that the backup is at fault."""

    def create(self) -> None:
        """Make every object; the Kafka stays paused until its ids are in the statuses.

        Raises NotRestorableError if the volumes cannot be restored, else ActionError.
        The objects that exist by then stay, until `CloneRemover.remove`.
        """
        connection, plan = self._connection, self.plan
        if connection.find(NAMESPACES, self._namespace) is None:
            self.created_namespace = True
            self.report(f"creating namespace {self._namespace}")
            connection.create(plan.namespace)
        self._try_all()
        what = "Secrets, node pools and the paused Kafka"
        self.report(f"creating {'the network policy, ' if plan.policies else ''}{what}")
        for item in (*plan.policies, *plan.secrets, *plan.pools, plan.kafka):
            connection.create(item)
        self._wait_paused()
        if plan.imports is None:
            self.report(f"creating {len(plan.snapshots)} snapshots from those of the backup")
            for item in plan.contents + plan.snapshots:
                connection.create(item)
            self._wait(self._snapshots_missing, SNAPSHOTS_S, "the snapshots are not ready to use")
        self.report(f"creating {len(plan.claims)} claims")
        for item in plan.claims:
            connection.create(item)
        if plan.imports is not None:
            self._import_volumes(plan.imports)
        if plan.cluster_id:
            self.report("writing cluster id and node ids into the statuses")
            self._write_ids()
        for item in plan.later:
            connection.create(item)

    def _import_volumes(self, imports: VolumeImports) -> None:
        plan = self.plan
        for item in plan.import_secrets:
            self._connection.create(item)
        jobs = self._jobs = JobRunner(
            self._connection, imports, plan.jobs, plan.target, plan.identity, self._clock
        )
        self.report(f"restoring the volumes from {imports.repository.url}")
        fault = f"the volumes are not restored within {imports.timeout} s"
        self._wait(jobs.missing, imports.timeout, fault, interval=IMPORT_INTERVAL)
        for text in jobs.finish():
            self.report(f"FAILED: not removed: {text}")

    def start(self, timeout: float) -> None:
        """End the pause, and wait until the Kafka is Ready.

        Raises NotRestorableError if a node fails, else ActionError.
        """
        self.report(f"starting Kafka {self.plan.target}")
        self._kafka.patch({"metadata": {"annotations": {constants.PAUSE_RECONCILIATION: None}}})
        fault = f"Kafka {self.plan.target} is not Ready"
        self._wait(self._not_ready, timeout, fault)

    def remove_snapshots(self) -> None:
        """Delete the snapshots of the copy, which its volumes no longer need."""
        for item in self.plan.snapshots:
            delete_if_present(self._connection, SNAPSHOTS, name_of(item), self._namespace)
        for item in self.plan.contents:
            delete_if_present(self._connection, SNAPSHOT_CONTENTS, name_of(item))

    @property
    def filled_claims(self) -> tuple[str, ...]:
        """Claims that have the content of the store. To fill them may have taken hours."""
        return self._jobs.filled_claims if self._jobs else ()

    @property
    def _replicas(self) -> int:
        return sum(desired_replicas(self.plan.kafka, self.plan.pools).values())

    def _try_all(self) -> None:
        """Let the API server judge every object before the first one is made."""
        faults = []
        for item in self.plan.objects:
            try:
                self._connection.create(item, dry_run=True)
            except KanisterKafkaError as failure:
                text = title(item) if item["kind"] == "Secret" else f"{title(item)}: {failure}"
                faults.append(f"{text} is refused" if item["kind"] == "Secret" else text)
        if faults:
            raise ActionError(f"nothing was restored: {join_limited(faults)}")

    def _wait_paused(self) -> None:
        def missing() -> str:
            acknowledged = is_true(self._kafka.get(), PAUSED)
            return "" if acknowledged else "the operator has not acknowledged the pause yet"

        self._wait(
            missing,
            PAUSED_S,
            f"the Strimzi operator does not look at namespace {self._namespace}: let it watch that "
            "namespace (STRIMZI_NAMESPACE), or restore into one that it watches",
        )

    def _snapshots_missing(self) -> str:
        unready = []
        selector = f"{constants.CLONE}={self.plan.identity}"
        live = {
            name_of(item): item
            for item in self._connection.items(SNAPSHOTS, self._namespace, selector)
        }
        for item in self.plan.snapshots:
            status = live.get(name_of(item), {})
            if get_path(status, "status", "readyToUse") is not True:
                reason = str(get_path(status, "status", "error", "message") or "")
                self._evidence |= bool(reason)
                unready.append(
                    f"{name_of(item)} is not ready to use" + (f" ({reason})" * bool(reason))
                )
        return join_limited(unready)

    def _write_ids(self) -> None:
        """Write the ids until they stay: a reconciliation that began before may write old ones."""
        stable_looks = 0

        def missing() -> str:
            nonlocal stable_looks
            different = self._write_different_ids()
            stable_looks = 0 if different else stable_looks + 1
            return "" if stable_looks >= STAYS else different or "waiting until the ids stay"

        self._wait(missing, STATUS_S, "cluster id and node ids do not stay in the statuses")

    def _write_different_ids(self) -> str:
        plan, connection = self.plan, self._connection
        different = []
        for pool in plan.pools:
            pools, name = strimzi_resource(connection, "KafkaNodePool"), name_of(pool)
            status = {"clusterId": plan.cluster_id, "nodeIds": list(plan.node_ids[name])}
            live = connection.get(pools, name, self._namespace)
            if any(get_path(live, "status", key) != value for key, value in status.items()):
                different.append(f"KafkaNodePool {name}")
                change = {"status": {**status, "roles": pool["spec"].get("roles")}}
                connection.patch(pools, name, self._namespace, change, subresource="status")
        if get_path(self._kafka.get(), "status", "clusterId") != plan.cluster_id:
            different.append(f"Kafka {plan.target.name}")
            self._kafka.patch({"status": {"clusterId": plan.cluster_id}}, subresource="status")
        return join_limited(different)

    def _not_ready(self) -> str:
        kafka = self._kafka.get()
        not_ready = condition(kafka, "NotReady")
        if not_ready.get("reason") in HOPELESS:
            raise ActionError(f"Kafka {self.plan.target} cannot start: {not_ready.get('message')}")
        pods = self._kafka.nodes()
        ready = sum(map(is_ready, pods))
        if is_reconciled(kafka) and not annotation(kafka, constants.PAUSE_RECONCILIATION):
            return ""
        self._evidence = any(map(_has_failed, pods))
        waits = [f"{name_of(pod)}: {why}" for pod in pods if str(why := wait_reason(pod))]
        more = f"; {join_limited(waits, 2)}" if waits else ""
        return f"{ready} of {self._replicas} nodes are Ready{more}"

    def _wait(
        self, missing: Callable[[], str], timeout: float, fault: str, *, interval: float = INTERVAL
    ) -> None:
        """Wait until nothing is missing; report each change.

        When the time is over, NotRestorableError if something has shown that the backup is at
        fault, else ActionError: the backup is not at fault if the cluster has no room.
        """
        last = ""
        self._evidence = False

        def look() -> bool:
            nonlocal last
            text = missing()
            if text and text != last:
                self.report(text)
            last = text
            return not text

        if not poll(look, timeout=timeout, interval=interval, clock=self._clock):
            error = NotRestorableError if self._evidence else ActionError
            raise error(f"{fault}: {last or 'the API server did not answer'}")


def _has_failed(pod: Object) -> bool:
    """Return whether a container of a pod has ended, except because of too little memory."""
    for status in container_statuses(pod):
        ends = [get_path(status, state, "terminated") for state in ("state", "lastState")]
        # The backup is not at fault if a node has too little memory.
        if any(end and end.get("reason") != OUT_OF_MEMORY for end in ends):
            return True
    return False
