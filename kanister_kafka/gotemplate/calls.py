"""Whether a function can be called with what it is given, by text/template/funcs.go of Go 1.26."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kanister_kafka.gotemplate import nodes
from kanister_kafka.gotemplate.analysis import UNKNOWN, Misuse, MisuseKind, Step, Value
from kanister_kafka.gotemplate.types import ANY, ListOf, MapOf, Signature, Struct, Type, fits
from kanister_kafka.gotemplate.types import comparable as kind_of

Given = Sequence[tuple[nodes.Located, Value]]
"""Arguments with their places; what is piped in is the last one."""
COMPARISONS = ("eq", "ge", "gt", "le", "lt", "ne")
CHOICES = ("and", "coalesce", "default", "or", "ternary")
"""Give one of their arguments, so that nothing is known of the result."""
NUMBERS = ("any", "float64", "int", "int64", "uint32")
"""Types of parameters that a number in a template is made to fit."""


def judge(
    function: nodes.Function, known: Signature, given: Given
) -> tuple[Value, tuple[Value, ...], tuple[Misuse, ...]]:
    """Return the result of a call, the values that an `index` goes through, and what fails."""
    name = function.name
    most = len(known.parameters) if known.rest is None else len(given)
    if not known.least <= len(given) <= most:
        least = f"at least {known.least}" if known.rest else f"{known.least}"
        told = f"wrong number of args for {name}: want {least} got {len(given)}"
        return Value(known.result), (), (_misuse(function, told),)
    misuses = [
        _misuse(at, told)
        for i, (at, value) in enumerate(given)
        if (told := _refused(value, known.parameter(i)))
    ]
    if name in COMPARISONS:
        misuses += _compared(function, [value for _at, value in given])
    if name == "index":
        path, faults = _indexed(given)
        return path[-1] if path else given[0][1], path, (*misuses, *faults)
    return UNKNOWN if name in CHOICES else Value(known.result), (), tuple(misuses)


def number_kind(number: nodes.Number) -> str:
    """Return what a comparison takes a number for."""
    if isinstance(number.value, int):
        return "int"
    return "float" if isinstance(number.value, float) else "complex"


def _misuse(at: nodes.Located, message: str) -> Misuse:
    return Misuse(at.line, at.column, message, MisuseKind.CALL)


def _refused(value: Value, wanted: Type) -> str:
    if value.type.go == "number":
        return "" if wanted.go in NUMBERS else f"expected {wanted.go}; found a number"
    if fits(value.type, wanted):
        return ""
    return f"wrong type for value; expected {wanted.go}; got {value.type.go}"


def _compared(function: nodes.Function, values: Sequence[Value]) -> Iterator[Misuse]:
    first, *others = (kind_of(value.type) for value in values)
    for kind in others:
        if first and kind and kind != first and {kind, first} != {"int", "uint"}:
            yield _misuse(function, f"incompatible types for comparison: {first} and {kind}")


def _indexed(given: Given) -> tuple[tuple[Value, ...], tuple[Misuse, ...]]:
    value = given[0][1]
    path, misuses = [], []
    for at, key in given[1:]:
        owner, told = value.type, ""
        taken: Type = ANY
        if isinstance(owner, MapOf):
            taken = owner.value
            if kind_of(key.type) not in ("", "string"):
                told = f"value has type {kind_of(key.type)}; should be string"
        elif isinstance(owner, ListOf):
            taken = owner.item
            if kind_of(key.type) not in ("", "int", "uint"):
                told = f"cannot index slice/array with type {key.type.go}"
        elif isinstance(owner, Struct):
            told = f"can't index item of type {owner.go}"
        if told:
            misuses.append(_misuse(at, told))
        steps = None
        if value.steps is not None and key.literal is not None:
            steps = (*value.steps, Step(key.literal, at.line, at.column, by_index=True))
        value = Value(taken, steps)
        path.append(value)
    return tuple(path), tuple(misuses)
