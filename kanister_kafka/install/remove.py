"""Take objects from a cluster: what apply has put there, and what it put there once."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

from kanister_kafka.errors import NotFoundError, RefusedError
from kanister_kafka.install.holders import held
from kanister_kafka.install.outcome import Done, DryRun, Failed, Outcome, Report, Told, untold
from kanister_kafka.install.rest import unrest
from kanister_kafka.install.search import is_ours, search
from kanister_kafka.install.steps import Sleep, in_turn
from kanister_kafka.install.target import (
    Target,
    blueprints_of,
    in_order,
    namespaces_of,
    target,
)
from kanister_kafka.install.trial import UNTRIED, find, taken
from kanister_kafka.kube.connection import Connection, Object, Objects
from kanister_kafka.pins import holds_scripts


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What is to be deleted, and what is not; nothing has been deleted yet."""

    objects: Objects = ()
    """As they are on the cluster, in the order in which they go: what needs others first."""
    passed: tuple[Done, ...] = ()
    """What is not there, is not ours, or is still needed by others."""
    unseen: tuple[str, ...] = ()
    """Where nobody could look for more."""
    held: tuple[str, ...] = ()
    """Why nothing is deleted now, though there would be something."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """The places of the objects."""
        return tuple(target(item) for item in self.objects)


def removal(
    objects: Objects, connection: Connection, *, sweep: bool, force: bool = False
) -> Removal:
    """Say what deleting these objects means; each needs a namespace.

    With `sweep` all else that serves the same Blueprint goes too, and in its namespaces the scripts
    that nothing names. What lacks our label, or serves another Blueprint that is still there, is
    left, and so are scripts that anything else still needs. Raises RefusedError while the Kafka is
    not at rest, unless with `force`, and UnreachableError.
    """
    ours = blueprints_of(objects)
    doomed: dict[Target, Object] = {}
    scripts: dict[Target, Object] = {}
    passed: list[Done] = []
    for item in reversed(in_order(objects)):
        place = target(item)
        live = _live(place, connection)
        if live is None:
            passed.append(Done(place, Outcome.ABSENT))
        elif why := _why_not(live, ours, connection):
            passed.append(Done(place, Outcome.LEFT, why))
        else:
            (scripts if holds_scripts(live) else doomed)[place] = live
    unseen: tuple[str, ...] = ()
    if sweep:
        found = search(ours, _namespaces(objects), connection)
        unseen = found.unseen
        doomed.update((target(item), item) for item in found.objects)
        scripts.update((target(item), item) for item in found.scripts)
    keep = held(tuple(scripts.values()), connection, gone=tuple(doomed.values()))
    passed += (Done(place, Outcome.LEFT, why) for place, why in keep.reasons.items())
    doomed.update(item for item in scripts.items() if item[0] not in keep.reasons)
    if doomed and not force and (reasons := unrest(objects, connection)):
        raise RefusedError("nothing is deleted: " + "; ".join(reasons))
    going = tuple(reversed(in_order(doomed.values())))
    return Removal(objects=going, passed=tuple(passed), unseen=(*unseen, *keep.unseen))


def prunable(objects: Objects, connection: Connection) -> Removal:
    """Say what a former version emitted for the same Blueprint that these objects leave out.

    Former scripts of the same namespaces, which no Blueprint says to be its own, are among that
    once nothing needs them. While the Kafka is not at rest nothing of it is to be deleted: the
    restart may need it. Raises UnreachableError.
    """
    applied = {target(item) for item in objects}
    found = search(blueprints_of(objects), _namespaces(objects), connection)
    extra = [item for item in found.objects if target(item) not in applied]
    scripts = tuple(item for item in found.scripts if target(item) not in applied)
    keep = held(scripts, connection, gone=tuple(extra), coming=objects)
    extra += [item for item in scripts if target(item) not in keep.reasons]
    going = tuple(reversed(in_order(extra)))
    return Removal(
        objects=going,
        passed=tuple(Done(place, Outcome.LEFT, why) for place, why in keep.reasons.items()),
        unseen=(*found.unseen, *keep.unseen),
        held=unrest((*objects, *going), connection) if going else (),
    )


def remove(
    objects: Objects,
    connection: Connection,
    *,
    outcome: Outcome = Outcome.DELETED,
    dry_run: DryRun = DryRun.NONE,
    told: Told = untold,
    sleep: Sleep = time.sleep,
) -> Report:
    """Delete objects in the order given, after all of them passed a dry run on the server.

    One that is gone meanwhile is no failure, and scripts are left that something has come to need.
    Where one fails the rest is not tried, and the report
    tells it. Raises UnreachableError where the server is out of reach before the first deletion.
    """
    targets = [target(item) for item in objects]
    if dry_run is not DryRun.CLIENT and (failed := _refused(targets, connection)):
        return Report(done=(), failures=failed, pending=tuple(targets))
    if dry_run is not DryRun.NONE:
        done = tuple(Done(place, outcome) for place in targets)
        for each in done:
            told(each)
        return Report(done=done)
    scripts = tuple(item for item in objects if holds_scripts(item))

    @cache  # when the first of them is about to go, after the Blueprints and Deployments
    def reasons() -> Mapping[Target, str]:
        return held(scripts, connection, gone=objects).reasons

    def write(item: Object) -> Done:
        place = target(item)
        if holds_scripts(item) and (why := reasons().get(place)):
            return Done(place, Outcome.LEFT, why)
        try:
            _delete(place, connection)
        except NotFoundError:
            return Done(place, Outcome.ABSENT)
        return Done(place, outcome)

    return in_turn([(target(item), partial(write, item)) for item in objects], told, sleep)


def _refused(targets: Sequence[Target], connection: Connection) -> tuple[Failed, ...]:
    failed = []
    for place in targets:
        try:
            _delete(place, connection, dry_run=True)
        except NotFoundError:
            continue
        except UNTRIED as failure:
            failed.append(Failed(place, failure))
    return tuple(failed)


def _delete(place: Target, connection: Connection, *, dry_run: bool = False) -> None:
    resource = connection.kind(place.api_version, place.kind)
    connection.delete(resource, place.name, place.namespace, dry_run=dry_run)


def _live(place: Target, connection: Connection) -> Object | None:
    try:
        return find(place, connection)
    except NotFoundError:  # its kind is not served
        return None


def _why_not(live: Object, ours: frozenset[str], connection: Connection) -> str:
    if not is_ours(live):
        return "it lacks our label app.kubernetes.io/managed-by"
    other = taken(live, ours, connection)
    return f"it serves Blueprint {other}" if other else ""


def _namespaces(objects: Iterable[Object]) -> Collection[str]:
    return namespaces_of(objects)
