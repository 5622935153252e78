"""Bringing back what was stopped: by a restart, a recovery, a person or the watchdog."""

from __future__ import annotations

import hashlib
import re
import socket
from datetime import datetime, timedelta, timezone

import pytest

from tests.fakes.script_runner import CONFLICT, FORBIDDEN, OWN_RUN, RUN, Reply, Shell, cycle

GONE = (1, "", "Error from server (NotFound): configmaps not found")
RECORD = r"get configmap .*data\.endedBy"
CONFIRMED = r"get configmap .*data\.confirmedBy"
BEFORE = r"get kafkas.*annotations\.kanister-kafka\\.io/pause-before"
PRESENT = "get strimzipodsets.*-o name"
ROWS = "custom-columns"
SERVES = "backup-broker 2 b-0,b-1\nbackup-controller 1 c-0\n"
THERE = "strimzipodset/backup-broker\nstrimzipodset/backup-controller\n"
HELD = "get kafkas.*managedFields"
FIELDS = '{"f:metadata":{"f:annotations":{"f:strimzi.io/pause-reconciliation":{}}}}'
NODES = r"get pods .*strimzi.io/name in \(backup-kafka,backup-zookeeper\)"
LET_IN = "strimzi.io/pause-reconciliation-"
MIRROR = "kafkamirrormaker2s.v1beta2.kafka.strimzi.io mirror"
OURS = {"configmap", "deployments.apps", "kafkas.v1beta2.kafka.strimzi.io"}
POSTPONED = r"annotate kafkas.*--overwrite kanister-kafka.io/restart-by=20\d\d"
DISARMED = r"annotate kafkas.*kanister-kafka.io/restart-by-$"


def there(shell: Shell, record: str = "", before: str = "") -> Shell:
    """Answer as a cluster whose nodes serve, or are still stopped where the record says so.

    What was answered before goes first.
    """
    shell.on("get kafka(b|c|m).*-o name", "kind/name")
    if record.startswith("stopped"):
        shell.on(HELD, f"true|{FIELDS}").on(PRESENT, "", THERE)
    shell.on(RECORD, record).on(BEFORE, before).on(ROWS, SERVES).on(PRESENT, THERE)
    return shell


def let_in(shell: Shell) -> list[str]:
    return [call for call in shell.calls("annotate kafkas") if call.endswith(LET_IN)]


def touched(shell: Shell) -> list[str]:
    """What was written besides the record and the watchdog."""
    ours = re.compile(r"configmap |deployments.apps \S+-switch |.*restart-by")
    return [str(c) for c in shell.writes() if not ours.match(str(c).partition(" ")[2])]


# A recovery


@pytest.mark.parametrize("name", ["recover", "backupRecover"])
@pytest.mark.parametrize("state", ["quiescing", "stopping", "stopped", "restarting", "running"])
def test_recovery_leaves_the_stop_of_another_run_alone(shell: Shell, name: str, state: str) -> None:
    done = there(shell, f"{state}|other|", "unset").phase(name)
    assert done.returncode == 0, done.stderr
    assert [str(c) for c in shell.writes() if c.args[0] not in ("delete",)] == []
    assert {c.args[1] for c in shell.writes()} <= {
        "secrets",
        "volumesnapshots.snapshot.storage.k8s.io",
    }, "what its own backup has left may go"


def test_recovery_leaves_a_stop_as_planned_for_the_snapshot(shell: Shell) -> None:
    done = there(shell, f"stopped|{RUN}|", "unset").phase("recover")
    assert done.returncode == 0, done.stderr
    assert not shell.writes()
    assert "stays stopped" in done.stdout


def test_recovery_of_a_whole_backup_brings_back_what_is_stopped(shell: Shell) -> None:
    done = there(shell, f"stopped|{RUN}|", "unset").phase("backupRecover")
    assert done.returncode == 0, done.stderr
    assert let_in(shell)
    assert shell.recorded()["endedBy"] == "backupRecover"


@pytest.mark.parametrize("state", ["quiescing", "stopping"])
@pytest.mark.parametrize("name", ["recover", "backupRecover"])
def test_recovery_brings_back_what_is_half_stopped(shell: Shell, state: str, name: str) -> None:
    done = there(shell, f"{state}|{RUN}|", "unset").phase(name)
    assert done.returncode == 0, done.stderr
    assert let_in(shell)
    assert shell.recorded()["state"] == "running"
    assert shell.recorded()["endedBy"] == name


@pytest.mark.parametrize("state", ["running", "restarting"])
def test_recovery_fails_if_another_actor_restarted_before_the_snapshot(
    shell: Shell, state: str
) -> None:
    """A green hook would have Kasten snapshot running brokers."""
    done = there(shell, f"{state}|{RUN}|switch", "").phase("recover")
    assert done.returncode != 0
    assert "brought back by switch before the snapshot: this is not a backup" in done.stderr


def test_recovery_after_a_successful_backup_changes_nothing(shell: Shell) -> None:
    shell.on(r"get secret .*-facts .*complete", "2026-01-02T03:30:00Z")
    done = there(shell, f"running|{RUN}|backupRestart").phase("backupRecover")
    assert done.returncode == 0, done.stderr
    assert not touched(shell)


def test_a_recovery_without_a_record_restarts_and_fails(shell: Shell) -> None:
    """The stop may have succeeded: a green action would call a hot snapshot a cold one."""
    done = there(shell.on("get configmap", GONE), "", "unset").phase("recover")
    assert let_in(shell)
    assert done.returncode != 0
    assert "this is not a backup" in done.stderr


# A restart


def test_restart_reverses_everything_in_order(shell: Shell) -> None:
    shell.on("get kafkamirrormaker2s.*replicas-before", "0|2")
    done = there(shell, f"stopped|{RUN}|", "value:false").phase("restart")
    assert done.returncode == 0, done.stderr
    calls = [str(call) for call in shell.writes()]
    assert any("state" in c.patch.get("data", {}) for c in shell.writes()[:2] if "-p" in c.args)
    (first,) = [call for call in let_in(shell) if re.search(POSTPONED, call)]
    assert first in calls[:2], "the operator must not wait for anything that people read"
    order = [
        next(i for i, call in enumerate(calls) if re.search(pattern, call))
        for pattern in (
            POSTPONED,
            "pause-reconciliation=false kanister-kafka.io/pause-before-$",
            f"patch {MIRROR}",
            DISARMED,
            "state.:.running",
            "patch deployments.apps backup-kanister-kafka-switch",
            "confirmedBy",
        )
    ]
    assert order == sorted(order)
    assert shell.writes()[order[-2]].patch == {"spec": {"replicas": 0}}
    assert order[-1] == len(calls) - 1
    assert shell.events() == ["Restarting", "Restarted"]


def test_restart_needs_no_record(shell: Shell) -> None:
    shell.on("configmap", GONE).on("get kafkamirrormaker2s.*replicas-before", "0|2")
    done = there(shell, "", "unset").phase("restart")
    assert done.returncode == 0, done.stderr
    (call,) = shell.calls(f"patch {MIRROR}")
    assert '"replicas":2' in call
    assert "-n kafka-tools" in call


def test_restart_of_a_running_kafka_changes_nothing(shell: Shell) -> None:
    shell.on("get kafka.*replicas-before", "2|")
    done = there(shell, f"running|{RUN}|restart").phase("restart")
    assert done.returncode == 0, done.stderr
    assert not touched(shell)
    assert not shell.events()


def test_restart_goes_by_the_cluster_where_every_mark_is_lost(shell: Shell) -> None:
    shell.on(PRESENT, "")
    done = there(shell.on("get configmap", GONE)).phase("resume")
    assert done.returncode == 0, done.stderr
    assert let_in(shell)
    assert "every node of Kafka backup is Ready" in done.stdout


def test_without_the_right_to_read_no_pause_is_ended(shell: Shell) -> None:
    """No answer is not the answer that nothing is there."""
    there(shell.on(PRESENT, FORBIDDEN).on("get configmap", GONE)).phase("resume")
    assert not let_in(shell)


@pytest.mark.parametrize("name", ["restart", "recover", "resume"])
@pytest.mark.parametrize("record", ["||", "running|before|restart"])
def test_a_kafka_that_another_client_paused_stays_paused(
    shell: Shell, name: str, record: str
) -> None:
    """Paused and without nodes, as for a restore of theirs: no stop of ours is on record."""
    there(shell.on(PRESENT, ""), record).phase(name)
    assert not let_in(shell)
    assert not touched(shell)


@pytest.mark.parametrize("name", ["restart", "backupRestart"])
@pytest.mark.parametrize("ended_by", ["recover", "resume", "switch"])
def test_restart_fails_after_another_restart(shell: Shell, name: str, ended_by: str) -> None:
    done = there(shell, f"running|{RUN}|{ended_by}").phase(name)
    assert done.returncode != 0
    assert f"brought back by {ended_by} before" in done.stderr.splitlines()[-1]
    assert "not consistent" in done.stderr.splitlines()[-1]
    assert re.search(DISARMED, "\n".join(shell.calls()), re.MULTILINE), "put away all the same"
    assert any(c.patch == {"spec": {"replicas": 0}} for c in shell.writes() if "scale" in c.args)


@pytest.mark.parametrize("name", ["resume", "switch"])
def test_a_step_that_only_restarts_passes_if_another_run_was_faster(
    shell: Shell, name: str
) -> None:
    done = there(shell, f"running|{RUN}|recover").phase(name)
    assert done.returncode == 0, done.stderr


def test_first_one_who_brings_back_counts(shell: Shell) -> None:
    """The watchdog has begun, and the posthook comes: what was snapshotted is not one moment."""
    done = there(shell, f"restarting|{RUN}|switch", "unset").phase("restart")
    assert done.returncode != 0
    assert shell.recorded()["endedBy"] == "switch"
    assert "Restarting" not in shell.events(), "which was told before"
    assert "by switch" in done.stderr.splitlines()[-1]
    assert shell.recorded()["state"] == "running", "it is brought back nevertheless"


def test_restart_that_is_called_again_goes_on(shell: Shell) -> None:
    done = there(shell, f"restarting|{RUN}|restart", "unset").phase("restart")
    assert done.returncode == 0, done.stderr
    assert let_in(shell)


@pytest.mark.parametrize("name", ["restart", "backupRestart"])
@pytest.mark.parametrize("state", ["stopped", "restarting", "running"])
def test_one_stop_is_confirmed_to_one_post_hook(shell: Shell, name: str, state: str) -> None:
    """The other one is of a run that was refused, or of the one whose snapshot is spoiled."""
    shell.on(CONFIRMED, "7|job-of-another")
    done = there(shell, f"{state}|{RUN}|{name}", "unset").phase(name)
    assert done.returncode != 0
    assert "by another post-hook before, in pod job-of-another" in done.stderr.splitlines()[-1]
    assert let_in(shell), "it is brought back nevertheless"
    assert re.search(DISARMED, "\n".join(shell.calls()), re.MULTILINE)


@pytest.mark.parametrize("reply", [CONFLICT, ""], ids=["faster", "slower"])
def test_of_two_post_hooks_at_the_same_time_one_fails(
    shell: Shell, reply: tuple[int, str, str] | str
) -> None:
    shell.on(CONFIRMED, "7|", "8|job-of-another").on('patch .*"resourceVersion":"7"', reply)
    done = there(shell, f"restarting|{RUN}|restart", "unset").phase("restart")
    assert (done.returncode != 0) == (reply == CONFLICT), done.stderr
    assert ("in pod job-of-another" in done.stderr) == (reply == CONFLICT)


def test_confirmation_whose_answer_was_lost_counts(shell: Shell) -> None:
    shell.on(CONFIRMED, "7|", f"8|{socket.gethostname()}").on('patch .*"resourceVersion"', CONFLICT)
    done = there(shell, f"stopped|{RUN}|", "unset").phase("restart")
    assert done.returncode == 0, done.stderr


def test_a_restart_without_a_stop_confirms_nothing(shell: Shell) -> None:
    done = there(shell, "||").phase("restart")
    assert done.returncode == 0, done.stderr
    assert "confirmedBy" not in shell.recorded()


@pytest.mark.parametrize("name", ["recover", "resume", "switch"])
def test_only_a_post_hook_confirms(shell: Shell, name: str) -> None:
    shell.on(LOOK, f"backup|{PAST}|unset")
    done = there(shell, f"stopping|{RUN}|", "unset").phase(name)
    assert done.returncode == 0, done.stderr
    assert "confirmedBy" not in shell.recorded()


def test_a_restart_without_a_record_of_replicas_may_fail_the_backup(shell: Shell) -> None:
    done = there(shell.on("get configmap", GONE)).phase("restart")
    assert done.returncode != 0
    assert "this may not be a backup" in done.stderr.splitlines()[-1]


def test_pause_of_another_client_stays(shell: Shell) -> None:
    done = there(shell, f"quiescing|{RUN}|", "").phase("recover")
    assert done.returncode == 0, done.stderr
    assert not [call for call in shell.calls("annotate") if "pause-reconciliation" in call]
    assert shell.recorded()["state"] == "running"


def test_writers_are_released_where_a_run_only_quiesced(shell: Shell) -> None:
    shell.on("get kafkamirrormaker2s.*replicas-before", "0|2")
    done = there(shell, f"quiescing|{RUN}|", "").phase("recover")
    assert done.returncode == 0, done.stderr
    assert len(shell.calls(f"patch {MIRROR}")) == 1


@pytest.mark.parametrize("name", ["restart", "recover", "backupRestart"])
def test_what_is_half_restored_is_not_started(shell: Shell, name: str) -> None:
    done = there(shell, f"restoring|{RUN}|", "unset").phase(name)
    assert done.returncode != 0
    assert not let_in(shell)
    assert not touched(shell)


@pytest.mark.parametrize("name", ["resume", "restoreRestart", "restartRestored"])
def test_a_restoring_kafka_is_started_by_resume_and_steps_of_the_restore(
    shell: Shell, name: str
) -> None:
    shell.on(r"metadata\.generation\}\|\{\.status\.observedGeneration", "1|1|True||")
    shell.on(OWN_RUN, f"7|restoring|{RUN}")
    done = there(shell, f"restoring|{RUN}|", "unset").phase(name)
    assert done.returncode == 0, done.stderr
    assert let_in(shell)
    assert shell.recorded()["state"] == "running"


def test_lost_count_of_a_writer_comes_from_the_record(shell: Shell) -> None:
    shell.on("get kafkamirrormaker2s.*replicas-before", "0|")
    shell.on(r"get configmap .*KafkaMirrorMaker2\\.kafka-tools\\.mirror", "3")
    done = there(shell, f"stopped|{RUN}|", "unset").phase("restart")
    assert done.returncode == 0, done.stderr
    (call,) = shell.calls(f"patch {MIRROR}")
    assert '"replicas":3' in call
    assert shell.recorded()["replicas.KafkaMirrorMaker2.kafka-tools.mirror"] == ""


def test_a_restart_resumes_writers_of_either_quiesce_method(shell: Shell) -> None:
    """The Blueprint may have been rendered again, with another --quiesce-by, since the stop."""
    shell.on("get kafkamirrormaker2s.*replicas-before", "1|")
    shell.on("get kafkamirrormaker2s.*pause-before", "unset")
    done = there(shell, f"stopped|{RUN}|", "unset").phase("restart")
    assert done.returncode == 0, done.stderr
    (call,) = shell.calls(f"annotate {MIRROR}")
    assert "strimzi.io/pause-reconciliation- kanister-kafka.io/pause-before-" in call


def test_a_writer_without_a_count_is_reported(shell: Shell) -> None:
    shell.on("get configmap", GONE).on("get kafkamirrormaker2s.*replicas-before", "0|")
    done = there(shell, "", "unset").phase("restart")
    assert done.returncode == 0, done.stderr
    assert "kafka-tools/mirror has 0 replicas" in done.stdout
    assert "ReplicasUnknown" in shell.events()
    assert not shell.calls(f"patch {MIRROR}")


def test_a_deleted_writer_does_not_fail_the_restart(shell: Shell) -> None:
    shell.on("get kafkamirrormaker2s.*-o name", "")
    done = there(shell, f"stopped|{RUN}|", "unset").phase("restart")
    assert done.returncode == 0, done.stderr
    assert shell.recorded()["state"] == "running"


def test_a_failed_write_of_the_record_does_not_prevent_a_restart(shell: Shell) -> None:
    shell.on("patch configmap", CONFLICT)
    done = there(shell, f"stopped|{RUN}|", "unset").phase("restart")
    assert done.returncode == 0, done.stderr
    assert "going on without it" in done.stdout


def test_without_a_watchdog_nothing_is_postponed(shell: Shell) -> None:
    plan = cycle(restart_after=0)
    done = there(shell, f"stopped|{RUN}|", "unset").phase("restart", plan)
    assert done.returncode == 0, done.stderr
    assert not [call for call in shell.calls() if "restart-by" in call or "switch" in call]


# What serves


@pytest.mark.parametrize(
    ("row", "missing"),
    [
        pytest.param("", "backup-broker does not exist yet", id="absent"),
        pytest.param("backup-broker <none> b-0,b-1\n", "has 0 of 2 pods ready", id="new"),
        pytest.param("backup-broker 1 b-0,b-1\n", "has 1 of 2 pods ready", id="some"),
    ],
)
def test_restart_names_what_does_not_serve(shell: Shell, row: str, missing: str) -> None:
    shell.on(ROWS, f"{row}backup-controller 1 c-0\n").on("get kafkanodepools", "pool/broker")
    done = there(shell, f"stopped|{RUN}|", "unset").phase("restart", READY_TIMEOUT="0")
    assert done.returncode != 0
    assert missing in done.stderr.splitlines()[-1]
    assert not shell.calls(f"patch {MIRROR}"), "writers are last"
    assert not [call for call in shell.calls() if re.search(DISARMED, call)], "it is still armed"


def test_pool_that_was_deleted_meanwhile_is_not_waited_for(shell: Shell) -> None:
    shell.on(ROWS, "backup-controller 1 c-0\n").on("get kafkanodepools.* broker", "")
    done = there(shell, f"stopped|{RUN}|", "unset").phase("restart", READY_TIMEOUT="0")
    assert done.returncode == 0, done.stderr


def test_pool_without_nodes_is_ready(shell: Shell) -> None:
    shell.on(ROWS, "backup-broker <none> <none>\nbackup-controller 0 <none>\n")
    done = there(shell, f"stopped|{RUN}|", "unset").phase("restart", READY_TIMEOUT="0")
    assert done.returncode == 0, done.stderr


def test_stateful_sets_are_scaled_back_before_the_operator_is_let_in(shell: Shell) -> None:
    shell.on(ROWS, "old-zookeeper 3 3", "old-kafka 6 6")
    shell.on("get statefulsets.apps .*-o name", "statefulset/x")
    shell.on("get statefulsets.apps old-zookeeper", "0|3")
    shell.on("get statefulsets.apps old-kafka", "0|6").on(BEFORE.replace("kafkas", "k"), "unset")
    done = shell.run(
        "restart.sh",
        CLUSTER="old",
        STATE_CONFIGMAP="r",
        RECOVER_RUN_ID="",
        POOLS="",
        NODE_KINDS="StatefulSet,StrimziPodSet",
        ZOOKEEPER="old-zookeeper",
        KAFKA_NODES="old-kafka",
        READY_TIMEOUT="30",
    )
    assert done.returncode == 0, done.stderr
    order = [
        next(w for w in ("old-zookeeper", "old-kafka", "annotate") if w in call)
        for call in shell.calls()
        if call.startswith(("annotate", "patch statefulsets"))
    ]
    assert order[:3] == ["old-zookeeper", "old-kafka", "annotate"]


# What somebody else has brought back, or has stopped again since


BROUGHT_BACK = [
    pytest.param(HELD, f"|{FIELDS}", "its pause has ended", id="pause-removed"),
    pytest.param(HELD, f"false|{FIELDS}", "its pause has ended", id="pause-ended"),
    pytest.param(HELD, "true|", "its pause was set again", id="stopped-again"),
    pytest.param(HELD, 'true|{"f:metadata":{}}', "its pause was set again", id="by-another"),
    pytest.param(PRESENT, THERE, "strimzipodset/backup-broker", id="pod-set"),
    pytest.param(NODES, "backup-broker-0 backup-broker-1", "backup-broker-1", id="pod"),
]
STOPPED = f"stopped|{RUN}||kanister-kafka|"


@pytest.mark.parametrize(("pattern", "answer", "told"), BROUGHT_BACK)
@pytest.mark.parametrize("name", ["restart", "backupRestart"])
def test_restart_of_a_resumed_kafka_fails(
    shell: Shell, name: str, pattern: str, answer: str, told: str
) -> None:
    done = there(shell.on(pattern, answer), STOPPED, "unset").phase(name)
    assert done.returncode != 0
    assert "was brought back by another actor" in done.stderr.splitlines()[-1]
    assert told in done.stderr.splitlines()[-1]
    assert "not consistent" in done.stderr.splitlines()[-1]
    assert shell.recorded()["state"] == "running", "it is brought back in order nevertheless"
    assert let_in(shell)
    looked = next(i for i, call in enumerate(shell.calls()) if re.search(pattern, call))
    assert looked < shell.calls().index(let_in(shell)[0]), "before we start anything ourselves"
    assert "confirmedBy" not in shell.recorded()


@pytest.mark.parametrize(("pattern", "answer", "told"), BROUGHT_BACK)
def test_recovery_of_a_resumed_kafka_leaves_nothing_stopped(
    shell: Shell, pattern: str, answer: str, told: str
) -> None:
    """Kasten would snapshot running brokers."""
    done = there(shell.on(pattern, answer), STOPPED, "unset").phase("recover")
    assert done.returncode != 0
    assert "before the snapshot" in done.stderr.splitlines()[-1]
    assert told in done.stderr.splitlines()[-1]
    assert shell.recorded()["state"] == "running"


@pytest.mark.parametrize("pattern", [HELD, PRESENT, NODES])
@pytest.mark.parametrize("name", ["restart", "recover"])
def test_what_cannot_be_looked_at_is_not_called_stopped(
    shell: Shell, name: str, pattern: str
) -> None:
    shell.on(pattern, GONE)
    done = there(shell, STOPPED, "unset").phase(name)
    assert done.returncode != 0
    assert "whether it is still stopped cannot be read" in done.stderr
    assert let_in(shell)


@pytest.mark.parametrize("name", ["restart", "recover"])
def test_what_the_switch_has_seen_running_counts(shell: Shell, name: str) -> None:
    done = there(shell, f"{STOPPED}seen at noon: pods b-0", "unset").phase(name)
    assert done.returncode != 0
    assert "seen at noon: pods b-0" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", ["restart", "recover"])
@pytest.mark.parametrize("record", [f"stopped|{RUN}||kanister-kafka|", f"stopped|{RUN}|||"])
def test_a_kafka_that_is_still_stopped_does_not_fail_the_restart(
    shell: Shell, name: str, record: str
) -> None:
    """Without an owner on record, as of an earlier Blueprint, none is looked for."""
    if record.endswith("|||"):
        shell.on(HELD, "True|")
    done = there(shell, record, "unset").phase(name)
    assert done.returncode == 0, done.stderr
    assert bool(let_in(shell)) == (name == "restart")


@pytest.mark.parametrize("name", ["resume", "backupRecover", "switch"])
def test_a_step_outside_a_backup_ignores_the_stop_of_another_run(shell: Shell, name: str) -> None:
    shell.on(LOOK, f"backup|{PAST}|unset").on(NODES, "backup-broker-0")
    done = there(shell, STOPPED, "unset").phase(name)
    assert done.returncode == 0, done.stderr


def test_stateful_sets_are_still_stopped_at_zero(shell: Shell) -> None:
    shell.on("get statefulsets.apps .*-o name", "statefulset/x").on(HELD, f"true|{FIELDS}")
    shell.on("custom-columns=N:.metadata.name,P:.spec.replicas", "c-kafka 0\n", "c-kafka 3\n")
    parts = ("common.sh", "pause-reconciliation.sh", "kafka-pods.sh", "verify-stopped.sh")
    values = {"NODE_KINDS": "StatefulSet,StrimziPodSet", "KAFKA_NODES": "c-kafka", "ZOOKEEPER": ""}
    body = "changes_since_stop ''; echo; changes_since_stop ''"
    done = shell.run(*parts, body=body, CLUSTER="c", STATE_CONFIGMAP="r", **values)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "\nc-kafka has 3 replicas"


# The watchdog

LOOK = r"get kafkas.*restart-by"
STATE = r"get configmap .*restartRequested"
PAST, FUTURE = "2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"


def test_switch_waits_until_the_time_is_over(shell: Shell) -> None:
    shell.on(LOOK, f"backup|{FUTURE}|unset", f"backup|{FUTURE}|unset", f"backup|{PAST}|unset").on(
        STATE, "stopped"
    )
    done = there(shell, f"stopped|{RUN}|", "unset").phase("switch")
    assert done.returncode == 0, done.stderr
    calls = shell.calls()
    looks = [i for i, call in enumerate(calls) if re.search(LOOK, call)]
    assert len(looks) == 3
    assert looks[-1] < calls.index(let_in(shell)[0])
    assert shell.events()[0] == "Switch"
    assert shell.recorded()["endedBy"] == "switch"
    assert not [call for call in calls if re.search(POSTPONED, call)], "it needs no other watchdog"


@pytest.mark.parametrize("state", ["quiescing", "stopping", "stopped", "restarting"])
def test_switch_keeps_a_time_that_was_lost(shell: Shell, state: str) -> None:
    soon = datetime.now(timezone.utc) + timedelta(seconds=2)
    shell.on(LOOK, f"backup|{soon:%Y-%m-%dT%H:%M:%SZ}|unset", "backup||").on(STATE, state)
    done = there(shell, f"{state}|{RUN}|", "").phase("switch")
    assert done.returncode == 0, done.stderr
    assert len([call for call in shell.calls() if re.search(LOOK, call)]) >= 2
    assert shell.recorded()["state"] == "running"


@pytest.mark.parametrize(
    ("requested", "comes"), [("any", True), (RUN, True), ("another run", False), ("", False)]
)
def test_switch_comes_at_once_where_a_step_without_scripts_asks(
    shell: Shell, requested: str, *, comes: bool
) -> None:
    looks = [f"backup|{FUTURE}|unset"] * 2
    shell.on(LOOK, *looks, "" if not comes else looks[0])
    shell.on(STATE, f"stopped|{RUN}|", f"stopped|{RUN}|{requested}")
    done = there(shell, f"stopped|{RUN}|", "unset").phase("switch")
    assert done.returncode == 0, done.stderr
    assert bool(let_in(shell)) is comes


@pytest.mark.parametrize("seen", ["", "backup||", "backup||unset"])
def test_a_watchdog_that_is_not_armed_starts_nothing(shell: Shell, seen: str) -> None:
    """Kafka is gone, parked by somebody else, or put back as it was captured while stopped."""
    shell.on(LOOK, seen).on(STATE, "stopped").on(PRESENT, "")
    done = there(shell, f"stopped|{RUN}|", "unset").phase("switch", RESTART_AFTER="0")
    assert done.returncode == 0, done.stderr
    (call,) = shell.writes()
    assert call.patch == {"spec": {"replicas": 0}}


@pytest.mark.parametrize("damaged", ["soon", "2090-01-01", "9", f"{FUTURE}x", "zzzz"])
def test_switch_goes_by_its_own_start_where_the_annotation_is_damaged(
    shell: Shell, damaged: str
) -> None:
    shell.on(LOOK, f"backup|{damaged}|unset").on(STATE, "stopped")
    done = there(shell, f"stopped|{RUN}|", "unset").phase("switch", RESTART_AFTER="0")
    assert done.returncode == 0, done.stderr
    assert let_in(shell)


def test_switch_works_without_the_record(shell: Shell) -> None:
    shell.on(LOOK, f"backup|{PAST}|unset").on("get configmap", GONE)
    done = there(shell, "", "unset").phase("switch")
    assert done.returncode == 0, done.stderr
    assert let_in(shell)


@pytest.mark.parametrize("state", ["running", "", "restoring"])
def test_the_watchdog_disarms_itself_if_nothing_is_stopped(shell: Shell, state: str) -> None:
    mark = f"backup|{PAST}|unset" if state == "restoring" else "backup||"
    done = there(shell.on(LOOK, mark).on(STATE, state)).phase("switch", RESTART_AFTER="0")
    assert done.returncode == 0, done.stderr
    (call,) = shell.writes()
    assert call.args[:3] == ["patch", "deployments.apps", "backup-kanister-kafka-switch"]
    assert call.patch == {"spec": {"replicas": 0}}


def test_switch_survives_an_api_server_that_does_not_answer(shell: Shell) -> None:
    """It must neither act nor give up on what it could not read."""
    shell.on(LOOK, FORBIDDEN, FORBIDDEN, f"backup|{PAST}|unset").on(STATE, "stopped")
    done = there(shell, f"stopped|{RUN}|", "unset").phase("switch", RESTART_AFTER="900")
    assert done.returncode == 0, done.stderr
    assert len([call for call in shell.calls() if re.search(LOOK, call)]) == 3
    assert let_in(shell)


def test_who_has_ended_a_stop_is_text_in_what_is_recorded(shell: Shell) -> None:
    ended_by = 'a","run":"\\'
    done = there(shell, f"restarting|{RUN}|{ended_by}", "unset").phase("restart")
    assert f"brought back by {ended_by} before" in done.stdout + done.stderr
    assert shell.recorded()["endedBy"] == ended_by
    assert "run" not in shell.recorded()


NOTICED = r"get configmap .*resourceVersion.*pauseOwner"


def test_switch_writes_down_what_runs_while_stopped(shell: Shell) -> None:
    shell.on(LOOK, *[f"backup|{FUTURE}|unset"] * 2, f"backup|{PAST}|unset").on(STATE, "stopped")
    shell.on(NOTICED, "7|stopped|kanister-kafka|", "8|stopped|kanister-kafka|seen at noon")
    shell.on(NODES, "backup-broker-0")
    done = there(shell, STOPPED, "unset").phase("switch")
    assert done.returncode == 0, done.stderr
    (written,) = [c for c in shell.writes() if "seenRunning" in str(c) and "-p" in c.args]
    assert written.patch["metadata"] == {"resourceVersion": "7"}, "a restart may have begun"
    assert re.fullmatch(
        r"seen at 20\d\d-\S+Z: pods backup-broker-0", written.patch["data"]["seenRunning"]
    )
    assert "BroughtBack" in shell.events()


@pytest.mark.parametrize(
    ("record", "answer"),
    [
        pytest.param("7|stopped|kanister-kafka|", "", id="stopped"),
        pytest.param("7|restarting|kanister-kafka|", "backup-broker-0", id="restarting"),
        pytest.param("7|stopped|kanister-kafka|", GONE, id="unread"),
    ],
)
def test_switch_writes_down_nothing_else(
    shell: Shell, record: str, answer: str | tuple[int, str, str]
) -> None:
    shell.on(LOOK, *[f"backup|{FUTURE}|unset"] * 2, f"backup|{PAST}|unset").on(STATE, "stopped")
    shell.on(NOTICED, record).on(NODES, answer).on(PRESENT, "")
    done = there(shell, STOPPED, "unset").phase("switch")
    assert done.returncode == 0, done.stderr
    assert "seenRunning" not in shell.recorded()
    assert "BroughtBack" not in shell.events()


# What was changed while it was stopped

SPEC = r"get kafkas.*jsonpath=Kafka,"
POOL_SPEC = r"get kafkanodepools.*spec\.storage"
KAFKA = "Kafka,5,4.0.0,4.0-IV3,,,"
BROKER = "broker,3,,,3,broker,jbod 0:persistent-claim:shared"
CONTROLLER = "controller,2,,,3,controller,persistent-claim"
WAS = f"{KAFKA},;{BROKER},;{CONTROLLER},;"
BRINGERS = ["restart", "recover", "resume", "switch", "backupRestart", "backupRecover"]


def changed(shell: Shell, now: str, record: str = "", before: str = WAS) -> Shell:
    """Answer as a stopped cluster whose Kafka and pools ask for this now."""
    kafka, *pools = now.rstrip(";").split(";")
    shell.on(SPEC, f"{kafka}\n").on(POOL_SPEC, "".join(f"{pool}\n" for pool in pools))
    shell.on(LOOK, f"backup|{PAST}|unset").on(r"get kafkas.*pause-reconciliation\}$", "true")
    state = record or f"stopped|{RUN}||kanister-kafka|"
    return there(shell, f"{state}|{before}|4.0.0||", "unset")


SHARED = "jbod 0:persistent-claim:shared"
TO_POOL, TO_KAFKA = "of KafkaNodePool broker back to", "of Kafka backup back to"
CHANGES = [
    pytest.param(SHARED, SHARED.replace("0", "1"), f"set spec.storage {TO_POOL} {SHARED}", id="id"),
    pytest.param(SHARED, "persistent-claim", "start on other, empty volumes", id="storage-type"),
    pytest.param(SHARED, "jbod 0:persistent-claim:", f"set spec.storage {TO_POOL}", id="metadata"),
    pytest.param("3,broker", "3,broker controller", f"set spec.roles {TO_POOL} broker", id="roles"),
    pytest.param("3,broker", "2,broker", f"set spec.replicas {TO_POOL} 3, or ann", id="scale-down"),
    pytest.param("3,controller", "5,controller", "replicas of KafkaNodePool controller", id="up"),
    pytest.param("4.0.0,", "3.9.2,", f"set spec.kafka.version {TO_KAFKA} 4.0.0", id="older"),
    pytest.param("4.0.0,", ",", f"set spec.kafka.version {TO_KAFKA} 4.0.0", id="no-version"),
    pytest.param("4.0-IV3", "4.1-IV1", f"Version {TO_KAFKA} 4.0-IV3", id="metadata-version"),
]


@pytest.mark.parametrize(("old", "new", "remedy"), CHANGES)
def test_what_would_start_on_empty_volumes_or_never_is_not_started(
    shell: Shell, old: str, new: str, remedy: str
) -> None:
    done = changed(shell, WAS.replace(old, new)).phase("restart")
    assert done.returncode != 0
    assert remedy in done.stderr.splitlines()[-1]
    assert not let_in(shell)
    assert "state" not in shell.recorded()
    assert "endedBy" not in shell.recorded()
    assert shell.events() == ["RestartFailed"]
    assert [c for c in shell.calls() if re.search(POSTPONED, c)], "the watchdog comes soon"


@pytest.mark.parametrize("name", BRINGERS)
def test_a_changed_kafka_is_not_started(shell: Shell, name: str) -> None:
    record = f"stopping|{RUN}||kanister-kafka|" if name == "recover" else ""
    done = changed(shell, WAS.replace("jbod 0", "jbod 1"), record).phase(name)
    assert done.returncode != 0
    assert "set spec.storage of KafkaNodePool broker back" in done.stderr.splitlines()[-1]
    assert not let_in(shell)


def test_nothing_is_started_if_the_pause_cannot_be_read(shell: Shell) -> None:
    shell.on(r"get kafkas.*jsonpath=\{\.metadata\.annotations\.strimzi\S*\}$", FORBIDDEN)
    done = changed(shell, WAS.replace("jbod 0", "jbod 1")).phase("restart")
    assert done.returncode != 0
    assert "still paused cannot be read" in done.stderr.splitlines()[-1]
    assert not let_in(shell)


@pytest.mark.parametrize("name", ["restart", "recover", "switch"])
def test_a_restore_that_has_begun_meanwhile_keeps_its_pause(shell: Shell, name: str) -> None:
    shell.on(OWN_RUN, "7|restoring|other")
    shell.on(LOOK, f"backup|{PAST}|unset")
    done = there(shell, f"stopping|{RUN}|", "unset").phase(name)
    assert done.returncode != 0
    assert "a restore of Kafka backup has begun" in done.stderr.splitlines()[-1]
    assert not shell.calls("kanister-kafka.io/pause-before-"), "the restore has set it"
    assert not shell.calls('replicas-before":null'), "clients stay stopped"
    assert shell.recorded().get("state") != "running"


@pytest.mark.parametrize("state", ["quiescing", "stopping", "stopped", "online"])
@pytest.mark.parametrize("name", ["restart", "resume", "switch", "backupRecover"])
def test_what_another_run_has_stopped_meanwhile_stays_stopped(
    shell: Shell, name: str, state: str
) -> None:
    """A restart of many clients takes long, and a Kafka that runs may be stopped meanwhile."""
    shell.on(OWN_RUN, f"7|{state}|other").on("get kafka.*replicas-before", "0|2")
    shell.on(LOOK, f"backup|{PAST}|")
    done = there(shell, f"running|{RUN}|").phase(name)
    log = done.stdout if name == "backupRecover" else done.stderr
    assert "the run other has begun meanwhile to stop Kafka backup" in log
    assert (done.returncode == 0) is (name == "backupRecover"), "this run has ended well"
    assert not shell.calls("annotate kafka") + shell.calls("patch kafka")
    assert not shell.calls('"replicas":0}')
    assert not [key for key in shell.recorded() if key != "seenRunning"]


def test_state_is_written_if_its_other_values_are_damaged(shell: Shell) -> None:
    damaged = 'a|"\\ \n$b'
    shell.on(OWN_RUN, f"7|{damaged}|{damaged}")
    done = there(shell, f"{damaged}|{damaged}", "unset").phase("resume")
    assert done.returncode == 0, done.stderr
    (write,) = [call for call in shell.writes() if '"state":"running"' in str(call)]
    assert write.patch["metadata"] == {"resourceVersion": "7"}


def test_clients_are_released_before_a_broker_that_has_failed_is_ready(shell: Shell) -> None:
    """No node was stopped: the clients need not wait for it."""
    shell.on("get kafka.*replicas-before", "0|2").on(ROWS, "backup-broker 2 b-0,b-1,b-2\n")
    shell.on(LOOK, f"backup|{PAST}|")
    done = there(shell, f"quiescing|{RUN}|").phase("switch", READY_TIMEOUT="0")
    assert done.returncode != 0
    assert shell.calls('replicas-before":null'), "clients run again"


@pytest.mark.parametrize("state", ["quiescing", "stopping"])
def test_a_late_post_hook_that_ends_the_stop_of_another_run_fails(shell: Shell, state: str) -> None:
    done = there(shell, f"{state}|other|", "unset").phase("restart")
    assert done.returncode != 0
    assert "was not stopped yet by the run other" in done.stderr.splitlines()[-1]
    assert let_in(shell)


def test_a_stop_that_ended_before_it_was_stored_fails_the_backup(shell: Shell) -> None:
    """Then its state is stopped, and the name of who has ended it stays."""
    done = there(shell, f"stopped|{RUN}|switch", "unset").phase("restart")
    assert done.returncode != 0
    assert "had been brought back by switch before" in done.stderr.splitlines()[-1]


def test_deadline_is_removed_before_another_run_can_set_its_own(shell: Shell) -> None:
    done = there(shell, f"stopped|{RUN}|", "unset").phase("restart")
    assert done.returncode == 0, done.stderr
    calls = [str(call) for call in shell.writes()]
    removed = next(i for i, call in enumerate(calls) if "restart-by-" in call)
    assert removed < next(i for i, call in enumerate(calls) if '"state":"running"' in call)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("broker,3,", "broker,9,", id="generation"),
        pytest.param("jbod 0:persistent-claim:shared", "jbod  0:persistent-claim:shared", id="s"),
        pytest.param("3,broker", "5,broker", id="scale-up"),
        pytest.param("4.0.0,", "4.1.0,", id="newer"),
        pytest.param("4.0.0,", "4.0.10,", id="newer-by-number"),
        pytest.param(f";{CONTROLLER},", "", id="pool-deleted"),
        pytest.param(f"{CONTROLLER},;", f"{CONTROLLER},;late,1,,,1,broker,ephemeral,;", id="new"),
    ],
)
def test_what_the_operator_can_do_is_left_to_it(shell: Shell, old: str, new: str) -> None:
    done = changed(shell, WAS.replace(old, new) if old else WAS).phase("restart")
    assert done.returncode == 0, done.stderr
    assert let_in(shell)


def test_nodes_may_be_removed_if_the_operator_accepts_it(shell: Shell) -> None:
    now = WAS.replace("3,broker", "2,broker").replace(f"{KAFKA},", f"{KAFKA},true")
    assert changed(shell, now).phase("restart").returncode == 0
    assert let_in(shell)


def test_the_version_without_a_request_is_the_one_that_ran(shell: Shell) -> None:
    before = WAS.replace("4.0.0,", ",")
    done = changed(shell, WAS.replace("4.0.0,", "3.9.0,"), before=before).phase("restart")
    assert "set spec.kafka.version of Kafka backup back to 4.0.0" in done.stderr


def test_zookeeper_is_not_scaled_while_it_is_stopped(shell: Shell) -> None:
    before = "Kafka,5,3.9.0,,3,,jbod 0:persistent-claim:,;ZooKeeper,,,,1,,persistent-claim,;"
    now = before.replace("ZooKeeper,,,,1", "ZooKeeper,,,,3").replace("jbod 0", "jbod 1")
    body = f"spec_refusals '{before}' '{now}' 3.9.0"
    done = shell.run(
        "common.sh", "cluster-fingerprint.sh", "spec-changes.sh", body=body, CLUSTER="c"
    )
    assert "set spec.zookeeper.replicas of Kafka c back to 1" in done.stdout
    assert "set spec.kafka.storage of Kafka c back to jbod 0:persistent-claim:," in done.stdout


def test_what_was_started_already_is_not_refused(shell: Shell) -> None:
    shell.on(r"get kafkas.*pause-reconciliation\}$", "")
    done = changed(shell, WAS.replace("jbod 0", "jbod 1")).phase("resume")
    assert done.returncode == 0, done.stderr


def test_what_cannot_be_read_is_not_started(shell: Shell) -> None:
    done = changed(shell.on(POOL_SPEC, GONE), WAS).phase("restart")
    assert done.returncode != 0
    assert not let_in(shell)


def test_stop_of_an_earlier_blueprint_is_brought_back(shell: Shell) -> None:
    done = changed(shell, WAS.replace("jbod 0", "jbod 1"), before="").phase("restart")
    assert done.returncode == 0, done.stderr


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


IDS, CLAIMS = "broker 0 1;controller 2", "data-0 data-1"
POOL_IDS = r"get kafkanodepools.*\]\}\{\.metadata\.name\} \{\.status\.nodeIds\}"


@pytest.mark.parametrize(
    ("ids", "claims", "told"),
    [
        ("broker [1,0]\ncontroller [2]\n ", "data-1 data-0", ""),
        ("broker [1,0,3]\ncontroller [2]\n", "data-1 data-0", "the node ids are not those"),
        ("broker [1,0]\ncontroller [2]\n", "data-0", "the claims are not those"),
        ("broker [1]\ncontroller []\n", "data-0", "the node ids and the claims are not those"),
        ("broker [1,0]\n", "data-0", ""),  # a pool that was deleted meanwhile
        (GONE, CLAIMS, "the node ids are not those"),
        ("broker [1,0]\ncontroller [2]\n", GONE, "the claims are not those"),
    ],
)
def test_restart_compares_ids_and_claims_with_those_of_the_stop(
    shell: Shell, ids: str | Reply, claims: str | Reply, told: str
) -> None:
    shell.on(POOL_IDS, ids).on("get persistentvolumeclaims", claims)
    record = f"stopped|{RUN}||kanister-kafka|||4.0.0|{IDS}|{digest(CLAIMS)}"
    done = there(shell, record, "unset").phase("restart")
    assert (done.returncode != 0) == bool(told), done.stderr
    assert told in done.stderr
    assert let_in(shell), "it is brought back nevertheless"


# Answers that are only of the moment

REFUSED = [
    pytest.param("error: You must be logged in to the server (Unauthorized)", id="401"),
    pytest.param('Error from server (Forbidden): configmaps "r" is forbidden: User', id="403"),
    pytest.param('error: the server doesn\'t have a resource type "configmaps"', id="no-type"),
    pytest.param("Error from server: the server could not find the requested resource", id="404"),
]


@pytest.mark.parametrize("answer", REFUSED)
@pytest.mark.parametrize("name", ["restart", "recover", "switch"])
def test_who_brings_back_is_not_put_off_by_a_refusal(shell: Shell, name: str, answer: str) -> None:
    state = "stopping" if name == "recover" else "stopped"
    no, record = (1, "", answer + "\n"), f"{state}|{RUN}|"
    shell.on(LOOK, no, f"backup|{PAST}|unset").on(STATE, state)
    shell.on(RECORD, no, record).on(BEFORE + r"\}$", no, "unset").on("annotate kafkas", no, "")
    done = there(shell, record, "unset").phase(name)
    assert done.returncode == 0, done.stderr
    assert len(let_in(shell)) >= 1
    assert shell.recorded()["state"] == "running"


@pytest.mark.parametrize("name", ["restart", "recover", "switch"])
def test_a_missing_state_config_map_is_read_once(shell: Shell, name: str) -> None:
    shell.on(RECORD, GONE).on(LOOK, f"backup|{PAST}|unset")
    there(shell, "", "unset").phase(name)
    assert len([c for c in shell.calls() if re.search(RECORD, c)]) == 1
    assert let_in(shell), "without a record, by what the cluster shows"


@pytest.mark.parametrize("answer", REFUSED)
@pytest.mark.parametrize("name", ["stop", "quiesce", "flush", "backupSnapshot"])
def test_refusal_is_final_for_who_stops(shell: Shell, name: str, answer: str) -> None:
    first = {"stop": "get configmap", "flush": "get pods", "quiesce": "get deployments"}
    pattern = first.get(name, "get configmap")
    done = shell.on(pattern, (1, "", answer + "\n")).phase(name)
    assert done.returncode != 0
    assert len([c for c in shell.calls() if re.search(pattern, c)]) <= 3, "and the reason is kept"
