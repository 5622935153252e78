"""How a check is told to the validator: an id, a severity, and one function that finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from kanister_kafka.diagnostics import Location, Severity
from kanister_kafka.kanister import Blueprint
from kanister_kafka.kanister.function_types import NEWEST
from kanister_kafka.yamldoc import Document


@dataclass(frozen=True, slots=True)
class LintSettings:
    """What the checks hold a Blueprint against."""

    kasten: bool | None = None
    """Whether Kasten's rules hold; None where that follows from what stands beside it."""
    kasten_namespace: str = "kasten-io"
    gitops: str = ""
    """What brings the Blueprints to the cluster; `flux` or nothing."""
    release: str = NEWEST
    """Of Kanister, as `parse_release` returns it."""


class Finding(NamedTuple):
    """What one check found."""

    location: Location
    path: str
    """Field path, as `actions.backup.phases[0].args.pod`."""
    message: str


RuleFunction = Callable[[Blueprint, LintSettings], Iterator[Finding]]


class BlueprintRule(NamedTuple):
    """A check of one Blueprint."""

    id: str
    severity: Severity
    find: RuleFunction


BLUEPRINT_RULES: dict[str, BlueprintRule] = {}
"""By id; filled by the modules of this package as they are imported."""


def blueprint_rule(
    name: str, severity: Severity = Severity.ERROR
) -> Callable[[RuleFunction], RuleFunction]:
    """Register a function as the check of this id."""

    def register(find: RuleFunction) -> RuleFunction:
        BLUEPRINT_RULES[name] = BlueprintRule(name, severity, find)
        return find

    return register


@dataclass(frozen=True, slots=True, eq=False)
class ManifestSet:
    """The whole input of one run; compared by identity, as it is large."""

    documents: tuple[Document, ...]
    blueprints: tuple[Blueprint, ...]


ManifestSetRuleFunction = Callable[[ManifestSet, LintSettings], Iterator[Finding]]


class ManifestSetRule(NamedTuple):
    """A check of the whole input: of what its objects say about each other."""

    id: str
    severity: Severity
    find: ManifestSetRuleFunction


MANIFEST_SET_RULES: dict[str, ManifestSetRule] = {}
"""By id; filled by the modules of this package as they are imported."""


def manifest_set_rule(
    name: str, severity: Severity = Severity.ERROR
) -> Callable[[ManifestSetRuleFunction], ManifestSetRuleFunction]:
    """Register a function as the check of this id for the whole input."""

    def register(find: ManifestSetRuleFunction) -> ManifestSetRuleFunction:
        MANIFEST_SET_RULES[name] = ManifestSetRule(name, severity, find)
        return find

    return register
