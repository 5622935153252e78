"""Whether a backup that was restored next to its source holds what it recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from kanister_kafka.errors import ActionError
from kanister_kafka.kube.client import KubeClient, Object
from kanister_kafka.kube.objects import get_path, join_limited
from kanister_kafka.operations.clone.broker_reads import BrokerReader
from kanister_kafka.operations.clone.comparison import (
    RestoredOffsets,
    compare_offsets,
    compare_with_source,
)
from kanister_kafka.operations.clone.imports import NotRestorableError
from kanister_kafka.operations.clone.plan import ClonePlan
from kanister_kafka.operations.clone.remover import end_command, removal_commands
from kanister_kafka.operations.clone.runner import CloneRunner
from kanister_kafka.operations.clone.verification import RecordsRead, RecordsResult, Verification
from kanister_kafka.operations.live_kafka import LiveKafka
from kanister_kafka.processes import SignalGuard

NOT_CONSISTENT = (
    "consistency: the strategy of the backup is {}, by which nothing shows that all partitions end "
    "at one moment"
)
SAMPLED_SEGMENTS = 2
"""The newest segments of each partition that a sample reads."""


class Verifier:
    """Looks at a restored copy that is Ready."""

    def __init__(
        self,
        connection: KubeClient,
        plan: ClonePlan,
        context: str = "",
        *,
        source: BrokerReader | None = None,
    ) -> None:
        self._connection = connection
        self._plan = plan
        self._target = plan.target
        self._reader = BrokerReader(connection, plan.target, context)
        self._source = source

    def verify(self, read: RecordsRead, now: datetime) -> Verification:
        """Compare identity, partitions and offsets, and read records."""
        faults = list(self._identity())
        brokers = self._brokers()
        restored = self._reader.offsets(brokers[0])
        without_leader = self._reader.without_leader(brokers[0])
        faults += [f"partition {partition} has no leader" for partition in without_leader]
        backup = self._plan.backup
        offsets = compare_offsets(backup.offsets, restored, backup.topics)
        faults += offsets.faults
        notes, unverified = list(offsets.notes), list(offsets.unverified)
        if not backup.is_consistent:
            unverified.append(NOT_CONSISTENT.format(backup.strategy))
        records = None
        if read is not RecordsRead.NONE:
            records = self._records(brokers, read, restored)
            faults += [f"damaged: {replica}" for replica in records.damaged]
            if records.unread:
                unverified.append(f"no record was read of: {join_limited(records.unread)}")
        source = None
        if self._source is not None:
            source = compare_with_source(self._source, self._reader, backup.offsets, restored, read)
            faults += source.differences
            notes += source.notes
            if source.earlier:
                unverified.append(
                    "the source still has records before the first one of the copy: "
                    f"{join_limited(source.earlier)}"
                )
        return Verification(
            backup=backup,
            target=self._target,
            time=now,
            faults=tuple(faults),
            notes=tuple(notes),
            unverified=tuple(unverified),
            partitions=len(restored),
            compared=offsets.compared,
            records=records,
            source=source,
            repository=_repository(self._plan),
        )

    def _identity(self) -> Iterable[str]:
        kafka = LiveKafka(self._connection, self._target).get()
        expected, actual = self._plan.cluster_id, get_path(kafka, "status", "clusterId")
        if expected and actual != expected:
            yield f"the cluster id is {actual}, and that of the backup is {expected}"

    def _brokers(self) -> list[Object]:
        brokers, expected = self._reader.brokers(), self._expected_brokers()
        if not brokers or len(brokers) != expected:
            raise ActionError(
                f"{len(brokers)} of {expected} brokers of Kafka {self._target} are Ready: their "
                "volumes cannot be read"
            )
        return brokers

    def _expected_brokers(self) -> int:
        count = 0
        for pool in self._plan.pools:
            if "broker" in (pool["spec"].get("roles") or ()):
                count += int(pool["spec"].get("replicas") or 0)
        return count or int(self._plan.kafka["spec"]["kafka"].get("replicas") or 0)

    def _records(
        self, brokers: Iterable[Object], read: RecordsRead, restored: RestoredOffsets
    ) -> RecordsResult:
        batches = records = 0
        damaged = []
        expected = {
            f"{topic}-{number}"
            for (topic, number), (first, end) in restored.items()
            if first != end
        }
        count = SAMPLED_SEGMENTS if read is RecordsRead.SAMPLE else 0
        for replica in self._reader.records(brokers, count):
            batches += replica.batches
            records += replica.records
            if replica.batches:
                expected.discard(replica.partition)
            if replica.broken or replica.trailing:
                damaged.append(
                    f"{replica.partition} on {replica.broker}: {replica.broken} batches with a "
                    f"wrong checksum, {replica.trailing} bytes that are not a batch"
                )
        return RecordsResult(batches, records, tuple(damaged), tuple(sorted(expected)))


def run_verification(
    runner: CloneRunner,
    verifier: Verifier,
    read: RecordsRead,
    *,
    timeout: float,
    context: str = "",
    now: Callable[[], datetime],
    on_result: Callable[[Verification], None],
    on_pending: Callable[[str], None],
) -> list[str]:
    """Make a copy, look at it and remove it, also after any failure; return what is left.

    `on_result` is called before the removal, which can fail; `on_pending` gets a line if a signal
    has to wait for the removal. Raises ActionError if the copy cannot be made for a reason that
    is not of the backup, and KeyboardInterrupt for a signal, both after the removal; ActionError
    for a signal too if something could not be removed.
    """
    plan = runner.plan
    is_interrupted = False
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
                    repository=_repository(plan),
                )
            on_result(result)
        except KeyboardInterrupt:
            is_interrupted = True
        finally:
            guard.shield()
            left = runner.remover.remove()
            for text in left:
                runner.report(f"FAILED: not removed: {text}")
            if left:
                _report_removal(runner, now(), context)
    if is_interrupted and left:
        raise ActionError(f"interrupted, and not removed: {', '.join(left)}")
    if is_interrupted:
        raise KeyboardInterrupt
    return left


def _report_removal(runner: CloneRunner, now: datetime, context: str) -> None:
    """Mark what is left for the next verification, and report how it is removed."""
    plan, has_namespace = runner.plan, runner.created_namespace
    if runner.remover.mark_ended(now):
        runner.report("the next verification of this Kafka removes it. To remove it now:")
    else:
        runner.report("the next verification of this Kafka removes it after this command:")
        runner.report(
            end_command(
                plan.target, plan.identity, now, has_namespace=has_namespace, context=context
            )
        )
        runner.report("to remove it now:")
    for line in removal_commands(plan, has_namespace=has_namespace, context=context):
        runner.report(line)


def _repository(plan: ClonePlan) -> str:
    return plan.imports.repository.url if plan.imports else ""
