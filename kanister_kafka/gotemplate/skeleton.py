"""A template as the text around its values, for what can be said before these are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kanister_kafka.gotemplate import nodes

VALUE = "x"
"""Stands for a value: a word, a name and a number's variable alike."""
MAX_DEPTH = 100


@dataclass(slots=True)
class Skeleton:
    """Text with a stand-in for each value, and where each of its lines comes from."""

    text: str = ""
    lines: list[int] = field(default_factory=list)
    """For each line of the text, the line of the template that it begins on."""
    branches: int = 0
    """How many `if`s decided what is in it."""

    def origin(self, line: int) -> int:
        """Return the line of the template for a line of the text, both counted from 1."""
        return self.lines[min(line, len(self.lines)) - 1] if self.lines else line


def skeleton(tree: Sequence[nodes.Node], *, otherwise: bool = False) -> Skeleton:
    """Return the text as it is where every `if` is true, or false, and every `range` runs once."""
    made = Skeleton()
    parts: list[str] = []

    def collect(body: Sequence[nodes.Node], depth: int) -> None:
        for node in body if depth < MAX_DEPTH else ():
            match node:
                case nodes.Text():
                    add(node.text, node.line)
                case nodes.Action():
                    add("" if node.pipe.declarations else VALUE, node.line)
                case nodes.If() | nodes.With():
                    made.branches += 1
                    collect((node.else_body or ()) if otherwise else node.body, depth + 1)
                case nodes.Range() | nodes.Block():
                    collect(node.body, depth + 1)

    def add(text: str, line: int) -> None:
        if not made.lines:
            made.lines.append(line)
        parts.append(text)
        made.lines.extend(line + i for i in range(1, text.count("\n") + 1))

    collect(tree, 0)
    made.text = "".join(parts)
    return made
