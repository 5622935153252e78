"""Reports as HTML pages: one file without scripts and without requests to other hosts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring

from kanister_kafka.jinja import Environment, Markup, html_environment, render_template
from kanister_kafka.reports.text import YEAR_10000
from kanister_kafka.timestamps import EPOCH


class Tile(NamedTuple):
    """A figure at the top of a page."""

    title: str
    value: str
    meaning: str
    kind: str = ""
    """CSS class that colours the value: `outage`, `failed` or none."""


def render_page(template: str, **values: object) -> str:
    """Return the page of a template in `templates/report`; texts among the values are escaped."""
    return render_template(_environment(), f"report/{template}.html.j2", **values)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return html_environment(_finalize)


def _finalize(value: object) -> object:
    """Return a drawing as markup, and a text without control characters."""
    if value is None:
        raise TypeError("a page may not print None")
    if isinstance(value, Element):
        return Markup(tostring(value, encoding="unicode", method="html"))
    if isinstance(value, str) and not isinstance(value, Markup):
        return "".join(
            c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in value
        )
    return value


# SVG elements and axes of the drawings; ElementTree escapes every text.

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
CALENDAR_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500]
CALENDAR_STEPS += [n * SECOND for n in (1, 2, 5, 10, 15, 30)]
CALENDAR_STEPS += [n * MINUTE for n in (1, 2, 5, 10, 15, 30)]
CALENDAR_STEPS += [n * HOUR for n in (1, 2, 3, 6, 12)]
CALENDAR_STEPS += [n * DAY for n in (1, 2, 5, 10, 30, 90, 365, 3650, 36_500, 365_000)]
"""ms between two ticks."""
CALENDAR_TICKS = 8

Box = tuple[float, float, float, float]
"""Left, top, width and height."""


def add(parent: Element, tag: str, text: str = "", **attributes: object) -> Element:
    """Add an element; `class_` is the attribute `class`, and `_` in a name stands for `-`."""
    element = SubElement(parent, tag)
    for key, value in attributes.items():
        name = key.rstrip("_").replace("_", "-")
        element.set(name, f"{value:.2f}" if isinstance(value, float) else str(value))
    if text:
        element.text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return element


def add_rect(parent: Element, box: Box, kind: str, *, corner: int = 0) -> Element:
    """Add a rectangle of a class; it is at least 2 wide, so that it can be seen."""
    x, y, width, height = box
    return add(
        parent, "rect", x=x, y=y, width=max(width, 2.0), height=height, rx=corner, class_=kind
    )


def add_diamond(
    parent: Element, x: float, y: float, size: tuple[float, float], kind: str
) -> Element:
    """Add a diamond around a point, with half its width and half its height."""
    wide, high = size
    corners = ((x, y - high), (x + wide, y), (x, y + high), (x - wide, y))
    points = " ".join(f"{left:.2f},{top:.2f}" for left, top in corners)
    return add(parent, "polygon", points=points, class_=kind)


def add_row(parent: Element, name: str, tip: str, y: float) -> Element:
    """Add a group with a name at its left, and a text that is shown if the mouse is over it."""
    row = add(parent, "g", class_="row")
    add(row, "title", tip)
    add(row, "text", name, x=0, y=y, class_="name")
    return row


def new_drawing(name: str, title: str, description: str = "") -> Element:
    """Return an `svg` element with a title and a description for screen readers."""
    svg = Element("svg", {"class": f"drawing {name}", "role": "img"})
    ids = f"{name}-title"
    add(svg, "title", title, id=ids)
    if description:
        ids += f" {name}-desc"
        add(svg, "desc", description, id=f"{name}-desc")
    svg.set("aria-labelledby", ids)
    return svg


def tick_step(steps: Sequence[int], length: float, ticks: int) -> int:
    """Return the smallest step with at most this number of ticks, or the largest step."""
    return next((step for step in steps if length / step <= ticks), steps[-1])


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from `start` to `end` over a width of a drawing."""

    start: float
    end: float
    left: float
    width: float

    @property
    def right(self) -> float:
        """Its end in the drawing."""
        return self.left + self.width

    def x(self, value: float) -> float:
        """Return the place of a value; a value beyond an end is placed on that end."""
        share = (min(max(value, self.start), self.end) - self.start) / (self.end - self.start)
        return self.left + share * self.width

    def keep_within(self, x: float, margin: float) -> float:
        """Return a place that is at least `margin` away from both ends."""
        return min(max(x, self.left + margin), self.right - margin)

    def draw_ticks(
        self, parent: Element, top: float, bottom: float, ticks: Iterable[tuple[float, str]]
    ) -> None:
        """Draw a line from top to bottom for each tick, with its label above."""
        for value, label in ticks:
            x = self.x(value)
            add(parent, "line", x1=x, x2=x, y1=top, y2=bottom, class_="grid")
            add(parent, "text", label, x=x, y=top - 8, class_="tick", text_anchor="middle")


@dataclass(frozen=True, slots=True)
class TimeAxis(Axis):
    """An axis of times in ms since 1970."""

    start: int
    end: int

    @classmethod
    def over(cls, times: Iterable[int], around: int, left: float, width: float) -> TimeAxis:
        """Return an axis over some times and `around` ms before and after them.

        Records without a time, or with a time beyond the year 9999, do not count.
        """
        known = [time for time in times if 0 <= time < YEAR_10000] or [0]
        start = max(0, min(known) - around)
        end = min(YEAR_10000 - 1, max(known) + around)
        return cls(start, max(end, start + 1), left, width)

    def has(self, time: int) -> bool:
        """Return whether a time is on the axis."""
        return self.start <= time <= self.end

    def draw(self, parent: Element, top: float, bottom: float) -> None:
        """Draw the day of its start, and ticks at round times."""
        day = (EPOCH + timedelta(milliseconds=self.start)).date().isoformat()
        add(parent, "text", f"{day} UTC", x=0, y=top - 8, class_="tick")
        step = tick_step(CALENDAR_STEPS, self.end - self.start, CALENDAR_TICKS)
        first = -(-self.start // step) * step
        times = range(first, self.end + 1, step)
        self.draw_ticks(parent, top, bottom, [(time, _tick_label(time, step)) for time in times])


def _tick_label(time: int, step: int) -> str:
    moment = EPOCH + timedelta(milliseconds=time)
    if step >= DAY or time % DAY == 0:
        return moment.date().isoformat()
    if step >= MINUTE:
        return f"{moment:%H:%M}"
    return moment.time().isoformat("seconds" if step >= SECOND else "milliseconds")
