"""The record batches of a copy compared with those of the running Kafka that it came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from kanister_kafka.errors import ActionError
from kanister_kafka.kube.objects import join_limited
from kanister_kafka.operations.backups.model import PartitionOffsets
from kanister_kafka.operations.clone.broker_reads import BrokerReader, ReplicaRecords, TopicIdentity
from kanister_kafka.operations.clone.offset_comparison import RestoredOffsets
from kanister_kafka.operations.clone.verification import RecordsRead, SourceResult

SAMPLED_OFFSETS = 10_000
"""Of each partition, the last offsets that a sample compares."""

GONE = "no longer in the source"
ABSENT = "not in the copy"
UNKNOWN = "its first offset could not be read"


def compare_with_source(
    source: BrokerReader,
    copy: BrokerReader,
    recorded: Iterable[PartitionOffsets],
    copied: RestoredOffsets,
    read: RecordsRead,
) -> SourceResult:
    """Compare all batches before the ends of a backup that the source still has.

    Brokers store batches as producers send them, and followers as leaders do, so the batches of all
    replicas are the same. Raises ActionError if either Kafka cannot be read.
    """
    brokers = source.brokers()
    if not brokers:
        raise ActionError("no broker of the Kafka that was backed up is Ready")
    copies = copy.brokers()
    topics = copy.topics(copies[0])
    unequal = not_comparable(topics, source.topics(brokers[0]))
    current = source.offsets(brokers[0])
    ranges, notes = common_ranges(recorded, copied, current, unequal, read)
    earlier = tuple(begin_earlier(copied, current, unequal))
    theirs = list(source.ranges(brokers, ranges))
    if ranges:
        # The source runs: it can lose batches after its offsets were read, before its files were.
        unequal = not_comparable(topics, source.topics(brokers[0]))
        lost = lost_meanwhile(ranges, source.offsets(brokers[0]), unequal)
        ranges = {name: span for name, span in ranges.items() if name not in lost}
        theirs = [replica for replica in theirs if replica.partition in ranges]
        skipped: dict[str, set[str]] = {}
        for name, reason in lost.items():
            skipped.setdefault(reason, set()).add(name)
        notes += _notes(skipped)
    ours = list(copy.ranges(copies, ranges))
    if not ranges:
        notes.append("no batch was compared with the source")
        return SourceResult(0, 0, 0, (), tuple(notes), earlier)
    return replace(compare_replicas(ranges, ours, theirs, notes), earlier=earlier)


def begin_earlier(
    copied: RestoredOffsets, current: RestoredOffsets, unequal: Mapping[str, str]
) -> Iterator[str]:
    """Yield partitions that begin later in the copy than in the source.

    The first offset of a partition never decreases. So these records were there when the volumes
    were cut, except if retention had deleted them on one replica and not yet on another.
    """
    for (topic, partition), (earliest, _latest) in sorted(copied.items()):
        first, _end = current.get((topic, partition), (None, 0))
        if topic in unequal or first is None or earliest is None:
            continue
        if first < earliest:
            yield f"{topic}-{partition} at {first}, not {earliest}"


def lost_meanwhile(
    ranges: Mapping[str, tuple[int, int]], current: RestoredOffsets, unequal: Mapping[str, str]
) -> dict[str, str]:
    """Return why a range may not have been whole when it was read, by the name of the partition.

    `current` and `unequal` are those of the source after the reading.
    """
    earliest = {
        f"{topic}-{partition}": first for (topic, partition), (first, _end) in current.items()
    }
    reasons = {}
    for name, (first, _end) in ranges.items():
        if reason := unequal.get(name.rpartition("-")[0]):
            reasons[name] = reason
        elif name not in earliest:
            reasons[name] = GONE
        elif (now := earliest[name]) is None:
            reasons[name] = UNKNOWN
        elif now > first:
            reasons[name] = "retention of the source has deleted records meanwhile"
    return reasons


def not_comparable(
    copied: Mapping[str, TopicIdentity], current: Mapping[str, TopicIdentity]
) -> dict[str, str]:
    """Return why the batches of a topic need not be the same, by the name of the topic."""
    reasons = {}
    for name, topic in copied.items():
        now = current.get(name)
        if now is None:
            reasons[name] = GONE
        elif now.topic_id != topic.topic_id:
            reasons[name] = "deleted and created again in the source"
        elif topic.compacted or now.compacted:
            reasons[name] = "compaction rewrites its batches"
    return reasons


def common_ranges(
    recorded: Iterable[PartitionOffsets],
    copied: RestoredOffsets,
    current: RestoredOffsets,
    unequal: Mapping[str, str],
    read: RecordsRead,
) -> tuple[dict[str, tuple[int, int]], list[str]]:
    """Return by partition the offsets [first, end) that both Kafkas must have, and notes."""
    ends = {(row.topic, row.partition): row.latest for row in recorded}
    ranges: dict[str, tuple[int, int]] = {}
    skipped: dict[str, set[str]] = {}
    for (topic, partition), (earliest, latest) in sorted(copied.items()):
        name = f"{topic}-{partition}"
        if reason := unequal.get(topic):
            skipped.setdefault(reason, set()).add(topic)
            continue
        if (topic, partition) not in current:
            skipped.setdefault(GONE, set()).add(name)
            continue
        first, end = current[topic, partition]
        if earliest is None or first is None:
            skipped.setdefault(UNKNOWN, set()).add(name)
            continue
        first, end = max(earliest, first), min(latest, end, ends.get((topic, partition)) or latest)
        if read is not RecordsRead.ALL:
            first = max(first, end - SAMPLED_OFFSETS)
        if first < end:
            ranges[name] = (first, end)
        elif earliest < latest:
            skipped.setdefault(GONE, set()).add(name)
    topics = {topic for topic, _partition in copied} - unequal.keys()
    if absent := {f"{topic}-{n}" for topic, n in current.keys() - copied.keys() if topic in topics}:
        skipped[ABSENT] = absent
    return ranges, _notes(skipped)


def _notes(skipped: Mapping[str, set[str]]) -> list[str]:
    return [
        f"not compared with the source, {reason}: {join_limited(sorted(names))}"
        for reason, names in sorted(skipped.items())
    ]


def compare_replicas(
    ranges: Mapping[str, tuple[int, int]],
    copies: Sequence[ReplicaRecords],
    sources: Sequence[ReplicaRecords],
    notes: Iterable[str] = (),
) -> SourceResult:
    """Compare each replica of a copy with those of the source: one of them must be equal.

    A replica of the source that is not in sync can have less than the others.
    """
    expected: dict[str, set[tuple[int, int, int]]] = {}
    for replica in sources:
        expected.setdefault(replica.partition, set()).add(_content(replica))
    differences = []
    counted: dict[str, ReplicaRecords] = {}
    empty: set[str] = set()
    for replica in copies:
        contents = expected.get(replica.partition)
        first, end = ranges[replica.partition]
        if contents is None:
            differences.append(f"{replica.partition}: no broker of the source has its log")
        elif _content(replica) not in contents:
            differences.append(
                f"{replica.partition} on {replica.broker} differs from the source in offsets "
                f"{first} to {end - 1}: {_words(_content(replica))}, and in the source "
                + " or ".join(_words(content) for content in sorted(contents))
            )
        elif replica.batches:
            counted[replica.partition] = replica
        else:  # a range that is not compacted has at least one batch
            empty.add(replica.partition)
    missing = sorted(set(ranges) - {replica.partition for replica in copies})
    differences += [f"{name}: no broker of the copy has its log" for name in missing]
    return SourceResult(
        partitions=len(counted),
        batches=sum(replica.batches for replica in counted.values()),
        records=sum(replica.records for replica in counted.values()),
        differences=tuple(differences),
        notes=tuple(notes) + tuple(_notes({"no batch was read": empty} if empty else {})),
    )


def _content(replica: ReplicaRecords) -> tuple[int, int, int]:
    return replica.batches, replica.records, replica.digest


def _words(content: tuple[int, int, int]) -> str:
    batches, records, digest = content
    return f"{records} records in {batches} batches with the digest {digest:x}"
