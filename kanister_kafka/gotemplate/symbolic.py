"""Expressions for what only the run can tell, with what is known filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kanister_kafka.gotemplate import nodes, types
from kanister_kafka.gotemplate.literals import quote
from kanister_kafka.gotemplate.nodes import Command, Operand, Pipeline
from kanister_kafka.gotemplate.values import (
    INTERFACE,
    LONGEST,
    EntangledError,
    Int64,
    Map,
    Opaque,
    Slice,
    Struct,
    Symbolic,
    Value,
)

_NAME = re.compile(r"[^\W\d]\w*")
_AT = {"line": 1, "column": 1}
"""What is made here stands nowhere."""


def data(*names: str, type: types.Type = types.ANY) -> Symbolic:  # noqa: A002 - what it is
    """Return what the data of the whole template has at a path."""
    made = Symbolic((Command((nodes.Variable("$", (), **_AT),), **_AT),))
    for name in names:
        made = field(made, name)
    return Symbolic(made.commands, 0, type)


def variable(name: str) -> Symbolic:
    """Return the value of a variable that the text keeps."""
    return Symbolic((Command((nodes.Variable(name, (), **_AT),), **_AT),))


def dot(level: int) -> Symbolic:
    """Return the dot within this many actions that the text keeps."""
    return Symbolic((Command((nodes.Dot(**_AT),), **_AT),), level)


def field(owner: Symbolic, name: str) -> Symbolic:
    """Return a field of a value; `index` takes what the dot cannot reach."""
    taken: types.Type = types.ANY
    if isinstance(owner.type, types.Struct):
        taken = owner.type.fields.get(name, types.ANY)
    elif isinstance(owner.type, types.MapOf):
        taken = owner.type.value
    if not _NAME.fullmatch(name):
        return Symbolic(call("index", [owner, name]).commands, owner.level, taken)
    term = operand(owner)
    made: Operand
    match term:
        case nodes.Dot():
            made = nodes.Field((name,), **_AT)
        case nodes.Field():
            made = nodes.Field((*term.names, name), **_AT)
        case nodes.Variable():
            made = nodes.Variable(term.name, (*term.fields, name), **_AT)
        case nodes.Chain():
            made = nodes.Chain(term.node, (*term.fields, name), **_AT)
        case nodes.Function() | nodes.Pipeline():
            made = nodes.Chain(term, (name,), **_AT)
        case _:
            raise EntangledError
    return Symbolic((Command((made,), **_AT),), owner.level, taken)


def call(
    name: str,
    values: Sequence[Value],
    *,
    is_piped: bool = False,
    result: types.Type = types.ANY,
) -> Symbolic:
    """Return a call of a function; `is_piped`, the last value comes out of a pipeline."""
    return _call(nodes.Function(name, **_AT), values, common_level(values), result, is_piped)


def invoke(method: Symbolic, values: Sequence[Value], *, is_piped: bool = False) -> Symbolic:
    """Return a call of what may be a method."""
    level = common_level((method, *values))
    return _call(operand(method), values, level, types.ANY, is_piped)


def _call(
    function: Operand,
    values: Sequence[Value],
    level: int,
    result: types.Type,
    is_piped: bool,  # noqa: FBT001
) -> Symbolic:
    last = values[-1] if is_piped else None
    first = last if isinstance(last, Symbolic) else getattr(last, "source", None)
    stages: tuple[Command, ...] = ()
    if isinstance(first, Symbolic):
        stages, values = first.commands, values[:-1]
    words = (function, *map(operand, values))
    return Symbolic((*stages, Command(words, **_AT)), level, result)


def of(value: Value) -> Symbolic:
    """Return the expression that gives a value, known or not."""
    if isinstance(value, Symbolic):
        return value
    return Symbolic((Command((operand(value),), **_AT),), common_level([value]))


def operand(value: Value) -> Operand:
    """Return a value as an argument of a call.

    An int64 is spelled as an int, which only `%T` and reflect.DeepEqual tell apart.
    """
    match value:
        case None:
            return nodes.Nil(**_AT)
        case bool():
            return nodes.Bool(value, **_AT)
        case int() | float():
            return nodes.Number(
                value, repr(value if isinstance(value, float) else int(value)), **_AT
            )
        case str():
            return nodes.String(value, quote(value), **_AT)
        case Symbolic():
            return _term(value.commands)
    source = getattr(value, "source", None)
    if isinstance(source, Symbolic):
        return _term(source.commands)
    match value:
        case Map():
            pairs = [word for pair in value.entries.items() for word in pair]
            return _term(call("dict", pairs).commands)
        case Slice():
            return _term(call("list", value.items).commands)
    raise EntangledError


def is_path(value: Symbolic) -> bool:
    """Tell whether a value is a field of the data, which can be named anywhere in the text."""
    if value.level or len(value.commands) > 1 or len(value.commands[0].arguments) > 1:
        return False
    return isinstance(value.commands[0].arguments[0], nodes.Variable)


def from_json(value: Any, source: Symbolic) -> Value:
    """Return data as the client of Kubernetes reads JSON: whole numbers are int64."""
    match value:
        case dict():
            return from_map(value, source)
        case list():
            items = [from_json(v, call("index", [source, i])) for i, v in enumerate(value)]
            return Slice(items, INTERFACE, source)
        case None | bool() | str():
            return value
    is_whole = isinstance(value, int) or value.is_integer()
    return Int64(value) if is_whole and abs(value) < 2**63 else float(value)


def from_map(value: Mapping[str, Any], source: Symbolic) -> Map:
    """Return an object of JSON."""
    entries = {key: from_json(item, field(source, key)) for key, item in value.items()}
    return Map(entries, INTERFACE, source)


def is_own(value: Value) -> bool:
    """Tell whether a map was made by the template and belongs to no data."""
    return isinstance(value, Map) and value.source is None


def parts(value: Value) -> Iterator[Symbolic]:
    """Yield the expressions that a value is spelled with."""
    pending, count = [value], 0
    while pending:
        value = pending.pop()
        count += 1
        if count > LONGEST:
            raise EntangledError
        if isinstance(value, Symbolic):
            yield value
        elif isinstance(value, (Map, Slice, Struct, Opaque)) and value.source:
            yield value.source
        elif isinstance(value, Map):
            pending += value.entries.values()
        elif isinstance(value, Slice):
            pending += value.items


def common_level(values: Iterable[Value]) -> int:
    """Return the level of the one dot that values speak of; two cannot be named at once."""
    found = {part.level for value in values for part in parts(value)}
    found.discard(0)
    if len(found) > 1:
        raise EntangledError
    return found.pop() if found else 0


def pipeline(
    value: Symbolic, declarations: Sequence[nodes.Variable] = (), *, is_assign: bool = False
) -> Pipeline:
    """Return the pipeline of a value, with the variables that take it."""
    return Pipeline(tuple(declarations), is_assign, value.commands, **_AT)


def _term(commands: tuple[Command, ...]) -> Operand:
    if len(commands) == 1 and len(commands[0].arguments) == 1:
        return commands[0].arguments[0]
    return Pipeline((), is_assign=False, commands=commands, **_AT)
