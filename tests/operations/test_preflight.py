"""What each check of the preflight says of a cluster, and what it asks the cluster for."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace

import pytest

from kanister_kafka._version import __version__
from kanister_kafka.backup.options import KastenOutput, Options, SnapshotProvider, Strategy
from kanister_kafka.backup.planner import build_plan
from kanister_kafka.backup.render import render
from kanister_kafka.backup.scripts import ScriptPin, ScriptsConfigMap
from kanister_kafka.constants import (
    EXPORT_KEYS,
    PAUSE_RECONCILIATION,
    PREVIOUS_PAUSE,
    RETENTION_HELD,
)
from kanister_kafka.diagnostics import Location, error, warning
from kanister_kafka.errors import ForbiddenError, TransientError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.kube.exec import ExecResult
from kanister_kafka.kube.pod_options import DEFAULT_IMAGE
from kanister_kafka.kube.wait import Clock
from kanister_kafka.operations.object_names import default_names
from kanister_kafka.operations.preflight import (
    CHECKS,
    Checked,
    CheckLine,
    CheckStatus,
    cluster_facts,
    drift,
    platform,
    rendered_blueprint,
    run_checks,
    storage,
)
from kanister_kafka.operations.preflight import image as image_checks
from kanister_kafka.operations.preflight import kafka as kafka_checks
from kanister_kafka.operations.preflight.cluster_facts import (
    ClusterFacts,
    PlanFacts,
    PreflightCheck,
)
from kanister_kafka.operations.preflight.image import pull_test, pull_test_pod
from kanister_kafka.operations.preflight.model import (
    AccessReview,
    ManifestPair,
    NotReadableError,
    OptionalRead,
    PartitionState,
    PinnedScripts,
    PullTestResult,
    try_read,
)
from kanister_kafka.operations.preflight.partitions import ask_partitions
from kanister_kafka.operations.preflight.platform import ask_access as ask_rights
from kanister_kafka.operations.unrendered_fields import NOT_REMOVED
from kanister_kafka.reports.preflight import (
    checks_html,
    checks_markdown,
    preflight_json,
    preflight_text,
)
from kanister_kafka.strimzi import read_cluster
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.strimzi.retention import DELAY
from kanister_kafka.yamldoc import document_from_dict
from tests.fakes.api_server import ApiServer, body_fields, forbidden
from tests.fakes.api_server import status as refusal
from tests.fakes.fake_time import FakeTime
from tests.fakes.http_api import serving
from tests.fakes.kafka_objects import (
    NAMESPACE,
    SNAPSHOT_DEFAULT,
    action_set,
    claim,
    deployment,
    group_class,
    kafka,
    node,
    operator_pod,
    pod,
    pod_set,
    pool,
    snapshot_class,
    status,
    thing,
    volume,
)

HELD = json.dumps(
    {
        "since": "2026-01-02T03:04:05Z",
        "retention": "hold",
        "before": {DELAY: None},
        "held": {DELAY: "9"},
    }
)


def made(**options):
    """Return a plan of the cluster that the functions above make."""
    documents = [document_from_dict(kafka()), document_from_dict(pool())]
    reading = read_cluster(documents)
    assert reading.cluster is not None, reading.problems
    return build_plan(reading.cluster, Options(**options), reading.problems)


FILES = {"lib.sh": "# says nothing\n", "stop.sh": "# stops\n"}
SCRIPTS = ScriptsConfigMap(tuple(FILES.items()), "")


def config_map(**fields):
    written = {"manager": "sed", "operation": "Update", "time": "2026-01-02T03:04:05Z"}
    item = thing("ConfigMap", SCRIPTS.name, data=FILES, immutable=True)
    item["metadata"]["managedFields"] = [written]
    return {**item, **fields}


def pinned(live="", by=("Blueprint kasten-io/kafka.my-cluster",), sha256=SCRIPTS.sha256):
    pin = ScriptPin(NAMESPACE, SCRIPTS.name, sha256)
    found = (
        live
        if isinstance(live, OptionalRead)
        else OptionalRead(config_map() if live == "" else live)
    )
    return PinnedScripts(pin=pin, namespace=NAMESPACE, by=by, config_map=found)


def planned(**fields):
    plan = fields.pop("plan", None) or made()
    everything = {
        "plan": plan,
        "rights": OptionalRead(
            (AccessReview(account="steps", text="get pods in kafka", allowed=True),)
        ),
        "rendered": (
            OptionalRead(ManifestPair(desired=thing("Role", "r"), live=thing("Role", "r"))),
        ),
        "scripts": (pinned(),),
        "nodes": OptionalRead((node("one", plan.options.image),)),
        "action_sets": OptionalRead(()),
        "pulled": None,
    }
    return PlanFacts(**{**everything, **fields})


def grouped(classes):
    """Return a plan of an online backup by a group of the class `groups`."""
    options = {"strategy": Strategy.ONLINE, "group_snapshot_class": "groups"}
    plan = made(engine=SnapshotProvider.KANISTER, **options)
    return planned(plan=plan, group_classes=classes)


def view(**fields):
    """Return what a healthy cluster looks like, but for some fields."""
    everything = {
        "name": "my-cluster",
        "namespace": NAMESPACE,
        "context": "",
        "kasten_namespace": "kasten-io",
        "problems": (),
        "planned": planned(),
        "kafka": kafka(),
        "pools": OptionalRead((pool(),)),
        "pod_sets": OptionalRead((pod_set(),)),
        "pods": OptionalRead((pod("my-cluster-dual-0", "Ready"),)),
        "writers": (),
        "writer_pods": OptionalRead(()),
        "autoscalers": OptionalRead(()),
        "rebalances": OptionalRead(()),
        "partitions": OptionalRead(()),
        "claims": OptionalRead((claim(),)),
        "volumes": OptionalRead((volume(),)),
        "storage_classes": OptionalRead(()),
        "snapshot_classes": OptionalRead((snapshot_class(),)),
        "operators": OptionalRead((operator_pod("Ready"),)),
        "kanister_api": True,
        "deployments": OptionalRead((deployment(), deployment("gateway", "gateway:1"))),
        "kasten": OptionalRead(None),
        "names": default_names(KafkaRef(NAMESPACE, "my-cluster")),
        "record": OptionalRead(None),
        "space": OptionalRead(thing("Namespace", NAMESPACE, "")),
        "quotas": OptionalRead(()),
        "limit_ranges": OptionalRead(()),
        "server": OptionalRead(34),
    }
    return ClusterFacts(**{**everything, **fields})


def read(*items):
    return OptionalRead(tuple(items))


FORBIDDEN = OptionalRead(
    None, NotReadableError("pods", "that is forbidden", "needs the right to list pods")
)


def lines_of(check: PreflightCheck, **fields) -> list[tuple[str, str]]:
    return [(line.level.value, line.what) for line in check.find(view(**fields))]


def test_a_healthy_cluster_has_a_line_of_every_check_and_one_warning() -> None:
    lines = run_checks(view())
    assert [(line.id, line.level) for line in lines if line.level is not CheckStatus.OK] == [
        ("measured", CheckStatus.WARNING)
    ]
    assert {line.id for line in lines} == {check.id for check in CHECKS} - {
        "reading",
        "plan",
        "group-snapshot-class",
        "image-pull",
        "export",
        "strategy",  # of hot and online backups alone
    }


def test_every_check_of_the_package_is_registered_once() -> None:
    modules = (cluster_facts, drift, image_checks, kafka_checks, platform)
    there = {
        value.id
        for module in (*modules, storage)
        for value in vars(module).values()
        if isinstance(value, PreflightCheck)
    }
    assert sorted(there) == sorted(check.id for check in CHECKS)


RECORD = OptionalRead({"data": {"state": "stopped", "since": "2026-01-02T03:04:05Z"}})
RESTORING = OptionalRead({"data": {"state": "restoring", "since": "2026-01-02T03:04:05Z"}})


@pytest.mark.parametrize("record", [RESTORING, FORBIDDEN])
def test_what_may_be_restored_is_not_resumed(record) -> None:
    halted = kafka({PAUSE_RECONCILIATION: "true", PREVIOUS_PAUSE: "unset"})
    (line,) = kafka_checks.pause.find(view(kafka=halted, record=record))
    assert (line.level, "kanister-kafka status" in line.remedy) == (CheckStatus.PROBLEM, True)
    lines = run_checks(view(record=FORBIDDEN))
    assert [(one.id, one.level) for one in lines if one.id == "pause"] == [
        ("pause", CheckStatus.WARNING)
    ]


NOT_READY = status("NotReady")
NOT_READY["conditions"][0] |= {"reason": "TimeoutException", "message": "it took too long"}
WRITER = {**thing("KafkaMirrorMaker2", "mm2", "east"), "spec": {"replicas": 1}}
PAUSED_WRITER = {
    **WRITER,
    "metadata": {**WRITER["metadata"], "annotations": {PAUSE_RECONCILIATION: "true"}},
}
OUR_WRITER = {
    **WRITER,
    "metadata": {
        **WRITER["metadata"],
        "annotations": {PAUSE_RECONCILIATION: "true", PREVIOUS_PAUSE: "unset"},
    },
}
WRITER_POD = thing(
    "Pod", "mm2-0", "east", {"strimzi.io/cluster": "mm2", "strimzi.io/kind": "KafkaMirrorMaker2"}
)


@pytest.mark.parametrize(
    ("check", "fields", "level", "part"),
    [
        (kafka_checks.ready, {}, "ok", "is Ready"),
        (kafka_checks.ready, {"kafka": kafka(state=NOT_READY)}, "problem",
         "TimeoutException: it took too long"),
        (kafka_checks.ready, {"kafka": kafka(state=status())}, "problem", "no such condition"),
        (kafka_checks.ready, {"kafka": kafka(state=status("ReconciliationPaused"))}, "problem",
         "reconciliation is paused"),
        (kafka_checks.ready, {"kafka": kafka(state=status("Ready", generation=0))}, "problem",
         "generation 1, and none was observed"),
        (kafka_checks.ready, {"pools": read(pool(generation=4))}, "problem",
         "KafkaNodePool kafka/dual: it is at generation 4, and 1 was observed"),
        (kafka_checks.node_ids, {}, "ok", "node ids: 0"),
        (kafka_checks.node_ids, {"pools": read(pool(ids=(), replicas=3))}, "problem", "0 node ids"),
        (kafka_checks.pods_ready, {}, "ok", "every pod is Ready: my-cluster-dual-0"),
        (kafka_checks.pods_ready, {"pods": read()}, "problem", "has no pods"),
        (kafka_checks.pods_ready, {"pods": read(pod("a", "Ready"), pod("b")), "pod_sets": read()},
         "problem", "1 of 2 pods are not Ready: b"),
        (kafka_checks.pods_ready,
         {"pod_sets": read(pod_set("my-cluster-dual-0", "my-cluster-dual-1"))}, "problem",
         "pods are missing: my-cluster-dual-1"),
        (kafka_checks.pods_ready,
         {"pod_sets": read(thing("StatefulSet", "my-cluster-kafka", spec={"replicas": 2}))},
         "problem", "pods are missing: my-cluster-kafka-0, my-cluster-kafka-1"),
        (kafka_checks.rolling, {}, "ok", "no rolling update"),
        (kafka_checks.rolling, {"pods": read(pod("a", annotations={kafka_checks.ROLLING: "true"}))},
         "problem", "asked for by strimzi.io/manual-rolling-update on Pod kafka/a"),
        (kafka_checks.rolling,
         {"pod_sets": read(pod_set(annotations={kafka_checks.ROLLING: "true"}))}, "problem",
         "on StrimziPodSet kafka/my-cluster-dual"),
        (kafka_checks.rolling, {"pods": read(pod("a", annotations={kafka_checks.DISCARD: "true"}))},
         "problem", "will be deleted by strimzi.io/delete-pod-and-pvc"),
        (kafka_checks.rolling, {"pod_sets": read(pod_set(revision="b"))}, "problem",
         "1 of 1 pods are older than their specification"),
        (kafka_checks.rolling,
         {"pods": read(pod("k-0", labels={"controller-revision-hash": "old"})),
          "pod_sets": read(thing("StatefulSet", "k", spec={}, status={"updateRevision": "new"}))},
         "problem", "older than their specification"),
        (kafka_checks.retention, {}, "ok", "no restore holds the retention"),
        (kafka_checks.retention, {"kafka": kafka({RETENTION_HELD: HELD}, config={DELAY: "9"})},
         "warning", "deletes nothing since 2026-01-02T03:04:05Z"),
        (kafka_checks.retention, {"kafka": kafka({RETENTION_HELD: HELD})}, "warning",
         "log.initial.task.delay.ms was changed since"),
        (kafka_checks.retention, {"kafka": kafka({RETENTION_HELD: "x"})}, "warning",
         "its annotation is damaged"),
        (kafka_checks.pause, {}, "ok", "is not paused"),
        (kafka_checks.pause,
         {"kafka": kafka({PAUSE_RECONCILIATION: "true", PREVIOUS_PAUSE: "unset"}),
          "record": RECORD}, "problem",
         "by a backup (stopped since 2026-01-02T03:04:05Z in the state ConfigMap)"),
        (kafka_checks.pause, {"kafka": kafka({PAUSE_RECONCILIATION: "True"})}, "problem",
         "is paused already"),
        (kafka_checks.pause, {"kafka": kafka(state=status("ReconciliationPaused"))}, "problem",
         "has not ended the reconciliation"),
        (kafka_checks.pause, {"record": RECORD}, "problem",
         "the state ConfigMap has state stopped"),
        (kafka_checks.pause, {"record": RESTORING}, "problem", "is being restored since"),
        (kafka_checks.pause, {"record": OptionalRead({"data": {"state": "running"}})}, "ok",
         "not paused"),
        (kafka_checks.writers, {}, "ok", "nothing that is known to write"),
        (kafka_checks.writers, {"writers": (OptionalRead(WRITER),)}, "ok",
         "KafkaMirrorMaker2 east/mm2"),
        (kafka_checks.writers,
         {"writers": (OptionalRead(PAUSED_WRITER),), "writer_pods": read(WRITER_POD)}, "problem",
         "paused by another client and runs"),
        (kafka_checks.writers, {"writers": (OptionalRead(PAUSED_WRITER),)}, "warning",
         "it has no pods"),
        (kafka_checks.writers, {"writers": (OptionalRead(OUR_WRITER),)}, "problem",
         "still paused by an earlier backup"),
        (kafka_checks.migration, {}, "ok", "the metadata is in KRaft"),
        (kafka_checks.migration,
         {"problems": (error("metadata-migration", Location("k"), "status", "no"),)}, "problem",
         "k, status: no"),
        (kafka_checks.version_change, {}, "ok", "Kafka 3.9.2 runs"),
        (kafka_checks.version_change, {"kafka": kafka(version="4.0.0")}, "problem",
         "will become 4.0.0"),
        (kafka_checks.version_change,
         {"kafka": kafka(version=None),
          "problems": (warning("unpinned-version", Location("k"), "spec", "not set"),)}, "warning",
         "not set"),
        (kafka_checks.version_change, {"kafka": kafka(state=status("Ready"))}, "ok",
         "the running version is unknown"),
        (kafka_checks.rebalance, {}, "ok", "no rebalance is running"),
        (kafka_checks.rebalance,
         {"rebalances": read(thing("KafkaRebalance", "r", status=status("Ready")))}, "ok",
         "no rebalance"),
        (kafka_checks.rebalance,
         {"rebalances": read(thing("KafkaRebalance", "r", status=status("Rebalancing")))},
         "problem", "KafkaRebalance kafka/r is in state Rebalancing"),
        (kafka_checks.rebalance,
         {"rebalances": read(thing("KafkaRebalance", "r", status=status("PendingProposal")))},
         "warning", "is in state PendingProposal, and the stop ends that"),
        (kafka_checks.rebalance,
         {"kafka": kafka(state=status("Ready", autoRebalance={"state": "RebalanceOnScaleUp"}))},
         "problem", "status.autoRebalance.state is RebalanceOnScaleUp"),
        (kafka_checks.under_replicated, {}, "ok", "every replica is in sync"),
        (
            kafka_checks.under_replicated,
            {
                "partitions": read(
                    PartitionState(topic="a", number=1, leader="none", replicas=3, in_sync=0),
                    PartitionState(topic="a", number=2, leader="0", replicas=3, in_sync=1),
                )
            },
            "problem",
            "2 partitions have replicas that are not in sync, 1 of them no leader",
        ),
        (storage.storage, {}, "ok", "outlive their pods"),
        (storage.storage,
         {"problems": (error("ephemeral-storage", Location("k"), "spec.x", "gone"),)}, "problem",
         "gone"),
        (storage.storage,
         {"problems": (warning("delete-claim", Location("k"), "spec.x", "deleted"),)}, "warning",
         "deleted"),
        (storage.claims, {}, "ok", "every claim is Bound: data-0"),
        (storage.claims, {"claims": read()}, "problem", "there is nothing to snapshot"),
        (storage.claims, {"claims": read(claim(), claim("data-1", "Pending"))}, "problem",
         "1 of 2 claims are not Bound: data-1 is Pending"),
        (storage.snapshot_class, {}, "ok", "csi.example.com has VolumeSnapshotClass snap"),
        (storage.snapshot_class, {"snapshot_classes": read(snapshot_class(driver="other"))},
         "problem", "no VolumeSnapshotClass has driver csi.example.com, which data-0 needs"),
        (storage.snapshot_class, {"snapshot_classes": OptionalRead(None)}, "problem",
         "does not know"),
        (storage.snapshot_class, {"volumes": read(volume(hostPath={"path": "/x"}))}, "problem",
         "not of a CSI driver cannot be snapshotted: the volumes of data-0"),
        (
            storage.snapshot_class,
            {
                "volumes": read(
                    volume(
                        annotations={"pv.kubernetes.io/migrated-to": "csi.example.com"},
                        gcePersistentDisk={},
                    )
                )
            },
            "problem",
            "the volumes of data-0 are of an in-tree plugin, migrated to driver csi.example.com",
        ),
        (storage.snapshot_class,
         {"snapshot_classes": read(snapshot_class("a"), snapshot_class("b"))}, "warning",
         "2 VolumeSnapshotClasses and no default: a, b"),
        (
            storage.snapshot_class,
            {
                "snapshot_classes": read(
                    snapshot_class("a"), snapshot_class("b", **{SNAPSHOT_DEFAULT: "true"})
                )
            },
            "ok",
            "VolumeSnapshotClass b",
        ),
        (storage.group_snapshot_class, {"planned": grouped(read(group_class()))}, "ok",
         "driver csi.example.com has VolumeGroupSnapshotClass groups"),
        (storage.group_snapshot_class, {"planned": grouped(OptionalRead(None))}, "problem",
         "serves neither groupsnapshot.storage.k8s.io/v1 nor groupsnapshot.storage.k8s.io/v1b"),
        (storage.group_snapshot_class, {"planned": grouped(read(group_class("own")))}, "problem",
         "there is no VolumeGroupSnapshotClass groups; the cluster has own"),
        (storage.group_snapshot_class, {"planned": grouped(read())}, "problem",
         "there is no VolumeGroupSnapshotClass groups; the cluster has none"),
        (storage.group_snapshot_class, {"planned": grouped(read(group_class(driver="other")))},
         "problem", "is of driver other, and driver csi.example.com has the volumes of data-0"),
        (storage.snapshot_class, {"planned": planned(plan=made(snapshot_class="else"))}, "problem",
         "VolumeSnapshotClass else is not of driver csi.example.com, which has snap"),
        (storage.snapshot_class, {"planned": planned(plan=made(engine=SnapshotProvider.KANISTER))},
         "problem",
         "no default among its VolumeSnapshotClasses, and the Blueprint names none: snap"),
        (storage.snapshot_class,
         {"planned": planned(plan=made(engine=SnapshotProvider.KANISTER, snapshot_class="snap"))},
         "ok", "VolumeSnapshotClass snap"),
        (
            storage.snapshot_class,
            {
                "planned": planned(plan=made(engine=SnapshotProvider.KANISTER)),
                "snapshot_classes": read(
                    snapshot_class("a", **{SNAPSHOT_DEFAULT: "true"}),
                    snapshot_class("b", **{storage.KASTEN_CLASS: "true"}),
                ),
            },
            "ok",
            "VolumeSnapshotClass a",
        ),
        (
            storage.snapshot_class,
            {
                "snapshot_classes": read(
                    snapshot_class("a", **{SNAPSHOT_DEFAULT: "true"}),
                    snapshot_class("b", **{storage.KASTEN_CLASS: "true"}),
                ),
            },
            "ok",
            "VolumeSnapshotClass b",
        ),
        (
            storage.snapshot_class,
            {
                "volumes": FORBIDDEN,
                "storage_classes": read(
                    {**thing("StorageClass", "fast", ""), "provisioner": "csi.example.com"}
                ),
            },
            "ok",
            "driver csi.example.com",
        ),
    ],
)  # fmt: skip
def test_kafka_and_storage(check, fields, level, part) -> None:
    found = lines_of(check, **fields)
    assert [one[0] for one in found] == [level], found
    assert part in found[0][1]


def test_a_plan_without_a_group_needs_no_class_of_groups() -> None:
    assert lines_of(storage.group_snapshot_class) == []
    assert lines_of(storage.group_snapshot_class, planned=None) == []


def test_kasten_finds_a_snapshot_class_by_its_annotation() -> None:
    policy = planned(plan=made(kasten=(KastenOutput.POLICY,)))
    levels = [level for level, _ in lines_of(storage.snapshot_class, planned=policy)]
    assert levels == ["ok", "warning"]
    annotated = read(snapshot_class(**{storage.KASTEN_CLASS: "true"}))
    assert lines_of(storage.snapshot_class, planned=policy, snapshot_classes=annotated) == [
        ("ok", "driver csi.example.com has VolumeSnapshotClass snap")
    ]
    by_store = thing("StorageClass", "fast", "", annotations={storage.KASTEN_CHOICE: "snap"})
    chosen = read({**by_store, "provisioner": "csi.example.com"})
    assert len(lines_of(storage.snapshot_class, planned=policy, storage_classes=chosen)) == 1


OPERATOR_DEPLOYMENT = thing("Deployment", "strimzi-cluster-operator", "strimzi")
OPERATOR_DEPLOYMENT["spec"] = {
    "replicas": 0,
    "template": {"spec": {"containers": [{"env": [{"name": "STRIMZI_NAMESPACE", "value": ""}]}]}},
}
OLM = {"valueFrom": {"fieldRef": {"fieldPath": platform.TARGETS}}}


@pytest.mark.parametrize(
    ("item", "level", "part"),
    [
        (operator_pod("Ready"), "ok", "Pod strimzi/operator-0 is Ready: Strimzi 0.45.2"),
        (operator_pod("Ready", image="a/b@sha256:01"), "ok", "image tag has no version"),
        (operator_pod("Ready", image="a:5000/b:v0.40.1@sha256:01"), "ok", "Strimzi 0.40.1"),
        (operator_pod("Ready", image="b:0.30.0"), "problem", "Strimzi 0.30, and the plan is for"),
        (operator_pod("Ready", STRIMZI_NAMESPACE="a, kafka"), "ok", "is Ready"),
        (
            operator_pod("Ready", STRIMZI_NAMESPACE="a"),
            "problem",
            "there is Pod strimzi/operator-0",
        ),
        (
            operator_pod(
                "Ready",
                STRIMZI_NAMESPACE={"valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            ),
            "problem",
            "no Strimzi operator is seen that watches namespace kafka",
        ),
        (
            operator_pod(
                "Ready", annotations={"olm.targetNamespaces": "x,kafka"}, STRIMZI_NAMESPACE=OLM
            ),
            "ok",
            "is Ready",
        ),
        (operator_pod(), "problem", "does not run: no pod of it is Ready"),
        (OPERATOR_DEPLOYMENT, "problem", "(Deployment strimzi/strimzi-cluster-operator)"),
    ],
)
def test_operator(item, level, part) -> None:
    found = lines_of(platform.operator, operators=read(item))
    assert [one[0] for one in found] == [level], found
    assert part in found[0][1]


def test_an_operator_that_is_scaled_to_0_or_does_half_of_its_work() -> None:
    line = next(platform.operator.find(view(operators=read(OPERATOR_DEPLOYMENT), context="east")))
    assert line.remedy == (
        "kubectl scale deployment strimzi-cluster-operator -n strimzi --replicas 1 --context east"
    )
    half = operator_pod(
        "Ready",
        STRIMZI_POD_SET_RECONCILIATION_ONLY="true",
        STRIMZI_CUSTOM_RESOURCE_SELECTOR="team=a",
    )
    assert [level for level, _ in lines_of(platform.operator, operators=read(half))] == [
        "ok",
        "problem",
        "warning",
    ]
    assert lines_of(platform.operator, operators=OptionalRead(())) == [
        ("problem", "no Strimzi operator is seen that watches namespace kafka")
    ]


@pytest.mark.parametrize(
    ("image", "minor", "level", "part"),
    [
        ("b:0.45.2", 25, "ok", "1.25 is not older than 1.25, which Strimzi 0.45 needs"),
        ("b:0.45.2", 24, "warning", "Strimzi 0.45 supports 1.25 or later; Strimzi 0.43 is the l"),
        ("b:1.2.0", 29, "warning", "Kubernetes is 1.29, and Strimzi 1.2 supports 1.30 or later"),
        ("b:1.2.0", 37, "ok", "1.37 is not older than 1.30"),
        # The plan is for 0.36 to 0.51.
        ("b@sha256:01", 20, "warning", "Strimzi 0.38 to 0.51 supports 1.21 or later"),
        ("b@sha256:01", 25, "ok", "which Strimzi 0.38 to 0.51 needs"),
    ],
)
def test_kubernetes_and_operator(image, minor, level, part) -> None:
    item = operator_pod("Ready", image=image)
    ((found, what),) = lines_of(
        platform.kubernetes, operators=read(item), server=OptionalRead(minor)
    )
    assert (found, part in what) == (level, True), what


def test_the_kubernetes_version_is_checked_by_the_known_versions_of_strimzi() -> None:
    ((level, what),) = lines_of(platform.kubernetes, operators=FORBIDDEN, server=OptionalRead(20))
    assert (level, "Strimzi 0.38 to 0.51" in what) == ("warning", True)
    assert lines_of(platform.kubernetes, server=OptionalRead(None)) == []
    assert lines_of(platform.kubernetes, planned=None, operators=FORBIDDEN) == []
    newer = read(operator_pod("Ready", image="b:9.9.0"))
    assert lines_of(platform.kubernetes, operators=newer, server=OptionalRead(1)) == []


# What a backup whose brokers run promises


def with_zookeeper():
    nodes = {"replicas": 3, "storage": {"type": "persistent-claim", "size": "1Gi"}}
    item = kafka(version="3.9.0", **nodes)
    item["metadata"]["annotations"].clear()
    item["spec"]["zookeeper"] = nodes
    reading = read_cluster([document_from_dict(item)])
    assert reading.cluster is not None, reading.problems
    return build_plan(reading.cluster, Options(strategy=Strategy.HOT), reading.problems)


@pytest.mark.parametrize(
    ("plan", "with_quorum"),
    [(made(strategy=Strategy.HOT), True), (with_zookeeper(), False)],
    ids=["kraft", "zookeeper"],
)
def test_a_hot_backup_is_a_warning_with_its_effects(plan, with_quorum) -> None:
    (line,) = kafka_checks.strategy.find(view(planned=planned(plan=plan)))
    assert (line.level, line.what) == (CheckStatus.WARNING, "a hot backup is not consistent")
    assert line.remedy == "use --strategy online if all clients can be stopped, or cold"
    assert "lost" in line.detail[0]
    assert ("eligible leader replicas" in " ".join(line.detail)) == with_quorum


def test_an_online_backup_names_its_condition_and_a_cold_one_has_none() -> None:
    online = planned(plan=made(strategy=Strategy.ONLINE, engine=SnapshotProvider.KANISTER))
    ((level, what),) = lines_of(kafka_checks.strategy, planned=online)
    assert (level, "a client that is not known here writes" in what) == ("ok", True)
    assert lines_of(kafka_checks.strategy) == []
    assert lines_of(kafka_checks.strategy, planned=None) == []


INSTANT = action_set("a-1", "backupPrehook", "complete", seconds=0)
PREHOOK = action_set("a-1", "backupPrehook", "complete", seconds=60)


@pytest.mark.parametrize(
    ("check", "fields", "level", "part"),
    [
        (platform.kanister, {}, "ok", "kasten-io/kanister runs: Kanister 0.119"),
        (platform.kanister, {"kanister_api": False}, "problem", "does not know Blueprints"),
        (platform.kanister, {"deployments": read(deployment("x", "gateway:1"))}, "problem",
         "no Kanister controller is in namespace kasten-io"),
        (platform.kanister, {"deployments": read(deployment(available=0))}, "problem",
         "has no pod that is Ready"),
        (platform.kanister,
         {"deployments": read(deployment("kanister-svc", "gcr.io/kasten/x:8.5.9"))}, "ok",
         "image tag 8.5.9, which has no release"),
        (platform.kanister,
         {"deployments": read(deployment("tools", "ghcr.io/kanisterio/kanister-tools:0.119"))},
         "problem", "no Kanister controller"),
        (platform.running_action, {}, "ok", "no action"),
        (platform.running_action,
         {"planned": planned(action_sets=read(action_set("a-1", "x", "running")))}, "problem",
         "ActionSet kasten-io/a-1"),
        (platform.running_action,
         {"planned": planned(action_sets=read(action_set("a-1", "x", "failed", defer="running")))},
         "problem", "is running, or stuck"),
        (platform.running_action,
         {"planned": planned(action_sets=read(action_set("a-1", "x", "running", blueprint="y")))},
         "ok", "no action"),
        (platform.hook_timeout, {}, "ok", "all waits of a hook fit in 1200s"),
        (platform.hook_timeout,
         {"problems": (warning("hook-timeout", Location("k"), "", "too long"),)}, "warning",
         "too long"),
        (
            platform.hook_timeout,
            {
                "kasten": OptionalRead(
                    thing("ConfigMap", "k10-config", data={"KanisterHookTimeout": "10"})
                )
            },
            "problem",
            "Kasten ends a hook after 600s, sooner than the 1200s of --hook-timeout",
        ),
        (
            platform.hook_timeout,
            {
                "kasten": OptionalRead(
                    {
                        "data": {
                            "K10TimeoutBlueprintHooks": "10",
                            "K10TimeoutBlueprintResourceHooks": "20",
                        }
                    }
                )
            },
            "ok",
            "as Kasten is set (20 min)",
        ),
        (platform.measured, {}, "warning", "no run of the Blueprint is known"),
        (platform.measured, {"planned": planned(action_sets=read(PREHOOK))}, "ok",
         "backupPrehook took 60s at most in 1 run, of 1200s"),
        (
            platform.measured,
            {
                "planned": planned(
                    plan=made(hook_timeout=70),
                    action_sets=read(PREHOOK, action_set("a-2", "backupPrehook", "complete", 5)),
                )
            },
            "warning",
            "took 60s at most in 2 runs, of 70s",
        ),
        (
            platform.measured,
            {"planned": planned(action_sets=read(INSTANT))},
            "ok",
            "backupPrehook took 0s at most in 1 run, of 1200s",
        ),
        (platform.measured,
         {"planned": planned(plan=made(hook_timeout=59), action_sets=read(PREHOOK))}, "problem",
         "of 59s"),
    ],
)  # fmt: skip
def test_kanister(check, fields, level, part) -> None:
    found = lines_of(check, **fields)
    assert [one[0] for one in found] == [level], found
    assert part in found[0][1]


def test_an_action_that_is_not_the_first_of_its_action_set_may_be_running() -> None:
    item = action_set("a-1", "backupPrehook", "failed")
    item["spec"]["actions"].append({"name": "other", "blueprint": "kafka.my-cluster"})
    item["status"]["actions"] = [{}, {"deferPhase": {"name": "recover", "state": "running"}}]
    (found,) = lines_of(platform.running_action, planned=planned(action_sets=read(item)))
    assert found[0] == "problem"


@pytest.mark.parametrize("progress", [{}, {"lastTransitionTime": "2026-01-02T03:01:01Z"}])
def test_a_run_without_progress_since_its_start_has_no_duration(progress) -> None:
    """Kanister could not launch it, or the clock of its node is behind."""
    item = action_set("a-2", "backupPrehook", "complete")
    item["status"]["progress"] = progress
    assert lines_of(platform.measured, planned=planned(action_sets=read(item))) == []


def test_the_last_run_that_failed_is_reported() -> None:
    runs = read(PREHOOK, action_set("a-2", "backupPosthook", "failed"))
    found = lines_of(platform.measured, planned=planned(action_sets=runs))
    assert found[-1] == (
        "warning",
        "the last run failed: ActionSet kasten-io/a-2, action backupPosthook",
    )


DELETE = f"kubectl delete configmap {SCRIPTS.name} -n kafka && "
APPLY = "kanister-kafka apply --from-cluster my-cluster -n kafka"
BLUEPRINT_LIVE = OptionalRead(
    ManifestPair(desired=thing("Blueprint", "b"), live=thing("Blueprint", "b"))
)
NO_BLUEPRINT = OptionalRead(ManifestPair(desired=thing("Blueprint", "b"), live=None))


@pytest.mark.parametrize(
    ("asked", "level", "part", "remedy"),
    [
        (pinned(), "ok", "has the scripts that Blueprint kasten-io/kafka.my-cluster pins", ""),
        (pinned(None), "problem", "is missing", APPLY),
        (pinned(config_map(immutable=False)), "problem", "is not immutable", DELETE + APPLY),
        (pinned(config_map(immutable=None)), "problem", "is not immutable", DELETE + APPLY),
        (pinned(config_map(data=None)), "problem", "it was altered or replaced", DELETE + APPLY),
        (pinned(config_map(data=[1])), "problem", "it was altered or replaced", DELETE + APPLY),
        (
            pinned(config_map(data={**FILES, "stop.sh": "# stops!\n"})),
            *("problem", "it was altered or replaced", DELETE + APPLY),
        ),
        (
            pinned(config_map(binaryData={"more.sh": "IyBtb3JlCg=="})),
            *("problem", "it was altered or replaced", DELETE + APPLY),
        ),
        (
            pinned(config_map(binaryData={"more.sh": "?"})),
            *("problem", "it was altered or replaced", DELETE + APPLY),
        ),
        (pinned(config_map(data={**FILES, "README": "no script"})), "ok", "has the scripts", ""),
        (pinned(sha256="0" * 64), "problem", "it was altered or replaced", DELETE + APPLY),
        (pinned(sha256=""), "problem", "it was altered or replaced", DELETE + APPLY),
        (pinned(by=()), "ok", "has the scripts that what would be rendered now pins", ""),
        (
            pinned(config_map(data={}), by=()),
            "problem",
            "it was altered or replaced",
            DELETE + APPLY,
        ),
    ],
)
def test_scripts(asked, level, part, remedy) -> None:
    shown = view(planned=planned(scripts=(asked,), rendered=(BLUEPRINT_LIVE,)))
    (line,) = drift.scripts.find(shown)
    assert (line.level.value, line.remedy) == (level, remedy)
    assert part in line.what
    assert f"ConfigMap kafka/{SCRIPTS.name}" in line.what
    written = f"ConfigMap kafka/{SCRIPTS.name} was written by sed (Update) at 2026-01-02T03:04:05Z"
    assert line.detail == ((written,) if DELETE in remedy else ())


def test_scripts_that_nothing_on_the_cluster_asks_for() -> None:
    """An applied Blueprint runs with its own; that the others lack is a drift."""
    asked = (pinned(None, by=()),)
    there = view(planned=planned(scripts=asked, rendered=(BLUEPRINT_LIVE,)))
    assert list(drift.scripts.find(there)) == []
    absent = view(planned=planned(scripts=asked, rendered=(NO_BLUEPRINT,)))
    assert [line.level for line in drift.scripts.find(absent)] == [CheckStatus.PROBLEM]


def test_scripts_that_may_not_be_read_hide_no_other() -> None:
    lines = run_checks(view(planned=planned(scripts=(pinned(FORBIDDEN), pinned(None)))))
    assert [line.level.value for line in lines if line.id == "scripts"] == ["problem", "warning"]


def test_altered_scripts_are_not_reported_as_drift_too() -> None:
    pairs = (
        OptionalRead(ManifestPair(desired=config_map(), live=config_map(data={}))),
        OptionalRead(ManifestPair(desired=role(), live=role())),
    )
    assert lines_of(drift.drift, planned=planned(rendered=pairs)) == []
    pairs = (OptionalRead(ManifestPair(desired=config_map(), live=None)), pairs[1])
    ((level, what),) = lines_of(drift.drift, planned=planned(rendered=pairs))
    assert (level, what) == ("problem", f"not on the cluster: ConfigMap kafka/{SCRIPTS.name}")


def role(**fields):
    rules = [{"resources": ["pods"], "verbs": ["get"]}]
    return thing("Role", "r", annotations={"a/b": "1"}, rules=rules, **fields)


@pytest.mark.parametrize(
    ("wanted", "live", "level", "part"),
    [
        (role(), role(), "ok", "all 1 objects"),
        (role(), {**role(), "status": {}, "immutable": False}, "ok", "all 1"),
        (role(), None, "problem", "none of the objects that a backup needs is on the cluster"),
        (
            role(),
            {**role(), "rules": [{"resources": ["pods"], "verbs": ["get", "list"]}]},
            "problem",
            "Role kafka/r is not as it would be rendered now: rules[0].verbs (2 instead of 1)",
        ),
        (role(), {**role(), "rules": []}, "problem", "rules (0 instead of 1)"),
        (
            role(),
            thing("Role", "r", rules=role()["rules"]),
            "warning",
            "other labels or annotations than would be rendered now: Role kafka/r",
        ),
        (
            thing("Blueprint", "b", actions={"x": {}}),
            thing("Blueprint", "b", actions={"x": {}, "y": {}}, labels={"more": "x"}),
            "problem",
            "actions.y",
        ),
        (thing("ServiceAccount", "s"), thing("ServiceAccount", "s", secrets=[]), "ok", "all 1"),
    ],
)
def test_drift(wanted, live, level, part) -> None:
    pair = OptionalRead(ManifestPair(desired=wanted, live=live))
    found = lines_of(drift.drift, planned=planned(rendered=(pair,)))
    assert [one[0] for one in found] == [level], found
    assert part in found[0][1]


def of_origin(version=__version__, input_hash="sha256:1", options="", actions=None):
    notes = {"kanister-kafka.io/version": version, "kanister-kafka.io/input-hash": input_hash}
    if options:
        notes["kanister-kafka.io/options"] = options
    return thing("Blueprint", "b", annotations=notes, actions=actions or {"x": {}})


@pytest.mark.parametrize(
    ("wanted", "live", "level", "detail"),
    [
        (of_origin(), of_origin(), "ok", ()),
        (of_origin(), of_origin(version="0.0.9"), "ok",
         (f"Blueprint kafka/b was made by kanister-kafka 0.0.9, and this is {__version__}",)),
        (of_origin(), thing("Blueprint", "b", actions={"x": {}, "y": {}}), "problem",
         (f"Blueprint kafka/b was made by an unknown version, and this is {__version__}",)),
        (of_origin(actions={"y": {}}),
         of_origin(options="--engine kanister", input_hash="sha256:2"), "problem",
         ("Blueprint kafka/b was made with --engine kanister", drift.OTHERWISE)),
        (of_origin(actions={"y": {}}, options="--engine kanister"),
         of_origin(input_hash="sha256:2"), "problem",
         ("Blueprint kafka/b was made with the default options", drift.OTHERWISE)),
        (of_origin(actions={"y": {}}), of_origin(input_hash="sha256:2"), "problem",
         ("Blueprint kafka/b was made from another state of the cluster",)),
        (
            of_origin(actions={"y": {}}),
            of_origin(),
            "problem",
            (
                "Blueprint kafka/b was made from this very input: it was changed since, or the "
                "templates were",
            ),
        ),
    ],
)  # fmt: skip
def test_drift_has_the_reason_why_a_blueprint_differs(wanted, live, level, detail) -> None:
    live["metadata"]["managedFields"] = [applied_by("kanister-kafka", live)]
    pair = OptionalRead(ManifestPair(desired=wanted, live=live))
    (line,) = drift.drift.find(view(planned=planned(rendered=(pair,))))
    assert (line.level.value, line.detail) == (level, detail)


def applied_by(manager, live):
    return {"manager": manager, "operation": "Apply", "fieldsV1": body_fields(live)}


def test_drift_names_fields_of_another_manager_and_how_they_go() -> None:
    """An apply leaves them: a deferPhase of an online backup fails each cold one."""
    wanted = thing("Blueprint", "b", "kasten-io", actions={"x": {"phases": []}})
    wanted["apiVersion"] = "cr.kanister.io/v1alpha1"
    live = copy.deepcopy(wanted)
    live["actions"]["x"]["deferPhase"] = {"func": "KubeTask"}
    live["metadata"]["managedFields"] = [
        applied_by("kubectl", live), applied_by("kanister-kafka", wanted)
    ]  # fmt: skip
    pair = OptionalRead(ManifestPair(desired=wanted, live=live))
    (line,) = drift.drift.find(view(planned=planned(rendered=(pair,))))
    assert (line.level, line.what) == (
        CheckStatus.PROBLEM,
        "Blueprint kasten-io/b has fields that are not rendered: actions.x.deferPhase "
        "(of kubectl (Apply))",
    )
    assert line.remedy == (
        "kubectl delete blueprint.cr.kanister.io/b -n kasten-io && "
        "kanister-kafka apply --from-cluster my-cluster -n kafka"
    )
    assert line.detail == (
        *NOT_REMOVED,
        "if kubectl (Apply) writes the object again, change its source first",
    )


def test_drift_warns_of_a_field_of_another_manager_in_a_deployment() -> None:
    wanted = thing("Deployment", "d", spec={"template": {"spec": {}}})
    live = copy.deepcopy(wanted)
    live["spec"]["template"]["spec"]["nodeSelector"] = {"a": "b"}
    live["metadata"]["managedFields"] = [applied_by("kubectl", live)]
    pair = OptionalRead(ManifestPair(desired=wanted, live=live))
    ((level, what),) = lines_of(drift.drift, planned=planned(rendered=(pair,)))
    assert level == "warning"
    assert "spec.template.spec.nodeSelector (of kubectl (Apply))" in what


def test_drift_names_what_is_missing_and_how_to_apply_the_same() -> None:
    pairs = (
        OptionalRead(ManifestPair(desired=role(), live=role())),
        OptionalRead(ManifestPair(desired=thing("RoleBinding", "r"), live=None)),
    )
    shown = view(planned=planned(rendered=pairs), options="--engine kanister", context="e f")
    (line,) = drift.drift.find(shown)
    assert line.what == "not on the cluster: RoleBinding kafka/r"
    assert line.remedy == (
        "kanister-kafka apply --from-cluster my-cluster -n kafka --context 'e f' --engine kanister"
    )


def test_an_object_that_may_not_be_read_hides_no_other() -> None:
    changed = ManifestPair(desired=role(), live={**role(), "rules": []})
    lines = run_checks(view(planned=planned(rendered=(FORBIDDEN, OptionalRead(changed)))))
    assert [(line.level.value, line.what[:12]) for line in lines if line.id == "drift"] == [
        ("problem", "Role kafka/r"),
        ("warning", "pods could n"),
    ]


def test_rights_that_are_missing_are_named() -> None:
    asked = [
        AccessReview(account=account, text=f"{verb} pods in kafka", allowed=allowed)
        for account, verb, allowed in [
            ("steps", "get", True),
            ("steps", "list", False),
            ("switch", "get", False),
        ]
    ]
    assert lines_of(platform.rights, planned=planned(rights=read(*asked))) == [
        ("problem", "ServiceAccount kafka/steps lacks 1 of 2 rights: list pods in kafka"),
        ("problem", "ServiceAccount kafka/switch lacks 1 of 1 rights: all"),
    ]


IMAGE = Options().image
TAINT = [{"key": "x", "effect": "NoSchedule"}]


BACK_OFF = "ImagePullBackOff: no"


def pulled(**fields):
    return OptionalRead(
        PullTestResult(**{"pod": "p", "node": "n", "ran": True, "output": "v1.34.1", **fields})
    )


@pytest.mark.parametrize(
    ("check", "fields", "levels", "part"),
    [
        (image_checks.image, {}, ["ok"], "is on the only node"),
        (image_checks.image, {"planned": planned(nodes=read(node("one", IMAGE), node("two")))},
         ["warning"], "is not known to be on two"),
        (image_checks.image,
         {"planned": planned(nodes=read(node("one", IMAGE), node("two", taints=TAINT)))}, ["ok"],
         "only node"),
        (image_checks.image, {"planned": planned(nodes=read(node("one", IMAGE, ready="NotReady")))},
         ["problem"], "no node takes pods"),
        (image_checks.image,
         {"planned": planned(nodes=read(node("one", *(f"i:{i}" for i in range(50)))))}, ["warning"],
         "a node reports 50 images at most"),
        (
            image_checks.image,
            {
                "planned": planned(
                    plan=made(image="alpine/k8s:1@sha256:01"),
                    nodes=read(node("one", "docker.io/alpine/k8s@sha256:01")),
                )
            },
            ["ok"],
            "only node",
        ),
        (
            image_checks.image,
            {
                "planned": planned(
                    plan=made(image="busybox"),
                    nodes=read(node("one", "docker.io/library/busybox:latest")),
                )
            },
            ["warning", "ok"],
            "is not pinned",
        ),
        (image_checks.image, {"planned": planned(pulled=pulled(), nodes=read())}, [], ""),
        (image_checks.image_pull, {"planned": planned(pulled=pulled())}, ["ok"], "v1.34.1"),
        (
            image_checks.image_pull,
            {
                "planned": planned(
                    pulled=pulled(ran=False, output="ImagePullBackOff: no", leftover="x")
                )
            },
            ["problem", "warning"],
            "did not run on node n: ImagePullBackOff: no",
        ),
        (image_checks.pod_user, {}, ["ok"], "enforces no Pod Security level"),
        (
            image_checks.pod_user,
            {
                "space": OptionalRead(
                    thing(
                        "Namespace", "kafka", "", {"pod-security.kubernetes.io/enforce": "baseline"}
                    )
                )
            },
            ["ok"],
            "enforces Pod Security level baseline",
        ),
        (image_checks.pod_user, {"planned": planned(plan=made(run_as_user=None))}, ["warning"],
         "leaves the user open"),
        (
            image_checks.pod_user,
            {
                "space": OptionalRead(
                    thing(
                        "Namespace",
                        "kafka",
                        "",
                        annotations={image_checks.UID_RANGE: "1000680000/10000"},
                    )
                )
            },
            ["warning"],
            "user 65534 is outside the range",
        ),
        (image_checks.quota, {}, ["ok"], "no quota"),
    ],
)  # fmt: skip
def test_image(check, fields, levels, part) -> None:
    found = lines_of(check, **fields)
    assert [one[0] for one in found] == levels, found
    assert not found or part in found[0][1]


PROFILE = thing("Profile", "s3", location={"type": "s3Compliant", "bucket": "backups"})
STORE = thing("Secret", "store", data=dict.fromkeys(EXPORT_KEYS, "c2VjcmV0LXZhbHVl"))


@pytest.mark.parametrize(
    ("profile", "secret", "levels", "part"),
    [
        (PROFILE, STORE, ["ok", "ok"], "bucket backups"),
        (None, STORE, ["problem", "ok"], "Profile s3 is not in namespace kasten-io"),
        ({**PROFILE, "location": {"type": "gcs"}}, STORE, ["problem", "ok"], "of type gcs"),
        (
            {**PROFILE, "location": {"type": "s3Compliant"}},
            STORE,
            ["problem", "ok"],
            "Profile s3 names no bucket",
        ),
        (PROFILE, None, ["ok", "problem"], "Secret store of the copies is not in namespace kafka"),
        (
            PROFILE,
            {**STORE, "data": {"aws_access_key_id": "c2VjcmV0LXZhbHVl"}},
            ["ok", "problem"],
            "Secret store does not have aws_secret_access_key, repository_password",
        ),
    ],
    ids=["complete", "no-profile", "gcs", "no-bucket", "no-secret", "keys"],
)
def test_copies_need_a_profile_and_a_secret(profile, secret, levels, part) -> None:
    options = {"export_profile": "s3", "export_secret": "store"}
    plan = made(engine=SnapshotProvider.KANISTER, **options)
    facts = planned(
        plan=plan, export_profile=OptionalRead(profile), export_secret=OptionalRead(secret)
    )
    found = lines_of(storage.export, planned=facts)
    assert [one[0] for one in found] == levels
    assert any(part in one[1] for one in found)
    assert "secret-value" not in str(found)
    assert "c2VjcmV0" not in str(found)


@pytest.mark.parametrize(
    ("why", "remedy"),
    [
        ("ImagePullBackOff: no", "let the nodes pull it, or give another one with --image"),
        ('serviceaccount "a" not found', "kanister-kafka apply --from-cluster my-cluster -n kafka"),
        ("violates PodSecurity", ""),
    ],
)
def test_what_to_do_about_a_pod_that_did_not_run(why, remedy) -> None:
    shown = view(planned=planned(pulled=pulled(ran=False, output=why)))
    assert [line.remedy for line in image_checks.image_pull.find(shown)] == [remedy]


def quota(scopes=None, used=None, **hard):
    hard = {name.replace("_", "."): value for name, value in hard.items()}
    state = {"hard": hard, "used": used or {}}
    spec = {"hard": hard, **({"scopes": scopes} if scopes else {})}
    return thing("ResourceQuota", "q", spec=spec, status=state)


def test_a_quota_refuses_pods_that_ask_for_nothing_unless_there_is_a_default() -> None:
    bare = planned(plan=made(requests=()))
    hard = quota(requests_memory="1Gi", cpu="2")
    assert lines_of(image_checks.quota, quotas=read(hard), planned=bare) == [
        (
            "problem",
            "ResourceQuota q refuses pods without requests.cpu, requests.memory, and no LimitRange "
            "has a default: the steps give none",
        )
    ]
    assert [level for level, _ in lines_of(image_checks.quota, quotas=read(hard))] == ["ok"]
    both = read(quota(limits_memory="1Gi", requests_memory="1Gi"))
    assert "without limits.memory, and" in lines_of(image_checks.quota, quotas=both)[0][1]
    given = planned(plan=made(pod_limits=(("memory", "1Gi"),)))
    assert [level for level, _ in lines_of(image_checks.quota, quotas=both, planned=given)] == [
        "ok"
    ]
    limits = [{"type": "Container", "default": {"memory": "1Gi"}, "min": {"cpu": "1m"}}]
    ranges = read(thing("LimitRange", "l", spec={"limits": limits}))
    full = quota(requests_memory="1Gi", cpu="2", limits_memory="2Gi")
    assert [
        level for level, _ in lines_of(image_checks.quota, quotas=read(full), limit_ranges=ranges)
    ] == ["ok"]
    other = read(quota(limits_cpu="2"))
    assert "limits.cpu" in lines_of(image_checks.quota, quotas=other, limit_ranges=ranges)[0][1]
    best = read(quota(scopes=["Terminating"], requests_memory="1Gi"))
    assert lines_of(image_checks.quota, quotas=best)[0][0] == "ok"
    last = read(quota(used={"pods": "5"}, pods="5"))
    assert lines_of(image_checks.quota, quotas=last)[0] == (
        "problem",
        "ResourceQuota q is full: 5 of 5 pods",
    )


def test_what_may_not_be_looked_at_is_a_warning_and_the_others_go_on() -> None:
    everything = run_checks(view(pods=FORBIDDEN))
    (line,) = [line for line in everything if line.id == "pods-ready"]
    assert line.level is CheckStatus.WARNING
    assert line.what == "pods could not be looked at: that is forbidden"
    assert line.remedy == "needs the right to list pods"
    assert {"kafka-ready", "quota"} <= {
        line.id for line in everything if line.level is CheckStatus.OK
    }


def test_the_rest_is_checked_without_a_plan() -> None:
    problem = error("contradiction", Location("Kafka/kafka/my-cluster"), "spec.x", "both")
    lines = run_checks(view(planned=None, problems=(problem,)))
    assert [(line.id, line.level.value) for line in lines[:2]] == [
        ("reading", "problem"),
        ("plan", "problem"),
    ]
    assert lines[0].what == "Kafka/kafka/my-cluster, spec.x: both"
    assert lines[0].remedy == "kanister-kafka explain contradiction"
    assert {"kafka-ready", "operator", "claims"} <= {line.id for line in lines}
    assert not {"drift", "rights", "measured"} & {line.id for line in lines}


def test_only_a_refusal_becomes_a_warning() -> None:
    def forbidden():
        raise ForbiddenError("jane may not")

    def away():
        raise TransientError("gone")

    kept = try_read("pods", "list pods", forbidden)
    with pytest.raises(NotReadableError, match="pods could not be looked at") as caught:
        kept.get()
    assert (caught.value.remedy, caught.value.detail) == (
        "needs the right to list pods",
        "jane may not",
    )
    with pytest.raises(TransientError):
        try_read("pods", "list pods", away)
    assert try_read("pods", "list pods", lambda: None).get() is None


class Broker:
    """Stands for the broker in whose pod a command is run."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def __call__(self, pod, namespace, command, *, container, **_):
        self.asked.append((pod, namespace, container, command[4]))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


DESCRIBED = (
    "\tTopic: a.b\tPartition: 3\tLeader: 1\tReplicas: 1,0,2\tIsr: 1\tElr: \tLastKnownElr: \n"
    "\tTopic: c\tPartition: 0\tLeader: none\tReplicas: 2\tIsr: \n"
)
BROKERS = (
    pod("controller-3", "Ready", labels={"strimzi.io/broker-role": "false"}),
    pod("operator", "Ready", labels={"strimzi.io/name": "my-cluster-entity-operator"}),
    pod("broker-0", labels={"strimzi.io/broker-role": "true"}),
    pod("broker-1", "Ready", labels={"strimzi.io/broker-role": "true"}),
)


def test_a_ready_broker_is_asked_for_its_partitions() -> None:
    broker = Broker(ExecResult(0, DESCRIBED, ""))
    found = ask_partitions(broker, "my-cluster", NAMESPACE, BROKERS).get()
    assert broker.asked == [
        ("broker-1", NAMESPACE, "kafka", "my-cluster-kafka-brokers.kafka.svc:9091")
    ]
    assert found == (
        PartitionState(topic="a.b", number=3, leader="1", replicas=3, in_sync=1),
        PartitionState(topic="c", number=0, leader="none", replicas=1, in_sync=0),
    )
    assert (
        ask_partitions(Broker(ExecResult(0, "", "")), "my-cluster", NAMESPACE, BROKERS).get() == ()
    )


@pytest.mark.parametrize(
    ("pods", "answer", "part"),
    [
        (BROKERS[:3], None, "no broker is Ready"),
        (BROKERS, ExecResult(1, "", "Failed\n\tat x\nCaused by: bad password\n"), "bad password"),
        (BROKERS, ExecResult(None, "", ""), "no answer in time"),
        (BROKERS, ExecResult(0, "something else", ""), "something else"),
        (BROKERS, ForbiddenError("no"), "that is forbidden"),
        (BROKERS, TransientError("no websocket"), "no command runs in its pod"),
    ],
)
def test_partitions_that_cannot_be_read_do_not_count_as_in_sync(pods, answer, part) -> None:
    with pytest.raises(NotReadableError, match=part):
        ask_partitions(Broker(answer), "my-cluster", NAMESPACE, pods).get()


@pytest.fixture
def api(configure):
    """An API server, to which KubeClient() connects."""
    with serving(ApiServer()) as server:
        server.logs["x-pull-1"] = ["Client Version: v1.34.1"]
        configure(server.url)
        yield server


def review(*, allowed):
    return 201, {"status": {"allowed": allowed}}


def test_rights_are_asked_one_by_one_as_the_account(api) -> None:
    plan = made()
    account = plan.accounts[0]
    expected = [right for right in account.rights if right.resource == "strimzipodsets"]
    reviews = [review(allowed=True), review(allowed=False)]
    api.faults["POST", "/localsubjectaccessreviews", None] = reviews
    found = ask_rights(KubeClient(), account.name, NAMESPACE, expected)
    assert [(question.text, question.allowed) for question in found] == [
        ("get strimzipodsets.core.strimzi.io my-cluster-dual in kafka", True),
        ("delete strimzipodsets.core.strimzi.io my-cluster-dual in kafka", False),
    ]
    assert api.asked[-1][:2] == (
        "POST",
        "/apis/authorization.k8s.io/v1/namespaces/kafka/localsubjectaccessreviews",
    )
    body = api.bodies[-1]
    assert body["spec"]["user"] == f"system:serviceaccount:kafka:{account.name}"
    assert "system:serviceaccounts:kafka" in body["spec"]["groups"]
    assert body["spec"]["resourceAttributes"] == {
        "namespace": "kafka",
        "verb": "delete",
        "group": "core.strimzi.io",
        "resource": "strimzipodsets",
        "subresource": "",
        "name": "my-cluster-dual",
    }


def test_rights_are_asked_of_the_whole_cluster_where_the_namespace_refuses(api) -> None:
    right = made().accounts[0].rights[0]
    right = replace(right, names=(), verbs=("get",))
    api.faults["POST", "/localsubjectaccessreviews", None] = [forbidden()]
    api.faults["POST", "/subjectaccessreviews", None] = [review(allowed=True), forbidden()]
    assert [q.allowed for q in ask_rights(KubeClient(), "a", NAMESPACE, [right])] == [True]
    assert api.asked[-1][1] == "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    assert "metadata" not in api.bodies[-1]
    with pytest.raises(ForbiddenError):
        ask_rights(KubeClient(), "a", NAMESPACE, [right])


POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "x-pull-1", "namespace": NAMESPACE},
    "spec": {},
}
POD_PATH = "/pods/x-pull-1"


def running(phase="Pending", reason="", message="", **fields):
    state = {"waiting": {"reason": reason, "message": message}} if reason else {}
    told = {"phase": phase, "containerStatuses": [{"state": state}], **fields}
    return 200, {**POD, "spec": {"nodeName": "n"}, "status": told}


def pull_with(api, *answers):
    """Test a pod; these are the answers if it is read."""
    if answers:
        api.faults["GET", POD_PATH, None] = list(answers)
    return pull_test(KubeClient(), POD, clock=FakeTime().clock)


def requests_for_pods(api):
    """Return the methods of the requests for pods, without those for logs."""
    return [method for method, path, _ in api.asked if re.search(r"/pods(/[^/]+)?$", path)]


def test_the_pod_is_the_one_of_the_steps() -> None:
    plan = made(image="img:1")
    item = pull_test_pod(rendered_blueprint(render(plan)), "my-cluster", NAMESPACE)
    spec = item["spec"]
    assert spec["serviceAccountName"] == plan.service_account
    assert spec["securityContext"]["runAsNonRoot"] is True
    (container,) = spec["containers"]
    assert container["image"] == "img:1"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["command"][:2] == ["bash", "-c"]
    assert spec["restartPolicy"] == "Never"
    assert 0 < spec["activeDeadlineSeconds"] < 300


def test_a_pod_that_runs_is_deleted(api) -> None:
    api.faults["DELETE", POD_PATH, None] = [refusal(503, "x"), (200, {})]
    found = pull_with(api, running(), refusal(503, "busy"), running("Succeeded"))
    assert found.get() == PullTestResult(
        pod="x-pull-1", node="n", ran=True, output="Client Version: v1.34.1", leftover=""
    )
    assert requests_for_pods(api) == ["POST", "GET", "GET", "GET", "DELETE", "DELETE"]


@pytest.mark.parametrize(
    ("answers", "part"),
    [
        ([running(reason="ImagePullBackOff", message="not found")], "ImagePullBackOff: not found"),
        ([running(reason="InvalidImageName")], "InvalidImageName"),
        ([running("Failed", reason="x")], "exit code None"),
        ([refusal(404, "gone")], "deleted by another client"),
        (
            [running(reason="ErrImagePull", message="try")],
            "not within 120s: ErrImagePull: try",
        ),
        ([refusal(503, "busy")], r"not within 120s: .*: busy \(HTTP 503\)"),
        (
            [running(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Full"}])],
            "not within 120s: Full",
        ),
    ],
)
def test_a_pod_that_does_not_run_is_deleted_too(api, answers, part) -> None:
    found = pull_with(api, *answers)
    assert found.get().ran is False
    assert re.search(part, found.get().output)
    assert requests_for_pods(api)[-1] == "DELETE"
    assert api.live(POD) is None


def test_a_pod_that_gets_a_further_container_is_not_waited_for(api) -> None:
    """KubeTask would wait for the end of a proxy for ever."""
    made_so = copy.deepcopy(POD)
    made_so["spec"] = {
        "containers": [{"name": "container"}, {"name": "istio-proxy"}],
        "initContainers": [{"name": "linkerd-proxy", "restartPolicy": "Always"}],
    }
    asked = {**POD, "spec": {"containers": [{"name": "container"}]}}
    api.put(made_so)
    api.faults["POST", "/pods", None] = [(201, made_so)]
    found = pull_test(KubeClient(), asked, clock=FakeTime().clock)
    assert found.get() == PullTestResult(
        pod="x-pull-1", node="", ran=False, output="", added_containers=("istio-proxy",)
    )
    assert requests_for_pods(api) == ["POST", "DELETE"]
    assert api.live(POD) is None
    (line,) = image_checks.image_pull.find(view(planned=planned(pulled=found)))
    assert line.level is CheckStatus.PROBLEM
    assert "a step would wait for their end forever: istio-proxy" in line.what
    assert "--pod-label" in line.remedy


def test_a_pod_that_is_tried_has_the_labels_of_the_steps() -> None:
    plan = made(pod_labels=(("team", "a"),), pod_annotations=(("note", "b"),))
    metadata = pull_test_pod(rendered_blueprint(render(plan)), "my-cluster", NAMESPACE)["metadata"]
    assert metadata["labels"]["team"] == "a"
    assert metadata["annotations"] == {"note": "b"}


@pytest.mark.parametrize(
    ("image", "server", "said_by", "levels", "part"),
    [
        (DEFAULT_IMAGE, 34, "", ["ok"], "kubectl 1.34 of the image suits Kubernetes 1.34"),
        (DEFAULT_IMAGE, 35, "", ["ok"], "suits Kubernetes 1.35"),
        (DEFAULT_IMAGE, 33, "", ["ok"], "suits Kubernetes 1.33"),
        (DEFAULT_IMAGE, 32, "", ["warning"], "has kubectl 1.34, and Kubernetes is 1.32"),
        (DEFAULT_IMAGE, 36, "", ["warning"], "has kubectl 1.34, and Kubernetes is 1.36"),
        (DEFAULT_IMAGE, None, "", [], ""),
        ("example.com/tools:1", 34, "", ["warning"], "does not show which kubectl it has"),
        ("example.com/tools:1", 34, "Client Version: v1.33.1", ["ok"], "kubectl 1.33"),
        (DEFAULT_IMAGE, 34, "Client Version: v1.31.1", ["warning"], "has kubectl 1.31"),
    ],
)
def test_kubectl_and_server(image, server, said_by, levels, part) -> None:
    looked = pulled(output=said_by) if said_by else None
    shown = planned(plan=made(image=image), pulled=looked)
    found = lines_of(image_checks.kubectl, server=OptionalRead(server), planned=shown)
    assert [one[0] for one in found] == levels
    assert part in "".join(one[1] for one in found)


def test_a_matching_kubectl_image_is_named_if_it_is_known() -> None:
    for server, remedy in ((32, "--image docker.io/alpine/k8s:1.32."), (50, "with kubectl 1.50")):
        (line,) = image_checks.kubectl.find(view(server=OptionalRead(server)))
        assert remedy in line.remedy


@pytest.mark.parametrize(
    ("release", "choices", "level"),
    [
        ("0.110.0", {}, "problem"),
        ("0.110.0", {"pod_labels": ()}, "problem"),
        ("0.110.0", {"pod_labels": (), "pod_annotations": ()}, "ok"),
        ("0.111.0", {}, "ok"),
        ("7.0.1", {}, "ok"),
    ],
)
def test_older_kanister_takes_no_labels(release, choices, level) -> None:
    controller = deployment(image=f"ghcr.io/kanisterio/controller:{release}")
    found = lines_of(
        platform.kanister, deployments=read(controller), planned=planned(plan=made(**choices))
    )
    assert [one[0] for one in found] == [level]
    assert ("refuses podLabels" in found[0][1]) == (level == "problem")


def test_the_error_of_a_failed_deletion_is_in_the_result(api) -> None:
    api.faults["DELETE", POD_PATH, None] = [refusal(403, "may not delete")]
    found = pull_with(api, running("Succeeded"))
    assert found.get().leftover.endswith(": may not delete (HTTP 403)")


def test_a_pod_is_deleted_after_an_interrupt(api) -> None:
    def interrupt(_seconds):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull_test(KubeClient(), POD, clock=Clock(sleep=interrupt))
    assert requests_for_pods(api) == ["POST", "GET", "DELETE"]
    assert api.live(POD) is None


@pytest.mark.parametrize("code", [403, 422])
def test_a_refusal_of_the_pod_is_a_finding(api, code) -> None:
    refused = "pods is forbidden: violates PodSecurity restricted"
    api.faults["POST", "/pods", None] = [refusal(code, refused)]
    result = pull_with(api).get()
    assert result.ran is False
    assert result.output.endswith(f": {refused} (HTTP {code})")


@pytest.mark.parametrize(
    ("method", "path", "verb"), [("POST", "/pods", "create"), ("GET", POD_PATH, "get")]
)
def test_a_missing_right_is_not_a_finding_about_the_image(api, method, path, verb) -> None:
    refused = f'User "jane" cannot {verb} resource "pods"'
    api.faults[method, path, None] = [refusal(403, refused)]
    found = pull_with(api)
    assert requests_for_pods(api)[-1] == "DELETE"
    assert api.live(POD) is None
    with pytest.raises(NotReadableError, match="whether the image can be pulled"):
        found.get()


def test_a_pod_whose_creation_had_no_answer_is_deleted(api) -> None:
    api.put(POD)
    api.faults["POST", "/pods", None] = [None]
    with pytest.raises(TransientError):
        pull_test(KubeClient(), POD)
    assert requests_for_pods(api) == ["POST", "DELETE"]
    assert api.live(POD) is None


def test_a_log_that_may_not_be_read_is_not_a_failure(api) -> None:
    api.faults["GET", f"{POD_PATH}/log", None] = [forbidden()]
    found = pull_with(api, running("Succeeded"))
    assert (found.get().ran, found.get().output) == (True, "its output could not be read")


LINES = (
    CheckLine(id="a", level=CheckStatus.OK, what="fine"),
    CheckLine(id="b", level=CheckStatus.WARNING, what="odd\x1b[0m", remedy="mend it"),
    CheckLine(
        id="c", level=CheckStatus.PROBLEM, what="bad", detail=("one", "two"), objects=("Pod x/y",)
    ),
)


def test_text() -> None:
    assert preflight_text(LINES) == (
        "1 problem, 1 warning, 1 ok: a backup would fail or do harm\n"
        "\n"
        "ok       fine (a)\n"
        "warning  odd\\x1b[0m (b)\n"
        "         > mend it\n"
        "problem  bad (c)\n"
        "         - one\n"
        "         - two\n"
    )
    assert ": a backup would work, by all that can be seen\n\n" in preflight_text(LINES[:1])
    assert "a backup should work" in preflight_text(LINES[:2])
    assert preflight_text(LINES[:1], lambda level: f"<{level.value}>").endswith(
        "<ok>       fine (a)\n"
    )


@pytest.mark.parametrize("width", [0, 8, 20, 60])
def test_color_changes_the_word_of_the_level_alone(width: int) -> None:
    line = CheckLine(id="ok", level=CheckStatus.OK, what="ok " * 20, detail=("ok",))
    lines = (*LINES, line)
    plain = preflight_text(lines, width=width)
    colored = preflight_text(lines, lambda level: f"\x1b[32m{level.value}\x1b[0m", width)
    assert colored.replace("\x1b[32m", "").replace("\x1b[0m", "") == plain
    words = [row for row in colored.splitlines() if "\x1b" in row]
    assert len(words) == colored.count("\x1b[32m") == len(lines)
    assert all(row.startswith("\x1b[32m") for row in words)


def test_text_fits_a_terminal_and_breaks_no_name_and_no_remedy() -> None:
    name, remedy = "n" * 70, "kanister-kafka apply " + "--option " * 9
    line = CheckLine(
        id="long", level=CheckStatus.OK, what=f"a {'word ' * 20}{name}", remedy=remedy.strip()
    )
    rows = preflight_text([line], width=60).splitlines()
    assert rows[3].startswith("ok       a word"), rows
    assert all(len(row) <= 60 for row in rows if name not in row and remedy.strip() not in row)
    assert any(f"         {name}" == row for row in rows)
    assert any(row.endswith(f"> {remedy.strip()}") for row in rows)


def test_findings_for_a_change_request() -> None:
    one = Checked("kafka", "my-cluster", LINES)
    text = checks_markdown((one, Checked("a", "b", failure="no <right>", failure_code=2)))
    lines = text.splitlines()
    assert lines[:3] == [
        "## Check before a backup: Kafka kafka/my-cluster",
        "",
        "**1 problem, 1 warning, 1 ok: a backup would fail or do harm**",
    ]
    rows = [line for line in lines if line.startswith("| ")]
    assert rows[1:3] == [
        "| problem | bad; one; two |  | c |",
        "| warning | odd\\\\x1b\\[0m | mend it | b |",
    ]
    assert "**not checked: no \\<right\\>**" in lines
    page = checks_html((one, Checked("a", "b", is_applied=False)))
    assert page.startswith("<!DOCTYPE html>\n<html")
    assert "a backup would fail or do harm" in page
    assert "no Blueprint is applied, so nothing was checked" in page
    assert "\x1b" not in page


def test_json() -> None:
    assert json.loads(preflight_json(LINES))[2] == {
        "id": "c",
        "level": "problem",
        "what": "bad",
        "detail": ["one", "two"],
        "remedy": "",
        "objects": ["Pod x/y"],
    }
    assert preflight_json(()) == "[]\n"


def test_levels_are_in_order() -> None:
    assert CheckStatus.PROBLEM.reaches(CheckStatus.WARNING)
    assert not CheckStatus.OK.reaches(CheckStatus.WARNING)
