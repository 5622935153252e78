"""docs/helm.md and the chart of examples/helm, with Helm itself."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from kanister_kafka.cli import main
from kanister_kafka.gotemplate import parse
from kanister_kafka.gotemplate.runtime import evaluate
from kanister_kafka.gotemplate.runtime.values import GoMap
from kanister_kafka.kanister.template_functions import TEMPLATE_FUNCTIONS
from kanister_kafka.linter.pipeline import validate
from tests.conftest import ROOT
from tests.linter.test_helm_source import HELMS, chart_of, helm

EXAMPLE = ROOT / "examples" / "helm"
CHART = EXAMPLE / "chart"
PAGE = (ROOT / "docs" / "helm.md").read_text()
STAGES = {
    "stage": "--strategy hot --scripts own",
    "production": "--kasten policy --frequency @weekly --scripts own --timeout restart=40m "
    "--restart-after 2h --hook-timeout 45m",
}
version = pytest.mark.parametrize("version", HELMS)
stage = pytest.mark.parametrize("stage", STAGES)


@pytest.fixture
def environment() -> dict[str, str]:
    """Let others find our command, and Helm 4 our plugin and nobody else's."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "HELM_PLUGINS": str(EXAMPLE)}


def manifests(text: str) -> list[dict]:
    items = [item for item in yaml.safe_load_all(text) if item]
    return sorted(items, key=lambda item: (item["kind"], item["metadata"]["name"]))


@stage
def test_files_of_the_chart_are_right(stage: str) -> None:
    found = validate([CHART / "files" / stage])
    assert (found.problems, found.blueprints) == ((), 1)
    (path,) = (CHART / "files" / stage).glob("blueprint-*.yaml")
    notes = yaml.safe_load(path.read_text())["metadata"]["annotations"]
    assert notes["kanister-kafka.io/options"] == STAGES[stage]


def go_value(value: Any) -> Any:
    """Return a value of YAML as templates get it."""
    if isinstance(value, dict):
        return GoMap({key: go_value(item) for key, item in value.items()})
    return value


def kafka_of(stage: str) -> str:
    """Return what Helm makes of templates/kafka.yaml, without Helm."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    values |= yaml.safe_load((CHART / f"values-{stage}.yaml").read_text())
    text = (CHART / "templates/kafka.yaml").read_text()
    parsed = parse(text, frozenset(TEMPLATE_FUNCTIONS.signatures))
    data = go_value({"Values": values, "Release": {"Namespace": "kafka"}})
    rendered = evaluate(text, parsed.nodes, data, TEMPLATE_FUNCTIONS)
    assert (parsed.errors, rendered.is_symbolic, rendered.faults) == ((), False, ())
    return rendered.text


@stage
def test_files_of_a_stage_are_fresh(stage: str, request: pytest.FixtureRequest) -> None:
    """Without Helm, so that it never skips."""
    words = ["render", "-f", "-", "--output-dir", str(CHART / "files" / stage)]
    words += STAGES[stage].split()
    if not request.config.getoption("--update-blueprints"):
        words.append("--check")
    done = CliRunner().invoke(main, words, input=kafka_of(stage))
    assert done.exit_code == 0, f"run `make blueprints`\n{done.output}"


@version
@stage
@pytest.mark.peer
def test_our_templates_give_what_helm_gives(version: str, stage: str) -> None:
    values = str(CHART / f"values-{stage}.yaml")
    words = ["template", "kafka", str(CHART), "-n", "kafka", "-f", values]
    given = helm(version, *words, "--show-only", "templates/kafka.yaml")
    assert manifests(given) == manifests(kafka_of(stage))


@version
@stage
@pytest.mark.peer
def test_the_chart_holds_the_backup_of_its_stage(version: str, stage: str) -> None:
    values = str(CHART / f"values-{stage}.yaml")
    given = manifests(helm(version, "template", "kafka", str(CHART), "-n", "kafka", "-f", values))
    files = "---\n".join(path.read_text() for path in (CHART / "files" / stage).iterdir())
    ours = manifests(files)
    assert [item for item in given if item in ours] == ours
    rest = {item["kind"] for item in given if item not in ours}
    assert rest == {"Kafka", "KafkaNodePool"}


@version
@pytest.mark.peer
def test_files_of_the_chart_are_fresh(
    version: str, environment: dict[str, str], request: pytest.FixtureRequest
) -> None:
    helm(version, "version")  # skips without it
    environment["HELM"] = version if shutil.which(version) else "helm"
    if request.config.getoption("--update-blueprints"):
        subprocess.run([EXAMPLE / "render.sh"], env=environment, check=True)
    done = subprocess.run(
        [EXAMPLE / "render.sh", "--check"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("up to date") == 2


@version
@pytest.mark.peer
def test_escaped_templates_and_files_give_the_same(
    version: str, tmp_path: Path, at_root: Path
) -> None:
    (template,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    escaped = chart_of(tmp_path / "a" / "demo", {})
    by_file = chart_of(tmp_path / "b" / "demo", {"templates/backup.yaml": template})
    words = ["render", "-f", str(at_root / "examples/mirror-maker-2"), "-o"]
    for folder, more in (
        (escaped / "templates", ["--format", "helm"]),
        (by_file / "files/backup", ["--scripts", "own"]),
    ):
        assert CliRunner().invoke(main, [*words, str(folder), *more]).exit_code == 0
    assert not validate([escaped]).problems
    one, other = (manifests(helm(version, "template", str(chart))) for chart in (escaped, by_file))
    assert one == other
    assert len(one) > 9


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    ours = [line for line in commands() if line.startswith("kanister-kafka ")]
    assert len(ours) == 3
    for line in ours:
        done = CliRunner().invoke(main, shlex.split(line)[1:])
        assert done.exit_code == 0, (line, done.output)


@version
@pytest.mark.peer
def test_commands_of_helm_on_the_page_run(
    version: str, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = (line for line in commands() if line.startswith(f"{version} "))
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", environment["PATH"])
    if version == "helm4":
        monkeypatch.setenv("HELM_PLUGINS", environment["HELM_PLUGINS"])
    done = helm(version, *shlex.split(line)[1:])
    assert "kind: Blueprint" in done
    assert "--quiesce-by pause" in done
