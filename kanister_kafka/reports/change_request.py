"""A report for a change request, as Markdown and as an HTML page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from kanister_kafka.reports.text import escape_control_chars

COMMAND = "  "
"""Prefix of a command in `next`."""
SPECIAL = re.compile(r"[\\`*_\[\]<>|~&#!]")
"""Characters that CommonMark and tables of GitHub and GitLab treat as markup within a line."""


@dataclass(frozen=True, slots=True)
class ReportTable:
    """Rows under a title."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    is_folded: bool = False
    """Whether the reader has to open it."""
    numbers: frozenset[int] = frozenset()
    """Columns of numbers, by index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """The content of a report, the most important first."""

    kicker: str
    """The kind of the report."""
    title: str
    verdict: str
    is_good: bool
    facts: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    """Next steps, a line each; one that begins with COMMAND is a command."""
    tables: tuple[ReportTable, ...] = ()
    foot: str = ""


def change_request_markdown(*sheets: ChangeRequest) -> str:
    """Return Markdown that GitHub and GitLab show; no value of the input becomes markup."""

    def text(sheet: ChangeRequest) -> str:
        return "".join(f"{line}\n" for line in _markdown(sheet))

    return "\n".join(map(text, sheets))


def change_request_html(title: str, *sheets: ChangeRequest) -> str:
    """Return one HTML page without scripts and without requests to other hosts."""
    from kanister_kafka.reports.html.page import render_page

    return render_page("change_request", title=title, reports=sheets)


def markdown_next(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a section with the next steps."""
    yield ""
    yield "### What to do next"
    yield ""
    for line in lines:
        if line.startswith(COMMAND):
            yield from ("", "```sh", escape_control_chars(line.strip()), "```", "")
        else:
            yield escaped(line)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"| {' | '.join(header)} |"
    yield "|---" * len(header) + "|"
    for row in rows:
        yield f"| {' | '.join(map(escaped, row))} |"


def escaped(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line."""
    return SPECIAL.sub(r"\\\g<0>", escape_control_chars(text))


def _markdown(sheet: ChangeRequest) -> Iterator[str]:
    yield f"## {escaped(sheet.kicker)}: {escaped(sheet.title)}"
    yield ""
    yield f"**{escaped(sheet.verdict)}**"
    if sheet.facts:
        yield ""
        yield from (f"- {escaped(fact)}" for fact in sheet.facts)
    if sheet.next:
        yield from markdown_next(sheet.next)
    for table in sheet.tables:
        yield ""
        if table.is_folded:
            yield f"<details><summary>{escape(escape_control_chars(table.title))}</summary>"
        else:
            yield f"### {escaped(table.title)}"
        yield ""
        yield from markdown_table(table.header, table.rows)
        if table.note:
            yield ""
            yield escaped(table.note)
        if table.is_folded:
            yield ""
            yield "</details>"
    if sheet.foot:
        yield ""
        yield f"<sub>{escaped(sheet.foot)}</sub>"
