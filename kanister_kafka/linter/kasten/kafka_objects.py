"""Objects of a Kafka by name and label, and whether an entry of a filter is about them.

Strimzi derives their names and labels from the Kafka and its pools (KafkaResources.java,
PersistentVolumeClaimUtils.java, Labels.java). A label that is not among these may be there or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from kanister_kafka.constants import CLUSTER_LABEL, STRIMZI
from kanister_kafka.diagnostics import Diagnostics
from kanister_kafka.linter.kasten.cursor import Cursor
from kanister_kafka.linter.kasten.objects import Filters, KastenObjects, ResourceFilter
from kanister_kafka.linter.kasten.rendered import RenderedBlueprint, of_namespace
from kanister_kafka.linter.registry import Rule
from kanister_kafka.yamldoc import Scalar

POOL_LABEL = "strimzi.io/pool-name"
KIND_LABEL = "strimzi.io/kind"
PERSISTENT = "persistent-claim"
AUTHORITIES = ("cluster-ca", "cluster-ca-cert", "clients-ca", "clients-ca-cert")
"""Ends of the names of the Secrets with the two certificate authorities."""
OF_KAFKA = ("kafkatopics", "kafkausers")
"""Custom resources whose label names their Kafka; that of a KafkaConnector names a KafkaConnect."""
KRAFT = "strimzi.io/kraft"
NODE_POOLS = "strimzi.io/node-pools"
ENABLED = "enabled"


class KafkaObject(NamedTuple):
    """An object of a Kafka, or its claims of one pool."""

    group: str
    resource: str
    name: str | re.Pattern[str]
    """Its name, or what the names of several match."""
    words: str
    """The object in a message."""
    labels: Mapping[str, str]
    """Labels that it certainly has; others are not known."""
    least: int = 1
    """Least number of objects that match the name."""
    nodes: int = 0
    """Number of nodes of the Kafka. A claim of a node with this id or a higher one may be left
    from a node that was removed; 0 if the name has no id of a node."""

    def is_taken_by(self, entry: ResourceFilter) -> bool | None:
        """Return whether an entry of a filter is about it; None if the input does not show it."""
        if entry.is_open or entry.has_open_name:
            return None
        if entry.says_nothing or (entry.resource and entry.resource != self.resource):
            return False
        if entry.has_group and entry.group != self.group:
            return False
        if isinstance(self.name, str):
            if entry.name and entry.name != self.name:
                return False
        elif match := self.name.fullmatch(entry.name):
            if self.nodes and int(match["node"]) >= self.nodes:
                return None
        elif entry.name:
            return False
        met = [*_labels_met(entry.here, self.labels), *_expressions_met(entry.here, self.labels)]
        return False if False in met else None if None in met else True


def _labels_met(entry: Cursor, labels: Mapping[str, str]) -> Iterator[bool | None]:
    required = entry.at("matchLabels")
    for key, _location in required.named():
        value = required.at(key)
        yield labels[key] == value.text if key in labels and value.text else None


def _expressions_met(entry: Cursor, labels: Mapping[str, str]) -> Iterator[bool | None]:
    for expression in entry.at("matchExpressions").each():
        value = labels.get(expression.at("key").text)
        operator, values = expression.at("operator").text, expression.at("values")
        is_open = any(item.is_template for item in values.each()) or not values.texts
        if value is None or (operator in ("In", "NotIn") and is_open):
            yield None
        elif operator in ("Exists", "DoesNotExist"):
            yield operator == "Exists"
        else:
            yield {"In": value in values.texts, "NotIn": value not in values.texts}.get(operator)


def kafka_of(objects: KastenObjects, ours: RenderedBlueprint) -> str:
    """Return the name of the Kafka of a Blueprint; empty if the input does not show it."""
    names = [_name(kafka) for kafka in kafkas_in(objects, ours)]
    return ours.cluster or (names[0] if len(names) == 1 else "")


def kafka_objects(objects: KastenObjects, ours: RenderedBlueprint) -> tuple[KafkaObject, ...]:
    """Return what is known by name of the Kafka of a Blueprint; nothing if the Kafka is not."""
    cluster = kafka_of(objects, ours)
    return tuple(_kafka_objects(objects, ours, cluster)) if cluster else ()


def custom_resources(
    objects: KastenObjects, ours: RenderedBlueprint, kind: str, resource: str
) -> Iterator[KafkaObject]:
    """Yield the custom resources of a kind in the namespace, without those of another Kafka."""
    cluster = kafka_of(objects, ours)
    for custom_resource in of_namespace(objects, ours.namespace, kind):
        name, labels = _name(custom_resource), _labels_of(custom_resource)
        owner = labels.get(CLUSTER_LABEL, cluster) if resource in OF_KAFKA else cluster
        if name and owner in (cluster, ""):
            yield KafkaObject(STRIMZI, resource, name, f"{kind} {name}", labels)


def _kafka_objects(
    objects: KastenObjects, ours: RenderedBlueprint, cluster: str
) -> Iterator[KafkaObject]:
    kafkas = [kafka for kafka in kafkas_in(objects, ours) if _name(kafka) == cluster]
    labels = _labels_of(kafkas[0]) if kafkas else {}
    yield KafkaObject(STRIMZI, "kafkas", cluster, f"Kafka {cluster}", labels)
    of_cluster = {CLUSTER_LABEL: cluster, KIND_LABEL: "Kafka"}
    for end in AUTHORITIES:
        name = f"{cluster}-{end}"
        yield KafkaObject("", "secrets", name, f"Secret {name}", of_cluster)
    if ours.state:
        yield KafkaObject("", "configmaps", ours.state, f"ConfigMap {ours.state}", {})
    pools = [
        pool
        for pool in of_namespace(objects, ours.namespace, "KafkaNodePool")
        if pool.at("metadata", "labels", CLUSTER_LABEL).text == cluster
    ]
    nodes = sum(_replicas(pool.at("spec")) for pool in pools)
    for pool in pools:
        if name := _name(pool):
            words = f"KafkaNodePool {name}"
            yield KafkaObject(STRIMZI, "kafkanodepools", name, words, _labels_of(pool))
            labels = {**of_cluster, POOL_LABEL: name}
            yield from _claims(pool.at("spec"), cluster, name, labels, nodes)
    for kafka in kafkas:
        annotations = kafka.at("metadata", "annotations")
        if not pools and annotations.at(NODE_POOLS).text != ENABLED:
            brokers = kafka.at("spec", "kafka")
            yield from _claims(brokers, cluster, "kafka", of_cluster, _replicas(brokers))
        if annotations.at(KRAFT).text != ENABLED:  # else Strimzi ignores what is left of ZooKeeper
            quorum = kafka.at("spec", "zookeeper")
            yield from _claims(quorum, cluster, "zookeeper", of_cluster, _replicas(quorum))


def _claims(
    spec: Cursor, cluster: str, word: str, labels: Mapping[str, str], nodes: int
) -> Iterator[KafkaObject]:
    """Yield the claims of the nodes of a pool, if these have any."""
    storage = spec.at("storage")
    disks = [disk for disk in storage.at("volumes").each() if disk.at("type").text == PERSISTENT]
    count = _replicas(spec)
    if not count or (not disks and storage.at("type").text != PERSISTENT):
        return
    ids = "|".join(_number(disk.at("id")) for disk in disks)
    suffix = f"{re.escape(cluster)}-{re.escape(word)}"
    name = rf"data{f'-({ids})' if disks else ''}-{suffix}-(?P<node>\d+)"
    words = f"claims data…-{cluster}-{word}-…"
    least = count * max(1, len(disks))
    yield KafkaObject("", "persistentvolumeclaims", re.compile(name), words, labels, least, nodes)


def _replicas(spec: Cursor) -> int:
    """Return a number of nodes; 1 if it is not set or not plain."""
    replicas = spec.at("replicas").node
    count = replicas.value if isinstance(replicas, Scalar) else 1
    return count if isinstance(count, int) else 1


def _number(field: Cursor) -> str:
    """Return a pattern for the id of a volume."""
    value = field.node.value if isinstance(field.node, Scalar) else None
    return str(value) if isinstance(value, int) else r"\d+"


def _name(resource: Cursor) -> str:
    return resource.at("metadata", "name").text


def _labels_of(resource: Cursor) -> dict[str, str]:
    labels = resource.at("metadata", "labels")
    return {key: labels.at(key).text for key, _location in labels.named() if labels.at(key).text}


def kafkas_in(objects: KastenObjects, ours: RenderedBlueprint) -> tuple[Cursor, ...]:
    """Return the Kafkas that the input has in the namespace of a Blueprint."""
    return of_namespace(objects, ours.namespace, "Kafka")


# Single objects of a Kafka that a filter leaves out, by name or by label.
#
# Only what the input shows is judged: an entry with a label that an object may or may not have
# leaves nothing out and includes everything.

Needs = dict[tuple[str, str], str]
"""Needed objects, by group and resource, each with the effect of its absence."""
CLAIMS = ("", "persistentvolumeclaims")
SOME_CLAIMS = "a restore needs the volumes of all nodes"


def left_out_by_name(
    rule: Rule, filters: Filters, needed: Iterable[KafkaObject], needs: Needs
) -> Diagnostics:
    """Find needed objects that an entry excludes, and those that no entry includes."""
    judged = [item for item in needed if (item.group, item.resource) in needs]
    for entry in filters.excluded:
        lost = [item for item in judged if item.is_taken_by(entry)]
        if lost and entry.is_narrowed:  # else all of the resource is left out: another finding
            why = _reasons(lost, needs)
            message = f"excludes {_words(lost)}: {why}; remove the entry"
            yield rule.report(entry.here.location, entry.here.path, message)
    missing = [item for item in judged if not _is_included(filters, item)]
    if missing:
        field = filters.here.at("includeResources")
        message = f"Required value: include {_words(missing)}: {_reasons(missing, needs)}"
        yield rule.report(field.location, field.path, message)


def listed_by_name(rule: Rule, filters: Filters, needed: Iterable[KafkaObject]) -> Diagnostics:
    """Find includes of claims one by one: a claim of a later node or volume is not among them."""
    claims = [item for item in needed if (item.group, item.resource) == CLAIMS]
    if not all(_is_included(filters, claim) for claim in claims):
        return  # an error of its own
    for claim in claims:
        entries = list(_including(filters, claim))
        if entries and all(entry.name for entry in entries):
            field = entries[0].here.at("name")
            message = (
                "takes the claims of these names only: the volumes of a node that is added later "
                "are not in the backup; remove name"
            )
            yield rule.report(field.location, field.path, message)
            return


def _is_included(filters: Filters, item: KafkaObject) -> bool:
    entries = list(_including(filters, item))
    if not filters.included or any(not entry.name for entry in entries):
        return True
    return len({entry.name for entry in entries}) >= item.least


def _including(filters: Filters, item: KafkaObject) -> Iterator[ResourceFilter]:
    """Yield the entries that include an object, or may."""
    yield from (entry for entry in filters.included if item.is_taken_by(entry) is not False)


def _words(objects: Iterable[KafkaObject]) -> str:
    return ", ".join(item.words for item in objects)


def _reasons(objects: Iterable[KafkaObject], needs: Needs) -> str:
    keys = dict.fromkeys((item.group, item.resource) for item in objects)
    return "; ".join(SOME_CLAIMS if key == CLAIMS else needs[key] for key in keys)
