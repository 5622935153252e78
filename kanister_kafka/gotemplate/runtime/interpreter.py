"""Actions and text in their order, by the rules of text/template/exec.go of Go 1.26.

A branch that depends on symbolic values stays in the text, with the known values filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Union

from kanister_kafka.gotemplate import nodes
from kanister_kafka.gotemplate.formatter import format_action, format_keyword, format_pipeline
from kanister_kafka.gotemplate.lexer import UNICODE_SPACES, quote
from kanister_kafka.gotemplate.nodes import VariableNode
from kanister_kafka.gotemplate.runtime import symbolic
from kanister_kafka.gotemplate.runtime.expressions import (
    ExecutionError,
    ExpressionEvaluator,
    VariableStack,
)
from kanister_kafka.gotemplate.runtime.fmt import text as printed
from kanister_kafka.gotemplate.runtime.values import (
    NOTHING,
    TEXT_STEP,
    CannotIsolateError,
    GoMap,
    GoNil,
    GoSlice,
    SymbolicValue,
    UnsupportedError,
    Value,
    cost,
    go_type,
    is_known,
    truth,
)

# The output of a template: text, and the actions that are left to the run.


class OutputBuffer:
    """The text so far."""

    def __init__(self, machine: ExpressionEvaluator) -> None:
        self.parts: list[str] = []
        self.is_symbolic = False
        """Whether there are actions in it."""
        self._machine = machine

    def write(self, text: str) -> None:
        """Add text."""
        self._machine.step(len(text) // TEXT_STEP)
        self.parts.append(text)

    def print(self, value: Value) -> None:
        """Add a value, or the action that prints it."""
        if not is_known(value):
            self.leave("", value)
            return
        self._machine.step(cost(value))
        try:
            self.write("<no value>" if value is None else printed(value))
        except UnsupportedError:
            self.leave("", value)

    def leave(
        self,
        word: str,
        value: Value,
        names: Sequence[VariableNode] = (),
        *,
        is_assign: bool = False,
    ) -> None:
        """Add an action: a word such as `if`, and the expression of a value."""
        left = symbolic.of(value)
        if left.level not in (0, self._machine.level):
            raise CannotIsolateError  # Go has no word for the dot of an outer action
        pipe = symbolic.pipeline(left, names, is_assign=is_assign)
        self.write(format_action(word, format_pipeline(pipe, at_root=not self._machine.level)))
        self.is_symbolic = True


MAX_DEPTH = 50
"""Deepest use of named templates within each other that is followed here; Go's is 100000."""

_END = format_action("end")
_Branch = Union[nodes.IfNode, nodes.RangeNode, nodes.WithNode]


class _Jump(Exception):  # noqa: N818 - no error
    """Leaves the body of a loop that is unrolled."""

    def __init__(self, *, is_break: bool) -> None:
        super().__init__()
        self.is_break = is_break


class _KeptJump(Exception):  # noqa: N818 - no error
    """Ends a body that stays in the text: what follows is never reached."""


@dataclass(slots=True)
class _Loop:
    is_kept: bool
    branches: int = 0
    """How many branches that stay in the text are open in it."""


class _Construct(str):
    """A branch that stays in the text, with its `end`."""

    __slots__ = ()


class Interpreter:
    """Runs one template."""

    def __init__(self, machine: ExpressionEvaluator, tree: Sequence[nodes.AnyNode]) -> None:
        self.out = OutputBuffer(machine)
        self._machine = machine
        self._templates: dict[str, tuple[nodes.AnyNode, ...]] = {}
        self._loops: list[_Loop] = []
        self._depth = 0
        self._find(tree)

    def _find(self, tree: Sequence[nodes.AnyNode]) -> None:
        """Find the named templates; of two of a name the one with something in it counts."""
        pending = list(reversed(tree))
        while pending:
            node = pending.pop()
            if isinstance(node, (nodes.DefineNode, nodes.BlockNode)):
                if all(map(_is_blank, self._templates.get(node.name, ()))):
                    self._templates[node.name] = node.body
                pending += reversed(node.body)
            elif isinstance(node, (nodes.IfNode, nodes.RangeNode, nodes.WithNode)):
                pending += reversed(node.body + (node.else_body or ()))

    def body(self, body: Sequence[nodes.AnyNode], dot: Value) -> None:
        """Run nodes in their order."""
        for node in body:
            self._machine.step()
            match node:
                case nodes.TextNode():
                    self.out.write(node.text)
                case nodes.ActionNode():
                    self._action(node, dot)
                case nodes.IfNode() | nodes.WithNode():
                    self._scoped(self._if, node, dot)
                case nodes.RangeNode():
                    self._scoped(self._range, node, dot)
                case nodes.TemplateNode() | nodes.BlockNode():
                    self._template(node, dot)
                case nodes.BreakNode() | nodes.ContinueNode():
                    self._jump(node)

    def _scoped(
        self, run: Callable[[_Branch, Value, Value], None], node: _Branch, dot: Value
    ) -> None:
        """Run a branch on the value of its pipeline, and forget its variables."""
        mark = len(self._machine.cells.all)
        run(node, dot, self._machine.pipeline(node.pipe, dot))
        del self._machine.cells.all[mark:]

    def _action(self, node: nodes.ActionNode, dot: Value) -> None:
        value = self._machine.pipeline(node.pipe, dot)
        if not node.pipe.declarations:
            self.out.print(value)
        elif names := self._machine.cells.settle(node.pipe, value):
            self.out.leave("", value, names, is_assign=node.pipe.is_assign)

    def _if(self, node: _Branch, dot: Value, value: Value) -> None:
        is_true, is_with = truth(value), isinstance(node, nodes.WithNode)
        names = self._machine.cells.settle(node.pipe, value)
        if is_true is None:
            level = self._machine.level + is_with
            inner = symbolic.dot(level) if is_with else dot
            self._keep(node, value, names, (inner, level), dot)
        elif is_true:
            self.body(node.body, value if is_with else dot)
        else:
            self.body(node.else_body or (), dot)

    def _keep(
        self,
        node: _Branch,
        value: Value,
        names: Sequence[nodes.VariableNode],
        inner: tuple[Value, int],
        dot: Value,
    ) -> None:
        """Leave a branch in the text; `inner` is the dot in its body, and its level."""
        parts = self.out.parts
        start = len(parts)
        self.out.leave(format_keyword(node), value, names)
        parts += self._aside(node.body, *inner, is_loop=isinstance(node, nodes.RangeNode))
        if node.else_body is not None:
            else_parts = self._aside(node.else_body, dot, self._machine.level)
            is_chain = [type(child) for child in node.else_body] == [type(node)]
            if is_chain and len(else_parts) == 1 and isinstance(else_parts[0], _Construct):
                parts.append(f"{{{{ else {else_parts[0][3 : -len(_END)]}")
            else:
                parts += [format_action("else"), *else_parts]
        parts[start:] = [_Construct("".join(parts[start:]) + _END)]

    def _aside(
        self, body: Sequence[nodes.AnyNode], dot: Value, level: int, *, is_loop: bool = False
    ) -> list[str]:
        """Run what the run may not come to, and return what the text has for it."""
        machine, cells, parts = self._machine, self._machine.cells, list[str]()
        before = self.out.parts, machine.level, machine.is_sure, cells.barrier
        mark, open_loops = len(cells.all), len(self._loops)
        self.out.parts, machine.level, machine.is_sure, cells.barrier = parts, level, False, mark
        if is_loop:
            self._loops.append(_Loop(is_kept=True))
        elif self._loops:
            self._loops[-1].branches += 1
        try:
            self.body(body, dot)
        except _KeptJump:
            pass
        except ExecutionError as failure:
            machine.doubts.append(failure)
            raise CannotIsolateError from None
        if self._loops and not is_loop:
            self._loops[-1].branches -= 1
        del cells.all[mark:], self._loops[open_loops:]
        self.out.parts, machine.level, machine.is_sure, cells.barrier = before
        return parts

    def _jump(self, node: nodes.BreakNode | nodes.ContinueNode) -> None:
        loop = self._loops[-1]
        if loop.is_kept:
            self.out.parts.append(format_action(format_keyword(node)))
            raise _KeptJump
        if loop.branches:
            raise CannotIsolateError
        raise _Jump(is_break=isinstance(node, nodes.BreakNode))

    def _range(self, node: _Branch, dot: Value, value: Value) -> None:
        pipe, cells = node.pipe, self._machine.cells
        if isinstance(value, SymbolicValue) or (isinstance(value, GoMap) and value.is_open):
            if pipe.is_assign:
                raise CannotIsolateError
            for variable in pipe.declarations:
                cells.keep(variable.name, is_new=True)
            level = self._machine.level + 1
            self._keep(node, value, pipe.declarations, (symbolic.dot(level), level), dot)
            return
        mark, is_empty = len(cells.all), True
        self._loops.append(_Loop(is_kept=False))
        for key, item in self._items(node, value):
            is_empty = False
            self._machine.step()
            self._set(pipe, key, item)
            try:
                self.body(node.body, item)
            except _Jump as jump:
                if jump.is_break:
                    break
            finally:
                del cells.all[mark:]
        self._loops.pop()
        if is_empty:
            self.body(node.else_body or (), dot)

    def _set(self, pipe: nodes.PipeNode, key: Value, item: Value) -> None:
        """Give the variables of a `range` their values; a single one takes the item."""
        cells, count = self._machine.cells, len(pipe.declarations)
        for i, value in enumerate((key, item)[2 - count :]):
            if pipe.is_assign:
                cells.assign(pipe.declarations[i].name, value)
            else:
                cell = cells.all[i - count]
                cell.value, cell.is_kept = value, False

    def _items(self, node: _Branch, value: Value) -> Iterator[tuple[Value, Value]]:
        last = node.pipe.commands[-1]
        match value:
            case None:
                return
            case GoSlice():
                pairs: Iterator[tuple[Value, Value]] = enumerate(value.items)
            case GoMap():
                pairs = ((key, value.entries[key]) for key in sorted(value.entries))
            case int() if not isinstance(value, bool):
                if len(node.pipe.declarations) > 1:
                    message = f"can't use {value} to iterate over more than one variable"
                    raise self._machine.failure(last, message)
                pairs = ((None, type(value)(i)) for i in range(value))
            case _:
                plain = isinstance(value, (bool, float, str, GoNil))
                shown = printed(value) if plain else go_type(value)
                raise self._machine.failure(last, f"range can't iterate over {shown}")
        for key, item in pairs:
            yield key, NOTHING if item is None else item

    def _template(self, node: nodes.TemplateNode | nodes.BlockNode, dot: Value) -> None:
        machine = self._machine
        if node.name not in self._templates:
            message = f"template {quote(node.name)} not defined"
            raise ExecutionError(node, f"{{{{template {quote(node.name)}}}}}", message)
        value = machine.pipeline(node.pipe, dot) if node.pipe else None
        if any(cell.is_kept for cell in machine.cells.all) or self._depth > MAX_DEPTH:
            raise CannotIsolateError  # a variable within might take the name of one that is kept
        outer, machine.cells = machine.cells, VariableStack(value)
        self._depth += 1
        self.body(self._templates[node.name], value)
        self._depth -= 1
        machine.cells = outer


def _is_blank(node: nodes.AnyNode) -> bool:
    return isinstance(node, nodes.TextNode) and not node.text.strip(UNICODE_SPACES)
