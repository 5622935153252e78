"""What `make e2e` keeps of its tests, and the table of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e import suites
from tests.e2e.suites import E2eResult

RESULT = E2eResult(
    test="test_cycle::test_whole[kafka/my-cluster]",
    problem="",
    ended="2026-01-02T03:04:05Z",
    scripts="kanister-kafka-scripts-0123456789",
    source="0123456789",
)
SUITE = """
def helper(): ...
def test_whole(kafka): ...
def test_hot(kafka): ...
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("test_cycle.py", "test_faults.py", "test_reliability.py"):
        (tmp_path / name).write_text(SUITE)
    return tmp_path


def table(folder: Path, **kept: list[E2eResult]) -> str:
    of_releases = {
        name.replace("v", "").replace("_", "."): {result.test: result for result in results}
        for name, results in kept.items()
    }
    return "\n".join(suites.section(of_releases, folder))


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


def test_a_row_has_what_passed_of_all_and_when(folder: Path) -> None:
    later = replace(RESULT, test="test_cycle::test_whole[b/b]", ended="2026-02-02T00:00:00Z")
    text = table(folder, v1_2_0=[RESULT, later], v0_45_2=[])
    assert "| Suite | Strimzi 0.45.2 | Strimzi 1.2.0 |" in text
    assert "| `test_cycle` | no result | 1 of 2, 2026-02-02 |" in text
    assert "| `test_faults` | no result | no result |" in text
    assert "test_reliability" not in text
    assert "Failed" not in text


def test_a_suite_that_cannot_run_with_a_release_says_why() -> None:
    assert "v1beta2" in suites.not_applicable("test_spec_kept", "1.2.0")
    assert "v1beta2" in suites.not_applicable("test_stateful_sets", "1.2.0")
    assert "Kafka 4.2" in suites.not_applicable("test_kafka4", "0.49.1")
    assert not suites.not_applicable("test_kafka4", "1.2.0")
    assert not suites.not_applicable("test_spec_kept", "0.49.1")
    text = "\n".join(suites.section({"0.45.2": {}, "1.2.0": {}}))
    assert "| `test_kafka4` | needs Strimzi 1 with Kafka 4.2 or later | no result |" in text


def test_what_failed_on_one_kafka_has_not_passed(folder: Path) -> None:
    failed = replace(RESULT, test="test_cycle::test_whole[b/b]", problem="a | b\nc <d>")
    hot = replace(RESULT, test="test_cycle::test_hot[b/b]")
    text = table(folder, v1_2_0=[RESULT, failed, hot])
    assert "| `test_cycle` | 1 of 2, 2026-01-02, **1 failed** |" in text
    assert "Failed on 1.2.0:\n\n- test_cycle::test_whole[b/b]: a \\| b c &lt;d>\n" in text


def test_a_test_that_is_gone_does_not_count(folder: Path) -> None:
    gone = replace(RESULT, test="test_cycle::test_of_before")
    assert "| `test_cycle` | 1 of 2, 2026-01-02 |" in table(folder, v1_2_0=[RESULT, gone])


def test_kept_results_are_of_suites_that_there_are() -> None:
    there = {path.stem for path in suites.SUITES.glob("test_*.py")}
    for results in suites.load_all(suites.RESULTS).values():
        assert {result.suite for result in results.values()} <= there
