"""Plans: order, waits, rights, forms of Kasten, refusals of options."""

from __future__ import annotations

import pytest

from kanister_kafka import KastenForm, Limits, Options, Plan, QuiesceBy, Strategy, build, load, read
from kanister_kafka.report import duration

from .conftest import ROOT


def plan_of(example: str, cluster: str = "", **choices: object) -> Plan:
    reading = read(load([ROOT / "examples" / example]).documents, cluster=cluster)
    assert reading.cluster is not None, reading.problems
    return build(reading.cluster, Options(**choices), reading.problems)  # type: ignore[arg-type]


def rights(plan: Plan) -> set[str]:
    return {
        f"{right.namespace} {right.resource}{'/' if right.subresource else ''}{right.subresource} "
        f"{','.join(right.names) or '*'} {','.join(right.verbs)}"
        for right in plan.rights
    }


def test_order_of_a_cold_backup() -> None:
    plan = plan_of("kraft-broker-pools")
    prehook, posthook, resume = plan.actions
    assert [phase.name for phase in prehook.phases] == ["quiesce", "flush", "stop"]
    assert prehook.defer_phase is not None
    assert prehook.defer_phase.name == "recover"
    pause, *others = prehook.phases[2].steps
    assert pause.does == "pause reconciliation"
    order = [name for step in others for name in step.objects if name.startswith("StrimziPodSet")]
    assert [name.rpartition("-")[2] for name in order[-1:]] == ["controller"]
    assert len(order) == 3
    assert [phase.name for phase in posthook.phases] == ["restart"]
    assert [phase.name for phase in resume.phases] == ["resume"]


def test_waits_follow_the_longest_grace_period() -> None:
    plan = plan_of("kraft-broker-pools")
    brokers, quorum = plan.actions[0].phases[2].steps[-2:]
    assert brokers.seconds == 120 + Limits().stop
    assert quorum.seconds == plan.cluster.quorum[0].grace_seconds + Limits().stop


@pytest.mark.parametrize(
    "example", sorted(p.name for p in (ROOT / "examples").iterdir() if p.is_dir())
)
def test_waits_fit_the_hook_timeout_of_kasten(example: str) -> None:
    cluster = "kafka-mirror/my-cluster" if example == "seed" else ""
    plan = plan_of(example, cluster)
    assert "hook-timeout" not in {problem.check for problem in plan.problems}
    assert all(action.seconds < 1200 for action in plan.actions)


def test_waits_that_do_not_fit_are_told() -> None:
    plan = plan_of("kraft-separate-pools", limits=Limits(pause=1000))
    (problem,) = [p for p in plan.problems if p.check == "hook-timeout"]
    assert "backupPrehook" in problem.message
    assert not [
        p
        for p in plan_of(
            "kraft-separate-pools", limits=Limits(pause=1000), hook_timeout=3600
        ).problems
        if p.check == "hook-timeout"
    ]


def test_rights_are_named_and_stay_in_their_namespace() -> None:
    plan = plan_of("mirror-maker-2")
    assert rights(plan) == {
        "kafka-backup configmaps backup-kanister-kafka get,patch",
        "kafka-backup deployments backup-entity-operator delete",
        "kafka-backup kafkabridges http get,patch",
        "kafka-backup kafkaconnects sink get,patch",
        "kafka-backup kafkanodepools broker,controller get",
        "kafka-backup kafkas backup get,patch",
        "kafka-backup pods * get,list",
        "kafka-backup pods/exec * create",
        "kafka-backup strimzipodsets backup-broker,backup-controller get,delete",
        "kafka-tools kafkamirrormaker2s mirror get,patch",
        "kafka-tools pods * list",
    }
    assert {role.namespace: role.name for role in plan.roles} == {
        "kafka-backup": "backup-kanister-kafka",
        "kafka-tools": "kafka-backup.backup-kanister-kafka",
    }


def test_quiescing_by_pause_may_delete_workloads_and_nothing_else() -> None:
    by_pause = rights(plan_of("mirror-maker-2", quiesce_by=QuiesceBy.PAUSE))
    more = by_pause - rights(plan_of("mirror-maker-2"))
    assert more == {
        "kafka-backup deployments http-bridge,sink-connect delete",
        "kafka-backup strimzipodsets sink-connect delete",
        "kafka-tools deployments mirror-mirrormaker2 delete",
        "kafka-tools strimzipodsets mirror-mirrormaker2 delete",
    }


def test_hot_backup_may_only_look_and_flush() -> None:
    plan = plan_of("kraft-separate-pools", strategy=Strategy.HOT)
    assert rights(plan) == {"kafka pods * get,list", "kafka pods/exec * create"}
    assert plan.name.endswith(".hot")
    assert any("Not guaranteed" in line for line in plan.header)


def test_header_has_five_lines() -> None:
    for strategy in Strategy:
        assert len(plan_of("kraft-separate-pools", strategy=strategy).header) == 5


def test_who_is_left_alone_and_why() -> None:
    plan = plan_of("mirror-maker-2")
    (alone,) = plan.left_alone
    assert str(alone) == "KafkaMirrorMaker2 kafka-backup/onward"
    assert "only reads" in alone.reason


@pytest.mark.parametrize(
    ("example", "bound", "warned"),
    [
        pytest.param("zookeeper-pod-sets", "Kafka", False, id="kafka-owns-all"),
        pytest.param("kraft-combined", "KafkaNodePool", False, id="one-pool-owns-all"),
        pytest.param("kraft-separate-pools", "Kafka", True, id="several-owners"),
        pytest.param("zookeeper-node-pools", "Kafka", True, id="pools-and-zookeeper"),
    ],
)
def test_binding_goes_to_the_owner_of_the_volumes(
    example: str, bound: str, *, warned: bool
) -> None:
    plan = plan_of(example, kasten=(KastenForm.BINDING,))
    assert plan.bound.kind == bound
    assert ("binding-no-barrier" in {p.check for p in plan.problems}) is warned


def test_annotation_form_says_what_to_set() -> None:
    plan = plan_of("seed", "kafka-mirror/my-cluster", kasten=(KastenForm.ANNOTATION,))
    assert plan.notes == (
        "to do: kubectl annotate kafkas.kafka.strimzi.io my-cluster -n kafka-mirror "
        "kanister.kasten.io/blueprint=kafka-mirror.my-cluster",
    )


@pytest.mark.parametrize(
    ("choice", "path"),
    [
        pytest.param({"image": "x; rm -rf /"}, "image", id="image"),
        pytest.param({"image": "{{ .Time }}"}, "image", id="template"),
        pytest.param({"name": "No"}, "name", id="name"),
        pytest.param({"kasten_namespace": ""}, "kasten-namespace", id="namespace"),
        pytest.param({"service_account": "a b"}, "service-account", id="account"),
        pytest.param({"labels": (("a b", "c"),)}, "label, annotation", id="label-key"),
        pytest.param({"labels": (("a", "c d"),)}, "label", id="label-value"),
        pytest.param({"annotations": (("a b", "c"),)}, "label, annotation", id="annotation"),
        pytest.param({"frequency": "daily"}, "frequency", id="frequency"),
    ],
)
def test_options_that_cannot_work(choice: dict, path: str) -> None:
    (problem,) = Options(**choice).problems()
    assert problem.path == path
    assert problem.check == "option"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (90, "1m30s"), (120, "2m"), (3661, "1h1m1s")]
)
def test_duration_is_spelled_as_in_go(seconds: int, text: str) -> None:
    assert duration(seconds) == text
