"""The three scenarios on a real source and its mirror, and what is left of them: nothing."""

from __future__ import annotations

import json
import os

import pytest

from kanister_kafka.cli.topic_connection import IMAGE
from kanister_kafka.operations.consistency_test.environment import LAB
from kanister_kafka.operations.consistency_test.mirror_control import PREVIOUS_REPLICAS
from kanister_kafka.operations.rehearsal.context import LABEL

from . import lab

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def report() -> dict:
    if not os.environ.get(IMAGE):
        pytest.skip(f"{IMAGE} names no image with this command")
    labelled = {item["metadata"]["name"] for item in lab.get("ns", "-l", f"{LAB}=true")["items"]}
    if not {"kafka", "kafka-mirror"} <= labelled:
        pytest.skip(f"no source and mirror with the label {LAB}=true: make lab-env")
    words = ("--from-cluster", "my-cluster", "-n", "kafka-mirror", "--force-conflicts")
    applied = lab.command("apply", *words)  # kubectl has applied the Blueprint of other suites
    assert applied.returncode == 0, applied.stderr
    done = lab.command(
        "consistency-test", "--scenario", "all", "--yes", "--format", "json", timeout=3600
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("plan", ["setup", "hot", "cold"])
def test_every_step_shows_what_it_has_to(report: dict, plan: str) -> None:
    (result,) = (one for one in report["plans"] if one["plan"] == plan)
    assert result["passed"], [step["failure"] for step in result["steps"] if step["failure"]]


def restored(report: dict, plan: str) -> list[dict]:
    (result,) = (one for one in report["plans"] if one["plan"] == plan)
    return [
        c for c in result["comparisons"] if c["title"].startswith(f"restored from {plan} snapshots")
    ]


def test_the_cold_heads_are_closer_than_the_hot_ones(report: dict) -> None:
    hot, cold = (
        max(one["unevenSeconds"] for one in restored(report, plan)) for plan in ("hot", "cold")
    )
    assert cold < hot


def test_nothing_is_left(report: dict) -> None:
    assert report["left"] == []
    assert lab.get("volumesnapshots", "-A", "-l", LABEL)["items"] == []
    assert lab.get("jobs", "-A", "-l", "app.kubernetes.io/component=topics")["items"] == []
    mirror = lab.get("kmm2", "my-mirror-maker", "-n", "kafka-mirror")
    assert PREVIOUS_REPLICAS not in mirror["metadata"].get("annotations", {})
    assert mirror["spec"]["replicas"] == 1
