"""Bringing a Kafka back by the watchdog, with or without Kanister being alive.

The watchdog is a Deployment. At the time that an annotation of the Kafka names, its pod runs the
restart of the Blueprint, with its own rights. To resume is to name the present, and to have a pod.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

from kanister_kafka import constants
from kanister_kafka.errors import ActionError, NotFoundError, TransientError
from kanister_kafka.kube.client import PODS, KubeClient, Objects
from kanister_kafka.kube.objects import PodReadiness
from kanister_kafka.operations import task_pods
from kanister_kafka.operations.events import (
    ActionFinished,
    ActionResult,
    ApiOutage,
    Event,
    Heartbeat,
    LogLine,
    PhaseFinished,
    PhasesDiscovered,
    PhaseStarted,
    PodProblem,
)
from kanister_kafka.operations.inspector import ClusterInspector
from kanister_kafka.operations.observed_state import ObservedCluster
from kanister_kafka.operations.status import ClusterStatus, KafkaCondition, assess
from kanister_kafka.strimzi.discovery import DEPLOYMENTS, find_resource

WAIT = "wait"
"""For what is at work already, and the pod of the watchdog."""
PHASE = "switch"
"""Name of the phase that the pod of the watchdog runs, as its lines begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeIntervals:
    """How often is looked, and after how long something counts as dead; seconds."""

    poll: float = 1
    quiet: float = 15
    """Without any task pod, for an ActionSet that is called running to count as forgotten."""
    put_away: float = 20
    """For a watchdog that has put itself away, before what is left counts as failed."""
    last: float = 3


def is_idle(status: ClusterStatus) -> bool:
    """Tell whether the cluster runs and nothing of ours is left on it."""
    seen = status.observed
    kafka, switch, record = seen.kafka, seen.switch, seen.record or {}
    up = switch is not None and switch.replicas > 0
    left = bool(kafka and kafka.restart_by) or up or record.get("state", "") not in ("", "running")
    return status.runs and not left and seen.work is None


def check_resumable(status: ClusterStatus) -> None:
    """Raise ActionError where a resume cannot help, saying what would."""
    seen, target = status.observed, status.observed.target
    needs = "\n".join(status.next)
    if status.condition in (KafkaCondition.GONE, KafkaCondition.RESTORING):
        raise ActionError(f"{status.headline}.\n{needs}")
    recorded = (seen.record or {}).get("state", "")
    if status.condition is KafkaCondition.DEGRADED and recorded in ("", "running"):
        raise ActionError(f"{status.headline}: nothing here to undo.\n{needs}")
    if seen.switch is None:
        raise ActionError(
            f"there is no Deployment {target.switch} in namespace {target.namespace}: "
            "the watchdog, whose pod brings the cluster back.\n"
            "Put it there, and resume again:\n"
            f"  kanister-kafka apply --from-cluster {target.name} -n {target.namespace}"
        )
    unusable = [one.text for one in seen.unusable_scripts if one.kind == "Deployment"]
    if unusable and not seen.switch.ready:  # a pod that runs has its scripts
        lines = "\n".join(unusable)
        raise ActionError(f"the watchdog cannot start without its scripts.\n{lines}")


class Resume:
    """Brings one Kafka back and follows it until every node serves."""

    def __init__(
        self,
        connection: KubeClient,
        inspector: ClusterInspector,
        *,
        logs: bool = True,
        timeout: float | None = None,
        intervals: ResumeIntervals | None = None,
    ) -> None:
        self.connection, self.inspector, self.timeout = connection, inspector, timeout
        self.target = inspector.target
        self.intervals = intervals or ResumeIntervals()
        self.armed = False
        """Whether the watchdog was set off."""
        self._show_logs = logs
        self._logs = task_pods.TaskPodLogs(connection, self.target.namespace)
        self._told: set[str] = set()
        self._failure = ""
        self._quiet_since: float | None = None
        self._done_since: float | None = None

    def events(self) -> Iterator[Event]:
        """Yield what happens; the last one is Over. The first error that is for good is raised."""
        outage, begun = ApiOutage(), time.monotonic()
        yield PhasesDiscovered((WAIT, PHASE))
        yield PhaseStarted(WAIT)
        while True:
            try:
                seen, pods = self.inspector.look(), self._pods()
                over = self._over(seen)
                set_off = not (over or self.armed) and self._free(seen)
                if set_off:
                    self._arm()
            except TransientError as failure:
                yield from outage.away(failure)
            else:
                yield from outage.back()
                yield Heartbeat(
                    PodReadiness(seen.there, sum(w.ready for w in seen.workloads), seen.expected)
                )
                if set_off:
                    yield PhaseFinished(WAIT, ok=True, seconds=time.monotonic() - begun)
                    begun_here = time.monotonic()
                    yield PhaseStarted(PHASE)
                yield from self._troubles(pods)
                if over:
                    self._logs.close(self.intervals.last)
                    yield from self._lines(0)
                    if self.armed:
                        ok = over.end is ActionResult.DONE
                        yield PhaseFinished(PHASE, ok, time.monotonic() - begun_here)
                    yield over
                    return
            if self.timeout is not None and time.monotonic() - begun > self.timeout:
                yield ActionFinished(
                    ActionResult.TIMEOUT, self._failure or f"not done within {self.timeout:g} s"
                )
                return
            yield from self._lines(self.intervals.poll)

    def _free(self, seen: ObservedCluster) -> bool:
        """Tell whether nothing is at work; an ActionSet may be between two phases."""
        now = time.monotonic()
        working = [task for task in seen.tasks if task.phase]
        for task in working:
            if self._show_logs:
                self._logs.follow(task.pod, WAIT)
        open_ones = any(not found.ended for found in seen.action_sets)
        if working or self._quiet_since is None:
            self._quiet_since = now
        return not working and (not open_ones or now - self._quiet_since > self.intervals.quiet)

    def _arm(self) -> None:
        """Name the present, then have a pod: a watchdog without the first would put itself away."""
        target = self.target
        kafkas = find_resource(self.connection, "Kafka")
        if kafkas is None:
            raise NotFoundError("Strimzi is not installed on this cluster")
        now = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        due = {"metadata": {"annotations": {constants.RESTART_DEADLINE: now}}}
        self.connection.patch(kafkas, target.name, target.namespace, due)
        one = {"spec": {"replicas": 1}}
        self.connection.patch(
            DEPLOYMENTS, target.switch, target.namespace, one, subresource="scale"
        )
        self.armed = True

    def _forget(self) -> None:
        """Take off the time that nobody waits for any more."""
        kafkas = find_resource(self.connection, "Kafka")
        if kafkas is not None:
            due = {"metadata": {"annotations": {constants.RESTART_DEADLINE: None}}}
            self.connection.patch(kafkas, self.target.name, self.target.namespace, due)

    def _pods(self) -> Objects:
        """Return the pods of the watchdog, by the labels that its Deployment selects."""
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
        reasons = [task_pods.pod_problem(pod) for pod in pods]
        for reason in (*reasons, self._failure):
            if reason and reason[:80] not in self._told:
                self._told.add(reason[:80])
                yield PodProblem(PHASE, reason)
        for pod in pods:
            if self._show_logs and task_pods.has_started(pod):
                runs = (s.get("restartCount", 0) for s in pod["status"]["containerStatuses"])
                self._logs.follow(pod["metadata"]["name"], PHASE, run=max(runs))

    def _over(self, seen: ObservedCluster) -> ActionFinished | None:
        if seen.kafka is None:
            return ActionFinished(ActionResult.GONE, f"Kafka {self.target} was deleted meanwhile")
        if is_idle(assess(seen)):
            return ActionFinished(ActionResult.DONE, "")
        if not self.armed:
            return None
        if seen.switch is None:
            return ActionFinished(
                ActionResult.GONE, f"Deployment {self.target.switch} was deleted meanwhile"
            )
        if seen.switch.replicas:
            self._done_since = None
            return None
        now = time.monotonic()
        self._done_since = self._done_since or now
        if now - self._done_since <= self.intervals.put_away:
            return None
        if assess(seen).runs:  # somebody else's restart ended as this one was asked for
            self._forget()
            return ActionFinished(ActionResult.DONE, "")
        return ActionFinished(
            ActionResult.FAILED, f"the watchdog has put itself away, but {assess(seen).headline}"
        )

    def _lines(self, seconds: float) -> Iterator[LogLine]:
        for line in self._logs.read(seconds):
            if task_pods.FAILED.search(line.text):
                self._failure = task_pods.reason_in(line.text)
                self._told.add(self._failure[:80])
            yield line
