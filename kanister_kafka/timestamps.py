"""Points in time as RFC 3339 text, and Kafka's milliseconds since 1970."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
FRACTION = re.compile(r"(?<=:\d\d)\.(\d+)")


def parse_timestamp(text: str) -> datetime | None:
    """Read a time with any number of decimals, in UTC if it has no offset; None if it is not one.

    The API server and Kanister write up to nine decimals, and Python 3.10 reads three or six.
    """
    whole = FRACTION.sub(lambda match: f".{match[1][:6]:0<6}", text, count=1)
    try:
        found = datetime.fromisoformat(whole.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def format_timestamp(time: datetime) -> str:
    """Return a time in UTC to the millisecond: `2026-01-02T03:04:05.678Z`."""
    utc = time.astimezone(timezone.utc)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_second(time: datetime) -> str:
    """Return a time in UTC as Kubernetes writes it: `2026-01-02T03:04:05Z`."""
    return f"{time.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def format_epoch_ms(milliseconds: int) -> str:
    """Return the time of a Kafka timestamp as `2026-01-02T03:04:05.678Z`."""
    return format_timestamp(from_milliseconds(milliseconds))


def from_milliseconds(milliseconds: int) -> datetime:
    """Return the time of a Kafka timestamp."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def to_milliseconds(time: datetime) -> int:
    """Return the Kafka timestamp of a time."""
    return round((time - EPOCH) / timedelta(milliseconds=1))
