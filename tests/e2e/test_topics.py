"""Topics of a real source and its mirror, looked at by Jobs: examples/lab, or one like it."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime, timedelta, timezone

import pytest

from kanister_kafka.cli.topic_connection import IMAGE
from kanister_kafka.operations.consistency_test.environment import LAB

from . import lab

SOURCE, MIRROR = "kafka/my-cluster", "kafka-mirror/my-cluster"

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", autouse=True)
def environment() -> None:
    if not os.environ.get(IMAGE):
        pytest.skip(f"{IMAGE} names no image with this command")
    labelled = {item["metadata"]["name"] for item in lab.get("ns", "-l", f"{LAB}=true")["items"]}
    if not {"kafka", "kafka-mirror"} <= labelled:
        pytest.skip(f"no source and mirror with the label {LAB}=true: make lab-env")


def topics(*words: str, exits: int = 0) -> str:
    done = lab.command("topics", *words)
    assert done.returncode == exits, done.stderr
    return done.stdout


def inside(*words: str, exits: int = 0) -> dict:
    return json.loads(topics(*words, "--in-cluster", "-o", "json", exits=exits))


def jobs() -> set[str]:
    found = lab.get("jobs,secrets", "-A", "-l", "app.kubernetes.io/component=topics")["items"]
    return {item["metadata"]["name"] for item in found}


def test_totals_are_those_of_kafkas_own_tool() -> None:
    before = own_offsets()
    found = inside("total", "--kafka", "my-cluster", "-n", "kafka", "blogs", "items")
    after = own_offsets()
    held = {(p["topic"], p["partition"]): p["latest"] for p in found["partitions"]}
    assert held.keys() == before.keys()
    for place, latest in held.items():
        assert before[place] <= latest <= after[place]
    assert jobs() == set()


def own_offsets() -> dict[tuple[str, int], int]:
    kafka = lab.Kafka("kafka", "my-cluster")
    text = kafka.tool(
        "kafka-get-offsets.sh",
        *("--bootstrap-server", "localhost:9092", "--topic-partitions", "blogs,items"),
    )
    rows = re.findall(r"^(\w+):(\d+):(\d+)$", text, re.MULTILINE)
    return {(topic, int(number)): int(end) for topic, number, end in rows}


def test_rates_are_what_the_producers_are_set_to() -> None:
    found = inside("rate", "--kafka", "my-cluster", "-n", "kafka", "blogs", "--for", "10s")
    assert 4 <= found["perSecond"] <= 6


def test_the_last_messages_are_what_the_producers_write() -> None:
    found = inside("last", f"{SOURCE}/items", "-n", "3")
    numbers = [message["partition"] for message in found["records"]]
    assert sorted(numbers) == sorted([*range(10)] * 3)
    times = [message["time"] for message in found["records"]]
    assert times == sorted(times)
    for message in found["records"]:
        assert re.fullmatch(r"20\S+Z -- [0-9a-f-]{36}", message["value"])


def of_late() -> tuple[str, str]:
    """Return a time a minute ago: a hot scenario leaves a mirror with duplicated records."""
    return "--since", (datetime.now(timezone.utc) - timedelta(minutes=1)).isoformat()


@pytest.mark.parametrize("options", [of_late(), ("--last", "200")], ids=["since", "last"])
def test_the_mirror_is_a_prefix_of_its_source(options: tuple[str, ...]) -> None:
    found = inside("compare", f"{SOURCE}/items", f"{MIRROR}/", *options)
    assert found["verdict"] in ("identical", "consistent prefix")
    assert found["b"] == f"{MIRROR}/my-source-cluster.items"
    assert len(found["partitions"]) == 10
    assert jobs() == set()


def test_another_topic_differs() -> None:
    found = inside("compare", f"{SOURCE}/blogs", f"{SOURCE}/items", exits=1)
    assert found["verdict"] == "differing"
    assert found["partitionsOnlyInB"] == [*range(3, 10)]


def test_a_listener_with_tls_is_trusted() -> None:
    found = inside("total", "--kafka", "my-cluster", "-n", "kafka", "--listener", "tls", "blogs")
    assert {one["topic"] for one in found["partitions"]} == {"blogs"}


def test_a_comparison_that_is_split_is_the_same_as_the_whole() -> None:
    words = ("compare", f"{SOURCE}/items", f"{MIRROR}/", *of_late())
    whole = inside(*words)
    rendered = topics(*words, "--print-job", "3")
    (name,) = set(re.findall(r"^  name: (kanister-kafka-topics-\w+)$", rendered, re.MULTILINE))
    lab.kubectl("apply", "-f", "-", stdin=rendered)
    try:
        done = lab.command("topics", "merge", name, "-n", "kafka", "-o", "json")
        merged = json.loads(done.stdout)
    finally:
        lab.kubectl("delete", "job,configmap", name, "-n", "kafka")
    assert done.returncode == 0, done.stderr
    assert (merged["a"], merged["b"]) == (whole["a"], whole["b"])
    assert merged["inBoth"] >= whole["inBoth"]
    assert [p["partition"] for p in merged["partitions"]] == [*range(10)]
