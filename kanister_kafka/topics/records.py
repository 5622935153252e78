"""What is compared of a record, and the digest of many."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import Any

Headers = list[tuple[str, bytes | None]]
Record = tuple[bytes | None, bytes | None, tuple[int, int], "Headers | None"]
"""Key, value, whose clock and its time in ms since 1970, headers."""

SIZE = 16
"""Bytes of a digest: enough to tell any two topics apart, short enough to be read out."""


def records(run: Sequence[Any], *, timed: bool = True) -> list[Record]:
    """Return what is compared of some messages; without times where the clocks are different."""
    kind = type(run[0])
    stamps = map(kind.timestamp, run) if timed else ((0, 0) for _ in run)
    return list(
        zip(map(kind.key, run), map(kind.value, run), stamps, map(kind.headers, run), strict=True)
    )


def token(record: Record) -> tuple[Any, ...]:
    """Return a record as what can be looked up."""
    key, value, stamp, headers = record
    return key, value, stamp, tuple(headers or ())


class Digest:
    """A digest over keys, values, times and headers that does not depend on how they arrive.

    Each of the four has a stream of its own, lengths and contents apart, so that some thousand
    records cost a few calls of the hash and not some thousand.
    """

    def __init__(self) -> None:
        self.count = 0
        self._streams = [hashlib.blake2b(digest_size=SIZE) for _ in range(7)]

    def add(self, some: Sequence[Record]) -> None:
        """Take in the next records."""
        if not some:
            return
        self.count += len(some)
        keys, values, stamps, headers = zip(*some, strict=True)
        self._bytes(0, keys)
        self._bytes(2, values)
        times = [time for _clock, time in stamps]
        self._streams[4].update(struct.pack(f"<{len(times)}q", *times))
        if any(headers):
            counts = [len(each or ()) for each in headers]
            flat = [
                part
                for each in headers
                for name, value in each or ()
                for part in (name.encode(), value)
            ]
            self._bytes(5, flat)
        else:
            counts = [0] * len(some)
        self._streams[6].update(struct.pack(f"<{len(counts)}i", *counts))

    def _bytes(self, at: int, parts: Sequence[bytes | None]) -> None:
        """Take in lengths, -1 for null, and contents."""
        if None in parts:
            lengths = [-1 if part is None else len(part) for part in parts]
            content = b"".join(part for part in parts if part)
        else:
            lengths = list(map(len, parts))  # type: ignore[arg-type] # none of them is None
            content = b"".join(parts)  # type: ignore[arg-type]
        self._streams[at].update(struct.pack(f"<{len(lengths)}i", *lengths))
        self._streams[at + 1].update(content)

    def hex(self) -> str:
        """Return the digest of all so far."""
        whole = hashlib.blake2b(digest_size=SIZE)
        for stream in self._streams:
            whole.update(stream.digest())
        return whole.hexdigest()
