"""Lists, by list.go of sprig 2.22.0."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import chain

from kanister_kafka.gotemplate.runtime.fmt import text
from kanister_kafka.gotemplate.runtime.sprig.numbers import to_int64
from kanister_kafka.gotemplate.runtime.sprig.strings import strings
from kanister_kafka.gotemplate.runtime.values import (
    ArgumentEvaluation,
    CallError,
    GoFunction,
    GoMap,
    GoSlice,
    GoStruct,
    SymbolicValue,
    UnsupportedError,
    Value,
    go_type,
    is_empty,
    kind,
    truth,
)

NIL = "runtime error: invalid memory address or nil pointer dereference"


def same(left: Value, right: Value) -> bool:
    """Return whether reflect.DeepEqual takes two values for equal: their types count."""
    if go_type(left) != go_type(right):
        return False
    if isinstance(left, GoSlice) and isinstance(right, GoSlice):
        pairs = zip(left.items, right.items, strict=False)
        is_alike = left.is_nil == right.is_nil and len(left.items) == len(right.items)
        return is_alike and all(same(*pair) for pair in pairs)
    if isinstance(left, GoMap) and isinstance(right, GoMap):
        is_alike = left.is_nil == right.is_nil and left.entries.keys() == right.entries.keys()
        return is_alike and all(same(v, right.entries[k]) for k, v in left.entries.items())
    if isinstance(left, GoStruct) or (isinstance(left, float) and math.isnan(left)):
        raise UnsupportedError
    return left == right


def _taking(complaint: str, take: Callable[..., Value]) -> Callable[..., Value]:
    """Let a function take the items of its list, and complain about what is none."""

    def taken(value: Value, *arguments: Value) -> Value:
        return take(_items(value, complaint), *arguments)

    return taken


def _items(value: Value, complaint: str) -> list[Value]:
    if value is None:
        raise CallError(NIL)
    if not isinstance(value, GoSlice):
        raise CallError(complaint.format(kind(value)))
    return value.items


def _rest(items: list[Value]) -> Value:
    return GoSlice(items[1:], is_nil=not items)


def _initial(items: list[Value]) -> Value:
    return GoSlice(items[:-1], is_nil=not items)


def _unique(items: list[Value]) -> Value:
    unique: list[Value] = []
    for item in items:
        if not any(same(item, member) for member in unique):
            unique.append(item)
    return GoSlice(unique)


def _without(items: list[Value], *unwanted: Value) -> Value:
    def is_unwanted(item: Value) -> bool:
        return any(same(value, item) for value in unwanted)

    return GoSlice([item for item in items if not is_unwanted(item)])


def _compact(items: list[Value]) -> Value:
    return GoSlice([item for item in items if truth(item)])


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
    return GoSlice(items[start:end], value.element if isinstance(value, GoSlice) else "")


def _concat(*values: Value) -> Value:
    items: list[Value] = []
    for value in values:
        items += _items(value, "Cannot concat type {} as list")
    return GoSlice(items, is_nil=not items)


def _sort(value: Value) -> Value:
    texts = strings(value) if isinstance(value, GoSlice) else [text(value)]
    return GoSlice([*sorted(texts)], "string")


def _push(items: list[Value], value: Value) -> Value:
    return GoSlice([*items, value])


def _prepend(items: list[Value], value: Value) -> Value:
    return GoSlice([value, *items])


def _list(*values: Value) -> Value:
    return GoSlice([*values])


def _end(position: int) -> Callable[[list[Value]], Value]:
    return lambda items: items[position] if items else None


LIST_FUNCTIONS = {
    "append": GoFunction(_taking("Cannot push on type {}", _push), ArgumentEvaluation.SHAPE),
    "compact": GoFunction(_taking("Cannot compact on type {}", _compact)),
    "concat": GoFunction(_concat, ArgumentEvaluation.SHAPE),
    "first": GoFunction(_taking("Cannot find first on type {}", _end(0)), ArgumentEvaluation.SHAPE),
    "has": GoFunction(_has),
    "initial": GoFunction(
        _taking("Cannot find initial on type {}", _initial), ArgumentEvaluation.SHAPE
    ),
    "last": GoFunction(_taking("Cannot find last on type {}", _end(-1)), ArgumentEvaluation.SHAPE),
    "list": GoFunction(_list, ArgumentEvaluation.NOTHING),
    "prepend": GoFunction(_taking("Cannot prepend on type {}", _prepend), ArgumentEvaluation.SHAPE),
    "push": GoFunction(_taking("Cannot push on type {}", _push), ArgumentEvaluation.SHAPE),
    "rest": GoFunction(_taking("Cannot find rest on type {}", _rest), ArgumentEvaluation.SHAPE),
    "reverse": GoFunction(
        _taking("Cannot find reverse on type {}", lambda items: GoSlice(items[::-1])),
        ArgumentEvaluation.SHAPE,
    ),
    "slice": GoFunction(_slice, ArgumentEvaluation.SHAPE),
    "sortAlpha": GoFunction(_sort),
    "tuple": GoFunction(_list, ArgumentEvaluation.NOTHING),
    "uniq": GoFunction(_taking("Cannot find uniq on type {}", _unique)),
    "without": GoFunction(_taking("Cannot find without on type {}", _without)),
}


# Maps and what stands in for nothing, by dict.go and defaults.go of sprig 2.22.0.


def _default(otherwise: Value, *values: Value) -> Value:
    return values[0] if values and not is_empty(values[0]) else otherwise


def _coalesce(*values: Value) -> Value:
    return next((value for value in values if not is_empty(value)), None)


def _ternary(true_value: Value, false_value: Value, condition: bool) -> Value:  # noqa: FBT001
    return true_value if condition else false_value


def _dict(*values: Value) -> Value:
    keys, items = values[::2], values[1::2]
    entries: dict[str, Value] = {}
    for i, key in enumerate(keys):
        if isinstance(key, SymbolicValue):
            raise UnsupportedError
        entries[text(key)] = items[i] if i < len(items) else ""
    return GoMap(entries)


def _set(owner: GoMap, key: str, value: Value) -> Value:
    if owner.is_nil:
        raise CallError("assignment to entry in nil map")
    owner.entries[key] = value
    return owner


def _unset(owner: GoMap, key: str) -> Value:
    owner.entries.pop(key, None)
    return owner


def _has_key(owner: GoMap, key: str) -> Value:
    if owner.is_open and key not in owner.entries:
        raise UnsupportedError
    return key in owner.entries


def _chosen(owner: GoMap, keys: tuple[str, ...], *, keep: bool) -> Value:
    if owner.is_open:
        raise UnsupportedError
    return GoMap({key: value for key, value in owner.entries.items() if (key in keys) is keep})


def _pluck(key: str, *owners: GoMap) -> Value:
    if any(owner.is_open and key not in owner.entries for owner in owners):
        raise UnsupportedError
    return GoSlice([owner.entries[key] for owner in owners if key in owner.entries])


def _ordered_entries(owners: tuple[GoMap, ...]) -> list[tuple[str, Value]]:
    """Return what maps hold where Go, which takes it in any order, has but one."""
    entries = list(chain.from_iterable(owner.entries.items() for owner in owners))
    if len(entries) > 1 or any(owner.is_open for owner in owners):
        raise UnsupportedError
    return entries


def _keys(*owners: GoMap) -> Value:
    return GoSlice([key for key, _value in _ordered_entries(owners)], "string")


def _values(*owners: GoMap) -> Value:
    return GoSlice([value for _key, value in _ordered_entries(owners)])


def _merge(*_owners: GoMap) -> Value:
    raise UnsupportedError


DICT_FUNCTIONS = {
    "coalesce": GoFunction(_coalesce, ArgumentEvaluation.SHAPE),
    "default": GoFunction(_default, ArgumentEvaluation.SHAPE),
    "dict": GoFunction(_dict, ArgumentEvaluation.NOTHING),
    "empty": GoFunction(is_empty, ArgumentEvaluation.SHAPE),
    "hasKey": GoFunction(_has_key, ArgumentEvaluation.SHAPE),
    "keys": GoFunction(_keys, ArgumentEvaluation.SHAPE),
    "merge": GoFunction(_merge, changes=True),
    "mergeOverwrite": GoFunction(_merge, changes=True),
    "omit": GoFunction(
        lambda owner, *keys: _chosen(owner, keys, keep=False), ArgumentEvaluation.SHAPE
    ),
    "pick": GoFunction(
        lambda owner, *keys: _chosen(owner, keys, keep=True), ArgumentEvaluation.SHAPE
    ),
    "pluck": GoFunction(_pluck, ArgumentEvaluation.SHAPE),
    "set": GoFunction(_set, ArgumentEvaluation.SHAPE, changes=True),
    "ternary": GoFunction(_ternary, ArgumentEvaluation.SHAPE),
    "unset": GoFunction(_unset, ArgumentEvaluation.SHAPE, changes=True),
    "values": GoFunction(_values, ArgumentEvaluation.SHAPE),
}


# Types and comparisons of them, by reflect.go of sprig 2.22.0.


def _is_like(name: str, value: Value) -> Value:
    return go_type(value) in (name, f"*{name}")


def _copy(value: Value) -> Value:
    if isinstance(value, GoMap):
        return GoMap({k: _copy(v) for k, v in value.entries.items()}, value.element)
    if isinstance(value, GoSlice):
        return GoSlice(list(map(_copy, value.items)), value.element)
    return value


KIND_FUNCTIONS = {
    "deepCopy": GoFunction(_copy),
    "deepEqual": GoFunction(same),
    "kindIs": GoFunction(lambda name, value: name == kind(value)),
    "kindOf": GoFunction(kind),
    "typeIs": GoFunction(lambda name, value: name == go_type(value)),
    "typeIsLike": GoFunction(_is_like),
    "typeOf": GoFunction(go_type),
}
