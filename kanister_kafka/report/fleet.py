"""Fleets as a table with a line for each cluster, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from kanister_kafka.fleet import Outcome
from kanister_kafka.options import duration
from kanister_kafka.problem import Severity
from kanister_kafka.report.columns import columns

HEADER = ("KAFKA", "BLUEPRINT", "STRATEGY", "ENGINE", "NODES", "WRITERS", "AT MOST", "WARNINGS")


def fleet_text(outcomes: Sequence[Outcome], width: int = 0) -> str:
    """Return a table: what is backed up, how, and how long its longest action may take.

    With a width, in places of a terminal, long names are broken into lines.
    """
    rows = [HEADER, *(_row(outcome) for outcome in outcomes if outcome.key)]
    return columns(rows, width=width)


def fleet_json(outcomes: Sequence[Outcome]) -> str:
    """Return a list with an object for each cluster; times are in seconds."""
    return json.dumps([_tree(o) for o in outcomes if o.key], indent=2, ensure_ascii=False) + "\n"


def _row(outcome: Outcome) -> tuple[str, ...]:
    row = outcome.row
    if row is None:
        return (str(outcome.key), "(none: see the errors)", *[""] * (len(HEADER) - 2))
    return (
        str(outcome.key),
        row.blueprint,
        row.strategy,
        row.engine,
        str(row.nodes),
        str(row.writers),
        duration(row.longest),
        str(_warnings(outcome)),
    )


def _tree(outcome: Outcome) -> dict[str, object]:
    row = outcome.row
    planned = (
        {
            "blueprint": row.blueprint,
            "strategy": row.strategy,
            "engine": row.engine,
            "nodes": row.nodes,
            "writers": row.writers,
            "longestSeconds": row.longest,
        }
        if row
        else {}
    )
    problems = [problem.fields() for problem in outcome.problems]
    return {"kafka": str(outcome.key), "isPlanned": bool(row), **planned, "problems": problems}


def _warnings(outcome: Outcome) -> int:
    return sum(problem.severity is Severity.WARNING for problem in outcome.problems)
