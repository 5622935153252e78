"""Records in columns, and the digest of many records."""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from kanister_kafka.topics.model import RecordPosition, TopicRecord

Headers = list[tuple[str, bytes | None]]

SIZE = 16
"""Bytes of a digest: unique enough, and short enough for reports."""
RECORD_BYTES = 64
"""Approximate bytes of a record in addition to its value."""
CHUNK = 1 << 16
"""Approximate bytes for one call of the hash, few enough for the CPU cache."""
BIG_ENDIAN = sys.byteorder == "big"


class OffsetColumn:
    """Offsets of records in runs: a range without holes takes no object for each record."""

    __slots__ = ("_runs",)

    def __init__(self, runs: Iterable[Sequence[int]] = ()) -> None:
        self._runs = [run for run in runs if run]

    def __iadd__(self, other: OffsetColumn) -> OffsetColumn:
        self._runs += other._runs
        return self

    def add(self, run: Sequence[int]) -> None:
        """Add offsets, which are kept as they are."""
        if run:
            self._runs.append(run)

    def first(self, count: int) -> OffsetColumn:
        """Return the first offsets."""
        runs = []
        for run in self._runs:
            if count <= 0:
                break
            runs.append(run[:count])
            count -= len(run)
        return OffsetColumn(runs)

    def drop(self, count: int) -> None:
        """Remove the first offsets."""
        runs = []
        for run in self._runs:
            runs.append(run[count:])
            count = max(0, count - len(run))
        self._runs = [run for run in runs if run]

    def __getitem__(self, at: int) -> int:
        if at < 0:
            at += sum(map(len, self._runs))
        for run in self._runs if at >= 0 else ():
            if at < len(run):
                return run[at]
            at -= len(run)
        raise IndexError(at)


@dataclass(slots=True, eq=False)
class RecordBatch:
    """Records in columns.

    Creating and collecting an object for each record would take longer than the comparison.
    """

    timed: bool = True
    """Whether times are compared; false if the sides have different clocks."""
    keys: list[bytes | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    """ms since 1970."""
    clocks: bytearray = field(default_factory=bytearray)
    """Type of each time: 0 for none, 1 for the producer's clock, 2 for the broker's."""
    headers: list[Headers | None] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    """Bytes of each value; -1 for null."""
    offsets: OffsetColumn = field(default_factory=OffsetColumn)
    """Not compared, because those of a mirror differ."""

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def size(self) -> int:
        """Approximate bytes."""
        return sum(self.sizes) + RECORD_BYTES * len(self)

    def add(self, run: Sequence[Any]) -> None:
        """Add messages of librdkafka."""
        if not run:
            return
        kind = type(run[0])  # its methods are called by map, twice as fast as in a loop
        stamps = list(map(kind.timestamp, run))
        self.keys += map(kind.key, run)
        values = list(map(kind.value, run))
        self.values += values
        self.sizes += lengths(values)
        self.times += map(itemgetter(1), stamps)
        self.clocks.extend(map(itemgetter(0), stamps))
        self.headers += map(kind.headers, run)
        self.offsets.add(list(map(kind.offset, run)))

    def extend(self, batch: RecordBatch) -> None:
        """Add the records of another batch."""
        for column, suffix in zip(self._columns(), batch._columns(), strict=True):
            column += suffix
        self.offsets += batch.offsets

    def first(self, count: int) -> RecordBatch:
        """Return the first records."""
        batch = RecordBatch(self.timed, *(column[:count] for column in self._columns()))
        batch.offsets = self.offsets.first(count)
        return batch

    def drop(self, count: int) -> None:
        """Remove the first records."""
        for column in self._columns():
            del column[:count]
        self.offsets.drop(count)

    def is_same(self, batch: RecordBatch) -> bool:
        """Return whether the content is equal; headers None and [] count as different here."""
        return (
            self.values == batch.values
            and self.keys == batch.keys
            and (not self.timed or (self.times == batch.times and self.clocks == batch.clocks))
            and self.headers == batch.headers
        )

    def tokens(self) -> list[Hashable]:
        """Return the content of each record as a hashable value."""
        headers = (tuple(pairs or ()) for pairs in self.headers)
        if not self.timed:
            return list(zip(self.keys, self.values, headers, strict=True))
        return list(zip(self.keys, self.values, self.times, self.clocks, headers, strict=True))

    def position(self, at: int) -> RecordPosition:
        """Return the position of a record."""
        return RecordPosition(offset=self.offsets[at], time=self.times[at])

    def record(self, at: int, partition: int) -> TopicRecord:
        """Return a record."""
        return TopicRecord(
            partition=partition,
            offset=self.offsets[at],
            time=self.times[at],
            key=self.keys[at],
            value=self.values[at],
            headers=tuple(self.headers[at] or ()),
        )

    def _columns(self) -> tuple[Any, ...]:
        """Return all columns but the offsets."""
        return (
            self.keys,
            self.values,
            self.times,
            self.clocks,
            self.headers,
            self.sizes,
        )


def lengths(parts: Sequence[bytes | None]) -> list[int]:
    """Return the length of each part, -1 for null."""
    try:
        return list(map(len, parts))  # type: ignore[arg-type] # a null is rare, and a TypeError
    except TypeError:
        return [-1 if part is None else len(part) for part in parts]


class RecordDigest:
    """A digest of keys, values, times and headers, for any split into batches.

    Each of the four has its own streams of lengths and contents, so that some thousand
    records need few calls of the hash.
    """

    def __init__(self) -> None:
        # Server CPUs have instructions for SHA-256: three times as fast as other hashes.
        self._streams = [hashlib.sha256() for _ in range(8)]

    def add(self, batch: RecordBatch) -> None:
        """Add the next records."""
        self._bytes(0, batch.keys, lengths(batch.keys))
        self._bytes(2, batch.values, batch.sizes)
        self._numbers(4, array("q", batch.times if batch.timed else [0] * len(batch)))
        if not any(batch.headers):
            self._numbers(5, array("i", [0]) * len(batch))
            return
        self._numbers(5, array("i", [len(headers or ()) for headers in batch.headers]))
        parts: list[bytes | None] = []
        for headers in batch.headers:
            for name, value in headers or ():
                parts += (name.encode(), value)
        self._bytes(6, parts, lengths(parts))

    def _bytes(self, at: int, parts: Sequence[bytes | None], sizes: Sequence[int]) -> None:
        """Add lengths, -1 for null, and contents."""
        self._numbers(at, array("i", sizes))
        contents: Sequence[Any] = parts
        if -1 in sizes:
            contents = [part for part in parts if part is not None]
        stream = self._streams[at + 1]
        size = sum(sizes)
        step = max(1, CHUNK * len(contents) // max(1, size))
        for start in range(0, len(contents), step):
            stream.update(b"".join(contents[start : start + step]))

    def _numbers(self, at: int, column: array[int]) -> None:
        """Add numbers, in little-endian order on every machine."""
        if BIG_ENDIAN:
            column.byteswap()
        self._streams[at].update(column)

    def hex(self) -> str:
        """Return the digest of all records so far."""
        digest = hashlib.sha256()
        for stream in self._streams:
            digest.update(stream.digest())
        return digest.digest()[:SIZE].hex()
