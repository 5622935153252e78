"""Delete objects from a cluster: those that apply creates now, and those of former versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial

from kanister_kafka.backup.scripts import holds_scripts
from kanister_kafka.constants import PREVIOUS_PAUSE, BackupState
from kanister_kafka.errors import ConflictError, ForbiddenError, NotFoundError, RejectedError
from kanister_kafka.kube.client import KubeClient, Object, Objects
from kanister_kafka.kube.objects import get_path
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock
from kanister_kafka.operations.action_follower import resume_command, status_command
from kanister_kafka.operations.apply.apply import run_in_sequence
from kanister_kafka.operations.apply.dry_run import (
    UNTRIED,
    find_live_object,
    owned_by_other_blueprint,
)
from kanister_kafka.operations.apply.objects import (
    ApplyOutcome,
    ApplyReport,
    DryRun,
    ObjectFailure,
    ObjectRef,
    ObjectResult,
    OnResult,
    blueprints_of,
    ignore_result,
    namespaces_of,
    object_ref,
    sort_for_apply,
)
from kanister_kafka.operations.apply.owned_objects import (
    CONFIG_MAP,
    find_owned_objects,
    is_owned,
    scripts_to_keep,
)
from kanister_kafka.operations.live_kafka import IDLE, LiveKafka
from kanister_kafka.strimzi.discovery import KafkaRef, kafka_of_state

# Whether a Kafka is stopped for a backup: what brings it back must stay until it runs.


def stopped_kafka_reasons(objects: Objects, connection: KubeClient) -> tuple[str, ...]:
    """Return for each Kafka that these objects serve why it is not at rest, with the remedy.

    Reads the state ConfigMaps among the objects and those of the same Blueprint, and the Kafka that
    each is named after: its annotation shows a stop too, if its state ConfigMap is damaged.
    An unknown state counts as a stop. Raises UnreachableError if one cannot be read.
    """
    named = [item for item in objects if item["kind"] == "ConfigMap" and not holds_scripts(item)]
    owned = find_owned_objects(
        blueprints_of(objects), namespaces_of(objects), connection, kinds=[CONFIG_MAP]
    )
    states = {object_ref(item): item for item in owned.objects}
    for ref in {object_ref(item) for item in named} - set(states):
        if live := find_live_object(ref, connection):
            states[ref] = live
    return tuple(_reasons(states.values(), connection))


def _reasons(states: Iterable[Object], connection: KubeClient) -> Iterator[str]:
    for item in states:
        ref = object_ref(item)
        data = item.get("data") or {}
        state = data.get("state", "")
        kafka = kafka_of_state(item) or ref.name
        if state not in IDLE:
            since = f" since {data['since']}" if data.get("since") else ""
            problem = f"{ref.placed} has the state {state}{since}"
        elif _is_marked(kafka, ref, connection):
            problem = f"Kafka {kafka} in namespace {ref.namespace} has the pause of a backup"
        else:
            continue
        target, context = KafkaRef(ref.namespace, kafka), connection.context
        if state == BackupState.RESTORING.value:
            yield f"{problem}; end the restore first: {status_command(target, context)}"
        else:
            yield f"{problem}; restart it first: {resume_command(target, context)}"


def _is_marked(kafka: str, ref: ObjectRef, connection: KubeClient) -> bool:
    if kafka == ref.name:  # not a state ConfigMap of kanister-kafka
        return False
    try:
        live = LiveKafka(connection, KafkaRef(ref.namespace, kafka)).find() or {}
    except ForbiddenError:  # its state ConfigMap shows no stop
        return False
    return PREVIOUS_PAUSE in (get_path(live, "metadata", "annotations") or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionPlan:
    """The objects to delete, and those that stay; nothing has been deleted yet."""

    objects: Objects = ()
    """As they are on the cluster, in the order in which they go: what needs others first."""
    passed: tuple[ObjectResult, ...] = ()
    """Objects that do not exist, are of others, or are still needed by others."""
    unreadable: tuple[str, ...] = ()
    """Kinds and namespaces that the user may not list."""
    is_partial: bool = False
    """Whether one of these namespaces is of the input: it is not known whether more is there."""
    blockers: tuple[str, ...] = ()
    """Why nothing is deleted now, though there would be something."""

    @property
    def targets(self) -> tuple[ObjectRef, ...]:
        """The places of the objects."""
        return tuple(object_ref(item) for item in self.objects)


def plan_deletion(
    objects: Objects, connection: KubeClient, *, sweep: bool, force: bool = False
) -> DeletionPlan:
    """Return what a deletion of these objects means; each needs a namespace.

    With `sweep` all else that serves the same Blueprint goes too, and in its namespaces the scripts
    that nothing names. Objects without our label, objects of another Blueprint that is still there,
    and scripts that are still needed stay. Raises RejectedError while the Kafka is not at rest,
    unless with `force`, and UnreachableError.
    """
    ours = blueprints_of(objects)
    doomed: dict[ObjectRef, Object] = {}
    scripts: dict[ObjectRef, Object] = {}
    passed: list[ObjectResult] = []
    for item in reversed(sort_for_apply(objects)):
        ref = object_ref(item)
        live = _live(ref, connection)
        if live is None:
            passed.append(ObjectResult(ref, ApplyOutcome.ABSENT))
        elif why := _why_not(live, ours, connection):
            passed.append(ObjectResult(ref, ApplyOutcome.LEFT, why))
        else:
            (scripts if holds_scripts(live) else doomed)[ref] = live
    unreadable: tuple[str, ...] = ()
    is_partial = False
    if sweep:
        owned = find_owned_objects(ours, namespaces_of(objects), connection)
        unreadable, is_partial = owned.unreadable, owned.is_partial
        doomed.update((object_ref(item), item) for item in owned.objects)
        scripts.update((object_ref(item), item) for item in owned.scripts)
    keep = scripts_to_keep(tuple(scripts.values()), connection, leaving=tuple(doomed.values()))
    passed += (ObjectResult(ref, ApplyOutcome.LEFT, why) for ref, why in keep.reasons.items())
    doomed.update(item for item in scripts.items() if item[0] not in keep.reasons)
    if doomed and not force and (reasons := stopped_kafka_reasons(objects, connection)):
        raise RejectedError("nothing is deleted: " + "; ".join(reasons))
    going = tuple(reversed(sort_for_apply(doomed.values())))
    return DeletionPlan(
        objects=going,
        passed=tuple(passed),
        unreadable=unreadable + keep.unreadable,
        is_partial=is_partial,
    )


def plan_prune(objects: Objects, connection: KubeClient) -> DeletionPlan:
    """Return what a former version emitted for the same Blueprint that these objects leave out.

    Former scripts of the same namespaces, which no Blueprint names as its own, are among that
    once nothing needs them. While the Kafka is not at rest nothing of it may be deleted: the
    restart may need it. Raises UnreachableError.
    """
    applied = {object_ref(item) for item in objects}
    owned = find_owned_objects(blueprints_of(objects), namespaces_of(objects), connection)
    extra = [item for item in owned.objects if object_ref(item) not in applied]
    scripts = tuple(item for item in owned.scripts if object_ref(item) not in applied)
    keep = scripts_to_keep(scripts, connection, leaving=tuple(extra), coming=objects)
    extra += [item for item in scripts if object_ref(item) not in keep.reasons]
    going = tuple(reversed(sort_for_apply(extra)))
    return DeletionPlan(
        objects=going,
        passed=tuple(
            ObjectResult(ref, ApplyOutcome.LEFT, why) for ref, why in keep.reasons.items()
        ),
        unreadable=owned.unreadable + keep.unreadable,
        is_partial=owned.is_partial,
        blockers=stopped_kafka_reasons(objects + going, connection) if going else (),
    )


def delete_objects(
    objects: Objects,
    connection: KubeClient,
    *,
    outcome: ApplyOutcome = ApplyOutcome.DELETED,
    dry_run: DryRun = DryRun.NONE,
    needed_by: Objects = (),
    on_result: OnResult = ignore_result,
    clock: Clock = SYSTEM_CLOCK,
) -> ApplyReport:
    """Delete objects in the order given, after all of them passed a dry run on the server.

    One that is gone meanwhile is not a failure, one that was made anew is. Scripts that another
    object needs now are left. If one fails the rest is not tried, and the report shows it. None is
    deleted if the Kafka of the objects `needed_by` was stopped since they were planned: `blockers`
    of the report. Raises UnreachableError if the server is out of reach before the first deletion.
    """
    targets = [object_ref(item) for item in objects]
    if dry_run is not DryRun.CLIENT and (failed := _refused(objects, connection)):
        return ApplyReport(results=(), failures=failed, pending=tuple(targets))
    if dry_run is not DryRun.NONE:
        results = tuple(ObjectResult(ref, outcome) for ref in targets)
        for result in results:
            on_result(result)
        return ApplyReport(results=results)
    if objects and needed_by and (reasons_now := stopped_kafka_reasons(needed_by, connection)):
        return ApplyReport(results=(), pending=tuple(targets), blockers=reasons_now)
    scripts = tuple(item for item in objects if holds_scripts(item))

    @cache  # when the first of them is about to go, after the Blueprints and Deployments
    def reasons() -> Mapping[ObjectRef, str]:
        return scripts_to_keep(scripts, connection, leaving=objects).reasons

    def write(item: Object) -> ObjectResult:
        ref = object_ref(item)
        if holds_scripts(item) and (why := reasons().get(ref)):
            return ObjectResult(ref, ApplyOutcome.LEFT, why)
        try:
            _delete(item, connection)
        except NotFoundError:
            return ObjectResult(ref, ApplyOutcome.ABSENT)
        return ObjectResult(ref, outcome)

    return run_in_sequence(
        [(object_ref(item), partial(write, item)) for item in objects], on_result, clock
    )


def _refused(objects: Objects, connection: KubeClient) -> tuple[ObjectFailure, ...]:
    failed = []
    for item in objects:
        try:
            _delete(item, connection, dry_run=True)
        except NotFoundError:
            continue
        except (*UNTRIED, ConflictError) as failure:
            failed.append(ObjectFailure(object_ref(item), failure))
    return tuple(failed)


def _delete(item: Object, connection: KubeClient, *, dry_run: bool = False) -> None:
    ref = object_ref(item)
    resource = connection.kind(ref.api_version, ref.kind)
    uid = item["metadata"].get("uid", "")
    connection.delete(resource, ref.name, ref.namespace, dry_run=dry_run, uid=uid)


def _live(ref: ObjectRef, connection: KubeClient) -> Object | None:
    try:
        return find_live_object(ref, connection)
    except NotFoundError:  # its kind is not served
        return None


def _why_not(live: Object, ours: frozenset[str], connection: KubeClient) -> str:
    if not is_owned(live):
        return "it lacks our label app.kubernetes.io/managed-by"
    owner = owned_by_other_blueprint(live, ours, connection)
    return f"it serves Blueprint {owner}" if owner else ""
