"""The plan as a table in comments at the top of the Blueprint, for who reads it in a hurry."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from kanister_kafka.backup.model import PlannedAction, PlannedStep

HEADINGS = ("action", "phase", "at most", "what it does")
GAP = "  "
WIDTH = 140
"""Of a line, at most."""


def header_table(actions: Iterable[PlannedAction], cluster: str) -> Iterator[str]:
    """Yield the steps of each phase in their order, below a line of headings.

    `cluster` is the Kafka that the table is about: it is not named again in each step.
    """
    rows = [HEADINGS]
    for action in actions:
        rows += _rows(action, cluster)
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS) - 1)]
    margin = " " * sum(width + len(GAP) for width in widths)
    for *cells, text in rows:
        start = "".join(f"{c:{width}}{GAP}" for c, width in zip(cells, widths, strict=True))
        yield from textwrap.wrap(
            text, WIDTH, initial_indent=start, subsequent_indent=margin, break_on_hyphens=False
        )


def _rows(action: PlannedAction, cluster: str) -> Iterator[tuple[str, str, str, str]]:
    for number, phase in enumerate(action.all_phases):
        for place, step in enumerate(phase.steps):
            at_most = f"{step.seconds:5} s" if step.seconds else ""
            first, name = ("", "") if place else (action.name, phase.name)
            if phase is action.defer_phase and not place:
                name += ", always"
            yield "" if number else first, name, at_most, _text(step, cluster)


def _text(step: PlannedStep, cluster: str) -> str:
    objects = ", ".join(_named(one for one in step.objects if one != cluster))
    until = f", until {step.until}" if step.until else ""
    return f"{step.does}{': ' if objects else ''}{objects}{until}"


def _named(objects: Iterable[str]) -> Iterator[str]:
    """Name objects, with a kind only where it is another than that of the object before."""
    before = ""
    for one in objects:
        kind, _, name = one.partition(" ")
        yield name if kind == before and name else one
        before = kind
