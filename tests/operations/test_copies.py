"""Keep rules for copies off the cluster: which copies they remove, and what they leave alone."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.cli import main
from kanister_kafka.constants import EXPORTED
from kanister_kafka.errors import ActionError
from kanister_kafka.operations.actionset import ActionPhase, ActionSet, ActionState
from kanister_kafka.operations.backups.copies import BackupCopy, KeepRules, plan_copies, read_copies
from kanister_kafka.operations.backups.model import Backup
from kanister_kafka.strimzi.discovery import KafkaRef
from tests.fakes.cluster import Kanister, add_blueprint, add_kafka, serving, task
from tests.fakes.fake_time import FakeTime
from tests.operations.test_backups import NEW, OLD, add_backup
from tests.operations.test_scheduled_backup import (
    PHASES,
    backups_left,
    events,
    made_action_sets,
    requests,
    scheduled_plan,
)

KAFKA = KafkaRef("kafka", "my-cluster")
OLDEST = "20260101030405"
REPOSITORY = "s3:https://s3.example.com/bucket/kanister-kafka"
UID = "11111111-2222-3333-4444-{}".format
NOW = datetime(2026, 2, 1, tzinfo=timezone.utc)
PLAN = scheduled_plan(export_profile="s3", keep_last=3, keep_copies_last=1)


def copy_of(name: str, *, cluster_id: str = "c1", uid: str = "", whole: bool = True) -> BackupCopy:
    chosen = UID(name[-12:]) if not uid else uid.strip("-")
    return BackupCopy(name=name, kafka=KAFKA, cluster_id=cluster_id, uid=chosen, whole=whole)


def row(copy: BackupCopy) -> str:
    whole = "yes" if copy.whole else "no"
    return f"{copy.name} {copy.uid or '-'} {copy.cluster_id or '-'} {whole}"


def output(*copies: BackupCopy) -> dict[str, str]:
    """Return what the phase `listCopies` puts out."""
    text = "".join(f"{row(copy)}\n" for copy in copies) or "\n"
    packed = base64.b64encode(gzip.compress(text.encode())).decode()
    return {"repository": REPOSITORY, "count": str(len(copies)), "copies": packed}


def action_set(found: Any) -> ActionSet:
    return ActionSet(
        name="a",
        namespace="kasten-io",
        created="",
        version="1",
        action="listCopies",
        blueprint="b",
        target="kafka",
        state=ActionState.COMPLETE,
        phases=(ActionPhase("listCopies", ActionState.COMPLETE, output=found),),
        error="",
        artifacts={},
    )


# The list


def test_list_is_read_as_the_phase_writes_it() -> None:
    copies = (copy_of(NEW), copy_of(OLD, whole=False), copy_of(OLDEST, cluster_id="", uid="-"))
    assert read_copies(action_set(output(*copies)), KAFKA) == copies
    assert read_copies(action_set(output()), KAFKA) == ()


GOOD = output(copy_of(NEW))


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"count": "0"},
        {**GOOD, "count": "2"},
        {**GOOD, "count": "many"},
        {**GOOD, "copies": ""},
        {**GOOD, "copies": GOOD["copies"][:-8]},
        {**GOOD, "copies": "not base64!"},
        {**GOOD, "copies": base64.b64encode(b"not gzip").decode()},
        {**GOOD, "copies": base64.b64encode(gzip.compress(b"../etc u c yes\n")).decode()},
        {**GOOD, "copies": base64.b64encode(gzip.compress("\u00e9".encode())).decode()},
        {**GOOD, "copies": base64.b64encode(gzip.compress(b"x" * 32 * 1024**2)).decode()},
    ],
    ids=[
        *("nothing", "no-rows", "too-few", "no-number", "empty", "cut", "base64", "gzip", "row"),
        *("ascii", "too-large"),
    ],
)
def test_list_that_cannot_be_read_is_not_an_empty_one(found: dict[str, str]) -> None:
    with pytest.raises(ActionError, match="list of copies in ActionSet kasten-io/a cannot be read"):
        read_copies(action_set(found), KAFKA)


def test_action_set_without_phases_is_not_an_empty_list() -> None:
    with pytest.raises(ActionError):
        read_copies(replace(action_set({}), phases=()), KAFKA)


# The plan


def reasons(*copies: BackupCopy, rules: KeepRules) -> dict[str, tuple[str, ...]]:
    plan = plan_copies(copies, (), "c1", rules, NOW)
    return {row(one.backup): one.reasons for one in plan.kept}  # type: ignore[arg-type]


def test_only_whole_copies_count() -> None:
    found = reasons(copy_of(NEW, whole=False), copy_of(OLD), copy_of(OLDEST), rules=LAST)
    assert found == {row(copy_of(NEW, whole=False)): ("incomplete",), row(copy_of(OLD)): ("last",)}


LAST = KeepRules(last=1)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (copy_of(OLDEST, cluster_id="c2"), "another cluster"),
        (copy_of(OLDEST, cluster_id=""), "unknown cluster"),
        (copy_of(OLDEST, uid="-"), "unknown cluster"),
    ],
    ids=["id", "no-id", "no-uid"],
)
def test_copies_of_another_cluster_stay(other: BackupCopy, reason: str) -> None:
    found = reasons(copy_of(NEW), copy_of(OLD), other, rules=LAST)
    assert found == {row(copy_of(NEW)): ("last",), row(other): (reason,)}


def test_copies_of_another_cluster_take_no_place() -> None:
    """The newest copy of this cluster stays, although the other cluster has newer ones."""
    other = copy_of(NEW, cluster_id="c2")
    found = reasons(other, copy_of(OLD), copy_of(OLDEST), rules=LAST)
    assert found == {row(other): ("another cluster",), row(copy_of(OLD)): ("last",)}


def test_name_of_several_clusters_is_removed_from_neither() -> None:
    twins = copy_of(OLD), copy_of(OLD, uid=UID("000000000000"))
    found = reasons(copy_of(NEW), *twins, rules=LAST)
    assert [found[row(one)] for one in twins] == [("several clusters",)] * 2


def interrupted(name: str, *, exported_at: str = "", uid: str = "") -> Backup:
    """Return a backup in the namespace whose copy is being deleted."""
    chosen = copy_of(name, uid=uid).uid
    return Backup(name=name, kafka=KAFKA, uid=chosen, exported=REPOSITORY, exported_at=exported_at)


@pytest.mark.parametrize(
    ("copies", "backup", "removed"),
    [
        ((), interrupted(OLD), [OLD]),
        ((copy_of(OLD, whole=False),), interrupted(OLD), [OLD]),
        ((copy_of(OLD),), interrupted(OLD), []),
        ((), interrupted(OLD, exported_at="2026-01-02T04:00:00Z"), []),
        ((), interrupted(OLD, uid="-"), []),
        ((), Backup(name=OLD, kafka=KAFKA, uid=UID("000000000000")), []),
    ],
    ids=["nothing-left", "volumes-left", "whole", "copied", "no-uid", "never-copied"],
)
def test_interrupted_deletion_is_repeated(copies, backup, removed) -> None:
    plan = plan_copies(copies, (backup,), "c1", LAST, NOW)
    assert names_of(plan) == removed
    assert [one.backup.name for one in plan.kept] == ([] if removed else [c.name for c in copies])


def test_copy_of_another_cluster_with_the_name_of_an_interrupted_deletion_stays() -> None:
    twin = copy_of(OLD, uid=UID("000000000000"))
    for copies in ((copy_of(OLD, whole=False), twin), (twin,)):
        plan = plan_copies((copy_of(NEW), *copies), (interrupted(OLD),), "c1", LAST, NOW)
        assert [(one.name, one.uid) for one in plan.removed] == [(OLD, copy_of(OLD).uid)]
        kept = {row(one.backup): one.reasons for one in plan.kept}
        assert kept == {row(copy_of(NEW)): ("last",), row(twin): ("several clusters",)}


COPIES = st.lists(
    st.builds(
        copy_of,
        st.integers(1, 28).map(lambda day: f"202601{day:02d}030405"),
        cluster_id=st.sampled_from(["c1", "c2", ""]),
        uid=st.sampled_from(["", "-", UID("000000000000")]),
        whole=st.booleans(),
    ),
    max_size=30,
)


@settings(max_examples=150, derandomize=True)
@given(COPIES, st.integers(0, 4), st.integers(0, 4))
def test_rules_hold_for_every_store(copies: list[BackupCopy], last: int, daily: int) -> None:
    plan = plan_copies(copies, (), "c1", KeepRules(last=last, daily=daily), NOW)
    names = [one.name for one in copies]
    assert sorted(names) == sorted([one.backup.name for one in plan.kept] + [*names_of(plan)])
    own = [one for one in copies if names.count(one.name) == 1 and one.uid]
    whole = {one.name for one in own if one.whole and one.cluster_id == "c1"}
    assert set(names_of(plan)) <= whole
    if whole:
        assert max(whole) not in names_of(plan), "the newest whole copy stays"
        assert len(whole) - len(names_of(plan)) >= min(len(whole), max(1, last))


def names_of(plan) -> list[str]:
    return [one.name for one in plan.removed]


@pytest.mark.parametrize(
    ("fields", "removed"),
    [
        ({"copy_verified": "failed"}, []),
        ({"copy_verified": "passed"}, [OLD]),
        ({"verified": "failed"}, [OLD]),
    ],
    ids=["failed", "passed", "snapshots"],
)
def test_copy_whose_verification_has_failed_takes_no_place(fields, removed) -> None:
    backup = Backup(name=NEW, kafka=KAFKA, uid=copy_of(NEW).uid, **fields)
    plan = plan_copies((copy_of(NEW), copy_of(OLD)), (backup,), "c1", LAST, NOW)
    assert names_of(plan) == removed


# The commands


def add_local(cluster, name: str) -> None:
    """Add a backup to the namespace, of which `copy_of` is the copy."""
    add_backup(cluster, name, action_set=False)
    facts = f"my-cluster-backup-{name}-facts"
    cluster.change("secrets", "kafka", facts, {"metadata": {"uid": copy_of(name).uid}})


@dataclass
class Store:
    """Copies in a store, as the steps of the Blueprint list and delete them."""

    cluster: Any
    kanister: Kanister
    copies: list[BackupCopy]
    listed: dict[str, str] | None = None
    """The last list; a test puts another one in its place in `kanister.outputs`."""

    def run(self, made: dict[str, Any]) -> None:
        """Do what the phases of an ActionSet do before it is complete."""
        if made["kind"] != "ActionSet":
            return
        (action,) = made["spec"]["actions"]
        name = action.get("artifacts", {}).get("kafka", {}).get("keyValue", {}).get("backup")
        if action["name"] == "backup":
            add_local(self.cluster, NEW)
        elif action["name"] == "export":
            self.copies.append(copy_of(name))
        elif action["name"] == "listCopies":
            if self.kanister.outputs.get("listCopies") is self.listed:
                self.listed = output(*self.copies)
                self.kanister.outputs["listCopies"] = self.listed
        elif action["name"] == "deleteCopy" and not self.kanister.fails:
            uid = action["options"]["uid"]
            self.copies = [one for one in self.copies if (one.name, one.uid) != (name, uid)]
            self.mark(name, None)

    def mark(self, backup: str, value: str | None) -> None:
        facts = f"my-cluster-backup-{backup}-facts"
        if ("secrets", "kafka", facts) in self.cluster.objects:
            annotations = {"metadata": {"annotations": {EXPORTED: value}}}
            self.cluster.change("secrets", "kafka", facts, annotations)

    @property
    def names(self) -> list[str]:
        return sorted(one.name for one in self.copies)


ACTIONS = {
    "backup": PHASES,
    "export": ("exportCheck", "exportCopy", "exportMark"),
    "listCopies": ("listCopies",),
    "deleteCopy": ("deleteCopyCheck", "deleteCopy", "deleteCopyMark"),
}


def add_exporting(cluster, name="kafka.my-cluster", *, without=()):
    actions = {key: phases for key, phases in ACTIONS.items() if key not in without}
    blueprint = add_blueprint(cluster, name, **actions)
    if "export" not in without:
        check = {**task("exportCheck"), "args": {"command": ["bash", "EXPORT_PROFILE=s3"]}}
        blueprint["actions"]["export"]["phases"][0] = check


@pytest.fixture
def cluster(configure):
    with serving(FakeTime()) as cluster:
        configure(cluster.url)
        add_kafka(cluster)
        add_exporting(cluster)
        yield cluster


def store_of(cluster, *copies: BackupCopy, **more: Any) -> Store:
    kanister = Kanister(cluster, **more)
    values = {"cluster": "my-cluster", "namespace": "kafka", "backup": NEW, "stop": "clean"}
    kanister.artifacts = {"kafka": {"keyValue": values}}
    store = Store(cluster, kanister, list(copies))
    cluster.on_create.insert(0, store.run)
    return store


def run(cluster, *words):
    return CliRunner().invoke(main, words, catch_exceptions=False, obj=cluster.time.clock)


def prune(cluster, *words):
    return run(cluster, "backups", "prune", "-n", "kafka", "--copies", "--keep-last", "1", *words)


def asked(cluster) -> list[str]:
    return [body["spec"]["actions"][0]["name"] for _, _, _, body in made_action_sets(cluster)]


def test_copies_are_listed_again_after_the_question(cluster, monkeypatch) -> None:
    store = store_of(cluster, copy_of(NEW), copy_of(OLD), copy_of(OLDEST))

    def confirm(*_words, yes):
        assert not yes
        store.copies.pop(0)  # a colleague deletes the newest copy

    monkeypatch.setattr("kanister_kafka.cli.commands.backups.delete.confirm", confirm)
    result = prune(cluster)
    assert result.exit_code == 0, result.stderr
    assert f"backup {OLD} of Kafka {KAFKA} stays: " in result.stderr
    assert store.names == [OLD]


def deletions(cluster) -> list[dict[str, Any]]:
    actions = [body["spec"]["actions"][0] for _, _, _, body in made_action_sets(cluster)]
    return [action for action in actions if action["name"] == "deleteCopy"]


def test_copies_are_pruned_and_backups_stay(cluster) -> None:
    add_local(cluster, OLD)
    store = store_of(cluster, copy_of(NEW), copy_of(OLD), copy_of(OLDEST))
    store.mark(OLD, f"2026-01-02T04:00:00Z {REPOSITORY}")
    result = prune(cluster, "--yes")
    assert result.exit_code == 0, result.stderr
    assert store.names == [NEW]
    assert backups_left(cluster) == {OLD}
    assert asked(cluster) == ["listCopies", "deleteCopy", "listCopies", "deleteCopy"]
    assert [one["options"] for one in deletions(cluster)] == [
        {"uid": copy_of(OLD).uid},
        {"uid": copy_of(OLDEST).uid},
    ]
    assert {one["profile"]["name"] for one in deletions(cluster)} == {"s3"}
    listed = json.loads(run(cluster, "backups", "list", "-n", "kafka", "-o", "json").stdout)
    assert [(one["exported"], one["exportedAt"]) for one in listed] == [(None, None)]


def at_deletion(cluster, number: int, play) -> None:
    """Do something while the deletion of this number runs."""
    count = itertools.count(1)

    def look(made: dict[str, Any]) -> None:
        is_deletion = made["kind"] == "ActionSet" and made["spec"]["actions"][0]["name"] == (
            "deleteCopy"
        )
        if is_deletion and next(count) == number:
            play()

    cluster.on_create.insert(0, look)


def schedule_or_prune(cluster, command: str):
    if command == "prune":
        return prune(cluster, "--yes")
    return run(cluster, *PLAN.schedule.arguments)


@pytest.mark.parametrize("command", ["prune", "schedule"])
def test_copy_that_a_rule_keeps_by_now_stays(cluster, command) -> None:
    """Another client has deleted the newest copy while the first deletion ran."""
    store = store_of(cluster, copy_of(NEW), copy_of(OLD), copy_of(OLDEST))
    if command == "schedule":
        store.copies.pop(0)

    def lose() -> None:
        store.copies = [one for one in store.copies if one.name == OLDEST]

    at_deletion(cluster, 1, lose)
    result = schedule_or_prune(cluster, command)
    assert len(deletions(cluster)) == 1
    assert store.names == [OLDEST]
    if command == "prune":
        assert result.exit_code == 0, result.stderr
        assert (
            f"the copy of backup {OLDEST} of Kafka {KAFKA} stays: a rule keeps it" in result.stderr
        )
    else:
        assert result.exit_code == 1
        assert "does not have the new one" in result.stderr


def test_copy_that_another_run_has_deleted_is_not_deleted_again(cluster) -> None:
    store = store_of(cluster, copy_of(NEW), copy_of(OLD), copy_of(OLDEST))
    at_deletion(cluster, 1, lambda: store.copies.pop())
    result = prune(cluster, "--yes")
    assert result.exit_code == 0, result.stderr
    assert f"the copy of backup {OLDEST} of Kafka {KAFKA} is gone" in result.stderr
    assert len(deletions(cluster)) == 1


@pytest.mark.parametrize("command", ["prune", "schedule"])
def test_copies_stay_if_they_cannot_be_listed_again(cluster, command) -> None:
    names = ("20251230030405", OLDEST, OLD, NEW)
    store = store_of(cluster, *map(copy_of, reversed(names)))
    if command == "schedule":
        store.copies.pop(0)

    def fail() -> None:
        store.kanister.outputs["listCopies"] = {**GOOD, "count": "9"}

    at_deletion(cluster, 1, fail)
    result = schedule_or_prune(cluster, command)
    assert result.exit_code == 1
    assert "cannot be read" in result.stderr
    assert len(deletions(cluster)) == 1
    assert asked(cluster).count("listCopies") == 2, "it is not tried for each copy"
    not_deleted = result.stderr.partition("not deleted")[2]
    assert all(name in not_deleted for name in names[:2])


def test_copies_of_each_kafka_are_listed_before_their_deletion(cluster) -> None:
    add_kafka(cluster, name="other")
    add_exporting(cluster, "kafka.other")
    store_of(cluster, copy_of(NEW), copy_of(OLD))
    result = prune(cluster, "--yes")
    assert result.exit_code == 0, result.stderr
    assert asked(cluster)[:4] == ["listCopies", "listCopies", "listCopies", "deleteCopy"]


def test_interrupt_of_a_list_ends_with_130(cluster, monkeypatch) -> None:
    store = store_of(cluster, copy_of(NEW), copy_of(OLD))

    def interrupt(_self):
        raise KeyboardInterrupt

    monkeypatch.setattr("kanister_kafka.operations.action_follower.Follower.events", interrupt)
    assert prune(cluster, "--yes").exit_code == 130
    assert store.names == [OLD, NEW]


def test_backup_whose_deletion_of_the_copy_was_interrupted_is_listed_as_not_copied(cluster) -> None:
    for name in (NEW, OLD):
        add_local(cluster, name)
    store = store_of(cluster, copy_of(NEW))
    store.mark(NEW, f"2026-01-03T04:00:00Z {REPOSITORY}")
    store.mark(OLD, f"deleting {REPOSITORY}")
    result = prune(cluster, "--yes")
    assert result.exit_code == 0, result.stderr
    (deletion,) = deletions(cluster)
    assert deletion["options"] == {"uid": copy_of(OLD).uid}
    listed = json.loads(run(cluster, "backups", "list", "-n", "kafka", "-o", "json").stdout)
    assert {one["name"]: one["exported"] for one in listed} == {NEW: REPOSITORY, OLD: None}


def test_list_does_not_stay_in_an_action_set(cluster) -> None:
    store_of(cluster, copy_of(NEW))
    assert prune(cluster, "--yes").exit_code == 0
    assert not [name for plural, _, name in cluster.objects if plural == "actionsets"]


def test_list_that_cannot_be_removed_is_a_warning(cluster) -> None:
    store = store_of(cluster, copy_of(NEW), copy_of(OLD))
    cluster.refusals.append(("DELETE", "actionsets", 403))
    result = prune(cluster, "--yes")
    assert result.exit_code == 0, result.stderr
    assert "stays: " in result.stderr
    assert store.names == [NEW]


@pytest.mark.parametrize("dry", ["--dry-run", "--dry-run=server"])
def test_dry_run_deletes_nothing_and_prints_the_plan(cluster, dry) -> None:
    store = store_of(cluster, copy_of(NEW), copy_of(OLD), copy_of(OLDEST, cluster_id="c2"))
    result = prune(cluster, dry)
    assert result.exit_code == 0, result.stderr
    assert store.names == [OLDEST, OLD, NEW]
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    assert [(one[0], one[3:]) for one in rows] == [
        (NEW, ["keep", "last"]),
        (OLD, ["remove"]),
        (OLDEST, ["keep", "another", "cluster"]),
    ]


def test_json_is_all_of_standard_output(cluster) -> None:
    store = store_of(cluster, copy_of(NEW), copy_of(OLD))
    result = prune(cluster, "-o", "json", "--yes")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {
        "kept": [{"name": NEW, "kafka": "kafka/my-cluster", "keptBy": ["last"]}],
        "removed": [{"name": OLD, "kafka": "kafka/my-cluster"}],
    }
    assert store.names == [NEW]


def test_without_an_answer_nothing_is_deleted(cluster) -> None:
    store = store_of(cluster, copy_of(NEW), copy_of(OLD))
    result = prune(cluster)
    assert result.exit_code == 2
    assert store.names == [OLD, NEW]


@pytest.mark.parametrize("found", [{"count": "1"}, {**GOOD, "count": "3"}], ids=["missing", "cut"])
def test_list_that_cannot_be_read_deletes_nothing(cluster, found) -> None:
    store = store_of(cluster, copy_of(NEW), copy_of(OLD))
    store.kanister.outputs["listCopies"] = found
    result = prune(cluster, "--yes")
    assert result.exit_code == 1
    assert "cannot be read" in result.stderr
    assert asked(cluster) == ["listCopies"]


def test_list_that_fails_deletes_nothing_of_any_kafka(cluster) -> None:
    add_kafka(cluster, name="other")
    add_exporting(cluster, "kafka.other")
    lines = {"listCopies": ["x: FAILED while listing: the store does not answer"]}
    store = store_of(cluster, copy_of(NEW), copy_of(OLD), fails=("listCopies",), says=lines)
    result = prune(cluster, "--yes")
    assert result.exit_code == 1
    assert "the store does not answer" in result.stderr
    assert store.names == [OLD, NEW]
    assert not deletions(cluster)


def test_cluster_id_that_is_not_known_deletes_nothing(cluster) -> None:
    cluster.change("kafkas", "kafka", "my-cluster", {"status": {"clusterId": None}})
    store = store_of(cluster, copy_of(NEW), copy_of(OLD))
    result = prune(cluster, "--yes")
    assert result.exit_code == 1
    assert "the cluster id of Kafka kafka/my-cluster is not known" in result.stderr
    assert store.names == [OLD, NEW]


def test_copy_in_use_stays_and_others_are_deleted(cluster) -> None:
    store = store_of(cluster, copy_of(NEW), copy_of(OLD), copy_of(OLDEST))
    values = {"cluster": "my-cluster", "namespace": "kafka", "backup": OLD}
    action = {
        "name": "deleteCopy",
        "blueprint": "kafka.my-cluster",
        "artifacts": {"kafka": {"keyValue": values}},
        "object": {"namespace": "kafka"},
    }
    status = {"state": "running", "actions": [{"name": "deleteCopy", "phases": []}]}
    cluster.add("actionsets", "kasten-io", "r", spec={"actions": [action]}, status=status)
    result = prune(cluster, "--yes")
    assert result.exit_code == 1
    assert f"the copy of backup {OLD} of Kafka kafka/my-cluster is in use" in result.stderr
    assert store.names == [OLD, NEW]


def test_copies_of_a_kafka_that_is_being_restored_stay(cluster) -> None:
    data = {"state": "restoring"}
    cluster.add("configmaps", "kafka", "my-cluster-kanister-kafka", data=data)
    store = store_of(cluster, copy_of(NEW), copy_of(OLD))
    result = prune(cluster, "--yes")
    assert result.exit_code == 1
    assert "is being restored" in result.stderr
    assert store.names == [OLD, NEW]


def test_deletion_that_fails_is_an_error_and_the_next_one_is_tried(cluster) -> None:
    lines = {"deleteCopy": ["x: FAILED while deleting: the repository is locked"]}
    store_of(cluster, copy_of(NEW), copy_of(OLD), copy_of(OLDEST), fails=["deleteCopy"], says=lines)
    result = prune(cluster, "--yes")
    assert result.exit_code == 1
    assert "the repository is locked" in result.stderr
    assert len(deletions(cluster)) == 2


@pytest.mark.parametrize(
    ("without", "reason"),
    [
        (("export", "listCopies", "deleteCopy"), "rendered without --export-profile"),
        (("listCopies",), "was rendered by an earlier version"),
    ],
)
def test_blueprint_that_lists_no_copies(cluster, without, reason) -> None:
    cluster.drop("blueprints", "kasten-io", "kafka.my-cluster")
    add_exporting(cluster, without=without)
    store_of(cluster, copy_of(NEW), copy_of(OLD))
    result = prune(cluster, "--yes")
    assert result.exit_code == 1
    assert reason in result.stderr
    assert not asked(cluster)


def test_kafka_without_copies_does_not_keep_others_from_being_pruned(cluster) -> None:
    add_kafka(cluster, name="other")
    store = store_of(cluster, copy_of(NEW), copy_of(OLD))
    result = prune(cluster, "--yes")
    assert result.exit_code == 0, result.stderr
    assert "Kafka kafka/other is left out" in result.stderr
    assert store.names == [NEW]
    assert run(
        cluster, "backups", "prune", "-A", "--copies", "--keep-last", "1", "--kafka", "other"
    ).exit_code


def test_keep_rule_is_required(cluster) -> None:
    store_of(cluster, copy_of(NEW))
    assert run(cluster, "backups", "prune", "-n", "kafka", "--copies").exit_code == 2
    assert not asked(cluster)


# After a scheduled backup


def test_copies_are_pruned_after_the_new_one(cluster) -> None:
    store = store_of(cluster, copy_of(OLD), copy_of(OLDEST))
    result = run(cluster, *PLAN.schedule.arguments)
    assert result.exit_code == 0, result.stderr
    pruned = ["listCopies", "deleteCopy"]
    assert asked(cluster) == ["backup", "export", *pruned, *pruned]
    assert store.names == [NEW]
    assert not events(cluster)


def test_cluster_id_is_that_of_the_new_backup(cluster) -> None:
    """The status of the Kafka may not have it yet after the stop."""
    cluster.change("kafkas", "kafka", "my-cluster", {"status": {"clusterId": None}})
    store = store_of(cluster, copy_of(OLD))
    assert run(cluster, *PLAN.schedule.arguments).exit_code == 0
    assert store.names == [NEW]


def test_copies_stay_without_rules_for_them(cluster) -> None:
    plan = scheduled_plan(export_profile="s3")
    store = store_of(cluster, copy_of(OLD))
    assert run(cluster, *plan.schedule.arguments).exit_code == 0
    assert asked(cluster) == ["backup", "export"]
    assert store.names == [OLD, NEW]


@pytest.mark.parametrize(
    ("fails", "text"),
    [("listCopies", "cannot be listed"), ("deleteCopy", "a copy could not be deleted")],
)
def test_copies_that_are_not_pruned_are_an_event_of_their_own(cluster, fails, text) -> None:
    lines = {fails: ["x: FAILED while working: the store does not answer"]}
    store_of(cluster, copy_of(OLD), fails=[fails], says=lines)
    result = run(cluster, *PLAN.schedule.arguments)
    assert result.exit_code == 1
    assert backups_left(cluster) == {NEW}
    ((kind, reason, message),) = events(cluster)
    assert (kind, reason) == ("Warning", "CopiesNotPruned")
    assert f"backup {NEW} is complete" in message
    assert text in message


@pytest.mark.parametrize("found", [(), (copy_of(NEW, whole=False),)], ids=["none", "not-whole"])
def test_copies_stay_if_the_list_does_not_have_the_new_one(cluster, found) -> None:
    """The export was complete: a list without it is not one of this store."""
    store = store_of(cluster, copy_of(OLD), copy_of(OLDEST))
    copies = (copy_of(OLD), copy_of(OLDEST), *found)
    store.kanister.outputs["listCopies"] = output(*copies)
    assert run(cluster, *PLAN.schedule.arguments).exit_code == 1
    assert store.names == [OLDEST, OLD, NEW]
    ((_, reason, message),) = events(cluster)
    assert reason == "CopiesNotPruned"
    assert "does not have the new one" in message


def test_copies_stay_if_the_new_one_has_failed(cluster) -> None:
    lines = {"exportCopy": ["x: FAILED while copying: no"]}
    store = store_of(cluster, copy_of(OLD), fails=["exportCopy"], says=lines)
    assert run(cluster, *PLAN.schedule.arguments).exit_code == 1
    assert asked(cluster) == ["backup", "export"]
    assert OLD in store.names
    assert [reason for _, reason, _ in events(cluster)] == ["ExportFailed"]


def test_rules_for_copies_cost_no_backup_if_there_are_no_copies(cluster) -> None:
    cluster.drop("blueprints", "kasten-io", "kafka.my-cluster")
    add_exporting(cluster, without=("export", "listCopies", "deleteCopy"))
    store_of(cluster)
    result = run(cluster, *PLAN.schedule.arguments)
    assert result.exit_code == 1
    assert backups_left(cluster) == {NEW}
    ((_, reason, message),) = events(cluster)
    assert reason == "CopiesNotPruned"
    assert "rendered without --export-profile" in message


# What is planned


def test_rights_are_those_without_the_rules() -> None:
    """The list needs the account of a copy, and its rules need no right of the CronJob."""
    before = scheduled_plan(export_profile="s3", keep_last=3)
    assert PLAN.accounts == before.accounts
    (listing,) = [phase for phase in PLAN.phases if phase.name == "listCopies"]
    (copying,) = [phase for phase in PLAN.phases if phase.name == "exportCopy"]
    assert listing.account == copying.account


def test_account_of_the_cron_job_may_prune_copies(cluster) -> None:
    (account,) = [one for one in PLAN.accounts if one.name == PLAN.schedule.name]
    allowed = {
        (verb, right.namespace, right.resource, name)
        for right in account.rights
        for name in right.names or ("*",)
        for verb in right.verbs
    }
    store = store_of(cluster, copy_of(OLD))
    cluster.add("configmaps", "kafka", "my-cluster-kanister-kafka")
    assert run(cluster, *PLAN.schedule.arguments).exit_code == 0
    assert store.names == [NEW]
    for verb, namespace, resource, name in requests(cluster):
        assert {(verb, namespace, resource, name), (verb, namespace, resource, "*")} & allowed, (
            verb,
            namespace,
            resource,
            name,
        )


def test_rules_are_arguments_of_the_cron_job() -> None:
    before = scheduled_plan(export_profile="s3", keep_last=3)
    assert PLAN.schedule.arguments == (*before.schedule.arguments, "--keep-copies-last=1")
    assert PLAN.schedule.deadline > before.schedule.deadline + 86400


@pytest.mark.parametrize(
    ("choices", "path", "message"),
    [
        ({"keep_copies_daily": 7}, "keep-copies-daily", "is for --export-profile"),
        ({"keep_copies_within": "90d"}, "keep-copies-within", "is for --export-profile"),
        (
            {"export_profile": "s3", "keep_copies_within": "soon"},
            "keep-copies-within",
            "such as 30d or 72h",
        ),
        (
            {"export_profile": "s3", "keep_copies_last": -1},
            "keep-copies-last",
            "must not be negative",
        ),
        (
            {"export_profile": "s3", "keep_copies_last": 1, "schedule": "", "keep_last": 0}
            | {"schedule_image": ""},
            "keep-copies-last",
            "is for --schedule",
        ),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(choices, path, message) -> None:
    (problem,) = replace(scheduled_plan().options, **choices).problems()
    assert problem.path == path
    assert message in problem.message
