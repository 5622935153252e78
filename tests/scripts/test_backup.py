"""A backup without Kasten: what is kept, snapshotted, told to Kanister, and taken away again."""

from __future__ import annotations

import base64
import json
import re
import secrets
from typing import Any

import pytest

from tests.fakes.kubectl import documents, encoded, lines_of, object_of
from tests.fakes.script_runner import AWAY, BACKUP, FORBIDDEN, RUN, Shell, kept

LABELS = {
    "kanister-kafka.io/backup": BACKUP,
    "kanister-kafka.io/cluster": "backup",
    "kanister-kafka.io/run": "20260102030405678",
    "app.kubernetes.io/managed-by": "kanister-kafka",
}
LABEL = f"-l kanister-kafka.io/backup={BACKUP},kanister-kafka.io/cluster=backup"
CA_NAMES = [
    "backup-cluster-ca",
    "backup-cluster-ca-cert",
    "backup-clients-ca",
    "backup-clients-ca-cert",
]
AUTHORITIES = f"get secrets {' '.join(CA_NAMES)} -n kafka-backup --ignore-not-found -o name"
CA_OBJECTS = f"get secrets {' '.join(CA_NAMES)} .*items"
CREDENTIALS = "get secrets .*kind=KafkaUser"
USERS = "get kafkausers.v1beta2.kafka.strimzi.io -l"
TOPICS = "get kafkatopics.v1beta2.kafka.strimzi.io -l"
CLAIMS = "get persistentvolumeclaims"
GONE = (1, "", "Error from server (NotFound): secrets not found")
PAUSE = r"get kafkas.*annotations\.strimzi"
SPEC = (
    '"accessModes":["ReadWriteOnce"],"volumeMode":"Filesystem",'
    '"resources":{"requests":{"storage":"1Gi"}}'
)


def claim(name: str, storage_class: str = "fast") -> str:
    return f'{name}|{storage_class}|{{"strimzi.io/cluster":"backup"}}|{SPEC}\n'


def listed(resource: str, *names: str) -> str:
    return lines_of(resource, list(names), "kafka-backup")


def full(shell: Shell, users: int = 3) -> Shell:
    """Answer as a cluster that has something of everything; earlier answers go first."""
    shell.on(AUTHORITIES, "".join(f"secret/{name}\n" for name in CA_NAMES))
    shell.on("get kafka(b|c|m).*-o name", "kind/name")
    api = "v1beta2.kafka.strimzi.io"
    shell.on(f"get kafkaconnectors.{api} -l", listed(f"kafkaconnectors.{api}", "tofile"))
    shell.on(CREDENTIALS, listed("secrets", "user-0"))
    shell.on(USERS, listed(f"kafkausers.{api}", *(f"user-{i}" for i in range(users))))
    shell.on(TOPICS, listed(f"kafkatopics.{api}", "orders", "pays"))
    shell.on(CLAIMS, claim("data-0") + claim("data-1", ""))
    shell.on(r"\.data\.clusterId", "abc").on(r"\.data\.kafkaVersion", "4.0.0")
    shell.on(r"\.spec\.kafka\.version", "4.0.0")
    return shell.on(r"\.data\.nodeIds\\.broker", "[0,1]").on(r"\.data\.nodeIds", "[2]")


def stored(shell: Shell) -> dict[str, dict[str, Any]]:
    """Return the Secrets by what comes after the backup in their names."""
    prefix = f"backup-backup-{BACKUP}-"
    secrets = {one["metadata"]["name"]: one for one in shell.made("Secret")}
    assert all(name.startswith(prefix) for name in secrets), list(secrets)
    return {name.removeprefix(prefix): secret for name, secret in secrets.items()}


def test_everything_is_kept_in_the_order_in_which_it_is_put_back(shell: Shell) -> None:
    done = full(shell).phase("backupKeep")
    assert done.returncode == 0, done.stderr
    found = stored(shell)
    names = {
        part: [one["metadata"]["name"] for one in documents(kept(secret))]
        for part, secret in found.items()
        if part != "facts"
    }
    assert names == {
        "0-000": ["data-0", "data-1"],
        "1-000": CA_NAMES,
        "2-000": ["user-0"],
        "3-000": ["user-0", "user-1", "user-2"],
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


def sizes(shell: Shell) -> dict[str, int]:
    """How many bytes each Secret has, as Kubernetes counts them for its limit of 1 MiB."""
    return {
        part: sum(len(base64.b64decode(value)) for value in secret["data"].values())
        for part, secret in stored(shell).items()
    }


def test_users_with_many_rules_fit(shell: Shell) -> None:
    api = "kafkausers.v1beta2.kafka.strimzi.io"
    rows = []
    for i in range(50):
        user = object_of(api, f"user-{i}", "kafka-backup")
        user["spec"] = {"authorization": {"acls": [rule(f"{i}-{j}") for j in range(200)]}}
        rows.append(json.dumps(user, separators=(",", ":")))
    shell.on(USERS, "\n".join(rows) + "\n")
    done = full(shell).phase("backupKeep")
    assert done.returncode == 0, done.stderr
    found = [secret for part, secret in stored(shell).items() if part.startswith("3-")]
    kept_users = [one for secret in found for one in documents(kept(secret))]
    assert [one["spec"] for one in kept_users] == [json.loads(row)["spec"] for row in rows]
    assert len(found) > 1, "more than one Secret holds"
    assert max(sizes(shell).values()) < 900_000


def rule(name: str) -> dict[str, Any]:
    resource = {"type": "topic", "name": f"topic-{name}é", "patternType": "literal"}
    return {"resource": resource, "operations": ["Read", "Write", "Describe"], "host": "*"}


def test_two_thousand_claims_fit(shell: Shell) -> None:
    names = [f"data-{i % 4}-a-cluster-with-a-long-name-broker-{i // 4}" for i in range(2000)]
    shell.on(CLAIMS, "".join(claim(name) for name in names))
    done = full(shell).phase("backupKeep")
    assert done.returncode == 0, done.stderr
    parts = [part for part in stored(shell) if part.startswith("0-")]
    found = [one for part in parts for one in documents(kept(stored(shell)[part]))]
    assert [one["metadata"]["name"] for one in found] == names
    assert len(parts) > 1
    assert max(sizes(shell).values()) < 900_000


def test_what_cannot_be_compressed_fits(shell: Shell) -> None:
    """Each object is smaller than a Secret, as it is one or has been read from the same store."""
    rows = []
    for i in range(20):
        one = object_of("secrets", f"user-{i}", "kafka-backup")
        one["data"] = {"noise": base64.b64encode(secrets.token_bytes(200_000)).decode()}
        rows.append(json.dumps(one))
    done = full(shell.on(CREDENTIALS, "\n".join(rows) + "\n")).phase("backupKeep")
    assert done.returncode == 0, done.stderr
    assert max(sizes(shell).values()) < 900_000
    found = [s for part, s in stored(shell).items() if part.startswith("2-")]
    assert sum(len(documents(kept(secret))) for secret in found) == 20


@pytest.mark.parametrize("missing", CA_NAMES)
def test_a_missing_authority_is_reported_before_objects_are_saved(
    shell: Shell, missing: str
) -> None:
    """One of your own has no label that tells it, and before Strimzi 0.33 none has."""
    there = "".join(f"secret/{name}\n" for name in CA_NAMES if name != missing)
    done = full(shell.on(AUTHORITIES, there)).phase("backupKeep")
    assert done.returncode != 0
    assert f"do not exist: {missing}." in done.stderr.splitlines()[-1]
    assert not shell.made("Secret")


def test_labels_and_annotations_of_authorities_are_kept(shell: Shell) -> None:
    assert full(shell).phase("backupKeep").returncode == 0
    for one in documents(kept(stored(shell)["1-000"])):
        assert one["metadata"]["labels"] == {"strimzi.io/cluster": "kept"}
        assert one["metadata"]["annotations"]["own"] == "kept"


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        pytest.param("|", "", id="none"),
        pytest.param("kafka-backup|kafka-backup", "", id="own"),
        pytest.param("topics|", "KafkaTopics of namespace topics", id="topics"),
        pytest.param("|people", "KafkaUsers of namespace people with their Secrets", id="users"),
        pytest.param(
            "a|b",
            "KafkaTopics of namespace a and KafkaUsers of namespace b with their Secrets",
            id="both",
        ),
    ],
)
def test_objects_in_another_namespace_are_reported(shell: Shell, seen: str, told: str) -> None:
    done = full(shell.on("watchedNamespace", seen)).phase("backupKeep")
    assert done.returncode == 0, done.stderr
    assert f"notKept={told}" in kept(stored(shell)["facts"]).splitlines()
    assert ("NotKept" in shell.events()) == bool(told)
    assert (f"{told} are NOT in this backup" in done.stdout) == bool(told)


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


def test_a_stopped_connector_is_kept_as_stopped(shell: Shell) -> None:
    resource = "kafkaconnectors.v1beta2.kafka.strimzi.io"
    connector = object_of(resource, "tofile", "kafka-backup")
    connector["spec"] = {"class": "C", "state": "stopped"}
    connector["status"] = {"connectorStatus": {"connector": {"state": "STOPPED"}}}
    shell.on(f"get {resource} -l", f"{json.dumps(connector)}\n")
    assert full(shell).phase("backupKeep").returncode == 0
    (saved,) = documents(kept(stored(shell)["9-000"]))
    assert saved["spec"] == connector["spec"]
    assert "status" not in saved


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
    }, "restart-by would bring up the watchdog"


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
        "format=2",
        "clusterId=abc",
        "kafkaVersion=4.0.0",
        "nodeIds.broker=[0,1]",
        "nodeIds.controller=[2]",
        "specVersion=4.0.0",
        "notKept=",
        "parts=2",
    ]


@pytest.mark.parametrize(
    "pattern",
    [
        *(AUTHORITIES, CA_OBJECTS, CREDENTIALS, USERS, TOPICS, CLAIMS, "clusterId"),
        *("watchedNamespace", "get kafkanodepools", "spec.kafka.version"),
        *("get kafkaconnects.*@", "get kafkaconnectors"),
    ],
)
def test_an_unreadable_object_fails_the_backup(shell: Shell, pattern: str) -> None:
    done = full(shell.on(pattern, FORBIDDEN)).phase("backupKeep")
    assert done.returncode != 0
    assert "facts" not in stored(shell)


def test_a_failed_write_fails_the_backup(shell: Shell) -> None:
    done = full(shell.on("^create -f -$", "", "", AWAY)).phase("backupKeep")
    assert done.returncode != 0


def test_a_backup_without_claims_fails(shell: Shell) -> None:
    done = full(shell.on(CLAIMS, "")).phase("backupKeep")
    assert done.returncode != 0
    assert "Kafka backup has no claims" in done.stderr


def test_a_damaged_start_is_not_used_as_a_name(shell: Shell) -> None:
    done = full(shell).phase("backupKeep", RUN_ID="soon")
    assert done.returncode != 0
    assert "which is not a time" in done.stderr
    assert not shell.made("Secret")


def test_output_has_no_value_of_a_secret(shell: Shell) -> None:
    done = full(shell).phase("backupKeep")
    assert done.returncode == 0, done.stderr
    value = encoded("s3cr3t-of-user-0")
    (part,) = [s for name, s in stored(shell).items() if name == "2-000"]
    assert value in kept(part), "it is kept"
    words = "\n".join(shell.calls()) + done.stdout + done.stderr
    for shape in ("s3cr3t-of", value, part["data"]["objects.json.gz"], encoded(value)[:-4]):
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
            "metadata": {"name": f"{name}-{BACKUP}", "namespace": "kafka-backup", "labels": LABELS},
            "spec": {"source": {"persistentVolumeClaimName": name}},
        }
        for name in ("data-0", "data-1")
    ]
    outputs = re.findall(r"^###Phase-output###: (.*)$", done.stdout, re.MULTILINE)
    assert [json.loads(line) for line in outputs] == [
        {"key": "backup", "value": BACKUP},
        {"key": "snapshots", "value": "2"},
    ]


@pytest.mark.parametrize(
    ("pattern", "answer", "told"),
    [
        pytest.param(HELD, f"false|{FIELDS}", "its pause has ended", id="pause"),
        pytest.param(HELD, "true|", "its pause was set again", id="pause-again"),
        pytest.param("get strimzipodsets", "strimzipodset/backup-broker", "backup-b", id="pod-set"),
        pytest.param(NODES, "backup-broker-0", "pods backup-broker-0", id="pod"),
        pytest.param(NODES, FORBIDDEN, "cannot be read", id="unread"),
        pytest.param(STOP, f"stopped|{RUN}||seen at noon", "seen at noon", id="switch"),
        pytest.param(STOP, f"running|{RUN}||", "has state running, not stopped", id="running"),
        pytest.param(STOP, "stopped|other||", "not stopped by this run", id="other"),
        pytest.param(STOP, "", "has state unknown", id="no-record"),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kafka_that_another_actor_started_fails_the_backup(
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


def test_the_error_of_a_snapshot_is_logged(shell: Shell) -> None:
    rows = f"data-0-{BACKUP} 2026-01-02T03:05:00Z|\ndata-1-{BACKUP} |quota exceeded\n"
    stopped(shell).on(CLAIMS, "data-0 data-1").on(SNAPSHOTS, rows)
    done = shell.phase("backupSnapshot", SNAPSHOT_TIMEOUT="0")
    assert done.returncode != 0
    assert f"data-1-{BACKUP} is not cut yet (quota exceeded)" in done.stderr.splitlines()[-1]
    assert "###Phase-output###" not in done.stdout


@pytest.mark.parametrize("rows", ["", CUT.splitlines()[0] + "\n"], ids=["all", "one"])
def test_snapshot_that_is_gone_is_not_cut(shell: Shell, rows: str) -> None:
    stopped(shell).on(CLAIMS, "data-0 data-1").on(SNAPSHOTS, rows)
    done = shell.phase("backupSnapshot", SNAPSHOT_TIMEOUT="0")
    assert done.returncode != 0


def test_cluster_without_claims_is_not_snapshotted(shell: Shell) -> None:
    done = stopped(shell).phase("backupSnapshot")
    assert done.returncode != 0
    assert "Kafka backup has no claims" in done.stderr.splitlines()[-1]


READY = f"data-0-{BACKUP} true|\ndata-1-{BACKUP} true|\n"


def test_backup_is_complete_when_every_snapshot_is_ready(shell: Shell) -> None:
    shell.on(SNAPSHOTS, f"data-0-{BACKUP} true|\ndata-1-{BACKUP} false|busy\n", READY)
    done = shell.phase("backupReady", SNAPSHOT_COUNT="2")
    assert done.returncode == 0, done.stderr
    assert f"data-1-{BACKUP} is not ready to use (busy)" in done.stdout
    assert shell.recorded() == {"backup": BACKUP}
    assert shell.events() == ["BackedUp"]
    marked, _record = shell.writes()
    where = f"annotate secret backup-backup-{BACKUP}-facts -n kafka-backup --overwrite"
    assert re.fullmatch(rf"{where} kanister-kafka.io/complete=20\d\d-\S+Z", str(marked))


def test_backup_that_cannot_be_marked_is_not_complete(shell: Shell) -> None:
    done = shell.on(SNAPSHOTS, READY).on("^annotate", GONE).phase("backupReady", SNAPSHOT_COUNT="2")
    assert done.returncode != 0
    assert "backup" not in shell.recorded()
    assert "BackedUp" not in shell.events()


@pytest.mark.parametrize("rows", ["", f"data-0-{BACKUP} |\n"], ids=["gone", "no-status"])
def test_backup_that_is_not_ready_is_not_recorded(shell: Shell, rows: str) -> None:
    done = shell.on(SNAPSHOTS, rows).phase("backupReady", READY_TIMEOUT="0", SNAPSHOT_COUNT="1")
    assert done.returncode != 0
    assert "backup" not in shell.recorded()


def test_snapshot_that_vanished_is_not_waited_for(shell: Shell) -> None:
    done = shell.on(SNAPSHOTS, READY).phase("backupReady", SNAPSHOT_COUNT="3")
    assert done.returncode != 0
    assert "2 of 3 snapshots" in done.stderr
    assert "backup" not in shell.recorded()


# What is taken away


MARK = rf"get secret backup-backup-{BACKUP}-facts .*kanister-kafka\\.io/complete"
THEN = "2026-01-02T03:30:00Z"
OWN = f"{LABEL},kanister-kafka.io/run=20260102030405678"


def broken(shell: Shell, state: str = "stopping") -> Shell:
    """Answer as a cluster that can be brought back."""
    shell.on(r"data\.endedBy", f"{state}|{RUN}|").on("-o name", "strimzipodset/backup-broker")
    shell.on("pause-before", "unset")
    return shell.on("custom-columns", "backup-broker 1 b\nbackup-controller 1 c\n")


def deleted(shell: Shell) -> list[str]:
    return [str(call) for call in shell.writes() if call.args[0] == "delete"]


def test_failed_backup_leaves_no_snapshot(shell: Shell) -> None:
    done = broken(shell).phase("backupRecover")
    assert done.returncode == 0, done.stderr
    assert deleted(shell) == [
        f"delete {resource} -n kafka-backup {OWN} --wait=false"
        for resource in ("volumesnapshots.snapshot.storage.k8s.io", "secrets")
    ]


def test_kafka_comes_back_before_anything_is_removed(shell: Shell) -> None:
    done = broken(shell).phase("backupRecover")
    assert done.returncode == 0, done.stderr
    calls = [str(call) for call in shell.writes()]
    ended = next(i for i, call in enumerate(calls) if "pause-reconciliation-" in call)
    running = next(i for i, call in enumerate(calls) if '"state":"running"' in call)
    removed = next(i for i, call in enumerate(calls) if call.startswith("delete"))
    assert ended < running < removed


@pytest.mark.parametrize(
    ("seen", "recorded"),
    [
        pytest.param(f"running|{RUN}|backupRestart", BACKUP, id="own"),
        pytest.param(f"running|{RUN}|backupRestart", "unreadable", id="record-unreadable"),
        # The next run is complete before this one looks.
        pytest.param(
            "running|2026-01-02T04:05:06.000Z|backupRestart", "20260102040506", id="overlap"
        ),
        pytest.param(f"restarting|{RUN}|backupRestart", "", id="restarting"),
    ],
)
def test_complete_backup_is_never_removed(shell: Shell, seen: str, recorded: str) -> None:
    shell.on(r"data\.endedBy", seen).on(MARK, THEN)
    shell.on(r"data\.backup\}", FORBIDDEN if recorded == "unreadable" else recorded)
    done = broken(shell).phase("backupRecover")
    assert done.returncode == 0, done.stderr
    assert not deleted(shell)
    assert f"backup {BACKUP} is complete since {THEN} and stays" in done.stdout


def test_what_cannot_be_read_is_not_incomplete(shell: Shell) -> None:
    """An ActionSet that is called complete would have an artifact that names nothing."""
    shell.on(MARK, (1, "", "Error from server (NotAcceptable): x Invalid"))
    done = broken(shell).phase("backupRecover")
    assert done.returncode != 0
    assert not deleted(shell)
    assert f"nothing of backup {BACKUP} was removed" in done.stderr.splitlines()[-1]
    assert shell.recorded()["state"] == "running", "Kafka was brought back all the same"


def test_one_failed_read_is_read_again(shell: Shell) -> None:
    done = broken(shell.on(MARK, AWAY, FORBIDDEN, THEN)).phase("backupRecover")
    assert done.returncode == 0, done.stderr
    assert not deleted(shell)


def test_the_last_line_reports_a_failed_restart(shell: Shell) -> None:
    shell.on(MARK, (1, "", "Error from server (Invalid): x"))
    shell.on("^annotate kafkas.*reconciliation-", (1, "", "Error from server (Invalid): y"))
    done = broken(shell).phase("backupRecover")
    assert done.returncode != 0
    assert not deleted(shell)
    assert f"nothing of backup {BACKUP} was removed" in done.stdout
    assert "FAILED while letting the operator start" in done.stderr.splitlines()[-1]


def test_incomplete_backup_is_removed_after_a_failed_restart_too(shell: Shell) -> None:
    shell.on("^annotate kafkas.*reconciliation-", (1, "", "Error from server (Invalid): y"))
    done = broken(shell).phase("backupRecover")
    assert done.returncode != 0
    assert len(deleted(shell)) == 2
    assert "FAILED while letting the operator start" in done.stderr.splitlines()[-1]


def test_kafka_restarts_if_snapshots_cannot_be_removed(shell: Shell) -> None:
    done = broken(shell.on("^delete", FORBIDDEN), "stopped").phase("backupRecover")
    assert done.returncode == 0, done.stderr
    assert f"not all objects of backup {BACKUP} could be deleted" in done.stdout
    assert len(deleted(shell)) == 2, "each of both is tried"
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
    assert "has the backup" in done.stderr.splitlines()[-1]
    assert "delete" not in [call.args[0] for call in shell.writes()]
