"""The command: options, streams, exit codes, and one clear line for whatever is broken."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from kanister_kafka.cli import main
from kanister_kafka.cli.app import COMMANDS, CommandGroup
from kanister_kafka.cli.commands.apply import apply as apply_command
from kanister_kafka.cli.commands.backups import backups
from kanister_kafka.cli.commands.policy import Policies, policy
from kanister_kafka.cli.commands.render import render as render_command
from kanister_kafka.cli.commands.restore import restore as restore_command
from kanister_kafka.cli.commands.topics import topics
from kanister_kafka.cli.commands.verify import verify as verify_command
from kanister_kafka.cli.output import write_result
from kanister_kafka.cli.param_types import SECTIONS
from kanister_kafka.errors import UnreachableError
from kanister_kafka.linter.registry import rule_docs
from tests.conftest import ROOT

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


ALL = [
    *("ServiceAccount", "ServiceAccount", "ServiceAccount", "ConfigMap", "ConfigMap"),
    *("Role", "RoleBinding", "Role", "RoleBinding", "Role", "RoleBinding"),
    *("Deployment", "Blueprint"),
]


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
            ["--kasten", "restore", "--kasten", "policy"], ["Policy", "TransformSet"], id="both"
        ),
    ],
)
def test_forms_of_kasten(words: list[str], more: list[str]) -> None:
    found = kinds(run("render", "-f", KRAFT, *words))
    assert set(more) == set(found) - set(ALL)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--kasten policy --kasten binding", 'kasten: Invalid value: "binding": must not be'),
        ("--kasten annotation --kasten policy", "must not be used with --kasten policy"),
        ("--frequency @daily", 'frequency: Invalid value: "@daily": is for --kasten policy'),
        ("--profile s3", 'profile: Invalid value: "s3": is for --kasten policy'),
        ("--profile s3 --kasten binding", "is for --kasten policy"),
        (
            "--label kanister-kafka.io/cluster=x",
            'label: Invalid value: "kanister-kafka.io/cluster=x": kanister-kafka.io/ is for',
        ),
        (
            "--annotation kanister-kafka.io/blueprint=x",
            'annotation: Invalid value: "kanister-kafka.io/blueprint=x": kanister-kafka.io/ is',
        ),
        (
            "--label app.kubernetes.io/managed-by=platform",
            'Invalid value: "app.kubernetes.io/managed-by=platform": is kanister-kafka: files',
        ),
    ],
)
def test_what_does_nothing_or_too_much_is_refused(words: str, told: str) -> None:
    result = run("render", "-f", KRAFT, *words.split())
    assert result.exit_code == 1
    assert told in result.stderr
    assert not result.stdout


def test_annotation_form_prints_what_to_set() -> None:
    result = run(
        *("render", "-f", SEED, "--cluster", "kafka-mirror/my-cluster"),
        *("--kasten", "annotation", "--strimzi-version", "0.23"),
    )
    assert kinds(result) == ALL
    assert "to do: kubectl annotate kafkas.v1beta2.kafka.strimzi.io my-cluster" in result.stderr


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
    (container,) = stop["args"]["podOverride"]["containers"]
    assert {"name": "PAUSE_TIMEOUT", "value": "90"} in container["env"]


def test_former_name_of_a_step_works_with_a_warning() -> None:
    old = run("render", "-f", KRAFT, "--timeout", "switch=90s")
    new = run("render", "-f", KRAFT, "--timeout", "watchdog=90s")
    assert "warning: --timeout switch= is deprecated; write --timeout watchdog=" in old.stderr
    assert "deprecated" not in new.stderr
    assert "WATCHDOG_TIMEOUT" in new.stdout
    assert "--timeout watchdog=1m30s" in new.stdout
    assert new.stdout == old.stdout


def test_output_directory_has_a_file_for_each_object(tmp_path: Path) -> None:
    result = run("render", "-f", KRAFT, "-o", str(tmp_path / "new"))
    assert result.stdout == ""
    files = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert [name.partition("-")[0] for name in files] == sorted(kind.lower() for kind in ALL)
    assert all(str(tmp_path / "new" / name) in result.stderr for name in files)


LONG = (
    "rehearse my-cluster --html",
    "rehearse my-cluster --output",
    "verify latest --html",
    "verify latest --output",
    "consistency-test --source a/b --mirror c/d --topic t --image x:1 --html",
    "topics compare a/b/t c/d/t --bootstrap-server nowhere:1 --html",
)


@pytest.mark.parametrize("words", LONG)
def test_a_report_that_cannot_be_written_is_an_error_before_the_work(words: str) -> None:
    """No file can be made below /proc, and there is no cluster that could be asked."""
    done = run(*words.split(), "/proc/report.html")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == "error: /proc/report.html: No such file or directory"


def test_a_result_that_cannot_be_written_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UnreachableError):
        write_result(tmp_path / "gone" / "report.txt", "outage 61 s\n")
    assert capsys.readouterr().out == "outage 61 s\n"


def break_link(folder: Path) -> None:
    mirror = folder / "mirror.yaml"
    mirror.unlink()
    mirror.symlink_to("../not-checked-out/mirror.yaml")


def refuse_list(folder: Path) -> None:
    clients = folder / "clients"
    clients.mkdir()
    (folder / "mirror.yaml").rename(clients / "mirror.yaml")


@pytest.mark.parametrize("spoil", [break_link, refuse_list])
@pytest.mark.parametrize("words", ["render -f", "plan -f", "validate"])
def test_what_cannot_be_read_below_a_directory_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], None], words: str
) -> None:
    """Without the MirrorMaker 2, the Blueprint would not stop it."""
    shutil.copytree(MIRROR, tmp_path / "in")
    spoil(tmp_path / "in")
    list_directory = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("clients"):
            raise PermissionError(13, "Permission denied", str(path))
        return list_directory(path)

    monkeypatch.setattr(os, "scandir", scandir)
    done = run(*words.split(), str(tmp_path / "in"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert re.search("(mirror.yaml: No such file|clients: Permission denied)", done.stderr)


def test_standard_input() -> None:
    text = (ROOT / "examples" / "kraft-combined" / "kafka.yaml").read_text()
    assert kinds(run("render", "-f", "-", stdin=text)) == ALL


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("# Ours\nif true; then\n", "restart.sh:3: ", id="syntax"),
        pytest.param(" true\n", "restart.sh:1: begins with a blank", id="blank"),
        pytest.param("# Ours\necho \x07\n", "restart.sh:2: has a character", id="control"),
    ],
)
def test_a_script_of_a_site_that_cannot_run_fails_the_command_at_its_start(
    tmp_path: Path, text: str, told: str
) -> None:
    script = tmp_path / "scripts" / "phases" / "restart.sh"
    script.parent.mkdir(parents=True)
    script.write_text(text)
    result = run("render", "-f", KRAFT, "--templates", str(tmp_path))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "restart.sh" in result.stderr
    assert told in result.stderr


def test_own_template_goes_first(tmp_path: Path) -> None:
    (tmp_path / "serviceaccount.yaml.j2").write_text(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: <%= item.name %>\n"
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
        pytest.param("x: <%= plan %>", "may not print a BackupPlan", id="no-scalar"),
        pytest.param("a: [", "not valid", id="no-yaml"),
        pytest.param("a: <%= plan.__class__ %>", "unsafe", id="internals"),
        pytest.param("a: <%= plan.name.__class__.__name__ %>", "unsafe", id="internals-of-text"),
        pytest.param("a: <%= '{0.__class__}'.format(1) %>", "unsafe", id="internals-by-format"),
        pytest.param("<%= plan.labels.__add__ %>", "unsafe", id="method-of-python"),
    ],
)
def test_the_error_of_a_broken_template_has_its_line(tmp_path: Path, text: str, told: str) -> None:
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


def test_plan_for_a_change_request() -> None:
    text = run("plan", "-f", MIRROR, "-o", "markdown").stdout
    lines = text.splitlines()
    assert lines[0] == "## Plan of a cold backup: Kafka kafka-backup/backup"
    assert lines[2] == (
        "**Each backup is an outage: it stops 6 nodes and 3 writers, and starts them again**"
    )
    assert "- Nodes stop in this order: backup-broker, backup-controller." in lines
    steps = [line for line in lines if line.startswith("| backupPrehook ")]
    assert steps
    assert all(step.count(" | ") == 5 for step in steps)
    assert "<details><summary>Rights of service account backup-kanister-kafka" in text
    hot = run("plan", "-f", KRAFT, "--strategy", "hot", "-o", "markdown").stdout
    assert "**No outage: nothing is stopped, " in hot
    assert "- With eligible leader replicas " in hot
    online = run("plan", "-f", MIRROR, "--strategy", "online", "-o", "markdown").stdout
    assert "**No outage: a backup only stops 3 clients, and fails if anything moves" in online
    text = run("plan", "-f", KRAFT, "--strategy", "hot").stdout
    assert "Not consistent." in text
    assert text.count("\n- ") == 5
    page = run("plan", "-f", MIRROR, "-o", "html").stdout
    assert page.startswith("<!DOCTYPE html>\n<html")
    for part in (
        "it stops 6 nodes and 3 writers",
        "<details>",
        "KafkaMirrorMaker2",
        "mirrors into",
    ):
        assert part in page
    assert "<script" not in page
    assert "http:" not in page


def test_plan_as_json() -> None:
    plan = json.loads(run("plan", "-f", MIRROR, "-o", "json").stdout)
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
    assert result.stderr == "16 Blueprints, 212 other objects: no problem\n"
    assert run("validate", "--format", "json", str(ROOT / "blueprints")).stdout == "[]\n"


BROKEN = """\
apiVersion: cr.kanister.io/v1alpha1
kind: Blueprint
metadata:
  name: x
actions:
  backup:
    type: StatefulSet
    phases:
    - {name: run, func: KubeTask, args: {image: example.com/tools:1, command: [sync]}}
---
# kanister-kafka: ignore=no-such-check
kind: Secret
"""
ERROR = "7:5: error: actions.backup.type: "
WARNING = "11:26: warning: "


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """A file with an error and a warning."""
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN)
    return str(path)


def test_validate_prints_findings_to_stdout_and_a_summary_to_stderr(broken: str) -> None:
    result = run("validate", broken)
    assert result.exit_code == 1
    first, second = result.stdout.splitlines()
    assert first.startswith(f"{broken}:{ERROR}")
    assert second.startswith(f"{broken}:{WARNING}")
    assert result.stderr == "1 Blueprint, 1 other object: 1 error, 1 warning\n"


@pytest.mark.parametrize(
    ("words", "code", "summary"),
    [
        pytest.param(["--fail-on", "error"], 1, "1 error, 1 warning", id="error"),
        pytest.param(["--ignore", "unknown-field"], 0, "1 warning, 1 ignored", id="ignored"),
        pytest.param(["--ignore", "unknown-field", "--fail-on", "warning"], 1,
                     "1 warning, 1 ignored", id="warning"),
        pytest.param(["--ignore", "unknown-field,unknown-check", "--fail-on", "warning"], 0,
                     "no problem, 2 ignored", id="comma"),
        pytest.param(["--ignore", "unknown-field", "--ignore", "unknown-check", "--fail-on",
                      "warning"], 0, "no problem, 2 ignored", id="repeated"),
    ],
)  # fmt: skip
def test_exit_code_follows_the_worst_finding(
    broken: str, words: list[str], code: int, summary: str
) -> None:
    result = run("validate", *words, broken)
    assert result.exit_code == code
    assert result.stderr == f"1 Blueprint, 1 other object: {summary}\n"


READERS = {
    "text": lambda text: [line.partition(": ")[0] for line in text.splitlines()],
    "json": lambda text: [f"{p['file']}:{p['line']}:{p['column']}" for p in json.loads(text)],
    "github": lambda text: re.findall("^::", text, re.MULTILINE),
    "junit": lambda text: re.findall("<testcase", text),
    "sarif": lambda text: json.loads(text)["runs"][0]["results"],
}


@pytest.mark.parametrize("form", READERS)
def test_every_format_goes_to_standard_output_and_to_a_file(
    broken: str, tmp_path: Path, form: str
) -> None:
    result = run("validate", "--format", form, broken)
    assert (result.exit_code, len(READERS[form](result.stdout))) == (1, 2)
    path = tmp_path / "report"
    again = run("validate", "--format", form, "--output", str(path), broken)
    assert (again.exit_code, again.stdout, again.stderr) == (1, "", result.stderr)
    assert path.read_text(encoding="utf-8") == result.stdout


def test_several_formats_each_go_to_the_output_of_their_place(broken: str, tmp_path: Path) -> None:
    sarif, junit = tmp_path / "a.sarif", tmp_path / "a.xml"
    words = ["--format", "sarif", "--format", "text", "--format", "junit"]
    words += ["--output", str(sarif), "--output", "-", "--output", str(junit)]
    result = run("validate", *words, broken)
    assert len(READERS["text"](result.stdout)) == 2
    assert len(READERS["sarif"](sarif.read_text())) == 2
    assert len(READERS["junit"](junit.read_text())) == 2
    again = run("validate", "--format", "sarif", "--output", str(sarif), "--format", "json", broken)
    assert len(READERS["json"](again.stdout)) == 2


def test_an_output_without_a_format_is_for_text(broken: str, tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    assert run("validate", "--output", str(path), broken).stdout == ""
    assert len(READERS["text"](path.read_text())) == 2


def test_what_the_encoding_of_standard_output_lacks_is_escaped(tmp_path: Path) -> None:
    (tmp_path / "東.yaml").write_text("kind: Blueprint\n日本: 1\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "kanister_kafka", "validate", str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "\\u6771.yaml" in done.stdout


def test_validate_holds_a_blueprint_against_a_release(tmp_path: Path) -> None:
    path = tmp_path / "bp.yaml"
    path.write_text(
        BROKEN.replace("    type: StatefulSet\n", "").replace("KubeTask", "MultiContainerRun")
    )
    unknown = [
        "unknown-function" in run("validate", "--kanister-version", version, str(path)).stdout
        for version in ("0.100", "0.119.0", "head")
    ]
    assert unknown == [True, False, False]


def test_explain_prints_the_section_of_a_check() -> None:
    text = run("explain", "ephemeral-storage").stdout
    assert text.startswith("ephemeral-storage (error)\n\nThe storage is ephemeral")
    assert "# wrong\nstorage: {type: ephemeral}\n# right\n" in text
    assert "```" not in text


def test_a_mistyped_command_is_answered_with_the_nearest() -> None:
    assert "No such command 'rendr'. Did you mean 'render'?" in run("rendr").stderr
    assert "Did you mean 'lint'?" in run("policy", "lnt").stderr
    assert "Did you mean" not in run("nonsense").stderr


FORMS_OF_KUBECTL = {
    "check": "my-cluster",
    "explain": "null-argument",
    "fleet plan": f"-f {MIRROR}",
    "plan": f"-f {KRAFT}",
    "preview": "blueprint.yaml --action go",
    "status": "my-cluster",
    "topics compare": "a:1/x b:1/y",
    "topics tail": "--bootstrap-server a:1 x",
    "topics collect": "job",
    "topics rate": "--bootstrap-server a:1 x",
    "topics count": "--bootstrap-server a:1 x",
    "version": "",
}
"""Commands that print one report, with what each needs."""


@pytest.mark.parametrize(("command", "words"), FORMS_OF_KUBECTL.items())
def test_reports_have_the_forms_of_kubectl(command: str, words: str) -> None:
    assert "-o, --output [text|json|yaml" in (found := run(*command.split(), "--help").stdout)
    assert "--format" not in found
    twice = run(*command.split(), *words.split(), "--format", "json", "-o", "json")
    assert twice.exit_code == 2
    assert "--format is the deprecated name of -o: give -o alone" in twice.stderr


def test_the_former_name_of_the_form_warns_and_works() -> None:
    old, new = (run("plan", "-f", KRAFT, flag, "json") for flag in ("--format", "-o"))
    assert old.stdout == new.stdout
    assert old.stderr == f"warning: --format is deprecated; write -o\n{new.stderr}"
    quiet = run("explain", "null-argument", "--format", "json", "-q")
    assert "--format is deprecated" in quiet.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("version --client my-cluster", "--client asks no cluster: leave KAFKA out"),
        ("version --client --context x", "--client asks no cluster: leave --context out"),
        ("preview FILE --action backupPrehook --context x", "--context is for --from-cluster"),
        ("preview FILE --action backupPrehook --as me", "--as is for --from-cluster"),
        ("schema --kind Policy --kanister-version 0.100", "is for --kind Blueprint"),
    ],
)
def test_an_option_that_does_nothing_is_wrong_use(words: str, told: str) -> None:
    blueprint = ROOT / "blueprints" / "kraft-combined" / "blueprint-kafka.my-cluster.yaml"
    result = run(*words.replace("FILE", str(blueprint)).split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_reports_as_yaml_and_as_names() -> None:
    for words in (("plan", "-f", KRAFT), ("fleet", "plan", "-f", MIRROR), ("version", "--client")):
        as_json, as_yaml = (run(*words, "-o", form).stdout for form in ("json", "yaml"))
        assert yaml.safe_load(as_yaml) == json.loads(as_json)
    assert run("plan", "-f", KRAFT, "-o", "name").stdout == (
        "blueprint.cr.kanister.io/kafka.my-cluster\n"
    )
    assert run("explain", "-o", "name").stdout.splitlines() == list(rule_docs())


def test_the_kafka_is_an_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    files = sorted(str(path) for path in (ROOT / "examples/kraft-combined").glob("*.yaml"))
    usual = run("render", "-f", "examples/kraft-combined").stdout
    for words in (["my-cluster", "-f", *files], ["-f", *files], ["kafka/my-cluster", "-f", *files]):
        assert blueprint(run("render", *words))["metadata"] == next(
            one["metadata"] for one in yaml.safe_load_all(usual) if one["kind"] == "Blueprint"
        )
    named = blueprint(run("render", "-f", files[0], *files[1:], "--blueprint", "x"))
    assert named["metadata"]["name"] == "x"
    for words, told in (
        (("a", "b", "-f", files[0]), "one KAFKA, not a and b"),
        (("a", "-f", files[0], "--cluster", "b"), "name the Kafka once: a, or --cluster"),
        (("a", "--from-cluster", "b"), "name the Kafka once: a, or --from-cluster"),
        (("c/a", "-n", "b"), "c/a is not in namespace b"),
        ((), "give either -f PATH or --from-cluster; KAFKA alone"),
        ((files[0],), "give it with -f"),
    ):
        refused = run("plan", *words)
        assert (refused.exit_code, told in refused.stderr) == (2, True), refused.stderr


def test_help_has_options_in_sections() -> None:
    for command in (["render"], ["apply"], ["plan"], ["check"], ["delete"], ["fleet", "render"]):
        text = run(*command, "--help").stdout
        titles = re.findall(r"(?m)^([A-Z][a-z ]+):$", text)
        order = ["Options", "Input", "Cluster", "Backup", "Kasten", "Copy off the cluster"]
        order += ["Pods and rights", "Objects"]
        if command != ["delete"]:  # which finds a CronJob by its labels
            order.insert(5, "Schedule")
        assert titles == order
        assert text.count("--strategy") == text.count("--kubeconfig") == 1
    for command in (["restore"], ["verify"]):
        titles = re.findall(r"(?m)^([A-Z][a-z ]+):$", run(*command, "--help").stdout)
        assert titles == ["Options", "Cluster", "Copy in another namespace", "Object store"]
    of_sections = [name for names in SECTIONS.values() for name in names]
    assert len(of_sections) == len(set(of_sections))
    copied = restore_command.params + verify_command.params
    every = {one.name for one in apply_command.params + render_command.params + copied}
    assert set(of_sections) - every <= {
        *("selector", "jobs", "kubeconfig", "as", "request_timeout", "verbose")
    }


def test_options_quiet_and_color(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    words = ("render", "-f", "examples/mirror-maker-2", "--kasten", "annotation")
    monkeypatch.chdir(ROOT)
    loud, quiet = run(*words), run(*words, "-q")
    assert "to do:" in loud.stderr
    assert (quiet.stdout, quiet.stderr) == (loud.stdout, "")
    for command in (("render", "--kasten", "policy"), ("policy", "render"), ("fleet", "render")):
        folder = str(tmp_path / command[0])
        into = (*command, "-f", "examples/mirror-maker-2", "--output-dir", folder)
        assert run(*into).stderr
        assert run(*into, "-q").stderr == ""
        (tmp_path / command[0]).rename(tmp_path / f"{command[0]}-1")
        silent = run(*into, "-q")
        assert (silent.exit_code, silent.output, silent.stderr) == (0, "", "")
    broken = ("validate", "-", "--color")
    text = "apiVersion: cr.kanister.io/v1alpha1\nkind: Blueprint\nmetadata: {name: x}\nactons: {}\n"
    assert "\x1b[31merror" in run(*broken, "always", stdin=text).stdout
    assert "\x1b[" not in run(*broken, "auto", stdin=text).stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[31merror" in run(*broken, "auto", stdin=text).stdout
    assert "\x1b[" not in run(*broken, "never", stdin=text).stdout


def test_explain_as_json_has_every_field() -> None:
    sections = json.loads(run("explain", "-o", "json").stdout)
    assert [one["id"] for one in sections] == list(rule_docs())
    (one,) = json.loads(run("explain", "ephemeral-storage", "-o", "json").stdout)
    assert one["severity"] == "error"
    assert one["text"].startswith(one["summary"])
    assert "# right" in one["example"]


def test_docs_prints_the_pages_that_messages_name() -> None:
    for path in (ROOT / "docs").glob("*.md"):
        for name in (path.stem, path.name, f"docs/{path.name}"):
            assert run("docs", name).stdout == path.read_text("utf-8")
    listed = [line.split()[0] for line in run("docs").stdout.splitlines()]
    assert listed == sorted(path.stem for path in (ROOT / "docs").glob("*.md"))
    result = run("docs", "helmm")
    assert result.exit_code == 2
    assert "No page is called 'helmm'; did you mean 'helm'?" in result.stderr


def test_every_page_that_a_message_names_is_one_that_docs_prints() -> None:
    names = set()
    for path in (*(ROOT / "kanister_kafka").rglob("*.py"), *(ROOT / "templates").rglob("*")):
        if path.suffix in (".py", ".sh", ".j2"):
            text = path.read_text("utf-8")
            names |= set(re.findall(r"kanister-kafka docs ([a-z]+)|docs/([a-z]+)\.md", text))
    assert {"helm", "kasten", "restore"} <= (found := {a or b for a, b in names})
    assert found <= {path.stem for path in (ROOT / "docs").glob("*.md")}


def test_explain_lists_all_checks() -> None:
    lines = run("explain").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(rule_docs())
    assert re.search(r"(?m)^null-argument +error +The Kanister .*\.$", "\n".join(lines))


def test_schema_prints_a_json_schema() -> None:
    found = json.loads(run("schema", "--kanister-version", "0.100").stdout)
    jsonschema.Draft7Validator.check_schema(found)
    assert "0.100" in found["title"]


def completed(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    monkeypatch.setenv("_KANISTER_KAFKA_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(("kanister-kafka", *words)))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    result = CliRunner().invoke(main, prog_name="kanister-kafka")
    return [line.partition(",")[2] for line in result.stdout.splitlines() if line]


def test_contexts_and_steps_are_completed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "config"
    contexts = [
        {"name": name, "context": {"cluster": "c", "user": "u"}} for name in ("lab", "prod")
    ]
    path.write_text(json.dumps({"current-context": "lab", "contexts": contexts}))
    monkeypatch.setenv("KUBECONFIG", str(path))
    assert completed(monkeypatch, "status", "--context", "p") == ["prod"]
    assert completed(monkeypatch, "render", "--context", "") == ["lab", "prod"]
    assert completed(monkeypatch, "render", "--timeout", "re") == ["restart=", "ready="]
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert not any(completed(monkeypatch, "status", "--context", "p"))


def test_commands_are_in_the_order_of_the_work() -> None:
    help_ = run("--help").stdout
    order = ["plan", "render", "validate", "apply", "check", "rehearse", "run", "status", "resume"]
    places = [help_.index(f"\n  {name} ") for name in order]
    assert places == sorted(places)
    assert places[0] < help_.index("\n  completion ")


def test_ids_of_checks_are_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed(monkeypatch, "explain", "ephem") == ["ephemeral-storage"]
    assert completed(monkeypatch, "validate", "--ignore", "paused,ephem") == [
        "paused,ephemeral-storage"
    ]
    assert completed(monkeypatch, "val") == ["validate"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param(["render"], 2, "either -f PATH or --from-cluster", id="no-input"),
        pytest.param(["render", "-f", KRAFT, "--from-cluster"], 2, "either", id="both"),
        pytest.param(["render", "-f", "/no/such"], 2, "/no/such: No such file", id="no-file"),
        pytest.param(["render", "-f", KRAFT, "--timeout", "x=1s"], 2, "not one of", id="no-step"),
        pytest.param(["render", "-f", KRAFT, "--timeout", "stop=1"], 2, "duration", id="no-time"),
        pytest.param(["render", "-f", KRAFT, "--label", "x"], 2, "KEY=VALUE", id="no-pair"),
        pytest.param(["render", "-f", KRAFT, "--run-as-user", "me"], 2, "user id", id="no-user"),
        pytest.param(["render", "-f", KRAFT, "--strimzi-version", "x"], 2, "version", id="no-ver"),
        pytest.param(["render", "-f", SEED], 1, "(several-clusters)", id="no-choice"),
        pytest.param(["render", "-f", KRAFT, "--cluster", "x"], 1, "(no-kafka)", id="no-such"),
        pytest.param(["render", "-f", KRAFT, "--image", "a b"], 1, "(option)", id="option"),
        pytest.param(["plan", "-f", SEED], 1, "(several-clusters)", id="plan"),
        pytest.param(["validate"], 2, "PATH", id="validate-nothing"),
        pytest.param(["validate", "--format", "json", "--format", "sarif", KRAFT], 2,
                     "Only one --format can go to standard output", id="two-to-standard-output"),
        pytest.param(["validate", "--output", "a", "--output", "b", KRAFT], 2,
                     "more --output than --format", id="outputs-without-format"),
        pytest.param(["validate", *("--format", "json", "--output", "a") * 2, KRAFT], 2,
                     "Only one --format can go to a", id="two-to-one-file"),
        pytest.param(["validate", "--format", "json", "--output", "/no/such/x", KRAFT], 2,
                     "/no/such/x: No such file", id="no-such-output"),
        pytest.param(["validate", "--format", "xml", KRAFT], 2, "xml", id="no-format"),
        pytest.param(["validate", "--fail-on", "info", KRAFT], 2, "info", id="no-severity"),
        pytest.param(["validate", "--ignore", "option,unknwon-field", KRAFT], 2,
                     'No rule is called "unknwon-field"; did you mean "unknown-field"?',
                     id="no-check"),
        pytest.param(["validate", "--kanister-version", "0.99", KRAFT], 2,
                     "'0.99' is not a known release of Kanister: 0.100, 0.101,", id="no-release"),
        pytest.param(["validate", "/no/such"], 2, "/no/such: No such file", id="validate-no-file"),
        pytest.param(["explain", "no-kafkas"], 2, 'did you mean "no-kafka"?', id="explain-near"),
        pytest.param(["explain", "xyz"], 2, "`explain` lists all", id="explain-nothing"),
        pytest.param(["nonsense"], 2, "No such command", id="no-command"),
        pytest.param(["render", "-f", KRAFT, "--context", "x"], 2,
                     "--context is for --from-cluster", id="context-of-files"),
        pytest.param(["render", "-f", KRAFT, "--kubeconfig", "x"], 2,
                     "--kubeconfig is for --from-cluster", id="kubeconfig-of-files"),
        pytest.param(["plan", "-f", KRAFT, "--strategy", "online", "--require-quiet"], 1,
                     "an online one always does", id="online-require-quiet"),
        pytest.param(["plan", "-f", KRAFT, "--strategy", "online", "--unclean-stop", "warn"], 1,
                     "an online one stops no broker", id="online-unclean-stop"),
        pytest.param(["plan", "-f", KRAFT, "--strategy", "hot", "--quiesce-by", "pause"], 1,
                     "is for --strategy cold", id="hot-quiesce-by"),
        pytest.param(["render", "-f", KRAFT, "--restart-after", "5m"], 1,
                     'restart-after: Invalid value: "5m": must be at least', id="early-switch"),
        pytest.param(["status", "--request-timeout", "soon"], 2, "is not a duration",
                     id="request-timeout"),
        pytest.param(["rehearse", "--no-probe", "--probe-config", "x"], 2,
                     "--probe-config is for a probe", id="no-probe-config"),
        pytest.param(["topics", "compare", "a:1/x", "b:1/y", "--config-secret", "s"], 2,
                     "--config-secret is for --print-job", id="config-secret-alone"),
        pytest.param(["topics", "count", "--bootstrap-server", "a:1", "x", "--priority-class",
                      "high"], 2, "--priority-class is for --in-cluster", id="pods-of-no-job"),
        pytest.param(["topics", "count", "--bootstrap-server", "a:1", "--kafka", "x", "t"], 2,
                     "--kafka and --bootstrap-server exclude each other", id="two-clusters"),
    ],
)  # fmt: skip
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
    severities = (": error: ", ": warning: no object was read")
    assert all(any(s in line for s in severities) for line in result.output.splitlines()[:-1])


def test_all_problems_are_reported_at_once_with_their_places(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("command", [*COMMANDS, *(f"policy {name}" for name in Policies.about)])
def test_help_ends_with_an_example(command: str) -> None:
    text = run(*command.split(), "--help").stdout
    assert text.strip().splitlines()[-1].strip().startswith("Example:") or "Example:" in text


def test_version() -> None:
    assert run("--version").stdout.startswith("kanister-kafka, version 0.")


def test_colour_only_on_a_terminal_and_not_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["render", "-f", str(ROOT / "examples" / "kraft-combined")]
    assert "\x1b[33mwarning" in CliRunner().invoke(main, words, color=True).stderr
    assert "\x1b" not in CliRunner().invoke(main, words).stderr
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in CliRunner().invoke(main, words, color=True).stderr


def imported(*words: str) -> set[str]:
    """Run the command in a process of its own and return what it imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "kanister_kafka", *words],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}


SLOW = {"jinja2", "kubernetes", "importlib.metadata", "xml.etree.ElementTree", "hashlib"}
"""Modules that take their time; `python -X importtime` tells."""


def test_help_of_a_group_has_the_first_line_of_each_command() -> None:
    for group in (CommandGroup(), backups, policy, topics):
        context = click.Context(group)
        for name, summary in group.about.items():
            assert group.get_command(context, name).help.partition("\n")[0] == summary


def test_no_command_imports_what_it_does_not_use(tmp_path: Path) -> None:
    path = tmp_path / "bp.yaml"
    path.write_text(BROKEN.partition("---")[0].replace("    type: StatefulSet\n", ""))
    for word in ("--version", "--help"):
        found = imported(word)
        assert "click" in found
        assert not found & {*SLOW, "yaml", "kanister_kafka.yamldoc", "kanister_kafka.linter"}
    validate = imported("validate", str(path))
    assert "yaml" in validate
    packages = {f"kanister_kafka.{name}" for name in ("strimzi", "backup.planner", "kube.client")}
    assert not validate & {*SLOW, *packages}


def test_an_annotation_too_large_for_kubectl_apply_is_reported() -> None:
    words = ["render", "-f", "examples/kraft-separate-pools", "--engine", "kanister"]
    assert "--server-side" not in run(*words).stderr
    many = [f"--annotation=site.example/{n}={'x' * 4000}" for n in range(70)]
    large = run(*words, *many)
    assert large.exit_code == 0
    assert "kubectl apply --server-side" in large.stderr


def test_former_names_of_commands_and_options_work_and_warn() -> None:
    help_texts = [run(name, "--help") for name in ("prove", "consistency-test")]
    assert help_texts[0].stdout.split()[3:] == help_texts[1].stdout.split()[3:]
    assert help_texts[0].stderr == "warning: prove is deprecated; write consistency-test\n"
    assert help_texts[1].stderr == ""
    for former, name in (("last", "tail"), ("merge", "collect"), ("total", "count")):
        assert f"{former} is deprecated; write {name}" in run("topics", former, "--help").stderr
        assert f"  {former} " not in run("topics", "--help").stdout
    words = ("topics", "compare", "h:1/a", "h:1/b", "--in-cluster", "-j", "2")
    old, new = (run(*words, name, "2s").stderr for name in ("--even-within", "--max-skew"))
    assert old == f"warning: --even-within is deprecated; write --max-skew\n{new}"
    both = run(*words, "--even-within", "2s", "--max-skew", "1s")
    assert both.exit_code == 2
    assert "--even-within is the deprecated name of --max-skew" in both.stderr


def test_former_names_of_pages_work_and_warn() -> None:
    for former, name in (("checks", "rules"), ("docs/prove.md", "consistency-test")):
        page = run("docs", former)
        assert page.stdout == run("docs", name).stdout
        assert f"is now called {name}" in page.stderr


class TestKafkaOfFiles:
    """A name and `-n` select from what `-f` reads."""

    COMMANDS = (("plan",), ("render",), ("apply",), ("policy", "render"))

    @pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
    @pytest.mark.parametrize(
        ("words", "wanted"),
        [
            (("my-cluster", "-n", "typo"), "no Kafka my-cluster of namespace typo"),
            (("-n", "typo"), "no Kafka of namespace typo"),
            (("--cluster", "my-cluster", "-n", "typo"), "no Kafka my-cluster of namespace typo"),
            (("typo",), "no Kafka typo"),
            (("typo", "-n", "kafka"), "no Kafka typo of namespace kafka"),
        ],
        ids=repr,
    )
    def test_no_such_kafka(self, command, words, wanted) -> None:
        folder = str(ROOT / "examples" / "kraft-combined")
        result = CliRunner().invoke(main, [*command, "-f", folder, *words])
        assert result.exit_code == 1
        assert result.stdout == ""
        assert f"{wanted} in the input, which has kafka/my-cluster (no-kafka)" in result.stderr

    @pytest.mark.parametrize(
        ("words", "blueprint"),
        [
            (("-n", "b"), "b.my-cluster"),
            (("my-cluster", "-n", "a"), "a.my-cluster"),
            (("b/my-cluster",), "b.my-cluster"),
        ],
        ids=repr,
    )
    def test_one_of_several(self, words, blueprint, tmp_path) -> None:
        text = (ROOT / "examples" / "kraft-combined" / "kafka.yaml").read_text()
        for home in ("a", "b"):
            moved = text.replace("namespace: kafka\n", f"namespace: {home}\n")
            (tmp_path / f"{home}.yaml").write_text(moved)
        result = CliRunner().invoke(main, ["plan", "-f", str(tmp_path), *words, "-o", "name"])
        assert result.stdout == f"blueprint.cr.kanister.io/{blueprint}\n"

    def test_a_kafka_without_a_namespace_gets_it(self, tmp_path) -> None:
        text = (ROOT / "examples" / "kraft-combined" / "kafka.yaml").read_text()
        (tmp_path / "kafka.yaml").write_text(text.replace("  namespace: kafka\n", ""))
        for words in (("-n", "c"), ("my-cluster", "-n", "c")):
            result = CliRunner().invoke(main, ["plan", "-f", str(tmp_path), *words, "-o", "name"])
            assert result.stdout == "blueprint.cr.kanister.io/c.my-cluster\n"
