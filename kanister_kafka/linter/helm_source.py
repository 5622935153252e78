"""Files as `validate` reads them: those of a chart's templates as Helm would."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from pathlib import Path

from kanister_kafka.diagnostics import Diagnostic, Location, Severity, error, sort_diagnostics
from kanister_kafka.gotemplate import parse
from kanister_kafka.gotemplate.nodes import (
    ActionNode,
    AnyNode,
    ChainNode,
    FieldNode,
    IfNode,
    Operand,
    ParseErrorKind,
    PipeNode,
    RangeNode,
    StringNode,
    TextNode,
    VariableNode,
    WithNode,
)
from kanister_kafka.kanister.template_context import KANISTER
from kanister_kafka.yamldoc import LoadResult, loads

TEMPLATES = "templates"
LINTED_GROUPS = ("cr.kanister.io", "config.kio.kasten.io")
"""API groups of the objects that are validated: a template without them matters to Helm alone."""


class ChartAwareReader:
    """Reads files, and remembers where the text of an escaped one stands in it."""

    def __init__(self) -> None:
        self._places: dict[str, SourceMap] = {}
        self.unread: list[str] = []
        """Templates whose text depends on values: what stands in them is not known."""
        self._folders: dict[Path, bool] = {}
        """Whether a directory is the `templates` of a chart."""

    def loads(self, raw: bytes, source: str) -> LoadResult:
        """Read a text; a template of a chart as what Helm makes of it."""
        if b"{{" not in raw or not self._in_chart(source):
            return loads(raw, source)

        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            return loads(raw, source)
        if literal := literal_output(text):
            self._places[source] = literal.places
            return loads(literal.text, source)
        self.unread.append(source)
        as_it_is = loads(raw, source)
        if not any(group in text for group in LINTED_GROUPS):
            return LoadResult((), (), (source,), as_it_is.ignores)
        actions = find_unescaped_actions(text, source)
        if actions.problems and actions.is_foreign:  # the text as it is is what Kanister would get
            problems = actions.problems + as_it_is.problems
            return LoadResult(as_it_is.documents, problems, (source,), as_it_is.ignores)
        problems = actions.problems or (_report("helm-template", Location(source, 1, 1)),)
        return LoadResult((), problems, (source,), as_it_is.ignores)

    def original(self, problems: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return problems with their places in the files themselves."""
        return sort_diagnostics(self._placed(problem) for problem in problems)

    def _in_chart(self, source: str) -> bool:
        for folder in Path(source).parents:
            if folder not in self._folders:
                chart = folder.parent / "Chart.yaml"
                self._folders[folder] = folder.name == TEMPLATES and chart.is_file()
            if self._folders[folder]:
                return True
        return False

    def _placed(self, problem: Diagnostic) -> Diagnostic:
        places = self._places.get(problem.location.source)
        if places is None or not problem.location.line:
            return problem
        return replace(problem, location=places.original(problem.location))


def _report(check: str, location: Location) -> Diagnostic:
    message = (
        "depends on values that Helm alone has, and was not looked at: "
        "`helm template CHART | kanister-kafka validate -` does"
    )
    return Diagnostic(check, Severity.INFO, location, "", message)


# Text to a template that gives back the text.

LEFT = "{{"
"""The start of an action."""
TOKEN = re.compile(r"\{\{[^`{}\r\n]*\}\}|\{\{")
"""A whole action on one line, or else what would open one.

An action stays readable in a raw string, which may hold no backtick and loses a carriage return.
The end of an action needs no escape: outside of an action it is text.
"""


def escape(text: str) -> str:
    """Return a template that Helm renders to the text, byte for byte.

    From the left, so that no brace stands before a token: `{` and `{{` would open an action at the
    wrong one of the three.
    """
    return TOKEN.sub(lambda match: _literal(match[0]), text)


def _literal(token: str) -> str:
    return f'{{{{ "{LEFT}" }}}}' if token == LEFT else f"{{{{ `{token}` }}}}"


# Blueprints within charts of Helm, whose templates are as full of double braces as they are.

__all__ = ["ChartAwareReader", "escape"]


# A file of a chart's templates: what Helm would make of it, as far as that follows from the file.
#
# Helm has its own values and none of Kanister's. An action for Kanister that is not escaped is run
# by Helm on nothing: a lone field gives nothing, a field of a field fails, and what depends on a
# condition is left out. All of it was seen with Helm 3.22 and 4.3.

VALUES = frozenset({"Capabilities", "Chart", "Files", "Release", "Subcharts", "Template", "Values"})
"""Fields that Helm's own data has."""


@dataclass(frozen=True, slots=True)
class SourceMap:
    """Places in the template of the parts of its output."""

    starts: tuple[int, ...]
    """Of the parts, in what the template gives."""
    places: tuple[int, ...]
    """Of the same parts, in the template."""
    output: str
    template: str

    def original(self, location: Location) -> Location:
        """Return the place in the template of a place in what it gives."""
        offset = _offset(self.output, location.line, location.column)
        part = max(0, bisect_right(self.starts, offset) - 1)
        at = min(self.places[part] + offset - self.starts[part], len(self.template))
        line = self.template.count("\n", 0, at) + 1
        return Location(location.source, line, at - self.template.rfind("\n", 0, at))


@dataclass(frozen=True, slots=True)
class LiteralOutput:
    """The output of a template of literals alone, which does not depend on values."""

    text: str
    places: SourceMap


def literal_output(template: str) -> LiteralOutput | None:
    """Return what a template gives; None if that depends on values, or it is none."""
    parsed = parse(template, frozenset())
    if parsed.errors:
        return None
    parts = [_literal_text(node) for node in parsed.nodes]
    literals = [part for part in parts if part is not None]
    if len(literals) < len(parts):
        return None
    texts = [text for text, _line, _column in literals]
    text = "".join(texts)
    starts = tuple(accumulate((len(part) for part in texts), initial=0))[:-1]
    places = tuple(_offset(template, line, column) for _text, line, column in literals)
    return LiteralOutput(text, SourceMap(starts or (0,), places or (0,), text, template))


@dataclass(frozen=True, slots=True)
class UnescapedActions:
    """Damage that Helm does to a template that is full of another's actions."""

    problems: tuple[Diagnostic, ...]
    is_foreign: bool
    """Whether no action at all is for Helm."""


def find_unescaped_actions(template: str, source: str) -> UnescapedActions:
    """Find each action that is for Kanister."""
    parsed = parse(template, KANISTER)
    fields = tuple(_fields(parsed.nodes))
    syntax = [fault for fault in parsed.errors if fault.kind is ParseErrorKind.SYNTAX]
    problems = [
        _unescaped(
            Location(source, fault.line, fault.column),
            f"Helm cannot read this as a template: {fault.message}",
        )
        for fault in syntax
    ]
    for field, names, alone in fields:
        if names[0] not in VALUES:
            fails = f"fails: nil pointer evaluating interface {{}}.{names[1]}" if names[1:] else ""
            message = f".{'.'.join(names)} is for Kanister; Helm has no such value and"
            location = Location(source, field.line, field.column)
            problems.append(_unescaped(location, f"{message} {fails or alone}"))
    of_helm = any(names[0] in VALUES for _field, names, _ in fields)
    unknown = len(parsed.errors) > len(syntax)
    literals = any(isinstance(node, ActionNode) and _literal_text(node) for node in parsed.nodes)
    return UnescapedActions(tuple(problems), not (syntax or of_helm or unknown or literals))


def _unescaped(location: Location, message: str) -> Diagnostic:
    remedy = "escape the action, or take the file in with .Files.Get (kanister-kafka docs helm)"
    return error("helm-unescaped", location, "", f"{message}; {remedy}")


def _literal_text(node: AnyNode) -> tuple[str, int, int] | None:
    """Return what a node gives in any case, and where that stands."""
    match node:
        case TextNode(text=text):
            return text, node.line, node.column
        case ActionNode(pipe=PipeNode(declarations=(), commands=(command,))):
            match command.arguments:
                case (StringNode(value=value) as string,):
                    return value, string.line, string.column + 1
    return None


ALONE = "puts nothing in its place, without an error"
DECIDES = "leaves out what depends on it, without an error"
PASSED = "hands nothing to a function, which fails or prints <nil>"
Found = tuple[FieldNode | VariableNode, tuple[str, ...], str]


def _fields(nodes: Sequence[AnyNode], *, is_root: bool = True) -> Iterator[Found]:
    """Yield each field of the template's own data, and what becomes of it if it is empty."""
    for node in nodes:
        match node:
            case ActionNode(pipe=pipe):
                yield from _in_pipe(pipe, ALONE, is_root=is_root)
            case IfNode() | RangeNode() | WithNode():
                yield from _in_pipe(node.pipe, DECIDES, is_root=is_root)
                keeps = isinstance(node, IfNode)
                yield from _fields(node.body, is_root=is_root and keeps)
                yield from _fields(node.else_body or (), is_root=is_root)


def _in_pipe(pipe: PipeNode, effect: str, *, is_root: bool) -> Iterator[Found]:
    words = list(chain.from_iterable(command.arguments for command in pipe.commands))
    for word in words:
        yield from _in_word(word, effect if len(words) == 1 else PASSED, is_root=is_root)


def _in_word(word: Operand, effect: str, *, is_root: bool) -> Iterator[Found]:
    match word:
        case FieldNode(names=names) if is_root:
            yield word, names, effect
        case VariableNode(name="$", fields=(_, *_) as names):
            yield word, tuple(names), effect
        case PipeNode():
            yield from _in_pipe(word, PASSED, is_root=is_root)
        case ChainNode(node=PipeNode() as pipe):
            yield from _in_pipe(pipe, PASSED, is_root=is_root)


def _offset(text: str, line: int, column: int) -> int:
    """Return the place of a line and a column, both counted from 1, in characters from 0."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return start + column - 1
