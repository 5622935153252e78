"""One partition of a compacted topic on both sides: what each key holds is compared.

Compaction takes what is superseded, on each side at its own time, so that both never have the same
records. What they have to agree about is the newest record of each key, up to the record with which
the side that is behind ends; where compaction has taken that one on the other side, up to its time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kanister_kafka.topics.compare.partition import MAX_TIMES
from kanister_kafka.topics.model import (
    DifferenceKind,
    PartitionBounds,
    PartitionResult,
    RecordDifference,
    RecordPosition,
    TopicRecord,
    UnmatchedRange,
)

HASH = 16
"""Bytes kept of what a key holds: memory grows with the keys, not with records or values."""
BEFORE_ALL = -(1 << 63)
"""ms: nothing is of that time."""
TOMBSTONE = b""
"""What a key holds that was deleted; compaction removes it altogether in the end."""


@dataclass(frozen=True, slots=True)
class KeyValue:
    """What a key holds."""

    content: bytes
    offset: int
    time: int


@dataclass(slots=True)
class KeyState:
    """What has been read of one side."""

    size: int = 0
    """Nothing of it waits for the other side."""
    ended: bool = False
    held: dict[bytes | None, KeyValue] = field(default_factory=dict)
    """The newest record of each key, up to where both have come."""
    later: dict[bytes | None, KeyValue] = field(default_factory=dict)
    """What comes after that."""
    met: bool = False
    """Whether it has the record with which the other side ends."""
    first: RecordPosition | None = None
    last: RecordPosition | None = None
    head: RecordPosition | None = None
    times: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)

    def hold(self, key: bytes | None, held: KeyValue) -> None:
        """Take in a record up to which both have come."""
        self.held[key] = held
        self.last = RecordPosition(offset=held.offset, time=held.time)
        self.first = self.first or self.last
        self.times.append(held.time)

    def put_off(self, key: bytes | None, held: KeyValue) -> None:
        """Take in a record that the other side may not have yet."""
        self.later[key] = held
        self.head = self.head or RecordPosition(offset=held.offset, time=held.time)
        if len(self.missing) < MAX_TIMES:
            self.missing.append(held.time)

    def catch_up(self) -> None:
        """Hold what was put off: the other side has it too."""
        for key, held in sorted(self.later.items(), key=lambda item: item[1].offset):
            if key not in self.held or self.held[key].offset < held.offset:
                self.hold(key, held)
        self.later.clear()
        self.missing.clear()
        self.head = None


class CompactedComparer:
    """Compares one partition of a compacted topic; `ends` are the newest record of each side."""

    def __init__(self, partition: int, ends: tuple[Any | None, Any | None], *, timed: bool) -> None:
        self.partition, self._timed = partition, timed
        newest = [end.timestamp()[1] for end in ends if end is not None]
        self._until = BEFORE_ALL if len(newest) < 2 else min(newest) if timed else None
        """ms up to which both are compared where no end is met; None for all that there is."""
        self._ends = [None if end is None else self._mark(end) for end in ends]
        self.sides = (KeyState(), KeyState())
        self.done = False

    def feed(self, side: int, run: Sequence[Any]) -> None:
        """Take in messages of a side."""
        half, end, until = self.sides[side], self._ends[1 - side], self._until
        for message in run:
            time, key = message.timestamp()[1], message.key()
            content = _content(message, timed=self._timed)
            held = KeyValue(content, message.offset(), time)
            if end is not None and key == end[0] and self._mark(message) == end:
                half.catch_up()
                half.hold(key, held)
                half.met = True
            elif half.met or (until is not None and time > until):
                half.put_off(key, held)
            else:
                half.hold(key, held)
        del half.times[:-MAX_TIMES]

    def _mark(self, message: Any) -> tuple[Any, ...]:
        """Return what tells a record from all others, as far as clocks allow."""
        time = message.timestamp()[1] if self._timed else 0
        return message.key(), _content(message, timed=self._timed), time

    def advance(self) -> None:
        """See whether both sides have ended."""
        if self.done or not all(half.ended for half in self.sides):
            return
        a, b = self.sides
        for half, other in ((a, b), (b, a)):
            if other.met and not half.met:  # all of it is there, whatever the times say
                half.catch_up()
        if a.head and b.head:  # records alike, of different clocks: behind is who has less to go
            min((a, b), key=lambda half: len(half.missing)).catch_up()
        self.done = True

    def result(self, a: PartitionBounds, b: PartitionBounds) -> PartitionResult:
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

    def _difference(
        self, only_a: list[KeyValue], only_b: list[KeyValue]
    ) -> RecordDifference | None:
        if not only_a and not only_b:
            return None
        fault = (
            DifferenceKind.ONLY_B
            if not only_a
            else DifferenceKind.ONLY_A
            if not only_b
            else DifferenceKind.OTHER
        )
        a, b = (min(only, key=lambda h: h.offset, default=None) for only in (only_a, only_b))
        return RecordDifference(fault=fault, a=self._bare(a), b=self._bare(b))

    def _bare(self, held: KeyValue | None) -> TopicRecord | None:
        if held is None:
            return None
        return TopicRecord(
            partition=self.partition, offset=held.offset, time=held.time, key=None, value=None
        )


def _explained(
    key: bytes | None, one: KeyValue | None, other: KeyValue | None, there: KeyState
) -> bool:
    """Tell whether compaction explains why `other`, in `there`, is not what `one` is.

    Where the key has a newer record there, what it held before may be gone; and a key that was
    deleted may be gone altogether.
    """
    if key in there.later:
        return True
    return other is None and one is not None and one.content == TOMBSTONE


def _head(side: KeyState, extent: PartitionBounds) -> UnmatchedRange | None:
    if side.head is None or extent.newest is None:
        return None
    count = extent.latest - side.head.offset
    return UnmatchedRange(count=count, first=side.head, last=extent.newest)


def _content(message: Any, *, timed: bool) -> bytes:
    value = message.value()
    if value is None:
        return TOMBSTONE
    content = hashlib.blake2b(value, digest_size=HASH)
    stamp = message.timestamp()[1] if timed else 0
    content.update(repr((stamp, len(value), message.headers() or ())).encode())
    return content.digest()
