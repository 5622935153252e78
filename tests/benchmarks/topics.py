"""How fast topics are read and compared, beside librdkafka's own consumer on the same data.

Makes two topics with the same records on a Kafka, and removes them at the end. Each round runs all
candidates one after the other; what counts are the medians of their ratios within a round. The
baseline is a C program (topics.c) on the very library that confluent_kafka brings.
"""

from __future__ import annotations

import argparse
import logging
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import confluent_kafka
from confluent_kafka.admin import AdminClient, NewTopic

from kanister_kafka.topics.client import FETCHED_AHEAD, ClientAccess, KafkaConsumer
from kanister_kafka.topics.compare import CompareRequest
from kanister_kafka.topics.compare.verdict import evaluate_consistency
from kanister_kafka.topics.compare.workers import TopicAccess, compare_parallel
from kanister_kafka.topics.model import ComparisonVerdict
from kanister_kafka.topics.partition_reader import PartitionReader
from kanister_kafka.topics.records import RecordBatch, RecordDigest

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- bench-topics -->", "<!-- /bench-topics -->"
GOAL = 0.8
PARTITIONS = 6
MOST_BYTES = 1_000_000_000
"""Of one topic, so that both fit into the memory of a small machine, as the broker caches them."""


def library() -> Path:
    """Find the library that confluent_kafka brings (auditwheel puts it beside the package)."""
    beside = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    (found,) = beside.glob("librdkafka-*.so*")
    return found


def built(folder: Path) -> Path:
    program, shared = folder / "bench_topics", library()
    source = ROOT / "tests" / "benchmarks" / "topics.c"
    subprocess.run(
        ["cc", "-O2", "-o", program, source, shared, f"-Wl,-rpath,{shared.parent}"], check=True
    )
    return program


@contextmanager
def topics(servers: str, records_each: int, size: int, partitions: int) -> Iterator[list[str]]:
    """Fill two topics with the same records, and remove them at the end."""
    admin = AdminClient({"bootstrap.servers": servers})
    names = [f"kanister-kafka-bench-{uuid.uuid4().hex[:8]}-{side}" for side in "ab"]
    for made in admin.create_topics([NewTopic(n, partitions, 1) for n in names]).values():
        made.result(30)
    try:
        fill(servers, names, records_each, size, partitions)
        yield names
    finally:
        for gone in admin.delete_topics(names).values():
            gone.result(30)


def fill(servers: str, names: list[str], records_each: int, size: int, partitions: int) -> None:
    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": servers,
            "linger.ms": 50,
            "batch.size": 500_000,
            "queue.buffering.max.messages": 1_000_000,
            "enable.idempotence": True,
        }
    )
    start = int(time.time() * 1000) - records_each
    body = bytes(i * 37 % 251 for i in range(size))
    for number in range(records_each):
        value = b"%d" % number + body
        for name in names:
            while True:
                try:
                    producer.produce(
                        name,
                        value[:size],
                        b"key-%d" % (number % 1000),
                        partition=number % partitions,
                        timestamp=start + number,
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
        if number % 1000 == 0:
            producer.poll(0)
    assert producer.flush(120) == 0


def baseline(program: Path, servers: str, topic: str, count: int) -> float:
    settings = {
        **FETCHED_AHEAD,
        "bootstrap.servers": servers,
        "group.id": "bench",
        "enable.auto.commit": "false",
        "isolation.level": "read_committed",
    }
    words = [f"{name}={value}" for name, value in settings.items()]
    done = subprocess.run(
        [program, topic, str(PARTITIONS), str(count), *words],
        check=True,
        capture_output=True,
        text=True,
    )
    return count / float(done.stdout)


def reading(servers: str, topic: str, *, digested: bool) -> float:
    """Read one topic in one process, as compare does it, with or without its digest."""
    cluster = KafkaConsumer(ClientAccess("bench", {"bootstrap.servers": servers}))
    spans = cluster.spans(topic, cluster.partitions(topic))
    digests = {number: RecordDigest() for number in spans}
    stream = PartitionReader(
        cluster,
        topic,
        {n: s.earliest for n, s in spans.items()},
        {n: s.latest for n, s in spans.items()},
    )
    first, got = 0.0, 0
    while stream.open:
        for number, run in stream.batches(5000, 0.1):
            first = first or time.perf_counter()
            got += len(run)
            if digested:
                columns = RecordBatch()
                columns.add(run)
                digests[number].add(columns)
    seconds = time.perf_counter() - first
    stream.close()
    cluster.close()
    return got / seconds


def comparing(servers: str, a: str, b: str, processes: int) -> float:
    """Compare both topics; a record of each side counts as one that was read.

    The start of several processes is included.
    """
    access = ClientAccess("bench", {"bootstrap.servers": servers})
    ways = (TopicAccess(access, a), TopicAccess(access, b))
    found = compare_parallel(*ways, CompareRequest(compacted=False), processes, lambda *_: None)
    assert evaluate_consistency(found).verdict is ComparisonVerdict.IDENTICAL
    return found.messages / found.seconds


def measure(servers: str, count: int, size: int, rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        program = built(Path(folder))
        with topics(servers, count, size, PARTITIONS) as (a, b):
            candidates: dict[str, Callable[[], float]] = {
                "baseline": lambda: baseline(program, servers, a, count),
                "read": lambda: reading(servers, a, digested=False),
                "read with a digest": lambda: reading(servers, a, digested=True),
                "compare": lambda: comparing(servers, a, b, 1),
                "compare in two processes": lambda: comparing(servers, a, b, 2),
            }
            baseline(program, servers, a, count)  # fills the broker's page cache
            for turn in range(rounds):
                for name, run in candidates.items():
                    found.setdefault(name, []).append(run())
                    sys.stderr.write(f"{turn + 1} {size} B {name}: {found[name][-1]:,.0f}/s\n")
    return found


def section(results: dict[int, dict[str, list[float]]], counts: dict[int, int], rounds: int) -> str:
    reached: list[str] = []
    lines = [
        f"{BEGIN}",
        "| Record | Read by | of librdkafka's own consumer, median | least | most "
        "| of what the binding reads |",
        "|---|---|---|---|---|---|",
    ]
    for size, found in results.items():
        for name, rates in found.items():
            if name == "baseline":
                continue
            ratios = ratios_of(rates, found["baseline"])
            middle = statistics.median(ratios)
            if middle >= GOAL:
                reached.append(f"{name} at {size:,} B")
            of_binding = statistics.median(ratios_of(rates, found["read"]))
            lines.append(
                f"| {size} B | {name} | {middle:.2f} | {min(ratios):.2f} | {max(ratios):.2f} "
                f"| {of_binding:.2f} |"
            )
    library_version, _ = confluent_kafka.libversion()
    many = ", ".join(f"{count:,}" for count in counts.values())
    lines += [
        "",
        f"`make bench-topics`: {many} records in {PARTITIONS} partitions, {rounds} rounds; "
        f"librdkafka {library_version}, Python {platform.python_version()}. A record of each side "
        f"counts in a comparison. At least {GOAL:g}: {', '.join(reached) or 'none'}.",
        END,
    ]
    return "\n".join(lines)


def ratios_of(rates: list[float], others: list[float]) -> list[float]:
    """Return the ratio of each round."""
    return [mine / other for mine, other in zip(rates, others, strict=True)]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("servers", metavar="HOST:PORT")
    words.add_argument("--records", type=int, default=600_000, help="or 1 GB, if that is fewer")
    words.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 10_000])
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--write", action="store_true", help="into docs/performance.md")
    chosen = words.parse_args()
    logging.disable(logging.WARNING)
    counts = {size: min(chosen.records, MOST_BYTES // size) for size in chosen.sizes}
    results = {
        size: measure(chosen.servers, count, size, chosen.rounds) for size, count in counts.items()
    }
    text = section(results, counts, chosen.rounds)
    sys.stdout.write(f"{text}\n")
    if chosen.write:
        page = PAGE.read_text(encoding="utf-8")
        fresh, changed = re.subn(f"{BEGIN}.*?{END}", lambda _: text, page, count=1, flags=re.DOTALL)
        assert changed == 1
        PAGE.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()
