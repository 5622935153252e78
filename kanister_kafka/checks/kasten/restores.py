"""RestoreActions of a Kafka cluster."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from kanister_kafka.checks.kasten.filters import Taken, taken
from kanister_kafka.checks.kasten.objects import STRIMZI, Filters, KastenObjects, Operation
from kanister_kafka.checks.kasten.rendered import of_hooks, of_namespace, rendered
from kanister_kafka.checks.kasten.resources import transforms
from kanister_kafka.checks.kasten.rule import rule
from kanister_kafka.checks.kasten.spot import Spot
from kanister_kafka.checks.registry import Finding, Settings
from kanister_kafka.marks import CLUSTER_LABEL
from kanister_kafka.problem import Severity

NEEDED = {
    "kafkanodepools": (STRIMZI, "Strimzi makes no brokers of the pools"),
    "secrets": ("", "Strimzi makes new certificate authorities, which no client trusts"),
    "kafkausers": (STRIMZI, "the User Operator deletes the users from Kafka"),
}
"""What a restore of a Kafka needs beside it, and what happens without it (Strimzi's documentation,
proc-cluster-recovery-volume.adoc)."""
RECORD = {"configmaps": ("", "the record of the backup, with the cluster id, is not restored")}
"""What a restore by the actions of our Blueprints needs besides."""

NAMED = ("kafkas", "kafkanodepools", "persistentvolumeclaims")
NAMES = (
    "/metadata/name",
    "/metadata/namespace",
    f"/metadata/labels/{CLUSTER_LABEL.replace('/', '~1')}",
)
"""What a cluster is put together by, as JSON Pointers (Strimzi's KafkaResources.java)."""


@rule("kasten-restore-namespace", Severity.WARNING)
def restore_namespace(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find restores of a Kafka under another namespace: its volumes hold its addresses."""
    for restore in objects.restores:
        target = restore.at("spec", "targetNamespace")
        source = restore.at("spec", "subject", "namespace").text
        if target.text and source and target.text != source and _is_kafka(objects, restore):
            message = (
                f'Invalid value: "{target.text}": nodes keep their addresses in their volumes, so '
                f'Kafka comes back in its own namespace only; must be "{source}"'
            )
            yield Finding(target.location, target.path, message)


@rule("kasten-restore-place")
def restore_place(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find RestoreActions that are not in the namespace which they restore (field reports)."""
    for restore in objects.restores:
        target = restore.at("spec", "targetNamespace").text
        place = restore.at("metadata", "namespace")
        if target and place.text and place.text != target:
            message = (
                f'Invalid value: "{place.text}": Kasten takes a RestoreAction in its '
                f'targetNamespace only; must be "{target}"'
            )
            yield Finding(place.location, place.path, message)


@rule("kasten-restore-running")
def restore_running(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find restores of the volumes of a Kafka for which there is a Blueprint, and no hook of it."""
    for operation in objects.operations:
        if operation.in_policy or operation.name != "restore" or operation.calls:
            continue
        target = operation.owner.at("spec", "targetNamespace").text
        claims = taken(operation.filters, "", "persistentvolumeclaims")
        for ours in rendered(objects).values():
            if ours.restores and ours.namespace == target and claims is Taken.YES:
                spot = operation.here.at("spec")
                message = (
                    f"Required value: replaces the volumes of the Kafka of {target}, which runs or "
                    "comes back without its cluster id; call beforeRestore of Blueprint "
                    f"{ours.name} in preHook, and afterRestore in onSuccess"
                )
                yield Finding(spot.location, operation.hooks.path, message)


@rule("kasten-restore-transforms")
def restore_transforms(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find references to a TransformSet that is in another namespace."""
    places: dict[str, set[str]] = defaultdict(set)
    for transform_set in objects.transform_sets:
        about = transform_set.at("metadata")
        places[about.at("name").text].add(about.at("namespace").text)
    for transform in transforms(objects):
        name, place = (transform.at("transformSetRef", key) for key in ("name", "namespace"))
        known = places.get(name.text, set()) if name.text else set()
        if known and "" not in known and place.text and place.text not in known:
            message = (
                f'Invalid value: "{place.text}": TransformSet {name.text} is in '
                f"{', '.join(sorted(known))}, so the restore fails"
            )
            yield Finding(place.location, place.path, message)


@rule("kasten-restore-incomplete", Severity.WARNING)
def restore_incomplete(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find restores that bring a Kafka back without what it needs, unless that is still there."""
    for operation in _restores(objects):
        filters = operation.filters
        ours = of_hooks(objects, operation.calls)
        if taken(filters, STRIMZI, "kafkas") is Taken.NO or not (ours or _names_kafka(filters)):
            continue
        needs = {**NEEDED, **(RECORD if ours else {})}
        missing = {
            name: why
            for name, (group, why) in needs.items()
            if taken(filters, group, name) is Taken.NO
        }
        if missing:
            told = "; ".join(f"without {name} {why}" for name, why in missing.items())
            message = f"Required value: include {', '.join(missing)}: {told}"
            yield _at_filter(filters, message)


@rule("kasten-restore-without-volumes")
def restore_without_volumes(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find restores that stop a Kafka, and leave its volumes as they are."""
    for operation in _restores(objects):
        called = [hook.action.text for hook in operation.calls]
        ours = of_hooks(objects, operation.calls)
        claims = taken(operation.filters, "", "persistentvolumeclaims")
        if ours and "beforeRestore" in called and claims is Taken.NO:
            message = (
                "Required value: include persistentvolumeclaims: Kafka is stopped, and no volume "
                "is restored"
            )
            yield _at_filter(operation.filters, message)


def _restores(objects: KastenObjects) -> Iterator[Operation]:
    yield from (one for one in objects.operations if one.name == "restore")


def _names_kafka(filters: Filters) -> bool:
    return any(entry.group == STRIMZI or entry.resource == "kafkas" for entry in filters.included)


def _at_filter(filters: Filters, message: str) -> Finding:
    field = filters.here.at("includeResources")
    spot = field if field.there else filters.here.at("excludeResources")
    return Finding(spot.location, spot.path, message)


@rule("kasten-restore-renames", Severity.WARNING)
def restore_renames(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
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
                yield Finding(path.location, path.path, message)


def _is_kafka(objects: KastenObjects, restore: Spot) -> bool:
    """Tell whether a restore is about Kafka, by what it includes or by what is in the input."""
    source = restore.at("spec", "subject", "namespace").text
    filters = Filters(restore.at("spec", "filters"))
    if any(entry.group == STRIMZI for entry in filters.included):
        return True
    whole = taken(filters, STRIMZI, "kafkas") is not Taken.NO
    return whole and bool(of_namespace(objects, source, "Kafka"))
