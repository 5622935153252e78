"""Backups of a Kafka: whether each takes what a restore of it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from kanister_kafka.diagnostics import Diagnostic, Diagnostics, Severity
from kanister_kafka.linter.kasten.cursor import Cursor
from kanister_kafka.linter.kasten.kafka_objects import (
    Needs,
    custom_resources,
    kafka_objects,
    left_out_by_name,
    listed_by_name,
)
from kanister_kafka.linter.kasten.objects import STRIMZI, Filters, KastenObjects, PolicyOperation
from kanister_kafka.linter.kasten.rendered import (
    RenderedBlueprint,
    of_hooks,
    of_namespace,
    rendered_blueprints,
)
from kanister_kafka.linter.kasten.resource_names import KNOWN
from kanister_kafka.linter.kasten.selection import blueprint_links, namespace_selection
from kanister_kafka.linter.registry import KASTEN, LintSettings, Rule, lint_rule
from kanister_kafka.linter.rules.kasten.filters import (
    FilterMatch,
    by_group_alone,
    match_filter,
    may_select,
)

NEEDED_FOR_RESTORE: Needs = {
    ("", "persistentvolumeclaims"): "no volume is snapshotted",
    ("", "secrets"): "Strimzi makes new certificate authorities, which no client trusts",
    (STRIMZI, "kafkas"): "there is no Kafka to restore",
}
STATE_RESOURCE: Needs = {
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
"""Kinds of resources that may or may not belong to a Kafka."""


@lint_rule(KASTEN, "kasten-backup-incomplete")
def backup_incomplete(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find backups around which Kafka is stopped or flushed, and which no restore can do with."""
    for operation, ours in _backups(objects):
        filters = operation.filters
        needs = _needs(objects, ours)
        kafkas = _names(objects, ours)
        lost = [key for key in needs if match_filter(filters, *key, kafkas) is FilterMatch.NO]
        if lost:
            yield _without(rule, filters, {key: needs[key] for key in lost})
        rest = {key: why for key, why in needs.items() if key not in lost}
        yield from left_out_by_name(rule, filters, kafka_objects(objects, ours), rest)
        for group, resource in needs:
            entry = by_group_alone(filters, group, resource)
            if entry and (group, resource) not in lost:
                message = (
                    f"Required value: without a resource the entry is for all of {group}, and no "
                    f"other entry takes {resource}, which a restore needs; name {resource}"
                )
                yield rule.report(entry.location, f"{entry.path}.resource", message)
                break


@lint_rule(KASTEN, "kasten-backup-leaves-out", Severity.WARNING)
def backup_leaves_out(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find such backups without resources that the Kafka in the input has, or may have."""
    for operation, ours in _backups(objects):
        needs = _needs(objects, ours)
        left = {}
        for resource in KNOWN:
            key, kind = (STRIMZI, resource), KINDS.get(resource, "")
            there = kind and of_namespace(objects, ours.namespace, kind)
            unsure = resource == "kafkausers" and not _kafkas(objects, ours)
            is_needed = key not in needs and (there or unsure)
            if is_needed and match_filter(operation.filters, *key) is FilterMatch.NO:
                left[key] = f"each {kind} is lost with its namespace"
        if left:
            yield _without(rule, operation.filters, left)
        yield from listed_by_name(rule, operation.filters, kafka_objects(objects, ours))
        for resource, kind in KINDS.items():
            named = tuple(custom_resources(objects, ours, kind, resource))
            rest = {(STRIMZI, resource): "it is lost with its namespace"}
            if (STRIMZI, resource) not in left:
                yield from left_out_by_name(rule, operation.filters, named, rest)


def _backups(objects: KastenObjects) -> Iterator[tuple[PolicyOperation, RenderedBlueprint]]:
    """Yield the backups of Policies that one of our Blueprints runs for, by hooks or bound."""
    for operation in objects.operations:
        if operation.name != "backup":
            continue
        called = of_hooks(objects, operation.calls)
        policy = operation.owner
        tied = {
            tie.blueprint
            for tie in (blueprint_links(objects) if operation.in_policy else ())
            if may_select(policy, tie) and namespace_selection(policy).is_decided
        }
        bound = [ours for name, ours in rendered_blueprints(objects).items() if name in tied]
        for ours in dict.fromkeys(chain(called, bound)):
            yield operation, ours


def _needs(objects: KastenObjects, ours: RenderedBlueprint) -> Needs:
    needs = dict(NEEDED_FOR_RESTORE)
    if ours.cold is not False:
        needs |= STATE_RESOURCE
    if ours.pools or of_namespace(objects, ours.namespace, "KafkaNodePool"):
        needs |= POOLS
    users = of_namespace(objects, ours.namespace, "KafkaUser")
    operators = (kafka.at("spec", "entityOperator") for kafka in _kafkas(objects, ours))
    if users or any(operator.at("userOperator").there for operator in operators):
        needs |= USERS
    return needs


def _names(objects: KastenObjects, ours: RenderedBlueprint) -> frozenset[str]:
    return frozenset(kafka.at("metadata", "name").text for kafka in _kafkas(objects, ours))


def _kafkas(objects: KastenObjects, ours: RenderedBlueprint) -> tuple[Cursor, ...]:
    return of_namespace(objects, ours.namespace, "Kafka")


def _without(rule: Rule, filters: Filters, needs: Mapping[tuple[str, str], str]) -> Diagnostic:
    included = filters.here.at("includeResources")
    names = ", ".join(resource for _group, resource in needs)
    message = "; ".join(f"without {resource} {why}" for (_group, resource), why in needs.items())
    field = included if included.there else filters.here.at("excludeResources")
    return rule.report(field.location, field.path, f"Required value: include {names}: {message}")
