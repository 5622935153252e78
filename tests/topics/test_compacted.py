"""Compacted topics: two sides that were cut and compacted each for itself still agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kanister_kafka.topics.compare.compacted import CompactedComparer
from kanister_kafka.topics.model import DifferenceKind, PartitionResult
from tests.topics.record_factory import START, Record, at_offsets, extent

PROPERTY = settings(max_examples=80, derandomize=True)
KEYS = st.integers(0, 5)


@st.composite
def logs(draw: st.DrawFn) -> list[Record]:
    """Draw a log of few keys: often superseded, sometimes deleted, times not always in order."""
    made = []
    for at in range(draw(st.integers(1, 40))):
        time = START + 10 * at + draw(st.sampled_from((0, 0, 0, -15)))
        value = None if draw(st.integers(0, 5)) == 0 else b"%d" % at
        made.append(Record(at, b"k%d" % draw(KEYS), value, time))
    return made


def compacted(records: Sequence[Record], clean: int, *, deletes: bool) -> list[Record]:
    """Compact all before a place, as a broker does: a key keeps its newest, the head is as it is.

    Tombstones go too where they are old enough. The newest record of a partition is never taken.
    """
    newest = {record.key(): record.at for record in records[:clean]}
    kept = [record for record in records[:clean] if newest[record.key()] == record.at]
    if deletes:
        kept = [record for record in kept if record.value() is not None]
    return [*kept, *records[clean:]]


def states(
    a: Sequence[Record], b: Sequence[Record], piece: int = 7, *, timed: bool = True
) -> PartitionResult:
    ends = (a[-1] if a else None, b[-1] if b else None)
    pair = CompactedComparer(0, ends, timed=timed)
    for side, records in enumerate((a, b)):
        for start in range(0, len(records), piece):
            pair.feed(side, records[start : start + piece])
        assert not pair.done
        pair.sides[side].ended = True
        pair.advance()
    assert pair.done
    return pair.result(extent(a), extent(b))


CLEAN = st.floats(0, 1)


def side(
    whole: list[Record], end: int, clean: float, *, deletes: bool, behind: int = 0
) -> list[Record]:
    cut = whole[:end]
    kept = compacted(cut, min(round(clean * end), end - 1), deletes=deletes)
    return at_offsets(kept, [behind + record.at for record in kept])


@PROPERTY
@given(logs(), st.integers(0, 12), CLEAN, CLEAN, st.booleans(), st.booleans(), st.booleans())
def test_both_agree_however_they_are_compacted(
    whole: list[Record],
    behind: int,
    clean_a: float,
    clean_b: float,
    deletes: bool,  # noqa: FBT001
    swapped: bool,  # noqa: FBT001
    timed: bool,  # noqa: FBT001
) -> None:
    end = max(1, len(whole) - behind)
    # One deletion of a key is like another where times are of different clocks.
    assume(timed or behind == 0 or whole[end - 1].value() is not None)
    ordered = sorted(record.time for record in whole) == [record.time for record in whole]
    if not timed or not ordered:
        # Where what the one ends with is gone in the other, only times in order tell how far it is.
        clean_a = min(clean_a, (end - 1) / len(whole))
    ahead = side(whole, len(whole), clean_a, deletes=deletes)
    late = side(whole, end, clean_b, deletes=deletes, behind=500)
    result = states(late, ahead, timed=timed) if swapped else states(ahead, late, timed=timed)
    assert not result.differs
    assert (result.only_a, result.only_b) == (0, 0)
    assert not (result.head_a and result.head_b)
    assert behind or not (result.head_a or result.head_b)


WHOLE = [
    Record(at, b"k%d" % (at % 10), b"%d" % at, START + 10 * at, [("n", b"%d" % at)])
    for at in range(100)
]


def touched(at: int, **fields: object) -> list[Record]:
    return [*WHOLE[:at], replace(WHOLE[at], **fields), *WHOLE[at + 1 :]]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("b", "fault", "only"),
    [
        ([*WHOLE[:95], *WHOLE[96:]], DifferenceKind.OTHER, (1, 1)),  # B has an older one
        ([*WHOLE[90:95], *WHOLE[96:]], DifferenceKind.ONLY_A, (1, 0)),
        (touched(95, held_value=b"!"), DifferenceKind.OTHER, (1, 1)),
        (touched(95, held_value=None), DifferenceKind.OTHER, (1, 1)),
        (touched(95, held_value=b""), DifferenceKind.OTHER, (1, 1)),
        (touched(95, held_headers=None), DifferenceKind.OTHER, (1, 1)),
        (touched(95, time=WHOLE[95].time - 1), DifferenceKind.OTHER, (1, 1)),
        (touched(95, held_key=b"new"), DifferenceKind.OTHER, (1, 2)),
        (
            [*WHOLE[:99], Record(99, b"new", b"1", WHOLE[99].time), WHOLE[99]],
            DifferenceKind.ONLY_B,
            (0, 1),
        ),
    ],
)
def test_a_key_that_holds_something_else_is_reported(
    b: list[Record], fault: DifferenceKind, only: tuple[int, int]
) -> None:
    result = states(WHOLE, at_offsets(b, range(len(b))))
    assert result.differs
    assert result.difference is not None
    assert (result.difference.fault, result.only_a, result.only_b) == (fault, *only)
    if fault is not DifferenceKind.ONLY_B:
        assert result.difference.a is not None
        assert result.difference.a.offset == 95


def test_what_is_superseded_in_both_does_not_matter() -> None:
    result = states(WHOLE, touched(50, held_value=b"!"))
    assert (result.common, result.differs, result.digest) == (10, False, "")


def test_a_deleted_key_may_be_gone_but_not_be_there_again() -> None:
    deleted = [*WHOLE, Record(100, b"k1", None, WHOLE[99].time + 10), *at_end(WHOLE[99], 101)]
    gone = [record for record in deleted if record.key() != b"k1"]
    assert not states(deleted, gone).differs
    assert not states(gone, deleted).differs
    there = [record for record in deleted if record.at != 100]
    assert states(deleted, there).differs
    assert states(gone, there).differs


def at_end(record: Record, at: int) -> list[Record]:
    return [replace(record, at=at, time=record.time + 20, held_key=b"last")]


@pytest.mark.parametrize("timed", [True, False])
def test_the_head_is_what_comes_after_the_end_of_the_other(timed: bool) -> None:  # noqa: FBT001
    result = states(WHOLE, WHOLE[:85], timed=timed)
    assert not result.differs
    assert result.head_b is None
    assert result.head_a is not None
    assert (result.head_a.count, result.head_a.first.offset) == (15, 85)
    assert result.missing == tuple(record.time for record in WHOLE[85:])
    assert result.last_a is not None
    assert result.last_b is not None
    assert (result.last_a.offset, result.last_b.offset) == (84, 84)


def test_late_records_of_another_producer_count_as_head() -> None:
    late = replace(WHOLE[60], at=100, time=WHOLE[99].time - 5, held_value=b"late")
    result = states([*WHOLE, late], WHOLE)
    assert not result.differs
    assert result.head_a is not None
    assert result.head_a.count == 1
    assert states(WHOLE, [*WHOLE, late]).head_b is not None


@pytest.mark.parametrize(("a", "b"), [(0, 0), (0, 50), (50, 0)])
def test_a_side_without_records_lacks_all_of_the_other(a: int, b: int) -> None:
    result = states(WHOLE[:a], WHOLE[:b])
    assert (result.common, result.differs) == (0, False)
    heads = [head and head.count for head in (result.head_a, result.head_b)]
    assert heads == [a or None, b or None]
