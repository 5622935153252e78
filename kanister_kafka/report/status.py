"""The state of a Kafka as text for people and JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone

from kanister_kafka.options import duration
from kanister_kafka.report.columns import hung, table
from kanister_kafka.report.words import count, printable
from kanister_kafka.run.actionset import ActionSet
from kanister_kafka.run.sighting import Happening, Workload, Writer
from kanister_kafka.run.status import Arm, Status, moment
from kanister_kafka.strimzi.retention import Held

FACTS = {
    "clusterId": "cluster id",
    "kafkaVersion": "Kafka version",
    "operatorLastSuccessfulVersion": "operator version",
}


def status_text(status: Status, now: datetime, width: int = 0) -> str:
    """Return headline, facts, remarks, events and what to do next.

    With a width, in places of a terminal, long texts are broken into lines; commands never are.
    """
    seen = status.sighting
    lines = hung("", printable(status.headline), width)
    for remark in status.remarks:
        lines += hung("! ", printable(remark), width)
    rows = [("since", _aged(status.since, now)), *_run(status, now), *_recorded(status)]
    rows += [("nodes", str(workload)) for workload in seen.workloads]
    rows += [("writer", _writer(writer)) for writer in seen.writers]
    rows += [("task", f"pod {t.pod}, phase {t.phase}") for t in seen.tasks if t.phase]
    rows += [("switch", _switch(status, now)), ("not seen", "; ".join(seen.unseen))]
    rows += [("event", _event(happening, now)) for happening in seen.happenings]
    rows = [(key, value) for key, value in rows if value]
    keys = max((len(key) for key, _ in rows), default=0)
    above = ""
    for key, value in rows:
        start = f"  {'' if key == above else key:{keys}}  "
        lines += hung(start, printable(value), width)
        above = key
    lines += ["", *status.next]
    return "".join(f"{printable(line)}\n" for line in lines)


def _run(status: Status, now: datetime) -> list[tuple[str, str]]:
    rows = []
    if status.run:
        action = (status.sighting.record or {}).get("action", "")
        by = f" by {action}" if action else ""
        rows.append(("stopped", f"{by.strip() or 'by the run'} begun {_aged(status.run, now)}"))
    if found := status.action_set:
        phase = f", in phase {found.running.name}" if found.running else ""
        state = found.state.value or "not taken up"
        rows.append(("ActionSet", f"{found.namespace}/{found.name}: {found.action} {state}{phase}"))
    return rows


def _recorded(status: Status) -> list[tuple[str, str]]:
    record = status.sighting.record or {}
    rows = [(word, record.get(key, "")) for key, word in FACTS.items()]
    pools = (key for key in sorted(record) if key.startswith("nodeIds."))
    ids = "; ".join(f"{key.partition('.')[2]} {record[key]}" for key in pools)
    ended = record.get("endedBy", "") if record.get("state") == "running" else ""
    return [
        *rows,
        ("node ids", ids),
        ("brought back", f"by {ended}" if ended and status.runs else ""),
        ("last failure", record.get("failure", "")),
    ]


def _writer(writer: Writer) -> str:
    replicas = "default" if writer.replicas is None else str(writer.replicas)
    words = [f"{writer}: {replicas} replicas"]
    if writer.replicas_before:
        words.append(f"{writer.replicas_before} before the backup")
    if writer.paused:
        words.append("paused by a backup" if writer.pause_before else "paused by somebody else")
    return ", ".join(words)


def _switch(status: Status, now: datetime) -> str:
    kafka = status.sighting.kafka
    until = kafka.restart_by if kafka else ""
    words = {
        Arm.ABSENT: "there is none",
        Arm.IDLE: "not armed",
        Arm.ARMED: "armed",
        Arm.STARTING: "armed, but its pod is not Ready",
    }[status.arm]
    return f"{words}, brings it back at {_aged(until, now)}" if until else words


def _event(happening: Happening, now: datetime) -> str:
    times = f" (x{happening.count})" if happening.count > 1 else ""
    what = f"{happening.kind} {happening.reason}{times}"
    return f"{_aged(happening.at, now)} {what}: {happening.message}"


def _aged(text: str, now: datetime) -> str:
    """Return a time with its distance from now: `2026-01-02T03:04:05Z (4m5s ago)`."""
    at = moment(text)
    if at is None:
        return text
    seconds = int((now - at).total_seconds())
    away = f"{duration(seconds)} ago" if seconds >= 0 else f"in {duration(-seconds)}"
    return f"{at:%Y-%m-%dT%H:%M:%SZ} ({away})"


def status_json(status: Status, now: datetime) -> str:
    """Return the state as one JSON object; `now` is in it, for ages."""
    seen, kafka = status.sighting, status.sighting.kafka
    tree = {
        "namespace": seen.target.namespace,
        "name": seen.target.name,
        "at": f"{now.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        "state": status.condition.value,
        "runs": status.runs,
        "headline": status.headline,
        "since": status.since or None,
        "run": status.run or None,
        "actionSet": _action_set(status.action_set),
        "kafka": kafka
        and {
            "ready": kafka.ready,
            "notReady": kafka.why_not or None,
            "paused": kafka.paused,
            "pauseAcknowledged": kafka.acknowledged,
            "pauseBefore": kafka.pause_before or None,
            "retentionHeld": _held(kafka.held),
        },
        "nodes": [_workload(workload) for workload in seen.workloads],
        "writers": [_writer_tree(writer) for writer in seen.writers],
        "tasks": [{"pod": t.pod, "phase": t.phase} for t in seen.tasks if t.phase],
        "switch": {
            "state": status.arm.value,
            "restartBy": (kafka and kafka.restart_by) or None,
        },
        "record": seen.record,
        "blueprint": seen.blueprint or None,
        "remarks": list(status.remarks),
        "notSeen": list(seen.unseen),
        "events": [
            {
                "at": e.at,
                "type": e.kind,
                "reason": e.reason,
                "message": e.message,
                "count": e.count,
            }
            for e in seen.happenings
        ],
        "next": [line.strip() for line in status.next],
    }
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def _held(found: Held | None) -> dict[str, object] | None:
    if found is None:
        return None
    return {
        "since": found.since or None,
        "retention": found.retention or None,
        "backup": found.backup or None,
        "holds": found.holds,
        "changed": list(found.changed),
    }


def _action_set(found: ActionSet | None) -> dict[str, object] | None:
    if found is None:
        return None
    return {
        "namespace": found.namespace,
        "name": found.name,
        "action": found.action,
        "state": found.state.value or None,
        "phase": found.running.name if found.running else None,
        "created": found.created,
    }


def _workload(workload: Workload) -> dict[str, object]:
    return {
        "name": workload.name,
        "expected": workload.expected,
        "there": workload.there,
        "ready": workload.ready,
        "replicasBefore": workload.replicas_before or None,
    }


def _writer_tree(writer: Writer) -> dict[str, object]:
    return {
        "kind": writer.kind,
        "namespace": writer.namespace,
        "name": writer.name,
        "replicas": writer.replicas,
        "paused": writer.paused,
        "replicasBefore": writer.replicas_before or None,
        "pauseBefore": writer.pause_before or None,
    }


def statuses_text(statuses: Sequence[Status], width: int = 0) -> str:
    """Return how many Kafkas run, and a line for each: where it is, and how it is."""
    running = sum(status.runs for status in statuses)
    head = f"{running} of {count(len(statuses), 'Kafka')} run as they should\n\n"
    rows = [
        (str(status.sighting.target), printable(status.headline.removesuffix(".")))
        for status in statuses
    ]
    return head + table(("KAFKA", "STATE"), rows, width)


def statuses_json(statuses: Sequence[Status], now: datetime) -> str:
    """Return them as one JSON list of what `status_json` has of each."""
    trees = [json.loads(status_json(status, now)) for status in statuses]
    return json.dumps(trees, indent=2, ensure_ascii=False) + "\n"
