"""A template on data of which a part is not known: what is known is filled in, the rest stays.

A text that comes out with actions left in it gives, once it runs on all of the data, what the
template itself would give; only what fails in an expression that nothing prints is not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from kanister_kafka.gotemplate.nodes import AnyNode
from kanister_kafka.gotemplate.runtime.expressions import (
    ExecutionError,
    ExpressionEvaluator,
    FunctionSet,
)
from kanister_kafka.gotemplate.runtime.interpreter import Interpreter
from kanister_kafka.gotemplate.runtime.values import CannotIsolateError, Value


@dataclass(frozen=True, slots=True)
class EvaluationError:
    """A failure of the template when it runs."""

    line: int
    column: int
    at: str
    """The failing expression, as it is in the text."""
    message: str
    """In Go's words."""
    is_certain: bool
    """Whether it fails in any run, not only if something symbolic has a certain value."""


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """The output of a template."""

    text: str
    """The template itself if it fails."""
    is_symbolic: bool
    """Whether there are actions left in it for the run."""
    faults: tuple[EvaluationError, ...]


def evaluate(
    text: str, tree: Sequence[AnyNode], data: Value, library: FunctionSet
) -> EvaluationResult:
    """Run a template, given with its tree, on data."""
    machine = ExpressionEvaluator(data, library)
    walk = Interpreter(machine, tree)
    certain: tuple[EvaluationError, ...] = ()
    is_symbolic = True
    try:
        walk.body(tree, data)
        text, is_symbolic = "".join(walk.out.parts), walk.out.is_symbolic
    except ExecutionError as failure:
        is_symbolic = False
        certain = (_fault(failure, is_certain=True),)
    except (CannotIsolateError, RecursionError):
        pass
    doubts = (_fault(failure, is_certain=False) for failure in machine.doubts)
    return EvaluationResult(text, is_symbolic, tuple(chain(doubts, certain)))


def _fault(failure: ExecutionError, *, is_certain: bool) -> EvaluationError:
    node = failure.node
    return EvaluationError(node.line, node.column, failure.at, str(failure), is_certain)
