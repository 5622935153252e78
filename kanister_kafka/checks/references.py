"""Where templates name what an action has: shared by the checks of phases and of inputs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from kanister_kafka.blueprint import Action, Blueprint, Template
from kanister_kafka.checks.registry import Finding
from kanister_kafka.gotemplate.analysis import Reference, Step


def references(blueprint: Blueprint, *roots: str) -> Iterator[tuple[Action, Template, Reference]]:
    """Yield what starts at one of these parameters, with where it stands."""
    for action in blueprint.actions:
        for template in action.templates:
            for reference in template.analysis.references:
                if reference.names[0] in roots:
                    yield action, template, reference


def at(template: Template, step: Step, message: str) -> Finding:
    """Make a finding that points at one name of a path."""
    return Finding(template.place(step.line, step.column), template.path, message)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a question after the nearest known name, or what there is."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; there is {', '.join(names)}" if names else ""
