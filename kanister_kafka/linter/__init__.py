"""What is wrong with a Blueprint beyond its text: one function a check, registered by id.

A module of checks that few inputs need is imported for these alone: to import all of them takes
longer than to validate a small Blueprint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kanister_kafka.diagnostics import Diagnostic, Severity
from kanister_kafka.kanister import Blueprint, validate_schema
from kanister_kafka.linter.registry import (
    BLUEPRINT_RULES,
    MANIFEST_SET_RULES,
    BlueprintRule,
    Finding,
    LintSettings,
    ManifestSet,
    ManifestSetRule,
)
from kanister_kafka.linter.rules import (
    arguments,  # noqa: F401 - they register
    blueprint_sets,  # noqa: F401 - they register
    functions,  # noqa: F401 - they register
    gitops,  # noqa: F401 - they register
    inputs,  # noqa: F401 - they register
    kando,  # noqa: F401 - they register
    phases,  # noqa: F401 - they register
    pods,  # noqa: F401 - they register
    reserved,  # noqa: F401 - they register
    scripts,
    workloads,  # noqa: F401 - they register
)
from kanister_kafka.yamldoc import Document

__all__ = [
    "BlueprintRule",
    "Finding",
    "LintSettings",
    "ManifestSet",
    "ManifestSetRule",
    "all_checks",
    "all_checks_together",
    "check_blueprint",
    "check_input",
    "read_ahead",
]
OF_KASTEN = frozenset(
    ("BlueprintBinding", "Policy", "TransformSet", "BackupAction", "ExportAction", "RestoreAction")
)
GROUPS_OF_KASTEN = "kio.kasten.io"
"""Kinds, and the end of the groups, of what may bring Kasten's rules (kasten.identity)."""


def read_ahead(blueprints: Sequence[Blueprint]) -> None:
    """Do at once for several Blueprints what takes much longer for each; nothing is told yet."""
    if len(blueprints) > 1:
        scripts.read_ahead(blueprints)


def check_blueprint(
    blueprint: Blueprint, settings: LintSettings, least: Severity = Severity.INFO
) -> Iterator[Diagnostic]:
    """Yield all that is wrong with one Blueprint and as bad as `least`."""
    yield from validate_schema(blueprint.document.root)
    if blueprint.templates:
        _templates()
    if any(phase.func in ("Wait", "WaitV2") for phase in blueprint.phases):
        _waits()
    for check in tuple(BLUEPRINT_RULES.values()):
        if not check.severity.reaches(least):
            continue
        for found in check.find(blueprint, settings):
            yield Diagnostic(check.id, check.severity, found.location, found.path, found.message)


def check_input(
    together: ManifestSet, settings: LintSettings, least: Severity = Severity.INFO
) -> Iterator[Diagnostic]:
    """Yield what is wrong with the objects of one run as they stand side by side."""
    documents = together.documents
    if any(document.kind == "ActionSet" for document in documents):
        _action_sets()
    if settings.kasten or any(map(_may_be_of_kasten, documents)):
        _kasten()
    for check in tuple(MANIFEST_SET_RULES.values()):
        if not check.severity.reaches(least):
            continue
        for found in check.find(together, settings):
            yield Diagnostic(check.id, check.severity, found.location, found.path, found.message)


def _may_be_of_kasten(document: Document) -> bool:
    return document.kind in OF_KASTEN or GROUPS_OF_KASTEN in document.text("apiVersion")


def all_checks() -> dict[str, BlueprintRule]:
    """Return all checks of one Blueprint, by id."""
    _templates()
    _waits()
    return BLUEPRINT_RULES


def all_checks_together() -> dict[str, ManifestSetRule]:
    """Return all checks of a whole input, by id."""
    _action_sets()
    _kasten()
    return MANIFEST_SET_RULES


def _templates() -> None:
    from kanister_kafka.linter.rules import templates  # noqa: F401 - as above


def _waits() -> None:
    from kanister_kafka.linter.rules import waits  # noqa: F401


def _action_sets() -> None:
    from kanister_kafka.linter.rules import actionsets  # noqa: F401


def _kasten() -> None:
    from kanister_kafka.linter.rules import kasten  # noqa: F401
