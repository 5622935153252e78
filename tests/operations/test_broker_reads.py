"""verify.sh with a dump tool that prints the segments of the test, which are its output."""

from __future__ import annotations

import re
import subprocess
from importlib import resources
from pathlib import Path

import pytest

from kanister_kafka.operations.live_kafka import broker_script

SCRIPT = resources.files("kanister_kafka.operations.clone").joinpath("verify.sh").read_text()
TOOL = """#!/bin/bash
for file in ${2//,/ }; do
  printf 'Dumping %s\\nLog starting offset: 0\\n' "$file"
  if grep -q unreadable "$file"; then exit 1; fi
  cat "$file"
done
"""


def batch(first: int, last: int, crc: int, *, valid: bool = True) -> str:
    """Return a line of kafka-dump-log.sh of Kafka 4.3.1."""
    return (
        f"baseOffset: {first} lastOffset: {last} count: {last - first + 1} baseSequence: -1 "
        "lastSequence: -1 producerId: -1 producerEpoch: -1 partitionLeaderEpoch: 0 "
        "isTransactional: false isControl: false deleteHorizonMs: OptionalLong.empty position: 0 "
        f"CreateTime: 1767225600000 size: 84 magic: 2 compresscodec: none crc: {crc} "
        f"isvalid: {str(valid).lower()}"
    )


class Broker:
    """The files of a broker, and verify.sh in its pod."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "bin").mkdir()
        tool = home / "bin" / "kafka-dump-log.sh"
        tool.write_text(TOOL)
        tool.chmod(0o755)

    def segment(self, partition: str, base: int, *lines: str) -> None:
        place = self.home / "data-0" / "kafka-log0" / partition
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{base:020}.log").write_text("".join(f"{line}\n" for line in lines))

    def read(self, what: str, *more: str, lines: tuple[str, ...] = ()) -> dict[str, list[int]]:
        script = SCRIPT.replace("/var/lib/kafka/data*", f"{self.home}/data*")
        script = f"check_memory() {{ :; }}\n{script}"
        words = ("bash", "-c", script, "verify", what, "x", "9", *more)
        done = subprocess.run(
            words,
            input="".join(f"{line}\n" for line in (*lines, "end")),
            capture_output=True,
            text=True,
            check=True,
            cwd=self.home,
        )
        assert done.stderr == ""
        *rows, end = done.stdout.splitlines()
        assert end == "end"
        return {row.split()[0]: [int(number) for number in row.split()[1:]] for row in rows}


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    made = Broker(tmp_path)
    made.segment("orders-0", 0, batch(0, 9, 11), batch(10, 19, 12))
    made.segment("orders-0", 20, batch(20, 29, 13))
    made.segment("orders-0", 30, batch(30, 39, 4294967295))
    made.segment("my.topic-with_dashes-1", 7, batch(7, 7, 99))
    made.segment("gone-0.c0ffee-delete", 0, batch(0, 9, 1))
    return made


def test_all_segments_and_the_newest(broker: Broker) -> None:
    everything = broker.read("records", "0")
    assert sorted(everything) == ["my.topic-with_dashes-1", "orders-0"]
    assert everything["orders-0"][:4] == [4, 40, 0, 0]
    assert broker.read("records", "2")["orders-0"][:4] == [2, 20, 0, 0]


def test_damage_is_counted(broker: Broker) -> None:
    broker.segment("orders-1", 0, batch(0, 9, 1), batch(10, 19, 2, valid=False))
    broker.segment("orders-2", 0, batch(0, 9, 1), "Found 17 invalid bytes at the end of it")
    broker.segment("orders-3", 0, "unreadable")
    found = broker.read("records", "0")
    assert found["orders-1"][:4] == [2, 20, 1, 0]
    assert found["orders-2"][:4] == [1, 10, 0, 17]
    assert found["orders-3"][2] > 0
    assert found["orders-0"][:4] == [4, 40, 0, 0]


@pytest.mark.parametrize(
    ("first", "end", "batches"),
    [(0, 40, 4), (0, 20, 2), (10, 30, 2), (15, 16, 1), (25, 31, 2), (39, 40, 1)],
)
def test_a_range_has_the_batches_with_one_of_its_offsets(broker, first, end, batches) -> None:
    found = broker.read("ranges", lines=(f"orders-0 {first} {end}",))
    assert list(found) == ["orders-0"]
    assert found["orders-0"][:4] == [batches, 10 * batches, 0, 0]


def test_no_range_reads_nothing(broker: Broker) -> None:
    assert broker.read("ranges") == {}


def test_the_digest_is_that_of_the_batches_alone(broker: Broker, tmp_path: Path) -> None:
    """A copy can have other segments, and other batches before and after the range."""
    (tmp_path / "other").mkdir()
    other = Broker(tmp_path / "other")
    other.segment("orders-0", 10, batch(10, 19, 12), batch(20, 29, 13))
    other.segment("orders-0", 30, batch(30, 39, 5))
    expected = ("orders-0 10 30",)
    assert broker.read("ranges", lines=expected) == other.read("ranges", lines=expected)
    expected = ("orders-0 10 40",)
    assert broker.read("ranges", lines=expected) != other.read("ranges", lines=expected)


@pytest.mark.parametrize(
    "changed", [batch(10, 19, 13), batch(11, 20, 12), batch(10, 18, 12)], ids=["crc", "at", "count"]
)
def test_another_batch_is_another_digest(broker: Broker, changed: str) -> None:
    before = broker.read("ranges", lines=("orders-0 10 20",))
    broker.segment("orders-0", 0, batch(0, 9, 11), changed)
    assert broker.read("ranges", lines=("orders-0 10 20",)) != before


# Properties of a client that connects as the broker.

TLS = """\
listener.security.protocol.map=CONTROLPLANE-9090:SSL,REPLICATION-9091:SSL,PLAIN-9092:PLAINTEXT
listener.name.replication-9091.ssl.keystore.type=PEM
config.providers=strimzisecrets
"""
WITHOUT_TLS = """\
listener.security.protocol.map=CONTROLPLANE-9090:PLAINTEXT,REPLICATION-9091:PLAINTEXT,TLS-9093:SSL
"""
"""Of Strimzi 1.3 with internal connections that are not encrypted."""


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        (
            TLS,
            ["security.protocol=SSL", "config.providers=strimzisecrets", "ssl.keystore.type=PEM"],
        ),
        (WITHOUT_TLS, ["security.protocol=PLAINTEXT"]),
    ],
)
def test_the_protocol_is_that_of_the_listener(tmp_path, properties, expected) -> None:
    path = tmp_path / "strimzi.properties"
    path.write_text(properties)
    text = broker_script("")
    script = re.sub(r"\S+/strimzi\.properties", str(path), text).replace("cd /opt/kafka", "cd /")
    done = subprocess.run(["bash", "-c", f"{script}\nsettings"], capture_output=True, text=True)
    assert done.stdout.splitlines() == expected
