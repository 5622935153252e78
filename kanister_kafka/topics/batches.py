"""Record batches: their headers, whether readers see them, and their records.

A batch of format 2 (KIP-98, DefaultRecordBatch.java) has 61 bytes before its records:

    base offset 8, length 4, leader epoch 4, magic 1, CRC-32C 4, attributes 2, last offset delta 4,
    first timestamp 8, max timestamp 8, producer id 8, producer epoch 2, sequence 4, count 4

The CRC covers the attributes and all bytes after them. The leader epoch is before it, because each
broker that appends a batch sets its own.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile, islice
from operator import attrgetter, itemgetter
from typing import Any

from kanister_kafka.errors import UnreachableError
from kanister_kafka.topics import require_extra
from kanister_kafka.topics.broker import ByteRange
from kanister_kafka.topics.records import RecordBatch, lengths

HEADER = struct.Struct(">qiibIhiqqqhii")
SET = 12
"""Bytes of the offset and the length, which the length does not include."""
MAGIC = 16
"""The place of the version of the format, in all versions."""
CHECKED = 21
"""The first byte that the CRC covers."""
LEAST = {0: 14, 1: 22, 2: HEADER.size - SET}
"""The least length of a batch of each format."""
TRANSACTIONAL = 0x10
CONTROL = 0x20
NO_EPOCH = bytes(4)


@dataclass(slots=True)
class Batch:
    """A batch in a response."""

    buffer: bytearray
    start: int
    size: int
    base: int
    """Offset of its first record; in formats 0 and 1, if it is compressed, of its last."""
    last: int
    """Offset of its last record. Compaction may have removed this record."""
    magic: int
    crc: int
    attributes: int = 0
    producer: int = -1
    count: int = 0
    """Number of records, in format 2."""
    hidden: bool = False
    """Whether readers do not see its records: control records, and aborted transactions."""


def parse_batches(records: ByteRange, partition: str) -> Iterator[Batch]:
    """Yield the complete batches of a response; the last one is often cut.

    Replaces the leader epoch of each batch by zeros, so that copies of a batch are the same bytes.
    Raises UnreachableError for bytes that are not a batch.
    """
    buffer = records.buffer
    at = records.start
    end = records.end
    while at + MAGIC < end:
        base, length = struct.unpack_from(">qi", buffer, at)
        magic = buffer[at + MAGIC]
        if magic not in LEAST or length < LEAST[magic]:
            text = f"{partition}: no record batch of a known format at offset {base}"
            raise UnreachableError(text)
        size = SET + length
        if at + size > end:
            return
        if magic == 2:
            header = HEADER.unpack_from(buffer, at)
            buffer[at + 12 : at + 16] = NO_EPOCH
            yield Batch(
                buffer,
                at,
                size,
                base,
                base + header[6],
                magic,
                header[4],
                header[5],
                header[9],
                header[12],
            )
        else:
            yield Batch(buffer, at, size, base, base, magic, 0)
        at += size


class TransactionFilter:
    """Hides the batches of a response that readers do not see.

    Fetcher.java of Kafka does the same with the list of aborted transactions of a response.
    """

    def __init__(self, aborted: Sequence[tuple[int, int]]) -> None:
        self._aborted = sorted(aborted, key=itemgetter(1), reverse=True)
        self._producers: set[int] = set()

    def hide(self, batch: Batch) -> None:
        """Set whether a batch is hidden; call it for each batch of the response in order."""
        while self._aborted and self._aborted[-1][1] <= batch.last:
            self._producers.add(self._aborted.pop()[0])
        if batch.attributes & CONTROL:
            batch.hidden = True
            if batch.producer in self._producers and _is_abort(batch):
                self._producers.discard(batch.producer)
        elif batch.attributes & TRANSACTIONAL:
            batch.hidden = batch.producer in self._producers


def _is_abort(batch: Batch) -> bool:
    from aiokafka.record.control_record import ABORT_MARKER, ControlRecord

    return any(ControlRecord.parse(record.key) == ABORT_MARKER for record in _records(batch))


def is_same_batch(a: Batch, b: Batch) -> bool:
    """Return whether two batches are copies of one batch, and readers see the same of them.

    All bytes are compared except the leader epoch: offset, length, checksum, times, producer and
    records. The numbers come first because they differ at once if the logs are not copies.
    """
    return (
        a.base == b.base
        and a.size == b.size
        and a.crc == b.crc
        and a.magic == b.magic == 2
        and a.hidden == b.hidden
        # Compares in place; an equality of two memoryviews would compare byte by byte.
        and a.buffer.startswith(memoryview(b.buffer)[b.start : b.start + b.size], a.start)
    )


def check_crc(batch: Batch, partition: str) -> None:
    """Raise UnreachableError if a batch of format 2 is damaged."""
    with require_extra():
        import google_crc32c  # by instructions of the CPU: four times as fast as that of aiokafka

    library: Any = google_crc32c
    content = memoryview(batch.buffer)[batch.start + CHECKED : batch.start + batch.size]
    if library.value(content.tobytes()) != batch.crc:
        raise damaged(batch, partition)


def damaged(batch: Batch, partition: str) -> UnreachableError:
    """Return the error for a batch with another checksum than its own."""
    return UnreachableError(
        f"{partition}: the record batch at offset {batch.base} is damaged: its checksum is wrong"
    )


class Which(enum.Enum):
    """Which records of a batch are needed."""

    ALL = "all"
    FIRST = "first"
    LAST = "last"


def decode(
    batch: Batch,
    into: RecordBatch,
    first: int,
    end: int,
    partition: str,
    *,
    check: bool,
    which: Which = Which.ALL,
) -> int:
    """Add the records of a batch from offset `first` up to and without `end`, or one of these.

    Returns the offset of its last record. Raises UnreachableError if it is damaged or compressed
    in an unknown way.
    """
    import zlib

    with require_extra():
        import cramjam
        from aiokafka import errors

    broken: tuple[type[Exception], ...] = (
        errors.KafkaError,
        zlib.error,
        cramjam.DecompressionError,
        ArithmeticError,
        EOFError,
        LookupError,
        OSError,
        RuntimeError,
        ValueError,
    )
    try:
        records = _records(batch)
        if check and batch.magic == 2:
            check_crc(batch, partition)
        elif check and not records.validate_crc():
            raise damaged(batch, partition)
        if which is Which.FIRST:
            rows = list(islice(dropwhile(lambda row: row.offset < first, records), 1))
        else:
            rows = list(records)
    except broken as failure:
        text = f"{partition}: the record batch at offset {batch.base} cannot be read: {failure}"
        raise UnreachableError(text) from failure
    if not rows:
        return batch.last
    last: int = max(batch.last, rows[-1].offset)
    clock = rows[0].timestamp_type
    if rows[0].offset < first or last >= end:
        rows = [row for row in rows if first <= row.offset < end]
    if which is Which.LAST:
        rows = rows[-1:]
    into.keys += map(attrgetter("key"), rows)
    values = list(map(attrgetter("value"), rows))
    into.values += values
    into.sizes += lengths(values)
    into.headers += map(attrgetter("headers"), rows)
    if rows and rows[-1].offset - rows[0].offset == len(rows) - 1:  # without holes
        into.offsets.add(range(rows[0].offset, rows[-1].offset + 1))
    else:
        into.offsets.add(list(map(attrgetter("offset"), rows)))
    if clock is None:  # format 0 has no times
        into.times += [-1] * len(rows)
        into.clocks += bytes(len(rows))
    else:
        into.times += map(attrgetter("timestamp"), rows)
        into.clocks += bytes([1 + clock]) * len(rows)
    return last


def _records(batch: Batch) -> Any:
    with require_extra():
        from aiokafka.record.default_records import DefaultRecordBatch
        from aiokafka.record.legacy_records import LegacyRecordBatch

    data: Any = memoryview(batch.buffer)[batch.start : batch.start + batch.size]
    if batch.magic == 2:
        return DefaultRecordBatch(data)  # of any buffer, without a copy
    return LegacyRecordBatch(bytes(data), batch.magic)
