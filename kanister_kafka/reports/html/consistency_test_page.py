"""A proof as one page that needs nothing else: both ways of a backup drawn, and every step."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from kanister_kafka.durations import format_milliseconds, format_seconds
from kanister_kafka.operations.consistency_test.model import PURPOSES
from kanister_kafka.reports.comparison_summary import verdict_text
from kanister_kafka.reports.consistency_test import OUTCOMES, summary
from kanister_kafka.reports.html.comparison_page import HEADS_STYLE
from kanister_kafka.reports.html.elements import add, metric_tile, new_page, table, to_html
from kanister_kafka.reports.html.partition_charts import head_chart, head_time_axis, overview_chart
from kanister_kafka.topics.compare.verdict import evaluate_consistency

if TYPE_CHECKING:
    from kanister_kafka.operations.consistency_test.model import (
        ComparisonSnapshot,
        ConsistencyReport,
        ScenarioResult,
        ScenarioStep,
    )

STEP = ("Step", "What", "Took", "Measured")


def proof_html(proof: ConsistencyReport) -> str:
    """Return one HTML page without scripts and without anything from elsewhere."""
    page, main = new_page(f"Proof on {proof.mirror}", HEADS_STYLE)
    top = add(main, "header")
    add(top, "p", "Hot and cold backups of a mirror", class_="kicker")
    add(top, "h1", f"Kafka {proof.mirror}")
    began = f"{proof.began:%Y-%m-%d %H:%M:%S} UTC"
    add(top, "p", f"{began}, {format_seconds(proof.seconds)}, source {proof.source}", class_="when")
    kind, sign = ("passed", "✓") if proof.passed else ("failed", "✗")
    add(top, "p", f"{sign} {summary(proof)}", class_=f"verdict {kind}")
    _figures(main, proof)
    for result in proof.plans:
        _plan(main, result)
    add(add(main, "footer"), "p", f"{proof.versions}. Proof {proof.id}.")
    return to_html(page)


def _figures(main: Element, proof: ConsistencyReport) -> None:
    """Show at the top how far the heads were apart, for each plan that restored something."""
    figures = add(main, "section", class_="figures", aria_label="Figures")
    for result in proof.plans:
        uneven = [
            evaluate_consistency(shown.comparison).uneven
            for shown in result.comparisons
            if shown.title.startswith("restored")
        ]
        if uneven:
            name = result.plan.value.capitalize()
            told = "heads of what was restored are apart, at most"
            metric_tile(figures, name, format_milliseconds(max(uneven)), told)
        else:
            metric_tile(figures, result.plan.value.capitalize(), OUTCOMES[result.passed], "")


def _plan(main: Element, result: ScenarioResult) -> None:
    add(main, "h2", f"Plan {result.plan.value}: {PURPOSES[result.plan]}", class_="plan")
    for shown in result.comparisons:
        _drawing(main, shown)
    table(main, f"Steps of plan {result.plan.value}", STEP, map(_row, result.steps))


def _drawing(main: Element, shown: ComparisonSnapshot) -> None:
    found = shown.comparison
    judged = evaluate_consistency(found)
    section = add(main, "section")
    add(section, "h3", f"{shown.title}: {found.a} and {found.b}")
    add(section, "p", verdict_text(found, judged), class_="note")
    axis = head_time_axis(found, judged)
    drawing = overview_chart(found, axis) if axis is None else head_chart(found, judged, axis)
    frame = add(section, "figure")
    add(frame, "div", class_="scroll", tabindex="0").append(drawing)


def _row(step: ScenarioStep) -> tuple[str, str, str, str]:
    told = [f"{one.name}: {one.value}" for one in step.figures]
    failed = [f"FAILED: {step.failure}"] if step.failure else []
    return step.name, step.does, format_seconds(step.seconds), "; ".join([*failed, *told])
