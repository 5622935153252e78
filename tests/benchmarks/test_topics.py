"""The benchmark of topics: its table, its targets, and the command of an earlier version."""

from __future__ import annotations

import pytest

pytest.importorskip("aiokafka")
pytest.importorskip("confluent_kafka")

from tests.benchmarks import topics
from tests.benchmarks.processes import CommandRun, EarlierVersion
from tests.benchmarks.topics import BASELINE, COMMAND, EARLIER, LIBRDKAFKA, Run, SizeResult

COPY, MIRROR = "compare a copy", "compare a mirror"


def result(*, earlier: bool = False, copy: float = 110.0) -> SizeResult:
    """Return a result; `copy` is the memory of its comparison, which is 100 MB with few records."""
    rates = {BASELINE: 1.0, "read": 0.5, COPY: 3.2, MIRROR: 0.8, LIBRDKAFKA: 0.5}
    if earlier:
        rates |= {COMMAND: 0.8, EARLIER: 0.3}
    memory = {COPY: copy, EARLIER: 900.0, BASELINE: 900.0}
    return SizeResult(
        count=400,
        few_count=100,
        rounds={name: [Run(rate, rate, memory.get(name, 105.0))] for name, rate in rates.items()},
        few={name: [Run(rate, rate, 100.0)] for name, rate in rates.items()},
    )


def lines_of(found: SizeResult, size: int = 100) -> list[str]:
    return topics.section({size: found}, 1, "version 6ea9eec").splitlines()


def test_targets_are_met_or_missed() -> None:
    lines = lines_of(result())
    assert (
        "- compare a copy at 100 B, to librdkafka's own consumer: 3.20 (at least 3): met" in lines
    )
    assert f"- compare a mirror at 100 B, to {LIBRDKAFKA}: 1.60 (at least 2): missed" in lines
    assert not any("6ea9eec" in line for line in lines)


def test_the_command_is_compared_with_that_of_the_earlier_version() -> None:
    lines = lines_of(result(earlier=True))
    assert any(
        line.startswith(f"| 100 B | {COMMAND} of version 6ea9eec | 0.30 |") for line in lines
    )
    target = f"- {COMMAND} at 100 B, to {COMMAND} of version 6ea9eec: 2.67 (at least 2): met"
    assert target in lines


@pytest.mark.parametrize(("memory", "outcome"), [(125.0, "met"), (126.0, "missed")])
def test_memory_of_this_version_may_not_grow(memory: float, outcome: str) -> None:
    """That of the earlier version is only shown."""
    lines = lines_of(result(earlier=True, copy=memory))
    (line,) = [line for line in lines if "memory at" in line]
    assert line.endswith(f"{memory / 100:.2f} by compare a copy (at most 1.25): {outcome}")


def test_a_row_has_the_memory_of_each_candidate_with_all_and_with_few_records() -> None:
    rows = [line for line in lines_of(result(copy=111.0)) if line.startswith("| 100 B")]
    ends = [row.rsplit("|", 3)[1:3] for row in rows]
    assert [" 105 ", " 100 "] in ends
    assert [" 111 ", " 100 "] in ends


def test_both_commands_get_the_same_words_and_their_whole_time_counts(monkeypatch) -> None:
    calls = []

    def run(*words: str, environment: dict[str, str]) -> CommandRun:
        calls.append((words, environment))
        return CommandRun('{"verdict": "identical"}', 2.0, 1.0, 70.0)

    monkeypatch.setattr(topics, "run_measured", run)
    monkeypatch.setenv("PYTHONPATH", "of-this-checkout")
    bench = topics.Bench("k:9092", "program", EarlierVersion("earlier", "version 6ea9eec"))
    commands = bench.commands("a", "b", 100)
    assert [commands[name]() for name in (COMMAND, EARLIER)] == [Run(100.0, 200.0, 70.0)] * 2
    (ours, our_environment), (earlier, environment) = calls
    assert ours[3:] == earlier[1:]
    assert earlier[0] == "earlier"
    assert "PYTHONPATH" in our_environment
    assert "PYTHONPATH" not in environment


def test_topics_that_differ_end_the_benchmark(monkeypatch) -> None:
    done = CommandRun('{"verdict": "differing"}', 2.0, 1.0, 70.0)
    monkeypatch.setattr(topics, "run_measured", lambda *_, **__: done)
    with pytest.raises(SystemExit, match="differing"):
        topics.comparing_by_command(["command"], "k:9092", "a", "b", 100, {})
