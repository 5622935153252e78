"""The offsets of a restored Kafka compared with those that its backup has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kanister_kafka.kube.objects import join_limited
from kanister_kafka.operations.backups.model import PartitionOffsets, TopicRetention

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
    known = {(row.topic, row.partition) for row in rows}
    extra = [
        f"{topic}-{partition}"
        for topic, partition in sorted(restored)
        if not known & {(topic, partition), (topic, None)}
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
