"""Faults that are put into a cluster, each taken away again at its end."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from .lab import KANISTER_NAMESPACE, Kafka, get, kubectl, wait_until

FINALIZER = "kanister-kafka.io/e2e"
NAME = "kanister-kafka-e2e"
NO_IMAGE = "localhost:1/kanister-kafka/none:1"
"""Nobody listens there, so that a pull fails at once."""


def _deployment(label: str) -> tuple[str, str]:
    """Return namespace and name of the only Deployment whose pods have this label."""
    found = get("deployments", "--all-namespaces")["items"]
    key, _, value = label.partition("=")
    named = [
        (d["metadata"]["namespace"], d["metadata"]["name"])
        for d in found
        if d["spec"]["template"]["metadata"].get("labels", {}).get(key) == value
    ]
    assert len(named) == 1, f"Deployments with pods that are {label}: {named}"
    return named[0]


def operator() -> tuple[str, str]:
    return _deployment("name=strimzi-cluster-operator")


@functools.cache
def release() -> str:
    """Return the release of the operator, as its image names it."""
    namespace, name = operator()
    pod = get("deployment", name, "-n", namespace)["spec"]["template"]["spec"]
    found = re.search(r":v?([0-9][\w.-]*)(@|$)", pod["containers"][0]["image"])
    return found[1] if found else "unknown"


def kanister() -> tuple[str, str]:
    found = get("deployments", "-n", KANISTER_NAMESPACE)["items"]
    named = [d["metadata"]["name"] for d in found if "kanister" in d["metadata"]["name"]]
    assert len(named) == 1, f"Kanister controllers: {named}"
    return KANISTER_NAMESPACE, named[0]


def delete_pods_of(namespace: str, deployment: str) -> None:
    spec = get("deployment", deployment, "-n", namespace)["spec"]
    labels = ",".join(f"{k}={v}" for k, v in spec["selector"]["matchLabels"].items())
    kubectl("delete", "pods", "-n", namespace, "-l", labels, "--wait=false")


def available(namespace: str, deployment: str) -> None:
    kubectl(
        "rollout", "status", f"deploy/{deployment}", "-n", namespace, "--timeout=180s", timeout=200
    )


@contextlib.contextmanager
def killed(namespace: str, deployment: str) -> Iterator[None]:
    """Delete the pod of a Deployment; at the end another one runs."""
    delete_pods_of(namespace, deployment)
    try:
        yield
    finally:
        available(namespace, deployment)


@contextlib.contextmanager
def at_zero(namespace: str, deployment: str) -> Iterator[None]:
    before = get("deployment", deployment, "-n", namespace)["spec"]["replicas"]
    kubectl("scale", f"deploy/{deployment}", "-n", namespace, "--replicas=0")
    try:
        spec = get("deployment", deployment, "-n", namespace)["spec"]
        labels = ",".join(f"{k}={v}" for k, v in spec["selector"]["matchLabels"].items())
        wait_until(
            f"{deployment} is gone",
            lambda: not get("pods", "-n", namespace, "-l", labels)["items"],
        )
        yield
    finally:
        kubectl("scale", f"deploy/{deployment}", "-n", namespace, f"--replicas={before or 1}")
        available(namespace, deployment)


def evict(pod: str, namespace: str) -> None:
    """Evict a pod as a drain does, hardly leaving it time."""
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": namespace},
        "deleteOptions": {"gracePeriodSeconds": 1},
    }
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction"
    kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(body))


def hang(kafka: Kafka) -> str:
    """Make a broker deaf to the request to end; only SIGKILL ends it."""
    pod = kafka.broker()
    kubectl(
        *("exec", pod, "-n", kafka.namespace, "-c", "kafka", "--", "bash", "-c"),
        "for p in /proc/[0-9]*; do\n"
        "  [[ $(readlink $p/exe) != */java ]] || kill -STOP ${p#/proc/}\n"
        "done",
    )
    return pod


@contextlib.contextmanager
def held(pod: str, namespace: str) -> Iterator[None]:
    """Keep the object of a pod, whatever becomes of its containers."""

    def put(finalizers: list[str] | None) -> None:
        change = json.dumps({"metadata": {"finalizers": finalizers}})
        with (
            contextlib.suppress(AssertionError) if finalizers is None else contextlib.nullcontext()
        ):
            kubectl("patch", "pod", pod, "-n", namespace, "--type", "merge", "-p", change)

    put([FINALIZER])
    try:
        yield
    finally:
        put(None)


@contextlib.contextmanager
def image_gone(blueprint: str) -> Iterator[None]:
    """Name an image in the Blueprint that cannot be pulled; the watchdog is left alone."""
    path = ("blueprint", blueprint, "-n", KANISTER_NAMESPACE)
    before = get(*path)["actions"]
    after = json.loads(json.dumps(before))
    for action in after.values():
        for phase in (*action["phases"], *filter(None, [action.get("deferPhase")])):
            phase["args"]["image"] = NO_IMAGE

    def put(actions: dict) -> None:
        change = json.dumps([{"op": "replace", "path": "/actions", "value": actions}])
        kubectl("patch", *path, "--type", "json", "--patch-file", "/dev/stdin", stdin=change)

    put(after)
    try:
        yield
    finally:
        put(before)


@contextlib.contextmanager
def applied(*objects: dict) -> Iterator[None]:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    kubectl("apply", "-f", "-", stdin=text)
    try:
        yield
    finally:
        kubectl("delete", "--ignore-not-found", "-f", "-", stdin=text)


@contextlib.contextmanager
def too_many_requests(kafka: Kafka) -> Iterator[None]:
    """Answer 429 to every service account of the cluster's namespace.

    A priority level without seats still lets one request through at a time, so that one is held up
    by a webhook that never answers.
    """
    api = "flowcontrol.apiserver.k8s.io/v1"
    level = {
        "apiVersion": api,
        "kind": "PriorityLevelConfiguration",
        "metadata": {"name": NAME},
        "spec": {
            "type": "Limited",
            "limited": {
                "nominalConcurrencyShares": 0,
                "lendablePercent": 0,
                "borrowingLimitPercent": 0,
                "limitResponse": {"type": "Reject"},
            },
        },
    }
    everything = {
        "verbs": ["*"],
        "apiGroups": ["*"],
        "resources": ["*"],
        "namespaces": ["*"],
        "clusterScope": True,
    }
    account = {"name": "*", "namespace": kafka.namespace}
    subject = {"kind": "ServiceAccount", "serviceAccount": account}
    schema = {
        "apiVersion": api,
        "kind": "FlowSchema",
        "metadata": {"name": NAME},
        "spec": {
            "priorityLevelConfiguration": {"name": NAME},
            "matchingPrecedence": 2,
            "rules": [{"subjects": [subject], "resourceRules": [everything]}],
        },
    }
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"https://127.0.0.1:{deaf.getsockname()[1]}/"
        rule = {
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "operations": ["CREATE"],
            "resources": ["events"],
        }
        held_up = webhook(rule, kafka, "Ignore", {"url": address}, seconds=30)
        held_up["webhooks"][0]["objectSelector"] = {"matchLabels": {NAME: "held"}}
        before = _rejected()
        with applied(held_up, level, schema), _request_that_hangs(kafka):
            yield
            assert _rejected() > before, "no request was answered by 429"


def _rejected() -> float:
    """Return how many requests the API server has answered by 429 for us."""
    metric = "apiserver_flowcontrol_rejected_requests_total"
    lines = kubectl("get", "--raw", "/metrics").splitlines()
    found = [line for line in lines if line.startswith(metric) and f'"{NAME}"' in line]
    return sum(float(line.split()[-1]) for line in found)


@contextlib.contextmanager
def _request_that_hangs(kafka: Kafka) -> Iterator[None]:
    """Take the only seat, as the service account of the steps, which may write events."""
    user = f"system:serviceaccount:{kafka.namespace}:{kafka.name}-kanister-kafka"
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "generateName": "held.",
            "namespace": kafka.namespace,
            "labels": {NAME: "held"},
        },
        "involvedObject": {"namespace": kafka.namespace},
    }
    taker = ["kubectl", "create", "--dry-run=server", "--validate=false", "-f", "-", "--as", user]
    over = threading.Event()

    def take() -> None:
        while not over.is_set():
            subprocess.run(taker, input=json.dumps(event), capture_output=True, text=True)

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()


def webhook(rule: dict, kafka: Kafka, policy: str, client: dict, seconds: int) -> dict:
    """Return a webhook that sees requests of the cluster's namespace."""
    home = {"matchLabels": {"kubernetes.io/metadata.name": kafka.namespace}}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": NAME},
        "webhooks": [
            {
                "name": f"{NAME}.kanister-kafka.io",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": policy,
                "timeoutSeconds": seconds,
                "clientConfig": client,
                "namespaceSelector": home,
                "rules": [rule],
            }
        ],
    }


@contextlib.contextmanager
def internal_error(kafka: Kafka) -> Iterator[None]:
    """Answer 500 to every change of a Kafka in the cluster's namespace."""
    rule = {
        "apiGroups": ["kafka.strimzi.io"],
        "apiVersions": ["*"],
        "operations": ["UPDATE"],
        "resources": ["kafkas"],
    }
    nobody = {"service": {"name": "nobody", "namespace": kafka.namespace}}
    with applied(webhook(rule, kafka, "Fail", nobody, seconds=5)):
        yield


def api_server() -> int:
    """Return the process of the API server on this host, or 0."""
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (directory / "cmdline").read_bytes().split(b"\0")
            if any(word.rpartition(b"/")[2] == b"kube-apiserver" for word in words[:2]):
                return int(directory.name)
    return 0


@contextlib.contextmanager
def silence(_kafka: Kafka) -> Iterator[None]:
    """Let the API server answer nobody. Nothing here may ask it meanwhile."""
    process = api_server()
    assert process, "no API server runs on this host"
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)
        wait_until("the API server answers", lambda: kubectl("get", "--raw", "/readyz"))


REFUSALS = {"429": too_many_requests, "500": internal_error, "silent": silence}


@contextlib.contextmanager
def pool(kafka: Kafka, name: str, like: str) -> Iterator[None]:
    """Add a node pool of one broker; it is gone in the end with its claims."""
    add_pool(kafka, name, like)
    try:
        yield
    finally:
        remove_pool(kafka, name)


def add_pool(kafka: Kafka, name: str, like: str) -> None:
    model = get("kafkanodepool", like, "-n", kafka.namespace)
    spec = {**model["spec"], "replicas": 1, "roles": ["broker"]}
    labels = {"strimzi.io/cluster": kafka.name}
    metadata = {"name": name, "namespace": kafka.namespace, "labels": labels}
    made = {"apiVersion": model["apiVersion"], "kind": model["kind"], "metadata": metadata}
    kubectl("apply", "-f", "-", stdin=json.dumps({**made, "spec": spec}))


def remove_pool(kafka: Kafka, name: str) -> None:
    kubectl("delete", "kafkanodepool", name, "-n", kafka.namespace, "--ignore-not-found")
    labels = f"strimzi.io/cluster={kafka.name},strimzi.io/pool-name={name}"
    wait_until(
        f"the pods of pool {name} are gone",
        lambda: not get("pods", "-n", kafka.namespace, "-l", labels)["items"],
        timeout=240,
    )
    kubectl("delete", "pvc", "-n", kafka.namespace, "-l", labels, "--wait=false")


def bring_back(kafka: Kafka) -> None:
    """End the pause as a person would, or a GitOps controller."""
    pause(kafka, "false")


def pause(kafka: Kafka, value: str) -> None:
    """Write the pause under a name that is not ours."""
    word = f"strimzi.io/pause-reconciliation={value}"
    name = "--field-manager=kanister-kafka-e2e"
    kubectl("annotate", "kafka", kafka.name, "-n", kafka.namespace, "--overwrite", name, word)


def stop_again(kafka: Kafka) -> None:
    """Stop nodes as the stop does, so that nothing of the cluster shows that they ran."""
    pause(kafka, "true")
    labels = f"strimzi.io/cluster={kafka.name},strimzi.io/kind=Kafka"
    wait_until(
        "the operator acknowledges the pause",
        lambda: any(
            condition["type"] == "ReconciliationPaused" and condition["status"] == "True"
            for condition in kafka.resource()["status"].get("conditions", [])
        ),
        timeout=400,
    )
    kubectl("delete", "strimzipodsets", "-n", kafka.namespace, "-l", labels)
    kubectl("delete", "deployments", "-n", kafka.namespace, "-l", labels)
    wait_until("all nodes are gone", lambda: not kafka.pods(), timeout=120)


@contextlib.contextmanager
def writing_pod(kafka: Kafka, kind: str, name: str, namespace: str) -> Iterator[None]:
    """Run a pod with the labels of a writer; what it does makes no difference."""
    image = kafka.pods()[0]["spec"]["containers"][0]["image"]
    labels = {"strimzi.io/kind": kind, "strimzi.io/cluster": name}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": NAME, "namespace": namespace, "labels": labels},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "late", "image": image, "command": ["sleep", "3600"]}],
        },
    }
    with applied(pod):
        wait_until(
            "the pod of the writer runs",
            lambda: get("pod", NAME, "-n", namespace)["status"].get("phase") == "Running",
            timeout=120,
        )
        yield


@contextlib.contextmanager
def producer(kafka: Kafka, topic: str) -> Iterator[None]:
    """Write into a topic without end, from a process that no custom resource tells of."""
    kafka.create(topic)
    words = ["kubectl", "exec", kafka.broker(), "-n", kafka.namespace, "-c", "kafka", "--"]
    script = (
        "bin/kafka-producer-perf-test.sh --topic $0 --num-records 1000000 --record-size 100 "
        "--throughput 20 --producer-props bootstrap.servers=localhost:9092 linger.ms=0"
    )
    process = subprocess.Popen([*words, "bash", "-c", script, topic], stdout=subprocess.DEVNULL)
    try:
        wait_until("the producer writes", lambda: kafka.held(topic) > 0, timeout=120)
        yield
    finally:
        process.terminate()
        process.wait()
        stop = (
            "for p in /proc/[0-9]*; do grep -qa ProducerPerf $p/cmdline && kill ${p#/proc/}; done"
        )
        with contextlib.suppress(AssertionError):  # the broker may have been stopped
            kubectl(*words[1:], "bash", "-c", f"{stop}; true")


@contextlib.contextmanager
def spec_changed(kafka: Kafka, kind: str, name: str, change: list[dict]) -> Iterator[None]:
    """Change the spec of an object, and put it back."""
    path = (kind, name, "-n", kafka.namespace)
    before = get(*path)["spec"]

    def put(patch: list[dict]) -> None:
        kubectl("patch", *path, "--type", "json", "-p", json.dumps(patch))

    put(change)
    try:
        yield
    finally:
        put([{"op": "replace", "path": "/spec", "value": before}])


def scale_pool(kafka: Kafka, name: str, replicas: int) -> None:
    kubectl("scale", "kafkanodepool", name, "-n", kafka.namespace, f"--replicas={replicas}")


def pause_for(seconds: float) -> None:
    """Let a fault last."""
    time.sleep(seconds)
