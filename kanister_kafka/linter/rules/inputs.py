"""What an action is given: artifacts, Secrets, ConfigMaps, and the object it is for.

Nothing of it is held against the lists of an action by Kanister itself: what is missing shows when
the template that names it is rendered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kanister_kafka.diagnostics import Severity
from kanister_kafka.kanister import Blueprint, BlueprintAction, TemplateText
from kanister_kafka.kanister.object_kinds import OBJECT_KINDS
from kanister_kafka.linter.registry import Finding, LintSettings, blueprint_rule
from kanister_kafka.linter.rules.phases import finding_at, is_slip, nearest, references
from kanister_kafka.yamldoc import MappingNode, Scalar

if TYPE_CHECKING:
    from kanister_kafka.gotemplate.types import PathStep, Reference

LISTS = {"Secrets": "secretNames", "ConfigMaps": "configMapNames"}


def _artifacts(blueprint: Blueprint) -> dict[str, set[str]]:
    """Return what the actions hand on: by name, the keys."""
    made: dict[str, set[str]] = {}
    for action in blueprint.actions:
        for entry in action.output_artifacts.entries:
            value = entry.value.get("keyValue") if isinstance(entry.value, MappingNode) else None
            keys = {e.key for e in value.entries} if isinstance(value, MappingNode) else set()
            made[entry.key] = keys | made.get(entry.key, set())
    return made


@blueprint_rule("own-artifact")
def own_artifact(blueprint: Blueprint, _settings: LintSettings) -> Iterator[Finding]:
    """Find an artifact that only the action which reads it hands on: it does so at its end."""
    for action, template, reference in _own(blueprint):
        step = reference.steps[1]
        message = (
            f'artifact "{step.name}" is what action {action.name} itself hands on when all its '
            "phases are done; write the value here as well"
        )
        yield finding_at(template, step, message)


def _own(blueprint: Blueprint) -> Iterator[tuple[BlueprintAction, TemplateText, Reference]]:
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
    """Tell whether a path into an artifact fails without it; `index` gives an empty one."""
    steps = reference.steps
    return not steps[1].by_index or (len(steps) > 3 and not steps[3].by_index)


@blueprint_rule("unknown-artifact")
def unknown_artifact(blueprint: Blueprint, _settings: LintSettings) -> Iterator[Finding]:
    """Find input artifacts that no action hands on and the action does not ask for."""
    made = _artifacts(blueprint)
    for action, template, reference in references(blueprint, "ArtifactsIn"):
        known = {*made, *action.names("inputArtifactNames")}
        if len(reference.steps) > 1 and reference.names[1] not in known and _fails(reference):
            step = reference.steps[1]
            message = f'no action hands on an artifact "{step.name}"'
            yield finding_at(template, step, message + nearest(step.name, known))


@blueprint_rule("artifact-key")
def artifact_key(blueprint: Blueprint, _settings: LintSettings) -> Iterator[Finding]:
    """Find keys of an artifact that are nearly one of those which its action hands on."""
    for template, step, message in _foreign_keys(blueprint):
        if message.endswith("?"):
            yield finding_at(template, step, message)


@blueprint_rule("undeclared-artifact-key", Severity.WARNING)
def undeclared_artifact_key(blueprint: Blueprint, _settings: LintSettings) -> Iterator[Finding]:
    """Find other keys of an artifact: only who writes the ActionSet by hand can give them."""
    for template, step, message in _foreign_keys(blueprint):
        if not message.endswith("?"):
            yield finding_at(template, step, message)


def _foreign_keys(blueprint: Blueprint) -> Iterator[tuple[TemplateText, PathStep, str]]:
    made = _artifacts(blueprint)
    for _action, template, reference in references(blueprint, "ArtifactsIn"):
        names = reference.names
        if len(names) > 3 and names[2] == "KeyValue":
            known = made.get(names[1])
            if known is not None and names[3] not in known:
                message = f'artifact "{names[1]}" is handed on without a key "{names[3]}"'
                yield template, reference.steps[3], message + nearest(names[3], known)


@blueprint_rule("undeclared-artifact", Severity.WARNING)
def undeclared_artifact(blueprint: Blueprint, _settings: LintSettings) -> Iterator[Finding]:
    """Find input artifacts that the action does not ask for; Kanister does not, but people do."""
    made = _artifacts(blueprint)
    own = {id(reference) for _action, _template, reference in _own(blueprint)}
    for action, template, reference in references(blueprint, "ArtifactsIn"):
        if id(reference) in own:
            continue
        asked = action.names("inputArtifactNames")
        if len(reference.steps) > 1 and reference.names[1] in made.keys() - asked.keys():
            step = reference.steps[1]
            message = f'add "{step.name}" to inputArtifactNames of action {action.name}'
            yield finding_at(template, step, message)


@blueprint_rule("foreign-artifact", Severity.WARNING)
def foreign_artifact(blueprint: Blueprint, _settings: LintSettings) -> Iterator[Finding]:
    """Find artifacts that an action asks for and no action hands on, while others are handed on."""
    made = _artifacts(blueprint)
    for action in blueprint.actions if made else ():
        for name, node in action.names("inputArtifactNames").items():
            if name not in made:
                message = f'no action hands on an artifact "{name}"{nearest(name, made)}'
                yield Finding(node.location, f"{action.path}.inputArtifactNames", message)


@blueprint_rule("unknown-input")
def unknown_input(blueprint: Blueprint, _settings: LintSettings) -> Iterator[Finding]:
    """Find a Secret or ConfigMap that is one of those which the action asks for, misspelt."""
    for is_slip_of, finding in _unlisted(blueprint):
        if is_slip_of:
            yield finding


@blueprint_rule("unlisted-input", Severity.WARNING)
def unlisted_input(blueprint: Blueprint, _settings: LintSettings) -> Iterator[Finding]:
    """Find another one than those which the action asks for.

    Kanister does not read these lists: an ActionSet may bring it all the same.
    """
    for is_slip_of, finding in _unlisted(blueprint):
        if not is_slip_of:
            yield finding


def _unlisted(blueprint: Blueprint) -> Iterator[tuple[bool, Finding]]:
    for action, template, reference in references(blueprint, *LISTS):
        field = LISTS[reference.names[0]]
        asked = action.names(field)
        if asked and len(reference.steps) > 1 and reference.names[1] not in asked:
            step = reference.steps[1]
            message = f'{field} of action {action.name} has no "{step.name}"'
            found = finding_at(template, step, message + nearest(step.name, asked))
            yield is_slip(step.name, asked), found


@blueprint_rule("undeclared-input", Severity.WARNING)
def undeclared_input(blueprint: Blueprint, _settings: LintSettings) -> Iterator[Finding]:
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
        yield finding_at(template, step, message)


@blueprint_rule("object-kind")
def object_kind(blueprint: Blueprint, _settings: LintSettings) -> Iterator[Finding]:
    """Find parameters of another kind of object than the one the action is for.

    An action runs for one object, and of these parameters all but its own are nil. Its kind is the
    one it states, which Kanister does not read, or that of the first parameter used.
    """
    kinds = {name.lower(): name for name in OBJECT_KINDS} | {"persistentvolumeclaim": "PVC"}
    for action in blueprint.actions:
        stated = action.node.get("kind")
        text = stated.text if isinstance(stated, Scalar) else ""
        own = kinds.get(text.lower(), text)
        said = f"the action is for kind {text}"
        for template in action.templates:
            for reference in template.analysis.references:
                root = reference.names[0]
                if root not in OBJECT_KINDS or reference.conditional:
                    continue
                if not own:
                    first = reference.steps[0]
                    line = template.place(first.line, first.column).line
                    own, said = root, f"line {line} has .{root}"
                if root != own and len(reference.steps) > 1:
                    message = f".{root} is nil: {said}"
                    yield finding_at(template, reference.steps[0], message)
