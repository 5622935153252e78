"""The registry of rules: what each looks at, under which ids it reports, and how severe that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from kanister_kafka.diagnostics import Diagnostic, Diagnostics, Location, Severity
from kanister_kafka.kanister import Blueprint
from kanister_kafka.kanister.function_types import NEWEST
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
        found = rule_id or next(iter(self.ids))
        return Diagnostic(found, self.ids[found], location, path, message)

    def reaches(self, least: Severity) -> bool:
        """Report whether any diagnostic of this rule can be as severe as `least`."""
        return any(severity.reaches(least) for severity in self.ids.values())


RULES: list[Rule] = []
"""Filled by the modules of `linter/rules/` as they are imported."""


def lint_rule(
    scope: Scope[Subject],
    ids: str | Mapping[str, Severity],
    severity: Severity = Severity.ERROR,
) -> Callable[[RuleFunction[Subject]], RuleFunction[Subject]]:
    """Register a function as a rule; of several ids each has its own severity."""

    def register(check: RuleFunction[Subject]) -> RuleFunction[Subject]:
        RULES.append(Rule({ids: severity} if isinstance(ids, str) else ids, scope, check))
        return check

    return register
