"""Sections of the documentation that a program writes."""

from __future__ import annotations

from .conftest import ROOT

PERFORMANCE = ROOT / "docs" / "performance.md"


def write_section(name: str, section: str) -> None:
    """Replace what is between the two comments of this name in docs/performance.md."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = PERFORMANCE.read_text("utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise SystemExit(f"{PERFORMANCE} has no lines {begin} and {end}")
    PERFORMANCE.write_text(f"{before}{begin}\n{section}\n{end}{after}", "utf-8")
