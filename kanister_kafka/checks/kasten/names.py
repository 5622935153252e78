"""Names of actions: the seven that Kasten runs on bound objects, and what looks like one of them.

docs.kasten.io/9.0.10/kanister/reference/action-names: on a bound object any other name is ignored
in silence, while an action hook of a Policy may call any name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from itertools import permutations

from kanister_kafka.blueprint import Action, Blueprint
from kanister_kafka.checks.kasten.objects import KastenObjects
from kanister_kafka.checks.kasten.rule import hold, rule
from kanister_kafka.checks.registry import Finding, Settings, Together, check_together
from kanister_kafka.problem import Severity

TIMEOUTS = {
    "backupPrehook": 20,
    "backup": 45,
    "backupPosthook": 20,
    "restorePrehook": 20,
    "restore": 600,
    "restorePosthook": 20,
    "delete": 45,
}
"""Reserved names, with Kasten's default limit for the whole action in minutes. The page gives none
for restorePrehook, which came with 9.0.10; the limit is taken to be that of the other hooks."""
HOOKS = {
    "backupPrehook": ("backup", "pre", "hook"),
    "backupPosthook": ("backup", "post", "hook"),
    "restorePrehook": ("restore", "pre", "hook"),
    "restorePosthook": ("restore", "post", "hook"),
}
"""Names that mean nothing outside Kasten, in the words that they are remembered by."""
ALIKE = 0.88
"""Ratio of difflib: one letter wrong or two left out of the 13 to 15 of a hook's name."""
OURS = "kanister-kafka"


@rule("kasten-near-reserved-action")
def near_reserved(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find names that miss a reserved one by their spelling: Kasten never runs the action."""
    for _blueprint, action in _uncalled(objects):
        if wanted := reserved_like(action.name):
            yield _named(
                action,
                f'Invalid value: "{action.name}": Kasten ignores this name in silence; '
                f'did you mean "{wanted}"?',
            )


@check_together("near-reserved-action", Severity.WARNING)
def near_reserved_anywhere(together: Together, settings: Settings) -> Iterator[Finding]:
    """Find nearly reserved names of hooks where nothing else tells whether Kasten is there."""
    if settings.kasten is False or hold(together, settings):
        return
    for blueprint in together.blueprints:
        for action in blueprint.actions:
            wanted = reserved_like(action.name)
            if wanted in HOOKS:
                yield _named(
                    action,
                    f'Invalid value: "{action.name}": Kasten would ignore this name in silence; '
                    f'did you mean "{wanted}"?',
                )


@rule("kasten-uncalled-hook", Severity.WARNING)
def uncalled_hook(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find reserved names in another order of words: only a hook of a Policy runs the action."""
    for _blueprint, action in _uncalled(objects):
        if wanted := _reordered(action.name):
            yield _named(
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
            yield _named(
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
            yield _named(
                action,
                "Kasten runs restorePrehook from 9.0.10 on, and only where the bound object is "
                "still there",
            )


def reserved_like(name: str) -> str:
    """Return the reserved name that this one misses by its spelling, or an empty string."""
    if name in TIMEOUTS:
        return ""
    plain = _plain(name)
    for reserved in TIMEOUTS:
        if plain in (reserved.casefold(), f"{reserved.casefold()}s"):
            return reserved
    for hook in HOOKS:
        wanted = hook.casefold()
        variant = wanted in plain or not plain.isalpha()  # backupPrehook2 is meant to differ
        if not variant and difflib.get_close_matches(plain, [wanted], cutoff=ALIKE):
            return hook
    return ""


def _reordered(name: str) -> str:
    """Return the reserved hook whose words these are, such as preBackupHook; else nothing."""
    plain = _plain(name).removesuffix("s")
    for hook, words in HOOKS.items():
        orders = {"".join(order) for order in (*permutations(words), *permutations(words[:2]))}
        if plain in orders and not reserved_like(name):
            return hook
    return ""


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _uncalled(objects: KastenObjects) -> Iterator[tuple[Blueprint, Action]]:
    for blueprint in objects.blueprints:
        for action in blueprint.actions:
            if action.name not in TIMEOUTS and not objects.calls(blueprint, action.name):
                yield blueprint, action


def _named(action: Action, message: str) -> Finding:
    return Finding(action.entry.location, action.path, message)
