"""The format of records in reports; records can contain any byte."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from kanister_kafka.reports.tables import truncate
from kanister_kafka.reports.text import escape_control_chars
from kanister_kafka.timestamps import format_epoch_ms

if TYPE_CHECKING:
    from kanister_kafka.topics.model import TopicRecord

YEAR_10000 = 253_402_300_800_000
"""ms; producers can set any time, but calendars end at the year 9999."""
NONE = "-"
NULL = "(null)"
EMPTY = "(empty)"


def format_timestamp(time: int | None) -> str:
    """Return ms since 1970 as ISO 8601 in UTC; a dash if a record has no time."""
    if time is None or time < 0:
        return NONE
    if time >= YEAR_10000:
        return f"{time} ms"
    return format_epoch_ms(time)


def timestamp_json(time: int | None) -> str | None:
    """Return a time for machines; None if there is none."""
    return None if time is None or time < 0 else format_timestamp(time)


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
