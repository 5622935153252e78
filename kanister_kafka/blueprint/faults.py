"""What is wrong with the value of an argument, and how values are read and named on the way."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NamedTuple

from kanister_kafka.blueprint.compare import below
from kanister_kafka.blueprint.values import as_text
from kanister_kafka.document import MappingNode, Node, Scalar, Sequence
from kanister_kafka.problem import Location


class Flaw(Enum):
    """What is wrong with a value."""

    TYPE = "cannot be decoded"
    VALUE = "is decoded, and refused"
    SPELLING = "is decoded to another text than is written"
    IGNORED = "is dropped"


class Fault(NamedTuple):
    """One thing that is wrong with an argument."""

    flaw: Flaw
    location: Location
    path: str
    message: str


Faults = Iterator[Fault]


def shown(node: Node) -> str:
    """Return a value as a message names it."""
    if not isinstance(node, Scalar):
        return "an object" if isinstance(node, MappingNode) else "a list"
    text = " ".join(node.text.split())
    text = text if len(text) <= 60 else f"{text[:60]}…"
    return f'"{text}"' if isinstance(node.value, str) else text


def is_template(text: str) -> bool:
    """Tell whether a text has anything to render."""
    return "{{" in text


def field_of(node: Node | None, name: str) -> Node | None:
    """Return the value that a struct's field gets: mapstructure does not mind the case."""
    if isinstance(node, MappingNode):
        for entry in node.entries:
            if entry.key.lower() == name.lower():
                return entry.value
    return None


def text_of(node: Node | None) -> str:
    """Return a scalar as the string it is decoded to, or an empty string."""
    return as_text(node.value) if isinstance(node, Scalar) else ""


def items_of(node: Node | None) -> tuple[Node, ...]:
    """Return the items of a list; what is none is a list of one."""
    if isinstance(node, Sequence):
        return node.items
    empty = node is None or (isinstance(node, MappingNode) and not node.entries)
    return () if empty or node is None else (node,)


def wrong_type(node: Node, path: str, wanted: str) -> Fault:
    """Make the fault of a value that cannot be decoded."""
    return Fault(Flaw.TYPE, node.location, path, f"Invalid value: {shown(node)}: must be {wanted}")


def refused(node: Node, path: str, wanted: str) -> Fault:
    """Make the fault of a value that is decoded and cannot work."""
    message = f"Invalid value: {shown(node)}: {wanted}"
    return Fault(Flaw.VALUE, node.location, path, message)


def empty(node: Node, path: str) -> Fault:
    """Make the fault of a value that must say something."""
    return Fault(Flaw.VALUE, node.location, path, "Required value: it is empty")


def unsupported(node: Node, path: str, choices: Iterable[str]) -> Fault:
    """Make the fault of a value that is none of a few."""
    choices = tuple(choices)
    given = text_of(node).lower()
    near = difflib.get_close_matches(given, [one.lower() for one in choices], n=1)
    hint = (
        next(f'did you mean "{one}"?' for one in choices if one.lower() == near[0])
        if near
        else "supported values: " + ", ".join(f'"{one}"' for one in choices)
    )
    message = f"Unsupported value: {shown(node)}; {hint}"
    return Fault(Flaw.VALUE, node.location, path, message)


def dropped(path: str, node: MappingNode, known: tuple[str, ...], of: str) -> Faults:
    """Yield the keys that a struct does not have: decoding drops them, and minds no case."""
    names = {name.lower(): name for name in known}
    for entry in node.entries:
        if entry.key.lower() not in names and not is_template(entry.key):
            near = difflib.get_close_matches(entry.key.lower(), names, n=1)
            hint = f'; did you mean "{names[near[0]]}"?' if near else ""
            message = f"{of} has no such key, so it is dropped in silence{hint}"
            yield Fault(Flaw.IGNORED, entry.location, below(path, entry.key), message)


def string(path: str, node: Node, wanted: str = "a string") -> Faults:
    """Yield what is wrong with one string, whatever it says."""
    if not isinstance(node, Scalar):
        yield wrong_type(node, path, wanted)
    elif not isinstance(node.value, str) and node.value is not None:
        text = as_text(node.value)
        if text != node.text:
            message = (
                f'Invalid value: {node.text}: Kanister reads "{text}"; '
                f'for the text quote it: "{node.text}"'
            )
            yield Fault(Flaw.SPELLING, node.location, path, message)
