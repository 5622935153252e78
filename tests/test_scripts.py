"""The shell functions, each alone, against a kubectl that answers what it is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .conftest import ROOT

SCRIPTS = ROOT / "templates" / "scripts"
FAKE = f"""#!{sys.executable}
import json, os, re, sys
folder = os.environ["FAKE"]
call = " ".join(sys.argv[1:])
with open(folder + "/calls", "a") as log:
    log.write(call + "\\n")
answers = json.load(open(folder + "/answers"))
seen = open(folder + "/calls").read().splitlines()
for pattern, replies in answers:
    if re.search(pattern, call):
        count = sum(bool(re.search(pattern, line)) for line in seen)
        code, out, err = replies[min(count, len(replies)) - 1]
        sys.stdout.write(out)
        sys.stderr.write(err)
        sys.exit(code)
sys.exit(0)
"""


@dataclass
class Shell:
    """Runs a body after the given script files."""

    folder: Path
    answers: list[tuple[str, list[tuple[int, str, str]]]] = field(default_factory=list)

    def on(self, pattern: str, *replies: str | tuple[int, str, str]) -> Shell:
        """Answer calls that match, one reply after the other, the last one for ever."""
        told = [(0, r, "") if isinstance(r, str) else r for r in replies]
        self.answers.append((pattern, told))
        return self

    def run(self, *files: str, body: str = "", **values: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "answers").write_text(json.dumps(self.answers))
        (self.folder / "calls").write_text("")
        kubectl = self.folder / "kubectl"
        kubectl.write_text(FAKE)
        kubectl.chmod(0o755)
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        text = "\n".join((SCRIPTS / file).read_text() for file in files) + "\n" + body
        return subprocess.run(
            ["bash", "-c", text, "phase", *values.pop("arguments", "").split()],
            env={
                "PATH": path,
                "FAKE": str(self.folder),
                "NAMESPACE": "kafka",
                "RECORD": "",
                **values,
            },
            capture_output=True,
            text=True,
            timeout=60,
        )

    def calls(self, word: str = "") -> list[str]:
        return [c for c in (self.folder / "calls").read_text().splitlines() if word in c]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


FORBIDDEN = (1, "", "Error from server (Forbidden): pods is forbidden: User cannot list")
AWAY = (1, "", "The connection to the server was refused")


def test_missing_right_ends_at_once_and_is_told(shell: Shell) -> None:
    shell.on("get pods", FORBIDDEN)
    done = shell.run("prelude.sh", body="step 'looking'; wait_for 30 still_there kafka a=b")
    assert done.returncode != 0
    assert len(shell.calls()) == 1, "no second try: it would look like a hang"
    assert "Forbidden" in done.stderr
    assert done.stderr.splitlines()[-1].endswith("FAILED while looking: the line above says why")


def test_api_server_that_is_away_is_asked_again(shell: Shell) -> None:
    shell.on("get pods", AWAY, AWAY, "")
    done = shell.run("prelude.sh", body="wait_for 30 still_there kafka a=b; echo over")
    assert done.returncode == 0, done.stderr
    assert len(shell.calls()) == 3
    assert done.stdout.strip() == "over"


def test_warnings_of_the_api_are_not_taken_for_answers(shell: Shell) -> None:
    shell.on("get pods", (0, "", "Warning: v1beta2 is deprecated\n"))
    done = shell.run("prelude.sh", body="wait_for 1 still_there kafka a=b")
    assert done.returncode == 0, done.stderr


def test_wait_that_runs_out_names_what_is_missing_in_the_last_line(shell: Shell) -> None:
    shell.on("get pods", "broker-0 broker-1")
    done = shell.run("prelude.sh", body="step stopping; wait_for 1 still_there kafka a=b")
    assert done.returncode != 0
    last = done.stderr.splitlines()[-1]
    assert "FAILED while stopping: waited 1s in vain: pods still there: broker-0 broker-1" in last


@pytest.mark.parametrize(
    ("seen", "patched"),
    [
        pytest.param("3|", '"replicas-before":"3"', id="first"),
        pytest.param("|", '"replicas-before":"unset"', id="unset"),
        pytest.param("0|3", None, id="second-run-keeps-the-memo"),
        pytest.param("0|", None, id="zero-of-its-own"),
        pytest.param("2|3", '"replicas-before":"3"', id="undone-by-somebody"),
    ],
)
def test_former_count_is_kept_once(shell: Shell, seen: str, patched: str | None) -> None:
    shell.on("^get", seen)
    done = shell.run("prelude.sh", "replicas.sh", body="scale_to_zero kmm2 mirror kafka")
    assert done.returncode == 0, done.stderr
    patches = shell.calls("patch")
    if patched is None:
        assert not patches
    else:
        assert len(patches) == 1
        assert patched in patches[0].replace("kanister-kafka.io/", "")
        assert '"spec":{"replicas":0}' in patches[0]


@pytest.mark.parametrize(
    ("seen", "replicas"),
    [
        pytest.param("0|3", "3", id="count"),
        pytest.param("0|unset", "null", id="unset"),
        pytest.param("0|", None, id="not-ours"),
    ],
)
def test_former_count_is_put_back(shell: Shell, seen: str, replicas: str | None) -> None:
    shell.on("^get", seen)
    done = shell.run("prelude.sh", "replicas.sh", body="restore_replicas kmm2 mirror kafka")
    assert done.returncode == 0, done.stderr
    patches = shell.calls("patch")
    if replicas is None:
        assert not patches
    else:
        assert f'"spec":{{"replicas":{replicas}}}' in patches[0]
        assert '"kanister-kafka.io/replicas-before":null' in patches[0]


def test_damaged_count_is_refused(shell: Shell) -> None:
    shell.on("^get", '0|1},"spec":{"x":1')
    done = shell.run("prelude.sh", "replicas.sh", body="restore_replicas kmm2 mirror kafka")
    assert done.returncode != 0
    assert not shell.calls("patch")


PAUSE = r"annotations\.strimzi"
BEFORE = r"annotations\.kanister"
CONDITION = "ReconciliationPaused"


@pytest.mark.parametrize(
    ("value", "before", "kept"),
    [
        pytest.param("", "", "unset", id="unset"),
        pytest.param("false", "", "value:false", id="false"),
        pytest.param("true", "", "value:true", id="paused-by-somebody"),
        pytest.param("true", "unset", "unset", id="second-run-keeps-the-memo"),
    ],
)
def test_former_pause_is_kept_once(shell: Shell, value: str, before: str, kept: str) -> None:
    shell.on(PAUSE, value).on(BEFORE, before)
    states = ("True",) if value == "true" else ("", "", "True")
    shell.on(CONDITION, *states)
    done = shell.run("prelude.sh", "pause.sh", body="pause kafkas my-cluster kafka 30")
    assert done.returncode == 0, done.stderr
    (call,) = shell.calls("annotate")
    assert "strimzi.io/pause-reconciliation=true" in call
    assert f"kanister-kafka.io/pause-before={kept}" in call


def test_pause_waits_for_the_end_of_an_earlier_one(shell: Shell) -> None:
    """The annotation is gone but the old condition still stands: the operator is at work."""
    shell.on(PAUSE, "").on(BEFORE, "").on(CONDITION, "True", "True", "", "True")
    done = shell.run("prelude.sh", "pause.sh", body="pause kafkas my-cluster kafka 30")
    assert done.returncode == 0, done.stderr
    calls = shell.calls()
    first_annotate = next(i for i, call in enumerate(calls) if call.startswith("annotate"))
    assert sum(CONDITION in call for call in calls[:first_annotate]) == 3


def test_pause_that_nobody_acknowledges_runs_out(shell: Shell) -> None:
    shell.on(PAUSE, "").on(BEFORE, "").on(CONDITION, "")
    done = shell.run("prelude.sh", "pause.sh", body="pause kafkas my-cluster kafka 1")
    assert done.returncode != 0
    assert "does it run?" in done.stderr


@pytest.mark.parametrize(
    ("before", "words"),
    [
        pytest.param("unset", "strimzi.io/pause-reconciliation- ", id="unset"),
        pytest.param("value:true", "strimzi.io/pause-reconciliation=true ", id="paused"),
        pytest.param("value:a b=c", "strimzi.io/pause-reconciliation=a b=c ", id="odd"),
        pytest.param("", None, id="not-ours"),
    ],
)
def test_former_pause_is_put_back(shell: Shell, before: str, words: str | None) -> None:
    shell.on(BEFORE, before)
    done = shell.run("prelude.sh", "pause.sh", body="restore_pause kafkas my-cluster kafka")
    assert done.returncode == 0, done.stderr
    calls = shell.calls("annotate")
    if words is None:
        assert not calls
    else:
        assert words in calls[0]
        assert calls[0].endswith("kanister-kafka.io/pause-before-")


RESTART = ("prelude.sh", "pause.sh", "replicas.sh", "nodes.sh", "restart.sh")
VALUES = {
    "CLUSTER": "my-cluster",
    "RECORD": "record",
    "NODES": "StrimziPodSet",
    "ZOOKEEPER": "",
    "KAFKA_NODES": "my-cluster-broker",
    "READY_LIMIT": "5",
    "UNLESS_STOPPED_BY": "",
}


def test_recovery_leaves_a_stop_of_this_very_run_alone(shell: Shell) -> None:
    shell.on(r"data\.state", "stopped|now")
    done = shell.run(*RESTART, **{**VALUES, "UNLESS_STOPPED_BY": "now"})
    assert done.returncode == 0, done.stderr
    assert not shell.calls("annotate")
    assert not shell.calls("patch")


@pytest.mark.parametrize(
    ("state", "run"),
    [
        pytest.param("stopped", "yesterday", id="stopped-by-an-earlier-run"),
        pytest.param("stopping", "now", id="half-way"),
    ],
)
def test_recovery_brings_back_everything_else(shell: Shell, state: str, run: str) -> None:
    shell.on(r"data\.state", f"{state}|{run}").on(BEFORE, "unset")
    shell.on("get strimzipodsets", "my-cluster-broker   2   b-0,b-1")
    done = shell.run(*RESTART, **{**VALUES, "UNLESS_STOPPED_BY": "now"})
    assert done.returncode == 0, done.stderr
    assert shell.calls("annotate")[0].endswith("strimzi.io/pause-reconciliation-")


def test_restart_needs_no_record(shell: Shell) -> None:
    shell.on("configmap", (1, "", "Error from server (NotFound): configmaps not found"))
    shell.on("get kmm2.*replicas-before", "0|2").on(BEFORE, "unset")
    shell.on("get strimzipodsets", "my-cluster-broker   2   b-0,b-1")
    done = shell.run(*RESTART, arguments="kmm2/tools/mirror/KafkaMirrorMaker2/w", **VALUES)
    assert done.returncode == 0, done.stderr
    assert any('"replicas":2' in call and "-n tools" in call for call in shell.calls("patch"))


def test_recovery_that_cannot_tell_brings_back_and_fails_the_backup(shell: Shell) -> None:
    """The stop may have succeeded: a green action would call a hot snapshot a cold one."""
    shell.on("get configmap", (1, "", "Error from server (NotFound): configmaps not found"))
    shell.on(BEFORE, "unset").on("get strimzipodsets", "my-cluster-broker   2   b-0,b-1")
    done = shell.run(*RESTART, **{**VALUES, "UNLESS_STOPPED_BY": "now"})
    assert shell.calls("annotate")[0].endswith("strimzi.io/pause-reconciliation-")
    assert done.returncode != 0
    assert "this is no backup" in done.stderr


def test_restart_of_what_runs_changes_nothing(shell: Shell) -> None:
    shell.on(r"data\.state", "running").on("get kmm2.*replicas-before", "2|").on(BEFORE, "")
    done = shell.run(*RESTART, arguments="kmm2/tools/mirror/KafkaMirrorMaker2/w", **VALUES)
    assert done.returncode == 0, done.stderr
    assert not shell.calls("annotate")
    assert not [call for call in shell.calls("patch") if "configmap" not in call]


@pytest.mark.parametrize(
    ("rows", "missing"),
    [
        pytest.param("", "my-cluster-broker is not there yet", id="absent"),
        pytest.param("my-cluster-broker <none> b-0,b-1", "has 0 of 2 pods ready", id="new"),
        pytest.param("my-cluster-broker 1 b-0,b-1", "has 1 of 2 pods ready", id="some"),
    ],
)
def test_restart_names_what_does_not_serve(shell: Shell, rows: str, missing: str) -> None:
    shell.on(BEFORE, "unset").on("get strimzipodsets", rows)
    done = shell.run(*RESTART, **{**VALUES, "READY_LIMIT": "1"})
    assert done.returncode != 0
    assert missing in done.stderr.splitlines()[-1]
    assert not [call for call in shell.calls("patch") if "kmm2" in call], "the mirror is last"


def test_stateful_sets_are_scaled_back_before_the_operator_is_let_in(shell: Shell) -> None:
    shell.on("get statefulsets.apps [^ ]* -n kafka --ignore-not-found", "statefulset/x")
    shell.on("get statefulsets.apps old-zookeeper", "0|3")
    shell.on("get statefulsets.apps old-kafka", "0|6")
    rows = [(0, "old-zookeeper 3 3", ""), (0, "old-kafka 6 6", "")]
    shell.answers.insert(0, ("custom-columns", rows))
    shell.on(BEFORE, "unset")
    values = {**VALUES, "NODES": "StatefulSet,StrimziPodSet", "ZOOKEEPER": "old-zookeeper"}
    done = shell.run(*RESTART, **{**values, "KAFKA_NODES": "old-kafka"})
    assert done.returncode == 0, done.stderr
    order = [
        next(w for w in ("old-zookeeper", "old-kafka", "annotate") if w in call)
        for call in shell.calls()
        if call.startswith(("annotate", "patch statefulsets"))
    ]
    assert order[:3] == ["old-zookeeper", "old-kafka", "annotate"]


def test_flush_fails_where_one_node_is_not_flushed(shell: Shell) -> None:
    shell.on("get pods", "b-0 c-kafka\nb-1 c-kafka\nz-0 c-zookeeper\n")
    shell.on("exec b-1", (1, "", "no space"))
    values = {"CLUSTER": "c", "RECORD": "r", "FLUSH_LIMIT": "5"}
    done = shell.run("prelude.sh", "flush.sh", **values)
    assert done.returncode != 0
    assert "not flushed within 5s: b-1" in done.stderr.splitlines()[-1]
    assert [c.split(" -- ")[0] for c in sorted(shell.calls("exec"))] == [
        "exec b-0 -n kafka -c kafka",
        "exec b-1 -n kafka -c kafka",
        "exec z-0 -n kafka -c zookeeper",
    ]


def test_flush_of_a_cluster_without_pods_fails_unless_it_is_stopped(shell: Shell) -> None:
    values = {"CLUSTER": "c", "FLUSH_LIMIT": "5"}
    assert shell.run("prelude.sh", "flush.sh", RECORD="", **values).returncode != 0
    shell.on(r"data\.state", "running")
    assert shell.run("prelude.sh", "flush.sh", RECORD="r", **values).returncode != 0
    shell.answers.clear()
    shell.on(r"data\.state", "quiescing")
    assert shell.run("prelude.sh", "flush.sh", RECORD="r", **values).returncode == 0


def test_no_script_uses_kubectl_wait_or_a_go_template() -> None:
    for path in SCRIPTS.glob("*.sh"):
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        text = "\n".join(lines)
        assert "kubectl wait" not in text, f"{path}: a missing right to watch makes it hang"
        assert "{{" not in text, f"{path}: Kanister would take it for a template"
        assert "<<" not in text, f"{path}: needs a file where the root file system is read-only"


def test_pool_without_nodes_is_ready(shell: Shell) -> None:
    rows = "my-cluster-broker 2 b-0,b-1\nmy-cluster-empty <none> <none>\nmy-cluster-zero 0 <none>"
    shell.on(BEFORE, "unset").on("get strimzipodsets", rows)
    nodes = "my-cluster-broker,my-cluster-empty,my-cluster-zero"
    done = shell.run(*RESTART, **{**VALUES, "KAFKA_NODES": nodes})
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("answer", "fits"),
    [
        pytest.param("3|[0,1,2]", True, id="ids"),
        pytest.param("0|", True, id="no-nodes"),
        pytest.param("0|[]", True, id="empty"),
        pytest.param("3|", False, id="no-ids"),
        pytest.param('3|["x"]', False, id="no-numbers"),
    ],
)
def test_node_ids_are_kept_or_nothing_is_stopped(shell: Shell, answer: str, *, fits: bool) -> None:
    shell.on("auth can-i", "yes").on("get kafkanodepools", answer).on(BEFORE, "")
    shell.on(r"kafkaMetadataState", "KRaft|True|").on(PAUSE, "").on(CONDITION, "")
    shell.on("get pods", "c-pool-0 c-pool|c-kafka True\n").on("status", "")
    done = shell.run(
        *("prelude.sh", "pause.sh", "quiesce.sh"),
        CLUSTER="c",
        RECORD="r",
        POOLS="pool",
        WORKLOADS="c-pool",
        RUN="now",
        FIT_LIMIT="1",
        WRITER_LIMIT="1",
        RIGHTS="get:pods:::kafka",
    )
    assert (done.returncode == 0) is fits, done.stderr
    kept = [call for call in shell.calls("patch configmap") if "nodeIds.pool" in call]
    assert len(kept) == int(fits)


def test_failure_is_kept_for_the_recovery_that_fails_as_well(shell: Shell) -> None:
    body = "step 'stopping \"x\"'; fail 'pods still there: a\n\"b\"'"
    done = shell.run("prelude.sh", body=body, RECORD="r")
    (call,) = shell.calls("patch configmap")
    kept = json.loads(call.partition(" -p ")[2])["data"]["failure"]
    assert "FAILED while stopping  x : pods still there: a  b" in kept
    assert "FAILED while stopping" in done.stderr.splitlines()[-2]


def test_restart_restores_whichever_way_a_writer_was_quiesced(shell: Shell) -> None:
    """The Blueprint may have been rendered again, with another --quiesce-by, since the stop."""
    shell.on("get kmm2.*replicas-before", "1|").on("get kmm2.*pause-before", "unset")
    shell.on(BEFORE, "").on(r"data\.state", "running")
    done = shell.run(*RESTART, arguments="kmm2/tools/mirror/KafkaMirrorMaker2/w", **VALUES)
    assert done.returncode == 0, done.stderr
    (call,) = shell.calls("annotate kmm2")
    assert "strimzi.io/pause-reconciliation- kanister-kafka.io/pause-before-" in call
