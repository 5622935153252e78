"""Two sides of a partition: what is found does not depend on how the records arrive."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.topics.compare.alignment import MIN_MATCH
from kanister_kafka.topics.compare.partition import MAX_TIMES, WINDOW
from kanister_kafka.topics.model import (
    DifferenceKind,
    PartitionResult,
    RecordPosition,
    UnmatchedRange,
)
from kanister_kafka.topics.records import RECORD_BYTES
from tests.topics.record_factory import Record, at_offsets, digest, log, paired

PROPERTY = settings(max_examples=50, derandomize=True)
PIECES = st.lists(st.integers(1, 400), min_size=1, max_size=6)
LOG = log(500)
SMALL = 40 * (RECORD_BYTES + 4)
"""Bytes of about forty records of LOG."""


def spot(record: Record) -> RecordPosition:
    return RecordPosition(offset=record.at, time=record.time)


@dataclass(frozen=True)
class Cut:
    """A side of LOG, from somewhere to somewhere; what is drawn, and not a thousand records."""

    first: int
    end: int
    offset: int
    gap: int

    def records(self) -> list[Record]:
        offsets = [self.offset + at + at // self.gap for at in range(self.end - self.first)]
        return at_offsets(LOG[self.first : self.end], offsets)


@st.composite
def cuts(draw: st.DrawFn) -> tuple[Cut, Cut]:
    """Draw two sides that have something in common."""
    middle = draw(st.integers(20, len(LOG) - 20))
    firsts = st.just(0) | st.integers(0, middle - 15)
    ends = st.just(len(LOG)) | st.integers(middle + 15, len(LOG))
    one, other = (
        Cut(draw(firsts), draw(ends), draw(st.integers(0, 10_000)), draw(st.integers(1, 50)))
        for _ in range(2)
    )
    return one, other


def only(records: list[Record]) -> UnmatchedRange | None:
    """Return some records at the end of a side as they have to be told."""
    if not records:
        return None
    count = records[-1].at + 1 - records[0].at
    return UnmatchedRange(count=count, first=spot(records[0]), last=spot(records[-1]))


def expected(a: list[Record], b: list[Record]) -> dict[str, object]:
    """Return what comes of two untouched sides, from the whole lists."""
    times_a, times_b = [r.time for r in a], [r.time for r in b]
    both = sorted(set(times_a) & set(times_b))
    found: dict[str, object] = {"common": len(both), "difference": None, "given_up": False}
    for name, side, times in (("a", a, times_a), ("b", b, times_b)):
        first, last = times.index(both[0]), times.index(both[-1])
        common = side[first : last + 1]
        tail = only(side[:first])
        if tail is not None:  # gaps at its end count too: it is told by offsets
            tail = replace(tail, count=side[first].at - side[0].at)
        found |= {
            f"first_{name}": spot(common[0]),
            f"last_{name}": spot(common[-1]),
            f"tail_{name}": tail,
            f"head_{name}": only(side[last + 1 :]),
            f"only_{name}": 0,
            "digest": digest(common),
            "times": tuple(both[-MAX_TIMES:]),
        }
    return found


def fields_of(result: PartitionResult, names: dict[str, object]) -> dict[str, object]:
    return {name: getattr(result, name) for name in names}


@PROPERTY
@given(cuts(), PIECES)
def test_two_cuts_of_one_log_differ_at_their_ends_alone(
    sides: tuple[Cut, Cut], pieces: list[int]
) -> None:
    a, b = (side.records() for side in sides)
    expected_fields = expected(a, b)
    result, _ = paired(a, b, pieces)
    assert fields_of(result, expected_fields) == expected_fields


@PROPERTY
@given(cuts(), PIECES)
def test_a_small_window_finds_the_same_in_bounded_memory(
    sides: tuple[Cut, Cut], pieces: list[int]
) -> None:
    a, b = (side.records() for side in sides)
    largest = max(len(record) for record in LOG) + RECORD_BYTES
    result, most = paired(a, b, pieces, window=SMALL)
    # How many of the first that one lacks are drawn is all that memory bounds.
    assert replace(result, missing=()) == replace(paired(a, b)[0], missing=())
    assert most <= 2 * SMALL + (max(pieces) + 1) * largest


KINDS = ("value", "key", "time", "headers", "gone", "twice", "swapped")


def changed(records: list[Record], at: int, kind: str) -> list[Record]:
    """Return the records with one thing changed."""
    one = records[at]
    match kind:
        case "gone":
            return records[:at] + records[at + 1 :]
        case "twice":
            return [*records[: at + 1], *records[at:]]
        case "swapped":
            return [*records[:at], records[at + 1], one, *records[at + 2 :]]
        case "value":
            one = replace(one, held_value=(one.held_value or b"") + b"!")
        case "key":
            one = replace(one, held_key=b"another")
        case "time":
            one = replace(one, time=one.time + 1)
        case "headers":
            one = replace(one, held_headers=[("trace", None)])
    return [*records[:at], one, *records[at + 1 :]]


FAULTS = {"gone": DifferenceKind.ONLY_A, "twice": DifferenceKind.ONLY_B}
OFFSETS = {"gone": (0, None), "twice": (None, 1)}
"""Where the first difference is, counted from the change, if not 0 and 0."""
COUNTS = {"gone": (1, 0), "twice": (0, 1), "swapped": (2, 2)}


@PROPERTY
@given(cuts(), PIECES, st.sampled_from(KINDS), st.floats(0, 1), st.booleans())
def test_any_change_of_common_records_is_reported_with_its_position(
    sides: tuple[Cut, Cut],
    pieces: list[int],
    kind: str,
    where: float,
    small: bool,  # noqa: FBT001
) -> None:
    a, b = (side.records() for side in sides)
    times = {r.time for r in a} & {r.time for r in b}
    first, last = ([r.time for r in b].index(end) for end in (min(times), max(times)))
    at = first + MIN_MATCH + round(where * (last - first - 2 * MIN_MATCH - 2))
    in_a = [r.time for r in a].index(b[at].time)
    touched = changed(b, at, kind)
    touched = at_offsets(touched, range(5, 5 + len(touched)))
    result, _ = paired(a, touched, pieces, **({"window": SMALL} if small else {}))
    assert result.differs
    assert not result.given_up
    found = result.difference
    assert found is not None
    assert found.fault is FAULTS.get(kind, DifferenceKind.OTHER)
    from_a, from_b = OFFSETS.get(kind, (0, 0))
    assert (found.a and found.a.offset) == (None if from_a is None else a[in_a + from_a].at)
    assert (found.b and found.b.offset) == (None if from_b is None else 5 + at + from_b)
    assert (result.only_a, result.only_b) == COUNTS.get(kind, (1, 1))
    assert result.common == len(times) - {"gone": 1, "twice": 0, "swapped": 2}.get(kind, 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [0, 1, MIN_MATCH - 1, 60 - MIN_MATCH, 58])
@pytest.mark.parametrize("pieces", [(1,), (1000,)])
def test_a_change_near_the_ends_of_common_records_is_reported(
    kind: str, at: int, pieces: tuple[int, ...]
) -> None:
    whole = log(100)
    a, b = whole[:90], changed(whole[20:80], at, kind)
    if kind == "gone" and at == 0:
        return  # the same as a log that begins later
    result, _ = paired(a, at_offsets(b, range(len(b))), pieces)
    assert result.differs
    found = result.difference
    assert found is not None
    shown = [message for message in (found.a, found.b) if message is not None]
    # Of what comes before the first common records what was skipped last is told.
    places = [(message.time - whole[20].time) // 10 for message in shown]
    assert all(at - 1 <= place <= at + 1 for place in places)


def test_one_change_after_the_other_is_counted_and_the_first_is_reported() -> None:
    whole = log(5000)
    b = changed(changed(changed(whole, 4000, "value"), 3000, "gone"), 2000, "twice")
    result, _ = paired(whole, at_offsets(b, range(len(b))))
    assert (result.only_a, result.only_b, result.common) == (2, 2, 4998)
    assert result.difference is not None
    assert result.difference.b is not None
    assert result.difference.b.offset == 2001


@pytest.mark.parametrize(("a", "b"), [(0, 0), (0, 40), (40, 0)])
def test_a_side_without_records_lacks_all_of_the_other(a: int, b: int) -> None:
    result, _ = paired(log(a), log(b))
    assert (result.common, result.digest, result.differs) == (0, "", False)
    assert (result.head_a, result.head_b) == (only(log(a)), only(log(b)))
    assert (result.first_a, result.tail_a, result.last_b) == (None, None, None)
    assert result.missing == tuple(record.time for record in log(a) + log(b))


@pytest.mark.parametrize("pieces", [(1,), (7, 300), (100_000,)])
@pytest.mark.parametrize("window", [RECORD_BYTES, SMALL, 1 << 20])
def test_nothing_in_common_is_given_up(pieces: tuple[int, ...], window: int) -> None:
    whole = log(6000)
    result, _ = paired(whole[:3000], whole[3000:], pieces, window=window)
    assert result.given_up
    assert result.differs
    assert (result.common, result.head_a, result.head_b, result.missing) == (0, None, None, ())
    assert result.difference is not None
    assert result.difference.a is not None
    assert result.difference.b is not None
    assert (result.difference.a.offset, result.difference.b.offset) == (0, 3000)


@pytest.mark.parametrize("pieces", [(1,), (3, 50), (100_000,)])
def test_a_tail_longer_than_any_window_is_passed_over(pieces: tuple[int, ...]) -> None:
    whole = log(3 * WINDOW + 700)
    for a, b in ((whole, whole[-500:]), (whole[-500:], whole)):
        result, _ = paired(a, b, pieces)
        assert not result.differs
        assert result.common == 500
        tails = [tail.count for tail in (result.tail_a, result.tail_b) if tail is not None]
        assert tails == [len(whole) - 500]


@pytest.mark.parametrize("held", [1, 2, 5, 9])
def test_records_of_a_sparse_window_are_compared(held: int) -> None:
    whole = log(60, size=1000)
    result, most = paired(whole, whole[5:], (1,), window=held * (1000 + RECORD_BYTES))
    assert not result.differs
    assert result.common == 55
    assert most <= 2 * held * (1000 + RECORD_BYTES) + 1000 + RECORD_BYTES


@pytest.mark.parametrize("pieces", [(1,), (17, 3), (100_000,)])
def test_records_that_are_all_alike_are_counted(pieces: tuple[int, ...]) -> None:
    alike = [Record(at, b"k", b"v") for at in range(300)]
    result, _ = paired(alike, alike[:200], pieces)
    assert (result.common, result.differs) == (200, False)
    assert result.head_a is not None
    assert result.head_a.count == 100


def test_no_headers_and_an_empty_list_of_them_are_the_same() -> None:
    bare = log(3, step=1)[:1] * 30
    a = at_offsets(bare, range(30))
    b = [replace(record, held_headers=[]) for record in a]
    result, _ = paired(a, b)
    assert (result.common, result.differs) == (30, False)
    assert result.digest == digest(b)


@pytest.mark.parametrize("jumped", [(True, False), (False, True)])
def test_missing_records_after_older_ones_do_not_count_as_tail(jumped: tuple[bool, bool]) -> None:
    whole = log(100)
    sides = [whole[50:], [replace(whole[10], held_value=b"foreign"), *whole[50:]]]
    if jumped[1]:
        sides.reverse()
    assert not paired(sides[0], sides[1])[0].differs
    result, _ = paired(sides[0], sides[1], jumped=jumped)
    assert result.difference is not None
    assert result.difference.fault is (
        DifferenceKind.ONLY_B if jumped[0] else DifferenceKind.ONLY_A
    )
    message = result.difference.b if jumped[0] else result.difference.a
    assert message is not None
    assert message.value == b"foreign"


@PROPERTY
@given(cuts(), PIECES)
def test_the_first_that_one_lacks_are_drawn_however_they_arrive(
    sides: tuple[Cut, Cut], pieces: list[int]
) -> None:
    a, b = (side.records() for side in sides)
    result, _ = paired(a, b, pieces)
    more = [r.time for r in max(a, b, key=lambda side: side[-1].time)]
    end = min(a[-1].time, b[-1].time)
    assert result.missing == tuple(time for time in more if time > end)[:MAX_TIMES]


NEAR = range(MIN_MATCH)
"""Places before which there are fewer records than make sure that both sides are alike."""


@pytest.mark.parametrize("at", NEAR)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pieces", [(1,), (1000,)])
def test_a_change_near_the_start_is_reported_as_that_one_record(
    kind: str, at: int, pieces: tuple[int, ...]
) -> None:
    if at == 0 and kind == "gone":
        return  # a mirror that begins later
    whole = log(100)
    b = changed(whole, at, kind)
    result, _ = paired(whole, at_offsets(b, range(5, 5 + len(b))), pieces)
    if at == 0 and kind == "twice":
        assert (result.only_a, result.only_b, result.tail_b and result.tail_b.count) == (0, 0, 1)
        return
    found = result.difference
    assert found is not None
    assert found.fault is FAULTS.get(kind, DifferenceKind.OTHER)
    if at == 0:  # the first record of each side is older than all that both have
        ends = (result.tail_a and result.tail_a.count, result.tail_b and result.tail_b.count)
        assert ends == COUNTS.get(kind, (1, 1))
    else:
        from_a, from_b = OFFSETS.get(kind, (0, 0))
        assert (found.a and found.a.offset) == (None if from_a is None else at + from_a)
        assert (found.b and found.b.offset) == (None if from_b is None else 5 + at + from_b)
        assert (result.only_a, result.only_b) == COUNTS.get(kind, (1, 1))
        assert (result.tail_a, result.tail_b) == (None, None)
    assert result.common == 100 - {"gone": 1, "twice": 0, "swapped": 2}.get(kind, 1)
    assert not result.given_up


@pytest.mark.parametrize("count", [3, 5, 8, 30])
def test_of_few_records_the_one_that_is_missing_is_reported(count: int) -> None:
    whole = log(count)
    result, _ = paired(whole, at_offsets(whole[:1] + whole[2:], range(count - 1)))
    assert (result.common, result.only_a, result.only_b) == (count - 1, 1, 0)
    assert (result.tail_a, result.tail_b) == (None, None)
    assert result.difference is not None
    assert result.difference.fault is DifferenceKind.ONLY_A


@PROPERTY
@given(st.sets(st.integers(1, 298), max_size=120), PIECES, st.integers(0, 40))
def test_all_that_one_side_lacks_is_counted_however_close(
    gone: set[int], pieces: list[int], tail: int
) -> None:
    whole = log(300)
    b = [record for record in whole[tail:] if record.at not in gone]
    result, _ = paired(whole, at_offsets(b, range(len(b))), pieces)
    assert result.common == len(b)
    between = [at for at in gone if b[0].at < at]
    assert (result.only_a, result.only_b, result.given_up) == (len(between), 0, False)
    if between:
        assert result.difference is not None
        assert result.difference.a is not None
        assert result.difference.a.offset == min(between)


@pytest.mark.parametrize("window", [SMALL, 1 << 20])
def test_few_records_that_both_begin_with_are_in_both(window: int) -> None:
    whole = log(3000)
    a, b = whole[:1500], [*whole[:5], *whole[1500:]]
    result, _ = paired(a, b, window=window)
    assert (result.common, result.given_up, result.differs) == (5, True, True)
    assert (result.first_a, result.last_b) == (spot(whole[0]), spot(whole[4]))
    assert result.digest == digest(whole[:5])
    assert result.difference is not None
    assert result.difference.a is not None
    assert result.difference.b is not None
    assert (result.difference.a.offset, result.difference.b.offset) == (5, 1500)


def test_what_goes_on_alike_at_the_end_of_a_window_goes_on() -> None:
    whole = log(5000)
    a = [*whole[:20], *(replace(one, held_value=b"a") for one in whole[20:2015]), *whole[2015:]]
    result, _ = paired(a, whole)
    assert (result.common, result.only_a, result.only_b) == (3005, 1995, 1995)
    assert not result.given_up
