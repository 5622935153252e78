"""The family of Strimzi 0.23 to 0.34, with StatefulSets made by hand.

No operator of that age runs on a current Kubernetes. The Kafka here is paused from the beginning,
so that the operator of today acknowledges the pause and makes nothing of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from kanister_kafka.backup.options import DEFAULT_IMAGE

from . import faults, lab, suites
from .lab import Kafka, Outcome, run_action, wait_until, watch_exits

pytestmark = pytest.mark.e2e

NAMESPACE = "kk-e2e-stateful"
IMAGE = os.environ.get("KANISTER_KAFKA_E2E_IMAGE", DEFAULT_IMAGE)
OLD = Kafka(NAMESPACE, "old")
RESOURCE = {
    "apiVersion": "kafka.strimzi.io/v1beta2",
    "kind": "Kafka",
    "metadata": {
        "name": "old",
        "namespace": NAMESPACE,
        "annotations": {"strimzi.io/pause-reconciliation": "true"},
    },
    "spec": {
        "kafka": {
            "version": "2.8.0",
            "replicas": 3,
            "listeners": [{"name": "plain", "port": 9092, "type": "internal", "tls": False}],
            "storage": {"type": "persistent-claim", "size": "1Gi"},
        },
        "zookeeper": {"replicas": 3, "storage": {"type": "persistent-claim", "size": "1Gi"}},
    },
}


def stateful_set(component: str, replicas: int) -> dict:
    """A StatefulSet with Strimzi's names and labels, whose pods end at once when they are told."""
    labels = {
        "strimzi.io/cluster": "old",
        "strimzi.io/kind": "Kafka",
        "strimzi.io/name": f"old-{component}",
    }
    body = "trap 'exit 0' TERM; while :; do sleep 0.2; done"
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": f"old-{component}", "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "replicas": replicas,
            "serviceName": f"old-{component}",
            "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [
                        {"name": component, "image": IMAGE, "command": ["bash", "-c", body]}
                    ]
                },
            },
        },
    }


def replicas() -> dict[str, int]:
    found = lab.get("statefulsets", "-n", NAMESPACE)["items"]
    return {s["metadata"]["name"]: s["spec"]["replicas"] for s in found}


def ready(count: int) -> bool:
    return sum(lab.is_ready(pod) for pod in OLD.pods()) == count


@pytest.fixture(scope="module")
def blueprint() -> Iterator[str]:
    if reason := suites.not_applicable("test_stateful_sets", faults.release()):
        pytest.skip(reason)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    made = [namespace, stateful_set("zookeeper", 3), stateful_set("kafka", 2)]
    served = lab.kubectl("api-resources", "--api-group=kafka.strimzi.io", "-o", "name")
    assert "kafkas.kafka.strimzi.io" in served
    for resource in (*made, RESOURCE):
        lab.kubectl("apply", "-f", "-", stdin=json.dumps(resource))
    wait_until("the pods run", lambda: ready(5))
    wait_until("the operator has seen the pause", lambda: OLD.resource()["status"]["conditions"])
    # As if it had made them: it sets 0 for a Kafka that was paused from the beginning.
    seen = {"status": {"observedGeneration": OLD.resource()["metadata"]["generation"]}}
    status = ("--subresource=status", "--type=merge", "-p", json.dumps(seen))
    lab.kubectl("patch", "kafka", "old", "-n", NAMESPACE, *status)
    done = subprocess.run(
        [sys.executable, "-m", "kanister_kafka", "render", "-f", "-", "--image", IMAGE],
        input=json.dumps(RESOURCE),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lab.kubectl("apply", "-f", "-", stdin=done.stdout)
    yield f"{NAMESPACE}.old"
    lab.kubectl("delete", "blueprint", f"{NAMESPACE}.old", "-n", lab.KANISTER_NAMESPACE)
    lab.kubectl("delete", "namespace", NAMESPACE, "--timeout=120s", timeout=150)


def run(action: str, blueprint: str) -> Outcome:
    outcome = run_action(action, blueprint, NAMESPACE)
    assert outcome.done(), outcome.error
    return outcome


def test_scaled_down_and_back_in_order(blueprint: str) -> None:
    # A broker added after rendering is flushed and stopped too, and comes back.
    lab.kubectl("scale", "statefulset", "old-kafka", "-n", NAMESPACE, "--replicas=3")
    wait_until("the third broker runs", lambda: ready(6))
    with watch_exits(OLD) as exits:
        log = run("backupPrehook", blueprint).log
    assert "old-kafka-2" in next(line for line in log.splitlines() if "flush: flushed:" in line)
    assert replicas() == {"old-kafka": 0, "old-zookeeper": 0}
    assert not OLD.pods()
    assert set(exits.codes.values()) == {0}
    ended = ["zookeeper" in name for name in exits.order]
    assert ended == sorted(ended), f"brokers before ZooKeeper: {exits.order}"

    again = run_action("backupPrehook", blueprint, NAMESPACE)
    assert "is stopped since" in again.error
    assert replicas() == {"old-kafka": 0, "old-zookeeper": 0}

    run("backupPosthook", blueprint)
    again = run_action("backupPosthook", blueprint, NAMESPACE)
    assert "by another post-hook before" in again.error
    for action in ("resume", "resume"):
        run(action, blueprint)
        assert replicas() == {"old-kafka": 3, "old-zookeeper": 3}
        assert ready(6)
    annotations = OLD.resource()["metadata"]["annotations"]
    assert annotations["strimzi.io/pause-reconciliation"] == "true", "paused before, paused after"
    assert not any(key.startswith("kanister-kafka.io/") for key in annotations)
    started = {p["metadata"]["name"]: p["metadata"]["creationTimestamp"] for p in OLD.pods()}
    brokers = [at for name, at in started.items() if "kafka" in name]
    quorum = [at for name, at in started.items() if "zookeeper" in name]
    assert max(quorum) <= min(brokers), "ZooKeeper first"
