"""Whether a backup is consistent: whether one point in time fits all partitions.

It does if some time is not before the newest record of any partition that the side behind has, and
not after the first record that it lacks. Otherwise its head is uneven by the distance of these two.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from kanister_kafka.topics.model import Comparison, ComparisonVerdict, PartitionResult


class LaggingSide(enum.Enum):
    """Which side lacks the newest records."""

    NEITHER = "neither"
    A = "A"
    B = "B"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyVerdict:
    """The verdict on all partitions together."""

    verdict: ComparisonVerdict
    behind: LaggingSide
    uneven: int
    """ms from the first record that is missing to the newest that exists; 0 if one point in time
    fits all partitions."""
    last: int | None
    """Time of the newest record, over all partitions, that the side behind has."""
    lost: int | None
    """Time of the first record, over all partitions, that the side behind lacks."""
    ends_a: int | None
    """ms between the newest records of the partitions of A, the earliest and the latest."""
    ends_b: int | None

    @property
    def passed(self) -> bool:
        """Whether the side behind has one point in time of the other side, or everything."""
        return self.verdict in (ComparisonVerdict.IDENTICAL, ComparisonVerdict.CONSISTENT)


def evaluate_consistency(comparison: Comparison) -> ConsistencyVerdict:
    """Evaluate all partitions together."""
    results = comparison.partitions
    lacks_a = any(result.head_b is not None for result in results)
    lacks_b = any(result.head_a is not None for result in results)
    behind = {
        (False, False): LaggingSide.NEITHER,
        (True, False): LaggingSide.A,
        (False, True): LaggingSide.B,
        (True, True): LaggingSide.BOTH,
    }[lacks_a, lacks_b]
    # Times of A: those of B may be of another clock.
    last = max((result.last_a.time for result in results if result.last_a), default=None)
    lost = _first_lost(results)
    uneven = max(0, last - lost) if last is not None and lost is not None else 0
    return ConsistencyVerdict(
        verdict=_verdict(comparison, behind, uneven),
        behind=behind,
        uneven=uneven,
        last=last,
        lost=lost,
        ends_a=_spread([result.a.newest.time for result in results if result.a.newest]),
        ends_b=_spread([result.b.newest.time for result in results if result.b.newest]),
    )


def is_disjoint(comparison: Comparison) -> bool:
    """Return whether one side has records, and none of them is on the other side.

    An empty side is a prefix of any other, which proves nothing about a backup.
    """
    if any(result.common for result in comparison.partitions):
        return False
    return any(
        result.tail_a or result.tail_b or result.head_a or result.head_b
        for result in comparison.partitions
    )


def _verdict(comparison: Comparison, behind: LaggingSide, uneven: int) -> ComparisonVerdict:
    results = comparison.partitions
    if comparison.missing or any(result.differs for result in results):
        return ComparisonVerdict.DIFFERING
    if any(result.head_a and result.head_b for result in results):
        return ComparisonVerdict.DIFFERING
    if is_disjoint(comparison):
        return ComparisonVerdict.DIFFERING
    if behind is LaggingSide.BOTH:  # each side lacks records, so no point in time of either fits
        return ComparisonVerdict.UNEVEN
    has_tail = any(result.tail_a or result.tail_b for result in results)
    if behind is LaggingSide.NEITHER and not has_tail:
        return ComparisonVerdict.IDENTICAL
    if uneven > comparison.even_within:
        return ComparisonVerdict.UNEVEN
    return ComparisonVerdict.CONSISTENT


def _first_lost(results: Sequence[PartitionResult]) -> int | None:
    times = []
    for result in results:
        for head in (result.head_a, result.head_b):
            if head is not None:
                times.append(head.first.time)
    return min(times, default=None)


def _spread(times: list[int]) -> int | None:
    return max(times) - min(times) if times else None
