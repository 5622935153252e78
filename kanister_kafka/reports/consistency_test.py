"""A proof as text and Markdown for people, and JSON for machines."""

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


def summary(proof: ConsistencyReport) -> str:
    """Return in one sentence how it went."""
    if proof.passed:
        return "passed: every step showed what it has to"
    wrong = []
    for result in proof.plans:
        for step in result.steps:
            if not step.passed:
                wrong.append(f"{result.plan.value}: {step.name}: {step.failure}")
    if proof.interrupted:
        wrong.append("it was interrupted, so what comes later did not run")
    wrong += [f"left: {leftover}" for leftover in proof.leftovers]
    return "FAILED: " + "; ".join(wrong)


def proof_text(proof: ConsistencyReport) -> str:
    """Return the steps of each scenario with their measured values."""
    lines = [
        f"Source {proof.source}, mirror {proof.mirror}, topics {', '.join(proof.topics)}",
        f"{format_utc(proof.began)}, {format_seconds(proof.seconds)}; {proof.versions}",
        summary(proof),
    ]
    for result in proof.plans:
        lines += ["", f"{result.plan.value.upper()}: {OUTCOMES[result.passed]}"]
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


def proof_markdown(proof: ConsistencyReport) -> str:
    """Return the report as a page of documentation."""
    lines = [
        "# Proof",
        "",
        "Written by `kanister-kafka consistency-test --format markdown` from one run on a cluster "
        "made by",
        "[examples/lab](../examples/lab), never by hand.",
        "",
        f"Source `{proof.source}`, mirror `{proof.mirror}`, "
        f"topics {', '.join(f'`{topic}`' for topic in proof.topics)}. {proof.versions}.",
        "",
        f"**{escape_control_chars(summary(proof))}**",
    ]
    for result in proof.plans:
        lines += _markdown_plan(result)
    return "\n".join(lines) + "\n"


def _markdown_plan(result: ScenarioResult) -> Iterator[str]:
    from kanister_kafka.operations.consistency_test.environment import PURPOSES

    yield ""
    yield f"## Plan {result.plan.value}: {OUTCOMES[result.passed]}"
    yield ""
    purpose = PURPOSES[result.plan]
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


def proof_json(proof: ConsistencyReport) -> str:
    """Return everything that was found."""
    tree = {
        "id": proof.id,
        "began": format_timestamp(proof.began),
        "seconds": proof.seconds,
        "source": proof.source,
        "mirror": proof.mirror,
        "topics": list(proof.topics),
        "versions": proof.versions,
        "passed": proof.passed,
        "interrupted": proof.interrupted,
        "left": list(proof.leftovers),
        "plans": [
            {
                "plan": result.plan.value,
                "passed": result.passed,
                "steps": [
                    {
                        "name": step.name,
                        "does": step.does,
                        "passed": step.passed,
                        "seconds": step.seconds,
                        "failure": step.failure,
                        "measured": {figure.name: figure.value for figure in step.figures},
                    }
                    for step in result.steps
                ],
                "comparisons": [
                    {"title": shown.title, **comparison_tree(shown.comparison)}
                    for shown in result.comparisons
                ],
            }
            for result in proof.plans
        ],
    }
    return format_json(tree)


PROOF_FORMATS: dict[str, Callable[[ConsistencyReport], str]] = {
    "text": proof_text,
    "json": proof_json,
    "markdown": proof_markdown,
}
