"""Workloads and services that an action stops: whether they come back, on every path.

Phases of an action run in order and the first failure ends it; its deferPhase then runs in any
case, and at once, so before a snapshot that is taken when the action is done
(pkg/controller/controller.go). Whether another action runs after a failed one is not Kanister's to
say, and Kasten's documentation promises nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from kanister_kafka.blueprint import Action, Blueprint, Phase
from kanister_kafka.blueprint.commands import KUBECTL, Statement, commands, statements
from kanister_kafka.checks.registry import Finding, Settings, check
from kanister_kafka.document import Scalar
from kanister_kafka.problem import Location, Severity

OBJECT_NAME = re.compile(
    r"\{\{-?\s*\.(?:StatefulSet\.Name|Deployment\.Name|DeploymentConfig\.Name"
    r"|Object\.metadata\.name)\s*-?\}\}"
)
FOR_A_RESTORE = ("delete", "restorePrehook")
"""Actions after which what was stopped is put there anew, or is not wanted any more."""
MAKES = ("annotate", "apply", "create", "edit", "label", "patch", "replace", "rollout", "set")
"""What kubectl can start something with, in ways that cannot be seen."""
AFTER = ("backupPosthook", "restorePosthook")
"""Actions in which a stop ends what a prehook has started, such as a pod that holds a lock."""
MOST_CHANGES = 100
"""Most things of one phase that are looked into, since each is compared with all others."""
PAUSE = "pause-reconciliation"
"""Strimzi's annotation, with `strimzi.io/` before it."""


@dataclass(frozen=True, slots=True)
class _Toggle:
    """A pair of words, in the text of a command, that stop and start something."""

    what: str
    hint: str
    """What both hold, in lower case: to look for it takes no time."""
    stop: re.Pattern[str]
    start: re.Pattern[str]
    lasts: bool
    """Whether it stays stopped when the command has ended; a lock of a session does not."""


def _toggle(what: str, hint: str, stop: str, start: str, *, lasts: bool = True) -> _Toggle:
    first, second = (re.compile(pattern, re.IGNORECASE) for pattern in (stop, start))
    return _Toggle(what, hint, first, second, lasts)


TOGGLES = (
    _toggle("writes to MongoDB", "fsync", r"\bfsyncLock\b", r"\bfsyncUnlock\b"),
    _toggle(
        "PostgreSQL's backup mode",
        "backup",
        r"\bpg_(?:start_backup|backup_start)\b",
        r"\bpg_(?:stop_backup|backup_stop)\b",
    ),
    _toggle(
        "writes to MySQL",
        "lock",
        r"\bflush\s+tables\b[^;]*\bread\s+lock\b|\block\s+instance\s+for\s+backup\b",
        r"\bunlock\s+(?:tables|instance)\b",
        lasts=False,
    ),
    _toggle(
        "writes to a file system",
        "freeze",
        r"\bfsfreeze\s+(?:-f\b|--freeze)|\bxfs_freeze\s+-f\b",
        r"\bfsfreeze\s+(?:-u\b|--unfreeze)|\bxfs_freeze\s+-u\b",
    ),
    _toggle(
        "reconciliation by Strimzi",
        PAUSE,
        rf"{PAUSE}[=\"':\s]+true",
        rf"{PAUSE}(?:-|[=\"':\s]+false)",
    ),
)


@dataclass(frozen=True, slots=True)
class _Change:
    """Something that a phase stops or starts."""

    what: str
    """The same for what is stopped and started; with `{{` where only the run can tell."""
    starts: bool
    phase: Phase
    path: str
    place: Location
    certain: bool
    """Whether the phase does it whenever it runs: no condition of a script decides."""
    lasts: bool = True
    """Whether what is stopped stays so when the command has ended."""

    def undoes(self, other: _Change) -> bool:
        """Tell whether this may start again what another has stopped."""
        return (
            self.starts
            and not other.starts
            and (self.what == other.what or "{{" in self.what + other.what or "*" in self.what)
        )


def _changes(phase: Phase) -> list[_Change]:
    if phase.func == "ScaleWorkload":
        return _scaled(phase)
    found = [change for s in statements(phase, *KUBECTL) for change in _kubectl(phase, s)]
    for path, node in phase.values:
        for toggle, starts, start in _toggled(node.text):
            place, certain = node.place_at(start), _unconditional(phase)
            found.append(_Change(toggle.what, starts, phase, path, place, certain, toggle.lasts))
    return _once(found)


def _once(found: list[_Change]) -> list[_Change]:
    """Keep the last stop and the last start of each thing: how it is left depends on these."""
    kept: dict[tuple[str, bool], _Change] = {}
    for change in found:
        key = (change.what, change.starts)
        kept.pop(key, None)
        kept[key] = change
    return list(kept.values())[:MOST_CHANGES]


@lru_cache(maxsize=1024)  # Blueprints repeat themselves
def _toggled(text: str) -> tuple[tuple[_Toggle, bool, int], ...]:
    """Return what a text toggles, whether it starts it, and where."""
    lower = text.lower()
    return tuple(
        (toggle, starts, match.start())
        for toggle in TOGGLES
        if toggle.hint in lower
        for pattern, starts in ((toggle.stop, False), (toggle.start, True))
        if (match := pattern.search(text))
    )


def _scaled(phase: Phase) -> list[_Change]:
    count = phase.argument("replicas")
    if not isinstance(count, Scalar):
        return []
    named = phase.argument("name")
    kind = phase.argument("kind")
    name = named.text if isinstance(named, Scalar) else "{{ .Object.metadata.name }}"
    name = OBJECT_NAME.sub("the object", name)
    of = kind.text.lower() + " " if isinstance(kind, Scalar) and "{{" not in kind.text else ""
    what = f"{of}{name}" if name != "the object" else "the object of the action"
    path, starts = f"{phase.path}.args.replicas", count.text.strip() != "0"
    return [_Change(what, starts, phase, path, count.location, certain=True)]


def _kubectl(phase: Phase, statement: Statement) -> Iterator[_Change]:
    if statement.plain[1:2] != ("scale",):
        return
    count = statement.option("--replicas")
    if not count:
        return
    named = [word for word in statement.plain[2:] if word != count]
    what = " ".join(named[:2]).replace("/", " ").lower() or "*"
    if "--all" in statement.words or re.search(r"[$`]", what):
        what = "*"
    place = statement.node.place(statement.line, statement.column)
    yield _Change(what, count != "0", phase, statement.path, place, _unconditional(phase))


@lru_cache(maxsize=16)  # asked for each thing that a phase stops or starts
def _unconditional(phase: Phase) -> bool:
    words = " ".join(node.text for command in commands(phase) for _path, node in command.words)
    return re.search(r"\b(?:if|case)\b|&&|\|\|", words) is None


@dataclass(frozen=True, slots=True)
class _Stop:
    """Something that an action stops, with what starts it again."""

    action: Action
    change: _Change
    later: tuple[_Change, ...]
    """In later phases of the action."""
    deferred: tuple[_Change, ...]
    elsewhere: tuple[_Change, ...]
    """In other actions."""


@lru_cache(maxsize=1)  # for the checks that follow
def _stops(blueprint: Blueprint) -> tuple[_Stop, ...]:
    return tuple(_stopped(blueprint))


def _stopped(blueprint: Blueprint) -> Iterator[_Stop]:
    changes = {phase: _changes(phase) for phase in blueprint.phases}
    every = [change for found in changes.values() for change in found]
    for action in blueprint.actions:
        for i, phase in enumerate(action.phases):
            mine = changes[phase]
            for n, change in enumerate(mine):
                if change.starts:
                    continue
                undone = [other for other in every if other.undoes(change)]
                rest = {*action.phases[i + 1 :]}
                yield _Stop(
                    action,
                    change,
                    tuple(c for c in undone if c.phase in rest or c in mine[n + 1 :]),
                    tuple(c for c in undone if c.phase is action.defer_phase),
                    tuple(c for c in undone if c.phase.action != action.name),
                )


@check("stopped-for-good")
def stopped_for_good(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find what is stopped and started nowhere in the Blueprint."""
    makes = _makes(blueprint)
    for stop in _stops(blueprint):
        hidden = makes and stop.change.phase.func != "ScaleWorkload"
        if hidden or not stop.change.lasts or stop.action.name in FOR_A_RESTORE:
            continue
        if not (stop.later or stop.deferred or stop.elsewhere):
            message = f"stops {stop.change.what}, and nothing in this Blueprint starts it again"
            yield Finding(stop.change.place, stop.change.path, message)


def left_stopped(blueprint: Blueprint, action: Action) -> tuple[str, ...]:
    """Return what an action stops whenever it runs, and has not started again when it is done."""
    if action.defer_phase is not None and not _plain(action.defer_phase):
        return ()
    return tuple(
        stop.change.what
        for stop in _stops(blueprint)
        if stop.action is action
        and stop.change.certain
        and stop.change.lasts
        and not (stop.later or stop.deferred)
    )


def _makes(blueprint: Blueprint) -> bool:
    """Tell whether some command may start things in a way that is not looked into."""
    found = (s for phase in blueprint.phases for s in statements(phase, *KUBECTL))
    return any(not {*s.plain[1:2]}.isdisjoint(MAKES) for s in found)


@check("stopped-after-failure", Severity.WARNING)
def stopped_after_failure(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find what stays stopped when a phase fails: no deferPhase starts it again."""
    for stop in _stops(blueprint):
        phase = stop.change.phase
        if stop.deferred or any(c.phase is phase for c in stop.later):
            continue
        if stop.action.name in (*AFTER, *FOR_A_RESTORE) or not stop.change.lasts:
            continue
        if stop.action.defer_phase is not None and not _plain(stop.action.defer_phase):
            continue
        if stop.later or stop.elsewhere:
            message = (
                f"stops {stop.change.what}; if this or a later phase fails it stays so: start it "
                f"in a deferPhase of action {stop.action.name} when the stop has not succeeded"
            )
            yield Finding(stop.change.place, stop.change.path, message)


def _plain(phase: Phase) -> bool:
    """Tell whether all that a phase does can be seen: it runs no script."""
    return not any(command.script for command in commands(phase))


@check("undone-by-defer")
def undone_by_defer(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find a deferPhase that starts what the action has stopped for a snapshot to come.

    It runs when the phases are done, before Kasten's snapshot, which then is of a running workload.
    """
    for stop in _stops(blueprint):
        is_pair = stop.action.name == "backupPrehook" or bool(stop.elsewhere)
        for change in stop.deferred:
            if is_pair and change.certain and not stop.later:
                message = (
                    f"starts {change.what} at the end of action {stop.action.name}, so before the "
                    "snapshot; start it in backupPosthook, and here only when the stop has failed"
                )
                yield Finding(change.place, change.path, message)
