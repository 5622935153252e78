"""Expressions for values that only the run shows, with the known values filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from kanister_kafka.gotemplate import nodes, types
from kanister_kafka.gotemplate.lexer import quote
from kanister_kafka.gotemplate.nodes import CommandNode, Operand, PipeNode
from kanister_kafka.gotemplate.runtime.values import (
    INTERFACE,
    LONGEST,
    CannotIsolateError,
    GoMap,
    GoSlice,
    GoStruct,
    Int64,
    OpaqueValue,
    SymbolicValue,
    Value,
)

_NAME = re.compile(r"[^\W\d]\w*")
_AT = {"line": 1, "column": 1}
"""What is made here stands nowhere."""


def data(*names: str, type: types.Type = types.ANY) -> SymbolicValue:  # noqa: A002 - what it is
    """Return what the data of the whole template has at a path."""
    value = variable("$")
    for name in names:
        value = field(value, name)
    return SymbolicValue(value.commands, 0, type)


def variable(name: str) -> SymbolicValue:
    """Return the value of a variable that the text keeps."""
    return SymbolicValue((CommandNode((nodes.VariableNode(name, (), **_AT),), **_AT),))


def dot(level: int) -> SymbolicValue:
    """Return the dot within this many actions that the text keeps."""
    return SymbolicValue((CommandNode((nodes.DotNode(**_AT),), **_AT),), level)


def field(owner: SymbolicValue, name: str) -> SymbolicValue:
    """Return a field of a value; `index` takes what the dot cannot reach."""
    field_type: types.Type = types.ANY
    if isinstance(owner.type, types.StructType):
        field_type = owner.type.fields.get(name, types.ANY)
    elif isinstance(owner.type, types.MapType):
        field_type = owner.type.value
    if not _NAME.fullmatch(name):
        return SymbolicValue(call("index", [owner, name]).commands, owner.level, field_type)
    term = operand(owner)
    selector: Operand
    match term:
        case nodes.DotNode():
            selector = nodes.FieldNode((name,), **_AT)
        case nodes.FieldNode():
            selector = nodes.FieldNode((*term.names, name), **_AT)
        case nodes.VariableNode():
            selector = nodes.VariableNode(term.name, (*term.fields, name), **_AT)
        case nodes.ChainNode():
            selector = nodes.ChainNode(term.node, (*term.fields, name), **_AT)
        case nodes.IdentifierNode() | nodes.PipeNode():
            selector = nodes.ChainNode(term, (name,), **_AT)
        case _:
            raise CannotIsolateError
    return SymbolicValue((CommandNode((selector,), **_AT),), owner.level, field_type)


def call(
    name: str, values: Sequence[Value], *, is_piped: bool = False, result: types.Type = types.ANY
) -> SymbolicValue:
    """Return a call of a function; `is_piped`, the last value comes out of a pipeline."""
    return _call(nodes.IdentifierNode(name, **_AT), values, common_level(values), result, is_piped)


def invoke(
    method: SymbolicValue, values: Sequence[Value], *, is_piped: bool = False
) -> SymbolicValue:
    """Return a call of a name that may be a method."""
    level = common_level((method, *values))
    return _call(operand(method), values, level, types.ANY, is_piped)


def _call(
    function: Operand,
    values: Sequence[Value],
    level: int,
    result: types.Type,
    is_piped: bool,  # noqa: FBT001
) -> SymbolicValue:
    last = values[-1] if is_piped else None
    first = last if isinstance(last, SymbolicValue) else getattr(last, "source", None)
    stages: tuple[CommandNode, ...] = ()
    if isinstance(first, SymbolicValue):
        stages, values = first.commands, values[:-1]
    words = (function, *map(operand, values))
    return SymbolicValue((*stages, CommandNode(words, **_AT)), level, result)


def of(value: Value) -> SymbolicValue:
    """Return the expression that gives a value, known or not."""
    if isinstance(value, SymbolicValue):
        return value
    return SymbolicValue((CommandNode((operand(value),), **_AT),), common_level([value]))


def operand(value: Value) -> Operand:
    """Return a value as an argument of a call.

    An int64 is written as an int: only `%T` and reflect.DeepEqual distinguish them.
    """
    match value:
        case None:
            return nodes.NilNode(**_AT)
        case bool():
            return nodes.BoolNode(value, **_AT)
        case int() | float():
            return nodes.NumberNode(
                value, repr(value if isinstance(value, float) else int(value)), **_AT
            )
        case str():
            return nodes.StringNode(value, quote(value), **_AT)
        case SymbolicValue():
            return _term(value.commands)
    source = getattr(value, "source", None)
    if isinstance(source, SymbolicValue):
        return _term(source.commands)
    match value:
        case GoMap():
            pairs = list(chain.from_iterable(value.entries.items()))
            return _term(call("dict", pairs).commands)
        case GoSlice():
            return _term(call("list", value.items).commands)
    raise CannotIsolateError


def is_path(value: SymbolicValue) -> bool:
    """Return whether a value is a field of the data, which can be named anywhere in the text."""
    if value.level or len(value.commands) > 1 or len(value.commands[0].arguments) > 1:
        return False
    return isinstance(value.commands[0].arguments[0], nodes.VariableNode)


def from_json(value: Any, source: SymbolicValue) -> Value:
    """Return data as the client of Kubernetes reads JSON: whole numbers are int64."""
    match value:
        case dict():
            return from_map(value, source)
        case list():
            items = [from_json(v, call("index", [source, i])) for i, v in enumerate(value)]
            return GoSlice(items, INTERFACE, source)
        case None | bool() | str():
            return value
    is_whole = isinstance(value, int) or value.is_integer()
    return Int64(value) if is_whole and abs(value) < 2**63 else float(value)


def from_map(value: Mapping[str, Any], source: SymbolicValue) -> GoMap:
    """Return an object of JSON."""
    entries = {key: from_json(item, field(source, key)) for key, item in value.items()}
    return GoMap(entries, INTERFACE, source)


def is_own(value: Value) -> bool:
    """Return whether a map was made by the template and belongs to no data."""
    return isinstance(value, GoMap) and value.source is None


def parts(value: Value) -> Iterator[SymbolicValue]:
    """Yield the expressions that a value is written with."""
    pending, count = [value], 0
    while pending:
        value = pending.pop()
        count += 1
        if count > LONGEST:
            raise CannotIsolateError
        if isinstance(value, SymbolicValue):
            yield value
        elif isinstance(value, (GoMap, GoSlice, GoStruct, OpaqueValue)) and value.source:
            yield value.source
        elif isinstance(value, GoMap):
            pending += value.entries.values()
        elif isinstance(value, GoSlice):
            pending += value.items


def common_level(values: Iterable[Value]) -> int:
    """Return the level of the one dot that values speak of; two cannot be named at once."""
    levels: set[int] = set()
    for value in values:
        levels.update(part.level for part in parts(value))
    levels.discard(0)
    if len(levels) > 1:
        raise CannotIsolateError
    return levels.pop() if levels else 0


def pipeline(
    value: SymbolicValue,
    declarations: Sequence[nodes.VariableNode] = (),
    *,
    is_assign: bool = False,
) -> PipeNode:
    """Return the pipeline of a value, with the variables that take it."""
    return PipeNode(tuple(declarations), is_assign, value.commands, **_AT)


def _term(commands: tuple[CommandNode, ...]) -> Operand:
    if len(commands) == 1 and len(commands[0].arguments) == 1:
        return commands[0].arguments[0]
    return PipeNode((), is_assign=False, commands=commands, **_AT)
