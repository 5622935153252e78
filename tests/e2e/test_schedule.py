"""The Jobs of a schedule in the cluster, as their own account: made, pruned, skipped, failed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from kanister_kafka.cli.topic_connection import IMAGE

from . import lab
from .lab import Kafka, is_ready, kubectl, wait_until

pytestmark = pytest.mark.e2e

HOME = "kanister-kafka-e2e-schedule"
KAFKA = Kafka(HOME, "scheduled")
CRON_JOB = "scheduled-kanister-kafka-backup"
LIMIT = 900
"""Seconds for a Job."""


def manifests() -> str:
    strimzi = lab.strimzi_api()
    volume = {"id": 0, "type": "persistent-claim", "size": "1Gi", "deleteClaim": True}
    config = {
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
    }
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}},
        {
            "apiVersion": strimzi,
            "kind": "KafkaNodePool",
            "metadata": {
                "name": "node",
                "namespace": HOME,
                "labels": {"strimzi.io/cluster": KAFKA.name},
            },
            "spec": lab.combined_node(volume),
        },
        {
            "apiVersion": strimzi,
            "kind": "Kafka",
            "metadata": {
                "name": KAFKA.name,
                "namespace": HOME,
                "annotations": {"strimzi.io/node-pools": "enabled", "strimzi.io/kraft": "enabled"},
            },
            "spec": {
                "kafka": {
                    "listeners": [
                        {"name": "plain", "port": 9092, "type": "internal", "tls": False}
                    ],
                    "config": config,
                },
            },
        },
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


@pytest.fixture(scope="module")
def scheduled() -> Iterator[None]:
    image = os.environ.get(IMAGE)
    if not image:
        pytest.skip(f"{IMAGE} names no image with this command")
    words = [KAFKA.name, "-n", HOME, "--engine", "kanister"]
    try:
        kubectl("apply", "-f", "-", stdin=manifests())
        wait_until(f"{KAFKA} is Ready", lambda: is_ready(KAFKA.resource()))
        schedule = ["--schedule", "@yearly", "--keep-last", "1", "--schedule-image", image]
        done = lab.command("apply", *words, *schedule)
        assert done.returncode == 0, done.stderr
        yield
    finally:
        lab.command("delete", *words, "--force")
        label = f"kanister-kafka.io/cluster={KAFKA.name}"
        kubectl("delete", "actionset", "-n", "kasten-io", "-l", label)
        kubectl("delete", "kafka,knp,volumesnapshot", "--all", "-n", HOME, "--wait=false")
        kubectl("delete", "namespace", HOME, "--wait=false", "--ignore-not-found")


def start(job: str) -> None:
    kubectl("create", "job", job, f"--from=cronjob/{CRON_JOB}", "-n", HOME)


def succeeded(job: str) -> bool:
    """Wait for the end of a Job; return whether its command has exited with 0."""

    def ended() -> dict:
        status = lab.get("job", job, "-n", HOME).get("status") or {}
        return status if status.get("succeeded") or status.get("failed") else {}

    wait_until(f"Job {job} has ended", lambda: bool(ended()), LIMIT)
    return bool(ended().get("succeeded"))


def log(job: str) -> str:
    return kubectl("logs", f"job/{job}", "-n", HOME)


def backups() -> list[str]:
    return lab.command("backups", "list", "-n", HOME, "-o", "name").stdout.split()


def warnings(reason: str) -> list[str]:
    found = lab.get("events", "-n", HOME, "--field-selector", f"reason={reason}")["items"]
    return [one["message"] for one in found if one["involvedObject"]["name"] == KAFKA.name]


@pytest.mark.usefixtures("scheduled")
def test_jobs_of_a_schedule() -> None:
    start("first")
    assert succeeded("first"), log("first")
    (first,) = backups()

    start("second")
    wait_until("the second backup has begun", lambda: "created" in log_if_any("second"))
    start("third")
    assert succeeded("third"), log("third")
    assert "no backup is made now" in log("third")
    assert len(warnings("BackupSkipped")) == 1
    assert succeeded("second"), log("second")
    (second,) = backups()
    assert first < second
    label = f"kanister-kafka.io/cluster={KAFKA.name}"
    assert len(lab.get("actionset", "-n", "kasten-io", "-l", label)["items"]) == 1

    record = ("configmap", "scheduled-kanister-kafka", "-n", HOME)
    kubectl("patch", *record, "--type", "merge", "-p", '{"data": {"state": "stopped"}}')
    start("fourth")
    assert not succeeded("fourth")
    kubectl("patch", *record, "--type", "merge", "-p", '{"data": {"state": "running"}}')
    assert "is stopped, and no action runs" in log("fourth")
    assert len(warnings("BackupFailed")) == 1
    assert backups() == [second]


def log_if_any(job: str) -> str:
    pods = lab.get("pods", "-n", HOME, "-l", f"job-name={job}")["items"]
    running = [pod for pod in pods if pod["status"]["phase"] != "Pending"]
    return log(job) if running else ""
