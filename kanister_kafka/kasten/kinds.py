"""Our own statement of the Kasten kinds that are rendered here; Kasten publishes no schema of them.

What the public pages and the examples on them settle is closed: another name is wrong. What they
leave open is open here as well. The validator and the JSON Schemas are both made from this.
"""

from __future__ import annotations

from collections.abc import Mapping

from kanister_kafka.blueprint.schema import (
    METADATA,
    Anything,
    Fields,
    ListOf,
    MapOf,
    OneOf,
    Text,
    Told,
    Truth,
    Type,
    Whole,
)
from kanister_kafka.kasten.periods import FREQUENCIES, PERIODS

_DOCS = "https://docs.kasten.io/latest"
POLICIES = f"{_DOCS}/api/policies"
PRESETS = f"{_DOCS}/api/policypresets"
BINDINGS = f"{_DOCS}/api/blueprintbindings"
TRANSFORMS = f"{_DOCS}/api/transforms"
TRANSFORM_SETS = f"{_DOCS}/api/transformsets"
HOOKS_PAGE = f"{_DOCS}/kanister/hooks"
SELECTORS = "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/"
CONVENTIONS = "https://kubernetes.io/docs/concepts/overview/working-with-objects/"
REPORTED = "examples in public repositories that run it; no page of the documentation lists it"

CONFIG = "config.kio.kasten.io/v1alpha1"
ACTIONS = "actions.kio.kasten.io/v1alpha1"
MOMENTS = ("preHook", "onSuccess", "onFailure")
OPERATIONS = ("backup", "export", "import", "report", "restore")
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
PATCHES = ("add", "copy", "move", "remove", "replace", "test")


def _named(what: str, source: str) -> Told:
    fields = {
        "name": Told(Text(), "Its name.", source),
        "namespace": Told(Text(), "Its namespace.", source),
    }
    return Told(Fields(fields, frozenset({"name"})), what, source)


def _object(version: str, kind: str, spec: Told, source: str) -> Fields:
    about: Mapping[str, Type] = {
        "apiVersion": Told(OneOf((version,)), "Group and version.", source),
        "kind": Told(OneOf((kind,)), "The kind.", source),
        "metadata": Told(METADATA, "Name, namespace, labels and annotations.", CONVENTIONS),
        "spec": spec,
        "status": Told(Anything(), "Written by Kasten; leave it out.", source),
    }
    return Fields(about, frozenset({"apiVersion", "kind", "metadata", "spec"}))


def _gvrn(source: str) -> dict[str, Type]:
    """Group, version, resource, name: how Kasten names resources wherever it does."""
    return {
        "group": Told(Text(), "API group; left out for the core.", source),
        "version": Told(Text(), "API version without its group.", source),
        "resource": Told(Text(), "Resource in the plural, such as kafkas.", source),
        "name": Told(Text(), "Name of one object; all of the resource without it.", source),
    }


_EXPRESSION = Fields(
    {
        "key": Told(Text(), "Key of the label.", SELECTORS),
        "operator": Told(OneOf(OPERATORS), "How it is compared.", SELECTORS),
        "values": Told(ListOf(Text()), "What In and NotIn compare with.", SELECTORS),
    },
    frozenset({"key", "operator"}),
)
_LABELS: dict[str, Type] = {
    "matchLabels": Told(MapOf(Text()), "Labels that an object has, all of them.", SELECTORS),
    "matchExpressions": Told(ListOf(_EXPRESSION), "Requirements, all of them.", SELECTORS),
}
FILTER = Fields({**_gvrn(REPORTED), **_LABELS}, least=1)
_FILTERS = Told(
    Fields(
        {
            "includeResources": Told(
                ListOf(FILTER), "What is taken, and nothing else; one entry has to fit.", REPORTED
            ),
            "excludeResources": Told(
                ListOf(FILTER), "What is left out, of what is taken otherwise.", REPORTED
            ),
            "includeClusterResources": Told(
                ListOf(FILTER), "The same for resources that live in no namespace.", REPORTED
            ),
            "excludeClusterResources": Told(
                ListOf(FILTER), "The same for resources that live in no namespace.", REPORTED
            ),
        }
    ),
    "Which resources are taken. Leave a bound workload out and its hooks silently never run.",
    REPORTED,
)
HOOK = Fields(
    {
        "blueprint": Told(Text(), "Name of a Blueprint in Kasten's namespace.", HOOKS_PAGE),
        "actionName": Told(Text(), "An action of it; any name will do.", HOOKS_PAGE),
    },
    frozenset({"blueprint", "actionName"}),
)
_WHEN = {
    "preHook": "Runs before anything else, once for each namespace.",
    "onSuccess": "Runs at the end, if all went well.",
    "onFailure": "Runs at the end instead, if anything failed and no retry is left.",
}
_HOOKS = Told(
    Fields({moment: Told(HOOK, _WHEN[moment], HOOKS_PAGE) for moment in MOMENTS}),
    "Actions of Blueprints to run around this one, in each namespace that it is about.",
    HOOKS_PAGE,
)
_PROFILE = _named("Location profile.", POLICIES)
_FREQUENCY = Told(OneOf(FREQUENCIES), "When it runs.", POLICIES)
_SELECTOR = Told(
    Fields(_LABELS),
    "Which namespaces: by their labels, or by name with the key k10.kasten.io/appNamespace.",
    POLICIES,
)
_COUNTS = Told(
    Fields({p: Told(Whole(), f"How many {p} ones.", POLICIES) for p in PERIODS}),
    "How many restore points are kept.",
    POLICIES,
)
_TIMES = Told(
    Fields(
        {
            "minutes": Told(ListOf(Whole(0, 59)), "Minutes of the hour.", POLICIES),
            "hours": Told(ListOf(Whole(0, 23)), "Hours of the day.", POLICIES),
            "weekdays": Told(ListOf(Whole(0, 7)), "Days of the week, from Sunday as 0.", POLICIES),
            "days": Told(ListOf(Whole(1, 31)), "Days of the month.", POLICIES),
            "months": Told(ListOf(Whole(1, 12)), "Months of the year.", POLICIES),
        },
        open=True,
    ),
    "When within the period of the frequency.",
    POLICIES,
)
_EXPORTED = Told(
    Fields({"enabled": Told(Truth(), "Whether volumes are moved.", PRESETS)}, open=True),
    "Whether the data of the volumes goes to the profile, or references to snapshots alone.",
    PRESETS,
)
PARAMETERS: dict[str, Fields] = {
    "backup": Fields({"profile": _PROFILE, "filters": _FILTERS, "hooks": _HOOKS}, open=True),
    "export": Fields(
        {
            "frequency": _FREQUENCY,
            "profile": _PROFILE,
            "exportData": _EXPORTED,
            "hooks": _HOOKS,
            "migrationToken": _named("Secret that Kasten makes for an import.", REPORTED),
            "receiveString": Told(Text(), "What an import is given.", REPORTED),
        },
        open=True,
    ),
    "import": Fields(
        {
            "profile": _PROFILE,
            "receiveString": Told(Text(), "What the export has given.", POLICIES),
        },
        open=True,
    ),
    "report": Fields({}, open=True),
    "restore": Fields({"filters": _FILTERS, "hooks": _HOOKS, "profile": _PROFILE}, open=True),
}
ACTION = Fields(
    {
        "action": Told(OneOf(OPERATIONS, open=True), "What is done.", POLICIES),
        **{
            f"{operation}Parameters": Told(fields, f"How the {operation} is done.", POLICIES)
            for operation, fields in PARAMETERS.items()
        },
        "retention": _COUNTS,
    },
    frozenset({"action"}),
    open=True,
)
POLICY = Fields(
    {
        "comment": Told(Text(), "What it is for.", POLICIES),
        "frequency": _FREQUENCY,
        "subFrequency": _TIMES,
        "retention": _COUNTS,
        "selector": _SELECTOR,
        "presetRef": _named("PolicyPreset with schedule, retention and profile.", PRESETS),
        "actions": Told(ListOf(ACTION, least=1), "What is done, in this order.", POLICIES),
    },
    frozenset({"actions"}),
    open=True,
)
_SET: dict[str, Type] = {
    "operator": Told(OneOf(OPERATORS), "How it is compared.", BINDINGS),
    "values": Told(ListOf(Text()), "What In and NotIn compare with.", BINDINGS),
}
_KEYED = Fields({"key": Told(Text(), "Its key.", BINDINGS), **_SET}, frozenset({"key", "operator"}))
_TYPE = Fields(
    {
        "operator": _SET["operator"],
        "values": Told(ListOf(Fields(_gvrn(BINDINGS))), "The resources.", BINDINGS),
    },
    frozenset({"operator", "values"}),
)
_REQUIREMENT = Fields(
    {
        "type": Told(_TYPE, "The resource of the object.", BINDINGS),
        "namespace": Told(Fields(_SET, frozenset({"operator"})), "Its namespace.", BINDINGS),
        "labels": Told(_KEYED, "A label of it.", BINDINGS),
        "annotations": Told(_KEYED, "An annotation of it.", BINDINGS),
    }
)
BINDING = Fields(
    {
        "disabled": Told(Truth(), "Whether it is out of use.", REPORTED),
        "blueprintRef": _named("The Blueprint, in Kasten's namespace.", BINDINGS),
        "resources": Told(
            Fields(
                {
                    "matchAll": Told(ListOf(_REQUIREMENT), "All have to be met.", BINDINGS),
                    "matchAny": Told(ListOf(_REQUIREMENT), "One has to be met.", BINDINGS),
                },
                least=1,
            ),
            "Which objects; of several bindings that fit an object the oldest wins.",
            BINDINGS,
        ),
    }
)
_PATCH = Fields(
    {
        "op": Told(OneOf(PATCHES), "A failed test skips the transform; others fail.", TRANSFORMS),
        "path": Told(Text(), "JSON Pointer, with ~1 for a slash in a key.", TRANSFORMS),
        "from": Told(Text(), "Where copy and move take it from.", TRANSFORMS),
        "value": Told(Anything(), "What is set or compared with.", TRANSFORMS),
        "regex": Told(Text(), "What the value has to match.", TRANSFORMS),
    },
    frozenset({"op", "path"}),
    open=True,
)
_SUBJECT = Told(
    Fields(_gvrn(TRANSFORMS), least=1), "Which objects; one field at least.", TRANSFORMS
)
_TRANSFORM = Fields(
    {
        "subject": _SUBJECT,
        "name": Told(Text(), "Name of the transform.", TRANSFORMS),
        "json": Told(ListOf(_PATCH, least=1), "Commands, in this order.", TRANSFORMS),
    },
    frozenset({"subject", "name", "json"}),
)
_TRANSFORMS = ListOf(_TRANSFORM, least=1)
TRANSFORM_SET = Fields(
    {
        "comment": Told(Text(), "What it is for.", TRANSFORM_SETS),
        "transforms": Told(_TRANSFORMS, "A set without one is invalid.", TRANSFORM_SETS),
    },
    frozenset({"transforms"}),
)
_REFERRED = Fields(
    {"transformSetRef": _named("A TransformSet.", TRANSFORM_SETS), **_TRANSFORM.known}, least=1
)
_RESTORE_POINT = Fields(
    {
        "apiVersion": Told(Text(), "apps.kio.kasten.io/v1alpha1.", REPORTED),
        "kind": Told(Text(), "RestorePoint.", REPORTED),
        "name": Told(Text(), "Name of the restore point.", REPORTED),
        "namespace": Told(Text(), "The namespace that it is of.", REPORTED),
    },
    frozenset({"kind", "name", "namespace"}),
)
RESTORE = Fields(
    {
        "subject": Told(_RESTORE_POINT, "What is restored.", REPORTED),
        "targetNamespace": Told(Text(), "Where to; the action has to be there too.", REPORTED),
        "filters": _FILTERS,
        "transforms": Told(ListOf(_REFERRED), "Changes on the way.", TRANSFORM_SETS),
        "hooks": _HOOKS,
        "profile": _PROFILE,
        "dataOnly": Told(Truth(), "Whether volumes alone are restored.", REPORTED),
        "overwriteExisting": Told(Truth(), "Whether what is there is replaced.", REPORTED),
    },
    frozenset({"subject", "targetNamespace"}),
    open=True,
)


def _kind(version: str, kind: str, spec: Fields, says: str, source: str) -> tuple[str, Fields]:
    required = Told(spec, says, source)
    return kind, _object(version, kind, required, source)


KINDS: dict[str, Fields] = dict(
    (
        _kind(CONFIG, "BlueprintBinding", BINDING, "Which Blueprint, for what.", BINDINGS),
        _kind(CONFIG, "Policy", POLICY, "When, for what, and what is done.", POLICIES),
        _kind(ACTIONS, "RestoreAction", RESTORE, "What is restored, and how.", REPORTED),
        _kind(CONFIG, "TransformSet", TRANSFORM_SET, "Changes on restore.", TRANSFORM_SETS),
    )
)
"""By kind; all that `render` and `policy` emit for Kasten."""
