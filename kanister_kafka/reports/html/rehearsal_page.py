"""A rehearsal as one HTML page: figures, the timeline, and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from kanister_kafka.durations import format_seconds
from kanister_kafka.reports.change_request import ReportTable
from kanister_kafka.reports.html.page import (
    Axis,
    Tile,
    add,
    add_diamond,
    add_rect,
    add_row,
    new_drawing,
    render_page,
    tick_step,
)
from kanister_kafka.reports.rehearsal import (
    NOT_CLIENTS,
    next_steps,
    outage_text,
    records_text,
    verdict,
    versions_text,
)
from kanister_kafka.reports.text import format_utc
from kanister_kafka.timestamps import format_timestamp

if TYPE_CHECKING:
    from kanister_kafka.operations.rehearsal.model import (
        CanaryResult,
        PodTimeline,
        Rehearsal,
        RehearsalStage,
        VolumeSnapshot,
    )


def rehearsal_html(rehearsal: Rehearsal) -> str:
    """Return one HTML page without scripts and without requests to other hosts."""
    kafka = f"{rehearsal.namespace}/{rehearsal.cluster}"
    took = format_seconds(rehearsal.seconds)
    return render_page(
        "rehearsal",
        title=f"Rehearsal of a backup of Kafka {kafka}",
        kafka=kafka,
        when=f"{format_utc(rehearsal.began)}, {took} in all",
        rehearsal=rehearsal,
        verdict=verdict(rehearsal),
        tiles=_tiles(rehearsal),
        chart=RehearsalChart(rehearsal).draw(),
        next_steps=next_steps(rehearsal),
        tables=_tables(rehearsal),
        foot=f"{versions_text(rehearsal)}. Rehearsal {rehearsal.id}.",
    )


def _tiles(rehearsal: Rehearsal) -> list[Tile]:
    tiles = []
    outage = rehearsal.outage
    probe = rehearsal.probe
    if outage is not None:
        meaning = "as a client saw it" if probe else NOT_CLIENTS
        if outage.end is None:
            tiles.append(Tile("Outage", "not over", meaning, "failed"))
        else:
            tiles.append(Tile("Outage", format_seconds(outage.seconds), meaning))
    if probe is not None:
        lost = "unknown" if probe.lost is None else str(probe.lost)
        kind = "" if probe.lost == 0 else "failed"
        tiles.append(Tile("Records lost", lost, f"of {probe.acked} acknowledged", kind))
    for name, title, meaning in (
        ("stop", "Stop", "from quiesce to the last pod"),
        ("snapshots cut", "Snapshots", f"{len(rehearsal.snapshots)} claims cut"),
        ("nodes Ready", "Restart", "until every node is Ready"),
    ):
        stage = rehearsal.stage(name)
        if stage is None or stage.end is None:
            continue
        first = rehearsal.stage("quiesce") if name == "stop" else None
        start = (first or stage).start
        tiles.append(Tile(title, format_seconds(stage.end - start), meaning))
    return tiles


def _tables(rehearsal: Rehearsal) -> list[ReportTable]:
    stages = [
        (
            stage.name,
            f"{stage.does} (failed)" if stage.failed else stage.does,
            f"+{format_seconds(stage.start)}",
            format_seconds(stage.seconds),
        )
        for stage in rehearsal.stages
    ]
    tables = [ReportTable("Stages", ("Stage", "What", "Start", "Took"), stages)]
    if rehearsal.snapshots:
        snapshots = [
            (one.claim, one.snapshot_class, _after(one.cut, one.made), _after(one.ready, one.made))
            for one in rehearsal.snapshots
        ]
        header = ("Claim", "Class", "Cut after", "Ready after")
        tables.append(ReportTable("Snapshots", header, snapshots))
    if rehearsal.probe is not None:
        tables.append(_partitions(rehearsal, rehearsal.probe))
    return tables


def _partitions(rehearsal: Rehearsal, probe: CanaryResult) -> ReportTable:
    rows = [
        (
            str(gap.partition),
            format_timestamp(rehearsal.at(gap.start)),
            format_timestamp(rehearsal.at(gap.end)),
            format_seconds(gap.seconds),
        )
        for gap in probe.gaps
    ]
    note = (
        f"Topic of {probe.partitions} partitions, {probe.replication} replicas; "
        f"{records_text(probe)}. The probe gives a record up after 2 s and goes on "
        "with the next; a client that waits longer between tries sees a longer outage."
    )
    header = ("Partition", "Nothing acknowledged from", "to", "Longest time without")
    return ReportTable("Partitions", header, rows, note)


def _after(at: float | None, start: float) -> str:
    return format_seconds(None if at is None else at - start)


# The timeline of a rehearsal as SVG: stages, pods, snapshots and clients below one another.

GUTTER, PLOT, EDGE = 190.0, 780.0, 30.0
"""Widths of the names, of the time axis, and of the free space at its right."""
ROW, BAR, LANE_TITLE, TOP, CHART = 24.0, 14.0, 34.0, 46.0, 96.0
"""Heights of a row and of its bar, of a lane's title, of the axis, and of the chart."""
LETTER = 6.6
"""Width of a letter at the size of the drawing, slightly more than the real one."""
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600)
"""Seconds between two ticks."""
TICKS = 12
NAME_LENGTH = 26
"""Letters that fit into the gutter."""


class RehearsalChart:
    """Draws from the top down; `_y` is the top of the next row."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self._end = max(rehearsal.seconds, 1.0)
        self._axis = Axis(0.0, self._end, GUTTER, PLOT)
        self._y = TOP
        stages = [f"{stage.name} {format_seconds(stage.seconds)}" for stage in rehearsal.stages]
        self.svg = new_drawing(
            "timeline",
            f"Timeline of the rehearsal of Kafka {rehearsal.namespace}/{rehearsal.cluster}",
            f"Outage: {outage_text(rehearsal)}. Stages: {', '.join(stages)}.",
        )
        self._patterns()
        # Grid and outage are behind everything, and their height is known only at the end.
        self._background = add(self.svg, "g")

    def draw(self) -> Element:
        """Return the drawing."""
        rehearsal = self._rehearsal
        self._lane("Stages")
        for stage in rehearsal.stages:
            self._stage(stage)
        if rehearsal.pods:
            self._lane("Pods")
            for pod in sorted(rehearsal.pods, key=lambda pod: (not pod.broker, pod.name)):
                self._pod(pod)
        if rehearsal.snapshots:
            self._lane("Snapshots")
            for snapshot in rehearsal.snapshots:
                self._snapshot(snapshot)
        if rehearsal.probe:
            self._lane("Clients: records acknowledged in each second")
            self._acknowledged(rehearsal.probe)
        self._grid()
        self._outage_band()
        self.svg.set("viewBox", f"0 0 {GUTTER + PLOT + EDGE:.0f} {self._y + 10:.0f}")
        return self.svg

    def _patterns(self) -> None:
        definitions = add(self.svg, "defs")
        for name, degrees in (("outage", 45), ("starting", -45)):
            pattern = add(
                definitions,
                "pattern",
                id=f"hatch-{name}",
                width=8,
                height=8,
                patternUnits="userSpaceOnUse",
                patternTransform=f"rotate({degrees})",
            )
            add_rect(pattern, (0.0, 0.0, 3.0, 8.0), f"stripe-{name}")

    def _lane(self, title: str) -> None:
        self._y += LANE_TITLE
        add(self.svg, "text", title, x=0, y=self._y - 10, class_="lane")

    def _row(self, name: str, tip: str) -> Element:
        """Begin a row; a name that is too long is shortened in its middle."""
        half = NAME_LENGTH // 2
        if len(name) > NAME_LENGTH:
            name = f"{name[: half - 1]}…{name[-half:]}"
        return add_row(self.svg, name, tip, self._y + ROW / 2 + 4)

    def _bar(self, row: Element, start: float, end: float, kind: str, tip: str) -> None:
        x = self._axis.x(start)
        box = (x, self._y + (ROW - BAR) / 2, self._axis.x(end) - x, BAR)
        add(add_rect(row, box, kind, corner=2), "title", tip)

    def _line(self, row: Element, start: float, end: float, kind: str) -> Element:
        y = self._y + ROW / 2
        x1 = self._axis.x(start)
        return add(row, "line", x1=x1, x2=self._axis.x(end), y1=y, y2=y, class_=kind)

    def _label(self, row: Element, start: float, end: float, text: str, space: float = 6) -> None:
        """Write a text at the right of a bar, or at its left if there is no room."""
        x, anchor = self._axis.x(end) + space, "start"
        if x + len(text) * LETTER > GUTTER + PLOT + EDGE:
            x, anchor = self._axis.x(start) - 6, "end"
        add(row, "text", text, x=x, y=self._y + ROW / 2 + 4, class_="took", text_anchor=anchor)

    def _stage(self, stage: RehearsalStage) -> None:
        end = self._end if stage.end is None else stage.end
        took = "not ended" if stage.end is None else format_seconds(stage.seconds)
        row = self._row(stage.name, f"{stage.name}: {stage.does}")
        kind = "stage failed" if stage.failed else "stage"
        self._bar(row, stage.start, end, kind, f"{stage.name}, {took}: {stage.does}")
        self._label(row, stage.start, end, f"{took}, failed" if stage.failed else took)
        self._y += ROW

    def _pod(self, pod: PodTimeline) -> None:
        row = self._row(pod.name.removeprefix(f"{self._rehearsal.cluster}-"), pod.name)
        for span in pod.spans:
            state = span.state.value
            tip = f"{pod.name}: {state} for {format_seconds(span.end - span.start)}"
            if state == "gone":
                add(self._line(row, span.start, span.end, "pod gone"), "title", tip)
            else:
                self._bar(row, span.start, span.end, f"pod {state}", tip)
        self._y += ROW

    def _snapshot(self, snapshot: VolumeSnapshot) -> None:
        name = snapshot.claim.replace(f"-{self._rehearsal.cluster}-", " ")
        row = self._row(name, f"VolumeSnapshot {snapshot.name} of claim {snapshot.claim}")
        y = self._y + ROW / 2
        end = self._end_of_waiting if snapshot.ready is None else snapshot.ready
        self._line(row, snapshot.made, end, "snapshot")
        label = "not ready"
        if snapshot.ready is not None:
            took = format_seconds(snapshot.ready - snapshot.made)
            label = f"ready {took}"
            dot = add(row, "circle", cx=self._axis.x(snapshot.ready), cy=y, r=7, class_="ready")
            add(dot, "title", f"ready after {took}")
        if snapshot.cut is not None:
            cut = add_diamond(row, self._axis.x(snapshot.cut), y, (5, 5), "cut")
            add(cut, "title", f"cut after {format_seconds(snapshot.cut - snapshot.made)}")
        self._label(row, snapshot.made, end, label, 14)
        self._y += ROW

    @property
    def _end_of_waiting(self) -> float:
        """When the rehearsal stopped waiting for snapshots."""
        stage = self._rehearsal.stage("snapshots ready")
        return self._end if stage is None or stage.end is None else stage.end

    def _acknowledged(self, probe: CanaryResult) -> None:
        """Draw the records of each second as steps; a second that is not listed has none."""
        counts = dict(probe.counts)
        top = self._y + 8
        bottom = self._y + CHART
        highest = max([probe.rate, *counts.values()])
        first = int(probe.first // 1)
        last = int(probe.last // 1) + 1

        def y_of(number: int) -> float:
            return bottom - (bottom - top) * min(number, highest) / highest

        x = self._axis.x
        steps = [f"M{x(first):.2f},{bottom:.2f}"]
        for second in range(first, last):
            y = y_of(counts.get(second, 0))
            steps.append(f"L{x(second):.2f},{y:.2f}L{x(second + 1):.2f},{y:.2f}")
        steps.append(f"L{x(last):.2f},{bottom:.2f}Z")
        row = add(self.svg, "g", class_="row")
        for number in (0, highest):
            y = y_of(number)
            add(row, "line", x1=GUTTER, x2=GUTTER + PLOT, y1=y, y2=y, class_="grid")
            add(row, "text", f"{number}", x=GUTTER - 8, y=y + 4, class_="tick", text_anchor="end")
        area = add(row, "path", d="".join(steps), class_="acks")
        add(area, "title", f"{probe.acked} records acknowledged")
        self._y = bottom
        self._outage_length(top, bottom)

    def _outage_span(self) -> tuple[float, float] | None:
        outage = self._rehearsal.outage
        if outage is None:
            return None
        end = self._end if outage.end is None else outage.end
        return self._axis.x(outage.start), self._axis.x(end)

    def _outage_length(self, top: float, bottom: float) -> None:
        outage, span = self._rehearsal.outage, self._outage_span()
        if outage is None or span is None:
            return
        start, end = span
        text = "not over" if outage.end is None else format_seconds(outage.seconds)
        y = (top + bottom) / 2
        width = len(text) * 9.0 + 16
        middle = self._axis.keep_within((start + end) / 2, width / 2)
        add_rect(self.svg, (start, top, end - start, bottom - top), "outage")
        add_rect(self.svg, (middle - width / 2, y - 14, width, 26.0), "plate", corner=4)
        add(self.svg, "text", text, x=middle, y=y + 5, class_="length", text_anchor="middle")

    def _grid(self) -> None:
        step = tick_step(STEPS, self._end, TICKS)
        seconds = range(0, int(self._end) + 1, step)
        ticks = [(second, f"{second // 60}:{second % 60:02}") for second in seconds]
        self._axis.draw_ticks(self._background, TOP - 4, self._y, ticks)

    def _outage_band(self) -> None:
        """Shade the outage through all lanes."""
        outage, span = self._rehearsal.outage, self._outage_span()
        if outage is None or span is None:
            return
        start, end = span
        add_rect(self._background, (start, TOP - 4, end - start, self._y - TOP + 4), "band")
        y = TOP - 32
        add(self._background, "line", x1=start, x2=end, y1=y, y2=y, class_="bracket")
        is_over = outage.end is not None
        text = f"outage {format_seconds(outage.seconds)}" if is_over else "outage, not over"
        x = self._axis.keep_within((start + end) / 2, 60)
        add(
            self._background, "text", text, x=x, y=y - 4, class_="outage-name", text_anchor="middle"
        )
