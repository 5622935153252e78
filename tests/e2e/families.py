"""The clusters of examples/ as a small cluster can run them: what `test_families` makes there."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kanister_kafka.constants import STRIMZI

from . import api_versions
from .api_versions import V1BETA2, Object
from .lab import Kafka, combined_node
from .small_kafka import ONE, PAUSED, PLAIN

EXAMPLES = Path(__file__).parents[2] / "examples"
LONG = Kafka(f"kanister-kafka-e2e-{'n' * 41}", "a-kafka-whose-name-is-as-long-as-it-can-b")
"""41 and 60 characters, the most that rule `long-name` allows: names of objects are made of both.

Not 45: the operator cannot label the RoleBinding of a Topic Operator with more than 41, and with 45
and 60 no node finds another one."""
FAMILIES: dict[str, str] = {
    "kraft-combined": "",
    "kraft-separate-pools": "",
    "kraft-broker-pools": "",
    "kraft-jbod": "",
    "mirror-maker-2": "",
    "mirror-maker-2-two-sources": "",
    "kafka-connect": "",
    "strimzi-v1": "",
    "kustomize-base": "kustomize/base",
    "long-names": "kraft-combined",
    "zookeeper-pod-sets": "",
    "zookeeper-node-pools": "",
    "seed": "",
    "stateful-sets": "",
}
"""Name of a family, and its folder in examples/ if that has another name.

`stateful-sets` is run by an operator that makes StrimziPodSets of it, as none that makes
StatefulSets runs on a current Kubernetes; `test_stateful_sets` has those."""
NOT_RUN = {
    "helm": "templates; Helm renders pools of the shape of kraft-separate-pools from them",
    "lab": "`make lab-env` runs them, and test_cycle and most other suites back them up",
}
"""Folders whose resources no family has, and why."""
MAIN = {"seed": "kafka-mirror"}
"""Namespace of the Kafka that is backed up, if a family has several."""
CLIENTS = ("KafkaConnect", "KafkaMirrorMaker2", "KafkaBridge")
CONNECTOR = "KafkaConnector"
NO_IMAGE = ("KafkaBridge",)
"""Kinds that the cluster of the tests has no image for.

Their resource is paused, so the operator makes no pods. The steps plan, stop and restart it by its
replicas as any other client; that the pods of a bridge end and come back is not shown."""
SMALL: dict[str, Any] = {
    "resources": {"requests": {"cpu": "20m", "memory": "300Mi"}},
    "jvmOptions": {"-Xms": "100m", "-Xmx": "256m"},
}
BOOTSTRAP = re.compile(
    r"(?P<kafka>.+)-kafka-bootstrap(\.(?P<namespace>[^.:]+)(\.svc(\.cluster\.local)?)?)?:\d+"
)
REMOVED = ("version", "metadataVersion")
"""The operator runs its newest."""


@dataclass(frozen=True)
class MirrorSource:
    """A Kafka that a MirrorMaker 2 of a family copies into the one that is backed up."""

    kafka: Kafka
    alias: str
    """Prefix of its topics on the target."""


@dataclass(frozen=True)
class Family:
    """All that is made for one family, and the Kafka of it that is backed up."""

    kafka: Kafka
    objects: list[Object]

    @property
    def namespaces(self) -> list[str]:
        return sorted({item["metadata"]["namespace"] for item in self.objects})

    @property
    def kafkas(self) -> list[Kafka]:
        return [_ref(item) for item in self.objects if item["kind"] == "Kafka"]

    @property
    def servers(self) -> list[Object]:
        """All that its Kafkas need to become Ready."""
        return [item for item in self.objects if item["kind"] not in (*CLIENTS, CONNECTOR)]

    @property
    def clients(self) -> list[Object]:
        """Clients and their connectors."""
        return [item for item in self.objects if item["kind"] in (*CLIENTS, CONNECTOR)]

    @property
    def connectors(self) -> list[Object]:
        return [item for item in self.objects if item["kind"] == CONNECTOR]

    @property
    def workers(self) -> list[Object]:
        """Clients that the steps stop by their replicas, those without pods too."""
        return [item for item in self.objects if item["kind"] in CLIENTS]

    @property
    def running(self) -> list[Object]:
        return [item for item in self.workers if item["kind"] not in NO_IMAGE]

    def sources(self) -> Iterator[MirrorSource]:
        """Yield the Kafkas that are mirrored into the one that is backed up."""
        for item in self.objects:
            if item["kind"] != "KafkaMirrorMaker2" or _target_of(item) != self.kafka:
                continue
            for source in _clusters_of(item)[1:]:
                kafka = _kafka_at(source["bootstrapServers"], item["metadata"]["namespace"])
                if kafka:
                    yield MirrorSource(kafka, source["alias"])


def folder_of(family: str) -> Path:
    return EXAMPLES / (FAMILIES[family] or family)


def documents(family: str) -> list[Object]:
    """Return the resources of an example, in namespaces of their own.

    `long-names` is a combined quorum under other names.
    """
    texts = [path.read_text() for path in sorted(folder_of(family).glob("*.yaml"))]
    text = "---\n".join(texts)
    # the operator looks at a Kafka of a name that was deleted only after some minutes
    for namespace in sorted(set(re.findall(r"(?m)^  namespace: (\S+)$", text)), reverse=True):
        text = re.sub(
            rf"(?m)(namespace: |\.){namespace}(\.svc|$)",
            rf"\g<1>{own_namespace(family, namespace)}\g<2>",
            text,
        )
    items = [item for item in yaml.safe_load_all(text) if item]
    items = [item for item in items if item["apiVersion"].startswith(f"{STRIMZI}/")]
    if family == "long-names":
        for item in items:
            item["metadata"]["namespace"] = LONG.namespace
            if item["kind"] == "Kafka":
                item["metadata"]["name"] = LONG.name
            else:
                item["metadata"]["labels"]["strimzi.io/cluster"] = LONG.name
    return items


def own_namespace(family: str, namespace: str) -> str:
    return f"kk-e2e-{family}-{namespace}"


def not_possible(family: str, release: str) -> str:
    """Return why the operator of a release cannot run a family, or nothing."""
    has_zookeeper = any("zookeeper" in item["spec"] for item in documents(family))
    if has_zookeeper and not release.startswith("0.45."):
        return f"Strimzi {release} has no ZooKeeper"
    return ""


def build(family: str, served: Collection[str]) -> Family:
    """Return a family for an operator that serves these API versions of Strimzi."""
    items = documents(family)
    kafkas = [_ref(item) for item in items if item["kind"] == "Kafka"]
    namespace = own_namespace(family, MAIN[family]) if family in MAIN else kafkas[0].namespace
    main = next(kafka for kafka in kafkas if kafka.namespace == namespace)
    has_clients = any(item["kind"] in CLIENTS for item in items)
    objects = []
    for item in items:
        converted = api_versions.in_served_version(item, served)
        objects.append(fitted(converted, main, lone_controller=has_clients))
    for item in list(objects):
        if item["kind"] == "KafkaMirrorMaker2":
            objects += _with_clusters(item, kafkas, own_namespace(family, "elsewhere"))
    unique = {(item["kind"], *_name(item)): item for item in objects}
    return Family(main, list(unique.values()))


def fitted(item: Object, main: Kafka, *, lone_controller: bool = False) -> Object:
    """Return an object for a small cluster, without the components that it has no room for.

    With `lone_controller` the controllers of a quorum of their own are one instead of three: the
    clients of the family have pods too.
    """
    item = copy.deepcopy(item)
    spec = item["spec"]
    annotations = item["metadata"].setdefault("annotations", {})
    annotations.pop("strimzi.io/next-node-ids", None)
    if item["kind"] in NO_IMAGE:
        annotations.update(PAUSED)
    elif item["kind"] in CLIENTS:
        spec.pop("version", None)
        spec["replicas"] = 1
        spec.update(SMALL)
    elif item["kind"] == "KafkaNodePool":
        _fit_nodes(spec, 1 if lone_controller and spec["roles"] == ["controller"] else 3)
    elif item["kind"] == "Kafka":
        _fit_kafka(spec, is_main=_ref(item) == main)
    return item


def _fit_kafka(spec: Object, *, is_main: bool) -> None:
    kafka = spec["kafka"]
    for key in REMOVED:
        kafka.pop(key, None)
    config = kafka.get("config", {})
    for key in ("inter.broker.protocol.version", "log.message.format.version"):
        config.pop(key, None)
    if rack := kafka.get("rack"):
        rack["topologyKey"] = "kubernetes.io/hostname"
    for listener in kafka["listeners"]:
        if listener["type"] != "internal":
            listener["type"] = "internal"
            listener.pop("configuration", None)
    if not any(listener["port"] == 9092 for listener in kafka["listeners"]):
        kafka["listeners"].append(PLAIN)
    if kafka.get("authorization", {}).get("type") == "simple":
        kafka["authorization"]["superUsers"] = ["ANONYMOUS"]
    for absent in ("cruiseControl", "kafkaExporter"):
        spec.pop(absent, None)
    spec["entityOperator"] = {"topicOperator": {"jvmOptions": {"-Xmx": "128m"}}}
    _fit_nodes(kafka, 3)
    if "zookeeper" in spec:
        _fit_nodes(spec["zookeeper"], 3 if is_main else 1)


def _fit_nodes(nodes: Object, most: int) -> None:
    if "replicas" in nodes:
        nodes["replicas"] = min(most, nodes["replicas"])
    if "storage" in nodes:
        nodes.update(SMALL)
        for volume in nodes["storage"].get("volumes", [nodes["storage"]]):
            volume["size"] = "1Gi"
            volume.pop("class", None)


def _with_clusters(mirror_maker: Object, kafkas: Collection[Kafka], namespace: str) -> list[Object]:
    """Point a MirrorMaker 2 to Kafkas that exist; return those that the example only names.

    Each of these has one node, and the alias as its name.
    """
    missing = []
    for cluster in _clusters_of(mirror_maker):
        own = mirror_maker["metadata"]["namespace"]
        if _kafka_at(cluster["bootstrapServers"], own) in kafkas:
            continue
        kafka = Kafka(namespace, cluster["alias"])
        cluster["bootstrapServers"] = f"{kafka.name}-kafka-bootstrap.{namespace}.svc:9092"
        for access in ("tls", "authentication"):
            cluster.pop(access, None)
        missing += one_node(kafka, mirror_maker["apiVersion"])
    return missing


def one_node(kafka: Kafka, api: str) -> list[Object]:
    """Return a Kafka of one node and its node pool."""
    volume = {"id": 0, "type": "persistent-claim", "size": "1Gi"}
    metadata = {"name": kafka.name, "namespace": kafka.namespace}
    labels = {"strimzi.io/cluster": kafka.name}
    annotations = dict(api_versions.KRAFT) if api == V1BETA2 else {}
    spec = {"kafka": {"listeners": [PLAIN], "config": dict.fromkeys(ONE, 1)}}
    return [
        {
            "apiVersion": api,
            "kind": "KafkaNodePool",
            "metadata": {**metadata, "labels": labels},
            "spec": combined_node(volume),
        },
        {
            "apiVersion": api,
            "kind": "Kafka",
            "metadata": {**metadata, "annotations": annotations},
            "spec": spec,
        },
    ]


def _name(item: Object) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]


def _ref(kafka: Object) -> Kafka:
    return Kafka(*_name(kafka))


def _clusters_of(mirror_maker: Object) -> list[Object]:
    """Return the clusters of a MirrorMaker 2, its target first."""
    spec = mirror_maker["spec"]
    if "target" in spec:
        return [spec["target"], *(mirror["source"] for mirror in spec["mirrors"])]
    return sorted(spec["clusters"], key=lambda cluster: cluster["alias"] != spec["connectCluster"])


def _target_of(mirror_maker: Object) -> Kafka | None:
    target = _clusters_of(mirror_maker)[0]
    return _kafka_at(target["bootstrapServers"], mirror_maker["metadata"]["namespace"])


def _kafka_at(servers: str, namespace: str) -> Kafka | None:
    """Return the Kafka of a bootstrap address; None if it is not that of a Service of Strimzi."""
    match = BOOTSTRAP.fullmatch(servers)
    return Kafka(match["namespace"] or namespace, match["kafka"]) if match else None
