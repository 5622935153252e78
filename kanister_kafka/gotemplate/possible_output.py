"""Whether a template may print a certain word with any data."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kanister_kafka.gotemplate import nodes

BOOLEAN_FUNCTIONS = frozenset(["eq", "exists", "ge", "gt", "le", "lt", "ne", "not"])
"""Functions that give true or false."""
MAX_DEPTH = 60

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
