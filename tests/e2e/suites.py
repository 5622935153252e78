"""Which tests of the end-to-end suites have passed on which release of Strimzi: `make e2e`.

Each result is kept in tests/e2e/results/suites, one file for each release, as soon as its test is
over. With E2E_RESUME a test that has passed on this release, with the same product and the same
tests, is skipped, so `make e2e` can be broken off and continued. The scenarios of `make
reliability` keep their own results.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SUITES = ROOT / "tests" / "e2e"
RESULTS = SUITES / "results" / "suites"
RESUME = "E2E_RESUME"
"""Environment variable: if it is set, what has passed with the same sources is skipped."""
OWN_RESULTS = ("test_reliability",)
"""Suites that keep their results elsewhere."""


def not_applicable(suite: str, release: str) -> str:
    """Return why a suite cannot run with a release of Strimzi, or nothing."""
    old = release.startswith("0.")
    if suite == "test_kafka4" and old:
        return "needs Strimzi 1 with Kafka 4.2 or later"
    if suite in ("test_spec_kept", "test_stateful_sets") and not old:
        return f"Strimzi {release} does not serve v1beta2"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class E2eResult:
    """The last outcome of a test on a release."""

    test: str
    """Suite and name, with the Kafka it ran on: `test_cycle::test_hot[kafka/my-cluster]`."""
    problem: str
    """Why it failed; empty if it passed."""
    ended: str
    """ISO 8601, in UTC."""
    scripts: str
    """Name of the ConfigMap with the scripts that were run."""
    source: str
    """Digest of the product and of the tests: with the same one there is nothing to run again."""

    @property
    def suite(self) -> str:
        return self.test.partition("::")[0]

    @property
    def function(self) -> str:
        return self.test.partition("::")[2].partition("[")[0]


Results = dict[str, E2eResult]
"""By test."""


def load(release: str, directory: Path) -> Results:
    path = directory / f"{release}.json"
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return {row["test"]: E2eResult(**row) for row in rows}


def load_all(directory: Path) -> dict[str, Results]:
    return {path.stem: load(path.stem, directory) for path in directory.glob("*.json")}


def save(result: E2eResult, release: str, directory: Path) -> None:
    """Put a result in place of the earlier one of its test."""
    results = load(release, directory) | {result.test: result}
    directory.mkdir(parents=True, exist_ok=True)
    rows = ",\n".join(json.dumps(asdict(results[test])) for test in sorted(results))
    new = directory / f"{release}.new"
    new.write_text(f"[\n{rows}\n]\n", encoding="utf-8")
    new.replace(directory / f"{release}.json")  # a run may be broken off at any moment


def test_name(node_id: str) -> str:
    """Return the name of a test without its folder: `tests/e2e/test_x.py::y` is `test_x::y`."""
    path, _, rest = node_id.partition("::")
    return f"{Path(path).stem}::{rest}"


def now() -> str:
    return f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


@functools.cache
def source() -> str:
    """Return a digest of everything on which the outcome of a test depends, except the cluster."""
    digest = hashlib.sha256()
    for folder in ("kanister_kafka", "templates", "tests/e2e"):
        for path in sorted((ROOT / folder).rglob("*")):
            parts = path.relative_to(ROOT).parts
            if path.is_file() and "__pycache__" not in parts and "results" not in parts:
                digest.update(f"{'/'.join(parts)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:10]


def functions(suite: Path) -> list[str]:
    """Return the names of the tests of a suite, read from its source."""
    body = ast.parse(suite.read_text(encoding="utf-8")).body
    found = [node.name for node in body if isinstance(node, ast.FunctionDef)]
    return [name for name in found if name.startswith("test_")]


def section(kept: Mapping[str, Results], directory: Path = SUITES) -> Iterator[str]:
    """Return the lines of docs/reliability.md about the suites: a row each, a column by release."""
    releases = sorted(kept, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])
    yield "## Suites"
    yield ""
    yield "Tests of `make e2e` that have passed, of all in the suite, and the date of the last run."
    yield "A test that runs on several Kafkas passed if it passed on each."
    yield ""
    yield f"| Suite | {' | '.join(f'Strimzi {release}' for release in releases)} |"
    yield "|---" * (len(releases) + 1) + "|"
    for path in sorted(directory.glob("test_*.py")):
        if path.stem not in OWN_RESULTS:
            cells = [
                _cell(path, kept[release], not_applicable(path.stem, release))
                for release in releases
            ]
            yield f"| `{path.stem}` | {' | '.join(cells)} |"
    for release in releases:
        failed = [result for result in kept[release].values() if result.problem]
        yield from ["", f"Failed on {release}:", ""] if failed else []
        for result in failed:
            yield f"- {result.test}: {_one_line(result.problem)}"
    yield ""


def _cell(suite: Path, results: Results, reason: str) -> str:
    mine = [result for result in results.values() if result.suite == suite.stem]
    if not mine:
        return reason or "no result"
    names = functions(suite)
    run = {result.function for result in mine}
    failed = {result.function for result in mine if result.problem}
    passed = [name for name in names if name in run - failed]
    last = max(mine, key=lambda result: result.ended)
    cell = f"{len(passed)} of {len(names)}, {last.ended[:10]}"
    return f"{cell}, **{len(failed)} failed**" if failed else cell


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
