"""What is wrong with the text of a condition of Wait or WaitV2, whatever the object holds.

WaitV2 renders it on the object (cli-runtime's GoTemplatePrinter). Wait puts in what its JSONPaths
find, as text, and renders the result on nothing (pkg/function/wait.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kanister_kafka.blueprint.context import PARAMETERS
from kanister_kafka.blueprint.jsonpath import IN_A_CONDITION, judge
from kanister_kafka.blueprint.kubernetes_api import NAMESPACED, OF_THE_CLUSTER
from kanister_kafka.blueprint.view import parsed
from kanister_kafka.gotemplate import FaultKind, nodes
from kanister_kafka.gotemplate.outcome import may_print

FREE = frozenset(
    ["annotations", "binaryData", "config", "data", "labels", "matchLabels", "nodeSelector"]
)
"""Fields whose keys somebody chose."""
COMPARES = ("eq", "ge", "gt", "le", "lt")
COUNTS = frozenset(
    """availableReplicas currentReplicas generation observedGeneration readyReplicas replicas
    restartCount unavailableReplicas updatedReplicas""".split()  # noqa: SIM905 - nine of them
)
"""Fields that are numbers wherever Kubernetes and Strimzi have them."""
MAX_DEPTH = 60

Fault = tuple[int, int, str]
"""Line and column, counted from 1, and what is wrong."""


def faults(text: str, function: str, group: str, resource: str) -> Iterator[Fault]:
    """Yield what is wrong with a condition; its syntax is told by another check."""
    if "{{" not in text and function != "Wait":
        return
    read = parsed(text, is_condition=function == "WaitV2")
    if any(fault.kind is FaultKind.SYNTAX for fault in read.errors):
        return
    is_built_in = (group, resource) in NAMESPACED | OF_THE_CLUSTER
    known = is_built_in or (bool(resource) and group.endswith("strimzi.io"))
    if function == "Wait":
        yield from _paths(text)
        yield from _parameters(read.nodes)
    else:
        yield from _Fields(known=known).of(read.nodes, is_root=True)
        yield from _literals(read.nodes, known=known)
    opened = function == "Wait" and "{{" in text
    if "{{" in text and not may_print(read.nodes, "true", _has_path if opened else _never):
        yield 1, 1, "never prints true alone, whatever the object holds"


def _literals(tree: Sequence[nodes.Node], *, known: bool) -> Iterator[Fault]:
    """Yield strings that WaitV2 compares and that nothing of the object can be like."""
    for pipe in nodes.pipelines_of(tree):
        for command in pipe.commands:
            strings = [word for word in command.arguments if isinstance(word, nodes.String)]
            for string in strings:
                if _has_path(string.value):
                    told = "WaitV2 reads no JSONPath: ask for a field, as in .status.phase"
                    yield string.line, string.column, told
            count = _count(command)
            if known and strings and count:
                told = (
                    f"{count} is a number, which is never compared with text: leave out the quotes"
                )
                yield strings[0].line, strings[0].column, told


def _count(command: nodes.Command) -> str:
    """Return the field that is a number and that a function compares; empty if there is none."""
    first, *others = command.arguments
    if not isinstance(first, nodes.Function) or first.name not in COMPARES:
        return ""
    for word in others:
        if isinstance(word, nodes.Field) and word.names[-1] in COUNTS:
            return "" if FREE & {*word.names} else word.names[-1]
    return ""


def _has_path(text: str) -> bool:
    return IN_A_CONDITION.search(text) is not None


def _never(_text: str) -> bool:
    return False


def _paths(text: str) -> Iterator[Fault]:
    for match in IN_A_CONDITION.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - text.rfind("\n", 0, match.start())
        path, found = match["path"].strip(), judge(match["path"])
        first = path.removeprefix(".")[:1]
        if found.refused:
            told = f"Kubernetes refuses this JSONPath ({found.refused}), and Wait puts in nothing"
            yield line, column, f"{told}: eq is never true, and ne at once"
        elif found.never_found:
            yield line, column, f"this JSONPath finds nothing: {found.never_found}"
        elif path.startswith(".") and first.isupper():
            yield line, column, f"no object has a field that begins with {first}: {_low(path)}"


def _low(path: str) -> str:
    """Return a path as it is meant."""
    name = path.removeprefix(".")
    return f'did you mean ".{name[:1].lower()}{name[1:]}"?'


def _parameters(tree: Sequence[nodes.Node]) -> Iterator[Fault]:
    for field in _fields(tree, 0):
        if field.variable in ("", "$") and field.names[0] in PARAMETERS.fields:
            name = field.names[0]
            message = f".{name} is nil when Wait evaluates a condition; write the value out"
            yield field.line, field.column, message


def _fields(body: Sequence[nodes.Node], depth: int) -> Iterator[_Asked]:
    """Yield the fields that are asked for, wherever they stand."""
    for node in body if depth < MAX_DEPTH else ():
        if isinstance(node, (nodes.Action, nodes.If, nodes.Range, nodes.With)):
            yield from _asked(node.pipe, depth)
        if isinstance(node, (nodes.If, nodes.Range, nodes.With)):
            yield from _fields(node.body, depth + 1)
            yield from _fields(node.else_body or (), depth + 1)


class _Asked(NamedTuple):
    """Fields that are taken of the dot or of a variable."""

    names: tuple[str, ...]
    line: int
    column: int
    variable: str = ""
    """Empty for the dot."""


def _asked(pipe: nodes.Pipeline, depth: int) -> Iterator[_Asked]:
    for command in pipe.commands if depth < MAX_DEPTH else ():
        for operand in command.arguments:
            inner = operand.node if isinstance(operand, nodes.Chain) else operand
            if isinstance(inner, nodes.Field):
                yield _Asked(inner.names, inner.line, inner.column)
            elif isinstance(inner, nodes.Variable) and inner.fields:
                yield _Asked(inner.fields, inner.line, inner.column, inner.name)
            elif isinstance(inner, nodes.Pipeline):
                yield from _asked(inner, depth + 1)


class _Fields:
    """Looks for fields in a spelling that no object has: their names begin in lower case."""

    def __init__(self, *, known: bool) -> None:
        self._known = known
        """Whether the resource is one whose fields are all spelled so."""

    def of(self, body: Sequence[nodes.Node], *, is_root: bool, depth: int = 0) -> Iterator[Fault]:
        """Yield faults; `is_root` tells whether the dot is the object."""
        for node in body if depth < MAX_DEPTH else ():
            if not isinstance(node, (nodes.Action, nodes.If, nodes.Range, nodes.With)):
                continue
            asked = tuple(_asked(node.pipe, depth))
            for field in asked:
                of_object = field.variable == "$" or (is_root and not field.variable)
                yield from self._field(field, is_root=of_object)
            if isinstance(node, (nodes.If, nodes.Range, nodes.With)):
                is_same = isinstance(node, nodes.If)
                inner = is_root and is_same
                if is_same or not any(FREE & {*field.names} for field in asked):
                    yield from self.of(node.body, is_root=inner, depth=depth + 1)
                yield from self.of(node.else_body or (), is_root=is_root, depth=depth + 1)

    def _field(self, field: _Asked, *, is_root: bool) -> Iterator[Fault]:
        for i, name in enumerate(field.names):
            if i and field.names[i - 1] in FREE:
                return
            if name[:1].isupper() and (self._known or (is_root and not i)):
                path = ".".join(field.names[i:])
                hint = _low(path) if name not in PARAMETERS.fields else "the dot is the object"
                told = f"no object has a field {name} there: {hint}"
                yield field.line, field.column, told
                return
