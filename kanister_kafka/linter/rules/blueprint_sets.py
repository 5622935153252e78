"""Blueprints as a whole: a second one of the name, bound objects, names of actions, GitOps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import PurePath

from kanister_kafka.diagnostics import Diagnostic, Diagnostics, Location, Severity
from kanister_kafka.kanister import Blueprint, BlueprintAction
from kanister_kafka.kanister.blueprint import OBJECT_KINDS
from kanister_kafka.linter.registry import (
    BLUEPRINT,
    MANIFEST_SET,
    LintSettings,
    ManifestSet,
    Rule,
    lint_rule,
)
from kanister_kafka.linter.rules.phases import finding_at
from kanister_kafka.similarity import nearest_name
from kanister_kafka.yamldoc import Document, MappingNode, Node, Scalar, Sequence, to_python

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
    MANIFEST_SET, {"duplicate-blueprint": Severity.ERROR, "repeated-blueprint": Severity.WARNING}
)
def duplicate_blueprint(rule: Rule, manifests: ManifestSet, _settings: LintSettings) -> Diagnostics:
    """Find two Blueprints of one name in one file: only the one that is applied last is left.

    It is a warning if they are in two files of a folder, or if one of them has no namespace of its
    own. In another folder there may be the Blueprint of another cluster.
    """
    by_name: dict[tuple[PurePath, str], list[Blueprint]] = {}
    for blueprint in manifests.blueprints:
        root = blueprint.document.root
        namesakes = by_name.setdefault((PurePath(root.location.source).parent, blueprint.name), [])
        for first in namesakes if blueprint.name else ():
            first_root = first.document.root
            is_same = first.namespace == blueprint.namespace
            if not (is_same or "" in (first.namespace, blueprint.namespace)):
                continue
            if to_python(first_root) == to_python(root):
                break  # read twice
            message = (
                f'Duplicate value: "{blueprint.name}": {first_root.location.source}:'
                f"{first_root.location.line} has a Blueprint of this name; of the two only the one "
                "that is applied last is left"
            )
            in_one_file = is_same and root.location.source == first_root.location.source
            rule_id = "duplicate-blueprint" if in_one_file else "repeated-blueprint"
            yield rule.report(_name_of(blueprint), "metadata.name", message, rule_id)
            break
        namesakes.append(blueprint)


def _name_of(blueprint: Blueprint) -> Location:
    metadata = blueprint.document.root.get("metadata")
    name = metadata.get("name") if isinstance(metadata, MappingNode) else None
    return name.location if name else blueprint.document.root.location


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
                    unfit = [d for d in bound if d.kind != root]
                    if root not in OBJECT_KINDS or len(reference.names) < 2 or not unfit:
                        continue
                    if not reference.conditional and not template.is_condition:
                        what = f"{unfit[0].kind} {unfit[0].text('metadata', 'name')}"
                        line = unfit[0].root.location.line
                        message = f".{root} is nil: line {line} binds the Blueprint to {what}"
                        yield finding_at(rule, template, reference.steps[0], message)


def _names(document: Document, blueprint: Blueprint) -> bool:
    name = document.text("metadata", "annotations", ANNOTATION)
    return bool(name) and name == blueprint.name and document.kind not in UNHEEDED


# Names of actions that Kasten reserves, and names that look like one of them.
#
# docs.kasten.io/9.0.10/kanister/reference/action-names: on a bound object any other name is ignored
# in silence, while an action hook of a Policy may call any name.

TIMEOUTS = {
    "backupPrehook": 20,
    "backup": 45,
    "backupPosthook": 20,
    "restorePrehook": 20,
    "restore": 600,
    "restorePosthook": 20,
    "delete": 45,
}
"""Reserved names, with Kasten's default limit for the whole action in minutes. The page gives none
for restorePrehook, which came with 9.0.10; the limit is taken to be that of the other hooks."""
HOOKS = {
    "backupPrehook": ("backup", "pre", "hook"),
    "backupPosthook": ("backup", "post", "hook"),
    "restorePrehook": ("restore", "pre", "hook"),
    "restorePosthook": ("restore", "post", "hook"),
}
"""Names that mean nothing outside Kasten, in the words that they are remembered by."""
ALIKE = 0.88
"""Ratio of difflib: one letter wrong or two left out of the 13 to 15 of a hook's name."""


@lint_rule(MANIFEST_SET, "near-reserved-action", Severity.WARNING)
def near_reserved_anywhere(
    rule: Rule, manifests: ManifestSet, settings: LintSettings
) -> Diagnostics:
    """Find nearly reserved names of hooks if nothing else shows whether Kasten is there."""
    for action in chain.from_iterable(blueprint.actions for blueprint in manifests.blueprints):
        hook = reserved_like(action.name)
        if hook not in HOOKS:
            continue
        from kanister_kafka.linter.kasten.objects import read_kasten_objects  # slow to import

        if settings.kasten is False or read_kasten_objects(manifests).rules_apply(settings):
            return  # the rules of Kasten report it
        message = (
            f'Invalid value: "{action.name}": Kasten would ignore this name in silence; '
            f'did you mean "{hook}"?'
        )
        yield named(rule, action, message)


def reserved_like(name: str) -> str:
    """Return the reserved name that this one misses by its spelling, or an empty string."""
    if name in TIMEOUTS:
        return ""
    letters = plain(name)
    for reserved in TIMEOUTS:
        if letters in (reserved.casefold(), f"{reserved.casefold()}s"):
            return reserved
    for hook in HOOKS:
        letters_of_hook = hook.casefold()
        # backupPrehook2 is meant to differ
        variant = letters_of_hook in letters or not letters.isalpha()
        if not variant and nearest_name(letters, [letters_of_hook], similarity=ALIKE):
            return hook
    return ""


def plain(name: str) -> str:
    """Return the letters and digits of a name, in lower case."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def named(rule: Rule, action: BlueprintAction, message: str) -> Diagnostic:
    """Make a finding that points at the name of an action."""
    return rule.report(action.entry.location, action.path, message)


# Changes that a tool which applies from Git makes to a Blueprint.

SUBSTITUTE = "kustomize.toolkit.fluxcd.io/substitute"
EXPRESSION = re.compile(r"(?<!\$)\$\{([^}]*)\}")
"""Text that Flux replaces; `$${x}` it leaves as `${x}`."""
KNOWN = re.compile(r"#?[A-Za-z0-9_]+|[A-Za-z0-9_]+(?:[:=,^#%].*|/.*/.*)", re.DOTALL)
"""Text that it can read within the braces (fluxcd/pkg/envsubst/parse): no array of bash, no
`${x-y}`."""
SHOWN = 3


@lint_rule(BLUEPRINT, "flux-substitute", Severity.WARNING)
def substitute(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find shell text that Flux's substitution of variables would change, or break down over."""
    root = blueprint.document.root
    if settings.gitops != "flux" or "disabled" in (
        blueprint.document.text("metadata", "annotations", SUBSTITUTE),
        blueprint.document.text("metadata", "labels", SUBSTITUTE),
    ):
        return
    matches: list[tuple[str, Scalar, re.Match[str]]] = []
    for path, scalar in _scalars(root):
        matches += [(path, scalar, match) for match in _in(scalar)]
    if not matches:
        return
    path, scalar, first = matches[0]
    refused = dict.fromkeys(match[0] for *_, match in matches if not KNOWN.fullmatch(match[1]))
    replaced = dict.fromkeys(match[0] for *_, match in matches if match[0] not in refused)
    parts = [
        f"{does} {_few(list(texts))}"
        for does, texts in (("refuses", refused), ("replaces", replaced))
        if texts
    ]
    yield rule.report(
        scalar.place_at(first.start()),
        path,
        f"where a Kustomization of Flux has postBuild.substitute, it {' and '.join(parts)}: "
        f"annotate the Blueprint with {SUBSTITUTE}: disabled",
    )


def _scalars(node: Node, path: str = "") -> Iterator[tuple[str, Scalar]]:
    if isinstance(node, Scalar):
        yield path, node
    elif isinstance(node, Sequence):
        for i, item in enumerate(node.items):
            yield from _scalars(item, f"{path}[{i}]")
    elif isinstance(node, MappingNode):
        for entry in node.entries:
            yield from _scalars(entry.value, f"{path}.{entry.key}" if path else entry.key)


def _in(scalar: Scalar) -> Iterator[re.Match[str]]:
    return EXPRESSION.finditer(scalar.value) if isinstance(scalar.value, str) else iter(())


def _few(texts: list[str]) -> str:
    suffix = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + suffix
