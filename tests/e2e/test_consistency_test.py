"""The four scenarios on a real source and its mirror, and what is left of them: nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from kanister_kafka.cli.topic_connection import IMAGE
from kanister_kafka.operations.consistency_test.environment import LAB
from kanister_kafka.operations.consistency_test.mirror_control import PREVIOUS_REPLICAS
from kanister_kafka.operations.rehearsal.context import LABEL

from . import lab
from .lab import Kafka
from .test_cycle import install

pytestmark = pytest.mark.e2e

MIRROR = Kafka("kafka-mirror", "my-cluster")


@pytest.fixture(scope="module", autouse=True)
def environment() -> None:
    if not os.environ.get(IMAGE):
        pytest.skip(f"{IMAGE} names no image with this command")
    labelled = {item["metadata"]["name"] for item in lab.get("ns", "-l", f"{LAB}=true")["items"]}
    if not {"kafka", MIRROR.namespace} <= labelled:
        pytest.skip(f"no source and mirror with the label {LAB}=true: make lab-env")


def run(scenario: str) -> dict:
    """Run a scenario, or all that the Blueprint can show, and return the report."""
    done = lab.command(
        *("consistency-test", "--scenario", scenario, "--yes", "--format", "json"), timeout=3600
    )
    assert done.stdout, done.stderr
    report: dict = json.loads(done.stdout)
    return report


@pytest.fixture(scope="module")
def report() -> dict:
    words = ("--from-cluster", MIRROR.name, "-n", MIRROR.namespace, "--force-conflicts")
    applied = lab.command("apply", *words)  # kubectl has applied the Blueprint of other suites
    assert applied.returncode == 0, applied.stderr
    return run("all")


@pytest.fixture(scope="module")
def online_report() -> Iterator[dict]:
    """Run the scenario of a Blueprint that stops no broker, and apply the usual one again."""
    install(MIRROR, "--strategy", "online", "--kasten", "restore")
    try:
        yield run("online")
    finally:
        install(MIRROR)


def check(report: dict, plan: str) -> None:
    (result,) = (one for one in report["plans"] if one["plan"] == plan)
    assert result["passed"], [step["failure"] for step in result["steps"] if step["failure"]]


@pytest.mark.parametrize("plan", ["setup", "hot", "cold"])
def test_every_step_shows_what_it_has_to(report: dict, plan: str) -> None:
    check(report, plan)


def restored(report: dict, plan: str) -> list[dict]:
    (result,) = (one for one in report["plans"] if one["plan"] == plan)
    found = [
        c for c in result["comparisons"] if c["title"].startswith(f"restored from {plan} snapshots")
    ]
    assert found, [c["title"] for c in result["comparisons"]]
    return found


def test_the_cold_heads_are_closer_than_the_hot_ones(report: dict) -> None:
    hot, cold = (
        max(one["unevenSeconds"] for one in restored(report, plan)) for plan in ("hot", "cold")
    )
    assert cold < hot


def check_left(report: dict) -> None:
    """See that nothing of a run is left, and that the mirror runs as before."""
    assert report["left"] == []
    assert lab.get("volumesnapshots", "-A", "-l", LABEL)["items"] == []
    assert lab.get("jobs", "-A", "-l", "app.kubernetes.io/component=topics")["items"] == []
    mirror = lab.get("kmm2", "my-mirror-maker", "-n", MIRROR.namespace)
    assert PREVIOUS_REPLICAS not in mirror["metadata"].get("annotations", {})
    assert mirror["spec"]["replicas"] == 1


def test_nothing_is_left(report: dict) -> None:
    check_left(report)


def test_online_shows_one_moment_though_the_brokers_run(online_report: dict) -> None:
    """Each topic is a prefix of its source that ends at the stop of the mirror."""
    check(online_report, "online")
    for one in restored(online_report, "online"):
        assert one["verdict"] in ("identical", "consistent prefix"), one["title"]
        assert one["inBoth"] > 0, one["title"]


def test_nothing_is_left_of_online(online_report: dict) -> None:
    check_left(online_report)
