"""Which tests of the end-to-end suites have passed on which release of Strimzi: `make e2e`.

Each result is kept in tests/e2e/results/suites, one file for each release, as soon as its test is
over. With E2E_RESUME a test that has passed on this release, with the same product and the same
tests, is skipped, so `make e2e` can be broken off and continued. The scenarios of `make
reliability` keep their own results.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from enum import Enum
from itertools import chain
from pathlib import Path

from kanister_kafka.strimzi.kafka_versions import KAFKA_VERSIONS

from . import families

ROOT = Path(__file__).parent.parent.parent
SUITES = ROOT / "tests" / "e2e"
RESULTS = SUITES / "results" / "suites"
RESUME = "E2E_RESUME"
"""Environment variable: if it is set, what has passed with the same sources is skipped."""
CASES = "E2E_CASES"
"""Environment variable: if it is set, tests are collected without a cluster, on ANY_KAFKA."""
ANY_KAFKA = "NAMESPACE/KAFKA"
"""In the name of a case: the Kafka that it runs on, whose name depends on the cluster."""
OWN_RESULTS = ("test_reliability",)
"""Suites that keep their results elsewhere."""
FAMILY = re.compile(r"test_families::\w+\[(.*)\]")
"""Case of an example."""


def not_applicable(suite: str, release: str) -> str:
    """Return why a suite cannot run with a release of Strimzi, or nothing."""
    version = numbers(release)[:2]
    if len(version) < 2:  # an operator of the site's own: its tests show what it can do
        return ""
    if suite == "test_kafka4" and not _runs_kafka_4_2(version):
        return f"Strimzi {release} does not run Kafka 4.2"
    if suite in ("test_spec_kept", "test_stateful_sets") and version >= (1, 0):
        return f"Strimzi {release} does not serve v1beta2"
    if suite == "test_spec_kept" and version < (0, 49):
        return f"Strimzi {release} does not serve v1"
    return ""


def case_not_applicable(case: str, release: str) -> str:
    """Return why a case cannot run with a release of Strimzi, or nothing."""
    if reason := not_applicable(case.partition("::")[0], release):
        return reason
    match = FAMILY.fullmatch(case)
    return families.not_possible(match[1], release) if match else ""


def _runs_kafka_4_2(version: tuple[int, ...]) -> bool:
    """Return whether a version of Strimzi, major and minor, has a Kafka with all that is tested."""
    kafkas = KAFKA_VERSIONS.get((version[0], version[1]), "")
    return version > max(KAFKA_VERSIONS) or any(numbers(k) >= (4, 2) for k in kafkas.split())


def numbers(release: str) -> tuple[int, ...]:
    """Return a release as numbers, by which releases can be sorted."""
    return tuple(int(part) for part in re.findall(r"\d+", release))


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
    steps: str = ""
    """Digest of the scripts that a backup with a stop runs; empty in results of before."""

    @property
    def suite(self) -> str:
        return self.test.partition("::")[0]


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


@functools.cache
def cases() -> tuple[str, ...]:
    """Return the name of each test with each of its parameters, as pytest collects them.

    The Kafka that a test runs on is ANY_KAFKA. No cluster is asked.

    Raises SystemExit if they cannot be collected.
    """
    environment = {key: text for key, text in os.environ.items() if not key.startswith("PYTEST")}
    options = ("--collect-only", "-q", "-m", "e2e", "-p", "no:cacheprovider", str(SUITES))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=ROOT,
        env=environment | {CASES: "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"the tests cannot be collected:\n{done.stdout}{done.stderr}")
    lines = [line for line in done.stdout.splitlines() if line.startswith("tests/e2e/")]
    names = [test_name(line) for line in lines]
    return tuple(name for name in names if name.partition("::")[0] not in OWN_RESULTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What this checkout runs: the result of a run of something else only tells of that."""

    steps: str
    """Digest of the scripts that a backup with a stop runs."""
    cases: tuple[str, ...]
    """All of its cases."""


class Outcome(Enum):
    """What is known of a case: the column in which it counts."""

    PASSED = "Passed"
    OTHER_SCRIPTS = "With other scripts"
    FAILED = "Failed"
    NOT_RUN = "Not run"
    CANNOT_RUN = "Cannot run"


def results_by_case(results: Results, names: Iterable[str]) -> dict[str, list[E2eResult]]:
    """Return the results of each case, one for each Kafka; a test that is gone has no case."""
    of_case: dict[str, list[E2eResult]] = {name: [] for name in names}
    for result in results.values():
        if case := _case_of(result.test, of_case):
            of_case[case].append(result)
    return of_case


def _case_of(test: str, names: Collection[str]) -> str:
    if test in names:
        return test
    return max((case for case in names if _on_a_kafka(case).fullmatch(test)), key=len, default="")


@functools.cache
def _on_a_kafka(case: str) -> re.Pattern[str]:
    return re.compile(re.escape(case).replace(re.escape(ANY_KAFKA), "[a-z0-9.-]+/[a-z0-9.-]+"))


def outcome(case: str, results: Collection[E2eResult], release: str, present: Present) -> Outcome:
    """Return what the results of a case, one for each Kafka, say together."""
    latest = latest_of(results)
    if not latest:
        return Outcome.CANNOT_RUN if case_not_applicable(case, release) else Outcome.NOT_RUN
    if any(result.problem for result in latest):
        return Outcome.FAILED
    passed = all(result.steps == present.steps for result in latest)
    return Outcome.PASSED if passed else Outcome.OTHER_SCRIPTS


def latest_of(results: Collection[E2eResult]) -> list[E2eResult]:
    """Return the last result of a case, and those on other Kafkas with the same sources.

    What failed with other sources, on a Kafka that may be gone, is replaced by a later run.
    """
    if not results:
        return []
    last = max(results, key=lambda result: result.ended)
    return [result for result in results if result.source == last.source]


_HEAD = """\
## Suites

Results of the tests of `make e2e`, by release. A case is a test with one set of parameters. Each
case counts in one column. If it failed on one of several Kafkas, it failed. The command and the
tests may have changed since the date of a result.

- **Passed**: with the scripts of this version. As above, these are the scripts that a backup with
  a stop runs.
- **With other scripts**: passed, but with other ones.
- **Not run**: there is no result.
- **Cannot run**: this release lacks something that the case needs.
- **Dates**: of the first and the last of these results.
"""


def section(kept: Mapping[str, Results], present: Present) -> Iterator[str]:
    """Return the lines of docs/reliability.md about the suites: a table for each release."""
    yield from _HEAD.split("\n")
    for release in sorted(kept, key=numbers, reverse=True):
        yield from _release(release, kept[release], present)


def _release(release: str, kept: Results, present: Present) -> Iterator[str]:
    results = results_by_case(kept, present.cases)
    known = {case: outcome(case, results[case], release, present) for case in results}
    counts = Counter(known.values())
    words = [f"{counts[one]} {one.value.lower()}" for one in Outcome if counts[one]]
    yield from (f"### Suites on {release}", "", f"**{len(known)} cases: {', '.join(words)}.**", "")
    yield f"| Suite | Cases | {' | '.join(one.value for one in Outcome)} | Dates |"
    yield "|---" * (len(Outcome) + 3) + "|"
    for suite in sorted({case.partition("::")[0] for case in known}):
        mine = [case for case in known if case.partition("::")[0] == suite]
        runs = list(chain.from_iterable(latest_of(results[case]) for case in mine))
        yield _row(suite, Counter(known[case] for case in mine), runs)
    yield ""
    yield from _list("Failed", _failures(results, present))
    yield from _list("Not run", _names(case for case in known if known[case] is Outcome.NOT_RUN))
    cannot = [case for case in known if known[case] is Outcome.CANNOT_RUN]
    for reason in sorted({case_not_applicable(case, release) for case in cannot}):
        these = (case for case in cannot if case_not_applicable(case, release) == reason)
        yield from _list(f"Cannot run, because {reason}", _names(these))


def _row(suite: str, counts: Counter[Outcome], runs: list[E2eResult]) -> str:
    cells = [str(counts[one] or "") for one in Outcome]
    if counts[Outcome.FAILED]:
        cells[list(Outcome).index(Outcome.FAILED)] = f"**{counts[Outcome.FAILED]}**"
    dates = sorted({result.ended[:10] for result in runs})
    cells += [" to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else ""]
    return f"| `{suite}` | {counts.total()} | {' | '.join(cells)} |"


def _list(title: str, lines: Iterable[str]) -> Iterator[str]:
    items = [f"- {line}" for line in lines]
    yield from [f"{title}:", "", *items, ""] if items else []


def _failures(results: Mapping[str, list[E2eResult]], present: Present) -> Iterator[str]:
    for result in chain.from_iterable(latest_of(of_case) for of_case in results.values()):
        if result.problem:
            other = Outcome.OTHER_SCRIPTS.value.lower()
            note = "" if result.steps == present.steps else f" ({other})"
            yield f"`{result.test}`{note}: {_one_line(result.problem)}"


def _names(names: Iterable[str]) -> Iterator[str]:
    """Yield a line for each test, with the parameters of its cases."""
    parameters: dict[str, list[str]] = {}
    for case in names:
        test, _, text = case.replace(f"[{ANY_KAFKA}]", "").partition("[")
        parameters.setdefault(test, [])
        parameters[test] += [f"`[{text}`"] if text else []
    for test, shown in parameters.items():
        yield f"`{test}`" + (f": {', '.join(shown)}" if shown else "")


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
