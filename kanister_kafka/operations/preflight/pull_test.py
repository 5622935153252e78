"""One short-lived pod as the steps have it: the only check that writes, and only if asked to."""

from __future__ import annotations

import copy
import re
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from kanister_kafka.constants import COMPONENT, MANAGED_BY
from kanister_kafka.errors import (
    ForbiddenError,
    KanisterKafkaError,
    NotFoundError,
    RejectedError,
    UnreachableError,
)
from kanister_kafka.kube.client import Object
from kanister_kafka.kube.objects import get_path, name_of
from kanister_kafka.kube.pods import HOPELESS, PULL, container_statuses, wait_for_phase
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock, retry
from kanister_kafka.operations.preflight.model import OptionalRead, PullTestResult, forbidden

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient

LIMIT = 120
"""Seconds until the pod must have run."""
COMMAND = ["bash", "-c", "kubectl version --client"]
ENDED = ("Succeeded", "Failed")
DELETE_PAUSES = (1, 1, 1, 1)
"""Seconds between tries to delete the pod."""
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
            "activeDeadlineSeconds": LIMIT + 30,  # it ends even if no one deletes it
        },
    }


def pull_test(
    connection: KubeClient, pod: Object, *, clock: Clock = SYSTEM_CLOCK
) -> OptionalRead[PullTestResult]:
    """Run a pod, wait for its end, and delete it in any case."""
    name, namespace = name_of(pod), pod["metadata"]["namespace"]
    right = f"create, get and delete pods in namespace {namespace}"
    pods = connection.kind("v1", "Pod")
    leftover = ""
    try:  # from the creation on: without an answer to it the pod may still be there
        added = _added_containers(pod, connection.create(pod))
        last: Object = {}
        ran, output = False, ""
        if not added:  # else it would run forever
            last, ran, output = _run_to_end(lambda: connection.get(pods, name, namespace), clock)
        output = _first_line(connection, name, namespace) if ran else output
    except (ForbiddenError, RejectedError) as refusal:
        if NOT_YOURS.search(str(refusal)):
            return OptionalRead(None, forbidden("whether the image can be pulled", right, refusal))
        return OptionalRead(PullTestResult(pod="", node="", ran=False, output=str(refusal)))
    finally:
        leftover = _delete(lambda: connection.delete(pods, name, namespace), clock)
    node = str(get_path(last, "spec", "nodeName") or "")
    return OptionalRead(
        PullTestResult(
            pod=name, node=node, ran=ran, output=output, added_containers=added, leftover=leftover
        )
    )


def _added_containers(request: Object, pod: Object) -> tuple[str, ...]:
    """Return the containers of a pod that were not requested, such as a proxy of a service mesh.

    One that is an init container with `restartPolicy: Always` ends with the pod's own containers.
    """
    mine = {container["name"] for container in get_path(request, "spec", "containers") or ()}
    found = (str(one.get("name")) for one in get_path(pod, "spec", "containers") or ())
    return tuple(name for name in found if name not in mine)


def _first_line(connection: KubeClient, name: str, namespace: str) -> str:
    try:
        return next(connection.log(name, namespace), "its output is empty")
    except UnreachableError:  # to run is what counts, and a user who may create may not read
        return "its output could not be read"


def _run_to_end(get: Callable[[], Object], clock: Clock) -> tuple[Object, bool, str]:
    """Return the pod as last seen, whether it has run, and why not."""
    try:
        done = wait_for_phase(
            get, ENDED, timeout=LIMIT, interval=1, hopeless=HOPELESS + PULL[1:], clock=clock
        )
    except NotFoundError:
        return {}, False, "the pod was deleted by another client"
    if not done.reached:
        return (
            done.pod,
            False,
            done.reason if done.hopeless else f"not within {LIMIT}s: {done.reason}",
        )
    if get_path(done.pod, "status", "phase") == "Failed":
        return done.pod, False, _ended(done.pod)
    return done.pod, True, ""


def _ended(pod: Object) -> str:
    """Return why a pod failed: what its container reports, else the kubelet."""
    statuses = container_statuses(pod) or [{}]
    ended = get_path(statuses[0], "state", "terminated") or {}
    reason = ended.get("reason") or get_path(pod, "status", "reason")
    message = ended.get("message") or get_path(pod, "status", "message")
    parts = (reason, message or f"exit code {ended.get('exitCode')}")
    return ": ".join(str(part) for part in parts if part)


def _delete(delete: Callable[[], None], clock: Clock) -> str:
    """Delete the pod; return why it may still be there."""
    try:
        retry(delete, DELETE_PAUSES, clock=clock)
    except NotFoundError:
        return ""
    except KanisterKafkaError as failure:
        return str(failure)
    return ""
