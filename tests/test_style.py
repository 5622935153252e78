"""The rules of style that ruff does not know."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "kanister_kafka"
MODULES = sorted(PACKAGE.rglob("*.py"))
BUILT_IN_PLACE = (ast.Tuple, ast.IfExp)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def findings(tree: ast.AST) -> Iterator[str]:
    """Yield `LINE: what` for each expression that a loop or a list spells better."""
    for node in ast.walk(tree):
        if isinstance(node, COMPREHENSIONS):
            if len(node.generators) > 1:
                yield f"{node.lineno}: a comprehension has several `for`: use nested loops"
            elif len(node.generators[0].ifs) > 1:
                yield f"{node.lineno}: a comprehension has several `if`: join them with `and`"
        elif isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load):
            parts = [one.value for one in node.elts if isinstance(one, ast.Starred)]
            if any(isinstance(one, BUILT_IN_PLACE) for one in parts):
                yield f"{node.lineno}: a part of a tuple is built in place: use a list"
            elif len(parts) == len(node.elts) > 1:
                yield f"{node.lineno}: a tuple is built of starred parts alone: use + or a list"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_comprehensions_and_tuples_are_simple(path: Path) -> None:
    assert list(findings(ast.parse(path.read_text()))) == []
