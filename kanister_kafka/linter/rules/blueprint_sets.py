"""What the objects of one run say about a Blueprint: a second one, and what it is bound to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import PurePath

from kanister_kafka.diagnostics import Location, Severity
from kanister_kafka.kanister import Blueprint
from kanister_kafka.kanister.object_kinds import OBJECT_KINDS
from kanister_kafka.linter.registry import Finding, LintSettings, ManifestSet, manifest_set_rule
from kanister_kafka.linter.rules.phases import finding_at
from kanister_kafka.yamldoc import Document, MappingNode, to_python

ANNOTATION = "kanister.kasten.io/blueprint"
BOUND = (
    "backup",
    "backupPosthook",
    "backupPrehook",
    "restore",
    "restorePosthook",
    "restorePrehook",
)
"""Actions that Kasten runs on the object which names the Blueprint."""
UNHEEDED = ("Pod", "PersistentVolumeClaim", "ReplicaSet")
"""Kinds on which Kasten does not look for the annotation."""


@manifest_set_rule("duplicate-blueprint")
def duplicate_blueprint(together: ManifestSet, _settings: LintSettings) -> Iterator[Finding]:
    """Find two Blueprints of one name in one file: the last one that is applied is left."""
    for is_sure, finding in _doubled(together):
        if is_sure:
            yield finding


@manifest_set_rule("repeated-blueprint", Severity.WARNING)
def repeated_blueprint(together: ManifestSet, _settings: LintSettings) -> Iterator[Finding]:
    """Find the same where it is less sure that both are applied to one namespace.

    They are in two files of a folder, or one of them has no namespace of its own. In another folder
    there may be the Blueprint of another cluster.
    """
    for is_sure, finding in _doubled(together):
        if not is_sure:
            yield finding


@lru_cache(maxsize=1)  # two checks ask
def _doubled(together: ManifestSet) -> tuple[tuple[bool, Finding], ...]:
    return tuple(_doubles(together))


def _doubles(together: ManifestSet) -> Iterator[tuple[bool, Finding]]:
    seen: dict[tuple[PurePath, str], list[Blueprint]] = {}
    for blueprint in together.blueprints:
        root = blueprint.document.root
        known = seen.setdefault((PurePath(root.location.source).parent, blueprint.name), [])
        for first in known if blueprint.name else ():
            other, is_same = first.document.root, first.namespace == blueprint.namespace
            if not (is_same or "" in (first.namespace, blueprint.namespace)):
                continue
            if to_python(other) == to_python(root):
                break  # read twice
            message = (
                f'Duplicate value: "{blueprint.name}": {other.location.source}:'
                f"{other.location.line} has a Blueprint of this name; of the two only the one "
                "that is applied last is left"
            )
            place = _name_of(blueprint)
            is_sure = is_same and root.location.source == other.location.source
            yield is_sure, Finding(place, "metadata.name", message)
            break
        known.append(blueprint)


def _name_of(blueprint: Blueprint) -> Location:
    metadata = blueprint.document.root.get("metadata")
    found = metadata.get("name") if isinstance(metadata, MappingNode) else None
    return found.location if found else blueprint.document.root.location


@manifest_set_rule("object-kind")
def bound_object(together: ManifestSet, settings: LintSettings) -> Iterator[Finding]:
    """Find parameters that are nil for an object which names the Blueprint in its annotation.

    A Policy in the input may call the same actions, with the namespace for their object.
    """
    if settings.kasten is False or any(d.kind == "Policy" for d in together.documents):
        return
    for blueprint in together.blueprints:
        bound = [d for d in together.documents if _names(d, blueprint)]
        for action in blueprint.actions if bound else ():
            if action.name not in BOUND or action.node.get("kind") is not None:
                continue
            for template in action.templates:
                for reference in template.analysis.references:
                    root = reference.names[0]
                    others = [d for d in bound if d.kind != root]
                    if root not in OBJECT_KINDS or len(reference.names) < 2 or not others:
                        continue
                    if not reference.conditional and not template.is_condition:
                        what = f"{others[0].kind} {others[0].text('metadata', 'name')}"
                        line = others[0].root.location.line
                        message = f".{root} is nil: line {line} binds the Blueprint to {what}"
                        yield finding_at(template, reference.steps[0], message)


def _names(document: Document, blueprint: Blueprint) -> bool:
    name = document.text("metadata", "annotations", ANNOTATION)
    return bool(name) and name == blueprint.name and document.kind not in UNHEEDED
