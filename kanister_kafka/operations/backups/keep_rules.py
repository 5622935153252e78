"""Which backups are kept: the rules of restic's `forget` and of Kasten's retention.

A rule counts periods that have a backup: `daily=7` keeps the newest backup of each of the last
seven days with at least one. Days, weeks (ISO 8601), months and years are those of UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from kanister_kafka.operations.backups.model import Backup, BackupStatus


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
        return next((one.backup for one in self.kept if counts(one.backup)), None)


def counts(backup: Backup) -> bool:
    """Return whether a backup counts for the rules: it is complete, and not known to be bad."""
    is_complete = backup.status is BackupStatus.COMPLETE and backup.started is not None
    return is_complete and not backup.has_failed_verification


def plan_prune(backups: Iterable[Backup], rules: KeepRules, now: datetime) -> PrunePlan:
    """Apply the rules to the backups of one Kafka.

    Only complete backups count and only they are removed: a backup that is running, incomplete or
    damaged, or whose last verification has failed, takes no place of a good one, and stays until a
    person deletes it. The newest backup that counts always stays.
    """
    ordered = sorted(backups, key=lambda backup: backup.name, reverse=True)
    reasons: dict[str, list[str]] = {backup.name: [] for backup in ordered}
    complete = [one for one in ordered if counts(one)]
    for backup in complete[: rules.last]:
        reasons[backup.name].append("last")
    for rule, period_of in PERIODS.items():
        seen: set[tuple[int, ...]] = set()
        for backup in complete:
            period = period_of(backup.started) if backup.started else ()
            if period not in seen and len(seen) < getattr(rules, rule):
                seen.add(period)
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
