"""What is new in Kafka 4 and has to be the same after a restore, and after a second one.

Eligible leader replicas, feature levels, groups of the new protocol, share groups and the clean
stop of each log. The Kafka is made here: one controller is sufficient, two brokers are needed.

What becomes of partitions in a stop and a start is read from the metadata log: a broker registers,
an eligible leader is elected and the other one is in sync again within a second or two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from . import faults, lab, suites
from .lab import Kafka, begin_action, is_ready, kubectl, run_action, wait_until
from .test_cycle import install

pytestmark = pytest.mark.e2e

KAFKA = Kafka("kanister-kafka-e2e-kafka4", "modern")
TOPIC = "letters"
GUARDED = "parcels"
"""Topic of two replicas that both have to be in sync: one that is not is an eligible leader."""
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


@dataclass(frozen=True)
class Replicas:
    """What `kafka-topics.sh` shows of a partition."""

    leader: str
    isr: str
    elr: str
    last_known: str


def replicas(topic: str = TOPIC) -> list[Replicas]:
    """Return leader, in-sync replicas and eligible leader replicas of each partition."""
    text = KAFKA.tool("kafka-topics.sh", f"{SERVER} --describe --topic {topic}")
    pattern = r"Leader: (\S+)\s.*Isr: (\S*)\s+Elr: ?(\S*)\s+LastKnownElr: ?(\S*)"
    return [Replicas(*fields) for fields in re.findall(pattern, text)]


def check_replicas(topic: str) -> None:
    """See that each partition is led and has all replicas in sync, thus no eligible ones."""

    def in_sync() -> bool:
        return all(len(row.isr.split(",")) == 2 for row in replicas(topic))

    wait_until(f"all replicas of {topic} are in sync", in_sync, 120)
    rows = replicas(topic)
    assert len(rows) == 3
    assert all(row.leader in row.isr.split(",") for row in rows), rows
    assert not any(row.elr or row.last_known for row in rows), rows


METADATA = ("TOPIC", "PARTITION", "PARTITION_CHANGE", "REGISTER_BROKER")
"""Records of the metadata log that are read, without the end of their names."""


def metadata() -> list[dict]:
    """Return the metadata log of the controller from its first record on."""
    names = (pod["metadata"]["name"] for pod in KAFKA.pods("kafka"))
    (controller,) = (name for name in names if "controller" in name)
    wanted = "|".join(METADATA)
    script = (
        "set -o pipefail; cd /var/lib/kafka/data*/kafka-log*/__cluster_metadata-0; "
        f"[[ -e {'0' * 20}.log ]] && {lab.SMALL_JVM} /opt/kafka/bin/kafka-dump-log.sh "
        "--cluster-metadata-decoder --files $(echo *.log | tr ' ' ,) | "
        f"""sed -nE 's/^.* payload: (\\{{"type":"({wanted})_RECORD".*)$/\\1/p'"""
    )
    words = ("exec", controller, "-n", KAFKA.namespace, "-c", "kafka", "--", "bash", "-c", script)
    return [json.loads(line) for line in kubectl(*words, timeout=300).splitlines()]


def registered(changes: list[dict]) -> dict[int, int]:
    """Return the epoch of the last registration of each broker."""
    found = [one["data"] for one in changes if one["type"] == "REGISTER_BROKER_RECORD"]
    return {data["brokerId"]: data["brokerEpoch"] for data in found}


def history(topic: str, before: list[dict]) -> dict[int, list[dict]]:
    """Return the states of each partition since the brokers of a restore have registered.

    The first state is that of the stop. `before` is the metadata log before the backup, with which
    the restored log has to begin.
    """
    changes = metadata()
    assert changes[: len(before)] == before, "the restored controller has the log of the backup"
    later = range(len(before), len(changes))
    start = next(i for i in later if changes[i]["type"] == "REGISTER_BROKER_RECORD")
    (topic_id,) = (one["data"]["topicId"] for one in changes if one["data"].get("name") == topic)
    current: dict[int, dict] = {}
    states: dict[int, list[dict]] = {}
    for index, change in enumerate(changes):
        if index == start:
            states = {number: [state] for number, state in current.items()}
        data = change["data"]
        if "partitionId" in data and data["topicId"] == topic_id:
            number = data["partitionId"]
            current[number] = {**current.get(number, {}), **data}
            if index >= start:
                states[number].append(current[number])
    return states


def leaders_by_right(state: dict) -> set[int]:
    """Return the replicas that may lead a partition without a loss."""
    return {*state["isr"], *(state.get("eligibleLeaderReplicas") or ())}


def is_recovering(state: dict) -> bool:
    """Return whether the leader was elected uncleanly."""
    return bool(state.get("leaderRecoveryState") == 1)


def clean_shutdown_epochs(artifacts: dict) -> dict[int, int | None]:
    """Return the epoch in the clean shutdown file of each broker, None if there is no such file.

    A broker deletes the file when it starts, so each snapshot is restored into a further claim.
    """
    label = f"kanister-kafka.io/backup={artifacts['kafka']['keyValue']['backup']}"
    image = KAFKA.pods("kafka")[0]["spec"]["containers"][0]["image"]
    script = (
        "cd /restored/kafka-log* && [ -e meta.properties ] || exit 1\n"
        "if [ -e .kafka_cleanshutdown ]; then cat .kafka_cleanshutdown; else echo null; fi"
    )
    place = {"name": "kk-restored-volume", "namespace": KAFKA.namespace}
    snapshot_api = "snapshot.storage.k8s.io"
    epochs = {}
    for snapshot in lab.get("volumesnapshots", "-n", KAFKA.namespace, "-l", label)["items"]:
        original = snapshot["spec"]["source"]["persistentVolumeClaimName"]
        if "-broker-" not in original:
            continue
        name = snapshot["metadata"]["name"]
        wanted = lab.get("pvc", original, "-n", KAFKA.namespace)["spec"]
        kept = {key: wanted[key] for key in ("accessModes", "resources", "storageClassName")}
        source = {"apiGroup": snapshot_api, "kind": "VolumeSnapshot", "name": name}
        claim = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": place,
            "spec": {**kept, "dataSource": source},
        }
        container = {
            "name": "reader",
            "image": image,
            "command": ["bash", "-c", script],
            "volumeMounts": [{"name": "restored", "mountPath": "/restored"}],
        }
        volume = {"name": "restored", "persistentVolumeClaim": {"claimName": place["name"]}}
        spec = {"restartPolicy": "Never", "containers": [container], "volumes": [volume]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": place, "spec": spec}
        with faults.applied(claim, pod):
            wait_until(f"the volume of {original} is read", reader_has_ended, 300)
            content = json.loads(kubectl("logs", place["name"], "-n", KAFKA.namespace))
        epochs[int(original.rpartition("-")[2])] = content and content["brokerEpoch"]
    return epochs


def reader_has_ended() -> bool:
    status = lab.get("pod", "kk-restored-volume", "-n", KAFKA.namespace)["status"]
    return bool(status["phase"] == "Succeeded")


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


@dataclass(frozen=True)
class Kept:
    """A clean backup, and what there was before it."""

    blueprint: str
    artifacts: dict
    state: dict[str, object]
    metadata: list[dict]


@pytest.fixture(scope="module")
def kept(modern: Kafka) -> Kept:
    blueprint = install(modern, "--engine", "kanister")
    modern.create(f"{TOPIC} --partitions 3 --replication-factor 2")
    guard = "--config min.insync.replicas=2"
    modern.create(f"{GUARDED} --partitions 3 --replication-factor 2 {guard}")
    modern.write(TOPIC, RECORDS)
    modern.write(GUARDED, RECORDS)
    read_some()
    before, log = state(), metadata()
    for group in ("group", "share group"):
        offsets = [*before[group].values()]  # type: ignore[attr-defined]
        assert any(int(offset) for offset in offsets if offset != "-"), (group, offsets)
    backup = run_action("backup", blueprint, modern.namespace)
    assert backup.done(), backup.error
    wait_until(f"{modern} is Ready", lambda: is_ready(modern.resource()))
    return Kept(blueprint, backup.artifacts, before, log)


def restore(kafka: Kafka, blueprint: str, artifacts: dict) -> None:
    """Restore a backup over the Kafka that is there."""
    options = {"overwrite": "true"}
    restored = run_action(
        "restore", blueprint, kafka.namespace, artifacts=artifacts, options=options
    )
    assert restored.done(), restored.error
    wait_until(f"{kafka} is Ready", lambda: is_ready(kafka.resource()))


def test_clean_shutdown_files_have_the_epoch_that_the_controller_knows(kept: Kept) -> None:
    """With another epoch, or without the file, the stop counts as unclean."""
    epochs = registered(kept.metadata)
    assert len(epochs) == 2
    assert clean_shutdown_epochs(kept.artifacts) == epochs


def test_a_restore_and_a_second_one_bring_back_what_is_new_in_kafka_4(
    modern: Kafka, kept: Kept
) -> None:
    modern.write(TOPIC, RECORDS)
    read_some()

    for time in ("first", "second"):
        restore(modern, kept.blueprint, kept.artifacts)
        assert state() == kept.state, time
        assert sorted(modern.read(TOPIC)) == sorted(RECORDS), time
        check_replicas(TOPIC)
        check_replicas(GUARDED)
        assert len(logs_without_recovery()) == 2, "the snapshots have the files of a clean stop"
        brokers = {*registered(kept.metadata)}
        for topic in (TOPIC, GUARDED):
            for states in history(topic, kept.metadata).values():
                assert not any(is_recovering(one) for one in states), (topic, states)
        for states in history(GUARDED, kept.metadata).values():
            assert all(leaders_by_right(one) == brokers for one in states), states


def test_a_broker_that_was_killed_in_the_stop_is_no_eligible_leader_of_a_restore(
    modern: Kafka, kept: Kept
) -> None:
    """Its volume has no clean shutdown file, and nothing is lost: it was flushed before."""
    del kept  # its topics are needed, and its test changes the Blueprint no more
    blueprint = install(modern, "--engine", "kanister", "--unclean-stop", "warn")
    before = metadata()
    epochs = registered(before)
    held = {topic: sorted(modern.read(topic)) for topic in (TOPIC, GUARDED)}
    started = begin_action("backup", blueprint, modern.namespace)
    flush = "backupFlush"
    started.enter(flush)
    wait_until("the flush is over", lambda: started.phase() != flush, every=0.2)
    hung = faults.hang(modern)
    backup = started.end(1500)
    assert backup.done(), backup.error
    assert f"{hung} was killed (exit code 137" in modern.record()["unclean"]
    assert backup.artifacts["kafka"]["keyValue"]["stop"] == "unclean"
    wait_until(f"{modern} is Ready", lambda: is_ready(modern.resource()))

    killed = int(hung.rpartition("-")[2])
    (clean,) = {*epochs} - {killed}
    assert clean_shutdown_epochs(backup.artifacts) == {killed: None, clean: epochs[clean]}
    restore(modern, blueprint, backup.artifacts)
    for states in history(GUARDED, before).values():
        stopped, *later = states
        assert not stopped["isr"] and stopped["leader"] == -1, stopped
        assert leaders_by_right(stopped) == {killed, clean}, "the controller knows of no kill yet"
        assert {clean} in [leaders_by_right(one) for one in later], "the killed one was dropped"
        elected = [one["leader"] for one in later if one["leader"] != -1]
        assert elected[0] == clean, later
        assert not any(is_recovering(one) for one in later), later
    for topic, expected in held.items():
        check_replicas(topic)
        assert sorted(modern.read(topic)) == expected
    assert logs_without_recovery() == [hung.replace(f"-{killed}", f"-{clean}")]
