"""What `make e2e` keeps of its tests, and the tables of it."""

from __future__ import annotations

import ast
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e import suites, test_families
from tests.e2e.suites import ANY_KAFKA, E2eResult, Present

RESULT = E2eResult(
    test="test_cycle::test_whole[kafka/my-cluster]",
    problem="",
    ended="2026-01-02T03:04:05Z",
    scripts="kanister-kafka-scripts-0123456789",
    source="0123456789",
    steps="abcdef0123",
)
HOT = replace(RESULT, test="test_cycle::test_hot[0]")
PRESENT = Present(
    steps=RESULT.steps,
    cases=(
        f"test_cycle::test_whole[{ANY_KAFKA}]",
        *("test_cycle::test_hot[0]", "test_cycle::test_hot[]"),
        f"test_faults::test_lost[{ANY_KAFKA}-a]",
        f"test_faults::test_lost[{ANY_KAFKA}-b-a]",
    ),
)


def section(**kept: list[E2eResult]) -> str:
    of_releases = {
        name.replace("v", "").replace("_", "."): {result.test: result for result in results}
        for name, results in kept.items()
    }
    return "\n".join(suites.section(of_releases, PRESENT))


def row(text: str, suite: str) -> dict[str, str]:
    """Return the cells of the first table by the title of their column, without the empty ones."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    (line,) = [line for line in rows if line.startswith(f"| `{suite}` |")]
    titles, cells = ([cell.strip() for cell in one.split("|")[2:-1]] for one in (rows[0], line))
    return {title: cell for title, cell in zip(titles, cells, strict=True) if cell}


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    other = replace(RESULT, test="test_cycle::test_hot")
    for result in (replace(RESULT, problem="lost"), other, RESULT):
        suites.save(result, "1.2.0", tmp_path)
    suites.save(other, "0.45.2", tmp_path)
    assert suites.load_all(tmp_path) == {
        "1.2.0": {RESULT.test: RESULT, other.test: other},
        "0.45.2": {other.test: other},
    }
    assert suites.load("9.9.9", tmp_path) == {}


def test_a_test_has_the_same_name_in_every_folder() -> None:
    assert suites.test_name("tests/e2e/test_cycle.py::test_whole[a/b::c]") == (
        "test_cycle::test_whole[a/b::c]"
    )


def test_a_row_counts_cases_and_not_tests() -> None:
    text = section(v1_2_0=[RESULT, replace(HOT, ended="2026-02-02T00:00:00Z")])
    dates = "2026-01-02 to 2026-02-02"
    assert row(text, "test_cycle") == {"Cases": "3", "Passed": "2", "Not run": "1", "Dates": dates}
    assert row(text, "test_faults") == {"Cases": "2", "Not run": "2"}
    assert "**5 cases: 2 passed, 3 not run.**" in text
    not_run = "- `test_cycle::test_hot`: `[]`\n- `test_faults::test_lost`: `[{}-a]`, `[{}-b-a]`\n"
    assert f"\nNot run:\n\n{not_run.format(ANY_KAFKA, ANY_KAFKA)}" in text
    assert "Failed:" not in text
    assert "Cannot run:" not in text


def test_each_release_has_a_table_the_newest_first() -> None:
    text = section(v0_45_2=[HOT], v1_2_0=[RESULT], v0_100_1=[])
    titles = [line for line in text.splitlines() if line.startswith("### ")]
    assert titles == [f"### Suites on {release}" for release in ("1.2.0", "0.100.1", "0.45.2")]


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({}, "Passed"),
        ({"source": "9876543210", "scripts": "of-a-restore"}, "Passed"),
        ({"steps": "9876543210"}, "With other scripts"),
        ({"steps": ""}, "With other scripts"),
    ],
)
def test_what_passed_with_other_scripts_has_a_column_of_its_own(
    change: dict[str, str], column: str
) -> None:
    text = section(v1_2_0=[replace(RESULT, **change)])
    cells = {"Cases": "3", column: "1", "Not run": "2", "Dates": "2026-01-02"}
    assert row(text, "test_cycle") == cells
    assert f"**5 cases: 1 {column.lower()}, 4 not run.**" in text


@pytest.mark.parametrize("problem", ["", "lost"])
def test_the_last_run_of_a_case_counts_and_not_one_with_earlier_sources(problem: str) -> None:
    last = replace(RESULT, problem=problem)
    earlier = replace(
        RESULT,
        test="test_cycle::test_whole[gone/kafka]",
        problem="" if problem else "lost",
        ended="2026-01-01T00:00:00Z",
        source="9876543210",
    )
    for results in ([earlier, last], [last, earlier]):
        text = section(v1_2_0=results)
        column = "Failed" if problem else "Passed"
        assert row(text, "test_cycle")[column].strip("*") == "1"
        assert ("Failed:" in text) is bool(problem)


def test_what_failed_on_one_kafka_has_not_passed() -> None:
    failed = replace(RESULT, test="test_cycle::test_whole[b/b]", problem="a | b\nc <d>")
    text = section(v1_2_0=[RESULT, failed, HOT])
    cells = {"Cases": "3", "Passed": "1", "Failed": "**1**", "Not run": "1"}
    assert row(text, "test_cycle") == cells | {"Dates": "2026-01-02"}
    assert "\nFailed:\n\n- `test_cycle::test_whole[b/b]`: a \\| b c &lt;d>\n" in text
    text = section(v1_2_0=[replace(failed, steps="9876543210")])
    assert "- `test_cycle::test_whole[b/b]` (with other scripts): a" in text


def test_the_name_of_a_case_does_not_have_the_kafka() -> None:
    tests = ["test_faults::test_lost[k-b/c-b-a]", "test_faults::test_lost[k-b/c-d-a]"]
    results = {test: replace(RESULT, test=test) for test in tests}
    (first, second) = ([results[test]] for test in tests)
    by_case = suites.results_by_case(results, PRESENT.cases)
    assert by_case[f"test_faults::test_lost[{ANY_KAFKA}-b-a]"] == first
    assert by_case[f"test_faults::test_lost[{ANY_KAFKA}-a]"] == second


@pytest.mark.parametrize("test", ["test_cycle::test_of_before", "test_cycle::test_hot[1]"])
def test_a_case_that_is_gone_does_not_count(test: str) -> None:
    text = section(v1_2_0=[RESULT, replace(RESULT, test=test)])
    assert row(text, "test_cycle")["Cases"] == "3"
    assert row(text, "test_cycle")["Passed"] == "1"


def test_a_suite_that_cannot_run_with_a_release_has_a_reason() -> None:
    both = {"0.45.2": "v1", "0.48.0": "v1", "0.49.1": "", "0.51.0": "", "1.2.0": "v1beta2"}
    for release, missing in both.items():
        reason = suites.not_applicable("test_spec_kept", release)
        assert reason == (f"Strimzi {release} does not serve {missing}" if missing else "")
    assert "v1beta2" in suites.not_applicable("test_stateful_sets", "1.2.0")
    assert not suites.not_applicable("test_stateful_sets", "0.45.2")
    assert "Kafka 4.2" in suites.not_applicable("test_kafka4", "0.49.1")
    for release in ("0.51.0", "1.2.0", "9.0.0"):
        assert not suites.not_applicable("test_kafka4", release)
    for suite in ("test_kafka4", "test_spec_kept", "test_stateful_sets"):
        assert not suites.not_applicable(suite, "unknown")


def test_a_case_that_cannot_run_is_not_called_not_run() -> None:
    case = "test_spec_kept::test_kept"
    present = replace(PRESENT, cases=(case, *PRESENT.cases))
    text = "\n".join(suites.section({"0.45.2": {}}, present))
    assert row(text, "test_spec_kept") == {"Cases": "1", "Cannot run": "1"}
    reason = "Cannot run, because Strimzi 0.45.2 does not serve v1"
    assert f"\n{reason}:\n\n- `{case}`\n" in text
    ran = replace(RESULT, test=case)
    text = "\n".join(suites.section({"0.45.2": {case: ran}}, present))
    assert row(text, "test_spec_kept")["Passed"] == "1", "a result says more than a rule"


@pytest.mark.parametrize("release", ["0.45.2", "0.46.0", "0.49.1", "1.2.0"])
def test_the_page_knows_which_examples_an_operator_cannot_run(release: str) -> None:
    reasons = {
        family: suites.case_not_applicable(
            f"test_families::test_a_family_is_backed_up_and_restored[{family}]", release
        )
        for family in test_families.FAMILIES
    }
    with_zookeeper = {"zookeeper-pod-sets", "zookeeper-node-pools", "seed", "stateful-sets"}
    cannot = set() if release == "0.45.2" else with_zookeeper
    assert {family for family, reason in reasons.items() if reason} == cannot
    assert {reasons[family] for family in cannot} <= {f"Strimzi {release} has no ZooKeeper"}


def test_cases_are_those_that_pytest_collects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing")
    monkeypatch.setenv("PATH", os.devnull)  # no cluster can be asked
    suites.cases.cache_clear()
    names = suites.cases()
    assert len(names) == len(set(names))
    families = {
        f"test_families::test_a_family_is_backed_up_and_restored[{name}]"
        for name in test_families.FAMILIES
    }
    assert families <= set(names)
    assert f"test_cycle::test_whole_cycle_and_every_action_twice[{ANY_KAFKA}]" in names
    assert "test_rights::test_without_any_verb_a_step_fails[]" in names
    there = {path.stem for path in suites.SUITES.glob("test_*.py")}
    assert {name.partition("::")[0] for name in names} == there - {*suites.OWN_RESULTS}
    written = {
        f"{path.stem}::{node.name}"
        for path in suites.SUITES.glob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    collected = {name.partition("[")[0] for name in names}
    assert collected == {name for name in written if not name.startswith(suites.OWN_RESULTS)}


def test_tests_that_cannot_be_collected_are_not_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suites, "SUITES", tmp_path)
    suites.cases.cache_clear()
    with pytest.raises(SystemExit, match="cannot be collected"):
        suites.cases()


def test_kept_results_are_of_suites_that_there_are() -> None:
    there = {path.stem for path in suites.SUITES.glob("test_*.py")}
    for results in suites.load_all(suites.RESULTS).values():
        assert {result.suite for result in results.values()} <= there
