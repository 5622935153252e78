"""Values of arguments: what Kanister cannot decode, refuses, reads otherwise or drops."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from kanister_kafka.diagnostics import Severity
from kanister_kafka.kanister import Blueprint, BlueprintPhase
from kanister_kafka.kanister.decoding import (
    ArgumentError,
    ArgumentErrorKind,
    decode,
    field_of,
    is_template,
    text_of,
    unsupported_value,
)
from kanister_kafka.linter.registry import Finding, LintSettings, blueprint_rule
from kanister_kafka.linter.rules.functions import phases_with_function
from kanister_kafka.yamldoc import MappingNode, Node, Scalar, Sequence


def _found(
    blueprint: Blueprint, settings: LintSettings, flaw: ArgumentErrorKind
) -> Iterator[Finding]:
    for fault in _faults(blueprint, settings):
        if fault.flaw is flaw:
            yield Finding(fault.location, fault.path, fault.message)


@lru_cache(maxsize=1)  # for the checks that follow
def _faults(blueprint: Blueprint, settings: LintSettings) -> tuple[ArgumentError, ...]:
    return tuple(
        fault
        for phase, function in phases_with_function(blueprint, settings)
        for entry in phase.arguments.entries
        if (argument := function.arguments.get(entry.key)) is not None
        for fault in decode(argument, f"{phase.path}.args.{entry.key}", entry.value)
    )


@blueprint_rule("argument-type")
def argument_type(blueprint: Blueprint, settings: LintSettings) -> Iterator[Finding]:
    """Find values that cannot be decoded to what the function wants: the phase fails."""
    yield from _found(blueprint, settings, ArgumentErrorKind.TYPE)


@blueprint_rule("argument-value")
def argument_value(blueprint: Blueprint, settings: LintSettings) -> Iterator[Finding]:
    """Find values of the right type that Kanister, Kubernetes or the runtime refuses."""
    yield from _found(blueprint, settings, ArgumentErrorKind.VALUE)


@blueprint_rule("unquoted-value")
def unquoted_value(blueprint: Blueprint, settings: LintSettings) -> Iterator[Finding]:
    """Find booleans and numbers that become another text: `true` is read as `1`, 0755 as 493."""
    yield from _found(blueprint, settings, ArgumentErrorKind.SPELLING)


@blueprint_rule("ignored-key", Severity.WARNING)
def ignored_key(blueprint: Blueprint, settings: LintSettings) -> Iterator[Finding]:
    """Find keys below an argument that are dropped without a word."""
    yield from _found(blueprint, settings, ArgumentErrorKind.IGNORED)


# Arguments that need each other or exclude each other, as each function's Exec() has it.

FIELDS = re.compile(r"\{\{-?\s*(?:\.\w+)+\s*-?\}\}")
"""A template that only names a value, which is hardly named to be empty."""


def is_filled(node: Node | None) -> bool | None:
    """Tell whether a value says something; None where that is known when it is rendered."""
    if isinstance(node, Sequence):
        return bool(node.items)
    if isinstance(node, MappingNode):
        return bool(node.entries)
    text = text_of(node)
    if not is_template(text):
        return bool(text)
    return None if is_template(FIELDS.sub("", text)) else True


def _one_of(
    phase: BlueprintPhase, names: tuple[str, str], both: str, none: str = ""
) -> Iterator[Finding]:
    """Find both or neither of two arguments, each with its reason; no `none` allows neither."""
    first, second = names
    given = [is_filled(phase.argument(name)) for name in names]
    if all(given):
        node = phase.argument(second) or phase.arguments
        message = f"Invalid value: {first} is given as well; {both}"
        yield Finding(node.location, f"{phase.path}.args.{second}", message)
    elif none and given == [False, False]:
        message = f"Required value: {first} or {second}; {none}"
        yield Finding(phase.arguments.location, f"{phase.path}.args.{first}", message)


def _needs(phase: BlueprintPhase, why: str, *names: str) -> Iterator[Finding]:
    for name in names:
        if is_filled(phase.argument(name)) is False:
            node = phase.argument(name) or phase.arguments
            yield Finding(node.location, f"{phase.path}.args.{name}", f"Required value: {why}")


def _kubeops(phase: BlueprintPhase) -> Iterator[Finding]:
    operation = text_of(phase.argument("operation"))
    if operation in ("create", "patch"):
        yield from _needs(phase, f"{operation} needs it", "spec")
    if operation not in ("delete", "patch"):
        return
    reference = phase.argument("objectReference")
    if not isinstance(reference, MappingNode):
        yield from _needs(phase, f"{operation} needs it", "objectReference")
        return
    for name in ("apiVersion", "resource", "name"):
        if is_filled(field_of(reference, name)) is False:
            path = f"{phase.path}.args.objectReference.{name}"
            yield Finding(reference.location, path, f"Required value: {operation} needs it")


def _restore_data(phase: BlueprintPhase) -> Iterator[Finding]:
    fails = "the phase fails unless exactly one is given"
    yield from _one_of(phase, ("pod", "volumes"), fails, fails)
    yield from _one_of(phase, ("backupTag", "backupIdentifier"), fails, fails)


def _restore_kopia(phase: BlueprintPhase) -> Iterator[Finding]:
    yield from _one_of(phase, ("pod", "volumes"), "the phase fails with both")


def _delete_data(phase: BlueprintPhase) -> Iterator[Finding]:
    """Find both: deleteDataPodFunc() then reads past the end of a list, which no one recovers."""
    crashes = "with both the Kanister controller crashes"
    nothing = "without either nothing is deleted, and no error is told"
    yield from _one_of(phase, ("backupID", "backupTag"), crashes, nothing)


def _restore_rds(phase: BlueprintPhase) -> Iterator[Finding]:
    yield from _aws(phase)
    if is_filled(phase.argument("snapshotID")) is False:
        names = ("backupArtifactPrefix", "backupID", "username", "password", "namespace")
        yield from _needs(phase, "a dump is restored without snapshotID, and needs it", *names)
        engine = phase.argument("dbEngine")
        text = text_of(engine)
        if engine is None or not text:
            yield from _needs(phase, 'a dump needs it: "PostgreSQL"', "dbEngine")
        elif text != "PostgreSQL" and not is_template(text):
            fault = unsupported_value(engine, f"{phase.path}.args.dbEngine", ("PostgreSQL",))
            yield Finding(fault.location, fault.path, fault.message)


def _aws(phase: BlueprintPhase) -> Iterator[Finding]:
    if text_of(phase.argument("credentialsSource")) == "secret":
        yield from _needs(phase, "the credentials are from a secret", "credentialsSecret")


RULES: dict[str, Callable[[BlueprintPhase], Iterator[Finding]]] = {
    "CreateRDSSnapshot": _aws,
    "DeleteData": _delete_data,
    "DeleteRDSSnapshot": _aws,
    "ExportRDSSnapshotToLocation": _aws,
    "KubeOps": _kubeops,
    "RestoreData": _restore_data,
    "RestoreDataUsingKopiaServer": _restore_kopia,
    "RestoreRDSSnapshot": _restore_rds,
}


@blueprint_rule("argument-combination")
def argument_combination(blueprint: Blueprint, settings: LintSettings) -> Iterator[Finding]:
    """Find arguments that fail together, or without each other, when the phase runs."""
    for phase, function in phases_with_function(blueprint, settings):
        rule = RULES.get(function.name)
        if rule is not None:
            yield from rule(phase)
        if function.name == "MultiContainerRun" and settings.release == "0.112":
            yield from _needs(phase, "this release has no default for it", "namespace")


@blueprint_rule("ignored-argument", Severity.WARNING)
def ignored_argument(blueprint: Blueprint, settings: LintSettings) -> Iterator[Finding]:
    """Find arguments that have no effect beside the others."""
    for phase, _function in phases_with_function(blueprint, settings):
        for name, why in _without_effect(phase):
            entry = next(entry for entry in phase.arguments.entries if entry.key == name)
            message = f"has no effect: {why}"
            yield Finding(entry.location, f"{phase.path}.args.{name}", message)


def _without_effect(phase: BlueprintPhase) -> Iterator[tuple[str, str]]:
    def given(name: str) -> bool | None:
        return is_filled(phase.argument(name))

    operation = text_of(phase.argument("operation"))
    if phase.func == "MultiContainerRun" and given("initCommand") and given("initImage") is False:
        yield "initCommand", "without initImage nothing runs first"
    if phase.func == "KubeOps" and operation == "patch" and given("namespace"):
        yield "namespace", "patch takes the namespace of objectReference"
    if phase.func == "KubeOps" and operation == "delete" and given("spec"):
        yield "spec", "delete takes objectReference"
    if phase.func == "KubeOps" and operation == "create" and given("objectReference"):
        yield "objectReference", "create takes spec"
    source = text_of(phase.argument("credentialsSource")) or "profile"
    if given("credentialsSecret") and source != "secret" and not is_template(source):
        yield "credentialsSecret", "it is read only with credentialsSource: secret"
    if phase.func == "RestoreRDSSnapshot" and given("snapshotID"):
        for name in ("backupArtifactPrefix", "backupID"):
            if given(name):
                yield name, "snapshotID is restored, and no dump"


@blueprint_rule("scale-workload-kind")
def scale_workload_kind(blueprint: Blueprint, settings: LintSettings) -> Iterator[Finding]:
    """Find kinds that ScaleWorkload does not know: StrimziPodSet and Kafka are none of them."""
    for phase, function in phases_with_function(blueprint, settings):
        node = phase.argument("kind")
        if function.name != "ScaleWorkload" or not isinstance(node, Scalar):
            continue
        known = function.arguments["kind"].choices
        text = text_of(node)
        if node.value is None or is_template(text) or text.lower() in map(str.lower, known):
            continue
        fault = unsupported_value(node, f"{phase.path}.args.kind", known)
        remedy = (
            "" if "did you mean" in fault.message else "; scale others by kubectl in a KubeTask"
        )
        yield Finding(node.location, fault.path, fault.message + remedy)


WORKLOADS = ("StatefulSet", "Deployment")
FALLBACKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "BackupDataAll": (("pods",), WORKLOADS),
    "CreateVolumeSnapshot": (("pvcs",), WORKLOADS),
    "PrepareData": (("volumes",), WORKLOADS),
    "RestoreData": (("volumes",), WORKLOADS),
    "RestoreDataAll": (("pods",), WORKLOADS),
    "ScaleWorkload": (("namespace", "name", "kind"), (*WORKLOADS, "DeploymentConfig")),
}
"""What a function takes from the object of the action where it is not given, and from which kinds
(param.TemplateParams is filled by the kind of the object, pkg/param/param.go)."""


@blueprint_rule("workload-needed", Severity.WARNING)
def workload_needed(blueprint: Blueprint, _settings: LintSettings) -> Iterator[Finding]:
    """Find functions that fall back on the object of the action where it is no workload.

    The kind of an action is a note to people, so this is a warning; the object is the ActionSet's.
    """
    for action in blueprint.actions:
        said = text_of(action.node.get("kind"))
        for phase in action.all_phases if said else ():
            names, kinds = FALLBACKS.get(phase.func, ((), ()))
            missing = [name for name in names if is_filled(phase.argument(name)) is False]
            if missing and said.lower() not in [one.lower() for one in kinds]:
                path = f"{phase.path}.args.{missing[0]}"
                message = (
                    f"Required value: {phase.func} takes it from the object of the action only if "
                    f"that is one of {', '.join(kinds)}; this is said to be {said[:60]!r}"
                )
                yield Finding(phase.arguments.location, path, message)


@blueprint_rule("unnoticed-failure", Severity.WARNING)
def unnoticed_failure(blueprint: Blueprint, settings: LintSettings) -> Iterator[Finding]:
    """Find PrepareData that succeeds whatever its command does (pkg/function/prepare_data.go)."""
    for phase, function in phases_with_function(blueprint, settings):
        if function.name != "PrepareData" or is_filled(phase.argument("failOnError")):
            continue
        remedy = "set failOnError: true"
        if "failOnError" not in function.arguments:
            remedy = "Kanister takes failOnError since 0.115; before, use KubeTask with podOverride"
        entry = phase.entry("func")
        location = entry.value.location if entry else phase.node.location
        message = f"the phase succeeds even if its command fails; {remedy}"
        yield Finding(location, f"{phase.path}.func", message)
