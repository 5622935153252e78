"""CronJobs that were rendered here, and the Blueprints that their arguments name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kanister_kafka.diagnostics import Diagnostics
from kanister_kafka.linter.kasten.cursor import Cursor
from kanister_kafka.linter.own_objects import is_rendered_here
from kanister_kafka.linter.registry import MANIFEST_SET, LintSettings, ManifestSet, Rule, lint_rule
from kanister_kafka.yamldoc import Document

NAME, NAMESPACE = "--blueprint=", "--kasten-namespace="
"""Arguments of the command in a CronJob, as `render` writes them."""


class _NamedBlueprint(NamedTuple):
    argument: Cursor
    name: str
    namespace: str
    """Empty if another argument does not have it."""


@lint_rule(MANIFEST_SET, "cronjob-blueprint")
def cronjob_blueprint(rule: Rule, manifests: ManifestSet, _settings: LintSettings) -> Diagnostics:
    """Find a CronJob that names no Blueprint of the input, if that has other rendered Blueprints.

    Kustomize renames a Blueprint, and moves it to another namespace, and leaves the argument.
    """
    here = [(one.name, one.namespace) for one in manifests.blueprints if _is_ours(one.document)]
    for document in manifests.documents if here else ():
        if document.kind != "CronJob" or not is_rendered_here(document):
            continue
        for named in _named_blueprints(document):
            wanted = {named.namespace, ""} if named.namespace else {place for _name, place in here}
            if any(name == named.name and place in wanted for name, place in here):
                continue
            shown = f"{named.namespace}/{named.name}" if named.namespace else named.name
            listed = ", ".join(sorted(f"{place}/{name}".lstrip("/") for name, place in here))
            message = (
                f'Invalid value: "{named.argument.text}": no Blueprint {shown} in the input, which '
                f"has {listed}; each run would fail. Kustomize renames no argument: leave out "
                "namePrefix, nameSuffix and the other namespace, or render without --schedule"
            )
            yield rule.report(named.argument.location, named.argument.path, message)


def _is_ours(document: Document) -> bool:
    return bool(document.text("metadata", "name")) and is_rendered_here(document)


def _named_blueprints(document: Document) -> Iterator[_NamedBlueprint]:
    pod = Cursor.of(document).at("spec", "jobTemplate", "spec", "template", "spec")
    for container in pod.at("containers").each():
        words = list(container.at("args").each())
        places = [word.text.removeprefix(NAMESPACE) for word in words if _has(word, NAMESPACE)]
        for word in words:
            if name := word.text.removeprefix(NAME) if _has(word, NAME) else "":
                yield _NamedBlueprint(word, name, places[-1] if places else "")


def _has(word: Cursor, option: str) -> bool:
    return word.text.startswith(option)
