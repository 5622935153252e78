from __future__ import annotations

import base64
import json
import os
import pty
import re
import signal
import subprocess
import sys

import pytest
import yaml
from click.testing import CliRunner

from kanister_kafka._version import __version__
from kanister_kafka.cli import main
from kanister_kafka.cli.progress import LiveDisplay, ProgressReporter
from kanister_kafka.durations import format_elapsed
from kanister_kafka.kube.objects import PodReadiness
from kanister_kafka.operations.events import (
    ActionFinished,
    ActionResult,
    ApiUnavailable,
    Heartbeat,
    LogLine,
    PhaseFinished,
    PhasesDiscovered,
    PhaseStarted,
)
from tests.fakes.cluster import (
    Kanister,
    add_blueprint,
    add_kafka,
    add_node,
    add_scripts,
    add_task,
    serving,
)
from tests.fakes.fake_time import FakeTime

STOP = ("quiesce", "flush", "stop", "recover?")
OURS = {"strimzi.io/pause-reconciliation": "true", "kanister-kafka.io/pause-before": "unset"}
SWITCH = "my-cluster-kanister-kafka-switch"
RESTART_BY = "kanister-kafka.io/restart-by"


@pytest.fixture
def cluster(configure):
    with serving(TIME) as cluster:
        configure(cluster.url)
        add_kafka(cluster)
        add_blueprint(cluster, backupPrehook=STOP, restore=("restore",), backup=("one",))
        yield cluster


@pytest.fixture
def live_cluster(cluster):
    """The same by real time, for commands in a process of their own."""
    cluster.time = None
    return cluster


TIME = FakeTime()


def invoke(*arguments, **options):
    return CliRunner().invoke(main, [*arguments], obj=TIME.clock, **options)


# run


def test_plain_lines_on_stderr_and_the_summary_on_stdout(cluster):
    Kanister(cluster, says={"flush": ["12:00:00 flush: \x1b[2Jflushing"]})
    done = invoke("run", "backupPrehook", "-n", "kafka")
    assert done.exit_code == 0, done.stderr
    lines = done.stderr.splitlines()
    assert re.fullmatch(r"ActionSet kasten-io/backupprehook-kafka-my-cluster-\w+ created", lines[0])
    messages = [re.sub(r"^\[ *\d+s\] *|after .*", "", line) for line in lines[2:]]
    assert messages == [
        *("quiesce: begun", "quiesce: done ", "flush: begun"),
        *("12:00:00 flush: \\x1b[2Jflushing", "flush: done "),
        *("stop: begun", "stop: done ", "recover: begun", "recover: done "),
    ]
    summary = done.stdout.splitlines()
    assert [line.split()[:2] for line in summary[:4]] == [
        [name, "done"] for name in ("quiesce", "flush", "stop", "recover")
    ]
    assert summary[-1].startswith("backupPrehook of Kafka kafka/my-cluster: complete in ")


def test_blueprint_of_another_name_and_place_is_found_by_the_accounts(cluster):
    cluster.drop("blueprints", "kasten-io", "kafka.my-cluster")
    made = add_blueprint(cluster, "backup-of-kafka", backupPrehook=STOP)
    assert made["metadata"]["namespace"] == "kasten-io"
    account = {
        "labels": {"app.kubernetes.io/managed-by": "kanister-kafka"},
        "annotations": {"kanister-kafka.io/blueprint": "kasten-io/backup-of-kafka"},
    }
    cluster.add("serviceaccounts", "kafka", "my-cluster-kanister-kafka", **account)
    Kanister(cluster)
    done = invoke("run", "backupPrehook", "my-cluster", "-n", "kafka")
    assert done.exit_code == 0, done.stderr
    # Where the accounts name several, nobody knows which is meant.
    account["annotations"] = {"kanister-kafka.io/blueprint": "kasten-io/other"}
    cluster.add("serviceaccounts", "kafka", "my-cluster-kanister-kafka-hot", **account)
    assert invoke("run", "backupPrehook", "my-cluster", "-n", "kafka").exit_code == 2


def test_accounts_that_may_not_be_listed_may_name_a_blueprint(cluster):
    cluster.drop("blueprints", "kasten-io", "kafka.my-cluster")
    cluster.refusals.append(("GET", "/serviceaccounts$", 403))
    done = invoke("run", "backupPrehook", "my-cluster", "-n", "kafka")
    assert done.exit_code == 2
    assert "no Blueprint kafka.my-cluster in namespace kasten-io" in done.stderr
    assert "another may be named by the service accounts" in done.stderr


def test_a_dry_run_prints_the_action_set_and_makes_none(cluster):
    done = invoke("run", "backupPrehook", "my-cluster", "-n", "kafka", "--dry-run")
    assert done.exit_code == 0, done.stderr
    made = yaml.safe_load(done.stdout)
    assert (made["kind"], made["spec"]["actions"][0]["name"]) == ("ActionSet", "backupPrehook")
    assert invoke("run", "stop", "-n", "kafka", "--dry-run").exit_code == 1
    assert invoke("run", "restore", "-n", "kafka", "--dry-run").exit_code == 2
    stopped(cluster)
    done = invoke("resume", "my-cluster", "-n", "kafka", "--dry-run")
    assert (done.exit_code, "would be triggered (dry run)" in done.stdout) == (0, True), done.output
    assert {method for method, _path, _query in cluster.asked} == {"GET"}


def test_status_of_every_kafka(cluster):
    add_kafka(cluster, name="other")
    done = invoke("status", "-A")
    assert done.exit_code == 0, done.output
    head, _, titles, *rows = done.stdout.splitlines()
    assert head == "2 of 2 Kafkas run as they should"
    assert titles.split() == ["KAFKA", "STATE"]
    assert [row.split()[0] for row in rows] == ["kafka/my-cluster", "kafka/other"]
    stopped(cluster)
    done = invoke("status", "-A", "-o", "json")
    assert (done.exit_code, len(json.loads(done.stdout))) == (1, 2)
    assert invoke("status", "my-cluster", "-A").exit_code == 2
    for name in ("my-cluster", "other"):
        cluster.drop("kafkas", "kafka", name)
    assert invoke("status", "-A").exit_code == 2


def test_versions_of_all_that_is_installed(cluster, configure):
    cluster.change(
        "blueprints",
        "kasten-io",
        "kafka.my-cluster",
        {"metadata": {"annotations": {"kanister-kafka.io/version": "0.0.9"}}},
    )
    for namespace, name, labels, image in (
        ("strimzi", "op", {"strimzi.io/kind": "cluster-operator"}, "quay.io/s/operator:0.47.0"),
        ("kasten-io", "k", {"component": "kanister"}, "x:5000/kanister:8.0.1@sha256:1"),
    ):
        cluster.add("pods", namespace, name, labels=labels, spec={"containers": [{"image": image}]})
    done = invoke("version", "my-cluster", "-n", "kafka", "-o", "json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout) == {
        "client": __version__,
        "server": "v1.34.1",
        "blueprint": "0.0.9",
        "strimzi": "0.47.0",
        "kanister": "8.0.1",
    }
    gone = invoke("version", "other", "-n", "kafka")
    assert "blueprint: unknown" in " ".join(gone.stdout.split())
    assert "no Blueprint kafka.other in namespace kasten-io" in gone.stderr
    configure("http://127.0.0.1:9")
    assert invoke("version").exit_code == 2
    assert invoke("version", "--client").stdout == f"client: {__version__}\n"


def test_an_api_server_is_asked_as_kubectl_would(cluster, tmp_path, monkeypatch):
    words = ("status", "my-cluster", "-n", "kafka")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert invoke(*words).exit_code == 2
    given = ("--kubeconfig", str(tmp_path / "kubeconfig"), "--as", "jane", "--request-timeout", "5")
    cluster.users.clear()
    assert invoke(*words, *given).exit_code == 0
    assert cluster.users == {"jane"}
    assert invoke(*words).exit_code == 2  # nothing is left of it
    errors = invoke(*words, *given, "-v").stderr
    assert re.search(r"(?m)^GET http://127\.0\.0\.1:\d+/apis", errors)
    assert "GET" not in invoke(*words, *given).stderr
    gone = invoke(*words, "--kubeconfig", str(tmp_path / "gone"))
    assert (gone.exit_code, "gone: does not exist" in gone.stderr) == (2, True)


def test_a_failed_action_prints_its_reason_in_one_line(cluster):
    line = "12:00:00 flush: FAILED while flushing: disk full"
    Kanister(cluster, fails=("flush",), says={"flush": [line]})
    done = invoke("run", "backupPrehook", "my-cluster", "-n", "kafka", "--no-logs")
    assert done.exit_code == 1
    assert "error: flush: FAILED while flushing: disk full\n" in done.stderr
    assert "kanister-kafka status my-cluster -n kafka" in done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()[:4]] == [
        ["quiesce", "done"],
        ["flush", "failed"],
        ["stop", "waiting"],
        ["recover", "done"],
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("backupPrehook", "--blueprint", "nope"), 2, "which has kafka.my-cluster"),
        (("stop",), 1, "it has backup, backupPrehook, restore"),
        (("backup", "--from", "nope"), 2, '"nope" not found'),
        (("restore",), 2, "--from ACTIONSET"),
    ],
)
def test_missing_objects_are_reported_before_a_change(cluster, arguments, code, words):
    done = invoke("run", *arguments, "-n", "kafka")
    assert (done.exit_code, words in done.stderr) == (code, True), done.stderr
    assert cluster.writes == []


@pytest.mark.parametrize(("more", "code"), [((), 2), (("--yes",), 0)])
def test_restore_shows_what_it_takes_and_asks(cluster, more, code):
    Kanister(cluster)
    artifacts = {"backup": {"keyValue": {"snapshots": "s1 s2"}}}
    status = {"state": "complete", "actions": [{"name": "backup", "artifacts": artifacts}]}
    cluster.add("actionsets", "kasten-io", "old", spec={"actions": []}, status=status)
    done = invoke("run", "restore", "-n", "kafka", "--from", "old", *more)
    assert done.exit_code == code, done.stderr
    assert "backup: snapshots=s1 s2" in done.stderr
    made = [body for method, _, _, body in cluster.writes if method == "POST"]
    assert [body["spec"]["actions"][0]["artifacts"] for body in made] == [artifacts] * bool(more)


IMAGES = "4.2.0=quay.io/strimzi/kafka:1.2.0-kafka-4.2.0\n4.3.0=quay.io/strimzi/kafka:x\n"


def add_backup(cluster, *, version="4.1.0", images=IMAGES):
    values = {"backup": "20260102030405"}
    artifacts = {"kafka": {"keyValue": values}}
    status = {"state": "complete", "actions": [{"name": "backup", "artifacts": artifacts}]}
    cluster.add("actionsets", "kasten-io", "old", spec={"actions": []}, status=status)
    facts = f"format=2\nkafkaVersion=4.1.0\nspecVersion={version}\n"
    data = {"objects": base64.b64encode(facts.encode()).decode()}
    cluster.add("secrets", "kafka", "my-cluster-backup-20260102030405-facts", data=data)
    env = [{"name": "STRIMZI_KAFKA_IMAGES", "value": images}]
    cluster.add(
        "pods",
        "strimzi",
        "operator",
        labels={"strimzi.io/kind": "cluster-operator"},
        spec={"containers": [{"name": "o", "env": env}]},
    )


RESTORE = ("run", "restore", "-n", "kafka", "--from", "old", "--yes")


def test_an_unsupported_version_is_reported_before_a_restore(cluster):
    add_backup(cluster)
    done = invoke(*RESTORE)
    assert done.exit_code == 1
    assert "the backup is of Kafka 4.1.0, and the operator has 4.2.0, 4.3.0" in done.stderr
    assert cluster.writes == []


def test_a_restore_with_another_version_needs_its_option(cluster):
    Kanister(cluster)
    add_backup(cluster)
    done = invoke(*RESTORE, "--option", "any-kafka-version=true")
    assert done.exit_code == 0, done.stderr
    assert "warning: the backup is of Kafka 4.1.0" in done.stderr


@pytest.mark.parametrize(
    ("version", "images", "words"),
    [
        ("4.2.0", IMAGES, ""),
        ("", IMAGES, ""),
        ("4.1.0", "", "no operator is seen that lists its versions"),
    ],
)
def test_a_restore_begins_if_the_version_is_supported(cluster, version, images, words):
    Kanister(cluster)
    add_backup(cluster, version=version, images=images)
    done = invoke(*RESTORE)
    assert done.exit_code == 0, done.stderr
    assert words in done.stderr
    assert ("warning" in done.stderr) == bool(words)
    assert "Snapshots of them are kept until the restored Kafka is Ready" in done.stderr


@pytest.mark.parametrize("place", ["/secrets/", "/pods"])
def test_what_may_not_be_read_of_the_version_is_a_warning(cluster, place):
    Kanister(cluster)
    add_backup(cluster)
    cluster.refusals.append(("GET", rf"^/api/v1{'.*' if 'secrets' in place else ''}{place}", 403))
    done = invoke(*RESTORE, "--no-logs", "--timeout", "20s")
    assert "whether the operator has the Kafka version of the backup is not known" in done.stderr
    assert any(method == "POST" for method, *_ in cluster.writes)


def test_discarded_data_are_reported_before_a_restore(cluster):
    Kanister(cluster)
    add_backup(cluster, version="4.2.0")
    done = invoke(*RESTORE, "--option", "discard-replaced=true")
    assert done.exit_code == 0, done.stderr
    assert "The present data of its volumes is LOST" in done.stderr


def test_a_timeout_reports_the_running_phase(cluster):
    Kanister(cluster, seconds=30)
    done = invoke("run", "backupPrehook", "-n", "kafka", "--timeout", "1s")
    assert done.exit_code == 1
    assert "runs on in the cluster, in phase quiesce" in done.stderr
    assert "kanister-kafka resume my-cluster -n kafka" in done.stderr
    assert any(key[0] == "actionsets" for key in cluster.objects)


ENDINGS = {
    "timeout": "runs on in the cluster",
    "lost": "kubectl delete actionset",
    "deleted": "The ActionSet was deleted",
}
STOPS = ("backup", "backupPrehook", "backupPosthook", "resume")
RESTORES = ("restore", "beforeRestore", "afterRestore")
OTHERS = ("export", "deleteCopy", "listCopies", "delete")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("action", STOPS + RESTORES + OTHERS)
def test_only_what_was_stopped_is_brought_back(cluster, ending, action):
    """A Kafka that is being restored must not start; a copy has stopped nothing."""
    add_blueprint(cluster, **{action: ("one", "two")})
    add_backup(cluster, version="4.2.0")
    kanister = Kanister(cluster, seconds=10**9 if ending != "lost" else 2)
    kanister.stops_in = "one" if ending == "lost" else ""

    def delete():
        for key in [key for key in cluster.objects if key[0] == "actionsets" and key[2] != "old"]:
            cluster.drop(*key)

    if ending == "deleted":
        cluster.after(5, delete)
    options = ["--from", "old", "--yes"] if action == "restore" else []
    limit = "20s" if ending == "timeout" else "5m"
    done = invoke("run", action, "-n", "kafka", *options, "--timeout", limit)
    assert done.exit_code == 1
    assert ENDINGS[ending] in done.stderr
    assert "kanister-kafka status my-cluster -n kafka" in done.stderr
    assert ("kanister-kafka resume" in done.stderr) == (action in STOPS)
    assert ("Kafka must not start before" in done.stderr) == (action in RESTORES)
    if ending == "timeout":
        assert ("kubectl get actionset" in done.stderr) == (action in RESTORES)


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from click.testing import CliRunner; from kanister_kafka.cli import main\n"
        "for name in ('run', 'status', 'resume'):\n"
        "    assert CliRunner().invoke(main, [name, '--help']).exit_code == 0\n"
        "heavy = {'kubernetes', 'kanister_kafka.backup.planner', 'kanister_kafka.gotemplate'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# status


@pytest.mark.parametrize(("ready", "code"), [((True, True), 0), ((True, False), 1), ((), 1)])
def test_exit_code_depends_on_whether_kafka_runs(cluster, ready, code):
    for number in (0, 1):
        cluster.drop("pods", "kafka", f"my-cluster-dual-{number}")
    for number, serves in enumerate(ready):
        add_node(cluster, "my-cluster", number, ready=serves)
    assert invoke("status", "-n", "kafka").exit_code == code
    done = invoke("status", "-n", "kafka", "-o", "json")
    assert (done.exit_code, json.loads(done.stdout)["runs"]) == (code, code == 0)


COMMANDS = (
    ["run", "backup"], ["status"], ["resume"], ["check"], ["version"], ["rehearse"],
    ["release-retention"], ["backups", "create"],
)  # fmt: skip
"""Every command of a Kafka that is read from a live cluster."""


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_kafka_is_named_as_reports_print_it(words):
    """They print it as NAMESPACE/NAME."""
    done = invoke(*words, "other/my-cluster", "-n", "kafka")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "other/my-cluster is not in namespace kafka" in done.stderr


@pytest.mark.usefixtures("cluster")
def test_namespace_of_a_kafka_is_a_part_of_its_name():
    named = invoke("status", "kafka/my-cluster")
    assert named.stdout.startswith("Kafka kafka/my-cluster runs")
    assert named.stdout == invoke("status", "my-cluster", "-n", "kafka").stdout


def test_status_of_an_api_server_that_is_away(cluster):
    with cluster.away():
        done = invoke("status", "-n", "kafka")
    assert done.exit_code == 2
    assert "not now: 503" in done.stderr


# resume


def stopped(cluster, *, switch=True, **marks):
    add_kafka(cluster, ready=(), annotations={**OURS, **marks})
    for number in (0, 1):
        cluster.drop("pods", "kafka", f"my-cluster-dual-{number}")
    if switch:
        spec = {"replicas": 0, "selector": {"matchLabels": {"kanister-kafka.io/switch": "x"}}}
        cluster.add("deployments", "kafka", SWITCH, spec=spec)


def play_switch(cluster, *, fails=False, serves=True):
    """The Deployment with its pod: runs the restart as soon as it is scaled up."""

    def play():
        while not cluster.get("deployments", "kafka", SWITCH)["spec"]["replicas"]:
            yield 1
        notes = cluster.get("kafkas", "kafka", "my-cluster")["metadata"]["annotations"]
        assert RESTART_BY in notes  # before it was scaled up
        reason = "12:00:00 switch: FAILED while starting: no room"
        cluster.logs["switch-1"] = [reason] if fails else ["12:00:00 switch: starting"]
        cluster.add(
            "pods",
            "kafka",
            "switch-1",
            labels={"kanister-kafka.io/switch": "x"},
            status={"containerStatuses": [{"restartCount": 0, "state": {"running": {}}}]},
        )
        yield 2
        if fails:
            return
        if serves:
            add_node(cluster, "my-cluster", 0)
            add_node(cluster, "my-cluster", 1)
            gone = dict.fromkeys((*OURS, RESTART_BY))
            cluster.change("kafkas", "kafka", "my-cluster", {"metadata": {"annotations": gone}})
        cluster.change("deployments", "kafka", SWITCH, {"spec": {"replicas": 0}})

    cluster.after(0, play)


def test_resume_sets_the_switch_off_and_waits_for_every_node(cluster):
    stopped(cluster)
    play_switch(cluster)
    done = invoke("resume", "-n", "kafka", "--timeout", "20s")
    assert done.exit_code == 0, done.stderr
    assert "12:00:00 switch: starting" in done.stderr
    assert "Kafka kafka/my-cluster runs: every node is Ready" in done.stdout
    annotated, scaled = cluster.writes
    assert annotated[:3] == ("PATCH", "kafkas", "my-cluster")
    (note,) = annotated[3]["metadata"]["annotations"].items()
    assert note[0] == RESTART_BY
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", note[1])
    assert scaled == ("PATCH", "deployments", SWITCH, {"spec": {"replicas": 1}})


def test_resume_works_without_kanister(cluster):
    del cluster.kinds["cr.kanister.io", "v1alpha1"]
    stopped(cluster)
    play_switch(cluster)
    assert invoke("resume", "my-cluster", "-n", "kafka", "--timeout", "20s").exit_code == 0


def test_nothing_to_resume(cluster):
    done = invoke("resume", "-n", "kafka", "--timeout", "20s")
    assert (done.exit_code, done.stdout.endswith(": nothing to do\n")) == (0, True)
    assert cluster.writes == []


def test_record_that_is_left_over_is_something_to_resume(cluster):
    cluster.add("configmaps", "kafka", "my-cluster-kanister-kafka", data={"state": "quiescing"})
    done = invoke("resume", "-n", "kafka", "--timeout", "20s")
    assert done.exit_code == 1
    assert f"no Deployment {SWITCH}" in done.stderr


@pytest.mark.parametrize("ready", [0, 1])
def test_a_switch_without_its_scripts_is_not_waited_for(cluster, ready):
    """Its new pod would wait for the ConfigMap for ever; one that runs has the files."""
    stopped(cluster)
    spec = add_scripts(cluster)
    name = spec["volumes"][0]["configMap"]["name"]
    status = {"readyReplicas": ready}
    change = {"spec": {"template": {"spec": spec}}, "status": status}
    cluster.change("deployments", "kafka", SWITCH, change)
    cluster.drop("configmaps", "kafka", name)
    done = invoke("resume", "-n", "kafka", "--timeout", "1s")
    assert done.exit_code == 1
    is_reported = f"ConfigMap {name}, the scripts of Deployment {SWITCH}, is gone" in done.stderr
    assert (is_reported, cluster.writes == []) == (not ready, not ready)


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("resume", "--dry-run"),
        ("run", "backupPrehook", "--timeout", "2s"),
        ("run", "restore", "--from", "old", "--yes", "--timeout", "2s"),
        ("run", "restore", "--from", "old", "--yes", "--retention", "hold"),
    ],
)
def test_printed_commands_name_the_context_that_was_given(cluster, words):
    """Else they would act on a Kafka of the same name in the current context."""
    add_backup(cluster, version="4.2.0")
    Kanister(cluster, seconds=10**9)
    stopped(cluster)
    done = invoke(*words, "my-cluster", "-n", "kafka", "--context", "here")
    commands = re.findall(r"(?<!-)(?:kanister-kafka|kubectl) .*", done.output)
    assert commands
    assert [command for command in commands if "--context here" not in command] == []


def test_without_a_watchdog_the_manual_commands_are_printed(cluster):
    stopped(cluster, switch=False)
    done = invoke("resume", "-n", "kafka", "--timeout", "20s")
    assert done.exit_code == 1
    assert "kanister-kafka apply --from-cluster my-cluster -n kafka" in done.stderr
    assert "kubectl annotate kafkas.v1beta2.kafka.strimzi.io my-cluster -n kafka" in done.stderr
    assert cluster.writes == []


def test_kafka_that_is_gone_cannot_be_resumed(cluster):
    stopped(cluster)
    cluster.drop("kafkas", "kafka", "my-cluster")
    done = invoke("resume", "my-cluster", "-n", "kafka", "--timeout", "20s")
    assert (done.exit_code, "does not exist" in done.stderr) == (1, True)
    assert cluster.writes == []


def test_resume_refuses_nodes_that_another_actor_stopped(cluster):
    cluster.drop("pods", "kafka", "my-cluster-dual-0")
    done = invoke("resume", "-n", "kafka", "--timeout", "20s")
    assert (done.exit_code, "nothing here to undo" in done.stderr) == (1, True)
    assert cluster.writes == []


def test_resume_that_fails_repeatedly_prints_the_reason_and_the_manual_commands(cluster):
    stopped(cluster)
    play_switch(cluster, fails=True)
    done = invoke("resume", "-n", "kafka", "--timeout", "3s")
    assert done.exit_code == 1
    assert "error: switch: FAILED while starting: no room\n" in done.stderr
    assert "kubectl annotate kafkas.v1beta2.kafka.strimzi.io" in done.stderr
    assert f"Deployment {SWITCH} goes on" in done.stderr


def test_resume_waits_for_a_running_restart(cluster):
    stopped(cluster)
    cluster.logs["kanister-job-x"] = ["12:00:00 restart: starting"]
    add_task(cluster, "kanister-job-x", "restart", job="j")

    def finish():
        add_node(cluster, "my-cluster", 0)
        add_node(cluster, "my-cluster", 1)
        gone = dict.fromkeys(OURS)
        cluster.change("kafkas", "kafka", "my-cluster", {"metadata": {"annotations": gone}})
        cluster.drop("pods", "kafka", "kanister-job-x")

    cluster.after(5, finish)
    done = invoke("resume", "-n", "kafka", "--timeout", "20s")
    assert done.exit_code == 0, done.stderr
    assert "12:00:00 restart: starting" in done.stderr
    assert cluster.writes == []  # it was not needed


def test_action_sets_that_may_not_be_listed_count_as_not_ended(cluster):
    """One of them may be between two phases, so the watchdog is not set off at once."""
    stopped(cluster)
    play_switch(cluster)
    cluster.refusals.append(("GET", "/actionsets$", 403))
    done = invoke("resume", "-n", "kafka", "--timeout", "60s")
    assert done.exit_code == 0, done.stderr
    waited = re.search(r"wait: done +after (\d+)", done.stderr)
    assert waited is not None
    assert int(waited[1]) >= 15


@pytest.mark.parametrize("change", ["restore", "rights"])
def test_resume_sets_nothing_off_if_it_may_not_start_kafka_any_more(cluster, change):
    stopped(cluster)
    add_task(cluster, "kanister-job-x", "stop", job="j")

    def play():
        if change == "rights":
            cluster.refusals.append(("GET", "/pods$", 403))
            return
        data = {"state": "restoring"}
        cluster.add("configmaps", "kafka", "my-cluster-kanister-kafka", data=data)
        cluster.drop("pods", "kafka", "kanister-job-x")

    cluster.after(5, play)
    done = invoke("resume", "-n", "kafka", "--timeout", "60s")
    assert done.exit_code == 1
    assert ("is being restored" if change == "restore" else "cannot be listed") in done.stderr
    assert "kubectl annotate" not in done.stderr
    assert cluster.writes == []


# On a terminal


class Screen:
    """As much of a terminal as the display needs: what stands on it at the end."""

    def __init__(self):
        self.rows, self.row, self.column = [""], 0, 0
        self.shows = True

    def feed(self, text):
        text = re.sub(r"(?<!\r)\n", "\r\n", text)  # as a terminal's driver does
        for part in re.findall(r"\x1b\[\??[\d;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
            self.one(part)
        return self

    def one(self, part):
        if part == "\r":
            self.column = 0
        elif part == "\n":
            self.row += 1
            self.rows += [""] * (self.row + 1 - len(self.rows))
        elif part == "\x1b[1A":
            self.row = max(0, self.row - 1)
        elif part == "\x1b[2K":
            self.rows[self.row] = ""
        elif part in ("\x1b[?25l", "\x1b[?25h"):
            self.shows = part.endswith("h")
        elif not part.startswith("\x1b"):
            row = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = row[: self.column] + part + row[self.column + len(part) :]
            self.column += len(part)

    def text(self):
        return [row.rstrip() for row in self.rows if row.strip()]


def on_terminal(*arguments, act=None, columns=60, environment=None):
    """Run the command on a terminal of its own; return exit code and what it wrote."""
    here, there = pty.openpty()
    size = {"COLUMNS": str(columns), "LINES": "20", "TERM": "xterm"}
    child = subprocess.Popen(
        [sys.executable, "-m", "kanister_kafka", *arguments],
        stdin=there,
        stdout=there,
        stderr=there,
        env={**os.environ, **size, **(environment or {})},
        start_new_session=True,
    )
    os.close(there)
    written = b""
    while True:
        try:
            part = os.read(here, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        written += part
        if act and act[0] in written:
            child.send_signal(act[1])
            act = None
    os.close(here)
    return child.wait(10), written.decode()


def test_display_is_redrawn_in_place(live_cluster):
    Kanister(live_cluster, says={"flush": ["12:00:00 flush: flushing " + "x" * 200]}, seconds=0.8)
    code, written = on_terminal("run", "backupPrehook", "-n", "kafka")
    assert code == 0
    screen = Screen().feed(written)
    text = screen.text()
    assert [line.split()[1] for line in text if line.startswith(" ✔")] == [
        *("quiesce", "flush", "stop", "recover")
    ]
    assert sum("of Kafka kafka/my-cluster  " in line for line in text) == 1
    assert any(line.startswith("12:00:00 flush: flushing xxx") for line in text)
    assert text[-1].startswith("backupPrehook of Kafka kafka/my-cluster: complete in ")
    assert screen.shows
    assert "\x1b[32m" in written


def test_no_color_keeps_the_display(live_cluster):
    Kanister(live_cluster, seconds=0.5)
    environment = {"NO_COLOR": "1"}
    code, written = on_terminal("run", "backup", "-n", "kafka", environment=environment)
    assert code == 0
    assert "\x1b[?25l" in written
    assert not re.search(r"\x1b\[[\d;]*m", written)


def test_dumb_terminal_gets_lines(live_cluster):
    Kanister(live_cluster, seconds=0.5)
    code, written = on_terminal("run", "backup", "-n", "kafka", environment={"TERM": "dumb"})
    assert code == 0
    assert "\x1b" not in written
    assert "one: begun" in written


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_terminal_is_put_back_when_it_is_ended(live_cluster, number, code):
    Kanister(live_cluster, seconds=30)
    ended, written = on_terminal("run", "backupPrehook", "-n", "kafka", act=(b"quiesce", number))
    assert ended == code
    screen = Screen().feed(written)
    assert screen.shows
    if number is signal.SIGINT:
        text = "\n".join(screen.text())
        assert "runs on in the cluster, in phase quiesce when last seen" in text
        assert "kanister-kafka status my-cluster -n kafka" in text
        assert "kanister-kafka resume my-cluster -n kafka" in text


class Terminal:
    """A stream that says it is a terminal."""

    encoding = "ascii"

    def __init__(self):
        self.text = ""

    def isatty(self):
        return True

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def test_narrowed_terminal_is_cleared_of_broken_rows(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    with LiveDisplay("x" * 50) as live:
        live.show(PhasesDiscovered(("stop",)))
        monkeypatch.setenv("COLUMNS", "20")
        stream.text = ""
        live.show(Heartbeat(PodReadiness(3, 2, 3)))
    # Two rows were drawn, the first of which the terminal has broken into three.
    assert re.match(r"(\r?\x1b\[2K\x1b\[1A){3}\r?\x1b\[2K", stream.text)
    assert f"{'x' * 20}\n . stop\n" in re.sub(r"\x1b\[[?\d;]*\w", "", stream.text)


def test_display_has_the_condition_that_a_running_phase_waits_for(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    with LiveDisplay("stop of Kafka a/b", logs=False) as live:
        for event in (
            PhasesDiscovered(("stop", "recover")),
            PhaseStarted("stop"),
            Heartbeat(PodReadiness(2, 1, 3)),
            LogLine("stop", "p", "12:00:00 stop: pods still there: b-0 b-1"),
            ApiUnavailable("no answer"),
        ):
            live.show(event)
        text = Screen().feed(stream.text).text()
        assert text[-4].endswith("1 of 3 nodes ready, 2 there")
        assert re.fullmatch(r" > stop +\d\.\ds +pods still there: b-0 b-1", text[-3])
        assert text[-2] == " . recover"
        assert text[-1] == " ! the API server is away: no answer"
        live.show(PhaseFinished("stop", ok=False, seconds=72))
        live.show(ActionFinished(ActionResult.FAILED, "x"))
    assert " x stop      1m12s" in "\n".join(Screen().feed(stream.text).text())


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0s"), (9.94, "9.9s"), (9.96, "10s"), (72.4, "1m12s")]
)
def test_measured_times(seconds, text):
    assert format_elapsed(seconds) == text


def test_bar_of_a_comparison(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    with ProgressReporter("comparing") as bar:
        bar.report(0, 0)
        bar.report(10, 40)
        bar.report(40, 40)
    rows = Screen().feed(stream.text).text()
    assert len(rows) == 1
    assert re.match(r"comparing -+ 100% [\d,]+/s 0:00:00", rows[0])


def test_progress_in_a_file_is_a_line_now_and_then(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with ProgressReporter("comparing") as bar:
        for now[0] in (1.0, 11.0, 12.0, 22.0):
            bar.report(int(now[0]), 44)
    assert capsys.readouterr().err.splitlines() == [
        "comparing: 25% of 44 offsets, 1/s, 33 s left",
        "comparing: 50% of 44 offsets, 1/s, 22 s left",
    ]
