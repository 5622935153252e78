"""Two topics compared, as text for people and JSON for machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kanister_kafka.durations import format_seconds
from kanister_kafka.reports.comparison_summary import (
    UNEVEN_MEANS,
    difference_text,
    notes,
    pluralize,
    total_text,
    verdict_text,
)
from kanister_kafka.reports.text import (
    NONE,
    columns,
    escape_control_chars,
    format_bytes,
    format_headers,
    format_json,
    format_record_time,
    hung,
    message_json,
    timestamp_json,
)
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
"""Characters of a digest that are shown."""
FIRST = 3
"""Partitions whose difference is shown; JSON has all."""
KEY = 24
VALUE = 60
HEADERS = 40
"""Columns of a terminal for a key, a value and headers."""
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


def comparison_text(comparison: Comparison, width: int = 0) -> str:
    """Return the verdict, the common records, the records of one side, and the first differences.

    `width` in columns of a terminal breaks long texts into lines.
    """
    consistency = evaluate_consistency(comparison)

    def lines(text: str) -> str:
        return "".join(f"{line}\n" for line in hung("", text, width))

    verdict = lines(verdict_text(comparison, consistency))
    if consistency.verdict is ComparisonVerdict.UNEVEN:
        verdict += lines(UNEVEN_MEANS)
    parts = [
        verdict,
        columns(
            [("A", escape_control_chars(comparison.a)), ("B", escape_control_chars(comparison.b))],
            width=width,
        ),
    ]
    if comparison.partitions:
        parts.append(columns([COMMON, *common_rows(comparison)], frozenset((0, 1)), width))
        parts.append(columns([ENDS, *ends_rows(comparison)], frozenset(range(7)), width))
    different = [result for result in comparison.partitions if result.differs]
    for result in different[:FIRST]:
        title = lines(f"First difference in {difference_text(result)}")
        rows = difference_rows(result)
        parts.append(title + (columns([RECORD, *rows], frozenset((1,)), width) if rows else ""))
    if len(different) > FIRST:
        parts.append(f"{pluralize(len(different) - FIRST, 'more partition')} with a difference.\n")
    parts.append("".join(map(lines, notes(comparison))) + lines(read_text(comparison)))
    return "\n".join(parts)


def read_text(comparison: Comparison) -> str:
    """Return how many records were read, and the rate."""
    rate = f", {per_second(comparison):,} a second" if comparison.seconds else ""
    took = format_seconds(comparison.seconds)
    return f"Read {pluralize(comparison.messages, 'record')} in {took}{rate}."


def per_second(comparison: Comparison) -> int:
    """Return the records of both sides that were read in a second."""
    return round(comparison.messages / comparison.seconds) if comparison.seconds else 0


def common_rows(comparison: Comparison) -> Iterator[ComparisonRow]:
    """Yield the common records of each partition, and of all."""
    for result in comparison.partitions:
        yield (
            str(result.partition),
            f"{result.common:,}",
            _time(result.first_a),
            _time(result.last_a),
            _range(result.first_a, result.last_a),
            _range(result.first_b, result.last_b),
            result.digest[:SHORT] or NONE,
        )
    if len(comparison.partitions) > 1:
        common = sum(result.common for result in comparison.partitions)
        yield ("all", f"{common:,}", "", "", "", "", "")


def ends_rows(comparison: Comparison) -> Iterator[ComparisonRow]:
    """Yield the records of one side only for each partition and for all, and the ends."""
    for result in comparison.partitions:
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
    if len(comparison.partitions) > 1:
        row = ["all"]
        for name in ("tail_a", "tail_b", "only_a", "only_b", "head_a", "head_b"):
            row.append(_number(total_text(comparison, name)))
        yield (*row, "", "")


def difference_rows(result: PartitionResult) -> list[ComparisonRow]:
    """Return the two records, or the one, of the first difference of a partition."""
    difference = result.difference
    if difference is None:
        return []
    return [
        (
            side,
            str(message.offset),
            format_record_time(message.time),
            format_bytes(message.key, KEY),
            format_bytes(message.value, VALUE),
            format_headers(message, HEADERS),
        )
        for side, message in (("A", difference.a), ("B", difference.b))
        if message is not None
    ]


def _time(position: RecordPosition | None) -> str:
    return format_record_time(position.time if position else None)


def _range(first: RecordPosition | None, last: RecordPosition | None) -> str:
    return f"{first.offset}..{last.offset}" if first and last else NONE


def _number(of: UnmatchedRange | int | None) -> str:
    number = of if isinstance(of, int) else of.count if of else 0
    return f"{number:,}" if number else NONE


def comparison_json(comparison: Comparison) -> str:
    """Return everything; times as ISO 8601, durations as seconds."""
    return format_json(comparison_tree(comparison))


def comparison_tree(comparison: Comparison) -> dict[str, object]:
    """Return the data of `comparison_json` for reports that hold several."""
    consistency = evaluate_consistency(comparison)
    names = ("tail", "head", "only")
    return {
        "verdict": consistency.verdict.value,
        "passed": consistency.passed,
        "says": verdict_text(comparison, consistency),
        "behind": consistency.behind.value,
        "unevenSeconds": _seconds(consistency.uneven),
        "evenWithinSeconds": _seconds(comparison.even_within),
        "last": timestamp_json(consistency.last),
        "lost": timestamp_json(consistency.lost),
        "endsApartSeconds": {"a": _seconds(consistency.ends_a), "b": _seconds(consistency.ends_b)},
        "a": comparison.a,
        "b": comparison.b,
        "timesCompared": comparison.timed,
        "isolation": comparison.isolation.value,
        "compacted": comparison.compacted,
        "sampled": comparison.sampled or None,
        "inBoth": sum(result.common for result in comparison.partitions),
        "onlyInA": total_text(comparison, *(f"{name}_a" for name in names)),
        "onlyInB": total_text(comparison, *(f"{name}_b" for name in names)),
        "partitionsOnlyInA": list(comparison.missing_in_b),
        "partitionsOnlyInB": list(comparison.missing_in_a),
        "seconds": comparison.seconds,
        "recordsRead": comparison.messages,
        "recordsPerSecond": per_second(comparison),
        "partitions": [_partition(result) for result in comparison.partitions],
        "notes": list(notes(comparison)),
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
        "digestOf": of.digest_of.value if of.digest else None,
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
        "oldest": _position_json(extent.oldest),
        "newest": _position_json(extent.newest),
        "timesOf": "broker" if extent.broker_time else "producer",
        "firstInBoth": _position_json(common[0]),
        "lastInBoth": _position_json(common[1]),
        "onlyOlder": _only(tail),
        "onlyBetween": between,
        "onlyNewer": _only(head),
    }


def _position_json(position: RecordPosition | None) -> dict[str, object] | None:
    if position is None:
        return None
    return {"offset": position.offset, "time": timestamp_json(position.time)}


def _only(only: UnmatchedRange | None) -> dict[str, object] | None:
    if only is None:
        return None
    return {
        "count": only.count,
        "first": _position_json(only.first),
        "last": _position_json(only.last),
    }
