"""No field of a spec is lost where two API versions are served (Strimzi 0.49 to 0.51).

The API server converts nothing between v1 and v1beta2: what is written through v1 loses each field
that v1 does not know. So all is made and read as v1beta2 here, and compared as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from . import faults, lab, suites
from .lab import Kafka, is_ready, kubectl, run_action, wait_until

pytestmark = pytest.mark.e2e

HOME = "kanister-kafka-e2e-spec"
API = "v1beta2.kafka.strimzi.io"
OAUTH = {
    "type": "oauth",
    "clientId": "client",
    "clientSecret": {"secretName": "oauth", "key": "secret"},
    "tokenEndpointUri": "https://authorization.example.com/token",
}
"""v1 knows none of these fields but the type."""
PAUSED = {"strimzi.io/pause-reconciliation": "true"}
"""Of the writers: their operator makes no pods, and need not reach an authorization server."""
KINDS = ("kafkas", "kafkanodepools", "kafkamirrormaker2s", "kafkaconnects", "kafkabridges")


def made(kind: str, name: str, spec: dict, **metadata: dict) -> dict:
    return {
        "apiVersion": "kafka.strimzi.io/v1beta2",
        "kind": kind,
        "metadata": {"name": name, "namespace": HOME, **metadata},
        "spec": spec,
    }


def manifests() -> str:
    servers = "old-kafka-bootstrap:9092"
    volume = {"id": 0, "type": "persistent-claim", "size": "1Gi", "kraftMetadata": "shared"}
    factors = (
        "offsets.topic.replication.factor",
        "transaction.state.log.replication.factor",
        "transaction.state.log.min.isr",
        "default.replication.factor",
        "min.insync.replicas",
    )
    clusters = [
        {"alias": "source", "bootstrapServers": "elsewhere-kafka-bootstrap.other.svc:9092"},
        {"alias": "target", "bootstrapServers": servers},
    ]
    mirrors = [{"sourceCluster": "source", "targetCluster": "target", "topicsPattern": ".*"}]
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}},
        made(
            "KafkaNodePool",
            "node",
            {
                "replicas": 1,
                "roles": ["controller", "broker"],
                "storage": {"type": "jbod", "volumes": [volume]},
                "jvmOptions": {"-Xms": "200m", "-Xmx": "256m"},
            },
            labels={"strimzi.io/cluster": "old"},
        ),
        made(
            "Kafka",
            "old",
            {
                "kafka": {
                    # Of no use to v1, which has them in node pools only; the pool falls back to it.
                    "resources": {"requests": {"cpu": "20m", "memory": "310Mi"}},
                    "listeners": [
                        {"name": "plain", "port": 9092, "type": "internal", "tls": False}
                    ],
                    "config": dict.fromkeys(factors, 1),
                },
                "entityOperator": {"topicOperator": {"jvmOptions": {"-Xmx": "128m"}}},
            },
            annotations={"strimzi.io/node-pools": "enabled", "strimzi.io/kraft": "enabled"},
        ),
        made(
            "KafkaMirrorMaker2",
            "mirror",
            {
                "replicas": 1,
                "connectCluster": "target",
                "clusters": clusters,
                "mirrors": mirrors,
            },
            annotations=PAUSED,
        ),
        made(
            "KafkaConnect",
            "connect",
            {"replicas": 1, "bootstrapServers": servers, "authentication": OAUTH},
            annotations=PAUSED,
        ),
        made(
            "KafkaBridge",
            "bridge",
            {
                "replicas": 1,
                "bootstrapServers": servers,
                "authentication": OAUTH,
                "http": {"port": 8080},
            },
            annotations=PAUSED,
        ),
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def specs() -> dict[str, str]:
    """Return every spec as text."""
    items = [one for kind in KINDS for one in lab.get(f"{kind}.{API}", "-n", HOME)["items"]]
    return {
        f"{one['kind']}/{one['metadata']['name']}": json.dumps(one["spec"], sort_keys=True)
        for one in items
    }


@pytest.fixture(scope="module")
def old() -> Iterator[Kafka]:
    if lab.why_not():
        pytest.skip(lab.why_not())
    if reason := suites.not_applicable("test_spec_kept", faults.release()):
        pytest.skip(reason)
    kafka = Kafka(HOME, "old")
    kubectl("apply", "-f", "-", stdin=manifests())
    try:
        wait_until(f"{kafka} is Ready", lambda: is_ready(kafka.resource()))
        yield kafka
    finally:
        kubectl("delete", "namespace", HOME, "--wait=false", "--ignore-not-found")


def test_no_field_is_lost_by_a_backup_and_a_restore(old: Kafka) -> None:
    before = specs()
    assert set(before) == {
        "Kafka/old",
        "KafkaNodePool/node",
        "KafkaMirrorMaker2/mirror",
        "KafkaConnect/connect",
        "KafkaBridge/bridge",
    }
    assert "310Mi" in before["Kafka/old"]
    assert "tokenEndpointUri" in before["KafkaConnect/connect"]
    done = lab.command("render", "--from-cluster", "old", "-n", HOME, "--engine", "kanister")
    assert done.returncode == 0, done.stderr
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=done.stdout)
    blueprint = f"{HOME}.old"

    backup = run_action("backup", blueprint, HOME)
    assert backup.done(), backup.error
    assert specs() == before
    restore = run_action(
        "restore",
        blueprint,
        HOME,
        artifacts=backup.artifacts,
        options={"overwrite": "true"},
    )
    assert restore.done(), restore.error
    after = specs()
    held = after.pop("Kafka/old")
    assert after == {name: spec for name, spec in before.items() if name != "Kafka/old"}
    assert "log.initial.task.delay.ms" in held, "what is put back holds its retention"
    released = lab.command("release-retention", "old", "-n", HOME, "--yes")
    assert released.returncode == 0, released.stderr
    assert specs() == before
    wait_until(f"{old} is Ready", lambda: is_ready(old.resource()))
    (pod,) = old.pods("kafka")
    asked = pod["spec"]["containers"][0]["resources"]["requests"]["memory"]
    assert asked == "310Mi", "the broker runs as its owner wants it"
