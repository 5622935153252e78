"""Where two sequences of records go on alike: offsets differ, the content tells.

Offsets of a mirror are not those of its source: it may have begun later, retention takes the oldest
records of each side at its own time, and the marks of transactions take offsets.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

SURE = 8
"""Records in a row that have to be alike: one alone may be there twice."""


def shift(
    a: Sequence[Hashable],
    b: Sequence[Hashable],
    *,
    a_ends: bool,
    b_ends: bool,
    sure: int = SURE,
) -> tuple[int, int] | None:
    """Return how many of each side to skip, as few as can be, until both go on alike.

    A side that ends here may be alike for fewer than `sure` records: up to its end. None where
    they have nothing in common.
    """
    places: dict[Hashable, list[int]] = {}
    for j, record in enumerate(b):
        places.setdefault(record, []).append(j)
    best: tuple[int, int] | None = None
    for i, record in enumerate(a):
        if best is not None and i >= sum(best):
            break
        for j in places.get(record, ()):
            if best is not None and i + j >= sum(best):
                break
            least = min(sure, len(a) - i if a_ends else sure, len(b) - j if b_ends else sure)
            if i + least <= len(a) and j + least <= len(b) and a[i : i + least] == b[j : j + least]:
                best = (i, j)
                break
    return best
