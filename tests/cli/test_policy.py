"""`policy render`, `policy restore` and `policy lint`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from jsonschema import Draft7Validator

from kanister_kafka import validate_text
from kanister_kafka.cli import main
from kanister_kafka.kasten.schemas import kasten_schema
from kanister_kafka.linter import LintSettings

MIRROR = "-f examples/mirror-maker-2"
POOLS = "-f examples/kraft-separate-pools"
STORAGE = """\
apiVersion: kafka.strimzi.io/v1beta2
kind: Kafka
metadata: {name: my-cluster, namespace: kafka}
spec:
  kafka:
    version: 3.9.0
    replicas: 3
    storage:
      type: persistent-claim
      size: 1Gi
      class: standard
      overrides: [{broker: 0, class: zone-a}]
  zookeeper:
    replicas: 3
    storage: {type: persistent-claim, size: 1Gi}
"""


def run(words: str, *, code: int = 0, text: str | None = None) -> Result:
    result = CliRunner().invoke(main, shlex.split(words), input=text, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def objects(words: str, *, text: str | None = None) -> list[Any]:
    found = list(yaml.safe_load_all(run(words, text=text).stdout))
    for document in found:
        Draft7Validator(kasten_schema(document["kind"])).validate(document)
    return found


@pytest.mark.parametrize(
    "choices",
    [
        MIRROR,
        f"{MIRROR} --frequency @weekly --profile s3",
        f"{POOLS} --strategy hot --name kafka --kasten-namespace k10 --label team=a",
        "-f examples/seed --cluster kafka/my-cluster --annotation a=b",
    ],
)
def test_a_policy_is_the_one_that_render_makes(choices: str, at_root: Path) -> None:  # noqa: ARG001
    stream = run(f"render {choices} --kasten policy").stdout
    (policy,) = [text for text in stream.split("---\n") if "\nkind: Policy\n" in text]
    assert run(f"policy render {choices}").stdout == policy


def test_the_namespace_that_is_stopped_has_a_policy_of_its_own(at_root: Path) -> None:  # noqa: ARG001
    words = f"policy render {MIRROR} --frequency @daily --at 00:10 --export-profile s3"
    around, cold = objects(f"{words} --definitions kafka --definitions kafka-tools")
    assert [policy["metadata"]["name"] for policy in (around, cold)] == [
        "kafka-backup.backup-definitions",
        "kafka-backup.backup",
    ]
    where = [policy["spec"]["selector"]["matchExpressions"] for policy in (around, cold)]
    assert [expression["values"] for (expression,) in where] == [
        ["kafka", "kafka-tools"],
        ["kafka-backup"],
    ]
    parameters = [policy["spec"]["actions"][0]["backupParameters"] for policy in (around, cold)]
    kept = [{e["resource"] for e in p["filters"]["includeResources"]} for p in parameters]
    assert kept[1] - kept[0] == {"persistentvolumeclaims"}
    assert ["hooks" in p for p in parameters] == [False, True]
    assert around["spec"]["subFrequency"] == {"minutes": [40], "hours": [23]}
    assert cold["spec"]["subFrequency"] == {"minutes": [10], "hours": [0]}
    for policy in (around, cold):
        assert [action["action"] for action in policy["spec"]["actions"]] == ["backup", "export"]


def test_notes_name_missing_definitions_and_the_order_of_policies(at_root: Path) -> None:  # noqa: ARG001
    lost = run(f"policy render {MIRROR}").stderr
    assert "to do: add --definitions kafka --definitions kafka-tools to policy render" in lost
    assert "in kafka the source of KafkaMirrorMaker2 mirror" in lost
    assert "in kafka-tools KafkaMirrorMaker2 mirror" in lost
    assert "add --definitions kafka" in run(f"render {MIRROR} --kasten policy").stderr
    assert "--definitions" not in run(f"render {MIRROR} --kasten binding").stderr
    nowhere = run(f"policy render {MIRROR} --definitions nope").stderr
    assert "to do: check --definitions nope: by the input, mirrors" in nowhere
    notes = run(f"policy render {MIRROR} --definitions kafka --definitions kafka-tools").stderr
    assert "let kafka-backup.backup-definitions end before kafka-backup.backup starts" in notes
    assert "to do" not in run(f"policy render {POOLS}").stderr


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ("", None),
        ("--frequency @weekly", {"weekly": 4, "monthly": 12, "yearly": 7}),
        ("--frequency @monthly --retention monthly=3", {"monthly": 3, "yearly": 7}),
        ("--frequency @yearly --retention yearly=0", {"yearly": 0}),
    ],
)
def test_retention(choices: str, expected: object, at_root: Path) -> None:  # noqa: ARG001
    (policy,) = objects(f"policy render {POOLS} {choices}")
    assert policy["spec"].get("retention") == expected


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ("--export-profile s3", "@onDemand"),
        ("--frequency @daily --export-profile s3", "@daily"),
        ("--frequency @daily --export-profile s3 --export-frequency @weekly", "@weekly"),
    ],
)
def test_export(choices: str, expected: str, at_root: Path) -> None:  # noqa: ARG001
    (policy,) = objects(f"policy render {POOLS} {choices}")
    assert policy["spec"]["actions"][1] == {
        "action": "export",
        "exportParameters": {
            "frequency": expected,
            "profile": {"name": "s3", "namespace": "kasten-io"},
            "exportData": {"enabled": True},
        },
    }


@pytest.mark.parametrize(
    ("choices", "code", "told"),
    [
        ("render --retention daily=7", 1, "is for a Policy with a schedule"),
        ("render --frequency @weekly --retention daily=7", 1, "must be one of weekly, monthly"),
        ("render --retention dayly=7", 2, "is not PERIOD=COUNT"),
        ("render --retention daily=x", 2, "is not PERIOD=COUNT"),
        ("render --at 02:30", 1, "is for --frequency @daily; it runs @onDemand"),
        ("render --frequency @weekly --at 02:30", 1, "is for --frequency @daily"),
        ("render --frequency @daily --at 25:00", 1, "must be HH:MM"),
        ("render --export-frequency @daily", 1, "is for --export-profile"),
        ("render --export-profile a --export-frequency @daily", 1, "more often than the Policy"),
        (
            "render --frequency @weekly --export-profile a --export-frequency @daily",
            1,
            "more often than the Policy runs, @weekly",
        ),
        ("render --definitions a.b", 1, "lowercase RFC 1123 label"),
        ("render --definitions kafka", 2, "has a Policy already"),
        ("restore", 2, "Missing option '--restore-point'"),
        ("restore --restore-point a --storage-class =b", 2, "is not OLD=NEW or NEW"),
        ("restore --restore-point a --storage-class a=", 2, "is not OLD=NEW or NEW"),
        ("restore --restore-point a --storage-class B", 1, "RFC 1123 subdomain"),
        ("restore --restore-point a --storage-class a=b --storage-class b=c", 1, "in turn"),
        ("restore --restore-point a --storage-class a --storage-class b=c", 1, "the only one"),
        ("restore --restore-point a --volumes-into kafka", 2, "other than that of the Kafka"),
        ("restore --restore-point a --volumes-into a.b", 1, "lowercase RFC 1123 label"),
    ],
)
def test_wrong_choices(choices: str, code: int, told: str, at_root: Path) -> None:  # noqa: ARG001
    command, *words = choices.split()
    assert told in run(f"policy {command} {POOLS} {' '.join(words)}", code=code).stderr


def test_a_restore_is_the_one_that_render_makes(at_root: Path) -> None:  # noqa: ARG001
    stream = run(f"render {POOLS} --kasten restore --restore-point rp").stdout
    kinds = ("\nkind: TransformSet\n", "\nkind: RestoreAction\n")
    texts = [text for text in stream.split("---\n") if any(kind in text for kind in kinds)]
    assert run(f"policy restore {POOLS} --restore-point rp").stdout == "---\n".join(texts)


def test_a_restore_prints_its_first_step(at_root: Path) -> None:  # noqa: ARG001
    words = f"policy restore {POOLS} --restore-point rp"
    assert (
        "to do: render the Blueprint kasten-io/kafka.my-cluster with --kasten restore and apply it "
        "first: the RestoreAction calls its beforeRestore and afterRestore\n"
    ) in run(words).stderr
    assert "to do" not in run(f"{words} --volumes-into look").stderr
    done = run("policy restore -f - --restore-point rp --storage-class gp2=fast", text=STORAGE)
    assert (
        "to do: check --storage-class gp2=fast: no volume in the input names gp2; they name "
        "standard, zone-a\n"
    ) in done.stderr
    words = "policy restore -f - --restore-point rp --storage-class standard=fast"
    assert "check --storage-class" not in run(words, text=STORAGE).stderr


def changes(transform_set: Any) -> dict[str, list[tuple[str, str, str | None]]]:
    return {
        "/".join(t["subject"].values()): [(c["op"], c["path"], c.get("value")) for c in t["json"]]
        for t in transform_set["spec"]["transforms"]
        if t["name"] != "paused"
    }


CLASS = "/spec/storageClassName"


@pytest.mark.parametrize(
    ("choices", "claims", "kafkas"),
    [
        ("", None, []),
        (
            "--storage-class fast",
            [("test", CLASS, None), ("replace", CLASS, "fast")],
            ["/spec/kafka/storage/class", "/spec/kafka/storage/overrides/0/class"],
        ),
        (
            "--storage-class zone-a=fast",
            [("test", CLASS, "zone-a"), ("replace", CLASS, "fast")],
            ["/spec/kafka/storage/overrides/0/class"],
        ),
        ("--storage-class other=fast", [("test", CLASS, "other"), ("replace", CLASS, "fast")], []),
    ],
)
def test_a_storage_class_is_changed_if_the_option_is_given(
    choices: str, claims: object, kafkas: list[str]
) -> None:
    transforms, action = objects(f"policy restore -f - --restore-point rp {choices}", text=STORAGE)
    first = transforms["spec"]["transforms"][0]
    assert first["name"] == "paused"
    changed = [t for t in transforms["spec"]["transforms"] if t["subject"]["resource"] == "kafkas"]
    assert [t["json"][-1]["path"] for t in changed[1:]] == kafkas
    assert changes(transforms).get("persistentvolumeclaims") == claims
    assert action["spec"]["transforms"][0]["transformSetRef"]["name"] == "kafka.my-cluster"


POOL = """\
apiVersion: kafka.strimzi.io/v1
kind: Kafka
metadata: {name: my-cluster, namespace: kafka}
spec: {kafka: {version: 4.1.0}}
---
apiVersion: kafka.strimzi.io/v1
kind: KafkaNodePool
metadata: {name: dual, namespace: kafka, labels: {strimzi.io/cluster: my-cluster}}
spec:
  replicas: 1
  roles: [broker, controller]
  storage:
    type: jbod
    volumes:
    - {id: 0, type: persistent-claim, size: 1Gi}
    - {id: 1, type: persistent-claim, size: 1Gi, class: standard}
"""


def test_a_class_of_a_node_pool_is_changed_in_its_volume() -> None:
    words = "policy restore -f - --restore-point rp --storage-class standard=fast"
    transforms, _action = objects(words, text=POOL)
    place = "/spec/storage/volumes/1/class"
    assert changes(transforms) == {
        "persistentvolumeclaims": [("test", CLASS, "standard"), ("replace", CLASS, "fast")],
        "kafka.strimzi.io/kafkanodepools/dual": [
            ("test", place, "standard"),
            ("replace", place, "fast"),
        ],
    }


def test_every_replacement_is_tested_for_first() -> None:
    """Kasten fails a restore for a replacement of what is not there, and not for a failed test."""
    words = "policy restore -f - --restore-point rp --storage-class standard=fast"
    transforms, _action = objects(words, text=STORAGE)
    for commands in changes(transforms).values():
        (test, path, old), (replace, same, new) = commands
        assert (test, old, replace, new) == ("test", "standard", "replace", "fast")
        assert path == same


def test_volumes_alone_go_into_another_namespace_without_hooks() -> None:
    words = "policy restore -f - --restore-point rp --volumes-into look"
    (action,) = objects(words, text=STORAGE)
    assert action["metadata"]["namespace"] == action["spec"]["targetNamespace"] == "look"
    assert action["spec"]["subject"]["namespace"] == "kafka"
    assert action["spec"]["filters"]["includeResources"] == [
        {"resource": "persistentvolumeclaims", "matchLabels": {"strimzi.io/cluster": "my-cluster"}}
    ]
    assert not {"hooks", "transforms"} & action["spec"].keys()
    transforms, action = objects(f"{words} --storage-class fast", text=STORAGE)
    assert [*changes(transforms)] == ["persistentvolumeclaims"]
    assert transforms["metadata"]["name"] == "kafka.my-cluster-volumes"
    assert action["spec"]["transforms"][0]["transformSetRef"]["name"] == "kafka.my-cluster-volumes"


def test_files(at_root: Path, tmp_path: Path) -> None:  # noqa: ARG001
    run(f"policy render {MIRROR} --definitions kafka -o {tmp_path}")
    run(f"policy restore {MIRROR} --restore-point rp -o {tmp_path}")
    assert {path.name for path in tmp_path.iterdir()} == {
        "policy-kafka-backup.backup.yaml",
        "policy-kafka-backup.backup-definitions.yaml",
        "restoreaction-kafka-backup.backup.yaml",
        "transformset-kafka-backup.backup.yaml",
    }


def test_all_that_is_rendered_for_a_pair_is_right_together(at_root: Path) -> None:  # noqa: ARG001
    blueprint = run(f"render {MIRROR} --kasten restore").stdout
    policies = run(f"policy render {MIRROR} --frequency @daily --definitions kafka-tools").stdout
    restore = run(f"policy restore {MIRROR} --restore-point rp --storage-class fast").stdout
    text = "---\n".join((blueprint, policies, restore))
    assert not validate_text(text, settings=LintSettings(kasten=True))


LEFT_OUT = "tests/invalid/kasten-filter-leaves-out"
PER_NAMESPACE = "see kasten-hook-per-namespace"


def test_lint_prints_the_coverage_of_each_policy(at_root: Path) -> None:  # noqa: ARG001
    (path,) = Path(LEFT_OUT).iterdir()
    result = run(f"policy lint {LEFT_OUT}")
    assert result.stdout.splitlines()[:6] == [
        "Policies: 1, with errors: 0",
        "",
        f"Policy kafka ({path}:34:1)",
        "@daily: backup, location profile none; namespace kafka",
        "WHEN            ON                                                   BLUEPRINT   RUNS"
        "                              BUT",
        "backupPrehook   kafkas.kafka.strimzi.io, by BlueprintBinding kafka   kafka       "
        "backupPrehook: backupPrehookRun   the filter leaves it out",
    ]
    assert "(kasten-filter-leaves-out)" in result.stdout
    run(f"policy lint {LEFT_OUT} --fail-on warning", code=1)
    run(f"policy lint {LEFT_OUT} --fail-on warning --ignore kasten-filter-leaves-out")


@pytest.mark.parametrize(
    ("folder", "runs"),
    [
        (
            "kasten-hook-per-namespace",
            [
                ("backup preHook", "kafka", "stop", ["stopRun"], PER_NAMESPACE),
                ("backup preHook", "kafka-mirror", "stop", ["stopRun"], PER_NAMESPACE),
                ("backup onSuccess", "kafka", "start", ["startRun"], ""),
                ("backup onSuccess", "kafka-mirror", "start", ["startRun"], ""),
                ("backup onFailure", "kafka", "start", ["startRun"], ""),
                ("backup onFailure", "kafka-mirror", "start", ["startRun"], ""),
            ],
        ),
        (
            "kasten-hook-twice",
            [
                ("backup preHook", "kafka", "backupPrehook", ["stopRun"], "see kasten-hook-twice"),
                ("backup onSuccess", "kafka", "backupPosthook", ["startRun"], ""),
                ("backup onFailure", "kafka", "backupPosthook", ["startRun"], ""),
                (
                    "backupPrehook",
                    "kafkas.kafka.strimzi.io, by BlueprintBinding kafka",
                    "backupPrehook",
                    ["stopRun"],
                    "",
                ),
                (
                    "backupPosthook",
                    "kafkas.kafka.strimzi.io, by BlueprintBinding kafka",
                    "backupPosthook",
                    ["startRun"],
                    "",
                ),
            ],
        ),
    ],
)
def test_lint_as_json(folder: str, runs: list[object], at_root: Path) -> None:  # noqa: ARG001
    result = run(f"policy lint tests/invalid/{folder} --format json")
    tree = json.loads(result.stdout)
    (policy,) = tree["policies"]
    assert [
        (r["when"], r["on"], r["action"], r["phases"], r["but"]) for r in policy["runs"]
    ] == runs
    assert {finding["check"] for finding in tree["findings"]} >= {folder}


@pytest.mark.usefixtures("at_root")
def test_objects_outside_of_the_input_are_reported_as_missing(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(run(f"policy render {POOLS}").stdout)
    tree = json.loads(run(f"policy lint {tmp_path} --format json").stdout)
    assert {r["but"] for r in tree["policies"][0]["runs"]} == {"the Blueprint is not in the input"}


EXPORT = """\
  - action: export
    exportParameters: {frequency: "@daily", exportData: {enabled: true}}
"""
PRE = """\
        preHook:
          blueprint: kafka.my-cluster
          actionName: backupPrehook
"""
SUCCESS = """\
        onSuccess:
          blueprint: kafka.my-cluster
          actionName: backupPosthook
"""
FAILURE = """\
        onFailure:
          blueprint: kafka.my-cluster
          actionName: resume
"""
KEY = "k10.kasten.io/appNamespace"
LABEL = "      operator: In\n      values:\n      - kafka\n"
FREQUENCY = 'frequency: "@onDemand"\n'
MISTAKES: list[tuple[str, str, str]] = [
    (SUCCESS, "", "kasten-missing-hook"),
    (FAILURE, "", "kasten-missing-hook"),
    (PRE, "", "kasten-missing-hook"),
    (SUCCESS + FAILURE, "", "kasten-missing-hook"),
    (SUCCESS, SUCCESS.replace("backupPosthook", "resume"), "kasten-wrong-hook"),
    (SUCCESS, SUCCESS.replace("backupPosthook", "backupPrehook"), "kasten-wrong-hook"),
    (FAILURE, FAILURE.replace("resume", "backupPrehook"), "kasten-wrong-hook"),
    (PRE, PRE.replace("backupPrehook", "backupPosthook"), "kasten-wrong-hook"),
    (PRE, PRE.replace("backupPrehook", "backupPreHook"), "kasten-hook-action"),
    (PRE, PRE.replace("my-cluster", "my-clutser"), "kasten-missing-hook"),
    ("      hooks:\n" + PRE + SUCCESS + FAILURE, "", "kasten-kafka-not-stopped"),
    ("kafka.my-cluster\n          ", "kafka.my-clutser\n          ", "kasten-kafka-not-stopped"),
    ("        - resource: persistentvolumeclaims\n", "", "kasten-backup-incomplete"),
    ("        - resource: secrets\n", "", "kasten-backup-incomplete"),
    ("        - resource: configmaps\n", "", "kasten-backup-incomplete"),
    ("          resource: kafkas\n", "", "kasten-backup-incomplete"),
    ("          resource: kafkas\n", "          resource: kafka\n", "kasten-misspelt-resource"),
    ("resource: kafkanodepools\n", "resource: KafkaNodePool\n", "kasten-backup-incomplete"),
    ("resource: secrets\n", "resource: secret\n", "kasten-misspelt-resource"),
    ("resource: persistentvolumeclaims\n", "resource: pvc\n", "kasten-misspelt-resource"),
    ("includeResources:", "excludeResources:", "kasten-backup-incomplete"),
    (KEY, "k10.kasten.io/appnamespace", "kasten-selector"),
    (KEY, "kasten.io/appNamespace", "kasten-selector"),
    (KEY, "team", "kasten-stopped-per-namespace"),
    ("      - kafka\n", "      - kafka\n      - shop\n", "kasten-stopped-per-namespace"),
    ("      - kafka\n", "      - kafak\n", "kasten-kafka-not-selected"),
    ("operator: In\n", "operator: in\n", "kasten-policy-shape"),
    (LABEL, "      operator: In\n", "kasten-selector"),
    ("namespace: kasten-io\n", "namespace: kafka\n", "kasten-policy-namespace"),
    ("kasten.io/v1alpha1", "kasten.io/v1", "kasten-kind"),
    ("kind: Policy\n", "kind: policy\n", "kasten-kind"),
    (FREQUENCY, 'frequency: "@dailyy"\n', "kasten-policy-shape"),
    (FREQUENCY, f"{FREQUENCY}  subFrequency: {{minutes: [75]}}\n", "kasten-policy-shape"),
    (FREQUENCY, f"{FREQUENCY}  subFrequency: {{hours: [26]}}\n", "kasten-policy-shape"),
    ("preHook:", "prehook:", "kasten-policy-shape"),
    ("onSuccess:", "onSucces:", "kasten-policy-shape"),
    ("backupParameters:", "backupParams:", "kasten-policy-shape"),
    ("action: backup\n", "action: bakup\n", "kasten-policy-shape"),
    ("includeResources:", "includeResource:", "kasten-policy-shape"),
    ("  actions:\n", f"  actions:\n{EXPORT}", "kasten-missing-parameter"),
]


@pytest.mark.parametrize("command", ["policy lint", "validate --kasten"])
@pytest.mark.parametrize(("right", "wrong", "check"), MISTAKES)
def test_one_mistake_ends_with_1(
    right: str, wrong: str, check: str, command: str, at_root: Path, tmp_path: Path
) -> None:
    """Each leaves Kafka stopped, backs up nothing that can be restored, or is refused."""
    (tmp_path / "blueprint.yaml").write_text(run(f"render {POOLS}").stdout)
    (policy := tmp_path / "policy.yaml").write_text(run(f"policy render {POOLS}").stdout)
    words = f"{command} {tmp_path} {at_root}/examples/kraft-separate-pools/kafka.yaml"
    assert "no problem" in run(words).stderr
    text = policy.read_text()
    assert right in text
    policy.write_text(text.replace(right, wrong))
    assert f"({check})" in run(words, code=1).stdout


@pytest.mark.parametrize(
    "choices",
    [
        f"{POOLS} --strategy hot",
        f"{POOLS} --frequency @daily --at 02:30 --retention daily=3 --profile s3",
        f"{MIRROR} --export-profile s3 --frequency @weekly --export-frequency @monthly",
        f"{MIRROR} --definitions kafka --definitions kafka-tools",
    ],
)
def test_what_is_rendered_has_no_problem(choices: str, at_root: Path, tmp_path: Path) -> None:  # noqa: ARG001
    source = choices.partition(" --")[0]
    strategy = "--strategy hot" if "hot" in choices else ""
    (tmp_path / "blueprint.yaml").write_text(run(f"render {source} {strategy}").stdout)
    (tmp_path / "policy.yaml").write_text(run(f"policy render {choices}").stdout)
    result = run(
        f"policy lint --fail-on warning {tmp_path} {source.removeprefix('-f ')}/kafka.yaml"
    )
    assert "no problem" in result.stderr
    assert "see " not in result.stdout


def test_the_table_has_a_row_for_a_hook_that_is_missing(at_root: Path) -> None:  # noqa: ARG001
    tree = json.loads(
        run(
            "policy lint tests/invalid/kasten-missing-hook/no-success.yaml --format json", code=1
        ).stdout
    )
    (policy,) = tree["policies"]
    assert policy["errors"] == ["kasten-missing-hook"]
    assert [(r["when"], r["action"], r["but"]) for r in policy["runs"]] == [
        ("backup preHook", "backupPrehook", ""),
        ("backup onSuccess", "", "see kasten-missing-hook"),
        ("backup onFailure", "resume", ""),
    ]
    text = run("policy lint tests/invalid/kasten-kafka-not-stopped/no-hooks.yaml", code=1).stdout
    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert "Wrong with it: kasten-kafka-not-stopped; see below." in rows
    assert "backup preHook streaming none nothing see kasten-kafka-not-stopped" in rows


def test_the_table_has_the_effects_of_a_selector_by_label(at_root: Path) -> None:  # noqa: ARG001
    folder = "tests/invalid/kasten-stopped-per-namespace"
    text = run(f"policy lint {folder}/by-label.yaml", code=1).stdout
    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert rows[3].endswith("namespace each that matches team=data")
    assert rows[4] == "Its hooks run once for each namespace that matches."
    assert (
        "backup preHook each namespace that matches team=data streaming.orders backupPrehook: "
        "backupPrehookRun see kasten-stopped-per-namespace"
    ) in rows


@pytest.mark.parametrize(
    ("right", "wrong", "but"),
    [
        ("namespace: kasten-io}", "namespace: default}", "the binding is in default"),
        ("spec:", "spec:\n  disabled: true", "the binding is disabled"),
        ("resource: kafkas}", "resource: kafka}", "there are no kafka.kafka.strimzi.io"),
        ("matchAll:", "matchall:", "the binding has no requirement"),
        ("kafkas}", "strimzipodsets}", "there are no strimzipodsets.kafka.strimzi.io"),
        ("operator: In", "operater: In", "see kasten-binding-shape"),
    ],
)
def test_the_table_has_the_reason_why_a_binding_does_nothing(
    right: str, wrong: str, but: str, at_root: Path, tmp_path: Path
) -> None:
    text = (at_root / "tests/invalid/kasten-started-early/binding.yaml").read_text()
    head, marker, binding = text.rpartition("kind: BlueprintBinding")
    (tmp_path / "a.yaml").write_text(head + marker + binding.replace(right, wrong, 1))
    code = 0 if "disabled" in wrong else 1  # on purpose, and nothing is wrong with it
    tree = json.loads(run(f"policy lint {tmp_path} --format json", code=code).stdout)
    bound = [r for r in tree["policies"][0]["runs"] if "BlueprintBinding" in r["on"]]
    assert bound
    assert {r["but"] for r in bound} == {but}


@pytest.mark.parametrize("form", ["sarif", "junit", "github"])
def test_other_formats_are_those_of_validate(form: str, at_root: Path) -> None:  # noqa: ARG001
    words = f"--format {form} {LEFT_OUT}"
    assert run(f"policy lint {words}").stdout == run(f"validate --kasten {words}").stdout


def test_a_report_in_a_file_has_the_coverage_as_well(at_root: Path, tmp_path: Path) -> None:  # noqa: ARG001
    file = tmp_path / "lint.txt"
    assert run(f"policy lint {LEFT_OUT} --output {file}").stdout == ""
    assert file.read_text() == run(f"policy lint {LEFT_OUT}").stdout


def test_the_page_has_the_output_of_lint(at_root: Path) -> None:
    page = (at_root / "docs" / "policies.md").read_text()
    shown = page.partition("$ kanister-kafka ")[2].partition("```")[0]
    command, _line, output = shown.partition("\n")
    assert run(command, code=1).stdout == output
