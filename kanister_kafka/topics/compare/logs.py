"""Both sides read as record batches: equal batches are compared as bytes, others as records.

Copies of one log, such as a restored topic and its source, have the same batches at the same
offsets. Where the sides are in step, so that their next records are compared with each other, equal
bytes are equal records, and no record is decoded. All other batches are decoded and compared as
`PartitionComparer` does it, until the sides are in step again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kanister_kafka.topics.batch_reader import BatchReader
from kanister_kafka.topics.batches import HEADER, Batch, Which, check_crc, decode, is_same_batch
from kanister_kafka.topics.broker import (
    FETCH_TIMING,
    BrokerConnections,
    CoroutineRunner,
    FetchTiming,
    end_tasks,
)
from kanister_kafka.topics.client import LOG_APPEND_TIME, OffsetRange
from kanister_kafka.topics.compare.partition import MAX_TIMES, PartitionComparer
from kanister_kafka.topics.compare.reader import (
    BATCH,
    OpenTopic,
    ProgressMeter,
    ReadRange,
    rare_garbage_collection,
)
from kanister_kafka.topics.model import Isolation, PartitionBounds, RecordPosition
from kanister_kafka.topics.partition_reader import LAST_OFFSETS, LAST_OFFSETS_GROWTH
from kanister_kafka.topics.records import SIZE, RecordBatch

# The first and the last record of partitions. librdkafka fetches far ahead, so it would read
# megabytes of each partition for one record.

EACH = 1 << 16
"""Bytes of one partition in a response; a larger batch is complete nevertheless."""


async def read_bounds(
    brokers: BrokerConnections, spans: Mapping[int, OffsetRange], *, committed: bool
) -> dict[int, PartitionBounds]:
    """Return the offsets of each partition, and its oldest and its newest record.

    Raises what KafkaConsumer raises.
    """
    oldest = await _oldest(brokers, spans, committed=committed)
    newest = await _newest(brokers, spans, committed=committed)
    return {
        number: PartitionBounds(
            earliest=span.earliest,
            latest=span.latest,
            oldest=oldest.get(number),
            newest=newest[number].position(-1) if number in newest else None,
            broker_time=number in newest and newest[number].clocks[-1] == LOG_APPEND_TIME,
        )
        for number, span in spans.items()
    }


async def _oldest(
    brokers: BrokerConnections, spans: Mapping[int, OffsetRange], *, committed: bool
) -> dict[int, RecordPosition]:
    oldest: dict[int, RecordPosition] = {}

    def add(number: int, records: RecordBatch) -> bool:
        if records:
            oldest[number] = records.position(0)
        return bool(records)

    ranges = {number: (span.earliest, span.latest) for number, span in spans.items()}
    reader = BatchReader(brokers, ranges, committed=committed, partition_bytes=EACH)
    await _read(reader, Which.FIRST, add)
    return oldest


async def _newest(
    brokers: BrokerConnections, spans: Mapping[int, OffsetRange], *, committed: bool
) -> dict[int, RecordBatch]:
    """Return batches that end with the newest record of each partition that has one."""
    newest: dict[int, RecordBatch] = {}

    def add(number: int, records: RecordBatch) -> bool:
        if records:
            newest[number] = records
        return False

    pending = dict(spans)
    back = LAST_OFFSETS
    while pending:
        ranges = {
            n: (max(span.earliest, span.latest - back), span.latest) for n, span in pending.items()
        }
        reader = BatchReader(brokers, ranges, committed=committed, partition_bytes=EACH)
        await _read(reader, Which.LAST, add)
        pending = {
            number: span
            for number, span in pending.items()
            if number not in newest and ranges[number][0] > span.earliest
        }
        back *= LAST_OFFSETS_GROWTH
    return newest


async def _read(reader: BatchReader, which: Which, add: Callable[[int, RecordBatch], bool]) -> None:
    """Call `add` with a record or none of each batch, until it returns that it needs no more."""
    fetch = asyncio.create_task(reader.fetch())
    active = set(reader.starts)
    for number in active:
        reader.begin(number)
    try:
        while active:
            reader.arrived.clear()
            for number in tuple(active):
                if _add_next(reader, number, which, add):
                    reader.finish(number)
                    active.discard(number)
            if active:
                await _next(reader.arrived.wait, fetch)
    finally:
        await end_tasks(fetch)


def _add_next(
    reader: BatchReader, number: int, which: Which, add: Callable[[int, RecordBatch], bool]
) -> bool:
    """Read what has arrived of a partition; return whether no more is needed."""
    start, end = reader.starts[number], reader.ends[number]
    while (batch := reader.head(number)) is not None:
        reader.take(number)
        records = RecordBatch()
        if not batch.hidden:
            decode(
                batch, records, start, end, reader.place(number), check=reader.checks, which=which
            )
        if add(number, records):
            return True
    return reader.has_ended(number)


async def _next(wait: Callable[[], Awaitable[object]], fetch: asyncio.Task[None]) -> None:
    """Wait for more; raises the error of a fetch that has ended."""
    if not fetch.done():
        await wait()
    if fetch.done():
        fetch.result()


# Both sides of a partition, and the comparison of their batches.

ACTIVE = 8
"""Partitions that are read at a time: memory does not grow with the partitions of a topic."""


DECODED = 2000
"""Records that are decoded at a time: few enough for the CPU cache."""


@dataclass(slots=True)
class _Partition:
    """The state of one partition."""

    pair: PartitionComparer
    span: ReadRange
    fed: list[int]
    """For each side the offset after the last batch that was decoded or compared."""
    stride: int = 1
    """Batches to decode at a time: few after equal ones, so that the sides are soon in step."""
    equal: deque[Batch] = field(default_factory=deque)
    """The last equal batches. Their records are fed when other batches follow, or the end."""
    equal_count: int = 0
    """Records of these."""
    headers: tuple[Any, Any] = field(default_factory=lambda: (hashlib.sha256(), hashlib.sha256()))
    """For each side the digest of the headers of all batches, with their verified checksums."""

    def add_header(self, side: int, batch: Batch) -> None:
        """Add a batch to the digest of a side."""
        view = memoryview(batch.buffer)
        self.headers[side].update(view[batch.start : batch.start + min(batch.size, HEADER.size)])


class LogComparer:
    """Compares the partitions of two topics."""

    def __init__(
        self,
        readers: tuple[BatchReader, BatchReader],
        pairs: Mapping[int, PartitionComparer],
        ranges: Mapping[int, ReadRange],
        meter: ProgressMeter,
        *,
        timed: bool,
    ) -> None:
        self._readers = readers
        self._meter = meter
        self._timed = timed
        self._partitions = {
            number: _Partition(pair, ranges[number], [ranges[number].a[0], ranges[number].b[0]])
            for number, pair in pairs.items()
        }

    async def run(self) -> None:
        """Compare all partitions; raises the errors of the readers."""
        self._meter.begin({n: partition.span for n, partition in self._partitions.items()})
        fetches = [asyncio.create_task(reader.fetch()) for reader in self._readers]
        try:
            with rare_garbage_collection():
                await self._compare(fetches)
        finally:
            await end_tasks(*fetches)

    async def _compare(self, fetches: Sequence[asyncio.Task[None]]) -> None:
        pending = sorted(self._partitions, reverse=True)
        active: list[int] = []
        while pending or active:
            while pending and len(active) < ACTIVE:
                active.append(pending.pop())
                for reader in self._readers:
                    reader.begin(active[-1])
            for reader, fetch in zip(self._readers, fetches, strict=True):
                if fetch.done():  # it only ends by an error
                    fetch.result()
                reader.arrived.clear()
            moved = [number for number in active if self._step(number)]
            for number in moved:
                if self._partitions[number].pair.done:
                    active.remove(number)
                    self._finish(number)
            if moved or not active:
                await asyncio.sleep(0)  # receive what has arrived meanwhile
            else:
                await self._wait()

    async def _wait(self) -> None:
        waits = [asyncio.create_task(reader.arrived.wait()) for reader in self._readers]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()

    def _finish(self, number: int) -> None:
        partition = self._partitions[number]
        in_a, in_b = (headers.digest() for headers in partition.headers)
        if in_a == in_b:
            partition.pair.batch_digest = in_a[:SIZE].hex()
        for side, reader in enumerate(self._readers):
            reader.finish(number)
            self._meter.at(side, number, 0, 0)

    def _step(self, number: int) -> bool:
        """Compare what has arrived of a partition; return whether there was something."""
        partition = self._partitions[number]
        if partition.pair.in_step:
            if self._skip_equal(number, partition):
                return True
            if any(self._is_awaited(side, number) for side in (0, 1)):
                return False
            self._feed_equal(number, partition)
        for side in (0, 1):
            state = partition.pair.sides[side]
            if not state.ended and self._readers[side].has_ended(number):
                state.ended = True
                partition.pair.advance()
                return True
        if partition.pair.done:
            return True
        a, b = partition.pair.sides
        side = 0 if b.ended or (a.size <= b.size and not a.ended) else 1
        return self._feed(side, number, partition)

    def _is_awaited(self, side: int, number: int) -> bool:
        reader = self._readers[side]
        return reader.head(number) is None and not reader.has_ended(number)

    # --- Equal batches

    def _skip_equal(self, number: int, partition: _Partition) -> bool:
        """Compare the next batches as bytes, as far as they are equal; return whether any is."""
        left, right = self._readers
        count = 0
        last = -1
        while (a := left.head(number)) is not None and (b := right.head(number)) is not None:
            if a.base < partition.span.a[0] or b.base < partition.span.b[0]:
                break  # it begins before the records to compare
            if a.last >= partition.span.a[1] or b.last >= partition.span.b[1]:
                break
            if not is_same_batch(a, b):
                break
            if left.checks or right.checks:
                check_crc(a, left.place(number))  # that of B has the same bytes
            partition.add_header(0, a)
            partition.add_header(1, b)
            left.take(number)
            right.take(number)
            last = a.last
            if not a.hidden:
                count += a.count
                self._keep(partition, a)
        if last < 0:
            return False
        partition.fed = [last + 1, last + 1]
        partition.stride = 1
        for side, span in enumerate((partition.span.a, partition.span.b)):
            self._meter.at(side, number, max(0, span[1] - 1 - last), count)
        return True

    def _keep(self, partition: _Partition, batch: Batch) -> None:
        """Keep the last equal batches with enough records for the result, and count the others."""
        if not batch.count:
            return
        partition.equal.append(batch)
        partition.equal_count += batch.count
        while partition.equal_count - partition.equal[0].count >= MAX_TIMES:
            first = partition.equal.popleft()
            partition.equal_count -= first.count
            partition.pair.skip(first.count)

    def _feed_equal(self, number: int, partition: _Partition) -> None:
        """Feed the last equal batches to both sides as records."""
        if not partition.equal:
            return
        partition_name = self._readers[0].place(number)
        records = RecordBatch(self._timed)
        while partition.equal:
            batch = partition.equal.popleft()
            decode(batch, records, batch.base, batch.last + 1, partition_name, check=False)
        partition.equal_count = 0
        partition.pair.feed_records(0, records.first(len(records)))
        partition.pair.feed_records(1, records)

    # --- Other batches

    def _feed(self, side: int, number: int, partition: _Partition) -> bool:
        """Decode the next batches of a side; return whether there are any."""
        reader = self._readers[side]
        first, end = (partition.span.a, partition.span.b)[side]
        other_offset = partition.fed[1 - side]
        is_behind = partition.fed[side] < other_offset
        records = RecordBatch(self._timed)
        count = 0
        while (batch := reader.head(number)) is not None:
            if count >= partition.stride or len(records) >= DECODED:
                break
            if count and is_behind and batch.last >= other_offset:
                break  # stop where the other side is: if they are copies, they are in step there
            reader.take(number)
            last = batch.last
            if not batch.hidden:
                partition_name = reader.place(number)
                last = decode(batch, records, first, end, partition_name, check=reader.checks)
            elif reader.checks:
                check_crc(batch, reader.place(number))
            partition.add_header(side, batch)
            partition.fed[side] = last + 1
            count += 1
        if not count:
            return False
        partition.stride = min(2 * partition.stride, BATCH)
        left = max(0, end - partition.fed[side])
        self._meter.at(side, number, left, len(records))
        if records:
            partition.pair.feed_records(side, records)
        return True


class LogPair:
    """Two topics, read as record batches by connections that stay open until it is closed.

    Its methods raise the errors of KafkaConsumer.
    """

    def __init__(self, a: OpenTopic, b: OpenTopic, timing: FetchTiming = FETCH_TIMING) -> None:
        self._committed = a.cluster.isolation is Isolation.COMMITTED
        self._brokers = (
            BrokerConnections(a.cluster.access, a.topic, timing),
            BrokerConnections(b.cluster.access, b.topic, timing),
        )
        self._runner = CoroutineRunner()

    def read_bounds(
        self, a: Mapping[int, OffsetRange], b: Mapping[int, OffsetRange]
    ) -> tuple[dict[int, PartitionBounds], dict[int, PartitionBounds]]:
        """Return for each side the offsets, the oldest and the newest record of each partition."""
        return self._runner.run(self._read_bounds(a, b))

    async def _read_bounds(
        self, a: Mapping[int, OffsetRange], b: Mapping[int, OffsetRange]
    ) -> tuple[dict[int, PartitionBounds], dict[int, PartitionBounds]]:
        tasks = [
            asyncio.create_task(read_bounds(brokers, spans, committed=self._committed))
            for brokers, spans in zip(self._brokers, (a, b), strict=True)
        ]
        try:
            in_a, in_b = await asyncio.gather(*tasks)
        finally:
            await end_tasks(*tasks)
        return in_a, in_b

    def compare(
        self,
        pairs: Mapping[int, PartitionComparer],
        ranges: Mapping[int, ReadRange],
        meter: ProgressMeter,
        *,
        timed: bool,
    ) -> None:
        """Feed pairs with the records of their ranges until each is done, as `read_pairs` does."""
        self._runner.run(self._compare(pairs, ranges, meter, timed=timed))

    async def _compare(
        self,
        pairs: Mapping[int, PartitionComparer],
        ranges: Mapping[int, ReadRange],
        meter: ProgressMeter,
        *,
        timed: bool,
    ) -> None:
        in_a, in_b = self._brokers
        offsets_a = {number: span.a for number, span in ranges.items()}
        offsets_b = {number: span.b for number, span in ranges.items()}
        readers = (
            BatchReader(in_a, offsets_a, committed=self._committed),
            BatchReader(in_b, offsets_b, committed=self._committed),
        )
        await LogComparer(readers, pairs, ranges, meter, timed=timed).run()

    def close(self) -> None:
        """Close all connections."""
        try:
            self._runner.run(self._close())
        finally:
            self._runner.close()

    async def _close(self) -> None:
        for brokers in self._brokers:
            brokers.close()
