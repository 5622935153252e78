"""Policies next to each other and to the Blueprints that they call: where a hook goes astray."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from kanister_kafka.diagnostics import Diagnostics, Severity
from kanister_kafka.kanister import BlueprintAction
from kanister_kafka.kasten.schemas import MOMENTS
from kanister_kafka.linter.kasten.cursor import Cursor
from kanister_kafka.linter.kasten.objects import KastenObjects, PolicyOperation, parameters
from kanister_kafka.linter.kasten.rendered import RenderedBlueprint, of_hooks, rendered_blueprints
from kanister_kafka.linter.kasten.selection import (
    NAME_KEY,
    NamespaceSelection,
    blueprint_links,
    namespace_selection,
    no_use,
)
from kanister_kafka.linter.registry import KASTEN, LintSettings, Rule, lint_rule
from kanister_kafka.linter.rules.kasten.filters import (
    FilterMatch,
    excludes,
    match_filter,
    may_select,
)
from kanister_kafka.similarity import nearest_name
from kanister_kafka.yamldoc import Scalar

OF_NAMESPACE = ("Namespace", "Object")
"""Parameters by which an action of a hook finds out for which namespace it was called."""
CLAIMS = "persistentvolumeclaims"
BOUND = ("backupPrehook", "backupPosthook")
"""Actions that run around the volumes of a bound object."""
AFTER_RESTORE = ("restore", "restorePosthook")


@lint_rule(KASTEN, "kasten-hook-per-namespace", Severity.WARNING)
def hook_per_namespace(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find a hook for several namespaces that does the same in each (docs.kasten.io, hooks)."""
    for policy, hooks in _backups(objects):
        selected, hook = namespace_selection(policy), hooks.at("preHook")
        undone = selected.several and hooks.at("onSuccess").there
        if hook.at("blueprint").text in rendered_blueprints(objects):
            continue  # what it does is known: kasten-stopped-per-namespace
        for action in _called(objects, hook) if undone else ():
            used = chain.from_iterable(text.analysis.references for text in action.templates)
            if not any(reference.names[0] in OF_NAMESPACE for reference in used):
                message = (
                    f"runs once for {_each_namespace(selected)}, and does the same every time: "
                    "what it stops may be started by one while another is not done; give each "
                    "namespace a Policy of its own"
                )
                yield rule.report(hook.location, hook.path, message)


@lint_rule(KASTEN, "kasten-stopped-per-namespace")
def stopped_per_namespace(
    rule: Rule, objects: KastenObjects, _settings: LintSettings
) -> Diagnostics:
    """Find Policies that stop one certain Kafka once for each of their namespaces."""
    for policy, hooks in _backups(objects):
        selected, hook = namespace_selection(policy), hooks.at("preHook")
        ours = rendered_blueprints(objects).get(hook.at("blueprint").text)
        if not ours or ours.cold is False or not selected.several:
            continue
        if ours.namespace and not selected.may_hold(ours.namespace):
            continue  # kasten-kafka-not-selected
        scope = f"namespace {ours.namespace}" if ours.namespace else "one certain namespace"
        message = (
            f"stops the Kafka of {scope}, once for {_each_namespace(selected)}: the first that is "
            "done starts it while the volumes of another are being snapshotted; select its "
            f"namespace alone, by name: {NAME_KEY} In [{ours.namespace or '…'}]"
        )
        yield rule.report(hook.location, hook.path, message)


@lint_rule(KASTEN, "kasten-kafka-not-selected")
def kafka_not_selected(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find Policies that stop a Kafka whose namespace they do not back up."""
    for policy, hooks in _backups(objects):
        selected = namespace_selection(policy)
        for moment in MOMENTS:
            name = hooks.at(moment, "blueprint").text
            ours = rendered_blueprints(objects).get(name)
            if not ours or not ours.namespace or selected.may_hold(ours.namespace):
                continue
            near = nearest_name(ours.namespace, selected.names)
            chosen = ", ".join(
                selected.rows() if selected.names or not selected.by_name else ["none"]
            )
            meant = f'; did you mean "{ours.namespace}" for "{near}"?' if near else ""
            message = (
                f"Blueprint {name} acts on the Kafka of namespace {ours.namespace}, and the Policy "
                f"backs up {chosen}: what it stops is not what is backed up{meant}"
            )
            field = policy.at("spec", "selector")
            yield rule.report(field.location, field.path, message)
            break
    yield from _restored_elsewhere(rule, objects)
    for binding in objects.bindings:
        ours = rendered_blueprints(objects).get(binding.blueprint.text)
        places = binding.namespaces()
        if ours and ours.namespace and places and ours.namespace not in places:
            message = (
                f"Blueprint {ours.name} acts on the Kafka of namespace {ours.namespace}, and the "
                f"binding is for {', '.join(sorted(places))}: it never runs for that Kafka"
            )
            field = binding.root.at("spec", "resources")
            yield rule.report(field.location, field.path, message)


def _restored_elsewhere(rule: Rule, objects: KastenObjects) -> Diagnostics:
    for operation in objects.operations:
        target = operation.owner.at("spec", "targetNamespace")
        if operation.in_policy or operation.name != "restore":
            continue
        for ours in of_hooks(objects, operation.calls):
            if ours.namespace and target.text and target.text != ours.namespace:
                message = (
                    f'Invalid value: "{target.text}": Blueprint {ours.name} stops and starts the '
                    f'Kafka of namespace {ours.namespace}; must be "{ours.namespace}"'
                )
                yield rule.report(target.location, target.path, message)


@lint_rule(KASTEN, "kasten-hook-elsewhere", Severity.WARNING)
def hook_elsewhere(rule: Rule, objects: KastenObjects, settings: LintSettings) -> Diagnostics:
    """Find a hook that acts in namespaces which the Policy does not back up."""
    for policy, hooks in _backups(objects):
        selected, hook = namespace_selection(policy), hooks.at("preHook")
        phases = chain.from_iterable(action.phases for action in _called(objects, hook))
        namespaces = {_namespace(phase.argument("namespace")) for phase in phases}
        places = namespaces - {"", settings.kasten_namespace}
        ours = hook.at("blueprint").text in rendered_blueprints(objects)
        if not ours and places and not any(map(selected.may_hold, places)):
            message = (
                f"acts in {', '.join(sorted(places))}, and the Policy backs up "
                f"{', '.join(selected.rows())}: what it stops is not what is backed up"
            )
            yield rule.report(hook.location, hook.path, message)


@lint_rule(KASTEN, "kasten-hook-twice", Severity.WARNING)
def hook_twice(rule: Rule, objects: KastenObjects, settings: LintSettings) -> Diagnostics:
    """Find Blueprints that a hook calls and that are tied to an object of the same backup."""
    yield from _twice(rule, objects, settings, ours=False)


@lint_rule(KASTEN, "kasten-started-early")
def started_early(rule: Rule, objects: KastenObjects, settings: LintSettings) -> Diagnostics:
    """Find the same if the Blueprint is known to stop a Kafka, and to start it."""
    yield from _twice(rule, objects, settings, ours=True)


def _twice(
    rule: Rule, objects: KastenObjects, settings: LintSettings, *, ours: bool
) -> Diagnostics:
    for policy, hooks in _backups(objects):
        name = hooks.at("preHook", "blueprint")
        rendered = rendered_blueprints(objects).get(name.text)
        if bool(rendered and rendered.cold) is not ours:
            continue
        named = objects.named(name.text)
        around: list[BlueprintAction | None] = []
        for blueprint in named:
            around += map(blueprint.action, BOUND)
        alone = len(named) == 1  # or it is one of several stages, as its Policy and binding are
        for tie in blueprint_links(objects) if alone and any(around) else ():
            works = not no_use(tie, settings)
            if tie.blueprint == name.text and may_select(policy, tie) and works:
                message = (
                    f"Blueprint {name.text} is tied to {tie} as well, by {tie.by}: it "
                    "runs a second time within the hooks, and starts again what must stay stopped "
                    "until the last volume is done; remove the one or the other"
                )
                yield rule.report(name.location, name.path, message)


@lint_rule(KASTEN, "kasten-kafka-not-stopped")
def kafka_not_stopped(rule: Rule, objects: KastenObjects, settings: LintSettings) -> Diagnostics:
    """Find Policies that take the volumes of a Kafka without the Blueprint that stops it."""
    for operation in _of_policies(objects, "backup"):
        for ours in _unstopped(objects, settings, operation):
            field = operation.hooks if operation.hooks.there else operation.here
            blueprint = operation.hooks.at("preHook", "blueprint")
            near = f" (there is no Blueprint {blueprint.text})" if blueprint.text else ""
            message = (
                f"takes the volumes of {ours.namespace} while its Kafka runs: Blueprint "
                f"{ours.name} stops it, but no hook calls it{near} and no binding is for it; "
                "call backupPrehook in preHook, backupPosthook in onSuccess and resume in "
                "onFailure, or leave persistentvolumeclaims out"
            )
            if namespace_selection(operation.owner).several:
                message += f", or the namespace: {NAME_KEY} NotIn [{ours.namespace}]"
            yield rule.report(field.location, operation.hooks.path, message)


@lint_rule(KASTEN, "kasten-backup-without-hooks", Severity.WARNING)
def backup_without_hooks(rule: Rule, objects: KastenObjects, settings: LintSettings) -> Diagnostics:
    """Find a Policy that takes the volumes of a namespace without the hooks of another."""
    backups = _of_policies(objects, "backup")
    stopped: dict[str, str] = {}
    for operation in backups:
        if operation.hooks.at("preHook").there:
            name = operation.owner.at("metadata", "name").text
            stopped.update(dict.fromkeys(namespace_selection(operation.owner).names, name))
    for operation in backups:
        selected = namespace_selection(operation.owner)
        both = sorted(
            name
            for name in stopped
            if name in selected.names or ("*" not in name and selected.holds(name))
        )
        takes_claims = match_filter(operation.filters, "", CLAIMS) is FilterMatch.YES
        if not both or operation.hooks.at("preHook").there or not takes_claims:
            continue
        if not _unstopped(objects, settings, operation):
            selector = operation.owner.at("spec", "selector")
            message = (
                f"takes the volumes of {', '.join(both)} without the hooks with which Policy "
                f"{stopped[both[0]]} does so: its restore points are of a running application"
            )
            yield rule.report(selector.location, selector.path, message)


def _unstopped(
    objects: KastenObjects, settings: LintSettings, operation: PolicyOperation
) -> tuple[RenderedBlueprint, ...]:
    """Return the Blueprints that stop a Kafka of a backup, and that nothing calls in it."""
    selected, hooks = namespace_selection(operation.owner), operation.hooks
    called = {hook.blueprint.text for hook in operation.calls}
    blueprint = hooks.at("preHook", "blueprint").text
    if match_filter(operation.filters, "", CLAIMS) is not FilterMatch.YES:
        return ()
    return tuple(
        ours
        for ours in rendered_blueprints(objects).values()
        if ours.cold
        and ours.namespace
        and selected.holds(ours.namespace)
        and ours.name not in called
        and (not hooks.at("preHook").there or _misspelt(objects, blueprint, ours.name))
        and not _tied(objects, settings, operation, ours.name)
    )


def _misspelt(objects: KastenObjects, name: str, expected: str) -> bool:
    """Return whether a name is of no Blueprint here, and was meant to be that of a certain one."""
    alike = bool(nearest_name(name, [expected], similarity=0.8))
    return not objects.named(name) and (alike or name in rendered_blueprints(objects))


def _tied(
    objects: KastenObjects, settings: LintSettings, operation: PolicyOperation, blueprint: str
) -> bool:
    """Return whether a Blueprint runs for an object of a backup, by a binding or an annotation."""
    return any(
        tie.blueprint == blueprint
        and may_select(operation.owner, tie)
        and not excludes(operation.filters, tie)
        and not no_use(tie, settings)
        for tie in blueprint_links(objects)
    )


@lint_rule(KASTEN, "kasten-bound-elsewhere", Severity.INFO)
def bound_elsewhere(rule: Rule, objects: KastenObjects, settings: LintSettings) -> Diagnostics:
    """Find what is tied to a Blueprint in a namespace that no Policy of the input backs up."""
    backups = [policy for policy, _hooks in _backups(objects)]
    is_complete = settings.kasten and backups  # else the Policy may well be in another file
    for tie in blueprint_links(objects) if is_complete else ():
        if not any(may_select(policy, tie) for policy in backups):
            message = (
                f"no Policy in the input backs up {', '.join(sorted(tie.namespaces))}, so "
                f"Blueprint {tie.blueprint} does not run for {tie}"
            )
            yield rule.report(tie.here.location, tie.here.path, message)


@lint_rule(KASTEN, "kasten-bound-profile", Severity.WARNING)
def bound_profile(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find bound Blueprints that act on a restore, and Policies without a location profile."""
    for policy, _hooks in _backups(objects):
        actions = policy.at("spec", "actions")
        if policy.at("spec", "presetRef").there or _has_profile(policy):
            continue
        for tie in blueprint_links(objects):
            named = objects.named(tie.blueprint)
            alone = len(named) == 1  # as above
            names = {name for name in AFTER_RESTORE if alone and named[0].action(name)}
            if names and may_select(policy, tie):
                message = (
                    f"no location profile, without which {' and '.join(sorted(names))} of "
                    f"Blueprint {tie.blueprint} has been seen not to run; name one in "
                    "backupParameters.profile"
                )
                yield rule.report(actions.location, actions.path, message)


def _has_profile(policy: Cursor) -> bool:
    return any(
        fields.at("profile").there
        for operation, fields in parameters(policy)
        if operation == "backup"
    )


def _backups(objects: KastenObjects) -> Iterator[tuple[Cursor, Cursor]]:
    """Yield each Policy that backs up, with the hooks of its backup."""
    for policy in objects.policies:
        for action in policy.at("spec", "actions").each():
            if action.at("action").text == "backup":
                yield policy, action.at("backupParameters", "hooks")


def _called(objects: KastenObjects, hook: Cursor) -> Iterator[BlueprintAction]:
    for blueprint in objects.named(hook.at("blueprint").text):
        action = blueprint.action(hook.at("actionName").text)
        if action:
            yield action


def _namespace(node: object) -> str:
    """Return the namespace of an argument; empty if it is a template."""
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, str) and "{{" not in value else ""


def _of_policies(objects: KastenObjects, name: str) -> tuple[PolicyOperation, ...]:
    return tuple(item for item in objects.operations if item.in_policy and item.name == name)


def _each_namespace(selected: NamespaceSelection) -> str:
    return f"each of {', '.join(sorted(selected.names))}" if selected.names else selected.rows()[0]
