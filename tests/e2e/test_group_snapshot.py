"""Online backups by one VolumeGroupSnapshot: verified, restored over, failed and deleted."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

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
