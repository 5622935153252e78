"""Go templates by themselves: whether they parse, and whether they can be run at all."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kanister_kafka.diagnostics import Diagnostics, Severity
from kanister_kafka.gotemplate.nodes import (
    IdentifierNode,
    Operand,
    ParseError,
    ParseErrorKind,
    StringNode,
    pipelines_of,
)
from kanister_kafka.gotemplate.types import BYTES, PathStep, Reference, TypeErrorKind
from kanister_kafka.kanister import Blueprint, TemplateText
from kanister_kafka.kanister.function_types import is_within
from kanister_kafka.kanister.template_context import LASTING, PHASE_CONFIG_MAPS
from kanister_kafka.linter.registry import BLUEPRINT, LintSettings, Rule, lint_rule

CALLS = re.compile(r"\bderivePassword\b|\bgenPrivateKey\b")
PATH = re.compile(r"(?:[$.][\w.$]*)?\.(?P<name>\w+(?:-\w+)+)")
"""A path, up to a name that has hyphens in it."""
HYPHEN = "bad character U+002D '-'"


@lint_rule(BLUEPRINT, "template-syntax")
def template_syntax(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find templates that do not parse: the phase fails when it is rendered, however late."""
    for template in blueprint.templates:
        for fault in template.parsed.errors:
            if fault.kind is ParseErrorKind.SYNTAX:
                message = f"does not parse as a template: {fault.message}"
                if HYPHEN in fault.message:  # as in Kanister's own documentation
                    message += f"; a name with a hyphen is reached by {_index(template, fault)}"
                yield rule.report(template.place(fault.line, fault.column), template.path, message)


def _index(template: TemplateText, fault: ParseError) -> str:
    """Return how a name with a hyphen is reached that stands where the fault is."""
    lines = template.node.text.split("\n")
    line = lines[fault.line - 1] if fault.line <= len(lines) else ""
    for match in PATH.finditer(line):
        if match.start() < fault.column <= match.end() + 1:
            before = line[match.start() : match.start("name") - 1] or "."
            return f'(index {before} "{match["name"]}")'
    return '(index .Phases "a-name")'


@lint_rule(BLUEPRINT, "unknown-template-function")
def unknown_template_function(
    rule: Rule, blueprint: Blueprint, _settings: LintSettings
) -> Diagnostics:
    """Find functions that the engine of the template does not have."""
    for template in blueprint.templates:
        for fault in template.parsed.errors:
            if fault.kind is ParseErrorKind.UNKNOWN_FUNCTION:
                engine = "WaitV2's" if template.is_condition else "Kanister's"
                message = f"{fault.message}; {engine} templates have no such function"
                yield rule.report(template.place(fault.line, fault.column), template.path, message)


REFUSED_SINCE = "0.106"
"""The release from which on Kanister's engine refuses what FIPS does not have (pkg/ksprig)."""
KEYS = ("ecdsa", "ed25519", "rsa")
"""Key types of genPrivateKey since then."""


@lint_rule(BLUEPRINT, "refused-function")
def refused_function(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find functions that Kanister has and refuses to run."""
    if not is_within(settings.release, REFUSED_SINCE, ""):
        return
    for template in blueprint.templates:
        if template.is_condition or not CALLS.search(template.node.text):
            continue
        for pipe in pipelines_of(template.parsed.nodes):
            for i, command in enumerate(pipe.commands):
                piped = pipe.commands[i - 1].arguments if i else ()
                reason = _refused(command.arguments, [*command.arguments[1:], *piped])
                if reason:
                    location = template.place(command.line, command.column)
                    message = f"Kanister refuses {reason} since {REFUSED_SINCE}: FIPS has none"
                    yield rule.report(location, template.path, message)


def _refused(words: Sequence[Operand], arguments: Sequence[Operand]) -> str:
    """Return what is refused of a call, or an empty string."""
    if not isinstance(words[0], IdentifierNode):
        return ""
    name = words[0].name
    if name == "derivePassword":
        return name
    kind = arguments[0].value if arguments and isinstance(arguments[0], StringNode) else KEYS[0]
    return f"{name} of {kind}" if name == "genPrivateKey" and kind not in KEYS else ""


OBJECT_KEYS = ("apiVersion", "kind", "metadata", "spec", "status")
"""Keys of every object; it may have others, which its kind decides."""
METADATA_KEYS = (
    "annotations", "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp",
    "finalizers", "generateName", "generation", "labels", "managedFields", "name", "namespace",
    "ownerReferences", "resourceVersion", "selfLink", "uid",
)  # fmt: skip
"""All keys of ObjectMeta (meta/v1 of k8s.io/apimachinery 0.37)."""


@lint_rule(BLUEPRINT, {"template-field": Severity.ERROR, "template-call": Severity.ERROR})
def template_field(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find fields that the data of a template never has, and calls with wrong arguments.

    The data is that of pkg/param/param.go.
    """
    for template in blueprint.templates:
        for misuse in template.analysis.misuses:
            rule_id = "template-field" if misuse.kind is TypeErrorKind.FIELD else "template-call"
            location = template.place(misuse.line, misuse.column)
            message = f"fails when it is rendered: {misuse.message}"
            yield rule.report(location, template.path, message, rule_id)
        if template.is_condition:
            continue
        for reference in template.analysis.references:
            yield from _misspelt_key(rule, template, reference)
            step, since, until = _lasting(reference)
            if not is_within(settings.release, since, until):
                message = f"Kanister {settings.release} has no .{step.name} there; it has it "
                message += f"since {since}" if since else f"until {until}"
                yield rule.report(template.place(step.line, step.column), template.path, message)


def _misspelt_key(rule: Rule, template: TemplateText, reference: Reference) -> Diagnostics:
    """Find the keys that objects have, in another case; those of metadata in another number too."""
    first, *steps = reference.steps
    if first.name != "Object" or first.by_index:
        return
    for step in steps[:2]:
        if step.by_index:
            return
        is_top = step is steps[0]
        keys = OBJECT_KEYS if is_top else METADATA_KEYS
        meant = next((key for key in keys if _is_near(step.name, key, is_top=is_top)), "")
        if meant:
            message = (
                f"fails when it is rendered: an object has no key {step.name} there; did you mean "
                f'"{meant}"?'
            )
            yield rule.report(template.place(step.line, step.column), template.path, message)
            return
        if step.name != "metadata":
            return


def _is_near(name: str, key: str, *, is_top: bool) -> bool:
    """Return whether a name that is not the key is meant to be it."""
    lower = name.lower(), key.lower()
    if is_top:  # a kind may have a key of another number there
        return name != key and lower[0] == lower[1]
    return name != key and lower[0].rstrip("s") == lower[1].rstrip("s")


def _lasting(reference: Reference) -> tuple[PathStep, str, str]:
    """Return the name of a path that not every release has, and which have it."""
    steps = reference.steps
    if steps[0].name in LASTING:
        return steps[0], *LASTING[steps[0].name]
    field = {"Phases": 2, "DeferPhase": 1}.get(steps[0].name, len(steps))
    if field < len(steps) and steps[field].name == "ConfigMaps":
        return steps[field], *PHASE_CONFIG_MAPS
    return steps[0], "", ""


@lint_rule(BLUEPRINT, "template-bytes")
def template_bytes(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find the data of a Secret printed as it is: Go prints a list of numbers."""
    for template in blueprint.templates:
        for printed in template.analysis.printed:
            if printed.type == BYTES:
                name = ".".join(("", *(step.name for step in printed.steps)))
                message = f"prints the bytes of {name} as a list of numbers; add `| toString`"
                yield rule.report(
                    template.place(printed.line, printed.column), template.path, message
                )
