"""Blocks that stand for a topic: as much as was asked for, from all over it, none twice."""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.topics.client import OffsetRange
from kanister_kafka.topics.compare import BLOCK, join_blocks, sample_blocks
from kanister_kafka.topics.model import DifferenceKind, PartitionResult, RecordDifference
from tests.topics.record_factory import log, paired

SPANS = st.dictionaries(
    st.integers(0, 9),
    st.builds(
        lambda start, count: OffsetRange(start, start + count),
        st.integers(0, 10**12),
        st.integers(0, 400 * BLOCK),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, derandomize=True)
@given(SPANS, st.floats(0.001, 1), st.floats(0, 1))
def test_blocks_are_a_share_from_all_over(
    spans: dict[int, OffsetRange], share: float, where: float
) -> None:
    heads = {n: span.earliest + round(where * span.count) for n, span in spans.items()}
    rounds = sample_blocks(spans, heads, share)
    assert rounds[-1].keys() == spans.keys()
    for number, span in spans.items():
        *blocks, newest = [some[number] for some in rounds if number in some]
        assert newest == (max(span.earliest, heads[number] - BLOCK), span.latest)
        assert all(end - at == BLOCK for at, end in blocks)
        every = [*blocks, newest]
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(every))
        assert all(span.earliest <= at for at, _ in every)
        before = newest[0] - span.earliest
        expected = before * share / BLOCK
        assert len(blocks) <= round(expected)
        assert len(blocks) >= min(round(expected), before // BLOCK) * 0.5
        distances = {later - at for (at, _), (later, _) in itertools.pairwise(blocks)}
        assert len(distances) <= 1


def test_no_share_leaves_the_newest() -> None:
    assert sample_blocks({0: OffsetRange(5, 90_005)}, {0: 80_000}, 0.0) == ({0: (79_000, 90_005)},)


def test_missing_ends_of_blocks_do_not_count_as_ends_of_the_topic() -> None:
    def block(first: int, end: int) -> PartitionResult:
        return paired(log(1000)[first:end], log(1000)[first : end + 50])[0]

    difference = RecordDifference(fault=DifferenceKind.ONLY_A, a=None, b=None)
    odd = replace(block(100, 200), difference=difference, only_a=1, given_up=True)
    newest = replace(block(800, 900), only_a=2)
    (found,) = join_blocks([[block(0, 50)], [odd]], [newest])
    assert (found.common, found.only_a, found.digest) == (250, 3, "")
    assert (found.difference, found.given_up) == (difference, True)
    assert (found.tail_a, found.tail_b, found.head_b) == (None, None, newest.head_b)
    assert found.first_a is not None
    assert found.last_a is not None
    assert (found.first_a.offset, found.last_a.offset) == (0, 899)


def test_partitions_without_earlier_blocks_are_their_newest() -> None:
    (one, two), both = paired(log(9), log(9)), [paired(log(9), log(5))[0]]
    other = replace(one, partition=1)
    found = join_blocks([[other]], [both[0], other])
    assert [result.common for result in found] == [5, 18]
    assert two > 0
