"""From an ActionSet on its way to events, until nothing more will come of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from kanister_kafka.backup.options import HOLD
from kanister_kafka.errors import ConflictError, ForbiddenError, NotFoundError, TransientError
from kanister_kafka.kube import objects
from kanister_kafka.kube.client import PODS, ApiResource, KubeClient, Objects
from kanister_kafka.operations import task_pods
from kanister_kafka.operations.actionset import ActionPhase, ActionSet, ActionState, read_action_set
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
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.strimzi.retention import DELAY, HeldRetention


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowIntervals:
    """How often is looked, and after how long something counts as dead; seconds."""

    poll: float = 0.5
    take: float = 30
    """For a controller to take an ActionSet up."""
    defer: float = 15
    """For the deferPhase of an action that failed to begin: it never does where the action could
    not be launched."""
    ended: float = 30
    """For Kanister to notice that the container of a task has ended; it looks every second or so
    and takes the pod away."""
    idle: float = 60
    """For a phase to have no pod at all."""
    last: float = 5
    """For the last lines of a log to arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedAction:
    """What is followed."""

    action_set: ActionSet
    resource: ApiResource
    """Of ActionSets."""
    job: str
    """Value of its job label."""
    namespace: str
    """Of the Kafka and of the task pods."""
    cluster: str
    tasks: frozenset[str]
    """Phases that run a pod of their own, so that one without a pod is dead."""
    nodes: int | None = None
    """Nodes that the cluster has when it runs."""


class Follower:
    """Follows one ActionSet; an API server that is away for a while is told once and outlasted."""

    def __init__(
        self,
        connection: KubeClient,
        watched: FollowedAction,
        *,
        logs: bool = True,
        timeout: float | None = None,
        intervals: FollowIntervals | None = None,
    ) -> None:
        self.connection, self.watched, self.timeout = connection, watched, timeout
        self.intervals = intervals or FollowIntervals()
        self.seen = watched.action_set
        """As it was last seen."""
        self._show_logs = logs
        self._logs = task_pods.TaskPodLogs(connection, watched.namespace)
        self._began: dict[str, float] = {}
        self._ended: set[str] = set()
        self._told: set[str] = set()
        self._last_words: dict[str, str] = {}
        self._may_list = True
        self._trouble = ""

    def events(self) -> Iterator[Event]:
        """Yield what happens; the last one is Over. The first error that is for good is raised."""
        begun = alive = time.monotonic()
        outage = ApiOutage()
        while True:
            try:
                pods, seen, count = self._look()
            except TransientError as failure:
                yield from outage.away(failure)
            except NotFoundError:
                yield from self._rest()
                yield ActionFinished(ActionResult.GONE, f"ActionSet {self.seen.name} was deleted")
                return
            else:
                now = time.monotonic()
                at_work = any(not task_pods.is_over(pod) for pod in pods)
                if outage.lost or at_work or seen.version != self.seen.version:
                    alive = now
                yield from outage.back()
                yield from self._compare(seen, pods)
                yield Heartbeat(count)
                if over := self._over(now - begun, now - alive, pods):
                    yield from self._rest()
                    yield self._worded(over)
                    return
            if self.timeout is not None and time.monotonic() - begun > self.timeout:
                why = f"; {self._trouble}" if self._trouble else ""
                yield ActionFinished(
                    ActionResult.TIMEOUT, f"not done within {self.timeout:g} s{why}"
                )
                return
            yield from self._lines(self.intervals.poll)

    def _look(self) -> tuple[Objects, ActionSet, objects.PodReadiness | None]:
        # Pods first: one that is seen belongs to the phase that is seen after it, or to an older.
        watched, count = self.watched, None
        pods: Objects = ()
        if self._may_list:
            try:
                pods = self.connection.items(PODS, watched.namespace, task_pods.LABEL)
                count = objects.read_readiness(
                    self.connection, watched.namespace, watched.cluster, watched.nodes
                )
            except ForbiddenError:
                self._may_list = False
        name, home = watched.action_set.name, watched.action_set.namespace
        seen = read_action_set(self.connection.get(watched.resource, name, home))
        since = watched.action_set.created
        mine = tuple(pod for pod in pods if task_pods.belongs_to_run(pod, watched.job, since))
        return mine, seen, count

    def _compare(self, seen: ActionSet, pods: Objects) -> Iterator[Event]:
        before, self.seen = self.seen, seen
        if not self._may_list and "pods" not in self._told:
            self._told.add("pods")
            place = self.watched.namespace
            yield PodProblem("", f"pods of namespace {place} may not be listed: no output is shown")
        names = tuple(phase.name for phase in seen.phases)
        if names and names != tuple(phase.name for phase in before.phases):
            yield PhasesDiscovered(names)
        for phase in seen.phases:
            yield from self._phase(phase)
        running = seen.running.name if seen.running else ""
        for pod in pods:
            name = pod["metadata"]["name"]
            named = task_pods.phase_of(pod, self.watched.cluster)
            phase_name = named if named in names else running
            if self._show_logs and task_pods.has_started(pod):
                self._logs.follow(name, phase_name)
            reason = task_pods.pod_problem(pod)
            if reason and reason[:80] not in self._told:
                self._told.add(reason[:80])
                self._trouble = reason
                yield PodProblem(phase_name, reason)

    def _phase(self, phase: ActionPhase) -> Iterator[Event]:
        now = time.monotonic()
        if phase.name in self._ended or phase.state in (ActionState.PENDING, ActionState.UNTAKEN):
            return
        if phase.name not in self._began:
            self._began[phase.name] = now
            yield PhaseStarted(phase.name)
        if phase.state in (ActionState.COMPLETE, ActionState.FAILED):
            self._ended.add(phase.name)
            yield from self._lines(0)
            yield PhaseFinished(
                phase.name, phase.state is ActionState.COMPLETE, now - self._began[phase.name]
            )

    def _over(self, age: float, idle: float, pods: Objects) -> ActionFinished | None:
        seen, intervals = self.seen, self.intervals
        if seen.ended:
            done = seen.state is ActionState.COMPLETE
            return ActionFinished(ActionResult.DONE if done else ActionResult.FAILED, seen.error)
        if seen.state is ActionState.UNTAKEN:
            return self._untaken() if age > intervals.take else None
        if seen.state is ActionState.FAILED and seen.running is None and idle > intervals.defer:
            return ActionFinished(ActionResult.FAILED, seen.error)
        return self._lost(idle, pods)

    def _untaken(self) -> ActionFinished | None:
        """Delete it unless a controller has come to it in this very moment."""
        seen, resource = self.seen, self.watched.resource
        path = (*resource.base, "namespaces", seen.namespace, resource.plural, seen.name)
        same = {"preconditions": {"resourceVersion": seen.version}}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", **same}
        try:
            self.connection.ask("DELETE", path, body=body)
        except ConflictError:
            return None
        except TransientError as failure:
            left = f"ActionSet {seen.name} could not be deleted and may start later: {failure}"
            return ActionFinished(ActionResult.UNTAKEN, left)
        return ActionFinished(
            ActionResult.UNTAKEN, f"no controller took it up within {self.intervals.take:g} s"
        )

    def _lost(self, idle: float, pods: Objects) -> ActionFinished | None:
        running = self.seen.running
        if running is not None and running.name not in self.watched.tasks:
            return None  # a function that needs no pod: nothing can be told
        if not self._may_list:
            return None
        what = f"phase {running.name}" if running else "the next phase"
        if pods and idle > self.intervals.ended:
            return ActionFinished(
                ActionResult.LOST, f"the pod of {what} has ended and nobody has noticed"
            )
        if not pods and idle > self.intervals.idle:
            return ActionFinished(
                ActionResult.LOST, f"{what} has had no pod for {self.intervals.idle:g} s"
            )
        return None

    def _worded(self, over: ActionFinished) -> ActionFinished:
        """Give the reason as the script told it, where it is known."""
        if over.end is not ActionResult.FAILED:
            return ActionFinished(
                over.end, over.reason if over.end is not ActionResult.DONE else ""
            )
        failed = [phase.name for phase in self.seen.phases if phase.state is ActionState.FAILED]
        for name in failed:  # the first one is the cause
            if name in self._last_words:
                return ActionFinished(over.end, task_pods.reason_in(self._last_words[name]))
        return ActionFinished(over.end, task_pods.reason_in(over.reason))

    def _rest(self) -> Iterator[Event]:
        self._logs.close(self.intervals.last)
        yield from self._lines(0)

    def _lines(self, seconds: float) -> Iterator[LogLine]:
        for line in self._logs.read(seconds):
            if task_pods.FAILED.search(line.text):
                self._last_words[line.phase] = line.text
            yield line


# What a person is told when following ends: what goes on, and what to do about it.


def status_command(target: KafkaRef) -> str:
    """Return the command that says what state a Kafka is in."""
    return f"kanister-kafka status {target.name} -n {target.namespace}"


def resume_command(target: KafkaRef) -> str:
    """Return the command that brings a Kafka back."""
    return f"kanister-kafka resume {target.name} -n {target.namespace}"


def release_command(target: KafkaRef) -> str:
    """Return the command that ends the hold of a restored Kafka's retention."""
    return f"kanister-kafka release-retention {target.name} -n {target.namespace}"


def held_message(held: HeldRetention) -> tuple[str, ...]:
    """Say that retention is held, and where somebody has undone it."""
    if held.damaged:
        return ("RETENTION may be held since a restore: the annotation that tells is damaged",)
    since = f"since {held.since}"
    if not held.holds:
        return (
            f"RETENTION IS NO LONGER HELD, though a restore has held it {since}: somebody has "
            f"changed {DELAY} in spec.kafka.config, and what has passed its retention is deleted",
        )
    long = "" if held.retention == HOLD else f", of records {held.retention} after each start"
    found = f"RETENTION IS HELD {since} by a restore{long}: nothing is deleted and volumes grow"
    if held.changed:
        return (found, f"somebody has changed since: {', '.join(held.changed)}")
    return (found,)


def delete_command(action_set: ActionSet) -> str:
    """Return the command that takes an ActionSet away."""
    return f"kubectl delete actionset {action_set.name} -n {action_set.namespace}"


def still_running_message(target: KafkaRef, seen: ActionSet) -> tuple[str, ...]:
    """Say what goes on in the cluster when nobody follows it any longer."""
    where = f"in phase {seen.running.name}" if seen.running else "between two phases"
    return (
        f"ActionSet {seen.namespace}/{seen.name} runs on in the cluster, {where} when last seen.",
        f"  look:          {status_command(target)}",
        f"  bring it back: {resume_command(target)}",
    )


def remedy_message(end: ActionResult, target: KafkaRef, seen: ActionSet) -> tuple[str, ...]:
    """Say what to do after an end that is none of ours to choose."""
    match end:
        case ActionResult.UNTAKEN:
            return (
                "The Kanister controller does not seem to run, or looks at another namespace.",
                "The ActionSet was deleted, so that it does not start later by surprise.",
                f"look: kubectl get pods -n {seen.namespace}",
            )
        case ActionResult.LOST:
            return (
                "A controller that is restarted forgets what it ran and calls it running for ever:",
                "nothing is at work in the cluster now.",
                f"1. look:            {status_command(target)}",
                f"2. bring it back:   {resume_command(target)}",
                f"3. take it away:    {delete_command(seen)}",
            )
        case ActionResult.GONE:
            return (
                "Who deletes an ActionSet ends its action where it is.",
                f"look:          {status_command(target)}",
                f"bring it back: {resume_command(target)}",
            )
        case _:
            return (f"look: {status_command(target)}",)
