"""Options, actions and scheduled runs that a Blueprint on the cluster loses by an apply."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kanister_kafka.constants import OPTIONS
from kanister_kafka.kube.client import KubeClient, Object, Objects
from kanister_kafka.kube.objects import annotation
from kanister_kafka.kube.pod_options import REPOSITORY
from kanister_kafka.operations.apply.dry_run import UNTRIED, find_live_object
from kanister_kafka.operations.apply.objects import KASTEN, ObjectRef, object_ref
from kanister_kafka.operations.apply.owned_objects import find_owned_objects

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
            {place.namespace for place in places} - {""},
            connection,
            kinds=RUNNERS,
        )
        left = {object_ref(runner) for runner in owned.objects} - places
        yield OptionChange(
            target=target,
            applied=applied,
            desired=desired,
            lost_actions=tuple(sorted(_actions(live) - _actions(item))),
            left_runners=tuple(sorted(left, key=lambda place: place.rank)),
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
