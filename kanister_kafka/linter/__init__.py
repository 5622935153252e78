"""The rules for Blueprints and for the objects beside them.

A module of rules that few inputs need is imported for these alone: to import all of them takes
longer than to validate a small Blueprint.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from kanister_kafka.diagnostics import Diagnostics, Severity
from kanister_kafka.kanister import Blueprint, validate_schema
from kanister_kafka.linter.registry import (
    BLUEPRINT,
    KASTEN,
    MANIFEST_SET,
    RULES,
    LintSettings,
    ManifestSet,
    Rule,
    Scope,
    Subject,
)
from kanister_kafka.linter.rules import scripts
from kanister_kafka.yamldoc import Document

__all__ = [
    "BLUEPRINT",
    "KASTEN",
    "MANIFEST_SET",
    "LintSettings",
    "ManifestSet",
    "Rule",
    "all_rules",
    "check_blueprint",
    "check_manifest_set",
    "read_ahead",
]
ALWAYS = (
    "arguments", "blueprint_sets", "functions", "gitops", "inputs", "kando", "phases", "pods",
    "reserved", "scripts", "workloads",
)  # fmt: skip
"""Modules of rules that every input needs. The others are imported by what is in the input."""
KASTEN_KINDS = frozenset(
    ("BlueprintBinding", "Policy", "TransformSet", "BackupAction", "ExportAction", "RestoreAction")
)
KASTEN_GROUPS = "kio.kasten.io"
"""End of the API groups of Kasten."""


def _import_rules(*modules: str) -> None:
    for module in modules:
        import_module(f"{__name__}.rules.{module}")


_import_rules(*ALWAYS)


def read_ahead(blueprints: Sequence[Blueprint]) -> None:
    """Do at once for several Blueprints what takes much longer for each; nothing is reported."""
    if len(blueprints) > 1:
        scripts.read_ahead(blueprints)


def check_blueprint(
    blueprint: Blueprint, settings: LintSettings, least: Severity = Severity.INFO
) -> Diagnostics:
    """Check one Blueprint with its schema and all rules that reach the severity `least`."""
    yield from validate_schema(blueprint.document.root)
    if blueprint.templates:
        _import_rules("templates")
    if any(phase.func in ("Wait", "WaitV2") for phase in blueprint.phases):
        _import_rules("waits")
    yield from _run(BLUEPRINT, blueprint, settings, least)


def check_manifest_set(
    manifests: ManifestSet, settings: LintSettings, least: Severity = Severity.INFO
) -> Diagnostics:
    """Check how the objects of one run refer to each other."""
    documents = manifests.documents
    if any(document.kind == "ActionSet" for document in documents):
        _import_rules("actionsets")
    yield from _run(MANIFEST_SET, manifests, settings, least)
    if settings.kasten or any(map(_may_be_of_kasten, documents)):
        _import_rules("kasten")
        if manifests.kasten.rules_apply(settings):
            yield from _run(KASTEN, manifests.kasten, settings, least)


def _run(
    scope: Scope[Subject], subject: Subject, settings: LintSettings, least: Severity
) -> Diagnostics:
    for rule in tuple(RULES):
        if rule.scope is scope and rule.reaches(least):
            yield from rule.check(rule, subject, settings)


def _may_be_of_kasten(document: Document) -> bool:
    return document.kind in KASTEN_KINDS or KASTEN_GROUPS in document.text("apiVersion")


def all_rules() -> tuple[Rule, ...]:
    """Return every rule, those that few inputs need included."""
    _import_rules("actionsets", "kasten", "templates", "waits")
    return tuple(RULES)
