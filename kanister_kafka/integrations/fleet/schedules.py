"""Kafkas of a fleet that are stopped at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from kanister_kafka.backup.cron import EVERY
from kanister_kafka.backup.options import Strategy
from kanister_kafka.diagnostics import Diagnostic, Location, warning
from kanister_kafka.integrations.fleet.file import FleetKey, RenderResult

NAMED = 3
"""Kafkas that a message names; the others are counted."""


@dataclass(slots=True)
class _Group:
    location: Location
    path: str
    count: int = 0
    first: list[FleetKey] = field(default_factory=list)


class ScheduleCounter:
    """Counts the Kafkas with the same schedule; it keeps the names of a few of them only."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], _Group] = {}

    def add(self, outcome: RenderResult) -> None:
        """Take the result of one cluster, in the order of the fleet."""
        options = outcome.rule.options
        if outcome.key is None or outcome.row is None or options.strategy is Strategy.HOT:
            return
        if not options.schedule or options.schedule.startswith(EVERY):
            return
        name = (options.schedule, options.time_zone)
        group = self._groups.setdefault(name, _Group(outcome.rule.location, outcome.rule.path))
        group.count += 1
        if len(group.first) < NAMED:
            group.first.append(outcome.key)

    def problems(self) -> Iterator[Diagnostic]:
        """Yield one warning for each schedule of several Kafkas."""
        for (schedule, zone), group in self._groups.items():
            if group.count < 2:
                continue
            more = group.count - len(group.first)
            kafkas = ", ".join(map(str, group.first)) + (f" and {more} more" if more else "")
            in_zone = f" in {zone}" if zone else ""
            message = (
                f"schedule {schedule!r}{in_zone} is that of {group.count} Kafkas, whose backups "
                f"start in the same minute: {kafkas}; give each one its own time in its entry"
            )
            yield warning("same-schedule", group.location, group.path, message)
