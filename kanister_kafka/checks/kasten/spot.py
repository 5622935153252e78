"""A place in an object of which nothing is known beforehand: there or not, of any type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kanister_kafka.blueprint.compare import PLACEHOLDERS
from kanister_kafka.document import Document, MappingNode, Node, Scalar, Sequence
from kanister_kafka.problem import Location


@dataclass(frozen=True, slots=True)
class Spot:
    """A field of an object, with its path."""

    node: Node | None
    path: str
    location: Location
    """Of the value, or of the nearest parent that is there."""

    @classmethod
    def of(cls, document: Document) -> Spot:
        """Start at the top of an object."""
        return cls(document.root, "", document.root.location)

    def at(self, *keys: str) -> Spot:
        """Go down to a key, and from there to the next."""
        here = self
        for key in keys:
            quoted = f'["{key}"]' if "/" in key or "." in key else f".{key}"
            child = here.node.get(key) if isinstance(here.node, MappingNode) else None
            place = child.location if child else here.location
            here = Spot(child, f"{here.path}{quoted}".removeprefix("."), place)
        return here

    def each(self) -> Iterator[Spot]:
        """Yield the items of a list; none where there is no list."""
        items = self.node.items if isinstance(self.node, Sequence) else ()
        for i, item in enumerate(items):
            yield Spot(item, f"{self.path}[{i}]", item.location)

    def named(self) -> Iterator[tuple[str, Location]]:
        """Yield the keys of an object, each with its place."""
        for entry in self.node.entries if isinstance(self.node, MappingNode) else ():
            yield entry.key, entry.location

    @property
    def there(self) -> bool:
        """Whether the input sets a value here; null counts as unset, as in Kubernetes."""
        return self.node is not None and not (
            isinstance(self.node, Scalar) and self.node.value is None
        )

    @property
    def text(self) -> str:
        """The string that is here; empty where there is none, or something is yet to fill it in."""
        value = self.node.value if isinstance(self.node, Scalar) else None
        return value if isinstance(value, str) and not self.is_template else ""

    @property
    def is_template(self) -> bool:
        """Whether Helm or envsubst is yet to fill in what is here."""
        value = self.node.value if isinstance(self.node, Scalar) else None
        return isinstance(value, str) and any(mark in value for mark in PLACEHOLDERS)

    @property
    def is_empty(self) -> bool:
        """Whether an empty string is here."""
        return isinstance(self.node, Scalar) and self.node.value == ""

    @property
    def texts(self) -> frozenset[str]:
        """The strings of a list."""
        return frozenset(item.text for item in self.each() if item.text)
