"""A restore into another namespace and its verification, as text, JSON and an HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kanister_kafka.kube.objects import get_path, name_of
from kanister_kafka.reports.change_request import (
    ChangeRequest,
    ReportTable,
    change_request_html,
    change_request_markdown,
)
from kanister_kafka.reports.text import count_noun, escape_control_chars, format_json
from kanister_kafka.timestamps import format_second

if TYPE_CHECKING:
    from kanister_kafka.operations.clone.plan import ClonePlan
    from kanister_kafka.operations.clone.verification import Verification


VERDICTS = {
    "passed": "can be restored",
    "started": "could be started, but not all of it could be verified",
    "failed": "is NOT good",
}


def clone_plan_text(plan: ClonePlan) -> str:
    """Return what a restore into another namespace makes, and what differs from the source."""
    if plan.imports:
        beside, source = "", f"from {plan.imports.repository.url}"
    else:
        beside = ", next to the Kafka that it came from, in which nothing is written"
        source = "from snapshots of the backup"
    policy = " and a NetworkPolicy" if plan.policies else ""
    lines = [
        f"{plan.backup} will be restored as Kafka {plan.target}{beside}:",
        f"  {count_noun(len(plan.claims), 'claim')} {source}, "
        f"{count_noun(len(plan.secrets), 'Secret')}, "
        f"{count_noun(len(plan.pools), 'KafkaNodePool')}, the Kafka{policy}",
    ]
    for claim in plan.claims:
        size = get_path(claim, "spec", "resources", "requests", "storage")
        of_class = get_path(claim, "spec", "storageClassName") or "the default class"
        lines.append(f"  claim {name_of(claim)}: {size} of {of_class}")
    lines += [f"  changed: {change}" for change in plan.changes]
    lines += [f"  not restored: {text}" for text in plan.left_out]
    if plan.policies:
        lines.append(
            "  the NetworkPolicy keeps other namespaces out, if the network plugin enforces "
            "policies"
        )
    return "".join(f"{escape_control_chars(line)}\n" for line in lines)


def verification_tree(result: Verification) -> dict[str, Any]:
    """Return a verification as JSON has it."""
    records, source = result.records, result.source
    return {
        "backup": result.backup.name,
        "namespace": result.backup.kafka.namespace,
        "kafka": result.backup.kafka.name,
        "clusterId": result.backup.cluster_id or None,
        "repository": result.repository or None,
        "restoredInto": result.target.namespace,
        "started": result.started,
        "time": format_second(result.time),
        "outcome": result.outcome.value,
        "faults": list(result.faults),
        "unverified": list(result.unverified),
        "notes": list(result.notes),
        "partitions": result.partitions,
        "partitionsCompared": result.compared,
        "records": {
            "batches": records.batches,
            "records": records.records,
            "damaged": list(records.damaged),
        }
        if records
        else None,
        "source": {
            "partitions": source.partitions,
            "batches": source.batches,
            "records": source.records,
            "differences": list(source.differences),
            "notes": list(source.notes),
        }
        if source
        else None,
    }


def verification_json(result: Verification) -> str:
    """Return a verification as JSON."""
    return format_json(verification_tree(result))


def verification_text(result: Verification) -> str:
    """Return a verification for people."""
    sheet = _sheet(result)
    lines = [sheet.verdict, *(f"  {fact}" for fact in sheet.facts)]
    lines += [f"  FAULT: {fault}" for fault in result.faults]
    lines += [f"  NOT VERIFIED: {text}" for text in result.unverified]
    lines += [f"  note: {note}" for note in result.notes]
    return "".join(f"{escape_control_chars(line)}\n" for line in lines)


def verification_markdown(result: Verification) -> str:
    """Return a verification as Markdown."""
    return change_request_markdown(_sheet(result, tables=True))


def verification_html(result: Verification) -> str:
    """Return a verification as one HTML page."""
    return change_request_html(f"Verification of {result.backup}", _sheet(result, tables=True))


def _sheet(result: Verification, *, tables: bool = False) -> ChangeRequest:
    records = result.records
    origin = f" from {result.repository}" if result.repository else ""
    facts = [
        f"restored{origin} into namespace {result.target.namespace}"
        + ("; all nodes became Ready" if result.started else ", and did not become Ready"),
        f"{count_noun(result.partitions, 'partition')} with internal ones; the end of "
        f"{result.compared} compared with the backup",
    ]
    if records is None:
        facts.append("records were not read")
    else:
        facts.append(
            f"read {count_noun(records.records, 'record')} of all replicas and compared the "
            f"checksums of their {records.batches} batches"
        )
    if source := result.source:
        facts.append(
            f"compared the batches of {count_noun(source.records, 'record')} in "
            f"{count_noun(source.partitions, 'partition')} with those of the running Kafka"
        )
    shown = []
    kinds = (
        ("Faults", result.faults),
        ("Not verified", result.unverified),
        ("Notes", result.notes),
    )
    for name, rows in kinds:
        if tables and rows:
            shown.append(ReportTable(name, ("What",), [[row] for row in rows]))
    verdict = VERDICTS[result.outcome.value]
    return ChangeRequest(
        kicker="Verification of a backup",
        title=str(result.backup),
        verdict=f"{result.backup} {verdict}",
        is_good=result.outcome.value == "passed",
        facts=tuple(facts),
        tables=tuple(shown),
        foot=f"verified at {format_second(result.time)}",
    )


VERIFICATION_FORMATS = {
    "text": verification_text,
    "json": verification_json,
    "markdown": verification_markdown,
}
