"""One partition of a compacted topic on both sides: what each key holds is compared.

Compaction takes what is superseded, on each side at its own time, so that both never have the same
records. What they have to agree about is the newest record of each key, up to the time to which the
side that is behind has come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kanister_kafka.topics.edges import spot
from kanister_kafka.topics.model import (
    Difference,
    Extent,
    Fault,
    Message,
    Only,
    PartitionResult,
    Spot,
)
from kanister_kafka.topics.pair import DRAWN

HASH = 16
"""Bytes kept of what a key holds: memory grows with the keys, not with records or values."""
TOMBSTONE = b""
"""What a key holds that was deleted; compaction removes it altogether in the end."""


@dataclass(frozen=True, slots=True)
class Holds:
    """What a key holds."""

    content: bytes
    offset: int
    time: int


@dataclass(slots=True)
class StateSide:
    """What has been read of one side."""

    size: int = 0
    """Nothing of it waits for the other side."""
    ended: bool = False
    held: dict[bytes | None, Holds] = field(default_factory=dict)
    """The newest record of each key up to the time that is compared."""
    moved_on: set[bytes | None] = field(default_factory=set)
    """Keys that have a newer one."""
    first: Spot | None = None
    last: Spot | None = None
    head: Spot | None = None
    times: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)


class StatePair:
    """Compares one partition of a compacted topic."""

    def __init__(self, partition: int, a: Extent, b: Extent, *, timed: bool) -> None:
        self.partition, self._timed = partition, timed
        self._extents = (a, b)
        newest = [extent.newest.time for extent in (a, b) if extent.newest is not None]
        self._until = min(newest) if timed and len(newest) == 2 else None
        """ms up to which both are compared; None for all that there is."""
        self.sides = (StateSide(), StateSide())
        self.done = False

    def feed(self, side: int, run: Sequence[Any]) -> None:
        """Take in messages of a side."""
        half, until = self.sides[side], self._until
        for message in run:
            time, key = message.timestamp()[1], message.key()
            if until is not None and time > until:
                half.moved_on.add(key)
                half.head = half.head or spot(message)
                if len(half.missing) < DRAWN:
                    half.missing.append(time)
                continue
            half.held[key] = Holds(_content(message, timed=self._timed), message.offset(), time)
            half.last = spot(message)
            half.first = half.first or half.last
            half.times.append(time)
        del half.times[:-DRAWN]

    def advance(self) -> None:
        """See whether both sides have ended."""
        self.done = all(half.ended for half in self.sides)

    def result(self, a: Extent, b: Extent) -> PartitionResult:
        """Return what was found; of a difference the offsets alone are known."""
        left, right = self.sides
        same, only_a, only_b = 0, [], []
        for key in left.held.keys() | right.held.keys():
            one, other = left.held.get(key), right.held.get(key)
            if one is not None and other is not None and one.content == other.content:
                same += 1
            elif not _explained(key, one, other, right) and not _explained(key, other, one, left):
                if one is not None:
                    only_a.append(one)
                if other is not None:
                    only_b.append(other)
        return PartitionResult(
            partition=self.partition,
            a=a,
            b=b,
            common=same,
            first_a=left.first,
            first_b=right.first,
            last_a=left.last,
            last_b=right.last,
            digest="",
            head_a=_head(left, a),
            head_b=_head(right, b),
            only_a=len(only_a),
            only_b=len(only_b),
            difference=self._difference(only_a, only_b),
            times=tuple(left.times),
            missing=tuple(left.missing or right.missing),
        )

    def _difference(self, only_a: list[Holds], only_b: list[Holds]) -> Difference | None:
        if not only_a and not only_b:
            return None
        fault = Fault.ONLY_B if not only_a else Fault.ONLY_A if not only_b else Fault.OTHER
        a, b = (min(only, key=lambda h: h.offset, default=None) for only in (only_a, only_b))
        return Difference(fault=fault, a=self._bare(a), b=self._bare(b))

    def _bare(self, held: Holds | None) -> Message | None:
        if held is None:
            return None
        return Message(
            partition=self.partition, offset=held.offset, time=held.time, key=None, value=None
        )


def _explained(key: bytes | None, one: Holds | None, other: Holds | None, there: StateSide) -> bool:
    """Tell whether compaction explains why `other`, in `there`, is not what `one` is.

    Where the key has a newer record there, what it held before may be gone; and a key that was
    deleted may be gone altogether.
    """
    if key in there.moved_on:
        return True
    return other is None and one is not None and one.content == TOMBSTONE


def _head(side: StateSide, extent: Extent) -> Only | None:
    if side.head is None or extent.newest is None:
        return None
    count = extent.latest - side.head.offset
    return Only(count=count, first=side.head, last=extent.newest)


def _content(message: Any, *, timed: bool) -> bytes:
    value = message.value()
    if value is None:
        return TOMBSTONE
    content = hashlib.blake2b(value, digest_size=HASH)
    stamp = message.timestamp()[1] if timed else 0
    content.update(repr((stamp, len(value), message.headers() or ())).encode())
    return content.digest()
