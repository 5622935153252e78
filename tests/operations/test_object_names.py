"""Names of rendered objects that Kustomize has changed, and the commands that need them."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache

import pytest
from click.testing import CliRunner

from kanister_kafka.backup.kustomization import rename
from kanister_kafka.backup.options import Options, SnapshotProvider, Strategy
from kanister_kafka.backup.planner import build_plan
from kanister_kafka.backup.render import render
from kanister_kafka.cli import main
from kanister_kafka.errors import ActionError, ForbiddenError, NotFoundError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.operations.apply.delete import stopped_kafka_reasons
from kanister_kafka.operations.backups.action_sets import find_busy_reason
from kanister_kafka.operations.backups.activity import BackupActivity
from kanister_kafka.operations.backups.model import Backup
from kanister_kafka.operations.live_kafka import LiveKafka
from kanister_kafka.operations.object_names import find_names
from kanister_kafka.operations.rehearsal.context import read_state
from kanister_kafka.operations.start_action import find_applied
from kanister_kafka.strimzi import read_cluster
from kanister_kafka.strimzi.discovery import KafkaRef, find_target
from kanister_kafka.timestamps import parse_timestamp
from kanister_kafka.yamldoc import load, to_python
from tests.conftest import ROOT
from tests.fakes.cluster import NOW, add_kafka, serving
from tests.fakes.fake_time import FakeTime

TARGET = KafkaRef("kafka", "my-cluster")
CONFIG_MAP, SWITCH = "my-cluster-kanister-kafka", "my-cluster-kanister-kafka-switch"
BLUEPRINT = "kafka.my-cluster"
KANISTER = Options(engine=SnapshotProvider.KANISTER)
TIME = FakeTime()
MEMO = {"strimzi.io/pause-reconciliation": "true", "kanister-kafka.io/pause-before": "unset"}
KINDS = ("Blueprint", "ConfigMap", "Deployment", "ServiceAccount")


@pytest.fixture
def cluster(configure):
    with serving(TIME) as cluster:
        configure(cluster.url)
        add_kafka(cluster)
        yield cluster


@lru_cache
def base(options=KANISTER):
    loaded = load([str(ROOT / "examples" / "kraft-separate-pools" / "kafka.yaml")])
    reading = read_cluster(loaded.documents)
    manifests = render(build_plan(reading.cluster, options), renamable=True)
    return [to_python(one.root) for manifest in manifests for one in manifest.documents]


def apply_overlay(cluster, prefix="", suffix="", *, options=KANISTER, kinds=KINDS):
    """Apply a base with these parts of names, as Kustomize makes it."""
    for item in rename(base(options), prefix, suffix):
        if item["kind"] in kinds:
            cluster.put(item)


def record(cluster, name, **data):
    cluster.change("configmaps", "kafka", name, {"data": {"since": NOW, **data}})


def invoke(*words):
    return CliRunner().invoke(main, [*words], obj=TIME.clock)


def find_own_names(**more):
    return find_names(KubeClient(), TARGET, **more)


def apply_without_blueprint(cluster, *affixes):
    apply_overlay(cluster, *affixes, kinds=("ConfigMap", "Deployment"))


@pytest.mark.parametrize(("prefix", "suffix"), [("dev-", ""), ("", "-x"), ("a-", "-b"), ("", "")])
def test_the_steps_of_the_blueprint_name_the_objects(cluster, prefix, suffix):
    apply_overlay(cluster, prefix, suffix)
    names = find_own_names()
    assert names.blueprint == f"{prefix}{BLUEPRINT}{suffix}"
    assert names.state_config_map == f"{prefix}{CONFIG_MAP}{suffix}"
    assert names.watchdog == f"{prefix}{SWITCH}{suffix}"
    assert names.is_renamed is bool(prefix or suffix)
    assert names.unused == ()
    cluster.drop("configmaps", "kafka", names.state_config_map)
    assert find_own_names() == names, "the Blueprint is sufficient"


def test_the_steps_of_a_blueprint_that_is_not_a_base_name_them_too(cluster):
    apply_overlay(cluster, "dev-")
    blueprint = cluster.get("blueprints", "kasten-io", f"dev-{BLUEPRINT}")
    text = json.dumps(blueprint).replace(
        '{"name": "STATE_CONFIGMAP", "valueFrom": {"fieldRef": {"fieldPath": '
        "\"metadata.annotations['kanister-kafka.io/record-name']\"}}}",
        '{"name": "STATE_CONFIGMAP", "value": "by-value"}',
    )
    assert "by-value" in text
    cluster.put(json.loads(text))
    for name in (CONFIG_MAP, f"dev-{CONFIG_MAP}"):
        cluster.drop("configmaps", "kafka", name)
    assert find_own_names().state_config_map == "by-value"


def test_without_a_blueprint_the_labels_name_the_objects(cluster):
    apply_without_blueprint(cluster, "dev-")
    names = find_own_names()
    assert (names.state_config_map, names.watchdog) == (f"dev-{CONFIG_MAP}", f"dev-{SWITCH}")
    # Of an earlier version, without the label of the Kafka.
    gone = {"metadata": {"labels": {"kanister-kafka.io/cluster": None}}}
    cluster.change("configmaps", "kafka", f"dev-{CONFIG_MAP}", gone)
    assert find_own_names() == names


def test_objects_of_another_kafka_are_not_its_own(cluster):
    apply_overlay(cluster, "dev-")
    assert find_names(KubeClient(), KafkaRef("kafka", "cluster")).state_config_map == (
        "cluster-kanister-kafka"
    )
    assert not find_names(KubeClient(), KafkaRef("other", "my-cluster")).is_renamed


def test_without_any_object_the_names_are_those_of_render(cluster):
    names = find_own_names()
    assert (names.blueprint_namespace, names.blueprint) == ("kasten-io", BLUEPRINT)
    assert (names.state_config_map, names.watchdog) == (CONFIG_MAP, SWITCH)
    del cluster.kinds["cr.kanister.io", "v1alpha1"]
    assert find_own_names() == names


def test_the_namespace_of_the_blueprint_is_in_the_annotation_of_the_state_config_map(cluster):
    options = Options(engine=SnapshotProvider.KANISTER, kasten_namespace="kanister")
    apply_overlay(cluster, "dev-", options=options)
    names = find_own_names()
    assert (names.blueprint_namespace, names.blueprint) == ("kanister", f"dev-{BLUEPRINT}")
    assert find_own_names(kasten_namespace="elsewhere").blueprint_namespace == "elsewhere"


def test_several_blueprints_are_an_error_with_the_names(cluster):
    apply_overlay(cluster, "dev-")
    apply_overlay(cluster, "prod-")
    for words in (["status"], ["resume"], ["run", "backupPrehook"], ["check"]):
        done = invoke(*words, "my-cluster", "-n", "kafka")
        assert done.exit_code == 1, (words, done.output)
        for prefix in ("dev-", "prod-"):
            assert f"Blueprint kasten-io/{prefix}{BLUEPRINT}" in done.stderr
            assert f"ConfigMap {prefix}{CONFIG_MAP}" in done.stderr
        assert "runs" not in done.output
    assert cluster.writes == []
    assert find_own_names(blueprint=f"dev-{BLUEPRINT}").state_config_map == f"dev-{CONFIG_MAP}"


def test_a_blueprint_with_the_default_name_does_not_hide_a_renamed_one(cluster):
    apply_overlay(cluster)
    apply_overlay(cluster, "dev-")
    with pytest.raises(ActionError, match=f"dev-{BLUEPRINT}"):
        find_own_names()
    with pytest.raises(ActionError, match=f"dev-{BLUEPRINT}"):
        find_applied(KubeClient(), TARGET, "kasten-io")


def test_several_state_config_maps_without_a_blueprint_are_an_error(cluster):
    apply_without_blueprint(cluster)
    apply_without_blueprint(cluster, "dev-")
    with pytest.raises(
        ActionError, match=f"several state ConfigMaps.*: dev-{CONFIG_MAP}, {CONFIG_MAP}\\."
    ):
        find_own_names()
    assert invoke("status", "my-cluster", "-n", "kafka").exit_code == 1


def test_several_watchdogs_without_a_blueprint_are_an_error(cluster):
    apply_without_blueprint(cluster, "dev-")
    apply_overlay(cluster, "prod-", kinds=("Deployment",))
    with pytest.raises(ActionError, match=f"several watchdogs.*: dev-{SWITCH}, prod-{SWITCH}"):
        find_own_names()


def test_a_stop_in_another_state_config_map_is_never_called_running(cluster):
    """A former overlay has stopped Kafka; the Blueprint is that of the present one."""
    apply_overlay(cluster, "dev-")
    apply_without_blueprint(cluster, "old-")
    assert find_own_names().unused == (f"old-{CONFIG_MAP}",)
    status = invoke("status", "my-cluster", "-n", "kafka")
    assert status.exit_code == 0
    assert f"a further state ConfigMap, which its Blueprint does not use: old-{CONFIG_MAP}" in (
        status.stdout
    )
    for state in ("quiescing", "stopped", "restoring", "of a later version"):
        record(cluster, f"old-{CONFIG_MAP}", state=state)
        with pytest.raises(ActionError, match=f"old-{CONFIG_MAP}.* has the state {state}"):
            find_own_names()
        for words in (["status"], ["resume"]):
            done = invoke(*words, "my-cluster", "-n", "kafka")
            assert (done.exit_code, done.stdout) == (1, "")
            assert f"ConfigMap old-{CONFIG_MAP} in namespace kafka has the state" in done.stderr


def test_status_of_all_kafkas_names_the_unclear_one_and_shows_the_others(cluster):
    cluster.add("kafkas", "kafka", "other", spec={"kafka": {}})
    apply_overlay(cluster, "dev-")
    apply_overlay(cluster, "prod-")
    done = invoke("status", "-A")
    assert done.exit_code == 1
    assert "kafka/other" in done.stdout
    assert "kafka/my-cluster" not in done.stdout
    assert f"prod-{BLUEPRINT}" in done.stderr


def test_status_and_resume_use_the_renamed_objects(cluster):
    cluster.change("kafkas", "kafka", "my-cluster", {"metadata": {"annotations": MEMO}})
    for number in (0, 1):
        cluster.drop("pods", "kafka", f"my-cluster-dual-{number}")
    apply_overlay(cluster, "dev-")
    record(cluster, f"dev-{CONFIG_MAP}", state="stopped", run=NOW)
    cluster.change("deployments", "kafka", f"dev-{SWITCH}", {"spec": {"replicas": 0}})
    actions = [{"name": "backupPrehook", "blueprint": f"dev-{BLUEPRINT}", "object": {}}]
    cluster.add(
        "actionsets",
        "kasten-io",
        "of-the-run",
        spec={"actions": actions},
        status={"state": "complete"},
    )
    shown = json.loads(invoke("status", "my-cluster", "-n", "kafka", "-o", "json").stdout)
    assert shown["record"]["state"] == "stopped"
    assert shown["blueprint"] == f"kasten-io/dev-{BLUEPRINT}"
    assert "of-the-run" in json.dumps(shown)
    dry = invoke("resume", "my-cluster", "-n", "kafka", "--dry-run")
    assert f"Deployment dev-{SWITCH} of namespace kafka would be triggered" in dry.output

    def serve():
        add_kafka(cluster)
        record(cluster, f"dev-{CONFIG_MAP}", state="running")
        cluster.change("deployments", "kafka", f"dev-{SWITCH}", {"spec": {"replicas": 0}})

    cluster.after(5, serve)
    done = invoke("resume", "my-cluster", "-n", "kafka")
    assert done.exit_code == 0, done.output
    assert ("PATCH", "deployments", f"dev-{SWITCH}") in [write[:3] for write in cluster.writes]


def test_the_remedy_for_a_missing_renamed_switch_applies_the_overlay(cluster):
    cluster.change("kafkas", "kafka", "my-cluster", {"metadata": {"annotations": MEMO}})
    apply_overlay(cluster, "dev-", kinds=("Blueprint", "ConfigMap"))
    done = invoke("resume", "my-cluster", "-n", "kafka")
    assert done.exit_code == 1
    assert f"there is no Deployment dev-{SWITCH} in namespace kafka" in done.stderr
    assert "kustomize build OVERLAY | kubectl apply" in done.stderr
    assert "kanister-kafka apply" not in done.output


def test_a_backup_waits_for_the_end_of_a_renamed_stop(cluster):
    apply_overlay(cluster, "dev-")
    connection = KubeClient()
    applied = find_applied(connection, TARGET, "kasten-io")
    assert applied.name == f"dev-{BLUEPRINT}"
    now = parse_timestamp(NOW)
    assert find_busy_reason(connection, TARGET, applied, 60, now) is None
    record(cluster, f"dev-{CONFIG_MAP}", state="stopped")
    busy = find_busy_reason(connection, TARGET, applied, 60, now)
    assert busy is not None
    assert "is stopped" in busy.text
    activity = BackupActivity(connection)
    record(cluster, f"dev-{CONFIG_MAP}", state="restoring", run=NOW)
    assert activity.making(TARGET, "".join(filter(str.isdecimal, NOW))) == (
        f"ConfigMap dev-{CONFIG_MAP} has the state restoring of its run"
    )
    backup = Backup(name="20260102030405", kafka=TARGET)
    assert "is being restored" in activity.why_not_deleted(backup)


def test_no_backup_is_deleted_while_it_is_not_certain_which_objects_are_those_of_its_kafka(cluster):
    apply_overlay(cluster, "dev-")
    apply_overlay(cluster, "prod-")
    activity = BackupActivity(KubeClient())
    backup = Backup(name="20260102030405", kafka=TARGET)
    assert f"prod-{BLUEPRINT}" in activity.why_not_deleted(backup)
    assert f"prod-{BLUEPRINT}" in activity.making(TARGET, "20260102030405")


def test_a_rehearsal_reads_the_renamed_objects(cluster):
    apply_overlay(cluster, "dev-")
    record(cluster, f"dev-{CONFIG_MAP}", state="stopped")
    cluster.change("deployments", "kafka", f"dev-{SWITCH}", {"spec": {"replicas": 1}})
    state = read_state(LiveKafka(KubeClient(), TARGET), find_own_names())
    assert (state.state, state.armed) == ("stopped", True)


def test_a_kafka_that_is_gone_is_found_by_its_renamed_state_config_map(cluster):
    apply_overlay(cluster, "dev-")
    cluster.drop("kafkas", "kafka", "my-cluster")
    assert find_target(KubeClient(), "kafka", "") == TARGET
    for item in list(cluster.objects):
        if item[0] == "configmaps":
            cluster.drop(*item)
    with pytest.raises(NotFoundError):
        find_target(KubeClient(), "kafka", "")


def test_objects_of_a_stopped_kafka_are_not_deleted_under_any_name(cluster):
    apply_overlay(cluster, "dev-")
    cluster.change("kafkas", "kafka", "my-cluster", {"metadata": {"annotations": MEMO}})
    items = rename(base(), "dev-", "")
    (reason,) = stopped_kafka_reasons(tuple(items), KubeClient())
    assert "Kafka my-cluster in namespace kafka has the pause of a backup" in reason
    assert "kanister-kafka resume my-cluster -n kafka" in reason


def test_an_account_that_may_read_only_the_objects_of_its_blueprint(cluster):
    """The CronJob of a schedule may read the state ConfigMap and the Blueprint by their names."""
    apply_overlay(cluster)
    cluster.refusals.append(("GET", "/(configmaps|blueprints|deployments)$", 403))
    assert find_own_names().state_config_map == CONFIG_MAP
    cluster.refusals.clear()
    for kind, name in (("blueprints", BLUEPRINT), ("configmaps", CONFIG_MAP)):
        home = "kasten-io" if kind == "blueprints" else "kafka"
        cluster.drop(kind, home, name)
    apply_overlay(cluster, "dev-")
    allowed = f"dev-{CONFIG_MAP}|dev-{BLUEPRINT}"
    pattern = rf"/(configmaps|blueprints|deployments)(?!/({allowed})$)"
    cluster.refusals.append(("GET", pattern, 403))
    cluster.asked.clear()
    names = find_own_names(kasten_namespace="kasten-io", blueprint=f"dev-{BLUEPRINT}")
    assert names.state_config_map == f"dev-{CONFIG_MAP}"
    paths = [path for _, path, _ in cluster.asked if "/namespaces/" in path]
    assert [path.rpartition("/")[2] for path in paths] == [f"dev-{BLUEPRINT}"]


def test_what_may_not_be_read_is_not_taken_for_running(cluster):
    apply_overlay(cluster, "dev-")
    cluster.refusals.append(("GET", "/(configmaps|blueprints|deployments)", 403))
    for words in (["status"], ["resume"]):
        done = invoke(*words, "my-cluster", "-n", "kafka")
        assert done.exit_code == ForbiddenError.exit_code
        assert "runs" not in done.output


def test_config_maps_that_may_not_be_listed_are_reported(cluster):
    apply_overlay(cluster)
    cluster.refusals.append(("GET", "/configmaps$", 403))
    done = invoke("status", "my-cluster", "-n", "kafka", "-o", "json")
    (line,) = json.loads(done.stdout)["notSeen"]
    assert line.startswith("ConfigMaps of namespace kafka: they may not be listed")


def test_a_blueprint_of_hot_backups_is_found_under_any_name(cluster):
    hot = Options(strategy=Strategy.HOT)
    apply_overlay(cluster, "dev-", options=hot)
    connection = KubeClient()
    assert find_applied(connection, TARGET, "kasten-io", hot=True).name == f"dev-{BLUEPRINT}.hot"
    with pytest.raises(NotFoundError):
        find_applied(connection, TARGET, "kasten-io")
    apply_overlay(cluster, "dev-")
    assert find_applied(connection, TARGET, "kasten-io").name == f"dev-{BLUEPRINT}"
    apply_overlay(cluster, "prod-", options=hot)
    with pytest.raises(ActionError, match=f"dev-{BLUEPRINT}.hot, prod-{BLUEPRINT}.hot"):
        find_applied(connection, TARGET, "kasten-io", hot=True)


def test_a_renamed_blueprint_in_another_namespace_is_found_by_its_accounts(cluster):
    options = Options(engine=SnapshotProvider.KANISTER, kasten_namespace="kanister")
    apply_overlay(cluster, "dev-", options=options)
    applied = find_applied(KubeClient(), TARGET, "kasten-io")
    assert (applied.namespace, applied.name) == ("kanister", f"dev-{BLUEPRINT}")


def put_blueprint(cluster, options, name):
    """Apply a Blueprint of another name for the same Kafka, as GitOps would."""
    loaded = load([str(ROOT / "examples" / "kraft-separate-pools" / "kafka.yaml")])
    reading = read_cluster(loaded.documents)
    plan = build_plan(reading.cluster, replace(options, name=name))
    for manifest in render(plan):
        for one in manifest.documents:
            if one.kind in KINDS:
                cluster.put(to_python(one.root))


def test_a_blueprint_that_is_applied_later_does_not_replace_the_default_one(cluster):
    apply_overlay(cluster)
    put_blueprint(cluster, Options(), "for-kasten")
    assert annotation_of(cluster) == "kasten-io/for-kasten"
    done = invoke("run", "backup", "my-cluster", "-n", "kafka", "--dry-run")
    assert f"blueprint: {BLUEPRINT}\n" in done.output, done.output


def annotation_of(cluster):
    metadata = cluster.get("configmaps", "kafka", CONFIG_MAP)["metadata"]
    return metadata["annotations"]["kanister-kafka.io/blueprint"]


def test_blueprints_with_the_same_objects_agree(cluster):
    put_blueprint(cluster, KANISTER, "cold")
    put_blueprint(cluster, replace(KANISTER, restart_after=7200), "slow")
    put_blueprint(cluster, KANISTER, "gone")
    cluster.drop("blueprints", "kasten-io", "gone")
    record(cluster, CONFIG_MAP, state="stopped")
    names = find_own_names()
    assert (names.state_config_map, names.watchdog) == (CONFIG_MAP, SWITCH)
    assert names.alternatives == ("kasten-io/cold", "kasten-io/slow")
    assert invoke("resume", "my-cluster", "-n", "kafka", "--dry-run").exit_code == 0
    done = invoke("run", "backup", "my-cluster", "-n", "kafka", "--dry-run")
    assert done.exit_code != 0
    assert "kasten-io/cold, kasten-io/slow; name one by --blueprint" in done.output


def test_nothing_is_deleted_if_the_state_may_not_be_read(cluster):
    apply_overlay(cluster, "dev-")
    record(cluster, f"dev-{CONFIG_MAP}", state="restoring")
    backup = Backup(name="20260101030405", kafka=TARGET)
    assert "is being restored" in BackupActivity(KubeClient()).why_not_deleted(backup)
    cluster.refusals.append(("GET", "/kafka/configmaps$", 403))
    assert "is being restored" in BackupActivity(KubeClient()).why_not_deleted(backup)
    cluster.refusals.append(("GET", "/blueprints", 403))
    activity = BackupActivity(KubeClient())
    for reason in (activity.why_not_deleted(backup), activity.making(TARGET, "20260101030405")):
        assert "ConfigMaps of namespace kafka: they may not be listed" in reason


def test_a_watchdog_that_may_not_be_listed_hides_no_backup(cluster):
    apply_overlay(cluster, "dev-")
    cluster.refusals.append(("GET", "/kasten-io/blueprints|/deployments$", 403))
    assert invoke("backups", "list", "-n", "kafka").exit_code == 0
    assert (
        "Deployments of namespace kafka: they may not be listed" in find_own_names().unsearched[0]
    )


def test_a_named_blueprint_is_read_from_the_namespace_in_the_state_config_map(cluster):
    apply_overlay(cluster)
    cluster.drop("blueprints", "kasten-io", BLUEPRINT)
    note = {"metadata": {"annotations": {"kanister-kafka.io/blueprint": f"kanister/{BLUEPRINT}"}}}
    cluster.change("configmaps", "kafka", CONFIG_MAP, note)
    assert find_own_names(blueprint=BLUEPRINT).blueprint_namespace == "kanister"


def test_blueprints_are_listed_once_for_all_kafkas(cluster):
    for number in range(4):
        add_kafka(cluster, name=f"other-{number}")
    assert invoke("status", "-A").exit_code in (0, 1)
    listed = [path for _, path, _ in cluster.asked if path.endswith("/blueprints")]
    assert len(listed) == 1
