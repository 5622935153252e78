"""The Kubernetes cluster is gone, and a Kafka comes back in another one from the store alone.

Runs in two halves, with the loss of the cluster between them: KANISTER_KAFKA_DISASTER is the path
of a file. If it does not exist, a Kafka is made, backed up and copied, and the file gets what has
to come back. If it exists, the Kafka is restored, by the current kubeconfig. Between the two,
delete the cluster. Needs the store of test_export.py in both halves.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from . import lab
from .lab import KANISTER_NAMESPACE, Kafka, get, is_ready, kubectl, wait_until
from .small_kafka import ONE, resource

pytestmark = pytest.mark.e2e

STORE = os.environ.get("KANISTER_KAFKA_STORE", "")
NONE = Path(os.devnull)
FILE = Path(os.environ.get("KANISTER_KAFKA_DISASTER") or NONE)
IS_LOST = FILE.exists()
"""Whether the first half has run before this run."""
SOURCE = Kafka("kk-e2e-lost", "lost")
ELSEWHERE = Kafka("kk-e2e-recovered", "lost")
PLACE = ("-n", SOURCE.namespace)
PROFILE = "kk-e2e-disaster"
OTHER_CLASS = "kk-e2e-other-class"
TOPIC = "kept"
RECORDS = [f"record-{number}" for number in range(3000)]
AUTHORITIES = ("cluster-ca", "cluster-ca-cert", "clients-ca", "clients-ca-cert")
SMALL = ("--cpu", "20m", "--memory", "800Mi", "--heap", "200m")
POOLS = {"broker": 2, "controller": 1}


@pytest.fixture(autouse=True)
def store() -> None:
    if not STORE or not shutil.which("restic"):
        pytest.skip("KANISTER_KAFKA_STORE is not set, or restic is not on PATH")
    if FILE == NONE:
        pytest.skip("KANISTER_KAFKA_DISASTER is not set: this test loses its cluster")


def location() -> str:
    return f"{STORE}-disaster"


def keys() -> dict[str, str]:
    return {
        "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
    }


def profile() -> list[dict[str, Any]]:
    """Return what the copy needs."""
    endpoint, bucket, prefix = location().removeprefix("s3:").rsplit("/", 2)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "name": PROFILE,
        "namespace": KANISTER_NAMESPACE,
    }
    pair = {"idField": "aws_access_key_id", "secretField": "aws_secret_access_key"}
    password = {"repository_password": os.environ["RESTIC_PASSWORD"]}
    export = resource("v1", "Secret", f"{SOURCE.name}-kanister-kafka-export", SOURCE.namespace)
    place = {"type": "s3Compliant", "bucket": bucket, "endpoint": endpoint, "prefix": prefix}
    return [
        {**resource("v1", "Secret", PROFILE, KANISTER_NAMESPACE), "stringData": keys()},
        {**export, "stringData": {**keys(), **password}},
        {
            **resource("cr.kanister.io/v1alpha1", "Profile", PROFILE, KANISTER_NAMESPACE),
            "credential": {"type": "keyPair", "keyPair": {**pair, "secret": secret}},
            "location": {**place, "region": "us-east-1"},
            "skipSSLVerify": False,
        },
    ]


def objects() -> list[dict[str, Any]]:
    """Return a Kafka of two brokers and a controller, with TLS, and a topic as a resource."""
    api, home = lab.strimzi_api(), SOURCE.namespace
    kraft = {"strimzi.io/node-pools": "enabled", "strimzi.io/kraft": "enabled"}
    labels = {"strimzi.io/cluster": SOURCE.name}
    volume = {"id": 0, "type": "persistent-claim", "size": "1Gi", "kraftMetadata": "shared"}
    pools = [
        {
            **resource(api, "KafkaNodePool", role, home, labels=labels),
            "spec": {
                "replicas": replicas,
                "roles": [role],
                "storage": {"type": "jbod", "volumes": [volume]},
                "resources": {"requests": {"cpu": "30m", "memory": "320Mi"}},
                "jvmOptions": {"-Xms": "200m", "-Xmx": "280m"},
            },
        }
        for role, replicas in POOLS.items()
    ]
    listeners = [
        {"name": "plain", "port": 9092, "type": "internal", "tls": False},
        {"name": "tls", "port": 9093, "type": "internal", "tls": True},
    ]
    spec = {
        "kafka": {"listeners": listeners, "config": dict.fromkeys(ONE, 1)},
        "entityOperator": {"topicOperator": {"jvmOptions": {"-Xmx": "128m"}}},
    }
    topic = resource(api, "KafkaTopic", TOPIC, home, labels=labels)
    return [
        resource("v1", "Namespace", home, ""),
        *pools,
        {**resource(api, "Kafka", SOURCE.name, home, annotations=kraft), "spec": spec},
        {**topic, "spec": {"partitions": 5, "replicas": 2}},
    ]


def authorities(kafka: Kafka) -> dict[str, str]:
    """Return a digest of each Secret of the certificate authorities, not their content."""
    found = {}
    for name in AUTHORITIES:
        data = get("secret", f"{kafka.name}-{name}", "-n", kafka.namespace)["data"]
        fields = [
            (key, base64.b64decode(data[key])) for key in sorted(data) if key.startswith("ca")
        ]
        found[name] = hashlib.sha256(repr(fields).encode()).hexdigest()
    return found


def identity(kafka: Kafka) -> dict[str, Any]:
    """Return what a restored Kafka has to have in common with its source."""
    pods = sorted(pod["metadata"]["name"] for pod in kafka.pods())
    return {"id": kafka.resource()["status"]["clusterId"], "pods": pods, **authorities(kafka)}


def ours(*words: str, timeout: float = 1800) -> str:
    done = lab.command(*words, timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert os.environ["RESTIC_PASSWORD"] not in done.stdout + done.stderr
    return done.stdout


def test_a_kafka_is_copied_before_its_cluster_is_lost() -> None:
    if IS_LOST:
        pytest.skip(f"{FILE} exists: the cluster is lost")
    for one in objects():
        kubectl("apply", "-f", "-", stdin=json.dumps(one))
    for one in profile():
        kubectl("apply", "-f", "-", stdin=json.dumps(one))
    wait_until(f"{SOURCE} is Ready", lambda: is_ready(SOURCE.resource()), 1200)
    topic = lab.versioned("kafkatopics")
    wait_until("the topic is Ready", lambda: is_ready(get(topic, TOPIC, *PLACE)), 300)
    SOURCE.write(TOPIC, RECORDS)
    words = ("--from-cluster", SOURCE.name, *PLACE, "--engine", "kanister")
    ours("apply", *words, "--export-profile", PROFILE)
    ours("backups", "create", SOURCE.name, *PLACE)
    SOURCE.write(TOPIC, ["after the backup"])
    (backup,) = json.loads(ours("backups", "list", *PLACE, "-o", "json"))
    assert backup["status"] == "complete"
    FILE.write_text(json.dumps({"name": backup["name"], **identity(SOURCE)}), encoding="utf-8")


def expected() -> tuple[str, dict[str, Any]]:
    if not IS_LOST:
        pytest.skip("the cluster is not lost yet")
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    return kept.pop("name"), kept


def remove(kafka: Kafka) -> None:
    # A topic has a finalizer of the operator that is deleted with its Kafka.
    for kinds in ("kafkatopic", "kafka,kafkanodepool"):
        kubectl("delete", kinds, "--all", "-n", kafka.namespace, "--ignore-not-found", timeout=600)
    kubectl("delete", "namespace", kafka.namespace, "--ignore-not-found", timeout=600)


def test_the_new_cluster_knows_nothing_of_it() -> None:
    name, _ = expected()
    names = kubectl("get", "namespaces", "-o", "name")
    assert SOURCE.namespace not in names, "this is the first cluster"
    words = ("backups", "list", "--location", location(), *PLACE, "-o", "json")
    (found,) = json.loads(ours(*words))
    assert (found["name"], found["status"]) == (name, "complete")


def test_it_comes_back_elsewhere_with_another_class_and_smaller() -> None:
    name, kept = expected()
    provisioner = next(
        one["provisioner"]
        for one in get("storageclass")["items"]
        if "storageclass.kubernetes.io/is-default-class" in one["metadata"].get("annotations", {})
    )
    other = resource("storage.k8s.io/v1", "StorageClass", OTHER_CLASS, "")
    kubectl("apply", "-f", "-", stdin=json.dumps({**other, "provisioner": provisioner}))
    try:
        ours(
            *("restore", name, "--location", location(), *PLACE),
            *("--into", ELSEWHERE.namespace, "--storage-class", OTHER_CLASS, *SMALL, "--yes"),
        )
        assert identity(ELSEWHERE) == kept
        claims = get("pvc", "-n", ELSEWHERE.namespace)["items"]
        assert {one["spec"]["storageClassName"] for one in claims} == {OTHER_CLASS}
        assert len(claims) == sum(POOLS.values())
        assert sorted(ELSEWHERE.read(TOPIC)) == sorted(RECORDS)
    finally:
        remove(ELSEWHERE)
        kubectl("delete", "storageclass", OTHER_CLASS, "--ignore-not-found")


def test_it_comes_back_in_its_own_place_as_it_was() -> None:
    name, kept = expected()
    topic = lab.versioned("kafkatopics")
    try:
        ours(
            *("restore", name, "--location", location(), *PLACE),
            *("--into", SOURCE.namespace, "--unchanged", "--yes"),
        )
        assert identity(SOURCE) == kept
        assert sorted(SOURCE.read(TOPIC)) == sorted(RECORDS)
        wait_until("the topic is Ready", lambda: is_ready(get(topic, TOPIC, *PLACE)), 300)
        assert get(topic, TOPIC, *PLACE)["spec"]["partitions"] == 5
        listeners = SOURCE.resource()["spec"]["kafka"]["listeners"]
        assert [one["name"] for one in listeners] == ["plain", "tls"]
        SOURCE.write(TOPIC, ["after the restore"])
        assert SOURCE.held(TOPIC) == len(RECORDS) + 1
    finally:
        remove(SOURCE)
