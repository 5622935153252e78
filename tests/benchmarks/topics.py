"""How fast topics are read and compared, beside librdkafka's own consumer on the same data.

Makes a topic and a mirror of it, with the same records in other batches, on a Kafka, and removes
them at the end. Each round runs all candidates one after the other; what counts are the medians of
their ratios within a round. The baseline is a C program (topics.c) on the very library that
confluent_kafka brings. With `--earlier` the rounds also have the command of an earlier version and
that of this one. A second pair of topics with fewer records shows whether memory grows.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from tests.benchmarks.processes import EarlierVersion, find_earlier, peak_memory, run_measured

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- bench-topics -->", "<!-- /bench-topics -->"
PARTITIONS = 6
MOST_BYTES = 1_000_000_000
"""Of one topic, so that both fit into the memory of a small machine, as the broker caches them."""
FEWER = 4
"""The topics of a comparison have as many times the records of those that show whether memory
grows."""
MEMORY_GROWTH = 1.25
"""Times the memory of a comparison of a topic with `FEWER` times the records, at most."""


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
    """MB of the largest process of the candidate at its peak."""


@dataclass(frozen=True)
class SizeResult:
    """What was measured with records of one size, by candidate."""

    count: int
    """Records of the topics of the rounds."""
    few_count: int
    """Records of the topics that show whether memory grows."""
    rounds: dict[str, list[Run]] = field(default_factory=dict)
    few: dict[str, list[Run]] = field(default_factory=dict)
    """As many rounds with the topics of fewer records."""

    def memory(self, name: str) -> float:
        """Return MB of a candidate at its peak in all rounds."""
        return max(run.memory for run in self.rounds[name])

    def few_memory(self, name: str) -> float:
        """Return the same with the topics of fewer records."""
        return max(run.memory for run in self.few[name])

    def growth(self, name: str) -> float:
        """Return how many times the memory is with the larger topics."""
        return self.memory(name) / self.few_memory(name)


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
    done = run_measured(str(program), topic, str(PARTITIONS), str(count), *words)
    return Run(count / float(done.output), count / done.cpu, done.memory)


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


BASELINE = "librdkafka's own consumer"
LIBRDKAFKA = "compare a mirror by librdkafka"
COMMAND = "compare a mirror, by the command"
EARLIER = f"{COMMAND} of the earlier version"
"""The pages have the name of the version instead."""
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
    return Run(records / seconds, records / cpu, peak_memory())


def alone(candidate: Callable[..., tuple[int, float]], *arguments: object) -> Run:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(measured, candidate, *arguments).result()


def comparing_by_command(
    command: Sequence[str], servers: str, a: str, b: str, count: int, environment: dict[str, str]
) -> Run:
    """Compare both topics by a command, whose start counts too."""
    words = ("topics", "compare", a, b, "--bootstrap-server", servers, "--not-compacted")
    done = run_measured(*command, *words, "--format", "json", environment=environment)
    verdict = json.loads(done.output)["verdict"]
    if verdict != "identical":
        raise SystemExit(f"{command[0]}: the topics are {verdict}")
    return Run(2 * count / done.seconds, 2 * count / done.cpu, done.memory)


@dataclass(frozen=True)
class Bench:
    """The Kafka, the baseline, and the earlier version, if there is one."""

    servers: str
    program: Path
    earlier: EarlierVersion | None

    def candidates(self, a: str, b: str, count: int) -> dict[str, Callable[[], Run]]:
        """Return what runs with a topic, its mirror and the records of each."""
        servers, by_command = self.servers, self.commands(a, b, count)
        return {
            BASELINE: lambda: baseline(self.program, servers, a, count),
            "read": lambda: alone(reading, servers, a),
            "compare a copy": lambda: alone(comparing, servers, a, a, 1, {}),
            "compare a copy in two processes": lambda: alone(comparing, servers, a, a, 2, {}),
            "compare a mirror": lambda: alone(comparing, servers, a, b, 1, {}),
            "compare a mirror in two processes": lambda: alone(comparing, servers, a, b, 2, {}),
            LIBRDKAFKA: lambda: alone(comparing, servers, a, b, 1, OBSTACLE),
            **by_command,
        }

    def commands(self, a: str, b: str, count: int) -> dict[str, Callable[[], Run]]:
        """Return the command of this and of the earlier version; nothing without the latter."""
        if self.earlier is None:
            return {}
        environment = self.earlier.environment
        earlier, ours = [str(self.earlier.command)], [sys.executable, "-m", "kanister_kafka"]
        return {
            COMMAND: lambda: comparing_by_command(ours, self.servers, a, b, count, {**os.environ}),
            EARLIER: lambda: comparing_by_command(earlier, self.servers, a, b, count, environment),
        }

    def measure(self, count: int, size: int, rounds: int) -> SizeResult:
        """Run all candidates in turns with fewer and with all records."""
        result = SizeResult(count, count // FEWER)
        for number, found in ((result.few_count, result.few), (count, result.rounds)):
            with topics(self.servers, number, size, PARTITIONS) as (a, b):
                candidates = self.candidates(a, b, number)
                candidates[BASELINE]()  # fills the broker's page cache
                for turn in range(rounds):
                    for name, run in candidates.items():
                        last = run()
                        found.setdefault(name, []).append(last)
                        write_line(
                            f"{turn + 1} {number:,} of {size} B, {name}: {last.rate:,.0f}/s, "
                            f"{last.per_cpu:,.0f} per CPU second, {last.memory:.0f} MB"
                        )
        return result


def write_line(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def section(results: dict[int, SizeResult], rounds: int, earlier: str = "") -> str:
    """Return the section of docs/performance.md; `earlier` is the name of the earlier version."""
    lines = [
        f"{BEGIN}",
        "| Record | Candidate | of librdkafka's own consumer, median | least | most "
        "| per CPU second, median | of a mirror by librdkafka | MB "
        f"| MB with {FEWER} times fewer records |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for size, result in results.items():
        lines += [candidate_row(size, result, name) for name in result.rounds]
    library_version, _ = confluent_kafka.libversion()
    many = ", ".join(f"{result.count:,}" for result in results.values())
    lines += [
        "",
        f"`make bench-topics`: {many} records in {PARTITIONS} partitions, "
        f"{rounds} round{'s'[: rounds > 1]}; librdkafka {library_version}, aiokafka "
        f"{aiokafka.__version__}, Python "
        f"{platform.python_version()}. A record of each side counts in a comparison.",
        *(f"- {line}" for line in (*speed_lines(results), *memory_lines(results))),
        END,
    ]
    return "\n".join(lines).replace("the earlier version", earlier)


def candidate_row(size: int, result: SizeResult, name: str) -> str:
    """Return a row of the table."""
    runs, own = result.rounds[name], result.rounds[BASELINE]
    ratios = ratios_of(runs, own, "rate")
    per_cpu = statistics.median(ratios_of(runs, own, "per_cpu"))
    of_librdkafka = statistics.median(ratios_of(runs, result.rounds[LIBRDKAFKA], "rate"))
    return (
        f"| {size} B | {name} | {statistics.median(ratios):.2f} | {min(ratios):.2f} "
        f"| {max(ratios):.2f} | {per_cpu:.2f} | {of_librdkafka:.2f} "
        f"| {result.memory(name):.0f} | {result.few_memory(name):.0f} |"
    )


@dataclass(frozen=True)
class SpeedTarget:
    """The least ratio of the records a second of two candidates."""

    size: int
    """Bytes of a record."""
    name: str
    other: str
    """Candidate that it is compared with."""
    least: float


SPEED_TARGETS = (
    SpeedTarget(100, "compare a copy", BASELINE, 3.0),
    SpeedTarget(1000, "compare a copy", BASELINE, 1.5),
    SpeedTarget(100, "compare a mirror", LIBRDKAFKA, 2.0),
    SpeedTarget(100, COMMAND, EARLIER, 2.0),
)


def speed_lines(results: dict[int, SizeResult]) -> Iterator[str]:
    """Yield each target of speed that was measured, and what was reached."""
    for target in SPEED_TARGETS:
        rounds = results[target.size].rounds if target.size in results else {}
        if target.name in rounds:
            ratios = ratios_of(rounds[target.name], rounds[target.other], "rate")
            ratio = statistics.median(ratios)
            outcome = "met" if ratio >= target.least else "missed"
            yield (
                f"{target.name} at {target.size:,} B, to {target.other}: {ratio:.2f} "
                f"(at least {target.least:g}): {outcome}"
            )


def memory_lines(results: dict[int, SizeResult]) -> Iterator[str]:
    """Yield for each size the comparison of this version whose memory grows most."""
    for size, result in results.items():
        ours = [name for name in result.rounds if name not in (BASELINE, "read", EARLIER)]
        most = max(ours, key=result.growth)
        outcome = "met" if result.growth(most) <= MEMORY_GROWTH else "missed"
        yield (
            f"memory at {size:,} B with {FEWER} times the records, the most of all comparisons: "
            f"{result.growth(most):.2f} by {most} (at most {MEMORY_GROWTH:g}): {outcome}"
        )


def ratios_of(runs: list[Run], others: list[Run], what: str) -> list[float]:
    """Return the ratio of each round."""
    return [getattr(m, what) / getattr(o, what) for m, o in zip(runs, others, strict=True)]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("servers", metavar="HOST:PORT")
    words.add_argument("--records", type=int, default=2_000_000, help="or 1 GB, if that is fewer")
    words.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 10_000])
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument(
        "--earlier",
        metavar="PATH",
        help="executable of an earlier version, which compares in the same rounds",
    )
    words.add_argument("--write", action="store_true", help="into docs/performance.md")
    chosen = words.parse_args()
    logging.disable(logging.WARNING)
    counts = {size: min(chosen.records, MOST_BYTES // size) for size in chosen.sizes}
    earlier = find_earlier(chosen.earlier) if chosen.earlier else None
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(chosen.servers, built(Path(folder)), earlier)
        results = {
            size: bench.measure(count, size, chosen.rounds) for size, count in counts.items()
        }
    text = section(results, chosen.rounds, earlier.name if earlier else "")
    sys.stdout.write(f"{text}\n")
    if chosen.write:
        page = PAGE.read_text(encoding="utf-8")
        fresh, changed = re.subn(f"{BEGIN}.*?{END}", lambda _: text, page, count=1, flags=re.DOTALL)
        assert changed == 1
        PAGE.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()
