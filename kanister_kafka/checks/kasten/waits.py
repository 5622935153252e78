"""How long an action may wait, held against the time that Kasten gives it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kanister_kafka.blueprint import Action, Phase
from kanister_kafka.blueprint.commands import KUBECTL, Statement, statements
from kanister_kafka.blueprint.values import duration
from kanister_kafka.checks.kasten.objects import Hook, KastenObjects
from kanister_kafka.checks.kasten.rule import rule
from kanister_kafka.checks.registry import Finding, Settings
from kanister_kafka.checks.reserved import TIMEOUTS
from kanister_kafka.document import Scalar
from kanister_kafka.problem import Severity

HOOK_TIMEOUT = 20
"""Minutes: Kasten's default for hooks. None is documented for action hooks; theirs is taken to be
the same."""
NUMBER = re.compile(r"([0-9]{1,9}(?:\.[0-9]{0,9})?)([smhd]?)")
"""The duration of timeout(1)."""
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
WITH_VALUE = ("-k", "--kill-after", "-s", "--signal")
"""Options of timeout(1) whose value may be the next word."""
POSITIVE = re.compile("[0-9]*[1-9][0-9]*")


@rule("kasten-hook-timeout", Severity.WARNING)
def hook_timeout(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find actions whose waits add up to more than Kasten's default for the whole action."""
    for blueprint in objects.blueprints:
        for action in blueprint.actions:
            hooks = objects.calls(blueprint, action.name)
            minutes = HOOK_TIMEOUT if hooks else TIMEOUTS.get(action.name, 0)
            seconds = sum(map(_waits, action.all_phases)) if minutes else 0
            if seconds > minutes * 60:
                message = (
                    f"its waits add up to {_shown(seconds)}, and Kasten ends the action after "
                    f"{minutes}m by default; shorten them, or raise {_value(action, hooks)}"
                )
                yield Finding(action.entry.location, action.path, message)


@rule("kasten-fixed-replicas", Severity.INFO)
def fixed_replicas(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find numbers of replicas that are right until somebody scales the workload."""
    for blueprint in objects.blueprints:
        for action in blueprint.actions:
            if action.name not in TIMEOUTS and not objects.calls(blueprint, action.name):
                continue
            for phase in action.all_phases:
                replicas = phase.argument("replicas")
                if phase.func != "ScaleWorkload" or not isinstance(replicas, Scalar):
                    continue
                if POSITIVE.fullmatch(replicas.text):
                    message = (
                        f"{replicas.text} is the number of today; have the action that stops the "
                        "workload keep its number in an annotation, and scale to that"
                    )
                    yield Finding(replicas.location, f"{phase.path}.args.replicas", message)


def waits(statement: Statement) -> float:
    """Return for how many seconds a command waits at most, where its words tell."""
    if statement.runs("timeout"):
        return _timeout(list(statement.words[1:]))
    if statement.runs("kubectl") or statement.runs("oc"):
        return max(0.0, (duration(statement.option("--timeout") or "") or 0) / 1e9)
    return 0.0


def _waits(phase: Phase) -> float:
    if phase.func in ("Wait", "WaitV2"):
        timeout = phase.argument("timeout")
        text = timeout.text if isinstance(timeout, Scalar) else ""
        return max(0.0, (duration(text) or 0) / 1e9)
    return sum(map(waits, statements(phase, "timeout", *KUBECTL)))


def _timeout(words: list[str]) -> float:
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in WITH_VALUE else words[1:]
    found = NUMBER.fullmatch(words[0]) if words else None
    return float(found[1]) * SECONDS[found[2]] if found else 0.0


def _shown(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def _value(action: Action, hooks: tuple[Hook, ...]) -> str:
    logical = {"backup": "Backup", "restore": "Restore", "delete": "Delete"}
    kind = "Hooks" if hooks else logical.get(action.name, "Hooks")
    return f"timeout.blueprint{kind}"
