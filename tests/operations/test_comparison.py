"""The offsets of a restored Kafka compared with those of its backup."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanister_kafka.operations.backups.model import PartitionOffsets, TopicRetention
from kanister_kafka.operations.clone.comparison import OffsetComparison, compare_offsets

WEEK = TopicRetention("t", 604_800_000, -1, deletes=True)
UNLIMITED = TopicRetention("t", -1, -1, deletes=True)
COMPACTED = TopicRetention("t", 604_800_000, -1, deletes=False)
BY_SIZE = TopicRetention("t", -1, 1000, deletes=True)
Restored = dict[tuple[str, int], tuple[int | None, int]]


def row(partition: int | None, earliest: int | None, latest: int | None) -> PartitionOffsets:
    return PartitionOffsets("t", partition, earliest, latest)


def compare(
    recorded: list[PartitionOffsets], restored: Restored, *topics: TopicRetention
) -> OffsetComparison:
    return compare_offsets(recorded, restored, topics)


def is_passed(result: OffsetComparison) -> bool:
    return not result.faults and not result.unverified


@pytest.mark.parametrize(
    ("restored", "faults", "notes"),
    [
        ({("t", 0): (5, 100)}, [], []),
        ({("t", 0): (5, 99)}, ["partition t-0 ends at 99, and ended at 100"], []),
        ({("t", 0): (5, 112)}, [], ["longer than when its offsets were read: t-0 by 12"]),
        ({("t", 0): (6, 100)}, [], ["begins later: t-0 at 6, not 5"]),
        ({}, ["partition t-0 is not there"], []),
    ],
    ids=["same", "lost", "grew", "begins later", "gone"],
)
def test_a_partition_is_compared_with_the_backup(restored, faults, notes) -> None:
    result = compare([row(0, 5, 100)], restored, WEEK)
    assert result == OffsetComparison(tuple(faults), tuple(notes), (), 1 if restored else 0)


@pytest.mark.parametrize(
    ("offsets", "what"),
    [
        ((100, 100), "is empty, and had 95 records"),
        ((100, 120), "begins at 100: nothing is left of its 95 records"),
        ((120, 120), "is empty, and had 95 records"),
    ],
    ids=["empty", "replaced", "expired"],
)
def test_an_emptied_partition_is_a_fault_if_retention_deletes_nothing(offsets, what) -> None:
    for retention in (UNLIMITED, COMPACTED):
        result = compare([row(0, 5, 100)], {("t", 0): offsets}, retention)
        assert result == OffsetComparison((f"partition t-0 {what}",), (), (), 1)
    result = compare([row(0, 5, 100)], {("t", 0): offsets}, WEEK)
    assert result.faults == ()
    assert result.unverified == (
        "retention may have deleted all records since their offsets were read: "
        f"partition t-0 {what}",
    )
    assert not is_passed(compare_offsets([row(0, 5, 100)], {("t", 0): offsets}, []))


def test_a_partition_that_was_empty_may_be_empty() -> None:
    assert is_passed(compare([row(0, 5, 5)], {("t", 0): (5, 5)}, UNLIMITED))
    assert is_passed(compare([row(0, 5, 5)], {("t", 0): (7, 9)}, UNLIMITED))


@pytest.mark.parametrize("retention", [UNLIMITED, COMPACTED], ids=["unlimited", "compacted"])
def test_a_later_beginning_is_a_fault_if_retention_deletes_nothing(retention) -> None:
    result = compare([row(0, 5, 1000)], {("t", 0): (6, 1000)}, retention)
    assert result.faults == (
        "partition t-0 begins at 6, and began at 5, although the retention of its topic "
        "deletes no records",
    )
    assert result.notes == ()


@pytest.mark.parametrize(
    "topic",
    [
        "app-KSTREAM-AGGREGATE-STATE-STORE-0000000002-repartition",
        "app-KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-0000000006-topic",
        "app-KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-0000000014-topic",
        "app-named-subscription-response-topic",
        "__share_group_state",
    ],
)
@pytest.mark.parametrize("offsets", [(6, 1000), (999, 1000), (1000, 1000), (1200, 1300)])
def test_owners_of_some_topics_delete_their_records_at_once(topic, offsets) -> None:
    recorded = [PartitionOffsets(topic, 0, 5, 1000)]
    deleting = TopicRetention(topic, -1, -1, deletes=True)
    result = compare_offsets(recorded, {(topic, 0): offsets}, [deleting])
    assert (result.faults, result.unverified) == ((), ())
    assert result.notes[-1] == (
        "begins later, in topics of which Kafka or Kafka Streams deletes all records that it "
        f"no longer needs: {topic}-0 at {offsets[0]}, not 5"
    )
    # Kafka Streams sets no limit of time: such a topic is only named like its own.
    limited = TopicRetention(topic, 604_800_000, -1, deletes=True)
    emptied = compare_offsets(recorded, {(topic, 0): (1000, 1000)}, [limited])
    assert is_passed(emptied) is (topic == "__share_group_state")
    assert compare_offsets(recorded, {(topic, 0): (6, 999)}, [deleting]).faults
    # Kafka refuses to delete records of a topic that is only compacted.
    compacted = TopicRetention(topic, -1, -1, deletes=False)
    assert compare_offsets(recorded, {(topic, 0): offsets}, [compacted]).faults
    assert not is_passed(compare_offsets(recorded, {(topic, 0): offsets}, []))


@pytest.mark.parametrize("retention", [WEEK, BY_SIZE], ids=["time", "size"])
def test_a_beginning_that_has_moved_far_is_not_verified(retention) -> None:
    result = compare([row(0, 0, 1_000_000)], {("t", 0): (999_999, 1_000_000)}, retention)
    assert (result.faults, result.notes) == ((), ())
    assert result.unverified == (
        "begins later by more than 10% of its records: t-0 at 999999, not 0",
    )
    assert is_passed(compare([row(0, 0, 100)], {("t", 0): (10, 100)}, retention))
    assert not is_passed(compare([row(0, 0, 100)], {("t", 0): (11, 100)}, retention))


def test_a_later_beginning_is_not_verified_if_the_retention_is_unknown() -> None:
    result = compare([row(0, 0, 1000)], {("t", 0): (1, 1000)})
    assert result.unverified == (
        "begins later, and the backup does not have the retention of its topic: t-0 at 1, not 0",
    )
    assert is_passed(compare([row(0, 0, 1000)], {("t", 0): (0, 1000)}))


def test_unknown_ends_are_not_verified() -> None:
    rows = [row(0, 0, 10), *(row(number, None, None) for number in range(1, 100))]
    restored: Restored = {("t", number): (0, 10) for number in range(100)}
    result = compare(rows, restored, WEEK)
    assert (result.faults, result.notes, result.compared) == ((), (), 1)
    assert result.unverified == (
        "not compared, as the backup does not have their ends: t-1, t-2, t-3, t-4, t-5 and 94 more",
    )


def test_unknown_beginnings_are_not_verified() -> None:
    text = "the beginnings of these are not known, and were not compared: t-0"
    assert compare([row(0, None, 10)], {("t", 0): (0, 10)}, WEEK).unverified == (text,)
    result = compare([row(0, 0, 10)], {("t", 0): (None, 10)}, WEEK)
    assert (result.unverified, result.compared) == ((text,), 1)
    assert compare([row(0, 0, 10)], {("t", 0): (None, 9)}, WEEK).faults


def test_partitions_that_the_backup_does_not_have_are_not_verified() -> None:
    restored: Restored = {("t", 0): (0, 10), ("t", 1): (0, 10), ("u", 0): (0, 0)}
    result = compare([row(0, 0, 10)], restored, WEEK)
    assert result.unverified == ("not compared, as the backup does not have them: t-1, u-0",)


def test_a_backup_without_offsets_is_not_verified() -> None:
    result = compare([], {("t", 0): (0, 10)}, WEEK)
    assert result.unverified == ("no offset was compared: the backup has none",)


# A backup of very many partitions has only the sums of each topic.


@pytest.mark.parametrize(
    "restored",
    [
        {("t", 0): (0, 1000), ("t", 1): (0, 1000)},
        {("t", 0): (0, 1500), ("t", 1): (0, 500)},
        {("t", 0): (0, 2000)},
    ],
    ids=["equal", "another partition has less", "another partition is gone"],
)
def test_sums_verify_no_partition(restored) -> None:
    result = compare([row(None, 0, 2000)], restored, WEEK)
    assert (result.faults, result.notes, result.compared) == ((), (), 0)
    assert result.unverified == (
        "the backup has only the sums of all partitions of these topics, so no partition of them "
        "was compared: t",
    )


@pytest.mark.parametrize(
    ("restored", "fault"),
    [
        ({}, "topic t is not there"),
        (
            {("t", 0): (0, 1999)},
            "topic t, summed over its partitions, ends at 1999, and ended at 2000",
        ),
        (
            {("t", 0): (1000, 1000), ("t", 1): (1000, 1000)},
            "topic t, summed over its partitions, is empty, and had 2000 records",
        ),
        (
            {("t", 0): (1, 2000)},
            "topic t, summed over its partitions, begins at 1, and began at 0, although the "
            "retention of its topic deletes no records",
        ),
    ],
    ids=["gone", "lost", "empty", "begins later"],
)
def test_sums_show_faults(restored, fault) -> None:
    assert compare([row(None, 0, 2000)], restored, UNLIMITED).faults == (fault,)


def test_sums_show_that_the_beginning_has_moved() -> None:
    restored: Restored = {("t", 0): (300, 1000), ("t", 1): (0, 1000)}
    result = compare([row(None, 0, 2000)], restored, WEEK)
    assert "begins later by more than 10% of its records: t at 300, not 0" in result.unverified
    # All that is left of some partitions may be new: sums cannot show a partition without records.
    restored = {("t", 0): (1900, 3000), ("t", 1): (100, 1000)}
    assert compare([row(None, 0, 2000)], restored, WEEK).faults == ()


def test_a_sum_with_an_unknown_beginning_is_not_compared_with_it() -> None:
    restored: Restored = {("t", 0): (None, 1000), ("t", 1): (1000, 1000)}
    result = compare([row(None, 0, 2000)], restored, UNLIMITED)
    assert result.faults == ()
    assert "the beginnings of these are not known, and were not compared: t" in result.unverified


OFFSETS = st.lists(st.integers(0, 40), min_size=2, max_size=2).map(sorted)
RECORDED = st.tuples(OFFSETS, st.booleans(), st.booleans()).map(
    lambda one: (one[0][0] if one[1] else None, one[0][1] if one[2] else None)
)
RESTORED = st.tuples(OFFSETS, st.booleans()).map(
    lambda one: (one[0][0] if one[1] else None, one[0][1])
)


@given(
    st.lists(RECORDED, min_size=1, max_size=3),
    st.dictionaries(st.integers(0, 3), RESTORED, max_size=4),
    st.sampled_from([None, WEEK, UNLIMITED, COMPACTED, BY_SIZE]),
)
def test_nothing_passes_that_lost_more_than_a_tenth_or_was_not_compared(
    rows, partitions, retention
) -> None:
    recorded = [row(number, *offsets) for number, offsets in enumerate(rows)]
    restored: Restored = {("t", number): offsets for number, offsets in partitions.items()}
    if not is_passed(compare(recorded, restored, *((retention,) if retention else ()))):
        return
    assert {one.partition for one in recorded} == {*partitions}
    for one in recorded:
        earliest, latest = restored["t", one.partition or 0]
        assert earliest is not None
        assert one.earliest is not None and one.latest is not None
        if (one.records or 0) > 0:
            kept = min(latest, one.latest) - max(earliest, one.earliest)
            assert kept >= 0.9 * (one.records or 0)
