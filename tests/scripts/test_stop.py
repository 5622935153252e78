"""From the first check to the last broker: `quiesce` and `stop`, and what they refuse."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import pytest

from kanister_kafka import BackupPlan, QuiesceMethod, build_plan
from kanister_kafka.backup.options import UncleanStop
from kanister_kafka.backup.rbac import access_review_specs
from kanister_kafka.strimzi.model import WorkloadName
from tests.fakes.kubectl import UNTIL
from tests.fakes.script_runner import (
    AWAY,
    CONFLICT,
    FIELD_MANAGER,
    FORBIDDEN,
    LOCK_OWNER,
    OWN_RUN,
    POD,
    RUN,
    Call,
    Reply,
    Shell,
    cycle,
    foreign_fields,
    phases_of,
)

STATE_AND_ACTION = r"get configmap .*\{\.data\.run\}\|\{\.data\.action\}"
MARK = r"get kafkas.*annotations\.kanister-kafka"
RECORD = r"get configmap .*resourceVersion.*data\.since"
FIT = r"get kafkas.*kafkaMetadataState"
PODS = "get pods .*controller-name"
POOLS = "get kafkanodepools"
NODES = "backup-broker-0 backup-broker|backup-kafka True\n"
WRITERS = "kafkabridges|kafkaconnects|kafkamirrormaker2s"


def fit(shell: Shell) -> Shell:
    """Answer as a cluster that may be stopped; what was answered before goes first."""
    shell.on(f"get ({WRITERS}).*-o name", "kind/name")
    shell.on(RECORD, "7|running|yesterday|then").on(FIT, "KRaft|True|").on(PODS, NODES)
    shell.on("availableReplicas", "1")
    return shell.on(POOLS, "3|[0,1,2]").on(r"get kafkas.*clusterId", "abc")


def with_cruise_control() -> BackupPlan:
    """Plan a cluster that has a Cruise Control."""
    plan = cycle()
    components = (*plan.cluster.components, WorkloadName("backup-cruise-control"))
    return build_plan(replace(plan.cluster, components=components), plan.options)


def position(shell: Shell, pattern: str) -> int:
    return next(i for i, call in enumerate(shell.writes()) if re.search(pattern, str(call)))


def disturbed(shell: Shell) -> list[str]:
    """What was written besides the state ConfigMap and what is the watchdog's."""
    ours = re.compile(r"\w+ (configmap |deployments.apps \S+-switch |kafkas\S+ .*restart-by)")
    return [str(call) for call in shell.writes() if not ours.match(str(call))]


# Clients


@pytest.mark.parametrize("quiesce_by", ["replicas", "pause"])
def test_ended_pods_of_a_client_are_not_waited_for(shell: Shell, quiesce_by: str) -> None:
    """An evicted pod, and one of a build that failed, stay until a person deletes them."""
    plan = cycle(quiesce_by=QuiesceMethod(quiesce_by))
    shell.on("get (kafka|pods).*kind=KafkaBridge -o", "http-bridge-evicted")
    shell.on(r"get kafka(b|c|m).*pause-reconciliation\}$", "true")
    done = fit(shell).phase("quiesce", plan, CLIENTS_TIMEOUT="2")
    assert done.returncode == 0, done.stderr
    waits = shell.calls("strimzi.io/cluster=http,strimzi.io/kind=KafkaBridge")
    assert waits
    assert all("status.phase!=Succeeded,status.phase!=Failed" in call for call in waits)


# Rights


def test_all_rights_are_asked_for_at_once(shell: Shell) -> None:
    done = fit(shell).phase("quiesce")
    assert done.returncode == 0, done.stderr
    (call,) = [c for c in shell.all() if "SelfSubjectAccessReview" in c.text]
    asked = [one["spec"]["resourceAttributes"] for one in call.objects]
    spelled = [
        ":".join(
            (
                a["verb"],
                f"{a['resource']}.{a['group']}" if a["group"] else a["resource"],
                *(a["subresource"], a["name"], a["namespace"]),
            )
        )
        for a in asked
    ]
    assert spelled == list(access_review_specs(cycle().rights))
    assert shell.all().index(call) == 0, "before anything else"


def test_nothing_is_written_under_the_name_of_kubectl(shell: Shell) -> None:
    """Flux puts back what kubectl has changed, and would end the pause of a stopped Kafka."""
    assert fit(shell).phase("quiesce").returncode == 0
    written = [call.args for call in shell.all() if call.args[0] in ("annotate", "patch")]
    written = [args for args in written if "--local" not in args]
    assert len(written) > 2
    assert all(FIELD_MANAGER in args for args in written)


OF_A_MIRROR = ["kafkamirrormaker2s.v1.kafka.strimzi.io", "mirror", "-n", "kafka"]
REPLICAS = '{"metadata": {"annotations": {"kanister-kafka.io/replicas-before": "3"}}, "spec": {'


@pytest.mark.parametrize(
    ("words", "taken"),
    [
        (["annotate", *OF_A_MIRROR, "strimzi.io/pause-reconciliation=true", FIELD_MANAGER], []),
        (["annotate", *OF_A_MIRROR, "kanister-kafka.io/pause-before-", FIELD_MANAGER], []),
        (
            ["annotate", *OF_A_MIRROR, "strimzi.io/restart=true", FIELD_MANAGER],
            ["strimzi.io/restart"],
        ),
        (
            ["annotate", *OF_A_MIRROR, "kanister-kafka.io/pause-before-"],
            ["no field manager of its own"],
        ),
        (
            ["patch", *OF_A_MIRROR, "--type", "merge", "-p", REPLICAS + '"replicas": 0}}'],
            ["no field manager of its own"],
        ),
        (
            ["patch", *OF_A_MIRROR, "--type", "merge", "-p", REPLICAS + '"version": "4.0"}}']
            + [FIELD_MANAGER],
            ["spec.version"],
        ),
        (
            ["patch", *OF_A_MIRROR, "--type", "json", "-p", "{}", FIELD_MANAGER],
            ["a patch that is no merge"],
        ),
        (["apply", "-f", "-", "--server-side"], ["--server-side", "apply"]),
        (["delete", *OF_A_MIRROR], ["delete"]),
        (["get", *OF_A_MIRROR], []),
    ],
)
def test_what_a_write_takes_of_a_custom_resource(words: list[str], taken: list[str]) -> None:
    """The check that every phase in these tests goes through, after Strimzi's own field manager."""
    assert foreign_fields(Call(words, "")) == taken


def test_rights_that_are_missing_are_all_named_and_nothing_is_touched(shell: Shell) -> None:
    answers = ["true"] * len(access_review_specs(cycle().rights))
    asked = list(access_review_specs(cycle().rights))
    first = asked.index("patch:kafkas.kafka.strimzi.io::backup:kafka-backup")
    second = asked.index("list:pods:::kafka-backup")
    answers[first], answers[second] = "", "false"
    fit(shell.on("^create --validate=false", "\n".join(answers) + "\n"))
    done = shell.phase("quiesce")
    assert done.returncode != 0
    message = done.stderr.splitlines()[-1]
    assert "patch kafkas.kafka.strimzi.io backup in kafka-backup" in message
    assert "list pods in kafka-backup" in message
    assert message.count(" in kafka-backup") + message.count(" in kafka-tools") == 2
    assert {str(call).split()[1] for call in shell.writes()} <= {"configmap"}
    assert not shell.recorded(), "the record may be somebody else's"


@pytest.mark.parametrize("answer", [AWAY, (0, "true\n", "")], ids=["away", "one-answer-for-all"])
def test_a_missing_answer_is_not_a_right(shell: Shell, answer: tuple[int, str, str]) -> None:
    fit(shell.on("^create --validate=false", answer))
    done = shell.phase("quiesce")
    assert done.returncode != 0
    assert not shell.recorded(), "the record may be somebody else's"


@pytest.mark.parametrize(
    ("phase", "account", "question"),
    [
        ("flush", "-flush", "create:pods:exec::kafka-backup"),
        ("backupKeep", "-keep", "delete:volumesnapshots.snapshot.storage.k8s.io:::kafka-backup"),
    ],
)
def test_each_further_account_is_asked_for_its_rights_before_it_does_anything(
    shell: Shell, phase: str, account: str, question: str
) -> None:
    """Those of what comes after the stop too: the stop does not begin without them."""
    plan = cycle()
    (mine,) = [a for a in plan.accounts if a.name == f"backup-kanister-kafka{account}"]
    asked = list(access_review_specs(mine.rights))
    answers = ["true"] * len(asked)
    answers[asked.index(question)] = "false"
    fit(shell.on("^create --validate=false", "\n".join(answers) + "\n"))
    done = shell.phase(phase, plan)
    assert done.returncode != 0
    verb, resource, below, _name, home = question.split(":")
    said = f"lacks rights: {verb} {resource}{below and '/' + below} in {home}; "
    assert said in done.stderr.splitlines()[-1]
    assert not [call for call in shell.all() if call.args[0] in ("exec", "delete")]
    assert {str(call).split()[1] for call in shell.writes()} <= {"configmap"}
    assert set(shell.recorded()) == {"failure"}


# Who may stop it


@pytest.mark.parametrize(
    ("marks", "record", "owner"),
    [
        pytest.param("unset", "7|running|old|then", "the run old", id="paused-by-us"),
        pytest.param("unset", "7|||", "an unknown run", id="marks-without-record"),
        pytest.param("", "7|quiescing|old|then", "quiescing since then", id="quiescing"),
        pytest.param("", "7|stopping|old|then", "stopping since then", id="stopping"),
        pytest.param("", "7|stopped|old|then", "stopped since then", id="stopped"),
        pytest.param("", "7|restarting|old|then", "restarting since then", id="restarting"),
        pytest.param("", "7|restoring|old|then", "restoring since then", id="restoring"),
        pytest.param("", "7|damaged|old|then", "damaged since then", id="no-state"),
    ],
)
def test_what_is_anothers_is_refused(shell: Shell, marks: str, record: str, owner: str) -> None:
    fit(shell.on(r"annotations\.kanister-kafka\\.io/pause-before", marks).on(RECORD, record))
    done = shell.phase("quiesce")
    assert done.returncode != 0
    assert owner in done.stderr.splitlines()[-1]
    assert "run the action resume" in done.stderr.splitlines()[-1]
    assert not shell.writes(), "not even a failure: the record is the other's"
    assert shell.events() == ["Refused"]


def test_a_former_deadline_is_overwritten(shell: Shell) -> None:
    fit(shell.on(r"annotations\.kanister-kafka\\.io/restart-by", "2026-01-01T00:00:00Z"))
    done = shell.phase("quiesce")
    assert done.returncode == 0, done.stderr
    (call,) = [c for c in shell.calls("annotate kafkas") if "restart-by=" in c]
    assert "--overwrite" in call


@pytest.mark.parametrize(
    ("marks", "record"),
    [
        pytest.param("", "7|||", id="new-record"),
        pytest.param("", "7|running|old|then", id="runs"),
        pytest.param("unset", f"7|quiescing|{RUN}|then", id="own-marks"),
        pytest.param("", f"7|stopping|{RUN}|then", id="own-stop"),
    ],
)
def test_what_is_free_or_ones_own_is_not_refused(shell: Shell, marks: str, record: str) -> None:
    fit(shell.on(r"annotations\.kanister-kafka\\.io/pause-before", marks).on(RECORD, record))
    done = shell.phase("quiesce")
    assert done.returncode == 0, done.stderr
    assert shell.recorded()["run"] == RUN


def test_claim_holds_only_for_the_record_that_was_read(shell: Shell) -> None:
    done = fit(shell).phase("quiesce")
    assert done.returncode == 0, done.stderr
    claim = shell.writes()[0]
    assert claim.args[:3] == ["patch", "configmap", "backup-kanister-kafka"]
    assert claim.patch["metadata"] == {"resourceVersion": "7"}
    data = claim.patch["data"]
    assert (data["state"], data["run"], data["action"]) == ("quiescing", RUN, "backupPrehook")
    assert data["failure"] == data["endedBy"] == data["confirmedBy"] == ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", data["since"])


def test_who_is_second_is_refused(shell: Shell) -> None:
    shell.on(RECORD, "7|running|old|then", "8|quiescing|other|now").on("resourceVersion", CONFLICT)
    done = fit(shell).phase("quiesce")
    assert done.returncode != 0
    assert "quiescing since now by the run other" in done.stderr.splitlines()[-1]
    (lost,) = shell.writes()
    assert lost.patch["metadata"] == {"resourceVersion": "7"}
    assert len(shell.calls("patch configmap")) == 1, "not asked again"


def test_claim_whose_answer_was_lost_is_ones_own(shell: Shell) -> None:
    shell.on(RECORD, "7|running|old|then", f"8|quiescing|{RUN}|now")
    shell.on("patch configmap.*resourceVersion", CONFLICT)
    done = fit(shell).phase("quiesce")
    assert done.returncode == 0, done.stderr


def test_record_that_changed_but_is_free_is_refused(shell: Shell) -> None:
    shell.on(RECORD, "7|running|old|then", "8|running|old|then")
    shell.on("patch configmap.*resourceVersion", CONFLICT)
    done = fit(shell).phase("quiesce")
    assert done.returncode != 0
    assert "has changed meanwhile" in done.stderr.splitlines()[-1]
    assert not [call for call in shell.writes() if call.args[1] != "configmap"]


def test_record_that_is_gone_is_refused(shell: Shell) -> None:
    shell.on(RECORD, (1, "", "Error from server (NotFound): configmaps not found"))
    done = fit(shell).phase("quiesce")
    assert done.returncode != 0
    assert not [call for call in shell.writes() if call.args[1] != "configmap"]


# What is not fit


@pytest.mark.parametrize(
    ("pattern", "answer", "told"),
    [
        pytest.param(FIT, "KRaft|False|", "is not Ready", id="not-ready"),
        pytest.param(FIT, "KRaftMigration|True|", "metadata state KRaftMigration", id="migrates"),
        pytest.param(PODS, "", "has no pods", id="no-pods"),
        pytest.param(PODS, "backup-broker-0 backup-broker|k False\n", "not Ready", id="pod"),
        pytest.param(PODS, "b-new-0 b-new|k True\n", "render it again", id="unknown-pool"),
    ],
)
def test_what_is_not_fit_is_not_touched(shell: Shell, pattern: str, answer: str, told: str) -> None:
    done = fit(shell.on(pattern, answer)).phase("quiesce", READINESS_TIMEOUT="0")
    assert done.returncode != 0
    assert told in done.stderr.splitlines()[-1]
    assert not shell.recorded(), "the record may be somebody else's"
    assert not shell.writes()


def test_missing_switch_is_seen_before_anything_is_touched(shell: Shell) -> None:
    shell.on("get deployments.apps backup-kanister-kafka-switch", FORBIDDEN)
    assert fit(shell).phase("quiesce").returncode != 0
    assert {call.args[1] for call in shell.writes()} <= {"configmap"}


@pytest.mark.parametrize(
    ("answer", "fits"),
    [
        pytest.param("3|[0,1,2]", True, id="ids"),
        pytest.param("0|", True, id="no-nodes"),
        pytest.param("0|[]", True, id="empty"),
        pytest.param("3|", False, id="no-ids"),
        pytest.param('3|["x"]', False, id="no-numbers"),
    ],
)
def test_node_ids_are_kept_or_nothing_is_stopped(shell: Shell, answer: str, *, fits: bool) -> None:
    done = fit(shell.on(POOLS, answer)).phase("quiesce")
    assert (done.returncode == 0) is fits, done.stderr
    assert ("nodeIds.broker" in shell.recorded()) is fits
    if fits:
        assert shell.recorded()["clusterId"] == "abc"
        assert shell.recorded()["nodeIds.broker"] == (answer.partition("|")[2] or "[]")
    else:
        assert not disturbed(shell)


def test_damaged_cluster_id_stops_nothing(shell: Shell) -> None:
    done = fit(shell.on(r"get kafkas.*clusterId", 'a","x":"')).phase("quiesce")
    assert done.returncode != 0
    assert not disturbed(shell)


# The order


def test_switch_is_armed_between_the_claim_and_the_first_writer(shell: Shell) -> None:
    done = fit(shell.on("get kafka.*replicas-before", "2|")).phase("quiesce", RESTART_AFTER="600")
    assert done.returncode == 0, done.stderr
    claim = position(shell, "resourceVersion")
    annotated = position(shell, "annotate kafkas.* kanister-kafka.io/restart-by=20")
    scaled = position(shell, "patch deployments.apps backup-kanister-kafka-switch.*scale")
    first = position(shell, f"patch ({WRITERS})")
    assert 0 == claim < annotated < scaled < first, "a watchdog heeds a deadline of before"
    switch = shell.writes()[scaled]
    assert switch.patch == {"spec": {"replicas": 1}}
    assert "--subresource" in switch.args
    assert shell.events() == ["Stopping"]
    assert "in 600s at the latest" in shell.made("Event")[0]["message"]


def test_no_client_is_stopped_before_the_watchdog_runs(shell: Shell) -> None:
    """No other pod starts them again after a failed pre-hook."""
    shell.on("availableReplicas", "", "0", "1").on("get kafka.*replicas-before", "2|")
    done = fit(shell).phase("quiesce")
    assert done.returncode == 0, done.stderr
    calls = shell.calls()
    looks = [i for i, call in enumerate(calls) if "availableReplicas" in call]
    first = next(i for i, call in enumerate(calls) if re.match(f"patch ({WRITERS})", call))
    assert len(looks) == 3
    assert max(looks) < first
    assert shell.recorded()["state"] == "quiescing"


SCALE_UP = r'patch deployments.*"replicas":1'
DEADLINE = "annotate kafkas.*restart-by="
RELEASED = ("restart-by-$", "state.:.running", 'patch deployments.*"replicas":0')
"""The writes that give back the lock, in their order."""


@pytest.mark.parametrize(
    ("pattern", "answer", "told"),
    [
        pytest.param(SCALE_UP, FORBIDDEN, "locking Kafka backup", id="not-scaled"),
        pytest.param(r"get kafkas.*clusterId", 'a","x":"', "is not valid", id="cluster-id"),
        pytest.param(DEADLINE, FORBIDDEN, "locking Kafka backup", id="no-deadline"),
        pytest.param("availableReplicas", "", "does not run yet", id="no-watchdog"),
    ],
)
def test_lock_is_released_if_nothing_was_stopped(
    shell: Shell, pattern: str, answer: str | tuple[int, str, str], told: str
) -> None:
    done = fit(shell.on(pattern, answer)).phase("quiesce", WATCHDOG_TIMEOUT="0")
    assert done.returncode != 0
    assert told in done.stderr.splitlines()[-1]
    assert told in shell.recorded()["failure"]
    assert shell.recorded()["state"] == "running"
    order = [position(shell, pattern) for pattern in RELEASED]
    assert order == sorted(order)
    assert position(shell, "state.:.running") <= position(shell, "failure.:.20"), (
        "the watchdog brings Kafka back if a run that holds the lock has failed"
    )
    assert "nothing was stopped" in done.stdout
    assert not disturbed(shell)


def given_back(shell: Shell) -> list[str]:
    written = [str(call) for call in shell.writes()]
    return [call for call in written if any(re.search(one, call) for one in RELEASED)]


@pytest.mark.parametrize(
    ("pattern", "answer"),
    [
        pytest.param("patch kafkaconnects", FORBIDDEN, id="not-scaled"),
        pytest.param("get pods .*strimzi.io/kind=", "sink-connect-0", id="does-not-end"),
    ],
)
def test_lock_stays_if_a_client_may_be_stopped(
    shell: Shell, pattern: str, answer: str | tuple[int, str, str]
) -> None:
    """The watchdog starts it again, and only then the run has ended."""
    shell.on("get kafka.*replicas-before", "2|")
    done = fit(shell.on(pattern, answer)).phase("quiesce", CLIENTS_TIMEOUT="0")
    assert done.returncode != 0
    assert shell.recorded()["state"] == "quiescing"
    assert shell.recorded()["failure"]
    assert not given_back(shell)


@pytest.mark.parametrize(
    ("field", "holder"),
    [
        pytest.param("run", "other", id="another-run"),
        pytest.param("pod", "kanister-job-other", id="another-pod-of-this-run"),
    ],
)
def test_lock_is_only_released_by_the_pod_that_holds_it(
    shell: Shell, field: str, holder: str
) -> None:
    shell.on(rf"\.data\.{field}\}}( |$)", holder).on("availableReplicas", "")
    done = fit(shell).phase("quiesce", WATCHDOG_TIMEOUT="0")
    assert done.returncode != 0
    assert "nothing was stopped" not in done.stdout
    assert not given_back(shell)


FAILURE = "patch configmap.*resourceVersion.*failure.*FAILED"


@pytest.mark.parametrize(
    ("holders", "answers", "tries"),
    [
        pytest.param([f"7|{RUN}"], [""], 1, id="own"),
        pytest.param([f"7|{RUN}", f"8|{RUN}"], [CONFLICT, ""], 2, id="own-after-a-change"),
        pytest.param(["7|other"], [""], 0, id="other"),
        pytest.param([f"7|{RUN}", "8|other"], [CONFLICT], 1, id="other-meanwhile"),
        pytest.param([AWAY], [""], 0, id="unreadable"),
    ],
)
def test_failure_is_not_written_under_the_lock_of_another_run(
    shell: Shell, holders: list[Reply | str], answers: list[Reply | str], tries: int
) -> None:
    """The watchdog would bring Kafka back during the stop of that run."""
    shell.on(LOCK_OWNER, *holders).on(FAILURE, *answers).on("availableReplicas", "")
    done = shell.on(OWN_RUN, f"7|quiescing|{RUN}").phase("stop", WATCHDOG_TIMEOUT="0")
    assert "does not run yet" in done.stderr.splitlines()[-1]
    writes = [call for call in shell.writes() if re.search(FAILURE, str(call))]
    assert len(writes) == tries
    assert [call.patch["metadata"]["resourceVersion"] for call in writes] == ["7", "8"][:tries]


@pytest.mark.parametrize(
    ("states", "stopped"),
    [
        pytest.param(["running"], 0, id="before-the-first"),
        pytest.param(["quiescing", "running"], 1, id="before-the-second"),
        pytest.param(["quiescing"] * 3 + ["running"], 3, id="after-the-last"),
        pytest.param(["quiescing", "restarting"], 1, id="during-the-restart"),
    ],
)
def test_clients_that_were_stopped_after_another_actor_has_ended_the_run_start_again(
    shell: Shell,
    states: list[str],
    stopped: int,
) -> None:
    """It has started clients, and has ended the watchdog."""
    shell.on("get kafka.*replicas-before", "2|")
    shell.on(OWN_RUN, *[f"7|{state}|{RUN}" for state in states])
    shell.on(STATE_AND_ACTION, f"{states[-1]}|{RUN}|backupPrehook", f"running|{RUN}|backupPrehook")
    done = fit(shell).phase("quiesce")
    assert done.returncode != 0
    assert f"has state {states[-1]}, not quiescing" in done.stderr.splitlines()[-1]
    assert (
        len(shell.calls('"replicas":0}},')) + len(shell.calls('"spec":{"replicas":0}')) == stopped
    )
    scaled = [i for i, call in enumerate(shell.writes()) if re.search(SCALE_UP, str(call))]
    deadlines = [i for i, call in enumerate(shell.writes()) if re.search(DEADLINE, str(call))]
    assert (len(scaled), len(deadlines)) == (2, 2)
    assert deadlines[-1] < scaled[-1] == len(shell.writes()) - 1


@pytest.mark.parametrize(
    "record",
    [
        pytest.param("quiescing|other|backupPrehook", id="another-run"),
        pytest.param(f"running|{RUN}|backup", id="has-a-recovery"),
        pytest.param(f"restoring|{RUN}|backupPrehook", id="restore"),
        pytest.param(AWAY, id="unreadable"),
    ],
)
def test_watchdog_is_not_started_again_for_others(shell: Shell, record: str | Reply) -> None:
    shell.on(OWN_RUN, f"7|running|{RUN}").on(STATE_AND_ACTION, record)
    assert halted(shell).phase("stop").returncode != 0
    assert not [call for call in shell.writes() if call.args[1] != "configmap"]


def test_a_phase_whose_pod_is_ended_stores_its_failure(shell: Shell) -> None:
    """Bash calls an exit trap with status 0 then; Kafka would wait for three minutes."""
    shell.preamble = 'sleep() { kill -TERM "$$"; }'
    done = halted(shell.on("availableReplicas", "")).phase("stop")
    assert done.returncode == 143
    assert "its pod was ended" in shell.recorded()["failure"]


def test_a_stop_that_is_ended_while_it_is_stored_is_not_stopped(shell: Shell) -> None:
    states = ("quiescing", "quiescing", *["stopping"] * 4, "restarting")
    shell.on(OWN_RUN, *[f"7|{state}|{RUN}" for state in states])
    shell.on('resourceVersion.*"state":"stopped"', CONFLICT)
    done = halted(shell).phase("stop")
    assert done.returncode != 0
    assert "has state restarting, not stopping" in done.stderr.splitlines()[-1]


def test_lock_stays_if_there_is_no_watchdog(shell: Shell) -> None:
    """The recovery of the pre-hook releases it."""
    shell.on(r"get kafkas.*clusterId", 'a","x":"')
    done = fit(shell).phase("quiesce", cycle(restart_after=0))
    assert done.returncode != 0
    assert shell.recorded()["state"] == "quiescing"
    assert not given_back(shell)


@pytest.mark.parametrize(
    ("pattern", "replies"),
    [
        pytest.param("^create --validate=false", ["false\n"], id="rights"),
        pytest.param(RECORD, ["7|quiescing|other|now"], id="refused"),
        pytest.param(RECORD, ["7|running|old|then", "8|quiescing|other|now"], id="too-late"),
        pytest.param(FIT, ["KRaft|False|"], id="not-ready"),
    ],
)
def test_lock_of_another_run_is_not_released(
    shell: Shell, pattern: str, replies: list[str]
) -> None:
    shell.on(pattern, *replies).on("patch configmap.*resourceVersion", CONFLICT)
    done = fit(shell).phase("quiesce", READINESS_TIMEOUT="0")
    assert done.returncode != 0
    assert "nothing was stopped" not in done.stdout
    assert not given_back(shell)


@pytest.mark.parametrize(("after", "pod"), [(1800, POD), (0, "")])
def test_claim_announces_the_pod_to_a_watchdog(shell: Shell, after: int, pod: str) -> None:
    assert fit(shell).phase("quiesce", cycle(restart_after=after)).returncode == 0
    assert shell.writes()[0].patch["data"]["pod"] == pod


def test_switch_that_cannot_be_armed_keeps_the_writers_running(shell: Shell) -> None:
    done = fit(shell.on("patch deployments.*scale", FORBIDDEN)).phase("quiesce")
    assert done.returncode != 0
    assert not [call for call in shell.calls() if re.match(f"patch ({WRITERS})", call)]


def test_nothing_is_armed_without_a_watchdog(shell: Shell) -> None:
    done = fit(shell).phase("quiesce", cycle(restart_after=0))
    assert done.returncode == 0, done.stderr
    assert not [call for call in shell.writes() if "restart-by" in str(call)]
    assert not shell.calls("deployments")


def test_all_writers_are_stopped_before_the_first_wait(shell: Shell) -> None:
    shell.on("get kafka.*replicas-before", "2|")
    shell.on("get pods .*strimzi.io/kind=", "sink-connect-0", "")
    done = fit(shell).phase("quiesce")
    assert done.returncode == 0, done.stderr
    calls = shell.calls()
    last = max(i for i, call in enumerate(calls) if re.match(f"patch ({WRITERS})", call))
    waited = [i for i, call in enumerate(calls) if re.match("get pods .*strimzi.io/kind=", call)]
    assert last < min(waited)
    assert len(waited) == 4
    kept = {key: value for key, value in shell.recorded().items() if key.startswith("replicas.")}
    assert kept == {
        "replicas.KafkaBridge.kafka-backup.http": "2",
        "replicas.KafkaConnect.kafka-backup.sink": "2",
        "replicas.KafkaMirrorMaker2.kafka-tools.mirror": "2",
    }


def test_quiescing_by_pause_deletes_the_workload_only_then(shell: Shell) -> None:
    for resource in ("kafkabridges", "kafkaconnects", "kafkamirrormaker"):
        shell.on(f"get {resource}.*ReconciliationPaused", "", "True")
    plan = cycle(quiesce_by=QuiesceMethod.PAUSE)
    done = fit(shell).phase("quiesce", plan)
    assert done.returncode == 0, done.stderr
    calls = [str(call) for call in shell.writes()]
    paused = next(i for i, call in enumerate(calls) if call.startswith("annotate kafkaconnects"))
    deleted = next(i for i, call in enumerate(calls) if "sink-connect" in call)
    assert paused < deleted
    assert calls[deleted].startswith("delete ")


def test_a_deleted_writer_does_not_fail_the_stop(shell: Shell) -> None:
    shell.on("get kafkabridges.*-o name", "").on("get kafka.*replicas-before", "2|")
    done = fit(shell).phase("quiesce")
    assert done.returncode == 0, done.stderr
    assert not shell.calls("patch kafkabridges")
    assert shell.calls("patch kafkaconnects")


# The stop


EMPTY = hashlib.sha256(b"").hexdigest()
KEPT = r"get configmap .*data\.podClaims"
QUIESCED, STOPPING = f"7|quiescing|{RUN}", f"7|stopping|{RUN}"


def halted(shell: Shell) -> Shell:
    """Answer as a cluster that this run has quiesced."""
    shell.on(OWN_RUN, QUIESCED, STOPPING).on("availableReplicas", "1")
    shell.on(r"get kafkas.*annotations\.strimzi\\.io/pause", "true")
    shell.on(KEPT, f"||{EMPTY}|{EMPTY}")
    return shell.on("ReconciliationPaused", "", "True")


def test_order_of_the_stop(shell: Shell) -> None:
    done = halted(shell).phase("stop")
    assert done.returncode == 0, done.stderr
    assert [" ".join(call.args[:3]) for call in shell.writes()] == [
        "patch configmap backup-kanister-kafka",
        "patch configmap backup-kanister-kafka",
        "annotate kafkas.v1beta2.kafka.strimzi.io backup",
        "patch configmap backup-kanister-kafka",
        "delete deployments.apps backup-entity-operator",
        "delete strimzipodsets.core.strimzi.io backup-broker",
        "delete strimzipodsets.core.strimzi.io backup-controller",
        "patch configmap backup-kanister-kafka",
    ]
    states = [call.patch["data"].get("state") for call in shell.writes() if "patch" in call.args]
    assert states == [None, "stopping", None, "stopped"]
    assert shell.events() == ["Stopped"]


@pytest.mark.parametrize(
    "record",
    [f"7|running|{RUN}", f"7|restarting|{RUN}", "7|quiescing|other", f"7|stopped|{RUN}", "7||", ""],
)
def test_a_stop_without_the_hold_of_its_run_is_refused(shell: Shell, record: str) -> None:
    """The watchdog, or a person, may have brought the cluster back since it was quiesced."""
    done = halted(shell.on(OWN_RUN, record)).phase("stop")
    assert done.returncode != 0
    assert "not quiescing by this run" in done.stderr.splitlines()[-1]
    assert {call.args[1] for call in shell.writes()} <= {"configmap"}
    assert "state" not in shell.recorded()
    is_own = record.endswith(f"|{RUN}")
    assert ("failure" in shell.recorded()) is is_own, "the recovery of this run names its reason"


@pytest.mark.parametrize(
    ("looks", "deleted"),
    [
        pytest.param(1, [], id="after-the-pause"),
        pytest.param(2, ["backup-entity-operator"], id="before-the-brokers"),
        pytest.param(3, ["backup-entity-operator", "backup-broker"], id="before-the-quorum"),
    ],
)
def test_a_stop_ends_if_another_actor_starts_the_cluster(
    shell: Shell, looks: int, deleted: list[str]
) -> None:
    """Kasten may have given up this hook and called the next one."""
    shell.on(OWN_RUN, QUIESCED, QUIESCED, *[STOPPING] * (looks - 1), f"7|restarting|{RUN}")
    done = halted(shell).phase("stop")
    assert done.returncode != 0
    assert "has state restarting" in done.stderr.splitlines()[-1]
    assert [call.args[2] for call in shell.writes() if call.args[0] == "delete"] == deleted
    assert shell.recorded()["state"] == "stopping", "it is not called stopped"


def test_stop_that_was_undone_at_the_end_is_none(shell: Shell) -> None:
    shell.on(OWN_RUN, QUIESCED, QUIESCED, *[STOPPING] * 3, f"7|restarting|{RUN}")
    done = halted(shell).phase("stop")
    assert done.returncode != 0
    assert shell.recorded()["state"] == "stopping"
    assert "Stopped" not in shell.events()


def test_stop_waits_for_the_switch_before_the_pause(shell: Shell) -> None:
    shell.on("availableReplicas", "", "0", "1")
    done = halted(shell).phase("stop")
    assert done.returncode == 0, done.stderr
    calls = shell.calls()
    looks = [i for i, call in enumerate(calls) if "availableReplicas" in call]
    paused = next(i for i, call in enumerate(calls) if call.startswith("annotate"))
    assert len(looks) == 3
    assert max(looks) < paused


def test_switch_that_never_runs_stops_no_broker(shell: Shell) -> None:
    shell.on("availableReplicas", "")
    done = halted(shell).phase("stop", WATCHDOG_TIMEOUT="0")
    assert done.returncode != 0
    assert "backup-kanister-kafka-switch does not run yet" in done.stderr.splitlines()[-1]
    assert {call.args[1] for call in shell.writes()} <= {"configmap"}


def test_stop_without_a_switch_waits_for_none(shell: Shell) -> None:
    plan = cycle(restart_after=0)
    assert halted(shell).phase("stop", plan).returncode == 0
    assert not [call for call in shell.calls() if "switch" in call]


def test_brokers_that_do_not_go_keep_the_quorum(shell: Shell) -> None:
    shell.on("get pods .*--watch", "ADDED backup-broker-0 ||\n")
    shell.on("get pods .*backup-broker", "backup-broker-0")
    done = halted(shell).phase("stop", BROKERS_TIMEOUT="0")
    assert done.returncode != 0
    assert "pods still there: backup-broker-0" in done.stderr.splitlines()[-1]
    assert not shell.calls("delete strimzipodsets.core.strimzi.io backup-controller")
    assert shell.recorded()["state"] == "stopping"


@pytest.mark.parametrize(
    ("fields", "owner"),
    [
        ('{"f:metadata":{"f:annotations":{"f:strimzi.io/pause-reconciliation":{}}}}', True),
        ('{"f:metadata":{"f:annotations":{"f:kanister-kafka.io/pause-before":{}}}}', False),
        ("", False),
    ],
    ids=["ours", "paused-before", "no-fields"],
)
def test_stop_keeps_whose_the_pause_is(shell: Shell, fields: str, *, owner: bool) -> None:
    done = halted(shell.on("get kafkas.*managedFields", f"true|{fields}")).phase("stop")
    assert done.returncode == 0, done.stderr
    assert shell.recorded()["pauseOwner"] == ("kanister-kafka" if owner else "")


def test_claim_forgets_what_was_seen_of_an_earlier_stop(shell: Shell) -> None:
    assert fit(shell).phase("quiesce").returncode == 0
    data = shell.writes()[0].patch["data"]
    assert data["pauseOwner"] == data["seenRunning"] == ""


# How the nodes end

WATCH = r"get pods .*\(backup-broker\).*--watch"
LISTED = r"get pods .*controller-name in \(backup-broker\) -o jsonpath={.items"
SHOWN = "ADDED b-0 ||\nADDED b-1 ||\n"


def ending(shell: Shell, *codes: str, then: str = "") -> Shell:
    """Answer as brokers b-0, b-1, … that end with these codes, and a quorum that has no pods."""
    rows = [
        f"MODIFIED b-{i} now|{code}\nDELETED b-{i} now|{code}\n" for i, code in enumerate(codes)
    ]
    shell.on(WATCH, SHOWN + UNTIL + (then or "".join(rows)))
    shell.on(LISTED, "b-0 b-1", "")
    return halted(shell)


@pytest.mark.parametrize("code", ["0|Completed", "143|Error"])
def test_nodes_that_end_by_themselves_are_clean(shell: Shell, code: str) -> None:
    done = ending(shell, code, "0|Completed").phase("backupStop")
    assert done.returncode == 0, done.stderr
    assert "unclean" not in shell.recorded()
    assert shell.recorded()["state"] == "stopped"
    assert '{"key": "stop", "value": "clean"}' in done.stdout
    assert shell.made("Event")[0]["message"] == "stopped for a snapshot, every node cleanly"
    calls = shell.calls()
    watched = next(i for i, call in enumerate(calls) if "--watch" in call)
    deleted = next(i for i, call in enumerate(calls) if call.startswith("delete strimzipodsets"))
    assert watched < deleted


UNCLEAN = [
    pytest.param("137|Error", "b-1 was killed (exit code 137 Error)", id="killed"),
    pytest.param("137|OOMKilled", "b-1 was killed (exit code 137 OOMKilled)", id="memory"),
    pytest.param("1|Error", "b-1 ended with exit code 1 Error", id="failed"),
    pytest.param("|", "the exit code of b-1 is unknown", id="unseen"),
]


@pytest.mark.parametrize(("code", "told"), UNCLEAN)
def test_a_killed_broker_fails_the_backup(shell: Shell, code: str, told: str) -> None:
    done = ending(shell, "0|Completed", code).phase("stop")
    assert done.returncode != 0
    assert told in done.stderr.splitlines()[-1]
    assert "--unclean-stop warn" in done.stderr.splitlines()[-1]
    assert shell.recorded()["unclean"] == told
    assert shell.recorded()["state"] == "stopping"
    assert shell.events() == ["UncleanStop", "StopFailed"]
    assert not shell.calls("delete strimzipodsets.core.strimzi.io backup-controller")


@pytest.mark.parametrize(("code", "told"), UNCLEAN[:1])
def test_a_killed_broker_may_be_logged_only(shell: Shell, code: str, told: str) -> None:
    plan = cycle(unclean_stop=UncleanStop.WARN)
    done = ending(shell, "0|Completed", code).phase("backupStop", plan)
    assert done.returncode == 0, done.stderr
    assert shell.recorded()["unclean"] == told
    assert shell.recorded()["state"] == "stopped"
    assert shell.events() == ["UncleanStop", "Stopped"]
    assert '{"key": "stop", "value": "unclean"}' in done.stdout
    assert shell.made("Event")[-1]["message"] == "stopped for a snapshot, not every node cleanly"


def test_code_of_a_crash_before_the_stop_does_not_count(shell: Shell) -> None:
    then = "MODIFIED b-0 |137|Error\nDELETED b-0 now|0|Completed\nDELETED b-1 now|0|Completed\n"
    done = ending(shell, then=then).phase("stop")
    assert done.returncode == 0, done.stderr


def test_watch_that_breaks_is_begun_again(shell: Shell) -> None:
    shell.on(WATCH, "ADDED b-0 ||\n", SHOWN, f"{SHOWN}{UNTIL}MODIFIED b-0 now|0|\n", SHOWN)
    done = ending(shell).phase("stop")
    assert done.returncode != 0
    assert "the exit code of b-1 is unknown" in done.stderr.splitlines()[-1]


def test_pods_that_cannot_be_watched_are_not_stopped(shell: Shell) -> None:
    refused = (1, "", "Error from server (Forbidden): pods is forbidden: cannot watch\n")
    shell.on("--watch", refused).on("get pods", "b-0")
    body = "sleep() { SECONDS=100; }; watch_exit_codes a=b; echo deleted"
    done = shell.run("common.sh", "exit-codes.sh", body=body)
    assert done.returncode != 0
    assert "cannot be watched" in done.stderr.splitlines()[-1]
    assert "cannot watch" in done.stderr.splitlines()[-1]
    assert "deleted" not in done.stdout


def test_remaining_pods_are_reported(shell: Shell) -> None:
    shell.on(LISTED, "b-0 b-1", "b-1")
    done = ending(shell, "0|").phase("stop", BROKERS_TIMEOUT="1")
    assert done.returncode != 0
    assert "timed out after 1s: pods still there: b-1" in done.stderr.splitlines()[-1]


# What is of one moment

POD_CLAIMS = "get pods .*persistentVolumeClaim"
CLAIMS = "get persistentvolumeclaims"
SPEC = r"get kafkas.*jsonpath=Kafka,"
POOL_SPEC = r"get kafkanodepools.*spec\.storage"
POOL_IDS = r"get kafkanodepools.*\]\}\{\.metadata\.name\} \{\.status\.nodeIds\}"
PAIRS = "b-0 data-0=data-0-b-0 cm=\nb-1 data-0=data-0-b-1 kafka-metrics=extra tmp=\n"


def whole(shell: Shell) -> Shell:
    """Answer all that is kept and compared; what was answered before goes first."""
    shell.on(SPEC, "Kafka,5,4.0.0,4.0-IV3,,,,\n")
    shell.on(
        POOL_SPEC,
        "broker,3,,,2,broker,jbod 1:persistent-claim: 0:persistent-claim:shared,\n,,,,,,,\n",
    )
    shell.on(POOL_IDS, "broker [1,0]\ncontroller [2]\n ")
    return shell.on(POD_CLAIMS, PAIRS).on(CLAIMS, "data-0-b-1 data-0-b-0")


def kept_of(shell: Shell) -> str:
    """Return what quiesce records of the answers so far, as the stop reads it."""
    done = fit(shell).phase("quiesce")
    assert done.returncode == 0, done.stderr
    found = shell.recorded()
    return "|".join(found[key] for key in ("specs", "ids", "podClaims", "claims"))


def test_what_kafka_and_pools_ask_for_is_kept(shell: Shell) -> None:
    specs, ids, *digests = kept_of(whole(shell)).split("|")
    assert ids == "broker 0 1;controller 2"
    assert specs == (
        "Kafka,5,4.0.0,4.0-IV3,,,,;"
        "broker,3,,,2,broker,jbod 0:persistent-claim:shared 1:persistent-claim:,;"
    )
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
    pairs = b"b-0 data-0-b-0\nb-1 data-0-b-1"
    assert digests[0] == hashlib.sha256(pairs).hexdigest()
    assert digests[1] == hashlib.sha256(b"data-0-b-0 data-0-b-1").hexdigest()


@pytest.mark.parametrize(
    ("pattern", "answer", "told"),
    [
        pytest.param(SPEC, "Kafka,6,4.0.0,4.0-IV3,,,,\n", "specs of Kafka", id="kafka"),
        pytest.param(POOL_SPEC, "broker,4,,,3,broker,jbod,\n", "specs of Kafka", id="pool"),
        pytest.param(POOL_IDS, "broker [0,1,3]\ncontroller [2]\n", "node ids", id="ids"),
        pytest.param(
            POD_CLAIMS, PAIRS.replace("b-1 data-0", "b-2 data-0"), "claims of pods", id="pod"
        ),
        pytest.param(CLAIMS, "data-0-b-0 data-0-b-1 d-3", "claims of", id="claims"),
        pytest.param(POOL_IDS, "broker [0,1]\ncontroller [2]\n", "", id="order-of-ids"),
        pytest.param(CLAIMS, "data-0-b-0 data-0-b-1", "", id="order-of-claims"),
        pytest.param(CLAIMS, FORBIDDEN, "Forbidden", id="unread"),
    ],
)
def test_what_changed_before_the_pause_stops_nothing(
    shell: Shell, pattern: str, answer: str | tuple[int, str, str], told: str
) -> None:
    kept = kept_of(whole(shell))
    fresh = Shell(shell.folder)
    done = whole(halted(fresh.on(KEPT, kept).on(pattern, answer))).phase("stop")
    assert (done.returncode != 0) == bool(told), done.stderr
    assert told in done.stderr
    assert bool([c for c in fresh.writes() if c.args[0] == "delete"]) == (not told)


def test_claim_without_its_labels_would_be_left_out(shell: Shell) -> None:
    whole(shell.on(CLAIMS, "data-0-b-0"))
    done = fit(shell).phase("backupQuiesce")
    assert done.returncode != 0
    assert "claim data-0-b-1 of pod b-1 lacks the labels" in done.stderr.splitlines()[-1]
    assert not disturbed(shell)


# What the operator has still to do

PENDING = [
    pytest.param(FIT, "KRaft|True||6|5|", "last change of Kafka backup", id="kafka"),
    pytest.param(FIT, "KRaft|True||6||", "last change of Kafka backup", id="no-status"),
    pytest.param(FIT, "KRaft|True||5|5|RebalanceOnScaleUp", "RebalanceOnScaleUp", id="scale-up"),
    pytest.param("observedGeneration}", "broker 3 5|4\n", "KafkaNodePool broker", id="pool"),
    pytest.param("observedGeneration}", "broker 0 5|\n", "", id="pool-of-none"),
    pytest.param(FIT, "KRaft|True||5|5|Idle", "", id="idle"),
    pytest.param("kind in", "KafkaConnect/kafka-backup/late\n", "late runs", id="new-writer"),
    pytest.param("kind in", "KafkaConnect/kafka-backup/sink\n", "", id="known-writer"),
]


@pytest.mark.parametrize(("pattern", "answer", "told"), PENDING)
def test_what_is_still_to_be_done_stops_nothing(
    shell: Shell, pattern: str, answer: str, told: str
) -> None:
    if pattern == "observedGeneration}":
        pattern = r"get kafkanodepools.*observedGeneration"
    done = fit(shell.on(pattern, answer)).phase("quiesce", READINESS_TIMEOUT="0")
    assert (done.returncode != 0) == bool(told), done.stderr
    assert told in done.stderr
    assert bool(shell.writes()) == (not told)


@pytest.mark.parametrize("state", ["True", ""])
def test_rebalance_that_moves_partitions_stops_nothing(shell: Shell, state: str) -> None:
    plan = with_cruise_control()
    shell.on("get kafkarebalances", f"full {state}\n")
    done = fit(shell).phase("quiesce", plan, READINESS_TIMEOUT="0")
    assert (done.returncode != 0) == bool(state), done.stderr
    assert ("KafkaRebalance full moves partitions" in done.stderr) == bool(state)


def test_no_rebalance_is_looked_for_without_cruise_control(shell: Shell) -> None:
    assert fit(shell).phase("quiesce").returncode == 0
    assert not shell.calls("kafkarebalances")


# What writes again


AGAIN = [
    ("KafkaConnect/kafka-backup/sink", "was stopped and runs again"),
    ("KafkaMirrorMaker2/kafka-tools/mirror", "was stopped and runs again"),
    ("KafkaConnect/kafka-backup/late", "render it again"),
    ("KafkaBridge/kafka-tools/late", "render it again"),
]


@pytest.mark.parametrize(("running", "told"), AGAIN)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_client_that_writes_again_fails_the_backup(
    shell: Shell, running: str, told: str, when: str
) -> None:
    home = running.split("/")[1]
    rows = ["", f"{running}\n"] if when == "after" else [f"{running}\n"]
    done = halted(shell.on(f"get pods -n {home} -l strimzi.io/kind in", *rows)).phase("stop")
    assert done.returncode != 0
    assert running in done.stderr.splitlines()[-1]
    assert told in done.stderr.splitlines()[-1]
    nodes = shell.calls("delete strimzipodsets")
    assert bool(nodes) == (when == "after")
    assert shell.recorded()["state"] == "stopping"


def test_who_only_reads_may_run(shell: Shell) -> None:
    running = "KafkaConnect/kafka-backup/reader\n"
    done = halted(shell.on("kind in", running)).phase(
        "stop", IGNORED_CLIENTS="KafkaBridge/a/b,KafkaConnect/kafka-backup/reader"
    )
    assert done.returncode == 0, done.stderr


def test_stop_needs_the_same_run_as_quiesce() -> None:
    phases = phases_of(cycle())
    for name in ("quiesce", "stop", "backupQuiesce", "backupStop"):
        assert "RUN_ID={{ .Time }}" in phases[name].values
    assert "ACTION=backupPrehook" in phases["quiesce"].values
    assert "ACTION=backup" in phases["backupQuiesce"].values
