"""From everything that was seen to the rehearsal that is reported; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kanister_kafka.operations.rehearsal.canary import RATE, partitions, replication
from kanister_kafka.operations.rehearsal.canary_metrics import (
    CanaryLog,
    client_outage,
    lost,
    partition_gaps,
    per_second,
    pods_outage,
)
from kanister_kafka.operations.rehearsal.context import RehearsalContext
from kanister_kafka.operations.rehearsal.model import (
    CanaryResult,
    OutageResult,
    PodTimeline,
    Rehearsal,
    RehearsalStage,
    VolumeSnapshot,
)
from kanister_kafka.operations.rehearsal.recovery_monitor import SERVED


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalData:
    """Everything that was seen; times are seconds since it began."""

    setting: RehearsalContext
    began: datetime
    seconds: float
    stages: tuple[RehearsalStage, ...]
    tracks: tuple[PodTimeline, ...]
    snapshots: tuple[VolumeSnapshot, ...]
    action_sets: tuple[str, ...]
    hearing: CanaryLog | None
    stopped_at: float | None
    restart_at: float | None
    failures: tuple[str, ...]
    changed: tuple[str, ...]


def build_rehearsal(found: RehearsalData) -> Rehearsal:
    """Measure what was found."""
    setting = found.setting
    probe, times = _probe(found)
    outage: OutageResult | None = None
    failures = list(found.failures)
    if found.stopped_at is not None:
        outage = pods_outage(found.tracks)
        if times:
            served = found.restart_at is None or max(times) > found.restart_at
            outage = client_outage(times, found.stopped_at, served=served)
    if probe is not None and probe.lost is None:
        failures.append("whether a record was lost could not be found out")
    elif probe is not None and probe.lost:
        failures.append(f"{probe.lost} acknowledged records were lost")
    return Rehearsal(
        id=setting.id,
        namespace=setting.target.namespace,
        cluster=setting.target.name,
        blueprint=setting.blueprint.name,
        kasten_namespace=setting.blueprint.namespace,
        began=found.began,
        seconds=found.seconds,
        versions=setting.versions,
        stages=tuple(
            sorted(
                (_exact(stage, times) for stage in found.stages),
                key=lambda stage: (stage.start, stage.end or found.seconds),
            )
        ),
        pods=found.tracks,
        snapshots=found.snapshots,
        action_sets=found.action_sets,
        writers=tuple(str(writer) for writer in setting.writers),
        probe=probe,
        outage=outage,
        failure="; ".join(failures),
        changed=found.changed,
    )


def _exact(stage: RehearsalStage, times: Sequence[float]) -> RehearsalStage:
    """Let the clients be served when they were by all that was heard: the clock is known better."""
    if stage.name != SERVED:
        return stage
    return replace(stage, end=next((at for at in times if at > stage.start), stage.end))


def _probe(found: RehearsalData) -> tuple[CanaryResult | None, list[float]]:
    hearing, setting = found.hearing, found.setting
    if hearing is None or setting.listener is None:
        return None, []
    if not hearing.acks:
        return None, []
    shift = hearing.clock - found.began.timestamp()
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
        gaps=partition_gaps(acks, found.stopped_at or 0.0) if found.stopped_at else (),
        clock=hearing.clock,
    )
    return probe, times
