"""Bringing a Kafka back by the watchdog, with or without Kanister being alive.

The watchdog is a Deployment. At the time that an annotation of the Kafka names, its pod runs the
restart of the Blueprint, with its own rights. A resume sets that time to now, and makes sure that
there is a pod.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

from kanister_kafka import constants
from kanister_kafka.errors import ActionError, ForbiddenError
from kanister_kafka.kube.client import DEPLOYMENTS, PODS, KubeClient, Objects
from kanister_kafka.kube.objects import PodReadiness, condition, get_path
from kanister_kafka.kube.pods import container_statuses
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock
from kanister_kafka.operations import task_pods
from kanister_kafka.operations.action_follower import FollowLoop
from kanister_kafka.operations.events import (
    ActionFinished,
    ActionResult,
    Event,
    Heartbeat,
    LogLine,
    PhaseFinished,
    PhasesDiscovered,
    PhaseStarted,
)
from kanister_kafka.operations.inspector import ClusterInspector
from kanister_kafka.operations.live_kafka import IDLE, LiveKafka
from kanister_kafka.operations.observed_state import ObservedCluster
from kanister_kafka.operations.provenance import context_flag
from kanister_kafka.operations.status import ClusterStatus, KafkaCondition, assess
from kanister_kafka.timestamps import format_second

WAIT = "wait"
"""For actions at work already, and the pod of the watchdog."""
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
    """Return whether the cluster runs and nothing of a backup is left on it."""
    cluster = status.observed
    kafka, watchdog = cluster.kafka, cluster.watchdog
    is_armed = bool(kafka and kafka.restart_by) or bool(watchdog and watchdog.replicas)
    is_over = cluster.recorded_state in IDLE and cluster.work is None
    return status.runs and is_over and not is_armed


def check_resumable(status: ClusterStatus) -> None:
    """Raise ActionError or ForbiddenError, with a remedy, if a resume cannot help."""
    cluster, target = status.observed, status.observed.target
    needs = "\n".join(status.next)
    if status.condition in (KafkaCondition.GONE, KafkaCondition.RESTORING):
        raise ActionError(f"{status.headline}.\n{needs}")
    if status.condition is KafkaCondition.UNKNOWN:
        raise ForbiddenError(f"{status.headline}.\n{needs}")
    if status.condition is KafkaCondition.DEGRADED and cluster.recorded_state in IDLE:
        raise ActionError(f"{status.headline}: nothing here to undo.\n{needs}")
    if cluster.watchdog is None and cluster.origin.is_hot:
        raise ActionError(
            f"the Blueprint of Kafka {target} makes hot backups, which have no watchdog. Run its "
            "action:\n"
            f"  kanister-kafka run resume {target.name} -n {target.namespace}"
            f"{context_flag(cluster.context)}"
        )
    if cluster.watchdog is None:
        raise ActionError(
            f"there is no Deployment {cluster.names.watchdog} in namespace {target.namespace}: "
            "the watchdog, whose pod brings the cluster back.\n"
            "Put it there, and resume again:\n"
            f"  {cluster.origin.apply_command(target, cluster.context)}"
        )
    unusable = [item.text for item in cluster.unusable_scripts if item.kind == "Deployment"]
    if unusable and not cluster.watchdog.ready:  # a pod that runs has its scripts
        lines = "\n".join(unusable)
        raise ActionError(f"the watchdog cannot start without its scripts.\n{lines}")


class Resume(FollowLoop):
    """Brings one Kafka back and follows it until every node serves."""

    def __init__(
        self,
        connection: KubeClient,
        inspector: ClusterInspector,
        *,
        logs: bool = True,
        timeout: float | None = None,
        intervals: ResumeIntervals | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.intervals = intervals or ResumeIntervals()
        self.inspector = inspector
        self.target = inspector.target
        super().__init__(
            connection,
            self.target.namespace,
            logs=logs,
            timeout=timeout,
            interval=self.intervals.poll,
            last=self.intervals.last,
            clock=clock,
        )
        self._kafka = LiveKafka(connection, self.target)
        self.observed: ObservedCluster | None = None
        """As it was last seen."""
        self.armed = False
        """Whether the watchdog was triggered."""
        self._start = clock.now()
        """Of the phase that is under way."""
        self._failure = ""
        """Why the watchdog's pod failed, or cannot be created."""
        self._quiet_since: float | None = None
        self._done_since: float | None = None

    @property
    def watchdog(self) -> str:
        """Name of its Deployment."""
        return self.inspector.names.watchdog

    def first_events(self) -> Iterable[Event]:
        """Begin with the wait for actions at work already."""
        return PhasesDiscovered((WAIT, PHASE)), PhaseStarted(WAIT)

    def look(self) -> tuple[Iterable[Event], ActionFinished | None]:
        """See how far it is, and set the watchdog off once nothing else is at work."""
        cluster, pods = self.inspector.look(), self._pods()
        self.observed = cluster
        end = self._end(cluster)
        ready = sum(workload.ready for workload in cluster.workloads)
        events: list[Event] = [Heartbeat(PodReadiness(cluster.pods, ready, cluster.expected))]
        if end is None and not self.armed and self._is_free(cluster):
            self._arm()
            now = self.clock.now()
            events += [PhaseFinished(WAIT, ok=True, seconds=now - self._start), PhaseStarted(PHASE)]
            self._start = now
        events += self._pod_events(pods)
        return events, end

    def last_events(self, end: ActionFinished) -> Iterable[Event]:
        """End the phase that is under way as well."""
        if self.armed:
            seconds = self.clock.now() - self._start
            yield PhaseFinished(PHASE, end.end is ActionResult.DONE, seconds)
        yield end

    def timeout_reason(self) -> str:
        """Return the reason of the watchdog or of its pods, else the limit."""
        return self._failure or self._problem or f"not done within {self.timeout:g} s"

    def script_failed(self, line: LogLine) -> None:
        """Keep the reason, and do not report it as a problem of a pod too."""
        self._failure = task_pods.reason_in(line.text)
        self._reported.add(self._failure[:80])

    def _is_free(self, cluster: ObservedCluster) -> bool:
        """Return whether nothing is at work; an ActionSet may be between two phases."""
        now = self.clock.now()
        at_work = [task for task in cluster.tasks if task.phase]
        for task in at_work:
            if self._show_logs:
                self._logs.follow(task.pod, WAIT)
        if at_work or self._quiet_since is None:
            self._quiet_since = now
        if cluster.action_sets_known and all(a.ended for a in cluster.action_sets):
            return not at_work
        return not at_work and now - self._quiet_since > self.intervals.quiet

    def _arm(self) -> None:
        """Name the present, then have a pod: a watchdog without the first would put itself away."""
        target = self.target
        now = format_second(datetime.now(timezone.utc))
        due = {"metadata": {"annotations": {constants.RESTART_DEADLINE: now}}}
        self._kafka.patch(due)
        scale = {"spec": {"replicas": 1}}
        self.connection.patch(
            DEPLOYMENTS, self.watchdog, target.namespace, scale, subresource="scale"
        )
        self.armed = True

    def _forget(self) -> None:
        """Take off the time that no one waits for any more."""
        self._kafka.patch({"metadata": {"annotations": {constants.RESTART_DEADLINE: None}}})

    def _pods(self) -> Objects:
        """Return the pods of the watchdog, by the labels that its Deployment selects."""
        if not self.armed:
            return ()
        target = self.target
        deployment = self._kafka.watchdog(self.watchdog) or {}
        labels = get_path(deployment, "spec", "selector", "matchLabels") or {}
        if not labels:
            return ()
        if failure := condition(deployment, "ReplicaFailure"):  # by quota or admission
            self._failure = failure.get("message", "")
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        return self.connection.items(PODS, target.namespace, selector)

    def _pod_events(self, pods: Objects) -> Iterator[Event]:
        for pod in pods:
            yield from self.pod_problem(PHASE, task_pods.pod_problem(pod))
        yield from self.pod_problem(PHASE, self._failure)
        for pod in pods:
            if self._show_logs and task_pods.has_started(pod):
                restarts = max(s.get("restartCount", 0) for s in container_statuses(pod))
                self._logs.follow(pod["metadata"]["name"], PHASE, run=restarts)

    def _end(self, cluster: ObservedCluster) -> ActionFinished | None:
        if cluster.kafka is None:
            return ActionFinished(ActionResult.GONE, f"Kafka {self.target} was deleted meanwhile")
        status = assess(cluster)
        if is_idle(status):
            return ActionFinished(ActionResult.DONE, "")
        if not self.armed:
            if status.condition in (KafkaCondition.RESTORING, KafkaCondition.UNKNOWN):
                return ActionFinished(ActionResult.FAILED, status.headline)
            return None
        if cluster.watchdog is None:
            return ActionFinished(
                ActionResult.GONE, f"Deployment {self.watchdog} was deleted meanwhile"
            )
        if cluster.watchdog.replicas:
            self._done_since = None
            return None
        now = self.clock.now()
        if self._done_since is None:
            self._done_since = now
        if now - self._done_since <= self.intervals.put_away:
            return None
        if status.runs:  # a restart by another client ended as this one was asked for
            self._forget()
            return ActionFinished(ActionResult.DONE, "")
        return ActionFinished(
            ActionResult.FAILED, f"the watchdog has put itself away, but {status.headline}"
        )
