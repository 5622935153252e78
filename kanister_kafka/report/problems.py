"""Problems as lines for people, and as the JSON that is ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kanister_kafka.problem import Problem, Severity
from kanister_kafka.report.words import count, printable

if TYPE_CHECKING:
    from kanister_kafka.validate import Validation


def problems_text(problems: Iterable[Problem]) -> str:
    """Return a line for each problem."""
    return "".join(f"{printable(str(problem))}\n" for problem in problems)


def problems_json(problems: Iterable[Problem]) -> str:
    """Return a JSON list of objects; `[]` where there is none."""
    import json  # slow to import, and text is asked for most

    found = [problem.fields() for problem in problems]
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def summary(result: Validation) -> str:
    """Return what was looked at and what was found, in one line without an end."""
    severities = [problem.severity for problem in result.problems]
    told = [
        count(number, severity.value)
        for severity in Severity
        if (number := severities.count(severity))
    ] or ["no problem"]
    if result.ignored:
        told.append(f"{len(result.ignored)} ignored")
    seen = f"{count(result.blueprints, 'Blueprint')}, {count(result.skipped, 'other object')}"
    return f"{seen}: {', '.join(told)}"
