"""The command: options, streams, exit codes, and one clear line for whatever is broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from kanister_kafka.cli import main

from .conftest import ROOT

KRAFT = str(ROOT / "examples" / "kraft-separate-pools")
MIRROR = str(ROOT / "examples" / "mirror-maker-2")
SEED = str(ROOT / "examples" / "seed")


def run(*words: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, words, input=stdin, catch_exceptions=False)


def kinds(result: Result) -> list[str]:
    return [document["kind"] for document in yaml.safe_load_all(result.stdout)]


def blueprint(result: Result) -> dict:
    found = yaml.safe_load_all(result.stdout)
    return next(document for document in found if document["kind"] == "Blueprint")


ALL = ["ServiceAccount", "ConfigMap", "Role", "RoleBinding", "Blueprint"]


def test_render_prints_yaml_and_nothing_else() -> None:
    result = run("render", "-f", KRAFT)
    assert result.exit_code == 0
    assert kinds(result) == ALL
    assert result.stdout.endswith("\n")
    assert "\x1b" not in result.stdout


def test_warnings_go_to_standard_error() -> None:
    result = run("render", "-f", str(ROOT / "examples" / "kraft-combined"))
    assert result.exit_code == 0
    assert "warning" not in result.stdout
    assert "(combined-roles)" in result.stderr


@pytest.mark.parametrize(
    ("words", "more"),
    [
        pytest.param(["--kasten", "policy"], ["Policy"], id="policy"),
        pytest.param(["--kasten", "binding"], ["BlueprintBinding"], id="binding"),
        pytest.param(
            ["--kasten", "binding", "--kasten", "policy"], ["Policy", "BlueprintBinding"], id="both"
        ),
    ],
)
def test_forms_of_kasten(words: list[str], more: list[str]) -> None:
    assert kinds(run("render", "-f", KRAFT, *words)) == ALL + more


def test_annotation_form_prints_what_to_set() -> None:
    result = run(
        *("render", "-f", SEED, "--cluster", "kafka-mirror/my-cluster"),
        *("--kasten", "annotation", "--strimzi-version", "0.23"),
    )
    assert kinds(result) == ALL
    assert "to do: kubectl annotate kafkas.kafka.strimzi.io my-cluster" in result.stderr


@pytest.mark.parametrize(
    ("words", "path", "value"),
    [
        (["--image", "example.com/kubectl:1"], ["image"], "example.com/kubectl:1"),
        (["--service-account", "sa"], ["podOverride", "serviceAccountName"], "sa"),
        (["--run-as-user", "1001"], ["podOverride", "securityContext", "runAsUser"], 1001),
        (["--run-as-user", "platform"], ["podOverride", "securityContext", "runAsUser"], None),
    ],
)
def test_options_of_the_steps(words: list[str], path: list[str], value: object) -> None:
    made = blueprint(run("render", "-f", KRAFT, *words))
    for action in made["actions"].values():
        for phase in action["phases"]:
            found = phase["args"]
            for key in path[:-1]:
                found = found[key]
            assert found.get(path[-1]) == value


@pytest.mark.parametrize(
    ("words", "path", "value"),
    [
        (["--name", "mine"], ["name"], "mine"),
        (["--kasten-namespace", "kanister"], ["namespace"], "kanister"),
        (["--label", "team=data"], ["labels", "team"], "data"),
        (["--annotation", "note=on"], ["annotations", "note"], "on"),
    ],
)
def test_options_of_the_blueprint(words: list[str], path: list[str], value: str) -> None:
    found = blueprint(run("render", "-f", KRAFT, *words))["metadata"]
    for key in path:
        found = found[key]
    assert found == value


def test_timeouts_reach_the_steps() -> None:
    made = blueprint(run("render", "-f", KRAFT, "--timeout", "pause=1m30s"))
    stop = made["actions"]["backupPrehook"]["phases"][2]
    assert "PAUSE_LIMIT=90" in stop["args"]["command"]


def test_output_directory_has_a_file_for_each_object(tmp_path: Path) -> None:
    result = run("render", "-f", KRAFT, "-o", str(tmp_path / "new"))
    assert result.stdout == ""
    files = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert [name.partition("-")[0] for name in files] == sorted(kind.lower() for kind in ALL)
    assert all(str(tmp_path / "new" / name) in result.stderr for name in files)


def test_standard_input() -> None:
    text = (ROOT / "examples" / "kraft-combined" / "kafka.yaml").read_text()
    assert kinds(run("render", "-f", "-", stdin=text)) == ALL


def test_own_template_goes_first(tmp_path: Path) -> None:
    (tmp_path / "serviceaccount.yaml.j2").write_text(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: <%= plan.service_account %>\n"
        "automountServiceAccountToken: false\n"
    )
    result = run("render", "-f", KRAFT, "--templates", str(tmp_path))
    assert "automountServiceAccountToken: false" in result.stdout
    assert kinds(result) == ALL


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("<%= plan.nothing %>", "serviceaccount.yaml.j2:1", id="undefined"),
        pytest.param("a\n<% if %>", "serviceaccount.yaml.j2:2", id="syntax"),
        pytest.param("x: <%= plan %>", "may not print a Plan", id="no-scalar"),
        pytest.param("a: [", "not valid", id="no-yaml"),
    ],
)
def test_broken_template_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "serviceaccount.yaml.j2").write_text(text)
    result = run("render", "-f", KRAFT, "--templates", str(tmp_path))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert told in result.stderr


def test_plan_as_text_names_what_happens() -> None:
    result = run("plan", "-f", MIRROR)
    assert result.exit_code == 0
    for word in (
        "quiesce",
        "flush",
        "stop",
        "snapshot",
        "restart",
        "QUIESCED",
        "LEFT ALONE",
        "MAY USE",
    ):
        assert word in result.stdout


def test_plan_as_json() -> None:
    plan = json.loads(run("plan", "-f", MIRROR, "--format", "json").stdout)
    assert [action["name"] for action in plan["actions"]] == [
        "backupPrehook",
        "backupPosthook",
        "resume",
    ]
    assert plan["leftAlone"][0]["name"] == "onward"
    assert {writer["name"] for writer in plan["writers"]} == {"http", "mirror", "sink"}
    assert all(writer["reason"] for writer in plan["writers"])
    assert {right["namespace"] for right in plan["rights"]} == {"kafka-backup", "kafka-tools"}
    assert plan["cluster"]["nodes"][0]["roles"] == ["broker"]


def test_validate_finds_what_kanister_would_drop(tmp_path: Path) -> None:
    path = tmp_path / "bp.yaml"
    path.write_text(
        "apiVersion: cr.kanister.io/v1alpha1\nkind: Blueprint\nmetadata:\n  name: x\nactions:\n"
        "  backupPrehook:\n    type: StatefulSet\n    phases:\n    - func: KubeTasks\n"
    )
    result = run("validate", str(path))
    assert result.exit_code == 1
    assert f"{path}:7:5: error: actions.backupPrehook.type: unknown field" in result.stdout
    assert 'did you mean "KubeTask"?' in result.stdout
    found = json.loads(run("validate", "--format", "json", str(path)).stdout)
    assert [(p["line"], p["column"], p["check"]) for p in found] == [
        (7, 5, "unknown-field"),
        (9, 13, "unknown-function"),
    ]


def test_validate_accepts_what_we_render() -> None:
    result = run("validate", str(ROOT / "blueprints"))
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "0 problems" in result.stderr
    assert run("validate", "--format", "json", str(ROOT / "blueprints")).stdout == "[]\n"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param(["render"], 2, "either -f PATH or --from-cluster", id="no-input"),
        pytest.param(["render", "-f", KRAFT, "--from-cluster"], 2, "either", id="both"),
        pytest.param(["render", "-f", "/no/such"], 2, "/no/such: No such file", id="no-file"),
        pytest.param(["render", "-f", KRAFT, "--timeout", "x=1s"], 2, "none of", id="no-step"),
        pytest.param(["render", "-f", KRAFT, "--timeout", "stop=1"], 2, "duration", id="no-time"),
        pytest.param(["render", "-f", KRAFT, "--label", "x"], 2, "KEY=VALUE", id="no-pair"),
        pytest.param(["render", "-f", KRAFT, "--run-as-user", "me"], 2, "user id", id="no-user"),
        pytest.param(["render", "-f", KRAFT, "--strimzi-version", "x"], 2, "version", id="no-ver"),
        pytest.param(["render", "-f", SEED], 1, "(several-clusters)", id="no-choice"),
        pytest.param(["render", "-f", KRAFT, "--cluster", "x"], 1, "(no-kafka)", id="no-such"),
        pytest.param(["render", "-f", KRAFT, "--image", "a b"], 1, "(option)", id="option"),
        pytest.param(["plan", "-f", SEED], 1, "(several-clusters)", id="plan"),
        pytest.param(["validate"], 2, "PATH", id="validate-nothing"),
        pytest.param(["nonsense"], 2, "No such command", id="no-command"),
    ],
)
def test_refusals(words: list[str], code: int, told: str) -> None:
    result = run(*words)
    assert result.exit_code == code
    assert result.stdout == ""
    assert told in result.stderr


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x00\xff\xfe\x80", id="binary"),
        pytest.param(b"{" * 5000, id="braces"),
        pytest.param(b"a: &a [*a, *a]\n", id="recursive"),
        pytest.param(
            b"a0: &a0 x\n"
            + b"".join(
                b"a%d: &a%d [%s]\n" % (i, i, b",".join([b"*a%d" % (i - 1)] * 9))
                for i in range(1, 20)
            ),
            id="bomb",
        ),
        pytest.param(b"kind: Kafka\napiVersion: kafka.strimzi.io/v1beta2\n", id="bare"),
        pytest.param(b"kind: Kafka\napiVersion: 7\nmetadata: []\nspec: 1\n", id="wrong-types"),
        pytest.param(b"x: " + b"y" * (17 * 1024 * 1024), id="large"),
    ],
)
@pytest.mark.parametrize("command", ["render", "plan", "validate"])
def test_no_traceback_for_broken_input(text: bytes, command: str) -> None:
    words = ["-f", "-"] if command != "validate" else ["-"]
    result = run(command, *words, stdin=text)
    assert result.exit_code in (0, 1) if command == "validate" else result.exit_code == 1
    assert result.stdout == "" or command == "validate"
    assert all(": error: " in line for line in result.output.splitlines()[:-1])


def test_all_problems_are_told_at_once_with_their_places(tmp_path: Path) -> None:
    path = tmp_path / "kafka.yaml"
    path.write_text(
        "apiVersion: kafka.strimzi.io/v1beta2\nkind: Kafka\nmetadata:\n  name: a\nspec:\n"
        "  kafka:\n    replicas: three\n    storage:\n      type: ephemeral\n"
        "  zookeeper:\n    storage:\n      type: persistent-claim\n"
    )
    result = run("render", "-f", str(path), "-n", "ns")
    lines = result.stderr.splitlines()
    assert result.exit_code == 1
    assert any(
        line == f'{path}:7:15: error: spec.kafka.replicas: Invalid value: "three": must be an '
        "integer (wrong-type)"
        for line in lines
    )
    assert any("(ephemeral-storage)" in line for line in lines)
    assert any("spec.zookeeper.replicas: Required value (missing-field)" in line for line in lines)


def test_cluster_out_of_reach_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    result = run("render", "--from-cluster", "my-cluster", "-n", "kafka")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_KANISTER_KAFKA_COMPLETE" in result.stdout


@pytest.mark.parametrize("command", sorted(main.commands))
def test_help_ends_with_an_example(command: str) -> None:
    text = run(command, "--help").stdout
    assert text.strip().splitlines()[-1].strip().startswith("Example:") or "Example:" in text


def test_version() -> None:
    assert run("--version").stdout.startswith("kanister-kafka, version 0.")


def test_colour_only_on_a_terminal_and_not_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["render", "-f", str(ROOT / "examples" / "kraft-combined")]
    assert "\x1b[33mwarning" in CliRunner().invoke(main, words, color=True).stderr
    assert "\x1b" not in CliRunner().invoke(main, words).stderr
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in CliRunner().invoke(main, words, color=True).stderr


def test_python_m_and_no_heavy_import() -> None:
    code = "import sys, kanister_kafka.cli; print('kubernetes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False", "the client of Kubernetes is slow to import"
    done = subprocess.run(
        [sys.executable, "-m", "kanister_kafka", "--version"],
        capture_output=True,
        text=True,
        env=dict(os.environ),
    )
    assert done.returncode == 0
