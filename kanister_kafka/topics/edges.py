"""The first and the last records of partitions, without reading what is between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kanister_kafka.topics.client import LOG_APPEND_TIME, Cluster, Span
from kanister_kafka.topics.model import Extent, Spot
from kanister_kafka.topics.reading import Reading

BATCH = 1000
WAIT = 0.2
"""Seconds that one look for records may wait."""
BACK = 8
"""Offsets that are tried first for a last record; some have none, as marks of transactions."""
WIDER = 16
"""Times as many are tried next."""


def first_messages(cluster: Cluster, topic: str, spans: Mapping[int, Span]) -> dict[int, Any]:
    """Return the oldest record of each partition that has one."""
    starts = {number: span.earliest for number, span in spans.items()}
    reading = Reading(cluster, topic, starts, {n: span.latest for n, span in spans.items()})
    found: dict[int, Any] = {}
    while reading.open:
        for number, run in reading.batches(BATCH, WAIT):
            found.setdefault(number, run[0])
            reading.finish(number)
    reading.close()
    return found


def last_messages(
    cluster: Cluster, topic: str, spans: Mapping[int, Span], most: int = 1
) -> dict[int, list[Any]]:
    """Return up to so many of the newest records of each partition, oldest first."""
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


def extents(cluster: Cluster, topic: str, spans: Mapping[int, Span]) -> dict[int, Extent]:
    """Return what each partition holds, with its oldest and its newest record."""
    oldest = first_messages(cluster, topic, spans)
    newest = last_messages(cluster, topic, spans)
    return {
        number: Extent(
            earliest=span.earliest,
            latest=span.latest,
            oldest=spot(oldest[number]) if number in oldest else None,
            newest=spot(newest[number][-1]) if newest[number] else None,
            broker_time=any(m.timestamp()[0] == LOG_APPEND_TIME for m in newest[number]),
        )
        for number, span in spans.items()
    }


def message_at(cluster: Cluster, topic: str, partition: int, offset: int) -> Any | None:
    """Return one record, or None where it is gone."""
    found = _read(cluster, topic, {partition: offset}, {partition: offset + 1})
    return next(iter(found.get(partition, ())), None)


def spot(message: Any) -> Spot:
    """Return the place of a record of librdkafka."""
    return Spot(offset=message.offset(), time=message.timestamp()[1])


def _read(
    cluster: Cluster, topic: str, starts: Mapping[int, int], ends: Mapping[int, int]
) -> dict[int, list[Any]]:
    reading = Reading(cluster, topic, starts, ends)
    found: dict[int, list[Any]] = {}
    while reading.open:
        for number, run in reading.batches(BATCH, WAIT):
            found.setdefault(number, []).extend(run)
    reading.close()
    return found
