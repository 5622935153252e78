"""Problems as JUnit's XML, which CI servers read: Jenkins, GitLab and others.

There is no standard, so this keeps to what the schema of Jenkins' xUnit plugin (junit-10.xsd) and
the parser of GitLab (lib/gitlab/ci/parsers/test/junit.rb) have in common. Neither knows a warning:
what does not fail the run is `skipped`, which both show with its text and neither counts as failed.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree

from kanister_kafka.diagnostics import Diagnostic, Severity
from kanister_kafka.reports.text import escape_control_chars


def diagnostics_junit(
    problems: Iterable[Diagnostic], files: Iterable[str] = (), fail_on: Severity = Severity.ERROR
) -> str:
    """Return a suite for each file with a case for each problem, or one that passes."""
    found: dict[str, list[Diagnostic]] = {file: [] for file in files}
    for problem in problems:
        found.setdefault(problem.location.source, []).append(problem)
    root = ElementTree.Element("testsuites", name="kanister-kafka")
    for file, of_file in found.items():
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
        place = f"{problem.location.line}:{problem.location.column}"
        name = escape_control_chars(" ".join(filter(None, (place, problem.rule, problem.path))))
        case = ElementTree.SubElement(suite, "testcase", classname=file, name=name)
        fails = problem.severity.reaches(fail_on)
        ElementTree.SubElement(
            case,
            "failure" if fails else "skipped",
            type=problem.rule,
            message=escape_control_chars(f"{problem.severity.value}: {problem.message}"),
        ).text = escape_control_chars(str(problem))
