"""Values as arguments, by evalArg and validateType in text/template/exec.go of Go 1.26."""

from __future__ import annotations

from kanister_kafka.gotemplate import nodes, types
from kanister_kafka.gotemplate.spell import spell
from kanister_kafka.gotemplate.types import Type
from kanister_kafka.gotemplate.values import (
    INTERFACE,
    NOTHING,
    Map,
    Nil,
    Slice,
    Symbolic,
    UnsupportedError,
    Value,
    canonical,
    go_type,
)


class ArgumentError(Exception):
    """A value does not suit a parameter, in Go's words."""


def accept(value: Value, wanted: Type) -> Value:
    """Return a value as an argument of a type."""
    name = canonical(wanted)
    if name == INTERFACE:
        return None if value == NOTHING else value
    if isinstance(value, Symbolic):
        return _symbolic(value, wanted)
    if value is None:
        return empty(wanted, f"invalid value; expected {name}")
    if isinstance(value, Nil) or go_type(value) != name:
        raise ArgumentError(f"wrong type for value; expected {name}; got {go_type(value)}")
    return value


def empty(wanted: Type, told: str) -> Value:
    """Return nil as an argument of a type, which a map and a list can be."""
    name = canonical(wanted)
    if name == INTERFACE:
        return None
    if isinstance(wanted, types.MapOf):
        return Map({}, canonical(wanted.value), is_nil=True)
    if isinstance(wanted, types.ListOf):
        return Slice([], canonical(wanted.item), is_nil=True)
    raise ArgumentError(told)


def _symbolic(value: Symbolic, wanted: Type) -> Symbolic:
    given = value.type
    is_sure = isinstance(given, (types.MapOf, types.ListOf)) or given == types.TEXT
    if is_sure and canonical(given) != canonical(wanted):
        told = f"expected {canonical(wanted)}; got {canonical(given)}"
        raise ArgumentError(f"wrong type for value; {told}")
    return value


def constant(node: nodes.Bool | nodes.Number | nodes.String) -> Value:
    """Return a constant as the type that it has by itself."""
    if not isinstance(node, nodes.Number):
        return node.value
    if isinstance(node.value, complex):
        raise UnsupportedError
    if isinstance(node.value, int) and node.value >= 2**63:
        raise ArgumentError(f"{node.text} overflows int")
    return node.value


def literal(node: nodes.Bool | nodes.Number | nodes.String, wanted: Type) -> Value:
    """Return a constant as an argument of a type: a number takes the type that is wanted."""
    name = canonical(wanted)
    if name == INTERFACE:
        return constant(node)
    match node:
        case nodes.Bool() if name == "bool":
            return node.value
        case nodes.String() if name == "string":
            return node.value
        case nodes.Number() if name == "float64":
            return float(_real(node, "float"))
        case nodes.Number(value=int(value)) if name == "uint32" and value >= 0:
            return value
        case nodes.Number() if name == "int":
            number = _real(node, "integer")
            if number == int(number) and -(2**63) <= number < 2**63:
                return int(number)
    kinds = {"int": "integer", "float64": "float", "uint32": "unsigned integer"}
    if name in ("bool", "string", *kinds):
        raise ArgumentError(f"expected {kinds.get(name, name)}; found {spell(node)}")
    raise ArgumentError(f"can't handle {spell(node)} for arg of type {name}")


def _real(node: nodes.Number, wanted: str) -> int | float:
    value = node.value
    if not isinstance(value, complex):
        return value
    if value.imag:
        raise ArgumentError(f"expected {wanted}; found {node.text}")
    return value.real
