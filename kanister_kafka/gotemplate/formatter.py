"""A tree back to text, as text/template/parse/node.go writes it, with a space within braces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from kanister_kafka.gotemplate import nodes


def format_node(node: nodes.Operand | nodes.CommandNode, *, at_root: bool = False) -> str:
    """Format the content of an action; `at_root`, fields of `$` are fields of the dot."""
    match node:
        case nodes.DotNode():
            return "."
        case nodes.NilNode():
            return "nil"
        case nodes.BoolNode():
            return "true" if node.value else "false"
        case nodes.NumberNode() | nodes.StringNode():
            return node.text
        case nodes.FieldNode():
            return _path(node.names)
        case nodes.VariableNode():
            if at_root and node.name == "$":
                return _path(node.fields) or "."
            return node.name + _path(node.fields)
        case nodes.IdentifierNode():
            return node.name
        case nodes.ChainNode():
            inner = format_node(node.node, at_root=at_root)
            is_pipe = isinstance(node.node, nodes.PipeNode)
            return (f"({inner})" if is_pipe else inner) + _path(node.fields)
        case nodes.CommandNode():
            return " ".join(_argument(word, at_root=at_root) for word in node.arguments)
    return format_pipeline(node, at_root=at_root)


def format_pipeline(pipe: nodes.PipeNode, *, at_root: bool = False) -> str:
    """Format a pipeline with its declarations."""
    names = ", ".join(variable.name for variable in pipe.declarations)
    sign = "" if not names else " = " if pipe.is_assign else " := "
    stages = " | ".join(format_node(command, at_root=at_root) for command in pipe.commands)
    return f"{names}{sign}{stages}"


def format_action(*words: str) -> str:
    """Format one action of these words."""
    return f"{{{{ {' '.join(word for word in words if word)} }}}}"


def format_literal(text: str) -> str:
    """Format text so that a template prints it as it is: braces in a value are not an action."""
    return text.replace("{{", format_action('"{{"'))


_KEYWORDS = {
    nodes.IfNode: "if",
    nodes.RangeNode: "range",
    nodes.WithNode: "with",
    nodes.BreakNode: "break",
    nodes.ContinueNode: "continue",
}


def format_keyword(
    node: nodes.IfNode | nodes.RangeNode | nodes.WithNode | nodes.BreakNode | nodes.ContinueNode,
) -> str:
    """Return the word that an action begins with."""
    return _KEYWORDS[type(node)]


def _argument(word: nodes.Operand, *, at_root: bool) -> str:
    spelled = format_node(word, at_root=at_root)
    return f"({spelled})" if isinstance(word, nodes.PipeNode) else spelled


def _path(names: Sequence[str]) -> str:
    return "".join(f".{name}" for name in names)


# A template as the text around its values, for checks before these are known.

VALUE = "x"
"""Stands for a value: a word, a name and a number's variable alike."""
MAX_DEPTH = 100
MAX_VARIANTS = 128
MAX_ROUNDS = 3


@dataclass(slots=True)
class PlaceholderText:
    """Text with a stand-in for each value, and where each of its lines comes from."""

    text: str = ""
    lines: list[int] = field(default_factory=list)
    """For each line of the text, the line of the template that it begins on."""
    branches: int = 0
    """How many `if`s decided what is in it."""
    looped: int = 0
    """How many of these stand in a `range`, so that they may decide otherwise each time."""

    def origin(self, line: int) -> int:
        """Return the line of the template for a line of the text, both counted from 1."""
        return self.lines[min(line, len(self.lines)) - 1] if self.lines else line


def placeholder_text(tree: Sequence[nodes.AnyNode], *, otherwise: bool = False) -> PlaceholderText:
    """Return the text as it is where every `if` is true, or false, and every `range` runs once."""
    parts: list[_Part] = []
    in_range: list[bool] = []  # for each `if`

    def collect(body: Sequence[nodes.AnyNode], depth: int, *, loops: bool = False) -> None:
        for node in body if depth < MAX_DEPTH else ():
            match node:
                case nodes.TextNode():
                    parts.append((node.text, node.line))
                case nodes.ActionNode():
                    parts.append(("" if node.pipe.declarations else VALUE, node.line))
                case nodes.IfNode() | nodes.WithNode():
                    in_range.append(loops)
                    decided = (node.else_body or ()) if otherwise else node.body
                    collect(decided, depth + 1, loops=loops)
                case nodes.RangeNode() | nodes.BlockNode():
                    collect(node.body, depth + 1, loops=loops or isinstance(node, nodes.RangeNode))

    collect(tree, 0)
    return replace(_joined(parts), branches=len(in_range), looped=sum(in_range))


def variants(tree: Sequence[nodes.AnyNode]) -> tuple[PlaceholderText, ...]:
    """Return the text in every way that its `if`s and its rounds may decide, each by itself.

    A `range` runs up to three times. Nothing is returned if these are too many.
    """
    try:
        parts = _ways(tree, 0)
    except _TooManyVariantsError:
        return ()
    return tuple(_joined(way) for way in dict.fromkeys(map(tuple, parts)))


_Part = tuple[str, int]
"""A text, and the line that it begins on."""


class _TooManyVariantsError(Exception):
    """Ends the search for ways."""


def _joined(parts: Sequence[_Part]) -> PlaceholderText:
    lines: list[int] = []
    for text, line in parts:
        if not lines:
            lines.append(line)
        lines.extend(line + i for i in range(1, text.count("\n") + 1))
    return PlaceholderText("".join(text for text, _line in parts), lines)


def _ways(body: Sequence[nodes.AnyNode], depth: int) -> list[list[_Part]]:
    if depth > MAX_DEPTH:
        raise _TooManyVariantsError
    ways: list[list[_Part]] = [[]]
    for node in body:
        match node:
            case nodes.TextNode():
                node_ways: list[list[_Part]] = [[(node.text, node.line)]]
            case nodes.ActionNode():
                node_ways = [[("" if node.pipe.declarations else VALUE, node.line)]]
            case nodes.IfNode() | nodes.WithNode():
                node_ways = [*_ways(node.body, depth + 1), *_ways(node.else_body or (), depth + 1)]
            case nodes.RangeNode():
                round_ways = _ways(node.body, depth + 1)
                node_ways = _ways(node.else_body or (), depth + 1)
                rounds: list[list[_Part]] = [[]]
                for _ in range(MAX_ROUNDS):
                    rounds = _combined(rounds, round_ways)
                    node_ways += rounds
            case nodes.BlockNode():
                node_ways = _ways(node.body, depth + 1)
            case _:
                continue
        ways = _combined(ways, node_ways)
    return ways


def _combined(heads: list[list[_Part]], tails: list[list[_Part]]) -> list[list[_Part]]:
    if len(heads) * len(tails) > MAX_VARIANTS:
        raise _TooManyVariantsError
    return [head + tail for head, tail in product(heads, tails)]
