"""Every Kafka among the objects to what is rendered for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from kanister_kafka.backup.model import BackupPlan
from kanister_kafka.backup.planner import build_plan
from kanister_kafka.backup.render import render, yaml_scalar
from kanister_kafka.backup.scripts import is_scripts
from kanister_kafka.constants import BLUEPRINT, COMPONENT, MANAGED_BY
from kanister_kafka.diagnostics import Diagnostic
from kanister_kafka.integrations.krm.function_config import FunctionConfig
from kanister_kafka.integrations.krm.resource_list import ObjectKey, annotations_of
from kanister_kafka.strimzi import read_cluster
from kanister_kafka.strimzi.cursor import FieldCursor
from kanister_kafka.strimzi.reader import GROUP
from kanister_kafka.yamldoc import Document, MappingNode, loads, to_python
from kanister_kafka.yamldoc.dumper import dump


@dataclass(frozen=True, slots=True)
class RenderedObject:
    """One rendered object."""

    identity: ObjectKey
    text: str


def build_plans(
    documents: Sequence[Document], config: FunctionConfig, problems: list[Diagnostic]
) -> tuple[BackupPlan, ...]:
    """Plan for the Kafka that the configuration names, or for each; report what is wrong."""
    if not any(document.kind == "Kafka" and document.group == GROUP for document in documents):
        config.top.error(
            "no-kafka",
            f"no kind: Kafka of group {GROUP} among the items, spec.paths and spec.resources",
        )
        return ()
    made = []
    for wanted in [config.cluster] if config.cluster else _names(documents, config.namespace):
        reading = read_cluster(
            documents,
            cluster=wanted,
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
            made.append(plan)
    return tuple(made)


def render_plans(plans: Iterable[BackupPlan], config: FunctionConfig) -> tuple[RenderedObject, ...]:
    """Render all plans; report where two of them would make one object."""
    found: dict[ObjectKey, tuple[BackupPlan, RenderedObject]] = {}
    for plan in plans:
        for manifest in render(plan, config.templates):
            (document,) = loads(manifest.text, manifest.file_name).documents
            one = RenderedObject(ObjectKey.of(document), _without_anchors(document, manifest.text))
            other, _ = found.setdefault(one.identity, (plan, one))
            # Clusters of a namespace may share their scripts, whose name tells the content.
            if other is not plan and not is_scripts(manifest.kind, manifest.name):
                config.top.at("spec").error(
                    "duplicate-object",
                    f"{one.identity} would be made for {other.cluster} and for {plan.cluster}: "
                    "choose one of them with cluster, or set neither name nor serviceAccount",
                )
    return tuple(made for _plan, made in found.values())


def _without_anchors(document: Document, text: str) -> str:
    """Write an object with anchors anew, below its comment.

    Two Blueprints in one list would have anchors of one name, which some readers of YAML refuse.
    """
    if document.kind != "Blueprint":
        return text
    lines = text.splitlines(keepends=True)
    return "".join(takewhile(lambda line: line.startswith("#"), lines)) + dump(
        to_python(document.root)
    )


def _names(documents: Iterable[Document], namespace: str) -> list[str]:
    """Return each Kafka once; an empty name where one lacks a name, for the reader to say so."""
    found: dict[str, None] = {}
    for document in documents:
        if document.kind == "Kafka" and document.group == GROUP:
            home = document.text("metadata", "namespace") or namespace
            name = document.text("metadata", "name")
            found[f"{home}/{name}" if home and name else ""] = None
    return list(found)


# What becomes of each item: kept as it is, replaced, or dropped; and what is added.

TOOL_ANNOTATION_PREFIXES = (
    "config.k8s.io/",
    "config.kubernetes.io/",
    "internal.config.kubernetes.io/",
    "internal.kpt.dev/",
    "kustomize.config.k8s.io/",
)
"""Annotations by which the caller knows an item again: they stay on what is replaced."""


@dataclass(frozen=True, slots=True)
class ListPatch:
    """What a run makes of a list."""

    items: tuple[str | None, ...]
    """For each item its new text, an empty one where it is dropped, None where it is kept."""
    added: tuple[str, ...] = ()
    dropped: tuple[ObjectKey, ...] = ()


def unchanged(items: Collection[Document]) -> ListPatch:
    """Return what keeps every item."""
    return ListPatch((None,) * len(items))


def merge_items(
    items: Collection[Document], made: Collection[RenderedObject], top: FieldCursor
) -> ListPatch:
    """Put rendered objects in the place of those of an earlier run; report what is not ours."""
    left = {one.identity: one for one in made}
    serving = {
        f"{one.identity.namespace}/{one.identity.name}"
        for one in made
        if one.identity.kind == "Blueprint"
    }
    texts: list[str | None] = []
    dropped = []
    for item in items:
        identity, before = ObjectKey.of(item), annotations_of(item)
        ours = item.text("metadata", "labels", MANAGED_BY) == COMPONENT
        if identity in left:
            texts.append(annotated(left.pop(identity).text, _of_orchestrators(before)))
            if not ours:
                top.error(
                    "duplicate-object",
                    f"{identity} is among the items and not of {COMPONENT}: it would be replaced; "
                    "rename it, or set name or serviceAccount",
                )
        elif ours and before.get(BLUEPRINT) in serving:
            texts.append("")
            dropped.append(identity)
        else:
            texts.append(None)
    return ListPatch(tuple(texts), tuple(one.text for one in left.values()), tuple(dropped))


def annotated(text: str, more: Mapping[str, str]) -> str:
    """Return an object with further annotations; its text stays as it is but for these lines."""
    if not more:
        return text
    (document,) = loads(text).documents
    metadata = document.root.get("metadata")
    found = metadata.get("annotations") if isinstance(metadata, MappingNode) else None
    lines = text.split("\n")
    if isinstance(found, MappingNode) and found.entries:
        first = found.entries[0].location
        indent = lines[first.line - 1][: first.column - 1]
        if not indent.strip():
            new = [f"{indent}{yaml_scalar(key)}: {yaml_scalar(more[key])}" for key in sorted(more)]
            return "\n".join([*lines[: first.line - 1], *new, *lines[first.line - 1 :]])
    data = to_python(document.root)
    before = data["metadata"].get("annotations") or {}
    data["metadata"]["annotations"] = {**before, **more}
    return dump(data)


def _of_orchestrators(before: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in before.items() if key.startswith(TOOL_ANNOTATION_PREFIXES)}
