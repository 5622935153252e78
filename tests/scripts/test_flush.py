"""What still grows after all known writers have stopped: measured in nodes, told by the step."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from kanister_kafka import Options, build_plan
from kanister_kafka.backup.options import Strategy
from tests.fakes.script_runner import POD, Shell, cycle, phases_of

PODS = "b-0 backup-kafka\nb-1 backup-kafka\nc-0 backup-kafka\n"
LISTED = "get pods .*strimzi.io/name in"


def grown(shell: Shell, *rows: str) -> Shell:
    """Answer as nodes in which this has grown, a text for each."""
    shell.on(LISTED, PODS)
    for pod, text in zip(("b-0", "b-1", "c-0"), (*rows, "", "", ""), strict=False):
        shell.on(f"^exec {pod} ", text)
    return shell


GROWS = "grown orders-0 100\ngrown orders-1 50\ngrown pays-0 7\n"
BESIDE = "grown __consumer_offsets-3 90\ngrown strimzi.cruisecontrol.metrics-0 9000\n"


def test_growing_topics_are_logged_with_their_rate(shell: Shell) -> None:
    """A partition has several replicas: the fastest counts, and partitions add up."""
    done = grown(shell, GROWS, "grown orders-0 120\n" + BESIDE).phase("flush")
    assert done.returncode == 0, done.stderr
    growing = "orders by 170 bytes a second, pays by 7 bytes a second"
    assert shell.recorded() == {"pod": POD, "growing": growing}
    assert growing in done.stdout
    assert "consumers commit offsets" in done.stdout
    assert shell.events() == ["NotQuiet"]
    assert "cruisecontrol" not in done.stdout


def test_topics_that_grow_fail_where_quiet_is_required(shell: Shell) -> None:
    plan = cycle(require_quiet=True)
    done = grown(shell, GROWS).phase("flush", plan)
    assert done.returncode != 0
    assert "orders by 150 bytes a second" in done.stderr.splitlines()[-1]
    assert "NotQuiet" in shell.events()


@pytest.mark.parametrize("rows", ["", BESIDE, "grown __cluster_metadata-0 5\n"])
def test_what_brokers_and_consumers_write_fails_nothing(shell: Shell, rows: str) -> None:
    done = grown(shell, rows).phase("flush", cycle(require_quiet=True))
    assert done.returncode == 0, done.stderr
    assert "no topic grows" in done.stdout
    assert shell.recorded() == {"pod": POD, "growing": ""}
    assert not shell.events()


def test_many_topics_are_logged_in_one_line(shell: Shell) -> None:
    rows = "".join(f"grown t{i}-0 {100 + i}\n" for i in range(50))
    done = grown(shell, rows).phase("flush")
    assert done.returncode == 0, done.stderr
    growing = shell.recorded()["growing"]
    assert growing.startswith("t49 by 149 bytes a second, t48 by 148")
    assert growing.endswith(" and 45 more topics")


@pytest.mark.parametrize("reply", [(1, "", "killed"), (1, GROWS, "")], ids=["silent", "half"])
def test_node_that_was_not_flushed_fails(shell: Shell, reply: tuple[int, str, str]) -> None:
    done = grown(shell.on("^exec b-1 ", reply)).phase("flush")
    assert done.returncode != 0
    assert "not flushed within 30s: b-1" in done.stderr.splitlines()[-1]


def test_hot_backup_measures_nothing() -> None:
    """Nothing has been stopped for it, so everything grows."""
    plan = build_plan(cycle().cluster, Options(strategy=Strategy.HOT))
    (phase,) = phases_of(plan).values()
    assert not [word for word in phase.values if word.startswith(("SAMPLE_SECONDS", "REQUIRE"))]
    assert "list" in {verb for right in plan.rights for verb in right.verbs}
    assert "watch" not in {verb for right in plan.rights for verb in right.verbs}


def measured(shell: Shell, data: Path) -> str:
    """Return what is run in a node, with its volume elsewhere."""
    assert grown(shell).phase("flush").returncode == 0
    call = next(call for call in shell.all() if call.args[0] == "exec")
    at = call.args.index("-c", call.args.index("--"))
    return call.args[at + 1].replace("/var/lib/kafka", str(data))


def test_growth_is_measured_without_a_jvm(shell: Shell, tmp_path: Path) -> None:
    logs = tmp_path / "data-0" / "kafka-log1"
    for name in ("orders-0", "orders-1", "still-0", "gone-0.c0ffee-delete", "empty-0"):
        (logs / name).mkdir(parents=True)
    for name in ("orders-0", "orders-1", "still-0", "gone-0.c0ffee-delete"):
        (logs / name / f"{0:020}.log").write_bytes(b"1" * 900)
        (logs / name / f"{9:020}.log").write_bytes(b"1" * 90)
    (logs / "meta.properties").write_text("")
    script = measured(shell, tmp_path)

    def write() -> None:
        with (logs / "orders-0" / f"{9:020}.log").open("ab") as file:
            file.write(b"2" * 3_000_000)
        with (logs / "gone-0.c0ffee-delete" / f"{9:020}.log").open("ab") as file:
            file.write(b"2" * 3000)
        (logs / "orders-1" / f"{99:020}.log").write_bytes(b"3" * 300_000)  # a new segment

    timer = threading.Timer(1.2, write)
    timer.start()
    done = subprocess.run(
        ["bash", "-c", script, "flush", "3"], capture_output=True, text=True, timeout=60
    )
    timer.join()
    assert done.returncode == 0, done.stderr
    grown = [line for line in done.stdout.splitlines() if line.startswith("grown ")]
    rows = dict(line.split()[1:] for line in grown)
    assert set(rows) == {"orders-0", "orders-1"}
    assert 200_000 < int(rows["orders-0"]) < 2_000_000, "bytes a second"
    assert 20_000 < int(rows["orders-1"]) < 200_000


def test_sizes_of_partitions_are_measured_without_a_jvm(shell: Shell, tmp_path: Path) -> None:
    logs = tmp_path / "data-0" / "kafka-log1"
    for name in ("orders-0", "a-b.c-12", "__consumer_offsets-3", "__cluster_metadata-0"):
        (logs / name).mkdir(parents=True)
        for segment in range(3):
            (logs / name / f"{segment:020}.log").write_bytes(b"1" * (100 + segment))
        (logs / name / f"{0:020}.index").write_bytes(b"1" * 1000)
    (logs / "orders-1.c0ffee-future").mkdir()
    (logs / "orders-1.c0ffee-future" / f"{0:020}.log").write_bytes(b"1")
    done = subprocess.run(
        ["bash", "-c", measured(shell, tmp_path), "flush", "1"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    rows = {"bytes orders-0 303", "bytes a-b.c-12 303", "bytes __consumer_offsets-3 303"}
    assert set(done.stdout.splitlines()) == rows


def test_failed_sync_is_a_failed_flush(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    script = "sync() { return 1; }\n" + measured(shell, tmp_path)
    assert subprocess.run(["bash", "-c", script, "flush", "1"], timeout=60).returncode != 0


def test_node_without_partitions_is_flushed(shell: Shell, tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", measured(shell, tmp_path), "flush", "1"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
