"""The tree of a Go template, each node with its place in the text.

A tree is what text/template/parse/node.go of Go 1.26 builds, but that `define` and `block` stay
where they were written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from typing import NamedTuple, Union


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Node:
    """A place in the text, both numbers counted from 1."""

    line: int
    column: int
    """Counted in characters."""

    # Here for all of them: a class that gets its own takes twice as long to make, and is one of 22.

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash((type(self), _values(self)))


def _values(node: object) -> tuple[object, ...]:
    return tuple(getattr(node, field.name) for field in fields(node))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, eq=False)
class DotNode(Node):
    """The cursor, `.`."""


@dataclass(frozen=True, slots=True, eq=False)
class NilNode(Node):
    """The constant `nil`."""


@dataclass(frozen=True, slots=True, eq=False)
class BoolNode(Node):
    """The constant `true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True, eq=False)
class NumberNode(Node):
    """A number or character constant."""

    value: int | float | complex
    text: str
    """As it is in the text."""


@dataclass(frozen=True, slots=True, eq=False)
class StringNode(Node):
    """A string constant, quoted or raw."""

    value: str
    """Without quotes and escapes; bytes that are not UTF-8 are replaced."""
    text: str
    """As it is in the text, quotes included."""


@dataclass(frozen=True, slots=True, eq=False)
class FieldNode(Node):
    """Fields of the cursor: `.A.B`."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class VariableNode(Node):
    """A variable with the fields taken of it: `$x.A`."""

    name: str
    """With its dollar sign."""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class IdentifierNode(Node):
    """The name of a function, known or not."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class ChainNode(Node):
    """Fields of the value of a function or of parentheses: `(f .).A`."""

    node: IdentifierNode | PipeNode
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CommandNode(Node):
    """One stage of a pipeline: an operand, or a function with its arguments."""

    arguments: tuple[Operand, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PipeNode(Node):
    """Commands joined by `|`, and the variables that take the result."""

    declarations: tuple[VariableNode, ...]
    is_assign: bool
    """Whether the variables are set by `=`, not made by `:=`."""
    commands: tuple[CommandNode, ...]


Operand = Union[
    DotNode,
    NilNode,
    BoolNode,
    NumberNode,
    StringNode,
    FieldNode,
    VariableNode,
    IdentifierNode,
    ChainNode,
    PipeNode,
]


@dataclass(frozen=True, slots=True, eq=False)
class TextNode(Node):
    """Text to copy, already trimmed."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class ActionNode(Node):
    """A pipeline whose value is printed, unless it declares variables."""

    pipe: PipeNode


@dataclass(frozen=True, slots=True, eq=False)
class _BranchNode(Node):
    """The parts that `if`, `range` and `with` have in common."""

    pipe: PipeNode
    body: tuple[AnyNode, ...]
    else_body: tuple[AnyNode, ...] | None
    """None without `else`; one node of the same kind for `else if` and `else with`."""


@dataclass(frozen=True, slots=True, eq=False)
class IfNode(_BranchNode):
    """An `if` action."""


@dataclass(frozen=True, slots=True, eq=False)
class RangeNode(_BranchNode):
    """A `range` action."""


@dataclass(frozen=True, slots=True, eq=False)
class WithNode(_BranchNode):
    """A `with` action."""


@dataclass(frozen=True, slots=True, eq=False)
class DefineNode(Node):
    """A named template."""

    name: str
    body: tuple[AnyNode, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TemplateNode(Node):
    """The use of a named template."""

    name: str
    pipe: PipeNode | None


@dataclass(frozen=True, slots=True, eq=False)
class BlockNode(Node):
    """A named template and its use at once."""

    name: str
    pipe: PipeNode
    body: tuple[AnyNode, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BreakNode(Node):
    """A `break` action."""


@dataclass(frozen=True, slots=True, eq=False)
class ContinueNode(Node):
    """A `continue` action."""


AnyNode = Union[
    TextNode,
    ActionNode,
    IfNode,
    RangeNode,
    WithNode,
    DefineNode,
    TemplateNode,
    BlockNode,
    BreakNode,
    ContinueNode,
]


class ParseErrorKind(Enum):
    """The kind of a fault."""

    SYNTAX = "syntax"
    UNKNOWN_FUNCTION = "unknown-function"


class ParseError(NamedTuple):
    """One thing that is wrong with a template, in Go's words."""

    line: int
    column: int
    message: str
    kind: ParseErrorKind


class ParsedTemplate(NamedTuple):
    """The tree of a template, as far as it could be read, and what is wrong with it."""

    nodes: tuple[AnyNode, ...]
    errors: tuple[ParseError, ...]
    """The first error of syntax, or else every use of an unknown function."""


def pipelines_of(tree: Sequence[AnyNode]) -> Iterator[PipeNode]:
    """Yield every pipeline of a tree, those within parentheses too."""
    pending: list[AnyNode | CommandNode | Operand] = list(tree)
    while pending:
        node = pending.pop(0)
        match node:
            case CommandNode():
                pending += node.arguments
            case PipeNode():
                yield node
                pending += node.commands
            case ChainNode():
                pending.append(node.node)
            case ActionNode():
                pending.append(node.pipe)
            case IfNode() | RangeNode() | WithNode():
                pending += [node.pipe, *node.body, *(node.else_body or ())]
            case BlockNode():
                pending += (node.pipe, *node.body)
            case DefineNode():
                pending += node.body
            case TemplateNode() if node.pipe is not None:
                pending.append(node.pipe)
