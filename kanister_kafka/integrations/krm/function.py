"""One run of the function, from text to text: every Kafka among the objects is rendered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from kanister_kafka.backup.model import BackupPlan
from kanister_kafka.backup.planner import build_plan
from kanister_kafka.backup.render import render, yaml_scalar
from kanister_kafka.backup.scripts import is_scripts
from kanister_kafka.constants import BLUEPRINT, COMPONENT, MANAGED_BY, STRIMZI
from kanister_kafka.diagnostics import Diagnostic, Severity, has_error, sort_diagnostics
from kanister_kafka.errors import TemplateError
from kanister_kafka.integrations.krm.function_config import KIND, FunctionConfig
from kanister_kafka.integrations.krm.function_config import read_function_config as read_config
from kanister_kafka.integrations.krm.resource_list import (
    ListPatch,
    RenderedObject,
    ResourceList,
    annotations_of,
    read_resource_list,
    serialize,
)
from kanister_kafka.strimzi import read_cluster
from kanister_kafka.strimzi.cursor import FieldCursor
from kanister_kafka.yamldoc import Document, MappingNode, ObjectKey, dump, loads, to_python

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
    results = [_result(problem, known.get(problem.location.source)) for problem in problems]
    return [*results, *({"message": note, "severity": Severity.INFO.value} for note in notes)]


def _result(problem: Diagnostic, document: Document | None) -> dict[str, Any]:
    result: dict[str, Any] = {"message": problem.message, "severity": problem.severity.value}
    if document is not None:
        result["resourceRef"] = _reference(document)
    if problem.path:
        result["field"] = {"path": problem.path}
    if problem.location.line:
        result["file"] = {"path": problem.location.source}
    elif document is not None and (file := _file(document)):
        result["file"] = file
    result["tags"] = {"check": problem.rule}
    if problem.location.line:
        result["tags"] |= {
            "line": f"{problem.location.line}",
            "column": f"{problem.location.column}",
        }
    return result


def _reference(document: Document) -> dict[str, str]:
    words = {
        "apiVersion": document.text("apiVersion"),
        "kind": document.kind,
        "name": document.text("metadata", "name"),
        "namespace": document.text("metadata", "namespace"),
    }
    return {key: word for key, word in words.items() if word}


def _file(document: Document) -> dict[str, Any]:
    annotations = annotations_of(document)
    path = next((annotations[key] for key in PATH if annotations.get(key)), "")
    index = next((annotations[key] for key in INDEX if annotations.get(key)), "")
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
            rendered = render_plans(planned, config) if not has_error(self.problems) else ()
            merged = merge_items(given.items, rendered, config.top)
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


# Every Kafka among the objects to what is rendered for it.


def build_plans(
    documents: Sequence[Document], config: FunctionConfig, problems: list[Diagnostic]
) -> tuple[BackupPlan, ...]:
    """Plan for the Kafka that the configuration names, or for each; report what is wrong."""
    if not any(document.kind == "Kafka" and document.group == STRIMZI for document in documents):
        config.top.error(
            "no-kafka",
            f"no kind: Kafka of group {STRIMZI} among the items, spec.paths and spec.resources",
        )
        return ()
    plans = []
    for cluster in [config.cluster] if config.cluster else _names(documents, config.namespace):
        reading = read_cluster(
            documents,
            cluster=cluster,
            namespace=config.namespace,
            strimzi_version=config.strimzi_version,
            writers=config.options.writers,
            not_writers=config.options.not_writers,
        )
        if reading.cluster is None:
            problems.extend(reading.problems)
        else:
            plan = build_plan(reading.cluster, config.options, reading.problems)
            problems.extend(plan.problems)
            plans.append(plan)
    return tuple(plans)


def render_plans(plans: Iterable[BackupPlan], config: FunctionConfig) -> tuple[RenderedObject, ...]:
    """Render all plans; report where two of them would make one object."""
    by_key: dict[ObjectKey, tuple[BackupPlan, RenderedObject]] = {}
    for plan in plans:
        for manifest in render(plan, config.templates):
            if len(manifest.documents) != 1:
                raise TemplateError(
                    f"the template of {manifest.kind} {manifest.name} makes "
                    f"{len(manifest.documents)} objects: write exactly one, as an item of a list "
                    "has one"
                )
            document = manifest.documents[0]
            one = _rendered_object(document, manifest.text)
            other, _ = by_key.setdefault(one.key, (plan, one))
            # Clusters of a namespace may share their scripts, whose name has a hash of the content.
            if other is not plan and not is_scripts(manifest.kind, manifest.name):
                config.top.at("spec").error(
                    "duplicate-object",
                    f"{one.key} would be made for {other.cluster} and for {plan.cluster}: "
                    "choose one of them with cluster, or set neither name nor serviceAccount",
                )
    return tuple(rendered for _plan, rendered in by_key.values())


def _rendered_object(document: Document, text: str) -> RenderedObject:
    """Return an object; a Blueprint without its anchors, below its comment.

    Two Blueprints in one list would have anchors of one name, which some readers of YAML refuse.
    """
    data = to_python(document.root)
    if document.kind == "Blueprint":
        lines = text.splitlines(keepends=True)
        comment = "".join(takewhile(lambda line: line.startswith("#"), lines))
        text = comment + dump(data)
    return RenderedObject(document.key, text, data)


def _names(documents: Iterable[Document], namespace: str) -> list[str]:
    """Return each Kafka once; an empty name if one lacks a name, for the reader to report."""
    names: dict[str, None] = {}
    for document in documents:
        if document.kind == "Kafka" and document.group == STRIMZI:
            kafka_namespace = document.text("metadata", "namespace") or namespace
            name = document.text("metadata", "name")
            names[f"{kafka_namespace}/{name}" if kafka_namespace and name else ""] = None
    return list(names)


# Each item of the result: kept as it is, replaced, dropped, or added.

TOOL_ANNOTATION_PREFIXES = (
    "config.k8s.io/",
    "config.kubernetes.io/",
    "internal.config.kubernetes.io/",
    "internal.kpt.dev/",
    "kustomize.config.k8s.io/",
)
"""Annotations by which the caller knows an item again: they stay on what is replaced."""


def unchanged(items: Collection[Document]) -> ListPatch:
    """Return what keeps every item."""
    return ListPatch((None,) * len(items))


def merge_items(
    items: Collection[Document], rendered: Collection[RenderedObject], top: FieldCursor
) -> ListPatch:
    """Put rendered objects in the place of those of an earlier run; report objects of others."""
    added = {one.key: one for one in rendered}
    blueprints = {f"{key.namespace}/{key.name}" for key in added if key.kind == "Blueprint"}
    changes: list[RenderedObject | ObjectKey | None] = []
    for item in items:
        key, annotations = item.key, annotations_of(item)
        ours = item.text("metadata", "labels", MANAGED_BY) == COMPONENT
        if key in added:
            changes.append(annotated(added.pop(key), _of_orchestrators(annotations)))
            if not ours:
                top.error(
                    "duplicate-object",
                    f"{key} is among the items and not of {COMPONENT}: it would be replaced; "
                    "rename it, or set name or serviceAccount",
                )
        elif ours and annotations.get(BLUEPRINT) in blueprints:
            changes.append(key)
        else:
            changes.append(None)
    return ListPatch(tuple(changes), tuple(added.values()))


def annotated(one: RenderedObject, more: Mapping[str, str]) -> RenderedObject:
    """Return an object with further annotations; its text stays except for these lines."""
    if not more:
        return one
    metadata = one.data["metadata"]
    before = metadata.get("annotations") or {}
    after = {**dict(sorted(more.items())), **before}
    data = {**one.data, "metadata": {**metadata, "annotations": after}}
    (document,) = loads(one.text).documents  # the text without anchors is a new one
    node = document.root.get("metadata")
    annotations = node.get("annotations") if isinstance(node, MappingNode) else None
    if isinstance(annotations, MappingNode) and annotations.entries:
        lines = one.text.split("\n")
        first = annotations.entries[0].location
        indent = lines[first.line - 1][: first.column - 1]
        if not indent.strip():
            new = [f"{indent}{yaml_scalar(key)}: {yaml_scalar(more[key])}" for key in sorted(more)]
            lines[first.line - 1 : first.line - 1] = new
            return RenderedObject(one.key, "\n".join(lines), data)
    data["metadata"]["annotations"] = {**before, **more}
    return RenderedObject(one.key, dump(data), data)


def _of_orchestrators(before: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in before.items() if key.startswith(TOOL_ANNOTATION_PREFIXES)}
