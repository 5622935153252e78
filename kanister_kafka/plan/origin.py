"""What a Blueprint says of its own making: version, options, and a hash of its input.

The hash covers what decides the text of the Blueprint: what was planned for this cluster, and the
options that are not the default. It does not cover where the input was read, the order of its keys,
what a plan says for people only, nor templates of a site: two inputs that ask for the same have the
same hash, such as a file and the live cluster that was made from it.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import shlex
from functools import lru_cache
from typing import Any

from kanister_kafka import marks
from kanister_kafka._version import __version__
from kanister_kafka.options import KastenForm
from kanister_kafka.plan.model import Plan

FOR_PEOPLE = frozenset(
    {"header", "left_alone", "notes", "problems", "purpose", "reason", "rights", "stage", "steps"}
)
"""Fields of a plan that nothing on the cluster follows; rights are there again, as rules."""
DECIDED_ABOVE = frozenset({"cluster", "options"})
"""Fields that have become phases, rules and names, but for what is taken from them by itself."""


def origin(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Return the annotations that a Blueprint bears of its making."""
    words = (*plan.options.words(), *_version_words(plan))
    found = {marks.INPUT_HASH: input_hash(plan), marks.VERSION: __version__}
    return tuple((found | ({marks.OPTIONS: shlex.join(words)} if words else {})).items())


def input_hash(plan: Plan) -> str:
    """Return the hash of what decides what a plan is rendered to."""
    made = _tree(plan)
    if KastenForm.BINDING not in plan.options.kasten:
        del made["bound"]  # no object is made of it
    tree = {
        "cluster": [plan.cluster.namespace, plan.cluster.name],
        "options": plan.options.words(),
        "plan": made,
    }
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _tree(value: Any) -> Any:
    """Return a part of a plan as JSON can spell it."""
    if isinstance(value, (str, int)) and not isinstance(value, enum.Enum):  # most are
        return value
    if isinstance(value, tuple):
        return [_tree(item) for item in value]
    kind: Any = type(value)
    if kept := _kept(kind):
        return {name: _tree(getattr(value, name)) for name in kept}
    return value.value if isinstance(value, enum.Enum) else value


@lru_cache(maxsize=64)
def _kept(kind: type) -> tuple[str, ...]:
    """Return the fields of a part of a plan that count; none for what is no such part."""
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    return tuple(one.name for one in fields if one.name not in FOR_PEOPLE | DECIDED_ABOVE)


def _version_words(plan: Plan) -> tuple[str, ...]:
    version = plan.cluster.operator.stated
    return ("--strimzi-version", version) if version else ()
