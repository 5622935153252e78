"""Problems as data: what is wrong, where, and how bad it is."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Severity(enum.Enum):
    """How bad a problem is, the worst first: an error stops the run, the others do not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    def reaches(self, least: Severity) -> bool:
        """Tell whether it is as bad as another, or worse."""
        return _RANKS[self] <= _RANKS[least]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Location(NamedTuple):
    """A place in the input; in order by source, line and column.

    For an object read from a cluster `source` is `Kind/namespace/name` and line and column are 0.
    A tuple, as each value of the input has one: made in a third of the time of a dataclass.
    """

    source: str
    line: int = 0
    """Counted from 1; 0 where there is no text."""
    column: int = 0
    """Counted from 1; 0 where there is no text."""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding, worded as kubectl words its own."""

    check: str
    """Id of the check, such as `ephemeral-storage`; a section of docs/rules.md bears its name."""
    severity: Severity
    location: Location
    path: str
    """Field path such as `spec.kafka.storage.type`; empty for a whole file."""
    message: str

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{self.location}: {self.severity.value}: {where}{self.message} ({self.check})"

    def fields(self) -> dict[str, str | int]:
        """Return it as the object that our JSON has of it."""
        return {
            "file": self.location.source,
            "line": self.location.line,
            "column": self.location.column,
            "severity": self.severity.value,
            "check": self.check,
            "path": self.path,
            "message": self.message,
        }


def error(check: str, location: Location, path: str, message: str) -> Diagnostic:
    """Make a problem that stops the run."""
    return Diagnostic(check, Severity.ERROR, location, path, message)


def warning(check: str, location: Location, path: str, message: str) -> Diagnostic:
    """Make a problem that is told and does not stop the run."""
    return Diagnostic(check, Severity.WARNING, location, path, message)


def sort_diagnostics(problems: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort by place, each finding once."""
    return tuple(sorted(set(problems), key=lambda p: (p.location, p.path, p.check, p.message)))


def has_error(problems: Iterable[Diagnostic]) -> bool:
    """Tell whether any of them stops the run."""
    return any(problem.severity is Severity.ERROR for problem in problems)
