"""Problems as lines for people, and as the JSON of kanister-kafka."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kanister_kafka.diagnostics import Diagnostic, Severity
from kanister_kafka.reports.text import count_noun, escape_control_chars

if TYPE_CHECKING:
    from kanister_kafka.linter.pipeline import Validation


def diagnostics_text(problems: Iterable[Diagnostic]) -> str:
    """Return a line for each problem."""
    return "".join(f"{escape_control_chars(str(problem))}\n" for problem in problems)


def diagnostics_json(problems: Iterable[Diagnostic]) -> str:
    """Return a JSON list of objects; `[]` if there is none."""
    import json  # slow to import, and text is asked for most

    found = [problem.fields() for problem in problems]
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def summary(result: Validation) -> str:
    """Return what was looked at and what was found, in one line without an end."""
    severities = [problem.severity for problem in result.problems]
    counts = [
        count_noun(number, severity.value)
        for severity in Severity
        if (number := severities.count(severity))
    ] or ["no problem"]
    if result.ignored:
        counts.append(f"{len(result.ignored)} ignored")
    blueprints = count_noun(result.blueprints, "Blueprint")
    seen = f"{blueprints}, {count_noun(result.skipped, 'other object')}"
    return f"{seen}: {', '.join(counts)}"


# Problems as workflow commands, which GitHub Actions shows as annotations of the change.
#
# Escaped as the runner unescapes them (actions/runner, src/Runner.Common/ActionCommand.cs, and
# packages/core/src/command.ts of actions/toolkit).

LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def diagnostics_github(problems: Iterable[Diagnostic]) -> str:
    """Return a workflow command for each problem."""
    return "".join(f"{_command(problem)}\n" for problem in problems)


def _command(problem: Diagnostic) -> str:
    location = problem.location
    properties = {"file": location.source}
    if location.line:
        properties |= {"line": str(location.line), "col": str(location.column)}
    properties["title"] = problem.rule
    attributes = ",".join(f"{key}={value.translate(PROPERTY)}" for key, value in properties.items())
    path = f"{problem.path}: " if problem.path else ""
    message = escape_control_chars(f"{path}{problem.message} ({problem.rule})").translate(DATA)
    return f"::{LEVELS[problem.severity]} {attributes}::{message}"
