"""What changes replicas while a backup keeps them at 0: KEDA and HorizontalPodAutoscalers."""

from __future__ import annotations

import json

import pytest

from kanister_kafka import Options, QuiesceMethod, Strategy, build_plan
from kanister_kafka.backup.planner import autoscaler_conflict
from kanister_kafka.diagnostics import Location, Severity
from kanister_kafka.integrations.fleet import Fleet, FleetEntry, group_clusters, render_fleet
from kanister_kafka.integrations.fleet.grouping import ObjectSpool
from kanister_kafka.operations.preflight.kafka import autoscalers
from kanister_kafka.operations.preflight.model import OptionalRead
from kanister_kafka.strimzi import read_cluster
from kanister_kafka.yamldoc import loads
from tests.fakes.kafka_objects import thing
from tests.operations.test_preflight import planned, view
from tests.strimzi.test_clients import connected_to
from tests.strimzi.test_reader import CONNECT, KRAFT

BRIDGE = CONNECT.replace("KafkaConnect", "KafkaBridge").replace("sink", "http")
TEXT = KRAFT + CONNECT + BRIDGE
KEDA, HPA = ("keda.sh/v1alpha1", "ScaledObject"), ("autoscaling/v2", "HorizontalPodAutoscaler")
STRIMZI = "kafka.strimzi.io/v1beta2"
SINK = {"apiVersion": STRIMZI, "kind": "KafkaConnect", "name": "sink"}
POOL = {"apiVersion": STRIMZI, "kind": "KafkaNodePool", "name": "broker"}


def scaler(of, target, *, namespace="kafka", annotations=None, owner="", **spec):
    version, kind = of
    metadata = {"name": "auto", "namespace": namespace}
    if annotations:
        metadata["annotations"] = annotations
    if owner:
        metadata["ownerReferences"] = [{"kind": owner, "name": "x"}]
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": metadata,
        "spec": {"scaleTargetRef": target, **spec},
    }


def plan_of(item, text=TEXT, **options):
    documents = loads(f"{text}---\n{json.dumps(item)}\n", "k.yaml").documents
    reading = read_cluster(documents, cluster="kafka/demo")
    assert reading.cluster is not None, reading.problems
    return build_plan(reading.cluster, Options(hook_timeout=3600, **options), reading.problems)


OFF = {"scaleUp": {"selectPolicy": "Disabled"}, "scaleDown": {"selectPolicy": "Disabled"}}
PAUSED, COUNT = "autoscaling.keda.sh/paused", "autoscaling.keda.sh/paused-replicas"
BY_REPLICAS = {
    # Whether it is told where writers are stopped by their replicas, and where by a pause
    "keda-writer": (scaler(KEDA, SINK), True, False),
    "keda-writer-with-minimum": (scaler(KEDA, SINK, minReplicaCount=2), True, False),
    "keda-paused": (scaler(KEDA, SINK, annotations={PAUSED: "true"}), False, False),
    "keda-paused-by-any-word": (scaler(KEDA, SINK, annotations={PAUSED: "yes"}), False, False),
    "keda-paused-no-more": (scaler(KEDA, SINK, annotations={PAUSED: "False"}), True, False),
    "keda-kept-at-a-number": (scaler(KEDA, SINK, annotations={COUNT: "3"}), True, False),
    "keda-kept-and-paused": (
        scaler(KEDA, SINK, annotations={COUNT: "3", PAUSED: "true"}),
        True,
        False,
    ),
    "keda-pool": (scaler(KEDA, POOL), True, True),
    "keda-pool-paused": (scaler(KEDA, POOL, annotations={PAUSED: "true"}), False, False),
    "keda-deployment-of-the-bridge": (scaler(KEDA, {"name": "http-bridge"}), True, False),
    "keda-other-deployment": (scaler(KEDA, {"name": "http"}), False, False),
    "keda-other-connect": (scaler(KEDA, {**SINK, "name": "other"}), False, False),
    "keda-elsewhere": (scaler(KEDA, SINK, namespace="other"), False, False),
    "keda-other-group": (scaler(KEDA, {**SINK, "apiVersion": "example.com/v1"}), False, False),
    "hpa-writer": (scaler(HPA, SINK), False, False),
    "hpa-writer-with-minimum": (scaler(HPA, SINK, minReplicas=1), False, False),
    "hpa-writer-from-zero": (scaler(HPA, SINK, minReplicas=0), True, False),
    "hpa-pool": (scaler(HPA, POOL), True, True),
    "hpa-pool-disabled": (scaler(HPA, POOL, behavior=OFF), False, False),
    "hpa-pool-one-way": (
        scaler(HPA, POOL, behavior={"scaleUp": {"selectPolicy": "Disabled"}}),
        True,
        True,
    ),
    "hpa-of-keda": (scaler(HPA, POOL, owner="ScaledObject"), False, False),
    "hpa-without-target": (scaler(HPA, None), False, False),
}


@pytest.mark.parametrize(("item", "replicas", "pause"), BY_REPLICAS.values(), ids=BY_REPLICAS)
def test_render_warns_of_autoscalers_that_would_undo_a_stop(
    item, *, replicas: bool, pause: bool
) -> None:
    for quiesce_by, told in ((QuiesceMethod.REPLICAS, replicas), (QuiesceMethod.PAUSE, pause)):
        problems = plan_of(item, quiesce_by=quiesce_by).problems
        assert [p.rule for p in problems] == ["autoscaled"] * told
        assert all(p.severity is Severity.WARNING for p in problems)
        assert all(p.path == "spec.scaleTargetRef" for p in problems)


@pytest.mark.parametrize("item", [scaler(KEDA, SINK), scaler(HPA, POOL)], ids=["keda", "hpa"])
def test_a_hot_backup_stops_nothing_that_could_be_scaled(item) -> None:
    assert plan_of(item, strategy=Strategy.HOT).problems == ()


def test_a_client_that_is_left_alone_may_be_scaled() -> None:
    text = KRAFT + connected_to("other-kafka-bootstrap:9092")
    assert plan_of(scaler(KEDA, SINK), text).problems == ()


@pytest.mark.parametrize(
    ("item", "remedy"),
    [
        (
            scaler(KEDA, SINK),
            "--quiesce-by pause, or before each backup: kubectl annotate scaledobject auto "
            "-n kafka autoscaling.keda.sh/paused=true",
        ),
        (scaler(HPA, SINK, minReplicas=0), "--quiesce-by pause, or spec.minReplicas of at least 1"),
        (
            scaler(HPA, POOL),
            "set selectPolicy: Disabled in spec.behavior.scaleUp and scaleDown, or delete it",
        ),
    ],
    ids=["keda", "hpa", "pool"],
)
def test_a_conflict_with_an_autoscaler_has_a_remedy(item, remedy) -> None:
    plan = plan_of(item)
    (one,) = plan.cluster.autoscalers
    found = autoscaler_conflict(one, plan.options)
    assert found is not None
    assert found.remedy == remedy
    assert plan.problems[0].message.endswith(remedy)


# check, on what is live


def lines(*items, **options):
    plan = plan_of({"apiVersion": "v1", "kind": "Secret"}, **options)
    shown = view(planned=planned(plan=plan), autoscalers=OptionalRead(items))
    return [(line.level.value, line.what) for line in autoscalers.find(shown)]


@pytest.mark.parametrize(("item", "replicas", "pause"), BY_REPLICAS.values(), ids=BY_REPLICAS)
def test_check_fails_for_the_same(item, *, replicas: bool, pause: bool) -> None:
    for quiesce_by, told in ((QuiesceMethod.REPLICAS, replicas), (QuiesceMethod.PAUSE, pause)):
        (found,) = lines(item, quiesce_by=quiesce_by)
        assert found[0] == ("problem" if told else "ok")


def test_check_lists_autoscalers_without_a_conflict_as_ok() -> None:
    assert lines() == [("ok", "nothing scales its writers or node pools by itself")]
    harmless = scaler(HPA, SINK)
    assert lines(harmless) == [("ok", "leaves a backup alone: HorizontalPodAutoscaler kafka/auto")]
    assert [level for level, _ in lines(harmless, scaler(KEDA, POOL))] == ["problem", "ok"]
    assert (
        list(autoscalers.find(view(planned=None, autoscalers=OptionalRead((thing("X", "x"),)))))
        == []
    )


# A fleet


def test_a_fleet_reports_the_same() -> None:
    item = scaler(KEDA, {**SINK, "name": "far"}, namespace="tools")
    far = connected_to("demo-kafka-bootstrap.kafka:9092", "tools").replace(": sink", ": far")
    text = f"{KRAFT}{far}---\n{json.dumps(item)}\n"
    with ObjectSpool() as spool:
        fleet = Fleet(rules=(FleetEntry(location=Location("<input>"), path=""),))
        (outcome,) = render_fleet(
            group_clusters(fleet, loads(text, "k.yaml").documents, spool).tasks
        )
    assert [p.rule for p in outcome.problems] == ["autoscaled"]
