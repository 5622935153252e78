"""Records of a mirror that are in uncommitted transactions of its source.

MirrorMaker 2 and other consumers without `read_committed` also read aborted transactions. In the
mirror these records are like any other (KIP-98).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from contextlib import closing

from kanister_kafka.topics.client import KafkaConsumer
from kanister_kafka.topics.compare.partition import StrayRecord
from kanister_kafka.topics.compare.reader import OpenTopic, ReadRange
from kanister_kafka.topics.partition_reader import PartitionReader
from kanister_kafka.topics.records import RecordBatch

BATCH = 1000
WAIT_S = 0.2


def find_uncommitted(
    a: OpenTopic,
    strays: Mapping[int, Sequence[StrayRecord]],
    ranges: Mapping[int, ReadRange],
    *,
    timed: bool,
) -> dict[int, int]:
    """Count for each partition the records of B that A only has in uncommitted transactions.

    Raises the errors of KafkaConsumer.
    """
    counts: dict[int, int] = {}
    if not strays:
        return counts
    with closing(a.cluster.uncommitted()) as cluster:
        ends = {n: span.latest for n, span in cluster.spans(a.topic, strays).items()}
        for number, some in strays.items():
            for stray in some:
                start = ranges[number].a[0] if stray.after is None else stray.after + 1
                end = ends[number] if stray.before is None else stray.before
                only_b = Counter(stray.records.tokens())
                in_a = _read(cluster, a.topic, number, (start, end), only_b, timed=timed)
                hidden = (in_a - Counter(stray.instead.tokens())) & only_b
                counts[number] = counts.get(number, 0) + hidden.total()
    return counts


def _read(
    cluster: KafkaConsumer,
    topic: str,
    number: int,
    offsets: tuple[int, int],
    searched: Counter[Hashable],
    *,
    timed: bool,
) -> Counter[Hashable]:
    """Count the searched records among the offsets of a partition."""
    counts: Counter[Hashable] = Counter()
    reader = PartitionReader(cluster, topic, {number: offsets[0]}, {number: offsets[1]})
    while reader.open:
        for _, run in reader.batches(BATCH, WAIT_S):
            records = RecordBatch(timed)
            records.add(run)
            counts.update(token for token in records.tokens() if token in searched)
    reader.close()
    return counts
