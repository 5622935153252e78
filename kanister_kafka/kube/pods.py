"""Pods that this tool starts: why one does not run yet, the wait until one does, and its log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from kanister_kafka.errors import TransientError, one_line
from kanister_kafka.kube.client import PODS, KubeClient, Object
from kanister_kafka.kube.objects import condition, get_path
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock, Grace, poll

STARTING = ("ContainerCreating", "PodInitializing")
"""Reasons to wait that are not a problem (the kubelet's kubelet_pods.go)."""
PULL = ("ErrImagePull", "ImagePullBackOff")
"""The same problem, in turns."""
HOPELESS = ("ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError")
"""Reasons that do not go away by themselves."""
MAX_POD_MESSAGE = 300
"""Characters of a message of the kubelet or the scheduler that are printed."""

POLL_S = 0.5
"""Seconds between two requests if the API server does not answer."""
ANSWERED_S = 120.0
"""Seconds within which the API server must answer while a pod is followed."""


@dataclass(frozen=True, slots=True)
class WaitReason:
    """Why a pod does not run."""

    reason: str = ""
    """As the kubelet or the scheduler names it, such as `ImagePullBackOff`; empty if unknown."""
    message: str = ""
    image: str = ""
    """Image of the container that waits."""

    def __str__(self) -> str:
        return one_line(": ".join(filter(None, (self.reason, self.message))), MAX_POD_MESSAGE)


def wait_reason(pod: Object) -> WaitReason:
    """Return why a pod does not run: what a waiting container reports, or the scheduler."""
    waits = WaitReason()
    for container in container_statuses(pod):
        waiting = get_path(container, "state", "waiting") or {}
        if waiting.get("reason") and waits.reason in ("", *STARTING):
            waits = WaitReason(
                str(waiting["reason"]),
                str(waiting.get("message") or ""),
                str(container.get("image") or ""),
            )
    if waits.reason:
        return waits
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        unscheduled = str(scheduled.get("reason") or "not scheduled")
        return WaitReason(unscheduled, str(scheduled.get("message") or ""))
    return WaitReason()


def container_statuses(pod: Object) -> list[Object]:
    """Return the statuses of a pod's containers; none before the kubelet has seen the pod."""
    return list(get_path(pod, "status", "containerStatuses") or ())


def image_tag(image: str) -> str:
    """Return the tag of an image; empty if it has none."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


@dataclass(frozen=True, slots=True)
class PodWait:
    """How the wait for a phase of a pod ended."""

    pod: Object
    """As it was last seen; empty if it never was."""
    reached: bool
    reason: str = ""
    """Why the phase was not reached."""
    hopeless: bool = False
    """Whether the wait ended early, because the reason does not go away."""


def wait_for_phase(
    find: Callable[[], Object | None],
    phases: Collection[str],
    *,
    timeout: float,
    interval: float,
    hopeless: Collection[str] = HOPELESS,
    complaints: Collection[str] = (),
    grace: float = 0,
    clock: Clock = SYSTEM_CLOCK,
) -> PodWait:
    """Wait until a pod is in one of these phases.

    A reason of `hopeless` ends the wait at once, one of `complaints` if it stays for longer than
    `grace` seconds. `find` returns None while there is no pod.
    """
    last = PodWait({}, reached=False, reason="the API server did not answer")
    patience = Grace(grace, clock)

    def look() -> PodWait | None:
        nonlocal last
        try:
            pod = find()
        except TransientError as failure:
            last = PodWait(last.pod, reached=False, reason=str(failure))
            return None
        if pod is None:
            last = PodWait({}, reached=False, reason="its pod was not created")
            return None
        phase = get_path(pod, "status", "phase")
        if phase in phases:
            return PodWait(pod, reached=True)
        waits = wait_reason(pod)
        text = str(waits) or f"the pod is {phase or 'not started'}"
        too_long = patience.is_over(complains=waits.reason in complaints)
        last = PodWait(pod, reached=False, reason=text)
        if too_long or waits.reason in hopeless:
            return PodWait(pod, reached=False, reason=text, hopeless=True)
        return None

    return poll(look, timeout=timeout, interval=interval, clock=clock) or last


def follow_log(
    connection: KubeClient, pod: str, namespace: str, *, clock: Clock = SYSTEM_CLOCK
) -> Iterator[str]:
    """Yield the lines of a pod until it ends.

    A pod may print nothing for longer than a request may take: its log is then followed again.
    Raises TransientError if the API server does not answer any more, NotFoundError if the pod is
    gone.
    """
    delivered = 0
    while True:
        try:
            for number, text in enumerate(connection.log(pod, namespace)):
                if number >= delivered:
                    delivered = number + 1
                    yield text
            return
        except TransientError:
            is_there = poll(
                lambda: connection.get(PODS, pod, namespace),
                timeout=ANSWERED_S,
                interval=POLL_S,
                clock=clock,
            )
            if not is_there:
                raise
