"""The CronJob of a schedule: options, fields, limits, account, and the outputs that have it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from kanister_kafka import (
    KastenOutput,
    Options,
    SnapshotProvider,
    StepTimeouts,
    Strategy,
    plan_text,
    render,
)
from kanister_kafka.cli import main
from tests.backup.test_planner import plan_of, rights
from tests.conftest import ROOT

GOOD = {
    "engine": SnapshotProvider.KANISTER,
    "schedule": "0 3 * * *",
    "schedule_image": "example.com/kanister-kafka:1",
    "keep_daily": 7,
}
EXAMPLE = "kraft-separate-pools"
NAME = "my-cluster-kanister-kafka-backup"
WORDS = [
    *("--engine", "kanister", "--schedule", "0 3 * * *", "--keep-daily", "7"),
    *("--schedule-image", "example.com/kanister-kafka:1"),
]


def cron_job(**choices) -> dict:
    (found,) = [one for one in render(plan_of(EXAMPLE, **GOOD | choices)) if one.kind == "CronJob"]
    return yaml.safe_load(found.text)


def run(*words: str):
    return CliRunner().invoke(main, words, catch_exceptions=False)


@pytest.mark.parametrize(
    ("choice", "path", "message"),
    [
        ({"schedule": "0 3 * *"}, "schedule", "must have the fields"),
        ({"schedule": "0 24 * * *"}, "schedule", "values from 0 to 23 as its hour, not 24"),
        ({"schedule": "TZ=UTC 0 3 * * *"}, "schedule", "--time-zone"),
        ({"engine": SnapshotProvider.KASTEN}, "schedule", "is for --engine kanister"),
        ({"schedule_image": ""}, "schedule", "needs --schedule-image"),
        ({"schedule_image": "a b"}, "schedule-image", "must be an image reference"),
        ({"keep_daily": 0}, "schedule", "needs a rule that keeps backups"),
        ({"keep_daily": -1}, "keep-daily", "must not be negative"),
        ({"keep_within": "soon"}, "keep-within", "such as 30d or 72h"),
        ({"keep_within": "0d"}, "keep-within", "such as 30d or 72h"),
        ({"time_zone": "local"}, "time-zone", "IANA name"),
        ({"schedule": "", "schedule_image": ""}, "keep-daily", "is for --schedule"),
        ({"schedule": "", "keep_daily": 0}, "schedule-image", "is for --schedule"),
        (
            {"schedule": "", "schedule_image": "", "keep_daily": 0, "time_zone": "UTC"},
            "time-zone",
            "is for --schedule",
        ),
    ],
)
def test_wrong_choices(choice: dict, path: str, message: str) -> None:
    (problem,) = Options(**GOOD | choice).problems()
    assert (problem.rule, problem.path) == ("option", path)
    assert message in problem.message


def warnings_of(**choices) -> dict[str, str]:
    return {problem.rule: problem.message for problem in plan_of(EXAMPLE, **choices).problems}


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (GOOD | {"schedule": "*/5 * * * *"}, "starts a backup after 5m, and one may take"),
        (GOOD | {"schedule": "0 3,4 * * 0"}, "starts a backup after 1h, and one may take"),
        (
            {"kasten": (KastenOutput.POLICY,), "frequency": "@hourly"},
            "--frequency @hourly starts a backup after 1h, and one may take 1h15m",
        ),
    ],
)
def test_runs_that_are_too_near(choices: dict, message: str) -> None:
    found = warnings_of(**choices)
    assert message in found["schedule-too-dense"]
    online = warnings_of(**choices, strategy=Strategy.ONLINE)["schedule-too-dense"]
    assert "stops the clients" in online or "frequency" in online


@pytest.mark.parametrize(
    "choices",
    [
        GOOD,
        GOOD | {"schedule": "@every 12h"},
        {"kasten": (KastenOutput.POLICY,), "frequency": "@daily"},
        {
            "kasten": (KastenOutput.POLICY,),
            "frequency": "@hourly",
            "restart_after": 1800,
            "limits": StepTimeouts(restart=300),
        },
        {"kasten": (KastenOutput.POLICY,), "frequency": "@hourly", "strategy": Strategy.HOT},
        GOOD | {"kasten": (KastenOutput.POLICY,)},
    ],
)
def test_runs_that_are_far_apart(choices: dict) -> None:
    assert not {"schedule-too-dense", "two-schedules"} & set(warnings_of(**choices))


def test_two_schedules_are_two_outages() -> None:
    choices = GOOD | {"kasten": (KastenOutput.POLICY,), "frequency": "@daily"}
    assert warnings_of(**choices)["two-schedules"] == (
        "the CronJob of --schedule and the Policy of --frequency @daily both stop Kafka: two "
        "outages. Leave one of them out"
    )


def test_a_wrong_schedule_of_a_fleet_is_reported_at_its_line(tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(
        "apiVersion: kanister-kafka.io/v1alpha1\nkind: KafkaFleet\n"
        f"inputs: [{ROOT / 'examples' / EXAMPLE}]\n"
        "defaults:\n  engine: kanister\n  schedule: 0 25 * * *\n  keepDaily: 7\n"
        "  scheduleImage: example.com/kanister-kafka:1\n"
    )
    result = run("fleet", "render", str(file), "--output-dir", str(tmp_path / "out"))
    assert result.exit_code == 1
    assert "fleet.yaml:6:13: error: defaults.schedule" in result.stderr


def test_no_job_overlaps_or_is_repeated() -> None:
    spec = cron_job(time_zone="Europe/Berlin")["spec"]
    assert (spec["schedule"], spec["timeZone"]) == ("0 3 * * *", "Europe/Berlin")
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["startingDeadlineSeconds"] == 1800
    labels = {"kanister-kafka.io/schedule": "my-cluster"}
    assert spec["jobTemplate"]["metadata"]["labels"] == labels
    job = spec["jobTemplate"]["spec"]
    assert job["backoffLimit"] == 0
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    assert "timeZone" not in cron_job()["spec"]


def test_the_deadline_is_above_all_that_an_action_may_take() -> None:
    for limits in (StepTimeouts(), StepTimeouts(ready=7200), StepTimeouts(claims=3600)):
        plan = plan_of(EXAMPLE, **GOOD, limits=limits)
        longest = max(one.seconds for one in plan.actions if one.name in ("backup", "restore"))
        assert longest < plan.schedule.deadline - 900 < longest + 300
        job = cron_job(limits=limits)["spec"]["jobTemplate"]["spec"]
        assert job["activeDeadlineSeconds"] == plan.schedule.deadline


def test_the_pod_is_confined_and_fits_into_the_namespace() -> None:
    pod = cron_job(
        run_as_user=None,
        pod_labels=(("team", "a"),),
        pod_annotations=(("note", "b"),),
        image_pull_secrets=("registry",),
        tolerations=("dedicated=kafka:NoSchedule",),
        node_selector=(("pool", "kafka"),),
        priority_class="high",
        pod_limits=(("memory", "256Mi"),),
    )["spec"]["jobTemplate"]["spec"]["template"]
    assert pod["metadata"] == {
        "labels": {"kanister-kafka.io/schedule": "my-cluster", "team": "a"},
        "annotations": {"note": "b"},
    }
    spec = pod["spec"]
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert spec["tolerations"][0]["key"] == "dedicated"
    assert spec["nodeSelector"] == {"pool": "kafka"}
    assert spec["priorityClassName"] == "high"
    assert spec["serviceAccountName"] == NAME
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"] == {"memory": "256Mi"}
    assert container["image"] == "example.com/kanister-kafka:1"


def test_arguments_name_all_that_the_account_is_limited_to() -> None:
    plan = plan_of(EXAMPLE, **GOOD, keep_within="30d", name="own", kasten_namespace="kanister")
    assert plan.schedule.arguments == (
        *("backups", "create", "my-cluster", "--namespace=kafka", "--kasten-namespace=kanister"),
        *("--blueprint=own", plan.schedule.arguments[6], "--skip-if-busy", "--no-logs"),
        *("--keep-daily=7", "--keep-within=30d"),
    )
    assert plan.schedule.arguments[6].startswith("--timeout=")
    assert rights(plan, NAME) == {
        "kafka configmaps my-cluster-kanister-kafka get",
        "kafka events * create",
        "kafka kafkanodepools * list",
        "kafka kafkas my-cluster get",
        "kafka pods * list",
        "kafka secrets * delete,get,list",
        "kafka volumesnapshots * delete,list",
        "kanister actionsets * create,delete,get,list",
        "kanister blueprints own get",
    }


def test_without_a_schedule_there_is_neither_account_nor_cron_job() -> None:
    plan = plan_of(EXAMPLE, engine=SnapshotProvider.KANISTER)
    assert plan.schedule is None
    assert NAME not in {account.name for account in plan.accounts}
    assert "CronJob" not in {one.kind for one in render(plan)}


def test_a_name_that_is_too_long_for_a_cron_job_is_an_error(tmp_path: Path) -> None:
    text = (ROOT / "examples" / "kraft-combined" / "kafka.yaml").read_text()
    file = tmp_path / "kafka.yaml"
    file.write_text(text.replace("my-cluster", "c" * 31))
    result = run("render", "-f", str(file), *WORDS)
    assert result.exit_code == 1
    assert "has more than 52 characters in its name" in result.stderr


def test_plan_names_the_cron_job() -> None:
    plan = plan_of(EXAMPLE, **GOOD)
    assert f"CronJob {NAME} makes a backup at 0 3 * * *" in plan_text(plan)
    words = ["plan", "-f", str(ROOT / "examples" / EXAMPLE), *WORDS, "-o", "json"]
    assert json.loads(run(*words).stdout)["schedule"]["cronJob"] == NAME


@pytest.mark.parametrize("more", [[], ["--kustomization"], ["--format", "helm"]])
def test_files_of_a_directory(more: list[str], tmp_path: Path) -> None:
    words = ["render", "-f", str(ROOT / "examples" / EXAMPLE), "--output-dir", str(tmp_path), *more]
    assert run(*words, *WORDS).exit_code == 0
    file = tmp_path / f"cronjob-{NAME}.yaml"
    assert yaml.safe_load(file.read_text())["spec"]["schedule"] == "0 3 * * *"
    if "--kustomization" in more:
        listed = yaml.safe_load((tmp_path / "kustomization.yaml").read_text())["resources"]
        assert file.name in listed
    assert run("validate", str(tmp_path)).exit_code == 0
    assert run(*words, "--engine", "kanister").exit_code == 0
    assert not file.exists()


def identities(text: str) -> list[tuple[str, str, str]]:
    found = [one for one in yaml.safe_load_all(text) if one and "metadata" in one]
    return sorted(
        (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"])
        for one in found
    )


@pytest.mark.parametrize("kustomization", [False, True])
def test_a_directory_has_every_object(tmp_path: Path, *, kustomization: bool) -> None:
    """A verification has a Role of the same name in two namespaces."""
    words = ["render", "-f", str(ROOT / "examples" / EXAMPLE), *WORDS]
    words += ["--verify-schedule", "0 5 * * 0", "--verify-into", "kk-verify"]
    stream = run(*words)
    assert stream.exit_code == 0, stream.stderr
    more = ["--kustomization"] if kustomization else []
    assert run(*words, "--output-dir", str(tmp_path), *more).exit_code == 0
    assert run(*words, "--output-dir", str(tmp_path), *more, "--check").exit_code == 0
    names = [path.name for path in tmp_path.glob("*.yaml") if "kustom" not in path.name]
    text = "\n---\n".join((tmp_path / name).read_text() for name in names)
    assert identities(text) == identities(stream.stdout)
    if kustomization:
        listed = yaml.safe_load((tmp_path / "kustomization.yaml").read_text())["resources"]
        assert listed == sorted(names)


def test_argo_cd_applies_it_after_the_blueprint() -> None:
    from kanister_kafka import GitOps

    found = cron_job(gitops=GitOps.ARGOCD)
    assert found["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] == "0"


def test_a_function_of_kustomize_adds_it() -> None:
    kafka = [
        *yaml.safe_load_all((ROOT / "examples" / "kustomize" / "base" / "kafka.yaml").read_text())
    ]
    config = {
        "apiVersion": "kanister-kafka.io/v1alpha1",
        "kind": "KafkaBlueprint",
        "metadata": {"name": "b"},
        "spec": {
            "engine": "kanister",
            "schedule": "@daily",
            "scheduleImage": "example.com/kanister-kafka:1",
            "keepDaily": 7,
        },
    }
    wrapped = {
        "apiVersion": "config.kubernetes.io/v1",
        "kind": "ResourceList",
        "items": kafka,
        "functionConfig": config,
    }
    result = CliRunner().invoke(main, ["krm"], input=yaml.safe_dump(wrapped))
    assert result.exit_code == 0, result.output
    items = yaml.safe_load(result.stdout)["items"]
    (found,) = [one for one in items if one["kind"] == "CronJob"]
    assert found["spec"]["schedule"] == "@daily"
