"""Whether a backup of a Kafka takes what a restore of it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kanister_kafka.checks.kasten.filters import Taken, by_group_alone, meets, taken
from kanister_kafka.checks.kasten.objects import STRIMZI, Filters, KastenObjects, Operation
from kanister_kafka.checks.kasten.rendered import Rendered, of_hooks, of_namespace, rendered
from kanister_kafka.checks.kasten.resources import KNOWN
from kanister_kafka.checks.kasten.rule import rule
from kanister_kafka.checks.kasten.selection import selection
from kanister_kafka.checks.kasten.spot import Spot
from kanister_kafka.checks.kasten.ties import ties
from kanister_kafka.checks.registry import Finding, Settings
from kanister_kafka.problem import Severity

Needs = dict[tuple[str, str], str]
"""What is needed, by group and resource, with what follows without it."""
NEEDED: Needs = {
    ("", "persistentvolumeclaims"): "no volume is snapshotted",
    ("", "secrets"): "Strimzi makes new certificate authorities, which no client trusts",
    (STRIMZI, "kafkas"): "there is no Kafka to restore",
}
RECORD: Needs = {
    ("", "configmaps"): "the record with the cluster id is lost, and nodes refuse their volumes"
}
POOLS: Needs = {(STRIMZI, "kafkanodepools"): "Strimzi makes no brokers"}
USERS: Needs = {(STRIMZI, "kafkausers"): "the User Operator deletes the users from Kafka"}
KINDS = {
    "kafkabridges": "KafkaBridge",
    "kafkaconnectors": "KafkaConnector",
    "kafkaconnects": "KafkaConnect",
    "kafkamirrormaker2s": "KafkaMirrorMaker2",
    "kafkamirrormakers": "KafkaMirrorMaker",
    "kafkatopics": "KafkaTopic",
    "kafkausers": "KafkaUser",
}
"""Kinds of resources that a Kafka may or may not have beside it."""


@rule("kasten-backup-incomplete")
def backup_incomplete(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find backups around which Kafka is stopped or flushed, and which no restore can do with."""
    for operation, ours in _backups(objects):
        filters = operation.filters
        needs = _needs(objects, ours)
        kafkas = _names(objects, ours)
        lost = [key for key in needs if taken(filters, *key, kafkas) is Taken.NO]
        if lost:
            yield _without(filters, {key: needs[key] for key in lost})
        for group, resource in needs:
            entry = by_group_alone(filters, group, resource)
            if entry and (group, resource) not in lost:
                message = (
                    f"Required value: without a resource the entry is for all of {group}, and no "
                    f"other entry takes {resource}, which a restore needs; name {resource}"
                )
                yield Finding(entry.location, f"{entry.path}.resource", message)
                break


@rule("kasten-backup-leaves-out", Severity.WARNING)
def backup_leaves_out(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find such backups without what the Kafka in the input has, or may have, beside it."""
    for operation, ours in _backups(objects):
        needs = _needs(objects, ours)
        left = {}
        for resource in KNOWN:
            key, kind = (STRIMZI, resource), KINDS.get(resource, "")
            there = kind and of_namespace(objects, ours.namespace, kind)
            unsure = resource == "kafkausers" and not _kafkas(objects, ours)
            wanted = key not in needs and (there or unsure)
            if wanted and taken(operation.filters, *key) is Taken.NO:
                left[key] = f"each {kind} is lost with its namespace"
        if left:
            yield _without(operation.filters, left)


def _backups(objects: KastenObjects) -> Iterator[tuple[Operation, Rendered]]:
    """Yield the backups of Policies that one of our Blueprints runs for, by hooks or bound."""
    for operation in objects.operations:
        if operation.name != "backup":
            continue
        called = of_hooks(objects, operation.calls)
        policy = operation.owner
        tied = {
            tie.blueprint
            for tie in (ties(objects) if operation.in_policy else ())
            if meets(policy, tie) and selection(policy).by_name
        }
        bound = [ours for name, ours in rendered(objects).items() if name in tied]
        for ours in dict.fromkeys((*called, *bound)):
            yield operation, ours


def _needs(objects: KastenObjects, ours: Rendered) -> Needs:
    needs = dict(NEEDED)
    if ours.cold is not False:
        needs |= RECORD
    if ours.pools or of_namespace(objects, ours.namespace, "KafkaNodePool"):
        needs |= POOLS
    users = of_namespace(objects, ours.namespace, "KafkaUser")
    operators = (kafka.at("spec", "entityOperator") for kafka in _kafkas(objects, ours))
    if users or any(operator.at("userOperator").there for operator in operators):
        needs |= USERS
    return needs


def _names(objects: KastenObjects, ours: Rendered) -> frozenset[str]:
    return frozenset(kafka.at("metadata", "name").text for kafka in _kafkas(objects, ours))


def _kafkas(objects: KastenObjects, ours: Rendered) -> tuple[Spot, ...]:
    return of_namespace(objects, ours.namespace, "Kafka")


def _without(filters: Filters, needs: Mapping[tuple[str, str], str]) -> Finding:
    included = filters.here.at("includeResources")
    names = ", ".join(resource for _group, resource in needs)
    told = "; ".join(f"without {resource} {why}" for (_group, resource), why in needs.items())
    field = included if included.there else filters.here.at("excludeResources")
    return Finding(field.location, field.path, f"Required value: include {names}: {told}")
