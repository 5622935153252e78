"""The configuration of the function: the command's options, and the inputs other than items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePath
from typing import Any

from kanister_kafka.backup.option_schema import (
    API_VERSION,
    READING,
    ParsedOptions,
    json_schema_properties,
    parse_options,
)
from kanister_kafka.backup.options import Options
from kanister_kafka.diagnostics import Diagnostic, Location
from kanister_kafka.errors import UnreachableError
from kanister_kafka.integrations.krm.resource_list import with_source
from kanister_kafka.strimzi import Version, parse_version
from kanister_kafka.strimzi.cursor import FieldCursor, quote_name
from kanister_kafka.yamldoc import Document, MappingNode, load
from kanister_kafka.yamldoc.source import STDIN, is_directory

# The configuration of the function as a JSON Schema, for editors and kubeconform.

KIND = "KafkaBlueprint"
NOT_IN_A_BUILD = "restorePoint"
"""An option of the command alone: what a build prints is applied, and would start a restore."""
TEXT: dict[str, Any] = {"type": "string"}
INPUT: dict[str, dict[str, Any]] = {
    "cluster": {
        **TEXT,
        "description": "Which Kafka, as NAME or NAMESPACE/NAME; without it every one of the build.",
    },
    **READING,
    "templates": {
        **TEXT,
        "description": "Directory with templates that replace built-in ones of the same name.",
    },
    "paths": {
        "type": "array",
        "items": TEXT,
        "description": "Files and directories with more custom resources than the items, relative "
        "to the kustomization.",
    },
    "resources": {
        "type": "array",
        "items": {"type": "object", "required": ["apiVersion", "kind"]},
        "description": "Custom resources in addition to the items.",
    },
}
"""Further fields of the spec: where a Kafka is found, and how it is read."""


def function_config_schema(help_texts: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the schema of a KafkaBlueprint, draft 7, with the help texts of options by name."""
    options = {
        name: one
        for name, one in json_schema_properties(help_texts).items()
        if name != NOT_IN_A_BUILD
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": KIND,
        "description": "Configuration of kanister-kafka as a KRM function.",
        "type": "object",
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": KIND},
            "metadata": {"type": "object"},
            "spec": {
                "type": "object",
                "properties": {**INPUT, **options},
                "additionalProperties": False,
            },
        },
        "required": ["apiVersion", "kind"],
        "additionalProperties": False,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionConfig:
    """All fields of a KafkaBlueprint."""

    top: FieldCursor
    """Where to report what concerns all of it."""
    options: Options
    cluster: str
    namespace: str
    strimzi_version: Version | None
    templates: Path | None
    documents: tuple[Document, ...]
    """Objects from `paths` and `resources`."""


def read_function_config(document: Document | None, problems: list[Diagnostic]) -> FunctionConfig:
    """Read a functionConfig; without one all is as by default."""
    if document is None:
        document = Document(MappingNode((), Location(KIND)))
        top = FieldCursor.of(document, problems)
    else:
        top = FieldCursor.of(document, problems)
        _check_top(top)
    spec = top.at("spec")
    chosen = parse_options(spec, others=INPUT)
    _check(spec, chosen)
    namespace, version = spec.at("namespace"), spec.at("strimziVersion")
    return FunctionConfig(
        top=top,
        options=chosen.options,
        cluster=spec.at("cluster").string(),
        namespace=namespace.namespace() if namespace.present else "",
        strimzi_version=_version(version),
        templates=_templates(spec.at("templates")),
        documents=tuple(chain(_loaded(spec.at("paths")), _inline(spec.at("resources")))),
    )


def _check_top(top: FieldCursor) -> None:
    top.at("apiVersion").choice([API_VERSION])
    top.at("kind").choice([KIND])
    known = ("apiVersion", "kind", "metadata", "spec")
    for key in top.entries():
        if key not in known:
            top.at(key).error("unknown-field", f"unknown field; known: {', '.join(known)}")


def _check(spec: FieldCursor, chosen: ParsedOptions) -> None:
    if NOT_IN_A_BUILD in chosen.places:
        spec.at(NOT_IN_A_BUILD).error(
            "option",
            "must not be set here: the RestoreAction would start a restore as soon as the build is "
            "applied; make it with `kanister-kafka render` when a restore is wanted",
        )
    else:
        chosen.check(spec)


def _version(field: FieldCursor) -> Version | None:
    text = field.string()
    version = parse_version(text)
    if text and version is None:
        field.error(
            "option", f"Invalid value: {quote_name(text)}: must be a version such as 0.45.0"
        )
    return version


def _templates(field: FieldCursor) -> Path | None:
    text = field.string()
    if text and not is_directory(text):
        field.error("option", f"Invalid value: {quote_name(text)}: must be a directory")
        return None
    return Path(text) if text else None


def _loaded(field: FieldCursor) -> Iterator[Document]:
    """Read files and directories, from the directory of the kustomization."""
    for item in field.each():
        path = item.string()
        if not path:
            continue
        if path == STDIN or PurePath(path).is_absolute():
            item.error("option", f"Invalid value: {quote_name(path)}: must be a relative path")
            continue
        try:
            loaded = load([path])
        except UnreachableError as failure:
            item.error("option", f"cannot be read: {failure}")
            continue
        item.problems.extend(loaded.problems)
        yield from loaded.documents


def _inline(field: FieldCursor) -> Iterator[Document]:
    for item in field.each():
        if item.entries() and isinstance(item.node, MappingNode):
            yield with_source(Document(item.node))
