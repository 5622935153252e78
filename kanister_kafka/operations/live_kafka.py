"""One Kafka of a live cluster: the only place that knows where each of its objects is.

Commands differ in what follows if an object may not be read: `status` names it, `check` has a
warning for it, a rehearsal or a restore does not begin. So every function raises the errors of
KubeClient, and its caller decides. An object that does not exist is None, and a kind that is not
served has no objects. A refused read is neither.
"""

from __future__ import annotations

from datetime import datetime

from kanister_kafka.constants import (
    CLUSTER_LABEL,
    COMPONENT,
    PAUSE_RECONCILIATION,
    STRIMZI,
    STRIMZI_CORE,
    BackupState,
)
from kanister_kafka.errors import NotFoundError
from kanister_kafka.kube.client import (
    CLAIMS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    PODS,
    STATEFUL_SETS,
    ApiResource,
    KubeClient,
    Object,
    Objects,
)
from kanister_kafka.kube.objects import annotation, get_path, is_ready, pod_selector
from kanister_kafka.package import package_directory
from kanister_kafka.strimzi.discovery import KafkaRef, find_resource, is_broker_pod
from kanister_kafka.timestamps import format_second

IDLE = ("", BackupState.RUNNING.value)
"""States of a Kafka that no action has stopped."""
OPERATOR_SELECTOR = "strimzi.io/kind=cluster-operator"
"""Label of the operator's pods, in every way to install it."""


class LiveKafka:
    """A Kafka and what belongs to it; each method is one request, without what is discovered."""

    def __init__(self, connection: KubeClient, kafka: KafkaRef) -> None:
        self.connection = connection
        self.ref = kafka
        self._selector = f"{CLUSTER_LABEL}={kafka.name}"

    def resource(self) -> ApiResource:
        """Find how a Kafka is served; NotFoundError if Strimzi is not installed."""
        return strimzi_resource(self.connection, "Kafka")

    def find(self) -> Object | None:
        """Return the Kafka; None if it does not exist, or if Strimzi is not installed."""
        resource = find_resource(self.connection, "Kafka")
        if resource is None:
            return None
        return self.connection.find(resource, self.ref.name, self.ref.namespace)

    def get(self) -> Object:
        """Return the Kafka; NotFoundError if it does not exist."""
        return self.connection.get(self.resource(), self.ref.name, self.ref.namespace)

    def patch(self, change: Object, *, subresource: str = "") -> Object:
        """Change fields of the Kafka by a merge patch; return it as it is then."""
        return self.connection.patch(
            self.resource(), self.ref.name, self.ref.namespace, change, subresource=subresource
        )

    def pools(self) -> Objects:
        """Return its KafkaNodePools."""
        return self.owned("KafkaNodePool")

    def owned(self, kind: str) -> Objects:
        """Return the resources of a kind of Strimzi with the label of the Kafka."""
        return self._labelled(find_resource(self.connection, kind), self._selector)

    def pod_sets(self) -> Objects:
        """Return the StrimziPodSets of its nodes, and of ZooKeeper."""
        resource = find_resource(self.connection, "StrimziPodSet", STRIMZI_CORE)
        return self._labelled(resource, f"{self._selector},strimzi.io/kind=Kafka")

    def stateful_sets(self) -> Objects:
        """Return the StatefulSets that Strimzi has created instead up to 0.34."""
        return self._labelled(STATEFUL_SETS, f"{self._selector},strimzi.io/kind=Kafka")

    def pods(self) -> Objects:
        """Return the pods of the Kafka resource, those of operators and exporters too."""
        return list_pods(self.connection, "Kafka", self.ref.namespace, self.ref.name)

    def nodes(self) -> Objects:
        """Return the pods of Kafka and ZooKeeper."""
        return self.connection.items(PODS, self.ref.namespace, pod_selector(self.ref.name))

    def claims(self) -> Objects:
        """Return its PersistentVolumeClaims."""
        return self._labelled(CLAIMS, self._selector)

    def state_config_map(self, name: str) -> Object | None:
        """Return the ConfigMap with the state of its backups; `ObjectNames` has the name."""
        return self.connection.find(CONFIG_MAPS, name, self.ref.namespace)

    def watchdog(self, name: str) -> Object | None:
        """Return the Deployment of its watchdog; `ObjectNames` has the name."""
        return self.connection.find(DEPLOYMENTS, name, self.ref.namespace)

    def _labelled(self, resource: ApiResource | None, selector: str) -> Objects:
        if resource is None:
            return ()
        return self.connection.items(resource, self.ref.namespace, selector)


def strimzi_resource(connection: KubeClient, kind: str) -> ApiResource:
    """Find how a kind of Strimzi is served; NotFoundError if it is not."""
    resource = find_resource(connection, kind)
    if resource is None:
        raise NotFoundError(
            f"{connection.host}: Strimzi is not installed on this cluster: it has no kind {kind} "
            f"of {STRIMZI}"
        )
    return resource


def list_pods(connection: KubeClient, kind: str, namespace: str, name: str) -> Objects:
    """Return the pods of a custom resource of Strimzi, such as a KafkaConnect."""
    return connection.items(PODS, namespace, f"{CLUSTER_LABEL}={name},strimzi.io/kind={kind}")


def list_operators(connection: KubeClient) -> Objects:
    """Return the pods of every Strimzi operator of the cluster."""
    return connection.items(PODS, label=OPERATOR_SELECTOR)


def is_pause_requested(item: Object) -> bool:
    """Return whether a custom resource asks its operator not to reconcile it.

    The operator reads the value as Java reads a boolean, so capital letters count too.
    """
    return annotation(item, PAUSE_RECONCILIATION).lower() == "true"


def state_of(config_map: Object | None) -> str:
    """Return the state in a state ConfigMap; empty if there is none yet."""
    return str(get_path(config_map or {}, "data", "state") or "")


def watchdog_replicas(deployment: Object | None) -> int:
    """Return how many pods a watchdog is asked to have: one means that it is armed."""
    return int((deployment.get("spec") or {}).get("replicas", 1)) if deployment else 0


# Programs of Kafka in a broker's pod, with the certificate of the broker.

REPLICATION_PORT = 9091
"""Port of the listener for replication (Strimzi, KafkaCluster.java)."""


def ready_brokers(pods: Objects, cluster: str) -> Objects:
    """Return those of the pods that are brokers and Ready: a program can run in each."""
    return tuple(pod for pod in pods if is_broker_pod(pod, cluster) and is_ready(pod))


def replication_address(cluster: str, namespace: str) -> str:
    """Return the address of the listener for replication, which every Strimzi cluster has."""
    return f"{cluster}-kafka-brokers.{namespace}.svc:{REPLICATION_PORT}"


def broker_script(script: str) -> str:
    """Return a script of bash that can use the functions of templates/scripts/lib/broker.sh."""
    path = package_directory("templates").joinpath("scripts", "lib", "broker.sh")
    return f"{path.read_text()}\n{script}"


# Events of Kubernetes on a Kafka, as the steps of a Blueprint write them.

MAX_EVENT_MESSAGE = 1000
"""Characters of a message; events.k8s.io allows 1024 in a note."""


def write_warning_event(
    connection: KubeClient, kafka: KafkaRef, reason: str, message: str, now: datetime
) -> None:
    """Write a Warning on a Kafka, if it exists. Raises the errors of KubeClient."""
    item = LiveKafka(connection, kafka).find()
    if item is None:
        return
    time = format_second(now)
    connection.create(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{kafka.name}.", "namespace": kafka.namespace},
            "involvedObject": {
                "apiVersion": item["apiVersion"],
                "kind": item["kind"],
                "name": kafka.name,
                "namespace": kafka.namespace,
                "uid": item["metadata"].get("uid", ""),
            },
            "type": "Warning",
            "reason": reason,
            "message": message[:MAX_EVENT_MESSAGE],
            "source": {"component": COMPONENT},
            "count": 1,
            "firstTimestamp": time,
            "lastTimestamp": time,
        }
    )
