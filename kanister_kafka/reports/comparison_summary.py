"""What a comparison says, in sentences: the verdict first, and what limits it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kanister_kafka.reports.record_format import format_interval, format_timestamp
from kanister_kafka.reports.text import count_noun
from kanister_kafka.topics.compare.verdict import LaggingSide
from kanister_kafka.topics.model import STRAYS, ComparisonVerdict, DifferenceKind, Isolation

if TYPE_CHECKING:
    from kanister_kafka.topics.compare.verdict import ConsistencyVerdict
    from kanister_kafka.topics.model import Comparison, PartitionResult, UnmatchedRange

UNEVEN_MEANS = (
    "Uneven: the partitions of one side end at different moments, so together they are no state in "
    "which the other side ever was; a consumer may find an effect there without its cause."
)
"""What the verdict means for whoever gets the report."""
OTHER = {LaggingSide.A: "B", LaggingSide.B: "A"}
"""Which side has what the one behind lacks."""


def pluralize(number: int, noun: str) -> str:
    """Return a count that may be long, with its noun: `1,234 records`."""
    return f"{number:,} {count_noun(number, noun).partition(' ')[2]}"


def total_text(found: Comparison, *names: str) -> int:
    """Return how many records only one side has at the named ends of all partitions."""
    ends = (getattr(result, name) for result in found.partitions for name in names)
    return sum(end if isinstance(end, int) else end.count for end in ends if end is not None)


def verdict_text(found: Comparison, judged: ConsistencyVerdict) -> str:
    """Return in one sentence what the two topics are to each other."""
    told = {
        ComparisonVerdict.IDENTICAL: _identical,
        ComparisonVerdict.CONSISTENT: _consistent,
        ComparisonVerdict.UNEVEN: _uneven,
        ComparisonVerdict.DIFFERING: _differing,
    }[judged.verdict](found, judged)
    of = " of" if judged.verdict is ComparisonVerdict.UNEVEN and judged.uneven else ""
    return f"{judged.verdict.value}{of}{' ' if of else ': '}{told}"


def _what(found: Comparison, number: int = 2) -> str:
    return count_noun(number, "key" if found.compacted else "record").partition(" ")[2]


def _identical(found: Comparison, _: ConsistencyVerdict) -> str:
    common = sum(result.common for result in found.partitions)
    partitions = pluralize(len(found.partitions), "partition")
    if not found.partitions:
        return "no partition was compared"
    if not common and not found.sampled:
        return f"both sides are empty in {partitions}"
    those = " that were compared" if found.sampled else ""
    same = "hold the same" if found.compacted else "are the same, in the same order,"
    return f"all {common:,} {_what(found)}{those} {same} on both sides in {partitions}"


def _consistent(found: Comparison, judged: ConsistencyVerdict) -> str:
    tails = _older(found)
    if judged.behind not in OTHER:
        return f"both sides end with the same {_what(found, 1)} in every partition{tails}"
    behind, ahead = judged.behind.value, OTHER[judged.behind]
    of = f"{behind} holds {'what every key of' if found.compacted else 'every record of'} {ahead}"
    has = " held" if found.compacted else ""
    if judged.uneven:
        return (
            f"{of}{has} before {format_timestamp(judged.lost)} in all partitions, and none after "
            f"{format_timestamp(judged.last)}: {format_interval(judged.uneven)} apart, "
            "which counts as even; "
            f"{_newer(found, ahead)}{tails}"
        )
    return (
        f"{of}{has} up to {format_timestamp(judged.last)} in all partitions, and none after; "
        f"{_newer(found, ahead)}{tails}"
    )


def _uneven(found: Comparison, judged: ConsistencyVerdict) -> str:
    if judged.behind not in OTHER:
        newer = f"{_newer(found, 'A')}, {_newer(found, 'B')}"
        size = f"{format_interval(judged.uneven)}: " if judged.uneven else ""
        return f"{size}each side lacks what is newest on the other in some partitions; {newer}"
    behind, ahead = judged.behind.value, OTHER[judged.behind]
    lost, last = _at_lost(found, judged), _at_last(found, judged)
    return (
        f"{format_interval(judged.uneven)}: {behind} lacks records of {ahead} "
        f"from {format_timestamp(judged.lost)} on "
        f"in partition {lost}, and yet holds partition {last} "
        f"up to {format_timestamp(judged.last)}; "
        f"{_newer(found, ahead)}{_older(found)}"
    )


def _at_lost(found: Comparison, judged: ConsistencyVerdict) -> int | None:
    for result in found.partitions:
        for head in (result.head_a, result.head_b):
            if head is not None and head.first.time == judged.lost:
                return result.partition
    return None


def _at_last(found: Comparison, judged: ConsistencyVerdict) -> int | None:
    for result in found.partitions:
        if result.last_a is not None and result.last_a.time == judged.last:
            return result.partition
    return None


def _newer(found: Comparison, side: str) -> str:
    number = total_text(found, f"head_{side.lower()}")
    return f"{number:,} newer {'one is' if number == 1 else 'ones are'} only in {side}"


def _older(found: Comparison) -> str:
    """Return what is at the other end, if anything; retention takes it."""
    if found.sampled:
        return ""
    told = ""
    for side in ("A", "B"):
        number = total_text(found, f"tail_{side.lower()}")
        if number:
            told += f"; {number:,} older {'one is' if number == 1 else 'ones are'} only in {side}"
    return told


def _differing(found: Comparison, _: ConsistencyVerdict) -> str:
    told = []
    wrong = [r for r in found.partitions if r.differs or (r.head_a and r.head_b)]
    if wrong:
        told.append(difference_text(wrong[0]))
    if len(wrong) > 1:
        more = pluralize(len(wrong) - 1, "more partition")
        told.append(f"{more} {'differ' if len(wrong) > 2 else 'differs'}")
    if found.missing:
        told.append(only_one_side(found))
    if not told:
        newer = (_newer(found, side) for side in "AB" if total_text(found, f"head_{side.lower()}"))
        told.append(f"nothing is in both; {'; '.join(newer)}{_older(found)}")
    return "; ".join(told)


def only_one_side(found: Comparison) -> str:
    """Return which partitions only one side has."""
    told = []
    for side, numbers in (("A", found.missing_in_b), ("B", found.missing_in_a)):
        if numbers:
            what = "a partition" if len(numbers) == 1 else "partitions"
            told.append(f"only {side} has {what} {', '.join(map(str, numbers))}")
    return " and ".join(told)


def difference_text(result: PartitionResult) -> str:
    """Return if a partition differs first."""
    found, where = result.difference, f"partition {result.partition}"
    rest = ", and nothing in common was found after it" if result.given_up else ""
    if found is None:
        if result.given_up:
            return f"{where}: nothing in common was found"
        return f"{where}: both sides end with records that the other has not"
    a, b = found.a, found.b
    if found.fault is DifferenceKind.ONLY_A and a is not None:
        return f"{where}: the record at offset {a.offset} of A is not in B{rest}"
    if found.fault is DifferenceKind.ONLY_B and b is not None:
        return f"{where}: the record at offset {b.offset} of B is not in A{rest}"
    if a is not None and b is not None:
        return f"{where}: offset {a.offset} of A is not the same as offset {b.offset} of B{rest}"
    return f"{where}: {found.fault.value}{rest}"


def notes(found: Comparison) -> Iterator[str]:
    """Yield what one has to know to read the figures."""
    if not found.timed:
        yield (
            "Times were not compared, and those of A are shown: on one side they are the brokers', "
            "on the other the producers'."
        )
    if found.compacted:
        yield (
            "A topic is compacted: what each key holds was compared, up to the time to which both "
            "sides have come; what is in both is counted in keys."
        )
    if found.sampled:
        yield f"Compared was only {found.sampled}: what else there is was not read."
    if found.missing:
        told = only_one_side(found)
        yield f"{told[:1].upper()}{told[1:]}: not compared."
    yield from _transactions(found)
    heads = [r for r in found.partitions if _in_doubt(r.head_a) or _in_doubt(r.tail_a)]
    heads += [r for r in found.partitions if _in_doubt(r.head_b) or _in_doubt(r.tail_b)]
    if heads:
        yield (
            "Records that only one side has at an end are counted by offsets: there can be fewer "
            "in a compacted topic or with transactions."
        )
    yield f"A head counts as even within {format_interval(found.even_within)}."


def _transactions(found: Comparison) -> Iterator[str]:
    """Yield which records of transactions were read, if that is not the usual."""
    if found.isolation is Isolation.UNCOMMITTED:
        yield (
            "Records of aborted and of open transactions were compared too (--isolation "
            f"{found.isolation.value})."
        )
    number = sum(result.uncommitted for result in found.partitions)
    if not number:
        return
    least = "at least " if any(r.uncommitted >= STRAYS for r in found.partitions) else ""
    yield (
        f"Of the records that only B has, {least}{number:,} {'is' if number == 1 else 'are'} in A "
        "in transactions that were aborted or are open: B was filled by a consumer that reads "
        "these too. With --isolation read_uncommitted both sides are compared so. MirrorMaker 2 "
        "leaves them out if its source connector has consumer.isolation.level: read_committed."
    )


def _in_doubt(only: UnmatchedRange | None) -> bool:
    return only is not None and only.count > 1
