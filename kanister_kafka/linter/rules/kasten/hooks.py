"""Action hooks of Policies: what they call, what undoes it, and what cannot be handed on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from itertools import chain

from kanister_kafka.diagnostics import Diagnostics, Severity
from kanister_kafka.kube.names import SUBDOMAIN
from kanister_kafka.linter.kasten.objects import HookCallSite, KastenObjects, PolicyOperation
from kanister_kafka.linter.kasten.rendered import (
    CALLS,
    DOES,
    RenderedBlueprint,
    of_hooks,
    rendered_blueprints,
)
from kanister_kafka.linter.registry import KASTEN, LintSettings, Rule, lint_rule
from kanister_kafka.linter.rules.workloads import left_stopped as left_stopped_by
from kanister_kafka.similarity import nearest_name
from kanister_kafka.yamldoc import MappingNode
from kanister_kafka.yamldoc.nodes import is_set

LATE_CAPTURE = "lateCapture"
LATE_CAPTURE_KEYS = ("apiVersion", "resource", "name", "namespace")
"""Required fields of a late capture, in addition to an optional group
(docs.kasten.io/9.0.11/kanister/reference/late-capture)."""


_DOWN = "Kafka stopped until the watchdog starts it, an hour after the stop by default"
FOR_BACKUP = {
    "preHook": (
        "backupPrehook",
        "Kafka is never stopped: its volumes are of different moments, and backupPosthook fails",
    ),
    "onSuccess": ("backupPosthook", f"every backup leaves {_DOWN}"),
    "onFailure": ("resume", f"a backup that fails leaves {_DOWN}"),
}
FOR_RESTORE = {
    "preHook": ("beforeRestore", "Kasten replaces the volumes of a Kafka that runs"),
    "onSuccess": ("afterRestore", "Kafka stays stopped and paused, without its cluster id"),
}
"""Hooks that our Blueprints need, by moment: the action, and what follows without it."""


@lint_rule(KASTEN, "kasten-hook-field")
def hook_field(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find hooks that do not name the action to call."""
    for hook in objects.hooks:
        for field in (hook.blueprint, hook.action):
            if not field.there:
                message = "Required value: a hook names a Blueprint and its action"
                yield rule.report(field.location, field.path, message)
        name = hook.blueprint
        if name.text and not SUBDOMAIN.allows(name.text):
            message = (
                f'Invalid value: "{name.text}": a Blueprint has no such name; must be '
                f"{SUBDOMAIN.says}, without its namespace"
            )
            yield rule.report(name.location, name.path, message)


@lint_rule(KASTEN, "kasten-hook-action")
def hook_action(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find hooks that call what the Blueprint does not have: the operation fails there."""
    for hook in objects.hooks:
        blueprints = objects.named(hook.blueprint.text)
        actions = chain.from_iterable(blueprint.actions for blueprint in blueprints)
        names = [action.name for action in actions]
        name = hook.action.text
        if blueprints and name and name not in names:
            near = nearest_name(name, names)
            hint = f'did you mean "{near}"?' if near else f"it has {', '.join(names) or 'none'}"
            message = (
                f'Invalid value: "{name}": Blueprint {hook.blueprint.text} has no such action; '
                f"{hint}"
            )
            yield rule.report(hook.action.location, hook.action.path, message)


@lint_rule(KASTEN, "kasten-wrong-hook")
def wrong_hook(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find actions of our Blueprints where they do harm, such as hooks that are swapped."""
    for hook in objects.hooks:
        ours, action = rendered_blueprints(objects).get(hook.blueprint.text), hook.action.text
        right = CALLS.get((hook.operation, hook.moment), ())
        if ours and action in DOES and action not in right:
            advice = f"call {' or '.join(right)} here" if right else "remove the hook"
            message = (
                f'Invalid value: "{action}": {DOES[action]}; in {hook.moment} of a '
                f"{hook.operation}, {_follows(hook, action)}: {advice}"
            )
            yield rule.report(hook.action.location, hook.action.path, message)


@lint_rule(KASTEN, "kasten-missing-hook")
def missing_hook(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find hooks that call our Blueprints and lack one of the others: Kafka stays down, or runs."""
    for operation in objects.operations:
        for moment, why in missing(objects, operation).items():
            hooks = operation.hooks
            field = hooks.at(moment) if hooks.at(moment).there else hooks
            yield rule.report(field.location, f"{hooks.path}.{moment}", why)


def missing(objects: KastenObjects, operation: PolicyOperation) -> dict[str, str]:
    """Return what follows from each hook that an operation lacks, by moment."""
    calls = operation.calls
    reasons: dict[str, str] = {}
    for ours in of_hooks(objects, calls):
        moments = {hook.moment for hook in calls if hook.blueprint.text == ours.name}
        reasons |= dict(_missing(objects, operation, ours, moments))
    return reasons


def _missing(
    objects: KastenObjects, operation: PolicyOperation, ours: RenderedBlueprint, moments: Set[str]
) -> Iterator[tuple[str, str]]:
    needed = _needed(operation, ours, moments)
    for moment, (action, follows) in needed.items():
        blueprint = operation.hooks.at(moment, "blueprint").text
        if moment in moments:
            continue
        if blueprint and moment == "onFailure" and not _near(objects, blueprint, ours.name):
            continue  # the site's own way to bring Kafka back
        instead = f"it calls Blueprint {blueprint}; " if blueprint else ""
        yield (
            moment,
            f"Required value: {instead}{follows}; call {action} of Blueprint {ours.name}",
        )


def _needed(
    operation: PolicyOperation, ours: RenderedBlueprint, moments: Set[str]
) -> Mapping[str, tuple[str, str]]:
    """Return the hooks that have to be there, each with its action and what follows without it."""
    if operation.name == "restore":
        return FOR_RESTORE
    cold = ours.cold if ours.cold is not None else moments != {"preHook"}
    if operation.name != "backup" or not cold:
        return {}
    return FOR_BACKUP


@lint_rule(KASTEN, "kasten-left-stopped")
def left_stopped(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find what a preHook certainly stops, and no hook of the Policy starts again."""
    for operation in objects.operations:
        for moment, message in stays_stopped(objects, operation).items():
            hooks = operation.hooks
            field = hooks.at(moment) if hooks.at(moment).there else hooks.at("preHook")
            yield rule.report(field.location, f"{hooks.path}.{moment}", message)


def stays_stopped(objects: KastenObjects, operation: PolicyOperation) -> dict[str, str]:
    """Return what stays stopped after an operation, by the moment that should start it."""
    peers = objects.of(operation.owner)
    elsewhere = any(peer.calls for peer in peers if peer.here.path != operation.here.path)
    bound = bool(objects.bindings or objects.annotations)
    if operation.name != "backup" or elsewhere or bound:
        return {}
    pre = operation.hooks.at("preHook")
    named = objects.named(pre.at("blueprint").text)
    action = named[0].action(pre.at("actionName").text) if len(named) == 1 else None
    stopped = left_stopped_by(named[0], action) if action else ()
    if not stopped or named[0].name in rendered_blueprints(objects):
        return {}
    reasons = {}
    for moment, when in (("onSuccess", "every backup"), ("onFailure", "a backup that fails")):
        hook = operation.hooks.at(moment)
        same = all(hook.at(key).text == pre.at(key).text for key in ("blueprint", "actionName"))
        if not hook.there or same:
            reasons[moment] = (
                f"Required value: the preHook stops {', '.join(stopped)}, and after {when} "
                "nothing starts it again; call the action that does"
            )
    return reasons


@lint_rule(KASTEN, "kasten-no-failure-hook", Severity.WARNING)
def no_failure_hook(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find a preHook that nothing undoes after a failure (docs.kasten.io, phase-lifecycle)."""
    for operation in objects.operations:
        pre = next((hook for hook in operation.calls if hook.moment == "preHook"), None)
        if pre is None or pre.hooks.at("onFailure").there:
            continue
        name = pre.blueprint.text
        if name in rendered_blueprints(objects) or stays_stopped(objects, operation):
            continue  # reported as an error, or nothing to undo
        undone = pre.hooks.at("onSuccess").there
        if not undone and not any(len(blueprint.actions) > 1 for blueprint in objects.named(name)):
            continue  # one action alone, such as a flush, leaves nothing to undo
        message = (
            "Required value: what the preHook stopped stays so when the operation fails; call the "
            "action that undoes it in onFailure"
        )
        if not undone:
            message += " and in onSuccess"
        yield rule.report(pre.here.location, f"{pre.hooks.path}.onFailure", message)


def _near(objects: KastenObjects, name: str, expected: str) -> bool:
    return not objects.named(name) and bool(nearest_name(name, [expected], similarity=0.8))


def _follows(hook: HookCallSite, action: str) -> str:
    """Return what follows from a rendered action in the wrong place."""
    if hook.operation == "export":
        return "it does so while data is moved, long after the snapshots"
    if action in ("backupPrehook", "beforeRestore"):
        if hook.moment == "preHook":
            return "it stops Kafka for nothing"
        return "it leaves Kafka stopped"
    if hook.moment == "preHook":
        return "it stops nothing, so that Kafka runs all the time"
    if (hook.operation, hook.moment) == ("restore", "onFailure"):
        return "it starts what is half restored"
    if (hook.operation, hook.moment, action) == ("backup", "onSuccess", "resume"):
        return "a backup during which Kafka was started looks good"
    return "it does not bring Kafka back as it has to be"


@lint_rule(KASTEN, "kasten-hook-artifacts", Severity.WARNING)
def hook_artifacts(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find artifacts where Kasten keeps none: it hands them from bound action to bound action."""
    for blueprint, action in objects.on_namespace():
        if objects.is_bound(blueprint):
            continue
        for field in ("inputArtifactNames", "outputArtifacts"):
            node = action.node.get(field)
            if is_set(node):
                message = (
                    "an action hook of a Policy neither gets nor leaves artifacts; keep what a "
                    "restore needs in a ConfigMap of the namespace, which the backup captures"
                )
                yield rule.report(node.location, f"{action.path}.{field}", message)


@lint_rule(KASTEN, "kasten-late-capture", Severity.WARNING)
def late_capture(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find late captures that do not name the object to capture."""
    for blueprint in objects.blueprints:
        for action in blueprint.actions:
            for entry in action.output_artifacts.entries:
                if not entry.key.startswith(LATE_CAPTURE):
                    continue
                value = (
                    entry.value.get("keyValue") if isinstance(entry.value, MappingNode) else None
                )
                keys = [key.key for key in value.entries] if isinstance(value, MappingNode) else []
                if missing_keys := [key for key in LATE_CAPTURE_KEYS if key not in keys]:
                    path = f"{action.path}.outputArtifacts.{entry.key}.keyValue"
                    message = (
                        f"Required value: Kasten captures the object named by "
                        f"{', '.join(LATE_CAPTURE_KEYS)}; {', '.join(missing_keys)} missing"
                    )
                    yield rule.report(entry.location, path, message)
