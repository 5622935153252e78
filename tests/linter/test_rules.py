"""Each check against the Blueprints of its folder: right ones say nothing, wrong ones say where.

A file in tests/invalid/CHECK-ID begins with one comment for every finding,
`# expect: LINE:COLUMN CHECK-ID FIELD-PATH`, and may name settings, `# settings: key=value …`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kanister_kafka.linter import BLUEPRINT, LintSettings, bash_syntax
from kanister_kafka.linter.pipeline import all_rules, validate_text
from tests.conftest import ROOT

INVALID = sorted((ROOT / "tests" / "invalid").glob("*/*.yaml"))
MESSAGES = ROOT / "tests" / "linter" / "messages.txt"
VALID = sorted((ROOT / "tests" / "valid").glob("*.yaml"))


def settings_of(text: str) -> LintSettings:
    given: dict[str, Any] = {}
    for line in re.findall(r"^# settings: (.*)$", text, re.MULTILINE):
        for word in line.split():
            key, _equals, value = word.partition("=")
            given[key] = {"true": True, "false": False}.get(value, value)
    return LintSettings(**given)


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", INVALID, ids=name)
def test_a_wrong_example_is_reported_at_its_place(path: Path) -> None:
    text = path.read_text()
    expected = re.findall(r"^# expect: (\d+):(\d+) (\S+) ?(.*)$", text, re.MULTILINE)
    problems = validate_text(text, settings=settings_of(text))
    found = [(str(p.location.line), str(p.location.column), p.rule, p.path) for p in problems]
    assert found == expected
    assert path.parent.name in {check for _line, _column, check, _path in expected}


@pytest.mark.parametrize("path", VALID, ids=name)
def test_a_right_example_has_no_finding(path: Path) -> None:
    text = path.read_text()
    assert not validate_text(text, settings=settings_of(text))


def test_messages_are_those_of_the_golden_file(request: pytest.FixtureRequest) -> None:
    """A message is reworded in the code, and by `make blueprints` here."""
    lines = []
    for path in INVALID:
        text = path.read_text()
        for problem in validate_text(text, settings=settings_of(text)):
            lines.append(
                f"{name(path)}: {problem.severity.value}: {problem.message} ({problem.rule})\n"
            )
    if request.config.getoption("--update-blueprints"):
        MESSAGES.write_text("".join(lines), encoding="utf-8")
    assert lines == MESSAGES.read_text(encoding="utf-8").splitlines(keepends=True)


def test_every_check_has_a_wrong_one() -> None:
    ids = set().union(*(rule.ids for rule in all_rules() if rule.scope is BLUEPRINT))
    assert ids <= {path.parent.name for path in INVALID} | {"shell-unchecked"}


def test_without_bash_it_reports_that_scripts_are_not_parsed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    bash_syntax.find_bash.cache_clear()
    text = (ROOT / "tests/invalid/shell-syntax/one-line.yaml").read_text()
    assert [(p.rule, p.location.line) for p in validate_text(text)] == [("shell-unchecked", 14)]
    bash_syntax.find_bash.cache_clear()


def test_checks_are_imported_for_every_input_that_needs_them() -> None:
    command = [sys.executable, "-m", "tests.linter.late_checks"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert not done.stdout
