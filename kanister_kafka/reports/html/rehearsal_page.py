"""A rehearsal as one HTML page: figures, the timeline, and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanister_kafka.durations import format_seconds
from kanister_kafka.reports.change_request import ReportTable
from kanister_kafka.reports.html.page import Tile, render_page
from kanister_kafka.reports.html.rehearsal_chart import RehearsalChart
from kanister_kafka.reports.rehearsal import (
    NOT_CLIENTS,
    next_steps,
    records_text,
    verdict,
    versions_text,
)
from kanister_kafka.reports.text import format_utc
from kanister_kafka.timestamps import format_timestamp

if TYPE_CHECKING:
    from kanister_kafka.operations.rehearsal.model import CanaryResult, Rehearsal


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
