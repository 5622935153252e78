"""How much topics hold, how fast they grow, and their last records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from kanister_kafka.topics.client import LOG_APPEND_TIME, KafkaConsumer, OffsetRange
from kanister_kafka.topics.model import (
    PartitionBounds,
    PartitionRate,
    PartitionSize,
    RecordPosition,
    TailRecords,
    TopicRates,
    TopicSizes,
)
from kanister_kafka.topics.partition_reader import PartitionReader, to_topic_record

# The first and the last records of partitions, without reading what is between.

BATCH = 1000
WAIT = 0.2
"""Seconds that one look for records may wait."""
BACK = 8
"""Offsets that are tried first for a last record; some have none, as marks of transactions."""
WIDER = 16
"""Times as many are tried next."""


def first_messages(
    cluster: KafkaConsumer, topic: str, spans: Mapping[int, OffsetRange]
) -> dict[int, Any]:
    """Return the oldest record of each partition that has one."""
    starts = {number: span.earliest for number, span in spans.items()}
    reading = PartitionReader(cluster, topic, starts, {n: span.latest for n, span in spans.items()})
    found: dict[int, Any] = {}
    while reading.open:
        for number, run in reading.batches(BATCH, WAIT):
            found.setdefault(number, run[0])
            reading.finish(number)
    reading.close()
    return found


def last_messages(
    cluster: KafkaConsumer, topic: str, spans: Mapping[int, OffsetRange], most: int = 1
) -> dict[int, list[Any]]:
    """Return at most `most` of the newest records of each partition, oldest first."""
    found: dict[int, list[Any]] = {number: [] for number in spans}
    wanted, back = dict(spans), most - 1 + BACK
    while wanted:
        starts = {n: max(span.earliest, span.latest - back) for n, span in wanted.items()}
        read = _read(cluster, topic, starts, {n: span.latest for n, span in wanted.items()})
        for number in tuple(wanted):
            found[number] = read.get(number, [])[-most:]
            if len(found[number]) >= most or starts[number] == wanted[number].earliest:
                del wanted[number]
        back *= WIDER
    return found


def partition_bounds(
    cluster: KafkaConsumer, topic: str, spans: Mapping[int, OffsetRange]
) -> dict[int, PartitionBounds]:
    """Return what each partition holds, with its oldest and its newest record."""
    oldest = first_messages(cluster, topic, spans)
    newest = last_messages(cluster, topic, spans)
    return {
        number: PartitionBounds(
            earliest=span.earliest,
            latest=span.latest,
            oldest=record_position(oldest[number]) if number in oldest else None,
            newest=record_position(newest[number][-1]) if newest[number] else None,
            broker_time=any(m.timestamp()[0] == LOG_APPEND_TIME for m in newest[number]),
        )
        for number, span in spans.items()
    }


def message_at(cluster: KafkaConsumer, topic: str, partition: int, offset: int) -> Any | None:
    """Return one record, or None if it is gone."""
    found = _read(cluster, topic, {partition: offset}, {partition: offset + 1})
    return next(iter(found.get(partition, ())), None)


def record_position(message: Any) -> RecordPosition:
    """Return the place of a record of librdkafka."""
    return RecordPosition(offset=message.offset(), time=message.timestamp()[1])


def _read(
    cluster: KafkaConsumer, topic: str, starts: Mapping[int, int], ends: Mapping[int, int]
) -> dict[int, list[Any]]:
    reading = PartitionReader(cluster, topic, starts, ends)
    found: dict[int, list[Any]] = {}
    while reading.open:
        for number, run in reading.batches(BATCH, WAIT):
            found.setdefault(number, []).extend(run)
    reading.close()
    return found


LOOK = 1.0
"""Seconds between two looks while a rate is measured."""


def topic_sizes(cluster: KafkaConsumer, topics: Sequence[str]) -> TopicSizes:
    """Count what topics hold, by offsets; NotFoundError if one is not there."""
    held = []
    for topic in topics:
        spans = cluster.spans(topic, cluster.partitions(topic))
        newest = last_messages(cluster, topic, spans)
        held += [
            PartitionSize(
                topic=topic,
                partition=number,
                earliest=span.earliest,
                latest=span.latest,
                newest=newest[number][-1].timestamp()[1] if newest[number] else None,
            )
            for number, span in spans.items()
        ]
    return TopicSizes(cluster=cluster.access.label, held=tuple(held))


def topic_rates(
    cluster: KafkaConsumer,
    topics: Sequence[str],
    seconds: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[TopicRates]:
    """Yield how fast topics grow, over all the time so far, until so many seconds are over.

    The end offsets are read, not the records: it costs the brokers nothing.
    """
    numbers = {topic: cluster.partitions(topic) for topic in topics}
    first = _look(cluster, numbers, clock)
    while True:
        over = clock() - min(at for at, _ in first.values()) >= seconds
        if not over:
            sleep(min(LOOK, max(0.0, seconds - (clock() - min(at for at, _ in first.values())))))
        now = _look(cluster, numbers, clock)
        yield _rates(cluster.access.label, first, now)
        if min(at for at, _ in now.values()) - min(at for at, _ in first.values()) >= seconds:
            return


Looks = dict[str, tuple[float, dict[int, OffsetRange]]]
"""For each topic when it was looked at, and what was there."""


def _look(
    cluster: KafkaConsumer, numbers: Mapping[str, tuple[int, ...]], clock: Callable[[], float]
) -> Looks:
    return {topic: (clock(), cluster.spans(topic, of)) for topic, of in numbers.items()}


def _rates(label: str, first: Looks, now: Looks) -> TopicRates:
    flows, longest = [], 0.0
    for topic, (at, spans) in now.items():
        began, before = first[topic]
        took = max(at - began, 1e-6)
        longest = max(longest, took)
        for number, span in spans.items():
            count = span.latest - before[number].latest
            flows.append(
                PartitionRate(
                    topic=topic, partition=number, messages=count, per_second=count / took
                )
            )
    return TopicRates(cluster=label, seconds=longest, flows=tuple(flows))


def tail_records(
    cluster: KafkaConsumer,
    topic: str,
    partitions: Sequence[int] = (),
    count: int = 10,
    page: int = 1,
) -> TailRecords:
    """Return the last records of each partition in the order of their times.

    Page 2 is of those before, and so on. NotFoundError if a partition is not there.
    """
    numbers = tuple(partitions) or cluster.partitions(topic)
    spans = cluster.spans(topic, numbers)
    found = last_messages(cluster, topic, spans, most=count * page)
    messages = [
        to_topic_record(message)
        for some in found.values()
        for message in some[: max(0, len(some) - count * (page - 1))][-count:]
    ]
    messages.sort(key=lambda message: (message.time, message.partition, message.offset))
    return TailRecords(
        cluster=cluster.access.label,
        topic=topic,
        partitions=tuple(spans),
        page=page,
        per_partition=count,
        messages=tuple(messages),
    )


# Kafka's times, ms since 1970, as people write them.


def format_moment(time: int) -> str:
    """Return a time as ISO 8601 in UTC, to the millisecond."""
    known = datetime.fromtimestamp(time / 1000, timezone.utc)
    return known.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> int | None:
    """Read such a time, with another offset, or none for UTC; None if it is not a time."""
    try:
        known = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    if known.tzinfo is None:
        known = known.replace(tzinfo=timezone.utc)
    return round(known.timestamp() * 1000)
