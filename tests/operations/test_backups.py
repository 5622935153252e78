"""The catalogue of backups: found by their own objects, kept by rules, deleted, restored."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.cli import main
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.operations.apply import delete_objects
from kanister_kafka.operations.backups.activity import BackupActivity
from kanister_kafka.operations.backups.copies import PERIODS, KeepRules, plan_backup_prune
from kanister_kafka.operations.backups.model import (
    Backup,
    BackupSnapshot,
    BackupStatus,
    TopicRetention,
)
from kanister_kafka.operations.backups.reader import list_objects, read_catalogue
from kanister_kafka.strimzi.discovery import KafkaRef
from tests.fakes import cluster as fake
from tests.fakes.cluster import add_blueprint, add_kafka, serving

KAFKA = KafkaRef("kafka", "my-cluster")
NEW, OLD = "20260103030405", "20260102030405"
CLAIMS = ("data-0-my-cluster-dual-0", "data-0-my-cluster-dual-1")
CREDENTIALS = "do-not-read-me"


def packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def labels(name: str, kafka: str) -> dict[str, str]:
    return {
        "kanister-kafka.io/backup": name,
        "kanister-kafka.io/run": f"{name}678",
        "kanister-kafka.io/cluster": kafka,
        "app.kubernetes.io/managed-by": "kanister-kafka",
    }


def add_backup(
    cluster,
    name,
    *,
    complete=True,
    kafka="my-cluster",
    ready=True,
    action_set=True,
    form="format=2\n",
    stop="",
    strategy="",
    offsets=True,
    grouped=False,
):
    """Add what the steps leave: Secrets, snapshots and the ActionSet."""
    prefix, marks = f"{kafka}-backup-{name}-", labels(name, kafka)

    def secret(part, data, **more):
        cluster.add("secrets", "kafka", f"{prefix}{part}", labels=marks, data=data, **more)

    claims = [claim.replace("my-cluster", kafka) for claim in CLAIMS]
    lines = [json.dumps({"metadata": {"name": claim}}) for claim in claims]
    secret("0-000", {"objects.json.gz": packed("\n".join(lines) + "\n")})
    secret("1-000", {"objects.json.gz": packed(CREDENTIALS)})
    facts = f"{form}clusterId=c1\nkafkaVersion=3.9.0\nspecVersion=3.9.2\nnotKept=\nparts=2\n"
    mark = {"kanister-kafka.io/complete": "2026-01-03T03:09:00Z"} if complete else {}
    if stop:
        mark["kanister-kafka.io/stop"] = stop
    if strategy:
        mark["kanister-kafka.io/strategy"] = strategy
    secret("facts", {"objects": base64.b64encode(facts.encode()).decode()}, annotations=mark)
    rows = ["# 2026-01-03T03:04:05Z run 10080", "orders 240000 -1 delete 1", "kept -1 -1 delete 1"]
    secret("topics", {"objects": packed("\n".join(rows) + "\n")})
    if offsets:
        text = f"# 2026-01-03T03:04:05Z {name}678\norders 0 1 2 3\n"
        secret("offsets", {"objects": packed(text)})
    for claim in claims:
        status = {"readyToUse": ready, "restoreSize": "1Gi"}
        cluster.add(
            "volumesnapshots",
            "kafka",
            f"snapshot-of-{claim}" if grouped else f"{claim}-{name}",
            labels=marks,
            spec={"source": {"persistentVolumeClaimName": claim}},
            status=status,
        )
    if action_set:
        values = {"cluster": kafka, "namespace": "kafka", "backup": name, "stop": "clean"}
        add_action_set(cluster, f"backup-{name}", "backup", "complete", out=values)


def add_action_set(cluster, name, action, state, *, out=None, given=None, namespace="kasten-io"):
    asked = {"name": action, "blueprint": "kafka.my-cluster", "object": {"namespace": "kafka"}}
    if given:
        asked["artifacts"] = {"kafka": {"keyValue": given}}
    done = {"name": action, "phases": []}
    if out:
        done["artifacts"] = {"kafka": {"keyValue": out}}
    cluster.add(
        "actionsets",
        namespace,
        name,
        spec={"actions": [asked]},
        status={"state": state, "actions": [done]},
    )


@pytest.fixture
def cluster(configure):
    with serving() as cluster:
        configure(cluster.url)
        add_kafka(cluster)
        add_blueprint(cluster, backup=("backup",), restore=("restore",), delete=("delete",))
        yield cluster


def run(*words, **more):
    return CliRunner(**more).invoke(main, ["backups", *words], catch_exceptions=False)


def listed(*words):
    return json.loads(run("list", "-n", "kafka", "-o", "json", *words).stdout)


def test_a_backup_whose_brokers_ran_is_named_so(cluster):
    add_backup(cluster, NEW, strategy="online", action_set=False)
    add_backup(cluster, OLD, stop="clean")
    assert [(one["strategy"], one["stop"]) for one in listed()] == [
        ("online", None),
        (None, "clean"),
    ]
    assert " online " in run("list", "-n", "kafka").stdout
    assert "nothing has moved" in run("describe", NEW, "-n", "kafka").stdout


@pytest.mark.parametrize("strategy", ["hot", "later"])
def test_a_backup_that_is_not_proven_consistent_is_named_so(cluster, strategy):
    add_backup(cluster, NEW, strategy=strategy)
    (found,) = listed()
    assert found["strategy"] == strategy
    assert f" {strategy} " in run("list", "-n", "kafka").stdout
    described = run("describe", NEW, "-n", "kafka").stdout
    assert f"{strategy}: nothing was stopped, and it is not proven consistent" in described


def test_the_strategy_of_the_artifact_counts_too(cluster):
    add_backup(cluster, NEW, action_set=False)
    values = {"cluster": "my-cluster", "namespace": "kafka", "backup": NEW, "strategy": "hot"}
    add_action_set(cluster, f"backup-{NEW}", "backup", "complete", out=values)
    (found,) = listed()
    assert found["strategy"] == "hot"


def test_members_of_a_group_are_found_by_their_claims(cluster):
    add_backup(cluster, NEW, strategy="online", grouped=True)
    (found,) = listed()
    assert found["status"] == "complete"
    text = run("describe", NEW, "-n", "kafka").stdout
    assert f"snapshot-of-{CLAIMS[0]} of claim {CLAIMS[0]}: ready to use, 1Gi" in text
    cluster.drop("volumesnapshots", "kafka", f"snapshot-of-{CLAIMS[1]}")
    (found,) = listed()
    assert found["status"] == "damaged"
    text = run("describe", NEW, "-n", "kafka").stdout
    assert f"VolumeSnapshot {CLAIMS[1]}-{NEW} is not there" in text


def test_a_member_that_cannot_be_used_is_named(cluster):
    add_backup(cluster, NEW, strategy="online", grouped=True, ready=False)
    told = run("describe", NEW, "-n", "kafka").stdout
    assert f"VolumeSnapshot snapshot-of-{CLAIMS[0]} is not ready to use" in told


def test_a_complete_backup_is_listed_with_its_facts(cluster) -> None:
    add_backup(cluster, OLD)
    add_backup(cluster, NEW)
    newest, oldest = listed()
    assert (newest["name"], oldest["name"]) == (NEW, OLD)
    assert newest["status"] == "complete"
    assert newest["stop"] == "clean"
    assert newest["kafkaVersion"] == "3.9.2"
    assert newest["actionSet"] == f"kasten-io/backup-{NEW}"
    assert newest["claims"] == list(CLAIMS)
    assert newest["expiredTopics"] == ["orders"]
    text = run("list", "-n", "kafka").stdout.splitlines()
    assert text[0].split()[:4] == ["BACKUP", "KAFKA", "AGE", "STATUS"]
    assert text[1].startswith(f"{NEW}   kafka/my-cluster")
    assert run("list", "-n", "kafka", "-o", "name").stdout == f"{NEW}\n{OLD}\n"
    assert run("list", "-n", "other").stdout == "No backups.\n"


def test_secrets_with_credentials_are_never_read(cluster) -> None:
    add_backup(cluster, NEW)
    run("list", "-n", "kafka")
    run("describe", NEW, "-n", "kafka")
    read = {path.rpartition("/")[2] for method, path, _ in cluster.asked if "/secrets/" in path}
    prefix = f"my-cluster-backup-{NEW}-"
    parts = ("facts", "0-000", "topics", "offsets")
    assert read == {f"{prefix}{part}" for part in parts}


def test_a_backup_is_found_without_its_action_set(cluster) -> None:
    add_backup(cluster, NEW, action_set=False)
    (found,) = listed()
    assert (found["status"], found["stop"], found["actionSet"]) == ("complete", None, None)


def test_the_annotation_of_a_stop_outlives_the_action_set(cluster) -> None:
    add_backup(cluster, OLD, action_set=False, stop="unclean")
    add_backup(cluster, NEW, stop="unclean")  # the ActionSet has `clean`
    assert [one["stop"] for one in listed()] == ["unclean", "unclean"]


def test_a_backup_of_an_earlier_version_has_no_offsets(cluster) -> None:
    add_backup(cluster, NEW, offsets=False)
    (found,) = listed()
    assert (found["status"], found["stop"]) == ("complete", "clean")


@pytest.mark.parametrize(
    ("plural", "name", "fault"),
    [
        ("volumesnapshots", f"{CLAIMS[1]}-{NEW}", f"VolumeSnapshot {CLAIMS[1]}-{NEW} is not there"),
        ("secrets", f"my-cluster-backup-{NEW}-1-000", "1 of 2 Secrets are there"),
        ("secrets", f"my-cluster-backup-{NEW}-0-000", "1 of 2 Secrets are there"),
    ],
)
def test_a_backup_that_lacks_something_is_damaged(cluster, plural, name, fault) -> None:
    add_backup(cluster, NEW)
    cluster.drop(plural, "kafka", name)
    (found,) = listed()
    assert found["status"] == "damaged"
    assert fault in found["faults"]
    result = run("describe", NEW, "-n", "kafka")
    assert result.exit_code == 1
    assert fault in result.stdout
    assert "Restore it" not in result.stdout


def test_a_snapshot_that_cannot_be_used_damages_a_backup(cluster) -> None:
    add_backup(cluster, NEW, ready=False)
    (found,) = listed()
    assert found["status"] == "damaged"
    assert f"VolumeSnapshot {CLAIMS[0]}-{NEW} is not ready to use" in found["faults"]


@pytest.mark.parametrize("words", [("list",), ("delete", NEW, "-y")])
def test_a_list_of_snapshots_that_fails_is_not_an_empty_one(cluster, words) -> None:
    add_backup(cluster, NEW)
    cluster.refusals.append(("GET", "/volumesnapshots$", 404))  # their definition is replaced
    result = run(*words, "-n", "kafka")
    assert result.exit_code == 2, result.output
    assert "cannot list volumesnapshots.snapshot.storage.k8s.io" in result.stderr
    assert cluster.writes == []


@pytest.mark.parametrize("words", [("list",), ("delete", NEW, "-y")])
def test_snapshots_that_are_not_served_need_no_right_to_list_them(cluster, words) -> None:
    """RBAC refuses a kind that the cluster does not have like any other."""
    add_backup(cluster, NEW)
    del cluster.kinds["snapshot.storage.k8s.io", "v1"]
    cluster.refusals.append(("GET", "/volumesnapshots$", 403))
    result = run(*words, "-n", "kafka")
    assert result.exit_code == 0, result.output


def test_without_its_facts_a_backup_is_not_complete(cluster) -> None:
    add_backup(cluster, NEW)
    cluster.drop("secrets", "kafka", f"my-cluster-backup-{NEW}-facts")
    (found,) = listed()
    assert found["status"] == "incomplete"
    assert f"Secret my-cluster-backup-{NEW}-facts is not there" in found["faults"]


def test_a_backup_of_the_first_format_has_no_mark(cluster) -> None:
    add_backup(cluster, NEW, complete=False, form="")
    assert listed()[0]["status"] == "complete"


@pytest.mark.parametrize("by", ["action set", "state", "unreadable"])
def test_an_incomplete_backup_may_be_running(cluster, by) -> None:
    add_backup(cluster, NEW, complete=False, action_set=False)
    assert listed()[0]["status"] == "incomplete"
    if by == "action set":
        add_action_set(cluster, "b", "backup", "running")
    elif by == "state":
        data = {"state": "stopped", "run": "2026-01-03T03:04:05.678Z"}
        cluster.add("configmaps", "kafka", "my-cluster-kanister-kafka", data=data)
    else:
        cluster.refusals.append(("GET", "actionsets", 403))
    assert listed()[0]["status"] == "running"
    result = run("delete", NEW, "-n", "kafka", "--yes")
    assert result.exit_code == 1
    assert "is in use" in result.stderr
    assert not [write for write in cluster.writes if write[0] == "DELETE"]


def test_what_may_not_be_listed_is_an_error_and_not_no_backups(cluster) -> None:
    add_backup(cluster, NEW)
    for plural in ("secrets", "volumesnapshots"):
        cluster.refusals[:] = [("GET", plural, 403)]
        result = run("list", "-n", "kafka")
        assert result.exit_code == 2
        assert "No backups" not in result.stdout


def test_delete_takes_the_objects_of_that_backup_and_no_others(cluster) -> None:
    add_backup(cluster, OLD)
    add_backup(cluster, NEW)
    add_backup(cluster, NEW, kafka="other")
    stranger = labels(NEW, "my-cluster") | {"app.kubernetes.io/managed-by": "helm"}
    cluster.add("secrets", "kafka", "of-another-tool", labels=stranger)
    words = ("delete", NEW, "-n", "kafka", "--kafka", "my-cluster")
    dry = run(*words, "--dry-run")
    assert len(dry.stdout.splitlines()) == 7
    assert not cluster.writes
    asked = run(*words)
    assert asked.exit_code == 2
    assert "confirm by --yes" in asked.stderr
    before = set(cluster.objects)
    done = run(*words, "--yes")
    assert done.exit_code == 0
    assert done.stdout == dry.stdout.replace(" (dry run)", "")
    gone = {name for _, _, name in before - set(cluster.objects)}
    assert gone == {line.split()[0].partition("/")[2] for line in done.stdout.splitlines()}
    # the facts first: a backup of which half is gone is not complete
    assert cluster.writes[0][2] == f"my-cluster-backup-{NEW}-facts"


def test_several_kafkas_with_one_name_of_a_backup(cluster) -> None:
    add_backup(cluster, NEW)
    add_backup(cluster, NEW, kafka="other", action_set=False)
    result = run("describe", NEW, "-n", "kafka")
    assert result.exit_code != 0
    assert "several Kafkas have a backup" in result.stderr
    assert run("describe", NEW, "-n", "kafka", "--kafka", "other").exit_code == 0
    missing = run("describe", "20200101000000", "-n", "kafka", "--kafka", "other")
    assert f"there is no backup 20200101000000; the newest are: {NEW}" in missing.stderr


@pytest.mark.parametrize("action", ["restore", "delete"])
def test_a_backup_that_is_being_restored_is_not_deleted(cluster, action) -> None:
    add_backup(cluster, NEW)
    values = {"cluster": "my-cluster", "namespace": "kafka", "backup": NEW}
    add_action_set(cluster, "r", action, "running", given=values)
    result = run("delete", NEW, "-n", "kafka", "--yes")
    assert result.exit_code == 1
    assert f"ActionSet kasten-io/r, action {action}, has not ended" in result.stderr


def test_no_backup_of_a_kafka_that_is_being_restored_is_deleted(cluster) -> None:
    add_backup(cluster, NEW)
    cluster.add("configmaps", "kafka", "my-cluster-kanister-kafka", data={"state": "restoring"})
    result = run("prune", "-n", "kafka", "--keep-last", "0", "--keep-daily", "1", "--yes")
    assert result.exit_code == 0  # the newest stays anyway
    add_backup(cluster, OLD)
    result = run("prune", "-n", "kafka", "--keep-last", "1", "--yes")
    assert result.exit_code == 1
    assert "is being restored" in result.stderr
    assert not [write for write in cluster.writes if write[0] == "DELETE"]


def test_prune_removes_what_no_rule_keeps(cluster) -> None:
    for name in (NEW, OLD, "20260101030405"):
        add_backup(cluster, name)
    assert run("prune", "-n", "kafka").exit_code == 2
    dry = run("prune", "-n", "kafka", "--keep-last", "2", "--dry-run", "-o", "json")
    plan = json.loads(dry.stdout)
    assert [one["name"] for one in plan["kept"]] == [NEW, OLD]
    assert [one["name"] for one in plan["removed"]] == ["20260101030405"]
    assert not cluster.writes
    assert run("prune", "-n", "kafka", "--keep-last", "2", "--yes").exit_code == 0
    assert [one["name"] for one in listed()] == [NEW, OLD]


@pytest.mark.parametrize("more", [["--dry-run"], ["--dry-run=server"], ["--yes"]])
def test_the_output_of_prune_is_one_json_object(cluster, more) -> None:
    add_backup(cluster, OLD)
    add_backup(cluster, NEW)
    done = run("prune", "-n", "kafka", "--keep-last", "1", "-o", "json", *more)
    assert done.exit_code == 0, done.stderr
    assert [one["name"] for one in json.loads(done.stdout)["removed"]] == [OLD]
    assert ("deleted" in done.stderr) == (more != ["--dry-run"])


def test_restore_needs_no_action_set_of_the_backup(cluster) -> None:
    add_backup(cluster, NEW, action_set=False)
    words = ["restore", NEW, "-n", "kafka", "--overwrite", "--dry-run"]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    (action,) = yaml.safe_load(result.stdout)["spec"]["actions"]
    assert action["name"] == "restore"
    assert action["options"] == {"overwrite": "true"}
    assert action["artifacts"]["kafka"]["keyValue"] == {
        "cluster": "my-cluster",
        "namespace": "kafka",
        "backup": NEW,
        "snapshots": "2",
    }
    asked = CliRunner().invoke(main, words[:-1], catch_exceptions=False)
    assert asked.exit_code == 2
    assert f"backup {NEW} of Kafka kafka/my-cluster" in asked.stderr
    assert "there is no terminal to ask on" in asked.stderr


def test_a_damaged_backup_is_not_restored(cluster) -> None:
    add_backup(cluster, NEW)
    cluster.drop("volumesnapshots", "kafka", f"{CLAIMS[0]}-{NEW}")
    words = ["restore", NEW, "-n", "kafka", "--yes"]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 1
    assert f"is damaged: VolumeSnapshot {CLAIMS[0]}-{NEW} is not there" in result.stderr
    assert not cluster.writes


@pytest.mark.parametrize(
    "content", [b"\x1f\x8bnot gzip", b"\xff\xfe", b"{not json\n"], ids=["gzip", "text", "json"]
)
def test_a_secret_that_cannot_be_read_damages_its_backup_alone(cluster, content: bytes) -> None:
    add_backup(cluster, OLD)
    add_backup(cluster, NEW)
    data = {"objects.json.gz": base64.b64encode(content).decode()}
    cluster.change("secrets", "kafka", f"my-cluster-backup-{NEW}-0-000", {"data": data})
    newest, oldest = listed()
    assert (newest["status"], oldest["status"]) == ("damaged", "complete")
    assert newest["faults"][0].startswith(f"Secret my-cluster-backup-{NEW}-0-000 is damaged")


def test_nothing_is_deleted_unless_all_of_it_may_be(cluster) -> None:
    add_backup(cluster, NEW)
    cluster.refusals.append(("DELETE", "volumesnapshots", 403))
    result = run("delete", NEW, "-n", "kafka", "--yes")
    assert result.exit_code == 2
    assert "nothing was changed" in result.stderr
    assert not cluster.writes
    cluster.refusals.clear()
    assert listed()[0]["status"] == "complete"


def test_an_object_that_was_made_anew_is_not_deleted(cluster) -> None:
    add_backup(cluster, NEW)
    connection = KubeClient()
    objects = list_objects(connection, read_catalogue(connection, "kafka").backups[0])
    name = f"{CLAIMS[0]}-{NEW}"
    cluster.drop("volumesnapshots", "kafka", name)
    cluster.add("volumesnapshots", "kafka", name, labels=labels(NEW, "my-cluster"))
    report = delete_objects(objects, connection)
    assert [str(one.target) for one in report.failures] == [
        f"volumesnapshot.snapshot.storage.k8s.io/{name}"
    ]
    assert not cluster.writes


def test_a_restore_that_failed_may_be_repeated(cluster) -> None:
    """Its Kafka stays in the state `restoring`, and the backup is still needed."""
    add_backup(cluster, NEW)
    cluster.add("configmaps", "kafka", "my-cluster-kanister-kafka", data={"state": "restoring"})
    words = ["restore", NEW, "-n", "kafka", "--dry-run"]
    assert CliRunner().invoke(main, words, catch_exceptions=False).exit_code == 0
    values = {"cluster": "my-cluster", "namespace": "kafka", "backup": NEW}
    add_action_set(cluster, "r", "restore", "running", given=values)
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 1
    assert "ActionSet kasten-io/r, action restore, has not ended" in result.stderr


VALUES = {"cluster": "my-cluster", "namespace": "kafka", "backup": OLD}
WAYS = {
    "restore": ("restore", NEW, "-n", "kafka", "--overwrite"),
    "run": ("run", "restore", "-n", "kafka", "--from", f"backup-{NEW}"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "action", ["backup", "restore", "delete", "backupPrehook", "backupPosthook", "restorePrehook"]
)
def test_no_restore_begins_while_another_action_runs(cluster, way, action) -> None:
    add_backup(cluster, OLD)
    add_backup(cluster, NEW)
    given = {**VALUES, "backup": NEW} if action == "delete" else VALUES
    add_action_set(cluster, "at-work", action, "running", given=given)
    result = CliRunner().invoke(main, [*WAYS[way], "--yes", "--timeout", "1s", "--no-logs"])
    assert result.exit_code == 1
    assert f"ActionSet kasten-io/at-work, action {action}, has not ended" in result.stderr
    if action != "delete":  # of which the backup itself tells
        assert "kubectl delete actionset at-work -n kasten-io" in result.stderr
    assert "will be restored" not in result.stderr  # before the question
    assert cluster.writes == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("action", ["export", "deleteCopy", "listCopies", "delete"])
def test_a_restore_may_begin_while_another_backup_is_copied(cluster, way, action) -> None:
    fake.Kanister(cluster)
    add_backup(cluster, OLD)
    add_backup(cluster, NEW)
    cluster.add("configmaps", "kafka", "my-cluster-kanister-kafka", data={"state": "restoring"})
    add_action_set(cluster, "copies", action, "running", given=VALUES)
    result = CliRunner().invoke(main, [*WAYS[way], "--yes", "--no-logs"])
    assert result.exit_code == 0, result.stderr


def add_failed_launch(cluster, *, changed: str) -> None:
    """An action that Kanister could not launch: its deferPhase never begins."""
    asked = {"name": "backup", "blueprint": "kafka.my-cluster", "object": {"namespace": "kafka"}}
    status = {
        "state": "failed",
        "progress": {"lastTransitionTime": changed},
        "actions": [
            {
                "name": "backup",
                "phases": [{"name": "quiesce", "state": "failed"}],
                "deferPhase": {"name": "recover", "state": "pending"},
            }
        ],
    }
    cluster.add(
        *("actionsets", "kasten-io", "failed"),
        labels={"kanister.io/JobID": "job-1"},
        spec={"actions": [asked]},
        status=status,
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("changed", "has_pod", "code"),
    [
        pytest.param("2026-01-02T03:04:05Z", False, 0, id="never-began"),
        pytest.param("2026-01-02T03:04:05Z", True, 1, id="runs"),
        pytest.param("2999-01-02T03:04:05Z", False, 1, id="may-begin"),
    ],
)
def test_an_action_that_could_not_be_launched_blocks_nothing(
    cluster, way, changed, has_pod, code
) -> None:
    fake.Kanister(cluster)
    add_backup(cluster, OLD)
    add_backup(cluster, NEW)
    add_failed_launch(cluster, changed=changed)
    if has_pod:
        fake.add_task(cluster, "recover", "recover", job="job-1")
    result = CliRunner().invoke(main, [*WAYS[way], "--yes", "--no-logs"])
    assert result.exit_code == code, result.stderr


def test_an_action_that_could_not_be_launched_makes_no_backup(cluster) -> None:
    add_backup(cluster, NEW, complete=False)
    add_failed_launch(cluster, changed="2026-01-02T03:04:05Z")
    (found,) = json.loads(run("list", "-n", "kafka", "-o", "json").stdout)
    assert found["inProgress"] is None
    assert run("delete", NEW, "-n", "kafka", "--yes").exit_code == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_restore_that_begins_after_the_question_counts(cluster, monkeypatch, way) -> None:
    add_backup(cluster, OLD)
    add_backup(cluster, NEW)
    answer = cluster.answer

    def begin_another(method, path, query, body):
        if path == "/api/v1/pods":  # the versions of the operator, read for the question
            add_action_set(cluster, "meanwhile", "restore", "pending", given=VALUES)
        return answer(method, path, query, body)

    monkeypatch.setattr(cluster, "answer", begin_another)
    result = CliRunner().invoke(main, [*WAYS[way], "--yes", "--timeout", "1s", "--no-logs"])
    assert result.exit_code == 1
    assert "will be restored" in result.stderr
    assert "ActionSet kasten-io/meanwhile, action restore, has not ended" in result.stderr
    assert cluster.writes == []


def test_no_restore_begins_if_action_sets_cannot_be_read(cluster) -> None:
    add_backup(cluster, NEW)
    cluster.refusals.append(("GET", "/actionsets$", 403))
    result = CliRunner().invoke(main, [*WAYS["restore"], "--yes"])
    assert result.exit_code == 2
    assert "actionsets" in result.stderr
    assert cluster.writes == []


def test_an_action_by_another_blueprint_of_the_kafka_counts(cluster) -> None:
    add_backup(cluster, NEW)
    name = "kafka.my-cluster.hot"
    for labels_, blueprint in (({}, name), ({"kanister-kafka.io/cluster": "my-cluster"}, "x")):
        action = {"name": "backup", "blueprint": blueprint, "object": {"namespace": "kafka"}}
        cluster.add("actionsets", "kasten-io", "a", labels=labels_, spec={"actions": [action]})
        result = CliRunner().invoke(main, [*WAYS["restore"], "--yes"])
        assert "ActionSet kasten-io/a, action backup, has not ended" in result.stderr
        assert cluster.writes == []


def test_action_sets_are_where_the_blueprint_of_the_kafka_is(cluster) -> None:
    add_backup(cluster, NEW, complete=False, action_set=False)
    home = {"kanister-kafka.io/blueprint": "kanister/kafka.my-cluster"}
    cluster.add("configmaps", "kafka", "my-cluster-kanister-kafka", annotations=home)
    add_action_set(cluster, "b", "backup", "running", namespace="kanister")
    assert listed()[0]["inProgress"] == "ActionSet kanister/b has not ended"
    assert listed("--kasten-namespace", "kasten-io")[0]["inProgress"] is None


def test_the_catalogue_of_all_namespaces(cluster) -> None:
    add_backup(cluster, NEW)
    found = read_catalogue(KubeClient(), "")
    assert [str(one.kafka) for one in found.backups] == ["kafka/my-cluster"]
    assert found.unreadable == ()


# Rules: pure.

START = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)


def backup_at(time: datetime, *, complete: bool = True) -> Backup:
    name = f"{time:%Y%m%d%H%M%S}"
    return Backup(
        name=name,
        kafka=KAFKA,
        complete_since="x" if complete else "",
        claims=("c",),
        snapshots=(BackupSnapshot(f"c-{name}", "c", ready=True),),
        secrets=1,
        expected_secrets=1,
    )


def test_rules_of_restic() -> None:
    """A backup every six hours for sixty days."""
    backups = [backup_at(START - timedelta(hours=6 * n)) for n in range(240)]
    plan = plan_backup_prune(backups, KeepRules(last=2, daily=3, weekly=2, monthly=3), START)
    kept = {one.backup.name: one.reasons for one in plan.kept}
    assert kept["20260131120000"] == ("last", "daily", "weekly", "monthly")
    assert kept["20260125180000"] == ("weekly",)
    assert kept["20251231180000"] == ("monthly",)
    assert len(kept) + len(plan.removed) == len(backups)


def test_failed_backups_do_not_count_for_a_rule() -> None:
    good = backup_at(START - timedelta(days=2))
    bad = [backup_at(START - timedelta(hours=n), complete=False) for n in range(3)]
    plan = plan_backup_prune([*bad, good], KeepRules(last=1), START)
    assert plan.removed == ()
    assert {one.backup.name: one.reasons for one in plan.kept}[good.name] == ("last",)
    assert {one.reasons for one in plan.kept if one.backup in bad} == {("incomplete",)}


def test_a_backup_whose_verification_has_failed_takes_no_place() -> None:
    days = [backup_at(START - timedelta(days=n)) for n in range(5)]
    newest, bad = replace(days[0], verified="started"), replace(days[1], verified="failed")
    good = replace(days[2], verified="passed")
    plan = plan_backup_prune([newest, bad, good, *days[3:]], KeepRules(last=2), START)
    assert plan.removed == (days[3], days[4])
    assert [(one.backup, one.reasons) for one in plan.kept] == [
        (newest, ("last",)),
        (bad, ("failed verification",)),
        (good, ("last",)),
    ]
    plan = plan_backup_prune([bad, good], KeepRules(within=timedelta(hours=1)), START)
    assert plan.removed == ()
    assert plan.newest == good, "the newest that is not known to be bad"


def test_the_newest_complete_backup_stays_with_all_rules() -> None:
    old = [backup_at(START - timedelta(days=400 + n)) for n in range(3)]
    plan = plan_backup_prune(old, KeepRules(within=timedelta(days=1)), START)
    assert [(one.backup, one.reasons) for one in plan.kept] == [(old[0], ("newest complete",))]


TIMES = st.lists(st.integers(0, 400 * 24), unique=True, max_size=40)
COUNTS = st.integers(0, 5)


@settings(max_examples=150, derandomize=True)
@given(TIMES, st.fixed_dictionaries(dict.fromkeys(("last", *PERIODS), COUNTS)))
def test_rules_hold_for_every_set_of_backups(hours: list[int], counts: dict[str, int]) -> None:
    backups = [backup_at(START - timedelta(hours=n)) for n in hours]
    plan = plan_backup_prune(backups, KeepRules(**counts), START)
    names = [one.backup.name for one in plan.kept] + [one.name for one in plan.removed]
    assert sorted(names) == sorted(one.name for one in backups)
    for rule, period_of in PERIODS.items():
        held = [one.backup for one in plan.kept if rule in one.reasons]
        periods = {period_of(one.started) for one in backups if one.started}
        assert len(held) == min(counts[rule], len(periods))
        for one in held:  # the newest of its period
            assert one.started is not None
            same = [
                b for b in backups if b.started and period_of(b.started) == period_of(one.started)
            ]
            assert one.name == max(b.name for b in same)
    if backups:
        assert max(one.name for one in backups) in {one.backup.name for one in plan.kept}


def test_topics_expire_by_time_only_if_they_delete() -> None:
    backup = Backup(
        name="20260131110000",
        kafka=KAFKA,
        topics=(
            TopicRetention("short", 60_000, -1, deletes=True),
            TopicRetention("compacted", 60_000, -1, deletes=False),
            TopicRetention("endless", -1, -1, deletes=True),
            TopicRetention("long", 86_400_000, -1, deletes=True),
        ),
    )
    assert backup.expired_topics(START) == ("short",)
    assert backup.status is BackupStatus.INCOMPLETE


def test_restore_passes_further_options_of_the_action(cluster) -> None:
    add_backup(cluster, NEW)
    words = ["restore", NEW, "-n", "kafka", "--option", "any-kafka-version=true", "--dry-run"]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    (action,) = yaml.safe_load(result.stdout)["spec"]["actions"]
    assert action["options"] == {"any-kafka-version": "true"}


# Restore points of Kasten.


def add_restore_point(cluster, name, policy="", *, time="2026-01-02T03:04:05Z", profile=""):
    labels = {"k10.kasten.io/appName": "kafka"}
    if policy:
        labels |= {"k10.kasten.io/policyName": policy, "k10.kasten.io/policyNamespace": "kasten-io"}
    if profile:
        labels["k10.kasten.io/exportProfile"] = profile
    status = {"state": "Bound", "actionTime": time, "logicalSizeBytes": 17}
    cluster.add("restorepoints", "kafka", name, labels=labels, status=status)


@pytest.fixture
def kasten(configure):
    kinds = {
        ("apps.kio.kasten.io", "v1alpha1"): {"restorepoints": "RestorePoint"},
        ("config.kio.kasten.io", "v1alpha1"): {"policies": "Policy"},
    }
    with serving() as cluster:
        cluster.kinds |= kinds
        configure(cluster.url)
        yield cluster


def restore_points(*more):
    words = ("backups", "list", "-n", "kafka", "--restore-points", *more)
    return CliRunner().invoke(main, words, catch_exceptions=False)


def test_restore_points_show_the_hook_of_their_policy(kasten) -> None:
    hook = {"blueprint": "kafka.my-cluster", "actionName": "backupPrehook"}
    cold = [{"action": "backup", "backupParameters": {"hooks": {"preHook": hook}}}]
    kasten.add("policies", "kasten-io", "cold", spec={"actions": cold})
    kasten.add("policies", "kasten-io", "plain", spec={"actions": [{"action": "backup"}]})
    add_restore_point(kasten, "one", "cold", profile="s3")
    add_restore_point(kasten, "two", "plain", time="2026-01-03T03:04:05Z")
    add_restore_point(kasten, "three", "gone", time="2026-01-04T03:04:05Z")
    add_restore_point(kasten, "four", time="2026-01-05T03:04:05Z")
    done = restore_points("-o", "json")
    found = {
        point["name"]: (point["preHook"], point["exportedTo"]) for point in json.loads(done.stdout)
    }
    assert list(found) == ["four", "three", "two", "one"]
    assert found == {
        "one": ("kafka.my-cluster backupPrehook", "s3"),
        "two": ("", None),
        "three": (None, None),
        "four": (None, None),
    }
    rows = [line.split() for line in restore_points().stdout.splitlines()]
    assert rows[2][3:5] == ["kasten-io/gone", "unknown"]
    assert rows[3][3:5] == ["kasten-io/plain", "none"]
    assert restore_points("-o", "name").stdout.split() == ["four", "three", "two", "one"]


def test_a_policy_that_may_not_be_read_is_reported(kasten) -> None:
    add_restore_point(kasten, "one", "cold")
    kasten.refusals.append(("GET", "/policies/cold", 403))
    done = restore_points()
    assert done.exit_code == 0
    assert "cannot read Policy kasten-io/cold" in done.stderr
    assert "unknown" in done.stdout


def test_restore_points_that_may_not_be_listed_are_not_none(kasten) -> None:
    kasten.refusals.append(("GET", "/restorepoints", 403))
    done = restore_points()
    assert (done.exit_code, done.stdout) == (2, "")
    assert "restorepoints" in done.stderr


def test_a_cluster_without_kasten_has_no_restore_points(configure) -> None:
    with serving() as cluster:
        configure(cluster.url)
        done = restore_points()
    assert done.exit_code == 1
    assert "Kasten's API is not served" in done.stderr


# Ctrl-C, and a colleague who deletes at the same time.

OLDEST = "20260101030405"


def interrupt_first(monkeypatch) -> list[str]:
    """Let the user press Ctrl-C during the first deletion; return the names of all of them."""
    real, names = KubeClient.delete, []

    def delete(self, resource, name, namespace="", *, dry_run=False, **more):
        if not dry_run:
            names.append(name)
            if len(names) == 1:
                raise KeyboardInterrupt
        return real(self, resource, name, namespace, dry_run=dry_run, **more)

    monkeypatch.setattr(KubeClient, "delete", delete)
    return names


@pytest.mark.parametrize(
    "words",
    [
        ("prune", "-n", "kafka", "--keep-last", "1", "--yes"),
        ("delete", OLD, OLDEST, "-n", "kafka", "--yes"),
    ],
    ids=["prune", "delete"],
)
def test_ctrl_c_ends_the_deletion_of_several(cluster, monkeypatch, words) -> None:
    for name in (NEW, OLD, OLDEST):
        add_backup(cluster, name)
    names = interrupt_first(monkeypatch)
    done = run(*words)
    assert done.exit_code == 130
    assert len(names) == 1
    assert len(listed()) == 3
    remaining = done.stderr.partition("interrupted; backups that are not, or not wholly, deleted:")[
        2
    ]
    assert remaining.split("\n")[1:3] == [
        f"  backup {one} of Kafka {KAFKA}" for one in (OLD, OLDEST)
    ]


def test_ctrl_c_between_two_deletions_ends_them_too(cluster, monkeypatch) -> None:
    for name in (NEW, OLD):
        add_backup(cluster, name)

    def interrupt(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(BackupActivity, "why_not_deleted", interrupt)
    done = run("prune", "-n", "kafka", "--keep-last", "1", "--yes")
    assert done.exit_code == 130
    assert OLD in done.stderr.partition("interrupted; ")[2]


def drop_backup(cluster, name) -> None:
    for key in [key for key in cluster.objects if name in key[2]]:
        if key[0] in ("secrets", "volumesnapshots"):
            cluster.drop(*key)


def test_prune_keeps_one_if_the_newest_was_deleted_during_the_question(
    cluster, monkeypatch
) -> None:
    for name in (NEW, OLD, OLDEST):
        add_backup(cluster, name)

    def confirm(*_words, yes):
        assert not yes
        drop_backup(cluster, NEW)

    monkeypatch.setattr("kanister_kafka.cli.commands.backups.delete.confirm", confirm)
    done = run("prune", "-n", "kafka", "--keep-last", "1")
    assert done.exit_code == 0, done.stderr
    assert f"backup {OLD} of Kafka {KAFKA} stays: " in done.stderr
    assert [one["name"] for one in listed()] == [OLD]


def test_prune_keeps_one_if_the_newest_is_deleted_during_the_prune(cluster, monkeypatch) -> None:
    for name in (NEW, OLD, OLDEST):
        add_backup(cluster, name)
    real = KubeClient.delete

    def delete(self, resource, name, namespace="", *, dry_run=False, **more):
        if not dry_run and name == f"my-cluster-backup-{OLD}-facts":
            drop_backup(cluster, NEW)
        return real(self, resource, name, namespace, dry_run=dry_run, **more)

    monkeypatch.setattr(KubeClient, "delete", delete)
    done = run("prune", "-n", "kafka", "--keep-last", "1", "--yes")
    assert done.exit_code == 1
    assert f"there is no complete backup {NEW} of Kafka {KAFKA} any more" in done.stderr
    assert [one["name"] for one in listed()] == [OLDEST]
