"""Problems, and what Policies cover, as text for people and as the JSON of kanister-kafka."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from kanister_kafka.diagnostics import Diagnostic, Severity
from kanister_kafka.reports.text import count_noun, escape_control_chars, format_json, hung, table

if TYPE_CHECKING:
    from kanister_kafka.linter.pipeline import Validation
    from kanister_kafka.linter.policy_coverage import PolicyCoverage


SeverityFormat = Callable[[Severity], str]
"""Returns the word for a severity; it may have the escapes of a terminal around it."""


def diagnostics_text(
    problems: Iterable[Diagnostic], format_severity: SeverityFormat | None = None
) -> str:
    """Return a line for each problem.

    `format_severity` returns the word for a severity, coloured for example; without it the word
    is the value of the severity.
    """

    def line(problem: Diagnostic) -> str:
        severity = problem.severity
        word = format_severity(severity) if format_severity else severity.value
        place = escape_control_chars(str(problem.location))
        return f"{place}: {word}: {escape_control_chars(problem.statement)}\n"

    return "".join(map(line, problems))


def diagnostics_json(problems: Iterable[Diagnostic]) -> str:
    """Return a JSON list of objects; `[]` if there is none."""
    fields = [problem.fields() for problem in problems]
    return format_json(fields)


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
    message = escape_control_chars(problem.statement).translate(DATA)
    return f"::{LEVELS[problem.severity]} {attributes}::{message}"


# The coverage of Policies as tables for people, and as the JSON of kanister-kafka.

NOTHING = "No action of a Blueprint runs: what the Policy includes is backed up as it is."
HEADER = ("WHEN", "ON", "BLUEPRINT", "RUNS", "BUT")


def coverage_text(policies: Iterable[PolicyCoverage], width: int = 0) -> str:
    """Return the number of Policies, and for each its schedule, its objects and its hooks.

    With a width, in places of a terminal, long texts are broken into lines.
    """
    covered = tuple(policies)
    wrong = sum(bool(policy.errors) for policy in covered)
    head = f"Policies: {len(covered)}, with errors: {wrong}\n\n" if covered else ""
    return head + "".join(f"{_paragraph(policy, width)}\n" for policy in covered)


def lint_json(policies: Iterable[PolicyCoverage], problems: Iterable[Diagnostic]) -> str:
    """Return one JSON object: what the Policies cover, and what is wrong."""
    tree = {
        "policies": [_policy(policy) for policy in policies],
        "findings": [problem.fields() for problem in problems],
    }
    return format_json(tree)


def _paragraph(policy: PolicyCoverage, width: int) -> str:
    head = (
        f"Policy {policy.name} ({policy.location})\n"
        f"{policy.frequency or 'when its preset schedules it'}: {', '.join(policy.operations)}, "
        f"location profile {', '.join(policy.profiles) or 'none'}; namespace {_where(policy)}\n"
    )
    if policy.several and policy.runs:
        head += "Its hooks run once for each namespace that matches.\n"
    if policy.errors:
        head += f"Wrong with it: {', '.join(policy.errors)}; see below.\n"
    rows = [
        (run.when, run.on, run.blueprint or "none", _actions(run.action, run.phases), run.but)
        for run in policy.runs
    ]
    shown = [tuple(map(escape_control_chars, row)) for row in rows]
    body = table(HEADER, shown, width) if rows else f"{NOTHING}\n"
    above: list[str] = []
    for line in head.splitlines():
        above += hung("", escape_control_chars(line), width)
    return "".join(f"{row}\n" for row in above) + body


def _where(policy: PolicyCoverage) -> str:
    if policy.namespaces:
        narrowed = f", where {policy.matches}" if policy.matches else ""
        return ", ".join(policy.namespaces) + narrowed
    return f"each that matches {policy.matches}" if policy.matches else "not selected"


def _actions(action: str, phases: tuple[str, ...]) -> str:
    if not action:
        return "nothing"
    return f"{action}: {', '.join(phases)}" if phases else action


def _policy(policy: PolicyCoverage) -> dict[str, object]:
    return {
        "name": policy.name,
        "file": policy.location.source,
        "line": policy.location.line,
        "frequency": policy.frequency,
        "namespaces": list(policy.namespaces),
        "matches": policy.matches,
        "operations": list(policy.operations),
        "profiles": list(policy.profiles),
        "errors": list(policy.errors),
        "runs": [
            {
                "when": run.when,
                "on": run.on,
                "blueprint": run.blueprint,
                "action": run.action,
                "phases": list(run.phases),
                "but": run.but,
            }
            for run in policy.runs
        ],
    }
