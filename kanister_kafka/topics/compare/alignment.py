"""Align two sequences of records by their content.

Offsets of a mirror differ from those of its source: it can begin later, retention deletes the
oldest records of each side at its own time, and transaction markers use offsets.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

MIN_MATCH = 8
"""Equal records in a row that align two sides; a single record can occur twice."""
PAIRS = 200_000
"""Limit of the pairs of equal records in the search for a common order."""


@dataclass(frozen=True, slots=True)
class AlignedPiece:
    """Numbers of records of one side only, and of common records after them."""

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
    """Return the least numbers of records to skip on each side until both are equal.

    `sure` records in a row must be equal, or fewer up to the end of a side that ends here. None if
    they have nothing in common.
    """
    positions: dict[Hashable, list[int]] = {}
    for j, record in enumerate(b):
        positions.setdefault(record, []).append(j)
    best: tuple[int, int] | None = None
    for i, record in enumerate(a):
        if best is not None and i >= sum(best):
            break
        for j in positions.get(record, ()):
            if best is not None and i + j >= sum(best):
                break
            least = min(sure, len(a) - i if a_ends else sure, len(b) - j if b_ends else sure)
            if i + least <= len(a) and j + least <= len(b) and a[i : i + least] == b[j : j + least]:
                best = (i, j)
                break
    return best


def pieces(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[AlignedPiece]:
    """Split two sequences into pieces with as many common records as their order allows.

    Nearby records that only changed places are not common, so that both places are reported.
    """
    ends = [(-1, -1), *_matches(a, b), (len(a), len(b))]
    result: list[AlignedPiece] = []
    for (i, j), (next_i, next_j) in pairwise(ends):
        alike = next_i == i + 1 and next_j == j + 1
        if not alike or not result:
            result.append(AlignedPiece(next_i - i - 1, next_j - j - 1, 0))
        if next_i < len(a) or next_j < len(b):
            result[-1] = AlignedPiece(result[-1].a, result[-1].b, result[-1].same + 1)
    return _without_moved(a, b, result)


def _matches(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return a longest common subsequence as places in both (Hunt and Szymanski, 1977)."""
    least = min(len(a), len(b))
    begin = next((n for n in range(least) if a[n] != b[n]), least)
    positions: dict[Hashable, list[int]] = {}
    for j in range(len(b) - 1, begin - 1, -1):
        positions.setdefault(b[j], []).append(j)
    chains: list[tuple[int, int, object]] = []
    lasts: list[int] = []
    left = PAIRS
    for i in range(begin, len(a)):
        for j in positions.get(a[i], ()):
            at = bisect_left(lasts, j)
            chain = (i, j, chains[at - 1] if at else None)
            lasts[at : at + 1], chains[at : at + 1] = [j], [chain]
            left -= 1
        if left < 0:
            break
    matches: list[tuple[int, int]] = []
    link: object = chains[-1] if chains else None
    while isinstance(link, tuple):
        i, j, link = link
        matches.append((i, j))
    return [*((n, n) for n in range(begin)), *reversed(matches)]


def _without_moved(
    a: Sequence[Hashable], b: Sequence[Hashable], parts: list[AlignedPiece]
) -> list[AlignedPiece]:
    """Join nearby pieces if a record of A in one piece is a record of B in the other."""
    unmatched: list[tuple[set[Hashable], set[Hashable]]] = []
    i = j = 0
    for piece in parts:
        unmatched.append((set(a[i : i + piece.a]), set(b[j : j + piece.b])))
        i, j = i + piece.a + piece.same, j + piece.b + piece.same
    joined: list[AlignedPiece] = []
    at = 0
    while at < len(parts):
        first = last = at
        while at <= last:
            between = 0
            for later in range(at + 1, len(parts)):
                between += parts[later - 1].same
                if between >= MIN_MATCH:
                    break
                if unmatched[at][0] & unmatched[later][1] or unmatched[at][1] & unmatched[later][0]:
                    last = max(last, later)
            at += 1
        joined.append(_join(parts[first : last + 1]))
    return joined


def _join(parts: Sequence[AlignedPiece]) -> AlignedPiece:
    inner = sum(piece.same for piece in parts[:-1])
    in_a = sum(piece.a for piece in parts)
    in_b = sum(piece.b for piece in parts)
    return AlignedPiece(inner + in_a, inner + in_b, parts[-1].same)
