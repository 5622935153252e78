"""Conditions of Wait and WaitV2: those that are never met, and those that do not ask anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from kanister_kafka.diagnostics import Diagnostics, Severity
from kanister_kafka.gotemplate import nodes
from kanister_kafka.gotemplate.nodes import ParseErrorKind
from kanister_kafka.kanister import Blueprint, child_path
from kanister_kafka.kanister.blueprint import parse_template_cached
from kanister_kafka.kanister.decoding import conditions, field_of, is_template, quote_value
from kanister_kafka.kanister.jsonpath import IN_A_CONDITION, check_jsonpath
from kanister_kafka.kanister.kube_api import CLUSTER_SCOPED, NAMESPACED
from kanister_kafka.kanister.template_context import PARAMETERS
from kanister_kafka.linter.registry import BLUEPRINT, LintSettings, Rule, lint_rule
from kanister_kafka.linter.rules.functions import phases_with_function
from kanister_kafka.yamldoc import MappingNode, Node, Scalar
from kanister_kafka.yamldoc.nodes import is_set

# Whether a template may print a certain word with any data.

MAX_DEPTH = 60
"""Nodes of a template within each other that are followed."""
BOOLEAN_FUNCTIONS = frozenset(["eq", "exists", "ge", "gt", "le", "lt", "ne", "not"])
"""Functions that give true or false."""

IsOpen = Callable[[str], bool]
"""Whether something else is put in the place of a text before it is read."""


def may_print(
    tree: Sequence[nodes.AnyNode], word: str, is_open: IsOpen = lambda _text: False
) -> bool:
    """Return whether a template may print a word and white space around it, and nothing else.

    White space anywhere is overlooked, and so is that conditions depend on each other: what cannot
    print the word this way cannot do so at all.
    """
    return len(word) in _Ends(word, is_open).of(tree, {0}, 0)


class _Ends:
    """Follows a template along a word: from where it may stand to where it may come."""

    def __init__(self, word: str, is_open: IsOpen) -> None:
        self._word = word
        self._is_open = is_open

    def of(self, body: Sequence[nodes.AnyNode], starts: set[int], depth: int) -> set[int]:
        for node in body:
            starts = self._after(node, starts, depth)
        return starts

    def _after(self, node: nodes.AnyNode, starts: set[int], depth: int) -> set[int]:
        if depth > MAX_DEPTH:
            return self._anywhere(starts)
        match node:
            case nodes.TextNode():
                return self._text(node.text, starts)
            case nodes.ActionNode():
                return starts if node.pipe.declarations else self._value(node.pipe, starts)
            case nodes.IfNode() | nodes.WithNode():
                otherwise = self.of(node.else_body or (), starts, depth + 1)
                return self.of(node.body, starts, depth + 1) | otherwise
            case nodes.RangeNode():
                return self._loop(node, starts, depth)
            case nodes.DefineNode():
                return starts
        return self._anywhere(starts)

    def _loop(self, node: nodes.RangeNode, starts: set[int], depth: int) -> set[int]:
        none = self.of(node.else_body or (), starts, depth + 1)
        reached = set(starts)
        while True:
            more = self.of(node.body, reached, depth + 1) - reached
            if not more:
                return none | reached | starts
            reached |= more

    def _text(self, text: str, starts: set[int]) -> set[int]:
        if self._is_open(text):
            return self._anywhere(starts)
        solid = "".join(text.split())
        return {at + len(solid) for at in starts if self._word.startswith(solid, at)}

    def _value(self, pipe: nodes.PipeNode, starts: set[int]) -> set[int]:
        first = pipe.commands[-1].arguments[0]
        if isinstance(first, nodes.IdentifierNode) and first.name in BOOLEAN_FUNCTIONS:
            return self._text("true", starts) | self._text("false", starts)
        if len(pipe.commands) == 1 and len(pipe.commands[0].arguments) == 1:
            if isinstance(first, nodes.StringNode):
                return self._text(first.value, starts)
            if isinstance(first, nodes.BoolNode):
                return self._text("true" if first.value else "false", starts)
        return self._anywhere(starts)

    def _anywhere(self, starts: set[int]) -> set[int]:
        return set(range(min(starts), len(self._word) + 1)) if starts else set()


# Mistakes in the text of a condition of Wait or WaitV2 that no object can make right.
#
# WaitV2 renders it on the object (cli-runtime's GoTemplatePrinter). Wait puts in what its
# JSONPaths find, as text, and renders the result on nothing (pkg/function/wait.go).

FREE = frozenset(
    ["annotations", "binaryData", "config", "data", "labels", "matchLabels", "nodeSelector"]
)
"""Fields with keys of the user's choice."""
COMPARES = ("eq", "ge", "gt", "le", "lt")
COUNTS = frozenset(
    """availableReplicas currentReplicas generation observedGeneration readyReplicas replicas
    restartCount unavailableReplicas updatedReplicas""".split()  # noqa: SIM905 - nine of them
)
"""Fields that are numbers wherever Kubernetes and Strimzi have them."""


class ConditionError(NamedTuple):
    """A mistake in the text of a condition, which knows its lines and not the file."""

    line: int
    """Counted from 1, as the column."""
    column: int
    message: str


def condition_errors(
    text: str, function: str, group: str, resource: str
) -> Iterator[ConditionError]:
    """Yield what is wrong with a condition; another check reports its syntax."""
    if "{{" not in text and function != "Wait":
        return
    read = parse_template_cached(text, is_condition=function == "WaitV2")
    if any(fault.kind is ParseErrorKind.SYNTAX for fault in read.errors):
        return
    is_built_in = (group, resource) in NAMESPACED | CLUSTER_SCOPED
    has_known_fields = is_built_in or (bool(resource) and group.endswith("strimzi.io"))
    if function == "Wait":
        yield from _paths(text)
        yield from _parameters(read.nodes)
    else:
        yield from _Fields(has_known_fields=has_known_fields).of(read.nodes, is_root=True)
        yield from _literals(read.nodes, has_known_fields=has_known_fields)
    opened = function == "Wait" and "{{" in text
    if "{{" in text and not may_print(read.nodes, "true", _has_path if opened else _never_true):
        yield ConditionError(1, 1, "prints true alone for no object: the condition is never met")


def _literals(tree: Sequence[nodes.AnyNode], *, has_known_fields: bool) -> Iterator[ConditionError]:
    """Yield strings that WaitV2 compares and that nothing of the object can be like."""
    for pipe in nodes.pipelines_of(tree):
        for command in pipe.commands:
            strings = [word for word in command.arguments if isinstance(word, nodes.StringNode)]
            for string in strings:
                if _has_path(string.value):
                    message = "WaitV2 reads no JSONPath: ask for a field, as in .status.phase"
                    yield ConditionError(string.line, string.column, message)
            count = _count(command)
            if has_known_fields and strings and count:
                message = (
                    f"{count} is a number, which is never compared with text: leave out the quotes"
                )
                yield ConditionError(strings[0].line, strings[0].column, message)


def _count(command: nodes.CommandNode) -> str:
    """Return the field that is a number and that a function compares; empty if there is none."""
    first, *operands = command.arguments
    if not isinstance(first, nodes.IdentifierNode) or first.name not in COMPARES:
        return ""
    for word in operands:
        if isinstance(word, nodes.FieldNode) and word.names[-1] in COUNTS:
            return "" if FREE & {*word.names} else word.names[-1]
    return ""


def _has_path(text: str) -> bool:
    return IN_A_CONDITION.search(text) is not None


def _never_true(_text: str) -> bool:
    return False


def _paths(text: str) -> Iterator[ConditionError]:
    for match in IN_A_CONDITION.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - text.rfind("\n", 0, match.start())
        path, jsonpath = match["path"].strip(), check_jsonpath(match["path"])
        first = path.removeprefix(".")[:1]
        if jsonpath.refused:
            message = (
                f"Kubernetes refuses this JSONPath ({jsonpath.refused}), and Wait puts in nothing"
            )
            yield ConditionError(line, column, f"{message}: eq is never true, and ne at once")
        elif jsonpath.never_found:
            yield ConditionError(
                line, column, f"this JSONPath finds nothing: {jsonpath.never_found}"
            )
        elif path.startswith(".") and first.isupper():
            yield ConditionError(
                line, column, f"no object has a field that begins with {first}: {_low(path)}"
            )


def _low(path: str) -> str:
    """Return a path as it is meant."""
    name = path.removeprefix(".")
    return f'did you mean ".{name[:1].lower()}{name[1:]}"?'


def _parameters(tree: Sequence[nodes.AnyNode]) -> Iterator[ConditionError]:
    for field in _fields(tree, 0):
        if field.variable in ("", "$") and field.names[0] in PARAMETERS.fields:
            name = field.names[0]
            message = f".{name} is nil when Wait evaluates a condition; write the value out"
            yield ConditionError(field.line, field.column, message)


def _fields(body: Sequence[nodes.AnyNode], depth: int) -> Iterator[_Condition]:
    """Yield the fields that are asked for, wherever they stand."""
    for node in body if depth < MAX_DEPTH else ():
        if isinstance(node, (nodes.ActionNode, nodes.IfNode, nodes.RangeNode, nodes.WithNode)):
            yield from _pipe_fields(node.pipe, depth)
        if isinstance(node, (nodes.IfNode, nodes.RangeNode, nodes.WithNode)):
            yield from _fields(node.body, depth + 1)
            yield from _fields(node.else_body or (), depth + 1)


class _Condition(NamedTuple):
    """Fields that are taken of the dot or of a variable."""

    names: tuple[str, ...]
    line: int
    column: int
    variable: str = ""
    """Empty for the dot."""


def _pipe_fields(pipe: nodes.PipeNode, depth: int) -> Iterator[_Condition]:
    for command in pipe.commands if depth < MAX_DEPTH else ():
        for operand in command.arguments:
            inner = operand.node if isinstance(operand, nodes.ChainNode) else operand
            if isinstance(inner, nodes.FieldNode):
                yield _Condition(inner.names, inner.line, inner.column)
            elif isinstance(inner, nodes.VariableNode) and inner.fields:
                yield _Condition(inner.fields, inner.line, inner.column, inner.name)
            elif isinstance(inner, nodes.PipeNode):
                yield from _pipe_fields(inner, depth + 1)


class _Fields:
    """Looks for fields in a spelling that no object has: their names begin in lower case."""

    def __init__(self, *, has_known_fields: bool) -> None:
        self._has_known_fields = has_known_fields
        """Whether the resource is one whose fields are all written so."""

    def of(
        self, body: Sequence[nodes.AnyNode], *, is_root: bool, depth: int = 0
    ) -> Iterator[ConditionError]:
        """Yield faults; `is_root` is whether the dot is the object."""
        for node in body if depth < MAX_DEPTH else ():
            if not isinstance(
                node, (nodes.ActionNode, nodes.IfNode, nodes.RangeNode, nodes.WithNode)
            ):
                continue
            fields = tuple(_pipe_fields(node.pipe, depth))
            for field in fields:
                of_object = field.variable == "$" or (is_root and not field.variable)
                yield from self._field(field, is_root=of_object)
            if isinstance(node, (nodes.IfNode, nodes.RangeNode, nodes.WithNode)):
                is_same = isinstance(node, nodes.IfNode)
                inner = is_root and is_same
                if is_same or not any(FREE & {*field.names} for field in fields):
                    yield from self.of(node.body, is_root=inner, depth=depth + 1)
                yield from self.of(node.else_body or (), is_root=is_root, depth=depth + 1)

    def _field(self, field: _Condition, *, is_root: bool) -> Iterator[ConditionError]:
        for i, name in enumerate(field.names):
            if i and field.names[i - 1] in FREE:
                return
            if name[:1].isupper() and (self._has_known_fields or (is_root and not i)):
                path = ".".join(field.names[i:])
                hint = _low(path) if name not in PARAMETERS.fields else "the dot is the object"
                message = f"no object has a field {name} there: {hint}"
                yield ConditionError(field.line, field.column, message)
                return


WAITS = ("Wait", "WaitV2")
CONSTANT = re.compile(r"[\"`](?:\$[.\[]|\{\s*\.)")
"""A string of a template that means a path, and that Wait does not take for one."""
CUSTOM = frozenset([("snapshot.storage.k8s.io", "volumesnapshots")])
"""Custom resources that live in a namespace, other than those of Strimzi."""
NEEDED = ("apiVersion", "resource", "name")


@lint_rule(BLUEPRINT, "wait-condition")
def wait_condition(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find conditions that cannot be met: the phase waits for the whole time-out, then fails."""
    for phase, function in phases_with_function(blueprint, settings):
        node = phase.argument("conditions")
        if function.name not in WAITS or not isinstance(node, MappingNode):
            continue
        path = f"{phase.path}.args.conditions"
        set_conditions = [
            (condition_path, item)
            for condition_path, item in conditions(path, node)
            if is_set(item)
        ]
        if not set_conditions:
            message = "Required value: without a condition in anyOf or allOf it waits to its end"
            yield rule.report(node.location, path, message)
        for condition_path, item in set_conditions:
            if isinstance(item, MappingNode):
                yield from _never(rule, condition_path, item, function.name)


def _never(rule: Rule, path: str, item: MappingNode, function: str) -> Diagnostics:
    condition, target = field_of(item, "condition"), field_of(item, "objectReference")
    if condition is None:
        yield rule.report(
            item.location, child_path(path, "condition"), "Required value: it is never true"
        )
    elif isinstance(condition, Scalar) and isinstance(condition.value, str):
        text = condition.value
        asks = is_template(text) or (function == "Wait" and IN_A_CONDITION.search(text))
        if not asks and text.strip() != "true":
            message = (
                f"Invalid value: {quote_value(condition)}: without a template it is never true"
            )
            yield rule.report(condition.location, child_path(path, "condition"), message)
        for failure in condition_errors(text, function, *_resource(target)):
            location = condition.place(failure.line, failure.column)
            message = f"Invalid value: {failure.message}"
            yield rule.report(location, child_path(path, "condition"), message)
    if target is None:
        message = "Required value: nothing is looked at"
        yield rule.report(item.location, child_path(path, "objectReference"), message)
    elif isinstance(target, MappingNode):
        for name in NEEDED:
            if _is_empty(field_of(target, name)):
                message = f"Required value: {function} finds no object without it"
                name_path = child_path(child_path(path, "objectReference"), name)
                yield rule.report(target.location, name_path, message)
        yield from _namespace(rule, child_path(path, "objectReference"), target, function)


def _resource(target: Node | None) -> tuple[str, str]:
    """Return group and resource of a reference; empty if only the run shows them."""
    fields = (field_of(target, name) for name in ("group", "resource"))
    group, resource = (node.text if isinstance(node, Scalar) else "" for node in fields)
    return ("", "") if is_template(group) or is_template(resource) else (group, resource)


def _namespace(rule: Rule, path: str, target: MappingNode, function: str) -> Diagnostics:
    """Find an object that is looked for in a namespace that it has not, or in none."""
    group, resource = _resource(target)
    namespace, namespace_path = field_of(target, "namespace"), child_path(path, "namespace")
    is_namespaced = (group, resource) in (NAMESPACED | CUSTOM) or group.endswith("strimzi.io")
    if resource and is_namespaced and _is_empty(namespace):
        message = f"Required value: {function} finds no {resource} outside of a namespace"
        yield rule.report(target.location, namespace_path, message)
    if (group, resource) not in CLUSTER_SCOPED or _is_empty(namespace):
        return
    if isinstance(namespace, Scalar) and not is_template(namespace.text):
        message = f"Invalid value: {function} finds no {resource} in a namespace; leave it out"
        yield rule.report(namespace.location, namespace_path, message)


def _is_empty(node: Node | None) -> bool:
    return node is None or (isinstance(node, Scalar) and node.value == "")


@lint_rule(BLUEPRINT, "wait-constant", Severity.WARNING)
def wait_constant(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find paths that Wait does not replace: only `{ $.path }` is read from the object.

    Anything else between quotes is a string like any other, and not an empty one, so `if` takes it
    for true.
    """
    for phase, function in phases_with_function(blueprint, settings):
        if function.name != "Wait":
            continue
        for path, item in conditions(f"{phase.path}.args.conditions", phase.argument("conditions")):
            node = field_of(item, "condition")
            if not isinstance(node, Scalar) or not is_template(node.text):
                continue
            for match in CONSTANT.finditer(node.text):
                message = 'is a constant string: Wait reads "{ $.path }", with braces and dollar'
                yield rule.report(
                    node.place_at(match.start() + 1), child_path(path, "condition"), message
                )
