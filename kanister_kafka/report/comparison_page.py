"""Two topics compared as one page that needs nothing else: figures, heads drawn, and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from kanister_kafka.report.comparison import (
    COMMON,
    ENDS,
    RECORD,
    common_rows,
    difference_rows,
    ends_rows,
    per_second,
    read_text,
)
from kanister_kafka.report.comparison_words import (
    UNEVEN_MEANS,
    difference_text,
    many,
    notes,
    total,
    verdict_text,
)
from kanister_kafka.report.heads import head_axis, heads
from kanister_kafka.report.heads_style import STYLE
from kanister_kafka.report.markup import add
from kanister_kafka.report.overview import overview
from kanister_kafka.report.page import figure, new_page, table, written
from kanister_kafka.report.records import apart
from kanister_kafka.report.rehearsal import seconds_text
from kanister_kafka.topics.model import Verdict
from kanister_kafka.topics.verdict import judge

if TYPE_CHECKING:
    from kanister_kafka.topics.model import Comparison
    from kanister_kafka.topics.verdict import Judgement

LEGEND = (("both", "in both"), ("only-a", "only in A"), ("only-b", "only in B"))
"""Class of the sign and its meaning."""
ENDS_OF = ("older", "tail"), ("between", "only"), ("newer", "head")


def comparison_html(found: Comparison) -> str:
    """Return one HTML page without scripts and without anything from elsewhere."""
    judged = judge(found)
    page, main = new_page(f"{judged.verdict.value}: {found.a} and {found.b}", STYLE)
    _top(main, found, judged)
    _figures(main, found, judged)
    _drawings(main, found, judged)
    _tables(main, found)
    foot = add(main, "footer")
    for text in (*notes(found), read_text(found)):
        add(foot, "p", text)
    return written(page)


def _top(main: Element, found: Comparison, judged: Judgement) -> None:
    top = add(main, "header")
    add(top, "p", "Two topics compared", class_="kicker")
    title = add(top, "h1")
    for letter, name in (("A", found.a), ("B", found.b)):
        line = add(title, "span")
        add(line, "span", letter, class_="letter").tail = " "
        add(line, "b", name)
    kind, sign = ("passed", "✓") if judged.passed else ("failed", "✗")
    add(top, "p", f"{sign} {verdict_text(found, judged)}", class_=f"verdict {kind}")
    if judged.verdict is Verdict.UNEVEN:
        add(top, "p", UNEVEN_MEANS, class_="note")


def _figures(main: Element, found: Comparison, judged: Judgement) -> None:
    figures = add(main, "section", class_="figures", aria_label="Figures")
    if judged.verdict is Verdict.UNEVEN and not judged.uneven:
        figure(figures, "Head", "uneven", "each side lacks what is newest on the other", "outage")
    elif judged.uneven > found.even_within:
        told = "from the first record that is lacking to the last that is there"
        figure(figures, "Uneven head", apart(judged.uneven), told, "outage")
    elif judged.passed:
        told = f"partitions differ by {apart(judged.uneven)}" if judged.uneven else "one moment"
        figure(figures, "Head", "even", told)
    what = "keys" if found.compacted else "records"
    common = sum(result.common for result in found.partitions)
    figure(figures, "In both", f"{common:,}", what)
    for side in ("a", "b"):
        ends = [(word, total(found, f"{name}_{side}")) for word, name in ENDS_OF]
        parts = ", ".join(f"{number:,} {word}" for word, number in ends if number)
        number = sum(number for _, number in ends)
        figure(figures, f"Only in {side.upper()}", f"{number:,}", parts or "nothing")
    took = f"{many(found.messages, 'record')} in {seconds_text(found.seconds)}"
    figure(figures, "Read", f"{per_second(found):,}/s", took)


def _drawings(main: Element, found: Comparison, judged: Judgement) -> None:
    if not found.partitions and not found.missing:
        return
    axis = head_axis(found, judged)
    drawn = [("All of it", overview(found, axis))]
    if axis is not None:
        drawn.insert(0, ("The head, magnified", heads(found, judged, axis)))
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
