"""Go's own functions, by the rules of text/template/funcs.go of Go 1.26.

`and` and `or` are the evaluator's, since they leave arguments alone; `call` has nothing to call,
and `slice` is left to the library, since sprig has one of its own.
"""

from __future__ import annotations

from urllib.parse import quote_plus

from kanister_kafka.gotemplate.runtime import symbolic
from kanister_kafka.gotemplate.runtime.fmt import sprint, sprintf, sprintln
from kanister_kafka.gotemplate.runtime.values import (
    NOTHING,
    ArgumentEvaluation,
    Byte,
    CallError,
    GoFunction,
    GoMap,
    GoNil,
    GoSlice,
    SymbolicValue,
    UnsupportedError,
    Value,
    go_type,
    kind,
    truth,
    zero,
)

_HTML = str.maketrans(
    {"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_SCRIPT = {"\\": r"\\", "'": r"\'", '"': r"\""}
_KINDS = {
    "bool": "bool",
    "float64": "float",
    "int": "int",
    "int64": "int",
    "string": "string",
    "uint8": "uint",
}


def index(item: Value, *keys: Value) -> Value:
    """Follow keys and positions into maps and lists."""
    if item is None or item == NOTHING:
        raise CallError("index of untyped nil")
    for i, key in enumerate(keys):
        if isinstance(item, SymbolicValue):
            return symbolic.call("index", [item, *keys[i:]])
        if item is None or isinstance(item, GoNil):
            raise CallError("index of nil pointer")
        match item:
            case str() | GoSlice():
                item = _at_position(item, key)
            case GoMap():
                item = _at_key(item, key)
            case _:
                raise CallError(f"can't index item of type {go_type(item)}")
    return item


def _at_key(item: GoMap, key: Value) -> Value:
    if key is None or key == NOTHING:
        raise CallError("value is nil; should be of type string")
    if not isinstance(key, str):
        raise CallError(f"value has type {go_type(key)}; should be string")
    is_there = key in item.entries
    is_left = isinstance(item.entries[key], SymbolicValue) if is_there else item.is_open
    if is_left and item.source:
        return symbolic.call("index", [item.source, key])  # does not fail where a field would
    if is_there:
        return item.entries[key]
    if item.is_open:
        raise UnsupportedError
    return zero(item.element)


def _at_position(item: str | GoSlice, key: Value) -> Value:
    if key is None or key == NOTHING:
        raise CallError("cannot index slice/array with nil")
    if isinstance(key, bool) or not isinstance(key, int):
        raise CallError(f"cannot index slice/array with type {go_type(key)}")
    items = item.items if isinstance(item, GoSlice) else item.encode(errors="surrogatepass")
    if not 0 <= key <= len(items):
        raise CallError(f"index out of range: {int(key)}")
    if key == len(items):
        raise CallError(f"reflect: {kind(item)} index out of range")
    return item.items[key] if isinstance(item, GoSlice) else Byte(items[key])  # type: ignore[arg-type]


def length(item: Value) -> Value:
    """Return how many items or bytes there are."""
    match item:
        case None:
            raise CallError("reflect: call of reflect.Value.Type on zero Value")
        case GoNil():
            raise CallError("len of nil pointer")
        case str():
            return len(item.encode(errors="surrogatepass"))
        case GoSlice():
            return len(item.items)
        case GoMap() if item.is_open:
            raise UnsupportedError
        case GoMap():
            return len(item.entries)
    raise CallError(f"len of type {go_type(item)}")


def negate(value: Value) -> Value:
    """Return whether a value is not true."""
    known = truth(value)
    if known is None:
        raise UnsupportedError
    return not known


def equal(first: Value, *others: Value) -> Value:
    """Return whether the first value is one of the others."""
    if not others:
        raise CallError("missing argument for comparison")
    return any(_equal(first, other) for other in others)


def _equal(one: Value, other: Value) -> bool:
    one, other = (None if value == NOTHING else value for value in (one, other))
    mine, yours = (_KINDS.get(go_type(value), "") for value in (one, other))
    if {mine, yours} == {"int", "uint"} or (mine and mine == yours):
        return one == other
    if mine != yours:
        if one is None or other is None:
            return False
        message = f"{go_type(one)} and {go_type(other)}"
        raise CallError(f"incompatible types for comparison: {message}")
    if one is None or other is None:
        return _is_nil(one) and _is_nil(other)
    if kind(one) != kind(other):
        raise CallError(f"non-comparable types {go_type(one)}, {go_type(other)}")
    if _is_nil(one) or _is_nil(other):
        return _is_nil(one) and _is_nil(other)
    if isinstance(one, (GoMap, GoSlice)):
        raise CallError(f"non-comparable type {go_type(one)}")
    raise UnsupportedError


def _is_nil(value: Value) -> bool:
    if isinstance(value, (GoMap, GoSlice)):
        return value.is_nil
    return value is None or isinstance(value, GoNil)


def less(one: Value, other: Value) -> bool:
    """Return whether one value is less than another."""
    one, other = (None if value == NOTHING else value for value in (one, other))
    mine, yours = (_KINDS.get(go_type(value), "") for value in (one, other))
    if not mine or not yours or mine == yours == "bool":
        raise CallError("invalid type for comparison")
    if mine != yours and {mine, yours} != {"int", "uint"}:
        message = f"{go_type(one)} and {go_type(other)}"
        raise CallError(f"incompatible types for comparison: {message}")
    return one < other  # type: ignore[operator]


def _less_or_equal(one: Value, other: Value) -> Value:
    return less(one, other) or _equal(one, other)


def _text(values: tuple[Value, ...]) -> str:
    return sprint(["<no value>" if value is None else value for value in values])


def _script(values: tuple[Value, ...]) -> str:
    made = []
    for char in _text(values):
        if char in _SCRIPT:
            made.append(_SCRIPT[char])
        elif char in "<>&=" or char < " " or (char > "\x7f" and not char.isprintable()):
            made.append(f"\\u{ord(char):04X}")
        else:
            made.append(char)
    return "".join(made)


BUILTINS: dict[str, GoFunction] = {
    "eq": GoFunction(equal),
    "ge": GoFunction(lambda one, other: not less(one, other)),
    "gt": GoFunction(lambda one, other: not _less_or_equal(one, other)),
    "html": GoFunction(lambda *values: _text(values).translate(_HTML)),
    "index": GoFunction(index, ArgumentEvaluation.SHAPE),
    "js": GoFunction(lambda *values: _script(values)),
    "le": GoFunction(_less_or_equal),
    "len": GoFunction(length, ArgumentEvaluation.SHAPE),
    "lt": GoFunction(less),
    "ne": GoFunction(lambda one, other: not _equal(one, other)),
    "not": GoFunction(negate, ArgumentEvaluation.SHAPE),
    "print": GoFunction(lambda *values: sprint(values)),
    "printf": GoFunction(lambda form, *values: sprintf(form, values)),
    "println": GoFunction(lambda *values: sprintln(values)),
    "urlquery": GoFunction(lambda *values: quote_plus(_text(values), errors="surrogatepass")),
}
"""By name; an argument has the type that its signature asks for."""
