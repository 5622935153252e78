"""What a comparison says about a backup: whether all partitions show one moment.

They do, where some moment is not before the newest record of any partition that the side behind
still has, and not after the first that it lacks. Else its head is uneven: some partitions are of a
later time than others, by as much as these two are apart.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from kanister_kafka.topics.model import Comparison, ComparisonVerdict, PartitionResult


class LaggingSide(enum.Enum):
    """Which side lacks what is newest."""

    NEITHER = "neither"
    A = "A"
    B = "B"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyVerdict:
    """What comes of a comparison."""

    verdict: ComparisonVerdict
    behind: LaggingSide
    uneven: int
    """ms by which the newest record that is there is later than the first that is not; 0 where
    there is one moment that all partitions show."""
    last: int | None
    """Time of the newest record, over all partitions, that the side behind has."""
    lost: int | None
    """Time of the first record, over all partitions, that it lacks."""
    ends_a: int | None
    """ms between the newest records of the partitions of A, the earliest and the latest."""
    ends_b: int | None

    @property
    def passed(self) -> bool:
        """Whether what is there is one moment of the other side, or all of it."""
        return self.verdict in (ComparisonVerdict.IDENTICAL, ComparisonVerdict.CONSISTENT)


def evaluate_consistency(found: Comparison) -> ConsistencyVerdict:
    """Judge all partitions together."""
    lacks_a = any(result.head_b is not None for result in found.partitions)
    lacks_b = any(result.head_a is not None for result in found.partitions)
    behind = {
        (False, False): LaggingSide.NEITHER,
        (True, False): LaggingSide.A,
        (False, True): LaggingSide.B,
        (True, True): LaggingSide.BOTH,
    }[lacks_a, lacks_b]
    last, lost = _border(found.partitions, behind)
    uneven = max(0, last - lost) if last is not None and lost is not None else 0
    return ConsistencyVerdict(
        verdict=_verdict(found, behind, uneven),
        behind=behind,
        uneven=uneven,
        last=last,
        lost=lost,
        ends_a=_spread([result.a.newest.time for result in found.partitions if result.a.newest]),
        ends_b=_spread([result.b.newest.time for result in found.partitions if result.b.newest]),
    )


def is_disjoint(found: Comparison) -> bool:
    """Tell whether one side has records, and none of them is on the other.

    An empty side is the beginning of any other: nothing is shown by it, least of all a backup.
    """
    ends = ("tail_a", "tail_b", "head_a", "head_b")
    some = any(getattr(result, end) is not None for result in found.partitions for end in ends)
    return some and not any(result.common for result in found.partitions)


def _verdict(found: Comparison, behind: LaggingSide, uneven: int) -> ComparisonVerdict:
    if found.missing or any(result.differs for result in found.partitions):
        return ComparisonVerdict.DIFFERING
    if any(result.head_a and result.head_b for result in found.partitions):
        return ComparisonVerdict.DIFFERING
    if is_disjoint(found):
        return ComparisonVerdict.DIFFERING
    if behind is LaggingSide.BOTH:  # each lacks what the other has: no moment of either is whole
        return ComparisonVerdict.UNEVEN
    if behind is LaggingSide.NEITHER and not any(r.tail_a or r.tail_b for r in found.partitions):
        return ComparisonVerdict.IDENTICAL
    return ComparisonVerdict.UNEVEN if uneven > found.even_within else ComparisonVerdict.CONSISTENT


def _border(
    results: tuple[PartitionResult, ...], behind: LaggingSide
) -> tuple[int | None, int | None]:
    """Return the time of the newest record that is there and of the first that is not.

    Times of A are taken: those of B may be of another clock.
    """
    last = [result.last_a.time for result in results if result.last_a is not None]
    heads = []
    for result in results:
        heads += [head for head in (result.head_a, result.head_b) if head is not None]
    lost = [head.first.time for head in heads]
    if behind is LaggingSide.NEITHER:
        return max(last, default=None), None
    return max(last, default=None), min(lost, default=None)


def _spread(times: list[int]) -> int | None:
    return max(times) - min(times) if times else None
