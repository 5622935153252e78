"""Our own statement of the Blueprint resource, and the types that such a statement is made of.

The schema of Kanister's CRD knows types only: no field is required, and an unknown one is dropped
in silence by the API server. What is required here is what the controller needs at run time
(pkg/apis/cr/v1alpha1/types.go, pkg/controller/controller.go at 0.119.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Union

from kanister_kafka.blueprint import names
from kanister_kafka.blueprint.names import Rule


class Text(NamedTuple):
    """A string."""

    rule: Rule | None = None
    """What Kubernetes wants of it besides, if anything."""


class OneOf(NamedTuple):
    """One of some strings."""

    choices: tuple[str, ...]
    open: bool = False
    """Whether there may be more that we do not know; what is nearly one of ours is still wrong."""


class Whole(NamedTuple):
    """A whole number."""

    least: int = 0
    most: int | None = None
    """None for no bound."""


@dataclass(frozen=True, slots=True)
class Truth:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value: checked elsewhere, or not ours to check."""


class ListOf(NamedTuple):
    """A list of one type."""

    item: Type
    least: int = 0


class MapOf(NamedTuple):
    """A mapping with keys of the author's choice."""

    value: Type
    least: int = 0
    key: Rule | None = None


class Fields(NamedTuple):
    """An object with known fields."""

    known: Mapping[str, Type]
    required: frozenset[str] = frozenset()
    open: bool = False
    """Whether there may be more that we do not know; what is nearly one of ours is still wrong."""
    least: int = 0
    """How many of them there must be."""


class Told(NamedTuple):
    """A type, with what it means and where that is written."""

    type: Type
    says: str
    source: str
    """A public page, or in words what it is known from."""


Type = Union[Text, OneOf, Whole, Truth, Anything, ListOf, MapOf, Fields, Told]

OBJECT_REFERENCE = Fields(
    dict.fromkeys(("apiVersion", "group", "kind", "name", "namespace", "resource"), Text())
)
PHASE = Fields(
    {
        "func": Text(),
        "name": Text(),
        "objects": MapOf(OBJECT_REFERENCE),
        "args": MapOf(Anything()),
    },
    frozenset({"func"}),
)
ARTIFACT = Fields({"keyValue": MapOf(Text()), "kopiaSnapshot": Text()})
ACTION = Fields(
    {
        "name": Text(),
        "kind": Text(),
        "configMapNames": ListOf(Text()),
        "secretNames": ListOf(Text()),
        "inputArtifactNames": ListOf(Text()),
        "outputArtifacts": MapOf(ARTIFACT),
        "phases": ListOf(PHASE, least=1),
        "deferPhase": PHASE,
    },
    frozenset({"phases"}),
)
METADATA = Fields(
    {
        "name": Text(names.SUBDOMAIN),
        "generateName": Text(names.PREFIX),
        "namespace": Text(names.LABEL),
        "labels": MapOf(Text(names.LABEL_VALUE), key=names.QUALIFIED),
        "annotations": MapOf(Text(), key=names.QUALIFIED),
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
            Anything(),
        ),
    }
)
BLUEPRINT = Fields(
    {
        "apiVersion": Text(),
        "kind": Text(),
        "metadata": METADATA,
        "actions": MapOf(ACTION, least=1),
    },
    frozenset({"apiVersion", "kind", "metadata", "actions"}),
)
