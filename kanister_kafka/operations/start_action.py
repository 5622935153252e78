"""Starting an action: find the Blueprint and its action, and create an ActionSet for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kanister_kafka import constants
from kanister_kafka.backup.options import NOW
from kanister_kafka.errors import (
    ActionError,
    ForbiddenError,
    KanisterKafkaError,
    NotFoundError,
    TransientError,
)
from kanister_kafka.kube.client import SECRETS, SERVICE_ACCOUNTS, KubeClient, Object
from kanister_kafka.kube.objects import annotation, get_path, name_of
from kanister_kafka.operations.action_follower import FollowedAction
from kanister_kafka.operations.actionset import (
    JOB_LABEL,
    PROFILE_ACTIONS,
    ActionSet,
    ActionState,
    AppliedBlueprint,
    backup_values,
    kanister_resource,
    new_action_set,
    read_action_set,
    read_blueprint,
)
from kanister_kafka.operations.backups.model import unpack_facts
from kanister_kafka.operations.live_kafka import list_operators
from kanister_kafka.operations.object_names import NameFinder, default_blueprint
from kanister_kafka.strimzi.discovery import SUFFIX, KafkaRef, expected_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequest:
    """An action to run."""

    target: KafkaRef
    action: str
    blueprint: AppliedBlueprint
    options: tuple[tuple[str, str], ...] = ()
    origin: ActionSet | None = None
    """An earlier ActionSet whose artifacts the action gets, for restore and delete."""


def find_blueprint(connection: KubeClient, name: str, namespace: str) -> AppliedBlueprint:
    """Read a Blueprint; NotFoundError names those that are there."""
    resource = kanister_resource(connection, "Blueprint")
    if blueprint := connection.find(resource, name, namespace):
        return read_blueprint(blueprint)
    names = sorted(item["metadata"]["name"] for item in connection.items(resource, namespace))
    listed = f"which has {', '.join(names)}" if names else "which has none"
    raise NotFoundError(
        f"no Blueprint {name} in namespace {namespace}, {listed}; "
        "kanister-kafka apply creates it, --blueprint names another"
    )


def check_action(blueprint: AppliedBlueprint, action: str) -> None:
    """Raise ActionError if the Blueprint has no such action."""
    if action not in blueprint.actions:
        actions = ", ".join(sorted(blueprint.actions)) or "none"
        raise ActionError(f"Blueprint {blueprint.name} has no action {action}; it has {actions}")


def check_retention(request: ActionRequest, retention: str, context: str = "") -> None:
    """Raise ActionError if a choice of the retention cannot be meant, or would be ignored."""
    if request.action != "restore":
        raise ActionError(f"--retention is for a restore, not for {request.action}")
    if "retention" in dict(request.options):
        raise ActionError("--retention is given twice: as --option retention=… too")
    if not request.blueprint.holds_retention and retention != NOW:
        raise ActionError(
            f"Blueprint {request.blueprint.name} was rendered by an earlier version, whose restore "
            "holds no retention: Kafka would delete at once what has passed it.\n"
            "Put the one of this version on the cluster, and restore then:\n"
            f"  {request.blueprint.origin.apply_command(request.target, context)}"
        )


def find_action_set(connection: KubeClient, name: str, namespace: str) -> ActionSet:
    """Read an ActionSet whose artifacts another action needs.

    Raises NotFoundError, or ActionError if it is not complete or has put out nothing: what a
    failed one has as artifacts are templates.
    """
    action_set = read_action_set(
        connection.get(kanister_resource(connection, "ActionSet"), name, namespace)
    )
    if action_set.state is not ActionState.COMPLETE:
        raise ActionError(
            f"ActionSet {name} is {action_set.state.value or 'not begun'}, not complete"
        )
    if not action_set.artifacts:
        raise ActionError(
            f"action {action_set.action} of ActionSet {name} has put out no artifacts"
        )
    return action_set


def build_action_set(request: ActionRequest, *, job: str = "") -> Object:
    """Return the ActionSet that `start` creates."""
    target, blueprint = request.target, request.blueprint
    return new_action_set(
        request.action,
        blueprint=blueprint.name,
        namespace=blueprint.namespace,
        target=target.namespace,
        cluster=target.name,
        job=job,
        options=request.options,
        artifacts=request.origin.artifacts if request.origin else None,
        profile=blueprint.export_profile if request.action in PROFILE_ACTIONS else "",
    )


def start_action(connection: KubeClient, request: ActionRequest, *, job: str) -> FollowedAction:
    """Create the ActionSet; `job` is a word that no other has. Returns the action to follow."""
    resource = kanister_resource(connection, "ActionSet")
    target, blueprint = request.target, request.blueprint
    nodes = expected_nodes(connection, target)  # all that may fail comes before
    try:
        action_set = connection.create(build_action_set(request, job=job))
    except TransientError:  # it may still have been made, and would then run unseen
        started = connection.items(resource, blueprint.namespace, f"{JOB_LABEL}={job}")
        if not started:
            raise
        action_set = started[0]
    return FollowedAction(
        action_set=read_action_set(action_set),
        resource=resource,
        job=job,
        namespace=target.namespace,
        cluster=target.name,
        tasks=blueprint.actions[request.action],
        nodes=nodes,
    )


def artifact_lines(artifacts: ActionSet) -> Iterable[str]:
    """Return what an ActionSet has put out, a line each: `name: key=value`."""
    for name, artifact in sorted(artifacts.artifacts.items()):
        for key, value in sorted((artifact.get("keyValue") or {}).items()):
            yield f"{name}: {key}={value}"


# Whether the operator still has the Kafka version of a backup, before a restore begins.
#
# The account of a restore sees one namespace; its user may see the operator as well.

IMAGES = "STRIMZI_KAFKA_IMAGES"
"""Variable of the operator: `VERSION=IMAGE`, one a line (Strimzi's ClusterOperatorConfig.java)."""
ANY = "any-kafka-version"
"""Option of an ActionSet with which a restore ignores the version."""


def backup_version(connection: KubeClient, target: KafkaRef, origin: ActionSet) -> str:
    """Return the `spec.kafka.version` that a backup holds; empty if it names none."""
    values = backup_values(origin.artifacts)
    name = f"{target.name}-backup-{values.get('backup', '')}-facts"
    secret = connection.get(SECRETS, name, target.namespace)
    try:
        return unpack_facts(secret).get("specVersion", "")
    except ValueError:
        return ""


def operators_versions(connection: KubeClient) -> frozenset[str]:
    """Return the Kafka versions that the operators of the cluster have, all together."""
    versions: set[str] = set()
    for pod in list_operators(connection):
        for container in get_path(pod, "spec", "containers") or ():
            for variable in container.get("env") or ():
                if variable.get("name") != IMAGES:
                    continue
                for pair in str(variable.get("value") or "").split():
                    version, equals, _image = pair.partition("=")
                    if equals:
                        versions.add(version)
    return frozenset(versions)


def missing_version(
    connection: KubeClient, target: KafkaRef, origin: ActionSet
) -> tuple[str, bool]:
    """Return what stands against a restore, as a sentence, and whether that is certain.

    Empty if nothing does. A failed read is not a certainty.
    """
    try:
        version = backup_version(connection, target, origin)
        versions = operators_versions(connection) if version else frozenset()
    except KanisterKafkaError as failure:
        return (
            f"whether the operator has the Kafka version of the backup is not known: {failure}",
            False,
        )
    if not version or version in versions:
        return "", False
    if not versions:
        return (
            f"the backup is of Kafka {version}, and no operator is seen that lists its versions",
            False,
        )
    return (
        f"the backup is of Kafka {version}, and the operator has {', '.join(sorted(versions))}: "
        f"bring back a Strimzi that has it, or go on with --option {ANY}=true and set "
        "spec.kafka.version when the restore asks for it",
        True,
    )


# The Blueprint that was applied for a Kafka, in any namespace and with any name.


def find_applied(
    connection: KubeClient, target: KafkaRef, namespace: str, name: str = "", *, hot: bool = False
) -> AppliedBlueprint:
    """Find the Blueprint of a Kafka: of this name, the applied one, or that its accounts name.

    `NameFinder` finds the one that is applied in this namespace, under any name. The annotation
    `kanister-kafka.io/blueprint` of the service accounts of the Kafka's namespace names the
    Blueprint that they were rendered for. It is looked at only if this namespace has no Blueprint
    of the Kafka, and counts only if it is the only one. Raises NotFoundError as `find_blueprint`
    does, and ActionError if several Blueprints are for the Kafka.
    """
    if name:
        return find_blueprint(connection, name, namespace)
    try:
        default = _applied_name(connection, target, namespace, hot=hot)
        return find_blueprint(connection, default, namespace)
    except NotFoundError as missing:
        try:
            elsewhere = _named_by_accounts(connection, target)
        except ForbiddenError as refusal:
            raise NotFoundError(
                f"{missing}; another may be named by the service accounts: {refusal}"
            ) from missing
        if len(elsewhere) != 1:
            raise
        blueprint_namespace, _, blueprint_name = elsewhere[0].partition("/")
        try:
            return find_blueprint(connection, blueprint_name, blueprint_namespace)
        except NotFoundError:  # Kustomize renames a Blueprint, and not what names it in annotations
            default = _applied_name(connection, target, blueprint_namespace, hot=hot)
            return find_blueprint(connection, default, blueprint_namespace)


def _applied_name(connection: KubeClient, target: KafkaRef, namespace: str, *, hot: bool) -> str:
    """Return the name of the Blueprint that is applied in a namespace, else the default one."""
    finder = NameFinder(connection, namespace)
    if not hot:
        applied = finder.find(target)
        if applied.alternatives:
            raise ActionError(
                f"several Blueprints are for Kafka {target}: {', '.join(applied.alternatives)}; "
                "name one by --blueprint"
            )
        return applied.blueprint
    default = f"{default_blueprint(target)}.hot"
    try:
        names = [name_of(item) for item in finder.serving(target, namespace, hot=True)]
    except (ForbiddenError, NotFoundError):
        return default
    if default in names or not names:
        return default
    if len(names) > 1:
        raise ActionError(
            f"several Blueprints make hot backups of Kafka {target}: {', '.join(sorted(names))}; "
            "name one by --blueprint"
        )
    return names[0]


def _named_by_accounts(connection: KubeClient, target: KafkaRef) -> list[str]:
    label = f"{constants.MANAGED_BY}={constants.COMPONENT}"
    accounts = connection.items(SERVICE_ACCOUNTS, target.namespace, label)
    base_name, default = f"{target.name}{SUFFIX}", default_blueprint(target)
    blueprints = set()
    for item in accounts:
        blueprint = annotation(item, constants.BLUEPRINT)
        is_of_kafka = name_of(item) in (base_name, f"{base_name}-hot")
        if is_of_kafka or blueprint.partition("/")[2] in (default, f"{default}.hot"):
            blueprints.add(blueprint)
    return sorted(name for name in blueprints if name.count("/") == 1)
