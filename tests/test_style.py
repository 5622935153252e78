"""The rules of style that ruff does not know."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "kanister_kafka"
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
MODULES = sorted(PACKAGE.rglob("*.py"))
BUILT_IN_PLACE = (ast.Tuple, ast.IfExp)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def findings(tree: ast.AST) -> Iterator[str]:
    """Yield `LINE: what` for each expression that a loop or a list spells better."""
    for node in ast.walk(tree):
        if isinstance(node, COMPREHENSIONS):
            if len(node.generators) > 1:
                yield f"{node.lineno}: a comprehension has several `for`: use nested loops"
            elif any(isinstance(one, COMPREHENSIONS) for one in _inside(node)):
                yield f"{node.lineno}: a comprehension holds another: use a function or a list"
            elif len(node.generators[0].ifs) > 1:
                yield f"{node.lineno}: a comprehension has several `if`: join them with `and`"
        elif isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load):
            parts = [one.value for one in node.elts if isinstance(one, ast.Starred)]
            if any(isinstance(one, BUILT_IN_PLACE) for one in parts):
                yield f"{node.lineno}: a part of a tuple is built in place: use a list"
            elif len(parts) == len(node.elts) > 1:
                yield f"{node.lineno}: a tuple is built of starred parts alone: use + or a list"


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield from ast.walk(child)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("[a for a in b if a]", 0),
        ("[a for b in c for a in b]", 1),
        ("[a for a in b if a if not a.c]", 1),
        ("[[a for a in b] for b in c]", 1),
        ("[b for b in c if any(a for a in b)]", 1),
        ("[b for b in [a for a in c]]", 1),
        ("{b: f(*(a for a in b)) for b in c}", 1),
        ("[f(b) for b in c] + [g(b) for b in c]", 0),
        ("f(*a, b)", 0),
        ("(*(a if b else c), d)", 1),
        ("(*a, *b)", 1),
    ],
)
def test_what_is_refused(text: str, count: int) -> None:
    assert len(list(findings(ast.parse(text)))) == count


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_comprehensions_and_tuples_are_simple(path: Path) -> None:
    assert list(findings(ast.parse(path.read_text()))) == []


# A test that needs another limit or another pause passes it: a constant that is replaced is one
# that no caller can set, and it stays replaced for what runs at the same time.


def patched_constants(tree: ast.AST) -> Iterator[str]:
    """Yield where a test replaces a constant of a module of the package."""
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kanister_kafka"):
            modules.update(alias.asname or alias.name for alias in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "setattr":
            owner, name = node.args[0], getattr(node.args[1], "value", "")
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            owner, name = node.value, node.attr
        else:
            continue
        if isinstance(owner, ast.Name) and owner.id in modules and name.isupper():
            yield f"{node.lineno}: {owner.id}.{name} is replaced: pass the value"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("from kanister_kafka.kube import pods\nmonkeypatch.setattr(pods, 'START_S', 1)", 1),
        ("from kanister_kafka.kube import pods as p\np.START_S = 1", 1),
        ("from kanister_kafka.kube import pods\nmonkeypatch.setattr(pods, 'read', f)", 0),
        ("from tests.e2e import suites\nmonkeypatch.setattr(suites, 'RESULTS', path)", 0),
    ],
)
def test_what_counts_as_a_patched_constant(text: str, count: int) -> None:
    assert len(list(patched_constants(ast.parse(text)))) == count


def test_no_test_patches_a_constant() -> None:
    trees = {path: ast.parse(path.read_text()) for path in TESTS}
    patched = {path: list(patched_constants(tree)) for path, tree in trees.items()}
    assert {path.name: places for path, places in patched.items() if places} == {}
