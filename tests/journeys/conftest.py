"""A folder of a user's own, and the commands that are typed there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

Done = subprocess.CompletedProcess[str]
COMMAND = '#!/bin/sh\nexec {python} -m kanister_kafka "$@"\n'


@dataclass(frozen=True)
class User:
    """Somebody at a shell, in a folder; no cluster is within reach unless a test says so."""

    home: Path
    environment: dict[str, str]

    def run(self, *words: str, code: int = 0, stdin: str = "") -> Done:
        """Run our command; the exit code is what the journey expects."""
        return self.tool("kanister-kafka", *words, code=code, stdin=stdin)

    def tool(self, *words: str, code: int = 0, stdin: str = "") -> Done:
        """Run a command of PATH."""
        done = subprocess.run(
            words,
            cwd=self.home,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, f"{' '.join(words)}\n{done.stdout}{done.stderr}"
        return done

    def has(self, name: str) -> str:
        """Return the name of a tool; the test is skipped where it is not on PATH."""
        if shutil.which(name, path=self.environment["PATH"]) is None:
            pytest.skip(f"{name} is not on PATH")
        return name

    def copy(self, example: str, name: str) -> Path:
        """Take an example for a start, under a name of the user's own."""
        shutil.copytree(ROOT / "examples" / example, self.home / name)
        return self.home / name

    def edit(self, name: str, before: str, after: str) -> None:
        """Replace a text that stands in a file once."""
        path = self.home / name
        text = path.read_text("utf-8")
        assert text.count(before) == 1, (name, before, text.count(before))
        path.write_text(text.replace(before, after), "utf-8")


@pytest.fixture
def user(tmp_path: Path) -> User:
    commands = tmp_path / "bin"
    commands.mkdir()
    command = commands / "kanister-kafka"
    command.write_text(COMMAND.format(python=sys.executable))
    command.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    path = os.pathsep.join((str(commands), os.environ["PATH"]))
    environment = {
        "HOME": str(home),
        "PATH": path,
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "KUBECONFIG": str(home / "none"),
        "NO_PROXY": "127.0.0.1",
    }
    return User(home, environment)
