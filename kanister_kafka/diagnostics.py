"""What is wrong in an input, as data: the rule, the severity, the location, the message."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Severity(enum.Enum):
    """The worst first. An error stops the run, the others do not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    def reaches(self, least: Severity) -> bool:
        """Report whether this is at least as bad as `least`."""
        return _RANKS[self] <= _RANKS[least]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Location(NamedTuple):
    """A place in the input, ordered by source, line and column.

    For an object read from a cluster `source` is `Kind/namespace/name` and line and column are 0.
    A tuple, because each value of the input has one: it takes a third of the time of a dataclass.
    """

    source: str
    line: int = 0
    """Counted from 1; 0 if there is no text."""
    column: int = 0
    """Counted from 1; 0 if there is no text."""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that is wrong in an input, worded as kubectl words its own.

    All packages that know locations use it. gotemplate has its own classes: it knows lines of a
    text and nothing of files.
    """

    rule: str
    """Id of the rule, such as `ephemeral-storage`: a section of docs/rules.md has this title."""
    severity: Severity
    location: Location
    path: str
    """Field path such as `spec.kafka.storage.type`; empty for a whole file."""
    message: str

    @property
    def check(self) -> str:
        """Deprecated name of `rule`."""
        import warnings  # seldom needed

        message = "Diagnostic.check is deprecated: use Diagnostic.rule"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return self.rule

    @property
    def statement(self) -> str:
        """The part of its line behind the severity: path, message and rule."""
        where = f"{self.path}: " if self.path else ""
        return f"{where}{self.message} ({self.rule})"

    def __str__(self) -> str:
        return f"{self.location}: {self.severity.value}: {self.statement}"

    def fields(self) -> dict[str, str | int]:
        """Return it as the object that our JSON has of it."""
        return {
            "file": self.location.source,
            "line": self.location.line,
            "column": self.location.column,
            "severity": self.severity.value,
            "check": self.rule,
            "path": self.path,
            "message": self.message,
        }


Diagnostics = Iterator[Diagnostic]


def error(rule: str, location: Location, path: str, message: str) -> Diagnostic:
    """Build a diagnostic that stops the run."""
    return Diagnostic(rule, Severity.ERROR, location, path, message)


def warning(rule: str, location: Location, path: str, message: str) -> Diagnostic:
    """Build a diagnostic that is reported and does not stop the run."""
    return Diagnostic(rule, Severity.WARNING, location, path, message)


def sort_diagnostics(problems: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort by location, without duplicates."""
    return tuple(sorted(set(problems), key=lambda p: (p.location, p.path, p.rule, p.message)))


def has_error(problems: Iterable[Diagnostic]) -> bool:
    """Report whether any of them stops the run."""
    return any(problem.severity is Severity.ERROR for problem in problems)
