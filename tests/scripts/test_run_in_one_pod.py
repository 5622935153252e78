"""One pod that stops, snapshots and restarts: each part is a process under its own name."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from tests.fakes.script_runner import FORBIDDEN, OWN_RUN, RUN, Shell
from tests.scripts.test_backup import cut
from tests.scripts.test_restart import FIELDS as OWNED
from tests.scripts.test_restart import (
    HELD,
    PRESENT,
    RECORD,
    THERE,
    digest,
    let_in,
    there,
)
from tests.scripts.test_stop import EMPTY, KEPT, QUIESCED, STOPPING, halted

POD_OF_PARTS = "pod of backupSnapshot"


def parts(shell: Shell, words: str, **scripts: str) -> subprocess.CompletedProcess[str]:
    """Run these parts, whose scripts are beside those of the package."""
    for name, text in scripts.items():
        (shell.mount() / "..1" / f"{name}.sh").write_text(text)
    return shell.run("run-in-one-pod.sh", name="outage", PARTS=words, VALUE="of all")


def test_parts_run_in_order_under_their_own_names(shell: Shell) -> None:
    done = parts(
        shell,
        "first:tell second:change first:tell",
        tell='echo "$0 $VALUE"\n',
        change='VALUE=other cd /; echo "$0"; exit 0\n',
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["first of all", "second", "first of all"]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("exit 7\n", 7),
        ("set -e; false; echo on\n", 1),
        ("kill -9 $$\n", 137),
        ("no-such-command\n", 127),
    ],
)
def test_first_failure_ends_the_pod_with_its_status(shell: Shell, text: str, status: int) -> None:
    done = parts(shell, "a:well b:ill c:well", well='echo "$0"\n', ill=text)
    assert done.returncode == status
    assert done.stdout == "a\n"


def test_part_without_its_script_is_a_failure(shell: Shell) -> None:
    done = parts(shell, "a:absent b:well", well='echo "$0"\n')
    assert done.returncode != 0
    assert not done.stdout


def quiesced(shell: Shell) -> Shell:
    """Answer as a cluster that this run has quiesced, and that is stopped and comes back."""
    shell.on(RECORD, f"stopped|{RUN}||kanister-kafka|")
    shell.on(r"get configmap .*data\.seenRunning", f"stopped|{RUN}|kanister-kafka|")
    shell.on(r"get configmap .*data\.confirmedBy", "7|")
    shell.on(r"get configmap .*jsonpath=\{\.data\.claims\}$", "")
    shell.on(HELD, f"true|{OWNED}")
    shell.on("get strimzipodsets backup.*-o name", THERE).on(PRESENT, "", "", "", THERE)
    shell.on(KEPT, f"||{EMPTY}|{digest('data-0 data-1')}").on(OWN_RUN, QUIESCED, STOPPING)
    return there(halted(cut(shell)), "", "unset")


def test_a_backup_is_stopped_snapshotted_and_restarted(shell: Shell) -> None:
    done = quiesced(shell).phase(POD_OF_PARTS)
    assert done.returncode == 0, done.stdout + done.stderr
    calls = [str(call) for call in shell.writes()]
    order = [
        next(i for i, call in enumerate(calls) if re.search(pattern, call))
        for pattern in ("delete strimzipodsets", "state.:.stopped", "create", "reconciliation-")
    ]
    assert order == sorted(order)
    assert shell.recorded()["endedBy"] == "backupRestart"
    assert shell.recorded()["state"] == "running"
    assert shell.events() == ["Stopped", "Restarting", "Restarted"]
    outputs = re.findall(r"^###Phase-output###: (.*)$", done.stdout, re.MULTILINE)
    assert [json.loads(line)["key"] for line in outputs] == ["stop", "backup", "snapshots"]
    names = dict.fromkeys(re.findall(r"^\d\d:\d\d:\d\d (\w+):", done.stdout, re.MULTILINE))
    assert list(names) == ["backupStop", "backupSnapshot", "backupRestart"]


def test_failed_snapshot_is_left_to_the_recovery(shell: Shell) -> None:
    """It starts Kafka first, and then it removes what is left of the backup."""
    shell.on("^create -f -", FORBIDDEN)
    done = quiesced(shell).phase(POD_OF_PARTS)
    assert done.returncode != 0
    assert "FAILED while snapshotting every claim" in done.stderr.splitlines()[-1]
    assert "backupSnapshot: FAILED" in shell.recorded()["failure"]
    assert shell.recorded()["state"] == "stopped"
    assert not let_in(shell)
    assert shell.events()[-1] == "BackupSnapshotFailed"
