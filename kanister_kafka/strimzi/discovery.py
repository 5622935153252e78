"""Find a Kafka of a live cluster, and the nodes that belong to it."""

from __future__ import annotations

from dataclasses import dataclass

from kanister_kafka import constants
from kanister_kafka.constants import STRIMZI
from kanister_kafka.errors import NotFoundError
from kanister_kafka.kube.client import (
    CONFIG_MAPS,
    ApiResource,
    KubeClient,
    Object,
    Objects,
)

VERSIONS = ("v1beta2", "v1")
"""API versions that are read, the preferred one first. From 0.49 to 0.51 both are served without
conversion: v1 drops the fields that it does not know, such as `spec.clusters`."""
SUFFIX = f"-{constants.COMPONENT}"


@dataclass(frozen=True, slots=True)
class KafkaRef:
    """A Kafka by name; the resource itself may not exist any more."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def find_resource(connection: KubeClient, kind: str, group: str = STRIMZI) -> ApiResource | None:
    """Find the API resource of a kind of Strimzi, or None if it is not served."""
    try:
        return connection.kind(tuple(f"{group}/{version}" for version in VERSIONS), kind)
    except NotFoundError:
        return None


def versioned(plural: str, item: Object) -> str:
    """Return the resource name for kubectl with which a write drops no field.

    Without a version kubectl uses v1, even if v1beta2 is served as well, and the API server then
    stores only the fields in the schema of v1.
    """
    group, _, version = item["apiVersion"].rpartition("/")
    return f"{plural}.{version}.{group}"


def find_target(connection: KubeClient, namespace: str, name: str) -> KafkaRef:
    """Return the named Kafka, or the only one of the namespace.

    If the namespace has no Kafka any more, the state ConfigMaps of former ones are searched.
    Raises NotFoundError if there is none, or if there are several.
    """
    namespace = namespace or connection.namespace
    if name:
        return KafkaRef(namespace, name)
    resource = find_resource(connection, "Kafka")
    names = _names(connection.items(resource, namespace)) if resource else ()
    if not names:
        label = f"{constants.MANAGED_BY}={constants.COMPONENT}"
        states = connection.items(CONFIG_MAPS, namespace, label, metadata_only=True)
        names = tuple(sorted({owner for item in states if (owner := kafka_of_state(item))}))
    if not names:
        raise NotFoundError(f"no Kafka in namespace {namespace}, and no state ConfigMap of one")
    if len(names) > 1:
        raise NotFoundError(f"several Kafka in namespace {namespace}: name one: {', '.join(names)}")
    return KafkaRef(namespace, names[0])


def kafka_of_state(config_map: Object) -> str:
    """Return the Kafka of a state ConfigMap; empty if it is another ConfigMap.

    Those of earlier versions have no label of the Kafka, and their name begins with it.
    """
    if cluster := (config_map["metadata"].get("labels") or {}).get(constants.CLUSTER):
        return str(cluster)
    name = str(config_map["metadata"]["name"])
    return name.removesuffix(SUFFIX) if name.endswith(SUFFIX) else ""


def all_targets(connection: KubeClient, namespace: str = "") -> tuple[KafkaRef, ...]:
    """Return every Kafka of a namespace or of all, sorted; NotFoundError if there is none."""
    resource = find_resource(connection, "Kafka")
    kafkas = connection.items(resource, namespace) if resource else ()
    metadata = (item["metadata"] for item in kafkas)
    targets = sorted((KafkaRef(one["namespace"], one["name"]) for one in metadata), key=str)
    if not targets:
        scope = f"namespace {namespace}" if namespace else "any namespace"
        raise NotFoundError(f"{connection.host}: no Kafka of Strimzi in {scope}")
    return tuple(targets)


def expected_nodes(connection: KubeClient, target: KafkaRef) -> int | None:
    """Return the number of nodes in the resources of a Kafka; None if they do not define it."""
    kafkas = find_resource(connection, "Kafka")
    pools = find_resource(connection, "KafkaNodePool")
    kafka = connection.find(kafkas, target.name, target.namespace) if kafkas else None
    if kafka is None:
        return None
    label = f"{constants.CLUSTER_LABEL}={target.name}"
    owned = connection.items(pools, target.namespace, label) if pools else ()
    return sum(desired_replicas(kafka, owned).values()) or None


def is_broker_pod(pod: Object, cluster: str) -> bool:
    """Return whether a pod is a broker of a Kafka (labels of Strimzi's Labels.java).

    Pods of a Strimzi without node pools lack the label of the role, and all of them are brokers.
    """
    labels = pod["metadata"].get("labels") or {}
    is_node = labels.get("strimzi.io/name") == f"{cluster}-kafka"
    return is_node and labels.get("strimzi.io/broker-role") in (None, "", "true")


def desired_replicas(kafka: Object, pools: Objects) -> dict[str, int]:
    """Return the workloads of a Kafka and its pools, each with its desired number of nodes.

    Names are those of Strimzi's KafkaResources.java and KafkaPool.java; ZooKeeper comes first.
    """
    name = kafka["metadata"]["name"]
    spec = kafka.get("spec") or {}
    replicas = {}
    # Up to Strimzi 0.39 the CRD required spec.zookeeper in KRaft mode as well.
    kraft = (kafka["metadata"].get("annotations") or {}).get("strimzi.io/kraft") == "enabled"
    if spec.get("zookeeper") and not kraft:
        replicas[f"{name}-zookeeper"] = int(spec["zookeeper"].get("replicas") or 0)
    for pool in sorted(pools, key=lambda pool: str(pool["metadata"]["name"])):
        desired = (pool.get("spec") or {}).get("replicas") or 0
        replicas[f"{name}-{pool['metadata']['name']}"] = int(desired)
    if not pools:
        replicas[f"{name}-kafka"] = int((spec.get("kafka") or {}).get("replicas") or 0)
    return replicas


def _names(items: Objects) -> tuple[str, ...]:
    return tuple(sorted(item["metadata"]["name"] for item in items))
