"""The record batches of some partitions of one topic, fetched ahead and not decoded."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence

from kanister_kafka.errors import UnreachableError
from kanister_kafka.topics.batches import Batch, TransactionFilter, parse_batches
from kanister_kafka.topics.broker import (
    BrokerConnections,
    FetchedPartition,
    end_tasks,
    failure_of,
)

EACH = 2 << 20
"""Bytes of one partition in a response; a larger batch is complete nevertheless."""
WHOLE = 16 << 20
"""Bytes of a response."""
GROWTH = 8
"""Factor for the bytes of one partition if a batch is larger."""
AHEAD = 2
"""Responses of a partition that wait to be compared; one more can be on its way."""
OFFSET_OUT_OF_RANGE = 1
CORRUPT_MESSAGE = 2
MOVED = frozenset((3, 5, 6, 7, 8, 9, 56, 74, 75, 76))
"""Errors after which the leader is asked for again: unknown partition (a broker that has just
started), no leader, not the leader, timeout, broker or replica not available, storage error, leader
epochs (Errors.java)."""


class BatchReader:
    """Fetches the batches of partitions between two offsets, each partition in order.

    Run `fetch` as a task. `head` is the next batch of a partition.
    """

    def __init__(
        self,
        brokers: BrokerConnections,
        ranges: Mapping[int, tuple[int, int]],
        *,
        committed: bool,
        partition_bytes: int = EACH,
    ) -> None:
        self.label = brokers.access.label
        self.topic = brokers.topic
        self.checks = brokers.access.settings.get("check.crcs", "true").lower() != "false"
        """Whether checksums are verified."""
        self.starts = {number: start for number, (start, _) in ranges.items()}
        self.ends = {number: end for number, (_, end) in ranges.items()}
        self.fetching: set[int] = set()
        """Partitions that can have further batches at the brokers."""
        self.arrived = asyncio.Event()
        """Set when batches have arrived, or a partition or `fetch` has ended."""
        self._committed = committed
        self._bytes = partition_bytes
        self._brokers = brokers
        self._room = asyncio.Event()
        self._queues: dict[int, deque[deque[Batch]]] = {}
        self._next = dict(self.starts)
        """The next offset to fetch."""
        self._lasts: dict[int, tuple[int, int, int]] = {}
        """Offset, size and checksum of the last batch of each partition."""
        self._checked: set[int] = set()
        """Partitions whose last batch is fetched again, because they can have another leader."""
        self._progress = time.monotonic()

    def begin(self, number: int) -> None:
        """Start to read a partition."""
        self._queues[number] = deque()
        if self.starts[number] < self.ends[number]:
            self.fetching.add(number)
            self._progress = time.monotonic()
            self._room.set()

    def finish(self, number: int) -> None:
        """Stop reading a partition."""
        self.fetching.discard(number)
        self._queues.pop(number, None)

    def place(self, number: int) -> str:
        """Return the name of a partition for messages."""
        return f"{self.label}: {self.topic}[{number}]"

    def head(self, number: int) -> Batch | None:
        """Return the next batch of a partition, if it has arrived."""
        queue = self._queues[number]
        return queue[0][0] if queue else None

    def take(self, number: int) -> None:
        """Remove the next batch of a partition."""
        queue = self._queues[number]
        queue[0].popleft()
        if not queue[0]:
            queue.popleft()
            self._room.set()

    def has_ended(self, number: int) -> bool:
        """Return whether there are no further batches of a partition."""
        return number not in self.fetching and not self._queues[number]

    async def fetch(self) -> None:
        """Fetch ahead until it is cancelled. Raises what KafkaConsumer raises."""
        try:
            if not self._brokers.leaders:
                await self._brokers.find_leaders()
            await self._fetch()
        finally:
            self.arrived.set()

    async def _fetch(self) -> None:
        running: dict[asyncio.Task[None], int] = {}
        try:
            while True:
                self._room.clear()
                for node, offsets in self._offsets_to_fetch(set(running.values())).items():
                    running[asyncio.create_task(self._request(node, offsets))] = node
                room = asyncio.create_task(self._room.wait())
                try:
                    await asyncio.wait({*running, room}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    room.cancel()
                for task in [task for task in running if task.done()]:
                    del running[task]
                    await task
                self._raise_if_stalled()
        finally:
            await end_tasks(*running)

    def _offsets_to_fetch(self, busy: set[int]) -> dict[int, dict[int, int]]:
        """Return for each idle broker the partitions to fetch and their offsets."""
        offsets: dict[int, dict[int, int]] = {}
        for number in sorted(self.fetching):
            node = self._brokers.leaders.get(number, -1)
            if node in busy or len(self._queues[number]) >= AHEAD:
                continue
            offset = self._lasts[number][0] if number in self._checked else self._next[number]
            offsets.setdefault(node, {})[number] = offset
        return offsets

    async def _request(self, node: int, offsets: dict[int, int]) -> None:
        if node < 0:
            await self._find_leaders_again(offsets)
            return
        try:
            broker = await self._brokers.broker(node)
            answers = await broker.fetch(
                self.topic, offsets, each=self._bytes, whole=WHOLE, committed=self._committed
            )
        except (OSError, EOFError, asyncio.TimeoutError):
            self._brokers.drop(node)
            await self._find_leaders_again(offsets)
            return
        moved = [answer.partition for answer in answers if answer.error in MOVED]
        for answer in answers:
            if answer.partition in self.fetching and answer.error not in MOVED:
                self._receive(answer)
        self._grow(answers)
        if moved:
            await self._find_leaders_again(dict.fromkeys(moved, 0))
        self.arrived.set()

    async def _find_leaders_again(self, numbers: Mapping[int, int]) -> None:
        self._checked |= self._lasts.keys() & numbers.keys()
        await asyncio.sleep(self._brokers.timing.pause)
        try:
            await self._brokers.find_leaders()
        except UnreachableError:
            if time.monotonic() - self._progress > self._brokers.timing.timeout:
                raise

    def _receive(self, answer: FetchedPartition) -> None:
        number = answer.partition
        if answer.error:
            raise self._failure(answer)
        batches: deque[Batch] = deque()
        hidden = TransactionFilter(answer.aborted if self._committed else ())
        for batch in parse_batches(answer.records, self.place(number)) if answer.records else ():
            hidden.hide(batch)
            batches.append(batch)
        if number in self._checked:
            self._check_last(number, batches)
        self._lasts_and_ends(number, batches)
        limit = answer.last_stable if self._committed else answer.high_watermark
        if not batches and self._next[number] >= limit:
            self.fetching.discard(number)  # the end that was asked for does not exist for readers
        if batches:
            self._progress = time.monotonic()
            self._queues[number].append(batches)

    def _grow(self, answers: Sequence[FetchedPartition]) -> None:
        """Ask for up to EACH bytes of each partition if the next batch of one is larger.

        Only the first batch of a response is complete in any case (KIP-74). The batches of other
        partitions would need a request each.
        """
        received = sum(len(answer.records) for answer in answers if answer.records)
        if self._bytes >= EACH or received + self._bytes > WHOLE:
            return  # the response was full
        for answer in answers:
            if answer.partition in self.fetching and not answer.error and not answer.records:
                self._bytes = min(GROWTH * self._bytes, EACH)
                return

    def _check_last(self, number: int, batches: deque[Batch]) -> None:
        """Raise UnreachableError unless the leader has the batch that was read last.

        A new leader that was not in sync has truncated the log, and other records can be at the
        same offsets.
        """
        last = self._lasts[number]
        if not batches or (batches[0].base, batches[0].size, batches[0].crc) != last:
            raise UnreachableError(
                f"{self.place(number)}: the record batch at offset {last[0]} has changed while the "
                "partition was read, as after an election of a replica that was not in sync: "
                "compare again"
            )
        self._checked.discard(number)
        batches.popleft()

    def _lasts_and_ends(self, number: int, batches: deque[Batch]) -> None:
        """Remove batches outside of the range; note what to fetch next."""
        while batches and batches[0].last < self.starts[number]:
            batches.popleft()
        end = self.ends[number]
        while batches and batches[-1].base >= end and batches[-1].magic == 2:
            batches.pop()
            self.fetching.discard(number)
        if not batches:
            return
        last = batches[-1]
        self._lasts[number] = (last.base, last.size, last.crc)
        self._next[number] = last.last + 1
        if last.last + 1 >= end:
            self.fetching.discard(number)

    def _failure(self, answer: FetchedPartition) -> Exception:
        number = answer.partition
        if answer.error == OFFSET_OUT_OF_RANGE:
            return UnreachableError(
                f"{self.place(number)}: offset {self._next[number]} does not exist any more; "
                "retention has deleted it, or the log was truncated: compare again"
            )
        what = f"read {self.topic}[{number}]"
        if answer.error == CORRUPT_MESSAGE:
            return UnreachableError(f"{self.label}: cannot {what}: a record batch is damaged")
        return failure_of(self.label, what, answer.error)

    def _raise_if_stalled(self) -> None:
        stalled = [n for n in sorted(self.fetching) if not self._queues[n]]
        timeout = self._brokers.timing.timeout
        if not stalled:
            self._progress = time.monotonic()
        elif time.monotonic() - self._progress > timeout:
            numbers = ", ".join(map(str, stalled))
            raise UnreachableError(
                f"{self.label}: no record of {self.topic}[{numbers}] within {timeout:g} s"
            )
