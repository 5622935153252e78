from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from click.testing import CliRunner

from kanister_kafka import constants
from kanister_kafka._version import __version__
from kanister_kafka.backup.options import Options
from kanister_kafka.backup.planner import build_plan
from kanister_kafka.backup.render import render
from kanister_kafka.cli import main
from kanister_kafka.errors import ActionError, UnreachableError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.operations.actionset import ActionSet, ActionState, AppliedBlueprint
from kanister_kafka.operations.inspector import ClusterInspector
from kanister_kafka.operations.object_names import default_names
from kanister_kafka.operations.observed_state import (
    KafkaState,
    ObservedClient,
    ObservedCluster,
    TaskPod,
    WatchdogState,
    WorkloadState,
)
from kanister_kafka.operations.preflight import rendered_blueprint
from kanister_kafka.operations.provenance import Provenance
from kanister_kafka.operations.resume import check_resumable
from kanister_kafka.operations.start_action import ActionRequest, check_retention
from kanister_kafka.operations.status import (
    KafkaCondition,
    WatchdogCondition,
    assess,
    manual_commands,
    next_steps,
)
from kanister_kafka.operations.task_pods import phase_of
from kanister_kafka.reports.status import status_json, status_text
from kanister_kafka.strimzi import read_cluster
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.timestamps import parse_timestamp
from kanister_kafka.yamldoc import load
from tests.conftest import ROOT
from tests.fakes.cluster import (
    NOW,
    add_blueprint,
    add_kafka,
    add_node,
    add_scripts,
    add_task,
    serving,
)

TARGET = KafkaRef("kafka", "my-cluster")
AT = datetime(2026, 1, 2, 3, 14, 5, tzinfo=timezone.utc)
UP = KafkaState(
    resource="kafkas.v1beta2.kafka.strimzi.io",
    ready=True,
    why_not="",
    since=NOW,
    paused=False,
    acknowledged=False,
    pause_before="",
    restart_by="",
)
OURS = replace(UP, ready=False, paused=True, acknowledged=True, pause_before="unset")
RELEASED = replace(OURS, paused=False)
MIRROR = ObservedClient(
    kind="KafkaMirrorMaker2",
    resource="kafkamirrormaker2s.v1beta2.kafka.strimzi.io",
    namespace="other",
    name="mirror",
    replicas=1,
    paused=False,
    replicas_before="",
    pause_before="",
)
QUIET = replace(MIRROR, replicas=0, replicas_before="3")
STOP, START = (TaskPod("p", "stop", "j1"),), (TaskPod("p", "restart", "j1"),)
MEMO = {"kanister-kafka.io/pause-before": "unset"}
RAN = ActionSet(
    name="backupprehook-x",
    namespace="kasten-io",
    created="2026-01-02T03:04:04Z",
    version="1",
    action="backupPrehook",
    blueprint="kafka.my-cluster",
    target="kafka",
    state=ActionState.COMPLETE,
    phases=(),
    error="",
    artifacts={},
    job="j1",
)


HOT_RUN = "2026-01-02T03:04:05.9Z"
HOT = {"state": "quiescing", "since": NOW, "run": HOT_RUN, "hot": HOT_RUN}
"""The record of a hot backup that has not ended."""
HOT_OF_OLD = {**HOT, "hot": "2026-01-01T00:00:00.1Z"}


def observed(kafka=UP, ready=2, pods=2, state="", **changed):
    record = {"state": state, "since": NOW, "run": "2026-01-02T03:04:05.9Z"} if state else {}
    workload = WorkloadState(name="my-cluster-dual", expected=2, pods=pods, ready=ready)
    facts = {
        "target": TARGET,
        "names": default_names(TARGET),
        "kafka": kafka,
        "workloads": (workload,) if kafka else (),
        "writers": (),
        "record": record,
        "watchdog": WatchdogState(0, 0),
        "blueprint": "kasten-io/kafka.my-cluster",
        "action_sets": (),
        "tasks": (),
        "events": (),
        "unreadable": (),
        **changed,
    }
    return ObservedCluster(**facts)


@pytest.mark.parametrize(
    ("seen", "condition"),
    [
        pytest.param(observed(), KafkaCondition.RUNNING, id="never stopped"),
        pytest.param(observed(state="running"), KafkaCondition.RUNNING, id="running"),
        pytest.param(observed(state="stopped"), KafkaCondition.RUNNING, id="record is wrong"),
        pytest.param(observed(replace(UP, paused=True)), KafkaCondition.PAUSED, id="others' pause"),
        pytest.param(observed(state="quiescing", tasks=STOP), KafkaCondition.QUIESCING,
                     id="checks go on"),
        pytest.param(observed(state="quiescing", tasks=STOP, writers=(QUIET,)),
                     KafkaCondition.QUIESCING, id="writers stop"),
        pytest.param(observed(state="quiescing", writers=(QUIET,)), KafkaCondition.QUIESCED,
                     id="writers left"),
        pytest.param(observed(record=None, writers=(QUIET,)), KafkaCondition.QUIESCED,
                     id="no record of writers"),
        pytest.param(observed(OURS, 2, 2, "stopping", tasks=STOP), KafkaCondition.STOPPING,
                     id="stops"),
        pytest.param(observed(OURS, 0, 0, "stopping", tasks=STOP), KafkaCondition.STOPPING,
                     id="last"),
        pytest.param(observed(OURS, 0, 0, "stopped"), KafkaCondition.STOPPED, id="stopped"),
        pytest.param(observed(OURS, 0, 0, record=None), KafkaCondition.STOPPED,
                     id="stopped, record gone"),
        pytest.param(observed(OURS, 0, 0, "running"), KafkaCondition.STOPPED,
                     id="record says runs"),
        pytest.param(observed(OURS, 2, 2, "online", writers=(QUIET,)), KafkaCondition.ONLINE,
                     id="online"),
        pytest.param(observed(OURS, 2, 2, "online", tasks=(TaskPod("p", "backupCompare", "j"),)),
                     KafkaCondition.ONLINE, id="comparison"),
        pytest.param(observed(OURS, 2, 2, "quiescing", tasks=(TaskPod("p", "backupPause", "j"),)),
                     KafkaCondition.QUIESCING, id="online pause"),
        pytest.param(observed(OURS, 2, 2, "online", tasks=START), KafkaCondition.RESTARTING,
                     id="release"),
        pytest.param(observed(OURS, 1, 2, "online"), KafkaCondition.PARTLY,
                     id="a node is down online"),
        pytest.param(observed(OURS, 1, 1, "stopping"), KafkaCondition.PARTLY, id="half stopped"),
        pytest.param(observed(OURS, 2, 2, "stopping"), KafkaCondition.PARTLY, id="only paused"),
        pytest.param(observed(RELEASED, 2, 2, "restarting"), KafkaCondition.PARTLY, id="memo left"),
        pytest.param(observed(RELEASED, 0, 2, "restarting"), KafkaCondition.RESTARTING,
                     id="comes back"),
        pytest.param(observed(OURS, 0, 0, "stopped", tasks=START), KafkaCondition.RESTARTING,
                     id="restart begins"),
        pytest.param(observed(state="restarting", tasks=START, writers=(QUIET,)),
                     KafkaCondition.RESTARTING, id="writers come back"),
        pytest.param(observed(state="quiescing", tasks=START), KafkaCondition.RESTARTING,
                     id="recovery"),
        pytest.param(observed(record=HOT, tasks=(TaskPod("p", "backupFlush", "j"),)),
                     KafkaCondition.BACKING_UP, id="hot"),
        pytest.param(observed(record=HOT, tasks=(TaskPod("p", "backupRecover", "j"),)),
                     KafkaCondition.BACKING_UP, id="hot recovery"),
        pytest.param(observed(record=HOT), KafkaCondition.BACKING_UP, id="hot, Kanister has died"),
        pytest.param(observed(replace(UP, paused=True), record=HOT), KafkaCondition.BACKING_UP,
                     id="hot, others' pause"),
        pytest.param(observed(UP, 1, 2, record=HOT), KafkaCondition.DEGRADED,
                     id="a node is down, hot"),
        pytest.param(observed(OURS, record=HOT), KafkaCondition.PARTLY, id="hot, but paused by us"),
        pytest.param(observed(record=HOT, writers=(QUIET,)), KafkaCondition.QUIESCED,
                     id="hot, but writers are stopped"),
        pytest.param(observed(record=HOT_OF_OLD, tasks=STOP), KafkaCondition.QUIESCING,
                     id="a stop after a hot backup"),
        pytest.param(observed(UP, 1, 2, "running"), KafkaCondition.DEGRADED, id="a node is down"),
        pytest.param(observed(UP, 0, 0, "running"), KafkaCondition.DOWN, id="all are down"),
        pytest.param(observed(None, 0, 0, "stopped"), KafkaCondition.GONE, id="gone"),
        pytest.param(observed(UP, 0, 0, "restoring"), KafkaCondition.RESTORING, id="restore"),
        pytest.param(observed(OURS, 2, 2, "restoring", writers=(QUIET,)), KafkaCondition.RESTORING,
                     id="a client did not stop for a restore"),
        pytest.param(observed(state="restoring"), KafkaCondition.RESTORING,
                     id="a restore that has failed"),
        pytest.param(observed(UP, 0, 0, "running", pods_known=False), KafkaCondition.UNKNOWN,
                     id="no right to list pods"),
        pytest.param(observed(OURS, 0, 0, "stopped", pods_known=False), KafkaCondition.UNKNOWN,
                     id="no right to list the pods of a stopped Kafka"),
        pytest.param(observed(OURS, 0, 0, "restoring", pods_known=False), KafkaCondition.RESTORING,
                     id="restore, pods are not known"),
        pytest.param(observed(None, 0, 0, "restoring", pods_known=False), KafkaCondition.RESTORING,
                     id="restore of a Kafka that is gone, pods are not known"),
        pytest.param(
            observed(
                workloads=(
                    WorkloadState(
                        name="my-cluster-kafka", expected=3, pods=0, ready=0, replicas_before="3"
                    ),
                ),
                kafka=OURS,
                state="stopped",
            ),
            KafkaCondition.STOPPED,
            id="StatefulSets",
        ),
    ],
)  # fmt: skip
def test_condition(seen, condition):
    status = assess(seen)
    assert status.condition is condition
    running = (KafkaCondition.RUNNING, KafkaCondition.PAUSED, KafkaCondition.BACKING_UP)
    assert status.runs is (condition in running)
    assert status.next
    assert "kafka/my-cluster" in status.headline


def test_a_lock_that_a_hot_backup_has_left_is_ended_by_its_action():
    """There is no watchdog, by which the command `resume` works."""
    lost = assess(observed(record=HOT, watchdog=None))
    assert "run resume my-cluster -n kafka" in lost.next[-1]
    assert not lost.remarks
    at_work = assess(observed(record=HOT, tasks=(TaskPod("p", "backupSnapshot", "j"),)))
    assert "Wait" in at_work.next[0]
    origin = Provenance(options="--engine kanister --strategy hot --group-snapshot-class g")
    with pytest.raises(ActionError, match="kanister-kafka run resume my-cluster -n kafka"):
        check_resumable(assess(observed(record=HOT, watchdog=None, origin=origin)))


def test_an_online_backup_without_a_watchdog_is_reported():
    assert "no watchdog is armed" in remarks(OURS, 2, 2, "online")
    assert "resume" in "\n".join(assess(observed(OURS, 2, 2, "online")).next)


def remarks(*arguments, **changed):
    return "\n".join(assess(observed(*arguments, **changed)).remarks)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            (OURS, 0, 0, "running"),
            'the state ConfigMap has state "running" since 2026-01-02T03:04:05Z',
        ),
        ((UP, 2, 2, "stopped"), 'the state ConfigMap has state "stopped"'),
        ((OURS, 0, 0, "stopped"), "no watchdog is armed"),
        ((replace(OURS, acknowledged=False), 0, 0, "stopped"), "has not acknowledged the pause"),
        ((replace(UP, ready=False, why_not="Timeout: x"), 1, 2), "the operator reports Timeout: x"),
        ((replace(UP, restart_by=NOW), 2, 2), "annotation of the watchdog is left"),
    ],
)
def test_remarks(arguments, words):
    assert words in remarks(*arguments)


@pytest.mark.parametrize("key", ["unclean", "growing", "seenRunning"])
@pytest.mark.parametrize("state", ["running", "stopped"])
def test_the_result_of_a_backup_in_the_last_stop_is_reported(key, state):
    record = {"state": state, "since": NOW, key: "b-1 was killed"}
    assert "b-1 was killed" in remarks(record=record)
    assert "killed" not in remarks(record=record | {key: ""})


def test_no_remark_where_all_is_well():
    assert (
        remarks(state="running")
        == remarks(OURS, 0, 0, "stopped", watchdog=WatchdogState(1, 1))
        == ""
    )


def test_record_that_is_gone_is_reported():
    assert "the state ConfigMap my-cluster-kanister-kafka is gone" in remarks(record=None)
    assert remarks(record=None, blueprint="") == ""


def test_a_running_action_set_without_a_task_pod_is_reported():
    stuck = replace(RAN, state=ActionState.RUNNING)
    assert "but they have no task pod: backupprehook-x" in remarks(OURS, 1, 1, action_sets=(stuck,))
    assert "without a task pod" not in remarks(OURS, 1, 1, action_sets=(stuck,), tasks=STOP)


@pytest.mark.parametrize(
    ("watchdog", "arm"),
    [
        (None, WatchdogCondition.ABSENT),
        (WatchdogState(0, 0), WatchdogCondition.IDLE),
        (WatchdogState(1, 0), WatchdogCondition.STARTING),
        (WatchdogState(1, 1), WatchdogCondition.ARMED),
    ],
)
def test_watchdog(watchdog, arm):
    assert assess(observed(watchdog=watchdog)).arm is arm


def test_action_set_of_the_run_is_found_by_its_time():
    later = replace(RAN, name="later", created="2026-01-02T03:04:09Z")
    older = replace(RAN, name="older", created="2026-01-02T02:00:00Z")
    status = assess(observed(OURS, 0, 0, "stopped", action_sets=(later, RAN, older)))
    assert status.action_set is RAN
    assert assess(observed(OURS, 0, 0, "stopped", action_sets=(later, older))).action_set is None


def test_run_that_is_over_is_history():
    status = assess(observed(state="running", action_sets=(RAN,)))
    assert (status.run, status.action_set) == ("", None)


def test_action_set_at_work_goes_before_that_of_the_run():
    other = replace(RAN, name="restart", job="j2", state=ActionState.RUNNING)
    seen = observed(OURS, 0, 0, "stopped", action_sets=(other, RAN))
    assert assess(seen).action_set is other
    busy = replace(seen, tasks=(TaskPod("p", "restart", "j1"),))
    assert assess(busy).action_set is RAN


@pytest.mark.parametrize(
    ("text", "second"),
    [("2026-01-02T03:04:05Z", 5), ("2026-01-02T03:04:06.123456789Z", 6), ("", None), ("x", None)],
)
def test_times_with_any_number_of_decimals(text, second):
    found = parse_timestamp(text)
    assert (found and found.second) == second


def test_next_step_is_an_exact_command():
    assert assess(observed(OURS, 0, 0, "stopped")).next[-1] == (
        "  kanister-kafka resume my-cluster -n kafka"
    )
    backup = replace(RAN, name="backup-1", action="backup", artifacts={"a": {}})
    failed = replace(backup, name="backup-2", state=ActionState.FAILED)
    gone = assess(observed(None, 0, 0, "stopped", action_sets=(failed, backup)))
    assert gone.next[-1] == ("  kanister-kafka run restore my-cluster -n kafka --from backup-1")


TRIED = replace(
    RAN,
    name="restore-1",
    action="restore",
    state=ActionState.FAILED,
    inputs={"kafka": {"keyValue": {"backup": "20260101030405"}}},
)
HALTED = {"state": "restoring", "since": "2026-01-02T03:04:09Z", "run": "2026-01-02T03:04:05.9Z"}
HALTED |= {"action": "restore", "before": "202601020304059"}


def halted(**changed):
    """A restore that failed because a client did not stop: nothing was replaced yet."""
    facts = {
        "kafka": OURS,
        "record": HALTED,
        "writers": (QUIET,),
        "newest_pod": "2026-01-01T03:04:05Z",
        "action_sets": (TRIED,),
        **changed,
    }
    return observed(**facts)


def test_a_restore_that_failed_is_run_again_or_undone():
    again = "  kanister-kafka restore 20260101030405 -n kafka --kafka my-cluster --overwrite"
    undo = "  kanister-kafka run resume my-cluster -n kafka"
    assert assess(halted()).next[1::2] == (again, undo)
    there = assess(halted(context="prod")).next[1::2]
    assert there == (f"{again} --context prod", f"{undo} --context prod")


def test_a_restore_by_scripts_that_named_only_the_second_is_undone_too():
    status = assess(halted(record=HALTED | {"before": "20260102030405"}))
    assert status.next[-1] == "  kanister-kafka run resume my-cluster -n kafka"


@pytest.mark.parametrize(
    "changed",
    [
        {"ready": 1},
        {"pods": 3, "ready": 3},
        {"ready": 0, "pods": 0},
        {"pods_known": False},
        {"action_sets_known": False},
        {"newest_pod": "2026-01-02T03:05:05Z"},
        {"newest_pod": "2026-01-02T03:04:01Z"},
        {"newest_pod": ""},
        {"record": HALTED | {"before": "202601020304059 20260101010101"}},
        {"record": HALTED | {"before": "202601020304058"}},
        {"record": HALTED | {"before": "20260101010101"}},
        {"record": HALTED | {"before": ""}},
        {"record": HALTED | {"action": "beforeRestore"}},
        {"record": HALTED | {"since": ""}},
        {"record": HALTED | {"run": ""}},
        {"action_sets": (replace(TRIED, state=ActionState.RUNNING),)},
        {"tasks": (TaskPod("p", "", "j"),)},
        {"tasks": (TaskPod("p", "restoreStop", "j"),)},
        {"blueprint": ""},
    ],
)
def test_a_restore_that_may_have_replaced_objects_is_not_undone(changed):
    status = assess(halted(**changed))
    assert status.condition is KafkaCondition.RESTORING
    assert "resume" not in "\n".join(status.next)
    assert manual_commands(status.observed) == ()


def test_resume_does_not_start_what_is_being_restored(cluster):
    add_kafka(cluster, annotations={"strimzi.io/pause-reconciliation": "true"} | MEMO)
    add_blueprint(cluster, backup=("backup",), restore=("restore",))
    data = {"state": "restoring", "run": "2026-01-02T03:04:05.678Z"}
    cluster.add("configmaps", "kafka", "my-cluster-kanister-kafka", data=data)
    add_switch(cluster)
    for words in (["resume"], ["resume", "--dry-run"]):
        done = CliRunner().invoke(main, [*words, "my-cluster", "-n", "kafka"])
        assert done.exit_code == 1
        assert "is being restored" in done.stderr
        assert "By hand" not in done.stderr
        assert "kubectl" not in done.stderr
    assert cluster.writes == []


def test_pods_that_may_not_be_listed_are_not_none(cluster):
    add_kafka(cluster)
    add_blueprint(cluster, backup=("backup",))
    cluster.add("configmaps", "kafka", "my-cluster-kanister-kafka", data={"state": "running"})
    add_switch(cluster)
    cluster.refusals.append(("GET", "/pods$", 403))
    for words in (["status"], ["resume"], ["resume", "--dry-run"]):
        done = CliRunner().invoke(main, [*words, "my-cluster", "-n", "kafka"])
        assert done.exit_code == 2
        assert "its pods cannot be listed" in done.output
        assert "has no pods" not in done.output
        assert "0 of 2" not in done.output
        assert "kubectl auth can-i list pods -n kafka" in done.output
    done = CliRunner().invoke(main, ["status", "-A"])
    assert done.exit_code == 2
    done = CliRunner().invoke(main, ["status", "my-cluster", "-n", "kafka", "-o", "json"])
    tree = json.loads(done.stdout)
    assert (tree["state"], tree["runs"]) == ("unknown", False)
    assert [(node["there"], node["ready"]) for node in tree["nodes"]] == [(None, None)]
    assert cluster.writes == []


def test_without_the_right_to_list_pods_nothing_is_started_by_hand():
    assert manual_commands(observed(OURS, 0, 0, "stopped", pods_known=False)) == ()
    stuck = replace(RAN, state=ActionState.RUNNING)
    assert "without a task pod" not in remarks(UP, pods_known=False, action_sets=(stuck,))


def test_commands_are_for_the_context_of_the_command():
    seen = observed(replace(OURS, restart_by=NOW), 0, 0, "stopped", context="a b", writers=(QUIET,))
    commands = list(manual_commands(seen))
    assert len(commands) == 2
    for condition in KafkaCondition:
        commands += [line for line in next_steps(condition, seen) if line.startswith("  ")]
    assert len(commands) > 15
    assert [line for line in commands if "--context 'a b'" not in line] == []


def test_what_is_left_behind_on_a_running_kafka_is_put_in_order_by_resume():
    left = assess(observed(state="quiescing"))
    assert left.runs
    assert left.next[-1] == "  kanister-kafka resume my-cluster -n kafka"
    for seen in (observed(state="running"), observed(), observed(record=None)):
        assert assess(seen).next == ("Nothing to do.",)


def test_manual_commands_undo_all_changes_in_order():
    paused = replace(MIRROR, kind="KafkaConnect", name="c", pause_before="value:false")
    bare = replace(MIRROR, name="bare", replicas=0)  # its memo is lost, the record has the count
    seen = observed(
        replace(OURS, restart_by=NOW),
        workloads=(
            WorkloadState(
                name="my-cluster-kafka", expected=3, pods=0, ready=0, replicas_before="3"
            ),
        ),
        writers=(QUIET, paused, bare),
        record={"replicas.KafkaMirrorMaker2.other.bare": "2"},
    )
    memo = '{"metadata":{"annotations":{"kanister-kafka.io/replicas-before":null}},"spec":'
    mirrors = "kafkamirrormaker2s.v1beta2.kafka.strimzi.io"
    pause, before = "strimzi.io/pause-reconciliation", "kanister-kafka.io/pause-before"
    assert manual_commands(seen) == (
        "kubectl patch statefulsets.apps my-cluster-kafka -n kafka --type merge "
        f"-p '{memo}{{\"replicas\":3}}}}'",
        "kubectl annotate kafkas.v1beta2.kafka.strimzi.io my-cluster -n kafka --overwrite "
        f"{pause}- {before}- kanister-kafka.io/restart-by-",
        f"kubectl patch {mirrors} mirror -n other --type merge -p '{memo}{{\"replicas\":3}}}}'",
        f"kubectl annotate {mirrors} c -n other --overwrite {pause}=false {before}-",
        f"kubectl patch {mirrors} bare -n other --type merge -p '{memo}{{\"replicas\":2}}}}'",
    )
    assert manual_commands(observed()) == ()


def test_the_text_has_every_fact_and_no_control_character():
    seen = observed(
        replace(OURS, restart_by="2026-01-02T04:04:05Z"),
        0,
        0,
        watchdog=WatchdogState(1, 1),
        writers=(QUIET,),
        action_sets=(RAN,),
        record={
            "state": "stopped",
            "since": NOW,
            "run": NOW,
            "action": "backupPrehook",
            "clusterId": "c1",
            "nodeIds.dual": "[0,1]",
            "failure": "2026-01-01T00:00:00Z stop: \x1b[2J",
        },
    )
    text = status_text(assess(seen), AT)
    for words in (
        "Kafka kafka/my-cluster is stopped by a backup; "
        "stopped with it: KafkaMirrorMaker2 other/mirror",
        "since         2026-01-02T03:04:05Z (10m ago)",
        "stopped       by backupPrehook begun 2026-01-02T03:04:05Z",
        "kasten-io/backupprehook-x: backupPrehook complete",
        "node ids      dual [0,1]",
        "armed, restarts it at 2026-01-02T04:04:05Z (in 50m)",
        "KafkaMirrorMaker2 other/mirror: 0 replicas, 3 before the backup",
        "last failure  2026-01-01T00:00:00Z stop: \\x1b[2J",
    ):
        assert words in text
    assert "\x1b" not in text


def test_json_has_the_same_for_machines():
    tree = json.loads(status_json(assess(observed(OURS, 0, 0, "stopped", writers=(QUIET,))), AT))
    assert (tree["state"], tree["runs"], tree["since"]) == ("stopped", False, NOW)
    assert tree["nodes"] == [
        {"name": "my-cluster-dual", "expected": 2, "there": 0, "ready": 0, "replicasBefore": None}
    ]
    assert tree["writers"][0]["replicasBefore"] == "3"
    assert tree["switch"] == {"state": "idle", "restartBy": None}
    assert tree["next"][-1] == "kanister-kafka resume my-cluster -n kafka"
    assert json.loads(status_json(assess(observed(None, 0, 0)), AT))["kafka"] is None


# What is seen of a live cluster


@pytest.fixture
def cluster(configure):
    with serving() as cluster:
        configure(cluster.url)
        yield cluster


def look(kasten_namespace=""):
    return ClusterInspector(KubeClient(), TARGET, kasten_namespace).look()


def test_the_state_is_read_from_every_resource(cluster):
    add_kafka(
        cluster,
        ready=(True, False),
        annotations={
            "strimzi.io/pause-reconciliation": "True",
            "kanister-kafka.io/pause-before": "unset",
            "kanister-kafka.io/restart-by": NOW,
        },
        status={"conditions": [{"type": "ReconciliationPaused", "status": "True"}]},
    )
    add_node(cluster, "another", 0)  # of another Kafka
    add_blueprint(cluster, "special", backupPrehook=("quiesce",))
    cluster.add(
        "configmaps",
        "kafka",
        "my-cluster-kanister-kafka",
        annotations={"kanister-kafka.io/blueprint": "kasten-io/special"},
        data={"state": "stopping"},
    )
    at_target = {"offset-syncs.topic.location": "target"}
    spec = {
        "replicas": 0,
        "connectCluster": "b",
        "clusters": [
            {"alias": "a", "bootstrapServers": "my-cluster-kafka-bootstrap.kafka.svc:9092"},
            {"alias": "b", "bootstrapServers": "elsewhere:9092"},
        ],
        "mirrors": [{"sourceCluster": "a", "sourceConnector": {"config": at_target}}],
    }
    cluster.add("kafkamirrormaker2s", "kafka", "reads-only", spec=spec)
    memo = {"kanister-kafka.io/replicas-before": "2"}
    cluster.add(
        "kafkamirrormaker2s",
        "other",
        "writes",
        annotations=memo,
        spec={**spec, "connectCluster": "a", "mirrors": [{"sourceCluster": "b"}]},
    )
    cluster.add(
        "deployments",
        "kafka",
        "my-cluster-kanister-kafka-switch",
        spec={"replicas": 1},
        status={"readyReplicas": 1},
    )
    for blueprint in ("special", "foreign"):
        actions = [{"name": "backupPrehook", "blueprint": blueprint, "object": {}}]
        cluster.add("actionsets", "kasten-io", f"as-{blueprint}", spec={"actions": actions})
    add_task(cluster, "t1", "stop", job="j1")
    add_task(cluster, "t2", "stop", job="j1", kafka="another")
    cluster.add(
        "events",
        "kafka",
        "e",
        involvedObject={"kind": "Kafka", "name": "my-cluster"},
        type="Normal",
        reason="Stopped",
        message="stopped",
        lastTimestamp=NOW,
        count=2,
    )
    cluster.add("events", "kafka", "f", involvedObject={"kind": "Pod", "name": "my-cluster"})

    seen = look()
    assert seen.kafka is not None
    assert seen.kafka.paused
    assert seen.kafka.acknowledged
    assert (seen.kafka.pause_before, seen.kafka.restart_by) == ("unset", NOW)
    assert seen.workloads == (WorkloadState(name="my-cluster-dual", expected=2, pods=2, ready=1),)
    assert [(str(w), w.quiesced) for w in seen.writers] == [
        ("KafkaMirrorMaker2 other/writes", True)
    ]
    assert seen.watchdog == WatchdogState(1, 1)
    assert seen.blueprint == "kasten-io/special"
    assert [found.name for found in seen.action_sets] == ["as-special"]
    assert [(t.pod, t.phase) for t in seen.tasks] == [("t1", "stop"), ("t2", "")]
    assert [(e.reason, e.count) for e in seen.events] == [("Stopped", 2)]
    assert seen.unreadable == ()


def test_nothing_but_the_record_is_left(cluster):
    del cluster.kinds["cr.kanister.io", "v1alpha1"]
    cluster.add("kafkas", "kafka", "survivor")
    cluster.add("configmaps", "kafka", "my-cluster-kanister-kafka", data={"clusterId": "c1"})
    status = assess(look())
    assert status.condition is KafkaCondition.GONE
    assert "namespace kafka has Kafka survivor" in status.remarks
    assert status.observed.unreadable == ("Kanister: it is not installed on this cluster",)
    assert "c1" in status_text(status, AT)


def test_without_strimzi_at_all(cluster):
    for group in ("kafka.strimzi.io", "core.strimzi.io"):
        del cluster.kinds[group, "v1beta2"]
    assert assess(look()).condition is KafkaCondition.GONE


def test_what_may_not_be_listed_is_reported(cluster):
    add_kafka(cluster)
    cluster.refusals += [
        ("GET", "/v1beta2/kafkamirrormaker2s$", 403),
        ("GET", "events", 403),
        ("GET", "actionsets", 403),
        ("GET", "blueprints/", 403),
    ]
    seen = look()
    assert assess(seen).condition is KafkaCondition.RUNNING
    assert len(seen.unreadable) == 5
    # Without a state ConfigMap only its Blueprint could name one that was renamed.
    assert "a Blueprint that was renamed is not seen" in seen.unreadable[0]
    assert "kafkamirrormaker2s of other namespaces" in seen.unreadable[1]


def test_kafka_that_we_would_not_back_up_is_still_looked_at(cluster):
    add_kafka(cluster, annotations={"strimzi.io/kraft": "migration"})
    cluster.change(
        "kafkas", "kafka", "my-cluster", {"spec": {"kafka": None, "zookeeper": {"replicas": 3}}}
    )
    cluster.add("kafkaconnects", "kafka", "broken", spec={"bootstrapServers": 7})
    assert [(w.name, w.expected, w.ready) for w in look().workloads] == [
        ("my-cluster-zookeeper", 3, 0),
        ("my-cluster-dual", 2, 2),
    ]


def test_stateful_sets_show_their_former_replicas(cluster):
    memo = {"kanister-kafka.io/replicas-before": "3"}
    labels = {"strimzi.io/cluster": "my-cluster", "strimzi.io/kind": "Kafka"}
    cluster.add("kafkas", "kafka", "my-cluster", spec={"kafka": {"replicas": 3}})
    cluster.add("statefulsets", "kafka", "my-cluster-kafka", labels=labels, annotations=memo)
    named = {**labels, "strimzi.io/name": "my-cluster-kafka"}
    cluster.add("pods", "kafka", "my-cluster-kafka-2", labels=named)  # no controller-name
    (workload,) = look().workloads
    assert (workload.expected, workload.pods, workload.replicas_before) == (3, 1, "3")


def test_the_phase_is_that_of_its_pod() -> None:
    """As it is rendered: Kanister puts the command into the container of the podOverride."""
    reading = read_cluster(load([str(ROOT / "examples" / "kraft-separate-pools")]).documents)
    assert reading.cluster is not None
    blueprint = rendered_blueprint(render(build_plan(reading.cluster, Options(), reading.problems)))
    phases = [
        phase
        for action in blueprint["actions"].values()
        for phase in (*action["phases"], *filter(None, [action.get("deferPhase")]))
    ]
    assert len(phases) > 4
    for phase in phases:
        (container,) = phase["args"]["podOverride"]["containers"]
        pod = {"spec": {"containers": [{**container, "command": phase["args"]["command"]}]}}
        assert phase_of(pod, "my-cluster") == phase["args"]["command"][3] != ""
        assert phase_of(pod, "other") == ""


@pytest.mark.parametrize(
    ("command", "phase"),
    [
        (["env", "CLUSTER=my-cluster", "A=b", "bash", "-c", "script", "stop", "1"], "stop"),
        (["env", "CLUSTER=other", "bash", "-c", "script", "stop"], ""),
        (["env", "CLUSTER=my-cluster", "bash"], ""),
        (["bash", "-c", "script", "stop"], ""),
    ],
)
def test_the_phase_of_a_pod_of_an_earlier_version_is_recognised(command, phase) -> None:
    assert phase_of({"spec": {"containers": [{"command": command}]}}, "my-cluster") == phase


def add_switch(cluster):
    spec = {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}}
    cluster.add("deployments", "kafka", "my-cluster-kanister-kafka-switch", spec=spec)


def add_both(cluster, **fields):
    """A Blueprint and a watchdog that pin scripts; returns their name."""
    spec = add_scripts(cluster, **fields)
    args = {"namespace": "kafka", "podOverride": spec}
    action = {"phases": [{"func": "KubeTask", "name": "quiesce", "args": args}]}
    notes = {constants.VERSION: __version__, constants.OPTIONS: "--image-pull-secret 'a b'"}
    actions = {"backupPrehook": action}
    cluster.add("blueprints", "kasten-io", "kafka.my-cluster", actions=actions, annotations=notes)
    template = {"template": {"spec": spec}, "replicas": 0}
    cluster.add("deployments", "kafka", "my-cluster-kanister-kafka-switch", spec=template)
    return str(spec["volumes"][0]["configMap"]["name"])


def test_intact_scripts_are_not_reported(cluster):
    add_kafka(cluster)
    add_both(cluster)
    assert look().unusable_scripts == ()


def test_scripts_that_are_gone_are_reported(cluster):
    add_kafka(cluster)
    name = add_both(cluster)
    cluster.drop("configmaps", "kafka", name)
    seen = look()
    assert [one.kind for one in seen.unusable_scripts] == ["Blueprint", "Deployment"]
    assert assess(seen).remarks[:2] == tuple(one.text for one in seen.unusable_scripts)
    assert seen.unusable_scripts[0].text == (
        f"ConfigMap {name}, the scripts of Blueprint kafka.my-cluster, is gone, so what needs it "
        "fails: kanister-kafka apply --from-cluster my-cluster -n kafka --image-pull-secret 'a b'"
    )


OPTIONS = "--engine kanister --strategy online --export-profile s3"
APPLY = "kanister-kafka apply --from-cluster my-cluster -n kafka"
UNSURE = "  # add the options of its Blueprint, which cannot be read"


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        ({constants.VERSION: "1", constants.OPTIONS: OPTIONS}, f"{APPLY} {OPTIONS}"),
        ({constants.VERSION: "1"}, APPLY),
        ({constants.VERSION: "1", constants.OPTIONS: "--a b; rm *"}, f"{APPLY} --a 'b;' rm '*'"),
        ({constants.VERSION: "1", constants.OPTIONS: "--a '"}, f"{APPLY}{UNSURE}"),
        ({}, f"{APPLY}{UNSURE}"),
        (None, f"{APPLY}{UNSURE}"),
    ],
)
def test_what_is_applied_again_has_the_options_of_the_blueprint(origin, command):
    """Else the remedy would take away actions and turn an online backup into one with a stop."""
    blueprint = {"metadata": {"name": "kafka.my-cluster", "annotations": origin}}
    origin_ = Provenance.of(blueprint if origin is not None else {})
    seen = observed(OURS, 0, 0, "stopped", watchdog=None, origin=origin_)
    with pytest.raises(ActionError) as refused:
        check_resumable(assess(seen))
    assert str(refused.value).endswith(f"\n  {command}")
    there = replace(seen, context="prod")
    with pytest.raises(ActionError, match="-n kafka --context prod"):
        check_resumable(assess(there))
    request = ActionRequest(
        target=TARGET,
        action="restore",
        blueprint=AppliedBlueprint("kafka.my-cluster", "kasten-io", {}, origin=origin_),
    )
    with pytest.raises(ActionError) as refused:
        check_retention(request, "hold")
    assert str(refused.value).endswith(f"\n  {command}")
    with pytest.raises(ActionError, match="-n kafka --context prod"):
        check_retention(request, "hold", "prod")


def test_scripts_of_an_unreadable_blueprint_have_a_remedy_with_a_caution(cluster):
    add_kafka(cluster)
    cluster.drop("configmaps", "kafka", add_both(cluster))
    cluster.refusals.append(("GET", "/blueprints/", 403))
    (text,) = (one.text for one in look().unusable_scripts)
    assert text.endswith(f"{APPLY}{UNSURE}")


def test_scripts_that_were_altered_are_reported(cluster):
    add_kafka(cluster)
    name = add_both(cluster, data={"stop.sh": "# stops nothing"})
    first, _second = look().unusable_scripts
    assert (
        f"was altered, so what needs it fails: kubectl delete configmap {name} -n kafka, and"
        in (first.text)
    )


def test_scripts_that_may_not_be_read_are_not_called_gone(cluster):
    add_kafka(cluster)
    name = add_both(cluster)
    cluster.refusals.append(("GET", f"configmaps/{name}", 403))
    seen = look()
    assert (seen.unusable_scripts, seen.unreadable) == (
        (),
        (f"ConfigMap {name}: it may not be read",),
    )


# How often the API server is asked


def test_a_kafka_that_may_not_be_read_hides_no_other(configure):
    with serving() as cluster:
        configure(cluster.url)
        add_kafka(cluster)
        spec = {"kafka": {"version": "3.9.2", "listeners": []}}
        for namespace in ("first", "second"):
            cluster.add("kafkas", namespace, "other", spec=spec, status={})
            cluster.refusals.append(("GET", f"/namespaces/{namespace}/", 403))
        done = CliRunner().invoke(main, ["status", "-A"])
        assert done.exit_code == 2
        assert done.stdout.startswith("1 of 3 Kafkas run as they should\n")
        assert "kafka/my-cluster" in done.stdout
        heads = [line.partition(": ")[2] for line in done.stderr.splitlines()]
        assert [head.partition(": ")[0] for head in heads] == [
            "Kafka first/other",
            "Kafka second/other",
        ]


def reads(cluster):
    return [(path, str(query)) for method, path, query in cluster.asked if method == "GET"]


def test_status_asks_for_nothing_twice(configure):
    with serving() as cluster:
        configure(cluster.url)
        add_kafka(cluster)
        blueprint = add_blueprint(cluster, backupPrehook=("stop",))
        notes = {constants.INPUT_HASH: "x", constants.VERSION: __version__, constants.OPTIONS: ""}
        blueprint["metadata"]["annotations"] = notes  # so that it is compared with the cluster
        done = CliRunner().invoke(main, ["status", "my-cluster", "-n", "kafka"])
        assert done.exit_code == 0, done.output
        asked = reads(cluster)
        assert ("/apis", "{}") in asked  # the reader of a plan has looked as well
        assert len(asked) == len(set(asked))


def test_a_write_ends_the_moment_of_reads(configure):
    with serving() as cluster:
        configure(cluster.url)
        add_kafka(cluster)
        connection = KubeClient()
        pods = connection.kind("v1", "Pod")
        names = lambda: [item["metadata"]["name"] for item in connection.items(pods, "kafka")]  # noqa: E731
        with connection.one_moment():
            before = names()
            cluster.drop("pods", "kafka", "my-cluster-dual-0")
            assert names() == before
            with connection.one_moment():
                assert names() == before
            connection.delete(pods, "my-cluster-dual-1", "kafka")
            assert names() == []
        assert connection.items(pods, "kafka") == ()


def test_a_list_of_action_sets_that_fails_is_not_an_empty_one(cluster):
    add_kafka(cluster)
    add_blueprint(cluster, backupPrehook=("quiesce",))
    cluster.refusals.append(("GET", "/actionsets$", 404))  # their definition is replaced
    with pytest.raises(UnreachableError, match="cannot list actionsets"):
        look()
