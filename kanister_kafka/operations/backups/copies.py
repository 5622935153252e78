"""Copies in an object store, as `listCopies` lists them, and which backups are kept."""

from __future__ import annotations

import base64
import re
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

from kanister_kafka.errors import ActionError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.kube.objects import get_path
from kanister_kafka.operations.actionset import DELETE_COPY, ActionSet, AppliedBlueprint
from kanister_kafka.operations.backups.action_sets import backup_request
from kanister_kafka.operations.backups.model import Backup, BackupStatus
from kanister_kafka.operations.live_kafka import LiveKafka
from kanister_kafka.operations.start_action import ActionRequest
from kanister_kafka.strimzi.discovery import KafkaRef

ROW = re.compile(r"([0-9]{14}) ([0-9a-f-]{36}|-) ([A-Za-z0-9_-]+) (yes|no)")
"""BACKUP UID CLUSTER_ID WHOLE of templates/scripts/lib/restic.sh; `-` is a tag that is missing."""
MISSING = "-"
MAX_BYTES = 16 * 1024**2
"""Of a list. That of templates/scripts/phases/list-copies.sh has at most 700,000 when packed."""
GZIP = 31
"""Window of zlib for the format of gzip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCopy(Backup):
    """A copy of a backup, of which nothing may be on the cluster.

    Its uid distinguishes it from the copy of another cluster with a backup of this name. It is
    empty if the copy has no such tag.
    """

    whole: bool = False
    """Whether it has its objects, and every volume that they name."""

    @property
    def status(self) -> BackupStatus:
        """Complete if it is whole; a copy never shows whether its export still runs."""
        return BackupStatus.COMPLETE if self.whole else BackupStatus.INCOMPLETE

    @property
    def has_failed_verification(self) -> bool:
        """Whether the last verification of this copy has found a fault.

        That of its backup does not count: snapshots and copy are damaged independently.
        """
        return self.copy_verified == "failed"


def read_copies(action_set: ActionSet, kafka: KafkaRef) -> tuple[BackupCopy, ...]:
    """Return the copies that an ActionSet of `listCopies` has put out.

    Raises ActionError if the list is missing, damaged or not complete.
    """
    output = action_set.phases[0].output if action_set.phases else {}
    try:
        packed = base64.b64decode(str(output["copies"]), validate=True)
        unpacker = zlib.decompressobj(GZIP)
        text = unpacker.decompress(packed, MAX_BYTES).decode("ascii")
        rows = [row for row in text.splitlines() if row]
        count = int(str(output["count"]))
    except KeyError as missing:
        raise _unreadable(action_set, f"it has no output {missing}") from None
    except (ValueError, zlib.error) as failure:
        raise _unreadable(action_set, str(failure)) from None
    if not unpacker.eof or count != len(rows):
        raise _unreadable(action_set, f"it has {len(rows)} of {count} rows")
    copies = []
    for row in rows:
        match = ROW.fullmatch(row)
        if match is None:
            raise _unreadable(action_set, f"{row[:200]!r} is not a row")
        name, uid, cluster_id, completeness = match.groups()
        copies.append(
            BackupCopy(
                name=name,
                kafka=kafka,
                uid="" if uid == MISSING else uid,
                cluster_id="" if cluster_id == MISSING else cluster_id,
                whole=completeness == "yes",
            )
        )
    return tuple(copies)


def _unreadable(action_set: ActionSet, reason: str) -> ActionError:
    name = f"{action_set.namespace}/{action_set.name}"
    return ActionError(f"the list of copies in ActionSet {name} cannot be read: {reason}")


def find_cluster_id(connection: KubeClient, kafka: KafkaRef) -> str:
    """Return the cluster id in the status of a Kafka; ActionError if there is none."""
    item = LiveKafka(connection, kafka).find() or {}
    return check_cluster_id(kafka, str(get_path(item, "status", "clusterId") or ""))


def check_cluster_id(kafka: KafkaRef, cluster_id: str) -> str:
    """Return a cluster id that is known; ActionError if it is not."""
    if not cluster_id:
        raise ActionError(
            f"the cluster id of Kafka {kafka} is not known. Without it, its copies look like those "
            "of another cluster: wait until the Kafka is Ready"
        )
    return cluster_id


def plan_copies(
    copies: Iterable[BackupCopy],
    backups: Collection[Backup],
    cluster_id: str,
    rules: KeepRules,
    now: datetime,
) -> PrunePlan:
    """Apply keep rules to the copies of one Kafka; `backups` are those in its namespace.

    A store can have copies of a Kafka of this name in another cluster, or of an earlier one. These
    do not count and stay, and so do those whose cluster cannot be known, and those whose last
    verification, which their backup shows, has failed. An interrupted deletion
    is repeated: its backup would be listed as being deleted for as long as it exists.
    """
    listed = tuple(copies)
    times = Counter(copy.name for copy in listed)
    uids = {backup.name: backup.uid for backup in backups if backup.uid}
    results = {(backup.name, backup.uid): backup.copy_verified for backup in backups}
    complete_keys = {(copy.name, copy.uid) for copy in listed if copy.whole}
    interrupted = {}
    for backup in backups:
        key = backup.name, backup.uid
        if backup.is_copy_being_deleted and backup.uid and key not in complete_keys:
            interrupted[key] = backup
    cluster_copies = []
    foreign = []
    for copy in listed:
        if (copy.name, copy.uid) in interrupted:
            continue
        if times[copy.name] > 1 or uids.get(copy.name, copy.uid) != copy.uid:
            foreign.append(KeptBackup(copy, ("several clusters",)))
        elif not (copy.uid and copy.cluster_id):
            foreign.append(KeptBackup(copy, ("unknown cluster",)))
        elif copy.cluster_id != cluster_id:
            foreign.append(KeptBackup(copy, ("another cluster",)))
        else:
            result = results.get((copy.name, copy.uid), "")
            cluster_copies.append(replace(copy, copy_verified=result))
    plan = plan_backup_prune(cluster_copies, rules, now)
    return PrunePlan(
        kept=plan.kept + tuple(foreign), removed=plan.removed + tuple(interrupted.values())
    )


def delete_request(copy: Backup, blueprint: AppliedBlueprint) -> ActionRequest:
    """Return the action that deletes exactly the copy with this name and uid."""
    return backup_request(DELETE_COPY, copy, blueprint, (("uid", copy.uid),))


# Which backups are kept: the rules of restic's `forget` and of Kasten's retention.
#
# A rule counts periods that have a backup: `daily=7` keeps the newest backup of each of the last
# seven days with at least one. Days, weeks (ISO 8601), months and years are those of UTC.


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepRules:
    """How many backups are kept; a rule of 0 keeps none by itself."""

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0
    within: timedelta = timedelta()
    """Every backup that is younger than this."""

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))


PERIODS: dict[str, Callable[[datetime], tuple[int, ...]]] = {
    "hourly": lambda time: (time.year, time.month, time.day, time.hour),
    "daily": lambda time: (time.year, time.month, time.day),
    "weekly": lambda time: tuple(time.isocalendar())[:2],
    "monthly": lambda time: (time.year, time.month),
    "yearly": lambda time: (time.year,),
}
"""The period that a time is in, for each rule that counts periods."""


FAILED = "failed verification"
"""Why a complete backup stays that does not count."""


@dataclass(frozen=True, slots=True)
class KeptBackup:
    """A backup that stays, with the rules that keep it."""

    backup: Backup
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """Backups of one Kafka, the newest first: those that stay and those that are removed."""

    kept: tuple[KeptBackup, ...]
    removed: tuple[Backup, ...]

    @property
    def newest(self) -> Backup | None:
        """The newest backup that counts, which stays; None if no backup counts."""
        return next((entry.backup for entry in self.kept if counts(entry.backup)), None)


def counts(backup: Backup) -> bool:
    """Return whether a backup counts for the rules: it is complete, and not known to be bad."""
    is_complete = backup.status is BackupStatus.COMPLETE and backup.started is not None
    return is_complete and not backup.has_failed_verification


def plan_backup_prune(backups: Iterable[Backup], rules: KeepRules, now: datetime) -> PrunePlan:
    """Apply the rules to the backups of one Kafka.

    Only complete backups count and only they are removed: a backup that is running, incomplete or
    damaged, or whose last verification has failed, takes no place of a good one, and stays until a
    person deletes it. The newest backup that counts always stays.
    """
    ordered = sorted(backups, key=lambda backup: backup.name, reverse=True)
    reasons: dict[str, list[str]] = {backup.name: [] for backup in ordered}
    complete = [backup for backup in ordered if counts(backup)]
    for backup in complete[: rules.last]:
        reasons[backup.name].append("last")
    for rule, period_of in PERIODS.items():
        periods: set[tuple[int, ...]] = set()
        for backup in complete:
            period = period_of(backup.started) if backup.started else ()
            if period not in periods and len(periods) < getattr(rules, rule):
                periods.add(period)
                reasons[backup.name].append(rule)
    for backup in complete:
        if backup.started and now - backup.started < rules.within:
            reasons[backup.name].append("within")
    if complete and not reasons[complete[0].name]:
        reasons[complete[0].name].append("newest complete")
    for backup in ordered:
        if backup not in complete:
            is_bad = backup.status is BackupStatus.COMPLETE and backup.has_failed_verification
            reasons[backup.name].append(FAILED if is_bad else backup.status.value)
    return PrunePlan(
        kept=tuple(KeptBackup(b, tuple(reasons[b.name])) for b in ordered if reasons[b.name]),
        removed=tuple(backup for backup in ordered if not reasons[backup.name]),
    )
