"""Consistency tests: the order of the steps, what makes them fail, and what is put back."""

from __future__ import annotations

import dataclasses
import json
import signal
from types import SimpleNamespace

import pytest

from kanister_kafka.errors import ActionError, KanisterKafkaError, RejectedError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.operations.consistency_test import scenarios
from kanister_kafka.operations.consistency_test.environment import (
    Scenario,
    ScenarioEnvironment,
    ScenarioRequest,
)
from kanister_kafka.operations.consistency_test.mirror_control import MirrorControl, restored
from kanister_kafka.operations.consistency_test.scenarios import (
    ScenarioRunner,
    StepRecorder,
    choose_scenarios,
    run_consistency_test,
)
from kanister_kafka.operations.provenance import Provenance
from kanister_kafka.operations.rehearsal.context import Stopwatch
from kanister_kafka.operations.rehearsal.model import VolumeSnapshot
from kanister_kafka.operations.volume_snapshots import VolumeClaim
from kanister_kafka.reports.consistency_test import report_json, report_text
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.topics.model import (
    Comparison,
    DifferenceKind,
    PartitionBounds,
    PartitionRate,
    PartitionResult,
    RecordDifference,
    RecordPosition,
    TopicRates,
    TopicRecord,
    UnmatchedRange,
)
from tests.fakes.cluster import serving
from tests.fakes.fake_time import FakeTime

T = 1_700_000_000_000
REQUEST = ScenarioRequest(
    source=KafkaRef("kafka", "my-cluster"),
    mirror=KafkaRef("kafka-mirror", "my-cluster"),
    topics=("blogs",),
    kasten_namespace="kasten-io",
    timeout=1,
    even_within=1000,
)
ENVIRONMENT = ScenarioEnvironment(
    request=REQUEST, mirror_context=None, writer=None, rates={"blogs": 10}
)  # type: ignore[arg-type]
SNAPSHOT = VolumeSnapshot(
    name="s",
    claim="data-0",
    snapshot_class="c",
    driver="d",
    made=0.0,
    cut=1.0,
    ready=2.0,
    creation_time="",
)


def at(offset: int, time: int) -> RecordPosition:
    return RecordPosition(offset=offset, time=T + time)


def partition(number: int, upto: int, *, newest: int = 100_000, wrong: bool = False):
    """A partition of one record a ms up to `newest`; the mirror has those up to `upto`."""
    head = None
    if upto < newest:
        head = UnmatchedRange(
            count=newest - upto, first=at(upto + 1, upto + 1), last=at(newest, newest)
        )
    message = TopicRecord(partition=number, offset=5, time=T + 5, key=b"k", value=b"v")
    return PartitionResult(
        partition=number,
        a=PartitionBounds(
            earliest=0, latest=newest + 1, oldest=at(0, 0), newest=at(newest, newest)
        ),
        b=PartitionBounds(earliest=0, latest=upto + 1, oldest=at(0, 0), newest=at(upto, upto)),
        common=upto + 1,
        first_a=at(0, 0),
        first_b=at(0, 0),
        last_a=at(upto, upto),
        last_b=at(upto, upto),
        digest="d",
        head_a=head,
        only_a=int(wrong),
        difference=RecordDifference(fault=DifferenceKind.ONLY_A, a=message, b=None)
        if wrong
        else None,
    )


def comparison(*partitions: PartitionResult) -> Comparison:
    return Comparison(
        a="kafka/my-cluster/blogs",
        b="kafka-mirror/my-cluster/src.blogs",
        partitions=partitions,
        timed=True,
        compacted=False,
        even_within=1000,
    )


IN_STEP = comparison(partition(0, 99_990), partition(1, 100_000))
BEHIND = comparison(partition(0, 90_000))
UNEVEN = comparison(partition(0, 95_000), partition(1, 99_000))
EVEN = comparison(partition(0, 100_400, newest=120_000), partition(1, 100_400, newest=120_000))
TOO_EARLY = comparison(partition(0, 90_000), partition(1, 90_000))
DIFFERING = comparison(partition(0, 99_990, wrong=True))


class FakeMetrics:
    """Shows what it was given, the last of it for ever."""

    def __init__(self, rate: float = 10.0, **shown: list[Comparison]) -> None:
        self.rate = rate
        self.whole = shown.get("whole", [IN_STEP])
        self.newest = shown.get("newest", [IN_STEP])

    def rates(self, target, topics, seconds):
        flows = (
            PartitionRate(topic=topics[0], partition=0, messages=9, per_second=self.rate / 2),
            PartitionRate(topic=topics[0], partition=1, messages=9, per_second=self.rate / 2),
        )
        return TopicRates(cluster=str(target), seconds=seconds, flows=flows)

    def compare(self, _topic, request):
        queue = self.newest if request.last else self.whole
        return queue.pop(0) if len(queue) > 1 else queue[0]


class FakeMirror:
    """Notes what was done."""

    def __init__(self, fails: str = "") -> None:
        self.done: list[str] = []
        self.fails = fails

    def __getattr__(self, name: str):
        def do(*_arguments, in_turn: bool = False, for_restore: bool = False):
            how = " in turn" if in_turn else " for restore" if for_restore else ""
            self.done.append(f"{name}{how}")
            if name == self.fails:
                raise ActionError(f"{name} failed")
            return (SNAPSHOT,)

        return do


def run(scenario: Scenario, metrics: FakeMetrics, control: FakeMirror) -> StepRecorder:
    steps = StepRecorder(lambda: 0.0, lambda _: None)  # type: ignore[arg-type]
    clock = FakeTime().clock
    runner = ScenarioRunner(ENVIRONMENT, control, metrics, steps, clock)  # type: ignore[arg-type]
    try:
        runner.run(scenario)
    except ActionError:
        assert not steps.steps[-1].passed
    return steps


def failure(steps: StepRecorder) -> str:
    return steps.steps[-1].failure


def test_setup_measures_rates_and_content() -> None:
    steps = run(Scenario.SETUP, FakeMetrics(), FakeMirror())
    assert [step.name for step in steps.steps] == ["clusters", "producers", "mirror", "content"]
    assert all(step.passed for step in steps.steps)
    assert [shown.title for shown in steps.comparisons] == ["source and mirror"]
    assert steps.steps[1].figures[0].value == "10.00 messages/s, set to 10"


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        (FakeMetrics(rate=7.9), "7.90 messages/s, not 10"),
        (FakeMetrics(rate=12.1), "12.10 messages/s, not 10"),
        (FakeMetrics(newest=[BEHIND]), "still 10.0 s behind"),
        (FakeMetrics(whole=[DIFFERING]), "source and mirror differ: kafka/my-cluster/blogs"),
    ],
    ids=["slow", "fast", "behind", "differing"],
)
def test_setup_fails(metrics: FakeMetrics, words: str) -> None:
    assert words in failure(run(Scenario.SETUP, metrics, FakeMirror()))


def test_a_mirror_that_gets_in_step_is_waited_for() -> None:
    steps = run(Scenario.SETUP, FakeMetrics(newest=[BEHIND, IN_STEP]), FakeMirror())
    assert all(step.passed for step in steps.steps)


@pytest.mark.parametrize("scenario", [Scenario.COLD, Scenario.ONLINE])
def test_a_consistent_backup_is_restored_with_the_mirror_held(scenario: Scenario) -> None:
    control = FakeMirror()
    steps = run(scenario, FakeMetrics(whole=[IN_STEP, EVEN, IN_STEP]), control)
    assert all(step.passed for step in steps.steps), failure(steps)
    assert control.done == [
        *("stop", "snapshot", "start"),
        *("hold", "stop for restore", "put_back", "start"),
        "release",
    ]
    assert [shown.title for shown in steps.comparisons] == [
        "after the backup",
        f"restored from {scenario.value} snapshots",
        "after the restore",
    ]


@pytest.mark.parametrize(
    ("options", "wanted", "expected"),
    [
        ("", (), "setup hot cold"),
        ("--strategy online --kasten restore", (), "setup hot online"),
        ("", ("cold",), "cold"),
        ("--strategy online --kasten restore", ("online", "setup"), "setup online"),
        ("--strategy online", ("setup",), "setup"),
    ],
)
def test_scenarios_are_those_of_the_blueprint(
    options: str, wanted: tuple[str, ...], expected: str
) -> None:
    assert (
        " ".join(one.value for one in choose_scenarios(environment_for(options), wanted))
        == expected
    )


@pytest.mark.parametrize(("options", "wanted"), [("", "online"), ("--strategy online", "cold")])
def test_a_scenario_of_another_strategy_is_refused(options: str, wanted: str) -> None:
    with pytest.raises(ActionError, match=f"--strategy {wanted}"):
        choose_scenarios(environment_for(options), (wanted,))


@pytest.mark.parametrize("wanted", [(), ("online",), ("hot", "setup")])
def test_an_online_blueprint_that_cannot_restore_is_refused_first(wanted: tuple[str, ...]) -> None:
    with pytest.raises(ActionError, match=r"no afterRestore and beforeRestore.*--kasten restore"):
        choose_scenarios(environment_for("--strategy online"), wanted)


def environment_for(options: str) -> ScenarioEnvironment:
    actions = {"backupPrehook", "backupPosthook", "resume"}
    if "--kasten restore" in options:
        actions |= {"beforeRestore", "afterRestore"}
    blueprint = SimpleNamespace(origin=Provenance(options=options), actions=actions)
    context = SimpleNamespace(blueprint=blueprint)
    return dataclasses.replace(ENVIRONMENT, mirror_context=context)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("whole", "words"),
    [
        ([DIFFERING], "source and mirror differ"),
        ([IN_STEP, UNEVEN], "uneven head, by 3999 ms"),
        ([IN_STEP, TOO_EARLY], "is lost, before the stop"),
        ([IN_STEP, DIFFERING], "the common tail is not identical"),
        ([IN_STEP, EVEN, DIFFERING], "source and mirror differ"),
    ],
    ids=["loss-after-restart", "uneven", "too-early", "tail", "loss-after-restore"],
)
def test_cold_fails(whole: list[Comparison], words: str) -> None:
    assert words in failure(run(Scenario.COLD, FakeMetrics(whole=whole), FakeMirror()))


def test_hot_shows_an_uneven_head_and_measures_what_comes_of_it() -> None:
    control = FakeMirror()
    steps = run(Scenario.HOT, FakeMetrics(whole=[UNEVEN, DIFFERING]), control)
    assert all(step.passed for step in steps.steps), failure(steps)
    assert control.done == ["snapshot", "hold", "stop for restore", "put_back", "start", "release"]
    (heads,) = (step for step in steps.steps if step.name == "heads")
    assert heads.figures[0].value.startswith("uneven head: uneven by 3.999 s")
    assert "1 lost" in steps.steps[-1].figures[-1].value


def test_hot_is_tried_again_in_turn_where_snapshots_at_once_have_one_moment() -> None:
    control = FakeMirror()
    steps = run(Scenario.HOT, FakeMetrics(whole=[EVEN, IN_STEP, UNEVEN, IN_STEP]), control)
    assert all(step.passed for step in steps.steps), failure(steps)
    restored = ["hold", "stop for restore", "put_back", "start", "release"]
    assert control.done == ["snapshot", *restored, "snapshot in turn", *restored]
    shown = [step.figures[-1].value for step in steps.steps if step.name == "heads"]
    assert shown == ["yes", "none"]


def test_hot_fails_if_snapshots_in_turn_are_inconclusive_too() -> None:
    control = FakeMirror()
    assert "not shown" in failure(run(Scenario.HOT, FakeMetrics(whole=[EVEN]), control))
    assert control.done.count("snapshot in turn") == 1


@pytest.mark.parametrize(
    ("whole", "words"),
    [
        ([DIFFERING], "the common tail is not identical"),
        ([EVEN, IN_STEP, DIFFERING], "the common tail is not identical"),
    ],
)
def test_hot_fails(whole: list[Comparison], words: str) -> None:
    assert words in failure(run(Scenario.HOT, FakeMetrics(whole=whole), FakeMirror()))


@pytest.mark.parametrize("fails", ["stop", "snapshot", "start", "hold", "put_back", "release"])
def test_nothing_is_done_after_a_step_that_failed(fails: str) -> None:
    control = FakeMirror(fails)
    metrics = FakeMetrics(whole=[IN_STEP, EVEN, IN_STEP])
    assert failure(run(Scenario.COLD, metrics, control)) == f"{fails} failed"
    assert control.done[-1] == fails


@pytest.mark.parametrize("leftovers", [(), ("claim data-0",)])
@pytest.mark.parametrize("is_in_step", [True, False], ids=["in a step", "between steps"])
def test_an_interrupt_is_in_the_report(monkeypatch, leftovers, is_in_step) -> None:
    class Mirror(FakeMirror):
        def clean_up(self):
            return leftovers

    class Steps(StepRecorder):
        def _ended(self, *arguments):
            super()._ended(*arguments)
            if not is_in_step:
                signal.raise_signal(signal.SIGINT)

    class Metrics(FakeMetrics):
        def rates(self, *arguments):
            signal.raise_signal(signal.SIGINT)
            return super().rates(*arguments)

    monkeypatch.setattr(scenarios, "MirrorControl", lambda *_arguments: Mirror())
    monkeypatch.setattr(scenarios, "StepRecorder", Steps)
    versions = SimpleNamespace(kafka="4", strimzi="1", kubernetes="1", tool="1")
    context = SimpleNamespace(versions=versions)
    environment = dataclasses.replace(ENVIRONMENT, mirror_context=context)
    report = run_consistency_test(
        None, environment, Metrics(), [Scenario.SETUP, Scenario.HOT], lambda *_words: None
    )  # type: ignore[arg-type]
    assert [result.scenario for result in report.scenarios] == [Scenario.SETUP]
    assert [step.name for step in report.scenarios[0].steps][-1] == (
        "producers" if is_in_step else "clusters"
    )
    assert (report.interrupted, report.passed, report.leftovers) == (True, False, leftovers)
    assert "interrupted" in report_text(report)
    assert json.loads(report_json(report))["interrupted"] is True
    assert report.exit_code == (1 if leftovers else 130)


@pytest.mark.parametrize("leftovers", [(), ("claim data-0",)])
def test_an_interrupt_waits_until_everything_is_put_back(monkeypatch, leftovers) -> None:
    """The step has ended before, well or not: Kafka must not stay stopped."""
    put_back = []

    class Mirror(FakeMirror):
        def clean_up(self):
            signal.raise_signal(signal.SIGINT)
            put_back.append(self)
            return leftovers

    monkeypatch.setattr(scenarios, "MirrorControl", lambda *_arguments: Mirror())
    versions = SimpleNamespace(kafka="4", strimzi="1", kubernetes="1", tool="1")
    environment = dataclasses.replace(
        ENVIRONMENT, mirror_context=SimpleNamespace(versions=versions)
    )
    lines: list[str] = []
    report = run_consistency_test(
        None,  # type: ignore[arg-type]
        environment,
        FakeMetrics(),
        [Scenario.SETUP, Scenario.HOT],
        lambda _seconds, text: lines.append(text),
    )
    assert len(put_back) == 1, "no other scenario begins"
    assert (report.interrupted, report.passed, report.leftovers) == (True, False, leftovers)
    assert report.exit_code == (1 if leftovers else 130)
    assert any("first; to leave it as it is" in line for line in lines)


def test_a_claim_is_made_anew_as_it_was_asked_for() -> None:
    claim = {
        "metadata": {
            "name": "data-0-my-cluster-broker-0",
            "namespace": "kafka-mirror",
            "uid": "u",
            "labels": {"strimzi.io/cluster": "my-cluster"},
            "annotations": {"pv.kubernetes.io/bind-completed": "yes", "strimzi.io/x": "y"},
            "finalizers": ["kubernetes.io/pvc-protection"],
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "fast",
            "volumeName": "pvc-1",
        },
        "status": {"phase": "Bound"},
    }
    assert restored(claim, "snap") == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "data-0-my-cluster-broker-0",
            "namespace": "kafka-mirror",
            "labels": {"strimzi.io/cluster": "my-cluster"},
            "annotations": {"strimzi.io/x": "y"},
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "fast",
            "dataSource": {
                "apiGroup": "snapshot.storage.k8s.io",
                "kind": "VolumeSnapshot",
                "name": "snap",
            },
        },
    }


@pytest.fixture
def cluster(configure):
    with serving(FakeTime()) as cluster:
        configure(cluster.url)
        yield cluster


def claims_of(cluster, *, source: str = ""):
    """A mirror of two claims, restored before from snapshots of this name; all of it is bound."""
    claims = []
    for number in range(2):
        name = f"data-0-my-cluster-broker-{number}"
        spec = {"accessModes": ["ReadWriteOnce"], "dataSource": {"name": source}}
        bound = {"phase": "Bound"}
        cluster.add("persistentvolumeclaims", "kafka-mirror", name, spec=spec, status=bound)
        claims.append(name)
    return claims


def mirror(cluster) -> tuple[MirrorControl, list[str]]:
    names = claims_of(cluster, source="snapshot-0")
    found = tuple(VolumeClaim(name, "driver", "class") for name in names)
    context = SimpleNamespace(target=KafkaRef("kafka-mirror", "my-cluster"), claims=found)
    environment = SimpleNamespace(mirror_context=context, request=SimpleNamespace(timeout=5))
    stopwatch = Stopwatch(cluster.time.clock)
    control = MirrorControl(KubeClient(), environment, stopwatch, lambda _: None)
    return control, names


def taken(names: list[str]) -> list[VolumeSnapshot]:
    return [
        dataclasses.replace(SNAPSHOT, name=f"snapshot-{i}", claim=name)
        for i, name in enumerate(names)
    ]


def bind(cluster):
    def on_create(made):
        if made["kind"] == "PersistentVolumeClaim":
            place = made["metadata"]
            change = {"status": {"phase": "Bound"}}
            cluster.change("persistentvolumeclaims", place["namespace"], place["name"], change)

    cluster.on_create.append(on_create)


def test_slowly_deleted_claims_are_replaced(cluster) -> None:
    control, names = mirror(cluster)
    before = {n: cluster.get("persistentvolumeclaims", "kafka-mirror", n) for n in names}
    bind(cluster)
    cluster.lingering = 20
    control.put_back(taken(names))
    for number, name in enumerate(names):
        now = cluster.get("persistentvolumeclaims", "kafka-mirror", name)
        assert now["metadata"]["uid"] != before[name]["metadata"]["uid"]
        assert now["spec"]["dataSource"]["name"] == f"snapshot-{number}"
    verbs = [write[0] for write in cluster.writes]
    assert verbs == ["DELETE", "DELETE", "POST", "POST"]


@pytest.mark.parametrize("in_turn", [False, True], ids=["at-once", "in-turn"])
def test_snapshots_are_asked_for_at_once_or_each_once_the_one_before_is_cut(
    cluster, in_turn
) -> None:
    control, names = mirror(cluster)
    control._environment.mirror_context.name, control._environment.mirror_context.labels = (
        "test",
        {"of": "test"},
    )
    uncut: list[int] = []

    def cut(made):
        yield 3
        items = cluster.listed("volumesnapshots", "kafka-mirror", {})["items"]
        uncut.append(sum("status" not in item for item in items))
        status = {"creationTime": "2026-01-01T00:00:00Z", "readyToUse": True}
        name = made["metadata"]["name"]
        cluster.change("volumesnapshots", "kafka-mirror", name, {"status": status})

    cluster.on_create.append(cut)
    snapshots = control.snapshot(in_turn=in_turn)
    assert [one.claim for one in snapshots] == names
    assert all(one.cut is not None and one.ready is not None for one in snapshots)
    assert max(uncut) == (1 if in_turn else len(names))


def test_nothing_is_deleted_while_a_pod_is_there(cluster) -> None:
    control, names = mirror(cluster)
    labels = {"strimzi.io/cluster": "my-cluster", "strimzi.io/name": "my-cluster-kafka"}
    cluster.add("pods", "kafka-mirror", "my-cluster-broker-0", labels=labels)
    with pytest.raises(ActionError, match="is not stopped: there is my-cluster-broker-0"):
        control.put_back(taken(names))
    assert cluster.writes == []


def test_nothing_is_deleted_without_all_snapshots(cluster) -> None:
    control, names = mirror(cluster)
    with pytest.raises(ActionError, match="no snapshot of claim data-0-my-cluster-broker-1"):
        control.put_back(taken(names)[:1])
    assert cluster.writes == []


def test_what_was_interrupted_is_completed(cluster) -> None:
    control, names = mirror(cluster)
    cluster.refusals.append(("POST", "persistentvolumeclaims", 422))
    with pytest.raises(RejectedError):
        control.put_back(taken(names))
    cluster.refusals.clear()
    bind(cluster)
    assert control.clean_up() == ()
    for name in names:
        assert cluster.get("persistentvolumeclaims", "kafka-mirror", name)


@pytest.mark.parametrize("status", [403, 409, 422])
def test_one_refusal_does_not_keep_the_rest_from_being_put_back(cluster, status: int) -> None:
    control, names = mirror(cluster)
    cluster.refusals.append(("POST", "persistentvolumeclaims", status))
    with pytest.raises(KanisterKafkaError):
        control.put_back(taken(names))
    stopped, *released = control.clean_up()
    assert released[0].startswith("Kafka kafka-mirror/my-cluster is stopped")
    assert "persistentvolumeclaims" in stopped
