"""Pods of Kafka and ZooKeeper nodes: how many are there and serve."""

from __future__ import annotations

from dataclasses import dataclass

from kanister_kafka.kube.connection import PODS, Connection, Object, Objects


@dataclass(frozen=True, slots=True)
class Nodes:
    """Nodes of one cluster at one moment."""

    there: int
    """Pods, terminating ones included."""
    ready: int
    expected: int | None = None
    """None where nothing tells."""

    def __str__(self) -> str:
        if self.expected is None:
            return f"{self.ready} of {self.there} pods ready"
        left = "" if self.there == self.expected else f", {self.there} there"
        return f"{self.ready} of {self.expected} nodes ready{left}"


def selector(cluster: str) -> str:
    """Return the label selector of all nodes (labels of Strimzi's Labels.java)."""
    return f"strimzi.io/cluster={cluster},strimzi.io/name in ({cluster}-kafka,{cluster}-zookeeper)"


def count(pods: Objects, expected: int | None = None) -> Nodes:
    """Count pods; one that is terminating does not serve."""
    return Nodes(len(pods), sum(map(is_ready, pods)), expected)


def look(connection: Connection, namespace: str, cluster: str, expected: int | None) -> Nodes:
    """Count the nodes of a cluster as they are now."""
    return count(connection.items(PODS, namespace, selector(cluster)), expected)


def is_ready(pod: Object) -> bool:
    """Tell whether a pod serves."""
    if pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
