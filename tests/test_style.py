"""Habits of style for which ruff has no rule: nested comprehensions and starred tuples.

tests/style.yaml has the number of each that a package may still have; it may only fall.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

import pytest
import yaml

from tests.conftest import ROOT

DATA = ROOT / "tests" / "style.yaml"
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def habits(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the kind of each habit."""
    for node in ast.walk(tree):
        if isinstance(node, COMPREHENSIONS):
            conditions = sum(len(part.ifs) for part in node.generators)
            if len(node.generators) > 1 or conditions > 1:
                yield node.lineno, "a comprehension with more than one for or one if"
        elif isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load):
            starred = [one for one in node.elts if isinstance(one, ast.Starred)]
            if len(starred) > 1:
                yield node.lineno, "a tuple of several starred parts"


def test_habits_only_fall(request: pytest.FixtureRequest) -> None:
    lines: dict[str, list[str]] = {}
    for path in sorted((ROOT / "kanister_kafka").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        package = "/".join(name.split("/")[:2])
        for line, kind in habits(ast.parse(path.read_text("utf-8"))):
            lines.setdefault(package, []).append(f"{name}:{line}: {kind}")
    most: dict[str, int] = yaml.safe_load(DATA.read_text("utf-8")) or {}
    if request.config.getoption("--update-blueprints"):
        most = {p: min(len(all_), most.get(p, len(all_))) for p, all_ in sorted(lines.items())}
        DATA.write_text(yaml.safe_dump(most), "utf-8")
    over = [package for package, some in lines.items() if len(some) > most.get(package, 0)]
    assert not over, "\n".join("\n".join(lines[package]) for package in over)


def test_habits_are_recognised() -> None:
    bad = "[a for b in c for a in b]\n[a for a in b if a if c]\n(*a, *b)\n"
    good = "(*a, b)\n[a for a in b if a]\n"
    assert Counter(line for line, _ in habits(ast.parse(bad + good))) == {1: 1, 2: 1, 3: 1}
