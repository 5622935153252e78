"""What is decided about Kasten's objects."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The object that Kasten is to find the Blueprint by."""

    group: str
    resource: str
    kind: str
    name: str
    namespace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How many restore points a Policy keeps."""

    period: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A resource that a restore needs, and that a filter therefore includes."""

    group: str
    resource: str
    labels: tuple[tuple[str, str], ...] = ()
    """Labels that an object has to have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An action of the Blueprint that Kasten calls around one of its own."""

    moment: str
    """preHook, onSuccess or onFailure."""
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Where restore points are copied to."""

    profile: str
    frequency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """A time of the day."""

    hour: int
    minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One of Kasten's Policies."""

    header: tuple[str, ...] = ()
    """Comment at its top, a line each."""
    name: str
    frequency: str
    time: Time | None
    """When on a day; None leaves it to Kasten."""
    retention: tuple[Retention, ...]
    namespaces: tuple[str, ...]
    kept: tuple[Kept, ...]
    """Resources that it includes, and no others."""
    calls: tuple[Call, ...]
    export: Export | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of a transform, as in JSON Patch."""

    op: str
    path: str
    value: str = ""
    has_value: bool = True
    """False where a test asks only whether the path is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """Commands on the objects that fit; a failed test skips those that follow it."""

    name: str
    group: str = ""
    resource: str
    object: str = ""
    """Name of the object; all of the resource where empty."""
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoring:
    """A RestoreAction."""

    namespace: str
    """Where to."""
    transform_set: str
    """Name of the TransformSet."""
    kept: tuple[Kept, ...]
    """Resources that it includes, and no others."""
    has_hooks: bool
    """Whether the Blueprint stops the Kafka before, and starts it after."""
