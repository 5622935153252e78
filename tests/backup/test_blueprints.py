"""blueprints/ is what examples/ render to, and every other tool at hand accepts it."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from kanister_kafka import validate_text
from kanister_kafka.backup.scripts import is_scripts
from tests.conftest import ROOT
from tests.example_cases import CASES
from tests.fakes.script_runner import FILES, STUB, sourced

FOLDER = ROOT / "blueprints"
named = pytest.mark.parametrize("name", CASES)


SCRIPTS_IN = "kraft-separate-pools"
"""The scripts are the same for all, so that one reference shows them."""
Container = dict[str, Any]


def parts_of(container: Container) -> list[str]:
    """Return the scripts that a script runs in processes of their own."""
    (parts,) = [w for w in container["command"] if w.startswith("PARTS=")] or [""]
    return [part.partition(":")[2] for part in parts.partition("=")[2].split()]


def containers(name: str) -> list[tuple[str, Container]]:
    """Read the container of every phase, and of the watchdog, with its command."""
    found = []
    for path in (FOLDER / name).glob("blueprint-*.yaml"):
        for action in yaml.safe_load(path.read_text())["actions"].values():
            for phase in (*action["phases"], *filter(None, [action.get("deferPhase")])):
                (container,) = phase["args"]["podOverride"]["containers"]
                command = phase["args"]["command"]
                found.append((phase["name"], {**container, "command": command}))
    for path in (FOLDER / name).glob("deployment-*.yaml"):
        pod = yaml.safe_load(path.read_text())["spec"]["template"]["spec"]
        found.append(("switch", pod["containers"][0]))
    assert found
    return found


@named
def test_reference_is_fresh(name: str, at_root: Path, request: pytest.FixtureRequest) -> None:
    folder = at_root / "blueprints" / name
    manifests = CASES[name].manifests()
    rendered = {
        m.file_name: m.text
        for m in manifests
        if name == SCRIPTS_IN or not is_scripts(m.kind, m.name)
    }
    if request.config.getoption("--update-blueprints"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file, text in rendered.items():
            (folder / file).write_text(text, encoding="utf-8", newline="\n")
    kept = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert kept == rendered, "run `make blueprints` and look at the difference"


def test_every_example_has_a_reference_and_nothing_else_is_there() -> None:
    examples = {path.parent.name for path in (ROOT / "examples").glob("*/kafka.yaml")}
    assert {case.example for case in CASES.values()} == examples
    assert {path.name for path in FOLDER.iterdir()} == {*CASES, "README.md"}


def test_the_readme_names_the_folder_with_the_scripts() -> None:
    scripts = [path.parent.name for path in FOLDER.glob("*/configmap-*-scripts-*.yaml")]
    assert scripts == [SCRIPTS_IN]
    (named_in_readme,) = re.findall(r"Only \[(.*?)\]", (FOLDER / "README.md").read_text())
    assert named_in_readme == SCRIPTS_IN


@named
def test_renders_the_same_bytes_twice(name: str, at_root: Path) -> None:  # noqa: ARG001
    assert CASES[name].manifests() == CASES[name].manifests()


@named
@pytest.mark.peer
def test_kanctl_accepts(name: str, tmp_path: Path) -> None:
    kanctl = shutil.which("kanctl")
    if kanctl is None:
        pytest.skip("kanctl is not on PATH")
    for path in (FOLDER / name).glob("blueprint-*.yaml"):
        done = subprocess.run(
            [kanctl, "validate", "blueprint", "-f", str(path)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@named
def test_each_phase_is_the_stub_and_a_script_that_is_there(name: str) -> None:
    for phase, container in containers(name):
        bash, option, body, called, script, *words = container["command"]
        assert (bash, option, body, called) == ("bash", "-c", STUB.read_text(), phase)
        assert f"{script}.sh" in FILES
        assert all(re.match(r"[A-Z_]+=", word) for word in words)
    assert len(STUB.read_text().splitlines()) <= 10


@named
def test_our_own_validator_accepts(name: str) -> None:
    for path in (FOLDER / name).iterdir():
        assert not validate_text(path.read_bytes(), path.name)


@named
def test_every_value_that_a_script_uses_is_given_to_it(name: str) -> None:
    """`set -u` would end a phase half way, shellcheck takes capitals for the environment."""
    for phase, container in containers(name):
        *_, script = container["command"][:5]
        own = {word.partition("=")[0] for word in container["command"][5:]}
        given = own | {variable["name"] for variable in container["env"]}
        values = {variable["name"]: variable.get("value", "") for variable in container["env"]}
        files = sourced(script, values.get("QUIESCE_BY", ""))
        files += chain.from_iterable(sourced(part) for part in parts_of(container))
        body = "".join(FILES[file].read_text() for file in files)
        body = re.sub(r"^\s*#.*", "", body, flags=re.MULTILINE)
        made = set(re.findall(r"^\s*(?:export |declare -A )?([A-Z_]+)=", body, re.MULTILINE))
        arrays = re.findall(r"\b([A-Z_]+)=\(\)|exec \{([A-Z_]+)\}<", body)
        made |= {one or other for one, other in arrays}
        used = set(re.findall(r"\$\{?\(?#?([A-Z][A-Z_]+)\b", body))
        sums = " ".join(re.findall(r"\(\((.*?)\)\)", body))
        inside = set(re.findall(r"\b[A-Z][A-Z_]+\b", sums))
        defaulted = set(re.findall(r"\$\{([A-Z_]+):?-", body)) | {
            "SECONDS",
            "BASH_REMATCH",
            "BASH_SUBSHELL",
            "HOSTNAME",
        }
        missing = (used | inside) - given - made - defaulted
        assert not missing, f"{phase}: {missing}"
        assert own <= used | inside | made, f"{phase}: never used"
