"""Both sides read at once: whoever is behind is read next, whoever is far ahead is paused."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from kanister_kafka.topics.client import KafkaConsumer
from kanister_kafka.topics.partition_reader import PartitionReader

BATCH = 5000
"""Records taken from librdkafka at a time."""
WAIT = 0.1
"""Seconds to wait for records where neither side has any."""
GC_THRESHOLD = 100_000
"""New objects after which the collector looks: several batches make so many, and hardly a cycle."""
MEMORY = 512 << 20
"""Bytes that all partitions together may hold, both sides, about."""

OnProgress = Callable[[int, int], None]
"""Told how many offsets were passed, of how many."""


@dataclass(frozen=True, slots=True)
class OpenTopic:
    """One of the two topics."""

    cluster: KafkaConsumer
    topic: str

    def __str__(self) -> str:
        return f"{self.cluster.access.label}/{self.topic}"


class ComparedSide(Protocol):
    """What a pair keeps of one side."""

    size: int
    ended: bool


class ComparedPartition(Protocol):
    """What is fed with the records of one partition on both sides."""

    done: bool

    @property
    def sides(self) -> tuple[ComparedSide, ComparedSide]:
        """A and B."""

    def feed(self, side: int, run: Sequence[Any]) -> None:
        """Take in messages of a side."""

    def advance(self) -> None:
        """Compare as far as both have come."""


@dataclass(frozen=True, slots=True)
class ReadRange:
    """Offsets to be read of one partition, on both sides."""

    a: tuple[int, int]
    b: tuple[int, int]
    jumped: tuple[bool, bool] = (False, False)
    """Whether a side is begun at the time of the other, what it has before unread."""

    @property
    def count(self) -> int:
        """How many offsets."""
        return sum(max(0, end - start) for start, end in (self.a, self.b))


@dataclass(slots=True)
class ProgressMeter:
    """How far reading has come."""

    tell: OnProgress
    total: int = 0
    passed: int = 0
    messages: int = 0
    """Records read, on both sides together."""
    _left: dict[tuple[int, int], int] = field(default_factory=dict)

    def begin(self, ranges: Mapping[int, ReadRange]) -> None:
        """Take what is read next into the total."""
        self._left = {}
        for number, wanted in ranges.items():
            for side, (start, end) in enumerate((wanted.a, wanted.b)):
                self._left[side, number] = max(0, end - start)
        self.total = max(self.total, self.passed + sum(self._left.values()))

    def at(self, side: int, number: int, left: int, count: int) -> None:
        """Hear how many offsets of a side of a partition are left."""
        self.messages += count
        self.passed += self._left[side, number] - left
        self._left[side, number] = left
        self.tell(self.passed, self.total)


def read_pairs(
    a: OpenTopic,
    b: OpenTopic,
    pairs: Mapping[int, ComparedPartition],
    ranges: Mapping[int, ReadRange],
    meter: ProgressMeter,
) -> None:
    """Feed pairs with what is in their ranges until each is done."""
    meter.begin(ranges)
    readings = (
        PartitionReader(a.cluster, a.topic, *_ends({n: r.a for n, r in ranges.items()})),
        PartitionReader(b.cluster, b.topic, *_ends({n: r.b for n, r in ranges.items()})),
    )
    flow = _Balancer(readings, pairs, ranges, meter)
    with _seldom_collected():
        flow.see_ends()
        while flow.open:
            if not (flow.take(0.0) or flow.take(0.0)):
                flow.take(WAIT)
    for reading in readings:
        reading.close()


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Let the collector of cycles look seldom: it would follow every record held, in vain.

    Not never, as for a run of `validate`: a comparison may take hours.
    """
    before = gc.get_threshold()
    gc.set_threshold(GC_THRESHOLD, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _ends(of: Mapping[int, tuple[int, int]]) -> tuple[dict[int, int], dict[int, int]]:
    return {n: start for n, (start, _) in of.items()}, {n: end for n, (_, end) in of.items()}


class _Balancer:
    """What flows from two readings into the pairs."""

    def __init__(
        self,
        readings: tuple[PartitionReader, PartitionReader],
        pairs: Mapping[int, ComparedPartition],
        ranges: Mapping[int, ReadRange],
        meter: ProgressMeter,
    ) -> None:
        self._readings, self._pairs, self._ranges = readings, pairs, ranges
        self._meter = meter
        self.open = set(pairs)
        """Pairs that are not done."""
        self._most = MEMORY // max(1, 2 * len(pairs))
        self._paused: set[tuple[int, int]] = set()
        self._turn = 0

    def take(self, wait: float) -> bool:
        """Take what one side has, the one that is behind first; tell whether there was any."""
        held = [sum(self._pairs[n].sides[side].size for n in self.open) for side in (0, 1)]
        side = self._turn if held[0] == held[1] else int(held[0] > held[1])
        if not self._readings[side].open:
            side = 1 - side
        self._turn = 1 - self._turn
        some = False
        for number, run in self._readings[side].batches(BATCH, wait):
            some = True
            if number not in self.open:
                continue
            pair = self._pairs[number]
            end = (self._ranges[number].a, self._ranges[number].b)[side][1]
            self._meter.at(side, number, max(0, end - 1 - run[-1].offset()), len(run))
            pair.feed(side, run)
            self._balance(number, pair)
        self.see_ends()
        return some

    def see_ends(self) -> None:
        """Tell the pairs which side has ended, and leave those that are done."""
        for number in tuple(self.open):
            pair = self._pairs[number]
            for half, reading in zip(pair.sides, self._readings, strict=True):
                if not half.ended and number not in reading.open:
                    half.ended = True
                    pair.advance()
            if pair.done:
                self.open.discard(number)
                for side, reading in enumerate(self._readings):
                    reading.finish(number)
                    self._meter.at(side, number, 0, 0)

    def _balance(self, number: int, pair: ComparedPartition) -> None:
        """Pause a side of a partition that is far ahead of the other, and resume it later."""
        for side, half in enumerate(pair.sides):
            place = (side, number)
            if place not in self._paused and half.size > self._most:
                self._paused.add(place)
                self._readings[side].pause(number)
            elif place in self._paused and half.size < self._most // 2:
                self._paused.discard(place)
                self._readings[side].resume(number)
