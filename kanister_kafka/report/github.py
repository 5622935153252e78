"""Problems as workflow commands, which GitHub Actions shows as annotations of the change.

Escaped as the runner unescapes them (actions/runner, src/Runner.Common/ActionCommand.cs, and
packages/core/src/command.ts of actions/toolkit).
"""

from __future__ import annotations

from collections.abc import Iterable

from kanister_kafka.problem import Problem, Severity
from kanister_kafka.report.words import printable

LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def problems_github(problems: Iterable[Problem]) -> str:
    """Return a workflow command for each problem."""
    return "".join(f"{_command(problem)}\n" for problem in problems)


def _command(problem: Problem) -> str:
    location = problem.location
    properties = {"file": location.source}
    if location.line:
        properties |= {"line": str(location.line), "col": str(location.column)}
    properties["title"] = problem.check
    told = ",".join(f"{key}={value.translate(PROPERTY)}" for key, value in properties.items())
    path = f"{problem.path}: " if problem.path else ""
    message = printable(f"{path}{problem.message} ({problem.check})").translate(DATA)
    return f"::{LEVELS[problem.severity]} {told}::{message}"
