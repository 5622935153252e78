"""Backups of a running Kafka: complete only if nothing has moved, and clients come back anyway.

Its metadata has three controllers, whose volumes are copied while they write. The copy of a backup
runs until the end of the module, so the tests that need it are the last ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from kanister_kafka.cli.topic_connection import IMAGE

from . import lab
from .lab import Kafka, is_ready, kubectl, wait_until

pytestmark = pytest.mark.e2e

KAFKA = Kafka("kk-e2e-online", "mirror")
COPY = Kafka("kk-e2e-online-copy", "mirror")
CONNECT = "hub"
TOPIC = "orders"
RECORDS = [f"record-{number}" for number in range(2000)]
NULL = "none"
"""What the writer turns into a value of null, as a compacted topic has it for a deleted key."""
LINES = [
    f"number:{number},part:{number % 7}\tkey-{number % 90}\t{record if number % 10 else NULL}"
    for number, record in enumerate(RECORDS)
]
"""Headers, key and value of each record."""
FIELDS = ("timestamp", "partition", "offset", "headers", "key", "value")
"""What Kafka's own consumer prints of a record."""
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
    for one in objects(controllers=3):
        kubectl("apply", "-f", "-", stdin=json.dumps(one))
    wait_until(f"{KAFKA} is Ready", lambda: is_ready(KAFKA.resource()))
    wait_until("Connect is Ready", connect_ready)
    KAFKA.create(f"{TOPIC} --partitions 3")
    properties = ("parse.headers=true", "parse.key=true", f"null.marker={NULL}")
    KAFKA.write(TOPIC, LINES, *properties)
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


def records(kafka: Kafka) -> list[str]:
    """Return every record of the topic with all that Kafka's own consumer prints of it."""
    shown = " ".join(f"--property print.{field}=true" for field in FIELDS)
    text = kafka.tool(
        "kafka-console-consumer.sh",
        f"{SERVER} --topic {TOPIC} --from-beginning {shown}",
        f"--max-messages {kafka.held(TOPIC)} --timeout-ms 60000 2>/dev/null || true",
    )
    return sorted(line for line in text.splitlines() if line.startswith("CreateTime:"))


@pytest.fixture(scope="module")
def source() -> list[str]:
    """Return the records of the Kafka that is backed up, read before the backup."""
    found = records(KAFKA)
    assert len(found) == KAFKA.held(TOPIC) >= len(RECORDS)
    for number in (0, 1, len(RECORDS) - 1):
        headers, *fields = LINES[number].replace(NULL, "null").split("\t")
        (line,) = (line for line in found if f"\t{headers}\t" in line)
        assert line.split("\t")[-2:] == fields
    return found


@pytest.fixture(scope="module")
def backup(source: list[str]) -> str:
    """Name of a complete backup of the running Kafka."""
    done = run_backup()
    assert done.returncode == 0
    (found,) = [one for one in backups() if one["status"] == "complete"]
    assert found["strategy"] == "online"
    assert records(KAFKA) == source, "nothing was written meanwhile"
    return str(found["name"])


def test_a_backup_of_a_running_kafka_is_verified_with_its_source(backup: str) -> None:
    done = lab.command(
        *("verify", backup, *OF, "--kafka", KAFKA.name, *SMALL),
        *("--records", "all", "--with-source", "--format", "json"),
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    sys.stdout.write(done.stderr + done.stdout)
    report = json.loads(done.stdout)
    assert report["outcome"] == "passed", report["unverified"]
    assert report["partitionsCompared"] == report["partitions"] > 0
    assert report["records"]["records"] >= len(RECORDS)
    assert report["source"]["records"] >= len(RECORDS)
    assert report["source"]["differences"] == []


@pytest.fixture(scope="module")
def copy(backup: str) -> Iterator[Kafka]:
    """Restore the backup next to its source."""
    home = COPY.namespace
    try:
        words = ("--kafka", KAFKA.name, "--into", home, *SMALL, "--yes")
        done = lab.command("restore", backup, *OF, *words, timeout=1800)
        assert done.returncode == 0, done.stderr + done.stdout
        yield COPY
    finally:
        kubectl("delete", "kafka,kafkanodepool", "--all", "-n", home, "--ignore-not-found")
        kubectl("delete", "namespace", home, "--ignore-not-found", timeout=600)
        labels = f"kanister-kafka.io/clone-of,kanister-kafka.io/cluster={KAFKA.name}"
        kubectl("delete", "volumesnapshotcontents", "-l", labels)


def test_three_controllers_are_restored_from_copies_of_running_ones(copy: Kafka) -> None:
    def voters() -> list[str]:
        text = copy.tool("kafka-metadata-quorum.sh", f"{SERVER} describe --replication")
        rows = [line.split() for line in text.splitlines()]
        return sorted(row[-1] for row in rows if row and row[-1] in ("Leader", "Follower"))

    assert voters() == ["Follower", "Follower", "Leader"]
    unavailable = copy.tool("kafka-topics.sh", f"{SERVER} --describe --unavailable-partitions")
    assert "Topic:" not in unavailable, "each partition has a leader"
    assert copy.resource()["status"]["clusterId"] == KAFKA.resource()["status"]["clusterId"]


def test_each_restored_record_is_that_of_the_source(copy: Kafka, source: list[str]) -> None:
    """Partition, offset, time, headers, key and value are what Kafka's own consumer prints."""
    assert records(copy) == source


def test_topics_compare_finds_source_and_copy_identical(copy: Kafka, source: list[str]) -> None:
    """The Job runs in the namespace of the copy, from which its NetworkPolicy lets clients in."""
    if not os.environ.get(IMAGE):
        pytest.skip(f"{IMAGE} names no image with this command")
    done = lab.command(
        *("topics", "compare", f"{copy}/{TOPIC}", f"{KAFKA}/{TOPIC}"),
        *("--in-cluster", "-o", "json"),
        timeout=900,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    found = json.loads(done.stdout)
    assert found["verdict"] == "identical"
    assert found["inBoth"] == len(source)
