"""How a check is told to the preflight: an id, and one function of what was gathered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kanister_kafka.preflight.model import Line
from kanister_kafka.preflight.view import View

Find = Callable[[View], Iterator[Line]]


@dataclass(frozen=True, slots=True)
class Check:
    """A check of one Kafka cluster."""

    id: str
    find: Find


def check(name: str) -> Callable[[Find], Check]:
    """Make a function the check of this id; `judge.CHECKS` says when it is told."""
    return lambda find: Check(name, find)
