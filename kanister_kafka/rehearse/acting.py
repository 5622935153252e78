"""Actions of the Blueprint, run through Kanister for a rehearsal and measured phase by phase."""

from __future__ import annotations

import time
from collections.abc import Callable

from kanister_kafka.errors import ActionError, ForbiddenError, NotFoundError, TransientError
from kanister_kafka.kube.connection import Connection
from kanister_kafka.rehearse.model import Stage
from kanister_kafka.rehearse.setting import LABEL, Setting
from kanister_kafka.run.actionset import JOB_LABEL, read_action_set
from kanister_kafka.run.events import Away, Back, Began, End, Ended, Over, Printed, Tick, Trouble
from kanister_kafka.run.follow import Follower, Watched
from kanister_kafka.run.start import Wanted, action_sets, start

DOES = {
    "quiesce": "check, keep ids, stop what writes",
    "flush": "write page caches to the volumes",
    "stop": "pause, stop brokers, then the quorum",
    "recover": "see that the stop went well",
    "switch": "arm the dead man's switch",
}
"""What each phase of the stop is, for people to read."""
TRIES = 5
Tell = Callable[[str], None]


class Acting:
    """The two actions of one rehearsal; each has an ActionSet of its own, found by its label."""

    def __init__(
        self, connection: Connection, setting: Setting, now: Callable[[], float], tell: Tell
    ) -> None:
        self._connection, self._setting, self._now, self._tell = connection, setting, now, tell
        self.stages: dict[str, Stage] = {}
        """Phases that began, by name."""
        self.names: dict[str, str] = {}
        """Name of the ActionSet of each action."""

    def begin(self, action: str) -> Watched:
        """Create the ActionSet of an action, or find it where it was created already."""
        wanted = Wanted(
            target=self._setting.target, action=action, blueprint=self._setting.blueprint
        )
        for left in reversed(range(TRIES)):
            try:
                found = self.find(action)
                watched = found or start(self._connection, wanted, job=self._job(action))
            except TransientError:
                if not left:
                    raise
                time.sleep(1)
            else:
                self.names[action] = watched.action_set.name
                self._tell(f"{action}: ActionSet {watched.action_set.name}")
                return watched
        raise AssertionError("unreachable")

    def find(self, action: str) -> Watched | None:
        """Find the ActionSet of an action."""
        setting, resource = self._setting, action_sets(self._connection)
        label = f"{JOB_LABEL}={self._job(action)}"
        for item in self._connection.items(resource, setting.blueprint.namespace, label):
            return Watched(
                action_set=read_action_set(item),
                resource=resource,
                job=self._job(action),
                namespace=setting.target.namespace,
                cluster=setting.target.name,
                tasks=setting.blueprint.actions[action],
            )
        return None

    def follow(
        self, watched: Watched, each: Callable[[], object] | None = None, *, timeout: float
    ) -> Over:
        """Follow an action to its end and measure its phases; `each` is called at every look."""
        over = Over(End.TIMEOUT, "")
        for event in Follower(self._connection, watched, timeout=timeout).events():
            match event:
                case Began(phase) if phase not in self.stages:  # seen before it was interrupted
                    self.stages[phase] = Stage(
                        name=phase, does=DOES.get(phase, ""), start=self._now(), end=None
                    )
                    self._tell(f"{phase}: begun")
                case Ended(phase, ok, _) if self.stages[phase].end is None:
                    self._ended(phase, ok=ok)
                case Printed(_, _, text):
                    self._tell(f"  {text}")
                case Trouble(_, reason):
                    self._tell(f"  {reason}")
                case Away(reason):
                    self._tell(f"the API server is away, asking again: {reason}")
                case Back():
                    self._tell("the API server answers again")
                case Tick():
                    if each is not None:
                        each()
                case Over():
                    over = event
        return over

    def delete(self) -> tuple[str, ...]:
        """Delete the ActionSets that have ended; return those that are left."""
        left = []
        for action in self._setting.blueprint.actions:
            found = self.find(action)
            if found is None:
                continue
            made = found.action_set
            if made.ended or not made.phases:
                try:
                    self._connection.delete(found.resource, made.name, made.namespace)
                except NotFoundError:
                    continue
                except (ForbiddenError, TransientError) as failure:
                    left.append(f"ActionSet {made.namespace}/{made.name}: {failure}")
            else:
                left.append(f"ActionSet {made.namespace}/{made.name}, which still runs")
        return tuple(left)

    def _ended(self, phase: str, *, ok: bool) -> None:
        was, now = self.stages[phase], self._now()
        self.stages[phase] = Stage(
            name=was.name, does=was.does, start=was.start, end=now, failed=not ok
        )
        self._tell(f"{phase}: {'done' if ok else 'FAILED'} after {now - was.start:.1f}s")

    def _job(self, action: str) -> str:
        return f"{LABEL.rpartition('/')[2]}-{self._setting.id}-{action}"


def check(over: Over, action: str) -> None:
    """Raise ActionError where an action did not end well."""
    if over.end is not End.DONE:
        raise ActionError(f"{action} {over.end.value}: {over.reason or 'no reason is known'}")
