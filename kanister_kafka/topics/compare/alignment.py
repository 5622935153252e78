"""Where two sequences of records go on alike: offsets differ, the content tells.

Offsets of a mirror are not those of its source: it may have begun later, retention takes the oldest
records of each side at its own time, and the marks of transactions take offsets.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

MIN_MATCH = 8
"""Records in a row that have to be alike: one alone may be there twice."""
PAIRS = 200_000
"""Pairs of records that are alike, among which an order is looked for; more are all the same."""


@dataclass(frozen=True, slots=True)
class AlignedPiece:
    """Records that only one side has, and those behind them that both have."""

    a: int
    b: int
    same: int


def align(
    a: Sequence[Hashable],
    b: Sequence[Hashable],
    *,
    a_ends: bool,
    b_ends: bool,
    sure: int = MIN_MATCH,
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


def pieces(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[AlignedPiece]:
    """Return two sequences in pieces, with as many records in both as their order allows.

    Records that only changed places close to each other are in neither, so that both places are
    told and not one alone.
    """
    ends = [(-1, -1), *_matches(a, b), (len(a), len(b))]
    found: list[AlignedPiece] = []
    for (i, j), (next_i, next_j) in pairwise(ends):
        alike = next_i == i + 1 and next_j == j + 1
        if not alike or not found:
            found.append(AlignedPiece(next_i - i - 1, next_j - j - 1, 0))
        if next_i < len(a) or next_j < len(b):
            found[-1] = AlignedPiece(found[-1].a, found[-1].b, found[-1].same + 1)
    return _without_moved(a, b, found)


def _matches(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return a longest common subsequence as places in both (Hunt and Szymanski, 1977)."""
    least = min(len(a), len(b))
    begin = next((n for n in range(least) if a[n] != b[n]), least)
    places: dict[Hashable, list[int]] = {}
    for j in range(len(b) - 1, begin - 1, -1):
        places.setdefault(b[j], []).append(j)
    chains: list[tuple[int, int, object]] = []
    lasts: list[int] = []
    left = PAIRS
    for i in range(begin, len(a)):
        for j in places.get(a[i], ()):
            at = bisect_left(lasts, j)
            chain = (i, j, chains[at - 1] if at else None)
            lasts[at : at + 1], chains[at : at + 1] = [j], [chain]
            left -= 1
        if left < 0:
            break
    found: list[tuple[int, int]] = []
    link: object = chains[-1] if chains else None
    while isinstance(link, tuple):
        i, j, link = link
        found.append((i, j))
    return [*((n, n) for n in range(begin)), *reversed(found)]


def _without_moved(
    a: Sequence[Hashable], b: Sequence[Hashable], found: list[AlignedPiece]
) -> list[AlignedPiece]:
    """Join pieces of which one has only in A what the other, a few records away, has only in B."""
    rests: list[tuple[set[Hashable], set[Hashable]]] = []
    i = j = 0
    for piece in found:
        rests.append((set(a[i : i + piece.a]), set(b[j : j + piece.b])))
        i, j = i + piece.a + piece.same, j + piece.b + piece.same
    joined: list[AlignedPiece] = []
    at = 0
    while at < len(found):
        first = last = at
        while at <= last:
            between = 0
            for later in range(at + 1, len(found)):
                between += found[later - 1].same
                if between >= MIN_MATCH:
                    break
                if rests[at][0] & rests[later][1] or rests[at][1] & rests[later][0]:
                    last = max(last, later)
            at += 1
        joined.append(_whole(found[first : last + 1]))
    return joined


def _whole(some: Sequence[AlignedPiece]) -> AlignedPiece:
    inner = sum(piece.same for piece in some[:-1])
    in_a, in_b = (sum(of) for of in zip(*((piece.a, piece.b) for piece in some), strict=True))
    return AlignedPiece(inner + in_a, inner + in_b, some[-1].same)
