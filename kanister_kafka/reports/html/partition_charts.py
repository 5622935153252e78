"""Heads drawn, as SVG: the last records that both sides have, and those that one lacks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from kanister_kafka.durations import format_milliseconds
from kanister_kafka.reports.html.elements import add, rect
from kanister_kafka.reports.html.time_axis import TimeAxis
from kanister_kafka.reports.record_format import YEAR_10000, format_timestamp
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

# A drawing of a comparison: a lane for each partition, under an axis of time.

GUTTER, PLOT, EDGE = 130.0, 800.0, 142.0
"""Widths: of the names, of the time, and of what is written at its right."""
TOP = 24.0
"""Height of the names of the axis."""
ROW = 26.0
"""Height of a partition."""


class PartitionChart:
    """A frame with a row for each partition, filled from the top down."""

    def __init__(
        self, found: Comparison, axis: TimeAxis, name: str, title: str, above: float
    ) -> None:
        self.found, self.axis, self.top = found, axis, above + TOP
        self.y = self.top
        self.svg = Element("svg", {"class": f"drawing {name}", "role": "img"})
        self.svg.set("aria-labelledby", f"{name}-title")
        add(self.svg, "title", title, id=f"{name}-title")
        self.back = add(self.svg, "g")
        """Behind everything; its height is known at the end."""

    def row(self, partition: int, tip: str) -> Element:
        """Begin the row of a partition."""
        made = add(self.svg, "g", class_="row")
        add(made, "title", tip)
        self.write(made, f"partition {partition}", 0, "name")
        return made

    def write(self, row: Element, text: str, x: float, kind: str, down: float = 0) -> None:
        """Write into the row."""
        add(row, "text", text, x=x, y=self.y + ROW / 2 + 4 + down, class_=kind)

    def one_sided(self) -> None:
        """Draw the partitions that only one side has."""
        for partition in self.found.missing:
            side = "A" if partition in self.found.missing_in_b else "B"
            row = self.row(partition, f"partition {partition}: only {side} has it")
            y, left, right = self.y + ROW / 2, self.axis.left, self.axis.right
            add(row, "line", x1=left, x2=right, y1=y, y2=y, class_="lacking")
            self.write(row, f"only in {side}", right + 8, "beside wrong")
            self.y += ROW

    def finish(self, below: float = 0) -> Element:
        """Draw the axis and return the drawing, with some room below."""
        self.axis.draw(self.back, self.top, self.y)
        self.svg.set("viewBox", f"0 0 {GUTTER + PLOT + EDGE:.0f} {self.y + 6 + below:.0f}")
        return self.svg


LABEL = 26.0
"""Height of what is written above the axis about the head."""
TICK = 16.0
"""Height of a record."""
THICK = {"both": 2.0, "only-a": 3.4, "only-b": 3.4}
"""Width of a record, hollow ones included."""
AROUND = 15
"""Records that are seen on each side of the border of an even head."""
UNKNOWN = 1000
"""ms around the border where it is not known how dense records are."""


def head_time_axis(found: Comparison, judged: ConsistencyVerdict) -> TimeAxis | None:
    """Return the time around the border of what both have, or None where there is none."""
    border = [t for t in (judged.last, judged.lost) if t is not None and 0 <= t < YEAR_10000]
    if not border:
        return None
    gaps = [
        (times[-1] - times[0]) / (len(times) - 1)
        for times in (sorted((*r.times, *r.missing)) for r in found.partitions)
        if len(times) > 1 and times[-1] > times[0]
    ]
    records = AROUND * median(gaps) if gaps else UNKNOWN
    around = max(1, round(max(records, 0.6 * (max(border) - min(border)))))
    after = around // 8 if judged.behind is LaggingSide.NEITHER else around
    return TimeAxis.over((max(0, min(border) - around), max(border) + after), 0, GUTTER, PLOT)


def head_chart(found: Comparison, judged: ConsistencyVerdict, axis: TimeAxis) -> Element:
    """Return the last records that both have, and those after them that one lacks."""
    above = LABEL if judged.uneven or judged.passed else 0.0
    lanes = PartitionChart(found, axis, "heads", "The head of each partition, magnified", above)
    for result in found.partitions:
        _head(lanes, result)
        lanes.y += ROW
    lanes.one_sided()
    if judged.uneven and judged.last is not None and judged.lost is not None:
        _band(lanes, judged.lost, judged.last, even=judged.uneven <= found.even_within)
    elif judged.passed and judged.last is not None and axis.has(judged.last):
        _moment(lanes, judged, judged.last)
    return lanes.finish()


def _head(lanes: PartitionChart, result: PartitionResult) -> None:
    axis, y = lanes.axis, lanes.y + (ROW - TICK) / 2
    head = result.head_a or result.head_b
    only = "only-a" if result.head_a else "only-b"
    ends = (
        f"up to {format_timestamp(result.last_a.time)} in both"
        if result.last_a
        else "nothing in both"
    )
    lacks = (
        f", then {head.count:,} from {format_timestamp(head.first.time)} on in one" if head else ""
    )
    row = lanes.row(result.partition, f"partition {result.partition}: {ends}{lacks}")
    if result.first_a is not None and result.last_a is not None:
        if result.last_a.time < axis.start:
            lanes.write(row, f"◂ {format_timestamp(result.last_a.time)}", GUTTER + 4, "side")
        else:
            span = (result.first_a.time, result.last_a.time)
            _records(row, axis, y, span, result.times, "both")
    if head is not None and head.first.time > axis.end:
        text = f"{format_timestamp(head.first.time)} ▸"
        at = axis.right - 4
        add(row, "text", text, x=at, y=y + 11, class_="side", text_anchor="end")
    elif head is not None:
        _records(row, axis, y, (head.first.time, head.last.time), result.missing, only)
    if result.differs:
        lanes.write(row, "differs", axis.right + 8, "beside wrong")
    elif head is not None:
        lanes.write(row, f"+{head.count:,} only in {only[-1].upper()}", axis.right + 8, "beside")
    elif result.a.newest is None and result.b.newest is None:
        lanes.write(row, "empty", axis.right + 8, "beside")


def _records(
    row: Element,
    axis: TimeAxis,
    y: float,
    span: tuple[int, int],
    times: tuple[int, ...],
    kind: str,
) -> None:
    """Draw the time that records take, and over it each one; all as a bar where they touch."""
    start, end = axis.x(span[0]), axis.x(span[1])
    places = sorted({round(axis.x(time), 1) for time in (*span, *times) if axis.has(time)})
    wide = THICK[kind]
    gaps = [after - before for before, after in pairwise(places)]
    if gaps and median(gaps) < wide:
        rect(row, (start, y, end - start, TICK), kind)
        return
    rect(row, (start, y, end - start, TICK), f"{kind} trail")
    marks = (f"M{x - wide / 2:.1f},{y:.1f}h{wide}v{TICK}h-{wide}z" for x in places)
    if path := "".join(marks):
        add(row, "path", d=path, class_=f"{kind} record")


def _band(lanes: PartitionChart, lost: int, last: int, *, even: bool) -> None:
    """Shade what is there of some partitions and lacking of others."""
    axis, kind = lanes.axis, " even" if even else ""
    start, end, top = axis.x(lost), axis.x(last), lanes.top
    rect(lanes.back, (start, top, end - start, lanes.y - top), f"band{kind}")
    for x in (start, end):
        add(lanes.back, "line", x1=x, x2=x, y1=LABEL - 6, y2=lanes.y, class_=f"edge{kind}")
    y = LABEL - 6
    add(lanes.back, "line", x1=start, x2=end, y1=y, y2=y, class_=f"bracket{kind}")
    text = (
        f"even within {format_milliseconds(last - lost)}"
        if even
        else f"uneven by {format_milliseconds(last - lost)}"
    )
    _label(lanes, text, (start + end) / 2, f"border{kind}")


def _moment(lanes: PartitionChart, judged: ConsistencyVerdict, last: int) -> None:
    """Draw one line through all partitions, after what is there and before what is lacking."""
    x = lanes.axis.x(last if judged.lost is None else (last + judged.lost) // 2)
    for parent, top in ((lanes.back, LABEL - 4), (lanes.svg, lanes.top)):
        add(parent, "line", x1=x, x2=x, y1=top, y2=lanes.y, class_="moment")
    ends = "both sides end alike" if judged.behind is LaggingSide.NEITHER else "even: one moment"
    _label(lanes, f"{ends}, {format_timestamp(last)[11:]}", x, "border even")


def _label(lanes: PartitionChart, text: str, x: float, kind: str) -> None:
    at = min(max(x, GUTTER + 90), GUTTER + PLOT - 90)
    add(lanes.svg, "text", text, x=at, y=LABEL - 12, class_=kind, text_anchor="middle")


# Two topics drawn whole, as SVG: a bar for each side of each partition.

BAR = 9.0
"""Height of the bar of one side."""


def overview_chart(found: Comparison, magnified: TimeAxis | None) -> Element:
    """Return all that is held, a bar for each side of each partition."""
    times = [time for result in found.partitions for time in _times(result)]
    held = (max(times) - min(times)) // 50 if times else 0
    axis = TimeAxis.over(times, max(held, 1), GUTTER, PLOT)
    lanes = PartitionChart(found, axis, "overview", "What each side holds, over all its time", 0)
    for result in found.partitions:
        tip = f"partition {result.partition}: {result.common:,} in both"
        row = lanes.row(result.partition, tip)
        sides = (
            ("A", result.a, result.first_a, result.last_a, result.tail_a, result.head_a),
            ("B", result.b, result.first_b, result.last_b, result.tail_b, result.head_b),
        )
        for number, side in enumerate(sides):
            _side(lanes, row, (number - 1) * (BAR + 1), *side)
        _differs(lanes, row, result)
        lanes.y += ROW
    lanes.one_sided()
    if magnified is not None:
        x, y = axis.x((magnified.start + magnified.end) // 2), lanes.y + 11
        add(lanes.svg, "text", "▴", x=x, y=y, class_="tick", text_anchor="middle")
        beside, anchor = (x - 8, "end") if x > GUTTER + PLOT / 2 else (x + 8, "start")
        text = "magnified above"
        add(lanes.svg, "text", text, x=beside, y=y, class_="tick", text_anchor=anchor)
        return lanes.finish(14)
    return lanes.finish()


def _times(result: PartitionResult) -> Iterator[int]:
    for extent in (result.a, result.b):
        yield from (spot.time for spot in (extent.oldest, extent.newest) if spot is not None)


def _side(
    lanes: PartitionChart,
    row: Element,
    down: float,
    name: str,
    extent: PartitionBounds,
    first: RecordPosition | None,
    last: RecordPosition | None,
    tail: UnmatchedRange | None,
    head: UnmatchedRange | None,
) -> None:
    axis, y, only = lanes.axis, lanes.y + ROW / 2 + down, f"only-{name.lower()}"
    lanes.write(row, name, GUTTER - 16, "side", down + BAR / 2 - 0.5)
    if extent.oldest is None or extent.newest is None:
        lanes.write(row, "empty", GUTTER + 4, "side", down + BAR / 2 - 0.5)
        return

    def bar(start: int, end: int, kind: str) -> None:
        rect(row, (axis.x(start), y, axis.x(end) - axis.x(start), BAR), kind, corner=1)

    if tail is not None:
        bar(tail.first.time, first.time if first else tail.last.time, only)
    if head is not None:
        bar(last.time if last else head.first.time, extent.newest.time, only)
    if first is not None and last is not None:
        bar(first.time, last.time, "both")
    if first is None and head is None:
        bar(extent.oldest.time, extent.newest.time, only)


def _differs(lanes: PartitionChart, row: Element, result: PartitionResult) -> None:
    """Mark the first difference."""
    found = result.difference
    message = (found.a or found.b) if found is not None else None
    if message is not None:
        x, y = lanes.axis.x(message.time), lanes.y + ROW / 2
        points = f"{x:.2f},{y - 9} {x + 6:.2f},{y} {x:.2f},{y + 9} {x - 6:.2f},{y}"
        mark = add(row, "polygon", points=points, class_="differs")
        add(mark, "title", f"first difference: {format_timestamp(message.time)}")
    if result.differs:
        lanes.write(row, "differs", lanes.axis.right + 8, "beside wrong")
