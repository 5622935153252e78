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
class Located:
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
    return tuple(getattr(node, one.name) for one in fields(node))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, eq=False)
class Dot(Located):
    """The cursor, `.`."""


@dataclass(frozen=True, slots=True, eq=False)
class Nil(Located):
    """The constant `nil`."""


@dataclass(frozen=True, slots=True, eq=False)
class Bool(Located):
    """The constant `true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True, eq=False)
class Number(Located):
    """A number or character constant."""

    value: int | float | complex
    text: str
    """As it is spelled."""


@dataclass(frozen=True, slots=True, eq=False)
class String(Located):
    """A string constant, quoted or raw."""

    value: str
    """Without quotes and escapes; bytes that are no UTF-8 are replaced."""
    text: str
    """As it is spelled, quotes included."""


@dataclass(frozen=True, slots=True, eq=False)
class Field(Located):
    """Fields of the cursor: `.A.B`."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Variable(Located):
    """A variable with the fields taken of it: `$x.A`."""

    name: str
    """With its dollar sign."""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Function(Located):
    """The name of a function, known or not."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Chain(Located):
    """Fields of the value of a function or of parentheses: `(f .).A`."""

    node: Function | Pipeline
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Command(Located):
    """One stage of a pipeline: an operand, or a function with its arguments."""

    arguments: tuple[Operand, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline(Located):
    """Commands joined by `|`, and the variables that take the result."""

    declarations: tuple[Variable, ...]
    is_assign: bool
    """Whether the variables are set by `=`, not made by `:=`."""
    commands: tuple[Command, ...]


Operand = Union[Dot, Nil, Bool, Number, String, Field, Variable, Function, Chain, Pipeline]


@dataclass(frozen=True, slots=True, eq=False)
class Text(Located):
    """Text to copy, already trimmed."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Action(Located):
    """A pipeline whose value is printed, unless it declares variables."""

    pipe: Pipeline


@dataclass(frozen=True, slots=True, eq=False)
class _Branch(Located):
    """What `if`, `range` and `with` have in common."""

    pipe: Pipeline
    body: tuple[Node, ...]
    else_body: tuple[Node, ...] | None
    """None without `else`; one node of the same kind for `else if` and `else with`."""


@dataclass(frozen=True, slots=True, eq=False)
class If(_Branch):
    """An `if` action."""


@dataclass(frozen=True, slots=True, eq=False)
class Range(_Branch):
    """A `range` action."""


@dataclass(frozen=True, slots=True, eq=False)
class With(_Branch):
    """A `with` action."""


@dataclass(frozen=True, slots=True, eq=False)
class Define(Located):
    """A named template."""

    name: str
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Template(Located):
    """The use of a named template."""

    name: str
    pipe: Pipeline | None


@dataclass(frozen=True, slots=True, eq=False)
class Block(Located):
    """A named template and its use at once."""

    name: str
    pipe: Pipeline
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Break(Located):
    """A `break` action."""


@dataclass(frozen=True, slots=True, eq=False)
class Continue(Located):
    """A `continue` action."""


Node = Union[Text, Action, If, Range, With, Define, Template, Block, Break, Continue]


class FaultKind(Enum):
    """What a fault is about."""

    SYNTAX = "syntax"
    UNKNOWN_FUNCTION = "unknown-function"


class TemplateFault(NamedTuple):
    """One thing that is wrong with a template, in Go's words."""

    line: int
    column: int
    message: str
    kind: FaultKind


class Parsed(NamedTuple):
    """The tree of a template, as far as it could be read, and what is wrong with it."""

    nodes: tuple[Node, ...]
    errors: tuple[TemplateFault, ...]
    """The first error of syntax, or else every use of an unknown function."""


def pipelines_of(tree: Sequence[Node]) -> Iterator[Pipeline]:
    """Yield every pipeline of a tree, those within parentheses too."""
    pending: list[Node | Command | Operand] = list(tree)
    while pending:
        node = pending.pop(0)
        match node:
            case Command():
                pending += node.arguments
            case Pipeline():
                yield node
                pending += node.commands
            case Chain():
                pending.append(node.node)
            case Action():
                pending.append(node.pipe)
            case If() | Range() | With():
                pending += (node.pipe, *node.body, *(node.else_body or ()))
            case Block():
                pending += (node.pipe, *node.body)
            case Define():
                pending += node.body
            case Template() if node.pipe is not None:
                pending.append(node.pipe)
