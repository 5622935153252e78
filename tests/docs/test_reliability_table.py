"""The tables of docs/reliability.md: every scenario is in them, and no failure is hidden."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest

from kanister_kafka.backup.scripts import NAME as SCRIPTS_NAME
from tests.conftest import ROOT
from tests.e2e import reliability, suites
from tests.e2e.reliability import (
    SCENARIOS,
    Result,
    all_scenarios,
    digest_steps,
    load,
    page,
    present,
    present_scripts,
    rendered_scripts,
    short,
    shortcomings,
)

SCRIPTS = "kanister-kafka-scripts-0123456789"
OTHERS = "kanister-kafka-scripts-9876543210"
RESULT = Result(
    scenario="",
    problem="",
    stopped=True,
    seconds=40.4,
    reference=20.2,
    by="switch",
    written=100,
    found=100,
    status="is stopped by a backup",
    events=("Stopping", "Switch", "Restarted"),
    ended="2026-01-02T03:04:05Z",
    scripts=SCRIPTS,
    steps="0123456789",
    release="0.45.2",
    versions=(("Kafka", "3.9.2"), ("Kubernetes", "1.34.4")),
)
PRESENT = suites.Present(steps=RESULT.steps, cases=())


@pytest.fixture
def results() -> dict[str, Result]:
    return {s.key: replace(RESULT, scenario=s.key) for s in all_scenarios()}


def row(text: str, what: str) -> list[str]:
    """Return the cells of the row of a scenario."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {what} |"))
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def scenario(key: str) -> reliability.Scenario:
    return next(s for s in all_scenarios() if s.key == key)


def one(results: dict[str, Result]) -> str:
    return page({"0.45.2": results}, {}, PRESENT)


def script_files() -> dict[str, str]:
    paths = (ROOT / "templates" / "scripts").glob("*/*.sh")
    return {path.name: path.read_text(encoding="utf-8") for path in paths}


@pytest.mark.parametrize(
    ("name", "edit", "is_other"),
    [
        ("scale.sh", "true", True),  # read by restart-kafka.sh, which restart.sh reads
        ("scale.sh", "  # a comment", False),
        ("quiesce-by-replicas.sh", "true", True),  # quiesce.sh reads it by the name of an option
        ("restic.sh", "true", False),
        ("restore-stop.sh", "true", False),
    ],
)
def test_other_scripts_are_those_that_a_backup_with_a_stop_runs(
    name: str, edit: str, *, is_other: bool
) -> None:
    files = script_files()
    changed = {**files, name: f"{files[name]}{edit}\n"}
    assert (digest_steps(changed) != digest_steps(files)) is is_other


def test_all_passed(results: dict[str, Result]) -> None:
    text = one(results)
    assert shortcomings(results, RESULT.steps) == []
    assert f"**{len(results)} run, {len(results)} passed.**" in text
    assert "Failed:" not in text
    assert "Not run:" not in text
    assert text.count("| recovered |") == len(results)
    assert f"\n- `{SCRIPTS}`, Kafka 3.9.2, Kubernetes 1.34.4\n\n" in text


def test_a_row_holds_what_was_measured_and_when(results: dict[str, Result]) -> None:
    expected = scenario("broker-hangs")
    assert row(one(results), expected.what) == [
        *(expected.what, "stop", "recovered", "2026-01-02", "40", "2.0", "switch", "100 of 100"),
        "“is stopped by a backup”; Stopping, Switch, Restarted",
    ]


def test_a_run_that_did_not_stop_kafka_has_no_ratio(results: dict[str, Result]) -> None:
    results["two-runs"] = replace(results["two-runs"], stopped=False)
    assert row(one(results), scenario("two-runs").what)[4:6] == ["(40)", ""]


def test_a_scenario_without_a_result_is_listed_and_does_not_count(
    results: dict[str, Result],
) -> None:
    del results["broker-hangs"], results["two-runs"]
    text = one(results)
    assert "\nNot run: broker-hangs, two-runs.\n" in text
    assert f"**{len(results)} run, {len(results)} passed, 2 not run.**" in text
    assert shortcomings(results, RESULT.steps) == ["broker-hangs: not run", "two-runs: not run"]


def test_what_passed_with_other_scripts_does_not_count(results: dict[str, Result]) -> None:
    older = replace(
        results["two-runs"], scripts=OTHERS, steps="9876543210", ended="2026-01-01T00:00:00Z"
    )
    results["two-runs"] = older
    text = one(results)
    assert row(text, scenario("two-runs").what)[2:4] == [
        *("recovered, with other scripts", "2026-01-01")
    ]
    counts = f"{len(results)} run, {len(results) - 1} passed"
    assert f"**{counts}, 1 passed with other scripts.**" in text
    assert shortcomings(results, RESULT.steps) == ["two-runs: run with other scripts"]
    first, second = (line for line in text.splitlines() if line.startswith("- `"))
    assert SCRIPTS in first
    assert OTHERS in second


def test_what_was_last_run_with_other_scripts_than_the_present_does_not_count(
    results: dict[str, Result],
) -> None:
    text = page({"0.45.2": results}, {}, replace(PRESENT, steps="9876543210"))
    assert f"**{len(results)} run, 0 passed, {len(results)} passed with other scripts.**" in text
    assert text.count("| recovered, with other scripts |") == len(results)
    assert len(shortcomings(results, "9876543210")) == len(results)


def test_the_present_scripts_are_those_that_are_rendered() -> None:
    this = present()
    assert this.steps == digest_steps(script_files())
    assert SCRIPTS_NAME.fullmatch(present_scripts().name)
    assert this.cases == suites.cases()


def test_the_scripts_of_a_cluster_are_the_present_ones() -> None:
    """What a scenario is played with is compared: `render` prints the same for every Kafka."""
    command = [sys.executable, "-m", "kanister_kafka", "render", "-f"]
    done = subprocess.run(
        [*command, "examples/mirror-maker-2", "--engine", "kanister"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert rendered_scripts(done.stdout) == present_scripts()


def test_each_release_has_a_table_the_newest_first(results: dict[str, Result]) -> None:
    newer = {"two-runs": replace(RESULT, scenario="two-runs", release="0.100.1")}
    text = page({"0.45.2": results, "0.100.1": newer}, {}, PRESENT)
    head, first, second = text.split("\n## ")
    assert head.startswith("# Reliability")
    assert first.startswith("Strimzi 0.100.1\n")
    assert first.count("| recovered |") == 1
    assert second.startswith("Strimzi 0.45.2\n")
    assert second.count("| recovered |") == len(results)


def test_a_failure_is_shown_with_its_reason(results: dict[str, Result]) -> None:
    results["two-runs"] = replace(results["two-runs"], problem="3 messages lost\n| a <b>")
    text = one(results)
    assert row(text, scenario("two-runs").what)[2] == "**FAILED**"
    assert "\nFailed:\n\n- two-runs: 3 messages lost \\| a &lt;b>\n" in text
    assert f"**{len(results)} run, {len(results) - 1} passed, 1 failed.**" in text


def test_of_a_problem_the_reason_alone_is_kept() -> None:
    log = r"10:00:00 stop: FAILED while waiting: why\r"
    error = f'{{"message":"Pod failed","cause":{{"message":"{log}"}}}}'
    assert short(error) == "stop: FAILED while waiting: why"
    assert short(f"['{sys.executable}', '-m', 'x'] timed out\n in {ROOT}/a") == (
        "['python', '-m', 'x'] timed out in ./a"
    )
    assert len(short("x" * 5000)) == reliability.LONGEST


def test_results_are_read_as_they_were_written(tmp_path: Path, results: dict[str, Result]) -> None:
    for result in results.values():
        result.save(tmp_path)
    other = replace(RESULT, scenario="two-runs", release="1.2.0")
    other.save(tmp_path)
    assert load(tmp_path) == {"0.45.2": results, "1.2.0": {"two-runs": other}}
    again = replace(other, problem="lost")
    again.save(tmp_path)
    assert load(tmp_path)["1.2.0"] == {"two-runs": again}, "the last one counts"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.45.2.json", "1.2.0.json"]


def test_a_result_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "1.2.0.json").write_text(json.dumps([{"problem": ""}]))
    with pytest.raises(SystemExit, match=r"1\.2\.0\.json"):
        load(tmp_path)


@pytest.mark.parametrize("missing", [True, False])
def test_the_command(
    tmp_path: Path,
    results: dict[str, Result],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    missing: bool,
) -> None:
    monkeypatch.setattr(reliability, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(reliability, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(suites, "RESULTS", tmp_path / "suites")
    monkeypatch.setattr(reliability, "present", lambda: PRESENT)
    if missing:
        del results["two-runs"]
    for result in results.values():
        result.save(tmp_path / "results")
    assert reliability.main(["--check"]) == 1, "there is no page yet"
    assert reliability.main([]) == (1 if missing else 0)
    assert (tmp_path / "page.md").read_text() == one(results)
    assert reliability.main(["--check"]) == 0
    assert ("Strimzi 0.45.2: two-runs: not run" in capsys.readouterr().err) == missing


def test_the_page_is_of_the_results_that_are_kept(request: pytest.FixtureRequest) -> None:
    text = page(load(reliability.RESULTS), suites.load_all(suites.RESULTS), present())
    if request.config.getoption("--update-blueprints"):
        reliability.PAGE.write_text(text, encoding="utf-8")
    assert reliability.PAGE.read_text(encoding="utf-8") == text, "run `make blueprints`"


def test_kept_results_are_of_scenarios_that_there_are() -> None:
    keys = {s.key for s in all_scenarios()}
    for release, results in load(reliability.RESULTS).items():
        assert set(results) <= keys
        assert {result.release for result in results.values()} <= {release}


def test_every_scenario_has_a_key_of_its_own_and_words_of_its_own() -> None:
    keys = [s.key for s in all_scenarios()]
    assert len(keys) == len(set(keys))
    words = [(s.what, s.phase, point) for point, group in SCENARIOS.items() for s in group]
    assert len(words) == len(set(words))


def test_every_scenario_is_played_by_a_test() -> None:
    """Read from the source: `of(POINT, key=BEGIN)`, or `of(POINT, *KEYS)` from an f-string."""
    tree = ast.parse((ROOT / "tests" / "e2e" / "test_reliability.py").read_text())
    names = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }

    def value(node: ast.expr) -> object:
        return names[node.id] if isinstance(node, ast.Name) else ast.literal_eval(node)

    def keys(node: ast.expr) -> list[str]:
        if not isinstance(node, ast.Starred):
            return [str(value(node))]
        assert isinstance(node.value, ast.GeneratorExp)
        (loop,) = node.value.generators
        text, name = ast.unparse(node.value.elt), ast.unparse(loop.target)
        words = ast.literal_eval(loop.iter)
        return [text[2:-1].replace(f"{{{name}}}", word) for word in words]

    played: list[str] = []
    for node in tree.body:
        for call in getattr(node, "decorator_list", []):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "of":
                key = next((str(value(k.value)) for k in call.keywords if k.arg == "key"), "")
                point = str(value(call.args[0]))
                exact = [*chain.from_iterable(map(keys, call.args[1:]))]
                begun = [s.key for s in SCENARIOS[point] if s.key.startswith(key)]
                played += exact or begun
    assert sorted(played) == sorted(s.key for s in all_scenarios()), "each once"
