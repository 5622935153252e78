"""Schedules: those that Kubernetes accepts, and those that are refused before it sees them.

The verdicts of `accepted` and `refused` are those of `cron.ParseStandard` of robfig/cron 3.0.1.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanister_kafka.backup.cron import is_time_zone, schedule_error

ACCEPTED = (
    "0 3 * * *",
    "*/5 * * * *",
    "0-30/10,45 2 1,15 jan-mar MON-fri",
    "5/10 * * * ?",
    "59 23 31 12 6",
    "0 0 29 feb *",
    "0 0 31 2 1",
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
    "@Daily",
    "@every",
    "@every soon",
    "TZ=UTC 0 3 * * *",
    "CRON_TZ=UTC 0 3 * * *",
)
NEVER = ("0 0 30 2 *", "0 0 31 feb,apr *", ", * * * *", "@every 30s", "*-7 * * * *", "@every 0s")
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
