"""The fleet file: which clusters, with which defaults and overrides."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from kanister_kafka.backup.option_schema import (
    API_VERSION,
    READING,
    ParsedOptions,
    json_schema_properties,
    parse_options,
    reject_unknown_keys,
)
from kanister_kafka.backup.options import Options
from kanister_kafka.backup.render import Manifest
from kanister_kafka.diagnostics import Diagnostic, Location, sort_diagnostics
from kanister_kafka.errors import InputError, UnreachableError
from kanister_kafka.kube.names import LABEL
from kanister_kafka.kube.objects import LabelSelector, parse_selector
from kanister_kafka.strimzi import Version, parse_version
from kanister_kafka.strimzi.cursor import FieldCursor, quote_name
from kanister_kafka.strimzi.listeners import BootstrapAddresses
from kanister_kafka.yamldoc import Document
from kanister_kafka.yamldoc.source import STDIN

# A fleet: many Kafka clusters, and how each of them is rendered.


class FleetKey(NamedTuple):
    """Which Kafka: unique in a fleet."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def folder(self) -> str:
        """Name of a directory of its own; a namespace has no dot, so no other has the same."""
        return f"{self.namespace}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetEntry:
    """Which Kafkas are rendered, and how."""

    location: Location
    path: str
    """Of the entry, as `clusters[3]`; empty if it is not an entry of a file."""
    options: Options = field(default_factory=Options)
    strimzi_version: Version | None = None
    namespace: str = ""
    """Of documents that name none; only this one if the input is that of the fleet."""
    paths: tuple[str, ...] = ()
    """Input of its own; that of the fleet if there are none."""
    cluster: str = ""
    """`NAME` or `NAMESPACE/NAME`; any if it is empty."""
    selector: LabelSelector = field(default_factory=LabelSelector)

    @property
    def clients(self) -> tuple[str, ...]:
        """Clients of which the options define whether they write."""
        return self.options.writers + self.options.not_writers

    def fits(self, key: FleetKey, labels: Mapping[str, str]) -> bool:
        """Return whether a Kafka is one of these."""
        namespace, _, name = self.cluster.rpartition("/")
        return (
            (not name or name == key.name)
            and (not namespace or namespace == key.namespace)
            and (bool(self.paths) or self.namespace in ("", key.namespace))
            and self.selector.fits(labels)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The content of a fleet file; without one, a single rule for every Kafka."""

    rules: tuple[FleetEntry, ...]
    """The first that fits a Kafka decides; one that none fits is left out."""
    paths: tuple[str, ...] = ()
    """Input of all rules that have none of their own."""
    namespace: str = ""
    """Of documents that name none."""
    selector: LabelSelector = field(default_factory=LabelSelector)
    """Further conditions for every Kafka."""
    kubernetes: int | None = None
    """Minor version of the cluster whose objects are the input; None if it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderTask:
    """Work for one process: a cluster whose objects are at hand, or a rule with its own paths."""

    rule: FleetEntry
    namespace: str = ""
    """Of documents that name none."""
    selector: LabelSelector = field(default_factory=LabelSelector)
    key: FleetKey | None = None
    objects: tuple[bytes, ...] = ()
    """As the spool keeps them."""
    others: tuple[BootstrapAddresses, ...] = ()
    """Addresses of Kafkas that are not among these objects, and that some of them know."""
    problems: tuple[Diagnostic, ...] = ()
    """What is wrong with the files that the objects are from."""
    kubernetes: int | None = None
    """Minor version of the cluster that the objects are from; None for files."""
    templates: Path | None = None
    spells: bool = True
    """Whether to render, or to plan only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSummary:
    """A plan in one line."""

    blueprint: str
    """`NAMESPACE/NAME`."""
    strategy: str
    engine: str
    nodes: int
    writers: int
    """That are quiesced."""
    longest: int
    """All waits of the longest action, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderResult:
    """The result of one cluster, or of a rule whose input has none."""

    rule: FleetEntry
    key: FleetKey | None = None
    row: FleetSummary | None = None
    """None if it is not to be rendered, for the reasons in `problems`."""
    manifests: tuple[Manifest, ...] = ()
    notes: tuple[str, ...] = ()
    """What is left for a person to do."""
    claims: tuple[str, ...] = ()
    """Names that no other cluster may have: of the Blueprint and of the service accounts."""
    problems: tuple[Diagnostic, ...] = ()


# The fleet file as a JSON Schema, for editors and kubeconform.

KIND = "KafkaFleet"
TEXT: dict[str, Any] = {"type": "string"}
PATHS: dict[str, Any] = {
    "type": "array",
    "items": {**TEXT, "minLength": 1},
    "description": "Files and directories with custom resources, relative to this file.",
}
SELECTOR: dict[str, Any] = {
    **TEXT,
    "description": "Label selector of the Kafka, such as app=kafka,tier!=test.",
}
WHICH: dict[str, dict[str, Any]] = {
    "paths": {**PATHS, "description": f"{PATHS['description']} Those of the file without it."},
    "cluster": {**TEXT, "description": "Which Kafka, as NAME or NAMESPACE/NAME."},
    "selector": SELECTOR,
}
"""Further fields of an entry."""


def fleet_schema(help_texts: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the schema of a KafkaFleet, draft 7, with the help texts of options by name."""
    options = json_schema_properties(help_texts)

    def chosen(others: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {**others, **options},
            "additionalProperties": False,
        }

    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": KIND,
        "description": "Many Kafka clusters that kanister-kafka renders in one run.",
        "type": "object",
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": KIND},
            "metadata": {"type": "object"},
            "paths": PATHS,
            "selector": SELECTOR,
            "defaults": chosen(READING),
            "clusters": {"type": "array", "items": chosen({**READING, **WHICH})},
        },
        "required": ["apiVersion", "kind"],
        "additionalProperties": False,
    }


GROUP = API_VERSION.partition("/")[0]
TOP = ("apiVersion", "kind", "metadata", "paths", "selector", "defaults", "clusters")


def is_fleet(document: Document) -> bool:
    """Return whether an object is a fleet file."""
    return document.kind == KIND and document.group == GROUP


def read_fleet(document: Document) -> Fleet:
    """Read a fleet file; InputError with everything that is wrong with it."""
    problems: list[Diagnostic] = []
    fleet = _FleetReader(document, problems).fleet()
    if problems:
        raise InputError(sort_diagnostics(problems))
    return fleet


class _FleetReader:
    def __init__(self, document: Document, problems: list[Diagnostic]) -> None:
        self.top = FieldCursor.of(document, problems)
        source = document.root.location.source
        self.folder = Path() if source.startswith("<") else Path(source).parent

    def fleet(self) -> Fleet:
        top = self.top
        if top.at("apiVersion").string() != API_VERSION:
            api_version = top.at("apiVersion")
            message = f'Unsupported value: supported values: "{API_VERSION}"'
            api_version.error("unsupported-version", message)
        reject_unknown_keys(top, TOP)
        shared = top.at("defaults")
        defaults = parse_options(shared, others=READING)
        version = self._version(shared.at("strimziVersion"), None)
        namespace = self._namespace(shared.at("namespace"))
        entries = top.at("clusters").each()
        rules = [self._rule(entry, defaults, version, namespace) for entry in entries]
        if not entries:
            defaults.check(top)
            rules = [
                FleetEntry(
                    location=top.location,
                    path="",
                    options=defaults.options,
                    strimzi_version=version,
                )
            ]
        return Fleet(
            rules=tuple(rules),
            paths=self._paths(top.at("paths")),
            namespace=namespace,
            selector=self._selector(top.at("selector")),
        )

    def _rule(
        self, entry: FieldCursor, defaults: ParsedOptions, version: Version | None, namespace: str
    ) -> FleetEntry:
        parsed = parse_options(entry, defaults, others=[*READING, *WHICH])
        parsed.check(entry)
        paths = self._paths(entry.at("paths"))
        own = self._namespace(entry.at("namespace"))
        return FleetEntry(
            location=entry.location,
            path=entry.path,
            options=parsed.options,
            strimzi_version=self._version(entry.at("strimziVersion"), version),
            namespace=own or (namespace if paths else ""),
            paths=paths,
            cluster=entry.at("cluster").string(),
            selector=self._selector(entry.at("selector")),
        )

    def _paths(self, cursor: FieldCursor) -> tuple[str, ...]:
        """Return paths, which are relative to the file; all are looked for before any is read."""
        paths = []
        for item in cursor.each():
            text = item.string()
            path = self.folder / text
            if text == STDIN or not text:
                item.error("wrong-type", f"Invalid value: {quote_name(text)}: must be a path")
            elif not os.path.lexists(path):
                raise UnreachableError(f"{item.location}: {item.path}: {path}: no such file")
            paths.append(str(path))
        return tuple(paths)

    def _version(self, cursor: FieldCursor, before: Version | None) -> Version | None:
        text = cursor.string()
        version = parse_version(text)
        if text and version is None:
            cursor.error("wrong-type", f"Invalid value: {quote_name(text)}: must be a version")
        return version or before

    def _namespace(self, cursor: FieldCursor) -> str:
        text = cursor.string()
        if text and not LABEL.allows(text):
            message = f"Invalid value: {quote_name(text)}: must be a lowercase RFC 1123 label"
            cursor.error("wrong-type", message)
        return text

    def _selector(self, cursor: FieldCursor) -> LabelSelector:
        text = cursor.string()
        selector = parse_selector(text)
        if selector is None:
            message = (
                f"Invalid value: {quote_name(text)}: "
                "must be a label selector, as app=kafka,tier!=test"
            )
            cursor.error("wrong-type", message)
        return selector or LabelSelector()
