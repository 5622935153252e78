"""From an ActionSet on its way to events, until nothing more will come of it."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kanister_kafka.backup.options import HOLD
from kanister_kafka.errors import ConflictError, ForbiddenError, NotFoundError, TransientError
from kanister_kafka.kube.client import PODS, ApiResource, KubeClient, Objects
from kanister_kafka.kube.objects import PodReadiness, read_readiness
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock
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
from kanister_kafka.operations.provenance import context_flag
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.strimzi.retention import DELAY, HeldRetention


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowIntervals:
    """How often to look, and after how long something counts as dead; seconds."""

    poll: float = 0.5
    take: float = 30
    """For a controller to take an ActionSet up."""
    defer: float = 15
    """For the deferPhase of an action that failed to begin: it never does if the action could
    not be launched."""
    ended: float = 30
    """For Kanister to notice that the container of a task has ended; it looks every second or so
    and takes the pod away."""
    idle: float = 60
    """For a phase to have no pod at all."""
    last: float = 5
    """For the last lines of a log to arrive."""


class FollowLoop(abc.ABC):
    """Looks at a live cluster again and again and yields events, until an ActionFinished.

    An API server that is away for a while is reported once and outlasted.
    """

    def __init__(
        self,
        connection: KubeClient,
        namespace: str,
        *,
        logs: bool,
        timeout: float | None,
        interval: float,
        last: float,
        clock: Clock,
    ) -> None:
        self.connection = connection
        self.timeout = timeout
        self.clock = clock
        self.outage = ApiOutage(clock)
        self._interval = interval
        self._last = last
        self._show_logs = logs
        self._logs = task_pods.TaskPodLogs(connection, namespace, clock)
        self._reported: set[str] = set()
        """Starts of the problems of pods that were reported."""
        self._problem = ""
        """The latest one."""

    def events(self) -> Iterator[Event]:
        """Yield what happens; the last one is ActionFinished.

        Raises every error of KubeClient except TransientError.
        """
        begun = self.clock.now()
        yield from self.first_events()
        while True:
            end = None
            try:
                events, end = self.look()
            except TransientError as failure:
                yield from self.outage.away(failure)
            else:
                yield from self.outage.back()
                yield from events
            if end is not None:
                self._logs.close(self._last)
                yield from self.lines(0)
                yield from self.last_events(end)
                return
            if self.timeout is not None and self.clock.now() - begun > self.timeout:
                yield ActionFinished(ActionResult.TIMEOUT, self.timeout_reason())
                return
            yield from self.lines(self._interval)

    def first_events(self) -> Iterable[Event]:
        """Return what is known before the first look."""
        return ()

    @abc.abstractmethod
    def look(self) -> tuple[Iterable[Event], ActionFinished | None]:
        """Ask the cluster once; return what is new, and the end if this is it."""

    def last_events(self, end: ActionFinished) -> Iterable[Event]:
        """Return what ends the events, after the last lines of the logs."""
        return (end,)

    @abc.abstractmethod
    def timeout_reason(self) -> str:
        """Return why it is not done yet."""

    def pod_problem(self, phase: str, reason: str) -> Iterator[PodProblem]:
        """Report why a pod cannot start, if it is not reported yet."""
        if reason and reason[:80] not in self._reported:
            self._reported.add(reason[:80])
            self._problem = reason
            yield PodProblem(phase, reason)

    def lines(self, seconds: float) -> Iterator[LogLine]:
        """Yield the lines of the pods that arrive within this time."""
        for line in self._logs.read(seconds):
            if task_pods.FAILED.search(line.text):
                self.script_failed(line)
            yield line

    @abc.abstractmethod
    def script_failed(self, line: LogLine) -> None:
        """Take in the line in which a script gives the reason of its failure."""


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


class Follower(FollowLoop):
    """Follows one ActionSet."""

    def __init__(
        self,
        connection: KubeClient,
        action: FollowedAction,
        *,
        logs: bool = True,
        timeout: float | None = None,
        intervals: FollowIntervals | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.intervals = intervals or FollowIntervals()
        super().__init__(
            connection,
            action.namespace,
            logs=logs,
            timeout=timeout,
            interval=self.intervals.poll,
            last=self.intervals.last,
            clock=clock,
        )
        self.action = action
        self.observed = action.action_set
        """As it was last seen."""
        self._begun = self._alive = clock.now()
        self._phase_starts: dict[str, float] = {}
        self._ended_phases: set[str] = set()
        self._failures: dict[str, str] = {}
        """Of each phase the last line in which its script gives a reason."""
        self._may_list = True

    def look(self) -> tuple[Iterable[Event], ActionFinished | None]:
        """Read pods and ActionSet, and compare them with the last reading."""
        # Pods first: one that is seen belongs to the phase that is seen after it, or to an older.
        pods, readiness = self._pods()
        action_set = self.action.action_set
        try:
            item = self.connection.get(self.action.resource, action_set.name, action_set.namespace)
        except NotFoundError:
            reason = f"ActionSet {self.observed.name} was deleted"
            return (), ActionFinished(ActionResult.GONE, reason)
        reading = read_action_set(item)
        now = self.clock.now()
        at_work = any(not task_pods.is_over(pod) for pod in pods)
        if self.outage.lost or at_work or reading.version != self.observed.version:
            self._alive = now
        before = self.observed
        self.observed = reading
        events = [*self._compare(before, pods), Heartbeat(readiness)]
        return events, self._end(now - self._begun, now - self._alive, pods)

    def last_events(self, end: ActionFinished) -> Iterable[Event]:
        """Give the reason as the script has printed it, if it has."""
        if end.end is ActionResult.DONE:
            return (ActionFinished(end.end, ""),)
        if end.end is not ActionResult.FAILED:
            return (end,)
        failed = [phase.name for phase in self.observed.phases if phase.state is ActionState.FAILED]
        for name in failed:  # the first one is the cause
            if name in self._failures:
                return (ActionFinished(end.end, task_pods.reason_in(self._failures[name])),)
        return (ActionFinished(end.end, task_pods.reason_in(end.reason)),)

    def timeout_reason(self) -> str:
        """Return the limit, and the last problem of a pod."""
        problem = f"; {self._problem}" if self._problem else ""
        return f"not done within {self.timeout:g} s{problem}"

    def script_failed(self, line: LogLine) -> None:
        """Keep the last reason of each phase."""
        self._failures[line.phase] = line.text

    def _pods(self) -> tuple[Objects, PodReadiness | None]:
        """Return the task pods of this action, and how many nodes of Kafka are Ready."""
        if not self._may_list:
            return (), None
        action = self.action
        try:
            pods = self.connection.items(PODS, action.namespace, task_pods.LABEL)
            readiness = read_readiness(
                self.connection, action.namespace, action.cluster, action.nodes
            )
        except ForbiddenError:
            self._may_list = False
            return (), None
        since = action.action_set.created
        run_pods = [pod for pod in pods if task_pods.belongs_to_run(pod, action.job, since)]
        return tuple(run_pods), readiness

    def _compare(self, before: ActionSet, pods: Objects) -> Iterator[Event]:
        if not self._may_list and "pods" not in self._reported:
            self._reported.add("pods")
            namespace = self.action.namespace
            yield PodProblem(
                "", f"pods of namespace {namespace} may not be listed: no output is shown"
            )
        names = tuple(phase.name for phase in self.observed.phases)
        if names and names != tuple(phase.name for phase in before.phases):
            yield PhasesDiscovered(names)
        for phase in self.observed.phases:
            yield from self._phase(phase)
        running = self.observed.running.name if self.observed.running else ""
        for pod in pods:
            pod_phase = task_pods.phase_of(pod, self.action.cluster)
            phase_name = pod_phase if pod_phase in names else running
            if self._show_logs and task_pods.has_started(pod):
                self._logs.follow(pod["metadata"]["name"], phase_name)
            yield from self.pod_problem(phase_name, task_pods.pod_problem(pod))

    def _phase(self, phase: ActionPhase) -> Iterator[Event]:
        now = self.clock.now()
        name = phase.name
        waits = phase.state in (ActionState.PENDING, ActionState.UNTAKEN)
        if waits or name in self._ended_phases:
            return
        if name not in self._phase_starts:
            self._phase_starts[name] = now
            yield PhaseStarted(name)
        if phase.state in (ActionState.COMPLETE, ActionState.FAILED):
            self._ended_phases.add(name)
            yield from self.lines(0)
            complete = phase.state is ActionState.COMPLETE
            yield PhaseFinished(name, complete, now - self._phase_starts[name])

    def _end(self, age: float, idle: float, pods: Objects) -> ActionFinished | None:
        """Return how it has ended, if it has; `age` and `idle` are seconds."""
        action_set, intervals = self.observed, self.intervals
        if action_set.ended:
            is_complete = action_set.state is ActionState.COMPLETE
            return ActionFinished(
                ActionResult.DONE if is_complete else ActionResult.FAILED, action_set.error
            )
        if action_set.state is ActionState.UNTAKEN:
            return self._untaken() if age > intervals.take else None
        if (
            action_set.state is ActionState.FAILED
            and action_set.running is None
            and idle > intervals.defer
        ):
            return ActionFinished(ActionResult.FAILED, action_set.error)
        return self._lost(idle, pods)

    def _untaken(self) -> ActionFinished | None:
        """Delete it unless a controller has come to it in this very moment."""
        action_set = self.observed
        try:
            self.connection.delete(
                self.action.resource,
                action_set.name,
                action_set.namespace,
                version=action_set.version,
            )
        except ConflictError:
            return None
        except TransientError as failure:
            reason = (
                f"ActionSet {action_set.name} could not be deleted and may start later: {failure}"
            )
            return ActionFinished(ActionResult.UNTAKEN, reason)
        return ActionFinished(
            ActionResult.UNTAKEN, f"no controller took it up within {self.intervals.take:g} s"
        )

    def _lost(self, idle: float, pods: Objects) -> ActionFinished | None:
        running = self.observed.running
        if running is not None and running.name not in self.action.tasks:
            return None  # a function that needs no pod
        if not self._may_list:
            return None
        what = f"phase {running.name}" if running else "the next phase"
        if pods and idle > self.intervals.ended:
            return ActionFinished(
                ActionResult.LOST, f"the pod of {what} has ended and the controller has not noticed"
            )
        if not pods and idle > self.intervals.idle:
            return ActionFinished(
                ActionResult.LOST, f"{what} has had no pod for {self.intervals.idle:g} s"
            )
        return None


# Messages for the end of following: what goes on in the cluster, and what to do about it.


def status_command(target: KafkaRef, context: str = "") -> str:
    """Return the command that shows the state of a Kafka."""
    return f"kanister-kafka status {target.name} -n {target.namespace}{context_flag(context)}"


def resume_command(target: KafkaRef, context: str = "") -> str:
    """Return the command that brings a Kafka back."""
    return f"kanister-kafka resume {target.name} -n {target.namespace}{context_flag(context)}"


def release_command(target: KafkaRef, context: str = "") -> str:
    """Return the command that ends the hold of a restored Kafka's retention."""
    arguments = f"{target.name} -n {target.namespace}{context_flag(context)}"
    return f"kanister-kafka release-retention {arguments}"


def held_message(hold: HeldRetention) -> tuple[str, ...]:
    """Return lines about a hold of the retention, and about changes to it."""
    if hold.damaged:
        return ("RETENTION may be held since a restore: its annotation is damaged",)
    since = f"since {hold.since}"
    if not hold.holds:
        return (
            f"RETENTION IS NO LONGER HELD, though a restore has held it {since}: {DELAY} in "
            "spec.kafka.config was changed, and what has passed its retention is deleted",
        )
    long = "" if hold.retention == HOLD else f", of records {hold.retention} after each start"
    first = f"RETENTION IS HELD {since} by a restore{long}: nothing is deleted and volumes grow"
    if hold.changed:
        return (first, f"changed since: {', '.join(hold.changed)}")
    return (first,)


def delete_command(action_set: ActionSet, context: str = "") -> str:
    """Return the command that takes an ActionSet away."""
    arguments = f"{action_set.name} -n {action_set.namespace}{context_flag(context)}"
    return f"kubectl delete actionset {arguments}"


RESTORES = ("restore", "beforeRestore", "afterRestore")
"""Actions after whose failure Kafka must not start before a restore has succeeded."""
PREHOOK = "backupPrehook"
STOPS = ("backup", PREHOOK, "backupPosthook", "resume")
"""Actions after whose failure Kafka, or a client, may have to be started."""


def still_running_message(
    target: KafkaRef, action_set: ActionSet, context: str = ""
) -> tuple[str, ...]:
    """Return what goes on in the cluster when no one follows it any longer."""
    position = f"in phase {action_set.running.name}" if action_set.running else "between two phases"
    lines = (
        f"ActionSet {action_set.namespace}/{action_set.name} runs on in the cluster, "
        f"{position} when last seen.",
        f"  look:        {status_command(target, context)}",
    )
    if action_set.action in STOPS:
        return lines + (f"  restart it:  {resume_command(target, context)}",)
    if action_set.action not in RESTORES:
        return lines
    watch = f"kubectl get actionset {action_set.name} -n {action_set.namespace} -w"
    return lines + (
        f"  wait for it: {watch}{context_flag(context)}",
        "Kafka must not start before the restore has ended. If it fails, run it again.",
    )


def remedy_message(
    end: ActionResult, target: KafkaRef, action_set: ActionSet, context: str = ""
) -> tuple[str, ...]:
    """Return what to do after an end other than success, failure and timeout."""
    look = ("look", status_command(target, context))
    away = ("delete it", delete_command(action_set, context))
    after = []
    if action_set.action in STOPS:
        after = [("restart it", resume_command(target, context))]
    elif action_set.action in RESTORES:
        after = [("then", "run the restore again; Kafka must not start before it has succeeded")]
    match end:
        case ActionResult.UNTAKEN:
            return (
                "The Kanister controller does not seem to run, or looks at another namespace.",
                "The ActionSet was deleted, so that it does not start later.",
                f"look: kubectl get pods -n {action_set.namespace}{context_flag(context)}",
            )
        case ActionResult.LOST:
            # A restore is refused while another ActionSet has not ended.
            is_restore = action_set.action in RESTORES
            steps = [look, away] + after if is_restore else [look] + after + [away]
            lines = [
                "The Kanister controller restarted and no longer tracks this action:",
                'its state stays "running", and nothing is at work in the cluster now.',
            ]
            for number, (word, command) in enumerate(steps, start=1):
                lines.append(f"{number}. {f'{word}:':11} {command}")
            return tuple(lines)
        case ActionResult.GONE:
            lines = ["The ActionSet was deleted, so its action was aborted."]
            lines += [f"{f'{word}:':11} {command}" for word, command in [look] + after]
            return tuple(lines)
        case _:
            line = f"look: {status_command(target, context)}"
            if action_set.action == PREHOOK and not any(p.deferred for p in action_set.phases):
                return ("The watchdog restarts what this run has stopped.", line)
            return (line,)
