"""Nodes that start: a watch says when to look again, and without it a second does."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.fakes.kubectl import UNTIL
from tests.fakes.script_runner import FORBIDDEN, RUN, Reply, Shell
from tests.scripts.test_restart import ROWS, SERVES, there

WATCH = "get pods .*--watch"
ENDED = "the watch of the pods has ended: looking each second"
PARTLY = SERVES.replace("2 b-0", "1 b-0")


def looked(shell: Shell, events: str | Reply, looks: int, seconds: int) -> list[str]:
    """Wait so often for a look, without an event so many seconds; return what was printed."""
    body = f"""
    LOOK_SECONDS={seconds}
    sleep() {{ echo "slept $1"; }}
    watch_ready_pods
    for ((i = 0; i < {looks}; i++)); do until_pod_ready 1; echo looked; done
    close_ready_watch
    """
    done = shell.on(WATCH, events).run("common.sh", "watch-ready.sh", body=body)
    assert done.returncode == 0, done.stderr
    return [re.sub(r"^\d\d:\d\d:\d\d phase: ", "", line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("events", ["b-0 True\n", "b-0 \nb-1 False\nb-0 True\nb-1 True\n"])
def test_pod_that_is_ready_ends_the_wait(shell: Shell, events: str) -> None:
    """Then it looks each second for a while: the status of the StrimziPodSet comes later."""
    started = ["slept 1", "looked"]
    assert looked(shell, events + UNTIL, 4, 25) == started * 4
    assert len(shell.calls("--watch")) == 1


@pytest.mark.parametrize("events", ["", "b-0 False\n", "b-0 \nb-1 Unknown\nTrue False\n"])
def test_other_events_do_not_end_the_wait(shell: Shell, events: str) -> None:
    """It looks by itself after some seconds."""
    assert looked(shell, events + UNTIL, 1, 2) == ["looked"]


@pytest.mark.parametrize("answer", ["", "b-0 False\n", FORBIDDEN], ids=["none", "some", "refused"])
def test_the_end_of_a_watch_is_logged_once(shell: Shell, answer: str | Reply) -> None:
    started = ["slept 1", "looked"]
    assert looked(shell, answer, 3, 25) == [ENDED, *started * 3]
    assert len(shell.calls("--watch")) == 1


def restarted(shell: Shell, state: str, *rows: str) -> subprocess.CompletedProcess[str]:
    done: subprocess.CompletedProcess[str] = there(
        shell.on(ROWS, *rows), f"{state}|{RUN}|", "unset"
    ).phase("resume")
    assert done.returncode == 0, done.stderr
    return done


def test_restart_looks_when_a_pod_is_ready(shell: Shell) -> None:
    shell.on(WATCH, f"b-0 False\nb-0 True\n{UNTIL}")
    done = restarted(shell, "stopped", PARTLY, SERVES)
    assert "backup-broker has 1 of 2 pods ready" in done.stdout
    assert ENDED not in done.stdout
    assert len(shell.calls(ROWS)) == 2
    (call,) = shell.calls("--watch")
    assert "-l strimzi.io/cluster=backup,strimzi.io/name in (backup-kafka," in call


def test_restart_without_a_watch_looks_each_second(shell: Shell) -> None:
    done = restarted(shell.on(WATCH, FORBIDDEN), "stopped", PARTLY, PARTLY, PARTLY, SERVES)
    assert done.stdout.count(ENDED) == 1
    assert len(shell.calls(ROWS)) == 4


def test_clients_alone_need_no_watch(shell: Shell) -> None:
    restarted(shell, "online", SERVES)
    assert not shell.calls("--watch")
