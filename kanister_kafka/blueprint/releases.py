"""The releases of Kanister whose functions are known here.

Each tag of kanisterio/kanister from 0.100.0 on, and its main branch of 2026-08-21. Nothing was
published between: Kanister has no patch releases.
"""

from __future__ import annotations

import re

HEAD = "head"
"""The main branch, 75 commits after 0.119.0."""
RELEASES = (*(f"0.{minor}" for minor in range(100, 120)), HEAD)
"""From the oldest to the newest."""
NEWEST = RELEASES[-2]
"""The newest one that is published."""
SPELLED = re.compile(r"v?(0\.[0-9]+)(?:\.0)?")
"""As charts and images spell it, with or without the `v` of a git tag."""
PLACES = {release: place for place, release in enumerate(RELEASES)}


def parse_release(text: str) -> str | None:
    """Return the release that a text names, or None where there is no such release."""
    match = SPELLED.fullmatch(text)
    release = match[1] if match else text.lower()
    return release if release in PLACES else None


def is_within(release: str, since: str, until: str) -> bool:
    """Tell whether a release is neither before `since` nor after `until`; empty is no limit."""
    place = PLACES[release]
    return (not since or PLACES[since] <= place) and (not until or place <= PLACES[until])
