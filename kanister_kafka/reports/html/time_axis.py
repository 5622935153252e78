"""An axis of time: where a moment lies, and which of them are named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from kanister_kafka.reports.html.elements import add
from kanister_kafka.reports.record_format import YEAR_10000
from kanister_kafka.timestamps import from_milliseconds

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
STEPS = (
    *(1, 2, 5, 10, 20, 50, 100, 200, 500),
    *(n * SECOND for n in (1, 2, 5, 10, 15, 30)),
    *(n * MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR for n in (1, 2, 3, 6, 12)),
    *(n * DAY for n in (1, 2, 5, 10, 30, 90, 365, 3650, 36_500, 365_000)),
)
"""ms between two names."""
NAMES = 8
"""As many stand beside each other."""


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Times from `start` to `end`, in ms, over a width of a drawing."""

    start: int
    end: int
    left: float
    width: float

    @classmethod
    def over(cls, times: Iterable[int], around: int, left: float, width: float) -> TimeAxis:
        """Return an axis with room for some times, and for so many ms around them.

        Records without a time, or with one that no calendar has, are not on it.
        """
        known = [time for time in times if 0 <= time < YEAR_10000] or [0]
        start, end = max(0, min(known) - around), min(YEAR_10000 - 1, max(known) + around)
        return cls(start, max(end, start + 1), left, width)

    @property
    def right(self) -> float:
        """Where it ends in the drawing."""
        return self.left + self.width

    def has(self, time: int) -> bool:
        """Tell whether a time is on it."""
        return self.start <= time <= self.end

    def x(self, time: int) -> float:
        """Return where a time lies; what is beyond an end, on the end."""
        share = (min(max(time, self.start), self.end) - self.start) / (self.end - self.start)
        return self.left + share * self.width

    def draw(self, parent: Element, top: float, bottom: float) -> None:
        """Draw lines through everything from top to bottom, with their times above."""
        day = from_milliseconds(self.start).date().isoformat()
        add(parent, "text", f"{day} UTC", x=0, y=top - 8, class_="tick")
        for time, name in self._named():
            x = self.x(time)
            add(parent, "line", x1=x, x2=x, y1=top, y2=bottom, class_="grid")
            add(parent, "text", name, x=x, y=top - 8, class_="tick", text_anchor="middle")

    def _named(self) -> Iterator[tuple[int, str]]:
        step = next((s for s in STEPS if (self.end - self.start) / s <= NAMES), STEPS[-1])
        for time in range(-(-self.start // step) * step, self.end + 1, step):
            moment = from_milliseconds(time)
            if step >= DAY or time % DAY == 0:
                yield time, moment.date().isoformat()
            elif step >= MINUTE:
                yield time, f"{moment:%H:%M}"
            else:
                unit = "seconds" if step >= SECOND else "milliseconds"
                yield time, moment.time().isoformat(timespec=unit)
