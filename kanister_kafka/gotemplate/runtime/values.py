"""Go's values as far as a template meets them, each with the type that decides what it may do.

Booleans, strings, floats and `int` are Python's own; None is Go's invalid value, an interface that
holds nothing. A value that only the run shows is a SymbolicValue: it stands for the expression that
gives it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Union

from kanister_kafka.gotemplate import nodes, types
from kanister_kafka.gotemplate.formatter import format_node
from kanister_kafka.gotemplate.nodes import CommandNode
from kanister_kafka.gotemplate.types import Type

INTERFACE = "interface {}"


class Int64(int):
    """Go's int64; an `int` is Go's int."""

    __slots__ = ()


class Byte(int):
    """One byte of a string."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class SymbolicValue:
    """A value that only the run shows."""

    commands: tuple[CommandNode, ...]
    """The pipeline that gives it; `$` in it is the data of the whole template."""
    level: int = 0
    """How many `range` and `with` are around the dot it speaks of; 0 if it names none."""
    type: types.Type = types.ANY


@dataclass(slots=True, eq=False)
class GoMap:
    """A map with string keys; shared, as Go shares it."""

    entries: dict[str, Value]
    element: str = INTERFACE
    source: SymbolicValue | None = None
    """The expression that gives it, if it comes from the data."""
    is_open: bool = False
    """Whether it may hold more when it runs than is known."""
    is_nil: bool = False


@dataclass(slots=True, eq=False)
class GoSlice:
    """A slice."""

    items: list[Value]
    element: str = INTERFACE
    source: SymbolicValue | None = None
    is_nil: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class GoStruct:
    """A struct, or a pointer to one if Go's name of the type begins with `*`."""

    type: types.StructType
    fields: dict[str, Value]
    source: SymbolicValue | None = None


@dataclass(frozen=True, slots=True)
class GoNil:
    """A nil pointer, or an element of type `interface {}` that holds nothing."""

    type: types.Type


@dataclass(frozen=True, slots=True, eq=False)
class OpaqueValue:
    """A value of a type that functions know and the engine does not, such as time.Time."""

    go: str
    value: object
    source: SymbolicValue | None = None


Value = Union[
    None, bool, int, float, str, GoMap, GoSlice, GoStruct, GoNil, OpaqueValue, SymbolicValue
]

NOTHING = GoNil(types.BasicType(INTERFACE))
MAX_STEPS = 1_000_000
"""Most work for one text; Go has no limit."""
TEXT_STEP = 16
"""Characters that are made in one step: no text grows larger than 16 MB."""
MAX_NUMBER = MAX_STEPS * TEXT_STEP
LONGEST = 100_000
"""Most items that a function makes a list of."""


class CallError(Exception):
    """A function fails, in Go's words."""


class UnsupportedError(Exception):
    """The result of Go is not known here, so the value stays symbolic."""


class CannotIsolateError(Exception):
    """Known and unknown values cannot be distinguished: the text stays as it was written."""


class ArgumentEvaluation(Enum):
    """How much of its arguments a function must know."""

    ALL = "all"
    SHAPE = "shape"
    """What is in a map or list may be symbolic."""
    NOTHING = "nothing"
    """It only puts its arguments into a map or list."""


@dataclass(frozen=True, slots=True)
class GoFunction:
    """The work of a function of the template language."""

    call: Callable[..., Value]
    needs: ArgumentEvaluation = ArgumentEvaluation.ALL
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
        case GoMap():
            return f"map[string]{value.element}"
        case GoSlice():
            return f"[]{value.element}"
        case OpaqueValue():
            return value.go
    return canonical(value.type)


def canonical(kind: types.Type) -> str:
    """Return the name of a type with `interface {}` in full, as reflection names it."""
    if kind.go == "any":
        return INTERFACE
    return kind.go.removesuffix("any") + INTERFACE if kind.go.endswith("]any") else kind.go


def kind(value: Value) -> str:
    """Return the kind as reflection names it."""
    match value:
        case None:
            return "invalid"
        case GoMap():
            return "map"
        case GoSlice():
            return "slice"
        case GoNil() if value == NOTHING:
            return "interface"
        case GoNil() | GoStruct() | OpaqueValue():
            return "ptr" if go_type(value).startswith("*") else "struct"
    return go_type(value)


def truth(value: Value) -> bool | None:
    """Return whether `if` takes a value for true; None if only the run shows it."""
    match value:
        case SymbolicValue():
            return None
        case GoMap():
            return True if value.entries else None if value.is_open else False
        case GoSlice():
            return bool(value.items)
        case GoStruct() | OpaqueValue():
            return True
        case GoNil():
            return False
    return bool(value)


def is_empty(value: Value) -> bool:
    """Return whether `if` takes a value for false, and `default` replaces it."""
    is_true = truth(value)
    if is_true is None:
        raise UnsupportedError
    return not is_true


def is_known(value: Value) -> bool:
    """Return whether nothing in a value is left to the run."""
    return all(
        not isinstance(part, SymbolicValue) and not (isinstance(part, GoMap) and part.is_open)
        for part in _parts(value)
    )


def cost(value: Value) -> int:
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
            raise CannotIsolateError
        match part:
            case GoMap():
                pending += part.entries.values()
            case GoSlice():
                pending += part.items
            case GoStruct():
                pending += part.fields.values()


def zero(element: str) -> Value:
    """Return the zero value of an element type."""
    if element == "string":
        return ""
    if element in ("int", "float64", "bool"):
        return {"int": 0, "float64": 0.0, "bool": False}[element]
    if element.startswith("map[string]"):
        return GoMap({}, element.removeprefix("map[string]"), is_nil=True)
    if element.startswith("[]"):
        return GoSlice([], element.removeprefix("[]"), is_nil=True)
    if element.startswith("*"):
        return GoNil(types.BasicType(element))
    if element == INTERFACE:
        return None
    raise UnsupportedError


# Values as arguments, by evalArg and validateType in text/template/exec.go of Go 1.26.


class ConversionError(Exception):
    """A value does not suit a parameter, in Go's words."""


def convert_argument(value: Value, parameter: Type) -> Value:
    """Return a value as an argument of a type."""
    name = canonical(parameter)
    if name == INTERFACE:
        return None if value == NOTHING else value
    if isinstance(value, SymbolicValue):
        return _symbolic(value, parameter)
    if value is None:
        return empty_value(parameter, f"invalid value; expected {name}")
    if isinstance(value, GoNil) or go_type(value) != name:
        raise ConversionError(f"wrong type for value; expected {name}; got {go_type(value)}")
    return value


def empty_value(parameter: Type, message: str) -> Value:
    """Return nil as an argument of a type, which a map and a list can be."""
    name = canonical(parameter)
    if name == INTERFACE:
        return None
    if isinstance(parameter, types.MapType):
        return GoMap({}, canonical(parameter.value), is_nil=True)
    if isinstance(parameter, types.ListType):
        return GoSlice([], canonical(parameter.item), is_nil=True)
    raise ConversionError(message)


def _symbolic(value: SymbolicValue, parameter: Type) -> SymbolicValue:
    value_type = value.type
    is_sure = isinstance(value_type, (types.MapType, types.ListType)) or value_type == types.TEXT
    if is_sure and canonical(value_type) != canonical(parameter):
        message = f"expected {canonical(parameter)}; got {canonical(value_type)}"
        raise ConversionError(f"wrong type for value; {message}")
    return value


def constant(node: nodes.BoolNode | nodes.NumberNode | nodes.StringNode) -> Value:
    """Return a constant as the type that it has by itself."""
    if not isinstance(node, nodes.NumberNode):
        return node.value
    if isinstance(node.value, complex):
        raise UnsupportedError
    if isinstance(node.value, int) and node.value >= 2**63:
        raise ConversionError(f"{node.text} overflows int")
    return node.value


def literal(node: nodes.BoolNode | nodes.NumberNode | nodes.StringNode, parameter: Type) -> Value:
    """Return a constant as an argument of a type: a number takes the type that is wanted."""
    name = canonical(parameter)
    if name == INTERFACE:
        return constant(node)
    match node:
        case nodes.BoolNode() if name == "bool":
            return node.value
        case nodes.StringNode() if name == "string":
            return node.value
        case nodes.NumberNode() if name == "float64":
            return float(_real(node, "float"))
        case nodes.NumberNode(value=int(value)) if name == "uint32" and value >= 0:
            return value
        case nodes.NumberNode() if name == "int":
            number = _real(node, "integer")
            if number == int(number) and -(2**63) <= number < 2**63:
                return int(number)
    kinds = {"int": "integer", "float64": "float", "uint32": "unsigned integer"}
    if name in ("bool", "string", *kinds):
        raise ConversionError(f"expected {kinds.get(name, name)}; found {format_node(node)}")
    raise ConversionError(f"can't handle {format_node(node)} for arg of type {name}")


def _real(node: nodes.NumberNode, go: str) -> int | float:
    value = node.value
    if not isinstance(value, complex):
        return value
    if value.imag:
        raise ConversionError(f"expected {go}; found {node.text}")
    return value.real
