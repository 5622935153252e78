"""The state of a Kafka as text for people and JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from kanister_kafka.durations import format_duration
from kanister_kafka.operations.actionset import ActionSet
from kanister_kafka.operations.observed_state import (
    KafkaEvent,
    ObservedClient,
    ObservedCluster,
    WorkloadState,
)
from kanister_kafka.operations.status import ClusterStatus, WatchdogCondition
from kanister_kafka.reports.text import count_noun, escape_control_chars, format_json, hung, table
from kanister_kafka.strimzi.retention import HeldRetention
from kanister_kafka.timestamps import format_second, parse_timestamp

FACTS = {
    "clusterId": "cluster id",
    "kafkaVersion": "Kafka version",
    "operatorLastSuccessfulVersion": "operator version",
}


def status_text(status: ClusterStatus, now: datetime, width: int = 0) -> str:
    """Return headline, facts, remarks, events and what to do next.

    With a width, in places of a terminal, long texts are broken into lines; commands never are.
    """
    cluster = status.observed
    lines = hung("", escape_control_chars(status.headline), width)
    for remark in status.remarks:
        lines += hung("! ", escape_control_chars(remark), width)
    rows = [("since", _aged(status.since, now))] + _run(status, now) + _recorded(status)
    rows += [("nodes", _nodes(workload, cluster)) for workload in cluster.workloads]
    rows += [("writer", _writer(writer)) for writer in cluster.writers]
    rows += [("task", f"pod {t.pod}, phase {t.phase}") for t in cluster.tasks if t.phase]
    rows += [("watchdog", _watchdog(status, now)), ("not seen", "; ".join(cluster.unreadable))]
    rows += [("event", _event(event, now)) for event in cluster.events]
    rows = [(key, value) for key, value in rows if value]
    keys = max((len(key) for key, _ in rows), default=0)
    above = ""
    for key, value in rows:
        start = f"  {'' if key == above else key:{keys}}  "
        lines += hung(start, escape_control_chars(value), width)
        above = key
    lines.append("")
    lines += status.next
    return "".join(f"{escape_control_chars(line)}\n" for line in lines)


def _run(status: ClusterStatus, now: datetime) -> list[tuple[str, str]]:
    rows = []
    if status.run:
        action = (status.observed.record or {}).get("action", "")
        by = f" by {action}" if action else ""
        rows.append(("stopped", f"{by.strip() or 'by the run'} begun {_aged(status.run, now)}"))
    if action_set := status.action_set:
        phase = f", in phase {action_set.running.name}" if action_set.running else ""
        state = action_set.state.value or "not taken up"
        rows.append(
            (
                "ActionSet",
                f"{action_set.namespace}/{action_set.name}: {action_set.action} {state}{phase}",
            )
        )
    return rows


def _recorded(status: ClusterStatus) -> list[tuple[str, str]]:
    record = status.observed.record or {}
    rows = [(word, record.get(key, "")) for key, word in FACTS.items()]
    pools = (key for key in sorted(record) if key.startswith("nodeIds."))
    ids = "; ".join(f"{key.partition('.')[2]} {record[key]}" for key in pools)
    ended = record.get("endedBy", "") if record.get("state") == "running" else ""
    rows.append(("node ids", ids))
    rows.append(("restarted", f"by {ended}" if ended and status.runs else ""))
    rows.append(("last failure", record.get("failure", "")))
    return rows


def _nodes(workload: WorkloadState, cluster: ObservedCluster) -> str:
    if cluster.pods_known:
        return str(workload)
    return f"{workload.name} {workload.expected} expected"


def _writer(writer: ObservedClient) -> str:
    replicas = "default" if writer.replicas is None else str(writer.replicas)
    words = [f"{writer}: {replicas} replicas"]
    if writer.replicas_before:
        words.append(f"{writer.replicas_before} before the backup")
    if writer.paused:
        words.append("paused by a backup" if writer.pause_before else "paused by another client")
    return ", ".join(words)


def _watchdog(status: ClusterStatus, now: datetime) -> str:
    kafka = status.observed.kafka
    until = kafka.restart_by if kafka else ""
    words = {
        WatchdogCondition.ABSENT: "there is none",
        WatchdogCondition.IDLE: "not armed",
        WatchdogCondition.ARMED: "armed",
        WatchdogCondition.STARTING: "armed, but its pod is not Ready",
    }[status.arm]
    return f"{words}, restarts it at {_aged(until, now)}" if until else words


def _event(event: KafkaEvent, now: datetime) -> str:
    times = f" (x{event.count})" if event.count > 1 else ""
    what = f"{event.kind} {event.reason}{times}"
    return f"{_aged(event.at, now)} {what}: {event.message}"


def _aged(text: str, now: datetime) -> str:
    """Return a time with its distance from now: `2026-01-02T03:04:05Z (4m5s ago)`."""
    at = parse_timestamp(text)
    if at is None:
        return text
    seconds = int((now - at).total_seconds())
    away = f"{format_duration(seconds)} ago" if seconds >= 0 else f"in {format_duration(-seconds)}"
    return f"{format_second(at)} ({away})"


def status_json(status: ClusterStatus, now: datetime) -> str:
    """Return the state as one JSON object; `now` is in it, for ages."""
    cluster, kafka = status.observed, status.observed.kafka
    tree = {
        "namespace": cluster.target.namespace,
        "name": cluster.target.name,
        "at": format_second(now),
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
            "retentionHeld": _held(kafka.held_retention),
        },
        "nodes": [_workload(workload, cluster) for workload in cluster.workloads],
        "writers": [_writer_tree(writer) for writer in cluster.writers],
        "tasks": [{"pod": t.pod, "phase": t.phase} for t in cluster.tasks if t.phase],
        "switch": {"state": status.arm.value, "restartBy": (kafka and kafka.restart_by) or None},
        "record": cluster.record,
        "blueprint": cluster.blueprint or None,
        "remarks": list(status.remarks),
        "notSeen": list(cluster.unreadable),
        "events": [
            {"at": e.at, "type": e.kind, "reason": e.reason, "message": e.message, "count": e.count}
            for e in cluster.events
        ],
        "next": [line.strip() for line in status.next],
    }
    return format_json(tree)


def _held(hold: HeldRetention | None) -> dict[str, object] | None:
    if hold is None:
        return None
    return {
        "since": hold.since or None,
        "retention": hold.retention or None,
        "backup": hold.backup or None,
        "holds": hold.holds,
        "changed": list(hold.changed),
    }


def _action_set(action_set: ActionSet | None) -> dict[str, object] | None:
    if action_set is None:
        return None
    return {
        "namespace": action_set.namespace,
        "name": action_set.name,
        "action": action_set.action,
        "state": action_set.state.value or None,
        "phase": action_set.running.name if action_set.running else None,
        "created": action_set.created,
    }


def _workload(workload: WorkloadState, cluster: ObservedCluster) -> dict[str, object]:
    return {
        "name": workload.name,
        "expected": workload.expected,
        "there": workload.pods if cluster.pods_known else None,
        "ready": workload.ready if cluster.pods_known else None,
        "replicasBefore": workload.replicas_before or None,
    }


def _writer_tree(writer: ObservedClient) -> dict[str, object]:
    return {
        "kind": writer.kind,
        "namespace": writer.namespace,
        "name": writer.name,
        "replicas": writer.replicas,
        "paused": writer.paused,
        "replicasBefore": writer.replicas_before or None,
        "pauseBefore": writer.pause_before or None,
    }


def statuses_text(statuses: Sequence[ClusterStatus], width: int = 0, *, unclear: int = 0) -> str:
    """Return how many Kafkas run, and a line for each: its namespace, name and state.

    `unclear` is the number of Kafkas that could not be read.
    """
    running = sum(status.runs for status in statuses)
    every = count_noun(len(statuses) + unclear, "Kafka")
    head = f"{running} of {every} run as they should\n\n"
    rows = [
        (str(status.observed.target), escape_control_chars(status.headline.removesuffix(".")))
        for status in statuses
    ]
    return head + table(("KAFKA", "STATE"), rows, width)


def statuses_json(statuses: Sequence[ClusterStatus], now: datetime) -> str:
    """Return them as one JSON list with the result of `status_json` for each."""
    trees = [json.loads(status_json(status, now)) for status in statuses]
    return format_json(trees)
