"""Lists, by list.go of sprig 2.22.0."""

from __future__ import annotations

import math
from collections.abc import Callable

from kanister_kafka.gotemplate.printing import text
from kanister_kafka.gotemplate.values import (
    CallError,
    Function,
    Map,
    Needs,
    Slice,
    Struct,
    UnsupportedError,
    Value,
    go_type,
    kind,
    truth,
)
from kanister_kafka.sprig.numbers import to_int64
from kanister_kafka.sprig.strings import strings

NIL = "runtime error: invalid memory address or nil pointer dereference"


def same(one: Value, other: Value) -> bool:
    """Tell whether reflect.DeepEqual takes two values for equal: their types count."""
    if go_type(one) != go_type(other):
        return False
    if isinstance(one, Slice) and isinstance(other, Slice):
        pairs = zip(one.items, other.items, strict=False)
        is_alike = one.is_nil == other.is_nil and len(one.items) == len(other.items)
        return is_alike and all(same(*pair) for pair in pairs)
    if isinstance(one, Map) and isinstance(other, Map):
        is_alike = one.is_nil == other.is_nil and one.entries.keys() == other.entries.keys()
        return is_alike and all(same(v, other.entries[k]) for k, v in one.entries.items())
    if isinstance(one, Struct) or (isinstance(one, float) and math.isnan(one)):
        raise UnsupportedError
    return one == other


def _taking(complaint: str, take: Callable[..., Value]) -> Callable[..., Value]:
    """Let a function take the items of its list, and complain about what is none."""

    def taken(value: Value, *others: Value) -> Value:
        return take(_items(value, complaint), *others)

    return taken


def _items(value: Value, complaint: str) -> list[Value]:
    if value is None:
        raise CallError(NIL)
    if not isinstance(value, Slice):
        raise CallError(complaint.format(kind(value)))
    return value.items


def _rest(items: list[Value]) -> Value:
    return Slice(items[1:], is_nil=not items)


def _initial(items: list[Value]) -> Value:
    return Slice(items[:-1], is_nil=not items)


def _unique(items: list[Value]) -> Value:
    found: list[Value] = []
    for item in items:
        if not any(same(item, other) for other in found):
            found.append(item)
    return Slice(found)


def _without(items: list[Value], *unwanted: Value) -> Value:
    return Slice([item for item in items if not any(same(other, item) for other in unwanted)])


def _compact(items: list[Value]) -> Value:
    return Slice([item for item in items if truth(item)])


def _has(needle: Value, value: Value) -> Value:
    if value is None:
        return False
    return any(same(needle, item) for item in _items(value, "Cannot find has on type {}"))


def _slice(value: Value, *bounds: Value) -> Value:
    items = _items(value, "list should be type of slice or array but {}")
    if not items:
        return None
    start = to_int64(bounds[0]) if bounds else 0
    end = to_int64(bounds[1]) if len(bounds) > 1 else len(items)
    if not 0 <= start <= end <= len(items):
        raise UnsupportedError  # Go may reach beyond the end, as far as the room it has taken
    return Slice(items[start:end], value.element if isinstance(value, Slice) else "")


def _concat(*values: Value) -> Value:
    made = [item for value in values for item in _items(value, "Cannot concat type {} as list")]
    return Slice(made, is_nil=not made)


def _sort(value: Value) -> Value:
    texts = strings(value) if isinstance(value, Slice) else [text(value)]
    return Slice([*sorted(texts)], "string")


def _push(items: list[Value], value: Value) -> Value:
    return Slice([*items, value])


def _prepend(items: list[Value], value: Value) -> Value:
    return Slice([value, *items])


def _list(*values: Value) -> Value:
    return Slice([*values])


def _end(position: int) -> Callable[[list[Value]], Value]:
    return lambda items: items[position] if items else None


FUNCTIONS = {
    "append": Function(_taking("Cannot push on type {}", _push), Needs.SHAPE),
    "compact": Function(_taking("Cannot compact on type {}", _compact)),
    "concat": Function(_concat, Needs.SHAPE),
    "first": Function(_taking("Cannot find first on type {}", _end(0)), Needs.SHAPE),
    "has": Function(_has),
    "initial": Function(_taking("Cannot find initial on type {}", _initial), Needs.SHAPE),
    "last": Function(_taking("Cannot find last on type {}", _end(-1)), Needs.SHAPE),
    "list": Function(_list, Needs.NOTHING),
    "prepend": Function(_taking("Cannot prepend on type {}", _prepend), Needs.SHAPE),
    "push": Function(_taking("Cannot push on type {}", _push), Needs.SHAPE),
    "rest": Function(_taking("Cannot find rest on type {}", _rest), Needs.SHAPE),
    "reverse": Function(
        _taking("Cannot find reverse on type {}", lambda items: Slice(items[::-1])), Needs.SHAPE
    ),
    "slice": Function(_slice, Needs.SHAPE),
    "sortAlpha": Function(_sort),
    "tuple": Function(_list, Needs.NOTHING),
    "uniq": Function(_taking("Cannot find uniq on type {}", _unique)),
    "without": Function(_taking("Cannot find without on type {}", _without)),
}
