"""Options from a mapping of a YAML file: the one table of their names there, and of their types.

The names are those of the command in camel case (`--quiesce-by` is `quiesceBy`), made from the
fields of `Options`: a new field is an option of every kind of file at once.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from kanister_kafka.kasten.periods import FREQUENCIES
from kanister_kafka.options import (
    DURATION,
    HOLD,
    NEVER,
    NONE,
    NOW,
    OF_POLICY,
    PLATFORM,
    Limits,
    Options,
    parse_duration,
)
from kanister_kafka.problem import error
from kanister_kafka.strimzi.fields import Field, shown
from kanister_kafka.strimzi.versions import VERSION

API_VERSION = "kanister-kafka.io/v1alpha1"
"""Of every kind of file with options."""
READING: dict[str, dict[str, Any]] = {
    "namespace": {"type": "string", "description": "Namespace of objects that name none."},
    "strimziVersion": {
        "type": "string",
        "pattern": f"^{VERSION}$",
        "description": "Version of the operator; without it the steps find out when they run.",
    },
}
"""JSON Schema of what such files say besides the options of how a Kafka is read."""
NAMES = {"limits": "timeouts", "pod_limits": "limits"}
"""Name of a field of `Options` where the command calls it otherwise."""
PLURALS = {
    "label": "labels",
    "annotation": "annotations",
    "writer": "writers",
    "not-a-writer": "not-writers",
    "pod-label": "pod-labels",
    "pod-annotation": "pod-annotations",
    "image-pull-secret": "image-pull-secrets",
    "toleration": "tolerations",
}
"""Option of the command that is given once for each item of a field."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How the values of an option are read, and the JSON Schema that they fit."""

    read: Callable[[Field, Any], Any]
    """From a place that is set, and the value that an override goes before."""
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """One option as a file has it."""

    name: str
    """In the file, such as `quiesceBy`."""
    attribute: str
    """Of `Options`."""
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Options, and where in the input each of them was set."""

    options: Options = field(default_factory=Options)
    places: Mapping[str, Field] = field(default_factory=dict)
    """By name; what is not set anywhere has none."""

    def check(self, here: Field) -> bool:
        """Report what is wrong with the options as they go together; tell whether nothing is.

        It is reported where the option was set, or `here` where it was not.
        """
        found = self.options.problems()
        for problem in found:
            place = self.places.get(_camel(PLURALS.get(problem.path, problem.path)), here)
            place.error(problem.check, problem.message)
        return not found


def choices(
    top: Field, defaults: Choices | None = None, *, others: Collection[str] = ()
) -> Choices:
    """Read options from a mapping; what is wrong with it is reported at its place.

    What the mapping does not set is as in `defaults`; labels, annotations and timeouts are taken
    over one by one. `others` are names that the caller reads: any further one is reported.
    """
    before = defaults or Choices()
    settings = {setting.name: setting for setting in table()}
    refuse_others(top, (*settings, *others))
    places = {name: top.at(name) for name in settings}
    places = {name: place for name, place in places.items() if place.present}
    changed = {}
    for name, place in places.items():
        attribute, kind = settings[name].attribute, settings[name].kind
        changed[attribute] = kind.read(place, getattr(before.options, attribute))
    return Choices(options=replace(before.options, **changed), places={**before.places, **places})


def refuse_others(top: Field, known: Collection[str], noun: str = "field") -> None:
    """Report each key of a mapping that is none of the known ones."""
    for key, location in top.entries().items():
        if key not in known:
            told = f"unknown {noun}{_hint(key, known)}"
            top.problems.append(error("unknown-field", location, top.at(key).path, told))


def properties(told: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each option, by name; `told` has what some are for."""
    words = {name: {"description": text} for name, text in (told or {}).items()}
    return {one.name: {**words.get(one.name, {}), **one.kind.schema} for one in table()}


@cache
def table() -> tuple[Setting, ...]:
    """Return all options that a file may set, in the order of `Options`."""
    hints = get_type_hints(Options)
    return tuple(
        Setting(
            _camel(NAMES.get(one.name, one.name)),
            one.name,
            KINDS.get(one.name) or _kind(hints[one.name]),
        )
        for one in fields(Options)
        if one.name not in OF_POLICY
    )


def _kind(hint: Any) -> Kind:
    """Return how a type is read where the name of the option says no more."""
    if hint is str:
        return Kind(Field.string, {"type": "string"})
    if hint is bool:
        return Kind(lambda place, _before: place.boolean(), {"type": "boolean"})
    for choices in get_args(hint) or (hint,):
        if isinstance(choices, type) and issubclass(choices, enum.Enum):
            return _some_of(choices) if get_origin(hint) is tuple else _one_of(choices)
    raise TypeError(f"no option of a file is a {hint}")


def _one_of(choices: type[enum.Enum]) -> Kind:
    values = [choice.value for choice in choices]

    def read(place: Field, before: enum.Enum) -> enum.Enum:
        value = place.choice(values)
        return choices(value) if value else before

    return Kind(read, {"enum": values})


def _some_of(choices: type[enum.Enum]) -> Kind:
    values = [choice.value for choice in choices]

    def read(place: Field, _before: object) -> tuple[enum.Enum, ...]:
        chosen = {item.choice(values) for item in place.each()}
        return tuple(choice for choice in choices if choice.value in chosen)

    return Kind(read, {"type": "array", "items": {"enum": values}, "uniqueItems": True})


def _duration(*, never: bool) -> Kind:
    also = f" or {NEVER}" if never else ""

    def read(place: Field, before: int) -> int:
        text = place.string()
        if never and text == NEVER:
            return 0
        seconds = parse_duration(text)
        if seconds is None and text:
            place.error(
                "wrong-type",
                f"Invalid value: {shown(text)}: must be a duration such as 90s or 1m30s{also}",
            )
        return before if seconds is None else seconds

    pattern = f"{DURATION.pattern}|{NEVER}" if never else DURATION.pattern
    return Kind(read, {"type": "string", "pattern": f"^({pattern})$", "minLength": 2})


def _texts(place: Field, _before: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for item in place.each() if (text := item.string())))


def _user(place: Field, before: int | None) -> int | None:
    if place.is_text(PLATFORM):
        return None
    return place.integer(before or 0)


def _pairs(place: Field, before: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    own = {key: place.at(key) for key in place.entries()}
    texts = {key: at.string() for key, at in own.items() if at.present}
    return tuple({**dict(before), **texts}.items())


def _borne(place: Field, before: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return () if place.is_text(NONE) else _pairs(place, before)


def _timeouts(place: Field, before: Limits) -> Limits:
    steps = [one.name for one in fields(Limits)]
    refuse_others(place, steps, "step")
    own = {step: place.at(step) for step in steps}
    changed = {step: WAIT.read(at, getattr(before, step)) for step, at in own.items() if at.present}
    return replace(before, **changed)


WAIT = _duration(never=False)
TEXTS = Kind(_pairs, {"type": "object", "additionalProperties": {"type": "string"}})
NAMED = Kind(
    _texts,
    {"type": "array", "items": {"type": "string", "pattern": "^[A-Za-z0-9]+/[^/]+/[^/]+$"}},
)
BORNE = Kind(_borne, {"anyOf": [TEXTS.schema, {"const": NONE}]})
AMOUNTS = Kind(lambda place, _before: _borne(place, ()), BORNE.schema)
LIST = Kind(_texts, {"type": "array", "items": {"type": "string"}})
KINDS = {
    "writers": NAMED,
    "not_writers": NAMED,
    "pod_labels": BORNE,
    "pod_annotations": BORNE,
    "image_pull_secrets": LIST,
    "tolerations": LIST,
    "node_selector": TEXTS,
    "requests": AMOUNTS,
    "pod_limits": AMOUNTS,
    "frequency": Kind(Field.string, {"enum": list(FREQUENCIES)}),
    "run_as_user": Kind(_user, {"anyOf": [{"type": "integer", "minimum": 0}, {"const": PLATFORM}]}),
    "labels": TEXTS,
    "annotations": TEXTS,
    "restart_after": _duration(never=True),
    "hook_timeout": WAIT,
    "restored_retention": Kind(
        Field.string, {"type": "string", "pattern": f"^({DURATION.pattern}|{HOLD}|{NOW})$"}
    ),
    "limits": Kind(
        _timeouts,
        {
            "type": "object",
            "properties": {one.name: WAIT.schema for one in fields(Limits)},
            "additionalProperties": False,
        },
    ),
}
"""By field of `Options`, where its type does not say how it is spelled."""


def _camel(name: str) -> str:
    first, *rest = name.replace("-", "_").split("_")
    return first + "".join(word.capitalize() for word in rest)


def _hint(key: str, known: Collection[str]) -> str:
    from difflib import get_close_matches  # slow to import, seldom needed

    near = get_close_matches(key, known, n=1)
    return f'; did you mean "{near[0]}"?' if near else f"; known: {', '.join(known)}"
