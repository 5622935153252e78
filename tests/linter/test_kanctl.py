"""kanctl as a second opinion: what it refuses is refused, and nothing more without a reason.

docs/differences.md lists the public Blueprints that `validate` alone refuses.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kanister_kafka.diagnostics import Severity
from kanister_kafka.linter import LintSettings
from kanister_kafka.linter.pipeline import validate
from tests.conftest import ROOT

KANCTL = shutil.which("kanctl")
OWN = [ROOT / "blueprints", ROOT / "tests" / "valid", ROOT / "tests" / "invalid"]
GIVEN = [Path(word) for word in os.environ.get("KANISTER_BLUEPRINTS", "").split(os.pathsep) if word]
HEAD = LintSettings(release="head", kasten=False)
LOOKED_AT = frozenset(
    {"duplicate-phase", "missing-argument", "unknown-argument", "unknown-function"}
)
"""What kanctl looks at too; labels besides, and it reads no Blueprint that is no YAML."""
KNOWN = frozenset({"unknown-field", "shell-syntax", "shell-option", "template-syntax"})
"""What it does not, and public Blueprints are refused for: docs/differences.md."""

pytestmark = [pytest.mark.peer, pytest.mark.skipif(KANCTL is None, reason="kanctl is not on PATH")]


def blueprints(folders: list[Path]) -> list[Path]:
    files = (file for folder in folders for file in sorted(folder.rglob("*.y*ml")))
    return [file for file in files if "kind: Blueprint" in file.read_text(errors="replace")]


def accepts(file: Path) -> bool:
    assert KANCTL is not None
    command = [KANCTL, "validate", "blueprint", "-f", str(file)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def errors(file: Path) -> set[str]:
    result = validate([file], HEAD)
    found = (*result.problems, *result.ignored)  # kanctl knows nothing of our comments
    return {problem.rule for problem in found if problem.severity is Severity.ERROR}


@pytest.mark.parametrize("file", blueprints(OWN), ids=lambda f: f"{f.parent.name}/{f.stem}")
def test_what_kanctl_refuses_is_refused(file: Path) -> None:
    if not accepts(file):
        assert errors(file)


@pytest.mark.parametrize(
    "file", blueprints([ROOT / "blueprints", ROOT / "tests" / "valid"]), ids=str
)
def test_what_is_right_kanctl_accepts(file: Path) -> None:
    assert accepts(file)
    assert not errors(file)


@pytest.mark.skipif(not GIVEN, reason="KANISTER_BLUEPRINTS names no directory")
def test_public_blueprints_get_the_same_answer() -> None:
    files = blueprints(GIVEN)
    assert files
    differ = []
    for file in files:
        found = errors(file)
        if accepts(file) == bool(found) and not (found and found <= KNOWN):
            differ.append(f"{file}: {sorted(found)}")
    assert not differ
