"""The registry of rules: what each looks at, its ids and severity, and its documentation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

from kanister_kafka.diagnostics import Diagnostic, Diagnostics, Location, Severity
from kanister_kafka.kanister import Blueprint
from kanister_kafka.kanister.function_types import NEWEST
from kanister_kafka.package import package_directory
from kanister_kafka.similarity import nearest_name
from kanister_kafka.yamldoc import Document

Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class LintSettings:
    """Options of the validation of Blueprints."""

    kasten: bool | None = None
    """Whether Kasten runs them; None to decide by the objects in the input."""
    kasten_namespace: str = "kasten-io"
    gitops: str = ""
    """The tool that applies the Blueprints: `flux` or nothing."""
    release: str = NEWEST
    """Of Kanister, as `parse_release` returns it."""


@dataclass(frozen=True, eq=False)
class ManifestSet:
    """The whole input of one run; compared by identity, as it is large."""

    documents: tuple[Document, ...]
    blueprints: tuple[Blueprint, ...]


@dataclass(frozen=True, slots=True)
class Scope(Generic[Subject]):
    """The subject of a rule."""

    name: str


BLUEPRINT: Scope[Blueprint] = Scope("Blueprint")
"""One Blueprint."""
MANIFEST_SET: Scope[ManifestSet] = Scope("manifest set")
"""All objects of the input, and how they refer to each other."""
KASTEN: Scope[Any] = Scope("Kasten")
"""All objects that Kasten reads, `kasten.objects.KastenObjects`, which few inputs need. These rules
run only if Kasten runs the Blueprints."""

RuleFunction = Callable[["Rule", Subject, LintSettings], Diagnostics]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A function that finds mistakes, and the ids under which it reports them."""

    ids: Mapping[str, Severity]
    """One or more; `docs/rules.md#ID` documents each."""
    scope: Scope[Any]
    check: RuleFunction[Any]

    def report(self, location: Location, path: str, message: str, rule_id: str = "") -> Diagnostic:
        """Build a diagnostic of this rule; `rule_id` is necessary if the rule has several ids."""
        check = rule_id or next(iter(self.ids))
        return Diagnostic(check, self.ids[check], location, path, message)

    def reaches(self, least: Severity) -> bool:
        """Report whether any diagnostic of this rule can be as severe as `least`."""
        return any(severity.reaches(least) for severity in self.ids.values())


RULES: list[Rule] = []
"""Filled by the modules of `linter/rules/` as they are imported."""


def lint_rule(
    scope: Scope[Subject], ids: str | Mapping[str, Severity], severity: Severity = Severity.ERROR
) -> Callable[[RuleFunction[Subject]], RuleFunction[Subject]]:
    """Register a function as a rule; of several ids each has its own severity."""

    def register(check: RuleFunction[Subject]) -> RuleFunction[Subject]:
        RULES.append(Rule({ids: severity} if isinstance(ids, str) else ids, scope, check))
        return check

    return register


# Every rule, as its section of docs/rules.md describes it.
#
# The page is the one place that names all ids: those of rules for Blueprints are registered, those
# of text and of custom resources are words in the modules that find them; tests/docs/test_pages.py
# compares.

SECTION = re.compile(
    r"^### (?P<id>\S+)\n\n\*(?P<severity>\w+)\* · (?P<text>.*?)\n\n(?P<rest>.*?)(?=^##|\Z)",
    re.MULTILINE | re.DOTALL,
)
FENCE = re.compile(r"^```\w*\n?", re.MULTILINE)
SENTENCE = re.compile(r"\.(?= [A-Z`(\[]|$)")
"""The end of one; `e.g. x` and file names have none."""


class RuleDoc(NamedTuple):
    """The section of the page about one rule."""

    id: str
    severity: Severity
    text: str
    """What is found and why it matters, on one line."""
    example: str
    """A wrong and a right one, in a block of code; more text may stand around it."""

    @property
    def summary(self) -> str:
        """The first sentence."""
        end = SENTENCE.search(self.text)
        return self.text[: end.end()] if end else self.text

    @property
    def markdown(self) -> str:
        """The section without its heading."""
        return f"{self.text}\n\n{self.example}"

    @property
    def plain(self) -> str:
        """The same without the fences of code."""
        return FENCE.sub("", self.markdown)


@cache
def rule_docs() -> dict[str, RuleDoc]:
    """Return the sections by id, in the order of the page."""
    return {
        section["id"]: RuleDoc(
            section["id"],
            Severity(section["severity"]),
            " ".join(section["text"].split()),
            section["rest"].strip(),
        )
        for section in SECTION.finditer(page("rules"))
    }


def page(name: str) -> str:
    """Return the text of a page of the documentation, by its name in `pages`."""
    return (package_directory("docs") / f"{name}.md").read_text(encoding="utf-8")


@cache
def pages() -> dict[str, str]:
    """Return the title of each page by its name, sorted."""
    titles = {}
    for path in package_directory("docs").iterdir():
        if path.name.endswith(".md"):
            with path.open(encoding="utf-8") as text:
                titles[path.name.removesuffix(".md")] = text.readline().strip("# \n")
    return dict(sorted(titles.items()))


def closest_rule_id(name: str) -> str | None:
    """Return the id that is most like a name, or None if none is near."""
    return nearest_name(name, rule_docs()) or None
