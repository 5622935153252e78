"""What goes wrong half way: the cluster comes back by itself, and the failure is reported."""

from __future__ import annotations

import json
import threading

import pytest

from . import lab
from .lab import Kafka, is_ready, run_action, wait_until
from .test_cycle import PAUSE, install, leftovers, replicas_of, serves, writers_of

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", autouse=True)
def mirrored(kafka: Kafka) -> None:
    if not writers_of(kafka):
        pytest.skip(f"{kafka} has no mirror that writes into it")
    wait_until(f"{kafka} is Ready", lambda: is_ready(kafka.resource()))


def annotate(kafka: Kafka, *words: str) -> None:
    lab.kubectl("annotate", "kafka", kafka.name, "-n", kafka.namespace, "--overwrite", *words)


def patch(resource: str, name: str, namespace: str, change: dict) -> None:
    lab.kubectl(
        *("patch", resource, name, "-n", namespace, "--type", "merge", "-p", json.dumps(change))
    )


def test_missing_right_shows_before_anything_is_touched(kafka: Kafka) -> None:
    blueprint = install(kafka)
    replicas = replicas_of(kafka)
    role = lab.get("role", f"{kafka.name}-kanister-kafka", "-n", kafka.namespace)
    rules = [rule for rule in role["rules"] if rule["resources"] != ["strimzipodsets"]]
    patch("role", role["metadata"]["name"], kafka.namespace, {"rules": rules})
    try:
        outcome = run_action("backupPrehook", blueprint, kafka.namespace)
    finally:
        install(kafka)
    assert not outcome.done()
    assert outcome.phases["quiesce"] == "failed"
    assert outcome.phases["stop"] == "pending"
    assert "delete strimzipodsets" in outcome.error, "the reason is told, not what came after it"
    assert outcome.seconds < 60, "a missing right is no hang"
    assert replicas_of(kafka) == replicas
    assert not leftovers(kafka.resource())


def test_broker_that_does_not_stop_brings_everything_back(kafka: Kafka) -> None:
    blueprint = install(kafka, "--timeout", "stop=1s")
    replicas = replicas_of(kafka)
    stuck = kafka.broker()
    patch("pod", stuck, kafka.namespace, {"metadata": {"finalizers": ["kanister-kafka.io/e2e"]}})

    def let_go() -> None:
        wait_until("the stop has failed", lambda: kafka.record().get("state") == "restarting")
        patch("pod", stuck, kafka.namespace, {"metadata": {"finalizers": None}})

    helper = threading.Thread(target=let_go)
    helper.start()
    outcome = run_action("backupPrehook", blueprint, kafka.namespace)
    helper.join()
    assert not outcome.done()
    assert outcome.phases["stop"] == "failed"
    assert f"pods still there: {stuck}" in outcome.error, "the first reason is the one told"
    wait_until("the watchdog is done", lambda: kafka.record().get("state") == "running", 400)
    assert kafka.record()["endedBy"] == "switch"
    assert serves(kafka)
    assert replicas_of(kafka) == replicas
    assert PAUSE not in kafka.resource()["metadata"].get("annotations", {})
    wait_until(f"{kafka} is Ready", lambda: is_ready(kafka.resource()))


def test_what_was_paused_and_at_zero_stays_so(kafka: Kafka) -> None:
    blueprint = install(kafka)
    name = writers_of(kafka)[0]["metadata"]["name"]
    replicas = replicas_of(kafka)
    patch("kmm2", name, kafka.namespace, {"spec": {"replicas": 0}})
    annotate(kafka, f"{PAUSE}=true")
    try:
        wait_until("the pause is acknowledged", lambda: not is_ready(kafka.resource()))
        for action in ("backupPrehook", "backupPosthook"):
            outcome = run_action(action, blueprint, kafka.namespace)
            assert outcome.done(), outcome.error
        assert serves(kafka)
        assert kafka.resource()["metadata"]["annotations"][PAUSE] == "true"
        assert replicas_of(kafka)[name] == 0
        assert not leftovers(kafka.resource())
    finally:
        annotate(kafka, f"{PAUSE}-")
        patch("kmm2", name, kafka.namespace, {"spec": {"replicas": replicas[name]}})
    wait_until(f"{kafka} is Ready", lambda: is_ready(kafka.resource()))


def test_quiesce_by_pause_leaves_the_spec_of_a_mirror_alone(kafka: Kafka) -> None:
    name = writers_of(kafka)[0]["metadata"]["name"]
    wait_until("mirror runs", lambda: is_ready(lab.get("kmm2", name, "-n", kafka.namespace)))
    blueprint = install(kafka, "--quiesce-by", "pause")
    spec = writers_of(kafka)[0]["spec"]
    selector = f"strimzi.io/cluster={name},strimzi.io/kind=KafkaMirrorMaker2"
    outcome = run_action("backupPrehook", blueprint, kafka.namespace)
    assert outcome.done(), outcome.error
    assert not lab.get("pods", "-n", kafka.namespace, "-l", selector)["items"]
    assert writers_of(kafka)[0]["spec"] == spec
    outcome = run_action("resume", blueprint, kafka.namespace)
    assert outcome.done(), outcome.error
    wait_until("mirror runs", lambda: is_ready(lab.get("kmm2", name, "-n", kafka.namespace)))
    assert not leftovers(writers_of(kafka)[0])
    assert PAUSE not in writers_of(kafka)[0]["metadata"].get("annotations", {})


def test_stop_right_after_a_restart_waits_for_the_operator(kafka: Kafka) -> None:
    """A pause set while the operator still starts the cluster must not count as acknowledged."""
    blueprint = install(kafka, "--timeout", "check=5m")
    for action in ("backupPrehook", "backupPosthook", "backupPrehook", "backupPosthook"):
        outcome = run_action(action, blueprint, kafka.namespace)
        assert outcome.done(), outcome.error
    assert serves(kafka)
    wait_until(f"{kafka} is Ready", lambda: is_ready(kafka.resource()))
