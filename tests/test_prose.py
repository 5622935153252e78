"""README, changelog, docs, help, messages, comments and scripts are in plain technical English.

So are the names of tests and of their helpers.

tests/prose.yaml has the words and habits, the exceptions, and the number of findings of each place.
"""

from __future__ import annotations

import ast
import fnmatch
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.conftest import ROOT

DATA = ROOT / "tests" / "prose.yaml"
RULES = yaml.safe_load(DATA.read_text("utf-8"))
HABITS = [(re.compile(one["pattern"], re.IGNORECASE), one["instead"]) for one in RULES["habits"]]
NAMES = [(re.compile(one["pattern"]), one["instead"]) for one in RULES["names"]]
GENERATED = {"docs/api.md", "docs/cli.md", "docs/functions.md", "docs/consistency-test-report.md"}
"""Pages of docstrings, help and reports, which are checked where they are written."""
WORDS = re.compile(r"(?:[A-Za-z][a-z']+\b.*?[ \n].*?){2}[A-Za-z]", re.DOTALL)
"""A text of fewer words is a name or a value."""


class Text(NamedTuple):
    path: str
    line: int
    text: str


class Found(NamedTuple):
    path: str
    line: int
    match: str
    instead: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.match!r}: {self.instead}"


def markdown(path: str, text: str) -> Iterator[Text]:
    """Yield paragraphs, cells and items without code."""
    text = re.sub(
        r"^( *)(```|~~~).*?^ *\2$", lambda m: "\n" * m[0].count("\n"), text, flags=re.S | re.M
    )
    text = re.sub(r"<!--.*?-->", lambda m: "\n" * m[0].count("\n"), text, flags=re.S)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    text = re.sub(r"(`+)(?!`).+?\1", "`x`", text, flags=re.S)
    line = 1
    for block in re.split(r"(\n\s*\n|\n(?=[|#] ?)|\n(?= *(?:[-*]|\d+\.) ))", text):
        if block.strip():
            for cell in block.split("|") if block.startswith("|") else [block]:
                yield Text(path, line + block[: len(block) - len(block.lstrip())].count("\n"), cell)
        line += block.count("\n")


def python(path: str, text: str) -> Iterator[Text]:
    """Yield comments, docstrings, and strings of some words."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and "noqa" not in token.string:
            yield Text(path, token.start[0], token.string.lstrip("# "))
    tree = ast.parse(text)
    parts = {
        id(v) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for v in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield Text(path, node.lineno, re.sub(r"`[^`\n]+`", "`x`", node.value))
        elif isinstance(node, ast.JoinedStr):
            values = (v.value if isinstance(v, ast.Constant) else "x" for v in node.values)
            yield Text(path, node.lineno, "".join(map(str, values)))


def script(path: str, text: str) -> Iterator[Text]:
    """Yield comments, and what is printed: texts in double quotes."""
    for number, line in enumerate(text.splitlines(), 1):
        comment = re.search(r"(?:^|\s)#(?!!)\s*(.*)", line)
        if comment:
            yield Text(path, number, comment[1])
        for quoted in re.findall(
            r'"((?:[^"\\]|\\.)*)"', line[: comment.start()] if comment else line
        ):
            yield Text(path, number, re.sub(r"\$\{[^}]*\}|\$\w+", "x", quoted))


def html(path: str, text: str) -> Iterator[Text]:
    """Yield the text between two tags of a template."""
    text = re.sub(r"{%.*?%}", "", text)
    text = re.sub(r"{{.*?}}", "x", text)
    for number, line in enumerate(text.splitlines(), 1):
        for part in re.split(r"<[^>]*>", line):
            yield Text(path, number, part)


def hooks(path: str, text: str) -> Iterator[Text]:
    """Yield names and descriptions of the hooks of pre-commit."""
    for number, line in enumerate(text.splitlines(), 1):
        value = re.match(r"\s*(?:name|description): (.*)", line)
        if value:
            yield Text(path, number, value[1])


READERS = {
    ".md": markdown,
    ".py": python,
    ".sh": script,
    ".j2": script,
    ".html.j2": html,
    ".yaml": hooks,
    "": script,
}


def reader_of(path: str) -> Callable[[str, str], Iterator[Text]]:
    return READERS[".html.j2" if path.endswith(".html.j2") else Path(path).suffix]


def texts() -> Iterator[Text]:
    places = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("blueprints/*.md"),
        *ROOT.glob("examples/**/*.md"),
        *ROOT.glob("findings/*.md"),
        *ROOT.glob("templates/report/*.html.j2"),
        ROOT / "Makefile",
        ROOT / ".pre-commit-hooks.yaml",
        *ROOT.glob("kanister_kafka/**/*.py"),
        *ROOT.glob("templates/**/*.sh"),
        *ROOT.glob("templates/*.j2"),
        *ROOT.glob("kanister_kafka/**/*.sh"),
    ]
    for file in sorted(places):
        path = file.relative_to(ROOT).as_posix()
        if path not in GENERATED:
            yield from reader_of(path)(path, file.read_text("utf-8"))


def look(some: Iterable[Text]) -> Iterator[Found]:
    for one in some:
        if not WORDS.search(one.text):
            continue
        flat = " ".join(one.text.split())
        for pattern, instead in HABITS:
            for match in pattern.finditer(flat):
                around = flat[max(0, match.start() - 60) : match.end() + 60]
                yield Found(one.path, one.line, match[0].strip(), instead, around)


@cache
def everything() -> tuple[Found, ...]:
    return tuple(look(texts()))


def allowed(one: Found) -> dict[str, str] | None:
    for rule in RULES["allowed"]:
        if fnmatch.fnmatch(one.path, rule["path"]) and rule["text"] in one.text:
            return dict(rule)
    return None


def test_prose_is_plain() -> None:
    findings = [one for one in everything() if allowed(one) is None]
    assert not findings, "\n" + "\n".join(map(str, findings))


def test_every_exception_is_needed() -> None:
    used = [rule for rule in map(allowed, everything()) if rule is not None]
    assert [rule for rule in RULES["allowed"] if rule not in used] == []
    assert all(rule["reason"] for rule in RULES["allowed"])


@pytest.mark.parametrize(
    ("path", "text", "matches"),
    [
        ("a.py", '"""Tell whether it is there."""\n', ["Tell"]),
        ("a.py", "x = 1  # nobody is told\n", ["nobody", "told"]),
        ("a.py", 'raise E(f"{a} is no topic of {b}")\n', ["is no"]),
        ("a.py", 'x = ("it said " f"{b} and so many words")\n', ["said", "so many"]),
        ("a.py", 'x = {"said": told}\n', []),
        ("a.py", '"""Return `told` of it."""\n', []),
        ("a.md", "A `told` here.\n\n```\nnobody is told it\n```\n", []),
        ("a.md", "It waits; it stops; it starts.\n", ["; it stops;"]),
        ("a.md", "| Where it fails | and there is no way |\n", []),
        ("a.md", "One is told\nof what is left.\n", ["told", "of what"]),
        ("a.md", "There is no record and it is no longer there.\n", []),
        (
            "a.html.j2",
            '<p class="told">{{ said }} and told</p>{% if told and said or %}x{% endif %}\n',
            [],
        ),
        ("a.html.j2", '<p title="{{ x }}">{{ said }} is told to x</p>\n', ["told"]),
        ("a.yaml", "- id: told\n  description: Say all that it is told\n", ["Say", "told"]),
        ("Makefile", "x: y ## What is told of it\n\tsay it to them all\n", ["told"]),
        (
            "a.sh",
            '# for want of a name\nlog "x is said to be $told there"\n',
            ["said", "for want of"],
        ),
        ("a.sh", 'told="${said}"  # a name of it\n', []),
    ],
)
def test_what_is_looked_at(path: str, text: str, matches: list[str]) -> None:
    assert sorted(one.match for one in look(reader_of(path)(path, text))) == sorted(matches)


def unclear_names(path: str, text: str) -> Iterator[Found]:
    """Yield functions whose names have such words; `names` of prose.yaml is for tests alone."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef):
            continue
        is_test = node.name.startswith("test_")
        words = " ".join(node.name.removeprefix("test_").split("_")).strip()
        for pattern, instead in [*HABITS, *NAMES] if is_test else HABITS:
            for match in pattern.finditer(words):
                yield Found(path, node.lineno, match[0].strip(), instead, node.name)


def test_names_of_tests_are_plain() -> None:
    """Names in tests/e2e are keys of stored results, so they stay."""
    refused: list[Found] = []
    for file in sorted((ROOT / "tests").rglob("*.py")):
        path = file.relative_to(ROOT).as_posix()
        if not path.startswith("tests/e2e/"):
            refused.extend(unclear_names(path, file.read_text("utf-8")))
    assert not refused, "\n" + "\n".join(f"{one}, in {one.text}" for one in refused)


@pytest.mark.parametrize(
    ("name", "matches"),
    [
        ("test_a_missing_snapshot_class_is_an_error", []),
        ("test_a_backup_is_found_by_its_time", []),
        ("test_a_pod_that_is_no_longer_there", []),
        ("test_nobody_takes_it_up_and_it_is_deleted", ["nobody"]),
        ("test_where_nothing_stopped_there_is_no_ratio", ["where", "where nothing"]),
        ("test_what_is_none_of_ours_is_told", ["told", "is none of", "ours"]),
        ("test_of_what_both_have", ["of what"]),
        ("test_an_alias_is_what_it_stands_for", ["stands"]),
        ("test_a_misspelt_command_is_found", ["found"]),
        ("test_no_way_in", ["way"]),
        ("way", []),
        ("told_once", ["told"]),
        ("_spelled", ["spelled"]),
        ("foretold", []),
    ],
)
def test_which_names_are_unclear(name: str, matches: list[str]) -> None:
    found = unclear_names("a.py", f"class A:\n    def {name}(self): ...\n")
    assert [one.match for one in found] == matches
