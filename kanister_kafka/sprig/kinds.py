"""Types and comparisons of them, by reflect.go of sprig 2.22.0."""

from __future__ import annotations

from kanister_kafka.gotemplate.values import Function, Map, Slice, Value, go_type, kind
from kanister_kafka.sprig.lists import same


def _is_like(wanted: str, value: Value) -> Value:
    return go_type(value) in (wanted, f"*{wanted}")


def _copy(value: Value) -> Value:
    if isinstance(value, Map):
        return Map({k: _copy(v) for k, v in value.entries.items()}, value.element)
    if isinstance(value, Slice):
        return Slice(list(map(_copy, value.items)), value.element)
    return value


FUNCTIONS = {
    "deepCopy": Function(_copy),
    "deepEqual": Function(same),
    "kindIs": Function(lambda wanted, value: wanted == kind(value)),
    "kindOf": Function(kind),
    "typeIs": Function(lambda wanted, value: wanted == go_type(value)),
    "typeIsLike": Function(_is_like),
    "typeOf": Function(go_type),
}
