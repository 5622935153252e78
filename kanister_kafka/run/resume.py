"""Bringing a Kafka back by the dead man's switch, with or without Kanister being alive.

The switch is a Deployment whose pod runs the same restart as the Blueprint, with its own rights, at
the time that an annotation of the Kafka names. To resume is to name the present, and to have a pod.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

from kanister_kafka import marks
from kanister_kafka.errors import ActionError, NotFoundError, TransientError
from kanister_kafka.kube.connection import PODS, Connection, Objects
from kanister_kafka.run import tasks
from kanister_kafka.run.condition import Condition
from kanister_kafka.run.events import (
    Began,
    End,
    Ended,
    Event,
    Known,
    Over,
    Printed,
    Tick,
    Trouble,
)
from kanister_kafka.run.nodes import Nodes
from kanister_kafka.run.patience import Patience
from kanister_kafka.run.sight import Sight
from kanister_kafka.run.sighting import Sighting
from kanister_kafka.run.status import Status, judge
from kanister_kafka.run.target import DEPLOYMENTS, served

WAIT = "wait"
"""For what is at work already, and the pod of the switch."""
PHASE = "switch"
"""Name of the phase that the pod of the switch runs, as its lines begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often is looked, and after how long something counts as dead; seconds."""

    poll: float = 1
    quiet: float = 15
    """Without any task pod, for an ActionSet that is called running to count as forgotten."""
    put_away: float = 20
    """For a switch that has put itself away, before what is left counts as failed."""
    last: float = 3


def nothing_to_do(status: Status) -> bool:
    """Tell whether the cluster runs and nothing of ours is left on it."""
    seen = status.sighting
    kafka, switch, record = seen.kafka, seen.switch, seen.record or {}
    up = switch is not None and switch.replicas > 0
    left = bool(kafka and kafka.restart_by) or up or record.get("state", "") not in ("", "running")
    return status.runs and not left and seen.work is None


def check(status: Status) -> None:
    """Raise ActionError where a resume cannot help, saying what would."""
    seen, target = status.sighting, status.sighting.target
    needs = "\n".join(status.next)
    if status.condition in (Condition.GONE, Condition.RESTORING):
        raise ActionError(f"{status.headline}.\n{needs}")
    recorded = (seen.record or {}).get("state", "")
    if status.condition is Condition.DEGRADED and recorded in ("", "running"):
        raise ActionError(f"{status.headline}: nothing here to undo.\n{needs}")
    if seen.switch is None:
        raise ActionError(
            f"there is no Deployment {target.switch} in namespace {target.namespace}: "
            "the dead man's switch, whose pod brings the cluster back.\n"
            "Put it there, and resume again:\n"
            f"  kanister-kafka apply --from-cluster {target.name} -n {target.namespace}"
        )
    unusable = [one.text for one in seen.unusable_scripts if one.kind == "Deployment"]
    if unusable and not seen.switch.ready:  # a pod that runs has its scripts
        lines = "\n".join(unusable)
        raise ActionError(f"the dead man's switch cannot start without its scripts.\n{lines}")


class Resumption:
    """Brings one Kafka back and follows it until every node serves."""

    def __init__(
        self,
        connection: Connection,
        sight: Sight,
        *,
        logs: bool = True,
        timeout: float | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.connection, self.sight, self.timeout = connection, sight, timeout
        self.target = sight.target
        self.pace = pace or Pace()
        self.armed = False
        """Whether the switch was set off."""
        self._show_logs = logs
        self._logs = tasks.Logs(connection, self.target.namespace)
        self._told: set[str] = set()
        self._failure = ""
        self._quiet_since: float | None = None
        self._done_since: float | None = None

    def events(self) -> Iterator[Event]:
        """Yield what happens; the last one is Over. The first error that is for good is raised."""
        patience, begun = Patience(), time.monotonic()
        yield Known((WAIT, PHASE))
        yield Began(WAIT)
        while True:
            try:
                seen, pods = self.sight.look(), self._pods()
                over = self._over(seen)
                set_off = not (over or self.armed) and self._free(seen)
                if set_off:
                    self._arm()
            except TransientError as failure:
                yield from patience.away(failure)
            else:
                yield from patience.back()
                yield Tick(Nodes(seen.there, sum(w.ready for w in seen.workloads), seen.expected))
                if set_off:
                    yield Ended(WAIT, ok=True, seconds=time.monotonic() - begun)
                    begun_here = time.monotonic()
                    yield Began(PHASE)
                yield from self._troubles(pods)
                if over:
                    self._logs.close(self.pace.last)
                    yield from self._lines(0)
                    if self.armed:
                        ok = over.end is End.DONE
                        yield Ended(PHASE, ok, time.monotonic() - begun_here)
                    yield over
                    return
            if self.timeout is not None and time.monotonic() - begun > self.timeout:
                yield Over(End.TIMEOUT, self._failure or f"not done within {self.timeout:g} s")
                return
            yield from self._lines(self.pace.poll)

    def _free(self, seen: Sighting) -> bool:
        """Tell whether nothing is at work; an ActionSet may be between two phases."""
        now = time.monotonic()
        working = [task for task in seen.tasks if task.phase]
        for task in working:
            if self._show_logs:
                self._logs.follow(task.pod, WAIT)
        open_ones = any(not found.ended for found in seen.action_sets)
        if working or self._quiet_since is None:
            self._quiet_since = now
        return not working and (not open_ones or now - self._quiet_since > self.pace.quiet)

    def _arm(self) -> None:
        """Name the present, then have a pod: a switch without the first would put itself away."""
        target = self.target
        kafkas = served(self.connection, "Kafka")
        if kafkas is None:
            raise NotFoundError("Strimzi is not installed on this cluster")
        now = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        due = {"metadata": {"annotations": {marks.RESTART_BY: now}}}
        self.connection.patch(kafkas, target.name, target.namespace, due)
        one = {"spec": {"replicas": 1}}
        self.connection.patch(
            DEPLOYMENTS, target.switch, target.namespace, one, subresource="scale"
        )
        self.armed = True

    def _forget(self) -> None:
        """Take off the time that nobody waits for any more."""
        kafkas = served(self.connection, "Kafka")
        if kafkas is not None:
            due = {"metadata": {"annotations": {marks.RESTART_BY: None}}}
            self.connection.patch(kafkas, self.target.name, self.target.namespace, due)

    def _pods(self) -> Objects:
        """Return the pods of the switch, by the labels that its Deployment selects."""
        if not self.armed:
            return ()
        target = self.target
        found = self.connection.find(DEPLOYMENTS, target.switch, target.namespace)
        labels = (found or {}).get("spec", {}).get("selector", {}).get("matchLabels") or {}
        if not labels:
            return ()
        for condition in (found or {}).get("status", {}).get("conditions") or ():
            if condition.get("type") == "ReplicaFailure":  # by quota or admission
                self._failure = condition.get("message", "")
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        return self.connection.items(PODS, target.namespace, selector)

    def _troubles(self, pods: Objects) -> Iterator[Event]:
        reasons = [tasks.trouble(pod) for pod in pods]
        for reason in (*reasons, self._failure):
            if reason and reason[:80] not in self._told:
                self._told.add(reason[:80])
                yield Trouble(PHASE, reason)
        for pod in pods:
            if self._show_logs and tasks.started(pod):
                runs = (s.get("restartCount", 0) for s in pod["status"]["containerStatuses"])
                self._logs.follow(pod["metadata"]["name"], PHASE, run=max(runs))

    def _over(self, seen: Sighting) -> Over | None:
        if seen.kafka is None:
            return Over(End.GONE, f"Kafka {self.target} was deleted meanwhile")
        if nothing_to_do(judge(seen)):
            return Over(End.DONE, "")
        if not self.armed:
            return None
        if seen.switch is None:
            return Over(End.GONE, f"Deployment {self.target.switch} was deleted meanwhile")
        if seen.switch.replicas:
            self._done_since = None
            return None
        now = time.monotonic()
        self._done_since = self._done_since or now
        if now - self._done_since <= self.pace.put_away:
            return None
        if judge(seen).runs:  # somebody else's restart ended as this one was asked for
            self._forget()
            return Over(End.DONE, "")
        return Over(End.FAILED, f"the switch has put itself away, but {judge(seen).headline}")

    def _lines(self, seconds: float) -> Iterator[Printed]:
        end = time.monotonic() + seconds
        while True:
            try:
                line = self._logs.lines.get(timeout=max(0.001, end - time.monotonic()))
            except queue.Empty:
                return
            if tasks.FAILED.search(line.text):
                self._failure = tasks.reason_in(line.text)
                self._told.add(self._failure[:80])
            yield line
