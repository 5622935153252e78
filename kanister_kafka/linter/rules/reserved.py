"""Names of actions that Kasten reserves, and names that look like one of them.

docs.kasten.io/9.0.10/kanister/reference/action-names: on a bound object any other name is ignored
in silence, while an action hook of a Policy may call any name.
"""

from __future__ import annotations

import difflib
from itertools import chain

from kanister_kafka.diagnostics import Diagnostic, Diagnostics, Severity
from kanister_kafka.kanister import BlueprintAction
from kanister_kafka.linter.registry import MANIFEST_SET, LintSettings, ManifestSet, Rule, lint_rule

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


@lint_rule(MANIFEST_SET, "near-reserved-action", Severity.WARNING)
def near_reserved_anywhere(
    rule: Rule, manifests: ManifestSet, settings: LintSettings
) -> Diagnostics:
    """Find nearly reserved names of hooks if nothing else shows whether Kasten is there."""
    for action in chain.from_iterable(one.actions for one in manifests.blueprints):
        hook = reserved_like(action.name)
        if hook not in HOOKS:
            continue
        from kanister_kafka.linter.kasten.objects import read_kasten_objects  # slow to import

        if settings.kasten is False or read_kasten_objects(manifests).rules_apply(settings):
            return  # the rules of Kasten report it
        message = (
            f'Invalid value: "{action.name}": Kasten would ignore this name in silence; '
            f'did you mean "{hook}"?'
        )
        yield named(rule, action, message)


def reserved_like(name: str) -> str:
    """Return the reserved name that this one misses by its spelling, or an empty string."""
    if name in TIMEOUTS:
        return ""
    letters = plain(name)
    for reserved in TIMEOUTS:
        if letters in (reserved.casefold(), f"{reserved.casefold()}s"):
            return reserved
    for hook in HOOKS:
        letters_of_hook = hook.casefold()
        variant = (
            letters_of_hook in letters or not letters.isalpha()
        )  # backupPrehook2 is meant to differ
        if not variant and difflib.get_close_matches(letters, [letters_of_hook], cutoff=ALIKE):
            return hook
    return ""


def plain(name: str) -> str:
    """Return the letters and digits of a name, in lower case."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def named(rule: Rule, action: BlueprintAction, message: str) -> Diagnostic:
    """Make a finding that points at the name of an action."""
    return rule.report(action.entry.location, action.path, message)
