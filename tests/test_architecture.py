"""Imports go one way, and one package imports each third-party library."""

from __future__ import annotations

import ast
import configparser
import re
from pathlib import Path

import pytest

import kanister_kafka
from tests.conftest import ROOT

PACKAGE = ROOT / "kanister_kafka"
USERS = {
    "yaml": "yamldoc",
    "jinja2": "jinja",
    "markupsafe": "jinja",
    "kubernetes": "kube",
    "click": "cli",
    "rich": "cli",
    "aiokafka": "topics",
    "confluent_kafka": "topics",
    "cramjam": "topics",
    "google_crc32c": "topics",
    "javaproperties": "topics",
}
"""Each third-party library, and the one package that imports it."""
MODULES = sorted(PACKAGE.rglob("*.py"))


def package_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_every_package_is_in_a_layer() -> None:
    """`lint-imports` (make lint) checks the layers, and does not see a package of none."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    layers = settings["importlinter:contract:layers"]["layers"]
    named = {name.rpartition(".")[2] for name in re.split(r"[\s:|]+", layers) if name}
    assert {package_of(path) for path in MODULES} - {"__init__", "__main__"} == named


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_one_package_imports_each_library(path: Path) -> None:
    for name in imports(path):
        top = name.partition(".")[0]
        assert USERS.get(top) in (None, package_of(path)), f"{top} is for {USERS[top]} alone"


def test_former_names_work_for_one_release() -> None:
    for former, name in kanister_kafka.DEPRECATED.items():
        with pytest.warns(DeprecationWarning, match=f"is called {name} now"):
            found = getattr(kanister_kafka, former)
        assert found is getattr(kanister_kafka, name)


def test_public_names_are_sorted_and_there() -> None:
    names = kanister_kafka.__all__
    assert names == sorted(names, key=lambda n: (n.startswith("__"), n)) or names == sorted(names)
    assert all(hasattr(kanister_kafka, name) for name in names)


def test_nothing_swallows_errors() -> None:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, path
                assert ast.unparse(node.type) not in ("Exception", "BaseException"), path


def test_only_the_command_prints_and_exits() -> None:
    for path in MODULES:
        calls = [n.func for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        names = {ast.unparse(call) for call in calls}
        if package_of(path) != "cli":
            assert not names & {"print", "sys.exit", "exit", "quit"}, path
