"""One partition on both sides, compared as its records arrive, in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field, replace
from itertools import takewhile
from typing import Any

from kanister_kafka.topics.compare.alignment import MIN_MATCH, AlignedPiece, align, pieces
from kanister_kafka.topics.model import (
    STRAYS,
    DifferenceKind,
    DigestKind,
    PartitionBounds,
    PartitionResult,
    RecordDifference,
    RecordPosition,
    TopicRecord,
    UnmatchedRange,
)
from kanister_kafka.topics.records import RecordBatch, RecordDigest

WINDOW = 2000
"""Records of each side that are searched for common records."""
WINDOW_BYTES = 16 << 20
"""Limit of the window for large records; it is lower if there are many partitions."""
MAX_TIMES = 120
"""Times that are kept for a drawing, at each end of the common records."""


@dataclass(slots=True)
class ReadBuffer:
    """Records of one side that were read and not compared yet."""

    window: int
    """Bytes that are enough to search for common records."""
    jumped: bool = False
    """Whether reading began at the first time of the other side, and skipped older records."""
    timed: InitVar[bool] = True
    partition: int = 0
    records: RecordBatch = field(init=False)
    size: int = 0
    """Approximate bytes."""
    ended: bool = False
    tail: int = 0
    """Records skipped before the first common one."""
    skipped: TopicRecord | None = None
    """The last of these."""
    first: RecordPosition | None = None
    last: RecordPosition | None = None
    only: int = 0

    def __post_init__(self, timed: bool) -> None:
        self.records = RecordBatch(timed)

    @property
    def full(self) -> bool:
        """Whether it has enough records to search for common ones."""
        return len(self.records) >= WINDOW or self.size >= self.window

    def add(self, records: RecordBatch) -> None:
        """Add records, which are not copied if there are no others."""
        if self.records:
            self.records.extend(records)
        else:
            self.records = records
        self.size += records.size

    def drop(self, count: int) -> None:
        """Remove the first records."""
        if count >= len(self.records):  # usual for one side, and faster than to empty each column
            self.records = RecordBatch(self.records.timed)
            self.size = 0
            return
        self.records.drop(count)
        self.size = self.records.size

    def spot(self, at: int) -> RecordPosition:
        """Return the position of a record."""
        return self.records.position(at)

    def shown(self, at: int) -> TopicRecord | None:
        """Return a record, or None if it has not been read yet."""
        return self.records.record(at, self.partition) if at < len(self.records) else None


@dataclass(frozen=True, slots=True)
class _ComparisonStart:
    """The common first records of both sides, too few to be sure that the sides are aligned."""

    records: RecordBatch
    times: list[int]
    firsts: tuple[RecordPosition, RecordPosition] | None
    lasts: tuple[RecordPosition, RecordPosition] | None
    shown: tuple[TopicRecord | None, TopicRecord | None]
    """The first different record of each side."""


@dataclass(frozen=True, slots=True)
class StrayRecord:
    """Records that only B has."""

    records: RecordBatch
    instead: RecordBatch
    """Records of A between the same two common records."""
    after: int | None
    """Offset in A of the first of these two; None if there is none."""
    before: int | None
    """Offset in A of the second; None if there is none."""


class PartitionComparer:
    """Compares one partition.

    Feed it the records of each side in order, and set `ended` of a side at its end. `done` is true
    when it needs no more records.
    """

    def __init__(
        self,
        partition: int,
        *,
        timed: bool,
        window: int = WINDOW_BYTES,
        jumped: tuple[bool, bool] = (False, False),
    ) -> None:
        self.partition = partition
        self._timed = timed
        self.a = ReadBuffer(window, jumped[0], timed, partition)
        self.b = ReadBuffer(window, jumped[1], timed, partition)
        self.sides = (self.a, self.b)
        self.common = 0
        self.done = False
        self._digest = RecordDigest()
        self._digested = True
        """Whether all common records are in the digest."""
        self.batch_digest = ""
        """Digest of all batches, if they were read as batches and are equal on both sides."""
        self._aligned = False
        self._times: list[int] = []
        self._missing: list[int] = []
        self._difference: RecordDifference | None = None
        self._begin: _ComparisonStart | None = None
        self._given_up = False
        self.strays: list[StrayRecord] = []
        """Records that only B has."""

    def feed(self, side: int, run: Sequence[Any]) -> None:
        """Add messages of librdkafka to A (0) or B (1), and compare as far as both sides reach."""
        records = RecordBatch(self._timed)
        records.add(run)
        self.feed_records(side, records)

    def feed_records(self, side: int, records: RecordBatch) -> None:
        """Add records to A (0) or B (1), and compare as far as both sides reach.

        The side keeps `records` itself, so the caller must not use it any more.
        """
        self.sides[side].add(records)
        self.advance()

    @property
    def in_step(self) -> bool:
        """Whether the sides are aligned, and all records that were fed are compared.

        Then the next records of both sides are compared with each other.
        """
        return self._aligned and not self.a.records and not self.b.records

    def skip(self, count: int) -> None:
        """Count common records that the caller has compared, as batches, while `in_step`.

        The last common records must be fed as records after that, because their positions and
        times are in the result.
        """
        self.common += count
        self._digested = False

    def advance(self) -> None:
        """Compare the records that both sides have reached."""
        while not self.done:
            moved = self._compare() if self._aligned else self._align()
            if not moved:
                return

    def _align(self) -> bool:
        """Search the first common record; return whether to continue."""
        a, b = self.a, self.b
        waits = not (a.full or a.ended) or not (b.full or b.ended)
        if waits and not self._begins_alike(MIN_MATCH):
            return False
        if not a.records or not b.records:
            return self._give_up_all(self._begin) if self._begin else self._end()
        shift = self._shift()
        if shift is None:
            self._begin = self._begin or _begin(a, b)
            # Nothing in common: skip half of the older window, as common records may be at its end.
            older = a if a.spot(0).time <= b.spot(0).time else b
            self._skip_tail(older, max(1, len(older.records) // 2))
            return True
        if all(shift) and a.records.first(1).is_same(b.records.first(1)):
            # The first records are equal, so neither side has older ones.
            shift = (0, 0)
        first, *following = self._pieces(*shift)
        if not a.tail:
            self._stray(first.b, first.a)
        self._skip_tail(a, first.a)
        self._skip_tail(b, first.b)
        if (a.tail and (b.tail or b.jumped)) or (b.tail and a.jumped):
            # Both sides have older records than the first common one, and these differ.
            self._differ(difference_kind(a.tail, b.tail), a.skipped, b.skipped)
        self._aligned = True
        a.first = a.spot(0)
        b.first = b.spot(0)
        self._same(a.records.first(first.same))
        self._between(following)
        return True

    def _compare(self) -> bool:
        """Compare the next records of both sides; return whether to continue."""
        a, b = self.a, self.b
        count = min(len(a.records), len(b.records))
        if not count:
            return self._end()
        # A side that is compared completely is not copied.
        in_a = a.records if count == len(a.records) else a.records.first(count)
        in_b = b.records if count == len(b.records) else b.records.first(count)
        if in_a.is_same(in_b):
            self._same(in_a)
            return True
        pairs = zip(in_a.tokens(), in_b.tokens(), strict=True)
        same = next((i for i, (token_a, token_b) in enumerate(pairs) if token_a != token_b), count)
        self._same(in_a.first(same))
        return same == count or self._resync()

    def _same(self, records: RecordBatch) -> None:
        if not (count := len(records)):
            return
        a, b = self.a, self.b
        self._digest.add(records)
        self.common += count
        a.last = a.spot(count - 1)
        b.last = b.spot(count - 1)
        self._times += records.times[-MAX_TIMES:]
        del self._times[:-MAX_TIMES]
        a.drop(count)
        b.drop(count)

    def _resync(self) -> bool:
        """Align both sides after a difference; return whether to continue."""
        a, b = self.a, self.b
        if not (a.full or a.ended) or not (b.full or b.ended):
            return False
        shift = self._shift()
        if shift is not None:
            self._between(self._pieces(*shift))
            return True
        # No run of equal records is long enough, but single records in the same order are common.
        parts = self._pieces(len(a.records), len(b.records))
        if not parts[-1].same:
            parts.pop()
        if not parts:
            return self._give_up(a.shown(0), b.shown(0))
        self._between(parts)
        return True

    def _stray(self, count: int, in_a: int) -> None:
        """Keep the next records of B, which are in the place of `in_a` records of A."""
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

    def _pieces(self, in_a: int, in_b: int) -> list[AlignedPiece]:
        """Split the first records of each side into common ones and others."""
        return pieces(self.a.records.first(in_a).tokens(), self.b.records.first(in_b).tokens())

    def _between(self, parts: Sequence[AlignedPiece]) -> None:
        """Count records of one side only, and the common records after them."""
        a, b = self.a, self.b
        for piece in parts:
            if piece.a or piece.b:
                fault = difference_kind(piece.a, piece.b)
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
        """Check whether one side is at its end; further records of the other side are its head."""
        a, b = self.a, self.b
        for side, other_side in ((a, b), (b, a)):
            enough = other_side.ended or other_side.full or len(other_side.records) >= MAX_TIMES
            if side.ended and not side.records and enough:
                if other_side is b:
                    self._stray(len(b.records), 0)
                self._missing = other_side.records.times[:MAX_TIMES]
                self.done = True
                break
        return False

    def _shift(self) -> tuple[int, int] | None:
        a, b = self.a, self.b
        # If a window has few records, because they are large, fewer equal ones in a row suffice.
        sure = MIN_MATCH
        for side in (a, b):
            if not side.ended:
                sure = max(1, min(sure, len(side.records) // 2))
        if self._begins_alike(sure):
            return 0, 0  # what `align` returns, without a search in both windows
        return align(
            a.records.tokens(), b.records.tokens(), a_ends=a.ended, b_ends=b.ended, sure=sure
        )

    def _begins_alike(self, count: int) -> bool:
        """Return whether the next records of both sides are equal."""
        a = self.a.records.first(count)
        return len(a) == count and a.is_same(self.b.records.first(count))

    def _skip_tail(self, side: ReadBuffer, count: int) -> None:
        if not count:
            return
        side.skipped = side.shown(count - 1)
        side.tail += count
        side.drop(count)

    def _give_up(self, a: TopicRecord | None, b: TopicRecord | None) -> bool:
        """Stop comparing, because no common record was found from here on."""
        self._differ(DifferenceKind.OTHER, a, b)
        self._given_up = self.done = True
        return False

    def _give_up_all(self, begin: _ComparisonStart) -> bool:
        """Stop comparing; only the first records of both sides are common."""
        a, b = self.a, self.b
        if begin.firsts is not None and begin.lasts is not None:
            self._digest.add(begin.records)
            self.common = len(begin.records)
            self._times = begin.times[-MAX_TIMES:]
            a.first, b.first = begin.firsts
            a.last, b.last = begin.lasts
        return self._give_up(*begin.shown)

    def _differ(self, fault: DifferenceKind, a: TopicRecord | None, b: TopicRecord | None) -> None:
        if self._difference is None:
            self._difference = RecordDifference(fault=fault, a=a, b=b)

    def result(self, a: PartitionBounds, b: PartitionBounds) -> PartitionResult:
        """Return the result; `a` and `b` are the bounds of both sides."""
        result = PartitionResult(
            partition=self.partition,
            a=a,
            b=b,
            common=self.common,
            first_a=self.a.first,
            first_b=self.b.first,
            last_a=self.a.last,
            last_b=self.b.last,
            digest=self._digest.hex() if self.common and self._digested else "",
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
        # If only a part of the records is common, the batches that were compared as bytes depend on
        # the batches of B, so a digest of them would not identify the common records.
        ends = (result.tail_a, result.tail_b, result.head_a, result.head_b)
        if not self._digested and self.batch_digest and not result.differs and not any(ends):
            return replace(result, digest=self.batch_digest, digest_of=DigestKind.BATCHES)
        return result

    def _head(self, side: ReadBuffer, bounds: PartitionBounds) -> UnmatchedRange | None:
        """Return the records of a side after the common ones; not all of them were read."""
        if self._given_up or not side.records or bounds.newest is None:
            return None
        first = side.spot(0)
        return UnmatchedRange(count=bounds.latest - first.offset, first=first, last=bounds.newest)


def _begin(a: ReadBuffer, b: ReadBuffer) -> _ComparisonStart:
    """Return the equal first records of both sides."""
    alike = zip(a.records.tokens(), b.records.tokens(), strict=False)
    count = sum(1 for _ in takewhile(lambda both: both[0] == both[1], alike))
    return _ComparisonStart(
        records=a.records.first(count),
        times=a.records.times[:count],
        firsts=(a.spot(0), b.spot(0)) if count else None,
        lasts=(a.spot(count - 1), b.spot(count - 1)) if count else None,
        shown=(a.shown(count), b.shown(count)),
    )


def _tail(side: ReadBuffer, bounds: PartitionBounds) -> UnmatchedRange | None:
    """Return the records of a side before the common ones, including those that were not read."""
    if side.first is None or bounds.oldest is None:
        return None
    if bounds.oldest.offset >= side.first.offset:
        return None
    count = side.first.offset - bounds.oldest.offset
    skipped = side.skipped
    last = RecordPosition(offset=skipped.offset, time=skipped.time) if skipped else bounds.oldest
    return UnmatchedRange(count=count, first=bounds.oldest, last=last)


def difference_kind(a: int, b: int) -> DifferenceKind:
    """Return the kind of a difference; `a` and `b` are the numbers of records of one side only."""
    return (
        DifferenceKind.ONLY_B if not a else DifferenceKind.ONLY_A if not b else DifferenceKind.OTHER
    )
