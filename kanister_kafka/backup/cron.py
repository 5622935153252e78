"""Schedules of a CronJob, as the API server and its controller read them.

Kubernetes parses a schedule with `cron.ParseStandard` of github.com/robfig/cron v3 and refuses a
time zone in it (pkg/apis/batch/validation/validation.go). That parser also accepts schedules that
never fire. Here these are errors.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import pairwise, product

from kanister_kafka.durations import parse_go_duration

EVERY = "@every "
LEAST_SECONDS = 60
MAX_NAME = 52
"""Characters in the name of a CronJob: its Jobs add eleven (Kubernetes, the same file)."""
TIME_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")
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
DESCRIBED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
"""Descriptors of that parser, and the fields that they stand for."""
DESCRIPTORS = tuple(DESCRIBED)
DAY_MINUTES = 24 * 60
SAMPLE = (date(2000, 1, 1), date(2028, 1, 1))
"""28 years, after which the calendar repeats."""


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
        descriptors = ", ".join(DESCRIPTORS)
        return "" if text in DESCRIPTORS else f"must be one of {descriptors}, or @every DURATION"
    words = text.split()
    if len(words) != len(FIELDS):
        return (
            f"must have the fields {', '.join(field.name for field in FIELDS)}: {len(words)} given"
        )
    for word, field in zip(words, FIELDS, strict=True):
        if _values(word, field) is None:
            named = f", or {field.names[0]} to {field.names[-1]}" if field.names else ""
            return (
                f"must have values from {field.first} to {field.last}{named} as its {field.name}, "
                f"not {word}"
            )
    if next(_days(*words[2:]), None) is None:
        return "must have a day of month that one of its months has"
    return ""


def is_time_zone(text: str) -> bool:
    """Return whether a text is the name of a time zone in the IANA database.

    On a machine without that database, any name passes that Kubernetes does not refuse by its form.
    `Local` is the one of the controller, and Kubernetes refuses it.
    """
    if not TIME_ZONE.fullmatch(text) or text.lower() == "local":
        return False
    zones = _time_zones()
    return not zones or text in zones


def time_zone_error(text: str) -> str:
    """Return what a time zone must be, as the end of an error; empty if it is one."""
    if is_time_zone(text):
        return ""
    near = sorted(name for name in _time_zones() if name.lower().endswith(f"/{text.lower()}"))
    return f"must be an IANA name such as {near[0] if near else 'Europe/Berlin'}"


@cache
def _time_zones() -> frozenset[str]:
    """Return all names of the database of this machine or of the package tzdata; maybe none."""
    return frozenset(zoneinfo.available_timezones())


@cache  # all clusters of a fleet may have the same schedule
def shortest_interval(text: str) -> int:
    """Return the least seconds between two times of a schedule without an error.

    A change to or from summer time is not considered.
    """
    if text.startswith(EVERY):
        return int((parse_go_duration(text.removeprefix(EVERY)) or 0) // 10**9)
    minutes, hours, *days = DESCRIBED.get(text, text).split()
    at = product(_values(hours, FIELDS[1]) or (), _values(minutes, FIELDS[0]) or ())
    times = sorted(hour * 60 + minute for hour, minute in at)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    gaps += [
        (later - earlier).days * DAY_MINUTES + times[0] - times[-1]
        for earlier, later in pairwise(_days(*days))
    ]
    return min(gaps) * 60


def _days(days: str, months: str, weekdays: str) -> Iterator[date]:
    """Yield the days of a schedule in SAMPLE, in which each date is on each day of the week.

    If both kinds of day are given, one of them is enough. If either has a star, both must fit
    (`dayMatches` in spec.go of that parser).
    """
    in_month, in_week = _values(days, DAY) or set(), _values(weekdays, WEEKDAY) or set()
    in_year = _values(months, MONTH) or set()
    either = not _has_star(days) and not _has_star(weekdays)
    day, last = SAMPLE
    while day < last:
        fits = (day.day in in_month, day.isoweekday() % 7 in in_week)
        if day.month in in_year and (any(fits) if either else all(fits)):
            yield day
        day += timedelta(days=1)


def _has_star(word: str) -> bool:
    """Return whether a part of a field is a star, as for `getRange` in parser.go of that parser.

    `*/1` is one, and `*/2` is not: with a step above 1 it is a list of values like any other.
    """
    spans = (part.partition("/") for part in word.split(","))
    return any(span in ("*", "?") and int(step or 1) == 1 for span, _slash, step in spans)


def _values(word: str, field: CronField) -> set[int] | None:
    """Return the values that a field allows; None if it cannot be read."""
    values: set[int] = set()
    for part in word.split(","):
        part_values = _range(part, field)
        if part_values is None:
            return None
        values.update(part_values)
    return values


def _range(part: str, field: CronField) -> range | None:
    """Read `*`, `5`, `1-5`, each with or without `/STEP`; `5/10` goes on to the last value."""
    span, slash, step = part.partition("/")
    low, hyphen, high = span.partition("-")
    if slash and not (step.isascii() and step.isdecimal() and len(step) < 10 and int(step)):
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
