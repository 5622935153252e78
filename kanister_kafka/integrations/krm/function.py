"""One run of the function, from text to text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kanister_kafka.diagnostics import Diagnostic, Severity, has_error, sort_diagnostics
from kanister_kafka.integrations.krm.function_config import KIND
from kanister_kafka.integrations.krm.function_config import read_function_config as read_config
from kanister_kafka.integrations.krm.render import build_plans, merge_items, render_plans, unchanged
from kanister_kafka.integrations.krm.resource_list import (
    ResourceList,
    annotations_of,
    read_resource_list,
    serialize,
)
from kanister_kafka.yamldoc import Document

# Problems as results of a function: severity, object, field and file of each.

PATH = ("internal.config.kubernetes.io/path", "config.kubernetes.io/path")
INDEX = ("internal.config.kubernetes.io/index", "config.kubernetes.io/index")
"""Annotations by which the caller sets the file of an item, the newer one first."""


def krm_results(
    problems: Iterable[Diagnostic], notes: Iterable[str], documents: Iterable[Document]
) -> list[dict[str, Any]]:
    """Return what a run has found; `documents` are those that a place may name."""
    known: dict[str, Document] = {}
    for document in documents:
        known.setdefault(document.root.location.source, document)
    found = [_result(problem, known.get(problem.location.source)) for problem in problems]
    return [*found, *({"message": note, "severity": Severity.INFO.value} for note in notes)]


def _result(problem: Diagnostic, document: Document | None) -> dict[str, Any]:
    made: dict[str, Any] = {"message": problem.message, "severity": problem.severity.value}
    if document is not None:
        made["resourceRef"] = _reference(document)
    if problem.path:
        made["field"] = {"path": problem.path}
    if problem.location.line:
        made["file"] = {"path": problem.location.source}
    elif document is not None and (file := _file(document)):
        made["file"] = file
    made["tags"] = {"check": problem.rule}
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


@dataclass(frozen=True, slots=True)
class KrmResult:
    """The result of a run."""

    text: str
    """The list with its results; empty if the input is not a list."""
    problems: tuple[Diagnostic, ...]
    notes: tuple[str, ...] = ()
    """What is left for a person to do, and what was taken out."""


def run_function(raw: str | bytes) -> KrmResult:
    """Add to a ResourceList what is rendered for each Kafka among its items.

    If anything is wrong all items come back as they are. Raises TemplateError for a template of a
    site that fails, and InternalError as `render` does.
    """
    given, problems = read_resource_list(raw)
    return _Run(given).outcome() if given else KrmResult("", sort_diagnostics(problems))


class _Run:
    def __init__(self, resource_list: ResourceList) -> None:
        self.given = resource_list
        self.problems: list[Diagnostic] = []
        self.notes: list[str] = []

    def outcome(self) -> KrmResult:
        given = self.given
        config = read_config(given.config, self.problems)
        documents = [item for item in given.items if item.kind != KIND]
        documents += config.documents
        change = unchanged(given.items)
        if not has_error(self.problems):
            planned = build_plans(documents, config, self.problems)
            made = render_plans(planned, config) if not has_error(self.problems) else ()
            merged = merge_items(given.items, made, config.top)
            if not has_error(self.problems):
                change = merged
                for plan in planned:
                    self.notes += plan.notes
                self.notes += [
                    f"{gone} is of an earlier run and no longer rendered: taken out"
                    for gone in change.dropped
                ]
        problems = sort_diagnostics(self.problems)
        named = [*documents, given.config] if given.config else documents
        text = serialize(given, change, krm_results(problems, self.notes, named))
        return KrmResult(text, problems, tuple(self.notes))
