"""Every Kafka among the objects to what is rendered for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from kanister_kafka.document import Document, loads, plain
from kanister_kafka.document.dump import dump
from kanister_kafka.krm.function_config import FunctionConfig
from kanister_kafka.krm.resource_list import Identity
from kanister_kafka.plan import Plan
from kanister_kafka.plan.build import build
from kanister_kafka.problem import Problem
from kanister_kafka.render import render
from kanister_kafka.scripts import is_scripts
from kanister_kafka.strimzi import read
from kanister_kafka.strimzi.read import GROUP


@dataclass(frozen=True, slots=True)
class Made:
    """One rendered object."""

    identity: Identity
    text: str


def plans(
    documents: Sequence[Document], config: FunctionConfig, problems: list[Problem]
) -> tuple[Plan, ...]:
    """Plan for the Kafka that the configuration names, or for each; report what is wrong."""
    if not any(document.kind == "Kafka" and document.group == GROUP for document in documents):
        config.top.error(
            "no-kafka",
            f"no kind: Kafka of group {GROUP} among the items, spec.paths and spec.resources",
        )
        return ()
    made = []
    for wanted in [config.cluster] if config.cluster else _names(documents, config.namespace):
        reading = read(
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
            plan = build(reading.cluster, config.options, reading.problems)
            problems.extend(plan.problems)
            made.append(plan)
    return tuple(made)


def rendered(plans: Iterable[Plan], config: FunctionConfig) -> tuple[Made, ...]:
    """Render all plans; report where two of them would make one object."""
    found: dict[Identity, tuple[Plan, Made]] = {}
    for plan in plans:
        for manifest in render(plan, config.templates):
            (document,) = loads(manifest.text, manifest.file_name).documents
            one = Made(Identity.of(document), _without_anchors(document, manifest.text))
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
    return "".join(takewhile(lambda line: line.startswith("#"), lines)) + dump(plain(document.root))


def _names(documents: Iterable[Document], namespace: str) -> list[str]:
    """Return each Kafka once; an empty name where one lacks a name, for the reader to say so."""
    found: dict[str, None] = {}
    for document in documents:
        if document.kind == "Kafka" and document.group == GROUP:
            home = document.text("metadata", "namespace") or namespace
            name = document.text("metadata", "name")
            found[f"{home}/{name}" if home and name else ""] = None
    return list(found)
