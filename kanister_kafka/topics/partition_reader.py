"""Partitions of one topic read in parallel, each in order, up to their ends."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from kanister_kafka.errors import UnreachableError
from kanister_kafka.topics.client import KafkaConsumer
from kanister_kafka.topics.model import TopicRecord

READ_TIMEOUT_S = 60.0
"""Seconds without any record from brokers that owe some, after which reading has failed."""


class PartitionReader:
    """Reads some partitions of one topic in parallel, each in order, until their ends."""

    def __init__(
        self, cluster: KafkaConsumer, topic: str, starts: Mapping[int, int], ends: Mapping[int, int]
    ) -> None:
        self._cluster, self._topic, self._ends = cluster, topic, dict(ends)
        self._library = cluster.library
        self._consumer = cluster.consumer
        self._eof = self._library.KafkaError._PARTITION_EOF
        self.open = {number for number, at in starts.items() if at < ends[number]}
        """Partitions that may have more."""
        self._at_end: set[int] = set()
        """Partitions of which the broker said that no more is there."""
        self._waited = 0.0
        """Seconds spent in waiting since the last record."""
        place = self._library.TopicPartition
        with cluster.translated(f"read {topic}"):
            self._consumer.assign([place(topic, n, starts[n]) for n in sorted(self.open)])

    def batches(self, most: int, wait: float) -> Iterator[tuple[int, list[Any]]]:
        """Yield what has arrived, as runs of one partition; nothing beyond the ends.

        A message has `key()`, `value()`, `timestamp()`, `headers()` and `offset()`. `open` tells
        afterwards which partitions may have more.
        """
        began = time.monotonic()
        with self._cluster.translated(f"read {self._topic}"):
            got = self._consumer.consume(most, wait)
        # Only while it is asked: for a time in which nobody looked the brokers are not to blame.
        self._waited = 0.0 if got else self._waited + time.monotonic() - began
        if self.open and self._waited > READ_TIMEOUT_S:
            numbers = ", ".join(map(str, sorted(self.open)))
            said = "; ".join(self._cluster.said)
            raise UnreachableError(
                f"{self._cluster.access.label}: no record of {self._topic}[{numbers}] within "
                f"{READ_TIMEOUT_S:g} s" + (f": {said}" if said else "")
            )
        for number, run in self._runs(got):
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
        """Fetch no more of a partition for now."""
        self._consumer.pause([self._library.TopicPartition(self._topic, number)])

    def resume(self, number: int) -> None:
        """Fetch a paused partition again."""
        self._consumer.resume([self._library.TopicPartition(self._topic, number)])

    def finish(self, number: int) -> None:
        """Read no more of a partition."""
        if number in self.open:
            self.open.discard(number)
            self._consumer.incremental_unassign([self._library.TopicPartition(self._topic, number)])

    def close(self) -> None:
        """Read no more."""
        self.open.clear()
        self._consumer.unassign()

    def _runs(self, got: list[Any]) -> Iterator[tuple[int, list[Any]]]:
        """Split what came into runs of one partition; news of an end ends its partition."""
        kind = self._library.Message  # its methods are called by map, twice as fast as in a loop
        if any(map(kind.error, got)):
            for message in got:
                if (trouble := message.error()) is None:
                    continue
                if trouble.code() != self._eof:
                    raise self._cluster.failure(f"read {self._topic}", trouble)
                self._at_end.add(message.partition())
            got = [message for message in got if message.error() is None]
        start = 0
        for number, run in groupby(map(kind.partition, got)):
            stop = start + len(tuple(run))
            yield number, got[start:stop]
            start = stop


def to_topic_record(message: Any) -> TopicRecord:
    """Return a record of librdkafka as it is shown."""
    return TopicRecord(
        partition=message.partition(),
        offset=message.offset(),
        time=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=tuple(message.headers() or ()),
    )
