"""A backup that is older than its topic's retention: restored, kept, released, and emptied then."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from . import lab
from .lab import Kafka, is_ready, kubectl, wait_until
from .test_restore import manifests

pytestmark = pytest.mark.e2e

HOME = "kanister-kafka-e2e-retention"
TOPIC = "short"
RETENTION = 240
"""Seconds."""
RECORDS = [f"record-{n}" for n in range(300)]
HELD = "kanister-kafka.io/retention-held"
ROLL = "strimzi.io/manual-rolling-update=true"
CHECK_EVERY = 30
"""Seconds between two looks of a broker for what has passed its retention; 300 by default."""
INTACT = 600
"""Seconds for which the restored topic is looked at."""


@pytest.fixture(scope="module")
def short_lived() -> Iterator[Kafka]:
    # Not `kafka`: every Kafka of the namespaces that opted in goes by that name.
    if lab.why_not():
        pytest.skip(lab.why_not())
    made = json.loads(manifests().replace("kanister-kafka-e2e-restore", HOME))
    for item in made["items"]:
        if item["kind"] == "KafkaTopic":
            item["metadata"]["name"] = TOPIC
            item["spec"].update(partitions=1, config={"retention.ms": RETENTION * 1000})
        if item["kind"] == "Kafka":
            interval = {"log.retention.check.interval.ms": CHECK_EVERY * 1000}
            item["spec"]["kafka"]["config"].update(interval)
    kubectl("apply", "-f", "-", stdin=json.dumps(made))
    found = Kafka(HOME, "restored")
    try:
        wait_until(f"{found} is Ready", lambda: is_ready(found.resource()))
        wait_until("the topic is Ready", lambda: is_ready(lab.get("kt", TOPIC, "-n", HOME)))
        yield found
    finally:
        kubectl("delete", "kafka,knp,kafkauser", "--all", "-n", HOME, "--wait=false")
        patch = '-p={"metadata":{"finalizers":null}}'
        for topic in lab.get("kt", "-n", HOME)["items"]:
            kubectl("patch", "kt", topic["metadata"]["name"], "-n", HOME, "--type=merge", patch)
        kubectl("delete", "namespace", HOME, "--wait=false", "--ignore-not-found")


def ours(*words: str, timeout: float = 1800) -> str:
    done = lab.command(*words, "-n", HOME, timeout=timeout)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stderr + done.stdout


def roll(kafka: Kafka) -> None:
    """Have the operator restart every node, and wait until each has another pod that serves.

    The Kafka stays Ready meanwhile, and for a moment a node has no pod.
    """
    before = {pod["metadata"]["uid"] for pod in kafka.pods()}
    (owner,) = {pod["metadata"]["labels"]["strimzi.io/controller-name"] for pod in kafka.pods()}
    kubectl("annotate", "strimzipodset", owner, "-n", HOME, ROLL, "--overwrite")

    def rolled() -> bool:
        pods = kafka.pods()
        others = not before & {pod["metadata"]["uid"] for pod in pods}
        return len(pods) == len(before) and others and all(is_ready(pod) for pod in pods)

    wait_until("every node is another pod", rolled, timeout=900)
    wait_until(f"{kafka} is Ready", lambda: is_ready(kafka.resource()), timeout=900)


def test_old_backup_survives_its_restore(short_lived: Kafka) -> None:
    kafka = short_lived
    config = kafka.resource()["spec"]["kafka"]["config"]
    topic = lab.get("kt", TOPIC, "-n", HOME)["spec"]
    kafka.write(TOPIC, RECORDS)
    written = time.monotonic()
    ours("apply", "--from-cluster", "restored", "--engine", "kanister")
    ours("run", "backup", "restored")
    backed_up = time.monotonic()
    backups = lab.get("actionsets", "-n", lab.KANISTER_NAMESPACE)["items"]
    mine = [one for one in backups if one["spec"]["actions"][0]["name"] == "backup"]
    mine = [one for one in mine if HOME in json.dumps(one["spec"])]
    backup = max(mine, key=lambda one: one["metadata"]["creationTimestamp"])["metadata"]["name"]

    # Production has lost them: the backup is older than the retention now.
    wait_until("the topic is empty", lambda: kafka.held(TOPIC) == 0, timeout=RETENTION + 900)
    assert time.monotonic() - written > RETENTION
    # A younger backup may hold records that are younger than the retention too.
    wait_until("the backup is old", lambda: time.monotonic() - backed_up > RETENTION, RETENTION + 9)
    words = ("--from", backup, "--option", "overwrite=true", "--yes")
    told = ours("run", "restore", "restored", *words)
    assert f"would be emptied: {TOPIC}" in told
    assert "! RETENTION IS HELD" in told
    restored = time.monotonic()
    assert kafka.held(TOPIC) == len(RECORDS)

    for _ in range(2):
        roll(kafka)
        assert kafka.held(TOPIC) == len(RECORDS)
    while time.monotonic() - restored < INTACT:
        assert kafka.held(TOPIC) == len(RECORDS)
        time.sleep(20)
    assert sorted(kafka.read(TOPIC)) == sorted(RECORDS)
    assert lab.get("kt", TOPIC, "-n", HOME)["spec"] == topic
    assert "RETENTION IS HELD" in ours("status", "restored")

    told = ours("release-retention", "restored", "--yes")
    assert "WILL BE LOST" in told
    assert f"  {TOPIC} (retention.ms {RETENTION * 1000})" in told
    after = kafka.resource()
    assert after["spec"]["kafka"]["config"] == config
    assert HELD not in after["metadata"].get("annotations", {})
    # 30 s after the start of a broker, and at each interval after that.
    wait_until("retention works again", lambda: kafka.held(TOPIC) == 0, timeout=600)
    assert "not held: nothing to do" in ours("release-retention", "restored", "--yes")
