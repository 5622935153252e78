"""What is wrong with a Blueprint beyond its text: one function a check, registered by id."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.blueprint import Blueprint, check_schema
from kanister_kafka.checks import functions, phases, templates  # noqa: F401 - they register
from kanister_kafka.checks.registry import CHECKS, Check, Finding, Settings
from kanister_kafka.problem import Problem

__all__ = ["CHECKS", "Check", "Finding", "Settings", "check_blueprint"]


def check_blueprint(blueprint: Blueprint, settings: Settings) -> Iterator[Problem]:
    """Yield all that is wrong with one Blueprint."""
    yield from check_schema(blueprint.document.root)
    for check in CHECKS.values():
        for found in check.find(blueprint, settings):
            yield Problem(check.id, check.severity, found.location, found.path, found.message)
