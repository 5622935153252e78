"""The validator: each check at its place, and Blueprints that people run today."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka import read_cluster, validate_text
from kanister_kafka.diagnostics import Severity
from kanister_kafka.linter import LintSettings
from kanister_kafka.linter.pipeline import lint, validate, validate_loaded
from kanister_kafka.yamldoc import loads, merge_results
from tests.conftest import ROOT

WARNING = Severity.WARNING
HEAD = """\
apiVersion: cr.kanister.io/v1alpha1
kind: Blueprint
metadata:
  name: x
actions:
  backup:
    phases:
    - func: KubeExec
      name: run
      args:
        namespace: kafka
        pod: kafka-0
        command: [sync]
"""


def findings(text: str) -> list[tuple[int, int, str, str]]:
    return [(p.location.line, p.location.column, p.rule, p.path) for p in validate_text(text)]


def test_a_right_one_has_no_problem() -> None:
    assert findings(HEAD) == []


def test_other_kinds_are_not_judged() -> None:
    assert findings("kind: Secret\nspec: {anything: 1}\n") == []


def test_two_files_of_a_folder_may_hold_one_blueprint_twice() -> None:
    other = HEAD.replace("kafka-0", "kafka-1")
    texts = {"a/one.yaml": HEAD, "a/two.yaml": other, "b/one.yaml": other, "a/same.yaml": HEAD}
    loaded = merge_results(loads(text, source) for source, text in texts.items())
    problems = validate_loaded(loaded).problems
    assert [(p.rule, p.location.source) for p in problems] == [("repeated-blueprint", "a/two.yaml")]


HOT = ROOT / "blueprints/kraft-separate-pools-hot/blueprint-kafka.my-cluster.hot.yaml"
SOUND = yaml.safe_load(HOT.read_text())
wrong = st.none() | st.integers() | st.booleans() | st.text(max_size=5) | st.just([]) | st.just({})


def paths(value: object, path: tuple = ()) -> list[tuple]:
    children = list(value.items()) if isinstance(value, dict) else []
    children += enumerate(value) if isinstance(value, list) else []
    return [path, *(p for key, child in children for p in paths(child, (*path, key)))]


@settings(max_examples=150)
@given(st.sampled_from(paths(SOUND)[1:]), wrong)
def test_any_field_may_hold_anything(path: tuple, value: object) -> None:
    broken = yaml.safe_load(yaml.safe_dump(SOUND))
    place = broken
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    for problem in validate_text(yaml.safe_dump(broken)):
        assert problem.location.line > 0
        assert str(problem)


def test_the_former_name_of_the_rule_of_a_diagnostic_works_and_warns() -> None:
    problem = validate_text("a: [")[0]
    with pytest.warns(DeprecationWarning, match="Diagnostic.rule"):
        assert problem.check == problem.rule == "yaml-syntax"


@pytest.mark.parametrize(
    "text", ["", "# only a comment\n", "---\n---\n", "kind: List\nitems: []\n"]
)
def test_a_run_that_reads_no_object_is_a_warning(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    for path in (tmp_path, tmp_path / "a.yaml"):
        result = validate([path])
        assert [(p.rule, p.severity) for p in result.problems] == [("nothing-read", WARNING)]
        assert result.problems[0].location.source == path.as_posix()


def test_an_empty_directory_alone_is_a_warning_and_can_be_ignored(tmp_path: Path) -> None:
    assert [p.rule for p in validate([tmp_path]).problems] == ["nothing-read"]
    assert not validate([tmp_path], ignore={"nothing-read"}).problems
    assert [p.rule for p in lint([tmp_path], LintSettings())[0].problems] == ["nothing-read"]


@pytest.mark.parametrize("text", ["kind: Secret\n", HEAD, "a: [\n"])
def test_an_empty_file_next_to_an_object_or_an_error_is_not_reported(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "empty.yaml").write_text("")
    (tmp_path / "other.yaml").write_text(text)
    assert "nothing-read" not in {p.rule for p in validate([tmp_path]).problems}


def test_a_list_that_is_a_mapping_is_an_error() -> None:
    indented = HEAD.replace("\n", "\n  ")
    assert findings(f"kind: List\nitems:\n  {indented}") == [(3, 3, "wrong-type", "items")]


@pytest.mark.parametrize(
    ("word", "value"), [("y", "true"), ("n", "false"), ("on", "true"), ("No", "false")]
)
def test_a_word_that_is_a_boolean_is_named_as_one(word: str, value: str) -> None:
    texts = {
        "Blueprint": HEAD.replace("name: x", f"name: {word}"),
        "Kafka": f"apiVersion: kafka.strimzi.io/v1\nkind: Kafka\nmetadata: {{name: {word}}}\n",
    }
    messages = [p.message for p in validate_text(texts["Blueprint"])]
    messages += [p.message for p in read_cluster(loads(texts["Kafka"]).documents).problems]
    noted = [
        one for one in messages if f'YAML 1.1 reads {word} as {value}: quote it: "{word}"' in one
    ]
    assert len(noted) == 2


def test_a_boolean_itself_needs_no_note() -> None:
    assert not any(
        "YAML" in p.message for p in validate_text(HEAD.replace("name: x", "name: true"))
    )
