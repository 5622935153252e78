"""What is known of topics, as data; times are ms since 1970 as Kafka keeps them."""

from __future__ import annotations

import enum
from dataclasses import dataclass

STRAYS = 1000
"""Records of a partition that only B has and that are looked for among what A has uncommitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPosition:
    """One record by its place."""

    offset: int
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRecord:
    """One record as it is shown."""

    partition: int
    offset: int
    time: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionBounds:
    """What one side holds of a partition."""

    earliest: int
    latest: int
    """One past the offset of the newest record."""
    oldest: RecordPosition | None
    """None if it is empty."""
    newest: RecordPosition | None
    broker_time: bool = False
    """Whether its times are of the broker's clock and not of the producers' (KIP-32)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmatchedRange:
    """Records at one end of a partition that one side has and the other has not."""

    count: int
    """By their offsets: at most this number if the topic is compacted or has transactions."""
    first: RecordPosition
    last: RecordPosition


class DifferenceKind(enum.Enum):
    """How two sides differ between records that they have in common."""

    ONLY_A = "only in A"
    ONLY_B = "only in B"
    OTHER = "not the same"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDifference:
    """The first place if the two sides differ."""

    fault: DifferenceKind
    a: TopicRecord | None
    b: TopicRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionResult:
    """One partition compared."""

    partition: int
    a: PartitionBounds
    b: PartitionBounds
    common: int
    """Records that both have, in the same order."""
    first_a: RecordPosition | None
    """The first of these in A; None if they have none in common."""
    first_b: RecordPosition | None
    last_a: RecordPosition | None
    last_b: RecordPosition | None
    digest: str
    """Over keys, values, times and headers of these records."""
    tail_a: UnmatchedRange | None = None
    """Older than all that both have."""
    tail_b: UnmatchedRange | None = None
    head_a: UnmatchedRange | None = None
    """Newer than all that both have."""
    head_b: UnmatchedRange | None = None
    only_a: int = 0
    """Records between common ones that only A has."""
    only_b: int = 0
    uncommitted: int = 0
    """Of the records that only B has, those that A has in a transaction that was not committed."""
    difference: RecordDifference | None = None
    given_up: bool = False
    """Whether nothing in common was found any more, so that the rest was not compared."""
    times: tuple[int, ...] = ()
    """Of the last common records, to be drawn."""
    missing: tuple[int, ...] = ()
    """Times of the first records that the other side lacks, to be drawn."""

    @property
    def differs(self) -> bool:
        """Whether one side lacks, or has otherwise, what lies between common records."""
        return self.difference is not None or self.given_up


class Isolation(enum.Enum):
    """Which records of transactions are read (isolation.level of Kafka's consumers)."""

    COMMITTED = "read_committed"
    """Those of transactions that were committed, up to the first that is still open."""
    UNCOMMITTED = "read_uncommitted"
    """All, those of aborted and of open transactions too."""


class ComparisonVerdict(enum.Enum):
    """What two topics are to each other."""

    IDENTICAL = "identical"
    CONSISTENT = "consistent prefix"
    UNEVEN = "uneven head"
    DIFFERING = "differing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two topics compared, partition by partition."""

    a: str
    """Cluster and topic."""
    b: str
    partitions: tuple[PartitionResult, ...]
    timed: bool
    """Whether times were compared: not if one side has the broker's and the other the
    producer's."""
    compacted: bool
    sampled: str = ""
    """How much was compared, if it was not all."""
    isolation: Isolation = Isolation.COMMITTED
    """Which records of transactions were read."""
    even_within: int
    """ms up to which a head counts as even."""
    missing_in_a: tuple[int, ...] = ()
    """Partitions that only B has."""
    missing_in_b: tuple[int, ...] = ()
    seconds: float = 0.0
    """How long it took."""
    messages: int = 0
    """How many were read on both sides together."""

    @property
    def missing(self) -> tuple[int, ...]:
        """Partitions that only one side has."""
        return tuple(sorted(self.missing_in_a + self.missing_in_b))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionSize:
    """What a partition holds."""

    topic: str
    partition: int
    earliest: int
    latest: int
    newest: int | None
    """Time of the newest record."""

    @property
    def count(self) -> int:
        """Offsets in it."""
        return max(0, self.latest - self.earliest)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSizes:
    """What some topics hold."""

    cluster: str
    held: tuple[PartitionSize, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionRate:
    """How fast a partition grows."""

    topic: str
    partition: int
    messages: int
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRates:
    """How fast some topics grow."""

    cluster: str
    seconds: float
    """Measured, not asked for."""
    flows: tuple[PartitionRate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TailRecords:
    """The last records of some partitions, in the order of their times."""

    cluster: str
    topic: str
    partitions: tuple[int, ...]
    page: int
    per_partition: int
    messages: tuple[TopicRecord, ...]
