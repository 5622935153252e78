"""The digest: the same however records arrive, another for every least difference."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.topics.records import OffsetColumn, RecordBatch, RecordDigest
from tests.topics.record_factory import Record, columns, digest, log

BYTES = st.none() | st.binary(max_size=3)
HEADERS = st.none() | st.lists(st.tuples(st.text(max_size=2), BYTES), max_size=2)
RECORDS = st.lists(
    st.builds(
        Record,
        held_key=BYTES,
        held_value=BYTES,
        time=st.integers(-1, 1 << 45),
        held_headers=HEADERS,
    ),
    max_size=12,
)
PROPERTY = settings(max_examples=60, derandomize=True)


@PROPERTY
@given(RECORDS, st.lists(st.integers(0, 12), max_size=4))
def test_the_digest_does_not_depend_on_how_records_arrive(
    records: list[Record], borders: list[int]
) -> None:
    made = RecordDigest()
    starts = [0, *sorted(borders), len(records)]
    for start, end in itertools.pairwise(starts):
        made.add(columns(records[start:end]))
    assert made.hex() == digest(records[: max(starts)])


@PROPERTY
@given(RECORDS, RECORDS)
def test_digests_are_the_same_for_the_same_records_alone(a: list[Record], b: list[Record]) -> None:
    assert (digest(a) == digest(b)) == (columns(a).tokens() == columns(b).tokens())


BASE = log(5)


def with_(at: int, **fields: object) -> list[Record]:
    return [*BASE[:at], replace(BASE[at], **fields), *BASE[at + 1 :]]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    [
        with_(1, held_key=b"key-2"),
        with_(0, held_key=b""),  # null before
        with_(2, held_value=b"2 .!"),
        with_(2, held_value=None),
        with_(2, time=BASE[2].time + 1),
        with_(1, held_headers=None),
        with_(1, held_headers=[("trace", b"1"), ("empty", b"")]),
        with_(1, held_headers=[("empty", None), ("trace", b"1")]),
        with_(1, held_headers=[("trac", b"e1"), ("empty", None)]),
        with_(2, held_headers=[("trace", b"1"), ("empty", None)]),
        BASE[:4],
        [*BASE, BASE[4]],
        [BASE[1], BASE[0], *BASE[2:]],
    ],
)
def test_every_part_counts(other: list[Record]) -> None:
    assert digest(other) != digest(BASE)


@pytest.mark.parametrize("part", ["held_key", "held_value"])
def test_a_byte_moved_to_the_neighbour_counts(part: str) -> None:
    made = [
        [replace(BASE[0], **{part: one}), replace(BASE[0], **{part: other})]
        for one, other in ((b"ab", b"c"), (b"a", b"bc"), (b"abc", b""), (b"abc", None))
    ]
    assert len({digest(records) for records in made}) == 4


def test_headers_moved_to_the_neighbour_count() -> None:
    header = ("a", b"b")
    made = [
        [replace(BASE[0], held_headers=one), replace(BASE[0], held_headers=other)]
        for one, other in (([header], None), (None, [header]), ([header, header], None))
    ]
    assert len({digest(records) for records in made}) == 3


def test_offsets_do_not_count() -> None:
    assert digest([replace(record, at=record.at + 7) for record in BASE]) == digest(BASE)


def test_times_of_different_clocks_are_left_out() -> None:
    later = [replace(record, time=record.time + 9) for record in BASE]
    assert not columns(BASE).is_same(columns(later))
    assert columns(BASE, timed=False).is_same(columns(later, timed=False))


@PROPERTY
@given(RECORDS, st.integers(0, 12))
def test_the_first_and_the_rest_are_all(records: list[Record], count: int) -> None:
    whole = columns(records)
    first = whole.first(count)
    whole.drop(count)
    assert first.tokens() + whole.tokens() == columns(records).tokens()
    assert (len(first), len(whole)) == (len(records[:count]), len(records[count:]))


@PROPERTY
@given(
    st.lists(st.lists(st.integers(0, 99), max_size=4), max_size=4),
    st.integers(0, 18),
    st.integers(0, 18),
)
def test_runs_of_offsets_are_like_one_list(runs: list[list[int]], dropped: int, count: int) -> None:
    column, copies = OffsetColumn(), []
    for run in runs:
        more = OffsetColumn()
        more.add(run)
        column += more
        copies += run
    column.add(range(5, 8))
    copies += [5, 6, 7]
    column.drop(dropped)
    del copies[:dropped]
    first = column.first(count)
    for made, offsets in ((column, copies), (first, copies[:count])):
        assert [made[at] for at in range(len(offsets))] == offsets
        assert [made[at - len(offsets)] for at in range(len(offsets))] == offsets
        for outside in (len(offsets), -len(offsets) - 1):
            with pytest.raises(IndexError):
                made[outside]


def test_nothing_is_taken_in_of_nothing() -> None:
    some = RecordBatch()
    some.add([])
    assert (len(some), some.tokens()) == (0, [])
