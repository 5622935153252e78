"""Read partitions of one topic."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import groupby
from typing import Any

from kanister_kafka.errors import UnreachableError
from kanister_kafka.topics.client import KafkaConsumer
from kanister_kafka.topics.model import TopicRecord

LAST_OFFSETS = 8
"""Offsets that are read first for a last record; transaction markers have an offset too."""
LAST_OFFSETS_GROWTH = 16
"""Factor for the next try, if none of them is a record."""
READ_TIMEOUT_S = 60.0
"""Seconds without a record before the end, after which reading has failed."""


class PartitionReader:
    """Reads some partitions of one topic in parallel, each in order, until their ends."""

    def __init__(
        self, cluster: KafkaConsumer, topic: str, starts: Mapping[int, int], ends: Mapping[int, int]
    ) -> None:
        self._cluster = cluster
        self._topic = topic
        self._ends = dict(ends)
        self._library = cluster.library
        self._consumer = cluster.consumer
        self._eof = self._library.KafkaError._PARTITION_EOF
        self.open = {number for number, at in starts.items() if at < ends[number]}
        """Partitions that can have further records."""
        self._at_end: set[int] = set()
        """Partitions whose end the broker has reported."""
        self._waited = 0.0
        """Seconds of waiting since the last record."""
        self._partition: Callable[..., Any] = partial(self._library.TopicPartition, topic)
        with cluster.translated(f"read {topic}"):
            self._consumer.assign([self._partition(n, starts[n]) for n in sorted(self.open)])

    def batches(self, most: int, wait: float) -> Iterator[tuple[int, list[Any]]]:
        """Yield the records that have arrived, as runs of one partition; none beyond the ends.

        A message has `key()`, `value()`, `timestamp()`, `headers()` and `offset()`. After that,
        `open` has the partitions with further records.
        """
        began = time.monotonic()
        with self._cluster.translated(f"read {self._topic}"):
            messages = self._consumer.consume(most, wait)
        # Only the time in `consume` counts: the brokers do not cause the time between two calls.
        self._waited = 0.0 if messages else self._waited + time.monotonic() - began
        if self.open and self._waited > READ_TIMEOUT_S:
            numbers = ", ".join(map(str, sorted(self.open)))
            errors = "; ".join(self._cluster.errors)
            raise UnreachableError(
                f"{self._cluster.access.label}: no record of {self._topic}[{numbers}] within "
                f"{READ_TIMEOUT_S:g} s" + (f": {errors}" if errors else "")
            )
        for number, run in self._runs(messages):
            if number not in self.open:
                continue
            end = self._ends[number]
            if run[-1].offset() >= end - 1:
                self.finish(number)
                run = [message for message in run if message.offset() < end]
            if run:
                yield number, run
        for number in self._at_end:
            self.finish(number)
        self._at_end.clear()

    def pause(self, number: int) -> None:
        """Stop fetching a partition for now."""
        self._consumer.pause([self._partition(number)])

    def resume(self, number: int) -> None:
        """Fetch a paused partition again."""
        self._consumer.resume([self._partition(number)])

    def finish(self, number: int) -> None:
        """Stop reading a partition."""
        if number in self.open:
            self.open.discard(number)
            self._consumer.incremental_unassign([self._partition(number)])

    def close(self) -> None:
        """Stop reading."""
        self.open.clear()
        self._consumer.unassign()

    def _runs(self, messages: list[Any]) -> Iterator[tuple[int, list[Any]]]:
        """Split messages into runs of one partition; take out reports of ends."""
        kind = self._library.Message  # its methods are called by map, twice as fast as in a loop
        if any(map(kind.error, messages)):
            for message in messages:
                error = message.error()
                if error is None:
                    continue
                if error.code() != self._eof:
                    raise self._cluster.failure(f"read {self._topic}", error)
                self._at_end.add(message.partition())
            messages = [message for message in messages if message.error() is None]
        start = 0
        for number, run in groupby(map(kind.partition, messages)):
            stop = start + len(tuple(run))
            yield number, messages[start:stop]
            start = stop


def to_topic_record(message: Any) -> TopicRecord:
    """Return a record of librdkafka as data."""
    return TopicRecord(
        partition=message.partition(),
        offset=message.offset(),
        time=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=tuple(message.headers() or ()),
    )
