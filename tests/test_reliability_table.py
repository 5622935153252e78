"""The table of docs/reliability.md: every scenario is in it, and no failure is hidden."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest

from .conftest import ROOT
from .e2e import reliability
from .e2e.earlier import read
from .e2e.reliability import SCENARIOS, Result, all_scenarios, kept, load, page, shortcomings

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
    versions=(("Strimzi", "0.45.2"), ("Kafka", "3.9.2")),
)
NOTHING = read("")


@pytest.fixture
def results() -> dict[str, Result]:
    return {s.key: replace(RESULT, scenario=s.key) for s in all_scenarios()}


def row(text: str, what: str) -> list[str]:
    """Return the cells of the row of a scenario."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {what} |"))
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def scenario(key: str) -> reliability.Scenario:
    return next(s for s in all_scenarios() if s.key == key)


def test_all_passed(results: dict[str, Result]) -> None:
    text = page(results, NOTHING)
    assert shortcomings(results, {}) == []
    assert f"**{len(results)} of {len(results)} scenarios passed.**" in text
    assert "Not passed" not in text
    assert text.count("| recovered |") == len(results)
    assert text.endswith("\n- Strimzi 0.45.2, Kafka 3.9.2\n")


def test_a_row_holds_what_was_measured(results: dict[str, Result]) -> None:
    wanted = scenario("broker-hangs")
    assert row(page(results, NOTHING), wanted.what) == [
        *(wanted.what, "stop", "recovered", "40", "2.0", "switch", "100 of 100"),
        "“is stopped by a backup”; Stopping, Switch, Restarted",
    ]


def test_where_nothing_stopped_there_is_no_ratio(results: dict[str, Result]) -> None:
    results["two-runs"] = replace(results["two-runs"], stopped=False)
    assert row(page(results, NOTHING), scenario("two-runs").what)[3:5] == ["(40)", ""]


def test_a_scenario_without_a_result_is_shown_as_such(results: dict[str, Result]) -> None:
    del results["broker-hangs"]
    text = page(results, NOTHING)
    assert row(text, scenario("broker-hangs").what)[2] == "**not run**"
    assert "- broker-hangs: no result" in text
    assert f"**{len(results)} of {len(results) + 1} scenarios passed.**" in text


@pytest.mark.parametrize("problem", ["", "3 messages lost"])
def test_what_has_no_result_keeps_its_row(results: dict[str, Result], problem: str) -> None:
    old = replace(RESULT, versions=(("Strimzi", "0.40.0"),))
    before = page(
        {k: replace(old, scenario=k, problem=problem, status="is a | pipe") for k in results},
        NOTHING,
    )
    wanted = scenario("broker-hangs")
    del results["broker-hangs"]
    text = page(results, read(before))
    then, now = row(before, wanted.what), row(text, wanted.what)
    assert now == [*then[:2], f"{then[2]} †", *then[3:]]
    assert text.count("†") == 3, "explained, on the row, and on what it was run with"
    assert text.endswith("\n- Strimzi 0.45.2, Kafka 3.9.2\n- † Strimzi 0.40.0\n")
    assert ("- broker-hangs: failed in an earlier run" in text) == bool(problem)
    assert page(results, read(text)) == text, "the same when it is written again"


def test_rows_of_two_earlier_runs_are_kept(results: dict[str, Result]) -> None:
    old = {"two-runs": replace(results["two-runs"], versions=(("Strimzi", "0.40.0"),))}
    text = page({}, read(page(results, read(page(old, NOTHING)))))
    assert len(kept({}, read(text))) == len(results)
    assert text.count("| recovered † |") == len(results)
    del results["two-runs"]
    text = page({}, read(page(results, read(page(old, NOTHING)))))
    assert text.endswith("\n- † Strimzi 0.45.2, Kafka 3.9.2\n- † Strimzi 0.40.0\n")


def test_a_failure_is_shown_with_its_reason(results: dict[str, Result]) -> None:
    results["two-runs"] = replace(results["two-runs"], problem="3 messages lost\n| a <b>")
    text = page(results, NOTHING)
    assert row(text, scenario("two-runs").what)[2] == "**FAILED**"
    assert "- two-runs: 3 messages lost \\| a &lt;b>" in text


def test_of_an_error_of_kanister_only_the_reason_is_told(results: dict[str, Result]) -> None:
    log = r"10:00:00 stop: FAILED while waiting: why\r"
    error = f'{{"message":"Pod failed","cause":{{"message":"{log}"}}}}'
    results["two-runs"] = replace(results["two-runs"], problem=error)
    assert shortcomings(results, {}) == ["two-runs: stop: FAILED while waiting: why"]


def test_results_are_read_as_they_were_written(tmp_path: Path, results: dict[str, Result]) -> None:
    for result in results.values():
        result.save(tmp_path)
    assert load(tmp_path) == results


def test_a_result_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "two-runs.json").write_text(json.dumps({"problem": ""}))
    with pytest.raises(SystemExit, match=r"two-runs\.json"):
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
    monkeypatch.setattr(reliability, "ROOT", tmp_path)
    monkeypatch.setattr(reliability, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(reliability, "PAGE", tmp_path / "page.md")
    if missing:
        del results["two-runs"]
    for result in results.values():
        result.save(tmp_path / "results")
    assert reliability.main(["--check"]) == 1, "there is no page yet"
    assert reliability.main([]) == (1 if missing else 0)
    assert (tmp_path / "page.md").read_text() == page(results, NOTHING)
    assert reliability.main(["--check"]) == 0
    assert ("two-runs: no result" in capsys.readouterr().err) == missing


def test_every_scenario_has_a_key_of_its_own_and_words_of_its_own() -> None:
    keys = [s.key for s in all_scenarios()]
    assert len(keys) == len(set(keys))
    words = [(s.what, s.phase, point) for point, group in SCENARIOS.items() for s in group]
    assert len(words) == len(set(words))


def test_every_scenario_is_played_by_a_test() -> None:
    """Read from the source: `of(POINT, key=BEGIN)` takes the scenarios of a point."""
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

    played: list[str] = []
    for node in tree.body:
        for call in getattr(node, "decorator_list", []):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "of":
                key = next((str(value(k.value)) for k in call.keywords if k.arg == "key"), "")
                point = str(value(call.args[0]))
                played += [s.key for s in SCENARIOS[point] if s.key.startswith(key)]
    assert sorted(played) == sorted(s.key for s in all_scenarios()), "each once"
