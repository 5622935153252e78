"""A dry run of objects: the API server answers, and keeps nothing of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kanister_kafka.backup.scripts import DIGITS, digest_of, holds_scripts
from kanister_kafka.errors import (
    ConflictError,
    ForbiddenError,
    KanisterKafkaError,
    NotFoundError,
    RejectedError,
)
from kanister_kafka.kube.client import FIELD_MANAGER, NAMESPACES, KubeClient, Object
from kanister_kafka.operations.apply.objects import (
    ADMISSION,
    KANISTER,
    KASTEN,
    ApplyOutcome,
    ObjectFailure,
    ObjectRef,
    blueprint_of,
    blueprints_of,
    namespaces_of,
    object_ref,
    sort_for_apply,
)
from kanister_kafka.operations.unrendered_fields import UnrenderedField, unrendered_fields

INSTALL = {
    ADMISSION: "it comes with Kubernetes 1.30: render without --admission-policy",
    KANISTER: "Kanister is not installed: install it, or Kasten, which brings it",
    KASTEN: "Kasten is not installed: install it, or render without --kasten",
}
UNTRIED = (ForbiddenError, NotFoundError, RejectedError)
"""Errors of one object while the server answers; all others end the trial at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunResult:
    """One object: as it should be, as it is, and as the server would have it."""

    target: ObjectRef
    desired: Object
    live: Object | None
    result: Object | None = None
    """None if the server was not asked, or could not be yet."""
    error: KanisterKafkaError | None = None

    @property
    def outcome(self) -> ApplyOutcome:
        """The expected outcome."""
        return apply_outcome(self.live, self.result)

    @property
    def unrendered(self) -> tuple[UnrenderedField, ...]:
        """Fields of other managers, which the apply would leave."""
        after = self.result or self.live
        return unrendered_fields(self.desired, after) if after else ()


def run_dry_run(
    objects: Iterable[Object], connection: KubeClient, *, ask: bool = True, force: bool = False
) -> tuple[DryRunResult, ...]:
    """Try all objects in their order and keep every refusal, so that all are reported at once.

    Without `ask` the cluster is only read. Raises UnreachableError if the server is out of
    reach, which is not a matter of one object.
    """
    objects = sort_for_apply(objects)
    ours = blueprints_of(objects)
    places = {object_ref(item) for item in objects}
    absent = _absent(namespaces_of(objects), connection)
    results = []
    for item in objects:
        ref, live, result, error = object_ref(item), None, None, None
        try:
            live = find_live_object(ref, connection)
            _may_go(ref, live, ours, absent, connection, force=force)
            if holds_scripts(item):
                _intact(item, live)
            result = connection.apply(item, dry_run=True, force=force) if ask else None
        except UNTRIED as failure:
            is_early = ref.namespace not in absent and _is_early(failure, item, places)
            error = None if is_early else with_remedy(failure)
        results.append(
            DryRunResult(target=ref, desired=item, live=live, result=result, error=error)
        )
    return tuple(results)


def failures(trials: Iterable[DryRunResult]) -> tuple[ObjectFailure, ...]:
    """Return what was refused."""
    return tuple(ObjectFailure(trial.target, trial.error) for trial in trials if trial.error)


def find_live_object(ref: ObjectRef, connection: KubeClient) -> Object | None:
    """Return an object as it is on the cluster; NotFoundError if its kind is not served."""
    try:
        resource = connection.kind(ref.api_version, ref.kind)
    except NotFoundError as failure:
        why = INSTALL.get(ref.api_version)
        raise NotFoundError(
            f"{connection.host}: has no kind {ref.kind} of {ref.api_version}"
            + (f"; {why}" if why else "")
        ) from failure
    return connection.find(resource, ref.name, ref.namespace)


def owned_by_other_blueprint(live: Object, ours: frozenset[str], connection: KubeClient) -> str:
    """Return the other Blueprint that a live object serves, if that is still there."""
    owner = blueprint_of(live)
    if not owner or owner in ours or not ours:
        return ""
    namespace, _slash, name = owner.partition("/")
    try:
        blueprint = find_live_object(ObjectRef(KANISTER, "Blueprint", namespace, name), connection)
    except NotFoundError:
        return ""
    except ForbiddenError:  # no one knows: leave it alone
        return owner
    return owner if blueprint else ""


def with_remedy(failure: KanisterKafkaError) -> KanisterKafkaError:
    """Add to a conflict of field managers what can be done about it."""
    if isinstance(failure, ConflictError) and "Apply failed with" in str(failure):
        return ConflictError(
            f"{failure}; take these fields over with --force-conflicts, or change them in the "
            "source that the other manager applies"
        )
    return failure


def _may_go(
    ref: ObjectRef,
    live: Object | None,
    ours: frozenset[str],
    absent: frozenset[str],
    connection: KubeClient,
    *,
    force: bool,
) -> None:
    if ref.namespace in absent:
        raise NotFoundError(
            f"namespace {ref.namespace} does not exist: kubectl create namespace {ref.namespace}"
        )
    if (
        live is not None
        and not force
        and (owner := owned_by_other_blueprint(live, ours, connection))
    ):
        raise ConflictError(
            f"it serves Blueprint {owner}, which is still there; give this one its own "
            "with --service-account, or take it over with --force-conflicts"
        )


def _intact(desired: Object, live: Object | None) -> None:
    """Raise RejectedError if scripts are not those of their name, or may be changed.

    The API server lets no client change them, us included, and a wrong one that Blueprints pin
    fails every step.
    """
    ref = object_ref(desired)
    digits = digest_of(desired)[:DIGITS]
    if not digits or digits not in ref.name or desired.get("immutable") is not True:
        raise RejectedError(
            "its scripts do not match the hash in its name, or it is not immutable: it was changed "
            "after it was rendered; render it again"
        )
    if live is None:
        return
    same = live.get("data") == desired.get("data") and not live.get("binaryData")
    if same and live.get("immutable") is True:
        return
    what = "it is not immutable" if same else "its content differs"
    at = f"configmap {ref.name} -n {ref.namespace}"
    raise ConflictError(
        f"{what} on the cluster: it was altered or replaced there, and steps do not run altered "
        f"scripts; find out by whom (kubectl get {at} -o yaml --show-managed-fields), then kubectl "
        f"delete {at}, and apply again"
    )


def _absent(namespaces: Iterable[str], connection: KubeClient) -> frozenset[str]:
    """Return the namespaces that do not exist, as far as the user may know."""
    absent = set()
    for namespace in sorted(namespaces):
        try:
            if connection.find(NAMESPACES, namespace) is None:
                absent.add(namespace)
        except ForbiddenError:  # then the write will show it
            continue
    return frozenset(absent)


def _is_early(failure: KanisterKafkaError, item: Object, places: set[ObjectRef]) -> bool:
    """Return whether a RoleBinding only lacks the Role that is applied before it.

    For a user who may not `bind`, the API server looks for the Role to compare rights, and a dry
    run has left none (pkg/registry/rbac/rolebinding/policybased/storage.go).
    """
    if not isinstance(failure, NotFoundError) or item["kind"] != "RoleBinding":
        return False
    role, ref = item.get("roleRef") or {}, object_ref(item)
    kind, name = str(role.get("kind")), str(role.get("name"))
    return ObjectRef(ref.api_version, kind, ref.namespace, name) in places


def apply_outcome(before: Object | None, after: Object | None) -> ApplyOutcome:
    """Return what an apply did, or would do, to an object; no one knows the result: configured.

    A resourceVersion that stays means that nothing was written, and one that moves may have been
    moved by others: the controller of a Deployment writes its status all the time.
    """
    if before is None:
        return ApplyOutcome.CREATED
    same = after is not None and _settled(before) == _settled(after)
    return ApplyOutcome.UNCHANGED if same else ApplyOutcome.CONFIGURED


def _without_time(entry: Object) -> Object:
    return {key: value for key, value in entry.items() if key != "time"}


def _settled(item: Object) -> dict[str, Any]:
    """Return an object without status and versions, and of managedFields only our own."""
    settled = {key: value for key, value in item.items() if key != "status"}
    metadata = dict(settled["metadata"])
    for key in ("resourceVersion", "generation"):
        metadata.pop(key, None)
    metadata["managedFields"] = [
        _without_time(entry)
        for entry in metadata.get("managedFields") or ()
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"
    ]
    settled["metadata"] = metadata
    return settled
