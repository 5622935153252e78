"""Sizes and rates of topics, and their first and last records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kanister_kafka.topics.client import (
    LOG_APPEND_TIME,
    ClientAccess,
    KafkaConsumer,
    OffsetRange,
)
from kanister_kafka.topics.model import (
    LogDigest,
    PartitionBounds,
    PartitionRate,
    PartitionSize,
    RecordPosition,
    TailRecords,
    TopicRates,
    TopicSizes,
)
from kanister_kafka.topics.partition_reader import (
    LAST_OFFSETS,
    LAST_OFFSETS_GROWTH,
    PartitionReader,
    to_topic_record,
)

# --- The first and the last records of partitions, without the records in between

BATCH = 1000
WAIT = 0.2
"""Seconds that one look for records may wait."""


def first_messages(
    cluster: KafkaConsumer, topic: str, spans: Mapping[int, OffsetRange]
) -> dict[int, Any]:
    """Return the oldest record of each partition that has one."""
    starts = {number: span.earliest for number, span in spans.items()}
    reading = PartitionReader(cluster, topic, starts, {n: span.latest for n, span in spans.items()})
    first: dict[int, Any] = {}
    while reading.open:
        for number, run in reading.batches(BATCH, WAIT):
            first.setdefault(number, run[0])
            reading.finish(number)
    reading.close()
    return first


def last_messages(
    cluster: KafkaConsumer, topic: str, spans: Mapping[int, OffsetRange], most: int = 1
) -> dict[int, list[Any]]:
    """Return at most `most` of the newest records of each partition, oldest first."""
    last: dict[int, list[Any]] = {number: [] for number in spans}
    pending = dict(spans)
    back = most - 1 + LAST_OFFSETS
    while pending:
        starts = {n: max(span.earliest, span.latest - back) for n, span in pending.items()}
        messages = _read(cluster, topic, starts, {n: span.latest for n, span in pending.items()})
        for number in tuple(pending):
            last[number] = messages.get(number, [])[-most:]
            if len(last[number]) >= most or starts[number] == pending[number].earliest:
                del pending[number]
        back *= LAST_OFFSETS_GROWTH
    return last


def partition_bounds(
    cluster: KafkaConsumer, topic: str, spans: Mapping[int, OffsetRange]
) -> dict[int, PartitionBounds]:
    """Return the offsets of each partition, and its oldest and its newest record."""
    oldest = first_messages(cluster, topic, spans)
    newest = last_messages(cluster, topic, spans)

    def bounds(number: int, span: OffsetRange) -> PartitionBounds:
        return PartitionBounds(
            earliest=span.earliest,
            latest=span.latest,
            oldest=record_position(oldest[number]) if number in oldest else None,
            newest=record_position(newest[number][-1]) if newest[number] else None,
            broker_time=any(m.timestamp()[0] == LOG_APPEND_TIME for m in newest[number]),
        )

    return {number: bounds(number, span) for number, span in spans.items()}


def message_at(cluster: KafkaConsumer, topic: str, partition: int, offset: int) -> Any | None:
    """Return one record, or None if it does not exist any more."""
    messages = _read(cluster, topic, {partition: offset}, {partition: offset + 1})
    return next(iter(messages.get(partition, ())), None)


def record_position(message: Any) -> RecordPosition:
    """Return the position of a record of librdkafka."""
    return RecordPosition(offset=message.offset(), time=message.timestamp()[1])


def _read(
    cluster: KafkaConsumer, topic: str, starts: Mapping[int, int], ends: Mapping[int, int]
) -> dict[int, list[Any]]:
    reading = PartitionReader(cluster, topic, starts, ends)
    messages: dict[int, list[Any]] = {}
    while reading.open:
        for number, run in reading.batches(BATCH, WAIT):
            messages.setdefault(number, []).extend(run)
    reading.close()
    return messages


# --- Sizes and rates

POLL_S = 1.0
"""Seconds between two requests while a rate is measured."""


def topic_sizes(cluster: KafkaConsumer, topics: Sequence[str]) -> TopicSizes:
    """Count the offsets of topics; raises NotFoundError if one does not exist."""
    sizes = []
    for topic in topics:
        spans = cluster.spans(topic, cluster.partitions(topic))
        newest = last_messages(cluster, topic, spans)
        sizes += [
            PartitionSize(
                topic=topic,
                partition=number,
                earliest=span.earliest,
                latest=span.latest,
                newest=newest[number][-1].timestamp()[1] if newest[number] else None,
            )
            for number, span in spans.items()
        ]
    return TopicSizes(cluster=cluster.access.label, held=tuple(sizes))


def all_topics(cluster: KafkaConsumer) -> tuple[str, ...]:
    """Return the names of all topics except those of Kafka itself."""
    return tuple(name for name in cluster.topics() if not name.startswith("__"))


def with_digests(access: ClientAccess, sizes: TopicSizes, last: int = 0) -> TopicSizes:
    """Add the digest of the log of each partition, or of its last offsets.

    Raises the errors of `digest_logs`.
    """
    ranges = {}
    for size in sizes.held:
        start = max(size.earliest, size.latest - last) if last else size.earliest
        ranges[size.topic, size.partition] = (start, size.latest)
    digests = _digests(access, ranges)
    digested = [replace(size, digest=digests[size.topic, size.partition]) for size in sizes.held]
    return replace(sizes, held=tuple(digested))


def with_expected(
    access: ClientAccess, sizes: TopicSizes, expected: Mapping[TopicPartition, LogDigest]
) -> TopicSizes:
    """Add the digests of a saved result, and today's digest of the same offsets.

    A range that does not exist has no digest, and so does not match: retention has deleted its
    start, the log is shorter, or there is no such partition. Raises the errors of `digest_logs`.
    """
    by_partition = {(size.topic, size.partition): size for size in sizes.held}
    ranges = {}
    for (topic, number), saved in expected.items():
        absent = PartitionSize(topic=topic, partition=number, earliest=0, latest=0, newest=None)
        size = by_partition.setdefault((topic, number), absent)
        if size.earliest <= saved.start and saved.end <= size.latest:
            ranges[topic, number] = (saved.start, saved.end)
    digests = _digests(access, ranges)
    checked = [
        replace(size, digest=digests.get(partition), expected=expected.get(partition))
        for partition, size in sorted(by_partition.items())
    ]
    return replace(sizes, held=tuple(checked))


TopicPartition = tuple[str, int]


def _digests(
    access: ClientAccess, ranges: Mapping[TopicPartition, tuple[int, int]]
) -> dict[TopicPartition, LogDigest]:
    from kanister_kafka.topics.log_digest import digest_logs

    digests: dict[TopicPartition, LogDigest] = {}
    for topic in dict.fromkeys(topic for topic, _ in ranges):
        offsets = {number: span for (name, number), span in ranges.items() if name == topic}
        for number, digest in digest_logs(access, topic, offsets).items():
            digests[topic, number] = digest
    return digests


def topic_rates(
    cluster: KafkaConsumer,
    topics: Sequence[str],
    seconds: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[TopicRates]:
    """Yield the rates of topics since the start, until `seconds` are over.

    Only end offsets are read, not records, which is cheap for the brokers.
    """
    numbers = {topic: cluster.partitions(topic) for topic in topics}
    first = _measure(cluster, numbers, clock)
    began = min(at for at, _ in first.values())
    while True:
        left = seconds - (clock() - began)
        if left > 0:
            sleep(min(POLL_S, left))
        now = _measure(cluster, numbers, clock)
        yield _rates(cluster.access.label, first, now)
        if min(at for at, _ in now.values()) - began >= seconds:
            return


Measurement = dict[str, tuple[float, dict[int, OffsetRange]]]
"""For each topic the time, and the offsets of its partitions."""


def _measure(
    cluster: KafkaConsumer, numbers: Mapping[str, tuple[int, ...]], clock: Callable[[], float]
) -> Measurement:
    return {topic: (clock(), cluster.spans(topic, of)) for topic, of in numbers.items()}


def _rates(label: str, first: Measurement, now: Measurement) -> TopicRates:
    flows = []
    longest = 0.0
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
    """Return the last records of each partition, ordered by time.

    Page 2 has the records before these, and so on. Raises NotFoundError.
    """
    numbers = tuple(partitions) or cluster.partitions(topic)
    spans = cluster.spans(topic, numbers)
    messages = []
    for last in last_messages(cluster, topic, spans, most=count * page).values():
        end = max(0, len(last) - count * (page - 1))
        messages += [to_topic_record(message) for message in last[:end][-count:]]
    messages.sort(key=lambda message: (message.time, message.partition, message.offset))
    return TailRecords(
        cluster=cluster.access.label,
        topic=topic,
        partitions=tuple(spans),
        page=page,
        per_partition=count,
        messages=tuple(messages),
    )
