"""What each Policy covers: which namespaces, and which actions of Blueprints run around what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kanister_kafka.checks.kasten.filters import leaves_out, meets, namespaces
from kanister_kafka.checks.kasten.objects import KastenObjects, parameters, read
from kanister_kafka.checks.kasten.spot import Spot
from kanister_kafka.checks.kasten.ties import Tie, ties
from kanister_kafka.checks.registry import Together
from kanister_kafka.kasten.kinds import MOMENTS
from kanister_kafka.problem import Location

AROUND = ("backupPrehook", "backup", "backupPosthook")
"""Actions that Kasten runs on a bound object during a backup, in this order."""
UNKNOWN = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An action of a Blueprint that Kasten runs, or would."""

    when: str
    """The hook, as `backup preHook`; for a bound object the action itself."""
    on: str
    """What it runs on."""
    blueprint: str
    action: str
    phases: tuple[str, ...]
    """None where the input does not have the action."""
    but: str = ""
    """Why it does not run, or why that is not known; empty where nothing is against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What one Policy covers."""

    name: str
    location: Location
    frequency: str
    """Empty where a preset has it."""
    namespaces: tuple[str, ...]
    """None where they are not selected by name."""
    operations: tuple[str, ...]
    profiles: tuple[str, ...]
    """Location profiles, of the backup and of exports."""
    runs: tuple[Run, ...]


def coverage(together: Together) -> tuple[Coverage, ...]:
    """Return what each Policy of an input covers, in the order of the input."""
    objects = read(together)
    return tuple(_coverage(objects, policy) for policy in objects.policies)


def _coverage(objects: KastenObjects, policy: Spot) -> Coverage:
    actions = list(policy.at("spec", "actions").each())
    profiles = (spot.at("profile", "name").text for _operation, spot in parameters(policy))
    return Coverage(
        name=policy.at("metadata", "name").text,
        location=policy.location,
        frequency=policy.at("spec", "frequency").text,
        namespaces=tuple(sorted(namespaces(policy))),
        operations=tuple(action.at("action").text for action in actions),
        profiles=tuple(dict.fromkeys(filter(None, profiles))),
        runs=(*_hooks(objects, policy), *_bound(objects, policy)),
    )


def _hooks(objects: KastenObjects, policy: Spot) -> Iterator[Run]:
    where = sorted(namespaces(policy)) or ["each namespace"]
    for operation, spot in parameters(policy):
        for moment in MOMENTS:
            hook = spot.at("hooks", moment)
            if hook.there:
                blueprint, action = hook.at("blueprint").text, hook.at("actionName").text
                for namespace in where:
                    yield _run(objects, f"{operation} {moment}", namespace, blueprint, action)


def _bound(objects: KastenObjects, policy: Spot) -> Iterator[Run]:
    for tie in ties(objects):
        if not meets(policy, tie):
            continue
        names = [
            name
            for name in AROUND
            if any(blueprint.action(name) for blueprint in objects.named(tie.blueprint))
        ]
        for name in names or (UNKNOWN,):
            run = _run(objects, name, f"{tie}, by {tie.by}", tie.blueprint, name)
            left_out = _leaves_out(policy, tie)
            yield replace(run, but="the filter leaves it out") if left_out else run


def _run(objects: KastenObjects, when: str, on: str, blueprint: str, action: str) -> Run:
    blueprints = objects.named(blueprint)
    found = [one.action(action) for one in blueprints]
    but = "" if any(found) else "the Blueprint has no action for it"
    return Run(
        when=when,
        on=on,
        blueprint=blueprint,
        action=action,
        phases=tuple(phase.name for one in found if one for phase in one.phases),
        but=but if blueprints else "the Blueprint is not in the input",
    )


def _leaves_out(policy: Spot, tie: Tie) -> bool:
    return any(
        leaves_out(spot.at("filters"), tie)
        for operation, spot in parameters(policy)
        if operation == "backup"
    )
