"""Policies beside each other and beside the Blueprints that they call: where a hook goes astray."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.blueprint import Action
from kanister_kafka.checks.kasten.filters import meets, namespaces
from kanister_kafka.checks.kasten.objects import KastenObjects, Resource, parameters
from kanister_kafka.checks.kasten.rule import rule
from kanister_kafka.checks.kasten.spot import Spot
from kanister_kafka.checks.kasten.ties import ties
from kanister_kafka.checks.registry import Finding, Settings
from kanister_kafka.document import Scalar
from kanister_kafka.problem import Severity

OF_NAMESPACE = ("Namespace", "Object")
"""Parameters by which an action of a hook finds out for which namespace it was called."""
CLAIMS = "persistentvolumeclaims"
BOUND = ("backupPrehook", "backupPosthook")
"""What runs around the volumes of a bound object."""
AFTER_RESTORE = ("restore", "restorePosthook")


@rule("kasten-hook-per-namespace", Severity.WARNING)
def hook_per_namespace(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find a hook for several namespaces that does the same in each (docs.kasten.io, hooks)."""
    for policy, hooks in _backups(objects):
        selected = namespaces(policy)
        undone = len(selected) > 1 and hooks.at("onSuccess").there
        for action in _called(objects, hooks.at("preHook")) if undone else ():
            if not any(
                used.names[0] in OF_NAMESPACE
                for template in action.templates
                for used in template.analysis.references
            ):
                hook = hooks.at("preHook")
                message = (
                    f"runs once for each of {', '.join(sorted(selected))}, and does the same every "
                    "time: what it stops may be started by one while another is not done; give "
                    "each namespace a Policy of its own"
                )
                yield Finding(hook.location, hook.path, message)


@rule("kasten-hook-elsewhere", Severity.WARNING)
def hook_elsewhere(objects: KastenObjects, settings: Settings) -> Iterator[Finding]:
    """Find a hook that acts in namespaces which the Policy does not back up."""
    for policy, hooks in _backups(objects):
        selected, hook = namespaces(policy), hooks.at("preHook")
        found = {
            _namespace(phase.argument("namespace"))
            for action in _called(objects, hook)
            for phase in action.phases
        }
        places = found - {"", settings.kasten_namespace}
        if selected and places and not places & selected:
            message = (
                f"acts in {', '.join(sorted(places))}, and the Policy backs up "
                f"{', '.join(sorted(selected))}: what it stops is not what is backed up"
            )
            yield Finding(hook.location, hook.path, message)


@rule("kasten-hook-twice", Severity.WARNING)
def hook_twice(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find Blueprints that a hook calls and that are tied to an object of the same backup."""
    for policy, hooks in _backups(objects):
        name = hooks.at("preHook", "blueprint")
        named = objects.named(name.text)
        around = [action for blueprint in named for action in map(blueprint.action, BOUND)]
        alone = len(named) == 1  # or it is one of several stages, as its Policy and binding are
        for tie in ties(objects) if alone and any(around) else ():
            if tie.blueprint == name.text and meets(policy, tie):
                message = (
                    f"Blueprint {name.text} is tied to {tie} as well, by {tie.by}: it "
                    "runs a second time within the hooks, and starts again what is to stay stopped "
                    "until the last volume is done; remove the one or the other"
                )
                yield Finding(name.location, name.path, message)


@rule("kasten-backup-without-hooks", Severity.WARNING)
def backup_without_hooks(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find a Policy that takes the volumes of a namespace without the hooks of another."""
    backups = list(_backups(objects))
    stopped = {
        namespace: policy.at("metadata", "name").text
        for policy, hooks in backups
        if hooks.at("preHook").there
        for namespace in namespaces(policy)
    }
    for policy, hooks in backups:
        both = sorted(namespaces(policy) & stopped.keys())
        if both and not hooks.at("preHook").there and _takes_claims(policy):
            selector = policy.at("spec", "selector")
            message = (
                f"takes the volumes of {', '.join(both)} without the hooks with which Policy "
                f"{stopped[both[0]]} does so: its restore points are of a running application"
            )
            yield Finding(selector.location, selector.path, message)


@rule("kasten-bound-elsewhere", Severity.INFO)
def bound_elsewhere(objects: KastenObjects, settings: Settings) -> Iterator[Finding]:
    """Find what is tied to a Blueprint in a namespace that no Policy of the input backs up."""
    backups = [policy for policy, _hooks in _backups(objects)]
    all_here = settings.kasten and backups  # else the Policy may well be in another file
    for tie in ties(objects) if all_here else ():
        if not any(meets(policy, tie) for policy in backups):
            message = (
                f"no Policy in the input backs up {', '.join(sorted(tie.namespaces))}, so "
                f"Blueprint {tie.blueprint} does not run for {tie}"
            )
            yield Finding(tie.here.location, tie.here.path, message)


@rule("kasten-bound-profile", Severity.WARNING)
def bound_profile(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find bound Blueprints that act on a restore, and Policies without a location profile."""
    for policy, _hooks in _backups(objects):
        actions = policy.at("spec", "actions")
        if policy.at("spec", "presetRef").there or _has_profile(policy):
            continue
        for tie in ties(objects):
            named = objects.named(tie.blueprint)
            alone = len(named) == 1  # as above
            names = {name for name in AFTER_RESTORE if alone and named[0].action(name)}
            if names and meets(policy, tie):
                message = (
                    f"no location profile, without which {' and '.join(sorted(names))} of "
                    f"Blueprint {tie.blueprint} has been seen not to run; name one in "
                    "backupParameters.profile"
                )
                yield Finding(actions.location, actions.path, message)


def _has_profile(policy: Spot) -> bool:
    return any(
        spot.at("profile").there for operation, spot in parameters(policy) if operation == "backup"
    )


def _backups(objects: KastenObjects) -> Iterator[tuple[Spot, Spot]]:
    """Yield each Policy that backs up, with the hooks of its backup."""
    for policy in objects.policies:
        for action in policy.at("spec", "actions").each():
            if action.at("action").text == "backup":
                yield policy, action.at("backupParameters", "hooks")


def _called(objects: KastenObjects, hook: Spot) -> Iterator[Action]:
    for blueprint in objects.named(hook.at("blueprint").text):
        action = blueprint.action(hook.at("actionName").text)
        if action:
            yield action


def _namespace(node: object) -> str:
    """Return the namespace of an argument; empty where a template is to tell it."""
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, str) and "{{" not in value else ""


def _takes_claims(policy: Spot) -> bool:
    """Tell whether claims are among what a Policy backs up."""
    for operation, spot in parameters(policy):
        filters = spot.at("filters")
        if operation == "backup" and filters.there:
            included = [Resource(s) for s in filters.at("includeResources").each()]
            excluded = [Resource(s) for s in filters.at("excludeResources").each()]
            if included and not any(r.resource in ("", CLAIMS) for r in included):
                return False
            if any(r.resource == CLAIMS and not r.by_label and not r.name for r in excluded):
                return False
    return True
