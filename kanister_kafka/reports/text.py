"""How all reports format what they are given."""

from __future__ import annotations

from datetime import datetime, timezone


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


def count_noun(number: int, noun: str) -> str:
    """Return a number with its noun, as `1 error` and `2 errors`; `info` has no plural."""
    return f"{number} {noun}" if number == 1 or noun == "info" else f"{number} {noun}s"
