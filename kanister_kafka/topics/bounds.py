"""The first and the last record of partitions, read as batches.

librdkafka fetches far ahead, so it reads megabytes of each partition for one record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from kanister_kafka.topics.batch_reader import BatchReader
from kanister_kafka.topics.batches import Which, decode
from kanister_kafka.topics.broker import BrokerConnections, end_tasks
from kanister_kafka.topics.client import LOG_APPEND_TIME, OffsetRange
from kanister_kafka.topics.model import PartitionBounds, RecordPosition
from kanister_kafka.topics.records import RecordBatch
from kanister_kafka.topics.statistics import BACK, WIDER

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
    found: dict[int, RecordPosition] = {}

    def add(number: int, records: RecordBatch) -> bool:
        if records:
            found[number] = records.position(0)
        return bool(records)

    ranges = {number: (span.earliest, span.latest) for number, span in spans.items()}
    reader = BatchReader(brokers, ranges, committed=committed, each=EACH)
    await _read(reader, Which.FIRST, add)
    return found


async def _newest(
    brokers: BrokerConnections, spans: Mapping[int, OffsetRange], *, committed: bool
) -> dict[int, RecordBatch]:
    """Return batches that end with the newest record of each partition that has one."""
    found: dict[int, RecordBatch] = {}

    def add(number: int, records: RecordBatch) -> bool:
        if records:
            found[number] = records
        return False

    pending = dict(spans)
    back = BACK
    while pending:
        ranges = {
            n: (max(one.earliest, one.latest - back), one.latest) for n, one in pending.items()
        }
        reader = BatchReader(brokers, ranges, committed=committed, each=EACH)
        await _read(reader, Which.LAST, add)
        pending = {
            number: span
            for number, span in pending.items()
            if number not in found and ranges[number][0] > span.earliest
        }
        back *= WIDER
    return found


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
