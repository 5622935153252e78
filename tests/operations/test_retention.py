"""The hold of a restored Kafka's retention: how it is told, and how a person ends it."""

from __future__ import annotations

import copy
import json
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from kanister_kafka import constants
from kanister_kafka.cli import main
from kanister_kafka.kube.exec import ExecResult
from kanister_kafka.operations.preflight.partitions import read_topic_settings
from kanister_kafka.operations.retention import unready_pods
from kanister_kafka.strimzi.retention import read_held, released_spec
from tests.fakes.api_server import NOW, merged
from tests.fakes.cluster import Kanister, add_blueprint, add_kafka, serving
from tests.fakes.fake_time import FakeTime
from tests.scripts.test_retention import OPTIONS

KAFKAS = ("kafkas", "kafka", "my-cluster")
HELD = constants.RETENTION_HELD
TIME = FakeTime()


def held_annotation(before, **other):
    state = {"since": NOW, "retention": "hold", "backup": NOW, "before": before, "held": OPTIONS}
    return json.dumps({**state, **other}, separators=(",", ":"))


def hold(cluster, before=None, config=None, **other):
    """Hold it as a restore does, over what was found."""
    change = {
        "metadata": {"annotations": {HELD: held_annotation(before, **other)}, "generation": 3},
        "spec": {"kafka": {"config": {**(config or {}), **OPTIONS}}},
    }
    return cluster.change(*KAFKAS, change)


@pytest.fixture
def cluster(configure, monkeypatch):
    with serving(TIME) as cluster:
        configure(cluster.url)
        add_kafka(cluster)
        add_blueprint(cluster, restore=("restore",))
        described = "Topic: orders\tPartitionCount: 1\tReplicationFactor: 1\tConfigs: "
        described += "retention.ms=240000\nTopic: kept\tPartitionCount: 1\tConfigs: retention.ms=-1"
        asked = cluster.executed = []

        def answer(pod, namespace, command, **_):
            asked.append((pod, namespace, command))
            return ExecResult(0, described, "")

        monkeypatch.setattr("kanister_kafka.kube.exec.exec_in_pod", answer)
        yield cluster


def invoke(*arguments, **options):
    words = [*arguments, "my-cluster", "-n", "kafka"]
    return CliRunner().invoke(main, words, obj=TIME.clock, **options)


def config_of(cluster):
    return cluster.get(*KAFKAS)["spec"]["kafka"].get("config")


# The patch

VALUES = st.one_of(
    st.booleans(), st.integers(), st.from_regex(r"[a-z0-9][a-z0-9 .-]{0,5}", fullmatch=True)
)
KEYS = st.one_of(st.sampled_from(sorted(OPTIONS)), st.from_regex(r"[a-z.]{1,9}", fullmatch=True))


@given(st.one_of(st.none(), st.dictionaries(KEYS, VALUES)))
def test_hold_and_release_give_back_the_very_same_configuration(config):
    inner = {"version": "4.0.0"} | ({} if config is None else {"config": config})
    found = {"metadata": {"resourceVersion": "1", "annotations": {}}, "spec": {"kafka": inner}}
    before = None if config is None else {key: config.get(key) for key in OPTIONS}
    held = copy.deepcopy(found)
    held["metadata"]["annotations"][HELD] = held_annotation(before)
    held["spec"]["kafka"]["config"] = {**(config or {}), **OPTIONS}
    seen = read_held(held)
    assert seen is not None
    assert seen.holds
    assert merged(held, released_spec(held, seen)) == found


def test_a_later_change_by_another_client_stays():
    kafka = {"metadata": {"resourceVersion": "1", "annotations": {HELD: held_annotation({})}}}
    kafka["spec"] = {"kafka": {"config": {**OPTIONS, "log.cleaner.enable": True}}}
    del kafka["spec"]["kafka"]["config"]["offsets.retention.minutes"]
    held = read_held(kafka)
    assert held.changed == ("log.cleaner.enable", "offsets.retention.minutes")
    after = merged(kafka, released_spec(kafka, held))
    assert after["spec"]["kafka"]["config"] == {"log.cleaner.enable": True}


@pytest.mark.parametrize("text", ["x", "[]", "{}", '{"held": 1}', '{"before": 1, "held": {}}'])
def test_a_damaged_annotation_is_reported_as_such(text):
    kafka = {"metadata": {"annotations": {HELD: text}}, "spec": {"kafka": {}}}
    assert read_held(kafka).damaged
    assert not read_held(kafka).holds


def test_kafka_without_a_hold_has_none():
    assert read_held({"metadata": {}}) is None


# The command


def test_release_puts_the_options_back_and_waits(cluster):
    before = {"offsets.retention.minutes": 4320, "log.cleaner.enable": None}
    hold(cluster, before, {"num.partitions": 3})

    def operator():
        while HELD in cluster.get(*KAFKAS)["metadata"]["annotations"]:
            yield 1
        cluster.change(*KAFKAS, {"status": {"observedGeneration": 3}})

    cluster.after(0, operator)
    done = invoke("release-retention", "--yes")
    assert done.exit_code == 0, done.stderr
    assert config_of(cluster) == {"num.partitions": 3, "offsets.retention.minutes": 4320}
    assert HELD not in cluster.get(*KAFKAS)["metadata"]["annotations"]
    assert "WILL BE LOST" in done.stderr
    assert "  orders (retention.ms 240000)" in done.stderr
    assert "kept" not in done.stderr
    assert "roll every broker" in done.stderr
    assert "deletes what has passed its retention" in done.stdout
    ((pod, namespace, command),) = cluster.executed
    assert (pod, namespace) == ("my-cluster-dual-0", "kafka")
    assert "my-cluster-kafka-brokers.kafka.svc:9091" in command
    again = invoke("release-retention", "--yes")
    assert again.exit_code == 0
    assert "is not held: nothing to do" in again.stdout


def test_configuration_that_was_not_there_is_not_there(cluster):
    hold(cluster, None)
    assert invoke("release-retention", "--yes", "--no-wait").exit_code == 0
    assert config_of(cluster) is None


def test_dry_run_changes_nothing(cluster):
    hold(cluster, {"log.cleaner.enable": True})
    done = invoke("release-retention", "--dry-run")
    assert done.exit_code == 0, done.stderr
    assert not cluster.writes
    patch = json.loads(done.stdout)
    assert patch["spec"]["kafka"]["config"]["log.cleaner.enable"] is True
    assert "log.cleaner.enable: false becomes True" in done.stderr


def test_without_a_terminal_only_yes_will_do(cluster):
    hold(cluster, {})
    done = invoke("release-retention")
    assert done.exit_code == 2
    assert "--yes" in done.stderr
    assert not cluster.writes


def test_write_is_refused_where_the_kafka_has_changed(cluster):
    """The status is written all the time, and the options may be as well."""
    hold(cluster, {})
    answer, refused = cluster.answer, []

    def changing(method, path, query, body):
        if method == "PATCH" and not refused:
            refused.append(body["metadata"]["resourceVersion"])
            change = {"spec": {"kafka": {"config": {"log.cleaner.enable": "true"}}}}
            cluster.change(*KAFKAS, change)
            return 409, {"message": "the object has been modified"}
        if method == "PATCH":
            now = cluster.get(*KAFKAS)["metadata"]["resourceVersion"]
            assert body["metadata"].pop("resourceVersion") == now
        return answer(method, path, query, body)

    cluster.answer = changing
    assert invoke("release-retention", "--yes", "--no-wait").exit_code == 0
    assert refused
    assert config_of(cluster) == {"log.cleaner.enable": "true"}


@pytest.mark.parametrize(
    "other",
    [
        {"backup": "2025-01-01T00:00:00Z", "since": "2026-11-30T03:00:00Z"},
        {"since": "2026-11-30T03:00:00Z"},
        {"before": {"log.cleaner.enable": "true"}},
    ],
    ids=["backup", "again", "values"],
)
def test_hold_of_a_restore_during_the_question_stays(cluster, monkeypatch, other):
    hold(cluster, {})

    def confirm(*_words, yes):
        assert not yes
        hold(cluster, **{"before": {}, **other})

    monkeypatch.setattr("kanister_kafka.cli.commands.release_retention.confirm", confirm)
    done = invoke("release-retention", "--no-wait")
    assert done.exit_code == 1
    assert "was held again at" in done.stderr
    assert "nothing is released" in done.stderr
    assert not cluster.writes
    assert HELD in cluster.get(*KAFKAS)["metadata"]["annotations"]


def test_stopped_kafka_is_not_released(cluster):
    hold(cluster, {})
    cluster.change(*KAFKAS, {"metadata": {"annotations": {constants.PREVIOUS_PAUSE: "unset"}}})
    done = invoke("release-retention", "--yes")
    assert done.exit_code == 1
    assert "kanister-kafka status my-cluster -n kafka" in done.stderr
    assert not cluster.writes


def test_a_damaged_hold_must_be_edited_by_hand(cluster):
    cluster.change(*KAFKAS, {"metadata": {"annotations": {HELD: "x"}}})
    done = invoke("release-retention", "--yes")
    assert done.exit_code == 1
    assert "kubectl edit kafkas.v1beta2.kafka.strimzi.io my-cluster -n kafka" in done.stderr


def test_unknown_losses_are_a_warning(cluster, monkeypatch):
    hold(cluster, {})
    said = ExecResult(75, "", "the broker has 12 MiB left, too few to ask beside it\n")
    monkeypatch.setattr("kanister_kafka.kube.exec.exec_in_pod", lambda *_, **__: said)
    done = invoke("release-retention", "--dry-run")
    assert "WARNING: the losses are unknown" in done.stderr
    assert "12 MiB left" in done.stderr


def test_young_backup_loses_no_topic(cluster):
    now = f"{datetime.now(timezone.utc) - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    hold(cluster, {}, backup=now)
    assert "no topic loses every record" in invoke("release-retention", "--dry-run").stderr


def test_kafka_that_does_not_become_ready_is_reported(cluster):
    hold(cluster, {})
    done = invoke("release-retention", "--yes", "--timeout", "0s")
    assert done.exit_code == 1
    assert "is not Ready after 0 s" in done.stderr


def test_a_pause_of_another_client_is_reported():
    paused = {"metadata": {"annotations": {constants.PAUSE_RECONCILIATION: "true"}}, "status": {}}
    assert "paused" in unready_pods(paused, 1)
    failed = {"type": "NotReady", "status": "True", "reason": "FatalProblem", "message": "x"}
    kafka = {"metadata": {}, "status": {"observedGeneration": 1, "conditions": [failed]}}
    assert unready_pods(kafka, 1) == "Kafka is not Ready: FatalProblem: x"


def test_settings_of_topics_are_read():
    text = "noise\nTopic: a\tPartitionCount: 1\tReplicationFactor: 1\tConfigs: \n"
    text += "Topic: b\tTopicId: x\tConfigs: cleanup.policy=compact,delete,retention.ms=5\n"
    text += "\tTopic: b\tPartition: 0\tLeader: 1\n"
    first, second = read_topic_settings(text)
    assert (first.name, first.retention_ms, first.cleanup_policy) == ("a", 604800000, "delete")
    assert (second.name, second.retention_ms) == ("b", 5)
    assert second.cleanup_policy == "compact,delete"
    assert second.empties(5)
    assert not second.empties(4)


# Where it is told


def test_status_warns_that_retention_is_held(cluster):
    hold(cluster, {})
    done = invoke("status")
    assert done.exit_code == 0, done.stderr
    assert f"! RETENTION IS HELD since {NOW} by a restore" in done.stdout
    assert "  kanister-kafka release-retention my-cluster -n kafka" in done.stdout
    reported = json.loads(invoke("status", "-o", "json").stdout)["kafka"]["retentionHeld"]
    assert reported == {
        "since": NOW,
        "retention": "hold",
        "backup": NOW,
        "holds": True,
        "changed": [],
    }
    cluster.change(*KAFKAS, {"spec": {"kafka": {"config": {"log.initial.task.delay.ms": None}}}})
    assert "! RETENTION IS NO LONGER HELD" in invoke("status").stdout
    cluster.change(*KAFKAS, {"metadata": {"annotations": {HELD: "x"}}})
    assert "! RETENTION may be held" in invoke("status").stdout


ORIGIN = {"kafka": {"keyValue": {"backup": "1"}}}


def restored(cluster, *words, knows=True):
    Kanister(cluster, seconds=0.05)
    if knows:
        args = {"command": ['RETENTION={{ index .Options "retention" }}']}
        actions = {"restore": {"phases": [{"func": "KubeTask", "name": "restore", "args": args}]}}
        cluster.change("blueprints", "kasten-io", "kafka.my-cluster", {"actions": actions})
    status = {"state": "complete", "actions": [{"name": "backup", "artifacts": ORIGIN}]}
    actions = {"actions": [{"name": "backup", "blueprint": "kafka.my-cluster"}]}
    cluster.add("actionsets", "kasten-io", "backup-x", spec=actions, status=status)
    return invoke("run", "restore", "--yes", "--from", "backup-x", *words)


def options_of(cluster):
    (made,) = [body for method, plural, _, body in cluster.writes if plural == "actionsets"]
    return made["spec"]["actions"][0].get("options")


@pytest.mark.parametrize("choice", ["hold", "now", "72h"])
def test_choice_goes_into_the_action_set(cluster, choice):
    assert restored(cluster, "--retention", choice).exit_code == 0
    assert options_of(cluster) == {"retention": choice}


def test_the_end_of_a_restore_reports_that_retention_is_held(cluster):
    hold(cluster, {})
    done = restored(cluster)
    assert done.exit_code == 0, done.stderr
    assert "! RETENTION IS HELD" in done.stdout
    assert done.stdout.splitlines()[-1].strip() == (
        "kanister-kafka release-retention my-cluster -n kafka"
    )


def test_blueprint_that_would_ignore_the_choice_is_not_run(cluster):
    done = restored(cluster, "--retention", "hold", knows=False)
    assert done.exit_code == 1
    assert "was rendered by an earlier version" in done.stderr
    assert not [write for write in cluster.writes if write[1] == "actionsets"]


def test_blueprint_of_an_earlier_version_is_reported(cluster):
    done = restored(cluster, knows=False)
    assert "Its Blueprint is of an earlier version" in done.stderr


@pytest.mark.parametrize("choice", ["never", "0s", "1d", "HOLD"])
def test_what_is_not_a_retention_is_wrong_use(cluster, choice):
    assert restored(cluster, "--retention", choice).exit_code == 2


def test_retention_is_for_a_restore(cluster):
    add_blueprint(cluster, backup=("one",))
    done = invoke("run", "backup", "--retention", "now")
    assert done.exit_code == 1
    assert "is for a restore" in done.stderr
