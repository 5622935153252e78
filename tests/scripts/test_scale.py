"""Steps on clusters of many nodes: requests, arguments and output do not grow with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.kubectl import UNTIL
from tests.fakes.script_runner import BACKUP, Shell
from tests.scripts import test_backup, test_restart, test_restore, test_stop

FEW, MANY = 3, 1000
LONGEST_ARGUMENT = 131_072
"""Bytes that Linux takes in one argument (MAX_ARG_STRLEN)."""
LONGEST_LINE = 400
"""Characters of a line of progress, with ten names as below."""
LONGEST_OUTPUT = 16_384
"""Characters that a step prints of 1,000 nodes that change one after the other."""
LOOKS = 20


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


def each_look(entries: list[str], separator: str = " ") -> list[str]:
    """Return answers in each of which fewer entries are left, and at last none."""
    share = len(entries) // LOOKS
    return [separator.join(entries[i * share :]) for i in range(LOOKS)] + [""]


def assert_output_is_short(output: str) -> None:
    lines = output.splitlines()
    assert len(lines) > LOOKS, "each change is printed"
    assert max(map(len, lines)) <= LONGEST_LINE
    assert len(output) <= LONGEST_OUTPUT


def test_output_of_a_stop_is_limited(shell: Shell) -> None:
    names = [f"backup-broker-{n}" for n in range(MANY)]
    shell.on("get pods .*controller-name in .backup-broker", *each_look(names))
    done = test_restore.living(shell).phase("restoreStop")
    assert done.returncode == 0, done.stderr
    assert f"pods still there: {' '.join(names[:10])} and 990 more\n" in done.stdout
    assert f"pods still there: {' '.join(names[950:960])} and 40 more\n" in done.stdout
    assert_output_is_short(done.stdout)


def test_output_of_a_watched_stop_is_limited(shell: Shell) -> None:
    names = [f"backup-broker-{n}" for n in range(MANY)]
    ended = "".join(f"MODIFIED {name} now|0|\nDELETED {name} now|0|\n" for name in names)
    shown = "".join(f"ADDED {name} ||\n" for name in names)
    shell.on(test_stop.WATCH, shown + UNTIL + ended)
    shell.on(test_stop.LISTED, " ".join(names), " ".join(names[50:]), "")
    done = test_stop.halted(shell).phase("stop")
    assert done.returncode == 0, done.stderr
    assert f"pods still there: {' '.join(names[50:60])} and 940 more\n" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= LONGEST_LINE


def test_output_of_snapshots_is_limited(shell: Shell) -> None:
    claims = [f"data-0-backup-broker-{n}" for n in range(MANY)]
    cut = [f"{claim}-{BACKUP} 2026-01-02T03:05:00Z|\n" for claim in claims]
    open_rows = [f"{claim}-{BACKUP} |\n" for claim in claims]
    share = MANY // LOOKS
    rows = ["".join(cut[: i * share] + open_rows[i * share :]) for i in range(LOOKS + 1)]
    test_backup.stopped(shell).on(test_backup.CLAIMS, " ".join(claims))
    shell.on(test_backup.SNAPSHOTS, *rows)
    done = shell.phase("backupSnapshot")
    assert done.returncode == 0, done.stderr
    assert f"data-0-backup-broker-9-{BACKUP} is not cut yet and 990 more\n" in done.stdout
    assert_output_is_short(done.stdout.replace(f"-{BACKUP} is not cut yet", ""))


def test_failure_names_the_pods(shell: Shell) -> None:
    names = [f"backup-broker-{n}" for n in range(100)]
    shell.on("get pods", " ".join(names))
    done = shell.run(
        "common.sh", body="begin_step stopping; wait_until_empty 0 remaining_pods kafka a=b"
    )
    assert done.returncode != 0
    assert f"pods still there: {' '.join(names)}\n" in done.stderr
