"""A restored Kafka compared with the offsets of its backup, and with the Kafka it came from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from kanister_kafka.errors import ActionError
from kanister_kafka.kube.objects import join_limited
from kanister_kafka.operations.backups.model import PartitionOffsets, TopicRetention
from kanister_kafka.operations.clone.broker_reads import BrokerReader, ReplicaRecords, TopicIdentity
from kanister_kafka.operations.clone.verification import RecordsRead, SourceResult

# The offsets of a restored Kafka compared with those that its backup has.

LARGE_MOVE_PERCENT = 10
"""Share of the records of a partition that retention may have deleted before the brokers stopped.

Offsets are read at the flush, at most some minutes before the stop. Retention deletes whole
segments, so a partition of ten segments loses a tenth at once. More can be right if it has fewer
segments, but nothing in the copy shows that.
"""
SHARE_GROUP_STATE = "__share_group_state"
PURGED_TOPIC = re.compile(
    rf"{SHARE_GROUP_STATE}|.+(-repartition|-subscription-(registration|response)-topic"
    r"|-KTABLE-FK-JOIN-SUBSCRIPTION-(REGISTRATION|RESPONSE)-\d+-topic)"
)
"""Topics of which the owner deletes all records that it no longer needs, in addition to retention.

These are the topics between the steps of Kafka Streams, by the names of
`StreamsResetter.matchesInternalTopicFormat`, and that of Kafka's share coordinator.
"""

RestoredOffsets = Mapping[tuple[str, int], tuple[int | None, int]]
"""Earliest and latest offset by topic and partition; None if the first could not be read."""


@dataclass(frozen=True, slots=True)
class OffsetComparison:
    """The offsets of all partitions compared with those of the backup."""

    faults: tuple[str, ...]
    notes: tuple[str, ...]
    """Differences that are not faults."""
    unverified: tuple[str, ...]
    """Partitions that were not compared, and differences whose cause cannot be verified."""
    compared: int
    """Partitions whose end was compared."""


def compare_offsets(
    recorded: Iterable[PartitionOffsets],
    restored: RestoredOffsets,
    topics: Iterable[TopicRetention],
) -> OffsetComparison:
    """Compare the offsets of a restored Kafka with those of its backup.

    `topics` are those of the backup. The offsets of the backup were read before the brokers
    stopped: until then a partition can grow, and retention can move its beginning. A later
    beginning is a fault if the topic deletes no records, or if nothing is left of a partition that
    had records, except if its owner deletes them.
    """
    comparer = _OffsetComparer({topic.name: topic for topic in topics})
    rows = tuple(recorded)
    sums, absent = _topic_sums(restored), (None, None)
    for row in rows:
        if row.partition is None:
            comparer.compare(row, *sums.get(row.topic, absent))
        else:
            comparer.compare(row, *restored.get((row.topic, row.partition), absent))
    recorded_partitions = {(row.topic, row.partition) for row in rows}
    extra = [
        f"{topic}-{partition}"
        for topic, partition in sorted(restored)
        if not recorded_partitions & {(topic, partition), (topic, None)}
    ]
    if not rows:
        comparer.unverified.append("no offset was compared: the backup has none")
    elif extra:
        comparer.unverified.append(
            f"not compared, as the backup does not have them: {join_limited(extra)}"
        )
    return comparer.result()


def _topic_sums(restored: RestoredOffsets) -> dict[str, tuple[int | None, int]]:
    """Return the sums of earliest and latest offsets by topic; None if one is unknown."""
    sums: dict[str, tuple[int | None, int]] = {}
    for (topic, _partition), (earliest, latest) in restored.items():
        first, end = sums.get(topic, (0, 0))
        first = None if first is None or earliest is None else first + earliest
        sums[topic] = first, end + latest
    return sums


class _OffsetComparer:
    """Collects the differences of all partitions."""

    def __init__(self, topics: Mapping[str, TopicRetention]) -> None:
        self._topics = topics
        self.faults: list[str] = []
        self.unverified: list[str] = []
        self._compared = 0
        self._longer: list[str] = []
        self._later: list[str] = []
        self._purged: list[str] = []
        self._far: list[str] = []
        self._emptied: list[str] = []
        self._unexplained: list[str] = []
        self._without_end: list[str] = []
        self._without_beginning: list[str] = []
        self._summed: list[str] = []

    def compare(self, row: PartitionOffsets, earliest: int | None, latest: int | None) -> None:
        """Compare the offsets of a partition, or the sums of a topic; `latest` None is absent."""
        if row.partition is None:
            self._summed.append(row.topic)
        if row.latest is None:
            self._without_end.append(str(row))
            return
        if latest is None:
            what = "topic" if row.partition is None else "partition"
            self.faults.append(f"{what} {row} is not there")
            return
        self._compared += row.partition is not None
        if latest < row.latest:
            self.faults.append(f"{_subject(row)} ends at {latest}, and ended at {row.latest}")
        elif not self._is_purged(row.topic) and (empty := _nothing_left(row, earliest, latest)):
            topic = self._topics.get(row.topic)
            is_fault = topic is not None and _deletes_nothing(topic)
            (self.faults if is_fault else self._emptied).append(empty)
            return
        elif latest > row.latest:
            self._longer.append(f"{row} by {latest - row.latest}")
        if earliest is None or row.earliest is None:
            self._without_beginning.append(str(row))
        elif earliest > row.earliest:
            self._compare_beginnings(row, row.earliest, row.latest, earliest)

    def _compare_beginnings(
        self, row: PartitionOffsets, first: int, end: int, earliest: int
    ) -> None:
        moved = f"{row} at {earliest}, not {first}"
        lost = min(earliest, end) - first
        topic = self._topics.get(row.topic)
        if not lost:  # the backup has offsets of no record that is missing
            self._later.append(moved)
        elif topic is None:
            self._unexplained.append(moved)
        elif self._is_purged(row.topic):
            self._purged.append(moved)
        elif _deletes_nothing(topic):
            self.faults.append(
                f"{_subject(row)} begins at {earliest}, and began at {first}, although the "
                "retention of its topic deletes no records"
            )
        elif lost * 100 > LARGE_MOVE_PERCENT * (end - first):
            self._far.append(moved)
        else:
            self._later.append(moved)

    def _is_purged(self, name: str) -> bool:
        topic = self._topics.get(name)
        # Kafka refuses DeleteRecords for a topic that is only compacted.
        if topic is None or not topic.deletes or not PURGED_TOPIC.fullmatch(name):
            return False
        # Kafka Streams sets no limit of time for them: RepartitionTopicConfig.
        return name == SHARE_GROUP_STATE or topic.retention_ms < 0

    def result(self) -> OffsetComparison:
        """Return all differences, a line for each kind."""
        notes = {
            "longer than when its offsets were read": self._longer,
            "begins later": self._later,
            "begins later, in topics of which Kafka or Kafka Streams deletes all records that it "
            "no longer needs": self._purged,
        }
        unverified = {
            "the backup has only the sums of all partitions of these topics, so no partition of "
            "them was compared": self._summed,
            "not compared, as the backup does not have their ends": self._without_end,
            "the beginnings of these are not known, and were not compared": self._without_beginning,
            "begins later, and the backup does not have the retention of its topic": (
                self._unexplained
            ),
            f"begins later by more than {LARGE_MOVE_PERCENT}% of its records": self._far,
            "retention may have deleted all records since their offsets were read": self._emptied,
        }
        return OffsetComparison(
            faults=tuple(self.faults),
            notes=tuple(_lines(notes)),
            unverified=tuple(_lines(unverified)) + tuple(self.unverified),
            compared=self._compared,
        )


def _lines(kinds: Mapping[str, list[str]]) -> Iterator[str]:
    for kind, names in kinds.items():
        if names:
            yield f"{kind}: {join_limited(names)}"


def _subject(row: PartitionOffsets) -> str:
    if row.partition is None:
        return f"topic {row.topic}, summed over its partitions,"
    return f"partition {row}"


def _nothing_left(row: PartitionOffsets, earliest: int | None, latest: int) -> str:
    """Return what is wrong with a partition that has none of its records; empty if it has some."""
    if not row.records or row.latest is None or earliest is None:
        return ""
    if earliest == latest:
        return f"{_subject(row)} is empty, and had {row.records} records"
    # Of a sum this shows nothing: one partition may have grown, and another may be as it was.
    if row.partition is not None and earliest >= row.latest:
        return f"{_subject(row)} begins at {earliest}: nothing is left of its {row.records} records"
    return ""


def _deletes_nothing(topic: TopicRetention) -> bool:
    """Return whether Kafka never deletes the oldest records of a topic."""
    return not topic.deletes or (topic.retention_ms < 0 and topic.retention_bytes < 0)


# The record batches of a copy compared with those of the running Kafka that it came from.

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
