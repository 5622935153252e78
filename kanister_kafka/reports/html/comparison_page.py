"""Pages of comparisons: two topics, and the scenarios of consistency-test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple
from xml.etree.ElementTree import Element

from kanister_kafka.durations import format_milliseconds, format_seconds
from kanister_kafka.operations.consistency_test.environment import PURPOSES
from kanister_kafka.reports.change_request import ReportTable
from kanister_kafka.reports.comparison import (
    COMMON,
    ENDS,
    RECORD,
    common_rows,
    difference_rows,
    ends_rows,
    per_second,
    read_text,
)
from kanister_kafka.reports.comparison_summary import (
    UNEVEN_MEANS,
    difference_text,
    notes,
    pluralize,
    total_text,
    verdict_text,
)
from kanister_kafka.reports.consistency_test import OUTCOMES, summary
from kanister_kafka.reports.html.page import Tile, render_page
from kanister_kafka.reports.html.partition_charts import head_chart, head_time_axis, overview_chart
from kanister_kafka.reports.text import format_utc
from kanister_kafka.topics.compare.verdict import evaluate_consistency
from kanister_kafka.topics.model import ComparisonVerdict

if TYPE_CHECKING:
    from kanister_kafka.operations.consistency_test.environment import (
        ComparisonSnapshot,
        ConsistencyReport,
        ScenarioResult,
        ScenarioStep,
    )
    from kanister_kafka.topics.compare.verdict import ConsistencyVerdict
    from kanister_kafka.topics.model import Comparison

ENDS_OF_TOPIC = (("older", "tail"), ("between", "only"), ("newer", "head"))


def comparison_html(comparison: Comparison) -> str:
    """Return one HTML page without scripts and without requests to other hosts."""
    verdict = evaluate_consistency(comparison)
    is_uneven = verdict.verdict is ComparisonVerdict.UNEVEN
    return render_page(
        "comparison",
        title=f"{verdict.verdict.value}: {comparison.a} and {comparison.b}",
        comparison=comparison,
        passed=verdict.passed,
        verdict=verdict_text(comparison, verdict),
        explanation=UNEVEN_MEANS if is_uneven else "",
        tiles=_tiles(comparison, verdict),
        charts=_charts(comparison, verdict),
        tables=_tables(comparison),
        notes=[*notes(comparison), read_text(comparison)],
    )


def _tiles(comparison: Comparison, verdict: ConsistencyVerdict) -> list[Tile]:
    tiles = _head_tiles(comparison, verdict)
    common = sum(result.common for result in comparison.partitions)
    tiles.append(Tile("In both", f"{common:,}", "keys" if comparison.compacted else "records"))
    for side in ("a", "b"):
        parts = []
        total = 0
        for word, end in ENDS_OF_TOPIC:
            number = total_text(comparison, f"{end}_{side}")
            total += number
            if number:
                parts.append(f"{number:,} {word}")
        meaning = ", ".join(parts) or "nothing"
        tiles.append(Tile(f"Only in {side.upper()}", f"{total:,}", meaning))
    took = f"{pluralize(comparison.messages, 'record')} in {format_seconds(comparison.seconds)}"
    tiles.append(Tile("Read", f"{per_second(comparison):,}/s", took))
    return tiles


def _head_tiles(comparison: Comparison, verdict: ConsistencyVerdict) -> list[Tile]:
    if verdict.verdict is ComparisonVerdict.UNEVEN and not verdict.uneven:
        meaning = "each side lacks what is newest on the other"
        return [Tile("Head", "uneven", meaning, "outage")]
    interval = format_milliseconds(verdict.uneven)
    if verdict.uneven > comparison.even_within:
        meaning = "from the first record that is lacking to the last that is there"
        return [Tile("Uneven head", interval, meaning, "outage")]
    if verdict.passed:
        meaning = f"partitions differ by {interval}" if verdict.uneven else "one moment"
        return [Tile("Head", "even", meaning)]
    return []


def _charts(comparison: Comparison, verdict: ConsistencyVerdict) -> list[tuple[str, Element]]:
    if not comparison.partitions and not comparison.missing:
        return []
    axis = head_time_axis(comparison, verdict)
    charts = []
    if axis is not None:
        charts.append(("The head, magnified", head_chart(comparison, verdict, axis)))
    charts.append(("All of it", overview_chart(comparison, axis)))
    return charts


def _tables(comparison: Comparison) -> list[ReportTable]:
    tables = []
    for result in comparison.partitions:
        if result.differs:
            title = difference_text(result)
            title = title[0].upper() + title[1:]
            tables.append(ReportTable(title, _titles(RECORD), difference_rows(result)))
    if comparison.partitions:
        for title, header, rows, numbers in (
            ("What both have", COMMON, common_rows(comparison), 2),
            ("What only one has", ENDS, ends_rows(comparison), 7),
        ):
            right = frozenset(range(numbers))
            tables.append(ReportTable(title, _titles(header), list(rows), numbers=right))
    return tables


def _titles(header: Sequence[str]) -> list[str]:
    """Return `Offsets in A` for `OFFSETS IN A`."""
    titles = []
    for name in header:
        words = name.capitalize().split()
        titles.append(" ".join(w.upper() if w in ("a", "b") else w for w in words))
    return titles


# A consistency test as one HTML page: what each scenario restored, and every step.

STEP = ("Step", "What", "Took", "Measured")


class ScenarioSection(NamedTuple):
    """One scenario on the page."""

    title: str
    comparisons: list[tuple[str, str, Element]]
    """Title, verdict and drawing."""
    steps: ReportTable


def consistency_test_html(report: ConsistencyReport) -> str:
    """Return one HTML page without scripts and without requests to other hosts."""
    took = format_seconds(report.seconds)
    return render_page(
        "consistency_test",
        title=f"Consistency test of {report.mirror}",
        report=report,
        when=f"{format_utc(report.began)}, {took}, source {report.source}",
        verdict=summary(report),
        tiles=[_tile(result) for result in report.scenarios],
        scenarios=[_section(result) for result in report.scenarios],
        foot=f"{report.versions}. Consistency test {report.id}.",
    )


def _tile(result: ScenarioResult) -> Tile:
    """Return how far the heads were apart, or the outcome if the scenario restored nothing."""
    title = result.scenario.value.capitalize()
    restored = [one.comparison for one in result.comparisons if one.title.startswith("restored")]
    if not restored:
        return Tile(title, OUTCOMES[result.passed], "")
    uneven = max(evaluate_consistency(comparison).uneven for comparison in restored)
    meaning = "largest distance of the restored heads"
    return Tile(title, format_milliseconds(uneven), meaning)


def _section(result: ScenarioResult) -> ScenarioSection:
    name = result.scenario.value
    return ScenarioSection(
        title=f"Scenario {name}: {PURPOSES[result.scenario]}",
        comparisons=[_comparison(snapshot) for snapshot in result.comparisons],
        steps=ReportTable(f"Steps of scenario {name}", STEP, [_row(step) for step in result.steps]),
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
