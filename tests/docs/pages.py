"""Sections of the documentation that a program writes."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import ROOT

PERFORMANCE = ROOT / "docs" / "performance.md"


def write_section(name: str, section: str, page: Path = PERFORMANCE) -> None:
    """Replace what is between the two comments of this name in a page."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = page.read_text("utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise SystemExit(f"{page} has no lines {begin} and {end}")
    page.write_text(f"{before}{begin}\n{section}\n{end}{after}", "utf-8")
