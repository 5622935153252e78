"""How a check is told to the validator: an id, a severity, and one function that finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from kanister_kafka.blueprint import Blueprint
from kanister_kafka.blueprint.releases import NEWEST
from kanister_kafka.document import Document
from kanister_kafka.problem import Location, Severity


@dataclass(frozen=True, slots=True)
class Settings:
    """What the checks hold a Blueprint against."""

    kasten: bool | None = None
    """Whether Kasten's rules hold; None where that follows from what stands beside it."""
    kasten_namespace: str = "kasten-io"
    gitops: str = ""
    """What brings the Blueprints to the cluster; `flux` or nothing."""
    release: str = NEWEST
    """Of Kanister, as `parse_release` returns it."""


class Finding(NamedTuple):
    """What one check found."""

    location: Location
    path: str
    """Field path, as `actions.backup.phases[0].args.pod`."""
    message: str


Find = Callable[[Blueprint, Settings], Iterator[Finding]]


class Check(NamedTuple):
    """A check of one Blueprint."""

    id: str
    severity: Severity
    find: Find


CHECKS: dict[str, Check] = {}
"""By id; filled by the modules of this room as they are imported."""


def check(name: str, severity: Severity = Severity.ERROR) -> Callable[[Find], Find]:
    """Register a function as the check of this id."""

    def register(find: Find) -> Find:
        CHECKS[name] = Check(name, severity, find)
        return find

    return register


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """The whole input of one run; compared by identity, as it is large."""

    documents: tuple[Document, ...]
    blueprints: tuple[Blueprint, ...]


FindTogether = Callable[[Together, Settings], Iterator[Finding]]


class CheckTogether(NamedTuple):
    """A check of the whole input: of what its objects say about each other."""

    id: str
    severity: Severity
    find: FindTogether


CHECKS_TOGETHER: dict[str, CheckTogether] = {}
"""By id; filled by the modules of this room as they are imported."""


def check_together(
    name: str, severity: Severity = Severity.ERROR
) -> Callable[[FindTogether], FindTogether]:
    """Register a function as the check of this id for the whole input."""

    def register(find: FindTogether) -> FindTogether:
        CHECKS_TOGETHER[name] = CheckTogether(name, severity, find)
        return find

    return register
