"""A rehearsal drawn: lanes for stages, pods, snapshots and the probe above one another, as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from kanister_kafka.durations import format_seconds
from kanister_kafka.reports.html.elements import add, rect
from kanister_kafka.reports.rehearsal import outage_text

if TYPE_CHECKING:
    from kanister_kafka.operations.rehearsal.model import (
        CanaryResult,
        PodTimeline,
        Rehearsal,
        RehearsalStage,
        VolumeSnapshot,
    )

GUTTER, PLOT, EDGE = 190.0, 780.0, 30.0
"""Widths: of the names, of the time, and what is free at its right."""
ROW, BAR, HEAD, AXIS, CHART = 24.0, 14.0, 34.0, 46.0, 96.0
"""Heights: of a row and of its bar, of a lane's name, of the axis, and of the chart."""
LETTER = 6.6
"""Width of a letter at the size of the drawing, taken a little too large."""
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600)
TICKS = 12
LONGEST = 26
"""Letters that fit into the gutter."""


class RehearsalChart:
    """Draws from the top down."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self._whole = max(rehearsal.seconds, 1.0)
        self._y = AXIS
        self.svg = Element("svg", {"class": "drawing timeline", "role": "img"})
        self.svg.set("aria-labelledby", "timeline-title timeline-desc")
        place = f"{rehearsal.namespace}/{rehearsal.cluster}"
        add(self.svg, "title", f"Timeline of the rehearsal of Kafka {place}", id="timeline-title")
        add(self.svg, "desc", self._described(), id="timeline-desc")
        self._patterns()
        self._back = add(self.svg, "g")
        """Behind everything: grid and outage, whose height is known at the end."""

    def draw(self) -> Element:
        """Return the drawing."""
        found = self._rehearsal
        self._lane("Stages")
        for stage in found.stages:
            self._stage(stage)
        if found.pods:
            self._lane("Pods")
            for pod in sorted(found.pods, key=lambda pod: (not pod.broker, pod.name)):
                self._pod(pod)
        if found.snapshots:
            self._lane("Snapshots")
            for snapshot in found.snapshots:
                self._snapshot(snapshot)
        if found.probe:
            self._lane("Clients: records acknowledged in each second")
            self._acks(found.probe)
        self._grid()
        width, height = GUTTER + PLOT + EDGE, self._y + 10
        self.svg.set("viewBox", f"0 0 {width:.0f} {height:.0f}")
        return self.svg

    @property
    def _given_up(self) -> float:
        """When nobody waited for snapshots any more."""
        stage = self._rehearsal.stage("snapshots ready")
        return self._whole if stage is None or stage.end is None else stage.end

    def _x(self, seconds: float) -> float:
        return GUTTER + min(max(seconds, 0.0), self._whole) / self._whole * PLOT

    def _patterns(self) -> None:
        made = add(self.svg, "defs")
        for name in ("outage", "starting"):
            turn = {"outage": 45, "starting": -45}[name]
            pattern = add(
                made,
                "pattern",
                id=f"hatch-{name}",
                width=8,
                height=8,
                patternUnits="userSpaceOnUse",
                patternTransform=f"rotate({turn})",
            )
            rect(pattern, (0.0, 0.0, 3.0, 8.0), f"stripe-{name}")

    def _described(self) -> str:
        found = self._rehearsal
        stages = (f"{stage.name} {format_seconds(stage.seconds)}" for stage in found.stages)
        return f"Outage: {outage_text(found)}. Stages: {', '.join(stages)}."

    def _lane(self, name: str) -> None:
        self._y += HEAD
        add(self.svg, "text", name, x=0, y=self._y - 10, class_="lane")

    def _name(self, text: str, whole: str = "") -> Element:
        """Write the name of a row, cut in its middle where it is too long."""
        half = LONGEST // 2
        shown = text if len(text) <= LONGEST else f"{text[: half - 1]}…{text[-half:]}"
        row = add(self.svg, "g", class_="row")
        add(row, "title", whole or text)
        add(row, "text", shown, x=0, y=self._y + ROW / 2 + 4, class_="name")
        return row

    def _bar(self, row: Element, start: float, end: float, kind: str, tip: str = "") -> None:
        box = (self._x(start), self._y + (ROW - BAR) / 2, self._x(end) - self._x(start), BAR)
        bar = rect(row, box, kind, corner=2)
        if tip:
            add(bar, "title", tip)

    def _stage(self, stage: RehearsalStage) -> None:
        end = self._whole if stage.end is None else stage.end
        took = "not ended" if stage.end is None else format_seconds(stage.seconds)
        row = self._name(stage.name, f"{stage.name}: {stage.does}")
        kind = "stage failed" if stage.failed else "stage"
        self._bar(row, stage.start, end, kind, f"{stage.name}, {took}: {stage.does}")
        self._beside(row, stage.start, end, f"{took}, failed" if stage.failed else took)
        self._y += ROW

    def _beside(self, row: Element, start: float, end: float, text: str, space: float = 6) -> None:
        """Write a text at the right of a bar, or at its left where there is no room."""
        at, anchor = self._x(end) + space, "start"
        if at + len(text) * LETTER > GUTTER + PLOT + EDGE:
            at, anchor = self._x(start) - 6, "end"
        add(row, "text", text, x=at, y=self._y + ROW / 2 + 4, class_="took", text_anchor=anchor)

    def _pod(self, pod: PodTimeline) -> None:
        row = self._name(pod.name.removeprefix(f"{self._rehearsal.cluster}-"), pod.name)
        middle = self._y + ROW / 2
        for span in pod.spans:
            state = span.state.value
            tip = f"{pod.name}: {state} for {format_seconds(span.end - span.start)}"
            if state == "gone":
                line = add(
                    row,
                    "line",
                    x1=self._x(span.start),
                    x2=self._x(span.end),
                    y1=middle,
                    y2=middle,
                    class_="pod gone",
                )
                add(line, "title", tip)
            else:
                self._bar(row, span.start, span.end, f"pod {state}", tip)
        self._y += ROW

    def _snapshot(self, of: VolumeSnapshot) -> None:
        short = of.claim.replace(f"-{self._rehearsal.cluster}-", " ")
        row = self._name(short, f"VolumeSnapshot {of.name} of claim {of.claim}")
        middle = self._y + ROW / 2
        last = of.ready if of.ready is not None else self._given_up
        start, end = self._x(of.made), self._x(last)
        add(row, "line", x1=start, x2=end, y1=middle, y2=middle, class_="snapshot")
        if of.ready is not None:
            dot = add(row, "circle", cx=self._x(of.ready), cy=middle, r=7, class_="ready")
            add(dot, "title", f"ready after {format_seconds(of.ready - of.made)}")
        if of.cut is not None:
            at = self._x(of.cut)
            points = f"{at},{middle - 5} {at + 5},{middle} {at},{middle + 5} {at - 5},{middle}"
            cut = add(row, "polygon", points=points, class_="cut")
            add(cut, "title", f"cut after {format_seconds(of.cut - of.made)}")
        text = "not ready" if of.ready is None else f"ready {format_seconds(of.ready - of.made)}"
        self._beside(row, of.made, last, text, 14)
        self._y += ROW

    def _acks(self, probe: CanaryResult) -> None:
        """Draw the records of each second as steps; what is not there is none."""
        counts = dict(probe.counts)
        top, bottom = self._y + 8, self._y + CHART
        most = max([probe.rate, *counts.values()])
        first, last = int(probe.first // 1), int(probe.last // 1) + 1

        def high(number: int) -> float:
            return bottom - (bottom - top) * min(number, most) / most

        steps = [f"M{self._x(first):.2f},{bottom:.2f}"]
        for second in range(first, last):
            y = high(counts.get(second, 0))
            steps.append(f"L{self._x(second):.2f},{y:.2f}")
            steps.append(f"L{self._x(second + 1):.2f},{y:.2f}")
        steps.append(f"L{self._x(last):.2f},{bottom:.2f}Z")
        row = add(self.svg, "g", class_="row")
        for number in (0, most):
            y = high(number)
            add(row, "line", x1=GUTTER, x2=GUTTER + PLOT, y1=y, y2=y, class_="grid")
            add(row, "text", f"{number}", x=GUTTER - 8, y=y + 4, class_="tick", text_anchor="end")
        area = add(row, "path", d="".join(steps), class_="acks")
        add(area, "title", f"{probe.acked} records acknowledged")
        self._y = bottom
        self._outage_length(top, bottom)

    def _outage_length(self, top: float, bottom: float) -> None:
        outage = self._rehearsal.outage
        if outage is None:
            return
        start, end = self._x(outage.start), self._x(outage.end or self._whole)
        text = "not over" if outage.end is None else format_seconds(outage.seconds)
        y, wide = (top + bottom) / 2, len(text) * 9.0 + 16
        middle = min(max((start + end) / 2, GUTTER + wide / 2), GUTTER + PLOT - wide / 2)
        rect(self.svg, (start, top, end - start, bottom - top), "outage")
        rect(self.svg, (middle - wide / 2, y - 14, wide, 26.0), "plate", corner=4)
        add(self.svg, "text", text, x=middle, y=y + 5, class_="length", text_anchor="middle")

    def _grid(self) -> None:
        """Draw what goes through all lanes: the time, and the outage."""
        step = next((s for s in STEPS if self._whole / s <= TICKS), STEPS[-1])
        for number in range(int(self._whole // step) + 1):
            x = self._x(number * step)
            add(self._back, "line", x1=x, x2=x, y1=AXIS - 4, y2=self._y, class_="grid")
            minutes, seconds = divmod(number * step, 60)
            text = f"{minutes}:{seconds:02}"
            add(self._back, "text", text, x=x, y=AXIS - 12, class_="tick", text_anchor="middle")
        outage = self._rehearsal.outage
        if outage is None:
            return
        start, end = self._x(outage.start), self._x(outage.end or self._whole)
        rect(self._back, (start, AXIS - 4, end - start, self._y - AXIS + 4), "band")
        text = f"outage {format_seconds(outage.seconds)}" if outage.end else "outage, not over"
        middle = min(max((start + end) / 2, GUTTER + 60), GUTTER + PLOT - 60)
        add(self._back, "line", x1=start, x2=end, y1=AXIS - 32, y2=AXIS - 32, class_="bracket")
        add(
            self._back,
            "text",
            text,
            x=middle,
            y=AXIS - 36,
            class_="outage-name",
            text_anchor="middle",
        )
