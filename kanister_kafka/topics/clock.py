"""Kafka's times, ms since 1970, as people write them."""

from __future__ import annotations

from datetime import datetime, timezone


def moment(time: int) -> str:
    """Return a time as ISO 8601 in UTC, to the millisecond."""
    known = datetime.fromtimestamp(time / 1000, timezone.utc)
    return known.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_moment(text: str) -> int | None:
    """Read such a time, with another offset, or none for UTC; None where it is no time."""
    try:
        known = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    if known.tzinfo is None:
        known = known.replace(tzinfo=timezone.utc)
    return round(known.timestamp() * 1000)
