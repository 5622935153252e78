"""One partition of a compacted topic on both sides: the last value of each key is compared.

Compaction removes superseded records of each side at its own time, so the sides never have the same
records. They must have the same newest record of each key, up to the last record of the side that
is behind. If compaction has removed that record on the other side, its time is the limit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kanister_kafka.topics.compare.partition import MAX_TIMES, difference_kind
from kanister_kafka.topics.model import (
    PartitionBounds,
    PartitionResult,
    RecordDifference,
    RecordPosition,
    TopicRecord,
    UnmatchedRange,
)

HASH = 16
"""Bytes of the digest of a value: memory grows with the keys, not with records or values."""
BEFORE_ALL = -(1 << 63)
"""ms; no record has this time."""
TOMBSTONE = b""
"""Digest of a deleted value; compaction removes the key later."""


@dataclass(frozen=True, slots=True)
class KeyValue:
    """The value of a key."""

    content: bytes
    """Digest."""
    offset: int
    time: int


@dataclass(slots=True)
class KeyState:
    """The keys of one side."""

    size: int = 0
    """Always 0, because no record waits for the other side."""
    ended: bool = False
    values: dict[bytes | None, KeyValue] = field(default_factory=dict)
    """The newest record of each key, up to the end that both sides have reached."""
    later: dict[bytes | None, KeyValue] = field(default_factory=dict)
    """The newest record of each key after that end."""
    has_end: bool = False
    """Whether the last record of the other side was read."""
    first: RecordPosition | None = None
    last: RecordPosition | None = None
    head: RecordPosition | None = None
    times: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)

    def add(self, key: bytes | None, value: KeyValue) -> None:
        """Add a record before the common end."""
        self.values[key] = value
        self.last = RecordPosition(offset=value.offset, time=value.time)
        self.first = self.first or self.last
        self.times.append(value.time)

    def add_later(self, key: bytes | None, value: KeyValue) -> None:
        """Add a record that the other side may not have yet."""
        self.later[key] = value
        self.head = self.head or RecordPosition(offset=value.offset, time=value.time)
        if len(self.missing) < MAX_TIMES:
            self.missing.append(value.time)

    def catch_up(self) -> None:
        """Move the later records before the common end, because the other side has them too."""
        for key, value in sorted(self.later.items(), key=lambda item: item[1].offset):
            if key not in self.values or self.values[key].offset < value.offset:
                self.add(key, value)
        self.later.clear()
        self.missing.clear()
        self.head = None


class CompactedComparer:
    """Compares one partition of a compacted topic; `ends` are the newest record of each side."""

    def __init__(self, partition: int, ends: tuple[Any | None, Any | None], *, timed: bool) -> None:
        self.partition = partition
        self._timed = timed
        newest = [end.timestamp()[1] for end in ends if end is not None]
        self._until: int | None = BEFORE_ALL
        """ms up to which records are compared if no end was read; None for all."""
        if len(newest) == 2:
            self._until = min(newest) if timed else None
        self._ends = [None if end is None else self._mark(end) for end in ends]
        self.sides = (KeyState(), KeyState())
        self.done = False

    def feed(self, side: int, run: Sequence[Any]) -> None:
        """Add messages of a side."""
        state = self.sides[side]
        end = self._ends[1 - side]
        until = self._until
        for message in run:
            time = message.timestamp()[1]
            key = message.key()
            value = KeyValue(_content(message, timed=self._timed), message.offset(), time)
            if end is not None and key == end[0] and self._mark(message) == end:
                state.catch_up()
                state.add(key, value)
                state.has_end = True
            elif state.has_end or (until is not None and time > until):
                state.add_later(key, value)
            else:
                state.add(key, value)
        del state.times[:-MAX_TIMES]

    def _mark(self, message: Any) -> tuple[Any, ...]:
        """Return an identity of a record, as precise as the clocks allow."""
        time = message.timestamp()[1] if self._timed else 0
        return message.key(), _content(message, timed=self._timed), time

    def advance(self) -> None:
        """Finish if both sides have ended."""
        if self.done or not all(state.ended for state in self.sides):
            return
        a, b = self.sides
        for state, peer in ((a, b), (b, a)):
            if peer.has_end and not state.has_end:  # the other side has all records of this one
                state.catch_up()
        if a.head and b.head:  # equal records with different clocks: the shorter head is behind
            min((a, b), key=lambda state: len(state.missing)).catch_up()
        self.done = True

    def result(self, a: PartitionBounds, b: PartitionBounds) -> PartitionResult:
        """Return the result; a difference only has the offsets of its records."""
        left, right = self.sides
        same = 0
        only_a = []
        only_b = []
        for key in left.values.keys() | right.values.keys():
            in_a = left.values.get(key)
            in_b = right.values.get(key)
            if in_a is not None and in_b is not None and in_a.content == in_b.content:
                same += 1
            elif not _explained(key, in_a, in_b, right) and not _explained(key, in_b, in_a, left):
                if in_a is not None:
                    only_a.append(in_a)
                if in_b is not None:
                    only_b.append(in_b)
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
        fault = difference_kind(len(only_a), len(only_b))
        return RecordDifference(fault=fault, a=self._first(only_a), b=self._first(only_b))

    def _first(self, values: list[KeyValue]) -> TopicRecord | None:
        if not values:
            return None
        first = min(values, key=lambda value: value.offset)
        return TopicRecord(
            partition=self.partition, offset=first.offset, time=first.time, key=None, value=None
        )


def _explained(
    key: bytes | None, value: KeyValue | None, other_value: KeyValue | None, other_side: KeyState
) -> bool:
    """Return whether compaction explains why `other_value` differs from `value`.

    If the key has a newer record on the other side, its older records may be gone. A deleted key
    may be gone completely.
    """
    if key in other_side.later:
        return True
    return other_value is None and value is not None and value.content == TOMBSTONE


def _head(side: KeyState, bounds: PartitionBounds) -> UnmatchedRange | None:
    if side.head is None or bounds.newest is None:
        return None
    count = bounds.latest - side.head.offset
    return UnmatchedRange(count=count, first=side.head, last=bounds.newest)


def _content(message: Any, *, timed: bool) -> bytes:
    value = message.value()
    if value is None:
        return TOMBSTONE
    content = hashlib.blake2b(value, digest_size=HASH)
    stamp = message.timestamp()[1] if timed else 0
    content.update(repr((stamp, len(value), message.headers() or ())).encode())
    return content.digest()
