"""Copies of a log, compared as batches: the result is that of the records, whatever differs."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.errors import ForbiddenError, NotFoundError, UnreachableError
from kanister_kafka.topics.broker import BrokerConnections, FetchTiming, run_coroutine
from kanister_kafka.topics.client import ClientAccess, KafkaConsumer, OffsetRange
from kanister_kafka.topics.client_properties import find_obstacle
from kanister_kafka.topics.compare.logs import LogPair, read_bounds
from kanister_kafka.topics.compare.partition import PartitionComparer
from kanister_kafka.topics.compare.reader import OpenTopic, ProgressMeter, ReadRange
from kanister_kafka.topics.model import DigestKind, Isolation, PartitionBounds, PartitionResult
from tests.fakes.kafka_broker import (
    CODECS,
    FakeBroker,
    Log,
    batch,
    last_offset,
    marker,
    running,
    seal,
    with_epoch,
)
from tests.topics.record_factory import Record, log, paired

TOPIC = "orders"
PROPERTY = settings(max_examples=25, derandomize=True)
ACCESS = ClientAccess("fake", {"bootstrap.servers": "127.0.0.1:1"})


def raw(records: Sequence[Record], **options: object) -> bytes:
    """Return records as one batch, at their own offsets."""
    rows = [
        (one.at, one.time, one.key(), one.value(), list(one.headers() or ())) for one in records
    ]
    return batch(records[0].at, rows, **options)  # type: ignore[arg-type]


def batches(records: Sequence[Record], size: int = 10, **options: object) -> list[bytes]:
    """Return records as batches of some records each."""
    return [raw(records[at : at + size], **options) for at in range(0, len(records), size)]


def bounds_of(
    access: ClientAccess, spans: dict[int, OffsetRange], topic: str = TOPIC
) -> dict[int, PartitionBounds]:
    """Read the bounds of partitions by connections that are closed after that."""

    async def run() -> dict[int, PartitionBounds]:
        with closing(BrokerConnections(access, topic)) as connections:
            return await read_bounds(connections, spans, committed=True)

    return run_coroutine(run())


@contextmanager
def brokers(a: Log, b: Log) -> Iterator[tuple[FakeBroker, FakeBroker]]:
    """Serve two logs, each by a broker of its own."""
    with (
        running(FakeBroker({(TOPIC, 0): a})) as one,
        running(FakeBroker({(TOPIC, 0): b})) as other,
    ):
        yield one, other


SHORT_PAUSES = FetchTiming(pause=0.01)


def compared(
    a: FakeBroker,
    b: FakeBroker,
    *,
    isolation: Isolation = Isolation.COMMITTED,
    starts: tuple[int, int] | None = None,
    settings: dict[str, str] | None = None,
    meter: ProgressMeter | None = None,
    errors: Callable[[int, int], int] | None = None,
    timing: FetchTiming = SHORT_PAUSES,
) -> PartitionResult:
    """Compare partition 0 of two brokers as `compare` does it.

    `errors` are those of A after its bounds are known.
    """
    sides = []
    spans = []
    for broker in (a, b):
        access = ClientAccess("fake", {"bootstrap.servers": broker.address, **(settings or {})})
        held = broker.logs[TOPIC, 0]
        spans.append({0: OffsetRange(held.start, held.end if held.stable is None else held.stable)})
        sides.append(access)
    with (
        closing(KafkaConsumer(sides[0], isolation=isolation)) as one,
        closing(KafkaConsumer(sides[1], isolation=isolation)) as other,
        closing(LogPair(OpenTopic(one, TOPIC), OpenTopic(other, TOPIC), timing)) as logs,
    ):
        in_a, in_b = (found[0] for found in logs.read_bounds(*spans))
        if errors is not None:
            a.errors = errors
        first, second = starts or (in_a.earliest, in_b.earliest)
        ranges = {0: ReadRange((first, in_a.latest), (second, in_b.latest))}
        pair = PartitionComparer(0, timed=True)
        logs.compare({0: pair}, ranges, meter or ProgressMeter(lambda *_: None), timed=True)
    return pair.result(in_a, in_b)


def without_digest(result: PartitionResult) -> PartitionResult:
    return replace(result, digest="", digest_of=DigestKind.RECORDS)


WHOLE = log(400)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("version", [4, 5, 7, 9, 11])
def test_a_copy_with_other_leader_epochs_is_equal(codec: str, version: int) -> None:
    source = batches(WHOLE, 60, codec=codec)
    copy = [with_epoch(one, number) for number, one in enumerate(source)]
    heard: list[tuple[int, int]] = []
    with brokers(Log(source), Log(copy)) as (a, b):
        a.newest_fetch = version
        meter = ProgressMeter(lambda *at: heard.append(at))
        result = compared(a, b, meter=meter)
    reference, _ = paired(WHOLE, WHOLE)
    assert without_digest(result) == without_digest(reference)
    assert (result.digest_of, len(result.digest)) == (DigestKind.BATCHES, 32)
    assert (meter.messages, heard[-1]) == (800, (800, 800))
    assert heard == sorted(heard)
    assert a.created == []


def test_records_of_equal_batches_are_not_decoded() -> None:
    # The records of the middle are not records; their checksum is that of these bytes.
    source = batches(WHOLE, 40)
    broken = bytearray(source[5])
    broken[61:] = b"\xff" * (len(broken) - 61)
    seal(broken)
    source[5] = bytes(broken)
    with brokers(Log(source), Log(source)) as (a, b):
        assert compared(a, b).common == 400
    other = [*source[:3], raw([replace(WHOLE[120], held_value=b"!"), *WHOLE[121:160]])]
    with (
        brokers(Log(source), Log([*other, *source[4:]])) as (a, b),
        pytest.raises(UnreachableError, match="the record batch at offset 200 cannot be read"),
    ):
        compared(a, b)


@pytest.mark.parametrize("settings", [{}, {"check.crcs": "false"}])
def test_a_batch_with_a_wrong_checksum_on_both_sides_is_damaged(settings: dict[str, str]) -> None:
    source = batches(WHOLE, 40)
    damaged = bytearray(source[5])
    damaged[-1] ^= 1
    source[5] = bytes(damaged)
    with brokers(Log(source), Log(source)) as (a, b):
        if settings:
            assert compared(a, b, settings=settings).common == 400
            return
        with pytest.raises(UnreachableError, match=r"fake: orders\[0\]: .* offset 200 is damaged"):
            compared(a, b)


CHANGES = ("value", "key", "time", "headers", "gone", "swapped", "batch gone", "batch twice")


def change(records: list[Record], at: int, kind: str) -> list[Record]:
    """Return the records with one thing changed, at the same offsets."""
    one = records[at]
    if kind == "gone":
        return records[:at] + records[at + 1 :]
    if kind == "swapped":
        other = records[at + 1]
        pair = [replace(other, at=one.at), replace(one, at=other.at)]
        return [*records[:at], *pair, *records[at + 2 :]]
    changed = {
        "value": replace(one, held_value=(one.held_value or b"") + b"!"),
        "key": replace(one, held_key=b"another"),
        "time": replace(one, time=one.time + 1),
        "headers": replace(one, held_headers=[("trace", None)]),
    }
    return [*records[:at], changed[kind], *records[at + 1 :]]


@PROPERTY
@given(
    st.sampled_from(CHANGES),
    st.integers(0, 398),
    st.integers(1, 50),
    st.sampled_from(sorted(CODECS)),
    st.integers(200, 20_000),
)
def test_every_change_gives_the_result_of_the_records(
    kind: str, at: int, size: int, codec: str, longest: int
) -> None:
    source = batches(WHOLE, size, codec=codec)
    number = at // size
    if kind.startswith("batch"):
        # A batch that occurs twice is at later offsets, as a producer would send it again.
        twice = [replace(one, at=one.at) for one in WHOLE[number * size : (number + 1) * size]]
        if kind == "batch gone":
            changed = WHOLE[: number * size] + WHOLE[(number + 1) * size :]
            copy = source[:number] + source[number + 1 :]
        else:
            rest = WHOLE[(number + 1) * size :]
            again = [replace(one, at=one.at + len(twice)) for one in [*twice, *rest]]
            changed = [*WHOLE[: (number + 1) * size], *again]
            copy = [*source[: number + 1], *batches(again, size, codec=codec)]
    else:
        changed = change(WHOLE, at, kind)
        copy = []
        for first, original in zip(range(0, len(WHOLE), size), source, strict=True):
            part = [one for one in changed if first <= one.at < first + size]
            if part == WHOLE[first : first + size]:
                copy.append(original)
            elif part:
                copy.append(raw(part, codec=codec))
    with brokers(Log(source), Log(copy, start=0)) as (a, b):
        a.longest = longest
        result = compared(a, b)
    reference, _ = paired(WHOLE, changed)
    bounds = {"a": result.a, "b": result.b}  # that the first record is gone is no other earliest
    assert without_digest(result) == without_digest(replace(reference, **bounds))
    tail_or_head = (result.tail_a, result.tail_b, result.head_a, result.head_b)
    assert result.differs or any(tail_or_head)


@PROPERTY
@given(st.integers(0, 9), st.integers(0, 10_000), st.integers(1, 255))
def test_no_byte_can_change_unnoticed(number: int, place: int, bits: int) -> None:
    source = batches(WHOLE, 40)
    changed = bytearray(source[number])
    at = place % len(changed)
    changed[at] ^= bits
    copy = [*source[:number], bytes(changed), *source[number + 1 :]]
    with brokers(Log(source), Log(copy, end_offset=400)) as (a, b):
        if 12 <= at < 16:  # the leader epoch
            assert not compared(a, b).differs
            return
        try:
            result = compared(a, b, timing=FetchTiming(pause=0.01, timeout=0.3))
        except UnreachableError:
            return
    assert result.differs or result.head_a or result.head_b or result.tail_a or result.tail_b


@PROPERTY
@given(st.integers(0, 9), st.integers(21, 10_000), st.integers(1, 255))
def test_no_byte_can_change_unnoticed_with_a_new_checksum(
    number: int, place: int, bits: int
) -> None:
    source = batches(WHOLE, 40)
    changed = bytearray(source[number])
    at = 61 + place % (len(changed) - 61)
    changed[at] ^= bits
    seal(changed)
    copy = [*source[:number], bytes(changed), *source[number + 1 :]]
    with brokers(Log(source), Log(copy)) as (a, b):
        try:
            result = compared(a, b)
        except UnreachableError:
            return
    # The attributes of a record are not used in Kafka: no consumer reads them.
    assert result.differs or result.common == 400
    if result.common == 400:
        assert not result.digest


def transaction(records: Sequence[Record], producer: int, *, commit: bool) -> list[bytes]:
    """Return records in one transaction, and its marker at the offset after them."""
    return [
        raw(records, producer=producer, transactional=True),
        marker(records[-1].at + 1, producer, commit=commit),
    ]


def test_aborted_transactions_are_not_seen_by_readers_of_committed_records() -> None:
    source = [
        *batches(WHOLE[:50], 10),
        *transaction(WHOLE[50:70], 5, commit=False),
        *batches(WHOLE[71:100], 10),
        *transaction(WHOLE[100:120], 6, commit=True),
        *transaction(WHOLE[121:150], 5, commit=True),
        *batches(WHOLE[151:], 20),
    ]
    everyone = [*WHOLE[:70], *WHOLE[71:120], *WHOLE[121:150], *WHOLE[151:]]
    seen = [*WHOLE[:50], *everyone[70:]]
    held = Log(source, aborted=[(5, 50)])
    for isolation, records in (
        (Isolation.COMMITTED, seen),
        (Isolation.UNCOMMITTED, everyone),
    ):
        with brokers(held, held) as (a, b):
            result = compared(a, b, isolation=isolation)
        assert without_digest(result) == without_digest(paired(records, records)[0])
        assert result.digest_of is DigestKind.BATCHES
    # The same bytes, but on one side the transaction is not known to be aborted.
    with brokers(held, Log(source)) as (a, b):
        result = compared(a, b)
    assert (result.only_a, result.only_b) == (0, 20)
    # A mirror without markers and without what was aborted.
    mirror = [replace(one, at=at) for at, one in enumerate(seen)]
    with brokers(held, Log(batches(mirror, 17))) as (a, b):
        result = compared(a, b)
    assert (result.common, result.differs) == (len(seen), False)
    assert result.digest_of is DigestKind.RECORDS


def test_an_open_transaction_ends_what_is_read() -> None:
    opened = raw(WHOLE[200:220], producer=5, transactional=True)
    source = [*batches(WHOLE[:200], 10), opened, *batches(WHOLE[220:], 10)]
    held = Log(source, stable=200)
    with brokers(held, held) as (a, b):
        result = compared(a, b)
    assert (result.common, result.differs, result.head_a) == (200, False, None)


@pytest.mark.parametrize("gone", [(3,), (0, 1, 398), tuple(range(37, 61)), tuple(range(1, 398, 2))])
def test_holes_of_compaction_are_the_same_as_in_records(gone: tuple[int, ...]) -> None:
    left = [one for one in WHOLE if one.at not in gone]
    source = [
        raw([one for one in WHOLE[at : at + 20] if one.at not in gone])
        for at in range(0, 400, 20)
        if any(one.at not in gone for one in WHOLE[at : at + 20])
    ]
    with brokers(Log(source, end_offset=400), Log(source, end_offset=400)) as (a, b):
        result = compared(a, b)
    assert (result.common, result.differs) == (len(left), False)
    assert result.first_a is not None
    assert result.last_b is not None
    assert (result.first_a.offset, result.last_b.offset) == (left[0].at, left[-1].at)


def test_empty_batches_that_compaction_keeps_are_read_past() -> None:
    empty = bytearray(raw(WHOLE[100:120]))[:61]
    struct.pack_into(">i", empty, 8, 49)
    struct.pack_into(">i", empty, 57, 0)
    seal(empty)
    source = [*batches(WHOLE[:100], 20), bytes(empty), *batches(WHOLE[120:], 20)]
    mirror = batches([replace(one, at=n) for n, one in enumerate(WHOLE[:100] + WHOLE[120:])], 30)
    for other in (source, mirror):
        with brokers(Log(source), Log(other)) as (a, b):
            result = compared(a, b)
        assert (result.common, result.differs) == (380, False)


@pytest.mark.parametrize("starts", [(0, 0), (5, 5), (95, 95), (130, 130), (399, 399), (400, 400)])
def test_batches_that_begin_before_the_range_are_read_in_part(starts: tuple[int, int]) -> None:
    source = batches(WHOLE, 30)
    with brokers(Log(source), Log(source)) as (a, b):
        result = compared(a, b, starts=starts)
    assert result.common == 400 - starts[0]
    if starts[0] < 400:
        assert result.first_a is not None
        assert result.first_a.offset == starts[0]


def test_a_copy_that_begins_later_and_one_that_ends_earlier() -> None:
    source = batches(WHOLE, 30)
    with brokers(Log(source), Log(source[3:9], start=90)) as (a, b):
        result = compared(a, b)
    reference, _ = paired(WHOLE, WHOLE[90:270])
    assert without_digest(result) == without_digest(reference)
    assert result.digest_of is DigestKind.RECORDS


def test_a_mirror_with_other_batches_is_equal_and_has_the_digest_of_the_records() -> None:
    mirror = [replace(one, at=one.at + 1000) for one in WHOLE]
    with brokers(Log(batches(WHOLE, 30)), Log(batches(mirror, 70, codec="lz4"), start=1000)) as (
        a,
        b,
    ):
        result = compared(a, b)
    reference, _ = paired(WHOLE, mirror)
    assert result == reference


# --- What happens while it is read


def moved(times: int, code: int) -> Callable[[int, int], int]:
    """Return errors for the first fetches after offset 100."""
    left = [times]

    def error(_number: int, offset: int) -> int:
        if offset < 100 or not left[0]:
            return 0
        left[0] -= 1
        return code

    return error


@pytest.mark.parametrize("code", [3, 5, 6, 74])
def test_a_leader_that_moves_is_followed(code: int) -> None:
    source = batches(WHOLE, 30)
    with brokers(Log(source), Log(source)) as (a, b):
        a.longest = 3000
        b.longest = 3000
        result = compared(a, b, errors=moved(2, code))
    assert (result.common, result.differs) == (400, False)


def test_a_broken_connection_is_opened_again() -> None:
    source = batches(WHOLE, 30)
    with brokers(Log(source), Log(source)) as (a, b):
        a.longest = 2000
        a.before_fetch = lambda count: setattr(a, "refused", int(count in (1, 4, 6)))
        result = compared(a, b)
    assert (result.common, result.differs) == (400, False)


def test_a_log_that_a_new_leader_has_truncated_is_an_error() -> None:
    source = batches(WHOLE, 30)
    other = [replace(one, held_value=b"other") for one in WHOLE]
    held = Log(source)

    def elect(_number: int, offset: int) -> int:
        if offset < 100 or held.batches[0] != source[0]:
            return 0
        held.batches = batches(other, 30)
        return 6

    with brokers(held, Log(source)) as (a, b):
        a.longest = 3000
        with pytest.raises(UnreachableError, match="has changed while the partition was read"):
            compared(a, b, errors=elect)


def test_retention_that_deletes_records_while_they_are_read_is_an_error() -> None:
    held = Log(batches(WHOLE, 30))

    def delete(_number: int, offset: int) -> int:
        if offset >= 100:
            held.start = 390
        return 0

    with brokers(held, Log(batches(WHOLE, 30))) as (a, b):
        a.longest = 3000
        with pytest.raises(UnreachableError, match=r"offset \d+ does not exist any more"):
            compared(a, b, errors=delete)


@pytest.mark.parametrize(
    ("code", "kind"), [(29, ForbiddenError), (58, ForbiddenError), (2, UnreachableError)]
)
def test_errors_of_kafka_are_those_of_the_command(code: int, kind: type[Exception]) -> None:
    source = batches(WHOLE, 30)
    with brokers(Log(source), Log(source)) as (a, b):
        b.errors = lambda _number, _offset: code
        with pytest.raises(kind, match=r"orders\[0\]"):
            compared(a, b)


def test_a_topic_that_does_not_exist_is_not_created() -> None:
    with running(FakeBroker({})) as broker:
        access = ClientAccess("fake", {"bootstrap.servers": broker.address})
        with pytest.raises(NotFoundError, match="cannot read orders"):
            bounds_of(access, {0: OffsetRange(0, 5)})
        assert broker.created == []


def test_no_broker_is_an_error_with_its_address() -> None:
    with pytest.raises(UnreachableError, match=r"fake: cannot connect: 127\.0\.0\.1:1: "):
        bounds_of(ACCESS, {0: OffsetRange(0, 5)})


def test_a_partition_without_records_has_no_first_and_no_last() -> None:
    with running(FakeBroker({(TOPIC, 0): Log(), (TOPIC, 1): Log(batches(WHOLE, 30))})) as broker:
        access = ClientAccess("fake", {"bootstrap.servers": broker.address})
        spans = {0: OffsetRange(0, 0), 1: OffsetRange(0, 400)}
        bounds = bounds_of(access, spans)
    assert bounds[0] == PartitionBounds(earliest=0, latest=0, oldest=None, newest=None)
    assert bounds[1].newest is not None
    assert bounds[1].newest.offset == 399


def test_the_bounds_of_large_batches_need_few_requests() -> None:
    large = [replace(one, held_value=bytes(10_000)) for one in WHOLE]
    logs = {(TOPIC, number): Log(batches(large, 20)) for number in range(6)}
    with running(FakeBroker(logs, longest=1 << 30)) as broker:
        access = ClientAccess("fake", {"bootstrap.servers": broker.address})
        bounds = bounds_of(access, dict.fromkeys(range(6), OffsetRange(0, 400)))
    ends = {(one.oldest.offset, one.newest.offset) for one in bounds.values()}  # type: ignore[union-attr]
    assert (len(bounds), ends) == (6, {(0, 399)})
    assert broker.fetches <= 4  # and not one for each end of each partition


def test_the_bounds_leave_no_task_behind() -> None:
    async def run(access: ClientAccess) -> list[str]:
        with closing(BrokerConnections(access, TOPIC)) as connections:
            await read_bounds(connections, {0: OffsetRange(0, 400)}, committed=True)
            await asyncio.sleep(0)  # what was cancelled ends
            others = asyncio.all_tasks() - {asyncio.current_task()}
            return [task.get_coro().__qualname__ for task in others]  # type: ignore[union-attr]

    with running(FakeBroker({(TOPIC, 0): Log(batches(WHOLE, 30))})) as broker:
        access = ClientAccess("fake", {"bootstrap.servers": broker.address})
        assert [name for name in asyncio.run(run(access)) if "Event" in name] == []


def test_the_bounds_and_the_records_are_read_by_one_connection() -> None:
    source = batches(WHOLE, 30)
    with brokers(Log(source), Log(source)) as (a, b):
        assert compared(a, b).common == 400
        assert (a.listed, b.listed) == (1, 1)


# --- Which properties batches can be fetched with


@pytest.mark.parametrize(
    ("settings", "obstacle"),
    [
        ({}, ""),
        ({"security.protocol": "ssl", "ssl.ca.location": "ca.pem"}, ""),
        ({"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512"}, ""),
        ({"security.protocol": "SASL_SSL", "sasl.mechanisms": "PLAIN"}, ""),
        ({"security.protocol": "SASL_SSL"}, "sasl.mechanism"),
        (
            {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"},
            "sasl.mechanism=OAUTHBEARER",
        ),
        ({"security.protocol": "SASL_SSL", "sasl.mechanism": "GSSAPI"}, "sasl.mechanism=GSSAPI"),
        ({"ssl.keystore.location": "user.p12"}, "ssl.keystore.location"),
        ({"broker.address.family": "v4"}, "broker.address.family"),
        ({"bootstrap.servers": "SSL://a:1"}, "bootstrap.servers with a protocol"),
        ({"client.id": "us"}, ""),
        ({"socket.timeout.ms": "1000", "fetch.wait.max.ms": "10"}, ""),
    ],
)
def test_properties_that_aiokafka_lacks_are_named(settings: dict[str, str], obstacle: str) -> None:
    assert find_obstacle({"bootstrap.servers": "a:1", **settings}) == obstacle


def test_a_caller_can_have_an_event_loop() -> None:
    async def call() -> None:
        with running(FakeBroker({(TOPIC, 0): Log(batches(WHOLE, 30))})) as broker:
            access = ClientAccess("fake", {"bootstrap.servers": broker.address})
            found = bounds_of(access, {0: OffsetRange(0, 400)})
            assert found[0].newest is not None

    asyncio.run(call())


def test_offsets_of_the_fake_are_those_of_its_batches() -> None:
    assert last_offset(raw(WHOLE[7:19])) == 18
