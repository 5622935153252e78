"""A backup without Kasten: what is kept, snapshotted, told to Kanister, and taken away again."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from .fake_kubectl import documents, encoded
from .shell_fixture import AWAY, BACKUP, FORBIDDEN, RUN, Shell, kept

LABELS = {
    "kanister-kafka.io/backup": BACKUP,
    "kanister-kafka.io/cluster": "backup",
    "app.kubernetes.io/managed-by": "kanister-kafka",
}
LABEL = f"-l kanister-kafka.io/backup={BACKUP},kanister-kafka.io/cluster=backup"
AUTHORITIES = "get secrets .*component-type=certificate-authority"
CREDENTIALS = "get secrets .*kind=KafkaUser"
USERS = "get kafkausers.v1beta2.kafka.strimzi.io -n"
TOPICS = "get kafkatopics.v1beta2.kafka.strimzi.io -n"
CLAIMS = "get persistentvolumeclaims"
PAUSE = r"get kafkas.*annotations\.strimzi"
SPEC = (
    '"accessModes":["ReadWriteOnce"],"volumeMode":"Filesystem",'
    '"resources":{"requests":{"storage":"1Gi"}}'
)


def claim(name: str, storage_class: str = "fast") -> str:
    return f'{name}|{storage_class}|{{"strimzi.io/cluster":"backup"}}|{SPEC}\n'


def full(shell: Shell, users: int = 3) -> Shell:
    """Answer as a cluster that has something of everything; earlier answers go first."""
    shell.on(AUTHORITIES, "backup-clients-ca\nbackup-cluster-ca\n")
    shell.on("get kafka(b|c|m).*-o name", "kind/name")
    shell.on("get kafkaconnectors.v1beta2.kafka.strimzi.io -n", "tofile\n")
    shell.on(CREDENTIALS, "user-0\n")
    shell.on(USERS, "".join(f"user-{i}\n" for i in range(users))).on(TOPICS, "orders\npays\n")
    shell.on(CLAIMS, claim("data-0") + claim("data-1", ""))
    shell.on(r"\.data\.clusterId", "abc").on(r"\.data\.kafkaVersion", "4.0.0")
    return shell.on(r"\.data\.nodeIds\\.broker", "[0,1]").on(r"\.data\.nodeIds", "[2]")


def stored(shell: Shell) -> dict[str, dict[str, Any]]:
    """Return the Secrets by what comes after the backup in their names."""
    prefix = f"backup-backup-{BACKUP}-"
    secrets = {one["metadata"]["name"]: one for one in shell.made("Secret")}
    assert all(name.startswith(prefix) for name in secrets), list(secrets)
    return {name.removeprefix(prefix): secret for name, secret in secrets.items()}


def test_everything_is_kept_in_the_order_in_which_it_is_put_back(shell: Shell) -> None:
    done = full(shell, users=120).phase("backupKeep")
    assert done.returncode == 0, done.stderr
    found = stored(shell)
    names = {
        part: [one["metadata"]["name"] for one in documents(kept(secret))]
        for part, secret in found.items()
        if part != "facts"
    }
    assert names.pop("3-000") + names.pop("3-001") + names.pop("3-002") == [
        f"user-{i}" for i in range(120)
    ]
    assert names == {
        "0-000": ["data-0", "data-1"],
        "1-000": ["backup-clients-ca", "backup-cluster-ca"],
        "2-000": ["user-0"],
        "4-000": ["orders", "pays"],
        "5-000": ["broker", "controller"],
        "6-000": ["backup"],
        "7-000": ["http"],
        "8-000": ["sink"],
        "9-000": ["tofile"],
    }, "the mirror lives elsewhere and is not lost with this namespace"
    for secret in found.values():
        assert secret["metadata"]["labels"] == LABELS
        assert secret["metadata"]["namespace"] == "kafka-backup"


def test_parts_hold_fifty_objects(shell: Shell) -> None:
    done = full(shell, users=101).phase("backupKeep")
    assert done.returncode == 0, done.stderr
    found = stored(shell)
    sizes = [len(documents(kept(found[f"3-00{i}"]))) for i in range(3)]
    assert sizes == [50, 50, 1]


def test_what_another_object_must_not_have_is_not_kept(shell: Shell) -> None:
    assert full(shell).phase("backupKeep").returncode == 0
    for part, secret in stored(shell).items():
        if part in ("0-000", "facts"):
            continue
        for one in documents(kept(secret)):
            assert set(one["metadata"]) == {"name", "namespace", "labels", "annotations"}, part
            assert "status" not in one
            assert one["metadata"]["annotations"]["own"] == "kept"
            assert "spec" in one or one["data"], part


@pytest.mark.parametrize(
    ("value", "before"), [("", "unset"), ("true", "value:true"), ('a"b', "value:a b")]
)
def test_kafka_is_kept_paused_and_remembers_what_it_was(
    shell: Shell, value: str, before: str
) -> None:
    """Its operator must not see it unpaused before the statuses are put back."""
    assert full(shell.on(PAUSE, value)).phase("backupKeep").returncode == 0
    (kafka,) = documents(kept(stored(shell)["6-000"]))
    assert kafka["metadata"]["annotations"] == {
        "own": "kept",
        "strimzi.io/pause-reconciliation": "true",
        "kanister-kafka.io/pause-before": before,
    }, "restart-by would bring up the switch"


def test_claims_are_filled_from_their_snapshots(shell: Shell) -> None:
    done = full(shell).phase("backupKeep")
    assert done.returncode == 0, done.stderr
    with_class, without = documents(kept(stored(shell)["0-000"]))
    assert with_class == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "data-0",
            "namespace": "kafka-backup",
            "labels": {"strimzi.io/cluster": "backup"},
        },
        "spec": {
            "storageClassName": "fast",
            "accessModes": ["ReadWriteOnce"],
            "volumeMode": "Filesystem",
            "resources": {"requests": {"storage": "1Gi"}},
            "dataSource": {
                "apiGroup": "snapshot.storage.k8s.io",
                "kind": "VolumeSnapshot",
                "name": f"data-0-{BACKUP}",
            },
        },
    }
    assert "storageClassName" not in without["spec"], "the default class has no name here"
    assert without["metadata"]["labels"] == {"strimzi.io/cluster": "backup"}
    assert without["spec"]["dataSource"]["name"] == f"data-1-{BACKUP}"


def test_facts_are_kept_last(shell: Shell) -> None:
    """They show that nothing is missing."""
    shell.on("get secrets .*-l kanister-kafka.io/backup", "one\ntwo\n")
    assert full(shell).phase("backupKeep").returncode == 0
    assert list(stored(shell))[-1] == "facts"
    assert kept(stored(shell)["facts"]).splitlines() == [
        "clusterId=abc",
        "kafkaVersion=4.0.0",
        "nodeIds.broker=[0,1]",
        "nodeIds.controller=[2]",
        "parts=2",
    ]


@pytest.mark.parametrize(
    "pattern",
    [
        *(AUTHORITIES, CREDENTIALS, USERS, TOPICS, CLAIMS, "clusterId"),
        *("get kafkaconnects.* -o json", "get kafkaconnectors"),
    ],
)
def test_what_cannot_be_read_is_no_backup(shell: Shell, pattern: str) -> None:
    done = full(shell.on(pattern, FORBIDDEN)).phase("backupKeep")
    assert done.returncode != 0
    assert "facts" not in stored(shell)


def test_what_cannot_be_written_is_no_backup(shell: Shell) -> None:
    done = full(shell.on("^create -f -$", "", "", AWAY)).phase("backupKeep")
    assert done.returncode != 0


def test_no_claims_is_no_backup(shell: Shell) -> None:
    done = full(shell.on(CLAIMS, "")).phase("backupKeep")
    assert done.returncode != 0
    assert "Kafka backup has no claims" in done.stderr


def test_damaged_start_is_no_name(shell: Shell) -> None:
    done = full(shell).phase("backupKeep", RUN="soon")
    assert done.returncode != 0
    assert "which is no time" in done.stderr
    assert not shell.made("Secret")


def test_no_secret_value_is_told(shell: Shell) -> None:
    done = full(shell).phase("backupKeep")
    assert done.returncode == 0, done.stderr
    value = encoded("s3cr3t-of-user-0")
    (part,) = [s for name, s in stored(shell).items() if name == "2-000"]
    assert value in kept(part), "it is kept"
    words = "\n".join(shell.calls()) + done.stdout + done.stderr
    for shape in ("s3cr3t-of", value, part["data"]["objects"], encoded(value)[:-4]):
        assert shape not in words
    for event in shell.made("Event"):
        assert "s3cr3t" not in json.dumps(event)


# Snapshots


CUT = f"data-0-{BACKUP} 2026-01-02T03:05:00Z|\ndata-1-{BACKUP} 2026-01-02T03:05:00Z|\n"
SNAPSHOTS = "get volumesnapshots"
STOP = r"get configmap .*data\.seenRunning"
HELD = "get kafkas.*managedFields"
FIELDS = '{"f:metadata":{"f:annotations":{"f:strimzi.io/pause-reconciliation":{}}}}'
NODES = r"get pods .*strimzi.io/name in"


def stopped(shell: Shell) -> Shell:
    """Answer as a cluster that this run has stopped; what was answered before goes first."""
    return shell.on(STOP, f"stopped|{RUN}|kanister-kafka|").on(HELD, f"true|{FIELDS}")


def cut(shell: Shell) -> Shell:
    return stopped(shell).on(CLAIMS, "data-0 data-1").on(SNAPSHOTS, CUT)


def test_every_claim_is_snapshotted_at_once(shell: Shell) -> None:
    done = cut(shell).phase("backupSnapshot")
    assert done.returncode == 0, done.stderr
    (call,) = shell.writes()
    assert call.objects == [
        {
            "apiVersion": "snapshot.storage.k8s.io/v1",
            "kind": "VolumeSnapshot",
            "metadata": {
                "name": f"{name}-{BACKUP}",
                "namespace": "kafka-backup",
                "labels": LABELS,
            },
            "spec": {"source": {"persistentVolumeClaimName": name}},
        }
        for name in ("data-0", "data-1")
    ]
    told = re.findall(r"^###Phase-output###: (.*)$", done.stdout, re.MULTILINE)
    assert [json.loads(line) for line in told] == [
        {"key": "backup", "value": BACKUP},
        {"key": "snapshots", "value": "2"},
    ]


@pytest.mark.parametrize(
    ("pattern", "answer", "told"),
    [
        pytest.param(HELD, f"false|{FIELDS}", "its pause has ended", id="pause"),
        pytest.param(HELD, "true|", "its pause was written anew", id="pause-again"),
        pytest.param("get strimzipodsets", "strimzipodset/backup-broker", "backup-b", id="pod-set"),
        pytest.param(NODES, "backup-broker-0", "pods backup-broker-0", id="pod"),
        pytest.param(NODES, FORBIDDEN, "cannot be read", id="unread"),
        pytest.param(STOP, f"stopped|{RUN}||seen at noon", "seen at noon", id="switch"),
        pytest.param(STOP, f"running|{RUN}||", "says running, not stopped", id="running"),
        pytest.param(STOP, "stopped|other||", "not stopped by this run", id="other"),
        pytest.param(STOP, "", "says nothing", id="no-record"),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_somebody_has_brought_back_is_no_backup(
    shell: Shell, pattern: str, answer: str | tuple[int, str, str], told: str, when: str
) -> None:
    if when == "after":
        good = {HELD: f"true|{FIELDS}", STOP: f"stopped|{RUN}|kanister-kafka|"}
        shell.on(pattern, good.get(pattern, ""), answer)
    done = cut(shell.on(pattern, answer)).phase("backupSnapshot")
    assert done.returncode != 0
    assert told in done.stderr
    assert bool(shell.made("VolumeSnapshot")) == (when == "after")
    assert "###Phase-output###" not in done.stdout


def test_class_of_snapshots_can_be_chosen(shell: Shell) -> None:
    assert cut(shell).phase("backupSnapshot", SNAPSHOT_CLASS="fast").returncode == 0
    assert [one["spec"] for one in shell.made("VolumeSnapshot")] == [
        {"volumeSnapshotClassName": "fast", "source": {"persistentVolumeClaimName": name}}
        for name in ("data-0", "data-1")
    ]


def test_snapshots_that_are_not_cut_are_waited_for(shell: Shell) -> None:
    stopped(shell).on(CLAIMS, "data-0 data-1")
    shell.on(SNAPSHOTS, f"data-0-{BACKUP} |\ndata-1-{BACKUP} |\n", CUT)
    done = shell.phase("backupSnapshot")
    assert done.returncode == 0, done.stderr
    assert f"data-0-{BACKUP} is not cut yet; data-1-{BACKUP} is not cut yet" in done.stdout


def test_what_the_driver_says_is_told(shell: Shell) -> None:
    rows = f"data-0-{BACKUP} 2026-01-02T03:05:00Z|\ndata-1-{BACKUP} |quota exceeded\n"
    stopped(shell).on(CLAIMS, "data-0 data-1").on(SNAPSHOTS, rows)
    done = shell.phase("backupSnapshot", SNAPSHOT_LIMIT="0")
    assert done.returncode != 0
    assert f"data-1-{BACKUP} is not cut yet (quota exceeded)" in done.stderr.splitlines()[-1]
    assert "###Phase-output###" not in done.stdout


@pytest.mark.parametrize("rows", ["", CUT.splitlines()[0] + "\n"], ids=["all", "one"])
def test_snapshot_that_is_gone_is_not_cut(shell: Shell, rows: str) -> None:
    stopped(shell).on(CLAIMS, "data-0 data-1").on(SNAPSHOTS, rows)
    done = shell.phase("backupSnapshot", SNAPSHOT_LIMIT="0")
    assert done.returncode != 0


def test_cluster_without_claims_is_not_snapshotted(shell: Shell) -> None:
    done = stopped(shell).phase("backupSnapshot")
    assert done.returncode != 0
    assert "Kafka backup has no claims" in done.stderr.splitlines()[-1]


READY = f"data-0-{BACKUP} true|\ndata-1-{BACKUP} true|\n"


def test_backup_is_complete_when_every_snapshot_is_ready(shell: Shell) -> None:
    shell.on(SNAPSHOTS, f"data-0-{BACKUP} true|\ndata-1-{BACKUP} false|busy\n", READY)
    done = shell.phase("backupReady", SNAPSHOTS="2")
    assert done.returncode == 0, done.stderr
    assert f"data-1-{BACKUP} is not ready to use (busy)" in done.stdout
    assert shell.recorded() == {"backup": BACKUP}
    assert shell.events() == ["BackedUp"]


@pytest.mark.parametrize("rows", ["", f"data-0-{BACKUP} |\n"], ids=["gone", "no-status"])
def test_backup_that_is_not_ready_is_not_recorded(shell: Shell, rows: str) -> None:
    done = shell.on(SNAPSHOTS, rows).phase("backupReady", READY_LIMIT="0", SNAPSHOTS="1")
    assert done.returncode != 0
    assert "backup" not in shell.recorded()


def test_snapshot_that_vanished_is_not_waited_for(shell: Shell) -> None:
    done = shell.on(SNAPSHOTS, READY).phase("backupReady", SNAPSHOTS="3")
    assert done.returncode != 0
    assert "2 of 3 snapshots" in done.stderr
    assert "backup" not in shell.recorded()


# What is taken away


def test_failed_backup_leaves_no_snapshot(shell: Shell) -> None:
    shell.on(r"data\.endedBy", f"stopping|{RUN}|").on("pause-before", "unset")
    shell.on(r"data\.backup", "20250101000000").on("-o name", "strimzipodset/backup-broker")
    shell.on("custom-columns", "backup-broker 1 b\nbackup-controller 1 c\n")
    done = shell.phase("backupRecover")
    assert done.returncode == 0, done.stderr
    gone = [str(call) for call in shell.writes() if call.args[0] == "delete"]
    assert [call.split()[1].partition(".")[0] for call in gone] == ["volumesnapshots", "secrets"]
    assert all(LABEL in call for call in gone)


def test_complete_backup_keeps_its_snapshots(shell: Shell) -> None:
    shell.on(r"data\.endedBy", f"running|{RUN}|backupRestart").on(r"data\.backup", BACKUP)
    shell.on("-o name", "strimzipodset/backup-broker")
    done = shell.phase("backupRecover")
    assert done.returncode == 0, done.stderr
    assert "delete" not in [call.args[0] for call in shell.writes()]


def test_kafka_comes_back_where_nothing_can_be_removed(shell: Shell) -> None:
    shell.on("^delete", FORBIDDEN).on(r"data\.endedBy", f"stopped|{RUN}|")
    shell.on("pause-before", "unset").on("-o name", "strimzipodset/backup-broker")
    shell.on("custom-columns", "backup-broker 1 b\nbackup-controller 1 c\n")
    done = shell.phase("backupRecover")
    assert done.returncode == 0, done.stderr
    assert "not everything could be removed" in done.stdout
    assert shell.recorded()["state"] == "running"


def test_deletion_takes_what_has_both_labels(shell: Shell) -> None:
    done = shell.phase("deleteBackup")
    assert done.returncode == 0, done.stderr
    assert [str(call) for call in shell.writes()] == [
        f"delete {resource} -n kafka-backup {LABEL} --wait=false"
        for resource in ("volumesnapshots.snapshot.storage.k8s.io", "secrets")
    ]


@pytest.mark.parametrize("name", ["", "x", "2026010203040", "<no value>", f"{BACKUP},a!=b"])
def test_damaged_artifact_deletes_nothing(shell: Shell, name: str) -> None:
    done = shell.phase("deleteBackup", BACKUP=name)
    assert done.returncode != 0
    assert "names the backup" in done.stderr.splitlines()[-1]
    assert "delete" not in [call.args[0] for call in shell.writes()]
