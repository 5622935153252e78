"""What an apply would change, in the manner of `kubectl diff`."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterable
from typing import Any

from kanister_kafka.document.dump import dump
from kanister_kafka.install.target import target
from kanister_kafka.install.trial import Trial
from kanister_kafka.kube.connection import Object

SERVERS_OWN = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")
"""Metadata that the API server writes."""


def diff(trials: Iterable[Trial], pruned: Iterable[Object] = ()) -> str:
    """Return a unified diff of the live objects against what the server would make of them.

    Objects that would be pruned are taken away as a whole. Empty where nothing differs.
    """
    lines: list[str] = []
    for trial in trials:
        # A RoleBinding cannot be tried before its Role is there: then it is new as it is wanted.
        after = trial.result if trial.result is not None else trial.wanted
        lines += _diff(trial.live, after)
    for item in pruned:
        lines += _diff(item, None)
    return "".join(lines)


def _diff(before: Object | None, after: Object | None) -> Iterable[str]:
    place = target(before or after or {})
    name = f"{place.namespace}/{place}" if place.namespace else f"{place}"
    return difflib.unified_diff(_text(before), _text(after), f"live/{name}", f"applied/{name}")


def _text(item: Object | None) -> list[str]:
    """Return an object as sorted YAML, without what the API server writes of its own."""
    if item is None:
        return []
    told = copy.deepcopy(item)
    told.pop("status", None)
    for key in SERVERS_OWN:
        told["metadata"].pop(key, None)
    return dump(_sorted(told)).splitlines(keepends=True)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
