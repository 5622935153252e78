"""What Argo CD and Flux do to what is rendered, and what they are told."""

from __future__ import annotations

import copy
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from kanister_kafka import (
    GitOps,
    Options,
    QuiesceMethod,
    ScriptSharing,
    build_plan,
    constants,
    render,
    validate_text,
)
from kanister_kafka.backup.provenance import SUBSTITUTE, WAVE
from kanister_kafka.cli import main
from kanister_kafka.linter import LintSettings
from tests.conftest import ROOT
from tests.example_cases import CASES

PAGE = (ROOT / "docs" / "gitops.md").read_text()
PLUGIN = yaml.safe_load((ROOT / "examples" / "argocd" / "plugin.yaml").read_text())
APPLICATION = yaml.safe_load((ROOT / "examples" / "argocd" / "application.yaml").read_text())


def manifests(name: str, **changed):
    plan = CASES[name].plan()
    options = {"kasten": plan.options.kasten, "restore_point": plan.options.restore_point}
    chosen = Options(engine=plan.options.engine, **{**options, **changed})
    return [yaml.safe_load(m.text) for m in render(build_plan(plan.cluster, chosen))]


def notes(item) -> dict[str, str]:
    return item["metadata"]["annotations"]


@pytest.mark.parametrize("name", ["mirror-maker-2", "kraft-separate-pools-kanister"])
def test_waves_of_argo_cd_are_in_the_order_of_apply(name: str, at_root: Path) -> None:  # noqa: ARG001
    items = manifests(name, gitops=GitOps.ARGOCD)
    waves = [int(notes(i)[WAVE]) for i in items if i["kind"] != "RestoreAction"]
    assert [int(notes(i)[WAVE]) for i in items if i["kind"] == "Blueprint"] == [-1]
    kinds = [i["kind"] for i in sorted(items, key=lambda i: int(notes(i).get(WAVE, 9)))]
    last = {kind: len(kinds) - 1 - kinds[::-1].index(kind) for kind in kinds}
    first = {kind: kinds.index(kind) for kind in kinds}
    for before in ("ServiceAccount", "ConfigMap", "Role", "RoleBinding", "Deployment"):
        assert last[before] < first["Blueprint"], before
    assert last["RoleBinding"] < first["Deployment"]
    assert max(waves) == 0
    assert all(WAVE not in notes(i) for i in items if i["kind"] == "RestoreAction")


@pytest.mark.parametrize("name", CASES)
def test_flux_leaves_alone_what_holds_shell_text(name: str, at_root: Path) -> None:  # noqa: ARG001
    plain, told = manifests(name, scripts=ScriptSharing.OWN), manifests(name, gitops=GitOps.FLUX)
    assert len(plain) == len(told)
    for bare, item in zip(plain, told, strict=True):
        has_shell = re.search(r"(?<!\$)\$\{", yaml.safe_dump(bare)) is not None
        assert (notes(item).get(SUBSTITUTE) == "disabled") is has_shell, item["kind"]
        assert SUBSTITUTE not in notes(bare)


@pytest.mark.parametrize("sharing", ScriptSharing)
@pytest.mark.parametrize(
    ("tool", "kept"),
    [
        (GitOps.ARGOCD, {"argocd.argoproj.io/sync-options": "Prune=false"}),
        (GitOps.FLUX, {"kustomize.toolkit.fluxcd.io/prune": "disabled", SUBSTITUTE: "disabled"}),
    ],
)
def test_scripts_that_a_running_action_names_are_not_pruned(
    tool: GitOps,
    kept: dict[str, str],
    sharing: ScriptSharing,
    at_root: Path,  # noqa: ARG001
) -> None:
    items = manifests("mirror-maker-2", gitops=tool, scripts=sharing)
    (scripts,) = (
        i for i in items if i["kind"] == "ConfigMap" and "scripts" in i["metadata"]["name"]
    )
    assert kept.items() <= notes(scripts).items()
    assert (constants.BLUEPRINT in notes(scripts)) is (sharing is ScriptSharing.OWN)


@pytest.mark.parametrize("tool", [*GitOps, None])
def test_each_application_has_scripts_of_its_own(
    tool: GitOps | None,
    at_root: Path,  # noqa: ARG001
) -> None:
    """An object of two applications is pruned by one, and refused or fought over by the other."""
    items = manifests("mirror-maker-2", gitops=tool)
    (name,) = (i["metadata"]["name"] for i in items if "-scripts-" in i["metadata"]["name"])
    pattern = r"backup-kanister-kafka-scripts-\w{10}" if tool else r"kanister-kafka-scripts-\w{10}"
    assert re.fullmatch(pattern, name)
    mounts = [i for i in items if i["kind"] in ("Blueprint", "Deployment")]
    assert all(
        set(re.findall(r"[\w-]*kanister-kafka-scripts-\w{10}", str(i))) == {name} for i in mounts
    )


def test_without_the_annotation_the_trap_is_reported(at_root: Path) -> None:
    path = at_root / "blueprints/mirror-maker-2/blueprint-kafka-backup.backup.yaml"
    (found,) = validate_text(path.read_text(), settings=LintSettings(gitops="flux"))
    assert found.rule == "flux-substitute"
    assert "it refuses ${" in found.message
    assert " and replaces ${" in found.message


# What fluxcd/pkg/envsubst 1.4.0 makes of each, with no variable known.
@pytest.mark.parametrize("text", ["$x", "$${x}", "x {y}", "$(x)", "$$"])
def test_text_that_flux_leaves_alone(text: str) -> None:
    assert flux(text) == ""


REPLACED = ["${VAR}", "${x:-1}", "${x=1}", "${x:+1}", "${x,,}", "${0,,}", "${1}", "${x//a/b}"]
REPLACED += ["${x#*|}", "${x%%|*}", "${#x}", "${x^}", "${x:1:2}", "${1//[^A-Za-z]/ }"]
REFUSED = ["${names[@]}", "${x-}", "${x+1}", "${x?}", "${x/a}", "${#a[@]}", "${!x}", "${@}", "${}"]


@pytest.mark.parametrize("text", REPLACED)
def test_text_that_flux_replaces(text: str) -> None:
    assert f"it replaces {text}: annotate" in flux(text)


@pytest.mark.parametrize("text", REFUSED)
def test_text_that_flux_refuses(text: str) -> None:
    assert f"it refuses {text}: annotate" in flux(text)


def flux(text: str) -> str:
    phase = {"func": "KubeTask", "name": "a", "args": {"command": ["sh", "-c", f"echo {text}"]}}
    tree = {
        "apiVersion": "cr.kanister.io/v1alpha1",
        "kind": "Blueprint",
        "metadata": {"name": "x"},
        "actions": {"a": {"phases": [phase]}},
    }
    problems = validate_text(yaml.safe_dump(tree), settings=LintSettings(gitops="flux"))
    return "".join(p.message for p in problems if p.rule == "flux-substitute")


def stopped(item: dict, quiesce_by: QuiesceMethod) -> dict:
    """Do to an object what a stop does."""
    item = copy.deepcopy(item)
    kept = item["metadata"].setdefault("annotations", {})
    if item["kind"] == "Kafka":
        kept |= {
            constants.PAUSE_RECONCILIATION: "true",
            constants.PREVIOUS_PAUSE: "unset",
            constants.RESTART_DEADLINE: "later",
        }
    elif quiesce_by is QuiesceMethod.PAUSE:
        kept |= {constants.PAUSE_RECONCILIATION: "true", constants.PREVIOUS_PAUSE: "unset"}
    else:
        kept[constants.PREVIOUS_REPLICAS] = "3"
        item["spec"]["replicas"] = 0
    return item


def ignoring(item: dict) -> dict:
    """Leave out what the Application ignores of an object."""
    item = copy.deepcopy(item)
    group = item["apiVersion"].rpartition("/")[0]
    for rule in APPLICATION["spec"]["ignoreDifferences"]:
        named = rule.get("name", item["metadata"]["name"]) == item["metadata"]["name"]
        if (rule.get("group", ""), rule["kind"]) == (group, item["kind"]) and named:
            for pointer in rule["jsonPointers"]:
                *path, last = (part.replace("~1", "/") for part in pointer.split("/")[1:])
                node = item
                for part in path:
                    node = node.setdefault(part, {})
                node.pop(last, None)
    return item


@pytest.mark.parametrize("quiesce_by", QuiesceMethod)
def test_argo_cd_ignores_what_a_backup_changes(quiesce_by: QuiesceMethod) -> None:
    folder = ROOT / "examples" / "mirror-maker-2"
    found = {"Kafka", "KafkaMirrorMaker2", "KafkaConnect"}
    seen = set()
    for item in (i for p in folder.iterdir() for i in yaml.safe_load_all(p.read_text())):
        if item["kind"] in found:
            item["metadata"].setdefault("annotations", {})
            assert stopped(item, quiesce_by) != item
            assert ignoring(stopped(item, quiesce_by)) == ignoring(item)
            seen.add(item["kind"])
    assert seen == found


def test_a_writer_that_git_would_start_again_is_reported() -> None:
    words = ["render", "-f", str(ROOT / "examples/mirror-maker-2"), "--gitops", "argocd"]
    assert "to do: from Git, spec.replicas" in CliRunner().invoke(main, words).stderr
    assert "from Git" not in CliRunner().invoke(main, [*words, "--quiesce-by", "pause"]).stderr
    assert "from Git" not in CliRunner().invoke(main, words[:-2]).stderr


def test_the_plugin_of_argo_cd_gives_all_and_nothing_but_yaml(tmp_path: Path) -> None:
    kafka = ROOT / "examples/kraft-combined/kafka.yaml"
    (tmp_path / "kafka.yaml").write_text(re.sub(r"\n  namespace: .*", "", kafka.read_text()))
    (tmp_path / "other.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}")
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ARGOCD_APP_NAMESPACE": "of-app",
        "ARGOCD_ENV_OPTIONS": "--kasten policy --timeout check=2m",
    }
    done = subprocess.run(
        PLUGIN["spec"]["generate"]["command"], cwd=tmp_path, env=environment, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    items = list(filter(None, yaml.safe_load_all(done.stdout)))
    kinds = [item["kind"] for item in items]
    assert kinds.count("Blueprint") == kinds.count("Policy") == kinds.count("Kafka") == 1
    assert "ConfigMap" in kinds
    (blueprint,) = (item for item in items if item["kind"] == "Blueprint")
    assert blueprint["metadata"]["name"] == "of-app.my-cluster"
    assert notes(blueprint)[WAVE] == "-1"
    (tmp_path / "kafka.yaml").write_text("kind: [")
    failed = subprocess.run(
        PLUGIN["spec"]["generate"]["command"], cwd=tmp_path, env=environment, capture_output=True
    )
    assert failed.returncode == 1
    assert failed.stdout == b""


def test_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    lines = [
        line
        for text in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
        for line in text.splitlines()
        if line.startswith("kanister-kafka ")
    ]
    assert len(lines) == 5
    for line in lines:
        command, _, file = line.partition(" < ")
        raw = (tmp_path / file).read_bytes() if file else None
        done = CliRunner().invoke(main, shlex.split(command)[1:], input=raw)
        assert done.exit_code == 0, (line, done.output)
