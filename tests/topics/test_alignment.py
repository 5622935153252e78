"""Where two sequences go on alike: the least to skip, against all ways to skip."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.topics.compare.alignment import MIN_MATCH, PAIRS, AlignedPiece, align, pieces

FEW = st.lists(st.sampled_from("xyz"), max_size=14)


def plain(a: list[str], b: list[str], ends: tuple[bool, bool], sure: int) -> int | None:
    """Return the least number to skip of both together, by trying all."""

    def alike(i: int, j: int) -> bool:
        rest_a, rest_b = a[i:], b[j:]
        ended = [len(rest) for rest, end in zip((rest_a, rest_b), ends, strict=True) if end]
        count = min([sure, *ended])
        return rest_a[:count] == rest_b[:count] and count <= min(len(rest_a), len(rest_b))

    return min((i + j for i in range(len(a)) for j in range(len(b)) if alike(i, j)), default=None)


@settings(max_examples=150, derandomize=True)
@given(FEW, FEW, st.tuples(st.booleans(), st.booleans()), st.integers(1, 4))
def test_as_few_are_skipped_as_can_be(
    a: list[str], b: list[str], ends: tuple[bool, bool], sure: int
) -> None:
    found = align(a, b, a_ends=ends[0], b_ends=ends[1], sure=sure)
    assert (None if found is None else sum(found)) == plain(a, b, ends, sure)


TEN = list("abcdefghij")


@pytest.mark.parametrize(
    ("a", "b", "ended", "found"),
    [
        (TEN, TEN, False, (0, 0)),
        (TEN, TEN[2:], False, (2, 0)),
        (TEN[1:], TEN, False, (0, 1)),
        (TEN, TEN[3:], False, None),  # seven in a row are too few while more may come
        (TEN, TEN[3:], True, (3, 0)),
        (["?", *TEN], ["!", "!", *TEN], False, (1, 2)),
        (TEN, list("klmnopqrst"), True, None),
        ([], TEN, True, None),
        (["a"] * 20, ["a"] * 30, False, (0, 0)),
        (["a", *TEN], TEN, False, (1, 0)),  # the first is there twice
    ],
)
def test_tables(
    a: list[str],
    b: list[str],
    ended: bool,  # noqa: FBT001
    found: tuple[int, int] | None,
) -> None:
    assert align(a, b, a_ends=ended, b_ends=ended) == found
    assert MIN_MATCH == 8


def longest(a: list[str], b: list[str]) -> int:
    """Return the length of the longest common subsequence, by the plain table."""
    row = [0] * (len(b) + 1)
    for one in a:
        before, row = row, [0]
        for j, other in enumerate(b):
            row.append(before[j] + 1 if one == other else max(before[j + 1], row[j]))
    return row[-1]


@settings(max_examples=150, derandomize=True)
@given(FEW, FEW)
def test_pieces_make_up_both_sides_and_what_is_the_same_is(a: list[str], b: list[str]) -> None:
    i = j = same = 0
    for piece in pieces(a, b):
        i, j = i + piece.a, j + piece.b
        assert a[i : i + piece.same] == b[j : j + piece.same]
        i, j, same = i + piece.same, j + piece.same, same + piece.same
    assert (i, j) == (len(a), len(b))
    assert same <= longest(a, b)


@settings(max_examples=150, derandomize=True)
@given(st.lists(st.integers(0, 40), max_size=40, unique=True), st.sets(st.integers(0, 40)))
def test_pieces_have_as_much_in_both_as_can_be(a: list[int], gone: set[int]) -> None:
    b = [one for one in a if one not in gone]
    assert sum(piece.same for piece in pieces(a, b)) == len(b)
    assert sum(piece.b for piece in pieces(a, b)) == 0


@pytest.mark.parametrize(
    ("a", "b", "found"),
    [
        ("", "", [AlignedPiece(0, 0, 0)]),
        ("abc", "abc", [AlignedPiece(0, 0, 3)]),
        ("abcd", "abd", [AlignedPiece(0, 0, 2), AlignedPiece(1, 0, 1)]),
        ("abd", "abcd", [AlignedPiece(0, 0, 2), AlignedPiece(0, 1, 1)]),
        ("abcd", "abxd", [AlignedPiece(0, 0, 2), AlignedPiece(1, 1, 1)]),
        ("abcde", "xbcye", [AlignedPiece(1, 1, 2), AlignedPiece(1, 1, 1)]),
        ("abcd", "acbd", [AlignedPiece(0, 0, 1), AlignedPiece(2, 2, 1)]),
        ("abc", "xyz", [AlignedPiece(3, 3, 0)]),
    ],
)
def test_pieces(a: str, b: str, found: list[AlignedPiece]) -> None:
    aligned = [piece for piece in pieces(a, b) if piece != AlignedPiece(0, 0, 0) or not a]
    assert aligned == found


def test_records_that_are_all_alike_take_no_long_time() -> None:
    found = pieces(["x"] * 4000, ["y", *["x"] * 4000])
    assert sum(piece.same for piece in found) > 40
    assert PAIRS < 4000 * 4000
