"""Records as librdkafka gives them, for tests that need no broker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kanister_kafka.topics.compare.partition import WINDOW_BYTES, PartitionComparer
from kanister_kafka.topics.model import PartitionBounds, PartitionResult, RecordPosition
from kanister_kafka.topics.records import RecordBatch, RecordDigest

START = 1_700_000_000_000
"""Time of the first record, ms since 1970."""
Headers = list[tuple[str, "bytes | None"]]


@dataclass(frozen=True)
class Record:
    """What `confluent_kafka.Message` answers."""

    at: int = 0
    """Its offset."""
    held_key: bytes | None = None
    held_value: bytes | None = b"value"
    time: int = START
    held_headers: Headers | None = None

    def __len__(self) -> int:
        return len(self.held_value or b"")

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.at

    def key(self) -> bytes | None:
        return self.held_key

    def value(self) -> bytes | None:
        return self.held_value

    def timestamp(self) -> tuple[int, int]:
        return 1, self.time

    def headers(self) -> Headers | None:
        return self.held_headers


def log(count: int, step: int = 10, size: int = 4) -> list[Record]:
    """Return records that are all different, in the order of their times."""
    return [
        Record(
            at,
            b"key-%d" % (at % 7) if at % 3 else None,
            None if at % 11 == 5 else (b"%d " % at).ljust(size, b"."),
            START + step * at,
            [("trace", b"%d" % at), ("empty", None)] if at % 4 == 1 else None,
        )
        for at in range(count)
    ]


def at_offsets(records: Sequence[Record], offsets: Sequence[int]) -> list[Record]:
    """Return the same records at other offsets."""
    return [replace(record, at=at) for record, at in zip(records, offsets, strict=True)]


def extent(records: Sequence[Record]) -> PartitionBounds:
    """Return what a side with these records holds."""
    if not records:
        return PartitionBounds(earliest=0, latest=0, oldest=None, newest=None)
    ends = [
        RecordPosition(offset=record.at, time=record.time) for record in (records[0], records[-1])
    ]
    return PartitionBounds(
        earliest=records[0].at, latest=records[-1].at + 1, oldest=ends[0], newest=ends[1]
    )


def columns(records: Sequence[Record], *, timed: bool = True) -> RecordBatch:
    """Return what is compared of some records."""
    made = RecordBatch(timed)
    made.add(records)
    return made


def digest(records: Sequence[Record]) -> str:
    """Return the digest of some records taken in at once."""
    made = RecordDigest()
    made.add(columns(records))
    return made.hex()


def paired(
    a: Sequence[Record],
    b: Sequence[Record],
    pieces: Sequence[int] = (1000,),
    *,
    window: int = WINDOW_BYTES,
    jumped: tuple[bool, bool] = (False, False),
) -> tuple[PartitionResult, int]:
    """Compare two sides that come in pieces, the one that is behind first.

    Returns the result and the most bytes that were held of one side between two pieces.
    """
    pair = PartitionComparer(0, timed=True, window=window, jumped=jumped)
    rest, most, turn = [list(a), list(b)], 0, 0
    while not pair.done:
        side = int(pair.a.size > pair.b.size)
        side = side if rest[side] else 1 - side
        piece = pieces[turn % len(pieces)]
        turn += 1
        run, rest[side] = rest[side][:piece], rest[side][piece:]
        if run:
            pair.feed(side, run)
        for half, left in zip(pair.sides, rest, strict=True):
            if not left and not half.ended:
                half.ended = True
                pair.advance()
        most = max(most, pair.a.size, pair.b.size)
        assert pair.done or rest[0] or rest[1]
    return pair.result(extent(a), extent(b)), most
