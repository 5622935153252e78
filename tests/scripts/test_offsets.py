"""Offsets and sizes of all partitions, which are kept with a backup."""

from __future__ import annotations

import base64
import gzip
import random
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kanister_kafka import constants
from tests.fakes.script_runner import AWAY, BACKUP, FORBIDDEN, RUN, SCRIPTS, Shell
from tests.scripts.test_retention import DESCRIBED, PODS, PREFIX, SEPARATOR

OFFSETS = """earliest orders 0 5
earliest orders 10 0
earliest __consumer_offsets 3 0
latest orders 0 12
latest orders 10 7
latest __consumer_offsets 3 90
"""
NODES = "b-0 backup-kafka\nb-1 backup-kafka\n"
SIZES = ("bytes orders-0 700\nbytes orders-2 1\n", "bytes orders-0 650\nbytes orders-10 70\n")
UNREAD = "WARNING: the offsets of the partitions could not be read"


def packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def noted(shell: Shell, answer: Any, sizes: tuple[str, ...] = SIZES) -> Any:
    shell.on(PODS, "b-0||True\n").on("get pods", NODES).on("exec .*-- bash -c # shellcheck", answer)
    for pod, text in zip(("b-0", "b-1"), sizes, strict=False):
        shell.on(f"^exec {pod} ", text)
    done = shell.phase("flush")
    assert done.returncode == 0, done.stderr
    return done


def lists(shell: Shell) -> list[str]:
    written = [call.patch for call in shell.writes() if call.args[0] == "patch"]
    patches = [patch["binaryData"] for patch in written if "binaryData" in patch]
    assert patches[0]["offsets"] is None, "those of an earlier backup"
    found = [patch["offsets"] for patch in patches[1:] if "offsets" in patch]
    return [gzip.decompress(base64.b64decode(text)).decode() for text in found]


def test_offsets_and_sizes_are_noted(shell: Shell) -> None:
    done = noted(shell, DESCRIBED + SEPARATOR + OFFSETS)
    assert "WARNING" not in done.stdout
    assert "stored the offsets and sizes of 4 partitions" in done.stdout
    (text,) = lists(shell)
    head, *rows = text.splitlines()
    assert re.fullmatch(rf"# 20\S+Z {re.escape(RUN)}", head)
    assert rows == [
        "__consumer_offsets 3 0 90 -",
        "orders 0 5 12 700",
        "orders 2 - - 1",
        "orders 10 0 7 70",
    ]


@pytest.mark.parametrize(
    "offsets", ["", "latest orders 0 12\n", "earliest orders 0 5\n"], ids=["none", "half", "other"]
)
def test_backup_goes_on_without_offsets(shell: Shell, offsets: str) -> None:
    done = noted(shell, DESCRIBED + SEPARATOR + offsets)
    assert UNREAD in done.stdout
    assert "retention of the topics could not" not in done.stdout
    (text,) = lists(shell)
    assert "orders 2 - - 1" in text.splitlines()


@pytest.mark.parametrize("answer", ["", (1, "", "the broker has 20 MiB left"), AWAY])
def test_backup_goes_on_without_a_broker_that_answers(shell: Shell, answer: Any) -> None:
    done = noted(shell, answer)
    assert UNREAD in done.stdout
    assert "WARNING: the retention of the topics could not be read" in done.stdout
    (text,) = lists(shell)
    assert "orders 0 - - 700" in text.splitlines()


def test_backup_goes_on_if_offsets_cannot_be_written(shell: Shell) -> None:
    shell.on("patch-file", "", FORBIDDEN)
    done = noted(shell, DESCRIBED + SEPARATOR + OFFSETS)
    assert "WARNING: offsets and sizes of the partitions could not be stored" in done.stdout


def note(shell: Shell, rows: str, limit: int = 600_000) -> tuple[Any, list[str]]:
    (shell.folder / "rows").write_text(rows)
    body = f'OFFSETS_MAX={limit}\nstore_offsets "$(cat {shell.folder}/rows)"'
    values = {"STATE_CONFIGMAP": "r", "RUN_ID": RUN}
    done = shell.run("common.sh", "topics.sh", "offsets.sh", body=body, **values)
    patches = [call.patch for call in shell.all() if call.args[0] == "patch"]
    texts = [patch["binaryData"]["offsets"] for patch in patches if "binaryData" in patch]
    return done, [gzip.decompress(base64.b64decode(text)).decode() for text in texts]


def test_sums_of_topics_take_the_place_of_too_many_partitions(shell: Shell) -> None:
    rows = "".join(
        f"{kind} {topic} {n} {2**44 + n}\n"
        for kind in ("earliest", "latest")
        for topic in ("big", "other")
        for n in range(200)
    )
    sizes = "".join(f"bytes big-{n} 10\n" for n in range(200)) + "bytes other-0 1\n"
    done, texts = note(shell, rows + sizes, 600)
    assert done.returncode == 0, done.stderr
    assert "the offsets of 400 partitions do not fit" in done.stdout
    total = 200 * 2**44 + sum(range(200))
    assert texts[0].splitlines()[1:] == [
        f"big * {total} {total} 2000",
        f"other * {total} {total} -",
    ]


def test_sums_that_do_not_fit_are_a_failure(shell: Shell) -> None:
    rows = "".join(f"latest topic-{n} 0 {n}\n" for n in range(1000))
    done, texts = note(shell, rows, 600)
    assert done.returncode != 0
    assert not texts


def test_twenty_thousand_partitions_fit(shell: Shell) -> None:
    numbers = random.Random(7)  # noqa: S311
    rows = "".join(
        f"{kind} team-{n // 20 % 97}.orders-{n // 20:05d} {n % 20} {numbers.randrange(10**9)}\n"
        for kind in ("earliest", "latest")
        for n in range(20_000)
    )
    sizes = "".join(
        f"bytes team-{n // 20 % 97}.orders-{n // 20:05d}-{n % 20} {numbers.randrange(10**10)}\n"
        for n in range(20_000)
    )
    done, texts = note(shell, rows + sizes)
    assert done.returncode == 0, done.stderr
    assert len(texts[0].splitlines()) == 20_001


def ready(shell: Shell, offsets: Any, stop: str = f"{RUN}|clean") -> Any:
    shell.on(r"binaryData\.topics", "").on(r"binaryData\.offsets", offsets)
    shell.on(r"data\.stop", stop).on("get volumesnapshots", "a true|\n")
    done = shell.phase("backupReady", SNAPSHOT_COUNT="1")
    assert done.returncode == 0, done.stderr
    return done


def test_backup_keeps_the_offsets_in_a_secret_of_its_own(shell: Shell) -> None:
    text = packed(f"# 2026-01-02T03:04:05Z {RUN}\norders 0 1 2 3\n")
    done = ready(shell, text)
    (secret,) = shell.made("Secret")
    assert secret["metadata"]["name"] == f"{PREFIX}-offsets"
    assert secret["metadata"]["labels"][constants.BACKUP] == BACKUP
    assert secret["data"] == {"objects": text}
    assert "WARNING: the offsets" not in done.stdout


@pytest.mark.parametrize("text", ["", "damaged", packed("# x 2025-01-01T00:00:00Z\n"), FORBIDDEN])
def test_backup_without_offsets_is_complete_and_reports_it(shell: Shell, text: Any) -> None:
    done = ready(shell, text)
    assert "WARNING: the offsets and sizes of the partitions are not saved" in done.stdout
    assert not shell.made("Secret")
    assert f"backup {BACKUP} is complete" in done.stdout


@pytest.mark.parametrize("stop", ["clean", "unclean"])
def test_backup_has_how_the_nodes_ended(shell: Shell, stop: str) -> None:
    ready(shell, "", f"{RUN}|{stop}")
    (mark,) = shell.calls("annotate secret")
    assert f"{constants.STOP}={stop} {constants.COMPLETE}=" in mark


@pytest.mark.parametrize(
    "seen", ["", "2025-01-01T00:00:00Z|clean", f"{RUN}|", f"{RUN}|x", FORBIDDEN]
)
def test_backup_does_not_claim_an_end_that_was_not_recorded(shell: Shell, seen: Any) -> None:
    done = ready(shell, "", seen)
    assert constants.STOP not in " ".join(shell.calls("annotate secret"))
    assert f"the backup does not have the annotation {constants.STOP}" in done.stdout


# The script in the pod of the broker


@pytest.fixture
def broker(tmp_path: Path) -> Path:
    """Make a directory that looks like /opt/kafka."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "environ").write_bytes(b"A=b\0CERTS_STORE_PASSWORD=s3cr3t\0")
    (tmp_path / "strimzi.properties").write_text(
        "config.providers=env\nlistener.name.replication-9091.ssl.keystore.type=PEM\n"
    )
    tool(tmp_path, "kafka-topics.sh", "printf 'Topic: orders\\tConfigs:\\n\\tTopic: orders\\n'")
    return tmp_path


def tool(folder: Path, name: str, body: str) -> None:
    path = folder / "bin" / name
    path.write_text(f'#!/bin/bash\necho "$*" >>calls\n{body}\n')
    path.chmod(0o755)


def ask(broker: Path, memory: tuple[str, str] = ("max", "anon 1")) -> Any:
    text = (SCRIPTS / "lib" / "topics.sh").read_text()
    pattern = r"^QUERY_SCRIPT=\$\(<\./broker\.sh\)'(.*?)'$"
    script = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    assert script is not None
    for name, content in zip(("memory.max", "memory.stat"), memory, strict=True):
        (broker / name).write_text(f"{content}\n")
    body = (SCRIPTS / "lib" / "broker.sh").read_text() + script[1]
    for place in ("/tmp", "/opt/kafka", "/proc/1", "/sys/fs/cgroup"):  # noqa: S108
        body = body.replace(f"{place}/", f"{broker}/").replace(f"cd {place} ", f"cd {broker} ")
    words = ["bash", "-c", body, "ask", "svc:9091", "20", str(320 << 20)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60)


GET = 'if [[ $2 == -1 ]]; then echo orders:0:12; else echo orders:0:5; echo "x: error"; fi'
ANSWER = "Topic: orders\tConfigs:\n\x1e\nlatest orders 0 12\nearliest orders 0 5\n"


@pytest.mark.parametrize(
    "memory",
    [("max", "anon 1"), (str(1 << 30), "anon 1"), (str(400 << 20), "anon 1")],
    ids=["no-limit", "three-fit", "one-fits"],
)
def test_broker_is_asked_for_topics_and_offsets(broker: Path, memory: tuple[str, str]) -> None:
    tool(broker, "kafka-get-offsets.sh", GET)
    done = ask(broker, memory)
    assert (done.returncode, done.stdout) == (0, ANSWER), done.stderr
    calls = (broker / "calls").read_text().splitlines()
    assert len(calls) == 3
    assert all("--command-config /dev/fd/" in call for call in calls)


def test_offsets_of_a_kafka_without_the_script(broker: Path) -> None:
    tool(broker, "kafka-run-class.sh", f"[[ $1 == kafka.tools.GetOffsetShell ]]; shift; {GET}")
    assert ask(broker).stdout == ANSWER


def test_topics_are_listed_if_offsets_fail(broker: Path) -> None:
    tool(broker, "kafka-run-class.sh", "seq 100 >&2; exit 1")
    done = ask(broker)
    assert (done.returncode, done.stdout) == (0, ANSWER.partition("latest")[0])
    assert len(done.stderr.splitlines()) <= 6


def test_topics_that_fail_end_the_answer(broker: Path) -> None:
    tool(broker, "kafka-topics.sh", "echo 'Topic: half'; exit 1")
    tool(broker, "kafka-get-offsets.sh", GET)
    done = ask(broker)
    assert done.returncode != 0
    assert "\x1e" not in done.stdout


def test_broker_without_memory_is_not_asked(broker: Path) -> None:
    done = ask(broker, (str(300 << 20), "anon 1"))
    assert done.returncode == 75
    assert "MiB of memory left" in done.stderr
    assert not (broker / "calls").exists()


@pytest.mark.parametrize("protocol", ["SSL", "PLAINTEXT"])
def test_tools_use_the_protocol_of_the_listener(broker: Path, protocol: str) -> None:
    """Strimzi 1.3 can have no TLS between brokers."""
    (broker / "strimzi.properties").write_text(
        "listener.security.protocol.map=CONTROLPLANE-9090:SASL_SSL,"
        f"REPLICATION-9091:{protocol},TLS-9093:SSL\n"
    )
    tool(broker, "kafka-topics.sh", 'cat "${@: -1}" >settings; echo "Topic: orders"')
    ask(broker)
    assert (broker / "settings").read_text() == f"security.protocol={protocol}\n"
