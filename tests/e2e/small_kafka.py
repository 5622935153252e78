"""A Kafka of one node with all that has rights of its own around it, made for a test.

Every pod of it passes the Pod Security Standard `restricted`, which its namespace enforces.
"""

from __future__ import annotations

import json

from . import lab
from .lab import Kafka, is_ready, kubectl, wait_until

KAFKA = Kafka("kk-rights", "my-cluster")
FAR = "kk-rights-far"
WRITERS = (
    ("kafkamirrormaker2", "loop", KAFKA.namespace),
    ("kafkaconnect", "hub", KAFKA.namespace),
    ("kafkabridge", "near", KAFKA.namespace),
    ("kafkabridge", "far", FAR),
)
POD = {
    "securityContext": {
        "runAsNonRoot": True,
        "fsGroup": 0,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
}
CONTAINER = {
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
}
ONE = (
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "transaction.state.log.min.isr",
    "default.replication.factor",
    "min.insync.replicas",
)
PLAIN = {"name": "plain", "port": 9092, "type": "internal", "tls": False}
PAUSED = {"strimzi.io/pause-reconciliation": "true"}
"""Of the writers: their operator makes no pods, which cost time and tell nothing of rights."""
SERVERS = f"{KAFKA.name}-kafka-bootstrap"


def ensure() -> None:
    """Make it where it is not there, and wait until it is Ready."""
    for one in objects():
        kubectl("apply", "-f", "-", stdin=json.dumps(one))
    wait_until(f"{KAFKA} is Ready", lambda: is_ready(KAFKA.resource()))


def objects() -> list[dict]:
    """Return what is made, in order."""
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    jvm = {"-Xms": "100m", "-Xmx": "256m"}
    small = {"requests": {"cpu": "20m", "memory": "300Mi"}}
    volume = {"id": 0, "type": "persistent-claim", "size": "1Gi", "kraftMetadata": "shared"}
    of_cluster = {"strimzi.io/cluster": KAFKA.name}
    return [
        resource("v1", "Namespace", KAFKA.namespace, "", labels=restricted),
        resource("v1", "Namespace", FAR, ""),
        strimzi(
            "KafkaNodePool",
            "dual",
            {
                "replicas": 1,
                "roles": ["controller", "broker"],
                "storage": {"type": "jbod", "volumes": [volume]},
                "resources": small,
                "jvmOptions": jvm,
                "template": {"pod": POD, "kafkaContainer": CONTAINER},
            },
            labels=of_cluster,
        ),
        strimzi(
            "Kafka",
            KAFKA.name,
            {
                "kafka": {
                    "listeners": [
                        {"name": "plain", "port": 9092, "type": "internal", "tls": False}
                    ],
                    "config": dict.fromkeys(ONE, 1),
                },
                "entityOperator": {
                    "topicOperator": {"jvmOptions": {"-Xmx": "128m"}},
                    "template": {"pod": POD, "topicOperatorContainer": CONTAINER},
                },
            },
            annotations={"strimzi.io/node-pools": "enabled", "strimzi.io/kraft": "enabled"},
        ),
        strimzi("KafkaTopic", "letters", {"partitions": 1, "replicas": 1}, labels=of_cluster),
        strimzi(
            "KafkaUser", "reader", {"authentication": {"type": "scram-sha-512"}}, labels=of_cluster
        ),
        resource(
            "v1",
            "Secret",
            "reader",
            KAFKA.namespace,
            labels={**of_cluster, "strimzi.io/kind": "KafkaUser"},
        ),
        strimzi("KafkaMirrorMaker2", "loop", mirror_maker(), annotations=PAUSED),
        strimzi(
            "KafkaConnect",
            "hub",
            {"replicas": 1, "bootstrapServers": f"{SERVERS}:9092", **connect("hub")},
            annotations={**PAUSED, "strimzi.io/use-connector-resources": "true"},
        ),
        strimzi(
            "KafkaConnector",
            "letters",
            {"class": "org.apache.kafka.connect.tools.MockSinkConnector", "tasksMax": 1},
            labels={"strimzi.io/cluster": "hub"},
        ),
        bridge("near", KAFKA.namespace),
        bridge("far", FAR),
    ]


def bridge(name: str, namespace: str) -> dict:
    servers = f"{SERVERS}.{KAFKA.namespace}.svc:9092"
    spec = {"replicas": 1, "bootstrapServers": servers, "http": {"port": 8080}}
    return strimzi("KafkaBridge", name, spec, namespace=namespace, annotations=PAUSED)


def mirror_maker() -> dict:
    """Return the spec of a mirror of the Kafka into itself."""
    factors = ("config", "offset", "status")
    source = {"alias": "source", "bootstrapServers": f"{SERVERS}:9092"}
    target = {
        "alias": "target",
        "bootstrapServers": f"{SERVERS}:9092",
        "config": {f"{name}.storage.replication.factor": 1 for name in factors},
    }
    mirror = {
        "topicsPattern": "letters",
        "sourceConnector": {
            "tasksMax": 1,
            "config": {
                "replication.factor": 1,
                "offset-syncs.topic.replication.factor": 1,
                "sync.topic.acls.enabled": "false",
            },
        },
    }
    if names := connect("loop"):
        place: dict = {"target": {**target, **names}}
        mirror["source"] = source
    else:
        place = {"connectCluster": "target", "clusters": [source, target]}
        mirror.update(sourceCluster="source", targetCluster="target")
    return {"replicas": 1, **place, "mirrors": [mirror]}


def connect(name: str) -> dict[str, str]:
    """Return what the API v1 wants to be told of a Connect cluster."""
    if lab.strimzi_api().endswith("/v1beta2"):
        return {}
    topics = ("config", "offset", "status")
    return {"groupId": name, **{f"{one}StorageTopic": f"{name}-{one}s" for one in topics}}


def strimzi(kind: str, name: str, spec: dict, namespace: str = "", **metadata: dict) -> dict:
    made = resource(lab.strimzi_api(), kind, name, namespace or KAFKA.namespace, **metadata)
    return {**made, "spec": spec}


def resource(api: str, kind: str, name: str, namespace: str, **metadata: dict) -> dict:
    where = {"namespace": namespace} if namespace else {}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **where, **metadata}}
