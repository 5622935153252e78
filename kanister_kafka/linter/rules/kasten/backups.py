"""Backups of a Kafka, whether each takes what a restore of it needs, and its restores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain

from kanister_kafka.constants import CLUSTER_LABEL, STRIMZI
from kanister_kafka.diagnostics import Diagnostic, Diagnostics, Severity
from kanister_kafka.linter.kasten.cursor import Cursor
from kanister_kafka.linter.kasten.kafka_objects import (
    CLAIMS,
    SOME_CLAIMS,
    Needs,
    custom_resources,
    kafka_objects,
    kafkas_in,
    left_out_by_name,
    listed_by_name,
)
from kanister_kafka.linter.kasten.objects import Filters, KastenObjects, PolicyOperation
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
from kanister_kafka.linter.rules.kasten.references import transforms

NEEDED_FOR_RESTORE: Needs = {
    ("", "persistentvolumeclaims"): "no volume is snapshotted",
    ("", "secrets"): "Strimzi makes new certificate authorities, which no client trusts",
    (STRIMZI, "kafkas"): "there is no Kafka to restore",
}
STATE_RESOURCE: Needs = {
    ("", "configmaps"): (
        "the state ConfigMap with the cluster id is lost, and nodes refuse their volumes"
    )
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
        included_needs = {key: why for key, why in needs.items() if key not in lost}
        yield from left_out_by_name(rule, filters, kafka_objects(objects, ours), included_needs)
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
            resources = kind and of_namespace(objects, ours.namespace, kind)
            unsure = resource == "kafkausers" and not kafkas_in(objects, ours)
            is_needed = key not in needs and (resources or unsure)
            if is_needed and match_filter(operation.filters, *key) is FilterMatch.NO:
                left[key] = f"each {kind} is lost with its namespace"
        if left:
            yield _without(rule, operation.filters, left)
        yield from listed_by_name(rule, operation.filters, kafka_objects(objects, ours))
        for resource, kind in KINDS.items():
            named = tuple(custom_resources(objects, ours, kind, resource))
            named_needs = {(STRIMZI, resource): "it is lost with its namespace"}
            if (STRIMZI, resource) not in left:
                yield from left_out_by_name(rule, operation.filters, named, named_needs)


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
    operators = (kafka.at("spec", "entityOperator") for kafka in kafkas_in(objects, ours))
    if users or any(operator.at("userOperator").there for operator in operators):
        needs |= USERS
    return needs


def _names(objects: KastenObjects, ours: RenderedBlueprint) -> frozenset[str]:
    return frozenset(kafka.at("metadata", "name").text for kafka in kafkas_in(objects, ours))


def _without(rule: Rule, filters: Filters, needs: Mapping[tuple[str, str], str]) -> Diagnostic:
    names = ", ".join(resource for _group, resource in needs)
    message = "; ".join(f"without {resource} {why}" for (_group, resource), why in needs.items())
    return _at_filter(rule, filters, f"Required value: include {names}: {message}")


# RestoreActions of a Kafka.


NEEDED_AT_RESTORE = {
    "kafkanodepools": (STRIMZI, "Strimzi makes no brokers of the pools"),
    "secrets": ("", "Strimzi makes new certificate authorities, which no client trusts"),
    "kafkausers": (STRIMZI, "the User Operator deletes the users from Kafka"),
}
"""Objects that a restore of a Kafka needs in addition to it, and what happens without them
(Strimzi's documentation, proc-cluster-recovery-volume.adoc)."""
STATE_OBJECT = {"configmaps": ("", "the state ConfigMap, with the cluster id, is not restored")}
"""Further objects that a restore by the actions of rendered Blueprints needs."""

NAMED = ("kafkas", "kafkanodepools", "persistentvolumeclaims")
NAMES = (
    "/metadata/name",
    "/metadata/namespace",
    f"/metadata/labels/{CLUSTER_LABEL.replace('/', '~1')}",
)
"""Fields that relate the objects of a cluster, as JSON Pointers (Strimzi's KafkaResources.java)."""


@lint_rule(KASTEN, "kasten-restore-namespace", Severity.WARNING)
def restore_namespace(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find restores of a Kafka under another namespace: its volumes hold its addresses."""
    for restore in objects.restores:
        target = restore.at("spec", "targetNamespace")
        source = restore.at("spec", "subject", "namespace").text
        if target.text and source and target.text != source and _is_kafka(objects, restore):
            message = (
                f'Invalid value: "{target.text}": nodes keep their addresses in their volumes, so '
                f'Kafka comes back in its own namespace only; must be "{source}"'
            )
            yield rule.report(target.location, target.path, message)


@lint_rule(KASTEN, "kasten-restore-place")
def restore_place(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find RestoreActions that are not in the namespace which they restore (field reports)."""
    for restore in objects.restores:
        target = restore.at("spec", "targetNamespace").text
        namespace = restore.at("metadata", "namespace")
        if target and namespace.text and namespace.text != target:
            message = (
                f'Invalid value: "{namespace.text}": Kasten takes a RestoreAction in its '
                f'targetNamespace only; must be "{target}"'
            )
            yield rule.report(namespace.location, namespace.path, message)


@lint_rule(KASTEN, "kasten-restore-running")
def restore_running(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find restores of the volumes of a Kafka for which there is a Blueprint, and no hook of it."""
    for operation in objects.operations:
        if operation.in_policy or operation.name != "restore" or operation.calls:
            continue
        target = operation.owner.at("spec", "targetNamespace").text
        claims = match_filter(operation.filters, "", "persistentvolumeclaims")
        for ours in rendered_blueprints(objects).values():
            if ours.restores and ours.namespace == target and claims is FilterMatch.YES:
                spec = operation.here.at("spec")
                message = (
                    f"Required value: replaces the volumes of the Kafka of {target}, which runs or "
                    "comes back without its cluster id; call beforeRestore of Blueprint "
                    f"{ours.name} in preHook, and afterRestore in onSuccess"
                )
                yield rule.report(spec.location, operation.hooks.path, message)


@lint_rule(KASTEN, "kasten-restore-transforms")
def restore_transforms(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find references to a TransformSet that is in another namespace."""
    places: dict[str, set[str]] = defaultdict(set)
    for transform_set in objects.transform_sets:
        about = transform_set.at("metadata")
        places[about.at("name").text].add(about.at("namespace").text)
    for transform in transforms(objects):
        name, namespace = (transform.at("transformSetRef", key) for key in ("name", "namespace"))
        actual = places.get(name.text, set()) if name.text else set()
        if actual and "" not in actual and namespace.text and namespace.text not in actual:
            message = (
                f'Invalid value: "{namespace.text}": TransformSet {name.text} is in '
                f"{', '.join(sorted(actual))}, so the restore fails"
            )
            yield rule.report(namespace.location, namespace.path, message)


@lint_rule(KASTEN, "kasten-restore-incomplete", Severity.WARNING)
def restore_incomplete(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find restores that bring a Kafka back without what it needs, unless that is still there."""
    for operation in _restores(objects):
        filters = operation.filters
        ours = of_hooks(objects, operation.calls)
        if match_filter(filters, STRIMZI, "kafkas") is FilterMatch.NO or not (
            ours or _names_kafka(filters)
        ):
            continue
        needs = {**NEEDED_AT_RESTORE, **(STATE_OBJECT if ours else {})}
        missing = {
            name: why
            for name, (group, why) in needs.items()
            if match_filter(filters, group, name) is FilterMatch.NO
        }
        if missing:
            reason = "; ".join(f"without {name} {why}" for name, why in missing.items())
            message = f"Required value: include {', '.join(missing)}: {reason}"
            yield _at_filter(rule, filters, message)
        for blueprint in ours:
            reasons = {(group, name): why for name, (group, why) in needs.items()}
            claims = match_filter(filters, *CLAIMS) is not FilterMatch.NO
            reasons |= {CLAIMS: SOME_CLAIMS} if claims else {}
            taken = {key: why for key, why in reasons.items() if key[1] not in missing}
            yield from left_out_by_name(rule, filters, kafka_objects(objects, blueprint), taken)


@lint_rule(KASTEN, "kasten-restore-without-volumes")
def restore_without_volumes(
    rule: Rule, objects: KastenObjects, _settings: LintSettings
) -> Diagnostics:
    """Find restores that stop a Kafka, and leave its volumes as they are."""
    for operation in _restores(objects):
        called = [hook.action.text for hook in operation.calls]
        ours = of_hooks(objects, operation.calls)
        claims = match_filter(operation.filters, "", "persistentvolumeclaims")
        if ours and "beforeRestore" in called and claims is FilterMatch.NO:
            message = (
                "Required value: include persistentvolumeclaims: Kafka is stopped, and no volume "
                "is restored"
            )
            yield _at_filter(rule, operation.filters, message)


def _restores(objects: KastenObjects) -> Iterator[PolicyOperation]:
    yield from (operation for operation in objects.operations if operation.name == "restore")


def _names_kafka(filters: Filters) -> bool:
    return any(entry.group == STRIMZI or entry.resource == "kafkas" for entry in filters.included)


def _at_filter(rule: Rule, filters: Filters, message: str) -> Diagnostic:
    field = filters.here.at("includeResources")
    cursor = field if field.there else filters.here.at("excludeResources")
    return rule.report(cursor.location, cursor.path, message)


@lint_rule(KASTEN, "kasten-restore-renames", Severity.WARNING)
def restore_renames(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find transforms that take from a Kafka the names by which it finds its volumes."""
    for transform in transforms(objects):
        resource = transform.at("subject", "resource").text
        for command in transform.at("json").each():
            path = command.at("path")
            if resource in NAMED and path.text in NAMES and command.at("op").text != "test":
                message = (
                    f'Invalid value: "{path.text}": Strimzi finds claims by the name of '
                    f"their cluster, and all else by {CLUSTER_LABEL}: it comes back empty"
                )
                yield rule.report(path.location, path.path, message)


def _is_kafka(objects: KastenObjects, restore: Cursor) -> bool:
    """Return whether a restore is about Kafka, by its includes or by the objects in the input."""
    source = restore.at("spec", "subject", "namespace").text
    filters = Filters(restore.at("spec", "filters"))
    if any(entry.group == STRIMZI for entry in filters.included):
        return True
    includes_kafkas = match_filter(filters, STRIMZI, "kafkas") is not FilterMatch.NO
    return includes_kafkas and bool(of_namespace(objects, source, "Kafka"))
