"""Fields of objects as the API server gives them, absent ones included."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kanister_kafka.preflight.model import Object


def at(item: Object, *keys: str) -> Any:
    """Go down by keys; None where the path ends early."""
    here: Any = item
    for key in keys:
        here = here.get(key) if isinstance(here, dict) else None
    return here


def name_of(item: Object) -> str:
    """Return the name of an object."""
    return str(at(item, "metadata", "name") or "")


def title(item: Object) -> str:
    """Return `Kind namespace/name`, or `Kind name` for an object of the whole cluster."""
    namespace = at(item, "metadata", "namespace")
    place = f"{namespace}/" if namespace else ""
    return f"{item.get('kind', 'object')} {place}{name_of(item)}"


def titles(items: Iterable[Object]) -> tuple[str, ...]:
    """Return the titles of several objects."""
    return tuple(title(item) for item in items)


def label(item: Object, key: str) -> str:
    """Return a label; empty where it is not set."""
    return str(at(item, "metadata", "labels", key) or "")


def annotation(item: Object, key: str) -> str:
    """Return an annotation; empty where it is not set."""
    return str(at(item, "metadata", "annotations", key) or "")


def condition(item: Object, kind: str) -> Object:
    """Return a condition of the status by its type; an empty object where there is none."""
    for found in at(item, "status", "conditions") or ():
        if found.get("type") == kind:
            return dict(found)
    return {}


def is_true(item: Object, kind: str) -> bool:
    """Tell whether a condition is there and True."""
    return condition(item, kind).get("status") == "True"


def is_taken_in(item: Object) -> bool:
    """Tell whether the operator has seen the object as it is now."""
    observed = at(item, "status", "observedGeneration")
    return observed is not None and observed >= (at(item, "metadata", "generation") or 0)


def few(texts: Iterable[str], most: int = 5) -> str:
    """Join texts with commas; what is beyond `most` is counted only."""
    listed = list(texts)
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")
