"""Problems as SARIF 2.1.0, which code scanning reads (GitHub, Azure DevOps), and as JUnit."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

from kanister_kafka._version import __version__
from kanister_kafka.diagnostics import Diagnostic, Location, Severity
from kanister_kafka.linter.registry import RuleDoc, rule_docs
from kanister_kafka.reports.text import escape_control_chars, format_json

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
BASE = "%SRCROOT%"
"""The name on GitHub of the root of the checkout."""

Tree = dict[str, object]


def diagnostics_sarif(problems: Iterable[Diagnostic]) -> str:
    """Return a SARIF log with one run, and a rule for each check that found something."""
    listed = list(problems)
    checks = sorted({problem.rule for problem in listed})
    index = {check: i for i, check in enumerate(checks)}
    driver: Tree = {
        "name": "kanister-kafka",
        "version": __version__,
        "rules": [_rule(rule_docs().get(check), check) for check in checks],
    }
    run: Tree = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {BASE: {"description": {"text": "Where the command ran."}}},
        "results": [_result(problem, index[problem.rule]) for problem in listed],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return format_json(log)


def _rule(section: RuleDoc | None, check: str) -> Tree:
    if section is None:
        return {"id": check}
    return {
        "id": section.id,
        "shortDescription": {"text": section.summary},
        "fullDescription": {"text": section.text},
        "help": {"text": section.plain, "markdown": section.markdown},
        "defaultConfiguration": {"level": LEVELS[section.severity]},
    }


def _result(problem: Diagnostic, rule: int) -> Tree:
    location: Tree = {"physicalLocation": _physical(problem.location)}
    if problem.path:
        location["logicalLocations"] = [{"fullyQualifiedName": problem.path}]
    return {
        "ruleId": problem.rule,
        "ruleIndex": rule,
        "level": LEVELS[problem.severity],
        "message": {"text": problem.message},
        "locations": [location],
    }


def _physical(location: Location) -> Tree:
    physical: Tree = {"artifactLocation": _artifact(location.source)}
    if location.line:
        physical["region"] = {"startLine": location.line, "startColumn": location.column}
    return physical


def _artifact(source: str) -> Tree:
    """Name a file relative to where the command ran, or absolutely if it is elsewhere."""
    path = Path(os.path.normpath(source))  # as it is written: a link is not followed
    if path.is_absolute() or path.parts[:1] == (os.pardir,):
        return {"uri": Path(os.path.normpath(Path.cwd() / path)).as_uri()}
    return {"uri": quote(path.as_posix()), "uriBaseId": BASE}


# Problems as JUnit's XML, which CI servers read: Jenkins, GitLab and others.
#
# There is no standard, so this keeps to what the schema of Jenkins' xUnit plugin (junit-10.xsd) and
# the parser of GitLab (lib/gitlab/ci/parsers/test/junit.rb) have in common. Neither knows a
# warning: what does not fail the run is `skipped`, which both show with its text and neither counts
# as failed.


def diagnostics_junit(
    problems: Iterable[Diagnostic], files: Iterable[str] = (), fail_on: Severity = Severity.ERROR
) -> str:
    """Return a suite for each file with a case for each problem, or one that passes."""
    by_file: dict[str, list[Diagnostic]] = {file: [] for file in files}
    for problem in problems:
        by_file.setdefault(problem.location.source, []).append(problem)
    root = ElementTree.Element("testsuites", name="kanister-kafka")
    for file, of_file in by_file.items():
        _suite(root, escape_control_chars(file), of_file, fail_on)
    for sum_of in ("tests", "failures", "errors"):
        root.set(sum_of, str(sum(int(suite.get(sum_of, "0")) for suite in root)))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(
    root: ElementTree.Element, file: str, problems: list[Diagnostic], fail_on: Severity
) -> None:
    failures = sum(problem.severity.reaches(fail_on) for problem in problems)
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=file,
        tests=str(len(problems) or 1),
        failures=str(failures),
        errors="0",
        skipped=str(len(problems) - failures),
    )
    if not problems:
        ElementTree.SubElement(suite, "testcase", classname=file, name="valid")
    for problem in problems:
        position = f"{problem.location.line}:{problem.location.column}"
        name = escape_control_chars(" ".join(filter(None, (position, problem.rule, problem.path))))
        case = ElementTree.SubElement(suite, "testcase", classname=file, name=name)
        fails = problem.severity.reaches(fail_on)
        ElementTree.SubElement(
            case,
            "failure" if fails else "skipped",
            type=problem.rule,
            message=escape_control_chars(f"{problem.severity.value}: {problem.message}"),
        ).text = escape_control_chars(str(problem))
