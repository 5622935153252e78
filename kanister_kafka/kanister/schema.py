"""Statement of the Blueprint resource, and the types that a statement is made of.

The schema of Kanister's CRD knows types only: no field is required, and an unknown one is dropped
in silence by the API server. What is required here is what the controller needs at run time
(pkg/apis/cr/v1alpha1/types.go, pkg/controller/controller.go at 0.119.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, Union

from kanister_kafka.kube import names
from kanister_kafka.kube.names import NameRule


class StringSchema(NamedTuple):
    """A string."""

    rule: NameRule | None = None
    """Further condition of Kubernetes, if any."""


class EnumSchema(NamedTuple):
    """One of some strings."""

    choices: tuple[str, ...]
    open: bool = False
    """Whether there may be more that is unknown here; a name near a known one is still wrong."""


class IntegerSchema(NamedTuple):
    """A whole number."""

    least: int = 0
    most: int | None = None
    """None for no bound."""


@dataclass(frozen=True, slots=True)
class BooleanSchema:
    """True or false."""


@dataclass(frozen=True, slots=True)
class AnySchema:
    """Any value: checked elsewhere, or not at all."""


class ListSchema(NamedTuple):
    """A list of one type."""

    item: Type
    least: int = 0


class MapSchema(NamedTuple):
    """A mapping with keys of the author's choice."""

    value: Type
    least: int = 0
    key: NameRule | None = None


class ObjectSchema(NamedTuple):
    """An object with known fields."""

    known: Mapping[str, Type]
    required: frozenset[str] = frozenset()
    open: bool = False
    """Whether there may be more that is unknown here; a name near a known one is still wrong."""
    least: int = 0
    """How many of them there must be."""
    synonyms: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    """Known fields by words that authors use for them, in lower case and without separators."""


class DocumentedSchema(NamedTuple):
    """A type, with its meaning and the source of that."""

    type: Type
    says: str
    source: str
    """A public page, or in words what it is known from."""


Type = Union[
    StringSchema,
    EnumSchema,
    IntegerSchema,
    BooleanSchema,
    AnySchema,
    ListSchema,
    MapSchema,
    ObjectSchema,
    DocumentedSchema,
]

OBJECT_REFERENCE = ObjectSchema(
    dict.fromkeys(("apiVersion", "group", "kind", "name", "namespace", "resource"), StringSchema())
)
PHASE = ObjectSchema(
    {
        "func": StringSchema(),
        "name": StringSchema(),
        "objects": MapSchema(OBJECT_REFERENCE),
        "args": MapSchema(AnySchema()),
    },
    frozenset({"func"}),
)
ARTIFACT = ObjectSchema({"keyValue": MapSchema(StringSchema()), "kopiaSnapshot": StringSchema()})
ACTION = ObjectSchema(
    {
        "name": StringSchema(),
        "kind": StringSchema(),
        "configMapNames": ListSchema(StringSchema()),
        "secretNames": ListSchema(StringSchema()),
        "inputArtifactNames": ListSchema(StringSchema()),
        "outputArtifacts": MapSchema(ARTIFACT),
        "phases": ListSchema(PHASE, least=1),
        "deferPhase": PHASE,
    },
    frozenset({"phases"}),
)
METADATA = ObjectSchema(
    {
        "name": StringSchema(names.SUBDOMAIN),
        "generateName": StringSchema(names.PREFIX),
        "namespace": StringSchema(names.LABEL),
        "labels": MapSchema(StringSchema(names.LABEL_VALUE), key=names.QUALIFIED),
        "annotations": MapSchema(StringSchema(), key=names.QUALIFIED),
        **dict.fromkeys(
            (
                "creationTimestamp",
                "deletionGracePeriodSeconds",
                "deletionTimestamp",
                "finalizers",
                "generation",
                "managedFields",
                "ownerReferences",
                "resourceVersion",
                "selfLink",
                "uid",
            ),
            AnySchema(),
        ),
    }
)
BLUEPRINT = ObjectSchema(
    {
        "apiVersion": StringSchema(),
        "kind": StringSchema(),
        "metadata": METADATA,
        "actions": MapSchema(ACTION, least=1),
    },
    frozenset({"apiVersion", "kind", "metadata", "actions"}),
)
