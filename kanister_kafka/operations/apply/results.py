"""The outcome for each object, as data."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from kanister_kafka.errors import ActionError, KanisterKafkaError, TransientError
from kanister_kafka.operations.apply.objects import ObjectRef


class ApplyOutcome(enum.Enum):
    """The outcome for an object in kubectl's words; in a dry run, the expected one."""

    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    PRUNED = "pruned"
    ABSENT = "not found"
    LEFT = "left"
    """It was named for deletion, but others created it."""


class DryRun(enum.Enum):
    """Who is asked what would happen."""

    NONE = "none"
    CLIENT = "client"
    """No server: the cluster is only read."""
    SERVER = "server"
    """The API server, with its defaults, validation and admission; it keeps nothing."""


@dataclass(frozen=True, slots=True)
class ObjectResult:
    """The outcome for one object."""

    target: ObjectRef
    outcome: ApplyOutcome
    why: str = ""


@dataclass(frozen=True, slots=True)
class ObjectFailure:
    """One object that could not be written, and why."""

    target: ObjectRef
    error: KanisterKafkaError


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyReport:
    """The outcomes of all objects; none is left out."""

    results: tuple[ObjectResult, ...]
    """In the order in which it happened; in a dry run, in which it would have."""
    failures: tuple[ObjectFailure, ...] = ()
    """More than one only if nothing has been changed yet."""
    pending: tuple[ObjectRef, ...] = ()
    """Objects that were not written, those that failed among them."""
    blockers: tuple[str, ...] = ()
    """Why nothing was deleted, each with its remedy: a Kafka is stopped, and needs the objects."""

    @property
    def exit_code(self) -> int:
        """0, or the worst of the failures.

        1 is refused, 2 is out of reach, missing or forbidden, 130 is interrupted.
        """
        return max((failed.error.exit_code for failed in self.failures), default=0)

    @property
    def unknown(self) -> tuple[ObjectRef, ...]:
        """Objects that may have been written although no answer came."""
        silent = (ActionError, TransientError)
        return tuple(f.target for f in self.failures if isinstance(f.error, silent))


OnResult = Callable[[ObjectResult], None]
"""Is called with each object as soon as it is done."""


def ignore_result(_done: ObjectResult) -> None:
    """Report to no one."""
