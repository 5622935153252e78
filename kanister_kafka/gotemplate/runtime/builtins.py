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
    is_empty,
    kind,
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
    is_present = key in item.entries
    is_symbolic = isinstance(item.entries[key], SymbolicValue) if is_present else item.is_open
    if is_symbolic and item.source:
        return symbolic.call("index", [item.source, key])  # does not fail where a field would
    if is_present:
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


def equal(first: Value, *values: Value) -> Value:
    """Return whether the first value is one of those after it."""
    if not values:
        raise CallError("missing argument for comparison")
    return any(_equal(first, value) for value in values)


def _equal(left: Value, right: Value) -> bool:
    left, right = (None if value == NOTHING else value for value in (left, right))
    left_kind, right_kind = (_KINDS.get(go_type(value), "") for value in (left, right))
    if {left_kind, right_kind} == {"int", "uint"} or (left_kind and left_kind == right_kind):
        return left == right
    if left_kind != right_kind:
        if left is None or right is None:
            return False
        message = f"{go_type(left)} and {go_type(right)}"
        raise CallError(f"incompatible types for comparison: {message}")
    if left is None or right is None:
        return _is_nil(left) and _is_nil(right)
    if kind(left) != kind(right):
        raise CallError(f"non-comparable types {go_type(left)}, {go_type(right)}")
    if _is_nil(left) or _is_nil(right):
        return _is_nil(left) and _is_nil(right)
    if isinstance(left, (GoMap, GoSlice)):
        raise CallError(f"non-comparable type {go_type(left)}")
    raise UnsupportedError


def _is_nil(value: Value) -> bool:
    if isinstance(value, (GoMap, GoSlice)):
        return value.is_nil
    return value is None or isinstance(value, GoNil)


def less(left: Value, right: Value) -> bool:
    """Return whether one value is less than another."""
    left, right = (None if value == NOTHING else value for value in (left, right))
    left_kind, right_kind = (_KINDS.get(go_type(value), "") for value in (left, right))
    if not left_kind or not right_kind or left_kind == right_kind == "bool":
        raise CallError("invalid type for comparison")
    if left_kind != right_kind and {left_kind, right_kind} != {"int", "uint"}:
        message = f"{go_type(left)} and {go_type(right)}"
        raise CallError(f"incompatible types for comparison: {message}")
    return left < right  # type: ignore[operator]


def _less_or_equal(left: Value, right: Value) -> Value:
    return less(left, right) or _equal(left, right)


def _text(values: tuple[Value, ...]) -> str:
    return sprint(["<no value>" if value is None else value for value in values])


def _script(values: tuple[Value, ...]) -> str:
    escaped = []
    for char in _text(values):
        if char in _SCRIPT:
            escaped.append(_SCRIPT[char])
        elif char in "<>&=" or char < " " or (char > "\x7f" and not char.isprintable()):
            escaped.append(f"\\u{ord(char):04X}")
        else:
            escaped.append(char)
    return "".join(escaped)


BUILTINS: dict[str, GoFunction] = {
    "eq": GoFunction(equal),
    "ge": GoFunction(lambda left, right: not less(left, right)),
    "gt": GoFunction(lambda left, right: not _less_or_equal(left, right)),
    "html": GoFunction(lambda *values: _text(values).translate(_HTML)),
    "index": GoFunction(index, ArgumentEvaluation.SHAPE),
    "js": GoFunction(lambda *values: _script(values)),
    "le": GoFunction(_less_or_equal),
    "len": GoFunction(length, ArgumentEvaluation.SHAPE),
    "lt": GoFunction(less),
    "ne": GoFunction(lambda left, right: not _equal(left, right)),
    "not": GoFunction(is_empty, ArgumentEvaluation.SHAPE),
    "print": GoFunction(lambda *values: sprint(values)),
    "printf": GoFunction(lambda form, *values: sprintf(form, values)),
    "println": GoFunction(lambda *values: sprintln(values)),
    "urlquery": GoFunction(lambda *values: quote_plus(_text(values), errors="surrogatepass")),
}
"""By name; an argument has the type that its signature asks for."""
