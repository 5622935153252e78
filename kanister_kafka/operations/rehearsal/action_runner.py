"""Actions of the Blueprint, run through Kanister for a rehearsal and measured phase by phase."""

from __future__ import annotations

from collections.abc import Callable

from kanister_kafka.errors import ActionError, ForbiddenError, NotFoundError, TransientError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.kube.wait import retry
from kanister_kafka.operations.action_follower import FollowedAction, Follower
from kanister_kafka.operations.actionset import JOB_LABEL, kanister_resource, read_action_set
from kanister_kafka.operations.events import (
    ActionFinished,
    ActionResult,
    ApiRecovered,
    ApiUnavailable,
    Heartbeat,
    LogLine,
    PhaseFinished,
    PhaseStarted,
    PodProblem,
)
from kanister_kafka.operations.rehearsal.context import LABEL, RehearsalContext, Stopwatch
from kanister_kafka.operations.rehearsal.model import RehearsalStage
from kanister_kafka.operations.start_action import ActionRequest, start_action

DOES = {
    "quiesce": "check, keep ids, stop what writes",
    "flush": "write page caches to the volumes",
    "pause": "pause, stop the operators of the Kafka",
    "stop": "pause, stop brokers, then the quorum",
    "compare": "see that nothing has moved",
    "recover": "see that the stop went well",
    "switch": "arm the watchdog",
}
"""The title of each phase of the stop, for people."""
START_PAUSES = (1, 1, 1, 1)
"""Seconds between tries to create an ActionSet."""
OnActionLine = Callable[[str], None]


class ActionRunner:
    """The two actions of one rehearsal; each has an ActionSet of its own, found by its label."""

    def __init__(
        self,
        connection: KubeClient,
        context: RehearsalContext,
        stopwatch: Stopwatch,
        on_line: OnActionLine,
    ) -> None:
        self._connection = connection
        self._context = context
        self._stopwatch = stopwatch
        self._on_line = on_line
        self.stages: dict[str, RehearsalStage] = {}
        """Phases that began, by name."""
        self.names: dict[str, str] = {}
        """Name of the ActionSet of each action."""

    def begin(self, action: str) -> FollowedAction:
        """Create the ActionSet of an action, or find it if it was created already."""
        request = ActionRequest(
            target=self._context.target, action=action, blueprint=self._context.blueprint
        )

        def start() -> FollowedAction:
            return self.find(action) or start_action(
                self._connection, request, job=self._job(action)
            )

        followed = retry(start, START_PAUSES, clock=self._stopwatch.clock)
        self.names[action] = followed.action_set.name
        self._on_line(f"{action}: ActionSet {followed.action_set.name}")
        return followed

    def find(self, action: str) -> FollowedAction | None:
        """Find the ActionSet of an action."""
        context, resource = self._context, kanister_resource(self._connection, "ActionSet")
        label = f"{JOB_LABEL}={self._job(action)}"
        for item in self._connection.items(resource, context.blueprint.namespace, label):
            return FollowedAction(
                action_set=read_action_set(item),
                resource=resource,
                job=self._job(action),
                namespace=context.target.namespace,
                cluster=context.target.name,
                tasks=context.blueprint.actions[action],
            )
        return None

    def follow(
        self,
        followed: FollowedAction,
        on_look: Callable[[], object] | None = None,
        *,
        timeout: float,
    ) -> ActionFinished:
        """Follow an action to its end and measure its phases; `on_look` is called at every look."""
        finished = ActionFinished(ActionResult.TIMEOUT, "")
        for event in Follower(
            self._connection, followed, timeout=timeout, clock=self._stopwatch.clock
        ).events():
            match event:
                # one that was seen before it was interrupted keeps its start
                case PhaseStarted(phase) if phase not in self.stages:
                    self.stages[phase] = RehearsalStage(
                        name=phase, does=DOES.get(phase, ""), start=self._stopwatch(), end=None
                    )
                    self._on_line(f"{phase}: begun")
                case PhaseFinished(phase, ok, _) if self.stages[phase].end is None:
                    self._ended(phase, ok=ok)
                case LogLine(_, _, text):
                    self._on_line(f"  {text}")
                case PodProblem(_, reason):
                    self._on_line(f"  {reason}")
                case ApiUnavailable(reason):
                    self._on_line(f"the API server is away, asking again: {reason}")
                case ApiRecovered():
                    self._on_line("the API server answers again")
                case Heartbeat():
                    if on_look is not None:
                        on_look()
                case ActionFinished():
                    finished = event
        return finished

    def delete(self) -> tuple[str, ...]:
        """Delete the ActionSets that have ended; return those that are left."""
        remaining = []
        for action in self._context.blueprint.actions:
            followed = self.find(action)
            if followed is None:
                continue
            action_set = followed.action_set
            if action_set.ended or not action_set.phases:
                try:
                    self._connection.delete(
                        followed.resource, action_set.name, action_set.namespace
                    )
                except NotFoundError:
                    continue
                except (ForbiddenError, TransientError) as failure:
                    remaining.append(
                        f"ActionSet {action_set.namespace}/{action_set.name}: {failure}"
                    )
            else:
                remaining.append(
                    f"ActionSet {action_set.namespace}/{action_set.name}, which still runs"
                )
        return tuple(remaining)

    def _ended(self, phase: str, *, ok: bool) -> None:
        stage, now = self.stages[phase], self._stopwatch()
        self.stages[phase] = RehearsalStage(
            name=stage.name, does=stage.does, start=stage.start, end=now, failed=not ok
        )
        self._on_line(f"{phase}: {'done' if ok else 'FAILED'} after {now - stage.start:.1f}s")

    def _job(self, action: str) -> str:
        return f"{LABEL.rpartition('/')[2]}-{self._context.id}-{action}"


def check_action_result(finished: ActionFinished, action: str) -> None:
    """Raise ActionError if an action did not end well."""
    if finished.end is not ActionResult.DONE:
        raise ActionError(
            f"{action} {finished.end.value}: {finished.reason or 'no reason is known'}"
        )
