"""A backup restored into another namespace: what is changed, made, compared and removed."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import re
import signal
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from kanister_kafka import constants
from kanister_kafka.backup.options import Options, SnapshotProvider
from kanister_kafka.backup.render import render
from kanister_kafka.cli import main
from kanister_kafka.kube.exec import ExecResult
from kanister_kafka.operations.backups.model import Backup, BackupSnapshot
from kanister_kafka.operations.clone import broker_reads
from kanister_kafka.operations.clone.broker_reads import ReplicaRecords
from kanister_kafka.operations.clone.checks import long_host_fault, quota_faults
from kanister_kafka.operations.clone.comparison import common_ranges, compare_replicas
from kanister_kafka.operations.clone.contents import BackupContents, SnapshotSource, read_node_ids
from kanister_kafka.operations.clone.plan import CloneRequest, missing_references, plan_clone
from kanister_kafka.operations.clone.rehome import NodeResources
from kanister_kafka.operations.clone.remover import CloneRemover
from kanister_kafka.operations.clone.verification import RecordsRead
from kanister_kafka.operations.clone.verify import Verifier
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.strimzi.model import references
from kanister_kafka.strimzi.retention import hold, hold_options, read_held, released_spec
from tests.backup.test_planner import plan_of
from tests.fakes.cluster import serving
from tests.fakes.fake_time import FakeTime

NAME = "20260102030405"
KAFKA = KafkaRef("kafka", "my-cluster")
CLAIMS = ("data-0-my-cluster-dual-0", "data-0-my-cluster-dual-1")
API = "kafka.strimzi.io/v1beta2"
PASSWORD = "the-password-of-a-user"  # noqa: S105
NOW = "2026-01-09T00:00:00Z"
ID = "0123456789"
COPY = "my-cluster-verify-20260102030405-aaaaa"


def resource(kind, name, spec, *, labels=None, annotations=None, api=API):
    metadata = {"name": name, "namespace": "kafka", "labels": labels or {}}
    metadata["annotations"] = annotations or {}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def claim(name, size="1Gi"):
    source = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot"}
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": size}},
        "dataSource": {**source, "name": f"{name}-{NAME}"},
    }
    return resource("PersistentVolumeClaim", name, spec, api="v1")


def secret(name):
    item = resource("Secret", name, {}, api="v1", labels={"strimzi.io/cluster": "my-cluster"})
    del item["spec"]
    return {**item, "data": {"password": base64.b64encode(PASSWORD.encode()).decode()}}


LISTENER = {"name": "plain", "port": 9092, "type": "internal", "tls": False}


def kafka_resource(**kafka):
    spec = {"version": "3.9.2", "listeners": [LISTENER], **kafka}
    annotations = {
        "strimzi.io/kraft": "enabled",
        "strimzi.io/node-pools": "enabled",
        constants.PAUSE_RECONCILIATION: "true",
        constants.PREVIOUS_PAUSE: "unset",
        "argocd.argoproj.io/tracking-id": "app:kafka.strimzi.io/Kafka:kafka/my-cluster",
    }
    labels = {"app.kubernetes.io/instance": "app", "team": "payments"}
    return resource("Kafka", "my-cluster", {"kafka": spec}, annotations=annotations, labels=labels)


def pool(**spec):
    labels = {"strimzi.io/cluster": "my-cluster"}
    roles = ["controller", "broker"]
    storage = {"type": "persistent-claim", "size": "1Gi", "class": "fast"}
    return resource(
        "KafkaNodePool",
        "dual",
        {"replicas": 2, "roles": roles, "storage": storage, **spec},
        labels=labels,
    )


def backup(**fields):
    return Backup(
        name=NAME,
        kafka=KAFKA,
        complete_since="2026-01-02T03:09:00Z",
        snapshots=tuple(
            BackupSnapshot(f"{one}-{NAME}", one, ready=True, restore_size="1Gi") for one in CLAIMS
        ),
        claims=CLAIMS,
        **fields,
    )


def contents(kafka=None, pools=None, claims=None, **orders):
    objects = {
        0: claims or tuple(map(claim, CLAIMS)),
        1: (secret("my-cluster-cluster-ca"),),
        2: (secret("user"),),
        3: (resource("KafkaUser", "user", {}),),
        4: (resource("KafkaTopic", "orders", {}),),
        5: (pool(),) if pools is None else pools,
        6: (kafka or kafka_resource(),),
        7: (resource("KafkaMirrorMaker2", "mirror", {}),),
    }
    facts = {"clusterId": "c1", "kafkaVersion": "3.9.2", "nodeIds.dual": "[0,1]", **orders}
    ids = read_node_ids(facts, backup())
    return BackupContents(backup=backup(), facts=facts, objects=objects, node_ids=ids)


SOURCES = tuple(
    SnapshotSource(name=f"{one}-{NAME}", driver="csi", handle=f"handle-{one}", snapshot_class="s")
    for one in CLAIMS
)


def plan(found=None, sources=SOURCES, **request):
    return plan_clone(
        found or contents(),
        sources,
        CloneRequest(namespace="copy", identity=ID, **request),
        now=NOW,
    )


# What is changed.


def test_the_copy_has_the_volumes_and_credentials_of_the_backup_and_no_client() -> None:
    made = plan()
    assert made.refusals == ()
    assert [item["metadata"]["name"] for item in made.claims] == list(CLAIMS)
    assert {item["metadata"]["namespace"] for item in made.claims} == {"copy"}
    assert [item["metadata"]["name"] for item in made.secrets] == ["my-cluster-cluster-ca", "user"]
    assert (made.cluster_id, made.node_ids) == ("c1", {"dual": (0, 1)})
    kinds = {item["kind"] for item in made.objects}
    assert not kinds & {"KafkaMirrorMaker2", "KafkaTopic", "KafkaUser"}
    assert "KafkaMirrorMaker2 mirror: no client of Kafka is started" in made.left_out


def test_the_copy_of_a_group_is_filled_from_its_members() -> None:
    names = [f"snapshot-{number}" * 3 for number in range(len(CLAIMS))]
    members = tuple(
        BackupSnapshot(name, one, ready=True, restore_size="1Gi")
        for name, one in zip(names, CLAIMS, strict=True)
    )
    sources = [SnapshotSource(name=one, driver="csi", handle=f"handle-{one}") for one in names]
    found = contents()
    made = plan(replace(found, backup=replace(found.backup, snapshots=members)), sources)
    assert made.refusals == ()
    assert [item["spec"]["dataSource"]["name"] for item in made.claims] == names
    assert [item["metadata"]["name"] for item in made.snapshots] == names
    handles = [item["spec"]["source"]["snapshotHandle"] for item in made.contents]
    assert handles == [f"handle-{one}" for one in names]
    missing = plan(replace(found, backup=replace(found.backup, snapshots=members)), sources[:1])
    assert missing.refusals == (f"VolumeSnapshot {names[1]} of the backup cannot be used",)


def test_a_pool_without_nodes_is_copied_too() -> None:
    empty = resource("KafkaNodePool", "extra", {**pool()["spec"], "replicas": 0})
    found = contents(pools=(pool(), empty), **{"nodeIds.extra": "[]"})
    made = plan(found)
    assert made.refusals == ()
    assert made.node_ids == {"dual": (0, 1), "extra": ()}
    no_ids = contents(pools=(pool(), empty), **{"nodeIds.dual": "[]"})
    assert plan(no_ids).refusals == (
        "the backup does not contain the node ids of KafkaNodePool dual",
    )


def test_the_snapshot_in_the_storage_outlives_the_copy() -> None:
    for content, snapshot in zip(plan().contents, plan().snapshots, strict=True):
        assert content["spec"]["deletionPolicy"] == "Retain"
        reference = content["spec"]["volumeSnapshotRef"]
        assert reference == {"name": snapshot["metadata"]["name"], "namespace": "copy"}
        assert content["spec"]["source"]["snapshotHandle"].startswith("handle-data-0")
        bound = snapshot["spec"]["source"]["volumeSnapshotContentName"]
        assert bound == content["metadata"]["name"]


def test_no_other_program_takes_the_copy_for_its_own() -> None:
    metadata = plan().kafka["metadata"]
    marks = {constants.CLONE_OF: NAME, constants.CLONE: ID}
    assert metadata["labels"] == {"team": "payments", **marks}
    assert set(metadata["annotations"]) == {
        "strimzi.io/kraft",
        "strimzi.io/node-pools",
        constants.PAUSE_RECONCILIATION,
        constants.RETENTION_HELD,
    }


@pytest.mark.parametrize(
    ("listener", "expected", "change"),
    [
        ({}, {"type": "internal"}, ""),
        (
            {"type": "nodeport", "configuration": {"bootstrap": {"nodePort": 30092}}},
            {"type": "internal", "configuration": None},
            "listener plain is internal, not nodeport",
        ),
        (
            {"type": "ingress", "configuration": {"brokers": [{"host": "b0.example"}]}},
            {"type": "internal", "configuration": None},
            "listener plain has no brokers",
        ),
        (
            {
                "type": "tlsroute",
                "configuration": {"parentRefs": [{"name": "gateway"}], "maxConnections": 10},
            },
            {"type": "internal", "configuration": {"maxConnections": 10}},
            "listener plain is internal, not tlsroute",
        ),
        (
            {"type": "of-a-later-strimzi"},
            {"type": "internal"},
            "listener plain is internal, not of-a-later-strimzi",
        ),
        (
            {"configuration": {"maxConnections": 10, "brokerCertChainAndKey": {"secretName": "x"}}},
            {"configuration": {"maxConnections": 10}},
            "listener plain has no brokerCertChainAndKey",
        ),
        (
            {"authentication": {"type": "scram-sha-512"}},
            {"authentication": {"type": "scram-sha-512"}},
            "",
        ),
    ],
    ids=["internal", "nodeport", "ingress", "tlsroute", "later", "certificate", "scram"],
)
def test_a_listener_does_not_collide(listener, expected, change) -> None:
    made = plan(contents(kafka_resource(listeners=[{**LISTENER, **listener}])))
    (found,) = made.kafka["spec"]["kafka"]["listeners"]
    for key, value in expected.items():
        assert found.get(key) == value
    assert found["networkPolicyPeers"] == [{"podSelector": {}}]
    assert not change or change in made.changes
    assert (found["name"], found["port"]) == ("plain", 9092)


def test_a_listener_with_oauth_is_dropped_and_one_remains() -> None:
    listener = {**LISTENER, "name": "sso", "authentication": {"type": "oauth"}}
    made = plan(contents(kafka_resource(listeners=[listener])))
    assert [one["name"] for one in made.kafka["spec"]["kafka"]["listeners"]] == ["plain"]
    assert any("sso is dropped" in change for change in made.changes)


def test_what_needs_other_objects_or_servers_is_dropped_and_reported() -> None:
    kafka = kafka_resource(
        authorization={"type": "opa", "url": "http://opa"},
        metricsConfig={"valueFrom": {"configMapKeyRef": {"name": "metrics", "key": "k"}}},
        logging={"type": "external", "valueFrom": {"configMapKeyRef": {"name": "l"}}},
    )
    kafka["spec"]["cruiseControl"] = {}
    kafka["spec"]["kafkaExporter"] = {}
    kafka["spec"]["entityOperator"] = {"topicOperator": {}}
    made = plan(contents(kafka))
    spec = made.kafka["spec"]
    assert set(spec) == {"kafka"}
    assert not {"authorization", "metricsConfig", "logging"} & set(spec["kafka"])
    dropped = (
        "opa",
        "metricsConfig",
        "logging",
        "cruiseControl",
        "kafkaExporter",
        "entityOperator",
    )
    for word in dropped:
        assert any(word in change for change in made.changes), word
    assert missing_references(made, ()) == []


def test_simple_authorization_stays() -> None:
    made = plan(contents(kafka_resource(authorization={"type": "simple"})))
    assert made.kafka["spec"]["kafka"]["authorization"] == {"type": "simple"}


def test_with_the_entity_operator_topics_and_users_are_restored() -> None:
    kafka = kafka_resource()
    operator = {"topicOperator": {"watchedNamespace": "topics"}, "userOperator": {}}
    kafka["spec"]["entityOperator"] = operator
    made = plan(contents(kafka), entity_operator=True)
    assert made.kafka["spec"]["entityOperator"] == {"topicOperator": {}, "userOperator": {}}
    assert [item["kind"] for item in made.later] == ["KafkaUser", "KafkaTopic"]


def test_nodes_ask_for_less_and_volumes_for_another_class() -> None:
    given = NodeResources(cpu="100m", memory="1Gi", heap="512m")
    found = contents(pools=(pool(resources={"limits": {"cpu": "4", "memory": "32Gi"}}),))
    made = plan(found, resources=given, storage_class="slow")
    spec = made.pools[0]["spec"]
    assert spec["resources"] == {
        "requests": {"cpu": "100m", "memory": "1Gi"},
        "limits": {"memory": "1Gi"},
    }
    assert spec["jvmOptions"] == {"-Xms": "512m", "-Xmx": "512m"}
    assert spec["storage"]["class"] == "slow"
    assert {item["spec"]["storageClassName"] for item in made.claims} == {"slow"}


def test_a_claim_is_as_large_as_its_snapshot_needs() -> None:
    made = plan(contents(claims=(claim(CLAIMS[0], "500Mi"), claim(CLAIMS[1], "2Gi"))))
    sizes = [one["spec"]["resources"]["requests"]["storage"] for one in made.claims]
    assert sizes == ["1Gi", "2Gi"]


@pytest.mark.parametrize(
    ("found", "request_", "word"),
    [
        (contents(kafka_resource(tieredStorage={"type": "custom"})), {}, "tiered storage"),
        (
            contents(kafka_resource(config={"remote.log.storage.system.enable": "true"})),
            {},
            "tiered storage",
        ),
        (contents(kafkaVersion="3.7.0"), {}, "cannot be held"),
        (contents(clusterId=""), {}, "cluster id"),
        (contents(**{"nodeIds.dual": "[0]"}, clusterId="c1"), {"sources": ()}, "cannot be used"),
        (contents(kafka_resource(config={"a.b": "${env:X}"})), {}, "configuration provider"),
    ],
    ids=["tiered", "tiered-config", "old-kafka", "no-id", "no-snapshot", "provider"],
)
def test_a_clone_that_cannot_run_next_to_its_source_is_refused(found, request_, word) -> None:
    made = plan(found, **request_)
    assert any(word in refusal for refusal in made.refusals), made.refusals


def test_the_own_namespace_is_refused() -> None:
    made = plan_clone(contents(), SOURCES, CloneRequest(namespace="kafka", identity=ID), now=NOW)
    assert "without --into" in made.refusals[0]


def test_an_old_kafka_is_copied_if_its_retention_may_delete() -> None:
    made = plan(contents(kafkaVersion="3.7.0"), retention="now")
    assert made.refusals == ()
    assert constants.RETENTION_HELD not in made.kafka["metadata"]["annotations"]


def test_references_in_all_fields_are_listed() -> None:
    template = {"pod": {"imagePullSecrets": [{"name": "pull"}], "volumes": [
        {"secret": {"secretName": "s"}}, {"configMap": {"name": "c"}},
        {"persistentVolumeClaim": {"claimName": "p"}},
    ]}}  # fmt: skip
    env = [{"valueFrom": {"secretKeyRef": {"name": "k", "key": "x"}}}]
    made = plan(contents(kafka_resource(template=template, env=env)))
    found = {(kind, name) for kind, name, _path in missing_references(made, [("Secret", "s")])}
    assert found == {
        ("Secret", "pull"),
        ("ConfigMap", "c"),
        ("PersistentVolumeClaim", "p"),
        ("Secret", "k"),
    }
    assert list(references({"a": 1, "b": [None, "x"]})) == []


def test_what_volumes_of_each_node_refer_to_is_looked_up_for_each_node() -> None:
    """Strimzi 1.2 replaces placeholders in `templatedVolumes`."""
    volumes = [
        {"name": "a", "secret": {"secretName": "cert-{nodeId}"}},
        {"name": "b", "configMap": {"name": "config-{nodePodName}"}},
    ]
    template = {"pod": {"templatedVolumes": volumes}}
    of_kafka = plan(contents(kafka_resource(template=template)))
    of_pool = plan(contents(pools=(pool(template=template),)))
    for made in (of_kafka, of_pool):
        missing = {(kind, name) for kind, name, _path in missing_references(made, ())}
        assert missing == {
            ("Secret", "cert-0"),
            ("Secret", "cert-1"),
            ("ConfigMap", "config-my-cluster-dual-0"),
            ("ConfigMap", "config-my-cluster-dual-1"),
        }
    (left,) = missing_references(of_kafka, missing - {("Secret", "cert-1")})
    assert left[:2] == ("Secret", "cert-1")


# Retention, as the script of the restore holds it.


def test_the_options_are_those_of_the_script() -> None:
    (script,) = Path("templates/scripts/lib").glob("hold-retention.sh")
    text = script.read_text()
    values = {
        "TEN_YEARS": re.search(r"^TEN_YEARS=(\d+)", text, re.MULTILINE)[1],
        "INT_MAX": re.search(r"^INT_MAX=(\d+)", text, re.MULTILINE)[1],
        "1": "$1",
    }
    pairs = re.findall(r"""["']([a-z.]+) (?:\$(\w+)|(\w+))["']""", text)
    found = {key: values.get(variable, literal) for key, variable, literal in pairs}
    assert found == {**hold_options(0), "log.initial.task.delay.ms": "$1"}


@given(
    st.none()
    | st.dictionaries(
        st.sampled_from([*hold_options(0), "min.insync.replicas"]),
        st.sampled_from(["1", "true", 2]),
    )
)
def test_a_release_restores_what_a_hold_has_changed(config) -> None:
    kafka = kafka_resource(**({} if config is None else {"config": config}))
    kafka["metadata"]["resourceVersion"] = "1"
    before = copy.deepcopy(kafka)
    held = hold(kafka, retention="hold", backup="b", now=NOW)
    assert kafka == before
    found = read_held(held)
    assert found is not None
    assert found.holds
    released = released_spec(held, found)["spec"]["kafka"]["config"]
    after = held["spec"]["kafka"]["config"]
    for key, value in (released or {}).items():
        if value is None:
            after.pop(key, None)
        else:
            after[key] = value
    assert (after if released is not None else None) == config or (config == {} and not after)


# Quotas.


@pytest.mark.parametrize(
    ("hard", "used", "words"),
    [
        ({"pods": "2"}, {}, []),
        ({"pods": "2"}, {"pods": "1"}, ["1 of pods left", "needs 2"]),
        ({"requests.storage": "3Gi"}, {"requests.storage": "2Gi"}, ["1Gi of requests.storage"]),
        ({"persistentvolumeclaims": "1"}, {}, ["persistentvolumeclaims"]),
        ({"fast.storageclass.storage.k8s.io/requests.storage": "1Gi"}, {}, ["needs 2Gi"]),
        ({"slow.storageclass.storage.k8s.io/requests.storage": "0"}, {}, []),
        ({"requests.memory": "1536Mi"}, {}, ["1.5Gi", "2Gi"]),
        ({"limits.memory": "2Gi"}, {}, []),
        ({"requests.cpu": "1"}, {}, []),
        ({"services": "0"}, {}, []),
    ],
)
def test_a_quota_that_is_too_small_is_reported_before_the_restore(hard, used, words) -> None:
    resources = {"limits": {"memory": "1Gi"}}
    made = plan(contents(pools=(pool(resources=resources),)))
    quota = {"metadata": {"name": "q"}, "status": {"hard": hard, "used": used}}
    found = quota_faults(made, (quota,))
    assert len(found) == (1 if words else 0), found
    for word in words:
        assert word in found[0]


def test_a_quota_of_the_default_class_counts_claims_that_name_none() -> None:
    claims = (claim("data-0-my-cluster-dual-0"), claim("data-0-my-cluster-dual-1"))
    for one in claims:
        del one["spec"]["storageClassName"]
    hard = {"standard.storageclass.storage.k8s.io/persistentvolumeclaims": "1"}
    quota = {"metadata": {"name": "q"}, "status": {"hard": hard}}
    made = plan(contents(claims=claims))
    (fault,) = quota_faults(made, (quota,), "standard")
    assert "needs 2" in fault
    assert quota_faults(made, (quota,), "slow") == []
    assert quota_faults(made, (quota,)) == [], "not known"


# Marks of other programs, and nodes of the source.


def test_what_reaches_beyond_the_namespace_is_dropped() -> None:
    dns = {"metadata": {"annotations": {"external-dns.alpha.kubernetes.io/hostname": "k.example"}}}
    template = {
        "pod": {"priorityClassName": "system-cluster-critical", "metadata": {"labels": {"a": "b"}}},
        "brokersService": dns,
        "persistentVolumeClaim": {"metadata": {"labels": {"kept": "yes"}}},
    }
    made = plan(contents(pools=(pool(template=template),)))
    found = made.pools[0]["spec"]["template"]
    assert found["brokersService"] == {}
    assert found["persistentVolumeClaim"] == template["persistentVolumeClaim"]
    assert set(found["pod"]) == {"hostAliases"}
    assert sum("is dropped" in change for change in made.changes) == 3


def test_host_names_of_the_source_resolve_to_an_unreachable_address() -> None:
    (alias,) = plan().pools[0]["spec"]["template"]["pod"]["hostAliases"]
    assert alias["ip"] == "255.255.255.255"
    host = "my-cluster-dual-1.my-cluster-kafka-brokers.kafka.svc"
    assert {host, f"{host}.cluster.local"} <= set(alias["hostnames"])


def test_less_memory_lets_the_heap_follow() -> None:
    found = contents(pools=(pool(jvmOptions={"-Xms": "6g", "-Xmx": "6g", "gcLogging": True}),))
    made = plan(found, resources=NodeResources(memory="1Gi"))
    assert made.pools[0]["spec"]["jvmOptions"] == {"gcLogging": True}
    assert any("-Xmx is dropped" in change for change in made.changes)


def test_zookeeper_is_refused() -> None:
    kafka = kafka_resource()
    kafka["spec"]["zookeeper"] = {"replicas": 3}
    made = plan(contents(kafka, pools=(), clusterId=""))
    assert any("ZooKeeper" in refusal for refusal in made.refusals)


# The commands, against an API server and an operator that plays along.


def packed(items):
    text = "".join(f"{json.dumps(item)}\n" for item in items)
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


MARKS = {
    constants.BACKUP: NAME,
    constants.RUN: f"{NAME}678",
    constants.CLUSTER: "my-cluster",
    constants.MANAGED_BY: constants.COMPONENT,
}


def add_measurement(cluster, name, *rows):
    """Add the Secret with the offsets or the topics of the backup, or replace it."""
    secret = f"my-cluster-backup-{NAME}-{name}"
    if ("secrets", "kafka", secret) in cluster.objects:
        cluster.drop("secrets", "kafka", secret)
    text = "\n".join(["# 2026-01-02T03:04:05Z run", *rows])
    data = {"objects": base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()}
    cluster.add("secrets", "kafka", secret, labels=MARKS, data=data)


def add_backup(cluster, found):
    marks = MARKS
    prefix = f"my-cluster-backup-{NAME}-"
    for order, items in found.objects.items():
        data = {"objects.json.gz": packed(items)}
        cluster.add("secrets", "kafka", f"{prefix}{order}-000", labels=marks, data=data)
    facts = {"format": "2", **found.facts, "parts": str(len(found.objects))}
    text = "".join(f"{key}={value}\n" for key, value in facts.items())
    cluster.add(
        "secrets",
        "kafka",
        f"{prefix}facts",
        labels=marks,
        annotations={constants.COMPLETE: "2026-01-02T03:09:00Z"},
        data={"objects": base64.b64encode(text.encode()).decode()},
    )
    add_measurement(cluster, "offsets", "orders 0 0 10 1000")
    add_measurement(cluster, "topics", "orders 604800000 -1 delete 86400000")
    for one in CLAIMS:
        name, bound = f"{one}-{NAME}", f"snapcontent-{one}"
        status = {"readyToUse": True, "restoreSize": "1Gi", "boundVolumeSnapshotContentName": bound}
        made = cluster.add("volumesnapshots", "kafka", name, labels=marks, status=status)
        reference = {"name": name, "namespace": "kafka", "uid": made["metadata"]["uid"]}
        cluster.add(
            "volumesnapshotcontents",
            "",
            bound,
            spec={"driver": "csi", "volumeSnapshotRef": reference},
            status={"readyToUse": True, "snapshotHandle": f"handle-{one}"},
        )


class Operator:
    """Acknowledges pauses, makes snapshots usable, and starts nodes when the pause ends."""

    def __init__(self, cluster, *, starts=True, pauses=True) -> None:
        self.cluster, self.starts, self.pauses = cluster, starts, pauses
        cluster.on_create.append(self.created)

    def created(self, item):
        kind, metadata = item["kind"], item["metadata"]
        place = metadata.get("namespace", ""), metadata["name"]
        if kind == "VolumeSnapshot":
            self.cluster.change("volumesnapshots", *place, {"status": {"readyToUse": True}})
        if kind == "Kafka" and self.pauses:
            paused = {"type": "ReconciliationPaused", "status": "True"}
            self.cluster.change("kafkas", *place, {"status": {"conditions": [paused]}})
            while self.cluster.get("kafkas", *place)["metadata"]["annotations"].get(
                constants.PAUSE_RECONCILIATION
            ):
                yield 1
            if self.starts:
                yield 20
                self.start(*place)
                while ("kafkas", *place) in self.cluster.objects:
                    yield 1
                for number in range(2):
                    self.cluster.drop("pods", place[0], f"{place[1]}-dual-{number}")

    def start(self, namespace, name):
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        for number in range(2):
            labels = {"strimzi.io/cluster": name, "strimzi.io/name": f"{name}-kafka"}
            pod = f"{name}-dual-{number}"
            self.cluster.add("pods", namespace, pod, labels=labels, status=ready)
        self.cluster.change(
            "kafkas",
            namespace,
            name,
            {"status": {**ready, "observedGeneration": 1, "clusterId": "c1"}},
        )


class Brokers:
    """Answers for verify.sh."""

    def __init__(self) -> None:
        self.earliest, self.latest, self.broken, self.leaderless = 0, 10, 0, ""
        self.batches = 3
        self.source = {"digest": 7, "topic": "id1 delete", "offsets": (0, 99)}
        self.source_after = {}
        """What the source has become when its batches are read."""
        self.asked: list[str] = []

    def of_source(self, what, lines):
        self.asked += lines
        if what == "ranges":
            self.source |= self.source_after
        if self.source["offsets"] is None:
            return {"offsets": [], "topics": [], "ranges": []}[what]
        earliest, latest = self.source["offsets"]
        return {
            "offsets": [f"earliest orders:0:{earliest}", f"latest orders:0:{latest}"],
            "topics": [f"orders {self.source['topic']}"],
            "ranges": [f"orders-0 3 10 0 0 {self.source['digest']}"],
        }[what]

    def __call__(self, _pod, namespace, command, *, lines=(), **_more):
        what = command[4]
        if namespace == "kafka":
            lines = self.of_source(what, lines)
            return ExecResult(0, "".join(f"{line}\n" for line in [*lines, "end"]), "")
        assert namespace in (COPY, "other")
        lines = {
            "offsets": [
                f"{which} orders:0:{offset}"
                for which, offset in (("earliest", self.earliest), ("latest", self.latest))
                if offset is not None
            ],
            "unavailable": [self.leaderless] if self.leaderless else [],
            "records": [f"orders-0 {self.batches} 10 {self.broken} 0 7"],
            "topics": ["orders id1 delete"],
            "ranges": ["orders-0 3 10 0 0 7"],
        }[what]
        return ExecResult(0, "".join(f"{line}\n" for line in [*lines, "end"]), "")


@pytest.fixture
def cluster(configure, monkeypatch):
    time = FakeTime()
    with serving(time) as cluster:
        configure(cluster.url)
        cluster.brokers = Brokers()
        monkeypatch.setattr(broker_reads, "exec_in_pod", cluster.brokers)
        monkeypatch.setattr("uuid.uuid4", lambda: uuid.UUID("a" * 32))
        add_backup(cluster, contents())
        yield cluster


def run(cluster, *words):
    return CliRunner().invoke(main, words, obj=cluster.time.clock, catch_exceptions=False)


def verify(cluster, *more):
    return run(cluster, "verify", NAME, "-n", "kafka", *more)


def left(cluster):
    """Objects outside the namespace of the backup, except what was there."""
    return [
        key
        for key in cluster.objects
        if key[1] != "kafka" and not key[2].startswith("snapcontent-") and key[0] != "events"
    ]


def in_source(cluster):
    return {
        key: item
        for key, item in copy.deepcopy(cluster.objects).items()
        if key[1] == "kafka" or key[2].startswith("snapcontent-")
    }


def test_a_good_backup_passes_and_leaves_nothing_behind(cluster) -> None:
    Operator(cluster)
    before = in_source(cluster)
    done = verify(cluster, "--format", "json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["outcome"] == "passed"
    assert (report["partitionsCompared"], report["records"]["batches"]) == (1, 6)
    assert left(cluster) == []
    facts = cluster.get("secrets", "kafka", f"my-cluster-backup-{NAME}-facts")
    assert facts["metadata"]["annotations"][constants.VERIFIED] == "passed"
    after = in_source(cluster)
    key = ("secrets", "kafka", f"my-cluster-backup-{NAME}-facts")
    assert {k: v for k, v in after.items() if k != key} == {
        k: v for k, v in before.items() if k != key
    }
    assert PASSWORD not in done.output + done.stderr


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"latest": 9}, "ends at 9, and ended at 10"),
        ({"broken": 1}, "1 batches with a wrong checksum"),
        ({"leaderless": "orders 0"}, "partition orders-0 has no leader"),
    ],
)
def test_a_backup_that_is_not_good_fails(cluster, change, word) -> None:
    Operator(cluster)
    for key, value in change.items():
        setattr(cluster.brokers, key, value)
    done = verify(cluster)
    assert done.exit_code == 1
    assert word in done.stdout
    assert left(cluster) == []
    facts = cluster.get("secrets", "kafka", f"my-cluster-backup-{NAME}-facts")
    assert facts["metadata"]["annotations"][constants.VERIFIED] == "failed"


PARTIAL = [
    ({}, ["orders * 0 10 1000"], "has only the sums of all partitions of these topics"),
    ({}, ["orders 0 0 10 1000", "orders 1 - - -"], "does not have their ends: orders-1"),
    ({}, ["orders 0 - 10 1000"], "beginnings of these are not known, and were not compared"),
    ({}, ["gone 0 - - 5"], "the backup does not have them: orders-0"),
    ({"earliest": 2}, ["orders 0 0 10 1000"], "more than 10% of its records: orders-0 at 2, not 0"),
    ({"earliest": None}, ["orders 0 0 10 1000"], "beginnings of these are not known"),
    ({"batches": 0}, ["orders 0 0 10 1000"], "no record was read of: orders-0"),
]


@pytest.mark.parametrize(("change", "rows", "word"), PARTIAL)
def test_a_backup_that_is_not_wholly_compared_has_not_passed(cluster, change, rows, word) -> None:
    Operator(cluster)
    add_measurement(cluster, "offsets", *rows)
    for key, value in change.items():
        setattr(cluster.brokers, key, value)
    done = verify(cluster)
    assert done.exit_code == 0, done.output
    assert "could be started, but not all of it could be verified" in done.stdout
    lines = [line for line in done.stdout.splitlines() if "NOT VERIFIED: " in line]
    assert word in "\n".join(lines)
    facts = cluster.get("secrets", "kafka", f"my-cluster-backup-{NAME}-facts")
    assert facts["metadata"]["annotations"][constants.VERIFIED] == "started"
    described = run(cluster, "backups", "describe", NAME, "-n", "kafka").stdout
    assert "ago: not all of it could be verified" in described


@pytest.mark.parametrize(
    ("strategy", "outcome"), [("hot", "started"), ("later", "started"), ("online", "passed")]
)
def test_a_backup_that_is_not_proven_consistent_does_not_pass(cluster, strategy, outcome) -> None:
    Operator(cluster)
    facts = cluster.objects["secrets", "kafka", f"my-cluster-backup-{NAME}-facts"]
    facts["metadata"]["annotations"][constants.STRATEGY] = strategy
    report = json.loads(verify(cluster, "--records", "all", "--format", "json").stdout)
    assert (report["outcome"], report["faults"]) == (outcome, [])
    assert [f"strategy of the backup is {strategy}" in one for one in report["unverified"]] == (
        [True] if outcome == "started" else []
    )


def test_the_exit_code_may_be_1_if_not_all_is_verified(cluster, tmp_path) -> None:
    Operator(cluster)
    add_measurement(cluster, "offsets", "orders * 0 10 1000")
    page = tmp_path / "page.html"
    done = verify(cluster, "--fail-on", "started", "--format", "json", "--html", str(page))
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert (report["outcome"], report["faults"], report["partitionsCompared"]) == ("started", [], 0)
    assert len(report["unverified"]) == 1
    assert 'class="verdict failed"' in page.read_text()
    assert "Not verified" in page.read_text()
    assert left(cluster) == []


@pytest.mark.parametrize(
    ("topics", "outcome"),
    [
        (["orders -1 -1 delete 86400000"], "failed"),
        (["orders 604800000 -1 compact 86400000"], "failed"),
        (["orders 604800000 -1 delete 86400000"], "passed"),
        (["orders x -1 delete 86400000"], "started"),
        ([], "started"),
    ],
)
def test_the_retention_of_the_backup_decides_whether_a_topic_may_begin_later(
    cluster, topics, outcome
) -> None:
    Operator(cluster)
    add_measurement(cluster, "topics", *topics)
    cluster.brokers.earliest = 1
    report = json.loads(verify(cluster, "--format", "json").stdout)
    assert report["outcome"] == outcome
    assert any(
        "begins" in text for text in report["faults"] + report["unverified"] + report["notes"]
    )
    assert "deleted" not in json.dumps(report)


SOURCE_CHANGES = [
    ({}, 0, "passed", ""),
    ({"digest": 8}, 1, "failed", "differs from the source in offsets 0 to 9"),
    ({"offsets": (4, 99)}, 0, "passed", ""),
    ({"offsets": (50, 99)}, 0, "passed", "no longer in the source: orders-0"),
    ({"topic": "id2 delete", "digest": 8}, 0, "passed", "created again in the source: orders"),
    ({"topic": "id1 compact", "digest": 8}, 0, "passed", "compaction rewrites"),
]


@pytest.mark.parametrize(("change", "code", "outcome", "word"), SOURCE_CHANGES)
def test_batches_are_compared_with_those_of_the_source(cluster, change, code, outcome, word):
    Operator(cluster)
    labels = {"strimzi.io/cluster": "my-cluster", "strimzi.io/name": "my-cluster-kafka"}
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    cluster.add("pods", "kafka", "my-cluster-dual-0", labels=labels, status=ready)
    cluster.brokers.source |= change
    done = verify(cluster, "--with-source", "--format", "json")
    assert done.exit_code == code, done.output
    report = json.loads(done.stdout)
    assert report["outcome"] == outcome
    assert word in json.dumps(report["notes"] + report["faults"])
    first = change.get("offsets", (0, 99))[0]
    compared = not ({"topic"} & set(change)) and first < 10
    assert cluster.brokers.asked == ([f"orders-0 {first} 10"] if compared else [])
    assert report["source"]["partitions"] == (1 if compared and not code else 0)
    assert left(cluster) == []


@pytest.mark.parametrize(
    ("after", "code", "word"),
    [
        ({"offsets": (5, 120)}, 0, "retention of the source has deleted records meanwhile"),
        ({"offsets": None}, 0, "no longer in the source"),
        ({"topic": "id2 delete"}, 0, "deleted and created again in the source"),
        ({"topic": "id1 compact"}, 0, "compaction rewrites its batches"),
        ({"offsets": (0, 120)}, 1, "differs from the source"),
    ],
    ids=["retention", "deleted", "created again", "compacted", "still there"],
)
def test_records_that_the_source_loses_meanwhile_are_not_compared(cluster, after, code, word):
    Operator(cluster)
    labels = {"strimzi.io/cluster": "my-cluster", "strimzi.io/name": "my-cluster-kafka"}
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    cluster.add("pods", "kafka", "my-cluster-dual-0", labels=labels, status=ready)
    cluster.brokers.source_after = {"digest": 8, **after}
    done = verify(cluster, "--with-source", "--records", "all", "--format", "json")
    assert done.exit_code == code, done.output
    report = json.loads(done.stdout)
    assert word in json.dumps(report["faults"] if code else report["notes"])
    assert ("no batch was compared with the source" in report["notes"]) == (not code)
    assert cluster.brokers.asked == ["orders-0 0 10"]
    assert report["source"]["partitions"] == 0


def test_records_that_only_the_source_has_are_reported(cluster) -> None:
    Operator(cluster)
    labels = {"strimzi.io/cluster": "my-cluster", "strimzi.io/name": "my-cluster-kafka"}
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    cluster.add("pods", "kafka", "my-cluster-dual-0", labels=labels, status=ready)
    cluster.brokers.earliest = 1
    report = json.loads(verify(cluster, "--with-source", "--format", "json").stdout)
    assert report["outcome"] == "started"
    assert report["unverified"] == [
        "the source still has records before the first one of the copy: orders-0 at 0, not 1"
    ]


def test_a_partition_that_only_the_source_has_is_reported() -> None:
    copied = {("orders", 0): (0, 10)}
    current = {("orders", 0): (0, 10), ("orders", 1): (0, 10), ("new", 0): (0, 10)}
    ranges, notes = common_ranges([], copied, current, {}, RecordsRead.ALL)
    assert ranges == {"orders-0": (0, 10)}
    assert notes == ["not compared with the source, not in the copy: orders-1"]
    assert common_ranges([], copied, current, {"orders": "no"}, RecordsRead.ALL)[1] == [
        "not compared with the source, no: orders"
    ]


def test_a_range_without_batches_is_not_compared() -> None:
    replica = ReplicaRecords("orders-0", "b", 0, 0, 0, 0)
    result = compare_replicas({"orders-0": (0, 10)}, [replica], [replica])
    assert (result.partitions, result.differences) == (0, ())
    assert result.notes == ("not compared with the source, no batch was read: orders-0",)


def test_a_source_that_does_not_run_is_reported_before_anything_is_made(cluster) -> None:
    done = verify(cluster, "--with-source")
    assert done.exit_code == 1
    assert "no broker of Kafka kafka/my-cluster is Ready" in done.stderr
    assert left(cluster) == []


@pytest.mark.parametrize("fails", [True, False])
def test_a_copy_that_never_starts_is_removed_and_counts_if_a_node_has_failed(
    cluster, fails
) -> None:
    Operator(cluster, starts=False)
    killed = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    status = {"containerStatuses": [{"name": "kafka", "lastState": killed}]}
    if fails:
        ended = {"terminated": {"exitCode": 1, "reason": "Error"}}
        status = {"containerStatuses": [{"name": "kafka", "lastState": ended}]}

    def start(made):
        if made["kind"] == "Kafka":
            labels = {"strimzi.io/cluster": "my-cluster", "strimzi.io/name": "my-cluster-kafka"}
            home = made["metadata"]["namespace"]
            cluster.add("pods", home, "my-cluster-dual-0", labels=labels, status=status)
            while ("kafkas", home, "my-cluster") in cluster.objects:
                yield 1
            cluster.drop("pods", home, "my-cluster-dual-0")

    cluster.on_create.append(start)
    done = verify(cluster, "--timeout", "60s")
    assert done.exit_code == 1
    assert "0 of 2 nodes are Ready" in (done.stdout if fails else done.stderr)
    assert left(cluster) == []
    facts = cluster.get("secrets", "kafka", f"my-cluster-backup-{NAME}-facts")
    outcome = facts["metadata"]["annotations"].get(constants.VERIFIED)
    assert outcome == ("failed" if fails else None)


def test_an_operator_that_does_not_watch_the_namespace_is_named(cluster) -> None:
    Operator(cluster, pauses=False)
    done = verify(cluster)
    assert done.exit_code == 1
    assert "does not look at namespace" in done.stderr
    assert left(cluster) == []
    facts = cluster.get("secrets", "kafka", f"my-cluster-backup-{NAME}-facts")
    assert constants.VERIFIED not in facts["metadata"]["annotations"], "it is not the backup"


def test_a_crash_in_the_middle_removes_everything(cluster, monkeypatch) -> None:
    Operator(cluster)

    def interrupt(*_args, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr(broker_reads, "exec_in_pod", interrupt)
    done = verify(cluster)
    assert done.exit_code == 130
    assert left(cluster) == []
    facts = cluster.get("secrets", "kafka", f"my-cluster-backup-{NAME}-facts")
    assert constants.VERIFIED not in facts["metadata"]["annotations"]


def test_an_interrupt_after_which_something_stays_is_an_error(cluster, monkeypatch) -> None:
    Operator(cluster)

    def interrupt(*_args, **_more):
        cluster.refusals.append(("DELETE", "networkpolicies|namespaces", 403))
        raise KeyboardInterrupt

    monkeypatch.setattr(broker_reads, "exec_in_pod", interrupt)
    done = verify(cluster)
    assert done.exit_code == 1
    assert "interrupted, and not removed: " in done.stderr


def test_a_removal_that_ctrl_c_has_ended_is_an_error(cluster, monkeypatch) -> None:
    Operator(cluster)

    def interrupt(*_args, **_more):
        raise KeyboardInterrupt

    def press(*_args):
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(broker_reads, "exec_in_pod", interrupt)
    monkeypatch.setattr(CloneRemover, "remove", press)
    done = verify(cluster)
    assert done.exit_code == 1
    assert "before this was done: the copy is removed first" in done.stderr


def leave_behind(cluster, expires, *, home="left", marked="namespaces"):
    labels = {constants.CLONE_OF: "20260101000000", constants.CLUSTER: "my-cluster"}
    labels |= {constants.MANAGED_BY: constants.COMPONENT, constants.CLONE: "left-by-it"}
    cluster.add(
        marked,
        "" if marked == "namespaces" else home,
        home,
        labels=labels,
        annotations={constants.CLONE_EXPIRES: expires, constants.CLONE_SOURCE: "kafka/my-cluster"},
    )
    cluster.add("kafkas", home, "my-cluster", labels=labels)
    reference = {"namespace": home, "name": "s"}
    spec = {"volumeSnapshotRef": reference}
    cluster.add("volumesnapshotcontents", "", "left-s", labels=labels, spec=spec)


def test_what_a_killed_verification_left_is_removed_when_its_time_is_over(cluster) -> None:
    Operator(cluster)
    leave_behind(cluster, "2026-01-01T00:00:00Z")
    done = verify(cluster)
    assert done.exit_code == 0, done.output
    assert "was left behind" in done.stderr
    assert left(cluster) == []


def test_what_was_left_in_a_namespace_of_others_is_removed_without_it(cluster) -> None:
    Operator(cluster)
    cluster.add("namespaces", "", "other")
    leave_behind(cluster, "2026-01-01T00:00:00Z", home="other", marked="networkpolicies")
    cluster.add("configmaps", "other", "of-others")
    done = verify(cluster, "--into", "other")
    assert "was left behind" in done.stderr
    assert sorted(left(cluster)) == [
        ("configmaps", "other", "of-others"),
        ("namespaces", "", "other"),
    ]


def test_a_verification_that_may_still_run_is_left_alone(cluster) -> None:
    leave_behind(cluster, "2999-01-01T00:00:00Z")
    done = verify(cluster)
    assert done.exit_code == 1
    assert "may still run" in done.stderr
    command = f"kubectl annotate --overwrite namespaces -l {constants.CLONE}=left-by-it "
    assert command in done.stderr
    assert len(left(cluster)) == 3


@pytest.mark.parametrize("kind", ["kafkas", "secrets", "persistentvolumeclaims"])
def test_nothing_in_the_other_namespace_is_overwritten(cluster, kind) -> None:
    names = {"kafkas": "my-cluster", "secrets": "user", "persistentvolumeclaims": CLAIMS[0]}
    cluster.add("namespaces", "", "other")
    cluster.add(kind, "other", names[kind])
    before = copy.deepcopy(cluster.objects)
    done = run(cluster, "restore", NAME, "-n", "kafka", "--into", "other", "--yes")
    assert done.exit_code == 1
    assert "is there already" in done.stderr
    assert cluster.objects == before


def test_a_quota_of_the_other_namespace_is_read_first(cluster) -> None:
    cluster.add("namespaces", "", "other")
    cluster.add("resourcequotas", "other", "q", status={"hard": {"pods": "1"}})
    done = run(cluster, "restore", NAME, "-n", "kafka", "--into", "other", "--yes")
    assert done.exit_code == 1
    assert "ResourceQuota q has 1 of pods left, and the copy needs 2" in done.stderr
    assert not cluster.writes


def test_a_restore_into_another_namespace_stays_and_prints_its_removal(cluster) -> None:
    Operator(cluster)
    words = ("restore", NAME, "-n", "kafka", "--into", "other", "--yes", "--context", "here")
    done = run(cluster, *words)
    assert done.exit_code == 0, done.output
    assert "Kafka other/my-cluster is Ready" in done.stdout
    assert "kubectl delete namespace other --context here" in done.stdout
    commands = [line for line in done.stdout.splitlines() if "kubectl " in line]
    assert [line for line in commands if not line.endswith(" --context here")] == []
    kafka = cluster.get("kafkas", "other", "my-cluster")
    assert constants.PAUSE_RECONCILIATION not in kafka["metadata"]["annotations"]
    assert cluster.get("kafkanodepools", "other", "dual")["status"]["nodeIds"] == [0, 1]
    plurals = {key[0] for key in left(cluster)}
    assert not plurals & {"volumesnapshots", "volumesnapshotcontents"}
    marks = cluster.get("namespaces", "", "other")["metadata"]["annotations"]
    assert constants.CLONE_EXPIRES not in marks


def test_a_dry_run_prints_the_objects_without_secrets_and_writes_nothing(cluster) -> None:
    done = run(cluster, "restore", NAME, "-n", "kafka", "--into", "other", "--dry-run")
    assert done.exit_code == 0, done.output
    kinds = [item["kind"] for item in yaml.safe_load_all(done.stdout)]
    assert kinds[:2] == ["Namespace", "NetworkPolicy"]
    assert "Secret" not in kinds
    assert PASSWORD not in done.output
    assert not cluster.writes


@pytest.mark.parametrize(
    "words",
    [
        ("--into", "other", "--overwrite"),
        ("--into", "other", "--retention", "sometimes"),
        ("--memory", "1Gi"),
        ("--into", "other", "--memory", "much"),
        ("--into", "other", "--heap", "512Mi"),
        ("--into", "Other!"),
    ],
)
def test_options_that_do_not_go_together_are_refused(cluster, words) -> None:
    done = run(cluster, "restore", NAME, "-n", "kafka", *words)
    assert done.exit_code == 2
    assert words[-1] in done.stderr or words[-2] in done.stderr
    assert not cluster.writes


def test_a_backup_from_which_a_copy_is_filled_is_not_deleted(cluster) -> None:
    labels = {constants.CLONE_OF: NAME, constants.CLUSTER: "my-cluster"}
    spec = {"volumeSnapshotRef": {"namespace": "other", "name": "s"}}
    marks = {constants.CLONE_SOURCE: "kafka/my-cluster"}
    cluster.add(
        "volumesnapshotcontents", "", "other-s", labels=labels, annotations=marks, spec=spec
    )
    done = run(cluster, "backups", "delete", NAME, "-n", "kafka", "--yes")
    assert done.exit_code == 1
    assert "a copy in namespace other is filled from its snapshots" in done.stderr
    assert not cluster.writes


def test_records_bytes_and_the_verification_are_listed(cluster) -> None:
    add_measurement(cluster, "offsets", "orders 0 0 10 1000", "orders 1 - - -")
    name = f"my-cluster-backup-{NAME}-facts"
    marks = {constants.VERIFIED: "passed", constants.VERIFIED_AT: "2026-01-02T04:00:00Z"}
    cluster.change("secrets", "kafka", name, {"metadata": {"annotations": marks}})
    (found,) = json.loads(run(cluster, "backups", "list", "-n", "kafka", "-o", "json").stdout)
    assert (found["records"], found["verified"]) == (None, "passed")
    done = run(cluster, "backups", "describe", NAME, "-n", "kafka", "-o", "json")
    sizes = {"name": "orders", "partitions": 2, "records": None, "bytes": None}
    assert json.loads(done.stdout)["topicSizes"] == [sizes]
    text = run(cluster, "backups", "list", "-n", "kafka").stdout
    assert "passed" in text
    assert "ago" in text


def test_the_latest_complete_backup_is_selected(cluster) -> None:
    newer = {**MARKS, constants.BACKUP: "20260105030405"}
    cluster.add("secrets", "kafka", "my-cluster-backup-20260105030405-facts", labels=newer)
    done = run(cluster, "restore", "latest", "-n", "kafka", "--into", "other", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "backup 20260105030405 of Kafka kafka/my-cluster is passed over, as it is" in done.stderr
    name = f"my-cluster-backup-{NAME}-facts"
    cluster.change(
        "secrets",
        "kafka",
        name,
        {"metadata": {"annotations": {"kanister-kafka.io/complete": None}}},
    )
    done = run(cluster, "verify", "latest", "-n", "kafka")
    assert done.exit_code == 2
    assert "no complete backup" in done.stderr


def add_copy_of_another(cluster, home="other"):
    """A copy of the same backup name that another command has made."""
    marks = {constants.CLONE_OF: NAME, constants.CLONE: "of-another"}
    for plural, name in (
        ("kafkas", "b"),
        ("persistentvolumeclaims", "data-0-b"),
        ("secrets", "b-cluster-ca"),
        ("networkpolicies", "b-kanister-kafka-clone"),
    ):
        cluster.add(plural, home, name, labels={**marks, constants.CLUSTER: "b"})


def test_copies_of_others_in_the_same_namespace_stay(cluster) -> None:
    Operator(cluster)
    marks = {constants.CLONE_OF: NAME, constants.CLONE: "of-another"}
    cluster.add("namespaces", "", "other", labels=marks)
    add_copy_of_another(cluster)
    before = sorted(left(cluster))
    done = verify(cluster, "--into", "other")
    assert done.exit_code == 0, done.output + done.stderr
    assert sorted(left(cluster)) == before


@pytest.mark.parametrize("own", [True, False])
def test_the_commands_that_remove_a_copy_name_nothing_else(cluster, own) -> None:
    Operator(cluster)
    if not own:
        cluster.add("namespaces", "", "other")
    done = run(cluster, "restore", NAME, "-n", "kafka", "--into", "other", "--yes")
    lines = [line for line in done.stdout.splitlines() if "kubectl delete" in line]
    assert ("kubectl delete namespace other" in done.stdout) is own
    for line in lines:
        assert f"-l {constants.CLONE}=" in line or (own and "delete namespace other" in line)


def test_no_topic_at_all_is_a_fault(cluster) -> None:
    Operator(cluster)
    cluster.brokers.latest = None
    done = verify(cluster)
    assert done.exit_code == 1
    assert "partition orders-0 is not there" in done.stdout


def test_without_offsets_the_backup_is_only_started(cluster) -> None:
    Operator(cluster)
    cluster.drop("secrets", "kafka", f"my-cluster-backup-{NAME}-offsets")
    done = verify(cluster)
    assert done.exit_code == 0
    assert "NOT VERIFIED: no offset was compared: the backup has none" in done.stdout
    facts = cluster.get("secrets", "kafka", f"my-cluster-backup-{NAME}-facts")
    assert facts["metadata"]["annotations"][constants.VERIFIED] == "started"


def test_a_server_that_fails_during_the_removal_does_not_hide_the_result(cluster) -> None:
    Operator(cluster)
    cluster.add("namespaces", "", "other")
    cluster.refusals.append(("DELETE", "persistentvolumeclaims", 503))
    done = verify(cluster, "--into", "other")
    assert done.exit_code == 1
    assert "can be restored" in done.stdout
    assert "not removed" in done.stderr
    kinds = {key[0] for key in left(cluster)}
    assert "secrets" not in kinds, "the other kinds are removed all the same"


@pytest.mark.parametrize("option", ["--output", "--html"])
def test_a_result_is_written_to_the_backup_although_the_report_cannot_be(
    cluster, tmp_path, monkeypatch, option
) -> None:
    Operator(cluster)
    cluster.brokers.latest = 9
    facts = ("secrets", "kafka", f"my-cluster-backup-{NAME}-facts")
    cluster.change(*facts, {"metadata": {"annotations": {constants.VERIFIED: "passed"}}})
    folder = tmp_path / "reports"
    folder.mkdir()
    read = Verifier.verify

    def verify_after_all(*words):
        folder.rmdir()  # a disk that is full meanwhile has the same effect
        return read(*words)

    monkeypatch.setattr(Verifier, "verify", verify_after_all)
    done = verify(cluster, option, str(folder / "report"))
    assert done.exit_code == 2
    assert "is NOT good" in done.stdout
    assert left(cluster) == []
    assert cluster.get(*facts)["metadata"]["annotations"][constants.VERIFIED] == "failed"


@pytest.mark.parametrize("code", [403, 503])
@pytest.mark.parametrize("plural", ["kafkanodepools", "kafkas"])
def test_a_resource_that_stays_is_reported_and_removed_by_a_later_run(
    cluster, plural, code
) -> None:
    Operator(cluster)
    cluster.add("namespaces", "", "other")
    cluster.refusals.append(("DELETE", f"/namespaces/other/{plural}/", code))
    done = verify(cluster, "--into", "other")
    assert done.exit_code == 1
    assert "can be restored" in done.stdout
    assert [key for key in left(cluster) if key[0] == plural]
    assert f"not removed: {'Kafka' if plural == 'kafkas' else 'KafkaNodePool'} " in done.stderr
    assert f"(HTTP {code})" in done.stderr, "why"
    (policy,) = [key for key in left(cluster) if key[0] == "networkpolicies"]
    identity = cluster.get(*policy)["metadata"]["labels"][constants.CLONE]
    assert "the next verification of this Kafka removes it" in done.stderr
    delete = f"kubectl delete kafka,kafkanodepool -n other -l {constants.CLONE}={identity}"
    assert delete in done.stderr
    cluster.refusals.clear()
    done = verify(cluster, "--into", "other")
    assert done.exit_code == 0, done.output
    assert "was left behind: removing it" in done.stderr
    assert left(cluster) == [("namespaces", "", "other")]


def test_a_copy_that_could_not_be_marked_is_removed_after_a_command(cluster) -> None:
    """Its account has a Role of an earlier version, without the right."""
    Operator(cluster)
    cluster.add("namespaces", "", "other")
    cluster.refusals.append(("DELETE", "/namespaces/other/kafkas/", 403))
    cluster.refusals.append(("PATCH", "/networkpolicies/", 403))
    done = verify(cluster, "--into", "other", "--context", "here")
    assert done.exit_code == 1
    (policy,) = [key for key in left(cluster) if key[0] == "networkpolicies"]
    metadata = cluster.get(*policy)["metadata"]
    selector = f"-l {constants.CLONE}={metadata['labels'][constants.CLONE]}"
    command = f"kubectl annotate --overwrite networkpolicies -n other {selector} "
    assert command in done.stderr
    cluster.refusals.clear()
    again = verify(cluster, "--into", "other", "--context", "here")
    assert again.exit_code == 1
    assert "may still run" in again.stderr
    (line,) = [line for line in again.stderr.splitlines() if command in line]
    key, _, time = line.partition(command)[2].partition(" ")[0].partition("=")
    assert key == constants.CLONE_EXPIRES
    assert line.endswith(" --context here")
    cluster.change(*policy, {"metadata": {"annotations": {key: time}}})
    assert verify(cluster, "--into", "other").exit_code == 0
    assert left(cluster) == [("namespaces", "", "other")]


def test_a_namespace_that_stays_is_marked_and_removed_by_the_next_run(cluster) -> None:
    Operator(cluster)
    cluster.refusals.append(("DELETE", "/namespaces/", 403))
    assert verify(cluster).exit_code == 1
    assert [key for key in left(cluster) if key[0] == "namespaces"]
    cluster.refusals.clear()
    done = verify(cluster)
    assert done.exit_code == 0, done.output
    assert "was left behind: removing it" in done.stderr
    assert left(cluster) == []


def test_a_network_policy_that_stays_is_reported(cluster) -> None:
    Operator(cluster)
    cluster.add("namespaces", "", "other")
    cluster.refusals.append(("DELETE", "/networkpolicies/", 403))
    done = verify(cluster, "--into", "other")
    assert done.exit_code == 1
    assert "not removed" in done.stderr
    assert {key[0] for key in left(cluster)} == {"namespaces", "networkpolicies"}


@pytest.mark.parametrize(("characters", "refused"), [(58, False), (59, True)])
def test_a_namespace_in_which_nodes_cannot_resolve_each_other(characters, refused) -> None:
    """On the lab three nodes found each other with 58 characters and did not with 60."""
    kafka = KafkaRef("kafka", "a-kafka-whose-name-is-as-long-as-it-can-be-01")
    fault = long_host_fault(kafka, {"dual": (0, 1, 2), "none": ()}, "n" * characters)
    assert bool(fault) is refused
    if refused:
        assert "has 254 characters" in fault
        assert kafka.name + "-dual-2" in fault
    same = KafkaRef("n" * 60, kafka.name)
    assert not long_host_fault(same, {"dual": (0,)}, "m" * 60), "it runs where it is"


def test_a_class_that_retains_volumes_is_refused(cluster) -> None:
    cluster.kinds["storage.k8s.io", "v1"] = {"storageclasses": "StorageClass"}
    cluster.add("storageclasses", "", "fast", reclaimPolicy="Retain")
    done = verify(cluster)
    assert done.exit_code == 1
    assert "StorageClass fast retains volumes" in done.stderr
    assert not cluster.writes


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        *((value, "has no node ids of dual") for value in ("", "[0", "none", "[-1]")),
        ("[]", "does not contain the node ids of KafkaNodePool dual"),  # a pool of two nodes
    ],
)
def test_damaged_node_ids_are_named(cluster, value, reason) -> None:
    name = f"my-cluster-backup-{NAME}-facts"
    facts = "format=2\nclusterId=c1\nkafkaVersion=3.9.2\nparts=8\n"
    raw = base64.b64encode(f"{facts}nodeIds.dual={value}\n".encode()).decode()
    cluster.change("secrets", "kafka", name, {"data": {"objects": raw}})
    done = run(cluster, "restore", NAME, "-n", "kafka", "--into", "other", "--yes")
    assert done.exit_code == 1
    assert reason in done.stderr
    assert not cluster.writes


def test_a_verification_that_could_not_look_is_refused_before_it_begins(cluster) -> None:
    done = verify(cluster, "--as", "somebody")
    assert done.exit_code == 2
    assert "with --as no command is run in a pod" in done.stderr
    assert not cluster.writes


def test_a_damaged_secret_is_named_and_its_content_is_not(cluster) -> None:
    raw = base64.b64encode(f'{{"data": "{PASSWORD}'.encode()).decode()
    name = f"my-cluster-backup-{NAME}-2-000"
    cluster.change("secrets", "kafka", name, {"data": {"objects.json.gz": raw}})
    done = run(cluster, "restore", NAME, "-n", "kafka", "--into", "other", "--yes")
    assert done.exit_code == 1
    assert name in done.stderr
    assert PASSWORD not in done.output + done.stderr


def test_default_namespaces_are_names() -> None:
    from dataclasses import replace

    from kanister_kafka.cli.commands.verify import default_namespace

    long = replace(backup(), kafka=KafkaRef("kafka", f"{'a' * 40}.b"))
    assert default_namespace(backup()).startswith(f"my-cluster-verify-{NAME}-")
    assert default_namespace(backup()) != default_namespace(backup())
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", default_namespace(long))
    assert len(default_namespace(long)) <= 63


# What the CronJob of --verify-schedule may do, and does.

VERIFY = {
    "engine": SnapshotProvider.KANISTER,
    "verify_schedule": "0 5 * * 0",
    "verify_into": "other",
    "schedule_image": "example.com/kanister-kafka:1",
}


def granted(plan, account):
    """Return verb, namespace, resource and names of each right."""
    (found,) = [one for one in plan.accounts if one.name == account]
    for right in found.rights:
        resource = f"{right.resource}/{right.subresource}".rstrip("/")
        for verb in right.verbs:
            yield verb, right.namespace, resource, right.names


def requested(asked):
    """Return verb, namespace, resource and name of each request."""
    verbs = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}
    for method, path, _query in asked:
        steps = path.strip("/").split("/")
        rest = steps[3:] if steps[0] == "apis" else steps[2:]
        if not rest:
            continue
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        name = rest[1] if len(rest) > 1 else ""
        resource = f"{rest[0]}/{rest[2]}" if len(rest) > 2 else rest[0]
        yield verbs.get(method, "get" if name else "list"), namespace, resource, name


def test_the_account_of_the_cron_job_may_do_what_it_does_and_no_more(cluster) -> None:
    Operator(cluster)
    planned = plan_of("kraft-combined", **VERIFY)
    (job,) = [one for one in render(planned) if one.kind == "CronJob"]
    words = yaml.safe_load(job.text)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    cluster.add("namespaces", "", "other")
    cluster.add("configmaps", "kafka", "my-cluster-kanister-kafka")
    cluster.asked.clear()
    done = run(cluster, *words["containers"][0]["args"])
    assert done.exit_code == 0, done.output
    rights = [*granted(planned, "my-cluster-kanister-kafka-verify")]
    asked = {*requested(cluster.asked)}
    # These are tried, and a refusal is no failure: what they find needs the whole cluster.
    optional = {("list", "", "namespaces", ""), ("list", "", "pods", "")}
    for verb, namespace, resource, name in asked - optional:
        assert any(
            (verb, namespace, resource) == right[:3] and (not right[3] or name in right[3])
            for right in rights
        ), (verb, namespace, resource, name)
    used = {one[:3] for one in asked}
    used |= {("create", "other", "pods/exec"), ("get", "other", "pods/exec")}
    used.add(("get", "", "storageclasses"))
    used.add(("patch", "other", "volumesnapshots"))  # the next test shows what for
    used.add(("patch", "other", "networkpolicies"))  # after a removal that has failed
    assert {right[:3] for right in rights} <= used


def test_a_snapshot_that_the_provisioner_never_releases_is_released(cluster, monkeypatch) -> None:
    """Its claim was deleted while it was filled; the finalizer then stays."""
    Operator(cluster)
    finalizer = "provisioner.storage.kubernetes.io/volumesnapshot-as-source-protection"
    drop = cluster.drop

    def hold(plural, namespace, name):
        if plural == "volumesnapshots" and namespace == COPY:
            held = {"deletionTimestamp": "2026-01-09T00:00:00Z", "finalizers": [finalizer]}
            cluster.change(plural, namespace, name, {"metadata": held})
        else:
            drop(plural, namespace, name)

    monkeypatch.setattr(cluster, "drop", hold)
    change = cluster.change

    def release(plural, namespace, name, patch):
        changed = change(plural, namespace, name, patch)
        if changed["metadata"].get("deletionTimestamp") and "finalizers" not in changed["metadata"]:
            drop(plural, namespace, name)
        return changed

    monkeypatch.setattr(cluster, "change", release)
    done = verify(cluster)
    assert done.exit_code == 0, done.output
    assert left(cluster) == []


def test_a_refused_list_of_namespaces_and_pods_does_not_stop_a_verification(cluster) -> None:
    Operator(cluster)
    cluster.add("namespaces", "", "other")
    cluster.refusals += [("GET", "/api/v1/namespaces$", 403), ("GET", "/api/v1/pods$", 403)]
    done = verify(cluster, "--into", "other")
    assert done.exit_code == 0, done.output + done.stderr


@pytest.mark.parametrize(
    ("choice", "path"),
    [
        ({"verify_schedule": "0 5 * *"}, "verify-schedule"),
        ({"verify_into": ""}, "verify-schedule"),
        ({"schedule_image": ""}, "verify-schedule"),
        ({"engine": SnapshotProvider.KASTEN}, "verify-schedule"),
        ({"verify_memory": "much"}, "verify-memory"),
        ({"verify_schedule": "", "schedule_image": ""}, "verify-into"),
    ],
)
def test_wrong_choices_of_a_scheduled_verification(choice, path) -> None:
    problems = Options(**VERIFY | choice).problems()
    assert path in {problem.path for problem in problems}
