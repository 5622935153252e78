"""A consistency test as one HTML page: what each scenario restored, and every step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from xml.etree.ElementTree import Element

from kanister_kafka.durations import format_milliseconds, format_seconds
from kanister_kafka.operations.consistency_test.environment import PURPOSES
from kanister_kafka.reports.change_request import ReportTable
from kanister_kafka.reports.comparison_summary import verdict_text
from kanister_kafka.reports.consistency_test import OUTCOMES, summary
from kanister_kafka.reports.html.page import Tile, render_page
from kanister_kafka.reports.html.partition_charts import head_chart, head_time_axis, overview_chart
from kanister_kafka.reports.text import format_utc
from kanister_kafka.topics.compare.verdict import evaluate_consistency

if TYPE_CHECKING:
    from kanister_kafka.operations.consistency_test.environment import (
        ComparisonSnapshot,
        ConsistencyReport,
        ScenarioResult,
        ScenarioStep,
    )

STEP = ("Step", "What", "Took", "Measured")


class ScenarioSection(NamedTuple):
    """One scenario on the page."""

    title: str
    comparisons: list[tuple[str, str, Element]]
    """Title, verdict and drawing."""
    steps: ReportTable


def proof_html(report: ConsistencyReport) -> str:
    """Return one HTML page without scripts and without requests to other hosts."""
    took = format_seconds(report.seconds)
    return render_page(
        "consistency_test",
        title=f"Proof on {report.mirror}",
        report=report,
        when=f"{format_utc(report.began)}, {took}, source {report.source}",
        verdict=summary(report),
        tiles=[_tile(result) for result in report.plans],
        scenarios=[_section(result) for result in report.plans],
        foot=f"{report.versions}. Proof {report.id}.",
    )


def _tile(result: ScenarioResult) -> Tile:
    """Return how far the heads were apart, or the outcome if the scenario restored nothing."""
    title = result.plan.value.capitalize()
    restored = [one.comparison for one in result.comparisons if one.title.startswith("restored")]
    if not restored:
        return Tile(title, OUTCOMES[result.passed], "")
    uneven = max(evaluate_consistency(comparison).uneven for comparison in restored)
    meaning = "largest distance of the restored heads"
    return Tile(title, format_milliseconds(uneven), meaning)


def _section(result: ScenarioResult) -> ScenarioSection:
    name = result.plan.value
    return ScenarioSection(
        title=f"Plan {name}: {PURPOSES[result.plan]}",
        comparisons=[_comparison(snapshot) for snapshot in result.comparisons],
        steps=ReportTable(f"Steps of plan {name}", STEP, [_row(step) for step in result.steps]),
    )


def _comparison(snapshot: ComparisonSnapshot) -> tuple[str, str, Element]:
    comparison = snapshot.comparison
    verdict = evaluate_consistency(comparison)
    axis = head_time_axis(comparison, verdict)
    if axis is None:
        chart = overview_chart(comparison, axis)
    else:
        chart = head_chart(comparison, verdict, axis)
    title = f"{snapshot.title}: {comparison.a} and {comparison.b}"
    return title, verdict_text(comparison, verdict), chart


def _row(step: ScenarioStep) -> tuple[str, str, str, str]:
    measured = [f"FAILED: {step.failure}"] if step.failure else []
    measured += [f"{figure.name}: {figure.value}" for figure in step.figures]
    return step.name, step.does, format_seconds(step.seconds), "; ".join(measured)
