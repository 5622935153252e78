"""Two topics compared as one page that needs nothing else: figures, heads drawn, and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from kanister_kafka.durations import format_milliseconds, format_seconds
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
from kanister_kafka.reports.html.elements import (
    PAGE_STYLE,
    add,
    metric_tile,
    new_page,
    table,
    to_html,
)
from kanister_kafka.reports.html.partition_charts import head_chart, head_time_axis, overview_chart
from kanister_kafka.topics.compare.verdict import evaluate_consistency
from kanister_kafka.topics.model import ComparisonVerdict

if TYPE_CHECKING:
    from kanister_kafka.topics.compare.verdict import ConsistencyVerdict
    from kanister_kafka.topics.model import Comparison

# How two topics are drawn: filled is what both have, hollow what only one has.

HEADS_STYLE = (
    PAGE_STYLE
    + """h1 { font-size: 1.5rem; }
h1 span { display: block; } h1 .letter { display: inline-block; width: 1.6rem;
  color: var(--quiet); font-weight: 500; }
figure + figure, h2 + figure { margin-top: 0.4rem; }
.both { fill: var(--stage); } svg .both.trail { fill-opacity: 0.28; }
.only-a { fill: var(--ground); stroke: var(--starting); stroke-width: 1.4; }
.only-b { fill: var(--ground); stroke: var(--stopping); stroke-width: 1.4; }
svg .trail.only-a { fill: var(--starting); fill-opacity: 0.14; stroke: none; }
svg .trail.only-b { fill: var(--stopping); fill-opacity: 0.14; stroke: none; }
svg .side { fill: var(--quiet); font-size: 10px; }
svg .beside { fill: var(--quiet); font-size: 11px; }
svg .wrong { fill: var(--failed); font-weight: 650; }
svg .lacking { stroke: var(--failed); stroke-width: 1.5; stroke-dasharray: 2 5; }
svg .differs { fill: var(--failed); stroke: var(--ground); stroke-width: 1.5; }
svg .tick { paint-order: stroke; stroke: var(--ground); stroke-width: 4px; }
svg .band { fill-opacity: 0.13; stroke: none; }
svg .edge { stroke: var(--outage); stroke-width: 1; stroke-dasharray: 3 3; }
svg .edge.even { stroke: var(--passed); }
svg .band.even { fill: var(--passed); } svg .bracket.even { stroke: var(--passed); }
svg .border { fill: var(--outage); font-weight: 650; font-size: 14px; }
svg .border.even { fill: var(--passed); }
svg .moment { stroke: var(--passed); stroke-width: 1.6; }
th.number, td.number { text-align: right; white-space: nowrap; }
"""
)


LEGEND = (("both", "in both"), ("only-a", "only in A"), ("only-b", "only in B"))
"""Class of the sign and its meaning."""
ENDS_OF = ("older", "tail"), ("between", "only"), ("newer", "head")


def comparison_html(found: Comparison) -> str:
    """Return one HTML page without scripts and without anything from elsewhere."""
    judged = evaluate_consistency(found)
    page, main = new_page(f"{judged.verdict.value}: {found.a} and {found.b}", HEADS_STYLE)
    _top(main, found, judged)
    _figures(main, found, judged)
    _drawings(main, found, judged)
    _tables(main, found)
    foot = add(main, "footer")
    for text in (*notes(found), read_text(found)):
        add(foot, "p", text)
    return to_html(page)


def _top(main: Element, found: Comparison, judged: ConsistencyVerdict) -> None:
    top = add(main, "header")
    add(top, "p", "Two topics compared", class_="kicker")
    title = add(top, "h1")
    for letter, name in (("A", found.a), ("B", found.b)):
        line = add(title, "span")
        add(line, "span", letter, class_="letter").tail = " "
        add(line, "b", name)
    kind, sign = ("passed", "✓") if judged.passed else ("failed", "✗")
    add(top, "p", f"{sign} {verdict_text(found, judged)}", class_=f"verdict {kind}")
    if judged.verdict is ComparisonVerdict.UNEVEN:
        add(top, "p", UNEVEN_MEANS, class_="note")


def _figures(main: Element, found: Comparison, judged: ConsistencyVerdict) -> None:
    figures = add(main, "section", class_="figures", aria_label="Figures")
    if judged.verdict is ComparisonVerdict.UNEVEN and not judged.uneven:
        metric_tile(
            figures, "Head", "uneven", "each side lacks what is newest on the other", "outage"
        )
    elif judged.uneven > found.even_within:
        told = "from the first record that is lacking to the last that is there"
        metric_tile(figures, "Uneven head", format_milliseconds(judged.uneven), told, "outage")
    elif judged.passed:
        told = (
            f"partitions differ by {format_milliseconds(judged.uneven)}"
            if judged.uneven
            else "one moment"
        )
        metric_tile(figures, "Head", "even", told)
    what = "keys" if found.compacted else "records"
    common = sum(result.common for result in found.partitions)
    metric_tile(figures, "In both", f"{common:,}", what)
    for side in ("a", "b"):
        ends = [(word, total_text(found, f"{name}_{side}")) for word, name in ENDS_OF]
        parts = ", ".join(f"{number:,} {word}" for word, number in ends if number)
        number = sum(number for _, number in ends)
        metric_tile(figures, f"Only in {side.upper()}", f"{number:,}", parts or "nothing")
    took = f"{pluralize(found.messages, 'record')} in {format_seconds(found.seconds)}"
    metric_tile(figures, "Read", f"{per_second(found):,}/s", took)


def _drawings(main: Element, found: Comparison, judged: ConsistencyVerdict) -> None:
    if not found.partitions and not found.missing:
        return
    axis = head_time_axis(found, judged)
    drawn = [("All of it", overview_chart(found, axis))]
    if axis is not None:
        drawn.insert(0, ("The head, magnified", head_chart(found, judged, axis)))
    for number, (title, drawing) in enumerate(drawn):
        section = add(main, "section")
        add(section, "h2", title)
        frame = add(section, "figure")
        if not number:
            _legend(frame)
        add(frame, "div", class_="scroll", tabindex="0").append(drawing)


def _legend(frame: Element) -> None:
    shown = add(frame, "figcaption", class_="legend")
    for kind, meaning in LEGEND:
        item = add(shown, "span")
        sign = add(item, "svg", viewBox="0 0 22 14", width=22, height=14, aria_hidden="true")
        add(sign, "rect", x=1, y=1, width=20, height=12, rx=1, class_=kind)
        add(item, "span", meaning)


def _tables(main: Element, found: Comparison) -> None:
    different = [result for result in found.partitions if result.differs]
    for result in different:
        title = difference_text(result)
        table(main, title[0].upper() + title[1:], _titles(RECORD), difference_rows(result))
    if found.partitions:
        numbers = frozenset((0, 1))
        table(main, "What both have", _titles(COMMON), common_rows(found), numbers=numbers)
        numbers = frozenset(range(7))
        table(main, "What only one has", _titles(ENDS), ends_rows(found), numbers=numbers)


def _titles(header: tuple[str, ...]) -> tuple[str, ...]:
    """Return titles as a page spells them: `Offsets in A`."""
    words = (name.capitalize().split() for name in header)
    return tuple(" ".join(w.upper() if w in ("a", "b") else w for w in name) for name in words)
