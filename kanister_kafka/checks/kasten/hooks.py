"""Action hooks of Policies: what they call, what undoes it, and what cannot be handed on."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from kanister_kafka.checks.kasten.objects import KastenObjects
from kanister_kafka.checks.kasten.rule import rule
from kanister_kafka.checks.registry import Finding, Settings
from kanister_kafka.document import MappingNode, Scalar
from kanister_kafka.problem import Severity

LATE_CAPTURE = "lateCapture"
LATE_CAPTURE_KEYS = ("apiVersion", "resource", "name", "namespace")
"""What docs.kasten.io/9.0.11/kanister/reference/late-capture asks for, beside an optional group."""


@rule("kasten-hook-field")
def hook_field(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find hooks that do not say what to call."""
    for hook in objects.hooks:
        for field in (hook.blueprint, hook.action):
            if not field.there:
                message = "Required value: a hook names a Blueprint and its action"
                yield Finding(field.location, field.path, message)


@rule("kasten-hook-action")
def hook_action(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find hooks that call what the Blueprint does not have: the operation fails there."""
    for hook in objects.hooks:
        blueprints = objects.named(hook.blueprint.text)
        names = [action.name for blueprint in blueprints for action in blueprint.actions]
        name = hook.action.text
        if blueprints and name and name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f'did you mean "{near[0]}"?' if near else f"it has {', '.join(names) or 'none'}"
            message = (
                f'Invalid value: "{name}": Blueprint {hook.blueprint.text} has no such action; '
                f"{hint}"
            )
            yield Finding(hook.action.location, hook.action.path, message)


@rule("kasten-no-failure-hook", Severity.WARNING)
def no_failure_hook(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find a preHook that nothing undoes after a failure (docs.kasten.io, phase-lifecycle)."""
    for hook in objects.hooks:
        if hook.moment != "preHook" or hook.hooks.at("onFailure").there:
            continue
        undone = hook.hooks.at("onSuccess").there
        blueprints = objects.named(hook.blueprint.text)
        if not undone and not any(len(blueprint.actions) > 1 for blueprint in blueprints):
            continue  # one action alone, such as a flush, leaves nothing to undo
        message = (
            "Required value: what the preHook stopped stays so when the operation fails; call the "
            "action that undoes it in onFailure"
        )
        if not undone:
            message += " and in onSuccess"
        yield Finding(hook.here.location, f"{hook.hooks.path}.onFailure", message)


@rule("kasten-hook-artifacts", Severity.WARNING)
def hook_artifacts(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find artifacts where Kasten keeps none: it hands them from bound action to bound action."""
    for blueprint, action in objects.on_namespace():
        if objects.is_bound(blueprint):
            continue
        for field in ("inputArtifactNames", "outputArtifacts"):
            node = action.node.get(field)
            if node and not (isinstance(node, Scalar) and node.value is None):
                message = (
                    "an action hook of a Policy neither gets nor leaves artifacts; keep what a "
                    "restore needs in a ConfigMap of the namespace, which the backup captures"
                )
                yield Finding(node.location, f"{action.path}.{field}", message)


@rule("kasten-late-capture", Severity.WARNING)
def late_capture(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find late captures that do not say which object to capture."""
    for blueprint in objects.blueprints:
        for action in blueprint.actions:
            for entry in action.output_artifacts.entries:
                if not entry.key.startswith(LATE_CAPTURE):
                    continue
                value = (
                    entry.value.get("keyValue") if isinstance(entry.value, MappingNode) else None
                )
                given = [key.key for key in value.entries] if isinstance(value, MappingNode) else []
                if missing := [key for key in LATE_CAPTURE_KEYS if key not in given]:
                    path = f"{action.path}.outputArtifacts.{entry.key}.keyValue"
                    message = (
                        f"Required value: Kasten captures the object named by "
                        f"{', '.join(LATE_CAPTURE_KEYS)}; {', '.join(missing)} missing"
                    )
                    yield Finding(entry.location, path, message)
