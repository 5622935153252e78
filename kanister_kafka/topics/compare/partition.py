"""One partition on both sides, compared as its records come, in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from kanister_kafka.topics.compare.alignment import MIN_MATCH, AlignedPiece, align, pieces
from kanister_kafka.topics.compare.records import RecordBatch, RecordDigest
from kanister_kafka.topics.model import (
    STRAYS,
    DifferenceKind,
    PartitionBounds,
    PartitionResult,
    RecordDifference,
    RecordPosition,
    TopicRecord,
    UnmatchedRange,
)
from kanister_kafka.topics.partition_reader import to_topic_record

# What has been read of one side of a partition and waits for the other.

WINDOW = 2000
"""Records of each side in which both are looked for to go on alike."""
WINDOW_BYTES = 16 << 20
"""Where records are large, fewer; and where there are many partitions, fewer again."""
MAX_TIMES = 120
"""Times that are kept for a drawing, at each end of what is common."""
NULL_TOO = 64
"""Bytes that a record takes besides its key and value, about."""


@dataclass(slots=True)
class ReadBuffer:
    """What has been read of one side and not been compared yet."""

    window: int
    """Bytes that are enough to look for a place where both go on alike."""
    jumped: bool = False
    """Whether it is read from the time at which the other side begins, its older records unread."""
    messages: list[Any] = field(default_factory=list)
    records: RecordBatch = field(default_factory=RecordBatch)
    size: int = 0
    """Bytes, about."""
    ended: bool = False
    tail: int = 0
    """Records skipped before the first common one."""
    skipped: TopicRecord | None = None
    """The last of these."""
    first: RecordPosition | None = None
    last: RecordPosition | None = None
    only: int = 0

    @property
    def full(self) -> bool:
        """Whether it holds enough to look for a place where both go on alike."""
        return len(self.records) >= WINDOW or self.size >= self.window

    def add(self, run: Sequence[Any], *, timed: bool) -> None:
        """Take in what was read."""
        self.messages += run
        self.records.add(run, timed=timed)
        self.size += _size(run)

    def drop(self, count: int) -> None:
        """Forget the first records."""
        if count == len(self.messages):
            self.size = 0
        else:
            self.size -= _size(self.messages[:count])
        del self.messages[:count]
        self.records.drop(count)

    def spot(self, at: int) -> RecordPosition:
        """Return the place of a record."""
        message = self.messages[at]
        return RecordPosition(offset=message.offset(), time=message.timestamp()[1])

    def shown(self, at: int) -> TopicRecord | None:
        """Return a record as it is shown, or None where there is none yet."""
        return to_topic_record(self.messages[at]) if at < len(self.messages) else None


def _size(run: Sequence[Any]) -> int:
    """Return how many bytes some messages take, about; their length is that of the value."""
    return sum(map(len, run)) + NULL_TOO * len(run)


@dataclass(frozen=True, slots=True)
class _ComparisonStart:
    """What both sides began with, too little of it to be sure that they go on alike."""

    records: RecordBatch
    times: list[int]
    firsts: tuple[RecordPosition, RecordPosition] | None
    lasts: tuple[RecordPosition, RecordPosition] | None
    shown: tuple[TopicRecord | None, TopicRecord | None]
    """The first that are not alike."""


@dataclass(frozen=True, slots=True)
class StrayRecord:
    """Records that only B has."""

    records: RecordBatch
    instead: RecordBatch
    """What A has between the same two records that both have."""
    after: int | None
    """Offset in A of the first of these two, None where there is none before."""
    before: int | None
    """Offset of the second, None where there is none behind."""


class PartitionComparer:
    """Compares one partition.

    Feed it what each side has, in order, and tell it when a side has ended; `done` says that
    nothing more is needed.
    """

    def __init__(
        self,
        partition: int,
        *,
        timed: bool,
        window: int = WINDOW_BYTES,
        jumped: tuple[bool, bool] = (False, False),
    ) -> None:
        self.partition, self._timed = partition, timed
        self.sides = self.a, self.b = ReadBuffer(window, jumped[0]), ReadBuffer(window, jumped[1])
        self.common = 0
        self.done = False
        self._digest = RecordDigest()
        self._aligned = False
        self._times: list[int] = []
        self._missing: list[int] = []
        self._difference: RecordDifference | None = None
        self._begin: _ComparisonStart | None = None
        self._given_up = False
        self.strays: list[StrayRecord] = []
        """What only B has, with the offsets of A between which it would be."""

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
        if not a.records or not b.records:
            return self._give_up_all(self._begin) if self._begin else self._end()
        self._begin = self._begin or _begin(a, b)
        found = self._shift()
        if found is None:
            # Both windows are different: the older one moves on, by half for what is on its border.
            older = a if a.spot(0).time <= b.spot(0).time else b
            self._skip_tail(older, max(1, len(older.records) // 2))
            return True
        if all(found) and self._begin_alike():
            # Neither has older records: what differs comes behind these, however few they are.
            found = (0, 0)
        first, *others = self._pieces(*found)
        if not a.tail:
            self._stray(first.b, first.a)
        self._skip_tail(a, first.a)
        self._skip_tail(b, first.b)
        if (a.tail and (b.tail or b.jumped)) or (b.tail and a.jumped):
            # Both have older records than the first common one: these are not the same.
            self._differ(_fault(a.tail, b.tail), a.skipped, b.skipped)
        self._aligned = True
        a.first, b.first = a.spot(0), b.spot(0)
        self._same(a.records.first(first.same))
        self._between(others)
        return True

    def _compare(self) -> bool:
        """Compare what both have; tell whether to go on."""
        a, b = self.a, self.b
        count = min(len(a.records), len(b.records))
        if not count:
            return self._end()
        in_a, in_b = a.records.first(count), b.records.first(count)
        if in_a == in_b:
            self._same(in_a)
            return True
        pairs = zip(in_a.tokens(), in_b.tokens(), strict=True)
        same = next((i for i, (one, other) in enumerate(pairs) if one != other), count)
        self._same(in_a.first(same))
        return same == count or self._resync()

    def _same(self, records: RecordBatch) -> None:
        if not (count := len(records)):
            return
        a, b = self.a, self.b
        self._digest.add(records)
        self.common += count
        a.last, b.last = a.spot(count - 1), b.spot(count - 1)
        recent = a.messages[max(0, count - MAX_TIMES) : count]
        self._times = [*self._times, *(m.timestamp()[1] for m in recent)][-MAX_TIMES:]
        a.drop(count)
        b.drop(count)

    def _resync(self) -> bool:
        """Find where both go on alike after a difference; tell whether to go on."""
        a, b = self.a, self.b
        if not (a.full or a.ended) or not (b.full or b.ended):
            return False
        found = self._shift()
        if found is not None:
            self._between(self._pieces(*found))
            return True
        # No run is long enough: what is alike here and there, in this order, is in both still.
        some = self._pieces(len(a.records), len(b.records))
        if not some[-1].same:
            some.pop()
        if not some:
            return self._give_up(a.shown(0), b.shown(0))
        self._between(some)
        return True

    def _stray(self, count: int, in_a: int) -> None:
        """Keep the next records of B, which stand for so many of A."""
        a, b = self.a, self.b
        left = STRAYS - sum(len(stray.records) for stray in self.strays)
        if not count or left <= 0:
            return
        self.strays.append(
            StrayRecord(
                records=b.records.first(min(count, left)),
                instead=a.records.first(in_a),
                after=a.last.offset if a.last else None,
                before=a.spot(in_a).offset if in_a < len(a.records) else None,
            )
        )

    def _begin_alike(self) -> bool:
        return self.a.records.first(1) == self.b.records.first(1)

    def _pieces(self, in_a: int, in_b: int) -> list[AlignedPiece]:
        """Split so many of the first records of each side into what is in both and what is not."""
        return pieces(self.a.records.first(in_a).tokens(), self.b.records.first(in_b).tokens())

    def _between(self, some: Sequence[AlignedPiece]) -> None:
        """Count what only one side has, and what both have behind it."""
        a, b = self.a, self.b
        for piece in some:
            if piece.a or piece.b:
                fault = _fault(piece.a, piece.b)
                self._differ(
                    fault,
                    a.shown(0) if fault is not DifferenceKind.ONLY_B else None,
                    b.shown(0) if fault is not DifferenceKind.ONLY_A else None,
                )
                self._stray(piece.b, piece.a)
                for side, count in ((a, piece.a), (b, piece.b)):
                    side.only += count
                    side.drop(count)
            self._same(a.records.first(piece.same))

    def _end(self) -> bool:
        """See whether one side is at its end; what the other has more is its head."""
        a, b = self.a, self.b
        for side, other in ((a, b), (b, a)):
            enough = other.ended or other.full or len(other.records) >= MAX_TIMES
            if side.ended and not side.records and enough:
                if other is b:
                    self._stray(len(b.records), 0)
                self._missing = [m.timestamp()[1] for m in other.messages[:MAX_TIMES]]
                self.done = True
                break
        return False

    def _shift(self) -> tuple[int, int] | None:
        a, b = self.a, self.b
        # Where records are so large that a window holds few, fewer in a row have to do.
        held = [len(side.records) for side in (a, b) if not side.ended]
        sure = max(1, min([MIN_MATCH, *(count // 2 for count in held)]))
        return align(
            a.records.tokens(), b.records.tokens(), a_ends=a.ended, b_ends=b.ended, sure=sure
        )

    def _skip_tail(self, side: ReadBuffer, count: int) -> None:
        if not count:
            return
        side.skipped = side.shown(count - 1)
        side.tail += count
        side.drop(count)

    def _give_up(self, a: TopicRecord | None, b: TopicRecord | None) -> bool:
        """Compare no more: nothing in common is found from here on."""
        self._differ(DifferenceKind.OTHER, a, b)
        self._given_up = self.done = True
        return False

    def _give_up_all(self, begin: _ComparisonStart) -> bool:
        """Say that nothing is in both, but for what both began with."""
        a, b = self.a, self.b
        if begin.firsts is not None and begin.lasts is not None:
            self._digest.add(begin.records)
            self.common = len(begin.records)
            self._times = begin.times[-MAX_TIMES:]
            (a.first, b.first), (a.last, b.last) = begin.firsts, begin.lasts
        return self._give_up(*begin.shown)

    def _differ(self, fault: DifferenceKind, a: TopicRecord | None, b: TopicRecord | None) -> None:
        if self._difference is None:
            self._difference = RecordDifference(fault=fault, a=a, b=b)

    def result(self, a: PartitionBounds, b: PartitionBounds) -> PartitionResult:
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

    def _head(self, side: ReadBuffer, extent: PartitionBounds) -> UnmatchedRange | None:
        """Return what a side has after all that is common; its rest was not read."""
        if self._given_up or not side.records or extent.newest is None:
            return None
        first = side.spot(0)
        return UnmatchedRange(count=extent.latest - first.offset, first=first, last=extent.newest)


def _begin(a: ReadBuffer, b: ReadBuffer) -> _ComparisonStart:
    """Return what both sides begin with, as they are."""
    alike = zip(a.records.tokens(), b.records.tokens(), strict=False)
    count = sum(1 for _ in takewhile(lambda both: both[0] == both[1], alike))
    return _ComparisonStart(
        records=a.records.first(count),
        times=[message.timestamp()[1] for message in a.messages[:count]],
        firsts=(a.spot(0), b.spot(0)) if count else None,
        lasts=(a.spot(count - 1), b.spot(count - 1)) if count else None,
        shown=(a.shown(count), b.shown(count)),
    )


def _tail(side: ReadBuffer, extent: PartitionBounds) -> UnmatchedRange | None:
    """Return what a side has before all that is common, what was passed over unread included."""
    if side.first is None or extent.oldest is None:
        return None
    if extent.oldest.offset >= side.first.offset:
        return None
    count = side.first.offset - extent.oldest.offset
    skipped = side.skipped
    last = RecordPosition(offset=skipped.offset, time=skipped.time) if skipped else extent.oldest
    return UnmatchedRange(count=count, first=extent.oldest, last=last)


def _fault(a: int, b: int) -> DifferenceKind:
    """Return how both differ, where so many records are in one side alone."""
    return (
        DifferenceKind.ONLY_B if not a else DifferenceKind.ONLY_A if not b else DifferenceKind.OTHER
    )
