"""Imports go one way, and each third-party library has one door."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import kanister_kafka

from .conftest import ROOT

PACKAGE = ROOT / "kanister_kafka"
LAYERS = [
    ("_version", "lazy", "marks", "problem", "processes", "shell"),
    ("catalogue", "errors"),
    ("document",),
    ("strimzi", "gotemplate"),
    ("blueprint", "sprig"),
    ("kasten", "pods"),
    ("chart", "options"),
    ("config",),
    ("plan", "preview"),
    ("checks",),
    ("scripts", "validate"),
    ("pins",),
    ("render",),
    ("krm",),
    ("folder", "kube"),
    ("release",),
    ("fleet", "install", "preflight", "run"),
    ("topics",),
    ("rehearse",),
    ("prove",),
    ("report",),
    ("cli",),
    ("__init__", "__main__"),
]
"""From the bottom up; a module imports only from its own layer's room or from below."""
DOORS = {
    "yaml": "document",
    "jinja2": "render",
    "kubernetes": "kube",
    "click": "cli",
    "confluent_kafka": "topics",
    "javaproperties": "topics",
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down_and_through_the_doors(path: Path) -> None:
    level = {name: i for i, names in enumerate(LAYERS) for name in names}
    for name in imports(path):
        top, _, rest = name.partition(".")
        if top in DOORS:
            assert room(path) == DOORS[top], f"{top} is for {DOORS[top]} alone"
        if top == "kanister_kafka" and rest:
            other = rest.partition(".")[0]
            assert other == room(path) or level[other] < level[room(path)], f"imports {name}"


def test_every_module_has_a_place() -> None:
    assert {room(path) for path in MODULES} == {name for names in LAYERS for name in names}


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
        if room(path) != "cli":
            assert not names & {"print", "sys.exit", "exit", "quit"}, path
