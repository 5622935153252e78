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

from kanister_kafka.backup.options import (
    FORMER_STEPS,
    HOLD,
    NEVER,
    NONE,
    NOW,
    PLATFORM,
    POLICY_OPTIONS,
    STEPS,
    Options,
    StepTimeouts,
)
from kanister_kafka.diagnostics import error
from kanister_kafka.durations import DURATION, parse_duration
from kanister_kafka.kasten.schemas import FREQUENCIES
from kanister_kafka.kube.pod_options import Pairs
from kanister_kafka.similarity import nearest_name
from kanister_kafka.strimzi.cursor import FieldCursor, quote_name
from kanister_kafka.strimzi.versions import VERSION
from kanister_kafka.yamldoc import Scalar

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
"""JSON Schema of the fields of such files other than the options of how a Kafka is read."""
NAMES = {"limits": "timeouts", "pod_limits": "limits"}
"""Name of a field of `Options` if the command calls it otherwise."""
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
class OptionType:
    """How the values of an option are read, and the JSON Schema that they fit."""

    read: Callable[[FieldCursor, Any], Any]
    """From a place that is set, and the value that an override goes before."""
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OptionField:
    """One option as a file has it."""

    name: str
    """In the file, such as `quiesceBy`."""
    attribute: str
    """Of `Options`."""
    kind: OptionType


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedOptions:
    """Options, and where in the input each of them was set."""

    options: Options = field(default_factory=Options)
    places: Mapping[str, FieldCursor] = field(default_factory=dict)
    """By name; what is not set anywhere has none."""

    def check(self, top: FieldCursor) -> bool:
        """Report conflicts between the options; return whether there are none.

        It is reported where the option was set, or `top` if it was not.
        """
        problems = self.options.problems()
        for problem in problems:
            cursor = self.places.get(_camel(PLURALS.get(problem.path, problem.path)), top)
            cursor.error(problem.rule, problem.message + self._for(cursor, top))
        return not problems

    def _for(self, cursor: FieldCursor, top: FieldCursor) -> str:
        """Return which mapping makes an option of the defaults wrong; nothing if it is in it."""
        if not top.path or cursor is top or _is_below(cursor, top):
            return ""
        values = {name: at.node for name, at in self.places.items() if _is_below(at, top)}
        texts = {name: node.text for name, node in values.items() if isinstance(node, Scalar)}
        settings = ", ".join(f"{name}: {text}" for name, text in texts.items())
        return f" (for {top.path} at line {top.location.line}{settings and f', with {settings}'})"


def parse_options(
    top: FieldCursor, defaults: ParsedOptions | None = None, *, others: Collection[str] = ()
) -> ParsedOptions:
    """Read options from a mapping; what is wrong with it is reported at its place.

    An option that the mapping does not set is as in `defaults`; labels, annotations and timeouts
    are taken over one by one. `others` are names that the caller reads: any further one is
    reported.
    """
    before = defaults or ParsedOptions()
    settings = {setting.name: setting for setting in option_fields()}
    reject_unknown_keys(top, [*settings, *others])
    places = {name: top.at(name) for name in settings}
    places = {name: cursor for name, cursor in places.items() if cursor.present}
    changed = {}
    for name, cursor in places.items():
        attribute, kind = settings[name].attribute, settings[name].kind
        changed[attribute] = kind.read(cursor, getattr(before.options, attribute))
    return ParsedOptions(
        options=replace(before.options, **changed), places={**before.places, **places}
    )


def reject_unknown_keys(top: FieldCursor, keys: Collection[str], noun: str = "field") -> None:
    """Report each key of a mapping that is not one of `keys`."""
    for key, location in top.entries().items():
        if key not in keys:
            message = f"unknown {noun}{_hint(key, keys)}"
            top.problems.append(error("unknown-field", location, top.at(key).path, message))


def json_schema_properties(
    help_texts: Mapping[str, str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each option, by name; `help_texts` has what some are for."""
    words = {name: {"description": text} for name, text in (help_texts or {}).items()}
    return {
        option.name: {**words.get(option.name, {}), **option.kind.schema}
        for option in option_fields()
    }


@cache
def option_fields() -> tuple[OptionField, ...]:
    """Return all options that a file may set, in the order of `Options`."""
    hints = get_type_hints(Options)
    names = (option.name for option in fields(Options) if option.name not in POLICY_OPTIONS)
    return tuple(
        OptionField(_camel(NAMES.get(name, name)), name, KINDS.get(name) or _kind(hints[name]))
        for name in names
    )


def _is_below(cursor: FieldCursor, top: FieldCursor) -> bool:
    return cursor.path.startswith((f"{top.path}.", f"{top.path}["))


def _kind(hint: Any) -> OptionType:
    """Return how a type is read if the name of the option decides no more."""
    if hint is str:
        return OptionType(FieldCursor.string, {"type": "string"})
    if hint is int:
        return OptionType(FieldCursor.integer, {"type": "integer", "minimum": 0})
    if hint is bool:
        return OptionType(lambda cursor, _before: cursor.boolean(), {"type": "boolean"})
    for choices in get_args(hint) or (hint,):
        if isinstance(choices, type) and issubclass(choices, enum.Enum):
            return _choice_list(choices) if get_origin(hint) is tuple else _single_choice(choices)
    raise TypeError(f"no option of a file is a {hint}")


def _single_choice(choices: type[enum.Enum]) -> OptionType:
    values = [choice.value for choice in choices]

    def read(cursor: FieldCursor, before: enum.Enum) -> enum.Enum:
        value = cursor.choice(values)
        return choices(value) if value else before

    return OptionType(read, {"enum": values})


def _choice_list(choices: type[enum.Enum]) -> OptionType:
    values = [choice.value for choice in choices]

    def read(cursor: FieldCursor, _before: object) -> tuple[enum.Enum, ...]:
        chosen = {item.choice(values) for item in cursor.each()}
        return tuple(choice for choice in choices if choice.value in chosen)

    return OptionType(read, {"type": "array", "items": {"enum": values}, "uniqueItems": True})


def _duration(*, never: bool) -> OptionType:
    also = f" or {NEVER}" if never else ""

    def read(cursor: FieldCursor, before: int) -> int:
        text = cursor.string()
        if never and text == NEVER:
            return 0
        seconds = parse_duration(text)
        if seconds is None and text:
            cursor.error(
                "wrong-type",
                f"Invalid value: {quote_name(text)}: must be a duration such as 90s or 1m30s{also}",
            )
        return before if seconds is None else seconds

    pattern = f"{DURATION.pattern}|{NEVER}" if never else DURATION.pattern
    return OptionType(read, {"type": "string", "pattern": f"^({pattern})$", "minLength": 2})


def _texts(cursor: FieldCursor, _before: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for item in cursor.each() if (text := item.string())))


def _user(cursor: FieldCursor, before: int | None) -> int | None:
    if cursor.is_text(PLATFORM):
        return None
    return cursor.integer(before or 0)


def _pairs(cursor: FieldCursor, before: Pairs) -> Pairs:
    own = {key: cursor.at(key) for key in cursor.entries()}
    texts = {key: at.string() for key, at in own.items() if at.present}
    return tuple({**dict(before), **texts}.items())


def _pairs_or_none(cursor: FieldCursor, before: Pairs) -> Pairs:
    return () if cursor.is_text(NONE) else _pairs(cursor, before)


def _timeouts(cursor: FieldCursor, before: StepTimeouts) -> StepTimeouts:
    former = [step for step in FORMER_STEPS if cursor.at(step).present]
    known = former + [*STEPS]
    reject_unknown_keys(cursor, known, "step")
    for step in former:
        cursor.at(step).warn("option", f"deprecated: write {FORMER_STEPS[step]}")
    own = {step: cursor.at(step) for step in known}
    changed = {}
    for step, at in own.items():
        if at.present:
            name = STEPS[FORMER_STEPS.get(step, step)]
            changed[name] = WAIT.read(at, getattr(before, name))
    return replace(before, **changed)


WAIT = _duration(never=False)
TEXTS = OptionType(_pairs, {"type": "object", "additionalProperties": {"type": "string"}})
NAMED = OptionType(
    _texts, {"type": "array", "items": {"type": "string", "pattern": "^[A-Za-z0-9]+/[^/]+/[^/]+$"}}
)
ADDITIVE_PAIRS = OptionType(_pairs_or_none, {"anyOf": [TEXTS.schema, {"const": NONE}]})
AMOUNTS = OptionType(lambda cursor, _before: _pairs_or_none(cursor, ()), ADDITIVE_PAIRS.schema)
LIST = OptionType(_texts, {"type": "array", "items": {"type": "string"}})
KINDS = {
    "writers": NAMED,
    "not_writers": NAMED,
    "pod_labels": ADDITIVE_PAIRS,
    "pod_annotations": ADDITIVE_PAIRS,
    "image_pull_secrets": LIST,
    "tolerations": LIST,
    "node_selector": TEXTS,
    "requests": AMOUNTS,
    "pod_limits": AMOUNTS,
    "frequency": OptionType(FieldCursor.string, {"enum": list(FREQUENCIES)}),
    "run_as_user": OptionType(
        _user, {"anyOf": [{"type": "integer", "minimum": 0}, {"const": PLATFORM}]}
    ),
    "labels": TEXTS,
    "annotations": TEXTS,
    "restart_after": _duration(never=True),
    "hook_timeout": WAIT,
    "restored_retention": OptionType(
        FieldCursor.string, {"type": "string", "pattern": f"^({DURATION.pattern}|{HOLD}|{NOW})$"}
    ),
    "limits": OptionType(
        _timeouts,
        {
            "type": "object",
            "properties": dict.fromkeys(STEPS | FORMER_STEPS, WAIT.schema),
            "additionalProperties": False,
        },
    ),
}
"""By field of `Options`, if its type does not define how it is written."""


def _camel(name: str) -> str:
    first, *words = name.replace("-", "_").split("_")
    return first + "".join(word.capitalize() for word in words)


def _hint(key: str, keys: Collection[str]) -> str:
    near = nearest_name(key, keys)
    return f'; did you mean "{near}"?' if near else f"; known: {', '.join(keys)}"
