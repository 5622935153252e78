"""A backup restored beside its source: verified, refused, and left by a killed command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from . import lab
from .lab import Kafka, is_ready, kubectl, wait_until

pytestmark = pytest.mark.e2e

TOPIC = "kanister-kafka-clone"
RECORDS = [f"record-{number}" for number in range(2000)]
SMALL = ("--cpu", "20m", "--memory", "900Mi", "--heap", "256m")
"""What nodes of a copy ask for on a small machine."""
EXPIRES = "kanister-kafka.io/clone-expires"


@pytest.fixture(scope="module")
def backup(kafka: Kafka) -> Iterator[str]:
    """Name of a backup of a topic with records."""
    kafka.create(TOPIC)
    kafka.write(TOPIC, RECORDS)
    # Another suite can have applied the Blueprint of this Kafka by kubectl.
    words = ("--from-cluster", kafka.name, "-n", kafka.namespace, "--engine", "kanister")
    done = lab.command("apply", *words, "--force-conflicts")
    assert done.returncode == 0, done.stderr
    done = ours("run", "backup", kafka.name, "-n", kafka.namespace, timeout=1800)
    assert done.returncode == 0, done.stderr + done.stdout
    name = json.loads(ours("backups", "list", *of(kafka), "-o", "json").stdout)[0]["name"]
    yield name
    ours("backups", "delete", name, *of(kafka), "--yes")


def ours(*words: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
    return lab.command(*words, timeout=timeout)


def of(kafka: Kafka) -> tuple[str, ...]:
    return "-n", kafka.namespace, "--kafka", kafka.name


def source(kafka: Kafka) -> tuple[object, ...]:
    """Return what must not change: pods, claims, and the specs as they are stored."""
    pods = {pod["metadata"]["uid"] for pod in kafka.pods()}
    return pods, kafka.claims(), kafka.resource()["spec"], kafka.resource()["metadata"]["uid"]


def copies(kafka: Kafka) -> list[str]:
    """Return the namespaces and snapshots of copies that are there."""
    labels = f"kanister-kafka.io/clone-of,kanister-kafka.io/cluster={kafka.name}"
    found = [
        *lab.get("namespaces", "-l", labels)["items"],
        *lab.get("volumesnapshotcontents", "-l", labels)["items"],
    ]
    return [item["metadata"]["name"] for item in found]


def test_a_backup_is_verified_beside_its_source(kafka: Kafka, backup: str) -> None:
    before = source(kafka)
    records = ("--records", "all", "--with-source")
    done = ours("verify", backup, *of(kafka), *SMALL, *records, "--format", "json")
    assert done.returncode == 0, done.stderr + done.stdout
    report = json.loads(done.stdout)
    assert report["outcome"] == "passed", report
    assert report["partitionsCompared"] == report["partitions"] > 0
    assert report["records"]["records"] >= len(RECORDS)
    assert report["source"]["records"] >= len(RECORDS)
    assert report["source"]["differences"] == []
    assert source(kafka) == before
    assert copies(kafka) == []
    assert described(kafka, backup)["verified"] == "passed"


def test_a_copy_runs_beside_its_source_with_the_same_identity(kafka: Kafka, backup: str) -> None:
    home = "kanister-kafka-e2e-clone"
    copy = Kafka(home, kafka.name)
    before = source(kafka)
    try:
        done = ours("restore", backup, *of(kafka), "--into", home, *SMALL, "--yes", timeout=1500)
        assert done.returncode == 0, done.stderr + done.stdout
        assert source(kafka) == before
        status, original = copy.resource()["status"], kafka.resource()["status"]
        assert status["clusterId"] == original["clusterId"]
        assert {pod["metadata"]["name"] for pod in copy.pods()} == {
            pod["metadata"]["name"] for pod in kafka.pods()
        }
        held = kafka.held(TOPIC)
        assert copy.held(TOPIC) == held >= len(RECORDS)
        assert sorted(copy.read(TOPIC)) == sorted(kafka.read(TOPIC))
        copy.write(TOPIC, ["only in the copy"])
        assert kafka.held(TOPIC) == held
        again = ours("restore", backup, *of(kafka), "--into", home, "--yes")
        assert again.returncode == 1
        assert "is there already" in again.stderr
    finally:
        kubectl("delete", "kafka,kafkanodepool", "--all", "-n", home, "--ignore-not-found")
        kubectl("delete", "namespace", home, "--ignore-not-found", timeout=600)
        kubectl("delete", "volumesnapshotcontents", "-l", "kanister-kafka.io/clone-of")
    ready = [snapshot["ready"] for snapshot in described(kafka, backup)["snapshots"]]
    assert all(ready)


def described(kafka: Kafka, backup: str) -> dict:
    return json.loads(ours("backups", "describe", backup, *of(kafka), "-o", "json").stdout)


def test_a_quota_that_is_too_small_is_found_before_anything_is_made(
    kafka: Kafka, backup: str
) -> None:
    home = "kanister-kafka-e2e-quota"
    kubectl("create", "namespace", home)
    fewer = len(kafka.pods()) - 1
    try:
        kubectl("create", "quota", "small", "-n", home, f"--hard=pods={fewer}")
        wait_until(
            "the quota counts",
            lambda: lab.get("resourcequota", "small", "-n", home).get("status", {}).get("hard"),
        )
        done = ours("verify", backup, *of(kafka), "--into", home, *SMALL)
        assert done.returncode == 1
        assert f"ResourceQuota small has {fewer} of pods left" in done.stderr
        assert copies(kafka) == []
        assert not lab.get("secrets", "-n", home)["items"]
    finally:
        kubectl("delete", "namespace", home, timeout=300)


def test_what_a_killed_command_has_left_is_removed_by_the_next_one(
    kafka: Kafka, backup: str
) -> None:
    words = (sys.executable, "-m", "kanister_kafka", "verify", backup, *of(kafka), *SMALL)
    running = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    for line in running.stderr:
        if "starting Kafka" in line:
            break
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    labels = f"kanister-kafka.io/clone-of,kanister-kafka.io/cluster={kafka.name}"
    (left,) = lab.get("namespaces", "-l", labels)["items"]
    home = left["metadata"]["name"]
    refused = ours("verify", backup, *of(kafka), *SMALL)
    assert refused.returncode == 1
    assert "may still run" in refused.stderr
    kubectl("annotate", "namespace", home, f"{EXPIRES}=2026-01-01T00:00:00Z", "--overwrite")
    done = ours("verify", backup, *of(kafka), *SMALL, "--records", "none", timeout=1500)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "was left behind" in done.stderr
    assert copies(kafka) == []


def test_ctrl_c_in_the_middle_removes_everything(kafka: Kafka, backup: str) -> None:
    words = (sys.executable, "-m", "kanister_kafka", "verify", backup, *of(kafka), *SMALL)
    running = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    for line in running.stderr:
        if "claims" in line and line.startswith("["):
            break
    time.sleep(1)
    running.send_signal(signal.SIGINT)
    _out, errors = running.communicate(timeout=600)
    assert running.returncode not in (0, None), errors
    assert copies(kafka) == []


def test_a_snapshot_that_is_gone_fails_before_anything_is_made(kafka: Kafka, backup: str) -> None:
    """The last test: the backup is damaged after it."""
    snapshot = described(kafka, backup)["snapshots"][0]["name"]
    kubectl("delete", "volumesnapshot", snapshot, "-n", kafka.namespace)
    done = ours("verify", backup, *of(kafka), *SMALL)
    assert done.returncode == 1
    assert f"VolumeSnapshot {snapshot} is not there" in done.stderr
    assert copies(kafka) == []
    assert is_ready(kafka.resource())
