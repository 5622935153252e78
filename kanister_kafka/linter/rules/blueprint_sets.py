"""Objects of one run about a Blueprint: a second one, and the objects that it is bound to."""

from __future__ import annotations

from pathlib import PurePath

from kanister_kafka.diagnostics import Diagnostics, Location, Severity
from kanister_kafka.kanister import Blueprint
from kanister_kafka.kanister.blueprint import OBJECT_KINDS
from kanister_kafka.linter.registry import MANIFEST_SET, LintSettings, ManifestSet, Rule, lint_rule
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


@lint_rule(
    MANIFEST_SET,
    {"duplicate-blueprint": Severity.ERROR, "repeated-blueprint": Severity.WARNING},
)
def duplicate_blueprint(rule: Rule, manifests: ManifestSet, _settings: LintSettings) -> Diagnostics:
    """Find two Blueprints of one name in one file: only the one that is applied last is left.

    It is a warning if they are in two files of a folder, or if one of them has no namespace of its
    own. In another folder there may be the Blueprint of another cluster.
    """
    seen: dict[tuple[PurePath, str], list[Blueprint]] = {}
    for blueprint in manifests.blueprints:
        root = blueprint.document.root
        known = seen.setdefault((PurePath(root.location.source).parent, blueprint.name), [])
        for first in known if blueprint.name else ():
            other = first.document.root
            is_same = first.namespace == blueprint.namespace
            if not (is_same or "" in (first.namespace, blueprint.namespace)):
                continue
            if to_python(other) == to_python(root):
                break  # read twice
            message = (
                f'Duplicate value: "{blueprint.name}": {other.location.source}:'
                f"{other.location.line} has a Blueprint of this name; of the two only the one "
                "that is applied last is left"
            )
            in_one_file = is_same and root.location.source == other.location.source
            rule_id = "duplicate-blueprint" if in_one_file else "repeated-blueprint"
            yield rule.report(_name_of(blueprint), "metadata.name", message, rule_id)
            break
        known.append(blueprint)


def _name_of(blueprint: Blueprint) -> Location:
    metadata = blueprint.document.root.get("metadata")
    found = metadata.get("name") if isinstance(metadata, MappingNode) else None
    return found.location if found else blueprint.document.root.location


@lint_rule(MANIFEST_SET, "object-kind")
def bound_object(rule: Rule, manifests: ManifestSet, settings: LintSettings) -> Diagnostics:
    """Find parameters that are nil for an object which names the Blueprint in its annotation.

    A Policy in the input may call the same actions, with the namespace for their object.
    """
    if settings.kasten is False or any(d.kind == "Policy" for d in manifests.documents):
        return
    for blueprint in manifests.blueprints:
        bound = [d for d in manifests.documents if _names(d, blueprint)]
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
                        yield finding_at(rule, template, reference.steps[0], message)


def _names(document: Document, blueprint: Blueprint) -> bool:
    name = document.text("metadata", "annotations", ANNOTATION)
    return bool(name) and name == blueprint.name and document.kind not in UNHEEDED
