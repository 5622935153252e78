"""The fleet file: which clusters, with which defaults and overrides."""

from __future__ import annotations

from pathlib import Path

from kanister_kafka.config import API_VERSION, READING, Choices, choices, refuse_others
from kanister_kafka.document import Document
from kanister_kafka.document.load import STDIN
from kanister_kafka.errors import InputError, UnreachableError
from kanister_kafka.fleet.model import Fleet, Rule
from kanister_kafka.fleet.schema import KIND, WHICH
from kanister_kafka.fleet.selector import Selector, parse_selector
from kanister_kafka.problem import Problem, in_order
from kanister_kafka.strimzi import Version, parse_version
from kanister_kafka.strimzi.fields import Field, is_label, shown

GROUP = API_VERSION.partition("/")[0]
TOP = ("apiVersion", "kind", "metadata", "paths", "selector", "defaults", "clusters")


def is_fleet(document: Document) -> bool:
    """Tell whether an object is a fleet file."""
    return document.kind == KIND and document.group == GROUP


def read_fleet(document: Document) -> Fleet:
    """Read a fleet file; InputError with everything that is wrong with it."""
    problems: list[Problem] = []
    fleet = _Reader(document, problems).fleet()
    if problems:
        raise InputError(in_order(problems))
    return fleet


class _Reader:
    def __init__(self, document: Document, problems: list[Problem]) -> None:
        self.top = Field.of(document, problems)
        source = document.root.location.source
        self.folder = Path() if source.startswith("<") else Path(source).parent

    def fleet(self) -> Fleet:
        top = self.top
        if top.at("apiVersion").string() != API_VERSION:
            place = top.at("apiVersion")
            told = f'Unsupported value: supported values: "{API_VERSION}"'
            place.error("unsupported-version", told)
        refuse_others(top, TOP)
        shared = top.at("defaults")
        defaults = choices(shared, others=READING)
        version = self._version(shared.at("strimziVersion"), None)
        namespace = self._namespace(shared.at("namespace"))
        entries = top.at("clusters").each()
        rules = [self._rule(entry, defaults, version, namespace) for entry in entries]
        if not entries:
            defaults.check(top)
            rules = [
                Rule(
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
        self, entry: Field, defaults: Choices, version: Version | None, namespace: str
    ) -> Rule:
        found = choices(entry, defaults, others=(*READING, *WHICH))
        found.check(entry)
        paths = self._paths(entry.at("paths"))
        own = self._namespace(entry.at("namespace"))
        return Rule(
            location=entry.location,
            path=entry.path,
            options=found.options,
            strimzi_version=self._version(entry.at("strimziVersion"), version),
            namespace=own or (namespace if paths else ""),
            paths=paths,
            cluster=entry.at("cluster").string(),
            selector=self._selector(entry.at("selector")),
        )

    def _paths(self, place: Field) -> tuple[str, ...]:
        """Return paths, which are relative to the file; all are looked for before any is read."""
        found = []
        for item in place.each():
            text = item.string()
            path = self.folder / text
            if text == STDIN or not text:
                item.error("wrong-type", f"Invalid value: {shown(text)}: must be a path")
            elif not path.exists():
                raise UnreachableError(f"{item.location}: {item.path}: {path}: no such file")
            found.append(str(path))
        return tuple(found)

    def _version(self, place: Field, before: Version | None) -> Version | None:
        text = place.string()
        version = parse_version(text)
        if text and version is None:
            place.error("wrong-type", f"Invalid value: {shown(text)}: must be a version")
        return version or before

    def _namespace(self, place: Field) -> str:
        text = place.string()
        if text and not is_label(text):
            told = f"Invalid value: {shown(text)}: must be a lowercase RFC 1123 label"
            place.error("wrong-type", told)
        return text

    def _selector(self, place: Field) -> Selector:
        text = place.string()
        selector = parse_selector(text)
        if selector is None:
            told = (
                f"Invalid value: {shown(text)}: must be a label selector, as app=kafka,tier!=test"
            )
            place.error("wrong-type", told)
        return selector or Selector()
