"""Data about topics; times are ms since 1970, as in Kafka."""

from __future__ import annotations

import enum
from dataclasses import dataclass

STRAYS = 1000
"""Limit of the records of B that are searched among the uncommitted records of A."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPosition:
    """The position of a record."""

    offset: int
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRecord:
    """A record."""

    partition: int
    offset: int
    time: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionBounds:
    """The offsets of a partition on one side, with its first and last record."""

    earliest: int
    latest: int
    """One past the offset of the newest record."""
    oldest: RecordPosition | None
    """None if it is empty."""
    newest: RecordPosition | None
    broker_time: bool = False
    """Whether its times are of the broker's clock instead of the producers' (KIP-32)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmatchedRange:
    """Records at one end of a partition that only one side has."""

    count: int
    """Number of offsets; there can be fewer records in a compacted topic or with transactions."""
    first: RecordPosition
    last: RecordPosition


class DifferenceKind(enum.Enum):
    """The kind of a difference between common records."""

    ONLY_A = "only in A"
    ONLY_B = "only in B"
    OTHER = "not the same"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDifference:
    """The first difference of two sides."""

    fault: DifferenceKind
    a: TopicRecord | None
    b: TopicRecord | None


class DigestKind(enum.Enum):
    """The content of a digest. Digests of different kinds cannot be compared."""

    RECORDS = "records"
    """Keys, values, times and headers, without offsets: a mirror has the same."""
    BATCHES = "batches"
    """Headers of record batches with their checksums, without leader epochs: only a copy of the log
    has the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionResult:
    """The result of a partition."""

    partition: int
    a: PartitionBounds
    b: PartitionBounds
    common: int
    """Number of records that both sides have, in the same order."""
    first_a: RecordPosition | None
    """The first of these in A; None if there is none."""
    first_b: RecordPosition | None
    last_a: RecordPosition | None
    last_b: RecordPosition | None
    digest: str
    """Identifies these records; empty if there are none, or if a part of them was compared as
    batches and another part as records."""
    digest_of: DigestKind = DigestKind.RECORDS
    tail_a: UnmatchedRange | None = None
    """Older than all common records."""
    tail_b: UnmatchedRange | None = None
    head_a: UnmatchedRange | None = None
    """Newer than all common records."""
    head_b: UnmatchedRange | None = None
    only_a: int = 0
    """Number of records between common ones that only A has."""
    only_b: int = 0
    uncommitted: int = 0
    """Number of records that only B has, and A has in an uncommitted transaction."""
    difference: RecordDifference | None = None
    given_up: bool = False
    """Whether the rest was not compared, because no common record was found any more."""
    times: tuple[int, ...] = ()
    """Times of the last common records, for drawings."""
    missing: tuple[int, ...] = ()
    """Times of the first records that the other side lacks, for drawings."""

    @property
    def differs(self) -> bool:
        """Whether the sides differ between common records."""
        return self.difference is not None or self.given_up


class Isolation(enum.Enum):
    """Which records of transactions are read (isolation.level of Kafka's consumers)."""

    COMMITTED = "read_committed"
    """Records of committed transactions, up to the first that is still open."""
    UNCOMMITTED = "read_uncommitted"
    """All records, including those of aborted and of open transactions."""


class ComparisonVerdict(enum.Enum):
    """The result of a comparison of two topics."""

    IDENTICAL = "identical"
    CONSISTENT = "consistent prefix"
    UNEVEN = "uneven head"
    DIFFERING = "differing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A comparison of two topics."""

    a: str
    """Cluster and topic."""
    b: str
    partitions: tuple[PartitionResult, ...]
    timed: bool
    """Whether times were compared; false if one side has times of the broker and the other of the
    producers."""
    compacted: bool
    sampled: str = ""
    """The compared part; empty for all."""
    isolation: Isolation = Isolation.COMMITTED
    """Which records of transactions were read."""
    even_within: int
    """ms up to which a head counts as even."""
    decoded_for: str = ""
    """The client property for which all records were decoded; empty if batches were compared."""
    missing_in_a: tuple[int, ...] = ()
    """Partitions that only B has."""
    missing_in_b: tuple[int, ...] = ()
    seconds: float = 0.0
    """Duration."""
    messages: int = 0
    """Number of records that were read, on both sides together."""

    @property
    def missing(self) -> tuple[int, ...]:
        """Partitions that only one side has."""
        return tuple(sorted(self.missing_in_a + self.missing_in_b))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogDigest:
    """The digest of a part of the log of a partition; all copies of the log have the same."""

    start: int
    """The first offset; the batch that contains it is included from its own start on."""
    end: int
    """Offset after the last record."""
    records: int
    """Number of records, including those of aborted transactions, without control records."""
    batches: int
    size: int
    """Bytes of the batches."""
    sha256: str
    """Of the bytes of all batches; their leader epochs are replaced by zeros."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionSize:
    """The size of a partition."""

    topic: str
    partition: int
    earliest: int
    latest: int
    newest: int | None
    """Time of the newest record."""
    digest: LogDigest | None = None
    """None if it was not requested, or if the range that was requested does not exist any more."""
    expected: LogDigest | None = None
    """The digest of a saved result."""

    @property
    def matches(self) -> bool | None:
        """Whether the digest is that of the saved result; None if there is none."""
        return None if self.expected is None else self.digest == self.expected

    @property
    def count(self) -> int:
        """Number of offsets."""
        return max(0, self.latest - self.earliest)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSizes:
    """The sizes of topics."""

    cluster: str
    held: tuple[PartitionSize, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionRate:
    """The rate of a partition."""

    topic: str
    partition: int
    messages: int
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRates:
    """The rates of topics."""

    cluster: str
    seconds: float
    """Measured duration."""
    flows: tuple[PartitionRate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TailRecords:
    """The last records of partitions, ordered by time."""

    cluster: str
    topic: str
    partitions: tuple[int, ...]
    page: int
    per_partition: int
    messages: tuple[TopicRecord, ...]
