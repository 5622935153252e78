"""A backup is copied off the cluster: what is in the store, what is left, what a failure changes.

Needs a location that this machine and pods reach, in KANISTER_KAFKA_STORE, such as
`s3:http://10.0.0.1:7070/bucket/prefix`, with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
RESTIC_PASSWORD, and restic on PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import pytest

from . import lab
from .lab import KANISTER_NAMESPACE, Kafka, combined_node, is_ready, kubectl, wait_until
from .small_kafka import ONE, resource

pytestmark = pytest.mark.e2e

STORE = os.environ.get("KANISTER_KAFKA_STORE", "")
SOURCE = Kafka("kk-e2e-export", "copied")
PLACE = ("-n", SOURCE.namespace)
NAME = "kk-e2e-export"
SECRET = f"{SOURCE.name}-kanister-kafka-export"
PREFIX = f"export-{uuid.uuid4().hex[:8]}"
OBJECTS = {"kind=objects", "kind=volume"}


def location() -> tuple[str, str]:
    """Return endpoint and bucket of the store."""
    endpoint, bucket, _prefix = STORE.removeprefix("s3:").rsplit("/", 2)
    return endpoint, bucket


def keys(password: str) -> dict[str, str]:
    return {
        "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
        "repository_password": password,
    }


def put_secret(password: str) -> None:
    made = resource("v1", "Secret", SECRET, SOURCE.namespace)
    kubectl("apply", "-f", "-", stdin=json.dumps({**made, "stringData": keys(password)}))


def put_profile(bucket: str) -> None:
    endpoint, _ = location()
    made = resource("cr.kanister.io/v1alpha1", "Profile", NAME, KANISTER_NAMESPACE)
    secret = {"apiVersion": "v1", "kind": "Secret", "name": NAME, "namespace": KANISTER_NAMESPACE}
    pair = {"idField": "aws_access_key_id", "secretField": "aws_secret_access_key"}
    made |= {
        "location": {
            "type": "s3Compliant",
            "bucket": bucket,
            "endpoint": endpoint,
            "prefix": PREFIX,
            "region": "us-east-1",
        },
        "credential": {"type": "keyPair", "keyPair": {**pair, "secret": secret}},
        "skipSSLVerify": False,
    }
    kubectl("apply", "-f", "-", stdin=json.dumps(made))


def objects() -> list[dict]:
    kraft = {"strimzi.io/node-pools": "enabled", "strimzi.io/kraft": "enabled"}
    listener = {"name": "plain", "port": 9092, "type": "internal", "tls": False}
    api, home = lab.strimzi_api(), SOURCE.namespace
    labels = {"strimzi.io/cluster": SOURCE.name}
    volume = {"id": 0, "type": "persistent-claim", "size": "1Gi"}
    credential = resource("v1", "Secret", NAME, KANISTER_NAMESPACE)
    return [
        resource("v1", "Namespace", home, ""),
        {**credential, "stringData": keys("unused")},
        {
            **resource(api, "KafkaNodePool", "dual", home, labels=labels),
            "spec": combined_node(volume),
        },
        {
            **resource(api, "Kafka", SOURCE.name, home, annotations=kraft),
            "spec": {"kafka": {"listeners": [listener], "config": dict.fromkeys(ONE, 1)}},
        },
    ]


def restic(*words: str) -> str:
    endpoint, bucket = location()
    repository = f"s3:{endpoint}/{bucket}/{PREFIX}/kanister-kafka"
    done = subprocess.run(
        ["restic", "--no-cache", "--no-lock", "-r", repository, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def tags() -> list[set[str]]:
    return [{*one["tags"]} for one in json.loads(restic("snapshots", "--json"))]


def export(*, code: int = 0) -> str:
    done = lab.command("backups", "export", "latest", *PLACE, timeout=900)
    assert done.returncode == code, done.stdout + done.stderr
    assert os.environ["RESTIC_PASSWORD"] not in done.stdout + done.stderr
    return done.stdout + done.stderr


def nothing_is_left() -> None:
    """Jobs, pods and claims of the copy go with its step; claims and pods of Kafka stay."""
    label = ("-l", "kanister-kafka.io/export")

    def gone() -> bool:
        return not any(lab.get(kind, *PLACE, *label)["items"] for kind in ("jobs", "pods", "pvc"))

    wait_until("Jobs, pods and claims of the copy are gone", gone)


@pytest.fixture(scope="module")
def backup() -> Iterator[str]:
    """Name of a backup that `backups create` has made and copied."""
    if not STORE or not shutil.which("restic"):
        pytest.skip("KANISTER_KAFKA_STORE is not set, or restic is not on PATH")
    words = ("--from-cluster", SOURCE.name, *PLACE, "--engine", "kanister")
    try:
        for one in objects():
            kubectl("apply", "-f", "-", stdin=json.dumps(one))
        put_secret(os.environ["RESTIC_PASSWORD"])
        put_profile(location()[1])
        wait_until(f"{SOURCE} is Ready", lambda: is_ready(SOURCE.resource()), 1200)
        SOURCE.create("kept")
        SOURCE.write("kept", [f"record-{number}" for number in range(2000)])
        done = lab.command("apply", *words, "--export-profile", NAME)
        assert done.returncode == 0, done.stderr
        made = lab.command("backups", "create", SOURCE.name, *PLACE, timeout=1800)
        assert made.returncode == 0, made.stdout + made.stderr
        (name,) = lab.command("backups", "list", *PLACE, "-o", "name").stdout.split()
        yield name
    finally:
        lab.command("delete", *words[1:], "--export-profile", NAME, "--force")
        cluster = f"kanister-kafka.io/cluster={SOURCE.name}"
        kubectl("delete", "actionset", "-n", KANISTER_NAMESPACE, "-l", cluster)
        for kind in ("profile.cr.kanister.io", "secret"):
            kubectl("delete", kind, NAME, "-n", KANISTER_NAMESPACE, "--ignore-not-found")
        kubectl("delete", "kafka,knp,volumesnapshot", "--all", *PLACE, "--wait=false")
        kubectl("delete", "namespace", SOURCE.namespace, "--wait=false", "--ignore-not-found")


def test_create_copies_the_backup(backup: str) -> None:
    found = tags()
    assert len(found) == 2
    for one in found:
        assert {"kanister-kafka", f"backup={backup}"} <= one
    assert {tag for one in found for tag in one if tag.startswith("kind=")} == OBJECTS
    objects_text = restic("dump", "--tag", "kind=objects", "latest", "/objects/backup.json")
    content = json.loads(objects_text)
    (volume,) = content["volumes"]
    names = restic("ls", volume["snapshot"])
    assert f"/volumes/{volume['claim']}/kafka-log0/meta.properties" in names
    assert any(one["metadata"]["name"].endswith("-facts") for one in content["secrets"])
    described = lab.command("backups", "describe", backup, *PLACE).stdout
    assert f"/{PREFIX}/kanister-kafka" in described
    nothing_is_left()


def test_copy_is_not_repeated_and_kafka_is_not_stopped(backup: str) -> None:
    before = [pod["metadata"]["uid"] for pod in SOURCE.pods("kafka")]
    assert f"backup {backup} is in the repository already" in export()
    assert [pod["metadata"]["uid"] for pod in SOURCE.pods("kafka")] == before
    assert len(tags()) == 2


def test_store_that_cannot_be_used_changes_nothing(backup: str) -> None:
    try:
        put_secret("another password")
        assert "the key repository_password of Secret" in export(code=1)
        put_secret(os.environ["RESTIC_PASSWORD"])
        put_profile("no-bucket-has-this-name")
        assert "the bucket does not exist" in export(code=1)
    finally:
        put_secret(os.environ["RESTIC_PASSWORD"])
        put_profile(location()[1])
    status = lab.command("backups", "describe", backup, *PLACE)
    assert status.returncode == 0, status.stdout
    assert is_ready(SOURCE.resource())
    nothing_is_left()


def delete_copy() -> None:
    (made,) = [
        one["metadata"]["name"]
        for one in lab.get(
            *("actionsets", "-n", KANISTER_NAMESPACE),
            *("-l", f"kanister-kafka.io/cluster={SOURCE.name}"),
        )["items"]
        if one["spec"]["actions"][0]["name"] == "backup"
    ]
    done = lab.command("run", "deleteCopy", SOURCE.name, *PLACE, "--from", made, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pod_that_is_killed_is_started_again(backup: str) -> None:
    delete_copy()
    assert tags() == []
    assert "exported         never" in lab.command("backups", "describe", backup, *PLACE).stdout
    started = time.monotonic()
    action = subprocess.Popen(
        [sys.executable, "-m", "kanister_kafka", "backups", "export", backup, *PLACE],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    killed = ""
    while not killed and time.monotonic() < started + 300:
        for pod in lab.get("pods", *PLACE, "-l", "kanister-kafka.io/export")["items"]:
            if any("ephemeral" in volume for volume in pod["spec"]["volumes"]):
                killed = pod["metadata"]["name"]
                kubectl("delete", "pod", killed, *PLACE, "--grace-period=0", "--force")
                break
    text, _ = action.communicate(timeout=900)
    assert killed
    assert action.returncode == 0, text
    assert "it is started again" in text
    assert {tag for one in tags() for tag in one if tag.startswith("kind=")} == OBJECTS
    nothing_is_left()


def exported(name: str) -> str:
    text = lab.command("backups", "describe", name, *PLACE).stdout
    (line,) = [line for line in text.splitlines() if line.strip().startswith("exported ")]
    return line.strip().removeprefix("exported").strip()


def test_keep_rules_of_copies_leave_the_backups_in_the_cluster(backup: str) -> None:
    made = lab.command("backups", "create", SOURCE.name, *PLACE, timeout=1800)
    assert made.returncode == 0, made.stdout + made.stderr
    names = lab.command("backups", "list", *PLACE, "-o", "name").stdout.split()
    newest = max(names)
    assert {*names} == {backup, newest}
    prune = ("backups", "prune", "--copies", "--keep-last", "1", *PLACE)
    plan = lab.command(*prune, "--dry-run", timeout=900)
    assert plan.returncode == 0, plan.stdout + plan.stderr
    assert len(tags()) == 4
    done = lab.command(*prune, "--yes", timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(f"backup={newest}" in one for one in tags())
    assert len(tags()) == 2
    assert lab.command("backups", "list", *PLACE, "-o", "name").stdout.split() == names
    assert exported(backup) == "never"
    assert exported(newest) != "never"
    nothing_is_left()


def test_backup_is_deleted_with_its_copy(backup: str) -> None:
    names = lab.command("backups", "list", *PLACE, "-o", "name").stdout.split()
    assert backup in names
    words = ("backups", "delete", *names, "--copy", "--yes", *PLACE)
    done = lab.command(*words, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert tags() == []
    assert not lab.command("backups", "list", *PLACE, "-o", "name").stdout.split()
