"""What is wrong with a Blueprint beyond its text: one function a check, registered by id."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.blueprint import Blueprint, check_schema
from kanister_kafka.checks import (  # noqa: F401 - they register
    actionsets,
    arguments,
    combinations,
    functions,
    gitops,
    images,
    inputs,
    kando,
    kasten,
    keys,
    kubeops,
    phases,
    pipelines,
    pods,
    scaling,
    scripts,
    side_by_side,
    templates,
    waits,
    workloads,
)
from kanister_kafka.checks.registry import (
    CHECKS,
    CHECKS_TOGETHER,
    Check,
    CheckTogether,
    Finding,
    Settings,
    Together,
)
from kanister_kafka.problem import Problem, Severity

__all__ = [
    "CHECKS",
    "CHECKS_TOGETHER",
    "Check",
    "CheckTogether",
    "Finding",
    "Settings",
    "Together",
    "check_blueprint",
    "check_input",
]


def check_blueprint(
    blueprint: Blueprint, settings: Settings, least: Severity = Severity.INFO
) -> Iterator[Problem]:
    """Yield all that is wrong with one Blueprint and as bad as `least`."""
    yield from check_schema(blueprint.document.root)
    for check in CHECKS.values():
        if not check.severity.reaches(least):
            continue
        for found in check.find(blueprint, settings):
            yield Problem(check.id, check.severity, found.location, found.path, found.message)


def check_input(
    together: Together, settings: Settings, least: Severity = Severity.INFO
) -> Iterator[Problem]:
    """Yield what is wrong with the objects of one run as they stand side by side."""
    for check in CHECKS_TOGETHER.values():
        if not check.severity.reaches(least):
            continue
        for found in check.find(together, settings):
            yield Problem(check.id, check.severity, found.location, found.path, found.message)
