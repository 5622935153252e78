"""YAML text to nodes, whatever the text is; the only module that imports PyYAML.

The parser's event stream is composed here, without recursion and under limits, because PyYAML's own
composer follows nesting with the Python stack and copies an alias as often as it is named: both end
in a traceback or in all the memory on input that is broken on purpose.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from kanister_kafka.document.nodes import Entry, MappingNode, Node, Scalar, Sequence
from kanister_kafka.problem import Location, Problem, error

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_DEPTH = 200
"""Deepest nesting, aliases followed; no custom resource of Strimzi comes near 30."""
MAX_NODES = 2_000_000
"""Most nodes in one file, each use of an alias counted with all that is below it."""
MERGE = "<<"
LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""As PyYAML counts lines."""


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been read yet."""

    location: Location
    mapping: bool
    anchor: str | None
    children: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    merged: set[str] = field(default_factory=set)
    key: tuple[str, Location] | None = None
    size: int = 1
    depth: int = 1


@dataclass(frozen=True, slots=True)
class _Made:
    """A finished node, with how much and how deep it is."""

    node: Node
    size: int = 1
    depth: int = 0


class _LimitError(Exception):
    """Ends the composition of a text that breaks a limit."""


class Composer:
    """Composes one text; what is wrong with it is kept beside what could be made of it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.roots: list[Node] = []
        self.problems: list[Problem] = []
        self._anchors: dict[str, _Made] = {}
        self._open: list[_Open] = []
        self._lines: list[str] = []
        self._resolver = yaml.SafeLoader("")

    def compose(self, text: str) -> None:
        """Make nodes of a text; each document's is appended to `roots`."""
        here = Location(self.source, 1, 1)
        self._lines = LINE_BREAK.split(text)
        try:
            for event in yaml.parse(io.StringIO(text), Loader=Loader):
                mark = event.start_mark
                if mark is not None:
                    here = Location(self.source, mark.line + 1, mark.column + 1)
                self._event(event, here)
        except _LimitError:
            return
        except yaml.YAMLError as failure:
            self._syntax(failure, here)
        except (ValueError, OverflowError) as failure:  # a code point outside Unicode in an escape
            self._report("yaml-syntax", here, f"cannot be read: {failure}")

    def _event(self, event: yaml.Event, here: Location) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._anchors.clear()
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            if len(self._open) >= MAX_DEPTH:
                self._stop(here, f"is nested more than {MAX_DEPTH} levels deep")
            mapping = isinstance(event, yaml.MappingStartEvent)
            self._open.append(_Open(here, mapping, event.anchor))
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._close()
        elif isinstance(event, yaml.AliasEvent):
            known = self._anchors.get(event.anchor or "")
            if known is None:
                self._report("yaml-syntax", here, f"alias *{event.anchor} has no finished anchor")
                known = _Made(Scalar(None, here))
            self._add(known, here)
        elif isinstance(event, yaml.ScalarEvent):
            indent = self._indent(event) if event.style == "|" else None
            quoted = event.style in ("'", '"')
            value = self._value(event, here)
            made = _Made(Scalar(value, here, event.value, indent, quoted))
            if event.anchor:
                self._anchors[event.anchor] = made
            self._add(made, here)

    def _close(self) -> None:
        done = self._open.pop()
        node: Node = (
            MappingNode(tuple(done.entries.values()), done.location)
            if done.mapping
            else Sequence(tuple(done.children), done.location)
        )
        made = _Made(node, done.size, done.depth)
        if done.anchor:
            self._anchors[done.anchor] = made
        self._add(made, done.location)

    def _add(self, made: _Made, here: Location) -> None:
        parent = self._open[-1] if self._open else None
        if parent is None:
            self.roots.append(made.node)
            return
        parent.size += made.size
        parent.depth = max(parent.depth, made.depth + 1)
        if parent.size > MAX_NODES:
            self._stop(here, f"holds more than {MAX_NODES} values once its aliases are expanded")
        if parent.depth + len(self._open) - 1 > MAX_DEPTH:
            self._stop(here, f"is nested more than {MAX_DEPTH} levels deep")
        if not parent.mapping:
            parent.children.append(made.node)
        elif parent.key is None:
            parent.key = (self._key(made.node), here)
        else:
            (key, where), parent.key = parent.key, None
            self._set(parent, key, where, made.node)

    def _set(self, parent: _Open, key: str, where: Location, value: Node) -> None:
        if key == MERGE and not isinstance(value, Scalar):  # YAML 1.1: the first one wins
            for merged in value.items if isinstance(value, Sequence) else (value,):
                for entry in merged.entries if isinstance(merged, MappingNode) else ():
                    if entry.key not in parent.entries:
                        parent.entries[entry.key] = entry
                        parent.merged.add(entry.key)
            return
        if key in parent.entries and key not in parent.merged:
            self._report("duplicate-key", where, f"key {key[:60]!r} is already set in this mapping")
        parent.merged.discard(key)
        parent.entries.pop(key, None)
        parent.entries[key] = Entry(key, where, value)

    def _indent(self, event: yaml.ScalarEvent) -> int | None:
        """Return how far a literal block is indented: as its first line with text is."""
        if event.start_mark is None:
            return None
        for line in self._lines[event.start_mark.line + 1 :]:
            if line.strip():
                return len(line) - len(line.lstrip(" "))
        return None

    def _key(self, node: Node) -> str:
        if isinstance(node, Scalar):
            return node.text  # a key is a string however it looks: `on`, `1`
        self._report("wrong-type", node.location, "a key must be a string")
        return ""

    def _value(self, event: yaml.ScalarEvent, here: Location) -> str | int | float | bool | None:
        tag = event.tag
        if tag is None or tag == "!":
            resolver: Any = self._resolver  # resolve() has no types in the stubs
            tag = resolver.resolve(yaml.ScalarNode, event.value, event.implicit)
        kind = tag.rpartition(":")[2]
        if kind not in ("int", "float", "bool", "null"):
            return event.value
        try:
            made = self._resolver.construct_object(yaml.ScalarNode(tag, event.value), deep=True)
        except (yaml.YAMLError, ValueError, KeyError, IndexError, OverflowError):
            self._report("yaml-syntax", here, f"{event.value[:40]!r} is no {kind}")
            return event.value
        return made if isinstance(made, (str, int, float, bool)) else None

    def _syntax(self, failure: yaml.YAMLError, here: Location) -> None:
        mark = getattr(failure, "problem_mark", None)
        if mark is not None:
            here = Location(self.source, mark.line + 1, mark.column + 1)
        words = (getattr(failure, "context", None), getattr(failure, "problem", None))
        told = " ".join(word for word in words if word) or str(failure).splitlines()[0]
        self._report("yaml-syntax", here, f"cannot be parsed: {told}")

    def _stop(self, here: Location, message: str) -> NoReturn:
        self._report("yaml-limit", here, message)
        self.roots.clear()
        raise _LimitError

    def _report(self, check: str, here: Location, message: str) -> None:
        self.problems.append(error(check, here, "", message))
