"""Names of actions: the seven that Kasten runs on bound objects, and what looks like one of them.

docs.kasten.io/9.0.10/kanister/reference/action-names: on a bound object any other name is ignored
in silence, while an action hook of a Policy may call any name.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from kanister_kafka.blueprint import Action, Blueprint
from kanister_kafka.checks.kasten.objects import KastenObjects
from kanister_kafka.checks.kasten.rule import rule
from kanister_kafka.checks.registry import Finding, Settings
from kanister_kafka.checks.reserved import HOOKS, TIMEOUTS, named, plain, reserved_like
from kanister_kafka.problem import Severity

OURS = "kanister-kafka"


@rule("kasten-near-reserved-action")
def near_reserved(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find names that miss a reserved one by their spelling: Kasten never runs the action."""
    for _blueprint, action in _uncalled(objects):
        if wanted := reserved_like(action.name):
            yield named(
                action,
                f'Invalid value: "{action.name}": Kasten ignores this name in silence; '
                f'did you mean "{wanted}"?',
            )


@rule("kasten-uncalled-hook", Severity.WARNING)
def uncalled_hook(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find reserved names in another order of words: only a hook of a Policy runs the action."""
    for _blueprint, action in _uncalled(objects):
        if wanted := _reordered(action.name):
            yield named(
                action,
                f'"{action.name}" runs only where a Policy calls it, and none in the input does; '
                f'on a bound object Kasten runs "{wanted}"',
            )


@rule("kasten-uncalled-action", Severity.INFO)
def uncalled_action(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find actions that only a person runs; those of our own Blueprints are meant to be."""
    for blueprint, action in _uncalled(objects):
        made_by = blueprint.document.text("metadata", "labels", "app.kubernetes.io/managed-by")
        if made_by != OURS and not reserved_like(action.name) and not _reordered(action.name):
            yield named(
                action,
                "Kasten does not run this action: its name is not reserved, and no Policy in the "
                "input calls it",
            )


@rule("kasten-restore-prehook", Severity.INFO)
def restore_prehook(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find an action that older versions of Kasten do not run."""
    for blueprint in objects.blueprints:
        action = blueprint.action("restorePrehook")
        if action and not objects.calls(blueprint, action.name):
            yield named(
                action,
                "Kasten runs restorePrehook from 9.0.10 on, and only where the bound object is "
                "still there",
            )


def _reordered(name: str) -> str:
    """Return the reserved hook whose words these are, such as preBackupHook; else nothing."""
    letters = plain(name).removesuffix("s")
    for hook, words in HOOKS.items():
        orders = {"".join(order) for order in (*permutations(words), *permutations(words[:2]))}
        if letters in orders and not reserved_like(name):
            return hook
    return ""


def _uncalled(objects: KastenObjects) -> Iterator[tuple[Blueprint, Action]]:
    for blueprint in objects.blueprints:
        for action in blueprint.actions:
            if action.name not in TIMEOUTS and not objects.calls(blueprint, action.name):
                yield blueprint, action
