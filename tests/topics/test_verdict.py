"""What a comparison of some partitions says about a backup."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kanister_kafka.topics.compare.verdict import LaggingSide, evaluate_consistency
from kanister_kafka.topics.model import Comparison, ComparisonVerdict, PartitionResult
from tests.topics.record_factory import START, log, paired

LOG = log(1000)
"""A record every 10 ms."""


def comparison_of(*sides: tuple[tuple[int, int], tuple[int, int]], **more: object) -> Comparison:
    """Return a comparison of partitions that hold LOG from here to there."""
    results = tuple(
        replace(paired(LOG[a[0] : a[1]], LOG[b[0] : b[1]])[0], partition=number)
        for number, (a, b) in enumerate(sides)
    )
    return comparison(results, **more)


def comparison(results: tuple[PartitionResult, ...], **more: object) -> Comparison:
    plain = Comparison(
        a="a/t", b="b/t", partitions=results, timed=True, compacted=False, even_within=1000
    )
    return replace(plain, **more)  # type: ignore[arg-type]


ALL = (0, 1000)
NONE = (0, 0)
TABLE = {
    "the same": (
        comparison_of((ALL, ALL), (ALL, ALL)),
        ComparisonVerdict.IDENTICAL,
        LaggingSide.NEITHER,
        0,
    ),
    "empty": (comparison_of((NONE, NONE)), ComparisonVerdict.IDENTICAL, LaggingSide.NEITHER, 0),
    "no partition": (comparison_of(), ComparisonVerdict.IDENTICAL, LaggingSide.NEITHER, 0),
    "shorter tail": (
        comparison_of((ALL, (300, 1000))),
        ComparisonVerdict.CONSISTENT,
        LaggingSide.NEITHER,
        0,
    ),
    "cold": (
        comparison_of((ALL, (0, 700)), (ALL, (0, 700))),
        ComparisonVerdict.CONSISTENT,
        LaggingSide.B,
        0,
    ),
    "cold, one in step": (
        comparison_of(((0, 700), (0, 700)), (ALL, (0, 700))),
        *(ComparisonVerdict.CONSISTENT, LaggingSide.B, 0),
    ),
    "hot": (
        comparison_of((ALL, (0, 700)), (ALL, (0, 400))),
        ComparisonVerdict.UNEVEN,
        LaggingSide.B,
        2990,
    ),
    "hot, within a moment": (
        comparison_of((ALL, (0, 700)), (ALL, (0, 601))),
        *(ComparisonVerdict.CONSISTENT, LaggingSide.B, 980),
    ),
    "hot, just within": (
        comparison_of((ALL, (0, 700)), (ALL, (0, 599))),
        *(ComparisonVerdict.CONSISTENT, LaggingSide.B, 1000),
    ),
    "hot, just beyond": (
        comparison_of((ALL, (0, 700)), (ALL, (0, 598))),
        *(ComparisonVerdict.UNEVEN, LaggingSide.B, 1010),
    ),
    "hot, one whole": (
        comparison_of((ALL, ALL), (ALL, (0, 400))),
        ComparisonVerdict.UNEVEN,
        LaggingSide.B,
        5990,
    ),
    "A behind": (
        comparison_of(((0, 700), ALL), ((0, 690), ALL)),
        ComparisonVerdict.CONSISTENT,
        LaggingSide.A,
        90,
    ),
    "A behind, hot": (
        comparison_of(((0, 700), ALL), ((0, 90), ALL)),
        ComparisonVerdict.UNEVEN,
        LaggingSide.A,
        6090,
    ),
    "both behind": (
        comparison_of(((0, 700), ALL), (ALL, (0, 700))),
        ComparisonVerdict.UNEVEN,
        LaggingSide.BOTH,
        0,
    ),
    "both behind, by little": (
        comparison_of(((0, 700), (0, 701)), ((0, 701), (0, 700))),
        *(ComparisonVerdict.UNEVEN, LaggingSide.BOTH, 0),
    ),
    "nothing of one partition": (
        comparison_of((ALL, ALL), (ALL, NONE)),
        ComparisonVerdict.UNEVEN,
        LaggingSide.B,
        9990,
    ),
    "nothing at all": (
        comparison_of((ALL, NONE), (ALL, NONE)),
        ComparisonVerdict.DIFFERING,
        LaggingSide.B,
        0,
    ),
    "nothing in either": (
        comparison_of((NONE, NONE), (NONE, NONE)),
        ComparisonVerdict.IDENTICAL,
        LaggingSide.NEITHER,
        0,
    ),
    "in A alone": (
        comparison_of((ALL, ALL), missing_in_b=(3,)),
        ComparisonVerdict.DIFFERING,
        LaggingSide.NEITHER,
        0,
    ),
    "in B alone": (
        comparison_of((ALL, ALL), missing_in_a=(3,)),
        ComparisonVerdict.DIFFERING,
        LaggingSide.NEITHER,
        0,
    ),
    "nothing in common": (
        comparison_of(((0, 400), (500, 900))),
        ComparisonVerdict.DIFFERING,
        LaggingSide.NEITHER,
        0,
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_verdicts(name: str) -> None:
    compared, verdict, behind, uneven = TABLE[name]
    judged = evaluate_consistency(compared)
    assert (judged.verdict, judged.behind, judged.uneven) == (verdict, behind, uneven)
    assert judged.passed == (verdict in (ComparisonVerdict.IDENTICAL, ComparisonVerdict.CONSISTENT))


def test_one_difference_is_enough() -> None:
    touched = [*LOG[:500], replace(LOG[500], held_value=b"!"), *LOG[501:]]
    same = paired(LOG, LOG)[0]
    assert (
        evaluate_consistency(comparison((same, paired(LOG, touched)[0]))).verdict
        is ComparisonVerdict.DIFFERING
    )


def test_how_even_is_even_is_asked_for() -> None:
    hot = TABLE["hot"][0]
    assert (
        evaluate_consistency(replace(hot, even_within=2990)).verdict is ComparisonVerdict.CONSISTENT
    )
    assert evaluate_consistency(replace(hot, even_within=2989)).verdict is ComparisonVerdict.UNEVEN


def test_the_border_and_the_ends_are_reported() -> None:
    judged = evaluate_consistency(TABLE["hot"][0])
    assert (judged.last, judged.lost) == (START + 6990, START + 4000)
    assert (judged.ends_a, judged.ends_b) == (0, 3000)
    judged = evaluate_consistency(TABLE["the same"][0])
    assert (judged.last, judged.lost) == (START + 9990, None)
    judged = evaluate_consistency(TABLE["empty"][0])
    assert (judged.last, judged.ends_a, judged.ends_b) == (None, None, None)
