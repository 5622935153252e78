"""Statement of the Kasten kinds that are rendered here; Kasten publishes no schema of them.

A point that the public pages and the examples on them settle is closed: another name is wrong. A
point that they leave open is open here as well. The validator and the JSON Schemas are both made
from this.
"""

from __future__ import annotations

from collections.abc import Mapping

from kanister_kafka.kanister.json_schema import JsonSchema, SchemaWriter
from kanister_kafka.kanister.schema_validator import (
    METADATA,
    AnySchema,
    BooleanSchema,
    DocumentedSchema,
    EnumSchema,
    IntegerSchema,
    ListSchema,
    MapSchema,
    ObjectSchema,
    StringSchema,
    Type,
)

# How often Kasten's Policies run, and how many restore points it keeps by default.

ON_DEMAND = "@onDemand"
DAILY = "@daily"
RETENTION = (
    ("hourly", 24, "@hourly"),
    ("daily", 7, DAILY),
    ("weekly", 4, "@weekly"),
    ("monthly", 12, "@monthly"),
    ("yearly", 7, "@yearly"),
)
"""Kasten's own defaults; a Policy keeps those of its frequency and of every longer period."""
FREQUENCIES = (ON_DEMAND, *(frequency for _period, _count, frequency in RETENTION))
PERIODS = tuple(period for period, _count, _frequency in RETENTION)


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


def _named(what: str, source: str) -> DocumentedSchema:
    fields = {
        "name": DocumentedSchema(StringSchema(), "Its name.", source),
        "namespace": DocumentedSchema(StringSchema(), "Its namespace.", source),
    }
    return DocumentedSchema(ObjectSchema(fields, frozenset({"name"})), what, source)


def _object(version: str, kind: str, spec: DocumentedSchema, source: str) -> ObjectSchema:
    about: Mapping[str, Type] = {
        "apiVersion": DocumentedSchema(EnumSchema((version,)), "Group and version.", source),
        "kind": DocumentedSchema(EnumSchema((kind,)), "The kind.", source),
        "metadata": DocumentedSchema(
            METADATA, "Name, namespace, labels and annotations.", CONVENTIONS
        ),
        "spec": spec,
        "status": DocumentedSchema(AnySchema(), "Written by Kasten; leave it out.", source),
    }
    return ObjectSchema(about, frozenset({"apiVersion", "kind", "metadata", "spec"}))


def _gvrn(source: str) -> dict[str, Type]:
    """Group, version, resource, name: how Kasten names resources wherever it does."""
    return {
        "group": DocumentedSchema(StringSchema(), "API group; left out for the core.", source),
        "version": DocumentedSchema(StringSchema(), "API version without its group.", source),
        "resource": DocumentedSchema(
            StringSchema(), "Resource in the plural, such as kafkas.", source
        ),
        "name": DocumentedSchema(
            StringSchema(), "Name of one object; all of the resource without it.", source
        ),
    }


_EXPRESSION = ObjectSchema(
    {
        "key": DocumentedSchema(StringSchema(), "Key of the label.", SELECTORS),
        "operator": DocumentedSchema(EnumSchema(OPERATORS), "How it is compared.", SELECTORS),
        "values": DocumentedSchema(
            ListSchema(StringSchema()), "Values for In and NotIn.", SELECTORS
        ),
    },
    frozenset({"key", "operator"}),
)
_LABELS: dict[str, Type] = {
    "matchLabels": DocumentedSchema(
        MapSchema(StringSchema()), "Labels that an object has, all of them.", SELECTORS
    ),
    "matchExpressions": DocumentedSchema(
        ListSchema(_EXPRESSION), "Requirements, all of them.", SELECTORS
    ),
}
FILTER = ObjectSchema({**_gvrn(REPORTED), **_LABELS}, least=1)
_FILTERS = DocumentedSchema(
    ObjectSchema(
        {
            "includeResources": DocumentedSchema(
                ListSchema(FILTER),
                "What is taken, and nothing else; one entry has to fit.",
                REPORTED,
            ),
            "excludeResources": DocumentedSchema(
                ListSchema(FILTER), "Exceptions from the included resources.", REPORTED
            ),
            "includeClusterResources": DocumentedSchema(
                ListSchema(FILTER), "The same for resources that live in no namespace.", REPORTED
            ),
            "excludeClusterResources": DocumentedSchema(
                ListSchema(FILTER), "The same for resources that live in no namespace.", REPORTED
            ),
        }
    ),
    "Which resources are taken. Leave a bound workload out and its hooks silently never run.",
    REPORTED,
)
HOOK = ObjectSchema(
    {
        "blueprint": DocumentedSchema(
            StringSchema(), "Name of a Blueprint in Kasten's namespace.", HOOKS_PAGE
        ),
        "actionName": DocumentedSchema(
            StringSchema(), "An action of it; any name will do.", HOOKS_PAGE
        ),
    },
    frozenset({"blueprint", "actionName"}),
)
_WHEN = {
    "preHook": "Runs before anything else, once for each namespace.",
    "onSuccess": "Runs at the end, if all went well.",
    "onFailure": "Runs at the end instead, if anything failed and no retry is left.",
}
_AFTER = ("onSuccess", "onFailure")
_OTHER_MOMENTS = {
    **dict.fromkeys(("prehooks", "beforehook", "before", "onstart", "pre"), ("preHook",)),
    **dict.fromkeys(("posthook", "posthooks", "afterhook", "after", "oncomplete", "post"), _AFTER),
    **dict.fromkeys(("finally", "onfinish", "onend", "onexit", "oncompletion"), _AFTER),
    **dict.fromkeys(("successhook", "onsuccesshook", "posthooksuccess"), ("onSuccess",)),
    **dict.fromkeys(("onerror", "errorhook", "failurehook", "onfail"), ("onFailure",)),
}
"""Moments by the words of other tools, and by those of Kanister's own actions of a backup."""
_HOOKS = DocumentedSchema(
    ObjectSchema(
        {moment: DocumentedSchema(HOOK, _WHEN[moment], HOOKS_PAGE) for moment in MOMENTS},
        synonyms=_OTHER_MOMENTS,
    ),
    "Actions of Blueprints to run around this one, in each namespace that it is about.",
    HOOKS_PAGE,
)
_PROFILE = _named("Location profile.", POLICIES)
_FREQUENCY = DocumentedSchema(EnumSchema(FREQUENCIES), "When it runs.", POLICIES)
_SELECTOR = DocumentedSchema(
    ObjectSchema(_LABELS),
    "Which namespaces: by their labels, or by name with the key k10.kasten.io/appNamespace.",
    POLICIES,
)
_COUNTS = DocumentedSchema(
    ObjectSchema(
        {p: DocumentedSchema(IntegerSchema(), f"How many {p} ones.", POLICIES) for p in PERIODS}
    ),
    "How many restore points are kept.",
    POLICIES,
)
_TIMES = DocumentedSchema(
    ObjectSchema(
        {
            "minutes": DocumentedSchema(
                ListSchema(IntegerSchema(0, 59)), "Minutes of the hour.", POLICIES
            ),
            "hours": DocumentedSchema(
                ListSchema(IntegerSchema(0, 23)), "Hours of the day.", POLICIES
            ),
            "weekdays": DocumentedSchema(
                ListSchema(IntegerSchema(0, 7)), "Days of the week, from Sunday as 0.", POLICIES
            ),
            "days": DocumentedSchema(
                ListSchema(IntegerSchema(1, 31)), "Days of the month.", POLICIES
            ),
            "months": DocumentedSchema(
                ListSchema(IntegerSchema(1, 12)), "Months of the year.", POLICIES
            ),
        },
        open=True,
    ),
    "When within the period of the frequency.",
    POLICIES,
)
_EXPORTED = DocumentedSchema(
    ObjectSchema(
        {"enabled": DocumentedSchema(BooleanSchema(), "Whether volumes are moved.", PRESETS)},
        open=True,
    ),
    "Whether the data of the volumes goes to the profile, or references to snapshots alone.",
    PRESETS,
)
PARAMETERS: dict[str, ObjectSchema] = {
    "backup": ObjectSchema({"profile": _PROFILE, "filters": _FILTERS, "hooks": _HOOKS}, open=True),
    "export": ObjectSchema(
        {
            "frequency": _FREQUENCY,
            "profile": _PROFILE,
            "exportData": _EXPORTED,
            "hooks": _HOOKS,
            "migrationToken": _named("Secret that Kasten makes for an import.", REPORTED),
            "receiveString": DocumentedSchema(StringSchema(), "Input of an import.", REPORTED),
        },
        open=True,
    ),
    "import": ObjectSchema(
        {
            "profile": _PROFILE,
            "receiveString": DocumentedSchema(StringSchema(), "Output of the export.", POLICIES),
        },
        open=True,
    ),
    "report": ObjectSchema({}, open=True),
    "restore": ObjectSchema({"filters": _FILTERS, "hooks": _HOOKS, "profile": _PROFILE}, open=True),
}
ACTION = ObjectSchema(
    {
        "action": DocumentedSchema(EnumSchema(OPERATIONS, open=True), "What is done.", POLICIES),
        **{
            f"{operation}Parameters": DocumentedSchema(
                fields, f"How the {operation} is done.", POLICIES
            )
            for operation, fields in PARAMETERS.items()
        },
        "retention": _COUNTS,
    },
    frozenset({"action"}),
    open=True,
)
POLICY = ObjectSchema(
    {
        "comment": DocumentedSchema(StringSchema(), "Its purpose.", POLICIES),
        "frequency": _FREQUENCY,
        "subFrequency": _TIMES,
        "retention": _COUNTS,
        "selector": _SELECTOR,
        "presetRef": _named("PolicyPreset with schedule, retention and profile.", PRESETS),
        "actions": DocumentedSchema(
            ListSchema(ACTION, least=1), "What is done, in this order.", POLICIES
        ),
    },
    frozenset({"actions"}),
    open=True,
)
_SET: dict[str, Type] = {
    "operator": DocumentedSchema(EnumSchema(OPERATORS), "How it is compared.", BINDINGS),
    "values": DocumentedSchema(ListSchema(StringSchema()), "Values for In and NotIn.", BINDINGS),
}
_KEYED = ObjectSchema(
    {"key": DocumentedSchema(StringSchema(), "Its key.", BINDINGS), **_SET},
    frozenset({"key", "operator"}),
)
_TYPE = ObjectSchema(
    {
        "operator": _SET["operator"],
        "values": DocumentedSchema(
            ListSchema(ObjectSchema(_gvrn(BINDINGS))), "The resources.", BINDINGS
        ),
    },
    frozenset({"operator", "values"}),
)
_REQUIREMENT = ObjectSchema(
    {
        "type": DocumentedSchema(_TYPE, "The resource of the object.", BINDINGS),
        "namespace": DocumentedSchema(
            ObjectSchema(_SET, frozenset({"operator"})), "Its namespace.", BINDINGS
        ),
        "labels": DocumentedSchema(_KEYED, "A label of it.", BINDINGS),
        "annotations": DocumentedSchema(_KEYED, "An annotation of it.", BINDINGS),
    }
)
BINDING = ObjectSchema(
    {
        "disabled": DocumentedSchema(BooleanSchema(), "Whether it is out of use.", REPORTED),
        "blueprintRef": _named("The Blueprint, in Kasten's namespace.", BINDINGS),
        "resources": DocumentedSchema(
            ObjectSchema(
                {
                    "matchAll": DocumentedSchema(
                        ListSchema(_REQUIREMENT), "All have to be met.", BINDINGS
                    ),
                    "matchAny": DocumentedSchema(
                        ListSchema(_REQUIREMENT), "One has to be met.", BINDINGS
                    ),
                },
                least=1,
            ),
            "Which objects; of several bindings that fit an object the oldest wins.",
            BINDINGS,
        ),
    }
)
_PATCH = ObjectSchema(
    {
        "op": DocumentedSchema(
            EnumSchema(PATCHES), "A failed test skips the transform; others fail.", TRANSFORMS
        ),
        "path": DocumentedSchema(
            StringSchema(), "JSON Pointer, with ~1 for a slash in a key.", TRANSFORMS
        ),
        "from": DocumentedSchema(StringSchema(), "Source of copy and move.", TRANSFORMS),
        "value": DocumentedSchema(AnySchema(), "What is set or compared with.", TRANSFORMS),
        "regex": DocumentedSchema(
            StringSchema(), "Pattern that the value has to match.", TRANSFORMS
        ),
    },
    frozenset({"op", "path"}),
    open=True,
)
_SUBJECT = DocumentedSchema(
    ObjectSchema(_gvrn(TRANSFORMS), least=1), "Which objects; one field at least.", TRANSFORMS
)
_TRANSFORM = ObjectSchema(
    {
        "subject": _SUBJECT,
        "name": DocumentedSchema(StringSchema(), "Name of the transform.", TRANSFORMS),
        "json": DocumentedSchema(
            ListSchema(_PATCH, least=1), "Commands, in this order.", TRANSFORMS
        ),
    },
    frozenset({"subject", "name", "json"}),
)
_TRANSFORMS = ListSchema(_TRANSFORM, least=1)
TRANSFORM_SET = ObjectSchema(
    {
        "comment": DocumentedSchema(StringSchema(), "Its purpose.", TRANSFORM_SETS),
        "transforms": DocumentedSchema(
            _TRANSFORMS, "A set without one is invalid.", TRANSFORM_SETS
        ),
    },
    frozenset({"transforms"}),
)
_REFERRED = ObjectSchema(
    {"transformSetRef": _named("A TransformSet.", TRANSFORM_SETS), **_TRANSFORM.known}, least=1
)
_RESTORE_POINT = ObjectSchema(
    {
        "apiVersion": DocumentedSchema(StringSchema(), "apps.kio.kasten.io/v1alpha1.", REPORTED),
        "kind": DocumentedSchema(StringSchema(), "RestorePoint.", REPORTED),
        "name": DocumentedSchema(StringSchema(), "Name of the restore point.", REPORTED),
        "namespace": DocumentedSchema(StringSchema(), "The namespace that it is of.", REPORTED),
    },
    frozenset({"kind", "name", "namespace"}),
)
RESTORE = ObjectSchema(
    {
        "subject": DocumentedSchema(_RESTORE_POINT, "What is restored.", REPORTED),
        "targetNamespace": DocumentedSchema(
            StringSchema(), "Target; the action has to be there too.", REPORTED
        ),
        "filters": _FILTERS,
        "transforms": DocumentedSchema(
            ListSchema(_REFERRED), "Changes on the way.", TRANSFORM_SETS
        ),
        "hooks": _HOOKS,
        "profile": _PROFILE,
        "dataOnly": DocumentedSchema(
            BooleanSchema(), "Whether volumes alone are restored.", REPORTED
        ),
        "overwriteExisting": DocumentedSchema(
            BooleanSchema(), "Whether what is there is replaced.", REPORTED
        ),
    },
    frozenset({"subject", "targetNamespace"}),
    open=True,
)


def _kind(
    version: str, kind: str, spec: ObjectSchema, says: str, source: str
) -> tuple[str, ObjectSchema]:
    required = DocumentedSchema(spec, says, source)
    return kind, _object(version, kind, required, source)


KINDS: dict[str, ObjectSchema] = dict(
    (
        _kind(CONFIG, "BlueprintBinding", BINDING, "Which Blueprint, for which objects.", BINDINGS),
        _kind(CONFIG, "Policy", POLICY, "When, for which objects, and which actions.", POLICIES),
        _kind(ACTIONS, "RestoreAction", RESTORE, "What is restored, and how.", REPORTED),
        _kind(CONFIG, "TransformSet", TRANSFORM_SET, "Changes on restore.", TRANSFORM_SETS),
    )
)
"""By kind; all that `render` and `policy` emit for Kasten."""


# The Kasten kinds as JSON Schemas, for editors and for validators such as kubeconform.


def kasten_schema(kind: str) -> JsonSchema:
    """Return the JSON Schema of a kind; draft 7, as that of the Blueprint."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"{kind} of Kasten, as far as it is documented publicly",
        **SchemaWriter().fields(KINDS[kind]),
    }
