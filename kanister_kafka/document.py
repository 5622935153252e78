"""YAML text to located nodes, whatever the text is; the only module that imports PyYAML.

The parser's event stream is composed here, without recursion and under limits, because PyYAML's own
composer follows nesting with the Python stack and copies an alias as often as it is named: both end
in a traceback or in all the memory on input that is broken on purpose.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, Union

import yaml

from kanister_kafka.errors import UnreachableError
from kanister_kafka.problem import Location, Problem, error

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_BYTES = 16 * 1024 * 1024
"""Largest file read, in bytes: ten times the largest object that etcd takes by default."""
MAX_DEPTH = 200
"""Deepest nesting; the deepest custom resource schema of Strimzi stays below 30."""
MAX_NODES = 2_000_000
"""Most nodes in one file, each use of an alias counted with all that is below it."""
SUFFIXES = (".yaml", ".yml", ".json")
"""Files that are read when a directory is named."""
STDIN = "-"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value, typed as YAML 1.1 types it (Kubernetes reads YAML so)."""

    value: str | int | float | bool | None
    location: Location
    text: str = ""
    """As it is spelled in the input."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    items: tuple[Node, ...]
    location: Location


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping with its value."""

    key: str
    location: Location
    value: Node


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Keys and values in the order of the text."""

    entries: tuple[Entry, ...]
    location: Location

    def get(self, key: str) -> Node | None:
        """Return the value of a key, or None where the key is absent."""
        for entry in self.entries:
            if entry.key == key:
                return entry.value
        return None


Node = Union[Scalar, Sequence, MappingNode]


@dataclass(frozen=True, slots=True)
class Document:
    """One object of the input: a mapping at the top level of a document or of a `kind: List`."""

    root: MappingNode

    def text(self, *path: str) -> str:
        """Return the string at a path of keys, or an empty string where there is none."""
        node: Node | None = self.root
        for key in path:
            node = node.get(key) if isinstance(node, MappingNode) else None
        return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""

    @property
    def group(self) -> str:
        """API group; empty for the core group."""
        group, slash, _version = self.text("apiVersion").rpartition("/")
        return group if slash else ""

    @property
    def version(self) -> str:
        """API version without its group."""
        return self.text("apiVersion").rpartition("/")[2]

    @property
    def kind(self) -> str:
        """Kind, or an empty string where the object names none."""
        return self.text("kind")


@dataclass(frozen=True, slots=True)
class Loaded:
    """All objects of the input, and what is wrong with the text itself."""

    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]


def load(paths: Iterable[str | Path]) -> Loaded:
    """Read files, directories (their YAML and JSON files, sorted) and `-` for standard input.

    Raises UnreachableError where a path cannot be read.
    """
    documents: list[Document] = []
    problems: list[Problem] = []
    for source, raw in _sources(paths):
        loaded = loads(raw, source)
        documents.extend(loaded.documents)
        problems.extend(loaded.problems)
    return Loaded(tuple(documents), tuple(problems))


def loads(text: str | bytes, source: str = "<text>") -> Loaded:
    """Read YAML or JSON text of any number of documents; a `kind: List` is opened.

    What is wrong comes back as problems: this raises nothing, however broken the text is.
    """
    start = Location(source, 1, 1)
    raw = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        message = f"is larger than {MAX_BYTES // 1024 // 1024} MiB; split it"
        return Loaded((), (error("too-large", start, "", message),))
    try:
        decoded = raw.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        message = f"is not UTF-8 text: {failure.reason} at byte {failure.start}"
        return Loaded((), (error("not-text", start, "", message),))
    composer = _Composer(source)
    composer.compose(decoded)
    documents = [found for node in composer.roots for found in composer.objects(node)]
    return Loaded(tuple(documents), tuple(composer.problems))


def from_object(value: Mapping[str, Any]) -> Document:
    """Make a document of an object read from a cluster, located as `Kind/namespace/name`."""
    metadata = value.get("metadata") or {}
    names = (value.get("kind"), metadata.get("namespace"), metadata.get("name"))
    location = Location("/".join(str(name) for name in names if name))

    def node(value: Any) -> Node:
        if isinstance(value, Mapping):
            entries = (Entry(str(key), location, node(item)) for key, item in value.items())
            return MappingNode(tuple(entries), location)
        if isinstance(value, (list, tuple)):
            return Sequence(tuple(node(item) for item in value), location)
        return Scalar(value, location, str(value))

    entries = (Entry(str(key), location, node(item)) for key, item in value.items())
    return Document(MappingNode(tuple(entries), location))


def plain(node: Node) -> Any:
    """Return the node as dicts, lists and scalars."""
    if isinstance(node, MappingNode):
        return {entry.key: plain(entry.value) for entry in node.entries}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.value


def _sources(paths: Iterable[str | Path]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        if str(path) == STDIN:
            yield "<stdin>", _read("<stdin>", lambda: sys.stdin.buffer.read(MAX_BYTES + 1))
            continue
        path = Path(path)
        files = [path]
        if path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file())
        for file in files:
            yield str(file), _read(str(file), partial(_head, file))


def _head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def _read(source: str, read: Callable[[], bytes]) -> bytes:
    try:
        return read()
    except (OSError, ValueError) as failure:
        reason = failure.strerror if isinstance(failure, OSError) else str(failure)
        raise UnreachableError(f"{source}: {reason or failure}") from failure


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been read yet."""

    location: Location
    mapping: bool
    anchor: str | None
    children: list[Node] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    key: tuple[str, Location] | None = None
    size: int = 1


class _LimitError(Exception):
    """Ends the composition of a text that breaks a limit."""


class _Composer:
    def __init__(self, source: str) -> None:
        self.source = source
        self.roots: list[Node] = []
        self.problems: list[Problem] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._open: list[_Open] = []
        self._size = 0
        self._resolver = yaml.SafeLoader("")

    def compose(self, text: str) -> None:
        here = Location(self.source, 1, 1)
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

    def objects(self, node: Node) -> Iterator[Document]:
        """Open `kind: List`, report what is no object, and skip empty documents."""
        pending = [(node, "")]
        while pending:
            node, path = pending.pop(0)
            if isinstance(node, Scalar) and node.value is None:
                continue
            if not isinstance(node, MappingNode):
                message = "must be an object with apiVersion and kind"
                self.problems.append(error("wrong-type", node.location, path, message))
                continue
            document = Document(node)
            items = node.get("items")
            if document.kind.endswith("List") and isinstance(items, Sequence):
                pending[:0] = [(item, f"items[{i}]") for i, item in enumerate(items.items)]
            else:
                yield document

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
                self._stop(here, f"alias *{event.anchor} names no finished anchor")
            self._add(*known, here)
        elif isinstance(event, yaml.ScalarEvent):
            node = Scalar(self._value(event, here), here, event.value)
            if event.anchor:
                self._anchors[event.anchor] = (node, 1)
            self._add(node, 1, here)

    def _close(self) -> None:
        done = self._open.pop()
        node: Node = (
            MappingNode(tuple(done.entries), done.location)
            if done.mapping
            else Sequence(tuple(done.children), done.location)
        )
        if done.anchor:
            self._anchors[done.anchor] = (node, done.size)
        self._add(node, done.size, done.location)

    def _add(self, node: Node, size: int, here: Location) -> None:
        parent = self._open[-1] if self._open else None
        if parent is None:
            self.roots.append(node)
            return
        parent.size += size
        if parent.size > MAX_NODES:
            self._stop(here, f"holds more than {MAX_NODES} values once its aliases are expanded")
        if not parent.mapping:
            parent.children.append(node)
        elif parent.key is None:
            parent.key = (self._key(node), here)
        else:
            (key, where), parent.key = parent.key, None
            if key == "<<" and isinstance(node, MappingNode):  # YAML 1.1 merge key
                merged = (entry for entry in node.entries if entry.key not in parent.keys)
                parent.entries.extend(merged)
                return
            if key in parent.keys:
                self._report("duplicate-key", where, f'key "{key}" is already set in this mapping')
            parent.keys.add(key)
            parent.entries = [entry for entry in parent.entries if entry.key != key]
            parent.entries.append(Entry(key, where, node))

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
