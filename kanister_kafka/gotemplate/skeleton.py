"""A template as the text around its values, for what can be said before these are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kanister_kafka.gotemplate import nodes

VALUE = "x"
"""Stands for a value: a word, a name and a number's variable alike."""
MAX_DEPTH = 100
MOST_VARIANTS = 128
MOST_ROUNDS = 3


@dataclass(slots=True)
class Skeleton:
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


def skeleton(tree: Sequence[nodes.Node], *, otherwise: bool = False) -> Skeleton:
    """Return the text as it is where every `if` is true, or false, and every `range` runs once."""
    made = Skeleton()
    parts: list[str] = []

    def collect(body: Sequence[nodes.Node], depth: int, *, loops: bool = False) -> None:
        for node in body if depth < MAX_DEPTH else ():
            match node:
                case nodes.Text():
                    add(node.text, node.line)
                case nodes.Action():
                    add("" if node.pipe.declarations else VALUE, node.line)
                case nodes.If() | nodes.With():
                    made.branches += 1
                    made.looped += loops
                    decided = (node.else_body or ()) if otherwise else node.body
                    collect(decided, depth + 1, loops=loops)
                case nodes.Range() | nodes.Block():
                    collect(node.body, depth + 1, loops=loops or isinstance(node, nodes.Range))

    def add(text: str, line: int) -> None:
        if not made.lines:
            made.lines.append(line)
        parts.append(text)
        made.lines.extend(line + i for i in range(1, text.count("\n") + 1))

    collect(tree, 0)
    made.text = "".join(parts)
    return made


def variants(tree: Sequence[nodes.Node]) -> tuple[Skeleton, ...]:
    """Return the text in every way that its `if`s and its rounds may decide, each by itself.

    A `range` runs up to three times. Nothing is returned where there are too many ways.
    """
    try:
        parts = _ways(tree, 0)
    except _TooManyError:
        return ()
    return tuple(_joined(way) for way in dict.fromkeys(map(tuple, parts)))


_Part = tuple[str, int]
"""A text, and the line that it begins on."""


class _TooManyError(Exception):
    """Ends the search for ways."""


def _joined(parts: Sequence[_Part]) -> Skeleton:
    lines: list[int] = []
    for text, line in parts:
        if not lines:
            lines.append(line)
        lines.extend(line + i for i in range(1, text.count("\n") + 1))
    return Skeleton("".join(text for text, _line in parts), lines)


def _ways(body: Sequence[nodes.Node], depth: int) -> list[list[_Part]]:
    if depth > MAX_DEPTH:
        raise _TooManyError
    ways: list[list[_Part]] = [[]]
    for node in body:
        match node:
            case nodes.Text():
                more: list[list[_Part]] = [[(node.text, node.line)]]
            case nodes.Action():
                more = [[("" if node.pipe.declarations else VALUE, node.line)]]
            case nodes.If() | nodes.With():
                more = [*_ways(node.body, depth + 1), *_ways(node.else_body or (), depth + 1)]
            case nodes.Range():
                once = _ways(node.body, depth + 1)
                more = _ways(node.else_body or (), depth + 1)
                rounds: list[list[_Part]] = [[]]
                for _ in range(MOST_ROUNDS):
                    rounds = _each(rounds, once)
                    more = more + rounds
            case nodes.Block():
                more = _ways(node.body, depth + 1)
            case _:
                continue
        ways = _each(ways, more)
    return ways


def _each(before: list[list[_Part]], after: list[list[_Part]]) -> list[list[_Part]]:
    if len(before) * len(after) > MOST_VARIANTS:
        raise _TooManyError
    return [[*one, *other] for one in before for other in after]
