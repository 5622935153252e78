"""A proof as one page that needs nothing else: both ways of a backup drawn, and every step."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from kanister_kafka.prove.model import PURPOSES
from kanister_kafka.report.comparison_words import verdict_text
from kanister_kafka.report.heads import head_axis, heads
from kanister_kafka.report.heads_style import STYLE
from kanister_kafka.report.markup import add
from kanister_kafka.report.overview import overview
from kanister_kafka.report.page import figure, new_page, table, written
from kanister_kafka.report.proof import OUTCOMES, summary
from kanister_kafka.report.records import apart
from kanister_kafka.report.rehearsal import seconds_text
from kanister_kafka.topics.verdict import judge

if TYPE_CHECKING:
    from kanister_kafka.prove.model import PlanResult, Proof, Shown, Step

STEP = ("Step", "What", "Took", "Measured")


def proof_html(proof: Proof) -> str:
    """Return one HTML page without scripts and without anything from elsewhere."""
    page, main = new_page(f"Proof on {proof.mirror}", STYLE)
    top = add(main, "header")
    add(top, "p", "Hot and cold backups of a mirror", class_="kicker")
    add(top, "h1", f"Kafka {proof.mirror}")
    began = f"{proof.began:%Y-%m-%d %H:%M:%S} UTC"
    add(top, "p", f"{began}, {seconds_text(proof.seconds)}, source {proof.source}", class_="when")
    kind, sign = ("passed", "✓") if proof.passed else ("failed", "✗")
    add(top, "p", f"{sign} {summary(proof)}", class_=f"verdict {kind}")
    _figures(main, proof)
    for result in proof.plans:
        _plan(main, result)
    add(add(main, "footer"), "p", f"{proof.versions}. Proof {proof.id}.")
    return written(page)


def _figures(main: Element, proof: Proof) -> None:
    """Show at the top how far the heads were apart, for each plan that restored something."""
    figures = add(main, "section", class_="figures", aria_label="Figures")
    for result in proof.plans:
        uneven = [
            judge(shown.comparison).uneven
            for shown in result.shown
            if shown.title.startswith("restored")
        ]
        if uneven:
            name = result.plan.value.capitalize()
            told = "heads of what was restored are apart, at most"
            figure(figures, name, apart(max(uneven)), told)
        else:
            figure(figures, result.plan.value.capitalize(), OUTCOMES[result.passed], "")


def _plan(main: Element, result: PlanResult) -> None:
    add(main, "h2", f"Plan {result.plan.value}: {PURPOSES[result.plan]}", class_="plan")
    for shown in result.shown:
        _drawing(main, shown)
    table(main, f"Steps of plan {result.plan.value}", STEP, map(_row, result.steps))


def _drawing(main: Element, shown: Shown) -> None:
    found = shown.comparison
    judged = judge(found)
    section = add(main, "section")
    add(section, "h3", f"{shown.title}: {found.a} and {found.b}")
    add(section, "p", verdict_text(found, judged), class_="note")
    axis = head_axis(found, judged)
    drawing = overview(found, axis) if axis is None else heads(found, judged, axis)
    frame = add(section, "figure")
    add(frame, "div", class_="scroll", tabindex="0").append(drawing)


def _row(step: Step) -> tuple[str, str, str, str]:
    told = [f"{one.name}: {one.value}" for one in step.figures]
    failed = [f"FAILED: {step.failure}"] if step.failure else []
    return step.name, step.does, seconds_text(step.seconds), "; ".join([*failed, *told])
