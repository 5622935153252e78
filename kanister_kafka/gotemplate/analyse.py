"""What a template asks of its data: the paths it follows, and what cannot work whatever they hold.

The rules are those of text/template/exec.go and funcs.go of Go 1.26. What only the run can tell is
not judged.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kanister_kafka.gotemplate import nodes
from kanister_kafka.gotemplate.analysis import (
    UNKNOWN,
    Analysis,
    Misuse,
    MisuseKind,
    Printed,
    Reference,
    Step,
    Value,
)
from kanister_kafka.gotemplate.calls import judge, number_kind
from kanister_kafka.gotemplate.types import (
    ANY,
    TEXT,
    ListOf,
    MapOf,
    Plain,
    Signature,
    Struct,
    Type,
)

MAX_DEPTH = 60
"""Deepest nesting that is looked into; Blueprints have less than ten."""


@dataclass(slots=True)
class _Frame:
    """Where a node stands: what the dot and the variables are there."""

    dot: Value
    variables: dict[str, list[Value]]
    """A cell for each, so that an assignment further in is seen further out."""
    conditional: bool = False
    depth: int = 0

    def inner(self, dot: Value) -> _Frame:
        """Return the frame of what stands in an action: whether it is run is not certain."""
        return _Frame(dot, dict(self.variables), conditional=True, depth=self.depth + 1)


def analyse(tree: Sequence[nodes.Node], root: Type, functions: Mapping[str, Signature]) -> Analysis:
    """Follow a template through data of a type."""
    walk = _Walk(root, functions, tree)
    walk.body(tree, _Frame(walk.root, {"$": [walk.root]}))
    return Analysis(tuple(walk.references), tuple(walk.misuses), tuple(walk.printed))


class _Walk:
    def __init__(
        self, root: Type, functions: Mapping[str, Signature], tree: Sequence[nodes.Node]
    ) -> None:
        self.root = Value(root, ())
        self.references: list[Reference] = []
        self.misuses: list[Misuse] = []
        self.printed: list[Printed] = []
        self._functions = functions
        self._named: dict[str, tuple[nodes.Node, ...]] = {}
        self._entered: set[str] = set()
        self._find(tree, 0)

    def _find(self, body: Sequence[nodes.Node], depth: int) -> None:
        """Find the named templates; a `block` may stand anywhere."""
        for node in body if depth < MAX_DEPTH else ():
            if isinstance(node, (nodes.Define, nodes.Block)):
                self._named[node.name] = node.body
            if isinstance(node, (nodes.If, nodes.Range, nodes.With)):
                self._find(node.else_body or (), depth + 1)
            if isinstance(node, (nodes.If, nodes.Range, nodes.With, nodes.Block, nodes.Define)):
                self._find(node.body, depth + 1)

    def body(self, body: Sequence[nodes.Node], frame: _Frame) -> None:
        """Walk nodes in their order."""
        if frame.depth > MAX_DEPTH:
            return
        for node in body:
            match node:
                case nodes.Action():
                    value = self._pipeline(node.pipe, frame)
                    if not node.pipe.declarations:
                        steps = value.steps or ()
                        self.printed.append(Printed(node.line, node.column, value.type, steps))
                case nodes.If() | nodes.Range() | nodes.With():
                    self._branch(node, frame)
                case nodes.Template():
                    self._use(node, node.pipe, frame)
                case nodes.Block():
                    self._use(node, node.pipe, frame)

    def _branch(self, node: nodes.If | nodes.Range | nodes.With, frame: _Frame) -> None:
        scope = replace(frame, variables=dict(frame.variables))
        value = self._pipeline(node.pipe, scope, ranged=isinstance(node, nodes.Range))
        if isinstance(node, nodes.If):
            self.body(node.body, scope.inner(frame.dot))
        elif isinstance(node, nodes.With):
            self.body(node.body, scope.inner(value))
        else:
            self.body(node.body, scope.inner(Value(self._item(node.pipe, value.type))))
        self.body(node.else_body or (), scope.inner(frame.dot))

    def _item(self, at: nodes.Located, ranged: Type) -> Type:
        if isinstance(ranged, ListOf):
            return ranged.item
        if isinstance(ranged, MapOf):
            return ranged.value
        if isinstance(ranged, Struct) or ranged.go in ("string", "bool", "float64"):
            self._misuse(at, f"range can't iterate over {ranged.go}")
        return ANY if ranged == ANY else ranged

    def _use(
        self, node: nodes.Template | nodes.Block, pipe: nodes.Pipeline | None, frame: _Frame
    ) -> None:
        value = self._pipeline(pipe, frame) if pipe else UNKNOWN
        if node.name not in self._named:
            self._misuse(node, f'template "{node.name}" not defined')
        elif node.name not in self._entered:
            self._entered.add(node.name)
            inner = _Frame(value, {"$": [value]}, frame.conditional, frame.depth + 1)
            self.body(self._named[node.name], inner)

    def _pipeline(self, pipe: nodes.Pipeline, frame: _Frame, *, ranged: bool = False) -> Value:
        if frame.depth > MAX_DEPTH:
            return UNKNOWN
        value: Value | None = None
        for command in pipe.commands:
            value = self._command(command, frame, value)
        made = value or UNKNOWN
        for i, variable in enumerate(pipe.declarations):
            taken = made
            if ranged:
                is_item = i == len(pipe.declarations) - 1
                item = self._item(pipe, made.type) if is_item else ANY
                taken = Value(item)
            if not pipe.is_assign:
                frame.variables[variable.name] = [taken]
            elif variable.name in frame.variables:
                frame.variables[variable.name][0] = UNKNOWN
            else:  # Go parses it as a declaration, and finds none when it runs (exec.go, setVar)
                self._misuse(variable, f"undefined variable: {variable.name}; declare it with :=")
                frame.variables[variable.name] = [UNKNOWN]
        return made

    def _command(self, command: nodes.Command, frame: _Frame, piped: Value | None) -> Value:
        first, *others = command.arguments
        if isinstance(first, nodes.Function):
            return self._call(first, others, frame, piped)
        if isinstance(first, nodes.Chain) and isinstance(first.node, nodes.Function):
            return self._operand(first, frame)
        value = self._operand(first, frame)
        given = [self._operand(other, frame) for other in others]
        if given or piped:
            if isinstance(first, (nodes.Field, nodes.Chain)) or (
                isinstance(first, nodes.Variable) and first.fields
            ):
                if value.type != ANY:
                    self._misuse(first, "a field is not a method but has arguments")
                return UNKNOWN
            self._misuse(first, "can't give argument to non-function")
        return value

    def _operand(self, node: nodes.Operand, frame: _Frame) -> Value:
        match node:
            case nodes.Dot():
                return frame.dot
            case nodes.Field():
                return self._refer(self._fields(frame.dot, node.names, node), frame)
            case nodes.Variable():
                value = frame.variables.get(node.name, [UNKNOWN])[0]
                start = node.column + len(node.name)
                return self._refer(self._fields(value, node.fields, node, start), frame)
            case nodes.Chain():
                value = (
                    self._call(node.node, [], frame, None)
                    if isinstance(node.node, nodes.Function)
                    else self._nested(node.node, frame)
                )
                return self._refer(self._fields(value, node.fields, node, 0), frame)
            case nodes.Function():
                return self._call(node, [], frame, None)
            case nodes.Pipeline():
                return self._nested(node, frame)
            case nodes.String():
                return Value(TEXT, literal=node.value)
            case nodes.Bool():
                return Value(Plain("bool"))
            case nodes.Number():
                return Value(Plain("number", number_kind(node)))
        return UNKNOWN

    def _nested(self, pipe: nodes.Pipeline, frame: _Frame) -> Value:
        inner = _Frame(frame.dot, frame.variables, frame.conditional, frame.depth + 1)
        return self._pipeline(pipe, inner)

    def _fields(
        self, value: Value, names: Sequence[str], at: nodes.Located, column: int | None = None
    ) -> Value:
        """Take fields of a value; `column` is where the first dot stands, 0 if that is unknown."""
        dot = at.column if column is None else column
        for name in names:
            place = dot + 1 if dot else at.column
            dot = dot + 1 + len(name) if dot else 0
            step = Step(name, at.line, place)
            found = self._field(value.type, step)
            steps = None if value.steps is None else (*value.steps, step)
            value = Value(found, steps)
        return value

    def _field(self, owner: Type, step: Step) -> Type:
        if isinstance(owner, MapOf):
            return owner.value
        if isinstance(owner, Struct):
            if step.name in owner.fields:
                return owner.fields[step.name]
            if owner.has_methods and step.name[:1].isupper():
                return ANY
            near = difflib.get_close_matches(step.name, owner.fields, n=1) or [
                known for known in owner.fields if known.lower() == step.name.lower()
            ]
            hint = f'; did you mean "{near[0]}"?' if near else ""
            told = f"can't evaluate field {step.name} in type {owner.go}{hint}"
        elif owner == ANY:
            return ANY
        else:
            told = f"can't evaluate field {step.name} in type {owner.go}"
        self.misuses.append(Misuse(step.line, step.column, told, MisuseKind.FIELD))
        return ANY

    def _refer(self, value: Value, frame: _Frame) -> Value:
        if value.steps:
            self.references.append(Reference(value.steps, frame.conditional))
        return value

    def _call(
        self,
        function: nodes.Function,
        arguments: Sequence[nodes.Operand],
        frame: _Frame,
        piped: Value | None,
    ) -> Value:
        name = function.name
        given: list[tuple[nodes.Located, Value]] = []
        for i, argument in enumerate(arguments):
            lazy = name in ("and", "or") and i > 0
            inner = replace(frame, conditional=True) if lazy else frame
            given.append((argument, self._operand(argument, inner)))
        if piped:
            given.append((function, piped))
        known = self._functions.get(name)
        if known is None:
            return UNKNOWN
        result, path, misuses = judge(function, known, given)
        self.misuses.extend(misuses)
        for value in path:
            self._refer(value, frame)
        return result

    def _misuse(self, at: nodes.Located, message: str) -> None:
        self.misuses.append(Misuse(at.line, at.column, message, MisuseKind.CALL))
