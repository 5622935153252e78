"""Workloads and services that an action stops: whether they come back, on every path.

Phases of an action run in order and the first failure ends it; its deferPhase then runs in any
case, and at once, so before a snapshot that is taken when the action is done
(pkg/controller/controller.go). Kanister does not decide whether another action runs after a failed
one, and Kasten's documentation promises nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from kanister_kafka.diagnostics import Diagnostic, Diagnostics, Severity
from kanister_kafka.kanister import Blueprint, BlueprintAction, BlueprintPhase
from kanister_kafka.kanister.blueprint import cached_on_model
from kanister_kafka.kanister.commands import commands
from kanister_kafka.kanister.kubectl import KubectlCall, KubectlTarget, kubectl_calls
from kanister_kafka.linter.registry import BLUEPRINT, LintSettings, Rule, lint_rule
from kanister_kafka.linter.state_changes import (
    PAUSES,
    UNPAUSED,
    UNSCALED,
    ObjectCreation,
    StateChange,
    object_creations,
    state_changes,
)

FOR_A_RESTORE = ("delete", "restorePrehook")
"""Actions after which what was stopped is put there anew, or is not wanted any more."""
AFTER = ("backupPosthook", "restorePosthook")
"""Actions in which a stop ends what a prehook has started, such as a pod that holds a lock."""


class _StoppedWorkload(NamedTuple):
    """Something that an action stops, and the changes that start it again."""

    action: BlueprintAction
    change: StateChange
    later: tuple[StateChange, ...]
    """In later phases of the action."""
    deferred: tuple[StateChange, ...]
    elsewhere: tuple[StateChange, ...]
    """In other actions."""
    namesakes: tuple[StateChange, ...]
    """Changes that start something else of the same name."""
    hidden: bool
    """Whether what follows, or another action, may start it in a way that is not looked into."""


@cached_on_model
def _stops(blueprint: Blueprint) -> tuple[_StoppedWorkload, ...]:
    return tuple(_stopped(blueprint))


def _stopped(blueprint: Blueprint) -> Iterator[_StoppedWorkload]:
    changes = {phase: state_changes(phase) for phase in blueprint.phases}
    every = list(chain.from_iterable(changes.values()))
    hiding = object_creations(blueprint)
    for action in blueprint.actions:
        for i, phase in enumerate(action.phases):
            of_phase = changes[phase]
            for n, change in enumerate(of_phase):
                if change.starts:
                    continue
                undone = [candidate for candidate in every if candidate.may_undo(change)]
                later = {*action.phases[i + 1 :]}
                yield _StoppedWorkload(
                    action,
                    change,
                    tuple(c for c in undone if c.phase in later or c in of_phase[n + 1 :]),
                    tuple(c for c in undone if c.phase is action.defer_phase),
                    tuple(c for c in undone if c.phase.action != action.name),
                    tuple(c for c in every if c not in undone and _is_namesake(c, change)),
                    any(_follows(maker, change, later) for maker in hiding),
                )


def _is_namesake(change: StateChange, stop: StateChange) -> bool:
    named = bool(stop.target.name) and change.target.name == stop.target.name
    return change.starts and named and change.kind == stop.kind


def _follows(maker: ObjectCreation, stop: StateChange, later: set[BlueprintPhase]) -> bool:
    """Return whether something may start what is stopped, and runs then: after it, or elsewhere."""
    if not maker.may_start(stop):
        return False
    phase = maker.phase
    if phase is stop.phase:
        new, old = maker.place, stop.place
        return (new.line, new.column) > (old.line, old.column) or maker.position > stop.position
    return phase.action != stop.phase.action or phase.index is None or phase in later


@lint_rule(BLUEPRINT, "stopped-for-good")
def stopped_for_good(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find what is stopped and started nowhere in the Blueprint."""
    for stop in _stops(blueprint):
        if stop.hidden or not stop.change.lasts or stop.action.name in FOR_A_RESTORE:
            continue
        if not (stop.later or stop.deferred or stop.elsewhere):
            message = f"stops {stop.change.what}, and nothing in this Blueprint starts it again"
            yield rule.report(stop.change.place, stop.change.path, message + _another(stop))


def left_stopped(blueprint: Blueprint, action: BlueprintAction) -> tuple[str, ...]:
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


def _another(stop: _StoppedWorkload) -> str:
    """Return what is started in its stead, if anything is."""
    for namesake in stop.namesakes[:1]:
        stopped, started = stop.change.target, namesake.target
        if stopped.kind == started.kind:
            namespaces = f"in namespace {started.namespace}, not in {stopped.namespace}"
            return f"; line {namesake.place.line} starts one of the name {namespaces}"
        return f"; line {namesake.place.line} starts {namesake.what}"
    return ""


@lint_rule(BLUEPRINT, "stopped-after-failure", Severity.WARNING)
def stopped_after_failure(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find what stays stopped when a phase fails: no deferPhase starts it again."""
    for stop in _stops(blueprint):
        phase = stop.change.phase
        undone = chain(stop.deferred, (c for c in stop.later if c.phase is phase))
        if any(c.target.is_called_so(stop.change.target) for c in undone):
            continue
        if stop.action.name in AFTER + FOR_A_RESTORE or not stop.change.lasts:
            continue
        if stop.action.defer_phase is not None and not _plain(stop.action.defer_phase):
            continue
        if stop.later or stop.elsewhere:
            message = (
                f"stops {stop.change.what}; if this or a later phase fails it stays so: start it "
                f"in a deferPhase of action {stop.action.name} when the stop has not succeeded"
            )
            yield rule.report(stop.change.place, stop.change.path, message)


def _plain(phase: BlueprintPhase) -> bool:
    """Return whether all that a phase does can be seen: it runs no script."""
    return not any(command.script for command in commands(phase))


@lint_rule(BLUEPRINT, "undone-by-defer")
def undone_by_defer(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find a deferPhase that starts what the action has stopped for a snapshot to come.

    It runs when the phases are done, before Kasten's snapshot, which then is of a running workload.
    """
    for stop in _stops(blueprint):
        is_pair = stop.action.name == "backupPrehook" or bool(stop.elsewhere)
        for change in stop.deferred:
            if is_pair and change.certain and change.undoes(stop.change) and not stop.later:
                message = (
                    f"starts {change.what} at the end of action {stop.action.name}, so before the "
                    "snapshot; start it in backupPosthook, and here only when the stop has failed"
                )
                yield rule.report(change.place, change.path, message)


# Commands that mean to stop something in a way that it does not have.

INSTEAD = {
    "kafkas": "pause it with strimzi.io/pause-reconciliation and delete its StrimziPodSets",
    "strimzipodsets": "pause the Kafka, or what else it is of, and delete it",
}
DEFAULT = "Kubernetes answers NotFound"


def _call_targets(blueprint: Blueprint) -> Iterator[tuple[KubectlCall, KubectlTarget]]:
    for phase in blueprint.phases:
        for call in kubectl_calls(phase):
            for target in call.targets:
                yield call, target


def _finding(rule: Rule, call: KubectlCall, message: str) -> Diagnostic:
    statement = call.statement
    location = statement.node.place(statement.line, statement.column)
    return rule.report(location, statement.path, message)


@lint_rule(BLUEPRINT, "scale-subresource")
def scale_subresource(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find `kubectl scale` of objects without a scale, or whose scale is not a number of pods.

    Strimzi gives one to KafkaConnect, KafkaMirrorMaker2, KafkaBridge and KafkaNodePool. That of a
    KafkaConnector is its number of tasks, which is never 0.
    """
    for call, target in _call_targets(blueprint):
        if call.verb != "scale":
            continue
        kind = target.kind.removesuffix("s")
        if target.kind in UNSCALED:
            message = f"fails: a {kind} has no scale subresource"
            yield _finding(rule, call, f"{message}; {INSTEAD.get(target.kind, DEFAULT)}")
        elif target.kind == "kafkaconnectors" and call.option("--replicas") == "0":
            message = "fails: the scale of a KafkaConnector is tasksMax, which is at least 1"
            yield _finding(rule, call, f"{message}; set spec.state: stopped with kubectl patch")


@lint_rule(BLUEPRINT, "pause-ignored")
def pause_ignored(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find Strimzi's annotation on what no one pauses: what is deleted then comes back at once."""
    calls = [pair for pair in _call_targets(blueprint) if PAUSES.stop.search(pair[0].text)]
    paused = [(call, target) for call, target in calls if call.verb in ("annotate", "patch")]
    if not all(target.kind in UNPAUSED for _call, target in paused):
        return  # its owner is paused as well, so it does no harm
    for call, target in paused:
        kind = target.kind.removesuffix("s")
        message = f"pauses nothing: Strimzi does not read the annotation on a {kind}; "
        yield _finding(rule, call, f"{message}set it on the Kafka, or what else it is of")
