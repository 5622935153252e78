"""How all reports format text, tables and records."""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING

from kanister_kafka.timestamps import format_epoch_ms

if TYPE_CHECKING:
    from kanister_kafka.topics.model import TopicRecord


def escape_control_chars(text: str) -> str:
    r"""Return a text that stays on one line and does nothing to a terminal: `\n`, `\x1b`.

    Names and values of the input are quoted in messages, and may hold any character.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def format_utc(time: datetime) -> str:
    """Return a time in UTC as people read it: `2026-01-02 03:04:05 UTC`."""
    return f"{time.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


def format_json(tree: object) -> str:
    """Return the JSON of a report, with a line end."""
    import json  # slow to import, and text is asked for most

    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def count_noun(number: int, noun: str) -> str:
    """Return a number with its noun, as `1 error` and `2 errors`; `info` has no plural."""
    return f"{number} {noun}" if number == 1 or noun == "info" else f"{number} {noun}s"


# The format of records in reports; records can contain any byte.

YEAR_10000 = 253_402_300_800_000
"""ms; producers can set any time, but calendars end at the year 9999."""
NONE = "-"
NULL = "(null)"
EMPTY = "(empty)"


def format_record_time(time: int | None) -> str:
    """Return ms since 1970 as ISO 8601 in UTC; a dash if a record has no time."""
    if time is None or time < 0:
        return NONE
    if time >= YEAR_10000:
        return f"{time} ms"
    return format_epoch_ms(time)


def timestamp_json(time: int | None) -> str | None:
    """Return a time for machines; None if there is none."""
    return None if time is None or time < 0 else format_record_time(time)


def format_bytes(content: bytes | None, width: int) -> str:
    r"""Return a key or a value on one line, cut to a width; bytes that are not text as `\xff`."""
    if content is None:
        return truncate(NULL, width)
    if not content:
        return truncate(EMPTY, width)
    # A character has at most four bytes, so enough whole characters are left.
    begin = content[: 4 * (width + 1)]
    return truncate(escape_control_chars(begin.decode("utf-8", "backslashreplace")), width)


def format_headers(message: TopicRecord, width: int) -> str:
    """Return the headers of a record on one line, cut to a width."""
    texts = (
        f"{escape_control_chars(key)}={format_bytes(value, width)}"
        for key, value in message.headers
    )
    return truncate(", ".join(texts), width)


def bytes_json(content: bytes | None) -> str | dict[str, str] | None:
    """Return bytes as text if they are printable text, else as base64."""
    if content is None:
        return None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    # JSON escapes what ends a line.
    if all(c.isprintable() or c in "\t\n\r" for c in text):
        return text
    return {"base64": base64.b64encode(content).decode("ascii")}


def message_json(message: TopicRecord) -> dict[str, object]:
    """Return a record for machines."""
    return {
        "partition": message.partition,
        "offset": message.offset,
        "time": timestamp_json(message.time),
        "key": bytes_json(message.key),
        "value": bytes_json(message.value),
        "headers": [
            {"key": bytes_json(key.encode("utf-8", "surrogatepass")), "value": bytes_json(value)}
            for key, value in message.headers
        ],
    }


# Columns of text as a terminal shows them: wide characters take two places, marks none.

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

    def line(row: Sequence[str]) -> str:
        cells = (pad(text, widths[i], right=i in right) for i, text in enumerate(row))
        return GAP.join(cells).rstrip()

    return "".join(f"{line(row)}\n" for row in rows)


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
    lines: list[Sequence[str]] = []
    for row in rows:
        cells = [_lines(text, widths[at]) for at, text in enumerate(row)]
        lines += zip_longest(*cells, fillvalue="")
    return lines


def _lines(text: str, width: int) -> list[str]:
    return wrap(text, max(1, width), break_on_hyphens=False) or [""]
