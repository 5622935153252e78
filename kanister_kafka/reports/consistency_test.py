"""A consistency test as text and Markdown for people, and JSON for machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from kanister_kafka.durations import format_seconds
from kanister_kafka.reports.comparison import comparison_tree
from kanister_kafka.reports.text import escape_control_chars, format_json, format_utc
from kanister_kafka.timestamps import format_timestamp

if TYPE_CHECKING:
    from kanister_kafka.operations.consistency_test.environment import (
        ConsistencyReport,
        ScenarioResult,
        ScenarioStep,
    )

OUTCOMES = {True: "passed", False: "FAILED"}


def summary(report: ConsistencyReport) -> str:
    """Return in one sentence how it went."""
    if report.passed:
        return "passed: every step showed what it has to"
    wrong = []
    for result in report.scenarios:
        for step in result.steps:
            if not step.passed:
                wrong.append(f"{result.scenario.value}: {step.name}: {step.failure}")
    if report.interrupted:
        wrong.append("it was interrupted, so what comes later did not run")
    wrong += [f"left: {leftover}" for leftover in report.leftovers]
    return "FAILED: " + "; ".join(wrong)


def report_text(report: ConsistencyReport) -> str:
    """Return the steps of each scenario with their measured values."""
    lines = [
        f"Source {report.source}, mirror {report.mirror}, topics {', '.join(report.topics)}",
        f"{format_utc(report.began)}, {format_seconds(report.seconds)}; {report.versions}",
        summary(report),
    ]
    for result in report.scenarios:
        lines += ["", f"{result.scenario.value.upper()}: {OUTCOMES[result.passed]}"]
        for step in result.steps:
            lines += _step(step)
    return "\n".join(map(escape_control_chars, lines)) + "\n"


def _step(step: ScenarioStep) -> Iterator[str]:
    outcome = "" if step.passed else "  FAILED"
    yield f"  {step.name:18}  {format_seconds(step.seconds):>8}  {step.does}{outcome}"
    for figure in step.figures:
        yield f"      {figure.name}: {figure.value}"
    if step.failure:
        yield f"      {step.failure}"


def report_markdown(report: ConsistencyReport) -> str:
    """Return the report as a page of documentation."""
    lines = [
        "# Consistency test report",
        "",
        "Written by `kanister-kafka consistency-test --format markdown` from one run on a cluster "
        "made by",
        "[examples/lab](../examples/lab), never by hand.",
        "",
        f"Source `{report.source}`, mirror `{report.mirror}`, "
        f"topics {', '.join(f'`{topic}`' for topic in report.topics)}. {report.versions}.",
        "",
        f"**{escape_control_chars(summary(report))}**",
    ]
    for result in report.scenarios:
        lines += _markdown_scenario(result)
    return "\n".join(lines) + "\n"


def _markdown_scenario(result: ScenarioResult) -> Iterator[str]:
    from kanister_kafka.operations.consistency_test.environment import PURPOSES

    yield ""
    yield f"## Scenario {result.scenario.value}: {OUTCOMES[result.passed]}"
    yield ""
    purpose = PURPOSES[result.scenario]
    yield f"{purpose[0].upper()}{purpose[1:]}."
    yield ""
    yield "| Step | What | Took | Measured |"
    yield "|---|---|---|---|"
    for step in result.steps:
        figures = [f"{figure.name}: {figure.value}" for figure in step.figures]
        if step.failure:
            figures.append(f"**{step.failure}**")
        measured = "<br>".join(escape_control_chars(text).replace("|", "\\|") for text in figures)
        yield f"| {step.name} | {step.does} | {format_seconds(step.seconds)} | {measured} |"


def report_json(report: ConsistencyReport) -> str:
    """Return everything that was found."""

    def step(one: ScenarioStep) -> dict[str, object]:
        return {
            "name": one.name,
            "does": one.does,
            "passed": one.passed,
            "seconds": one.seconds,
            "failure": one.failure,
            "measured": {figure.name: figure.value for figure in one.figures},
        }

    def scenario(result: ScenarioResult) -> dict[str, object]:
        return {
            "plan": result.scenario.value,
            "passed": result.passed,
            "steps": [step(one) for one in result.steps],
            "comparisons": [
                {"title": shown.title, **comparison_tree(shown.comparison)}
                for shown in result.comparisons
            ],
        }

    tree = {
        "id": report.id,
        "began": format_timestamp(report.began),
        "seconds": report.seconds,
        "source": report.source,
        "mirror": report.mirror,
        "topics": list(report.topics),
        "versions": report.versions,
        "passed": report.passed,
        "interrupted": report.interrupted,
        "left": list(report.leftovers),
        "plans": [scenario(result) for result in report.scenarios],
    }
    return format_json(tree)


REPORT_FORMATS: dict[str, Callable[[ConsistencyReport], str]] = {
    "text": report_text,
    "json": report_json,
    "markdown": report_markdown,
}
