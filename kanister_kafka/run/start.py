"""Starting an action: is there such a Blueprint and such an action, and an ActionSet for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kanister_kafka.errors import ActionError, NotFoundError, TransientError
from kanister_kafka.kube.connection import Connection, Object, Resource
from kanister_kafka.options import NOW
from kanister_kafka.run.actionset import (
    API_VERSION,
    JOB_LABEL,
    ActionSet,
    Blueprint,
    State,
    new_action_set,
    read_action_set,
    read_blueprint,
)
from kanister_kafka.run.follow import Watched
from kanister_kafka.run.target import Target, expected_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An action to run."""

    target: Target
    action: str
    blueprint: Blueprint
    options: tuple[tuple[str, str], ...] = ()
    origin: ActionSet | None = None
    """An earlier ActionSet whose artifacts the action gets, for restore and delete."""


def action_sets(connection: Connection) -> Resource:
    """Find how ActionSets are served; NotFoundError where Kanister is not installed."""
    return _kanisters(connection, "ActionSet")


def find_blueprint(connection: Connection, name: str, namespace: str) -> Blueprint:
    """Read a Blueprint; NotFoundError names those that are there."""
    resource = _kanisters(connection, "Blueprint")
    if found := connection.find(resource, name, namespace):
        return read_blueprint(found)
    names = sorted(item["metadata"]["name"] for item in connection.items(resource, namespace))
    there = f"which has {', '.join(names)}" if names else "which has none"
    raise NotFoundError(
        f"no Blueprint {name} in namespace {namespace}, {there}; "
        "kanister-kafka apply puts it there, --blueprint names another"
    )


def check_action(blueprint: Blueprint, action: str) -> None:
    """Raise ActionError where the Blueprint has no such action."""
    if action not in blueprint.actions:
        known = ", ".join(sorted(blueprint.actions)) or "none"
        raise ActionError(f"Blueprint {blueprint.name} has no action {action}; it has {known}")


def check_retention(wanted: Wanted, retention: str) -> None:
    """Raise ActionError where a choice of the retention cannot be meant, or would be ignored."""
    if wanted.action != "restore":
        raise ActionError(f"--retention is for a restore, not for {wanted.action}")
    if "retention" in dict(wanted.options):
        raise ActionError("--retention is given twice: as --option retention=… too")
    if not wanted.blueprint.holds_retention and retention != NOW:
        raise ActionError(
            f"Blueprint {wanted.blueprint.name} was rendered by an earlier version, whose restore "
            "holds no retention: Kafka would delete at once what has passed it.\n"
            "Put the one of this version on the cluster, and restore then:\n"
            f"  kanister-kafka apply --from-cluster {wanted.target.name} "
            f"-n {wanted.target.namespace}"
        )


def find_origin(connection: Connection, name: str, namespace: str) -> ActionSet:
    """Read an ActionSet whose artifacts another action needs.

    Raises NotFoundError, or ActionError where it is not complete or has put out nothing: what a
    failed one has as artifacts are templates.
    """
    found = read_action_set(connection.get(action_sets(connection), name, namespace))
    if found.state is not State.COMPLETE:
        raise ActionError(f"ActionSet {name} is {found.state.value or 'not begun'}, not complete")
    if not found.artifacts:
        raise ActionError(f"action {found.action} of ActionSet {name} has put out no artifacts")
    return found


def asked(wanted: Wanted, *, job: str = "") -> Object:
    """Return the ActionSet that `start` creates."""
    target, blueprint = wanted.target, wanted.blueprint
    return new_action_set(
        wanted.action,
        blueprint=blueprint.name,
        namespace=blueprint.namespace,
        target=target.namespace,
        cluster=target.name,
        job=job,
        options=wanted.options,
        artifacts=wanted.origin.artifacts if wanted.origin else None,
    )


def start(connection: Connection, wanted: Wanted, *, job: str) -> Watched:
    """Create the ActionSet; `job` is a word that no other has. Returns what there is to follow."""
    resource = action_sets(connection)
    target, blueprint = wanted.target, wanted.blueprint
    nodes = expected_nodes(connection, target)  # whatever may fail comes before
    try:
        made = connection.create(asked(wanted, job=job))
    except TransientError:  # it may have been made all the same, and would then run unseen
        found = connection.items(resource, blueprint.namespace, f"{JOB_LABEL}={job}")
        if not found:
            raise
        made = found[0]
    return Watched(
        action_set=read_action_set(made),
        resource=resource,
        job=job,
        namespace=target.namespace,
        cluster=target.name,
        tasks=blueprint.actions[wanted.action],
        nodes=nodes,
    )


def described(artifacts: ActionSet) -> Iterable[str]:
    """Say what an ActionSet has put out, a line each: `name: key=value`."""
    for name, artifact in sorted(artifacts.artifacts.items()):
        for key, value in sorted((artifact.get("keyValue") or {}).items()):
            yield f"{name}: {key}={value}"


def _kanisters(connection: Connection, kind: str) -> Resource:
    try:
        return connection.kind(API_VERSION, kind)
    except NotFoundError as failure:
        message = f"Kanister is not installed on this cluster: it has no {API_VERSION} {kind}"
        raise NotFoundError(message) from failure
