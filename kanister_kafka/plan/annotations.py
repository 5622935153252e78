"""Which annotations each object bears."""

from __future__ import annotations

from kanister_kafka.plan.model import Plan
from kanister_kafka.plan.origin import origin

Pairs = tuple[tuple[str, str], ...]


def annotations_of(plan: Plan, kind: str) -> Pairs:
    """Return what an object of this kind bears, sorted by key; a site's own go before ours."""
    ours = dict(origin(plan)) if kind == "Blueprint" else {}
    return tuple(sorted((ours | dict(plan.annotations)).items()))
