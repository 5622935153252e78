"""Schedules: those that Kubernetes accepts, and those that are refused before it sees them.

The verdicts of `accepted` and `refused` are those of `cron.ParseStandard` of robfig/cron 3.0.1.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanister_kafka.backup import cron
from kanister_kafka.backup.cron import (
    is_time_zone,
    schedule_error,
    shortest_interval,
    time_zone_error,
)

ACCEPTED = (
    "0 3 * * *",
    "*/5 * * * *",
    "0-30/10,45 2 1,15 jan-mar MON-fri",
    "5/10 * * * ?",
    "59 23 31 12 6",
    "0 0 29 feb *",
    "0 0 31 2 1",
    "0 0 30 2 */2",
    "0 0 31 4 */3",
    "0 0 31 4 ?/2",
    "0 0 *,30 2 1",
    "0  3\t* * *",
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@midnight",
    "@hourly",
    "@every 12h",
    "@every 1h30m",
)
REFUSED = (
    "",
    "* * * *",
    "0 0 3 * * *",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * 32 * *",
    "* * * 13 *",
    "* * * * 7",
    "* * * * sunday",
    "5-1 * * * *",
    "1-2-3 * * * *",
    "*/0 * * * *",
    "*/1/2 * * * *",
    "*/-1 * * * *",
    "a * * * *",
    "-1 * * * *",
    f"*/{'9' * 5000} * * * *",
    f"*/{'0' * 5000} * * * *",
    "@Daily",
    "@every",
    "@every soon",
    "TZ=UTC 0 3 * * *",
    "CRON_TZ=UTC 0 3 * * *",
)
NEVER = (
    "0 0 30 2 *",
    "0 0 31 feb,apr *",
    "0 0 30 2 1,*",
    "0 0 30 2 *,1",
    "0 0 30 2 */1",
    "0 0 30 2 ?",
    "0 0 30 2 */2,*/1",
    "0 0 30,31 2 1,?/1",
    ", * * * *",
    "@every 30s",
    "*-7 * * * *",
    "@every 0s",
)
"""Kubernetes accepts these: they never fire, fire without a pause, or are a slip."""


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted(text: str) -> None:
    assert schedule_error(text) == ""


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    assert schedule_error(text).startswith("must ")


@pytest.mark.parametrize("text", NEVER)
def test_refused_although_kubernetes_accepts_it(text: str) -> None:
    assert schedule_error(text).startswith("must ")


@given(st.text(alphabet="0123456789*/-,? @everymonfjTZ\n٣²", max_size=30))
def test_any_text_has_an_answer(text: str) -> None:
    assert isinstance(schedule_error(text), str)


@pytest.mark.parametrize(
    ("text", "is_name"),
    [
        ("Europe/Berlin", True),
        ("America/Argentina/Buenos_Aires", True),
        ("Etc/GMT+5", True),
        ("UTC", True),
        ("Berlin", False),
        ("Europe/Berlino", False),
        ("Local", False),
        ("local", False),
        ("../etc/passwd", False),
        ("Europe/", False),
        ("+05:30", False),
        ("", False),
    ],
)
def test_names_of_time_zones(text: str, *, is_name: bool) -> None:
    assert is_time_zone(text) is is_name


def test_without_a_database_the_form_of_a_time_zone_decides(monkeypatch) -> None:
    monkeypatch.setattr(cron, "_time_zones", frozenset)
    assert is_time_zone("Berlin")
    assert not is_time_zone("Europe/")


@pytest.mark.parametrize(
    ("text", "must"),
    [
        ("Europe/Berlin", ""),
        ("berlin", "must be an IANA name such as Europe/Berlin"),
        ("Tokyo", "must be an IANA name such as Asia/Tokyo"),
        ("nowhere", "must be an IANA name such as Europe/Berlin"),
    ],
)
def test_time_zone_that_may_be_meant(text: str, must: str) -> None:
    assert time_zone_error(text) == must


MINUTE, HOUR, DAY = 60, 3600, 24 * 3600


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("*/5 * * * *", 5 * MINUTE),
        ("@every 90m", 90 * MINUTE),
        ("@hourly", HOUR),
        ("@daily", DAY),
        ("@weekly", 7 * DAY),
        ("@monthly", 28 * DAY),
        ("@yearly", 365 * DAY),
        ("0 3 * * *", DAY),
        ("0 3,4 * * 0", HOUR),
        ("50 23 * * *", DAY),
        ("10,50 0,23 * * *", 20 * MINUTE),
        ("10,50 0,23 * * 1", 40 * MINUTE),
        ("0 0 1 * 1", DAY),
        ("0 0 */2 * *", DAY),
        ("0 0 * * mon-fri", DAY),
        ("0 0 29 2 *", 1461 * DAY),
        # A step above 1 makes a star a list: a day of either kind is enough.
        ("0 0,23 1 * */2", HOUR),
        ("0 0,23 1 * */1", 23 * HOUR),
        ("0 0 30 2 */2", DAY),
        ("0 0 31 4 */3", DAY),
        ("0 0 1-31/31 * 1", DAY),
        ("0 0 */31 * 1", DAY),
        # A star in one part of a list is one: both kinds must fit.
        ("0 0 1,* * 1", 7 * DAY),
        ("0 0 1 * 1,*", 28 * DAY),
        ("0 0 1 * 1,?", 28 * DAY),
    ],
)
def test_shortest_interval(text: str, seconds: int) -> None:
    assert schedule_error(text) == ""
    assert shortest_interval(text) == seconds
