"""A place in an object of which nothing is known beforehand: there or not, of any type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kanister_kafka.diagnostics import Location
from kanister_kafka.kanister.schema_validator import has_placeholder
from kanister_kafka.yamldoc import Document, MappingNode, Node, Scalar, Sequence
from kanister_kafka.yamldoc.nodes import field_path, is_set


class Cursor(NamedTuple):
    """A field of an object, with its path; a tuple, as rules make thousands of them."""

    node: Node | None
    path: str
    location: Location
    """Of the value, or of the nearest parent that is there."""

    @classmethod
    def of(cls, document: Document) -> Cursor:
        """Start at the top of an object."""
        return cls(document.root, "", document.root.location)

    def at(self, *keys: str) -> Cursor:
        """Go down to a key, and from there to the next."""
        node, path, location = self
        for key in keys:
            path = field_path(path, key)
            node = node.get(key) if isinstance(node, MappingNode) else None
            if node is not None:
                location = node.location
        return tuple.__new__(Cursor, (node, path, location))  # half the time of its class

    def each(self) -> Iterator[Cursor]:
        """Yield the items of a list; none if there is no list."""
        items = self.node.items if isinstance(self.node, Sequence) else ()
        for i, item in enumerate(items):
            yield Cursor(item, f"{self.path}[{i}]", item.location)

    def named(self) -> Iterator[tuple[str, Location]]:
        """Yield the keys of an object, each with its place."""
        for entry in self.node.entries if isinstance(self.node, MappingNode) else ():
            yield entry.key, entry.location

    @property
    def there(self) -> bool:
        """Whether the input sets a value here; null counts as unset, as in Kubernetes."""
        return is_set(self.node)

    @property
    def text(self) -> str:
        """The string that is here; empty if there is none, or something is yet to fill it in."""
        value = self.node.value if isinstance(self.node, Scalar) else None
        return value if isinstance(value, str) and not has_placeholder(value) else ""

    @property
    def is_template(self) -> bool:
        """Whether Helm or envsubst is yet to fill in what is here."""
        value = self.node.value if isinstance(self.node, Scalar) else None
        return isinstance(value, str) and has_placeholder(value)

    @property
    def is_empty(self) -> bool:
        """Whether an empty string is here."""
        return isinstance(self.node, Scalar) and self.node.value == ""

    @property
    def texts(self) -> frozenset[str]:
        """The strings of a list."""
        return frozenset(item.text for item in self.each() if item.text)
