"""Steps on clusters of many nodes: requests and arguments do not grow with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.kubectl import UNTIL
from tests.fakes.script_runner import BACKUP, Shell
from tests.scripts import test_backup, test_restart, test_stop

FEW, MANY = 3, 1000
LONGEST_ARGUMENT = 131_072
"""Bytes that Linux takes in one argument (MAX_ARG_STRLEN)."""


def stop(shell: Shell, number: int) -> None:
    names = [f"backup-broker-{n}" for n in range(number)]
    shown = "".join(f"ADDED {name} ||\n" for name in names)
    ended = "".join(f"MODIFIED {name} now|0|\nDELETED {name} now|0|\n" for name in names)
    shell.on(test_stop.WATCH, shown + UNTIL + ended).on(test_stop.LISTED, " ".join(names), "")
    done = test_stop.halted(shell).phase("stop")
    assert done.returncode == 0, done.stderr


def snapshot(shell: Shell, number: int) -> None:
    claims = [f"data-0-backup-broker-{n}" for n in range(number)]
    rows = "".join(f"{claim}-{BACKUP} 2026-01-02T03:05:00Z|\n" for claim in claims)
    test_backup.stopped(shell).on(test_backup.CLAIMS, " ".join(claims))
    shell.on(test_backup.SNAPSHOTS, rows)
    done = shell.phase("backupSnapshot")
    assert done.returncode == 0, done.stderr
    assert len(shell.made("VolumeSnapshot")) == number


def restart(shell: Shell, number: int) -> None:
    pods = ",".join(f"backup-broker-{n}" for n in range(number))
    rows = f"backup-broker {number} {pods}\nbackup-controller 1 c-0\n"
    shell.on(test_restart.ROWS, f"backup-broker 0 {pods}\nbackup-controller 1 c-0\n", rows)
    done = test_restart.there(shell, f"stopped|{test_restart.RUN}|", "unset").phase("restart")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("run", [stop, snapshot, restart])
def test_requests_do_not_grow_with_the_nodes(run, tmp_path: Path) -> None:
    counts = []
    for number in (FEW, MANY):
        folder = tmp_path / str(number)
        folder.mkdir()
        shell = Shell(folder)
        run(shell, number)
        counts.append(len(shell.every()))
        longest = max(len(word) for call in shell.every() for word in call.args)
        assert longest < LONGEST_ARGUMENT
    assert counts[0] == counts[1]
