"""Go's values as far as a template meets them, each with the type that decides what it may do.

Booleans, strings, floats and `int` are Python's own; None is Go's invalid value, an interface that
holds nothing. What only the run can tell is Symbolic: it stands for the expression that gives it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Union

from kanister_kafka.gotemplate import types
from kanister_kafka.gotemplate.nodes import Command

INTERFACE = "interface {}"


class Int64(int):
    """Go's int64; an `int` is Go's int."""

    __slots__ = ()


class Byte(int):
    """One byte of a string."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Symbolic:
    """A value that only the run can tell."""

    commands: tuple[Command, ...]
    """The pipeline that gives it; `$` in it is the data of the whole template."""
    level: int = 0
    """How many `range` and `with` are around the dot it speaks of; 0 where it names none."""
    type: types.Type = types.ANY


@dataclass(slots=True, eq=False)
class Map:
    """A map with string keys; shared, as Go shares it."""

    entries: dict[str, Value]
    element: str = INTERFACE
    source: Symbolic | None = None
    """The expression that gives it, where it comes from the data."""
    is_open: bool = False
    """Whether it may hold more when it runs than is known."""
    is_nil: bool = False


@dataclass(slots=True, eq=False)
class Slice:
    """A slice."""

    items: list[Value]
    element: str = INTERFACE
    source: Symbolic | None = None
    is_nil: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Struct:
    """A struct, or a pointer to one where Go's name of the type begins with `*`."""

    type: types.Struct
    fields: dict[str, Value]
    source: Symbolic | None = None


@dataclass(frozen=True, slots=True)
class Nil:
    """A nil pointer, or an element of type `interface {}` that holds nothing."""

    type: types.Type


@dataclass(frozen=True, slots=True, eq=False)
class Opaque:
    """A value of a type that functions know and the engine does not, such as time.Time."""

    go: str
    value: object
    source: Symbolic | None = None


Value = Union[None, bool, int, float, str, Map, Slice, Struct, Nil, Opaque, Symbolic]

NOTHING = Nil(types.Plain(INTERFACE))
MAX_STEPS = 1_000_000
"""Most work for one text; Go has no limit."""
TEXT_STEP = 16
"""Characters that are made in one step: no text grows larger than 16 MB."""
LARGEST = MAX_STEPS * TEXT_STEP
LONGEST = 100_000
"""Most items that a function makes a list of."""


class CallError(Exception):
    """A function fails, in Go's words."""


class UnsupportedError(Exception):
    """What Go makes of this is not known here, so the value stays symbolic."""


class EntangledError(Exception):
    """What is known cannot be told apart from what is not: the text stays as it was written."""


class Needs(Enum):
    """How much of its arguments a function must know."""

    ALL = "all"
    SHAPE = "shape"
    """What is in a map or list may be symbolic."""
    NOTHING = "nothing"
    """It only puts its arguments into a map or list."""


@dataclass(frozen=True, slots=True)
class Function:
    """What a function of the template language does."""

    call: Callable[..., Value]
    needs: Needs = Needs.ALL
    changes: bool = False
    """Whether it changes the map that it is given first."""


def go_type(value: Value) -> str:
    """Return the type as Go names it in a message."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "bool"
        case Int64():
            return "int64"
        case Byte():
            return "uint8"
        case int():
            return "int"
        case float():
            return "float64"
        case str():
            return "string"
        case Map():
            return f"map[string]{value.element}"
        case Slice():
            return f"[]{value.element}"
        case Opaque():
            return value.go
    return canonical(value.type)


def canonical(wanted: types.Type) -> str:
    """Return the name of a type with `interface {}` spelled out, as reflection names it."""
    if wanted.go == "any":
        return INTERFACE
    return wanted.go.removesuffix("any") + INTERFACE if wanted.go.endswith("]any") else wanted.go


def kind(value: Value) -> str:
    """Return the kind as reflection names it."""
    match value:
        case None:
            return "invalid"
        case Map():
            return "map"
        case Slice():
            return "slice"
        case Nil() if value == NOTHING:
            return "interface"
        case Nil() | Struct() | Opaque():
            return "ptr" if go_type(value).startswith("*") else "struct"
    return go_type(value)


def truth(value: Value) -> bool | None:
    """Tell whether `if` takes a value for true; None where only the run can tell."""
    match value:
        case Symbolic():
            return None
        case Map():
            return True if value.entries else None if value.is_open else False
        case Slice():
            return bool(value.items)
        case Struct() | Opaque():
            return True
        case Nil():
            return False
    return bool(value)


def is_known(value: Value) -> bool:
    """Tell whether nothing in a value is left to the run."""
    return all(
        not isinstance(part, Symbolic) and not (isinstance(part, Map) and part.is_open)
        for part in _parts(value)
    )


def weight(value: Value) -> int:
    """Return about how much work a value makes, in steps of the machine."""
    return sum(1 + (len(p) // TEXT_STEP if isinstance(p, str) else 0) for p in _parts(value))


def _parts(value: Value) -> Iterator[Value]:
    """Yield a value and all that is in it, however often; Go would fail on a map within itself."""
    pending, count = [value], 0
    while pending:
        part = pending.pop()
        yield part
        count += 1
        if count > MAX_STEPS:
            raise EntangledError
        match part:
            case Map():
                pending += part.entries.values()
            case Slice():
                pending += part.items
            case Struct():
                pending += part.fields.values()


def zero(element: str) -> Value:
    """Return the zero value of an element type."""
    if element == "string":
        return ""
    if element in ("int", "float64", "bool"):
        return {"int": 0, "float64": 0.0, "bool": False}[element]
    if element.startswith("map[string]"):
        return Map({}, element.removeprefix("map[string]"), is_nil=True)
    if element.startswith("[]"):
        return Slice([], element.removeprefix("[]"), is_nil=True)
    if element.startswith("*"):
        return Nil(types.Plain(element))
    if element == INTERFACE:
        return None
    raise UnsupportedError
