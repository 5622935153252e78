"""How fast topics are read and compared, beside librdkafka's own consumer on the same data.

Makes a topic and a mirror of it, with the same records in other batches, on a Kafka, and removes
them at the end. Each round runs all candidates one after the other; what counts are the medians of
their ratios within a round. The baseline is a C program (topics.c) on the very library that
confluent_kafka brings.
"""

from __future__ import annotations

import argparse
import logging
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import aiokafka
import confluent_kafka
from confluent_kafka.admin import AdminClient, NewTopic

from kanister_kafka.topics.client import ClientAccess, KafkaConsumer
from kanister_kafka.topics.client_properties import FETCHED_AHEAD
from kanister_kafka.topics.compare import CompareRequest
from kanister_kafka.topics.compare.verdict import evaluate_consistency
from kanister_kafka.topics.compare.workers import TopicAccess, compare_parallel
from kanister_kafka.topics.model import ComparisonVerdict
from kanister_kafka.topics.partition_reader import PartitionReader

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- bench-topics -->", "<!-- /bench-topics -->"
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
    """Fill a topic and its mirror with the same records, and remove them at the end."""
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
    """Write the same records to each topic, in batches of another size for each."""
    producers = [
        confluent_kafka.Producer(
            {
                "bootstrap.servers": servers,
                "linger.ms": 50,
                "batch.size": 500_000 >> number,
                "queue.buffering.max.messages": 1_000_000,
                "enable.idempotence": True,
            }
        )
        for number, _ in enumerate(names)
    ]
    start = int(time.time() * 1000) - records_each
    body = bytes(i * 37 % 251 for i in range(size))
    for number in range(records_each):
        value = b"%d" % number + body
        for name, producer in zip(names, producers, strict=True):
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
            for producer in producers:
                producer.poll(0)
    for producer in producers:
        assert producer.flush(120) == 0


@dataclass(frozen=True)
class Run:
    """What one run of a candidate took."""

    rate: float
    """Records in a second; a record of each side of a comparison counts."""
    per_cpu: float
    """Records in a second of CPU of the client."""
    memory: float
    """MB of the largest process."""


def cpu_of(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def baseline(program: Path, servers: str, topic: str, count: int) -> Run:
    settings = {
        **FETCHED_AHEAD,
        "bootstrap.servers": servers,
        "group.id": "bench",
        "enable.auto.commit": "false",
        "isolation.level": "read_committed",
    }
    words = [f"{name}={value}" for name, value in settings.items()]
    before = cpu_of(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [program, topic, str(PARTITIONS), str(count), *words],
        check=True,
        capture_output=True,
        text=True,
    )
    cpu = cpu_of(resource.RUSAGE_CHILDREN) - before
    return Run(count / float(done.stdout), count / cpu, 0)


def reading(servers: str, topic: str) -> tuple[int, float]:
    """Read one topic by the binding of librdkafka."""
    cluster = KafkaConsumer(ClientAccess("bench", {"bootstrap.servers": servers}))
    spans = cluster.spans(topic, cluster.partitions(topic))
    stream = PartitionReader(
        cluster,
        topic,
        {n: s.earliest for n, s in spans.items()},
        {n: s.latest for n, s in spans.items()},
    )
    first, got = 0.0, 0
    while stream.open:
        for _, run in stream.batches(5000, 0.1):
            first = first or time.perf_counter()
            got += len(run)
    seconds = time.perf_counter() - first
    stream.close()
    cluster.close()
    return got, seconds


OBSTACLE = {"broker.address.family": "any"}
"""The default of librdkafka; aiokafka lacks the property, so all records are decoded by librdkafka
as they were before batches were compared."""


def comparing(
    servers: str, a: str, b: str, processes: int, settings: dict[str, str]
) -> tuple[int, float]:
    """Compare both topics, including the start of several processes."""
    access = ClientAccess("bench", {"bootstrap.servers": servers, **settings})
    ways = (TopicAccess(access, a), TopicAccess(access, b))
    found = compare_parallel(*ways, CompareRequest(compacted=False), processes, lambda *_: None)
    assert evaluate_consistency(found).verdict is ComparisonVerdict.IDENTICAL
    return found.messages, found.seconds


# Both libraries are loaded before the time of a candidate starts, as that of the baseline is.


def measured(candidate: Callable[..., tuple[int, float]], *arguments: object) -> Run:
    """Run a candidate in a process of its own; children of that process count."""
    logging.disable(logging.WARNING)
    before = cpu_of(resource.RUSAGE_SELF) + cpu_of(resource.RUSAGE_CHILDREN)
    records, seconds = candidate(*arguments)
    cpu = cpu_of(resource.RUSAGE_SELF) + cpu_of(resource.RUSAGE_CHILDREN) - before
    usages = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    memory = max(resource.getrusage(who).ru_maxrss for who in usages) / 1024
    return Run(records / seconds, records / cpu, memory)


def alone(candidate: Callable[..., tuple[int, float]], *arguments: object) -> Run:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(measured, candidate, *arguments).result()


def measure(servers: str, count: int, size: int, rounds: int) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {}
    with tempfile.TemporaryDirectory() as folder:
        program = built(Path(folder))
        with topics(servers, count, size, PARTITIONS) as (a, b):
            candidates: dict[str, Callable[[], Run]] = {
                "baseline": lambda: baseline(program, servers, a, count),
                "read": lambda: alone(reading, servers, a),
                "compare a copy": lambda: alone(comparing, servers, a, a, 1, {}),
                "compare a copy in two processes": lambda: alone(comparing, servers, a, a, 2, {}),
                "compare a mirror": lambda: alone(comparing, servers, a, b, 1, {}),
                "compare a mirror in two processes": lambda: alone(comparing, servers, a, b, 2, {}),
                LIBRDKAFKA: lambda: alone(comparing, servers, a, b, 1, OBSTACLE),
            }
            baseline(program, servers, a, count)  # fills the broker's page cache
            for turn in range(rounds):
                for name, run in candidates.items():
                    found.setdefault(name, []).append(run())
                    last = found[name][-1]
                    sys.stderr.write(
                        f"{turn + 1} {size} B {name}: {last.rate:,.0f}/s, "
                        f"{last.per_cpu:,.0f} per CPU second, {last.memory:.0f} MB\n"
                    )
    return found


LIBRDKAFKA = "compare a mirror by librdkafka"


def section(results: dict[int, dict[str, list[Run]]], counts: dict[int, int], rounds: int) -> str:
    lines = [
        f"{BEGIN}",
        "| Record | Candidate | of librdkafka's own consumer, median | least | most "
        "| per CPU second, median | of a mirror by librdkafka | MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for size, found in results.items():
        for name, runs in found.items():
            if name == "baseline":
                continue
            ratios = ratios_of(runs, found["baseline"], "rate")
            per_cpu = statistics.median(ratios_of(runs, found["baseline"], "per_cpu"))
            of_librdkafka = statistics.median(ratios_of(runs, found[LIBRDKAFKA], "rate"))
            lines.append(
                f"| {size} B | {name} | {statistics.median(ratios):.2f} | {min(ratios):.2f} "
                f"| {max(ratios):.2f} | {per_cpu:.2f} | {of_librdkafka:.2f} "
                f"| {max(run.memory for run in runs):.0f} |"
            )
    library_version, _ = confluent_kafka.libversion()
    many = ", ".join(f"{count:,}" for count in counts.values())
    lines += [
        "",
        f"`make bench-topics`: {many} records in {PARTITIONS} partitions, {rounds} rounds; "
        f"librdkafka {library_version}, aiokafka {aiokafka.__version__}, Python "
        f"{platform.python_version()}. A record of each side counts in a comparison.",
        *(f"- {line}" for line in goals(results)),
        END,
    ]
    return "\n".join(lines)


GOALS = (
    (100, "compare a copy", "baseline", 3.0),
    (1000, "compare a copy", "baseline", 1.5),
    (100, "compare a mirror", LIBRDKAFKA, 2.0),
)
"""Size, candidate, what it is compared with, and the least ratio."""


def goals(results: dict[int, dict[str, list[Run]]]) -> Iterator[str]:
    """Yield each goal and what was reached."""
    for size, name, other, least in GOALS:
        if size in results:
            ratio = statistics.median(ratios_of(results[size][name], results[size][other], "rate"))
            of = "librdkafka's own consumer" if other == "baseline" else other
            missed = "" if ratio >= least else ": missed"
            yield f"{name} at {size:,} B, to {of}: {ratio:.2f} (at least {least:g}){missed}"


def ratios_of(runs: list[Run], others: list[Run], what: str) -> list[float]:
    """Return the ratio of each round."""
    return [getattr(m, what) / getattr(o, what) for m, o in zip(runs, others, strict=True)]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("servers", metavar="HOST:PORT")
    words.add_argument("--records", type=int, default=2_000_000, help="or 1 GB, if that is fewer")
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
