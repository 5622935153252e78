"""Records of a mirror that its source has in transactions that were never committed.

MirrorMaker 2 and other consumers that are not set to `read_committed` read aborted transactions as
well; in the mirror their records are like any other (KIP-98).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from contextlib import closing

from kanister_kafka.topics.client import KafkaConsumer
from kanister_kafka.topics.compare.partition import StrayRecord
from kanister_kafka.topics.compare.reader import OpenTopic, ReadRange
from kanister_kafka.topics.compare.records import RecordBatch
from kanister_kafka.topics.partition_reader import PartitionReader

BATCH = 1000
WAIT = 0.2


def find_uncommitted(
    a: OpenTopic,
    strays: Mapping[int, Sequence[StrayRecord]],
    ranges: Mapping[int, ReadRange],
    *,
    timed: bool,
) -> dict[int, int]:
    """Count for each partition the records of B that A has, but not for who reads committed ones.

    Raises what reading raises.
    """
    found: dict[int, int] = {}
    if not strays:
        return found
    with closing(a.cluster.uncommitted()) as cluster:
        ends = {n: span.latest for n, span in cluster.spans(a.topic, strays).items()}
        for number, some in strays.items():
            for stray in some:
                start = ranges[number].a[0] if stray.after is None else stray.after + 1
                end = ends[number] if stray.before is None else stray.before
                wanted = Counter(stray.records.tokens())
                hidden = _read(cluster, a.topic, number, (start, end), wanted, timed=timed)
                there = (hidden - Counter(stray.instead.tokens())) & wanted
                found[number] = found.get(number, 0) + there.total()
    return found


def _read(
    cluster: KafkaConsumer,
    topic: str,
    number: int,
    where: tuple[int, int],
    wanted: Counter[Hashable],
    *,
    timed: bool,
) -> Counter[Hashable]:
    """Count those records of a range that are wanted."""
    found: Counter[Hashable] = Counter()
    reading = PartitionReader(cluster, topic, {number: where[0]}, {number: where[1]})
    while reading.open:
        for _, run in reading.batches(BATCH, WAIT):
            records = RecordBatch()
            records.add(run, timed=timed)
            found.update(token for token in records.tokens() if token in wanted)
    reading.close()
    return found
