"""Names of actions: the seven that Kasten runs on bound objects, and what looks like one of them.

docs.kasten.io/9.0.10/kanister/reference/action-names: on a bound object any other name is ignored
in silence, while an action hook of a Policy may call any name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, permutations

from kanister_kafka.diagnostics import Diagnostic, Diagnostics, Severity
from kanister_kafka.durations import parse_go_duration
from kanister_kafka.gotemplate.nodes import FieldNode, IfNode, WithNode
from kanister_kafka.gotemplate.types import Reference
from kanister_kafka.kanister import Blueprint, BlueprintAction, BlueprintPhase, TemplateText
from kanister_kafka.kanister.commands import KUBECTL, SimpleCommand, simple_commands
from kanister_kafka.linter.kasten.objects import HookCallSite, KastenObjects
from kanister_kafka.linter.registry import KASTEN, LintSettings, Rule, lint_rule
from kanister_kafka.linter.rules.blueprint_sets import HOOKS, TIMEOUTS, named, plain, reserved_like
from kanister_kafka.linter.rules.phases import finding_at
from kanister_kafka.yamldoc import Scalar

OURS = "kanister-kafka"


@lint_rule(KASTEN, "kasten-near-reserved-action")
def near_reserved(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find names that miss a reserved one by their spelling: Kasten never runs the action."""
    for _blueprint, action in _uncalled(objects):
        if suggestion := reserved_like(action.name):
            yield named(
                rule,
                action,
                f'Invalid value: "{action.name}": Kasten ignores this name in silence; '
                f'did you mean "{suggestion}"?',
            )


@lint_rule(KASTEN, "kasten-uncalled-hook", Severity.WARNING)
def uncalled_hook(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find reserved names in another order of words: only a hook of a Policy runs the action."""
    for _blueprint, action in _uncalled(objects):
        if suggestion := _reordered(action.name):
            yield named(
                rule,
                action,
                f'"{action.name}" runs only where a Policy calls it, and none in the input does; '
                f'on a bound object Kasten runs "{suggestion}"',
            )


@lint_rule(KASTEN, "kasten-uncalled-action", Severity.INFO)
def uncalled_action(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find actions that only a person runs; those of our own Blueprints are meant to be."""
    for blueprint, action in _uncalled(objects):
        made_by = blueprint.document.text("metadata", "labels", "app.kubernetes.io/managed-by")
        if made_by != OURS and not reserved_like(action.name) and not _reordered(action.name):
            yield named(
                rule,
                action,
                "Kasten does not run this action: its name is not reserved, and no Policy in the "
                "input calls it",
            )


@lint_rule(KASTEN, "kasten-restore-prehook", Severity.INFO)
def restore_prehook(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find an action that older versions of Kasten do not run."""
    for blueprint in objects.blueprints:
        action = blueprint.action("restorePrehook")
        if action and not objects.calls(blueprint, action.name):
            yield named(
                rule,
                action,
                "Kasten runs restorePrehook from 9.0.10 on, and only where the bound object is "
                "still there",
            )


def _reordered(name: str) -> str:
    """Return the reserved hook whose words these are, such as preBackupHook; else nothing."""
    letters = plain(name).removesuffix("s")
    for hook, words in HOOKS.items():
        orders = {"".join(order) for order in chain(permutations(words), permutations(words[:2]))}
        if letters in orders and not reserved_like(name):
            return hook
    return ""


def _uncalled(objects: KastenObjects) -> Iterator[tuple[Blueprint, BlueprintAction]]:
    for blueprint in objects.blueprints:
        for action in blueprint.actions:
            if action.name not in TIMEOUTS and not objects.calls(blueprint, action.name):
                yield blueprint, action


# Template parameters that an action does not have under Kasten, by the kind that it is called on.
#
# An action hook has the namespace for its object (docs.kasten.io, kanister/hooks), so that
# Kanister leaves the parameters of every other kind nil (pkg/param/param.go, New).

WORKLOADS = ("StatefulSet", "Deployment", "DeploymentConfig", "PVC")
OF_NAMESPACE = {"spec": ("finalizers",), "status": ("conditions", "phase")}
"""Fields of a Namespace below these; it has no other field of its own."""


@lint_rule(KASTEN, "kasten-hook-context")
def hook_context(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find parameters that an action hook does not have: the phase fails when it is rendered."""
    for _blueprint, action in objects.on_namespace():
        for template, used in _used(action):
            name = used.names[0]
            deeper = len(used.steps) > 1
            if name in WORKLOADS and deeper:
                why = "is nil in an action hook, whose object is the namespace"
                remedy = "name the object, or find it by .Namespace.Name"
            elif name == "Profile" and (deeper or not _is_tested(template, used)):
                why = "is nil in an action hook, which gets no location profile"
                remedy = "leave the data in the volumes, which Kasten moves"
            elif name == "ArtifactsIn" and deeper and not used.steps[1].by_index:
                why = "is empty in an action hook"
                remedy = "read what the backup left in a ConfigMap"
            else:
                continue
            yield _finding(rule, template, used, f"{why}; {remedy}")


@lint_rule(KASTEN, "kasten-hook-object", Severity.WARNING)
def hook_object(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find fields of `.Object` that a namespace does not have."""
    for _blueprint, action in objects.on_namespace():
        for template, used in _used(action):
            if used.names[0] == "Object" and not _in_namespace(used.names[1:]):
                message = "the object of an action hook is the namespace, which has no such field"
                yield _finding(rule, template, used, message)


@lint_rule(KASTEN, "kasten-empty-namespace", Severity.WARNING)
def empty_namespace(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find `.Namespace` in an action on a bound object, which has none (field reports)."""
    for blueprint in objects.blueprints:
        for action in blueprint.actions:
            if _on_bound_object(objects, blueprint, action):
                for template, used in _used(action):
                    if used.names[0] == "Namespace" and len(used.names) > 1:
                        message = (
                            "is there for action hooks only and empty for a bound object; "
                            "use .Object.metadata.namespace"
                        )
                        yield _finding(rule, template, used, message)


@lint_rule(KASTEN, "kasten-delete-context", Severity.WARNING)
def delete_context(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find the object in `delete`, which runs when the restore point goes, long after it."""
    for blueprint in objects.blueprints:
        action = blueprint.action("delete")
        for template, used in _used(action) if action else ():
            if used.names[0] in ("Object", *WORKLOADS) and len(used.names) > 1:
                message = (
                    "the object may be gone when Kasten deletes a restore point; hand over what is "
                    "needed as an output artifact of the backup"
                )
                yield _finding(rule, template, used, message)


def _used(action: BlueprintAction) -> Iterator[tuple[TemplateText, Reference]]:
    """Yield the parameters that an action uses in any case; a condition may rule others out."""
    for template in action.templates:
        if template.is_condition:  # rendered over the object that it waits for
            continue
        longest: dict[tuple[int, int], Reference] = {}
        for reference in template.analysis.references:
            position = (reference.steps[0].line, reference.steps[0].column)
            prior = longest.get(position)
            if not reference.conditional and (not prior or len(prior.steps) < len(reference.steps)):
                longest[position] = reference
        for reference in longest.values():
            yield template, reference


def _is_tested(template: TemplateText, reference: Reference) -> bool:
    """Return whether `if` or `with` asks for a parameter, which nil only makes false."""
    position = (reference.steps[0].line, reference.steps[0].column - 1)  # of the dot before it
    for node in template.parsed.nodes:
        if isinstance(node, (IfNode, WithNode)):
            for operand in chain.from_iterable(command.arguments for command in node.pipe.commands):
                if isinstance(operand, FieldNode) and (operand.line, operand.column) == position:
                    return True
    return False


def _finding(rule: Rule, template: TemplateText, reference: Reference, message: str) -> Diagnostic:
    text = f".{'.'.join(reference.names)}: {message}"
    return finding_at(rule, template, reference.steps[0], text)


def _in_namespace(names: tuple[str, ...]) -> bool:
    if not names:
        return True
    if names[0] in OF_NAMESPACE:
        return len(names) == 1 or names[1] in OF_NAMESPACE[names[0]]
    if names[0] == "metadata":
        return names[1:2] != ("namespace",)
    return names[0] in ("apiVersion", "kind")


def _on_bound_object(objects: KastenObjects, blueprint: Blueprint, action: BlueprintAction) -> bool:
    """Return whether an action runs on a bound object only; `delete` runs in Kasten's namespace."""
    reserved = action.name in TIMEOUTS and action.name != "delete"
    called = objects.calls(blueprint, action.name)
    return reserved and not called and objects.is_bound(blueprint)


# How long an action may wait, held against the time that Kasten gives it.

HOOK_TIMEOUT = 20
"""Minutes: Kasten's default for hooks. None is documented for action hooks; theirs is taken to be
the same."""
NUMBER = re.compile(r"([0-9]{1,9}(?:\.[0-9]{0,9})?)([smhd]?)")
"""The duration of timeout(1)."""
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
WITH_VALUE = ("-k", "--kill-after", "-s", "--signal")
"""Options of timeout(1) whose value may be the next word."""
POSITIVE = re.compile("[0-9]*[1-9][0-9]*")


@lint_rule(KASTEN, "kasten-hook-timeout", Severity.WARNING)
def hook_timeout(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
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
                yield rule.report(action.entry.location, action.path, message)


@lint_rule(KASTEN, "kasten-fixed-replicas", Severity.INFO)
def fixed_replicas(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find numbers of replicas that are right until the workload is scaled."""
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
                    yield rule.report(replicas.location, f"{phase.path}.args.replicas", message)


def waits(statement: SimpleCommand) -> float:
    """Return for how many seconds a command waits at most, if its words show it."""
    if statement.runs("timeout"):
        return _timeout(list(statement.words[1:]))
    if statement.runs("kubectl") or statement.runs("oc"):
        return max(0.0, (parse_go_duration(statement.option("--timeout") or "") or 0) / 1e9)
    return 0.0


def _waits(phase: BlueprintPhase) -> float:
    if phase.func in ("Wait", "WaitV2"):
        timeout = phase.argument("timeout")
        text = timeout.text if isinstance(timeout, Scalar) else ""
        return max(0.0, (parse_go_duration(text) or 0) / 1e9)
    return sum(map(waits, simple_commands(phase, "timeout", *KUBECTL)))


def _timeout(words: list[str]) -> float:
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in WITH_VALUE else words[1:]
    match = NUMBER.fullmatch(words[0]) if words else None
    return float(match[1]) * SECONDS[match[2]] if match else 0.0


def _shown(seconds: float) -> str:
    minutes, remainder = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (remainder, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def _value(action: BlueprintAction, hooks: tuple[HookCallSite, ...]) -> str:
    logical = {"backup": "Backup", "restore": "Restore", "delete": "Delete"}
    kind = "Hooks" if hooks else logical.get(action.name, "Hooks")
    return f"timeout.blueprint{kind}"
