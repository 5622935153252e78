"""Whether the runs of a schedule disturb each other, as far as the plan shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kanister_kafka.backup.cron import schedule_error, shortest_interval
from kanister_kafka.backup.model import PlannedAction
from kanister_kafka.backup.options import KastenOutput, Options, SnapshotProvider, Strategy
from kanister_kafka.diagnostics import Diagnostic, Location, warning
from kanister_kafka.durations import format_duration
from kanister_kafka.kasten.schemas import ON_DEMAND
from kanister_kafka.strimzi import KafkaCluster

HOURLY = "@hourly"
"""The only frequency of a Policy that is shorter than a backup may take."""
HOUR = 3600


def schedule_diagnostics(
    cluster: KafkaCluster, options: Options, actions: Iterable[PlannedAction]
) -> Iterator[Diagnostic]:
    """Return a warning if runs can be nearer to each other than one may take, or are of two kinds.

    A hot backup stops nothing: if a run is too early, it only makes no backup.
    """
    if options.strategy is Strategy.HOT:
        return
    location = Location(cluster.source)
    seconds = {action.name: action.seconds for action in actions}
    by_policy = KastenOutput.POLICY in options.kasten and options.frequency != ON_DEMAND
    by_cron = options.engine is SnapshotProvider.KANISTER and bool(options.schedule)
    stopped = "the clients" if options.strategy is Strategy.ONLINE else "Kafka"
    if by_cron and not schedule_error(options.schedule):
        interval, longest = shortest_interval(options.schedule), seconds["backup"]
        if interval < longest:
            message = (
                f"--schedule {options.schedule!r} starts a backup after "
                f"{format_duration(interval)}, and one may take {format_duration(longest)}: a run "
                f"that is too early makes no backup, and each other one stops {stopped}; choose "
                "times that are further apart"
            )
            yield warning("schedule-too-dense", location, "", message)
    longest = _longest_policy_run(options, seconds)
    if by_policy and options.frequency == HOURLY and longest > HOUR:
        message = (
            f"--frequency {HOURLY} starts a backup after {format_duration(HOUR)}, and one may take "
            f"{format_duration(longest)} until {stopped} can work again: choose a longer one, such "
            "as @daily"
        )
        yield warning("schedule-too-dense", location, "", message)
    if by_cron and by_policy:
        message = (
            f"the CronJob of --schedule and the Policy of --frequency {options.frequency} both "
            f"stop {stopped}: two outages. Leave one of them out"
        )
        yield warning("two-schedules", location, "", message)


def _longest_policy_run(options: Options, seconds: dict[str, int]) -> int:
    """Return the seconds after which the watchdog has brought Kafka back, or without it the hooks.

    How long Kasten takes between its hooks is not known.
    """
    restart = seconds["backupPosthook"]
    return max(options.restart_after, seconds["backupPrehook"]) + restart
