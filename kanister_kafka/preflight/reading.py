"""What reading and planning found wrong, as lines."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.preflight.model import Level, Line
from kanister_kafka.preflight.registry import check
from kanister_kafka.preflight.view import View
from kanister_kafka.problem import Problem, Severity

LEVELS = {
    Severity.ERROR: Level.PROBLEM,
    Severity.WARNING: Level.WARNING,
    Severity.INFO: Level.OK,
}
TOLD_ELSEWHERE = (
    "autoscaled",
    "delete-claim",
    "ephemeral-storage",
    "hook-timeout",
    "metadata-migration",
    "paused",
    "tiered-storage",
    "unpinned-version",
)
"""Ids of `docs/checks.md` that a check of this room tells itself."""


def told(view: View, *ids: str) -> Iterator[Line]:
    """Yield what reading and planning said under these ids."""
    for problem in view.problems:
        if problem.check in ids:
            yield _line(problem)


@check("reading")
def reading(view: View) -> Iterator[Line]:
    """Check that whatever else reading and planning found."""
    for problem in view.problems:
        if problem.check not in TOLD_ELSEWHERE:
            yield _line(problem)


@check("plan")
def plan(view: View) -> Iterator[Line]:
    """Check that a backup can be planned at all."""
    if view.planned is None:
        yield Line(
            level=Level.PROBLEM,
            what="no backup can be planned, so rights, drift and time-outs were not looked at",
            remedy="mend the problems of the custom resources first",
        )


def _line(problem: Problem) -> Line:
    path = f", {problem.path}" if problem.path else ""
    return Line(
        level=LEVELS[problem.severity],
        what=f"{problem.location}{path}: {problem.message}",
        remedy=f"kanister-kafka explain {problem.check}",
        objects=(problem.location.source.replace("/", " ", 1),),
    )
