"""A healthy Kafka with its Blueprint on an API server, as `check` reads it."""

from __future__ import annotations

from functools import lru_cache

from kanister_kafka.backup.options import Options
from kanister_kafka.backup.planner import build_plan
from kanister_kafka.backup.render import render
from kanister_kafka.strimzi import read_cluster
from kanister_kafka.yamldoc import document_from_dict, loads, to_python
from tests.fakes.api_server import ApiServer
from tests.fakes.fake_time import FakeTime
from tests.fakes.kafka_objects import (
    NAMESPACE,
    claim,
    deployment,
    kafka,
    node,
    operator_pod,
    pod,
    pod_set,
    pool,
    snapshot_class,
    thing,
    volume,
)

SERVED = {
    ("", "v1"): {
        "pods": "Pod",
        "persistentvolumeclaims": "PersistentVolumeClaim",
        "configmaps": "ConfigMap",
        "serviceaccounts": "ServiceAccount",
        "resourcequotas": "ResourceQuota",
        "limitranges": "LimitRange",
        "namespaces": "Namespace",
        "nodes": "Node",
        "persistentvolumes": "PersistentVolume",
    },
    ("apps", "v1"): {"deployments": "Deployment", "statefulsets": "StatefulSet"},
    ("rbac.authorization.k8s.io", "v1"): {"roles": "Role", "rolebindings": "RoleBinding"},
    ("autoscaling", "v2"): {"horizontalpodautoscalers": "HorizontalPodAutoscaler"},
    ("keda.sh", "v1alpha1"): {"scaledobjects": "ScaledObject"},
    ("storage.k8s.io", "v1"): {"storageclasses": "StorageClass"},
    ("snapshot.storage.k8s.io", "v1"): {"volumesnapshotclasses": "VolumeSnapshotClass"},
    ("cr.kanister.io", "v1alpha1"): {"blueprints": "Blueprint", "actionsets": "ActionSet"},
    ("core.strimzi.io", "v1beta2"): {"strimzipodsets": "StrimziPodSet"},
    ("kafka.strimzi.io", "v1beta2"): {
        "kafkas": "Kafka",
        "kafkanodepools": "KafkaNodePool",
        "kafkarebalances": "KafkaRebalance",
        "kafkaconnects": "KafkaConnect",
        "kafkamirrormaker2s": "KafkaMirrorMaker2",
        "kafkamirrormakers": "KafkaMirrorMaker",
        "kafkabridges": "KafkaBridge",
    },
}


class CheckedServer(ApiServer):
    """An API server that grants every right, and runs each pod at once."""

    def __init__(self):
        super().__init__(SERVED)
        self.allowed = True
        self.time = FakeTime()
        self.on_create.append(self.run_pod)

    def run_pod(self, made):
        ended = {"spec": {"nodeName": "one"}, "status": {"phase": "Succeeded"}}
        self.change("pods", made["metadata"]["namespace"], made["metadata"]["name"], ended)
        self.logs[made["metadata"]["name"]] = ["Client Version: v1.34.1"]

    def answer(self, method, path, query, body):
        if path.startswith("/apis/authorization.k8s.io/v1/"):
            return 201, {"status": {"allowed": self.allowed}}
        return super().answer(method, path, query, body)

    def forbid(self, plural):
        self.refusals.append(("", f"/{plural}(/[^/]+)?$", 403))

    def fill(self):
        """Put a healthy Kafka there, and apply its Blueprint."""
        broker = pod("my-cluster-dual-0", "Ready", labels=OURS)
        operator = labelled(operator_pod("Ready"), {"strimzi.io/kind": "cluster-operator"})
        self.put(kafka(), pool(), broker, operator, deployment(), volume())
        self.put(labelled(claim(), {"strimzi.io/cluster": "my-cluster"}), labelled(pod_set()))
        self.put(snapshot_class(), node("one", Options().image), thing("Namespace", NAMESPACE, ""))
        self.install()

    def install(self, **options):
        self.put(*[to_python(loads(m.text).documents[0].root) for m in rendered(**options)])


OURS = {"strimzi.io/cluster": "my-cluster", "strimzi.io/kind": "Kafka"}


def labelled(item, labels=OURS):
    return {**item, "metadata": {**item["metadata"], "labels": {**labels}}}


@lru_cache
def rendered(**options):
    documents = [
        document_from_dict(kafka()),
        document_from_dict(pool()),
        document_from_dict(labelled_pod_set()),
    ]
    reading = read_cluster(documents)
    return render(build_plan(reading.cluster, Options(**options), reading.problems))


def labelled_pod_set():
    return {**labelled(pod_set()), "apiVersion": "core.strimzi.io/v1beta2"}
