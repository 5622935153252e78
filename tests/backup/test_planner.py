"""Plans: order, waits, rights, forms of Kasten, refusals of options."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from kanister_kafka import (
    BackupPlan,
    KastenOutput,
    Options,
    QuiesceMethod,
    StepTimeouts,
    Strategy,
    build_plan,
    load,
    plan_text,
    read_cluster,
    render,
)
from kanister_kafka.backup.model import BackupStage
from kanister_kafka.backup.options import SnapshotProvider, UncleanStop
from kanister_kafka.backup.phases import QUIET_SECONDS
from kanister_kafka.backup.rbac import access_review_specs
from kanister_kafka.backup.scripts import is_scripts
from kanister_kafka.diagnostics import Severity
from kanister_kafka.durations import format_duration, parse_duration
from kanister_kafka.reports.plan import plan_json
from kanister_kafka.reports.plan_page import plan_markdown
from kanister_kafka.strimzi.model import WorkloadName
from tests.conftest import ROOT
from tests.fakes.script_runner import FILES, sourced

EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/kafka.yaml"))


def plan_of(example: str, cluster: str = "", **choices: object) -> BackupPlan:
    reading = read_cluster(load([ROOT / "examples" / example]).documents, cluster=cluster)
    assert reading.cluster is not None, reading.problems
    return build_plan(reading.cluster, Options(**choices), reading.problems)  # type: ignore[arg-type]


def rights(plan: BackupPlan, account: str = "") -> set[str]:
    (found,) = [one for one in plan.accounts if one.name == (account or plan.service_account)]
    return {
        f"{right.namespace} {right.resource}{'/' if right.subresource else ''}{right.subresource} "
        f"{','.join(right.names) or '*'} {','.join(right.verbs)}"
        for right in found.rights
    }


def test_order_of_a_cold_backup() -> None:
    plan = plan_of("kraft-broker-pools")
    prehook, posthook, resume = plan.actions
    assert [phase.name for phase in prehook.phases] == ["quiesce", "flush", "stop"]
    assert prehook.defer_phase is None
    armed = prehook.phases[0].steps[2]
    assert (armed.does, armed.until) == ("arm the watchdog", "its pod runs")
    assert armed.seconds == StepTimeouts().switch
    switch, pause, *others = prehook.phases[2].steps
    assert switch.does == "verify that the watchdog runs"
    assert pause.does == "pause reconciliation"
    order = [name for step in others for name in step.objects if name.startswith("StrimziPodSet")]
    assert [name.rpartition("-")[2] for name in order[-1:]] == ["controller"]
    assert len(order) == 3
    assert [phase.name for phase in posthook.phases] == ["restart"]
    assert [phase.name for phase in resume.phases] == ["resume"]


@pytest.mark.parametrize("strategy", [Strategy.COLD, Strategy.ONLINE])
@pytest.mark.parametrize("engine", SnapshotProvider)
@pytest.mark.parametrize("after", [0, 3600])
def test_pre_hook_has_a_recovery_only_without_a_watchdog(
    strategy: Strategy, engine: SnapshotProvider, after: int
) -> None:
    """Kanister runs it after a success as well, and clients would wait for its pod."""
    plan = plan_of("mirror-maker-2", strategy=strategy, engine=engine, restart_after=after)
    recover = plan.actions[0].defer_phase
    assert plan.actions[0].name == "backupPrehook"
    assert (recover is None) is (plan.switch is not None) is (after > 0)
    if recover is not None:
        assert recover.name == "recover"
        assert {"RECOVER_RUN_ID={{ .Time }}", "LEAVE_STOPPED=yes"} <= set(recover.values)
    recoveries = [a.defer_phase for a in plan.actions if a.name == "backup"]
    assert [one.name for one in recoveries if one] == ["backupRecover"] * len(recoveries)


def snapshot_rights(plan: BackupPlan) -> dict[str, str]:
    """Return the verbs on VolumeSnapshots of each account that has some."""
    return {
        account.name.removeprefix("backup-kanister-kafka"): ",".join(right.verbs)
        for account in plan.accounts
        for right in account.rights
        if right.resource == "volumesnapshots"
    }


@pytest.mark.parametrize(
    ("engine", "strategy", "expected"),
    [
        (
            SnapshotProvider.KANISTER,
            Strategy.COLD,
            {"": "create,list", "-keep": "delete,list", "-restore": "create,delete,list"},
        ),
        (
            SnapshotProvider.KANISTER,
            Strategy.ONLINE,
            {"-keep": "create,delete,list", "-restore": "create,delete,list"},
        ),
        (SnapshotProvider.KASTEN, Strategy.COLD, {}),
        (SnapshotProvider.KASTEN, Strategy.ONLINE, {}),
    ],
)
def test_who_stops_the_nodes_snapshots_them_and_another_account_deletes(
    engine: SnapshotProvider, strategy: Strategy, expected: dict[str, str]
) -> None:
    plan = plan_of("mirror-maker-2", engine=engine, strategy=strategy)
    assert snapshot_rights(plan) == expected


def test_waits_follow_the_longest_grace_period() -> None:
    plan = plan_of("kraft-broker-pools")
    brokers, quorum = plan.actions[0].phases[2].steps[-2:]
    assert brokers.seconds == 120 + StepTimeouts().stop
    assert quorum.seconds == plan.cluster.quorum[0].grace_seconds + StepTimeouts().stop


@pytest.mark.parametrize("example", EXAMPLES)
def test_waits_fit_the_hook_timeout_of_kasten(example: str) -> None:
    cluster = "kafka-mirror/my-cluster" if example == "seed" else ""
    plan = plan_of(example, cluster)
    assert "hook-timeout" not in {problem.rule for problem in plan.problems}
    assert all(action.seconds < 1200 for action in plan.actions)


def test_waits_that_do_not_fit_are_reported() -> None:
    plan = plan_of("kraft-separate-pools", limits=StepTimeouts(pause=1000))
    (problem,) = [p for p in plan.problems if p.rule == "hook-timeout"]
    assert "backupPrehook" in problem.message
    assert not [
        p
        for p in plan_of(
            "kraft-separate-pools", limits=StepTimeouts(pause=1000), hook_timeout=3600
        ).problems
        if p.rule == "hook-timeout"
    ]


def test_a_plan_without_kasten_does_not_mention_kasten() -> None:
    slow = {"limits": StepTimeouts(pause=1000), "engine": SnapshotProvider.KANISTER}
    alone = plan_of("kraft-separate-pools", **slow)
    with_policy = plan_of("kraft-separate-pools", **slow, kasten=(KastenOutput.POLICY,))
    for plan, is_said in ((alone, False), (with_policy, True)):
        assert ("hook-timeout" in {problem.rule for problem in plan.problems}) is is_said
        for text in (plan_text(plan), plan_markdown(plan)):
            assert ("Kasten" in text) is is_said


@pytest.mark.parametrize(
    ("strategy", "is_live", "text"),
    [
        (
            Strategy.COLD,
            False,
            "Not stopped: clients that are not resources of Strimzi, such as your own producers, "
            "and those of files and namespaces that were not read.\n",
        ),
        (
            Strategy.COLD,
            True,
            "Not stopped: clients that are not resources of Strimzi, such as your own producers.\n",
        ),
        (Strategy.ONLINE, True, "producers. The backup fails if one of them writes.\n"),
    ],
)
def test_clients_that_are_not_stopped_are_named(
    strategy: Strategy, text: str, *, is_live: bool
) -> None:
    plan = plan_of("kraft-separate-pools", strategy=strategy)
    if is_live:
        plan = replace(plan, cluster=replace(plan.cluster, source="Kafka/kafka/my-cluster"))
    assert text in plan_text(plan)
    assert text.strip() in plan_markdown(plan)
    assert json.loads(plan_json(plan))["notStopped"].endswith(text.strip("\n.")[13:])
    hot = plan_of("kraft-separate-pools", strategy=Strategy.HOT)
    assert "Not stopped" not in plan_text(hot) + plan_markdown(hot)


NAMED = """
apiVersion: kafka.strimzi.io/v1beta2
kind: Kafka
metadata:
  name: a
  namespace: ns
  annotations: {strimzi.io/node-pools: enabled, strimzi.io/kraft: enabled}
spec:
  kafka:
    listeners:
    - name: out
      port: 9094
      type: nodeport
      tls: true
      authentication: {type: oauth, clientSecret: {secretName: oauth, key: k}}
      configuration: {brokerCertChainAndKey: {secretName: public-tls, certificate: c, key: k}}
    authorization: {type: opa, tlsTrustedCertificates: [{secretName: opa-ca, certificate: c}]}
    metricsConfig:
      type: jmxPrometheusExporter
      valueFrom: {configMapKeyRef: {name: metrics, key: kafka}}
  cruiseControl:
    metricsConfig:
      type: jmxPrometheusExporter
      valueFrom: {configMapKeyRef: {name: metrics, key: cc}}
  entityOperator:
    template:
      topicOperatorContainer: {env: [{name: A, valueFrom: {secretKeyRef: {name: me, key: k}}}]}
      pod: {imagePullSecrets: [null, {name: pull}, {}]}
---
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaNodePool
metadata: {name: p, namespace: ns, labels: {strimzi.io/cluster: a}}
spec:
  replicas: 1
  roles: [broker, controller]
  storage: {type: persistent-claim, size: 1Gi}
  template:
    pod: {volumes: [{name: x, secret: {secretName: a-cluster-ca-cert}}, {configMap: {name: own}}]}
---
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaUser
metadata: {name: me, namespace: ns, labels: {strimzi.io/cluster: a}}
"""


def test_objects_that_no_backup_contains_are_listed(tmp_path: Path) -> None:
    (tmp_path / "kafka.yaml").write_text(NAMED)
    cluster = read_cluster(load([tmp_path]).documents).cluster
    assert cluster is not None
    plan = build_plan(cluster, Options(engine=SnapshotProvider.KANISTER))
    names = (
        "Secret oauth, Secret public-tls, Secret opa-ca, ConfigMap metrics, Secret pull, "
        "ConfigMap own"
    )
    assert f"Not in the backup: {names}. Kafka refers" in plan_text(plan)
    assert "public-tls" in plan_markdown(plan)
    assert json.loads(plan_json(plan))["notInBackup"][1] == {
        "kind": "Secret",
        "name": "public-tls",
        "path": "spec.kafka.listeners[0].configuration.brokerCertChainAndKey.secretName",
    }
    by_kasten = build_plan(cluster, Options())
    assert "Not in the backup" not in plan_text(by_kasten) + plan_markdown(by_kasten)


def test_rights_are_named_and_stay_in_their_namespace() -> None:
    plan = plan_of("mirror-maker-2")
    assert rights(plan) == {
        "kafka-backup configmaps backup-kanister-kafka get,patch",
        "kafka-backup deployments backup-entity-operator delete",
        "kafka-backup deployments backup-kanister-kafka-switch get",
        "kafka-backup deployments/scale backup-kanister-kafka-switch get,patch",
        "kafka-backup events * create",
        "kafka-backup kafkabridges http get,patch",
        "kafka-backup kafkaconnects sink get,patch",
        "kafka-backup kafkanodepools broker,controller get",
        "kafka-backup kafkas backup get,patch",
        "kafka-backup persistentvolumeclaims * list",
        "kafka-backup pods * list,watch",
        "kafka-backup strimzipodsets backup-broker,backup-controller get,delete",
        "kafka-tools kafkamirrormaker2s mirror get,patch",
        "kafka-tools pods * list",
    }
    steps, flush, switch = plan.accounts
    assert {role.namespace: role.name for role in steps.roles} == {
        "kafka-backup": "backup-kanister-kafka",
        "kafka-tools": "kafka-backup.backup-kanister-kafka",
    }
    assert {role.namespace: role.name for role in switch.roles} == {
        "kafka-backup": "backup-kanister-kafka-switch",
        "kafka-tools": "kafka-backup.backup-kanister-kafka-switch",
    }
    assert [role.namespace for role in flush.roles] == ["kafka-backup"]
    assert plan.roles == (*steps.roles, *flush.roles, *switch.roles)


def test_only_the_flush_may_run_a_command_in_a_pod() -> None:
    """Its names of pods are not limited: the operator gives the ids that they end with."""
    plan = plan_of(
        "mirror-maker-2", engine=SnapshotProvider.KANISTER, kasten=(KastenOutput.RESTORE,)
    )
    may = {a.name for a in plan.accounts for r in a.rights if r.subresource == "exec"}
    assert may == {"backup-kanister-kafka-flush"}
    assert rights(plan, "backup-kanister-kafka-flush") == {
        "kafka-backup configmaps backup-kanister-kafka get,patch",
        "kafka-backup events * create",
        "kafka-backup kafkas backup get",
        "kafka-backup pods * get,list",
        "kafka-backup pods/exec * create",
    }
    (flush,) = [p for p in plan.actions[0].phases if p.name == "flush"]
    assert flush.account == "backup-kanister-kafka-flush"


def test_neither_steps_nor_switch_may_read_secrets() -> None:
    plan = plan_of("mirror-maker-2", engine=SnapshotProvider.KANISTER)
    may = {a.name for a in plan.accounts for r in a.rights if r.resource == "secrets"}
    assert may == {"backup-kanister-kafka-keep", "backup-kanister-kafka-restore"}
    keep = rights(plan, "backup-kanister-kafka-keep")
    assert rights(plan, "backup-kanister-kafka-switch") <= keep, "it recovers as well"
    assert not {one for one in keep if "podsets" in one and "delete" in one}, "and stops nothing"


def test_objects_with_the_label_of_the_cluster_are_listed_alone() -> None:
    """The phase that keeps them reads them by their label, never by name."""
    plan = plan_of("mirror-maker-2", engine=SnapshotProvider.KANISTER)
    keep = rights(plan, "backup-kanister-kafka-keep")
    kinds = ("kafkaconnectors", "kafkatopics", "kafkausers")
    assert {one for one in keep if one.split()[1] in kinds} == {
        f"kafka-backup {kind} * list" for kind in kinds
    }


def test_each_account_is_checked_before_the_stop() -> None:
    """By a phase of its own, for what comes after the stop as well."""
    plan = plan_of("mirror-maker-2", engine=SnapshotProvider.KANISTER)
    for action in (plan.actions[0], plan.actions[3]):
        stop = [phase.stage for phase in action.phases].index(BackupStage.STOP)
        used = {phase.account for phase in action.phases}
        if action.defer_phase:
            used.add(action.defer_phase.account)
        checked = {}
        for phase in action.phases[:stop]:
            asked = dict(value.split("=", 1) for value in phase.values).get("PERMISSIONS")
            assert (asked is not None) == ("check-permissions.sh" in sourced(phase.script))
            checked[phase.account] = asked
        assert set(checked) == used
        for account in plan.accounts:
            if account.name in used:
                assert checked[account.name] == " ".join(access_review_specs(account.rights))


@pytest.mark.parametrize("engine", SnapshotProvider)
def test_a_named_account_has_the_rights_of_all_steps(engine: SnapshotProvider) -> None:
    plan = plan_of("mirror-maker-2", engine=engine, service_account="own")
    steps, *others = plan.accounts
    assert steps.name == "own"
    assert {one.name.rpartition("-")[2] for one in others} <= {"restore", "switch"}
    assert "kafka-backup pods/exec * create" in rights(plan, "own")
    assert ("kafka-backup secrets * create,delete,get,list,patch" in rights(plan, "own")) == (
        engine is SnapshotProvider.KANISTER
    )


def test_switch_may_do_no_more_than_a_restart_needs() -> None:
    plan = plan_of("mirror-maker-2")
    assert plan.switch is not None
    assert plan.switch.name == plan.switch.phase.account == "backup-kanister-kafka-switch"
    assert rights(plan, plan.switch.name) == {
        "kafka-backup configmaps backup-kanister-kafka get,patch",
        "kafka-backup deployments/scale backup-kanister-kafka-switch get,patch",
        "kafka-backup events * create",
        "kafka-backup kafkabridges http get,patch",
        "kafka-backup kafkaconnects sink get,patch",
        "kafka-backup kafkanodepools broker,controller get",
        "kafka-backup kafkas backup get,patch",
        "kafka-backup pods * list,watch",
        "kafka-backup strimzipodsets backup-broker,backup-controller get",
        "kafka-tools kafkamirrormaker2s mirror get,patch",
    }


def test_switch_of_stateful_sets_may_scale_them_back() -> None:
    plan = plan_of("stateful-sets")
    assert plan.switch is not None
    found = [one for one in rights(plan, plan.switch.name) if "statefulsets" in one]
    assert found
    assert all(one.endswith(" get,patch") for one in found)


def test_rebalances_are_looked_for_where_cruise_control_makes_them() -> None:
    for example in ("mirror-maker-2", "strimzi-v1"):
        plan = plan_of(example)
        (quiesce,) = [p for a in plan.actions for p in a.phases if p.name == "quiesce"]
        has = any(name.endswith("-cruise-control") for name in plan.cluster.components)
        assert has == any("kafkarebalances" in one for one in rights(plan))
        assert has == ("CRUISE_CONTROL=yes" in quiesce.values)


def test_restart_after_never_plans_no_switch() -> None:
    """`--restart-after never`."""
    plan = plan_of("mirror-maker-2", restart_after=0)
    assert plan.switch is None
    names = [account.name for account in plan.accounts]
    assert names == ["backup-kanister-kafka", "backup-kanister-kafka-flush"]
    assert not [right for right in rights(plan) if "switch" in right]
    assert "Deployment" not in {manifest.kind for manifest in render(plan)}
    for action in plan.actions:
        for phase in action.phases:
            assert "WATCHDOG=backup-kanister-kafka-switch" not in phase.values
            assert not [step for step in phase.steps if "switch" in step.does]


def test_engine_of_kanister_has_the_whole_cycle() -> None:
    plan = plan_of("mirror-maker-2", engine=SnapshotProvider.KANISTER)
    names = ["backupPrehook", "backupPosthook", "resume", "backup", "restore", "delete"]
    assert [action.name for action in plan.actions] == names
    backup, restore, delete = plan.actions[3:]
    assert (backup.artifact_out, restore.artifact_in, delete.artifact_in) == ("kafka",) * 3
    artifact = dict(backup.artifact)
    assert artifact["cluster"] == "backup"
    assert artifact["namespace"] == "kafka-backup"
    assert artifact["backup"] == "{{ .Phases.backupSnapshot.Output.backup }}"
    (snapshot,) = [phase for phase in backup.phases if phase.name == "backupSnapshot"]
    assert set(snapshot.outputs) <= set(artifact)
    assert all(f".Output.{key} }}}}" in artifact[key] for key in snapshot.outputs)
    parts = ("backupStop", "backupSnapshot", "backupRestart")
    assert tuple(part.name for part in snapshot.parts) == parts
    assert snapshot.values[0] == (
        "PARTS=backupStop:stop backupSnapshot:snapshot backupRestart:restart"
    )
    assert artifact["stop"] == "{{ .Phases.backupSnapshot.Output.stop }}"
    assert backup.defer_phase is not None
    assert backup.defer_phase.script == "recover-backup"
    own = "backup-kanister-kafka"
    assert {phase.name: phase.account for phase in backup.phases} == {
        "backupQuiesce": own,
        "backupKeep": f"{own}-keep",
        "backupFlush": f"{own}-flush",
        "backupSnapshot": own,
        "backupReady": f"{own}-keep",
    }
    order = ["backupQuiesce", "backupKeep", "backupFlush", "backupSnapshot", "backupReady"]
    assert [phase.name for phase in backup.phases] == order
    assert {part.account for part in snapshot.parts} == {own}
    assert backup.defer_phase.account == f"{own}-keep", "it removes what is left of the backup"


def test_who_restores_is_another_account() -> None:
    plan = plan_of("mirror-maker-2", engine=SnapshotProvider.KANISTER)
    names = [account.name for account in plan.accounts]
    suffixes = ("", "-flush", "-keep", "-restore", "-switch")
    assert names == [f"backup-kanister-kafka{suffix}" for suffix in suffixes]
    restore, delete = plan.actions[4:]
    assert {phase.account for phase in (*restore.phases, *delete.phases)} == {names[3]}
    may_write = {one for one in rights(plan, names[2]) if " secrets " in one or "claims" in one}
    assert may_write == {
        "kafka-backup persistentvolumeclaims * list",
        "kafka-backup secrets * create,delete,get,list,patch",
    }
    assert not any(one.endswith("exec * create") for one in rights(plan, names[3]))
    for account in plan.accounts:
        assert not any("*" in "".join(right.verbs) + right.resource for right in account.rights)


def test_restore_by_kasten_adds_its_hooks_and_no_right_to_objects() -> None:
    plan = plan_of("mirror-maker-2", kasten=(KastenOutput.RESTORE,))
    before, after = plan.actions[3:]
    assert [phase.name for phase in before.phases] == ["haltForRestore"]
    assert [phase.name for phase in after.phases] == ["identify", "restartRestored"]
    assert (before.name, after.name) == ("beforeRestore", "afterRestore")
    found = rights(plan, "backup-kanister-kafka-restore")
    assert not [one for one in found if "secrets" in one or "persistentvolume" in one]
    assert "kafka-backup kafkas/status backup get,patch" in found
    assert "kafka-backup kafkanodepools/status broker,controller get,patch" in found


def test_restore_of_zookeeper_writes_no_status() -> None:
    plan = plan_of("zookeeper-node-pools", kasten=(KastenOutput.RESTORE,))
    assert not [one for one in rights(plan, plan.accounts[2].name) if "/status" in one]


@pytest.mark.parametrize("quiesce_by", QuiesceMethod)
@pytest.mark.parametrize("example", EXAMPLES)
def test_pod_of_several_scripts_has_the_values_of_each(
    example: str, quiesce_by: QuiesceMethod
) -> None:
    """One key has one value, because all of them read the same environment."""
    plan = plan_of(
        example,
        "kafka-mirror/my-cluster" if example == "seed" else "",
        engine=SnapshotProvider.KANISTER,
        quiesce_by=quiesce_by,
    )
    (phase,) = [one for one in plan.phases if one.parts]
    own, *shared = phase.values
    spelled = " ".join(f"{part.name}:{part.script}" for part in phase.parts)
    assert own == f"PARTS={spelled}"
    assert set(shared) == {value for part in phase.parts for value in part.values}
    keys = [value.partition("=")[0] for value in phase.values]
    assert len(keys) == len(set(keys))
    assert phase.seconds == sum(part.seconds for part in phase.parts)
    assert set(phase.outputs) == {key for part in phase.parts for key in part.outputs}
    assert {part.account for part in phase.parts} == {phase.account}
    assert all(f"{part.script}.sh" in FILES for part in phase.parts)


@pytest.mark.parametrize("engine", SnapshotProvider)
def test_names_of_phases_are_unique(engine: SnapshotProvider) -> None:
    """Kanister refuses a Blueprint where two actions share one."""
    plan = plan_of("mirror-maker-2", engine=engine, kasten=(KastenOutput.RESTORE,))
    found = [phase.name for action in plan.actions for phase in action.phases]
    found += [action.defer_phase.name for action in plan.actions if action.defer_phase]
    found += [part.name for phase in plan.phases for part in phase.parts if part.name != phase.name]
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    "forms",
    [
        (KastenOutput.POLICY, KastenOutput.RESTORE),
        (KastenOutput.BINDING, KastenOutput.ANNOTATION, KastenOutput.RESTORE),
    ],
)
def test_each_rendered_object_has_the_name_of_its_blueprint(
    forms: tuple[KastenOutput, ...],
) -> None:
    plan = plan_of("mirror-maker-2", engine=SnapshotProvider.KANISTER, kasten=forms)
    assert dict(plan.annotations)["kanister-kafka.io/blueprint"] == f"kasten-io/{plan.name}"
    for manifest in render(plan):
        tells = f"kanister-kafka.io/blueprint: kasten-io/{plan.name}\n" in manifest.text
        assert tells is not is_scripts(manifest.kind, manifest.name), (
            "the scripts are of no cluster"
        )


def test_quiescing_by_pause_may_delete_workloads_and_nothing_else() -> None:
    by_pause = rights(plan_of("mirror-maker-2", quiesce_by=QuiesceMethod.PAUSE))
    more = by_pause - rights(plan_of("mirror-maker-2"))
    assert more == {
        "kafka-backup deployments http-bridge,sink-connect delete",
        "kafka-backup strimzipodsets sink-connect delete",
        "kafka-tools deployments mirror-mirrormaker2 delete",
        "kafka-tools strimzipodsets mirror-mirrormaker2 delete",
    }


def test_hot_backup_may_only_look_and_flush() -> None:
    plan = plan_of("kraft-separate-pools", strategy=Strategy.HOT)
    assert rights(plan) == {"kafka pods * get,list", "kafka pods/exec * create"}
    assert plan.name.endswith(".hot")
    assert [account.name for account in plan.accounts] == ["my-cluster-kanister-kafka-hot"], (
        "beside a cold backup of the same cluster it must not take its account"
    )
    assert plan.switch is None
    assert not plan.record
    assert any("Not consistent" in line for line in plan.header)
    assert any("no leader" in line for line in plan.header)


HOT_GROUP: dict[str, Any] = {
    "engine": SnapshotProvider.KANISTER,
    "strategy": Strategy.HOT,
    "group_snapshot_class": "csi-groups",
}


def test_a_hot_backup_of_the_engine_is_one_action_by_a_group() -> None:
    plan = plan_of("mirror-maker-2", **HOT_GROUP)
    assert [action.name for action in plan.actions] == ["backup", "restore", "delete", "resume"]
    backup = plan.actions[0]
    assert [(phase.name, phase.script) for phase in backup.all_phases] == [
        ("backupCheck", "check-hot"),
        ("backupKeep", "save-objects"),
        ("backupFlush", "flush"),
        ("backupSnapshot", "snapshot-hot"),
        ("backupReady", "complete-hot"),
        ("backupRecover", "recover-hot"),
    ]
    assert backup.defer_phase is backup.all_phases[-1]
    artifact = dict(backup.artifact)
    assert artifact["strategy"] == "hot"
    assert "stop" not in artifact
    online = plan_of("mirror-maker-2", **{**HOT_GROUP, "strategy": Strategy.ONLINE})
    assert plan.name == online.name, "a cluster has one Blueprint, and restores by it"
    for name in ("restore", "delete"):
        hot, other = (next(a for a in one.actions if a.name == name) for one in (plan, online))
        assert [(p.name, p.script, p.account, p.steps) for p in hot.phases] == [
            (p.name, p.script, p.account, p.steps) for p in other.phases
        ], "restored as an online backup"
    assert plan.record == online.record, "whose lock holds all of its backups"
    assert plan.switch is None
    assert "ONLINE" not in dict(plan.shared)
    assert any("crash-consistent" in line for line in plan.header)
    assert not any("empty, without a warning" in line for line in plan.header)


@pytest.mark.parametrize("example", ["mirror-maker-2", "stateful-sets", "zookeeper-node-pools"])
def test_a_hot_backup_of_the_engine_has_no_right_to_change_kafka(example: str) -> None:
    plan = plan_of(example, **HOT_GROUP)
    phases = next(action for action in plan.actions if action.name == "backup").all_phases
    accounts = {phase.account for phase in phases}
    granted = [
        (right.resource, right.subresource, verb)
        for account in plan.accounts
        for right in account.rights
        for verb in right.verbs
        if account.name in accounts
    ]
    assert {one for one in granted if one[2] not in ("get", "list")} == {
        *(("configmaps", "", "patch"), ("events", "", "create"), ("pods", "exec", "create")),
        *(("secrets", "", verb) for verb in ("create", "delete", "patch")),
        *(("volumesnapshots", "", verb) for verb in ("create", "delete", "patch")),
        ("volumegroupsnapshots", "", "create"),
    }


def test_clients_that_only_a_restore_of_a_hot_backup_stops_are_marked() -> None:
    plan = plan_of("mirror-maker-2", **HOT_GROUP)
    assert "QUIESCED BY A RESTORE" in plan_text(plan)
    assert "Stopped by a restore" in plan_markdown(plan)
    assert "snapshotted at one moment" in plan_markdown(plan)
    assert "QUIESCED" not in plan_text(plan_of("mirror-maker-2", strategy=Strategy.HOT))


@pytest.mark.parametrize(
    ("choices", "path", "reason"),
    [
        ({"group_snapshot_class": ""}, "engine", "copied one after the other while brokers write"),
        ({"kasten": (KastenOutput.POLICY,)}, "kasten", "has no hooks"),
        ({"kasten": (KastenOutput.RESTORE,)}, "kasten", "has no hooks"),
        ({"engine": SnapshotProvider.KASTEN}, "group-snapshot-class", "is for --engine kanister"),
        ({"strategy": Strategy.COLD}, "group-snapshot-class", "with --strategy online or hot"),
        ({"require_quiet": True}, "require-quiet", "is for --strategy cold"),
        ({"unclean_stop": UncleanStop.WARN}, "unclean-stop", "is for --strategy cold"),
        ({"restart_after": 0}, "restart-after", "is for --strategy cold"),
        ({"limits": StepTimeouts(switch=90)}, "timeout", "a hot backup has none"),
    ],
)
def test_what_a_hot_backup_of_the_engine_cannot_be_is_refused(
    choices: dict[str, Any], path: str, reason: str
) -> None:
    options = Options(**{**HOT_GROUP, **choices})
    (problem,) = (*options.problems(), *options.idle())
    assert problem.path == path
    assert reason in problem.message


def test_what_a_hot_backup_of_the_engine_can_have() -> None:
    options = Options(
        **HOT_GROUP,
        quiesce_by=QuiesceMethod.PAUSE,
        writers=("KafkaConnect/a/b",),
        admission_policy=True,
        limits=StepTimeouts(flush=90, snapshot=90, stop=90),
        snapshot_class="csi",
    )
    assert not (*options.problems(), *options.idle())


def test_an_online_backup_stops_clients_and_compares_before_it_releases_them() -> None:
    choices = {"engine": SnapshotProvider.KANISTER, "strategy": Strategy.ONLINE}
    plan = plan_of("mirror-maker-2", **choices)
    (backup,) = [action for action in plan.actions if action.name == "backup"]
    assert [phase.name for phase in backup.phases] == [
        *("backupQuiesce", "backupPause", "backupKeep", "backupFlush"),
        *("backupSnapshot", "backupCompare", "backupRestart", "backupReady"),
    ]
    assert backup.defer_phase is not None
    assert dict(backup.artifact)["strategy"] == "online"
    prehook, posthook = plan.actions[:2]
    assert [phase.name for phase in prehook.phases] == ["quiesce", "pause", "flush"]
    assert [phase.name for phase in posthook.all_phases] == ["compare", "restart"]
    assert posthook.defer_phase is not None
    assert posthook.defer_phase.name == "restart", "clients come back if something has moved"
    cold = plan_of("mirror-maker-2", engine=SnapshotProvider.KANISTER)
    assert plan.name == cold.name, "a cluster has one Blueprint, and restores by it"
    assert [a.name for a in plan.accounts] == [a.name for a in cold.accounts]
    assert ("ONLINE", "yes") in plan.shared


@pytest.mark.parametrize(("flush", "seconds"), [(60, 60), (5, QUIET_SECONDS)])
def test_an_online_flush_waits_for_its_timeout_and_at_least_one_quiet_span(
    flush: int, seconds: int
) -> None:
    plan = plan_of("mirror-maker-2", strategy=Strategy.ONLINE, limits=StepTimeouts(flush=flush))
    (phase,) = [one for one in plan.actions[0].phases if one.name == "flush"]
    values = dict(value.split("=", 1) for value in phase.values)
    assert values["QUIET_SECONDS"] == str(QUIET_SECONDS)
    assert values["QUIET_TIMEOUT"] == str(seconds)
    assert phase.seconds == seconds + flush + 120, "the wait, its last reading, and the offsets"


def test_a_group_changes_one_phase_and_the_rights_of_its_account_alone() -> None:
    choices = {"engine": SnapshotProvider.KANISTER, "strategy": Strategy.ONLINE}
    each = plan_of("mirror-maker-2", **choices)
    grouped = plan_of("mirror-maker-2", **choices, group_snapshot_class="csi-groups")
    for one, other in zip(grouped.actions, each.actions, strict=True):
        changed = [
            (phase.name, phase.script, phase.account)
            for phase, before in zip(one.all_phases, other.all_phases, strict=True)
            if phase.script != before.script
        ]
        keep = "backup-kanister-kafka-keep"
        expected = [("backupSnapshot", "snapshot-group", keep)] if one.name == "backup" else []
        assert changed == expected
        assert one.artifact == other.artifact
    backup = next(action for action in grouped.actions if action.name == "backup")
    (snapshot,) = [phase for phase in backup.phases if phase.name == "backupSnapshot"]
    assert "GROUP_SNAPSHOT_CLASS=csi-groups" in snapshot.values
    assert rights(grouped) == rights(each)
    for account, before in zip(grouped.accounts, each.accounts, strict=True):
        assert account.name == before.name
        added = {
            f"{right.resource} {' '.join(right.verbs)}"
            for right in set(account.rights) - set(before.rights)
        }
        assert added == (
            {"volumegroupsnapshots create get", "volumesnapshots create delete get list patch"}
            if account.name.endswith("-keep")
            else set()
        )


def test_steps_of_an_online_backup_stop_no_node() -> None:
    for options in ({}, {"quiesce_by": QuiesceMethod.PAUSE}):
        plan = plan_of("mirror-maker-2", strategy=Strategy.ONLINE, **options)
        nodes = [right for right in plan.rights if "backup-broker" in right.names]
        assert [right.verbs for right in nodes] == [("get",)]
        cold = plan_of("mirror-maker-2", **options)
        assert rights(plan) - rights(cold) == {
            "kafka-backup strimzipodsets backup-broker,backup-controller get",
        }


@pytest.mark.parametrize(
    ("example", "rule"),
    [
        ("zookeeper-node-pools", "online-zookeeper"),
        ("kraft-separate-pools", "online-cruise-control"),
    ],
)
def test_what_an_online_backup_cannot_show_is_refused(example: str, rule: str) -> None:
    cluster = plan_of(example).cluster
    components = (*cluster.components, WorkloadName(f"{cluster.name}-cruise-control"))
    if rule == "online-cruise-control":
        cluster = replace(cluster, components=components)
    plan = build_plan(cluster, Options(strategy=Strategy.ONLINE))
    (problem,) = [one for one in plan.problems if one.severity is Severity.ERROR]
    assert problem.rule == rule
    assert "--strategy cold" in problem.message


PLURALS = {"configmap": "configmaps", "secret": "secrets", '"$KAFKA"': "kafkas"}
CALL = re.compile(
    r"\b(?:kubectl_retry|kubectl) (get|patch|annotate|delete) "
    r'("\$KAFKA"|[a-z][a-z0-9.]+) ("\S+"|-\w)'
)


BEFORE = (
    r"(?:^\s*|[({;&|!]\s*|\b(?:if|then|else|do|while|start_query \w+) "
    r"|\bwait_until_empty [^\n]*\" )"
)
"""What stands before the name of a function where it is made or called."""


def called(files: list[str]) -> set[tuple[str, str]]:
    """Read verb and resource of each call whose resource stands in what is run of the text."""
    return calls_of(tuple(files))


@cache
def calls_of(files: tuple[str, ...]) -> set[tuple[str, str]]:
    found = set()
    texts = [FILES[file].read_text() for file in files]
    whole = re.sub(r"^\s*#.*\n", "", "\n".join(texts), flags=re.MULTILINE)
    while dead := [
        name
        for name in re.findall(r"^(\w+)\(\) \{", whole, re.MULTILINE)
        if len(re.findall(BEFORE + rf"{name}\b(?!=)", whole, re.MULTILINE)) == 1
    ]:
        for name in dead:
            body = rf"^{name}\(\) \{{(.*\}}$|[\s\S]*?^\}}$)"
            whole = re.sub(body, "", whole, flags=re.MULTILINE)
    for line in whole.replace("\\\n", " ").splitlines():
        for match in CALL.finditer(line.partition(" # ")[0]):
            verb, resource, name = match.groups()
            plural = PLURALS.get(resource, resource.partition(".")[0])
            many = name.startswith("-") and verb == "get"
            verb = {"annotate": "patch"}.get(verb, "list" if many else verb)
            below = re.search(r"--subresource (\w+)", line)
            found.add((verb, f"{plural}/{below.group(1)}" if below else plural))
    return found


@pytest.mark.parametrize("quiesce_by", QuiesceMethod)
@pytest.mark.parametrize(
    ("example", "strategy"),
    [
        ("mirror-maker-2", Strategy.COLD),
        ("mirror-maker-2", Strategy.ONLINE),
        ("mirror-maker-2", Strategy.HOT),
        ("stateful-sets", Strategy.HOT),
        ("zookeeper-node-pools", Strategy.HOT),
        ("stateful-sets", Strategy.COLD),
        ("zookeeper-node-pools", Strategy.COLD),
    ],
)
def test_every_call_of_a_script_is_within_the_rights(
    example: str, strategy: Strategy, quiesce_by: QuiesceMethod
) -> None:
    plan = plan_of(
        example,
        strategy=strategy,
        engine=SnapshotProvider.KANISTER,
        kasten=() if strategy is Strategy.HOT else (KastenOutput.RESTORE,),
        group_snapshot_class="csi-groups" if strategy is Strategy.HOT else "",
        quiesce_by=quiesce_by,
    )
    watchdog = plan.switch.phase if plan.switch else None
    assert (watchdog is None) is (strategy is Strategy.HOT)
    phases = [*plan.phases, *([watchdog] if watchdog else [])]
    for phase in chain.from_iterable(phase.scripts for phase in phases):
        (account,) = [one for one in plan.accounts if one.name == phase.account]
        granted = {
            (verb, f"{right.resource}/{right.subresource}".rstrip("/"))
            for right in account.rights
            for verb in right.verbs
        }
        idle = {"kafkanodepools", "kafkanodepools/status"} if not plan.cluster.pools else set()
        if plan.cluster.zookeeper:
            idle |= {"kafkas/status", "kafkanodepools/status"}
        kinds = {kind.value.lower() + "s" for node in plan.cluster.nodes for kind in node.kinds}
        idle |= {"statefulsets", "strimzipodsets"} - kinds
        idle |= set() if plan.cluster.writers else {"kafkaconnectors"}
        idle |= set() if watchdog else {"deployments/scale"}
        if phase is watchdog:  # a post-hook alone compares them
            idle.add("persistentvolumeclaims")
        missing = {
            (v, r)
            for v, r in called(sourced(phase.script, quiesce_by.value)) - granted
            if r not in idle
        }
        assert not missing, f"{phase.name} as {account.name}"


def test_calls_of_scripts_are_seen() -> None:
    found = called([*sourced("restart"), "snapshot.sh"])
    assert {
        ("patch", "kafkas"),
        ("patch", "deployments/scale"),
        ("patch", "configmaps"),
        ("list", "volumesnapshots"),
    } <= found
    assert ("delete", "secrets") not in found, "nobody calls it"


@pytest.mark.parametrize("engine", SnapshotProvider)
@pytest.mark.parametrize("strategy", Strategy)
def test_the_header_has_each_phase_in_order_with_its_limits(
    strategy: Strategy, engine: SnapshotProvider
) -> None:
    is_hot_engine = strategy is Strategy.HOT and engine is SnapshotProvider.KANISTER
    group = "csi-groups" if is_hot_engine else ""
    plan = plan_of(
        "kraft-separate-pools", strategy=strategy, engine=engine, group_snapshot_class=group
    )
    assert all(len(line) <= 140 for line in plan.header)
    table = plan.header[plan.header.index("") + 1 :]
    pattern = re.compile(r"(?P<action>\S*) +(?P<phase>\S+?)(, always)? +(\d+ s +)?\S")
    column = table[0].index("phase")
    begun = [line for line in table[1:] if line[column : column + 2].strip()]
    rows = [match for line in begun if (match := pattern.match(line[:60]))]
    phases = [phase.name for action in plan.actions for phase in action.all_phases]
    assert [row["phase"] for row in rows] == phases
    actions = [row["action"] for row in rows if row["action"]]
    assert actions == [action.name for action in plan.actions]
    limits = [
        step.seconds for action in plan.actions for p in action.all_phases for step in p.steps
    ]
    assert [int(n) for n in re.findall(r" (\d+) s  ", "\n".join(table))] == [*filter(None, limits)]


def test_who_is_left_alone_and_why() -> None:
    plan = plan_of("mirror-maker-2")
    (alone,) = plan.ignored_clients
    assert str(alone) == "KafkaMirrorMaker2 kafka-backup/onward"
    assert "only reads" in alone.reason


@pytest.mark.parametrize(
    ("example", "bound", "warned"),
    [
        pytest.param("zookeeper-pod-sets", "Kafka", False, id="kafka-owns-all"),
        pytest.param("kraft-combined", "KafkaNodePool", False, id="one-pool-owns-all"),
        pytest.param("kraft-separate-pools", "Kafka", True, id="several-owners"),
        pytest.param("zookeeper-node-pools", "Kafka", True, id="pools-and-zookeeper"),
    ],
)
def test_binding_goes_to_the_owner_of_the_volumes(
    example: str, bound: str, *, warned: bool
) -> None:
    plan = plan_of(example, kasten=(KastenOutput.BINDING,))
    assert plan.bound.kind == bound
    assert ("binding-no-barrier" in {p.rule for p in plan.problems}) is warned


def test_the_annotation_form_prints_the_annotation_to_set() -> None:
    plan = plan_of("seed", "kafka-mirror/my-cluster", kasten=(KastenOutput.ANNOTATION,))
    assert plan.notes == (
        "to do: kubectl annotate kafkas.v1beta2.kafka.strimzi.io my-cluster -n kafka-mirror "
        "kanister.kasten.io/blueprint=kafka-mirror.my-cluster",
    )


@pytest.mark.parametrize(
    ("choice", "path"),
    [
        pytest.param({"image": "x; rm -rf /"}, "image", id="image"),
        pytest.param({"image": "{{ .Time }}"}, "image", id="template"),
        pytest.param({"name": "No"}, "name", id="name"),
        pytest.param({"kasten_namespace": ""}, "kasten-namespace", id="namespace"),
        pytest.param({"service_account": "a b"}, "service-account", id="account"),
        pytest.param({"labels": (("a b", "c"),)}, "label", id="label-key"),
        pytest.param({"labels": (("a", "c d"),)}, "label", id="label-value"),
        pytest.param({"annotations": (("a b", "c"),)}, "annotation", id="annotation"),
        pytest.param({"frequency": "daily"}, "frequency", id="frequency"),
        pytest.param({"frequency": "@daily"}, "frequency", id="frequency-alone"),
        pytest.param({"profile": "s3", "kasten": (KastenOutput.RESTORE,)}, "profile",
                     id="profile-alone"),
        pytest.param({"kasten": (KastenOutput.POLICY, KastenOutput.BINDING)}, "kasten",
                     id="policy-and-binding"),
        pytest.param({"kasten": (KastenOutput.POLICY, KastenOutput.ANNOTATION)}, "kasten",
                     id="policy-and-annotation"),
        pytest.param({"restart_after": 59}, "restart-after", id="restart-after"),
        pytest.param({"snapshot_class": "A b", "engine": SnapshotProvider.KANISTER},
                     "snapshot-class", id="snapshot-class"),
        pytest.param({"group_snapshot_class": "A b", "engine": SnapshotProvider.KANISTER,
                      "strategy": Strategy.ONLINE}, "group-snapshot-class",
                     id="group-snapshot-class"),
        pytest.param({"group_snapshot_class": "csi", "engine": SnapshotProvider.KANISTER},
                     "group-snapshot-class", id="group-of-a-cold-backup"),
        pytest.param({"group_snapshot_class": "csi", "strategy": Strategy.ONLINE},
                     "group-snapshot-class", id="group-of-kasten"),
        pytest.param({"restore_point": "A b", "kasten": (KastenOutput.RESTORE,)}, "restore-point",
                     id="restore-point"),
        pytest.param({"strategy": Strategy.HOT, "engine": SnapshotProvider.KANISTER}, "engine",
                     id="hot-engine"),
    ],
)  # fmt: skip
def test_options_that_cannot_work(choice: dict, path: str) -> None:
    (problem,) = Options(**choice).problems()
    assert problem.path == path
    assert problem.rule == "option"


@pytest.mark.parametrize(
    ("choice", "path"),
    [
        ({"strategy": Strategy.HOT, "restart_after": 7200}, "restart-after"),
        ({"strategy": Strategy.HOT, "quiesce_by": QuiesceMethod.PAUSE}, "quiesce-by"),
        ({"strategy": Strategy.HOT, "require_quiet": True}, "require-quiet"),
        ({"strategy": Strategy.HOT, "writers": ("KafkaConnect/a/b",)}, "writer"),
        ({"strategy": Strategy.HOT, "limits": StepTimeouts(stop=60)}, "timeout"),
        ({"limits": StepTimeouts(snapshot=60)}, "timeout"),
        ({"limits": StepTimeouts(switch=90), "restart_after": 0}, "timeout"),
    ],
)
def test_options_that_do_nothing(choice: dict, path: str) -> None:
    (problem,) = Options(**choice).idle()
    assert problem.path == path
    assert not Options(**choice).problems()


def test_options_that_do_something_are_not_idle() -> None:
    assert not Options().idle()
    assert not Options(strategy=Strategy.HOT, limits=StepTimeouts(flush=5)).idle()
    assert not Options(
        engine=SnapshotProvider.KANISTER, limits=StepTimeouts(snapshot=60, claims=5)
    ).idle()


@pytest.mark.parametrize("engine", SnapshotProvider)
def test_a_switch_that_may_act_while_kafka_is_stopped_is_refused(engine: SnapshotProvider) -> None:
    plan = plan_of("kraft-broker-pools", restart_after=300, engine=engine)
    (found,) = [one for one in plan.problems if one.severity is Severity.ERROR]
    assert (found.rule, found.path) == ("option", "restart-after")
    least = re.search(r"at least ((?:\d+[hms])+)", found.message)
    assert least is not None
    seconds = parse_duration(least[1])
    assert seconds is not None
    for after, refused in ((seconds - 1, True), (seconds, False), (0, False)):
        plan = plan_of("kraft-broker-pools", restart_after=after, engine=engine)
        assert any(one.severity is Severity.ERROR for one in plan.problems) is refused


@pytest.mark.parametrize("width", [80, 100, 120, 400])
def test_tables_of_a_plan_fit_the_terminal(width: int) -> None:
    plan = plan_of("mirror-maker-2")
    usual, fitted = plan_text(plan), plan_text(plan, width)
    tables = [line for line in fitted.splitlines() if "   " in line]
    assert sorted("".join(fitted.split())) == sorted("".join(usual.split()))
    assert max(map(len, tables)) <= max(width, 115)
    assert max(map(len, tables)) < max(map(len, usual.splitlines())) or width == 400
    assert (fitted == usual) is (width == 400)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (90, "1m30s"), (120, "2m"), (3661, "1h1m1s")]
)
def test_durations_have_the_format_of_go(seconds: int, text: str) -> None:
    assert format_duration(seconds) == text
