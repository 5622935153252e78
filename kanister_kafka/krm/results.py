"""Problems as results of a function: severity, object, field and file of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kanister_kafka.document import Document
from kanister_kafka.krm.resource_list import annotations_of
from kanister_kafka.problem import Problem, Severity

PATH = ("internal.config.kubernetes.io/path", "config.kubernetes.io/path")
INDEX = ("internal.config.kubernetes.io/index", "config.kubernetes.io/index")
"""By these the caller says which file an item is of, the newer spelling first."""


def results(
    problems: Iterable[Problem], notes: Iterable[str], documents: Iterable[Document]
) -> list[dict[str, Any]]:
    """Return what a run has found; `documents` are those that a place may name."""
    known: dict[str, Document] = {}
    for document in documents:
        known.setdefault(document.root.location.source, document)
    found = [_result(problem, known.get(problem.location.source)) for problem in problems]
    return [*found, *({"message": note, "severity": Severity.INFO.value} for note in notes)]


def _result(problem: Problem, document: Document | None) -> dict[str, Any]:
    made: dict[str, Any] = {"message": problem.message, "severity": problem.severity.value}
    if document is not None:
        made["resourceRef"] = _reference(document)
    if problem.path:
        made["field"] = {"path": problem.path}
    if problem.location.line:
        made["file"] = {"path": problem.location.source}
    elif document is not None and (file := _file(document)):
        made["file"] = file
    made["tags"] = {"check": problem.check}
    if problem.location.line:
        made["tags"] |= {"line": f"{problem.location.line}", "column": f"{problem.location.column}"}
    return made


def _reference(document: Document) -> dict[str, str]:
    words = {
        "apiVersion": document.text("apiVersion"),
        "kind": document.kind,
        "name": document.text("metadata", "name"),
        "namespace": document.text("metadata", "namespace"),
    }
    return {key: word for key, word in words.items() if word}


def _file(document: Document) -> dict[str, Any]:
    said = annotations_of(document)
    path = next((said[key] for key in PATH if said.get(key)), "")
    index = next((said[key] for key in INDEX if said.get(key)), "")
    if not path:
        return {}
    return {"path": path, "index": int(index)} if index.isdecimal() else {"path": path}
