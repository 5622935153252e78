"""`backups create`, as the CronJob of a schedule runs it: what it makes, skips, prunes, may do."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner

from kanister_kafka import Options, SnapshotProvider, build_plan, load, read_cluster
from kanister_kafka.backup.model import BackupPlan
from kanister_kafka.cli import main
from kanister_kafka.timestamps import format_second
from tests.conftest import ROOT
from tests.fakes.cluster import Kanister, add_blueprint, add_kafka, serving, task
from tests.fakes.fake_time import FakeTime
from tests.operations.test_backups import (
    CLAIMS,
    NEW,
    OLD,
    add_action_set,
    add_backup,
    interrupt_first,
)

PHASES = ("backupQuiesce", "backupReady", "backupRecover?")
VERBS = {"POST": "create", "DELETE": "delete", "PATCH": "patch"}
RESTORE = {"cluster": "my-cluster", "namespace": "kafka", "backup": OLD}


def scheduled_plan(**choices) -> BackupPlan:
    reading = read_cluster(load([ROOT / "examples" / "kraft-separate-pools"]).documents)
    options = {
        "engine": SnapshotProvider.KANISTER,
        "schedule": "0 3 * * *",
        "schedule_image": "example.com/kanister-kafka:1",
        "keep_last": 1,
        **choices,
    }
    return build_plan(reading.cluster, Options(**options), reading.problems)


PLAN = scheduled_plan()


@pytest.fixture
def cluster(configure):
    time = FakeTime()
    with serving(time) as cluster:
        configure(cluster.url)
        add_kafka(cluster)
        add_blueprint(cluster, backup=PHASES, restore=("restoreCheck",))
        yield cluster


def with_kanister(cluster, **more) -> None:
    """Let a controller run the action, which leaves a complete backup."""
    kanister = Kanister(cluster, **more)
    values = {"cluster": "my-cluster", "namespace": "kafka", "backup": NEW, "stop": "clean"}
    kanister.artifacts = {"kafka": {"keyValue": values}}

    def leave(made):
        if made["kind"] == "ActionSet" and not more:
            add_backup(cluster, NEW, action_set=False)

    cluster.on_create.insert(0, leave)


def run(cluster, *more):
    words = [*PLAN.schedule.arguments, *more]
    return CliRunner().invoke(main, words, catch_exceptions=False, obj=cluster.time.clock)


def events(cluster):
    return [
        (body["type"], body["reason"], body["message"])
        for method, plural, _, body in cluster.writes
        if (method, plural) == ("POST", "events")
    ]


def made_action_sets(cluster):
    return [write for write in cluster.writes if write[0] == "POST" and write[1] == "actionsets"]


def backups_left(cluster):
    return {
        item["metadata"]["labels"]["kanister-kafka.io/backup"]
        for (plural, _, _), item in cluster.objects.items()
        if plural in ("secrets", "volumesnapshots")
    }


def add_running(cluster, name, action, *, minutes=5, **more):
    add_action_set(cluster, name, action, "running", **more)
    created = format_second(datetime.now(timezone.utc) - timedelta(minutes=minutes))
    metadata = {"creationTimestamp": created}
    cluster.change("actionsets", "kasten-io", name, {"metadata": metadata})


def test_a_backup_is_made_and_older_ones_are_pruned(cluster) -> None:
    add_backup(cluster, OLD)
    with_kanister(cluster)
    result = run(cluster)
    assert result.exit_code == 0, result.stderr
    assert backups_left(cluster) == {NEW}
    assert re.search(rf"{OLD} .* remove", result.stdout)
    assert not events(cluster)
    ((_, _, _, made),) = made_action_sets(cluster)
    assert made["metadata"]["labels"]["kanister-kafka.io/cluster"] == "my-cluster"


def action_sets_left(cluster):
    return {name for plural, _, name in cluster.objects if plural == "actionsets"}


def test_action_sets_of_pruned_backups_and_old_failures_go(cluster) -> None:
    ours = {"app.kubernetes.io/managed-by": "kanister-kafka"}
    add_backup(cluster, OLD)
    days = {"newest": 9, "a": 1, "b": 2, "c": 7, "d": 8}
    for name in days:
        add_action_set(cluster, name, "backup", "failed")
    add_action_set(cluster, "restored", "restore", "complete", given=RESTORE)
    for name in action_sets_left(cluster):
        labels = {**ours, "kanister-kafka.io/cluster": "my-cluster"}
        created = f"2026-01-0{days.get(name, 1)}T00:00:00Z"
        metadata = {"labels": labels, "creationTimestamp": created}
        cluster.change("actionsets", "kasten-io", name, {"metadata": metadata})
    add_action_set(cluster, "of-another-tool", "backup", "failed")
    with_kanister(cluster)
    result = run(cluster)
    assert result.exit_code == 0, result.stderr
    assert f"actionset.cr.kanister.io/backup-{OLD} deleted" in result.stdout
    ((_, _, made, _),) = made_action_sets(cluster)
    left = {made, "restored", "of-another-tool", "newest", "c", "d"}
    assert action_sets_left(cluster) == left


def test_without_keep_rules_nothing_is_pruned(cluster) -> None:
    add_backup(cluster, OLD)
    with_kanister(cluster)
    words = ["backups", "create", "my-cluster", "-n", "kafka"]
    result = CliRunner().invoke(main, words, catch_exceptions=False, obj=cluster.time.clock)
    assert result.exit_code == 0, result.stderr
    assert backups_left(cluster) == {OLD, NEW}


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"fails": ("backupReady",), "says": {"backupReady": ["no"]}}, id="failed"),
        pytest.param({"stops_in": "backupReady"}, id="lost"),
    ],
)
def test_a_failed_backup_is_an_event_and_prunes_nothing(cluster, more) -> None:
    add_backup(cluster, OLD)
    with_kanister(cluster, **more)
    result = run(cluster)
    assert result.exit_code == 1
    assert backups_left(cluster) == {OLD}
    ((kind, reason, _),) = events(cluster)
    assert (kind, reason) == ("Warning", "BackupFailed")
    assert len(made_action_sets(cluster)) == 1


def test_a_complete_action_without_a_usable_backup_prunes_nothing(cluster) -> None:
    add_backup(cluster, OLD)
    with_kanister(cluster)
    cluster.on_create.append(
        lambda _made: cluster.drop("volumesnapshots", "kafka", f"{CLAIMS[0]}-{NEW}")
    )
    result = run(cluster)
    assert result.exit_code == 1
    assert "is damaged, and nothing is pruned" in result.stderr
    assert backups_left(cluster) == {OLD, NEW}
    assert [reason for _, reason, _ in events(cluster)] == ["BackupFailed"]


@pytest.mark.parametrize("action", ["restore", "backup", "resume"])
def test_a_time_at_which_another_action_runs_is_skipped(cluster, action) -> None:
    add_running(cluster, "r", action)
    result = run(cluster)
    assert result.exit_code == 0
    assert not made_action_sets(cluster)
    ((kind, reason, message),) = events(cluster)
    assert (kind, reason) == ("Warning", "BackupSkipped")
    assert f"ActionSet kasten-io/r, action {action}, has not ended" in message


def test_a_restore_through_another_blueprint_is_seen(cluster) -> None:
    add_running(cluster, "r", "restore", given=RESTORE)
    patch = {"spec": {"actions": [{"name": "restore", "blueprint": "b", "artifacts": {}}]}}
    patch["spec"]["actions"][0]["artifacts"] = {"kafka": {"keyValue": RESTORE}}
    cluster.change("actionsets", "kasten-io", "r", patch)
    assert run(cluster).exit_code == 0
    assert not made_action_sets(cluster)


def test_an_action_of_another_kafka_does_not_count(cluster) -> None:
    add_running(cluster, "r", "restore")
    of_other = {"name": "restore", "blueprint": "kafka.other", "object": {"namespace": "kafka"}}
    cluster.change("actionsets", "kasten-io", "r", {"spec": {"actions": [of_other]}})
    with_kanister(cluster)
    assert run(cluster).exit_code == 0
    assert len(made_action_sets(cluster)) == 1


def test_without_the_flag_a_busy_kafka_is_an_error(cluster) -> None:
    add_running(cluster, "r", "restore")
    words = ["backups", "create", "my-cluster", "-n", "kafka"]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 1
    assert "ActionSet kasten-io/r, action restore, has not ended" in result.stderr


def test_an_action_that_no_controller_runs_any_more_is_an_error(cluster) -> None:
    """Else each later backup would be skipped, and nothing would fail."""
    add_running(cluster, "r", "backup", minutes=600)
    result = run(cluster)
    assert result.exit_code == 1
    assert "kubectl delete actionset r -n kasten-io" in result.stderr
    assert [reason for _, reason, _ in events(cluster)] == ["BackupFailed"]


@pytest.mark.parametrize("state", ["restoring", "stopped", "unheard-of"])
def test_a_kafka_that_was_left_stopped_is_an_error(cluster, state) -> None:
    data = {"state": state}
    cluster.add("configmaps", "kafka", "my-cluster-kanister-kafka", data=data)
    result = run(cluster)
    assert result.exit_code == 1
    assert f"Kafka kafka/my-cluster is {state}, and no action runs" in result.stderr
    assert not made_action_sets(cluster)


@pytest.mark.parametrize("plural", ["actionsets", "configmaps"])
def test_what_may_not_be_read_may_be_a_restore(cluster, plural) -> None:
    cluster.refusals.append(("GET", plural, 403))
    result = run(cluster)
    assert result.exit_code == 2
    assert not made_action_sets(cluster)


def test_a_short_outage_of_the_api_server_costs_no_backup(cluster) -> None:
    with_kanister(cluster)
    refusal = ("GET", "actionsets", 503)
    cluster.refusals.append(refusal)
    cluster.time.after(10, lambda: cluster.refusals.remove(refusal))
    assert run(cluster).exit_code == 0
    assert len(made_action_sets(cluster)) == 1


def test_a_long_outage_is_an_error(cluster) -> None:
    cluster.refusals.append(("GET", "actionsets", 503))
    assert run(cluster).exit_code == 2
    assert not made_action_sets(cluster)


def test_an_event_that_cannot_be_written_changes_nothing(cluster) -> None:
    add_running(cluster, "r", "restore")
    cluster.refusals.append(("POST", "events", 403))
    result = run(cluster)
    assert result.exit_code == 0
    assert "no event could be written" in result.stderr


def requests(cluster) -> set[tuple[str, str, str, str]]:
    """Return verb, namespace, resource and name of each request, except discovery."""
    found = set()
    for method, path, _ in cluster.asked:
        match = re.fullmatch(r"/apis?/(?:[^/]+/)?v[^/]+/namespaces/([^/]+)/([^/]+)(?:/(.+))?", path)
        if match:
            namespace, resource, name = match.groups()
            verb = VERBS.get(method) or ("get" if name else "list")
            found.add((verb, namespace, resource, name or ""))
    return found


def test_the_account_may_do_what_the_command_does_and_no_more(cluster) -> None:
    (account,) = [one for one in PLAN.accounts if one.name == PLAN.schedule.name]
    allowed = {
        (verb, right.namespace, right.resource, name)
        for right in account.rights
        for name in right.names or ("*",)
        for verb in right.verbs
    }
    add_backup(cluster, OLD)
    cluster.add("configmaps", "kafka", "my-cluster-kanister-kafka")
    add_running(cluster, "r", "restore")
    run(cluster)
    cluster.drop("actionsets", "kasten-io", "r")
    run(cluster)  # no controller takes it up: it is deleted again
    with_kanister(cluster)
    assert run(cluster).exit_code == 0
    used = set()
    for verb, namespace, resource, name in requests(cluster):
        right = (verb, namespace, resource, name)
        used.add(right if right in allowed else (verb, namespace, resource, "*"))
    assert used == allowed


def test_ctrl_c_during_the_prune_ends_the_command(cluster, monkeypatch) -> None:
    """Without it the new backup would be copied off the cluster next."""
    add_backup(cluster, OLD)
    with_kanister(cluster)
    cluster.objects["blueprints", "kasten-io", "kafka.my-cluster"]["actions"]["export"] = {
        "phases": [{**task("exportCheck"), "args": {"command": ["bash", "EXPORT_PROFILE=s3"]}}]
    }
    names = interrupt_first(monkeypatch)
    result = run(cluster)
    assert result.exit_code == 130, result.stderr
    assert len(names) == 1
    assert len(made_action_sets(cluster)) == 1, "no export"
