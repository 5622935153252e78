"""YAML text to nodes, however broken it is; the only module that imports PyYAML.

The parser's event stream is composed here, without recursion and under limits, because PyYAML's own
composer follows nesting with the Python stack and copies an alias as often as it is named: both end
in a traceback or in all the memory on input that is broken on purpose.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, TextIO

import yaml

from kanister_kafka.diagnostics import Diagnostic, Location, error
from kanister_kafka.yamldoc.json_stream import (
    BEGINNINGS,
    WORDS,
    JsonToken,
    Value,
    json_values,
    key_text,
    resolve_scalar,
    tokens,
)
from kanister_kafka.yamldoc.nodes import MappingEntry, MappingNode, Node, Scalar, Sequence

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

TOO_DEEP = "exceeded maximum nesting depth"
"""The message of libyaml 0.2.6 about its own limit, which it meets while it reads ahead
(scanner.c)."""
MAX_DEPTH = 200
"""Deepest nesting, aliases followed; no custom resource of Strimzi comes near 30."""
MAX_NODES = 2_000_000
"""Most nodes in one file, each use of an alias counted with all that is below it."""
MAX_PROBLEMS = 10_000
"""Maximum number of reported faults of one file: more would not be read, and each takes memory."""
MAX_BYTES = 16 * 1024 * 1024
"""Largest file read, in bytes: ten times the largest object that etcd takes by default."""
MERGE = "<<"
MERGE_TAG = "tag:yaml.org,2002:merge"
ENDS = frozenset({yaml.MappingEndEvent, yaml.SequenceEndEvent})
ITEMS = "items"
"""Where a `kind: List` has its objects."""
LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""As PyYAML counts lines."""
TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "null": (type(None),),
}
"""Tags that a value has to live up to, by the last word of the tag."""
SEPARATOR = re.compile(r"^---[ \t\r]*(?P<after>[^\s#].*)$", re.MULTILINE)
"""A line that ends a document for Kubernetes, wherever it stands, and has something after it."""
SLASH = re.compile(r"(?:[^\\]|\\[^/])*\\/")
"""An escape of JSON that YAML 1.1 does not have; libyaml takes it, and go-yaml does not."""


JSON_ALONE = re.compile(r"\\[/u]|[\x7f-\x9f\ufffe\uffff]")
"""Characters that JSON may hold, and that YAML refuses or reads otherwise."""
HELM = re.compile(
    r"\{\{-?\s*(?:if|else|end|range|with|include|template|define|block|/\*)\b"
    r"|\.(?:Values|Release|Chart|Capabilities|Files)\b"
)
"""Actions in templates of charts, on lines of their own or for a value."""


new_tuple = tuple.__new__
"""Makes a named tuple as its class does, in half the time: half of a text's time goes there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseLimits:
    """How much of one file is read."""

    max_bytes: int = MAX_BYTES
    """Of one file, or of one object if each is read by itself; there, in characters."""
    max_depth: int = MAX_DEPTH
    max_nodes: int = MAX_NODES
    max_problems: int = MAX_PROBLEMS


PARSE_LIMITS = ParseLimits()


class _Key(NamedTuple):
    """A key whose value has not been read yet."""

    text: str
    location: Location
    spelled: str = ""
    """As it stands in the input, if that is another text."""
    merges: bool = False


class _OpenCollection:
    """A collection whose end has not been read yet; no dataclass, which takes longer to make."""

    __slots__ = (
        "anchor", "children", "depth", "entries", "key", "location", "mapping", "merged", "size",
    )  # fmt: skip

    def __init__(self, location: Location, anchor: str | None, *, mapping: bool) -> None:
        self.location, self.mapping, self.anchor = location, mapping, anchor
        self.children: list[Node] = []
        self.entries: dict[str, MappingEntry] = {}
        self.merged: set[str] | None = None
        self.key: _Key | None = None
        self.size = self.depth = 1


class _LimitError(Exception):
    """Ends the composition of a text that breaks a limit."""


class Composer:
    """Composes one text; keeps what is wrong with it, and what could be made of it."""

    def __init__(self, source: str, limits: ParseLimits = PARSE_LIMITS) -> None:
        self.source = source
        self._limits = limits
        self._too_deep = f"is nested more than {limits.max_depth} levels deep"
        self.roots: list[Node] = []
        self.problems: list[Diagnostic] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        """Finished nodes, with how much and how deep they are."""
        self._open: list[_OpenCollection] = []
        self.lines: list[str] = []
        self._text = ""
        """What is read; empty if it is read bit by bit."""
        self._apart = False
        """Whether the items of a list at the top are nodes of their own."""

    def compose(self, text: str) -> None:
        """Make nodes of a text; each document's is appended to `roots`."""
        odd = any(mark in text for mark in "\r\x85\u2028\u2029")
        self.lines = LINE_BREAK.split(text) if odd else text.split("\n")  # ten times as fast
        spans, json_end = json_values(text)
        if len(spans) == 1 and json_end == len(text) and not JSON_ALONE.search(text):
            self._yaml(text)  # which is the same, and takes less time
            return
        try:
            for start, end in spans:
                for token in tokens(text, start, end):
                    self._json(token)
        except _LimitError:
            return
        if len(spans) > 1:  # Kubernetes is sure by now that all of it is JSON
            if json_end < len(text):
                line = text.count("\n", 0, json_end)
                column = json_end - text.rfind("\n", 0, json_end)
                location = Location(self.source, line + 1, column)
                self._report("yaml-syntax", location, "is not JSON, although the text before it is")
            return
        if spans:
            next_line = text.find("\n", spans[0][1], json_end)
            begins = json_end if next_line < 0 else next_line + 1
            text = "\n" * text.count("\n", 0, begins) + text[begins:]
        self._yaml(text)

    def _yaml(self, text: str) -> None:
        self._text = text if "\\/" in text else ""
        for match in SEPARATOR.finditer(text) if "---" in text else ():
            location = Location(self.source, text.count("\n", 0, match.start()) + 1, 1)
            message = "has something after ---: Kubernetes takes a comment there, and nothing else"
            self._report("yaml-syntax", location, message)
        for _ in self._steps(text):
            pass

    def _json(self, token: JsonToken) -> None:
        location = Location(self.source, token.line, token.column)
        if token.mark in ("{", "["):
            self._enter(_OpenCollection(location, None, mapping=token.mark == "{"))
        elif token.mark:
            self._end()
        elif self._awaits_key():
            self._open[-1].key = _Key(token.text, location)
            self._open[-1].size += 1
        else:
            self._add(Scalar(token.value, location, token.text, None, token.quoted), 1, 0, location)

    def compose_apart(self, text: TextIO) -> Iterator[Node]:
        """Yield the node of each document as the text is read, so it may be of any length.

        The `items` of a list at the top come one by one, before the list that is without them by
        then. None may be longer than the limit, in characters. What is wrong is in `problems`
        at the end; a place within a literal block is that of the block, as no line is kept.
        """
        self._apart, begun = True, 0
        longest = self._limits.max_bytes
        for position in self._steps(text):
            if self.roots:
                yield self.roots.pop()
                begun = position
            elif position - begun > longest:
                message = f"has an object of more than {longest} characters"
                self._report("too-large", Location(self.source), message)
                return

    def _steps(self, text: str | TextIO) -> Iterator[int]:
        """Read a text; if nodes are yielded apart, yield after each step how far it is read."""
        handlers: dict[type, Callable[[Any, Location], None]] = {
            yaml.MappingStartEvent: self._begin,
            yaml.SequenceStartEvent: self._begin,
            yaml.AliasEvent: self._alias,
        }
        source, mark = self.source, None
        try:
            loader = Loader(text)
            get, scalar, take = loader.get_event, yaml.ScalarEvent, self._scalar
            while (kind := type(event := get())) is not yaml.StreamEndEvent:
                mark = event.start_mark
                handle = take if kind is scalar else handlers.get(kind)
                if handle is not None:
                    handle(event, new_tuple(Location, (source, mark.line + 1, mark.column + 1)))
                elif kind in ENDS:
                    self._end()
                elif kind is yaml.DocumentStartEvent:
                    self._anchors.clear()
                    if event.version or event.tags:
                        location = Location(source, mark.line + 1, mark.column + 1)
                        message = (
                            "begins with a directive, which Kubernetes refuses; remove the line"
                        )
                        self._report("yaml-syntax", location, message)
                if self._apart:
                    yield mark.index
        except _LimitError:
            return
        except (yaml.YAMLError, ValueError, OverflowError) as failure:
            line, column = (mark.line, mark.column) if mark else (0, 0)
            self._fail(failure, Location(source, line + 1, column + 1))

    def _fail(self, failure: Exception, location: Location) -> None:
        if isinstance(failure, yaml.YAMLError):
            self._syntax(failure, location)
        else:  # a code point outside Unicode in an escape
            self._report("yaml-syntax", location, f"cannot be read: {failure}")

    def _begin(self, event: yaml.CollectionStartEvent, location: Location) -> None:
        is_mapping = type(event) is yaml.MappingStartEvent
        self._enter(_OpenCollection(location, event.anchor, mapping=is_mapping))

    def _enter(self, opened: _OpenCollection) -> None:
        location = opened.location
        if len(self._open) >= self._limits.max_depth:
            self._stop(location, self._too_deep)
        self._open.append(opened)

    def _end(self) -> None:
        collection = self._open.pop()
        node: Node = (
            MappingNode(tuple(collection.entries.values()), collection.location)
            if collection.mapping
            else Sequence(tuple(collection.children), collection.location)
        )
        if collection.anchor:
            self._anchors[collection.anchor] = node, collection.size, collection.depth
        self._add(node, collection.size, collection.depth, collection.location)

    def _alias(self, event: yaml.AliasEvent, location: Location) -> None:
        anchored = self._anchors.get(event.anchor or "")
        if anchored is None:
            self._report("yaml-syntax", location, f"alias *{event.anchor} has no finished anchor")
            anchored = Scalar(None, location), 1, 0
        self._add(*anchored, location)

    def _scalar(self, event: yaml.ScalarEvent, location: Location) -> None:
        text, style, tag, anchor = event.value, event.style, event.tag, event.anchor
        parent = self._open[-1] if self._open else None
        if parent is not None and parent.mapping and parent.key is None:
            key = self._plain_key(event, location)
            if key is not None:  # most scalars are keys: no node is needed
                parent.key = key
                parent.size += 1
                return
        value: Value
        if tag is not None and tag != "!":
            value = self._tagged(tag, text, location)
        elif event.implicit[0]:  # neither quoted nor a block
            if text and text not in WORDS and text[0] not in BEGINNINGS:  # most are plain words
                value = text
            else:
                value = resolve_scalar(text)
        else:
            value = text
        if type(value) is float and not math.isfinite(value) and not self._awaits_key():
            self._report("yaml-syntax", location, f"{text[:40]} cannot be written as JSON")
        if self._text:
            self._slash(event, location)
        indent = self._indent(location.line, text) if style == "|" else None
        ends: Any = event.end_mark
        folded = ends.line >= location.line or bool(anchor or tag)
        quoted = style == '"' or style == "'"
        node = new_tuple(Scalar, (value, location, text, indent, quoted, folded))
        if anchor:
            self._anchors[anchor] = node, 1, 0
        key = parent.key if parent is not None and parent.mapping else None
        if parent is None or key is None or parent.size >= self._limits.max_nodes:
            self._add(node, 1, 0, location)
            return
        parent.size, parent.key = parent.size + 1, None  # as `_add` does: most nodes are these
        self._set(parent, key, node)

    def _plain_key(self, event: yaml.ScalarEvent, location: Location) -> _Key | None:
        """Return a key that is the text as it stands; None for any other."""
        text, tag, plain = event.value, event.tag, event.implicit[0]
        if text == MERGE and (tag == MERGE_TAG or (plain and tag is None)):
            return _Key(text, location, merges=True)
        if tag is not None or event.anchor:
            return None
        if plain and (text in WORDS or text[0] in BEGINNINGS):
            return None
        if self._text:
            self._slash(event, location)
        return new_tuple(_Key, (text, location, "", False))

    def _add(self, node: Node, size: int, depth: int, location: Location) -> None:
        parent = self._open[-1] if self._open else None
        if parent is None or (self._apart and self._is_listed()):
            self.roots.append(node)
            return
        parent.size += size
        if parent.size > self._limits.max_nodes:
            most = self._limits.max_nodes
            message = f"holds more than {most} values once its aliases are expanded"
            self._stop(location, message)
        if depth >= parent.depth:
            parent.depth = depth + 1
            if depth + len(self._open) > self._limits.max_depth:
                self._stop(location, self._too_deep)
        if not parent.mapping:
            parent.children.append(node)
        elif parent.key is None:
            parent.key = self._key(node, location)
        else:
            key, parent.key = parent.key, None
            self._set(parent, key, node)

    def _awaits_key(self) -> bool:
        return bool(self._open) and self._open[-1].mapping and self._open[-1].key is None

    def _slash(self, event: yaml.ScalarEvent, location: Location) -> None:
        if event.style != '"':
            return
        start: Any = event.start_mark
        end: Any = event.end_mark
        if SLASH.match(self._text[start.index : end.index]):
            message = "holds the escape \\/, which is for JSON alone: write / without a backslash"
            self._report("yaml-syntax", location, message)

    def _is_listed(self) -> bool:
        """Return whether what comes now is one of the `items` of the document."""
        if len(self._open) != 2 or self._open[1].mapping:
            return False
        key = self._open[0].key
        return key is not None and key[0] == ITEMS

    def _set(self, parent: _OpenCollection, key: _Key, value: Node) -> None:
        name, location, spelled, merges = key
        if merges:
            self._merge(parent, key, value)
            return
        if name in parent.entries:
            if parent.merged is None or name not in parent.merged:
                message = f"key {name[:60]!r} is already set in this mapping"
                self._report("duplicate-key", location, message)
            else:
                parent.merged.discard(name)
            del parent.entries[name]
        parent.entries[name] = new_tuple(MappingEntry, (name, location, value, spelled))

    def _merge(self, parent: _OpenCollection, key: _Key, value: Node) -> None:
        """Set what a mapping, or a list of some, has: go-yaml does so where `<<` stands.

        An earlier value is replaced, and of a list the first one wins (decode.go, merge).
        """
        parent.merged = parent.merged or set()
        nodes = value.items if isinstance(value, Sequence) else (value,)
        for node in reversed(nodes):
            if not isinstance(node, MappingNode):
                message = "<< needs an object, or a list of objects, to take the keys of"
                self._report("yaml-syntax", key.location, message)
                continue
            for entry in node.entries:
                parent.entries.pop(entry.key, None)
                parent.entries[entry.key] = entry
                parent.merged.add(entry.key)

    def _indent(self, line: int, text: str) -> int | None:
        """Return how far a literal block below a line is indented in the input.

        That is the indentation of its first line with text, less that of its own, as `|2` makes
        possible.
        """
        first = len(text) - len(text.lstrip("\n "))
        own = first - (text.rfind("\n", 0, first) + 1)
        for number in range(line, len(self.lines)):  # a slice would copy the rest of the text
            content = self.lines[number].lstrip(" ")
            if content:
                return len(self.lines[number]) - len(content) - own
        return None

    def _key(self, node: Node, location: Location) -> _Key:
        if not isinstance(node, Scalar):
            message = f"a key must be a string{self._hint(node.location)}"
            self._report("wrong-type", node.location, message)
            return _Key("", location)
        text = key_text(node.value)
        if text is None:
            self._report("wrong-type", node.location, f"a key must be a string, not {node.text!r}")
            return _Key(node.text, location)
        return _Key(text, location, node.text if text != node.text else "")

    def _tagged(self, tag: str, text: str, location: Location) -> Value:
        kind = tag.rpartition(":")[2]
        if kind == "binary":
            return self._binary(text, location)
        if kind not in TYPES:
            return text
        value = resolve_scalar(text)
        if type(value) in TYPES[kind]:
            return value
        self._report("yaml-syntax", location, f"{text[:40]!r} is not a valid {kind}")
        return text

    def _binary(self, text: str, location: Location) -> str:
        try:
            raw = base64.b64decode(re.sub(r"[\r\n]", "", text), validate=True)
        except ValueError:
            self._report("yaml-syntax", location, f"{text[:40]!r} is not base64")
            return text
        return raw.decode(errors="replace")

    def _syntax(self, failure: yaml.YAMLError, location: Location) -> None:
        mark = getattr(failure, "problem_mark", None)
        if mark is not None:
            location = Location(self.source, mark.line + 1, mark.column + 1)
        if self.lines and location.line > len(self.lines):  # libyaml ends an open last line
            location = Location(self.source, len(self.lines), len(self.lines[-1]) + 1)
        if getattr(failure, "problem", None) == TOO_DEEP:
            self._report("yaml-limit", location, self._too_deep)
            self.roots.clear()
            return
        words = (getattr(failure, "context", None), getattr(failure, "problem", None))
        message = " ".join(word for word in words if word) or str(failure).splitlines()[0]
        self._report("yaml-syntax", location, f"cannot be parsed: {message}{self._hint(location)}")

    def _hint(self, location: Location) -> str:
        """Return what to do where an action of a template is on the line, or the one before."""
        line = "\n".join(self.lines[max(0, location.line - 2) : location.line])
        if "{{" not in line:
            return ""
        if HELM.search(line):
            return "; this is a template of Helm: render it first, with helm template"
        return "; a template needs quotes around it"

    def _stop(self, location: Location, message: str) -> NoReturn:
        self._report("yaml-limit", location, message)
        self.roots.clear()
        raise _LimitError

    def _report(self, check: str, location: Location, message: str) -> None:
        self.problems.append(error(check, location, "", message))
        if len(self.problems) == self._limits.max_problems:
            message = f"has more than {len(self.problems)} faults; the rest is not read"
            self._stop(location, message)
