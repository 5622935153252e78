"""Records in columns, and the digest of many records."""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

Headers = list[tuple[str, bytes | None]]

SIZE = 16
"""Bytes of a digest: unique enough, and short enough for reports."""
CHUNK = 1 << 16
"""Approximate bytes for one call of the hash, few enough for the CPU cache."""
BIG_ENDIAN = sys.byteorder == "big"


@dataclass(slots=True)
class RecordBatch:
    """Records in columns.

    Creating and collecting an object for each record would take longer than the comparison.
    """

    keys: list[bytes | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    stamps: list[tuple[int, int]] = field(default_factory=list)
    """Type of the timestamp, and ms since 1970."""
    headers: list[Headers | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.keys)

    def add(self, run: Sequence[Any], *, timed: bool = True) -> None:
        """Add messages; `timed` is false if the sides have different clocks."""
        if not run:
            return
        kind = type(run[0])  # its methods are called by map, twice as fast as in a loop
        self.keys += map(kind.key, run)
        self.values += map(kind.value, run)
        self.stamps += map(kind.timestamp, run) if timed else [(0, 0)] * len(run)
        self.headers += map(kind.headers, run)

    def first(self, count: int) -> RecordBatch:
        """Return the first records."""
        return RecordBatch(
            self.keys[:count], self.values[:count], self.stamps[:count], self.headers[:count]
        )

    def drop(self, count: int) -> None:
        """Remove the first records."""
        for column in (self.keys, self.values, self.stamps, self.headers):
            del column[:count]

    def tokens(self) -> list[Hashable]:
        """Return each record as a hashable value."""
        headers = (tuple(some or ()) for some in self.headers)
        return list(zip(self.keys, self.values, self.stamps, headers, strict=True))


class RecordDigest:
    """A digest of keys, values, times and headers, for any split into batches.

    Each of the four has its own streams of lengths and contents, so that some thousand
    records need few calls of the hash.
    """

    def __init__(self) -> None:
        # Server CPUs have instructions for SHA-256: three times as fast as other hashes.
        self._streams = [hashlib.sha256() for _ in range(8)]

    def add(self, some: RecordBatch) -> None:
        """Add the next records."""
        self._bytes(0, some.keys)
        self._bytes(2, some.values)
        self._numbers(4, "q", map(itemgetter(1), some.stamps))
        if not any(some.headers):
            self._numbers(5, "i", [0] * len(some))
            return
        self._numbers(5, "i", [len(headers or ()) for headers in some.headers])
        parts: list[bytes | None] = []
        for headers in some.headers:
            for name, value in headers or ():
                parts += (name.encode(), value)
        self._bytes(6, parts)

    def _bytes(self, at: int, parts: Sequence[bytes | None]) -> None:
        """Add lengths, -1 for null, and contents."""
        known = [part for part in parts if part is not None]
        if len(known) == len(parts):
            self._numbers(at, "i", map(len, known))
        else:
            self._numbers(at, "i", (-1 if part is None else len(part) for part in parts))
        stream = self._streams[at + 1]
        size = sum(map(len, known))
        step = max(1, CHUNK * len(known) // max(1, size))
        for start in range(0, len(known), step):
            stream.update(b"".join(known[start : start + step]))

    def _numbers(self, at: int, code: str, numbers: Iterable[int]) -> None:
        """Add numbers, in little-endian order on every machine."""
        column = array(code, numbers)
        if BIG_ENDIAN:
            column.byteswap()
        self._streams[at].update(column)

    def hex(self) -> str:
        """Return the digest of all records so far."""
        whole = hashlib.sha256()
        for stream in self._streams:
            whole.update(stream.digest())
        return whole.digest()[:SIZE].hex()
