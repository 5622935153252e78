"""Names that become too long in what Strimzi makes of them.

Strimzi adds suffixes to the name of a Kafka (KafkaResources.java) and uses the results as names of
Services, as host names of pods, and as labels of all that belongs to a component (Labels.java).
Kubernetes allows 63 characters for each of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from kanister_kafka.kube.names import LABEL
from kanister_kafka.strimzi.cursor import FieldCursor
from kanister_kafka.strimzi.model import Workload

HOST_LENGTH = 253
"""Characters of a host name, by RFC 1035."""
COMPONENTS = {
    "entityOperator.topicOperator": "-entity-topic-operator",
    "entityOperator.userOperator": "-entity-user-operator",
    "zookeeper": "-zookeeper-client",
    "kafka": "-kafka-bootstrap",
    "cruiseControl": "-cruise-control",
    "kafkaExporter": "-kafka-exporter",
}
"""Field of the spec of a Kafka, and the suffix of its label `strimzi.io/name` or its Service."""
DNS_FIELDS = ("dnsConfig", "dnsPolicy")
"""Fields of `template.pod` that replace the search list of a pod."""


@dataclass(frozen=True, slots=True)
class NodeName:
    """The pod of a node, and the Service that gives the pod its host name."""

    pod: str
    service: str

    @classmethod
    def of_kafka(cls, kafka: str, pod: str) -> NodeName:
        """Return the name of a broker or a controller."""
        return cls(pod, f"{kafka}-kafka-brokers")

    def host_length(self, namespace: str) -> int:
        """Return the length of the host as Strimzi writes it, with the first search domain."""
        host = f"{self.pod}.{self.service}.{namespace}.svc"
        return len(f"{host}.{namespace}.svc.cluster.local")


def long_host(nodes: Iterable[NodeName], namespace: str) -> str:
    """Return why nodes could not find each other in a namespace; empty if they can.

    glibc (seen with 2.36) gives up a name as soon as one domain of the search list makes it too
    long, and the search list of a pod begins with its namespace.
    """
    lengths = {node: node.host_length(namespace) for node in nodes}
    node = max(lengths, key=lengths.__getitem__, default=None)
    if node is None or lengths[node] <= HOST_LENGTH:
        return ""
    return (
        f"nodes could not resolve each other: with the search domain of namespace {namespace}, the "
        f"host name of pod {node.pod} has {lengths[node]} characters, and at most {HOST_LENGTH} "
        "are possible"
    )


def check_name_lengths(
    kafka: FieldCursor,
    namespace: str,
    pools: Iterable[FieldCursor],
    nodes: Iterable[Workload],
    zookeeper: Workload | None,
) -> None:
    """Warn of a name with which the operator cannot make a Kafka, or nodes find no other node."""
    field, spec = kafka.at("metadata", "name"), kafka.at("spec")
    name = field.string()
    node_names = list(_node_names(name, nodes, zookeeper))
    parts = [part for part in COMPONENTS if spec.at(*part.split(".")).present]
    texts = [name + COMPONENTS[part] for part in parts] + [node.pod for node in node_names]
    longest = max(texts, key=len, default="")
    excess = len(longest) - LABEL.longest
    if excess > 0:
        possible = len(name) - excess
        remedy = f"choose a name of at most {possible} characters"
        if possible <= 0:
            remedy = "choose shorter names of node pools"
        field.warn(
            "long-name",
            f"Strimzi needs the name {longest}, which has {len(longest)} characters, and "
            f"Kubernetes allows {LABEL.longest} in labels, host names and names of Services: the "
            f"operator cannot make this Kafka: {remedy}",
        )
        return
    problem = long_host(node_names, namespace)
    if problem and not _has_own_dns([spec.at("kafka"), *(pool.at("spec") for pool in pools)]):
        field.warn("long-name", f"{problem}: choose a shorter name, or another namespace")


def _node_names(
    kafka: str, nodes: Iterable[Workload], zookeeper: Workload | None
) -> Iterator[NodeName]:
    """Yield the last node of each workload, if ids begin at 0: others are not known here."""
    for node in nodes:
        yield NodeName.of_kafka(kafka, _last_pod(node))
    if zookeeper:
        yield NodeName(_last_pod(zookeeper), f"{kafka}-zookeeper-nodes")


def _last_pod(workload: Workload) -> str:
    return f"{workload.name}-{max(workload.replicas - 1, 0)}"


def _has_own_dns(settings: Iterable[FieldCursor]) -> bool:
    pods = [setting.at("template", "pod") for setting in settings]
    return any(pod.at(field).present for pod, field in product(pods, DNS_FIELDS))
