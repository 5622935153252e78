"""What is new in Kafka 4 and has to be the same after a restore, and after a second one.

Eligible leader replicas, feature levels, groups of the new protocol, share groups and the clean
stop of each log. The Kafka is made here: one controller is sufficient, two brokers are needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from . import faults, lab, suites
from .lab import Kafka, is_ready, kubectl, run_action, wait_until
from .test_cycle import install

pytestmark = pytest.mark.e2e

KAFKA = Kafka("kanister-kafka-e2e-kafka4", "modern")
TOPIC = "letters"
RECORDS = [f"record-{n}" for n in range(300)]
GROUP, SHARE_GROUP = "readers", "sharers"
SERVER = "--bootstrap-server localhost:9092"
CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"
SHARE_CONSUMER = "org.apache.kafka.tools.consumer.ConsoleShareConsumer"
GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
SHARE_GROUPS = "org.apache.kafka.tools.consumer.group.ShareGroupCommand"
SMALL = {
    "resources": {"requests": {"cpu": "20m", "memory": "300Mi"}},
    "jvmOptions": {"-Xms": "100m", "-Xmx": "256m"},
}


def manifests() -> list[dict]:
    api, labels = lab.strimzi_api(), {"strimzi.io/cluster": KAFKA.name}

    def made(kind: str, name: str, spec: dict, **metadata: dict) -> dict:
        place = {"name": name, "namespace": KAFKA.namespace, **metadata}
        return {"apiVersion": api, "kind": kind, "metadata": place, "spec": spec}

    volume = {"id": 0, "type": "persistent-claim", "size": "1Gi", "kraftMetadata": "shared"}
    storage = {"type": "jbod", "volumes": [volume]}
    factors = {
        "offsets.topic.replication.factor": 2,
        "transaction.state.log.replication.factor": 2,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 2,
        "share.coordinator.state.topic.min.isr": 1,
        "default.replication.factor": 2,
        "min.insync.replicas": 1,
        "group.share.min.record.lock.duration.ms": 1000,
    }
    listener = {"name": "plain", "port": 9092, "type": "internal", "tls": False}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": KAFKA.namespace}},
        made(
            "KafkaNodePool",
            "controller",
            {"replicas": 1, "roles": ["controller"], "storage": storage, **SMALL},
            labels=labels,
        ),
        made(
            "KafkaNodePool",
            "broker",
            {"replicas": 2, "roles": ["broker"], "storage": storage, **SMALL},
            labels=labels,
        ),
        made(
            "Kafka",
            KAFKA.name,
            {
                "kafka": {"listeners": [listener], "config": factors},
                "entityOperator": {"topicOperator": {"jvmOptions": {"-Xmx": "128m"}}},
            },
            annotations={"strimzi.io/node-pools": "enabled", "strimzi.io/kraft": "enabled"},
        ),
    ]


@pytest.fixture(scope="module")
def modern() -> Iterator[Kafka]:
    if lab.why_not():
        pytest.skip(lab.why_not())
    if reason := suites.not_applicable("test_kafka4", faults.release()):
        pytest.skip(reason)
    for one in manifests():
        kubectl("apply", "-f", "-", stdin=json.dumps(one))
    try:
        wait_until(f"{KAFKA} is Ready", lambda: is_ready(KAFKA.resource()), 900)
        yield KAFKA
    finally:
        kubectl("delete", "kafka,knp", "--all", "-n", KAFKA.namespace, "--wait=false")
        kubectl("delete", "namespace", KAFKA.namespace, "--wait=false")


def run_class(name: str, words: str) -> str:
    return KAFKA.tool("kafka-run-class.sh", f"{name} {SERVER} {words}")


def read_some() -> None:
    """Let a group of each protocol read and commit a part of the topic."""
    few = f"--topic {TOPIC} --max-messages 100 --timeout-ms 60000"
    new = f"--consumer-property group.protocol=consumer --group {GROUP} --from-beginning"
    run_class(CONSUMER, f"{few} {new} >/dev/null 2>&1 || true")
    earliest = "--add-config share.auto.offset.reset=earliest"
    KAFKA.tool(
        "kafka-configs.sh",
        f"{SERVER} --alter --entity-type groups --entity-name {SHARE_GROUP} {earliest}",
    )
    run_class(SHARE_CONSUMER, f"{few} --group {SHARE_GROUP} >/dev/null 2>&1 || true")


def numbers(text: str, column: str) -> dict[str, str]:
    """Return one column of a table of Kafka's tools by the partition of the topic."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    header = next(row for row in rows if "PARTITION" in row)
    found = {}
    for row in rows:
        if TOPIC in row:
            shift = row.index(TOPIC) - header.index("TOPIC")
            found[row[header.index("PARTITION") + shift]] = row[header.index(column) + shift]
    return found


def state() -> dict[str, object]:
    """Return what a restore must bring back."""
    features = KAFKA.tool("kafka-features.sh", f"{SERVER} describe 2>/dev/null")
    levels = re.findall(r"Feature: (\S+).*FinalizedVersionLevel: (\S+)", features)
    groups = run_class(GROUPS, f"--describe --group {GROUP} 2>/dev/null")
    shares = run_class(SHARE_GROUPS, f"--describe --group {SHARE_GROUP} 2>/dev/null")
    return {
        "features": sorted(levels),
        "group": numbers(groups, "CURRENT-OFFSET"),
        "share group": numbers(shares, "START-OFFSET"),
        "cluster": KAFKA.resource()["status"]["clusterId"],
    }


def replicas() -> list[tuple[str, str, str]]:
    """Return leader, in-sync replicas and eligible leader replicas of each partition."""
    text = KAFKA.tool("kafka-topics.sh", f"{SERVER} --describe --topic {TOPIC}")
    pattern = r"Leader: (\S+)\s.*Isr: (\S+)\s+Elr: ?(\S*)"
    return re.findall(pattern, text)


def logs_without_recovery() -> list[str]:
    """Return the brokers that loaded their logs without a recovery."""
    found = []
    for pod in KAFKA.pods("kafka"):
        name = pod["metadata"]["name"]
        if "broker" in name:
            text = kubectl("logs", name, "-n", KAFKA.namespace, "-c", "kafka")
            # The metadata log is always read again: it is loaded without the clean shutdown file.
            recovered = [
                line
                for line in text.splitlines()
                if "Recovering unflushed segment" in line and "__cluster_metadata" not in line
            ]
            if "Skipping recovery" in text and not recovered:
                found.append(name)
    return found


def test_a_restore_and_a_second_one_bring_back_what_is_new_in_kafka_4(modern: Kafka) -> None:
    blueprint = install(modern, "--engine", "kanister")
    modern.create(f"{TOPIC} --partitions 3 --replication-factor 2")
    modern.write(TOPIC, RECORDS)
    read_some()
    before = state()
    for group in ("group", "share group"):
        offsets = [*before[group].values()]  # type: ignore[attr-defined]
        assert any(int(offset) for offset in offsets if offset != "-"), (group, offsets)
    backup = run_action("backup", blueprint, modern.namespace)
    assert backup.done(), backup.error
    wait_until(f"{modern} is Ready", lambda: is_ready(modern.resource()))
    modern.write(TOPIC, RECORDS)
    read_some()

    for time in ("first", "second"):
        restored = run_action(
            "restore",
            blueprint,
            modern.namespace,
            artifacts=backup.artifacts,
            options={"overwrite": "true"},
        )
        assert restored.done(), f"{time}: {restored.error}"
        wait_until(f"{modern} is Ready", lambda: is_ready(modern.resource()))
        assert state() == before, time
        assert sorted(modern.read(TOPIC)) == sorted(RECORDS), time
        rows = replicas()
        assert len(rows) == 3
        assert all(len(isr.split(",")) == 2 for _, isr, _ in rows), rows
        assert not any(elr for _, _, elr in rows), "a clean stop leaves no eligible leader replica"
        assert len(logs_without_recovery()) == 2, "the snapshots have the files of a clean stop"
