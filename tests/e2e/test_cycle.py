"""Stop, restart, and both again, on every Kafka that opted in, through the real Kanister."""

from __future__ import annotations

import subprocess
import sys
import uuid

import pytest

from . import lab
from .lab import Kafka, is_ready, run_action, wait_until, watch_exits

pytestmark = pytest.mark.e2e

PAUSE = "strimzi.io/pause-reconciliation"
OURS = "kanister-kafka.io/"
MESSAGES = [f"message-{i}" for i in range(500)]


def install(kafka: Kafka, *options: str) -> str:
    """Render from the live cluster as a user would, apply it, return the Blueprint's name.

    What Kasten serves is left out: Kasten itself is not there.
    """
    command = [sys.executable, "-m", "kanister_kafka", "render", "--from-cluster", kafka.name]
    done = subprocess.run(
        [*command, "-n", kafka.namespace, *options], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    documents = [text for text in done.stdout.split("---\n") if "kind: TransformSet" not in text]
    text = "---\n".join(documents)
    lab.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)
    hot = ".hot" if "hot" in options else ""
    return f"{kafka.namespace}.{kafka.name}{hot}"


def writers_of(kafka: Kafka) -> list[dict]:
    """Return the MirrorMakers that the tests know to write into a cluster of this name."""
    found = lab.get("kafkamirrormaker2", "-n", kafka.namespace)["items"]
    return [m for m in found if f"{kafka.name}-kafka-bootstrap" in str(m["spec"])]


def replicas_of(kafka: Kafka) -> dict[str, object]:
    return {w["metadata"]["name"]: w["spec"].get("replicas") for w in writers_of(kafka)}


def leftovers(resource: dict) -> list[str]:
    return [a for a in resource["metadata"].get("annotations", {}) if a.startswith(OURS)]


def serves(kafka: Kafka) -> bool:
    pods = kafka.pods()
    return bool(pods) and all(is_ready(pod) for pod in pods)


@pytest.fixture(scope="module", autouse=True)
def running(kafka: Kafka) -> None:
    wait_until(f"{kafka} is Ready", lambda: is_ready(kafka.resource()))
    for writer in writers_of(kafka):
        name = writer["metadata"]["name"]
        wait_until(
            f"{name} is Ready",
            lambda name=name: is_ready(lab.get("kmm2", name, "-n", kafka.namespace)),
        )


def test_whole_cycle_and_every_action_twice(kafka: Kafka) -> None:
    blueprint = install(kafka)
    before = kafka.resource()
    replicas, nodes, claims = replicas_of(kafka), _names(kafka), kafka.claims()
    topic = f"kk-e2e-{uuid.uuid4().hex[:8]}"
    kafka.create(topic)
    kafka.write(topic, MESSAGES)

    with watch_exits(kafka) as exits:
        stopped = run_action("backupPrehook", blueprint, kafka.namespace)
    assert stopped.done(), stopped.error
    assert not kafka.pods(), "no node is left"
    assert not kafka.pods("entity-operator", "cruise-control", "kafka-exporter")
    assert {f"{pod}" for pod in nodes} <= {key.split("/")[0] for key in exits.codes}
    assert set(exits.codes.values()) == {0}, "every container shut down cleanly"
    _assert_brokers_ended_first(kafka, nodes, exits.order)
    assert set(replicas_of(kafka).values()) <= {0}
    for writer in writers_of(kafka):
        selector = (
            f"strimzi.io/cluster={writer['metadata']['name']},strimzi.io/kind=KafkaMirrorMaker2"
        )
        assert not lab.get("pods", "-n", kafka.namespace, "-l", selector)["items"]
    assert kafka.claims() == claims
    record = kafka.record()
    assert record["state"] == "stopped"
    assert record["clusterId"] == before["status"]["clusterId"]
    flushed = next(line for line in stopped.log.splitlines() if "flush: flushed:" in line)
    assert set(flushed.split("flushed: ")[1].split()) == set(nodes)

    again = run_action("backupPrehook", blueprint, kafka.namespace)
    assert not again.done(), "the snapshot of the first stop may be under way"
    assert f"Kafka {kafka.name} is stopped since" in again.error
    assert again.phases == {
        "quiesce": "failed",
        "flush": "pending",
        "stop": "pending",
    }
    assert not kafka.pods(), "it is left as it was"
    assert kafka.record() == record

    started = run_action("backupPosthook", blueprint, kafka.namespace)
    assert started.done(), started.error
    assert serves(kafka), "every broker serves at the moment the hook is done"
    assert _names(kafka) == nodes
    assert replicas_of(kafka) == replicas
    _assert_as_found(kafka, before)

    for action in ("backupPosthook", "resume"):
        repeated = run_action(action, blueprint, kafka.namespace)
        assert repeated.done() == (action == "resume"), "a stop is confirmed to one post-hook"
        assert repeated.done() or "by another post-hook before" in repeated.error
        assert replicas_of(kafka) == replicas
        _assert_as_found(kafka, before)
    assert sorted(kafka.read(topic)) == sorted(MESSAGES), "no message is lost or doubled"
    kafka.tool("kafka-topics.sh", f"--bootstrap-server localhost:9092 --delete --topic {topic}")
    for writer in writers_of(kafka):
        name = writer["metadata"]["name"]
        wait_until(
            f"mirror {name} runs again",
            lambda name=name: is_ready(lab.get("kmm2", name, "-n", kafka.namespace)),
        )
    wait_until(f"{kafka} is Ready", lambda: is_ready(kafka.resource()))


def test_hot_flushes_every_node_and_stops_nothing(kafka: Kafka) -> None:
    blueprint = install(kafka, "--strategy", "hot")
    uids = {pod["metadata"]["uid"] for pod in kafka.pods()}
    outcome = run_action("backupPrehook", blueprint, kafka.namespace)
    assert outcome.done(), outcome.error
    flushed = next(line for line in outcome.log.splitlines() if "flush: flushed:" in line)
    assert set(flushed.split("flushed: ")[1].split()) == set(_names(kafka))
    assert {pod["metadata"]["uid"] for pod in kafka.pods()} == uids


def _names(kafka: Kafka) -> list[str]:
    return sorted(pod["metadata"]["name"] for pod in kafka.pods())


def _assert_as_found(kafka: Kafka, before: dict) -> None:
    now = kafka.resource()
    annotations = now["metadata"].get("annotations", {})
    assert annotations.get(PAUSE) == before["metadata"].get("annotations", {}).get(PAUSE)
    assert not leftovers(now)
    assert now["spec"] == before["spec"]
    for writer in writers_of(kafka):
        assert not leftovers(writer)


def _assert_brokers_ended_first(kafka: Kafka, nodes: list[str], order: list[str]) -> None:
    pools = lab.get("knp", "-n", kafka.namespace, "-l", f"strimzi.io/cluster={kafka.name}")["items"]
    roles = {p["metadata"]["name"]: p["spec"]["roles"] for p in pools}
    last = {f"{kafka.name}-{name}" for name, has in roles.items() if "controller" in has}
    last = last or {f"{kafka.name}-zookeeper"}
    ended = [name for name in order if name in nodes]
    quorum = [name.rpartition("-")[0] in last for name in ended]
    assert quorum == sorted(quorum), f"brokers before the metadata quorum: {ended}"
