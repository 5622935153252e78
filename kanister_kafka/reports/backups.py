"""Backups as text for people and JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from kanister_kafka.backup.options import Strategy
from kanister_kafka.durations import format_duration
from kanister_kafka.operations.backups.copies import PrunePlan
from kanister_kafka.operations.backups.model import Backup, TopicSize
from kanister_kafka.operations.backups.reader import RestorePoint
from kanister_kafka.operations.exports.location import ExportedBackup
from kanister_kafka.reports.text import count_noun, escape_control_chars, format_json, hung, table
from kanister_kafka.timestamps import format_second, parse_timestamp

HEADER = ("BACKUP", "KAFKA", "AGE", "STATUS", "STOP", "SNAPSHOTS", "RECORDS", "VERIFIED")
COPY = "EXPORTED"
WIDE = ("KAFKA VERSION", "BYTES", "EXPIRED TOPICS", "COMPLETE SINCE", "CLUSTER ID", "ACTIONSET")
MAX_TOPICS = 20
"""Names of topics that `describe` prints."""


def backups_text(
    backups: Sequence[Backup], now: datetime, *, wide: bool = False, width: int = 0
) -> str:
    """Return a row for each backup."""
    if not backups:
        return "No backups.\n"
    header = [*HEADER, COPY, *WIDE] if wide else [*HEADER, COPY]
    rows = []
    for backup in backups:
        row = [
            backup.name,
            str(backup.kafka),
            _age(backup, now),
            backup.status.value,
            backup.strategy or backup.stop or "unknown",
            _snapshots(backup),
            _number(backup.records),
            _verified(backup, now),
            _copied(backup, now),
        ]
        if wide:
            expired = len(backup.expired_topics(now))
            row += [backup.kafka_version or "unknown", _number(backup.size)]
            row.append(f"{expired} of {len(backup.topics)}" if backup.topics else "unknown")
            more = (backup.complete_since, backup.cluster_id, backup.action_set)
            row += [text or "-" for text in more]
        rows.append([escape_control_chars(cell) for cell in row])
    return table(header, rows, width=width)


def backup_text(
    backup: Backup, now: datetime, width: int = 0, *, how_to_restore: bool = True
) -> str:
    """Return what is known of a backup, and how to restore it."""
    started = format_second(backup.started) if backup.started else "unknown"
    rows = [
        ("status", backup.status.value),
        ("started", f"{started}, {_age(backup, now)} ago"),
        ("complete since", backup.complete_since or "never"),
        ("stop", _stop(backup)),
        ("Kafka version", backup.kafka_version or "unknown"),
        ("cluster id", backup.cluster_id or "unknown"),
        ("ActionSet", backup.action_set or "none: it is no longer there"),
        ("snapshots", _snapshots(backup)),
        *(("", _snapshot(snapshot)) for snapshot in backup.snapshots),
        ("Secrets", f"{backup.secrets} of {_expected(backup)}"),
        ("not contained", backup.not_kept),
        ("in progress", backup.running if not backup.complete_since else ""),
        *(("fault", fault) for fault in backup.faults),
        ("retention", _retention(backup, now)),
        ("verified", _verified(backup, now) + _partly_verified(backup)),
        ("exported", _copied(backup, now, where=True)),
        ("topics", _sizes(backup)),
        *(("", _topic(topic)) for topic in backup.topic_sizes[:MAX_TOPICS]),
    ]
    lines = [str(backup)]
    for key, value in rows:
        if value:
            lines += hung(f"  {key:15}  ", escape_control_chars(value), width)
    if how_to_restore and backup.restorable:
        options = f"--kafka {backup.kafka.name} -n {backup.kafka.namespace}"
        lines += ["", "Restore it:", f"  kanister-kafka restore {backup.name} {options}"]
    return "".join(f"{line}\n" for line in lines)


def restore_points_text(
    points: Sequence[RestorePoint], now: datetime, *, wide: bool = False, width: int = 0
) -> str:
    """Return a row for each restore point of Kasten; a wide one has no limit."""
    if not points:
        return "No restore points.\n"
    header = ("RESTORE POINT", "NAMESPACE", "AGE", "POLICY", "PRE-HOOK", "EXPORTED TO", "BYTES")
    rows = []
    for point in points:
        time = parse_timestamp(point.time)
        hook = "unknown" if point.hook is None and point.policy else point.hook or "none"
        row = [point.name, point.namespace, _span(now - time) if time else "unknown"]
        row += [point.policy or "none", hook, point.exported_to or "-", _number(point.size)]
        rows.append([escape_control_chars(cell) for cell in row])
    return table(header, rows, width=0 if wide else width)


def restore_points_json(points: Iterable[RestorePoint]) -> str:
    """Return restore points of Kasten as JSON."""
    tree = [
        {
            "name": point.name,
            "namespace": point.namespace,
            "time": point.time or None,
            "policy": point.policy or None,
            "preHook": point.hook,
            "exportedTo": point.exported_to or None,
            "bytes": point.size,
        }
        for point in points
    ]
    return format_json(tree)


def _stop(backup: Backup) -> str:
    if backup.strategy == Strategy.ONLINE.value:
        return "online: its brokers ran, and nothing has moved during the snapshots"
    if not backup.is_consistent:
        return f"{backup.strategy}: nothing was stopped, and it is not proven consistent"
    return backup.stop or "unknown: its ActionSet is no longer there"


def _snapshot(snapshot: Any) -> str:
    size = f", {snapshot.restore_size}" if snapshot.restore_size else ""
    # The name of a member of a group does not show its claim.
    is_named = snapshot.name.startswith(f"{snapshot.claim}-")
    name = snapshot.name if is_named else f"{snapshot.name} of claim {snapshot.claim}"
    return f"{name}: {'ready to use' if snapshot.ready else 'NOT ready to use'}{size}"


def _retention(backup: Backup, now: datetime) -> str:
    if not backup.topics:
        return "the retention of its topics is not known"
    expired = backup.expired_topics(now)
    if not expired:
        return f"younger than the retention of all {count_noun(len(backup.topics), 'topic')}"
    names = ", ".join(expired[:MAX_TOPICS])
    more = f" and {len(expired) - MAX_TOPICS} more" if len(expired) > MAX_TOPICS else ""
    return (
        f"every record has expired of {len(expired)} of {count_noun(len(backup.topics), 'topic')}: "
        f"{names}{more}. A restore keeps them until release-retention"
    )


def _verified(backup: Backup, now: datetime) -> str:
    time = parse_timestamp(backup.verified_at) if backup.verified else None
    if time is None:
        return backup.verified or "never"
    return f"{backup.verified} {_span(now - time)} ago"


def _partly_verified(backup: Backup) -> str:
    return ": not all of it could be verified" if backup.verified == "started" else ""


def _copied(backup: Backup, now: datetime, *, where: bool = False) -> str:
    if not backup.exported:
        return "never"
    time = parse_timestamp(backup.exported_at)
    if time is None:
        return f"its deletion from {backup.exported} has begun" if where else "being deleted"
    ago = f"{_span(now - time)} ago"
    result = _copy_verified(backup, now)
    if not where:
        return f"{ago}, {result}" if result else ago
    other = backup.copy_verified_in
    verified_in = f" in {other}" if result and other != backup.exported else ""
    return f"{ago} to {backup.exported}; verified: {result or 'never'}{verified_in}"


def _copy_verified(backup: Backup, now: datetime) -> str:
    """Return how the last verification of the copy ended and when; empty if there was none."""
    time = parse_timestamp(backup.copy_verified_at)
    return f"{backup.copy_verified} {_span(now - time)} ago" if time else ""


def _sizes(backup: Backup) -> str:
    if not backup.offsets:
        return "their records were not counted"
    sizes = backup.topic_sizes
    text = f"{len(sizes)} with {_number(backup.records)} records, {_number(backup.size)} bytes"
    return f"{text}; the first {MAX_TOPICS}:" if len(sizes) > MAX_TOPICS else text


def _topic(topic: TopicSize) -> str:
    partitions = (
        "" if topic.partitions is None else f"{count_noun(topic.partitions, 'partition')}, "
    )
    return (
        f"{topic.name}: {partitions}{_number(topic.records)} records, {_number(topic.size)} bytes"
    )


def _number(number: int | None) -> str:
    return "unknown" if number is None else str(number)


def _expected(backup: Backup) -> str:
    return "?" if backup.expected_secrets is None else str(backup.expected_secrets)


def _snapshots(backup: Backup) -> str:
    ready = sum(one.ready for one in backup.snapshots)
    return f"{ready} of {len(backup.claims) or '?'} ready"


def _age(backup: Backup, now: datetime) -> str:
    if backup.started is None:
        return "unknown"
    return _span(now - backup.started)


def _span(time: timedelta) -> str:
    seconds = max(0, int(time.total_seconds()))
    days, rest = divmod(seconds, 86400)
    if days:
        return f"{days}d{rest // 3600}h"
    return format_duration(seconds - seconds % 60 if seconds >= 3600 else seconds)


def backup_tree(backup: Backup, now: datetime) -> dict[str, Any]:
    """Return a backup as JSON has it."""
    return {
        "name": backup.name,
        "namespace": backup.kafka.namespace,
        "kafka": backup.kafka.name,
        "status": backup.status.value,
        "started": format_second(backup.started) if backup.started else None,
        "completeSince": backup.complete_since or None,
        "stop": backup.stop or None,
        "strategy": backup.strategy or None,
        "kafkaVersion": backup.kafka_version or None,
        "clusterId": backup.cluster_id or None,
        "actionSet": backup.action_set or None,
        "notContained": backup.not_kept or None,
        "inProgress": (backup.running or None) if not backup.complete_since else None,
        "faults": list(backup.faults),
        "claims": list(backup.claims),
        "snapshots": [
            {
                "name": one.name,
                "claim": one.claim,
                "ready": one.ready,
                "restoreSize": one.restore_size or None,
            }
            for one in backup.snapshots
        ],
        "topics": len(backup.topics) or None,
        "records": backup.records,
        "bytes": backup.size,
        "verified": backup.verified or None,
        "verifiedAt": backup.verified_at or None,
        "exported": backup.exported or None,
        "exportedAt": backup.exported_at or None,
        "copyVerified": backup.copy_verified or None,
        "copyVerifiedAt": backup.copy_verified_at or None,
        "copyVerifiedIn": backup.copy_verified_in or None,
        "expiredTopics": list(backup.expired_topics(now)),
    }


def backups_json(backups: Iterable[Backup], now: datetime) -> str:
    """Return a list of backups as JSON."""
    return format_json([backup_tree(backup, now) for backup in backups])


def backup_json(backup: Backup, now: datetime) -> str:
    """Return one backup as JSON, with the sizes of its topics."""
    return format_json({**backup_tree(backup, now), "topicSizes": _topic_trees(backup)})


def _topic_trees(backup: Backup) -> list[dict[str, Any]]:
    return [
        {"name": t.name, "partitions": t.partitions, "records": t.records, "bytes": t.size}
        for t in backup.topic_sizes
    ]


EXPORTS_HEADER = ("BACKUP", "KAFKA", "AGE", "STATUS", "VOLUMES", "RECORDS", "BYTES", "EXPORTED")
EXPORTS_WIDE = ("KAFKA VERSION", "STOP", "CLUSTER ID", "VERIFIED")


def exports_text(
    exports: Sequence[ExportedBackup], now: datetime, *, wide: bool = False, width: int = 0
) -> str:
    """Return a row for each copy in a store."""
    if not exports:
        return "No backups.\n"
    rows = []
    for exported in exports:
        backup = exported.backup
        row = [
            backup.name,
            str(backup.kafka),
            _age(backup, now),
            exported.status.value,
            f"{exported.copied_volumes} of {len(backup.claims) or '?'}",
            _number(backup.records),
            _number(exported.size),
            _exported(exported, now),
        ]
        if wide:
            stop = backup.strategy or backup.stop
            more = (backup.kafka_version, stop, backup.cluster_id, _verified(backup, now))
            row += [text or "unknown" for text in more]
        rows.append([escape_control_chars(cell) for cell in row])
    return table([*EXPORTS_HEADER, *EXPORTS_WIDE] if wide else EXPORTS_HEADER, rows, width=width)


def _exported(exported: ExportedBackup, now: datetime) -> str:
    time = parse_timestamp(exported.exported_at)
    return f"{_span(now - time)} ago" if time else "no"


def export_text(exported: ExportedBackup, now: datetime, width: int = 0) -> str:
    """Return the content of a copy in a store, and how to restore it."""
    backup = exported.backup
    started = format_second(backup.started) if backup.started else "unknown"
    rows = [
        ("status", exported.status.value),
        ("started", f"{started}, {_age(backup, now)} ago"),
        ("exported", exported.exported_at or "not completely"),
        ("repository", exported.repository),
        ("stop", _stop(backup) if backup.stop or backup.strategy else ""),
        ("Kafka version", backup.kafka_version or "unknown"),
        ("cluster id", backup.cluster_id or "unknown"),
        ("volumes", f"{exported.copied_volumes} of {len(backup.claims) or '?'}"),
        *(
            ("", f"{v.claim}: {v.size} bytes, {v.capacity} of {v.storage_class or 'the default'}")
            for v in exported.volumes
        ),
        ("not contained", backup.not_kept),
        *(("fault", fault) for fault in exported.faults),
        ("retention", _retention(backup, now)),
        ("topics", _sizes(backup)),
        *(("", _topic(topic)) for topic in backup.topic_sizes[:MAX_TOPICS]),
    ]
    lines = [str(backup)]
    for key, value in rows:
        if value:
            lines += hung(f"  {key:15}  ", escape_control_chars(value), width)
    if not exported.faults:
        options = f"--location {exported.repository} --into NAMESPACE"
        lines += ["", "Restore it:", f"  kanister-kafka restore {backup.name} {options}"]
    return "".join(f"{line}\n" for line in lines)


def export_tree(exported: ExportedBackup, now: datetime) -> dict[str, Any]:
    """Return a copy in a store as JSON has it: the keys of a backup, and those of its copy."""
    return {
        **backup_tree(exported.backup, now),
        "status": exported.status.value,
        "faults": list(exported.faults),
        "repository": exported.repository,
        "exportedAt": exported.exported_at or None,
        "copiedBytes": exported.size,
        "volumes": [
            {
                "claim": volume.claim,
                "snapshot": volume.snapshot,
                "capacity": volume.capacity,
                "storageClass": volume.storage_class or None,
                "bytes": volume.size,
            }
            for volume in exported.volumes
        ],
    }


def exports_json(exports: Iterable[ExportedBackup], now: datetime) -> str:
    """Return the copies in a store as JSON."""
    return format_json([export_tree(one, now) for one in exports])


def export_json(exported: ExportedBackup, now: datetime) -> str:
    """Return one copy as JSON, with the sizes of its topics."""
    return format_json({**export_tree(exported, now), "topicSizes": _topic_trees(exported.backup)})


def prune_text(plan: PrunePlan, now: datetime, width: int = 0) -> str:
    """Return a row for each backup: whether it stays, and the rules that keep it."""
    rows = [
        [
            kept.backup.name,
            str(kept.backup.kafka),
            _age(kept.backup, now),
            "keep",
            ", ".join(kept.reasons),
        ]
        for kept in plan.kept
    ]
    rows += [
        [backup.name, str(backup.kafka), _age(backup, now), "remove", ""] for backup in plan.removed
    ]
    rows.sort(key=lambda row: row[0], reverse=True)
    return table(("BACKUP", "KAFKA", "AGE", "ACTION", "KEPT BY"), rows, width=width) if rows else ""


def prune_json(plans: Iterable[PrunePlan]) -> str:
    """Return what stays and what is removed as JSON."""
    kept: list[dict[str, object]] = []
    removed: list[dict[str, object]] = []
    for plan in plans:
        for one in plan.kept:
            kafka = str(one.backup.kafka)
            kept.append({"name": one.backup.name, "kafka": kafka, "keptBy": list(one.reasons)})
        removed += [{"name": one.name, "kafka": str(one.kafka)} for one in plan.removed]
    return format_json({"kept": kept, "removed": removed})
