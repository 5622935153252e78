"""Backups by one VolumeGroupSnapshot, online and hot: verified, restored over, failed, deleted."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from kanister_kafka.timestamps import parse_timestamp

from . import lab, test_online
from .lab import Kafka, is_ready, kubectl, wait_until
from .test_online import CONNECT, MOVES, RECORDS, SMALL, TOOL, TOPIC

pytestmark = pytest.mark.e2e

KAFKA = Kafka("kk-e2e-group", "mirror")
OF = ("-n", KAFKA.namespace)
API = "groupsnapshot.storage.k8s.io"
GROUPS = f"volumegroupsnapshots.{API}"
GROUP_CONTENTS = f"volumegroupsnapshotcontents.{API}"
CLASSES = f"volumegroupsnapshotclasses.{API}"
LATER = [f"later-{number}" for number in range(500)]


def group_class() -> str:
    """Return the class of the driver of the default StorageClass; skip if there is none."""
    served = kubectl("api-versions").split()
    if not {f"{API}/v1", f"{API}/v1beta2"} & {*served}:
        pytest.skip(f"the cluster does not serve {API}")
    default = "storageclass.kubernetes.io/is-default-class"
    drivers = {
        item["provisioner"]
        for item in lab.get("storageclasses")["items"]
        if (item["metadata"].get("annotations") or {}).get(default) == "true"
    }
    for item in lab.get(CLASSES)["items"]:
        if item["driver"] in drivers:
            return str(item["metadata"]["name"])
    pytest.skip("no VolumeGroupSnapshotClass is of the driver of the default StorageClass")


@pytest.fixture(scope="module", autouse=True)
def blueprint() -> Iterator[None]:
    """Make a Kafka of three nodes with a client, and its Blueprint with groups."""
    chosen = group_class()
    objects = json.dumps(test_online.objects())
    for one in json.loads(objects.replace(test_online.KAFKA.namespace, KAFKA.namespace)):
        kubectl("apply", "-f", "-", stdin=json.dumps(one))
    wait_until(f"{KAFKA} is Ready", lambda: is_ready(KAFKA.resource()))
    wait_until("Connect is Ready", connect_ready)
    KAFKA.create(TOPIC)
    KAFKA.write(TOPIC, RECORDS)
    done = lab.command(
        *("apply", "--from-cluster", KAFKA.name, *OF, "--engine", "kanister"),
        *("--strategy", "online", "--group-snapshot-class", chosen),
    )
    assert done.returncode == 0, done.stderr
    checked = lab.command(
        *("check", KAFKA.name, *OF, "--engine", "kanister", "--strategy", "online"),
        *("--group-snapshot-class", chosen),
    )
    assert f"has VolumeGroupSnapshotClass {chosen}" in checked.stdout + checked.stderr
    yield
    kubectl("delete", "namespace", KAFKA.namespace, "--wait=false")


def connect_ready() -> bool:
    return is_ready(lab.get("kafkaconnect", CONNECT, *OF))


def items(resource: str) -> list[dict]:
    found: list[dict] = lab.get(resource, *OF)["items"]
    return found


def contents() -> list[str]:
    """Return the contents of groups and of members of this namespace, which have none."""
    groups = [
        item["metadata"]["name"]
        for item in lab.get(GROUP_CONTENTS)["items"]
        if item["spec"]["volumeGroupSnapshotRef"]["namespace"] == KAFKA.namespace
    ]
    members = [
        item["metadata"]["name"]
        for item in lab.get("volumesnapshotcontents")["items"]
        if item["spec"]["volumeSnapshotRef"]["namespace"] == KAFKA.namespace
    ]
    return groups + members


def backups() -> list[dict]:
    found: list[dict] = json.loads(lab.command("backups", "list", *OF, "-o", "json").stdout)
    return found


def run_backup(meanwhile: Callable[[], object] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a backup, and something else between the two readings."""
    wait_until("Kafka is Ready", lambda: is_ready(KAFKA.resource()))

    def wait() -> None:
        for _ in range(1200):
            found = lab.get("configmap", f"{KAFKA.name}-kanister-kafka", *OF).get("data") or {}
            if found.get("state") == "online":
                if meanwhile:
                    meanwhile()
                return
            time.sleep(0.3)

    thread = threading.Thread(target=wait)
    thread.start()
    done = lab.command("run", "backup", KAFKA.name, *OF, timeout=1800)
    thread.join()
    sys.stdout.write(done.stdout + done.stderr)
    wait_until("Connect is Ready", connect_ready)
    return done


def in_broker(command: str) -> None:
    kubectl(
        "exec", f"{KAFKA.name}-broker-0", *OF, "-c", "kafka", "--", "bash", "-c", TOOL + command
    )


@pytest.fixture(scope="module")
def backup() -> str:
    """Name of a complete backup of a group."""
    done = run_backup()
    assert done.returncode == 0
    (found,) = [one for one in backups() if one["status"] == "complete"]
    return str(found["name"])


def test_a_group_has_a_member_of_each_claim_and_is_verified_record_by_record(backup: str) -> None:
    (group,) = items(GROUPS)
    members = [
        item
        for item in items("volumesnapshots")
        if group["metadata"]["uid"] in [o["uid"] for o in item["metadata"]["ownerReferences"]]
    ]
    claims = {item["spec"]["source"]["persistentVolumeClaimName"] for item in members}
    assert claims == {item["metadata"]["name"] for item in items("persistentvolumeclaims")}
    assert len(members) == len(claims) == len(items("volumesnapshots"))
    assert len({item["status"]["creationTime"] for item in members}) == 1, "one moment"
    label = "kanister-kafka.io/backup"
    assert {item["metadata"]["labels"][label] for item in (*members, group)} == {backup}
    done = lab.command(
        *("verify", backup, *OF, "--kafka", KAFKA.name, *SMALL),
        *("--records", "all", "--format", "json"),
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    report = json.loads(done.stdout)
    assert report["outcome"] == "passed", report
    assert report["records"]["records"] >= len(RECORDS)
    assert len(items("volumesnapshots")) == len(claims), "the copy has left the members alone"


def test_volumes_are_restored_from_the_members(backup: str) -> None:
    KAFKA.write(TOPIC, LATER)
    assert KAFKA.held(TOPIC) == len(RECORDS) + len(LATER)
    words = ("restore", backup, *OF, "--kafka", KAFKA.name, "--overwrite", "--yes")
    done = lab.command(*words, timeout=1800)
    assert done.returncode == 0, done.stderr + done.stdout
    wait_until(f"{KAFKA} is Ready", lambda: is_ready(KAFKA.resource()))
    assert sorted(KAFKA.read(TOPIC)) == sorted(RECORDS)
    wait_until("Connect is Ready", connect_ready)


def test_a_backup_that_fails_after_its_group_leaves_nothing_of_it(backup: str) -> None:
    before = contents()
    done = run_backup(lambda: in_broker(MOVES["record"]))
    assert done.returncode != 0
    assert "has moved meanwhile" in done.stdout + done.stderr
    wait_until("only the other backup is left", lambda: sorted(contents()) == sorted(before))
    assert {one["name"] for one in backups()} == {backup}
    assert len(items(GROUPS)) == 1


def test_a_class_that_does_not_exist_fails_the_backup_at_once(backup: str) -> None:
    words = ("apply", "--from-cluster", KAFKA.name, *OF, "--engine", "kanister")
    chosen = items(GROUPS)[0]["spec"]["volumeGroupSnapshotClassName"]
    online = ("--strategy", "online", "--group-snapshot-class")
    assert lab.command(*words, *online, "no-such-class").returncode == 0
    try:
        done = run_backup()
        assert done.returncode != 0
        assert "VolumeGroupSnapshotClass no-such-class does not exist" in done.stdout + done.stderr
        wait_until("only the other group is left", lambda: len(items(GROUPS)) == 1)
        assert {one["name"] for one in backups()} == {backup}
    finally:
        assert lab.command(*words, *online, chosen).returncode == 0


def test_a_deleted_backup_leaves_no_group_no_member_and_no_content(backup: str) -> None:
    done = lab.command("backups", "delete", backup, *OF, "--kafka", KAFKA.name, "--yes")
    assert done.returncode == 0, done.stderr
    wait_until("no content is left", lambda: not contents())
    wait_until("no group is left", lambda: not items(GROUPS))
    wait_until("no member is left", lambda: not items("volumesnapshots"))


# Hot: nothing is stopped, and a producer writes all the time.

LIVE = "payments"
PRODUCER = "org.apache.kafka.tools.VerifiableProducer"


@contextmanager
def producer() -> Iterator[list[dict]]:
    """Write with acks=all until the end; yield its reports, of which each record has one."""
    words = f"--bootstrap-server localhost:9092 --topic {LIVE} --acks -1 --throughput 10"
    # It ends with the input: a process in a container outlives the connection that has started it.
    run = f"cd /opt/kafka; {TOOL}bin/kafka-run-class.sh {PRODUCER} {words} & "
    process = subprocess.Popen(
        [
            *("kubectl", "exec", "-i", KAFKA.broker(), *OF, "-c", "kafka", "--"),
            *("bash", "-c", f"{run}cat; kill $!; wait"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    reports: list[dict] = []
    lines = process.stdout
    assert lines is not None
    assert process.stdin is not None
    parsed = (json.loads(line) for line in lines if line.startswith("{"))
    thread = threading.Thread(target=lambda: reports.extend(parsed))
    thread.start()
    try:
        yield reports
        assert process.poll() is None, "the producer has written until the end"
    finally:
        process.stdin.close()
        process.wait(60)
        thread.join(60)
        lines.close()


def acknowledged(reports: list[dict], after: float = 0, before: float = math.inf) -> set[str]:
    """Return values that were acknowledged between two times, in seconds since 1970."""
    sent = [one for one in reports if one["name"] == "producer_send_success"]
    return {one["value"] for one in sent if after * 1000 < one["timestamp"] < before * 1000}


def untouched() -> dict[str, object]:
    """Return what a hot backup must leave alone: each pod, and what Kafka and clients want."""
    pods = {
        item["metadata"]["name"]: (
            item["metadata"]["uid"],
            [status["restartCount"] for status in item["status"]["containerStatuses"]],
        )
        for item in items("pods")
        if "strimzi.io/cluster" in item["metadata"].get("labels", {})
    }
    resources = {
        f"{item['kind']} {item['metadata']['name']}": (
            item["metadata"]["generation"],
            item["metadata"].get("annotations"),
        )
        for kind in ("kafkas", "kafkanodepools", "kafkaconnects")
        for item in items(f"{kind}.kafka.strimzi.io")
    }
    return {**pods, **resources}


def test_a_hot_backup_stops_nothing_and_has_what_was_acknowledged_before_its_group() -> None:
    words = ("apply", "--from-cluster", KAFKA.name, *OF, "--engine", "kanister")
    hot = ("--strategy", "hot", "--group-snapshot-class", group_class())
    done = lab.command(*words, *hot)
    assert done.returncode == 0, done.stderr
    wait_until(f"{KAFKA} is Ready", lambda: is_ready(KAFKA.resource()))
    KAFKA.create(LIVE)
    known = {one["name"] for one in backups()}
    with producer() as reports:
        wait_until("records are acknowledged", lambda: len(acknowledged(reports)) > 50)
        before = untouched()
        done = lab.command("run", "backup", KAFKA.name, *OF, timeout=1800)
        sys.stdout.write(done.stdout + done.stderr)
        ended = time.time()
        assert done.returncode == 0
        assert untouched() == before, "no pod and no resource was touched"
        assert KAFKA.record()["state"] == "running", "the lock has ended"
        wait_until("it writes", lambda: len(acknowledged(reports, after=ended)) > 20)
    (backup,) = [one for one in backups() if one["name"] not in known]
    assert (backup["status"], backup["strategy"]) == ("complete", "hot")
    label = f"kanister-kafka.io/backup={backup['name']}"
    (group,) = lab.get(GROUPS, *OF, "-l", label)["items"]
    cut = parse_timestamp(group["status"]["creationTime"])
    assert cut is not None
    expected = acknowledged(reports, before=cut.timestamp())
    assert len(expected) > 50
    done = lab.command(
        *("verify", backup["name"], *OF, "--kafka", KAFKA.name, *SMALL),
        *("--records", "all", "--format", "json"),
        timeout=1800,
    )
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["outcome"] == "started", report
    assert "strategy of the backup is hot" in " ".join(report["unverified"])
    restore = ("restore", backup["name"], *OF, "--kafka", KAFKA.name, "--overwrite", "--yes")
    done = lab.command(*restore, timeout=1800)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "not proven consistent" in done.stdout + done.stderr
    wait_until(f"{KAFKA} is Ready", lambda: is_ready(KAFKA.resource()))
    wait_until("Connect is Ready", connect_ready)
    assert expected <= set(KAFKA.read(LIVE))
    done = lab.command("backups", "delete", backup["name"], *OF, "--kafka", KAFKA.name, "--yes")
    assert done.returncode == 0, done.stderr


def test_a_hot_backup_of_a_kafka_that_changes_meanwhile_leaves_nothing() -> None:
    """A node that restarts between the check and the snapshot."""
    known = {one["name"] for one in backups()}
    wait_until(f"{KAFKA} is Ready", lambda: is_ready(KAFKA.resource()))

    def restart() -> None:
        wait_until("the backup runs", lambda: KAFKA.record().get("state") == "quiescing")
        wait_until("its nodes are kept", lambda: bool(KAFKA.record().get("pods")))
        kubectl("delete", "pod", f"{KAFKA.name}-broker-0", *OF, "--wait=false")

    thread = threading.Thread(target=restart)
    thread.start()
    done = lab.command("run", "backup", KAFKA.name, *OF, timeout=1800)
    thread.join()
    assert done.returncode != 0
    assert KAFKA.record()["state"] == "running", "the lock has ended"
    assert {one["name"] for one in backups()} == known
    wait_until("only known groups are left", lambda: len(items(GROUPS)) == len(known))
    wait_until(f"{KAFKA} is Ready", lambda: is_ready(KAFKA.resource()))
