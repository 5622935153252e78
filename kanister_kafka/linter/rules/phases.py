"""Phases by name: each name once, and what templates ask of another phase.

When there is what: pkg/controller/controller.go and pkg/phase.go of Kanister. The objects of all
phases are rendered before the first one runs, arguments phase by phase, output artifacts at the
end.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from kanister_kafka.diagnostics import Diagnostic, Diagnostics, Severity
from kanister_kafka.kanister import (
    Blueprint,
    BlueprintAction,
    BlueprintPhase,
    TemplateText,
    child_path,
)
from kanister_kafka.kanister.blueprint import cached_on_model
from kanister_kafka.kanister.commands import simple_commands
from kanister_kafka.kanister.function_catalog import functions
from kanister_kafka.linter.registry import BLUEPRINT, LintSettings, Rule, lint_rule
from kanister_kafka.similarity import nearest_name
from kanister_kafka.yamldoc import MappingNode, Node, Scalar, Sequence

if TYPE_CHECKING:
    from kanister_kafka.gotemplate.types import PathStep, Reference

# Places at which templates name what an action has: shared by the checks of phases and of inputs.


def references(
    blueprint: Blueprint, *roots: str
) -> Iterator[tuple[BlueprintAction, TemplateText, Reference]]:
    """Yield what starts at one of these parameters, with where it stands."""
    by_root = _by_root(blueprint)
    for root in roots:
        yield from by_root.get(root, ())


@cached_on_model
def _by_root(
    blueprint: Blueprint,
) -> dict[str, list[tuple[BlueprintAction, TemplateText, Reference]]]:
    by_root = defaultdict(list)
    for action in blueprint.actions:
        for template in action.templates:
            for reference in template.analysis.references:
                by_root[reference.steps[0].name].append((action, template, reference))
    return by_root


def finding_at(
    rule: Rule, template: TemplateText, step: PathStep, message: str, rule_id: str = ""
) -> Diagnostic:
    """Build a diagnostic at one name of a path."""
    location = template.place(step.line, step.column)
    return rule.report(location, template.path, message, rule_id)


def is_slip(name: str, names: Iterable[str]) -> bool:
    """Return whether a name is a known one with a slip of the pen: one letter, or two in turn.

    A digit is none: `db1` and `db2` are two names.
    """
    return any(_differs_by_one(name, candidate) for candidate in names)


def _differs_by_one(name: str, candidate: str) -> bool:
    if min(len(name), len(candidate)) < 3 or name == candidate:
        return False
    short, long = sorted((name, candidate), key=len)
    pairs = enumerate(zip(short, long, strict=False))
    start = next((i for i, (a, b) in pairs if a != b), len(short))
    left, right = short[start:], long[start:]
    added = len(left) + 1 == len(right) and left == right[1:]
    changed = len(left) == len(right) and left[1:] == right[1:]
    turned = left[:2] == right[1::-1] and left[2:] == right[2:] and len(left) == len(right)
    digits = any(part[:1].isdigit() for part in (left, right))
    return turned or ((added or changed) and not digits)


def nearest(name: str, candidates: Iterable[str]) -> str:
    """Return a question after the nearest known name, or what there is."""
    names = sorted(candidates)
    if near := nearest_name(name, names):
        return f'; did you mean "{near}"?'
    return f"; there is {', '.join(names)}" if names else ""


FETCHED = ("configmap", "secret")
"""Kinds of `objects` that are fetched."""
PRINTED_KEY = re.compile(r"(?:\bkando\s+output|--output-name[ =])\s*([\"']?)([\w.-]+)\1(?=\s|$)")
"""How a command prints an output with kando (pkg/kando); it stands for itself in the text."""
SILENT = re.compile(
    r"|\.|:|\[\[?|cat|cd|chmod|chown|cp|cut|date|do|done|echo|exit|export|false|fi|grep|gunzip|gzip"
    r"|head|kando|kubectl|local|ls|mkdir|mktemp|mv|oc|printf|pwd|rm|sed|set|shift|sleep|sort|sync"
    r"|tail|tar|test|touch|tr|trap|true|umask|unset|wait|wc|}"
)
"""Programs, and words of a shell, that print no output of a phase except that of later words."""
PRINTS = re.compile(r"\bkando\s+output\b|--output-name\b|###Phase-output###")


@lint_rule(BLUEPRINT, "duplicate-phase")
def duplicate_phase(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find names used twice: all actions and deferPhases share them (pkg/blueprint/validate)."""
    lines: dict[str, int] = {}
    for phase in blueprint.phases:
        entry = phase.entry("name")
        name = phase.name
        if not entry or not name:
            continue
        location = entry.value.location
        if name in lines:
            message = f'Duplicate value: "{name}": line {lines[name]} has a phase of this name'
            yield rule.report(location, f"{phase.path}.name", message)
        lines.setdefault(name, location.line)


@lint_rule(BLUEPRINT, "phase-reference")
def phase_reference(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find phases that a template names and that are not there, or not yet."""
    for action, template, reference in references(blueprint, "Phases", "CurrentPhase"):
        first, *steps = reference.steps
        if first.name == "CurrentPhase":
            message = ".CurrentPhase is nil while arguments are rendered; name the phase"
            yield finding_at(rule, template, first, message)
        elif steps and (fault := _fault(blueprint, action, template, steps[0].name)):
            yield finding_at(rule, template, steps[0], fault)


def _fault(blueprint: Blueprint, action: BlueprintAction, template: TemplateText, name: str) -> str:
    if template.field == "objects":
        return "the objects of all phases are rendered before any phase runs: .Phases is empty"
    phases_by_name = {phase.name: phase for phase in reversed(action.phases) if phase.name}
    if name in phases_by_name:
        now, then = template.phase, phases_by_name[name]
        if now is None or now.index is None or (then.index or 0) <= now.index:
            return ""
        return f'phase "{name}" runs later than this one'
    if action.defer_phase is not None and name == action.defer_phase.name:
        return f'"{name}" is the deferPhase, whose data is .DeferPhase'
    for phase in blueprint.phases:
        if phase.name == name:
            return (
                f'phase "{name}" is in action {phase.action}; another action sees '
                "nothing of it but output artifacts"
            )
    return f'action {action.name} has no phase "{name}"{nearest(name, phases_by_name)}'


def _field_uses(
    blueprint: Blueprint, field: str
) -> Iterator[tuple[TemplateText, BlueprintPhase, PathStep, Reference]]:
    """Yield uses of a field of a phase that is there: the phase, and the name below the field."""
    for action, template, reference in references(blueprint, "Phases", "DeferPhase"):
        steps = reference.steps
        if steps[0].name == "DeferPhase":
            phase, steps_below = action.defer_phase, steps[1:]
        else:
            if len(steps) < 2 or _fault(blueprint, action, template, steps[1].name):
                continue
            name = steps[1].name
            phase, steps_below = next(p for p in action.phases if p.name == name), steps[2:]
        if phase is not None and len(steps_below) > 1 and steps_below[0].name == field:
            yield template, phase, steps_below[1], reference


@lint_rule(BLUEPRINT, "phase-object")
def phase_object(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find Secrets and ConfigMaps of a phase that its `objects` do not name.

    Kanister fetches those whose kind is Secret or ConfigMap, in any case, and leaves out others
    without a word (filterByKind in pkg/param/param.go).
    """
    for field, kind in (("Secrets", "Secret"), ("ConfigMaps", "ConfigMap")):
        for template, phase, step, _reference in _field_uses(blueprint, field):
            reference = phase.objects.get(step.name)
            stated = reference.get("kind") if isinstance(reference, MappingNode) else None
            text = stated.text if isinstance(stated, Scalar) else ""
            if not isinstance(reference, MappingNode):
                names = [entry.key for entry in phase.objects.entries]
                message = f'phase "{phase.name}" has no object "{step.name}"'
                yield finding_at(rule, template, step, message + nearest(step.name, names))
            elif text.lower() != kind.lower() and "{{" not in text:
                as_stated = f'kind "{text}"' if text else "no kind"
                message = f'object "{step.name}" has {as_stated}, so it is not fetched'
                message += f"; set kind: {kind}"
                yield finding_at(rule, template, step, message)


@lint_rule(BLUEPRINT, "object-incomplete")
def object_incomplete(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find Secrets and ConfigMaps of a phase without name or namespace: to get them fails."""
    for phase in blueprint.phases:
        for entry in phase.objects.entries:
            node = entry.value
            stated = node.get("kind") if isinstance(node, MappingNode) else None
            if not isinstance(stated, Scalar) or stated.text.lower() not in FETCHED:
                continue
            for field in ("name", "namespace"):
                value = node.get(field) if isinstance(node, MappingNode) else None
                if value is None or (isinstance(value, Scalar) and not value.text):
                    path = f"{phase.path}.objects.{entry.key}.{field}"
                    message = f"Required value: a {stated.text} is not found without it"
                    yield rule.report(node.location, path, message)


@lint_rule(BLUEPRINT, {"phase-output": Severity.ERROR, "unprinted-output": Severity.WARNING})
def phase_output(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find outputs that a phase does not have: by its function, or by the keys it prints.

    It is a warning if a script does not print an output while it prints others, and runs programs
    that may print it.
    """
    functions_by_name = functions(settings.release)
    for template, phase, step, _reference in _field_uses(blueprint, "Output"):
        if template.phase is phase:
            message = f'phase "{phase.name}" has no output before it has run'
            yield finding_at(rule, template, step, message)
            continue
        function = functions_by_name.get(phase.func)
        if function is None:
            continue
        outputs = {*function.outputs, *_printed(phase)}
        if function.prints:
            if not outputs or step.name in outputs or _prints_more(phase):
                continue
            message = f'phase "{phase.name}" prints no output "{step.name}"'
        elif step.name in outputs:
            continue
        elif outputs:
            message = f'{phase.func} has no output "{step.name}"'
        else:
            message = f'phase "{phase.name}" has no outputs: {phase.func} gives none'
        slips = is_slip(step.name, outputs)
        is_certain = not function.prints or slips or _runs_nothing_else(phase)
        rule_id = "phase-output" if is_certain else "unprinted-output"
        yield finding_at(rule, template, step, message + nearest(step.name, outputs), rule_id)


def _runs_nothing_else(phase: BlueprintPhase) -> bool:
    """Return whether all programs of a phase are known, so that none prints an output unseen."""
    return all(SILENT.fullmatch(statement.program) for statement in simple_commands(phase))


SOURCES = frozenset({".", "source"})
"""Words by which a shell reads the code of a file."""


@lint_rule(BLUEPRINT, "unseen-output", Severity.INFO)
def unseen_output(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find outputs of commands that print none as far as can be seen; a program may.

    The code of a command that sources a file is elsewhere: it is not reported.
    """
    functions_by_name = functions(settings.release)
    for template, phase, step, _reference in _field_uses(blueprint, "Output"):
        function = functions_by_name.get(phase.func)
        if template.phase is phase or function is None or not function.prints:
            continue
        if any(statement.program in SOURCES for statement in simple_commands(phase)):
            continue
        if not (function.outputs or _printed(phase) or _prints_more(phase)):
            message = f'the command of phase "{phase.name}" prints no output that can be seen here'
            yield finding_at(rule, template, step, message)


def _printed(phase: BlueprintPhase) -> set[str]:
    """Return the keys of outputs that stand in the arguments of a phase."""
    texts = [node.text for _path, node in phase.values]
    words = " ".join(texts)  # `kando`, `output` and the key may be items of a list
    return {match.group(2) for match in PRINTED_KEY.finditer(words)}


def _prints_more(phase: BlueprintPhase) -> bool:
    """Return whether it prints an output whose key only the run knows."""
    words = " ".join(node.text for _path, node in phase.values)
    return len(PRINTS.findall(words)) > len(PRINTED_KEY.findall(words))


@lint_rule(BLUEPRINT, "defer-output")
def defer_output(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find a deferPhase that needs the output of a phase: after a failure there is no output.

    The output of a phase that failed is nil and a later one is not in .Phases, so the template
    fails and the state that the deferPhase should put right stays as it is. A template may name the
    first phase if that makes one object: if it fails nothing has been done.
    """
    for template, phase, step, reference in _field_uses(blueprint, "Output"):
        deferred = template.phase is not None and template.phase.index is None
        if not deferred or phase.index is None or step.by_index or reference.conditional:
            continue
        if phase.index > 0 or phase.func != "KubeOps":
            message = (
                f'after a failure phase "{phase.name}" has no output and this fails; ask with '
                f'{{{{ with index .Phases "{phase.name}" }}}}{{{{ index .Output "{step.name}" }}}}'
                "{{ end }}"
            )
            yield finding_at(rule, template, step, message)


# Keys that are read as another text than the one that stands there.


@lint_rule(BLUEPRINT, "unquoted-key", Severity.WARNING)
def unquoted_key(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find keys such as `on` and `1.0`: what asks for them by their spelling does not find them."""
    pending: list[tuple[str, Node]] = [("", blueprint.document.root)]
    while pending:
        path, node = pending.pop()
        if isinstance(node, Sequence):
            pending += [(f"{path}[{i}]", item) for i, item in enumerate(node.items)]
        elif isinstance(node, MappingNode):
            for entry in node.entries:
                key_path = child_path(path, entry.key)
                if entry.spelled:
                    message = f'is read as "{entry.key}": write "{entry.spelled}" between quotes'
                    yield rule.report(entry.location, key_path, message)
                pending.append((key_path, entry.value))
