"""Two topics compared, as text for people and JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kanister_kafka.reports.comparison_summary import (
    UNEVEN_MEANS,
    difference_text,
    notes,
    pluralize,
    total_text,
    verdict_text,
)
from kanister_kafka.reports.record_format import (
    NONE,
    format_bytes,
    format_headers,
    format_timestamp,
    message_json,
    timestamp_json,
)
from kanister_kafka.reports.rehearsal import seconds_text
from kanister_kafka.reports.tables import columns, hung
from kanister_kafka.reports.text import escape_control_chars
from kanister_kafka.topics.compare.verdict import evaluate_consistency
from kanister_kafka.topics.model import ComparisonVerdict

if TYPE_CHECKING:
    from kanister_kafka.topics.model import (
        Comparison,
        PartitionBounds,
        PartitionResult,
        RecordPosition,
        UnmatchedRange,
    )

SHORT = 12
"""Characters of a digest that tell two apart."""
FIRST = 3
"""Partitions whose difference is shown; JSON has all."""
KEY, VALUE, HEADERS = 24, 60, 40
"""Places of what is shown of a record."""
ComparisonRow = tuple[str, ...]
COMMON = ("PARTITION", "IN BOTH", "FROM", "UP TO", "OFFSETS IN A", "OFFSETS IN B", "DIGEST")
ENDS = (
    "PARTITION",
    "OLDER IN A",
    "IN B",
    "BETWEEN IN A",
    "IN B",
    "NEWER IN A",
    "IN B",
    "NEWEST OF A",
    "NEWEST OF B",
)
RECORD = ("SIDE", "OFFSET", "TIME", "KEY", "VALUE", "HEADERS")


def comparison_text(found: Comparison, width: int = 0) -> str:
    """Return the verdict, what both have, what only one has, and if they differ first.

    With a width, in places of a terminal, long texts are broken into lines.
    """
    judged = evaluate_consistency(found)

    def lines(text: str) -> str:
        return "".join(f"{line}\n" for line in hung("", text, width))

    verdict = lines(verdict_text(found, judged))
    if judged.verdict is ComparisonVerdict.UNEVEN:
        verdict += lines(UNEVEN_MEANS)
    parts = [
        verdict,
        columns(
            [("A", escape_control_chars(found.a)), ("B", escape_control_chars(found.b))],
            width=width,
        ),
    ]
    if found.partitions:
        parts.append(columns([COMMON, *common_rows(found)], frozenset((0, 1)), width))
        parts.append(columns([ENDS, *ends_rows(found)], frozenset(range(7)), width))
    different = [result for result in found.partitions if result.differs]
    for result in different[:FIRST]:
        title = lines(f"First difference in {difference_text(result)}")
        rows = difference_rows(result)
        parts.append(title + (columns([RECORD, *rows], frozenset((1,)), width) if rows else ""))
    if len(different) > FIRST:
        parts.append(f"{pluralize(len(different) - FIRST, 'more partition')} with a difference.\n")
    parts.append("".join(map(lines, (*notes(found), read_text(found)))))
    return "\n".join(parts)


def read_text(found: Comparison) -> str:
    """Return how much was read and how fast."""
    rate = f", {per_second(found):,} a second" if found.seconds else ""
    return f"Read {pluralize(found.messages, 'record')} in {seconds_text(found.seconds)}{rate}."


def per_second(found: Comparison) -> int:
    """Return how many records were read in a second, on both sides together."""
    return round(found.messages / found.seconds) if found.seconds else 0


def common_rows(found: Comparison) -> Iterator[ComparisonRow]:
    """Yield for each partition, and for all, what both sides have."""
    for result in found.partitions:
        yield (
            str(result.partition),
            f"{result.common:,}",
            _time(result.first_a),
            _time(result.last_a),
            _range(result.first_a, result.last_a),
            _range(result.first_b, result.last_b),
            result.digest[:SHORT] or NONE,
        )
    if len(found.partitions) > 1:
        common = sum(result.common for result in found.partitions)
        yield ("all", f"{common:,}", "", "", "", "", "")


def ends_rows(found: Comparison) -> Iterator[ComparisonRow]:
    """Yield for each partition, and for all, what only one side has, and if each ends."""
    for result in found.partitions:
        yield (
            str(result.partition),
            _number(result.tail_a),
            _number(result.tail_b),
            _number(result.only_a),
            _number(result.only_b),
            _number(result.head_a),
            _number(result.head_b),
            _time(result.a.newest),
            _time(result.b.newest),
        )
    if len(found.partitions) > 1:
        names = ("tail_a", "tail_b", "only_a", "only_b", "head_a", "head_b")
        yield ("all", *(_number(total_text(found, name)) for name in names), "", "")


def difference_rows(result: PartitionResult) -> list[ComparisonRow]:
    """Return the two records, or the one, of the first difference of a partition."""
    found = result.difference
    if found is None:
        return []
    return [
        (
            side,
            str(message.offset),
            format_timestamp(message.time),
            format_bytes(message.key, KEY),
            format_bytes(message.value, VALUE),
            format_headers(message, HEADERS),
        )
        for side, message in (("A", found.a), ("B", found.b))
        if message is not None
    ]


def _time(spot: RecordPosition | None) -> str:
    return format_timestamp(spot.time if spot else None)


def _range(first: RecordPosition | None, last: RecordPosition | None) -> str:
    return f"{first.offset}..{last.offset}" if first and last else NONE


def _number(of: UnmatchedRange | int | None) -> str:
    number = of if isinstance(of, int) else of.count if of else 0
    return f"{number:,}" if number else NONE


def comparison_json(found: Comparison) -> str:
    """Return everything that was found; times as ISO 8601, durations as seconds."""
    return json.dumps(comparison_tree(found), indent=2, ensure_ascii=False) + "\n"


def comparison_tree(found: Comparison) -> dict[str, object]:
    """Return what `comparison_json` spells, for reports that hold several."""
    judged = evaluate_consistency(found)
    names = ("tail", "head", "only")
    return {
        "verdict": judged.verdict.value,
        "passed": judged.passed,
        "says": verdict_text(found, judged),
        "behind": judged.behind.value,
        "unevenSeconds": _seconds(judged.uneven),
        "evenWithinSeconds": _seconds(found.even_within),
        "last": timestamp_json(judged.last),
        "lost": timestamp_json(judged.lost),
        "endsApartSeconds": {"a": _seconds(judged.ends_a), "b": _seconds(judged.ends_b)},
        "a": found.a,
        "b": found.b,
        "timesCompared": found.timed,
        "isolation": found.isolation.value,
        "compacted": found.compacted,
        "sampled": found.sampled or None,
        "inBoth": sum(result.common for result in found.partitions),
        "onlyInA": total_text(found, *(f"{name}_a" for name in names)),
        "onlyInB": total_text(found, *(f"{name}_b" for name in names)),
        "partitionsOnlyInA": list(found.missing_in_b),
        "partitionsOnlyInB": list(found.missing_in_a),
        "seconds": found.seconds,
        "recordsRead": found.messages,
        "recordsPerSecond": per_second(found),
        "partitions": [_partition(result) for result in found.partitions],
        "notes": list(notes(found)),
    }


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _partition(result: PartitionResult) -> dict[str, object]:
    of, difference = result, result.difference
    return {
        "partition": of.partition,
        "differs": of.differs,
        "givenUp": of.given_up,
        "inBoth": of.common,
        "uncommittedInA": of.uncommitted,
        "digest": of.digest or None,
        "a": _side(of.a, (of.first_a, of.last_a), (of.tail_a, of.only_a, of.head_a)),
        "b": _side(of.b, (of.first_b, of.last_b), (of.tail_b, of.only_b, of.head_b)),
        "difference": difference
        and {
            "fault": difference.fault.value,
            "a": difference.a and message_json(difference.a),
            "b": difference.b and message_json(difference.b),
        },
    }


def _side(
    extent: PartitionBounds,
    common: tuple[RecordPosition | None, RecordPosition | None],
    only: tuple[UnmatchedRange | None, int, UnmatchedRange | None],
) -> dict[str, object]:
    tail, between, head = only
    return {
        "earliest": extent.earliest,
        "latest": extent.latest,
        "oldest": _spot(extent.oldest),
        "newest": _spot(extent.newest),
        "timesOf": "broker" if extent.broker_time else "producer",
        "firstInBoth": _spot(common[0]),
        "lastInBoth": _spot(common[1]),
        "onlyOlder": _only(tail),
        "onlyBetween": between,
        "onlyNewer": _only(head),
    }


def _spot(spot: RecordPosition | None) -> dict[str, object] | None:
    if spot is None:
        return None
    return {"offset": spot.offset, "time": timestamp_json(spot.time)}


def _only(only: UnmatchedRange | None) -> dict[str, object] | None:
    if only is None:
        return None
    return {"count": only.count, "first": _spot(only.first), "last": _spot(only.last)}
