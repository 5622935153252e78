"""What state a Kafka is in, since when and by whom, and what to do next: facts in, words out.

What the cluster itself shows decides; the record comes second, and where they differ that is told.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from kanister_kafka.run.actionset import ActionSet
from kanister_kafka.run.advice import advice
from kanister_kafka.run.condition import Condition
from kanister_kafka.run.sighting import Sighting, Work
from kanister_kafka.run.words import held_words

RECORDED = {
    Condition.RUNNING: ("running", ""),
    Condition.PAUSED: ("running", ""),
    Condition.DEGRADED: ("running", ""),
    Condition.DOWN: ("running", ""),
    Condition.QUIESCING: ("quiescing",),
    Condition.QUIESCED: ("quiescing", "restarting"),
    Condition.STOPPING: ("quiescing", "stopping"),
    Condition.STOPPED: ("stopped",),
    Condition.PARTLY: ("quiescing", "stopping", "restarting"),
    Condition.RESTARTING: ("restarting", "stopped"),
    Condition.RESTORING: ("restoring",),
}
"""What the record says in each condition, where both agree."""
LAUNCH = timedelta(seconds=90)
"""Between the creation of an ActionSet and the start of its action, which names the run."""


class Arm(enum.Enum):
    """State of the dead man's switch."""

    ABSENT = "absent"
    IDLE = "idle"
    ARMED = "armed"
    STARTING = "starting"
    """Scaled up, but its pod is not Ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A judged sighting."""

    condition: Condition
    headline: str
    since: str
    """Time, such as `2026-01-02T03:04:05Z`; empty where nothing tells."""
    run: str
    """Start of the action that stopped it, as Kanister gives it."""
    action_set: ActionSet | None
    """Of that run, or the one that is running."""
    arm: Arm
    remarks: tuple[str, ...]
    """Where record and cluster differ, and what else is odd."""
    next: tuple[str, ...]
    """What to do, a line each; commands stand alone on a line."""
    sighting: Sighting

    @property
    def runs(self) -> bool:
        """Whether every node serves, and nothing of ours is left to undo."""
        return self.condition in (Condition.RUNNING, Condition.PAUSED)


def judge(seen: Sighting) -> Status:
    """Say what state a Kafka is in."""
    condition = _condition(seen)
    record = seen.record or {}
    agrees = record.get("state", "") in RECORDED.get(condition, ())
    since = record.get("since", "") if agrees else ""
    if not since and seen.kafka:
        since = seen.kafka.since
    # Once it is brought back, the run is history.
    run = "" if record.get("state", "") in ("", "running") else record.get("run", "")
    arm = _arm(seen)
    return Status(
        condition=condition,
        headline=_headline(condition, seen),
        since=since,
        run=run,
        action_set=_action_set(seen, run),
        arm=arm,
        remarks=tuple(_remarks(seen, condition, arm, agrees=agrees)),
        next=advice(condition, seen),
        sighting=seen,
    )


def _condition(seen: Sighting) -> Condition:
    kafka, work = seen.kafka, seen.work
    restoring = (seen.record or {}).get("state") == "restoring"
    if kafka is None:
        return Condition.RESTORING if restoring and work else Condition.GONE
    if restoring and not seen.serving:
        return Condition.RESTORING
    if kafka.pause_before or any(w.replicas_before for w in seen.workloads):
        return _marked(seen, paused=kafka.paused)
    if any(writer.quiesced for writer in seen.writers):
        if work is Work.STOPPING:
            return Condition.QUIESCING
        return Condition.RESTARTING if work or not seen.serving else Condition.QUIESCED
    recorded = (seen.record or {}).get("state", "")
    if work is Work.STARTING and (recorded not in ("", "running") or not seen.serving):
        return Condition.RESTARTING
    if seen.serving and work is Work.STOPPING and recorded in ("quiescing", "stopping"):
        return Condition.QUIESCING
    if seen.serving:
        return Condition.PAUSED if kafka.paused else Condition.RUNNING
    return Condition.DEGRADED if seen.there else Condition.DOWN


def _marked(seen: Sighting, *, paused: bool) -> Condition:
    """Judge a Kafka that has our memo: some backup has begun to stop it, or not ended a restart."""
    if seen.work is Work.STARTING:
        return Condition.RESTARTING
    if seen.work is Work.STOPPING:
        return Condition.STOPPING
    if not paused:  # the operator brings it back by itself, nobody puts the rest in order
        return Condition.PARTLY if seen.serving else Condition.RESTARTING
    return Condition.PARTLY if seen.there else Condition.STOPPED


def _headline(condition: Condition, seen: Sighting) -> str:
    target = seen.target
    quiesced = ", ".join(str(writer) for writer in seen.writers if writer.quiesced)
    others = f"; stopped beside it: {quiesced}" if quiesced else ""
    nodes = f"{sum(w.ready for w in seen.workloads)} of {seen.expected} nodes are Ready"
    words = {
        Condition.RUNNING: f"runs, {nodes}",
        Condition.PAUSED: f"runs, {nodes}; its reconciliation is paused by somebody else",
        Condition.QUIESCING: f"runs; what writes into it is being stopped{others}",
        Condition.QUIESCED: f"runs, but what writes into it is stopped{others}",
        Condition.STOPPING: f"is being stopped, {nodes}{others}",
        Condition.STOPPED: f"is stopped by a backup{others}",
        Condition.PARTLY: f"is partly stopped by a backup, {nodes}, and nothing is at work{others}",
        Condition.RESTARTING: f"is coming back, {nodes}{others}",
        Condition.RESTORING: f"is being restored, {nodes}",
        Condition.DEGRADED: f"is partly down, not by us: {nodes}",
        Condition.DOWN: "is down, not by us: it has no pods",
        Condition.GONE: "does not exist: there is no such Kafka resource",
    }
    return f"Kafka {target} {words[condition]}"


def _arm(seen: Sighting) -> Arm:
    if seen.switch is None:
        return Arm.ABSENT
    if not seen.switch.replicas:
        return Arm.IDLE
    return Arm.ARMED if seen.switch.ready else Arm.STARTING


def _action_set(seen: Sighting, run: str) -> ActionSet | None:
    """Find the ActionSet that is at work, or else that of the run: made just before it began."""
    jobs = {task.job for task in seen.tasks if task.phase and task.job}
    for found in seen.action_sets:
        if found.job in jobs if jobs else not found.ended:
            return found
    began = moment(run)
    if began is None:
        return None
    for found in seen.action_sets:  # the latest first
        made = moment(found.created)
        if made is not None and timedelta(seconds=-1) <= began - made <= LAUNCH:
            return found
    return None


def _remarks(seen: Sighting, condition: Condition, arm: Arm, *, agrees: bool) -> list[str]:
    found = []
    record, kafka = seen.record, seen.kafka
    found += [one.text for one in seen.unusable_scripts]
    if seen.others:
        found.append(f"namespace {seen.target.namespace} has Kafka {', '.join(seen.others)}")
    if record is None and seen.blueprint:
        found.append(f"the record, ConfigMap {seen.target.record}, is gone")
    elif record and not agrees and condition is not Condition.GONE:
        state, since = record.get("state") or "nothing", record.get("since", "")
        since = f" since {since}" if since else ""
        found.append(f'the record says "{state}"{since}; what the cluster shows counts')
    if kafka and kafka.held:
        found += held_words(kafka.held)
    if kafka and kafka.why_not and not kafka.ready:
        found.append(f"the operator says {kafka.why_not}")
    if kafka and kafka.paused and not kafka.acknowledged:
        found.append("the operator has not acknowledged the pause: does it run?")
    if condition in (Condition.STOPPED, Condition.PARTLY, Condition.STOPPING):
        if arm in (Arm.ABSENT, Arm.IDLE):
            found.append("no dead man's switch is armed: nothing brings it back by itself")
        elif arm is Arm.STARTING:
            found.append("the dead man's switch is scaled up, but its pod is not Ready")
    lost = [found for found in seen.action_sets if not found.ended and found.state.value]
    if lost and not seen.tasks:
        names = ", ".join(action_set.name for action_set in lost)
        found.append(f"called running by Kanister, but without a task pod now: {names}")
    if record:
        found += _last_stop(record)
    if condition is Condition.RUNNING:
        idle = (record or {}).get("state", "running") == "running"
        if arm in (Arm.ARMED, Arm.STARTING) and idle:
            found.append("the dead man's switch is still up; it puts itself away")
        elif kafka and kafka.restart_by and idle:
            found.append("an annotation of the dead man's switch is left over")
    return found


def _last_stop(record: Mapping[str, str]) -> list[str]:
    """Return what the last stop, or what came after it, has to say of its backup."""
    words = {
        "unclean": "the last stop was not clean: {}",
        "growing": "topics grew at the last stop although known writers had stopped: {}",
        "seenRunning": "somebody brought it back while it was to stay stopped, {}",
    }
    return [text.format(record[key]) for key, text in words.items() if record.get(key)]


def moment(text: str) -> datetime | None:
    """Read a time as Kubernetes and Kanister write it, with any number of decimals."""
    try:
        read = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return None
    return read.replace(tzinfo=timezone.utc)
