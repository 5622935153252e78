"""Two topics drawn whole, as SVG: a bar for each side of each partition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from kanister_kafka.report.axis import Axis
from kanister_kafka.report.lanes import GUTTER, PLOT, ROW, Lanes
from kanister_kafka.report.markup import add, rect
from kanister_kafka.report.records import moment

if TYPE_CHECKING:
    from kanister_kafka.topics.model import Comparison, Extent, Only, PartitionResult, Spot

BAR = 9.0
"""Height of the bar of one side."""


def overview(found: Comparison, magnified: Axis | None) -> Element:
    """Return all that is held, a bar for each side of each partition."""
    times = [time for result in found.partitions for time in _times(result)]
    held = (max(times) - min(times)) // 50 if times else 0
    axis = Axis.over(times, max(held, 1), GUTTER, PLOT)
    lanes = Lanes(found, axis, "overview", "What each side holds, over all its time", 0)
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
    lanes: Lanes,
    row: Element,
    down: float,
    name: str,
    extent: Extent,
    first: Spot | None,
    last: Spot | None,
    tail: Only | None,
    head: Only | None,
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


def _differs(lanes: Lanes, row: Element, result: PartitionResult) -> None:
    """Mark the first difference."""
    found = result.difference
    message = (found.a or found.b) if found is not None else None
    if message is not None:
        x, y = lanes.axis.x(message.time), lanes.y + ROW / 2
        points = f"{x:.2f},{y - 9} {x + 6:.2f},{y} {x:.2f},{y + 9} {x - 6:.2f},{y}"
        mark = add(row, "polygon", points=points, class_="differs")
        add(mark, "title", f"first difference: {moment(message.time)}")
    if result.differs:
        lanes.write(row, "differs", lanes.axis.right + 8, "beside wrong")
