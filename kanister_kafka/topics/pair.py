"""One partition on both sides, compared as its records come, in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kanister_kafka.topics.align import shift
from kanister_kafka.topics.model import (
    Difference,
    Extent,
    Fault,
    Message,
    Only,
    PartitionResult,
    Spot,
)
from kanister_kafka.topics.records import Digest, Record, records, token

WINDOW = 2000
"""Records of each side in which both are looked for to go on alike."""
WINDOW_BYTES = 16 << 20
"""Where records are large, fewer; and where there are many partitions, fewer again."""
DRAWN = 120
"""Times that are kept for a drawing, at each end of what is common."""
NULL_TOO = 64
"""Bytes that a record takes besides its key and value, about."""


@dataclass(slots=True)
class Side:
    """What has been read of one side and not been compared yet."""

    window: int
    """Bytes that are enough to look for a place where both go on alike."""
    messages: list[Any] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    size: int = 0
    """Bytes, about."""
    ended: bool = False
    tail: int = 0
    """Records skipped before the first common one."""
    tail_last: Spot | None = None
    first: Spot | None = None
    last: Spot | None = None
    only: int = 0

    @property
    def full(self) -> bool:
        """Whether it holds enough to look for a place where both go on alike."""
        return len(self.records) >= WINDOW or self.size >= self.window

    def add(self, run: Sequence[Any], *, timed: bool) -> None:
        """Take in what was read."""
        self.messages += run
        self.records += records(run, timed=timed)
        self.size += sum(map(len, run)) + NULL_TOO * len(run)

    def drop(self, count: int) -> None:
        """Forget the first records."""
        self.size -= sum(map(len, self.messages[:count])) + NULL_TOO * count
        del self.messages[:count]
        del self.records[:count]

    def spot(self, at: int) -> Spot:
        """Return the place of a record."""
        message = self.messages[at]
        return Spot(offset=message.offset(), time=message.timestamp()[1])

    def shown(self, at: int) -> Message | None:
        """Return a record as it is shown, or None where there is none yet."""
        return shown(self.messages[at]) if at < len(self.messages) else None


def shown(message: Any) -> Message:
    """Return a record of librdkafka as it is shown."""
    return Message(
        partition=message.partition(),
        offset=message.offset(),
        time=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=tuple(message.headers() or ()),
    )


class Pair:
    """Compares one partition.

    Feed it what each side has, in order, and tell it when a side has ended; `done` says that
    nothing more is needed.
    """

    def __init__(self, partition: int, *, timed: bool, window: int = WINDOW_BYTES) -> None:
        self.partition, self._timed = partition, timed
        self.sides = self.a, self.b = Side(window), Side(window)
        self.common = 0
        self.done = False
        self._digest = Digest()
        self._aligned = False
        self._times: list[int] = []
        self._missing: list[int] = []
        self._difference: Difference | None = None
        self._begin: tuple[Message | None, Message | None] | None = None
        self._given_up = False

    def feed(self, side: int, run: Sequence[Any]) -> None:
        """Take in some messages of A, 0, or of B, 1, and compare as far as both have come."""
        self.sides[side].add(run, timed=self._timed)
        self.advance()

    def advance(self) -> None:
        """Compare as far as both have come."""
        while not self.done:
            moved = self._compare() if self._aligned else self._align()
            if not moved:
                return

    def _align(self) -> bool:
        """Look for the first record that both have; tell whether to go on."""
        a, b = self.a, self.b
        if not (a.full or a.ended) or not (b.full or b.ended):
            return False
        if not a.records or not b.records:  # one is empty
            self.done = True
            return False
        self._begin = self._begin or (a.shown(0), b.shown(0))
        found = self._shift()
        if found is None:
            # Both windows are different: the older one moves on, by half for what is on its border.
            older = a if a.spot(0).time <= b.spot(0).time else b
            self._skip_tail(older, max(1, len(older.records) // 2))
            if older.ended and not older.records:
                self._differ(Fault.OTHER, *self._begin)
                self._given_up = self.done = True
            return not self.done
        for side, count in zip((a, b), found, strict=True):
            self._skip_tail(side, count)
        if a.tail and b.tail:
            self._differ(Fault.OTHER, a.shown(0), b.shown(0))
        self._aligned = True
        a.first, b.first = a.spot(0), b.spot(0)
        return True

    def _compare(self) -> bool:
        """Compare what both have; tell whether to go on."""
        a, b = self.a, self.b
        count = min(len(a.records), len(b.records))
        if not count:
            return self._end()
        if a.records[:count] == b.records[:count]:
            self._same(count)
            return True
        same = next(i for i in range(count) if a.records[i] != b.records[i])
        self._same(same)
        return self._resync()

    def _same(self, count: int) -> None:
        if not count:
            return
        a, b = self.a, self.b
        self._digest.add(a.records[:count])
        self.common += count
        a.last, b.last = a.spot(count - 1), b.spot(count - 1)
        recent = a.messages[max(0, count - DRAWN) : count]
        self._times = [*self._times, *(m.timestamp()[1] for m in recent)][-DRAWN:]
        a.drop(count)
        b.drop(count)

    def _resync(self) -> bool:
        """Find where both go on alike after a difference; tell whether to go on."""
        a, b = self.a, self.b
        if not (a.full or a.ended) or not (b.full or b.ended):
            return False
        found = self._shift()
        fault = Fault.OTHER
        if found is not None:
            fault = Fault.ONLY_B if not found[0] else Fault.ONLY_A if not found[1] else Fault.OTHER
        self._differ(
            fault,
            a.shown(0) if fault is not Fault.ONLY_B else None,
            b.shown(0) if fault is not Fault.ONLY_A else None,
        )
        if found is None:
            a.only += len(a.records)
            b.only += len(b.records)
            self._given_up = self.done = True
            return False
        for side, count in zip((a, b), found, strict=True):
            side.only += count
            side.drop(count)
        return True

    def _end(self) -> bool:
        """See whether one side is at its end; what the other has more is its head."""
        a, b = self.a, self.b
        for side, other in ((a, b), (b, a)):
            if side.ended and not side.records and (other.records or other.ended):
                self._missing = [m.timestamp()[1] for m in other.messages[:DRAWN]]
                self.done = True
                break
        return False

    def _shift(self) -> tuple[int, int] | None:
        a, b = self.a, self.b
        return shift(
            [token(record) for record in a.records],
            [token(record) for record in b.records],
            a_ends=a.ended,
            b_ends=b.ended,
        )

    def _skip_tail(self, side: Side, count: int) -> None:
        if not count:
            return
        side.tail_last = side.spot(count - 1)
        side.tail += count
        side.drop(count)

    def _differ(self, fault: Fault, a: Message | None, b: Message | None) -> None:
        if self._difference is None:
            self._difference = Difference(fault=fault, a=a, b=b)

    def result(self, a: Extent, b: Extent) -> PartitionResult:
        """Return what was found, with what each side holds."""
        return PartitionResult(
            partition=self.partition,
            a=a,
            b=b,
            common=self.common,
            first_a=self.a.first,
            first_b=self.b.first,
            last_a=self.a.last,
            last_b=self.b.last,
            digest=self._digest.hex() if self.common else "",
            tail_a=_tail(self.a, a),
            tail_b=_tail(self.b, b),
            head_a=self._head(self.a, a),
            head_b=self._head(self.b, b),
            only_a=self.a.only,
            only_b=self.b.only,
            difference=self._difference,
            given_up=self._given_up,
            times=tuple(self._times),
            missing=tuple(self._missing),
        )

    def _head(self, side: Side, extent: Extent) -> Only | None:
        """Return what a side has after all that is common; its rest was not read."""
        if self._given_up or not side.records or extent.newest is None:
            return None
        first = side.spot(0)
        return Only(count=extent.latest - first.offset, first=first, last=extent.newest)


def _tail(side: Side, extent: Extent) -> Only | None:
    """Return what a side has before all that is common, what was passed over unread included."""
    if side.first is None or extent.oldest is None:
        return None
    if extent.oldest.offset >= side.first.offset:
        return None
    count = side.first.offset - extent.oldest.offset
    return Only(count=count, first=extent.oldest, last=side.tail_last or extent.oldest)
