"""Problems as SARIF 2.1.0, which code scanning reads: GitHub, Azure DevOps, editors."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from kanister_kafka._version import __version__
from kanister_kafka.diagnostics import Diagnostic, Location, Severity
from kanister_kafka.linter.rule_docs import RuleDoc, rule_docs

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
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


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
    place: Tree = {"physicalLocation": _physical(problem.location)}
    if problem.path:
        place["logicalLocations"] = [{"fullyQualifiedName": problem.path}]
    return {
        "ruleId": problem.rule,
        "ruleIndex": rule,
        "level": LEVELS[problem.severity],
        "message": {"text": problem.message},
        "locations": [place],
    }


def _physical(location: Location) -> Tree:
    place: Tree = {"artifactLocation": _artifact(location.source)}
    if location.line:
        place["region"] = {"startLine": location.line, "startColumn": location.column}
    return place


def _artifact(source: str) -> Tree:
    """Name a file relative to where the command ran, or absolutely if it is elsewhere."""
    path = Path(os.path.normpath(source))  # as it is written: a link is not followed
    if path.is_absolute() or path.parts[:1] == (os.pardir,):
        return {"uri": Path(os.path.normpath(Path.cwd() / path)).as_uri()}
    return {"uri": quote(path.as_posix()), "uriBaseId": BASE}
