"""Shapes of Kasten's objects, held against what `kasten.schemas` states of them.

`kasten.schemas` closes only fields and values that public pages settle: kubectl refuses another
field, or the API server another value, and a client that drops it leaves out what the author has
meant.
"""

from __future__ import annotations

from collections.abc import Iterable

from kanister_kafka.diagnostics import Diagnostics, Severity
from kanister_kafka.kanister import validate_schema
from kanister_kafka.kanister.schema_validator import AnySchema, ObjectSchema, did_you_mean
from kanister_kafka.kasten import schemas
from kanister_kafka.linter.kasten.cursor import Cursor
from kanister_kafka.linter.kasten.objects import KastenObjects
from kanister_kafka.linter.registry import KASTEN, LintSettings, Rule, lint_rule
from kanister_kafka.linter.rules.kasten.references import transforms

REQUIREMENTS = ("type", "namespace", "labels", "annotations")
OF_KIND = ("apiVersion", "kind")
PARAMETERS = tuple(f"{name}Parameters" for name in schemas.OPERATIONS)
BELOW = ("hooks", "filters", "profile")
OTHER_OPERATIONS = ("k10DisasterRecovery",)
NEEDED = {"export": ("profile",), "import": ("profile", "receiveString")}
"""Required fields of an operation, by its name."""
WHY = {
    ("profile", "export"): "the location profile to export to",
    ("profile", "import"): "the location profile to import from",
    ("receiveString", "import"): "the string of the export that identifies the data to import",
}
FROM = ("copy", "move")
VALUE = ("add", "replace")
"""Operations by the field that they need. Kasten's `test` without a value looks whether the path
exists (docs.kasten.io, api/transforms)."""
ELSEWHERE = ("blueprint", "actionName", "blueprintRef.name", "spec.resources")
"""Fields whose absence has a rule of its own."""


@lint_rule(KASTEN, "kasten-binding-incomplete")
def binding_incomplete(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find bindings without a Blueprint or without a requirement, which Kasten calls invalid."""
    for binding in objects.bindings:
        if not binding.blueprint.there:
            name = binding.blueprint
            yield rule.report(name.location, name.path, "Required value: the Blueprint to run")
        if not any(requirement.there for requirement in binding.requirements()):
            field = binding.root.at("spec", "resources")
            message = "Required value: a binding without matchAll and matchAny is invalid"
            yield rule.report(field.location, field.path, message)


@lint_rule(KASTEN, "kasten-kind")
def kind(_rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find objects meant for Kasten, of a version or a kind that it does not have."""
    for identity in objects.identities:
        yield from identity.problems


@lint_rule(KASTEN, "kasten-binding-shape")
def binding_shape(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find what a BlueprintBinding is not documented to hold."""
    for binding in objects.bindings:
        flat: list[str] = []
        for requirement in binding.requirements():
            flat += [problem.path for problem in _flat(rule, requirement)]
        for problem in _mismatches(rule, binding.root, schemas.KINDS["BlueprintBinding"]):
            if not problem.path.startswith(tuple(flat)):
                yield problem
        for requirement in binding.requirements():
            yield from _uncompared(rule, requirement)


@lint_rule(KASTEN, "kasten-binding-form", Severity.WARNING)
def binding_form(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find forms of a binding that guides show, and the documentation does not."""
    for binding in objects.bindings:
        for requirement in binding.requirements():
            yield from _flat(rule, requirement)


@lint_rule(KASTEN, "kasten-policy-shape")
def policy_shape(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find what a Policy is not documented to hold, if the documentation is complete."""
    for policy in objects.policies:
        is_unset = policy.at("spec", "presetRef").there and policy.at("spec", "frequency").is_empty
        for problem in _mismatches(rule, policy, schemas.KINDS["Policy"]):
            if not (is_unset and problem.path == "spec.frequency"):
                yield problem
        yield from _misplaced(
            rule, policy.at("spec"), BELOW + PARAMETERS, "of the entry of actions"
        )
        for action in policy.at("spec", "actions").each():
            yield from _misplaced(rule, action, BELOW, "of the action")
            yield from _of_another(rule, action)


@lint_rule(KASTEN, "kasten-no-frequency", Severity.WARNING)
def no_frequency(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find Policies that neither set when they run nor leave it to a preset."""
    for policy in objects.policies:
        spec = policy.at("spec")
        if spec.there and not spec.at("frequency").there and not spec.at("presetRef").there:
            message = 'Required value: when it runs; "@onDemand" if a person starts each run'
            yield rule.report(spec.location, f"{spec.path}.frequency", message)


@lint_rule(KASTEN, "kasten-missing-parameter")
def missing_parameter(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find exports and imports without a target or a source (docs.kasten.io, api/policies)."""
    for policy in objects.policies:
        preset = policy.at("spec", "presetRef").there
        for action in policy.at("spec", "actions").each():
            name = action.at("action").text
            for field in () if preset and name == "export" else NEEDED.get(name, ()):
                parameter = action.at(f"{name}Parameters", field)
                if not parameter.there or parameter.is_empty or parameter.at("name").is_empty:
                    message = f"Required value: {WHY[field, name]}"
                    yield rule.report(parameter.location, parameter.path, message)


@lint_rule(KASTEN, "kasten-unknown-operation", Severity.WARNING)
def unknown_operation(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find operations of Policies that Kasten is not known to have."""
    for policy in objects.policies:
        for action in policy.at("spec", "actions").each():
            operation = action.at("action")
            operations = schemas.OPERATIONS + OTHER_OPERATIONS
            if (
                operation.text
                and operation.text not in operations
                and not did_you_mean(operation.text, schemas.OPERATIONS)
            ):
                message = (
                    f'Unsupported value: "{operation.text}": no such operation is known; known are '
                    f"{', '.join(schemas.OPERATIONS)}"
                )
                yield rule.report(operation.location, operation.path, message)


@lint_rule(KASTEN, "kasten-restore-shape")
def restore_shape(rule: Rule, objects: KastenObjects, _settings: LintSettings) -> Diagnostics:
    """Find what a RestoreAction or a TransformSet is not documented to hold."""
    for restore in objects.restores:
        yield from _mismatches(rule, restore, schemas.KINDS["RestoreAction"])
    for transform_set in objects.transform_sets:
        yield from _mismatches(rule, transform_set, schemas.KINDS["TransformSet"])
    for transform in transforms(objects):
        for command in transform.at("json").each():
            yield from _incomplete_patch(rule, command)


def _incomplete_patch(rule: Rule, command: Cursor) -> Diagnostics:
    """Find a command that a JSON Patch must not have in this form (RFC 6902, RFC 6901)."""
    operation = command.at("op").text
    for field in ("path", "from"):
        pointer = command.at(field)
        if pointer.text and not pointer.text.startswith("/"):
            message = (
                f'Invalid value: "{pointer.text}": a JSON Pointer begins with /: "/{pointer.text}"'
            )
            yield rule.report(pointer.location, pointer.path, message)
    source, value = command.at("from"), command.at("value")
    if operation in FROM and source.node is None:
        message = f"Required value: {operation} needs the pointer of its source"
        yield rule.report(command.location, source.path, message)
    if operation in VALUE and value.node is None:
        message = f"Required value: {operation} needs a value; null is one"
        yield rule.report(command.location, value.path, message)


def _mismatches(rule: Rule, part: Cursor, documented: ObjectSchema) -> Diagnostics:
    """Compare an object; its names are the API server's to judge, as charts fill them in."""
    schema = documented._replace(known={**documented.known, "metadata": AnySchema()})
    if part.node is not None:
        for problem in validate_schema(part.node, schema, part.path):
            is_missing = problem.rule == "missing-field" and problem.path.endswith(ELSEWHERE)
            if problem.path not in OF_KIND and not is_missing:  # which other rules report
                yield rule.report(problem.location, problem.path, problem.message)


def _flat(rule: Rule, requirement: Cursor) -> Diagnostics:
    """Yield the two forms that guides show and the documentation does not."""
    kind, namespace = requirement.at("type"), requirement.at("namespace")
    if kind.at("resource").there and not kind.at("values").there:
        message = "not documented in this form: use operator: In and values: [{group, resource}]"
        yield rule.report(kind.location, kind.path, message)
    if namespace.at("nameSelector").there:
        message = "not documented in this form: use operator: In and values with the names"
        yield rule.report(namespace.location, namespace.path, message)


def _uncompared(rule: Rule, requirement: Cursor) -> Diagnostics:
    for field in REQUIREMENTS:
        selector = requirement.at(field)
        operator, values = selector.at("operator"), selector.at("values")
        reported = field == "type" and not values.there  # by its shape
        if operator.text in ("In", "NotIn") and not list(values.each()) and not reported:
            message = f"Required value: operator {operator.text} compares with values"
            yield rule.report(values.location, values.path, message)


def _misplaced(rule: Rule, parent: Cursor, fields: Iterable[str], owner: str) -> Diagnostics:
    for field in fields:
        if parent.at(field).there:
            misplaced = parent.at(field)
            message = f"ignored here: it belongs below the parameters {owner}"
            if field in PARAMETERS:
                message = "ignored here: it belongs below an entry of actions"
            yield rule.report(misplaced.location, misplaced.path, message)


def _of_another(rule: Rule, action: Cursor) -> Diagnostics:
    """Yield parameters of another operation than the one that an entry is for."""
    name = action.at("action").text
    for operation in schemas.OPERATIONS if name and name not in OTHER_OPERATIONS else ():
        fields = action.at(f"{operation}Parameters")
        if fields.there and operation not in (name, did_you_mean(name, schemas.OPERATIONS)):
            message = f"ignored here: the action is {name}, and not {operation}"
            yield rule.report(fields.location, fields.path, message)
