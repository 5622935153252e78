"""Sizes, rates and last records of topics, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kanister_kafka.diagnostics import Location, error
from kanister_kafka.durations import format_seconds
from kanister_kafka.errors import InputError
from kanister_kafka.reports.text import (
    columns,
    display_width,
    escape_control_chars,
    format_bytes,
    format_headers,
    format_json,
    format_record_time,
    hung,
    message_json,
    pad,
    timestamp_json,
    truncate,
)

if TYPE_CHECKING:
    from kanister_kafka.topics.model import (
        LogDigest,
        PartitionRate,
        PartitionSize,
        TailRecords,
        TopicRates,
        TopicRecord,
        TopicSizes,
    )

BY_OFFSETS = (
    "Counts are by offsets: there can be fewer records in a compacted topic or with transactions."
)
CELL = 18
"""Least columns of a terminal for each partition, if partitions are side by side."""
LEAST = 8
"""Least columns of a terminal for a key, a value or headers."""
LONGEST = 200
"""Most columns of a terminal for a value."""
DIGEST = 16
"""Characters of a digest that are shown."""
SEPARATOR = "  "
TopicRow = tuple[str, ...]


def rate_text(per_second: float) -> str:
    """Return a rate with three digits at least: `0.25`, `3.33`, `45.2`, `1,234`."""
    if per_second >= 100 or per_second == 0:
        return f"{per_second:,.0f}"
    return f"{per_second:.1f}" if per_second >= 10 else f"{per_second:.2f}"


def _records(number: int, which: str = "") -> str:
    return f"{number:,} {which}{'record' if number == 1 else 'records'}"


def _by_topic(names: Iterable[str]) -> tuple[str, ...]:
    """Return each name once, in the order of the first."""
    return tuple(dict.fromkeys(names))


def rates_text(rates: TopicRates, width: int = 0) -> str:
    """Return the rates of all partitions, with a sum for each topic.

    `width` in columns of a terminal breaks long names into lines.
    """

    def row(topic: str, partition: str, flows: Sequence[PartitionRate]) -> TopicRow:
        messages = sum(flow.messages for flow in flows)
        per_second = rate_text(sum(flow.per_second for flow in flows))
        return (escape_control_chars(topic), partition, f"{messages:,}", per_second)

    rows: list[TopicRow] = [("TOPIC", "PARTITION", "RECORDS", "PER SECOND")]
    topics = _by_topic(flow.topic for flow in rates.flows)
    for topic in topics:
        flows = [flow for flow in rates.flows if flow.topic == topic]
        rows += [row("" if i else topic, str(f.partition), [f]) for i, f in enumerate(flows)]
        rows.append(row("", "all", flows))
    if len(topics) != 1:
        rows.append(row("all", "", rates.flows))
    number = sum(flow.messages for flow in rates.flows)
    cluster = escape_control_chars(rates.cluster)
    summary = f"{cluster}: {_records(number, 'new ')} in {format_seconds(rates.seconds)}"
    head = "\n".join(hung("", summary, width))
    return f"{head}\n\n{columns(rows, frozenset((1, 2, 3)), width)}"


def totals_text(totals: TopicSizes, width: int = 0) -> str:
    """Return the sizes of all partitions, with a sum for each topic.

    `width` in columns of a terminal breaks long names into lines.
    """

    def row(topic: str, partition: str, sizes: Sequence[PartitionSize]) -> TopicRow:
        is_sum = not partition.isdigit()
        newest = max((size.newest for size in sizes if size.newest is not None), default=None)
        return (
            escape_control_chars(topic),
            partition,
            "" if is_sum else str(sizes[0].earliest),
            "" if is_sum else str(sizes[0].latest),
            f"{sum(size.count for size in sizes):,}",
            format_record_time(newest),
            *digests(sizes),
        )

    def digests(sizes: Sequence[PartitionSize]) -> TopicRow:
        if not titles:
            return ()
        if len(sizes) == 1 and sizes[0].expected is None:
            digest = sizes[0].digest
            return (digest.sha256[:DIGEST] if digest else "",)
        equal = [size.matches for size in sizes if size.matches is not None]
        return ("" if not equal else "yes" if all(equal) else "no",)

    titles: TopicRow = ()
    if any(size.expected for size in totals.held):
        titles = ("SAME",)
    elif any(size.digest for size in totals.held):
        titles = ("DIGEST",)
    rows: list[TopicRow] = [
        ("TOPIC", "PARTITION", "EARLIEST", "LATEST", "RECORDS", "NEWEST", *titles)
    ]
    topics = _by_topic(size.topic for size in totals.held)
    for topic in topics:
        sizes = [size for size in totals.held if size.topic == topic]
        rows += [row("" if i else topic, str(s.partition), [s]) for i, s in enumerate(sizes)]
        rows.append(row("", "all", sizes))
    if len(topics) != 1:
        rows.append(row("all", "", totals.held))
    table = columns(rows, frozenset((1, 2, 3, 4)), width)
    number = sum(size.count for size in totals.held)
    summary = f"{escape_control_chars(totals.cluster)}: {_records(number)}"
    head = "\n".join(hung("", summary, width))
    foot = "\n".join(hung("", BY_OFFSETS, width))
    return f"{head}\n\n{table}\n{foot}\n"


def last_text(last: TailRecords, width: int) -> str:
    """Return the last records in time order, partitions side by side if the width allows it."""
    page = f", page {last.page}" if last.page > 1 else ""
    head = (
        f"{escape_control_chars(last.topic)} of {escape_control_chars(last.cluster)}: "
        f"up to {last.per_partition} records "
        f"of each partition{page}\n\n"
    )
    if not last.messages:
        return f"{head}There are none.\n"
    time = max(display_width(format_record_time(message.time)) for message in last.messages)
    cell = (width - time) // max(1, len(last.partitions)) - len(SEPARATOR)
    return head + (_grid(last, time, cell) if cell >= CELL else _list(last, width))


def _grid(last: TailRecords, time: int, cell: int) -> str:
    """Return a column for each partition, and in it each record at its own time."""
    titles = [f"PARTITION {partition}" for partition in last.partitions]
    rows: list[list[str]] = [["TIME", *titles]]
    for message in last.messages:
        for number, line in enumerate(_cell(message, cell)):
            row = ["" if number else format_record_time(message.time), *[""] * len(last.partitions)]
            row[1 + last.partitions.index(message.partition)] = line
            rows.append(row)
    widths = [time, *[cell] * len(last.partitions)]
    lines = (SEPARATOR.join(map(pad, row, widths)).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines)


def _cell(message: TopicRecord, width: int) -> Iterator[str]:
    """Yield the lines of a record: offset and key, value, headers."""
    offset = f"{message.offset} "
    yield truncate(f"{offset}{format_bytes(message.key, max(LEAST, width - len(offset)))}", width)
    yield format_bytes(message.value, width)
    if message.headers:
        yield format_headers(message, width)


def _list(last: TailRecords, width: int) -> str:
    """Return a line for each record; key, value and headers share the remaining width."""
    header = ("TIME", "PARTITION", "OFFSET", "KEY", "VALUE", "HEADERS")
    places = [(format_record_time(m.time), str(m.partition), str(m.offset)) for m in last.messages]
    fixed = columns([header[:3], *places], frozenset((1, 2))).splitlines()
    rest = width - max(map(len, fixed)) - 9
    keys = [format_bytes(m.key, max(LEAST, rest // 4)) for m in last.messages]
    headers = [format_headers(m, max(LEAST, rest // 3)) for m in last.messages]
    used = max(len("KEY"), *map(display_width, keys)) + max(map(display_width, headers))
    values = [format_bytes(m.value, max(LEAST, min(LONGEST, rest - used))) for m in last.messages]
    rows: list[TopicRow] = [header]
    for position, key, value, text in zip(places, keys, values, headers, strict=True):
        rows.append((*position, key, value, text))
    if not any(headers):
        rows = [row[:5] for row in rows]
    return columns(rows, frozenset((1, 2)))


def rates_json(rates: TopicRates) -> str:
    """Return the rates of topics as JSON."""
    tree = {
        "cluster": rates.cluster,
        "seconds": round(rates.seconds, 3),
        "records": sum(flow.messages for flow in rates.flows),
        "perSecond": round(sum(flow.per_second for flow in rates.flows), 3),
        "partitions": [
            {
                "topic": flow.topic,
                "partition": flow.partition,
                "records": flow.messages,
                "perSecond": round(flow.per_second, 3),
            }
            for flow in rates.flows
        ],
    }
    return format_json(tree)


def totals_json(totals: TopicSizes) -> str:
    """Return the sizes of topics as JSON."""
    tree: dict[str, object] = {
        "cluster": totals.cluster,
        "records": sum(one.count for one in totals.held),
    }
    if any(one.expected for one in totals.held):
        tree["matches"] = all(one.matches is not False for one in totals.held)
    tree["partitions"] = [_size_json(one) for one in totals.held]
    return format_json(tree)


def _size_json(size: PartitionSize) -> dict[str, object]:
    tree: dict[str, object] = {
        "topic": size.topic,
        "partition": size.partition,
        "earliest": size.earliest,
        "latest": size.latest,
        "records": size.count,
        "newest": timestamp_json(size.newest),
    }
    if size.digest or size.expected:
        tree["digest"] = _digest_json(size.digest)
    if size.expected:
        tree["expectedDigest"] = _digest_json(size.expected)
        tree["matches"] = size.matches
    return tree


def _digest_json(digest: LogDigest | None) -> dict[str, object] | None:
    if digest is None:
        return None
    return {
        "start": digest.start,
        "end": digest.end,
        "records": digest.records,
        "batches": digest.batches,
        "bytes": digest.size,
        "sha256": digest.sha256,
    }


def parse_digests(text: str, source: str) -> dict[tuple[str, int], LogDigest]:
    """Read the digests of a report of `totals_json`; raises InputError."""
    from kanister_kafka.topics.model import LogDigest

    digests = {}
    try:
        for one in json.loads(text)["partitions"]:
            fields = {**one["digest"]}
            size = fields.pop("bytes")
            numbers = [size, *(fields[name] for name in ("start", "end", "records", "batches"))]
            if not all(type(number) is int for number in numbers) or len(fields["sha256"]) != 64:
                raise ValueError
            digests[str(one["topic"]), int(one["partition"])] = LogDigest(size=size, **fields)
    except (KeyError, TypeError, ValueError) as failure:
        message = "is not the JSON of topics count --digest"
        raise InputError((error("saved-digests", Location(source), "", message),)) from failure
    if not digests:
        message = "has no partition, so nothing can be compared with it"
        raise InputError((error("saved-digests", Location(source), "", message),))
    return digests


def last_json(last: TailRecords) -> str:
    """Return the last records as JSON."""
    tree = {
        "cluster": last.cluster,
        "topic": last.topic,
        "partitions": list(last.partitions),
        "page": last.page,
        "perPartition": last.per_partition,
        "records": [message_json(message) for message in last.messages],
    }
    return format_json(tree)
