"""The inputs of an action: artifacts, Secrets, ConfigMaps, and the object that it runs on.

Nothing of it is held against the lists of an action by Kanister itself: what is missing shows when
the template that names it is rendered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kanister_kafka.diagnostics import Diagnostics, Severity
from kanister_kafka.kanister import Blueprint, BlueprintAction, TemplateText
from kanister_kafka.kanister.blueprint import OBJECT_KINDS
from kanister_kafka.linter.registry import BLUEPRINT, LintSettings, Rule, lint_rule
from kanister_kafka.linter.rules.phases import finding_at, is_slip, nearest, references
from kanister_kafka.yamldoc import MappingNode, Scalar

if TYPE_CHECKING:
    from kanister_kafka.gotemplate.types import Reference

LISTS = {"Secrets": "secretNames", "ConfigMaps": "configMapNames"}


def _artifacts(blueprint: Blueprint) -> dict[str, set[str]]:
    """Return what the actions hand on: by name, the keys."""
    artifacts: dict[str, set[str]] = {}
    for action in blueprint.actions:
        for entry in action.output_artifacts.entries:
            value = entry.value.get("keyValue") if isinstance(entry.value, MappingNode) else None
            keys = {e.key for e in value.entries} if isinstance(value, MappingNode) else set()
            artifacts[entry.key] = keys | artifacts.get(entry.key, set())
    return artifacts


@lint_rule(BLUEPRINT, "own-artifact")
def own_artifact(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find an artifact that only the action which reads it hands on: it does so at its end."""
    for action, template, reference in _self_made(blueprint):
        step = reference.steps[1]
        message = (
            f'artifact "{step.name}" is what action {action.name} itself hands on when all its '
            "phases are done; write the value here as well"
        )
        yield finding_at(rule, template, step, message)


def _self_made(blueprint: Blueprint) -> Iterator[tuple[BlueprintAction, TemplateText, Reference]]:
    makers: dict[str, list[str]] = {}
    for action in blueprint.actions:
        for entry in action.output_artifacts.entries:
            makers.setdefault(entry.key, []).append(action.name)
    for action, template, reference in references(blueprint, "ArtifactsIn"):
        names = reference.names
        if len(names) < 2 or names[1] in action.names("inputArtifactNames"):
            continue
        sure = not reference.conditional and _fails(reference)
        if sure and makers.get(names[1]) == [action.name]:
            yield action, template, reference


def _fails(reference: Reference) -> bool:
    """Return whether a path into an artifact fails without it; `index` gives an empty one."""
    steps = reference.steps
    return not steps[1].by_index or (len(steps) > 3 and not steps[3].by_index)


@lint_rule(BLUEPRINT, "unknown-artifact")
def unknown_artifact(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find input artifacts that no action hands on and the action does not ask for."""
    artifacts = _artifacts(blueprint)
    for action, template, reference in references(blueprint, "ArtifactsIn"):
        names = {*artifacts, *action.names("inputArtifactNames")}
        if len(reference.steps) > 1 and reference.names[1] not in names and _fails(reference):
            step = reference.steps[1]
            message = f'no action hands on an artifact "{step.name}"'
            yield finding_at(rule, template, step, message + nearest(step.name, names))


@lint_rule(BLUEPRINT, {"artifact-key": Severity.ERROR, "undeclared-artifact-key": Severity.WARNING})
def artifact_key(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find keys of an artifact that its action does not hand on.

    It is an error if the key is nearly one of those. Only an ActionSet that a person writes can
    have another key.
    """
    artifacts = _artifacts(blueprint)
    for _action, template, reference in references(blueprint, "ArtifactsIn"):
        names = reference.names
        keys = artifacts.get(names[1]) if len(names) > 3 and names[2] == "KeyValue" else None
        if keys is not None and names[3] not in keys:
            hint = nearest(names[3], keys)
            message = f'artifact "{names[1]}" is handed on without a key "{names[3]}"{hint}'
            rule_id = "artifact-key" if hint.endswith("?") else "undeclared-artifact-key"
            yield finding_at(rule, template, reference.steps[3], message, rule_id)


@lint_rule(BLUEPRINT, "undeclared-artifact", Severity.WARNING)
def undeclared_artifact(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find input artifacts that the action does not ask for; Kanister does not, but people do."""
    artifacts = _artifacts(blueprint)
    reported_ids = {id(reference) for _action, _template, reference in _self_made(blueprint)}
    for action, template, reference in references(blueprint, "ArtifactsIn"):
        if id(reference) in reported_ids:
            continue
        declared = action.names("inputArtifactNames")
        if len(reference.steps) > 1 and reference.names[1] in artifacts.keys() - declared.keys():
            step = reference.steps[1]
            message = f'add "{step.name}" to inputArtifactNames of action {action.name}'
            yield finding_at(rule, template, step, message)


@lint_rule(BLUEPRINT, "foreign-artifact", Severity.WARNING)
def foreign_artifact(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find artifacts that an action asks for and no action hands on, while others are handed on."""
    artifacts = _artifacts(blueprint)
    for action in blueprint.actions if artifacts else ():
        for name, node in action.names("inputArtifactNames").items():
            if name not in artifacts:
                message = f'no action hands on an artifact "{name}"{nearest(name, artifacts)}'
                yield rule.report(node.location, f"{action.path}.inputArtifactNames", message)


@lint_rule(BLUEPRINT, {"unknown-input": Severity.ERROR, "unlisted-input": Severity.WARNING})
def unknown_input(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find a Secret or ConfigMap that the lists of the action do not have.

    It is an error if it is one of those in the list, misspelt. Kanister does not read these lists:
    an ActionSet may bring another one.
    """
    for action, template, reference in references(blueprint, *LISTS):
        field = LISTS[reference.names[0]]
        listed = action.names(field)
        if listed and len(reference.steps) > 1 and reference.names[1] not in listed:
            step = reference.steps[1]
            message = f'{field} of action {action.name} has no "{step.name}"'
            rule_id = "unknown-input" if is_slip(step.name, listed) else "unlisted-input"
            yield finding_at(rule, template, step, message + nearest(step.name, listed), rule_id)


@lint_rule(BLUEPRINT, "undeclared-input", Severity.WARNING)
def undeclared_input(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find a Secret or ConfigMap in an action that asks for none: the ActionSet must bring it."""
    for action, template, reference in references(blueprint, *LISTS):
        root, field = reference.names[0], LISTS[reference.names[0]]
        if len(reference.steps) < 2 or action.names(field):
            continue
        step = reference.steps[1]
        owners = [p.name for p in action.all_phases if p.objects.get(step.name) is not None]
        message = f'add "{step.name}" to {field} of action {action.name}'
        if owners:
            message = f"the object of a phase is .Phases.{owners[0]}.{root}.{step.name}"
        yield finding_at(rule, template, step, message)


@lint_rule(BLUEPRINT, "object-kind")
def object_kind(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find parameters of another kind of object than the one the action is for.

    An action runs for one object, and of these parameters all but its own are nil. Its kind is the
    one it states, which Kanister does not read, or that of the first parameter used.
    """
    kinds = {name.lower(): name for name in OBJECT_KINDS} | {"persistentvolumeclaim": "PVC"}
    for action in blueprint.actions:
        stated = action.node.get("kind")
        text = stated.text if isinstance(stated, Scalar) else ""
        kind = kinds.get(text.lower(), text)
        reason = f"the action is for kind {text}"
        for template in action.templates:
            for reference in template.analysis.references:
                root = reference.names[0]
                if root not in OBJECT_KINDS or reference.conditional:
                    continue
                if not kind:
                    first = reference.steps[0]
                    line = template.place(first.line, first.column).line
                    kind, reason = root, f"line {line} has .{root}"
                if root != kind and len(reference.steps) > 1:
                    message = f".{root} is nil: {reason}"
                    yield finding_at(rule, template, reference.steps[0], message)
