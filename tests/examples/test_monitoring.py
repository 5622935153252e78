"""examples/monitoring/: metrics, alerts and dashboard fit each other and what a backup leaves."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
import yaml

from kanister_kafka import Strategy, build_plan, constants
from tests.conftest import ROOT
from tests.operations.test_scheduled_backup import PLAN

MONITORING = ROOT / "examples" / "monitoring"
METRICS = yaml.safe_load((MONITORING / "custom-resource-state.yaml").read_text())
RULES = yaml.safe_load((MONITORING / "prometheusrule.yaml").read_text())
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
CASES = Path(__file__).with_name("monitoring_rules.yaml")
NAME = re.compile(
    r"\b(kanister_actionset_\w+|kanister_kafka_(?!io_)\w+|kube_\w+|kanister_kafka:[\w:]+)"
)
OF_KUBE_STATE_METRICS = {
    "kube_cronjob_labels",
    "kube_cronjob_next_schedule_time",
    "kube_cronjob_spec_suspend",
    "kube_cronjob_status_last_schedule_time",
    "kube_cronjob_status_last_successful_time",
    "kube_secret_annotations",
    "kube_secret_created",
    "kube_secret_labels",
}
promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on PATH")


def rules() -> list[dict]:
    found = []
    for group in RULES["spec"]["groups"]:
        found += group["rules"]
    return found


def label_of(name: str) -> str:
    """Return the label of Prometheus for a label or an annotation of Kubernetes."""
    return re.sub(r"[^a-zA-Z0-9]", "_", name)


def resource(kind: str) -> dict:
    """Return the metrics of a kind."""
    (found,) = [
        one for one in METRICS["spec"]["resources"] if one["groupVersionKind"]["kind"] == kind
    ]
    return found


def state_metrics() -> set[str]:
    found = set()
    for resource in METRICS["spec"]["resources"]:
        for metric in resource["metrics"]:
            found.add(f"{resource['metricNamePrefix']}_{metric['name']}")
    return found


def test_every_metric_of_a_rule_and_of_the_dashboard_exists() -> None:
    known = state_metrics() | OF_KUBE_STATE_METRICS
    recorded = [rule["record"] for rule in rules() if "record" in rule]
    assert len(recorded) == len(set(recorded))
    known |= set(recorded)
    texts = [rule["expr"] for rule in rules()]
    for panel in DASHBOARD["panels"]:
        texts += [target["expr"] for target in panel["targets"]]
    used = set()
    for text in texts:
        used.update(NAME.findall(text))
    assert used <= known
    unused = state_metrics() - used
    assert not unused


def test_labels_of_secrets_and_cron_jobs_are_those_that_a_backup_writes() -> None:
    text = (MONITORING / "prometheusrule.yaml").read_text()
    used = set(re.findall(r"\b(?:label|annotation)_kanister_kafka_io_\w+", text))
    assert used == {
        f"label_{label_of(constants.CLUSTER)}",
        f"label_{label_of(constants.BACKUP)}",
        f"annotation_{label_of(constants.COMPLETE)}",
        f"annotation_{label_of(constants.EXPORTED)}",
        f"annotation_{label_of(constants.VERIFIED)}",
    }
    page = (ROOT / "docs" / "schedule.md").read_text()
    marks = (constants.COMPLETE, constants.EXPORTED, constants.VERIFIED_AT)
    for name in (constants.CLUSTER, constants.BACKUP, *marks):
        assert name in page
    labels = resource("ActionSet")["labelsFromPath"]
    assert labels["kafka"] == ["metadata", "labels", constants.CLUSTER]


def test_a_stop_is_seen_by_the_annotation_that_it_writes() -> None:
    (metric,) = resource("Kafka")["metrics"]
    info = metric["each"]["info"]
    assert [*info["path"], *info["labelsFromPath"]["pause_before"]] == [
        "metadata",
        "annotations",
        constants.PREVIOUS_PAUSE,
    ]


def test_kube_state_metrics_may_list_what_it_measures() -> None:
    role = yaml.safe_load((MONITORING / "cluster-role.yaml").read_text())
    rules = {(rule["apiGroups"][0], rule["resources"][0]) for rule in role["rules"]}
    for one in METRICS["spec"]["resources"]:
        kind = one["groupVersionKind"]
        assert (kind["group"], f"{kind['kind'].lower()}s") in rules
    assert all(rule["verbs"] == ["list", "watch"] for rule in role["rules"])


@pytest.mark.parametrize(
    ("strategy", "between"),
    [
        (Strategy.COLD, ["backupStop", "backupSnapshot", "backupRestart"]),
        (Strategy.ONLINE, ["backupSnapshot", "backupCompare", "backupRestart"]),
    ],
)
def test_the_outage_is_between_two_phases_of_a_backup(
    strategy: Strategy, between: list[str]
) -> None:
    plan = build_plan(PLAN.cluster, replace(PLAN.options, strategy=strategy))
    (backup,) = [action for action in plan.actions if action.name == "backup"]
    names = [phase.name for phase in backup.phases]
    text = (MONITORING / "prometheusrule.yaml").read_text()
    ends, begins = re.findall(r'phase=~?"([\w|]+)"', text)
    last = max(names.index(name) for name in ends.split("|") if name in names)
    phases = backup.phases[names.index(begins) + 1 : last + 1]
    scripts = chain.from_iterable(phase.scripts for phase in phases)
    assert [part.name for part in scripts] == between


def test_every_alert_has_a_severity_a_summary_and_a_test() -> None:
    cases = yaml.safe_load(CASES.read_text())
    tested = set()
    for case in cases["tests"]:
        tested.update(one["alertname"] for one in case.get("alert_rule_test", ()))
    alerts = [rule for rule in rules() if "alert" in rule]
    assert {rule["alert"] for rule in alerts} == tested
    for rule in alerts:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"].endswith(".")


def test_the_dashboard_asks_the_chosen_data_source() -> None:
    names = [variable["name"] for variable in DASHBOARD["templating"]["list"]]
    assert names == ["datasource", "namespace"]
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"


@promtool
def test_rules_by_promtool(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(RULES["spec"]))
    shutil.copy(CASES, tmp_path)
    for words in (["check", "rules", "rules.yaml"], ["test", "rules", CASES.name]):
        done = subprocess.run(
            ["promtool", *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
