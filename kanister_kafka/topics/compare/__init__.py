"""Two topics compared: all records, the newest, a sample, or the last value of each key."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import closing
from dataclasses import dataclass, replace
from queue import Queue
from threading import Thread
from typing import TypeVar

from kanister_kafka.diagnostics import Location, error
from kanister_kafka.errors import InputError, NotFoundError
from kanister_kafka.timestamps import format_epoch_ms
from kanister_kafka.topics.access import mirror_candidates
from kanister_kafka.topics.client import END, KafkaConsumer, OffsetRange
from kanister_kafka.topics.compare.compacted import CompactedComparer
from kanister_kafka.topics.compare.logs import LogPair
from kanister_kafka.topics.compare.partition import WINDOW_BYTES, PartitionComparer
from kanister_kafka.topics.compare.reader import (
    MEMORY,
    OnProgress,
    OpenTopic,
    ProgressMeter,
    ReadRange,
    find_uncommitted,
    read_pairs,
)
from kanister_kafka.topics.model import (
    Comparison,
    Isolation,
    PartitionBounds,
    PartitionResult,
    TopicRecord,
)
from kanister_kafka.topics.partition_reader import to_topic_record
from kanister_kafka.topics.statistics import (
    first_messages,
    last_messages,
    message_at,
    partition_bounds,
)

# --- Samples of topics that are too large to read

BLOCK = 1000
"""Offsets in a block."""

Blocks = dict[int, tuple[int, int]]
"""For each partition the first offset of a block, and the offset after its last."""


def sample_blocks(
    spans: Mapping[int, OffsetRange], heads: Mapping[int, int], share: float
) -> tuple[Blocks, ...]:
    """Return rounds with one block of each partition; the last round has the newest blocks.

    The blocks of a partition have equal distances and cover `share` of its offsets. The newest
    begins before `heads`, the offset that both sides have reached, and extends to the end.
    """
    rounds: list[Blocks] = []
    newest_blocks: Blocks = {}
    for number, span in spans.items():
        newest = max(span.earliest, min(heads[number], span.latest) - BLOCK)
        newest_blocks[number] = (newest, span.latest)
        count = round((newest - span.earliest) * share / BLOCK)
        step = max(BLOCK, (newest - span.earliest) // max(1, count))
        starts = range(span.earliest, max(span.earliest, newest - BLOCK + 1), step)
        for turn, start in enumerate(starts[:count]):
            if turn == len(rounds):
                rounds.append({})
            rounds[turn][number] = (start, start + BLOCK)
    rounds.append(newest_blocks)
    return tuple(rounds)


def join_blocks(
    earlier: Sequence[Sequence[PartitionResult]], newest: Sequence[PartitionResult]
) -> tuple[PartitionResult, ...]:
    """Join the results of the blocks of each partition; the ends are those of the newest block."""
    blocks: dict[int, list[PartitionResult]] = {}
    for results in [*earlier, newest]:
        for result in results:
            blocks.setdefault(result.partition, []).append(result)
    return tuple(_join(blocks[result.partition]) for result in newest)


def _join(blocks: Sequence[PartitionResult]) -> PartitionResult:
    return replace(
        blocks[-1],
        common=sum(block.common for block in blocks),
        digest="",
        tail_a=None,
        tail_b=None,
        only_a=sum(block.only_a for block in blocks),
        only_b=sum(block.only_b for block in blocks),
        uncommitted=sum(block.uncommitted for block in blocks),
        difference=next((block.difference for block in blocks if block.difference), None),
        given_up=any(block.given_up for block in blocks),
        first_a=next((block.first_a for block in blocks if block.first_a), None),
        first_b=next((block.first_b for block in blocks if block.first_b), None),
    )


# --- A comparison

Answer = TypeVar("Answer")
SAME_TIME_S = 0.2
"""Seconds in which two errors count as simultaneous; then that of A is raised."""

MAX_SKEW = 1000
"""ms up to which a head counts as even: a mirror reads each partition separately, so its partitions
end slightly apart even after a clean stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRequest:
    """The records to compare, and how."""

    partitions: tuple[int, ...] = ()
    """All if it is empty."""
    split: tuple[int, int] = (0, 1)
    """Part n, counted from 0, of m parts: partitions whose number modulo m is n."""
    last: int = 0
    """Number of the newest offsets of each partition of A; 0 for all."""
    since: int = 0
    """Time of the oldest record, in ms since 1970; 0 for all."""
    sample: float = 0.0
    """Share of the offsets of A, in blocks spread over a partition; 0 for all."""
    compacted: bool | None = None
    """Whether the last value of each key is compared; None asks the brokers."""
    even_within: int = MAX_SKEW
    """ms."""
    isolation: Isolation = Isolation.COMMITTED
    """Which records of transactions are read; both consumers must have the same."""


def compare(
    a: OpenTopic, b: OpenTopic, request: CompareRequest, progress: OnProgress
) -> Comparison:
    """Compare two topics; A is the source, or the state before.

    Raises NotFoundError if a topic or a partition does not exist, InputError if the request
    does not fit a compacted topic, ForbiddenError and UnreachableError. Raises ValueError if both
    sides share one consumer, which reads one topic at a time.
    """
    if a.cluster is b.cluster:
        raise ValueError("each side needs a consumer of its own")
    began = time.monotonic()
    numbers, missing_in_a, missing_in_b = _partitions(a, b, request)
    # The mirror first: records that arrive meanwhile are then only in the source, as usual.
    spans_b = b.cluster.spans(b.topic, numbers)
    spans_a = a.cluster.spans(a.topic, numbers)
    with closing(_Comparison(a, b, spans_a, spans_b, ProgressMeter(progress))) as comparison:
        comparison.read_bounds()
        compacted = _is_compacted(a, b, request)
        if compacted:
            results = comparison.compare_keys()
        elif request.sample:
            results = comparison.compare_sample(request.sample)
        else:
            results = comparison.compare_records(request)
    return Comparison(
        a=str(a),
        b=str(b),
        partitions=results,
        timed=comparison.timed,
        decoded_for="" if compacted else comparison.obstacle,
        compacted=compacted,
        sampled=_sampled(request),
        isolation=request.isolation,
        even_within=request.even_within,
        missing_in_a=missing_in_a,
        missing_in_b=missing_in_b,
        seconds=round(time.monotonic() - began, 3),
        messages=comparison.meter.messages,
    )


def find_topic(cluster: KafkaConsumer, topic: str) -> str:
    """Find a topic of another cluster by its own name, or after the prefix of a mirror.

    Raises NotFoundError if there is none, or if there are several.
    """
    names = mirror_candidates(topic, tuple(cluster.topics()))
    if names[:1] == (topic,) or len(names) == 1:
        return names[0]
    candidates = f"several: {', '.join(names)}" if names else "none"
    raise NotFoundError(f"{cluster.access.label}: which topic is {topic}? There is {candidates}")


def _ask_both(ask: Callable[[OpenTopic], Answer], a: OpenTopic, b: OpenTopic) -> list[Answer]:
    """Ask both clusters at the same time; the first error does not wait for the other cluster.

    A request to a cluster that does not answer takes half a minute, and librdkafka cannot cancel
    it. Its thread is left behind, and closes the connection at its end. An executor would not do,
    because Python waits for its threads at the exit.
    """
    answers: Queue[Future[Answer]] = Queue()
    futures: list[Future[Answer]] = []
    for topic in (a, b):
        future: Future[Answer] = Future()
        future.add_done_callback(answers.put)
        futures.append(future)
        topic.cluster.begin_use()
        Thread(target=_ask, args=(ask, topic, future), daemon=True).start()
    for _ in futures:
        if answers.get().exception():
            wait(futures, SAME_TIME_S)
            break
    failed = [future for future in futures if future.done() and future.exception()]
    return [future.result() for future in failed or futures]


def _ask(ask: Callable[[OpenTopic], Answer], topic: OpenTopic, future: Future[Answer]) -> None:
    with _UseOfOtherThread(topic.cluster, future):
        future.set_result(ask(topic))


class _UseOfOtherThread:
    """Ends the use of a connection, and passes an error on to the thread that waits."""

    def __init__(self, cluster: KafkaConsumer, future: Future[Answer]) -> None:
        self._cluster = cluster
        self._future = future

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, failure: BaseException | None, _trace: object) -> bool:
        self._cluster.end_use()
        if failure is not None:
            self._future.set_exception(failure)
        return failure is not None


def _partitions(a: OpenTopic, b: OpenTopic, request: CompareRequest) -> tuple[tuple[int, ...], ...]:
    """Return the partitions to compare, those that A lacks, and those that B lacks."""
    in_a, in_b = _ask_both(lambda topic: set(topic.cluster.partitions(topic.topic)), a, b)
    numbers = set(request.partitions)
    if unknown := numbers - (in_a | in_b):
        listed = ", ".join(map(str, sorted(unknown)))
        raise NotFoundError(f"neither {a} nor {b} has partition {listed}")
    part, parts = request.split
    selected = [n for n in sorted(numbers or in_a | in_b) if n % parts == part]
    return (
        tuple(n for n in selected if n in in_a & in_b),
        tuple(n for n in selected if n not in in_a),
        tuple(n for n in selected if n not in in_b),
    )


def _is_compacted(a: OpenTopic, b: OpenTopic, request: CompareRequest) -> bool:
    compacted = request.compacted
    if compacted is None:
        compacted = any(_ask_both(lambda topic: topic.cluster.is_compacted(topic.topic), a, b))
    if compacted and (request.last or request.since or request.sample):
        message = "is compacted: the value of each key is known only after all records are read"
        raise InputError((error("compacted-in-part", Location(str(a)), "", message),))
    return compacted


def _sampled(request: CompareRequest) -> str:
    if request.sample:
        return f"{request.sample:.1%} of it, in blocks"
    if request.since:
        return f"what is newer than {format_epoch_ms(request.since)}"
    return f"the newest {request.last} offsets" if request.last else ""


class _Comparison:
    def __init__(
        self,
        a: OpenTopic,
        b: OpenTopic,
        spans_a: Mapping[int, OffsetRange],
        spans_b: Mapping[int, OffsetRange],
        meter: ProgressMeter,
    ) -> None:
        self.a = a
        self.b = b
        self.meter = meter
        self._spans_a = spans_a
        self._spans_b = spans_b
        self.obstacle = a.cluster.batch_obstacle() or b.cluster.batch_obstacle()
        """The client property for which batches cannot be fetched."""
        self._logs = None if self.obstacle else LogPair(a, b)
        self._bounds_a: dict[int, PartitionBounds] = {}
        self._bounds_b: dict[int, PartitionBounds] = {}
        self.timed = True
        self._window = min(WINDOW_BYTES, MEMORY // max(1, 4 * len(spans_a)))

    def close(self) -> None:
        """Close the connections of record batches."""
        if self._logs is not None:
            self._logs.close()

    def read_bounds(self) -> None:
        """Read the first and the last record of each partition, before anything is compared."""
        if self._logs is None:
            self._bounds_b = partition_bounds(self.b.cluster, self.b.topic, self._spans_b)
            self._bounds_a = partition_bounds(self.a.cluster, self.a.topic, self._spans_a)
        else:
            self._bounds_a, self._bounds_b = self._logs.read_bounds(self._spans_a, self._spans_b)
        self.timed = _has_broker_times(self._bounds_a) == _has_broker_times(self._bounds_b)

    def compare_records(self, request: CompareRequest) -> tuple[PartitionResult, ...]:
        """Compare all records, or the newest."""
        starts = {number: span.earliest for number, span in self._spans_a.items()}
        if request.since:
            times = dict.fromkeys(starts, request.since)
            for number, offset in self.a.cluster.offsets_at(self.a.topic, times).items():
                starts[number] = self._spans_a[number].latest if offset == END else offset
        if request.last:
            for number, offset in self._heads().items():
                starts[number] = max(starts[number], offset - request.last)
        results = self._compare_ranges(self._ranges(starts))
        if request.last or request.since:
            return tuple(map(_without_common_tail, results))
        return results

    def compare_sample(self, share: float) -> tuple[PartitionResult, ...]:
        """Compare blocks spread over the partitions, including the newest."""
        *earlier, newest = sample_blocks(self._spans_a, self._heads(), share)
        for blocks in [*earlier, newest]:
            self.meter.total += 2 * sum(end - start for start, end in blocks.values())
        results = []
        for blocks in earlier:
            ranges = {}
            for number, span in self._block_ranges(blocks).items():
                if span.b[0] < span.b[1]:
                    ranges[number] = replace(span, a=blocks[number])
            results.append(self._compare_ranges(ranges))
        return join_blocks(results, self._compare_ranges(self._block_ranges(newest)))

    def compare_keys(self) -> tuple[PartitionResult, ...]:
        """Compare the last value of each key."""
        ends_a = last_messages(self.a.cluster, self.a.topic, self._spans_a)
        ends_b = last_messages(self.b.cluster, self.b.topic, self._spans_b)
        pairs = {}
        ranges = {}
        for number, a in self._spans_a.items():
            b = self._spans_b[number]
            newest = (_last(ends_a[number]), _last(ends_b[number]))
            pairs[number] = CompactedComparer(number, newest, timed=self.timed)
            ranges[number] = ReadRange((a.earliest, a.latest), (b.earliest, b.latest))
        read_pairs(self.a, self.b, pairs, ranges, self.meter)
        return tuple(map(self._with_records, self._results(pairs)))

    def _heads(self) -> dict[int, int]:
        """Return the offsets of A that both sides have reached."""
        newest = {n: bounds.newest.time for n, bounds in self._bounds_b.items() if bounds.newest}
        offsets = self.a.cluster.offsets_at(self.a.topic, newest) if self.timed else {}
        heads = {}
        for number, span in self._spans_a.items():
            offset = offsets.get(number, END)
            heads[number] = span.latest if offset == END else offset
        return heads

    def _with_records(self, result: PartitionResult) -> PartitionResult:
        """Read the records of a difference again, of which only the offsets are known."""
        difference = result.difference
        if difference is None:
            return result
        a = self._read_again(self.a, result.partition, difference.a)
        b = self._read_again(self.b, result.partition, difference.b)
        return replace(result, difference=replace(difference, a=a, b=b))

    def _read_again(
        self, topic: OpenTopic, partition: int, record: TopicRecord | None
    ) -> TopicRecord | None:
        if record is None:
            return None
        message = message_at(topic.cluster, topic.topic, partition, record.offset)
        # Compared with None, because a message without a value counts as false.
        return None if message is None else to_topic_record(message)

    def _compare_ranges(self, ranges: Mapping[int, ReadRange]) -> tuple[PartitionResult, ...]:
        pairs = {
            n: PartitionComparer(n, timed=self.timed, window=self._window, jumped=span.jumped)
            for n, span in ranges.items()
        }
        if self._logs is None:
            read_pairs(self.a, self.b, pairs, ranges, self.meter)
        else:
            self._logs.compare(pairs, ranges, self.meter, timed=self.timed)
        results = self._results(pairs)
        if self.a.cluster.isolation is not Isolation.COMMITTED:
            return results
        strays = {n: tuple(pair.strays) for n, pair in pairs.items() if pair.strays}
        counts = find_uncommitted(self.a, strays, ranges, timed=self.timed)
        return tuple(
            replace(result, uncommitted=counts.get(result.partition, 0)) for result in results
        )

    def _results(
        self, pairs: Mapping[int, PartitionComparer | CompactedComparer]
    ) -> tuple[PartitionResult, ...]:
        return tuple(pair.result(self._bounds_a[n], self._bounds_b[n]) for n, pair in pairs.items())

    def _block_ranges(self, blocks: Blocks) -> dict[int, ReadRange]:
        return self._ranges({number: start for number, (start, _) in blocks.items()})

    def _ranges(self, starts: Mapping[int, int]) -> dict[int, ReadRange]:
        """Return the offsets to read: the side that begins earlier from the time of the other.

        Brokers find a time by their index, so a long tail is skipped without reading it. A
        record with that time is never before the offset that they return.
        """
        begin_a = dict(starts)
        begin_b = {n: span.earliest for n, span in self._spans_b.items()}
        if self.timed:
            first_a, first_b = self._first_times(starts)
            both = first_a.keys() & first_b.keys()
            later_a = {n: first_a[n] for n in both if first_a[n] > first_b[n]}
            later_b = {n: first_b[n] for n in both if first_b[n] > first_a[n]}
            for number, offset in self.b.cluster.offsets_at(self.b.topic, later_a).items():
                if offset != END:
                    begin_b[number] = offset
            for number, offset in self.a.cluster.offsets_at(self.a.topic, later_b).items():
                begin_a[number] = max(begin_a[number], offset)
        ranges = {}
        for number, start in starts.items():
            b = self._spans_b[number]
            ranges[number] = ReadRange(
                (begin_a[number], self._spans_a[number].latest),
                (begin_b[number], b.latest),
                (begin_a[number] > start, begin_b[number] > b.earliest),
            )
        return ranges

    def _first_times(self, starts: Mapping[int, int]) -> tuple[dict[int, int], dict[int, int]]:
        """Return the time of the first record of each partition; in A from `starts` on."""
        first_a = {}
        later = {}
        for number, start in starts.items():
            span = self._spans_a[number]
            oldest = self._bounds_a[number].oldest
            if oldest is not None:
                first_a[number] = oldest.time
            if start > span.earliest:
                later[number] = OffsetRange(start, span.latest)
        for number, message in first_messages(self.a.cluster, self.a.topic, later).items():
            first_a[number] = message.timestamp()[1]
        first_b = {n: bounds.oldest.time for n, bounds in self._bounds_b.items() if bounds.oldest}
        return first_a, first_b


def _last(messages: Sequence[object]) -> object | None:
    return messages[-1] if messages else None


def _without_common_tail(result: PartitionResult) -> PartitionResult:
    """Omit older records of both sides, which were not requested."""
    if result.tail_a is None or result.tail_b is None:
        return result
    return replace(result, tail_a=None, tail_b=None)


def _has_broker_times(bounds: Mapping[int, PartitionBounds]) -> bool:
    """Return whether a topic has times of the broker's clock."""
    return any(partition.broker_time for partition in bounds.values())
