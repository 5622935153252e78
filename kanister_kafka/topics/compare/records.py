"""What is compared of records, and the digest of many."""

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
"""Bytes of a digest: enough to tell any two topics apart, short enough to be read out."""
CHUNK = 1 << 16
"""Bytes that are joined for one call of the hash, about: few enough to stay in the cache."""
BIG_ENDIAN = sys.byteorder == "big"


@dataclass(slots=True)
class RecordBatch:
    """What is compared of some records, in columns.

    An object for each record would take longer to make, and to be seen by the collector of
    garbage, than all the comparing.
    """

    keys: list[bytes | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    stamps: list[tuple[int, int]] = field(default_factory=list)
    """Whose clock, and its time in ms since 1970."""
    headers: list[Headers | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.keys)

    def add(self, run: Sequence[Any], *, timed: bool = True) -> None:
        """Take in some messages; without times if the clocks are different."""
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
        """Forget the first records."""
        for column in (self.keys, self.values, self.stamps, self.headers):
            del column[:count]

    def tokens(self) -> list[Hashable]:
        """Return each record as what can be looked up."""
        headers = (tuple(some or ()) for some in self.headers)
        return list(zip(self.keys, self.values, self.stamps, headers, strict=True))


class RecordDigest:
    """A digest over keys, values, times and headers that does not depend on how they arrive.

    Each of the four has streams of its own, lengths and contents apart, so that some thousand
    records cost a few calls of the hash and not some thousand.
    """

    def __init__(self) -> None:
        # Processors of servers have instructions for this one: thrice as fast as others there.
        self._streams = [hashlib.sha256() for _ in range(8)]

    def add(self, some: RecordBatch) -> None:
        """Take in the next records."""
        self._bytes(0, some.keys)
        self._bytes(2, some.values)
        self._numbers(4, "q", map(itemgetter(1), some.stamps))
        if not any(some.headers):
            self._numbers(5, "i", [0] * len(some))
            return
        self._numbers(5, "i", [len(headers or ()) for headers in some.headers])
        parts = [part for headers in some.headers for header in headers or () for part in header]
        self._bytes(6, [part.encode() if isinstance(part, str) else part for part in parts])

    def _bytes(self, at: int, parts: Sequence[bytes | None]) -> None:
        """Take in lengths, -1 for null, and contents."""
        known = [part for part in parts if part is not None]
        if len(known) == len(parts):
            self._numbers(at, "i", map(len, known))
        else:
            self._numbers(at, "i", (-1 if part is None else len(part) for part in parts))
        stream, size = self._streams[at + 1], sum(map(len, known))
        step = max(1, CHUNK * len(known) // max(1, size))
        for start in range(0, len(known), step):
            stream.update(b"".join(known[start : start + step]))

    def _numbers(self, at: int, code: str, numbers: Iterable[int]) -> None:
        """Take in numbers, the least byte first on every machine."""
        found = array(code, numbers)
        if BIG_ENDIAN:
            found.byteswap()
        self._streams[at].update(found)

    def hex(self) -> str:
        """Return the digest of all so far."""
        whole = hashlib.sha256()
        for stream in self._streams:
            whole.update(stream.digest())
        return whole.digest()[:SIZE].hex()
