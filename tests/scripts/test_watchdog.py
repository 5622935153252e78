"""A stop that has failed: phases announce their pods, and the watchdog sees that one has ended."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest

from kanister_kafka.backup.options import Strategy
from tests.fakes.script_runner import CONFLICT, OWN_RUN, POD, RUN, Reply, Shell, cycle
from tests.scripts.test_restart import (
    FUTURE,
    GONE,
    LOOK,
    PAST,
    POSTPONED,
    STATE,
    let_in,
    there,
)

PODS = f"get pods .*metadata.name={POD} "
READ_STATE = r"get configmap .*jsonpath=\{\.data\.state\}$"
READ_POD = r"get configmap .*jsonpath=\{\.data\.pod\}$"
FAILURE = "then stop: FAILED while stopping: it hangs"
MINUTES = 'wait() { builtin wait "$@"; SECONDS=$((SECONDS + 60)); }'
"""One minute passes between two looks."""


def state_line(
    state: str, action: str = "backupPrehook", pod: str = POD, failure: str = "", run: str = RUN
) -> str:
    """Return the state ConfigMap as the watchdog reads it."""
    return f"{state}|{run}||{action}|{pod}|{failure}"


def watching(shell: Shell, record: str, *pods: str | Reply, looks: int = 9) -> Shell:
    """Answer as a half stopped cluster with its deadline far away; after some looks it is gone."""
    state, _run, _requested, _action, pod, _failure = record.split("|")
    shell.on(LOOK, *[f"backup|{FUTURE}|unset"] * looks, "").on(STATE, record)
    shell.on(READ_STATE, state).on(READ_POD, pod).on(PODS, *pods or [""])
    return there(shell, f"{state}|{RUN}|", "unset")


def looks_of(shell: Shell) -> int:
    return len([call for call in shell.calls() if re.search(LOOK, call)])


# What the watchdog sees


@pytest.mark.parametrize("state", ["quiescing", "stopping"])
def test_failure_of_a_pre_hook_is_answered_at_once(shell: Shell, state: str) -> None:
    """Its pod may still run: it writes an event after the reason."""
    done = watching(shell, state_line(state, failure=FAILURE), "Running").phase("switch")
    assert done.returncode == 0, done.stderr
    assert looks_of(shell) == 1
    assert let_in(shell)
    assert shell.recorded()["state"] == "running"
    assert shell.recorded()["endedBy"] == "switch"
    message = f"the stop has failed ({FAILURE}): the cluster is brought back"
    assert shell.made("Event")[0]["message"] == message
    assert f"{FAILURE}): bringing Kafka backup back" in done.stdout


@pytest.mark.parametrize("phase", ["", "Failed", "Succeeded"])
def test_pod_of_the_stop_that_has_ended_is_answered_at_once(shell: Shell, phase: str) -> None:
    done = watching(shell, state_line("stopping"), phase).phase("switch")
    assert done.returncode == 0, done.stderr
    assert looks_of(shell) == 1
    assert let_in(shell)
    assert f"pod {POD} has not ended the stop" in shell.made("Event")[0]["message"]


@pytest.mark.parametrize(
    ("record", "pattern", "answer"),
    [
        pytest.param(state_line("stopping"), PODS, "Running", id="runs"),
        pytest.param(state_line("quiescing"), PODS, "Pending", id="starts"),
        pytest.param(state_line("stopping"), PODS, "Unknown", id="unknown"),
        pytest.param(state_line("stopping"), PODS, GONE, id="unread"),
        pytest.param(state_line("stopping"), READ_STATE, "stopped", id="stopped-meanwhile"),
        pytest.param(state_line("stopping"), READ_STATE, GONE, id="state-unread"),
        pytest.param(state_line("quiescing"), READ_POD, "another", id="next-pod-meanwhile"),
        pytest.param(state_line("stopping"), READ_POD, GONE, id="next-pod-unread"),
        pytest.param(state_line("stopping", pod="", failure=FAILURE), PODS, "", id="no-pod"),
        pytest.param(state_line("stopped", failure=FAILURE), PODS, "", id="stopped"),
        pytest.param(state_line("online", failure=FAILURE), PODS, "", id="online"),
        pytest.param(
            state_line("stopping", "backup", failure=FAILURE), PODS, "Running", id="backup"
        ),
    ],
)
def test_only_a_failed_stop_is_recovered(
    shell: Shell, record: str, pattern: str, answer: str | Reply
) -> None:
    """However long it takes: only the deadline ends it."""
    shell.preamble = MINUTES
    done = watching(shell.on(pattern, answer), record, looks=6).phase("switch")
    assert done.returncode == 0, done.stderr
    assert looks_of(shell) == 7, "until its Kafka is gone"
    assert not let_in(shell)
    assert "Switch" not in shell.events()
    assert not [call for call in shell.calls() if re.search(POSTPONED, call)]


def test_without_the_key_no_pod_is_looked_for(shell: Shell) -> None:
    """Of a stop by an earlier Blueprint."""
    watching(shell, state_line("stopping", pod=""), looks=2).phase("switch")
    assert looks_of(shell) == 3
    assert not shell.calls("metadata.name=")


@pytest.mark.parametrize(
    ("state", "action"),
    [("quiescing", "backupPrehook"), ("quiescing", "backup"), ("stopping", "backup")],
)
@pytest.mark.parametrize(
    ("pods", "looks"),
    [
        pytest.param([""], 4, id="gone"),
        pytest.param(["Failed"], 4, id="failed"),
        pytest.param(["", "", "Running", ""], 7, id="seen-again"),
        pytest.param(["", GONE, ""], 6, id="unread-once"),
    ],
)
def test_next_pod_has_three_minutes(
    shell: Shell, state: str, action: str, pods: list[str | Reply], looks: int
) -> None:
    """A deferPhase, or the next phase, is about to begin."""
    shell.preamble = MINUTES
    done = watching(shell, state_line(state, action), *pods).phase("switch")
    assert done.returncode == 0, done.stderr
    assert looks_of(shell) == looks
    assert let_in(shell)
    message = f"pod {POD} has ended, and no other phase has begun within 180s"
    assert message in shell.made("Event")[0]["message"]


def test_each_pod_has_its_own_three_minutes(shell: Shell) -> None:
    shell.preamble = MINUTES
    other = state_line("quiescing", pod="other")
    shell.on(STATE, *[state_line("quiescing")] * 3, other).on(READ_POD, *[POD] * 3, "other")
    done = watching(shell.on("get pods .*metadata.name=other ", ""), other).phase("switch")
    assert done.returncode == 0, done.stderr
    assert looks_of(shell) == 7
    assert "pod other has ended" in shell.made("Event")[0]["message"]


@pytest.mark.parametrize(
    "record", [state_line("stopping"), state_line("quiescing", failure=FAILURE)]
)
@pytest.mark.parametrize("answer", ["", CONFLICT], ids=["written", "refused"])
def test_the_deadline_is_now_before_anything_is_started(
    shell: Shell, record: str, answer: str | Reply
) -> None:
    """If this pod is lost, the next one of the watchdog goes on."""
    done = watching(shell.on(POSTPONED, answer), record).phase("switch")
    assert done.returncode == 0, done.stderr
    first = str(shell.writes()[0])
    assert re.search(POSTPONED, first)
    (deadline,) = re.findall(r"restart-by=(\S+)", first)
    assert deadline <= f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    assert let_in(shell)
    assert shell.recorded()["state"] == "running"
    assert ("the deadline could not be written" in done.stdout) == (answer == CONFLICT)


def test_lock_without_a_deadline_keeps_the_watchdog(shell: Shell) -> None:
    """The annotation may be lost before the first look."""
    shell.on(LOOK, "backup||", "backup||", f"backup|{PAST}|")
    done = watching(shell, state_line("quiescing"), "Running").phase("switch")
    assert done.returncode == 0, done.stderr
    assert looks_of(shell) == 3
    assert let_in(shell)
    assert shell.recorded()["state"] == "running"


# What the phases announce

ONLINE = cycle(strategy=Strategy.ONLINE)
PLANS = {
    **dict.fromkeys(["flush", "stop", "backupKeep", "backupFlush", "backupStop"], cycle()),
    **{f"online {name}": ONLINE for name in ("pause", "flush", "backupPause", "backupFlush")},
    "online backupKeep": ONLINE,
}
announcing = pytest.mark.parametrize("case", PLANS)


def announced(shell: Shell, case: str, record: str) -> tuple[int, str]:
    """Run a phase of the stop with this state of the run; it may fail later."""
    name = case.removeprefix("online ")
    waits = name.lower().endswith(("stop", "pause"))
    values = {"WATCHDOG_TIMEOUT": "0"} if waits else {}
    done = shell.on(OWN_RUN, record).phase(name, PLANS[case], **values)
    return done.returncode, done.stderr


@announcing
def test_each_phase_of_the_stop_announces_its_pod(shell: Shell, case: str) -> None:
    announced(shell, case, f"7|quiescing|{RUN}")
    assert shell.writes()[0].patch == {"metadata": {"resourceVersion": "7"}, "data": {"pod": POD}}


@announcing
@pytest.mark.parametrize(
    "record",
    [f"7|running|{RUN}", f"7|restarting|{RUN}", f"7|stopping|{RUN}", "7|quiescing|other", "7||"],
)
def test_no_phase_continues_with_the_state_of_another_run(
    shell: Shell, case: str, record: str
) -> None:
    """The watchdog may have brought Kafka back: a pod that comes too late must not stop it."""
    code, told = announced(shell, case, record)
    assert code != 0
    assert "not quiescing by this run: another run has changed it" in told.splitlines()[-1]
    # In state stopping, another pod of this run works.
    is_own = record.endswith(RUN) and not record.startswith("7|stopping")
    assert list(shell.recorded()) == (["failure"] if is_own else [])
    assert {call.args[1] for call in shell.writes()} <= {"configmap"}
    assert not shell.calls("exec ")


@pytest.mark.parametrize("name", ["flush", "stop", "pause"])
def test_without_a_watchdog_no_pod_is_announced(shell: Shell, name: str) -> None:
    strategy = Strategy.ONLINE if name == "pause" else Strategy.COLD
    plan = cycle(restart_after=0, strategy=strategy)
    values = {} if name == "flush" else {"PAUSE_TIMEOUT": "0"}
    shell.on(OWN_RUN, f"7|quiescing|{RUN}").phase(name, plan, **values)
    assert "pod" not in shell.recorded()
