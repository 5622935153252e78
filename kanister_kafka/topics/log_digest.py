"""Digests of logs: the same for each copy of a log, on another cluster or at another time.

Equal digests mean equal bytes of all record batches in the range: offsets, times, producers, keys,
values, headers, and control records. Only the leader epoch of a batch is left out, because the
brokers of a restored cluster can set another one. Checksums are verified.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from kanister_kafka.errors import UnreachableError
from kanister_kafka.topics.batch_reader import BatchReader
from kanister_kafka.topics.batches import Batch, check_crc
from kanister_kafka.topics.broker import BrokerConnections, end_tasks, run_coroutine
from kanister_kafka.topics.client import ClientAccess
from kanister_kafka.topics.client_properties import find_obstacle
from kanister_kafka.topics.compare.logs import ACTIVE
from kanister_kafka.topics.model import LogDigest


def digest_logs(
    access: ClientAccess, topic: str, ranges: Mapping[int, tuple[int, int]]
) -> dict[int, LogDigest]:
    """Return the digest of the batches of each partition between two offsets.

    The batch that contains the first offset is included from its own start on. Raises what
    KafkaConsumer raises, and UnreachableError for a damaged batch, for one across the end, and if
    batches cannot be fetched with the properties of the client.
    """
    if obstacle := find_obstacle(access.settings):
        raise UnreachableError(
            f"{access.label}: a digest needs record batches, which are not read with the client "
            f"property {obstacle}: remove it"
        )

    async def run() -> dict[int, LogDigest]:
        with closing(BrokerConnections(access, topic)) as brokers:
            # All records: a digest of a log does not depend on who reads it.
            reader = BatchReader(brokers, ranges, committed=False)
            fetch = asyncio.create_task(reader.fetch())
            try:
                return await _digest(reader, fetch)
            finally:
                await end_tasks(fetch)

    return run_coroutine(run())


class _LogHash:
    """The digest of one partition."""

    def __init__(self, start: int, end: int) -> None:
        self._start = start
        self._end = end
        self._records = 0
        self._batches = 0
        self._bytes = 0
        self._hash: Any = hashlib.sha256()

    def add(self, batch: Batch, partition: str, *, check: bool) -> None:
        if batch.last >= self._end:
            raise UnreachableError(
                f"{partition}: the record batch at offset {batch.base} extends across offset "
                f"{self._end}, which was the end of the log: it is not a copy of that log"
            )
        if check and batch.magic == 2:
            check_crc(batch, partition)
        self._batches += 1
        self._bytes += batch.size
        if not batch.hidden:
            self._records += batch.count
        self._hash.update(memoryview(batch.buffer)[batch.start : batch.start + batch.size])

    def result(self) -> LogDigest:
        return LogDigest(
            start=self._start,
            end=self._end,
            records=self._records,
            batches=self._batches,
            size=self._bytes,
            sha256=self._hash.hexdigest(),
        )


async def _digest(reader: BatchReader, fetch: asyncio.Task[None]) -> dict[int, LogDigest]:
    pending = sorted(reader.starts, reverse=True)
    hashes = {n: _LogHash(start, reader.ends[n]) for n, start in reader.starts.items()}
    active: set[int] = set()
    while pending or active:
        while pending and len(active) < ACTIVE:
            active.add(pending[-1])
            reader.begin(pending.pop())
        reader.arrived.clear()
        for number in tuple(active):
            while (batch := reader.head(number)) is not None:
                reader.take(number)
                hashes[number].add(batch, reader.place(number), check=reader.checks)
            if reader.has_ended(number):
                active.discard(number)
                reader.finish(number)
        if fetch.done():
            fetch.result()
        if active:
            await reader.arrived.wait()
    return {number: log_hash.result() for number, log_hash in sorted(hashes.items())}
