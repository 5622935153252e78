"""Pipelines to values, by the rules of text/template/exec.go of Go 1.26 with missingkey=error."""

from __future__ import annotations

from collections.abc import Sequence

from kanister_kafka.gotemplate import nodes, symbolic, types
from kanister_kafka.gotemplate.arguments import ArgumentError, accept, constant, empty, literal
from kanister_kafka.gotemplate.functions import Call, Library
from kanister_kafka.gotemplate.literals import quote
from kanister_kafka.gotemplate.spell import spell
from kanister_kafka.gotemplate.types import Signature
from kanister_kafka.gotemplate.values import (
    INTERFACE,
    MAX_STEPS,
    NOTHING,
    CallError,
    EntangledError,
    Map,
    Nil,
    Opaque,
    Slice,
    Struct,
    Symbolic,
    UnsupportedError,
    Value,
    canonical,
    go_type,
    truth,
    weight,
)
from kanister_kafka.gotemplate.variables import Cells


class ExecutionError(Exception):
    """Ends the execution, in Go's words."""

    def __init__(self, node: nodes.Located, at: str, message: str) -> None:
        super().__init__(message)
        self.node = node
        self.at = at
        """What failed, as it is spelled."""


class Machine:
    """Evaluates pipelines; what is left to the run comes out as the expression that gives it."""

    def __init__(self, data: Value, library: Library) -> None:
        self.cells = Cells(data)
        self.level = 0
        """How many `range` and `with` that the text keeps are around."""
        self.is_sure = True
        """Whether the run comes here whatever is symbolic."""
        self.doubts: list[ExecutionError] = []
        """What fails where the run may not come."""
        self._library = library
        self._steps = 0

    def step(self, count: int = 1) -> None:
        """Count what is done: a text may loop for longer than anybody waits."""
        self._steps += count
        if self._steps > MAX_STEPS:
            raise EntangledError

    def failure(self, node: nodes.Operand | nodes.Command, message: str) -> ExecutionError:
        """Return what ends the execution at a node."""
        return ExecutionError(node, spell(node), message)

    def pipeline(self, pipe: nodes.Pipeline, dot: Value) -> Value:
        """Evaluate a pipeline and set its variables."""
        piped: tuple[Value, ...] = ()
        for command in pipe.commands:
            value = self._command(command, dot, piped)
            piped = (None if value == NOTHING else value,)
        for variable in pipe.declarations if pipe.is_assign else ():
            if not self.cells.has(variable.name):
                last = pipe.commands[-1].arguments[-1]
                raise self.failure(last, f"undefined variable: {variable.name}")
        self.cells.set(pipe, piped[0])
        return piped[0]

    def _command(self, command: nodes.Command, dot: Value, piped: tuple[Value, ...]) -> Value:
        self.step()
        first, *others = command.arguments
        if isinstance(first, nodes.Function):
            return self._call(first, command, others, dot, piped)
        if not others and not piped:
            if isinstance(first, nodes.Nil):
                raise self.failure(first, "nil is not a command")
            return self._operand(first, dot)
        match first:
            case nodes.Field():
                owner, names = dot, first.names
            case nodes.Chain():
                owner, names = self._operand(first.node, dot), first.fields
            case nodes.Variable() if first.fields:
                owner, names = self.cells.get(first.name), first.fields
            case _:
                raise self.failure(first, f"can't give argument to non-function {spell(first)}")
        method = self._method(first, owner, names)
        given = [*(self._operand(other, dot) for other in others), *piped]
        return symbolic.invoke(method, given, is_piped=bool(piped))

    def _operand(self, node: nodes.Operand, dot: Value) -> Value:
        match node:
            case nodes.Dot():
                return dot
            case nodes.Field():
                return self._fields(node, dot, node.names)
            case nodes.Variable():
                return self._fields(node, self.cells.get(node.name), node.fields)
            case nodes.Chain():
                return self._fields(node, self._operand(node.node, dot), node.fields)
            case nodes.Function():
                return self._call(node, node, (), dot, ())
            case nodes.Pipeline():
                value = self.pipeline(node, dot)
                if node.declarations and self.cells.settle(node, value):
                    raise EntangledError  # the text keeps a declaration in an action of its own
                return value
            case nodes.Nil():
                return None
        try:
            return constant(node)
        except ArgumentError as failure:
            raise self.failure(node, str(failure)) from failure
        except UnsupportedError:
            raise EntangledError from None

    def _fields(self, node: nodes.Operand, owner: Value, names: Sequence[str]) -> Value:
        go = ""
        for name in names:
            is_any = isinstance(owner, (Map, Slice)) and owner.element == INTERFACE
            owner = self._field(node, owner, name, go or go_type(owner))
            go = INTERFACE if is_any else ""
        return owner

    def _field(self, node: nodes.Operand, owner: Value, name: str, go: str) -> Value:
        match owner:
            case None:
                raise self.failure(node, f"nil data; no entry for key {quote(name)}")
            case Symbolic() if _may_have(owner.type, name):
                return symbolic.field(owner, name)
            case Nil() if not isinstance(owner.type, types.Struct) or name in owner.type.fields:
                raise self.failure(node, f"nil pointer evaluating {go_type(owner)}.{name}")
            case Struct() if name in owner.fields:
                return owner.fields[name]
            case Map() if name in owner.entries:
                value = owner.entries[name]
                return NOTHING if value is None else value
            case Map() if owner.is_open and owner.source:
                return symbolic.field(owner.source, name)
            case Map():
                raise self.failure(node, f"map has no entry for key {quote(name)}")
            case Opaque() if owner.source:
                return symbolic.field(owner.source, name)
        raise self.failure(node, f"can't evaluate field {name} in type {go}")

    def _method(self, node: nodes.Operand, owner: Value, names: Sequence[str]) -> Symbolic:
        """Return what is given arguments: only a method takes them, and nothing known has one."""
        owner = self._fields(node, owner, names[:-1])
        if isinstance(owner, Map):
            raise self.failure(node, f"{names[-1]} is not a method but has arguments")
        value = self._field(node, owner, names[-1], go_type(owner))
        if not isinstance(value, Symbolic):
            raise self.failure(node, f"{names[-1]} has arguments but cannot be invoked as function")
        return value

    def _call(
        self,
        node: nodes.Function,
        whole: nodes.Function | nodes.Command,
        others: Sequence[nodes.Operand],
        dot: Value,
        piped: tuple[Value, ...],
    ) -> Value:
        name = node.name
        known = self._library.signatures.get(name)
        if known is None:
            raise EntangledError  # the parser lets none through
        self._count(node, known, len(others), len(piped))
        if name in ("and", "or"):
            return self._logic(name, others, dot, piped)
        given = [self._argument(other, known.parameter(i), dot) for i, other in enumerate(others)]
        if piped:
            given.append(self._accept(node, piped[0], known.parameter(len(given))))
        self.step(sum(map(weight, given)))
        call = Call(name, known, given, bool(piped))
        try:
            made = call.run(self._library.functions.get(name), is_sure=self.is_sure)
        except CallError as failure:
            raise self.failure(whole, f"error calling {name}: {failure}") from failure
        self.step(weight(made))
        return made

    def _count(self, node: nodes.Function, known: Signature, given: int, piped: int) -> None:
        least = len(known.parameters)
        told = f"wrong number of args for {node.name}: want"
        if known.rest and given + piped < least:
            raise self.failure(node, f"{told} at least {least} got {given}")
        if not known.rest and given + piped != least:
            raise self.failure(node, f"{told} {least} got {given + piped}")

    def _logic(
        self, name: str, others: Sequence[nodes.Operand], dot: Value, piped: tuple[Value, ...]
    ) -> Value:
        """Evaluate `and` or `or` up to the argument that decides, as far as it is known."""
        stop, was_sure, last = name == "or", self.is_sure, piped
        left: list[Value] = []
        for other in others:
            value = self._logic_argument(other, dot)
            known = truth(value)
            if known is None:
                left.append(value)
                self.is_sure = False
            elif known is stop or (other is others[-1] and not piped):
                last = (value,)
            if known is stop:
                break
        self.is_sure = was_sure
        values = [*left, *last]
        if len(values) == 1:
            return values[0]
        return symbolic.call(name, values, is_piped=bool(piped) and last is piped)

    def _logic_argument(self, node: nodes.Operand, dot: Value) -> Value:
        try:
            return self._argument(node, types.ANY, dot)
        except ExecutionError as failure:
            if self.is_sure:
                raise
            self.doubts.append(failure)
            raise EntangledError from None

    def _argument(self, node: nodes.Operand, wanted: types.Type, dot: Value) -> Value:
        try:
            match node:
                case nodes.Bool() | nodes.Number() | nodes.String():
                    return literal(node, wanted)
                case nodes.Nil():
                    return empty(wanted, f"cannot assign nil to {canonical(wanted)}")
        except ArgumentError as failure:
            raise self.failure(node, str(failure)) from failure
        except UnsupportedError:
            raise EntangledError from None
        return self._accept(node, self._operand(node, dot), wanted)

    def _accept(self, node: nodes.Operand, value: Value, wanted: types.Type) -> Value:
        try:
            return accept(value, wanted)
        except ArgumentError as failure:
            raise self.failure(node, str(failure)) from failure


def _may_have(owner: types.Type, name: str) -> bool:
    if isinstance(owner, types.Struct):
        return name in owner.fields or (owner.has_methods and name[:1].isupper())
    return owner == types.ANY or isinstance(owner, types.MapOf)
