"""One Kafka of a live cluster: where each object is, and what its fields mean."""

import pytest

from kanister_kafka.constants import CLUSTER_LABEL, PAUSE_RECONCILIATION, STRIMZI
from kanister_kafka.errors import ForbiddenError, NotFoundError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.kube.pods import image_tag
from kanister_kafka.operations.live_kafka import (
    IDLE,
    LiveKafka,
    is_pause_requested,
    list_pods,
    ready_brokers,
    state_of,
    strimzi_resource,
    watchdog_replicas,
)
from kanister_kafka.operations.object_names import default_names
from kanister_kafka.operations.rehearsal.context import read_state
from kanister_kafka.strimzi.discovery import KafkaRef
from tests.fakes.cluster import add_kafka, serving

KAFKA = KafkaRef("kafka", "my-cluster")


@pytest.fixture
def cluster(configure):
    with serving() as cluster:
        configure(cluster.url)
        add_kafka(cluster)
        yield cluster


def live(kafka: KafkaRef = KAFKA) -> LiveKafka:
    return LiveKafka(KubeClient(), kafka)


def pod(name, **labels):
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {"metadata": {"name": name, "namespace": "kafka", "labels": labels}, "status": ready}


def test_an_object_that_does_not_exist_is_none_and_one_that_may_not_be_read_is_an_error(cluster):
    assert live().find()["metadata"]["name"] == "my-cluster"
    assert live(KafkaRef("kafka", "gone")).find() is None
    with pytest.raises(NotFoundError):
        live(KafkaRef("kafka", "gone")).get()
    names = default_names(KAFKA)
    cluster.refusals.append(("GET", "/(kafkas|kafkanodepools|persistentvolumeclaims|pods)", 403))
    cluster.refusals.append(("GET", "/(configmaps|deployments|strimzipodsets)", 403))
    for read in (
        *(live().find, live().get, live().pools, live().claims),
        *(live().pods, live().nodes, live().pod_sets),
        lambda: live().state_config_map(names.state_config_map),
        lambda: live().watchdog(names.watchdog),
    ):
        with pytest.raises(ForbiddenError):
            read()


def test_without_strimzi_there_is_no_kafka_and_nothing_belongs_to_one(cluster):
    cluster.kinds = {key: kinds for key, kinds in cluster.kinds.items() if "strimzi" not in key[0]}
    assert live().find() is None
    assert (live().pools(), live().pod_sets()) == ((), ())
    for ask in (live().get, lambda: strimzi_resource(KubeClient(), "KafkaConnect")):
        with pytest.raises(NotFoundError, match="Strimzi is not installed on this cluster"):
            ask()


def test_a_version_that_is_not_served_is_asked_for_once(cluster):
    """Strimzi 1 serves v1 alone, and a Kafka is read again and again while a command waits."""
    cluster.kinds[STRIMZI, "v1"] = cluster.kinds.pop((STRIMZI, "v1beta2"))
    kafka = live()
    assert [kafka.get()["metadata"]["name"] for _ in range(3)] == ["my-cluster"] * 3
    paths = [path for _, path, _ in cluster.asked]
    assert paths.count(f"/apis/{STRIMZI}/v1beta2") == 1


def test_pods_of_the_kafka_and_of_a_client_with_its_name_are_distinguished(cluster):
    own = {CLUSTER_LABEL: "my-cluster", "strimzi.io/kind": "Kafka"}
    for item in (
        pod("my-cluster-a-0", **own, **{"strimzi.io/name": "my-cluster-kafka"}),
        pod("my-cluster-entity-operator-x", **own),
        pod("my-cluster-connect-0", **{**own, "strimzi.io/kind": "KafkaConnect"}),
    ):
        metadata = item["metadata"]
        cluster.add("pods", "kafka", metadata["name"], labels=metadata["labels"])
    known = {item["metadata"]["name"] for item in live().pods()}
    assert {"my-cluster-a-0", "my-cluster-entity-operator-x"} <= known
    assert "my-cluster-connect-0" not in known
    assert "my-cluster-entity-operator-x" not in {
        item["metadata"]["name"] for item in live().nodes()
    }
    (connect,) = list_pods(KubeClient(), "KafkaConnect", "kafka", "my-cluster")
    assert connect["metadata"]["name"] == "my-cluster-connect-0"


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("True", True), ("false", False)])
def test_a_pause_counts_as_the_operator_reads_it_in_every_command(cluster, value, expected):
    item = {"metadata": {"annotations": {PAUSE_RECONCILIATION: value}}}
    assert is_pause_requested(item) is expected
    cluster.change("kafkas", "kafka", "my-cluster", item)
    assert read_state(live(), default_names(KAFKA)).paused is expected


def test_a_broker_that_terminates_runs_no_program():
    brokers = [pod(f"b-{i}", **{"strimzi.io/name": "my-cluster-kafka"}) for i in (0, 1)]
    brokers[0]["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    assert ready_brokers(tuple(brokers), "my-cluster") == (brokers[1],)


def test_a_state_that_nothing_has_written_is_idle():
    assert state_of(None) in IDLE
    assert state_of({"metadata": {}}) in IDLE
    assert state_of({"data": {"state": "stopped"}}) == "stopped"
    assert "stopped" not in IDLE


@pytest.mark.parametrize(
    ("deployment", "replicas"),
    [(None, 0), ({"spec": {"replicas": 0}}, 0), ({"spec": {"replicas": 1}}, 1)],
)
def test_a_watchdog_is_armed_if_it_is_asked_for_a_pod(deployment, replicas):
    assert watchdog_replicas(deployment) == replicas


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("quay.io/strimzi/operator:1.2.0", "1.2.0"),
        ("registry:5000/operator", ""),
        ("registry:5000/operator:0.45@sha256:abc", "0.45"),
    ],
)
def test_the_tag_of_an_image(image, tag):
    assert image_tag(image) == tag
