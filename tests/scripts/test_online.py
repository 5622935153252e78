"""Backups whose brokers run: they count only if nothing has moved, and clients come back anyway."""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from kanister_kafka import constants
from kanister_kafka.backup.options import Strategy
from kanister_kafka.backup.phases import QUIET_SECONDS
from tests.fakes.kubectl import documents
from tests.fakes.script_runner import AWAY, BACKUP, OWN_RUN, RUN, Shell, cycle, kept, plan_with
from tests.scripts.test_backup import full
from tests.scripts.test_backup import stored as saved_secrets

PLAN = cycle(strategy=Strategy.ONLINE)
PODS = "b-0|uid-0|0\nb-1|uid-1|0\nc-2|uid-2|1\n"
LISTED = r"get pods .*\.metadata\.uid"
READY = r"get pods .*broker-role"
LOGS = {
    "b-0": "log data-0/kafka-log0 orders-0 00000000000000000000.log 900\n",
    "b-1": "log data-0/kafka-log1 orders-0 00000000000000000000.log 900\n"
    "log data-0/kafka-log1 __consumer_offsets-3 - 0\n",
    "c-2": "",
}
OFFSETS = "latest orders 0 12\nlatest __consumer_offsets 3 0\n"
DESCRIBED = "Topic: orders\tTopicId: x\tPartitionCount: 1\tReplicationFactor: 2\tConfigs: \n"
ENDS = "metadata data-0/kafka-log 00000000000000000000.log 72\n"
IDLE = "idle 600\n"
"""Of a node whose logs were not written for long, which it reports if it flushes."""


# Record batches as Kafka's brokers write them.

NO_OP = "01140000"
PARTITION_CHANGE = "01050201020304"
UNKNOWN = "01fa0100"


def batch(*values: str, attributes: int = 0, magic: int = 2) -> str:
    """Return a batch of records with these values, as hexadecimal digits."""
    records = b""
    for number, value in enumerate(map(bytes.fromhex, values)):
        body = bytes([0, 0, 2 * number, 1, 2 * len(value)]) + value + b"\0"
        records += bytes([2 * len(body)]) + body
    head = bytes(4) + bytes([magic]) + bytes(4) + attributes.to_bytes(2, "big") + bytes(34)
    rest = head + len(values).to_bytes(4, "big") + records
    return ((99).to_bytes(8, "big") + len(rest).to_bytes(4, "big") + rest).hex()


QUIET = batch(NO_OP) + batch(NO_OP, NO_OP)
UNREADABLE = "bytes that are not record batches\n"


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("", ""),
        (QUIET * 500, ""),
        (QUIET + batch(PARTITION_CHANGE), "1 PartitionChangeRecord\n"),
        (batch(NO_OP, PARTITION_CHANGE, PARTITION_CHANGE) + QUIET, "2 PartitionChangeRecord\n"),
        (batch(UNKNOWN), "1 record of type 250\n"),
        (batch("0114000100"), "1 NoOpRecord\n"),
        (batch("ff", attributes=32), "1 control record of the metadata quorum\n"),
        (QUIET[:-2], UNREADABLE),
        (QUIET + "00", UNREADABLE),
        ("00" * 72, UNREADABLE),
        (batch(NO_OP, attributes=1), UNREADABLE),
        (batch(NO_OP, magic=1), UNREADABLE),
        (batch("7f7f7f7f"), "1 record of type 127\n"),
    ],
    ids=[
        *("nothing", "no-ops", "leader", "among no-ops", "unknown", "other no-op", "control"),
        *("cut", "trailing", "zeros", "compressed", "old format", "garbage"),
    ],
)
def test_every_record_except_a_no_op_is_a_change(shell: Shell, text: str, changes: str) -> None:
    (shell.folder / "hex").write_text(f"{text}\n")
    done = shell.run("positions.sh", body=f"metadata_changes <{shell.folder}/hex")
    assert done.stdout == changes, done.stderr


def node_script(shell: Shell, data: Path) -> str:
    """Return what runs in a node, with its volume elsewhere."""
    done = shell.run("positions.sh", body='printf %s "$POSITIONS_SCRIPT"')
    return done.stdout.replace("/var/lib/kafka", str(data))


def in_node(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script, "positions", *words], capture_output=True, text=True, timeout=60
    )


def log_file(folder: Path, partition: str, content: bytes, offset: int = 0) -> Path:
    path = folder / partition / f"{offset:020}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """Make the volume of a node with some partitions."""
    logs = tmp_path / "data-0" / "kafka-log1"
    log_file(logs, "orders-0", b"1" * 900)
    log_file(logs, "orders-0", b"1" * 90, 9)
    log_file(logs, "pays.x_y-10", b"1" * 7)
    log_file(logs, "pays-1.c0ffee-future", b"1" * 5)
    log_file(logs, "gone-0.c0ffee-delete", b"1" * 5)
    log_file(logs, "late-0.c0ffee-stray", b"1" * 5)
    log_file(logs, "__cluster_metadata-0", bytes.fromhex(QUIET))
    (logs / "empty-0").mkdir()
    (logs / "meta.properties").write_text("")
    log_file(tmp_path / "data-0" / "kafka-log7", "foreign-0", b"1")  # without meta.properties
    return tmp_path


END = "00000000000000000000.log"


def test_a_node_reports_the_end_of_each_log(shell: Shell, volume: Path) -> None:
    for log in volume.rglob("*.log"):
        os.utime(log, (0, time.time() - 700))
    done = in_node(node_script(shell, volume), "", "", "", "flush", "15")
    assert done.returncode == 0, done.stderr
    *rows, last = done.stdout.splitlines()
    assert f"{last}\n" == whole("".join(f"{row}\n" for row in rows)).splitlines()[-1] + "\n"
    at = "data-0/kafka-log1"
    (idle,) = [int(row.removeprefix("idle ")) for row in rows if row.startswith("idle")]
    assert 700 <= idle < 800
    assert sorted(row for row in rows if not row.startswith(("bytes", "idle"))) == [
        f"log {at} empty-0 - 0",
        f"log {at} orders-0 00000000000000000009.log 90",
        f"log {at} pays-1.c0ffee-future {END} 5",
        f"log {at} pays.x_y-10 {END} 7",
        f"metadata {at} {END} {len(QUIET) // 2}",
    ]
    assert "bytes orders-0 990" in rows


@pytest.mark.parametrize(
    ("ages", "idle", "recent"),
    [
        ({"orders-0": 40, "pays.x_y-10": 300}, range(40, 140), set()),
        ({"orders-0": 300, "pays-1.c0ffee-future": 4}, range(4, 100), {"pays-1.c0ffee-future"}),
        ({"orders-0": 0, "pays.x_y-10": 1}, range(100), {"orders-0", "pays.x_y-10"}),
        ({"orders-0": 300, "pays.x_y-10": -90}, range(300, 400), set()),
        ({"__cluster_metadata-0": 0, "gone-0.c0ffee-delete": 0}, range(700, 800), set()),
    ],
    ids=["quiet", "one written", "two written", "clock set back", "metadata and deleted"],
)
def test_a_node_reports_when_its_logs_were_written(
    shell: Shell, volume: Path, ages: dict[str, int], idle: range, recent: set[str]
) -> None:
    """The least age that one of them has, by the last segments: a machine may be slow."""
    for log in volume.rglob("*.log"):
        os.utime(log, (0, time.time() - 700))
    older = volume / "data-0" / "kafka-log1" / "orders-0" / END
    os.utime(older)  # compaction and retention write older segments
    for partition, age in ages.items():
        log = max((volume / "data-0" / "kafka-log1" / partition).glob("*.log"))
        os.utime(log, (0, time.time() - age))
    done = in_node(node_script(shell, volume), "", "", "", "flush", "30")
    rows = [row.split() for row in done.stdout.splitlines()]
    (least,) = [int(row[1]) for row in rows if row[0] == "idle"]
    assert least in idle
    assert {row[1] for row in rows if row[0] == "recent"} == recent


def test_a_node_without_a_log_knows_no_time(shell: Shell, volume: Path) -> None:
    for log in volume.rglob("*.log"):
        if "__cluster_metadata" not in str(log):
            log.unlink()
    done = in_node(node_script(shell, volume), "", "", "", "flush", "15")
    assert "\nidle -\n" in done.stdout, done.stderr


def test_a_node_reports_new_metadata_also_of_a_new_segment(shell: Shell, volume: Path) -> None:
    logs, script = volume / "data-0" / "kafka-log1", node_script(shell, volume)
    position = ("data-0/kafka-log1", END, str(len(QUIET) // 2))
    first = logs / "__cluster_metadata-0" / END
    first.write_bytes(bytes.fromhex(QUIET + batch(NO_OP)))
    log_file(logs, "__cluster_metadata-0", bytes.fromhex(batch(PARTITION_CHANGE)), 9)
    done = in_node(script, *position, "")
    assert f"records {batch(NO_OP)}{batch(PARTITION_CHANGE)}\n" in done.stdout, done.stderr
    assert "\nwhole " in done.stdout


@pytest.mark.parametrize("change", ["shorter", "missing", "elsewhere"])
def test_a_metadata_log_that_lost_its_end_is_not_read(
    shell: Shell, volume: Path, change: str
) -> None:
    first = volume / "data-0" / "kafka-log1" / "__cluster_metadata-0" / END
    directory = "data-1/kafka-log1" if change == "elsewhere" else "data-0/kafka-log1"
    if change == "shorter":
        first.write_bytes(b"")
    if change == "missing":
        first.rename(first.with_name(f"{9:020}.log"))
    done = in_node(node_script(shell, volume), directory, END, "72", "")
    assert done.returncode != 0
    assert "whole" not in done.stdout


# The phases.


def packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def whole(text: str) -> str:
    """Return the output of a node with its digest."""
    return f"{text}whole {hashlib.sha256(text.encode()).hexdigest()}\n"


def nodes(shell: Shell, logs: dict[str, str] = LOGS, records: str | None = None) -> Shell:
    """Answer as nodes with these logs: after the snapshots if they have new `records`."""
    new = IDLE if records is None else f"records {records}\n"
    for pod, text in logs.items():
        shell.on(f"(?s)^exec {pod} .* positions ", whole(f"{text}{ENDS}{new}"))
    return shell.on(LISTED, PODS).on(READY, "b-0||True\n")


def flushed(shell: Shell, described: Any = DESCRIBED, offsets: str = OFFSETS, **values: str) -> Any:
    answer = f"{described}\x1e\n{offsets}" if isinstance(described, str) else described
    nodes(shell).on("(?s)^exec b-0 .* topics ", answer)
    return shell.phase("backupFlush", PLAN, **values)


def stored(shell: Shell, key: str = "positions") -> str:
    found = [call.patch.get("binaryData", {}) for call in shell.writes() if call.args[0] == "patch"]
    texts = [patch[key] for patch in found if patch.get(key)]
    return gzip.decompress(base64.b64decode(texts[-1])).decode() if texts else ""


def test_the_ends_are_noted_before_the_flush(shell: Shell) -> None:
    done = flushed(shell)
    assert done.returncode == 0, done.stderr
    assert shell.recorded()["state"] == "online"
    head, *rows = stored(shell).splitlines()
    assert head.split()[2] == RUN
    assert [row for row in rows if "|" not in row] == [
        f"{pod} data-0/kafka-log {END} 72" for pod in LOGS
    ]
    assert "end offset of orders-0|12" in rows
    assert f"log of orders-0 in b-1|data-0/kafka-log1 {END} 900" in rows
    assert "pod c-2|uid-2 with 1 restarts" in rows
    (call,) = shell.calls("exec b-1")
    assert call.endswith(f" flush {QUIET_SECONDS}"), "one reading, if Kafka is quiet already"
    (call,) = shell.calls(" topics ")
    assert not call.endswith("latest"), "the JVMs start once"


# The wait until Kafka itself writes nothing.


def readings(shell: Shell, pod: str, *texts: str) -> Shell:
    """Answer in a node with one reading after the other; the last one stays."""
    return shell.on(f"(?s)^exec {pod} .* positions ", *map(whole, texts))


TOMBSTONE = f"log data-0/kafka-log1 __consumer_offsets-3 {END} 80\n"
GROWN = LOGS["b-1"].replace("log data-0/kafka-log1 __consumer_offsets-3 - 0\n", TOMBSTONE)
WRITTEN = f"{LOGS['b-1']}{ENDS}idle 4\nrecent __consumer_offsets-3 4\n"
LATER = ENDS.replace(" 72", " 144")
RECORDS = f"records {QUIET}\n"


def test_a_log_that_was_just_written_is_read_again(shell: Shell) -> None:
    """The positions are those of the last reading, after what Kafka wrote meanwhile."""
    readings(shell, "b-1", WRITTEN, f"{GROWN}{LATER}{RECORDS}{IDLE}")
    readings(shell, "b-0", f"{LOGS['b-0']}{ENDS}{IDLE}", f"{LOGS['b-0']}{LATER}{RECORDS}{IDLE}")
    readings(shell, "c-2", f"{ENDS}{IDLE}", f"{LATER}{RECORDS}{IDLE}")
    done = flushed(shell)
    assert done.returncode == 0, done.stderr
    calls = shell.calls("exec b-1")
    assert len(calls) == 2
    words = f" data-0/kafka-log {END} 72 flush {QUIET_SECONDS}"
    assert calls[1].endswith(words), "the metadata since then"
    assert len(shell.calls("exec c-2")) == 2, "all nodes at once"
    rows = stored(shell).splitlines()
    assert f"log of __consumer_offsets-3 in b-1|data-0/kafka-log1 {END} 80" in rows
    assert f"b-1 data-0/kafka-log {END} 144" in rows
    assert f"written in the last {QUIET_SECONDS}s: __consumer_offsets-3" in done.stdout
    assert shell.recorded()["state"] == "online"


def test_new_metadata_starts_the_quiet_span_again(shell: Shell) -> None:
    changed = f"records {QUIET}{batch(PARTITION_CHANGE)}\n"
    readings(shell, "b-1", WRITTEN, f"{LOGS['b-1']}{LATER}{RECORDS}{IDLE}")
    readings(shell, "b-0", f"{LOGS['b-0']}{ENDS}{IDLE}", f"{LOGS['b-0']}{LATER}{RECORDS}{IDLE}")
    readings(shell, "c-2", f"{ENDS}{IDLE}", f"{LATER}{changed}{IDLE}", f"{LATER}{RECORDS}{IDLE}")
    done = flushed(shell)
    assert done.returncode == 0, done.stderr
    assert len(shell.calls("exec b-0")) == 4, "three readings, and the offsets"
    assert "metadata log of c-2: 1 PartitionChangeRecord" in done.stdout


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (WRITTEN, "__consumer_offsets-3"),
        (f"{WRITTEN}recent orders-0 0\n", "__consumer_offsets-3; orders-0"),
    ],
    ids=["group", "producer"],
)
def test_a_kafka_that_never_gets_quiet_fails(shell: Shell, text: str, names: str) -> None:
    readings(shell, "b-1", text)
    done = flushed(shell, QUIET_TIMEOUT="5")
    assert done.returncode != 0
    last = done.stderr.splitlines()[-1]
    assert f"not quiet for {QUIET_SECONDS}s within 5s: {names}: a producer" in last, last
    assert "--strategy cold" in last
    assert "NotQuiet" in shell.events()
    assert shell.recorded()["growing"] == names
    assert "state" not in shell.recorded()
    assert not stored(shell)


def test_offsets_that_are_older_than_the_last_record_are_read_again(shell: Shell) -> None:
    """It was written while the JVMs of the tools started."""
    text = f"{LOGS['b-1']}{ENDS}idle 1\n"
    readings(shell, "b-1", text)
    later = OFFSETS.replace(" 12", " 13")
    shell.on("(?s)^exec b-0 .* topics .* latest$", later)
    done = flushed(shell, offsets=f"{OFFSETS}earliest orders 0 3\n", QUIET_SECONDS="1")
    assert done.returncode == 0, done.stderr
    assert len(shell.calls(" topics ")) == 2
    rows = stored(shell).splitlines()
    assert "end offset of orders-0|13" in rows
    assert "end offset of orders-0|12" not in rows
    assert "orders 0 3 13 -" in stored(shell, "offsets").splitlines()


@pytest.mark.parametrize("first", ["", "earliest orders 0 3\n"])
def test_first_offsets_that_could_not_be_read_are_a_warning(shell: Shell, first: str) -> None:
    """Without them `verify` cannot show that a copy begins where the source began."""
    done = flushed(shell, offsets=OFFSETS + first)
    assert done.returncode == 0, done.stderr
    warning = "WARNING: the first offsets of the partitions could not be read"
    assert (warning in done.stdout + done.stderr) is not bool(first)


TIMEOUT_PROGRAM = """#!/bin/bash
shift
"$@"
code=$?
[[ " $* " != *" topics "* ]] || grep -c '"positions"' "$FAKE/calls" >"$FAKE/readings"
exit $code
"""
"""timeout as the scripts see it; it writes down how many readings had begun when a query ended."""


def test_offsets_are_taken_before_the_wait(shell: Shell) -> None:
    """Pipes hold those of some thousand partitions: the query would wait, and time out."""
    (shell.folder / "timeout").write_text(TIMEOUT_PROGRAM)
    (shell.folder / "timeout").chmod(0o755)
    readings(shell, "b-1", WRITTEN, f"{GROWN}{LATER}{RECORDS}{IDLE}")
    readings(shell, "b-0", f"{LOGS['b-0']}{ENDS}{IDLE}", f"{LOGS['b-0']}{LATER}{RECORDS}{IDLE}")
    readings(shell, "c-2", f"{ENDS}{IDLE}", f"{LATER}{RECORDS}{IDLE}")
    many = "".join(f"earliest orders {number} 0\n" for number in range(40_000))
    done = flushed(shell, offsets=OFFSETS + many)
    assert done.returncode == 0, done.stderr
    assert len(shell.calls("exec b-1")) == 2
    assert int((shell.folder / "readings").read_text()) <= 3, "of the three nodes, once"


def test_offsets_that_cannot_be_read_again_fail(shell: Shell) -> None:
    readings(shell, "b-1", f"{LOGS['b-1']}{ENDS}idle 1\n")
    shell.on("(?s)^exec b-0 .* topics .* latest$", (1, "", "no memory"))
    done = flushed(shell, QUIET_SECONDS="1")
    assert done.returncode != 0
    assert "offsets of the partitions cannot be read" in done.stderr.splitlines()[-1]
    assert "state" not in shell.recorded()


@pytest.mark.parametrize(
    ("pod", "answer", "reason"),
    [
        ("b-1", (1, "", "killed"), "b-1"),
        ("b-1", LOGS["b-1"] + ENDS + IDLE, "b-1"),
        ("b-1", whole(LOGS["b-1"] + ENDS + IDLE).removeprefix("log"), "b-1"),
        ("c-2", whole(f"bytes x-0 1\n{IDLE}"), "c-2"),
        ("c-2", whole(ENDS + ENDS + IDLE), "c-2"),
        ("c-2", whole(ENDS), "c-2"),
        ("b-0", whole(f"{LOGS['b-0']}log data-0/kafka-log0 more-1 - 0\n{ENDS}{IDLE}"), "more-1"),
        ("b-1", whole(LOGS["b-0"] + ENDS + IDLE), "__consumer_offsets-3"),
    ],
    ids=[
        *("gone", "cut", "part lost", "no metadata", "two metadata logs", "no time"),
        *("no offset", "no log"),
    ],
)
def test_a_reading_that_is_not_whole_fails(
    shell: Shell, pod: str, answer: Any, reason: str
) -> None:
    shell.on(f"(?s)^exec {pod} .* positions ", answer)
    done = flushed(shell)
    assert done.returncode != 0
    assert reason in done.stderr.splitlines()[-1]
    assert "state" not in shell.recorded()
    assert not stored(shell)


def test_a_node_is_asked_again_if_a_part_of_its_output_is_lost(shell: Shell) -> None:
    answer = whole(LOGS["b-1"] + ENDS + IDLE)
    shell.on("(?s)^exec b-1 .* positions ", answer[9:], answer)
    done = flushed(shell)
    assert done.returncode == 0, done.stderr
    assert len(shell.calls("exec b-1")) == 2


def test_offsets_that_cannot_be_read_fail(shell: Shell) -> None:
    done = flushed(shell, (1, "", "no memory"))
    assert done.returncode != 0
    assert "offsets of the partitions cannot be read" in done.stderr.splitlines()[-1]
    assert "state" not in shell.recorded()


def test_a_run_that_was_ended_meanwhile_is_not_flushed(shell: Shell) -> None:
    shell.on(OWN_RUN, f"7|running|{RUN}")
    done = flushed(shell)
    assert done.returncode != 0
    assert "state" not in shell.recorded()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> str:
    shell = Shell(tmp_path_factory.mktemp("before"))
    assert flushed(shell).returncode == 0
    return stored(shell)


OWNED = 'true|{"f:metadata":{"f:annotations":{"f:strimzi.io/pause-reconciliation":{}}}}'


def compared(shell: Shell, before: str, offsets: Any = OFFSETS, records: str = QUIET) -> Any:
    shell.on(r"\.data\.state\}\|", f"online|{RUN}||kanister-kafka|{packed(before)}")
    shell.on(r"managedFields", OWNED)
    nodes(shell, records=records).on("(?s)^exec b-0 .* topics .* latest$", offsets)
    return shell.phase("backupCompare", PLAN)


def test_nothing_has_moved(shell: Shell, before: str) -> None:
    done = compared(shell, before)
    assert done.returncode == 0, done.stderr + done.stdout
    assert shell.recorded() == {"unmoved": RUN}
    assert f"data-0/kafka-log {END} 72" in shell.calls("exec c-2")[0]
    assert not [
        call for call in shell.calls("exec") if "flush" in call.rpartition(" positions ")[2]
    ]
    assert len(shell.calls(" topics ")) == 1
    assert not shell.events()


def row(pod: str, old: str, new: str) -> tuple[str, str]:
    text = f"{LOGS[pod]}{ENDS}records {QUIET}\n"
    assert old in text
    return f"(?s)^exec {pod} .* positions ", whole(text.replace(old, new))


MOVES: dict[str, tuple[str, Any, str]] = {
    "grown": (*row("b-0", "900", "901"), "log of orders-0 in b-0"),
    "truncated": (*row("b-1", "900", "100"), "log of orders-0 in b-1"),
    "rolled": (*row("b-1", END, f"{9:020}.log"), "log of orders-0 in b-1"),
    "first record": (*row("b-1", "- 0", f"{END} 80"), "log of __consumer_offsets-3"),
    "moved to another directory": (*row("b-0", "data-0/kafka-log0", "data-1/kafka-log0"), "b-0"),
    "leader": (*row("c-2", QUIET, QUIET + batch(PARTITION_CHANGE)), "1 PartitionChangeRecord"),
    "quorum": (*row("c-2", QUIET, batch("ff", attributes=32)), "control record"),
    "broker's metadata": (*row("b-0", QUIET, batch(UNKNOWN)), "record of type 250"),
    "unreadable": (*row("c-2", QUIET, QUIET[:-2]), "bytes that are not record batches"),
    "no records": (*row("c-2", f"records {QUIET}\n", ""), "not read within"),
    "restarted": (LISTED, PODS.replace("uid-2|1", "uid-2|2"), "pod c-2"),
    "replaced": (LISTED, PODS.replace("uid-1", "uid-9"), "pod b-1"),
    "scaled down": (LISTED, PODS.replace("c-2|uid-2|1\n", ""), "pod c-2: missing"),
    "end of the pause": ("managedFields", "|", "its pause has ended"),
    "pause of another client": ("managedFields", "true|{}", "its pause was set again"),
    "unknown pause": ("managedFields", AWAY, "cannot be read"),
}


@pytest.mark.parametrize("case", MOVES)
def test_each_change_during_the_snapshots_fails_the_backup(
    shell: Shell, before: str, case: str
) -> None:
    pattern, answer, reason = MOVES[case]
    shell.on(pattern, answer)
    done = compared(shell, before)
    assert done.returncode != 0, done.stdout
    last = done.stderr.splitlines()[-1]
    assert reason in last, last
    assert case == "no records" or ("not a backup" in last and "Moved" in shell.events())
    assert "unmoved" not in shell.recorded()


OTHER_SETS: dict[str, tuple[Any, str]] = {
    "record": (OFFSETS.replace(" 12", " 13"), "end offset of orders-0: 12, now 13"),
    "lost": (OFFSETS.replace(" 12", " 11"), "end offset of orders-0: 12, now 11"),
    "new topic": (f"{OFFSETS}latest new 0 0\n", "new-0"),
    "no leader": ("latest orders 0 12\n", "__consumer_offsets-3"),
    "nothing": ("", "__consumer_offsets-3"),
    "no answer": ((1, "", "timed out"), "offsets of the partitions cannot be read"),
}


@pytest.mark.parametrize("case", OTHER_SETS)
def test_other_offsets_fail_the_backup(shell: Shell, before: str, case: str) -> None:
    offsets, reason = OTHER_SETS[case]
    done = compared(shell, before, offsets)
    assert done.returncode != 0
    assert reason in done.stderr.splitlines()[-1]
    assert "unmoved" not in shell.recorded()


STATES = {
    "released": (f"running|{RUN}|switch|kanister-kafka", "running by switch"),
    "other run": ("online|2026-01-02T03:00:00Z||", "not online by this run"),
    "unreadable": (AWAY, "connection"),
}


@pytest.mark.parametrize("case", STATES)
def test_a_state_of_another_run_fails_the_backup(shell: Shell, before: str, case: str) -> None:
    answer, reason = STATES[case]
    shell.on(r"\.data\.state\}\|", answer)
    done = compared(shell, before)
    assert done.returncode != 0
    assert reason in done.stderr
    assert "unmoved" not in shell.recorded()


@pytest.mark.parametrize("text", ["", "other run", "no ends"])
def test_positions_of_another_run_fail_the_backup(shell: Shell, before: str, text: str) -> None:
    changed = {
        "": "",
        "other run": before.replace(RUN, "2026-01-02T03:00:00Z"),
        "no ends": "".join(f"{row}\n" for row in before.splitlines() if "/kafka-log " not in row),
    }[text]
    done = compared(shell, changed)
    assert done.returncode != 0
    assert "unmoved" not in shell.recorded()


def test_logs_that_are_too_many_to_store_are_compared_by_their_digest(
    shell: Shell, before: str
) -> None:
    cut = "".join(f"{row}\n" for row in before.splitlines() if "|" not in row)
    assert compared(shell, cut).returncode == 0
    shell.answers.insert(0, (MOVES["grown"][0], [(0, MOVES["grown"][1], "")]))
    done = compared(shell, cut)
    assert done.returncode != 0
    assert "too many to name" in done.stderr.splitlines()[-1]


def test_kasten_calls_the_comparison_in_the_action_of_its_own(shell: Shell, before: str) -> None:
    """Its two hooks are two actions, so the run is that of the state ConfigMap."""
    shell.on(r"\.data\.state\}\|", f"online|{RUN}||kanister-kafka|{packed(before)}")
    shell.on(r"managedFields", OWNED)
    nodes(shell, records=QUIET).on("(?s)^exec b-0 .* topics .* latest$", OFFSETS)
    done = shell.phase("compare", PLAN)
    assert done.returncode == 0, done.stderr
    assert shell.recorded() == {"unmoved": RUN}


EMPTY = hashlib.sha256(b"").hexdigest()


def paused(shell: Shell, run: str = f"7|quiescing|{RUN}") -> Any:
    shell.on(r"get configmap .*data\.podClaims", f"||{EMPTY}|{EMPTY}")
    shell.on(OWN_RUN, run).on("availableReplicas", "1")
    shell.on(r"get kafkas.*annotations\.strimzi\\.io/pause", "true")
    shell.on("ReconciliationPaused", "", "True")
    shell.on("get kafka(b|c|m).*-o name", "kind/name").on("get kafka(b|c|m).*replicas", "2|")
    return shell.phase("backupPause", PLAN)


def test_operators_are_stopped_before_clients_and_no_node(shell: Shell) -> None:
    done = paused(shell)
    assert done.returncode == 0, done.stderr
    assert [" ".join(call.args[:3]) for call in shell.writes() if call.args[1] != "configmap"] == [
        "annotate kafkas.v1beta2.kafka.strimzi.io backup",
        "delete deployments.apps backup-entity-operator",
        "patch kafkabridges.v1beta2.kafka.strimzi.io http",
        "patch kafkaconnects.v1beta2.kafka.strimzi.io sink",
        "patch kafkamirrormaker2s.v1beta2.kafka.strimzi.io mirror",
    ]


def test_the_first_phase_stops_no_client(shell: Shell) -> None:
    shell.on(r"get configmap .*resourceVersion.*data\.since", "7|running|yesterday|then")
    shell.on(r"get kafkas.*kafkaMetadataState", "KRaft|True|")
    shell.on("get pods .*controller-name", "backup-broker-0 backup-broker|backup-kafka True\n")
    shell.on("get kafkanodepools", "3|[0,1,2]").on(r"get kafkas.*clusterId", "abc")
    done = shell.on("availableReplicas", "1").phase("backupQuiesce", PLAN)
    assert done.returncode == 0, done.stderr
    assert shell.recorded()["state"] == "quiescing"
    assert not shell.calls("patch kafkac")
    assert "clients will be stopped" in shell.made("Event")[0]["message"]


@pytest.mark.parametrize("before", ["unset", "value:false"])
def test_a_restored_kafka_has_the_pause_that_it_had_before_the_backup(
    shell: Shell, before: str
) -> None:
    shell.on(r"get kafkas.*annotations\.kanister-kafka\\.io/pause-before", before)
    shell.on(r"get kafkas.*annotations\.strimzi", "true")
    done = full(shell).phase("backupKeep", PLAN)
    assert done.returncode == 0, done.stderr
    (kafka,) = documents(kept(saved_secrets(shell)["6-000"]))
    assert kafka["metadata"]["annotations"]["kanister-kafka.io/pause-before"] == before


@pytest.mark.parametrize("run", [f"7|running|{RUN}", "7|quiescing|other", ""])
def test_the_pause_of_another_run_is_refused(shell: Shell, run: str) -> None:
    assert paused(shell, run).returncode != 0
    assert {call.args[1] for call in shell.writes()} <= {"configmap"}


def test_a_client_that_was_started_again_fails_the_pause(shell: Shell) -> None:
    shell.on("get pods .*strimzi.io/kind in", "KafkaConnect/kafka-backup/sink\n")
    done = paused(shell)
    assert done.returncode != 0
    assert "runs again" in done.stderr.splitlines()[-1]


def test_nothing_of_an_online_plan_may_stop_a_node() -> None:
    for account in PLAN.accounts:
        if account.name.endswith(("-restore",)):
            continue
        for right in account.rights:
            if right.resource in ("strimzipodsets", "statefulsets"):
                assert "delete" not in right.verbs, (account.name, right)


def restarted(shell: Shell, state: str, phase: str = "backupRestart", run: str = RUN) -> Any:
    shell.on(r"\.data\.state\}\|\{\.data\.run\}\|", f"{state}|{run}||kanister-kafka|||||")
    shell.on(r"annotations\.kanister-kafka\\.io/pause-before", "unset")
    shell.on("managedFields", OWNED)
    shell.on("get kafka(b|c|m).*-o name", "kind/name").on("get kafka(b|c|m).*replicas", "0|2")
    return shell.phase(phase, plan_with(phase, strategy=Strategy.ONLINE))


def test_clients_are_released_before_the_nodes_are_looked_at(shell: Shell) -> None:
    not_ready = "backup-broker <none> b-0,b-1\n"
    shell.on("get strimzipodsets", not_ready)
    done = restarted(shell, "online")
    assert done.returncode != 0, "the nodes never become Ready"
    released = [call for call in shell.calls("patch kafkam") if '"replicas":2' in call]
    assert released
    pause = next(call for call in shell.calls("annotate kafkas") if "pause-reconciliation-" in call)
    assert shell.calls().index(pause) < shell.calls().index(released[0])


def test_a_cold_restart_waits_for_the_nodes_first(shell: Shell) -> None:
    shell.on("get strimzipodsets", "backup-broker <none> b-0,b-1\n")
    shell.on(r"\.data\.state\}\|\{\.data\.run\}\|", f"stopped|{RUN}|||||||")
    shell.on(r"annotations\.kanister-kafka\\.io/pause-before", "unset")
    assert shell.phase("backupRestart").returncode != 0
    assert not shell.calls("patch kafkam")


@pytest.mark.parametrize("phase", ["recover", "backupRecover", "switch", "resume"])
def test_each_end_of_a_failed_run_releases_its_clients(shell: Shell, phase: str) -> None:
    name = {"switch": "restart"}.get(phase, phase)
    restarted(shell, "quiescing" if phase == "recover" else "online", name)
    assert [call for call in shell.calls("patch kafkam") if '"replicas":2' in call]


def test_a_planned_stop_of_clients_stays_for_kasten(shell: Shell) -> None:
    done = restarted(shell, "online", "recover")
    assert done.returncode == 0, done.stderr
    assert "stay stopped for the snapshot" in done.stdout
    assert not shell.writes()


def test_clients_are_released_if_the_pause_has_ended_before_the_snapshot(shell: Shell) -> None:
    shell.on("managedFields", "|")
    done = restarted(shell, "online", "recover")
    assert done.returncode != 0
    assert "not a backup" in done.stderr
    assert [call for call in shell.calls("patch kafkam") if '"replicas":2' in call]


@pytest.mark.parametrize(("state", "passes"), [("online", True), ("stopped", False)])
def test_snapshots_want_the_state_of_their_strategy(
    shell: Shell, state: str, *, passes: bool
) -> None:
    shell.on(r"\.data\.state\}\|\{\.data\.run\}\|", f"{state}|{RUN}|kanister-kafka|")
    shell.on("managedFields", OWNED).on("get persistentvolumeclaims", "data-0 data-1")
    shell.on("get volumesnapshots", f"data-0-{BACKUP} now|\ndata-1-{BACKUP} now|\n")
    done = shell.phase("backupSnapshot", PLAN)
    assert (done.returncode == 0) == passes, done.stderr
    assert bool(shell.made("VolumeSnapshot")) == passes


@pytest.mark.parametrize("unmoved", [RUN, "", "2026-01-02T03:00:00Z"], ids=["own", "none", "other"])
def test_only_a_backup_in_which_nothing_has_moved_is_complete(shell: Shell, unmoved: str) -> None:
    shell.on(r"\.data\.unmoved", unmoved)
    shell.on("get volumesnapshots", f"data-0-{BACKUP} true|\ndata-1-{BACKUP} true|\n")
    done = shell.phase("backupReady", PLAN, SNAPSHOT_COUNT="2")
    marks = shell.calls("annotate secret")
    assert (done.returncode == 0) == (unmoved == RUN), done.stderr
    assert bool(marks) == (unmoved == RUN)
    assert not marks or f"{constants.STRATEGY}=online" in marks[0]
    assert f"{constants.STOP}=" not in str(marks)
