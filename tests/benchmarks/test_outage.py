"""The benchmark of the outage: the order of its steps, and what it writes about its targets."""

from __future__ import annotations

import re

import pytest

from kanister_kafka.errors import ActionError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.strimzi.discovery import KafkaRef
from tests.benchmarks import outage
from tests.benchmarks.outage import Bench, Round, StrategyRound
from tests.benchmarks.processes import EarlierVersion
from tests.fakes.api_server import NOW, running
from tests.operations.test_rehearsal import rehearsal_context

CUT = {"status": {"creationTime": NOW, "readyToUse": False}}
READY = {"status": {"creationTime": NOW, "readyToUse": True}}


@pytest.fixture
def server(tmp_path, monkeypatch):
    with running(tmp_path, monkeypatch) as server:
        server.namespaces.add("ns")
        yield server


def snapshots_of(server) -> dict[str, dict]:
    kind = "volumesnapshots"
    return {name: item for (plural, _, name), item in server.objects.items() if plural == kind}


def set_all(server, status: dict) -> None:
    for name in snapshots_of(server):
        server.change("volumesnapshots", "ns", name, status)


def is_ready(item: dict) -> bool:
    return item["status"]["readyToUse"]


class Steps:
    """Stops and starts, with the snapshots that were there; Kafka's start makes them ready."""

    def __init__(self, server) -> None:
        self.server = server
        self.seen: list[tuple[str, list[bool]]] = []

    def add(self, step: str) -> None:
        items = snapshots_of(self.server).values()
        self.seen.append((step, [is_ready(item) for item in items]))
        if step == "start":
            set_all(self.server, READY)


def cut_each(server) -> None:
    """Let each snapshot be cut at once, and not ready."""

    def play(item: dict) -> None:
        if item["kind"] == "VolumeSnapshot":
            server.change("volumesnapshots", "ns", item["metadata"]["name"], CUT)

    server.on_create.append(play)


EXPECTED = [("stop", []), ("start", [False, False])]
"""Started when both are cut, while neither is ready or deleted."""


def test_by_hand_starts_when_snapshots_are_cut_and_deletes_them_afterwards(
    server, monkeypatch
) -> None:
    cut_each(server)
    steps = Steps(server)
    bench = Bench(KubeClient(), rehearsal_context(), snapshots=True)
    names = {outage.STOP_BY_HAND: "stop", outage.START_BY_HAND: "start"}
    monkeypatch.setattr(bench, "shell", lambda script: steps.add(names[script]))
    bench.by_hand()
    assert steps.seen == EXPECTED
    assert snapshots_of(server) == {}


class FakeRunner:
    """Actions that are done as soon as they begin."""

    def __init__(self, steps: Steps, context) -> None:
        self.steps = steps
        self.context = context

    def begin(self, action: str) -> str:
        self.steps.add({"backupPrehook": "stop", "backupPosthook": "start"}[action])
        return action

    def follow(self, action: str, **_options: float) -> str:
        return action

    def delete(self) -> None:
        pass


@pytest.mark.parametrize("of_earlier", [False, True])
def test_hooks_start_when_snapshots_are_cut_and_delete_them_afterwards(
    server, monkeypatch, of_earlier
) -> None:
    cut_each(server)
    steps, runners = Steps(server), []

    def runner(_connection, context, *_rest) -> FakeRunner:
        runners.append(FakeRunner(steps, context))
        return runners[-1]

    monkeypatch.setattr(outage, "ActionRunner", runner)
    monkeypatch.setattr(outage, "check_action_result", lambda *_: None)
    earlier = rehearsal_context(blueprint="the earlier one")
    bench = Bench(KubeClient(), rehearsal_context(), snapshots=True, earlier=earlier)
    (bench.earlier_hooks if of_earlier else bench.by_blueprint)()
    assert steps.seen == EXPECTED
    assert (runners[0].context.blueprint == "the earlier one") is of_earlier
    assert snapshots_of(server) == {}


def test_a_snapshot_that_is_not_cut_ends_the_round_with_the_error_of_the_driver(server) -> None:
    def play(item: dict) -> None:
        status = {"status": {"error": {"message": "no space"}}}
        server.change("volumesnapshots", "ns", item["metadata"]["name"], status)

    server.on_create.append(play)
    bench = Bench(KubeClient(), rehearsal_context(), snapshots=True)
    with (
        pytest.raises(ActionError, match=r"not cut within 0 s: .*no space"),
        bench.snapshotter(bench.context) as snapshots,
    ):
        outage.cut_snapshots(snapshots, bench.context, timeout=0)
    assert snapshots_of(server) == {}, "deleted all the same"


def test_without_snapshots_none_is_asked_for(server) -> None:
    bench = Bench(KubeClient(), rehearsal_context(), snapshots=False)
    with bench.snapshotter(bench.context) as snapshots:
        outage.cut_snapshots(snapshots, bench.context)
    assert server.asked == []


# --- The targets


def rounds(**seconds: float) -> dict[str, list[Round]]:
    names = {name.replace("_", " "): value for name, value in seconds.items()}
    return {name: [Round(value, 0.0)] for name, value in names.items()}


def test_each_target_of_the_outage_is_met_or_missed() -> None:
    middle = {"one pod": 35.0, "ours": 43.0, "by hand": 40.0, "floor": 50.0}
    assert list(outage.targets(middle)) == [
        "`backup`, to the floor: 0.70 (at most 0.85): met",
        "`backup`, to the same by hand: 0.88 (at most 1.05): met",
        "the hooks, to the floor: 0.86 (at most 0.85): missed",
        "the hooks, to the same by hand: 1.07 (at most 1.05): missed",
    ]


@pytest.mark.usefixtures("server")
def test_the_report_has_a_row_of_the_earlier_version() -> None:
    bench = Bench(KubeClient(), rehearsal_context(), snapshots=True)
    measured = rounds(one_pod=35, earlier=60, ours=43, by_hand=40, floor=50)
    text = outage.report(bench, measured, "make bench-outage", "version 6ea9eec")
    assert (
        "| the hooks of version 6ea9eec, in the same way | 1.20 | 1.50 | 60 s (60 to 60) |" in text
    )
    assert "`backup`, to the floor: 0.70 (at most 0.85): met" in text
    assert text.endswith("- the hooks, to those of version 6ea9eec: 0.72")
    assert re.sub(r"\s+", " ", text).count("starts Kafka when its last snapshot is cut") == 1


def test_targets_of_an_online_backup_compare_the_same_outage_of_clients() -> None:
    cold = StrategyRound(outage=87, paused=120, away=185)
    missed = StrategyRound(outage=0, paused=47, away=112)
    lines = list(outage.strategy_targets(missed, cold))
    assert lines[0].endswith("0.0 s (at most 0 s): met")
    assert lines[1].endswith("online to cold: 0.61 (at most 0.5): missed")
    lines = list(outage.strategy_targets(StrategyRound(1.2, 30, 92.5), cold))
    assert lines[0].endswith("1.2 s (at most 0 s): missed")
    assert lines[1].endswith("online to cold: 0.50 (at most 0.5): met")


# --- The objects of the earlier version

RENDERED = """\
kind: ServiceAccount
metadata: {name: k-kanister-kafka, namespace: ns}
---
kind: Deployment
metadata: {name: k-kanister-kafka-switch, namespace: ns, annotations: {kanister-kafka.io/switch: k}}
"""


def test_the_objects_of_the_earlier_version_have_other_names() -> None:
    text = outage.rename_objects(RENDERED, KafkaRef("ns", "k"))
    assert "name: k-kanister-kafka-earlier, namespace" in text
    assert "name: k-kanister-kafka-earlier-switch, namespace" in text
    assert "{kanister-kafka.io/switch: k}" in text
    with pytest.raises(SystemExit, match="nothing with the name"):
        outage.rename_objects("kind: List", KafkaRef("ns", "k"))


def test_the_earlier_version_is_applied_with_our_image_and_deleted_at_the_end(
    server, monkeypatch
) -> None:
    phase = {"name": "stop", "func": "KubeTask", "args": {"image": "registry/image:1"}}
    actions = {"backupPrehook": {"phases": [phase]}, "backupPosthook": {"phases": [phase]}}
    for name in ("ns.k", "ns.k-earlier"):
        server.add("blueprints", "kasten-io", name, actions=actions)
    asked, calls = [], []

    def render(_self, *words: str) -> str:
        asked.append(words)
        return RENDERED

    monkeypatch.setattr(EarlierVersion, "run", render)
    monkeypatch.setattr(outage, "run_kubectl", lambda *words, stdin: calls.append((words, stdin)))
    earlier = EarlierVersion("kanister-kafka", "version 6ea9eec")
    with outage.earlier_objects(KubeClient(), rehearsal_context(), earlier) as context:
        assert context.blueprint.name == "ns.k-earlier"
        assert [words[0] for words, _ in calls] == ["apply"]
    assert [words[0] for words, _ in calls] == ["apply", "delete"]
    assert len({stdin for _, stdin in calls}) == 1
    assert "k-kanister-kafka-earlier-switch" in calls[0][1]
    line = " ".join(asked[0])
    assert "--from-cluster k -n ns --name ns.k-earlier" in line
    assert "--image registry/image:1" in line


def test_nothing_is_applied_without_an_earlier_version(server) -> None:
    with outage.earlier_objects(KubeClient(), rehearsal_context(), None) as context:
        assert context is None
    assert server.asked == []
