"""Where templates name what an action has: shared by the checks of phases and of inputs."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from kanister_kafka.blueprint import Action, Blueprint, Template
from kanister_kafka.checks.registry import Finding

if TYPE_CHECKING:
    from kanister_kafka.gotemplate.analysis import Reference, Step


def references(blueprint: Blueprint, *roots: str) -> Iterator[tuple[Action, Template, Reference]]:
    """Yield what starts at one of these parameters, with where it stands."""
    found = _by_root(blueprint)
    for root in roots:
        yield from found.get(root, ())


@lru_cache(maxsize=1)  # a dozen checks ask, one after the other
def _by_root(blueprint: Blueprint) -> dict[str, list[tuple[Action, Template, Reference]]]:
    found = defaultdict(list)
    for action in blueprint.actions:
        for template in action.templates:
            for reference in template.analysis.references:
                found[reference.steps[0].name].append((action, template, reference))
    return found


def at(template: Template, step: Step, message: str) -> Finding:
    """Make a finding that points at one name of a path."""
    return Finding(template.place(step.line, step.column), template.path, message)


def is_slip(name: str, known: Iterable[str]) -> bool:
    """Tell whether a name is a known one with a slip of the pen: one letter, or two in turn.

    A digit is none: `db1` and `db2` are two names.
    """
    return any(_differs_by_one(name, one) for one in known)


def _differs_by_one(name: str, other: str) -> bool:
    if min(len(name), len(other)) < 3 or name == other:
        return False
    short, long = sorted((name, other), key=len)
    pairs = enumerate(zip(short, long, strict=False))
    start = next((i for i, (a, b) in pairs if a != b), len(short))
    left, right = short[start:], long[start:]
    added = len(left) + 1 == len(right) and left == right[1:]
    changed = len(left) == len(right) and left[1:] == right[1:]
    turned = left[:2] == right[1::-1] and left[2:] == right[2:] and len(left) == len(right)
    digits = any(part[:1].isdigit() for part in (left, right))
    return turned or ((added or changed) and not digits)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a question after the nearest known name, or what there is."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; there is {', '.join(names)}" if names else ""
