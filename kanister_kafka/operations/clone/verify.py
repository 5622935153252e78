"""Whether a backup that was restored next to its source holds what it recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from importlib import resources

from kanister_kafka import constants
from kanister_kafka.errors import ActionError
from kanister_kafka.kube.client import PODS, KubeClient, Object
from kanister_kafka.kube.exec import exec_in_pod
from kanister_kafka.kube.objects import get_path, is_ready, name_of
from kanister_kafka.operations.broker_tools import REPLICATION_PORT, broker_script
from kanister_kafka.operations.clone.imports import NotRestorableError
from kanister_kafka.operations.clone.plan import ClonePlan
from kanister_kafka.operations.clone.runner import CloneRunner
from kanister_kafka.operations.clone.verification import (
    RecordsRead,
    RecordsResult,
    Verification,
    compare_offsets,
)
from kanister_kafka.operations.rehearsal.signals import SignalGuard
from kanister_kafka.strimzi.discovery import find_resource, is_broker_pod

SAMPLED_SEGMENTS = 2
"""The newest segments of each partition that a sample reads."""
LOOK_S = 120
RECORDS_S = 3600


class Verifier:
    """Looks at a restored copy that is Ready."""

    def __init__(self, connection: KubeClient, plan: ClonePlan, context: str = "") -> None:
        self._connection = connection
        self._plan = plan
        self._context = context
        self._target = plan.target

    def verify(self, read: RecordsRead, now: datetime) -> Verification:
        """Compare identity, partitions and offsets, and read records."""
        faults = list(self._identity())
        brokers = self._brokers()
        found = self._offsets(brokers[0])
        unavailable = self._run(brokers[0], "unavailable", LOOK_S)
        faults += [f"partition {line.replace(' ', '-')} has no leader" for line in unavailable]
        recorded = self._plan.backup.offsets
        differences, notes, compared = compare_offsets(recorded, found)
        faults += differences
        records = None
        if read is not RecordsRead.NONE:
            records = self._records(brokers, read)
            faults += [f"damaged: {replica}" for replica in records.damaged]
        return Verification(
            backup=self._plan.backup,
            target=self._target,
            time=now,
            faults=tuple(faults),
            notes=tuple(notes),
            partitions=len(found),
            compared=compared,
            records=records,
        )

    def _identity(self) -> Iterable[str]:
        kafkas = find_resource(self._connection, "Kafka")
        assert kafkas is not None  # noqa: S101 - the copy is one
        kafka = self._connection.get(kafkas, self._target.name, self._target.namespace)
        expected, found = self._plan.cluster_id, get_path(kafka, "status", "clusterId")
        if expected and found != expected:
            yield f"the cluster id is {found}, and that of the backup is {expected}"

    def _brokers(self) -> list[Object]:
        selector = f"{constants.CLUSTER_LABEL}={self._target.name}"
        pods = self._connection.items(PODS, self._target.namespace, selector)
        found = [pod for pod in pods if is_broker_pod(pod, self._target.name) and is_ready(pod)]
        expected = self._expected_brokers()
        if not found or len(found) != expected:
            raise ActionError(
                f"{len(found)} of {expected} brokers of Kafka {self._target} are Ready: their "
                "volumes cannot be read"
            )
        return sorted(found, key=name_of)

    def _expected_brokers(self) -> int:
        count = 0
        for pool in self._plan.pools:
            if "broker" in (pool["spec"].get("roles") or ()):
                count += int(pool["spec"].get("replicas") or 0)
        return count or int(self._plan.kafka["spec"]["kafka"].get("replicas") or 0)

    def _offsets(self, broker: Object) -> dict[tuple[str, int], tuple[int, int]]:
        earliest: dict[tuple[str, int], int] = {}
        latest: dict[tuple[str, int], int] = {}
        for line in self._run(broker, "offsets", 2 * LOOK_S):
            which, _, rest = line.partition(" ")
            topic, partition, offset = rest.rsplit(":", 2)
            into = earliest if which == "earliest" else latest
            into[topic, int(partition)] = int(offset)
        return {key: (earliest.get(key, 0), end) for key, end in latest.items()}

    def _records(self, brokers: Iterable[Object], read: RecordsRead) -> RecordsResult:
        batches = records = 0
        damaged = []
        count = SAMPLED_SEGMENTS if read is RecordsRead.SAMPLE else 0
        for broker in brokers:
            for line in self._run(broker, "records", RECORDS_S, str(count)):
                name, *numbers = line.split(" ")
                checked, counted, broken, trailing = map(int, numbers)
                batches += checked
                records += counted
                if broken or trailing:
                    damaged.append(
                        f"{name} on {name_of(broker)}: {broken} batches with a wrong checksum, "
                        f"{trailing} bytes that are not a batch"
                    )
        return RecordsResult(batches, records, tuple(damaged))

    def _run(self, broker: Object, what: str, seconds: int, *more: str) -> list[str]:
        """Return the lines of verify.sh; ActionError if it did not come to its end."""
        pod, home = name_of(broker), self._target.namespace
        address = f"{self._target.name}-kafka-brokers.{home}.svc:{REPLICATION_PORT}"
        script = broker_script(resources.files(__package__).joinpath("verify.sh").read_text())
        done = exec_in_pod(
            pod,
            home,
            ("bash", "-c", script, "verify", what, address, str(seconds), *more),
            context=self._context,
            container="kafka",
            seconds=seconds + 60,
        )
        lines = done.output.splitlines()
        if done.code != 0 or not lines or lines[-1] != "end":
            reason = " ".join(done.errors.split())[-300:] or "no output"
            raise ActionError(f"pod {pod}: cannot read {what}: {reason}")
        return lines[:-1]


def run_verification(
    runner: CloneRunner,
    verifier: Verifier,
    read: RecordsRead,
    *,
    timeout: float,
    now: Callable[[], datetime],
    on_result: Callable[[Verification], None],
    on_pending: Callable[[str], None],
) -> list[str]:
    """Make a copy, look at it and remove it, also after any failure; return what is left.

    `on_result` is called before the removal, which can fail; `on_pending` gets a line if a signal
    has to wait for the removal. Raises ActionError if the copy cannot be made for a reason that
    is not of the backup, and KeyboardInterrupt for a signal, both after the removal.
    """
    plan = runner.plan
    with SignalGuard(on_pending, "the copy is removed first") as guard:
        try:
            try:
                runner.create()
                runner.start(timeout)
                runner.report("comparing partitions, offsets and records with the backup")
                result = verifier.verify(read, now())
            except NotRestorableError as failure:
                result = Verification(
                    backup=plan.backup,
                    target=plan.target,
                    time=now(),
                    faults=(str(failure),),
                    started=False,
                )
            on_result(result)
        finally:
            guard.shield()
            left = runner.remover.remove()
            for text in left:
                runner.report(f"FAILED: not removed: {text}")
    return left
