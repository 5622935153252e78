"""A comparison in sentences: the verdict, and its limits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

from kanister_kafka.durations import format_milliseconds
from kanister_kafka.reports.text import count_noun, format_record_time
from kanister_kafka.topics.compare.verdict import LaggingSide
from kanister_kafka.topics.model import STRAYS, ComparisonVerdict, DifferenceKind, Isolation

if TYPE_CHECKING:
    from kanister_kafka.topics.compare.verdict import ConsistencyVerdict
    from kanister_kafka.topics.model import Comparison, PartitionResult, UnmatchedRange

UNEVEN_MEANS = (
    "Uneven: the partitions of one side end at different times, so together they do not show any "
    "state of the other side. A consumer can find an effect there without its cause."
)
"""The meaning of the verdict for readers of the report."""
OTHER = {LaggingSide.A: "B", LaggingSide.B: "A"}
"""The side that is ahead."""


def pluralize(number: int, noun: str) -> str:
    """Return a count that may be long, with its noun: `1,234 records`."""
    return f"{number:,} {count_noun(number, noun).partition(' ')[2]}"


def total_text(comparison: Comparison, *names: str) -> int:
    """Return how many records only one side has at the named ends of all partitions."""
    total = 0
    for result, name in product(comparison.partitions, names):
        end = getattr(result, name)
        if isinstance(end, int):
            total += end
        elif end is not None:
            total += end.count
    return total


def verdict_text(comparison: Comparison, verdict: ConsistencyVerdict) -> str:
    """Return the verdict in one sentence."""
    text = {
        ComparisonVerdict.IDENTICAL: _identical,
        ComparisonVerdict.CONSISTENT: _consistent,
        ComparisonVerdict.UNEVEN: _uneven,
        ComparisonVerdict.DIFFERING: _differing,
    }[verdict.verdict](comparison, verdict)
    of = " of" if verdict.verdict is ComparisonVerdict.UNEVEN and verdict.uneven else ""
    return f"{verdict.verdict.value}{of}{' ' if of else ': '}{text}"


def _what(comparison: Comparison, number: int = 2) -> str:
    return count_noun(number, "key" if comparison.compacted else "record").partition(" ")[2]


def _identical(comparison: Comparison, _: ConsistencyVerdict) -> str:
    common = sum(result.common for result in comparison.partitions)
    partitions = pluralize(len(comparison.partitions), "partition")
    if not comparison.partitions:
        return "no partition was compared"
    if not common and not comparison.sampled:
        return f"both sides are empty in {partitions}"
    those = " that were compared" if comparison.sampled else ""
    same = "hold the same" if comparison.compacted else "are the same, in the same order,"
    return f"all {common:,} {_what(comparison)}{those} {same} on both sides in {partitions}"


def _consistent(comparison: Comparison, verdict: ConsistencyVerdict) -> str:
    tails = _older(comparison)
    if verdict.behind not in OTHER:
        return f"both sides end with the same {_what(comparison, 1)} in every partition{tails}"
    behind = verdict.behind.value
    ahead = OTHER[verdict.behind]
    records = "what every key of" if comparison.compacted else "every record of"
    of = f"{behind} holds {records} {ahead}"
    if not comparison.sampled and total_text(comparison, f"tail_{ahead.lower()}"):
        of = f"from the first common records on, {of}"
    has = " held" if comparison.compacted else ""
    if verdict.uneven:
        return (
            f"{of}{has} before {format_record_time(verdict.lost)} in all partitions, and none "
            f"after {format_record_time(verdict.last)}: "
            f"{format_milliseconds(verdict.uneven)} apart, which counts as even; "
            f"{_newer(comparison, ahead)}{tails}"
        )
    return (
        f"{of}{has} up to {format_record_time(verdict.last)} in all partitions, and none after; "
        f"{_newer(comparison, ahead)}{tails}"
    )


def _uneven(comparison: Comparison, verdict: ConsistencyVerdict) -> str:
    if verdict.behind not in OTHER:
        newer = f"{_newer(comparison, 'A')}, {_newer(comparison, 'B')}"
        size = f"{format_milliseconds(verdict.uneven)}: " if verdict.uneven else ""
        return f"{size}each side lacks what is newest on the other in some partitions; {newer}"
    behind = verdict.behind.value
    ahead = OTHER[verdict.behind]
    lost = _at_lost(comparison, verdict)
    last = _at_last(comparison, verdict)
    return (
        f"{format_milliseconds(verdict.uneven)}: {behind} lacks records of {ahead} "
        f"from {format_record_time(verdict.lost)} on "
        f"in partition {lost}, and yet holds partition {last} "
        f"up to {format_record_time(verdict.last)}; "
        f"{_newer(comparison, ahead)}{_older(comparison)}"
    )


def _at_lost(comparison: Comparison, verdict: ConsistencyVerdict) -> int | None:
    for result in comparison.partitions:
        for head in (result.head_a, result.head_b):
            if head is not None and head.first.time == verdict.lost:
                return result.partition
    return None


def _at_last(comparison: Comparison, verdict: ConsistencyVerdict) -> int | None:
    for result in comparison.partitions:
        if result.last_a is not None and result.last_a.time == verdict.last:
            return result.partition
    return None


def _newer(comparison: Comparison, side: str) -> str:
    number = total_text(comparison, f"head_{side.lower()}")
    return f"{number:,} newer {'one is' if number == 1 else 'ones are'} only in {side}"


def _older(comparison: Comparison) -> str:
    """Return the number of records of each side that are older than all common ones."""
    if comparison.sampled:
        return ""
    texts = ""
    for side in ("A", "B"):
        number = total_text(comparison, f"tail_{side.lower()}")
        if number:
            texts += f"; {number:,} older {'one is' if number == 1 else 'ones are'} only in {side}"
    return texts


def _differing(comparison: Comparison, _: ConsistencyVerdict) -> str:
    texts = []
    wrong = [r for r in comparison.partitions if r.differs or (r.head_a and r.head_b)]
    if wrong:
        texts.append(difference_text(wrong[0]))
    if len(wrong) > 1:
        more = pluralize(len(wrong) - 1, "more partition")
        texts.append(f"{more} {'differ' if len(wrong) > 2 else 'differs'}")
    if comparison.missing:
        texts.append(only_one_side(comparison))
    if not texts:
        newer = (
            _newer(comparison, side)
            for side in "AB"
            if total_text(comparison, f"head_{side.lower()}")
        )
        texts.append(f"nothing is in both; {'; '.join(newer)}{_older(comparison)}")
    return "; ".join(texts)


def only_one_side(comparison: Comparison) -> str:
    """Return the partitions that only one side has."""
    texts = []
    for side, numbers in (("A", comparison.missing_in_b), ("B", comparison.missing_in_a)):
        if numbers:
            what = "a partition" if len(numbers) == 1 else "partitions"
            texts.append(f"only {side} has {what} {', '.join(map(str, numbers))}")
    return " and ".join(texts)


def difference_text(result: PartitionResult) -> str:
    """Return the place of the first difference of a partition."""
    difference = result.difference
    where = f"partition {result.partition}"
    rest = ", and nothing in common was found after it" if result.given_up else ""
    if difference is None:
        if result.given_up:
            return f"{where}: nothing in common was found"
        return f"{where}: both sides end with records that the other has not"
    a = difference.a
    b = difference.b
    if difference.fault is DifferenceKind.ONLY_A and a is not None:
        return f"{where}: the record at offset {a.offset} of A is not in B{rest}"
    if difference.fault is DifferenceKind.ONLY_B and b is not None:
        return f"{where}: the record at offset {b.offset} of B is not in A{rest}"
    if a is not None and b is not None:
        return f"{where}: offset {a.offset} of A is not the same as offset {b.offset} of B{rest}"
    return f"{where}: {difference.fault.value}{rest}"


def notes(comparison: Comparison) -> Iterator[str]:
    """Yield explanations of the figures."""
    if not comparison.timed:
        yield (
            "Times were not compared, and those of A are shown: on one side they are the brokers', "
            "on the other the producers'."
        )
    if comparison.compacted:
        yield (
            "A topic is compacted: what each key holds was compared, up to the time to which both "
            "sides have come; what is in both is counted in keys."
        )
    if comparison.sampled:
        yield f"Only a part was compared: {comparison.sampled}. Other records were not read."
    if comparison.missing:
        texts = only_one_side(comparison)
        yield f"{texts[:1].upper()}{texts[1:]}: not compared."
    if comparison.decoded_for:
        yield (
            "All records were decoded, because the client that reads record batches does not "
            f"support the property {comparison.decoded_for}: copies of one log are compared more "
            "slowly."
        )
    yield from _transactions(comparison)
    heads = [r for r in comparison.partitions if _in_doubt(r.head_a) or _in_doubt(r.tail_a)]
    heads += [r for r in comparison.partitions if _in_doubt(r.head_b) or _in_doubt(r.tail_b)]
    if heads:
        yield (
            "Records that only one side has at an end are counted by offsets: there can be fewer "
            "in a compacted topic or with transactions."
        )
    yield f"A head counts as even within {format_milliseconds(comparison.even_within)}."


def _transactions(comparison: Comparison) -> Iterator[str]:
    """Yield which records of transactions were read, if not the default."""
    if comparison.isolation is Isolation.UNCOMMITTED:
        yield (
            "Records of aborted and of open transactions were compared too (--isolation "
            f"{comparison.isolation.value})."
        )
    number = sum(result.uncommitted for result in comparison.partitions)
    if not number:
        return
    least = "at least " if any(r.uncommitted >= STRAYS for r in comparison.partitions) else ""
    yield (
        f"Of the records that only B has, {least}{number:,} {'is' if number == 1 else 'are'} in A "
        "in transactions that were aborted or are open: B was filled by a consumer that reads "
        "these too. With --isolation read_uncommitted both sides are compared so. MirrorMaker 2 "
        "leaves them out if its source connector has consumer.isolation.level: read_committed."
    )


def _in_doubt(only: UnmatchedRange | None) -> bool:
    return only is not None and only.count > 1
