"""The input and the results of checks: data alone, gathered before the first check runs."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from kanister_kafka.backup.scripts import ScriptPin
from kanister_kafka.errors import ForbiddenError, KanisterKafkaError
from kanister_kafka.kube.client import Object

T = TypeVar("T")


class CheckStatus(enum.Enum):
    """How it stands, the best first."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"

    def reaches(self, least: CheckStatus) -> bool:
        """Return whether it is as bad as another, or worse."""
        order = list(CheckStatus)
        return order.index(self) >= order.index(least)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """The result of one check in one sentence, and what to do about it."""

    id: str = ""
    """Of the check, such as `snapshot-class`."""
    level: CheckStatus
    what: str
    detail: tuple[str, ...] = ()
    """A line each, if one sentence does not hold it."""
    remedy: str = ""
    """A command if there is one, else what to do; empty if there is nothing to do."""
    objects: tuple[str, ...] = ()
    """The objects that it is about, as `Kind namespace/name`."""

    def fields(self) -> dict[str, object]:
        """Return it as the object that our JSON has of it."""
        return {
            "id": self.id,
            "level": self.level.value,
            "what": self.what,
            "detail": list(self.detail),
            "remedy": self.remedy,
            "objects": list(self.objects),
        }


class NotReadableError(Exception):
    """A check asks for objects that the user may not read; it becomes a warning."""

    def __init__(self, what: str, why: str, remedy: str, detail: str = "") -> None:
        super().__init__(f"{what} could not be looked at: {why}")
        self.remedy = remedy
        """Such as the right that the user would need."""
        self.detail = detail
        """Message of the server; empty if the sentence has all."""


@dataclass(frozen=True, slots=True)
class OptionalRead(Generic[T]):
    """A result of reading the cluster, or the reason why there is none."""

    value: T | None = None
    unreadable: NotReadableError | None = None

    def get(self) -> T:
        """Return it; raises NotReadableError if it could not be looked at."""
        if self.unreadable is not None:
            raise self.unreadable
        value: Any = self.value  # None may be what was read: there is no such object
        read: T = value
        return read


def try_read(what: str, right: str, ask: Callable[[], T]) -> OptionalRead[T]:
    """Ask the cluster; a refusal is kept, every other failure ends the run."""
    try:
        return OptionalRead(ask())
    except ForbiddenError as refusal:
        return OptionalRead(None, forbidden(what, right, refusal))


def forbidden(what: str, right: str, refusal: KanisterKafkaError) -> NotReadableError:
    """Return what may not be looked at, and with which right it could be."""
    return NotReadableError(what, "that is forbidden", f"needs the right to {right}", str(refusal))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionState:
    """A partition whose replicas are not all in sync, as kafka-topics.sh prints it."""

    topic: str
    number: int
    leader: str
    """Node id; `none` if it has none."""
    replicas: int
    in_sync: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessReview:
    """One right that an account needs, and whether the API server grants it."""

    account: str
    text: str
    """As `patch kafkas.kafka.strimzi.io my-cluster in kafka`."""
    allowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestPair:
    """An object as it would be rendered now, with the one on the cluster."""

    desired: Object
    live: Object | None
    """None if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedScripts:
    """Scripts that steps ask for, and the ConfigMap that is there under their name."""

    pin: ScriptPin
    namespace: str
    """Where the steps run."""
    by: tuple[str, ...]
    """Objects on the cluster that ask for them, as `Kind namespace/name`; empty if only the present
    rendering does."""
    config_map: OptionalRead[Object | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PullTestResult:
    """How a pod with the image of the steps fared."""

    pod: str
    node: str
    ran: bool
    output: str
    """First line of its output, or why it did not run."""
    added_containers: tuple[str, ...] = ()
    """Containers that another client has added, and that do not end with the step's."""
    leftover: str = ""
    """Why the pod could not be deleted; empty if it is gone."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One of several Kafkas, and what came of its check."""

    namespace: str
    name: str
    lines: tuple[CheckLine, ...] = ()
    failure: str = ""
    """Why it could not be checked; empty if it was."""
    failure_code: int = 0
    """Exit code of that failure."""
    is_applied: bool = True
    """Whether a Blueprint is on the cluster; without one nothing is checked."""

    @property
    def worst(self) -> CheckStatus:
        """The worst level of its lines."""
        order = list(CheckStatus)
        return max((line.level for line in self.lines), key=order.index, default=CheckStatus.OK)

    def exit_code(self, least: CheckStatus) -> int:
        """Return what a command ends with that fails from a level on."""
        if self.failure:
            return self.failure_code
        return int(any(line.level.reaches(least) for line in self.lines))


def passed(what: str, *, detail: tuple[str, ...] = (), objects: tuple[str, ...] = ()) -> CheckLine:
    """Return a line about what is as a backup needs it."""
    return CheckLine(level=CheckStatus.OK, what=what, detail=detail, objects=objects)


def warned(
    what: str, remedy: str = "", *, detail: tuple[str, ...] = (), objects: tuple[str, ...] = ()
) -> CheckLine:
    """Return a line about what may harm a backup."""
    return CheckLine(
        level=CheckStatus.WARNING, what=what, remedy=remedy, detail=detail, objects=objects
    )


def failed(
    what: str, remedy: str = "", *, detail: tuple[str, ...] = (), objects: tuple[str, ...] = ()
) -> CheckLine:
    """Return a line about what makes a backup fail or do harm."""
    return CheckLine(
        level=CheckStatus.PROBLEM, what=what, remedy=remedy, detail=detail, objects=objects
    )
