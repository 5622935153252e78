"""A list with its changes as text: in block style, what is kept stays byte for byte.

Nothing is written by rules of its own: whole items are exchanged, whose lines the places of the
nodes tell. Where the list is written in another way, as in JSON, all of it is written anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from kanister_kafka.integrations.krm.render import ListPatch, RenderedObject
from kanister_kafka.integrations.krm.resource_list import ResourceList
from kanister_kafka.yamldoc import Sequence as SequenceNode
from kanister_kafka.yamldoc import parse, to_python
from kanister_kafka.yamldoc.dumper import dump
from kanister_kafka.yamldoc.parser import LINE_BREAK

ITEMS, RESULTS = "items", "results"
END = re.compile(r"(?:---|\.\.\.)(?=\s|$)")
"""Ends a document wherever it stands in the first column."""
NO_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that JSON lets through, and YAML refuses or takes for the end of a line."""
Edit = tuple[int, int, str]
"""From a line to before another, and what comes there instead."""


def serialize(before: ResourceList, change: ListPatch, results: Sequence[Any]) -> str:
    """Return the text of a list after a change, with results instead of those that it had."""
    data = to_python(before.root)
    items = []
    for node, new in zip(before.nodes, change.items, strict=True):
        if new is None:
            items.append(to_python(node))
        elif isinstance(new, RenderedObject):
            items.append(new.data)
    data[ITEMS] = items + [one.data for one in change.added]
    data.pop(RESULTS, None)
    if results:
        data[RESULTS] = list(results)
    text = _Block(before).spliced(change, results)
    if text is not None:
        again = parse(text)
        if not again.problems and len(again.roots) == 1 and to_python(again.roots[0]) == data:
            return text
    made = json.dumps(data, indent=2, ensure_ascii=False)
    return NO_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", made) + "\n"


class _Block:
    """The lines of a list in block style."""

    def __init__(self, before: ResourceList) -> None:
        self.before = before
        text = before.parsed.text
        ends = [match.end() for match in LINE_BREAK.finditer(text)]
        starts = [0, *ends]
        self.lines = [text[a:b] for a, b in zip(starts, [*ends, len(text)], strict=True)]
        if not self.lines[-1]:
            self.lines.pop()

    def spliced(self, change: ListPatch, results: Sequence[Any]) -> str | None:
        """Return the text after a change; None where the list is not in block style."""
        root = self.before.root
        if root.location.column != 1 or self.lines[root.location.line - 1].startswith("{"):
            return None
        edits = self._edits(change)
        if edits is None:
            return None
        edits.append(self._results(results))
        lines = [*self.lines]
        if lines and not LINE_BREAK.search(lines[-1]):
            lines[-1] += "\n"
        text, done = "", 0
        for first, last, new in sorted(edits, key=lambda edit: edit[:2]):
            text += "".join(lines[done:first]) + new
            done = last
        return text + "".join(lines[done:])

    def _edits(self, change: ListPatch) -> list[Edit] | None:
        items = self.before.root.get(ITEMS)
        if isinstance(items, SequenceNode) and items.items:
            return self._exchanged(items, change)
        key = next((e for e in self.before.root.entries if e.key == ITEMS), None)
        new = "".join(_entry(one, "") for one in change.added)
        if not new:
            return []
        if key is None:
            end = self._end_of_document()
            return [(end, end, f"{ITEMS}:\n{new}")]
        line = key.location.line
        whole = self.lines[line - 1]
        empty = re.fullmatch(rf"({ITEMS}:)[ \t]*(?:\[[ \t]*\]|null|~)?([ \t]+#.*)?\s*", whole)
        return [(line - 1, line, f"{empty[1]}{empty[2] or ''}\n{new}")] if empty else None

    def _exchanged(self, items: SequenceNode, change: ListPatch) -> list[Edit] | None:
        if len(items.items) != len(change.items):  # there is a null among them
            return None
        column = items.location.column - 1
        dashes = [self._dash(item.location.line, column) for item in items.items]
        in_order = all(one < next_one for one, next_one in pairwise(dashes))
        if dashes[0] != items.location.line - 1 or not in_order:
            return None  # in flow style, or with an alias, whose place is elsewhere
        end = self._end_of(ITEMS)
        ends = [self._before_comments(start, column) for start in (*dashes[1:], end)]
        indent = " " * column
        edits = []
        for first, last, one in zip(dashes, ends, change.items, strict=True):
            if one is not None:
                text = _entry(one, indent) if isinstance(one, RenderedObject) else ""
                edits.append((first, last, text))
        new = "".join(_entry(one, indent) for one in change.added)
        return [*edits, (ends[-1], ends[-1], new)]

    def _dash(self, line: int, column: int) -> int:
        """Return the line, from 0, on which the item begins whose content is on a line."""
        for number in range(line - 1, -1, -1):
            text = self.lines[number]
            if not text[:column].strip(" ") and text[column : column + 1] == "-":
                return number
        return -1

    def _before_comments(self, line: int, column: int) -> int:
        """Return where the comments begin that stand right above a line and belong to it."""
        while line > 0:
            text = self.lines[line - 1]
            content = text.lstrip(" ")
            if not content.startswith("#") or len(text) - len(content) > column:
                return line
            line -= 1
        return line

    def _results(self, results: Sequence[Any]) -> Edit:
        new = dump({RESULTS: list(results)}) if results else ""
        for entry in self.before.root.entries:
            if entry.key == RESULTS:
                first = entry.location.line - 1
                return first, self._before_comments(self._end_of(RESULTS), 0), new
        end = self._end_of_document()
        return end, end, new

    def _end_of(self, key: str) -> int:
        """Return the line before which the value of a key of the list ends."""
        lines = [entry.location.line - 1 for entry in self.before.root.entries]
        own = next(e.location.line - 1 for e in self.before.root.entries if e.key == key)
        return min((line for line in lines if line > own), default=self._end_of_document())

    def _end_of_document(self) -> int:
        first = self.before.root.location.line
        for number in range(first, len(self.lines)):
            if END.match(self.lines[number]):
                return number
        return len(self.lines)


def _entry(one: RenderedObject, indent: str) -> str:
    """Return an object as an item of a list."""
    first, *rest = one.text.rstrip("\n").split("\n")
    return "".join([f"{indent}- {first}\n", *(_indented(line, indent) for line in rest)])


def _indented(line: str, indent: str) -> str:
    return f"{indent}  {line}\n" if line else "\n"
