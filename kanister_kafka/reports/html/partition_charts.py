"""Two topics drawn as SVG, a row for each partition: the heads magnified, and an overview."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple
from xml.etree.ElementTree import Element

from kanister_kafka.durations import format_milliseconds
from kanister_kafka.reports.html.page import (
    TimeAxis,
    add,
    add_diamond,
    add_rect,
    add_row,
    new_drawing,
)
from kanister_kafka.reports.text import YEAR_10000, format_record_time
from kanister_kafka.topics.compare.verdict import LaggingSide

if TYPE_CHECKING:
    from kanister_kafka.topics.compare.verdict import ConsistencyVerdict
    from kanister_kafka.topics.model import (
        Comparison,
        PartitionBounds,
        PartitionResult,
        RecordPosition,
        UnmatchedRange,
    )

GUTTER, PLOT, EDGE = 130.0, 800.0, 142.0
"""Widths of the names, of the time axis, and of the remarks at its right."""
TOP = 24.0
"""Height of the labels of the axis."""
ROW = 26.0
"""Height of a partition."""
LABEL = 26.0
"""Height of the remark about the head, above the axis."""
TICK = 16.0
"""Height of a record in the magnified head."""
TICK_WIDTHS = {"both": 2.0, "only-a": 3.4, "only-b": 3.4}
BAR = 9.0
"""Height of the bar of one side in the overview."""
RECORDS_AROUND = 15
"""Records that are visible on each side of the border of an even head."""
MS_AROUND = 1000
"""ms around the border if the density of records is not known."""


class PartitionChart:
    """A frame with a row for each partition, filled from the top down."""

    def __init__(
        self, comparison: Comparison, axis: TimeAxis, name: str, title: str, above: float
    ) -> None:
        self.comparison = comparison
        self.axis = axis
        self.top = above + TOP
        self.y = self.top
        self.svg = new_drawing(name, title)
        # Grid and bands are behind everything, and their height is known only at the end.
        self.background = add(self.svg, "g")

    def row(self, partition: int, tip: str) -> Element:
        """Begin the row of a partition."""
        return add_row(
            self.svg, f"partition {partition}", f"partition {partition}: {tip}", self._baseline
        )

    @property
    def _baseline(self) -> float:
        return self.y + ROW / 2 + 4

    def write(self, row: Element, text: str, x: float, kind: str, down: float = 0) -> None:
        """Write into the row."""
        add(row, "text", text, x=x, y=self._baseline + down, class_=kind)

    def remark(self, row: Element, text: str, kind: str = "beside") -> None:
        """Write at the right of the axis."""
        self.write(row, text, self.axis.right + 8, kind)

    def missing_rows(self) -> None:
        """Draw the partitions that only one side has."""
        for partition in self.comparison.missing:
            side = "A" if partition in self.comparison.missing_in_b else "B"
            row = self.row(partition, f"only {side} has it")
            y = self.y + ROW / 2
            x1 = self.axis.left
            add(row, "line", x1=x1, x2=self.axis.right, y1=y, y2=y, class_="lacking")
            self.remark(row, f"only in {side}", "beside wrong")
            self.y += ROW

    def finish(self, below: float = 0) -> Element:
        """Draw the axis and return the drawing, with some room below."""
        self.axis.draw(self.background, self.top, self.y)
        self.svg.set("viewBox", f"0 0 {GUTTER + PLOT + EDGE:.0f} {self.y + 6 + below:.0f}")
        return self.svg


# --- The head, magnified


def head_time_axis(comparison: Comparison, verdict: ConsistencyVerdict) -> TimeAxis | None:
    """Return the time around the end of the common records, or None without one."""
    border = [t for t in (verdict.last, verdict.lost) if t is not None and 0 <= t < YEAR_10000]
    if not border:
        return None
    intervals = []
    for result in comparison.partitions:
        times = sorted([*result.times, *result.missing])
        if len(times) > 1 and times[-1] > times[0]:
            intervals.append((times[-1] - times[0]) / (len(times) - 1))
    around = RECORDS_AROUND * median(intervals) if intervals else MS_AROUND
    around = max(1, round(max(around, 0.6 * (max(border) - min(border)))))
    after = around // 8 if verdict.behind is LaggingSide.NEITHER else around
    return TimeAxis.over((max(0, min(border) - around), max(border) + after), 0, GUTTER, PLOT)


def head_chart(comparison: Comparison, verdict: ConsistencyVerdict, axis: TimeAxis) -> Element:
    """Return the last records that both sides have, and those after them that one side lacks."""
    above = LABEL if verdict.uneven or verdict.passed else 0.0
    title = "The head of each partition, magnified"
    chart = PartitionChart(comparison, axis, "heads", title, above)
    for result in comparison.partitions:
        _head(chart, result)
        chart.y += ROW
    chart.missing_rows()
    if verdict.uneven and verdict.last is not None and verdict.lost is not None:
        is_even = verdict.uneven <= comparison.even_within
        _uneven_band(chart, verdict.lost, verdict.last, is_even=is_even)
    elif verdict.passed and verdict.last is not None and axis.has(verdict.last):
        _even_line(chart, verdict, verdict.last)
    return chart.finish()


def _head(chart: PartitionChart, result: PartitionResult) -> None:
    axis = chart.axis
    head = result.head_a or result.head_b
    side = "a" if result.head_a else "b"
    row = chart.row(result.partition, _head_tip(result, head))
    if result.first_a is not None and result.last_a is not None:
        if result.last_a.time < axis.start:
            chart.write(row, f"◂ {format_record_time(result.last_a.time)}", GUTTER + 4, "side")
        else:
            span = (result.first_a.time, result.last_a.time)
            _records(chart, row, span, result.times, "both")
    if head is not None and head.first.time > axis.end:
        text = f"{format_record_time(head.first.time)} ▸"
        y = chart.y + (ROW - TICK) / 2 + 11
        add(row, "text", text, x=axis.right - 4, y=y, class_="side", text_anchor="end")
    elif head is not None:
        _records(chart, row, (head.first.time, head.last.time), result.missing, f"only-{side}")
    if result.differs:
        chart.remark(row, "differs", "beside wrong")
    elif head is not None:
        chart.remark(row, f"+{head.count:,} only in {side.upper()}")
    elif result.a.newest is None and result.b.newest is None:
        chart.remark(row, "empty")


def _head_tip(result: PartitionResult, head: UnmatchedRange | None) -> str:
    tip = "nothing in both"
    if result.last_a:
        tip = f"up to {format_record_time(result.last_a.time)} in both"
    if head:
        tip += f", then {head.count:,} from {format_record_time(head.first.time)} on in one"
    return tip


def _records(
    chart: PartitionChart, row: Element, span: tuple[int, int], times: tuple[int, ...], kind: str
) -> None:
    """Draw the span of records and over it each record; only the span if the records touch."""
    axis = chart.axis
    y = chart.y + (ROW - TICK) / 2
    start = axis.x(span[0])
    box = (start, y, axis.x(span[1]) - start, TICK)
    places = sorted({round(axis.x(time), 1) for time in span + times if axis.has(time)})
    gaps = [after - before for before, after in pairwise(places)]
    width = TICK_WIDTHS[kind]
    if gaps and median(gaps) < width:
        add_rect(row, box, kind)
        return
    add_rect(row, box, f"{kind} trail")
    if places:
        ticks = (f"M{x - width / 2:.1f},{y:.1f}h{width}v{TICK}h-{width}z" for x in places)
        add(row, "path", d="".join(ticks), class_=f"{kind} record")


def _uneven_band(chart: PartitionChart, lost: int, last: int, *, is_even: bool) -> None:
    """Shade the time of records that some partitions have and others lack."""
    start, end = chart.axis.x(lost), chart.axis.x(last)
    kind = " even" if is_even else ""
    y = LABEL - 6
    background = chart.background
    add_rect(background, (start, chart.top, end - start, chart.y - chart.top), f"band{kind}")
    for x in (start, end):
        add(background, "line", x1=x, x2=x, y1=y, y2=chart.y, class_=f"edge{kind}")
    add(background, "line", x1=start, x2=end, y1=y, y2=y, class_=f"bracket{kind}")
    text = f"{'even within' if is_even else 'uneven by'} {format_milliseconds(last - lost)}"
    _border_label(chart, text, (start + end) / 2, f"border{kind}")


def _even_line(chart: PartitionChart, verdict: ConsistencyVerdict, last: int) -> None:
    """Draw one line through all partitions between the last common and the first lost record."""
    x = chart.axis.x(last if verdict.lost is None else (last + verdict.lost) // 2)
    for parent, top in ((chart.background, LABEL - 4), (chart.svg, chart.top)):
        add(parent, "line", x1=x, x2=x, y1=top, y2=chart.y, class_="moment")
    is_neither = verdict.behind is LaggingSide.NEITHER
    ends = "both sides end alike" if is_neither else "even: one moment"
    _border_label(chart, f"{ends}, {format_record_time(last)[11:]}", x, "border even")


def _border_label(chart: PartitionChart, text: str, x: float, kind: str) -> None:
    x = chart.axis.keep_within(x, 90)
    add(chart.svg, "text", text, x=x, y=LABEL - 12, class_=kind, text_anchor="middle")


# --- The overview


class _Side(NamedTuple):
    """One side of a partition."""

    name: str
    bounds: PartitionBounds
    first: RecordPosition | None
    last: RecordPosition | None
    tail: UnmatchedRange | None
    head: UnmatchedRange | None


def overview_chart(comparison: Comparison, magnified: TimeAxis | None) -> Element:
    """Return all records of the topics, a bar for each side of each partition."""
    times = []
    for result in comparison.partitions:
        positions = (result.a.oldest, result.a.newest, result.b.oldest, result.b.newest)
        times += [position.time for position in positions if position is not None]
    around = (max(times) - min(times)) // 50 if times else 0
    axis = TimeAxis.over(times, max(around, 1), GUTTER, PLOT)
    title = "What each side holds, over all its time"
    chart = PartitionChart(comparison, axis, "overview", title, 0)
    for result in comparison.partitions:
        row = chart.row(result.partition, f"{result.common:,} in both")
        of = result
        _side(chart, row, _Side("A", of.a, of.first_a, of.last_a, of.tail_a, of.head_a), -BAR - 1)
        _side(chart, row, _Side("B", of.b, of.first_b, of.last_b, of.tail_b, of.head_b), 0)
        _difference(chart, row, result)
        chart.y += ROW
    chart.missing_rows()
    if magnified is None:
        return chart.finish()
    x = axis.x((magnified.start + magnified.end) // 2)
    y = chart.y + 11
    add(chart.svg, "text", "▴", x=x, y=y, class_="tick", text_anchor="middle")
    beside, anchor = (x - 8, "end") if x > GUTTER + PLOT / 2 else (x + 8, "start")
    label = "magnified above"
    add(chart.svg, "text", label, x=beside, y=y, class_="tick", text_anchor=anchor)
    return chart.finish(14)


def _side(chart: PartitionChart, row: Element, side: _Side, down: float) -> None:
    axis = chart.axis
    only = f"only-{side.name.lower()}"
    oldest, newest = side.bounds.oldest, side.bounds.newest
    chart.write(row, side.name, GUTTER - 16, "side", down + BAR / 2 - 0.5)
    if oldest is None or newest is None:
        chart.write(row, "empty", GUTTER + 4, "side", down + BAR / 2 - 0.5)
        return

    def bar(start: int, end: int, kind: str) -> None:
        x = axis.x(start)
        add_rect(row, (x, chart.y + ROW / 2 + down, axis.x(end) - x, BAR), kind, corner=1)

    tail, head, first, last = side.tail, side.head, side.first, side.last
    if tail is not None:
        bar(tail.first.time, first.time if first else tail.last.time, only)
    if head is not None:
        bar(last.time if last else head.first.time, newest.time, only)
    if first is not None and last is not None:
        bar(first.time, last.time, "both")
    if first is None and head is None:
        bar(oldest.time, newest.time, only)


def _difference(chart: PartitionChart, row: Element, result: PartitionResult) -> None:
    """Mark the first difference."""
    difference = result.difference
    record = (difference.a or difference.b) if difference is not None else None
    if record is not None:
        mark = add_diamond(row, chart.axis.x(record.time), chart.y + ROW / 2, (6, 9), "differs")
        add(mark, "title", f"first difference: {format_record_time(record.time)}")
    if result.differs:
        chart.remark(row, "differs", "beside wrong")
