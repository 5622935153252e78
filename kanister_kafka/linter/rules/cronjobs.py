"""CronJobs that were rendered here, and the Blueprints that their arguments name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kanister_kafka.diagnostics import Diagnostics
from kanister_kafka.linter.kasten.cursor import Cursor
from kanister_kafka.linter.kasten.rendered import is_rendered_here
from kanister_kafka.linter.registry import MANIFEST_SET, LintSettings, ManifestSet, Rule, lint_rule
from kanister_kafka.yamldoc import Document

NAME, NAMESPACE = "--blueprint=", "--kasten-namespace="
"""Arguments of the command in a CronJob, as `render` writes them."""
VARIABLE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")
"""In a base of Kustomize, which renames the annotation that the variable is read from."""
FIELD = re.compile(r"metadata\.annotations\['([^']+)'\]")


class _NamedBlueprint(NamedTuple):
    argument: Cursor
    name: str
    namespace: str
    """Empty if another argument does not have it."""


@lint_rule(MANIFEST_SET, "cronjob-blueprint")
def cronjob_blueprint(rule: Rule, manifests: ManifestSet, _settings: LintSettings) -> Diagnostics:
    """Find a CronJob that names no Blueprint of the input, if that has other rendered Blueprints.

    Kustomize renames a Blueprint, or moves it to another namespace, and leaves the argument. It
    finds the names of a base that was rendered with --kustomization.
    """
    pairs = [(b.name, b.namespace) for b in manifests.blueprints if _is_ours(b.document)]
    for document in manifests.documents if pairs else ():
        if document.kind != "CronJob" or not is_rendered_here(document):
            continue
        for named in _named_blueprints(document):
            namespaces = (
                {named.namespace, ""}
                if named.namespace
                else {namespace for _name, namespace in pairs}
            )
            if any(name == named.name and namespace in namespaces for name, namespace in pairs):
                continue
            shown = f"{named.namespace}/{named.name}" if named.namespace else named.name
            listed = ", ".join(
                sorted(f"{namespace}/{name}".lstrip("/") for name, namespace in pairs)
            )
            message = (
                f'Invalid value: "{named.argument.text}": no Blueprint {shown} in the input, which '
                f"has {listed}; each run would fail. Kustomize renames no argument: render the "
                "base with --kustomization, and leave the namespace of the Blueprint as it is"
            )
            yield rule.report(named.argument.location, named.argument.path, message)


def _is_ours(document: Document) -> bool:
    return bool(document.text("metadata", "name")) and is_rendered_here(document)


def _named_blueprints(document: Document) -> Iterator[_NamedBlueprint]:
    template = Cursor.of(document).at("spec", "jobTemplate", "spec", "template")
    for container in template.at("spec", "containers").each():
        words = list(container.at("args").each())
        places = [word.text.removeprefix(NAMESPACE) for word in words if _has(word, NAMESPACE)]
        for word in words:
            if not _has(word, NAME):
                continue
            argument, name = word, word.text.removeprefix(NAME)
            if variable := VARIABLE.fullmatch(name):
                argument = _annotation(template, container, variable[1])
                name = argument.text
            if name:
                yield _NamedBlueprint(argument, name, places[-1] if places else "")


def _annotation(template: Cursor, container: Cursor, variable: str) -> Cursor:
    """Return the annotation of the pod that a variable of its container has as its value."""
    annotations = template.at("metadata", "annotations")
    for entry in container.at("env").each():
        path = FIELD.fullmatch(entry.at("valueFrom", "fieldRef", "fieldPath").text)
        if entry.at("name").text == variable and path:
            return annotations.at(path[1])
    return Cursor(None, annotations.path, annotations.location)


def _has(word: Cursor, option: str) -> bool:
    return word.text.startswith(option)
