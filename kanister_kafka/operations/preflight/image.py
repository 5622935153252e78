"""Whether the pods of the steps will find their image, and may run it; the pull test."""

from __future__ import annotations

import copy
import re
import secrets
from collections.abc import Callable, Iterator
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
from kanister_kafka.kube.objects import annotation, get_path, is_true, join_limited, name_of, titles
from kanister_kafka.kube.pod_options import (
    MAX_SKEW,
    PodOptions,
    image_for,
    minor_of_client,
    minor_of_image,
)
from kanister_kafka.kube.pods import HOPELESS, PULL, container_statuses, wait_for_phase
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock, retry
from kanister_kafka.operations.preflight.cluster_facts import ClusterFacts, preflight_check
from kanister_kafka.operations.preflight.model import (
    CheckLine,
    OptionalRead,
    PullTestResult,
    failed,
    forbidden,
    passed,
    warned,
)

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient

MAX_IMAGES = 50
"""How many images a kubelet reports by default (`nodeStatusMaxImages`), the largest first."""
UNPULLED = ("ImagePull", "ErrImage", "InvalidImage")
"""Starts of the reasons of a kubelet that has no image."""
UID_RANGE = "openshift.io/sa.scc.uid-range"
"""On a namespace of OpenShift: first user id and how many, as `1000680000/10000`."""


@preflight_check("image")
def image(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that the image is pinned, and on every node that may run the steps."""
    if view.planned is None:
        return
    desired = view.planned.plan.options.image
    name, _, digest = desired.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    if not digest and tag in ("", "latest"):
        yield warned(
            f"image {desired} is not pinned: each run may pull another one",
            "give --image with a version or a digest",
        )
    if view.planned.pulled is not None and view.planned.pulled.unreadable is None:
        return  # a better proof than a list of images
    nodes = [node for node in view.planned.nodes.get() if _takes_pods(node)]
    without = [node for node in nodes if not _has(node, desired)]
    pull = view.command("check", f"{view.options} --pull".strip())
    if not nodes:
        yield failed("no node takes pods", view.kubectl("get nodes"))
    elif not without:
        yield passed(f"image {desired} is on {_all(len(nodes))} that may run the steps")
    else:
        full = any(len(get_path(node, "status", "images") or ()) >= MAX_IMAGES for node in without)
        yield warned(
            f"image {desired} is not known to be on {join_limited(map(name_of, without))}, "
            "and whether it "
            "can be pulled shows when it is"
            + (f"; a node reports {MAX_IMAGES} images at most" if full else ""),
            pull,
            objects=titles(without),
        )


@preflight_check("image-pull")
def image_pull(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that a pod as the steps have it has run, if that was asked for."""
    if view.planned is None or view.planned.pulled is None:
        return
    pull_result = view.planned.pulled.get()
    pod = (f"Pod {view.namespace}/{pull_result.pod}",) if pull_result.pod else ()
    on = f" on node {pull_result.node}" if pull_result.node else ""
    if pull_result.added_containers:
        yield failed(
            "a pod as the steps have it gets further containers, and a step would wait for their "
            f"end forever: {', '.join(pull_result.added_containers)}",
            "exclude these pods from the injection of containers: --pod-label, --pod-annotation",
            objects=pod,
        )
    elif pull_result.ran:
        yield passed(f"a pod as the steps have it ran{on}: {pull_result.output}", objects=pod)
    else:
        remedy = ""
        if pull_result.output.startswith(UNPULLED):
            remedy = "let the nodes pull it, or give another one with --image"
        elif "serviceaccount" in pull_result.output:
            remedy = view.apply
        yield failed(
            f"a pod as the steps have it did not run{on}: {pull_result.output}", remedy, objects=pod
        )
    if pull_result.leftover:
        yield warned(
            f"that pod could not be deleted: {pull_result.leftover}",
            view.kubectl(f"delete pod {pull_result.pod} -n {view.namespace}"),
            objects=pod,
        )


@preflight_check("kubectl")
def kubectl(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that the image's kubectl is of a version that suits the API server."""
    server = view.server.get()
    if view.planned is None or server is None:
        return
    desired = view.planned.plan.options.image
    pulled = view.planned.pulled
    output = pulled.value.output if pulled is not None and pulled.value is not None else ""
    client = minor_of_client(output) or minor_of_image(desired)
    if client is None:
        yield warned(
            f"image {desired} does not show which kubectl it has, and Kubernetes is 1.{server}",
            view.command("check", f"{view.options} --pull".strip()),
        )
    elif abs(client - server) > MAX_SKEW:
        better = image_for(server)
        fits = abs((minor_of_image(better) or client) - server) <= MAX_SKEW
        yield warned(
            f"image {desired} has kubectl 1.{client}, and Kubernetes is 1.{server}: kubectl "
            f"supports a difference of {MAX_SKEW} minor version",
            f"--image {better}" if fits else f"give --image with kubectl 1.{server}",
        )
    else:
        yield passed(f"kubectl 1.{client} of the image suits Kubernetes 1.{server}")


@preflight_check("pod-user")
def pod_user(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that the namespace lets pods run as the user that the steps have."""
    if view.planned is None:
        return
    space, user = view.space.get(), view.planned.plan.options.run_as_user
    level = get_path(space, "metadata", "labels", "pod-security.kubernetes.io/enforce")
    policy = (
        f"namespace {view.namespace} enforces Pod Security level {level}"
        if level
        else (f"namespace {view.namespace} enforces no Pod Security level")
    )
    first, _, count = annotation(space, UID_RANGE).partition("/")
    namespace_titles = titles([space])
    if user is None and not first:
        yield warned(
            "--run-as-user platform leaves the user open, and this namespace has no range of users"
            " as on OpenShift: an image whose user is root is refused",
            "leave --run-as-user out, or give a user id",
            objects=namespace_titles,
        )
    elif user is not None and first.isdecimal() and not _within(user, first, count):
        yield warned(
            f"user {user} is outside the range {first}/{count} of the namespace: OpenShift's "
            "restricted-v2 refuses such pods",
            "--run-as-user platform",
            objects=namespace_titles,
        )
    else:
        yield passed(f"{policy}; the pods of the steps pass every level", objects=namespace_titles)


@preflight_check("quota")
def quota(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that no quota refuses a pod for the resources that the steps do not ask for."""
    pods = view.planned.plan.options.pods if view.planned else PodOptions()
    covered = {f"requests.{name}" for name, _ in pods.requests + pods.limits}
    covered |= {f"limits.{name}" for name, _ in pods.limits}
    defaults: set[str] = set()
    for item in view.limit_ranges.get():
        for limit in get_path(item, "spec", "limits") or ():
            if limit.get("type") == "Container":
                for kind in ("default", "defaultRequest", "min", "max"):
                    defaults.update(_names(kind, limit.get(kind) or {}))
    quiet = True
    for item in view.quotas.get():
        if get_path(item, "spec", "scopes") or get_path(item, "spec", "scopeSelector"):
            continue  # for other pods, or that is unknown
        hard, used = get_path(item, "status", "hard") or {}, get_path(item, "status", "used") or {}
        required = sorted(
            key for key in map(_quota_name, hard) if key in COMPUTE - defaults - covered
        )
        if required:
            quiet = False
            yield failed(
                f"ResourceQuota {name_of(item)} refuses pods without {', '.join(required)}, and no "
                "LimitRange has a default: the steps give none",
                "give --requests and --limits, or create a LimitRange with defaults in namespace "
                f"{view.namespace}",
                objects=titles([item]),
            )
        for key in ("pods", "count/pods"):
            if key in hard and str(hard[key]) == str(used.get(key)):
                quiet = False
                yield failed(
                    f"ResourceQuota {name_of(item)} is full: {used[key]} of {hard[key]} pods",
                    "raise it by one at least",
                    objects=titles([item]),
                )
    if quiet:
        yield passed("no quota stands against the pods of the steps")


COMPUTE = frozenset(("requests.cpu", "requests.memory", "limits.cpu", "limits.memory"))
"""The resources that a pod must set if a quota limits them (Kubernetes, Resource Quotas)."""


def _quota_name(key: str) -> str:
    return f"requests.{key}" if key in ("cpu", "memory") else key


def _names(kind: str, limits: Object) -> Iterator[str]:
    # A limit is the default of a request as well; `min` and `max` stand in for values that are not
    # given (SetDefaults_LimitRangeItem in Kubernetes).
    for key in limits:
        if kind in ("default", "max"):
            yield f"limits.{key}"
        yield f"requests.{key}"


def _takes_pods(node: Object) -> bool:
    taints = get_path(node, "spec", "taints") or ()
    barred = any(taint.get("effect") in ("NoSchedule", "NoExecute") for taint in taints)
    return is_true(node, "Ready") and not barred and not get_path(node, "spec", "unschedulable")


def _has(node: Object, desired: str) -> bool:
    image_names: set[str] = set()
    for node_image in get_path(node, "status", "images") or ():
        image_names.update(node_image.get("names") or ())
    full = _in_full(desired)
    name, _, digest = full.partition("@")
    without_tag = name.rpartition("/")[0] + "/" + name.rpartition("/")[2].partition(":")[0]
    return full in image_names or (bool(digest) and f"{without_tag}@{digest}" in image_names)


def _in_full(image: str) -> str:
    """Format an image as a node does: with its registry and a tag."""
    first, slash, _ = image.partition("/")
    if not slash:
        image = f"docker.io/library/{image}"
    elif "." not in first and ":" not in first and first != "localhost":
        image = f"docker.io/{image}"
    last = image.rpartition("/")[2]
    return image if ":" in last or "@" in last else f"{image}:latest"


def _all(count: int) -> str:
    return "the only node" if count == 1 else f"all {count} nodes"


def _within(user: int, first: str, count: str) -> bool:
    return not count.isdecimal() or int(first) <= user < int(first) + int(count)


# One short-lived pod as the steps have it: the only check that writes, and only if asked to.

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
    requested = {container["name"] for container in get_path(request, "spec", "containers") or ()}
    names = (str(container.get("name")) for container in get_path(pod, "spec", "containers") or ())
    return tuple(name for name in names if name not in requested)


def _first_line(connection: KubeClient, name: str, namespace: str) -> str:
    try:
        return next(connection.log(name, namespace), "its output is empty")
    except UnreachableError:  # to run is what counts, and a user who may create may not read
        return "its output could not be read"


def _run_to_end(get: Callable[[], Object], clock: Clock) -> tuple[Object, bool, str]:
    """Return the pod as last seen, whether it has run, and why not."""
    try:
        result = wait_for_phase(
            get, ENDED, timeout=LIMIT, interval=1, hopeless=HOPELESS + PULL[1:], clock=clock
        )
    except NotFoundError:
        return {}, False, "the pod was deleted by another client"
    if not result.reached:
        return (
            result.pod,
            False,
            result.reason if result.hopeless else f"not within {LIMIT}s: {result.reason}",
        )
    if get_path(result.pod, "status", "phase") == "Failed":
        return result.pod, False, _ended(result.pod)
    return result.pod, True, ""


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
