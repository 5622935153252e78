"""The ConfigMap of the scripts is lost or altered, and a new version comes, during a stop."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from . import lab
from .lab import Kafka, is_ready, run_action, wait_until
from .test_cycle import install, leftovers, serves

pytestmark = pytest.mark.e2e

EARLIER = "KANISTER_KAFKA_EARLIER"
"""Path of the command of an earlier version, whose Blueprint is to be followed by ours."""


@pytest.fixture(autouse=True)
def running(kafka: Kafka) -> None:
    wait_until(f"{kafka} is Ready", lambda: is_ready(kafka.resource()))


def scripts_of(kafka: Kafka) -> dict:
    """Return the ConfigMap that the watchdog of a Kafka mounts."""
    switch = lab.get("deployment", f"{kafka.name}-kanister-kafka-switch", "-n", kafka.namespace)
    (volume,) = switch["spec"]["template"]["spec"]["volumes"]
    return lab.get("configmap", volume["configMap"]["name"], "-n", kafka.namespace)


def delete(config_map: dict) -> None:
    metadata = config_map["metadata"]
    lab.kubectl("delete", "configmap", metadata["name"], "-n", metadata["namespace"])


def alter(config_map: dict) -> None:
    """Exchange it for one with another byte: an immutable one cannot be changed."""
    delete(config_map)
    text = config_map["data"]["restart.sh"]
    metadata = {key: config_map["metadata"][key] for key in ("name", "namespace", "labels")}
    changed = {
        **config_map,
        "metadata": metadata,
        "data": {**config_map["data"], "restart.sh": text.replace("Brings", "brings", 1)},
    }
    lab.kubectl("create", "-f", "-", stdin=json.dumps(changed))


@pytest.mark.parametrize("damage", [delete, alter], ids=["deleted", "altered"])
def test_nothing_is_stopped_without_the_scripts(kafka: Kafka, damage) -> None:
    blueprint = install(kafka)
    damage(scripts_of(kafka))
    outcome = run_action("backupPrehook", blueprint, kafka.namespace)
    assert not outcome.done()
    assert outcome.phases["quiesce"] == "failed"
    assert outcome.phases["stop"] == "pending"
    assert "apply their ConfigMap again" in outcome.error
    assert serves(kafka)
    assert not leftovers(kafka.resource())
    if damage is alter:
        delete(scripts_of(kafka))
    install(kafka)


def point_at(blueprint: str, config_map: dict, name: str) -> None:
    """Let the steps mount another ConfigMap.

    kubelet keeps an immutable one for as long as a pod of its node mounts it, as the watchdog does:
    on that node the steps would find it although it is deleted.
    """
    resource = ("blueprint", blueprint, "-n", lab.KANISTER_NAMESPACE)
    text = lab.kubectl("get", *resource, "-o", "json")
    changed = text.replace(config_map["metadata"]["name"], name)
    lab.kubectl("replace", "-f", "-", stdin=changed)


def lose(blueprint: str, config_map: dict) -> None:
    delete(config_map)
    point_at(blueprint, config_map, "kanister-kafka-scripts-that-are-lost")


def exchange(blueprint: str, config_map: dict) -> None:
    name = "kanister-kafka-scripts-e2e"
    metadata = {"name": name, "namespace": config_map["metadata"]["namespace"]}
    lab.kubectl("delete", "configmap", name, "-n", metadata["namespace"], "--ignore-not-found")
    data = {**config_map["data"], "restart.sh": config_map["data"]["restart.sh"] + "\n"}
    changed = {**config_map, "metadata": metadata, "data": data}
    lab.kubectl("create", "-f", "-", stdin=json.dumps(changed))
    point_at(blueprint, config_map, name)


@pytest.mark.parametrize("damage", [lose, exchange], ids=["deleted", "altered"])
@pytest.mark.parametrize("action", ["backupPosthook", "resume"])
def test_the_switch_brings_kafka_back_without_the_scripts(
    kafka: Kafka, damage, action: str
) -> None:
    blueprint = install(kafka)
    stopped = run_action("backupPrehook", blueprint, kafka.namespace)
    assert stopped.done(), stopped.error
    damage(blueprint, scripts_of(kafka))
    outcome = run_action(action, blueprint, kafka.namespace)
    assert not outcome.done(), "what it was to do it has not done itself"
    assert "apply their ConfigMap again" in outcome.error
    wait_until(f"{kafka} serves", lambda: kafka.record().get("state") == "running", 300)
    assert serves(kafka)
    assert kafka.record()["endedBy"] == "switch"
    assert not leftovers(kafka.resource())
    install(kafka)


def test_a_deletion_while_kafka_is_stopped_keeps_nobody_from_bringing_it_back(kafka: Kafka) -> None:
    blueprint = install(kafka)
    stopped = run_action("backupPrehook", blueprint, kafka.namespace)
    assert stopped.done(), stopped.error
    delete(scripts_of(kafka))
    run_action("backupPosthook", blueprint, kafka.namespace)
    wait_until(f"{kafka} serves", lambda: kafka.record().get("state") == "running", 300)
    assert serves(kafka)
    install(kafka)


def test_a_stop_of_the_version_before_is_ended_by_this_one(kafka: Kafka) -> None:
    earlier = os.environ.get(EARLIER)
    if not earlier:
        pytest.skip(f"{EARLIER} names no command")
    words = ["render", "--from-cluster", kafka.name, "-n", kafka.namespace]
    text = subprocess.run([earlier, *words], capture_output=True, text=True, check=True).stdout
    ours = lab.command(*words).stdout  # before the stop: later there are no nodes to read
    lab.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)
    blueprint = f"{kafka.namespace}.{kafka.name}"
    stopped = run_action("backupPrehook", blueprint, kafka.namespace)
    assert stopped.done(), stopped.error
    assert not kafka.pods()
    lab.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=ours)
    started = run_action("backupPosthook", blueprint, kafka.namespace)
    assert started.done(), started.error
    assert serves(kafka)
    assert not leftovers(kafka.resource())
