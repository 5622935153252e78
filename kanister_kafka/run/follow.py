"""From an ActionSet on its way to events, until nothing more will come of it."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass

from kanister_kafka.errors import ConflictError, ForbiddenError, NotFoundError, TransientError
from kanister_kafka.kube.connection import PODS, Connection, Objects, Resource
from kanister_kafka.run import nodes, tasks
from kanister_kafka.run.actionset import ActionSet, Phase, State, read_action_set
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
from kanister_kafka.run.patience import Patience


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
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
class Watched:
    """What is followed."""

    action_set: ActionSet
    resource: Resource
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
        connection: Connection,
        watched: Watched,
        *,
        logs: bool = True,
        timeout: float | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.connection, self.watched, self.timeout = connection, watched, timeout
        self.pace = pace or Pace()
        self.seen = watched.action_set
        """As it was last seen."""
        self._show_logs = logs
        self._logs = tasks.Logs(connection, watched.namespace)
        self._began: dict[str, float] = {}
        self._ended: set[str] = set()
        self._told: set[str] = set()
        self._last_words: dict[str, str] = {}
        self._may_list = True
        self._trouble = ""

    def events(self) -> Iterator[Event]:
        """Yield what happens; the last one is Over. The first error that is for good is raised."""
        begun = alive = time.monotonic()
        patience = Patience()
        while True:
            try:
                pods, seen, count = self._look()
            except TransientError as failure:
                yield from patience.away(failure)
            except NotFoundError:
                yield from self._rest()
                yield Over(End.GONE, f"ActionSet {self.seen.name} was deleted")
                return
            else:
                now = time.monotonic()
                at_work = any(not tasks.over(pod) for pod in pods)
                if patience.lost or at_work or seen.version != self.seen.version:
                    alive = now
                yield from patience.back()
                yield from self._compare(seen, pods)
                yield Tick(count)
                if over := self._over(now - begun, now - alive, pods):
                    yield from self._rest()
                    yield self._worded(over)
                    return
            if self.timeout is not None and time.monotonic() - begun > self.timeout:
                why = f"; {self._trouble}" if self._trouble else ""
                yield Over(End.TIMEOUT, f"not done within {self.timeout:g} s{why}")
                return
            yield from self._lines(self.pace.poll)

    def _look(self) -> tuple[Objects, ActionSet, nodes.Nodes | None]:
        # Pods first: one that is seen belongs to the phase that is seen after it, or to an older.
        watched, count = self.watched, None
        pods: Objects = ()
        if self._may_list:
            try:
                pods = self.connection.items(PODS, watched.namespace, tasks.LABEL)
                count = nodes.look(
                    self.connection, watched.namespace, watched.cluster, watched.nodes
                )
            except ForbiddenError:
                self._may_list = False
        name, home = watched.action_set.name, watched.action_set.namespace
        seen = read_action_set(self.connection.get(watched.resource, name, home))
        since = watched.action_set.created
        mine = tuple(pod for pod in pods if tasks.belongs(pod, watched.job, since))
        return mine, seen, count

    def _compare(self, seen: ActionSet, pods: Objects) -> Iterator[Event]:
        before, self.seen = self.seen, seen
        if not self._may_list and "pods" not in self._told:
            self._told.add("pods")
            place = self.watched.namespace
            yield Trouble("", f"pods of namespace {place} may not be listed: no output is shown")
        names = tuple(phase.name for phase in seen.phases)
        if names and names != tuple(phase.name for phase in before.phases):
            yield Known(names)
        for phase in seen.phases:
            yield from self._phase(phase)
        running = seen.running.name if seen.running else ""
        for pod in pods:
            name = pod["metadata"]["name"]
            named = tasks.phase_of(pod, self.watched.cluster)
            phase_name = named if named in names else running
            if self._show_logs and tasks.started(pod):
                self._logs.follow(name, phase_name)
            reason = tasks.trouble(pod)
            if reason and reason[:80] not in self._told:
                self._told.add(reason[:80])
                self._trouble = reason
                yield Trouble(phase_name, reason)

    def _phase(self, phase: Phase) -> Iterator[Event]:
        now = time.monotonic()
        if phase.name in self._ended or phase.state in (State.PENDING, State.UNTAKEN):
            return
        if phase.name not in self._began:
            self._began[phase.name] = now
            yield Began(phase.name)
        if phase.state in (State.COMPLETE, State.FAILED):
            self._ended.add(phase.name)
            yield from self._lines(0)
            yield Ended(phase.name, phase.state is State.COMPLETE, now - self._began[phase.name])

    def _over(self, age: float, idle: float, pods: Objects) -> Over | None:
        seen, pace = self.seen, self.pace
        if seen.ended:
            done = seen.state is State.COMPLETE
            return Over(End.DONE if done else End.FAILED, seen.error)
        if seen.state is State.UNTAKEN:
            return self._untaken() if age > pace.take else None
        if seen.state is State.FAILED and seen.running is None and idle > pace.defer:
            return Over(End.FAILED, seen.error)
        return self._lost(idle, pods)

    def _untaken(self) -> Over | None:
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
            return Over(End.UNTAKEN, left)
        return Over(End.UNTAKEN, f"no controller took it up within {self.pace.take:g} s")

    def _lost(self, idle: float, pods: Objects) -> Over | None:
        running = self.seen.running
        if running is not None and running.name not in self.watched.tasks:
            return None  # a function that needs no pod: nothing can be told
        if not self._may_list:
            return None
        what = f"phase {running.name}" if running else "the next phase"
        if pods and idle > self.pace.ended:
            return Over(End.LOST, f"the pod of {what} has ended and nobody has noticed")
        if not pods and idle > self.pace.idle:
            return Over(End.LOST, f"{what} has had no pod for {self.pace.idle:g} s")
        return None

    def _worded(self, over: Over) -> Over:
        """Give the reason as the script told it, where it is known."""
        if over.end is not End.FAILED:
            return Over(over.end, over.reason if over.end is not End.DONE else "")
        failed = [phase.name for phase in self.seen.phases if phase.state is State.FAILED]
        for name in failed:  # the first one is the cause
            if name in self._last_words:
                return Over(over.end, tasks.reason_in(self._last_words[name]))
        return Over(over.end, tasks.reason_in(over.reason))

    def _rest(self) -> Iterator[Event]:
        self._logs.close(self.pace.last)
        yield from self._lines(0)

    def _lines(self, seconds: float) -> Iterator[Printed]:
        end = time.monotonic() + seconds
        while True:
            try:
                line = self._logs.lines.get(timeout=max(0.001, end - time.monotonic()))
            except queue.Empty:
                return
            if tasks.FAILED.search(line.text):
                self._last_words[line.phase] = line.text
            yield line
