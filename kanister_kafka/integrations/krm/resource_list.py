"""A ResourceList: read from text, and written with its changes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from kanister_kafka.diagnostics import Diagnostic, Location, error, has_error
from kanister_kafka.yamldoc import (
    Document,
    MappingNode,
    Node,
    ObjectKey,
    ParseResult,
    Scalar,
    dump,
    parse,
    to_python,
    with_location,
)
from kanister_kafka.yamldoc import Sequence as SequenceNode
from kanister_kafka.yamldoc.nodes import is_set
from kanister_kafka.yamldoc.parser import LINE_BREAK

KIND = "ResourceList"
SOURCE = "<stdin>"


@dataclass(frozen=True, slots=True)
class ResourceList:
    """One list, with the text that it came as."""

    parsed: ParseResult
    root: MappingNode
    nodes: tuple[MappingNode, ...]
    """The items where they stand in the text."""
    items: tuple[Document, ...]
    """The same, each placed at its kind, namespace and name: no one sees the lines of a list that
    goes from one program to another."""
    config: Document | None
    """The functionConfig, placed likewise."""


def read_resource_list(raw: str | bytes) -> tuple[ResourceList | None, tuple[Diagnostic, ...]]:
    """Read the text of one list; None if it is not a list, and what is wrong."""
    parsed = parse(raw, SOURCE)
    if has_error(parsed.problems):
        return None, parsed.problems
    root = parsed.roots[0] if len(parsed.roots) == 1 else None
    if not isinstance(root, MappingNode) or not Document(root).kind.endswith("List"):
        here = parsed.roots[0].location if parsed.roots else Location(SOURCE, 1, 1)
        return None, (error("wrong-type", here, "", f"must be one document of kind {KIND}"),)
    problems: list[Diagnostic] = []
    nodes = tuple(_objects(root.get("items"), "items", problems))
    config = tuple(_objects(_listed(root.get("functionConfig")), "functionConfig", problems))
    if problems:
        return None, tuple(problems)
    items = tuple(with_source(Document(node)) for node in nodes)
    return ResourceList(
        parsed, root, nodes, items, with_source(Document(*config)) if config else None
    ), ()


def with_source(document: Document) -> Document:
    """Return an object whose every place is its kind, namespace and name."""
    root = with_location(document.root, Location(str(document.key)))
    return Document(root) if isinstance(root, MappingNode) else document


def annotations_of(document: Document) -> dict[str, str]:
    """Return the annotations of an object; values that are not strings are left out."""
    metadata = document.root.get("metadata")
    value = metadata.get("annotations") if isinstance(metadata, MappingNode) else None
    entries = value.entries if isinstance(value, MappingNode) else ()
    return {
        entry.key: entry.value.value
        for entry in entries
        if isinstance(entry.value, Scalar) and isinstance(entry.value.value, str)
    }


def _listed(node: Node | None) -> Node | None:
    return None if node is None else SequenceNode((node,), node.location)


def _objects(node: Node | None, path: str, problems: list[Diagnostic]) -> list[MappingNode]:
    """Return the objects of a list; anything else is reported, and null is nothing."""
    if not is_set(node):
        return []
    if not isinstance(node, SequenceNode):
        problems.append(error("wrong-type", node.location, path, "must be a list"))
        return []
    objects = []
    for item in node.items:
        if isinstance(item, MappingNode):
            objects.append(item)
        elif is_set(item):
            problems.append(error("wrong-type", item.location, path, "must be an object"))
    return objects


# A list with its changes as text. In block style, what is kept stays byte for byte: whole items are
# exchanged, whose lines the locations of the nodes give. A list in another style, such as JSON, is
# written anew.


@dataclass(frozen=True, slots=True)
class RenderedObject:
    """One rendered object, as text and as data."""

    key: ObjectKey
    text: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ListPatch:
    """The result of a run for a list."""

    items: tuple[RenderedObject | ObjectKey | None, ...]
    """For each item the object that replaces it, its key if it is dropped, None if it is kept."""
    added: tuple[RenderedObject, ...] = ()

    @property
    def dropped(self) -> tuple[ObjectKey, ...]:
        """Keys of the items that are left out."""
        return tuple(item for item in self.items if isinstance(item, ObjectKey))


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
    formatted = json.dumps(data, indent=2, ensure_ascii=False)
    return NO_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", formatted) + "\n"


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
        """Return the text after a change; None if the list is not in block style."""
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
