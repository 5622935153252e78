"""The other objects on a cluster that serve the same Blueprint, and what an apply takes away."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from kanister_kafka.backup.scripts import (
    holds_scripts,
    may_pin,
    namespaces_of_scripts,
    runs_scripts,
)
from kanister_kafka.constants import COMPONENT, MANAGED_BY, OPTIONS
from kanister_kafka.errors import ForbiddenError, NotFoundError
from kanister_kafka.kube.client import PODS, ApiResource, KubeClient, Object, Objects
from kanister_kafka.kube.objects import annotation
from kanister_kafka.kube.pod_options import REPOSITORY
from kanister_kafka.operations.apply.dry_run import UNTRIED, find_live_object
from kanister_kafka.operations.apply.objects import (
    KANISTER,
    KASTEN,
    ORDER,
    ObjectRef,
    blueprint_of,
    object_ref,
)

LABEL = f"{MANAGED_BY}={COMPONENT}"
CONFIG_MAP = ("v1", "ConfigMap")


@dataclass(frozen=True, slots=True)
class OwnedObjects:
    """Objects that serve a Blueprint, and the kinds and namespaces that the user may not list."""

    objects: Objects
    scripts: Objects
    """ConfigMaps of scripts: in the namespaces given those labelled for no Blueprint, as all
    clusters there share them, and those that serve one of the Blueprints."""
    unreadable: tuple[str, ...]
    """Such as `in other namespaces than kafka: roles.rbac.authorization.k8s.io`."""
    is_partial: bool = False
    """Whether the user may not list a kind in one of the namespaces given."""


def find_owned_objects(
    blueprints: Collection[str],
    namespaces: Collection[str],
    connection: KubeClient,
    *,
    kinds: Iterable[tuple[str, str]] = ORDER,
) -> OwnedObjects:
    """Find our objects that have the label of one of these Blueprints (`NAMESPACE/NAME`).

    All namespaces are looked at if the user may list them, else those given. A kind that is not
    served has no objects. Raises UnreachableError.
    """
    owned: list[Object] = []
    unreadable: dict[str, list[str]] = {}
    for api_version, kind in kinds:
        try:
            resource = connection.kind(api_version, kind)
        except NotFoundError:
            continue
        try:
            owned += connection.items(resource, label=LABEL)
        except ForbiddenError:
            if not resource.namespaced:
                unreadable.setdefault("of the whole cluster", []).append(str(resource))
                continue
            elsewhere = f"in other namespaces than {', '.join(sorted(namespaces))}"
            unreadable.setdefault(elsewhere, []).append(str(resource))
            owned += _listed_items(resource, namespaces, connection, unreadable)

    def is_near(scripts: Object) -> bool:
        owner = blueprint_of(scripts)
        return owner in blueprints if owner else scripts["metadata"]["namespace"] in namespaces

    return OwnedObjects(
        tuple(
            item for item in owned if blueprint_of(item) in blueprints and not holds_scripts(item)
        ),
        tuple(item for item in owned if holds_scripts(item) and is_near(item)),
        tuple(f"{scope}: {', '.join(resources)}" for scope, resources in unreadable.items()),
        any(_in_namespace(namespace) in unreadable for namespace in namespaces),
    )


def is_owned(item: Object) -> bool:
    """Return whether an object has our label."""
    return (item["metadata"].get("labels") or {}).get(MANAGED_BY) == COMPONENT


def _listed_items(
    resource: ApiResource,
    namespaces: Collection[str],
    connection: KubeClient,
    unreadable: dict[str, list[str]],
) -> Iterator[Object]:
    for namespace in sorted(namespaces):
        try:
            yield from connection.items(resource, namespace, LABEL)
        except ForbiddenError:
            unreadable.setdefault(_in_namespace(namespace), []).append(str(resource))


def _in_namespace(namespace: str) -> str:
    return f"in namespace {namespace}"


# The users of a ConfigMap of scripts, which all clusters of a namespace share.

OVER = ("Succeeded", "Failed")
"""Phases of a pod that reads no file any more."""


@dataclass(frozen=True, slots=True)
class KeptScripts:
    """The scripts that must stay, and the kinds and namespaces that the user may not list."""

    reasons: Mapping[ObjectRef, str]
    """Only of those that must stay; one reason each."""
    unreadable: tuple[str, ...] = ()
    """Such as `in all namespaces: blueprints.cr.kanister.io`."""


def scripts_to_keep(
    scripts: Objects, connection: KubeClient, *, leaving: Objects = (), coming: Objects = ()
) -> KeptScripts:
    """Return why each of these ConfigMaps must stay, if it must.

    Needed are the scripts that a Blueprint, a Deployment or a pod names, and those of a Blueprint
    that an ActionSet names which has not ended: it may still run phases of the Blueprint that it
    has read, and that may be a former one. `leaving` is what will not be there any more, `coming`
    what takes the place of the present objects. An object that the user may not read counts as one
    that exists. Raises UnreachableError.
    """
    if not scripts:
        return KeptScripts({})
    look = _ObjectLister(connection)
    changed = leaving + coming
    places = {object_ref(item) for item in changed}
    namespaces = sorted({object_ref(item).namespace for item in scripts})
    blueprints = look.everywhere("Blueprint")
    action_sets = [item for item in look.everywhere("ActionSet") if not _ended(item)]
    deployments: list[Object] = []
    pods: list[Object] = []
    for namespace in namespaces:
        deployments += look.beside(namespace, "Deployment")
        pods += look.beside(namespace, "Pod")
    named = [item for item in [*blueprints, *deployments] if object_ref(item) not in places]
    selectors = [_selector(item) for item in changed if item["kind"] == "Deployment"]
    named += [item for item in coming if item["kind"] in ("Blueprint", "Deployment")]
    named += [item for item in pods if not _is_over(item) and not _selected(item, selectors)]
    by_name = {_at(item): item for item in blueprints}
    by_name.update((_at(item), item) for item in coming if item["kind"] == "Blueprint")
    why = partial(
        _why, named=named, action_sets=action_sets, by_name=by_name, unreadable=look.unreadable
    )
    reasons = {object_ref(item): why(object_ref(item)) for item in scripts}
    return KeptScripts({ref: text for ref, text in reasons.items() if text}, tuple(look.unreadable))


def _why(
    ref: ObjectRef,
    *,
    named: Iterable[Object],
    action_sets: Iterable[Object],
    by_name: Mapping[str, Object],
    unreadable: Collection[str],
) -> str:
    for item in named:
        if may_pin(item, ref.namespace, ref.name):
            return f"{item['kind']} {_at(item)} names it"
    for item in action_sets:
        for name in _blueprints(item):
            if _may_run(by_name.get(name), ref.namespace):
                return (
                    f"ActionSet {_at(item)} has not ended, and may still run steps of Blueprint "
                    f"{name}; if it is stuck, delete it"
                )
    if unreadable:
        return (
            f"listing is forbidden {'; '.join(unreadable)}: one of them may name it; once nothing "
            f"does: kubectl delete configmap {ref.name} -n {ref.namespace}"
        )
    return ""


def _may_run(blueprint: Object | None, namespace: str) -> bool:
    """Return whether a Blueprint has our steps in a namespace; one that is gone may have had."""
    if blueprint is None:
        return True
    ours = is_owned(blueprint) or runs_scripts(blueprint)
    return ours and any(
        scripts_namespace in ("", namespace)
        for scripts_namespace in namespaces_of_scripts(blueprint)
    )


def _blueprints(action_set: Object) -> Iterator[str]:
    """Yield `NAMESPACE/NAME` of each Blueprint; Kanister looks next to the ActionSet."""
    for action in (action_set.get("spec") or {}).get("actions") or ():
        yield f"{action_set['metadata']['namespace']}/{action.get('blueprint', '')}"


def _ended(action_set: Object) -> bool:
    """Return whether an ActionSet runs nothing any more.

    Its state is `failed` before its deferPhase, which brings Kafka back, has run.
    """
    status: dict[str, Any] = action_set.get("status") or {}
    if status.get("state") != "failed":
        return status.get("state") == "complete"
    last = [action.get("deferPhase") or {} for action in status.get("actions") or ()]
    # Without a deferPhase, Kanister writes one with an empty state.
    return all((phase.get("state") or "failed") in ("complete", "failed") for phase in last)


def _is_over(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in OVER


def _selector(deployment: Object) -> tuple[str, dict[str, str]]:
    spec = deployment.get("spec") or {}
    return object_ref(deployment).namespace, (spec.get("selector") or {}).get("matchLabels") or {}


def _selected(pod: Object, selectors: Iterable[tuple[str, dict[str, str]]]) -> bool:
    """Return whether a pod is of one of these Deployments, and goes with it."""
    labels = (pod["metadata"].get("labels") or {}).items()
    namespace = pod["metadata"]["namespace"]
    return any(
        at == namespace and desired and desired.items() <= labels for at, desired in selectors
    )


def _at(item: Object) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"


class _ObjectLister:
    """Lists objects, and notes the places in which that is forbidden."""

    def __init__(self, connection: KubeClient) -> None:
        self.connection = connection
        self.unreadable: list[str] = []

    def everywhere(self, kind: str) -> Objects:
        """Return the objects of a kind of Kanister; none if that is not installed."""
        try:
            resource = self.connection.kind(KANISTER, kind)
        except NotFoundError:
            return ()
        return self._listed(resource, "", "in all namespaces")

    def beside(self, namespace: str, kind: str) -> Objects:
        """Return the Deployments or pods of a namespace."""
        resource = PODS if kind == "Pod" else self.connection.kind("apps/v1", kind)
        return self._listed(resource, namespace, f"in namespace {namespace}")

    def _listed(self, resource: ApiResource, namespace: str, scope: str) -> Objects:
        try:
            return self.connection.items(resource, namespace)
        except ForbiddenError:
            self.unreadable.append(f"{scope}: {resource}")
            return ()


# Options, actions and scheduled runs that a Blueprint on the cluster loses by an apply.

RUNNERS = (("batch/v1", "CronJob"), (KASTEN, "Policy"))
"""API version and kind of objects that run the actions of a Blueprint at fixed times."""
IMAGE_OPTION = "--image"
Choice = tuple[str, ...]
"""An option and its value, such as `("--engine", "kanister")`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChange:
    """A Blueprint on the cluster that was rendered with options that a new rendering lacks."""

    target: ObjectRef
    applied: str
    """Words of the command line with which the Blueprint on the cluster was rendered."""
    desired: str
    """Those of the new one; empty for the defaults."""
    lost_actions: tuple[str, ...]
    """Names of the actions that only the Blueprint on the cluster has, sorted."""
    left_runners: tuple[ObjectRef, ...]
    """CronJobs and Policies that serve the Blueprint and are not in the input, sorted."""
    unreadable: tuple[str, ...]
    """Kinds and namespaces of such objects that the user may not list."""


def find_option_changes(objects: Objects, connection: KubeClient) -> tuple[OptionChange, ...]:
    """Return the Blueprints on the cluster that lose options or values of options.

    A Blueprint that cannot be read is left out: the dry run of the apply reports why. Raises
    UnreachableError.
    """
    return tuple(_changes(objects, connection))


def _changes(objects: Objects, connection: KubeClient) -> Iterator[OptionChange]:
    places = {object_ref(item) for item in objects}
    for item in objects:
        if item["kind"] != "Blueprint":
            continue
        target = object_ref(item)
        try:
            live = find_live_object(target, connection)
        except UNTRIED:
            continue
        if live is None:
            continue
        applied, desired = annotation(live, OPTIONS), annotation(item, OPTIONS)
        if not _loses(applied, desired):
            continue
        owned = find_owned_objects(
            [f"{target.namespace}/{target.name}"],
            {ref.namespace for ref in places} - {""},
            connection,
            kinds=RUNNERS,
        )
        left = {object_ref(runner) for runner in owned.objects} - places
        yield OptionChange(
            target=target,
            applied=applied,
            desired=desired,
            lost_actions=tuple(sorted(_actions(live) - _actions(item))),
            left_runners=tuple(sorted(left, key=lambda ref: ref.rank)),
            unreadable=owned.unreadable,
        )


def _actions(blueprint: Object) -> set[str]:
    return set(blueprint.get("actions") or {})


def _loses(applied: str, desired: str) -> bool:
    """Return whether options or values are gone; a text that cannot be split loses some."""
    if applied == desired:
        return False
    try:
        before, after = shlex.split(applied), shlex.split(desired)
    except ValueError:  # another client has written there
        return True
    return bool(set(_choices(before)) - set(_choices(after)))


def _choices(words: Iterable[str]) -> Iterator[Choice]:
    """Yield each option with its value, without an image that follows the API server by itself."""
    choice: Choice = ()
    for word in (*words, "--"):
        if not word.startswith("--"):
            choice += (word,)
            continue
        if choice and not _is_default_image(choice):
            yield choice
        choice = (word,)


def _is_default_image(choice: Choice) -> bool:
    return choice[0] == IMAGE_OPTION and choice[-1].startswith(f"{REPOSITORY}:")
