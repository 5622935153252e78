"""The nodes of YAML text, each with its place; nothing is interpreted.

Single values and keys are tuples and not dataclasses, as most of an input is made of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeGuard, Union

from kanister_kafka.diagnostics import Location


@lru_cache(maxsize=64)  # a script may have thousands of places
def _end(text: str) -> tuple[int, int]:
    """Return the number of the last line with text, and its length."""
    lines = text.rstrip("\n").split("\n")
    return len(lines), len(lines[-1])


class Scalar(NamedTuple):
    """A single value, typed as YAML 1.1 types it (Kubernetes reads YAML so)."""

    value: str | int | float | bool | None
    location: Location
    text: str = ""
    """As it is in the input."""
    indent: int | None = None
    """Of a literal block, in characters; None for any other style."""
    quoted: bool = False
    """Whether the text stands between quotes."""
    folded: bool = False
    """Whether it does not stand in the input as it is: over several lines, or behind an anchor."""

    @property
    def boolean_note(self) -> str:
        """The end of a message about a word that YAML 1.1 reads as a boolean, such as `n`.

        Empty for any other value, and for `true` and `false`, which every reader knows.
        """
        word = self.text
        if not isinstance(self.value, bool) or not word or word.lower() in ("true", "false"):
            return ""
        return f'; YAML 1.1 reads {word} as {str(self.value).lower()}: quote it: "{word}"'

    def place(self, line: int, column: int) -> Location:
        """Return where a place within the text is in the input, both counted from 1.

        Exact for literal blocks and for text on one line without escapes; else where the text
        begins, since YAML folds lines and encodes characters in other ways.
        """
        start = self.location
        if not start.line:
            return start
        if self.indent is not None:
            last, length = _end(self.text)
            if line > last:  # the end of the text, which is not a place of its own in the input
                line, column = last, length + 1
            return Location(start.source, start.line + line, self.indent + column)
        if line == 1 and not self.folded and "\n" not in self.text:
            return Location(start.source, start.line, start.column + self.quoted + column - 1)
        return start

    def place_at(self, offset: int) -> Location:
        """Return the same for a place counted in characters from the start of the text, from 0."""
        line = self.text.count("\n", 0, offset) + 1
        return self.place(line, offset - self.text.rfind("\n", 0, offset))


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    items: tuple[Node, ...]
    location: Location


class MappingEntry(NamedTuple):
    """One key of a mapping with its value."""

    key: str
    """As it is read: `on` without quotes is `true`."""
    location: Location
    value: Node
    spelled: str = ""
    """As it stands in the input, if that is another text."""


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Keys and values in the order of the text."""

    entries: tuple[MappingEntry, ...]
    location: Location

    def get(self, key: str) -> Node | None:
        """Return the value of a key, or None if the key is absent."""
        for entry in self.entries:
            if entry.key == key:
                return entry.value
        return None


Node = Union[Scalar, Sequence, MappingNode]


def is_set(node: Node | None) -> TypeGuard[Node]:
    """Return whether there is a value; null counts as unset, as in Kubernetes."""
    return node is not None and not (isinstance(node, Scalar) and node.value is None)


class ObjectKey(NamedTuple):
    """The identity of an object in Kubernetes, regardless of its version."""

    group: str
    """Empty for the core group."""
    kind: str
    namespace: str
    """Empty if the object is cluster-scoped, or if its manifest does not name the namespace."""
    name: str

    def __str__(self) -> str:
        return "/".join(word for word in (self.kind, self.namespace, self.name) if word)


@dataclass(frozen=True, slots=True)
class Document:
    """One object of the input: a mapping at the top level of a document or of a `kind: List`."""

    root: MappingNode

    def text(self, *path: str) -> str:
        """Return the string at a path of keys, or an empty string if there is none."""
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
        """Kind, or an empty string if the object names none."""
        return self.text("kind")

    @property
    def key(self) -> ObjectKey:
        """Group, kind, namespace and name."""
        namespace = self.text("metadata", "namespace")
        return ObjectKey(self.group, self.kind, namespace, self.text("metadata", "name"))


def with_location(node: Node, location: Location) -> Node:
    """Return the same node, with all that is below it at one place."""
    if isinstance(node, MappingNode):
        entries = (
            MappingEntry(entry.key, location, with_location(entry.value, location))
            for entry in node.entries
        )
        return MappingNode(tuple(entries), location)
    if isinstance(node, Sequence):
        return Sequence(tuple(with_location(item, location) for item in node.items), location)
    return Scalar(node.value, location, node.text)


def document_from_dict(value: Mapping[str, Any]) -> Document:
    """Make a document of an object read from a cluster, located as `Kind/namespace/name`."""
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    names = (value.get("kind"), metadata.get("namespace"), metadata.get("name"))
    location = Location("/".join(str(name) for name in names if name))

    def node(value: Any) -> Node:
        if isinstance(value, Mapping):
            entries = (MappingEntry(str(key), location, node(item)) for key, item in value.items())
            return MappingNode(tuple(entries), location)
        if isinstance(value, (list, tuple)):
            return Sequence(tuple(node(item) for item in value), location)
        return Scalar(value, location, str(value))

    entries = (MappingEntry(str(key), location, node(item)) for key, item in value.items())
    return Document(MappingNode(tuple(entries), location))


def to_python(node: Node) -> Any:
    """Return the node as dicts, lists and scalars."""
    if isinstance(node, MappingNode):
        return {entry.key: to_python(entry.value) for entry in node.entries}
    if isinstance(node, Sequence):
        return [to_python(item) for item in node.items]
    return node.value


def field_path(path: str, key: str) -> str:
    """Return the path of a key below a path: `spec.replicas`, `metadata.labels["app/x"]`."""
    if "/" in key or "." in key:
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key
