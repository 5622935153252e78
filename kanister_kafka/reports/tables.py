"""Columns of text as a terminal shows them: wide characters take two places, marks none."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import zip_longest
from textwrap import wrap

GAP = "   "
LONG, SHORT = 40, 16
"""Longest words that stay whole: if there is room for such in each column, and if there is not."""


def display_width(text: str) -> int:
    """Return how many places of a terminal a printable text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_places, text))


def _places(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def truncate(text: str, width: int) -> str:
    """Return a text cut to this width, with … for the rest."""
    if display_width(text) <= width:
        return text
    kept, taken = [], 1
    for character in text:
        taken += _places(character)
        if taken > width:
            break
        kept.append(character)
    return f"{''.join(kept)}…"


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Fill a text up to a width with spaces, after it or, to its right, before it."""
    space = " " * (width - display_width(text))
    return f"{space}{text}" if right else f"{text}{space}"


def columns(
    rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset(), width: int = 0
) -> str:
    """Lay out rows as kubectl does; columns of numbers, by index, end at the right.

    With a width in places of a terminal, the widest columns are broken into lines until they fit.
    """
    if width:
        rows = _broken(rows, width)
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    lines = (
        GAP.join(pad(text, widths[i], right=i in right) for i, text in enumerate(row))
        for row in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def hung(start: str, text: str, width: int) -> list[str]:
    """Return the lines of a text behind a start, below each other; as one line without a width.

    Words stay whole, so that a name can be copied: one that is longer than the room sticks out.
    """
    room = width - display_width(start)
    if not width or display_width(start) + display_width(text) <= width or room < SHORT:
        return [f"{start}{text}".rstrip()]
    lines = wrap(text, room, break_long_words=False, break_on_hyphens=False)
    below = " " * display_width(start)
    return [f"{start if at == 0 else below}{line}" for at, line in enumerate(lines)]


def table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int = 0) -> str:
    """Lay out columns as kubectl does; a cell that repeats the row above is blank.

    With a width in places of a terminal, the widest columns are broken into lines until they fit.
    """
    shown: list[Sequence[str]] = [header]
    above: Sequence[str] = ()
    for row in rows:
        same = 0
        while same < min(2, len(row) - 2) and above and row[same] == above[same]:
            same += 1
        shown.append(("",) * same + tuple(row[same:]))
        above = row if row[0] else above
    return columns(shown, width=width)


def _broken(rows: Sequence[Sequence[str]], width: int) -> list[Sequence[str]]:
    """Break texts so that a row fits a width; words stay whole if they can."""
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    room = width - len(GAP) * (len(widths) - 1)
    words = [
        max(map(display_width, " ".join(column).split()), default=0)
        for column in zip(*rows, strict=True)
    ]
    most = LONG if sum(min(LONG, word) for word in words) <= room else SHORT
    least = [min(most, word) for word in words]
    while sum(widths) > room:
        widest = max(range(len(widths)), key=lambda at: widths[at] - least[at])
        if widths[widest] <= least[widest]:
            break
        widths[widest] -= 1
    found: list[Sequence[str]] = []
    for row in rows:
        cells = [_lines(text, widths[at]) for at, text in enumerate(row)]
        found += zip_longest(*cells, fillvalue="")
    return found


def _lines(text: str, width: int) -> list[str]:
    return wrap(text, max(1, width), break_on_hyphens=False) or [""]
