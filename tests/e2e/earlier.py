"""Rows of docs/reliability.md that an earlier run has written, read back from the page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MARK = "†"
"""After the result of a row that is not of the last run, and before the versions of such rows."""
NOT_RUN = "**not run**"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A scenario as the page has it."""

    cells: tuple[str, ...]
    """Without the mark."""
    marked: bool

    @property
    def passed(self) -> bool:
        return self.cells[2] == "recovered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What a page says."""

    rows: dict[tuple[str, str, str], Row]
    """What was run, by point, words and phase."""
    versions: tuple[tuple[str, bool], ...]
    """Lines on what they were run with, and whether each is marked."""

    def versions_of(self, rows: Iterable[Row]) -> list[str]:
        marks = {row.marked for row in rows}
        return [line for line, marked in self.versions if marked in marks]


def read(text: str) -> Earlier:
    """Read a page, which may be empty."""
    rows, versions, point, heading = {}, [], "", ""
    for line in text.splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif heading == "Run with" and line:
            words = line.removeprefix("- ")
            versions.append((words.removeprefix(f"{MARK} "), words.startswith(MARK)))
        elif line.startswith("| **"):
            point = line.split("**")[1]
        elif point and line.startswith("| "):
            cells = [cell.strip() for cell in line[1:-1].split(" | ")]
            marked = cells[2].endswith(MARK)
            cells[2] = cells[2].removesuffix(f" {MARK}")
            if cells[2] != NOT_RUN:
                rows[point, cells[0], cells[1]] = Row(cells=tuple(cells), marked=marked)
    return Earlier(rows=rows, versions=tuple(versions))
