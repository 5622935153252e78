"""Heads drawn, as SVG: the last records that both sides have, and those that one lacks."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from kanister_kafka.report.axis import Axis
from kanister_kafka.report.lanes import GUTTER, PLOT, ROW, Lanes
from kanister_kafka.report.markup import add, rect
from kanister_kafka.report.records import YEAR_10000, apart, moment
from kanister_kafka.topics.verdict import Behind

if TYPE_CHECKING:
    from kanister_kafka.topics.model import Comparison, PartitionResult
    from kanister_kafka.topics.verdict import Judgement

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


def head_axis(found: Comparison, judged: Judgement) -> Axis | None:
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
    after = around // 8 if judged.behind is Behind.NEITHER else around
    return Axis.over((max(0, min(border) - around), max(border) + after), 0, GUTTER, PLOT)


def heads(found: Comparison, judged: Judgement, axis: Axis) -> Element:
    """Return the last records that both have, and those after them that one lacks."""
    above = LABEL if judged.uneven or judged.passed else 0.0
    lanes = Lanes(found, axis, "heads", "The head of each partition, magnified", above)
    for result in found.partitions:
        _head(lanes, result)
        lanes.y += ROW
    lanes.one_sided()
    if judged.uneven and judged.last is not None and judged.lost is not None:
        _band(lanes, judged.lost, judged.last, even=judged.uneven <= found.even_within)
    elif judged.passed and judged.last is not None and axis.has(judged.last):
        _moment(lanes, judged, judged.last)
    return lanes.finish()


def _head(lanes: Lanes, result: PartitionResult) -> None:
    axis, y = lanes.axis, lanes.y + (ROW - TICK) / 2
    head = result.head_a or result.head_b
    only = "only-a" if result.head_a else "only-b"
    ends = f"up to {moment(result.last_a.time)} in both" if result.last_a else "nothing in both"
    lacks = f", then {head.count:,} from {moment(head.first.time)} on in one" if head else ""
    row = lanes.row(result.partition, f"partition {result.partition}: {ends}{lacks}")
    if result.first_a is not None and result.last_a is not None:
        if result.last_a.time < axis.start:
            lanes.write(row, f"◂ {moment(result.last_a.time)}", GUTTER + 4, "side")
        else:
            span = (result.first_a.time, result.last_a.time)
            _records(row, axis, y, span, result.times, "both")
    if head is not None and head.first.time > axis.end:
        text = f"{moment(head.first.time)} ▸"
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
    axis: Axis,
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


def _band(lanes: Lanes, lost: int, last: int, *, even: bool) -> None:
    """Shade what is there of some partitions and lacking of others."""
    axis, kind = lanes.axis, " even" if even else ""
    start, end, top = axis.x(lost), axis.x(last), lanes.top
    rect(lanes.back, (start, top, end - start, lanes.y - top), f"band{kind}")
    for x in (start, end):
        add(lanes.back, "line", x1=x, x2=x, y1=LABEL - 6, y2=lanes.y, class_=f"edge{kind}")
    y = LABEL - 6
    add(lanes.back, "line", x1=start, x2=end, y1=y, y2=y, class_=f"bracket{kind}")
    text = f"even within {apart(last - lost)}" if even else f"uneven by {apart(last - lost)}"
    _label(lanes, text, (start + end) / 2, f"border{kind}")


def _moment(lanes: Lanes, judged: Judgement, last: int) -> None:
    """Draw one line through all partitions, after what is there and before what is lacking."""
    x = lanes.axis.x(last if judged.lost is None else (last + judged.lost) // 2)
    for parent, top in ((lanes.back, LABEL - 4), (lanes.svg, lanes.top)):
        add(parent, "line", x1=x, x2=x, y1=top, y2=lanes.y, class_="moment")
    ends = "both sides end alike" if judged.behind is Behind.NEITHER else "even: one moment"
    _label(lanes, f"{ends}, {moment(last)[11:]}", x, "border even")


def _label(lanes: Lanes, text: str, x: float, kind: str) -> None:
    at = min(max(x, GUTTER + 90), GUTTER + PLOT - 90)
    add(lanes.svg, "text", text, x=at, y=LABEL - 12, class_=kind, text_anchor="middle")
