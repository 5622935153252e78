"""The shell functions, each alone, against a kubectl that answers what it is told."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.fakes.script_runner import AWAY, FILES, FORBIDDEN, SCRIPTS, Shell


def test_a_missing_right_ends_at_once_with_an_error(shell: Shell) -> None:
    shell.on("get pods", FORBIDDEN)
    done = shell.run(
        "common.sh", body="begin_step 'looking'; wait_until_empty 30 remaining_pods kafka a=b"
    )
    assert done.returncode != 0
    assert len(shell.calls()) == 1, "no second try: it would look like a hang"
    assert "Forbidden" in done.stderr
    assert done.stderr.splitlines()[-1].endswith("FAILED while looking: see the line above")


def test_api_server_that_is_away_is_asked_again(shell: Shell) -> None:
    shell.on("get pods", AWAY, AWAY, "")
    done = shell.run("common.sh", body="wait_until_empty 30 remaining_pods kafka a=b; echo over")
    assert done.returncode == 0, done.stderr
    assert len(shell.calls()) == 3
    assert done.stdout.strip() == "over"


def test_an_api_server_without_answers_is_reported(shell: Shell) -> None:
    shell.on("get pods", (124, "", ""))  # as timeout(1) ends it
    done = shell.run(
        "common.sh", body="SECONDS=-1; sleep() { SECONDS=60; }; kubectl_retry get pods"
    )
    assert done.returncode != 0
    assert "kubectl get pods: no answer in 20s" in done.stderr


def test_warnings_of_the_api_are_not_taken_for_answers(shell: Shell) -> None:
    shell.on("get pods", (0, "", "Warning: v1beta2 is deprecated\n"))
    done = shell.run("common.sh", body="wait_until_empty 1 remaining_pods kafka a=b")
    assert done.returncode == 0, done.stderr


def test_wait_that_runs_out_names_what_is_missing_in_the_last_line(shell: Shell) -> None:
    shell.on("get pods", "broker-0 broker-1")
    done = shell.run(
        "common.sh", body="begin_step stopping; wait_until_empty 1 remaining_pods kafka a=b"
    )
    assert done.returncode != 0
    last = done.stderr.splitlines()[-1]
    assert "FAILED while stopping: timed out after 1s: pods still there: broker-0 broker-1" in last


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
    done = shell.run("common.sh", "scale.sh", body="scale_to_zero kmm2 mirror kafka")
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
    done = shell.run("common.sh", "scale.sh", body="restore_replicas kmm2 mirror kafka")
    assert done.returncode == 0, done.stderr
    patches = shell.calls("patch")
    if replicas is None:
        assert not patches
    else:
        assert f'"spec":{{"replicas":{replicas}}}' in patches[0]
        assert '"kanister-kafka.io/replicas-before":null' in patches[0]


def test_damaged_count_is_refused(shell: Shell) -> None:
    shell.on("^get", '0|1},"spec":{"x":1')
    done = shell.run("common.sh", "scale.sh", body="restore_replicas kmm2 mirror kafka")
    assert done.returncode != 0
    assert not shell.calls("patch")


@pytest.mark.parametrize(
    ("seen", "kept", "replicas"),
    [
        pytest.param("0|", "2", "2", id="annotation-lost"),
        pytest.param("0|", "unset", "null", id="annotation-lost-unset"),
        pytest.param("0|3", "2", "3", id="annotation-goes-first"),
        pytest.param("1|", "2", None, id="scaled-by-somebody-since"),
        pytest.param("|", "2", None, id="at-its-default"),
        pytest.param("0|", "", None, id="nothing-kept"),
    ],
)
def test_second_copy_counts_where_the_first_is_lost(
    shell: Shell, seen: str, kept: str, replicas: str | None
) -> None:
    shell.on("^get configmap", kept).on("^get", seen)
    body = "restore_replicas kmm2 mirror kafka KafkaMirrorMaker2"
    done = shell.run("common.sh", "scale.sh", body=body)
    assert done.returncode == 0, done.stderr
    patches = shell.calls("patch")
    assert len(patches) == (replicas is not None)
    if replicas is not None:
        assert f'"spec":{{"replicas":{replicas}}}' in patches[0]


def test_damaged_second_copy_is_refused(shell: Shell) -> None:
    shell.on("^get configmap", '1},"x":{').on("^get", "0|")
    body = "restore_replicas kmm2 mirror kafka KafkaMirrorMaker2"
    assert shell.run("common.sh", "scale.sh", body=body).returncode != 0
    assert not shell.calls("patch")


def test_count_is_written_into_the_record_before_the_writer_is_scaled(shell: Shell) -> None:
    shell.on("^get", "3|")
    body = "scale_to_zero kmm2 mirror kafka replicas.K.kafka.mirror"
    done = shell.run("common.sh", "scale.sh", body=body, STATE_CONFIGMAP="r")
    assert done.returncode == 0, done.stderr
    record, writer = shell.writes()
    assert record.patch["data"] == {"replicas.K.kafka.mirror": "3"}
    assert writer.args[1:3] == ["kmm2", "mirror"]


def test_second_copy_is_read_by_its_whole_name(shell: Shell) -> None:
    """Names may have dots, which mean something in a JSONPath."""
    shell.on("^get", "4")
    done = shell.run(
        "common.sh", "scale.sh", body="saved_replicas Kind.a home my.mirror", STATE_CONFIGMAP="r"
    )
    assert done.stdout == "4"
    (call,) = shell.calls()
    assert call.endswith(r"jsonpath={.data['replicas\.Kind\.a\.home\.my\.mirror']}")


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
    shell.on(PAUSE, value, value, "true").on(BEFORE, before)
    states = ("True",) if value == "true" else ("", "", "True")
    shell.on(CONDITION, *states)
    done = shell.run(
        "common.sh",
        "pause-reconciliation.sh",
        body="pause_reconciliation kafkas my-cluster kafka 30",
    )
    assert done.returncode == 0, done.stderr
    (call,) = shell.calls("annotate")
    assert "strimzi.io/pause-reconciliation=true" in call
    assert f"kanister-kafka.io/pause-before={kept}" in call


def test_pause_waits_for_the_end_of_an_earlier_one(shell: Shell) -> None:
    """The annotation is gone but the old condition still stands: the operator is at work."""
    earlier = ("", "", "", "")
    shell.on(PAUSE, *earlier, "true").on(BEFORE, "").on(CONDITION, "True", "True", "", "True")
    done = shell.run(
        "common.sh",
        "pause-reconciliation.sh",
        body="pause_reconciliation kafkas my-cluster kafka 30",
    )
    assert done.returncode == 0, done.stderr
    calls = shell.calls()
    first_annotate = next(i for i, call in enumerate(calls) if call.startswith("annotate"))
    assert sum(CONDITION in call for call in calls[:first_annotate]) == 3


def test_a_wait_for_an_unacknowledged_pause_ends(shell: Shell) -> None:
    shell.on(PAUSE, "", "", "true").on(BEFORE, "").on(CONDITION, "")
    done = shell.run(
        "common.sh",
        "pause-reconciliation.sh",
        body="pause_reconciliation kafkas my-cluster kafka 1",
    )
    assert done.returncode != 0
    assert "check that it runs" in done.stderr


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
    done = shell.run(
        "common.sh", "pause-reconciliation.sh", body="restore_pause kafkas my-cluster kafka"
    )
    assert done.returncode == 0, done.stderr
    calls = shell.calls("annotate")
    if words is None:
        assert not calls
    else:
        assert words in calls[0]
        assert calls[0].endswith("kanister-kafka.io/pause-before-")


def flush(shell: Shell) -> subprocess.CompletedProcess[str]:
    values = {"CLUSTER": "c", "FLUSH_TIMEOUT": "5", "PERMISSIONS": "list:pods:::kafka"}
    return shell.run("common.sh", "check-permissions.sh", "flush.sh", **values)


def test_flush_fails_if_a_node_is_not_flushed(shell: Shell) -> None:
    shell.on("get pods", "b-0 c-kafka\nb-1 c-kafka\nz-0 c-zookeeper\n")
    shell.on("exec b-1", (1, "", "no space"))
    done = flush(shell)
    assert done.returncode != 0
    assert "not flushed within 5s: b-1" in done.stderr.splitlines()[-1]
    assert [c.split(" -- ")[0] for c in sorted(shell.calls("exec"))] == [
        "exec b-0 -n kafka -c kafka",
        "exec b-1 -n kafka -c kafka",
        "exec z-0 -n kafka -c zookeeper",
    ]


def test_flush_of_a_cluster_without_pods_fails(shell: Shell) -> None:
    done = flush(shell)
    assert done.returncode != 0
    assert "Kafka c has no pods" in done.stderr.splitlines()[-1]


def test_conflict_ends_at_once(shell: Shell) -> None:
    shell.on("patch", (1, "", "Error from server (Conflict): the object has been modified"))
    assert (
        shell.run("common.sh", body="set_state state=running", STATE_CONFIGMAP="r").returncode != 0
    )
    assert len(shell.calls("state")) == 1, "asked again, it would write over the other's"


# What is told to people


TEXTS = (
    "".join(map(chr, range(1, 127))) + "\\n\\u0041 é 日本 \U0001f600",
    '"}, {"kind": "Secret"',
    "$(reboot) `reboot` %s %d \\",
    "-n -e",
    "",
)


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_an_event_of_any_text_is_json(shell: Shell, text: str) -> None:
    shell.on("get kafkas", "kafka.strimzi.io/v1beta2|1234-uid")
    done = shell.run(
        "common.sh", body='create_event Warning Odd "$TEXT"', STATE_CONFIGMAP="r", TEXT=text
    )
    assert done.returncode == 0, done.stderr
    (event,) = shell.made("Event")
    assert len(event["message"].encode()) >= len(text) // 2
    assert event["involvedObject"] == {
        "apiVersion": "kafka.strimzi.io/v1beta2",
        "kind": "Kafka",
        "name": "my-cluster",
        "namespace": "kafka",
        "uid": "1234-uid",
    }
    assert event["metadata"] == {"generateName": "my-cluster.", "namespace": "kafka"}
    assert (event["type"], event["reason"]) == ("Warning", "Odd")
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.fullmatch(stamp, event["firstTimestamp"])


@pytest.mark.parametrize("answers", [("^create", FORBIDDEN), ("get kafkas", FORBIDDEN)])
def test_a_step_does_not_fail_without_its_event(shell: Shell, answers: tuple) -> None:
    shell.on(*answers)
    done = shell.run(
        "common.sh", body="create_event Normal Odd text; echo over", STATE_CONFIGMAP="r"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("over\n")


def test_hot_backup_writes_no_event(shell: Shell) -> None:
    assert shell.run("common.sh", body="create_event Normal Odd text").returncode == 0
    assert not shell.all(), "its account may not"


def test_a_failure_is_in_record_event_and_last_line(shell: Shell) -> None:
    body = "begin_step 'stopping \"x\"'; die 'pods still there: a\n\"b\"'"
    done = shell.run("common.sh", body=body, STATE_CONFIGMAP="r", name="stop")
    assert "stop: FAILED while stopping  x : pods still there: a  b" in shell.recorded()["failure"]
    (event,) = shell.made("Event")
    assert (event["type"], event["reason"]) == ("Warning", "StopFailed")
    assert "pods still there" in event["message"]
    assert 'stop: FAILED while stopping "x": pods still there: a' in done.stderr.splitlines()[-2]


@pytest.mark.parametrize("name", ["recover", "backupRecover"])
def test_a_failed_recovery_logs_why_it_was_called(shell: Shell, name: str) -> None:
    shell.on(r"get configmap .*data\.failure", "then stop: FAILED while stopping: it hangs")
    done = shell.run("common.sh", body="begin_step looking; die no", STATE_CONFIGMAP="r", name=name)
    assert "failure" not in shell.recorded(), "the first reason stays"
    message = "FAILED while looking: no; it ran because of then stop: FAILED while stopping"
    assert message in done.stderr.splitlines()[-1]


def test_a_failure_in_a_substitution_logs_its_reason(shell: Shell) -> None:
    """The variable that keeps the reason is lost with the subshell."""
    body = "begin_step looking; x=$(die 'the reason'); echo \"$x\""
    done = shell.run("common.sh", body=body)
    assert done.returncode != 0
    assert "the reason" in done.stderr


def test_times_sort_as_text(shell: Shell) -> None:
    body = (
        'a=$(now) b=$(time_after 3600) c=$(time_after 86400); [[ $a < $b && $b < $c ]] && echo "$a"'
    )
    done = shell.run("common.sh", body=body)
    assert re.fullmatch(r"\d{4}(-\d\d){2}T\d\d(:\d\d){2}Z\n", done.stdout), done.stderr


# What holds for every script

HERE_DOCUMENT = re.compile(r"<<-?\s*[\"'\\A-Za-z_]|<<<")


def test_no_script_needs_what_it_may_not_have() -> None:
    paths = sorted(SCRIPTS.rglob("*.sh"))
    assert len(paths) > 20
    for path in paths:
        code = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
        text = "\n".join(code)
        assert "kubectl wait" not in text, f"{path}: a missing right to watch makes it hang"
        assert "--request-timeout" not in text, f"{path}: kubectl loses its configuration"
        assert "{{" not in text, f"{path}: Kanister would take it for a template"
        message = "needs a file where the root file system is read-only"
        assert not HERE_DOCUMENT.search(text), f"{path}: {message}"
        assert not re.search(r"\bmktemp\b|>\s*/tmp|>\s*\"?\$\{?TMP", text), f"{path}: {message}"


@pytest.mark.parametrize("text", ["cat <<EOF", "cat <<-'E'", 'cat << "E"', "read x <<<a"])
def test_here_documents_are_seen(text: str) -> None:
    assert HERE_DOCUMENT.search(text)


IN_RESTIC_IMAGE = "restic.sh"
"""Runs in the image of restic, which has no bash."""


def test_each_script_has_its_purpose_as_a_comment() -> None:
    for path in FILES.values():
        first, second, *_ = path.read_text().splitlines()
        shell = "dash" if path.name == IN_RESTIC_IMAGE else "bash"
        assert first == f"# shellcheck shell={shell}", path
        assert second.startswith("# ") and len(second) > 20, path


STRANGE = 'a","state":"running\\'
"""What somebody may have written into an annotation or the record."""


def test_what_was_read_is_text_in_what_is_recorded(shell: Shell) -> None:
    value = STRANGE + "\nb\x01"
    done = shell.run(
        "common.sh", body='set_state "endedBy=$VALUE" state=x', VALUE=value, STATE_CONFIGMAP="r"
    )
    assert done.returncode == 0, done.stderr
    assert shell.recorded() == {"endedBy": STRANGE + " b ", "state": "x"}


def test_a_former_count_that_is_none_stays_text(shell: Shell) -> None:
    shell.on("^get", f"3|{STRANGE}")
    done = shell.run("common.sh", "scale.sh", body="scale_to_zero kmm2 mirror kafka")
    assert done.returncode == 0, done.stderr
    (patch,) = [call.patch for call in shell.writes()]
    before = {"kanister-kafka.io/replicas-before": STRANGE}
    assert patch == {"metadata": {"annotations": before}, "spec": {"replicas": 0}}


def test_output_of_an_attempt_that_failed_is_not_printed(shell: Shell) -> None:
    broken = (1, "one\n", "Error from server: etcdserver: leader changed")
    shell.on("get secrets", broken, "one\ntwo\n")
    done = shell.run("common.sh", body="kubectl_retry get secrets")
    assert (done.returncode, done.stdout, done.stderr) == (0, "one\ntwo\n", "")


def test_output_of_a_refused_request_is_not_printed(shell: Shell) -> None:
    shell.on("get secrets", (1, "one\n", "Error from server (Forbidden): forbidden"))
    done = shell.run("common.sh", body="kubectl_retry get secrets || echo refused")
    assert done.stdout == "refused\n"
    assert "(Forbidden)" in done.stderr
