"""A rehearsal as one page that needs nothing else: figures, the timeline, and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from kanister_kafka.report.drawing import Drawing
from kanister_kafka.report.markup import add
from kanister_kafka.report.page import figure, new_page, table, written
from kanister_kafka.report.rehearsal import (
    NOT_CLIENTS,
    next_steps,
    records_text,
    seconds_text,
    stamp,
    verdict,
    versions_text,
)
from kanister_kafka.report.sheet import add_next
from kanister_kafka.report.timeline_style import STYLE

if TYPE_CHECKING:
    from kanister_kafka.rehearse.model import Rehearsal

LEGEND = (
    ("stage", "stage"),
    ("outage", "outage"),
    ("pod ready", "pod Ready"),
    ("pod starting", "starting"),
    ("pod stopping", "stopping"),
    ("pod gone", "gone"),
    ("cut", "snapshot cut"),
    ("ready", "snapshot ready"),
    ("acks", "records acknowledged"),
)
"""Class of the sign and its meaning."""


def rehearsal_html(rehearsal: Rehearsal) -> str:
    """Return one HTML page without scripts and without anything from elsewhere."""
    place = f"{rehearsal.namespace}/{rehearsal.cluster}"
    page, main = new_page(f"Rehearsal of a backup of Kafka {place}", STYLE)
    _top(main, rehearsal, place)
    _figures(main, rehearsal)
    frame = add(main, "figure")
    _legend(frame, rehearsal)
    add(frame, "div", class_="scroll", tabindex="0").append(Drawing(rehearsal).draw())
    _tables(main, rehearsal)
    foot = add(main, "footer")
    add(foot, "p", f"{versions_text(rehearsal)}. Rehearsal {rehearsal.id}.")
    return written(page)


def _top(main: Element, rehearsal: Rehearsal, place: str) -> None:
    top = add(main, "header")
    add(top, "p", "Rehearsal of a cold backup", class_="kicker")
    add(top, "h1", f"Kafka {place}")
    began = f"{rehearsal.began:%Y-%m-%d %H:%M:%S} UTC"
    add(top, "p", f"{began}, {seconds_text(rehearsal.seconds)} in all", class_="when")
    kind = "passed" if rehearsal.passed else "failed"
    sign = "✓ " if rehearsal.passed else "✗ "
    add(top, "p", sign + verdict(rehearsal), class_=f"verdict {kind}")


def _figures(main: Element, rehearsal: Rehearsal) -> None:
    figures = add(main, "section", class_="figures", aria_label="Figures")
    outage, probe = rehearsal.outage, rehearsal.probe
    if outage is not None:
        text = "not over" if outage.end is None else seconds_text(outage.seconds)
        kind = "failed" if outage.end is None else ""
        figure(figures, "Outage", text, "as a client saw it" if probe else NOT_CLIENTS, kind)
    if probe is not None:
        lost = "unknown" if probe.lost is None else str(probe.lost)
        kind = "" if probe.lost == 0 else "failed"
        figure(figures, "Records lost", lost, f"of {probe.acked} acknowledged", kind)
    for name, title, does in (
        ("stop", "Stop", "from quiesce to the last pod"),
        ("snapshots cut", "Snapshots", f"{len(rehearsal.snapshots)} claims cut"),
        ("nodes Ready", "Restart", "until every node is Ready"),
    ):
        stage = rehearsal.stage(name)
        if stage is not None and stage.end is not None:
            first = rehearsal.stage("quiesce") if name == "stop" else stage
            start = stage.start if first is None else first.start
            figure(figures, title, seconds_text(stage.end - start), does)


def _legend(frame: Element, rehearsal: Rehearsal) -> None:
    shown = add(frame, "figcaption", class_="legend")
    for kind, meaning in LEGEND:
        if kind == "acks" and rehearsal.probe is None:
            continue
        item = add(shown, "span")
        sign = add(item, "svg", viewBox="0 0 22 14", width=22, height=14, aria_hidden="true")
        if kind == "cut":
            add(sign, "polygon", points="11,2 16,7 11,12 6,7", class_=kind)
        elif kind == "ready":
            add(sign, "circle", cx=11, cy=7, r=5, class_=kind)
        elif kind == "pod gone":
            add(sign, "line", x1=0, x2=22, y1=7, y2=7, class_=kind)
        else:
            add(sign, "rect", x=1, y=1, width=20, height=12, rx=2, class_=kind)
        add(item, "span", meaning)


def _tables(main: Element, rehearsal: Rehearsal) -> None:
    if rehearsal.failure or rehearsal.changed:
        section = add(main, "section", class_="wrong")
        add(section, "h2", "What went wrong")
        told = add(section, "ul")
        for text in filter(None, (rehearsal.failure, *rehearsal.changed)):
            add(told, "li", text)
    if steps := next_steps(rehearsal):
        add_next(main, steps)
    table(
        main,
        "Stages",
        ("Stage", "What", "Start", "Took"),
        (
            (s.name, s.does + (" (failed)" if s.failed else ""), *_times(s.start, s.seconds))
            for s in rehearsal.stages
        ),
    )
    if rehearsal.snapshots:
        table(
            main,
            "Snapshots",
            ("Claim", "Class", "Cut after", "Ready after"),
            (
                (s.claim, s.snapshot_class, _after(s.cut, s.made), _after(s.ready, s.made))
                for s in rehearsal.snapshots
            ),
        )
    probe = rehearsal.probe
    if probe is not None:
        table(
            main,
            "Partitions",
            ("Partition", "Nothing acknowledged from", "to", "Longest time without"),
            (
                (
                    str(gap.partition),
                    stamp(rehearsal.at(gap.start)),
                    stamp(rehearsal.at(gap.end)),
                    seconds_text(gap.seconds),
                )
                for gap in probe.gaps
            ),
            f"Topic of {probe.partitions} partitions, {probe.replication} replicas; "
            f"{records_text(probe)}. The probe gives a record up after 2 s and goes on "
            "with the next; a client that waits longer between tries sees a longer outage.",
        )


def _times(start: float, took: float | None) -> tuple[str, str]:
    return f"+{seconds_text(start)}", seconds_text(took)


def _after(at: float | None, made: float) -> str:
    return seconds_text(None if at is None else at - made)
