"""Pipelines to values, by the rules of text/template/exec.go of Go 1.26 with missingkey=error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from kanister_kafka.gotemplate import nodes, types
from kanister_kafka.gotemplate.formatter import format_node
from kanister_kafka.gotemplate.lexer import quote
from kanister_kafka.gotemplate.nodes import PipeNode, VariableNode
from kanister_kafka.gotemplate.runtime import symbolic
from kanister_kafka.gotemplate.runtime.values import (
    INTERFACE,
    MAX_STEPS,
    NOTHING,
    ArgumentEvaluation,
    CallError,
    CannotIsolateError,
    ConversionError,
    GoFunction,
    GoMap,
    GoNil,
    GoSlice,
    GoStruct,
    OpaqueValue,
    SymbolicValue,
    UnsupportedError,
    Value,
    canonical,
    constant,
    convert_argument,
    cost,
    empty_value,
    go_type,
    is_known,
    literal,
    truth,
)
from kanister_kafka.gotemplate.types import FunctionSignature

# The variables of a template that runs, and which of them the text keeps.


@dataclass(slots=True)
class VariableCell:
    """A variable."""

    name: str
    value: Value
    is_kept: bool = False
    """Whether its declaration stays in the text."""


class VariableStack:
    """The variables from the outermost to the innermost."""

    def __init__(self, data: Value) -> None:
        self.all = [VariableCell("$", data)]
        self.barrier = 0
        """How many of them may not be changed, since the run may not come to the change."""

    def has(self, name: str) -> bool:
        """Return whether a variable is there."""
        return any(cell.name == name for cell in self.all)

    def get(self, name: str) -> Value:
        """Return the value of the innermost variable of a name."""
        for cell in reversed(self.all):
            if cell.name == name:
                return cell.value
        raise CannotIsolateError  # the parser lets none through

    def set(self, pipe: PipeNode, value: Value) -> None:
        """Give a value to the variables of a pipeline."""
        for variable in pipe.declarations:
            if pipe.is_assign:
                self.assign(variable.name, value)
            else:
                self.all.append(VariableCell(variable.name, value))

    def assign(self, name: str, value: Value) -> None:
        """Give a value to a variable that is there."""
        for i in reversed(range(len(self.all))):
            if self.all[i].name == name:
                if i < self.barrier:
                    raise CannotIsolateError
                self.all[i].value = value
                return

    def settle(self, pipe: PipeNode, value: Value) -> tuple[VariableNode, ...]:
        """Return the variables whose declaration the text must keep.

        The path of a field can stand in the place of the variable; a call may not be made twice.
        """
        if all(map(symbolic.is_path, symbolic.parts(value))):
            return ()
        if pipe.declarations and not isinstance(value, SymbolicValue):
            raise CannotIsolateError
        for variable in pipe.declarations:
            self.keep(variable.name, is_new=not pipe.is_assign)
        return pipe.declarations

    def keep(self, name: str, *, is_new: bool) -> None:
        """Let the text keep the innermost variable of a name."""
        *shadowed, cell = [cell for cell in self.all if cell.name == name]
        if is_new == cell.is_kept or any(outer.is_kept for outer in shadowed):
            raise CannotIsolateError  # in flat text, one would be taken for the other
        cell.value, cell.is_kept = symbolic.variable(name), True


# Calls of functions whose arguments are evaluated: what is known gives a value, the rest stays.


@dataclass(frozen=True, slots=True)
class FunctionSet:
    """The functions of an engine; one that is not implemented stays symbolic."""

    functions: Mapping[str, GoFunction]
    signatures: Mapping[str, FunctionSignature]


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call with its arguments."""

    name: str
    signature: FunctionSignature
    arguments: Sequence[Value]
    is_piped: bool
    """Whether the last argument comes out of a pipeline."""

    def run(self, function: GoFunction | None, *, is_sure: bool) -> Value:
        """Return the result, or the call itself; raises CallError if it fails in any case."""
        changes = function is not None and function.changes
        if changes and not (is_sure and symbolic.is_own(self.arguments[0])):
            raise CannotIsolateError  # what is changed may be read elsewhere
        if function is not None and _enough(function.needs, self.arguments):
            with suppress(UnsupportedError):
                return self._named(function.call(*self.arguments))
        if changes:
            raise CannotIsolateError
        return self._symbolic()

    def _symbolic(self) -> SymbolicValue:
        return symbolic.call(
            self.name, self.arguments, is_piped=self.is_piped, result=self.signature.result
        )

    def _named(self, value: Value) -> Value:
        """Return a result that no literal and no `list` or `dict` gives with its call."""
        if isinstance(value, (GoMap, GoSlice)) and value.element == INTERFACE:
            return value
        if isinstance(value, (GoMap, GoSlice, OpaqueValue)) and value.source is None:
            return replace(value, source=self._symbolic())
        return value


def _enough(needs: ArgumentEvaluation, arguments: Sequence[Value]) -> bool:
    if needs is ArgumentEvaluation.ALL:
        return all(map(is_known, arguments))
    return needs is ArgumentEvaluation.NOTHING or not any(
        isinstance(value, SymbolicValue) for value in arguments
    )


class ExecutionError(Exception):
    """Ends the execution, in Go's words."""

    def __init__(self, node: nodes.Node, at: str, message: str) -> None:
        super().__init__(message)
        self.node = node
        self.at = at
        """The failing expression, as it is in the text."""


class ExpressionEvaluator:
    """Evaluates pipelines; what is left to the run comes out as the expression that gives it."""

    def __init__(self, data: Value, library: FunctionSet) -> None:
        self.cells = VariableStack(data)
        self.level = 0
        """How many `range` and `with` that the text keeps are around."""
        self.is_sure = True
        """Whether the run comes here with any value of the symbolic parts."""
        self.doubts: list[ExecutionError] = []
        """Failures at places that the run may not reach."""
        self._library = library
        self._steps = 0

    def step(self, count: int = 1) -> None:
        """Count what is done: a text may loop for longer than anybody waits."""
        self._steps += count
        if self._steps > MAX_STEPS:
            raise CannotIsolateError

    def failure(self, node: nodes.Operand | nodes.CommandNode, message: str) -> ExecutionError:
        """Return what ends the execution at a node."""
        return ExecutionError(node, format_node(node), message)

    def pipeline(self, pipe: nodes.PipeNode, dot: Value) -> Value:
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

    def _command(self, command: nodes.CommandNode, dot: Value, piped: tuple[Value, ...]) -> Value:
        self.step()
        first, *operands = command.arguments
        if isinstance(first, nodes.IdentifierNode):
            return self._call(first, command, operands, dot, piped)
        if not operands and not piped:
            if isinstance(first, nodes.NilNode):
                raise self.failure(first, "nil is not a command")
            return self._operand(first, dot)
        match first:
            case nodes.FieldNode():
                owner, names = dot, first.names
            case nodes.ChainNode():
                owner, names = self._operand(first.node, dot), first.fields
            case nodes.VariableNode() if first.fields:
                owner, names = self.cells.get(first.name), first.fields
            case _:
                raise self.failure(
                    first, f"can't give argument to non-function {format_node(first)}"
                )
        method = self._method(first, owner, names)
        arguments = [*(self._operand(operand, dot) for operand in operands), *piped]
        return symbolic.invoke(method, arguments, is_piped=bool(piped))

    def _operand(self, node: nodes.Operand, dot: Value) -> Value:
        match node:
            case nodes.DotNode():
                return dot
            case nodes.FieldNode():
                return self._fields(node, dot, node.names)
            case nodes.VariableNode():
                return self._fields(node, self.cells.get(node.name), node.fields)
            case nodes.ChainNode():
                return self._fields(node, self._operand(node.node, dot), node.fields)
            case nodes.IdentifierNode():
                return self._call(node, node, (), dot, ())
            case nodes.PipeNode():
                value = self.pipeline(node, dot)
                if node.declarations and self.cells.settle(node, value):
                    raise CannotIsolateError  # the text keeps a declaration in an action of its own
                return value
            case nodes.NilNode():
                return None
        try:
            return constant(node)
        except ConversionError as failure:
            raise self.failure(node, str(failure)) from failure
        except UnsupportedError:
            raise CannotIsolateError from None

    def _fields(self, node: nodes.Operand, owner: Value, names: Sequence[str]) -> Value:
        go = ""
        for name in names:
            is_any = isinstance(owner, (GoMap, GoSlice)) and owner.element == INTERFACE
            owner = self._field(node, owner, name, go or go_type(owner))
            go = INTERFACE if is_any else ""
        return owner

    def _field(self, node: nodes.Operand, owner: Value, name: str, go: str) -> Value:
        match owner:
            case None:
                raise self.failure(node, f"nil data; no entry for key {quote(name)}")
            case SymbolicValue() if _may_have(owner.type, name):
                return symbolic.field(owner, name)
            case GoNil() if (
                not isinstance(owner.type, types.StructType) or name in owner.type.fields
            ):
                raise self.failure(node, f"nil pointer evaluating {go_type(owner)}.{name}")
            case GoStruct() if name in owner.fields:
                return owner.fields[name]
            case GoMap() if name in owner.entries:
                value = owner.entries[name]
                return NOTHING if value is None else value
            case GoMap() if owner.is_open and owner.source:
                return symbolic.field(owner.source, name)
            case GoMap():
                raise self.failure(node, f"map has no entry for key {quote(name)}")
            case OpaqueValue() if owner.source:
                return symbolic.field(owner.source, name)
        raise self.failure(node, f"can't evaluate field {name} in type {go}")

    def _method(self, node: nodes.Operand, owner: Value, names: Sequence[str]) -> SymbolicValue:
        """Return what is given arguments: only a method takes them, and nothing known has one."""
        owner = self._fields(node, owner, names[:-1])
        if isinstance(owner, GoMap):
            raise self.failure(node, f"{names[-1]} is not a method but has arguments")
        value = self._field(node, owner, names[-1], go_type(owner))
        if not isinstance(value, SymbolicValue):
            raise self.failure(node, f"{names[-1]} has arguments but cannot be invoked as function")
        return value

    def _call(
        self,
        node: nodes.IdentifierNode,
        expression: nodes.IdentifierNode | nodes.CommandNode,
        operands: Sequence[nodes.Operand],
        dot: Value,
        piped: tuple[Value, ...],
    ) -> Value:
        name = node.name
        signature = self._library.signatures.get(name)
        if signature is None:
            raise CannotIsolateError  # the parser lets none through
        self._count(node, signature, len(operands), len(piped))
        if name in ("and", "or"):
            return self._logic(name, operands, dot, piped)
        arguments = [
            self._argument(operand, signature.parameter(i), dot)
            for i, operand in enumerate(operands)
        ]
        if piped:
            arguments.append(self._accept(node, piped[0], signature.parameter(len(arguments))))
        self.step(sum(map(cost, arguments)))
        call = FunctionCall(name, signature, arguments, bool(piped))
        try:
            result = call.run(self._library.functions.get(name), is_sure=self.is_sure)
        except CallError as failure:
            raise self.failure(expression, f"error calling {name}: {failure}") from failure
        self.step(cost(result))
        return result

    def _count(
        self, node: nodes.IdentifierNode, signature: FunctionSignature, count: int, piped: int
    ) -> None:
        least = len(signature.parameters)
        message = f"wrong number of args for {node.name}: want"
        if signature.rest and count + piped < least:
            raise self.failure(node, f"{message} at least {least} got {count}")
        if not signature.rest and count + piped != least:
            raise self.failure(node, f"{message} {least} got {count + piped}")

    def _logic(
        self, name: str, operands: Sequence[nodes.Operand], dot: Value, piped: tuple[Value, ...]
    ) -> Value:
        """Evaluate `and` or `or` up to the argument that decides, as far as it is known."""
        stop, was_sure, last = name == "or", self.is_sure, piped
        left: list[Value] = []
        for operand in operands:
            value = self._logic_argument(operand, dot)
            is_true = truth(value)
            if is_true is None:
                left.append(value)
                self.is_sure = False
            elif is_true is stop or (operand is operands[-1] and not piped):
                last = (value,)
            if is_true is stop:
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
            raise CannotIsolateError from None

    def _argument(self, node: nodes.Operand, parameter: types.Type, dot: Value) -> Value:
        try:
            match node:
                case nodes.BoolNode() | nodes.NumberNode() | nodes.StringNode():
                    return literal(node, parameter)
                case nodes.NilNode():
                    return empty_value(parameter, f"cannot assign nil to {canonical(parameter)}")
        except ConversionError as failure:
            raise self.failure(node, str(failure)) from failure
        except UnsupportedError:
            raise CannotIsolateError from None
        return self._accept(node, self._operand(node, dot), parameter)

    def _accept(self, node: nodes.Operand, value: Value, parameter: types.Type) -> Value:
        try:
            return convert_argument(value, parameter)
        except ConversionError as failure:
            raise self.failure(node, str(failure)) from failure


def _may_have(owner: types.Type, name: str) -> bool:
    if isinstance(owner, types.StructType):
        return name in owner.fields or (owner.has_methods and name[:1].isupper())
    return owner == types.ANY or isinstance(owner, types.MapType)
