"""Backups of a running Kafka: complete only if nothing has moved, and clients come back anyway."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from . import lab
from .lab import Kafka, is_ready, kubectl, wait_until

pytestmark = pytest.mark.e2e

KAFKA = Kafka("kk-e2e-online", "mirror")
CONNECT = "hub"
TOPIC = "orders"
RECORDS = [f"record-{number}" for number in range(2000)]
OF = ("-n", KAFKA.namespace)
TOOL = "export KAFKA_HEAP_OPTS=-Xmx64m KAFKA_JVM_PERFORMANCE_OPTS=-XX:+UseSerialGC; "
SERVER = "--bootstrap-server localhost:9092"
SMALL = ("--cpu", "20m", "--memory", "900Mi", "--heap", "256m")


def objects(controllers: int = 1) -> list[dict]:
    """Return a Kafka of two brokers, with Connect as its client."""
    api = lab.strimzi_api()
    label = {"strimzi.io/cluster": KAFKA.name}
    two = dict.fromkeys(
        (
            "offsets.topic.replication.factor",
            "transaction.state.log.replication.factor",
            "default.replication.factor",
        ),
        2,
    )
    # The driver of a lab may copy files: large empty indexes take it long.
    config = {**two, "offsets.topic.num.partitions": 5, "log.index.size.max.bytes": 65536}
    volume = {"id": 0, "type": "persistent-claim", "size": "1Gi", "kraftMetadata": "shared"}
    jvm = {"-Xms": "100m", "-Xmx": "256m"}
    memory = {"requests": {"cpu": "20m", "memory": "400Mi"}, "limits": {"memory": "1100Mi"}}
    small = {"resources": memory, "jvmOptions": jvm}

    def one(kind: str, name: str, spec: dict, **metadata: dict) -> dict:
        place = {"name": name, "namespace": KAFKA.namespace, **metadata}
        return {"apiVersion": api, "kind": kind, "metadata": place, "spec": spec}

    def pool(name: str, replicas: int) -> dict:
        storage = {"type": "jbod", "volumes": [volume]}
        spec = {"replicas": replicas, "roles": [name], "storage": storage, **small}
        return one("KafkaNodePool", name, spec, labels=label)

    topics = {f"{kind}StorageTopic": f"hub-{kind}" for kind in ("config", "offset", "status")}
    names = {} if api.endswith("v1beta2") else {"groupId": "hub", **topics}
    factors = {f"{k}.storage.replication.factor": 2 for k in ("config", "offset", "status")}
    connect = {"replicas": 1, "bootstrapServers": f"{KAFKA.name}-kafka-bootstrap:9092"}
    plain = {"name": "plain", "port": 9092, "type": "internal", "tls": False}
    kafka = {"kafka": {"listeners": [plain], "config": config}}
    kafka["entityOperator"] = {"topicOperator": {"jvmOptions": {"-Xmx": "128m"}}}
    on = {"strimzi.io/node-pools": "enabled", "strimzi.io/kraft": "enabled"}
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": KAFKA.namespace, "labels": {"kanister-kafka.io/e2e": "true"}},
        },
        pool("controller", controllers),
        pool("broker", 2),
        one("Kafka", KAFKA.name, kafka, annotations=on),
        one("KafkaConnect", CONNECT, {**connect, **names, "config": factors, **small}),
    ]


@pytest.fixture(scope="module", autouse=True)
def blueprint() -> Iterator[None]:
    """Make the Kafka with its client and records, and its Blueprint for online backups."""
    for one in objects():
        kubectl("apply", "-f", "-", stdin=json.dumps(one))
    wait_until(f"{KAFKA} is Ready", lambda: is_ready(KAFKA.resource()))
    wait_until("Connect is Ready", connect_ready)
    KAFKA.create(TOPIC)
    KAFKA.write(TOPIC, RECORDS)
    done = lab.command(
        *("apply", "--from-cluster", KAFKA.name, *OF, "--engine", "kanister"),
        *("--strategy", "online"),
    )
    assert done.returncode == 0, done.stderr
    yield
    kubectl("delete", "namespace", KAFKA.namespace, "--wait=false")


def connect_ready() -> bool:
    return is_ready(lab.get("kafkaconnect", CONNECT, *OF))


def nodes() -> dict[str, tuple[str, int]]:
    """Return uid and restarts of every node."""
    return {
        pod["metadata"]["name"]: (
            pod["metadata"]["uid"],
            pod["status"]["containerStatuses"][0]["restartCount"],
        )
        for pod in KAFKA.pods()
    }


def backups() -> list[dict]:
    done = lab.command("backups", "list", *OF, "-o", "json")
    found: list[dict] = json.loads(done.stdout)
    return found


def state() -> str:
    found = lab.get("configmap", f"{KAFKA.name}-kanister-kafka", *OF)
    return str((found.get("data") or {}).get("state", ""))


def run_backup(meanwhile: Callable[[], object] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a backup, and something else between the two readings."""
    wait_until("Kafka is Ready", lambda: is_ready(KAFKA.resource()))

    def wait() -> None:
        for _ in range(1200):
            if state() == "online":
                if meanwhile:
                    meanwhile()
                return
            time.sleep(0.3)

    before = nodes()
    thread = threading.Thread(target=wait)
    thread.start()
    done = lab.command("run", "backup", KAFKA.name, *OF, timeout=1800)
    thread.join()
    sys.stdout.write(done.stdout + done.stderr)
    assert nodes() == before, "no node is stopped, restarted or rolled"
    assert lab.get("kafkaconnect", CONNECT, *OF)["spec"]["replicas"] == 1
    wait_until("Connect is Ready", connect_ready)
    return done


def in_broker(command: str) -> None:
    kubectl(
        "exec", f"{KAFKA.name}-broker-0", *OF, "-c", "kafka", "--", "bash", "-c", TOOL + command
    )


def test_a_backup_of_a_running_kafka_is_complete_and_restored_record_by_record() -> None:
    done = run_backup()
    assert done.returncode == 0
    (found,) = [one for one in backups() if one["status"] == "complete"]
    assert found["strategy"] == "online"
    name = found["name"]
    done = lab.command(
        *("verify", name, *OF, "--kafka", KAFKA.name, *SMALL),
        *("--records", "all", "--format", "json"),
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    report = json.loads(done.stdout)
    assert report["outcome"] == "passed", report
    assert report["records"]["records"] >= len(RECORDS)


MOVES = {
    "record": f"echo late | bin/kafka-console-producer.sh {SERVER} --topic {TOPIC}",
    "topic": f"bin/kafka-topics.sh {SERVER} --create --topic late --partitions 1",
    "offset": f"bin/kafka-console-consumer.sh {SERVER} --topic {TOPIC} --group late "
    "--from-beginning --max-messages 5",
    "option": f"bin/kafka-configs.sh {SERVER} --alter --topic {TOPIC} "
    "--add-config retention.ms=900000000",
}


@pytest.mark.parametrize("move", MOVES)
def test_a_client_that_the_plan_does_not_know_fails_the_backup(move: str) -> None:
    complete = {one["name"] for one in backups() if one["status"] == "complete"}
    done = run_backup(lambda: in_broker(MOVES[move]))
    assert done.returncode != 0
    assert "has moved meanwhile" in done.stdout + done.stderr
    assert {one["name"] for one in backups()} == complete, "nothing of it is left"
    assert state() == "running"
