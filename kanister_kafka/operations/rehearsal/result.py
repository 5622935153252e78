"""From everything that was seen to the rehearsal that is reported; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
