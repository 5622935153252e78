"""One short-lived pod as the steps have it: the only check that writes, and only where asked to."""

from __future__ import annotations

import copy
import re
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kanister_kafka.constants import COMPONENT, MANAGED_BY
from kanister_kafka.errors import (
    ForbiddenError,
    KanisterKafkaError,
    NotFoundError,
    RejectedError,
    TransientError,
    UnreachableError,
)
from kanister_kafka.kube.client import Object
from kanister_kafka.kube.objects import condition, get_path, name_of
from kanister_kafka.operations.preflight.model import OptionalRead, PullTestResult, forbidden

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient

LIMIT = 120
"""Seconds until the pod must have run."""
COMMAND = ["bash", "-c", "kubectl version --client"]
HOPELESS = (
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
)
"""Reasons of a waiting container that time does not mend. ErrImagePull is not among them: it
becomes ImagePullBackOff when the second try failed."""
NOT_YOURS = re.compile("cannot (create|get) resource")
"""In a refusal by RBAC; that of Pod Security or of a quota has the same code."""


def pull_test_pod(blueprint: Object, cluster: str, namespace: str) -> Object:
    """Return a pod as Kanister makes it for the first phase of a rendered Blueprint.

    Kanister's KubeTask merges podOverride into a pod with one container named `container`
    (pkg/kube/pod.go).
    """
    phase = next(iter(blueprint["actions"].values()))["phases"][0]
    arguments = phase["args"]
    spec: Object = copy.deepcopy(arguments.get("podOverride") or {})
    labels = {**(arguments.get("podLabels") or {}), MANAGED_BY: COMPONENT}
    annotations: Object = arguments.get("podAnnotations") or {}
    override: Object = next(
        (c for c in spec.get("containers") or () if c["name"] == "container"), {}
    )
    container = {**override, "name": "container", "image": arguments["image"], "command": COMMAND}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{cluster}-kanister-kafka-pull-{secrets.token_hex(3)}",
            "namespace": namespace,
            "labels": labels,
            **({"annotations": annotations} if annotations else {}),
        },
        "spec": {
            **spec,
            "containers": [container],
            "restartPolicy": "Never",
            "activeDeadlineSeconds": LIMIT + 30,  # it ends even if nobody deletes it
        },
    }


def pull_test(
    connection: KubeClient,
    pod: Object,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> OptionalRead[PullTestResult]:
    """Run a pod, wait for its end, and delete it whatever happens."""
    name, namespace = name_of(pod), pod["metadata"]["namespace"]
    right = f"create, get and delete pods in namespace {namespace}"
    pods = connection.kind("v1", "Pod")
    left = ""
    try:  # from the creation on: without an answer to it the pod may be there all the same
        further = _further(pod, connection.create(pod))
        last: Object = {}
        ran, said = False, ""
        if not further:  # else it would run for ever
            last, ran, said = _follow(lambda: connection.get(pods, name, namespace), sleep, clock)
        said = _first_line(connection, name, namespace) if ran else said
    except (ForbiddenError, RejectedError) as refusal:
        if NOT_YOURS.search(str(refusal)):
            return OptionalRead(None, forbidden("whether the image can be pulled", right, refusal))
        return OptionalRead(PullTestResult(pod="", node="", ran=False, said=str(refusal)))
    finally:
        left = _delete(lambda: connection.delete(pods, name, namespace), sleep)
    node = str(get_path(last, "spec", "nodeName") or "")
    return OptionalRead(
        PullTestResult(pod=name, node=node, ran=ran, said=said, further=further, left=left)
    )


def _further(asked: Object, made: Object) -> tuple[str, ...]:
    """Return the containers of a pod that were not asked for, such as the proxy of a service mesh.

    One that is an init container with `restartPolicy: Always` ends with the pod's own containers.
    """
    mine = {container["name"] for container in get_path(asked, "spec", "containers") or ()}
    found = (str(one.get("name")) for one in get_path(made, "spec", "containers") or ())
    return tuple(name for name in found if name not in mine)


def _first_line(connection: KubeClient, name: str, namespace: str) -> str:
    try:
        return next(connection.log(name, namespace), "its output is empty")
    except UnreachableError:  # to run is what counts, and whoever may create may not read
        return "its output could not be read"


def _follow(
    get: Callable[[], Object], sleep: Callable[[float], None], clock: Callable[[], float]
) -> tuple[Object, bool, str]:
    """Return the pod as last seen, whether it has run, and why not."""
    end = clock() + LIMIT
    seen: Object = {}
    why = "the API server did not answer"
    while clock() < end:
        try:
            seen = get()
        except TransientError as failure:
            why = str(failure)
            sleep(1)
            continue
        except NotFoundError:
            return seen, False, "somebody deleted the pod"
        phase = get_path(seen, "status", "phase")
        state = get_path((get_path(seen, "status", "containerStatuses") or [{}])[0], "state") or {}
        if phase == "Succeeded":
            return seen, True, ""
        if phase == "Failed":
            return seen, False, _ended(seen, state)
        why, hopeless = _waits(seen, state)
        if hopeless:
            return seen, False, why
        sleep(1)
    return seen, False, f"not within {LIMIT}s: {why}"


def _ended(pod: Object, state: Object) -> str:
    code = get_path(state, "terminated", "exitCode")
    reason = get_path(state, "terminated", "reason") or get_path(pod, "status", "reason") or ""
    message = get_path(state, "terminated", "message") or get_path(pod, "status", "message") or ""
    return ": ".join(str(part) for part in (reason, message or f"exit code {code}") if part)


def _waits(pod: Object, state: Object) -> tuple[str, bool]:
    waiting: Any = state.get("waiting") or {}
    if waiting.get("reason"):
        said = ": ".join(filter(None, (waiting["reason"], waiting.get("message"))))
        return said, waiting["reason"] in HOPELESS
    placed = condition(pod, "PodScheduled")
    if placed.get("status") == "False":
        return f"{placed.get('reason')}: {placed.get('message')}", False
    return f"it is {get_path(pod, 'status', 'phase') or 'not started'}", False


def _delete(delete: Callable[[], None], sleep: Callable[[float], None]) -> str:
    """Delete the pod; return why it may still be there."""
    failed = ""
    for _ in range(5):
        try:
            delete()
        except NotFoundError:
            return ""
        except TransientError as failure:
            failed = str(failure)
            sleep(1)
        except KanisterKafkaError as refusal:
            return str(refusal)
        else:
            return ""
    return failed
