"""The state of a Kafka as text for people and JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from textwrap import indent

from kanister_kafka.durations import format_duration
from kanister_kafka.integrations.preview.render import ActionPreview, PhasePreview
from kanister_kafka.kanister.function_catalog import functions
from kanister_kafka.kanister.function_types import NEWEST
from kanister_kafka.operations.actionset import ActionSet
from kanister_kafka.operations.observed_state import (
    KafkaEvent,
    ObservedClient,
    ObservedCluster,
    WorkloadState,
)
from kanister_kafka.operations.preflight import Checked, CheckLine, CheckStatus
from kanister_kafka.operations.status import ClusterStatus, WatchdogCondition
from kanister_kafka.reports.change_request import (
    ChangeRequest,
    ReportTable,
    change_request_html,
    change_request_markdown,
)
from kanister_kafka.reports.tables import hung, table
from kanister_kafka.reports.text import count_noun, escape_control_chars
from kanister_kafka.strimzi.retention import HeldRetention
from kanister_kafka.timestamps import format_second, parse_timestamp
from kanister_kafka.yamldoc.dumper import dump

FACTS = {
    "clusterId": "cluster id",
    "kafkaVersion": "Kafka version",
    "operatorLastSuccessfulVersion": "operator version",
}


def status_text(status: ClusterStatus, now: datetime, width: int = 0) -> str:
    """Return headline, facts, remarks, events and what to do next.

    With a width, in places of a terminal, long texts are broken into lines; commands never are.
    """
    seen = status.observed
    lines = hung("", escape_control_chars(status.headline), width)
    for remark in status.remarks:
        lines += hung("! ", escape_control_chars(remark), width)
    rows = [("since", _aged(status.since, now))] + _run(status, now) + _recorded(status)
    rows += [("nodes", _nodes(workload, seen)) for workload in seen.workloads]
    rows += [("writer", _writer(writer)) for writer in seen.writers]
    rows += [("task", f"pod {t.pod}, phase {t.phase}") for t in seen.tasks if t.phase]
    rows += [("switch", _switch(status, now)), ("not seen", "; ".join(seen.unreadable))]
    rows += [("event", _event(happening, now)) for happening in seen.happenings]
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
    if found := status.action_set:
        phase = f", in phase {found.running.name}" if found.running else ""
        state = found.state.value or "not taken up"
        rows.append(("ActionSet", f"{found.namespace}/{found.name}: {found.action} {state}{phase}"))
    return rows


def _recorded(status: ClusterStatus) -> list[tuple[str, str]]:
    record = status.observed.record or {}
    rows = [(word, record.get(key, "")) for key, word in FACTS.items()]
    pools = (key for key in sorted(record) if key.startswith("nodeIds."))
    ids = "; ".join(f"{key.partition('.')[2]} {record[key]}" for key in pools)
    ended = record.get("endedBy", "") if record.get("state") == "running" else ""
    rows.append(("node ids", ids))
    rows.append(("brought back", f"by {ended}" if ended and status.runs else ""))
    rows.append(("last failure", record.get("failure", "")))
    return rows


def _nodes(workload: WorkloadState, seen: ObservedCluster) -> str:
    if seen.pods_known:
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


def _switch(status: ClusterStatus, now: datetime) -> str:
    kafka = status.observed.kafka
    until = kafka.restart_by if kafka else ""
    words = {
        WatchdogCondition.ABSENT: "there is none",
        WatchdogCondition.IDLE: "not armed",
        WatchdogCondition.ARMED: "armed",
        WatchdogCondition.STARTING: "armed, but its pod is not Ready",
    }[status.arm]
    return f"{words}, brings it back at {_aged(until, now)}" if until else words


def _event(happening: KafkaEvent, now: datetime) -> str:
    times = f" (x{happening.count})" if happening.count > 1 else ""
    what = f"{happening.kind} {happening.reason}{times}"
    return f"{_aged(happening.at, now)} {what}: {happening.message}"


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
    seen, kafka = status.observed, status.observed.kafka
    tree = {
        "namespace": seen.target.namespace,
        "name": seen.target.name,
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
        "nodes": [_workload(workload, seen) for workload in seen.workloads],
        "writers": [_writer_tree(writer) for writer in seen.writers],
        "tasks": [{"pod": t.pod, "phase": t.phase} for t in seen.tasks if t.phase],
        "switch": {
            "state": status.arm.value,
            "restartBy": (kafka and kafka.restart_by) or None,
        },
        "record": seen.record,
        "blueprint": seen.blueprint or None,
        "remarks": list(status.remarks),
        "notSeen": list(seen.unreadable),
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


def _workload(workload: WorkloadState, seen: ObservedCluster) -> dict[str, object]:
    return {
        "name": workload.name,
        "expected": workload.expected,
        "there": workload.pods if seen.pods_known else None,
        "ready": workload.ready if seen.pods_known else None,
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
    return json.dumps(trees, indent=2, ensure_ascii=False) + "\n"


# The results of the preflight, as text for people and as the JSON of kanister-kafka.

WIDTH = max(len(level.value) for level in CheckStatus) + 2
KICKER = "Check before a backup"
Color = Callable[[CheckStatus], str]
"""Returns the word for a level; its text may have escapes of a terminal around it."""
VERDICTS = {
    CheckStatus.OK: "a backup would work, by all that can be seen",
    CheckStatus.WARNING: "a backup should work; look at the warnings first",
    CheckStatus.PROBLEM: "a backup would fail or do harm",
}


def preflight_text(lines: Sequence[CheckLine], color: Color | None = None, width: int = 0) -> str:
    """Return a summary and a line for each, aligned, with details and remedy below it.

    With a width, in places of a terminal, long texts are broken into lines; remedies never are.
    """
    head = "\n".join(hung("", _summary(lines), width))
    return f"{head}\n\n" + "".join(_text(line, color, width) for line in lines)


def preflight_json(lines: Sequence[CheckLine]) -> str:
    """Return a JSON list of objects with id, level, what, detail, remedy and objects."""
    return json.dumps([line.fields() for line in lines], indent=2, ensure_ascii=False) + "\n"


def checks_text(results: Sequence[Checked], color: Color | None = None, width: int = 0) -> str:
    """Return how many Kafkas are how, a row for each, and below them what is wrong with any."""
    applied = [one for one in results if one.is_applied]
    counts = [
        f"{sum(one.worst is level for one in applied if not one.failure)} {word}"
        for level, word in (
            (CheckStatus.PROBLEM, "with problems"),
            (CheckStatus.WARNING, "with warnings"),
            (CheckStatus.OK, "ok"),
        )
    ]
    if unreadable := sum(bool(one.failure) for one in applied):
        counts.append(f"{unreadable} not checked")
    if without := len(results) - len(applied):
        counts.append(f"{without} without a Blueprint")
    head = hung("", f"{count_noun(len(results), 'Kafka')}: {', '.join(counts)}", width)
    parts = ["".join(f"{row}\n" for row in head)]
    parts.append(
        table(("KAFKA", "RESULT", "PROBLEMS", "WARNINGS"), list(map(_row, results)), width)
    )
    for one in applied:
        lines = [line for line in one.lines if line.level is not CheckStatus.OK]
        if one.failure:
            rows: list[str] = []
            for text in one.failure.splitlines():
                rows += hung("  ", escape_control_chars(text), width)
            parts.append(f"{one.namespace}/{one.name}\n" + "".join(f"{row}\n" for row in rows))
        elif lines:
            below = "".join(_text(line, color, width) for line in lines)
            parts.append(f"{one.namespace}/{one.name}\n{below}")
    return "\n".join(parts)


def checks_json(results: Sequence[Checked]) -> str:
    """Return a JSON list of objects with namespace, name, result, failure and lines."""
    trees = [
        {
            "namespace": one.namespace,
            "name": one.name,
            "result": _result(one),
            "failure": one.failure or None,
            "lines": [line.fields() for line in one.lines],
        }
        for one in results
    ]
    return json.dumps(trees, indent=2, ensure_ascii=False) + "\n"


def checks_markdown(results: Sequence[Checked]) -> str:
    """Return Markdown for a comment of a change request, a part for each Kafka."""
    return change_request_markdown(*map(_sheet, results))


def checks_html(results: Sequence[Checked]) -> str:
    """Return one HTML page without scripts and without anything from elsewhere."""
    return change_request_html("Check before a backup", *map(_sheet, results))


def _sheet(one: Checked) -> ChangeRequest:
    title = f"Kafka {one.namespace}/{one.name}"
    if one.failure or not one.is_applied:
        why = one.failure or "no Blueprint is applied, so nothing was checked"
        return ChangeRequest(
            kicker=KICKER, title=title, verdict=f"not checked: {why}", is_good=False
        )
    bad = [line for line in one.lines if line.level is not CheckStatus.OK]
    good = [(line.what, line.id) for line in one.lines if line.level is CheckStatus.OK]
    rows = [
        (line.level.value, "; ".join((line.what, *line.detail)), line.remedy, line.id)
        for line in sorted(bad, key=lambda line: line.level is CheckStatus.WARNING)
    ]
    tables = []
    if rows:
        tables.append(ReportTable("To look at", ("Level", "What", "Remedy", "Check"), rows))
    if good:
        tables.append(ReportTable("As a backup needs it", ("What", "Check"), good, is_folded=True))
    return ChangeRequest(
        kicker=KICKER,
        title=title,
        verdict=_summary(one.lines),
        is_good=one.worst is not CheckStatus.PROBLEM,
        tables=tuple(tables),
    )


def _row(one: Checked) -> tuple[str, str, str, str]:
    levels = [line.level for line in one.lines]
    numbers = (str(levels.count(level)) for level in (CheckStatus.PROBLEM, CheckStatus.WARNING))
    problems, warnings = numbers if one.lines else ("-", "-")
    return f"{one.namespace}/{one.name}", _result(one), problems, warnings


def _result(one: Checked) -> str:
    if not one.is_applied:
        return "no Blueprint"
    return "not checked" if one.failure else one.worst.value


def _text(line: CheckLine, color: Color | None, width: int) -> str:
    word = line.level.value
    gap = " " * (WIDTH - len(word))
    below = " " * WIDTH
    rows = hung(f"{word}{gap}", f"{escape_control_chars(line.what)} ({line.id})", width)
    if color:
        rows[0] = rows[0].replace(word, color(line.level), 1)
    for text in line.detail:
        rows += hung(f"{below}- ", escape_control_chars(text), width)
    if line.remedy:
        rows.append(f"{below}> {escape_control_chars(line.remedy)}")
    return "".join(f"{row}\n" for row in rows)


def _summary(lines: Sequence[CheckLine]) -> str:
    levels = [line.level for line in lines]
    counts = [
        count_noun(levels.count(CheckStatus.PROBLEM), "problem"),
        count_noun(levels.count(CheckStatus.WARNING), "warning"),
    ]
    worst = max(levels, key=list(CheckStatus).index, default=CheckStatus.OK)
    return f"{', '.join(counts)}, {levels.count(CheckStatus.OK)} ok: {VERDICTS[worst]}"


# A preview as text for people and JSON for machines.


def preview_text(preview: ActionPreview) -> str:
    """Return phase by phase what runs; the headings alone are not indented."""
    last = len(preview.action.phases)
    parts = [_phase(phase, last) for phase in preview.phases]
    if preview.output_artifacts:
        body = indent(dump(preview.output_artifacts), "  ")
        parts.append(f"outputArtifacts\n{body}{_left(preview.artifacts_symbolic)}")
    return "\n".join(parts)


def _phase(shown: PhasePreview, last: int) -> str:
    phase = shown.phase
    place = "deferPhase" if phase.index is None else f"phase {phase.index + 1} of {last}"
    known = functions(NEWEST).get(phase.func)
    does = f"  # {known.description}\n" if known else ""
    objects = {"objects": shown.objects} if shown.objects else {}
    body = indent(dump({**objects, "args": shown.args}), "  ")
    return f"{place}: {phase.name} ({phase.func})\n{does}{body}{_left(shown.symbolic)}"


def _left(paths: tuple[str, ...]) -> str:
    return f"  # known when it runs: {', '.join(dict.fromkeys(paths))}\n" if paths else ""


def preview_json(preview: ActionPreview) -> str:
    """Return one JSON object."""
    tree = {
        "action": preview.action.name,
        "phases": [
            {
                "name": shown.phase.name,
                "func": shown.phase.func,
                "deferred": shown.phase.index is None,
                "objects": shown.objects,
                "args": shown.args,
                "symbolic": list(dict.fromkeys(shown.symbolic)),
            }
            for shown in preview.phases
        ],
        "outputArtifacts": preview.output_artifacts,
        "problems": [problem.fields() for problem in preview.problems],
    }
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


PREVIEW_FORMATS: dict[str, Callable[[ActionPreview], str]] = {
    "text": preview_text,
    "json": preview_json,
}
