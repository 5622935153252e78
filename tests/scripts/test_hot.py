"""Hot backups of Kanister alone: nothing is changed, and they never count as proven consistent."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from kanister_kafka.backup.options import Strategy
from tests.fakes.script_runner import (
    AWAY,
    BACKUP,
    CONFLICT,
    FORBIDDEN,
    OWN_RUN,
    RUN,
    Shell,
    cycle,
    kept,
    phases_of,
)
from tests.scripts import test_restore
from tests.scripts.test_backup import full, stored
from tests.scripts.test_group_snapshot import (
    ALL,
    CLAIMS,
    DIGEST,
    GROUP,
    MEMBERS,
    NAMES,
    OWNER,
    SERVED,
    STATUS,
    UID,
    digest,
    member,
    versions,
)
from tests.scripts.test_group_snapshot import CUT as CUT_AT
from tests.scripts.test_stop import FIT, POOLS, RECORD

PLAN = cycle(strategy=Strategy.HOT, group_snapshot_class="fast-groups", kasten=())
NODES = "backup-broker-0|backup-broker|True|uid-0|0\nbackup-controller-1|backup-controller|True|u|2"
LISTED = r"get pods .*controller-name"
PROCESSES = hashlib.sha256(b"backup-broker-0|uid-0|0\nbackup-controller-1|u|2\n").hexdigest()
FINGERPRINT = r"get configmap .*\{\.data\.specs\}\|"
NAMES_OF_PHASES = ("backupCheck", "backupKeep", "backupFlush", "backupSnapshot", "backupReady")
FACTS = f"get secret {GROUP}-facts"
COMPLETE = rf"{FACTS} .*kanister-kafka\\.io/complete"


def changed(shell: Shell) -> set[str]:
    """Return verb and resource of each write."""
    return {" ".join(call.args[:2]) for call in shell.writes()}


# The check.


def serving(shell: Shell) -> Shell:
    """Answer as a cluster that can be backed up; earlier answers go first."""
    shell.on(RECORD, "7|running|yesterday|then").on(FIT, "KRaft|True|").on(LISTED, NODES)
    shell.on(CLAIMS, "data-1 data-0").on(r"get pods .*persistentVolumeClaim", "")
    return shell.on(POOLS, "3|[0,1,2]").on(r"get kafkas.*clusterId", "abc")


def checked(shell: Shell, **values: str) -> Any:
    return serving(shell).phase("backupCheck", PLAN, **values)


def test_the_check_locks_kafka_and_keeps_its_identity(shell: Shell) -> None:
    done = checked(shell)
    assert done.returncode == 0, done.stderr
    recorded = shell.recorded()
    assert (recorded["state"], recorded["run"], recorded["hot"]) == ("quiescing", RUN, RUN)
    assert (recorded["clusterId"], recorded["nodeIds.broker"]) == ("abc", "[0,1,2]")
    assert recorded["claims"] == digest("data-0 data-1")
    assert recorded["pods"] == PROCESSES
    lock, *_ = shell.writes()
    assert lock.patch["metadata"] == {"resourceVersion": "7"}
    assert changed(shell) == {"patch configmap"}, "and nothing else is changed"
    assert not shell.events(), "nothing is stopped"


@pytest.mark.parametrize(
    ("pattern", "answer", "reason"),
    [
        pytest.param(
            RECORD, "7|stopping|other|then", "stopping since then by the run other", id="r"
        ),
        pytest.param(RECORD, "7|quiescing|other|then", "wait for its end", id="another backup"),
        pytest.param(RECORD, "7|restoring|other|then", "is restoring", id="a restore"),
        pytest.param("pause-before", "unset", "stopped or half stopped", id="a marked Kafka"),
        pytest.param(FIT, "KRaft|False|", "is not Ready", id="not ready"),
        pytest.param(FIT, "KRaft|True||3|2|", "has not reconciled", id="not reconciled"),
        pytest.param(FIT, "KRaft|True||2|2|RebalanceOnScaleDown", "auto-rebalance", id="rebalance"),
        pytest.param(FIT, "KRaftMigration|True|", "metadata state", id="migration"),
        pytest.param(LISTED, "", "has no pods", id="no pods"),
        pytest.param(LISTED, NODES.replace("True", "False", 1), "is not Ready", id="a node"),
        pytest.param(LISTED, "new-0|new|True|u|0", "render it again", id="unknown pool"),
        pytest.param(LISTED, FORBIDDEN, "can be backed up", id="unread"),
        pytest.param("^create --validate", AWAY, "did not answer", id="rights unread"),
    ],
)
def test_what_cannot_be_backed_up_is_not_locked(
    shell: Shell, pattern: str, answer: Any, reason: str
) -> None:
    done = checked(shell.on(pattern, answer), READINESS_TIMEOUT="0")
    assert done.returncode != 0
    assert reason in done.stderr.splitlines()[-1]
    assert not shell.writes(), "not even a failure: the state ConfigMap is of another run"


def test_of_two_runs_one_gets_the_lock(shell: Shell) -> None:
    shell.on(RECORD, "7|running|old|then", "8|quiescing|other|now").on("resourceVersion", CONFLICT)
    done = checked(shell)
    assert done.returncode != 0
    assert "quiescing since now by the run other" in done.stderr.splitlines()[-1]
    assert len(shell.writes()) == 1


def test_node_ids_that_cannot_be_read_fail(shell: Shell) -> None:
    done = checked(shell.on(POOLS, "3|"))
    assert done.returncode != 0
    assert "has no node ids" in done.stderr.splitlines()[-1]
    assert shell.recorded()["failure"], "the recovery reads it"


def test_a_claim_without_labels_fails(shell: Shell) -> None:
    """The group would not have it."""
    pods = "backup-broker-0 data-0=data-0-backup-broker-0"
    done = checked(shell.on(r"get pods .*persistentVolumeClaim", pods))
    assert done.returncode != 0
    assert "lacks the labels" in done.stderr


# What is kept.


def test_what_a_restore_needs_is_kept_and_kafka_is_restored_paused(shell: Shell) -> None:
    done = full(shell).phase("backupKeep", PLAN)
    assert done.returncode == 0, done.stderr
    assert {"0-000", "1-000", "6-000", "facts"} <= stored(shell).keys()
    kafka = kept(stored(shell)["6-000"])
    assert '"strimzi.io/pause-reconciliation":"true"' in kafka.replace(": ", ":")
    assert changed(shell) == {"create -f"}, "Kafka and clients stay as they are"


# The snapshot.


def undisturbed(shell: Shell) -> Shell:
    """Answer as a cluster that is as it was at the check."""
    empty = hashlib.sha256(b"").hexdigest()
    shell.on(FINGERPRINT, f"|broker 0 1|{empty}|{digest('data-0 data-1')}")
    shell.on(SERVED, versions("v1")).on(CLAIMS, "data-1 data-0").on(DIGEST, digest("data-0 data-1"))
    shell.on(r"get configmap .*data\.pods", PROCESSES).on(LISTED, NODES)
    shell.on(r"get pods .*persistentVolumeClaim", "").on(r"get kafkas.*generation", "")
    shell.on("get kafkanodepools.*nodeIds", "broker [0,1]\n").on("get kafkanodepools", "")
    shell.on(rf"{FACTS}.*metadata.uid", OWNER).on("create -f - -o jsonpath", UID)
    return shell.on(STATUS, f"{CUT_AT}|").on(MEMBERS, ALL)


def snapshot(shell: Shell, **values: str) -> Any:
    return undisturbed(shell).phase("backupSnapshot", PLAN, **values)


def test_all_volumes_are_in_one_group_and_nothing_else_is_changed(shell: Shell) -> None:
    done = snapshot(shell)
    assert done.returncode == 0, done.stderr
    (group,) = shell.made("VolumeGroupSnapshot")
    assert group["spec"]["volumeGroupSnapshotClassName"] == "fast-groups"
    assert f'"key": "backup", "value": "{BACKUP}"' in done.stdout
    assert changed(shell) == {"create -f", "patch volumesnapshots.snapshot.storage.k8s.io"}


RESTARTED = NODES.replace("uid-0|0", "uid-0|1")
REPLACED = NODES.replace("uid-0", "uid-9")
WITHOUT = NODES.splitlines()[0]


@pytest.mark.parametrize(
    ("pattern", "answer", "reason"),
    [
        pytest.param(OWN_RUN, "8|running|" + RUN, "another run has changed it", id="resumed"),
        pytest.param(OWN_RUN, "8|quiescing|other", "another run has changed it", id="other run"),
        pytest.param(LISTED, RESTARTED, "restarted, added or removed", id="restarted"),
        pytest.param(LISTED, REPLACED, "restarted, added or removed", id="replaced"),
        pytest.param(LISTED, WITHOUT, "restarted, added or removed", id="a node less"),
        pytest.param(LISTED, FORBIDDEN, "has not changed", id="pods unread"),
        pytest.param(r"get configmap .*data\.pods", "", "restarted, added", id="no processes"),
        pytest.param(
            FINGERPRINT, "Kafka 7||x|y", "specs of Kafka or KafkaNodePools of", id="specs"
        ),
        pytest.param(FINGERPRINT, FORBIDDEN, "comparing Kafka", id="fingerprint unread"),
    ],
)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_change_since_the_check_fails_the_backup(
    shell: Shell, pattern: str, answer: Any, reason: str, moment: str
) -> None:
    if moment == "after":
        whole = undisturbed(Shell(shell.folder)).answers
        known = {key: replies[0] for key, replies in whole}
        first = known.get(pattern, (0, f"7|quiescing|{RUN}", ""))
        shell.on(pattern, first, answer)
    else:
        shell.on(pattern, answer)
    done = snapshot(shell)
    assert done.returncode != 0
    assert reason in done.stderr.splitlines()[-1]
    assert bool(shell.made("VolumeGroupSnapshot")) is (moment == "after")
    assert "###Phase-output###" not in done.stdout


def test_a_group_of_other_claims_fails_the_backup(shell: Shell) -> None:
    done = snapshot(shell.on(MEMBERS, ALL + member("connect-0")), SNAPSHOT_TIMEOUT="0")
    assert done.returncode != 0
    assert "connect-0 data-0 data-1" in done.stderr.splitlines()[-1]


# The end.


READY = "".join(f"{name}|true|\n" for name in NAMES.values())


def complete(shell: Shell, rows: str = READY, **values: str) -> Any:
    shell.on("get volumesnapshots", rows)
    return shell.phase("backupReady", PLAN, SNAPSHOT_COUNT="2", **values)


def test_it_is_marked_as_hot_by_the_write_that_completes_it(shell: Shell) -> None:
    done = complete(shell)
    assert done.returncode == 0, done.stderr
    (mark,) = shell.calls("annotate secret")
    assert "kanister-kafka.io/strategy=hot kanister-kafka.io/complete=" in mark
    assert "WARNING: it is crash-consistent, and not proven consistent" in done.stdout
    assert shell.recorded()["state"] == "running"
    assert shell.events() == ["BackedUp"]


def test_the_lock_ends_before_the_driver_has_uploaded(shell: Shell) -> None:
    shell.on("get volumesnapshots", READY.replace("true", "false", 1), READY)
    done = complete(shell)
    assert done.returncode == 0, done.stderr
    calls = [str(call) for call in shell.all()]
    unlocked = next(i for i, call in enumerate(calls) if '"state":"running"' in call)
    assert unlocked < next(i for i, call in enumerate(calls) if "get volumesnapshots" in call)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("", "0 of 2 snapshots"),
        (READY.splitlines()[0] + "\n", "1 of 2 snapshots"),
        (READY.replace("true|", "false|busy", 1), "is not ready to use (busy)"),
    ],
    ids=["gone", "one", "not ready"],
)
def test_it_is_not_complete_without_each_snapshot(shell: Shell, rows: str, reason: str) -> None:
    done = complete(shell, rows, READY_TIMEOUT="0")
    assert done.returncode != 0
    assert reason in done.stderr.splitlines()[-1]
    assert not shell.calls("annotate secret")


@pytest.mark.parametrize("owner", ["other", RUN])
def test_it_is_not_complete_if_another_actor_has_taken_the_lock(shell: Shell, owner: str) -> None:
    """Another run may have stopped Kafka during the snapshot."""
    shell.on(OWN_RUN, f"8|stopping|{owner}")
    done = complete(shell)
    assert done.returncode != 0
    assert "another run has changed it" in done.stderr.splitlines()[-1]
    assert not shell.calls("annotate secret")


# The recovery.


def recovered(shell: Shell, state: str = "quiescing", owner: str = RUN, mark: str = "") -> Any:
    shell.on(OWN_RUN, f"7|{state}|{owner}").on(COMPLETE, mark)
    return shell.phase("backupRecover", PLAN)


def deleted(shell: Shell) -> list[str]:
    return [call.args[1] for call in shell.writes() if call.args[0] == "delete"]


def test_a_failed_backup_gives_the_lock_back_and_leaves_nothing(shell: Shell) -> None:
    done = recovered(shell)
    assert done.returncode == 0, done.stderr
    assert shell.recorded()["state"] == "running"
    (unlock,) = shell.calls("patch configmap")
    assert '"resourceVersion":"7"' in unlock
    assert deleted(shell) == ["volumesnapshots.snapshot.storage.k8s.io", "secrets"]
    assert changed(shell) == {"patch configmap", *(f"delete {one}" for one in deleted(shell))}


def test_a_complete_backup_stays(shell: Shell) -> None:
    done = recovered(shell, "running", mark="2026-01-02T03:30:00Z")
    assert done.returncode == 0, done.stderr
    assert not shell.writes()


@pytest.mark.parametrize(
    ("state", "owner"), [("quiescing", "other"), ("stopping", RUN), ("restoring", "other")]
)
def test_the_lock_of_another_run_stays(shell: Shell, state: str, owner: str) -> None:
    done = recovered(shell, state, owner)
    assert done.returncode == 0, done.stderr
    assert not shell.recorded()


def test_an_unreadable_backup_is_not_removed_but_the_lock_is_released(shell: Shell) -> None:
    shell.on(COMPLETE, FORBIDDEN)
    done = recovered(shell)
    assert done.returncode != 0
    assert "nothing of backup" in done.stderr.splitlines()[-1]
    assert not deleted(shell)
    assert shell.recorded()["state"] == "running"


def test_a_lock_that_remains_fails_after_the_deletion(shell: Shell) -> None:
    shell.on("^patch configmap", FORBIDDEN)
    done = recovered(shell)
    assert done.returncode != 0
    assert "still has the lock" in done.stderr
    assert deleted(shell)


# A restore.


@pytest.mark.parametrize(("strategy", "warns"), [("hot", True), ("online", False), ("", False)])
def test_a_restore_warns_of_a_backup_that_is_not_proven_consistent(
    shell: Shell, strategy: str, *, warns: bool
) -> None:
    shell.on(rf"{FACTS} .*kanister-kafka\\.io/strategy", strategy)
    done = test_restore.whole(shell).phase("restoreCheck", PLAN)
    assert done.returncode == 0, done.stderr
    assert ("not proven consistent" in done.stdout) is warns


# All of it.


def test_no_phase_of_the_backup_may_change_kafka_its_pods_or_clients() -> None:
    phases = phases_of(PLAN)
    accounts = {phases[name].account for name in (*NAMES_OF_PHASES, "backupRecover")}
    changing = {"create", "delete", "patch", "update"}
    written = {
        (right.resource, right.subresource)
        for account in PLAN.accounts
        for right in account.rights
        if account.name in accounts and changing & {*right.verbs}
    }
    assert written == {
        *(("configmaps", ""), ("events", ""), ("pods", "exec"), ("secrets", "")),
        *(("volumesnapshots", ""), ("volumegroupsnapshots", "")),
    }
