"""What is wrong with a Blueprint beyond its text: one function a check, registered by id.

A module of checks that few inputs need is imported for these alone: to import all of them takes
longer than to validate a small Blueprint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kanister_kafka.blueprint import Blueprint, check_schema
from kanister_kafka.checks import (  # noqa: F401 - they register
    arguments,
    combinations,
    functions,
    gitops,
    images,
    inputs,
    kando,
    keys,
    kubeops,
    phases,
    pipelines,
    pods,
    reserved,
    scaling,
    scripts,
    side_by_side,
    workloads,
)
from kanister_kafka.checks.registry import (
    CHECKS,
    CHECKS_TOGETHER,
    Check,
    CheckTogether,
    Finding,
    Settings,
    Together,
)
from kanister_kafka.document import Document
from kanister_kafka.problem import Problem, Severity

__all__ = [
    "Check",
    "CheckTogether",
    "Finding",
    "Settings",
    "Together",
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
    blueprint: Blueprint, settings: Settings, least: Severity = Severity.INFO
) -> Iterator[Problem]:
    """Yield all that is wrong with one Blueprint and as bad as `least`."""
    yield from check_schema(blueprint.document.root)
    if blueprint.templates:
        _templates()
    if any(phase.func in ("Wait", "WaitV2") for phase in blueprint.phases):
        _waits()
    for check in tuple(CHECKS.values()):
        if not check.severity.reaches(least):
            continue
        for found in check.find(blueprint, settings):
            yield Problem(check.id, check.severity, found.location, found.path, found.message)


def check_input(
    together: Together, settings: Settings, least: Severity = Severity.INFO
) -> Iterator[Problem]:
    """Yield what is wrong with the objects of one run as they stand side by side."""
    documents = together.documents
    if any(document.kind == "ActionSet" for document in documents):
        _action_sets()
    if settings.kasten or any(map(_may_be_of_kasten, documents)):
        _kasten()
    for check in tuple(CHECKS_TOGETHER.values()):
        if not check.severity.reaches(least):
            continue
        for found in check.find(together, settings):
            yield Problem(check.id, check.severity, found.location, found.path, found.message)


def _may_be_of_kasten(document: Document) -> bool:
    return document.kind in OF_KASTEN or GROUPS_OF_KASTEN in document.text("apiVersion")


def all_checks() -> dict[str, Check]:
    """Return all checks of one Blueprint, by id."""
    _templates()
    _waits()
    return CHECKS


def all_checks_together() -> dict[str, CheckTogether]:
    """Return all checks of a whole input, by id."""
    _action_sets()
    _kasten()
    return CHECKS_TOGETHER


def _templates() -> None:
    from kanister_kafka.checks import templates  # noqa: F401 - as above


def _waits() -> None:
    from kanister_kafka.checks import waits  # noqa: F401


def _action_sets() -> None:
    from kanister_kafka.checks import actionsets  # noqa: F401


def _kasten() -> None:
    from kanister_kafka.checks import kasten  # noqa: F401
