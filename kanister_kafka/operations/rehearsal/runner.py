"""The whole cycle: stop, snapshots, restart, everything removed again, and its result."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import count

from kanister_kafka.constants import BackupState
from kanister_kafka.errors import KanisterKafkaError
from kanister_kafka.kube.client import PODS, KubeClient
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock, poll, retry
from kanister_kafka.operations.action_follower import resume_command
from kanister_kafka.operations.events import ActionResult
from kanister_kafka.operations.rehearsal.action_runner import ActionRunner, check_action_result
from kanister_kafka.operations.rehearsal.canary import (
    RATE,
    Canary,
    CanaryLog,
    client_outage,
    count_lost,
    partition_gaps,
    partitions,
    per_second,
    pods_outage,
    replication,
)
from kanister_kafka.operations.rehearsal.context import (
    KAFKA_FIRST,
    LABEL,
    RESTART,
    STOP,
    RehearsalContext,
    Stopwatch,
    check_preconditions,
    read_client,
)
from kanister_kafka.operations.rehearsal.model import (
    INTERRUPTED,
    CanaryResult,
    OutageResult,
    PodTimeline,
    Rehearsal,
    RehearsalStage,
    VolumeSnapshot,
)
from kanister_kafka.operations.rehearsal.recovery_monitor import SERVED, PodWatcher, RecoveryMonitor
from kanister_kafka.operations.volume_snapshots import VolumeSnapshotter
from kanister_kafka.processes import SignalGuard

# Whether everything is as it was found.


def state_differences(connection: KubeClient, context: RehearsalContext) -> tuple[str, ...]:
    """Return how the cluster differs from how it was found; empty if it does not."""
    before, target = context.before, context.target
    now = context.read_state(connection)
    differences = []
    if now.paused:
        differences.append(f"Kafka {target} is paused")
    if before.ready and not now.ready:
        differences.append(f"Kafka {target} is not Ready")
    if now.armed and not before.armed:
        differences.append("the watchdog is still armed")
    if now.state != before.state and not now.settled:
        differences.append(f"the state ConfigMap has state {now.state}")
    if missing := sorted({*before.nodes} - {*now.nodes}):
        differences.append(f"not Ready any more: {', '.join(missing)}")
    if now.claims != before.claims:
        differences.append("its claims are not the same ones")
    if before.cluster_id and now.cluster_id and now.cluster_id != before.cluster_id:
        differences.append(f"its cluster id is {now.cluster_id} and was {before.cluster_id}")
    for writer in context.writers:
        current = read_client(connection, writer.kind, writer.namespace, writer.name)
        if current.replicas != writer.replicas:
            differences.append(
                f"{writer} has spec.replicas {current.replicas} and had {writer.replicas}"
            )
        elif writer.ready and not current.ready:
            differences.append(f"{writer} is not Ready")
    label = f"{LABEL}={context.id}"
    pods = connection.items(PODS, target.namespace, label)
    differences += (f"Pod {target.namespace}/{pod['metadata']['name']} is there" for pod in pods)
    return tuple(differences)


OnProgress = Callable[[float, str], None]
"""Elapsed seconds, and a line."""
CheckPreconditions = Callable[[KubeClient, RehearsalContext, Callable[[str], None]], None]
RETRY_PAUSES = (0.5, 0.5)
CLEANING = 120
"""Seconds until deleted objects are gone."""
LATE = 60
"""Seconds for Kafka to be back even if the restart has failed."""
NOTICED = 30
"""Seconds in which the watchdog notices that the stop has failed; it looks every ten."""
PROBE, PREFLIGHT = "probe", "preflight"
CUT, READY = "snapshots cut", "snapshots ready"
READ, CLEAN = "read back", "clean up"


def run_rehearsal(
    connection: KubeClient,
    context: RehearsalContext,
    on_progress: OnProgress,
    *,
    check: CheckPreconditions = check_preconditions,
    clock: Clock = SYSTEM_CLOCK,
) -> Rehearsal:
    """Run the cycle and return the measurements; Kafka is brought back in any case.

    `check` raises ActionError if the cluster must not be touched, and that is passed on. All that
    fails later is in the result, with the objects that could not be put back.
    """
    return _Runner(connection, context, on_progress, clock).run(check)


class _Runner:
    def __init__(
        self,
        connection: KubeClient,
        context: RehearsalContext,
        on_progress: OnProgress,
        clock: Clock,
    ) -> None:
        self.connection = connection
        self.context = context
        self._on_progress = on_progress
        self.clock = Stopwatch(clock)
        self.stages: dict[str, RehearsalStage] = {}
        self.failures: list[str] = []
        self.changed: list[str] = []
        target = context.target
        self.actions = ActionRunner(connection, context, self.clock, self.report_progress)
        self.snapshots = VolumeSnapshotter(
            connection, target.namespace, context.name, context.labels, self.clock, clock
        )
        self.canary: Canary | None = None
        self.stopped_at: float | None = None
        """When the stop was asked for; from then on Kafka has to be brought back."""
        self.restart_at: float | None = None
        self.all_cut = False
        """Whether all went well up to the snapshots."""

    def run(self, check: CheckPreconditions) -> Rehearsal:
        with self.stage(PREFLIGHT, "look whether it can work"):
            check(self.connection, self.context, self.report_progress)
        target = self.context.target
        self.watch = PodWatcher(self.connection, target.namespace, target.name, self.clock)
        with SignalGuard(self.report_progress, KAFKA_FIRST) as interrupts:
            try:
                self._stop_and_snapshot()
            except KanisterKafkaError as failure:
                self._fail(str(failure))
            except KeyboardInterrupt:
                self._fail(INTERRUPTED)
            finally:  # also after an error of our own making: Kafka must not stay down for it
                interrupts.shield()
                try:
                    if self.stopped_at is not None:
                        self._try(self._restart)
                finally:
                    self._clean_up()
        return build_rehearsal(
            context=self.context,
            began=self.clock.began,
            seconds=self.clock(),
            stages=tuple({**self.stages, **self._phases()}.values()),
            tracks=self.watch.tracks(),
            snapshots=tuple(self.snapshots.snapshots.values()),
            action_sets=tuple(self.actions.names.values()),
            log=self.canary.log if self.canary else None,
            stopped_at=self.stopped_at,
            restart_at=self.restart_at,
            failures=tuple(dict.fromkeys(self.failures)),
            changed=tuple(self.changed),
        )

    def _fail(self, reason: str) -> None:
        self.failures.append(reason)
        self.report_progress(f"FAILED: {reason}")

    def _stop_and_snapshot(self) -> None:
        """Everything up to the snapshots."""
        context = self.context
        if context.listener is not None:
            self.canary = Canary(self.connection, context, self.clock)
            with self.stage(PROBE, "start a client that writes all the time"):
                self.canary.start()
        self.stopped_at = self.clock()
        check_action_result(
            self.actions.follow(self.actions.begin(STOP), timeout=self.timeout), STOP
        )
        began = self.clock()
        try:
            self.report_progress(f"snapshots: {len(context.claims)} at once")
            self.snapshots.make(context.claims)
            self.snapshots.wait(self.timeout)
        finally:
            self._snapshot_stages(began)
        self.all_cut = True

    def _restart(self) -> None:
        """Restart, and wait until all is as before; the outage ends long before that."""
        finished = None
        needs_restart = self.all_cut or not self._ended_by_itself()
        self.restart_at = self.clock()
        recovery = RecoveryMonitor(
            self.connection, self.context, self.clock, self.watch, self.canary, self.report_progress
        )
        try:
            if needs_restart:
                finished = self.actions.follow(
                    self.actions.begin(RESTART), recovery.look, timeout=self.timeout
                )
            failed = finished is not None and finished.end is not ActionResult.DONE
            recovery.wait(LATE if failed else self.timeout)
        finally:
            self.stages.update(recovery.stages)
        if finished is not None:
            check_action_result(finished, RESTART)

    def _ended_by_itself(self) -> bool:
        """Wait for a stop that was not followed to its end; return whether all is as before.

        After a failure the watchdog restarts Kafka. A post-hook would report that as an error.
        """
        followed = self.actions.find(STOP)
        if followed is None:  # it was never created
            return True
        if not followed.action_set.ended:
            self.report_progress(f"waiting for {STOP} to end before Kafka is brought back")
            self.actions.follow(followed, timeout=self.timeout)
        looks = count(1)
        is_back = False

        def is_decided() -> bool:
            nonlocal is_back
            now = self.context.read_state(self.connection)
            is_back = now.settled and set(self.context.before.nodes) <= set(now.nodes)
            is_starting = now.state == BackupState.RESTARTING.value
            return is_back or not now.armed or (next(looks) >= NOTICED and not is_starting)

        poll(is_decided, timeout=self.timeout, interval=1, clock=self.clock.clock)
        return is_back

    def _clean_up(self) -> None:
        """Remove all that was made, and report the objects that cannot be removed."""
        if self.canary is not None:
            with self.stage(READ, "compare with the acknowledged records"):
                self._remove(self.canary.end)
        self.watch.close()
        with self.stage(CLEAN, "delete all that was made"):
            self._remove(partial(self.snapshots.delete, CLEANING))
            if self.actions.names or self.stopped_at is not None:
                self._remove(self.actions.delete)
        self._try(self._compare)

    def _remove(self, remove: Callable[[], tuple[str, ...]]) -> None:
        def keep() -> None:
            self.changed += [f"left behind: {leftover}" for leftover in remove()]

        self._try(keep)

    def _compare(self) -> None:
        differences = state_differences(self.connection, self.context)
        if differences and self.stopped_at is not None:
            target = self.context.target
            command = resume_command(target, self.context.request.context)
            self.report_progress(
                f"KAFKA IS NOT AS IT WAS: {'; '.join(differences)}. Run: {command}"
            )
            differences += (f"run: {command}",)
        self.changed += differences

    def _try(self, do: Callable[[], None]) -> None:
        """Do something that must not keep the rest from being done."""
        try:
            retry(do, RETRY_PAUSES, clock=self.clock.clock)
        except KanisterKafkaError as failure:
            self._fail(str(failure))

    @property
    def timeout(self) -> float:
        return float(self.context.request.timeout)

    def _snapshot_stages(self, began: float) -> None:
        taken = tuple(self.snapshots.snapshots.values())
        for name, does, times in (
            (CUT, "every claim is cut", [snapshot.cut for snapshot in taken]),
            (READY, "every snapshot can be used", [snapshot.ready for snapshot in taken]),
        ):
            moments = [at for at in times if at is not None]
            failed = not moments or len(moments) < len(times)
            end = self.clock() if failed else max(moments)
            self.stages[name] = RehearsalStage(
                name=name, does=does, start=began, end=end, failed=failed
            )
            self.report_progress(f"{name}: {'given up ' if failed else ''}after {end - began:.1f}s")

    @contextlib.contextmanager
    def stage(self, name: str, does: str) -> Iterator[None]:
        start, ok = self.clock(), False
        self.report_progress(f"{name}: begun")
        try:
            yield
            ok = True
        finally:
            end = self.clock()
            self.stages[name] = RehearsalStage(
                name=name, does=does, start=start, end=end, failed=not ok
            )
            self.report_progress(f"{name}: {'done' if ok else 'ended'} after {end - start:.1f}s")

    def report_progress(self, text: str) -> None:
        with contextlib.suppress(OSError):  # a terminal that was closed must not end the cycle
            self._on_progress(self.clock(), text)

    def _phases(self) -> dict[str, RehearsalStage]:
        """Return those of the stop; that of the restart ends when the writers are released."""
        return {name: stage for name, stage in self.actions.stages.items() if name != "restart"}


# From everything that was seen to the rehearsal that is reported; pure.


def build_rehearsal(
    *,
    context: RehearsalContext,
    began: datetime,
    seconds: float,
    stages: Sequence[RehearsalStage],
    tracks: tuple[PodTimeline, ...],
    snapshots: tuple[VolumeSnapshot, ...],
    action_sets: tuple[str, ...],
    log: CanaryLog | None,
    stopped_at: float | None,
    restart_at: float | None,
    failures: Sequence[str],
    changed: tuple[str, ...],
) -> Rehearsal:
    """Measure what was seen; times are seconds since it began."""
    probe, times = _probe(context, log, began, stopped_at)
    outage: OutageResult | None = None
    reasons = list(failures)
    if stopped_at is not None:
        outage = pods_outage(tracks)
        if times:
            served = restart_at is None or max(times) > restart_at
            outage = client_outage(times, stopped_at, served=served)
    if probe is not None and probe.lost is None:
        reasons.append("whether a record was lost could not be found out")
    elif probe is not None and probe.lost:
        reasons.append(f"{probe.lost} acknowledged records were lost")
    return Rehearsal(
        id=context.id,
        namespace=context.target.namespace,
        cluster=context.target.name,
        blueprint=context.blueprint.name,
        kasten_namespace=context.blueprint.namespace,
        began=began,
        seconds=seconds,
        versions=context.versions,
        stages=tuple(
            sorted(
                (_exact(stage, times) for stage in stages),
                key=lambda stage: (stage.start, stage.end or seconds),
            )
        ),
        pods=tracks,
        snapshots=snapshots,
        action_sets=action_sets,
        writers=tuple(str(writer) for writer in context.writers),
        probe=probe,
        outage=outage,
        failure="; ".join(reasons),
        changed=changed,
    )


def _exact(stage: RehearsalStage, times: Sequence[float]) -> RehearsalStage:
    """Return when clients were served by all acknowledgements: the clock is known better now."""
    if stage.name != SERVED:
        return stage
    return replace(stage, end=next((at for at in times if at > stage.start), stage.end))


def _probe(
    context: RehearsalContext, log: CanaryLog | None, began: datetime, stopped_at: float | None
) -> tuple[CanaryResult | None, list[float]]:
    if log is None or context.listener is None or not log.acks:
        return None, []
    shift = log.clock - began.timestamp()
    acks = [(ack.partition, ack.at + shift) for ack in log.acks.values()]
    times = sorted(at for _partition, at in acks)
    probe = CanaryResult(
        topic=context.name,
        partitions=partitions(context.brokers),
        replication=replication(context.brokers),
        servers=context.listener.servers,
        rate=RATE,
        acked=len(log.acks),
        failed=len(log.failed),
        read=len(log.kept),
        lost=count_lost(log),
        first=times[0],
        last=times[-1],
        counts=per_second(times),
        gaps=partition_gaps(acks, stopped_at or 0.0) if stopped_at else (),
        clock=log.clock,
    )
    return probe, times
