"""Two topics compared: whole, the newest part of them, a sample, or by what each key holds."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kanister_kafka.diagnostics import Location, error
from kanister_kafka.errors import InputError, NotFoundError
from kanister_kafka.timestamps import format_epoch_ms
from kanister_kafka.topics.client import END, KafkaConsumer, OffsetRange
from kanister_kafka.topics.compare.compacted import CompactedComparer
from kanister_kafka.topics.compare.partition import WINDOW_BYTES, PartitionComparer
from kanister_kafka.topics.compare.reader import (
    MEMORY,
    OnProgress,
    OpenTopic,
    ProgressMeter,
    ReadRange,
    read_pairs,
)
from kanister_kafka.topics.compare.transactions import find_uncommitted
from kanister_kafka.topics.model import Comparison, Isolation, PartitionBounds, PartitionResult
from kanister_kafka.topics.partition_reader import to_topic_record
from kanister_kafka.topics.reference import mirror_candidates
from kanister_kafka.topics.statistics import (
    first_messages,
    last_messages,
    message_at,
    partition_bounds,
)

# Which blocks stand for a topic that is too large to be read, and what they tell together.

BLOCK = 1000
"""Offsets in a block."""

Blocks = dict[int, tuple[int, int]]
"""For each partition where a block starts and ends."""


def sample_blocks(
    spans: Mapping[int, OffsetRange], heads: Mapping[int, int], share: float
) -> tuple[Blocks, ...]:
    """Return rounds of blocks, one of each partition in a round, the newest in the last.

    The blocks of a partition are as far from each other, and make up the share of it. The newest
    begins before `heads`, the offset to which both sides have come, and goes on to the end.
    """
    rounds: list[Blocks] = [{}]
    for number, span in spans.items():
        newest = max(span.earliest, min(heads[number], span.latest) - BLOCK)
        rounds[0][number] = (newest, span.latest)
        wanted = round((newest - span.earliest) * share / BLOCK)
        step = max(BLOCK, (newest - span.earliest) // max(1, wanted))
        starts = range(span.earliest, max(span.earliest, newest - BLOCK + 1), step)
        for turn, at in enumerate(starts[:wanted]):
            if turn + 1 == len(rounds):
                rounds.append({})
            rounds[turn + 1][number] = (at, at + BLOCK)
    return (*rounds[1:], rounds[0])


def join_blocks(
    earlier: Sequence[Sequence[PartitionResult]], newest: Sequence[PartitionResult]
) -> tuple[PartitionResult, ...]:
    """Join what the blocks of each partition told; ends are those of the newest block."""
    blocks: dict[int, list[PartitionResult]] = {}
    for some in earlier:
        for result in some:
            blocks.setdefault(result.partition, []).append(result)
    return tuple(_one(blocks.get(result.partition, []), result) for result in newest)


def _one(earlier: Sequence[PartitionResult], newest: PartitionResult) -> PartitionResult:
    every = (*earlier, newest)
    return replace(
        newest,
        common=sum(result.common for result in every),
        digest="",
        tail_a=None,
        tail_b=None,
        only_a=sum(result.only_a for result in every),
        only_b=sum(result.only_b for result in every),
        uncommitted=sum(result.uncommitted for result in every),
        difference=next((r.difference for r in every if r.difference is not None), None),
        given_up=any(result.given_up for result in every),
        first_a=next((r.first_a for r in every if r.first_a is not None), None),
        first_b=next((r.first_b for r in every if r.first_b is not None), None),
    )


MAX_SKEW = 1000
"""ms up to which a head counts as even: a mirror reads each partition by itself, so that even one
that is stopped cleanly ends here and there within a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRequest:
    """What is compared, and how."""

    partitions: tuple[int, ...] = ()
    """Only these; all where it is empty."""
    split: tuple[int, int] = (0, 1)
    """Which part, counted from 0, of how many: every so-many-th partition."""
    last: int = 0
    """Only so many of the newest offsets of each partition of A; 0 for all."""
    since: int = 0
    """Only what is newer, in ms since 1970; 0 for all."""
    sample: float = 0.0
    """Only such a share of the offsets of A, in blocks from all over a partition; 0 for all."""
    compacted: bool | None = None
    """Whether what each key holds is compared; None asks the brokers."""
    even_within: int = MAX_SKEW
    """ms."""
    isolation: Isolation = Isolation.COMMITTED
    """Which records of transactions are read; each Cluster has to be of it."""


def compare(
    a: OpenTopic, b: OpenTopic, request: CompareRequest, progress: OnProgress
) -> Comparison:
    """Compare two topics; A is the source, or what was before.

    Raises NotFoundError where a topic or a partition is not there, InputError where the request
    does not fit a compacted topic, ForbiddenError and UnreachableError; ValueError where both sides
    share one Cluster, whose consumer reads one topic at a time.
    """
    if a.cluster is b.cluster:
        raise ValueError("each side needs a Cluster of its own")
    began = time.monotonic()
    numbers, missing_in_a, missing_in_b = _partitions(a, b, request)
    # The mirror first: what arrives meanwhile is then only in the source, as it ever is.
    spans_b = b.cluster.spans(b.topic, numbers)
    spans_a = a.cluster.spans(a.topic, numbers)
    run = _Comparison(a, b, spans_a, spans_b, ProgressMeter(progress))
    compacted = _compacted(a, b, request)
    if compacted:
        results = run.states()
    elif request.sample:
        results = run.sampled(request.sample)
    else:
        results = run.pairs(request)
    return Comparison(
        a=str(a),
        b=str(b),
        partitions=results,
        timed=run.timed,
        compacted=compacted,
        sampled=_sampled(request),
        isolation=request.isolation,
        even_within=request.even_within,
        missing_in_a=missing_in_a,
        missing_in_b=missing_in_b,
        seconds=round(time.monotonic() - began, 3),
        messages=run.meter.messages,
    )


def find_topic(cluster: KafkaConsumer, topic: str) -> str:
    """Find a topic of another cluster here, by its own name or behind a mirror's prefix.

    Raises NotFoundError where there is none, or several.
    """
    found = mirror_candidates(topic, tuple(cluster.topics()))
    if found[:1] == (topic,) or len(found) == 1:
        return found[0]
    there = f"several: {', '.join(found)}" if found else "none"
    raise NotFoundError(f"{cluster.access.label}: which topic is {topic}? There is {there}")


def _partitions(a: OpenTopic, b: OpenTopic, request: CompareRequest) -> tuple[tuple[int, ...], ...]:
    """Return which partitions to compare, and which of these A lacks, and B."""
    in_a, in_b = set(a.cluster.partitions(a.topic)), set(b.cluster.partitions(b.topic))
    wanted = set(request.partitions)
    if unknown := wanted - (in_a | in_b):
        listed = ", ".join(map(str, sorted(unknown)))
        raise NotFoundError(f"neither {a} nor {b} has partition {listed}")
    part, parts = request.split
    chosen = [n for n in sorted(wanted or in_a | in_b) if n % parts == part]
    sides = (in_a & in_b, in_b - in_a, in_a - in_b)
    return tuple(tuple(n for n in chosen if n in side) for side in sides)


def _compacted(a: OpenTopic, b: OpenTopic, request: CompareRequest) -> bool:
    compacted = request.compacted
    if compacted is None:
        compacted = bool(a.cluster.is_compacted(a.topic) or b.cluster.is_compacted(b.topic))
    if compacted and (request.last or request.since or request.sample):
        message = "is compacted: what each key holds is known only when all of it is read"
        raise InputError((error("compacted-in-part", Location(str(a)), "", message),))
    return compacted


def _sampled(request: CompareRequest) -> str:
    if request.sample:
        return f"{request.sample:.1%} of it, in blocks"
    if request.since:
        return f"what is newer than {format_epoch_ms(request.since)}"
    return f"the newest {request.last} offsets" if request.last else ""


class _Comparison:
    """One comparison."""

    def __init__(
        self,
        a: OpenTopic,
        b: OpenTopic,
        spans_a: Mapping[int, OffsetRange],
        spans_b: Mapping[int, OffsetRange],
        meter: ProgressMeter,
    ) -> None:
        self.a, self.b, self.meter = a, b, meter
        self._spans_a, self._spans_b = spans_a, spans_b
        self._extents_b = partition_bounds(b.cluster, b.topic, spans_b)
        self._extents_a = partition_bounds(a.cluster, a.topic, spans_a)
        self.timed = _clock(self._extents_a) == _clock(self._extents_b)
        self._window = min(WINDOW_BYTES, MEMORY // max(1, 4 * len(spans_a)))

    def pairs(self, request: CompareRequest) -> tuple[PartitionResult, ...]:
        """Compare all records, or the newest."""
        starts = {number: span.earliest for number, span in self._spans_a.items()}
        if request.since:
            times = dict.fromkeys(starts, request.since)
            for number, at in self.a.cluster.offsets_at(self.a.topic, times).items():
                starts[number] = self._spans_a[number].latest if at == END else at
        if request.last:
            for number, at in self._heads().items():
                starts[number] = max(starts[number], at - request.last)
        results = self._compared(self._ranges(starts))
        return tuple(map(_begun, results)) if request.last or request.since else results

    def sampled(self, share: float) -> tuple[PartitionResult, ...]:
        """Compare blocks from all over the partitions, the newest among them."""
        found: list[tuple[PartitionResult, ...]] = []
        rounds = sample_blocks(self._spans_a, self._heads(), share)
        self.meter.total = 2 * sum(end - at for some in rounds for at, end in some.values())
        for some in rounds[:-1]:
            ranges = self._ranges({n: at for n, (at, _) in some.items()})
            ranges = {
                n: replace(wanted, a=some[n])
                for n, wanted in ranges.items()
                if n in some and wanted.b[0] < wanted.b[1]
            }
            found.append(self._compared(ranges))
        newest = {n: at for n, (at, _) in rounds[-1].items()}
        return join_blocks(found, self._compared(self._ranges(newest)))

    def _heads(self) -> dict[int, int]:
        """Return the offsets of A to which both sides have come."""
        newest = {n: e.newest.time for n, e in self._extents_b.items() if e.newest is not None}
        at = self.a.cluster.offsets_at(self.a.topic, newest) if self.timed else {}
        latest = {number: span.latest for number, span in self._spans_a.items()}
        return {n: end if at.get(n, END) == END else at[n] for n, end in latest.items()}

    def states(self) -> tuple[PartitionResult, ...]:
        """Compare what each key holds."""
        ends_a, ends_b = (
            {n: some[-1] if some else None for n, some in last_messages(*of).items()}
            for of in (
                (self.a.cluster, self.a.topic, self._spans_a),
                (self.b.cluster, self.b.topic, self._spans_b),
            )
        )
        pairs = {n: CompactedComparer(n, (ends_a[n], ends_b[n]), timed=self.timed) for n in ends_a}
        ranges = {
            n: ReadRange(
                (a.earliest, a.latest), (self._spans_b[n].earliest, self._spans_b[n].latest)
            )
            for n, a in self._spans_a.items()
        }
        read_pairs(self.a, self.b, pairs, ranges, self.meter)
        return tuple(map(self._told, self._results(pairs)))

    def _told(self, result: PartitionResult) -> PartitionResult:
        """Read again the records of a difference of which the offsets are known."""
        found = result.difference
        if found is None:
            return result
        a, b = (
            message_at(of.cluster, of.topic, result.partition, at.offset) if at else None
            for of, at in ((self.a, found.a), (self.b, found.b))
        )
        # A message without a value counts as false.
        told_a, told_b = (None if one is None else to_topic_record(one) for one in (a, b))
        return replace(result, difference=replace(found, a=told_a, b=told_b))

    def _compared(self, ranges: Mapping[int, ReadRange]) -> tuple[PartitionResult, ...]:
        pairs = self._pairs(ranges)
        results = self._results(pairs)
        if self.a.cluster.isolation is not Isolation.COMMITTED:
            return results
        strays = {n: tuple(pair.strays) for n, pair in pairs.items() if pair.strays}
        found = find_uncommitted(self.a, strays, ranges, timed=self.timed)
        return tuple(
            replace(result, uncommitted=found.get(result.partition, 0)) for result in results
        )

    def _pairs(self, ranges: Mapping[int, ReadRange]) -> dict[int, PartitionComparer]:
        pairs = {
            n: PartitionComparer(n, timed=self.timed, window=self._window, jumped=wanted.jumped)
            for n, wanted in ranges.items()
        }
        read_pairs(self.a, self.b, pairs, ranges, self.meter)
        return pairs

    def _results(
        self, pairs: Mapping[int, PartitionComparer | CompactedComparer]
    ) -> tuple[PartitionResult, ...]:
        return tuple(
            pair.result(self._extents_a[n], self._extents_b[n]) for n, pair in pairs.items()
        )

    def _ranges(self, starts: Mapping[int, int]) -> dict[int, ReadRange]:
        """Return what to read: the side that begins earlier from the time of the other.

        Brokers find a time by their index, so that a long tail is passed over and not read. A
        record of that time is never before the offset that they name.
        """
        first_a, first_b = self._firsts(starts)
        begin_a, begin_b = dict(starts), {n: s.earliest for n, s in self._spans_b.items()}
        if self.timed:
            both = first_a.keys() & first_b.keys()
            later_a = {n: first_a[n] for n in both if first_a[n] > first_b[n]}
            later_b = {n: first_b[n] for n in both if first_b[n] > first_a[n]}
            for number, at in self.b.cluster.offsets_at(self.b.topic, later_a).items():
                begin_b[number] = at if at != END else begin_b[number]
            for number, at in self.a.cluster.offsets_at(self.a.topic, later_b).items():
                begin_a[number] = max(begin_a[number], at)
        return {
            n: ReadRange(
                (begin_a[n], self._spans_a[n].latest),
                (begin_b[n], self._spans_b[n].latest),
                (begin_a[n] > starts[n], begin_b[n] > self._spans_b[n].earliest),
            )
            for n in starts
        }

    def _firsts(self, starts: Mapping[int, int]) -> tuple[dict[int, int], dict[int, int]]:
        """Return the times of the first record of each side, of A from where it is begun."""
        oldest = {n: extent.oldest for n, extent in self._extents_a.items()}
        within = {
            n: OffsetRange(at, self._spans_a[n].latest)
            for n, at in starts.items()
            if at > self._spans_a[n].earliest
        }
        first_a = {n: o.time for n, o in oldest.items() if o is not None and n in starts}
        for number, message in first_messages(self.a.cluster, self.a.topic, within).items():
            first_a[number] = message.timestamp()[1]
        first_b = {n: e.oldest.time for n, e in self._extents_b.items() if e.oldest is not None}
        return first_a, first_b


def _begun(result: PartitionResult) -> PartitionResult:
    """Forget what is older on both sides: it was not to be read."""
    if result.tail_a is None or result.tail_b is None:
        return result
    return replace(result, tail_a=None, tail_b=None)


def _clock(found: Mapping[int, PartitionBounds]) -> bool:
    """Tell whether the times of a topic are of the broker's clock."""
    return any(extent.broker_time for extent in found.values())
