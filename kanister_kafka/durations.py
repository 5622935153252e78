"""Durations as text: as Go and kubectl write them, and as this tool prints what it has measured."""

from __future__ import annotations

import re

DURATION = re.compile(r"(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,6})s)?")
MAX_LENGTH = 1000
"""Longer texts are not read, because reading them takes long."""
_NUMBER = r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+"
_GO_DURATION = re.compile(rf"([-+]?)(0|(?:(?:{_NUMBER})(?:ns|us|µs|μs|ms|s|m|h))+)")
_STEP = re.compile(rf"({_NUMBER})(ns|us|µs|μs|ms|s|m|h)")
_NANOSECONDS = {
    "ns": 1,
    **dict.fromkeys(("us", "µs", "μs"), 10**3),
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}


def parse_duration(text: str) -> int | None:
    """Read a duration in whole seconds, such as 90s or 1m30s; None if it is not one."""
    match = DURATION.fullmatch(text)
    if not text or match is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def parse_age(text: str) -> int | None:
    """Read an age in whole seconds, such as 30d, 72h or 90m; None if it is not one."""
    if match := re.fullmatch(r"([0-9]{1,5})d", text):
        return int(match[1]) * 86400
    return parse_duration(text)


def parse_go_duration(text: str) -> int | None:
    """Return nanoseconds, or None if Go's time.ParseDuration fails."""
    match = _GO_DURATION.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if not match:
        return None
    from fractions import Fraction  # slow to import, and seldom needed

    total = sum(int(Fraction(x) * _NANOSECONDS[unit]) for x, unit in _STEP.findall(match[2]))
    return None if total >= 2**63 else -total if match[1] == "-" else total


def format_duration(seconds: int) -> str:
    """Return seconds as Go and kubectl write a duration: `1m30s`."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{value}{unit}" for value, unit in parts if value) or "0s"


def format_elapsed(seconds: float) -> str:
    """Return a time that passes: `4.2s` while it is short, `1m12s` later."""
    return f"{seconds:.1f}s" if seconds < 9.95 else format_duration(round(seconds))


def format_seconds(seconds: float | None) -> str:
    """Return a measured time to a tenth: `0.4s`, `58.1s`, `2m03.0s`; a dash for None."""
    if seconds is None:
        return "-"
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    return f"{minutes}m{rest // 10:02}.{rest % 10}s" if minutes else f"{rest // 10}.{rest % 10}s"


def format_milliseconds(milliseconds: int) -> str:
    """Return how far two times are from each other: `40 ms`, `3.2 s`, `1h2m3s`."""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 120_000:
        return f"{milliseconds / 1000:.1f} s"
    return format_duration(round(milliseconds / 1000))
