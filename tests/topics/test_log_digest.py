"""Digests of logs: the same for copies, another for every least difference."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.errors import InputError, UnreachableError
from kanister_kafka.reports.topics import parse_digests, totals_json, totals_text
from kanister_kafka.topics.client import ClientAccess
from kanister_kafka.topics.job import from_json, to_json
from kanister_kafka.topics.log_digest import digest_logs
from kanister_kafka.topics.model import LogDigest, PartitionSize, TopicSizes
from kanister_kafka.topics.statistics import with_digests, with_expected
from tests.fakes.kafka_broker import FakeBroker, Log, running, seal, with_epoch
from tests.topics.record_factory import log
from tests.topics.test_logs import batches, transaction

TOPIC = "orders"
WHOLE = log(200)
SOURCE = batches(WHOLE, 30)


@contextmanager
def access(logs: Mapping[int, Log]) -> Iterator[ClientAccess]:
    held = {(TOPIC, number): one for number, one in logs.items()}
    with running(FakeBroker(held)) as broker:
        yield ClientAccess("fake", {"bootstrap.servers": broker.address})


def digests(batches: list[bytes], start: int = 0, end: int = 200) -> LogDigest:
    with access({0: Log(batches, end_offset=end)}) as one:
        return digest_logs(one, TOPIC, {0: (start, end)})[0]


def test_a_copy_has_the_same_digest_with_other_leader_epochs() -> None:
    found = digests(SOURCE)
    assert (found.start, found.end, found.records, found.batches) == (0, 200, 200, 7)
    assert found.size == sum(map(len, SOURCE))
    assert digests([with_epoch(one, 5) for one in SOURCE]) == found
    assert digests(batches(WHOLE, 40)).sha256 != found.sha256


@settings(max_examples=40, derandomize=True)
@given(st.integers(0, 6), st.integers(0, 10_000), st.integers(1, 255))
def test_every_byte_is_in_the_digest(number: int, place: int, bits: int) -> None:
    changed = bytearray(SOURCE[number])
    at = 21 + place % (len(changed) - 21)
    changed[at] ^= bits
    copy = [*SOURCE[:number], bytes(changed), *SOURCE[number + 1 :]]
    with pytest.raises(UnreachableError):  # by its checksum, or because its last offset is wrong
        digests(copy)
    seal(changed)
    copy[number] = bytes(changed)
    if at >= 61:
        assert digests(copy).sha256 != digests(SOURCE).sha256


def test_the_newest_offsets_are_those_of_the_copy_too() -> None:
    found = digests(SOURCE, start=100)
    assert (found.start, found.records, found.batches) == (100, 110, 4)  # from the batch at 90 on
    assert digests(SOURCE[3:], start=100) == found
    assert digests(SOURCE[3:], start=101) != found


def test_records_of_transactions_are_in_it_for_every_reader() -> None:
    held = [*batches(WHOLE[:50], 10), *transaction(WHOLE[50:70], 5, commit=False)]
    held += batches(WHOLE[71:], 10)
    with access({0: Log(held, aborted=[(5, 50)]), 1: Log(held)}) as one:
        found = digest_logs(one, TOPIC, {0: (0, 200), 1: (0, 200)})
    assert found[0] == found[1]
    assert found[0].records == 199


def test_a_batch_across_the_end_is_of_another_log() -> None:
    with pytest.raises(UnreachableError, match="extends across offset 100"):
        digests(SOURCE, end=100)


def test_a_property_without_batches_is_named() -> None:
    odd = ClientAccess("fake", {"bootstrap.servers": "a:1", "ssl.keystore.location": "x"})
    with pytest.raises(UnreachableError, match=r"property ssl\.keystore\.location"):
        digest_logs(odd, TOPIC, {0: (0, 1)})


def sizes(*ends: int) -> TopicSizes:
    return TopicSizes(
        cluster="fake",
        held=tuple(
            PartitionSize(topic=TOPIC, partition=n, earliest=0, latest=end, newest=None)
            for n, end in enumerate(ends)
        ),
    )


def test_a_saved_result_is_compared_with_a_copy_that_has_grown() -> None:
    with access({0: Log(SOURCE), 1: Log(SOURCE)}) as one:
        saved = with_digests(one, sizes(200, 200), last=150)
    assert from_json(TopicSizes, json.loads(json.dumps(to_json(saved)))) == saved
    expected = parse_digests(totals_json(saved), "saved.json")
    assert {place: digest.start for place, digest in expected.items()} == {
        (TOPIC, 0): 50,
        (TOPIC, 1): 50,
    }
    more = batches(log(300)[200:], 30)
    other = [*SOURCE[:5], *batches([*WHOLE[150:179], WHOLE[180]], 30), *SOURCE[6:]]
    with access({0: Log([*SOURCE, *more]), 1: Log(other)}) as one:
        found = with_expected(one, sizes(300, 200), expected)
    assert [held.matches for held in found.held] == [True, False]
    tree = json.loads(totals_json(found))
    assert (tree["matches"], [held["matches"] for held in tree["partitions"]]) == (
        False,
        [True, False],
    )
    assert [line.split()[-1] for line in totals_text(found).splitlines()[2:6]] == [
        *("SAME", "yes", "no", "no")
    ]


def test_a_range_that_does_not_exist_does_not_match() -> None:
    digest = digests(SOURCE)
    expected = {(TOPIC, number): digest for number in range(3)}
    with access({0: Log(SOURCE[1:], start=30), 1: Log(SOURCE[:3])}) as one:
        held = sizes(200, 90)
        held = replace(held, held=(replace(held.held[0], earliest=30), held.held[1]))
        found = with_expected(one, held, expected)
    assert [(held.partition, held.digest) for held in found.held] == [
        (0, None),
        (1, None),
        (2, None),
    ]
    assert not any(held.matches for held in found.held)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", '{"partitions": 1}', '{"partitions": [{"topic": "a", "partition": 0}]}'),
        '{"partitions": [{"topic": "a", "partition": 0, "digest": null}]}',
        '{"partitions": [{"topic": "a", "partition": 0, "digest": {"start": "0", "end": 1, '
        '"records": 1, "batches": 1, "bytes": 1, "sha256": ""}}]}',
    ],
)
def test_other_files_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not the JSON of topics count --digest"):
        parse_digests(text, "saved.json")


def test_a_file_without_digests_is_refused() -> None:
    with pytest.raises(InputError, match="has no partition, so nothing can be compared with it"):
        parse_digests('{"partitions": []}', "saved.json")
