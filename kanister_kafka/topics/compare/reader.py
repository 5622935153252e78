"""Both sides read at once: the side behind is read next, a side far ahead is paused."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from kanister_kafka.topics.client import KafkaConsumer
from kanister_kafka.topics.compare.partition import StrayRecord
from kanister_kafka.topics.partition_reader import PartitionReader
from kanister_kafka.topics.records import RecordBatch

BATCH = 5000
"""Records taken from librdkafka at a time."""
WAIT = 0.1
"""Seconds to wait for records if neither side has any."""
GC_THRESHOLD = 100_000
"""New objects between two garbage collections; several batches create this number."""
MEMORY = 512 << 20
"""Approximate limit of the bytes of all partitions, both sides together."""

OnProgress = Callable[[int, int], None]
"""Called with the number of offsets that were read, and their total."""


@dataclass(frozen=True, slots=True)
class OpenTopic:
    """One of the two topics."""

    cluster: KafkaConsumer
    topic: str

    def __str__(self) -> str:
        return f"{self.cluster.access.label}/{self.topic}"


class ComparedSide(Protocol):
    """The state of one side."""

    size: int
    ended: bool


class ComparedPartition(Protocol):
    """A comparison of one partition."""

    done: bool

    @property
    def sides(self) -> tuple[ComparedSide, ComparedSide]:
        """A and B."""

    def feed(self, side: int, run: Sequence[Any]) -> None:
        """Add messages of a side."""

    def advance(self) -> None:
        """Compare the records that both sides have reached."""


@dataclass(frozen=True, slots=True)
class ReadRange:
    """Offsets of one partition to read, on both sides."""

    a: tuple[int, int]
    b: tuple[int, int]
    jumped: tuple[bool, bool] = (False, False)
    """Whether reading of a side begins at the first time of the other side."""


@dataclass(slots=True)
class ProgressMeter:
    """The progress of reading."""

    report: OnProgress
    total: int = 0
    passed: int = 0
    messages: int = 0
    """Records read, on both sides together."""
    _left: dict[tuple[int, int], int] = field(default_factory=dict)

    def begin(self, ranges: Mapping[int, ReadRange]) -> None:
        """Add ranges to the total."""
        self._left = {}
        for number, span in ranges.items():
            for side, (start, end) in enumerate((span.a, span.b)):
                self._left[side, number] = max(0, end - start)
        self.total = max(self.total, self.passed + sum(self._left.values()))

    def at(self, side: int, number: int, left: int, count: int) -> None:
        """Record `count` messages, and the offsets of a side of a partition that are left."""
        self.messages += count
        self.passed += self._left[side, number] - left
        self._left[side, number] = left
        self.report(self.passed, self.total)


def read_pairs(
    a: OpenTopic,
    b: OpenTopic,
    pairs: Mapping[int, ComparedPartition],
    ranges: Mapping[int, ReadRange],
    meter: ProgressMeter,
) -> None:
    """Feed pairs with the records of their ranges until each is done."""
    meter.begin(ranges)
    readings = (
        _reader(a, {number: span.a for number, span in ranges.items()}),
        _reader(b, {number: span.b for number, span in ranges.items()}),
    )
    balancer = _Balancer(readings, pairs, ranges, meter)
    with rare_garbage_collection():
        balancer.check_ends()
        while balancer.open:
            if not (balancer.take(0.0) or balancer.take(0.0)):
                balancer.take(WAIT)
    for reading in readings:
        reading.close()


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Collect cycles rarely, because the collector follows every record and finds none.

    Not never, as `validate` does, because a comparison can take hours.
    """
    before = gc.get_threshold()
    gc.set_threshold(GC_THRESHOLD, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _reader(topic: OpenTopic, ranges: Mapping[int, tuple[int, int]]) -> PartitionReader:
    starts = {number: start for number, (start, _) in ranges.items()}
    ends = {number: end for number, (_, end) in ranges.items()}
    return PartitionReader(topic.cluster, topic.topic, starts, ends)


class _Balancer:
    """Feeds the pairs from two readers."""

    def __init__(
        self,
        readings: tuple[PartitionReader, PartitionReader],
        pairs: Mapping[int, ComparedPartition],
        ranges: Mapping[int, ReadRange],
        meter: ProgressMeter,
    ) -> None:
        self._readings = readings
        self._pairs = pairs
        self._ranges = ranges
        self._meter = meter
        self.open = set(pairs)
        """Pairs that are not done."""
        self._most = MEMORY // max(1, 2 * len(pairs))
        self._paused: set[tuple[int, int]] = set()
        self._turn = 0

    def take(self, wait: float) -> bool:
        """Read from one side, the one behind first; return whether there were records."""
        size_a = sum(self._pairs[number].sides[0].size for number in self.open)
        size_b = sum(self._pairs[number].sides[1].size for number in self.open)
        side = self._turn if size_a == size_b else int(size_a > size_b)
        if not self._readings[side].open:
            side = 1 - side
        self._turn = 1 - self._turn
        has_records = False
        for number, run in self._readings[side].batches(BATCH, wait):
            has_records = True
            if number not in self.open:
                continue
            pair = self._pairs[number]
            end = (self._ranges[number].a, self._ranges[number].b)[side][1]
            self._meter.at(side, number, max(0, end - 1 - run[-1].offset()), len(run))
            pair.feed(side, run)
            self._balance(number, pair)
        self.check_ends()
        return has_records

    def check_ends(self) -> None:
        """Mark the sides that have ended, and stop reading pairs that are done."""
        for number in tuple(self.open):
            pair = self._pairs[number]
            for state, reading in zip(pair.sides, self._readings, strict=True):
                if not state.ended and number not in reading.open:
                    state.ended = True
                    pair.advance()
            if pair.done:
                self.open.discard(number)
                for side, reading in enumerate(self._readings):
                    reading.finish(number)
                    self._meter.at(side, number, 0, 0)

    def _balance(self, number: int, pair: ComparedPartition) -> None:
        """Pause a side of a partition that is far ahead of the other, and resume it later."""
        for side, state in enumerate(pair.sides):
            key = (side, number)
            if key not in self._paused and state.size > self._most:
                self._paused.add(key)
                self._readings[side].pause(number)
            elif key in self._paused and state.size < self._most // 2:
                self._paused.discard(key)
                self._readings[side].resume(number)


# Records of a mirror that are in uncommitted transactions of its source. MirrorMaker 2 and other
# consumers without `read_committed` also read aborted transactions. In the mirror these records are
# like any other (KIP-98).

UNCOMMITTED_BATCH = 1000
UNCOMMITTED_WAIT = 0.2


def find_uncommitted(
    a: OpenTopic,
    strays: Mapping[int, Sequence[StrayRecord]],
    ranges: Mapping[int, ReadRange],
    *,
    timed: bool,
) -> dict[int, int]:
    """Count for each partition the records of B that A only has in uncommitted transactions.

    Raises the errors of KafkaConsumer.
    """
    counts: dict[int, int] = {}
    if not strays:
        return counts
    with closing(a.cluster.uncommitted()) as cluster:
        ends = {n: span.latest for n, span in cluster.spans(a.topic, strays).items()}
        for number, partition_strays in strays.items():
            for stray in partition_strays:
                start = ranges[number].a[0] if stray.after is None else stray.after + 1
                end = ends[number] if stray.before is None else stray.before
                only_b = Counter(stray.records.tokens())
                in_a = _count_records(cluster, a.topic, number, (start, end), only_b, timed=timed)
                hidden = (in_a - Counter(stray.instead.tokens())) & only_b
                counts[number] = counts.get(number, 0) + hidden.total()
    return counts


def _count_records(
    cluster: KafkaConsumer,
    topic: str,
    number: int,
    offsets: tuple[int, int],
    searched: Counter[Hashable],
    *,
    timed: bool,
) -> Counter[Hashable]:
    """Count the searched records among the offsets of a partition."""
    counts: Counter[Hashable] = Counter()
    reader = PartitionReader(cluster, topic, {number: offsets[0]}, {number: offsets[1]})
    while reader.open:
        for _, run in reader.batches(UNCOMMITTED_BATCH, UNCOMMITTED_WAIT):
            records = RecordBatch(timed)
            records.add(run)
            counts.update(token for token in records.tokens() if token in searched)
    reader.close()
    return counts
