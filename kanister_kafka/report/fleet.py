"""Fleets as a table with a line for each cluster, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from kanister_kafka.fleet import Outcome
from kanister_kafka.options import duration
from kanister_kafka.problem import Severity

HEADER = ("KAFKA", "BLUEPRINT", "STRATEGY", "ENGINE", "NODES", "WRITERS", "AT MOST", "WARNINGS")


def fleet_text(outcomes: Sequence[Outcome]) -> str:
    """Return a table: what is backed up, how, and how long its longest action may take."""
    rows = [HEADER, *(_row(outcome) for outcome in outcomes if outcome.key)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
    lines = ("   ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


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
