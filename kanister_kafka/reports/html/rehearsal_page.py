"""A rehearsal as one page that needs nothing else: figures, the timeline, and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from kanister_kafka.durations import format_seconds
from kanister_kafka.reports.change_request import add_next
from kanister_kafka.reports.html.elements import (
    PAGE_STYLE,
    add,
    metric_tile,
    new_page,
    table,
    to_html,
)
from kanister_kafka.reports.html.rehearsal_chart import RehearsalChart
from kanister_kafka.reports.rehearsal import (
    NOT_CLIENTS,
    next_steps,
    records_text,
    verdict,
    versions_text,
)
from kanister_kafka.timestamps import format_timestamp

if TYPE_CHECKING:
    from kanister_kafka.operations.rehearsal.model import Rehearsal

# How the timeline of a rehearsal is drawn.

TIMELINE_STYLE = (
    PAGE_STYLE
    + """svg .took { fill: var(--quiet); paint-order: stroke; stroke: var(--ground);
  stroke-width: 3px; stroke-linejoin: round; }
svg .stage { fill: var(--stage); } svg .stage.failed { fill: var(--failed); }
svg .pod.ready { fill: var(--pod); }
svg .pod.starting { fill: url(#hatch-starting); stroke: var(--starting); }
svg .pod.stopping { fill: none; stroke: var(--stopping); stroke-width: 2; }
svg .pod.gone { stroke: var(--quiet); stroke-width: 1.5; stroke-dasharray: 2 4; }
svg .stripe-starting { fill: var(--starting); }
svg .stripe-outage { fill: var(--outage); }
svg .snapshot { stroke: var(--quiet); stroke-width: 2; }
svg .cut { fill: var(--cut); }
svg .ready:not(.pod) { fill: var(--ground); stroke: var(--pod); stroke-width: 2; }
svg .acks { fill: var(--acks); fill-opacity: 0.55; stroke: var(--acks); stroke-width: 1.2; }
svg .outage { fill: url(#hatch-outage); fill-opacity: 0.5; stroke: var(--outage);
  stroke-width: 1.5; }
svg .plate { fill: var(--ground); }
svg .length { fill: var(--outage); font-weight: 650; font-size: 16px; }
"""
)


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
    page, main = new_page(f"Rehearsal of a backup of Kafka {place}", TIMELINE_STYLE)
    _top(main, rehearsal, place)
    _figures(main, rehearsal)
    frame = add(main, "figure")
    _legend(frame, rehearsal)
    add(frame, "div", class_="scroll", tabindex="0").append(RehearsalChart(rehearsal).draw())
    _tables(main, rehearsal)
    foot = add(main, "footer")
    add(foot, "p", f"{versions_text(rehearsal)}. Rehearsal {rehearsal.id}.")
    return to_html(page)


def _top(main: Element, rehearsal: Rehearsal, place: str) -> None:
    top = add(main, "header")
    add(top, "p", "Rehearsal of a cold backup", class_="kicker")
    add(top, "h1", f"Kafka {place}")
    began = f"{rehearsal.began:%Y-%m-%d %H:%M:%S} UTC"
    add(top, "p", f"{began}, {format_seconds(rehearsal.seconds)} in all", class_="when")
    kind = "passed" if rehearsal.passed else "failed"
    sign = "✓ " if rehearsal.passed else "✗ "
    add(top, "p", sign + verdict(rehearsal), class_=f"verdict {kind}")


def _figures(main: Element, rehearsal: Rehearsal) -> None:
    figures = add(main, "section", class_="figures", aria_label="Figures")
    outage, probe = rehearsal.outage, rehearsal.probe
    if outage is not None:
        text = "not over" if outage.end is None else format_seconds(outage.seconds)
        kind = "failed" if outage.end is None else ""
        metric_tile(figures, "Outage", text, "as a client saw it" if probe else NOT_CLIENTS, kind)
    if probe is not None:
        lost = "unknown" if probe.lost is None else str(probe.lost)
        kind = "" if probe.lost == 0 else "failed"
        metric_tile(figures, "Records lost", lost, f"of {probe.acked} acknowledged", kind)
    for name, title, does in (
        ("stop", "Stop", "from quiesce to the last pod"),
        ("snapshots cut", "Snapshots", f"{len(rehearsal.snapshots)} claims cut"),
        ("nodes Ready", "Restart", "until every node is Ready"),
    ):
        stage = rehearsal.stage(name)
        if stage is not None and stage.end is not None:
            first = rehearsal.stage("quiesce") if name == "stop" else stage
            start = stage.start if first is None else first.start
            metric_tile(figures, title, format_seconds(stage.end - start), does)


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
                    format_timestamp(rehearsal.at(gap.start)),
                    format_timestamp(rehearsal.at(gap.end)),
                    format_seconds(gap.seconds),
                )
                for gap in probe.gaps
            ),
            f"Topic of {probe.partitions} partitions, {probe.replication} replicas; "
            f"{records_text(probe)}. The probe gives a record up after 2 s and goes on "
            "with the next; a client that waits longer between tries sees a longer outage.",
        )


def _times(start: float, took: float | None) -> tuple[str, str]:
    return f"+{format_seconds(start)}", format_seconds(took)


def _after(at: float | None, made: float) -> str:
    return format_seconds(None if at is None else at - made)
