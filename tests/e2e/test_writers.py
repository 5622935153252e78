"""Who writes, as a live cluster tells: addresses that nothing places, and autoscalers."""

from __future__ import annotations

import json

import pytest

from . import lab
from .faults import applied
from .lab import Kafka

pytestmark = pytest.mark.e2e

ADDRESS = "kafka.nobody.example:9094"


def bridge(kafka: Kafka) -> dict:
    """Return a KafkaBridge without pods, at an address that is nobody's."""
    return {
        "apiVersion": kafka.resource()["apiVersion"],
        "kind": "KafkaBridge",
        "metadata": {"name": "unplaced", "namespace": kafka.namespace},
        "spec": {"replicas": 0, "bootstrapServers": ADDRESS, "http": {"port": 8080}},
    }


def planned(kafka: Kafka, *words: str) -> tuple[str, str]:
    """Return what `plan` prints, and what it warns of."""
    place = ("--from-cluster", kafka.name, "-n", kafka.namespace, "--hook-timeout", "2h")
    done = lab.command("plan", *place, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def autoscaler_lines(kafka: Kafka) -> list[dict]:
    done = lab.command("check", kafka.name, "-n", kafka.namespace, "-o", "json")
    return [line for line in json.loads(done.stdout) if line["id"] == "autoscalers"]


def test_an_address_that_nothing_places_is_settled_by_a_word(kafka: Kafka) -> None:
    name = f"KafkaBridge/{kafka.namespace}/unplaced"
    with applied(bridge(kafka)):
        plan, warnings = planned(kafka)
        assert "is not a known address of this cluster" in plan
        assert f"{name} is not stopped" in warnings
        plan, warnings = planned(kafka, "--writer", name)
        assert "named by --writer" in plan
        assert "unplaced-writer" not in warnings
        plan, warnings = planned(kafka, "--not-a-writer", name)
        assert "named by --not-a-writer" in plan
        assert "unplaced-writer" not in warnings


def test_an_autoscaler_of_a_node_pool_is_a_problem(kafka: Kafka) -> None:
    label = f"strimzi.io/cluster={kafka.name}"
    pools = lab.get("kafkanodepools", "-n", kafka.namespace, "-l", label)["items"]
    if not pools:
        pytest.skip(f"{kafka} has no node pools")
    assert [line["level"] for line in autoscaler_lines(kafka)] == ["ok"]
    pool = pools[0]
    replicas = pool["spec"]["replicas"]
    target = {key: pool[key] for key in ("apiVersion", "kind")}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "unwanted", "namespace": kafka.namespace},
        "spec": {
            "scaleTargetRef": {**target, "name": pool["metadata"]["name"]},
            "minReplicas": replicas,
            "maxReplicas": replicas,  # whatever it measures, it changes nothing
        },
    }
    with applied(scaler):
        (line,) = autoscaler_lines(kafka)
        assert line["level"] == "problem"
        assert "may change the replicas of KafkaNodePool" in line["what"]
