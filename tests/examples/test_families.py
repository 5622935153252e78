"""The families of `tests/e2e/test_families.py`: complete, and read by the product as they are."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from kanister_kafka import read_cluster
from kanister_kafka.strimzi import KafkaCluster
from kanister_kafka.yamldoc import document_from_dict
from tests.conftest import ROOT
from tests.e2e import families
from tests.e2e.api_versions import V1, V1BETA2, convert, in_served_version
from tests.e2e.families import EXAMPLES, FAMILIES, NOT_RUN, Family, build

V1_ONLY, V1BETA2_ONLY, BOTH = [V1], [V1BETA2], [V1BETA2, V1]
RESOURCE = re.compile(r"(?m)^apiVersion: kafka\.strimzi\.io/")
with_pools = pytest.mark.parametrize(
    "name", [name for name in FAMILIES if not families.not_possible(name, "1.2.0")]
)


def read(family: Family) -> KafkaCluster:
    """Read the Kafka that is backed up as `render` does."""
    documents = [document_from_dict(item) for item in family.objects]
    reading = read_cluster(documents, cluster=str(family.kafka))
    assert reading.cluster is not None, reading.problems
    expected = {"unpinned-version", "combined-roles", "offset-syncs-elsewhere"}
    assert {problem.rule for problem in reading.problems} <= expected
    return reading.cluster


def clients(cluster: KafkaCluster) -> list[str]:
    writers = [f"{writer} writes" for writer in cluster.writers]
    return writers + [f"{client} is left alone" for client in cluster.ignored_clients]


def example(name: str, kind: str) -> Any:
    """Return the only resource of a kind in an example."""
    items = [item for item in families.documents(name) if item["kind"] == kind]
    (item,) = items
    return item


def test_every_resource_of_an_example_is_in_a_family_or_has_a_reason() -> None:
    paths = [path for path in EXAMPLES.rglob("*.yaml") if RESOURCE.search(path.read_text())]
    run = {families.folder_of(name) for name in FAMILIES}
    excused = {EXAMPLES / folder for folder in NOT_RUN}
    missing = [
        str(path.relative_to(ROOT))
        for path in paths
        if path.parent not in run and not excused & set(path.parents)
    ]
    assert missing == []
    for folder in run | excused:
        assert any(folder in path.parents for path in paths), f"{folder} has no resource"
    assert all(NOT_RUN.values())


@pytest.mark.parametrize("served", [V1BETA2_ONLY, BOTH], ids=["v1beta2", "both"])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_is_read_as_its_example(name: str, served: list[str]) -> None:
    """Each conversion keeps which clients write, and which are left alone."""
    family = build(name, served)
    cluster = read(family)
    assert {item["apiVersion"] for item in family.objects} <= set(served)
    original = [document_from_dict(item) for item in families.documents(name)]
    reading = read_cluster(original, cluster=str(family.kafka))
    assert reading.cluster is not None, reading.problems
    assert clients(cluster) == clients(reading.cluster)
    assert cluster.pools == reading.cluster.pools


@with_pools
def test_a_family_of_kraft_is_the_same_in_v1(name: str) -> None:
    family = build(name, V1_ONLY)
    assert {item["apiVersion"] for item in family.objects} == {V1}
    assert clients(read(family)) == clients(read(build(name, V1BETA2_ONLY)))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_fits_a_small_cluster(name: str) -> None:
    family = build(name, BOTH)
    for item in family.objects:
        text = yaml.safe_dump(item)
        assert not re.search(r"size: (?!1Gi)|class: (?!org\.)|\bversion: |example\.com", text)
        assert item["metadata"]["namespace"] in family.namespaces
        if item["kind"] == "KafkaNodePool" or item in family.running:
            assert item["spec"]["resources"]["requests"]["memory"] == "300Mi"
            assert item["spec"]["replicas"] <= 3
    assert all(namespace.startswith(("kk-e2e-", "kanister-")) for namespace in family.namespaces)


def test_a_family_keeps_what_it_is_for() -> None:
    jbod = build("kraft-jbod", BOTH)
    (volumes,) = [
        item["spec"]["storage"]["volumes"]
        for item in jbod.objects
        if item["metadata"]["name"] == "broker"
    ]
    assert [volume.get("kraftMetadata") for volume in volumes] == [None, "shared", None]
    assert [source.alias for source in build("mirror-maker-2-two-sources", BOTH).sources()] == [
        "east",
        "west",
    ]
    connect = build("kafka-connect", BOTH)
    states = {item["metadata"]["name"]: item["spec"].get("state") for item in connect.connectors}
    assert states == {"heartbeat": None, "heartbeat-standby": "stopped"}
    long = build("long-names", BOTH).kafka
    assert (len(long.name), len(long.namespace)) == (41, 60)


def test_clients_run_but_those_without_an_image() -> None:
    for served in (V1_ONLY, V1BETA2_ONLY):
        family = build("mirror-maker-2", served)
        running = [item["metadata"]["name"] for item in family.running]
        assert running == ["sink", "onward", "mirror"]
        (bridge,) = [item for item in family.workers if item not in family.running]
        assert bridge["metadata"]["annotations"] == {"strimzi.io/pause-reconciliation": "true"}
        assert bridge["spec"]["replicas"] == 1
        assert not any(families.PAUSED.items() <= item["metadata"]["annotations"].items()
                       for item in family.running)  # fmt: skip


def test_clusters_that_an_example_only_names_are_made() -> None:
    family = build("mirror-maker-2", V1_ONLY)
    elsewhere = "kk-e2e-mirror-maker-2-elsewhere"
    assert [str(kafka) for kafka in family.kafkas] == [
        "kk-e2e-mirror-maker-2-kafka-backup/backup",
        f"{elsewhere}/dr",
        f"{elsewhere}/production",
    ]
    (source,) = family.sources()
    assert (str(source.kafka), source.alias) == (f"{elsewhere}/production", "production")
    (mirror,) = build("strimzi-v1", V1_ONLY).running
    (only,) = mirror["spec"]["mirrors"]
    assert only["source"] == {
        "alias": "production",
        "bootstrapServers": "production-kafka-bootstrap.kk-e2e-strimzi-v1-elsewhere.svc:9092",
    }


def test_the_source_of_a_family_may_be_in_it() -> None:
    family = build("seed", V1BETA2_ONLY)
    assert str(family.kafka) == "kk-e2e-seed-kafka-mirror/my-cluster"
    (source,) = family.sources()
    assert str(source.kafka) == "kk-e2e-seed-kafka/my-cluster"
    assert len(family.kafkas) == 2


@pytest.mark.parametrize(
    ("name", "release", "possible"),
    [
        ("seed", "0.45.2", True),
        ("seed", "0.49.1", False),
        ("zookeeper-node-pools", "1.2.0", False),
        ("kraft-jbod", "0.45.2", True),
        ("mirror-maker-2", "1.2.0", True),
    ],
)
def test_what_an_operator_can_run(name: str, release: str, *, possible: bool) -> None:
    assert (families.not_possible(name, release) == "") is possible


def test_a_mirror_in_the_other_version_and_back() -> None:
    v1 = example("mirror-maker-2-two-sources", "KafkaMirrorMaker2")
    old = convert(v1, V1BETA2)
    assert old["spec"]["connectCluster"] == "all"
    assert [cluster["alias"] for cluster in old["spec"]["clusters"]] == ["all", "east", "west"]
    assert old["spec"]["clusters"][0]["config"]["group.id"] == "mirror"
    pairs = [(m["sourceCluster"], m["targetCluster"]) for m in old["spec"]["mirrors"]]
    assert pairs == [("east", "all"), ("west", "all")]
    assert not {"target", "source"} & {*old["spec"], *old["spec"]["mirrors"][0]}
    assert convert(old, V1) == v1


def test_a_mirror_of_v1beta2_gets_its_defaults_in_v1() -> None:
    old = example("seed", "KafkaMirrorMaker2")
    old["spec"].pop("replicas")
    old["spec"]["mirrors"][0]["sourceConnector"]["pause"] = True
    v1 = convert(old, V1)["spec"]
    assert v1["replicas"] == 3
    names = {key: v1["target"][key] for key in ("groupId", "configStorageTopic", "alias")}
    assert names == {
        "groupId": "mirrormaker2-cluster",
        "configStorageTopic": "mirrormaker2-cluster-configs",
        "alias": "my-target-cluster",
    }
    (mirror,) = v1["mirrors"]
    assert "heartbeatConnector" not in mirror
    assert mirror["sourceConnector"]["state"] == "paused"
    assert "pause" not in mirror["sourceConnector"]


def test_a_mirror_of_another_target_has_no_form_in_v1() -> None:
    old = example("seed", "KafkaMirrorMaker2")
    old["spec"]["mirrors"][0]["targetCluster"] = "my-source-cluster"
    with pytest.raises(ValueError, match="one target"):
        convert(old, V1)


def test_connect_in_the_other_version_and_back() -> None:
    old = example("mirror-maker-2", "KafkaConnect")
    v1 = convert(old, V1)
    fields = ("groupId", "configStorageTopic", "offsetStorageTopic", "statusStorageTopic")
    assert [v1["spec"][field] for field in fields] == [
        "sink",
        "sink-configs",
        "sink-offsets",
        "sink-status",
    ]
    assert set(v1["spec"]["config"]) == {
        f"{topic}.storage.replication.factor" for topic in ("config", "offset", "status")
    }
    assert convert(v1, V1BETA2) == old


def test_zookeeper_has_no_form_in_v1() -> None:
    with pytest.raises(ValueError, match="ZooKeeper"):
        convert(example("zookeeper-pod-sets", "Kafka"), V1)


def test_a_version_that_is_served_stays() -> None:
    v1 = example("kraft-jbod", "Kafka")
    assert in_served_version(v1, BOTH) == v1
    old = in_served_version(v1, V1BETA2_ONLY)
    assert old["apiVersion"] == V1BETA2
    assert old["metadata"]["annotations"]["strimzi.io/kraft"] == "enabled"
    assert "annotations" not in v1["metadata"], "the example itself is not changed"
