"""Blueprints that were rendered here: the effects of their actions, and hooks that may call them.

Only its author knows that of another Blueprint. Rendered ones stop and start one certain Kafka,
which `plan` decides and docs/design.md describes.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

from kanister_kafka.constants import BLUEPRINT, COMPONENT, INPUT_HASH, MANAGED_BY
from kanister_kafka.constants import BLUEPRINT as BLUEPRINT_ANNOTATION
from kanister_kafka.kanister import Blueprint, BlueprintPhase
from kanister_kafka.kanister.blueprint import cached_on_model
from kanister_kafka.linter.kasten.cursor import Cursor
from kanister_kafka.linter.kasten.objects import HookCallSite, KastenObjects
from kanister_kafka.yamldoc import Document, Scalar

DOES = {
    "backupPrehook": "stops Kafka for the snapshots",
    "backupPosthook": "brings Kafka back, and fails if it was not stopped all the time",
    "resume": "brings Kafka back, and does not judge the backup",
    "beforeRestore": "stops Kafka for a restore",
    "afterRestore": "brings a restored Kafka back, with its cluster id",
    "backup": "is the whole backup of --engine kanister",
    "restore": "is the whole restore of --engine kanister",
    "delete": "deletes a backup of --engine kanister",
}
"""By action, as `render` names them."""
CALLS = {
    ("backup", "preHook"): ("backupPrehook",),
    ("backup", "onSuccess"): ("backupPosthook",),
    ("backup", "onFailure"): ("resume", "backupPosthook"),
    ("restore", "preHook"): ("beforeRestore",),
    ("restore", "onSuccess"): ("afterRestore",),
}
"""Where each is right, by operation and moment. What is half restored is not to be started."""
POOLS = "kafkanodepools.kafka.strimzi.io::"
"""Within the rights that a step checks before it stops anything, if there are node pools."""


class RenderedBlueprint(NamedTuple):
    """A Blueprint that was rendered here."""

    name: str
    namespace: str = ""
    """Of its Kafka; empty if that is not known."""
    cold: bool | None = None
    """Whether it stops Kafka; None if it is known by name alone."""
    restores: bool = False
    """Whether it has the actions that a restore calls."""
    pools: bool | None = None
    """Whether its Kafka has node pools; None if it is known by name alone."""
    here: bool = False
    """Whether it is in the input."""
    cluster: str = ""
    """Name of its Kafka; empty if that is not known."""
    state: str = ""
    """Name of the ConfigMap with the state; empty if that is not known."""


@cached_on_model
def rendered_blueprints(objects: KastenObjects) -> dict[str, RenderedBlueprint]:
    """Return the Blueprints that were rendered here, by name.

    They are in the input, or an object that was rendered with them names them in its annotation.
    """
    blueprints: dict[str, RenderedBlueprint] = {}
    in_input = {blueprint.name for blueprint in objects.blueprints}
    for item in chain(objects.policies, objects.restores):
        name = item.at("metadata", "annotations", BLUEPRINT).text.rpartition("/")[2]
        if name and name not in in_input:
            blueprints[name] = RenderedBlueprint(name)
    for blueprint in objects.blueprints:
        if blueprint.name and is_rendered_here(blueprint.document):
            blueprints[blueprint.name] = _read(blueprint)
    return {name: rendered for name, rendered in blueprints.items() if _all_ours(objects, name)}


def of_hooks(
    objects: KastenObjects, hooks: Iterable[HookCallSite]
) -> tuple[RenderedBlueprint, ...]:
    """Return those that certain hooks call, each once."""
    every = rendered_blueprints(objects)
    named = dict.fromkeys(hook.blueprint.text for hook in hooks)
    return tuple(every[name] for name in named if name in every)


def of_namespace(objects: KastenObjects, namespace: str, kind: str) -> tuple[Cursor, ...]:
    """Return Strimzi's objects of a kind that the input has in a namespace."""
    return objects.strimzi.get((kind, namespace), ())


def _all_ours(objects: KastenObjects, name: str) -> bool:
    return all(is_rendered_here(blueprint.document) for blueprint in objects.named(name))


def _read(blueprint: Blueprint) -> RenderedBlueprint:
    first = blueprint.action("backupPrehook")
    named = {phase.argument("namespace") for phase in first.phases} if first else set()
    places = {node.text for node in named if isinstance(node, Scalar)}
    alone = places.pop() if len(places) == 1 else ""
    values = chain.from_iterable(phase.values for phase in blueprint.phases)
    variables = _variables(first.phases[0]) if first and first.phases else {}
    return RenderedBlueprint(
        name=blueprint.name,
        namespace="" if "{" in alone else alone,
        cold=blueprint.action("backupPosthook") is not None,
        restores=blueprint.action("beforeRestore") is not None,
        pools=any(POOLS in node.text for _path, node in values),
        here=True,
        cluster=variables.get("CLUSTER", ""),
        state=variables.get("STATE_CONFIGMAP", ""),
    )


def _variables(phase: BlueprintPhase) -> dict[str, str]:
    """Return the variables that a phase gives its container, as far as they are plain."""
    node = phase.argument("podOverride")
    override = Cursor(node, phase.path, phase.node.location)
    containers = (container.at("env") for container in override.at("containers").each())
    variables = chain.from_iterable(env.each() for env in containers)
    return {variable.at("name").text: variable.at("value").text for variable in variables}


# Objects that were rendered here.


def is_rendered_here(document: Document) -> bool:
    """Return whether an object has the label or an annotation of kanister-kafka.

    Kustomize and Helm may set the label anew.
    """
    return document.text("metadata", "labels", MANAGED_BY) == COMPONENT or any(
        document.text("metadata", "annotations", name)
        for name in (INPUT_HASH, BLUEPRINT_ANNOTATION)
    )
