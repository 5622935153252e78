"""Topics of the mock cluster inside librdkafka, read through its own client.

It serves topics of four partitions, keeps about 5 MB of each, and knows neither times nor settings
of topics.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import pytest

from kanister_kafka.errors import InputError, NotFoundError, UnreachableError
from kanister_kafka.reports.comparison_summary import notes
from kanister_kafka.topics.client import END, ClientAccess, KafkaConsumer, OffsetRange
from kanister_kafka.topics.compare import CompareRequest, compare
from kanister_kafka.topics.compare.reader import OpenTopic
from kanister_kafka.topics.compare.verdict import LaggingSide, evaluate_consistency
from kanister_kafka.topics.model import Comparison, ComparisonVerdict, DifferenceKind, Isolation
from kanister_kafka.topics.partition_reader import PartitionReader
from kanister_kafka.topics.statistics import (
    last_messages,
    message_at,
    tail_records,
    topic_rates,
    topic_sizes,
)
from tests.fakes.mock_cluster import MANY, PARTITIONS, Brokers, everywhere
from tests.topics.record_factory import Record, digest, log


class Timed(KafkaConsumer):
    """A connection that finds the offset of a time, as brokers do and the mock does not."""

    def offsets_at(self, topic: str, times: Mapping[int, int]) -> dict[int, int]:
        spans = self.spans(topic, times)
        most = max((span.count for span in spans.values()), default=1)
        found = last_messages(self, topic, spans, most=max(1, most))
        return {
            number: next((m.offset() for m in found[number] if m.timestamp()[1] >= at), END)
            for number, at in times.items()
        }


def compared(
    brokers: Brokers,
    topics: tuple[str, str],
    request: CompareRequest | None = None,
    kind: type[KafkaConsumer] = KafkaConsumer,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Comparison:
    a, b = (
        OpenTopic(brokers.cluster(label, kind), topic)
        for label, topic in zip("ab", topics, strict=True)
    )
    return compare(a, b, request or CompareRequest(compacted=False), progress)


class Meeting(KafkaConsumer):
    """A connection that is only asked for its partitions while the other one is asked too."""

    barrier = threading.Barrier(2)

    def partitions(self, topic: str) -> tuple[int, ...]:
        self.barrier.wait(10)
        return super().partitions(topic)


def test_both_clusters_are_asked_at_the_same_time(brokers: Brokers, name: str) -> None:
    brokers.write(name, everywhere(MANY[:5]))
    found = compared(brokers, (name, name), kind=Meeting)
    assert evaluate_consistency(found).verdict is ComparisonVerdict.IDENTICAL
    with pytest.raises(NotFoundError, match=r"^a: no topic nope-a"):  # the first of both errors
        compared(brokers, ("nope-a", "nope-b"), kind=Meeting)


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("failing", ["a", "b"])
def test_the_first_error_does_not_wait_for_the_other_cluster(
    brokers: Brokers, silent: str, failing: str
) -> None:
    """librdkafka waits for the whole time of a request for a cluster that does not answer."""
    there = OpenTopic(brokers.cluster(failing), "nope")
    access = ClientAccess("silent", {"bootstrap.servers": silent})
    away = OpenTopic(KafkaConsumer(access, 5.0), "nope")
    closed = threading.Event()
    consumer = away.cluster.consumer
    away.cluster.consumer = SimpleNamespace(
        list_topics=consumer.list_topics,
        poll=consumer.poll,
        close=lambda: (consumer.close(), closed.set()),
    )
    sides = (there, away) if failing == "a" else (away, there)
    began = time.monotonic()
    with closing(away.cluster), pytest.raises(NotFoundError, match=f"^{failing}: no topic nope"):
        compare(*sides, CompareRequest(compacted=False), lambda *_: None)
    assert time.monotonic() - began < 3
    assert not closed.is_set(), "its thread still waits, and needs the connection"
    assert closed.wait(10)


def test_a_command_ends_with_its_first_error(brokers: Brokers, silent: str) -> None:
    code = f"""
import sys
from contextlib import closing
from kanister_kafka.errors import NotFoundError
from kanister_kafka.topics.client import ClientAccess, KafkaConsumer
from kanister_kafka.topics.compare import CompareRequest, compare
from kanister_kafka.topics.compare.reader import OpenTopic
a, b = (
    KafkaConsumer(ClientAccess(name, {{"bootstrap.servers": address}}), 60.0)
    for name, address in (("a", {brokers.address!r}), ("b", {silent!r}))
)
try:
    with closing(a), closing(b):
        compare(OpenTopic(a, "nope"), OpenTopic(b, "nope"), CompareRequest(), lambda *_: None)
except NotFoundError as failure:
    print(failure)
    sys.exit(2)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=45, check=False
    )
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("a: no topic nope")


def test_offsets_of_partitions_are_asked_for_at_the_same_time(brokers: Brokers, name: str) -> None:
    brokers.write(name, everywhere(MANY[:5]))
    cluster = brokers.cluster()
    consumer = cluster.consumer
    barrier = threading.Barrier(len(PARTITIONS))

    def ask(place: object, timeout: float) -> tuple[int, int]:
        barrier.wait(10)
        return consumer.get_watermark_offsets(place, timeout=timeout)

    cluster.consumer = SimpleNamespace(get_watermark_offsets=ask, close=consumer.close)
    assert cluster.spans(name, PARTITIONS) == dict.fromkeys(PARTITIONS, OffsetRange(0, 5))
    assert cluster.spans(name, ()) == {}


def test_a_property_of_the_user_replaces_the_own_one() -> None:
    for given, used in (({}, "20"), ({"reconnect.backoff.ms": "7"}, "7")):
        access = ClientAccess("a", {"bootstrap.servers": "127.0.0.1:1", **given})
        with closing(KafkaConsumer(access)) as cluster:
            assert cluster._settings()["reconnect.backoff.ms"] == used


def test_a_topic_is_identical_to_its_copy(brokers: Brokers, name: str) -> None:
    brokers.write(f"{name}-a", everywhere(MANY))
    brokers.write(f"{name}-b", everywhere(MANY))
    heard: list[tuple[int, int]] = []
    found = compared(brokers, (f"{name}-a", f"{name}-b"), progress=lambda *at: heard.append(at))
    assert (found.a, found.b) == (f"a/{name}-a", f"b/{name}-b")
    assert evaluate_consistency(found).verdict is ComparisonVerdict.IDENTICAL
    assert [result.partition for result in found.partitions] == list(PARTITIONS)
    assert {result.common for result in found.partitions} == {len(MANY)}
    assert {result.digest for result in found.partitions} == {digest(MANY)}
    assert (found.timed, found.compacted, found.messages) == (True, False, 8 * len(MANY))
    assert heard[-1] == (8 * len(MANY), 8 * len(MANY))
    assert heard == sorted(heard)


def test_a_mirror_that_is_behind_and_began_later_is_reported(brokers: Brokers, name: str) -> None:
    brokers.write(f"{name}-a", everywhere(MANY))
    brokers.write(f"{name}-b", {0: MANY[20:200], 1: MANY[:250], 2: MANY})
    found = compared(brokers, (f"{name}-a", f"{name}-b"))
    judged = evaluate_consistency(found)
    assert (judged.verdict, judged.behind) == (ComparisonVerdict.UNEVEN, LaggingSide.B)
    assert judged.uneven == MANY[299].time - MANY[0].time
    first, second, third, fourth = found.partitions
    assert (first.common, second.common, third.common, fourth.common) == (180, 250, 300, 0)
    assert first.tail_a is not None
    assert first.head_a is not None
    assert (first.tail_a.count, first.head_a.count) == (20, 100)
    assert (first.first_a.offset, first.first_b.offset) == (20, 0)
    assert fourth.b.oldest is None
    assert fourth.head_a is not None
    assert fourth.head_a.count == 300
    assert not any(result.differs for result in found.partitions)


@pytest.mark.parametrize("kind", [KafkaConsumer, Timed])
def test_a_record_that_is_lost_is_reported(
    brokers: Brokers, name: str, kind: type[KafkaConsumer]
) -> None:
    topics = (f"{name}-a", f"{name}-b")
    brokers.write(topics[0], {1: MANY[:100]})
    brokers.write(topics[1], {1: [*MANY[10:50], *MANY[51:100]]})
    found = compared(brokers, topics, CompareRequest(compacted=False, partitions=(1,)), kind)
    (result,) = found.partitions
    assert (result.partition, result.only_a, result.only_b) == (1, 1, 0)
    assert result.difference is not None
    assert result.difference.fault is DifferenceKind.ONLY_A
    assert result.difference.a is not None
    assert result.difference.a.offset == 50
    assert result.difference.a.value == MANY[50].value()
    assert result.tail_a is not None
    assert result.tail_a.count == 10
    assert evaluate_consistency(found).verdict is ComparisonVerdict.DIFFERING


def test_what_comes_before_all_that_a_mirror_of_older_records_has_is_reported(
    brokers: Brokers, name: str
) -> None:
    topics = (f"{name}-a", f"{name}-b")
    brokers.write(topics[0], {0: [*MANY[39:40], Record(time=MANY[40].time), *MANY[41:80]]})
    brokers.write(topics[1], {0: [Record(held_value=b"foreign", time=MANY[41].time), *MANY[41:80]]})
    assert (
        evaluate_consistency(compared(brokers, topics, kind=Timed)).verdict
        is ComparisonVerdict.DIFFERING
    )


class Transactional(KafkaConsumer):
    """A connection that has records of aborted transactions, which the mock knows nothing of."""

    def batch_obstacle(self) -> str:
        return "the mock"  # its batches have the records of transactions for all readers

    def _connect(self) -> object:
        consumer = super()._connect()
        return consumer if self.isolation is Isolation.UNCOMMITTED else Committed(consumer)


class Committed:
    """A consumer that passes over records with the header `aborted`."""

    def __init__(self, consumer: object) -> None:
        self._consumer = consumer

    def __getattr__(self, name: str) -> object:
        return getattr(self._consumer, name)

    def consume(self, most: int, wait: float) -> list[object]:
        got = self._consumer.consume(most, wait)
        return [m for m in got if m.error() or "aborted" not in dict(m.headers() or ())]


def aborted(records: list[Record], *places: int) -> list[Record]:
    """Return the records with some of an aborted transaction."""
    return [
        replace(one, held_headers=[("aborted", b"")]) if at in places else one
        for at, one in enumerate(records)
    ]


@pytest.mark.parametrize("places", [(50,), (0, 1), (3, 5, 6, 200), (298, 299), tuple(range(99))])
def test_records_of_aborted_transactions_in_a_mirror_are_reported(
    brokers: Brokers, name: str, places: tuple[int, ...]
) -> None:
    topics = (f"{name}-a", f"{name}-b")
    source = aborted(MANY, *places)
    brokers.write(topics[0], {0: source})
    copied = [replace(one, held_headers=(one.held_headers or [])) for one in source]
    brokers.write(topics[1], {0: copied})
    request = CompareRequest(compacted=False, partitions=(0,))

    def one(isolation: Isolation) -> Comparison:
        access = ClientAccess(
            "a", {"bootstrap.servers": brokers.address, "fetch.wait.max.ms": "10"}
        )
        a = Transactional(access, 5.0, isolation)
        b = brokers.cluster("b")
        brokers.opened.append(a)
        return compare(
            OpenTopic(a, topics[0]),
            OpenTopic(b, topics[1]),
            replace(request, isolation=isolation),
            lambda *_: None,
        )

    found = one(Isolation.COMMITTED)
    assert found.partitions[0].common == 300 - len(places)
    assert found.partitions[0].uncommitted == len(places)
    (told,) = [note for note in notes(found) if "aborted" in note]
    assert "--isolation read_uncommitted" in told
    assert evaluate_consistency(found).verdict is not ComparisonVerdict.IDENTICAL
    found = one(Isolation.UNCOMMITTED)
    assert evaluate_consistency(found).verdict is ComparisonVerdict.IDENTICAL
    assert found.partitions[0].uncommitted == 0


def test_records_that_only_a_mirror_has_do_not_count_as_uncommitted(
    brokers: Brokers, name: str
) -> None:
    topics = (f"{name}-a", f"{name}-b")
    brokers.write(topics[0], {0: aborted(MANY, 100)})
    foreign = [*MANY[:60], Record(held_value=b"foreign", time=MANY[60].time), *MANY[60:100]]
    brokers.write(topics[1], {0: [*foreign, MANY[102], MANY[101], *MANY[103:]]})
    found = compared(
        brokers, topics, CompareRequest(compacted=False, partitions=(0,)), kind=Transactional
    )
    assert found.partitions[0].only_b == 3
    assert found.partitions[0].uncommitted == 0


def test_consumers_check_crcs_unless_a_property_disables_it(brokers: Brokers) -> None:
    assert brokers.cluster()._settings()["check.crcs"] == "true"
    own = ClientAccess("own", {"bootstrap.servers": brokers.address, "check.crcs": "false"})
    brokers.opened.append(KafkaConsumer(own, 5.0))
    assert brokers.opened[-1]._settings()["check.crcs"] == "false"


def test_one_cluster_for_both_sides_is_refused(brokers: Brokers, name: str) -> None:
    brokers.write(name, everywhere(MANY[:3]))
    subject = OpenTopic(brokers.cluster("a", KafkaConsumer), name)
    with pytest.raises(ValueError, match="of its own"):
        compare(subject, subject, CompareRequest(), lambda *_: None)


@pytest.mark.parametrize("kind", [KafkaConsumer, Timed])
def test_the_newest_alone_are_compared(
    brokers: Brokers, name: str, kind: type[KafkaConsumer]
) -> None:
    topics = (f"{name}-a", f"{name}-b")
    odd = [*MANY[:30], *MANY[31:]]
    brokers.write(topics[0], everywhere(MANY))
    brokers.write(topics[1], everywhere(odd))
    found = compared(brokers, topics, CompareRequest(compacted=False, last=100), kind)
    assert evaluate_consistency(found).verdict is ComparisonVerdict.IDENTICAL
    # Where times are known, the last hundred before the head are counted from the newest of B.
    assert {result.common for result in found.partitions} == {100 if kind is KafkaConsumer else 101}
    assert found.sampled == "the newest 100 offsets"
    found = compared(brokers, topics, CompareRequest(compacted=False, last=290), kind)
    assert evaluate_consistency(found).verdict is ComparisonVerdict.DIFFERING


def test_the_newest_of_a_mirror_that_is_behind(brokers: Brokers, name: str) -> None:
    topics = (f"{name}-a", f"{name}-b")
    brokers.write(topics[0], everywhere(MANY))
    brokers.write(topics[1], everywhere(MANY[:150]))
    found = compared(brokers, topics, CompareRequest(compacted=False, last=50), Timed)
    assert (evaluate_consistency(found).verdict, evaluate_consistency(found).behind) == (
        ComparisonVerdict.CONSISTENT,
        LaggingSide.B,
    )
    assert {result.common for result in found.partitions} == {51}


@pytest.mark.parametrize("kind", [KafkaConsumer, Timed])
def test_a_sample_is_compared(brokers: Brokers, name: str, kind: type[KafkaConsumer]) -> None:
    topics = (f"{name}-a", f"{name}-b")
    whole = log(6000)
    brokers.write(topics[0], {0: whole, 2: whole[:500]})
    brokers.write(topics[1], {0: whole, 2: whole[:500]})
    heard: list[tuple[int, int]] = []
    request = CompareRequest(compacted=False, sample=0.5)
    found = compared(brokers, topics, request, kind, lambda *at: heard.append(at))
    assert evaluate_consistency(found).verdict is ComparisonVerdict.IDENTICAL
    assert 3000 <= found.partitions[0].common <= 4001
    assert found.partitions[2].common == 500
    assert found.sampled == "50.0% of it, in blocks"
    assert all(done <= of for done, of in heard)


def test_a_sample_that_begins_where_the_other_has_nothing_is_reported(
    brokers: Brokers, name: str
) -> None:
    topics = (f"{name}-a", f"{name}-b")
    whole = log(5000)
    brokers.write(topics[0], {0: whole})
    brokers.write(topics[1], {0: [*whole[:1900], *whole[2100:]]})
    found = compared(
        brokers, topics, CompareRequest(compacted=False, sample=0.5, partitions=(0,)), Timed
    )
    assert evaluate_consistency(found).verdict is ComparisonVerdict.DIFFERING


def test_a_compacted_topic_is_compared_by_key(brokers: Brokers, name: str) -> None:
    topics = (f"{name}-a", f"{name}-b")
    whole = [
        Record(held_key=b"%d" % (n % 20), held_value=b"%d" % n, time=MANY[n].time)
        for n in range(100)
    ]
    held = {n: [*whole[5:40], *whole[60:]] for n in PARTITIONS}
    brokers.write(topics[0], everywhere(whole))
    brokers.write(topics[1], held)
    same = compared(brokers, topics, CompareRequest(compacted=True))
    assert same.compacted
    assert {result.common for result in same.partitions} == {20}
    assert evaluate_consistency(same).verdict is ComparisonVerdict.IDENTICAL
    brokers.write(f"{name}-c", {**held, 3: [*whole[:90], *whole[91:]]})
    odd = compared(brokers, (topics[0], f"{name}-c"), CompareRequest(compacted=True)).partitions[3]
    assert odd.difference is not None
    assert odd.difference.a is not None
    assert odd.difference.b is not None
    assert (odd.difference.a.value, odd.difference.b.value) == (b"90", b"70")
    deleted = Record(held_key=b"10", held_value=None, time=MANY[90].time)
    brokers.write(f"{name}-d", {**held, 3: [*whole[:90], deleted, *whole[91:]]})
    gone = compared(brokers, (f"{name}-d", topics[0]), CompareRequest(compacted=True)).partitions[3]
    assert gone.difference is not None
    assert gone.difference.a is not None
    assert (gone.difference.a.key, gone.difference.a.value) == (b"10", None)
    with pytest.raises(InputError, match="is compacted"):
        compared(brokers, topics, CompareRequest(compacted=True, last=5))


def test_a_topic_that_grows_is_compared_as_far_as_it_was(brokers: Brokers, name: str) -> None:
    topics = (f"{name}-a", f"{name}-b")
    for topic in topics:
        brokers.write(topic, everywhere(MANY))
    found = compared(
        brokers, topics, progress=lambda *_: (brokers.write(topics[0], {0: MANY[:5]}), None)[1]
    )
    assert evaluate_consistency(found).verdict is ComparisonVerdict.IDENTICAL
    assert {result.common for result in found.partitions} == {300}


def test_large_records_are_compared(brokers: Brokers, name: str) -> None:
    topics = (f"{name}-a", f"{name}-b")
    large = [
        Record(held_value=bytes([n]) * (1 << 20), time=MANY[n].time, held_headers=[("n", b"x")])
        for n in range(4)
    ]
    brokers.write(topics[0], everywhere(large))
    brokers.write(topics[1], {0: large, 1: large[1:], 2: large[:3], 3: large[:1] + large[2:]})
    found = compared(brokers, topics)
    assert [result.common for result in found.partitions] == [4, 3, 3, 3]
    assert [result.differs for result in found.partitions] == [False, False, False, True]


def test_empty_topics_are_identical(brokers: Brokers, name: str) -> None:
    topics = (f"{name}-a", f"{name}-b")
    for topic in topics:
        brokers.producer.list_topics(topic, timeout=10)  # which makes it
    found = compared(brokers, topics)
    assert evaluate_consistency(found).verdict is ComparisonVerdict.IDENTICAL
    assert {result.a.newest for result in found.partitions} == {None}
    assert {held.newest for held in topic_sizes(brokers.cluster(), topics).held} == {None}
    assert tail_records(brokers.cluster(), topics[0]).messages == ()


def test_partitions_are_chosen_and_split(brokers: Brokers, name: str) -> None:
    brokers.write(name, everywhere(MANY[:3]))
    for wanted, numbers in (
        (CompareRequest(compacted=False, partitions=(3, 1)), [1, 3]),
        (CompareRequest(compacted=False, split=(1, 3)), [1]),
        (CompareRequest(compacted=False, split=(0, 2), partitions=(1, 2)), [2]),
    ):
        found = compared(brokers, (name, name), wanted)
        assert [result.partition for result in found.partitions] == numbers
    with pytest.raises(NotFoundError, match="has partition 4, 7"):
        compared(brokers, (name, name), CompareRequest(compacted=False, partitions=(0, 4, 7)))


def test_what_topics_hold_is_counted(brokers: Brokers, name: str) -> None:
    brokers.write(name, {0: MANY[:7], 3: MANY[:1]})
    found = topic_sizes(brokers.cluster("here"), [name])
    assert found.cluster == "here"
    assert [(held.partition, held.count) for held in found.held] == [(0, 7), (1, 0), (2, 0), (3, 1)]
    assert [held.newest for held in found.held] == [MANY[6].time, None, None, MANY[0].time]


def test_a_rate_is_measured_over_all_the_time_so_far(brokers: Brokers, name: str) -> None:
    brokers.write(name, {0: MANY[:7]})
    now = [100.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        brokers.write(name, {1: MANY[:10]})

    looks = list(topic_rates(brokers.cluster(), [name], 2.5, clock=lambda: now[0], sleep=sleep))
    assert [look.seconds for look in looks] == [1.0, 2.0, 2.5]
    assert [look.flows[1].messages for look in looks] == [10, 20, 30]
    assert [look.flows[1].per_second for look in looks] == [10, 10, 12]
    assert {look.flows[0].messages for look in looks} == {0}


def test_the_last_records_are_shown_in_the_order_of_their_times(
    brokers: Brokers, name: str
) -> None:
    brokers.write(name, {0: MANY[0:50:2], 1: MANY[1:50:2]})
    cluster = brokers.cluster()
    shown = tail_records(cluster, name, count=3)
    assert [message.time for message in shown.messages] == [r.time for r in MANY[44:50]]
    assert [message.partition for message in shown.messages] == [0, 1] * 3
    newest = shown.messages[-1]
    assert (newest.key, newest.value) == (MANY[49].key(), MANY[49].value())
    assert newest.headers == tuple(MANY[49].headers() or ())
    assert newest.offset == 24
    pages = [tail_records(cluster, name, [1], 10, page).messages for page in (1, 2, 3, 4)]
    assert [[message.offset for message in page] for page in pages] == [
        list(range(15, 25)),
        list(range(5, 15)),
        list(range(5)),
        [],
    ]


def test_one_record_is_found_by_its_offset(brokers: Brokers, name: str) -> None:
    brokers.write(name, {2: MANY[:5]})
    cluster = brokers.cluster()
    found = message_at(cluster, name, 2, 3)
    assert found is not None
    assert found.value() == MANY[3].value()


def test_a_topic_or_partition_that_is_not_there_is_reported(brokers: Brokers, name: str) -> None:
    brokers.write(name, {0: MANY[:1]})
    cluster = brokers.cluster("here")
    for ask in (
        lambda: topic_sizes(cluster, ["none"]),
        lambda: tail_records(cluster, "none"),
        lambda: compared(brokers, (name, "none")),
        lambda: next(topic_rates(cluster, ["none"], 1)),
    ):
        with pytest.raises(NotFoundError, match=f"no topic none; it has .*{name}"):
            ask()
    with pytest.raises(NotFoundError, match="Unknown partition"):
        tail_records(cluster, name, [9])
    assert "none" not in brokers.cluster().topics()


def test_brokers_that_are_away_are_reported_in_time_and_why() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "{}:{}".format(*free.getsockname())
    cluster = KafkaConsumer(ClientAccess("away", {"bootstrap.servers": address}), 1.5)
    began = time.monotonic()
    with pytest.raises(UnreachableError, match=r"^away: cannot list topics: .*Connection refused"):
        cluster.partitions("t")
    assert time.monotonic() - began < 10
    assert cluster.is_compacted("t") is None
    cluster.close()


def test_compaction_is_unknown_without_an_answer_of_a_broker(brokers: Brokers, name: str) -> None:
    brokers.write(name, {0: MANY[:1]})
    cluster = KafkaConsumer(ClientAccess("mock", {"bootstrap.servers": brokers.address}), 0.5)
    assert cluster.is_compacted(name) is None
    cluster.close()


def test_reading_is_paused_and_goes_on_without_loss(brokers: Brokers, name: str) -> None:
    whole = log(4000)
    brokers.write(name, {0: whole, 1: whole[:10]})
    reading = PartitionReader(brokers.cluster(), name, {0: 10, 1: 0}, {0: 3990, 1: 10})
    got: dict[int, list[int]] = {0: [], 1: []}
    paused = 0
    while reading.open:
        for number, run in reading.batches(1000, 0.2):
            got[number] += [message.offset() for message in run]
        if paused < 2 and got[0]:
            paused += 1
            reading.pause(0)
            runs = dict(reading.batches(1000, 0.02))
            assert 0 not in runs
            got[1] += [message.offset() for message in runs.get(1, [])]
            reading.resume(0)
    assert paused == 2
    reading.pause(0)  # after its end, which is no fault
    reading.resume(0)
    reading.close()
    assert got == {0: list(range(10, 3990)), 1: list(range(10))}


def test_a_range_beyond_what_is_held_ends(brokers: Brokers, name: str) -> None:
    brokers.write(name, {0: MANY[:5]})
    reading = PartitionReader(brokers.cluster(), name, {0: 0, 1: 0}, {0: 9, 1: 3})
    got: list[int] = []
    while reading.open:
        for _, run in reading.batches(100, 0.1):
            got += [message.offset() for message in run]
    assert got == [0, 1, 2, 3, 4]
    assert OffsetRange(5, 3).count == 0
