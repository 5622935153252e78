"""The data that a template asks for: the paths it follows, and calls that always fail.

The rules are those of text/template/exec.go and funcs.go of Go 1.26. Values that only the run shows
are not judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from kanister_kafka.gotemplate import nodes
from kanister_kafka.gotemplate.types import (
    ANY,
    TEXT,
    UNKNOWN,
    BasicType,
    CheckResult,
    FunctionSignature,
    ListType,
    MapType,
    PathStep,
    PrintedValue,
    Reference,
    StructType,
    TemplateTypeError,
    Type,
    TypeErrorKind,
    Value,
    comparable,
    fits,
)
from kanister_kafka.similarity import nearest_name

# Whether a function can be called with its arguments, by text/template/funcs.go of Go 1.26.

CallArguments = Sequence[tuple[nodes.Node, Value]]
"""Arguments with their places; what is piped in is the last one."""
COMPARISONS = ("eq", "ge", "gt", "le", "lt", "ne")
CHOICES = ("and", "coalesce", "default", "or", "ternary")
"""Give one of their arguments, so that nothing is known of the result."""
NUMBERS = ("any", "float64", "int", "int64", "uint32")
"""Types of parameters that a number in a template is made to fit."""


def check_call(
    function: nodes.IdentifierNode, signature: FunctionSignature, arguments: CallArguments
) -> tuple[Value, tuple[Value, ...], tuple[TemplateTypeError, ...]]:
    """Return the result of a call, the values that an `index` goes through, and what fails."""
    name = function.name
    most = len(signature.parameters) if signature.rest is None else len(arguments)
    if not signature.least <= len(arguments) <= most:
        least = f"at least {signature.least}" if signature.rest else f"{signature.least}"
        message = f"wrong number of args for {name}: want {least} got {len(arguments)}"
        return Value(signature.result), (), (_misuse(function, message),)
    misuses = [
        _misuse(at, message)
        for i, (at, value) in enumerate(arguments)
        if (message := _refused(value, signature.parameter(i)))
    ]
    if name in COMPARISONS:
        misuses += _compared(function, [value for _at, value in arguments])
    if name == "index":
        path, faults = _indexed(arguments)
        return path[-1] if path else arguments[0][1], path, tuple(chain(misuses, faults))
    return UNKNOWN if name in CHOICES else Value(signature.result), (), tuple(misuses)


def number_kind(number: nodes.NumberNode) -> str:
    """Return what a comparison takes a number for."""
    if isinstance(number.value, int):
        return "int"
    return "float" if isinstance(number.value, float) else "complex"


def _misuse(at: nodes.Node, message: str) -> TemplateTypeError:
    return TemplateTypeError(at.line, at.column, message, TypeErrorKind.CALL)


def _refused(value: Value, parameter: Type) -> str:
    if value.type.go == "number":
        return "" if parameter.go in NUMBERS else f"expected {parameter.go}; found a number"
    if fits(value.type, parameter):
        return ""
    return f"wrong type for value; expected {parameter.go}; got {value.type.go}"


def _compared(
    function: nodes.IdentifierNode, values: Sequence[Value]
) -> Iterator[TemplateTypeError]:
    first, *kinds = (comparable(value.type) for value in values)
    for kind in kinds:
        if first and kind and kind != first and {kind, first} != {"int", "uint"}:
            yield _misuse(function, f"incompatible types for comparison: {first} and {kind}")


def _indexed(arguments: CallArguments) -> tuple[tuple[Value, ...], tuple[TemplateTypeError, ...]]:
    value = arguments[0][1]
    path, misuses = [], []
    for at, key in arguments[1:]:
        owner, message = value.type, ""
        element: Type = ANY
        if isinstance(owner, MapType):
            element = owner.value
            if comparable(key.type) not in ("", "string"):
                message = f"value has type {comparable(key.type)}; should be string"
        elif isinstance(owner, ListType):
            element = owner.item
            if comparable(key.type) not in ("", "int", "uint"):
                message = f"cannot index slice/array with type {key.type.go}"
        elif isinstance(owner, StructType):
            message = f"can't index item of type {owner.go}"
        if message:
            misuses.append(_misuse(at, message))
        steps = None
        if value.steps is not None and key.literal is not None:
            steps = (*value.steps, PathStep(key.literal, at.line, at.column, by_index=True))
        value = Value(element, steps)
        path.append(value)
    return tuple(path), tuple(misuses)


MAX_DEPTH = 60
"""Deepest nesting that is looked into; Blueprints have less than ten."""


@dataclass(slots=True)
class _Context:
    """Where a node stands: what the dot and the variables are there."""

    dot: Value
    variables: dict[str, list[Value]]
    """A cell for each, so that an assignment further in is seen further out."""
    conditional: bool = False
    depth: int = 0

    def inner(self, dot: Value) -> _Context:
        """Return the frame of the content of an action: whether it is run is not certain."""
        return _Context(dot, dict(self.variables), conditional=True, depth=self.depth + 1)


def check_template(
    tree: Sequence[nodes.AnyNode], root: Type, functions: Mapping[str, FunctionSignature]
) -> CheckResult:
    """Follow a template through data of a type."""
    walk = _Checker(root, functions, tree)
    walk.body(tree, _Context(walk.root, {"$": [walk.root]}))
    return CheckResult(tuple(walk.references), tuple(walk.misuses), tuple(walk.printed))


def _item(ranged: Type) -> Type:
    match ranged:
        case ListType():
            return ranged.item
        case MapType():
            return ranged.value
    return ranged


class _Checker:
    def __init__(
        self, root: Type, functions: Mapping[str, FunctionSignature], tree: Sequence[nodes.AnyNode]
    ) -> None:
        self.root = Value(root, ())
        self.references: list[Reference] = []
        self.misuses: list[TemplateTypeError] = []
        self.printed: list[PrintedValue] = []
        self._functions = functions
        self._named: dict[str, tuple[nodes.AnyNode, ...]] = {}
        self._entered: set[str] = set()
        self._find(tree, 0)

    def _find(self, body: Sequence[nodes.AnyNode], depth: int) -> None:
        """Find the named templates; a `block` may stand anywhere."""
        for node in body if depth < MAX_DEPTH else ():
            if isinstance(node, (nodes.DefineNode, nodes.BlockNode)):
                self._named[node.name] = node.body
            if isinstance(node, (nodes.IfNode, nodes.RangeNode, nodes.WithNode)):
                self._find(node.else_body or (), depth + 1)
            if isinstance(
                node,
                (nodes.IfNode, nodes.RangeNode, nodes.WithNode, nodes.BlockNode, nodes.DefineNode),
            ):
                self._find(node.body, depth + 1)

    def body(self, body: Sequence[nodes.AnyNode], frame: _Context) -> None:
        """Walk nodes in their order."""
        if frame.depth > MAX_DEPTH:
            return
        for node in body:
            match node:
                case nodes.ActionNode():
                    value = self._pipeline(node.pipe, frame)
                    if not node.pipe.declarations:
                        steps = value.steps or ()
                        self.printed.append(PrintedValue(node.line, node.column, value.type, steps))
                case nodes.IfNode() | nodes.RangeNode() | nodes.WithNode():
                    self._branch(node, frame)
                case nodes.TemplateNode():
                    self._use(node, node.pipe, frame)
                case nodes.BlockNode():
                    self._use(node, node.pipe, frame)

    def _branch(
        self, node: nodes.IfNode | nodes.RangeNode | nodes.WithNode, frame: _Context
    ) -> None:
        scope = replace(frame, variables=dict(frame.variables))
        value = self._pipeline(node.pipe, scope, ranged=isinstance(node, nodes.RangeNode))
        if isinstance(node, nodes.IfNode):
            self.body(node.body, scope.inner(frame.dot))
        elif isinstance(node, nodes.WithNode):
            self.body(node.body, scope.inner(value))
        else:
            if isinstance(value.type, StructType) or value.type.go in ("string", "bool", "float64"):
                self._misuse(node.pipe, f"range can't iterate over {value.type.go}")
            self.body(node.body, scope.inner(Value(_item(value.type))))
        self.body(node.else_body or (), scope.inner(frame.dot))

    def _use(
        self,
        node: nodes.TemplateNode | nodes.BlockNode,
        pipe: nodes.PipeNode | None,
        frame: _Context,
    ) -> None:
        value = self._pipeline(pipe, frame) if pipe else UNKNOWN
        if node.name not in self._named:
            self._misuse(node, f'template "{node.name}" not defined')
        elif node.name not in self._entered:
            self._entered.add(node.name)
            inner = _Context(value, {"$": [value]}, frame.conditional, frame.depth + 1)
            self.body(self._named[node.name], inner)

    def _pipeline(self, pipe: nodes.PipeNode, frame: _Context, *, ranged: bool = False) -> Value:
        if frame.depth > MAX_DEPTH:
            return UNKNOWN
        value: Value | None = None
        for command in pipe.commands:
            value = self._command(command, frame, value)
        result = value or UNKNOWN
        for i, variable in enumerate(pipe.declarations):
            taken = result
            if ranged:
                is_item = i == len(pipe.declarations) - 1
                taken = Value(_item(result.type) if is_item else ANY)
            if not pipe.is_assign:
                frame.variables[variable.name] = [taken]
            elif variable.name in frame.variables:
                frame.variables[variable.name][0] = UNKNOWN
            else:  # Go parses it as a declaration, and finds none when it runs (exec.go, setVar)
                self._misuse(variable, f"undefined variable: {variable.name}; declare it with :=")
                frame.variables[variable.name] = [UNKNOWN]
        return result

    def _command(self, command: nodes.CommandNode, frame: _Context, piped: Value | None) -> Value:
        first, *arguments = command.arguments
        if isinstance(first, nodes.IdentifierNode):
            return self._call(first, arguments, frame, piped)
        if isinstance(first, nodes.ChainNode) and isinstance(first.node, nodes.IdentifierNode):
            return self._operand(first, frame)
        value = self._operand(first, frame)
        values = [self._operand(argument, frame) for argument in arguments]
        if values or piped:
            if isinstance(first, (nodes.FieldNode, nodes.ChainNode)) or (
                isinstance(first, nodes.VariableNode) and first.fields
            ):
                if value.type != ANY:
                    self._misuse(first, "a field is not a method but has arguments")
                return UNKNOWN
            self._misuse(first, "can't give argument to non-function")
        return value

    def _operand(self, node: nodes.Operand, frame: _Context) -> Value:
        match node:
            case nodes.DotNode():
                return frame.dot
            case nodes.FieldNode():
                return self._refer(self._fields(frame.dot, node.names, node), frame)
            case nodes.VariableNode():
                value = frame.variables.get(node.name, [UNKNOWN])[0]
                start = node.column + len(node.name)
                return self._refer(self._fields(value, node.fields, node, start), frame)
            case nodes.ChainNode():
                value = (
                    self._call(node.node, [], frame, None)
                    if isinstance(node.node, nodes.IdentifierNode)
                    else self._nested(node.node, frame)
                )
                return self._refer(self._fields(value, node.fields, node, 0), frame)
            case nodes.IdentifierNode():
                return self._call(node, [], frame, None)
            case nodes.PipeNode():
                return self._nested(node, frame)
            case nodes.StringNode():
                return Value(TEXT, literal=node.value)
            case nodes.BoolNode():
                return Value(BasicType("bool"))
            case nodes.NumberNode():
                return Value(BasicType("number", number_kind(node)))
        return UNKNOWN

    def _nested(self, pipe: nodes.PipeNode, frame: _Context) -> Value:
        inner = _Context(frame.dot, frame.variables, frame.conditional, frame.depth + 1)
        return self._pipeline(pipe, inner)

    def _fields(
        self, value: Value, names: Sequence[str], at: nodes.Node, column: int | None = None
    ) -> Value:
        """Take fields of a value; `column` is where the first dot stands, 0 if that is unknown."""
        dot = at.column if column is None else column
        for name in names:
            step = PathStep(name, at.line, dot + 1 if dot else at.column)
            dot = dot + 1 + len(name) if dot else 0
            steps = None if value.steps is None else (*value.steps, step)
            value = Value(self._field(value.type, step), steps)
        return value

    def _field(self, owner: Type, step: PathStep) -> Type:
        if isinstance(owner, MapType):
            return owner.value
        if isinstance(owner, StructType):
            if step.name in owner.fields:
                return owner.fields[step.name]
            if owner.has_methods and step.name[:1].isupper():
                return ANY
            same = (field for field in owner.fields if field.lower() == step.name.lower())
            match = nearest_name(step.name, owner.fields) or next(same, "")
            hint = f'; did you mean "{match}"?' if match else ""
            message = f"can't evaluate field {step.name} in type {owner.go}{hint}"
        elif owner == ANY:
            return ANY
        else:
            message = f"can't evaluate field {step.name} in type {owner.go}"
        self.misuses.append(TemplateTypeError(step.line, step.column, message, TypeErrorKind.FIELD))
        return ANY

    def _refer(self, value: Value, frame: _Context) -> Value:
        if value.steps:
            self.references.append(Reference(value.steps, frame.conditional))
        return value

    def _call(
        self,
        function: nodes.IdentifierNode,
        arguments: Sequence[nodes.Operand],
        frame: _Context,
        piped: Value | None,
    ) -> Value:
        name = function.name
        operands: list[tuple[nodes.Node, Value]] = []
        for i, argument in enumerate(arguments):
            lazy = name in ("and", "or") and i > 0
            inner = replace(frame, conditional=True) if lazy else frame
            operands.append((argument, self._operand(argument, inner)))
        if piped:
            operands.append((function, piped))
        signature = self._functions.get(name)
        if signature is None:
            return UNKNOWN
        result, path, misuses = check_call(function, signature, operands)
        self.misuses.extend(misuses)
        for value in path:
            self._refer(value, frame)
        return result

    def _misuse(self, at: nodes.Node, message: str) -> None:
        self.misuses.append(TemplateTypeError(at.line, at.column, message, TypeErrorKind.CALL))
