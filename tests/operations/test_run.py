from __future__ import annotations

import pytest

from kanister_kafka.errors import ActionError, ForbiddenError, NotFoundError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.kube.objects import PodReadiness
from kanister_kafka.kube.pods import MAX_POD_MESSAGE
from kanister_kafka.operations import resume, start_action, task_pods
from kanister_kafka.operations.action_follower import Follower, FollowIntervals
from kanister_kafka.operations.actionset import (
    ActionPhase,
    ActionState,
    new_action_set,
    read_action_set,
)
from kanister_kafka.operations.events import (
    ActionFinished,
    ActionResult,
    ApiRecovered,
    ApiUnavailable,
    Heartbeat,
    LogLine,
    PhaseFinished,
    PhaseMark,
    PhasesDiscovered,
    PhaseStarted,
    Progress,
)
from kanister_kafka.operations.events import PodProblem as Said
from kanister_kafka.operations.inspector import ClusterInspector
from kanister_kafka.strimzi.discovery import KafkaRef, expected_nodes, find_target
from tests.fakes.cluster import Kanister, add_blueprint, add_kafka, add_task, serving
from tests.fakes.fake_time import FakeTime

TARGET = KafkaRef("kafka", "my-cluster")
STOP = ("quiesce", "flush", "stop", "recover?")
KANISTERS_ERROR = (
    '{"pod":"kanister-job-n88nr"}: Failed while waiting for Pod to complete: Pod failed to '
    'complete in time: {"message":"Pod failed or did not transition into complete state",'
    '"function":"github.com/kanisterio/kanister/pkg/kube.getErrorFromLogs","linenumber":383,'
    '"cause":{"message":"18:28:51 quiesce: checking the rights\\r\\n18:28:53 quiesce: FAILED while '
    'checking the rights: the account lacks \\"create\\"; ask\\r\\nlast","function":"github.com",'
    '"details":{"podName":"kanister-job-n88nr","status":"\\u0026PodStatus{Phase:Failed}"}}}'
)
"""As Kanister 0.119 gave it, shortened."""


@pytest.fixture
def cluster(configure):
    with serving(FakeTime()) as cluster:
        configure(cluster.url)
        add_kafka(cluster)
        add_blueprint(cluster, backupPrehook=STOP, resume=("resume",), backup=("one",))
        yield cluster


def begin(action="backupPrehook", **wanted):
    connection = KubeClient()
    blueprint = start_action.find_blueprint(connection, "kafka.my-cluster", "kasten-io")
    asked = start_action.ActionRequest(target=TARGET, action=action, blueprint=blueprint, **wanted)
    return connection, start_action.start_action(connection, asked, job="j1")


def followed(cluster, action="backupPrehook", **options):
    connection, watched = begin(action)
    return list(Follower(connection, watched, clock=cluster.time.clock, **options).events())


def kept(events, *kinds):
    return [event for event in events if isinstance(event, kinds)]


def over(events):
    (last,) = kept(events, ActionFinished)
    assert events[-1] is last
    return last


# The ActionSet itself


def test_action_set_is_for_the_namespace_and_knows_its_pods():
    made = new_action_set(
        "backupPrehook",
        blueprint="kafka.my-cluster",
        namespace="kasten-io",
        target="kafka",
        cluster="my-cluster",
        job="j1",
        options=[("a", "b")],
    )
    assert made["metadata"]["generateName"] == "backupprehook-kafka-my-cluster-"
    assert made["metadata"]["labels"]["kanister.io/JobID"] == "j1"
    (action,) = made["spec"]["actions"]
    assert action["object"] == {"kind": "Namespace", "name": "kafka", "namespace": "kafka"}
    assert action["options"] == {"a": "b"}
    assert "artifacts" not in action


def test_long_names_are_cut_for_the_suffix_of_the_server():
    made = new_action_set(
        "backupPrehook", blueprint="b", namespace="n", target="t" * 60, cluster="c", job="j"
    )
    assert len(made["metadata"]["generateName"]) + 5 <= 63
    assert not made["metadata"]["generateName"].endswith("--")


@pytest.mark.parametrize(
    ("state", "phase", "deferred", "running", "ended"),
    [
        ("", None, None, "", False),
        ("running", "running", ("recover", "pending"), "stop", False),
        ("running", "complete", ("recover", "pending"), "recover", False),
        ("failed", "failed", ("recover", "pending"), "recover", False),
        ("failed", "failed", ("recover", "pending"), "", False),
        ("failed", "failed", ("recover", "complete"), "", True),
        ("failed", "failed", ("recover", "failed"), "", True),
        ("failed", "failed", ("", ""), "", True),
        ("complete", "complete", ("recover", "complete"), "", True),
        ("attempted", "running", ("", ""), "stop", False),
    ],
)
def test_an_action_has_ended_when_its_defer_phase_has(state, phase, deferred, running, ended):
    status = {"state": state, "progress": {"runningPhase": running}}
    if phase:
        name, at = deferred
        phases = [{"name": "stop", "state": phase}]
        status["actions"] = [{"phases": phases, "deferPhase": {"name": name, "state": at}}]
    found = read_action_set({"metadata": {"name": "a"}, "spec": {"actions": []}, "status": status})
    assert found.ended is ended
    assert (found.running.name if found.running else "") == running


def test_defer_phase_counts_as_running_only_when_it_is_its_turn():
    status = {
        "state": "running",
        "progress": {"runningPhase": "stop"},
        "actions": [
            {
                "phases": [{"name": "stop", "state": "running"}],
                "deferPhase": {"name": "recover", "state": "pending"},
            }
        ],
    }
    found = read_action_set({"metadata": {"name": "a"}, "status": status})
    assert found.phases == (
        ActionPhase("stop", ActionState.RUNNING),
        ActionPhase("recover", ActionState.PENDING, deferred=True),
    )


# What is there


@pytest.mark.usefixtures("cluster")
def test_missing_blueprint_names_those_that_are_there():
    with pytest.raises(NotFoundError, match=r"no Blueprint nope .* which has kafka\.my-cluster"):
        start_action.find_blueprint(KubeClient(), "nope", "kasten-io")


@pytest.mark.usefixtures("cluster")
def test_missing_action_names_those_that_are_there():
    found = start_action.find_blueprint(KubeClient(), "kafka.my-cluster", "kasten-io")
    with pytest.raises(ActionError, match="no action stop; it has backup, backupPrehook, resume"):
        start_action.check_action(found, "stop")


def test_without_kanister(cluster):
    del cluster.kinds["cr.kanister.io", "v1alpha1"]
    with pytest.raises(NotFoundError, match="Kanister is not installed"):
        start_action.find_blueprint(KubeClient(), "kafka.my-cluster", "kasten-io")


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({"state": "running"}, "is running, not complete"),
        ({}, "is not begun, not complete"),
        ({"state": "complete", "actions": [{}]}, "no artifacts"),
    ],
)
def test_only_a_complete_backup_can_be_restored(cluster, status, message):
    cluster.add("actionsets", "kasten-io", "old", spec={"actions": []}, status=status)
    with pytest.raises(ActionError, match=message):
        start_action.find_action_set(KubeClient(), "old", "kasten-io")


def test_artifacts_are_handed_on(cluster):
    artifacts = {"snapshots": {"keyValue": {"names": "a,b"}}}
    status = {"state": "complete", "actions": [{"artifacts": artifacts}]}
    cluster.add("actionsets", "kasten-io", "old", spec={"actions": []}, status=status)
    origin = start_action.find_action_set(KubeClient(), "old", "kasten-io")
    assert list(start_action.artifact_lines(origin)) == ["snapshots: names=a,b"]
    begin("backup", origin=origin)
    ((_, _, _, body),) = [write for write in cluster.writes if write[0] == "POST"]
    assert body["spec"]["actions"][0]["artifacts"] == artifacts


def test_the_target_is_the_only_kafka_or_that_of_a_state_config_map(cluster):
    assert find_target(KubeClient(), "kafka", "") == TARGET
    assert expected_nodes(KubeClient(), TARGET) == 2
    cluster.add("kafkas", "kafka", "other")
    with pytest.raises(NotFoundError, match="name one: my-cluster, other"):
        find_target(KubeClient(), "kafka", "")
    cluster.drop("kafkas", "kafka", "other")
    cluster.drop("kafkas", "kafka", "my-cluster")
    with pytest.raises(NotFoundError, match="no Kafka in namespace kafka"):
        find_target(KubeClient(), "kafka", "")
    labels = {"app.kubernetes.io/managed-by": "kanister-kafka"}
    cluster.add("configmaps", "kafka", "gone-kanister-kafka", labels=labels)
    assert find_target(KubeClient(), "kafka", "") == KafkaRef("kafka", "gone")


def test_an_action_set_whose_creation_timed_out_is_followed(cluster):
    original = cluster.answer

    def answer(method, path, query, body):
        status, found = original(method, path, query, body)
        return (504, {"message": "too late"}) if method == "POST" else (status, found)

    cluster.answer = answer
    _, watched = begin()
    assert [watched.action_set.name] == [
        key[2] for key in cluster.objects if key[0] == "actionsets"
    ]


# Following


def test_phases_and_lines_arrive_in_their_order(cluster):
    Kanister(cluster, says={"quiesce": ["12:00:00 quiesce: one", "###Phase-output###: {}"]})
    events = followed(cluster)
    assert kept(events, PhasesDiscovered) == [
        PhasesDiscovered(("quiesce", "flush", "stop", "recover"))
    ]
    assert [e.phase for e in kept(events, PhaseStarted)] == ["quiesce", "flush", "stop", "recover"]
    assert all(e.ok and e.seconds > 0 for e in kept(events, PhaseFinished))
    assert kept(events, LogLine) == [
        LogLine("quiesce", "kanister-job-quiesce", "12:00:00 quiesce: one")
    ]
    assert Heartbeat(PodReadiness(2, 2, 2)) in events
    assert over(events) == ActionFinished(ActionResult.DONE, "")
    printed = next(i for i, e in enumerate(events) if isinstance(e, LogLine))
    ended = next(i for i, e in enumerate(events) if isinstance(e, PhaseFinished))
    assert printed < ended


def test_failure_ends_only_with_the_defer_phase_and_gives_the_first_reason(cluster):
    says = {
        "flush": ["12:00:01 flush: flushing", "12:00:02 flush: FAILED while flushing: disk full"],
        "recover": ["12:00:03 recover: FAILED while starting: no room"],
    }
    Kanister(cluster, fails=("flush", "recover"), says=says)
    events = followed(cluster)
    assert [(e.phase, e.ok) for e in kept(events, PhaseFinished)] == [
        ("quiesce", True),
        ("flush", False),
        ("recover", False),
    ]
    assert over(events) == ActionFinished(
        ActionResult.FAILED, "flush: FAILED while flushing: disk full"
    )


def test_without_its_output_the_reason_is_taken_from_kanisters_error(cluster):
    Kanister(cluster, fails=("flush",), says={"flush": ["flush: FAILED while flushing: disk full"]})
    assert over(followed(cluster, logs=False)).reason == "flush: FAILED while flushing: disk full"


def test_action_that_cannot_be_launched_never_runs_its_defer_phase(cluster):
    Kanister(cluster, launch_error="namespaces is forbidden: no\nmore")
    assert over(followed(cluster)) == ActionFinished(
        ActionResult.FAILED, "namespaces is forbidden: no"
    )


def test_an_action_set_that_no_controller_starts_is_deleted(cluster):
    events = followed(cluster)
    assert over(events).end is ActionResult.UNTAKEN
    assert not [key for key in cluster.objects if key[0] == "actionsets"]


def test_one_that_is_taken_up_in_the_last_moment_is_not_deleted(cluster):
    kanister = Kanister(cluster)
    cluster.on_create.clear()
    original, taken = cluster.one, []

    def one(method, key, rest, query, body):
        if method == "DELETE" and not taken:  # the controller comes between look and delete
            taken.append(key)
            made = cluster.change(*key, {"status": {"state": "pending"}})
            cluster.start(kanister.run, made)
        return original(method, key, rest, query, body)

    cluster.one = one
    assert over(followed(cluster)).end is ActionResult.DONE
    assert taken


@pytest.mark.parametrize("leaves_pod", [True, False])
def test_controller_that_is_restarted_forgets(cluster, leaves_pod):
    Kanister(cluster, stops_in="flush")
    if not leaves_pod:
        cluster.after(20, cluster.drop, "pods", "kafka", "kanister-job-flush")
    last = over(followed(cluster))
    assert last.end is ActionResult.LOST
    assert "flush" in last.reason


def test_phase_that_needs_no_pod_is_not_taken_for_lost(cluster):
    add_blueprint(cluster, backupPrehook=STOP)
    blueprint = cluster.objects["blueprints", "kasten-io", "kafka.my-cluster"]
    for phase in blueprint["actions"]["backupPrehook"]["phases"]:
        phase["func"] = "ScaleWorkload"
    Kanister(cluster, stops_in="quiesce")
    cluster.after(20, cluster.drop, "pods", "kafka", "kanister-job-quiesce")
    events = followed(cluster, timeout=600, intervals=FollowIntervals(poll=10))
    assert over(events).end is ActionResult.TIMEOUT


def test_deleted_action_set(cluster):
    Kanister(cluster, stops_in="quiesce")
    connection, watched = begin()
    name = watched.action_set.name
    cluster.after(5, cluster.drop, "actionsets", "kasten-io", name)
    events = list(Follower(connection, watched, clock=cluster.time.clock).events())
    assert over(events) == ActionFinished(ActionResult.GONE, f"ActionSet {name} was deleted")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_api_server_that_is_away_is_reported_once_and_outlasted(cluster, status):
    Kanister(cluster, seconds=50)
    cluster.after(10, cluster.refusals.append, ("GET", "actionsets", status))
    cluster.after(80, cluster.refusals.clear)  # for longer than FollowIntervals.idle
    events = followed(cluster, intervals=FollowIntervals(poll=5))
    assert len(kept(events, ApiUnavailable)) == len(kept(events, ApiRecovered)) == 1
    assert kept(events, ApiRecovered)[0].seconds == pytest.approx(70, abs=10)
    assert over(events).end is ActionResult.DONE


def test_timeout_leaves_the_action_alone(cluster):
    Kanister(cluster, seconds=5)
    assert over(followed(cluster, timeout=3)).end is ActionResult.TIMEOUT
    assert [key for key in cluster.objects if key[0] == "actionsets"]


def test_pods_that_may_not_be_listed_are_reported(cluster):
    Kanister(cluster)
    cluster.refusals.append(("GET", "/pods", 403))
    events = followed(cluster)
    (said,) = kept(events, Said)
    assert "pods of namespace kafka may not be listed" in said.reason
    assert over(events).end is ActionResult.DONE


def test_refusal_for_good_is_raised(cluster):
    Kanister(cluster, seconds=5)
    connection, watched = begin()
    cluster.refusals.append(("GET", "actionsets", 403))
    with pytest.raises(ForbiddenError):
        list(Follower(connection, watched, clock=cluster.time.clock).events())


def test_logs_of_other_action_sets_are_not_followed(cluster):
    cluster.logs["foreign"] = ["not ours"]
    add_task(cluster, "foreign", "quiesce", job="another")
    Kanister(cluster, says={"quiesce": ["ours"]})
    assert [e.text for e in kept(followed(cluster), LogLine)] == ["ours"]


# Task pods


def test_pods_of_a_kanister_that_copies_no_label_are_known_by_their_time():
    pod = {"metadata": {"name": "p", "creationTimestamp": "2026-01-02T03:04:05Z"}}
    assert task_pods.belongs_to_run(pod, "j1", "2026-01-02T03:04:05Z")
    assert not task_pods.belongs_to_run(pod, "j1", "2026-01-02T03:04:06Z")
    pod["metadata"]["labels"] = {"kanister.io/JobID": "j2"}
    assert not task_pods.belongs_to_run(pod, "j1", "2026-01-02T03:04:05Z")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        pytest.param(
            {
                "containerStatuses": [
                    {
                        "image": "docker.io/x:1",
                        "state": {"waiting": {"reason": "ErrImagePull", "message": "no\n such"}},
                    }
                ]
            },
            "pod p: ImagePullBackOff (docker.io/x:1): no such",
            id="image",
        ),
        pytest.param(
            {
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/1 nodes are available",
                    }
                ]
            },
            "pod p: Unschedulable: 0/1 nodes are available",
            id="no room",
        ),
        pytest.param(
            {"phase": "Failed", "reason": "Evicted", "message": "low on memory"},
            "pod p: Evicted: low on memory",
            id="evicted",
        ),
        pytest.param(
            {"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]},
            "",
            id="starting",
        ),
        pytest.param({"phase": "Running", "containerStatuses": [{"state": {}}]}, "", id="well"),
    ],
)
def test_why_a_pod_cannot_start(status, words):
    assert task_pods.pod_problem({"metadata": {"name": "p"}, "status": status}) == words


def test_pod_that_cannot_start_is_reported_at_once_and_once(cluster):
    def refused(made):
        phases = [{"name": "quiesce", "state": "running"}]
        status = {"state": "running", "actions": [{"phases": phases}]}
        cluster.change("actionsets", "kasten-io", made["metadata"]["name"], {"status": status})
        job = made["metadata"]["labels"]["kanister.io/JobID"]
        for reason in ("ErrImagePull", "ImagePullBackOff"):
            waiting = {"reason": reason, "message": "no such image"}
            pod = {"containerStatuses": [{"image": "x:1", "state": {"waiting": waiting}}]}
            add_task(cluster, "p", "quiesce", job=job, status=pod)
            yield 2

    cluster.on_create.append(refused)
    events = followed(cluster, timeout=6)
    reason = "pod p: ImagePullBackOff (x:1): no such image"
    assert kept(events, Said) == [Said("quiesce", reason)]
    assert over(events) == ActionFinished(ActionResult.TIMEOUT, f"not done within 6 s; {reason}")


def test_reason_is_one_line_of_the_script():
    assert task_pods.reason_in(KANISTERS_ERROR) == (
        'quiesce: FAILED while checking the rights: the account lacks \\"create\\"; ask'
    )
    line = '12:00:00 stop: FAILED while pausing: "x" is odd'
    assert task_pods.reason_in(line) == 'stop: FAILED while pausing: "x" is odd'
    assert task_pods.reason_in("plain\nsecond") == "plain"
    assert len(task_pods.reason_in("x" * 5000)) <= MAX_POD_MESSAGE + 1


def test_log_that_breaks_off_is_read_on_without_a_line_twice(cluster):
    add_task(cluster, "p", "quiesce")
    calls = []

    def lines():
        calls.append(1)
        return ["one", "two", "three"][: len(calls) + 1]

    cluster.logs["p"] = lines
    connection = KubeClient()
    logs = task_pods.TaskPodLogs(connection, "kafka", pause=0.01)
    original = connection.log

    def log(pod, namespace, **options):
        yield from original(pod, namespace, **options)
        if len(calls) == 1:
            from kanister_kafka.errors import TransientError

            raise TransientError("broken off")

    connection.log = log
    logs.follow("p", "quiesce")
    logs.follow("p", "quiesce")  # again, which changes nothing
    logs.close(5)
    assert [line.text for line in logs.read(0)] == ["one", "two", "three"]


# What a display shows


def test_progress_follows_the_events():
    progress = Progress(100.0)
    for event in (
        PhasesDiscovered(("quiesce", "recover")),
        PhaseStarted("quiesce"),
        LogLine("quiesce", "p", "12:34:56 quiesce: waiting for two pods"),
        Heartbeat(PodReadiness(2, 1, 3)),
        ApiUnavailable("no answer"),
    ):
        progress = progress.after(event, 101.0)
    first, last = progress.rows
    assert (first.mark, first.began, first.last_line) == (
        PhaseMark.RUNNING,
        101.0,
        "waiting for two pods",
    )
    assert last.mark is PhaseMark.WAITING
    assert progress.away == "no answer"
    assert str(progress.nodes) == "1 of 3 nodes ready, 2 there"
    progress = progress.after(ApiRecovered(3.0), 104.0).after(
        PhaseFinished("quiesce", ok=False, seconds=3.0), 104.0
    )
    progress = progress.after(ActionFinished(ActionResult.FAILED, "x"), 104.0)
    assert (progress.rows[0].mark, progress.rows[0].seconds) == (PhaseMark.FAILED, 3.0)
    assert (progress.away, progress.over) == ("", ActionFinished(ActionResult.FAILED, "x"))


# Bringing it back

OURS = {"strimzi.io/pause-reconciliation": "true", "kanister-kafka.io/pause-before": "unset"}
SWITCH = "my-cluster-kanister-kafka-switch"


@pytest.fixture
def stopped(cluster):
    add_kafka(cluster, ready=(), annotations=OURS)
    for number in (0, 1):
        cluster.drop("pods", "kafka", f"my-cluster-dual-{number}")
    spec = {"replicas": 0, "selector": {"matchLabels": {"kanister-kafka.io/switch": "x"}}}
    cluster.add("deployments", "kafka", SWITCH, spec=spec)
    return cluster


def resumption(cluster, timeout=300):
    connection = KubeClient()
    inspector = ClusterInspector(connection, TARGET)
    return resume.Resume(connection, inspector, timeout=timeout, clock=cluster.time.clock)


def serve(cluster):
    add_kafka(cluster)
    cluster.change("deployments", "kafka", SWITCH, {"spec": {"replicas": 0}})


def test_switch_is_not_set_off_between_two_phases_of_a_stop(stopped):
    actions = [{"name": "backupPrehook", "blueprint": "kafka.my-cluster", "object": {}}]
    stopped.add(
        "actionsets", "kasten-io", "a", spec={"actions": actions}, status={"state": "running"}
    )
    add_task(stopped, "t", "flush")
    stopped.after(30, stopped.drop, "pods", "kafka", "t")
    begun = stopped.time.now
    for event in resumption(stopped).events():
        if event == PhaseStarted("switch"):
            break
    # ResumeIntervals.quiet seconds without any pod of its own, and it counts as forgotten.
    assert 44 < stopped.time.now - begun < 50
    assert [write[:2] for write in stopped.writes] == [
        ("PATCH", "kafkas"),
        ("PATCH", "deployments"),
    ]


def test_api_server_that_is_away_does_not_end_a_resume(stopped):
    stopped.refusals.append(("PATCH", "kafkas", 503))
    stopped.after(20, stopped.refusals.clear)
    stopped.after(50, serve, stopped)
    events = list(resumption(stopped).events())
    assert len(kept(events, ApiUnavailable)) == len(kept(events, ApiRecovered)) == 1
    assert over(events) == ActionFinished(ActionResult.DONE, "")
    assert [e.phase for e in kept(events, PhaseFinished)] == ["wait", "switch"]


def test_switch_that_puts_itself_away_too_early_is_a_failure(stopped):
    patch = {"spec": {"replicas": 0}}
    stopped.after(10, stopped.change, "deployments", "kafka", SWITCH, patch)
    last = over(list(resumption(stopped).events()))
    assert last.end is ActionResult.FAILED
    assert "is stopped by a backup" in last.reason


def test_pod_that_may_not_be_made_is_reported(stopped):
    conditions = [{"type": "ReplicaFailure", "status": "True", "message": "violates PodSecurity"}]
    stopped.change("deployments", "kafka", SWITCH, {"status": {"conditions": conditions}})
    events = list(resumption(stopped, 10).events())
    assert kept(events, Said) == [Said("switch", "violates PodSecurity")]
    assert over(events) == ActionFinished(ActionResult.TIMEOUT, "violates PodSecurity")


def test_each_restart_of_the_switchs_container_is_followed(stopped):
    def play():
        for run in (0, 1):
            stopped.logs["s"] = [f"12:00:0{run} switch: try {run}"]
            state = {"restartCount": run, "state": {"running": {}}}
            labels = {"kanister-kafka.io/switch": "x"}
            status = {"containerStatuses": [state]}
            stopped.add("pods", "kafka", "s", labels=labels, status=status)
            yield 5
        serve(stopped)

    stopped.after(2, play)
    logged = [event.text for event in kept(list(resumption(stopped).events()), LogLine)]
    assert logged == ["12:00:00 switch: try 0", "12:00:01 switch: try 1"]


@pytest.mark.parametrize("plural", ["kafkas", "deployments"])
def test_resume_ends_where_what_it_needs_is_deleted(stopped, plural):
    name = {"kafkas": "my-cluster", "deployments": SWITCH}[plural]

    # At 10 s the watchdog has been asked to bring Kafka back.
    stopped.after(10, stopped.drop, plural, "kafka", name)
    assert over(list(resumption(stopped).events())).end is ActionResult.GONE
