"""Schedules of a CronJob, as the API server and its controller read them.

Kubernetes parses a schedule with `cron.ParseStandard` of github.com/robfig/cron v3 and refuses a
time zone in it (pkg/apis/batch/validation/validation.go). That parser also accepts schedules that
never fire. Here these are errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kanister_kafka.durations import parse_go_duration

DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
EVERY = "@every "
LEAST_SECONDS = 60
MAX_NAME = 52
"""Characters in the name of a CronJob: its Jobs add eleven (Kubernetes, the same file)."""
TIME_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")
DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""Most days of each month."""
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclass(frozen=True, slots=True)
class CronField:
    """One of the five fields: its name, its bounds, and the names of its values."""

    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()


MONTH = CronField("month", 1, 12, MONTHS)
DAY = CronField("day of month", 1, 31)
WEEKDAY = CronField("day of week", 0, 6, WEEKDAYS)
FIELDS = (CronField("minute", 0, 59), CronField("hour", 0, 23), DAY, MONTH, WEEKDAY)


def schedule_error(text: str) -> str:
    """Return what a schedule must be, as the end of an error; empty if it is one that fires."""
    if "TZ" in text:
        return "must not have a time zone: give it by --time-zone"
    if text.startswith(EVERY):
        nanoseconds = parse_go_duration(text.removeprefix(EVERY))
        if nanoseconds is None or nanoseconds < LEAST_SECONDS * 10**9:
            return "must be @every and a duration of at least 1m, such as @every 12h"
        return ""
    if text.startswith("@"):
        known = ", ".join(DESCRIPTORS)
        return "" if text in DESCRIPTORS else f"must be one of {known}, or @every DURATION"
    words = text.split()
    if len(words) != len(FIELDS):
        return (
            f"must have the fields {', '.join(field.name for field in FIELDS)}: {len(words)} given"
        )
    values: dict[str, set[int]] = {}
    for word, field in zip(words, FIELDS, strict=True):
        found = _values(word, field)
        if found is None:
            named = f", or {field.names[0]} to {field.names[-1]}" if field.names else ""
            return (
                f"must have values from {field.first} to {field.last}{named} as its {field.name}, "
                f"not {word}"
            )
        values[field.name] = found
    if words[4] in ("*", "?"):
        most = max(DAYS[month - 1] for month in values[MONTH.name])
        if min(values[DAY.name]) > most:
            return "must have a day of month that one of its months has"
    return ""


def is_time_zone(text: str) -> bool:
    """Return whether a text may be the name of a time zone in the IANA database.

    `Local` is the one of the controller, and Kubernetes refuses it.
    """
    return bool(TIME_ZONE.fullmatch(text)) and text.lower() != "local"


def _values(word: str, field: CronField) -> set[int] | None:
    """Return the values that a field allows; None if it cannot be read."""
    found: set[int] = set()
    for part in word.split(","):
        one = _range(part, field)
        if one is None:
            return None
        found.update(one)
    return found


def _range(part: str, field: CronField) -> range | None:
    """Read `*`, `5`, `1-5`, each with or without `/STEP`; `5/10` goes on to the last value."""
    span, slash, step = part.partition("/")
    low, hyphen, high = span.partition("-")
    if slash and not (step.isascii() and step.isdecimal() and int(step)):
        return None
    if span in ("*", "?"):
        first, last = field.first, field.last
    else:
        numbers = list(_numbers((low, high) if hyphen else (low,), field))
        if None in numbers:
            return None
        first = numbers[0] or 0
        last = numbers[-1] or 0
        if slash and not hyphen:
            last = field.last
    if not field.first <= first <= last <= field.last:
        return None
    return range(first, last + 1, int(step) if slash else 1)


def _numbers(words: tuple[str, ...], field: CronField) -> Iterator[int | None]:
    for word in words:
        if word.lower() in field.names:
            yield field.first + field.names.index(word.lower())
        else:
            yield int(word) if word.isascii() and word.isdecimal() and len(word) < 10 else None
