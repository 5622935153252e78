"""The configuration of the function: the command's options, and what is read besides items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from kanister_kafka.config import API_VERSION, Choices, choices
from kanister_kafka.document import Document, MappingNode, load
from kanister_kafka.document.load import STDIN
from kanister_kafka.errors import UnreachableError
from kanister_kafka.krm.resource_list import placed
from kanister_kafka.krm.schema import INPUT, KIND, NOT_IN_A_BUILD
from kanister_kafka.options import Options
from kanister_kafka.problem import Location, Problem
from kanister_kafka.strimzi import Version, parse_version
from kanister_kafka.strimzi.fields import Field, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionConfig:
    """All that a KafkaBlueprint says."""

    top: Field
    """Where to report what concerns all of it."""
    options: Options
    cluster: str
    namespace: str
    strimzi_version: Version | None
    templates: Path | None
    documents: tuple[Document, ...]
    """Objects from `paths` and `resources`."""


def read(document: Document | None, problems: list[Problem]) -> FunctionConfig:
    """Read a functionConfig; without one all is as by default."""
    if document is None:
        document = Document(MappingNode((), Location(KIND)))
        top = Field.of(document, problems)
    else:
        top = Field.of(document, problems)
        _check_top(top)
    spec = top.at("spec")
    chosen = choices(spec, others=INPUT)
    _check(spec, chosen)
    namespace, version = spec.at("namespace"), spec.at("strimziVersion")
    return FunctionConfig(
        top=top,
        options=chosen.options,
        cluster=spec.at("cluster").string(),
        namespace=namespace.namespace() if namespace.present else "",
        strimzi_version=_version(version),
        templates=_templates(spec.at("templates")),
        documents=(*_loaded(spec.at("paths")), *_inline(spec.at("resources"))),
    )


def _check_top(top: Field) -> None:
    top.at("apiVersion").choice([API_VERSION])
    top.at("kind").choice([KIND])
    known = ("apiVersion", "kind", "metadata", "spec")
    for key in top.entries():
        if key not in known:
            top.at(key).error("unknown-field", f"unknown field; known: {', '.join(known)}")


def _check(spec: Field, chosen: Choices) -> None:
    if NOT_IN_A_BUILD in chosen.places:
        spec.at(NOT_IN_A_BUILD).error(
            "option",
            "must not be set here: the RestoreAction would start a restore as soon as the build is "
            "applied; make it with `kanister-kafka render` when a restore is wanted",
        )
    else:
        chosen.check(spec)


def _version(field: Field) -> Version | None:
    text = field.string()
    version = parse_version(text)
    if text and version is None:
        field.error("option", f"Invalid value: {shown(text)}: must be a version such as 0.45.0")
    return version


def _templates(field: Field) -> Path | None:
    text = field.string()
    if text and not Path(text).is_dir():
        field.error("option", f"Invalid value: {shown(text)}: must be a directory")
        return None
    return Path(text) if text else None


def _loaded(field: Field) -> Iterator[Document]:
    """Read files and directories, from the directory of the kustomization."""
    for item in field.each():
        path = item.string()
        if not path:
            continue
        if path == STDIN or PurePath(path).is_absolute():
            item.error("option", f"Invalid value: {shown(path)}: must be a relative path")
            continue
        try:
            loaded = load([path])
        except UnreachableError as failure:
            item.error("option", f"cannot be read: {failure}")
            continue
        item.problems.extend(loaded.problems)
        yield from loaded.documents


def _inline(field: Field) -> Iterator[Document]:
    for item in field.each():
        if item.entries() and isinstance(item.node, MappingNode):
            yield placed(Document(item.node))
