"""Typed reading of custom resources: a wrong type or a missing value is a located problem."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from kanister_kafka.diagnostics import Diagnostic, Location, error, warning
from kanister_kafka.kube.names import LABEL, SUBDOMAIN
from kanister_kafka.yamldoc import Document, MappingNode, Node, Scalar, Sequence
from kanister_kafka.yamldoc.nodes import field_path, is_set

STRING = "a string"


@dataclass(frozen=True, slots=True)
class FieldCursor:
    """A place in an object, present or not, which reports its problems."""

    node: Node | None
    path: str
    location: Location
    """Of the node, or of the nearest existing parent."""
    problems: list[Diagnostic]

    @classmethod
    def of(cls, document: Document, problems: list[Diagnostic]) -> FieldCursor:
        """Start at the top of an object."""
        return cls(document.root, "", document.root.location, problems)

    @property
    def present(self) -> bool:
        """Whether the input sets a value here; null counts as unset, as in Kubernetes."""
        return is_set(self.node)

    def at(self, *keys: str) -> FieldCursor:
        """Go down to a key, and from there to the next."""
        here = self
        for key in keys:
            node = here._mapping()
            child = node.get(key) if node else None
            location = child.location if child else here.location
            here = FieldCursor(child, field_path(here.path, key), location, self.problems)
        return here

    def entries(self) -> dict[str, Location]:
        """Return the keys of an object, each with its place; none if it is unset."""
        node = self._mapping()
        return {entry.key: entry.location for entry in node.entries} if node else {}

    def each(self) -> tuple[FieldCursor, ...]:
        """Return the items of a list; none if it is unset."""
        if not self.present:
            return ()
        if not isinstance(self.node, Sequence):
            self._wrong("a list")
            return ()
        return tuple(
            FieldCursor(item, f"{self.path}[{i}]", item.location, self.problems)
            for i, item in enumerate(self.node.items)
        )

    def is_text(self, text: str) -> bool:
        """Return whether the input has exactly this string here."""
        return isinstance(self.node, Scalar) and self.node.value == text

    def string(self, default: str = "") -> str:
        """Return a string, or the default if it is unset."""
        if not self.present:
            return default
        text = self._text()
        return default if text is None else text

    def setting(self, default: str = "") -> str:
        """Return a value of a Kafka configuration, which can be a number or a boolean."""
        if self.present and isinstance(self.node, Scalar) and not isinstance(self.node.value, str):
            value = self.node.value
            return str(value).lower() if isinstance(value, bool) else str(value)
        return self.string(default)

    def integer(self, default: int, minimum: int = 0, maximum: int = 2**31 - 1) -> int:
        """Return a whole number within bounds, or the default if it is unset."""
        if not self.present:
            return default
        value = self.node.value if isinstance(self.node, Scalar) else None
        if not isinstance(value, int) or isinstance(value, bool):
            self._wrong("an integer")
            return default
        if not minimum <= value <= maximum:
            self._wrong(f"between {minimum} and {maximum}")
            return default
        return value

    def boolean(self) -> bool:
        """Return true or false; false if it is unset."""
        if not self.present:
            return False
        if isinstance(self.node, Scalar) and isinstance(self.node.value, bool):
            return self.node.value
        self._wrong("a boolean")
        return False

    def choice(self, choices: Collection[str]) -> str:
        """Return one of the choices; any other value is reported, and the result is empty."""
        if not self.present:
            self.required()
            return ""
        value = self._text()
        if value is None or value in choices:
            return value or ""
        known = ", ".join(f'"{choice}"' for choice in choices)
        self.error(
            "wrong-type", f"Unsupported value: {quote_name(value)}: supported values: {known}"
        )
        return ""

    def name(self, default: str = "") -> str:
        """Return the name of an object, required unless there is a default."""
        if not self.present:
            if not default:
                self.required()
            return default
        value = self._text()
        if value is None or SUBDOMAIN.allows(value):
            return value or ""
        self._wrong("a lowercase RFC 1123 subdomain")
        return ""

    def namespace(self, default: str = "") -> str:
        """Return the name of a namespace, which has no dots, required unless there is a default."""
        name = self.name(default)
        if self.present and name and not LABEL.allows(name):
            self._wrong("a lowercase RFC 1123 label")
            return ""
        return name

    def required(self) -> FieldCursor:
        """Report the field if it is unset."""
        if not self.present:
            self.error("missing-field", "Required value")
        return self

    def error(self, check: str, message: str) -> None:
        """Report an error here."""
        self.problems.append(error(check, self.location, self.path, message))

    def warn(self, check: str, message: str) -> None:
        """Report a warning here."""
        self.problems.append(warning(check, self.location, self.path, message))

    def _text(self) -> str | None:
        if isinstance(self.node, Scalar) and isinstance(self.node.value, str):
            return self.node.value
        self._wrong(STRING)
        return None

    def _mapping(self) -> MappingNode | None:
        if self.present and not isinstance(self.node, MappingNode):
            self._wrong("an object")
        return self.node if isinstance(self.node, MappingNode) else None

    def _wrong(self, expected: str) -> None:
        note = ""
        if isinstance(self.node, Scalar):
            is_text = isinstance(self.node.value, str)
            value = quote_name(self.node.text) if is_text else quote_name(self.node.text)[1:-1]
            note = self.node.boolean_note if expected == STRING else ""
        else:
            value = "an object" if isinstance(self.node, MappingNode) else "a list"
        self.error("wrong-type", f"Invalid value: {value}: must be {expected}{note}")


def quote_name(text: str) -> str:
    """Quote a value, so that any content stays on one line of a terminal."""
    return json.dumps(text[:60], ensure_ascii=not text.isprintable())
