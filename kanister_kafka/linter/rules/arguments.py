"""Values of arguments: what Kanister cannot decode, refuses, reads otherwise or drops."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kanister_kafka.diagnostics import Diagnostics, Severity
from kanister_kafka.kanister import Blueprint, BlueprintPhase
from kanister_kafka.kanister.decoding import (
    decode,
    field_of,
    is_template,
    text_of,
    unsupported_message,
)
from kanister_kafka.linter.registry import BLUEPRINT, LintSettings, Rule, lint_rule
from kanister_kafka.linter.rules.functions import phases_with_function
from kanister_kafka.yamldoc import MappingNode, Node, Scalar, Sequence


@lint_rule(
    BLUEPRINT,
    {
        "argument-type": Severity.ERROR,
        "argument-value": Severity.ERROR,
        "unquoted-value": Severity.ERROR,
        "ignored-key": Severity.WARNING,
    },
)
def argument_decoding(_rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find what `kanister.decoding` reports of the values of arguments, under its ids."""
    for phase, function in phases_with_function(blueprint, settings):
        for entry in phase.arguments.entries:
            argument = function.arguments.get(entry.key)
            if argument is not None:
                yield from decode(argument, f"{phase.path}.args.{entry.key}", entry.value)


# Arguments that need each other or exclude each other, as each function's Exec() has it.

FIELDS = re.compile(r"\{\{-?\s*(?:\.\w+)+\s*-?\}\}")
"""A template that only names a value, which is hardly named to be empty."""


def is_filled(node: Node | None) -> bool | None:
    """Return whether a value is set to something; None if only the run shows that."""
    if isinstance(node, Sequence):
        return bool(node.items)
    if isinstance(node, MappingNode):
        return bool(node.entries)
    text = text_of(node)
    if not is_template(text):
        return bool(text)
    return None if is_template(FIELDS.sub("", text)) else True


def _one_of(
    rule: Rule, phase: BlueprintPhase, names: tuple[str, str], both: str, none: str = ""
) -> Diagnostics:
    """Find both or neither of two arguments, each with its reason; no `none` allows neither."""
    first, second = names
    filled = [is_filled(phase.argument(name)) for name in names]
    if all(filled):
        node = phase.argument(second) or phase.arguments
        message = f"Invalid value: {first} is given as well; {both}"
        yield rule.report(node.location, f"{phase.path}.args.{second}", message)
    elif none and filled == [False, False]:
        message = f"Required value: {first} or {second}; {none}"
        yield rule.report(phase.arguments.location, f"{phase.path}.args.{first}", message)


def _needs(rule: Rule, phase: BlueprintPhase, why: str, *names: str) -> Diagnostics:
    for name in names:
        if is_filled(phase.argument(name)) is False:
            node = phase.argument(name) or phase.arguments
            yield rule.report(node.location, f"{phase.path}.args.{name}", f"Required value: {why}")


def _kubeops(rule: Rule, phase: BlueprintPhase) -> Diagnostics:
    operation = text_of(phase.argument("operation"))
    if operation in ("create", "patch"):
        yield from _needs(rule, phase, f"{operation} needs it", "spec")
    if operation not in ("delete", "patch"):
        return
    reference = phase.argument("objectReference")
    if not isinstance(reference, MappingNode):
        yield from _needs(rule, phase, f"{operation} needs it", "objectReference")
        return
    for name in ("apiVersion", "resource", "name"):
        if is_filled(field_of(reference, name)) is False:
            path = f"{phase.path}.args.objectReference.{name}"
            yield rule.report(reference.location, path, f"Required value: {operation} needs it")


def _restore_data(rule: Rule, phase: BlueprintPhase) -> Diagnostics:
    fails = "the phase fails unless exactly one is given"
    yield from _one_of(rule, phase, ("pod", "volumes"), fails, fails)
    yield from _one_of(rule, phase, ("backupTag", "backupIdentifier"), fails, fails)


def _restore_kopia(rule: Rule, phase: BlueprintPhase) -> Diagnostics:
    yield from _one_of(rule, phase, ("pod", "volumes"), "the phase fails with both")


def _delete_data(rule: Rule, phase: BlueprintPhase) -> Diagnostics:
    """Find both: deleteDataPodFunc() then reads past the end of a list, which no one recovers."""
    crashes = "with both the Kanister controller crashes"
    nothing = "without either nothing is deleted, and no error is reported"
    yield from _one_of(rule, phase, ("backupID", "backupTag"), crashes, nothing)


def _restore_rds(rule: Rule, phase: BlueprintPhase) -> Diagnostics:
    yield from _aws(rule, phase)
    if is_filled(phase.argument("snapshotID")) is False:
        names = ("backupArtifactPrefix", "backupID", "username", "password", "namespace")
        yield from _needs(
            rule, phase, "a dump is restored without snapshotID, and needs it", *names
        )
        engine = phase.argument("dbEngine")
        text = text_of(engine)
        if engine is None or not text:
            yield from _needs(rule, phase, 'a dump needs it: "PostgreSQL"', "dbEngine")
        elif text != "PostgreSQL" and not is_template(text):
            message = unsupported_message(engine, ("PostgreSQL",))
            yield rule.report(engine.location, f"{phase.path}.args.dbEngine", message)


def _aws(rule: Rule, phase: BlueprintPhase) -> Diagnostics:
    if text_of(phase.argument("credentialsSource")) == "secret":
        yield from _needs(rule, phase, "the credentials are from a secret", "credentialsSecret")


COMBINATIONS: dict[str, Callable[[Rule, BlueprintPhase], Diagnostics]] = {
    "CreateRDSSnapshot": _aws,
    "DeleteData": _delete_data,
    "DeleteRDSSnapshot": _aws,
    "ExportRDSSnapshotToLocation": _aws,
    "KubeOps": _kubeops,
    "RestoreData": _restore_data,
    "RestoreDataUsingKopiaServer": _restore_kopia,
    "RestoreRDSSnapshot": _restore_rds,
}


@lint_rule(BLUEPRINT, "argument-combination")
def argument_combination(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find arguments that fail together, or without each other, when the phase runs."""
    for phase, function in phases_with_function(blueprint, settings):
        check = COMBINATIONS.get(function.name)
        if check is not None:
            yield from check(rule, phase)
        if function.name == "MultiContainerRun" and settings.release == "0.112":
            yield from _needs(rule, phase, "this release has no default for it", "namespace")


@lint_rule(BLUEPRINT, "ignored-argument", Severity.WARNING)
def ignored_argument(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find arguments that have no effect next to the others."""
    for phase, _function in phases_with_function(blueprint, settings):
        for name, why in _without_effect(phase):
            entry = next(entry for entry in phase.arguments.entries if entry.key == name)
            message = f"has no effect: {why}"
            yield rule.report(entry.location, f"{phase.path}.args.{name}", message)


def _without_effect(phase: BlueprintPhase) -> Iterator[tuple[str, str]]:
    def filled(name: str) -> bool | None:
        return is_filled(phase.argument(name))

    operation = text_of(phase.argument("operation"))
    if phase.func == "MultiContainerRun" and filled("initCommand") and filled("initImage") is False:
        yield "initCommand", "without initImage nothing runs first"
    if phase.func == "KubeOps" and operation == "patch" and filled("namespace"):
        yield "namespace", "patch takes the namespace of objectReference"
    if phase.func == "KubeOps" and operation == "delete" and filled("spec"):
        yield "spec", "delete takes objectReference"
    if phase.func == "KubeOps" and operation == "create" and filled("objectReference"):
        yield "objectReference", "create takes spec"
    source = text_of(phase.argument("credentialsSource")) or "profile"
    if filled("credentialsSecret") and source != "secret" and not is_template(source):
        yield "credentialsSecret", "it is read only with credentialsSource: secret"
    if phase.func == "RestoreRDSSnapshot" and filled("snapshotID"):
        for name in ("backupArtifactPrefix", "backupID"):
            if filled(name):
                yield name, "snapshotID is restored, and no dump"


@lint_rule(BLUEPRINT, "scale-workload-kind")
def scale_workload_kind(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find kinds that ScaleWorkload does not know: it knows neither StrimziPodSet nor Kafka."""
    for phase, function in phases_with_function(blueprint, settings):
        node = phase.argument("kind")
        if function.name != "ScaleWorkload" or not isinstance(node, Scalar):
            continue
        choices = function.arguments["kind"].choices
        text = text_of(node)
        if node.value is None or is_template(text) or text.lower() in map(str.lower, choices):
            continue
        message = unsupported_message(node, choices)
        if "did you mean" not in message:
            message += "; scale others by kubectl in a KubeTask"
        yield rule.report(node.location, f"{phase.path}.args.kind", message)


WORKLOADS = ("StatefulSet", "Deployment")
FALLBACKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "BackupDataAll": (("pods",), WORKLOADS),
    "CreateVolumeSnapshot": (("pvcs",), WORKLOADS),
    "PrepareData": (("volumes",), WORKLOADS),
    "RestoreData": (("volumes",), WORKLOADS),
    "RestoreDataAll": (("pods",), WORKLOADS),
    "ScaleWorkload": (("namespace", "name", "kind"), (*WORKLOADS, "DeploymentConfig")),
}
"""Arguments that a function takes from the object of the action if they are not given, and from
which kinds (param.TemplateParams is filled by the kind of the object, pkg/param/param.go)."""


@lint_rule(BLUEPRINT, "workload-needed", Severity.WARNING)
def workload_needed(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find functions that fall back on the object of the action if it is not a workload.

    The kind of an action is a note to people, so this is a warning; the object is the ActionSet's.
    """
    for action in blueprint.actions:
        stated = text_of(action.node.get("kind"))
        for phase in action.all_phases if stated else ():
            names, kinds = FALLBACKS.get(phase.func, ((), ()))
            missing = [name for name in names if is_filled(phase.argument(name)) is False]
            if missing and stated.lower() not in [kind.lower() for kind in kinds]:
                path = f"{phase.path}.args.{missing[0]}"
                message = (
                    f"Required value: {phase.func} takes it from the object of the action only if "
                    f"that is one of {', '.join(kinds)}; the action states {stated[:60]!r}"
                )
                yield rule.report(phase.arguments.location, path, message)


@lint_rule(BLUEPRINT, "unnoticed-failure", Severity.WARNING)
def unnoticed_failure(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find PrepareData that succeeds even if its command fails (pkg/function/prepare_data.go)."""
    for phase, function in phases_with_function(blueprint, settings):
        if function.name != "PrepareData" or is_filled(phase.argument("failOnError")):
            continue
        remedy = "set failOnError: true"
        if "failOnError" not in function.arguments:
            remedy = "Kanister takes failOnError since 0.115; before, use KubeTask with podOverride"
        entry = phase.entry("func")
        location = entry.value.location if entry else phase.node.location
        message = f"the phase succeeds even if its command fails; {remedy}"
        yield rule.report(location, f"{phase.path}.func", message)
