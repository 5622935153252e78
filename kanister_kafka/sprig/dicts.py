"""Maps and what stands in for nothing, by dict.go and defaults.go of sprig 2.22.0."""

from __future__ import annotations

from kanister_kafka.gotemplate.printing import text
from kanister_kafka.gotemplate.values import (
    CallError,
    Function,
    Map,
    Needs,
    Slice,
    Symbolic,
    UnsupportedError,
    Value,
    truth,
)


def is_empty(value: Value) -> bool:
    """Tell whether `default` would replace a value."""
    known = truth(value)
    if known is None:
        raise UnsupportedError
    return not known


def _default(otherwise: Value, *given: Value) -> Value:
    return given[0] if given and not is_empty(given[0]) else otherwise


def _coalesce(*values: Value) -> Value:
    return next((value for value in values if not is_empty(value)), None)


def _ternary(one: Value, other: Value, is_one: bool) -> Value:  # noqa: FBT001 - as sprig has it
    return one if is_one else other


def _dict(*values: Value) -> Value:
    keys, items = values[::2], values[1::2]
    made: dict[str, Value] = {}
    for i, key in enumerate(keys):
        if isinstance(key, Symbolic):
            raise UnsupportedError
        made[text(key)] = items[i] if i < len(items) else ""
    return Map(made)


def _set(owner: Map, key: str, value: Value) -> Value:
    if owner.is_nil:
        raise CallError("assignment to entry in nil map")
    owner.entries[key] = value
    return owner


def _unset(owner: Map, key: str) -> Value:
    owner.entries.pop(key, None)
    return owner


def _has_key(owner: Map, key: str) -> Value:
    if owner.is_open and key not in owner.entries:
        raise UnsupportedError
    return key in owner.entries


def _chosen(owner: Map, keys: tuple[str, ...], *, keep: bool) -> Value:
    if owner.is_open:
        raise UnsupportedError
    return Map({key: value for key, value in owner.entries.items() if (key in keys) is keep})


def _pluck(key: str, *owners: Map) -> Value:
    if any(owner.is_open and key not in owner.entries for owner in owners):
        raise UnsupportedError
    return Slice([owner.entries[key] for owner in owners if key in owner.entries])


def _in_one_order(owners: tuple[Map, ...]) -> list[tuple[str, Value]]:
    """Return what maps hold where Go, which takes it in any order, has but one."""
    held = [pair for owner in owners for pair in owner.entries.items()]
    if len(held) > 1 or any(owner.is_open for owner in owners):
        raise UnsupportedError
    return held


def _keys(*owners: Map) -> Value:
    return Slice([key for key, _value in _in_one_order(owners)], "string")


def _values(*owners: Map) -> Value:
    return Slice([value for _key, value in _in_one_order(owners)])


def _merge(*_owners: Map) -> Value:
    raise UnsupportedError


FUNCTIONS = {
    "coalesce": Function(_coalesce, Needs.SHAPE),
    "default": Function(_default, Needs.SHAPE),
    "dict": Function(_dict, Needs.NOTHING),
    "empty": Function(is_empty, Needs.SHAPE),
    "hasKey": Function(_has_key, Needs.SHAPE),
    "keys": Function(_keys, Needs.SHAPE),
    "merge": Function(_merge, changes=True),
    "mergeOverwrite": Function(_merge, changes=True),
    "omit": Function(lambda owner, *keys: _chosen(owner, keys, keep=False), Needs.SHAPE),
    "pick": Function(lambda owner, *keys: _chosen(owner, keys, keep=True), Needs.SHAPE),
    "pluck": Function(_pluck, Needs.SHAPE),
    "set": Function(_set, Needs.SHAPE, changes=True),
    "ternary": Function(_ternary, Needs.SHAPE),
    "unset": Function(_unset, Needs.SHAPE, changes=True),
    "values": Function(_values, Needs.SHAPE),
}
