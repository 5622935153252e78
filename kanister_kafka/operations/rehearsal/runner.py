"""The whole cycle: stop, snapshots, restart, everything removed again, and its result."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from kanister_kafka.errors import KanisterKafkaError
from kanister_kafka.kube.client import PODS, KubeClient
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock, retry
from kanister_kafka.operations.action_follower import resume_command
from kanister_kafka.operations.events import ActionResult
from kanister_kafka.operations.rehearsal.action_runner import ActionRunner, check_action_result
from kanister_kafka.operations.rehearsal.canary import (
    RATE,
    Canary,
    CanaryLog,
    client_outage,
    lost,
    partition_gaps,
    partitions,
    per_second,
    pods_outage,
    replication,
)
from kanister_kafka.operations.rehearsal.context import (
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
from kanister_kafka.operations.rehearsal.signals import SignalGuard
from kanister_kafka.operations.volume_snapshots import VolumeSnapshotter

# Whether everything is as it was found.


def state_differences(connection: KubeClient, setting: RehearsalContext) -> tuple[str, ...]:
    """Return how the cluster differs from how it was found; empty if it does not."""
    before, target = setting.before, setting.target
    now = setting.read_state(connection)
    differences = []
    if now.paused:
        differences.append(f"Kafka {target} is paused")
    if before.ready and not now.ready:
        differences.append(f"Kafka {target} is not Ready")
    if now.armed and not before.armed:
        differences.append("the watchdog is still armed")
    if now.state != before.state and not now.settled:
        differences.append(f"the record of backups has state {now.state}")
    if missing := sorted({*before.nodes} - {*now.nodes}):
        differences.append(f"not Ready any more: {', '.join(missing)}")
    if now.claims != before.claims:
        differences.append("its claims are not the same ones")
    if before.cluster_id and now.cluster_id and now.cluster_id != before.cluster_id:
        differences.append(f"its cluster id is {now.cluster_id} and was {before.cluster_id}")
    for was in setting.writers:
        is_now = read_client(connection, was.kind, was.namespace, was.name)
        if is_now.replicas != was.replicas:
            differences.append(f"{was} has spec.replicas {is_now.replicas} and had {was.replicas}")
        elif was.ready and not is_now.ready:
            differences.append(f"{was} is not Ready")
    label = f"{LABEL}={setting.id}"
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
PROBE, PREFLIGHT = "probe", "preflight"
CUT, READY = "snapshots cut", "snapshots ready"
READ, CLEAN = "read back", "clean up"


def run_rehearsal(
    connection: KubeClient,
    setting: RehearsalContext,
    tell: OnProgress,
    *,
    fit: CheckPreconditions = check_preconditions,
    clock: Clock = SYSTEM_CLOCK,
) -> Rehearsal:
    """Run the cycle and return the measurements; Kafka is brought back in any case.

    `fit` raises ActionError if the cluster must not be touched, and that is passed on. All that
    fails later is in the result, with the objects that could not be put back.
    """
    return _Runner(connection, setting, tell, clock).run(fit)


class _Runner:
    def __init__(
        self, connection: KubeClient, setting: RehearsalContext, tell: OnProgress, clock: Clock
    ) -> None:
        self.connection = connection
        self.setting = setting
        self._tell_out = tell
        self.clock = Stopwatch(clock)
        self.stages: dict[str, RehearsalStage] = {}
        self.failures: list[str] = []
        self.changed: list[str] = []
        target = setting.target
        self.acting = ActionRunner(connection, setting, self.clock, self.tell)
        self.snapshots = VolumeSnapshotter(
            connection, target.namespace, setting.name, setting.labels, self.clock, clock
        )
        self.probing: Canary | None = None
        self.stopped_at: float | None = None
        """When the stop was asked for; from then on Kafka has to be brought back."""
        self.restart_at: float | None = None
        self.away = False
        """Whether all went well up to the snapshots."""

    def run(self, fit: CheckPreconditions) -> Rehearsal:
        with self.stage(PREFLIGHT, "look whether it can work"):
            fit(self.connection, self.setting, self.tell)
        target = self.setting.target
        self.watch = PodWatcher(self.connection, target.namespace, target.name, self.clock)
        with SignalGuard(self.tell) as interrupts:
            try:
                self._away()
            except KanisterKafkaError as failure:
                self._fail(str(failure))
            except KeyboardInterrupt:
                self._fail(INTERRUPTED)
            finally:  # also after an error of our own making: Kafka must not stay down for it
                interrupts.shield()
                try:
                    if self.stopped_at is not None:
                        self._tried(self._bring_back)
                finally:
                    self._clean_up()
        return build_rehearsal(
            setting=self.setting,
            began=self.clock.began,
            seconds=self.clock(),
            stages=tuple({**self.stages, **self._phases()}.values()),
            tracks=self.watch.tracks(),
            snapshots=tuple(self.snapshots.snapshots.values()),
            action_sets=tuple(self.acting.names.values()),
            hearing=self.probing.hearing if self.probing else None,
            stopped_at=self.stopped_at,
            restart_at=self.restart_at,
            failures=tuple(dict.fromkeys(self.failures)),
            changed=tuple(self.changed),
        )

    def _fail(self, reason: str) -> None:
        self.failures.append(reason)
        self.tell(f"FAILED: {reason}")

    def _away(self) -> None:
        """Everything up to the snapshots."""
        setting = self.setting
        if setting.listener is not None:
            self.probing = Canary(self.connection, setting, self.clock)
            with self.stage(PROBE, "start a client that writes all the time"):
                self.probing.start()
        self.stopped_at = self.clock()
        check_action_result(self.acting.follow(self.acting.begin(STOP), timeout=self.timeout), STOP)
        began = self.clock()
        try:
            self.tell(f"snapshots: {len(setting.claims)} at once")
            self.snapshots.make(setting.claims)
            self.snapshots.wait(self.timeout)
        finally:
            self._snapshot_stages(began)
        self.away = True

    def _bring_back(self) -> None:
        """Restart, and wait until all is as before; the outage ends long before that."""
        over, again = None, self.away or not self._ended_by_itself()
        self.restart_at = self.clock()
        returning = RecoveryMonitor(
            self.connection, self.setting, self.clock, self.watch, self.probing, self.tell
        )
        try:
            if again:
                over = self.acting.follow(
                    self.acting.begin(RESTART), returning.see, timeout=self.timeout
                )
            failed = over is not None and over.end is not ActionResult.DONE
            returning.wait(LATE if failed else self.timeout)
        finally:
            self.stages.update(returning.stages)
        if over is not None:
            check_action_result(over, RESTART)

    def _ended_by_itself(self) -> bool:
        """Wait for a stop that was not followed to its end; return whether it has undone itself."""
        watched = self.acting.find(STOP)
        if watched is None:  # it was never created
            return True
        if not watched.action_set.ended:
            self.tell(f"waiting for {STOP} to end before Kafka is brought back")
            self.acting.follow(watched, timeout=self.timeout)
        now = self.setting.read_state(self.connection)
        return now.settled and set(self.setting.before.nodes) <= set(now.nodes)

    def _clean_up(self) -> None:
        """Remove all that was made, and report the objects that cannot be removed."""
        if self.probing is not None:
            with self.stage(READ, "compare with the acknowledged records"):
                self._remove(self.probing.end)
        self.watch.close()
        with self.stage(CLEAN, "delete all that was made"):
            self._remove(partial(self.snapshots.delete, CLEANING))
            if self.acting.names or self.stopped_at is not None:
                self._remove(self.acting.delete)
        self._tried(self._compare)

    def _remove(self, remove: Callable[[], tuple[str, ...]]) -> None:
        def keep() -> None:
            self.changed += [f"left behind: {leftover}" for leftover in remove()]

        self._tried(keep)

    def _compare(self) -> None:
        found = state_differences(self.connection, self.setting)
        if found and self.stopped_at is not None:
            target = self.setting.target
            command = resume_command(target, self.setting.request.context)
            self.tell(f"KAFKA IS NOT AS IT WAS: {'; '.join(found)}. Run: {command}")
            found += (f"run: {command}",)
        self.changed += found

    def _tried(self, do: Callable[[], None]) -> None:
        """Do something that must not keep the rest from being done."""
        try:
            retry(do, RETRY_PAUSES, clock=self.clock.clock)
        except KanisterKafkaError as failure:
            self._fail(str(failure))

    @property
    def timeout(self) -> float:
        return float(self.setting.request.timeout)

    def _snapshot_stages(self, began: float) -> None:
        taken = tuple(self.snapshots.snapshots.values())
        for name, does, times in (
            (CUT, "every claim is cut", [one.cut for one in taken]),
            (READY, "every snapshot can be used", [one.ready for one in taken]),
        ):
            known = [at for at in times if at is not None]
            failed = not known or len(known) < len(times)
            end = self.clock() if failed else max(known)
            self.stages[name] = RehearsalStage(
                name=name, does=does, start=began, end=end, failed=failed
            )
            self.tell(f"{name}: {'given up ' if failed else ''}after {end - began:.1f}s")

    @contextlib.contextmanager
    def stage(self, name: str, does: str) -> Iterator[None]:
        start, done = self.clock(), False
        self.tell(f"{name}: begun")
        try:
            yield
            done = True
        finally:
            end = self.clock()
            self.stages[name] = RehearsalStage(
                name=name, does=does, start=start, end=end, failed=not done
            )
            self.tell(f"{name}: {'done' if done else 'ended'} after {end - start:.1f}s")

    def tell(self, text: str) -> None:
        with contextlib.suppress(OSError):  # a terminal that was closed must not end the cycle
            self._tell_out(self.clock(), text)

    def _phases(self) -> dict[str, RehearsalStage]:
        """Return those of the stop; that of the restart ends when the writers are released."""
        return {name: one for name, one in self.acting.stages.items() if name != "restart"}


# From everything that was seen to the rehearsal that is reported; pure.


def build_rehearsal(
    *,
    setting: RehearsalContext,
    began: datetime,
    seconds: float,
    stages: Sequence[RehearsalStage],
    tracks: tuple[PodTimeline, ...],
    snapshots: tuple[VolumeSnapshot, ...],
    action_sets: tuple[str, ...],
    hearing: CanaryLog | None,
    stopped_at: float | None,
    restart_at: float | None,
    failures: Sequence[str],
    changed: tuple[str, ...],
) -> Rehearsal:
    """Measure what was seen; times are seconds since it began."""
    probe, times = _probe(setting, hearing, began, stopped_at)
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
        id=setting.id,
        namespace=setting.target.namespace,
        cluster=setting.target.name,
        blueprint=setting.blueprint.name,
        kasten_namespace=setting.blueprint.namespace,
        began=began,
        seconds=seconds,
        versions=setting.versions,
        stages=tuple(
            sorted(
                (_exact(stage, times) for stage in stages),
                key=lambda stage: (stage.start, stage.end or seconds),
            )
        ),
        pods=tracks,
        snapshots=snapshots,
        action_sets=action_sets,
        writers=tuple(str(writer) for writer in setting.writers),
        probe=probe,
        outage=outage,
        failure="; ".join(reasons),
        changed=changed,
    )


def _exact(stage: RehearsalStage, times: Sequence[float]) -> RehearsalStage:
    """Let the clients be served when they were by all that was heard: the clock is known better."""
    if stage.name != SERVED:
        return stage
    return replace(stage, end=next((at for at in times if at > stage.start), stage.end))


def _probe(
    setting: RehearsalContext, hearing: CanaryLog | None, began: datetime, stopped_at: float | None
) -> tuple[CanaryResult | None, list[float]]:
    if hearing is None or setting.listener is None:
        return None, []
    if not hearing.acks:
        return None, []
    shift = hearing.clock - began.timestamp()
    acks = [(ack.partition, ack.at + shift) for ack in hearing.acks.values()]
    times = sorted(at for _partition, at in acks)
    probe = CanaryResult(
        topic=setting.name,
        partitions=partitions(setting.brokers),
        replication=replication(setting.brokers),
        servers=setting.listener.servers,
        rate=RATE,
        acked=len(hearing.acks),
        failed=len(hearing.failed),
        read=len(hearing.kept),
        lost=lost(hearing),
        first=times[0],
        last=times[-1],
        counts=per_second(times),
        gaps=partition_gaps(acks, stopped_at or 0.0) if stopped_at else (),
        clock=hearing.clock,
    )
    return probe, times
