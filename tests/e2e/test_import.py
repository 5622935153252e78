"""The first cluster is gone: a Kafka is restored from the store alone.

Needs a location that this machine and pods reach, in KANISTER_KAFKA_STORE, such as
`s3:http://10.0.0.1:7070/bucket/prefix`, with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
RESTIC_PASSWORD, and restic on PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator

import pytest

from . import lab
from .lab import KANISTER_NAMESPACE, Kafka, combined_node, is_ready, kubectl, wait_until

pytestmark = pytest.mark.e2e

STORE = os.environ.get("KANISTER_KAFKA_STORE", "")
TOPIC = "kept"
RECORDS = [f"record-{number}" for number in range(2000)]
SMALL = ("--cpu", "20m", "--memory", "900Mi", "--heap", "256m")
SOURCE = Kafka("kk-e2e-gone", "gone")
TARGET = Kafka("kk-e2e-from-store", "gone")
PROFILE = "kk-e2e-import"
ONE = (
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "transaction.state.log.min.isr",
)


def ours(*words: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
    return lab.command(*words, timeout=timeout)


def at(location: str) -> tuple[str, ...]:
    return "--location", location, "-n", SOURCE.namespace


def objects(location: str) -> list[dict]:
    """Return the Kafka, and all that its export needs."""
    endpoint, bucket, prefix = location.removeprefix("s3:").rsplit("/", 2)
    keys = {
        "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
    }
    password = {"repository_password": os.environ["RESTIC_PASSWORD"]}
    credential = {
        "type": "keyPair",
        "keyPair": {
            "idField": "aws_access_key_id",
            "secretField": "aws_secret_access_key",
            "secret": {"apiVersion": "v1", "kind": "Secret", "name": PROFILE}
            | {"namespace": KANISTER_NAMESPACE},
        },
    }
    place = {"type": "s3Compliant", "bucket": bucket, "endpoint": endpoint, "prefix": prefix}
    listener = {"name": "plain", "port": 9092, "type": "internal", "tls": False}
    kraft = {"strimzi.io/node-pools": "enabled", "strimzi.io/kraft": "enabled"}
    pool = combined_node({"id": 0, "type": "persistent-claim", "size": "1Gi"})
    export = f"{SOURCE.name}-kanister-kafka-export"
    return [
        resource("v1", "Namespace", SOURCE.namespace),
        resource("v1", "Secret", PROFILE, KANISTER_NAMESPACE, stringData=keys),
        resource("v1", "Secret", export, SOURCE.namespace, stringData={**keys, **password}),
        resource(
            "cr.kanister.io/v1alpha1",
            "Profile",
            PROFILE,
            KANISTER_NAMESPACE,
            credential=credential,
            location={**place, "region": "us-east-1"},
            skipSSLVerify=False,
        ),
        resource(
            lab.strimzi_api(),
            "KafkaNodePool",
            "dual",
            SOURCE.namespace,
            labels={"strimzi.io/cluster": SOURCE.name},
            spec=pool,
        ),
        resource(
            lab.strimzi_api(),
            "Kafka",
            SOURCE.name,
            SOURCE.namespace,
            annotations=kraft,
            spec={"kafka": {"listeners": [listener], "config": dict.fromkeys(ONE, 1)}},
        ),
    ]


def resource(
    api: str,
    kind: str,
    name: str,
    namespace: str = "",
    *,
    labels: dict | None = None,
    annotations: dict | None = None,
    **fields: object,
) -> dict:
    metadata = {"name": name, "labels": labels or {}, "annotations": annotations or {}}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **fields}


def remove(kafka: Kafka) -> None:
    kubectl("delete", "kafka,kafkanodepool", "--all", "-n", kafka.namespace, "--ignore-not-found")
    kubectl("delete", "namespace", kafka.namespace, "--ignore-not-found", timeout=600)


@pytest.fixture(scope="module")
def gone() -> Iterator[tuple[str, str, str]]:
    """Location and name of a backup, and the id of its Kafka, of which all else is deleted."""
    if not STORE or not shutil.which("restic"):
        pytest.skip("KANISTER_KAFKA_STORE is not set, or restic is not on PATH")
    location = f"{STORE}-{uuid.uuid4().hex[:8]}"
    blueprint = f"{SOURCE.namespace}.{SOURCE.name}"
    try:
        for one in objects(location):
            kubectl("apply", "-f", "-", stdin=json.dumps(one))
        wait_until(f"{SOURCE} is Ready", lambda: is_ready(SOURCE.resource()), 1200)
        SOURCE.create(TOPIC)
        SOURCE.write(TOPIC, RECORDS)
        identity = SOURCE.resource()["status"]["clusterId"]
        place = ("-n", SOURCE.namespace)
        done = ours(
            *("apply", "--from-cluster", SOURCE.name, *place, "--name", blueprint),
            *("--engine", "kanister", "--export-profile", PROFILE),
        )
        assert done.returncode == 0, done.stderr
        for words in (("run", "backup", SOURCE.name), ("backups", "export", "latest")):
            more = ("--blueprint", blueprint)
            done = ours(*words, *place, *more, timeout=1800)
            assert done.returncode == 0, done.stderr + done.stdout
        (found,) = json.loads(ours("backups", "list", *place, "-o", "json").stdout)
        kubectl("delete", "blueprint", blueprint, "-n", KANISTER_NAMESPACE)
        remove(SOURCE)
        yield location, found["name"], identity
    finally:
        for kafka in (SOURCE, TARGET):
            remove(kafka)
        for kind in ("profiles.cr.kanister.io", "secret"):
            kubectl("delete", kind, PROFILE, "-n", KANISTER_NAMESPACE, "--ignore-not-found")


def test_the_store_lists_its_backups_without_a_cluster(gone, monkeypatch) -> None:
    location, name, identity = gone
    with monkeypatch.context() as patch:  # the report of the test asks the cluster
        patch.setenv("KUBECONFIG", "/no/kubeconfig")
        (found,) = json.loads(ours("backups", "list", *at(location), "-o", "json").stdout)
    assert (found["name"], found["status"], found["clusterId"]) == (name, "complete", identity)
    assert found["copiedBytes"] > 0


def test_a_backup_is_verified_from_the_store(gone) -> None:
    location, name, _identity = gone
    done = ours("verify", name, *at(location), *SMALL, "--records", "all", "--format", "json")
    assert done.returncode == 0, done.stderr + done.stdout
    report = json.loads(done.stdout)
    assert report["outcome"] == "passed", report
    assert report["records"]["records"] >= len(RECORDS)
    labels = f"kanister-kafka.io/clone,kanister-kafka.io/cluster={SOURCE.name}"
    assert not lab.get("namespaces", "-l", labels)["items"]


@pytest.mark.parametrize(
    ("target", "more"),
    [(TARGET, SMALL), (SOURCE, ("--unchanged", *SMALL))],
    ids=["elsewhere", "in-its-place"],
)
def test_every_record_is_restored_from_the_store_alone(gone, target, more) -> None:
    location, name, identity = gone
    words = ("--into", target.namespace, "--yes", *more)
    done = ours("restore", name, *at(location), *words, timeout=1500)
    assert done.returncode == 0, done.stderr + done.stdout
    assert target.resource()["status"]["clusterId"] == identity
    assert [pod["metadata"]["name"] for pod in target.pods()] == [f"{SOURCE.name}-dual-0"]
    assert sorted(target.read(TOPIC)) == sorted(RECORDS)
    target.write(TOPIC, ["after the restore"])
    assert target.held(TOPIC) == len(RECORDS) + 1
    assert not lab.get("jobs", "-n", target.namespace)["items"]
    listed = {
        item["metadata"]["name"] for item in lab.get("secrets", "-n", target.namespace)["items"]
    }
    assert not any("import" in one for one in listed)
    assert os.environ["RESTIC_PASSWORD"] not in done.stdout + done.stderr
    remove(target)


def test_a_wrong_password_makes_nothing(gone, monkeypatch) -> None:
    location, name, _identity = gone
    monkeypatch.setenv("RESTIC_PASSWORD", "another password")
    done = ours("restore", name, *at(location), "--into", TARGET.namespace, "--yes")
    assert done.returncode == 2
    assert "the password of the repository is wrong" in done.stderr
    assert TARGET.namespace not in kubectl("get", "namespaces", "-o", "name")
