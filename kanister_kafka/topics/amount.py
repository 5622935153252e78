"""How much topics hold, how fast they grow, and their last records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from kanister_kafka.topics.client import Cluster, Span
from kanister_kafka.topics.edges import last_messages
from kanister_kafka.topics.model import Flow, Held, Last, Rates, Totals
from kanister_kafka.topics.side import shown

LOOK = 1.0
"""Seconds between two looks while a rate is measured."""


def total(cluster: Cluster, topics: Sequence[str]) -> Totals:
    """Count what topics hold, by offsets; NotFoundError where one is not there."""
    held = []
    for topic in topics:
        spans = cluster.spans(topic, cluster.partitions(topic))
        newest = last_messages(cluster, topic, spans)
        held += [
            Held(
                topic=topic,
                partition=number,
                earliest=span.earliest,
                latest=span.latest,
                newest=newest[number][-1].timestamp()[1] if newest[number] else None,
            )
            for number, span in spans.items()
        ]
    return Totals(cluster=cluster.access.label, held=tuple(held))


def rates(
    cluster: Cluster,
    topics: Sequence[str],
    seconds: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Rates]:
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


Looks = dict[str, tuple[float, dict[int, Span]]]
"""For each topic when it was looked at, and what was there."""


def _look(
    cluster: Cluster, numbers: Mapping[str, tuple[int, ...]], clock: Callable[[], float]
) -> Looks:
    return {topic: (clock(), cluster.spans(topic, of)) for topic, of in numbers.items()}


def _rates(label: str, first: Looks, now: Looks) -> Rates:
    flows, longest = [], 0.0
    for topic, (at, spans) in now.items():
        began, before = first[topic]
        took = max(at - began, 1e-6)
        longest = max(longest, took)
        for number, span in spans.items():
            count = span.latest - before[number].latest
            flows.append(
                Flow(topic=topic, partition=number, messages=count, per_second=count / took)
            )
    return Rates(cluster=label, seconds=longest, flows=tuple(flows))


def last(
    cluster: Cluster, topic: str, partitions: Sequence[int] = (), count: int = 10, page: int = 1
) -> Last:
    """Return the last records of each partition in the order of their times.

    Page 2 is of those before, and so on. NotFoundError where a partition is not there.
    """
    numbers = tuple(partitions) or cluster.partitions(topic)
    spans = cluster.spans(topic, numbers)
    found = last_messages(cluster, topic, spans, most=count * page)
    messages = [
        shown(message)
        for some in found.values()
        for message in some[: max(0, len(some) - count * (page - 1))][-count:]
    ]
    messages.sort(key=lambda message: (message.time, message.partition, message.offset))
    return Last(
        cluster=cluster.access.label,
        topic=topic,
        partitions=tuple(spans),
        page=page,
        per_partition=count,
        messages=tuple(messages),
    )
