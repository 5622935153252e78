"""A drawing of a comparison: a lane for each partition, under an axis of time."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from kanister_kafka.report.axis import Axis
from kanister_kafka.report.markup import add

if TYPE_CHECKING:
    from kanister_kafka.topics.model import Comparison

GUTTER, PLOT, EDGE = 130.0, 800.0, 142.0
"""Widths: of the names, of the time, and of what is written at its right."""
TOP = 24.0
"""Height of the names of the axis."""
ROW = 26.0
"""Height of a partition."""


class Lanes:
    """A frame with a row for each partition, filled from the top down."""

    def __init__(self, found: Comparison, axis: Axis, name: str, title: str, above: float) -> None:
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
