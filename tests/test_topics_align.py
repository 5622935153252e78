"""Where two sequences go on alike: the least to skip, against all ways to skip."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.topics.align import SURE, shift

FEW = st.lists(st.sampled_from("xyz"), max_size=14)


def plain(a: list[str], b: list[str], ends: tuple[bool, bool], sure: int) -> int | None:
    """Return the least number to skip of both together, by trying all."""

    def alike(i: int, j: int) -> bool:
        rest_a, rest_b = a[i:], b[j:]
        ended = [len(rest) for rest, end in zip((rest_a, rest_b), ends, strict=True) if end]
        count = min([sure, *ended])
        return rest_a[:count] == rest_b[:count] and count <= min(len(rest_a), len(rest_b))

    return min((i + j for i in range(len(a)) for j in range(len(b)) if alike(i, j)), default=None)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(FEW, FEW, st.tuples(st.booleans(), st.booleans()), st.integers(1, 4))
def test_as_few_are_skipped_as_can_be(
    a: list[str], b: list[str], ends: tuple[bool, bool], sure: int
) -> None:
    found = shift(a, b, a_ends=ends[0], b_ends=ends[1], sure=sure)
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
    assert shift(a, b, a_ends=ended, b_ends=ended) == found
    assert SURE == 8
