"""Custom resources of Strimzi in the other of its two API versions, as an operator needs them.

The rules are those of Strimzi's own conversion (v1-api-conversion of 1.0.1,
KafkaMirrorMaker2Converter.java and KafkaConnectConverter.java); it only knows one direction.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection
from typing import Any

from kanister_kafka.constants import STRIMZI

V1, V1BETA2 = f"{STRIMZI}/v1", f"{STRIMZI}/v1beta2"
KRAFT = {"strimzi.io/kraft": "enabled", "strimzi.io/node-pools": "enabled"}
"""Annotations without which an operator before 0.48 reads a Kafka as one with ZooKeeper."""
STORAGE_TOPICS = {
    "groupId": "group.id",
    "configStorageTopic": "config.storage.topic",
    "offsetStorageTopic": "offset.storage.topic",
    "statusStorageTopic": "status.storage.topic",
}
"""Fields of v1, and the keys of `config` that v1beta2 has for them."""
DEFAULT_REPLICAS = {"KafkaMirrorMaker2": 3, "KafkaConnect": 3, "KafkaBridge": 1}
"""Of v1beta2: v1 requires the field."""

Object = dict[str, Any]


def in_served_version(item: Object, served: Collection[str]) -> Object:
    """Return a resource as it is if its API version is served, else in the other one."""
    if item["apiVersion"] in served:
        return copy.deepcopy(item)
    return convert(item, V1 if item["apiVersion"] == V1BETA2 else V1BETA2)


def convert(item: Object, version: str) -> Object:
    """Return a resource in another API version.

    Raises ValueError if it has no form in that version.
    """
    converted = {**copy.deepcopy(item), "apiVersion": version}
    rules = TO_V1 if version == V1 else TO_V1BETA2
    if rule := rules.get(item["kind"]):
        rule(converted)
    return converted


def _kafka_to_v1(kafka: Object) -> None:
    if "zookeeper" in kafka["spec"]:
        raise ValueError("API v1 has no ZooKeeper")


def _kafka_to_v1beta2(kafka: Object) -> None:
    kafka["metadata"].setdefault("annotations", {}).update(KRAFT)


def _connect_to_v1(connect: Object) -> None:
    spec = connect["spec"]
    spec.setdefault("replicas", DEFAULT_REPLICAS[connect["kind"]])
    _name_storage_topics(spec, "connect-cluster")


def _connect_to_v1beta2(connect: Object) -> None:
    _configure_storage_topics(connect["spec"])


def _bridge_to_v1(bridge: Object) -> None:
    bridge["spec"].setdefault("replicas", DEFAULT_REPLICAS[bridge["kind"]])


def _connector_to_v1(connector: Object) -> None:
    _state_instead_of_pause(connector["spec"])


def _mirror_to_v1(mirror_maker: Object) -> None:
    spec = mirror_maker["spec"]
    spec.setdefault("replicas", DEFAULT_REPLICAS[mirror_maker["kind"]])
    clusters = {cluster["alias"]: cluster for cluster in spec.pop("clusters")}
    target = spec["target"] = clusters[spec.pop("connectCluster")]
    _name_storage_topics(target, "mirrormaker2-cluster")
    for mirror in spec["mirrors"]:
        if mirror.pop("targetCluster", target["alias"]) != target["alias"]:
            raise ValueError("API v1 has one target for all mirrors, which keeps the offsets too")
        mirror["source"] = copy.deepcopy(clusters[mirror.pop("sourceCluster")])
        mirror.pop("heartbeatConnector", None)
        for connector in ("sourceConnector", "checkpointConnector"):
            _state_instead_of_pause(mirror.get(connector, {}))


def _mirror_to_v1beta2(mirror_maker: Object) -> None:
    spec = mirror_maker["spec"]
    target = spec.pop("target")
    _configure_storage_topics(target)
    spec["connectCluster"], spec["clusters"] = target["alias"], [target]
    for mirror in spec["mirrors"]:
        source = mirror.pop("source")
        if source not in spec["clusters"]:
            spec["clusters"].append(source)
        mirror.update(sourceCluster=source["alias"], targetCluster=target["alias"])


def _name_storage_topics(place: Object, prefix: str) -> None:
    """Move the names of group and topics out of `config`, or set the defaults of v1beta2."""
    config = place.get("config", {})
    suffixes = ("", "-configs", "-offsets", "-status")
    for (field, key), suffix in zip(STORAGE_TOPICS.items(), suffixes, strict=True):
        place.setdefault(field, config.get(key, prefix + suffix))
        config.pop(key, None)


def _configure_storage_topics(place: Object) -> None:
    """Move the names of group and topics into `config`."""
    config = place.setdefault("config", {})
    for field, key in STORAGE_TOPICS.items():
        config[key] = place.pop(field)


def _state_instead_of_pause(connector: Object) -> None:
    if connector.pop("pause", False):
        connector.setdefault("state", "paused")


TO_V1: dict[str, Callable[[Object], None]] = {
    "Kafka": _kafka_to_v1,
    "KafkaConnect": _connect_to_v1,
    "KafkaBridge": _bridge_to_v1,
    "KafkaConnector": _connector_to_v1,
    "KafkaMirrorMaker2": _mirror_to_v1,
}
"""By kind: what changes besides `apiVersion`."""
TO_V1BETA2: dict[str, Callable[[Object], None]] = {
    "Kafka": _kafka_to_v1beta2,
    "KafkaConnect": _connect_to_v1beta2,
    "KafkaMirrorMaker2": _mirror_to_v1beta2,
}
