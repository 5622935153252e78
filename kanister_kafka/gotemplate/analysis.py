"""What is known of a template before it runs: the paths it follows, and what cannot work."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from kanister_kafka.gotemplate.types import ANY, Type


class Step(NamedTuple):
    """One name on a path from the root of the data."""

    name: str
    line: int
    column: int
    by_index: bool = False
    """Whether it is taken by `index`, which gives nothing where a field would fail."""


class Reference(NamedTuple):
    """A path that is followed."""

    steps: tuple[Step, ...]
    conditional: bool
    """Whether something around it decides if it is followed at all."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names alone."""
        return tuple(step.name for step in self.steps)


class MisuseKind(Enum):
    """What cannot work."""

    FIELD = "field"
    CALL = "call"


class Misuse(NamedTuple):
    """One thing that fails whenever the run comes there, in Go's words."""

    line: int
    column: int
    message: str
    kind: MisuseKind


class Printed(NamedTuple):
    """A value that goes into the text."""

    line: int
    column: int
    type: Type
    steps: tuple[Step, ...]


class Analysis(NamedTuple):
    """What is known of a template before it runs."""

    references: tuple[Reference, ...]
    misuses: tuple[Misuse, ...]
    printed: tuple[Printed, ...]


class Value(NamedTuple):
    """What is known of a value while a template is followed."""

    type: Type = ANY
    steps: tuple[Step, ...] | None = None
    """The path it lies at; None where that is not known."""
    literal: str | None = None
    """Its text, where it is a string that stands in the template."""


UNKNOWN = Value()
