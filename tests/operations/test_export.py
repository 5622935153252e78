"""Copies off the cluster: what starts them, what their failure changes, how they are deleted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner

from kanister_kafka.backup.options import SnapshotProvider
from kanister_kafka.cli import main
from kanister_kafka.constants import EXPORTED
from tests.fakes.cluster import Kanister, add_blueprint, add_kafka, serving, task
from tests.fakes.fake_time import FakeTime
from tests.operations.test_backups import NEW, OLD, add_backup
from tests.operations.test_scheduled_backup import (
    PHASES,
    add_running,
    backups_left,
    events,
    made_action_sets,
    scheduled_plan,
    with_kanister,
)

COPY = ("exportCheck", "exportCopy", "exportMark")
PLAN = scheduled_plan(export_profile="s3")
PROFILE = {
    "apiVersion": "v1alpha1",
    "kind": "Profile",
    "name": "s3",
    "group": "cr.kanister.io",
    "resource": "profiles",
    "namespace": "kasten-io",
}
REPOSITORY = "s3:https://s3.example.com/bucket/kanister-kafka"


@pytest.fixture
def cluster(configure):
    with serving(FakeTime()) as cluster:
        configure(cluster.url)
        add_kafka(cluster)
        blueprint = add_blueprint(
            cluster,
            backup=PHASES,
            restore=("restoreCheck",),
            export=COPY,
            deleteCopy=("deleteCopyCheck", "deleteCopy", "deleteCopyMark"),
        )
        check = {**task("exportCheck"), "args": {"command": ["bash", "EXPORT_PROFILE=s3"]}}
        blueprint["actions"]["export"]["phases"][0] = check
        yield cluster


def run(cluster, *words):
    return CliRunner().invoke(main, words, catch_exceptions=False, obj=cluster.time.clock)


def asked(cluster):
    """Return the action of each ActionSet that was made."""
    return [body["spec"]["actions"][0] for _, _, _, body in made_action_sets(cluster)]


def test_complete_backup_is_copied_after_it_is_pruned(cluster) -> None:
    add_backup(cluster, OLD)
    with_kanister(cluster)
    result = run(cluster, *PLAN.schedule.arguments)
    assert result.exit_code == 0, result.stderr
    backup, export = asked(cluster)
    assert [backup["name"], export["name"]] == ["backup", "export"]
    assert "profile" not in backup
    assert export["profile"] == PROFILE
    assert export["artifacts"]["kafka"]["keyValue"]["backup"] == NEW
    assert backups_left(cluster) == {NEW}
    assert not events(cluster)


def test_a_failed_copy_leaves_the_backup_and_both_are_reported(cluster) -> None:
    kanister = Kanister(
        cluster, fails=("exportCopy",), says={"exportCopy": ["x: FAILED while: the store is full"]}
    )
    values = {"cluster": "my-cluster", "namespace": "kafka", "backup": NEW, "stop": "clean"}
    kanister.artifacts = {"kafka": {"keyValue": values}}

    def leave(made):
        if made["spec"]["actions"][0]["name"] == "backup":
            add_backup(cluster, NEW, action_set=False)

    cluster.on_create.insert(0, lambda made: leave(made) if made["kind"] == "ActionSet" else None)
    result = run(cluster, *PLAN.schedule.arguments)
    assert result.exit_code == 1
    assert backups_left(cluster) == {NEW}
    assert f"backup {NEW} is complete in namespace kafka, and its copy" in result.stderr
    assert f"kanister-kafka backups export {NEW} --kafka my-cluster -n kafka" in result.stderr
    ((kind, reason, message),) = events(cluster)
    assert (kind, reason) == ("Warning", "ExportFailed")
    assert "the store is full" in message


def test_copy_that_runs_does_not_keep_a_backup_from_starting(cluster) -> None:
    add_running(cluster, "e", "export", minutes=600)
    with_kanister(cluster)
    result = run(cluster, *PLAN.schedule.arguments)
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize("name", ["latest", NEW])
def test_backup_is_copied_by_hand(cluster, name) -> None:
    add_backup(cluster, OLD)
    add_backup(cluster, NEW)
    Kanister(cluster)
    result = run(cluster, "backups", "export", name, "-n", "kafka")
    assert result.exit_code == 0, result.stderr
    (export,) = asked(cluster)
    assert export["profile"] == PROFILE
    assert export["artifacts"]["kafka"]["keyValue"]["backup"] == NEW


def test_incomplete_backup_is_not_copied(cluster) -> None:
    add_backup(cluster, NEW)
    secrets = [key for key in cluster.objects if key[0] == "secrets" and key[2].endswith("facts")]
    for _, namespace, name in secrets:
        cluster.drop("secrets", namespace, name)
    result = run(cluster, "backups", "export", NEW, "-n", "kafka")
    assert result.exit_code != 0
    assert not made_action_sets(cluster)


def test_blueprint_without_a_profile_has_no_copies(cluster) -> None:
    add_backup(cluster, NEW)
    cluster.drop("blueprints", "kasten-io", "kafka.my-cluster")
    add_blueprint(cluster, backup=PHASES)
    result = run(cluster, "backups", "export", NEW, "-n", "kafka")
    assert result.exit_code == 1
    assert "has no action export" in result.stderr


def test_list_and_describe_show_the_copy(cluster) -> None:
    add_backup(cluster, NEW)
    name = f"my-cluster-backup-{NEW}-facts"
    mark = {EXPORTED: f"2026-01-02T04:00:00Z {REPOSITORY}"}
    cluster.change("secrets", "kafka", name, {"metadata": {"annotations": mark}})
    result = run(cluster, "backups", "list", "-n", "kafka")
    assert "EXPORTED" in result.stdout
    assert "never" in result.stdout, "it is not verified"
    result = run(cluster, "backups", "describe", NEW, "-n", "kafka")
    assert f"ago to {REPOSITORY}" in result.stdout
    result = run(cluster, "backups", "list", "-n", "kafka", "-o", "json")
    assert f'"exported": "{REPOSITORY}"' in result.stdout
    assert '"exportedAt": "2026-01-02T04:00:00Z"' in result.stdout


def test_copy_whose_deletion_was_interrupted_has_no_time(cluster) -> None:
    add_backup(cluster, NEW)
    name = f"my-cluster-backup-{NEW}-facts"
    mark = {EXPORTED: f"deleting {REPOSITORY}"}
    cluster.change("secrets", "kafka", name, {"metadata": {"annotations": mark}})
    assert "being deleted" in run(cluster, "backups", "list", "-n", "kafka").stdout
    described = run(cluster, "backups", "describe", NEW, "-n", "kafka").stdout
    assert f"deletion from {REPOSITORY} has begun" in described
    result = run(cluster, "backups", "list", "-n", "kafka", "-o", "json")
    assert f'"exported": "{REPOSITORY}"' in result.stdout
    assert '"exportedAt": null' in result.stdout


def test_copy_is_deleted_before_the_backup(cluster) -> None:
    add_backup(cluster, NEW)
    Kanister(cluster)
    result = run(cluster, "backups", "delete", NEW, "-n", "kafka", "--copy", "--yes")
    assert result.exit_code == 0, result.stderr
    (deletion,) = asked(cluster)
    assert deletion["name"] == "deleteCopy"
    assert deletion["profile"] == PROFILE
    assert backups_left(cluster) == set()


def test_copy_that_cannot_be_deleted_leaves_both(cluster) -> None:
    add_backup(cluster, NEW)
    Kanister(cluster, fails=("deleteCopy",), says={"deleteCopy": ["no"]})
    result = run(cluster, "backups", "delete", NEW, "-n", "kafka", "--copy", "--yes")
    assert result.exit_code == 1
    assert backups_left(cluster) == {NEW}


def test_copy_stays_unless_it_is_named(cluster) -> None:
    add_backup(cluster, NEW)
    result = run(cluster, "backups", "delete", NEW, "-n", "kafka", "--yes")
    assert result.exit_code == 0, result.stderr
    assert not made_action_sets(cluster)


def test_copy_of_a_backup_that_is_gone_is_deleted_by_its_name(cluster) -> None:
    Kanister(cluster)
    words = ("backups", "delete", OLD, "-n", "kafka", "--kafka", "my-cluster", "--copy", "--yes")
    result = run(cluster, *words)
    assert result.exit_code == 0, result.stderr
    (deletion,) = asked(cluster)
    values = deletion["artifacts"]["kafka"]["keyValue"]
    assert (values["cluster"], values["backup"]) == ("my-cluster", OLD)


# What is planned


def test_without_a_profile_nothing_of_it_is_planned() -> None:
    plan = scheduled_plan()
    assert not {"export", "deleteCopy"} & {action.name for action in plan.actions}
    assert not any(account.name.endswith("-export") for account in plan.accounts)
    assert plan.export_secret == ""
    (delete,) = [action for action in plan.actions if action.name == "delete"]
    assert [phase.name for phase in delete.phases] == ["deleteBackup"]


def test_delete_removes_the_copy_first() -> None:
    (delete,) = [action for action in PLAN.actions if action.name == "delete"]
    names = [phase.name for phase in delete.phases]
    assert names == ["deleteBackupCopyCheck", "deleteBackupCopy", "deleteBackup"]


def test_account_of_a_copy_reads_no_secret_and_changes_nothing_of_kafka() -> None:
    (account,) = [one for one in PLAN.accounts if one.name.endswith("-export")]
    verbs = {(right.resource, right.subresource): set(right.verbs) for right in account.rights}
    assert verbs == {
        ("jobs", ""): {"create", "delete", "get", "list"},
        ("pods", ""): {"get", "list"},
        ("pods", "log"): {"get"},
        ("kafkas", ""): {"get"},
        ("events", ""): {"create"},
    }


def test_credentials_of_the_profile_are_in_no_phase() -> None:
    words = " ".join(word for phase in PLAN.phases for word in phase.values)
    assert ".Profile" in words
    assert "Credential" not in words


def test_limit_of_a_copy_is_that_of_the_job_too() -> None:
    longer = PLAN.schedule.deadline - scheduled_plan().schedule.deadline
    assert longer >= 86400
    assert any(word.startswith("--export-timeout=") for word in PLAN.schedule.arguments)


@pytest.mark.parametrize(
    ("choices", "path"),
    [
        ({"export_profile": "Not a name"}, "export-profile"),
        ({"export_profile": "s3", "export_parallel": 0}, "export-parallel"),
        ({"export_profile": "s3", "export_parallel": 65}, "export-parallel"),
        ({"export_profile": "s3", "export_memory": "64Mi"}, "export-memory"),
        ({"export_profile": "s3", "export_memory": "much"}, "export-memory"),
        ({"export_profile": "s3", "export_image": "no image"}, "export-image"),
        ({"export_secret": "x"}, "export-secret"),
        ({"export_parallel": 3}, "export-parallel"),
        (
            {"export_profile": "s3", "engine": SnapshotProvider.KASTEN, "schedule": ""},
            "export-profile",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)
def test_options_that_cannot_be_meant_are_refused(choices, path) -> None:
    options = scheduled_plan().options
    assert path in {problem.path for problem in replace(options, **choices).problems()}
