"""Times, by date.go of sprig 2.22.0 and the package time of Go.

The zone of the controller is taken for UTC, as it is in Kanister's image; others are left to the
run, and so is any layout that is not made of numbers, where a time is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from kanister_kafka.gotemplate.runtime.values import (
    GoFunction,
    OpaqueValue,
    UnsupportedError,
    Value,
)

TIME = "time.Time"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_ZONES = ("", "Local", "UTC")
_CHUNK = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST"
    r"|_2006|2006|__2|_2|002|0[1-6]|15|[1-5]|PM|pm"
    r"|Z07:00:00|Z070000|Z07:00|Z0700|Z07|-07:00:00|-070000|-07:00|-0700|-07"
    r"|[.,]0+(?![0-9])|[.,]9+(?![0-9])"
)
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PARTS: dict[str, Callable[[datetime], str]] = {
    "2006": lambda t: f"{t.year:04d}",
    "_2006": lambda t: f"_{t.year:04d}",
    "06": lambda t: f"{t.year % 100:02d}",
    "January": lambda t: _MONTHS[t.month - 1],
    "Jan": lambda t: _MONTHS[t.month - 1][:3],
    "1": lambda t: str(t.month),
    "01": lambda t: f"{t.month:02d}",
    "Monday": lambda t: _DAYS[t.weekday()],
    "Mon": lambda t: _DAYS[t.weekday()][:3],
    "2": lambda t: str(t.day),
    "_2": lambda t: f"{t.day:2d}",
    "02": lambda t: f"{t.day:02d}",
    "__2": lambda t: f"{t.timetuple().tm_yday:3d}",
    "002": lambda t: f"{t.timetuple().tm_yday:03d}",
    "15": lambda t: f"{t.hour:02d}",
    "3": lambda t: str((t.hour + 11) % 12 + 1),
    "03": lambda t: f"{(t.hour + 11) % 12 + 1:02d}",
    "4": lambda t: str(t.minute),
    "04": lambda t: f"{t.minute:02d}",
    "5": lambda t: str(t.second),
    "05": lambda t: f"{t.second:02d}",
    "PM": lambda t: "AM" if t.hour < 12 else "PM",
    "pm": lambda t: "am" if t.hour < 12 else "pm",
    "MST": lambda t: "UTC",  # noqa: ARG005
}
_READ = {
    "2006": r"(?P<year>\d{4})",
    "01": r"(?P<month>\d{2})",
    "02": r"(?P<day>\d{2})",
    "15": r"(?P<hour>\d{2})",
    "04": r"(?P<minute>\d{2})",
    "05": r"(?P<second>\d{2})(?:\.(?P<fraction>\d{1,6}))?",
    "Z07:00": r"(?:Z|(?P<sign>[+-])(?P<hours>\d{2}):(?P<minutes>\d{2}))",
    "-07:00": r"(?P<sign>[+-])(?P<hours>\d{2}):(?P<minutes>\d{2})",
    "-0700": r"(?P<sign>[+-])(?P<hours>\d{2})(?P<minutes>\d{2})",
}


def format_date(time: datetime, layout: str) -> str:
    """Return a time of UTC in a layout of Go's."""

    def part(match: re.Match[str]) -> str:
        chunk = match[0]
        if chunk in _PARTS:
            return _PARTS[chunk](time)
        if chunk[0] == "Z":
            return "Z"
        if chunk[0] == "-":
            return "+" + chunk[1:].replace("7", "0")
        digits = f"{time.microsecond:06d}000".ljust(len(chunk) - 1, "0")[: len(chunk) - 1]
        if chunk[1] == "9":
            digits = digits.rstrip("0")
        return chunk[0] + digits if digits else ""

    return _CHUNK.sub(part, layout)


def _date(layout: str, value: Value, zone: str) -> Value:
    if zone not in _ZONES:
        raise UnsupportedError
    match value:
        case OpaqueValue() if isinstance(value.value, datetime):
            return format_date(value.value, layout)
        case int() if not isinstance(value, bool) and abs(value) < 10**11:
            return format_date(_EPOCH + timedelta(seconds=value), layout)
    raise UnsupportedError  # Go takes the time of the call


def _to_date(layout: str, word: str) -> Value:
    chunks = _CHUNK.findall(layout)
    fractions = [chunk for chunk in chunks if re.fullmatch(r"\.9+", chunk)]
    fields = [chunk for chunk in chunks if chunk not in fractions]
    if len(set(fields)) < len(fields) or not set(fields) <= _READ.keys() or len(fractions) > 1:
        raise UnsupportedError
    pattern, end = "", 0
    for match in _CHUNK.finditer(layout):
        pattern += re.escape(layout[end : match.start()]) + _READ.get(match[0], "")
        end = match.end()
    read = re.fullmatch(pattern + re.escape(layout[end:]), word, re.ASCII)
    if read is None:
        raise UnsupportedError
    return OpaqueValue(TIME, _datetime(read.groupdict()))


def _datetime(parts: dict[str, str | None]) -> datetime:
    def number(name: str, otherwise: str = "0") -> int:
        return int(parts.get(name) or otherwise)

    fraction = int((parts.get("fraction") or "").ljust(6, "0"))
    offset = timedelta(hours=number("hours"), minutes=number("minutes"))
    try:
        local = datetime(
            number("year"),
            *(number("month", "1"), number("day", "1")),
            *(number("hour"), number("minute"), number("second"), fraction),
            tzinfo=timezone.utc,
        )
        return local - offset if parts.get("sign") == "+" else local + offset
    except (ValueError, OverflowError):
        raise UnsupportedError from None


def _epoch(value: OpaqueValue) -> Value:
    if not isinstance(value.value, datetime):
        raise UnsupportedError
    return str((value.value - _EPOCH) // timedelta(seconds=1))


_DAY = "2006-01-02"
FUNCTIONS = {
    "date": GoFunction(lambda layout, value: _date(layout, value, "")),
    "dateInZone": GoFunction(_date),
    "date_in_zone": GoFunction(_date),
    "htmlDate": GoFunction(lambda value: _date(_DAY, value, "")),
    "htmlDateInZone": GoFunction(lambda value, zone: _date(_DAY, value, zone)),
    "toDate": GoFunction(_to_date),
    "unixEpoch": GoFunction(_epoch),
}
