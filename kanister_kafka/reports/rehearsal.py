"""A rehearsal as text for people and JSON for machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from kanister_kafka.durations import format_seconds
from kanister_kafka.operations.action_follower import resume_command, status_command
from kanister_kafka.reports.change_request import (
    ChangeRequest,
    ReportTable,
    change_request_markdown,
)
from kanister_kafka.reports.text import escape_control_chars, format_json
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.timestamps import format_timestamp

if TYPE_CHECKING:
    from kanister_kafka.operations.rehearsal.model import (
        CanaryResult,
        OutageResult,
        PodTimeline,
        Rehearsal,
        RehearsalStage,
        VolumeSnapshot,
    )

WIDTH = 40
"""Characters of the bars."""
NOT_CLIENTS = "estimated from the pods, not measured by a client"


def verdict(rehearsal: Rehearsal) -> str:
    """Return in one sentence how it went."""
    if rehearsal.passed:
        lost = "no acknowledged record was lost and " if rehearsal.probe else ""
        return f"passed: {lost}everything is as it was found"
    reasons = (rehearsal.failure, *rehearsal.changed)
    return f"FAILED: {'; '.join(reason for reason in reasons if reason)}"


def next_steps(rehearsal: Rehearsal) -> tuple[str, ...]:
    """Return what to do after a failure; a line that begins with two spaces is a command."""
    if rehearsal.passed:
        return ()
    target = KafkaRef(rehearsal.namespace, rehearsal.cluster)
    here = f"{rehearsal.cluster} -n {rehearsal.namespace}"
    steps = ["See whether Kafka runs, and what is left to undo:", f"  {status_command(target)}"]
    if rehearsal.changed or (rehearsal.outage and rehearsal.outage.end is None):
        steps += [
            "If it does not run, or is still paused, restart it:",
            f"  {resume_command(target)}",
        ]
    if rehearsal.probe and rehearsal.probe.lost:
        steps.append(
            "Rely on no backup of this Kafka until you know why acknowledged records are missing: "
            "compare min.insync.replicas and unclean.leader.election.enable with the needs of "
            "the topics, and read the logs of the brokers from the stop on."
        )
    steps += [
        "Remove the cause that is named above, and see whether a backup would work:",
        f"  kanister-kafka check {here}",
        "Then rehearse again:",
        f"  kanister-kafka rehearse {here}",
    ]
    return tuple(steps)


def outage_text(rehearsal: Rehearsal) -> str:
    """Return the outage and its source."""
    outage = rehearsal.outage
    if outage is None:
        return "none was measured"
    by = "" if rehearsal.probe else f" ({NOT_CLIENTS})"
    if outage.end is None:
        return f"from {format_timestamp(rehearsal.at(outage.start))}, and not over{by}"
    start, end = (
        format_timestamp(rehearsal.at(outage.start)),
        format_timestamp(rehearsal.at(outage.end)),
    )
    return f"{format_seconds(outage.seconds)}, {start} to {end}{by}"


def records_text(probe: CanaryResult) -> str:
    """Return what became of the records of the probe."""
    lost = "unknown" if probe.lost is None else str(probe.lost)
    return f"{probe.acked} acknowledged, {probe.read} read back, lost: {lost}"


def versions_text(rehearsal: Rehearsal) -> str:
    """Return what took part."""
    of = rehearsal.versions
    named = (("Kafka", of.kafka), ("Strimzi", of.strimzi), ("Kubernetes", of.kubernetes))
    known = [f"{name} {version}" for name, version in named if version]
    known.append(f"kanister-kafka {of.tool}")
    return ", ".join(known)


def rehearsal_text(rehearsal: Rehearsal) -> str:
    """Return what was measured as a table with bars, after the figures that matter most."""
    kafka = f"{rehearsal.namespace}/{rehearsal.cluster}"
    facts = [
        ("Rehearsal", f"{rehearsal.id} of Kafka {kafka}, Blueprint {rehearsal.blueprint}"),
        ("Began", f"{format_timestamp(rehearsal.began)}, took {format_seconds(rehearsal.seconds)}"),
        ("Versions", versions_text(rehearsal)),
        ("Outage", outage_text(rehearsal)),
    ]
    if rehearsal.probe:
        facts.append(("Records", records_text(rehearsal.probe)))
        worst = max(rehearsal.probe.gaps, key=lambda gap: gap.seconds, default=None)
        if worst is not None:
            gap = f"partition {worst.partition} for {format_seconds(worst.seconds)}"
            facts.append(("Longest", f"{gap} without an acknowledged record"))
    facts.append(("Verdict", verdict(rehearsal)))
    head = "".join(f"{name + ':':10} {escape_control_chars(text)}\n" for name, text in facts)
    after = "".join(f"{escape_control_chars(line)}\n" for line in next_steps(rehearsal))
    rows = _table(tuple(_rows(rehearsal)), rehearsal.seconds)
    return f"{head}\n{rows}" + (f"\n{after}" if after else "")


def rehearsal_markdown(rehearsal: Rehearsal) -> str:
    """Return Markdown for a change request: the verdict, figures, and what to do next."""
    facts = [f"Outage: {outage_text(rehearsal)}."]
    if rehearsal.probe:
        facts.append(f"Records: {records_text(rehearsal.probe)}.")
    stages = [
        (s.name, _does(s), f"+{format_seconds(s.start)}", format_seconds(s.seconds))
        for s in rehearsal.stages
    ]
    return change_request_markdown(
        ChangeRequest(
            kicker="Rehearsal of a cold backup",
            title=f"Kafka {rehearsal.namespace}/{rehearsal.cluster}",
            verdict=verdict(rehearsal),
            is_good=rehearsal.passed,
            facts=tuple(facts),
            next=next_steps(rehearsal),
            tables=(ReportTable("Stages", ("Stage", "What", "Start", "Took"), stages),),
            foot=", ".join(
                (format_timestamp(rehearsal.began), versions_text(rehearsal), rehearsal.id)
            ),
        )
    )


RehearsalRow = tuple[str, float, float | None, str, str]
"""Name, start, end, the sign of its bar, and what it is."""


def _rows(rehearsal: Rehearsal) -> Iterator[RehearsalRow]:
    outage = rehearsal.outage
    rows: list[RehearsalRow] = [(s.name, s.start, s.end, "#", _does(s)) for s in rehearsal.stages]
    if outage is not None:
        by = "nothing could be written" if rehearsal.probe else NOT_CLIENTS
        rows.append(("OUTAGE", outage.start, outage.end, "x", by))
    yield from sorted(rows, key=lambda row: row[1])


def _does(stage: RehearsalStage) -> str:
    return f"{stage.does} (FAILED)" if stage.failed else stage.does


def _table(rows: tuple[RehearsalRow, ...], whole: float) -> str:
    width = max((len(row[0]) for row in rows), default=5)
    lines = [f"{'STAGE':{width}}   {'START':>9} {'TOOK':>9}  |{'TIME':{WIDTH}}|  WHAT"]
    for name, start, end, sign, does in rows:
        took = format_seconds(None if end is None else end - start)
        bar = _bar(start, whole if end is None else end, whole, sign)
        at = f"+{format_seconds(start)}"
        lines.append(f"{name:{width}}   {at:>9} {took:>9}  |{bar}|  {does}")
    return "".join(f"{escape_control_chars(line.rstrip())}\n" for line in lines)


def _bar(start: float, end: float, whole: float, sign: str) -> str:
    """Return a bar from start to end on a scale of the whole; the shortest has one sign."""
    if whole <= 0:
        return " " * WIDTH
    first = min(WIDTH - 1, int(start / whole * WIDTH))
    last = max(first + 1, min(WIDTH, round(end / whole * WIDTH)))
    return f"{' ' * first}{sign * (last - first)}{' ' * (WIDTH - last)}"


def rehearsal_json(rehearsal: Rehearsal) -> str:
    """Return everything that was measured; times as ISO 8601, durations as seconds."""

    def when(seconds: float | None) -> str | None:
        return None if seconds is None else format_timestamp(rehearsal.at(seconds))

    def stage(of: RehearsalStage) -> dict[str, object]:
        return {
            "name": of.name,
            "does": of.does,
            "start": when(of.start),
            "end": when(of.end),
            "seconds": _round(of.seconds),
            "failed": of.failed,
        }

    def snapshot(of: VolumeSnapshot) -> dict[str, object]:
        return {
            "name": of.name,
            "claim": of.claim,
            "class": of.snapshot_class,
            "driver": of.driver,
            "made": when(of.made),
            "cut": when(of.cut),
            "ready": when(of.ready),
            "creationTime": of.creation_time or None,
        }

    def outage(of: OutageResult) -> dict[str, object]:
        return {
            "start": when(of.start),
            "end": when(of.end),
            "seconds": _round(of.seconds),
            "source": of.source.value,
        }

    def probe(of: CanaryResult) -> dict[str, object]:
        return {
            "topic": of.topic,
            "partitions": of.partitions,
            "replication": of.replication,
            "bootstrapServers": of.servers,
            "recordsPerSecond": of.rate,
            "acknowledged": of.acked,
            "notAcknowledged": of.failed,
            "readBack": of.read,
            "lost": of.lost,
            "first": when(of.first),
            "last": when(of.last),
            "clockDifferenceSeconds": _round(of.clock),
            "gaps": [
                {
                    "partition": gap.partition,
                    "start": when(gap.start),
                    "end": when(gap.end),
                    "seconds": _round(gap.seconds),
                }
                for gap in of.gaps
            ],
            "perSecond": [{"second": at, "acknowledged": number} for at, number in of.counts],
        }

    def pod(of: PodTimeline) -> dict[str, object]:
        return {
            "name": of.name,
            "broker": of.broker,
            "states": [
                {"state": span.state.value, "start": when(span.start), "end": when(span.end)}
                for span in of.spans
            ],
        }

    tree = {
        "id": rehearsal.id,
        "passed": rehearsal.passed,
        "verdict": verdict(rehearsal),
        "failure": rehearsal.failure,
        "changed": list(rehearsal.changed),
        "next": [line.strip() for line in next_steps(rehearsal)],
        "cluster": {"namespace": rehearsal.namespace, "name": rehearsal.cluster},
        "blueprint": {"namespace": rehearsal.kasten_namespace, "name": rehearsal.blueprint},
        "versions": {
            "kafka": rehearsal.versions.kafka,
            "strimzi": rehearsal.versions.strimzi,
            "kubernetes": rehearsal.versions.kubernetes,
            "kanisterKafka": rehearsal.versions.tool,
        },
        "start": when(0),
        "end": when(rehearsal.seconds),
        "seconds": _round(rehearsal.seconds),
        "outage": outage(rehearsal.outage) if rehearsal.outage else None,
        "probe": probe(rehearsal.probe) if rehearsal.probe else None,
        "stages": [stage(one) for one in rehearsal.stages],
        "snapshots": [snapshot(one) for one in rehearsal.snapshots],
        "pods": [pod(one) for one in rehearsal.pods],
        "writers": list(rehearsal.writers),
        "actionSets": list(rehearsal.action_sets),
    }
    return format_json(tree)


def _round(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


REHEARSAL_FORMATS: dict[str, Callable[[Rehearsal], str]] = {
    "text": rehearsal_text,
    "json": rehearsal_json,
    "markdown": rehearsal_markdown,
}
