"""Every fault of tests/e2e/reliability.py, put into a backup on a real cluster (make reliability).

These tests kill Kanister and the operator and hold up the API server, so they ask for more than the
other ones: a Kafka in a namespace labelled kanister-kafka.io/e2e-faults=true.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from . import faults, lab
from .lab import Kafka, get, is_ready, kubectl, wait_until
from .reliability import RESULTS, SCENARIOS, Scenario, load
from .trial import COMMAND, LATE, OURS, PAUSE, SOON, Build, Trial, build_of, trying

pytestmark = pytest.mark.e2e

OPT_IN = "kanister-kafka.io/e2e-faults=true"
WHOLE = "RELIABILITY"
"""Environment variable that `make reliability` sets to 1, or NAMESPACE/NAME of the Kafka; without
it these tests are left out."""
AGAIN = "RELIABILITY_AGAIN"
"""Environment variable: if it is set, what has passed already is played again as well."""
MIRROR = "KafkaMirrorMaker2"
FAULT_SECONDS = 30


def mirrors() -> str:
    return lab.versioned("kafkamirrormaker2s")


@pytest.fixture(scope="module")
def target() -> Kafka:
    if not os.environ.get(WHOLE):
        pytest.skip("only by make reliability")
    namespaces = {n["metadata"]["name"] for n in get("namespaces", "-l", OPT_IN)["items"]}
    found = [kafka for kafka in lab.kafkas() if kafka.namespace in namespaces]
    found = [kafka for kafka in found if os.environ[WHOLE] in ("1", str(kafka))]
    if len(found) != 1:
        pytest.skip(f"wanted one Kafka in namespaces with {OPT_IN}, found {len(found)}")
    return found[0]


@pytest.fixture(scope="module")
def mirror(target: Kafka) -> Iterator[tuple[str, str]]:
    """Find the MirrorMaker that writes into it, and keep it from running: it takes two cores."""
    address = f"{target.name}-kafka-bootstrap.{target.namespace}:"
    every = get(mirrors(), "--all-namespaces")["items"]
    found = [m["metadata"] for m in every if address in json.dumps(m["spec"])]
    assert len(found) == 1, f"wanted one mirror into {target}, found {len(found)}"
    assert found[0]["namespace"] != target.namespace, "the mirror is in another namespace"
    name = (found[0]["namespace"], found[0]["name"])
    pause_mirror(name, paused=True)
    yield name
    pause_mirror(name, paused=True)


def pause_mirror(name: tuple[str, str], *, paused: bool) -> None:
    value = f"{PAUSE}=true" if paused else f"{PAUSE}-"
    kubectl("annotate", mirrors(), name[1], "-n", name[0], "--overwrite", value)
    if paused:
        kubectl(
            "delete",
            "strimzipodset",
            f"{name[1]}-mirrormaker2",
            "-n",
            name[0],
            "--ignore-not-found",
        )


def of(point: str, *keys: str, key: str = "") -> pytest.MarkDecorator:
    """Parametrize a test with scenarios of a point: these, or those that begin with the key."""
    found = [s for s in SCENARIOS[point] if s.key in keys or (not keys and s.key.startswith(key))]
    assert found, (point, keys, key)
    return pytest.mark.parametrize("scenario", found, ids=lambda scenario: scenario.key)


@pytest.fixture(scope="module")
def build(target: Kafka) -> Build:
    wait_until(f"{target} is Ready", lambda: is_ready(target.resource()))
    return build_of(target)


@pytest.fixture
def new(target: Kafka, build: Build, scenario: Scenario, request: pytest.FixtureRequest):
    """Return what makes a trial; a scenario that has passed with this build is not played again."""
    result = load(RESULTS).get(build.release, {}).get(scenario.key)
    if result and result.passed and result.steps == build.steps and not os.environ.get(AGAIN):
        pytest.skip(f"passed with Strimzi {build.release} and these scripts, {result.ended}")
    mirror = request.getfixturevalue("mirror")

    def make(*options: str) -> Trial:
        return Trial(target, scenario.key, *options, mirror=mirror, build=build)

    return make


def patch(kind: str, name: str, namespace: str, change: dict) -> None:
    kubectl("patch", kind, name, "-n", namespace, "--type", "merge", "-p", json.dumps(change))


def annotate_kafka(trial: Trial, *words: str) -> None:
    kafka = trial.kafka
    kubectl("annotate", "kafka", kafka.name, "-n", kafka.namespace, "--overwrite", *words)


@of("No fault")
def test_undisturbed(new) -> None:
    with trying(new()) as trial:
        trial.stop()
        trial.strike()
        assert trial.run("backupPosthook").done()
        trial.expect("restart")


KILLED = "The Kanister controller is killed"


@of(KILLED, key="kanister-killed-in-backupSnapshot")
def test_kanister_is_killed_during_the_outage(new) -> None:
    """The pod stops, snapshots and restarts without it."""
    with trying(new("--engine", "kanister")) as trial:
        started = trial.begin("backup")
        wait_until("it stops", lambda: trial.record().get("state") == "stopping", 400, every=0.1)
        trial.strike()
        with faults.killed(*faults.kanister()):
            trial.look()
        assert started.outcome() is None, "nobody follows it any more"
        trial.check()
        label = f"kanister-kafka.io/cluster={trial.kafka.name}"
        for kind in ("volumesnapshots", "secrets"):  # of a backup that is not complete
            kubectl("delete", kind, "-n", trial.kafka.namespace, "-l", label)
        trial.expect("backupRestart")


@of(
    KILLED,
    *(f"kanister-killed-in-{phase}" for phase in ("quiesce", "flush", "stop", "restart")),
)
def test_kanister_is_killed(new, scenario: Scenario) -> None:
    """Its ActionSet stays `running` for ever: nobody calls the next phase or the post-hook."""
    with trying(new(*(() if scenario.phase == "restart" else SOON))) as trial:
        action = "backupPrehook"
        if scenario.phase == "restart":
            trial.stop()
            action = "backupPosthook"
        started = trial.begin(action)
        if scenario.phase == "restart":
            started.reach("restart")  # before its pod there is nothing that could go on
        else:
            started.enter(scenario.phase)
        trial.strike()
        with faults.killed(*faults.kanister()):
            trial.look()
        assert started.outcome() is None, "nobody follows it any more"
        if scenario.phase == "restart":
            trial.expect("restart")
            return
        # The pod of the phase checks its rights first: until it goes on, all is as it was before.
        wait_until("the pod goes on alone", trial.left, 120)
        trial.expect("switch")


@of("The Strimzi operator is away", key="operator-killed")
def test_operator_is_killed(new, scenario: Scenario) -> None:
    with trying(new()) as trial:
        if scenario.phase == "stop":
            started = trial.begin("backupPrehook")
            started.reach("stop")
            trial.strike()
            with faults.killed(*faults.operator()):
                trial.look()
            trial.finish(started.end())
            return
        trial.stop()
        started = trial.begin("backupPosthook")
        started.reach("restart")
        trial.strike()
        with faults.killed(*faults.operator()):
            trial.look()
        assert started.end().done()
        trial.expect("restart")


@of("The Strimzi operator is away", key="operator-at-zero-in-stop")
def test_operator_is_not_there_for_the_stop(new) -> None:
    with trying(new("--timeout", "pause=20s")) as trial:
        uids = {pod["metadata"]["uid"] for pod in trial.kafka.pods()}
        with faults.at_zero(*faults.operator()):
            trial.strike()
            started = trial.begin("backupPrehook")
            started.reach("stop")
            trial.look()
            outcome = started.end()
        assert not outcome.done()
        assert "has not acknowledged the pause" in outcome.error
        assert {pod["metadata"]["uid"] for pod in trial.kafka.pods()} == uids, "nothing was stopped"
        trial.expect("switch")


@of("The Strimzi operator is away", key="operator-at-zero-until-switch")
def test_operator_comes_when_the_switch_has_been_at_work(new) -> None:
    """The stop must not go on with what the watchdog has brought back.

    Its time cannot come while the stop waits, so it is set to the past, as `resume` does.
    """
    with trying(new("--timeout", "pause=3m")) as trial:
        uids = {pod["metadata"]["uid"] for pod in trial.kafka.pods()}
        with faults.at_zero(*faults.operator()):
            trial.strike()
            started = trial.begin("backupPrehook")
            started.reach("stop")
            wait_until("the stop waits for the operator", lambda: is_paused(trial), every=0.2)
            trial.look()
            annotate_kafka(trial, f"{OURS}restart-by=2026-01-01T00:00:00Z")
            outcome = started.end()
        assert not outcome.done()
        assert "was ended by another actor" in outcome.error
        assert {pod["metadata"]["uid"] for pod in trial.kafka.pods()} == uids, "nothing was stopped"
        trial.expect("switch")


def is_paused(trial: Trial) -> bool:
    return trial.kafka.resource()["metadata"].get("annotations", {}).get(PAUSE) == "true"


@of("The Strimzi operator is away", key="operator-at-zero-in-restart")
def test_operator_comes_late_to_the_restart(new) -> None:
    with trying(new()) as trial:
        trial.stop()
        with faults.at_zero(*faults.operator()):
            trial.strike()
            started = trial.begin("backupPosthook")
            started.reach("restart")
            trial.look()
            faults.pause_for(20)
        assert started.end().done()
        trial.expect("restart")


@of("A broker hangs on shutdown")
def test_broker_hangs_on_shutdown(new, scenario: Scenario) -> None:
    """What it had acknowledged since the flush may not be on its volume."""
    warned = scenario.key.endswith("warned")
    with trying(new(*(("--unclean-stop", "warn") if warned else ()))) as trial:
        started = trial.begin("backupPrehook")
        started.enter("flush")
        flushed = "flush"
        wait_until("the flush is over", lambda: started.phase() != flushed, every=0.2)
        trial.strike()
        pod = faults.hang(trial.kafka)
        with lab.watch_exits(trial.kafka) as exits:
            started.reach("stop")
            trial.look()
            outcome = started.end()
        assert set(exits.codes.values()) == {137}, f"killed by the kubelet: {exits.codes}"
        assert f"{pod} was killed (exit code 137" in trial.record()["unclean"]
        assert "UncleanStop" in trial._events()
        assert outcome.done() is warned, outcome.error
        if not warned:
            assert f"{pod} was killed" in outcome.error
        trial.finish(outcome)


BROUGHT_BACK = "Another actor restarts Kafka before the snapshot is over"


@of(BROUGHT_BACK, key="by-hand")
def test_somebody_brings_it_back(new, scenario: Scenario) -> None:
    """All our marks are still there, and the snapshot is of running brokers."""
    with trying(new()) as trial:
        trial.stop()
        trial.strike()
        faults.bring_back(trial.kafka)
        wait_until("a node runs", lambda: bool(trial.kafka.pods()), 300)
        if scenario.key == "by-hand-and-stopped":
            wait_until("it serves", lambda: is_ready(trial.kafka.resource()), 400)
            faults.stop_again(trial.kafka)
        trial.look()
        outcome = trial.run("backupPosthook")
        assert not outcome.done(), "the snapshots are not consistent"
        assert "was brought back by another actor" in outcome.error
        trial.expect("restart")


@of(BROUGHT_BACK, key="before-the-snapshot")
def test_somebody_brings_it_back_between_stop_and_snapshot(new) -> None:
    """The claims could be snapshotted, and the driver would not mind."""
    with trying(new("--engine", "kanister")) as trial:
        started = trial.begin("backup")
        wait_until(
            "it is stopped", lambda: trial.record().get("state") == "stopped", 400, every=0.1
        )
        trial.strike()
        faults.bring_back(trial.kafka)
        outcome = started.end()
        assert not outcome.done()
        assert "was brought back by another actor" in outcome.error
        label = f"kanister-kafka.io/cluster={trial.kafka.name}"
        for kind in ("volumesnapshots", "secrets"):
            assert not get(kind, "-n", trial.kafka.namespace, "-l", label)["items"]
        trial.expect("backupRestart", "backupRecover")


CHANGED = "Kafka is changed while it is stopped"


@of(CHANGED, key="storage-changed")
def test_storage_is_changed_while_stopped(new) -> None:
    """Its nodes would start on new volumes, which are empty."""
    with trying(new(*SOON)) as trial:
        trial.stop()
        claims = trial.kafka.claims()
        change = [{"op": "replace", "path": "/spec/storage/volumes/0/id", "value": 7}]
        with faults.spec_changed(trial.kafka, "kafkanodepool", "dual", change):
            trial.strike()
            outcome = trial.run("backupPosthook")
            assert not outcome.done()
            assert "set spec.storage of KafkaNodePool dual back to jbod 0:" in outcome.error
            trial.look()
            faults.pause_for(120)  # the watchdog has come as well
            assert not trial.kafka.pods(), "nothing is started"
            assert trial.kafka.claims() == claims
        wait_until("the watchdog brings it back", lambda: not trial.left(), 600)
        assert trial.kafka.claims() == claims
        trial.expect("switch")


@of(CHANGED, key="scaled-down")
def test_pool_is_scaled_down_while_stopped(new) -> None:
    """The operator would ask brokers that do not run what is on the one that goes."""
    trial = new(*SOON)
    faults.scale_pool(trial.kafka, "extra", 1)
    try:
        wait_until("the further node serves", lambda: len(ready(trial)) == 2, 400)
        Trial.installed = None
        with trying(trial):
            trial.stop()
            faults.scale_pool(trial.kafka, "extra", 0)
            trial.strike()
            outcome = trial.run("backupPosthook")
            assert not outcome.done()
            assert "set spec.replicas of KafkaNodePool extra back to 1" in outcome.error
            assert not trial.kafka.pods(), "nothing is started"
            faults.scale_pool(trial.kafka, "extra", 1)
            trial.look()
            wait_until("the watchdog brings it back", lambda: not trial.left(), 600)
            trial.expect("switch")
    finally:
        shrink(trial, "extra")
        Trial.installed = None


@of("The operator is behind")
def test_operator_is_behind(new) -> None:
    """What it has still to do, it would do at the restart, without its checks."""
    with trying(new("--timeout", "check=10s")) as trial:
        change = [{"op": "add", "path": "/spec/kafka/config/log.retention.hours", "value": 100}]
        with (
            faults.at_zero(*faults.operator()),
            faults.spec_changed(trial.kafka, "kafka", trial.kafka.name, change),
        ):
            trial.strike()
            outcome = trial.run("backupPrehook")
            trial.look()
        assert not outcome.done()
        assert "has not reconciled the last change of Kafka" in outcome.error
        assert "Stopping" not in trial._events()


@of("Something else writes", key="new-writer")
def test_writer_was_made_after_the_rendering(new) -> None:
    with trying(new("--timeout", "check=10s")) as trial:
        with faults.writing_pod(trial.kafka, "KafkaBridge", "late", trial.kafka.namespace):
            trial.strike()
            outcome = trial.run("backupPrehook")
            trial.look()
        assert not outcome.done()
        assert f"KafkaBridge/{trial.kafka.namespace}/late runs" in outcome.error
        assert "render it again" in outcome.error
        assert "Stopping" not in trial._events()


@of("Something else writes", key="writer-again")
def test_writer_comes_back_while_brokers_are_to_stop(new) -> None:
    with trying(new()) as trial:
        home, name = trial.mirror
        started = trial.begin("backupPrehook")
        started.reach("flush")
        trial.strike()
        with faults.writing_pod(trial.kafka, MIRROR, name, home):
            outcome = started.end()
            trial.look()
        assert not outcome.done()
        assert f"{MIRROR}/{home}/{name} was stopped and runs again" in outcome.error
        trial.expect("switch")


@of("Something else writes", key="producer-goes-on")
def test_producer_goes_on(new) -> None:
    with trying(new("--require-quiet")) as trial:
        with faults.producer(trial.kafka, "goes-on"):
            trial.strike()
            outcome = trial.run("backupPrehook")
            trial.look()
        assert not outcome.done()
        assert re.search(r"goes-on by \d+ bytes a second", outcome.error)
        assert "NotQuiet" in trial._events()
        trial.expect("switch")


@of("The task pod is evicted or cannot be pulled", key="evicted")
def test_task_pod_is_evicted(new, scenario: Scenario) -> None:
    with trying(new("--timeout", "restart=60s")) as trial:
        restart = scenario.phase == "restart"
        if restart:
            trial.stop()
        started = trial.begin("backupPosthook" if restart else "backupPrehook")
        pod = started.reach(scenario.phase)
        if begun := {"quiesce": "quiescing", "restart": "restarting"}.get(scenario.phase):
            wait_until("it has begun", lambda: trial.record()["state"] == begun, every=0.2)
        trial.strike()
        faults.evict(pod, trial.kafka.namespace)
        trial.look()
        outcome = started.end()
        assert not outcome.done()
        trial.expect(*(("restart",) if restart else ("switch", "")))


@of("The task pod is evicted or cannot be pulled", key="image-gone-in-quiesce")
def test_image_cannot_be_pulled_for_the_stop(new) -> None:
    with trying(new()) as trial:
        uids = {pod["metadata"]["uid"] for pod in trial.kafka.pods()}
        with faults.image_gone(trial.blueprint):
            trial.strike()
            started = trial.begin("backupPrehook")
            pod = _waiting_pod(trial, started, "quiesce")
            # as Kanister does when it has waited long enough
            kubectl("delete", "pod", pod, "-n", trial.kafka.namespace)
            trial.look()
            outcome = started.end()
        assert not outcome.done()
        assert {pod["metadata"]["uid"] for pod in trial.kafka.pods()} == uids, "nothing is touched"
        assert "Stopping" not in trial._events()


def _waiting_pod(trial: Trial, started: lab.Started, phase: str) -> str:
    """Return the task pod of a phase whose image is not there."""
    found: list[str] = []

    def waits() -> bool:
        if started.phase() != phase:
            return False
        for pod in get("pods", "-n", trial.kafka.namespace, "-l", "createdBy=kanister")["items"]:
            for status in pod["status"].get("containerStatuses", []):
                if "Image" in status["state"].get("waiting", {}).get("reason", ""):
                    found[:] = [pod["metadata"]["name"]]
        return bool(found)

    wait_until(f"{phase} waits for its image", waits, 120, every=0.5)
    return found[0]


@of("The task pod is evicted or cannot be pulled", key="image-gone-in-restart")
def test_image_cannot_be_pulled_for_the_restart(new) -> None:
    with trying(new(*SOON)) as trial:
        trial.stop()
        with faults.image_gone(trial.blueprint):
            trial.strike()
            started = trial.begin("backupPosthook")
            pod = _waiting_pod(trial, started, "restart")
            trial.look()
            wait_until("the watchdog is done", lambda: not trial.left(), 300)
            kubectl("delete", "pod", pod, "-n", trial.kafka.namespace)
            assert not started.end().done()
        trial.expect("switch")


@of("The API server refuses or is silent for 30 s")
def test_api_server_does_not_answer(new, scenario: Scenario) -> None:
    with trying(new()) as trial:
        fault = faults.REFUSALS[scenario.key.partition("-")[0]]
        restart = scenario.phase == "restart"
        if restart:
            trial.stop()
        started = trial.begin("backupPosthook" if restart else "backupPrehook")
        started.reach(scenario.phase)
        trial.strike()
        with fault(trial.kafka):
            faults.pause_for(FAULT_SECONDS)
        trial.look()
        outcome = started.end()
        if not restart:
            trial.finish(outcome)
        elif outcome.done():
            trial.expect("restart")
        else:
            trial.expect("restart", "switch")


@of("A step's wait runs out", key="stop")
def test_stop_runs_out_of_time(new) -> None:
    with trying(new("--timeout", "stop=1s")) as trial:
        pod = trial.kafka.broker()
        with faults.held(pod, trial.kafka.namespace):
            started = trial.begin("backupPrehook")
            started.reach("stop")
            trial.strike()
            wait_until("the watchdog has begun", lambda: trial.record()["state"] == "restarting")
            trial.look()
        outcome = started.end()
        assert outcome.phases["stop"] == "failed"
        assert f"pods still there: {pod}" in outcome.error, "the first reason is the one told"
        trial.expect("switch")


@of("A step's wait runs out", key="restart")
def test_restart_runs_out_of_time(new) -> None:
    with trying(new("--timeout", "restart=3s")) as trial:
        trial.stop()
        trial.strike()
        outcome = trial.run("backupPosthook")
        assert not outcome.done()
        # What is left of the 3 s: other things took some of them.
        assert re.search(r"timed out after [0-3]s", outcome.error)
        trial.look()
        trial.expect("restart")


@of("Two runs at the same time")
def test_two_runs_at_the_same_time(new, scenario: Scenario) -> None:
    with trying(new()) as trial:
        kafka = trial.kafka
        sets = lab.begin_actions(2, "backupPrehook", trial.blueprint, kafka.namespace)
        trial.sets += sets
        trial.strike()
        outcomes = [started.end() for started in sets]
        assert sorted(o.done() for o in outcomes) == [False, True], [o.error for o in outcomes]
        refused = next(o for o in outcomes if not o.done())
        assert refused.phases["quiesce"] == "failed"
        trial.is_stopped(next(o for o in outcomes if o.done()))
        trial.look()
        if scenario.key == "two-runs":
            trial.strike()
            assert trial.run("backupPosthook").done()
            trial.expect("restart")
            return
        action, by, told = {
            "two-runs-and-post-hook": ("backupPosthook", "restart", "another post-hook"),
            "two-runs-and-resume": ("resume", "resume", "resume"),
        }[scenario.key]
        trial.strike()
        assert trial.run(action).done()
        late = trial.run("backupPosthook")
        assert not late.done(), "what was snapshotted meanwhile is not consistent"
        assert f"had been brought back by {told} before" in late.error
        trial.expect(by)


CHANGES = "The cluster changes between stop and restart"


def restarted(trial: Trial) -> None:
    trial.strike()
    started = trial.begin("backupPosthook")
    started.reach("restart")
    trial.look()
    outcome = started.end()
    assert outcome.done(), outcome.error
    trial.expect("restart")


@of(CHANGES, key="pool-scaled")
def test_pool_is_scaled_meanwhile(new) -> None:
    with trying(new()) as trial:
        trial.stop()
        try:
            faults.scale_pool(trial.kafka, "extra", 1)
            restarted(trial)
            assert len(trial.kafka.pods()) == 2, "the new node is waited for too"
            trial.check()
        finally:
            shrink(trial, "extra")


def shrink(trial: Trial, pool: str) -> None:
    faults.scale_pool(trial.kafka, pool, 0)
    labels = f"strimzi.io/cluster={trial.kafka.name},strimzi.io/pool-name={pool}"
    wait_until(
        f"pool {pool} is empty",
        lambda: not get("pods", "-n", trial.kafka.namespace, "-l", labels)["items"],
        240,
    )


@of(CHANGES, key="pool-added")
def test_pool_is_added_meanwhile(new) -> None:
    with trying(new()) as trial:
        trial.stop()
        with faults.pool(trial.kafka, "late", like="extra"):
            restarted(trial)
            wait_until("the new node serves", lambda: len(ready(trial)) == 2)
            trial.check()
            refused = trial.run("backupPrehook")
            assert not refused.done()
            assert "render it again" in refused.error


def ready(trial: Trial) -> list[dict]:
    return [pod for pod in trial.kafka.pods() if is_ready(pod)]


@of(CHANGES, key="pool-removed")
def test_pool_is_removed_meanwhile(new) -> None:
    trial = new()
    with faults.pool(trial.kafka, "late", like="extra"):
        wait_until("the further node serves", lambda: len(ready(trial)) == 2)
        Trial.installed = None  # rendered with this pool
        with trying(trial):
            trial.stop()
            faults.remove_pool(trial.kafka, "late")
            restarted(trial)
            assert len(trial.kafka.pods()) == 1
    Trial.installed = None


@of(CHANGES, key="rendered-again")
def test_blueprint_is_rendered_again_meanwhile(new) -> None:
    with trying(new()) as trial:
        trial.stop()
        trial.install(*LATE, "--quiesce-by", "pause")
        restarted(trial)


@of("The snapshot fails")
def test_snapshot_fails(new) -> None:
    options = ("--engine", "kanister", "--snapshot-class", "no-such-class")
    with trying(new(*options, "--timeout", "snapshot=20s")) as trial:
        kafka = trial.kafka
        started = trial.begin("backup")
        started.reach("backupSnapshot")
        trial.strike()
        trial.look()
        outcome = started.end()
        assert not outcome.done()
        assert outcome.phases["backupSnapshot"] == "failed"
        assert "is not cut yet" in outcome.error
        label = f"kanister-kafka.io/cluster={kafka.name}"
        for kind in ("volumesnapshots", "secrets"):
            assert not get(kind, "-n", kafka.namespace, "-l", label)["items"], "no half backup"
        trial.expect("backupRecover")


@of("Kasten dies after the stop")
def test_post_hook_is_not_called(new, scenario: Scenario) -> None:
    with trying(new(*SOON)) as trial:
        trial.stop()
        trial.strike()
        seen = trial.look()
        assert seen["switch"]["state"] == "armed"
        if scenario.key == "switch-killed":
            switch = f"{trial.kafka.name}-kanister-kafka-switch"
            faults.delete_pods_of(trial.kafka.namespace, switch)
        wait_until("the watchdog is done", lambda: not trial.left(), 400)
        late = trial.run("backupPosthook")
        assert not late.done(), "the snapshots are not consistent"
        assert "had been brought back by switch" in late.error
        trial.expect("switch")


GONE = "The recorded state is gone or damaged"


@of(GONE, key="record-gone")
def test_record_is_gone(new) -> None:
    with trying(new()) as trial:
        trial.stop()
        forget_record(trial)
        trial.strike()
        trial.look()
        outcome = trial.run("resume")
        assert outcome.done(), outcome.error
        trial.check()
        trial.install(*trial.options)


def forget_record(trial: Trial) -> None:
    Trial.installed = None
    name = f"{trial.kafka.name}-kanister-kafka"
    kubectl("delete", "configmap", name, "-n", trial.kafka.namespace)


@of(GONE, key="record-damaged")
def test_record_is_damaged(new) -> None:
    with trying(new()) as trial:
        trial.stop()
        rubbish = dict.fromkeys(trial.record(), '$(false)|"\\ \n${x[*]}')
        name = f"{trial.kafka.name}-kanister-kafka"
        patch("configmap", name, trial.kafka.namespace, {"data": rubbish})
        trial.strike()
        trial.look()
        trial.resume()
        trial.expect("switch")
    forget_record(trial)  # after it was read once more


@of(GONE, key="marks-gone")
def test_marks_are_gone(new) -> None:
    with trying(new(*SOON)) as trial:
        trial.stop()
        trial.strike()
        annotate_kafka(trial, f"{OURS}pause-before-", f"{OURS}restart-by-")
        trial.look()
        trial.expect("switch")


@of(GONE, key="all-gone")
def test_record_and_marks_are_gone(new) -> None:
    """The watchdog sees by the cluster itself that it was stopped."""
    with trying(new(*SOON)) as trial:
        trial.stop()
        trial.strike()
        annotate_kafka(trial, f"{OURS}pause-before-", f"{OURS}restart-by-")
        forget_record(trial)
        trial.look()
        trial.check()


@of(GONE, key="counts-gone")
def test_replicas_of_the_mirror_are_known_nowhere(new) -> None:
    with trying(new()) as trial:
        trial.stop()
        namespace, name = trial.mirror
        kubectl("annotate", mirrors(), name, "-n", namespace, f"{OURS}replicas-before-")
        forget_record(trial)
        trial.strike()
        trial.look()
        done = subprocess.run(
            [*COMMAND, "resume", trial.kafka.name, "-n", trial.kafka.namespace],
            capture_output=True,
            text=True,
        )
        told = done.stdout + done.stderr
        assert name in told and "replicas" in told, told
        wait_until("Kafka serves", lambda: ready(trial))
        patch(mirrors(), name, namespace, {"spec": {"replicas": 1}})  # as it was told to do


@of("The mirror is in another namespace")
def test_mirror_is_elsewhere(new, mirror: tuple[str, str]) -> None:
    namespace, name = mirror
    labels = f"strimzi.io/cluster={name},strimzi.io/kind=KafkaMirrorMaker2"
    pause_mirror(mirror, paused=False)
    try:
        wait_until("the mirror runs", lambda: is_ready(get(mirrors(), name, "-n", namespace)))
        with trying(new()) as trial:
            started = trial.begin("backupPrehook")
            started.reach("quiesce")
            trial.strike()
            trial.look()
            trial.is_stopped(started.end())
            assert not get("pods", "-n", namespace, "-l", labels)["items"]
            assert trial.run("backupPosthook").done()
            trial.expect("restart")
            trial.check()
            wait_until("the mirror runs", lambda: is_ready(get(mirrors(), name, "-n", namespace)))
    finally:
        pause_mirror(mirror, paused=True)
